/* SPDX-License-Identifier: Apache-2.0 */
/* Which hook runs next: order, bounds, backoff; and a property test with a
 * fake clock: whatever fails, everything is tried and ends. */
#include "core/hookq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/xalloc.h"

static const struct vx_hookq_config config = {
    .max_running = 2, .max_attempts = 4, .max_runs = 100, .backoff_ms = 1000,
    .backoff_max_ms = 60000,
};

static void
add(struct vx_hookq *queue, uint64_t id, const char *hook,
    const char *object, bool in_order)
{
    const struct vx_hookq_run run = {
        .id = id, .hook = hook, .object = object, .in_order = in_order,
        .aux = (void *) (uintptr_t) id,
    };

    assert_true(vx_hookq_add(queue, &run, 0));
}

/* Id of the run that starts, 0 if none does. */
static uint64_t
next(struct vx_hookq *queue, int64_t now_ms)
{
    unsigned attempt;

    return (uintptr_t) vx_hookq_next(queue, now_ms, &attempt);
}

static void
one_hook_never_runs_twice_at_a_time(void **state)
{
    struct vx_hookq *queue = vx_hookq_new(&config);

    (void) state;
    add(queue, 1, "e/a", "h1", true);
    add(queue, 2, "e/a", "h2", true);
    assert_int_equal(next(queue, 0), 1);
    assert_int_equal(next(queue, 0), 0);
    assert_int_equal(vx_hookq_due_ms(queue, 0), -1);
    assert_int_equal(vx_hookq_end(queue, 1, VX_HOOKQ_OK, 0), VX_HOOKQ_DONE);
    assert_int_equal(vx_hookq_due_ms(queue, 0), 0);
    assert_int_equal(next(queue, 0), 2);
    vx_hookq_free(queue, NULL);
}

static void
hooks_of_an_event_run_in_order_and_other_objects_meanwhile(void **state)
{
    struct vx_hookq *queue = vx_hookq_new(&config);

    (void) state;
    add(queue, 1, "e/10", "h1", true);
    add(queue, 2, "e/20", "h1", true);
    add(queue, 3, "f/10", "h1", true);      /* a later event of h1 */
    add(queue, 4, "g/10", "h2", true);
    assert_int_equal(next(queue, 0), 1);
    assert_int_equal(next(queue, 0), 4);
    assert_int_equal(next(queue, 0), 0);    /* two run */
    vx_hookq_end(queue, 4, VX_HOOKQ_OK, 0);
    assert_int_equal(next(queue, 0), 0);    /* 2 waits for 1, 3 for 2 */
    assert_int_equal(vx_hookq_due_ms(queue, 0), -1);
    /* It failed once: that is enough of waiting. */
    assert_int_equal(vx_hookq_end(queue, 1, VX_HOOKQ_FAILED, 0),
                     VX_HOOKQ_AGAIN);
    assert_int_equal(next(queue, 0), 2);
    vx_hookq_end(queue, 2, VX_HOOKQ_OK, 0);
    assert_int_equal(next(queue, 0), 3);
    vx_hookq_free(queue, NULL);
}

static void
webhooks_wait_for_no_executable(void **state)
{
    struct vx_hookq *queue = vx_hookq_new(&config);

    (void) state;
    add(queue, 1, "e/10", "h1", true);
    add(queue, 2, "http://x", "h1", false);
    assert_int_equal(next(queue, 0), 1);
    assert_int_equal(next(queue, 0), 2);
    vx_hookq_free(queue, NULL);
}

static void
a_failed_run_is_tried_again_later_and_later_and_then_dead(void **state)
{
    struct vx_hookq *queue = vx_hookq_new(&config);
    int64_t now = 5000, delay = 1000;

    (void) state;
    add(queue, 7, "e/a", "h1", true);
    for (unsigned i = 1; i <= config.max_attempts; i++) {
        enum vx_hookq_verdict verdict;
        unsigned attempt = 0;
        int64_t due;

        assert_int_equal((uintptr_t) vx_hookq_next(queue, now, &attempt), 7);
        assert_int_equal(attempt, i);
        verdict = vx_hookq_end(queue, 7, VX_HOOKQ_FAILED, now);
        if (i == config.max_attempts) {
            assert_int_equal(verdict, VX_HOOKQ_DEAD);
            break;
        }
        assert_int_equal(verdict, VX_HOOKQ_AGAIN);
        due = vx_hookq_due_ms(queue, now);
        assert_in_range(due - now, delay * 3 / 4, delay);
        assert_int_equal(next(queue, due - 1), 0);
        now = due;
        delay *= 2;
    }
    assert_int_equal(vx_hookq_n_runs(queue), 0);
    assert_int_equal(vx_hookq_due_ms(queue, now), -1);
    vx_hookq_free(queue, NULL);
}

static void
what_is_hopeless_is_dead_at_once(void **state)
{
    struct vx_hookq *queue = vx_hookq_new(&config);

    (void) state;
    add(queue, 1, "e/a", "h1", true);
    next(queue, 0);
    assert_int_equal(vx_hookq_end(queue, 1, VX_HOOKQ_HOPELESS, 0),
                     VX_HOOKQ_DEAD);
    vx_hookq_free(queue, NULL);
}

static void
a_hook_that_keeps_failing_is_paused_and_holds_nobody_up(void **state)
{
    struct vx_hookq *queue = vx_hookq_new(&config);
    struct vx_hookq_stats stats;

    (void) state;
    for (uint64_t i = 0; i < 4; i++) {
        add(queue, 10 * i + 1, "e/10-bad", "h1", true);
        add(queue, 10 * i + 2, "e/20-good", "h1", true);
    }
    for (uint64_t i = 0; i < VX_HOOKQ_SICK; i++) {
        assert_int_equal(next(queue, 0), 10 * i + 1);
        vx_hookq_end(queue, 10 * i + 1, VX_HOOKQ_FAILED, 0);
        assert_int_equal(next(queue, 0), 10 * i + 2);
        vx_hookq_end(queue, 10 * i + 2, VX_HOOKQ_OK, 0);
    }
    /* 31 does not start, its hook is paused; 32 does not wait for it. */
    assert_int_equal(next(queue, 0), 32);
    vx_hookq_end(queue, 32, VX_HOOKQ_OK, 0);
    assert_int_equal(next(queue, 0), 0);
    vx_hookq_stats(queue, "e/10-bad", 0, &stats);
    assert_in_range(stats.paused_ms, 750, 1000);
    assert_int_equal(stats.n_waiting, 4);
    assert_int_equal(vx_hookq_due_ms(queue, 0), stats.paused_ms);
    /* One success, and it is as any other. */
    assert_int_not_equal(next(queue, 1000), 0);
    vx_hookq_free(queue, NULL);
}

static void
a_full_queue_refuses(void **state)
{
    struct vx_hookq_config small = config;
    struct vx_hookq_run run = { .id = 2, .hook = "e/a", .object = "o",
                                .aux = &small };
    struct vx_hookq *queue;

    (void) state;
    small.max_runs = 1;
    queue = vx_hookq_new(&small);
    add(queue, 1, "e/a", "o", true);
    assert_true(vx_hookq_is_full(queue));
    assert_false(vx_hookq_add(queue, &run, 0));
    assert_int_equal(vx_hookq_n_runs(queue), 1);
    vx_hookq_free(queue, NULL);
}

static void
a_run_with_attempts_behind_it_waits_its_backoff(void **state)
{
    struct vx_hookq *queue = vx_hookq_new(&config);
    struct vx_hookq_run run = { .id = 2, .hook = "e/a", .object = "o",
                                .in_order = true, .attempts = 2,
                                .aux = &run };
    unsigned attempt;

    (void) state;
    assert_true(vx_hookq_add(queue, &run, 100));
    assert_null(vx_hookq_next(queue, 100, &attempt));
    assert_ptr_equal(vx_hookq_next(queue, 2100, &attempt), &run);
    assert_int_equal(attempt, 3);
    vx_hookq_free(queue, NULL);
}

static void
a_hastened_run_starts_at_once(void **state)
{
    struct vx_hookq *queue = vx_hookq_new(&config);

    (void) state;
    add(queue, 1, "e/a", "h1", true);
    assert_int_equal(next(queue, 0), 1);
    vx_hookq_end(queue, 1, VX_HOOKQ_FAILED, 0);
    assert_int_equal(next(queue, 1), 0);
    vx_hookq_hasten(queue, 1, 1);
    assert_int_equal(next(queue, 1), 1);
    vx_hookq_free(queue, NULL);
}

static void
backoff_never_passes_its_maximum(void **state)
{
    (void) state;
    for (unsigned n = 1; n < 200; n++) {
        int64_t ms = vx_hookq_backoff_ms(&config, n, n * 77);

        assert_in_range(ms, 750, config.backoff_max_ms);
    }
}

/* --- Property: random runs, hooks that fail at random, a fake clock. */

enum { N = 400, HOOKS = 6, OBJECTS = 5 };

struct sim {
    struct vx_hookq *queue;
    unsigned seed;
    int64_t now_ms;
    unsigned hook_of[N + 1], object_of[N + 1], attempts[N + 1];
    bool ended[N + 1], running[N + 1];
    unsigned n_ended, n_running;
};

static unsigned
chance(struct sim *sim, unsigned n)
{
    sim->seed = sim->seed * 1103515245 + 12345;
    return sim->seed / 65536 % n;
}

static void
start_all(struct sim *sim)
{
    uint64_t id;

    while ((id = next(sim->queue, sim->now_ms))) {
        assert_false(sim->running[id] || sim->ended[id]);
        for (uint64_t i = 1; i <= N; i++) {
            assert_false(sim->running[i]
                         && sim->hook_of[i] == sim->hook_of[id]);
        }
        sim->running[id] = true;
        sim->n_running++;
        assert_true(sim->n_running <= config.max_running);
    }
}

/* One that runs ends; false if none does. */
static bool
end_one(struct sim *sim)
{
    for (unsigned i = 0, id = 1 + chance(sim, N); i < N;
         i++, id = id % N + 1) {
        enum vx_hookq_end end;

        if (!sim->running[id]) {
            continue;
        }
        /* Hook 0 always fails, the others now and then. */
        end = !sim->hook_of[id] || !chance(sim, 4) ? VX_HOOKQ_FAILED
                                                   : VX_HOOKQ_OK;
        sim->running[id] = false;
        sim->n_running--;
        sim->attempts[id]++;
        if (vx_hookq_end(sim->queue, id, end, sim->now_ms)
            != VX_HOOKQ_AGAIN) {
            sim->ended[id] = true;
            sim->n_ended++;
            assert_true(end == VX_HOOKQ_OK
                        || sim->attempts[id] == config.max_attempts);
        }
        return true;
    }
    return false;
}

static void
whatever_fails_every_run_is_tried_and_ends(void **state)
{
    struct vx_hookq_config big = config;

    (void) state;
    big.max_runs = N;
    for (unsigned seed = 1; seed <= 50; seed++) {
        struct sim sim = { .queue = vx_hookq_new(&big), .seed = seed };
        unsigned n_added = 0;

        print_message("# seed %u\n", seed);
        while (sim.n_ended < N) {
            if (n_added < N && chance(&sim, 2)) {
                char hook[16], object[16];
                unsigned id = ++n_added;

                sim.hook_of[id] = chance(&sim, HOOKS);
                sim.object_of[id] = chance(&sim, OBJECTS);
                snprintf(hook, sizeof hook, "e/%u", sim.hook_of[id]);
                snprintf(object, sizeof object, "o%u", sim.object_of[id]);
                add(sim.queue, id, hook, object, chance(&sim, 3));
                continue;
            }
            start_all(&sim);
            if (!end_one(&sim) && n_added == N) {
                int64_t due = vx_hookq_due_ms(sim.queue, sim.now_ms);

                assert_true(due > sim.now_ms);      /* nothing is stuck */
                sim.now_ms = due;
            }
        }
        assert_int_equal(vx_hookq_n_runs(sim.queue), 0);
        vx_hookq_free(sim.queue, NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_hook_never_runs_twice_at_a_time),
        cmocka_unit_test(
            hooks_of_an_event_run_in_order_and_other_objects_meanwhile),
        cmocka_unit_test(webhooks_wait_for_no_executable),
        cmocka_unit_test(
            a_failed_run_is_tried_again_later_and_later_and_then_dead),
        cmocka_unit_test(what_is_hopeless_is_dead_at_once),
        cmocka_unit_test(
            a_hook_that_keeps_failing_is_paused_and_holds_nobody_up),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(a_run_with_attempts_behind_it_waits_its_backoff),
        cmocka_unit_test(a_hastened_run_starts_at_once),
        cmocka_unit_test(backoff_never_passes_its_maximum),
        cmocka_unit_test(whatever_fails_every_run_is_tried_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
