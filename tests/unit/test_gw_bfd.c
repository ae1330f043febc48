/* SPDX-License-Identifier: Apache-2.0 */
/* BFD sessions that bfdd does not know: how often it is asked, and what bgpd
 * is told.  bfd.c with a fake of FRR and of the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/xalloc.h"
#include "tests/lib/fake_frr.h"

#define QUESTION "bfdd: show bfd peers json"
#define MEND                                                                \
    "bgpd: router bgp 65001 vrf vx5001; no neighbor 172.16.1.2 bfd; "       \
    "neighbor 172.16.1.2 bfd"
#define KNOWN                                                               \
    "[{\"vrf\":\"vx5001\",\"peer\":\"172.16.1.2\",\"status\":\"%s\","       \
    "\"interface\":\"%s\"}]"

static struct vx_gw_app app;
static struct vx_gw_entry *ce;

static int
set_up(void **state)
{
    static const char sessions[] =
        "{\"vx5001\":{\"ipv4Unicast\":{\"peers\":{\"172.16.1.2\":{"
        "\"state\":\"Established\"}}}}}";

    (void) state;
    fake_frr_begin(&app);
    fake_frr_tenant(&app, "acme", 5001);
    ce = fake_frr_peering(&app, "acme/ce1", "172.16.1.2", true);
    assert_true(vx_gw_sessions_parse(sessions, sizeof sessions - 1, true,
                                     &app.tenant_sessions, NULL));
    assert_int_equal(app.tenant_sessions.n, 1);
    vx_gw_app_bfd_tick(&app);       /* the first connects */
    assert_int_equal(fake_frr_n_asked(), 0);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    fake_frr_end(&app);
    return 0;
}

static void
tick(void)
{
    fake_frr.now_ms += 1000;
    app.n_ticks++;
    vx_gw_app_bfd_tick(&app);
}

/* How often bfdd is asked in so many seconds, and always answers that; how
 * often bgpd is told anything, into told if that is not NULL. */
static unsigned
looks(unsigned seconds, const char *answer, unsigned *told)
{
    unsigned n = 0;

    for (; seconds; seconds--) {
        tick();
        while (fake_frr_n_asked()) {
            if (!strcmp(fake_frr_asked(), QUESTION)) {
                n++;
                fake_frr_answer(answer);
            } else {
                assert_string_equal(fake_frr_asked(), MEND);
                assert_non_null(told);
                ++*told;
                fake_frr_answer("");
            }
        }
    }
    return n;
}

static const char *
known(const char *status, const char *device)
{
    static char text[200];

    snprintf(text, sizeof text, KNOWN, status, device);
    return text;
}

static void
bfdd_is_asked_every_5_s_and_each_second_after_a_restart(void **state)
{
    const char *answer = known("up", "");

    (void) state;
    assert_int_equal(looks(20, answer, NULL), 4);
    for (int i = 0; i < 2; i++) {
        if (i) {
            fake_frr_restart_bfdd();
        } else {
            vx_gw_app_zebra_is_back(&app);
        }
        assert_int_equal(looks(44, answer, NULL), 44);
        looks(1, answer, NULL);
        assert_int_equal(looks(20, answer, NULL), 4);
    }
}

static void
one_question_at_a_time(void **state)
{
    (void) state;
    vx_gw_app_bfd_hurry(&app);
    for (int i = 0; i < 5; i++) {
        tick();
    }
    assert_int_equal(fake_frr_n_asked(), 1);
}

static void
what_bfdd_lacks_twice_in_a_row_is_registered_again(void **state)
{
    unsigned told = 0;

    (void) state;
    looks(5, "[]", NULL);
    looks(5, known("down", ""), NULL);
    looks(5, "[]", NULL);
    looks(5, "[]", &told);
    assert_int_equal(told, 1);
    looks(25, "[]", &told);
    assert_int_equal(told, 1);
    looks(10, "[]", &told);             /* it did not help */
    assert_int_equal(told, 2);
}

static void
after_a_restart_it_is_registered_at_once_and_again_after_6_s(void **state)
{
    unsigned told = 0;

    (void) state;
    vx_gw_app_bfd_hurry(&app);
    looks(1, "[]", &told);
    assert_int_equal(told, 1);
    looks(5, "[]", &told);
    assert_int_equal(told, 1);
    looks(1, "[]", &told);
    assert_int_equal(told, 2);
}

static void
after_a_restart_it_is_registered_before_bgp_is_up(void **state)
{
    unsigned told = 0;

    (void) state;
    snprintf(app.tenant_sessions.sessions[0].state,
             sizeof app.tenant_sessions.sessions[0].state, "connect");
    looks(60, "[]", NULL);
    vx_gw_app_bfd_hurry(&app);
    looks(1, "[]", &told);
    assert_int_equal(told, 1);
}

static void
a_bgpd_that_is_not_ready_is_told_nothing(void **state)
{
    unsigned told = 0;

    (void) state;
    vx_gw_app_bfd_hurry(&app);
    fake_frr.is_configured = false;
    looks(3, "[]", NULL);
    fake_frr.is_configured = true;
    app.bgpd_deaf = true;
    looks(3, "[]", NULL);
    app.bgpd_deaf = false;
    app.ids_unknown = true;
    looks(3, "[]", NULL);
    app.ids_unknown = false;
    looks(1, "[]", &told);
    assert_int_equal(told, 1);
}

static void
a_session_without_bgp_is_not_missed(void **state)
{
    (void) state;
    app.tenant_sessions.n = 0;
    looks(60, "[]", NULL);
}

static void
a_peering_without_bfd_says_so_after_three_looks(void **state)
{
    char text[200];

    (void) state;
    looks(10, known("down", ""), NULL);
    vx_gw_app_bfd_remark(&app, ce, text);
    assert_string_equal(text, "");
    looks(5, known("down", ""), NULL);
    vx_gw_app_bfd_remark(&app, ce, text);
    assert_non_null(strstr(text, "BFD is not up, though BGP is"));
    looks(5, known("up", ""), NULL);
    vx_gw_app_bfd_remark(&app, ce, text);
    assert_string_equal(text, "");
}

static void
a_bfdd_that_has_it_on_another_device_for_seconds_is_ended(void **state)
{
    struct vx_peering *value = &ce->value->peering.value;

    (void) state;
    free(value->device);
    value->device = vx_xstrdup("ce0");
    looks(10, known("up", "ce0"), NULL);
    assert_string_equal(fake_frr_told(), "");
    looks(5, known("up", "ce1"), NULL);
    assert_string_equal(fake_frr_told(), "");
    looks(5, known("up", "ce1"), NULL);
    assert_string_equal(fake_frr_told(), "end bfdd;");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(F) cmocka_unit_test_setup_teardown(F, set_up, tear_down)
        T(bfdd_is_asked_every_5_s_and_each_second_after_a_restart),
        T(one_question_at_a_time),
        T(what_bfdd_lacks_twice_in_a_row_is_registered_again),
        T(after_a_restart_it_is_registered_at_once_and_again_after_6_s),
        T(after_a_restart_it_is_registered_before_bgp_is_up),
        T(a_bgpd_that_is_not_ready_is_told_nothing),
        T(a_session_without_bgp_is_not_missed),
        T(a_peering_without_bfd_says_so_after_three_looks),
        T(a_bfdd_that_has_it_on_another_device_for_seconds_is_ended),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
