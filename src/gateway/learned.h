/* SPDX-License-Identifier: Apache-2.0 */
/* What this gateway has heard, as the controller is told of it.  Pure.
 *
 *   zebra's routes of BGP per VRF ----\
 *   EVPN 2, 3, 5 by route target ------> sources -> items -> report
 *   FlowSpec of trusted peers ---------/
 *
 * An item is what the controller calls one thing: a tenant's prefix, a VNI's
 * MAC; a source is one path to it.  Several sources may say the same item: an
 * item is gone with its last source.  Of an endpoint the source with the
 * highest sequence number wins (RFC 7432 7.7), and its addresses are those of
 * all sources of the winner's VTEP.
 *
 * Cost: O(log n) per source. */
#ifndef VX_GATEWAY_LEARNED_H
#define VX_GATEWAY_LEARNED_H

#include "bgp/bgp_attr.h"
#include "bgp/bgp_types.h"
#include "gateway/entries.h"
#include "lib/buf.h"
#include "lib/err.h"

enum vx_gw_learned_type {
    VX_GW_LEARNED_ROUTE,        /* tenant, prefix */
    VX_GW_LEARNED_ROUTE5,       /* and vtep, mac */
    VX_GW_LEARNED_ENDPOINT,     /* vni, mac; ips, vtep, seq */
    VX_GW_LEARNED_VTEP,         /* vni, vtep */
    VX_GW_LEARNED_FLOWSPEC,     /* tenant, rule */
    VX_GW_LEARNED_N_TYPES
};
const char *vx_gw_learned_type_name(enum vx_gw_learned_type type);

/* One source, as plain values; which count depends on the type. */
struct vx_gw_heard {
    enum vx_gw_learned_type type;
    char tenant[VX_NAME_MAX + 1];
    struct vx_prefix prefix;
    struct vx_ip vtep;
    struct vx_mac mac;
    uint32_t vni;
    struct vx_ip ip;            /* ENDPOINT; family 0 = only the MAC */
    uint32_t seq;
    bool sticky;                /* RFC 7432 15: it does not move */
    char from[VX_NAME_MAX + 1]; /* the peering; "" = not known */
    char *rule;                 /* FLOWSPEC: JSON; owned by the caller */
};

/* --- From a path to what it means.  False with err: it is left out, why. */

/* One path may be meant for several tenants or networks (several import the
 * same target): each is told, up to max.  *ret_n: how many. */
bool vx_gw_hear(const struct vx_gw_entries *entries,
                const struct bg_nlri *nlri, const struct bg_attrs *attrs,
                struct vx_gw_heard *heard, size_t max, size_t *ret_n,
                struct vx_error *err);

/* Tenants that a path is about, whether it is used or not: those that import
 * its route targets; of a FlowSpec rule without such, those whose announced
 * prefix has its destination.  Appends their names as elements of a JSON
 * array, VX_GW_WHOSE_MAX at most. */
enum { VX_GW_WHOSE_MAX = 8 };
void vx_gw_whose(const struct vx_gw_entries *entries,
                 const struct bg_nlri *nlri, const struct bg_attrs *attrs,
                 struct vx_buf *out);

/* Whether a route target is among those imported: explicitly, exactly; the
 * automatic one (AS:VNI of this gateway) by its VNI, from any AS. */
bool vx_gw_rt_matches(const struct bg_attrs *attrs,
                      const struct bg_ext *imports, size_t n_imports,
                      const struct bg_ext *own_auto, uint32_t vni);

/* The tenant's peering that a next hop of its VRF belongs to: it is the peer;
 * else it is on the network of the peering's device; else it is link-local
 * and of the only peering with that family.  NULL: none. */
const struct vx_gw_entry *
vx_gw_peering_of(const struct vx_gw_entries *entries, const char *tenant,
                 const struct vx_ip *nexthop);

/* --- The table. */

struct vx_gw_learned;

/* changed: an item is new, other than it was, or gone. */
struct vx_gw_learned *vx_gw_learned_new(void (*changed)(void *aux),
                                        void *aux);
void vx_gw_learned_free(struct vx_gw_learned *learned);

/* source: what tells one path from another (bytes).  The same source again
 * replaces what it said. */
void vx_gw_learned_set(struct vx_gw_learned *learned, const void *source,
                       size_t size, const struct vx_gw_heard *heard,
                       size_t n_heard);
void vx_gw_learned_unset(struct vx_gw_learned *learned, const void *source,
                         size_t size);
size_t vx_gw_learned_count(const struct vx_gw_learned *learned,
                           enum vx_gw_learned_type type);

/* --- For report.c. */

/* All is to be told again, as "full". */
void vx_gw_learned_restart(struct vx_gw_learned *learned);

/* Appends up to size bytes of "learned":[...],"gone":[...] of what has not
 * been told; false if there is nothing to tell.  What was appended is under
 * way until taken() or lost(). */
bool vx_gw_learned_next(struct vx_gw_learned *learned, size_t size,
                        struct vx_buf *out);
bool vx_gw_learned_is_dirty(const struct vx_gw_learned *learned);
void vx_gw_learned_taken(struct vx_gw_learned *learned);
void vx_gw_learned_lost(struct vx_gw_learned *learned);
/* Each item as JSON, for the status. */
void vx_gw_learned_each(const struct vx_gw_learned *learned,
                        void (*see)(void *aux, const char *json), void *aux);

#endif
