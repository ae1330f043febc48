/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: every host is asked again and again what its rows and meters have
 * counted.
 *
 *   due, or wanted fresh --> br-tenant 50 -> br-fabric 6, 30, 60
 *     -> br-tenant 30, with legs 32 -> meters of both -> sums, rates, bursts
 *
 * Few hosts at a time, spread over the interval, one request after the other,
 * big tables in parts with pauses, never while a switch is being dumped for
 * something else.  What is made of it is pure: core/counts.h, locality.h,
 * burst.h.  Nothing is stored: a controller that starts counts from 0. */
#ifndef VX_DAEMON_COUNTERS_H
#define VX_DAEMON_COUNTERS_H

#include "api/counters.h"
#include "core/burst.h"
#include "core/locality.h"
#include "core/model.h"

struct event_base;
struct vx_counters;
struct vx_hosts;

struct vx_counters_env {
    void *ctx;
    struct event_base *base;
    const struct vx_model *model;
    const struct vx_hosts *hosts;
    uint32_t interval_ms;       /* 0 = only when somebody asks */
    uint32_t port_bum_pps;      /* budget of ports that name none */
    int64_t (*mono_ms)(void);
    int64_t (*wall_ms)(void);
    /* A burst begins (active), or is over. */
    void (*burst)(void *ctx, const struct vx_api_burst *burst);
};

struct vx_counters *vx_counters_new(const struct vx_counters_env *env);
/* After the hosts. */
void vx_counters_free(struct vx_counters *counters);
/* The object is deleted. */
void vx_counters_forget(struct vx_counters *counters, uint64_t oid);

const struct vx_api_counters *vx_counters_api(struct vx_counters *counters);
const struct vx_locality *vx_counters_locality(
    const struct vx_counters *counters);

struct vx_counters_facts {
    uint64_t n_turns;           /* of hosts, that came to their end */
    uint64_t n_broken;          /* that did not */
    struct vx_burst_counters bursts;
};
void vx_counters_facts(const struct vx_counters *counters,
                       struct vx_counters_facts *ret_facts);

#endif
