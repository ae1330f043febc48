/* SPDX-License-Identifier: Apache-2.0 */
/* How much of what the fabric's peers say is taken.  Pure.
 *
 * bgpd limits prefixes of unicast and VPN by itself and ends the session; of
 * EVPN and FlowSpec it has no limit.  There paths are counted here, by who
 * said them: those that come after the limit is reached are left out, those
 * that were before stay.
 *
 *   path of the reflector --mark--> peering --count--> taken, or left out
 *
 * The mark is a large community that the route-map of each neighbor puts in
 * the place of all others: the reflector has all peers in one session. */
#ifndef VX_GATEWAY_LIMITS_H
#define VX_GATEWAY_LIMITS_H

#include "bgp/bgp_attr.h"
#include "gateway/entries.h"

/* Of what a peer said: as a tag local to bgpd, and the first number of the
 * mark.  Above the VNIs, which tag our routes in zebra. */
#define VX_GW_HEARD_TAG 4252399718U

/* The other two numbers: the peer's address, of IPv6 a hash of it. */
void vx_gw_peer_mark(const struct vx_ip *peer, uint32_t ret_mark[2]);
/* The fabric-wide peering that a path came by; NULL = not marked, as from a
 * neighbor of an operator's own. */
const struct vx_gw_entry *
vx_gw_marked_peering(const struct vx_gw_entries *entries,
                     const struct bg_attrs *attrs);

struct vx_gw_limits;

struct vx_gw_limits *vx_gw_limits_new(void);
void vx_gw_limits_free(struct vx_gw_limits *limits);    /* NULL is fine */

/* Whether the path is taken.  path: its family and key; peering: the key of
 * the peering.  The same path again: as before, unless the limit or the
 * peering is another.  O(log n). */
bool vx_gw_limits_take(struct vx_gw_limits *limits,
                       const struct bg_nlri *path, const char *peering,
                       size_t limit);
/* It is gone.  True if one that was left out could be taken now. */
bool vx_gw_limits_drop(struct vx_gw_limits *limits,
                       const struct bg_nlri *path);
/* How many of the peering are left out. */
size_t vx_gw_limits_over(const struct vx_gw_limits *limits,
                         const char *peering, enum bg_family family);

#endif
