/* SPDX-License-Identifier: Apache-2.0 */
/* bgpd after a restart of zebra: made to subscribe again; and VRFs that are
 * made in it afterwards.  peers.c with a fake of FRR and of the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/xalloc.h"
#include "tests/lib/fake_frr.h"

static struct vx_gw_app app;

static int
set_up(void **state)
{
    (void) state;
    fake_frr_begin(&app);
    fake_frr_tenant(&app, "acme", 5001);
    fake_frr_tenant(&app, "blue", 5002);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    fake_frr_end(&app);
    return 0;
}

static const char *sessions = "";   /* of bgpd */
static const char *hops = "";
static char cleared[300];           /* since they were emptied */

/* A second, and all is answered: zebra names its clients.  What bgpd was told
 * to configure. */
static const char *
turn(const char *clients)
{
    static char configured[2000];

    configured[0] = '\0';
    fake_frr.now_ms += 1000;
    vx_gw_app_ask_peers(&app);
    while (fake_frr_n_asked()) {
        const char *question = fake_frr_asked();

        if (!strcmp(question, "zebra: show zebra client summary")) {
            fake_frr_answer(clients);
        } else if (!strcmp(question, "bgpd: show bgp vrf all nexthop")) {
            fake_frr_answer(hops);
        } else if (!strncmp(question, "bgpd: clear ", 12)) {
            snprintf(cleared + strlen(cleared),
                     sizeof cleared - strlen(cleared), "%s;", question + 12);
            fake_frr_answer("");
        } else if (!strncmp(question, "bgpd: show bgp vrf all", 22)) {
            fake_frr_answer(sessions);
        } else {
            if (!strncmp(question, "bgpd: router", 12)) {
                snprintf(configured, sizeof configured, "%s", question);
            }
            fake_frr_answer("");
        }
    }
    return configured;
}

static void
make(uint32_t vni)
{
    fake_frr.made[fake_frr.n_made++] = vni;
}

static void
restart_zebra(void)
{
    fake_frr.n_connects++;
    fake_frr_start(VX_GW_ZEBRA);
    vx_gw_app_zebra_is_back(&app);
}

static void
bgpd_subscribes_again_when_it_is_zebras_client(void **state)
{
    const char *configured;

    (void) state;
    assert_string_equal(turn("bgp 1\n"), "");
    restart_zebra();
    assert_string_equal(turn("openfabric 1\n"), "");
    assert_true(app.bgpd_deaf);
    fake_frr.is_configured = false;
    assert_string_equal(turn("openfabric 1\nbgp 1\n"), "");
    fake_frr.is_configured = true;
    configured = turn("openfabric 1\nbgp 1\n");
    assert_non_null(strstr(configured, "router bgp 65001 vrf vx5001; "
                           "address-family ipv4 unicast; no table-map "
                           "vx-none; redistribute openfabric;"));
    assert_non_null(strstr(configured, "router bgp 65001 vrf vx5002;"));
    assert_string_equal(fake_frr_told(), "says again;");
    assert_string_equal(turn("bgp 1\n"), "");
}

static void
a_new_vrf_of_a_bgpd_that_survived_zebra_is_told_its_routes_once(
    void **state)
{
    (void) state;
    restart_zebra();
    turn("bgp 1\n");
    fake_frr_told();
    turn("");
    assert_string_equal(fake_frr_told(), "");
    make(5001);
    turn("");
    assert_string_equal(fake_frr_told(), "repeat vx5001;");
    for (int i = 0; i < 10; i++) {
        turn("");
    }
    assert_string_equal(fake_frr_told(), "");
    make(5002);
    make(5001);
    turn("");
    assert_string_equal(fake_frr_told(), "repeat vx5002;repeat vx5001;");
}

static void
what_is_made_before_bgpd_has_subscribed_is_told_then(void **state)
{
    (void) state;
    restart_zebra();
    make(5001);
    turn("");
    assert_string_equal(fake_frr_told(), "");
    turn("bgp 1\n");
    assert_string_equal(fake_frr_told(), "says again;");
    turn("");
    assert_string_equal(fake_frr_told(), "repeat vx5001;");
}

static void
a_bgpd_that_began_after_zebra_needs_nothing_of_that(void **state)
{
    (void) state;
    make(5001);                     /* zebra was never away */
    turn("");
    assert_string_equal(fake_frr_told(), "");
    restart_zebra();
    fake_frr_start(VX_GW_BGPD);     /* ended for the numbers of VRFs */
    turn("bgp 1\n");
    fake_frr_told();
    make(5001);
    turn("");
    assert_string_equal(fake_frr_told(), "");
    restart_zebra();
    turn("bgp 1\n");
    fake_frr_start(VX_GW_BGPD);     /* crashed later */
    make(5001);
    fake_frr_told();
    turn("");
    assert_string_equal(fake_frr_told(), "");
}

static void
a_vxgatewayd_that_has_not_seen_it_sees_who_is_older(void **state)
{
    (void) state;
    fake_frr_start(VX_GW_ZEBRA);
    vx_gw_app_zebra_is_back(&app);  /* its first connection */
    turn("bgp 1\n");
    fake_frr_told();
    make(5001);
    turn("");
    assert_string_equal(fake_frr_told(), "repeat vx5001;");
}

/* From its fourth attempt on it tries once a minute. */
static void
a_bgpd_that_does_not_come_back_to_zebra_is_ended_once(void **state)
{
    (void) state;
    restart_zebra();
    for (int i = 0; i < 11; i++) {
        turn("");
        assert_string_equal(fake_frr_told(), "");
    }
    turn("");
    assert_string_equal(fake_frr_told(), "end bgpd;");
    for (int i = 0; i < 60; i++) {
        turn("");
    }
    assert_string_equal(fake_frr_told(), "");
}

/* strays.c does not wait for one that was for long. */
static void
it_is_known_since_when_a_peer_is_away(void **state)
{
    static const char established[] =
        "{\"vx5001\":{\"ipv4Unicast\":{\"peers\":{\"172.16.1.2\":{"
        "\"state\":\"Established\"}}}}}";
    struct vx_gw_entry *ce = fake_frr_peering(&app, "acme/ce1", "172.16.1.2",
                                              false);
    int64_t since_ms = fake_frr.now_ms + 1000;

    (void) state;
    assert_int_equal(ce->down_ms, 0);
    sessions = "{\"vx5001\":{}}";
    for (int i = 0; i < 5; i++) {
        turn("");
        assert_int_equal(ce->down_ms, since_ms);
    }
    sessions = "";                  /* bgpd says nothing of it */
    turn("");
    assert_int_equal(ce->down_ms, since_ms);
    sessions = established;
    turn("");
    assert_int_equal(ce->down_ms, 0);
    sessions = "";
}

static void
a_session_whose_next_hops_bgpd_never_registered_is_cleared(void **state)
{
    struct vx_gw_entry *ce1 = fake_frr_peering(&app, "acme/ce1",
                                               "172.16.1.2", false);
    struct vx_peering *value = &ce1->value->peering.value;

    (void) state;
    fake_frr_peering(&app, "acme/ce2", "172.16.2.2", false);
    fake_frr_peering(&app, "blue/ce1", "172.16.1.2", false);
    value->locals = vx_xcalloc(1, sizeof *value->locals);
    value->n_locals = 1;
    assert_true(vx_prefix_parse_local("fd00:16::1/64", &value->locals[0]));
    hops = "\nInstance default:\nCurrent BGP nexthop cache:\n"
           " 172.16.2.2 invalid, #paths 1\n  Is not Registered\n"
           "\nInstance vx5001:\nCurrent BGP nexthop cache:\n"
           " 172.16.1.2 valid [IGP metric 0], #paths 3, peer 172.16.1.2\n"
           "  if ce1\n  Last update: Mon Nov 23 08:05:00 2026\n\n"
           " 172.16.2.2 invalid, #paths 0, peer 172.16.2.2\n"
           "  Must be Connected\n  Is not Registered\n"
           " fd00:16::2 invalid, #paths 2\n"
           "  Must be Connected\n  Is not Registered\n"
           "  Last update: Mon Nov 23 08:05:00 2026\n\n"
           "Instance vx5002:\nCurrent BGP nexthop cache:\n"
           " 172.16.1.2 invalid, #paths 1, peer 172.16.1.2\n"
           "  Must be Connected\n"
           " 0.0.0.0 invalid, #paths 9\n  Is not Registered\n";
    cleared[0] = '\0';
    turn("bgp 1\n");
    assert_string_equal(cleared, "");       /* zebra was not away */
    restart_zebra();
    turn("openfabric 1\nbgp 1\n");
    assert_string_equal(cleared, "bgp vrf vx5001 172.16.1.2;");
    /* In nobody's link. */
    hops = "Instance vx5001:\n 10.9.9.9 invalid, #paths 1\n"
           "  Is not Registered";
    cleared[0] = '\0';
    restart_zebra();
    turn("openfabric 1\nbgp 1\n");
    assert_string_equal(cleared, "bgp vrf vx5001 172.16.1.2;"
                                 "bgp vrf vx5001 172.16.2.2;");
    hops = "";
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(F) cmocka_unit_test_setup_teardown(F, set_up, tear_down)
        T(bgpd_subscribes_again_when_it_is_zebras_client),
        T(a_new_vrf_of_a_bgpd_that_survived_zebra_is_told_its_routes_once),
        T(what_is_made_before_bgpd_has_subscribed_is_told_then),
        T(a_bgpd_that_began_after_zebra_needs_nothing_of_that),
        T(a_vxgatewayd_that_has_not_seen_it_sees_who_is_older),
        T(a_bgpd_that_does_not_come_back_to_zebra_is_ended_once),
        T(it_is_known_since_when_a_peer_is_away),
        T(a_session_whose_next_hops_bgpd_never_registered_is_cleared),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
