/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a fake backend: one network, "acme/web" in "z1", and a burst. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"
#include "tests/lib/fake_backend.h"

struct vx_api_counters_waiter {
    struct fake *fake;
    void (*woken)(void *aux, bool complete);
    void *aux;
    struct event *timer;
};

static bool
fake_locality(void *fake, const struct vx_api_locality_query *query,
              struct vx_error *err)
{
    (void) fake;
    if (query->tenant && strcmp(query->tenant, "acme")) {
        return vx_fail(err, VX_NOT_FOUND, "tenant", "no tenant \"%s\"",
                       query->tenant);
    }
    for (int i = 0; i < (query->zone ? 1 : 2); i++) {
        query->each(query->aux, &(struct vx_api_traffic) {
            .tenant = "acme", .network = query->network ? query->network
                                                         : "web",
            .zone = i ? "z2" : "z1",
            .traffic = { .bytes = { 70, 20, 10 }, .bps = { 7, 2, 1 } } });
    }
    return true;
}

static void
fake_bursts(void *fake,
            void (*each)(void *aux, const struct vx_api_burst *burst),
            void *aux)
{
    struct vx_api_burst burst = {
        .id = 2, .active = true, .host = "h1", .zone = "z1", .kind = "port",
        .object = "acme/web/vm1", .tenant = "acme", .network = "web",
        .budget = "out_kbps", .rate = 1000, .unit = "kbit/s", .dropped = 5,
        .packets = 100, .bytes = 1000, .since_ms = 1000, .last_ms = 2000,
    };

    (void) fake;
    each(aux, &burst);
    burst.id = 1;
    burst.active = false;
    burst.object = burst.tenant = burst.network = "";
    burst.rate = 0;
    each(aux, &burst);
}

static struct vx_policy_count
fake_policy(void *fake, uint64_t policy)
{
    (void) fake;
    (void) policy;
    return (struct vx_policy_count) { .packets = 3, .bytes = 300 };
}

static void
waiter_free(struct vx_api_counters_waiter *waiter)
{
    event_free(waiter->timer);
    free(waiter);
}

static void
on_timer(evutil_socket_t fd, short what, void *waiter_)
{
    struct vx_api_counters_waiter waiter =
        *(struct vx_api_counters_waiter *) waiter_;

    (void) fd;
    (void) what;
    waiter_free(waiter_);
    waiter.woken(waiter.aux, waiter.fake->counted == 1);
}

/* counted: 0 = nothing to wait for, 1 = soon, 2 = not in time, 3 = never. */
static struct vx_api_counters_waiter *
fake_refresh(void *fake_, void (*woken)(void *aux, bool complete), void *aux)
{
    struct fake *fake = fake_;
    struct vx_api_counters_waiter *waiter;

    if (!fake->counted) {
        return NULL;
    }
    waiter = vx_xcalloc(1, sizeof *waiter);
    waiter->fake = fake;
    waiter->woken = woken;
    waiter->aux = aux;
    waiter->timer = evtimer_new(fake->base, on_timer, waiter);
    if (fake->counted < 3) {
        event_active(waiter->timer, EV_TIMEOUT, 0);
    }
    return waiter;
}

static void
fake_cancel(void *fake_, struct vx_api_counters_waiter *waiter)
{
    struct fake *fake = fake_;

    fake->n_cancelled++;
    waiter_free(waiter);
}

void
fake_counters(struct fake *fake)
{
    fake->counters = (struct vx_api_counters) {
        .ctx = fake, .locality = fake_locality, .bursts = fake_bursts,
        .policy = fake_policy, .refresh = fake_refresh,
        .cancel = fake_cancel,
    };
    fake->backend.counters = &fake->counters;
}
