/* SPDX-License-Identifier: Apache-2.0 */
/* Difference of what a switch holds and what it ought to hold. */
#include "core/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/flow.h"

static const uint8_t bytes[] = { 0, 1, 2, 3 };

static struct vx_crow
flow(uint8_t table, unsigned key, unsigned body, uint64_t cookie)
{
    return (struct vx_crow) {
        .type = VX_ROW_FLOW, .table = table, .priority = 100,
        .cookie = cookie, .key = &bytes[key], .key_size = 1,
        .body = &bytes[body], .body_size = 1
    };
}

static struct vx_crow
other(enum vx_row_type type, unsigned key)
{
    return (struct vx_crow) {
        .type = type, .key = &bytes[key], .key_size = 1
    };
}

static void
equal_sets_have_no_difference(void **state)
{
    (void) state;
    struct vx_crow have[] = { flow(0, 0, 0, 1), flow(10, 1, 0, 1) };
    struct vx_crow want[] = { flow(10, 1, 0, 1), flow(0, 0, 0, 1) };
    struct vx_diff *diffs;

    assert_int_equal(vx_diff_rows(have, 2, want, 2, &diffs), 0);
    free(diffs);
    assert_int_equal(vx_diff_rows(NULL, 0, NULL, 0, &diffs), 0);
    free(diffs);
}

static void
each_kind_of_difference_is_named(void **state)
{
    (void) state;
    struct vx_crow have[] = { flow(0, 0, 0, 1), flow(0, 1, 0, 1),
                              flow(0, 2, 0, 1) };
    struct vx_crow want[] = { flow(0, 3, 0, 1), flow(0, 2, 0, 2),
                              flow(0, 1, 1, 1) };
    struct vx_diff *diffs;

    assert_int_equal(vx_diff_rows(have, 3, want, 3, &diffs), 4);
    assert_int_equal(diffs[0].type, VX_DIFF_FOREIGN);
    assert_int_equal(diffs[0].have, 0);
    assert_int_equal(diffs[0].want, SIZE_MAX);
    assert_int_equal(diffs[1].type, VX_DIFF_MISSING);
    assert_int_equal(diffs[1].have, SIZE_MAX);
    assert_int_equal(diffs[1].want, 0);
    assert_int_equal(diffs[2].type, VX_DIFF_ALTERED);
    assert_int_equal(diffs[2].want, 1);
    assert_int_equal(diffs[2].have, 2);
    assert_int_equal(diffs[3].type, VX_DIFF_ALTERED);
    assert_int_equal(diffs[3].want, 2);
    assert_int_equal(diffs[3].have, 1);
    free(diffs);
}

static void
differences_come_in_send_order(void **state)
{
    (void) state;
    struct vx_crow have[] = { other(VX_ROW_GROUP, 0), flow(10, 0, 0, 1),
                              other(VX_ROW_BUCKET, 0), flow(0, 0, 0, 1) };
    struct vx_crow want[] = { other(VX_ROW_GROUP, 1),
                              other(VX_ROW_BUCKET, 1), flow(50, 0, 0, 1),
                              flow(0, 1, 0, 1), };
    static const size_t haves[] = { 3, 1, 2, 0 }, wants[] = { 0, 1, 2, 3 };
    struct vx_diff *diffs;

    assert_int_equal(vx_diff_rows(have, 4, want, 4, &diffs), 8);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(diffs[i].have, haves[i]);
        assert_int_equal(diffs[4 + i].want, wants[i]);
    }
    free(diffs);
}

static void
what_is_of_another_time_goes_before_anything_comes(void **state)
{
    (void) state;
    struct vx_crow have[] = { flow(0, 0, 0, 1), flow(50, 1, 0, 1) };
    struct vx_crow want[] = { flow(0, 0, 1, 2), flow(50, 2, 0, 1) };
    struct vx_diff *diffs;

    assert_int_equal(vx_diff_rows_apart(have, 2, want, 2, &diffs), 4);
    assert_int_equal(diffs[0].type, VX_DIFF_FOREIGN);
    assert_int_equal(diffs[0].have, 0);
    assert_int_equal(diffs[1].have, 1);
    assert_int_equal(diffs[2].type, VX_DIFF_MISSING);
    assert_int_equal(diffs[2].want, 0);
    assert_int_equal(diffs[3].type, VX_DIFF_MISSING);
    assert_int_equal(diffs[3].want, 1);
    free(diffs);
}

/* A flow that used it is replaced before it takes its users along. */
static void
a_meter_comes_before_and_goes_after_all_else(void **state)
{
    (void) state;
    struct vx_crow have[] = { other(VX_ROW_METER, 0), flow(0, 0, 0, 1),
                              flow(0, 1, 0, 1), other(VX_ROW_METER, 2) };
    struct vx_crow want[] = { flow(0, 1, 1, 1), other(VX_ROW_METER, 1),
                              other(VX_ROW_METER, 2) };
    struct vx_diff *diffs;

    want[2].body = &bytes[1];
    want[2].body_size = 1;
    assert_int_equal(vx_diff_rows_apart(have, 4, want, 3, &diffs), 6);
    free(diffs);
    assert_int_equal(vx_diff_rows(have, 4, want, 3, &diffs), 5);
    assert_int_equal(diffs[0].want + diffs[1].want, 3);
    assert_int_equal(diffs[2].have, 1);
    assert_int_equal(diffs[3].want, 0);
    assert_int_equal(diffs[4].type, VX_DIFF_FOREIGN);
    assert_int_equal(diffs[4].have, 0);
    free(diffs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_sets_have_no_difference),
        cmocka_unit_test(each_kind_of_difference_is_named),
        cmocka_unit_test(differences_come_in_send_order),
        cmocka_unit_test(what_is_of_another_time_goes_before_anything_comes),
        cmocka_unit_test(a_meter_comes_before_and_goes_after_all_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
