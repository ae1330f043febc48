/* SPDX-License-Identifier: Apache-2.0 */
/* The last state told by the controller, in a file, so that a vxgatewayd that
 * starts while the controller is away goes on announcing.  The file is a feed
 * (feed_codec.h): hello, entries, sync; mode 0600, for it has passwords in it.
 *
 * Written some seconds after a change, a piece at a time, to a new file that
 * then takes the old one's place.  What changes while it is written may be in
 * it or not: its sync is what was known when the writing began, so the
 * controller tells the rest. */
#ifndef VX_GATEWAY_KEEP_H
#define VX_GATEWAY_KEEP_H

#include "gateway/entries.h"

struct event_base;
struct vx_gw_feed;
struct vx_gw_keep;

/* path is copied. */
struct vx_gw_keep *vx_gw_keep_new(struct event_base *base, const char *path,
                                  struct vx_gw_entries *entries,
                                  const struct vx_gw_feed *feed);
/* Writes what is not written yet.  NULL is fine. */
void vx_gw_keep_free(struct vx_gw_keep *keep);

/* Feeds the file to feed; false if there is none, or none that can be
 * read. */
bool vx_gw_keep_load(const char *path, struct vx_gw_feed *feed);
/* A sync has brought something new. */
void vx_gw_keep_touch(struct vx_gw_keep *keep);

#endif
