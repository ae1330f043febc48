/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts on which others depend: who is given up, and when nobody is. */
#include "daemon/borders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <event2/event.h>

static int64_t now_ms;
static unsigned n_down, n_up;

static int64_t
mono_ms(void)
{
    return now_ms;
}

static void
alive(void *ctx, uint64_t host, bool is_alive)
{
    (void) ctx;
    (void) host;
    n_up += is_alive;
    n_down += !is_alive;
}

/* The timer is real, and short; the clock that decides is ours. */
static void
pass(struct event_base *base, int64_t ms)
{
    now_ms += ms;
    event_base_loop(base, EVLOOP_ONCE);
}

static void
a_host_that_is_away_is_given_up_while_most_are_there(void **state)
{
    struct event_base *base = event_base_new();
    const struct vx_borders_env env = {
        .base = base, .down_ms = 5, .mono_ms = mono_ms, .alive = alive
    };
    struct vx_borders *borders = vx_borders_new(&env);

    (void) state;
    vx_borders_ready(borders, 1, false);        /* never seen: nothing */
    for (uint64_t host = 1; host <= 3; host++) {
        vx_borders_ready(borders, host, true);
    }
    vx_borders_ready(borders, 1, false);
    assert_int_equal(n_down, 0);                /* not at once */
    pass(base, 10);
    assert_int_equal(n_down, 1);
    assert_false(vx_borders_is_alive(borders, 1));
    vx_borders_ready(borders, 2, false);        /* now most are away */
    pass(base, 10);
    assert_int_equal(n_down, 1);
    assert_true(vx_borders_is_alive(borders, 2));
    vx_borders_ready(borders, 1, true);
    pass(base, 10);
    assert_int_equal(n_up, 1);
    pass(base, 10);
    assert_int_equal(n_down, 2);                /* host 2, its time over */
    vx_borders_forget(borders, 2);
    assert_true(vx_borders_is_alive(borders, 2));
    vx_borders_free(borders);
    event_base_free(base);
}

static uint64_t pulses[3];

static uint64_t
pulse(void *ctx, uint64_t host)
{
    (void) ctx;
    return pulses[host];
}

/* As the timer of looks fires: four times a second. */
static void
look(struct event_base *base, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        pulses[1]++;
        pass(base, 250);
    }
}

static void
a_watched_host_that_falls_silent_is_given_up_though_connected(void **state)
{
    struct event_base *base = event_base_new();
    const struct vx_borders_env env = {
        .base = base, .down_ms = 1, .mono_ms = mono_ms, .alive = alive,
        .pulse = pulse
    };
    struct vx_borders *borders = vx_borders_new(&env);

    (void) state;
    n_down = n_up = 0;
    pulses[1] = pulses[2] = 7;
    vx_borders_watch(borders, 2, true);         /* before it was ever there */
    for (uint64_t host = 0; host <= 2; host++) {
        vx_borders_ready(borders, host, true);
    }
    look(base, 3);
    assert_int_equal(n_down, 0);
    vx_borders_watch(borders, 1, true);
    look(base, 4);
    assert_int_equal(n_down, 1);
    assert_false(vx_borders_is_alive(borders, 2));
    assert_true(vx_borders_is_alive(borders, 1));
    pulses[2]++;
    look(base, 3);
    assert_int_equal(n_up, 1);
    assert_true(vx_borders_is_alive(borders, 2));
    vx_borders_watch(borders, 2, true);
    vx_borders_watch(borders, 2, false);        /* still watched */
    look(base, 5);
    assert_false(vx_borders_is_alive(borders, 2));
    vx_borders_watch(borders, 2, false);
    look(base, 1);
    assert_true(vx_borders_is_alive(borders, 2));
    vx_borders_free(borders);
    event_base_free(base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_host_that_is_away_is_given_up_while_most_are_there),
        cmocka_unit_test(
            a_watched_host_that_falls_silent_is_given_up_though_connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
