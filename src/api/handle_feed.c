/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/gateways/G/feed: what a gateway is to do, as NDJSON over one long
 * reply.  Who may write may read it: it has the passwords of sessions. */
#include <string.h>

#include "api/stream.h"

static void
pump(struct vx_stream *stream)
{
    stream->server->backend->gateways->pump(stream->source);
}

static void
close_feed(struct vx_stream *stream)
{
    stream->server->backend->gateways->close(stream->source);
}

static void
handle_feed(struct vx_call *call, const char *gateway)
{
    const struct vx_api_gateways *api = call->server->backend->gateways;
    struct vx_api_feed_demand demand = {
        .gateway = gateway, .pending = vx_stream_pending,
        .write = vx_stream_write, .end = vx_stream_end,
    };
    struct vx_stream *stream;

    demand.epoch = vx_query_get(&call->query, "epoch");
    if (!vx_query_uint(&call->query, "since", UINT64_MAX, &demand.since,
                       &call->err)
        || !vx_query_done(&call->query, "epoch, since", &call->err)) {
        vx_call_fail(call);
        return;
    }
    stream = demand.aux = vx_stream_new(call, pump, close_feed);
    stream->source = api->open(api->ctx, &demand, &call->err);
    if (!stream->source) {
        vx_stream_free(stream);
        vx_call_fail(call);
        return;
    }
    vx_stream_start(stream);
}

bool
vx_handle_gateways(struct vx_call *call)
{
    static const char front[] = "/v1/gateways/";
    const char *path = call->head->path, *end;
    char name[VX_NAME_MAX + 1];

    if (!call->server->backend->gateways) {
        return false;
    }
    if (!strcmp(path, "/v1/bgp")) {
        if (vx_call_allows(call, VX_HTTP_GET)) {
            vx_handle_bgp(call);
        }
        return true;
    }
    if (strncmp(path, front, sizeof front - 1)) {
        return false;
    }
    path += sizeof front - 1;
    end = strchr(path, '/');
    if (!end || (strcmp(end, "/feed") && strcmp(end, "/report"))
        || (size_t) (end - path) >= sizeof name) {
        return false;
    }
    memcpy(name, path, (size_t) (end - path));
    name[end - path] = '\0';
    if (!strcmp(end, "/feed")) {
        if (vx_call_allows(call, VX_HTTP_GET)
            && !vx_call_refuse_browser(call)) {
            handle_feed(call, name);
        }
    } else if (vx_call_allows(call, VX_HTTP_POST)
               && !vx_call_refuse_browser(call)) {
        vx_handle_report(call, name);
    }
    return true;
}
