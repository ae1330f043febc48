/* SPDX-License-Identifier: Apache-2.0 */
/* Follows GET /v1/gateways/G/feed, for ever: resumes where it was (epoch and
 * since), connects again with backoff, and forgets nothing while the
 * controller is away.
 *
 *   hello (full) -> begin     what is not named before the first sync goes
 *   entry        -> entry
 *   sync         -> sync      caught up: carry out
 *
 * A line that cannot be read is named in the log and passed over, and so is
 * an entry whose value cannot be: as it was before, it stays (fail static);
 * refused() tells, for the report.
 *
 * Lines come from the controller or from the file of the last state; both
 * through vx_gw_feed_take(). */
#ifndef VX_GATEWAY_FEED_H
#define VX_GATEWAY_FEED_H

#include "gateway/feed_codec.h"

struct event_base;
struct vx_gw_feed;
struct vx_gw_http;

struct vx_gw_feed_callbacks {
    /* A stream has begun.  full: everything is told again. */
    void (*hello)(void *aux, const char *epoch, bool full);
    /* The value may be taken (set to NULL).  text: the whole line. */
    void (*entry)(void *aux, struct vx_gw_line *line, const char *text,
                  size_t size);
    void (*sync)(void *aux, uint64_t seq);
    /* A line that could not be read.  line: VX_GW_LINE_BAD, or NULL if not
     * even type and key are known. */
    void (*refused)(void *aux, const struct vx_gw_line *line,
                    const struct vx_error *err);
    /* The gateway is to be looked at, and put right. */
    void (*audit)(void *aux, uint64_t nonce, bool repair);
    /* Connected and caught up, or away, and why. */
    void (*state)(void *aux, bool connected, const char *why);
};

struct vx_gw_feed_config {
    struct event_base *base;
    struct vx_gw_http *http;        /* NULL: only vx_gw_feed_take (tests) */
    const char *gateway;            /* name */
    unsigned silence_s;             /* so long without a byte: given up; the
                                     * controller says something each
                                     * second.  0 = 5 */
};

struct vx_gw_feed *vx_gw_feed_new(const struct vx_gw_feed_config *config,
                                  const struct vx_gw_feed_callbacks *cb,
                                  void *aux);
void vx_gw_feed_free(struct vx_gw_feed *feed);      /* NULL is fine */

/* Connects from the loop, and stays so. */
void vx_gw_feed_start(struct vx_gw_feed *feed);

/* Bytes of a stream, in any pieces. */
void vx_gw_feed_take(struct vx_gw_feed *feed, const char *data, size_t size);
/* A stream has ended: what is left of a line is forgotten. */
void vx_gw_feed_cut(struct vx_gw_feed *feed);

/* What it is at: "" and 0 before the first. */
const char *vx_gw_feed_epoch(const struct vx_gw_feed *feed);
uint64_t vx_gw_feed_seq(const struct vx_gw_feed *feed);     /* last sync */
bool vx_gw_feed_is_connected(const struct vx_gw_feed *feed);

struct vx_gw_feed_counts {
    uint64_t n_lines, n_bytes, n_refused, n_connects, n_fulls;
};
void vx_gw_feed_get_counts(const struct vx_gw_feed *feed,
                           struct vx_gw_feed_counts *ret_counts);

#endif
