/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what has changed in the entries: derives what an entry wanted
 * before and wants now (wanted.h), and tells zebra and the speaker the
 * difference.  A piece at a time, so that the loop goes on.
 *
 *   entries (dirty) -> wanted: old, new -> ops
 *
 * Withdrawals come before announcements, since entries that are gone are
 * taken first.  Entries may ask for the same: a FlowSpec rule, which has no
 * tenant in its key, or what belonged to another tenant until its VNI or RD
 * passed on.  The first has it (claims.h), the other is not in force, and says
 * why, until the first lets go. */
#ifndef VX_GATEWAY_APPLY_H
#define VX_GATEWAY_APPLY_H

#include "gateway/entries.h"
#include "gateway/wanted.h"

struct vx_gw_apply;

struct vx_gw_apply_ops {
    void (*route_set)(void *aux, const char *vrf, const struct bg_want *want,
                      uint64_t token);
    void (*route_unset)(void *aux, const char *vrf,
                        const struct bg_want *key, uint64_t token);
    void (*bgp_set)(void *aux, const struct bg_nlri *nlri,
                    const struct bg_attrs *attrs, uint64_t token);
    void (*bgp_unset)(void *aux, const struct bg_nlri *nlri, uint64_t token);
    /* A gateway, tenant or peering is new, other or gone (value NULL): for
     * node.h.  Called before the entry is forgotten. */
    void (*node)(void *aux, const struct vx_gw_entry *entry);
    /* A prefix or policy is announced or withdrawn; for the log. */
    void (*told)(void *aux, const struct vx_gw_entry *entry, bool announced);
    const char *(*leg)(void *aux, uint32_t vni);    /* interface in the VRF */
};

/* ops is not copied. */
struct vx_gw_apply *vx_gw_apply_new(struct vx_gw_entries *entries,
                                    const struct vx_gw_apply_ops *ops,
                                    void *aux);
void vx_gw_apply_free(struct vx_gw_apply *apply);

/* Withholds the prefixes, why; NULL: no more.  They are marked dirty. */
void vx_gw_apply_hold(struct vx_gw_apply *apply, const char *why);

/* Carries out up to max dirty entries.  True if all is carried out. */
bool vx_gw_apply_some(struct vx_gw_apply *apply, uint64_t token, size_t max);

/* Whether an entry has told the speaker this route. */
bool vx_gw_apply_tells(const struct vx_gw_apply *apply,
                       const struct bg_nlri *nlri);

#endif
