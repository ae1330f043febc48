/* SPDX-License-Identifier: Apache-2.0 */
/* Connections; see http.h.
 *
 *     HEAD -> BODY -> HANDLING -> (reply) -> HEAD        keep-alive
 *                        \-> STREAM          \-> LINGER -> closed
 *
 * Deadlines are absolute: from the first byte of a request to its last, so
 * that a byte now and then does not keep a connection.  An error that leaves
 * a body unread is followed by a lingering close, or the reset would
 * overtake the reply.  A connection that is closed while its request is in
 * flight stays as a shell until the owner replies. */
#include "api/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "api/codec.h"
#include "lib/xalloc.h"

enum {
    READ_AHEAD = 64 * 1024,     /* bytes taken from the socket unread */
    WRITE_BEHIND = 256 * 1024,  /* bytes of replies not taken by the client,
                                 * beyond which its next request waits */
    LINGER_S = 2,
    ACCEPT_PAUSE_MS = 200,      /* out of file descriptors */
};

enum state { HEAD, BODY, HANDLING, STREAM, LINGER };

struct listener {
    struct listener *next;
    struct vx_http *http;
    struct evconnlistener *ev;
    struct event *resume;
    unsigned n_connections;
};

struct vx_http_req {
    struct vx_http_req *prev, *next;    /* of http; idle longest first */
    struct vx_http *http;
    struct listener *listener;
    struct bufferevent *bev;    /* NULL once the connection is closed */
    struct event *timer;
    enum state state;
    bool started;               /* a byte of the request has come */
    bool in_flight;             /* the owner has to reply */
    bool eof;                   /* the client will send no more */
    bool keep;                  /* another request may follow */
    bool shut;                  /* LINGER: our side is shut down */
    bool busy;                  /* process() is on the stack */
    bool tell_gone;             /* by the timer, which is armed */
    char *text;                 /* what head points into */
    struct vx_http_head head;
    struct vx_http_chunks chunks;
    struct vx_buf body;
    size_t max_body;
    void (*gone)(void *aux);
    void *gone_aux;
    void (*drained)(void *aux);
    void *drained_aux;
};

struct vx_http {
    struct vx_http_config config;
    struct listener *listeners;
    struct vx_http_req *first, *last;
    unsigned n_connections;
    size_t body_total;
};

/* --- The list. */

static void
unlink_req(struct vx_http_req *req)
{
    struct vx_http *http = req->http;

    *(req->prev ? &req->prev->next : &http->first) = req->next;
    *(req->next ? &req->next->prev : &http->last) = req->prev;
    req->prev = req->next = NULL;
}

static void
append_req(struct vx_http_req *req)
{
    struct vx_http *http = req->http;

    req->prev = http->last;
    req->next = NULL;
    *(http->last ? &http->last->next : &http->first) = req;
    http->last = req;
}

/* --- Life of a connection. */

static void
arm(struct vx_http_req *req, unsigned seconds)
{
    struct timeval tv = { .tv_sec = seconds };
    evtimer_add(req->timer, &tv);
}

static void
forget_request(struct vx_http_req *req)
{
    free(req->text);
    req->text = NULL;
    req->http->body_total -= req->body.size;
    vx_buf_fini(&req->body);
    req->body = (struct vx_buf) VX_BUF_INIT;
    memset(&req->head, 0, sizeof req->head);
    memset(&req->chunks, 0, sizeof req->chunks);
    req->gone = NULL;
    req->drained = NULL;
    req->tell_gone = false;
    req->started = false;
}

static void
destroy(struct vx_http_req *req)
{
    forget_request(req);
    unlink_req(req);
    event_free(req->timer);
    free(req);
}

static void
close_socket(struct vx_http_req *req)
{
    if (req->bev) {
        bufferevent_free(req->bev);
        req->bev = NULL;
        req->listener->n_connections--;
        req->http->n_connections--;
        evtimer_del(req->timer);
    }
}

static void
tell_gone(struct vx_http_req *req)
{
    void (*gone)(void *) = req->gone;

    req->gone = NULL;
    req->tell_gone = false;
    if (gone) {
        gone(req->gone_aux);
    }
}

/* The connection is lost; req may be freed when this returns. */
static void
lose(struct vx_http_req *req)
{
    close_socket(req);
    if (req->in_flight) {
        tell_gone(req);     /* may reply, and so free */
    } else if (!req->busy) {
        destroy(req);
    }
}

static void
linger(struct vx_http_req *req)
{
    if (req->eof) {
        lose(req);
        return;
    }
    if (!req->shut) {
        req->shut = true;
        shutdown(bufferevent_getfd(req->bev), SHUT_WR);
        arm(req, LINGER_S);
    }
}

/* --- Replies. */

static const char *
reason_phrase(unsigned status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
    }
}

unsigned
vx_http_status(enum vx_err_code code)
{
    switch (code) {
    case VX_OK: return 200;
    case VX_INVALID: return 400;
    case VX_NOT_FOUND: return 404;
    case VX_EXISTS:
    case VX_IN_USE:
    case VX_EXHAUSTED: return 409;
    case VX_PRECONDITION: return 412;
    case VX_TOO_LARGE: return 413;
    case VX_GONE: return 410;
    case VX_FORBIDDEN: return 403;
    case VX_METHOD: return 405;
    case VX_UNAVAILABLE: return 503;
    case VX_BUSY: return 429;
    case VX_TIMEOUT: return 408;
    case VX_INTERNAL:
    case VX_N_ERR_CODES: break;
    }
    return 500;
}

static void
write_status(struct vx_http_req *req, unsigned status, const char *type,
             const char *headers)
{
    struct evbuffer *out = bufferevent_get_output(req->bev);
    char date[64];
    time_t now = time(NULL);
    struct tm tm;

    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT",
             gmtime_r(&now, &tm));
    evbuffer_add_printf(out,
                        "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: %s\r\n"
                        "Cache-Control: no-store\r\n"
                        "X-Content-Type-Options: nosniff\r\n%s%s%s", status,
                        reason_phrase(status), date,
                        type ? type : "application/json",
                        req->keep ? "" : "Connection: close\r\n",
                        status == 429 || status == 503
                            ? "Retry-After: 1\r\n" : "",
                        headers ? headers : "");
}

/* The request is over: the next one, or the end. */
static void
finish(struct vx_http_req *req)
{
    req->in_flight = false;
    if (!req->bev) {
        if (!req->busy) {
            destroy(req);
        }
        return;
    }
    forget_request(req);
    if (req->keep) {
        req->state = HEAD;
        unlink_req(req);
        append_req(req);
        arm(req, req->http->config.idle_timeout_s);
        if (!req->busy
            && evbuffer_get_length(bufferevent_get_input(req->bev))) {
            /* What was sent ahead; not from within the owner's call. */
            bufferevent_trigger(req->bev, EV_READ,
                                BEV_TRIG_IGNORE_WATERMARKS
                                | BEV_TRIG_DEFER_CALLBACKS);
        }
    } else {
        req->state = LINGER;
        evtimer_del(req->timer);
        if (!evbuffer_get_length(bufferevent_get_output(req->bev))) {
            arm(req, 0);
        }
    }
}

static void
write_reply(struct vx_http_req *req, const struct vx_http_reply *reply)
{
    struct evbuffer *out = bufferevent_get_output(req->bev);

    if (req->eof) {
        req->keep = false;
    }
    write_status(req, reply->status, reply->type, reply->headers);
    evbuffer_add_printf(out, "Content-Length: %zu\r\n\r\n", reply->size);
    if (req->head.method != VX_HTTP_HEAD) {
        evbuffer_add(out, reply->body, reply->size);
    }
}

void
vx_http_reply(struct vx_http_req *req, const struct vx_http_reply *reply)
{
    if (req->bev) {
        write_reply(req, reply);
    }
    finish(req);
}

void
vx_http_reply_error(struct vx_http_req *req, const struct vx_error *error,
                    size_t index)
{
    struct vx_buf body = VX_BUF_INIT;

    vx_codec_error(error, index, &body);
    vx_buf_puts(&body, "\n");
    vx_http_reply(req, &(struct vx_http_reply) {
        .status = vx_http_status(error->code),
        .body = body.data, .size = body.size });
    vx_buf_fini(&body);
}

/* An error of the protocol itself: the connection ends with it. */
static void
refuse(struct vx_http_req *req, const struct vx_error *error)
{
    req->keep = false;
    req->in_flight = true;
    vx_http_reply_error(req, error, SIZE_MAX);
}

/* --- Streams. */

void
vx_http_stream_start(struct vx_http_req *req, const char *type,
                     void (*drained)(void *aux), void *aux)
{
    req->keep = false;
    req->state = STREAM;
    req->drained = drained;
    req->drained_aux = aux;
    if (req->bev) {
        write_status(req, 200, type,
                     req->head.minor ? "Transfer-Encoding: chunked\r\n\r\n"
                                     : "\r\n");
    }
}

void
vx_http_stream_write(struct vx_http_req *req, const char *data, size_t size)
{
    if (!req->bev || !size) {
        return;
    }
    struct evbuffer *out = bufferevent_get_output(req->bev);
    if (req->head.minor) {
        evbuffer_add_printf(out, "%zx\r\n", size);
    }
    evbuffer_add(out, data, size);
    if (req->head.minor) {
        evbuffer_add(out, "\r\n", 2);
    }
}

size_t
vx_http_stream_pending(const struct vx_http_req *req)
{
    return req->bev ? evbuffer_get_length(bufferevent_get_output(req->bev))
                    : 0;
}

void
vx_http_stream_end(struct vx_http_req *req)
{
    if (req->bev && req->head.minor) {
        evbuffer_add(bufferevent_get_output(req->bev), "0\r\n\r\n", 5);
    }
    finish(req);
}

/* --- Requests. */

const struct vx_http_head *
vx_http_req_head(const struct vx_http_req *req)
{
    return &req->head;
}

const struct vx_buf *
vx_http_req_body(const struct vx_http_req *req)
{
    return &req->body;
}

void
vx_http_req_on_gone(struct vx_http_req *req, void (*gone)(void *aux),
                    void *aux)
{
    req->gone = gone;
    req->gone_aux = aux;
    if (gone && (req->eof || !req->bev)) {
        req->tell_gone = true;
        arm(req, 0);
    }
}

static void
dispatch(struct vx_http_req *req)
{
    evtimer_del(req->timer);
    req->state = HANDLING;
    req->in_flight = true;
    req->keep = req->head.keep_alive;
    req->http->config.request(req->http->config.aux, req);
}

static bool
read_head(struct vx_http_req *req)
{
    struct evbuffer *in = bufferevent_get_input(req->bev);
    size_t available = evbuffer_get_length(in);
    struct vx_error err;

    if (!available) {
        return false;
    }
    if (!req->started) {
        req->started = true;
        arm(req, req->http->config.request_timeout_s);
    }
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    size_t size = end.pos < 0 ? available : (size_t) end.pos + 4;
    if (size > VX_HTTP_HEAD_MAX) {
        vx_fail(&err, VX_TOO_LARGE, "",
                "the request's headers are longer than %d bytes",
                VX_HTTP_HEAD_MAX);
        refuse(req, &err);
        return true;
    }
    if (end.pos < 0) {
        return false;
    }
    req->text = vx_xmalloc(size + 1);
    evbuffer_remove(in, req->text, size);
    req->text[size] = '\0';
    if (!vx_http_parse_head(req->text, size, &req->head, &err)) {
        refuse(req, &err);
        return true;
    }
    req->max_body = req->http->config.max_body(req->http->config.aux,
                                               &req->head);
    if (req->head.expects_continue && !evbuffer_get_length(in)
        && req->head.content_length <= req->max_body) {
        evbuffer_add_printf(bufferevent_get_output(req->bev),
                            "HTTP/1.1 100 Continue\r\n\r\n");
    }
    req->state = BODY;
    return true;
}

static bool
too_large(struct vx_http_req *req)
{
    struct vx_error err;

    vx_fail(&err, VX_TOO_LARGE, "body",
            "the body is longer than the %zu bytes that are taken here",
            req->max_body);
    refuse(req, &err);
    return true;
}

/* Takes one piece of the body.  False with *ret_refused if it was malformed
 * and refused. */
static size_t
take_piece(struct vx_http_req *req, struct evbuffer *in, bool *ret_refused)
{
    size_t before = req->body.size, taken;
    size_t size = evbuffer_get_contiguous_space(in);
    const char *data = (const char *) evbuffer_pullup(in, (ssize_t) size);
    struct vx_error err;

    if (req->head.chunked) {
        taken = vx_http_chunks_feed(&req->chunks, data, size, &req->body,
                                    &err);
    } else {
        uint64_t left = req->head.content_length - before;
        taken = size < left ? size : (size_t) left;
        vx_buf_put(&req->body, data, taken);
    }
    req->http->body_total += req->body.size - before;
    if (taken == SIZE_MAX) {
        refuse(req, &err);
        *ret_refused = true;
        return 0;
    }
    evbuffer_drain(in, taken);
    return taken;
}

static bool
read_body(struct vx_http_req *req)
{
    struct evbuffer *in = bufferevent_get_input(req->bev);
    struct vx_http *http = req->http;
    bool refused = false;

    for (;;) {
        if (req->head.content_length > req->max_body
            || req->body.size > req->max_body) {
            return too_large(req);
        }
        if (http->body_total > http->config.max_body_total) {
            struct vx_error err;
            vx_fail(&err, VX_BUSY, "",
                    "too many large requests at once: try again");
            refuse(req, &err);
            return true;
        }
        if (req->head.chunked
                ? req->chunks.state == VX_CHUNK_DONE
                : req->body.size == req->head.content_length) {
            dispatch(req);
            return true;
        }
        if (!evbuffer_get_length(in)) {
            return false;
        }
        take_piece(req, in, &refused);
        if (refused) {
            return true;
        }
    }
}

/* Who pipelines and does not read gets no further. */
static bool
is_behind(const struct vx_http_req *req)
{
    return evbuffer_get_length(bufferevent_get_output(req->bev))
           > WRITE_BEHIND;
}

/* Goes as far as the bytes reach.  Handlers reply from within, so the only
 * place that frees what they close is the end of this. */
static void
process(struct vx_http_req *req)
{
    bool more = true;

    if (req->busy) {
        return;
    }
    req->busy = true;
    while (more && req->bev) {
        more = req->state == HEAD   ? !is_behind(req) && read_head(req)
               : req->state == BODY ? read_body(req)
                                    : false;
    }
    req->busy = false;
    if (!req->bev && !req->in_flight) {
        destroy(req);
    }
}

/* --- Events. */

static void
on_read(struct bufferevent *bev, void *aux)
{
    struct vx_http_req *req = aux;

    if (req->state == LINGER) {
        struct evbuffer *in = bufferevent_get_input(bev);
        evbuffer_drain(in, evbuffer_get_length(in));
    } else {
        process(req);
    }
}

static void
on_write(struct bufferevent *bev, void *aux)
{
    struct vx_http_req *req = aux;

    if (req->state == LINGER) {
        linger(req);
    } else if (req->state == STREAM && req->drained) {
        req->drained(req->drained_aux);
    } else if (req->state == HEAD
               && evbuffer_get_length(bufferevent_get_input(bev))) {
        process(req);
    }
}

static void
on_event(struct bufferevent *bev, short what, void *aux)
{
    struct vx_http_req *req = aux;

    (void) bev;
    if (!(what & BEV_EVENT_EOF) || !req->in_flight) {
        if ((what & BEV_EVENT_EOF)
            && evbuffer_get_length(bufferevent_get_output(req->bev))) {
            /* Half closed: it still reads the reply. */
            req->eof = true;
            req->state = LINGER;
            return;
        }
        lose(req);
        return;
    }
    /* It may only have shut down its side: it can still be answered. */
    req->eof = true;
    req->keep = false;
    tell_gone(req);
}

static void
on_timer(evutil_socket_t fd, short what, void *aux)
{
    struct vx_http_req *req = aux;
    struct vx_error err;

    (void) fd;
    (void) what;
    if (req->tell_gone) {
        tell_gone(req);
    } else if (req->state == LINGER && !req->shut) {
        linger(req);
    } else if (req->state == LINGER
               || (req->state == HEAD && !req->started)) {
        lose(req);
    } else if (req->state == HEAD || req->state == BODY) {
        vx_fail(&err, VX_TIMEOUT, "",
                "the request did not arrive within %u seconds",
                req->http->config.request_timeout_s);
        refuse(req, &err);
    }
}

/* --- Listeners. */

/* The connection of the listener that has waited longest for its request to
 * begin (or to go on, if it has begun); NULL if there is none. */
static struct vx_http_req *
oldest_waiting(const struct listener *listener, bool started)
{
    for (struct vx_http_req *req = listener->http->first; req;
         req = req->next) {
        if (req->bev && req->listener == listener && req->state == HEAD
            && req->started == started && !req->busy) {
            return req;
        }
    }
    return NULL;
}

/* Makes room: whoever is idle goes first, then whoever is slow with a
 * request, so that half requests cannot keep others out. */
static bool
evict(const struct listener *listener)
{
    struct vx_http_req *req = oldest_waiting(listener, false);

    if (!req) {
        req = oldest_waiting(listener, true);
    }
    if (req) {
        lose(req);
    }
    return req != NULL;
}

static void
turn_away(evutil_socket_t fd)
{
    static const char body[] =
        "{\"error\":{\"code\":\"unavailable\",\"field\":null,"
        "\"message\":\"too many connections: try again\"}}\n";
    char text[400];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 503 Service Unavailable\r\n"
                     "Content-Type: application/json\r\nRetry-After: 1\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                     sizeof body - 1, body);

    if (send(fd, text, (size_t) n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        /* It learns it from the close. */
    }
    shutdown(fd, SHUT_WR);
    close(fd);
}

static void
on_accept(struct evconnlistener *ev, evutil_socket_t fd,
          struct sockaddr *address, int length, void *aux)
{
    struct listener *listener = aux;
    struct vx_http *http = listener->http;
    struct timeval write_timeout = {
        .tv_sec = http->config.request_timeout_s,
    };
    int one = 1;

    (void) ev;
    (void) length;
    if (listener->n_connections >= http->config.max_connections
        && !evict(listener)) {
        turn_away(fd);
        return;
    }
    if (address->sa_family == AF_INET || address->sa_family == AF_INET6) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    struct vx_http_req *req = vx_xcalloc(1, sizeof *req);
    req->http = http;
    req->listener = listener;
    req->bev = bufferevent_socket_new(http->config.base, fd,
                                      BEV_OPT_CLOSE_ON_FREE);
    req->timer = evtimer_new(http->config.base, on_timer, req);
    listener->n_connections++;
    http->n_connections++;
    append_req(req);
    bufferevent_setcb(req->bev, on_read, on_write, on_event, req);
    bufferevent_setwatermark(req->bev, EV_READ, 0, READ_AHEAD);
    bufferevent_set_timeouts(req->bev, NULL, &write_timeout);
    bufferevent_enable(req->bev, EV_READ | EV_WRITE);
    arm(req, http->config.idle_timeout_s);
}

/* Out of file descriptors: the listener would be ready for ever. */
static void
on_accept_error(struct evconnlistener *ev, void *aux)
{
    struct listener *listener = aux;
    struct timeval pause = { .tv_usec = ACCEPT_PAUSE_MS * 1000 };

    evconnlistener_disable(ev);
    evtimer_add(listener->resume, &pause);
}

static void
on_resume(evutil_socket_t fd, short what, void *aux)
{
    struct listener *listener = aux;

    (void) fd;
    (void) what;
    evconnlistener_enable(listener->ev);
}

bool
vx_http_listen(struct vx_http *http, int take_fd, struct vx_error *err)
{
    struct listener *listener = vx_xcalloc(1, sizeof *listener);

    evutil_make_socket_nonblocking(take_fd);
    evutil_make_socket_closeonexec(take_fd);
    listener->http = http;
    listener->ev = evconnlistener_new(http->config.base, on_accept, listener,
                                      LEV_OPT_CLOSE_ON_FREE
                                      | LEV_OPT_CLOSE_ON_EXEC, 0, take_fd);
    if (!listener->ev) {
        close(take_fd);
        free(listener);
        return vx_fail(err, VX_UNAVAILABLE, "api",
                       "cannot listen on the API socket: %s",
                       strerror(errno));
    }
    listener->resume = evtimer_new(http->config.base, on_resume, listener);
    evconnlistener_set_error_cb(listener->ev, on_accept_error);
    listener->next = http->listeners;
    http->listeners = listener;
    return true;
}

void
vx_http_stop_listening(struct vx_http *http)
{
    for (struct listener *l = http->listeners; l; l = l->next) {
        if (l->ev) {
            evtimer_del(l->resume);
            evconnlistener_free(l->ev);
            l->ev = NULL;
        }
    }
}

unsigned
vx_http_n_connections(const struct vx_http *http)
{
    return http->n_connections;
}

struct vx_http *
vx_http_new(const struct vx_http_config *config)
{
    struct vx_http *http = vx_xcalloc(1, sizeof *http);

    http->config = *config;
    return http;
}

void
vx_http_free(struct vx_http *http)
{
    if (!http) {
        return;
    }
    vx_http_stop_listening(http);
    while (http->first) {
        struct vx_http_req *req = http->first;

        close_socket(req);
        if (req->in_flight && req->gone) {
            tell_gone(req);             /* replies, and so frees */
        } else {
            destroy(req);
        }
    }
    for (struct listener *next; http->listeners; http->listeners = next) {
        next = http->listeners->next;
        event_free(http->listeners->resume);
        free(http->listeners);
    }
    free(http);
}
