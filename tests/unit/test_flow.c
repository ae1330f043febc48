/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: keys, bodies and their text. */
#include "core/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/pipeline.h"
#include "lib/buf.h"

static void
the_order_of_match_fields_does_not_matter(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct vx_mac mac = { { 2, 0, 0, 0, 0, 1 } };

    vx_rows_flow(&rows, VX_FABRIC_TIER, 30, 100, 7);
    vx_rows_flow(&rows, VX_FABRIC_TIER, 30, 100, 7);
    vx_match_u(&rows.rows[0], VX_F_REG0, 5);
    vx_match_mac(&rows.rows[0], VX_F_ETH_DST, &mac);
    vx_match_mac(&rows.rows[1], VX_F_ETH_DST, &mac);
    vx_match_u(&rows.rows[1], VX_F_REG0, 5);
    assert_int_equal(vx_row_compare_key(&rows.rows[0], &rows.rows[1]), 0);
    assert_true(vx_row_same(&rows.rows[0], &rows.rows[1]));
    assert_true(vx_row_hash(&rows.rows[0]) == vx_row_hash(&rows.rows[1]));
    vx_rows_fini(&rows);
}

static void
cookie_and_actions_are_body_and_the_rest_is_key(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };

    for (int i = 0; i < 5; i++) {
        struct vx_row *row = vx_rows_flow(&rows, VX_FABRIC_TIER, 30, 100, 7);
        vx_match_u(row, VX_F_REG0, i == 1 ? 6 : 5);
        vx_act_output(row, i == 2 ? 9 : 8);
    }
    struct vx_row *r = rows.rows;
    r[3].cookie = 8;
    r[4].priority = 90;
    assert_int_not_equal(vx_row_compare_key(&r[0], &r[1]), 0);
    assert_int_equal(vx_row_compare_key(&r[0], &r[1]),
                     -vx_row_compare_key(&r[1], &r[0]));
    assert_int_equal(vx_row_compare_key(&r[0], &r[2]), 0);
    assert_false(vx_row_same(&r[0], &r[2]));
    assert_int_equal(vx_row_compare_key(&r[0], &r[3]), 0);
    assert_false(vx_row_same(&r[0], &r[3]));
    assert_int_not_equal(vx_row_compare_key(&r[0], &r[4]), 0);
    for (int i = 1; i < 5; i++) {
        assert_false(vx_row_hash(&r[0]) == vx_row_hash(&r[i]));
    }
    vx_rows_fini(&rows);
}

static void
a_masked_match_differs_from_an_exact_one(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };

    vx_rows_flow(&rows, VX_FABRIC_TIER, 30, 100, 7);
    vx_rows_flow(&rows, VX_FABRIC_TIER, 30, 100, 7);
    vx_match_u(&rows.rows[0], VX_F_REG0, 4);
    vx_match_masked(&rows.rows[1], VX_F_REG0, 5, 4);
    assert_int_not_equal(vx_row_compare_key(&rows.rows[0], &rows.rows[1]),
                         0);
    assert_false(vx_row_hash(&rows.rows[0]) == vx_row_hash(&rows.rows[1]));
    vx_rows_fini(&rows);
}

static void
the_rate_is_body_of_a_meter(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };

    for (int i = 0; i < 4; i++) {
        struct vx_row *row = vx_rows_meter(&rows, VX_TENANT_TIER, 7);

        row->rate = 5 + (i == 1);
        row->burst = 5 + (i == 2);
        row->in_packets = i == 3;
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(vx_row_compare_key(&rows.rows[0], &rows.rows[i]), 0);
        assert_int_equal(vx_row_same(&rows.rows[0], &rows.rows[i]), !i);
        assert_int_equal(vx_row_hash(&rows.rows[0])
                         == vx_row_hash(&rows.rows[i]), !i);
    }
    vx_rows_fini(&rows);
}

static void
assert_text(const struct vx_row *row, const char *text)
{
    struct vx_buf buf = VX_BUF_INIT;

    vx_row_format(row, &buf);
    assert_string_equal(vx_buf_str(&buf), text);
    vx_buf_fini(&buf);
}

static void
text_is_what_ovs_ofctl_reads(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct vx_ip vtep = { .family = 4, .b = { 192, 0, 2, 1 } };
    struct vx_row *row = vx_rows_flow(&rows, VX_FABRIC_TIER, 30, 90, 0x1a);

    vx_match_u(row, VX_F_REG0, 5);
    vx_match_u(row, VX_F_ETH_TYPE, 0x86dd);
    vx_match_u(row, VX_F_IP_PROTO, 58);
    vx_act_move_bits(row, VX_F_REG0, VX_F_TUN_ID, 24);
    vx_act_set_ip(row, VX_F_TUN_DST, &vtep);
    vx_act_output(row, 3);
    assert_text(row, "cookie=0x1a,table=30,priority=90,reg0=5,icmp6 "
                "actions=move:tun_id[0..23]->reg0[0..23],"
                "set_field:192.0.2.1->tun_dst,output:3");
    assert_text(vx_rows_group(&rows, VX_FABRIC_TIER, 5),
                "group_id=5,type=all");
    row = vx_rows_bucket(&rows, VX_FABRIC_TIER, 5, 2);
    vx_act_in_port(row);
    assert_text(row, "group_id=5,bucket=bucket_id:2,actions=in_port");
    row = vx_rows_flow(&rows, VX_TENANT_TIER, 50, 200, 1);
    vx_match_u(row, VX_F_ETH_TYPE, 0x88b5);
    vx_act_meter(row, 1);
    vx_act_controller(row, 128);
    assert_text(row, "cookie=0x1,table=50,priority=200,eth_type=0x88b5 "
                "actions=meter:1,CONTROLLER:128");
    row = vx_rows_meter(&rows, VX_TENANT_TIER, 1);
    row->in_packets = true;
    row->rate = 1000;
    row->burst = 50;
    assert_text(row, "meter=1,pktps,burst,band=type=drop,rate=1000,"
                "burst_size=50");
    vx_rows_fini(&rows);
}

static void
every_field_has_a_size_and_every_reason_a_name(void **state)
{
    (void) state;
    for (unsigned f = 0; f < VX_N_FIELDS; f++) {
        assert_in_range(vx_field_size(f), 1, 16);
    }
    for (unsigned r = 0; r < VX_N_DROP_REASONS; r++) {
        assert_non_null(vx_drop_reason_name(r));
    }
    assert_string_equal(vx_drop_reason_name(VX_DROP_MAC_SPOOF), "mac-spoof");
    assert_string_equal(vx_drop_reason_name(VX_N_DROP_REASONS), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_match_fields_does_not_matter),
        cmocka_unit_test(cookie_and_actions_are_body_and_the_rest_is_key),
        cmocka_unit_test(a_masked_match_differs_from_an_exact_one),
        cmocka_unit_test(the_rate_is_body_of_a_meter),
        cmocka_unit_test(text_is_what_ovs_ofctl_reads),
        cmocka_unit_test(every_field_has_a_size_and_every_reason_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
