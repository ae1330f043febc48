/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenFlow session and a scripted switch (of_pair.h). */
#include "tests/session/of_pair.h"

#include <string.h>

#include <event2/buffer.h>

#include "core/diff.h"

/* --- Handshake. */

static void
shakes_hands_and_tells_the_datapath_id(void **state)
{
    (void) state;
    struct pair *p = of_begin();

    assert_false(og_of_session_is_ready(p->session));
    of_say_hello(p);
    RUN_UNTIL(p, p->n_ready);
    assert_int_equal(p->dpid, 42);
    assert_int_equal(og_of_session_dpid(p->session), 42);
    assert_true(og_of_session_is_ready(p->session));
    of_end(p);
}

static void
refuses_a_switch_without_openflow_1_5(void **state)
{
    (void) state;
    static const uint8_t hello_13[16] = { 4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8,
                                          0, 0, 0, 0x12 };
    struct pair *p = of_begin();

    bufferevent_write(p->peer, hello_13, sizeof hello_13);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "OpenFlow 1.5"));
    assert_int_equal(p->n_ready, 0);
    of_end(p);
}

static void
gives_up_a_switch_that_says_nothing(void **state)
{
    (void) state;
    struct pair *p = of_begin();

    og_of_session_set_keepalive(p->session, 10, 30);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "handshake"));
    of_end(p);
}

/* --- Keepalive. */

static void
asks_a_silent_switch_and_keeps_one_that_answers(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    og_of_session_set_keepalive(p->session, 5, 1000);
    RUN_UNTIL(p, p->n_echo >= 1);
    of_settle(p);
    assert_int_equal(p->n_closed, 0);
    p->answers_echo = false;
    og_of_session_set_keepalive(p->session, 5, 5);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "echo"));
    of_end(p);
}

static void
asks_for_an_echo_unless_one_is_owed(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();
    struct og_of_counters c;
    uint64_t before;

    p->answers_echo = false;
    og_of_session_get_counters(p->session, &c);
    before = c.bytes_in;
    og_of_session_ping(p->session);
    og_of_session_ping(p->session);
    RUN_UNTIL(p, p->n_echo == 1);
    of_settle(p);
    og_of_session_ping(p->session);
    of_settle(p);
    assert_int_equal(p->n_echo, 1);
    of_say(p, ECHO_REPLY, 7, NULL, 0);
    of_settle(p);
    og_of_session_get_counters(p->session, &c);
    assert_true(c.bytes_in > before);
    og_of_session_ping(p->session);
    RUN_UNTIL(p, p->n_echo == 2);
    of_end(p);
}

static void
answers_echo_with_the_same_bytes(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    of_say(p, ECHO_REQUEST, 7, "abc", 3);
    RUN_UNTIL(p, p->n_echo_replies == 1);
    of_end(p);
}

/* --- Queue. */

static void
sends_what_is_queued_in_one_turn_as_one_bundle(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    for (uint64_t tag = 1; tag <= 20; tag++) {
        of_queue(p, tag % 3, tag);         /* some are empty */
    }
    RUN_UNTIL(p, p->n_tags == 20);
    assert_int_equal(p->n_bundles, 1);
    for (uint64_t tag = 1; tag <= 20; tag++) {
        assert_int_equal(p->tags[tag - 1], tag);
    }
    assert_int_equal(of_n_queued(p), 0);
    of_end(p);
}

static void
confirms_an_empty_change_without_a_bundle(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    of_queue(p, 0, 5);
    RUN_UNTIL(p, p->n_tags == 1);
    assert_int_equal(p->n_bundles, 0);
    of_end(p);
}

static void
keeps_back_what_is_queued_behind_a_fence(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    of_queue(p, 2, 1);
    og_of_session_fence(p->session, 1);
    of_queue(p, 3, 2);
    of_queue(p, 0, 3);
    og_of_session_fence(p->session, 2);
    og_of_session_fence(p->session, 3);
    of_queue(p, 4, 4);
    RUN_UNTIL(p, p->n_tags == 1);
    of_settle(p);
    assert_int_equal(p->n_adds, 2);
    og_of_session_pass(p->session, 1);
    RUN_UNTIL(p, p->n_tags == 3);
    of_settle(p);
    assert_int_equal(p->n_adds, 5);
    og_of_session_pass(p->session, 3);
    og_of_session_fence(p->session, 2);     /* opened already */
    of_queue(p, 1, 5);
    RUN_UNTIL(p, p->n_tags == 5);
    assert_int_equal(p->n_adds, 10);
    assert_int_equal(p->tags[4], 5);
    of_end(p);
}

static void
dumps_behind_a_fence_and_forgets_a_fence_with_a_failure(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    og_of_session_fence(p->session, 1);
    of_queue(p, 1, 1);
    assert_true(og_of_session_dump(p->session, OG_OF_ALL_TABLES));
    of_settle(p);
    assert_int_equal(p->n_dumps, 0);
    og_of_session_pass(p->session, 1);
    RUN_UNTIL(p, p->n_dumped == 1);
    assert_int_equal(p->n_tags, 1);
    p->refuse = p->n_adds + 1;
    of_queue(p, 1, 2);
    og_of_session_fence(p->session, 2);
    of_queue(p, 1, 3);
    RUN_UNTIL(p, p->n_failed == 1);
    of_queue(p, 1, 4);
    RUN_UNTIL(p, p->n_tags == 2);
    assert_int_equal(p->tags[1], 4);
    of_end(p);
}

static void
cuts_bundles_at_a_thousand_and_reports_a_tag_with_its_last(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    of_queue(p, 2500, 1);
    of_queue(p, 499, 2);
    of_queue(p, 2, 3);
    RUN_UNTIL(p, p->n_tags == 3);
    assert_int_equal(p->n_bundles, 4);
    assert_int_equal(p->bundle_sizes[0], 1000);
    assert_int_equal(p->bundle_sizes[1], 1000);
    assert_int_equal(p->bundle_sizes[2], 1000);
    assert_int_equal(p->bundle_sizes[3], 1);
    assert_int_equal(p->tags[0], 1);
    assert_int_equal(p->tags[2], 3);
    of_end(p);
}

static void
keeps_a_window_of_bundles(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->mute = true;
    of_queue(p, 10000, 1);
    RUN_UNTIL(p, p->n_bundles == OG_OF_WINDOW);
    of_settle(p);
    assert_int_equal(p->n_bundles, OG_OF_WINDOW);
    assert_int_equal(of_n_queued(p), 10000);
    of_release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 1);
    assert_int_equal(p->n_bundles, 10);
    of_end(p);
}

static void
does_not_build_ahead_for_a_switch_that_reads_slowly(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();
    struct og_of_counters c;

    bufferevent_disable(p->peer, EV_READ);
    for (uint64_t tag = 1; tag <= 40; tag++) {
        of_queue(p, 10000, tag);
    }
    of_settle(p);
    og_of_session_get_counters(p->session, &c);
    assert_true(c.bytes_out < OG_OF_OUTPUT_MAX + 300000);
    bufferevent_enable(p->peer, EV_READ);
    RUN_UNTIL(p, p->n_tags == 40);
    assert_int_equal(p->n_adds, 400000);
    of_end(p);
}

static void
tells_a_failure_once_and_drops_the_queue(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->refuse = 1500;
    of_queue(p, 1000, 1);
    of_queue(p, 3000, 2);
    of_queue(p, 9000, 3);
    RUN_UNTIL(p, p->n_failed);
    of_settle(p);
    assert_int_equal(p->n_failed, 1);
    assert_int_equal(p->n_tags, 1);
    assert_non_null(strstr(p->error, "flow add table=30 priority=100"));
    assert_non_null(strstr(p->error, "OFPGMFC_UNKNOWN_GROUP"));
    assert_int_equal(of_n_queued(p), 0);
    assert_int_equal(p->n_closed, 0);

    of_queue(p, 10, 4);        /* it goes on from there */
    RUN_UNTIL(p, p->n_tags == 2);
    assert_int_equal(p->tags[1], 4);
    of_end(p);
}

static void
dump_when_failed(struct pair *p)
{
    assert_true(og_of_session_dump(p->session, OG_OF_ALL_TABLES));
    of_queue(p, 5, 77);
}

static void
dumps_after_a_failure_when_all_in_flight_has_ended(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->refuse = 1;
    p->when_failed = dump_when_failed;
    p->mute = true;
    of_queue(p, 5000, 1);
    RUN_UNTIL(p, p->n_failed);
    of_settle(p);
    assert_int_equal(p->n_dumps, 0);
    of_release_barriers(p);
    RUN_UNTIL(p, p->n_dumped && p->n_tags);
    assert_int_equal(p->tags[0], 77);
    assert_int_equal(p->n_failed, 1);
    of_end(p);
}

static void
takes_a_barrier_without_a_commit_for_a_failure(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->skips_commit_reply = true;
    of_queue(p, 5, 1);
    RUN_UNTIL(p, p->n_failed);
    assert_int_equal(p->n_tags, 0);
    of_end(p);
}

static void
forgets_what_is_dropped_but_not_what_is_in_flight(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->mute = true;
    of_queue(p, 500, 1);
    of_queue(p, 8000, 2);
    of_queue(p, 10, 3);
    RUN_UNTIL(p, p->n_held == OG_OF_WINDOW);
    og_of_session_drop(p->session);
    of_queue(p, 10, 4);
    of_release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 2);
    assert_int_equal(p->tags[0], 1);
    assert_int_equal(p->tags[1], 4);
    assert_int_equal(of_n_queued(p), 0);
    of_end(p);
}

/* --- Dump. */

static void
puts_a_dump_together_from_its_parts(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->n_flow_replies = 200;
    assert_true(og_of_session_dump(p->session, OG_OF_ALL_TABLES));
    assert_false(og_of_session_dump(p->session, 3));
    RUN_UNTIL(p, p->n_dumped);
    assert_int_equal(p->n_dumps, 3);        /* flows, groups, meters */
    assert_int_equal(p->crows->n, 200);
    assert_int_equal(p->crows->rows[199].priority, 199);
    assert_int_equal(p->crows->rows[0].cookie, 9);
    assert_true(og_of_session_dump(p->session, 3));
    RUN_UNTIL(p, p->n_dumped == 2);
    assert_int_equal(p->n_dumps, 4);        /* flows only */
    of_end(p);
}

static void
dumps_between_what_is_queued_before_and_after(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->mute = true;
    of_queue(p, 10, 1);
    og_of_session_dump(p->session, OG_OF_ALL_TABLES);
    of_queue(p, 10, 2);
    RUN_UNTIL(p, p->n_held == 1);
    of_settle(p);
    assert_int_equal(p->n_dumps, 0);
    assert_int_equal(p->n_adds, 10);
    of_release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 2);
    assert_int_equal(p->n_dumped, 1);
    of_end(p);
}

static void
closes_on_a_malformed_dump(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->bad_dump = true;
    p->n_flow_replies = 1;
    og_of_session_dump(p->session, OG_OF_ALL_TABLES);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "malformed"));
    of_end(p);
}

/* One flow of another's, with an instruction that nobody knows. */
static void
say_long_flow(struct pair *p)
{
    enum { FLOW = 65000, INSTRUCTION = FLOW - 40 };
    static uint8_t body[8 + FLOW] = {
        0, 1, 0, 1,                         /* flows, more to come */
        [8] = FLOW >> 8, FLOW & 255, [8 + 4] = 3,
        [8 + 25] = 1, [8 + 27] = 4, [8 + 35] = 4,
        [8 + 40] = 255, 255, INSTRUCTION >> 8, INSTRUCTION & 255,
    };

    of_say(p, MULTIPART_REPLY, p->dump_xid, body, sizeof body);
    while (!p->n_closed && evbuffer_get_length(
               bufferevent_get_output(p->peer)) > 1 << 20) {
        event_base_loop(p->base, EVLOOP_ONCE);
    }
}

static void
closes_on_a_dump_of_more_than_half_a_gigabyte(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();
    size_t n = 0, enough = (1 << 29) / 65000;

    p->endless_dump = true;
    assert_true(og_of_session_dump(p->session, 3));
    RUN_UNTIL(p, p->n_dumps);
    for (; n < enough - 100; n++) {
        say_long_flow(p);
    }
    of_settle(p);
    assert_int_equal(p->n_closed, 0);
    for (; n < enough + 1; n++) {
        say_long_flow(p);
    }
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "more than 536870912 bytes"));
    assert_int_equal(p->n_dumped, 0);
    of_end(p);
}

/* --- Endings and rubbish. */

static void
tells_that_the_switch_went_in_the_middle(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->mute = true;
    of_queue(p, 5000, 1);
    RUN_UNTIL(p, p->n_held);
    bufferevent_flush(p->peer, EV_WRITE, BEV_FINISHED);
    RUN_UNTIL(p, p->n_closed);
    of_queue(p, 5, 2);
    assert_false(og_of_session_dump(p->session, 0));
    of_settle(p);
    assert_int_equal(p->n_closed, 1);
    assert_int_equal(p->n_tags, 0);
    of_end(p);
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
        struct pair *p = of_begin_ready();

        p->when_committed = free_session;
        p->when_failed = free_session;
        p->refuse = i ? 2 : 0;
        of_queue(p, 3, 1);
        of_queue(p, 3, 2);
        RUN_UNTIL(p, !p->session);
        of_settle(p);
        assert_int_equal(p->n_tags + p->n_failed, 1);
        assert_int_equal(p->n_closed, 0);
        of_end(p);
    }
}

static void
closes_on_a_message_shorter_than_its_header(void **state)
{
    (void) state;
    static const uint8_t seven[8] = { 6, 2, 0, 7, 0, 0, 0, 0 };
    struct pair *p = of_begin_ready();

    bufferevent_write(p->peer, seven, sizeof seven);
    RUN_UNTIL(p, p->n_closed);
    assert_non_null(strstr(p->why, "7 bytes"));
    of_end(p);
}

static void
closes_on_a_barrier_reply_nobody_waits_for(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    of_say(p, BARRIER_REPLY, 99, NULL, 0);
    RUN_UNTIL(p, p->n_closed);
    of_end(p);
}

static void
survives_garbage(void **state)
{
    (void) state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct pair *p = seed % 2 ? of_begin_ready() : of_begin();
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
        of_queue(p, 3, 1);
        og_of_session_dump(p->session, OG_OF_ALL_TABLES);
        bufferevent_write(p->peer, bytes, sizeof bytes);
        for (int i = 0; i < 10; i++) {
            event_base_loop(p->base, EVLOOP_NONBLOCK);
        }
        of_end(p);
    }
}

static void
understands_frames_that_come_byte_by_byte(void **state)
{
    (void) state;
    static const uint8_t hello[16] = { 6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0,
                                       0, 0, 0x40 };
    struct pair *p = of_begin();

    for (size_t i = 0; i < sizeof hello; i++) {
        bufferevent_write(p->peer, hello + i, 1);
        event_base_loop(p->base, EVLOOP_NONBLOCK);
    }
    RUN_UNTIL(p, p->n_ready);
    of_end(p);
}

static void
closes_on_a_switch_that_asks_and_does_not_read(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();
    static uint8_t body[60000];

    bufferevent_disable(p->peer, EV_READ);
    for (int i = 0; i < 400 && !p->n_closed; i++) {
        of_say(p, ECHO_REQUEST, i, body, sizeof body);
        event_base_loop(p->base, EVLOOP_NONBLOCK);
    }
    RUN_UNTIL(p, p->n_closed);
    of_end(p);
}

/* --- Meters. */

static void
queue_meters(struct pair *p, size_t n, uint64_t tag)
{
    struct og_msgs *msgs = og_msgs_new();
    struct vx_rows rows = { 0 };

    for (size_t i = 0; i < n; i++) {
        vx_rows_meter(&rows, VX_TENANT_TIER, 1 + i);
    }
    for (size_t i = 0; i < n; i++) {
        og_msgs_add_row(msgs, &rows.rows[i]);
    }
    og_of_session_queue(p->session, msgs, tag);
    og_msgs_unref(msgs);
    vx_rows_fini(&rows);
}

static void
sends_meters_outside_of_bundles_in_the_order_of_the_queue(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();
    struct og_of_counters c;

    p->mute = true;
    of_queue(p, 3, 1);
    queue_meters(p, 2, 2);
    queue_meters(p, 1, 3);
    of_queue(p, 4, 4);
    RUN_UNTIL(p, p->n_held == 3);
    assert_int_equal(p->n_meters, 3);
    assert_int_equal(p->n_bundles, 2);
    assert_int_equal(p->bundle_sizes[0], 3);
    assert_int_equal(p->bundle_sizes[1], 4);
    assert_int_equal(p->n_tags, 0);
    of_release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 4);
    og_of_session_get_counters(p->session, &c);
    assert_int_equal(c.n_bundles, 2);
    assert_int_equal(c.n_msgs_sent, 10);
    of_end(p);
}

static void
queue_meters_end(struct pair *p, uint64_t tag)
{
    struct og_msgs *msgs = og_msgs_new();
    struct vx_rows rows = { 0 };

    vx_rows_meter(&rows, VX_TENANT_TIER, 1);
    og_msgs_delete_row(msgs, rows.rows);
    og_of_session_queue(p->session, msgs, tag);
    og_msgs_unref(msgs);
    vx_rows_fini(&rows);
}

static void
deletes_a_meter_when_all_before_is_confirmed(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->mute = true;
    of_queue(p, 3, 1);
    queue_meters(p, 2, 2);
    queue_meters_end(p, 3);
    of_queue(p, 4, 4);
    RUN_UNTIL(p, p->n_held == 2);
    of_settle(p);
    assert_int_equal(p->n_meters, 2);
    assert_int_equal(p->n_bundles, 1);
    of_release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 4);
    assert_int_equal(p->n_meters, 3);
    assert_int_equal(p->n_bundles, 2);
    of_end(p);
}

/* The flows that name it would go, too. */
static void
deletes_no_meter_when_what_comes_before_is_refused(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->refuse = 2;
    of_queue(p, 3, 1);
    queue_meters_end(p, 2);
    RUN_UNTIL(p, p->n_failed);
    of_settle(p);
    assert_int_equal(p->n_meters, 0);
    assert_int_equal(p->n_tags, 0);
    queue_meters_end(p, 3);
    RUN_UNTIL(p, p->n_tags == 1);
    assert_int_equal(p->n_meters, 1);
    of_end(p);
}

static void
tells_which_meter_was_refused(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();

    p->refuse = 2;
    queue_meters(p, 2, 1);
    of_queue(p, 4, 2);
    RUN_UNTIL(p, p->n_failed);
    of_settle(p);
    assert_non_null(strstr(p->error, "meter add meter=2"));
    assert_non_null(strstr(p->error, "OFPMMFC_UNKNOWN_METER"));
    assert_int_equal(p->n_tags, 0);
    assert_int_equal(p->n_closed, 0);
    of_end(p);
}

/* --- Frames. */

static void
hands_over_a_frame_that_a_row_has_sent(void **state)
{
    (void) state;
    uint8_t body[16 + 16 + 2 + 5] = { [17] = 1, [19] = 12, [34] = 'f', 'r',
                                      'a', 'm', 'e' };
    struct pair *p = of_begin_ready();

    of_say(p, PACKET_IN, 0, body, sizeof body);
    RUN_UNTIL(p, p->n_frames == 1);
    assert_string_equal(p->frame, "frame");
    of_say(p, PACKET_IN, 0, body, 34);
    RUN_UNTIL(p, p->n_frames == 2);
    assert_string_equal(p->frame, "");
    of_end(p);
}

/* in_port 7; (reg0, reg1) both known; (reg4, reg5) reg5 only; a field that
 * is of no interest. */
static void
hands_over_where_a_frame_was(void **state)
{
    (void) state;
    static const uint8_t match[] = {
        0, 1, 0, 4 + 8 + 12 + 20 + 5,
        0x80, 0, 0, 4, 0, 0, 0, 7,
        0x80, 1, 0, 8, 0, 0x12, 0x34, 0x56, 0, 0, 0, 3,
        0x80, 1, 5, 16, 0, 0, 0, 0, 0, 0, 0x27, 0x10,
        0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
        0x80, 0, 6, 1, 9,
    };
    uint8_t body[16 + 56 + 2 + 5] = { [7] = 60, [8] = 0xff, [15] = 1,
                                      [74] = 'f', 'r', 'a', 'm', 'e' };
    struct pair *p = of_begin_ready();

    memcpy(body + 16, match, sizeof match);
    of_say(p, PACKET_IN, 0, body, sizeof body);
    RUN_UNTIL(p, p->n_frames == 1);
    assert_string_equal(p->frame, "frame");
    assert_int_equal(p->in.size, 5);
    assert_int_equal(p->in.table, 60);
    assert_true(p->in.cookie == UINT64_C(0xff00000000000001));
    assert_int_equal(p->in.in_port, 7);
    assert_int_equal(p->in.reg0, 0x123456);
    assert_int_equal(p->in.reg1, 3);
    assert_int_equal(p->in.reg5, 10000);
    of_end(p);
}

static void
closes_on_a_malformed_packet_in(void **state)
{
    (void) state;
    for (size_t i = 0; i < 6; i++) {
        uint8_t body[40] = { [17] = 1, [19] = i == 2 ? 3 : i == 5 ? 7 : 12,
                             [18] = i == 3, [23] = i == 4 ? 5 : 4 };
        struct pair *p = of_begin_ready();

        of_say(p, PACKET_IN, 0, body, i == 0 ? 19 : i == 1 ? 33 : sizeof body);
        RUN_UNTIL(p, p->n_closed);
        assert_non_null(strstr(p->why, "malformed packet-in"));
        assert_int_equal(p->n_frames, 0);
        of_end(p);
    }
}

static void
a_refused_frame_does_no_harm_to_a_bundle(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();
    struct vx_rows rows = { 0 };
    struct vx_row *row = vx_rows_flow(&rows, VX_TENANT_TIER, 0, 0, 0);

    vx_match_u(row, VX_F_IN_PORT, 77);
    vx_act_resubmit(row, 50);
    p->refuses_packets = true;
    p->mute = true;
    of_queue(p, 5, 1);
    RUN_UNTIL(p, p->n_held);
    for (size_t i = 0; i < 3; i++) {
        og_of_session_packet_out(p->session, "frame", 5, row);
    }
    RUN_UNTIL(p, p->n_packets == 3);
    of_release_barriers(p);
    RUN_UNTIL(p, p->n_tags == 1);
    assert_int_equal(p->n_failed, 0);
    vx_rows_fini(&rows);
    of_end(p);
}

static void
sends_a_frame_through_actions(void **state)
{
    (void) state;
    struct pair *p = of_begin_ready();
    struct vx_rows rows = { 0 };
    struct vx_row *row = vx_rows_flow(&rows, VX_TENANT_TIER, 0, 0, 0);

    vx_act_set_u(row, VX_F_REG0, 5);
    vx_act_output(row, 3);
    og_of_session_packet_out(p->session, "frame", 5, row);
    RUN_UNTIL(p, p->n_packets == 1);
    assert_true(p->packet_size > 24 + 5);
    vx_rows_fini(&rows);
    of_end(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shakes_hands_and_tells_the_datapath_id),
        cmocka_unit_test(refuses_a_switch_without_openflow_1_5),
        cmocka_unit_test(gives_up_a_switch_that_says_nothing),
        cmocka_unit_test(asks_a_silent_switch_and_keeps_one_that_answers),
        cmocka_unit_test(asks_for_an_echo_unless_one_is_owed),
        cmocka_unit_test(answers_echo_with_the_same_bytes),
        cmocka_unit_test(sends_what_is_queued_in_one_turn_as_one_bundle),
        cmocka_unit_test(confirms_an_empty_change_without_a_bundle),
        cmocka_unit_test(
            cuts_bundles_at_a_thousand_and_reports_a_tag_with_its_last),
        cmocka_unit_test(keeps_back_what_is_queued_behind_a_fence),
        cmocka_unit_test(
            dumps_behind_a_fence_and_forgets_a_fence_with_a_failure),
        cmocka_unit_test(keeps_a_window_of_bundles),
        cmocka_unit_test(does_not_build_ahead_for_a_switch_that_reads_slowly),
        cmocka_unit_test(tells_a_failure_once_and_drops_the_queue),
        cmocka_unit_test(dumps_after_a_failure_when_all_in_flight_has_ended),
        cmocka_unit_test(takes_a_barrier_without_a_commit_for_a_failure),
        cmocka_unit_test(forgets_what_is_dropped_but_not_what_is_in_flight),
        cmocka_unit_test(puts_a_dump_together_from_its_parts),
        cmocka_unit_test(dumps_between_what_is_queued_before_and_after),
        cmocka_unit_test(closes_on_a_malformed_dump),
        cmocka_unit_test(closes_on_a_dump_of_more_than_half_a_gigabyte),
        cmocka_unit_test(tells_that_the_switch_went_in_the_middle),
        cmocka_unit_test(can_be_freed_inside_a_callback),
        cmocka_unit_test(closes_on_a_message_shorter_than_its_header),
        cmocka_unit_test(closes_on_a_barrier_reply_nobody_waits_for),
        cmocka_unit_test(survives_garbage),
        cmocka_unit_test(understands_frames_that_come_byte_by_byte),
        cmocka_unit_test(closes_on_a_switch_that_asks_and_does_not_read),
        cmocka_unit_test(
            sends_meters_outside_of_bundles_in_the_order_of_the_queue),
        cmocka_unit_test(deletes_a_meter_when_all_before_is_confirmed),
        cmocka_unit_test(deletes_no_meter_when_what_comes_before_is_refused),
        cmocka_unit_test(tells_which_meter_was_refused),
        cmocka_unit_test(hands_over_a_frame_that_a_row_has_sent),
        cmocka_unit_test(hands_over_where_a_frame_was),
        cmocka_unit_test(closes_on_a_malformed_packet_in),
        cmocka_unit_test(a_refused_frame_does_no_harm_to_a_bundle),
        cmocka_unit_test(sends_a_frame_through_actions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
