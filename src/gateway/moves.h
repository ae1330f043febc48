/* SPDX-License-Identifier: Apache-2.0 */
/* Which device each peering is on, so that one that gets another device has
 * its session ended first, over the old one: to bgpd, which knows nothing of
 * devices, nothing has changed, and the peer that is left behind would keep
 * all for its hold time and the restart time.
 *
 *   other device -> moving: bgpd is to forget the neighbor
 *   bgpd has let go of it -> not moving: bgpd is to have it
 *
 * One that is deleted and comes back at once counts as the same.
 *
 * A peering moves, too, when its device gets an IPv6 address while it has an
 * IPv4 session that carries IPv6: bgpd chooses the IPv6 next hop of a session
 * when that comes up, and tells ::ffff:a.b.c.d as long as it lives.  Pure. */
#ifndef VX_GATEWAY_MOVES_H
#define VX_GATEWAY_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/tree.h"

/* Something waits for bgpd to let go of it. */
struct vx_gw_hold {
    bool on;
    int64_t since_ms;           /* of the first change */
    uint64_t number;            /* of the last one: vx_gw_frr_next */
};

void vx_gw_hold(struct vx_gw_hold *hold, int64_t now_ms, uint64_t number);

struct vx_gw_moves {
    struct vx_tree peerings;
};

void vx_gw_moves_init(struct vx_gw_moves *moves);
void vx_gw_moves_fini(struct vx_gw_moves *moves);
struct vx_gw_moves_place {
    const char *device;         /* "" = none */
    bool has_ipv6;              /* the device, or the peering needs none */
};

/* The peering "acme/ce1" is to be there; NULL: it is gone. */
void vx_gw_moves_set(struct vx_gw_moves *moves, const char *key,
                     const struct vx_gw_moves_place *place,
                     const struct vx_gw_hold *now);
bool vx_gw_moves_is_moving(const struct vx_gw_moves *moves, const char *key);

typedef bool vx_gw_is_let_go(const void *aux, const struct vx_gw_hold *hold);
/* What bgpd has let go of moves no more.  True: there was such.  *any: set
 * if some still wait. */
bool vx_gw_moves_let_go(struct vx_gw_moves *moves,
                        vx_gw_is_let_go *is_let_go, const void *aux,
                        bool *any);

#endif
