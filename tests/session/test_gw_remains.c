/* SPDX-License-Identifier: Apache-2.0 */
/* remains.c, with the test as zebra at the other end of its VTY. */
#include "gateway/remains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <cmocka.h>

#define NONE "{\"routes\":[],\"routesTotal\":0,\"routesTotalFib\":0}"
#define OF(TYPE, RIB, FIB) \
    "{\"fib\":" #FIB ",\"rib\":" #RIB ",\"type\":\"" TYPE "\"}"
#define TWO "{\"routes\":[" OF("ebgp", 2, 0) "],\"routesTotal\":2}"
#define KERNEL "{\"routes\":[" OF("kernel", 2, 1) "]}"
#define V4 "show ip route vrf vx7 summary json\n"
#define V6 "show ipv6 route vrf vx7 summary json\n"

struct fake {
    struct event_base *base;
    struct bufferevent *peer;
    struct vx_gw_vty *vty;
    struct vx_gw_remains remains;
    bool is_let_go;
    char dropped[200];          /* since they were looked at */
};

static void
turn(struct fake *f)
{
    for (int i = 0; i < 8; i++) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
}

static void
expect(struct fake *f, const char *line)
{
    char text[200] = "";
    int n;

    turn(f);
    n = evbuffer_remove(bufferevent_get_input(f->peer), text,
                        sizeof text - 1);
    for (int i = 0; i < n; i++) {
        text[i] = text[i] ? text[i] : '\n';
    }
    assert_string_equal(text, line);
}

static void
reply(struct fake *f, const char *text, char status)
{
    const char end[4] = { 0, 0, 0, status };

    bufferevent_write(f->peer, text, strlen(text));
    bufferevent_write(f->peer, end, sizeof end);
    turn(f);
}

static void
answer(struct fake *f, const char *v4, const char *v6)
{
    expect(f, V4);
    reply(f, v4, 0);
    expect(f, V6);
    reply(f, v6, 0);
}

static bool
none(struct fake *f, bool first)
{
    const struct vx_gw_remains_question question = {
        .vni = 7, .first = first, .is_let_go = f->is_let_go,
    };

    return vx_gw_remains_none(&f->remains, f->vty, &question);
}

static void
drop(void *f_, const char *vrf, const struct vx_prefix *prefix)
{
    char text[VX_PREFIX_STRLEN];
    struct fake *f = f_;
    size_t n = strlen(f->dropped);

    snprintf(f->dropped + n, sizeof f->dropped - n, "%s %s;", vrf,
             vx_prefix_format(prefix, text));
}

static void
expect_dropped(struct fake *f, const char *what)
{
    assert_string_equal(f->dropped, what);
    f->dropped[0] = '\0';
}

static int
setup(void **state)
{
    static const struct vx_gw_vty_callbacks callbacks = { NULL, NULL };
    struct fake *f = calloc(1, sizeof *f);
    struct bufferevent *pair[2];

    f->base = event_base_new();
    assert_false(bufferevent_pair_new(f->base, 0, pair));
    f->peer = pair[0];
    bufferevent_enable(f->peer, EV_READ | EV_WRITE);
    f->vty = vx_gw_vty_new_on(pair[1], "dir/zebra.vty", &callbacks, f);
    vx_gw_remains_init(&f->remains, drop, f);
    expect(f, "enable\n");
    reply(f, "", 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fake *f = *state;

    vx_gw_vty_free(f->vty);
    vx_gw_remains_fini(&f->remains);
    bufferevent_free(f->peer);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void
only_a_number_is_one(void **state)
{
    static const char *const none[] = {
        "", "{}", "[]", "{\"routes\":{}}", "{\"routes\":[{}]}",
        "{\"routes\":[{\"rib\":\"0\"}]}", "{\"routes\":[{\"rib\":1e300}]}",
        "{\"routes\":[{\"rib\":-1}," OF("ebgp", 2, 2) "]}",
    };

    (void) state;
    assert_int_equal(vx_gw_remains_count(NONE, false), 0);
    assert_int_equal(vx_gw_remains_count(TWO, false), 2);
    assert_int_equal(vx_gw_remains_count(KERNEL, false), 0);
    assert_int_equal(vx_gw_remains_count(KERNEL, true), 2);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_int_equal(vx_gw_remains_count(none[i], false), -1);
        assert_int_equal(vx_gw_remains_count(none[i], true), -1);
    }
}

/* What the kernel has taken away without a word is no route. */
static void
the_kernel_s_count_while_they_are_used(void **state)
{
    struct fake *f = *state;

    assert_int_equal(vx_gw_remains_used("K>* 10.1.0.0/16\nK * 10.2.0.0/16\n"
                                        "B>* 10.3.0.0/16\nK>"), 2);
    none(f, true);
    answer(f, KERNEL, NONE);
    expect(f, "show ip route vrf vx7 kernel\n");
    reply(f, "Codes: K>\n\nK * 10.1.0.0/16 [250/0] via 172.16.1.2, inactive\n"
          "K   10.2.0.0/16 [250/0] via 172.16.1.2, unknown inactive\n", 0);
    expect(f, "show ipv6 route vrf vx7 kernel\n");
    assert_false(none(f, false));
    reply(f, "", 0);
    assert_true(none(f, false));
    answer(f, NONE, KERNEL);
    expect(f, "show ip route vrf vx7 kernel\n");
    reply(f, "", 0);
    expect(f, "show ipv6 route vrf vx7 kernel\n");
    reply(f, "K>* fd99::/64 [0/1024] unreachable, 00:00:05\n", 0);
    assert_false(none(f, false));
}

static void
nothing_is_known_before_both_answers(void **state)
{
    struct fake *f = *state;

    assert_false(none(f, true));
    expect(f, V4);
    reply(f, NONE, 0);
    expect(f, V6);
    assert_false(none(f, false));
    reply(f, NONE, 0);
    assert_true(none(f, false));
    /* What was said is said once: zebra may hang now. */
    expect(f, V4);
    assert_false(none(f, false));
}

static void
a_route_of_either_family_is_one(void **state)
{
    struct fake *f = *state;

    none(f, true);
    answer(f, TWO, NONE);
    assert_false(none(f, false));
    answer(f, NONE, TWO);
    assert_false(none(f, false));
    answer(f, NONE, "");
    assert_false(none(f, false));
    answer(f, NONE, NONE);
    assert_true(none(f, false));
}

static void
a_vrf_that_zebra_does_not_have_has_none(void **state)
{
    struct fake *f = *state;

    none(f, true);
    for (int i = 0; i < 2; i++) {
        expect(f, i ? V6 : V4);
        reply(f, "{}\n", 1);
    }
    assert_true(none(f, false));
}

static void
what_was_said_of_an_earlier_end_does_not_count(void **state)
{
    struct fake *f = *state;

    none(f, true);
    answer(f, NONE, NONE);
    assert_false(none(f, true));        /* it was wanted again meanwhile */
    expect(f, V4);
    assert_false(none(f, true));        /* and again, before the answer */
    reply(f, NONE, 0);
    expect(f, V6);
    reply(f, NONE, 0);
    assert_false(none(f, false));
    answer(f, NONE, NONE);
    assert_true(none(f, false));
}

static void
a_vrf_may_be_gone_before_the_answer(void **state)
{
    struct fake *f = *state;

    none(f, true);
    expect(f, V4);
    vx_gw_remains_forget(&f->remains, 7);
    reply(f, TWO, 0);
    expect(f, V6);
    reply(f, NONE, 0);
    assert_null(f->remains.vrfs.root);
    none(f, true);
    answer(f, NONE, NONE);
    vx_gw_remains_forget(&f->remains, 7);
    assert_null(f->remains.vrfs.root);
    vx_gw_remains_forget(&f->remains, 7);
}

static void
a_connection_that_goes_says_nothing(void **state)
{
    struct fake *f = *state;

    none(f, true);
    expect(f, V4);
    reply(f, NONE, 0);
    bufferevent_free(f->peer);
    f->peer = NULL;
    turn(f);
    assert_false(none(f, false));
    assert_false(none(f, false));
    f->peer = bufferevent_socket_new(f->base, -1, 0);
}

static void
what_bgpd_will_not_withdraw_is_dropped(void **state)
{
    struct fake *f = *state;

    f->is_let_go = true;
    none(f, true);
    answer(f, TWO, NONE);
    assert_false(none(f, false));
    answer(f, TWO, TWO);
    expect(f, "");                      /* it is under way */
    assert_false(none(f, false));
    answer(f, TWO, TWO);
    expect(f, "show ip route vrf vx7 bgp\n");
    reply(f, "Codes: K - kernel route, B - BGP\n\nVRF vx7:\n"
          "B>* 10.1.0.0/16 [20/0] via 172.16.1.2, unknown, 00:01:15\n"
          "  *                    via 172.16.1.6, unknown, 00:01:15\n"
          "B   10.2.0.0/16 [20/0] via 172.16.1.2, 00:01:15\n"
          "K   10.3.0.0/16 [20/0] via 172.16.1.2, 00:01:15\n"
          "B>q 10.4/16\nB>* \nB\nB>", 0);
    expect_dropped(f, "vx7 10.1.0.0/16;vx7 10.2.0.0/16;");
    expect(f, "show ipv6 route vrf vx7 bgp\n");
    assert_false(none(f, false));
    reply(f, "B>r fd99::/64 [20/0] via fe80::1, ce1, 00:01:15", 0);
    expect_dropped(f, "vx7 fd99::/64;");
    assert_false(none(f, false));
    answer(f, NONE, NONE);
    assert_true(none(f, false));
    expect_dropped(f, "");
}

static void
what_bgpd_may_withdraw_is_its(void **state)
{
    struct fake *f = *state;

    none(f, true);
    for (int i = 0; i < 3; i++) {
        answer(f, TWO, TWO);
        expect(f, "");
        assert_false(none(f, false));
    }
}

static void
a_vrf_that_is_wanted_again_keeps_its_routes(void **state)
{
    struct fake *f = *state;

    f->is_let_go = true;
    for (int i = 0; i < 2; i++) {
        none(f, true);
        answer(f, TWO, NONE);
        none(f, false);
        answer(f, TWO, NONE);
        expect(f, "show ip route vrf vx7 bgp\n");
        if (i) {
            none(f, true);      /* it was, and is to go once more */
        } else {
            vx_gw_remains_forget(&f->remains, 7);
        }
        reply(f, "B>* 10.1.0.0/16 [20/0] via 172.16.1.2\n", 0);
        expect_dropped(f, "");
        expect(f, "show ipv6 route vrf vx7 bgp\n");
        reply(f, "", 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(F) cmocka_unit_test_setup_teardown(F, setup, teardown)
        cmocka_unit_test(only_a_number_is_one),
        T(the_kernel_s_count_while_they_are_used),
        T(nothing_is_known_before_both_answers),
        T(a_route_of_either_family_is_one),
        T(a_vrf_that_zebra_does_not_have_has_none),
        T(what_was_said_of_an_earlier_end_does_not_count),
        T(a_vrf_may_be_gone_before_the_answer),
        T(a_connection_that_goes_says_nothing),
        T(what_bgpd_will_not_withdraw_is_dropped),
        T(what_bgpd_may_withdraw_is_its),
        T(a_vrf_that_is_wanted_again_keeps_its_routes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
