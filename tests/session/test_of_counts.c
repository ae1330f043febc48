/* SPDX-License-Identifier: Apache-2.0 */
/* Counters asked for on a session, beside everything else (of_pair.h). */
#include "tests/session/of_pair.h"

#include <string.h>

#include "core/pipeline.h"

enum { FLOW_DESC = 1, METER_STATS = 9 };

/* Flow of 104 bytes: table 60, priority 100, cookie 0x0400000000000009;
 * xreg0 = 0x65/-1,0x02/-1 (VNI 101, class 2); 3 s old, 7 packets, 700 bytes;
 * output 65002. */
static const uint8_t flow[] = {
    0, 112, 0, 0, 60, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0,
    9,
    /* match, 16 bytes with padding */
    0, 1, 0, 16, 0x80, 1, 0, 8, 0, 0, 0, 101, 0, 0, 0, 2,
    /* statistics, 40 bytes */
    0, 0, 0, 40, 0x80, 2, 0, 8, 0, 0, 0, 3, 0, 0, 0, 0,
    0x80, 2, 8, 8, 0, 0, 0, 0, 0, 0, 0, 7,
    0x80, 2, 10, 8, 0, 0, 0, 0, 0, 0, 2, 188,
    /* instructions: apply (meter, output) */
    0, 4, 0, 32, 0, 0, 0, 0, 0, 29, 0, 8, 0, 0, 0, 1,
    0, 0, 0, 16, 0, 0, 0xfd, 0xea, 0, 0, 0, 0, 0, 0, 0, 0,
};

/* Meter 0x0200000c (out_kbps of ofport 12): 20 packets, 2,000 bytes, 2 s old;
 * 5 packets dropped. */
static const uint8_t meter[56] = {
    2, 0, 0, 12, 0, 56, [23] = 20, [30] = 7, 208, [35] = 2, [47] = 5,
};

static uint32_t asked_xid;
static uint8_t asked[64];
static size_t n_asked;

static void
note(struct pair *p, uint32_t xid, const uint8_t *msg)
{
    (void) p;
    asked_xid = xid;
    memcpy(asked, msg, 56);
    n_asked++;
}

static void
reply(struct pair *p, unsigned type, bool more, const uint8_t *entry,
      size_t size)
{
    uint8_t body[8 + 256] = { 0, type, 0, more };

    if (size) {
        memcpy(body + 8, entry, size);
    }
    of_say(p, MULTIPART_REPLY, asked_xid, body, 8 + size);
}

static struct pair *
ask(const struct og_of_part *part)
{
    struct pair *p = of_begin_ready();

    n_asked = 0;
    p->when_asked = note;
    assert_true(og_of_session_count(p->session, part));
    RUN_UNTIL(p, n_asked == 1);
    return p;
}

static const struct og_of_part table_60 = { .table = 60 };
static const struct og_of_part meters = { .table = OG_OF_NO_TABLE };

static void
tells_whose_a_flow_is_and_what_it_counted(void **state)
{
    (void) state;
    struct pair *p = ask(&table_60);

    assert_int_equal(asked[9], FLOW_DESC);
    assert_int_equal(asked[16], 60);
    reply(p, FLOW_DESC, true, flow, sizeof flow);
    reply(p, FLOW_DESC, false, NULL, 0);
    RUN_UNTIL(p, p->n_counted == 1);
    assert_string_equal(p->uncounted, "");
    assert_int_equal(p->n_counts, 1);
    assert_int_equal(p->counts[0].reg0, 101);
    assert_int_equal(p->counts[0].reg1, 2);
    assert_int_equal(p->counts[0].priority, 100);
    assert_int_equal(p->counts[0].packets, 7);
    assert_int_equal(p->counts[0].bytes, 700);
    assert_int_equal(p->counts[0].age_ms, 3000);
    assert_int_equal(p->counts[0].out_port, 65002);
    assert_int_equal(p->counts[0].cookie, UINT64_C(0x0400000000000009));
    of_end(p);
}

static void
tells_what_meters_dropped(void **state)
{
    (void) state;
    struct pair *p = ask(&meters);

    assert_int_equal(asked[9], METER_STATS);
    reply(p, METER_STATS, false, meter, sizeof meter);
    RUN_UNTIL(p, p->n_counted == 1);
    assert_int_equal(p->n_counts, 1);
    assert_int_equal(p->counts[0].key, VX_METER(VX_METER_OUT_KBPS, 12));
    assert_int_equal(p->counts[0].packets, 20);
    assert_int_equal(p->counts[0].bytes, 2000);
    assert_int_equal(p->counts[0].dropped, 5);
    assert_int_equal(p->counts[0].age_ms, 2000);
    of_end(p);
}

static void
asks_once_at_a_time_and_not_while_a_dump_is_under_way(void **state)
{
    (void) state;
    struct pair *p = ask(&table_60);

    assert_false(og_of_session_count(p->session, &meters));
    reply(p, FLOW_DESC, false, NULL, 0);
    RUN_UNTIL(p, p->n_counted == 1);
    p->when_asked = NULL;
    assert_true(og_of_session_dump(p->session, OG_OF_ALL_TABLES));
    assert_false(og_of_session_count(p->session, &meters));
    RUN_UNTIL(p, p->n_dumped == 1);
    p->when_asked = note;
    assert_true(og_of_session_count(p->session, &meters));
    RUN_UNTIL(p, n_asked == 2);
    reply(p, METER_STATS, false, NULL, 0);
    RUN_UNTIL(p, p->n_counted == 2);
    of_end(p);
}

static void
changes_do_not_wait_for_counters(void **state)
{
    (void) state;
    struct pair *p = ask(&table_60);

    of_queue(p, 10, 1);
    RUN_UNTIL(p, p->n_tags == 1);
    assert_int_equal(p->n_counted, 0);
    reply(p, FLOW_DESC, false, flow, sizeof flow);
    RUN_UNTIL(p, p->n_counted == 1);
    of_end(p);
}

static void
a_refusal_or_rubbish_ends_the_question_and_not_the_session(void **state)
{
    (void) state;
    static const uint8_t bad_stat[4] = { 0, 1, 0, 2 };
    struct pair *p = ask(&meters);
    uint8_t bad[sizeof meter];

    of_say(p, ERROR, asked_xid, bad_stat, sizeof bad_stat);
    RUN_UNTIL(p, p->n_counted == 1);
    assert_non_null(strstr(p->uncounted, "answered"));

    for (size_t i = 0; i < sizeof meter; i++) {
        size_t before = p->n_counted;

        memcpy(bad, meter, sizeof bad);
        bad[5] = i;             /* claims to be shorter */
        assert_true(og_of_session_count(p->session, &meters));
        RUN_UNTIL(p, n_asked == i + 2);
        reply(p, METER_STATS, true, bad, sizeof bad);
        reply(p, METER_STATS, false, NULL, 0);
        RUN_UNTIL(p, p->n_counted == before + 1);
        assert_string_not_equal(p->uncounted, "");
        assert_int_equal(p->n_counts, 0);
    }
    assert_int_equal(p->n_closed, 0);
    of_end(p);
}

static void
flows_cut_anywhere_are_refused_or_read_in_bounds(void **state)
{
    (void) state;
    struct pair *p = ask(&table_60);
    uint8_t cut[sizeof flow];

    reply(p, FLOW_DESC, false, NULL, 0);
    RUN_UNTIL(p, p->n_counted == 1);
    for (size_t i = 0; i < sizeof flow; i++) {
        memcpy(cut, flow, sizeof flow);
        cut[1] = i;
        assert_true(og_of_session_count(p->session, &table_60));
        RUN_UNTIL(p, n_asked == i + 2);
        reply(p, FLOW_DESC, false, cut, i);
        RUN_UNTIL(p, p->n_counted == i + 2);
    }
    assert_int_equal(p->n_closed, 0);
    of_end(p);
}

static void
a_switch_that_says_rows_without_end_is_cut_off(void **state)
{
    (void) state;
    struct pair *p = ask(&meters);

    for (int i = 0; i <= VX_COUNTS_MAX && !p->n_counted; i++) {
        reply(p, METER_STATS, true, meter, sizeof meter);
        if (i % 1000 == 0) {
            of_settle(p);
        }
    }
    RUN_UNTIL(p, p->n_counted == 1);
    assert_non_null(strstr(p->uncounted, "more than"));
    reply(p, METER_STATS, true, meter, sizeof meter);   /* heard by nobody */
    of_settle(p);
    assert_int_equal(p->n_counted, 1);
    of_end(p);
}

static void
a_switch_that_never_answers_is_given_up(void **state)
{
    (void) state;
    struct pair *p = ask(&meters);

    p->answers_echo = true;
    og_of_session_set_keepalive(p->session, 2, 1000);
    RUN_UNTIL(p, p->n_closed == 1);
    assert_int_equal(p->n_counted, 0);
    of_end(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_whose_a_flow_is_and_what_it_counted),
        cmocka_unit_test(tells_what_meters_dropped),
        cmocka_unit_test(
            asks_once_at_a_time_and_not_while_a_dump_is_under_way),
        cmocka_unit_test(changes_do_not_wait_for_counters),
        cmocka_unit_test(
            a_refusal_or_rubbish_ends_the_question_and_not_the_session),
        cmocka_unit_test(flows_cut_anywhere_are_refused_or_read_in_bounds),
        cmocka_unit_test(a_switch_that_says_rows_without_end_is_cut_off),
        cmocka_unit_test(a_switch_that_never_answers_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
