/* SPDX-License-Identifier: Apache-2.0 */
/* The shell of a BGP session: sockets, timers and bytes; bgp_fsm.c decides.
 *
 *   bytes in --> handle_messages() --> fsm, rib_in
 *   rib_out changed --> turn event --> pump() --> bytes out
 *
 * Work is done in slices, so that a full table neither comes nor goes in one
 * turn of the loop.  enter()/leave() bracket every event callback: a session
 * freed in between dies at the last leave(). */
#include "bgp/bgp_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "bgp/bgp_fsm.h"
#include "bgp/rib_in.h"
#include "bgp/rib_out.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum {
    INPUT_MAX = 1 << 18,        /* bytes read ahead */
    OUTPUT_MAX = 1 << 18,       /* bytes waiting: nothing more is built */
    SLICE = 24,                 /* messages read or built in one turn */
};

struct bg_session {
    struct event_base *base;
    struct bufferevent *bev;    /* NULL unless connecting or connected */
    struct event *timer;        /* of the state machine */
    struct event *turn;         /* more to read, build, or to step */
    struct event *stale;        /* the peer has had its time */
    struct event *settle;       /* ... and its peers theirs */
    unsigned held_ends;         /* families whose End-of-RIB waits for it */
    struct bg_fsm fsm;
    struct bg_rib_out *out;
    struct bg_rib_in *in;
    const struct bg_session_callbacks *cb;
    void *aux;

    struct bufferevent *handed; /* by bg_session_take(), not yet in use */
    bool is_handed;             /* connections come from there only */
    bool is_connected;
    unsigned n_entered;         /* event callbacks on the stack */
    bool is_freed;
    struct vx_buf buf;
    uint64_t queued;            /* bytes of this connection, for the peer */
    struct bg_session_status status;    /* counters and error only */
};

static const struct bg_session_callbacks no_callbacks;

static void step(struct bg_session *s, const struct bg_event *event);

/* --- Life. */

static void
drop_connection(struct bg_session *s)
{
    if (s->bev) {
        /* A pair of a test hears of its end only so. */
        bufferevent_flush(s->bev, EV_WRITE, BEV_FINISHED);
        bufferevent_free(s->bev);
        s->bev = NULL;
    }
    s->is_connected = false;
    s->queued = 0;
}

static void
destroy(struct bg_session *s)
{
    drop_connection(s);
    if (s->handed) {
        bufferevent_free(s->handed);
    }
    event_free(s->timer);
    event_free(s->turn);
    event_free(s->stale);
    event_free(s->settle);
    vx_buf_fini(&s->buf);
    explicit_bzero(&s->fsm.config.password, sizeof s->fsm.config.password);
    free(s);
}

static void
enter(struct bg_session *s)
{
    s->n_entered++;
}

static void
leave(struct bg_session *s)
{
    if (!--s->n_entered && s->is_freed) {
        destroy(s);
    }
}

void
bg_session_free(struct bg_session *s)
{
    if (!s || s->is_freed) {
        return;
    }
    s->is_freed = true;
    bg_rib_out_on_changed(s->out, NULL, NULL);
    if (s->fsm.state == BG_ESTABLISHED) {
        bg_rib_out_down(s->out);
        bg_rib_in_down(s->in);
    }
    drop_connection(s);
    event_del(s->timer);
    event_del(s->turn);
    event_del(s->stale);
    event_del(s->settle);
    if (!s->n_entered) {
        destroy(s);
    }
}

/* --- Output. */

static void
flush(struct bg_session *s)
{
    if (s->bev && s->buf.size) {
        bufferevent_write(s->bev, s->buf.data, s->buf.size);
        s->queued += s->buf.size;
        s->status.bytes_out += s->buf.size;
    }
    vx_buf_clear(&s->buf);
}

static void
more(struct bg_session *s)
{
    if (!s->is_freed) {
        event_active(s->turn, EV_TIMEOUT, 0);
    }
}

static void
pump(struct bg_session *s)
{
    int n = 0;

    while (s->fsm.state == BG_ESTABLISHED && s->bev
           && evbuffer_get_length(bufferevent_get_output(s->bev))
              < OUTPUT_MAX) {
        if (n++ == SLICE) {
            more(s);
            return;
        }
        if (!bg_rib_out_next(s->out, &s->buf)) {
            return;
        }
        flush(s);
        s->status.n_updates_out++;
        bg_rib_out_mark(s->out, s->queued);
    }
}

static void
tell_sent(struct bg_session *s)
{
    if (s->bev && s->fsm.state == BG_ESTABLISHED) {
        size_t waiting = evbuffer_get_length(
            bufferevent_get_output(s->bev));

        bg_rib_out_sent(s->out, s->queued - waiting);
    }
}

static void
on_write(struct bufferevent *bev, void *aux)
{
    struct bg_session *s = aux;

    (void) bev;
    enter(s);
    tell_sent(s);
    if (!s->is_freed) {
        pump(s);
    }
    leave(s);
}

static void
on_changed(void *aux)
{
    more(aux);
}

/* --- Input. */

static void
on_reach(void *aux, const struct bg_nlri *nlri, const struct bg_attrs *attrs)
{
    struct bg_session *s = aux;

    bg_rib_in_reach(s->in, nlri, attrs);
}

static void
on_unreach(void *aux, const struct bg_nlri *nlri)
{
    struct bg_session *s = aux;

    bg_rib_in_unreach(s->in, nlri);
}

static void
on_end_of_rib(void *aux, enum bg_family family)
{
    struct bg_session *s = aux;

    if (event_pending(s->settle, EV_TIMEOUT, NULL)
        && bg_rib_in_stale(s->in)) {
        s->held_ends |= BG_BIT(family);
    } else {
        bg_rib_in_end(s->in, family);
    }
}

static void
believe_ends(struct bg_session *s)
{
    unsigned ends = s->held_ends;

    s->held_ends = 0;
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        if (ends & BG_BIT(i)) {
            bg_rib_in_end(s->in, i);
        }
    }
}

static void
on_malformed(void *aux, const char *why)
{
    struct bg_session *s = aux;

    s->status.n_malformed++;
    if (s->cb->malformed) {
        s->cb->malformed(s->aux, why);
    }
}

static const struct bg_update_sink sink = {
    .reach = on_reach, .unreach = on_unreach, .end_of_rib = on_end_of_rib,
    .malformed = on_malformed,
};

/* True unless the session has come to its end. */
static bool
handle_message(struct bg_session *s, enum bg_msg_type type,
               const uint8_t *body, size_t size)
{
    struct bg_event event = { .type = BG_EV_MESSAGE, .message = type };
    struct bg_notify notify;
    struct bg_open open;
    enum bg_family family;
    bool ok = true;

    if (type == BG_OPEN) {
        ok = bg_decode_open(body, size, &open, &notify);
        event.open = &open;
    } else if (type == BG_NOTIFICATION) {
        bg_decode_notification(body, size, &notify);
        event.notify = &notify;
    }
    if (ok) {
        step(s, &event);
    }
    if (!s->is_freed && s->fsm.state == BG_ESTABLISHED) {
        if (type == BG_UPDATE) {
            const struct bg_update_context context = {
                .families = s->fsm.families, .as4 = s->fsm.peer.as4,
            };

            s->status.n_updates_in++;
            ok = bg_decode_update(body, size, &context, &sink, s, &notify);
        } else if (type == BG_ROUTE_REFRESH
                   && bg_decode_refresh(body, size, &family)) {
            bg_rib_out_refresh(s->out, family);
        }
    }
    if (!ok && !s->is_freed) {
        step(s, &(struct bg_event) {
            .type = BG_EV_MALFORMED, .notify = &notify });
    }
    return !s->is_freed && s->is_connected;
}

/* False if there is no whole message (any more). */
static bool
take_message(struct bg_session *s)
{
    struct evbuffer *input = bufferevent_get_input(s->bev);
    size_t have = evbuffer_get_length(input), size;
    struct bg_notify notify;
    enum bg_msg_type type;

    if (have < BG_HEADER_SIZE) {
        return false;
    }
    const uint8_t *bytes = evbuffer_pullup(input, BG_HEADER_SIZE);
    if (!bg_decode_header(bytes, have, &type, &size, &notify)) {
        step(s, &(struct bg_event) {
            .type = BG_EV_MALFORMED, .notify = &notify });
        return false;
    }
    if (have < size) {
        return false;
    }
    bytes = evbuffer_pullup(input, size);
    s->status.bytes_in += size;
    if (!handle_message(s, type, bytes + BG_HEADER_SIZE,
                        size - BG_HEADER_SIZE)) {
        return false;
    }
    evbuffer_drain(input, size);
    return true;
}

static void
handle_messages(struct bg_session *s)
{
    for (int n = 0; s->is_connected && take_message(s); n++) {
        if (n == SLICE) {
            more(s);
            return;
        }
    }
    if (s->held_ends && !bg_rib_in_stale(s->in)) {
        believe_ends(s);
    }
}

static void
on_read(struct bufferevent *bev, void *aux)
{
    struct bg_session *s = aux;

    (void) bev;
    enter(s);
    handle_messages(s);
    leave(s);
}

static void
on_event(struct bufferevent *bev, short what, void *aux)
{
    struct bg_session *s = aux;
    struct bg_event event = { .type = BG_EV_LOST };
    char text[200];

    (void) bev;
    enter(s);
    if (what & BEV_EVENT_CONNECTED) {
        s->is_connected = true;
        event.type = BG_EV_CONNECTED;
    } else if (what & BEV_EVENT_ERROR) {
        snprintf(text, sizeof text, "%s: %s", s->is_connected
                 ? "connection lost" : "cannot connect",
                 evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
        event.text = text;
    } else if (s->is_connected) {
        /* What came before the end is still to be read: often the reason. */
        handle_messages(s);
    }
    if (!s->is_freed && s->bev) {
        step(s, &event);
    }
    leave(s);
}

/* --- Connecting. */

static socklen_t
make_address(const struct vx_ip *ip, uint16_t port,
             struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *in = (struct sockaddr_in *) ret_address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) ret_address;

    memset(ret_address, 0, sizeof *ret_address);
    if (ip->family == 4) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, ip->b, 4);
        return sizeof *in;
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, ip->b, 16);
    return sizeof *in6;
}

/* RFC 2385.  The key belongs to the address of the peer. */
static bool
set_password(int fd, const struct bg_session_config *config)
{
    struct tcp_md5sig md5 = { 0 };
    struct sockaddr_storage address;

    (void) make_address(&config->peer, 0, &address);
    memcpy(&md5.tcpm_addr, &address, sizeof md5.tcpm_addr);
    md5.tcpm_keylen = strlen(config->password);
    memcpy(md5.tcpm_key, config->password, md5.tcpm_keylen);
    bool ok = !setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof md5);
    explicit_bzero(&md5, sizeof md5);
    return ok;
}

/* A socket that is bound and knows its password; -1 and errno. */
static int
open_socket(const struct bg_session_config *config)
{
    int family = config->peer.family == 4 ? AF_INET : AF_INET6;
    int one = 1;
    struct sockaddr_storage local;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    socklen_t size = config->local.family
                     ? make_address(&config->local, 0, &local) : 0;
    if ((*config->password && !set_password(fd, config))
        || (size && bind(fd, (struct sockaddr *) &local, size))) {
        int saved = errno;

        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static void
use_connection(struct bg_session *s, struct bufferevent *take_bev)
{
    s->bev = take_bev;
    bufferevent_setcb(s->bev, on_read, on_write, on_event, s);
    bufferevent_setwatermark(s->bev, EV_READ, BG_HEADER_SIZE, INPUT_MAX);
    bufferevent_setwatermark(s->bev, EV_WRITE, OUTPUT_MAX / 2, 0);
    bufferevent_enable(s->bev, EV_READ | EV_WRITE);
}

static void
connect_peer(struct bg_session *s)
{
    const struct bg_session_config *config = &s->fsm.config;
    struct sockaddr_storage address;
    char text[200];
    int fd = open_socket(config);

    if (fd >= 0) {
        socklen_t size = make_address(&config->peer, config->port, &address);

        use_connection(s, bufferevent_socket_new(s->base, fd,
                                                 BEV_OPT_CLOSE_ON_FREE));
        if (!bufferevent_socket_connect(s->bev,
                                        (struct sockaddr *) &address,
                                        size)) {
            return;
        }
    }
    snprintf(text, sizeof text, "cannot connect: %s", strerror(errno));
    step(s, &(struct bg_event) { .type = BG_EV_LOST, .text = text });
}

/* --- What the state machine wants done. */

static void
set_stale(struct bg_session *s)
{
    const struct timeval tv = { .tv_sec = s->fsm.config.stale_s };

    event_add(s->stale, &tv);
}

static void
do_up(struct bg_session *s)
{
    s->status.n_up++;
    s->status.error[0] = '\0';
    bg_rib_in_up(s->in, s->fsm.families, &s->fsm.config.router_id);
    bg_rib_out_up(s->out, s->fsm.families, s->fsm.peer.as4);
    set_stale(s);
    if (s->fsm.config.settle_s && bg_rib_in_stale(s->in)) {
        const struct timeval tv = { .tv_sec = s->fsm.config.settle_s };

        event_add(s->settle, &tv);
    }
    more(s);
    if (s->cb->up) {
        s->cb->up(s->aux, s->fsm.families);
    }
}

static void
do_send(struct bg_session *s, unsigned todo)
{
    struct bg_open open;

    if (todo & BG_DO_SEND_OPEN) {
        bg_fsm_open(&s->fsm, &open);
        bg_encode_open(&open, &s->buf);
    }
    if (todo & BG_DO_SEND_KEEPALIVE) {
        bg_encode_keepalive(&s->buf);
    }
    if (todo & BG_DO_SEND_NOTIFY) {
        bg_encode_notification(&s->fsm.notify, &s->buf);
    }
    flush(s);
}

/* A NOTIFICATION is given one chance to leave. */
static void
do_close(struct bg_session *s)
{
    evutil_socket_t fd = s->bev ? bufferevent_getfd(s->bev) : -1;

    if (fd >= 0 && s->is_connected) {
        struct evbuffer *output = bufferevent_get_output(s->bev);

        evbuffer_unfreeze(output, 1);
        evbuffer_write(output, fd);
        shutdown(fd, SHUT_WR);
    }
    drop_connection(s);
}

static void
do_down(struct bg_session *s)
{
    snprintf(s->status.error, sizeof s->status.error, "%s", s->fsm.why);
    if (s->fsm.was_up) {
        s->held_ends = 0;
        event_del(s->settle);
        bg_rib_out_down(s->out);
        bg_rib_in_down(s->in);
        set_stale(s);
    }
    if (s->cb->down) {
        s->cb->down(s->aux, s->fsm.why);
    }
}

static void
set_timer(struct bg_session *s)
{
    if (s->fsm.next_ms < 0
        || (s->is_handed && s->fsm.state == BG_IDLE)) {
        event_del(s->timer);
        return;
    }
    int64_t left = s->fsm.next_ms - vx_clock_ms();
    left = left > 0 ? left : 0;
    const struct timeval tv = { left / 1000, left % 1000 * 1000 };
    event_add(s->timer, &tv);
}

static void
step(struct bg_session *s, const struct bg_event *event)
{
    unsigned todo = bg_fsm_step(&s->fsm, event, vx_clock_ms());

    set_timer(s);
    do_send(s, todo);
    if (todo & BG_DO_CLOSE) {
        do_close(s);
    }
    if (todo & BG_DO_CONNECT) {
        connect_peer(s);
    } else if (todo & BG_DO_UP) {
        do_up(s);
    } else if (todo & BG_DO_DOWN) {
        do_down(s);
    }
}

static void
on_timer(evutil_socket_t fd, short what, void *aux)
{
    struct bg_session *s = aux;

    (void) fd;
    (void) what;
    enter(s);
    step(s, &(struct bg_event) { .type = BG_EV_TIME });
    leave(s);
}

static void
on_stale(evutil_socket_t fd, short what, void *aux)
{
    struct bg_session *s = aux;

    (void) fd;
    (void) what;
    enter(s);
    bg_rib_in_expire(s->in);
    leave(s);
}

static void
on_settle(evutil_socket_t fd, short what, void *aux)
{
    struct bg_session *s = aux;

    (void) fd;
    (void) what;
    enter(s);
    believe_ends(s);
    leave(s);
}

static void
on_turn(evutil_socket_t fd, short what, void *aux)
{
    struct bg_session *s = aux;

    (void) fd;
    (void) what;
    enter(s);
    if (s->handed) {
        struct bufferevent *bev = s->handed;

        s->handed = NULL;
        drop_connection(s);
        use_connection(s, bev);
        s->is_connected = true;
        step(s, &(struct bg_event) { .type = BG_EV_CONNECTED });
    }
    handle_messages(s);
    if (!s->is_freed) {
        pump(s);
    }
    leave(s);
}

/* --- The owner's side. */

static bool
check_config(const struct bg_session_config *config, struct vx_error *err)
{
    if (config->peer.family != 4 && config->peer.family != 6) {
        return vx_fail(err, VX_INVALID, "peer", "a BGP session needs the "
                       "address of its peer");
    }
    if (config->local.family && config->local.family != config->peer.family) {
        return vx_fail(err, VX_INVALID, "local", "the source address and the "
                       "peer's must be both IPv4 or both IPv6");
    }
    if (!config->as || !config->peer_as) {
        return vx_fail(err, VX_INVALID, "as", "AS 0 is none");
    }
    if (config->router_id.family != 4
        || !memcmp(config->router_id.b, "\0\0\0\0", 4)) {
        return vx_fail(err, VX_INVALID, "router_id", "the router id must be "
                       "an IPv4 address other than 0.0.0.0");
    }
    if (!config->families || config->families & ~BG_ALL_FAMILIES) {
        return vx_fail(err, VX_INVALID, "families", "a BGP session needs at "
                       "least one address family");
    }
    if ((config->hold_s && config->hold_s < 3) || config->restart_s > 4095) {
        return vx_fail(err, VX_INVALID, "hold", "the hold time is at least "
                       "3 s, the restart time at most 4095 s");
    }
    return true;
}

static bool
check_password(const struct bg_session_config *config, struct vx_error *err)
{
    if (!*config->password) {
        return true;
    }
    int fd = socket(config->peer.family == 4 ? AF_INET : AF_INET6,
                    SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && set_password(fd, config);
    int saved = errno;

    if (fd >= 0) {
        close(fd);
    }
    return ok || vx_fail(err, VX_UNAVAILABLE, "password", "the kernel does "
                         "not take a TCP MD5 password (%s): leave the "
                         "password away on both sides, or use a kernel with "
                         "CONFIG_TCP_MD5SIG", strerror(saved));
}

struct bg_session *
bg_session_new(struct event_base *base,
               const struct bg_session_config *config,
               struct bg_rib_out *out, struct bg_rib_in *in,
               struct vx_error *err)
{
    if (!check_config(config, err) || !check_password(config, err)) {
        return NULL;
    }
    struct bg_session *s = vx_xcalloc(1, sizeof *s);
    s->base = base;
    s->out = out;
    s->in = in;
    s->cb = &no_callbacks;
    s->timer = event_new(base, -1, 0, on_timer, s);
    s->turn = event_new(base, -1, 0, on_turn, s);
    s->stale = event_new(base, -1, 0, on_stale, s);
    s->settle = event_new(base, -1, 0, on_settle, s);
    if (!s->timer || !s->turn || !s->stale || !s->settle) {
        abort();
    }
    bg_fsm_init(&s->fsm, config, (uintptr_t) s >> 4 ^ vx_clock_ms(),
                vx_clock_ms());
    bg_rib_out_on_changed(out, on_changed, s);
    if (bg_rib_in_stale(in)) {
        set_stale(s);
    }
    set_timer(s);
    return s;
}

void
bg_session_set_callbacks(struct bg_session *s,
                         const struct bg_session_callbacks *callbacks,
                         void *aux)
{
    s->cb = callbacks ? callbacks : &no_callbacks;
    s->aux = aux;
}

void
bg_session_take(struct bg_session *s, struct bufferevent *take_bev)
{
    if (s->handed) {
        bufferevent_free(s->handed);
    }
    s->handed = take_bev;
    s->is_handed = true;
    event_del(s->timer);
    more(s);
}

void
bg_session_stop(struct bg_session *s, const char *text)
{
    struct bg_notify notify = { .code = 6, .subcode = 2 };
    size_t n = text ? strlen(text) : 0;

    n = n < sizeof notify.data ? n : sizeof notify.data - 1;
    if (n) {
        notify.data[0] = n;
        memcpy(notify.data + 1, text, n);
        notify.n = n + 1;
    }
    const struct bg_session_callbacks *cb = s->cb;
    s->cb = &no_callbacks;          /* the owner knows */
    step(s, &(struct bg_event) { .type = BG_EV_STOP, .notify = &notify });
    s->cb = cb;
}

void
bg_session_get_status(const struct bg_session *s,
                      struct bg_session_status *ret_status)
{
    *ret_status = s->status;
    ret_status->state = s->fsm.state;
    ret_status->since_ms = s->fsm.since_ms;
    ret_status->families = s->fsm.families;
    if (s->fsm.state == BG_ESTABLISHED) {
        ret_status->peer_router_id = s->fsm.peer.router_id;
        ret_status->hold_s = s->fsm.hold_s;
        ret_status->graceful = s->fsm.peer.graceful;
    }
}

void
bg_session_refresh(struct bg_session *s, enum bg_family family)
{
    if (s->fsm.state == BG_ESTABLISHED && s->fsm.peer.route_refresh
        && s->fsm.families & BG_BIT(family)) {
        bg_encode_refresh(family, &s->buf);
        flush(s);
    }
}

const char *
bg_state_name(enum bg_state state)
{
    static const char *const names[] = {
        [BG_IDLE] = "idle", [BG_CONNECT] = "connect",
        [BG_OPEN_SENT] = "open-sent", [BG_OPEN_CONFIRM] = "open-confirm",
        [BG_ESTABLISHED] = "established", [BG_STOPPED] = "stopped",
    };

    return names[state];
}
