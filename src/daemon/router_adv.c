/* SPDX-License-Identifier: Apache-2.0 */
/* Router advertisements; see router_adv.h.
 *
 * Networks stand in a tree by the time of their next round; a round walks the
 * network's ports, a slice per wake-up, so that a big network neither blocks
 * the loop nor floods a host.  Nothing is kept per port but those that wait
 * for their first one. */
#include "daemon/router_adv.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "core/ra.h"
#include "daemon/punts.h"
#include "lib/dueq.h"
#include "lib/xalloc.h"

enum {
    PUMP_MS = 10,
    PER_PUMP = VX_RADV_RATE * PUMP_MS / 1000,
    STEPS_PER_PUMP = 400,       /* ports looked at */
    MAX_GONE = VX_RA_MAX_PREFIXES,
};

struct net {
    struct vx_tree_node by_oid;
    struct vx_due due;
    uint64_t oid;
    uint64_t cursor;            /* last port of this round */
    struct vx_prefix gone[MAX_GONE];    /* said once */
    size_t n_gone;
};

/* A port that waits. */
struct guest {
    struct vx_tree_node by_oid;
    uint64_t oid;
};

struct vx_radv {
    struct vx_radv_env env;
    struct vx_tree nets, guests;
    struct vx_dueq due;
    struct event *timer;
    uint64_t n_sent;
};

static int
compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int
cmp_net(const void *key, const struct vx_tree_node *node)
{
    return compare(*(const uint64_t *) key,
                   VX_CONTAINER(node, struct net, by_oid)->oid);
}

static int
cmp_guest(const void *key, const struct vx_tree_node *node)
{
    return compare(*(const uint64_t *) key,
                   VX_CONTAINER(node, struct guest, by_oid)->oid);
}

static void pump(evutil_socket_t fd, short what, void *radv);

struct vx_radv *
vx_radv_new(const struct vx_radv_env *env)
{
    struct vx_radv *radv = vx_xcalloc(1, sizeof *radv);

    radv->env = *env;
    vx_tree_init(&radv->nets, cmp_net);
    vx_dueq_init(&radv->due);
    vx_tree_init(&radv->guests, cmp_guest);
    radv->timer = evtimer_new(env->base, pump, radv);
    return radv;
}

/* --- Networks. */

static struct net *
find_net(const struct vx_radv *radv, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&radv->nets, &oid);

    return node ? VX_CONTAINER(node, struct net, by_oid) : NULL;
}

static void
arm(struct vx_radv *radv)
{
    int64_t due_ms = vx_dueq_ms(&radv->due), ms = INT64_MAX;

    if (due_ms) {
        ms = due_ms - radv->env.mono_ms();
    }
    if (radv->guests.count || ms < PUMP_MS) {
        ms = PUMP_MS;
    }
    if (ms < INT64_MAX) {
        struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

        evtimer_add(radv->timer, &tv);
    }
}

/* Not before the timer is armed again. */
static void
set_due(struct vx_radv *radv, struct net *net, int64_t in_ms)
{
    net->cursor = 0;
    vx_dueq_set(&radv->due, &net->due, radv->env.mono_ms() + in_ms);
}

static struct net *
get_net(struct vx_radv *radv, uint64_t oid)
{
    struct net *net = find_net(radv, oid);

    if (!net) {
        net = vx_xcalloc(1, sizeof *net);
        net->oid = net->due.id = oid;
        vx_tree_insert(&radv->nets, &oid, &net->by_oid);
    }
    return net;
}

static void
drop_net(struct vx_radv *radv, struct net *net)
{
    vx_dueq_clear(&radv->due, &net->due);
    vx_tree_remove(&radv->nets, &net->by_oid);
    free(net);
}

/* Somewhere in the hour, the same every hour. */
static int64_t
spread_ms(uint64_t oid)
{
    return (int64_t) (oid * UINT64_C(0x9e3779b97f4a7c15) >> 32)
           % (VX_RADV_REFRESH_S * INT64_C(1000));
}

/* --- What is said. */

struct prefixes {
    struct vx_ra_prefix p[VX_NETWORK_MAX_SUBNETS + MAX_GONE];
    size_t n, n_routed;
};

static const struct vx_network *
read_network(const struct vx_radv *radv, uint64_t oid,
             struct prefixes *ret_prefixes)
{
    const struct vx_model *model = radv->env.model;
    const struct vx_obj *network = vx_model_by_oid(model, oid), *obj;
    struct vx_key scope;
    struct vx_iter iter;

    ret_prefixes->n = ret_prefixes->n_routed = 0;
    if (!network || network->kind != VX_NETWORK) {
        return NULL;
    }
    scope = vx_model_key(model, network);
    scope.network = scope.name;
    scope.name = NULL;
    vx_iter_init(&iter, model, VX_SUBNET, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_subnet *subnet = (const void *) obj;

        if (subnet->route && subnet->prefix.ip.family == 6
            && ret_prefixes->n < VX_NETWORK_MAX_SUBNETS) {
            ret_prefixes->p[ret_prefixes->n++].prefix = subnet->prefix;
        }
    }
    ret_prefixes->n_routed = ret_prefixes->n;
    for (size_t i = 0; i < ret_prefixes->n; i++) {
        ret_prefixes->p[i].gone = false;
    }
    return (const void *) network;
}

static void
add_gone(const struct net *net, struct prefixes *prefixes)
{
    for (size_t i = 0; i < net->n_gone; i++) {
        prefixes->p[prefixes->n++] =
            (struct vx_ra_prefix) { net->gone[i], true };
    }
}

/* In as many frames as it takes. */
static void
say(struct vx_radv *radv, const struct vx_punt_tap *tap, struct vx_ra *ra,
    const struct prefixes *prefixes)
{
    uint8_t frame[VX_RA_MAX];
    size_t first = 0;

    ra->router = (struct vx_mac) VX_GATEWAY_MAC;
    ra->lifetime_s = prefixes->n_routed ? VX_RA_LIFETIME_S : 0;
    do {
        size_t left = prefixes->n - first;

        ra->prefixes = prefixes->p + first;
        ra->n_prefixes = left > VX_RA_MAX_PREFIXES ? VX_RA_MAX_PREFIXES
                                                   : left;
        first += ra->n_prefixes;
        radv->n_sent++;
        radv->env.send(radv->env.ctx, tap, frame, vx_ra_build(ra, frame));
    } while (first < prefixes->n);
}

/* False: it has no tap that can be reached, and will be active later. */
static bool
say_to_port(struct vx_radv *radv, uint64_t port, uint16_t mtu,
            const struct prefixes *prefixes)
{
    struct vx_ra ra = { .mtu = mtu };
    struct vx_punt_tap tap = { .port = port };
    struct vx_place place;

    if (!vx_fabric_place(radv->env.fabric, port, &place) || !place.ofport
        || !radv->env.may_send(radv->env.ctx, place.host)) {
        return false;
    }
    tap.host = place.host;
    tap.ofport = place.ofport;
    vx_ra_to_all(&ra);
    say(radv, &tap, &ra, prefixes);
    return true;
}

void
vx_radv_solicited(struct vx_radv *radv, const struct vx_punt_tap *tap,
                  const struct vx_punted *punted)
{
    const struct vx_obj *port = vx_model_by_oid(radv->env.model, tap->port);
    const struct vx_network *network;
    struct prefixes prefixes;
    struct vx_ra ra = { .mtu = 0 };

    network = port ? read_network(radv, port->parent, &prefixes) : NULL;
    if (network && prefixes.n_routed && vx_ra_asked(punted, &ra)) {
        ra.mtu = network->mtu;
        say(radv, tap, &ra, &prefixes);
    }
}

/* --- When. */

/* Returns how many were sent; *steps counts down. */
static size_t
walk(struct vx_radv *radv, struct net *net, size_t max, size_t *steps)
{
    struct prefixes prefixes;
    const struct vx_network *network = read_network(radv, net->oid,
                                                    &prefixes);
    size_t n = 0;

    if (!network) {
        drop_net(radv, net);
        return 0;
    }
    add_gone(net, &prefixes);
    while (n < max && *steps) {
        net->cursor = vx_fabric_next_port(radv->env.fabric, net->oid,
                                          net->cursor);
        if (!net->cursor) {
            break;
        }
        --*steps;
        n += say_to_port(radv, net->cursor, network->mtu, &prefixes);
    }
    if (n < max && *steps) {            /* that was all */
        net->n_gone = 0;
        if (prefixes.n_routed) {
            set_due(radv, net, VX_RADV_REFRESH_S * INT64_C(1000));
        } else {
            drop_net(radv, net);
        }
    }
    return n;
}

static size_t
greet(struct vx_radv *radv)
{
    struct vx_tree_node *node = vx_tree_first(&radv->guests);
    struct guest *guest = VX_CONTAINER(node, struct guest, by_oid);
    const struct vx_obj *port = vx_model_by_oid(radv->env.model, guest->oid);
    const struct vx_network *network;
    struct prefixes prefixes;
    size_t n = 0;

    network = port && find_net(radv, port->parent)
              ? read_network(radv, port->parent, &prefixes) : NULL;
    if (network && prefixes.n_routed) {
        n = say_to_port(radv, guest->oid, network->mtu, &prefixes);
    }
    vx_tree_remove(&radv->guests, node);
    free(guest);
    return n;
}

static void
pump(evutil_socket_t fd, short what, void *radv_)
{
    struct vx_radv *radv = radv_;
    int64_t now_ms = radv->env.mono_ms();
    size_t n = 0, steps = STEPS_PER_PUMP;
    struct vx_due *due;

    (void) fd;
    (void) what;
    for (; n < PER_PUMP && steps && radv->guests.count; steps--) {
        n += greet(radv);
    }
    while (n < PER_PUMP && steps
           && (due = vx_dueq_next(&radv->due, now_ms))) {
        steps--;
        n += walk(radv, VX_CONTAINER(due, struct net, due), PER_PUMP - n,
                  &steps);
    }
    arm(radv);
}

/* --- What is told to it. */

static bool
is_routed6(const struct vx_obj *obj)
{
    const struct vx_subnet *subnet = (const void *) obj;

    return obj && subnet->route && subnet->prefix.ip.family == 6;
}

void
vx_radv_start(struct vx_radv *radv)
{
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, radv->env.model, VX_SUBNET, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (is_routed6(obj) && !find_net(radv, obj->parent)) {
            set_due(radv, get_net(radv, obj->parent),
                    spread_ms(obj->parent));
        }
    }
    arm(radv);
}

static void
note_gone(struct net *net, const struct vx_prefix *prefix)
{
    if (net->n_gone < MAX_GONE) {
        net->gone[net->n_gone++] = *prefix;
    }
}

static void
forget_gone(struct net *net, const struct vx_prefix *prefix)
{
    for (size_t i = 0; i < net->n_gone; i++) {
        if (!vx_prefix_compare(&net->gone[i], prefix)) {
            net->gone[i--] = net->gone[--net->n_gone];
        }
    }
}

static void
subnet_changed(struct vx_radv *radv, const struct vx_obj *old,
               const struct vx_obj *new)
{
    const struct vx_subnet *was = (const void *) old;
    const struct vx_subnet *is = (const void *) new;
    struct net *net;

    if (!is_routed6(old) && !is_routed6(new)) {
        return;
    }
    net = get_net(radv, (new ? new : old)->parent);
    if (is) {
        forget_gone(net, &is->prefix);
    } else {
        note_gone(net, &was->prefix);
    }
    if (is_routed6(old) != is_routed6(new)) {
        set_due(radv, net, PUMP_MS);
        arm(radv);
    }
}

void
vx_radv_change(struct vx_radv *radv, const struct vx_obj *old,
               const struct vx_obj *new)
{
    const struct vx_obj *obj = new ? new : old;
    struct net *net;

    if (obj->kind == VX_SUBNET) {
        subnet_changed(radv, old, new);
    } else if (obj->kind == VX_NETWORK && (net = find_net(radv, obj->oid))) {
        if (!new) {
            drop_net(radv, net);
        } else if (old && ((const struct vx_network *) (const void *)
                           old)->mtu
                          != ((const struct vx_network *) (const void *)
                              new)->mtu) {
            set_due(radv, net, PUMP_MS);
            arm(radv);
        }
    }
}

void
vx_radv_plugged(struct vx_radv *radv, uint64_t port)
{
    const struct vx_obj *obj = vx_model_by_oid(radv->env.model, port);
    struct guest *guest;

    if (!obj || !find_net(radv, obj->parent)
        || vx_tree_find(&radv->guests, &port)) {
        return;
    }
    guest = vx_xcalloc(1, sizeof *guest);
    guest->oid = port;
    vx_tree_insert(&radv->guests, &port, &guest->by_oid);
    if (radv->guests.count == 1) {
        arm(radv);
    }
}

uint64_t
vx_radv_n_sent(const struct vx_radv *radv)
{
    return radv->n_sent;
}

void
vx_radv_free(struct vx_radv *radv)
{
    if (!radv) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &radv->nets) {
        drop_net(radv, VX_CONTAINER(node, struct net, by_oid));
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &radv->guests) {
        vx_tree_remove(&radv->guests, node);
        free(VX_CONTAINER(node, struct guest, by_oid));
    }
    event_free(radv->timer);
    free(radv);
}
