/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/gateways/G/feed: what a gateway is to do, as NDJSON over one long
 * reply.  Who may write may read it: it has the passwords of sessions. */
#include "api/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

struct feeding {
    struct feeding *prev, *next;
    struct vx_server *server;
    struct vx_http_req *req;
    struct vx_api_feed *feed;
};

static void
feeding_free(struct feeding *f)
{
    *(f->prev ? &f->prev->next : &f->server->feeds) = f->next;
    if (f->next) {
        f->next->prev = f->prev;
    }
    free(f);
}

static size_t
feed_pending(void *aux)
{
    struct feeding *f = aux;

    return vx_http_stream_pending(f->req);
}

static void
feed_write(void *aux, const char *data, size_t size)
{
    struct feeding *f = aux;

    vx_http_stream_write(f->req, data, size);
}

/* The last line says why, in the one shape of errors. */
static void
feed_end(void *aux, const struct vx_error *why)
{
    struct feeding *f = aux;
    struct vx_buf line = VX_BUF_INIT;

    vx_codec_error(why, SIZE_MAX, &line);
    vx_buf_puts(&line, "\n");
    vx_http_req_on_gone(f->req, NULL, NULL);
    vx_http_stream_write(f->req, line.data, line.size);
    vx_http_stream_end(f->req);
    vx_buf_fini(&line);
    feeding_free(f);
}

static void
on_gone(void *aux)
{
    struct feeding *f = aux;
    const struct vx_api_gateways *api = f->server->backend->gateways;

    api->close(f->feed);
    vx_http_stream_end(f->req);
    feeding_free(f);
}

static void
on_drained(void *aux)
{
    struct feeding *f = aux;
    const struct vx_api_gateways *api = f->server->backend->gateways;

    api->pump(f->feed);
}

static struct feeding *
feeding_new(struct vx_call *call)
{
    struct feeding *f = vx_xcalloc(1, sizeof *f);

    f->server = call->server;
    f->req = call->req;
    f->next = call->server->feeds;
    if (f->next) {
        f->next->prev = f;
    }
    call->server->feeds = f;
    return f;
}

static void
handle_feed(struct vx_call *call, const char *gateway)
{
    const struct vx_api_gateways *api = call->server->backend->gateways;
    struct vx_api_feed_demand demand = {
        .gateway = gateway, .pending = feed_pending, .write = feed_write,
        .end = feed_end,
    };
    struct feeding *f;

    demand.epoch = vx_query_get(&call->query, "epoch");
    if (!vx_query_uint(&call->query, "since", UINT64_MAX, &demand.since,
                       &call->err)
        || !vx_query_done(&call->query, "epoch, since", &call->err)) {
        vx_call_fail(call);
        return;
    }
    f = feeding_new(call);
    demand.aux = f;
    f->feed = api->open(api->ctx, &demand, &call->err);
    if (!f->feed) {
        feeding_free(f);
        vx_call_fail(call);
        return;
    }
    vx_http_stream_start(call->req, "application/x-ndjson", on_drained, f);
    vx_http_req_on_gone(call->req, on_gone, f);
    api->pump(f->feed);
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

void
vx_handle_feed_cancel_all(struct vx_server *server)
{
    while (server->feeds) {
        struct feeding *f = server->feeds;

        vx_http_req_on_gone(f->req, NULL, NULL);
        server->backend->gateways->close(f->feed);
        feeding_free(f);
    }
}
