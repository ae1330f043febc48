/* SPDX-License-Identifier: Apache-2.0 */
/* See report.h. */
#include "gateway/report.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api/codec.h"
#include "gateway/http.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { PACE_MS = 100, HEARTBEAT_MS = 1000, TIMEOUT_S = 5,
       ITEMS_MAX = VX_GW_REPORT_MAX - 300 * 1024 };

enum stage { DELTA, BEGIN, PART };

struct vx_gw_report {
    struct vx_gw_report_config config;
    char *path;
    char boot[17];
    struct event *timer;
    struct vx_gw_request *request;
    enum stage stage;               /* of the full report */
    enum stage flying;              /* stage of the one under way */
    bool flying_end;
    uint64_t flying_audit;
    bool restarted;                 /* while one was under way */
    bool touched;
    int64_t last_ms;
    struct vx_gw_report_counts counts;
};

/* --- The body. */

static void
put_failed(const struct vx_gw_entries *entries, struct vx_buf *out)
{
    const struct vx_gw_entry *entry = vx_gw_entries_failed(entries);

    for (int i = 0; entry && i < VX_GW_FAILED_MAX;
         i++, entry = entry->next_failed) {
        vx_buf_printf(out, "%s{\"type\":\"%s\",\"key\":", i ? "," : "",
                      vx_gw_type_name(entry->type));
        vx_json_string(out, entry->key);
        vx_buf_puts(out, ",\"why\":");
        vx_json_string(out, entry->why);
        vx_buf_puts(out, "}");
    }
}

uint64_t
vx_gw_report_format(const struct vx_gw_report_view *view, const char *boot,
                    const char *full, const char *items, struct vx_buf *out)
{
    uint64_t serial = 0;

    vx_buf_printf(out, "{\"boot\":\"%s\",\"epoch\":\"%s\",\"acked\":%" PRIu64
                  ",\"full\":", boot, view->epoch, view->acked);
    vx_buf_printf(out, full ? "\"%s\"" : "null", full);
    vx_buf_printf(out, ",%s,\"failed\":[", items);
    put_failed(view->entries, out);
    vx_buf_puts(out, "],\"sessions\":[");
    view->sessions(view->aux, out);
    vx_buf_puts(out, "],\"counters\":{");
    view->counters(view->aux, out);
    vx_buf_puts(out, "}");
    if (view->unused) {
        vx_buf_puts(out, ",\"unused\":[");
        view->unused(view->aux, out);
        vx_buf_puts(out, "]");
    }
    if (view->troubles) {
        vx_buf_puts(out, ",\"troubles\":[");
        view->troubles(view->aux, out);
        vx_buf_puts(out, "]");
    }
    if (view->audit) {
        vx_buf_puts(out, ",\"audit\":");
        view->audit(view->aux, out, &serial);
    }
    vx_buf_puts(out, "}");
    return serial;
}

/* --- When. */

static void
send_in(struct vx_gw_report *report, int64_t ms)
{
    const struct timeval tv = { ms / 1000, (int) (ms % 1000) * 1000 };

    event_add(report->timer, &tv);
}

static void
schedule(struct vx_gw_report *report)
{
    int64_t since = vx_clock_ms() - report->last_ms;
    bool more = report->touched || report->stage == BEGIN
                || vx_gw_learned_is_dirty(report->config.learned);
    int64_t wait = (more ? PACE_MS : HEARTBEAT_MS) - since;

    if (!report->request) {
        send_in(report, wait > 0 ? wait : 0);
    }
}

static void
back_to_full(struct vx_gw_report *report)
{
    report->restarted = false;
    report->stage = BEGIN;
    vx_gw_learned_restart(report->config.learned);
}

static void
on_done(void *report_, long status, const char *why)
{
    struct vx_gw_report *report = report_;
    bool ok = !*why;

    report->request = NULL;
    if (ok) {
        vx_gw_learned_taken(report->config.learned);
        if (report->config.audit_told) {
            report->config.audit_told(report->config.aux,
                                      report->flying_audit);
        }
        report->stage = report->flying_end          ? DELTA
                        : report->flying == BEGIN ? PART
                                                  : report->flying;
        report->counts.n_fulls += report->flying_end;
        report->counts.why[0] = '\0';
    } else {
        if (strncmp(report->counts.why, why, sizeof report->counts.why - 1)) {
            vx_log_warn("report", "the controller does not take reports: %s",
                        why);
        }
        snprintf(report->counts.why, sizeof report->counts.why, "%s", why);
        report->counts.n_failures++;
        vx_gw_learned_lost(report->config.learned);
        /* Refused, not unreachable: it does not follow what we said before
         * (it may have been restarted): from the beginning. */
        if (status >= 400) {
            report->restarted = true;
        }
        report->last_ms = vx_clock_ms();
        report->touched = false;
    }
    if (report->restarted) {
        back_to_full(report);
    }
    report->counts.full = report->stage != DELTA;
    if (ok) {
        schedule(report);
    } else {
        send_in(report, HEARTBEAT_MS);
    }
}

static const char *
full_of(struct vx_gw_report *report)
{
    bool all_said = !vx_gw_learned_is_dirty(report->config.learned);

    report->flying = report->stage;
    report->flying_end = false;
    if (report->stage == DELTA) {
        return NULL;
    } else if (report->stage == BEGIN) {
        return "begin";
    }
    if (all_said && report->config.is_complete(report->config.aux)) {
        report->flying_end = true;
        return "end";
    }
    return "part";
}

static void
send_now(evutil_socket_t fd, short what, void *report_)
{
    struct vx_gw_report *report = report_;
    struct vx_buf items = VX_BUF_INIT, body = VX_BUF_INIT;
    struct vx_gw_report_view view;
    struct vx_gw_request_spec spec = {
        .path = report->path, .timeout_s = TIMEOUT_S, .done = on_done,
        .aux = report,
    };

    (void) fd;
    (void) what;
    if (report->request) {
        return;
    }
    report->last_ms = vx_clock_ms();
    report->touched = false;
    report->config.look(report->config.aux, &view);
    if (!*view.epoch) {
        send_in(report, HEARTBEAT_MS);  /* nobody to tell yet */
        return;
    }
    vx_gw_learned_next(report->config.learned, ITEMS_MAX, &items);
    report->flying_audit = vx_gw_report_format(
        &view, report->boot, full_of(report), vx_buf_str(&items), &body);
    spec.body = vx_buf_str(&body);
    report->counts.n_posts++;
    report->request = vx_gw_http_start(report->config.http, &spec);
    vx_buf_fini(&items);
    vx_buf_fini(&body);
}

void
vx_gw_report_touch(struct vx_gw_report *report)
{
    if (!report->touched) {
        report->touched = true;
        schedule(report);
    }
}

void
vx_gw_report_restart(struct vx_gw_report *report)
{
    if (report->request) {
        report->restarted = true;
    } else {
        back_to_full(report);
        schedule(report);
    }
}

void
vx_gw_report_start(struct vx_gw_report *report)
{
    schedule(report);
}

/* --- Life. */

struct vx_gw_report *
vx_gw_report_new(const struct vx_gw_report_config *config)
{
    struct vx_gw_report *report = vx_xcalloc(1, sizeof *report);
    uint64_t boot = 0;

    report->config = *config;
    report->config.gateway = NULL;          /* borrowed */
    report->path = vx_xasprintf("/v1/gateways/%s/report", config->gateway);
    if (getrandom(&boot, sizeof boot, 0) != sizeof boot) {
        boot = (uint64_t) vx_clock_ms();
    }
    snprintf(report->boot, sizeof report->boot, "%016" PRIx64, boot);
    report->stage = BEGIN;
    report->counts.full = true;
    report->timer = event_new(config->base, -1, 0, send_now, report);
    return report;
}

void
vx_gw_report_free(struct vx_gw_report *report)
{
    if (report) {
        vx_gw_http_cancel(report->request);
        event_free(report->timer);
        free(report->path);
        free(report);
    }
}

void
vx_gw_report_get_counts(const struct vx_gw_report *report,
                        struct vx_gw_report_counts *ret_counts)
{
    *ret_counts = report->counts;
}
