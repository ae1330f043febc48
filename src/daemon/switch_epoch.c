/* SPDX-License-Identifier: Apache-2.0 */
/* The epoch: one flow in a table that no packet gets to, whose cookie is the
 * hash of all other rows.
 *
 *   quiet, all confirmed --> written;  before the next change --> deleted
 *
 * A switch that connects with the row that is wanted now has not been
 * touched since, by us, and is not dumped.  The deletion is queued in front
 * of the change and outside of its bundle, which may be refused, and others
 * behind it not; so whatever is lost, the row never stands for rows that are
 * not there; what a third party did meanwhile is found by the audit, which
 * is due soon after. */
#include "daemon/switch_priv.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "core/diff.h"
#include "core/fabric.h"
#include "core/pipeline.h"
#include "ovs-glue/of_codec.h"

enum { QUIET_MS = 3000 };

#define HASH_MASK ((UINT64_C(1) << 56) - 1)

static void write_row(evutil_socket_t fd, short what, void *sw_);

void
vx_epoch_init(struct vx_switch *sw)
{
    sw->quiet = evtimer_new(sw->env.base, write_row, sw);
}

void
vx_epoch_fini(struct vx_switch *sw)
{
    event_free(sw->quiet);
    og_msgs_unref(sw->epoch_del);
}

static uint64_t
cookie_now(const struct vx_switch *sw)
{
    uint64_t hash = sw->env.hash(sw->env.ctx, sw->env.host, sw->env.tier);

    return (uint64_t) VX_COOKIE_EPOCH << 56
           | (hash * (2 * VX_ROW_FORMAT + 1) & HASH_MASK);
}

static void
put_row(const struct vx_switch *sw, uint64_t cookie, struct vx_rows *rows)
{
    vx_rows_flow(rows, sw->env.tier, VX_T_EPOCH, 0, cookie);
}

void
vx_epoch_rows(const struct vx_switch *sw, struct vx_rows *rows)
{
    if (sw->epoch) {
        put_row(sw, sw->epoch, rows);
    }
}

static void
send_row(struct vx_switch *sw, uint64_t cookie)
{
    struct vx_delta add = { .tier = sw->env.tier };
    struct vx_rows rows = { NULL, 0, 0 };
    struct og_msgs *msgs = og_msgs_new();

    put_row(sw, cookie, &rows);
    add.add = rows.rows;
    add.n_add = rows.n;
    og_msgs_delta(msgs, &add);
    vx_run_touch(sw, &add);
    vx_switch_send_owed(sw, msgs, NULL, OWED_EPOCH);
    og_msgs_unref(msgs);
    vx_rows_fini(&rows);
    sw->epoch = cookie;
}

static void
write_row(evutil_socket_t fd, short what, void *sw_)
{
    struct vx_switch *sw = sw_;

    (void) fd;
    (void) what;
    if (sw->facts.state == VX_SWITCH_SYNCED && !sw->epoch && !sw->first
        && !sw->run && !sw->env.is_stranger(sw->env.ctx, sw->env.host)) {
        send_row(sw, cookie_now(sw));
    } else {
        vx_epoch_quiet(sw);     /* a stranger, or busy: later */
    }
}

void
vx_epoch_quiet(struct vx_switch *sw)
{
    static const struct timeval tv = { QUIET_MS / 1000,
                                       QUIET_MS % 1000 * 1000 };

    if (!sw->epoch && !sw->first && sw->facts.state == VX_SWITCH_SYNCED) {
        evtimer_add(sw->quiet, &tv);
    }
}

void
vx_epoch_forget(struct vx_switch *sw)
{
    sw->epoch = 0;
    event_del(sw->quiet);
}

static void
delete_row(struct vx_switch *sw)
{
    struct vx_rows rows = { NULL, 0, 0 };
    struct vx_delta delta = { .tier = sw->env.tier };

    put_row(sw, 0, &rows);
    delta.del = rows.rows;
    delta.n_del = rows.n;
    if (!sw->epoch_del) {
        sw->epoch_del = og_msgs_new();
        og_msgs_delete_alone(sw->epoch_del, rows.rows);
    }
    vx_run_touch(sw, &delta);
    vx_rows_fini(&rows);
    vx_switch_send_owed(sw, sw->epoch_del, NULL, OWED_EPOCH);
}

void
vx_epoch_spoil(struct vx_switch *sw)
{
    event_del(sw->quiet);
    if (sw->epoch) {
        sw->epoch = 0;
        delete_row(sw);
    }
}

static struct og_crows *
canonical(const struct vx_switch *sw, uint64_t cookie)
{
    struct og_crows *crows = og_crows_new();
    struct vx_rows rows = { NULL, 0, 0 };

    put_row(sw, cookie, &rows);
    og_crows_add_rows(crows, rows.rows, rows.n);
    vx_rows_fini(&rows);
    return crows;
}

static bool
is_right(const struct vx_switch *sw, const struct vx_crow *row,
         uint64_t cookie)
{
    struct og_crows *want = canonical(sw, cookie);
    struct vx_diff *diffs;
    bool right = !vx_diff_rows(row, 1, want->rows, want->n, &diffs);

    free(diffs);
    og_crows_free(want);
    return right;
}

bool
vx_epoch_believe(struct vx_switch *sw, const struct og_crows *have)
{
    uint64_t cookie = cookie_now(sw);

    if (have->n == 1 && is_right(sw, have->rows, cookie)
        && !sw->env.is_stranger(sw->env.ctx, sw->env.host)) {
        sw->epoch = cookie;
        return true;
    }
    return false;
}

bool
vx_epoch_is(const struct vx_switch *sw, const struct vx_crow *row)
{
    struct og_crows *key;
    bool is;

    if (row->type != VX_ROW_FLOW || row->table != VX_T_EPOCH
        || row->priority) {
        return false;
    }
    key = canonical(sw, 0);
    is = row->key_size == key->rows->key_size
         && (!row->key_size
             || !memcmp(row->key, key->rows->key, row->key_size));
    og_crows_free(key);
    return is;
}

void
vx_epoch_seen(struct vx_switch *sw, const struct vx_crow *row)
{
    uint64_t cookie = cookie_now(sw);

    if (is_right(sw, row, cookie)
        && !sw->env.is_stranger(sw->env.ctx, sw->env.host)) {
        sw->epoch = cookie;
    } else {
        delete_row(sw);
    }
}
