/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and entries; see export.h. */
#include "core/export.h"
#include "core/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[VX_FEED_N_TYPES] = {
    [VX_FEED_GATEWAY] = "gateway", [VX_FEED_TENANT] = "tenant",
    [VX_FEED_PEERING] = "peering", [VX_FEED_NETWORK] = "network",
    [VX_FEED_PREFIX] = "prefix", [VX_FEED_VTEP] = "vtep",
    [VX_FEED_ENDPOINT] = "endpoint", [VX_FEED_POLICY] = "policy",
};

const char *
vx_feed_type_name(enum vx_feed_type type)
{
    return type_names[type];
}

bool
vx_feed_type_parse(const char *name, enum vx_feed_type *ret_type)
{
    for (int i = 0; i < VX_FEED_N_TYPES; i++) {
        if (!strcmp(name, type_names[i])) {
            *ret_type = (enum vx_feed_type) i;
            return true;
        }
    }
    return false;
}

int
vx_feed_key_compare(const struct vx_feed_key *a, const struct vx_feed_key *b)
{
    return a->type != b->type ? (a->type < b->type ? -1 : 1)
           : strcmp(a->text, b->text);
}

uint64_t
vx_export_auto_rt(uint32_t as, uint32_t number)
{
    return UINT64_C(0x0002) << 48 | (uint64_t) (as & 0xffff) << 32 | number;
}

void
vx_export_gateway(const struct vx_model *model,
                  const struct vx_gateway *gateway,
                  struct vx_export_gateway *ret_gateway)
{
    const struct vx_peering *peering;
    struct vx_serve_iter iter;

    *ret_gateway = (struct vx_export_gateway) {
        .gateway = gateway, .as = vx_model_gateway_as(model, gateway),
    };
    vx_peerings_init(&iter, model, gateway->o.oid);
    while ((peering = vx_peerings_next(&iter))) {
        ret_gateway->evpn |= peering->o.kind == VX_UPLINK
                             && peering->families & VX_AF_EVPN;
    }
}

/* --- Keys that a change touches. */

struct touching {
    const struct vx_export_env *env;
    vx_export_key_cb *f;
    void *aux;
};

static void
touch(const struct touching *t, enum vx_feed_type type, const char *first,
      char between, const char *second)
{
    struct vx_feed_key key = { .type = type };

    if (second) {
        snprintf(key.text, sizeof key.text, "%.63s%c%.63s", first, between,
                 second);
    } else {
        snprintf(key.text, sizeof key.text, "%.63s", first);
    }
    t->f(t->aux, &key);
}

static const struct vx_obj *
object(const struct touching *t, uint64_t oid)
{
    const struct vx_obj *obj = vx_model_by_oid(t->env->model, oid);

    return obj ? obj : t->env->gone ? t->env->gone(t->env->ctx, oid) : NULL;
}

static void
touch_prefix(const struct touching *t, const char *tenant,
             const struct vx_prefix *prefix)
{
    char text[VX_PREFIX_STRLEN];

    touch(t, VX_FEED_PREFIX, tenant, ' ', vx_prefix_format(prefix, text));
}

static void
touch_hosts_of(const struct touching *t, const char *tenant,
               const struct vx_port *port)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        struct vx_prefix prefix = {
            .ip = port->ips[i],
            .length = (uint8_t) vx_ip_bits(&port->ips[i]),
        };

        touch_prefix(t, tenant, &prefix);
    }
}

static void
touch_endpoint(const struct touching *t, uint32_t vni,
               const struct vx_port *port)
{
    char number[12], mac[VX_MAC_STRLEN];

    snprintf(number, sizeof number, "%u", vni);
    touch(t, VX_FEED_ENDPOINT, number, ' ', vx_mac_format(&port->mac, mac));
}

static void
touch_vtep(const struct touching *t, uint32_t vni, uint64_t host_oid)
{
    const struct vx_host *host = (const void *)
        (host_oid ? object(t, host_oid) : NULL);
    char number[12], vtep[VX_IP_STRLEN];

    if (host && host->o.kind == VX_HOST && host->vtep.family) {
        snprintf(number, sizeof number, "%u", vni);
        touch(t, VX_FEED_VTEP, number, ' ',
              vx_ip_format(&host->vtep, vtep));
    }
}

static void
touch_policies(const struct touching *t, const char *tenant,
               uint64_t network)
{
    struct vx_key scope = { .tenant = tenant };
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, t->env->model, VX_POLICY, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_policy *policy = (const void *) obj;

        if (network ? policy->match.network == network
                    : policy->action == VX_POLICY_GATEWAY) {
            touch(t, VX_FEED_POLICY, tenant, ' ', obj->name);
        }
    }
}

struct leading {
    const struct touching *t;
    const char *tenant;
};

static void
touch_route(void *leading_, const struct vx_route *route)
{
    const struct leading *leading = leading_;

    touch_prefix(leading->t, leading->tenant, &route->prefix);
}

/* Whether they are announced depends on their next hops. */
static void
touch_routes_via(const struct touching *t, const struct vx_obj *tenant,
                 const struct vx_prefix *prefix)
{
    struct leading leading = { t, tenant->name };

    vx_model_announced_via(t->env->model, tenant->oid, prefix, touch_route,
                           &leading);
}

static void
touched_port(const struct touching *t, const struct vx_port *port)
{
    const struct vx_network *network = (const void *)
        object(t, port->o.parent);
    const struct vx_obj *tenant = network ? object(t, network->o.parent)
                                          : NULL;

    if (!tenant) {
        return;
    }
    if (port->gateway) {
        touch(t, VX_FEED_TENANT, tenant->name, 0, NULL);
        touch_policies(t, tenant->name, 0);
    }
    touch_endpoint(t, network->vni, port);
    touch_hosts_of(t, tenant->name, port);
    for (size_t i = 0; i < port->n_ips; i++) {
        const struct vx_prefix prefix = {
            .ip = port->ips[i],
            .length = (uint8_t) vx_ip_bits(&port->ips[i]),
        };

        touch_routes_via(t, tenant, &prefix);
    }
    touch_vtep(t, network->vni, port->host);
    if (port->located != port->host) {
        touch_vtep(t, network->vni, port->located);
    }
    touch_vtep(t, network->vni, port->migrate_from);
}

/* Calls f for each port of the network. */
static void
each_port(const struct touching *t, const struct vx_obj *tenant,
          const struct vx_obj *network,
          void (*f)(const struct touching *t, const struct vx_obj *tenant,
                    const struct vx_port *port))
{
    struct vx_key scope = { .tenant = tenant->name,
                            .network = network->name };
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, t->env->model, VX_PORT, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        f(t, tenant, (const void *) obj);
    }
}

static void
host_routes_of(const struct touching *t, const struct vx_obj *tenant,
               const struct vx_port *port)
{
    touch_hosts_of(t, tenant->name, port);
}

static void
touched_subnet(const struct touching *t, const struct vx_subnet *subnet)
{
    const struct vx_obj *network = object(t, subnet->o.parent);
    const struct vx_obj *tenant = network ? object(t, network->parent) : NULL;

    if (!tenant) {
        return;
    }
    touch(t, VX_FEED_TENANT, tenant->name, 0, NULL);
    touch_prefix(t, tenant->name, &subnet->prefix);
    touch_routes_via(t, tenant, &subnet->prefix);
    touch(t, VX_FEED_NETWORK, tenant->name, '/', network->name);
    if (network->origin == VX_BY_OPERATOR) {
        touch_policies(t, tenant->name, network->oid);
        if (subnet->host_routes) {
            each_port(t, tenant, network, host_routes_of);
        }
    }
}

/* Under the VNI that the network has in vni_of. */
static void
touched_ports(const struct touching *t, const struct vx_network *vni_of)
{
    const struct vx_obj *tenant = object(t, vni_of->o.parent);
    struct vx_key scope = { .network = vni_of->o.name };
    const struct vx_obj *obj;
    struct vx_iter iter;

    if (!tenant) {
        return;
    }
    scope.tenant = tenant->name;
    vx_iter_init(&iter, t->env->model, VX_PORT, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_port *port = (const void *) obj;

        touch_endpoint(t, vni_of->vni, port);
        touch_vtep(t, vni_of->vni, port->host);
        touch_vtep(t, vni_of->vni, port->located);
        touch_vtep(t, vni_of->vni, port->migrate_from);
    }
}

static void
touched_network(const struct touching *t, const struct vx_network *old,
                const struct vx_network *new)
{
    const struct vx_network *network = new ? new : old;
    const struct vx_obj *tenant = object(t, network->o.parent);

    if (!tenant) {
        return;
    }
    touch(t, VX_FEED_NETWORK, tenant->name, '/', network->o.name);
    if (network->o.origin != VX_BY_OPERATOR) {
        touch(t, VX_FEED_TENANT, tenant->name, 0, NULL);
    } else if (old && new && (old->vni != new->vni
                              || old->no_evpn != new->no_evpn)) {
        touched_ports(t, old);
        if (old->vni != new->vni) {
            touched_ports(t, new);
        }
    }
}

/* Of old or of new: what does not depend on the other. */
static void
touched_one(const struct touching *t, const struct vx_obj *obj)
{
    const struct vx_obj *tenant = obj->parent ? object(t, obj->parent) : NULL;

    switch (obj->kind) {
    case VX_GATEWAY:
        touch(t, VX_FEED_GATEWAY, obj->name, 0, NULL);
        break;
    case VX_TENANT:
        touch(t, VX_FEED_TENANT, obj->name, 0, NULL);
        break;
    case VX_SUBNET:
        touched_subnet(t, (const void *) obj);
        break;
    case VX_PORT:
        touched_port(t, (const void *) obj);
        break;
    case VX_ROUTE:
        if (tenant) {
            touch(t, VX_FEED_TENANT, tenant->name, 0, NULL);
            touch_prefix(t, tenant->name,
                         &((const struct vx_route *) obj)->prefix);
        }
        break;
    case VX_POLICY:
        if (tenant) {
            touch(t, VX_FEED_POLICY, tenant->name, ' ', obj->name);
        }
        break;
    case VX_UPLINK:
        touch(t, VX_FEED_PEERING, obj->name, 0, NULL);
        break;
    case VX_PEERING:
        if (tenant) {
            touch(t, VX_FEED_PEERING, tenant->name, '/', obj->name);
            touch(t, VX_FEED_TENANT, tenant->name, 0, NULL);
        }
        break;
    default:
        break;
    }
}

void
vx_export_touched(const struct vx_export_env *env, const struct vx_obj *old,
                  const struct vx_obj *new, vx_export_key_cb *f, void *aux)
{
    const struct touching t = { .env = env, .f = f, .aux = aux };

    if ((new ? new : old)->kind == VX_NETWORK) {
        touched_network(&t, (const void *) old, (const void *) new);
        return;
    }
    if (old) {
        touched_one(&t, old);
    }
    if (new) {
        touched_one(&t, new);
    }
}

/* --- Entries. */

struct asking {
    const struct vx_export_env *env;
    const struct vx_export_gateway *gateway;
    const char *first;          /* of the key, before the separator */
    const char *second;         /* after it, "" = none */
    struct vx_export *e;
};

static enum vx_export_verdict
withhold(const struct asking *a, const char *why_not)
{
    a->e->why_not = why_not;
    return VX_EXPORT_WITHHELD;
}

static const struct vx_obj *
find(const struct asking *a, enum vx_kind kind, const char *tenant,
     const char *name)
{
    struct vx_key key = { .tenant = tenant, .name = name };

    return vx_model_find(a->env->model, kind, &key, NULL);
}

static void
copy_rts(const uint64_t *rts, size_t n, uint64_t standard, uint64_t *ret_rts,
         size_t *ret_n)
{
    *ret_n = n ? n : 1;
    ret_rts[0] = standard;
    if (n) {
        memcpy(ret_rts, rts, n * sizeof *rts);
    }
}

static const struct vx_host *
host_of(const struct asking *a, uint64_t oid)
{
    const struct vx_obj *obj = oid ? vx_model_by_oid(a->env->model, oid)
                                   : NULL;

    return obj && obj->kind == VX_HOST ? (const void *) obj : NULL;
}

static enum vx_export_verdict
export_gateway(const struct asking *a)
{
    const struct vx_gateway *gateway = a->gateway->gateway;

    if (strcmp(a->first, gateway->o.name)) {
        return VX_EXPORT_NONE;
    }
    a->e->obj = &gateway->o;
    a->e->host = host_of(a, gateway->host);
    a->e->as = a->gateway->as;
    a->e->router_id = gateway->router_id;
    if (!a->e->host || !a->e->host->vtep.family) {
        return withhold(a, "its host has not joined yet");
    }
    if (!a->e->router_id.family) {
        a->e->router_id = a->e->host->vtep;
    }
    if (a->e->router_id.family != 4) {
        return withhold(a, "its host's VTEP is no IPv4 address: the gateway "
                           "needs a router id");
    }
    return VX_EXPORT_TELL;
}

static enum vx_export_verdict
export_tenant(const struct asking *a)
{
    const struct vx_tenant *tenant = (const void *)
        find(a, VX_TENANT, NULL, a->first);
    uint64_t gateway = a->gateway->gateway->o.oid;
    uint64_t rt;

    if (!tenant || !vx_model_serves(a->env->model, gateway, tenant->o.oid)) {
        return VX_EXPORT_NONE;
    }
    a->e->obj = &tenant->o;
    a->e->tenant = tenant;
    a->e->network = vx_model_router_network(a->env->model, tenant->o.oid);
    a->e->leg = vx_model_leg(a->env->model, gateway, tenant->o.oid);
    if (!tenant->router_vni || !a->e->network || !a->e->leg) {
        return withhold(a, "the gateway's leg is not made yet");
    }
    rt = vx_export_auto_rt(a->gateway->as, tenant->router_vni);
    copy_rts(tenant->imports, tenant->n_imports, rt, a->e->imports,
             &a->e->n_imports);
    copy_rts(tenant->exports, tenant->n_exports, rt, a->e->exports,
             &a->e->n_exports);
    return VX_EXPORT_TELL;
}

static enum vx_export_verdict
export_peering(const struct asking *a)
{
    const struct vx_peering *peering = (const void *)
        (a->second[0] ? find(a, VX_PEERING, a->first, a->second)
                      : find(a, VX_UPLINK, NULL, a->first));

    if (!peering || peering->gateway != a->gateway->gateway->o.oid) {
        return VX_EXPORT_NONE;
    }
    a->e->obj = &peering->o;
    return VX_EXPORT_TELL;
}

/* The network, if the gateway tells other fabrics of it. */
static bool
is_evpn(const struct asking *a, const struct vx_network *network)
{
    return network && a->gateway->evpn && !network->no_evpn
           && network->o.origin == VX_BY_OPERATOR;
}

static enum vx_export_verdict
export_network(const struct asking *a)
{
    const struct vx_network *network = (const void *)
        find(a, VX_NETWORK, a->first, a->second);
    uint64_t rt;

    if (!is_evpn(a, network)) {
        return VX_EXPORT_NONE;
    }
    a->e->obj = &network->o;
    a->e->network = network;
    a->e->tenant = (const void *) vx_model_by_oid(a->env->model,
                                                  network->o.parent);
    rt = vx_export_auto_rt(a->gateway->as, network->vni);
    copy_rts(network->rts, network->n_rts, rt, a->e->imports,
             &a->e->n_imports);
    copy_rts(network->rts, network->n_rts, rt, a->e->exports,
             &a->e->n_exports);
    return VX_EXPORT_TELL;
}

static bool
same_prefix(const struct vx_prefix *a, const struct vx_prefix *b)
{
    return !vx_prefix_compare(a, b);
}

/* The address of a port, if its subnet tells of each. */
static enum vx_export_verdict
export_host_route(const struct asking *a, const struct vx_subnet *subnet)
{
    const struct vx_prefix *prefix = &a->e->prefix;
    const struct vx_port *port;

    if (!subnet || !subnet->host_routes
        || prefix->length != vx_ip_bits(&prefix->ip)) {
        return VX_EXPORT_NONE;
    }
    port = vx_model_port_by_ip(a->env->model, subnet->o.parent, &prefix->ip);
    if (!port || port->o.origin != VX_BY_OPERATOR) {
        return VX_EXPORT_NONE;
    }
    a->e->obj = &port->o;
    a->e->why = "host";
    return a->env->port_active(a->env->ctx, port->o.oid)
           ? VX_EXPORT_TELL : withhold(a, "the port is not active");
}

/* Packets for what leads nowhere are not asked for. */
static enum vx_export_verdict
export_route(const struct asking *a, const struct vx_route *route)
{
    struct vx_hops_status status;

    a->e->obj = &route->o;
    a->e->why = "route";
    vx_hops_status_eval(a->env->model, &route->o, a->env->hop_alive,
                        a->env->ctx, &status);
    return status.state == VX_HOPS_UNRESOLVED
           ? withhold(a, "it leads nowhere: no port has the address of a "
                         "next hop")
           : status.state == VX_HOPS_DOWN
           ? withhold(a, "it leads nowhere: no next hop is alive")
           : VX_EXPORT_TELL;
}

static enum vx_export_verdict
prefix_of_tenant(const struct asking *a, const struct vx_obj *tenant)
{
    const struct vx_subnet *subnet;
    const struct vx_route *route;

    subnet = vx_model_routed_subnet(a->env->model, tenant->oid,
                                    &a->e->prefix.ip);
    if (subnet && subnet->announce && subnet->o.origin == VX_BY_OPERATOR
        && same_prefix(&subnet->prefix, &a->e->prefix)) {
        a->e->obj = &subnet->o;
        a->e->why = "subnet";
        return VX_EXPORT_TELL;
    }
    route = (const void *) find(a, VX_ROUTE, a->first, a->second);
    if (route && route->announce && route->o.origin == VX_BY_OPERATOR) {
        return export_route(a, route);
    }
    return export_host_route(a, subnet);
}

static enum vx_export_verdict
export_prefix(const struct asking *a)
{
    const struct vx_obj *tenant = find(a, VX_TENANT, NULL, a->first);
    const struct vx_export_env *env = a->env;
    uint64_t gateway = a->gateway->gateway->o.oid;
    const struct vx_port *leg;
    enum vx_export_verdict verdict;

    if (!tenant || !vx_prefix_parse(a->second, &a->e->prefix)
        || !vx_model_serves(env->model, gateway, tenant->oid)) {
        return VX_EXPORT_NONE;
    }
    a->e->tenant = (const void *) tenant;
    verdict = prefix_of_tenant(a, tenant);
    if (verdict != VX_EXPORT_TELL || !env->leg_ready) {
        return verdict;
    }
    leg = vx_model_leg(env->model, gateway, tenant->oid);
    return leg && env->leg_ready(env->ctx, leg->o.oid) ? VX_EXPORT_TELL
           : withhold(a, "the gateway's leg is not connected yet");
}

static const struct vx_network *
network_of_vni(const struct asking *a)
{
    const struct vx_network *network = vx_model_by_vni(
        a->env->model, (uint32_t) strtoul(a->first, NULL, 10));

    return is_evpn(a, network) ? network : NULL;
}

/* Whether packets of other fabrics may be sent to it. */
static bool
is_vtep(const struct vx_host *host)
{
    return host && !host->external && vx_host_is_peer(host);
}

static enum vx_export_verdict
export_vtep(const struct asking *a)
{
    const struct vx_network *network = network_of_vni(a);
    const struct vx_host *host;
    struct vx_ip vtep;

    if (!network || !vx_ip_parse(a->second, &vtep)) {
        return VX_EXPORT_NONE;
    }
    host = vx_model_by_vtep(a->env->model, &vtep);
    if (!is_vtep(host) || !a->env->has_port_at(a->env->ctx, network->o.oid,
                                               host->o.oid)) {
        return VX_EXPORT_NONE;
    }
    a->e->obj = &host->o;
    a->e->host = host;
    a->e->network = network;
    return VX_EXPORT_TELL;
}

static enum vx_export_verdict
export_endpoint(const struct asking *a)
{
    const struct vx_network *network = network_of_vni(a);
    const struct vx_port *port;
    struct vx_mac mac;

    if (!network || !vx_mac_parse(a->second, &mac)) {
        return VX_EXPORT_NONE;
    }
    port = vx_model_port_by_mac(a->env->model, network->o.oid, &mac);
    if (!port || port->o.origin != VX_BY_OPERATOR) {
        return VX_EXPORT_NONE;
    }
    a->e->obj = &port->o;
    a->e->network = network;
    a->e->host = host_of(a, vx_port_location(port));
    if (!is_vtep(a->e->host)) {
        return withhold(a, "the port is on no host");
    }
    return a->env->port_active(a->env->ctx, port->o.oid)
           ? VX_EXPORT_TELL : withhold(a, "the port is not active");
}

static enum vx_export_verdict
export_policy(const struct asking *a)
{
    const struct vx_policy *policy = (const void *)
        find(a, VX_POLICY, a->first, a->second);

    if (!policy || policy->o.origin != VX_BY_OPERATOR
        || !(policy->where & (VX_WHERE_GATEWAY | VX_WHERE_FLOWSPEC))
        || !vx_model_serves(a->env->model, a->gateway->gateway->o.oid,
                            policy->o.parent)) {
        return VX_EXPORT_NONE;
    }
    a->e->obj = &policy->o;
    a->e->tenant = (const void *) vx_model_by_oid(a->env->model,
                                                  policy->o.parent);
    return VX_EXPORT_TELL;
}

enum vx_export_verdict
vx_export(const struct vx_export_env *env,
          const struct vx_export_gateway *gateway,
          const struct vx_feed_key *key, struct vx_export *ret_export)
{
    static enum vx_export_verdict (*const exports[])(const struct asking *) = {
        [VX_FEED_GATEWAY] = export_gateway,
        [VX_FEED_TENANT] = export_tenant,
        [VX_FEED_PEERING] = export_peering,
        [VX_FEED_NETWORK] = export_network,
        [VX_FEED_PREFIX] = export_prefix,
        [VX_FEED_VTEP] = export_vtep,
        [VX_FEED_ENDPOINT] = export_endpoint,
        [VX_FEED_POLICY] = export_policy,
    };
    char text[VX_FEED_KEY_SIZE];
    struct asking a = { .env = env, .gateway = gateway, .first = text,
                        .e = ret_export };
    char *end;

    /* A name has neither; of a prefix the first is the space. */
    memcpy(text, key->text, sizeof text);
    end = text + strcspn(text, " /");
    a.second = *end ? end + 1 : end;
    *end = '\0';
    *ret_export = (struct vx_export) { .type = key->type };
    return exports[key->type](&a);
}
