/* SPDX-License-Identifier: Apache-2.0 */
/* One bridge of one host; see switch.h. */
#include "daemon/switch.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "daemon/receipts.h"
#include "daemon/switch_priv.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"

enum { PAUSE_MIN_MS = 500, PAUSE_MAX_MS = 60000 };

static void
refresh(struct vx_switch *sw)
{
    if (sw->refresh) {
        sw->refresh = false;
        vx_epoch_spoil(sw);
    }
}

void
vx_switch_set_state(struct vx_switch *sw, enum vx_switch_state state)
{
    if (sw->facts.state != state) {
        sw->facts.state = state;
        if (state == VX_SWITCH_SYNCED) {
            sw->facts.error[0] = '\0';
            sw->pause_ms = PAUSE_MIN_MS;
            refresh(sw);
            vx_epoch_quiet(sw);
        }
        sw->env.changed(sw->env.ctx, sw->env.host, sw->env.tier);
        vx_pair_look(sw);
    }
}

static bool
dump(struct vx_switch *sw, enum dump_for what, uint8_t table)
{
    if (sw->is_dumping || !og_of_session_dump(sw->session, table)) {
        return false;
    }
    sw->is_dumping = true;
    sw->dump_for = what;
    return true;
}

/* What a stranger or a switch that has refused something says about itself
 * is not believed. */
static void
try_sync(struct vx_switch *sw)
{
    bool quick = sw->is_fresh && sw->env.epoch
                 && !sw->env.is_stranger(sw->env.ctx, sw->env.host);

    if (sw->facts.state == VX_SWITCH_WAITING && sw->allowed
        && !event_pending(sw->pause, EV_TIMEOUT, NULL)
        && dump(sw, quick ? DUMP_EPOCH : DUMP_RESYNC,
                quick ? VX_T_EPOCH : OG_OF_ALL_TABLES)) {
        vx_switch_set_state(sw, VX_SWITCH_DUMPING);
    }
}

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
    sw->slice = event_new(env->base, -1, 0, vx_resync_slice, sw);
    sw->step = event_new(env->base, -1, 0, vx_run_step, sw);
    vx_epoch_init(sw);
    vx_pair_init(sw);
    sw->pause_ms = PAUSE_MIN_MS;
    return sw;
}

static void
release(struct vx_switch *sw, struct owed *owed)
{
    if (owed->receipt) {
        vx_receipt_release(owed->receipt);
    }
    if (owed->opens && sw->peer) {
        vx_pair_open(sw->peer, owed->opens);
    }
    free(owed);
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

        release(sw, owed);
        owed = next;
    }
}

void
vx_switch_free(struct vx_switch *sw)
{
    if (sw) {
        og_of_session_free(sw->session);
        sw->session = NULL;
        vx_resync_end(sw, false);
        vx_run_stop(sw, "the host is gone");
        vx_switch_counted(sw, NULL, 0, "the host is gone");
        forget_owed(sw);
        vx_pair_fini(sw);
        vx_epoch_fini(sw);
        event_free(sw->pause);
        event_free(sw->slice);
        event_free(sw->step);
        free(sw->name);
        free(sw);
    }
}

void
vx_switch_disconnect(struct vx_switch *sw, const char *why)
{
    if (sw->session) {
        struct og_of_counters counters;

        og_of_session_get_counters(sw->session, &counters);
        sw->n_sent_before += counters.n_msgs_sent;
        og_of_session_free(sw->session);
        sw->session = NULL;
        sw->is_dumping = false;
        sw->dump_for = DUMP_NOTHING;
        snprintf(sw->facts.error, sizeof sw->facts.error, "%s", why);
        vx_log_info(sw->name, "OpenFlow connection is gone: %s", why);
        vx_resync_end(sw, false);
        vx_epoch_forget(sw);
        vx_pair_reset(sw);
        vx_pair_expect(sw);
        vx_switch_set_state(sw, VX_SWITCH_AWAY);
        vx_run_stop(sw, why);
        vx_switch_counted(sw, NULL, 0, why);
        forget_owed(sw);
    }
}

void
vx_switch_connect(struct vx_switch *sw, struct og_of_session *take)
{
    vx_switch_disconnect(sw, "replaced by a newer connection");
    sw->session = take;
    sw->is_fresh = true;
    vx_log_info(sw->name, "OpenFlow connection is up");
    vx_pair_expect(sw);
    vx_switch_set_state(sw, VX_SWITCH_WAITING);
    try_sync(sw);
}

void
vx_switch_allow(struct vx_switch *sw, bool allowed)
{
    if (allowed && !sw->allowed) {
        vx_pair_expect(sw);
    }
    sw->allowed = allowed;
    try_sync(sw);
}

void
vx_switch_refresh(struct vx_switch *sw)
{
    sw->refresh = true;
    if (sw->facts.state == VX_SWITCH_SYNCED) {
        refresh(sw);
        vx_epoch_quiet(sw);
    }
}

bool
vx_switch_takes_rows(const struct vx_switch *sw)
{
    return sw->facts.state >= VX_SWITCH_LOADING;
}

struct owed *
vx_switch_send_owed(struct vx_switch *sw, struct og_msgs *msgs,
                    struct vx_receipt *receipt, enum owed_for what)
{
    struct owed *owed = vx_xcalloc(1, sizeof *owed);

    owed->tag = ++sw->last_tag;
    owed->revision = sw->env.revision(sw->env.ctx) + (what >= OWED_REPAIR);
    owed->receipt = receipt;
    owed->what = what;
    if (receipt) {
        vx_receipt_hold(receipt);
    }
    *sw->last = owed;
    sw->last = &owed->next;
    og_of_session_queue(sw->session, msgs, owed->tag);
    return owed;
}

struct owed *
vx_switch_send_nothing(struct vx_switch *sw, enum owed_for what)
{
    struct og_msgs *nothing = og_msgs_new();
    struct owed *owed = vx_switch_send_owed(sw, nothing, NULL, what);

    og_msgs_unref(nothing);
    return owed;
}

struct owed *
vx_switch_send_change(struct vx_switch *sw, struct og_msgs *msgs,
                      struct vx_receipt *receipt)
{
    if (og_msgs_length(msgs)) {
        vx_epoch_spoil(sw);
    }
    return vx_switch_send_owed(sw, msgs, receipt, OWED_CHANGE);
}

void
vx_switch_packet_out(struct vx_switch *sw, const void *frame, size_t size,
                     const struct vx_row *acts)
{
    if (sw->session) {
        og_of_session_packet_out(sw->session, frame, size, acts);
    }
}

void
vx_switch_send(struct vx_switch *sw, struct og_msgs *msgs,
               const struct vx_delta *delta, struct vx_receipt *receipt)
{
    if (sw->resync) {
        vx_resync_later(sw, msgs, receipt);
    } else if (vx_switch_takes_rows(sw)) {
        if (delta) {
            vx_run_touch(sw, delta);
        }
        vx_switch_send_change(sw, msgs, receipt);
    }
}

bool
vx_switch_is_behind(const struct vx_switch *sw)
{
    return sw->resync || sw->first;
}

static void
believe(struct vx_switch *sw, const struct og_crows *have)
{
    if (vx_epoch_believe(sw, have)) {
        sw->facts.n_epochs++;
        sw->facts.is_unproven = true;
        vx_log_info(sw->name, "was not touched while it was away");
        vx_switch_set_state(sw, VX_SWITCH_SYNCED);
    } else {
        dump(sw, DUMP_RESYNC, OG_OF_ALL_TABLES);
    }
}

void
vx_switch_dumped(struct vx_switch *sw, struct og_crows *take_have)
{
    enum dump_for what = sw->dump_for;

    sw->is_dumping = false;
    sw->dump_for = DUMP_NOTHING;
    switch (what) {
    case DUMP_EPOCH:
        sw->is_fresh = false;
        believe(sw, take_have);
        og_crows_free(take_have);
        break;
    case DUMP_RESYNC:
        sw->facts.is_unproven = false;
        vx_resync_begin(sw, take_have);
        break;
    case DUMP_AUDIT:
        vx_run_dumped(sw, take_have);
        break;
    case DUMP_NOTHING:
        og_crows_free(take_have);
        try_sync(sw);
        break;
    }
}

void
vx_switch_committed(struct vx_switch *sw, uint64_t tag)
{
    bool resynced = false, repaired = false, gave = false;

    while (sw->first && sw->first->tag <= tag) {
        struct owed *owed = sw->first;

        sw->first = owed->next;
        if (!sw->first) {
            sw->last = &sw->first;
        }
        resynced |= owed->what == OWED_RESYNC;
        repaired |= owed->what == OWED_REPAIR;
        gave |= owed->what == OWED_GIVEN;
        release(sw, owed);
    }
    if (gave) {
        sw->gave = true;
        vx_pair_look(sw);
    }
    if (resynced && vx_resync_confirmed(sw)) {
        vx_switch_set_state(sw, VX_SWITCH_SYNCED);
    }
    if (repaired) {
        vx_run_repaired(sw);
    }
    vx_epoch_quiet(sw);
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
    vx_resync_end(sw, false);
    vx_epoch_forget(sw);
    vx_pair_reset(sw);
    sw->is_fresh = false;
    if (sw->dump_for != DUMP_AUDIT) {
        sw->dump_for = DUMP_NOTHING;
    }
    vx_switch_set_state(sw, VX_SWITCH_WAITING);
    vx_run_stop(sw, err->message);
    forget_owed(sw);
}

enum vx_switch_state
vx_switch_state(const struct vx_switch *sw)
{
    return sw->facts.state;
}

/* An epoch row's end, on which nothing depends, goes in front of the change
 * that it is for.  Revisions of changes do not decrease. */
static uint64_t
realized(const struct vx_switch *sw)
{
    uint64_t revision = sw->env.revision(sw->env.ctx);

    if (sw->facts.state != VX_SWITCH_SYNCED) {
        return 0;
    }
    for (const struct owed *owed = sw->first; owed; owed = owed->next) {
        revision = owed->revision - 1 < revision ? owed->revision - 1
                                                 : revision;
        if (owed->what < OWED_REPAIR) {
            break;
        }
    }
    return revision;
}

void
vx_switch_get_facts(const struct vx_switch *sw,
                    struct vx_switch_facts *ret_facts)
{
    *ret_facts = sw->facts;
    ret_facts->realized = realized(sw);
    ret_facts->n_sent = sw->n_sent_before;
    if (sw->session) {
        struct og_of_counters counters;

        og_of_session_get_counters(sw->session, &counters);
        ret_facts->n_sent += counters.n_msgs_sent;
    }
}

uint64_t
vx_switch_ping(struct vx_switch *sw)
{
    struct og_of_counters counters;

    if (!sw->session) {
        return 0;
    }
    og_of_session_ping(sw->session);
    og_of_session_get_counters(sw->session, &counters);
    return counters.bytes_in;
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
