/* SPDX-License-Identifier: Apache-2.0 */
/* What an audit of a switch repairs, and what it must leave: rows that have
 * changed since the dump, and the epoch row.  The code of switch_audit.c and
 * switch_epoch.c with the simulation's codec; what a switch sends is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "core/fabric.h"
#include "core/pipeline.h"
#include "daemon/switch_priv.h"
#include "ovs-glue/of_session.h"
#include "tests/sim/sim.h"

enum { MAX_SENT = 20, HASH = 4711 };

/* --- What was sent. */

static struct {
    enum owed_for what;
    struct og_msgs *msgs;
} sent[MAX_SENT];
static size_t n_sent;
static bool is_dump_asked;

struct owed *
vx_switch_send_owed(struct vx_switch *sw, struct og_msgs *msgs,
                    struct vx_receipt *receipt, enum owed_for what)
{
    (void) sw;
    (void) receipt;
    assert_true(n_sent < MAX_SENT);
    sent[n_sent].what = what;
    sent[n_sent++].msgs = og_msgs_ref(msgs);
    return NULL;
}

bool
og_of_session_count(struct og_of_session *s, const struct og_of_part *part)
{
    (void) s;
    (void) part;
    return false;
}

bool
og_of_session_dump_part(struct og_of_session *session,
                        const struct og_of_part *part)
{
    (void) session;
    (void) part;
    is_dump_asked = true;
    return true;
}

/* Times a row of this kind was added (or deleted) by what was sent. */
static size_t
n_times(enum owed_for what, bool add, const struct vx_row *row)
{
    struct srow *wanted = srow_new(row);
    size_t n = 0;

    for (size_t i = 0; i < n_sent; i++) {
        for (size_t k = 0; k < og_msgs_length(sent[i].msgs); k++) {
            const struct sop *op = smsgs_get(sent[i].msgs, k);

            n += sent[i].what == what && op->add == add
                 && !srow_compare_key(&op->row->crow, &wanted->crow);
        }
    }
    srow_unref(wanted);
    return n;
}

/* --- A switch. */

enum { ROW_KEPT, ROW_LOST, ROW_LOST_TOO, ROW_GROUP, ROW_BUCKET, N_ROWS };

static struct event_base *base;
static struct vx_switch sw;
static struct vx_rows want;     /* N_ROWS of them */
static bool may_send, is_done;
static size_t n_different, n_repaired;

static bool
compile_part(void *ctx, uint64_t host, enum vx_tier tier,
             struct vx_fabric_cursor *cursor, struct vx_rows *rows)
{
    (void) ctx;
    (void) host;
    (void) cursor;
    for (unsigned i = 0; i < 3; i++) {
        vx_match_u(vx_rows_flow(rows, tier, 10, 100, 5), VX_F_IN_PORT, i);
    }
    vx_rows_group(rows, tier, 7);
    vx_rows_bucket(rows, tier, 7, 1);
    return false;
}

static uint64_t
hash(void *ctx, uint64_t host, enum vx_tier tier)
{
    (void) ctx;
    (void) host;
    (void) tier;
    return HASH;
}

static bool
is_stranger(void *ctx, uint64_t host)
{
    (void) ctx;
    (void) host;
    return false;
}

static void
drift(void *ctx, unsigned what, const struct vx_crow *have,
      const struct vx_crow *row)
{
    (void) ctx;
    (void) what;
    (void) have;
    (void) row;
}

static bool
compared(void *ctx, size_t n_rows, size_t n)
{
    (void) n_rows;
    n_different = n;
    return *(bool *) ctx;
}

static size_t
take(void *ctx, size_t n, int64_t *ret_wait_ms)
{
    (void) ctx;
    *ret_wait_ms = 1;
    return may_send ? n : 0;
}

static void
done(void *ctx, const char *why, size_t n)
{
    (void) ctx;
    assert_null(why);
    is_done = true;
    n_repaired = n;
}

static int
set_up(void **state)
{
    struct vx_fabric_cursor cursor = { 0 };

    (void) state;
    want = (struct vx_rows) { NULL, 0, 0 };
    base = event_base_new();
    memset(&sw, 0, sizeof sw);
    sw.env = (struct vx_switch_env) {
        .base = base, .tier = VX_FABRIC_TIER, .compile_part = compile_part,
        .hash = hash, .is_stranger = is_stranger,
    };
    sw.facts.state = VX_SWITCH_SYNCED;
    sw.facts.is_unproven = true;
    sw.last = &sw.first;
    sw.step = evtimer_new(base, vx_run_step, &sw);
    vx_epoch_init(&sw);
    compile_part(NULL, 0, VX_FABRIC_TIER, &cursor, &want);
    may_send = is_done = is_dump_asked = false;
    n_different = n_repaired = 0;
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    while (n_sent) {
        og_msgs_unref(sent[--n_sent].msgs);
    }
    event_free(sw.step);
    vx_epoch_fini(&sw);
    event_base_free(base);
    vx_rows_fini(&want);
    return 0;
}

/* Until the dump is asked for, which shows the first n rows. */
static void
audit_with(size_t n, bool *repair, bool only_looks)
{
    const struct vx_switch_audit audit = {
        .ctx = repair, .only_looks = only_looks, .drift = drift,
        .compared = compared, .take = take, .done = done,
    };
    struct og_crows *have = og_crows_new();

    assert_true(vx_switch_audit(&sw, &audit));
    while (!is_dump_asked) {
        event_base_loop(base, EVLOOP_ONCE);
    }
    sw.is_dumping = false;
    og_crows_add_rows(have, want.rows, n);
    vx_run_dumped(&sw, have);
    while (!n_different && !is_done) {
        event_base_loop(base, EVLOOP_ONCE);
    }
}

static void
repair_now(void)
{
    may_send = true;
    while (!is_done) {
        event_base_loop(base, EVLOOP_ONCE);
        vx_run_repaired(&sw);
    }
}

static void
change(const struct vx_row *del, size_t n)
{
    const struct vx_delta delta = {
        .tier = VX_FABRIC_TIER, .del = del, .n_del = n,
    };

    vx_run_touch(&sw, &delta);
}

static void
a_repair_leaves_rows_that_change_while_it_waits(void **state)
{
    bool repair = true;

    (void) state;
    audit_with(1, &repair, false);
    assert_int_equal(n_different, 4);
    change(&want.rows[ROW_LOST], 1);
    repair_now();
    assert_int_equal(n_times(OWED_REPAIR, true, &want.rows[ROW_LOST]), 0);
    assert_int_equal(n_times(OWED_REPAIR, true, &want.rows[ROW_LOST_TOO]),
                     1);
    assert_int_equal(n_times(OWED_REPAIR, true, &want.rows[ROW_GROUP]), 1);
    assert_int_equal(n_times(OWED_REPAIR, true, &want.rows[ROW_BUCKET]), 1);
    assert_int_equal(n_repaired, 3);
    assert_false(sw.facts.is_unproven);
}

static void
a_repair_leaves_the_buckets_of_a_group_that_goes(void **state)
{
    bool repair = true;

    (void) state;
    audit_with(4, &repair, false);
    assert_int_equal(n_different, 1);
    change(&want.rows[ROW_GROUP], 1);
    repair_now();
    assert_int_equal(n_times(OWED_REPAIR, true, &want.rows[ROW_BUCKET]), 0);
    assert_int_equal(n_repaired, 0);
}

/* Somebody has deleted everything: were the row back, with sw->epoch 0,
 * nothing would delete it before the next change. */
static void
a_repair_does_not_write_the_epoch_row(void **state)
{
    bool repair = true;
    struct vx_rows epoch = { NULL, 0, 0 };

    (void) state;
    sw.epoch = (uint64_t) VX_COOKIE_EPOCH << 56 | HASH;
    vx_epoch_rows(&sw, &epoch);
    assert_int_equal(epoch.n, 1);
    audit_with(0, &repair, false);
    assert_int_equal(n_different, N_ROWS + 1);
    repair_now();
    assert_int_equal(n_times(OWED_REPAIR, true, &epoch.rows[0]), 0);
    assert_int_equal(n_times(OWED_EPOCH, false, &epoch.rows[0]), 1);
    assert_int_equal(sw.epoch, 0);
    assert_int_equal(n_repaired, N_ROWS);
    vx_rows_fini(&epoch);
}

static void
who_only_looks_proves_a_switch_only_if_nothing_differs(void **state)
{
    bool repair = false;

    (void) state;
    audit_with(2, &repair, true);
    assert_true(is_done);
    assert_true(sw.facts.is_unproven);
    is_done = is_dump_asked = false;
    n_different = 0;
    audit_with(N_ROWS, &repair, true);
    assert_true(is_done);
    assert_int_equal(n_sent, 0);
    assert_false(sw.facts.is_unproven);
    sw.facts.is_unproven = true;
    is_done = is_dump_asked = false;
    audit_with(2, &repair, false);
    assert_true(is_done);
    assert_false(sw.facts.is_unproven);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_repair_leaves_rows_that_change_while_it_waits, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_repair_leaves_the_buckets_of_a_group_that_goes, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_repair_does_not_write_the_epoch_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            who_only_looks_proves_a_switch_only_if_nothing_differs, set_up,
            tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
