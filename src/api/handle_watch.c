/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/watch: the change stream as NDJSON over one long reply. */
#include "api/stream.h"

static bool
sink_journal(void *aux, uint64_t since, size_t max_lines,
             vx_watch_line_cb *line, void *line_aux, struct vx_error *err)
{
    const struct vx_stream *stream = aux;
    const struct vx_api_backend *b = stream->server->backend;

    return b->journal(b->ctx, since, max_lines, line, line_aux, err);
}

static void
pump(struct vx_stream *stream)
{
    vx_watch_pump(stream->source);
}

static void
unsubscribe(struct vx_stream *stream)
{
    vx_watch_unsubscribe(stream->source);
}

void
vx_handle_watch(struct vx_call *call)
{
    struct vx_watch *watch = call->server->config.watch;
    uint64_t since = vx_watch_revision(watch);
    struct vx_watch_sink sink = {
        .pending = vx_stream_pending, .write = vx_stream_write,
        .end = vx_stream_end, .journal = sink_journal,
    };
    struct vx_watch_sub *sub;
    struct vx_stream *stream;

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
    stream = sink.aux = vx_stream_new(call, pump, unsubscribe);
    if (!vx_watch_subscribe(watch, since, &sink, &sub, &call->err)) {
        vx_stream_free(stream);
        vx_call_fail(call);
        return;
    }
    stream->source = sub;
    vx_stream_start(stream);
}
