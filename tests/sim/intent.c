/* SPDX-License-Identifier: Apache-2.0 */
/* Intent of routing: which subnets, routes, policies, zones, rates and
 * budgets a number stands for.  The number (variant) is all that a client
 * remembers of what it asked for; 0 asks for nothing.  What is refused, since
 * a subnet, port or host is missing or a priority taken, is refused. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

const char *const zone_names[N_ZONES] = { "z", "y" };

/* --- Addresses.  Those of tenant 0 are those of tenant 1 as well. */

static uint8_t
octet(int net)
{
    return (uint8_t) (net ? net : 1);
}

struct vx_ip
ip_of(int id)
{
    return (struct vx_ip) { .family = 4, .b = { 10, 0,
        octet(net_of_id(id)), (uint8_t) (10 + id % N_PER_NET) } };
}

struct vx_ip
gateway_ip(int net)
{
    return (struct vx_ip) { .family = 4, .b = { 10, 0, octet(net), 1 } };
}

struct vx_mac
mac_of(int id)
{
    return (struct vx_mac) { { 2, 0, 0, 0, 0,
                               (uint8_t) (1 + id % N_PER_NET) } };
}

int
first_id(int tenant)
{
    return tenant ? N_PER_NET : 0;
}

int
n_ids(int tenant)
{
    return tenant ? N_IDS - N_PER_NET : N_PER_NET;
}

static unsigned
draw(uint32_t *variant, unsigned n)
{
    unsigned drawn = *variant % n;

    *variant /= n;
    return drawn;
}

/* --- Keys. */

/* One that is inside of a subnet, one beside all, and all the rest. */
static const char *const prefixes[N_ROUTES] = {
    "10.0.1.8/30", "10.9.0.0/24", "0.0.0.0/0",
};

void
intent_key(int key, struct name *name, struct vx_key *k,
           enum vx_kind *ret_kind)
{
    int tenant;

    if (key >= KEY_ZONE) {
        *ret_kind = VX_ZONE;
        k->name = zone_names[key - KEY_ZONE];
        return;
    } else if (key >= KEY_GATEWAY && key < KEY_PEERING) {
        bool uplink = key >= KEY_UPLINK;

        *ret_kind = uplink ? VX_UPLINK : VX_GATEWAY;
        snprintf(name->name, sizeof name->name, "%s%d", uplink ? "up" : "g",
                 (key - KEY_GATEWAY) % N_GATEWAYS);
        return;
    } else if (key >= KEY_PEERING) {
        *ret_kind = VX_PEERING;
        tenant = (key - KEY_PEERING) / N_GATEWAYS;
        snprintf(name->name, sizeof name->name, "ce%d",
                 (key - KEY_PEERING) % N_GATEWAYS);
    } else if (key >= KEY_POLICY) {
        *ret_kind = VX_POLICY;
        tenant = (key - KEY_POLICY) / N_POLICIES;
        snprintf(name->name, sizeof name->name, "pol%d",
                 (key - KEY_POLICY) % N_POLICIES);
    } else if (key >= KEY_ROUTE) {
        *ret_kind = VX_ROUTE;
        tenant = (key - KEY_ROUTE) / N_ROUTES;
        snprintf(name->name, sizeof name->name, "%s",
                 prefixes[(key - KEY_ROUTE) % N_ROUTES]);
    } else {
        *ret_kind = VX_SUBNET;
        tenant = tenant_of_net(key - KEY_SUBNET);
        snprintf(name->network, sizeof name->network, "n%d",
                 key - KEY_SUBNET);
        k->network = name->network;
        snprintf(name->name, sizeof name->name, "10.0.%d.0/24",
                 octet(key - KEY_SUBNET));
    }
    snprintf(name->tenant, sizeof name->tenant, "t%d", tenant);
    k->tenant = name->tenant;
}

/* --- What is asked for. */

static size_t
some_hops(uint32_t *variant, int tenant, struct vx_ip ips[3])
{
    unsigned first = draw(variant, (unsigned) n_ids(tenant));
    size_t n = 1 + draw(variant, 3);

    for (size_t i = 0; i < n; i++) {
        ips[i] = ip_of(first_id(tenant)
                       + (int) ((first + i) % (unsigned) n_ids(tenant)));
    }
    return n;
}

static void
set_match(uint32_t *variant, int tenant, struct name *name,
          struct vx_policy_spec *spec)
{
    struct vx_policy_match *match = &spec->match;
    int id = first_id(tenant) + (int) draw(variant,
                                           (unsigned) n_ids(tenant));

    match->proto = match->dscp = -1;
    switch (draw(variant, 6)) {
    case 0:
        match->dst = (struct vx_prefix) { ip_of(id), 24 };
        match->dst.ip.b[3] = 0;
        break;
    case 1:
        match->src = (struct vx_prefix) { ip_of(id), 32 };
        break;
    case 2:
        match->proto = IPPROTO_UDP;
        name->ranges[0] = (struct vx_port_range) { 1, 6 };
        match->dports = name->ranges;
        match->n_dports = 1;
        break;
    case 3:
        snprintf(name->network, sizeof name->network, "n%d", net_of_id(id));
        spec->network = name->network;
        break;
    case 4:
        match->dst = (struct vx_prefix) { ip_of(id), 32 };
        match->proto = IPPROTO_UDP;
        break;
    default:
        break;
    }
}

static void
policy_op(uint32_t variant, int tenant, struct name *name,
          struct vx_policy_spec *spec)
{
    static const enum vx_policy_action actions[] = {
        VX_POLICY_VIA, VX_POLICY_VIA, VX_POLICY_DROP, VX_POLICY_DSCP,
        VX_POLICY_RATE, VX_POLICY_GATEWAY,
    };

    spec->action = actions[draw(&variant, 6)];
    spec->priority = (uint16_t) (10 + draw(&variant, 6));
    spec->fail_closed = draw(&variant, 2);
    spec->dscp = spec->action == VX_POLICY_DSCP ? 10 : 0;
    spec->rate_kbps = spec->action == VX_POLICY_RATE
                      ? 100 + draw(&variant, 2) : 0;
    if (spec->action == VX_POLICY_VIA) {
        spec->n_via = some_hops(&variant, tenant, name->ips);
        spec->via = name->ips;
        spec->match.family = 4;
    }
    set_match(&variant, tenant, name, spec);
}

static void
gateway_op(int key, uint32_t variant, struct name *name,
           struct vx_gateway_spec *spec)
{
    unsigned other = draw(&variant, 4) == 1;

    snprintf(name->host, sizeof name->host, "h%d",
             (int) ((unsigned) (key - KEY_GATEWAY) + other)
             % sim->n_machines);
    spec->host = name->host;
    spec->as = 65001;
}

/* Of the fabric, or of a tenant: then its device is the tenant's alone. */
static void
peering_op(int key, uint32_t variant, struct name *name,
           struct vx_peering_spec *spec)
{
    static const uint8_t families[] = {
        VX_AF_VPNV4 | VX_AF_EVPN | VX_AF_FLOWSPEC, VX_AF_EVPN,
        VX_AF_VPNV4, VX_AF_FLOWSPEC,
    };
    struct vx_peering *value = &spec->value;
    bool uplink = key < KEY_PEERING;
    int gateway = (key - KEY_UPLINK) % N_GATEWAYS;
    int tenant = (key - KEY_PEERING) / N_GATEWAYS;

    snprintf(name->host, sizeof name->host, "g%d", gateway);
    snprintf(name->network, sizeof name->network, "dev%d", tenant);
    spec->gateway = name->host;
    value->password = name->from;
    value->device = name->iface_id;
    value->peer = (struct vx_ip) {
        .family = 4, .b = { 198, 18, (uint8_t) gateway, 2 },
    };
    value->peer_as = 65002;
    value->local_as = 65001;
    if (uplink) {
        value->families = families[draw(&variant, 4)];
        value->flowspec_in = value->families & VX_AF_FLOWSPEC;
        return;
    }
    value->peer.b[2] = (uint8_t) (10 + gateway);
    value->families = VX_AF_IPV4;
    value->device = name->network;
    name->local = (struct vx_prefix) { value->peer, 30 };
    name->local.ip.b[3] = 1;
    value->locals = &name->local;
    value->n_locals = 1;
    value->local_pref = draw(&variant, 2) ? 200 : 0;
}

/* Not in all lives is there somebody to tell. */
static void
announce_op(uint32_t variant, struct vx_op *op)
{
    static const uint8_t wheres[] = {
        0, VX_WHERE_HOSTS | VX_WHERE_GATEWAY, VX_WHERE_GATEWAY,
        VX_WHERE_HOSTS | VX_WHERE_FLOWSPEC, VX_WHERE_FLOWSPEC,
    };

    if (!sim->gatewayed) {
        return;
    } else if (op->kind == VX_SUBNET && !op->spec.subnet.no_route) {
        op->spec.subnet.announce = draw(&variant, 4) != 0;
        op->spec.subnet.host_routes = op->spec.subnet.announce
                                      && draw(&variant, 2);
    } else if (op->kind == VX_ROUTE) {
        op->spec.route.announce = draw(&variant, 2);
    } else if (op->kind == VX_POLICY) {
        op->spec.policy.where = wheres[draw(&variant, 5)];
    }
}

static void
zone_op(uint32_t variant, struct name *name, struct vx_zone_spec *spec)
{
    spec->path = draw(&variant, 3) ? VX_PATH_BORDER : VX_PATH_DIRECT;
    spec->budget_kbps = draw(&variant, 3) == 1 ? 7000 : 0;
    for (int i = 0; i < sim->n_machines; i++) {
        if (draw(&variant, 3) == 1) {
            snprintf(name->border_names[i], sizeof name->border_names[i],
                     "h%c", '0' + i);
            name->borders[spec->n_borders++] = name->border_names[i];
        }
    }
    spec->borders = name->borders;
}

/* As many borders as the zone has hosts for: others are refused. */
static void
keep_own(int zone, struct vx_zone_spec *spec, struct name *name)
{
    size_t n = 0;

    for (size_t i = 0; i < spec->n_borders; i++) {
        int host = spec->borders[i][1] - '0';
        bool own = false;

        for (int m = 0; m < sim->n_machines; m++) {
            own |= sim->machines[m].db.name == host
                   && sim->machines[m].db.zone == zone;
        }
        if (own) {
            name->borders[n++] = name->borders[i];
        }
    }
    spec->n_borders = n;
}

void
intent_op(int key, const struct wish *wish, struct name *name,
          struct vx_op *op)
{
    uint32_t v = wish->variant;

    if (op->kind == VX_TENANT) {
        op->spec.tenant.budget_kbps = draw(&v, 4) == 1 ? 3000 : 0;
    } else if (op->kind == VX_NETWORK) {
        op->spec.network.path = draw(&v, 4);
        op->spec.network.path %= 3;
        op->spec.network.bum_pps = draw(&v, 3) == 1 ? 500 : 0;
        op->spec.network.mtu = draw(&v, 4) == 1 ? 1400 : 0;
    } else if (op->kind == VX_SUBNET) {
        op->spec.subnet.no_route = !draw(&v, 5);
    } else if (op->kind == VX_PORT) {
        struct vx_port_spec *port = &op->spec.port;

        name->ips[0] = ip_of(key - KEY_PORT);
        port->n_ips = draw(&v, 5) != 0;
        port->ips = name->ips;
        port->no_ips = !port->n_ips;
        port->rate_kbps = draw(&v, 4) == 1 ? 1000 : 0;
        port->rate_pps = draw(&v, 4) == 1 ? 900 : 0;
        port->bum_pps = draw(&v, 4) == 1 ? 800 : 0;
    } else if (op->kind == VX_ROUTE) {
        op->spec.route.n_via = some_hops(&v, (key - KEY_ROUTE) / N_ROUTES,
                                         name->ips);
        op->spec.route.via = name->ips;
    } else if (op->kind == VX_POLICY) {
        policy_op(v, (key - KEY_POLICY) / N_POLICIES, name,
                  &op->spec.policy);
    } else if (op->kind == VX_GATEWAY) {
        gateway_op(key, v, name, &op->spec.gateway);
    } else if (op->kind == VX_UPLINK || op->kind == VX_PEERING) {
        peering_op(key, v, name, &op->spec.peering);
    } else if (op->kind == VX_ZONE && v) {
        zone_op(v, name, &op->spec.zone);
        keep_own(key - KEY_ZONE, &op->spec.zone, name);
    }
    announce_op(wish->variant / 7, op);
}

/* --- What is there. */

static bool
same_ips(const struct vx_ip *have, size_t n_have, const struct vx_ip *want,
         size_t n_want)
{
    size_t n = 0;

    for (size_t i = 0; i < n_have; i++) {
        for (size_t k = 0; k < n_want; k++) {
            n += !vx_ip_compare(&have[i], &want[k]);
        }
    }
    return n == n_have && n == n_want;
}

static bool
policy_is(const struct vx_policy *policy, const struct vx_policy_spec *spec)
{
    return policy->priority == spec->priority
           && policy->action == spec->action
           && policy->fail_closed == spec->fail_closed
           && policy->rate_kbps == spec->rate_kbps
           && !policy->match.network == !spec->network
           && same_ips(policy->via, policy->n_via, spec->via, spec->n_via);
}

bool
intent_is(const struct vx_obj *obj, int key, const struct wish *wish)
{
    struct name name;
    struct vx_op op = { .kind = obj->kind };
    const struct vx_port *port = (const void *) obj;
    const struct vx_route *route = (const void *) obj;
    const struct vx_zone *zone = (const void *) obj;

    if (wish->any) {
        return true;
    }
    memset(&name, 0, sizeof name);
    intent_op(key, wish, &name, &op);
    switch (obj->kind) {
    case VX_TENANT:
        return ((const struct vx_tenant *) obj)->budget_kbps
               == op.spec.tenant.budget_kbps;
    case VX_NETWORK:
        return ((const struct vx_network *) obj)->path
               == op.spec.network.path
               && ((const struct vx_network *) obj)->bum_pps
                  == op.spec.network.bum_pps;
    case VX_SUBNET:
        return ((const struct vx_subnet *) obj)->route
               == !op.spec.subnet.no_route
               && ((const struct vx_subnet *) obj)->announce
                  == op.spec.subnet.announce;
    case VX_PORT:
        return port->n_ips == op.spec.port.n_ips
               && port->rate_kbps == op.spec.port.rate_kbps
               && port->rate_pps == op.spec.port.rate_pps
               && port->bum_pps == op.spec.port.bum_pps;
    case VX_ROUTE:
        return same_ips(route->via, route->n_via, op.spec.route.via,
                        op.spec.route.n_via)
               && route->announce == op.spec.route.announce;
    case VX_POLICY:
        return policy_is((const struct vx_policy *) obj, &op.spec.policy);
    case VX_UPLINK:
    case VX_PEERING:
        return ((const struct vx_peering *) obj)->families
               == op.spec.peering.value.families
               && ((const struct vx_peering *) obj)->local_pref
                  == op.spec.peering.value.local_pref;
    case VX_ZONE:
        return zone->budget_kbps == op.spec.zone.budget_kbps
               && (zone->path == VX_PATH_BORDER)
                  == (op.spec.zone.path == VX_PATH_BORDER);
    default:
        return true;
    }
}
