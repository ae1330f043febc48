/* SPDX-License-Identifier: Apache-2.0 */
/* The API server: which handler a request goes to, and the routes that are
 * not about objects. */
#include "api/server.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "api/handlers.h"
#include "api/json.h"
#include "api/listen.h"
#include "lib/xalloc.h"

enum {
    MAX_CONNECTIONS = 256,
    IDLE_TIMEOUT_S = 75,
    REQUEST_TIMEOUT_S = 30,
    HEARTBEAT_S = 10,
    MAX_BODY_TOTAL = 64 * 1024 * 1024,
};

/* --- What handlers share. */

void
vx_call_fail(struct vx_call *call)
{
    vx_http_reply_error(call->req, &call->err, SIZE_MAX);
}

void
vx_call_reply_json(struct vx_call *call, unsigned status,
                   const char *headers, struct vx_buf *body)
{
    vx_buf_puts(body, "\n");
    vx_http_reply(call->req, &(struct vx_http_reply) {
        .status = status, .headers = headers, .body = body->data,
        .size = body->size });
}

static void
list_methods(unsigned methods, struct vx_buf *out)
{
    static const struct {
        enum vx_http_method method;
        const char *name;
    } names[] = {
        { VX_HTTP_GET, "GET, HEAD" }, { VX_HTTP_PUT, "PUT" },
        { VX_HTTP_PATCH, "PATCH" }, { VX_HTTP_POST, "POST" },
        { VX_HTTP_DELETE, "DELETE" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (methods & names[i].method) {
            vx_buf_puts(out, out->size ? ", " : "");
            vx_buf_puts(out, names[i].name);
        }
    }
}

bool
vx_call_allows(struct vx_call *call, unsigned methods)
{
    enum vx_http_method method = call->head->method == VX_HTTP_HEAD
                                     ? VX_HTTP_GET : call->head->method;
    struct vx_buf allow = VX_BUF_INIT, body = VX_BUF_INIT;

    if (method & methods) {
        return true;
    }
    list_methods(methods, &allow);
    vx_fail(&call->err, VX_METHOD, "",
            "this path takes %s", vx_buf_str(&allow));
    vx_codec_error(&call->err, SIZE_MAX, &body);
    char *header = vx_xasprintf("Allow: %s\r\n", vx_buf_str(&allow));
    vx_call_reply_json(call, 405, header, &body);
    free(header);
    vx_buf_fini(&allow);
    vx_buf_fini(&body);
    return false;
}

/* --- Routes without objects. */

static void
handle_index(struct vx_call *call)
{
    static const char *const resources[] = {
        "/v1/zones", "/v1/hosts", "/v1/tenants", "/v1/networks",
        "/v1/subnets", "/v1/ports", "/v1/routes", "/v1/policies",
        "/v1/gateways", "/v1/peerings", "/v1/tenant-peerings",
        "/v1/batch", "/v1/watch",
        "/v1/events", "/v1/hooks", "/v1/hook-runs", "/v1/audit",
        "/v1/locality", "/v1/bursts", "/v1/bgp", "/v1/openapi.json",
        "/v1/refused-hosts", "/healthz", "/metrics",
    };
    const struct vx_api_backend *b = call->server->backend;
    struct vx_api_info info = { 0 };
    struct vx_buf body = VX_BUF_INIT;
    struct vx_jw jw;

    b->info(b->ctx, &info);
    vx_jw_begin(&jw, &body);
    vx_jw_str(&jw, "name", "vxfabric");
    vx_jw_str(&jw, "version", info.version ? info.version : "");
    vx_jw_u64(&jw, "revision", info.revision);
    vx_jw_u64(&jw, "realized_revision", info.realized_revision);
    vx_jw_key(&jw, "resources");
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        vx_buf_puts(&body, i ? "," : "[");
        vx_json_string(&body, resources[i]);
    }
    vx_buf_puts(&body, "]");
    vx_jw_end(&jw);
    vx_call_reply_json(call, 200, NULL, &body);
    vx_buf_fini(&body);
}

static void
handle_health(struct vx_call *call)
{
    const struct vx_api_backend *b = call->server->backend;
    struct vx_api_info info = { 0 };
    struct vx_buf body = VX_BUF_INIT;
    struct vx_jw jw;

    b->info(b->ctx, &info);
    vx_jw_begin(&jw, &body);
    vx_jw_str(&jw, "status", info.healthy ? "ok" : "unhealthy");
    vx_jw_str(&jw, "reason", info.reason);
    vx_jw_u64(&jw, "revision", info.revision);
    vx_jw_u64(&jw, "realized_revision", info.realized_revision);
    vx_jw_u64(&jw, "hosts", info.n_hosts);
    vx_jw_u64(&jw, "hosts_active", info.n_hosts_active);
    vx_jw_end(&jw);
    vx_call_reply_json(call, info.healthy ? 200 : 503, NULL, &body);
    vx_buf_fini(&body);
}

struct refused_list {
    struct vx_buf *body;
    size_t n;
};

static void
put_refused(void *aux, const struct vx_api_refused_host *host)
{
    struct refused_list *list = aux;
    struct vx_jw jw;

    vx_buf_puts(list->body, list->n++ ? "," : "");
    vx_jw_begin(&jw, list->body);
    vx_jw_str(&jw, "name", host->name);
    vx_jw_str(&jw, "system_id", host->system_id);
    vx_jw_str(&jw, "vtep", host->vtep);
    vx_jw_str(&jw, "zone", host->zone);
    vx_jw_str(&jw, "peer", host->peer);
    vx_jw_str(&jw, "reason", host->reason);
    vx_jw_end(&jw);
}

static void
handle_refused(struct vx_call *call)
{
    const struct vx_api_backend *b = call->server->backend;
    struct vx_buf body = VX_BUF_INIT;
    struct refused_list list = { &body, 0 };

    vx_buf_puts(&body, "{\"items\":[");
    b->refused(b->ctx, put_refused, &list);
    vx_buf_puts(&body, "],\"next\":null}");
    vx_call_reply_json(call, 200, NULL, &body);
    vx_buf_fini(&body);
}

static void
handle_metrics(struct vx_call *call)
{
    const struct vx_api_backend *b = call->server->backend;
    struct vx_buf body = VX_BUF_INIT;

    b->metrics(b->ctx, &body);
    vx_http_reply(call->req, &(struct vx_http_reply) {
        .status = 200, .type = "text/plain; version=0.0.4",
        .body = vx_buf_str(&body), .size = body.size });
    vx_buf_fini(&body);
}

static void
handle_openapi(struct vx_call *call)
{
    vx_http_reply(call->req, &(struct vx_http_reply) {
        .status = 200, .body = vx_api_openapi,
        .size = strlen(vx_api_openapi) });
}

/* --- Dispatch. */

static const struct {
    const char *path;
    unsigned methods;
    void (*handle)(struct vx_call *call);
    bool takes_query;
} routes[] = {
    { "/v1", VX_HTTP_GET, handle_index, false },
    { "/v1/", VX_HTTP_GET, handle_index, false },
    { "/v1/openapi.json", VX_HTTP_GET, handle_openapi, false },
    { "/v1/watch", VX_HTTP_GET, vx_handle_watch, true },
    { "/v1/refused-hosts", VX_HTTP_GET, handle_refused, false },
    { "/v1/batch", VX_HTTP_POST, vx_handle_change, true },
    { "/healthz", VX_HTTP_GET, handle_health, false },
    { "/metrics", VX_HTTP_GET, handle_metrics, false },
};

static bool
is_read(const struct vx_call *call)
{
    return call->head->method == VX_HTTP_GET
           || call->head->method == VX_HTTP_HEAD;
}

static void
dispatch_object(struct vx_call *call)
{
    struct vx_codec_path path;
    unsigned methods;

    if (!vx_codec_path_parse(call->head->path, &path, &call->err)) {
        vx_call_fail(call);
        return;
    }
    methods = path.list ? VX_HTTP_GET
                        : VX_HTTP_GET | VX_HTTP_PUT | VX_HTTP_PATCH
                              | VX_HTTP_DELETE;
    if (!vx_call_allows(call, methods)) {
        return;
    }
    if (!is_read(call)) {
        vx_handle_change(call);
    } else if (path.list) {
        vx_handle_list(call, &path);
    } else {
        vx_handle_object(call, &path);
    }
}

static void
dispatch(struct vx_call *call)
{
    if (is_read(call) && vx_http_req_body(call->req)->size) {
        vx_fail(&call->err, VX_INVALID, "body", "a GET has no body");
        vx_call_fail(call);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(call->head->path, routes[i].path)) {
            continue;
        }
        if (!vx_call_allows(call, routes[i].methods)) {
            return;
        }
        if (!routes[i].takes_query
            && !vx_query_done(&call->query, "", &call->err)) {
            vx_call_fail(call);
            return;
        }
        routes[i].handle(call);
        return;
    }
    if (!vx_handle_hooks(call) && !vx_handle_audit(call)
        && !vx_handle_counters(call) && !vx_handle_gateways(call)) {
        dispatch_object(call);
    }
}

static void
on_request(void *aux, struct vx_http_req *req)
{
    struct vx_call call = {
        .server = aux, .req = req, .head = vx_http_req_head(req),
    };

    if (vx_query_parse(&call.query, call.head->query, &call.err)) {
        dispatch(&call);
    } else {
        vx_call_fail(&call);
    }
    vx_query_fini(&call.query);
}

static size_t
max_body(void *aux, const struct vx_http_head *head)
{
    static const char front[] = "/v1/gateways/";
    const char *end = strrchr(head->path, '/');

    (void) aux;
    return !strcmp(head->path, "/v1/batch") ? VX_BATCH_BODY_MAX
           : !strncmp(head->path, front, sizeof front - 1)
             && !strcmp(end, "/report") ? VX_REPORT_BODY_MAX
           : VX_BODY_MAX;
}

/* --- Life. */

static void
on_heartbeat(evutil_socket_t fd, short what, void *aux)
{
    struct vx_server *server = aux;

    (void) fd;
    (void) what;
    vx_watch_heartbeat(server->config.watch);
}

struct vx_server *
vx_server_new(const struct vx_server_config *config)
{
    struct vx_server *server = vx_xcalloc(1, sizeof *server);
    struct vx_server_config *c = &server->config;

    signal(SIGPIPE, SIG_IGN);
    *c = *config;
    c->max_connections = c->max_connections ? c->max_connections
                                            : MAX_CONNECTIONS;
    c->idle_timeout_s = c->idle_timeout_s ? c->idle_timeout_s
                                          : IDLE_TIMEOUT_S;
    c->request_timeout_s = c->request_timeout_s ? c->request_timeout_s
                                                : REQUEST_TIMEOUT_S;
    c->heartbeat_s = c->heartbeat_s ? c->heartbeat_s : HEARTBEAT_S;
    server->backend = c->backend;
    server->idem = vx_idem_new();
    server->http = vx_http_new(&(struct vx_http_config) {
        .base = c->base, .max_connections = c->max_connections,
        .idle_timeout_s = c->idle_timeout_s,
        .request_timeout_s = c->request_timeout_s,
        .max_body_total = MAX_BODY_TOTAL,
        .aux = server, .max_body = max_body, .request = on_request });
    server->heartbeat = event_new(c->base, -1, EV_PERSIST, on_heartbeat,
                                  server);
    struct timeval tv = { .tv_sec = c->heartbeat_s };
    evtimer_add(server->heartbeat, &tv);
    return server;
}

void
vx_server_free(struct vx_server *server)
{
    if (!server) {
        return;
    }
    vx_handle_change_cancel_all(server);
    vx_http_free(server->http);     /* ends all else that waits */
    vx_listen_remove_sockets(&server->sockets);
    vx_idem_free(server->idem);
    event_free(server->heartbeat);
    free(server);
}

bool
vx_server_listen(struct vx_server *server, const char *addr,
                 struct vx_error *err)
{
    int fd;

    return vx_listen_open(addr, &server->sockets, &fd, err)
           && vx_server_listen_fd(server, fd, err);
}

bool
vx_server_listen_fd(struct vx_server *server, int take_fd,
                    struct vx_error *err)
{
    unsigned port = vx_listen_port(take_fd);

    if (!vx_http_listen(server->http, take_fd, err)) {
        return false;
    }
    server->port = port ? port : server->port;
    return true;
}

void
vx_server_stop_listening(struct vx_server *server)
{
    vx_http_stop_listening(server->http);
}

unsigned
vx_server_port(const struct vx_server *server)
{
    return server->port;
}

unsigned
vx_server_n_connections(const struct vx_server *server)
{
    return vx_http_n_connections(server->http);
}
