/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP/1.1 server on libevent's bufferevents.  Knows no routes.
 *
 * Not evhttp: measured with 2.1.12, that answers errors in HTML, keeps a
 * client that sends a byte per second for ever, does not notice that a client
 * is gone while its request waits, takes two different Content-Lengths, and
 * cannot limit connections.
 *
 * A connection has one request at a time; what a client sends ahead stays in
 * the socket.  Private to src/api. */
#ifndef VX_API_HTTP_H
#define VX_API_HTTP_H

#include "api/http_parse.h"
#include "lib/buf.h"
#include "lib/err.h"

struct event_base;
struct vx_http;
/* A request; valid until it is replied to (or its stream ended), also when
 * the client has left: the reply goes nowhere then. */
struct vx_http_req;

struct vx_http_config {
    struct event_base *base;
    unsigned max_connections;       /* per listener */
    unsigned idle_timeout_s;
    unsigned request_timeout_s;
    size_t max_body_total;          /* bytes of all bodies in memory */
    void *aux;
    /* Largest body for this head; a longer one is refused unread. */
    size_t (*max_body)(void *aux, const struct vx_http_head *head);
    void (*request)(void *aux, struct vx_http_req *req);
};

struct vx_http *vx_http_new(const struct vx_http_config *config);
/* Requests in flight lose their connection: who has asked for it is told that
 * the client is gone, and replies at once.  The others are freed without a
 * reply, so their owners let go first. */
void vx_http_free(struct vx_http *http);
/* Takes over a bound, listening socket. */
bool vx_http_listen(struct vx_http *http, int take_fd, struct vx_error *err);
void vx_http_stop_listening(struct vx_http *http);
unsigned vx_http_n_connections(const struct vx_http *http);

/* --- A request. */

const struct vx_http_head *vx_http_req_head(const struct vx_http_req *req);
const struct vx_buf *vx_http_req_body(const struct vx_http_req *req);
/* gone: the client has left or shut down its side before the reply; called
 * at most once, from the loop or vx_http_free.  The request is still to be
 * replied to; the reply ends this. */
void vx_http_req_on_gone(struct vx_http_req *req, void (*gone)(void *aux),
                         void *aux);

struct vx_http_reply {
    unsigned status;
    const char *type;           /* NULL = application/json */
    const char *headers;        /* more, each with CR LF; NULL = none */
    const char *body;
    size_t size;                /* bytes */
};
/* Ends the request. */
void vx_http_reply(struct vx_http_req *req,
                   const struct vx_http_reply *reply);
/* The one shape of errors; index as vx_codec_error. */
void vx_http_reply_error(struct vx_http_req *req,
                         const struct vx_error *error, size_t index);
unsigned vx_http_status(enum vx_err_code code);

/* A reply without end.  drained: all that was written has been sent. */
void vx_http_stream_start(struct vx_http_req *req, const char *type,
                          void (*drained)(void *aux), void *aux);
void vx_http_stream_write(struct vx_http_req *req, const char *data,
                          size_t size);
size_t vx_http_stream_pending(const struct vx_http_req *req);
/* Ends the request; the connection closes after what was written. */
void vx_http_stream_end(struct vx_http_req *req);

#endif
