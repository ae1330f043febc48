/* SPDX-License-Identifier: Apache-2.0 */
/* Next hops: which are asked whether they live, and what they answered.
 *
 *   fabric --hop--> ports that routes and policies lead to
 *                     |  every interval: ARP request or neighbour
 *                     |  solicitation of the gateway, to the port's tap
 *   packet-in <-------+
 *     \--> core/health.h --> fabric: alive or dead;  event, log, metric
 *
 * Health is a port's, whichever of its addresses are next hops: any answer is
 * one.  While its host cannot be asked (not ready) a port keeps the health it
 * had.  What the fabric says from within a change is only noted here.
 *
 * Cost: O(log n) per next hop and interval; nothing per other port. */
#ifndef VX_DAEMON_HEALTH_H
#define VX_DAEMON_HEALTH_H

#include "core/fabric.h"
#include "core/model.h"

struct event_base;
struct vx_hops;
struct vx_punt_tap;

struct vx_hops_env {
    void *ctx;
    struct event_base *base;
    const struct vx_model *model;
    const struct vx_fabric *fabric;
    unsigned interval_ms;       /* 0: nobody is asked; what has no interface
                                 * is dead, all others are alive */
    bool (*may_send)(void *ctx, uint64_t host);
    /* Grows when the host is heard again, which it is asked for: while it is
     * not, a port's silence says nothing. */
    uint64_t (*pulse)(void *ctx, uint64_t host);
    void (*send)(void *ctx, const struct vx_punt_tap *tap,
                 const uint8_t *frame, size_t size);
    /* why: for a person; NULL: it is a next hop no more, which is no news. */
    void (*changed)(void *ctx, uint64_t port, bool alive, const char *why);
    int64_t (*mono_ms)(void);
};

struct vx_hops *vx_hops_new(const struct vx_hops_env *env);
void vx_hops_free(struct vx_hops *hops);

/* The port is (or is not any more) a next hop by this address. */
void vx_hops_used(struct vx_hops *hops, uint64_t port,
                  const struct vx_ip *ip, bool used);
/* Its interface may have come or gone. */
void vx_hops_touched(struct vx_hops *hops, uint64_t port);
/* As struct vx_punts_env.alive. */
void vx_hops_answered(struct vx_hops *hops, uint64_t port,
                      const struct vx_ip *ip);

/* True of all that are no next hops, too. */
bool vx_hops_is_alive(const struct vx_hops *hops, uint64_t port);

struct vx_hops_counters {
    uint64_t n_asked, n_answered;
    size_t n_hops, n_dead;      /* ports */
};
void vx_hops_get_counters(const struct vx_hops *hops,
                          struct vx_hops_counters *ret_counters);

#endif
