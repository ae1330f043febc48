/* SPDX-License-Identifier: Apache-2.0 */
/* What zebra has though bgpd has it no more: whom is asked, when, and what is
 * taken out.  strays.c with a fake of FRR and of the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fake_frr.h"

#define VRF "vx5001"
#define PREFIX "10.1.0.0/16"
#define OF_PEERS "doubts: show bgp vrf vx5001 neighbors json"
#define OF_PREFIX "doubts: show bgp vrf vx5001 ipv4 unicast 10.1.0.0/16 json"
#define AGAIN(FAMILY)                                                       \
    " address-family " FAMILY " unicast; no table-map vx-none; "            \
    "redistribute openfabric; exit-address-family;"
#define SAY_AGAIN                                                           \
    "bgpd: router bgp 65001 vrf vx5001;" AGAIN("ipv4") AGAIN("ipv6") " exit"
#define TOLD_ALL                                                            \
    "{\"bgpState\":\"Established\",\"gracefulRestartInfo\":{"               \
    "\"endOfRibRecv\":{\"ipv4Unicast\":true,\"ipv6Unicast\":true}}}"
#define AWAY "{\"bgpState\":\"Active\"}"

static struct vx_gw_app app;
static struct vx_gw_entry *ce1, *ce2;

static int
set_up(void **state)
{
    (void) state;
    fake_frr_begin(&app);
    fake_frr_tenant(&app, "acme", 5001);
    ce1 = fake_frr_peering(&app, "acme/ce1", "172.16.1.2", false);
    ce2 = fake_frr_peering(&app, "acme/ce2", "172.16.1.3", false);
    fake_frr_unsaid(VRF, PREFIX);
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
pass(unsigned seconds)
{
    for (; seconds; seconds--) {
        fake_frr.now_ms += 1000;
        vx_gw_app_strays_tick(&app);
    }
}

/* Until something is asked, at most so long; seconds that it took. */
static unsigned
until_asked(unsigned limit)
{
    unsigned n = 0;

    while (!fake_frr_n_asked() && n < limit) {
        pass(1);
        n++;
    }
    return n;
}

static void
answer(const char *question, const char *text)
{
    assert_string_equal(fake_frr_asked(), question);
    fake_frr_answer(text);
}

static void
answer_peers(const char *first, const char *second)
{
    char text[500];

    snprintf(text, sizeof text, "{\"172.16.1.2\":%s,\"172.16.1.3\":%s}",
             first, second);
    answer(OF_PEERS, text);
}

static void
a_bgpd_that_stayed_is_asked_when_no_more_comes(void **state)
{
    (void) state;
    fake_frr_unsaid(VRF, "10.2.0.0/16");
    vx_gw_app_find_strays(&app, false);
    pass(1);
    fake_frr_say(VRF, "10.2.0.0/16");
    pass(1);
    assert_int_equal(fake_frr_n_asked(), 0);
    pass(1);
    answer(OF_PREFIX, "{}");
    assert_string_equal(fake_frr_told(), "purge vx5001 10.1.0.0/16;");
    assert_int_equal(fake_frr_n_asked(), 0);
    pass(1);                            /* one may have come meanwhile */
    answer(SAY_AGAIN, "");
    pass(5);
    assert_int_equal(fake_frr_n_asked(), 0);
}

static void
bgpd_has_the_last_word(void **state)
{
    static const char *const has[] = {
        "{\"paths\":[{\"valid\":true}]}",
        "{\"paths\":[{\"sourced\":true},{\"valid\":true}]}",
        "{\"paths\":[{\"sourced\":true,\"nhVrfName\":\"vx5002\"}]}",
        "", "[]",
    };

    (void) state;
    vx_gw_app_find_strays(&app, false);
    for (size_t i = 0; i < sizeof has / sizeof *has; i++) {
        until_asked(5);
        answer(OF_PREFIX, has[i]);
        assert_string_equal(fake_frr_told(), "");
    }
    until_asked(5);
    answer(OF_PREFIX, "{\"paths\":[{\"sourced\":true}]}");
    assert_string_equal(fake_frr_told(), "purge vx5001 10.1.0.0/16;");
}

static void
of_a_new_bgpd_the_peers_are_waited_for(void **state)
{
    (void) state;
    vx_gw_app_find_strays(&app, true);
    assert_int_equal(until_asked(5), 2);
    answer_peers(TOLD_ALL, AWAY);
    assert_int_equal(fake_frr_n_asked(), 0);
    pass(1);
    answer_peers(TOLD_ALL, "{\"bgpState\":\"Established\","
                 "\"bgpTimerUpMsec\":3000}");
    assert_int_equal(fake_frr_n_asked(), 0);
    pass(1);
    answer_peers(TOLD_ALL, TOLD_ALL);
    answer(OF_PREFIX, "{}");
    assert_string_equal(fake_frr_told(), "purge vx5001 10.1.0.0/16;");
}

/* Since bgpd was configured. */
static void
peers_are_waited_for_20_s(void **state)
{
    (void) state;
    ce2->down_ms = fake_frr.now_ms - 30000;
    fake_frr.is_configured = false;
    vx_gw_app_find_strays(&app, true);
    for (int i = 0; i < 40; i++) {
        until_asked(2);
        answer_peers(TOLD_ALL, AWAY);
    }
    fake_frr.is_configured = true;
    for (int i = 0; i < 20; i++) {
        until_asked(2);
        answer_peers(TOLD_ALL, AWAY);
        assert_int_equal(fake_frr_n_asked(), 0);
    }
    until_asked(2);
    answer(OF_PREFIX, "{}");
}

static void
a_peer_that_was_away_for_a_minute_before_is_not_waited_for(void **state)
{
    (void) state;
    ce2->down_ms = fake_frr.now_ms - 61000;
    vx_gw_app_find_strays(&app, true);
    assert_int_equal(until_asked(5), 2);
    answer_peers(TOLD_ALL, AWAY);
    answer(OF_PREFIX, "{}");
    assert_string_equal(fake_frr_told(), "purge vx5001 10.1.0.0/16;");
}

/* Of those that were there it is. */
static void
a_peer_that_is_away_does_not_hide_another(void **state)
{
    (void) state;
    ce2->down_ms = fake_frr.now_ms - 61000;
    vx_gw_app_find_strays(&app, true);
    until_asked(5);
    answer_peers(AWAY, AWAY);
    assert_int_equal(fake_frr_n_asked(), 0);
}

static void
what_is_learned_is_held_while_a_new_bgpd_is_configured(void **state)
{
    (void) state;
    fake_frr.is_configured = false;
    vx_gw_app_find_strays(&app, true);
    pass(1);
    assert_string_equal(fake_frr_told(), "hold on;");
    for (int i = 0; i < 60; i++) {
        pass(1);
        fake_frr_answer_all();
        assert_string_equal(fake_frr_told(), "hold on;");
    }
    fake_frr.is_configured = true;
    pass(1);
    fake_frr_answer_all();
    pass(1);
    assert_string_equal(fake_frr_told(), "");
    fake_frr_answer_all();
    /* A touch later is no reason. */
    fake_frr.is_configured = false;
    pass(1);
    assert_string_equal(fake_frr_told(), "");
}

static void
what_is_learned_is_not_held_for_ever_nor_for_a_bgpd_that_stayed(void **state)
{
    (void) state;
    fake_frr.is_configured = false;
    vx_gw_app_find_strays(&app, false);
    pass(3);
    fake_frr_answer_all();
    assert_string_equal(fake_frr_told(), "");
    vx_gw_app_find_strays(&app, true);
    for (int i = 0; i < 301; i++) {
        pass(1);
        fake_frr_answer_all();
    }
    fake_frr_told();
    pass(1);
    assert_string_equal(fake_frr_told(), "");
}

static void
an_earlier_bgpds_answers_count_for_nothing(void **state)
{
    (void) state;
    vx_gw_app_find_strays(&app, false);
    until_asked(5);
    vx_gw_app_find_strays(&app, true);
    answer(OF_PREFIX, "{}");
    assert_string_equal(fake_frr_told(), "");
    until_asked(5);
    assert_string_equal(fake_frr_asked(), OF_PEERS);
    app.bgpd_deaf = true;               /* zebra has gone again */
    answer_peers(TOLD_ALL, TOLD_ALL);
    assert_int_equal(fake_frr_n_asked(), 0);
}

static void
vrfs_without_anything_to_ask_are_not_asked(void **state)
{
    (void) state;
    fake_frr_tenant(&app, "blue", 5002);
    fake_frr_unsaid("vx5002", "fd00::/8");
    fake_frr_unsaid("operators", "10.9.0.0/16");
    fake_frr_say(VRF, PREFIX);
    vx_gw_app_find_strays(&app, false);
    until_asked(5);
    assert_int_equal(fake_frr_n_asked(), 1);
    answer("doubts: show bgp vrf vx5002 ipv6 unicast fd00::/8 json", "{}");
    assert_string_equal(fake_frr_told(), "purge vx5002 fd00::/8;");
}

static void
it_ends_a_minute_after_nothing_goes_any_more(void **state)
{
    unsigned n = 0;

    (void) state;
    vx_gw_app_find_strays(&app, false);
    while (until_asked(3) < 3) {
        answer(OF_PREFIX, "{\"paths\":[{\"valid\":true}]}");
        assert_true(++n < 70);
    }
    assert_in_range(n, 55, 62);
    vx_gw_app_find_strays(&app, false);
    assert_int_equal(until_asked(5), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(F) cmocka_unit_test_setup_teardown(F, set_up, tear_down)
        T(a_bgpd_that_stayed_is_asked_when_no_more_comes),
        T(bgpd_has_the_last_word),
        T(of_a_new_bgpd_the_peers_are_waited_for),
        T(peers_are_waited_for_20_s),
        T(a_peer_that_was_away_for_a_minute_before_is_not_waited_for),
        T(a_peer_that_is_away_does_not_hide_another),
        T(what_is_learned_is_held_while_a_new_bgpd_is_configured),
        T(what_is_learned_is_not_held_for_ever_nor_for_a_bgpd_that_stayed),
        T(an_earlier_bgpds_answers_count_for_nothing),
        T(vrfs_without_anything_to_ask_are_not_asked),
        T(it_ends_a_minute_after_nothing_goes_any_more),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
