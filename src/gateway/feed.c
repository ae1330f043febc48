/* SPDX-License-Identifier: Apache-2.0 */
/* See feed.h. */
#include "gateway/feed.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { RETRY_MIN_MS = 200, RETRY_MAX_MS = 5000, SILENCE_S = 5 };

struct vx_gw_feed {
    struct vx_gw_feed_config config;
    char *gateway;
    const struct vx_gw_feed_callbacks *cb;
    void *aux;
    struct vx_gw_request *request;
    struct event *timer;
    unsigned retry_ms;

    struct vx_buf line;         /* begun */
    bool overlong;              /* the rest of this line is passed over */
    uint64_t n_line;            /* of this stream, for errors */
    char epoch[VX_GW_EPOCH_MAX + 1];
    uint64_t seq;
    bool greeted;               /* hello of this stream has come */
    bool is_synced;             /* of this stream */
    bool away_told;
    struct vx_gw_feed_counts counts;
};

/* --- Lines. */

static void
refuse(struct vx_gw_feed *feed, const struct vx_gw_line *line,
       const struct vx_error *err)
{
    const char *key = line ? line->key : "";

    feed->counts.n_refused++;
    vx_log_warn("feed", "line %" PRIu64 " of the controller's feed%s%s: %s",
                feed->n_line, *key ? ", " : "", key, err->message);
    feed->cb->refused(feed->aux, line, err);
}

static void
take_hello(struct vx_gw_feed *feed, const struct vx_gw_line *line)
{
    feed->greeted = true;
    feed->is_synced = false;
    snprintf(feed->epoch, sizeof feed->epoch, "%s", line->epoch);
    if (line->full) {
        feed->counts.n_fulls++;
        feed->seq = 0;
    }
    feed->cb->hello(feed->aux, line->epoch, line->full);
}

static void
take_sync(struct vx_gw_feed *feed, uint64_t seq)
{
    feed->seq = seq;
    if (!feed->is_synced) {
        feed->is_synced = true;
        feed->retry_ms = RETRY_MIN_MS;
        if (feed->request) {
            feed->away_told = false;
            feed->cb->state(feed->aux, true, "");
        }
    }
    feed->cb->sync(feed->aux, seq);
}

static void
take_line(struct vx_gw_feed *feed, const char *text, size_t size)
{
    struct vx_gw_line line;
    struct vx_error err;

    feed->n_line++;
    feed->counts.n_lines++;
    if (size && text[size - 1] == '\r') {
        size--;
    }
    if (!size) {
        return;                     /* keep-alive */
    }
    if (!vx_gw_line_parse(text, size, &line, &err)) {
        refuse(feed, NULL, &err);
        return;
    }
    if (line.kind == VX_GW_LINE_HELLO) {
        take_hello(feed, &line);
    } else if (!feed->greeted) {
        vx_fail(&err, VX_INVALID, "hello", "the stream does not begin with "
                "\"hello\": the line is passed over");
        refuse(feed, NULL, &err);
    } else if (line.kind == VX_GW_LINE_SYNC) {
        take_sync(feed, line.seq);
    } else if (line.kind == VX_GW_LINE_ENTRY) {
        feed->cb->entry(feed->aux, &line, text, size);
    } else if (line.kind == VX_GW_LINE_AUDIT) {
        if (feed->cb->audit) {
            feed->cb->audit(feed->aux, line.nonce, line.repair);
        }
    } else if (line.kind == VX_GW_LINE_BAD) {
        refuse(feed, &line, &err);
    }
    vx_gw_line_fini(&line);
}

/* A piece of a line whose end is not there yet. */
static void
keep_piece(struct vx_gw_feed *feed, const char *data, size_t size)
{
    struct vx_error err;

    if (feed->overlong) {
        return;
    }
    if (feed->line.size + size > VX_GW_LINE_MAX) {
        feed->overlong = true;
        vx_buf_clear(&feed->line);
        vx_fail(&err, VX_TOO_LARGE, "", "longer than %d bytes: passed over",
                VX_GW_LINE_MAX);
        feed->n_line++;
        refuse(feed, NULL, &err);
        feed->n_line--;
        return;
    }
    vx_buf_put(&feed->line, data, size);
}

void
vx_gw_feed_take(struct vx_gw_feed *feed, const char *data, size_t size)
{
    const char *end;

    feed->counts.n_bytes += size;
    while ((end = memchr(data, '\n', size))) {
        size_t n = (size_t) (end - data);

        if (feed->line.size || feed->overlong) {
            keep_piece(feed, data, n);
            if (feed->overlong) {
                feed->overlong = false;
                feed->n_line++;
            } else {
                take_line(feed, vx_buf_str(&feed->line), feed->line.size);
            }
            vx_buf_clear(&feed->line);
        } else {
            take_line(feed, data, n);
        }
        data += n + 1;
        size -= n + 1;
    }
    if (size) {
        keep_piece(feed, data, size);
    }
}

void
vx_gw_feed_cut(struct vx_gw_feed *feed)
{
    vx_buf_clear(&feed->line);
    feed->overlong = false;
    feed->greeted = false;
    feed->is_synced = false;
    feed->n_line = 0;
}

/* --- The connection. */

static bool
on_data(void *feed_, const char *data, size_t size)
{
    vx_gw_feed_take(feed_, data, size);
    return true;
}

static void
retry_later(struct vx_gw_feed *feed)
{
    const struct timeval tv = { feed->retry_ms / 1000,
                                (int) (feed->retry_ms % 1000) * 1000 };

    event_add(feed->timer, &tv);
    feed->retry_ms *= 2;
    if (feed->retry_ms > RETRY_MAX_MS) {
        feed->retry_ms = RETRY_MAX_MS;
    }
}

static void
on_done(void *feed_, long status, const char *why)
{
    struct vx_gw_feed *feed = feed_;

    (void) status;
    feed->request = NULL;
    vx_gw_feed_cut(feed);
    if (!feed->away_told) {
        feed->away_told = true;
        feed->cb->state(feed->aux, false,
                        *why ? why : "the controller ended the stream");
    }
    retry_later(feed);
}

static void
connect_now(evutil_socket_t fd, short what, void *feed_)
{
    struct vx_gw_feed *feed = feed_;
    char path[512];
    struct vx_gw_request_spec spec = {
        .path = path, .timeout_s = feed->config.silence_s,
        .data = on_data, .done = on_done, .aux = feed,
    };

    (void) fd;
    (void) what;
    if (feed->request) {
        return;
    }
    vx_gw_feed_cut(feed);
    feed->counts.n_connects++;
    /* Names need no escaping. */
    if (feed->epoch[0]) {
        snprintf(path, sizeof path, "/v1/gateways/%s/feed?epoch=%s&since=%"
                 PRIu64, feed->gateway, feed->epoch, feed->seq);
    } else {
        snprintf(path, sizeof path, "/v1/gateways/%s/feed", feed->gateway);
    }
    feed->request = vx_gw_http_start(feed->config.http, &spec);
}

void
vx_gw_feed_start(struct vx_gw_feed *feed)
{
    static const struct timeval now = { 0, 0 };

    if (feed->config.http) {
        event_add(feed->timer, &now);
    }
}

/* --- Life. */

struct vx_gw_feed *
vx_gw_feed_new(const struct vx_gw_feed_config *config,
               const struct vx_gw_feed_callbacks *cb, void *aux)
{
    struct vx_gw_feed *feed = vx_xcalloc(1, sizeof *feed);

    feed->config = *config;
    feed->gateway = vx_xstrdup(config->gateway);
    feed->config.gateway = feed->gateway;
    if (!feed->config.silence_s) {
        feed->config.silence_s = SILENCE_S;
    }
    feed->cb = cb;
    feed->aux = aux;
    feed->retry_ms = RETRY_MIN_MS;
    if (config->base) {
        feed->timer = event_new(config->base, -1, 0, connect_now, feed);
    }
    return feed;
}

void
vx_gw_feed_free(struct vx_gw_feed *feed)
{
    if (!feed) {
        return;
    }
    vx_gw_http_cancel(feed->request);
    if (feed->timer) {
        event_free(feed->timer);
    }
    vx_buf_fini(&feed->line);
    free(feed->gateway);
    free(feed);
}

const char *
vx_gw_feed_epoch(const struct vx_gw_feed *feed)
{
    return feed->epoch;
}

uint64_t
vx_gw_feed_seq(const struct vx_gw_feed *feed)
{
    return feed->seq;
}

bool
vx_gw_feed_is_connected(const struct vx_gw_feed *feed)
{
    return feed->request && feed->is_synced;
}

void
vx_gw_feed_get_counts(const struct vx_gw_feed *feed,
                      struct vx_gw_feed_counts *ret_counts)
{
    *ret_counts = feed->counts;
}
