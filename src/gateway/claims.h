/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a route: of a VRF of zebra's, or of the speaker's.  What several
 * entries want under one key (a FlowSpec rule has no tenant in it; a VNI or an
 * RD passes from one tenant to another) the first has, until it lets go.
 *
 *   apply -> claim, release: whether to tell zebra or the speaker
 *
 * O(log n) in the routes that are claimed. */
#ifndef VX_GATEWAY_CLAIMS_H
#define VX_GATEWAY_CLAIMS_H

#include "gateway/entries.h"
#include "gateway/wanted.h"

struct vx_gw_claims;

struct vx_gw_claims *vx_gw_claims_new(void);
void vx_gw_claims_free(struct vx_gw_claims *claims);

/* Whose item's route is from now on: entry, or who has it already. */
const struct vx_gw_entry *vx_gw_claims_take(struct vx_gw_claims *claims,
                                            const struct vx_gw_item *item,
                                            const struct vx_gw_entry *entry);
/* Whether it was entry's; it is nobody's then. */
bool vx_gw_claims_release(struct vx_gw_claims *claims,
                          const struct vx_gw_item *item,
                          const struct vx_gw_entry *entry);
/* Whether any entry has this route of the speaker's. */
bool vx_gw_claims_has(const struct vx_gw_claims *claims,
                      const struct bg_nlri *nlri);
/* Whether since the last call something was released that another wanted. */
bool vx_gw_claims_are_freed(struct vx_gw_claims *claims);

#endif
