/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of audits (api/audits.h): the book, and an audit now. */
#include "daemon/audit_priv.h"

#include <event2/event.h>
#include <stdlib.h>

#include "core/diff.h"
#include "core/pipeline.h"
#include "lib/xalloc.h"

static const struct vx_obj *
find_host(const struct vx_audits *audits, const char *name,
          struct vx_error *err)
{
    const struct vx_key key = { .name = name };

    return vx_model_find(audits->env.model, VX_HOST, &key, err);
}

/* --- The book. */

const char *
vx_finding_state(const struct vx_finding *f)
{
    return !f->over_ms ? "open" : f->repaired ? "repaired" : "gone";
}

static void
tell_finding(const struct vx_api_audit_query *query, const char *host,
             const char *gateway, const struct vx_finding *f)
{
    query->each(query->aux, &(struct vx_api_finding) {
        .id = f->id, .host = host, .gateway = gateway,
        .bridge = f->f.part == VX_PART_TENANT ? VX_BRIDGE_TENANT
                  : f->f.part == VX_PART_FABRIC ? VX_BRIDGE_FABRIC : "",
        .kind = vx_finding_kind_name(f->f.kind),
        .what = vx_finding_what_name(f->f.what),
        .state = vx_finding_state(f),
        .object = f->f.object, .row = f->f.row, .found = f->f.found,
        .since_ms = f->since_ms, .seen_ms = f->seen_ms,
        .over_ms = f->over_ms, .n_times = f->n_times,
    });
}

static bool
is_asked(uint64_t last_first, const struct vx_finding *f,
         enum vx_api_audit_which which)
{
    return which == VX_AUDIT_ALL
           || (which == VX_AUDIT_OPEN && !f->over_ms)
           || (which == VX_AUDIT_LAST && f->audit >= last_first);
}

static void
tell_host(const struct vx_api_audit_query *query, const struct subject *s,
          const char *host)
{
    size_t n_open = vx_findings_n_open(&s->book);

    query->each_host(query->aux, &(struct vx_api_audit_host) {
        .host = host, .result = s->result,
        .state = s->running ? "running" : s->demanded ? "waiting" : "idle",
        .audited_ms = s->audited_ms, .took_ms = s->took_ms,
        .n_rows = s->last_n_rows, .n_found = s->last_n_found,
        .n_repaired = s->last_n_repaired, .n_open = n_open,
        .n_left_out = n_open - s->book.n_open,
    });
}

static void
tell_book(const struct vx_api_audit_query *query,
          const struct vx_findings *book, uint64_t last_first,
          const char *names[2])
{
    const struct vx_finding *f;

    for (f = vx_findings_after(book, 0); f;
         f = vx_findings_after(book, f->id)) {
        if (is_asked(last_first, f, query->which)) {
            tell_finding(query, names[0], names[1], f);
        }
    }
}

static void
tell(struct vx_audits *audits, const struct vx_api_audit_query *query,
     const struct vx_obj *host, bool findings)
{
    struct subject *s = vx_subject_get(audits, host->oid);
    const char *names[2] = { host->name, "" };

    if (findings) {
        tell_book(query, &s->book, s->last_first_audit, names);
    } else {
        tell_host(query, s, host->name);
    }
}

static void
tell_gateway(struct vx_audits *audits,
             const struct vx_api_audit_query *query,
             const struct vx_obj *gateway, bool findings)
{
    const struct vx_obj *host = vx_model_by_oid(
        audits->env.model, ((const struct vx_gateway *) gateway)->host);
    const char *names[2] = { host ? host->name : "", gateway->name };
    const struct vx_findings *book;
    uint64_t first;

    if (findings) {
        book = vx_gw_subject_book(audits, gateway->oid, &first);
        tell_book(query, book, first, names);
    } else {
        vx_gw_subject_tell(audits, gateway, query);
    }
}

/* Whom a query or a demand is about: all hosts and gateways, a host with the
 * gateways on it, or one gateway. */
struct whom {
    const struct vx_obj *host, *gateway;
};

static bool
find_whom(const struct vx_audits *audits, const char *host,
          const char *gateway, struct whom *ret_whom, struct vx_error *err)
{
    const struct vx_key key = { .name = gateway };
    struct whom whom = { NULL, NULL };

    if (host && !(whom.host = find_host(audits, host, err))) {
        return false;
    }
    if (gateway && !(whom.gateway = vx_model_find(audits->env.model,
                                                  VX_GATEWAY, &key, err))) {
        return false;
    }
    *ret_whom = whom;
    return true;
}

static bool
is_host_meant(const struct whom *whom, const struct vx_obj *host)
{
    return !vx_obj_is_external(host) && !whom->gateway
           && (!whom->host || whom->host == host);
}

static bool
is_gateway_meant(const struct whom *whom, const struct vx_obj *gateway)
{
    return whom->gateway
           ? whom->gateway == gateway
           : !whom->host || ((const struct vx_gateway *) gateway)->host
                            == whom->host->oid;
}

static bool
api_query(void *audits_, const struct vx_api_audit_query *query,
          struct vx_error *err)
{
    struct vx_audits *audits = audits_;
    const struct vx_obj *obj;
    struct vx_iter iter;
    struct whom whom;

    if (!find_whom(audits, query->host, query->gateway, &whom, err)) {
        return false;
    }
    for (int findings = 0; findings < 2; findings++) {
        vx_iter_init(&iter, audits->env.model, VX_HOST, NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            if (is_host_meant(&whom, obj)) {
                tell(audits, query, obj, findings);
            }
        }
        vx_iter_init(&iter, audits->env.model, VX_GATEWAY, NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            if (is_gateway_meant(&whom, obj)) {
                tell_gateway(audits, query, obj, findings);
            }
        }
    }
    return true;
}

/* --- An audit now. */

static void
waiter_free(struct vx_api_audit_waiter *waiter)
{
    *(waiter->prev ? &waiter->prev->next : &waiter->owner->waiters)
        = waiter->next;
    if (waiter->next) {
        waiter->next->prev = waiter->prev;
    }
    event_free(waiter->timer);
    free(waiter);
}

/* Nobody waits for it any more. */
static void
leave(struct want *w)
{
    *(w->before ? &w->before->after : &w->waiter->wants) = w->after;
    if (w->after) {
        w->after->before = w->before;
    }
    w->waiter = NULL;
}

static void
api_cancel(void *audits, struct vx_api_audit_waiter *waiter)
{
    (void) audits;
    while (waiter->wants) {
        leave(waiter->wants);
    }
    waiter_free(waiter);
}

static void
wake(struct vx_api_audit_waiter *waiter, bool complete)
{
    void (*woken)(void *aux, bool complete) = waiter->woken;
    void *aux = waiter->aux;

    api_cancel(waiter->owner, waiter);
    woken(aux, complete);
}

/* The time is over; or, at once, all is done. */
static void
on_timer(evutil_socket_t fd, short what, void *waiter_)
{
    struct vx_api_audit_waiter *waiter = waiter_;

    (void) fd;
    (void) what;
    wake(waiter, !waiter->wants);
}

void
vx_wants_done(struct want *wants)
{
    while (wants) {
        struct want *next = wants->next;
        struct vx_api_audit_waiter *waiter = wants->waiter;

        if (waiter) {
            leave(wants);
            if (!waiter->wants) {
                event_active(waiter->timer, EV_TIMEOUT, 0);
            }
        }
        free(wants);
        wants = next;
    }
}

void
vx_audits_cancel_all(struct vx_audits *audits)
{
    while (audits->waiters) {
        api_cancel(audits, audits->waiters);
    }
}

struct want *
vx_want_new(struct vx_api_audit_waiter *waiter)
{
    struct want *w = vx_xcalloc(1, sizeof *w);

    w->waiter = waiter;
    w->after = waiter->wants;
    if (w->after) {
        w->after->before = w;
    }
    waiter->wants = w;
    return w;
}

static void
want(struct vx_audits *audits, const struct vx_obj *host, bool repair,
     struct vx_api_audit_waiter *waiter)
{
    struct subject *s = vx_subject_get(audits, host->oid);
    struct want *w = vx_want_new(waiter);

    w->next = s->wants;
    s->wants = w;
    s->demanded = true;
    s->repair_demanded |= repair;
}

static void
want_all(struct vx_audits *audits, const struct whom *whom, bool repair,
         struct vx_api_audit_waiter *waiter)
{
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, audits->env.model, VX_HOST, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (is_host_meant(whom, obj)) {
            want(audits, obj, repair, waiter);
        }
    }
    vx_iter_init(&iter, audits->env.model, VX_GATEWAY, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (is_gateway_meant(whom, obj)) {
            vx_gw_subject_demand(audits, obj, repair, waiter);
        }
    }
}

static struct vx_api_audit_waiter *
api_demand(void *audits_, const struct vx_api_audit_demand *demand,
           struct vx_error *err)
{
    struct vx_audits *audits = audits_;
    const struct timeval tv = { demand->timeout_ms / 1000,
                                demand->timeout_ms % 1000 * 1000 };
    struct vx_api_audit_waiter *waiter;
    struct whom whom;

    if (!find_whom(audits, demand->host, demand->gateway, &whom, err)) {
        return NULL;
    }
    waiter = vx_xcalloc(1, sizeof *waiter);
    waiter->owner = audits;
    waiter->woken = demand->woken;
    waiter->aux = demand->aux;
    waiter->next = audits->waiters;
    if (waiter->next) {
        waiter->next->prev = waiter;
    }
    audits->waiters = waiter;
    waiter->timer = evtimer_new(audits->env.base, on_timer, waiter);
    evtimer_add(waiter->timer, &tv);
    want_all(audits, &whom, demand->repair, waiter);
    if (!waiter->wants) {
        event_active(waiter->timer, EV_TIMEOUT, 0);
    }
    event_active(audits->tick, EV_TIMEOUT, 0);
    return waiter;
}

void
vx_audits_api_init(struct vx_audits *audits)
{
    audits->api = (struct vx_api_audits) {
        .ctx = audits, .query = api_query, .demand = api_demand,
        .cancel = api_cancel,
    };
}

const struct vx_api_audits *
vx_audits_api(struct vx_audits *audits)
{
    return &audits->api;
}
