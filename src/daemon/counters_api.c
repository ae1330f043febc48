/* SPDX-License-Identifier: Apache-2.0 */
/* Who wants to know what was counted; see counters.h. */
#include "daemon/counters_priv.h"

#include <event2/event.h>
#include <stdlib.h>

#include "lib/xalloc.h"

enum {
    FRESH_MS = 1000,            /* a sample is not older than that */
    WAIT_MS = 5000,
};

static struct counted *
counted_of(struct vx_tree_node *node)
{
    return VX_CONTAINER(node, struct counted, by_oid);
}

/* --- Traffic. */

struct listing {
    const struct vx_counters *counters;
    const struct vx_api_locality_query *query;
    uint64_t tenant, network, zone;     /* oids, 0 = all */
};

static bool
find(const struct listing *l, enum vx_kind kind, const struct vx_key *key,
     uint64_t *ret_oid, struct vx_error *err)
{
    const struct vx_obj *obj = vx_model_find(l->counters->env.model, kind,
                                             key, err);

    if (obj) {
        *ret_oid = obj->oid;
    }
    return obj != NULL;
}

static bool
find_all(struct listing *l, struct vx_error *err)
{
    const struct vx_api_locality_query *q = l->query;

    if (q->network && !q->tenant) {
        return vx_fail(err, VX_INVALID, "network", "network=\"%.64s\": "
                       "tenant= is needed, too, since names of networks are "
                       "a tenant's own", q->network);
    }
    return (!q->tenant || find(l, VX_TENANT, &(struct vx_key) {
                .name = q->tenant }, &l->tenant, err))
           && (!q->network || find(l, VX_NETWORK, &(struct vx_key) {
                .tenant = q->tenant, .name = q->network }, &l->network, err))
           && (!q->zone || find(l, VX_ZONE, &(struct vx_key) {
                .name = q->zone }, &l->zone, err));
}

static void
list_one(void *listing, uint64_t network, uint64_t zone,
         const struct vx_traffic *traffic)
{
    const struct listing *l = listing;
    const struct vx_model *model = l->counters->env.model;
    const struct vx_obj *n = vx_model_by_oid(model, network);
    const struct vx_obj *z = vx_model_by_oid(model, zone);
    const struct vx_obj *t = n ? vx_model_by_oid(model, n->parent) : NULL;

    if (!t || !z || (l->tenant && l->tenant != t->oid)
        || (l->network && l->network != network)
        || (l->zone && l->zone != zone)) {
        return;
    }
    l->query->each(l->query->aux, &(struct vx_api_traffic) {
        .tenant = t->name, .network = n->name, .zone = z->name,
        .traffic = *traffic });
}

static bool
api_locality(void *counters_, const struct vx_api_locality_query *query,
             struct vx_error *err)
{
    const struct vx_counters *counters = counters_;
    struct listing l = { .counters = counters, .query = query };

    if (!find_all(&l, err)) {
        return false;
    }
    vx_locality_each(counters->locality, VX_SUM_NETWORK, list_one, &l);
    return true;
}

/* --- Bursts, policies. */

struct burst_listing {
    const struct vx_counters *counters;
    void (*each)(void *aux, const struct vx_api_burst *burst);
    void *aux;
};

static void
list_burst(void *listing, const struct vx_burst *burst)
{
    const struct burst_listing *l = listing;
    struct vx_burst_room room;
    struct vx_api_burst b;

    vx_counters_name(l->counters, burst, &room, &b);
    l->each(l->aux, &b);
}

static void
api_bursts(void *counters_,
           void (*each)(void *aux, const struct vx_api_burst *burst),
           void *aux)
{
    const struct vx_counters *counters = counters_;
    struct burst_listing l = { counters, each, aux };

    vx_bursts_each(counters->bursts, list_burst, &l);
}

static struct vx_policy_count
api_policy(void *counters_, uint64_t policy)
{
    const struct vx_counters *counters = counters_;

    return vx_locality_of_policy(counters->locality, policy);
}

/* --- Fresh. */

static void
waiter_free(struct vx_api_counters_waiter *w)
{
    *(w->prev ? &w->prev->next : &w->owner->waiters) = w->next;
    if (w->next) {
        w->next->prev = w->prev;
    }
    event_free(w->timer);
    free(w);
}

/* Hosts that are there and not counted since; they are urgent then. */
static size_t
n_missing(const struct vx_api_counters_waiter *w)
{
    size_t n = 0;

    VX_TREE_FOR_EACH(node, &w->owner->hosts) {
        struct counted *c = counted_of(node);

        if (c->ended_ms < w->need_ms && vx_counted_is_there(c)) {
            c->urgent = true;
            n++;
        }
    }
    return n;
}

/* Only now: a turn may end in the middle of anything. */
static void
on_timer(evutil_socket_t fd, short what, void *waiter)
{
    struct vx_api_counters_waiter *w = waiter;
    void (*woken)(void *aux, bool complete) = w->woken;
    bool complete = w->woken_soon;
    void *aux = w->aux;

    (void) fd;
    (void) what;
    waiter_free(w);
    woken(aux, complete);
}

void
vx_counters_look(struct vx_counters *counters)
{
    static const struct timeval now = { 0, 0 };

    for (struct vx_api_counters_waiter *w = counters->waiters; w;
         w = w->next) {
        if (!w->woken_soon && !n_missing(w)) {
            w->woken_soon = true;
            evtimer_add(w->timer, &now);
        }
    }
}

static struct vx_api_counters_waiter *
api_refresh(void *counters_, void (*woken)(void *aux, bool complete),
            void *aux)
{
    static const struct timeval tv = { WAIT_MS / 1000, 0 };
    struct vx_counters *counters = counters_;
    struct vx_api_counters_waiter *w = vx_xcalloc(1, sizeof *w);

    vx_counters_learn(counters);
    w->owner = counters;
    w->need_ms = counters->env.mono_ms() - FRESH_MS;
    w->woken = woken;
    w->aux = aux;
    w->timer = evtimer_new(counters->env.base, on_timer, w);
    w->next = counters->waiters;
    if (w->next) {
        w->next->prev = w;
    }
    counters->waiters = w;
    if (!n_missing(w)) {
        waiter_free(w);
        return NULL;
    }
    evtimer_add(w->timer, &tv);
    event_active(counters->tick, EV_TIMEOUT, 0);
    return w;
}

static void
api_cancel(void *counters, struct vx_api_counters_waiter *waiter)
{
    (void) counters;
    waiter_free(waiter);
}

void
vx_counters_cancel_all(struct vx_counters *counters)
{
    while (counters->waiters) {
        waiter_free(counters->waiters);
    }
}

void
vx_counters_api_init(struct vx_counters *counters)
{
    counters->api = (struct vx_api_counters) {
        .ctx = counters, .locality = api_locality, .bursts = api_bursts,
        .policy = api_policy, .refresh = api_refresh, .cancel = api_cancel,
    };
}

const struct vx_api_counters *
vx_counters_api(struct vx_counters *counters)
{
    return &counters->api;
}
