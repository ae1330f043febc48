/* SPDX-License-Identifier: Apache-2.0 */
/* See frr.h.
 *
 *   TOUCHED -> ask -> plan -> nothing to do: DONE
 *                          -> configure -> ask again; a few times
 *                          -> end it: it comes back, and is asked
 *   refused for a neighbor: ask again, without that peering
 *   refused otherwise, busy, gone: again after a pause */
#include "gateway/frr.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/end.h"
#include "gateway/frr_drift.h"
#include "gateway/frr_gather.h"
#include "gateway/frr_refused.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    SOON_MS = 20, AGAIN_MS = 1000, AGAIN_MAX_MS = 30000,
    ROUNDS_MAX = 5,
};

/* Each once. */
struct vnis {
    uint32_t *vnis;
    size_t n, cap;
};

struct vx_gw_frr {
    struct vx_gw_frr_spec spec;
    struct vx_gw_vty *vty;
    struct event *timer;
    bool touched;               /* since the last question */
    uint64_t n_touches, n_asked;    /* touches before the last question */
    uint64_t n_taken;           /* those it has carried out */
    uint64_t n_heard;           /* or refused */
    bool busy;                  /* a job is under way */
    bool done;
    bool synced;                /* want() has known what is wanted */
    bool unsaved;               /* it was configured since it was saved */
    bool one_by_one;            /* it refuses lists and maps together */
    bool ended;                 /* by us, since it was as wanted: what it has
                                 * come back with is removed by commands */
    struct vnis making;         /* VRFs made since it was as wanted */
    struct vnis made;           /* before that, and not asked for yet */
    unsigned rounds;            /* of configuring without being done */
    unsigned pause_ms;
    char *why;
    struct vx_gw_frr_counts counts;
    struct vx_gw_frr_plan plan; /* that is being carried out */
    struct vx_gw_frr_refused refused;
    vx_gw_frr_looked *looked;   /* a look is under way; NULL = none is */
    void *looked_aux;
};

const char *
vx_gw_frr_name(enum vx_gw_frr_daemon daemon)
{
    return daemon == VX_GW_BGPD    ? "bgpd"
           : daemon == VX_GW_ZEBRA ? "zebra"
                                   : "reflector";
}

static const char *
name_of(const struct vx_gw_frr *frr)
{
    return vx_gw_frr_name(frr->spec.daemon);
}

static void
set_why(struct vx_gw_frr *frr, const char *why)
{
    if (strcmp(why, frr->why)) {
        if (*why) {
            vx_log_warn(name_of(frr), "configuration: %s", why);
        }
        free(frr->why);
        frr->why = vx_xstrdup(why);
    }
}

/* It is not there: the reason of peerings and of the gateway. */
static void
set_away(struct vx_gw_frr *frr, const char *why)
{
    char *text = vx_xasprintf("%s: %s", name_of(frr), why);

    set_why(frr, text);
    free(text);
}

static void
plan_again(struct vx_gw_frr *frr, unsigned ms)
{
    const struct timeval tv = { ms / 1000, (int) (ms % 1000) * 1000 };

    event_add(frr->timer, &tv);
}

static void
add_vnis(struct vnis *to, const uint32_t *vnis, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;

        while (at < to->n && to->vnis[at] != vnis[i]) {
            at++;
        }
        if (at == to->n) {
            to->vnis = vx_grow(to->vnis, &to->cap, at + 1, sizeof *to->vnis);
            to->vnis[to->n++] = vnis[i];
        }
    }
}

size_t
vx_gw_frr_take_made(struct vx_gw_frr *frr, uint32_t **ret_vnis)
{
    size_t n = frr->made.n;

    *ret_vnis = frr->made.vnis;
    memset(&frr->made, 0, sizeof frr->made);
    return n;
}

static void
note_taken(struct vx_gw_frr *frr)
{
    frr->n_taken = frr->n_heard = frr->n_asked;
}

static void
settle(struct vx_gw_frr *frr, bool done, const char *why)
{
    frr->busy = false;
    set_why(frr, why);
    if (done) {
        note_taken(frr);
        frr->ended = false;
        frr->one_by_one = false;
        add_vnis(&frr->made, frr->making.vnis, frr->making.n);
        frr->making.n = 0;
        frr->done = !frr->touched;
        frr->rounds = 0;
        frr->pause_ms = AGAIN_MS;
        if (frr->touched || frr->spec.look_ms) {
            plan_again(frr, frr->touched ? SOON_MS : frr->spec.look_ms);
        }
    } else {
        frr->counts.n_failures++;
        plan_again(frr, frr->pause_ms);
        frr->pause_ms = frr->pause_ms * 2 > AGAIN_MAX_MS ? AGAIN_MAX_MS
                                                         : frr->pause_ms * 2;
    }
    frr->spec.progress(frr->spec.aux);
}

static void ask(struct vx_gw_frr *frr);

static void
configured(void *frr_, bool ok, const char *text, const struct vx_error *err)
{
    struct vx_gw_frr *frr = frr_;

    size_t at = vx_gw_vty_refused(frr->vty);
    bool noted = !ok && at < frr->plan.n_commands
                 && vx_gw_frr_refused_note(&frr->refused, frr->plan.commands,
                                           at, err->message);
    bool together = !ok && at < frr->plan.n_commands
                    && vx_gw_frr_is_bracket(frr->plan.commands[at]);

    (void) text;
    vx_gw_frr_plan_fini(&frr->plan);
    if (!ok && (err->code == VX_INVALID || err->code == VX_BUSY)) {
        frr->n_heard = frr->n_asked;
    }
    if (together) {
        vx_log_warn(name_of(frr), "lists and route-maps are said one by one, "
                    "since it does not take them together: %s",
                    err->message);
        frr->one_by_one = true;
        ask(frr);
    } else if (noted) {
        frr->rounds = 0;
        ask(frr);               /* the others are to be as wanted */
    } else if (!ok) {
        settle(frr, false, err->message);
    } else if (++frr->rounds > ROUNDS_MAX) {
        frr->rounds = 0;
        settle(frr, false, "it takes the commands, and is then not as "
                           "wanted");
    } else {
        note_taken(frr);
        ask(frr);
        frr->spec.progress(frr->spec.aux);
    }
}

static void
tell_conflicts(struct vx_gw_frr *frr, const struct vx_gw_frr_plan *plan)
{
    for (size_t i = 0; i < plan->n_conflicts; i++) {
        frr->spec.conflict(frr->spec.aux, frr->spec.daemon,
                           &plan->conflicts[i]);
    }
}

/* So that a daemon that is started again has its sessions, and what it needs
 * for graceful restart, before anybody tells it. */
static void
saved(void *frr_, bool ok, const char *text, const struct vx_error *err)
{
    struct vx_gw_frr *frr = frr_;

    (void) text;
    frr->unsaved = !ok;
    if (!ok) {
        vx_log_warn(name_of(frr), "does not save its configuration: %s",
                    err->message);
    }
    settle(frr, true, "");
}

static void
finish(struct vx_gw_frr *frr)
{
    if (frr->unsaved && frr->spec.saves) {
        frr->unsaved = false;
        vx_gw_vty_ask(frr->vty, "write file", saved, frr);
    } else {
        settle(frr, true, "");
    }
}

/* False: it goes on, and is to be configured. */
static bool
end(struct vx_gw_frr *frr)
{
    if (frr->ended) {
        return false;
    }
    frr->ended = true;
    if (!vx_gw_end_daemon(frr->vty, "bgpd")) {
        vx_log_warn(name_of(frr), "has another AS than the gateway and cannot "
                    "be ended from here: it may crash when that is changed");
        return false;
    }
    vx_log_warn(name_of(frr), "has another AS than the gateway: ended, to be "
                "started again by what watches over it");
    return true;
}

static void
carry_out(struct vx_gw_frr *frr)
{
    const struct vx_gw_frr_plan *plan = &frr->plan;

    vx_log_info(name_of(frr), "configures: %zu commands", plan->n_commands);
    for (size_t i = 0; i < plan->n_commands; i++) {
        if (!strstr(plan->commands[i], "password")) {
            vx_log_debug(name_of(frr), "%s", plan->commands[i]);
        }
    }
    frr->counts.n_commands += plan->n_commands;
    frr->unsaved = true;
    add_vnis(&frr->making, plan->made, plan->n_made);
    vx_gw_vty_configure(frr->vty, &(struct vx_gw_vty_commands) {
        .commands = plan->commands, .n = plan->n_commands,
        .goes_on = vx_gw_frr_refused_goes_on,
    }, configured, frr);
}

static void
answered(void *frr_, bool ok, const char *text, const struct vx_error *err)
{
    struct vx_gw_frr *frr = frr_;
    struct vx_gw_frr_plan *plan = &frr->plan;
    struct vx_gw_frr_want want;
    struct vx_error why;

    if (!ok) {
        settle(frr, false, err->message);
        return;
    }
    frr->counts.n_looks++;
    frr->touched = false;
    frr->n_asked = frr->n_touches;
    if (!frr->spec.want(frr->spec.aux, &want)) {
        frr->busy = false;
        return;
    }
    frr->spec.conflict(frr->spec.aux, frr->spec.daemon, NULL);
    vx_gw_frr_refused_leave_out(&frr->refused, &want, frr->spec.conflict,
                                frr->spec.aux, frr->spec.daemon);
    vx_gw_frr_plan_fini(plan);
    want.one_by_one = frr->one_by_one;
    if (!vx_gw_frr_plan(frr->spec.daemon, &want, text, plan, &why)) {
        memset(plan, 0, sizeof *plan);
        frr->n_heard = frr->n_asked;
        settle(frr, false, why.message);
        return;
    }
    tell_conflicts(frr, plan);
    if (plan->ends_daemon && end(frr)) {
        frr->busy = false;      /* until it is back */
    } else if (plan->n_commands) {
        carry_out(frr);
    } else {
        finish(frr);
    }
}

static void
ask(struct vx_gw_frr *frr)
{
    vx_gw_vty_ask(frr->vty, "show running-config", answered, frr);
}

static void
begin(evutil_socket_t fd, short what, void *frr_)
{
    struct vx_gw_frr *frr = frr_;
    struct vx_gw_frr_want want;

    (void) fd;
    (void) what;
    if (frr->busy || !vx_gw_vty_is_up(frr->vty)
        || !frr->spec.want(frr->spec.aux, &want)) {
        return;
    }
    frr->busy = true;
    if (frr->touched) {
        vx_gw_frr_refused_clear(&frr->refused);     /* tried again */
    }
    ask(frr);
}

void
vx_gw_frr_touch(struct vx_gw_frr *frr)
{
    frr->touched = true;
    frr->n_touches++;
    frr->done = false;
    frr->rounds = 0;
    frr->pause_ms = AGAIN_MS;
    if (!frr->busy) {
        plan_again(frr, SOON_MS);
    }
}

static void
on_up(void *frr_)
{
    struct vx_gw_frr *frr = frr_;

    vx_log_info(name_of(frr), "connected to its VTY");
    frr->counts.n_connects++;
    frr->busy = false;
    vx_gw_frr_touch(frr);
    frr->spec.progress(frr->spec.aux);
}

static void
on_down(void *frr_, const char *why)
{
    struct vx_gw_frr *frr = frr_;

    set_away(frr, why);
    frr->busy = false;
    frr->done = false;
    frr->spec.progress(frr->spec.aux);
}

/* --- Looks. */

static void
tell_look(struct vx_gw_frr *frr, bool is_busy, struct vx_gw_drifts *drifts)
{
    vx_gw_frr_looked *looked = frr->looked;

    frr->looked = NULL;
    looked(frr->looked_aux, frr->spec.daemon, is_busy, drifts);
    vx_gw_drifts_fini(drifts);
}

static bool
is_being_configured(const struct vx_gw_frr *frr)
{
    return frr->busy || frr->touched;
}

static void
look_answered(void *frr_, bool ok, const char *text,
              const struct vx_error *err)
{
    struct vx_gw_frr *frr = frr_;
    struct vx_gw_drifts drifts = { .n = 0 };
    struct vx_gw_frr_want want;
    bool is_busy = is_being_configured(frr);

    if (!ok) {
        vx_gw_drift_fail(&drifts, "%s", err->message);
    } else if (is_busy) {
        vx_gw_drift_fail(&drifts, "it is being configured");
    } else if (!frr->spec.want(frr->spec.aux, &want)) {
        vx_gw_drift_fail(&drifts, "the controller has not told all yet");
    } else {
        vx_gw_frr_refused_leave_out(&frr->refused, &want, NULL, NULL,
                                    frr->spec.daemon);
        vx_gw_frr_compare(frr->spec.daemon, &want, text, &drifts);
    }
    tell_look(frr, ok && is_busy, &drifts);
}

void
vx_gw_frr_look(struct vx_gw_frr *frr, vx_gw_frr_looked *looked, void *aux)
{
    struct vx_gw_drifts drifts = { .n = 0 };

    if (frr->looked) {
        vx_gw_drift_fail(&drifts, "it does not answer");
        looked(aux, frr->spec.daemon, false, &drifts);
        return;
    }
    frr->looked = looked;
    frr->looked_aux = aux;
    if (!vx_gw_vty_is_up(frr->vty)) {
        vx_gw_drift_fail(&drifts, "not connected: %s", frr->why);
        tell_look(frr, false, &drifts);
    } else if (is_being_configured(frr)) {
        vx_gw_drift_fail(&drifts, "it is being configured");
        tell_look(frr, true, &drifts);
    } else {
        vx_gw_vty_ask(frr->vty, "show running-config", look_answered, frr);
    }
}

bool
vx_gw_frr_is_done(const struct vx_gw_frr *frr)
{
    return frr->done;
}

uint64_t
vx_gw_frr_next(const struct vx_gw_frr *frr)
{
    return frr->n_touches + 1;
}

bool
vx_gw_frr_has_taken(const struct vx_gw_frr *frr, uint64_t number)
{
    return frr->n_taken >= number;
}

bool
vx_gw_frr_has_heard(const struct vx_gw_frr *frr, uint64_t number)
{
    return frr->n_heard >= number || vx_gw_vty_is_gone(frr->vty);
}

bool
vx_gw_frr_is_settled(const struct vx_gw_frr *frr)
{
    return frr->done || frr->why[0];
}

bool
vx_gw_frr_is_up(const struct vx_gw_frr *frr)
{
    return vx_gw_vty_is_up(frr->vty);
}

const char *
vx_gw_frr_why(const struct vx_gw_frr *frr)
{
    return frr->why;
}

struct vx_gw_vty *
vx_gw_frr_vty(struct vx_gw_frr *frr)
{
    return frr->vty;
}

void
vx_gw_frr_get_counts(const struct vx_gw_frr *frr,
                     struct vx_gw_frr_counts *ret_counts)
{
    *ret_counts = frr->counts;
}

struct vx_gw_frr *
vx_gw_frr_new(const struct vx_gw_frr_spec *spec)
{
    static const struct vx_gw_vty_callbacks callbacks = { on_up, on_down };
    struct vx_gw_frr *frr = vx_xcalloc(1, sizeof *frr);

    frr->spec = *spec;
    frr->spec.path = NULL;              /* borrowed */
    frr->pause_ms = AGAIN_MS;
    frr->why = vx_xasprintf("%s: not connected yet", name_of(frr));
    frr->timer = event_new(spec->base, -1, 0, begin, frr);
    frr->vty = vx_gw_vty_new(spec->base, spec->path, &callbacks, frr);
    return frr;
}

void
vx_gw_frr_free(struct vx_gw_frr *frr)
{
    if (frr) {
        vx_gw_vty_free(frr->vty);
        event_free(frr->timer);
        vx_gw_frr_plan_fini(&frr->plan);
        vx_gw_frr_refused_clear(&frr->refused);
        free(frr->making.vnis);
        free(frr->made.vnis);
        free(frr->why);
        free(frr);
    }
}
