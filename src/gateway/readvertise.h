/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant's peers tell is told to the fabric's peers, if their peering
 * says "readvertise": as VPNv4/v6 and EVPN type 5, as an announced prefix.
 * Pure.
 *
 *   zebra's routes of BGP per VRF + entries -> ops -> speaker
 *
 * Never what is within the tenant's own subnets, and never what is announced
 * anyway: that route is the entry's that has claimed it (claims.h).
 *
 * Cost: the tenant's peerings, prefixes and networks, per route. */
#ifndef VX_GATEWAY_READVERTISE_H
#define VX_GATEWAY_READVERTISE_H

#include "bgp/zebra_session.h"
#include "gateway/entries.h"
#include "gateway/wanted.h"

struct vx_gw_readvertise;

struct vx_gw_readvertise_ops {
    void (*set)(void *aux, const struct bg_nlri *nlri,
                const struct bg_attrs *attrs);
    void (*unset)(void *aux, const struct bg_nlri *nlri);
    /* It is an entry's: neither set nor unset by us. */
    bool (*is_claimed)(void *aux, const struct bg_nlri *nlri);
    /* For the log: why it is told (the peering), or that it is no more. */
    void (*told)(void *aux, const char *vrf, const struct vx_prefix *prefix,
                 const char *peering, bool on);
};

/* ops is not copied. */
struct vx_gw_readvertise *
vx_gw_readvertise_new(struct vx_gw_entries *entries,
                      const struct vx_gw_readvertise_ops *ops, void *aux);
void vx_gw_readvertise_free(struct vx_gw_readvertise *r);   /* NULL is fine */

/* As zebra tells; at any time. */
void vx_gw_readvertise_learned(struct vx_gw_readvertise *r,
                               const struct bg_learned *route);
void vx_gw_readvertise_gone(struct vx_gw_readvertise *r, const char *vrf,
                            const struct vx_prefix *prefix);
/* The entries have changed and are carried out. */
void vx_gw_readvertise_all(struct vx_gw_readvertise *r);
/* Nothing is told while on. */
void vx_gw_readvertise_hold(struct vx_gw_readvertise *r, bool on);
/* How many are told. */
size_t vx_gw_readvertise_count(const struct vx_gw_readvertise *r);

#endif
