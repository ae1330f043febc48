/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison of everything after a connect or a refusal; see switch.h.
 *
 * The rows wanted are those of one moment; what changes after it waits in
 * `later`, behind the difference.  The work is done in slices, so that a
 * host with 100,000 rows does not keep the loop from all others.
 *
 * A controller may have died when a port had moved and one bridge of the host
 * knew it, or none.  What packets go by until the other bridge has what
 * replaces it is the last of the difference, behind a fence (switch_pair.c);
 * those rows are known as they were (compile_past), so that nothing else ever
 * stays. */
#include "daemon/switch_priv.h"

#include <event2/event.h>
#include <stdlib.h>

#include "core/diff.h"
#include "core/pipeline.h"
#include "core/rowset.h"
#include "daemon/receipts.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"

enum { SLICE_ROWS = 2000 };

struct resync {
    struct og_crows *have, *want;
    struct vx_rows rows, past;
    size_t n_canonical;         /* rows already in want */
    struct vx_diff *diffs;
    size_t n_diffs, n_encoded;
    size_t n_given;             /* of n_diffs; the rest is held back */
    bool gave;                  /* the fence is there */
    bool fence;                 /* before what comes next ... */
    uint64_t since;             /* ... as vx_pair_wait */
    struct vx_receipt *receipt;
    bool compared;
    bool confirmed;             /* the last piece, before what waits is sent */
    struct later *first, **last;
};

struct later {
    struct later *next;
    uint64_t revision;          /* when it came, not when it is sent */
    bool fence;
    uint64_t since;
    struct og_msgs *msgs;
    struct vx_receipt *receipt;
};

void
vx_resync_end(struct vx_switch *sw, bool send)
{
    struct resync *resync = sw->resync;

    if (!resync) {
        return;
    }
    sw->resync = NULL;
    event_del(sw->slice);
    for (struct later *later = resync->first, *next; later; later = next) {
        next = later->next;
        if (send && later->fence) {
            vx_pair_wait(sw, later->since);
        }
        if (send) {
            vx_switch_send_change(sw, later->msgs, later->receipt)->revision
                = later->revision;
        }
        if (later->receipt) {
            vx_receipt_release(later->receipt);
        }
        og_msgs_unref(later->msgs);
        free(later);
    }
    if (resync->receipt) {
        vx_receipt_close(resync->receipt);
    }
    free(resync->diffs);
    vx_rows_fini(&resync->rows);
    vx_rows_fini(&resync->past);
    og_crows_free(resync->want);
    og_crows_free(resync->have);
    free(resync);
}

bool
vx_resync_confirmed(struct vx_switch *sw)
{
    if (sw->resync) {
        sw->resync->confirmed = true;
    }
    return !sw->resync;
}

void
vx_resync_later(struct vx_switch *sw, struct og_msgs *msgs,
                struct vx_receipt *receipt)
{
    struct later *later = vx_xcalloc(1, sizeof *later);

    later->revision = sw->env.revision(sw->env.ctx);
    later->msgs = og_msgs_ref(msgs);
    later->receipt = receipt;
    later->fence = sw->resync->fence;
    later->since = sw->resync->since;
    sw->resync->fence = false;
    if (receipt) {
        vx_receipt_hold(receipt);
    }
    *sw->resync->last = later;
    sw->resync->last = &later->next;
}

void
vx_resync_fence(struct vx_switch *sw, uint64_t since)
{
    sw->resync->fence = true;
    sw->resync->since = since;
}

/* Brings what is held back behind the rest; both keep their order. */
static void
hold_back(struct resync *resync)
{
    struct og_crows *past = og_crows_new();
    struct vx_diff *held = vx_xcalloc(resync->n_diffs, sizeof *held);
    struct vx_rowset set;
    size_t n_held = 0, n = 0;

    vx_rowset_init(&set, false);
    og_crows_add_rows(past, resync->past.rows, resync->past.n);
    for (size_t i = 0; i < past->n; i++) {
        vx_rowset_add(&set, &past->rows[i]);
    }
    for (size_t i = 0; i < resync->n_diffs; i++) {
        const struct vx_diff *diff = &resync->diffs[i];

        if (diff->type != VX_DIFF_MISSING
            && vx_rowset_has(&set, &resync->have->rows[diff->have])) {
            held[n_held++] = *diff;
        } else {
            resync->diffs[n++] = *diff;
        }
    }
    for (size_t i = 0; i < n_held; i++) {
        resync->diffs[n + i] = held[i];
    }
    resync->n_given = n;
    vx_rowset_fini(&set);
    free(held);
    og_crows_free(past);
}

static void
compare(struct vx_switch *sw)
{
    struct resync *resync = sw->resync;
    bool apart = sw->env.is_stranger(sw->env.ctx, sw->env.host);

    vx_rows_fini(&resync->rows);
    resync->n_canonical = 0;
    resync->n_diffs = (apart ? vx_diff_rows_apart : vx_diff_rows)(
        resync->have->rows, resync->have->n, resync->want->rows,
        resync->want->n, &resync->diffs);
    resync->compared = true;
    resync->n_given = resync->n_diffs;
    if (!apart && resync->n_diffs && resync->past.n) {
        hold_back(resync);
    }
    sw->facts.n_rows = resync->want->n;
    sw->facts.n_repaired = resync->n_diffs;
    sw->facts.n_resyncs++;
    vx_log_info(sw->name, "holds %zu rows, ought to hold %zu: %zu "
                "differences", resync->have->n, resync->want->n,
                resync->n_diffs);
    if (resync->n_diffs) {
        vx_epoch_spoil(sw);
    }
}

/* By a timer: an event that makes itself active is run again at once, before
 * the loop looks at anything else. */
static void
next_slice(struct vx_switch *sw)
{
    static const struct timeval now = { 0, 0 };

    evtimer_add(sw->slice, &now);
}

/* The next piece of the difference.  The order of the pieces is the order of
 * the difference, and each is a bundle that is safe on its own. */
static void
encode(struct vx_switch *sw)
{
    struct resync *resync = sw->resync;
    size_t n = (resync->gave ? resync->n_diffs : resync->n_given)
               - resync->n_encoded;
    struct og_msgs *msgs = og_msgs_new();

    n = n < SLICE_ROWS ? n : SLICE_ROWS;
    og_msgs_diff(msgs, resync->diffs + resync->n_encoded, n,
                 resync->have->rows, resync->want->rows);
    resync->n_encoded += n;
    vx_switch_send_owed(sw, msgs, resync->receipt,
                        resync->n_encoded == resync->n_diffs
                        ? OWED_RESYNC : OWED_CHANGE);
    og_msgs_unref(msgs);
}

/* What is held back follows, when the other bridge has caught up. */
static void
give(struct vx_switch *sw)
{
    vx_switch_send_nothing(sw, OWED_GIVEN);
    vx_pair_wait(sw, sw->compiled);
    sw->resync->gave = true;
}

void
vx_resync_slice(int fd, short what, void *sw_)
{
    struct vx_switch *sw = sw_;
    struct resync *resync = sw->resync;

    (void) fd;
    (void) what;
    if (resync->n_canonical < resync->rows.n) {
        size_t n = resync->rows.n - resync->n_canonical;

        n = n < SLICE_ROWS ? n : SLICE_ROWS;
        og_crows_add_rows(resync->want,
                          resync->rows.rows + resync->n_canonical, n);
        resync->n_canonical += n;
    } else if (!resync->compared) {
        compare(sw);
    } else if (resync->n_encoded < resync->n_diffs) {
        if (resync->n_encoded == resync->n_given) {
            give(sw);
        }
        encode(sw);
    } else {
        bool right = !resync->n_diffs || resync->confirmed;

        vx_resync_end(sw, true);
        if (right) {
            vx_switch_set_state(sw, VX_SWITCH_SYNCED);
        }
        return;
    }
    next_slice(sw);
}

/* Rows of the epoch's key stay out of the comparison. */
static void
take_epoch(struct vx_switch *sw, struct og_crows *have)
{
    for (size_t i = 0; i < have->n; i++) {
        if (vx_epoch_is(sw, &have->rows[i])) {
            struct vx_crow row = have->rows[i];

            have->rows[i] = have->rows[--have->n];
            vx_epoch_seen(sw, &row);
            return;             /* a key is there once */
        }
    }
}

void
vx_resync_begin(struct vx_switch *sw, struct og_crows *take_have)
{
    struct resync *resync = vx_xcalloc(1, sizeof *resync);

    resync->have = take_have;
    resync->want = og_crows_new();
    resync->last = &resync->first;
    resync->receipt = vx_receipts_open(sw->env.receipts,
                                       sw->env.revision(sw->env.ctx));
    sw->env.compile(sw->env.ctx, sw->env.host, sw->env.tier, &resync->rows);
    sw->env.compile_past(sw->env.ctx, sw->env.host, sw->env.tier,
                         &resync->past);
    vx_pair_compiled(sw);
    sw->resync = resync;
    vx_switch_set_state(sw, VX_SWITCH_LOADING);
    take_epoch(sw, take_have);
    next_slice(sw);
}
