/* SPDX-License-Identifier: Apache-2.0 */
/* The switch is bytes made by hand, so that it can also be wrong. */
#include "tests/session/of_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

/* --- The switch. */

void
of_say(struct pair *p, unsigned type, uint32_t xid, const void *body,
       size_t size)
{
    uint8_t h[8] = { 6, type, (size + 8) >> 8, size + 8, xid >> 24,
                     xid >> 16, xid >> 8, xid };

    bufferevent_write(p->peer, h, sizeof h);
    if (size) {
        bufferevent_write(p->peer, body, size);
    }
}

static uint32_t
u32(const uint8_t *b)
{
    return (uint32_t) b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

void
of_say_hello(struct pair *p)
{
    static const uint8_t versions[8] = { 0, 1, 0, 8, 0, 0, 0, 1 << 6 };

    of_say(p, HELLO, 1, versions, sizeof versions);
}

static void
answer_dump(struct pair *p, const uint8_t *msg)
{
    /* Flow: table 3, priority 7, cookie 9; match all; no statistics; goto
     * nowhere. */
    static const uint8_t flow[40] = {
        0, 40, 0, 0, 3, 0, 0, 7, [23] = 9,
        [25] = 1, [27] = 4, [33] = 0, [35] = 4,
    };
    bool is_flow = msg[9] == 1;
    uint8_t body[8 + sizeof flow] = { msg[8], msg[9] };

    p->n_dumps++;
    if (is_flow) {
        p->dump_xid = u32(msg + 4);
        if (p->endless_dump) {
            return;
        }
    }
    for (size_t i = 0; is_flow && i < p->n_flow_replies; i++) {
        memcpy(body + 8, flow, sizeof flow);
        body[8 + 7] = i;
        if (p->bad_dump) {
            body[8 + 1] = 41;
        }
        body[3] = 1;        /* more */
        of_say(p, MULTIPART_REPLY, u32(msg + 4), body, sizeof body);
    }
    body[3] = 0;
    of_say(p, MULTIPART_REPLY, u32(msg + 4), body, 8);
}

static void
handle_bundle(struct pair *p, const uint8_t *msg, size_t size)
{
    static const uint8_t failed[12] = { 0, 17, 0, 14 };
    uint8_t reply[8];

    assert_int_equal(size, 16);
    memcpy(reply, msg + 8, sizeof reply);
    reply[5]++;             /* the reply's type follows its request's */
    if (msg[13] == BUNDLE_OPEN) {
        p->in_bundle = 0;
        p->refused_xid = 0;
    } else {
        assert_int_equal(msg[13], BUNDLE_COMMIT);
        p->bundle_sizes[p->n_bundles++ % MAX_EVENTS] = p->in_bundle;
        if (p->refused_xid) {
            /* OFPGMFC_UNKNOWN_GROUP, then the bundle's own error. */
            static const uint8_t unknown[4] = { 0, 6, 0, 8 };
            of_say(p, ERROR, p->refused_xid, unknown, sizeof unknown);
            of_say(p, ERROR, u32(msg + 4), failed, sizeof failed);
            return;
        }
        if (p->skips_commit_reply) {
            return;
        }
    }
    of_say(p, BUNDLE_CONTROL, u32(msg + 4), reply, sizeof reply);
}

static void
handle(struct pair *p, const uint8_t *msg, size_t size)
{
    uint32_t xid = u32(msg + 4);
    uint8_t features[24] = { [7] = 42 };

    switch (msg[1]) {
    case FEATURES_REQUEST:
        of_say(p, FEATURES_REPLY, xid, features, sizeof features);
        break;
    case ECHO_REQUEST:
        p->n_echo++;
        if (p->answers_echo) {
            of_say(p, ECHO_REPLY, xid, NULL, 0);
        }
        break;
    case ECHO_REPLY:
        p->n_echo_replies++;
        break;
    case MULTIPART_REQUEST:
        if (p->when_asked) {
            p->when_asked(p, xid, msg);
        } else {
            answer_dump(p, msg);
        }
        break;
    case BARRIER_REQUEST:
        if (p->mute) {
            p->held[p->n_held++] = xid;
        } else {
            of_say(p, BARRIER_REPLY, xid, NULL, 0);
        }
        break;
    case BUNDLE_CONTROL:
        handle_bundle(p, msg, size);
        break;
    case BUNDLE_ADD:
        p->in_bundle++;
        if (++p->n_adds == p->refuse) {
            p->refused_xid = xid;
        }
        break;
    case METER_MOD:
        p->n_meters++;
        if (++p->n_adds == p->refuse) {
            static const uint8_t unknown[4] = { 0, 12, 0, 3 };
            of_say(p, ERROR, xid, unknown, sizeof unknown);
        }
        break;
    case PACKET_OUT:
        p->n_packets++;
        p->packet_size = size;
        if (p->refuses_packets) {
            static const uint8_t bad_port[4] = { 0, 2, 0, 4 };
            of_say(p, ERROR, xid, bad_port, sizeof bad_port);
        }
        break;
    }
}

static void
peer_read(struct bufferevent *bev, void *pair)
{
    struct evbuffer *in = bufferevent_get_input(bev);
    uint8_t head[4];

    while (evbuffer_copyout(in, head, 4) == 4) {
        size_t size = head[2] << 8 | head[3];

        assert_true(size >= 8);
        assert_int_equal(head[0], 6);
        if (evbuffer_get_length(in) < size) {
            break;
        }
        handle(pair, evbuffer_pullup(in, size), size);
        evbuffer_drain(in, size);
    }
}

static void
peer_event(struct bufferevent *bev, short what, void *pair)
{
    (void) bev;
    ((struct pair *) pair)->peer_closed = what & BEV_EVENT_EOF;
}

/* --- The owner. */

static void
on_ready(void *pair, uint64_t dpid)
{
    struct pair *p = pair;

    p->n_ready++;
    p->dpid = dpid;
}

static void
on_dumped(void *pair, struct og_crows *take_crows)
{
    struct pair *p = pair;

    p->n_dumped++;
    og_crows_free(p->crows);
    p->crows = take_crows;
}

static void
on_committed(void *pair, uint64_t tag)
{
    struct pair *p = pair;

    p->tags[p->n_tags++ % MAX_EVENTS] = tag;
    if (p->when_committed) {
        p->when_committed(p);
    }
}

static void
on_failed(void *pair, const struct vx_error *err)
{
    struct pair *p = pair;

    p->n_failed++;
    snprintf(p->error, sizeof p->error, "%s", err->message);
    if (p->when_failed) {
        p->when_failed(p);
    }
}

static void
on_counted(void *pair, struct vx_count *rows, size_t n, const char *why)
{
    struct pair *p = pair;

    p->n_counted++;
    p->n_counts = n;
    for (size_t i = 0; i < n && i < 4; i++) {
        p->counts[i] = rows[i];
    }
    snprintf(p->uncounted, sizeof p->uncounted, "%s", why ? why : "");
}

static void
on_packet_in(void *pair, const struct vx_packet_in *in)
{
    struct pair *p = pair;

    p->n_frames++;
    p->in = *in;
    p->in.frame = NULL;
    snprintf(p->frame, sizeof p->frame, "%.*s", (int) in->size,
             (const char *) in->frame);
}

static void
on_closed(void *pair, const char *why)
{
    struct pair *p = pair;

    p->n_closed++;
    snprintf(p->why, sizeof p->why, "%s", why);
}

static const struct og_of_callbacks callbacks = {
    .ready = on_ready, .dumped = on_dumped, .committed = on_committed,
    .failed = on_failed, .counted = on_counted, .packet_in = on_packet_in,
    .closed = on_closed,
};

/* --- Help. */

void
of_set_true(evutil_socket_t fd, short what, void *flag)
{
    (void) fd;
    (void) what;
    *(bool *) flag = true;
}

void
of_settle(struct pair *p)
{
    for (int i = 0; i < 200; i++) {
        event_base_loop(p->base, EVLOOP_NONBLOCK);
    }
}

struct pair *
of_begin(void)
{
    struct pair *p = calloc(1, sizeof *p);
    struct bufferevent *ends[2];

    p->base = event_base_new();
    assert_int_equal(bufferevent_pair_new(p->base, 0, ends), 0);
    p->peer = ends[1];
    bufferevent_setcb(p->peer, peer_read, NULL, peer_event, p);
    bufferevent_enable(p->peer, EV_READ | EV_WRITE);
    p->session = og_of_session_new(ends[0], &callbacks, p);
    p->answers_echo = true;
    return p;
}

struct pair *
of_begin_ready(void)
{
    struct pair *p = of_begin();

    of_say_hello(p);
    RUN_UNTIL(p, p->n_ready);
    return p;
}

void
of_end(struct pair *p)
{
    og_of_session_free(p->session);
    bufferevent_free(p->peer);
    og_crows_free(p->crows);
    /* The pair's deferred callbacks hold references until the loop ran. */
    event_base_loop(p->base, EVLOOP_NONBLOCK);
    event_base_free(p->base);
    free(p);
}

void
of_queue(struct pair *p, size_t n, uint64_t tag)
{
    struct og_msgs *msgs = og_msgs_new();
    struct vx_rows rows = { 0 };

    vx_match_u(vx_rows_flow(&rows, VX_FABRIC_TIER, 30, 100, tag), VX_F_REG0,
               tag);
    for (size_t i = 0; i < n; i++) {
        og_msgs_add_row(msgs, rows.rows);
    }
    og_of_session_queue(p->session, msgs, tag);
    og_msgs_unref(msgs);
    vx_rows_fini(&rows);
}

void
of_release_barriers(struct pair *p)
{
    p->mute = false;
    for (size_t i = 0; i < p->n_held; i++) {
        of_say(p, BARRIER_REPLY, p->held[i], NULL, 0);
    }
    p->n_held = 0;
}

size_t
of_n_queued(const struct pair *p)
{
    struct og_of_counters c;

    og_of_session_get_counters(p->session, &c);
    return c.n_queued;
}
