/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine sends to the gateway, for whatever address:
 *
 *   - never gets to an interface of another tenant, at no time, and is
 *     nowhere twice;
 *   - when all is calm gets to the port that has the address, once, or to
 *     where a policy or route says.
 *
 * What policies and routes say is read from intent here once more, without
 * the compiler. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/pipeline.h"
#include "daemon/health.h"
#include "tests/sim/sim.h"

enum { DST_PORT = 7, N_PER_LOOK = 2 };

static const struct vx_mac gateway_mac = VX_GATEWAY_MAC;

/* --- Packets. */

struct vx_ip
routed_somewhere(uint32_t n)
{
    static const uint8_t others[][4] = {
        { 10, 0, 1, 1 }, { 10, 0, 2, 1 }, { 10, 9, 0, 7 }, { 192, 0, 2, 1 },
        { 10, 0, 1, 9 }, { 10, 0, 2, 200 },
    };
    struct vx_ip ip = { .family = 4 };
    uint32_t n_others = sizeof others / sizeof others[0];

    n %= N_IDS - N_PER_NET + n_others;
    if (n >= n_others) {
        return ip_of((int) (N_PER_NET + n - n_others));
    }
    memcpy(ip.b, others[n], 4);
    return ip;
}

void
routed_packet(int id, const struct vx_ip *dst, uint8_t ttl,
              struct vx_packet *ret_packet)
{
    struct vx_mac mac = mac_of(id);
    struct vx_ip src = ip_of(id);

    memset(ret_packet, 0, sizeof *ret_packet);
    vx_packet_set_mac(ret_packet, VX_F_ETH_SRC, &mac);
    vx_packet_set_mac(ret_packet, VX_F_ETH_DST, &gateway_mac);
    vx_packet_set_u(ret_packet, VX_F_ETH_TYPE, 0x0800);
    vx_packet_set_ip(ret_packet, VX_F_IPV4_SRC, &src);
    vx_packet_set_ip(ret_packet, VX_F_IPV4_DST, dst);
    vx_packet_set_u(ret_packet, VX_F_IP_PROTO, IPPROTO_UDP);
    vx_packet_set_u(ret_packet, VX_F_IP_TTL, ttl);
    vx_packet_set_u(ret_packet, VX_F_UDP_SRC, 5);
    vx_packet_set_u(ret_packet, VX_F_UDP_DST, DST_PORT);
}

size_t
routed_frame(int id, const struct vx_ip *dst, uint8_t ttl,
             uint8_t frame[FRAME_MAX])
{
    struct vx_mac mac = mac_of(id);
    struct vx_ip src = ip_of(id);
    uint8_t *ip = frame + 14;
    uint16_t sum;

    memset(frame, 0, FRAME_MAX);
    memcpy(frame, gateway_mac.b, 6);
    memcpy(frame + 6, mac.b, 6);
    frame[12] = 8;
    ip[0] = 0x45;
    ip[3] = 28;
    ip[8] = ttl;
    ip[9] = IPPROTO_UDP;
    memcpy(ip + 12, src.b, 4);
    memcpy(ip + 16, dst->b, 4);
    sum = vx_punt_checksum(NULL, ip, 20);
    memcpy(ip + 10, &sum, 2);
    ip[21] = 5;
    ip[23] = DST_PORT;
    ip[25] = 8;
    return 42;
}

void
arp_answer(int id, struct vx_packet *ret_packet, uint8_t frame[FRAME_MAX])
{
    static const uint8_t head[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 2 };
    struct vx_mac mac = mac_of(id);
    struct vx_ip src = ip_of(id), dst = gateway_ip(net_of_id(id));

    if (id >= N_IDS) {
        gateway_leg((id - N_IDS) % N_GATEWAYS, tenant_of_iface(id), &mac,
                    &src);
        dst = (struct vx_ip) { .family = 4, .b = { 169, 254, 64, 1 } };
    }

    memset(ret_packet, 0, sizeof *ret_packet);
    vx_packet_set_mac(ret_packet, VX_F_ETH_SRC, &mac);
    vx_packet_set_mac(ret_packet, VX_F_ETH_DST, &gateway_mac);
    vx_packet_set_u(ret_packet, VX_F_ETH_TYPE, 0x0806);
    vx_packet_set_u(ret_packet, VX_F_ARP_OP, 2);
    vx_packet_set_mac(ret_packet, VX_F_ARP_SHA, &mac);
    vx_packet_set_mac(ret_packet, VX_F_ARP_THA, &gateway_mac);
    vx_packet_set_ip(ret_packet, VX_F_ARP_SPA, &src);
    vx_packet_set_ip(ret_packet, VX_F_ARP_TPA, &dst);
    memcpy(frame, gateway_mac.b, 6);
    memcpy(frame + 6, mac.b, 6);
    memcpy(frame + 12, head, sizeof head);
    memcpy(frame + 22, mac.b, 6);
    memcpy(frame + 28, src.b, 4);
    memcpy(frame + 32, gateway_mac.b, 6);
    memcpy(frame + 38, dst.b, 4);
}

static unsigned
send_routed(struct machine *machine, int id, const struct vx_ip *dst,
            struct arrivals *arrivals)
{
    int tenant = tenant_of_net(net_of_id(id));
    struct vx_packet packet;
    char text[VX_IP_STRLEN];
    unsigned n = 0;

    routed_packet(id, dst, 64, &packet);
    vx_packet_set_u(&packet, VX_F_IN_PORT, machine->db.ofports[id]);
    judge_walk(machine, &packet, arrivals);
    for (int i = 0; i < N_MACHINES * N_IFACES; i++) {
        int k = i % N_IFACES;

        n += arrivals->n[i / N_IFACES][k];
        if (arrivals->n[i / N_IFACES][k]
            && tenant_of_iface(k) != tenant) {
            violated("a packet of interface %d (tenant %d) at machine %d "
                     "by the gateway to %s gets to interface %d of tenant "
                     "%d at machine %d", id, tenant, machine->index,
                     vx_ip_format(dst, text), k,
                     tenant_of_iface(k), i / N_IFACES);
        }
    }
    if (n > 1 && !machine_is_tampered()) {
        violated("a packet of interface %d at machine %d by the gateway to "
                 "%s is there %u times", id, machine->index,
                 vx_ip_format(dst, text), n);
    }
    return n;
}

/* Others with each look. */
void
judge_routed(struct machine *machine, int id)
{
    struct arrivals arrivals;

    for (int i = 0; sim->routed && i < N_PER_LOOK; i++) {
        struct vx_ip dst = routed_somewhere(sim->n_routed++);

        send_routed(machine, id, &dst, &arrivals);
    }
}

/* --- When all is calm. */

static int
id_of_ip(int tenant, const struct vx_ip *ip)
{
    for (int id = first_id(tenant); id < first_id(tenant) + n_ids(tenant);
         id++) {
        struct vx_ip other = ip_of(id);

        if (!vx_ip_compare(ip, &other)) {
            return id;
        }
    }
    return -1;
}

static bool
has_address(int id)
{
    const struct vx_port *port = (const void *) client_find(KEY_PORT + id);
    const struct vx_subnet *subnet =
        (const void *) client_find(KEY_SUBNET + net_of_id(id));

    return port && port->n_ips && subnet && subnet->route;
}

static bool
covers(const struct vx_prefix *prefix, const struct vx_ip *ip)
{
    return !prefix->ip.family || vx_prefix_contains(prefix, ip);
}

static bool
is_matched(const struct vx_policy *policy, int from, const struct vx_ip *dst)
{
    const struct vx_policy_match *match = &policy->match;
    const struct vx_obj *net = client_find(KEY_NET + net_of_id(from));
    struct vx_ip src = ip_of(from);
    bool port = !match->n_dports;

    for (size_t i = 0; i < match->n_dports; i++) {
        port |= match->dports[i].first <= DST_PORT
                && match->dports[i].last >= DST_PORT;
    }
    return match->family != 6 && covers(&match->src, &src)
           && covers(&match->dst, dst)
           && (!match->network || match->network == net->oid)
           && (match->proto < 0 || match->proto == IPPROTO_UDP) && port;
}

/* One that was learned, by its place. */
static const struct vx_policy *
learned_policy(int tenant, int i)
{
    char name[8];
    const struct vx_key scope = { .tenant = name };
    const struct vx_obj *obj;
    struct vx_iter iter;

    snprintf(name, sizeof name, "t%d", tenant);
    vx_iter_init(&iter, sim->app->model, VX_POLICY, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (obj->origin == VX_BY_BGP && !i--) {
            return (const void *) obj;
        }
    }
    return NULL;
}

static const struct vx_policy *
policy_for(int from, const struct vx_ip *dst)
{
    int tenant = tenant_of_net(net_of_id(from));
    const struct vx_policy *best = NULL;

    for (int i = 0; i < N_POLICIES + 2; i++) {
        const struct vx_policy *policy = i >= N_POLICIES
            ? learned_policy(tenant, i - N_POLICIES) : (const void *)
            client_find(KEY_POLICY + tenant * N_POLICIES + i);

        if (policy && policy->where & VX_WHERE_HOSTS
            && (!best || policy->priority > best->priority)
            && is_matched(policy, from, dst)) {
            best = policy;
        }
    }
    return best;
}

/* The most specific route that is narrower than the subnet. */
static const struct vx_route *
route_for(int from, const struct vx_ip *dst)
{
    int tenant = tenant_of_net(net_of_id(from));

    for (int i = 0; i < N_ROUTES; i++) {
        const struct vx_route *route = (const void *)
            client_find(KEY_ROUTE + tenant * N_ROUTES + i);

        if (route && route->prefix.length > 24
            && vx_prefix_contains(&route->prefix, dst)) {
            return route;
        }
    }
    return NULL;
}

/* Whether no policy says anything about where such packets get to. */
bool
routed_may_pass(int id, const struct vx_ip *dst)
{
    const struct vx_policy *policy = policy_for(id, dst);

    return has_address(id) && (!policy || policy->action == VX_POLICY_DSCP
                               || policy->action == VX_POLICY_RATE);
}

/* Bits of the ports at the next hops; 0: not all of them are there. */
static unsigned
living(int tenant, const struct vx_ip *via, size_t n,
       struct machine *const *active)
{
    unsigned bits = 0;

    for (size_t i = 0; i < n; i++) {
        int id = id_of_ip(tenant, &via[i]);
        const struct vx_obj *port = client_find(KEY_PORT + id);

        if (!active[id] || !has_address(id)
            || !vx_hops_is_alive(sim->app->hops, port->oid)) {
            return 0;
        }
        bits |= 1u << id;
    }
    return bits;
}

/* What a policy's own next hops send on is routed. */
static bool
is_via(const struct vx_policy *policy, int id)
{
    struct vx_ip ip = ip_of(id);

    for (size_t i = 0; i < policy->n_via; i++) {
        if (!vx_ip_compare(&policy->via[i], &ip)) {
            return true;
        }
    }
    return false;
}

/* A port's own address, as a peer says: where its subnet is not routed. */
static bool
has_learned(int tenant, const struct vx_ip *dst)
{
    char of[8];
    const struct vx_key scope = { .tenant = of };
    const struct vx_obj *obj;
    struct vx_iter iter;

    snprintf(of, sizeof of, "t%d", tenant);
    vx_iter_init(&iter, sim->app->model, VX_ROUTE, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_route *route = (const void *) obj;

        if (obj->origin == VX_BY_BGP && route->prefix.length > 24
            && vx_prefix_contains(&route->prefix, dst)) {
            return !vx_model_routed_subnet(sim->app->model, obj->parent,
                                           dst);
        }
    }
    return false;
}

static bool
has_legs(int tenant)
{
    struct vx_mac mac;
    struct vx_ip ip;
    bool has = false;

    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        has |= gateway_leg(g, tenant, &mac, &ip);
    }
    return has;
}

/* Where a packet has to get to, as bits; 0: this is not to be said. */
static unsigned
wanted(int from, int to, struct machine *const *active, bool *ret_nowhere)
{
    int tenant = tenant_of_net(net_of_id(from));
    struct vx_ip dst = ip_of(to);
    const struct vx_policy *policy = policy_for(from, &dst);
    const struct vx_route *route;

    *ret_nowhere = false;
    if (policy && policy->action == VX_POLICY_DROP) {
        *ret_nowhere = true;
        return 0;
    } else if (policy && policy->action == VX_POLICY_VIA
               && !is_via(policy, from)) {
        return living(tenant, policy->via, policy->n_via, active);
    } else if (policy && policy->action == VX_POLICY_VIA
               && !vx_hops_is_alive(sim->app->hops,
                                    client_find(KEY_PORT + from)->oid)) {
        return 0;               /* while it is dead it is no next hop */
    } else if (policy && policy->action == VX_POLICY_GATEWAY
               && has_legs(tenant)) {
        return 0;               /* by one of them */
    } else if (policy && policy->action == VX_POLICY_GATEWAY
               && policy->fail_closed) {
        *ret_nowhere = true;
        return 0;
    }
    if (has_learned(tenant, &dst)) {
        return 0;               /* it is longer than the others */
    }
    route = route_for(from, &dst);
    return route ? living(tenant, route->via, route->n_via, active)
           : active[to] && has_address(to) ? 1u << to : 0;
}

static void
judge_pair(int from, int to, struct machine *const *active)
{
    struct arrivals arrivals;
    struct vx_ip dst = ip_of(to);
    bool nowhere;
    unsigned bits = wanted(from, to, active, &nowhere), right = 0;
    unsigned n = send_routed(active[from], from, &dst, &arrivals);

    for (int id = 0; id < N_IDS; id++) {
        if (bits >> id & 1 && active[id]) {
            right += arrivals.n[active[id]->index][id];
        }
    }
    for (int i = 0; n && i < N_MACHINES * N_IFACES; i++) {
        if (sim->verbose && arrivals.n[i / N_IFACES][i % N_IFACES]
            && !right) {
            say("port %d to port %d: at interface %d of machine %d", from,
                to, i % N_IFACES, i / N_IFACES);
        }
    }
    if (nowhere && n) {
        violated("a policy drops packets of port %d to the address of port "
                 "%d, and %u copies arrive", from, to, n);
    } else if (bits && !(bits >> from & 1) && (n != 1 || right != 1)) {
        violated("of a packet of port %d by the gateway to the address of "
                 "port %d %u copies arrive, %u of them where they should",
                 from, to, n, right);
    }
    sim->n_arrived += n;
}

void
judge_routed_converged(void)
{
    struct machine *active[N_IDS] = { NULL };

    for (int id = 0; sim->routed && id < N_IDS; id++) {
        active[id] = judge_active_at(id);
    }
    for (int from = 0; sim->routed && from < N_IDS; from++) {
        int tenant = tenant_of_net(net_of_id(from));

        for (int i = 0; active[from] && has_address(from)
                        && !machine_is_tampered()
                        && i < n_ids(tenant); i++) {
            if (first_id(tenant) + i != from) {
                judge_pair(from, first_id(tenant) + i, active);
            }
        }
    }
}
