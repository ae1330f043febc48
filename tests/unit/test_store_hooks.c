/* SPDX-License-Identifier: Apache-2.0 */
/* Events and hook runs in the store: all or nothing, bounded, loaded. */
#include "store/store_hooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

static char dir[64];
static struct vx_store *store;

static void
open_store(void)
{
    const struct vx_store_config config = { .dir = dir };
    struct vx_error err;

    if (!vx_store_open(&config, &store, &err)) {
        fail_msg("%s", err.message);
    }
}

static int
start(void **state)
{
    (void) state;
    strcpy(dir, "/tmp/vx-store-hooks-XXXXXX");
    assert_non_null(mkdtemp(dir));
    open_store();
    return 0;
}

static int
stop(void **state)
{
    static const char *const names[] = { "vxfabric.db", "vxfabric.db-wal",
                                         "vxfabric.db-shm", "lock" };
    char path[128];

    (void) state;
    vx_store_close(store);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
    return 0;
}

/* Event seq with a run of the same number. */
static bool
put(uint64_t seq, enum vx_run_state state, bool trim, struct vx_error *err)
{
    const struct vx_store_event event = {
        .seq = seq, .time_ms = 7, .name = "drift", .object = "h1",
        .body = "{}",
    };
    const struct vx_store_run run = {
        .id = seq, .event = seq, .hook = "drift/10-a", .state = state,
        .attempts = 2, .time_ms = 9, .result = "why", .output = "a\0b",
        .output_size = 3,
    };
    const struct vx_store_hooks_batch batch = {
        .events = &event, .n_events = 1, .runs = &run, .n_runs = 1,
        .keep_events = 3, .keep_done = 2, .keep_dead = 1, .trim = trim,
    };

    return vx_store_hooks_commit(store, &batch, err);
}

struct seen {
    uint64_t ids[32];
    size_t n;
    unsigned told[8];
};

static bool
see_run(void *seen_, const struct vx_store_run *run,
        const struct vx_store_event *event)
{
    struct seen *seen = seen_;

    assert_int_equal(run->event, event->seq);
    assert_string_equal(run->hook, "drift/10-a");
    assert_string_equal(run->result, "why");
    assert_int_equal(run->output_size, 3);
    assert_memory_equal(run->output, "a\0b", 3);
    assert_string_equal(event->object, "h1");
    seen->ids[seen->n++] = run->id;
    return true;
}

static void
load_run(void *seen, const struct vx_store_run *run,
         const struct vx_store_event *event)
{
    see_run(seen, run, event);
}

static void
load_told(void *seen, const struct vx_store_told *told)
{
    ((struct seen *) seen)->told[told->oid] = told->state;
}

static void
what_waits_is_loaded_after_a_restart(void **state)
{
    const struct vx_store_told told[] = { { 1, 2 }, { 2, 3 }, { 1, 0 } };
    const struct vx_store_hooks_batch batch = { .told = told, .n_told = 3 };
    struct seen seen = { .n = 0 };
    struct vx_store_hooks_load load = {
        .aux = &seen, .told = load_told, .run = load_run,
    };

    (void) state;
    assert_true(put(1, VX_RUN_WAITING, false, NULL));
    assert_true(put(2, VX_RUN_DONE, false, NULL));
    assert_true(put(3, VX_RUN_WAITING, false, NULL));
    assert_true(vx_store_hooks_commit(store, &batch, NULL));
    vx_store_close(store);
    open_store();
    assert_true(vx_store_hooks_load(store, &load, NULL));
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.ids[0], 1);
    assert_int_equal(seen.ids[1], 3);
    assert_int_equal(seen.told[1], 0);
    assert_int_equal(seen.told[2], 3);
    assert_int_equal(load.last_seq, 3);
    assert_int_equal(load.last_run, 3);
}

static void
nothing_of_a_batch_that_fails_is_kept(void **state)
{
    struct vx_error err;
    uint64_t counts[VX_N_RUN_STATES];

    (void) state;
    assert_true(put(1, VX_RUN_DONE, false, NULL));
    assert_false(put(1, VX_RUN_DEAD, false, &err));     /* seq used twice */
    assert_true(vx_store_runs_count(store, counts, NULL));
    assert_int_equal(counts[VX_RUN_DONE], 1);
    assert_int_equal(counts[VX_RUN_DEAD], 0);
    assert_true(put(2, VX_RUN_DEAD, false, NULL));      /* and on it goes */
}

static bool
see_event(void *seen_, const struct vx_store_event *event)
{
    struct seen *seen = seen_;

    seen->ids[seen->n++] = event->seq;
    return true;
}

static void
the_oldest_go_but_for_events_whose_runs_are_kept(void **state)
{
    static const enum vx_run_state states[] = {
        VX_RUN_WAITING, VX_RUN_DEAD, VX_RUN_DEAD, VX_RUN_DONE, VX_RUN_DONE,
        VX_RUN_DONE, VX_RUN_DONE, VX_RUN_DONE,
    };
    const struct vx_store_event_query events = { .limit = 100 };
    struct vx_store_run_query runs = { .limit = 100, .state = VX_RUN_DEAD };
    struct seen seen = { .n = 0 };

    (void) state;
    for (size_t i = 0; i < 8; i++) {
        assert_true(put(i + 1, states[i], i == 7, NULL));
    }
    assert_true(vx_store_events(store, &events, see_event, &seen, NULL));
    assert_int_equal(seen.n, 5);        /* 1: waits, 3: dead, 6 7 8: new */
    assert_int_equal(seen.ids[0], 1);
    assert_int_equal(seen.ids[1], 3);
    assert_int_equal(seen.ids[2], 6);
    seen.n = 0;
    assert_true(vx_store_runs(store, &runs, see_run, &seen, NULL));
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.ids[0], 3);
    seen.n = 0;
    runs.state = -1;
    runs.before = 8;
    runs.hook = "drift/10-a";
    assert_true(vx_store_runs(store, &runs, see_run, &seen, NULL));
    assert_int_equal(seen.n, 3);        /* newest first */
    assert_int_equal(seen.ids[0], 7);
    assert_int_equal(seen.ids[2], 1);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_waits_is_loaded_after_a_restart),
        TEST(nothing_of_a_batch_that_fails_is_kept),
        TEST(the_oldest_go_but_for_events_whose_runs_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
