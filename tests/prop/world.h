/* SPDX-License-Identifier: Apache-2.0 */
/* The world of tests/prop/test_fabric_prop.c: a small fabric, its objects and
 * its switches. */
#ifndef TESTS_PROP_WORLD_H
#define TESTS_PROP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fabric_graph.h"
#include "core/pipeline.h"
#include "core/trace.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

enum {
    N_HOSTS = 5,
    N_NETS = 3,
    N_PORTS = 8,
    N_VNIS = 6,
    N_IDS = 9,
    N_OFPORTS = 6,
    N_GRACES = 16,
    N_ZONES = 2,
    N_TENANTS = 2,
    N_SUBNETS = 12,
    N_PATHS = 5,
};

/* One switch: its rows, sorted by key. */
struct set {
    struct vx_row **rows;
    size_t n, cap;
};

struct world {
    uint64_t seed, random;
    unsigned step;
    struct vx_fabric *fabric;
    const struct vx_obj *hosts[N_HOSTS], *nets[N_NETS], *ports[N_PORTS];
    const struct vx_obj *zones[N_ZONES], *tenants[N_TENANTS];
    const struct vx_obj *subnets[N_SUBNETS], *paths[N_PATHS];
    bool flat;                  /* no zones with borders */
    bool loud;                  /* say all rows */
    unsigned opened;            /* zones, by bit */
    bool port_dead[N_PORTS], host_dead[N_HOSTS];
    unsigned n_routed;          /* routed packets that arrived */
    uint64_t next_oid;
    uint32_t ofports[N_HOSTS][N_IDS];
    struct set sets[N_HOSTS][VX_FABRIC_TIER + 1];
    bool touched[N_HOSTS];
    bool renumbering;
    uint64_t locate_port, locate_host;
    struct vx_grace graces[N_GRACES];   /* a ring; some are forgotten */
    unsigned n_graces, n_second;
    struct vx_place places[N_PORTS];    /* before the step */
    bool port_touched[N_PORTS];
};

#define FAIL(W, ...)                                                    \
    do {                                                                \
        print_error("seed %llu step %u: ",                              \
                    (unsigned long long) (W)->seed, (W)->step);         \
        print_error(__VA_ARGS__);                                       \
        print_error("\n");                                              \
        fail();                                                         \
    } while (0)

uint32_t roll(struct world *w, uint32_t n);
const char *text(const struct vx_row *row);
/* Where the row is, or belongs, in a set. */
size_t find(const struct set *set, const struct vx_row *row,
            bool *ret_found);
/* struct vx_fabric_sink.rows of a world. */
void sink_rows(void *w, const uint64_t *hosts, size_t n_hosts,
               const struct vx_delta *delta);

#endif
