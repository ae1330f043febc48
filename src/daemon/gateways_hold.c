/* SPDX-License-Identifier: Apache-2.0 */
/* Withdraw before remove; see gateways.h.
 *
 * A request that changes something announced is rehearsed: staged, the keys it
 * touches are looked at, and it is taken back.  What would be gone is
 * withdrawn from the gateways now, and the request is submitted when those
 * that are connected have acknowledged that, or after HOLD_MS.  Nothing is
 * rehearsed that touches nothing announced, and nothing is held that takes
 * nothing away.  What others have changed meanwhile may have announced more
 * that would be gone: it is rehearsed once more then, MORE_MAX times at
 * most, and who was waited for in vain is not waited for again.
 *
 * Where a port is, is no part of the rehearsal: the fabric is not told of what
 * is only staged.  So a VTEP that goes from a network's floods (type 3) with
 * the last port there is not waited for, and need not be: nobody is left there
 * whom floods could miss, the host keeps the network's rows for its grace time
 * after that, and drops what comes later.  With the network itself it goes
 * like everything else. */
#include <stdlib.h>

#include <event2/event.h>

#include "daemon/app.h"
#include "daemon/commit.h"
#include "daemon/gateways_priv.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { HOLD_MS = 2000, MORE_MAX = 3, HELD_MAX = 256, KEYS_MAX = 100000 };

/* A gateway has to come to this number. */
struct wait {
    uint64_t gateway, seq;
    bool in_vain;               /* HOLD_MS long: not any more */
};

struct vx_gw_held {
    struct vx_gw_held *prev, *next;
    struct vx_gws *gws;
    struct vx_api_submit submit;
    void (*go)(void *app, const struct vx_api_submit *submit);
    struct vx_feed_key *keys;   /* sorted, each once */
    size_t n_keys, cap_keys;
    uint64_t revision;          /* that it was rehearsed on */
    unsigned n_more;            /* rehearsals after the first */
    struct wait *waits;
    size_t n_waits, cap_waits;
    struct event *timer;
};

/* What packets follow, or peers act on. */
static bool
is_held_type(enum vx_feed_type type)
{
    return type == VX_FEED_PREFIX || type == VX_FEED_ENDPOINT
           || type == VX_FEED_VTEP || type == VX_FEED_NETWORK
           || type == VX_FEED_POLICY;
}

/* Whether the gateway may go by the key until it has been taken back: it is
 * told, may be any moment, or has not acknowledged that it is gone. */
static bool
is_out(const struct vx_gw *gw, const struct vx_feed_item *item)
{
    return item->value || item->state == VX_FEED_WAITING
           || (gw->connected && item->seq > gw->acked);
}

/* --- Is it worth a rehearsal? */

struct checking {
    struct vx_gws *gws;
    bool found;
};

static void
check_key(void *checking_, const struct vx_feed_key *key)
{
    struct checking *c = checking_;
    struct vx_feed_item item;
    struct vx_gw *gw;

    if (c->found || !is_held_type(key->type)) {
        return;
    }
    VX_GWS_FOR_EACH(gw, c->gws) {
        c->found |= vx_feedlog_get(gw->log, key, &item)
                    && (item.state != VX_FEED_GONE || is_out(gw, &item));
    }
}

static bool
is_worth_it(struct vx_gws *gws, const struct vx_op *op)
{
    struct checking c = { .gws = gws };
    const struct vx_obj *obj = vx_model_find(gws->app->model, op->kind,
                                             &op->key, NULL);

    if (obj) {
        vx_export_touched(&gws->env, obj, NULL, check_key, &c);
    }
    /* With an uplink or a peering goes whom the gateway serves: its sessions
     * end anyway. */
    return c.found;
}

/* --- The rehearsal. */

static void
collect_key(void *held_, const struct vx_feed_key *key)
{
    struct vx_gw_held *held = held_;

    if (is_held_type(key->type) && held->n_keys < KEYS_MAX) {
        held->keys = vx_grow(held->keys, &held->cap_keys, held->n_keys + 1,
                             sizeof *held->keys);
        held->keys[held->n_keys++] = *key;
    }
}

static int
by_key(const void *a, const void *b)
{
    return vx_feed_key_compare(a, b);
}

/* Keeps the keys that some gateway is told and would not be any more; if
 * there are any, also those that none would be told then: their turn may come
 * before the request's. */
static void
keep_lost(struct vx_gw_held *held)
{
    struct vx_gws *gws = held->gws;
    bool any = false;
    size_t n = 0;

    if (held->n_keys) {
        qsort(held->keys, held->n_keys, sizeof *held->keys, by_key);
    }
    for (size_t i = 0; i < held->n_keys; i++) {
        const struct vx_feed_key *key = &held->keys[i];
        bool lost = false;
        struct vx_gw *gw;

        if (n && !vx_feed_key_compare(key, &held->keys[n - 1])) {
            continue;
        }
        VX_GWS_FOR_EACH(gw, gws) {
            struct vx_feed_item item = { .state = VX_FEED_GONE };
            struct vx_export e;
            enum vx_export_verdict verdict;

            vx_feedlog_get(gw->log, key, &item);
            verdict = vx_gws_evaluate(gws, gw, key, true, &e);
            lost |= verdict == VX_EXPORT_NONE
                    || (is_out(gw, &item) && verdict != VX_EXPORT_TELL);
            any |= lost && (item.state != VX_FEED_GONE || is_out(gw, &item));
        }
        if (lost) {
            held->keys[n++] = *key;
        }
    }
    held->n_keys = any ? n : 0;
}

/* False if it would be refused: nothing is found then. */
static bool
rehearse(struct vx_gw_held *held)
{
    struct vx_gws *gws = held->gws;
    struct vx_app *app = gws->app;
    size_t failed, n;
    const struct vx_change *changes;
    struct vx_error err;

    /* What the store refuses is out of the way then, and is no reason to carry
     * out this one without a word. */
    if ((!vx_commit_drain(app->commit, &err)
         && !vx_commit_drain(app->commit, &err))
        || !vx_model_apply(app->model, held->submit.ops, held->submit.n,
                           vx_clock_wall_ms(), NULL, &failed, &err)) {
        return false;
    }
    changes = vx_model_staged(app->model, &n);
    held->revision = vx_commit_revision(app->commit);
    gws->changes = changes;
    gws->n_changes = n;
    for (size_t i = 0; i < n; i++) {
        vx_export_touched(&gws->env, changes[i].old, changes[i].new,
                          collect_key, held);
    }
    keep_lost(held);
    gws->changes = NULL;
    gws->n_changes = 0;
    vx_model_rollback(app->model, 0);
    app->epoch++;
    return held->n_keys > 0;
}

/* --- Holding. */

static void
held_free(struct vx_gw_held *held)
{
    if (held->timer) {
        event_free(held->timer);
    }
    free(held->keys);
    free(held->waits);
    free(held);
}

static void
unlink_held(struct vx_gw_held *held)
{
    struct vx_gws *gws = held->gws;

    *(held->prev ? &held->prev->next : &gws->held) = held->next;
    if (held->next) {
        held->next->prev = held->prev;
    }
    gws->n_held--;
}

static void
withdraw(struct vx_gw_held *held)
{
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, held->gws) {
        uint64_t last = 0;

        for (size_t i = 0; i < held->n_keys; i++) {
            uint64_t seq = vx_feedlog_withdraw(gw->log, &held->keys[i]);

            last = seq > last ? seq : last;
        }
        if (last) {
            held->waits = vx_grow(held->waits, &held->cap_waits,
                                  held->n_waits + 1, sizeof *held->waits);
            held->waits[held->n_waits++] = (struct wait) { gw->oid, last,
                                                           false };
        }
    }
}

void
vx_gws_held_withdraw(struct vx_gw *gw)
{
    for (struct vx_gw_held *held = gw->gws->held; held; held = held->next) {
        for (size_t i = 0; i < held->n_keys; i++) {
            vx_feedlog_withdraw(gw->log, &held->keys[i]);
        }
    }
}

/* The request may have been refused, or have changed what it was: what is
 * there still is announced again. */
static void
release(struct vx_gws *gws, const struct vx_feed_key *keys, size_t n)
{
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, gws) {
        uint64_t realized = vx_gws_realized_by(gws, gw);

        for (size_t i = 0; i < n; i++) {
            vx_feedlog_release(gw->log, &keys[i], realized);
        }
    }
}

/* Some gateway that is there has not acknowledged yet: the first. */
static struct wait *
first_waited_for(const struct vx_gw_held *held)
{
    for (size_t i = 0; i < held->n_waits; i++) {
        struct wait *wait = &held->waits[i];
        const struct vx_gw *gw = vx_gws_find(held->gws, wait->gateway);

        if (gw && gw->connected && gw->acked < wait->seq && !wait->in_vain) {
            return wait;
        }
    }
    return NULL;
}

/* The last part: the commit has been told to the keys by then, so releasing
 * them does not bring back what is gone.  Something else may be staged now,
 * and come to nothing: they are looked at once more when it is not. */
struct going {
    struct vx_gw_held *held;
    vx_api_done *done;
    void *aux;
};

static void
went(void *going_, const struct vx_api_outcome *outcome)
{
    struct going *going = going_;
    struct vx_gws *gws = going->held->gws;
    struct vx_gw_held *held = going->held;

    going->done(going->aux, outcome);
    if (gws->started) {
        for (size_t i = 0; i < held->n_keys; i++) {
            vx_gws_look_now(gws, &held->keys[i]);
            vx_gws_touch(gws, &held->keys[i]);
        }
        release(gws, held->keys, held->n_keys);
    }
    held_free(held);
    free(going);
}

static void
go(struct vx_gw_held *held)
{
    struct going *going = vx_xcalloc(1, sizeof *going);

    unlink_held(held);
    event_del(held->timer);
    *going = (struct going) { held, held->submit.done, held->submit.aux };
    held->submit.done = went;
    held->submit.aux = going;
    held->go(held->gws->app, &held->submit);
}

static const struct timeval limit = { HOLD_MS / 1000, 0 };

/* Takes over from `more` what it withdraws beyond the others; both are
 * sorted. */
static void
take_keys(struct vx_gw_held *held, const struct vx_gw_held *more)
{
    size_t i = held->n_keys, j = more->n_keys, n = i + j;

    held->keys = vx_grow(held->keys, &held->cap_keys, n,
                         sizeof *held->keys);
    held->n_keys = n;
    while (j) {
        bool own = i && by_key(&held->keys[i - 1], &more->keys[j - 1]) > 0;

        held->keys[--n] = own ? held->keys[--i] : more->keys[--j];
    }
}

static struct wait *
find_wait(const struct vx_gw_held *held, uint64_t gateway)
{
    for (size_t i = 0; i < held->n_waits; i++) {
        if (held->waits[i].gateway == gateway) {
            return &held->waits[i];
        }
    }
    return NULL;
}

static void
take_waits(struct vx_gw_held *held, const struct vx_gw_held *more)
{
    for (size_t i = 0; i < more->n_waits; i++) {
        struct wait *wait = find_wait(held, more->waits[i].gateway);

        if (wait) {
            wait->seq = more->waits[i].seq;
            continue;
        }
        held->waits = vx_grow(held->waits, &held->cap_waits,
                              held->n_waits + 1, sizeof *held->waits);
        held->waits[held->n_waits++] = more->waits[i];
    }
}

static void
drop_known_keys(struct vx_gw_held *more, const struct vx_gw_held *held)
{
    size_t n = 0;

    for (size_t i = 0; i < more->n_keys; i++) {
        if (!bsearch(&more->keys[i], held->keys, held->n_keys,
                     sizeof *held->keys, by_key)) {
            more->keys[n++] = more->keys[i];
        }
    }
    more->n_keys = n;
}

/* What was announced since the last rehearsal and would be gone, too, is
 * withdrawn as well; true: it is to be waited for. */
static bool
withdraw_more(struct vx_gw_held *held)
{
    struct vx_gws *gws = held->gws;
    struct vx_gw_held more = { .gws = gws, .submit = held->submit };

    if (held->n_more == MORE_MAX
        || (held->revision == vx_commit_revision(gws->app->commit)
            && vx_model_revision(gws->app->model) == held->revision)) {
        return false;
    }
    held->n_more++;
    if (rehearse(&more)) {
        held->revision = more.revision;
        drop_known_keys(&more, held);
        withdraw(&more);
        take_keys(held, &more);
        take_waits(held, &more);
        event_add(held->timer, &limit);
        vx_gws_pump_all(gws);
    }
    free(more.keys);
    free(more.waits);
    return first_waited_for(held);
}

static void
on_timer(evutil_socket_t fd, short what, void *held_)
{
    struct vx_gw_held *held = held_;

    (void) fd;
    (void) what;
    if (first_waited_for(held)) {
        struct wait *wait;

        held->gws->n_withdrawn_late++;
        vx_log_warn("gateways", "a withdrawal was not acknowledged in %d ms: "
                    "the request is carried out", HOLD_MS);
        while ((wait = first_waited_for(held))) {
            wait->in_vain = true;
        }
    }
    if (!withdraw_more(held)) {
        go(held);
    }
}

void
vx_gws_held_look(struct vx_gws *gws)
{
    for (struct vx_gw_held *held = gws->held; held; held = held->next) {
        /* From the loop: whoever called may be in the middle of something. */
        if (!first_waited_for(held)) {
            event_active(held->timer, EV_TIMEOUT, 0);
        }
    }
}

bool
vx_gws_hold(struct vx_gws *gws, const struct vx_api_submit *submit,
            void (*carry_out)(void *app, const struct vx_api_submit *submit))
{
    struct vx_gw_held *held;
    bool worth_it = false;

    if (!gws->gateways.count || gws->n_held >= HELD_MAX) {
        return false;
    }
    for (size_t i = 0; i < submit->n && !worth_it; i++) {
        worth_it = is_worth_it(gws, &submit->ops[i]);
    }
    if (!worth_it) {
        return false;
    }
    held = vx_xcalloc(1, sizeof *held);
    held->gws = gws;
    held->submit = *submit;
    held->go = carry_out;
    if (!rehearse(held)) {
        held_free(held);
        return false;
    }
    withdraw(held);
    held->next = gws->held;
    if (held->next) {
        held->next->prev = held;
    }
    gws->held = held;
    gws->n_held++;
    held->timer = event_new(gws->app->base, -1, 0, on_timer, held);
    event_add(held->timer, &limit);
    vx_gws_pump_all(gws);
    vx_gws_held_look(gws);
    return true;
}

void
vx_gws_held_free(struct vx_gws *gws)
{
    struct vx_error err;

    vx_fail(&err, VX_UNAVAILABLE, "", "the controller stops");
    while (gws->held) {
        struct vx_gw_held *held = gws->held;
        const struct vx_api_outcome outcome = { .err = &err,
                                                .failed = SIZE_MAX };

        unlink_held(held);
        held->submit.done(held->submit.aux, &outcome);
        held_free(held);
    }
}
