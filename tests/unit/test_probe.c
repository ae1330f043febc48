/* SPDX-License-Identifier: Apache-2.0 */
/* Probes on a fabric of numbers: what is sent, to whom it counts, when a port
 * is reached.  The clock is the test's; timers are real and short. */
#include "daemon/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <event2/event.h>

#include "core/pipeline.h"

enum { MAX_FRAMES = 64, PORT = 7, TARGET = 100 };

static struct world {
    struct event_base *base;
    struct vx_probes *probes;
    int64_t skipped_us;             /* of the clock, by the test */
    uint64_t hosts[8];              /* ready, with presence */
    size_t n_hosts, n_others;

    size_t n_sent;
    uint64_t from[MAX_FRAMES];
    uint8_t frames[MAX_FRAMES][128];
    size_t sizes[MAX_FRAMES];
    size_t n_reached, n_gated, n_waiting, n_late, n_not_late;
    uint64_t late_from;
} w;

static const struct vx_probe_target target = {
    .host = TARGET, .network = 9, .vni = 5001,
    .mac = { { 2, 0, 0, 0, 0, 7 } },
};

static size_t
senders(void *ctx, const struct vx_probe_target *t, uint64_t spread,
        uint64_t *ret_hosts, size_t *ret_n_others)
{
    size_t n = w.n_hosts < VX_PROBE_PATHS ? w.n_hosts : VX_PROBE_PATHS;

    (void) ctx;
    (void) spread;
    assert_int_equal(t->host, TARGET);
    memcpy(ret_hosts, w.hosts, n * sizeof *ret_hosts);
    *ret_n_others = w.n_others > n ? w.n_others : n;
    return n;
}

static bool
may_send(void *ctx, uint64_t host, uint64_t network)
{
    (void) ctx;
    (void) network;
    for (size_t i = 0; i < w.n_hosts; i++) {
        if (w.hosts[i] == host) {
            return true;
        }
    }
    return false;
}

static void
send_frame(void *ctx, uint64_t host, const void *frame, size_t size,
           const struct vx_row *acts)
{
    size_t i = w.n_sent++ % MAX_FRAMES;

    (void) ctx;
    assert_true(size <= sizeof w.frames[0] && size <= VX_PROBE_MAX);
    assert_int_equal(acts->n_acts, 2);
    assert_int_equal(acts->acts[1].type, VX_ACT_RESUBMIT);
    assert_int_equal(acts->acts[1].arg, VX_T1_L2);
    memcpy(w.frames[i], frame, size);
    w.sizes[i] = size;
    w.from[i] = host;
}

static void
reached(void *ctx, uint64_t port, bool gated)
{
    (void) ctx;
    assert_true(port);
    w.n_reached++;
    w.n_gated += gated;
}

static void
waiting(void *ctx, uint64_t port)
{
    (void) ctx;
    assert_true(port);
    w.n_waiting++;
}

static void
late(void *ctx, uint64_t port, uint64_t from, bool is_late)
{
    (void) ctx;
    assert_int_equal(port, PORT);
    w.n_late += is_late;
    w.n_not_late += !is_late;
    w.late_from = from;
}

static int64_t
wall_ms(void)
{
    return 1000;
}

static int64_t
mono_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * (int64_t) 1000000 + ts.tv_nsec / 1000 + w.skipped_us;
}

static int
set_up(void **state)
{
    (void) state;
    memset(&w, 0, sizeof w);
    w.base = event_base_new();
    struct vx_probes_env env = {
        .base = w.base, .senders = senders, .may_send = may_send,
        .send = send_frame, .reached = reached, .waiting = waiting,
        .late = late, .wall_ms = wall_ms, .mono_us = mono_us,
    };
    w.probes = vx_probes_new(&env);
    w.n_hosts = 2;
    w.hosts[0] = 101;
    w.hosts[1] = 102;
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    vx_probes_free(w.probes);
    event_base_free(w.base);
    return 0;
}

/* Runs the loop until the condition holds; fails after ten seconds. */
#define RUN_UNTIL(CONDITION)                                            \
    do {                                                                \
        int64_t end_ = mono_us() - w.skipped_us + 10000000;             \
        while (!(CONDITION) && mono_us() - w.skipped_us < end_) {       \
            event_base_loop(w.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);     \
        }                                                               \
        assert_true(CONDITION);                                         \
    } while (0)

static void
hear(size_t frame, uint64_t host)
{
    vx_probes_heard(w.probes, host, w.frames[frame], w.sizes[frame]);
}

static struct vx_probe_facts
facts(void)
{
    struct vx_probe_facts f;

    vx_probes_get(w.probes, PORT, &f);
    return f;
}

static struct vx_probe_counters
counters(void)
{
    struct vx_probe_counters c;

    vx_probes_get_counters(w.probes, &c);
    return c;
}

static void
a_port_that_is_expected_is_reached_when_all_its_probes_have_come(void **state)
{
    (void) state;
    vx_probes_expect(w.probes, PORT);
    assert_true(facts().gated);
    assert_int_equal(facts().from, 0);
    vx_probes_look(w.probes, PORT, &target, false);
    assert_int_equal(facts().from, 0);          /* rows come first */
    vx_probes_look(w.probes, PORT, &target, true);
    assert_int_equal(facts().from, 101);
    assert_int_equal(facts().n_more, 1);
    RUN_UNTIL(w.n_sent >= 2);
    assert_memory_equal(w.frames[0], target.mac.b, 6);
    assert_int_equal(w.frames[0][12] << 8 | w.frames[0][13], VX_ETH_PROBE);
    hear(0, TARGET);
    assert_int_equal(facts().from, 102);
    assert_int_equal(w.n_reached, 0);
    hear(0, TARGET);                            /* counts once */
    assert_int_equal(w.n_reached, 0);
    hear(1, TARGET);
    assert_int_equal(w.n_gated, 1);
    assert_false(facts().gated);
    assert_int_equal(facts().reachable_at_ms, 1000);
    assert_int_equal(counters().n_answered, 2);
    assert_int_equal(counters().n_running, 0);
}

static void
a_probe_counts_only_where_it_was_sent_to_and_as_it_was_sent(void **state)
{
    (void) state;
    uint8_t frame[128];

    w.n_hosts = 1;
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    RUN_UNTIL(w.n_sent >= 1);
    hear(0, 101);
    for (size_t size = 0; size < w.sizes[0]; size++) {
        memcpy(frame, w.frames[0], sizeof frame);
        if (size < 27) {
            vx_probes_heard(w.probes, TARGET, frame, size);
        }
        frame[12 + size % 14] ^= 1;
        vx_probes_heard(w.probes, TARGET, frame, w.sizes[0]);
        assert_int_equal(w.n_reached, 0);
    }
    hear(0, TARGET);
    assert_int_equal(w.n_reached, 1);
}

static void
what_does_not_come_is_sent_again_and_late_after_five_seconds(void **state)
{
    (void) state;
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    RUN_UNTIL(w.n_sent >= 2);
    hear(0, TARGET);
    RUN_UNTIL(w.n_sent >= 5);                   /* one path, three times */
    for (size_t i = 2; i < 5; i++) {
        assert_int_equal(w.from[i], 102);
    }
    assert_true(w.n_waiting > 0);
    assert_false(facts().late);
    w.skipped_us += 6000000;
    RUN_UNTIL(w.n_late);
    assert_int_equal(w.late_from, 102);
    assert_true(facts().late);
    assert_int_equal(facts().from, 102);
    assert_int_equal(counters().n_late, 1);
    hear(3, TARGET);                            /* an old one will do */
    assert_int_equal(w.n_not_late, 1);
    assert_int_equal(w.n_gated, 1);
    assert_int_equal(counters().n_late, 0);
    assert_true(counters().n_lost >= 2);
}

static void
a_port_that_is_alone_is_reached_at_once(void **state)
{
    (void) state;
    w.n_hosts = 0;
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    assert_int_equal(w.n_gated, 1);
    assert_int_equal(w.n_sent, 0);
    assert_int_equal(facts().reachable_at_ms, 1000);
}

static void
where_all_others_are_away_it_waits_for_the_next_look(void **state)
{
    (void) state;
    w.n_hosts = 0;
    w.n_others = 3;
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    assert_int_equal(w.n_reached, 0);
    assert_true(facts().gated);
    assert_int_equal(facts().from, 0);
    w.n_hosts = 1;
    vx_probes_look(w.probes, PORT, &target, true);
    RUN_UNTIL(w.n_sent >= 1);
}

static void
a_sender_that_goes_is_not_waited_for(void **state)
{
    (void) state;
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    RUN_UNTIL(w.n_sent >= 2);
    hear(1, TARGET);
    w.hosts[0] = 103;
    RUN_UNTIL(w.n_reached);
    assert_int_equal(w.n_gated, 1);
}

static void
when_all_senders_go_others_are_asked(void **state)
{
    (void) state;
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    RUN_UNTIL(w.n_sent >= 2);
    size_t n = w.n_sent;
    w.hosts[0] = 103;
    w.hosts[1] = 104;
    RUN_UNTIL(w.n_sent >= n + 2);
    assert_int_equal(w.from[n], 103);
    hear(0, TARGET);                            /* of one that has gone */
    assert_int_equal(w.n_reached, 0);
    hear(n, TARGET);
    hear(n + 1, TARGET);
    assert_int_equal(w.n_gated, 1);
}

static void
senders_that_go_one_by_one_have_proven_nothing(void **state)
{
    (void) state;
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    RUN_UNTIL(w.n_sent >= 2);
    w.n_hosts = 1;
    RUN_UNTIL(w.n_sent >= 4);
    w.hosts[0] = 103;
    RUN_UNTIL(w.from[w.n_sent - 1] == 103);
    assert_int_equal(w.n_reached, 0);
}

static void
what_is_known_is_forgotten_when_its_facts_change(void **state)
{
    (void) state;
    struct vx_probe_target other = target;

    vx_probes_expect(w.probes, PORT);
    w.n_hosts = 0;
    vx_probes_look(w.probes, PORT, &target, true);
    assert_int_equal(facts().reachable_at_ms, 1000);
    vx_probes_look(w.probes, PORT, &target, false);
    assert_int_equal(facts().reachable_at_ms, 1000);
    other.mac.b[5]++;
    vx_probes_look(w.probes, PORT, &other, false);
    assert_int_equal(facts().reachable_at_ms, 0);
    vx_probes_look(w.probes, PORT, &other, true);
    RUN_UNTIL(facts().reachable_at_ms);         /* in the background */
    assert_int_equal(w.n_gated, 1);
    vx_probes_look(w.probes, PORT, NULL, false);
    assert_int_equal(facts().reachable_at_ms, 0);
    assert_false(facts().gated);
}

static void
other_ports_are_probed_in_the_background_by_one_host(void **state)
{
    (void) state;
    vx_probes_look(w.probes, PORT, &target, true);
    assert_false(facts().gated);
    assert_int_equal(counters().n_background, 1);
    RUN_UNTIL(w.n_sent >= 1);
    hear(0, TARGET);
    assert_int_equal(w.n_reached, 1);
    assert_int_equal(w.n_gated, 0);
    assert_int_equal(w.n_sent, 1);
    assert_int_equal(facts().reachable_at_ms, 1000);
}

static void
the_background_gives_up_for_a_while(void **state)
{
    (void) state;
    vx_probes_look(w.probes, PORT, &target, true);
    RUN_UNTIL(w.n_sent >= 1 && !counters().n_running);
    size_t n = w.n_sent;
    assert_true(n > 1 && n < 10);
    assert_int_equal(counters().n_background, 1);
    assert_int_equal(w.n_waiting + w.n_late, 0);
    w.skipped_us += 31000000;
    RUN_UNTIL(w.n_sent > n);
}

static void
a_port_that_is_deleted_is_forgotten_whatever_goes_on(void **state)
{
    (void) state;
    vx_probes_look(w.probes, PORT, &target, true);      /* it waits */
    vx_probes_forget(w.probes, PORT);
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    vx_probes_forget(w.probes, PORT);                   /* it is due */
    vx_probes_expect(w.probes, PORT);
    vx_probes_look(w.probes, PORT, &target, true);
    RUN_UNTIL(w.n_sent >= 2);
    vx_probes_forget(w.probes, PORT);                   /* they are out */
    hear(0, TARGET);
    assert_int_equal(w.n_reached, 0);
    assert_int_equal(counters().n_running, 0);
    vx_probes_forget(w.probes, 12345);
}

static void
many_ports_do_not_send_all_at_once(void **state)
{
    (void) state;
    int64_t began = mono_us();

    for (uint64_t port = 1; port <= 2000; port++) {
        vx_probes_expect(w.probes, port);
        vx_probes_look(w.probes, port, &target, true);
    }
    event_base_loop(w.base, EVLOOP_NONBLOCK);
    assert_true((int64_t) w.n_sent <= 300 + (mono_us() - began)
                                           * VX_PROBE_RATE / 1000000);
    RUN_UNTIL(w.n_sent >= 1250);
    assert_true(mono_us() - began >= (1250 - 260) * 1000000LL
                                     / VX_PROBE_RATE);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_port_that_is_expected_is_reached_when_all_its_probes_have_come),
        TEST(a_probe_counts_only_where_it_was_sent_to_and_as_it_was_sent),
        TEST(what_does_not_come_is_sent_again_and_late_after_five_seconds),
        TEST(a_port_that_is_alone_is_reached_at_once),
        TEST(where_all_others_are_away_it_waits_for_the_next_look),
        TEST(a_sender_that_goes_is_not_waited_for),
        TEST(when_all_senders_go_others_are_asked),
        TEST(senders_that_go_one_by_one_have_proven_nothing),
        TEST(what_is_known_is_forgotten_when_its_facts_change),
        TEST(other_ports_are_probed_in_the_background_by_one_host),
        TEST(the_background_gives_up_for_a_while),
        TEST(a_port_that_is_deleted_is_forgotten_whatever_goes_on),
        TEST(many_ports_do_not_send_all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
