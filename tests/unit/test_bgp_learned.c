/* SPDX-License-Identifier: Apache-2.0 */
/* What zebra has told of BGP's routes: known, stale, in doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bgp/learned.h"
#include "lib/xalloc.h"

static struct vx_prefix
prefix(const char *text)
{
    struct vx_prefix found;

    assert_true(vx_prefix_parse(text, &found));
    return found;
}

static bool
add(struct bg_learned_set *set, const char *vrf, const char *text)
{
    struct bg_nexthop hop = { .vrf_id = 3, .ifindex = 7,
                              .type = BG_NEXTHOP_IPV4_IFINDEX };
    const struct bg_learned route = { .vrf = vrf, .prefix = prefix(text),
                                      .n_nexthops = 1, .nexthops = &hop };

    return bg_learned_add(set, &route);
}

static uint64_t
doubt(struct bg_learned_set *set, const char *vrf, const char *text)
{
    struct vx_prefix p = prefix(text);

    return bg_learned_doubt(set, vrf, &p);
}

/* The next that is believed up to number, "" if none. */
static const char *
believe(struct bg_learned_set *set, uint64_t number)
{
    static char text[BG_VRF_NAME_SIZE + VX_PREFIX_STRLEN];
    char vrf[BG_VRF_NAME_SIZE], p[VX_PREFIX_STRLEN];
    struct vx_prefix found;

    if (!bg_learned_believe(set, number, vrf, &found)) {
        return "";
    }
    strcpy(text, vrf);
    strcat(strcat(text, " "), vx_prefix_format(&found, p));
    return text;
}

static size_t
n_stale(const struct bg_learned_set *set)
{
    size_t stale;

    bg_learned_count(set, &stale);
    return stale;
}

static void
what_is_in_doubt_goes_in_order_up_to_what_is_believed(void **state)
{
    struct bg_learned_set *set = bg_learned_new();
    uint64_t first, second;
    size_t stale;

    (void) state;
    assert_true(add(set, "a", "10.0.0.0/24"));
    assert_true(add(set, "b", "10.0.0.0/24"));
    assert_true(add(set, "a", "fd00::/64"));
    assert_int_equal(doubt(set, "c", "10.0.0.0/24"), 0);
    first = doubt(set, "b", "10.0.0.0/24");
    second = doubt(set, "a", "fd00::/64");
    assert_true(first && second > first);
    assert_int_equal(doubt(set, "b", "10.0.0.0/24"), 0);
    assert_string_equal(believe(set, first), "b 10.0.0.0/24");
    assert_string_equal(believe(set, first), "");
    assert_string_equal(believe(set, second), "a fd00::/64");
    assert_string_equal(believe(set, second), "");
    assert_int_equal(bg_learned_count(set, &stale), 1);
    assert_int_equal(stale, 0);
    bg_learned_free(set);
}

static void
what_is_told_again_is_in_doubt_no_more(void **state)
{
    struct bg_learned_set *set = bg_learned_new();
    uint64_t number;

    (void) state;
    add(set, "a", "10.0.0.0/24");
    number = doubt(set, "a", "10.0.0.0/24");
    assert_false(add(set, "a", "10.0.0.0/24"));
    assert_string_equal(believe(set, number), "");
    assert_true(doubt(set, "a", "10.0.0.0/24") > number);
    bg_learned_free(set);
}

static void
what_is_not_believed_is_stale_and_what_was_believed_before_is_not(void **state)
{
    struct bg_learned_set *set = bg_learned_new();
    char vrf[BG_VRF_NAME_SIZE];
    struct vx_prefix found;
    uint64_t first;

    (void) state;
    add(set, "a", "10.0.0.0/24");
    add(set, "a", "10.0.1.0/24");
    first = doubt(set, "a", "10.0.0.0/24");
    doubt(set, "a", "10.0.1.0/24");
    bg_learned_disbelieve(set, first);
    assert_int_equal(n_stale(set), 1);
    assert_int_equal(doubt(set, "a", "10.0.1.0/24"), 0);
    assert_string_equal(believe(set, UINT64_MAX), "a 10.0.0.0/24");
    assert_string_equal(believe(set, UINT64_MAX), "");
    assert_true(bg_learned_sweep(set, NULL, vrf, &found));
    assert_false(bg_learned_sweep(set, NULL, vrf, &found));
    bg_learned_free(set);
}

static void
a_lost_connection_makes_what_is_in_doubt_stale(void **state)
{
    struct bg_learned_set *set = bg_learned_new();

    (void) state;
    add(set, "a", "10.0.0.0/24");
    doubt(set, "a", "10.0.0.0/24");
    bg_learned_stale(set, NULL);
    assert_int_equal(n_stale(set), 1);
    assert_string_equal(believe(set, UINT64_MAX), "");
    assert_false(add(set, "a", "10.0.0.0/24"));
    assert_int_equal(n_stale(set), 0);
    bg_learned_free(set);
}

static void
what_was_added_since_the_beginning_is_fresh_unless_stale(void **state)
{
    struct bg_learned_set *set = bg_learned_new();
    struct vx_prefix p = prefix("10.0.0.0/24"), q = prefix("10.0.1.0/24");

    (void) state;
    add(set, "a", "10.0.0.0/24");
    bg_learned_begin(set);
    assert_false(bg_learned_is_fresh(set, "a", &p));
    assert_false(bg_learned_is_fresh(set, "a", &q));
    assert_false(add(set, "a", "10.0.0.0/24"));     /* no news, and fresh */
    assert_true(add(set, "a", "10.0.1.0/24"));
    assert_true(bg_learned_is_fresh(set, "a", &p));
    assert_true(bg_learned_is_fresh(set, "a", &q));
    assert_false(bg_learned_is_fresh(set, "b", &p));
    bg_learned_stale(set, "a");
    assert_false(bg_learned_is_fresh(set, "a", &p));
    bg_learned_free(set);
}

/* By the counter and by looking at all agree. */
static size_t
n_unsaid(const struct bg_learned_set *set, const char *vrf)
{
    struct vx_prefix found[8];
    size_t n = bg_learned_unsaid(set, "a", found, 8)
               + bg_learned_unsaid(set, "b", found, 8);

    assert_int_equal(n, bg_learned_n_unsaid(set));
    return bg_learned_unsaid(set, vrf, found, 8);
}

static void
what_is_not_said_again_is_counted(void **state)
{
    struct bg_learned_set *set = bg_learned_new();
    struct vx_prefix p = prefix("10.0.0.0/24"), found[8];

    (void) state;
    add(set, "a", "10.0.0.0/24");
    assert_int_equal(n_unsaid(set, "a"), 0);
    add(set, "a", "fd00::/64");
    add(set, "b", "10.0.0.0/24");
    bg_learned_begin(set);
    assert_int_equal(n_unsaid(set, "a"), 2);
    assert_int_equal(bg_learned_unsaid(set, "a", found, 1), 1);
    assert_int_equal(vx_prefix_compare(&found[0], &p), 0);
    add(set, "a", "10.0.0.0/24");
    add(set, "a", "10.0.0.0/24");
    assert_int_equal(n_unsaid(set, "a"), 1);
    bg_learned_remove(set, "a", &p, true);
    assert_int_equal(n_unsaid(set, "a"), 2);
    add(set, "a", "10.0.0.0/24");
    assert_int_equal(n_unsaid(set, "a"), 1);
    bg_learned_remove(set, "a", &p, false);
    assert_int_equal(n_unsaid(set, "a"), 1);
    bg_learned_remove(set, "b", &p, false);
    assert_int_equal(n_unsaid(set, "b"), 0);
    bg_learned_stale(set, NULL);
    bg_learned_begin(set);
    assert_int_equal(n_unsaid(set, "a"), 1);
    add(set, "a", "fd00::/64");
    assert_int_equal(n_unsaid(set, "a"), 0);
    doubt(set, "a", "fd00::/64");
    bg_learned_disbelieve(set, 0);
    assert_int_equal(n_unsaid(set, "a"), 1);
    bg_learned_free(set);
}

/* Whatever has happened to them before, by VRF and prefix. */
static void
what_is_not_said_again_is_found_by_vrf(void **state)
{
    struct bg_learned_set *set = bg_learned_new();
    struct vx_prefix found[4], p = prefix("10.0.1.0/24");
    char vrf[BG_VRF_NAME_SIZE];

    (void) state;
    add(set, "b", "10.0.2.0/24");
    add(set, "a", "10.0.1.0/24");
    add(set, "b", "10.0.1.0/24");
    bg_learned_begin(set);
    bg_learned_begin(set);                      /* bgpd was away again */
    bg_learned_stale(set, "b");
    assert_int_equal(bg_learned_unsaid(set, "a", found, 4), 1);
    assert_int_equal(bg_learned_unsaid(set, "b", found, 4), 2);
    assert_int_equal(vx_prefix_compare(&found[0], &p), 0);
    assert_int_equal(bg_learned_unsaid(set, "", found, 4), 0);
    /* What is swept is not waited for. */
    assert_true(bg_learned_sweep(set, "b", vrf, found));
    assert_int_equal(bg_learned_n_unsaid(set), 2);
    doubt(set, "a", "10.0.1.0/24");
    assert_string_equal(believe(set, UINT64_MAX), "a 10.0.1.0/24");
    assert_int_equal(n_unsaid(set, "b"), 1);
    add(set, "b", "10.0.2.0/24");
    assert_int_equal(n_unsaid(set, "b"), 0);
    bg_learned_free(set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            what_is_in_doubt_goes_in_order_up_to_what_is_believed),
        cmocka_unit_test(what_is_told_again_is_in_doubt_no_more),
        cmocka_unit_test(
            what_is_not_believed_is_stale_and_what_was_believed_before_is_not),
        cmocka_unit_test(a_lost_connection_makes_what_is_in_doubt_stale),
        cmocka_unit_test(
            what_was_added_since_the_beginning_is_fresh_unless_stale),
        cmocka_unit_test(what_is_not_said_again_is_counted),
        cmocka_unit_test(what_is_not_said_again_is_found_by_vrf),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
