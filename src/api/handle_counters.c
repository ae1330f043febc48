/* SPDX-License-Identifier: Apache-2.0 */
/* What hosts have counted:
 *
 *   GET /v1/locality?tenant=&network=&zone=    traffic by class
 *   GET /v1/bursts?state=                      budgets that dropped
 *
 * Locality waits for hosts that were not counted within the last second; who
 * leaves meanwhile is just not answered. */
#include "api/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "lib/xalloc.h"

enum { ITEMS_MAX = 10000 };

/* A GET that waits. */
struct fresh {
    const struct vx_server *server;
    struct vx_http_req *req;
    char *tenant, *network, *zone;      /* NULL = all */
    struct vx_api_counters_waiter *waiter;
};

struct report {
    struct vx_buf *out;
    size_t n, n_left_out;
    struct vx_traffic totals;
};

/* --- Locality. */

static void
put_traffic(struct vx_jw *jw, const struct vx_traffic *t)
{
    vx_jw_u64(jw, "local_bytes", t->bytes[VX_CLASS_LOCAL]);
    vx_jw_u64(jw, "zone_bytes", t->bytes[VX_CLASS_ZONE]);
    vx_jw_u64(jw, "cross_bytes", t->bytes[VX_CLASS_CROSS]);
    vx_jw_u64(jw, "local_bps", t->bps[VX_CLASS_LOCAL]);
    vx_jw_u64(jw, "zone_bps", t->bps[VX_CLASS_ZONE]);
    vx_jw_u64(jw, "cross_bps", t->bps[VX_CLASS_CROSS]);
}

static void
put_item(void *report_, const struct vx_api_traffic *item)
{
    struct report *report = report_;
    struct vx_jw jw;

    for (int c = 0; c < VX_N_CLASSES; c++) {
        report->totals.bytes[c] += item->traffic.bytes[c];
        report->totals.bps[c] += item->traffic.bps[c];
    }
    if (report->n == ITEMS_MAX) {
        report->n_left_out++;
        return;
    }
    vx_buf_puts(report->out, report->n++ ? "," : "");
    vx_jw_begin(&jw, report->out);
    vx_jw_str(&jw, "tenant", item->tenant);
    vx_jw_str(&jw, "network", item->network);
    vx_jw_str(&jw, "zone", item->zone);
    put_traffic(&jw, &item->traffic);
    vx_jw_end(&jw);
}

static bool
make_report(const struct fresh *f, bool complete, struct vx_buf *out,
            struct vx_error *err)
{
    const struct vx_api_counters *api = f->server->backend->counters;
    struct report report = { .out = out };
    struct vx_jw jw;

    vx_buf_puts(out, "{\"items\":[");
    if (!api->locality(api->ctx, &(struct vx_api_locality_query) {
            .tenant = f->tenant, .network = f->network, .zone = f->zone,
            .each = put_item, .aux = &report }, err)) {
        return false;
    }
    vx_buf_puts(out, "],\"totals\":");
    vx_jw_begin(&jw, out);
    put_traffic(&jw, &report.totals);
    vx_jw_end(&jw);
    vx_buf_printf(out, ",\"complete\":%s,\"left_out\":%zu}\n",
                  complete ? "true" : "false", report.n_left_out);
    return true;
}

static void
fresh_free(struct fresh *f)
{
    free(f->tenant);
    free(f->network);
    free(f->zone);
    free(f);
}

static void
answer(struct fresh *f, bool complete)
{
    struct vx_buf body = VX_BUF_INIT;
    struct vx_error err;

    if (make_report(f, complete, &body, &err)) {
        vx_http_reply(f->req, &(struct vx_http_reply) {
            .status = 200, .body = body.data, .size = body.size });
    } else {
        vx_http_reply_error(f->req, &err, SIZE_MAX);
    }
    vx_buf_fini(&body);
    fresh_free(f);
}

static void
on_woken(void *fresh, bool complete)
{
    answer(fresh, complete);
}

static void
on_gone(void *fresh)
{
    struct fresh *f = fresh;
    const struct vx_api_counters *api = f->server->backend->counters;

    api->cancel(api->ctx, f->waiter);
    answer(f, false);
}

static char *
copy(struct vx_call *call, const char *name)
{
    const char *value = vx_query_get(&call->query, name);

    return value ? vx_xstrdup(value) : NULL;
}

static void
handle_locality(struct vx_call *call)
{
    const struct vx_api_counters *api = call->server->backend->counters;
    struct vx_buf check = VX_BUF_INIT;
    struct fresh *f = vx_xcalloc(1, sizeof *f);

    f->server = call->server;
    f->req = call->req;
    f->tenant = copy(call, "tenant");
    f->network = copy(call, "network");
    f->zone = copy(call, "zone");
    /* A name that is wrong is not waited for. */
    if (!vx_query_done(&call->query, "tenant, network, zone", &call->err)
        || !make_report(f, true, &check, &call->err)) {
        fresh_free(f);
        vx_call_fail(call);
    } else {
        f->waiter = api->refresh(api->ctx, on_woken, f);
        if (f->waiter) {
            vx_http_req_on_gone(call->req, on_gone, f);
        } else {
            answer(f, true);
        }
    }
    vx_buf_fini(&check);
}

/* --- Bursts. */

struct burst_report {
    struct vx_buf out;
    size_t n;
    const char *state;
};

static void
put_burst(void *report_, const struct vx_api_burst *burst)
{
    struct burst_report *report = report_;

    if (!report->state
        || !strcmp(report->state, burst->active ? "active" : "over")) {
        vx_buf_puts(&report->out, report->n++ ? "," : "");
        vx_api_burst_write(burst, &report->out);
    }
}

static void
handle_bursts(struct vx_call *call)
{
    const struct vx_api_counters *api = call->server->backend->counters;
    struct burst_report report = {
        .out = VX_BUF_INIT, .state = vx_query_get(&call->query, "state"),
    };

    if (report.state && strcmp(report.state, "active")
        && strcmp(report.state, "over")) {
        vx_fail(&call->err, VX_INVALID, "state", "state is \"active\" or "
                "\"over\"");
        vx_call_fail(call);
    } else if (!vx_query_done(&call->query, "state", &call->err)) {
        vx_call_fail(call);
    } else {
        vx_buf_puts(&report.out, "{\"items\":[");
        api->bursts(api->ctx, put_burst, &report);
        vx_buf_puts(&report.out, "],\"next\":null}");
        vx_call_reply_json(call, 200, NULL, &report.out);
    }
    vx_buf_fini(&report.out);
}

bool
vx_handle_counters(struct vx_call *call)
{
    bool locality = !strcmp(call->head->path, "/v1/locality");

    if (!call->server->backend->counters
        || (!locality && strcmp(call->head->path, "/v1/bursts"))) {
        return false;
    }
    if (!vx_call_allows(call, VX_HTTP_GET)) {
        return true;
    }
    if (locality) {
        handle_locality(call);
    } else {
        handle_bursts(call);
    }
    return true;
}
