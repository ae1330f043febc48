/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/watch: the change stream as NDJSON over one long reply. */
#include "api/handlers.h"

#include <stdlib.h>

#include "lib/xalloc.h"

struct watcher {
    struct watcher *prev, *next;
    struct vx_server *server;
    struct vx_http_req *req;
    struct vx_watch_sub *sub;
};

static void
watcher_free(struct watcher *watcher)
{
    *(watcher->prev ? &watcher->prev->next : &watcher->server->watchers)
        = watcher->next;
    if (watcher->next) {
        watcher->next->prev = watcher->prev;
    }
    free(watcher);
}

static size_t
sink_pending(void *aux)
{
    struct watcher *watcher = aux;
    return vx_http_stream_pending(watcher->req);
}

static void
sink_write(void *aux, const char *data, size_t size)
{
    struct watcher *watcher = aux;
    vx_http_stream_write(watcher->req, data, size);
}

/* The last line says why, in the one shape of errors. */
static void
sink_end(void *aux, const struct vx_error *why)
{
    struct watcher *watcher = aux;
    struct vx_buf line = VX_BUF_INIT;

    vx_codec_error(why, SIZE_MAX, &line);
    vx_buf_puts(&line, "\n");
    vx_http_req_on_gone(watcher->req, NULL, NULL);
    vx_http_stream_write(watcher->req, line.data, line.size);
    vx_http_stream_end(watcher->req);
    vx_buf_fini(&line);
    watcher_free(watcher);
}

static bool
sink_journal(void *aux, uint64_t since, size_t max_lines,
             vx_watch_line_cb *line, void *line_aux, struct vx_error *err)
{
    struct watcher *watcher = aux;
    const struct vx_api_backend *b = watcher->server->backend;
    return b->journal(b->ctx, since, max_lines, line, line_aux, err);
}

static void
on_gone(void *aux)
{
    struct watcher *watcher = aux;

    vx_watch_unsubscribe(watcher->sub);
    vx_http_stream_end(watcher->req);
    watcher_free(watcher);
}

static void
on_drained(void *aux)
{
    struct watcher *watcher = aux;
    vx_watch_pump(watcher->sub);
}

static struct watcher *
watcher_new(struct vx_call *call)
{
    struct watcher *watcher = vx_xcalloc(1, sizeof *watcher);

    watcher->server = call->server;
    watcher->req = call->req;
    watcher->next = call->server->watchers;
    if (watcher->next) {
        watcher->next->prev = watcher;
    }
    call->server->watchers = watcher;
    return watcher;
}

void
vx_handle_watch(struct vx_call *call)
{
    struct vx_watch *watch = call->server->config.watch;
    uint64_t since = vx_watch_revision(watch);
    struct watcher *watcher;

    if (!vx_query_uint(&call->query, "since", UINT64_MAX, &since,
                       &call->err)
        || !vx_query_done(&call->query, "since", &call->err)) {
        vx_call_fail(call);
        return;
    }
    if (call->head->method == VX_HTTP_HEAD) {
        vx_http_reply(call->req, &(struct vx_http_reply) {
            .status = 200, .type = "application/x-ndjson", .body = "" });
        return;
    }
    watcher = watcher_new(call);
    struct vx_watch_sink sink = {
        .aux = watcher, .pending = sink_pending, .write = sink_write,
        .end = sink_end, .journal = sink_journal,
    };
    if (!vx_watch_subscribe(watch, since, &sink, &watcher->sub,
                            &call->err)) {
        watcher_free(watcher);
        vx_call_fail(call);
        return;
    }
    vx_http_stream_start(call->req, "application/x-ndjson", on_drained,
                         watcher);
    vx_http_req_on_gone(call->req, on_gone, watcher);
    vx_watch_pump(watcher->sub);
}

void
vx_handle_watch_cancel_all(struct vx_server *server)
{
    while (server->watchers) {
        struct watcher *watcher = server->watchers;
        vx_http_req_on_gone(watcher->req, NULL, NULL);
        vx_watch_unsubscribe(watcher->sub);
        watcher_free(watcher);
    }
}
