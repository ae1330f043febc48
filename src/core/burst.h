/* SPDX-License-Identifier: Apache-2.0 */
/* Bursts: a budget (a meter) on a host that drops packets.
 *
 *   quiet --drops in a sample--> active --no drops in three--> over
 *
 * A burst is told when it begins and when it is over, not in between; at most
 * VX_BURSTS_MAX are active at once, what is beyond is only counted.  Those
 * that are over are kept for a while, to be looked at.  Pure: samples come
 * from counts.h, whose meter it is says the shell. */
#ifndef VX_CORE_BURST_H
#define VX_CORE_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/counts.h"
#include "core/flow.h"
#include "core/pipeline.h"

enum {
    VX_BURSTS_MAX = 1000,       /* active at once */
    VX_BURSTS_KEPT = 100,       /* that are over */
    VX_BURST_QUIET = 3,         /* samples without drops that end it */
};

struct vx_burst {
    uint64_t id;
    uint64_t host;              /* oid */
    uint32_t meter;
    bool over;
    unsigned n_quiet;           /* samples */
    int64_t since_ms;           /* the sample before its first drops */
    int64_t last_ms;            /* the last sample with drops */
    uint64_t dropped;           /* packets */
    uint64_t packets, bytes;    /* offered, from since_ms to last_ms */
    uint64_t object;            /* oid, 0 = unknown; for the shell */
};

static inline enum vx_meter_kind
vx_meter_kind_of(uint32_t meter)
{
    return meter >> 24 < VX_N_METER_KINDS ? (enum vx_meter_kind) (meter >> 24)
                                          : VX_METER_NONE;
}

/* "out_kbps", "tenant", ... */
const char *vx_meter_kind_name(enum vx_meter_kind kind);
enum vx_tier vx_meter_tier(enum vx_meter_kind kind);

struct vx_bursts;

struct vx_bursts *vx_bursts_new(void);
void vx_bursts_free(struct vx_bursts *bursts);

/* All meters of one bridge; counts are deltas, sorted by key
 * (vx_tally_take). */
struct vx_burst_sample {
    uint64_t host;
    enum vx_tier tier;
    int64_t from_ms, now_ms;    /* what the deltas are of */
    const struct vx_count *counts;
    size_t n;
};
/* begun and over are called for bursts that begin (and may note the object),
 * and that are over.  O(n + active of the host). */
struct vx_burst_told {
    void *aux;
    void (*begun)(void *aux, struct vx_burst *burst);
    void (*over)(void *aux, const struct vx_burst *burst);
};
void vx_bursts_take(struct vx_bursts *bursts,
                    const struct vx_burst_sample *sample,
                    const struct vx_burst_told *told);
/* The host is gone: all of its bursts are over. */
void vx_bursts_away(struct vx_bursts *bursts, uint64_t host,
                    const struct vx_burst_told *told);

/* Active ones by host and meter, then those that are over, the last first. */
void vx_bursts_each(const struct vx_bursts *bursts,
                    void (*f)(void *aux, const struct vx_burst *burst),
                    void *aux);

struct vx_burst_counters {
    size_t n_active;
    uint64_t n_begun, n_left_out;       /* left out: samples with drops */
    uint64_t dropped[VX_N_METER_KINDS]; /* packets */
};
void vx_bursts_counters(const struct vx_bursts *bursts,
                        struct vx_burst_counters *ret_counters);

#endif
