/* SPDX-License-Identifier: Apache-2.0 */
/* Asking next hops; see health.h.
 *
 * Next hops stand in a tree by the time they are to be looked at.  A look
 * sees whether there is an interface and asks, if it is time to; one that is
 * touched is looked at sooner, and asked no sooner for it. */
#include "daemon/health.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "core/health.h"
#include "daemon/punts.h"
#include "lib/dueq.h"
#include "lib/xalloc.h"

enum {
    PER_PUMP = 256,
    LOOK_ANYWAY_MS = 1000,
};

struct hop {
    struct vx_tree_node by_oid;
    struct vx_due due;          /* the next look */
    uint64_t oid;
    int64_t ask_ms;             /* the next question, not before */
    uint64_t pulse;             /* of its host, at the last one */
    struct vx_health health;
    struct vx_ip *ips;
    size_t n_ips;               /* 0: is to be forgotten */
};

struct vx_hops {
    struct vx_hops_env env;
    struct vx_tree hops;
    struct vx_dueq due;
    struct event *timer;
    int64_t armed_ms;           /* what the timer is set to, 0 = it is not */
    struct vx_hops_counters counters;
};

static int
cmp_hop(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct hop, by_oid)->oid;

    return a < b ? -1 : a > b;
}

static void pump(evutil_socket_t fd, short what, void *hops);

struct vx_hops *
vx_hops_new(const struct vx_hops_env *env)
{
    struct vx_hops *hops = vx_xcalloc(1, sizeof *hops);

    hops->env = *env;
    vx_tree_init(&hops->hops, cmp_hop);
    vx_dueq_init(&hops->due);
    hops->timer = evtimer_new(env->base, pump, hops);
    return hops;
}

/* --- When. */

static void
arm(struct vx_hops *hops)
{
    int64_t due_ms = vx_dueq_ms(&hops->due);

    if (due_ms && due_ms != hops->armed_ms) {
        int64_t ms = due_ms - hops->env.mono_ms();
        struct timeval tv;

        ms = ms < 1 ? 1 : ms;
        tv = (struct timeval) { ms / 1000, ms % 1000 * 1000 };
        hops->armed_ms = due_ms;
        evtimer_add(hops->timer, &tv);
    }
}

static struct hop *
find(const struct vx_hops *hops, uint64_t port)
{
    struct vx_tree_node *node = vx_tree_find(&hops->hops, &port);

    return node ? VX_CONTAINER(node, struct hop, by_oid) : NULL;
}

static void
look_soon(struct vx_hops *hops, struct hop *hop)
{
    vx_dueq_set(&hops->due, &hop->due, hops->env.mono_ms());
    arm(hops);
}

/* --- Who. */

static struct hop *
get(struct vx_hops *hops, uint64_t port)
{
    struct hop *hop = find(hops, port);
    int64_t now_ms = hops->env.mono_ms();

    if (!hop) {
        hop = vx_xcalloc(1, sizeof *hop);
        hop->oid = hop->due.id = port;
        hop->ask_ms = now_ms + (hops->env.interval_ms
                                ? (int64_t) (port % hops->env.interval_ms)
                                : 0);
        vx_tree_insert(&hops->hops, &port, &hop->by_oid);
    }
    return hop;
}

static void
drop(struct vx_hops *hops, struct hop *hop)
{
    hops->counters.n_dead -= hop->health.dead;
    vx_dueq_clear(&hops->due, &hop->due);
    vx_tree_remove(&hops->hops, &hop->by_oid);
    free(hop->ips);
    free(hop);
}

static size_t
index_of(const struct hop *hop, const struct vx_ip *ip)
{
    size_t i = 0;

    while (i < hop->n_ips && vx_ip_compare(&hop->ips[i], ip)) {
        i++;
    }
    return i;
}

void
vx_hops_used(struct vx_hops *hops, uint64_t port, const struct vx_ip *ip,
             bool used)
{
    struct hop *hop = used ? get(hops, port) : find(hops, port);
    size_t i = hop ? index_of(hop, ip) : 0;

    if (!hop || used == (i < hop->n_ips)) {
        return;
    }
    if (used) {
        hop->ips = vx_xrealloc(hop->ips,
                               (hop->n_ips + 1) * sizeof *hop->ips);
        hop->ips[hop->n_ips++] = *ip;
    } else {
        hop->ips[i] = hop->ips[--hop->n_ips];
    }
    look_soon(hops, hop);
}

void
vx_hops_touched(struct vx_hops *hops, uint64_t port)
{
    struct hop *hop = find(hops, port);

    if (hop) {
        look_soon(hops, hop);
    }
}

/* --- What becomes of it. */

static void
tell(struct vx_hops *hops, const struct hop *hop, enum vx_health_news news,
     const char *why)
{
    if (news == VX_HEALTH_DOWN) {
        hops->counters.n_dead++;
        hops->env.changed(hops->env.ctx, hop->oid, false, why);
    } else if (news == VX_HEALTH_UP) {
        hops->counters.n_dead--;
        hops->env.changed(hops->env.ctx, hop->oid, true, why);
    }
}

void
vx_hops_answered(struct vx_hops *hops, uint64_t port, const struct vx_ip *ip)
{
    struct hop *hop = find(hops, port);

    if (hop && (!ip || index_of(hop, ip) < hop->n_ips)) {
        hops->counters.n_answered += hop->health.asked;
        tell(hops, hop, vx_health_heard(&hop->health), "it answers again");
    }
}

/* --- Asking. */

/* False: it has no interface; a host that is ready has told all of its
 * own. */
static bool
find_tap(const struct vx_hops *hops, struct hop *hop,
         struct vx_punt_tap *ret_tap)
{
    struct vx_place place;

    if (!vx_fabric_place(hops->env.fabric, hop->oid, &place)) {
        return false;
    } else if (!place.ofport && !place.guest_ofport) {
        hop->health.seen |= place.host
                            && hops->env.may_send(hops->env.ctx, place.host);
        return false;
    }
    *ret_tap = (struct vx_punt_tap) {
        .port = hop->oid, .host = place.ofport ? place.host : place.guest,
        .ofport = place.ofport ? place.ofport : place.guest_ofport };
    return true;
}

static void
ask(struct vx_hops *hops, const struct hop *hop,
    const struct vx_punt_tap *tap)
{
    const struct vx_obj *obj = vx_model_by_oid(hops->env.model, hop->oid);
    const struct vx_port *port = (const void *) obj;
    const struct vx_obj *network;
    uint8_t frame[VX_HEALTH_FRAME_MAX];

    network = obj && obj->kind == VX_PORT
              ? vx_model_by_oid(hops->env.model, obj->parent) : NULL;
    for (size_t i = 0; network && i < hop->n_ips; i++) {
        const struct vx_subnet *subnet = vx_model_routed_subnet(
            hops->env.model, network->parent, &hop->ips[i]);

        if (subnet) {
            size_t size = vx_health_question(&port->mac, &hop->ips[i],
                                             &subnet->gateway, frame);

            hops->counters.n_asked++;
            hops->env.send(hops->env.ctx, tap, frame, size);
        }
    }
}

static void
ask_if_due(struct vx_hops *hops, struct hop *hop,
           const struct vx_punt_tap *tap, int64_t now_ms)
{
    unsigned interval_ms = hops->env.interval_ms;
    uint64_t pulse;

    if (!interval_ms || hop->ask_ms > now_ms) {
        return;
    } else if (!hops->env.may_send(hops->env.ctx, tap->host)) {
        vx_health_away(&hop->health);
        hop->ask_ms = now_ms + interval_ms;
        return;
    }
    pulse = hops->env.pulse(hops->env.ctx, tap->host);
    if (pulse == hop->pulse) {
        vx_health_away(&hop->health);
    }
    hop->pulse = pulse;
    tell(hops, hop, vx_health_ask(&hop->health), "it does not answer");
    ask(hops, hop, tap);
    hop->ask_ms = now_ms + vx_health_pause(&hop->health, interval_ms);
}

static void
look(struct vx_hops *hops, struct hop *hop, int64_t now_ms)
{
    struct vx_punt_tap tap;
    bool there;

    if (!hop->n_ips) {
        if (hop->health.dead) {
            hops->env.changed(hops->env.ctx, hop->oid, true, NULL);
        }
        drop(hops, hop);
        return;
    }
    there = find_tap(hops, hop, &tap);
    tell(hops, hop, vx_health_iface(&hop->health, there),
         "it has no interface");
    if (there && !hops->env.interval_ms && hop->health.dead) {
        hop->health.dead = false;
        tell(hops, hop, VX_HEALTH_UP, "its interface is there again");
    }
    if (there) {
        ask_if_due(hops, hop, &tap, now_ms);
    }
    vx_dueq_set(&hops->due, &hop->due, there && hops->env.interval_ms
                       ? hop->ask_ms : now_ms + LOOK_ANYWAY_MS);
}

static void
pump(evutil_socket_t fd, short what, void *hops_)
{
    struct vx_hops *hops = hops_;
    int64_t now_ms = hops->env.mono_ms();
    struct vx_due *due;

    (void) fd;
    (void) what;
    hops->armed_ms = 0;
    for (int i = 0; i < PER_PUMP && (due = vx_dueq_next(&hops->due, now_ms));
         i++) {
        look(hops, VX_CONTAINER(due, struct hop, due), now_ms);
    }
    arm(hops);
}

bool
vx_hops_is_alive(const struct vx_hops *hops, uint64_t port)
{
    const struct hop *hop = find(hops, port);

    return !hop || !hop->health.dead;
}

void
vx_hops_get_counters(const struct vx_hops *hops,
                     struct vx_hops_counters *ret_counters)
{
    *ret_counters = hops->counters;
    ret_counters->n_hops = hops->hops.count;
}

void
vx_hops_free(struct vx_hops *hops)
{
    if (!hops) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &hops->hops) {
        drop(hops, VX_CONTAINER(node, struct hop, by_oid));
    }
    event_free(hops->timer);
    free(hops);
}
