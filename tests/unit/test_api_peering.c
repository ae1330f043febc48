/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways, peerings and what is announced, as JSON: what is read, what is
 * refused, what comes out, and what never does. */
#include "api/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/codec_case.h"

#define CE1 T "/peerings/ce1"
#define UP1 "/v1/peerings/up1"
#define SUBNET T "/networks/web/subnets/10.0.0.0%2F24"

#define PUT(PATH, BODY) \
    "{\"op\":\"PUT\",\"path\":\"" PATH "\",\"body\":{" BODY "}}"

static int
make_model(void **state)
{
    struct vx_model_config config = { .mac_prefix = 0x0a };

    (void) state;
    model = vx_model_new(&config);
    apply("[" PUT("/v1/zones/z1", "") ","
          PUT("/v1/hosts/h1", "\"zone\":\"z1\",\"vtep\":\"192.0.2.1\"") ","
          PUT("/v1/gateways/g1", "\"host\":\"h1\",\"as\":65001,"
              "\"router_id\":\"192.0.2.9\"") ","
          PUT(T, "\"router\":true,\"rd\":\"65001:1\","
              "\"import_rts\":[\"65001:2\",\"65001:1\"],"
              "\"export_rts\":[\"4200000000:7\"]") ","
          PUT(T "/networks/web", "\"evpn\":false,"
              "\"rts\":[\"192.0.2.1:7\"]") ","
          PUT(SUBNET, "\"announce\":true,\"host_routes\":true") ","
          PUT(T "/networks/web/ports/vm1", "\"ips\":[\"10.0.0.5\"]") ","
          PUT(T "/routes/203.0.113.0%2F24", "\"via\":[\"10.0.0.5\"],"
              "\"announce\":true") ","
          PUT(T "/policies/fw", "\"priority\":7,"
              "\"action\":{\"type\":\"drop\"},"
              "\"match\":{\"dst\":\"10.0.0.0/24\"},"
              "\"where\":[\"flowspec\",\"hosts\"]") ","
          PUT(CE1, "\"gateway\":\"g1\",\"peer\":\"172.16.1.2\","
              "\"peer_as\":65100,\"families\":[\"ipv6\",\"ipv4\"],"
              "\"device\":\"ce0\",\"local\":[\"172.16.1.1/30\","
              "\"fd00::1/64\"],\"password\":\"geheim\","
              "\"communities\":[\"no-export\",\"65001:100\"],\"med\":0,"
              "\"import\":[\"0.0.0.0/0\"],\"hold\":3,\"bfd\":true") ","
          PUT(UP1, "\"gateway\":\"g1\",\"peer\":\"10.0.1.2\","
              "\"peer_as\":65002,\"local_as\":65001,\"families\":"
              "[\"vpnv4\",\"vpnv6\",\"evpn\",\"flowspec\"],"
              "\"flowspec_in\":true,\"multihop\":2,"
              "\"source\":\"10.0.1.1\"") "]");
    return 0;
}

static void
assert_has(const char *path_text, const char *wanted)
{
    struct vx_codec_path path;
    struct vx_codec_view view = view_of(path_text, &path);
    struct vx_buf buf = VX_BUF_INIT;

    vx_codec_object(&view, &buf);
    if (!strstr(vx_buf_str(&buf), wanted)) {
        fail_msg("%s: no %s in %s", path_text, wanted, vx_buf_str(&buf));
    }
    vx_buf_fini(&buf);
}

/* --- Answers. */

static void
objects_answer_what_they_were_given(void **state)
{
    (void) state;
    assert_has("/v1/gateways/g1", "{\"name\":\"g1\",\"host\":\"h1\","
               "\"as\":65001,\"router_id\":\"192.0.2.9\","
               "\"description\":\"\",\"revision\":1}");
    assert_has(CE1, "{\"name\":\"ce1\",\"tenant\":\"acme\","
               "\"gateway\":\"g1\",\"peer\":\"172.16.1.2\","
               "\"peer_as\":65100,\"local_as\":null,"
               "\"families\":[\"ipv4\",\"ipv6\"],\"device\":\"ce0\","
               "\"local\":[\"172.16.1.1/30\",\"fd00::1/64\"],"
               "\"readvertise\":false,"
               "\"password_set\":true,\"bfd\":true,\"hold\":3,"
               "\"multihop\":null,"
               "\"communities\":[\"65001:100\",\"no-export\"],\"med\":0,"
               "\"local_pref\":null,\"prefix_limit\":null,"
               "\"import\":[\"0.0.0.0/0\"],\"export\":[],"
               "\"description\":\"\",\"revision\":1}");
    assert_has(UP1, "{\"name\":\"up1\",\"gateway\":\"g1\","
               "\"peer\":\"10.0.1.2\",\"peer_as\":65002,"
               "\"local_as\":65001,\"families\":[\"vpnv4\",\"vpnv6\","
               "\"evpn\",\"flowspec\"],\"source\":\"10.0.1.1\","
               "\"flowspec_in\":true,\"password_set\":false,\"bfd\":false,"
               "\"hold\":null,\"multihop\":2,\"communities\":[],"
               "\"med\":null,\"local_pref\":null,\"prefix_limit\":null,"
               "\"description\":\"\",\"revision\":1}");
    assert_has(T, "\"rd\":\"65001:1\",\"import_rts\":[\"65001:1\","
               "\"65001:2\"],\"export_rts\":[\"4200000000:7\"]");
    assert_has(T "/networks/web",
               "\"evpn\":false,\"rts\":[\"192.0.2.1:7\"]");
    assert_has(SUBNET, "\"announce\":true,\"host_routes\":true");
    assert_has(T "/routes/203.0.113.0%2F24", "\"announce\":true");
    assert_has(T "/policies/fw", "\"where\":[\"hosts\",\"flowspec\"]");
}

static void
what_is_of_run_time_is_there_with_a_status_only(void **state)
{
    struct vx_api_gateway_status gateway = {
        .state = "building", .reason = "3 behind", .seen_ms = 1769860800123,
        .acked = 14, .behind = 3, .n_sessions = 2, .n_established = 1,
        .as = 64512, .router_id = { 4, { 192, 0, 2, 7 } },
    };
    struct vx_api_peering_status session = {
        .state = "established", .since_ms = 1769860800123, .n_received = 3,
        .n_sent = 2,
    };
    struct vx_codec_path path;
    struct vx_codec_view view = view_of("/v1/gateways/g1", &path);
    struct vx_buf buf = VX_BUF_INIT;

    (void) state;
    view.gateway_status = &gateway;
    vx_codec_object(&view, &buf);
    assert_non_null(strstr(vx_buf_str(&buf), "\"status\":\"building\","
                           "\"reason\":\"3 behind\","
                           "\"seen\":\"2026-01-31T12:00:00.123Z\","
                           "\"acked\":14,\"behind\":3,\"n_sessions\":2,"
                           "\"n_established\":1,\"as_in_force\":64512,"
                           "\"router_id_in_force\":\"192.0.2.7\""));
    vx_buf_fini(&buf);
    view = view_of(UP1, &path);
    view.peering_status = &session;
    vx_codec_object(&view, &buf);
    assert_non_null(strstr(vx_buf_str(&buf), "\"status\":\"established\","
                           "\"reason\":\"\","
                           "\"since\":\"2026-01-31T12:00:00.123Z\","
                           "\"received\":3,\"sent\":2"));
    vx_buf_fini(&buf);
}

static void
a_policy_says_where_it_is_in_force(void **state)
{
    struct vx_codec_path path;
    struct vx_codec_view view = view_of(T "/policies/fw", &path);
    uint8_t places = VX_WHERE_FLOWSPEC;
    struct vx_buf buf = VX_BUF_INIT;

    (void) state;
    vx_codec_object(&view, &buf);
    assert_null(strstr(vx_buf_str(&buf), "in_force"));
    vx_buf_fini(&buf);
    view.policy_places = &places;
    vx_codec_object(&view, &buf);
    assert_non_null(strstr(vx_buf_str(&buf),
                           "\"in_force\":[\"flowspec\"]"));
    vx_buf_fini(&buf);
}

static void
only_a_gateway_is_told_a_password(void **state)
{
    static const char *const paths[] = { CE1, UP1 };

    (void) state;
    for (size_t i = 0; i < N(paths); i++) {
        struct vx_codec_path path;
        struct vx_codec_view view = view_of(paths[i], &path);
        struct vx_buf buf = VX_BUF_INIT;

        vx_codec_object(&view, &buf);
        assert_null(strstr(vx_buf_str(&buf), "geheim"));
        assert_null(strstr(vx_buf_str(&buf), "\"password\""));
        vx_buf_fini(&buf);
        view.secrets = true;
        vx_codec_object(&view, &buf);
        assert_non_null(strstr(vx_buf_str(&buf), i
                               ? "\"password\":null"
                               : "\"password\":\"geheim\""));
        vx_buf_fini(&buf);
    }
}

/* --- What GET answers may be put back, or patched. */

static const char *const all[] = {
    "/v1/gateways/g1", CE1, UP1, T, T "/networks/web", SUBNET,
    T "/routes/203.0.113.0%2F24", T "/policies/fw",
};

static bool
change(const char *path_text, const char *body, bool patch,
       struct vx_result *ret_result, struct vx_error *err)
{
    struct vx_codec_path path;
    struct vx_codec_view view = view_of(path_text, &path);
    struct vx_doc *doc = vx_doc_parse(body, strlen(body), VX_BODY_MAX, err);
    struct vx_op op;
    size_t failed;
    bool good = doc
                && (patch ? vx_codec_patch(doc, &path, &view, &op, err)
                          : vx_codec_put(doc, &path, &view, &op, err));

    op.if_match = 0;
    good = good && vx_model_apply(model, &op, 1, 0, ret_result, &failed,
                                  err);
    vx_doc_free(doc);
    return good;
}

static void
what_get_answers_may_be_put_back_and_changes_nothing(void **state)
{
    (void) state;
    for (size_t i = 0; i < 2 * N(all); i++) {
        struct vx_codec_path path;
        struct vx_codec_view view = view_of(all[i / 2], &path);
        struct vx_buf buf = VX_BUF_INIT;
        struct vx_result result;
        struct vx_error err = { 0 };

        vx_codec_object(&view, &buf);
        if (!change(all[i / 2], i % 2 ? "{}" : vx_buf_str(&buf), i % 2,
                    &result, &err)) {
            fail_msg("%s: %s: %s", all[i / 2], err.field, err.message);
        }
        assert_false(result.changed);
        vx_model_commit(model);
        vx_buf_fini(&buf);
    }
}

static const char *
password(void)
{
    struct vx_codec_path path;
    struct vx_codec_view view = view_of(CE1, &path);

    return ((const struct vx_peering *) (const void *) view.obj)->password;
}

static void
a_password_is_kept_until_another_or_null_is_given(void **state)
{
    struct vx_result result;
    struct vx_error err = { 0 };

    (void) state;
    assert_true(change(CE1, "{\"hold\":30}", true, &result, &err));
    vx_model_commit(model);
    assert_string_equal(password(), "geheim");
    assert_true(change(CE1, "{\"password\":\"neu\"}", true, &result, &err));
    vx_model_commit(model);
    assert_string_equal(password(), "neu");
    assert_true(change(CE1, "{\"password\":null}", true, &result, &err));
    vx_model_commit(model);
    assert_string_equal(password(), "");
    assert_has(CE1, "\"password_set\":false");
}

static void
a_patch_takes_away_what_is_null(void **state)
{
    struct vx_result result;
    struct vx_error err = { 0 };

    (void) state;
    assert_true(change(CE1, "{\"med\":null,\"communities\":[],"
                       "\"hold\":null,\"bfd\":false}", true, &result, &err));
    vx_model_commit(model);
    assert_has(CE1, "\"bfd\":false,\"hold\":null,\"multihop\":null,"
               "\"communities\":[],\"med\":null");
    assert_true(change(T, "{\"rd\":null,\"import_rts\":[]}", true, &result,
                       &err));
    vx_model_commit(model);
    assert_has(T, "\"rd\":null,\"import_rts\":[],"
               "\"export_rts\":[\"4200000000:7\"]");
    assert_true(change(SUBNET, "{\"announce\":false,\"host_routes\":false}",
                       true, &result, &err));
    vx_model_commit(model);
    assert_has(SUBNET, "\"announce\":false,\"host_routes\":false");
}

/* --- What is wrong. */

#define GATE "\"gateway\":\"g1\""
#define CE GATE ",\"peer\":\"172.16.1.2\",\"peer_as\":65100," \
    "\"families\":[\"ipv4\"]"

static void
a_wrong_member_is_named_with_the_way_out(void **state)
{
    static const struct {
        const char *path, *body, *field, *message;
    } bad[] = {
        { "/v1/gateways/g2", "{}", "host", "a gateway needs" },
        { "/v1/gateways/g2", "{\"host\":\"h1\",\"router_id\":\"fd00::1\"}",
          "router_id", "192.0.2.1" },
        { "/v1/gateways/g2", "{\"host\":\"h1\",\"as\":0}", "as",
          "1 to 4294967295" },
        { "/v1/gateways/g2", "{\"host\":\"h1\",\"as\":4294967296}", "as",
          "1 to 4294967295" },
        { "/v1/gateways/g2", "{\"host\":\"h1\",\"status\":5,\"x\":1}", "x",
          "it takes: host, as, router_id" },
        { CE1, "{}", "gateway", "needs" },
        { CE1, "{" GATE "}", "peer", "needs" },
        { CE1, "{" GATE ",\"peer\":\"xx\",\"peer_as\":1,"
          "\"families\":[\"ipv4\"]}", "peer", "\"xx\" is not" },
        { CE1, "{" GATE ",\"peer\":\"10.0.0.1\",\"peer_as\":1,"
          "\"families\":[]}", "families", "empty" },
        { CE1, "{" GATE ",\"peer\":\"10.0.0.1\",\"peer_as\":1,"
          "\"families\":[\"ipx\"]}", "families", "vpnv4" },
        { CE1, "{" GATE ",\"peer\":\"10.0.0.1\",\"peer_as\":1,"
          "\"families\":[1]}", "families", "array of strings" },
        { CE1, "{" CE ",\"local\":[\"172.16.1.1\"]}", "local",
          "ADDRESS/LENGTH" },
        { CE1, "{" CE ",\"local\":[\"172.16.1.1/33\"]}", "local",
          "172.16.1.1/33" },
        { CE1, "{" CE ",\"local\":[\"172.16.1.1/030\"]}", "local", "/030" },
        { CE1, "{" CE ",\"communities\":[\"65536:1\"]}", "communities",
          "no-export" },
        { CE1, "{" CE ",\"import\":[\"10.0.0.1/8\"]}", "import",
          "host bits" },
        { CE1, "{" CE ",\"export\":[\"10.0.0.0\"]}", "export",
          "host bits" },
        { CE1, "{" CE ",\"hold\":2}", "hold", "3 to 65535" },
        { CE1, "{" CE ",\"multihop\":256}", "multihop", "1 to 255" },
        { CE1, "{" CE ",\"prefix_limit\":0}", "prefix_limit", "1 to" },
        { CE1, "{" CE ",\"password\":\"a b\"}", "password", "spaces" },
        { CE1, "{" CE ",\"password\":\"a\\nrouter bgp\"}", "password",
          "printable" },
        { CE1, "{" CE ",\"password\":\"\"}", "password", "1 to 80" },
        { CE1, "{" CE ",\"password_set\":false}", "password_set",
          "read-only" },
        { CE1, "{" CE ",\"device\":\"0123456789abcdef\"}", "device",
          "1 to 15" },
        { CE1, "{" CE ",\"source\":\"10.0.0.1\"}", "source",
          "fabric-wide" },
        { UP1, "{" CE ",\"device\":\"ce0\"}", "device", "a tenant's" },
        { UP1, "{" CE ",\"export\":[]}", "export", "a tenant's" },
        { UP1, "{" CE ",\"source\":\"xx\"}", "source", "\"xx\"" },
        { UP1, "{" CE ",\"colour\":1}", "colour",
          "a fabric peering has no member" },
        { T, "{\"rd\":\"0:0\"}", "rd", "65001:1" },
        { T, "{\"import_rts\":[\"65001\"]}", "import_rts", "\"65001\"" },
        { T, "{\"export_rts\":\"65001:1\"}", "export_rts", "array" },
        { T "/networks/web", "{\"rts\":[\"x:1\"]}", "rts", "x:1" },
        { T "/networks/web", "{\"origin\":\"system\"}", "origin",
          "read-only" },
        { T "/policies/p", "{\"priority\":1,\"action\":{\"type\":\"drop\"},"
          "\"where\":[]}", "where", "empty" },
        { T "/policies/p", "{\"priority\":1,\"action\":{\"type\":\"drop\"},"
          "\"where\":[\"hosts\",\"moon\"]}", "where", "moon" },
        { T "/policies/p", "{\"priority\":1,\"action\":{\"type\":\"drop\"},"
          "\"where\":[\"hosts\",\"hosts\",\"hosts\",\"hosts\"]}", "where",
          "at most 3" },
    };

    (void) state;
    for (size_t i = 0; i < N(bad); i++) {
        struct vx_error err = { 0 };
        struct vx_codec_path path;
        struct vx_op op;
        struct vx_doc *doc = vx_doc_parse(bad[i].body, strlen(bad[i].body),
                                          VX_BODY_MAX, &err);

        assert_true(vx_codec_path_parse(bad[i].path, &path, &err));
        if (!doc || vx_codec_put(doc, &path, NULL, &op, &err)
            || err.code != VX_INVALID || strcmp(err.field, bad[i].field)
            || !strstr(err.message, bad[i].message)) {
            fail_msg("%s: %s: \"%s\"", bad[i].body, err.field, err.message);
        }
        vx_doc_free(doc);
    }
}

static void
one_place_alone_is_read_as_older_clients_write_it(void **state)
{
    (void) state;
    apply("[" PUT(T "/policies/old", "\"priority\":9,"
                  "\"action\":{\"type\":\"drop\"},\"where\":\"gateway\"")
          "]");
    assert_has(T "/policies/old", "\"where\":[\"gateway\"]");
}

/* --- Paths. */

static void
the_two_kinds_of_peerings_have_paths_of_their_own(void **state)
{
    static const struct {
        const char *path;
        enum vx_kind kind;
        bool list;
    } good[] = {
        { "/v1/gateways", VX_GATEWAY, true },
        { "/v1/gateways/g1", VX_GATEWAY, false },
        { "/v1/peerings", VX_UPLINK, true },
        { "/v1/peerings/up1", VX_UPLINK, false },
        { "/v1/tenant-peerings", VX_PEERING, true },
        { T "/peerings", VX_PEERING, true },
        { CE1, VX_PEERING, false },
    };
    static const char *const bad[] = {
        "/v1/tenant-peerings/ce1", T "/gateways", T "/networks/web/peerings",
        CE1 "/x", "/v1/gateways/g1/x", T "/tenant-peerings",
    };
    struct vx_codec_path path;
    struct vx_error err;
    char buf[VX_API_PATH_MAX];

    (void) state;
    for (size_t i = 0; i < N(good); i++) {
        assert_true(vx_codec_path_parse(good[i].path, &path, &err));
        assert_int_equal(path.kind, good[i].kind);
        assert_int_equal(path.list, good[i].list);
        if (!path.list) {
            assert_string_equal(vx_codec_path_format(path.kind, &path.key,
                                                     buf), good[i].path);
        }
    }
    for (size_t i = 0; i < N(bad); i++) {
        if (vx_codec_path_parse(bad[i], &path, &err)) {
            fail_msg("%s was taken", bad[i]);
        }
    }
}

/* --- Whose an object is. */

static void
an_object_that_is_no_operators_says_whose_it_is(void **state)
{
    struct vx_result result;
    struct vx_error err = { 0 };
    struct vx_ip via;
    struct vx_op op = {
        .type = VX_OP_PUT, .kind = VX_ROUTE, .origin = VX_BY_BGP,
        .key = { .tenant = "acme", .name = "198.51.100.0/24" },
        .spec.route = { .via = &via, .n_via = 1 },
    };
    size_t failed;

    (void) state;
    assert_true(vx_ip_parse("10.0.0.5", &via));
    if (!vx_model_apply(model, &op, 1, 0, &result, &failed, &err)) {
        fail_msg("%s: %s", err.field, err.message);
    }
    vx_model_commit(model);
    assert_has(T "/routes/198.51.100.0%2F24", "\"origin\":\"learned\"");
    assert_false(change(T "/routes/198.51.100.0%2F24",
                        "{\"announce\":true}", true, &result, &err));
    assert_int_equal(err.code, VX_FORBIDDEN);
    assert_non_null(strstr(err.message, "takes its place"));
    apply("[{\"op\":\"PUT\",\"path\":\"" T "/routes/198.51.100.0%2F24\","
          "\"body\":{\"via\":[\"10.0.0.5\"]},\"if_none_match\":\"*\"}]");
    assert_has(T "/routes/198.51.100.0%2F24", "\"num\":3,\"revision\"");
    assert_true(change(T "/routes/203.0.113.0%2F24",
                       "{\"via\":[\"10.0.0.5\"],\"announce\":true,"
                       "\"origin\":\"operator\"}", false, &result, &err));
}

#define TEST(F) cmocka_unit_test_setup_teardown(F, make_model, free_model)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(objects_answer_what_they_were_given),
        TEST(what_is_of_run_time_is_there_with_a_status_only),
        TEST(a_policy_says_where_it_is_in_force),
        TEST(only_a_gateway_is_told_a_password),
        TEST(what_get_answers_may_be_put_back_and_changes_nothing),
        TEST(a_password_is_kept_until_another_or_null_is_given),
        TEST(a_patch_takes_away_what_is_null),
        TEST(a_wrong_member_is_named_with_the_way_out),
        TEST(one_place_alone_is_read_as_older_clients_write_it),
        TEST(the_two_kinds_of_peerings_have_paths_of_their_own),
        TEST(an_object_that_is_no_operators_says_whose_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
