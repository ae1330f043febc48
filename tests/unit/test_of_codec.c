/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to OpenFlow and back, the switch being libopenvswitch itself: what a
 * bundle message holds is decoded as ovs-vswitchd would and told back as it
 * would answer a dump. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "byte-order.h"
#include "openvswitch/list.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofpbuf.h"

#include "core/fabric.h"
#include "core/order.h"
#include "core/pipeline.h"
#include "lib/buf.h"
#include "ovs-glue/of_codec.h"
#include "tests/lib/of_decode.h"
#include "tests/lib/rowtalk.h"
#include "tests/lib/sample.h"

static const struct sample sample = {
    .n_networks = 2, .n_hosts = 3, .n_ports = 4, .first_ofport = 1,
    .mixed = true,
};

/* --- A switch made of libopenvswitch. */

/* Feeds replies to crows and frees them. */
static void
feed(struct og_crows *crows, struct ovs_list *replies)
{
    struct ofpbuf *reply;
    struct vx_error err;

    LIST_FOR_EACH_POP (reply, list_node, replies) {
        ofpmsg_update_length(reply);
        assert_true(og_crows_add_reply(crows, reply->data, reply->size,
                                       &err));
        ofpbuf_delete(reply);
    }
}

static void
tell_flow(const struct ofputil_flow_mod *fm, const struct ofpbuf *ofpacts,
          struct og_crows *crows)
{
    struct ofputil_flow_stats fs = {
        .cookie = fm->new_cookie,
        .table_id = fm->table_id,
        .priority = fm->priority,
        .idle_age = 3,
        .hard_age = 5,
        .packet_count = 7,
        .byte_count = 700,
        .duration_sec = 9,
        .ofpacts = ofpacts->data,
        .ofpacts_len = ofpacts->size,
        .flags = fm->flags,
    };
    struct ofpbuf *rq = request(OFPRAW_OFPST11_FLOW_REQUEST);
    struct ovs_list replies;

    minimatch_expand(&fm->match, &fs.match);
    ofpmp_init(&replies, rq->data);
    ofputil_append_flow_stats_reply(&fs, &replies, NULL);
    feed(crows, &replies);
    ofpbuf_delete(rq);
}

static void
tell_group(const struct ofputil_group_desc *gd, struct og_crows *crows)
{
    struct ofpbuf *rq = request(OFPRAW_OFPST15_GROUP_DESC_REQUEST);
    struct ovs_list replies;

    ofpmp_init(&replies, rq->data);
    ofputil_append_group_desc_reply(gd, &gd->buckets, &replies);
    feed(crows, &replies);
    ofpbuf_delete(rq);
}

static struct ofputil_meter_mod
meter_at(const struct og_msgs *msgs, size_t index, struct ofpbuf *bands)
{
    struct ofputil_meter_mod mm;
    size_t size;
    const struct ofp_header *oh = og_msgs_bytes(msgs, index, 1, &size);

    assert_int_equal(ntohs(oh->length), size);
    ofpbuf_clear(bands);
    assert_int_equal(ofputil_decode_meter_mod(oh, &mm, bands), 0);
    return mm;
}

static void
tell_meter(const struct og_msgs *msgs, size_t index, struct og_crows *crows)
{
    struct ofpbuf bands;
    struct ovs_list replies;

    ofpbuf_init(&bands, 0);
    struct ofputil_meter_mod mm = meter_at(msgs, index, &bands);
    struct ofpbuf *rq = ofputil_encode_meter_request(
        OFP15_VERSION, OFPUTIL_METER_CONFIG, OFPM13_ALL);

    assert_int_equal(mm.command, OFPMC13_ADD);
    ofpmp_init(&replies, rq->data);
    ofputil_append_meter_config(&replies, &mm.meter);
    feed(crows, &replies);
    ofpbuf_delete(rq);
    ofpbuf_uninit(&bands);
}

/* A switch that got all messages: flows and groups, as a dump tells them. */
static void
echo_back(const struct og_msgs *msgs, struct og_crows *crows)
{
    struct ofputil_group_desc groups[16];
    size_t n_groups = 0;

    for (size_t i = 0; i < og_msgs_length(msgs); i++) {
        struct ofputil_bundle_add_msg add;
        enum ofptype type;
        bool bundled;

        assert_true(og_msgs_run(msgs, i, &bundled) >= 1);
        if (!bundled) {
            tell_meter(msgs, i, crows);
            continue;
        }
        decode(msgs, i, &add, &type);
        if (type == OFPTYPE_FLOW_MOD) {
            struct ofputil_flow_mod fm;
            struct ofpbuf ofpacts;

            ofpbuf_init(&ofpacts, 0);
            decode_flow(add.msg, &fm, &ofpacts);
            assert_int_equal(fm.command, OFPFC_ADD);
            assert_int_equal(fm.flags, 0);
            tell_flow(&fm, &ofpacts, crows);
            minimatch_destroy(&fm.match);
            ofpbuf_uninit(&ofpacts);
            continue;
        }
        struct ofputil_group_mod gm;
        assert_int_equal(type, OFPTYPE_GROUP_MOD);
        assert_int_equal(ofputil_decode_group_mod(add.msg, &gm), 0);
        assert_int_equal(gm.type, gm.group_id == VX_GROUP_ECMP
                                      ? OFPGT11_SELECT : OFPGT11_ALL);
        if (gm.command == OFPGC15_ADD) {
            struct ofputil_group_desc *gd = &groups[n_groups++];
            memset(gd, 0, sizeof *gd);
            gd->type = gm.type;
            gd->group_id = gm.group_id;
            ovs_list_init(&gd->buckets);
        } else {
            assert_int_equal(gm.command, OFPGC15_INSERT_BUCKET);
            assert_int_equal(gm.command_bucket_id, OFPG15_BUCKET_LAST);
            for (size_t g = 0; g < n_groups; g++) {
                if (groups[g].group_id == gm.group_id) {
                    ovs_list_push_back_all(&groups[g].buckets, &gm.buckets);
                }
            }
        }
        ofputil_uninit_group_mod(&gm);
    }
    for (size_t g = 0; g < n_groups; g++) {
        tell_group(&groups[g], crows);
        ofputil_uninit_group_desc(&groups[g]);
    }
}

static struct og_msgs *
add_all(const struct vx_rows *rows)
{
    struct og_msgs *msgs = og_msgs_new();

    for (size_t i = 0; i < rows->n; i++) {
        og_msgs_add_row(msgs, &rows->rows[i]);
    }
    return msgs;
}

static void
assert_rows_come_back(const struct vx_rows *rows)
{
    struct og_crows *have = og_crows_new(), *want = og_crows_new();
    struct vx_diff *diffs;

    struct og_msgs *msgs = add_all(rows);
    echo_back(msgs, have);
    og_crows_add_rows(want, rows->rows, rows->n);
    assert_int_equal(have->n, rows->n);
    assert_int_equal(have->n_bad, 0);
    size_t n = vx_diff_rows(have->rows, have->n, want->rows, want->n, &diffs);
    for (size_t i = 0; i < n; i++) {
        struct vx_buf buf = VX_BUF_INIT;
        if (diffs[i].want != SIZE_MAX) {
            vx_row_format(&rows->rows[diffs[i].want], &buf);
        }
        print_message("# %d %s\n", diffs[i].type, vx_buf_str(&buf));
        vx_buf_fini(&buf);
    }
    assert_int_equal(n, 0);
    free(diffs);
    og_msgs_unref(msgs);
    og_crows_free(have);
    og_crows_free(want);
}

static void
assert_round_trip(enum vx_tier tier, size_t at_least)
{
    struct vx_rows rows = { 0 };

    sample_rows(&sample, tier, &rows);
    assert_true(rows.n > at_least);
    assert_rows_come_back(&rows);
    vx_rows_fini(&rows);
}

static void
rows_of_routing_policies_and_zones_come_back_as_they_were_sent(void **state)
{
    (void) state;
    for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
        struct rowtalk talk = { 0 };
        struct vx_rows rows = { 0 };

        vx_compile_base(tier, &rows);
        rowtalk_lines(&talk, tier, rowtalk_routed, &rows);
        vx_order_add(&rows);
        assert_rows_come_back(&rows);
        vx_rows_fini(&rows);
    }
}

static void
every_row_of_tier_1_comes_back_as_it_was_sent(void **state)
{
    (void) state;
    assert_round_trip(VX_TENANT_TIER, 200);
}

static void
every_row_of_tier_2_comes_back_as_it_was_sent(void **state)
{
    (void) state;
    assert_round_trip(VX_FABRIC_TIER, 100);
}

/* --- Single messages. */

/* Decodes message index as a deletion of that flow. */
static void
assert_deletes(const struct og_msgs *msgs, size_t index,
               const struct og_msgs *added)
{
    struct ofputil_bundle_add_msg add;
    struct ofputil_flow_mod del, was;
    struct ofpbuf ofpacts;
    enum ofptype type;

    ofpbuf_init(&ofpacts, 0);
    decode(added, 0, &add, &type);
    decode_flow(add.msg, &was, &ofpacts);
    decode(msgs, index, &add, &type);
    assert_int_equal(type, OFPTYPE_FLOW_MOD);
    decode_flow(add.msg, &del, &ofpacts);
    assert_int_equal(del.command, OFPFC_DELETE_STRICT);
    assert_int_equal(del.table_id, was.table_id);
    assert_int_equal(del.priority, was.priority);
    assert_int_equal(del.out_port, OFPP_ANY);
    assert_int_equal(del.out_group, OFPG_ANY);
    assert_true(minimatch_equal(&del.match, &was.match));
    minimatch_destroy(&del.match);
    minimatch_destroy(&was.match);
    ofpbuf_uninit(&ofpacts);
}

static void
deletes_a_flow_by_row_and_by_what_a_dump_said(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };

    sample_rows(&sample, VX_TENANT_TIER, &rows);
    for (size_t i = 0; i < rows.n; i++) {
        if (rows.rows[i].type != VX_ROW_FLOW) {
            continue;
        }
        struct og_msgs *added = og_msgs_new(), *msgs = og_msgs_new();
        struct og_crows *have = og_crows_new();

        og_msgs_add_row(added, &rows.rows[i]);
        echo_back(added, have);
        og_msgs_delete_row(msgs, &rows.rows[i]);
        og_msgs_delete_crow(msgs, &have->rows[0]);
        assert_deletes(msgs, 0, added);
        assert_deletes(msgs, 1, added);
        og_msgs_unref(added);
        og_msgs_unref(msgs);
        og_crows_free(have);
    }
    vx_rows_fini(&rows);
}

static struct ofputil_group_mod
group_at(const struct og_msgs *msgs, size_t index)
{
    struct ofputil_bundle_add_msg add;
    struct ofputil_group_mod gm;
    enum ofptype type;

    decode(msgs, index, &add, &type);
    assert_int_equal(type, OFPTYPE_GROUP_MOD);
    assert_int_equal(ofputil_decode_group_mod(add.msg, &gm), 0);
    ofputil_uninit_group_mod(&gm);
    return gm;
}

static void
deletes_groups_and_buckets_by_row_and_by_what_a_dump_said(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct og_msgs *msgs = og_msgs_new();
    struct og_crows *crows = og_crows_new();

    vx_rows_group(&rows, VX_FABRIC_TIER, 77);
    vx_act_output(vx_rows_bucket(&rows, VX_FABRIC_TIER, 77, 65001), 3);
    og_crows_add_rows(crows, rows.rows, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        og_msgs_delete_row(msgs, &rows.rows[i]);
        og_msgs_delete_crow(msgs, &crows->rows[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        struct ofputil_group_mod gm = group_at(msgs, i);

        assert_int_equal(gm.group_id, 77);
        assert_int_equal(gm.command, i < 2 ? OFPGC15_DELETE
                                           : OFPGC15_REMOVE_BUCKET);
        if (i >= 2) {
            assert_int_equal(gm.command_bucket_id, 65001);
        }
    }
    og_msgs_unref(msgs);
    og_crows_free(crows);
    vx_rows_fini(&rows);
}

/* Inserting costs the switch a copy of the group, every time. */
static void
buckets_share_messages_and_go_with_their_group(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct og_msgs *msgs = og_msgs_new();

    vx_rows_group(&rows, VX_FABRIC_TIER, 7);
    vx_rows_group(&rows, VX_FABRIC_TIER, 8);
    for (uint32_t i = 0; i < 6000; i++) {
        vx_act_output(vx_rows_bucket(&rows, VX_FABRIC_TIER, 7 + i / 5999, i),
                      3);
    }
    struct vx_delta delta = { VX_FABRIC_TIER, rows.rows, rows.n, rows.rows,
                              rows.n, false };
    og_msgs_delta(msgs, &delta);
    /* Two deletions, two additions, 5,999 * 24 bytes in three, one. */
    assert_int_equal(og_msgs_length(msgs), 2 + 2 + 3 + 1);
    size_t n = 0;
    for (size_t i = 4; i < 8; i++) {
        struct ofputil_bundle_add_msg add;
        struct ofputil_group_mod gm;
        enum ofptype type;

        decode(msgs, i, &add, &type);
        assert_int_equal(ofputil_decode_group_mod(add.msg, &gm), 0);
        assert_int_equal(gm.command, OFPGC15_INSERT_BUCKET);
        assert_int_equal(gm.group_id, i < 7 ? 7 : 8);
        n += ovs_list_size(&gm.buckets);
        ofputil_uninit_group_mod(&gm);
    }
    assert_int_equal(n, 6000);
    og_msgs_unref(msgs);
    vx_rows_fini(&rows);
}

/* meters[i], and a flow that goes with it. */
static void
meters_and_flows(struct vx_rows *rows, const uint32_t *meters, uint32_t rate)
{
    *rows = (struct vx_rows) { 0 };
    for (size_t i = 0; meters[i]; i++) {
        struct vx_row *row = vx_rows_meter(rows, VX_TENANT_TIER, meters[i]);

        row->rate = rate;
        row->burst = 9;
        row = vx_rows_flow(rows, VX_TENANT_TIER, 5, meters[i], 0);
        vx_act_meter(row, meters[i]);
    }
}

static void
assert_meter(const struct og_msgs *msgs, size_t index, unsigned command,
             uint32_t meter)
{
    struct ofpbuf bands;
    bool bundled;

    ofpbuf_init(&bands, 0);
    struct ofputil_meter_mod mm = meter_at(msgs, index, &bands);
    assert_int_equal(mm.command, command);
    assert_int_equal(mm.meter.meter_id, meter);
    assert_int_equal(mm.meter.n_bands, command != OFPMC13_DELETE);
    if (mm.meter.n_bands) {
        assert_int_equal(mm.meter.flags, OFPMF13_KBPS | OFPMF13_BURST);
        assert_int_equal(mm.meter.bands[0].rate, 6);
        assert_int_equal(mm.meter.bands[0].burst_size, 9);
    }
    (void) og_msgs_run(msgs, index, &bundled);
    assert_false(bundled);
    ofpbuf_uninit(&bands);
}

static void
a_flow_is_deleted_alone_by_a_plain_message(void **state)
{
    (void) state;
    struct vx_rows rows = { NULL, 0, 0 };
    struct og_msgs *msgs = og_msgs_new();
    struct vx_buf buf = VX_BUF_INIT;
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    enum ofptype type;
    bool bundled;
    size_t size;

    vx_rows_flow(&rows, VX_TENANT_TIER, 253, 0, 7);
    og_msgs_delete_row(msgs, rows.rows);
    og_msgs_delete_alone(msgs, rows.rows);
    assert_int_equal(og_msgs_run(msgs, 0, &bundled), 1);
    assert_true(bundled);
    assert_int_equal(og_msgs_run(msgs, 1, &bundled), 1);
    assert_false(bundled);
    const struct ofp_header *oh = og_msgs_bytes(msgs, 1, 1, &size);
    assert_int_equal(ntohs(oh->length), size);
    assert_int_equal(ofptype_decode(&type, oh), 0);
    assert_int_equal(type, OFPTYPE_FLOW_MOD);
    ofpbuf_init(&ofpacts, 0);
    decode_flow(oh, &fm, &ofpacts);
    assert_int_equal(fm.command, OFPFC_DELETE_STRICT);
    assert_int_equal(fm.table_id, 253);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
    assert_int_equal(og_msgs_find_xid(msgs, ntohl(oh->xid)), 1);
    og_msgs_describe(msgs, 1, &buf);
    assert_string_equal(vx_buf_str(&buf), "flow delete table=253 "
                                          "priority=0");
    vx_buf_fini(&buf);
    og_msgs_unref(msgs);
    vx_rows_fini(&rows);
}

static void
meters_are_not_bundled_and_come_before_and_go_after_all_else(void **state)
{
    (void) state;
    struct vx_rows old, new;
    struct og_msgs *msgs = og_msgs_new();
    struct vx_buf buf = VX_BUF_INIT;
    bool bundled;

    meters_and_flows(&old, (uint32_t[]) { 1, 2, 3, 0 }, 5);
    meters_and_flows(&new, (uint32_t[]) { 2, 3, 4, 0 }, 6);
    struct vx_delta delta = { VX_TENANT_TIER, old.rows, old.n, new.rows,
                              new.n, false };
    og_msgs_delta(msgs, &delta);
    assert_int_equal(og_msgs_length(msgs), 3 + 6 + 1);
    assert_int_equal(og_msgs_run(msgs, 0, &bundled), 3);
    assert_meter(msgs, 0, OFPMC13_MODIFY, 2);
    assert_meter(msgs, 1, OFPMC13_MODIFY, 3);
    assert_meter(msgs, 2, OFPMC13_ADD, 4);
    assert_int_equal(og_msgs_run(msgs, 4, &bundled), 5);
    assert_true(bundled);
    assert_int_equal(og_msgs_run(msgs, 9, &bundled), 1);
    assert_meter(msgs, 9, OFPMC13_DELETE, 1);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(og_msgs_takes_flows(msgs, i), i == 9);
    }
    og_msgs_describe(msgs, 0, &buf);
    assert_string_equal(vx_buf_str(&buf), "meter modify meter=2");
    vx_buf_fini(&buf);
    og_msgs_unref(msgs);
    vx_rows_fini(&old);
    vx_rows_fini(&new);
}

static void
a_meter_of_another_rate_is_modified_and_a_strange_one_deleted(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct og_crows *have = og_crows_new(), *want = og_crows_new();
    struct og_msgs *msgs = og_msgs_new();
    struct vx_diff *diffs;

    vx_rows_meter(&rows, VX_TENANT_TIER, 9)->rate = 1;
    vx_rows_meter(&rows, VX_TENANT_TIER, 7)->rate = 5;
    vx_rows_meter(&rows, VX_TENANT_TIER, 7)->rate = 6;
    rows.rows[1].burst = rows.rows[2].burst = 9;
    og_crows_add_rows(have, rows.rows, 2);
    og_crows_add_rows(want, rows.rows + 2, 1);
    size_t n = vx_diff_rows(have->rows, have->n, want->rows, want->n, &diffs);
    og_msgs_diff(msgs, diffs, n, have->rows, want->rows);
    assert_int_equal(og_msgs_length(msgs), 2);
    assert_meter(msgs, 0, OFPMC13_MODIFY, 7);
    assert_meter(msgs, 1, OFPMC13_DELETE, 9);
    free(diffs);
    og_msgs_unref(msgs);
    og_crows_free(have);
    og_crows_free(want);
    vx_rows_fini(&rows);
}

static void
an_xid_names_one_message_and_its_text(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct vx_buf buf = VX_BUF_INIT;

    sample_rows(&sample, VX_TENANT_TIER, &rows);
    struct og_msgs *a = add_all(&rows), *b = add_all(&rows);
    for (size_t i = 0; i < og_msgs_length(a); i++) {
        size_t size;
        const struct ofp_header *oh = og_msgs_bytes(a, i, 1, &size);
        uint32_t xid = ntohl(oh->xid);

        assert_true(xid <= INT32_MAX);
        assert_int_equal(og_msgs_find_xid(a, xid), i);
        assert_true(og_msgs_find_xid(b, xid) == SIZE_MAX);
    }
    og_msgs_describe(a, og_msgs_length(a) - 1, &buf);
    assert_memory_equal(vx_buf_str(&buf), "flow add table=0 priority=", 26);
    og_msgs_unref(a);
    og_msgs_unref(b);
    vx_buf_fini(&buf);
    vx_rows_fini(&rows);
}

/* --- What is not ours. */

static void
one_flow(struct og_crows *crows, struct match *match,
         const struct ofpbuf *ofpacts, uint16_t idle_timeout)
{
    struct ofputil_flow_stats fs = {
        .match = *match,
        .table_id = 10,
        .priority = 5,
        .idle_timeout = idle_timeout,
        .idle_age = -1,
        .hard_age = -1,
        .ofpacts = ofpacts ? ofpacts->data : NULL,
        .ofpacts_len = ofpacts ? ofpacts->size : 0,
    };
    struct ofpbuf *rq = request(OFPRAW_OFPST11_FLOW_REQUEST);
    struct ovs_list replies;

    ofpmp_init(&replies, rq->data);
    ofputil_append_flow_stats_reply(&fs, &replies, NULL);
    feed(crows, &replies);
    ofpbuf_delete(rq);
}

static void
a_flow_with_a_foreign_match_becomes_a_row_that_can_be_deleted(void **state)
{
    (void) state;
    struct match match;
    struct og_crows *crows = og_crows_new();
    struct og_msgs *msgs = og_msgs_new();
    struct ofputil_bundle_add_msg add;
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    enum ofptype type;

    match_init_catchall(&match);
    match_set_metadata(&match, htonll(42));
    match_set_ct_state(&match, 3);
    one_flow(crows, &match, NULL, 0);
    assert_int_equal(crows->n, 1);
    assert_int_equal(crows->n_bad, 1);

    og_msgs_delete_crow(msgs, &crows->rows[0]);
    decode(msgs, 0, &add, &type);
    ofpbuf_init(&ofpacts, 0);
    decode_flow(add.msg, &fm, &ofpacts);
    struct match got;
    minimatch_expand(&fm.match, &got);
    assert_true(got.flow.metadata == htonll(42));
    assert_int_equal(got.flow.ct_state, 3);
    assert_int_equal(fm.table_id, 10);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
    og_msgs_unref(msgs);
    og_crows_free(crows);
}

static size_t
n_differences(const struct og_crows *have, const struct og_crows *want,
              struct vx_diff *ret_first)
{
    struct vx_diff *diffs;
    size_t n = vx_diff_rows(have->rows, have->n, want->rows, want->n, &diffs);

    if (n) {
        *ret_first = diffs[0];
    }
    free(diffs);
    return n;
}

static void
foreign_actions_and_timeouts_alter_a_row(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct vx_diff diff;
    struct match match;

    vx_match_u(vx_rows_flow(&rows, VX_TENANT_TIER, 10, 5, 0), VX_F_REG0, 9);
    match_init_catchall(&match);
    match_set_reg(&match, 0, 9);
    for (int i = 0; i < 3; i++) {
        struct og_crows *have = og_crows_new(), *want = og_crows_new();
        struct ofpbuf ofpacts;

        og_crows_add_rows(want, rows.rows, rows.n);
        ofpbuf_init(&ofpacts, 0);
        if (i == 1) {
            ofpact_put_EXIT(&ofpacts);
        }
        one_flow(have, &match, &ofpacts, i == 2 ? 60 : 0);
        assert_int_equal(n_differences(have, want, &diff), i ? 1 : 0);
        if (i) {
            assert_int_equal(diff.type, VX_DIFF_ALTERED);
        }
        assert_int_equal(have->n_bad, i == 1);
        ofpbuf_uninit(&ofpacts);
        og_crows_free(have);
        og_crows_free(want);
    }
    vx_rows_fini(&rows);
}

static void
put_outputs(struct ofpbuf *ofpacts, size_t n)
{
    ofpbuf_init(ofpacts, 0);
    for (size_t i = 0; i < n; i++) {
        ofpact_put_OUTPUT(ofpacts)->port = OFPP_IN_PORT;
    }
}

/* 16 bytes each on the wire: some 16 kB. */
enum { N_OUTPUTS = 1000, KEPT_MAX = 4096 };

static void
of_a_flow_longer_than_any_of_ours_the_beginning_is_kept(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct og_crows *have = og_crows_new(), *want = og_crows_new();
    struct vx_diff diff;
    struct match match;
    struct ofpbuf ofpacts;

    vx_match_u(vx_rows_flow(&rows, VX_TENANT_TIER, 10, 5, 0), VX_F_REG0, 9);
    og_crows_add_rows(want, rows.rows, rows.n);
    match_init_catchall(&match);
    match_set_reg(&match, 0, 9);
    put_outputs(&ofpacts, N_OUTPUTS);
    one_flow(have, &match, &ofpacts, 0);
    assert_int_equal(have->n, 1);
    assert_int_equal(have->n_bad, 1);
    assert_int_equal(have->rows[0].body_size, KEPT_MAX);
    assert_int_equal(n_differences(have, want, &diff), 1);
    assert_int_equal(diff.type, VX_DIFF_ALTERED);
    ofpbuf_uninit(&ofpacts);
    og_crows_free(have);
    og_crows_free(want);
    vx_rows_fini(&rows);
}

static void
of_a_bucket_longer_than_any_of_ours_the_beginning_is_kept(void **state)
{
    (void) state;
    struct og_crows *have = og_crows_new();
    struct ofputil_group_desc gd = { .type = OFPGT11_ALL, .group_id = 7 };
    struct ofputil_bucket bucket = {
        .bucket_id = 1, .watch_port = OFPP_ANY, .watch_group = OFPG_ANY,
    };
    struct ofpbuf ofpacts;

    put_outputs(&ofpacts, N_OUTPUTS);
    bucket.ofpacts = ofpacts.data;
    bucket.ofpacts_len = ofpacts.size;
    ovs_list_init(&gd.buckets);
    ovs_list_push_back(&gd.buckets, &bucket.list_node);
    tell_group(&gd, have);
    assert_int_equal(have->n, 2);
    for (size_t i = 0; i < have->n; i++) {
        const struct vx_crow *row = &have->rows[i];

        assert_true(row->type != VX_ROW_BUCKET
                    || row->body_size == KEPT_MAX);
    }
    ofpbuf_uninit(&ofpacts);
    og_crows_free(have);
}

/* The buckets of a group of another type come as missing, since making the
 * group anew loses them. */
static void
a_group_of_another_type_is_made_anew_with_its_buckets(void **state)
{
    (void) state;
    struct vx_rows rows = { 0 };
    struct og_crows *have = og_crows_new(), *want = og_crows_new();
    struct og_msgs *msgs = og_msgs_new();
    struct ofputil_group_desc gd = { .type = OFPGT11_SELECT, .group_id = 7 };
    struct ofputil_bucket bucket = {
        .bucket_id = 1, .weight = 1, .watch_port = OFPP_ANY,
        .watch_group = OFPG_ANY,
    };
    struct vx_diff *diffs;

    vx_rows_group(&rows, VX_TENANT_TIER, 7);
    vx_rows_bucket(&rows, VX_TENANT_TIER, 7, 1);
    og_crows_add_rows(want, rows.rows, rows.n);
    ovs_list_init(&gd.buckets);
    ovs_list_push_back(&gd.buckets, &bucket.list_node);
    tell_group(&gd, have);
    size_t n = vx_diff_rows(have->rows, have->n, want->rows, want->n, &diffs);
    og_msgs_diff(msgs, diffs, n, have->rows, want->rows);
    assert_int_equal(og_msgs_length(msgs), 2);
    assert_int_equal(group_at(msgs, 0).command, OFPGC15_MODIFY);
    assert_int_equal(group_at(msgs, 1).command, OFPGC15_INSERT_BUCKET);
    free(diffs);
    og_msgs_unref(msgs);
    og_crows_free(have);
    og_crows_free(want);
    vx_rows_fini(&rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_tier_1_comes_back_as_it_was_sent),
        cmocka_unit_test(every_row_of_tier_2_comes_back_as_it_was_sent),
        cmocka_unit_test(
            rows_of_routing_policies_and_zones_come_back_as_they_were_sent),
        cmocka_unit_test(deletes_a_flow_by_row_and_by_what_a_dump_said),
        cmocka_unit_test(
            deletes_groups_and_buckets_by_row_and_by_what_a_dump_said),
        cmocka_unit_test(buckets_share_messages_and_go_with_their_group),
        cmocka_unit_test(a_flow_is_deleted_alone_by_a_plain_message),
        cmocka_unit_test(
            meters_are_not_bundled_and_come_before_and_go_after_all_else),
        cmocka_unit_test(
            a_meter_of_another_rate_is_modified_and_a_strange_one_deleted),
        cmocka_unit_test(an_xid_names_one_message_and_its_text),
        cmocka_unit_test(
            a_flow_with_a_foreign_match_becomes_a_row_that_can_be_deleted),
        cmocka_unit_test(foreign_actions_and_timeouts_alter_a_row),
        cmocka_unit_test(
            of_a_flow_longer_than_any_of_ours_the_beginning_is_kept),
        cmocka_unit_test(
            of_a_bucket_longer_than_any_of_ours_the_beginning_is_kept),
        cmocka_unit_test(
            a_group_of_another_type_is_made_anew_with_its_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
