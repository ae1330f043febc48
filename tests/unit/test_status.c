/* SPDX-License-Identifier: Apache-2.0 */
/* Status of a port: each set of facts and what it is called. */
#include "core/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* All is well on h1; each test spoils what it is about. */
static const struct vx_port_facts good = {
    .host = "h1", .iface_id = "vm1-eth0", .intent_host = true,
    .host_seen = true, .host_ready = true, .plugged = true,
};

static void
expect(struct vx_port_facts facts, const char *state, const char *reason)
{
    struct vx_port_status status;

    vx_port_status_eval(&facts, &status);
    assert_string_equal(vx_port_state_name(status.state), state);
    assert_string_equal(status.reason, reason);
}

static void
a_port_that_everybody_confirmed_is_active(void **state)
{
    (void) state;
    expect(good, "active", "");
}

static void
a_port_whose_host_lacks_rows_is_degraded(void **state)
{
    (void) state;
    struct vx_port_facts facts = good;

    facts.n_lacking = 1;
    expect(facts, "degraded", "1 row is missing or altered on host \"h1\": "
           "netctl audit h1 --repair, or the next audit, puts that right");
    facts.n_lacking = 2;
    facts.unproven = true;
    facts.probe_from = "h2";
    expect(facts, "degraded", "2 rows are missing or altered on host "
           "\"h1\": netctl audit h1 --repair, or the next audit, puts that "
           "right");
    facts.n_outstanding = 1;
    expect(facts, "building", "waiting for 1 confirmation");
}

static void
a_port_without_a_host_says_what_to_plug(void **state)
{
    (void) state;
    struct vx_port_facts facts = { .iface_id = "vm1-eth0" };

    expect(facts, "pending", "no host: plug an interface with iface-id "
                             "\"vm1-eth0\" on any host");
}

static void
a_port_on_a_draining_host_says_why_it_is_nowhere(void **state)
{
    (void) state;
    struct vx_port_facts facts = {
        .iface_id = "vm1-eth0", .elsewhere = "h2", .elsewhere_draining = true,
    };
    static const char text[] = "the interface with iface-id \"vm1-eth0\" is "
        "on host \"h2\", which is draining and takes no new ports";

    expect(facts, "pending", text);
    facts.host = "h1";                  /* located there before */
    facts.host_seen = facts.host_ready = true;
    expect(facts, "pending", text);
    facts.intent_host = true;
    expect(facts, "pending", "the interface with iface-id \"vm1-eth0\" is on "
           "host \"h2\", the port is on host \"h1\": plug it there or change "
           "the port's host");
}

static void
a_port_waits_for_its_host_to_join(void **state)
{
    (void) state;
    struct vx_port_facts facts = good;

    facts.host_seen = facts.host_ready = false;
    expect(facts, "pending", "host \"h1\" has not joined yet: run netctl "
                             "host join there");
}

static void
a_port_without_interface_says_where_and_which(void **state)
{
    (void) state;
    struct vx_port_facts facts = good;

    facts.plugged = false;
    expect(facts, "pending", "no interface with iface-id \"vm1-eth0\" on "
                             "host \"h1\"");
    facts.elsewhere = "h2";
    expect(facts, "pending", "the interface with iface-id \"vm1-eth0\" is "
                             "on host \"h2\", the port is on host \"h1\": "
                             "plug it there or change the port's host");
}

static void
a_port_on_a_host_that_is_away_is_down(void **state)
{
    (void) state;
    struct vx_port_facts facts = good;

    facts.host_ready = false;
    expect(facts, "down", "host \"h1\" is away: not connected");
    facts.host_reason = "no OpenFlow connection for 5 s";
    facts.n_outstanding = 3;
    expect(facts, "down", "host \"h1\" is away: no OpenFlow connection for "
                          "5 s");
}

static void
a_port_waits_for_confirmations(void **state)
{
    (void) state;
    struct vx_port_facts facts = good;

    facts.n_outstanding = 1;
    expect(facts, "building", "waiting for 1 confirmation");
    facts.n_outstanding = 4;
    facts.n_away = 1;
    facts.away = "h3";
    expect(facts, "building", "waiting for 4 confirmations");
}

static void
a_port_whose_peers_are_away_is_degraded(void **state)
{
    (void) state;
    struct vx_port_facts facts = good;

    facts.n_away = 1;
    facts.away = "h3";
    expect(facts, "degraded", "host \"h3\" is away: ports there cannot be "
                              "reached");
    facts.n_away = 2;
    expect(facts, "degraded", "host \"h3\" and 1 other are away: ports there "
                              "cannot be reached");
    facts.n_away = 12;
    expect(facts, "degraded", "host \"h3\" and 11 others are away: ports "
                              "there cannot be reached");
}

static void
a_reason_never_overflows(void **state)
{
    (void) state;
    char text[600];
    struct vx_port_facts facts = good;
    struct vx_port_status status;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    facts.plugged = false;
    facts.iface_id = facts.elsewhere = facts.host = text;
    vx_port_status_eval(&facts, &status);
    assert_true(strlen(status.reason) < sizeof status.reason);
}

static void
a_first_probe_is_waited_for_and_missed_by_name(void **state)
{
    (void) state;
    struct vx_port_facts facts = good;

    facts.unproven = true;
    expect(facts, "building", "waiting for a probe");
    facts.probe_from = "h2";
    expect(facts, "building", "waiting for a probe from host \"h2\"");
    facts.n_probes_more = 2;
    expect(facts, "building", "waiting for a probe from host \"h2\" and 2 "
                              "others");
    facts.probe_late = true;
    facts.n_probes_more = 0;
    expect(facts, "degraded", "no probe gets from host \"h2\" to host "
                              "\"h1\": look at the underlay between them");
    facts.n_outstanding = 1;
    expect(facts, "building", "waiting for 1 confirmation");
}

static void
where_all_others_are_away_nothing_can_be_proven(void **state)
{
    (void) state;
    struct vx_port_facts facts = good;

    facts.unproven = true;
    facts.n_away = 1;
    facts.away = "h2";
    expect(facts, "degraded", "host \"h2\" is away: ports there cannot be "
                              "reached");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_that_everybody_confirmed_is_active),
        cmocka_unit_test(a_port_whose_host_lacks_rows_is_degraded),
        cmocka_unit_test(a_port_without_a_host_says_what_to_plug),
        cmocka_unit_test(a_port_on_a_draining_host_says_why_it_is_nowhere),
        cmocka_unit_test(a_port_waits_for_its_host_to_join),
        cmocka_unit_test(a_port_without_interface_says_where_and_which),
        cmocka_unit_test(a_port_on_a_host_that_is_away_is_down),
        cmocka_unit_test(a_port_waits_for_confirmations),
        cmocka_unit_test(a_port_whose_peers_are_away_is_degraded),
        cmocka_unit_test(a_reason_never_overflows),
        cmocka_unit_test(a_first_probe_is_waited_for_and_missed_by_name),
        cmocka_unit_test(where_all_others_are_away_nothing_can_be_proven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
