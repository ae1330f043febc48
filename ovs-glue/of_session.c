/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenFlow connection as callbacks of the event loop.
 *
 *   bytes in  --> frames --> handle_msg() --> state, queue, owner
 *   queue()   --> turn event --> pump() --> bytes out
 *
 * Only pump() writes bundles, and only event callbacks call pump(), so what
 * is queued in one turn is seen together and no owner's callback runs inside
 * an owner's call.  enter()/leave() bracket every event callback: a session
 * freed in between dies at the last leave(). */
#include "ovs-glue/of_session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "lib/buf.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_counts.h"
#include "ovs-glue/of_queue.h"
#include "ovs-glue/of_wire.h"

enum {
    INPUT_MAX = 1 << 18,        /* bytes read ahead; a frame has at most
                                 * 2^16 - 1 */
    ABUSE_MAX = 1 << 23,        /* bytes of output of a switch that asks but
                                 * does not read */
    COPY_MAX = 2048,            /* bytes: copied rather than referred to */
    DUMP_ROWS_MAX = 1 << 22,
    DUMP_BYTES_MAX = 1 << 29,
    STALL_TICKS = 12,           /* keepalive intervals without progress */
    OWN_XIDS = 0x7fffffff,      /* those of og_msgs; ours are above ... */
    PACKET_BIT = 1 << 30,       /* ... and those of packet-outs have it set */
};

enum state {
    STATE_HELLO, STATE_FEATURES, STATE_READY, STATE_CLOSED,
};

struct flight {                 /* a bundle not yet confirmed */
    uint32_t commit_xid, barrier_xid;
    size_t n;                   /* messages */
    bool bundled;               /* else there is nothing to commit */
    bool committed;
};

struct og_of_session {
    struct bufferevent *bev;
    struct event *turn;         /* pump() at the end of this turn */
    struct event *timer;        /* keepalive */
    const struct og_of_callbacks *cb;
    void *aux;

    enum state state;
    uint64_t dpid;
    uint32_t last_xid;
    unsigned n_entered;         /* event callbacks on the stack */
    bool is_freed;

    struct og_queue queue;
    struct flight flights[OG_OF_WINDOW];    /* by bundle number */

    struct og_of_part dump_part;
    struct og_crows *dump;      /* under way, else NULL */
    size_t dump_size;           /* bytes of it so far */
    uint32_t flow_xid, group_xid, meter_xid;    /* requests without last
                                                 * reply, else 0 */
    uint32_t n_packets;         /* out, for their xids */

    struct og_counts counts;    /* what is being counted */
    uint32_t count_xid;         /* request without last reply, else 0 */

    unsigned interval_ms, timeout_ms;
    bool pinged;                /* by the owner, */
    uint64_t pinged_at;         /* ... at these bytes_in */
    bool heard;                 /* a byte since the timer was set */
    bool probed;                /* echo request since then */
    bool progressed;            /* of queue or dump, since the last tick */
    unsigned n_stalled;         /* ticks */
    struct og_of_counters counters;
};

static void pump(struct og_of_session *s);

/* --- Life. */

static void
destroy(struct og_of_session *s)
{
    bufferevent_free(s->bev);
    event_free(s->turn);
    event_free(s->timer);
    og_queue_fini(&s->queue);
    og_crows_free(s->dump);
    free(s->counts.rows);
    free(s);
}

static void
enter(struct og_of_session *s)
{
    s->n_entered++;
}

static void
leave(struct og_of_session *s)
{
    if (!--s->n_entered && s->is_freed) {
        destroy(s);
    }
}

void
og_of_session_free(struct og_of_session *s)
{
    if (!s || s->is_freed) {
        return;
    }
    s->state = STATE_CLOSED;
    s->is_freed = true;
    if (!s->n_entered) {
        destroy(s);
    }
}

static void __attribute__((format(printf, 2, 3)))
close_session(struct og_of_session *s, const char *fmt, ...)
{
    char why[512];
    va_list args;

    if (s->state == STATE_CLOSED) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    s->state = STATE_CLOSED;
    bufferevent_disable(s->bev, EV_READ | EV_WRITE);
    event_del(s->turn);
    event_del(s->timer);
    og_queue_fini(&s->queue);
    s->cb->closed(s->aux, why);
}

/* --- Output. */

static struct evbuffer *
output(struct og_of_session *s)
{
    return bufferevent_get_output(s->bev);
}

static uint32_t
own_xid(struct og_of_session *s)
{
    s->last_xid = s->last_xid % PACKET_BIT == PACKET_BIT - 1
                  ? (uint32_t) OWN_XIDS + 2 : s->last_xid + 1;
    return s->last_xid;
}

static uint32_t
packet_xid(struct og_of_session *s)
{
    return ((uint32_t) OWN_XIDS + 1) | PACKET_BIT
           | s->n_packets++ % PACKET_BIT;
}

static bool
is_of_packet(uint32_t xid)
{
    return xid > OWN_XIDS && xid & PACKET_BIT;
}

static void
count_out(struct og_of_session *s, size_t size)
{
    s->counters.bytes_out += size;
}

static void
unref_bytes(const void *data, size_t size, void *msgs)
{
    (void) data;
    (void) size;
    og_msgs_unref(msgs);
}

/* Long ranges are sent from where they were encoded. */
static void
put_part(struct og_of_session *s, const struct og_part *part)
{
    size_t size;
    const void *bytes = og_msgs_bytes(part->msgs, part->first, part->n,
                                      &size);

    count_out(s, size);
    if (size <= COPY_MAX) {
        evbuffer_add(output(s), bytes, size);
    } else {
        evbuffer_add_reference(output(s), bytes, size, unref_bytes,
                               og_msgs_ref(part->msgs));
    }
}

static struct flight *
flight_of(struct og_of_session *s, uint64_t bundle)
{
    return &s->flights[bundle % OG_OF_WINDOW];
}

static void
send_bundle(struct og_of_session *s)
{
    struct og_part part;
    struct evbuffer *out = output(s);

    bool bundled = og_queue_begin(&s->queue);
    struct flight *f = flight_of(s, s->queue.n_begun);
    *f = (struct flight) { .bundled = bundled, .committed = !bundled };
    if (bundled) {
        count_out(s, og_wire_bundle_open(out, own_xid(s)));
    }
    while (og_queue_take(&s->queue, OG_OF_BUNDLE_MAX - f->n, &part)) {
        put_part(s, &part);
        f->n += part.n;
    }
    if (bundled) {
        f->commit_xid = own_xid(s);
        count_out(s, og_wire_bundle_commit(out, f->commit_xid));
    }
    f->barrier_xid = own_xid(s);
    count_out(s, og_wire_barrier(out, f->barrier_xid));
    s->counters.n_msgs_sent += f->n;
}

static void
send_dump(struct og_of_session *s)
{
    s->dump = og_crows_new();
    s->flow_xid = s->group_xid = s->meter_xid = 0;
    if (s->dump_part.table != OG_OF_NO_TABLE) {
        s->flow_xid = own_xid(s);
        count_out(s, og_wire_flow_dump(output(s), s->flow_xid,
                                       &s->dump_part));
    }
    if (s->dump_part.table >= OG_OF_NO_TABLE) {
        s->group_xid = own_xid(s);
        count_out(s, og_wire_group_dump(output(s), s->group_xid));
        s->meter_xid = own_xid(s);
        count_out(s, og_wire_meter_dump(output(s), s->meter_xid));
    }
}

/* Does all that can be done now. */
static void
pump(struct og_of_session *s)
{
    uint64_t tag;

    while (s->state == STATE_READY && !s->dump) {
        bool may_send
            = og_queue_in_flight(&s->queue) < OG_OF_WINDOW
              && evbuffer_get_length(output(s)) < OG_OF_OUTPUT_MAX;

        switch (og_queue_next(&s->queue, may_send, &tag)) {
        case OG_NEXT_NONE:
            return;
        case OG_NEXT_BUNDLE:
            send_bundle(s);
            break;
        case OG_NEXT_TAG:
            s->cb->committed(s->aux, tag);
            break;
        case OG_NEXT_DUMP:
            send_dump(s);
            break;
        }
    }
}

/* --- What a switch says. */

static void
handle_hello(struct og_of_session *s, const uint8_t *msg, size_t size)
{
    if (s->state != STATE_HELLO) {
        return;
    }
    if (!og_wire_hello_is_ours(msg, size)) {
        close_session(s, "the switch does not speak OpenFlow 1.5: set "
                      "protocols=OpenFlow15 on its bridge");
        return;
    }
    s->state = STATE_FEATURES;
    count_out(s, og_wire_features_request(output(s), own_xid(s)));
}

static void
handle_features(struct og_of_session *s, const uint8_t *msg, size_t size)
{
    if (s->state != STATE_FEATURES) {
        return;
    }
    if (!og_wire_features(msg, size, &s->dpid)) {
        close_session(s, "malformed features reply of %zu bytes", size);
        return;
    }
    s->state = STATE_READY;
    count_out(s, og_wire_set_config(output(s), own_xid(s)));
    s->cb->ready(s->aux, s->dpid);
    pump(s);
}

static void
fail_queue(struct og_of_session *s, const struct vx_error *err)
{
    og_queue_void(&s->queue);
    s->cb->failed(s->aux, err);
}

/* Where a request of the dump is remembered, NULL if it is none. */
static uint32_t *
dump_xid(struct og_of_session *s, uint32_t xid)
{
    if (!s->dump || !xid) {
        return NULL;
    }
    return xid == s->flow_xid ? &s->flow_xid
           : xid == s->group_xid ? &s->group_xid
           : xid == s->meter_xid ? &s->meter_xid : NULL;
}

static void
finish_count(struct og_of_session *s, const char *why)
{
    struct og_counts counts = s->counts;

    s->counts = (struct og_counts) { NULL, 0, 0 };
    s->count_xid = 0;
    s->cb->counted(s->aux, counts.rows, why ? 0 : counts.n, why);
    free(counts.rows);
}

/* The switch works in order, so an error while a bundle is in flight is of
 * the oldest one. */
static void
handle_error(struct og_of_session *s, uint32_t xid, const uint8_t *msg,
             size_t size)
{
    struct vx_error err;
    size_t index;

    s->counters.n_errors++;
    og_error_from_reply(msg, size, &err);
    if (s->state != STATE_READY) {
        close_session(s, "handshake failed: %s", err.message);
    } else if (dump_xid(s, xid)) {
        close_session(s, "dump refused: %s", err.message);
    } else if (xid && xid == s->count_xid) {
        finish_count(s, err.message);
    } else if (is_of_packet(xid) || !og_queue_in_flight(&s->queue)
               || og_queue_is_void(&s->queue)) {
        return;
    } else {
        struct og_msgs *msgs = og_queue_find_xid(&s->queue, xid, &index);
        if (msgs) {
            struct vx_buf buf = VX_BUF_INIT;
            struct vx_error bare = err;

            og_msgs_describe(msgs, index, &buf);
            vx_fail(&err, bare.code, "", "%s: %s", vx_buf_str(&buf),
                    bare.message);
            vx_buf_fini(&buf);
        }
        fail_queue(s, &err);
    }
}

static void
handle_commit_reply(struct og_of_session *s, uint32_t xid)
{
    for (uint64_t b = s->queue.n_done + 1; b <= s->queue.n_begun; b++) {
        struct flight *f = flight_of(s, b);

        f->committed |= f->bundled && f->commit_xid == xid;
    }
}

static void
handle_barrier(struct og_of_session *s, uint32_t xid)
{
    struct flight *f = flight_of(s, s->queue.n_done + 1);

    if (!og_queue_in_flight(&s->queue) || f->barrier_xid != xid) {
        close_session(s, "barrier reply %#x that nobody waits for", xid);
        return;
    }
    bool counts = !og_queue_is_void(&s->queue);
    og_queue_end(&s->queue, f->n);
    s->progressed = true;
    if (counts && f->committed) {
        s->counters.n_bundles += f->bundled;
    } else if (counts) {
        struct vx_error err;
        vx_fail(&err, VX_INTERNAL, "", "the switch passed a barrier without "
                "confirming the bundle before it");
        fail_queue(s, &err);
    }
    pump(s);
}

static void
finish_dump(struct og_of_session *s)
{
    struct og_crows *crows = s->dump;

    s->dump = NULL;
    s->dump_size = 0;
    s->counters.n_dumps++;
    og_queue_dump_done(&s->queue);
    s->cb->dumped(s->aux, crows);
    pump(s);
}

static void
handle_counts(struct og_of_session *s, const uint8_t *msg, size_t size)
{
    struct vx_error err;

    s->progressed = true;
    if (!og_counts_add_reply(&s->counts, msg, size, &err)) {
        finish_count(s, err.message);
    } else if (!og_wire_has_more(msg)) {
        finish_count(s, NULL);
    }
}

static void
handle_multipart(struct og_of_session *s, uint32_t xid, const uint8_t *msg,
                 size_t size)
{
    uint32_t *request = dump_xid(s, xid);
    struct vx_error err;

    if (xid && xid == s->count_xid) {
        handle_counts(s, msg, size);
        return;
    }
    if (!request) {
        return;
    }
    s->progressed = true;
    s->dump_size += size;
    if (!og_crows_add_reply(s->dump, msg, size, &err)) {
        close_session(s, "dump: %s", err.message);
    } else if (s->dump_size > DUMP_BYTES_MAX) {
        close_session(s, "dump: more than %d bytes", DUMP_BYTES_MAX);
    } else if (s->dump->n > DUMP_ROWS_MAX) {
        close_session(s, "dump: more than %d rows", DUMP_ROWS_MAX);
    } else if (!og_wire_has_more(msg)) {
        *request = 0;
        if (!s->flow_xid && !s->group_xid && !s->meter_xid) {
            finish_dump(s);
        }
    }
}

static void
handle_echo(struct og_of_session *s, const uint8_t *msg, size_t size)
{
    if (evbuffer_get_length(output(s)) > ABUSE_MAX) {
        close_session(s, "the switch sends requests and reads no replies");
        return;
    }
    count_out(s, og_wire_echo_reply(output(s), msg, size));
}

static void
handle_packet_in(struct og_of_session *s, const uint8_t *msg, size_t size)
{
    struct vx_packet_in in;

    if (s->state != STATE_READY || !s->cb->packet_in) {
        return;
    }
    if (og_wire_packet_in(msg, size, &in)) {
        s->cb->packet_in(s->aux, &in);
    } else {
        close_session(s, "malformed packet-in of %zu bytes", size);
    }
}

static void
handle_msg(struct og_of_session *s, const struct og_wire_header *h,
           const uint8_t *msg)
{
    if (h->version != OG_WIRE_VERSION && h->type != OG_HELLO
        && h->type != OG_ERROR) {
        close_session(s, "message of OpenFlow version %#x, not %#x",
                      h->version, OG_WIRE_VERSION);
        return;
    }
    switch (h->type) {
    case OG_HELLO:
        handle_hello(s, msg, h->size);
        break;
    case OG_ERROR:
        handle_error(s, h->xid, msg, h->size);
        break;
    case OG_ECHO_REQUEST:
        handle_echo(s, msg, h->size);
        break;
    case OG_FEATURES_REPLY:
        handle_features(s, msg, h->size);
        break;
    case OG_PACKET_IN:
        handle_packet_in(s, msg, h->size);
        break;
    case OG_MULTIPART_REPLY:
        handle_multipart(s, h->xid, msg, h->size);
        break;
    case OG_BARRIER_REPLY:
        handle_barrier(s, h->xid);
        break;
    case OG_BUNDLE_CONTROL:
        if (og_wire_is_commit_reply(msg, h->size)) {
            handle_commit_reply(s, h->xid);
        }
        break;
    default:                    /* port status and the like */
        break;
    }
}

/* --- Events. */

static void
on_read(struct bufferevent *bev, void *session)
{
    struct og_of_session *s = session;
    struct evbuffer *in = bufferevent_get_input(bev);
    size_t budget = evbuffer_get_length(in);
    uint8_t bytes[OG_WIRE_HEADER_SIZE];

    enter(s);
    s->heard = true;
    while (s->state != STATE_CLOSED
           && evbuffer_copyout(in, bytes, sizeof bytes) == sizeof bytes) {
        struct og_wire_header h = og_wire_header(bytes);

        if (h.size < sizeof bytes) {
            close_session(s, "message that claims a length of %u bytes",
                          h.size);
            break;
        }
        if (budget < h.size) {
            break;
        }
        handle_msg(s, &h, evbuffer_pullup(in, h.size));
        s->counters.bytes_in += h.size;
        budget -= h.size;
        evbuffer_drain(in, h.size);
    }
    leave(s);
}

/* The output has run low. */
static void
on_write(struct bufferevent *bev, void *session)
{
    struct og_of_session *s = session;

    (void) bev;
    enter(s);
    pump(s);
    leave(s);
}

static void
on_event(struct bufferevent *bev, short what, void *session)
{
    struct og_of_session *s = session;

    (void) bev;
    enter(s);
    if (what & BEV_EVENT_EOF) {
        close_session(s, "closed by the switch");
    } else if (what & BEV_EVENT_ERROR) {
        int error = EVUTIL_SOCKET_ERROR();
        close_session(s, "connection lost: %s",
                      error ? evutil_socket_error_to_string(error) : "reset");
    }
    leave(s);
}

static void
on_turn(evutil_socket_t fd, short what, void *session)
{
    struct og_of_session *s = session;

    (void) fd;
    (void) what;
    enter(s);
    pump(s);
    leave(s);
}

static void
set_timer(struct og_of_session *s, unsigned ms)
{
    struct timeval tv = { .tv_sec = ms / 1000,
                          .tv_usec = ms % 1000 * 1000 };

    event_add(s->timer, &tv);
}

/* Echo is answered by a switch that works on nothing of ours any more, so
 * progress is watched as well. */
static bool
is_stalled(struct og_of_session *s)
{
    bool waits = s->dump || s->count_xid || og_queue_in_flight(&s->queue);

    s->n_stalled = waits && !s->progressed ? s->n_stalled + 1 : 0;
    s->progressed = false;
    return s->n_stalled > STALL_TICKS;
}

static void
on_timer(evutil_socket_t fd, short what, void *session)
{
    struct og_of_session *s = session;

    (void) fd;
    (void) what;
    enter(s);
    if (s->state != STATE_READY) {
        close_session(s, "no handshake within %u ms", s->timeout_ms);
    } else if (is_stalled(s)) {
        close_session(s, "the switch answers but does not get on with what "
                      "was sent to it");
    } else if (s->heard) {
        s->heard = s->probed = false;
        set_timer(s, s->interval_ms);
    } else if (!s->probed) {
        s->probed = true;
        count_out(s, og_wire_echo_request(output(s), own_xid(s)));
        set_timer(s, s->timeout_ms);
    } else {
        close_session(s, "no answer to an echo request within %u ms",
                      s->timeout_ms);
    }
    leave(s);
}

/* --- For the owner. */

/* A bundle must not wait for the acknowledgement of the one before it.  Fails
 * where the session is not over TCP, which is fine. */
static void
set_no_delay(struct bufferevent *bev)
{
    evutil_socket_t fd = bufferevent_getfd(bev);
    int on = 1;

    if (fd >= 0) {
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}

struct og_of_session *
og_of_session_new(struct bufferevent *take_bev,
                  const struct og_of_callbacks *cb, void *aux)
{
    struct og_of_session *s = vx_xcalloc(1, sizeof *s);
    struct event_base *base = bufferevent_get_base(take_bev);

    og_codec_init();
    set_no_delay(take_bev);
    s->bev = take_bev;
    s->cb = cb;
    s->aux = aux;
    s->last_xid = (uint32_t) OWN_XIDS + 1;
    og_queue_init(&s->queue);
    s->turn = event_new(base, -1, 0, on_turn, s);
    s->timer = evtimer_new(base, on_timer, s);
    bufferevent_setcb(take_bev, on_read, on_write, on_event, s);
    bufferevent_setwatermark(take_bev, EV_READ, 0, INPUT_MAX);
    bufferevent_setwatermark(take_bev, EV_WRITE, OG_OF_OUTPUT_MAX / 2, 0);
    bufferevent_set_max_single_read(take_bev, INPUT_MAX);
    bufferevent_set_max_single_write(take_bev, INPUT_MAX);
    og_of_session_set_keepalive(s, 5000, 10000);
    count_out(s, og_wire_hello(output(s), own_xid(s)));
    bufferevent_enable(take_bev, EV_READ | EV_WRITE);
    return s;
}

void
og_of_session_set_keepalive(struct og_of_session *s, unsigned interval_ms,
                            unsigned timeout_ms)
{
    s->interval_ms = interval_ms;
    s->timeout_ms = timeout_ms;
    if (s->state != STATE_CLOSED) {
        set_timer(s, s->state == STATE_READY ? interval_ms : timeout_ms);
    }
}

bool
og_of_session_is_ready(const struct og_of_session *s)
{
    return s->state == STATE_READY;
}

uint64_t
og_of_session_dpid(const struct og_of_session *s)
{
    return s->dpid;
}

void
og_of_session_queue(struct og_of_session *s, struct og_msgs *msgs,
                    uint64_t tag)
{
    if (s->state == STATE_READY) {
        og_queue_push(&s->queue, msgs, tag);
        event_active(s->turn, EV_TIMEOUT, 0);
    }
}

void
og_of_session_fence(struct og_of_session *s, uint64_t number)
{
    if (s->state == STATE_READY) {
        og_queue_push_fence(&s->queue, number);
    }
}

void
og_of_session_pass(struct og_of_session *s, uint64_t number)
{
    if (s->state == STATE_READY) {
        og_queue_pass(&s->queue, number);
        event_active(s->turn, EV_TIMEOUT, 0);
    }
}

void
og_of_session_drop(struct og_of_session *s)
{
    if (s->state == STATE_READY) {
        og_queue_drop(&s->queue);
    }
}

bool
og_of_session_dump(struct og_of_session *s, uint8_t table)
{
    return og_of_session_dump_part(s, &(struct og_of_part) {
        .table = table });
}

bool
og_of_session_dump_part(struct og_of_session *s,
                        const struct og_of_part *part)
{
    if (s->state != STATE_READY || s->queue.has_dump) {
        return false;
    }
    s->dump_part = *part;
    og_queue_push_dump(&s->queue);
    event_active(s->turn, EV_TIMEOUT, 0);
    return true;
}

bool
og_of_session_count(struct og_of_session *s, const struct og_of_part *part)
{
    if (s->state != STATE_READY || s->count_xid || s->queue.has_dump
        || evbuffer_get_length(output(s)) > OG_OF_OUTPUT_MAX) {
        return false;
    }
    s->count_xid = own_xid(s);
    count_out(s, part->table == OG_OF_NO_TABLE
                 ? og_wire_meter_stats(output(s), s->count_xid)
                 : og_wire_flow_dump(output(s), s->count_xid, part));
    return true;
}

void
og_of_session_packet_out(struct og_of_session *s, const void *frame,
                         size_t size, const struct vx_row *acts)
{
    if (s->state == STATE_READY && size <= UINT16_MAX / 2
        && evbuffer_get_length(output(s)) <= ABUSE_MAX) {
        count_out(s, og_wire_packet_out(output(s), packet_xid(s), frame,
                                        size, acts));
    }
}

void
og_of_session_ping(struct og_of_session *s)
{
    if (s->state == STATE_READY
        && (!s->pinged || s->pinged_at != s->counters.bytes_in)) {
        s->pinged = true;
        s->pinged_at = s->counters.bytes_in;
        count_out(s, og_wire_echo_request(output(s), own_xid(s)));
    }
}

void
og_of_session_get_counters(const struct og_of_session *s,
                           struct og_of_counters *ret_counters)
{
    *ret_counters = s->counters;
    ret_counters->n_queued = s->queue.n_unsent + s->queue.n_sent;
    ret_counters->n_in_flight = og_queue_in_flight(&s->queue);
}
