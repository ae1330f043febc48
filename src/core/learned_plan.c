/* SPDX-License-Identifier: Apache-2.0 */
/* From a target and who knows it to operations; see learned.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/learned_priv.h"
#include "lib/xalloc.h"

struct planning {
    const struct vx_learned_ask *ask;
    const struct vx_model *model;
    struct vx_learned_plan *plan;
    const char *first, *second;     /* of the key, cut at the first space */
};

static void
give_up(struct planning *p, const char *why)
{
    snprintf(p->plan->reason, sizeof p->plan->reason, "%s", why);
}

static void *
keep_block(struct planning *p, void *take_block)
{
    struct vx_learned_plan *plan = p->plan;

    plan->blocks = vx_grow(plan->blocks, &plan->cap_blocks,
                           plan->n_blocks + 1, sizeof *plan->blocks);
    plan->blocks[plan->n_blocks++] = take_block;
    return take_block;
}

static struct vx_op *
add_op(struct planning *p, enum vx_op_type type, enum vx_kind kind,
       const struct vx_key *key)
{
    struct vx_learned_plan *plan = p->plan;
    struct vx_op *op;

    plan->ops = vx_grow(plan->ops, &plan->cap, plan->n + 1,
                        sizeof *plan->ops);
    op = &plan->ops[plan->n++];
    *op = (struct vx_op) { .type = type, .kind = kind, .key = *key,
                           .origin = VX_BY_BGP };
    return op;
}

/* The object goes, if it is ours and nobody may still come to know it. */
static void
remove_obj(struct planning *p, const struct vx_obj *obj)
{
    if (obj && obj->origin == VX_BY_BGP && !p->ask->keep) {
        const struct vx_key key = vx_model_key(p->model, obj);

        add_op(p, VX_OP_DELETE, obj->kind, &key);
    }
}

static const struct vx_obj *
find_tenant(struct planning *p, const char *name)
{
    const struct vx_key key = { .name = name };
    const struct vx_obj *tenant = vx_model_find(p->model, VX_TENANT, &key,
                                                NULL);

    if (!tenant) {
        give_up(p, "there is no such tenant");
    }
    return tenant;
}

/* Another fabric's VTEP; not if the address is one of ours. */
static bool
is_foreign(struct planning *p, const struct vx_ip *vtep)
{
    const struct vx_host *host = vx_model_by_vtep(p->model, vtep);

    p->plan->is_own = host && !host->external;
    return !p->plan->is_own;
}

static const char *
host_name(struct planning *p, const struct vx_ip *vtep)
{
    char *name = keep_block(p, vx_xcalloc(1, VX_NAME_MAX + 1));

    vx_learned_host_name(vtep, name);
    return name;
}

/* --- Hosts. */

static const char *
zone_of(const struct planning *p, uint64_t gateway_oid)
{
    const struct vx_gateway *gateway = (const void *)
        vx_model_by_oid(p->model, gateway_oid);
    const struct vx_host *host = (const void *)
        (gateway ? vx_model_by_oid(p->model, gateway->host) : NULL);
    const struct vx_obj *zone = host ? vx_model_by_oid(p->model, host->zone)
                                     : NULL;

    return zone ? zone->name : NULL;
}

static void
plan_host(struct planning *p)
{
    const struct vx_host *host;
    struct vx_op *op;
    struct vx_ip vtep;
    struct vx_key key = { 0 };

    if (!vx_ip_parse(p->first, &vtep) || !is_foreign(p, &vtep)) {
        return;
    }
    host = vx_model_by_vtep(p->model, &vtep);
    if (!p->ask->n) {
        remove_obj(p, host ? &host->o : NULL);
        return;
    }
    if (host) {
        return;
    }
    key.name = host_name(p, &vtep);
    op = add_op(p, VX_OP_PUT, VX_HOST, &key);
    op->spec.host.zone = zone_of(p, p->ask->known[0].gateway);
    op->spec.host.vtep = vtep;
    op->spec.host.external = true;
}

/* --- Ports. */

static const struct vx_port *
find_port(const struct planning *p, const struct vx_key *key)
{
    return (const void *) vx_model_find(p->model, VX_PORT, key, NULL);
}

static bool
is_at(const struct planning *p, const struct vx_port *port,
      const struct vx_ip *vtep)
{
    const struct vx_host *host = vx_model_by_vtep(p->model, vtep);

    return host && port->host == host->o.oid;
}

/* A port on the other fabric's host. */
static struct vx_op *
put_port(struct planning *p, const struct vx_key *key,
         const struct vx_ip *vtep)
{
    struct vx_op *op = add_op(p, VX_OP_PUT, VX_PORT, key);

    op->spec.port.host = host_name(p, vtep);
    op->spec.port.no_guard = true;
    return op;
}

static void
plan_router(struct planning *p)
{
    const struct vx_obj *tenant = find_tenant(p, p->first);
    struct vx_key key = { .tenant = p->first, .network = VX_ROUTER_NETWORK };
    const struct vx_learned *item = p->ask->n ? p->ask->known[0].item : NULL;
    const struct vx_port *port;
    struct vx_ip vtep;
    struct vx_op *op;

    if (!tenant || !vx_ip_parse(p->second, &vtep) || !is_foreign(p, &vtep)) {
        return;
    }
    key.name = host_name(p, &vtep);
    port = find_port(p, &key);
    if (!item) {
        remove_obj(p, port ? &port->o : NULL);
    } else if (!vx_model_router_network(p->model, tenant->oid)) {
        give_up(p, "the tenant has no router network: no gateway serves it");
    } else if (!port || vx_mac_compare(&port->mac, &item->mac)
               || !is_at(p, port, &vtep)) {
        op = put_port(p, &key, &vtep);
        op->spec.port.has_mac = true;
        op->spec.port.mac = item->mac;
    }
}

/* The network of another fabric's endpoints, with the tenant's name. */
static const struct vx_network *
find_network(struct planning *p, struct vx_key *key)
{
    const struct vx_network *network = vx_model_by_vni(
        p->model, (uint32_t) strtoul(p->first, NULL, 10));
    const struct vx_obj *tenant = network
        ? vx_model_by_oid(p->model, network->o.parent) : NULL;

    if (!tenant || network->o.origin != VX_BY_OPERATOR) {
        give_up(p, "no network has the VNI");
        return NULL;
    }
    key->tenant = tenant->name;
    key->network = network->o.name;
    return network;
}

static void
plan_flood(struct planning *p)
{
    struct vx_key key = { 0 };
    const struct vx_network *network = find_network(p, &key);
    const struct vx_port *port;
    struct vx_ip vtep;

    if (!network || !vx_ip_parse(p->second, &vtep) || !is_foreign(p, &vtep)) {
        return;
    }
    key.name = host_name(p, &vtep);
    port = find_port(p, &key);
    if (!p->ask->n || network->no_evpn) {
        remove_obj(p, port ? &port->o : NULL);
        if (network->no_evpn) {
            give_up(p, "the network has evpn switched off");
        }
    } else if (!port || !is_at(p, port, &vtep)) {
        put_port(p, &key, &vtep)->spec.port.no_ips = true;
    }
}

/* RFC 7432 15.1: the highest sequence number; of equals the lowest VTEP. */
static const struct vx_learned *
best_endpoint(const struct vx_learned_ask *ask)
{
    const struct vx_learned *best = NULL;

    for (size_t i = 0; i < ask->n; i++) {
        const struct vx_learned *item = ask->known[i].item;

        if (!best || item->seq > best->seq
            || (item->seq == best->seq
                && vx_ip_compare(&item->vtep, &best->vtep) < 0)) {
            best = item;
        }
    }
    return best;
}

/* Those that lie in a subnet of the network and are nobody else's. */
static struct vx_ip *
usable_ips(struct planning *p, const struct vx_learned *item,
           const struct vx_network *network, const struct vx_key *scope,
           size_t *ret_n)
{
    struct vx_ip *ips = keep_block(p, vx_xcalloc(item->n_ips + 1,
                                                 sizeof *ips));
    size_t n = 0;

    for (size_t i = 0; i < item->n_ips; i++) {
        const struct vx_port *other = vx_model_port_by_ip(
            p->model, network->o.oid, &item->ips[i]);
        const struct vx_obj *obj;
        struct vx_iter iter;

        if (other && (other->o.origin != VX_BY_BGP
                      || vx_mac_compare(&other->mac, &item->mac))) {
            continue;
        }
        vx_iter_init(&iter, p->model, VX_SUBNET, scope, NULL);
        while ((obj = vx_iter_next(&iter))) {
            const struct vx_subnet *subnet = (const void *) obj;

            if (vx_prefix_contains(&subnet->prefix, &item->ips[i])
                && vx_ip_compare(&subnet->gateway, &item->ips[i])) {
                ips[n++] = item->ips[i];
                break;
            }
        }
    }
    *ret_n = n;
    return ips;
}

static int
by_ip(const void *a, const void *b)
{
    return vx_ip_compare(a, b);
}

static bool
is_endpoint(const struct planning *p, const struct vx_port *port,
            const struct vx_op *op, const struct vx_ip *vtep)
{
    const struct vx_port_spec *spec = &op->spec.port;

    return is_at(p, port, vtep) && port->mobility == spec->mobility
           && port->n_ips == spec->n_ips
           && (!port->n_ips
               || !memcmp(port->ips, spec->ips,
                          port->n_ips * sizeof *port->ips));
}

static void
put_endpoint(struct planning *p, const struct vx_network *network,
             struct vx_key *key, const struct vx_port *port)
{
    const struct vx_learned *item = best_endpoint(p->ask);
    const struct vx_key scope = { .tenant = key->tenant,
                                  .network = key->network };
    struct vx_ip *ips;
    struct vx_op *op;
    size_t n;

    key->name = keep_block(p, vx_xasprintf(
        "evpn-%012llx", (unsigned long long) vx_mac_to_u64(&item->mac)));
    ips = usable_ips(p, item, network, &scope, &n);
    if (n) {
        qsort(ips, n, sizeof *ips, by_ip);
    }
    op = put_port(p, key, &item->vtep);
    op->spec.port.has_mac = true;
    op->spec.port.mac = item->mac;
    op->spec.port.ips = ips;
    op->spec.port.n_ips = n;
    op->spec.port.no_ips = !n;
    op->spec.port.mobility = item->seq;
    if (port && is_endpoint(p, port, op, &item->vtep)) {
        p->plan->n--;
    }
}

static void
plan_port(struct planning *p)
{
    struct vx_key key = { 0 };
    const struct vx_network *network = find_network(p, &key);
    const struct vx_port *port;
    struct vx_mac mac;

    if (!network || !vx_mac_parse(p->second, &mac)) {
        return;
    }
    port = vx_model_port_by_mac(p->model, network->o.oid, &mac);
    if (!p->ask->n || network->no_evpn) {
        remove_obj(p, port ? &port->o : NULL);
        if (network->no_evpn) {
            give_up(p, "the network has evpn switched off");
        }
    } else if (!is_foreign(p, &best_endpoint(p->ask)->vtep)) {
        remove_obj(p, port ? &port->o : NULL);
    } else if (port && port->o.origin != VX_BY_BGP) {
        give_up(p, "a port of this fabric has the MAC");
    } else {
        put_endpoint(p, network, &key, port);
    }
}

/* --- Routes. */

struct vias {
    struct vx_ip ips[VX_MAX_HOPS];
    size_t n;
};

static void
add_via(struct vias *vias, const struct vx_ip *ip)
{
    for (size_t i = 0; i < vias->n; i++) {
        if (!vx_ip_compare(&vias->ips[i], ip)) {
            return;
        }
    }
    if (vias->n < VX_MAX_HOPS) {
        vias->ips[vias->n++] = *ip;
    }
}

static void
add_port_via(struct vias *vias, const struct vx_port *port, uint8_t family)
{
    for (size_t i = 0; port && i < port->n_ips; i++) {
        if (port->ips[i].family == family) {
            add_via(vias, &port->ips[i]);
            return;
        }
    }
}

/* Prefixes that a gateway can reach itself are better than those behind
 * another fabric's router. */
static void
known_vias(struct planning *p, const struct vx_obj *tenant, uint8_t family,
           struct vias *vias)
{
    const struct vx_learned_ask *ask = p->ask;

    for (size_t i = 0; i < ask->n; i++) {
        if (ask->known[i].item->type == VX_LEARNED_ROUTE
            && vx_model_serves(p->model, ask->known[i].gateway,
                               tenant->oid)) {
            add_port_via(vias, vx_model_leg(p->model, ask->known[i].gateway,
                                            tenant->oid), family);
        }
    }
    if (vias->n) {
        return;
    }
    for (size_t i = 0; i < ask->n; i++) {
        const struct vx_learned *item = ask->known[i].item;
        struct vx_key key = { .tenant = tenant->name,
                              .network = VX_ROUTER_NETWORK };

        if (item->type == VX_LEARNED_ROUTE5 && is_foreign(p, &item->vtep)) {
            key.name = host_name(p, &item->vtep);
            add_port_via(vias, find_port(p, &key), family);
        }
    }
}

/* Next hops by gateways that have not said yet what they know. */
static void
silent_vias(struct planning *p, const struct vx_obj *tenant,
            const struct vx_route *route, struct vias *vias)
{
    for (size_t i = 0; i < route->n_via; i++) {
        const struct vx_port *port = vx_model_hop(p->model, tenant->oid,
                                                  &route->via[i]);

        if (port && (port->gateway
                     ? p->ask->is_silent(p->ask->ctx, port->gateway)
                       && vx_model_serves(p->model, port->gateway,
                                          tenant->oid)
                     : p->ask->keep)) {
            add_via(vias, &route->via[i]);
        }
    }
}

/* What lies in a subnet of the tenant is there, whoever says otherwise: else
 * a peer could take over its machines, or its gateway. */
static bool
is_within(struct planning *p, const struct vx_obj *tenant,
          const struct vx_prefix *prefix)
{
    const struct vx_subnet *subnet = vx_model_routed_subnet(
        p->model, tenant->oid, &prefix->ip);

    if (!subnet || prefix->length < subnet->prefix.length) {
        return false;
    }
    if (p->ask->n) {
        snprintf(p->plan->reason, sizeof p->plan->reason, "it lies in the "
                 "tenant's own subnet %s", subnet->o.name);
    }
    return true;
}

static void
plan_route(struct planning *p)
{
    const struct vx_obj *tenant = find_tenant(p, p->first);
    const struct vx_key key = { .tenant = p->first, .name = p->second };
    const struct vx_route *route;
    struct vias *vias;
    struct vx_prefix prefix;
    struct vx_op *op;

    if (!tenant || !vx_prefix_parse(p->second, &prefix)) {
        return;
    }
    route = (const void *) vx_model_find(p->model, VX_ROUTE, &key, NULL);
    if (route && route->o.origin != VX_BY_BGP) {
        if (p->ask->n) {
            give_up(p, "an operator's route of the prefix is used");
        }
        return;
    }
    if (is_within(p, tenant, &prefix)) {
        if (route) {
            add_op(p, VX_OP_DELETE, VX_ROUTE, &key);
        }
        return;
    }
    vias = keep_block(p, vx_xcalloc(1, sizeof *vias));
    known_vias(p, tenant, prefix.ip.family, vias);
    if (route) {
        silent_vias(p, tenant, route, vias);
    }
    if (!vias->n) {
        if (p->ask->n && !p->plan->is_own) {
            give_up(p, "the gateway's leg, or the other router's port, is "
                       "not there yet");
        }
        if (route) {
            add_op(p, VX_OP_DELETE, VX_ROUTE, &key);
        }
        return;
    }
    p->plan->is_own = false;
    qsort(vias->ips, vias->n, sizeof *vias->ips, by_ip);
    if (route && route->n_via == vias->n
        && !memcmp(route->via, vias->ips, vias->n * sizeof *vias->ips)) {
        return;
    }
    op = add_op(p, VX_OP_PUT, VX_ROUTE, &key);
    op->spec.route.via = vias->ips;
    op->spec.route.n_via = vias->n;
}

/* --- FlowSpec. */

/* The policy as it is, with another priority. */
static void
move_policy(struct planning *p, const struct vx_learned_move *move)
{
    const struct vx_policy *policy = move->policy;
    const struct vx_obj *network = policy->match.network
        ? vx_model_by_oid(p->model, policy->match.network) : NULL;
    const struct vx_key key = vx_model_key(p->model, &policy->o);
    struct vx_op *op = add_op(p, VX_OP_PUT, VX_POLICY, &key);

    op->description = policy->o.description;
    op->spec.policy = (struct vx_policy_spec) {
        .priority = move->priority, .action = policy->action,
        .where = policy->where, .fail_closed = policy->fail_closed,
        .dscp = policy->dscp, .rate_kbps = policy->rate_kbps,
        .via = policy->via, .n_via = policy->n_via, .match = policy->match,
        .network = network ? network->name : NULL,
    };
}

static void
plan_policy(struct planning *p)
{
    const struct vx_obj *tenant = find_tenant(p, p->first);
    const struct vx_key key = { .tenant = p->first, .name = p->second };
    struct vx_learned_rules *rules;
    const struct vx_obj *policy;
    const char *why_not = NULL;
    uint16_t priority;
    struct vx_op *op;

    if (!tenant) {
        return;
    }
    policy = vx_model_find(p->model, VX_POLICY, &key, NULL);
    if (!p->ask->n) {
        remove_obj(p, policy);
        return;
    }
    if (policy && policy->origin != VX_BY_BGP) {
        give_up(p, "an operator's policy has the name");
        return;
    }
    /* Its name is its content. */
    if (policy) {
        return;
    }
    rules = keep_block(p, vx_xmalloc(sizeof *rules));
    priority = vx_learned_priority(p->model, tenant,
                                   p->ask->known[0].item->rule, rules,
                                   &why_not);
    if (!priority) {
        give_up(p, why_not);
        return;
    }
    for (size_t i = 0; i < rules->n_moves; i++) {
        move_policy(p, &rules->moves[i]);
    }
    op = add_op(p, VX_OP_PUT, VX_POLICY, &key);
    op->spec.policy = *p->ask->known[0].item->rule;
    op->spec.policy.priority = priority;
    op->spec.policy.where = VX_WHERE_HOSTS | VX_WHERE_GATEWAY;
}

void
vx_learned_plan(const struct vx_learned_ask *ask,
                struct vx_learned_plan *ret_plan)
{
    static void (*const plans[VX_N_TARGETS])(struct planning *) = {
        [VX_TARGET_HOST] = plan_host, [VX_TARGET_ROUTER] = plan_router,
        [VX_TARGET_FLOOD] = plan_flood, [VX_TARGET_PORT] = plan_port,
        [VX_TARGET_ROUTE] = plan_route, [VX_TARGET_POLICY] = plan_policy,
    };
    struct planning p = { .ask = ask, .model = ask->model,
                          .plan = ret_plan };
    char *text;

    *ret_plan = (struct vx_learned_plan) { .n = 0 };
    text = keep_block(&p, vx_xstrdup(ask->target->key));
    p.first = text;
    p.second = strchr(text, ' ');
    if (p.second) {
        text[p.second++ - text] = '\0';
    } else {
        p.second = "";
    }
    plans[ask->target->type](&p);
}

void
vx_learned_plan_fini(struct vx_learned_plan *plan)
{
    for (size_t i = 0; i < plan->n_blocks; i++) {
        free(plan->blocks[i]);
    }
    free(plan->blocks);
    free(plan->ops);
    *plan = (struct vx_learned_plan) { .n = 0 };
}
