/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, policies, zones and rates between JSON, operations and records. */
#include "api/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "tests/lib/codec_case.h"

static struct vx_op
patched(const char *path_text, const char *patch, struct vx_doc **ret_doc,
        struct vx_codec_path *path)
{
    struct vx_error err = { 0 };
    struct vx_codec_view view = view_of(path_text, path);
    struct vx_op op;

    *ret_doc = vx_doc_parse(patch, strlen(patch), VX_BODY_MAX, &err);
    if (!*ret_doc || !vx_codec_patch(*ret_doc, path, &view, &op, &err)) {
        fail_msg("%s: %s", patch, err.message);
    }
    return op;
}

/* --- Routes, policies, zones and rates. */

static const char routed[] =
    "[{\"op\":\"PUT\",\"path\":\"/v1/zones/z1\",\"body\":{\"path\":"
    "\"border\",\"border_hosts\":[\"h1\"],\"budget_kbps\":9}},"
    "{\"op\":\"PUT\",\"path\":\"" T "\",\"body\":{\"budget_kbps\":5}},"
    "{\"op\":\"PUT\",\"path\":\"" T "/networks/web\",\"body\":"
    "{\"path\":\"direct\",\"bum_pps\":7}},"
    "{\"op\":\"PUT\",\"path\":\"" T "/networks/web/subnets/10.0.0.0/24\","
    "\"body\":{\"route\":true}},"
    "{\"op\":\"PUT\",\"path\":\"" T "/networks/web/ports/vm1\",\"body\":"
    "{\"rate_kbps\":1,\"rate_pps\":2,\"bum_pps\":3}},"
    "{\"op\":\"PUT\",\"path\":\"" T "/routes/10.9.0.0%2F16\",\"body\":"
    "{\"via\":[\"10.0.0.9\",\"10.0.0.8\"]}},"
    "{\"op\":\"PUT\",\"path\":\"" T "/policies/p\",\"body\":"
    "{\"priority\":30000,\"match\":{\"src\":\"10.0.0.0/24\",\"dst\":"
    "\"10.3.0.7\",\"proto\":\"tcp\",\"sport\":\"1-5\",\"dport\":"
    "\"443,80-90\",\"dscp\":0,\"network\":\"web\"},\"action\":{\"type\":"
    "\"via\",\"via\":[\"10.0.0.9\"]},\"where\":\"hosts\",\"fail\":"
    "\"closed\"}},"
    "{\"op\":\"PUT\",\"path\":\"" T "/policies/q\",\"body\":"
    "{\"priority\":1,\"match\":{\"proto\":47},\"action\":{\"type\":"
    "\"rate\",\"rate_kbps\":100}}},"
    "{\"op\":\"PUT\",\"path\":\"" T "/policies/r\",\"body\":"
    "{\"priority\":2,\"match\":{\"proto\":\"58\"},\"action\":{\"type\":"
    "\"dscp\",\"dscp\":0}}}]";

static const char *const routed_paths[] = {
    "/v1/zones/z1", T, T "/networks/web",
    T "/networks/web/subnets/10.0.0.0%2F24", T "/networks/web/ports/vm1",
    T "/routes/10.9.0.0%2F16", T "/policies/p", T "/policies/q",
    T "/policies/r",
};

static void
what_routes_and_limits_comes_back_from_answers_and_records(void **state)
{
    (void) state;
    apply(routed);
    for (size_t i = 0; i < N(routed_paths); i++) {
        struct vx_error err = { 0 };
        struct vx_codec_path path;
        struct vx_codec_view view = view_of(routed_paths[i], &path);
        struct vx_buf buf = VX_BUF_INIT, record = VX_BUF_INIT;
        struct vx_result result;
        struct vx_op op;
        size_t failed;

        vx_codec_object(&view, &buf);
        struct vx_doc *doc = vx_doc_parse(buf.data, buf.size, VX_BODY_MAX,
                                          &err);
        if (!doc || !vx_codec_put(doc, &path, &view, &op, &err)
            || !vx_model_apply(model, &op, 1, 0, &result, &failed, &err)) {
            fail_msg("%s: %s: %s", vx_buf_str(&buf), err.field, err.message);
        }
        assert_false(result.changed);
        vx_codec_record(view.obj, &record);
        struct vx_obj *back = vx_codec_record_parse(
            view.obj->kind, view.obj->oid, view.obj->revision, record.data,
            record.size, &err);
        if (!back) {
            fail_msg("%s: %s", vx_buf_str(&record), err.message);
        }
        assert_true(vx_obj_same(view.obj, back));
        vx_obj_unref(back);
        vx_doc_free(doc);
        vx_buf_fini(&buf);
        vx_buf_fini(&record);
    }
}

static void
a_policy_answers_what_the_contract_names(void **state)
{
    (void) state;
    struct vx_codec_path path;
    struct vx_codec_view view;
    struct vx_hops_status status;
    struct vx_buf buf = VX_BUF_INIT;

    apply(routed);
    view = view_of(T "/policies/p", &path);
    vx_hops_status_eval(model, view.obj, NULL, NULL, &status);
    view.hops_status = &status;
    vx_codec_object(&view, &buf);
    assert_non_null(strstr(vx_buf_str(&buf),
        "{\"name\":\"p\",\"tenant\":\"acme\",\"priority\":30000,\"match\":"
        "{\"src\":\"10.0.0.0/24\",\"dst\":\"10.3.0.7/32\",\"proto\":"
        "\"tcp\",\"sport\":\"1-5\",\"dport\":\"80-90,443\",\"dscp\":0,"
        "\"network\":\"web\"},\"action\":{\"type\":\"via\",\"via\":"
        "[\"10.0.0.9\"],\"dscp\":null,\"rate_kbps\":null},\"where\":"
        "[\"hosts\"],\"fail\":\"closed\",\"description\":\"\",\"num\":2,"
        "\"status\":\"unresolved\",\"reason\":\"no port has 10.0.0.9: "
        "packets are dropped (fail closed)\",\"hops\":[{\"ip\":"
        "\"10.0.0.9\",\"port\":null,\"alive\":false}]"));
    vx_buf_fini(&buf);
}

static void
a_policy_for_what_is_not_routed_is_not_active(void **state)
{
    (void) state;
    struct vx_codec_path path;
    struct vx_codec_view view;
    struct vx_hops_status status;

    apply("[{\"op\":\"PUT\",\"path\":\"" T "/networks/flat\"},"
          "{\"op\":\"PUT\",\"path\":\"" T
          "/networks/flat/subnets/10.5.0.0%2F24\",\"body\":{"
          "\"route\":false}},"
          "{\"op\":\"PUT\",\"path\":\"" T "/policies/flat\",\"body\":{"
          "\"priority\":7,\"match\":{\"network\":\"flat\"},"
          "\"action\":{\"type\":\"drop\"}}}]");
    view = view_of(T "/policies/flat", &path);
    vx_hops_status_eval(model, view.obj, NULL, NULL, &status);
    assert_int_equal(status.state, VX_HOPS_UNRESOLVED);
    assert_true(status.is_idle);
    assert_non_null(strstr(status.reason, "is routed"));
    apply("[{\"op\":\"PUT\",\"path\":\"" T
          "/networks/flat/subnets/10.5.0.0%2F24\",\"body\":{"
          "\"route\":true}}]");
    vx_hops_status_eval(model, view.obj, NULL, NULL, &status);
    assert_int_equal(status.state, VX_HOPS_ACTIVE);
    assert_false(status.is_idle);
}

static void
a_patch_merges_into_match_and_action(void **state)
{
    (void) state;
    struct vx_codec_path path;
    struct vx_doc *doc;
    struct vx_op op;

    apply(routed);
    op = patched(T "/policies/p", "{\"match\":{\"dport\":\"22\",\"src\":null"
                 "},\"action\":{\"type\":\"drop\",\"via\":null}}", &doc,
                 &path);
    assert_int_equal(op.spec.policy.match.n_dports, 1);
    assert_int_equal(op.spec.policy.match.dports[0].first, 22);
    assert_int_equal(op.spec.policy.match.src.ip.family, 0);
    assert_int_equal(op.spec.policy.match.proto, 6);
    assert_int_equal(op.spec.policy.match.n_sports, 1);
    assert_string_equal(op.spec.policy.network, "web");
    assert_int_equal(op.spec.policy.action, VX_POLICY_DROP);
    assert_true(op.spec.policy.fail_closed);
    vx_doc_free(doc);
    op = patched(T, "{\"quota_ports\":3}", &doc, &path);
    assert_false(op.spec.tenant.no_router);
    assert_int_equal(op.spec.tenant.budget_kbps, 5);
    vx_doc_free(doc);
}

static void
a_wrong_member_of_a_policy_is_named(void **state)
{
#define DROP "\"priority\":1,\"action\":{\"type\":\"drop\"}"
    static const struct bad table[] = {
        { "{}", VX_INVALID, "priority", "needs \"priority\"" },
        { "{\"priority\":1}", VX_INVALID, "action", "needs \"action\"" },
        { "{\"priority\":1,\"action\":\"drop\"}", VX_INVALID, "action",
          "an object" },
        { "{\"priority\":1,\"action\":{}}", VX_INVALID, "action.type",
          "needs \"type\"" },
        { "{\"priority\":1,\"action\":{\"type\":\"fly\"}}", VX_INVALID,
          "action.type", "via, drop, dscp, rate or gateway" },
        { "{\"priority\":1,\"action\":{\"type\":\"via\"}}", VX_INVALID,
          "action.via", "needs \"via\"" },
        { "{\"priority\":1,\"action\":{\"type\":\"drop\",\"dscp\":3}}",
          VX_INVALID, "action.dscp", "belongs to the action" },
        { "{\"priority\":1,\"action\":{\"type\":\"via\",\"via\":[7]}}",
          VX_INVALID, "action.via", "array of strings" },
        { "{\"priority\":1,\"action\":{\"type\":\"via\",\"via\":"
          "[\"x\"]}}", VX_INVALID, "action.via", "not an IPv4" },
        { "{\"priority\":1,\"action\":{\"type\":\"rate\",\"rate_kbps\":"
          "0}}", VX_INVALID, "action.rate_kbps", "from 1" },
        { "{" DROP ",\"match\":[]}", VX_INVALID, "match", "an object" },
        { "{" DROP ",\"match\":{\"vlan\":1}}", VX_INVALID, "match.vlan",
          "src, dst, proto, sport, dport, dscp, network" },
        { "{" DROP ",\"match\":{\"src\":\"10.0.0.1/8\"}}", VX_INVALID,
          "match.src", "no prefix" },
        { "{" DROP ",\"match\":{\"proto\":\"gre\"}}", VX_INVALID,
          "match.proto", "no protocol" },
        { "{" DROP ",\"match\":{\"proto\":256}}", VX_INVALID, "match.proto",
          "0 to 255" },
        { "{" DROP ",\"match\":{\"proto\":true}}", VX_INVALID,
          "match.proto", "a string or a whole number" },
        { "{" DROP ",\"match\":{\"dport\":80}}", VX_INVALID, "match.dport",
          "a string" },
        { "{" DROP ",\"match\":{\"dport\":\"80-\"}}", VX_INVALID,
          "match.dport", "no list of ports" },
        { "{" DROP ",\"match\":{\"dport\":\"80,,90\"}}", VX_INVALID,
          "match.dport", "no list of ports" },
        { "{" DROP ",\"match\":{\"dport\":\"65536\"}}", VX_INVALID,
          "match.dport", "no list of ports" },
        { "{" DROP ",\"match\":{\"sport\":\"1,2,3,4,5,6,7,8,9,10,11,12,13,"
          "14,15,16,17\"}}", VX_INVALID, "match.sport", "more than 16" },
        { "{" DROP ",\"match\":{\"dscp\":64}}", VX_INVALID, "match.dscp",
          "0 to 63" },
        { "{" DROP ",\"where\":\"gates\"}", VX_INVALID, "where", "hosts" },
        { "{" DROP ",\"fail\":\"maybe\"}", VX_INVALID, "fail", "closed" },
    };
#undef DROP
    (void) state;

    for (size_t i = 0; i < N(table); i++) {
        check_bad_put(T "/policies/x", &table[i]);
    }
    check_bad_put(T "/routes/10.9.0.0%2F16", &(struct bad) {
        "{}", VX_INVALID, "via", "needs \"via\"" });
    check_bad_put("/v1/zones/z1", &(struct bad) {
        "{\"path\":\"indirect\"}", VX_INVALID, "path", NULL });
    check_bad_put("/v1/zones/z1", &(struct bad) {
        "{\"path\":\"sesame\"}", VX_INVALID, "path", "direct or border" });
    check_bad_put(T, &(struct bad) {
        "{\"router\":false,\"budget_kbps\":1}", VX_INVALID, "budget_kbps",
        "needs a router" });
}

int
main(void)
{
#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, make_one_of_each, free_model)
    const struct CMUnitTest tests[] = {
        TEST(what_routes_and_limits_comes_back_from_answers_and_records),
        TEST(a_policy_answers_what_the_contract_names),
        TEST(a_policy_for_what_is_not_routed_is_not_active),
        TEST(a_patch_merges_into_match_and_action),
        TEST(a_wrong_member_of_a_policy_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
