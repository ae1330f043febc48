/* SPDX-License-Identifier: Apache-2.0 */
/* Peerings that get another device. */
#include "gateway/moves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEY "acme/ce1"

static bool
is_taken(const void *taken, const struct vx_gw_hold *hold)
{
    return *(const uint64_t *) taken >= hold->number;
}

static void
set_place(struct vx_gw_moves *moves, const char *device, bool has_ipv6,
          uint64_t number)
{
    const struct vx_gw_moves_place place = { device, has_ipv6 };
    struct vx_gw_hold now = { true, 0, number };

    vx_gw_moves_set(moves, KEY, device ? &place : NULL, &now);
}

static void
set(struct vx_gw_moves *moves, const char *device, uint64_t number)
{
    set_place(moves, device, true, number);
}

static bool
let_go(struct vx_gw_moves *moves, uint64_t taken, bool waits)
{
    bool any = false;
    bool moved = vx_gw_moves_let_go(moves, is_taken, &taken, &any);

    assert_int_equal(any, waits);
    return moved;
}

static void
another_device_moves_until_bgpd_has_let_go(void **state)
{
    struct vx_gw_moves moves;

    (void) state;
    vx_gw_moves_init(&moves);
    set(&moves, "eth1", 1);
    set(&moves, "eth1", 2);
    assert_false(vx_gw_moves_is_moving(&moves, KEY));
    assert_false(let_go(&moves, 0, false));
    set(&moves, "eth2", 3);
    assert_true(vx_gw_moves_is_moving(&moves, KEY));
    assert_false(let_go(&moves, 2, true));
    set(&moves, "eth2", 4);             /* the same again: no longer */
    assert_true(vx_gw_moves_is_moving(&moves, KEY));
    assert_true(let_go(&moves, 3, false));
    assert_false(vx_gw_moves_is_moving(&moves, KEY));
    set(&moves, "", 5);
    assert_true(vx_gw_moves_is_moving(&moves, KEY));
    assert_true(let_go(&moves, 5, false));
    set(&moves, "eth1", 6);             /* nothing is left behind */
    assert_false(vx_gw_moves_is_moving(&moves, KEY));
    vx_gw_moves_fini(&moves);
}

static void
deleted_and_added_at_once_is_the_same(void **state)
{
    struct vx_gw_moves moves;

    (void) state;
    vx_gw_moves_init(&moves);
    set(&moves, NULL, 1);               /* never known */
    set(&moves, "eth1", 2);
    set(&moves, NULL, 3);
    assert_false(let_go(&moves, 2, true));
    set(&moves, "eth1", 4);
    assert_false(vx_gw_moves_is_moving(&moves, KEY));
    assert_false(let_go(&moves, 2, false));
    set(&moves, NULL, 5);
    set(&moves, "eth2", 6);
    assert_true(vx_gw_moves_is_moving(&moves, KEY));
    set(&moves, NULL, 7);
    assert_false(let_go(&moves, 7, false));
    assert_false(vx_gw_moves_is_moving(&moves, KEY));
    set(&moves, "eth3", 8);             /* bgpd has let go before */
    assert_false(vx_gw_moves_is_moving(&moves, KEY));
    vx_gw_moves_fini(&moves);
}

static void
an_ipv6_address_that_comes_is_a_new_session(void **state)
{
    struct vx_gw_moves moves;

    (void) state;
    vx_gw_moves_init(&moves);
    set_place(&moves, "eth1", false, 1);
    set_place(&moves, "eth1", false, 2);
    assert_false(vx_gw_moves_is_moving(&moves, KEY));
    set_place(&moves, "eth1", true, 3);
    assert_true(vx_gw_moves_is_moving(&moves, KEY));
    assert_true(let_go(&moves, 3, false));
    set_place(&moves, "eth1", false, 4);        /* one that goes is not */
    assert_false(vx_gw_moves_is_moving(&moves, KEY));
    vx_gw_moves_fini(&moves);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_device_moves_until_bgpd_has_let_go),
        cmocka_unit_test(deleted_and_added_at_once_is_the_same),
        cmocka_unit_test(an_ipv6_address_that_comes_is_a_new_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
