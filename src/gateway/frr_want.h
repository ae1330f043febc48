/* SPDX-License-Identifier: Apache-2.0 */
/* What is wanted of bgpd, as the lines it would print.  Pure; of
 * frr_config.c only. */
#ifndef VX_GATEWAY_FRR_WANT_H
#define VX_GATEWAY_FRR_WANT_H

#include "gateway/frr_config.h"
#include "gateway/frr_text.h"

enum { VX_GW_FRR_PEER_MAX = VX_IP_STRLEN };

/* Lines of the block itself, not of its neighbors, that are written into a
 * block that is ours. */
void vx_gw_frr_want_fixed(const struct vx_gw_frr_want *want,
                          const struct vx_ip *router_id,
                          struct vx_gw_frr_block *block);
/* Redistribution of a tenant's VRF. */
void vx_gw_frr_want_routes(const struct vx_gw_frr_want *want,
                           struct vx_gw_frr_block *block);
/* The lists of prefixes that a VRF's neighbors may not say. */
void vx_gw_frr_want_subnets(const struct vx_gw_frr_vrf *vrf,
                            struct vx_gw_frr_text *text);
/* A CE's neighbor, its route-maps and prefix-lists. */
void vx_gw_frr_want_peering(const struct vx_gw_frr_want *want,
                            const struct vx_gw_frr_vrf *vrf,
                            const struct vx_peering *peering,
                            struct vx_gw_frr_text *text,
                            struct vx_gw_frr_block *block);
/* The same of a fabric-wide peer of the reflector. */
void vx_gw_frr_want_uplink(const struct vx_gw_frr_want *want,
                           const struct vx_peering *uplink,
                           struct vx_gw_frr_text *text,
                           struct vx_gw_frr_block *block);
/* how: what follows in its description, which says whose the block is. */
void vx_gw_frr_want_speaker(const struct vx_gw_frr_want *want,
                            const char *how,
                            struct vx_gw_frr_block *block);
/* Why the peering cannot be configured, NULL if it can; to be freed. */
char *vx_gw_frr_want_check(const struct vx_gw_frr_want *want,
                           const struct vx_peering *peering);

#endif
