/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as ip rules: what is refused, and the order of what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bgp/pbr_sync.h"

static const char *const devices[] = { "e10", "e11" };
static struct vx_prefix src4 = { { 4, { 10, 1 } }, 16 };
static struct vx_prefix src6 = { { 6, { 0xfd } }, 8 };

static struct bg_pbr_policy
policy(const char *name)
{
    return (struct bg_pbr_policy) {
        .name = name, .priority = 300, .vrf = "", .devices = devices,
        .n_devices = 2, .srcs = &src4, .n_srcs = 1, .family = 4,
        .via = { 4, { 192, 0, 2, 1 } }, .table_id = BG_PBR_TABLE_MIN
    };
}

static void
refuses(const struct bg_pbr_policy *p, bool is_netns, const char *field)
{
    struct vx_error err;

    assert_false(bg_pbr_check(p, is_netns, &err));
    assert_string_equal(err.field, field);
    assert_non_null(strstr(err.message, p->name));
}

static void
what_zebra_would_make_broader_is_refused(void **state)
{
    (void) state;
    struct bg_pbr_policy p = policy("acme/p"), q;

    assert_true(bg_pbr_check(&p, true, NULL));
    q = p; q.has_ports = true;
    refuses(&q, false, "match");
    q = p; q.n_devices = 0;
    refuses(&q, false, "devices");
    q = p; q.has_dscp = true; q.dscp = 46;
    refuses(&q, false, "dscp");
    q = p; q.vrf = "vx5001";
    refuses(&q, true, "vrf");
    assert_true(bg_pbr_check(&q, false, NULL));
    q = p; q.is_rate_limited = true;
    refuses(&q, false, "action");
    q = p; q.table_id = 100;
    refuses(&q, false, "table_id");
    q = p; q.srcs = &src6;
    refuses(&q, false, "src");
    q = p; q.priority = 32766;
    refuses(&q, false, "priority");
    q = p; q.family = 5;
    refuses(&q, false, "family");
    q = p; q.via.family = 0;
    refuses(&q, false, "action");
    q.is_drop = true;
    assert_true(bg_pbr_check(&q, false, NULL));
}

struct world {
    struct bg_pbr_sync *sync;
    struct bg_pbr_op ops[16];
    size_t n_ops;
    int64_t now_ms;
};

static void
pull(struct world *w)
{
    w->n_ops = 0;
    while (w->n_ops < 16
           && bg_pbr_sync_next(w->sync, w->now_ms, &w->ops[w->n_ops])) {
        w->n_ops++;
    }
}

static void
route_is(struct world *w, enum bg_route_state state)
{
    struct bg_route_event event = {
        .prefix.ip.family = 4, .table_id = BG_PBR_TABLE_MIN, .state = state
    };

    bg_pbr_sync_route(w->sync, &event);
    pull(w);
}

static void
note(struct world *w, uint32_t unique, enum bg_zapi_rule_notes what)
{
    struct bg_zapi_rule_note n = { what, unique };

    bg_pbr_sync_rule_note(w->sync, &n);
}

static enum bg_pbr_state
last_event(struct world *w)
{
    struct bg_pbr_event event = { .state = BG_PBR_PENDING };
    enum bg_pbr_state state = BG_PBR_PENDING;

    while (bg_pbr_sync_next_event(w->sync, &event)) {
        state = event.state;
    }
    return state;
}

static struct world
begin(const struct bg_pbr_policy *p)
{
    struct world w = { .sync = bg_pbr_sync_new(), .now_ms = 1000 };

    bg_pbr_sync_connected(w.sync);
    assert_true(bg_pbr_sync_set(w.sync, p, true, NULL));
    pull(&w);
    return w;
}

static void
install(struct world *w)
{
    route_is(w, BG_ROUTE_INSTALLED);
    for (size_t i = 0; i < w->n_ops; i++) {
        note(w, w->ops[i].rule.unique, BG_RULE_NOTE_INSTALLED);
    }
    pull(w);
}

static void
the_table_is_filled_before_a_rule_points_at_it(void **state)
{
    (void) state;
    struct bg_pbr_policy p = policy("p");
    struct world w = begin(&p);

    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].kind, BG_PBR_ROUTE_SET);
    assert_int_equal(w.ops[0].route.table_id, BG_PBR_TABLE_MIN);
    route_is(&w, BG_ROUTE_INSTALLED);
    assert_int_equal(w.n_ops, 2);
    assert_int_equal(w.ops[0].kind, BG_PBR_RULE_ADD);
    assert_string_equal(w.ops[0].rule.device, "e10");
    assert_string_equal(w.ops[1].rule.device, "e11");
    assert_int_not_equal(w.ops[0].rule.unique, w.ops[1].rule.unique);
    note(&w, w.ops[0].rule.unique, BG_RULE_NOTE_INSTALLED);
    assert_int_equal(last_event(&w), BG_PBR_PENDING);
    note(&w, w.ops[1].rule.unique, BG_RULE_NOTE_INSTALLED);
    pull(&w);
    assert_int_equal(last_event(&w), BG_PBR_INSTALLED);

    bg_pbr_sync_unset(w.sync, "p");
    pull(&w);
    assert_int_equal(w.n_ops, 2);
    assert_int_equal(w.ops[0].kind, BG_PBR_RULE_DELETE);
    note(&w, w.ops[0].rule.unique, BG_RULE_NOTE_REMOVED);
    note(&w, w.ops[1].rule.unique, BG_RULE_NOTE_FAIL_REMOVE);
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].kind, BG_PBR_ROUTE_UNSET);
    pull(&w);
    assert_int_equal(last_event(&w), BG_PBR_GONE);
    bg_pbr_sync_free(w.sync);
}

static void
a_changed_policy_has_its_new_rules_before_the_old_go(void **state)
{
    (void) state;
    struct bg_pbr_policy p = policy("p");
    struct world w = begin(&p);

    install(&w);
    p.n_devices = 1;
    p.priority = 301;
    assert_true(bg_pbr_sync_set(w.sync, &p, true, NULL));
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].kind, BG_PBR_RULE_ADD);
    assert_int_equal(w.ops[0].rule.priority, 301);
    note(&w, w.ops[0].rule.unique, BG_RULE_NOTE_INSTALLED);
    pull(&w);
    assert_int_equal(w.n_ops, 2);
    assert_int_equal(w.ops[0].kind, BG_PBR_RULE_DELETE);
    assert_int_equal(w.ops[0].rule.priority, 300);
    bg_pbr_sync_free(w.sync);
}

static void
after_a_reconnect_all_rules_are_said_again(void **state)
{
    (void) state;
    struct bg_pbr_policy p = policy("p");
    struct world w = begin(&p);

    install(&w);
    assert_int_equal(last_event(&w), BG_PBR_INSTALLED);
    bg_pbr_sync_disconnected(w.sync);
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    assert_int_equal(last_event(&w), BG_PBR_PENDING);
    bg_pbr_sync_connected(w.sync);
    pull(&w);
    assert_int_equal(w.n_ops, 2);
    assert_int_equal(w.ops[0].kind, BG_PBR_RULE_ADD);
    bg_pbr_sync_free(w.sync);
}

static void
a_rule_that_fails_or_is_not_answered_is_told(void **state)
{
    (void) state;
    struct bg_pbr_policy p = policy("p");
    struct world w = begin(&p);

    route_is(&w, BG_ROUTE_INSTALLED);
    note(&w, w.ops[0].rule.unique, BG_RULE_NOTE_INSTALLED);
    assert_true(bg_pbr_sync_tick(w.sync, w.now_ms) > 0);
    w.now_ms += 3001;
    bg_pbr_sync_tick(w.sync, w.now_ms);
    pull(&w);
    assert_int_equal(last_event(&w), BG_PBR_FAILED);
    bg_pbr_sync_free(w.sync);
}

static void
a_next_hop_that_fails_keeps_the_rules_back(void **state)
{
    (void) state;
    struct bg_pbr_policy p = policy("p");
    struct world w = begin(&p);

    route_is(&w, BG_ROUTE_FAILED);
    assert_int_equal(w.n_ops, 0);
    assert_int_equal(last_event(&w), BG_PBR_FAILED);
    /* A set that is refused is as an unset. */
    p.has_ports = true;
    assert_false(bg_pbr_sync_set(w.sync, &p, true, NULL));
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].kind, BG_PBR_ROUTE_UNSET);
    assert_int_equal(last_event(&w), BG_PBR_GONE);
    bg_pbr_sync_free(w.sync);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_zebra_would_make_broader_is_refused),
        cmocka_unit_test(the_table_is_filled_before_a_rule_points_at_it),
        cmocka_unit_test(
            a_changed_policy_has_its_new_rules_before_the_old_go),
        cmocka_unit_test(after_a_reconnect_all_rules_are_said_again),
        cmocka_unit_test(a_rule_that_fails_or_is_not_answered_is_told),
        cmocka_unit_test(a_next_hop_that_fails_keeps_the_rules_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
