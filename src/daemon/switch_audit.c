/* SPDX-License-Identifier: Apache-2.0 */
/* An audit of a synced switch: what it holds is compared with what it ought
 * to hold while it goes on working.
 *
 *   compile (in parts) -> dump, match (part by part) -> sort what is left
 *     -> report -> repair, if the owner says so, piece by piece -> done
 *
 * Rows that change meanwhile are remembered and left out: of them nothing
 * can be said before the next audit.  So a change is no drift, and a repair
 * can take its time without undoing a change.  The switch is spared: no part
 * of a dump has many rows, and there is a pause after each.  Nothing of an
 * audit is in the way of changes but the few milliseconds of a part. */
#include "daemon/switch_priv.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "core/diff.h"
#include "core/fabric.h"
#include "core/pipeline.h"
#include "core/rowset.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"

enum {
    SLICE_ROWS = 4000,          /* matched at once */
    PART_ROWS = 4000,           /* dumped at once, about */
    MAX_SPLITS = 64,            /* of a table; by low bits of the cookie */
    TOUCHED_MAX = 50000,        /* rows changed meanwhile: give up */
    RETRY_MS = 100,
    PAUSE_MAX_MS = 2000,
};

/* A dump, or what is left of it. */
struct dumped {
    struct dumped *next;
    struct og_crows *crows;
    bool keep;                  /* a row of it is in extra */
};

struct run {
    struct vx_switch_audit audit;
    enum { COMPILE, FILL, DUMP, MATCH, SORT, REPAIR, CONFIRM } phase;

    struct vx_fabric_cursor cursor;     /* of the compile */
    struct og_crows *want;
    struct vx_rowset wanted;    /* by everything */
    size_t n_filled;            /* of want, in wanted */
    size_t n_in_table[256];

    struct og_crows *touched_rows;
    struct vx_rowset touched;   /* by key */

    unsigned n_tables_done;     /* 0: what is not a flow comes next */
    unsigned split, n_splits;   /* of the table */
    struct dumped *dumps;       /* the first is being matched */
    size_t n_matched;           /* of its rows */
    size_t n_have;

    struct vx_crow *extra, *missing;    /* bytes in dumps and want */
    size_t n_extra, cap_extra, n_missing, cap_missing;
    struct vx_diff *diffs;
    size_t n_diffs, n_sent, n_repaired;
};

static void
run_free(struct run *run)
{
    while (run->dumps) {
        struct dumped *next = run->dumps->next;

        og_crows_free(run->dumps->crows);
        free(run->dumps);
        run->dumps = next;
    }
    vx_rowset_fini(&run->wanted);
    vx_rowset_fini(&run->touched);
    og_crows_free(run->touched_rows);
    og_crows_free(run->want);
    free(run->extra);
    free(run->missing);
    free(run->diffs);
    free(run);
}

static void
finish(struct vx_switch *sw, const char *why)
{
    struct run *run = sw->run;
    struct vx_switch_audit audit = run->audit;
    size_t n_repaired = run->n_repaired;
    bool proves = !why && !(audit.only_looks && run->n_diffs);

    sw->run = NULL;
    event_del(sw->step);
    run_free(run);
    if (proves) {
        sw->facts.is_unproven = false;
    }
    vx_epoch_quiet(sw);
    audit.done(audit.ctx, why, n_repaired);
}

void
vx_run_stop(struct vx_switch *sw, const char *why)
{
    if (sw->run) {
        if (sw->dump_for == DUMP_AUDIT) {
            sw->dump_for = DUMP_NOTHING;
        }
        finish(sw, why);
    }
}

/* Also for 0 ms by the timer: an event that makes itself active is run again
 * at once, before the loop looks at anything else. */
static void
later(struct vx_switch *sw, int64_t ms)
{
    const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    evtimer_add(sw->step, &tv);
}

bool
vx_switch_audit(struct vx_switch *sw, const struct vx_switch_audit *audit)
{
    struct run *run;

    if (sw->facts.state != VX_SWITCH_SYNCED || sw->run) {
        return false;
    }
    run = vx_xcalloc(1, sizeof *run);
    run->audit = *audit;
    run->want = og_crows_new();
    run->touched_rows = og_crows_new();
    vx_rowset_init(&run->wanted, false);
    vx_rowset_init(&run->touched, true);
    sw->run = run;
    later(sw, 0);
    return true;
}

/* --- What changes meanwhile. */

static void
touch(struct run *run, const struct vx_row *rows, size_t n)
{
    size_t first = run->touched_rows->n;

    og_crows_add_rows(run->touched_rows, rows, n);
    for (size_t i = first; i < run->touched_rows->n; i++) {
        vx_rowset_add(&run->touched, &run->touched_rows->rows[i]);
    }
}

void
vx_run_touch(struct vx_switch *sw, const struct vx_delta *delta)
{
    struct run *run = sw->run;

    if (run && run->touched.n <= TOUCHED_MAX) {
        touch(run, delta->del, delta->n_del);
        touch(run, delta->add, delta->n_add);
    }
}

/* A bucket is also out of date if its group is. */
static bool
is_touched(const struct run *run, const struct vx_crow *row)
{
    struct vx_crow group = { .type = VX_ROW_GROUP, .key = row->key,
                             .key_size = 4 };

    return vx_rowset_has(&run->touched, row)
           || (row->type == VX_ROW_BUCKET && row->key_size > 4
               && vx_rowset_has(&run->touched, &group));
}

/* --- Compile. */

static void
compile(struct vx_switch *sw)
{
    struct run *run = sw->run;
    struct vx_rows rows = { NULL, 0, 0 };
    bool more = sw->env.compile_part(sw->env.ctx, sw->env.host, sw->env.tier,
                                     &run->cursor, &rows);

    if (!more) {
        vx_epoch_rows(sw, &rows);
        run->phase = FILL;
    }
    og_crows_add_rows(run->want, rows.rows, rows.n);
    vx_rows_fini(&rows);
    later(sw, 0);
}

static void
fill(struct vx_switch *sw)
{
    struct run *run = sw->run;

    for (int i = 0; i < SLICE_ROWS && run->n_filled < run->want->n; i++) {
        const struct vx_crow *row = &run->want->rows[run->n_filled++];

        vx_rowset_add(&run->wanted, row);
        if (row->type == VX_ROW_FLOW) {
            run->n_in_table[row->table]++;
        }
    }
    if (run->n_filled == run->want->n) {
        run->phase = DUMP;
    }
    later(sw, 0);
}

/* --- Dump. */

static bool
is_small(const struct run *run)
{
    return run->want->n <= PART_ROWS;
}

/* The part that comes next; false if there is none. */
static bool
next_part(struct run *run, struct og_of_part *ret_part)
{
    unsigned table = run->n_tables_done - 1;

    if (is_small(run)) {
        *ret_part = (struct og_of_part) { .table = OG_OF_ALL_TABLES };
        return !run->n_tables_done;
    }
    *ret_part = (struct og_of_part) { .table = OG_OF_NO_TABLE };
    if (!run->n_tables_done) {
        return true;
    }
    if (table >= OG_OF_NO_TABLE) {
        return false;
    }
    ret_part->table = (uint8_t) table;
    if (!run->split) {
        run->n_splits = 1;
        while (run->n_splits < MAX_SPLITS
               && run->n_in_table[table] / run->n_splits > PART_ROWS) {
            run->n_splits *= 2;
        }
    }
    ret_part->cookie = run->split;
    ret_part->cookie_mask = run->n_splits - 1;
    return true;
}

static void
part_done(struct run *run)
{
    if (!run->n_tables_done || ++run->split >= run->n_splits) {
        run->n_tables_done++;
        run->split = 0;
    }
}

static void
dump(struct vx_switch *sw)
{
    struct run *run = sw->run;
    struct og_of_part part;

    if (!next_part(run, &part)) {
        run->phase = SORT;
        later(sw, 0);
    } else if (!sw->is_dumping
               && og_of_session_dump_part(sw->session, &part)) {
        sw->is_dumping = true;
        sw->dump_for = DUMP_AUDIT;
    } else {
        later(sw, RETRY_MS);
    }
}

void
vx_run_dumped(struct vx_switch *sw, struct og_crows *take_have)
{
    struct run *run = sw->run;
    struct dumped *d = vx_xcalloc(1, sizeof *d);

    d->crows = take_have;
    d->next = run->dumps;
    run->dumps = d;
    run->n_matched = 0;
    run->phase = MATCH;
    part_done(run);
    later(sw, 0);
}

static void
match(struct vx_switch *sw)
{
    struct run *run = sw->run;
    struct dumped *d = run->dumps;
    size_t n_rows = d->crows->n, n_extra = run->n_extra;
    int64_t ms;

    for (int i = 0; i < SLICE_ROWS && run->n_matched < n_rows; i++) {
        const struct vx_crow *row = &d->crows->rows[run->n_matched++];

        if (!vx_rowset_take(&run->wanted, row)) {
            run->extra = vx_grow(run->extra, &run->cap_extra,
                                 run->n_extra + 1, sizeof *run->extra);
            run->extra[run->n_extra++] = *row;
        }
    }
    d->keep |= run->n_extra > n_extra;
    if (run->n_matched < n_rows) {
        later(sw, 0);
        return;
    }
    run->n_have += n_rows;
    if (!d->keep) {
        run->dumps = d->next;
        og_crows_free(d->crows);
        free(d);
    }
    run->phase = DUMP;
    /* A dump takes the switch some 5 us a row. */
    ms = (int64_t) n_rows / (run->audit.hurry ? 200 : 50);
    later(sw, ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS);
}

/* --- What is left. */

static void
sort_out(struct run *run)
{
    size_t n = 0;

    for (size_t i = 0; i < run->wanted.n; i++) {
        const struct vx_crow *row = &run->wanted.rows[i];

        if (!run->wanted.taken[i] && !is_touched(run, row)) {
            run->missing = vx_grow(run->missing, &run->cap_missing,
                                   run->n_missing + 1,
                                   sizeof *run->missing);
            run->missing[run->n_missing++] = *row;
        }
    }
    for (size_t i = 0; i < run->n_extra; i++) {
        if (!is_touched(run, &run->extra[i])) {
            run->extra[n++] = run->extra[i];
        }
    }
    run->n_extra = n;
    run->n_diffs = vx_diff_rows(run->extra, run->n_extra, run->missing,
                                run->n_missing, &run->diffs);
}

static void
sort(struct vx_switch *sw)
{
    struct run *run = sw->run;
    struct vx_switch_audit *audit = &run->audit;
    bool repair;

    if (run->touched.n > TOUCHED_MAX) {
        finish(sw, "too much changes");
        return;
    }
    sort_out(run);
    for (size_t i = 0; i < run->n_diffs; i++) {
        const struct vx_diff *d = &run->diffs[i];

        audit->drift(audit->ctx, d->type,
                     d->type == VX_DIFF_MISSING ? NULL
                     : &run->extra[d->have],
                     d->type == VX_DIFF_FOREIGN ? NULL
                     : &run->missing[d->want]);
    }
    repair = audit->compared(audit->ctx, run->n_have, run->n_diffs);
    if (run->n_diffs && repair) {
        run->phase = REPAIR;
        later(sw, 0);
    } else {
        finish(sw, NULL);
    }
}

/* --- Repair. */

static void
send_piece(struct vx_switch *sw, size_t n)
{
    struct run *run = sw->run;
    struct vx_diff *diffs = run->diffs + run->n_sent;
    struct og_msgs *msgs = og_msgs_new();
    size_t n_left = 0;

    vx_epoch_spoil(sw);         /* touches its row */
    for (size_t i = 0; i < n; i++) {
        const struct vx_crow *row = diffs[i].type == VX_DIFF_FOREIGN
                                    ? &run->extra[diffs[i].have]
                                    : &run->missing[diffs[i].want];

        if (!is_touched(run, row)) {
            diffs[n_left++] = diffs[i];
        }
    }
    og_msgs_diff(msgs, diffs, n_left, run->extra, run->missing);
    run->n_sent += n;
    run->n_repaired += n_left;
    run->phase = CONFIRM;
    vx_switch_send_owed(sw, msgs, NULL, OWED_REPAIR);
    og_msgs_unref(msgs);
}

static void
repair(struct vx_switch *sw)
{
    struct run *run = sw->run;
    int64_t wait_ms = 0;
    size_t n;

    if (run->touched.n > TOUCHED_MAX) {
        finish(sw, "too much changes");
        return;
    }
    if (run->n_sent == run->n_diffs) {
        finish(sw, NULL);
        return;
    }
    n = run->audit.take(run->audit.ctx, run->n_diffs - run->n_sent,
                        &wait_ms);
    if (n) {
        send_piece(sw, n);
    } else {
        later(sw, wait_ms);
    }
}

void
vx_run_repaired(struct vx_switch *sw)
{
    if (sw->run && sw->run->phase == CONFIRM) {
        sw->run->phase = REPAIR;
        later(sw, 0);
    }
}

void
vx_run_step(int fd, short what, void *sw_)
{
    struct vx_switch *sw = sw_;

    (void) fd;
    (void) what;
    switch (sw->run->phase) {
    case COMPILE:
        compile(sw);
        break;
    case FILL:
        fill(sw);
        break;
    case DUMP:
        dump(sw);
        break;
    case MATCH:
        match(sw);
        break;
    case SORT:
        sort(sw);
        break;
    case REPAIR:
        repair(sw);
        break;
    case CONFIRM:
        break;
    }
}
