/* SPDX-License-Identifier: Apache-2.0 */
/* The change stream over HTTP, and openapi.json against the code. */
#include "tests/lib/api_case.h"

/* --- Watching. */

static void
expect_line(struct client *client, const char *part)
{
    char *line = client_read_line(client);

    if (!strstr(line, part)) {
        fail_msg("%s is not in %s", part, line);
    }
    cJSON *json = cJSON_Parse(line);
    assert_true(cJSON_IsObject(json));
    cJSON_Delete(json);
    free(line);
}

static void
a_watch_tells_the_past_then_lives(void **state)
{
    (void) state;
    struct client client;

    populate();
    open_watch(&client, "?since=7");
    expect_line(&client, "\"path\":\"" NET "/ports/vm2\",\"body\":{");
    expect_line(&client, "\"path\":\"" NET "/ports/vm3\"");
    expect_line(&client, "{\"revision\":9,\"op\":\"live\"}");
    request(&fake, &answer, "DELETE", NET "/ports/vm3", "", "");
    expect_line(&client, "\"op\":\"DELETE\",\"path\":\"" NET "/ports/vm3\"");
    vx_watch_status(fake.watch, NET "/ports/vm1", "active", "",
                    1769860800123);
    expect_line(&client, "{\"revision\":10,\"op\":\"status\",\"path\":\"" NET
                "/ports/vm1\",\"status\":\"active\",\"reason\":\"\","
                "\"reachable_at\":\"2026-01-31T12:00:00.123Z\"}");
    vx_watch_event(fake.watch, "vni-exhaustion", "\"free\":0");
    expect_line(&client, "\"event\":\"vni-exhaustion\",\"free\":0}");
    fake_settle(&fake);
    vx_watch_heartbeat(fake.watch);
    expect_line(&client, "\"heartbeat\"");
    client_close(&client);
    for (int i = 0; i < 1000 && vx_watch_n_subs(fake.watch); i++) {
        fake_settle(&fake);
    }
    assert_int_equal(vx_watch_n_subs(fake.watch), 0);
}

static void
a_watch_without_since_begins_now(void **state)
{
    (void) state;
    struct client client;

    put(T, "{}", 201);
    vx_watch_status(fake.watch, T, "old", "", 0);
    open_watch(&client, "");
    expect_line(&client, "\"live\"");
    client_close(&client);
}

static void
what_the_ring_forgot_comes_from_the_journal(void **state)
{
    (void) state;
    struct fake_options options = {
        .watch = { .ring_bytes = 600, .sub_bytes = 2000 },
    };
    struct client client;
    char path[100], part[100];

    fake_stop(&fake);
    fake_start(&fake, &options);
    put(T, "{}", 201);
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof path, T "/networks/n%d", i);
        put(path, "{}", 201);
    }
    open_watch(&client, "?since=1");
    for (int i = 0; i < 100; i++) {
        snprintf(part, sizeof part, "/networks/n%d\"", i);
        expect_line(&client, part);
    }
    expect_line(&client, "\"live\"");
    client_close(&client);

    fake.journal_floor = 50;
    get("/v1/watch?since=49", 410, "no longer kept");
    open_watch(&client, "?since=50");
    expect_line(&client, "/networks/n49\"");
    client_close(&client);
}

static void
a_long_revision_reaches_a_slow_watcher_whole(void **state)
{
    (void) state;
    struct fake_options options = {
        .watch = { .ring_bytes = 5000, .sub_bytes = 3000 },
    };
    struct vx_buf buf = VX_BUF_INIT;
    struct client client;
    char part[100];

    fake_stop(&fake);
    fake_start(&fake, &options);
    open_watch(&client, "");
    expect_line(&client, "\"live\"");
    vx_buf_puts(&buf, "[{\"op\":\"PUT\",\"path\":\"" T "\"}");
    for (int i = 0; i < 3000; i++) {
        vx_buf_printf(&buf, ",{\"op\":\"PUT\",\"path\":\"" T
                      "/networks/n%d\"}", i);
    }
    vx_buf_puts(&buf, "]");
    request(&fake, &answer, "POST", "/v1/batch", "", vx_buf_str(&buf));
    expect(200, NULL);
    vx_buf_fini(&buf);
    /* Lines may come twice (ring, then journal), none may be missing. */
    for (int i = 0; i < 3000;) {
        char *line = client_read_line(&client);
        snprintf(part, sizeof part, "/networks/n%d\"", i);
        i += strstr(line, part) != NULL;
        free(line);
    }
    client_close(&client);
}

static void
watchers_are_counted(void **state)
{
    (void) state;
    struct fake_options options = { .watch = { .max_subs = 1 } };
    struct client client;

    fake_stop(&fake);
    fake_start(&fake, &options);
    open_watch(&client, "");
    get("/v1/watch", 429, "too_many");
    client_close(&client);
}

/* --- openapi.json. */

static const cJSON *
at(const cJSON *json, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!value) {
        fail_msg("openapi.json lacks %s", name);
    }
    return value;
}

static void
compare_schema(const cJSON *schemas, enum vx_kind kind)
{
    static const char *const types[] = {
        "string", "integer", "boolean", "array", "array", "string",
        "object", "object", "array", "object", "array",
    };
    size_t n;
    const struct vx_codec_field *fields = vx_codec_fields(kind, &n);
    const cJSON *schema = at(schemas, kind == VX_UPLINK ? "fabric_peering"
                                      : vx_kind_name(kind));
    const cJSON *properties = at(schema, "properties");

    assert_int_equal(cJSON_GetArraySize(properties), n);
    for (size_t i = 0; i < n; i++) {
        const struct vx_codec_field *f = &fields[i];
        const cJSON *p = at(properties, f->name), *type = at(p, "type");
        if (cJSON_IsArray(type) != f->nullable
            || strcmp(cJSON_GetStringValue(
                          f->nullable ? cJSON_GetArrayItem(type, 0) : type),
                      types[f->type])
            || strcmp(cJSON_GetStringValue(at(p, "description")), f->help)
            || cJSON_IsTrue(cJSON_GetObjectItem(p, "readOnly"))
                   == f->settable
            || cJSON_IsTrue(cJSON_GetObjectItem(p, "writeOnly"))
                   != f->secret) {
            fail_msg("openapi.json: %s.%s differs from the code",
                     vx_kind_name(kind), f->name);
        }
        if (f->settable && f->type == VX_T_UINT) {
            assert_true(at(p, "minimum")->valuedouble == (double) f->min);
            assert_true(at(p, "maximum")->valuedouble == (double) f->max);
        }
        if (f->settable && f->type == VX_T_STRING) {
            assert_true(at(p, "maxLength")->valuedouble == (double) f->max);
        }
    }
}

/* Every path of the document, with its parameters filled in, takes exactly
 * the methods that it names. */
static void
compare_path(const char *template, const cJSON *item)
{
    static const char *const methods[] = {
        "get", "put", "patch", "delete", "post",
    };
    struct vx_buf path = VX_BUF_INIT;

    for (const char *p = template; *p; p++) {
        if (*p == '{') {
            vx_buf_puts(&path, "x");
            p += strcspn(p, "}");
        } else {
            vx_buf_put(&path, p, 1);
        }
    }
    for (size_t i = 0; i < N(methods); i++) {
        char upper[8] = "";
        for (size_t k = 0; methods[i][k]; k++) {
            upper[k] = (char) (methods[i][k] - 32);
        }
        /* A body that no change takes, so that nothing changes. */
        bool watch = !strcmp(template, "/v1/watch") && !i;
        request(&fake, &answer, upper,
                watch ? "/v1/watch?since=9" : vx_buf_str(&path), "",
                i ? "?" : "");
        if ((answer.status == 405)
            == cJSON_HasObjectItem(item, methods[i])) {
            fail_msg("openapi.json: %s %s: %d", upper, template,
                     answer.status);
        }
    }
    vx_buf_fini(&path);
}

static void
openapi_json_says_what_the_code_does(void **state)
{
    (void) state;
    get("/v1/openapi.json", 200, "\"openapi\": \"3.1.0\"");
    cJSON *doc = cJSON_Parse(answer.body);
    assert_non_null(doc);
    const cJSON *schemas = at(at(doc, "components"), "schemas");
    for (enum vx_kind kind = VX_ZONE; kind < VX_N_KINDS; kind++) {
        if (vx_kind_is_intent(kind)) {
            compare_schema(schemas, kind);
        }
    }
    const cJSON *paths = at(doc, "paths"), *item;
    cJSON_ArrayForEach (item, paths) {
        compare_path(item->string, item);
    }
    assert_int_equal(cJSON_GetArraySize(paths), 48);
    get("/v1", 200, "\"resources\"");
    cJSON *index = cJSON_Parse(answer.body);
    cJSON_ArrayForEach (item, at(index, "resources")) {
        at(paths, item->valuestring);
    }
    cJSON_Delete(index);
    const cJSON *codes = at(at(at(at(at(at(schemas, "error"), "properties"),
                                     "error"), "properties"), "code"),
                            "enum");
    assert_int_equal(cJSON_GetArraySize(codes), VX_N_ERR_CODES - 1);
    for (int i = 1; i < VX_N_ERR_CODES; i++) {
        bool found = false;
        cJSON_ArrayForEach (item, codes) {
            found |= !strcmp(item->valuestring,
                             vx_err_name((enum vx_err_code) i));
        }
        assert_true(found);
    }
    cJSON_Delete(doc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_watch_tells_the_past_then_lives),
        TEST(a_watch_without_since_begins_now),
        TEST(what_the_ring_forgot_comes_from_the_journal),
        TEST(a_long_revision_reaches_a_slow_watcher_whole),
        TEST(watchers_are_counted),
        TEST(openapi_json_says_what_the_code_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
