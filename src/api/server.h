/* SPDX-License-Identifier: Apache-2.0 */
/* The API server: listeners, connections, limits, routes.
 *
 *   socket -> http (parse, limits, deadlines) -> handlers -> backend
 *                                                 \-> watch (stream)
 *
 * Everything a client can send is bounded: size of line, headers and body,
 * time to send them, connections per listener, requests in flight, waiters,
 * watchers.  Errors have one shape, {"error":{"code","field","message"}}. */
#ifndef VX_API_SERVER_H
#define VX_API_SERVER_H

#include "api/backend.h"
#include "api/watch.h"
#include "lib/err.h"

struct event_base;
struct vx_server;

struct vx_server_config {
    struct event_base *base;
    const struct vx_api_backend *backend;   /* outlives the server */
    struct vx_watch *watch;                 /* outlives the server */
    unsigned max_connections;   /* per listener; 0 = 256 */
    unsigned idle_timeout_s;    /* between requests; 0 = 75 */
    unsigned request_timeout_s; /* from the first byte of a request to its
                                 * last, and for a reply without progress;
                                 * 0 = 30 */
    unsigned heartbeat_s;       /* of watches; 0 = 10 */
};

/* Ignores SIGPIPE for the process: clients leave when they like.  (Programs
 * that are executed from it want it back.) */
struct vx_server *vx_server_new(const struct vx_server_config *config);
/* Closes listeners (removing the unix sockets it made) and connections;
 * waiters are cancelled.  Requests that were submitted must be done by
 * then: the daemon commits or fails what is staged first. */
void vx_server_free(struct vx_server *server);

/* "unix:PATH" (mode 0660; a stale socket is replaced, a live one is an
 * error) or "tcp:IP:PORT" ("tcp:[::1]:80" for IPv6, port 0 = any). */
bool vx_server_listen(struct vx_server *server, const char *addr,
                      struct vx_error *err);
/* A bound, listening stream socket (socket activation); taken over. */
bool vx_server_listen_fd(struct vx_server *server, int take_fd,
                         struct vx_error *err);
/* Stops accepting; what is in flight goes on. */
void vx_server_stop_listening(struct vx_server *server);
/* Port of the last tcp listener, 0 if none; for tests. */
unsigned vx_server_port(const struct vx_server *server);
unsigned vx_server_n_connections(const struct vx_server *server);

#endif
