/* SPDX-License-Identifier: Apache-2.0 */
/* Routes wanted and routes confirmed: the cases that zebra makes hard, then
 * random histories against a zebra that is a table and a queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bgp/route_sync.h"

static const struct bg_route_limits limits = { 4, 3000, 10000 };

struct world {
    struct bg_route_sync *sync;
    struct bg_route_op ops[64];
    size_t n_ops;
    int64_t now_ms;
};

static struct bg_want
want(unsigned n, unsigned tag)
{
    struct bg_want w = { .prefix = { { 4, { 10, (uint8_t) n } }, 16 },
                         .tag = tag };

    return w;
}

static void
pull(struct world *w)
{
    w->n_ops = 0;
    while (w->n_ops < 64
           && bg_route_sync_next(w->sync, w->now_ms, &w->ops[w->n_ops])) {
        w->n_ops++;
    }
}

static struct world
begin(void)
{
    struct world w = { .sync = bg_route_sync_new(&limits), .now_ms = 5000 };

    bg_route_sync_connected(w.sync, w.now_ms);
    bg_route_sync_vrf(w.sync, "t1", 7, w.now_ms);
    return w;
}

static void
set(struct world *w, unsigned n, unsigned tag, uint64_t token)
{
    struct bg_want wanted = want(n, tag);

    bg_route_sync_set(w->sync, "t1", &wanted, token, w->now_ms);
    pull(w);
}

static void
unset(struct world *w, unsigned n, uint64_t token)
{
    struct bg_want wanted = want(n, 0);

    bg_route_sync_unset(w->sync, "t1", &wanted, token, w->now_ms);
    pull(w);
}

static void
note(struct world *w, unsigned n, enum bg_zapi_note what)
{
    struct bg_zapi_route_note said = { what, want(n, 0).prefix, 254 };

    bg_route_sync_note(w->sync, 7, &said, w->now_ms);
    pull(w);
}

static void
let_pass(struct world *w, int ms)
{
    for (; ms > 0; ms -= 50) {
        w->now_ms += 50;
        bg_route_sync_tick(w->sync, w->now_ms);
    }
}

static void
pass(struct world *w, int ms)
{
    let_pass(w, ms);
    pull(w);
}

static void
expect_state(struct world *w, unsigned n, enum bg_route_state state,
             enum bg_route_why why)
{
    struct bg_want key = want(n, 0);
    enum bg_route_why got = BG_WHY_NONE;

    assert_int_equal(bg_route_sync_state(w->sync, "t1", &key, &got), state);
    assert_int_equal(got, why);
}

/* Pulls all events; the last one, which must exist. */
static struct bg_route_event
last_event(struct world *w)
{
    struct bg_route_event event, last;
    bool any = false;

    while (bg_route_sync_next_event(w->sync, &event)) {
        last = event;
        any = true;
    }
    assert_true(any);
    return last;
}

static void
a_route_is_confirmed_when_zebra_has_installed_it(void **state)
{
    (void) state;
    struct world w = begin();

    set(&w, 1, 100, 5);
    assert_int_equal(w.n_ops, 1);
    assert_false(w.ops[0].is_delete);
    assert_int_equal(w.ops[0].vrf_id, 7);
    assert_int_equal(w.ops[0].want.tag, 100);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 4);
    note(&w, 1, BG_NOTE_INSTALLED);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 5);
    assert_int_equal(last_event(&w).state, BG_ROUTE_INSTALLED);
    set(&w, 1, 100, 6);                 /* the same: nothing to say */
    assert_int_equal(w.n_ops, 0);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 6);

    unset(&w, 1, 7);
    assert_int_equal(w.n_ops, 1);
    assert_true(w.ops[0].is_delete);
    assert_int_equal(bg_route_sync_ask(w.sync), 0);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 6);
    note(&w, 1, BG_NOTE_INSTALLED);     /* no answer to a DELETE */
    assert_int_equal(bg_route_sync_confirmed(w.sync), 6);
    note(&w, 1, BG_NOTE_REMOVED);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 7);
    assert_int_equal(last_event(&w).state, BG_ROUTE_GONE);
    bg_route_sync_free(w.sync);
}

static void
a_change_waits_for_the_answer_to_the_one_before(void **state)
{
    (void) state;
    struct world w = begin();

    set(&w, 1, 1, 1);
    set(&w, 1, 2, 2);
    assert_int_equal(w.n_ops, 0);
    note(&w, 1, BG_NOTE_INSTALLED);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].want.tag, 2);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 1);
    note(&w, 1, BG_NOTE_INSTALLED);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 2);
    unset(&w, 1, 3);
    set(&w, 1, 4, 4);                   /* while the DELETE is under way */
    assert_int_equal(w.n_ops, 0);
    note(&w, 1, BG_NOTE_REMOVED);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].want.tag, 4);
    note(&w, 1, BG_NOTE_INSTALLED);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 4);
    bg_route_sync_free(w.sync);
}

static void
a_delete_overtakes_an_add_and_needs_no_answer(void **state)
{
    (void) state;
    struct world w = begin();
    uint64_t question;

    set(&w, 1, 1, 1);
    unset(&w, 1, 2);
    assert_int_equal(w.n_ops, 1);
    assert_true(w.ops[0].is_delete);
    question = bg_route_sync_ask(w.sync);
    assert_true(question);
    bg_route_sync_heard(w.sync, question, w.now_ms);
    assert_int_equal(bg_route_sync_ask(w.sync), 0);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 0);
    pass(&w, 400);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 2);
    assert_int_equal(last_event(&w).state, BG_ROUTE_GONE);
    bg_route_sync_free(w.sync);
}

static void
what_zebra_never_answers_is_given_up_and_told(void **state)
{
    (void) state;
    struct world w = begin();

    set(&w, 1, 1, 1);
    pass(&w, 3100);
    expect_state(&w, 1, BG_ROUTE_FAILED, BG_WHY_NO_ANSWER);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 1);
    note(&w, 1, BG_NOTE_INSTALLED);     /* later after all */
    expect_state(&w, 1, BG_ROUTE_INSTALLED, BG_WHY_NONE);

    unset(&w, 1, 2);
    pass(&w, 3100);                     /* a DELETE: was it read? */
    assert_int_equal(bg_route_sync_confirmed(w.sync), 1);
    assert_true(bg_route_sync_ask(w.sync));
    pass(&w, 3100);                     /* zebra hangs */
    expect_state(&w, 1, BG_ROUTE_WITHDRAWING, BG_WHY_NO_ANSWER);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 2);
    bg_route_sync_heard(w.sync, bg_route_sync_ask(w.sync), w.now_ms);
    pass(&w, 400);
    assert_int_equal(last_event(&w).state, BG_ROUTE_GONE);
    bg_route_sync_free(w.sync);
}

static void
losing_failing_and_coming_back_are_told(void **state)
{
    (void) state;
    struct world w = begin();

    set(&w, 1, 1, 1);
    note(&w, 1, BG_NOTE_FAIL_INSTALL);
    expect_state(&w, 1, BG_ROUTE_FAILED, BG_WHY_REJECTED);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 1);
    note(&w, 1, BG_NOTE_INSTALLED);
    note(&w, 1, BG_NOTE_BETTER_WON);
    expect_state(&w, 1, BG_ROUTE_LOST, BG_WHY_BETTER);
    note(&w, 1, BG_NOTE_REMOVED);       /* part of the same */
    expect_state(&w, 1, BG_ROUTE_LOST, BG_WHY_BETTER);
    note(&w, 1, BG_NOTE_INSTALLED);
    note(&w, 1, BG_NOTE_REMOVED);       /* by itself: said again, once */
    expect_state(&w, 1, BG_ROUTE_FAILED, BG_WHY_REMOVED);
    assert_int_equal(w.n_ops, 1);
    note(&w, 1, BG_NOTE_FAIL_INSTALL);
    note(&w, 1, BG_NOTE_REMOVED);
    assert_int_equal(w.n_ops, 0);
    bg_route_sync_free(w.sync);
}

static void
the_window_holds_back_what_is_too_much(void **state)
{
    (void) state;
    struct world w = begin();
    size_t n_ops = 0;

    for (unsigned i = 0; i < 10; i++) {
        set(&w, i, 1, i + 1);
        n_ops += w.n_ops;
    }
    assert_int_equal(n_ops, 4);
    note(&w, 0, BG_NOTE_INSTALLED);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 1);
    assert_false(bg_route_sync_is_settled(w.sync, 7));
    bg_route_sync_free(w.sync);
}

static void
a_route_waits_for_its_vrf_and_its_interface(void **state)
{
    (void) state;
    struct world w = begin();
    struct bg_want wanted = want(1, 1);
    enum bg_route_why why;

    strcpy(wanted.device, "leg");
    bg_route_sync_set(w.sync, "t2", &wanted, 1, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    bg_route_sync_vrf(w.sync, "t2", 9, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    assert_false(bg_route_sync_is_settled(w.sync, 9));
    bg_route_sync_interface(w.sync, 9, "leg", 3, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].vrf_id, 9);
    assert_int_equal(w.ops[0].want.ifindex, 3);
    bg_route_sync_note(w.sync, 9, &(struct bg_zapi_route_note) {
        BG_NOTE_INSTALLED, wanted.prefix, 254 }, w.now_ms);
    /* The interface is made anew. */
    bg_route_sync_interface(w.sync, 9, "leg", 0, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    assert_int_equal(bg_route_sync_state(w.sync, "t2", &wanted, &why),
                     BG_ROUTE_FAILED);
    assert_int_equal(why, BG_WHY_NO_DEVICE);
    bg_route_sync_interface(w.sync, 9, "leg", 4, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].want.ifindex, 4);
    bg_route_sync_note(w.sync, 9, &(struct bg_zapi_route_note) {
        BG_NOTE_INSTALLED, wanted.prefix, 254 }, w.now_ms);
    /* So is the VRF, under another number. */
    bg_route_sync_vrf_gone(w.sync, 9, w.now_ms);
    pass(&w, 10100);
    assert_int_equal(bg_route_sync_state(w.sync, "t2", &wanted, &why),
                     BG_ROUTE_FAILED);
    assert_int_equal(why, BG_WHY_NO_VRF);
    bg_route_sync_vrf(w.sync, "t2", 11, w.now_ms);
    pass(&w, 10100);
    bg_route_sync_state(w.sync, "t2", &wanted, &why);
    assert_int_equal(why, BG_WHY_NO_DEVICE);
    assert_true(bg_route_sync_is_settled(w.sync, 11));
    bg_route_sync_interface(w.sync, 11, "leg", 5, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].vrf_id, 11);
    bg_route_sync_free(w.sync);
}

static void
a_refused_route_is_said_again_when_an_address_comes(void **state)
{
    (void) state;
    struct world w = begin();
    struct bg_want wanted = want(1, 1);
    enum bg_route_why why;

    set(&w, 1, 1, 1);
    set(&w, 2, 1, 2);
    note(&w, 1, BG_NOTE_FAIL_INSTALL);
    note(&w, 2, BG_NOTE_INSTALLED);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 2);
    bg_route_sync_address(w.sync, 8, 2, true, w.now_ms);  /* of another VRF */
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    bg_route_sync_address(w.sync, 7, 2, true, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    assert_false(w.ops[0].is_delete);
    /* While it is under way there is nothing more to say. */
    bg_route_sync_address(w.sync, 7, 2, true, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    note(&w, 1, BG_NOTE_INSTALLED);
    assert_int_equal(bg_route_sync_state(w.sync, "t1", &wanted, &why),
                     BG_ROUTE_INSTALLED);
    bg_route_sync_address(w.sync, 7, 2, true, w.now_ms);
    pass(&w, 60000);
    assert_int_equal(w.n_ops, 0);
    assert_int_equal(bg_route_sync_tick(w.sync, w.now_ms), -1);
    bg_route_sync_free(w.sync);
}

static bool
is_about(const struct bg_route_op *op, unsigned n)
{
    struct vx_prefix prefix = want(n, 0).prefix;

    return !op->is_delete && !vx_prefix_compare(&op->want.prefix, &prefix);
}

static void
what_leads_to_a_device_is_said_again_when_it_has_lost_an_address(
    void **state)
{
    (void) state;
    struct world w = begin();

    bg_route_sync_interface(w.sync, 7, "leg", 2, w.now_ms);
    bg_route_sync_interface(w.sync, 7, "ce", 3, w.now_ms);
    for (unsigned n = 1; n <= 3; n++) {
        struct bg_want wanted = want(n, 1);

        /* The last one leads nowhere, and may need anything. */
        strcpy(wanted.device, n == 1 ? "leg" : n == 2 ? "ce" : "");
        bg_route_sync_set(w.sync, "t1", &wanted, n, w.now_ms);
        pull(&w);
        note(&w, n, BG_NOTE_INSTALLED);
    }
    bg_route_sync_address(w.sync, 7, 2, false, w.now_ms);
    bg_route_sync_address(w.sync, 7, 3, true, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    bg_route_sync_address(w.sync, 7, 2, true, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 2);
    assert_true(is_about(&w.ops[0], 1) && is_about(&w.ops[1], 3));
    note(&w, 1, BG_NOTE_INSTALLED);
    note(&w, 3, BG_NOTE_INSTALLED);
    bg_route_sync_address(w.sync, 7, 2, true, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    bg_route_sync_free(w.sync);
}

static void
a_refused_route_is_said_again_ever_more_rarely(void **state)
{
    (void) state;
    struct world w = begin();
    size_t n = 0;

    set(&w, 1, 1, 1);
    note(&w, 1, BG_NOTE_FAIL_INSTALL);
    for (unsigned i = 0; i < 20 * 60; i++) {
        pass(&w, 50);
        n += w.n_ops;
        if (w.n_ops) {
            note(&w, 1, BG_NOTE_FAIL_INSTALL);
        }
    }
    assert_in_range(n, 5, 6);               /* after 1, 3, 7, 15, 31 s */
    assert_true(bg_route_sync_tick(w.sync, w.now_ms) > 0);
    assert_true(bg_route_sync_is_settled(w.sync, 7));
    unset(&w, 1, 2);
    assert_int_equal(w.n_ops, 1);
    assert_true(w.ops[0].is_delete);
    note(&w, 1, BG_NOTE_REMOVED);
    pass(&w, 60000);
    assert_int_equal(w.n_ops, 0);
    bg_route_sync_free(w.sync);
}

static void
all_is_said_again_after_a_reconnect_and_nothing_is_lost(void **state)
{
    (void) state;
    struct world w = begin();

    set(&w, 1, 1, 1);
    set(&w, 2, 1, 2);
    set(&w, 3, 1, 3);
    note(&w, 1, BG_NOTE_INSTALLED);
    note(&w, 2, BG_NOTE_INSTALLED);
    while (bg_route_sync_next_event(w.sync, &(struct bg_route_event) {
        .vrf = "" })) {
    }
    bg_route_sync_disconnected(w.sync, w.now_ms);
    unset(&w, 2, 4);
    assert_int_equal(w.n_ops, 0);
    pass(&w, 10100);
    /* What was installed may well still be; the rest is told. */
    expect_state(&w, 1, BG_ROUTE_INSTALLED, BG_WHY_NONE);
    expect_state(&w, 2, BG_ROUTE_WITHDRAWING, BG_WHY_NO_ZEBRA);
    expect_state(&w, 3, BG_ROUTE_FAILED, BG_WHY_NO_ZEBRA);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 4);
    bg_route_sync_connected(w.sync, w.now_ms);
    bg_route_sync_vrf(w.sync, "t1", 8, w.now_ms);   /* another number */
    pull(&w);
    assert_int_equal(w.n_ops, 3);
    for (size_t i = 0; i < 3; i++) {
        struct bg_zapi_route_note said = { w.ops[i].is_delete
            ? BG_NOTE_REMOVED : BG_NOTE_INSTALLED, w.ops[i].want.prefix, 0 };

        assert_int_equal(w.ops[i].vrf_id, 8);
        assert_int_equal(w.ops[i].is_delete, w.ops[i].want.prefix.ip.b[1]
                         == 2);
        assert_false(bg_route_sync_is_settled(w.sync, 8));
        bg_route_sync_note(w.sync, 8, &said, w.now_ms);
    }
    assert_true(bg_route_sync_is_settled(w.sync, 8));
    expect_state(&w, 3, BG_ROUTE_INSTALLED, BG_WHY_NONE);
    bg_route_sync_free(w.sync);
}

static void
all_of_a_vrf_is_said_again_when_asked_for_also_what_is_under_way(void **state)
{
    (void) state;
    struct world w = begin();
    struct bg_want other = want(9, 1);

    bg_route_sync_vrf(w.sync, "t2", 8, w.now_ms);
    bg_route_sync_set(w.sync, "t2", &other, 1, w.now_ms);
    set(&w, 1, 1, 2);
    bg_route_sync_note(w.sync, 8, &(struct bg_zapi_route_note) {
        BG_NOTE_INSTALLED, other.prefix, 254 }, w.now_ms);
    note(&w, 1, BG_NOTE_INSTALLED);
    set(&w, 2, 1, 3);
    set(&w, 3, 1, 4);
    note(&w, 3, BG_NOTE_INSTALLED);
    unset(&w, 3, 5);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 2);
    bg_route_sync_repeat(w.sync, "nobody", w.now_ms);
    bg_route_sync_repeat(w.sync, "t1", w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 1);           /* 10.1; 10.2 is under way */
    assert_int_equal(w.ops[0].vrf_id, 7);
    assert_int_equal(w.ops[0].want.prefix.ip.b[1], 1);
    note(&w, 2, BG_NOTE_INSTALLED);
    assert_int_equal(w.n_ops, 1);
    assert_int_equal(w.ops[0].want.prefix.ip.b[1], 2);
    note(&w, 1, BG_NOTE_INSTALLED);
    note(&w, 2, BG_NOTE_INSTALLED);
    note(&w, 3, BG_NOTE_REMOVED);
    assert_int_equal(w.n_ops, 0);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 5);
    bg_route_sync_free(w.sync);
}

static void
an_audit_deletes_strays_and_says_what_is_missing_again(void **state)
{
    (void) state;
    struct world w = begin();
    struct bg_route_audit found;
    struct bg_want one = want(1, 0), stray = want(9, 0);

    set(&w, 1, 1, 1);
    set(&w, 2, 1, 2);
    note(&w, 1, BG_NOTE_INSTALLED);
    note(&w, 2, BG_NOTE_INSTALLED);
    bg_route_sync_audit_begin(w.sync, 7);
    bg_route_sync_audit_seen(w.sync, 7, &one.prefix, w.now_ms);
    bg_route_sync_audit_seen(w.sync, 7, &stray.prefix, w.now_ms);
    bg_route_sync_audit_end(w.sync, 7, w.now_ms, &found);
    assert_int_equal(found.n_seen, 2);
    assert_int_equal(found.n_strays, 1);
    assert_int_equal(found.n_missing, 1);
    pull(&w);
    assert_int_equal(w.n_ops, 2);
    assert_true(w.ops[0].is_delete);
    assert_int_equal(w.ops[0].want.prefix.ip.b[1], 9);
    assert_int_equal(w.ops[1].want.prefix.ip.b[1], 2);
    note(&w, 9, BG_NOTE_REMOVED);
    note(&w, 2, BG_NOTE_INSTALLED);
    while (bg_route_sync_next_event(w.sync, &(struct bg_route_event) {
        .vrf = "" })) {
    }
    bg_route_sync_audit_begin(w.sync, 7);
    bg_route_sync_audit_seen(w.sync, 7, &one.prefix, w.now_ms);
    stray = want(2, 0);
    bg_route_sync_audit_seen(w.sync, 7, &stray.prefix, w.now_ms);
    bg_route_sync_audit_end(w.sync, 7, w.now_ms, &found);
    assert_int_equal(found.n_strays + found.n_missing, 0);
    bg_route_sync_free(w.sync);
}

static void
a_look_tells_what_an_audit_would_find_and_changes_nothing(void **state)
{
    (void) state;
    struct world w = begin();
    const struct bg_route_difference *d;
    struct bg_route_audit found;
    struct bg_want one = want(1, 0), stray = want(9, 0);
    size_t n;

    set(&w, 1, 1, 1);
    set(&w, 2, 1, 2);
    note(&w, 1, BG_NOTE_INSTALLED);
    note(&w, 2, BG_NOTE_INSTALLED);
    for (int round = 0; round < 2; round++) {
        bg_route_sync_look_start(w.sync);
        bg_route_sync_look_begin(w.sync, 7);
        bg_route_sync_audit_seen(w.sync, 7, &one.prefix, w.now_ms);
        bg_route_sync_audit_seen(w.sync, 7, &stray.prefix, w.now_ms);
        bg_route_sync_audit_end(w.sync, 7, w.now_ms, &found);
        assert_int_equal(found.n_seen, 2);
        assert_int_equal(found.n_strays, 1);
        assert_int_equal(found.n_missing, 1);
        d = bg_route_sync_differences(w.sync, &n);
        assert_int_equal(n, 2);
        assert_true(d[0].is_stray);
        assert_int_equal(d[0].prefix.ip.b[1], 9);
        assert_false(d[1].is_stray);
        assert_int_equal(d[1].prefix.ip.b[1], 2);
        w.n_ops = 0;
        pull(&w);
        assert_int_equal(w.n_ops, 0);
    }
    bg_route_sync_look_start(w.sync);
    bg_route_sync_look_begin(w.sync, 7);
    for (int i = 0; i < 2 * BG_DIFFERENCES_MAX; i++) {
        stray = want(10 + i, 0);
        bg_route_sync_audit_seen(w.sync, 7, &stray.prefix, w.now_ms);
    }
    bg_route_sync_audit_end(w.sync, 7, w.now_ms, &found);
    bg_route_sync_differences(w.sync, &n);
    assert_int_equal(n, BG_DIFFERENCES_MAX);
    assert_int_equal(found.n_strays, 2 * BG_DIFFERENCES_MAX);
    /* An audit still acts. */
    bg_route_sync_audit_begin(w.sync, 7);
    bg_route_sync_audit_seen(w.sync, 7, &one.prefix, w.now_ms);
    bg_route_sync_audit_end(w.sync, 7, w.now_ms, &found);
    w.n_ops = 0;
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    bg_route_sync_free(w.sync);
}

static void
a_route_that_is_not_removed_is_told_and_tried_again_later(void **state)
{
    (void) state;
    struct world w = begin();

    set(&w, 1, 1, 1);
    note(&w, 1, BG_NOTE_INSTALLED);
    unset(&w, 1, 2);
    note(&w, 1, BG_NOTE_REMOVE_FAIL);
    expect_state(&w, 1, BG_ROUTE_WITHDRAWING, BG_WHY_REMOVE_FAILED);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 2);
    bg_route_sync_disconnected(w.sync, w.now_ms);
    bg_route_sync_connected(w.sync, w.now_ms);
    bg_route_sync_vrf(w.sync, "t1", 7, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 1);
    assert_true(w.ops[0].is_delete);
    note(&w, 1, BG_NOTE_REMOVED);
    assert_int_equal(last_event(&w).state, BG_ROUTE_GONE);
    bg_route_sync_free(w.sync);
}

static void
what_nobody_was_told_of_goes_without_a_word(void **state)
{
    (void) state;
    struct world w = { .sync = bg_route_sync_new(&limits), .now_ms = 1 };

    set(&w, 1, 1, 1);
    unset(&w, 1, 2);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 2);
    assert_int_equal(last_event(&w).state, BG_ROUTE_GONE);
    bg_route_sync_connected(w.sync, w.now_ms);
    bg_route_sync_vrf(w.sync, "t1", 7, w.now_ms);
    pull(&w);
    assert_int_equal(w.n_ops, 0);
    unset(&w, 5, 3);                    /* never known */
    assert_int_equal(w.n_ops, 0);
    assert_int_equal(bg_route_sync_confirmed(w.sync), 3);
    bg_route_sync_free(w.sync);
}

/* --- Random histories.
 *
 * The zebra here reads what it is told into a queue, which runs at some later
 * moment: of several operations on a prefix only the last counts then, and
 * ADD and DELETE together make no sound.  Prefix 0 is connected: an ADD of it
 * is never answered. */

enum { N_PREFIXES = 12, N_VRFS = 2, HISTORIES = 300, STEPS = 150 };

struct told {
    bool is_there, is_queued, is_wanted_there;
    unsigned tag, queued_tag;
};

struct model {
    struct world w;
    uint32_t seed;
    struct told table[N_VRFS][N_PREFIXES];
    bool has_vrf[N_VRFS], is_up;
    uint32_t ids[N_VRFS], last_id;
    unsigned wanted[N_VRFS][N_PREFIXES];        /* tag; 0 = not */
    uint64_t token[N_VRFS][N_PREFIXES];         /* of the last change */
    uint64_t before[N_VRFS];    /* the last token before the VRF came: what
                                 * was confirmed may not be there again yet */
    uint64_t last_token, question;
};

static const char *const names[N_VRFS] = { "a", "b" };

static unsigned
dice(struct model *m, unsigned n)
{
    m->seed = m->seed * 1664525 + 1013904223;
    return (m->seed >> 8) % n;
}

static void
say(struct model *m, int v, int p, enum bg_zapi_note what)
{
    struct bg_zapi_route_note said = {
        what, want((unsigned) p, 0).prefix, 254
    };

    bg_route_sync_note(m->w.sync, m->ids[v], &said, m->w.now_ms);
}

static void
run_queue(struct model *m)
{
    for (int v = 0; v < N_VRFS; v++) {
        for (int p = 0; p < N_PREFIXES; p++) {
            struct told *t = &m->table[v][p];
            bool was_there = t->is_there;

            if (!t->is_queued) {
                continue;
            }
            t->is_queued = false;
            t->is_there = t->is_wanted_there && p != 0;
            t->tag = t->queued_tag;
            if (t->is_there) {
                say(m, v, p, BG_NOTE_INSTALLED);
            } else if (was_there) {
                say(m, v, p, BG_NOTE_REMOVED);
            }
        }
    }
}

static void
read_ops(struct model *m)
{
    struct bg_route_op op;

    while (bg_route_sync_next(m->w.sync, m->w.now_ms, &op)) {
        int v = op.vrf_id == m->ids[0] ? 0 : 1;
        struct told *t = &m->table[v][op.want.prefix.ip.b[1]];

        assert_true(m->is_up && m->has_vrf[v]
                    && op.vrf_id == m->ids[v]);
        t->is_queued = true;
        t->is_wanted_there = !op.is_delete;
        t->queued_tag = op.want.tag;
    }
    if (bg_route_sync_ask(m->w.sync) > m->question) {
        m->question = bg_route_sync_ask(m->w.sync);
    }
}

static void
hear(struct model *m)
{
    if (m->question) {
        bg_route_sync_heard(m->w.sync, m->question, m->w.now_ms);
    }
}

/* What is confirmed is so: there, or not there, or told as failed. */
static void
check(struct model *m)
{
    uint64_t confirmed = bg_route_sync_confirmed(m->w.sync);
    struct bg_route_event event;

    assert_true(confirmed <= m->last_token);
    while (bg_route_sync_next_event(m->w.sync, &event)) {
        struct bg_want key = { .prefix = event.prefix };
        enum bg_route_why why = BG_WHY_NONE;

        /* An event is never older than the state. */
        if (event.state != BG_ROUTE_GONE) {
            assert_int_equal(bg_route_sync_state(m->w.sync, event.vrf, &key,
                                                 &why), event.state);
            assert_int_equal(why, event.why);
        }
    }
    for (int v = 0; v < N_VRFS; v++) {
        for (int p = 0; p < N_PREFIXES; p++) {
            const struct told *t = &m->table[v][p];
            struct bg_want key = want((unsigned) p, 0);
            enum bg_route_why why = BG_WHY_NONE;
            enum bg_route_state s = bg_route_sync_state(m->w.sync, names[v],
                                                        &key, &why);

            if (m->token[v][p] > confirmed || !m->is_up || !m->has_vrf[v]
                || m->token[v][p] <= m->before[v]
                || s == BG_ROUTE_FAILED || s == BG_ROUTE_WITHDRAWING
                || t->is_queued) {
                continue;
            }
            if (m->wanted[v][p]) {
                assert_true(t->is_there);
                assert_int_equal(t->tag, m->wanted[v][p]);
            } else {
                assert_false(t->is_there);
            }
        }
    }
}

static void
change(struct model *m)
{
    int v = (int) dice(m, N_VRFS), p = (int) dice(m, N_PREFIXES);
    struct bg_want wanted = want((unsigned) p, 1 + dice(m, 3));

    m->token[v][p] = ++m->last_token;
    if (dice(m, 5) < 3) {
        m->wanted[v][p] = wanted.tag;
        bg_route_sync_set(m->w.sync, names[v], &wanted, m->last_token,
                          m->w.now_ms);
    } else {
        m->wanted[v][p] = 0;
        bg_route_sync_unset(m->w.sync, names[v], &wanted, m->last_token,
                            m->w.now_ms);
    }
}

static void
lose_vrf(struct model *m, int v)
{
    m->has_vrf[v] = false;
    memset(m->table[v], 0, sizeof m->table[v]);
}

static void
gain_vrf(struct model *m, int v)
{
    m->has_vrf[v] = true;
    m->before[v] = m->last_token;
    m->ids[v] = ++m->last_id;
    bg_route_sync_vrf(m->w.sync, names[v], m->ids[v], m->w.now_ms);
}

static void
restart(struct model *m, bool keeps)
{
    if (m->is_up) {
        m->is_up = false;
        bg_route_sync_disconnected(m->w.sync, m->w.now_ms);
        for (int v = 0; v < N_VRFS; v++) {
            m->has_vrf[v] = false;
            for (int p = 0; p < N_PREFIXES; p++) {
                struct told *t = &m->table[v][p];

                if (t->is_queued && keeps) {
                    t->is_there = t->is_wanted_there && p != 0;
                    t->tag = t->queued_tag;
                }
                t->is_queued = false;
                t->is_there &= keeps;
            }
        }
    } else {
        m->is_up = true;
        m->question = 0;
        bg_route_sync_connected(m->w.sync, m->w.now_ms);
        gain_vrf(m, 0);
        gain_vrf(m, 1);
    }
}

static void
step(struct model *m)
{
    unsigned what = dice(m, 100);
    int v = (int) dice(m, N_VRFS);

    if (what < 50) {
        change(m);
    } else if (what < 70) {
        run_queue(m);
    } else if (what < 80) {
        run_queue(m);           /* within the time that heard() gives it */
        hear(m);
    } else if (what < 93) {
        run_queue(m);
        let_pass(&m->w, (int) dice(m, 4) * 400);
    } else if (what < 96) {
        restart(m, dice(m, 2));
    } else if (m->is_up && m->has_vrf[v]) {
        lose_vrf(m, v);
        bg_route_sync_vrf_gone(m->w.sync, m->ids[v], m->w.now_ms);
    } else if (m->is_up) {
        gain_vrf(m, v);
    }
    if (m->is_up) {
        read_ops(m);
    }
    check(m);
}

static void
quiesce(struct model *m)
{
    if (!m->is_up) {
        restart(m, true);
    }
    for (int v = 0; v < N_VRFS; v++) {
        if (!m->has_vrf[v]) {
            gain_vrf(m, v);
        }
    }
    for (int i = 0; i < 400; i++) {
        read_ops(m);
        run_queue(m);
        hear(m);
        m->w.now_ms += 100;
        bg_route_sync_tick(m->w.sync, m->w.now_ms);
        check(m);
    }
}

static void
play(uint32_t seed)
{
    struct model m = { .seed = seed };
    struct bg_route_counts counts;

    m.w.sync = bg_route_sync_new(&limits);
    restart(&m, false);
    for (int i = 0; i < STEPS; i++) {
        step(&m);
    }
    quiesce(&m);
    bg_route_sync_get_counts(m.w.sync, &counts);
    assert_int_equal(counts.n_outstanding, 0);
    assert_int_equal(counts.n_queued, 0);
    assert_int_equal(bg_route_sync_confirmed(m.w.sync), m.last_token);
    assert_true(bg_route_sync_is_settled(m.w.sync, m.ids[0]));
    assert_true(bg_route_sync_is_settled(m.w.sync, m.ids[1]));
    /* What is refused is tried again for ever. */
    assert_int_equal(bg_route_sync_tick(m.w.sync, m.w.now_ms) < 0,
                     counts.n_states[BG_ROUTE_FAILED] == 0);
    for (int v = 0; v < N_VRFS; v++) {
        for (int p = 0; p < N_PREFIXES; p++) {
            struct bg_want key = want((unsigned) p, 0);
            enum bg_route_why why = BG_WHY_NONE;
            enum bg_route_state s = bg_route_sync_state(m.w.sync, names[v],
                                                        &key, &why);

            assert_int_equal(m.table[v][p].is_there,
                             m.wanted[v][p] && p != 0);
            assert_int_equal(s, !m.wanted[v][p] ? BG_ROUTE_GONE
                             : p ? BG_ROUTE_INSTALLED : BG_ROUTE_FAILED);
            if (m.table[v][p].is_there) {
                assert_int_equal(m.table[v][p].tag, m.wanted[v][p]);
            }
        }
    }
    bg_route_sync_free(m.w.sync);
}

static void
whatever_happens_zebra_ends_up_with_what_is_wanted(void **state)
{
    (void) state;
    const char *only = getenv("VX_SEED");

    for (uint32_t seed = 1; seed <= HISTORIES; seed++) {
        if (!only || (uint32_t) atoi(only) == seed) {
            print_message("# seed %u\n", seed);
            play(seed);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_confirmed_when_zebra_has_installed_it),
        cmocka_unit_test(a_change_waits_for_the_answer_to_the_one_before),
        cmocka_unit_test(a_delete_overtakes_an_add_and_needs_no_answer),
        cmocka_unit_test(what_zebra_never_answers_is_given_up_and_told),
        cmocka_unit_test(losing_failing_and_coming_back_are_told),
        cmocka_unit_test(the_window_holds_back_what_is_too_much),
        cmocka_unit_test(a_route_waits_for_its_vrf_and_its_interface),
        cmocka_unit_test(a_refused_route_is_said_again_when_an_address_comes),
        cmocka_unit_test(
            what_leads_to_a_device_is_said_again_when_it_has_lost_an_address),
        cmocka_unit_test(a_refused_route_is_said_again_ever_more_rarely),
        cmocka_unit_test(
            all_is_said_again_after_a_reconnect_and_nothing_is_lost),
        cmocka_unit_test(
            all_of_a_vrf_is_said_again_when_asked_for_also_what_is_under_way),
        cmocka_unit_test(
            an_audit_deletes_strays_and_says_what_is_missing_again),
        cmocka_unit_test(
            a_look_tells_what_an_audit_would_find_and_changes_nothing),
        cmocka_unit_test(
            a_route_that_is_not_removed_is_told_and_tried_again_later),
        cmocka_unit_test(what_nobody_was_told_of_goes_without_a_word),
        cmocka_unit_test(whatever_happens_zebra_ends_up_with_what_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
