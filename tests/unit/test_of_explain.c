/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical rows as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/explain.h"
#include "core/pipeline.h"
#include "lib/buf.h"
#include "ovs-glue/of_codec.h"

static void
assert_shown(const struct vx_row *row, const char *want)
{
    struct og_crows *crows = og_crows_new();
    struct vx_buf buf = VX_BUF_INIT;

    og_crows_add_rows(crows, row, 1);
    og_crow_format(crows->rows, &buf);
    assert_string_equal(vx_buf_str(&buf), want);
    vx_buf_fini(&buf);
    og_crows_free(crows);
}

static void
a_canonical_row_is_shown_as_ovs_ofctl_writes_it(void **state)
{
    struct vx_rows rows = { 0 };
    struct vx_row *row;
    struct og_crows *crows = og_crows_new();
    struct vx_row_hint hint;

    (void) state;
    row = vx_rows_flow(&rows, VX_FABRIC_TIER, 30, 100, 0x12);
    vx_match_u(row, VX_F_REG0, 2001);
    vx_match_u(row, VX_F_ETH_TYPE, 0x800);
    vx_act_set_u(row, VX_F_TUN_ID, 2001);
    vx_act_output(row, VX_OFPORT_VXLAN);
    assert_shown(row, "cookie=0x12,table=30,priority=100,ip,reg0=0x7d1 "
                 "actions=set_field:0x7d1->tun_id,output:65002");
    og_crows_add_rows(crows, row, 1);
    og_crow_hint(crows->rows, &hint);
    assert_int_equal(hint.vni, 2001);
    assert_int_equal(hint.cookie, 0x12);
    og_crows_free(crows);
    assert_shown(vx_rows_flow(&rows, VX_FABRIC_TIER, 1, 32768, 1),
                 "cookie=0x1,table=1,priority=32768 actions=drop");
    assert_shown(vx_rows_group(&rows, VX_FABRIC_TIER, 7),
                 "group_id=7,type=all");
    row = vx_rows_bucket(&rows, VX_FABRIC_TIER, 7, 3);
    vx_act_output(row, 5);
    assert_shown(row, "group_id=7,bucket=bucket_id:3,actions=output:5");
    vx_rows_group(&rows, VX_FABRIC_TIER, VX_GROUP_ECMP)->select = true;
    assert_shown(&rows.rows[rows.n - 1], "group_id=16777216,type=select");
    row = vx_rows_bucket(&rows, VX_FABRIC_TIER, VX_GROUP_ECMP, 3);
    vx_act_set_u(row, VX_F_REG7, 3);
    vx_act_resubmit(row, 36);
    assert_shown(row, "group_id=16777216,bucket=bucket_id:3,"
                 "actions=set_field:0x3->reg7,resubmit(,36)");
    row = vx_rows_flow(&rows, VX_TENANT_TIER, 43, 1, 1);
    vx_act_dec_ttl(row);
    vx_act_check_larger(row, VX_F_REG1, 1314);
    assert_shown(row, "cookie=0x1,table=43,priority=1 "
                 "actions=dec_ttl,check_pkt_larger(1314)->NXM_NX_REG1[0]");
    row = vx_rows_meter(&rows, VX_TENANT_TIER, 9);
    row->rate = 100;
    row->burst = 5;
    row->in_packets = true;
    assert_shown(row, "meter=9,pktps,burst,bands=type=drop,rate=100,"
                 "burst_size=5");
    vx_rows_fini(&rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_canonical_row_is_shown_as_ovs_ofctl_writes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
