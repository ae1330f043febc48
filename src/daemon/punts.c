/* SPDX-License-Identifier: Apache-2.0 */
/* Packet-ins and ICMP errors; see punts.h.
 *
 * A port has a bucket from its first packet until some seconds after its
 * last; whoever comes next takes the old ones away, so there are no more of
 * them than ports have sent lately. */
#include "daemon/punts.h"

#include <stdlib.h>
#include <string.h>

#include "core/health.h"
#include "core/icmp.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

enum {
    FORGET_MS = 10000,
    BURST_MILLI = VX_METER_PUNT_BURST * 1000,
};

struct bucket {
    struct vx_tree_node by_port;
    struct bucket *older, *newer;
    uint64_t port;
    int64_t milli, at_ms;       /* tokens, when that was so */
};

struct vx_punts {
    struct vx_punts_env env;
    struct vx_tree buckets;
    struct bucket *oldest, *newest;
    int64_t all_milli, all_ms;
    struct vx_punt_counters counters;
};

static const struct vx_mac gateway_mac = VX_GATEWAY_MAC;

static int
cmp_bucket(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct bucket, by_port)->port;

    return a < b ? -1 : a > b;
}

struct vx_punts *
vx_punts_new(const struct vx_punts_env *env)
{
    struct vx_punts *punts = vx_xcalloc(1, sizeof *punts);

    punts->env = *env;
    vx_tree_init(&punts->buckets, cmp_bucket);
    punts->all_milli = VX_PUNTS_ALL_PPS * INT64_C(1000);
    punts->all_ms = env->mono_ms();
    return punts;
}

/* --- Budgets. */

static void
unlink_bucket(struct vx_punts *punts, struct bucket *b)
{
    *(b->older ? &b->older->newer : &punts->oldest) = b->newer;
    *(b->newer ? &b->newer->older : &punts->newest) = b->older;
}

static void
make_newest(struct vx_punts *punts, struct bucket *b)
{
    b->older = punts->newest;
    b->newer = NULL;
    *(b->older ? &b->older->newer : &punts->oldest) = b;
    punts->newest = b;
}

static void
drop_bucket(struct vx_punts *punts, struct bucket *b)
{
    unlink_bucket(punts, b);
    vx_tree_remove(&punts->buckets, &b->by_port);
    free(b);
}

static void
forget_old(struct vx_punts *punts, int64_t now_ms)
{
    for (int i = 0; i < 2 && punts->oldest
                    && now_ms - punts->oldest->at_ms > FORGET_MS; i++) {
        drop_bucket(punts, punts->oldest);
    }
}

static struct bucket *
bucket_of(struct vx_punts *punts, uint64_t port, int64_t now_ms)
{
    struct vx_tree_node *node = vx_tree_find(&punts->buckets, &port);
    struct bucket *b;

    if (node) {
        b = VX_CONTAINER(node, struct bucket, by_port);
        unlink_bucket(punts, b);
    } else {
        b = vx_xcalloc(1, sizeof *b);
        b->port = port;
        b->milli = BURST_MILLI;
        b->at_ms = now_ms;
        vx_tree_insert(&punts->buckets, &port, &b->by_port);
    }
    make_newest(punts, b);
    return b;
}

static bool
take(int64_t *milli, int64_t *at_ms, int64_t now_ms, int64_t pps,
     int64_t max_milli)
{
    int64_t passed = now_ms - *at_ms;

    *at_ms = now_ms;
    *milli = passed > max_milli / pps ? max_milli : *milli + passed * pps;
    *milli = *milli > max_milli ? max_milli : *milli;
    if (*milli < 1000) {
        return false;
    }
    *milli -= 1000;
    return true;
}

/* *ret_busy: it sends about as much as the switch lets through. */
static bool
within_budget(struct vx_punts *punts, uint64_t port, bool *ret_busy)
{
    int64_t now_ms = punts->env.mono_ms();
    struct bucket *b = bucket_of(punts, port, now_ms);
    bool ok = take(&b->milli, &b->at_ms, now_ms, VX_METER_PUNT_PPS,
                   BURST_MILLI);

    *ret_busy = b->milli < BURST_MILLI / 2;
    forget_old(punts, now_ms);
    return take(&punts->all_milli, &punts->all_ms, now_ms, VX_PUNTS_ALL_PPS,
                VX_PUNTS_ALL_PPS * INT64_C(1000)) && ok;
}

/* --- Who asks, and who the gateway is to it. */

static const struct vx_network *
network_by_oid(const struct vx_punts *punts, uint64_t oid)
{
    const struct vx_obj *obj = vx_model_by_oid(punts->env.model, oid);

    return obj && obj->kind == VX_NETWORK ? (const void *) obj : NULL;
}

static const struct vx_port *
port_by_oid(const struct vx_punts *punts, uint64_t oid)
{
    const struct vx_obj *obj = vx_model_by_oid(punts->env.model, oid);

    return obj && obj->kind == VX_PORT ? (const void *) obj : NULL;
}

static bool
first_gateway(const struct vx_model *model, const struct vx_network *network,
              uint8_t family, struct vx_ip *ret_ip)
{
    struct vx_key scope = vx_model_key(model, &network->o);
    const struct vx_obj *obj;
    struct vx_iter iter;

    scope.network = scope.name;
    scope.name = NULL;
    vx_iter_init(&iter, model, VX_SUBNET, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_subnet *subnet = (const void *) obj;

        if (subnet->route && subnet->gateway.family == family) {
            *ret_ip = subnet->gateway;
            return true;
        }
    }
    return false;
}

/* The gateway's address in the sender's subnet, else any in its network. */
static bool
gateway_of(const struct vx_punts *punts, const struct vx_network *network,
           const struct vx_ip *src, struct vx_ip *ret_ip)
{
    const struct vx_subnet *subnet = vx_model_routed_subnet(
        punts->env.model, network->o.parent, src);

    if (subnet && subnet->o.parent == network->o.oid) {
        *ret_ip = subnet->gateway;
        return true;
    }
    return first_gateway(punts->env.model, network, src->family, ret_ip);
}

static bool
is_gateway(const struct vx_punts *punts, uint64_t tenant,
           const struct vx_ip *ip)
{
    const struct vx_subnet *subnet =
        vx_model_routed_subnet(punts->env.model, tenant, ip);

    return subnet && !vx_ip_compare(&subnet->gateway, ip);
}

/* --- Errors. */

static bool
error_of(unsigned reason, enum vx_icmp_error *ret_error)
{
    static const enum vx_icmp_error errors[VX_N_PUNTS] = {
        [VX_PUNT_TOO_BIG] = VX_ICMP_TOO_BIG, [VX_PUNT_TTL] = VX_ICMP_TTL,
        [VX_PUNT_NO_ROUTE] = VX_ICMP_NO_ROUTE,
        [VX_PUNT_NO_HOP] = VX_ICMP_NO_HOST,
        [VX_PUNT_PORT_UNREACH] = VX_ICMP_NO_PORT,
        [VX_PUNT_NO_HOST] = VX_ICMP_NO_HOST,
    };

    *ret_error = errors[reason];
    return reason != VX_PUNT_RS && reason != VX_PUNT_ALIVE;
}

/* The switch has put the gateway's MAC on what is on its way already. */
static struct vx_mac
sender_mac(const struct vx_port *port, const struct vx_punted *punted)
{
    return vx_mac_is_unicast(&punted->eth_src)
           && vx_mac_compare(&punted->eth_src, &gateway_mac)
           ? punted->eth_src : port->mac;
}

/* What depends on where the packet was going; false: no answer to that. */
static bool
set_details(const struct vx_punts *punts, const struct vx_network *network,
            const struct vx_packet_in *in, const struct vx_punted *punted,
            struct vx_icmp_reply *reply)
{
    const struct vx_network *to;

    if (reply->error == VX_ICMP_NO_PORT) {
        reply->from = punted->dst;
        return is_gateway(punts, network->o.parent, &punted->dst);
    } else if (reply->error == VX_ICMP_TOO_BIG) {
        to = vx_model_by_vni(punts->env.model, in->reg0);
        if (!to || to->o.parent != network->o.parent) {
            return false;
        }
        reply->mtu = to->mtu;
    }
    return gateway_of(punts, network, &punted->src, &reply->from);
}

static void
answer(struct vx_punts *punts, const struct vx_punt_tap *tap,
       const struct vx_packet_in *in, const struct vx_punted *punted,
       enum vx_icmp_error error)
{
    const struct vx_port *port = port_by_oid(punts, tap->port);
    const struct vx_network *network =
        port ? network_by_oid(punts, port->o.parent) : NULL;
    struct vx_icmp_reply reply = { .src = gateway_mac, .error = error };
    uint8_t frame[VX_ICMP_MAX];
    size_t size;

    if (!network || punted->arp
        || !set_details(punts, network, in, punted, &reply)) {
        return;
    }
    reply.dst = sender_mac(port, punted);
    size = vx_icmp_error(punted, &reply, frame);
    if (size) {
        punts->counters.n_errors++;
        punts->env.send(punts->env.ctx, tap, frame, size);
    }
}

/* --- From a tap. */

static void
heard_at_tap(struct vx_punts *punts, const struct vx_punt_tap *tap,
             const struct vx_packet_in *in)
{
    struct vx_punted punted;
    enum vx_icmp_error error;
    struct vx_ip ip;
    bool busy, ok = within_budget(punts, tap->port, &busy);

    if (busy) {
        punts->env.alive(punts->env.ctx, tap->port, NULL);
    }
    if (!ok) {
        punts->counters.n_limited++;
    } else if (!vx_punted_parse(in->frame, in->size, &punted)) {
        punts->counters.n_stray++;
    } else if (error_of(in->reg1, &error)) {
        answer(punts, tap, in, &punted, error);
    } else if (in->reg1 == VX_PUNT_RS) {
        punts->env.solicited(punts->env.ctx, tap, &punted);
    } else if (vx_health_answer(&punted, &ip)) {
        punts->env.alive(punts->env.ctx, tap->port, &ip);
    }
}

/* --- From tier 2: whose it is, its source address says. */

static bool
is_broadcast(const struct vx_subnet *subnet, const struct vx_ip *ip)
{
    struct vx_ip last = vx_prefix_last(&subnet->prefix);

    return ip->family == 4 && subnet->prefix.length < 31
           && (!vx_ip_compare(&last, ip)
               || !vx_ip_compare(&subnet->prefix.ip, ip));
}

static bool
find_tap(const struct vx_punts *punts, uint64_t tenant,
         const struct vx_punted *punted, struct vx_punt_tap *ret_tap)
{
    const struct vx_model *model = punts->env.model;
    const struct vx_subnet *from =
        vx_model_routed_subnet(model, tenant, &punted->src);
    const struct vx_subnet *to =
        vx_model_routed_subnet(model, tenant, &punted->dst);
    const struct vx_port *port = from
        ? vx_model_port_by_ip(model, from->o.parent, &punted->src) : NULL;
    struct vx_place place;

    if (!port || (to && is_broadcast(to, &punted->dst))
        || !vx_fabric_place(punts->env.fabric, port->o.oid, &place)
        || !place.ofport) {
        return false;
    }
    *ret_tap = (struct vx_punt_tap) {
        .port = port->o.oid, .host = place.host, .ofport = place.ofport };
    return true;
}

static void
heard_in_fabric(struct vx_punts *punts, const struct vx_packet_in *in)
{
    const struct vx_network *network =
        vx_model_by_vni(punts->env.model, in->reg0);
    struct vx_punt_tap tap;
    struct vx_punted punted;
    bool busy;

    punts->counters.n_heard[VX_PUNT_NO_HOST]++;
    if (!network || !vx_punted_parse(in->frame, in->size, &punted)
        || punted.arp
        || !find_tap(punts, network->o.parent, &punted, &tap)) {
        punts->counters.n_stray++;
    } else if (!within_budget(punts, tap.port, &busy)) {
        punts->counters.n_limited++;
    } else {
        answer(punts, &tap, in, &punted, VX_ICMP_NO_HOST);
    }
}

bool
vx_punts_heard(struct vx_punts *punts, uint64_t host, enum vx_tier tier,
               const struct vx_packet_in *in)
{
    struct vx_punt_tap tap = { .host = host, .ofport = in->in_port };

    if (tier == VX_FABRIC_TIER) {
        if (in->table == VX_T2_ADJ) {
            heard_in_fabric(punts, in);
        }
        return true;
    } else if (in->table != VX_T1_PUNT) {
        return false;
    }
    tap.port = vx_fabric_port_at(punts->env.fabric, host, in->in_port);
    if (!tap.port || !in->reg1 || in->reg1 >= VX_PUNT_NO_HOST) {
        punts->counters.n_stray++;
    } else {
        punts->counters.n_heard[in->reg1]++;
        heard_at_tap(punts, &tap, in);
    }
    return true;
}

/* --- The rest. */

void
vx_punts_get_counters(const struct vx_punts *punts,
                      struct vx_punt_counters *ret_counters)
{
    *ret_counters = punts->counters;
}

const char *
vx_punt_name(enum vx_punt reason)
{
    static const char *const names[VX_N_PUNTS] = {
        [VX_PUNT_TOO_BIG] = "too-big", [VX_PUNT_TTL] = "ttl",
        [VX_PUNT_NO_ROUTE] = "no-route", [VX_PUNT_NO_HOP] = "no-hop",
        [VX_PUNT_PORT_UNREACH] = "port-unreach", [VX_PUNT_RS] = "rs",
        [VX_PUNT_ALIVE] = "alive", [VX_PUNT_NO_HOST] = "no-host",
    };

    return names[reason];
}

void
vx_punts_free(struct vx_punts *punts)
{
    if (!punts) {
        return;
    }
    while (punts->oldest) {
        drop_bucket(punts, punts->oldest);
    }
    free(punts);
}
