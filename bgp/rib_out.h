/* SPDX-License-Identifier: Apache-2.0 */
/* What we announce to one peer: the wanted set, what of it the peer has been
 * told, and the UPDATEs in between.  Pure: a session asks for messages when
 * it can send, and says how far they have gone.
 *
 * set/unset cost O(log n).  Routes of equal attributes leave in one UPDATE,
 * withdrawals first.  When a session comes up all is sent again, then
 * End-of-RIB of each family (see bg_rib_out_complete()).
 *
 * Tokens tell the owner how far it is: each change carries one (the seq of
 * the feed entry it comes from, never falling); bg_rib_out_done() is the
 * highest token such that everything up to it has left for the peer. */
#ifndef BG_RIB_OUT_H
#define BG_RIB_OUT_H

#include "bgp/bgp_attr.h"
#include "bgp/bgp_types.h"

struct bg_rib_out;
struct vx_buf;

/* progress (may be NULL): done() has grown; called only from within
 * set, unset, advance and sent. */
struct bg_rib_out *bg_rib_out_new(void (*progress)(void *aux), void *aux);
void bg_rib_out_free(struct bg_rib_out *rib);       /* NULL is fine */

/* Announces, or changes what is announced: the same again is no change, but
 * for its token.  A set after an unset that has not left yet cancels it. */
void bg_rib_out_set(struct bg_rib_out *rib, const struct bg_nlri *nlri,
                    const struct bg_attrs *attrs, uint64_t token);
/* Withdraws; what is not wanted is no change, but for its token. */
void bg_rib_out_unset(struct bg_rib_out *rib, const struct bg_nlri *nlri,
                      uint64_t token);
/* Says that tokens up to this one carry no further change (entries of the
 * feed that are none of ours), so that done() can pass them. */
void bg_rib_out_advance(struct bg_rib_out *rib, uint64_t token);

/* The owner has said all that it wants (its feed has caught up): only from
 * then on End-of-RIB is sent, which makes a peer drop what it kept for us over
 * a restart.  Once is enough. */
void bg_rib_out_complete(struct bg_rib_out *rib);

/* Never falls: a session that is lost and replayed has no effect on what was
 * done before.  While no session is up nothing new becomes done. */
uint64_t bg_rib_out_done(const struct bg_rib_out *rib);
size_t bg_rib_out_count(const struct bg_rib_out *rib, enum bg_family family);
size_t bg_rib_out_unsent(const struct bg_rib_out *rib);

/* Every wanted route, by family and key; is_sent: the peer has been told. */
struct bg_rib_out_view {
    struct bg_nlri nlri;
    struct bg_attrs attrs;
    bool is_sent;
};
void bg_rib_out_each(const struct bg_rib_out *rib,
                     void (*see)(void *aux,
                                 const struct bg_rib_out_view *view),
                     void *aux);

/* --- For bgp_session.c and tests. */

/* changed: there is something to send; called from within set, unset, up and
 * refresh. */
void bg_rib_out_on_changed(struct bg_rib_out *rib, void (*changed)(void *aux),
                           void *aux);
/* All is to be sent; what is of no negotiated family stays unsent and counts
 * as done. */
void bg_rib_out_up(struct bg_rib_out *rib, unsigned families, bool as4);
void bg_rib_out_down(struct bg_rib_out *rib);
void bg_rib_out_refresh(struct bg_rib_out *rib, enum bg_family family);
/* Appends one message; false if there is none to send. */
bool bg_rib_out_next(struct bg_rib_out *rib, struct vx_buf *buf);
/* The last message of next() ends at this offset of the stream. */
void bg_rib_out_mark(struct bg_rib_out *rib, uint64_t offset);
/* The stream has left up to this offset. */
void bg_rib_out_sent(struct bg_rib_out *rib, uint64_t offset);

#endif
