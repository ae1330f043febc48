/* SPDX-License-Identifier: Apache-2.0 */
/* The change stream: who committed what, and what became of it.
 *
 *   daemon --vx_watch_change/status/event--> ring --> subscribers
 *                                             ^ journal (store) for what the
 *                                               ring no longer has
 *
 * A line is one JSON object and '\n':
 *   {"revision":7,"time":"...","op":"PUT","path":"/v1/...","body":{...}}
 *   {"revision":8,"time":"...","op":"DELETE","path":"/v1/..."}
 *   {"revision":8,"op":"live"}            the past is told, now it is live
 *   {"revision":8,"op":"status","path":"...","status":"active","reason":"",
 *    "reachable_at":"..."}                 the last of a port, once known
 *   {"revision":8,"op":"event","event":"vni-exhaustion",...}
 *   {"revision":8,"op":"heartbeat"}
 * `revision` of a line is where to resume after it: since=REVISION.  Lines of
 * one revision may be cut apart by a broken connection; a client resumes with
 * the revision before the last one it saw change, or takes repeated PUTs as
 * they are: idempotent.  Only changes are replayed; status is level-triggered
 * and read by GET after "live".
 *
 * Memory is bounded: the ring by bytes, a subscriber by what was written and
 * not sent.  A slow one falls back from the ring to the journal; it is cut
 * when the journal has moved on, or (by the server) when it reads nothing for
 * a while.  No I/O here: subscribers write by callbacks. */
#ifndef VX_API_WATCH_H
#define VX_API_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct vx_watch;
struct vx_watch_sub;

struct vx_watch_config {
    size_t ring_bytes;          /* 0 = 4 MiB */
    size_t sub_bytes;           /* unsent per subscriber, but for one line;
                                 * 0 = 256 KiB */
    size_t max_subs;            /* 0 = 64 */
};

/* revision: what the store was loaded with; older ones are in the journal. */
struct vx_watch *vx_watch_new(const struct vx_watch_config *config,
                              uint64_t revision);
void vx_watch_free(struct vx_watch *watch);     /* cuts the subscribers */

/* --- The daemon tells, after the commit, in commit order. */

/* body: JSON of the object or NULL. */
void vx_watch_change(struct vx_watch *watch, uint64_t revision,
                     int64_t time_ms, const char *op, const char *path,
                     const char *body);
/* All lines up to this revision were told; also for revisions without
 * visible change. */
void vx_watch_committed(struct vx_watch *watch, uint64_t revision);
/* reachable_at_ms: of a port, wall clock, 0 = not known. */
void vx_watch_status(struct vx_watch *watch, const char *path,
                     const char *status, const char *reason,
                     int64_t reachable_at_ms);
/* members: more members of the line without braces, "\"free\":0", or NULL. */
void vx_watch_event(struct vx_watch *watch, const char *event,
                    const char *members);
/* Every some seconds; keeps connections and proxies awake. */
void vx_watch_heartbeat(struct vx_watch *watch);

uint64_t vx_watch_revision(const struct vx_watch *watch);
size_t vx_watch_n_subs(const struct vx_watch *watch);

/* --- A subscriber (the HTTP handler). */

typedef bool vx_watch_line_cb(void *aux, const char *line, size_t size,
                              uint64_t revision);

struct vx_watch_sink {
    void *aux;
    /* Bytes taken but not yet sent. */
    size_t (*pending)(void *aux);
    void (*write)(void *aux, const char *data, size_t size);
    /* The subscription is over (too slow, shutdown); it is freed when this
     * returns. */
    void (*end)(void *aux, const struct vx_error *why);
    /* Lines of the journal with revision > since, as vx_store_journal. */
    bool (*journal)(void *aux, uint64_t since, size_t max_lines,
                    vx_watch_line_cb *line, void *line_aux,
                    struct vx_error *err);
};

/* VX_GONE if since is ahead of the present or older than ring and journal;
 * VX_BUSY if there are max_subs.  Writes from within vx_watch_pump only. */
bool vx_watch_subscribe(struct vx_watch *watch, uint64_t since,
                        const struct vx_watch_sink *sink,
                        struct vx_watch_sub **ret_sub, struct vx_error *err);
/* The subscriber can take more; call once after subscribing and whenever
 * what it took has been sent. */
void vx_watch_pump(struct vx_watch_sub *sub);
/* The client is gone; end is not called. */
void vx_watch_unsubscribe(struct vx_watch_sub *sub);

/* Appends the line of a change to out: what the journal answers becomes the
 * same bytes as what the ring had. */
struct vx_buf;
void vx_watch_format(struct vx_buf *out, uint64_t revision, int64_t time_ms,
                     const char *op, const char *path, const char *body,
                     size_t size);

#endif
