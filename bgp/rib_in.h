/* SPDX-License-Identifier: Apache-2.0 */
/* What one peer has told us: one path per NLRI.  Pure, but for callbacks.
 *
 * When the session is lost the paths stay, marked stale, until the peer has
 * said them again or End-of-RIB says that it will not, or the time the
 * session allows is over.  Own routes (ORIGINATOR_ID is ours) are ignored.
 *
 * Callbacks come from within a call of this header; the RIB must not be
 * changed or freed inside. */
#ifndef BG_RIB_IN_H
#define BG_RIB_IN_H

#include "bgp/bgp_attr.h"
#include "bgp/bgp_types.h"

struct bg_rib_in;

struct bg_rib_in_callbacks {
    /* New, or other attributes or label than before; a path that is only no
     * longer stale is not told. */
    void (*learned)(void *aux, const struct bg_nlri *nlri,
                    const struct bg_attrs *attrs);
    void (*lost)(void *aux, const struct bg_nlri *nlri);
    /* The peer has told all of this family (End-of-RIB, or the time for it is
     * over): nothing stale is left.  May be NULL. */
    void (*complete)(void *aux, enum bg_family family);
};

/* max: paths; further ones are not taken, and counted. */
struct bg_rib_in *bg_rib_in_new(const struct bg_rib_in_callbacks *callbacks,
                                void *aux, size_t max);
void bg_rib_in_free(struct bg_rib_in *rib);     /* silent; NULL is fine */

size_t bg_rib_in_count(const struct bg_rib_in *rib, enum bg_family family);
size_t bg_rib_in_stale(const struct bg_rib_in *rib);
uint64_t bg_rib_in_refused(const struct bg_rib_in *rib);    /* over max */
/* Whether all of the family has been told since the session came up. */
bool bg_rib_in_is_complete(const struct bg_rib_in *rib,
                           enum bg_family family);

struct bg_rib_in_view {
    struct bg_nlri nlri;
    struct bg_attrs attrs;
    bool is_stale;
};
/* By family and key. */
void bg_rib_in_each(const struct bg_rib_in *rib,
                    void (*see)(void *aux, const struct bg_rib_in_view *view),
                    void *aux);
/* False if there is no such path. */
bool bg_rib_in_find(const struct bg_rib_in *rib, const struct bg_nlri *nlri,
                    struct bg_rib_in_view *ret_view);

/* --- For bgp_session.c and tests. */

/* own: the router id whose routes are ours. */
void bg_rib_in_up(struct bg_rib_in *rib, unsigned families,
                  const struct vx_ip *own);
void bg_rib_in_down(struct bg_rib_in *rib);     /* marks all stale */
void bg_rib_in_reach(struct bg_rib_in *rib, const struct bg_nlri *nlri,
                     const struct bg_attrs *attrs);
void bg_rib_in_unreach(struct bg_rib_in *rib, const struct bg_nlri *nlri);
/* Drops the stale ones of the family, and tells complete(). */
void bg_rib_in_end(struct bg_rib_in *rib, enum bg_family family);
/* The time is over: drops all that is stale; families of a session that is up
 * and not yet complete become so. */
void bg_rib_in_expire(struct bg_rib_in *rib);

#endif
