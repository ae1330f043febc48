/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of the controller: api/backend.h over the parts. */
#include "daemon/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit.h"
#include "daemon/commit.h"
#include "daemon/counters.h"
#include "daemon/gateways.h"
#include "daemon/health.h"
#include "daemon/hooks.h"
#include "daemon/hosts.h"
#include "daemon/ports.h"
#include "lib/xalloc.h"
#include "store/store.h"
#include "vxconfig.h"

static const struct vx_model *
backend_model(void *app_)
{
    struct vx_app *app = app_;

    return vx_commit_drain(app->commit, NULL) ? app->model : NULL;
}

/* Carries a submit of the API to its end. */
struct submitted {
    struct vx_app *app;
    vx_api_done *done;
    void *aux;
};

static void
committed(void *submitted_, const struct vx_commit_outcome *outcome)
{
    struct submitted *submitted = submitted_;
    struct vx_api_outcome api_outcome = {
        .err = outcome->err, .failed = outcome->failed,
        .model = outcome->err ? NULL : submitted->app->model,
        .results = outcome->results, .revision = outcome->revision,
    };

    if (outcome->err) {
        vx_app_refused(submitted->app, outcome->err);
    }
    submitted->done(submitted->aux, &api_outcome);
    free(submitted);
}

static void
carry_out(void *app_, const struct vx_api_submit *submit)
{
    struct vx_app *app = app_;
    struct submitted *submitted;

    submitted = vx_xcalloc(1, sizeof *submitted);
    submitted->app = app;
    submitted->done = submit->done;
    submitted->aux = submit->aux;
    vx_commit_submit(app->commit, submit->ops, submit->n, committed,
                     submitted);
}

static void
backend_submit(void *app_, const struct vx_api_submit *submit)
{
    struct vx_app *app = app_;

    if (submit->dry_run) {
        vx_app_plan(app, submit);
    } else if (!vx_gws_hold(app->gws, submit, carry_out)) {
        carry_out(app, submit);
    }
}

static bool
backend_gateway_status(void *app_, uint64_t gateway,
                       struct vx_api_gateway_status *ret_status)
{
    struct vx_app *app = app_;

    return vx_gws_status(app->gws, gateway, ret_status);
}

static bool
backend_peering_status(void *app_, uint64_t peering,
                       struct vx_api_peering_status *ret_status)
{
    struct vx_app *app = app_;

    return vx_gws_peering_status(app->gws, peering, ret_status);
}

static bool
backend_policy_told(void *app_, uint64_t policy)
{
    struct vx_app *app = app_;

    return vx_gws_policy_told(app->gws, policy);
}

static struct vx_api_waiter *
backend_wait(void *app_, const struct vx_api_wait *wait)
{
    struct vx_app *app = app_;
    struct vx_wait *w = vx_wait_new(app->ports, wait->oids, wait->n_oids,
                                    wait->revision, wait->timeout_ms);

    vx_wait_start(w, wait->woken, wait->aux);
    return (struct vx_api_waiter *) w;
}

static void
backend_cancel(void *app, struct vx_api_waiter *waiter)
{
    (void) app;
    vx_wait_cancel((struct vx_wait *) waiter);
}

struct refused_aux {
    vx_api_refused_cb *f;
    void *aux;
};

static void
refused_host(void *aux, const struct vx_refused_host *host)
{
    const struct refused_aux *r = aux;
    struct vx_api_refused_host api_host = {
        .name = host->name, .system_id = host->system_id,
        .vtep = host->vtep, .zone = host->zone, .peer = host->peer,
        .reason = host->reason,
    };

    r->f(r->aux, &api_host);
}

static void
backend_refused(void *app_, vx_api_refused_cb *f, void *aux)
{
    struct vx_app *app = app_;
    struct refused_aux r = { f, aux };

    vx_hosts_refused(app->hosts, refused_host, &r);
}

static void
backend_info(void *app_, struct vx_api_info *ret_info)
{
    struct vx_app *app = app_;
    size_t n_ready, n_ovsdb, n_openflow, n_refused;

    vx_hosts_counts(app->hosts, &n_ready, &n_ovsdb, &n_openflow, &n_refused);
    *ret_info = (struct vx_api_info) {
        .version = PACKAGE_VERSION,
        .revision = vx_commit_revision(app->commit),
        .realized_revision = vx_hosts_min_realized(app->hosts),
        .n_hosts = vx_model_count(app->model, VX_HOST),
        .n_hosts_active = n_ready,
        .healthy = !vx_commit_error(app->commit)[0],
    };
    snprintf(ret_info->reason, sizeof ret_info->reason, "%.250s",
             vx_commit_error(app->commit));
}

/* As the fabric sees it: it has a place, and was not found dead. */
static bool
backend_port_alive(void *app_, uint64_t port)
{
    const struct vx_app *app = app_;
    struct vx_place place;

    return vx_fabric_place(app->fabric, port, &place) && place.host
           && vx_hops_is_alive(app->hops, port);
}

struct journal_aux {
    vx_watch_line_cb *line;
    void *aux;
    struct vx_buf buf;
};

static bool
journal_line(void *aux, const struct vx_store_line *line)
{
    struct journal_aux *j = aux;

    vx_buf_clear(&j->buf);
    vx_watch_format(&j->buf, line->revision, line->time_ms, line->op,
                    line->path, line->body, line->size);
    return j->line(j->aux, vx_buf_str(&j->buf), j->buf.size,
                   line->revision);
}

static bool
backend_journal(void *app_, uint64_t since, size_t max_lines,
                vx_watch_line_cb *line, void *aux, struct vx_error *err)
{
    struct vx_app *app = app_;
    struct journal_aux j = { .line = line, .aux = aux, .buf = VX_BUF_INIT };
    bool ok = vx_store_journal(app->store, since, max_lines, journal_line,
                               &j, err);

    vx_buf_fini(&j.buf);
    return ok;
}

void
vx_app_backend_init(struct vx_app *app)
{
    app->backend = (struct vx_api_backend) {
        .ctx = app, .model = backend_model, .submit = backend_submit,
        .port_status = vx_app_port_status,
        .host_status = vx_app_host_status,
        .gateway_status = backend_gateway_status,
        .peering_status = backend_peering_status,
        .policy_told = backend_policy_told,
        .port_alive = backend_port_alive, .wait = backend_wait,
        .cancel = backend_cancel,
        .refused = backend_refused, .info = backend_info,
        .metrics = vx_app_metrics, .journal = backend_journal,
        .hooks = vx_hooks_api(app->hooks),
        .audits = vx_audits_api(app->audits),
        .counters = vx_counters_api(app->counters),
        .gateways = vx_gws_api(app->gws),
    };
}
