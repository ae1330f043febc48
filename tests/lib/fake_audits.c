/* SPDX-License-Identifier: Apache-2.0 */
/* Audits of a fake backend: one host, "h1", with one difference, and a
 * gateway "g1" on it that does not answer. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"
#include "tests/lib/fake_backend.h"

struct vx_api_audit_waiter {
    struct fake *fake;
    struct vx_api_audit_demand demand;
    struct event *timer;
};

static bool
is_known(const char *host, struct vx_error *err)
{
    return !host || !strcmp(host, "h1")
           || vx_fail(err, VX_NOT_FOUND, "name", "no host \"%s\"", host);
}

static bool
fake_query(void *fake_, const struct vx_api_audit_query *query,
           struct vx_error *err)
{
    const struct fake *fake = fake_;
    bool over = fake->n_repairs > 0;

    if (!is_known(query->host, err)) {
        return false;
    }
    if (query->gateway && strcmp(query->gateway, "g1")) {
        return vx_fail(err, VX_NOT_FOUND, "name", "no gateway \"%s\"",
                       query->gateway);
    }
    query->each_gateway(query->aux, &(struct vx_api_audit_gateway) {
        .gateway = "g1", .host = "h1",
        .sum = { .state = "idle", .result = "not answered within 10 s",
                 .audited_ms = 2000, .n_rows = 4 },
        .parts = (const struct vx_api_audit_part[]) {
            { "zebra", "ok", 4, 0, 0, NULL, 0 } },
        .n_parts = 1 });
    if (query->gateway) {
        return true;
    }
    query->each_host(query->aux, &(struct vx_api_audit_host) {
        .host = "h1", .state = "idle", .result = "ok", .audited_ms = 1000,
        .took_ms = 5, .n_rows = 9, .n_found = 1, .n_repaired = over,
        .n_open = !over });
    if (query->which != VX_AUDIT_OPEN || !over) {
        query->each(query->aux, &(struct vx_api_finding) {
            .id = 3, .host = "h1", .gateway = "", .bridge = "br-fabric",
            .kind = "flow",
            .what = "missing", .state = over ? "repaired" : "open",
            .object = "port a/b/c", .row = "\"row\"", .found = "",
            .since_ms = 1000, .seen_ms = 1000, .over_ms = over ? 2000 : 0,
            .n_times = 1 });
    }
    return true;
}

static void
waiter_free(struct vx_api_audit_waiter *waiter)
{
    event_free(waiter->timer);
    free(waiter);
}

static void
on_timer(evutil_socket_t fd, short what, void *waiter_)
{
    struct vx_api_audit_waiter *waiter = waiter_;
    const struct vx_api_audit_demand demand = waiter->demand;

    (void) fd;
    (void) what;
    waiter->fake->n_repairs += demand.repair;
    waiter_free(waiter);
    demand.woken(demand.aux, demand.timeout_ms > 1);
}

static struct vx_api_audit_waiter *
fake_demand(void *fake, const struct vx_api_audit_demand *demand,
            struct vx_error *err)
{
    struct vx_api_audit_waiter *waiter;

    if (!is_known(demand->host, err)) {
        return NULL;
    }
    waiter = vx_xcalloc(1, sizeof *waiter);
    waiter->fake = fake;
    waiter->demand = *demand;
    waiter->demand.host = NULL;
    waiter->timer = evtimer_new(waiter->fake->base, on_timer, waiter);
    event_active(waiter->timer, EV_TIMEOUT, 0);
    return waiter;
}

static void
fake_cancel(void *fake_, struct vx_api_audit_waiter *waiter)
{
    struct fake *fake = fake_;

    fake->n_cancelled++;
    waiter_free(waiter);
}

void
fake_audits(struct fake *fake)
{
    fake->audits = (struct vx_api_audits) {
        .ctx = fake, .query = fake_query, .demand = fake_demand,
        .cancel = fake_cancel,
    };
    fake->backend.audits = &fake->audits;
}
