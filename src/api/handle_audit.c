/* SPDX-License-Identifier: Apache-2.0 */
/* Audits:
 *
 *   GET  /v1/audit?host=|gateway=&state=          what is known
 *   POST /v1/audit?host=|gateway=&repair=&wait=   compare now, then the same
 *
 * Who leaves while he waits: the audit goes on, only the waiting ends. */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "lib/xalloc.h"

enum { WAIT_DEFAULT_S = 60, WAIT_MAX_S = 600, ITEMS_MAX = 2000 };

/* A POST that waits. */
struct audit {
    const struct vx_server *server;
    struct vx_http_req *req;
    char *host, *gateway;       /* NULL = all */
    struct vx_api_audit_waiter *waiter;
};

struct report {
    struct vx_buf hosts, gateways, items;
    size_t n_hosts, n_gateways, n_items, n_left_out;
};

static void
put_time(struct vx_jw *jw, const char *key, int64_t time_ms)
{
    vx_jw_key(jw, key);
    if (time_ms) {
        vx_json_time(jw->out, time_ms);
    } else {
        vx_buf_puts(jw->out, "null");
    }
}

static void
put_sum(struct vx_jw *jw, const struct vx_api_audit_host *sum)
{
    vx_jw_str(jw, "state", sum->state);
    vx_jw_str(jw, "result", sum->result);
    put_time(jw, "audited", sum->audited_ms);
    vx_jw_u64(jw, "took_ms", (uint64_t) sum->took_ms);
    vx_jw_u64(jw, "rows", sum->n_rows);
    vx_jw_u64(jw, "found", sum->n_found);
    vx_jw_u64(jw, "repaired", sum->n_repaired);
    vx_jw_u64(jw, "open", sum->n_open);
}

static void
put_host(void *report_, const struct vx_api_audit_host *host)
{
    struct report *report = report_;
    struct vx_jw jw;

    vx_buf_puts(&report->hosts, report->n_hosts++ ? "," : "");
    vx_jw_begin(&jw, &report->hosts);
    vx_jw_str(&jw, "host", host->host);
    put_sum(&jw, host);
    vx_jw_end(&jw);
    report->n_left_out += host->n_left_out;
}

static void
put_drifts(struct vx_jw *jw, const struct vx_api_audit_part *part)
{
    vx_jw_key(jw, "items");
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < part->n_drifts; i++) {
        const struct vx_api_audit_drift *drift = &part->drifts[i];
        struct vx_jw inner;

        vx_buf_puts(jw->out, i ? "," : "");
        vx_jw_begin(&inner, jw->out);
        vx_jw_str(&inner, "what", drift->what);
        vx_jw_str(&inner, "object", drift->object);
        vx_jw_str(&inner, "row", drift->row);
        vx_jw_str(&inner, "found", drift->found);
        vx_jw_str(&inner, "state", drift->state);
        vx_jw_end(&inner);
    }
    vx_buf_puts(jw->out, "]");
}

static void
put_gateway(void *report_, const struct vx_api_audit_gateway *gateway)
{
    struct report *report = report_;
    struct vx_buf *out = &report->gateways;
    struct vx_jw jw;

    vx_buf_puts(out, report->n_gateways++ ? "," : "");
    vx_jw_begin(&jw, out);
    vx_jw_str(&jw, "gateway", gateway->gateway);
    vx_jw_str(&jw, "host", gateway->host);
    put_sum(&jw, &gateway->sum);
    vx_jw_key(&jw, "parts");
    vx_buf_puts(out, "[");
    for (size_t i = 0; i < gateway->n_parts; i++) {
        const struct vx_api_audit_part *part = &gateway->parts[i];
        struct vx_jw inner;

        vx_buf_puts(out, i ? "," : "");
        vx_jw_begin(&inner, out);
        vx_jw_str(&inner, "part", part->part);
        vx_jw_str(&inner, "result", part->result);
        vx_jw_u64(&inner, "rows", part->n_rows);
        vx_jw_u64(&inner, "found", part->n_found);
        vx_jw_u64(&inner, "repaired", part->n_repaired);
        put_drifts(&inner, part);
        vx_jw_end(&inner);
    }
    vx_buf_puts(out, "]");
    vx_jw_end(&jw);
    report->n_left_out += gateway->sum.n_left_out;
}

static void
put_finding(void *report_, const struct vx_api_finding *f)
{
    struct report *report = report_;
    struct vx_jw jw;

    if (report->n_items == ITEMS_MAX) {
        report->n_left_out++;
        return;
    }
    vx_buf_puts(&report->items, report->n_items++ ? "," : "");
    vx_jw_begin(&jw, &report->items);
    vx_jw_u64(&jw, "id", f->id);
    vx_jw_str(&jw, "host", f->host);
    vx_jw_str(&jw, "gateway", f->gateway);
    vx_jw_str(&jw, "bridge", f->bridge);
    vx_jw_str(&jw, "kind", f->kind);
    vx_jw_str(&jw, "what", f->what);
    vx_jw_str(&jw, "state", f->state);
    vx_jw_str(&jw, "object", f->object);
    vx_jw_str(&jw, "row", f->row);
    vx_jw_str(&jw, "found", f->found);
    put_time(&jw, "since", f->since_ms);
    put_time(&jw, "seen", f->seen_ms);
    put_time(&jw, "over", f->over_ms);
    vx_jw_u64(&jw, "times", f->n_times);
    vx_jw_end(&jw);
}

static bool
make_report(const struct vx_server *server, struct vx_api_audit_query query,
            struct vx_buf *body, struct vx_error *err)
{
    const struct vx_api_audits *audits = server->backend->audits;
    struct report report = { .hosts = VX_BUF_INIT, .items = VX_BUF_INIT,
                             .gateways = VX_BUF_INIT };
    bool ok;

    query.each_host = put_host;
    query.each_gateway = put_gateway;
    query.each = put_finding;
    query.aux = &report;
    ok = audits->query(audits->ctx, &query, err);
    if (ok) {
        vx_buf_printf(body, "\"hosts\":[%s],\"gateways\":[%s],\"items\":[%s],"
                      "\"left_out\":%zu,\"next\":null}",
                      vx_buf_str(&report.hosts), vx_buf_str(&report.gateways),
                      vx_buf_str(&report.items), report.n_left_out);
    }
    vx_buf_fini(&report.hosts);
    vx_buf_fini(&report.gateways);
    vx_buf_fini(&report.items);
    return ok;
}

/* --- GET. */

static bool
read_state(struct vx_call *call, enum vx_api_audit_which *ret_which)
{
    const char *state = vx_query_get(&call->query, "state");

    *ret_which = VX_AUDIT_ALL;
    if (!state) {
        return true;
    }
    if (strcmp(state, "open") && strcmp(state, "last")) {
        return vx_fail(&call->err, VX_INVALID, "state",
                       "state=%.40s: open (not over), last (found by the "
                       "last audit), or leave it out for all", state);
    }
    *ret_which = state[0] == 'o' ? VX_AUDIT_OPEN : VX_AUDIT_LAST;
    return true;
}

static bool
read_whom(struct vx_call *call, const char **ret_host,
          const char **ret_gateway)
{
    *ret_host = vx_query_get(&call->query, "host");
    *ret_gateway = vx_query_get(&call->query, "gateway");
    return !*ret_host || !*ret_gateway
           || vx_fail(&call->err, VX_INVALID, "gateway", "host= or gateway=, "
                      "not both: host= has the gateways on that host");
}

static void
handle_get(struct vx_call *call)
{
    struct vx_api_audit_query query = { .host = NULL };
    struct vx_buf body = VX_BUF_INIT;

    vx_buf_puts(&body, "{");
    if (read_whom(call, &query.host, &query.gateway)
        && read_state(call, &query.which)
        && vx_query_done(&call->query, "host, gateway, state", &call->err)
        && make_report(call->server, query, &body, &call->err)) {
        vx_call_reply_json(call, 200, NULL, &body);
    } else {
        vx_call_fail(call);
    }
    vx_buf_fini(&body);
}

/* --- POST. */

static void
audit_free(struct audit *audit)
{
    free(audit->host);
    free(audit->gateway);
    free(audit);
}

static void
audit_reply(struct audit *audit, bool complete)
{
    const struct vx_api_audit_query query = {
        .host = audit->host, .gateway = audit->gateway,
        .which = VX_AUDIT_LAST,
    };
    struct vx_buf body = VX_BUF_INIT;
    struct vx_error err;

    vx_buf_printf(&body, "{\"complete\":%s,", complete ? "true" : "false");
    if (make_report(audit->server, query, &body, &err)) {
        vx_buf_puts(&body, "\n");
        vx_http_reply(audit->req, &(struct vx_http_reply) {
            .status = complete ? 200 : 202, .body = body.data,
            .size = body.size });
    } else {
        vx_http_reply_error(audit->req, &err, SIZE_MAX);
    }
    vx_buf_fini(&body);
    audit_free(audit);
}

static void
on_woken(void *audit_, bool complete)
{
    struct audit *audit = audit_;

    audit_reply(audit, complete);
}

static void
on_gone(void *audit_)
{
    struct audit *audit = audit_;
    const struct vx_api_audits *audits = audit->server->backend->audits;

    audits->cancel(audits->ctx, audit->waiter);
    audit_reply(audit, false);
}

static bool
read_demand(struct vx_call *call, struct vx_api_audit_demand *demand)
{
    const struct vx_buf *body = vx_http_req_body(call->req);
    uint64_t wait_s = WAIT_DEFAULT_S;

    if (!read_whom(call, &demand->host, &demand->gateway)) {
        return false;
    }
    if (body->size && strcmp(vx_buf_str(body), "{}")) {
        return vx_fail(&call->err, VX_INVALID, "body",
                       "this takes no body, or {}");
    }
    if (!vx_query_bool(&call->query, "repair", &demand->repair, &call->err)
        || !vx_query_uint(&call->query, "wait", WAIT_MAX_S, &wait_s,
                          &call->err)
        || !vx_query_done(&call->query, "host, gateway, repair, wait",
                          &call->err)) {
        return false;
    }
    demand->timeout_ms = wait_s ? (int64_t) wait_s * 1000 : 1;
    return true;
}

static void
handle_post(struct vx_call *call)
{
    struct vx_server *server = call->server;
    const struct vx_api_audits *audits = server->backend->audits;
    struct audit *audit = vx_xcalloc(1, sizeof *audit);
    struct vx_api_audit_demand demand = { .woken = on_woken, .aux = audit };

    audit->server = server;
    audit->req = call->req;
    if (read_demand(call, &demand)) {
        audit->waiter = audits->demand(audits->ctx, &demand, &call->err);
    }
    if (!audit->waiter) {
        free(audit);
        vx_call_fail(call);
        return;
    }
    audit->host = demand.host ? vx_xstrdup(demand.host) : NULL;
    audit->gateway = demand.gateway ? vx_xstrdup(demand.gateway) : NULL;
    vx_http_req_on_gone(call->req, on_gone, audit);
}

bool
vx_handle_audit(struct vx_call *call)
{
    if (!call->server->backend->audits
        || strcmp(call->head->path, "/v1/audit")) {
        return false;
    }
    if (!vx_call_allows(call, VX_HTTP_GET | VX_HTTP_POST)) {
        return true;
    }
    if (call->head->method != VX_HTTP_POST) {
        handle_get(call);
    } else if (!vx_call_refuse_browser(call)) {
        handle_post(call);
    }
    return true;
}
