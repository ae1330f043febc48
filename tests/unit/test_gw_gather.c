/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about lists and route-maps, gathered into few commits. */
#include "gateway/frr_gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/frr_refused.h"
#include "lib/buf.h"

#define OPEN "XFRR_start_configuration\n"
#define CLOSE "XFRR_end_configuration\n"

static void
from_lines(const char *text, struct vx_gw_frr_commands *ret_commands)
{
    memset(ret_commands, 0, sizeof *ret_commands);
    while (*text) {
        int n = (int) strcspn(text, "\n");

        vx_gw_frr_command(ret_commands, "%.*s", n, text);
        text += n + 1;
    }
}

static void
free_commands(struct vx_gw_frr_commands *commands)
{
    for (size_t i = 0; i < commands->n; i++) {
        free(commands->items[i]);
    }
    free(commands->items);
}

static void
check(const char *said, const char *wanted)
{
    struct vx_gw_frr_commands commands;
    struct vx_buf buf = VX_BUF_INIT;

    from_lines(said, &commands);
    vx_gw_frr_gather(&commands);
    for (size_t i = 0; i < commands.n; i++) {
        vx_buf_printf(&buf, "%s\n", commands.items[i]);
    }
    assert_string_equal(vx_buf_str(&buf), wanted);
    vx_buf_fini(&buf);
    free_commands(&commands);
}

static void
lists_and_maps_are_one_commit_and_no_exit_parts_them(void **state)
{
    (void) state;
    check("ip prefix-list a permit 10.0.0.0/8\n"
          "no ipv6 prefix-list b seq 5 permit ::/0\n"
          "route-map m permit 10\nno set metric\nmatch tag 1\nexit\n"
          "no route-map n permit 10\n"
          "route-map o deny 10\nexit\n",
          OPEN
          "ip prefix-list a permit 10.0.0.0/8\n"
          "no ipv6 prefix-list b seq 5 permit ::/0\n"
          "route-map m permit 10\nno set metric\nmatch tag 1\n"
          "no route-map n permit 10\n"
          "route-map o deny 10\n"
          CLOSE);
}

static void
what_is_of_another_kind_is_said_outside(void **state)
{
    (void) state;
    check("bgp route-map delay-timer 1\n"
          "bgp as-path access-list a permit ^1$\n"
          "ip prefix-list a permit 10.0.0.0/8\n"
          "router bgp 1 vrf x\n"
          "neighbor 192.0.2.1 remote-as 2\n"
          "address-family ipv4 unicast\nexit\nexit\n"
          "no route-map m permit 10\n"
          "no bgp as-path access-list b seq 5 permit ^1$\n"
          "no ip prefix-list b seq 5 permit 10.0.0.0/8\n",
          OPEN CLOSE
          "bgp route-map delay-timer 1\n"
          "bgp as-path access-list a permit ^1$\n"
          OPEN "ip prefix-list a permit 10.0.0.0/8\n" CLOSE
          "router bgp 1 vrf x\n"
          "neighbor 192.0.2.1 remote-as 2\n"
          "address-family ipv4 unicast\nexit\nexit\n"
          OPEN "no route-map m permit 10\n" CLOSE
          "no bgp as-path access-list b seq 5 permit ^1$\n"
          OPEN "no ip prefix-list b seq 5 permit 10.0.0.0/8\n" CLOSE);
}

/* Somebody may have opened one, and gone. */
static void
a_bracket_comes_first_also_where_nothing_is_gathered(void **state)
{
    (void) state;
    check("router bgp 1 vrf x\nexit\n", OPEN CLOSE "router bgp 1 vrf x\n"
                                        "exit\n");
}

static void
a_bracket_is_not_too_long_and_parts_no_map(void **state)
{
    struct vx_gw_frr_commands commands = { NULL, 0, 0 };
    size_t n_open = 0, in_bracket = 0;
    const char *before = "";

    (void) state;
    for (int i = 0; i < 3 * VX_GW_GATHER_MAX / 4; i++) {
        vx_gw_frr_command(&commands, "route-map m%d permit 10", i);
        vx_gw_frr_command(&commands, "match tag 1");
        vx_gw_frr_command(&commands, "set metric 1");
        vx_gw_frr_command(&commands, "exit");
    }
    vx_gw_frr_gather(&commands);
    for (size_t i = 0; i < commands.n; i++) {
        const char *command = commands.items[i];

        if (!strcmp(command, "XFRR_start_configuration")) {
            n_open++;
            in_bracket = 0;
        } else if (vx_gw_frr_is_bracket(command)) {
            assert_in_range(in_bracket, 1, VX_GW_GATHER_MAX + 2);
            assert_string_equal(before, "set metric 1");
        } else {
            in_bracket++;
        }
        before = command;
    }
    assert_int_equal(n_open, 3);
    assert_int_equal(commands.n, 9 * VX_GW_GATHER_MAX / 4 + 6);
    free_commands(&commands);
}

/* One that stays open would keep new neighbors down for minutes. */
static void
a_refusal_inside_closes_the_bracket_and_only_that(void **state)
{
    struct vx_gw_frr_commands c;

    (void) state;
    from_lines(OPEN "route-map a permit 10\nset x\nset metric 1\n" CLOSE
               "router bgp 1\nneighbor 192.0.2.1 remote-as 2\nexit\n"
               OPEN "no route-map b permit 10\n" CLOSE, &c);
    for (size_t at = 3; at < c.n; at++) {
        assert_int_equal(vx_gw_frr_refused_goes_on(c.items, 2, at), at == 4);
    }
    for (size_t at = 5; at < c.n; at++) {       /* the commit itself */
        assert_false(vx_gw_frr_refused_goes_on(c.items, 4, at));
    }
    for (size_t at = 1; at < c.n; at++) {       /* it knows no such thing */
        assert_false(vx_gw_frr_refused_goes_on(c.items, 0, at));
    }
    for (size_t at = 7; at < c.n; at++) {       /* of one neighbor */
        assert_true(vx_gw_frr_refused_goes_on(c.items, 6, at));
    }
    free_commands(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_maps_are_one_commit_and_no_exit_parts_them),
        cmocka_unit_test(what_is_of_another_kind_is_said_outside),
        cmocka_unit_test(a_bracket_comes_first_also_where_nothing_is_gathered),
        cmocka_unit_test(a_bracket_is_not_too_long_and_parts_no_map),
        cmocka_unit_test(a_refusal_inside_closes_the_bracket_and_only_that),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
