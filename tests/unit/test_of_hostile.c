/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of a switch that lies: every byte wrong, every length cut. */
#include <config.h>

#include "tests/lib/of_decode.h"

#include "byte-order.h"
#include "openvswitch/list.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"

#include "core/pipeline.h"
#include "lib/buf.h"
#include "tests/lib/rowtalk.h"

static void
make_reply(const struct og_msgs *msgs, uint8_t *ret_reply, size_t *ret_size)
{
    struct ofputil_bundle_add_msg add;
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    enum ofptype type;
    struct ofpbuf *rq = request(OFPRAW_OFPST11_FLOW_REQUEST);
    struct ovs_list replies;

    ofpbuf_init(&ofpacts, 0);
    decode(msgs, 0, &add, &type);
    decode_flow(add.msg, &fm, &ofpacts);
    struct ofputil_flow_stats fs = {
        .ofpacts = ofpacts.data, .ofpacts_len = ofpacts.size,
    };
    minimatch_expand(&fm.match, &fs.match);
    ofpmp_init(&replies, rq->data);
    ofputil_append_flow_stats_reply(&fs, &replies, NULL);
    struct ofpbuf *reply = ofpbuf_from_list(ovs_list_front(&replies));
    ofpmsg_update_length(reply);
    memcpy(ret_reply, reply->data, reply->size);
    *ret_size = reply->size;
    ofpbuf_list_delete(&replies);
    ofpbuf_delete(rq);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

/* What is read is shown and sent back, too. */
static void
survive(const uint8_t *reply, size_t size)
{
    struct og_crows *crows = og_crows_new();
    struct vx_error err;

    (void) og_crows_add_reply(crows, reply, size, &err);
    for (size_t c = 0; c < crows->n; c++) {
        struct og_msgs *del = og_msgs_new();
        struct vx_buf buf = VX_BUF_INIT;

        og_msgs_delete_crow(del, &crows->rows[c]);
        og_crow_format(&crows->rows[c], &buf);
        vx_buf_fini(&buf);
        og_msgs_unref(del);
    }
    og_crows_free(crows);
}

static void
survive_wrong_bytes(const uint8_t *reply, size_t size)
{
    static const uint8_t values[] = { 0, 1, 4, 7, 8, 0x7f, 0x80, 0xff };
    uint8_t bent[2048];

    assert_in_range(size, 1, sizeof bent);
    for (size_t i = 0; i < size; i++) {
        for (size_t v = 0; v < sizeof values; v++) {
            memcpy(bent, reply, size);
            bent[i] = values[v];
            survive(bent, size);
        }
        struct og_crows *crows = og_crows_new();
        struct vx_error err;
        assert_false(og_crows_add_reply(crows, reply, i, &err));
        og_crows_free(crows);
    }
}

/* An answer to ARP; TTL and group; size; meters. */
static void
survives_every_byte_of_a_reply_being_wrong(void **state)
{
    static const struct {
        uint8_t tier, table;
    } places[] = {
        { VX_FABRIC_TIER, VX_T2_ANSWER }, { VX_TENANT_TIER, VX_T1_ROUTE },
        { VX_TENANT_TIER, VX_T1_MTU }, { VX_TENANT_TIER, VX_T1_CLASSIFY },
    };

    (void) state;
    for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
        struct rowtalk talk = { 0 };
        struct vx_rows rows = { 0 };
        const struct vx_row *most = NULL;
        uint8_t reply[2048];
        size_t size;

        vx_compile_base(places[p].tier, &rows);
        rowtalk_lines(&talk, places[p].tier, rowtalk_routed,
                      &rows);
        for (size_t i = 0; i < rows.n; i++) {
            const struct vx_row *row = &rows.rows[i];
            if (row->type == VX_ROW_FLOW && row->table == places[p].table
                && (!most || row->n_acts > most->n_acts)) {
                most = row;
            }
        }
        struct og_msgs *msgs = og_msgs_new();
        og_msgs_add_row(msgs, most);
        make_reply(msgs, reply, &size);
        survive_wrong_bytes(reply, size);
        og_msgs_unref(msgs);
        vx_rows_fini(&rows);
    }
}

static void
survives_every_byte_of_a_group_being_wrong(void **state)
{
    struct ofputil_group_desc gd = { .type = OFPGT11_SELECT,
                                     .group_id = VX_GROUP_ECMP };
    struct ofputil_bucket bucket = { .bucket_id = 1, .weight = 1,
                                     .watch_port = OFPP_ANY,
                                     .watch_group = OFPG_ANY };
    struct ofpbuf ofpacts, *rq = request(OFPRAW_OFPST15_GROUP_DESC_REQUEST);
    struct ovs_list replies;

    (void) state;
    ofpbuf_init(&ofpacts, 0);
    ofpact_put_RESUBMIT(&ofpacts)->table_id = 42;
    bucket.ofpacts = ofpacts.data;
    bucket.ofpacts_len = ofpacts.size;
    ovs_list_init(&gd.buckets);
    ovs_list_push_back(&gd.buckets, &bucket.list_node);
    ofpmp_init(&replies, rq->data);
    ofputil_append_group_desc_reply(&gd, &gd.buckets, &replies);
    struct ofpbuf *reply = ofpbuf_from_list(ovs_list_front(&replies));
    ofpmsg_update_length(reply);
    survive_wrong_bytes(reply->data, reply->size);
    ofpbuf_list_delete(&replies);
    ofpbuf_delete(rq);
    ofpbuf_uninit(&ofpacts);
}

static void
survives_every_byte_of_a_list_of_meters_being_wrong(void **state)
{
    (void) state;
    static const uint8_t reply[40] = {
        6, 19, 0, 40, 0, 0, 0, 1, 0, 10, [16] = 0, 24, 0, 6, 0, 0, 0, 1,
        0, 1, 0, 16, 0, 0, 3, 0xe8, 0, 0, 3, 0xe8,
    };
    static const uint8_t values[] = { 0, 1, 7, 8, 9, 16, 0x80, 0xff };
    struct vx_error err;

    for (size_t i = 0; i <= 8 * sizeof reply; i++) {
        struct og_crows *crows = og_crows_new();
        struct og_msgs *msgs = og_msgs_new();
        uint8_t bent[sizeof reply];

        memcpy(bent, reply, sizeof reply);
        if (i) {
            bent[(i - 1) / 8] = values[i % 8];
        }
        bool ok = og_crows_add_reply(crows, bent, sizeof bent, &err);
        assert_true(i || (ok && crows->n == 1));
        for (size_t c = 0; c < crows->n; c++) {
            og_msgs_delete_crow(msgs, &crows->rows[c]);
        }
        og_msgs_unref(msgs);
        og_crows_free(crows);
    }
}

static void
names_what_a_switch_complains_of(void **state)
{
    (void) state;
    static const uint8_t full[12] = { 6, 1, 0, 12, 0, 0, 0, 9, 0, 5, 0, 1 };
    static const uint8_t odd[12] = { 6, 1, 0, 12, 0, 0, 0, 9, 0x7f, 5, 0, 1 };
    struct vx_error err;

    og_error_from_reply(full, sizeof full, &err);
    assert_string_equal(err.message,
                        "the switch answered OFPFMFC_TABLE_FULL");
    og_error_from_reply(odd, sizeof odd, &err);
    assert_non_null(strstr(err.message, "not known"));
    og_error_from_reply(full, 9, &err);
    assert_non_null(strstr(err.message, "not known"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_every_byte_of_a_reply_being_wrong),
        cmocka_unit_test(survives_every_byte_of_a_group_being_wrong),
        cmocka_unit_test(survives_every_byte_of_a_list_of_meters_being_wrong),
        cmocka_unit_test(names_what_a_switch_complains_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
