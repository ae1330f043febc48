/* SPDX-License-Identifier: Apache-2.0 */
/* What a switch does with its epoch row when its OVSDB was put right, and
 * what it has realized when rows change while it is compared: the code of
 * switch*.c with the simulation's codec and a session that keeps what is
 * queued. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>

#include "core/fabric.h"
#include "core/pipeline.h"
#include "daemon/switch_priv.h"
#include "ovs-glue/of_session.h"
#include "tests/lib/deaf_receipts.h"
#include "tests/sim/sim.h"

enum { MAX_QUEUED = 16, HASH = 4711 };

/* --- A session, and that of the other bridge. */

static char session, session2;  /* only their addresses count */
static struct {
    const void *session;
    struct og_msgs *msgs;
    uint64_t tag;
    uint64_t fence;             /* the last one before it */
} queued[MAX_QUEUED];
static size_t n_queued;
static uint64_t fence, fence2, passed, passed2;

static bool
is_second(const struct og_of_session *s)
{
    const void *p = s;

    assert_true(p == &session || p == &session2);
    return p == &session2;
}

static uint64_t *
fence_of(const struct og_of_session *s)
{
    return is_second(s) ? &fence2 : &fence;
}

void
og_of_session_queue(struct og_of_session *s, struct og_msgs *msgs,
                    uint64_t tag)
{
    assert_true(n_queued < MAX_QUEUED);
    queued[n_queued].session = s;
    queued[n_queued].fence = *fence_of(s);
    queued[n_queued].msgs = og_msgs_ref(msgs);
    queued[n_queued++].tag = tag;
}

void
og_of_session_fence(struct og_of_session *s, uint64_t number)
{
    *fence_of(s) = number;
}

void
og_of_session_pass(struct og_of_session *s, uint64_t number)
{
    *(is_second(s) ? &passed2 : &passed) = number;
}

void
og_of_session_free(struct og_of_session *s)
{
    if (s) {
        (void) is_second(s);
    }
}

void
og_of_session_drop(struct og_of_session *s)
{
    (void) s;
}

bool
og_of_session_dump(struct og_of_session *s, uint8_t table)
{
    (void) s;
    (void) table;
    return true;
}

bool
og_of_session_count(struct og_of_session *s, const struct og_of_part *part)
{
    (void) s;
    (void) part;
    return false;
}

bool
og_of_session_dump_part(struct og_of_session *s,
                        const struct og_of_part *part)
{
    (void) s;
    (void) part;
    return true;
}

void
og_of_session_packet_out(struct og_of_session *s, const void *frame,
                         size_t size, const struct vx_row *acts)
{
    (void) s;
    (void) frame;
    (void) size;
    (void) acts;
}

void
og_of_session_ping(struct og_of_session *s)
{
    (void) s;
}

void
og_of_session_get_counters(const struct og_of_session *s,
                           struct og_of_counters *ret_counters)
{
    (void) s;
    *ret_counters = (struct og_of_counters) { 0 };
}

/* --- A switch. */

static struct event_base *base;
static struct vx_switch *sw;

static uint64_t
hash(void *ctx, uint64_t host, enum vx_tier tier)
{
    (void) ctx;
    (void) host;
    (void) tier;
    return HASH;
}

static uint64_t applied;

static uint64_t
revision(void *ctx)
{
    (void) ctx;
    return applied;
}

static bool
is_stranger(void *ctx, uint64_t host)
{
    (void) ctx;
    (void) host;
    return false;
}

static void
changed(void *ctx, uint64_t host, enum vx_tier tier)
{
    (void) ctx;
    (void) host;
    (void) tier;
}

static void
wanted_row(struct vx_rows *rows, uint8_t table)
{
    vx_rows_flow(rows, VX_FABRIC_TIER, table, 100, 1);
}

static void
compile(void *ctx, uint64_t host, enum vx_tier tier, struct vx_rows *ret_rows)
{
    (void) ctx;
    (void) host;
    (void) tier;
    wanted_row(ret_rows, 1);
}

/* Rows that it may keep until the other bridge has what replaces them. */
static bool has_past;

static void
compile_past(void *ctx, uint64_t host, enum vx_tier tier,
             struct vx_rows *ret_rows)
{
    (void) ctx;
    (void) host;
    (void) tier;
    if (has_past) {
        wanted_row(ret_rows, 2);
    }
}

static struct vx_receipts *receipts;

static int
set_up(void **state)
{
    struct vx_switch_env env = {
        .name = "h1/br-fabric", .tier = VX_FABRIC_TIER, .hash = hash,
        .compile = compile, .compile_past = compile_past,
        .revision = revision, .is_stranger = is_stranger, .changed = changed,
    };

    (void) state;
    applied = 1;
    base = event_base_new();
    receipts = deaf_receipts_new();
    env.base = base;
    env.receipts = receipts;
    sw = vx_switch_new(&env);
    sw->session = (struct og_of_session *) (void *) &session;
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    vx_switch_free(sw);
    has_past = false;
    vx_receipts_free(receipts);
    while (n_queued) {
        og_msgs_unref(queued[--n_queued].msgs);
    }
    event_base_free(base);
    return 0;
}

/* What was queued last is one modification of the epoch row. */
static void
expect_epoch_row(bool add)
{
    const struct sop *op;

    assert_true(n_queued > 0);
    assert_int_equal(og_msgs_length(queued[n_queued - 1].msgs), 1);
    op = smsgs_get(queued[n_queued - 1].msgs, 0);
    assert_int_equal(op->add, add);
    assert_true(vx_epoch_is(sw, &op->row->crow));
}

/* It has been quiet for long enough. */
static void
quiet_is_over(void)
{
    assert_true(event_pending(sw->quiet, EV_TIMEOUT, NULL));
    event_active(sw->quiet, EV_TIMEOUT, 0);
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
sync_with_epoch(void)
{
    vx_switch_set_state(sw, VX_SWITCH_SYNCED);
    quiet_is_over();
    assert_int_equal(n_queued, 1);
    expect_epoch_row(true);
    vx_switch_committed(sw, queued[0].tag);
    assert_int_not_equal(sw->epoch, 0);
}

static void
a_refresh_deletes_the_epoch_row_and_later_writes_it_anew(void **state)
{
    uint64_t epoch;

    (void) state;
    sync_with_epoch();
    epoch = sw->epoch;
    vx_switch_refresh(sw);
    assert_int_equal(n_queued, 2);
    expect_epoch_row(false);
    assert_int_equal(sw->epoch, 0);
    assert_int_equal(vx_switch_state(sw), VX_SWITCH_SYNCED);
    vx_switch_committed(sw, queued[1].tag);
    quiet_is_over();
    assert_int_equal(n_queued, 3);
    expect_epoch_row(true);
    assert_int_equal(sw->epoch, epoch);
}

static void
a_refresh_of_a_switch_without_the_row_writes_it(void **state)
{
    (void) state;
    vx_switch_set_state(sw, VX_SWITCH_SYNCED);
    vx_switch_refresh(sw);
    assert_int_equal(n_queued, 0);
    quiet_is_over();
    assert_int_equal(n_queued, 1);
    expect_epoch_row(true);
}

/* As one is that was believed for its epoch. */
static void
a_refresh_waits_until_the_switch_is_synced_and_is_done_once(void **state)
{
    (void) state;
    vx_switch_set_state(sw, VX_SWITCH_DUMPING);
    vx_switch_refresh(sw);
    assert_int_equal(n_queued, 0);
    sw->epoch = (uint64_t) VX_COOKIE_EPOCH << 56 | HASH;
    vx_switch_set_state(sw, VX_SWITCH_SYNCED);
    assert_int_equal(n_queued, 1);
    expect_epoch_row(false);
    vx_switch_committed(sw, queued[0].tag);
    quiet_is_over();
    assert_int_equal(n_queued, 2);
    expect_epoch_row(true);
    vx_switch_committed(sw, queued[1].tag);
    vx_switch_set_state(sw, VX_SWITCH_WAITING);
    vx_switch_set_state(sw, VX_SWITCH_SYNCED);
    assert_int_equal(n_queued, 2);
}

/* The other bridge of the host, which is away. */
static struct vx_switch *
make_absent_peer(void)
{
    struct vx_switch *peer = vx_switch_new(&sw->env);

    vx_switch_pair(sw, peer);
    fence = fence2 = passed = passed2 = 0;
    return peer;
}

static void
connect_peer(struct vx_switch *peer)
{
    vx_switch_connect(peer, (struct og_of_session *) (void *) &session2);
}

static struct vx_switch *
make_peer(void)
{
    struct vx_switch *peer = make_absent_peer();

    peer->session = (struct og_of_session *) (void *) &session2;
    vx_switch_set_state(sw, VX_SWITCH_SYNCED);
    vx_switch_set_state(peer, VX_SWITCH_SYNCED);
    return peer;
}

static void
send_nothing(struct vx_switch *to)
{
    struct og_msgs *nothing = og_msgs_new();

    vx_switch_send(to, nothing, NULL, NULL);
    og_msgs_unref(nothing);
}

static void
a_fence_opens_when_the_other_bridge_has_confirmed(void **state)
{
    struct vx_switch *peer = make_peer();

    (void) state;
    vx_switch_fence(sw);
    assert_int_equal(fence, 0);             /* it owes nothing */
    send_nothing(peer);
    vx_switch_fence(sw);
    assert_int_equal(fence, 1);
    send_nothing(peer);
    vx_switch_fence(sw);
    assert_int_equal(fence, 2);
    vx_switch_committed(peer, 1);
    assert_int_equal(passed, 0);
    vx_switch_committed(peer, 2);
    assert_int_equal(passed, 1);
    vx_switch_committed(peer, 4);
    assert_int_equal(passed, 2);
    vx_switch_free(peer);
    send_nothing(sw);
    vx_switch_fence(sw);
    assert_int_equal(fence, 2);
}

static void
a_fence_opens_when_the_other_bridge_is_gone(void **state)
{
    struct vx_switch *peer = make_peer();

    (void) state;
    send_nothing(peer);
    vx_switch_fence(sw);
    vx_switch_disconnect(peer, "it is a test");
    assert_int_equal(passed, 1);
    send_nothing(sw);
    vx_switch_fence(peer);                  /* not synced */
    assert_int_equal(fence, 1);
    vx_switch_free(peer);
}

/* Compared with a dump that has a row of another time in table 2, and one
 * that nobody knows in table 3. */
static void
begin_comparison(struct vx_switch *one)
{
    struct og_crows *have = og_crows_new();
    struct vx_rows rows = { NULL, 0, 0 };

    wanted_row(&rows, 2);
    wanted_row(&rows, 3);
    og_crows_add_rows(have, rows.rows, rows.n);
    vx_rows_fini(&rows);
    vx_resync_begin(one, have);
}

/* Its slices; nothing else of the base is due. */
static void
finish_comparison(const struct vx_switch *one)
{
    while (one->resync && event_pending(one->slice, EV_TIMEOUT, NULL)) {
        event_base_loop(base, EVLOOP_ONCE);
    }
}

static void
expect_change(size_t i, const struct vx_switch *of, bool add, uint8_t table)
{
    bool found = false;

    assert_true(i < n_queued);
    assert_ptr_equal(queued[i].session, of->session);
    for (size_t k = 0; k < og_msgs_length(queued[i].msgs); k++) {
        const struct sop *op = smsgs_get(queued[i].msgs, k);

        found |= op->add == add && op->row->crow.table == table;
    }
    assert_true(found);
}

/* A row that is of no use to anybody goes at once, one that packets go by
 * last, when the other bridge has caught up. */
static void
expect_held_back(const struct vx_switch *one, size_t first)
{
    expect_change(first, one, false, 3);
    expect_change(first, one, true, 1);
    assert_int_equal(og_msgs_length(queued[first].msgs), 2);
    assert_int_equal(og_msgs_length(queued[first + 1].msgs), 0);
    expect_change(first + 2, one, false, 2);
    assert_int_equal(og_msgs_length(queued[first + 2].msgs), 1);
}

static void
two_bridges_give_before_they_take_and_both_go_on(void **state)
{
    struct vx_switch *peer = make_absent_peer();

    (void) state;
    has_past = true;
    connect_peer(peer);
    begin_comparison(sw);
    finish_comparison(sw);
    assert_int_equal(n_queued, 3);
    expect_held_back(sw, 0);
    assert_int_equal(queued[1].fence, 0);
    assert_int_equal(queued[2].fence, 1);
    begin_comparison(peer);
    finish_comparison(peer);
    assert_int_equal(n_queued, 6);
    expect_held_back(peer, 3);
    assert_int_equal(queued[5].fence, 1);
    vx_switch_committed(sw, queued[1].tag);
    assert_int_equal(passed2, 0);           /* it may know less */
    vx_switch_committed(peer, queued[3].tag);
    assert_int_equal(passed, 0);
    vx_switch_committed(peer, queued[4].tag);
    assert_int_equal(passed, 1);
    vx_switch_committed(sw, queued[2].tag);
    assert_int_equal(vx_switch_state(sw), VX_SWITCH_SYNCED);
    assert_int_equal(passed2, 1);
    vx_switch_committed(peer, queued[5].tag);
    assert_int_equal(vx_switch_state(peer), VX_SWITCH_SYNCED);
    vx_switch_free(peer);
}

static void
a_bridge_that_is_in_order_is_not_waited_for(void **state)
{
    struct vx_switch *peer = make_peer();

    (void) state;
    has_past = true;
    begin_comparison(sw);
    finish_comparison(sw);
    expect_held_back(sw, 0);
    assert_int_equal(fence, 0);
    send_nothing(peer);                     /* but what it owes is */
    begin_comparison(sw);
    finish_comparison(sw);
    assert_int_equal(n_queued, 8);
    expect_change(4, sw, false, 3);
    assert_ptr_equal(queued[6].session, peer->session);
    expect_change(7, sw, false, 2);
    assert_int_equal(queued[5].fence, 0);
    assert_int_equal(queued[7].fence, 1);
    vx_switch_committed(peer, queued[3].tag);
    assert_int_equal(passed, 0);
    vx_switch_committed(peer, queued[6].tag);
    assert_int_equal(passed, 1);
    vx_switch_free(peer);
}

static void
a_bridge_that_does_not_come_is_not_waited_for_for_ever(void **state)
{
    struct vx_switch *peer = make_absent_peer();

    (void) state;
    has_past = true;
    vx_switch_connect(sw, sw->session);     /* and so it will */
    begin_comparison(sw);
    finish_comparison(sw);
    assert_int_equal(queued[n_queued - 1].fence, 1);
    assert_true(event_pending(sw->patience, EV_TIMEOUT, NULL));
    event_active(sw->patience, EV_TIMEOUT, 0);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(passed, 1);
    peer->expected_ms -= 60000;             /* it is long away */
    begin_comparison(sw);
    finish_comparison(sw);
    assert_int_equal(fence, 1);
    assert_false(event_pending(sw->patience, EV_TIMEOUT, NULL));
    vx_switch_free(peer);
}

/* A port moves while the bridges are compared. */
static void
a_change_waits_for_a_comparison_of_the_other_bridge(void **state)
{
    struct vx_switch *peer = make_absent_peer();

    (void) state;
    connect_peer(peer);
    begin_comparison(peer);
    finish_comparison(peer);                /* queued 0 */
    begin_comparison(sw);
    vx_switch_fence(sw);
    send_nothing(sw);
    send_nothing(sw);
    finish_comparison(sw);
    assert_int_equal(n_queued, 4);
    assert_int_equal(queued[1].fence, 0);
    assert_int_equal(queued[2].fence, 1);
    vx_switch_committed(sw, queued[1].tag);
    assert_int_equal(vx_switch_state(sw), VX_SWITCH_SYNCED);
    send_nothing(peer);                     /* what it was told meanwhile */
    assert_int_equal(passed, 0);
    vx_switch_committed(peer, queued[0].tag);
    assert_int_equal(vx_switch_state(peer), VX_SWITCH_SYNCED);
    assert_int_equal(n_queued, 6);
    assert_int_equal(passed, 0);
    vx_switch_committed(peer, queued[5].tag);
    assert_int_equal(passed, 1);
    assert_false(event_pending(sw->patience, EV_TIMEOUT, NULL));
    vx_switch_free(peer);
}

static uint64_t
realized(void)
{
    struct vx_switch_facts facts;

    vx_switch_get_facts(sw, &facts);
    return facts.realized;
}

static void
send_row(uint8_t table)
{
    struct vx_rows rows = { NULL, 0, 0 };
    struct vx_delta delta = { .tier = VX_FABRIC_TIER };
    struct og_msgs *msgs = og_msgs_new();

    wanted_row(&rows, table);
    delta.add = rows.rows;
    delta.n_add = rows.n;
    og_msgs_delta(msgs, &delta);
    vx_switch_send(sw, msgs, &delta, NULL);
    og_msgs_unref(msgs);
    vx_rows_fini(&rows);
}

static void
a_switch_holds_no_revision_while_a_change_waits_for_its_comparison(
    void **state)
{
    (void) state;
    vx_resync_begin(sw, og_crows_new());
    while (!n_queued) {
        event_base_loop(base, EVLOOP_ONCE);
    }
    send_row(2);
    applied = 5;                            /* others were committed */
    assert_int_equal(n_queued, 1);          /* it waits */
    vx_switch_committed(sw, queued[0].tag); /* and the difference is there */
    assert_int_equal(vx_switch_state(sw), VX_SWITCH_LOADING);
    assert_int_equal(realized(), 0);
    event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(n_queued, 2);
    assert_int_equal(vx_switch_state(sw), VX_SWITCH_SYNCED);
    assert_int_equal(realized(), 0);
    vx_switch_committed(sw, queued[1].tag);
    assert_int_equal(realized(), 5);
}

static void
a_change_is_not_realized_with_the_end_of_the_epoch_row(void **state)
{
    (void) state;
    sync_with_epoch();
    assert_int_equal(realized(), 1);
    send_row(2);
    assert_int_equal(n_queued, 3);          /* the row's end, and the change */
    assert_int_equal(realized(), 0);
    vx_switch_committed(sw, queued[1].tag);
    assert_int_equal(realized(), 0);
    vx_switch_committed(sw, queued[2].tag);
    assert_int_equal(realized(), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_switch_holds_no_revision_while_a_change_waits_for_its_comparison,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_change_is_not_realized_with_the_end_of_the_epoch_row,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_refresh_deletes_the_epoch_row_and_later_writes_it_anew, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_refresh_of_a_switch_without_the_row_writes_it, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_refresh_waits_until_the_switch_is_synced_and_is_done_once,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_fence_opens_when_the_other_bridge_has_confirmed, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_fence_opens_when_the_other_bridge_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            two_bridges_give_before_they_take_and_both_go_on, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_bridge_that_is_in_order_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_bridge_that_does_not_come_is_not_waited_for_for_ever, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_change_waits_for_a_comparison_of_the_other_bridge, set_up,
            tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
