/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers share.  Private to src/api.
 *
 *   server.c         life, listeners, routes that are not objects
 *   handle_read.c    GET of objects and lists
 *   handle_change.c  PUT, PATCH, DELETE, batch; wait, dry run
 *   stream.c         long replies
 *   handle_watch.c   GET /v1/watch
 *   handle_hooks.c   events, hooks, their runs
 *   handle_audit.c   audits
 *   handle_counters.c  locality, bursts
 *   handle_feed.c    GET /v1/gateways/G/feed
 *   handle_report.c  POST /v1/gateways/G/report
 *   handle_bgp.c     GET /v1/bgp */
#ifndef VX_API_HANDLERS_H
#define VX_API_HANDLERS_H

#include "api/backend.h"
#include "api/http.h"
#include "api/idempotency.h"
#include "api/query.h"
#include "api/server.h"

struct change;              /* a request for a change in flight */

struct vx_server {
    struct vx_server_config config;
    const struct vx_api_backend *backend;
    struct vx_http *http;
    struct vx_idem *idem;
    struct event *heartbeat;
    struct change *changes;
    struct vx_unix_socket *sockets;
    unsigned port;
};

/* One request while its handler runs. */
struct vx_call {
    struct vx_server *server;
    struct vx_http_req *req;
    const struct vx_http_head *head;
    struct vx_query query;
    struct vx_error err;
};

/* Replies with call->err. */
void vx_call_fail(struct vx_call *call);
/* Refuses with 405 unless the method is in the set; HEAD goes with GET. */
bool vx_call_allows(struct vx_call *call, unsigned methods);
/* True, and replied to, if a web page sent it: no change is taken then. */
bool vx_call_refuse_browser(struct vx_call *call);
void vx_call_reply_json(struct vx_call *call, unsigned status,
                        const char *headers, struct vx_buf *body);

/* Looks up the object with its status.  The storage is the caller's, zeroed;
 * he may use it for one object after the other within one callback. */
struct vx_status_room {
    bool knows_realized;
    uint64_t realized;          /* by all hosts; O(hosts) to find out */
    struct vx_port_status port;
    struct vx_api_host_status host;
    struct vx_hops_status hops;
    struct vx_policy_count count;
    uint8_t places;
    struct vx_api_gateway_status gateway;
    struct vx_api_peering_status peering;
};
void vx_handle_status(const struct vx_server *server,
                      struct vx_codec_view *view,
                      struct vx_status_room *room);

void vx_handle_object(struct vx_call *call, const struct vx_codec_path *path);
void vx_handle_list(struct vx_call *call, const struct vx_codec_path *path);
void vx_handle_change(struct vx_call *call);
void vx_handle_watch(struct vx_call *call);
/* False if the path is another. */
bool vx_handle_hooks(struct vx_call *call);
/* False if the path is another. */
bool vx_handle_audit(struct vx_call *call);
/* False if the path is another. */
bool vx_handle_counters(struct vx_call *call);
/* Feed, report, bgp; false if the path is another. */
bool vx_handle_gateways(struct vx_call *call);
void vx_handle_bgp(struct vx_call *call);
void vx_handle_report(struct vx_call *call, const char *gateway);
void vx_handle_change_cancel_all(struct vx_server *server);

/* src/api/openapi.json, by the build. */
extern const char vx_api_openapi[];

#endif
