/* SPDX-License-Identifier: Apache-2.0 */
/* One bridge of one host; see switch.h. */
#include "daemon/switch.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/diff.h"
#include "daemon/receipts.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"

enum { PAUSE_MIN_MS = 500, PAUSE_MAX_MS = 60000, SLICE_ROWS = 2000 };

/* Something sent and not yet confirmed. */
struct owed {
    struct owed *next;
    uint64_t tag;
    uint64_t revision;          /* committed when it was sent */
    struct vx_receipt *receipt; /* NULL: nobody waits */
    bool resync;                /* the last of a resync */
};

struct resync;

struct vx_switch {
    struct vx_switch_env env;
    char *name;
    struct og_of_session *session;
    bool allowed;
    struct owed *first, **last;
    uint64_t last_tag;
    struct event *pause;
    struct resync *resync;      /* comparison under way */
    struct event *slice;        /* its next slice */
    unsigned pause_ms;
    struct vx_switch_facts facts;
};

static void
set_state(struct vx_switch *sw, enum vx_switch_state state)
{
    if (sw->facts.state != state) {
        sw->facts.state = state;
        if (state == VX_SWITCH_SYNCED) {
            sw->facts.error[0] = '\0';
            sw->pause_ms = PAUSE_MIN_MS;
        }
        sw->env.changed(sw->env.ctx, sw->env.host, sw->env.tier);
    }
}

static void
try_sync(struct vx_switch *sw)
{
    if (sw->facts.state == VX_SWITCH_WAITING && sw->allowed
        && !event_pending(sw->pause, EV_TIMEOUT, NULL)
        && og_of_session_dump(sw->session, OG_OF_ALL_TABLES)) {
        set_state(sw, VX_SWITCH_DUMPING);
    }
}

static void slice(evutil_socket_t fd, short what, void *sw_);
static void end_resync(struct vx_switch *sw, bool send);

static void
pause_over(evutil_socket_t fd, short what, void *sw)
{
    (void) fd;
    (void) what;
    try_sync(sw);
}

struct vx_switch *
vx_switch_new(const struct vx_switch_env *env)
{
    struct vx_switch *sw = vx_xcalloc(1, sizeof *sw);

    sw->env = *env;
    sw->name = vx_xstrdup(env->name);
    sw->last = &sw->first;
    sw->pause = evtimer_new(env->base, pause_over, sw);
    sw->slice = event_new(env->base, -1, 0, slice, sw);
    sw->pause_ms = PAUSE_MIN_MS;
    return sw;
}

/* Whoever waited for this bridge need not any more: that it is not synced is
 * a fact of its own. */
static void
forget_owed(struct vx_switch *sw)
{
    struct owed *owed = sw->first;

    sw->first = NULL;
    sw->last = &sw->first;
    while (owed) {
        struct owed *next = owed->next;

        if (owed->receipt) {
            vx_receipt_release(owed->receipt);
        }
        free(owed);
        owed = next;
    }
}

void
vx_switch_free(struct vx_switch *sw)
{
    if (sw) {
        og_of_session_free(sw->session);
        end_resync(sw, false);
        forget_owed(sw);
        event_free(sw->pause);
        event_free(sw->slice);
        free(sw->name);
        free(sw);
    }
}

void
vx_switch_disconnect(struct vx_switch *sw, const char *why)
{
    if (sw->session) {
        og_of_session_free(sw->session);
        sw->session = NULL;
        snprintf(sw->facts.error, sizeof sw->facts.error, "%s", why);
        vx_log_info(sw->name, "OpenFlow connection is gone: %s", why);
        end_resync(sw, false);
        set_state(sw, VX_SWITCH_AWAY);
        forget_owed(sw);
    }
}

void
vx_switch_connect(struct vx_switch *sw, struct og_of_session *take)
{
    vx_switch_disconnect(sw, "replaced by a newer connection");
    sw->session = take;
    vx_log_info(sw->name, "OpenFlow connection is up");
    set_state(sw, VX_SWITCH_WAITING);
    try_sync(sw);
}

void
vx_switch_allow(struct vx_switch *sw, bool allowed)
{
    sw->allowed = allowed;
    try_sync(sw);
}

bool
vx_switch_takes_rows(const struct vx_switch *sw)
{
    return sw->facts.state >= VX_SWITCH_LOADING;
}

static void
send_owed(struct vx_switch *sw, struct og_msgs *msgs,
          struct vx_receipt *receipt, bool resync)
{
    struct owed *owed = vx_xcalloc(1, sizeof *owed);

    owed->tag = ++sw->last_tag;
    owed->revision = sw->env.revision(sw->env.ctx);
    owed->receipt = receipt;
    owed->resync = resync;
    if (receipt) {
        vx_receipt_hold(receipt);
    }
    *sw->last = owed;
    sw->last = &owed->next;
    og_of_session_queue(sw->session, msgs, owed->tag);
}

void
vx_switch_packet_out(struct vx_switch *sw, const void *frame, size_t size,
                     const struct vx_row *acts)
{
    if (sw->session) {
        og_of_session_packet_out(sw->session, frame, size, acts);
    }
}

/* A comparison under way.  The rows wanted are those of one moment; what
 * changes after it waits in `later`, behind the difference.  The work is
 * done in slices, so that a host with 100,000 rows does not keep the loop
 * from all others. */
struct resync {
    struct og_crows *have, *want;
    struct vx_rows rows;
    size_t n_canonical;         /* rows already in want */
    struct vx_diff *diffs;
    size_t n_diffs, n_encoded;
    struct vx_receipt *receipt;
    bool compared;
    struct later *first, **last;
};

struct later {
    struct later *next;
    struct og_msgs *msgs;
    struct vx_receipt *receipt;
};

static void
end_resync(struct vx_switch *sw, bool send)
{
    struct resync *resync = sw->resync;

    if (!resync) {
        return;
    }
    sw->resync = NULL;
    event_del(sw->slice);
    for (struct later *later = resync->first, *next; later; later = next) {
        next = later->next;
        if (send) {
            send_owed(sw, later->msgs, later->receipt, false);
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
    og_crows_free(resync->want);
    og_crows_free(resync->have);
    free(resync);
}

static void
send_later(struct vx_switch *sw, struct og_msgs *msgs,
           struct vx_receipt *receipt)
{
    struct later *later = vx_xcalloc(1, sizeof *later);

    later->msgs = og_msgs_ref(msgs);
    later->receipt = receipt;
    if (receipt) {
        vx_receipt_hold(receipt);
    }
    *sw->resync->last = later;
    sw->resync->last = &later->next;
}

void
vx_switch_send(struct vx_switch *sw, struct og_msgs *msgs,
               struct vx_receipt *receipt)
{
    if (sw->resync) {
        send_later(sw, msgs, receipt);
    } else if (vx_switch_takes_rows(sw)) {
        send_owed(sw, msgs, receipt, false);
    }
}

bool
vx_switch_is_behind(const struct vx_switch *sw)
{
    return sw->resync || sw->first;
}

static void
compare(struct vx_switch *sw)
{
    struct resync *resync = sw->resync;
    bool apart = sw->env.is_stranger(sw->env.ctx, sw->env.host);

    resync->n_diffs = (apart ? vx_diff_rows_apart : vx_diff_rows)(
        resync->have->rows, resync->have->n, resync->want->rows,
        resync->want->n, &resync->diffs);
    resync->compared = true;
    sw->facts.n_rows = resync->rows.n;
    sw->facts.n_repaired = resync->n_diffs;
    sw->facts.n_resyncs++;
    vx_log_info(sw->name, "holds %zu rows, ought to hold %zu: %zu "
                "differences", resync->have->n, resync->want->n,
                resync->n_diffs);
}

/* The next piece of the difference.  The order of the pieces is the order of
 * the difference, and each is a bundle that is safe on its own. */
static void
encode(struct vx_switch *sw)
{
    struct resync *resync = sw->resync;
    size_t n = resync->n_diffs - resync->n_encoded;
    struct og_msgs *msgs = og_msgs_new();

    n = n < SLICE_ROWS ? n : SLICE_ROWS;
    og_msgs_diff(msgs, resync->diffs + resync->n_encoded, n,
                 resync->have->rows, resync->rows.rows);
    resync->n_encoded += n;
    send_owed(sw, msgs, resync->receipt,
              resync->n_encoded == resync->n_diffs);
    og_msgs_unref(msgs);
}

static void
slice(evutil_socket_t fd, short what, void *sw_)
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
        encode(sw);
    } else {
        bool right = !resync->n_diffs;

        end_resync(sw, true);
        if (right) {
            set_state(sw, VX_SWITCH_SYNCED);
        }
        return;
    }
    event_active(sw->slice, EV_TIMEOUT, 0);
}

void
vx_switch_dumped(struct vx_switch *sw, struct og_crows *take_have)
{
    struct resync *resync = vx_xcalloc(1, sizeof *resync);

    resync->have = take_have;
    resync->want = og_crows_new();
    resync->last = &resync->first;
    resync->receipt = vx_receipts_open(sw->env.receipts,
                                       sw->env.revision(sw->env.ctx));
    sw->env.compile(sw->env.ctx, sw->env.host, sw->env.tier, &resync->rows);
    sw->resync = resync;
    set_state(sw, VX_SWITCH_LOADING);
    event_active(sw->slice, EV_TIMEOUT, 0);
}

void
vx_switch_committed(struct vx_switch *sw, uint64_t tag)
{
    bool resynced = false;

    while (sw->first && sw->first->tag <= tag) {
        struct owed *owed = sw->first;

        sw->first = owed->next;
        if (!sw->first) {
            sw->last = &sw->first;
        }
        resynced |= owed->resync;
        if (owed->receipt) {
            vx_receipt_release(owed->receipt);
        }
        free(owed);
    }
    if (resynced) {
        set_state(sw, VX_SWITCH_SYNCED);
    }
}

void
vx_switch_failed(struct vx_switch *sw, const struct vx_error *err)
{
    struct timeval tv = { sw->pause_ms / 1000,
                          sw->pause_ms % 1000 * 1000 };

    sw->facts.n_failures++;
    snprintf(sw->facts.error, sizeof sw->facts.error, "%.200s",
             err->message);
    vx_log_warn(sw->name, "%s; comparing anew in %u ms", err->message,
                sw->pause_ms);
    evtimer_add(sw->pause, &tv);
    sw->pause_ms = sw->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS
                   : sw->pause_ms * 2;
    end_resync(sw, false);
    set_state(sw, VX_SWITCH_WAITING);
    forget_owed(sw);
}

enum vx_switch_state
vx_switch_state(const struct vx_switch *sw)
{
    return sw->facts.state;
}

void
vx_switch_get_facts(const struct vx_switch *sw,
                    struct vx_switch_facts *ret_facts)
{
    *ret_facts = sw->facts;
    ret_facts->realized =
        sw->facts.state != VX_SWITCH_SYNCED ? 0
        : sw->first ? sw->first->revision - 1
        : sw->env.revision(sw->env.ctx);
}

bool
vx_switch_counters(const struct vx_switch *sw,
                   struct og_of_counters *ret_counters)
{
    if (!sw->session) {
        return false;
    }
    og_of_session_get_counters(sw->session, ret_counters);
    return true;
}

const char *
vx_switch_state_name(enum vx_switch_state state)
{
    static const char *const names[] = {
        [VX_SWITCH_AWAY] = "not connected",
        [VX_SWITCH_WAITING] = "waiting to be compared",
        [VX_SWITCH_DUMPING] = "being compared",
        [VX_SWITCH_LOADING] = "being loaded",
        [VX_SWITCH_SYNCED] = "synced",
    };

    return names[state];
}
