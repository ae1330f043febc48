/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: how far a gateway has come, its sessions, whether it is there; see
 * gateways.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app.h"
#include "daemon/audit.h"
#include "daemon/commit.h"
#include "daemon/gateways_priv.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { REPORTS_PER_SECOND = 100 };

/* --- Who is there. */

void
vx_gws_look_connected(struct vx_gw *gw)
{
    struct vx_gws *gws = gw->gws;
    int64_t now = vx_clock_ms();
    const struct vx_obj *obj;
    bool connected = gw->stream && gw->seen_ms
                     && now - gw->seen_ms < VX_GW_SEEN_MS;

    if (connected == gw->connected || gws->app->stopping) {
        return;
    }
    gw->connected = connected;
    gw->since_wall_ms = vx_clock_wall_ms();
    vx_log_info(gw->name, connected ? "gateway connected"
                                    : "gateway is not connected");
    obj = vx_model_by_oid(gws->app->model, gw->oid);
    if (obj) {
        vx_app_gateway_event(gws->app, obj, connected,
                             connected ? "" : gw->stream
                             ? "it does not report" : "its stream has ended");
    }
    if (!connected) {
        vx_gws_held_look(gws);
        gw->audit_nonce = 0;
        vx_audits_gateway_away(gws->app->audits, gw->oid);
    }
}

/* --- Sessions. */

static void
free_sessions(struct vx_gw_session *sessions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(sessions[i].peering);
        free(sessions[i].family);
        free(sessions[i].state);
        free(sessions[i].error);
    }
    free(sessions);
}

static bool
is_up(const struct vx_gw_session *session)
{
    return !strcmp(session->state, "established");
}

/* The first one of the peering; NULL if there is none. */
static const struct vx_gw_session *
first_session(const struct vx_gw_session *sessions, size_t n,
              const char *peering)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t at = low + (high - low) / 2;

        if (strcmp(sessions[at].peering, peering) < 0) {
            low = at + 1;
        } else {
            high = at;
        }
    }
    return low < n && !strcmp(sessions[low].peering, peering)
           ? &sessions[low] : NULL;
}

const struct vx_gw_session *
vx_gws_sessions_of(const struct vx_gw *gw, const char *peering)
{
    return first_session(gw->sessions, gw->n_sessions, peering);
}

const struct vx_gw_session *
vx_gws_next_session(const struct vx_gw *gw,
                    const struct vx_gw_session *session)
{
    const struct vx_gw_session *next = session + 1;

    return next < gw->sessions + gw->n_sessions
           && !strcmp(next->peering, session->peering) ? next : NULL;
}

/* Of the peering and family; NULL if there is none. */
static const struct vx_gw_session *
find_session(const struct vx_gw_session *sessions, size_t n,
             const struct vx_gw_session *like)
{
    const struct vx_gw_session *s = first_session(sessions, n,
                                                  like->peering);

    for (; s && s < sessions + n && !strcmp(s->peering, like->peering);
         s++) {
        if (!strcmp(s->family, like->family)) {
            return s;
        }
    }
    return NULL;
}

/* By peering, those of one as they were. */
static int
compare_told(const void *a_, const void *b_)
{
    const struct vx_api_session *const *a = a_, *const *b = b_;
    int c = strcmp((*a)->peering, (*b)->peering);

    return c ? c : *a < *b ? -1 : *a > *b;
}

static void
sort_sessions(const struct vx_api_report *report,
              const struct vx_api_session **sorted)
{
    for (size_t i = 0; i < report->n_sessions; i++) {
        sorted[i] = &report->sessions[i];
    }
    if (report->n_sessions) {
        qsort(sorted, report->n_sessions, sizeof *sorted, compare_told);
    }
}

/* Of a peering only its first family is told of. */
static bool
is_first(const struct vx_gw_session *sessions, size_t i)
{
    return !i || strcmp(sessions[i - 1].peering, sessions[i].peering);
}

static void
tell_session(struct vx_gw *gw, const struct vx_gw_session *session, bool up)
{
    struct vx_app *app = gw->gws->app;
    const struct vx_peering *peering = vx_gws_find_peering(app->model,
                                                           session->peering);
    char text[VX_REPORT_TEXT + VX_NAME_MAX + 20];

    if (!peering || peering->gateway != gw->oid) {
        return;
    }
    snprintf(text, sizeof text, "gateway %s%s%s", gw->name,
             session->error[0] ? ": " : "", session->error);
    vx_app_gateway_event(app, &peering->o, up, text);
}

static void
compare_sessions(struct vx_gw *gw, const struct vx_gw_session *was,
                 size_t n_was)
{
    for (size_t i = 0; i < gw->n_sessions; i++) {
        const struct vx_gw_session *now = &gw->sessions[i];
        const struct vx_gw_session *before;

        if (!is_first(gw->sessions, i)) {
            continue;
        }
        before = find_session(was, n_was, now);
        if (is_up(now) != (before && is_up(before))) {
            tell_session(gw, now, is_up(now));
        }
    }
    for (size_t i = 0; i < n_was; i++) {
        if (is_first(was, i) && is_up(&was[i])
            && !find_session(gw->sessions, gw->n_sessions, &was[i])) {
            tell_session(gw, &was[i], false);
        }
    }
}

static void
keep_sessions(struct vx_gw *gw, const struct vx_api_report *report)
{
    const struct vx_api_session **sorted =
        vx_xcalloc(report->n_sessions + 1, sizeof *sorted);
    struct vx_gw_session *was = gw->sessions;
    size_t n_was = gw->n_sessions;

    sort_sessions(report, sorted);
    gw->n_sessions = report->n_sessions;
    gw->sessions = vx_xcalloc(report->n_sessions + 1, sizeof *gw->sessions);
    for (size_t i = 0; i < report->n_sessions; i++) {
        const struct vx_api_session *from = sorted[i];

        gw->sessions[i] = (struct vx_gw_session) {
            .peering = vx_xstrdup(from->peering),
            .family = vx_xstrdup(from->family),
            .state = vx_xstrdup(from->state),
            .error = vx_xstrdup(from->error),
            .since_ms = from->since_ms, .n_in = from->n_in,
            .n_out = from->n_out,
        };
    }
    free(sorted);
    compare_sessions(gw, was, n_was);
    free_sessions(was, n_was);
}

/* --- What could not be carried out. */

static void
forget_failed(struct vx_gw *gw)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &gw->failed) {
        struct vx_gw_failed *failed = VX_CONTAINER(node, struct vx_gw_failed,
                                                   by_key);

        vx_tree_remove(&gw->failed, node);
        free(failed->why);
        free(failed);
    }
}

static void
keep_failed(struct vx_gw *gw, const struct vx_api_report *report)
{
    forget_failed(gw);
    for (size_t i = 0; i < report->n_failed; i++) {
        const struct vx_api_failed *from = &report->failed[i];
        struct vx_gw_failed *failed = vx_xcalloc(1, sizeof *failed);

        snprintf(failed->key.text, sizeof failed->key.text, "%s", from->key);
        if (!vx_feed_type_parse(from->type, &failed->key.type)
            || vx_tree_insert(&gw->failed, &failed->key, &failed->by_key)) {
            free(failed);
            continue;
        }
        failed->why = vx_xstrdup(from->why);
    }
}

static void
forget_unused(struct vx_gw *gw)
{
    for (size_t i = 0; i < gw->n_unused; i++) {
        free(gw->unused[i].tenants);
        free(gw->unused[i].path);
        free(gw->unused[i].why);
    }
    free(gw->unused);
    gw->unused = NULL;
    gw->n_unused = 0;
}

static void
keep_unused(struct vx_gw *gw, const struct vx_api_report *report)
{
    forget_unused(gw);
    if (!report->n_unused) {
        return;
    }
    gw->unused = vx_xcalloc(report->n_unused, sizeof *gw->unused);
    for (; gw->n_unused < report->n_unused; gw->n_unused++) {
        const struct vx_api_unused *from = &report->unused[gw->n_unused];

        gw->unused[gw->n_unused] = (struct vx_gw_unused) {
            .type = from->type, .tenants = vx_xstrdup(from->tenants),
            .path = vx_xstrdup(from->path), .why = vx_xstrdup(from->why),
        };
    }
}

void
vx_gws_forget_report(struct vx_gw *gw)
{
    forget_unused(gw);
    forget_failed(gw);
    free_sessions(gw->sessions, gw->n_sessions);
    gw->sessions = NULL;
    gw->n_sessions = 0;
    free(gw->counters);
    gw->counters = NULL;
    free(gw->trouble);
    gw->trouble = NULL;
}

/* --- Reports. */

static void
keep_trouble(struct vx_gw *gw, const char *trouble)
{
    if (strcmp(trouble, gw->trouble ? gw->trouble : "")) {
        if (*trouble) {
            vx_log_warn(gw->name, "%s", trouble);
        } else {
            vx_log_info(gw->name, "all that it needs works again");
        }
        free(gw->trouble);
        gw->trouble = vx_xstrdup(trouble);
    }
}

static bool
is_too_often(struct vx_gw *gw)
{
    int64_t now = vx_clock_ms();

    if (now - gw->window_ms >= 1000) {
        gw->window_ms = now;
        gw->n_in_window = 0;
    }
    return ++gw->n_in_window > REPORTS_PER_SECOND;
}

static void
keep_acked(struct vx_gw *gw, const struct vx_api_report *report)
{
    int64_t now = vx_clock_ms();
    uint64_t seq = vx_feedlog_seq(gw->log);

    /* Of another epoch it means nothing. */
    uint64_t acked = strcmp(report->epoch, gw->gws->epoch) ? 0
                     : report->acked > seq ? seq : report->acked;

    if (acked != gw->acked || acked == seq) {
        gw->acked_ms = now;
    }
    gw->acked = acked;
}

/* What the gateway's own audit of zebra has found, and put right. */
static void
look_at_strays(struct vx_gw *gw, const struct vx_api_report *report)
{
    char text[120];

    if (report->n_strays > gw->n_strays) {
        snprintf(text, sizeof text, "zebra of gateway %s had %llu routes "
                 "that nobody wants", gw->name,
                 (unsigned long long) (report->n_strays - gw->n_strays));
        vx_app_event(gw->gws->app, VX_EVENT_DRIFT, gw->name, text);
    }
    gw->n_strays = report->n_strays;
}

static void
take_audit(struct vx_gw *gw, const struct vx_api_gateway_audit *audit)
{
    gw->knows_audits = audit != NULL;
    if (audit && audit->n_parts) {
        if (audit->nonce == gw->audit_nonce) {
            gw->audit_nonce = 0;
        }
        vx_audits_gateway_answered(gw->gws->app->audits, gw->oid, audit);
    }
}

/* What everything that was queued so far waits for is done: durable with the
 * next commit, or refused. */
void
vx_gws_report_done(struct vx_gws *gws)
{
    struct vx_api_report_waiter *next;

    for (struct vx_api_report_waiter *w = gws->waiters; w; w = next) {
        next = w->next;
        if (w->ticket > gws->n_worked) {
            continue;
        }
        *(w->prev ? &w->prev->next : &gws->waiters) = w->next;
        if (w->next) {
            w->next->prev = w->prev;
        }
        vx_commit_drain(gws->app->commit, NULL);
        w->done(w->aux, vx_commit_revision(gws->app->commit));
        free(w);
    }
}

static void
wait_for_all(struct vx_gws *gws,
             void (*done)(void *aux, uint64_t revision), void *aux,
             struct vx_api_report_waiter **ret_waiter)
{
    struct vx_api_report_waiter *w;

    if (gws->n_worked == gws->n_queued) {
        done(aux, vx_commit_revision(gws->app->commit));
        return;
    }
    w = vx_xcalloc(1, sizeof *w);
    w->gws = gws;
    w->ticket = gws->n_queued;
    w->done = done;
    w->aux = aux;
    w->next = gws->waiters;
    if (w->next) {
        w->next->prev = w;
    }
    gws->waiters = w;
    *ret_waiter = w;
}

void
vx_gws_report_cancel(void *gws_, struct vx_api_report_waiter *w)
{
    struct vx_gws *gws = gws_;

    *(w->prev ? &w->prev->next : &gws->waiters) = w->next;
    if (w->next) {
        w->next->prev = w->prev;
    }
    free(w);
}

bool
vx_gws_report(void *gws_, const struct vx_api_report *report,
              void (*done)(void *aux, uint64_t revision), void *aux,
              struct vx_api_report_waiter **ret_waiter, struct vx_error *err)
{
    struct vx_gws *gws = gws_;
    struct vx_gw *gw = vx_gws_by_name(gws, report->gateway);

    if (!gw) {
        return vx_fail(err, VX_NOT_FOUND, "gateway", "no gateway \"%.80s\"",
                       report->gateway);
    }
    if (is_too_often(gw)) {
        gws->n_reports_refused++;
        return vx_fail(err, VX_BUSY, "", "gateway \"%s\" reports more than "
                       "%d times a second", gw->name, REPORTS_PER_SECOND);
    }
    if (gw->expired && report->full != VX_FULL_BEGIN) {
        gws->n_reports_refused++;
        return vx_fail(err, VX_GONE, "full", "gateway \"%s\" was silent for "
                       "so long that what it has learned is to be told in "
                       "full", gw->name);
    }
    gws->n_reports++;
    gw->seen_ms = vx_clock_ms();
    gw->seen_wall_ms = vx_clock_wall_ms();
    if (strcmp(gw->boot, report->boot)) {
        snprintf(gw->boot, sizeof gw->boot, "%s", report->boot);
        gw->n_strays = 0;
    }
    keep_acked(gw, report);
    if (report->failed) {
        keep_failed(gw, report);
    }
    if (report->sessions) {
        keep_sessions(gw, report);
    }
    if (report->unused) {
        keep_unused(gw, report);
    }
    if (report->trouble) {
        keep_trouble(gw, report->trouble);
    }
    if (report->counters) {
        free(gw->counters);
        gw->counters = vx_xstrdup(report->counters);
        look_at_strays(gw, report);
    }
    take_audit(gw, report->audit);
    vx_gws_learn(gw, report);
    vx_gws_look_connected(gw);
    vx_gws_held_look(gws);
    wait_for_all(gws, done, aux, ret_waiter);
    return true;
}
