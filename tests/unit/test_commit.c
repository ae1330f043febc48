/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: what one commit causes is staged when it is over, and is
 * nobody's to take back.  The store is a stub, the rest is real. */
#include "daemon/commit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "api/watch.h"
#include "store/store.h"
#include "tests/lib/deaf_receipts.h"

static unsigned n_stored;
static bool is_full;

bool
vx_store_commit(struct vx_store *store, const struct vx_store_batch *batch,
                struct vx_error *err)
{
    (void) store;
    (void) batch;
    n_stored += !is_full;
    return !is_full || vx_fail(err, VX_UNAVAILABLE, "", "disk full");
}

struct world {
    struct event_base *base;
    struct vx_model *model;
    struct vx_watch *watch;
    struct vx_receipts *receipts;
    struct vx_commit *commit;
    unsigned n_follow;          /* zones that follow, each from a commit */
    uint64_t applied[4];        /* what was told of changes */
    size_t n_applied;
    bool within;                /* drained from within a flush: the answer */
};

static int64_t
now_ms(void *ctx)
{
    (void) ctx;
    return 1;
}

static void
done(void *ok, const struct vx_commit_outcome *outcome)
{
    *(int *) ok = outcome->err ? -1 : 1;
}

static void
put_zone(struct world *w, const char *name, int *ok)
{
    const struct vx_op op = { .type = VX_OP_PUT, .kind = VX_ZONE,
                              .key = { .name = name } };

    vx_commit_submit(w->commit, &op, 1, done, ok);
}

static int followed[8];

/* As a host does that was refused: the commit lets it join. */
static void
apply(void *w_, const struct vx_change *change, struct vx_receipt *receipt)
{
    struct world *w = w_;
    struct vx_error err;
    char name[32];

    (void) receipt;
    if (w->n_applied < 4) {
        w->applied[w->n_applied++] = vx_commit_applying(w->commit);
        assert_int_equal(vx_commit_applying(w->commit), change->revision);
    }
    w->within = vx_commit_drain(w->commit, &err);
    if (w->n_follow) {
        w->n_follow--;
        snprintf(name, sizeof name, "follower-%u", w->n_follow);
        put_zone(w, name, &followed[w->n_follow]);
    }
}

static bool
has_zone(const struct world *w, const char *name)
{
    const struct vx_key key = { .name = name };

    return vx_model_find(w->model, VX_ZONE, &key, NULL);
}

static size_t
n_staged(const struct world *w)
{
    size_t n;

    vx_model_staged(w->model, &n);
    return n;
}

static int
set_up(void **state)
{
    static struct world w;
    const struct vx_model_config model_config = { .mac_prefix = 2 };
    const struct vx_watch_config watch_config = { .ring_bytes = 0 };
    struct vx_commit_env env = { .ctx = &w, .apply = apply,
                                 .now_ms = now_ms };

    memset(&w, 0, sizeof w);
    memset(followed, 0, sizeof followed);
    n_stored = 0;
    is_full = false;
    w.base = env.base = event_base_new();
    event_base_priority_init(w.base, 3);
    w.model = env.model = vx_model_new(&model_config);
    w.watch = env.watch = vx_watch_new(&watch_config, 0);
    w.receipts = env.receipts = deaf_receipts_new();
    w.commit = vx_commit_new(&env);
    *state = &w;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *w = *state;

    vx_commit_free(w->commit);
    vx_receipts_free(w->receipts);
    vx_watch_free(w->watch);
    vx_model_free(w->model);
    event_base_free(w->base);
    return 0;
}

static void
what_a_commit_causes_is_staged_after_a_flush(void **state)
{
    struct world *w = *state;
    int ok = 0;

    w->n_follow = 1;
    put_zone(w, "first", &ok);
    assert_true(vx_commit_flush(w->commit, NULL));
    assert_int_equal(ok, 1);
    assert_int_equal(followed[0], 0);       /* not durable yet */
    assert_int_equal(n_staged(w), 1);
    assert_true(vx_commit_flush(w->commit, NULL));
    assert_int_equal(followed[0], 1);
}

/* A host that has not confirmed the first of them has not realized it, though
 * it owes something since a turn that ends with the second. */
static void
each_request_of_a_turn_is_applied_at_its_own_revision(void **state)
{
    struct world *w = *state;
    int ok[2] = { 0, 0 };

    put_zone(w, "first", &ok[0]);
    put_zone(w, "second", &ok[1]);
    assert_true(vx_commit_flush(w->commit, NULL));
    assert_int_equal(n_stored, 1);
    assert_int_equal(w->n_applied, 2);
    assert_int_equal(w->applied[1], vx_commit_revision(w->commit));
    assert_int_equal(w->applied[0] + 1, w->applied[1]);
    assert_int_equal(vx_commit_applying(w->commit),
                     vx_commit_revision(w->commit));
}

static void
a_drain_ends_when_nothing_is_staged(void **state)
{
    struct world *w = *state;
    int ok = 0;

    w->n_follow = 3;
    put_zone(w, "first", &ok);
    assert_true(vx_commit_drain(w->commit, NULL));
    assert_int_equal(n_staged(w), 0);
    assert_int_equal(n_stored, 4);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(followed[i], 1);
    }
}

static void
a_rehearsal_after_a_drain_takes_back_nothing_else(void **state)
{
    struct world *w = *state;
    const struct vx_op op = { .type = VX_OP_PUT, .kind = VX_ZONE,
                              .key = { .name = "rehearsed" } };
    int ok = 0;

    w->n_follow = 1;
    put_zone(w, "first", &ok);
    assert_true(vx_commit_drain(w->commit, NULL));
    assert_true(vx_model_apply(w->model, &op, 1, 1, NULL, NULL, NULL));
    vx_model_rollback(w->model, 0);
    assert_false(has_zone(w, "rehearsed"));
    assert_true(has_zone(w, "follower-0"));
    assert_int_equal(followed[0], 1);
}

static void
a_drain_fails_with_the_store_and_from_within_a_flush(void **state)
{
    struct world *w = *state;
    struct vx_error err;
    int ok = 0;

    is_full = true;
    put_zone(w, "first", &ok);
    assert_false(vx_commit_drain(w->commit, &err));
    assert_int_equal(ok, -1);
    assert_string_equal(err.message, "disk full");
    is_full = false;
    w->within = true;
    put_zone(w, "second", &ok);
    assert_true(vx_commit_drain(w->commit, &err));
    assert_false(w->within);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_a_commit_causes_is_staged_after_a_flush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            each_request_of_a_turn_is_applied_at_its_own_revision, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_drain_ends_when_nothing_is_staged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_rehearsal_after_a_drain_takes_back_nothing_else, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_drain_fails_with_the_store_and_from_within_a_flush, set_up,
            tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
