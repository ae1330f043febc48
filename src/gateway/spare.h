/* SPDX-License-Identifier: Apache-2.0 */
/* Spare copies of the routes that BGP teaches, in the kernel's table of the
 * same VRF: the same next hops, protocol 118, and the worst metric but a few,
 * so that zebra's own route is used while it is there.
 *
 * A bgpd that is stopped withdraws its routes from zebra before it leaves,
 * and those of a bgpd that comes back are purged too early at times.  CEs go
 * on sending and expect us to (graceful restart); with the spare copies we
 * do.  How long is decided elsewhere: a spare copy is there exactly as long
 * as the route counts as learned (bgp/zebra_session.h).
 *
 * zebra takes the high byte of the metric, 250, for the distance of a route
 * that is not its own: those of BGP are better.  Never more than a limit, per
 * VRF and in all; never outside of the VRF; never with a next hop in another
 * VRF. */
#ifndef VX_GATEWAY_SPARE_H
#define VX_GATEWAY_SPARE_H

#include "bgp/zebra_session.h"

struct event_base;
struct vx_gw_kernel;
struct vx_gw_spares;

enum {
    VX_GW_SPARE_PROTOCOL = 118,
    VX_GW_SPARE_HOPS = 16,          /* with more there is no spare copy */
    VX_GW_SPARES_PER_VRF = 1000,
    VX_GW_SPARES = 20000,
};

struct vx_gw_spares *vx_gw_spares_new(struct event_base *base);
/* Leaves them in the kernel.  NULL is fine. */
void vx_gw_spares_free(struct vx_gw_spares *spares);

/* It is learned, or otherwise than before; it is gone. */
void vx_gw_spares_set(struct vx_gw_spares *spares,
                      const struct bg_learned *route);
void vx_gw_spares_unset(struct vx_gw_spares *spares, const char *vrf,
                        const struct vx_prefix *prefix);
/* All copies are to go. */
void vx_gw_spares_clear(struct vx_gw_spares *spares);

/* What is to be done waits for the kernel part. */
void vx_gw_spares_use(struct vx_gw_spares *spares,
                      const struct vx_gw_kernel *kernel);
/* Carries out all that is to be done, at once. */
void vx_gw_spares_flush(struct vx_gw_spares *spares);
/* Looks at what the kernel has in the VRF: what nobody knows of goes, what is
 * missing comes. */
void vx_gw_spares_audit(struct vx_gw_spares *spares, const char *vrf);
/* Now and then: audits one VRF, the next one each time. */
void vx_gw_spares_tick(struct vx_gw_spares *spares);

size_t vx_gw_spares_count(const struct vx_gw_spares *spares);

#endif
