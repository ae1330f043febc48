/* SPDX-License-Identifier: Apache-2.0 */
/* What host join and leave would write, from rows as ovsdb-server selects
 * them. */
#include "cli/host_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define U(X) "[\"uuid\",\"" X "\"]"

/* A host that has joined. */
#define IDS                                                                \
    "[\"system-id\",\"s\"],[\"vxfabric-name\",\"h1\"],"                    \
    "[\"vxfabric-zone\",\"z\"],[\"vxfabric-vtep\",\"192.0.2.1\"],"         \
    "[\"vxfabric-mtu\",\"1500\"],[\"vxfabric-datapath\",\"netdev\"]"
#define ROOT(PAIRS, MANAGERS)                                              \
    "[{\"_uuid\":" U("r") ",\"external_ids\":[\"map\",[" PAIRS "]],"       \
    "\"manager_options\":" MANAGERS "}]"
#define MANAGER(X, TARGET, PAIRS)                                          \
    "{\"_uuid\":" U(X) ",\"target\":\"" TARGET "\",\"is_connected\":true," \
    "\"max_backoff\":1000,\"inactivity_probe\":5000,"                      \
    "\"external_ids\":[\"map\",[" PAIRS "]]}"
#define OURS MANAGER("m", "tcp:192.0.2.9:6640", "[\"vxfabric\",\"1\"]")

static const struct vx_join join = {
    .name = "h1", .zone = "z", .vtep = "192.0.2.1", .mtu = "1500",
    .datapath = "netdev", .system_id = "new",
    .target = "tcp:192.0.2.9:6640",
};

/* The operations as text; leave: without and with purge. */
static char *
plan(const char *root, const char *managers, const char *bridges, int leave)
{
    cJSON *r = cJSON_Parse(root), *m = cJSON_Parse(managers);
    cJSON *b = cJSON_Parse(bridges);
    struct vx_host_rows rows = { r, m, b };
    cJSON *ops;
    char *text;

    assert_true(r && m && b);
    ops = leave ? vx_leave_plan(&rows, leave > 1)
                : vx_join_plan(&rows, &join);
    text = cJSON_PrintUnformatted(ops);
    cJSON_Delete(ops);
    cJSON_Delete(r);
    cJSON_Delete(m);
    cJSON_Delete(b);
    return text;
}

static void
assert_plan(char *take_text, const char *const *has, const char *lacks)
{
    for (; *has; has++) {
        if (!strstr(take_text, *has)) {
            fail_msg("no %s in %s", *has, take_text);
        }
    }
    if (lacks && strstr(take_text, lacks)) {
        fail_msg("%s in %s", lacks, take_text);
    }
    cJSON_free(take_text);
}
#define HAS(...) ((const char *const[]) { __VA_ARGS__, NULL })

static void
a_fresh_host_gets_ids_and_a_manager(void **state)
{
    (void) state;
    assert_plan(plan(ROOT("", "[\"set\",[]]"), "[]", "[]", 0),
                HAS("[\"vxfabric-zone\",\"z\"]", "[\"system-id\",\"new\"]",
                    "\"target\":\"tcp:192.0.2.9:6640\"",
                    "[\"manager_options\",\"insert\",[\"named-uuid\","
                    "\"manager\"]]"), "vxfabric-status");
}

static void
a_joined_host_is_left_alone(void **state)
{
    (void) state;
    assert_plan(plan(ROOT(IDS ",[\"vxfabric-status\",\"active\"]", U("m")),
                     "[" OURS "]", "[]", 0), HAS("[]"), "op");
}

static void
a_change_takes_the_status_away(void **state)
{
    (void) state;
    assert_plan(plan(ROOT("[\"system-id\",\"s\"],[\"vxfabric-status\","
                          "\"active\"]", U("m")), "[" OURS "]", "[]", 0),
                HAS("[\"external_ids\",\"delete\",[\"set\","
                    "[\"vxfabric-status\"]]]"), "\"new\"");
}

static void
a_refused_host_asks_again(void **state)
{
    (void) state;
    assert_plan(plan(ROOT(IDS ",[\"vxfabric-status\",\"refused: x\"]",
                          U("m")), "[" OURS "]", "[]", 0),
                HAS("vxfabric-status"), "insert");
}

static void
our_old_manager_is_pointed_elsewhere_and_others_stay(void **state)
{
    (void) state;
    assert_plan(plan(ROOT(IDS, "[\"set\",[" U("m") "," U("f") "]]"),
                     "[" MANAGER("f", "ptcp:6641", "") "," MANAGER(
                         "m", "tcp:198.51.100.1:6640",
                         "[\"vxfabric\",\"1\"]") "]", "[]", 0),
                HAS("\"op\":\"update\"", "\"target\":\"tcp:192.0.2.9:6640\"",
                    U("m")), U("f"));
}

static void
a_manager_with_our_target_is_adopted_and_the_old_one_goes(void **state)
{
    (void) state;
    assert_plan(plan(ROOT(IDS, "[\"set\",[" U("m") "," U("f") "]]"),
                     "[" MANAGER("f", "tcp:192.0.2.9:6640", "") ","
                     MANAGER("m", "tcp:198.51.100.1:6640",
                             "[\"vxfabric\",\"1\"]") "]", "[]", 0),
                HAS("[\"_uuid\",\"==\"," U("f") "]",
                    "[\"manager_options\",\"delete\"," U("m") "]"),
                "insert\",\"table");
}

static void
leave_takes_what_is_ours_only(void **state)
{
    static const char bridges[] =
        "[{\"_uuid\":" U("b") ",\"name\":\"br-tenant\",\"external_ids\":["
        "\"map\",[[\"vxfabric\",\"1\"]]]},{\"_uuid\":" U("x")
        ",\"name\":\"br-x\",\"external_ids\":[\"map\",[]]}]";
    static const char managers[] =
        "[" OURS "," MANAGER("f", "ptcp:6641", "") "]";

    (void) state;
    assert_plan(plan(ROOT(IDS, "[\"set\",[" U("m") "," U("f") "]]"),
                     managers, bridges, 1),
                HAS("vxfabric-vtep", U("m")), "bridges");
    assert_plan(plan(ROOT(IDS, "[\"set\",[" U("m") "," U("f") "]]"),
                     managers, bridges, 2),
                HAS("[\"bridges\",\"delete\"," U("b") "]"), U("x"));
    assert_plan(plan(ROOT("[\"system-id\",\"s\"]", U("f")),
                     "[" MANAGER("f", "ptcp:6641", "") "]", "[]", 1),
                HAS("[]"), "op");
}

static void
odd_rows_do_no_harm(void **state)
{
    (void) state;
    cJSON_free(plan("[{}]", "[{},5,null]", "[{\"name\":5}]", 0));
    cJSON_free(plan("[{\"external_ids\":[\"map\",[5,[],[\"a\"]]],"
                    "\"manager_options\":[[]]}]", "{}", "[]", 2));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_host_gets_ids_and_a_manager),
        cmocka_unit_test(a_joined_host_is_left_alone),
        cmocka_unit_test(a_change_takes_the_status_away),
        cmocka_unit_test(a_refused_host_asks_again),
        cmocka_unit_test(our_old_manager_is_pointed_elsewhere_and_others_stay),
        cmocka_unit_test(
            a_manager_with_our_target_is_adopted_and_the_old_one_goes),
        cmocka_unit_test(leave_takes_what_is_ours_only),
        cmocka_unit_test(odd_rows_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
