/* SPDX-License-Identifier: Apache-2.0 */
/* Router advertisements: who gets one, and when.
 *
 *   asked (solicitation) ------------------> at once, to who asks
 *   plugged (port active) -----------------> soon, to its tap
 *   subnet or MTU changed, once an hour ---> to the taps of the network, one
 *                                            after the other
 *
 * A network with a routed IPv6 subnet advertises; one that has none any more
 * says so once (router lifetime 0) and is silent.  They go straight to the
 * tap: a guard drops those of others, and the fabric carries none.
 *
 * Cost: O(log n) a port; at most VX_RADV_RATE leave in a second, the rest
 * waits. */
#ifndef VX_DAEMON_ROUTER_ADV_H
#define VX_DAEMON_ROUTER_ADV_H

#include "core/fabric.h"
#include "core/model.h"
#include "core/punt.h"

struct event_base;
struct vx_punt_tap;
struct vx_radv;

enum {
    VX_RADV_RATE = 2000,
    VX_RADV_REFRESH_S = 3600,
};

struct vx_radv_env {
    void *ctx;
    struct event_base *base;
    const struct vx_model *model;
    const struct vx_fabric *fabric;
    bool (*may_send)(void *ctx, uint64_t host);
    void (*send)(void *ctx, const struct vx_punt_tap *tap,
                 const uint8_t *frame, size_t size);
    int64_t (*mono_ms)(void);
};

struct vx_radv *vx_radv_new(const struct vx_radv_env *env);
void vx_radv_free(struct vx_radv *radv);

/* All networks of the model get their turn within the hour: who is there has
 * heard of an earlier controller.  O(subnets). */
void vx_radv_start(struct vx_radv *radv);
/* A subnet or network was committed; may be told of any object. */
void vx_radv_change(struct vx_radv *radv, const struct vx_obj *old,
                    const struct vx_obj *new);
void vx_radv_plugged(struct vx_radv *radv, uint64_t port);
/* A frame that was punted for it. */
void vx_radv_solicited(struct vx_radv *radv, const struct vx_punt_tap *tap,
                       const struct vx_punted *punted);

uint64_t vx_radv_n_sent(const struct vx_radv *radv);

#endif
