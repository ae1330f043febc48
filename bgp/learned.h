/* SPDX-License-Identifier: Apache-2.0 */
/* Inside bgp only: the routes that zebra has told of, per VRF name, so that a
 * route that is told again is no news and one that is not told again is.
 * Pure.  O(log n) each, but for what is said of all. */
#ifndef BG_LEARNED_H
#define BG_LEARNED_H

#include "bgp/zebra_session.h"

struct bg_learned_set;

struct bg_learned_set *bg_learned_new(void);
void bg_learned_free(struct bg_learned_set *set);

/* True if it is new, or not as before.  It is not stale any more. */
bool bg_learned_add(struct bg_learned_set *set,
                    const struct bg_learned *route);
/* True if it was known and is forgotten; keep: it is only stale. */
bool bg_learned_remove(struct bg_learned_set *set, const char *vrf,
                       const struct vx_prefix *prefix, bool keep);
/* It is withdrawn, and whether that is meant is to be found out: it stays
 * until that is believed.  The doubt's number (they grow); 0 if it was not
 * known, or is stale or in doubt already. */
uint64_t bg_learned_doubt(struct bg_learned_set *set, const char *vrf,
                          const struct vx_prefix *prefix);
/* Takes out one in doubt by that number or an earlier one; false: none. */
bool bg_learned_believe(struct bg_learned_set *set, uint64_t number,
                        char ret_vrf[BG_VRF_NAME_SIZE],
                        struct vx_prefix *ret_prefix);
/* What is in doubt by a later number is stale. */
void bg_learned_disbelieve(struct bg_learned_set *set, uint64_t number);
/* What is added from now on is fresh; nothing is now.  O(all). */
void bg_learned_begin(struct bg_learned_set *set);
bool bg_learned_is_fresh(const struct bg_learned_set *set, const char *vrf,
                         const struct vx_prefix *prefix);
/* Those of a VRF that are not fresh, into prefixes; how many, at most max.
 * O(that many). */
size_t bg_learned_unsaid(const struct bg_learned_set *set, const char *vrf,
                         struct vx_prefix *prefixes, size_t max);
/* How many in all VRFs.  O(1). */
size_t bg_learned_n_unsaid(const struct bg_learned_set *set);
/* All of a VRF, or of all (NULL), are stale until they are added again. */
void bg_learned_stale(struct bg_learned_set *set, const char *vrf);
/* Takes one stale route out, of the VRF or of any (NULL); false: none. */
bool bg_learned_sweep(struct bg_learned_set *set, const char *vrf,
                      char ret_vrf[BG_VRF_NAME_SIZE],
                      struct vx_prefix *ret_prefix);
size_t bg_learned_count(const struct bg_learned_set *set, size_t *ret_stale);

#endif
