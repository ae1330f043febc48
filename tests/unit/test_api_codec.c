/* SPDX-License-Identifier: Apache-2.0 */
/* The codec against hostile input, and what it writes against what it
 * reads. */
#include "api/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/xalloc.h"
#include "tests/lib/codec_case.h"

/* --- Bad input. */

static void
malformed_json_is_refused_with_its_place(void **state)
{
    (void) state;
    static const struct bad table[] = {
        { "", VX_INVALID, "body", "byte 0" },
        { "{", VX_INVALID, "body", "member's name" },
        { "}", VX_INVALID, "body", "byte 0" },
        { "{\"mtu\"}", VX_INVALID, "body", "':'" },
        { "{\"mtu\":}", VX_INVALID, "body", "byte 7" },
        { "{\"mtu\":1400,}", VX_INVALID, "body", NULL },
        { "{\"mtu\":1400} x", VX_INVALID, "body", "follows" },
        { "{\"mtu\":01400}", VX_INVALID, "body", NULL },
        { "{\"mtu\":+1400}", VX_INVALID, "body", NULL },
        { "{\"mtu\":1400.}", VX_INVALID, "body", "digit" },
        { "{\"mtu\":.5}", VX_INVALID, "body", NULL },
        { "{\"mtu\":1e}", VX_INVALID, "body", "digit" },
        { "{\"mtu\":0x10}", VX_INVALID, "body", NULL },
        { "{\"mtu\":NaN}", VX_INVALID, "body", NULL },
        { "{\"mtu\":"
          "1.00000000000000000000000000000000000000000000000000000}",
          VX_INVALID, "body", "too long" },
        { "{'mtu':1400}", VX_INVALID, "body", NULL },
        { "{\"mtu\":tru}", VX_INVALID, "body", NULL },
        { "\xef\xbb\xbf{}", VX_INVALID, "body", "byte 0" },
        { "{\"description\":\"a", VX_INVALID, "body", "does not end" },
        { "{\"description\":\"a\nb\"}", VX_INVALID, "body", "control" },
        { "{\"description\":\"\\x41\"}", VX_INVALID, "body", "escape" },
        { "{\"description\":\"\\u00g1\"}", VX_INVALID, "body", "hexa" },
        { "{\"description\":\"\\u0000\"}", VX_INVALID, "body", "NUL" },
        { "{\"description\":\"\\ud800\"}", VX_INVALID, "body",
          "surrogate" },
        { "{\"description\":\"\\ud800\\u0041\"}", VX_INVALID, "body",
          "surrogate" },
        { "{\"description\":\"\\udc00\"}", VX_INVALID, "body",
          "surrogate" },
        { "{\"description\":\"\xff\"}", VX_INVALID, "body", "UTF-8" },
        { "{\"description\":\"\xc0\x80\"}", VX_INVALID, "body", "UTF-8" },
        { "{\"description\":\"\xed\xa0\x80\"}", VX_INVALID, "body",
          "UTF-8" },
        { "{\"description\":\"\xf4\x90\x80\x80\"}", VX_INVALID, "body",
          "UTF-8" },
        { "{\"description\":\"\xe2\x82\"}", VX_INVALID, "body", "UTF-8" },
        { "[[[[[[[[[[[[[[[[[", VX_TOO_LARGE, "body", "deeper than 16" },
        { "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
          "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{",
          VX_TOO_LARGE, "body", "deeper" },
        { "{\"mtu\":1400,\"mtu\":1400}", VX_INVALID, "mtu", "twice" },
        { "{\"mtu\":1400,\"\\u006dtu\":1400}", VX_INVALID, "mtu",
          "twice" },
        { "[]", VX_INVALID, "body", "object" },
        { "1", VX_INVALID, "body", "object" },
        { "null", VX_INVALID, "body", "object" },
        { "\"x\"", VX_INVALID, "body", "object" },
    };
    for (size_t i = 0; i < N(table); i++) {
        check_bad_put(T "/networks/web", &table[i]);
    }
}

static void
a_wrong_member_is_named(void **state)
{
    (void) state;
    static const struct bad network[] = {
        { "{\"color\":1}", VX_INVALID, "color",
          "vni, mtu, path, bum_pps, evpn, rts, description" },
        { "{\"MTU\":1400}", VX_INVALID, "MTU", NULL },
        { "{\"mtu\":\"1400\"}", VX_INVALID, "mtu", "whole number" },
        { "{\"mtu\":1400.5}", VX_INVALID, "mtu", "whole number" },
        { "{\"mtu\":-1}", VX_INVALID, "mtu", "576 to 9216" },
        { "{\"mtu\":575}", VX_INVALID, "mtu", "576 to 9216" },
        { "{\"mtu\":9217}", VX_INVALID, "mtu", NULL },
        { "{\"mtu\":1e300}", VX_INVALID, "mtu", NULL },
        { "{\"mtu\":true}", VX_INVALID, "mtu", NULL },
        { "{\"mtu\":[1400]}", VX_INVALID, "mtu", NULL },
        { "{\"vni\":0}", VX_INVALID, "vni", "1 to 16777215" },
        { "{\"vni\":16777216}", VX_INVALID, "vni", NULL },
        { "{\"description\":7}", VX_INVALID, "description", "a string" },
        { "{\"name\":\"other\"}", VX_INVALID, "name", "read-only" },
        { "{\"tenant\":\"other\"}", VX_INVALID, "tenant", "read-only" },
        { "{\"revision\":\"7\"}", VX_INVALID, "revision", "number" },
        { "{\"revision\":-7}", VX_INVALID, "revision", NULL },
    };
    static const struct bad subnet[] = {
        { "{\"gateway\":\"10.0.0.256\"}", VX_INVALID, "gateway", NULL },
        { "{\"gateway\":\"::ffff:1.2.3.4\"}", VX_INVALID, "gateway", NULL },
        { "{\"gateway\":7}", VX_INVALID, "gateway", "string" },
        { "{\"ranges\":[\"10.0.0.1\"]}", VX_INVALID, "ranges", "first" },
        { "{\"ranges\":[{\"first\":\"10.0.0.1\"}]}", VX_INVALID, "ranges",
          NULL },
        { "{\"ranges\":[{\"first\":\"10.0.0.1\",\"last\":\"x\"}]}",
          VX_INVALID, "ranges", "\"x\"" },
        { "{\"ranges\":{}}", VX_INVALID, "ranges", "array" },
        { "{\"cidr\":\"10.0.1.0/24\"}", VX_INVALID, "cidr", "read-only" },
    };
    static const struct bad port[] = {
        { "{\"mac\":\"0a:00:00:00:00\"}", VX_INVALID, "mac", NULL },
        { "{\"mac\":\"0a:00:00:00:00:0g\"}", VX_INVALID, "mac", NULL },
        { "{\"ips\":\"10.0.0.1\"}", VX_INVALID, "ips", "array" },
        { "{\"ips\":[1]}", VX_INVALID, "ips", "array of strings" },
        { "{\"ips\":[\"10.0.0.1/24\"]}", VX_INVALID, "ips",
          "10.0.0.1/24" },
        { "{\"host\":\"\"}", VX_INVALID, "host", "1 to 63" },
        { "{\"iface_id\":\"\"}", VX_INVALID, "iface_id", NULL },
        { "{\"guard\":0}", VX_INVALID, "guard", "true or false" },
        { "{\"vni\":77}", VX_INVALID, "vni", "read-only" },
        { "{\"vni\":5001}", VX_INVALID, "vni", "read-only" },
    };
    static const struct bad host[] = {
        { "{}", VX_INVALID, "zone", "needs" },
        { "{\"zone\":null}", VX_INVALID, "zone", "needs" },
        { "{\"zone\":\"z1\",\"vtep\":\"here\"}", VX_INVALID, "vtep", NULL },
        { "{\"zone\":\"z1\",\"mtu\":65536}", VX_INVALID, "mtu", NULL },
    };
    static const struct bad tenant[] = {
        { "{\"router\":false,\"router_vni\":9}", VX_INVALID, "router_vni",
          NULL },
        { "{\"quota_ports\":4294967296}", VX_INVALID, "quota_ports", NULL },
    };
    for (size_t i = 0; i < N(network); i++) {
        check_bad_put(T "/networks/web", &network[i]);
    }
    for (size_t i = 0; i < N(subnet); i++) {
        check_bad_put(T "/networks/web/subnets/10.0.0.0%2f24", &subnet[i]);
    }
    for (size_t i = 0; i < N(port); i++) {
        check_bad_put(T "/networks/web/ports/vm1", &port[i]);
    }
    for (size_t i = 0; i < N(host); i++) {
        check_bad_put("/v1/hosts/h1", &host[i]);
    }
    for (size_t i = 0; i < N(tenant); i++) {
        check_bad_put(T, &tenant[i]);
    }
}

static void
bodies_are_bounded_in_every_direction(void **state)
{
    (void) state;
    struct vx_error err = { 0 };
    struct vx_buf buf = VX_BUF_INIT;

    assert_null(vx_doc_parse("{    }", 6, 5, &err));
    assert_int_equal(err.code, VX_TOO_LARGE);

    vx_buf_puts(&buf, "{");
    for (int i = 0; i <= VX_JSON_MAX_MEMBERS; i++) {
        vx_buf_printf(&buf, "%s\"m%d\":1", i ? "," : "", i);
    }
    vx_buf_puts(&buf, "}");
    assert_null(vx_doc_parse(buf.data, buf.size, VX_BODY_MAX, &err));
    assert_int_equal(err.code, VX_TOO_LARGE);

    vx_buf_clear(&buf);
    vx_buf_puts(&buf, "[1");
    for (int i = 0; i < 1000000; i++) {
        vx_buf_put(&buf, ",1", 2);
    }
    vx_buf_puts(&buf, "]");
    assert_null(vx_doc_parse(buf.data, buf.size, VX_BATCH_BODY_MAX, &err));
    assert_int_equal(err.code, VX_TOO_LARGE);

    vx_buf_clear(&buf);
    vx_buf_puts(&buf, "{\"ips\":[\"10.0.0.1\"");
    for (int i = 0; i < VX_PORT_MAX_IPS; i++) {
        vx_buf_puts(&buf, ",\"10.0.0.1\"");
    }
    vx_buf_puts(&buf, "]}");
    check_bad_put(T "/networks/web/ports/vm1", &(struct bad) {
        vx_buf_str(&buf), VX_INVALID, "ips", "at most 32" });

    vx_buf_clear(&buf);
    vx_buf_puts(&buf, "{\"description\":\"");
    for (int i = 0; i < 256; i++) {
        vx_buf_puts(&buf, "x");
    }
    vx_buf_puts(&buf, "\"}");
    check_bad_put("/v1/zones/z1", &(struct bad) {
        vx_buf_str(&buf), VX_INVALID, "description", "0 to 255" });
    vx_buf_fini(&buf);
}

static void
a_bad_batch_names_the_operation_and_the_member(void **state)
{
    (void) state;
#define OK_OP "{\"op\":\"PUT\",\"path\":\"/v1/zones/z1\"}"
    static const struct bad table[] = {
        { "{}", VX_INVALID, "body", "array" },
        { "[7]", VX_INVALID, "[0]", NULL },
        { "[" OK_OP ",{}]", VX_INVALID, "[1].op", NULL },
        { "[" OK_OP ",{\"op\":\"PUT\"}]", VX_INVALID, "[1].path", NULL },
        { "[{\"op\":\"POST\",\"path\":\"/v1/zones/z\"}]", VX_INVALID,
          "[0].op", "PUT or DELETE" },
        { "[{\"op\":\"PUT\",\"path\":\"/v1/zones/z\",\"x\":1}]", VX_INVALID,
          "[0].x", NULL },
        { "[{\"op\":\"PUT\",\"path\":\"/v1/zones/z\",\"op path\":1}]",
          VX_INVALID, "[0].op path", NULL },
        { "[{\"op\":\"PUT\",\"path\":\"/v1/zones\"}]", VX_INVALID,
          "[0].path", "list" },
        { "[{\"op\":\"PUT\",\"path\":\"/v1/dragons/z\"}]", VX_NOT_FOUND,
          "[0].path", NULL },
        { "[" OK_OP "," OK_OP ",{\"op\":\"PUT\",\"path\":\"" T
          "/networks/n\",\"body\":{\"mtu\":1}}]", VX_INVALID,
          "[2].body.mtu", NULL },
        { "[{\"op\":\"PUT\",\"path\":\"/v1/zones/z\",\"body\":[]}]",
          VX_INVALID, "[0].body", "object" },
        { "[{\"op\":\"DELETE\",\"path\":\"/v1/zones/z\",\"body\":{}}]",
          VX_INVALID, "[0].body", NULL },
        { "[{\"op\":\"DELETE\",\"path\":\"/v1/zones/z\",\"if_match\":\"1\""
          "}]", VX_INVALID, "[0].if_match", NULL },
        { "[{\"op\":\"PUT\",\"path\":\"/v1/zones/z\",\"if_none_match\":1}]",
          VX_INVALID, "[0].if_none_match", NULL },
    };
    for (size_t i = 0; i < N(table); i++) {
        struct vx_error err = { 0 };
        struct vx_codec_batch batch;
        size_t failed = 0;
        struct vx_doc *doc = vx_doc_parse(table[i].text,
                                          strlen(table[i].text),
                                          VX_BATCH_BODY_MAX, &err);
        assert_non_null(doc);
        bool ok = vx_codec_batch(doc, NULL, NULL, &batch, &failed, &err);
        if (ok || err.code != table[i].code
            || strcmp(err.field, table[i].field)) {
            fail_msg("%s: %s \"%s\" %s", table[i].text,
                     ok ? "was taken" : "", err.field, err.message);
        }
        vx_doc_free(doc);
    }
}

/* --- Paths. */

static void
paths_are_decoded_strictly(void **state)
{
    (void) state;
    static const struct {
        const char *path;
        enum vx_kind kind;
        const char *tenant, *network, *name;
    } good[] = {
        { "/v1/zones", VX_ZONE, NULL, NULL, NULL },
        { "/v1/zones/", VX_ZONE, NULL, NULL, NULL },
        { "/v1/zones/z%31", VX_ZONE, NULL, NULL, "z1" },
        { "/v1/hosts/h1/", VX_HOST, NULL, NULL, "h1" },
        { T, VX_TENANT, NULL, NULL, "acme" },
        { "/v1/networks", VX_NETWORK, NULL, NULL, NULL },
        { "/v1/subnets", VX_SUBNET, NULL, NULL, NULL },
        { "/v1/ports", VX_PORT, NULL, NULL, NULL },
        { T "/networks", VX_NETWORK, "acme", NULL, NULL },
        { T "/ports", VX_PORT, "acme", NULL, NULL },
        { T "/networks/web", VX_NETWORK, "acme", NULL, "web" },
        { T "/networks/web/ports", VX_PORT, "acme", "web", NULL },
        { T "/networks/web/ports/vm1", VX_PORT, "acme", "web", "vm1" },
        { T "/networks/web/subnets/10.0.0.0%2F24", VX_SUBNET, "acme", "web",
          "10.0.0.0/24" },
        { T "/networks/web/subnets/10.0.0.0/24", VX_SUBNET, "acme", "web",
          "10.0.0.0/24" },
        { T "/networks/web/subnets/2001:db8::/64/", VX_SUBNET, "acme",
          "web", "2001:db8::/64" },
    };
    static const struct {
        const char *path;
        enum vx_err_code code;
    } bad[] = {
        { "", VX_NOT_FOUND }, { "/", VX_NOT_FOUND }, { "/v1", VX_NOT_FOUND },
        { "/v1/", VX_NOT_FOUND }, { "/v2/zones", VX_NOT_FOUND },
        { "/v1//zones", VX_NOT_FOUND }, { "/v1/zones//", VX_NOT_FOUND },
        { "/v1/zones/a/b", VX_NOT_FOUND },
        { "/v1/ports/vm1", VX_NOT_FOUND },
        { "/v1/networks/web", VX_NOT_FOUND },
        { T "/ports/vm1", VX_NOT_FOUND },
        { T "/zones", VX_NOT_FOUND },
        { T "/networks/web/hosts", VX_NOT_FOUND },
        { T "/networks/web/ports/a/b", VX_NOT_FOUND },
        { T "/networks/web/subnets/10.0.0.0%2F24/24", VX_NOT_FOUND },
        { T "/networks/web/subnets/a/b/c", VX_NOT_FOUND },
        { "/v1/zones/%", VX_INVALID }, { "/v1/zones/%4", VX_INVALID },
        { "/v1/zones/%zz", VX_INVALID }, { "/v1/zones/%00", VX_INVALID },
        { "/v1/zones/a%0Ab", VX_INVALID },
        { "/v1/zones/%4/", VX_INVALID },
    };
    struct vx_codec_path path;
    struct vx_error err;

    for (size_t i = 0; i < N(good); i++) {
        if (!vx_codec_path_parse(good[i].path, &path, &err)) {
            fail_msg("%s: %s", good[i].path, err.message);
        }
        assert_int_equal(path.kind, good[i].kind);
        assert_int_equal(path.list, good[i].name == NULL);
        const char *have[] = { path.key.tenant, path.key.network,
                               path.key.name };
        const char *want[] = { good[i].tenant, good[i].network,
                               good[i].name };
        for (int k = 0; k < 3; k++) {
            assert_int_equal(!have[k], !want[k]);
            if (have[k]) {
                assert_string_equal(have[k], want[k]);
            }
        }
    }
    for (size_t i = 0; i < N(bad); i++) {
        if (vx_codec_path_parse(bad[i].path, &path, &err)) {
            fail_msg("%s was taken", bad[i].path);
        }
        assert_int_equal(err.code, bad[i].code);
    }
}

static void
a_path_is_written_as_it_is_read(void **state)
{
    (void) state;
    static const char *const paths[] = {
        "/v1/zones/z1", "/v1/hosts/h1", T, T "/networks/web",
        T "/networks/web/subnets/10.0.0.0%2F24",
        T "/networks/web/subnets/2001%3Adb8%3A%3A%2F64",
        T "/networks/web/ports/vm1",
    };
    struct vx_codec_path path;
    char buf[VX_API_PATH_MAX];

    for (size_t i = 0; i < N(paths); i++) {
        view_of(paths[i], &path);
        assert_string_equal(vx_codec_path_format(path.kind, &path.key, buf),
                            paths[i]);
    }
}

/* --- Writing and reading back. */

static void
a_port_answers_what_the_contract_names(void **state)
{
    (void) state;
    struct vx_port_status status = { .state = VX_PORT_BUILDING,
                                     .reason = "because \"x\"\n",
                                     .reachable_at_ms = 1769860800123 };
    struct vx_codec_path path;
    struct vx_codec_view view = view_of(T "/networks/web/ports/vm1", &path);
    struct vx_buf buf = VX_BUF_INIT;
    char want[700];

    view.port_status = &status;
    vx_codec_object(&view, &buf);
    const struct vx_port *port = (const struct vx_port *) view.obj;
    char mac[VX_MAC_STRLEN], ip4[VX_IP_STRLEN], ip6[VX_IP_STRLEN];
    snprintf(want, sizeof want,
             "{\"name\":\"vm1\",\"tenant\":\"acme\",\"network\":\"web\","
             "\"vni\":5001,\"mac\":\"%s\",\"ips\":[\"%s\",\"%s\"],"
             "\"host\":\"h1\",\"iface_id\":\"acme/web/vm1\","
             "\"status\":\"building\","
             "\"reason\":\"because \\\"x\\\"\\u000a\",\"reachable_at\":"
             "\"2026-01-31T12:00:00.123Z\",\"revision\":1,"
             "\"guard\":false,\"located\":null,\"migrate_from\":null,"
             "\"migrate_hold\":false,\"migration\":null,"
             "\"rate_kbps\":0,\"rate_pps\":0,\"bum_pps\":0,"
             "\"description\":\"\",\"mobility\":0}",
             vx_mac_format(&port->mac, mac),
             vx_ip_format(&port->ips[0], ip4),
             vx_ip_format(&port->ips[1], ip6));
    assert_string_equal(vx_buf_str(&buf), want);
    vx_buf_fini(&buf);
}

static const char *const all_paths[] = {
    "/v1/zones/z1", "/v1/hosts/h1", T, T "/networks/web",
    T "/networks/web/subnets/10.0.0.0%2F24",
    T "/networks/web/subnets/2001:db8::%2F64",
    T "/networks/web/ports/vm1",
};

static void
what_get_answers_may_be_put_back_and_changes_nothing(void **state)
{
    (void) state;
    struct vx_port_status port_status = { .state = VX_PORT_ACTIVE };
    struct vx_api_host_status host_status = { .state = "active" };

    for (size_t i = 0; i < N(all_paths); i++) {
        struct vx_error err = { 0 };
        struct vx_codec_path path;
        struct vx_codec_view view = view_of(all_paths[i], &path);
        struct vx_buf buf = VX_BUF_INIT;
        struct vx_result result;
        struct vx_op op;
        size_t failed;

        view.port_status = &port_status;
        view.host_status = &host_status;
        vx_codec_object(&view, &buf);
        struct vx_doc *doc = vx_doc_parse(buf.data, buf.size, VX_BODY_MAX,
                                          &err);
        assert_non_null(doc);
        if (!vx_codec_put(doc, &path, &view, &op, &err)
            || !vx_model_apply(model, &op, 1, 0, &result, &failed, &err)) {
            fail_msg("%s: %s", vx_buf_str(&buf), err.message);
        }
        assert_int_equal(op.if_match, view.obj->revision);
        assert_false(result.changed);
        vx_doc_free(doc);

        /* An empty patch changes nothing either. */
        doc = vx_doc_parse("{}", 2, VX_BODY_MAX, &err);
        assert_true(vx_codec_patch(doc, &path, &view, &op, &err));
        assert_true(vx_model_apply(model, &op, 1, 0, &result, &failed,
                                   &err));
        assert_false(result.changed);
        vx_doc_free(doc);
        vx_buf_fini(&buf);
    }
}

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

static void
a_merge_patch_changes_what_it_names_and_null_removes(void **state)
{
    (void) state;
    struct vx_codec_path path;
    struct vx_doc *doc;
    struct vx_op op;

    op = patched(T "/networks/web/ports/vm1",
                 "{\"host\":null,\"description\":\"d\"}", &doc, &path);
    assert_null(op.spec.port.host);
    assert_true(op.spec.port.has_mac);
    assert_true(op.spec.port.no_guard);
    assert_int_equal(op.spec.port.n_ips, 2);
    assert_string_equal(op.description, "d");
    vx_doc_free(doc);

    op = patched(T "/networks/web/subnets/10.0.0.0%2F24",
                 "{\"gateway\":\"none\"}", &doc, &path);
    assert_true(op.spec.subnet.no_gateway);
    assert_int_equal(op.spec.subnet.n_ranges, 1);
    vx_doc_free(doc);

    op = patched(T "/networks/web/subnets/2001:db8::%2F64",
                 "{\"description\":\"still none\"}", &doc, &path);
    assert_true(op.spec.subnet.no_gateway);
    vx_doc_free(doc);

    op = patched(T "/networks/web/subnets/2001:db8::%2F64",
                 "{\"gateway\":null}", &doc, &path);
    assert_false(op.spec.subnet.no_gateway);
    vx_doc_free(doc);

    op = patched(T, "{\"router\":false}", &doc, &path);
    assert_false(op.spec.tenant.router);
    assert_int_equal(op.spec.tenant.quota_ports, 7);
    vx_doc_free(doc);
}

static const struct vx_host *
applied(struct vx_op op)
{
    struct vx_error err = { 0 };
    struct vx_result result;
    size_t failed;

    if (!vx_model_apply(model, &op, 1, 0, &result, &failed, &err)) {
        fail_msg("%s: %s", err.field, err.message);
    }
    return (const struct vx_host *) result.obj;
}

/* Whoever writes intent again and again must not reset hosts. */
static void
a_put_of_a_host_keeps_what_it_told_and_null_forgets_it(void **state)
{
    (void) state;
    struct vx_codec_path path;
    struct vx_doc *doc;
    const struct vx_host *host;

    host = applied(patched("/v1/hosts/h1", "{\"draining\":true}", &doc,
                           &path));
    assert_true(host->draining);
    assert_string_equal(host->system_id, "s-1");
    vx_doc_free(doc);
    apply("[{\"op\":\"PUT\",\"path\":\"/v1/hosts/h1\",\"body\":{"
          "\"zone\":\"z1\"}}]");
    host = (const struct vx_host *) view_of("/v1/hosts/h1", &path).obj;
    assert_true(host->draining);
    assert_string_equal(host->system_id, "s-1");
    assert_int_equal(host->vtep.family, 4);
    assert_int_equal(host->mtu, 1600);
    assert_string_equal(host->datapath, "netdev");
    host = applied(patched("/v1/hosts/h1", "{\"system_id\":null,\"vtep\":"
                           "null,\"mtu\":null,\"datapath\":null}", &doc,
                           &path));
    assert_string_equal(host->system_id, "");
    assert_int_equal(host->vtep.family, 0);
    assert_int_equal(host->mtu, 0);
    assert_string_equal(host->datapath, "");
    assert_true(host->draining);
    vx_doc_free(doc);
    vx_model_rollback(model, 0);
}

static void
force_is_for_the_deletion_of_hosts(void **state)
{
    static const struct {
        const char *item;
        bool taken;
    } cases[] = {
        { "\"DELETE\",\"path\":\"/v1/hosts/h1\",\"force\":true", true },
        { "\"DELETE\",\"path\":\"/v1/hosts/h1\",\"force\":1", false },
        { "\"DELETE\",\"path\":\"/v1/zones/z1\",\"force\":true", false },
        { "\"PUT\",\"path\":\"/v1/hosts/h1\",\"body\":{\"zone\":\"z1\"},"
          "\"force\":true", false },
    };
    (void) state;

    for (size_t i = 0; i < N(cases); i++) {
        struct vx_error err = { 0 };
        struct vx_codec_batch batch;
        struct vx_buf buf = VX_BUF_INIT;
        struct vx_doc *doc;
        size_t failed;

        vx_buf_printf(&buf, "[{\"op\":%s}]", cases[i].item);
        doc = vx_doc_parse(buf.data, buf.size, VX_BODY_MAX, &err);
        assert_int_equal(vx_codec_batch(doc, NULL, NULL, &batch, &failed,
                                        &err), cases[i].taken);
        assert_true(cases[i].taken ? batch.ops[0].force
                                   : strstr(err.field, "force") != NULL);
        vx_doc_free(doc);
        vx_buf_fini(&buf);
    }
}

static void
a_record_of_before_hosts_were_drained_is_read(void **state)
{
    static const char old[] =
        "{\"v\":1,\"name\":\"h1\",\"parent\":0,\"description\":\"\","
        "\"zone\":1,\"num\":1,\"system_id\":\"s\",\"vtep\":\"\",\"mtu\":0,"
        "\"datapath\":\"\",\"stranger\":false}";
    struct vx_error err = { 0 };
    struct vx_obj *obj = vx_codec_record_parse(VX_HOST, 2, 3, old,
                                               sizeof old - 1, &err);
    (void) state;

    assert_non_null(obj);
    assert_false(((const struct vx_host *) obj)->draining);
    vx_obj_unref(obj);
}

static void
a_record_holds_every_member(void **state)
{
    (void) state;
    for (size_t i = 0; i < N(all_paths) + 2; i++) {
        struct vx_error err = { 0 };
        struct vx_codec_path path;
        struct vx_buf buf = VX_BUF_INIT;
        struct vx_obj *obj;

        if (i < N(all_paths)) {
            obj = vx_obj_clone(view_of(all_paths[i], &path).obj);
        } else if (i == N(all_paths)) {
            obj = vx_obj_clone(view_of(all_paths[i - 1], &path).obj);
            ((struct vx_port *) obj)->host = 0;
            ((struct vx_port *) obj)->located = 77;
            ((struct vx_port *) obj)->guard = true;
        } else {
            obj = vx_obj_new(VX_RETIRED_VNI);
            obj->oid = 12;
            ((struct vx_retired_vni *) obj)->vni = 99;
            ((struct vx_retired_vni *) obj)->until_ms = 1800000000123;
        }
        vx_codec_record(obj, &buf);
        struct vx_obj *back = vx_codec_record_parse(
            obj->kind, obj->oid, obj->revision, buf.data, buf.size, &err);
        if (!back) {
            fail_msg("%s: %s", vx_buf_str(&buf), err.message);
        }
        assert_true(vx_obj_same(obj, back));
        assert_int_equal(obj->revision, back->revision);
        vx_obj_unref(back);
        vx_obj_unref(obj);
        vx_buf_fini(&buf);
    }
}

static void
a_damaged_or_newer_record_is_refused(void **state)
{
    (void) state;
    static const struct bad table[] = {
        { "{", VX_INTERNAL, "", NULL },
        { "{\"v\":2,\"name\":\"z\",\"parent\":0,\"description\":\"\"}",
          VX_INVALID, "", "newer" },
        { "{\"name\":\"z\",\"parent\":0,\"description\":\"\"}",
          VX_INVALID, "", NULL },
        { "{\"v\":1,\"parent\":0,\"description\":\"\"}", VX_INTERNAL, "",
          "\"name\"" },
        { "{\"v\":1,\"name\":7,\"parent\":0,\"description\":\"\"}",
          VX_INTERNAL, "", "\"name\"" },
        { "{\"v\":1,\"name\":\"z\",\"parent\":-1,\"description\":\"\"}",
          VX_INTERNAL, "", "\"parent\"" },
    };
    struct vx_error err = { 0 };

    for (size_t i = 0; i < N(table); i++) {
        assert_null(vx_codec_record_parse(VX_ZONE, 1, 1, table[i].text,
                                          strlen(table[i].text), &err));
        assert_int_equal(err.code, table[i].code);
        if (table[i].message && !strstr(err.message, table[i].message)) {
            fail_msg("%s", err.message);
        }
    }
    assert_null(vx_codec_record_parse(99, 1, 1, "{}", 2, &err));
    assert_int_equal(err.code, VX_INVALID);
}

static void
a_deleted_object_keeps_its_name_when_its_parents_go_with_it(void **state)
{
    (void) state;
    struct vx_error err = { 0 };
    struct vx_codec_batch parsed;
    size_t failed, n;
    char buf[VX_API_PATH_MAX];
    static const char batch[] =
        "[{\"op\":\"DELETE\",\"path\":\"" T "/networks/web/ports/vm1\"},"
        "{\"op\":\"DELETE\",\"path\":\"" T
        "/networks/web/subnets/10.0.0.0/24\"},"
        "{\"op\":\"DELETE\",\"path\":\"" T
        "/networks/web/subnets/2001:db8::/64\"},"
        "{\"op\":\"DELETE\",\"path\":\"" T "/networks/web\"},"
        "{\"op\":\"DELETE\",\"path\":\"" T "\"}]";
    struct vx_doc *doc = vx_doc_parse(batch, strlen(batch), 9999, &err);

    assert_true(vx_codec_batch(doc, NULL, NULL, &parsed, &failed, &err));
    if (!vx_model_apply(model, parsed.ops, parsed.n, 0, NULL, &failed,
                        &err)) {
        fail_msg("%zu: %s", failed, err.message);
    }
    const struct vx_change *changes = vx_model_staged(model, &n);
    struct vx_codec_names *names = vx_codec_names_new(model, changes, n);
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        struct vx_key key;
        const struct vx_obj *obj = changes[i].old ? changes[i].old
                                                  : changes[i].new;
        if (vx_codec_names_key(names, obj, &key) && obj->kind == VX_PORT) {
            assert_string_equal(
                vx_codec_path_format(obj->kind, &key, buf),
                T "/networks/web/ports/vm1");
            found = true;
        }
    }
    assert_true(found);
    vx_codec_names_free(names);
    vx_model_rollback(model, 0);
    vx_doc_free(doc);
}

static void
strings_that_are_not_utf8_cannot_break_an_answer(void **state)
{
    (void) state;
    struct vx_buf buf = VX_BUF_INIT;

    vx_json_string(&buf, "a\xff" "b\x01\"\\\x7f\xe2\x82\xac\xe2\x82");
    assert_string_equal(vx_buf_str(&buf),
                        "\"a\xef\xbf\xbd" "b\\u0001\\\"\\\\\\u007f"
                        "\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd\"");
    vx_buf_clear(&buf);
    struct vx_error err;
    vx_fail(&err, VX_EXISTS, "vni", "taken");
    vx_codec_error(&err, 3, &buf);
    assert_string_equal(vx_buf_str(&buf),
                        "{\"error\":{\"code\":\"exists\",\"field\":\"vni\","
                        "\"message\":\"taken\",\"index\":3}}");
    vx_buf_fini(&buf);
}

#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, make_one_of_each, free_model)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(malformed_json_is_refused_with_its_place),
        TEST(a_wrong_member_is_named),
        TEST(bodies_are_bounded_in_every_direction),
        TEST(a_bad_batch_names_the_operation_and_the_member),
        TEST(paths_are_decoded_strictly),
        TEST(a_path_is_written_as_it_is_read),
        TEST(a_port_answers_what_the_contract_names),
        TEST(what_get_answers_may_be_put_back_and_changes_nothing),
        TEST(a_merge_patch_changes_what_it_names_and_null_removes),
        TEST(a_put_of_a_host_keeps_what_it_told_and_null_forgets_it),
        TEST(force_is_for_the_deletion_of_hosts),
        TEST(a_record_of_before_hosts_were_drained_is_read),
        TEST(a_record_holds_every_member),
        TEST(a_damaged_or_newer_record_is_refused),
        TEST(a_deleted_object_keeps_its_name_when_its_parents_go_with_it),
        TEST(strings_that_are_not_utf8_cannot_break_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
