/* SPDX-License-Identifier: Apache-2.0 */
/* Send order: what must be there before what. */
#include "core/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
mixed(struct vx_rows *rows)
{
    *rows = (struct vx_rows) { 0 };
    vx_rows_flow(rows, VX_TENANT_TIER, 0, 100, 1);
    vx_rows_bucket(rows, VX_TENANT_TIER, 5, 1);
    vx_rows_flow(rows, VX_TENANT_TIER, 50, 100, 2);
    vx_rows_group(rows, VX_TENANT_TIER, 5);
    vx_rows_flow(rows, VX_TENANT_TIER, 50, 90, 3);
    vx_rows_flow(rows, VX_TENANT_TIER, 10, 90, 4);
}

static void
adds_destinations_before_references(void **state)
{
    (void) state;
    static const uint64_t cookies[] = { 2, 3, 4, 1 };
    struct vx_rows rows;

    mixed(&rows);
    vx_order_add(&rows);
    assert_int_equal(rows.rows[0].type, VX_ROW_GROUP);
    assert_int_equal(rows.rows[1].type, VX_ROW_BUCKET);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rows.rows[2 + i].cookie, cookies[i]);
    }
    vx_rows_fini(&rows);
}

static void
deletes_references_before_destinations(void **state)
{
    (void) state;
    static const uint64_t cookies[] = { 1, 4, 2, 3 };
    struct vx_rows rows;

    mixed(&rows);
    vx_order_del(&rows);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rows.rows[i].cookie, cookies[i]);
    }
    assert_int_equal(rows.rows[4].type, VX_ROW_BUCKET);
    assert_int_equal(rows.rows[5].type, VX_ROW_GROUP);
    vx_rows_fini(&rows);
}

static void
a_change_sends_what_differs_and_replaces_in_place(void **state)
{
    (void) state;
    struct vx_rows old = { 0 }, new = { 0 }, del = { 0 }, add = { 0 };

    vx_rows_flow(&old, VX_TENANT_TIER, 0, 1, 1);    /* stays */
    vx_rows_flow(&old, VX_TENANT_TIER, 0, 2, 2);    /* goes */
    vx_rows_flow(&old, VX_TENANT_TIER, 0, 3, 3);    /* other cookie */
    vx_rows_flow(&new, VX_TENANT_TIER, 0, 4, 4);    /* comes */
    vx_rows_flow(&new, VX_TENANT_TIER, 0, 3, 33);
    vx_rows_flow(&new, VX_TENANT_TIER, 0, 1, 1);
    vx_order_change(&old, &new, &del, &add);
    assert_int_equal(del.n, 1);
    assert_int_equal(del.rows[0].cookie, 2);
    assert_int_equal(add.n, 2);
    assert_int_equal(add.rows[0].cookie + add.rows[1].cookie, 37);
    vx_rows_fini(&old);
    vx_rows_fini(&new);
    vx_rows_fini(&del);
    vx_rows_fini(&add);
}

static void
a_bucket_with_another_body_is_removed_and_inserted(void **state)
{
    (void) state;
    struct vx_rows old = { 0 }, new = { 0 }, del = { 0 }, add = { 0 };

    vx_act_output(vx_rows_bucket(&old, VX_TENANT_TIER, 5, 1), 7);
    vx_act_output(vx_rows_bucket(&new, VX_TENANT_TIER, 5, 1), 8);
    vx_order_change(&old, &new, &del, &add);
    assert_int_equal(del.n, 1);
    assert_int_equal(add.n, 1);
    vx_rows_fini(&old);
    vx_rows_fini(&new);
    vx_rows_fini(&del);
    vx_rows_fini(&add);
}

static void
a_meter_comes_first_and_goes_last_and_is_in_both_if_it_changes(void **state)
{
    (void) state;
    struct vx_rows old = { 0 }, new = { 0 }, del = { 0 }, add = { 0 };

    vx_rows_meter(&old, VX_TENANT_TIER, 1)->rate = 5;
    vx_rows_group(&old, VX_TENANT_TIER, 1);
    vx_rows_flow(&old, VX_TENANT_TIER, 0, 1, 1);
    vx_rows_flow(&new, VX_TENANT_TIER, 0, 2, 1);
    vx_rows_group(&new, VX_TENANT_TIER, 2);
    vx_rows_meter(&new, VX_TENANT_TIER, 1)->rate = 6;
    vx_order_change(&old, &new, &del, &add);
    assert_int_equal(del.n, 3);
    assert_int_equal(add.n, 3);
    assert_int_equal(del.rows[2].type, VX_ROW_METER);
    assert_int_equal(add.rows[0].type, VX_ROW_METER);
    assert_int_equal(add.rows[0].rate, 6);
    vx_rows_fini(&old);
    vx_rows_fini(&new);
    vx_rows_fini(&del);
    vx_rows_fini(&add);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_destinations_before_references),
        cmocka_unit_test(deletes_references_before_destinations),
        cmocka_unit_test(a_change_sends_what_differs_and_replaces_in_place),
        cmocka_unit_test(a_bucket_with_another_body_is_removed_and_inserted),
        cmocka_unit_test(
            a_meter_comes_first_and_goes_last_and_is_in_both_if_it_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
