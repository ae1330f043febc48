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
    N_OFPORTS = 8,
    N_GRACES = 16,
    N_ZONES = 2,
    N_TENANTS = 2,
    N_SUBNETS = 12,
    N_PATHS = 5,
    N_LEGS = 2,                 /* of a tenant's router */
    N_EXTERNALS = 2,            /* hosts of other fabrics */
    N_LEARNED = 4,              /* ports on them */
    N_IFACES = N_IDS + N_TENANTS * N_LEGS,
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
    /* gateways.c; the hosts have the oids after N_HOSTS */
    const struct vx_obj *routers[N_TENANTS], *router_subnets[N_TENANTS][2];
    const struct vx_obj *legs[N_TENANTS][N_LEGS];
    const struct vx_obj *externals[N_EXTERNALS], *learned[N_LEARNED];
    unsigned n_from_leg, n_to_leg;      /* packets that arrived */
    uint32_t ofports[N_HOSTS][N_IFACES];
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

/* A slot of the world gets another value; NULL: it goes. */
void change(struct world *w, const struct vx_obj **slot, struct vx_obj *new);

/* The interface of that name has the OpenFlow port; 0: it is gone. */
void plug(struct world *w, unsigned host, unsigned id, uint32_t ofport);

struct tables {
    struct vx_rows tier[N_HOSTS][VX_FABRIC_TIER + 1];
};

typedef unsigned delivered[N_HOSTS][N_OFPORTS + 1];

/* Follows the packet from the host over the underlay; counts[h][tap] are
 * copies that come out. */
void send_packet(struct world *w, const struct tables *t, unsigned host,
                 const struct vx_packet *packet, delivered counts);
/* The tap of port i, 0 = not plugged; the network it is in. */
uint32_t tap_of(struct world *w, unsigned i);
const struct vx_network *net_of(struct world *w, const struct vx_port *port);

/* --- gateways.c: routers' networks, legs, other fabrics. */

void step_gateways(struct world *w);
/* The tenant is about to have another router, or none. */
void router_down(struct world *w, unsigned tenant);
/* Copies of a packet of the tenant that came out at legs; fails on those of
 * another tenant. */
unsigned legs_got(struct world *w, uint64_t tenant, delivered counts);
/* What comes in at legs reaches ports of the tenant only. */
void check_legs(struct world *w, const struct tables *t);
void gateways_unref(struct world *w);

#endif
