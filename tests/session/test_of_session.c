/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenFlow session and a scripted switch at the two ends of a pair of
 * bufferevents, in one event loop.  The switch is bytes made by hand, so that
 * it can also be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "core/diff.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"

enum {
    HELLO = 0, ERROR = 1, ECHO_REQUEST = 2, ECHO_REPLY = 3,
    FEATURES_REQUEST = 5, FEATURES_REPLY = 6, PACKET_OUT = 13,
    MULTIPART_REQUEST = 18, MULTIPART_REPLY = 19, BARRIER_REQUEST = 20,
    BARRIER_REPLY = 21, BUNDLE_CONTROL = 33, BUNDLE_ADD = 34,
    BUNDLE_OPEN = 0, BUNDLE_COMMIT = 4,
};

enum { MAX_EVENTS = 64 };

struct pair {
    struct event_base *base;
    struct bufferevent *peer;       /* the switch's end */
    struct og_of_session *session;

    /* The script. */
    bool mute;                      /* keeps barrier replies back */
    bool answers_echo;
    bool skips_commit_reply;
    size_t refuse;                  /* number of the message, from 1 */
    size_t n_flow_replies;          /* parts of a dump */
    bool bad_dump;

    /* What the switch saw. */
    size_t bundle_sizes[MAX_EVENTS];
    size_t n_bundles, n_adds, in_bundle, n_echo, n_echo_replies, n_dumps;
    size_t n_packets, packet_size;
    uint32_t refused_xid;
    uint32_t held[MAX_EVENTS];      /* barriers */
    size_t n_held;
    bool peer_closed;

    /* What the owner heard. */
    uint64_t dpid;
    uint64_t tags[MAX_EVENTS];
    size_t n_tags, n_failed, n_dumped, n_closed, n_ready;
    struct og_crows *crows;
    char why[512], error[512];
    void (*when_committed)(struct pair *p);
    void (*when_failed)(struct pair *p);
};

/* --- The switch. */

static void
say(struct pair *p, unsigned type, uint32_t xid, const void *body,
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

static void
say_hello(struct pair *p)
{
    static const uint8_t versions[8] = { 0, 1, 0, 8, 0, 0, 0, 1 << 6 };

    say(p, HELLO, 1, versions, sizeof versions);
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
    for (size_t i = 0; is_flow && i < p->n_flow_replies; i++) {
        memcpy(body + 8, flow, sizeof flow);
        body[8 + 7] = i;
        if (p->bad_dump) {
            body[8 + 1] = 41;
        }
        body[3] = 1;        /* more */
        say(p, MULTIPART_REPLY, u32(msg + 4), body, sizeof body);
    }
    body[3] = 0;
    say(p, MULTIPART_REPLY, u32(msg + 4), body, 8);
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
            say(p, ERROR, p->refused_xid, unknown, sizeof unknown);
            say(p, ERROR, u32(msg + 4), failed, sizeof failed);
            return;
        }
        if (p->skips_commit_reply) {
            return;
        }
    }
    say(p, BUNDLE_CONTROL, u32(msg + 4), reply, sizeof reply);
}

static void
handle(struct pair *p, const uint8_t *msg, size_t size)
{
    uint32_t xid = u32(msg + 4);
    uint8_t features[24] = { [7] = 42 };

    switch (msg[1]) {
    case FEATURES_REQUEST:
        say(p, FEATURES_REPLY, xid, features, sizeof features);
        break;
    case ECHO_REQUEST:
        p->n_echo++;
        if (p->answers_echo) {
            say(p, ECHO_REPLY, xid, NULL, 0);
        }
        break;
    case ECHO_REPLY:
        p->n_echo_replies++;
        break;
    case MULTIPART_REQUEST:
        answer_dump(p, msg);
        break;
    case BARRIER_REQUEST:
        if (p->mute) {
            p->held[p->n_held++] = xid;
        } else {
            say(p, BARRIER_REPLY, xid, NULL, 0);
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
    case PACKET_OUT:
        p->n_packets++;
        p->packet_size = size;
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
on_closed(void *pair, const char *why)
{
    struct pair *p = pair;

    p->n_closed++;
    snprintf(p->why, sizeof p->why, "%s", why);
}

static const struct og_of_callbacks callbacks = {
    .ready = on_ready, .dumped = on_dumped, .committed = on_committed,
    .failed = on_failed, .closed = on_closed,
};

/* --- Help. */

/* Runs the loop until the condition holds; fails after ten seconds. */
#define RUN_UNTIL(P, CONDITION)                                         \
    do {                                                                \
        struct timeval limit_ = { 10, 0 };                              \
        bool late_ = false;                                             \
        struct event *timer_ = evtimer_new((P)->base, set_true, &late_); \
        event_add(timer_, &limit_);                                     \
        while (!(CONDITION) && !late_) {                                \
            event_base_loop((P)->base, EVLOOP_ONCE);                    \
        }                                                               \
        event_free(timer_);                                             \
        assert_true(CONDITION);                                         \
    } while (0)

static void
set_true(evutil_socket_t fd, short what, void *flag)
{
    (void) fd;
    (void) what;
    *(bool *) flag = true;
}

/* All that can happen without waiting has happened. */
static void
settle(struct pair *p)
{
    for (int i = 0; i < 200; i++) {
        event_base_loop(p->base, EVLOOP_NONBLOCK);
    }
}

static struct pair *
begin(void)
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

static struct pair *
begin_ready(void)
{
    struct pair *p = begin();

    say_hello(p);
    RUN_UNTIL(p, p->n_ready);
    return p;
}

static void
end(struct pair *p)
{
    og_of_session_free(p->session);
    bufferevent_free(p->peer);
    og_crows_free(p->crows);
    /* The pair's deferred callbacks hold references until the loop ran. */
    event_base_loop(p->base, EVLOOP_NONBLOCK);
    event_base_free(p->base);
    free(p);
}

static void
queue(struct pair *p, size_t n, uint64_t tag)
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

static void
release_barriers(struct pair *p)
{
    p->mute = false;
    for (size_t i = 0; i < p->n_held; i++) {
        say(p, BARRIER_REPLY, p->held[i], NULL, 0);
    }
    p->n_held = 0;
}

static size_t
n_queued(const struct pair *p)
{
    struct og_of_counters c;

    og_of_session_get_counters(p->session, &c);
    return c.n_queued;
}

/* --- Handshake. */

static void
shakes_hands_and_tells_the_datapath_id(void **state)
{
    (void) state;
    struct pair *p = begin();

    assert_false(og_of_session_is_ready(p->session));
    say_hello(p);
    RUN_UNTIL(p, p->n_ready);
    assert_int_equal(p->dpid, 42);
    assert_int_equal(og_of_session_dpid(p->session), 42);
    assert_true(og_of_session_is_ready(p->session));
    end(p);
}

static void
refuses_a_switch_without_openflow_1_5(void **state)
{
    (void) state;
    static const uint8_t hello_13[16] = { 4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8,
                                          0, 0, 0, 0x12 };
    struct pair *p = begin();

    bufferevent_write(p->peer, hello_13, sizeof hello_13);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "OpenFlow 1.5"));
    assert_int_equal(p->n_ready, 0);
    end(p);
}

static void
gives_up_a_switch_that_says_nothing(void **state)
{
    (void) state;
    struct pair *p = begin();

    og_of_session_set_keepalive(p->session, 10, 30);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "handshake"));
    end(p);
}

/* --- Keepalive. */

static void
asks_a_silent_switch_and_keeps_one_that_answers(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    og_of_session_set_keepalive(p->session, 5, 1000);
    RUN_UNTIL(p, p->n_echo >= 1);
    settle(p);
    assert_int_equal(p->n_closed, 0);
    p->answers_echo = false;
    og_of_session_set_keepalive(p->session, 5, 5);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "echo"));
    end(p);
}

static void
answers_echo_with_the_same_bytes(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    say(p, ECHO_REQUEST, 7, "abc", 3);
    RUN_UNTIL(p, p->n_echo_replies == 1);
    end(p);
}

/* --- Queue. */

static void
sends_what_is_queued_in_one_turn_as_one_bundle(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    for (uint64_t tag = 1; tag <= 20; tag++) {
        queue(p, tag % 3, tag);         /* some are empty */
    }
    RUN_UNTIL(p, p->n_tags == 20);
    assert_int_equal(p->n_bundles, 1);
    for (uint64_t tag = 1; tag <= 20; tag++) {
        assert_int_equal(p->tags[tag - 1], tag);
    }
    assert_int_equal(n_queued(p), 0);
    end(p);
}

static void
confirms_an_empty_change_without_a_bundle(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    queue(p, 0, 5);
    RUN_UNTIL(p, p->n_tags == 1);
    assert_int_equal(p->n_bundles, 0);
    end(p);
}

static void
cuts_bundles_at_a_thousand_and_reports_a_tag_with_its_last(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    queue(p, 2500, 1);
    queue(p, 499, 2);
    queue(p, 2, 3);
    RUN_UNTIL(p, p->n_tags == 3);
    assert_int_equal(p->n_bundles, 4);
    assert_int_equal(p->bundle_sizes[0], 1000);
    assert_int_equal(p->bundle_sizes[1], 1000);
    assert_int_equal(p->bundle_sizes[2], 1000);
    assert_int_equal(p->bundle_sizes[3], 1);
    assert_int_equal(p->tags[0], 1);
    assert_int_equal(p->tags[2], 3);
    end(p);
}

static void
keeps_a_window_of_bundles(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->mute = true;
    queue(p, 10000, 1);
    RUN_UNTIL(p, p->n_bundles == OG_OF_WINDOW);
    settle(p);
    assert_int_equal(p->n_bundles, OG_OF_WINDOW);
    assert_int_equal(n_queued(p), 10000);
    release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 1);
    assert_int_equal(p->n_bundles, 10);
    end(p);
}

static void
does_not_build_ahead_for_a_switch_that_reads_slowly(void **state)
{
    (void) state;
    struct pair *p = begin_ready();
    struct og_of_counters c;

    bufferevent_disable(p->peer, EV_READ);
    for (uint64_t tag = 1; tag <= 40; tag++) {
        queue(p, 10000, tag);
    }
    settle(p);
    og_of_session_get_counters(p->session, &c);
    assert_true(c.bytes_out < OG_OF_OUTPUT_MAX + 300000);
    bufferevent_enable(p->peer, EV_READ);
    RUN_UNTIL(p, p->n_tags == 40);
    assert_int_equal(p->n_adds, 400000);
    end(p);
}

static void
tells_a_failure_once_and_drops_the_queue(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->refuse = 1500;
    queue(p, 1000, 1);
    queue(p, 3000, 2);
    queue(p, 9000, 3);
    RUN_UNTIL(p, p->n_failed);
    settle(p);
    assert_int_equal(p->n_failed, 1);
    assert_int_equal(p->n_tags, 1);
    assert_non_null(strstr(p->error, "flow add table=30 priority=100"));
    assert_non_null(strstr(p->error, "OFPGMFC_UNKNOWN_GROUP"));
    assert_int_equal(n_queued(p), 0);
    assert_int_equal(p->n_closed, 0);

    queue(p, 10, 4);        /* it goes on from there */
    RUN_UNTIL(p, p->n_tags == 2);
    assert_int_equal(p->tags[1], 4);
    end(p);
}

static void
dump_when_failed(struct pair *p)
{
    assert_true(og_of_session_dump(p->session, OG_OF_ALL_TABLES));
    queue(p, 5, 77);
}

static void
dumps_after_a_failure_when_all_in_flight_has_ended(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->refuse = 1;
    p->when_failed = dump_when_failed;
    p->mute = true;
    queue(p, 5000, 1);
    RUN_UNTIL(p, p->n_failed);
    settle(p);
    assert_int_equal(p->n_dumps, 0);
    release_barriers(p);
    RUN_UNTIL(p, p->n_dumped && p->n_tags);
    assert_int_equal(p->tags[0], 77);
    assert_int_equal(p->n_failed, 1);
    end(p);
}

static void
takes_a_barrier_without_a_commit_for_a_failure(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->skips_commit_reply = true;
    queue(p, 5, 1);
    RUN_UNTIL(p, p->n_failed);
    assert_int_equal(p->n_tags, 0);
    end(p);
}

static void
forgets_what_is_dropped_but_not_what_is_in_flight(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->mute = true;
    queue(p, 500, 1);
    queue(p, 8000, 2);
    queue(p, 10, 3);
    RUN_UNTIL(p, p->n_held == OG_OF_WINDOW);
    og_of_session_drop(p->session);
    queue(p, 10, 4);
    release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 2);
    assert_int_equal(p->tags[0], 1);
    assert_int_equal(p->tags[1], 4);
    assert_int_equal(n_queued(p), 0);
    end(p);
}

/* --- Dump. */

static void
puts_a_dump_together_from_its_parts(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->n_flow_replies = 200;
    assert_true(og_of_session_dump(p->session, OG_OF_ALL_TABLES));
    assert_false(og_of_session_dump(p->session, 3));
    RUN_UNTIL(p, p->n_dumped);
    assert_int_equal(p->n_dumps, 2);
    assert_int_equal(p->crows->n, 200);
    assert_int_equal(p->crows->rows[199].priority, 199);
    assert_int_equal(p->crows->rows[0].cookie, 9);
    assert_true(og_of_session_dump(p->session, 3));
    RUN_UNTIL(p, p->n_dumped == 2);
    assert_int_equal(p->n_dumps, 3);        /* no groups */
    end(p);
}

static void
dumps_between_what_is_queued_before_and_after(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->mute = true;
    queue(p, 10, 1);
    og_of_session_dump(p->session, OG_OF_ALL_TABLES);
    queue(p, 10, 2);
    RUN_UNTIL(p, p->n_held == 1);
    settle(p);
    assert_int_equal(p->n_dumps, 0);
    assert_int_equal(p->n_adds, 10);
    release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 2);
    assert_int_equal(p->n_dumped, 1);
    end(p);
}

static void
closes_on_a_malformed_dump(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->bad_dump = true;
    p->n_flow_replies = 1;
    og_of_session_dump(p->session, OG_OF_ALL_TABLES);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "malformed"));
    end(p);
}

/* --- Endings and rubbish. */

static void
tells_that_the_switch_went_in_the_middle(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    p->mute = true;
    queue(p, 5000, 1);
    RUN_UNTIL(p, p->n_held);
    bufferevent_flush(p->peer, EV_WRITE, BEV_FINISHED);
    RUN_UNTIL(p, p->n_closed);
    queue(p, 5, 2);
    assert_false(og_of_session_dump(p->session, 0));
    settle(p);
    assert_int_equal(p->n_closed, 1);
    assert_int_equal(p->n_tags, 0);
    end(p);
}

static void
free_session(struct pair *p)
{
    og_of_session_free(p->session);
    p->session = NULL;
}

static void
can_be_freed_inside_a_callback(void **state)
{
    (void) state;
    for (int i = 0; i < 2; i++) {
        struct pair *p = begin_ready();

        p->when_committed = free_session;
        p->when_failed = free_session;
        p->refuse = i ? 2 : 0;
        queue(p, 3, 1);
        queue(p, 3, 2);
        RUN_UNTIL(p, !p->session);
        settle(p);
        assert_int_equal(p->n_tags + p->n_failed, 1);
        assert_int_equal(p->n_closed, 0);
        end(p);
    }
}

static void
closes_on_a_message_shorter_than_its_header(void **state)
{
    (void) state;
    static const uint8_t seven[8] = { 6, 2, 0, 7, 0, 0, 0, 0 };
    struct pair *p = begin_ready();

    bufferevent_write(p->peer, seven, sizeof seven);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "7 bytes"));
    end(p);
}

static void
closes_on_a_barrier_reply_nobody_waits_for(void **state)
{
    (void) state;
    struct pair *p = begin_ready();

    say(p, BARRIER_REPLY, 99, NULL, 0);
    RUN_UNTIL(p, p->n_closed);
    end(p);
}

static void
survives_garbage(void **state)
{
    (void) state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct pair *p = seed % 2 ? begin_ready() : begin();
        uint8_t bytes[4096];
        unsigned x = seed;

        for (size_t i = 0; i < sizeof bytes; i++) {
            x = x * 1103515245 + 12345;
            bytes[i] = x >> 16;
        }
        if (seed % 3) {
            for (size_t i = 0; i < sizeof bytes; i += 64) {
                bytes[i] = 6;               /* so that more is looked at */
                bytes[i + 1] %= 36;
                bytes[i + 2] = 0;
                bytes[i + 3] = 64;
            }
        }
        queue(p, 3, 1);
        og_of_session_dump(p->session, OG_OF_ALL_TABLES);
        bufferevent_write(p->peer, bytes, sizeof bytes);
        for (int i = 0; i < 10; i++) {
            event_base_loop(p->base, EVLOOP_NONBLOCK);
        }
        end(p);
    }
}

static void
understands_frames_that_come_byte_by_byte(void **state)
{
    (void) state;
    static const uint8_t hello[16] = { 6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0,
                                       0, 0, 0x40 };
    struct pair *p = begin();

    for (size_t i = 0; i < sizeof hello; i++) {
        bufferevent_write(p->peer, hello + i, 1);
        event_base_loop(p->base, EVLOOP_NONBLOCK);
    }
    RUN_UNTIL(p, p->n_ready);
    end(p);
}

static void
closes_on_a_switch_that_asks_and_does_not_read(void **state)
{
    (void) state;
    struct pair *p = begin_ready();
    static uint8_t body[60000];

    bufferevent_disable(p->peer, EV_READ);
    for (int i = 0; i < 400 && !p->n_closed; i++) {
        say(p, ECHO_REQUEST, i, body, sizeof body);
        event_base_loop(p->base, EVLOOP_NONBLOCK);
    }
    RUN_UNTIL(p, p->n_closed);
    end(p);
}

static void
sends_a_frame_through_actions(void **state)
{
    (void) state;
    struct pair *p = begin_ready();
    struct vx_rows rows = { 0 };
    struct vx_row *row = vx_rows_flow(&rows, VX_TENANT_TIER, 0, 0, 0);

    vx_act_set_u(row, VX_F_REG0, 5);
    vx_act_output(row, 3);
    og_of_session_packet_out(p->session, "frame", 5, row);
    RUN_UNTIL(p, p->n_packets == 1);
    assert_true(p->packet_size > 24 + 5);
    vx_rows_fini(&rows);
    end(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shakes_hands_and_tells_the_datapath_id),
        cmocka_unit_test(refuses_a_switch_without_openflow_1_5),
        cmocka_unit_test(gives_up_a_switch_that_says_nothing),
        cmocka_unit_test(asks_a_silent_switch_and_keeps_one_that_answers),
        cmocka_unit_test(answers_echo_with_the_same_bytes),
        cmocka_unit_test(sends_what_is_queued_in_one_turn_as_one_bundle),
        cmocka_unit_test(confirms_an_empty_change_without_a_bundle),
        cmocka_unit_test(
            cuts_bundles_at_a_thousand_and_reports_a_tag_with_its_last),
        cmocka_unit_test(keeps_a_window_of_bundles),
        cmocka_unit_test(does_not_build_ahead_for_a_switch_that_reads_slowly),
        cmocka_unit_test(tells_a_failure_once_and_drops_the_queue),
        cmocka_unit_test(dumps_after_a_failure_when_all_in_flight_has_ended),
        cmocka_unit_test(takes_a_barrier_without_a_commit_for_a_failure),
        cmocka_unit_test(forgets_what_is_dropped_but_not_what_is_in_flight),
        cmocka_unit_test(puts_a_dump_together_from_its_parts),
        cmocka_unit_test(dumps_between_what_is_queued_before_and_after),
        cmocka_unit_test(closes_on_a_malformed_dump),
        cmocka_unit_test(tells_that_the_switch_went_in_the_middle),
        cmocka_unit_test(can_be_freed_inside_a_callback),
        cmocka_unit_test(closes_on_a_message_shorter_than_its_header),
        cmocka_unit_test(closes_on_a_barrier_reply_nobody_waits_for),
        cmocka_unit_test(survives_garbage),
        cmocka_unit_test(understands_frames_that_come_byte_by_byte),
        cmocka_unit_test(closes_on_a_switch_that_asks_and_does_not_read),
        cmocka_unit_test(sends_a_frame_through_actions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
