/* SPDX-License-Identifier: Apache-2.0 */
/* Events, hooks and runs over HTTP, and their part of openapi.json. */
#include "tests/lib/api_case.h"

static void
lists_have_pages(void **state)
{
    (void) state;
    get("/v1/events?since=1&limit=2", 200,
        "{\"items\":[{\"seq\":2,\"event\":\"drift\"},"
        "{\"seq\":3,\"event\":\"drift\"}],\"next\":\"3\"}");
    get("/v1/events?after=3", 200,
        "{\"items\":[{\"seq\":4,\"event\":\"drift\"},"
        "{\"seq\":5,\"event\":\"drift\"}],\"next\":null}");
    get("/v1/events?since=9", 200, "{\"items\":[],\"next\":null}");
    get("/v1/hook-runs?limit=1", 200, "\"next\":\"5\"}");
    get("/v1/hook-runs?after=2", 200, "{\"items\":[{\"id\":1,");
    get("/v1/hooks?limit=1", 200, "http://x/");
}

static void
a_run_tells_all_with_bytes_that_are_no_text_replaced(void **state)
{
    (void) state;
    get("/v1/hook-runs?state=dead&hook=x&after=2", 200,
        "{\"id\":1,\"hook\":\"x\",\"state\":\"dead\",\"seq\":1,"
        "\"event\":\"drift\",\"object\":\"h1\","
        "\"event_time\":\"1970-01-01T00:00:01.000Z\",\"attempts\":2,"
        "\"time\":\"1970-01-01T00:00:02.500Z\","
        "\"result\":\"exit status 0\",\"output\":\"a\\u000ab\xef\xbf\xbd\"}");
}

static void
actions_are_taken_but_not_from_web_pages(void **state)
{
    (void) state;
    request(&fake, &answer, "POST", "/v1/hook-runs/3/retry", "", "");
    expect(202, "{\"id\":3,\"state\":\"waiting\"}");
    assert_int_equal(fake.retried, 3);
    request(&fake, &answer, "POST", "/v1/hook-runs/4/retry",
            "Origin: http://evil\r\n", "");
    expect(403, "web pages");
    assert_int_equal(fake.retried, 3);
    request(&fake, &answer, "POST", "/v1/hooks/drift/test", "", "{}");
    expect(202, "{\"seq\":6,\"event\":\"drift\",\"runs\":2}");
    request(&fake, &answer, "POST", "/v1/hooks/odd/test", "", "");
    expect(404, "no event");
    request(&fake, &answer, "POST", "/v1/hooks/drift/test", "", "{\"a\":1}");
    expect(400, "no body");
    request(&fake, &answer, "POST", "/v1/hooks/drift/test?x=1", "", "");
    expect(400, "x");
}

static void
what_is_wrong_is_named(void **state)
{
    (void) state;
    get("/v1/events?limit=0", 400, "limit=0");
    get("/v1/events?since=-1", 400, "since");
    get("/v1/hook-runs?state=odd", 400, "state=odd");
    get("/v1/hook-runs?since=1", 400, "since");
    get("/v1/hooks/drift", 404, NULL);
    get("/v1/hook-runs/1", 404, NULL);
    get("/v1/hooks/a/b/test", 404, NULL);
    fake.disk_full = true;
    get("/v1/events", 503, "disk is full");
}

static void
a_controller_without_hooks_has_no_such_paths(void **state)
{
    (void) state;
    fake.backend.hooks = NULL;
    get("/v1/hooks", 404, NULL);
    get("/v1/events", 404, NULL);
}

static void
an_audit_tells_hosts_and_differences(void **state)
{
    (void) state;
    get("/v1/audit", 200, "{\"hosts\":[{\"host\":\"h1\",\"state\":\"idle\","
        "\"result\":\"ok\",\"audited\":\"1970-01-01T00:00:01.000Z\"");
    get("/v1/audit?host=h1&state=open", 200, "\"row\":\"\\\"row\\\"\"");
    get("/v1/audit", 200, "\"gateways\":[{\"gateway\":\"g1\",\"host\":\"h1\","
        "\"state\":\"idle\",\"result\":\"not answered within 10 s\","
        "\"audited\":\"1970-01-01T00:00:02.000Z\"");
    get("/v1/audit?gateway=g1", 200, "\"parts\":[{\"part\":\"zebra\","
        "\"result\":\"ok\",\"rows\":4,\"found\":0,\"repaired\":0,"
        "\"items\":[]}]");
    get("/v1/audit?gateway=g1", 200, "\"hosts\":[]");
    get("/v1/audit?gateway=g2", 404, "g2");
    get("/v1/audit?gateway=g1&host=h1", 400, "not both");
    get("/v1/audit?host=h2", 404, "h2");
    get("/v1/audit?state=odd", 400, "state=odd");
    get("/v1/audit?odd=1", 400, "odd");
    request(&fake, &answer, "POST", "/v1/audit?host=h2", "", "");
    assert_int_equal(answer.status, 404);
    request(&fake, &answer, "POST", "/v1/audit?wait=0", "", "");
    assert_int_equal(answer.status, 202);
    assert_non_null(strstr(answer.body, "\"complete\":false"));
    request(&fake, &answer, "POST", "/v1/audit?wait=601", "", "");
    assert_int_equal(answer.status, 400);
    request(&fake, &answer, "POST", "/v1/audit", "", "{\"a\":1}");
    assert_int_equal(answer.status, 400);
    assert_int_equal(fake.n_repairs, 0);
    request(&fake, &answer, "POST", "/v1/audit?host=h1&repair=1", "", "{}");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"state\":\"repaired\""));
    get("/v1/audit?state=open", 200, "\"items\":[],\"left_out\":0");
    fake.backend.audits = NULL;
    get("/v1/audit", 404, NULL);
}

/* --- openapi.json. */

static const cJSON *
member(const cJSON *json, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, name);

    if (!value) {
        fail_msg("there is no %s", name);
    }
    return value;
}

/* The first item of a list has exactly the members of the schema. */
static void
compare_item(const cJSON *schemas, const char *schema, const char *path)
{
    const cJSON *properties = member(member(schemas, schema), "properties");
    const cJSON *item;
    cJSON *doc;

    get(path, 200, NULL);
    doc = cJSON_Parse(answer.body);
    item = member(doc, "items")->child;
    assert_int_equal(cJSON_GetArraySize(item),
                     cJSON_GetArraySize(properties));
    for (const cJSON *m = item->child; m; m = m->next) {
        const char *type = cJSON_GetStringValue(
            member(member(properties, m->string), "type"));

        assert_string_equal(type, cJSON_IsNumber(m) ? "integer" : "string");
    }
    cJSON_Delete(doc);
}

static void
openapi_json_knows_hooks_runs_and_every_event(void **state)
{
    const cJSON *schemas, *names;
    cJSON *doc;

    (void) state;
    get("/v1/openapi.json", 200, NULL);
    doc = cJSON_Parse(answer.body);
    schemas = member(member(doc, "components"), "schemas");
    compare_item(schemas, "hook", "/v1/hooks");
    compare_item(schemas, "hook_run", "/v1/hook-runs");
    names = member(member(member(member(schemas, "event"), "properties"),
                          "event"), "enum");
    assert_int_equal(cJSON_GetArraySize(names), VX_N_EVENTS);
    for (int i = 0; i < VX_N_EVENTS; i++) {
        assert_string_equal(cJSON_GetArrayItem(names, i)->valuestring,
                            vx_api_event_names[i]);
    }
    assert_null(vx_api_event_names[VX_N_EVENTS]);
    cJSON_Delete(doc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_have_pages),
        TEST(a_run_tells_all_with_bytes_that_are_no_text_replaced),
        TEST(actions_are_taken_but_not_from_web_pages),
        TEST(what_is_wrong_is_named),
        TEST(a_controller_without_hooks_has_no_such_paths),
        TEST(an_audit_tells_hosts_and_differences),
        TEST(openapi_json_knows_hooks_runs_and_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
