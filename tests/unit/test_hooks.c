/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks of the controller without a controller: births, what was told,
 * bursts, the signature of webhooks. What is run is in tests/api. */
#include "daemon/hooks.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/webhook.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "store/store.h"

static char dir[64];
static struct event_base *base;
static struct vx_options options;
static struct vx_store *store;
static struct vx_hooks *hooks;
static unsigned n_settled;

static int64_t
clock_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * (int64_t) 1000 + ts.tv_nsec / 1000000;
}

static void
settle(void *ctx)
{
    (void) ctx;
    n_settled++;
}

static bool
data(void *ctx, uint64_t oid, struct vx_buf *out)
{
    (void) ctx;
    vx_buf_printf(out, "{\"oid\":%u}", (unsigned) oid);
    return oid % 2;
}

static void
open_hooks(void)
{
    const struct vx_store_config config = { .dir = dir };
    const struct vx_hooks_env env = {
        .base = base, .settle = settle, .data = data, .options = &options,
        .store = NULL, .events = vx_api_event_names, .wall_ms = clock_ms,
        .mono_ms = clock_ms,
    };
    struct vx_hooks_env with_store = env;

    assert_true(vx_store_open(&config, &store, NULL));
    with_store.store = store;
    assert_true(vx_hooks_new(&with_store, &hooks, NULL));
}

static void
close_hooks(void)
{
    vx_hooks_free(hooks);
    vx_store_close(store);
}

static int
start(void **state)
{
    (void) state;
    strcpy(dir, "/tmp/vx-hooks-XXXXXX");
    assert_non_null(mkdtemp(dir));
    vx_log_set_level(VX_LOG_ERROR);
    base = event_base_new();
    event_base_priority_init(base, 3);
    vx_options_init(&options);
    assert_true(vx_options_set(&options, "hooks_dir", dir, NULL));
    open_hooks();
    return 0;
}

static int
stop(void **state)
{
    static const char *const names[] = { "vxfabric.db", "vxfabric.db-wal",
                                         "vxfabric.db-shm", "lock" };
    char path[128];

    (void) state;
    close_hooks();
    event_base_free(base);
    vx_options_fini(&options);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
    return 0;
}

static bool
tell(uint64_t oid, unsigned told)
{
    return vx_hooks_event(hooks, &(struct vx_hooks_event) {
        .name = "port-active", .object = "a/b/c", .text = "\"x\"",
        .told_oid = oid, .told = told });
}

struct got {
    size_t n;
    uint64_t last;
    char first[200];
};

static void
each(void *got_, const struct vx_api_event *event)
{
    struct got *got = got_;

    assert_true(event->seq > got->last);
    if (!got->n++) {
        snprintf(got->first, sizeof got->first, "%s", event->body);
    }
    got->last = event->seq;
}

static struct got
events(void)
{
    const struct vx_api_hooks *api = vx_hooks_api(hooks);
    struct got got = { .n = 0 };

    assert_true(api->events(api->ctx, 0, SIZE_MAX, NULL, each, &got, NULL));
    return got;
}

static void
an_event_has_the_object_as_it_is_when_it_is_written(void **state)
{
    struct got got;

    (void) state;
    n_settled = 0;
    assert_true(tell(7, 1));
    assert_int_equal(n_settled, 0);
    got = events();
    assert_int_equal(n_settled, 1);
    assert_int_equal(got.n, 1);
    assert_non_null(strstr(got.first, "\"event\":\"port-active\",\"object\":"
                           "\"a/b/c\",\"text\":\"\\\"x\\\"\",\"data\":"
                           "{\"oid\":7},\"test\":false}"));
}

static void
what_was_told_is_known_after_a_restart(void **state)
{
    (void) state;
    tell(1, 2);
    tell(2, 2);
    vx_hooks_tell(hooks, 1, 0);
    tell(9, 3);
    assert_int_equal(vx_hooks_told(hooks, 1), 0);
    close_hooks();
    open_hooks();
    assert_int_equal(vx_hooks_told(hooks, 1), 0);
    assert_int_equal(vx_hooks_told(hooks, 2), 2);
    assert_int_equal(vx_hooks_told_after(hooks, 0), 2);
    assert_int_equal(vx_hooks_told_after(hooks, 2), 9);
    assert_int_equal(vx_hooks_told_after(hooks, 9), 0);
    assert_int_equal(events().n, 3);
}

static void
an_event_without_room_tells_nothing(void **state)
{
    struct vx_hooks_counters counters;

    (void) state;
    for (unsigned i = 0; i < VX_HOOKS_MAX_UNWRITTEN; i++) {
        if (!vx_hooks_event(hooks, &(struct vx_hooks_event) {
                .name = "drift", .object = "h", .text = "" })) {
            fail_msg("event %u has no room", i);
        }
    }
    assert_false(tell(5, 2));
    assert_int_equal(vx_hooks_told(hooks, 5), 0);
    vx_hooks_counters(hooks, &counters);
    assert_int_equal(counters.n_lost, 1);
}

static void
a_burst_is_written_a_slice_per_turn(void **state)
{
    enum { N = 10000 };
    int64_t began, longest = 0;

    (void) state;
    for (unsigned i = 1; i <= N; i++) {
        assert_true(tell(i, 2));
    }
    began = clock_ms();
    for (int64_t turn = began, now; vx_hooks_pending(hooks); turn = now) {
        event_base_loop(base, EVLOOP_ONCE);
        now = clock_ms();
        longest = now - turn > longest ? now - turn : longest;
    }
    print_message("# %d events in %d ms, longest turn %d ms\n", N,
                  (int) (clock_ms() - began), (int) longest);
    assert_int_equal(events().last, N);
    assert_int_equal(vx_hooks_told(hooks, N), 2);
}

/* Made with openssl dgst -sha256 -hmac. */
static void
a_signature_is_hmac_sha256_of_timestamp_dot_body(void **state)
{
    static const char secret[] = "0123456789abcdef";
    char signature[VX_SIGNATURE_SIZE];

    (void) state;
    vx_webhook_sign(secret, strlen(secret), 1764000000, "{\"seq\":1}",
                    signature);
    assert_string_equal(signature, "v1=14614cd12b27db2b49d35f1ad111fe9c"
                        "ce6a3e573d300f127ee57018c1ec67cc");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_has_the_object_as_it_is_when_it_is_written),
        TEST(what_was_told_is_known_after_a_restart),
        TEST(an_event_without_room_tells_nothing),
        TEST(a_burst_is_written_a_slice_per_turn),
        TEST(a_signature_is_hmac_sha256_of_timestamp_dot_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
