/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation makes of an object: the spec over the old value, kind by
 * kind, with the names in it looked up; then what the caller left open.  A
 * proposal is a value that nobody knows yet: rules are held and it is staged
 * (or thrown away) by model_ops.c. */
#include "core/validate.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

void
vx_propose_string(char **p, const char *s)
{
    char *copy = vx_xstrdup(s ? s : "");

    free(*p);
    *p = copy;
}

static const struct vx_host *
host_of(const struct vx_ent *ent)
{
    return (const struct vx_host *) (const void *) ent->obj;
}

static bool
propose_host(const struct vx_doing *d, struct vx_obj *new,
             struct vx_error *err)
{
    const struct vx_host_spec *spec = &d->op->spec.host;
    struct vx_host *host = (void *) new;
    const struct vx_ent *zone;

    if (!spec->zone || !spec->zone[0]) {
        return vx_fail(err, VX_INVALID, "zone", "host \"%.80s\" needs a zone",
                       d->name);
    }
    zone = vx_ent_by_name(&d->model->by_name[VX_ZONE], spec->zone);
    if (!zone) {
        return vx_fail(err, VX_NOT_FOUND, "zone", "no zone \"%.80s\" for host "
                       "\"%.80s\": add the zone first", spec->zone, d->name);
    }
    host->zone = zone->obj->oid;
    host->external = spec->external;
    if (!(spec->keep & VX_KEEP_VTEP)) {
        host->vtep = spec->vtep;
    }
    if (!(spec->keep & VX_KEEP_MTU)) {
        host->mtu = spec->mtu;
    }
    if (!(spec->keep & VX_KEEP_SYSTEM_ID)) {
        vx_propose_string(&host->system_id, spec->system_id);
    }
    if (!(spec->keep & VX_KEEP_DATAPATH)) {
        vx_propose_string(&host->datapath, spec->datapath);
    }
    if (!(spec->keep & VX_KEEP_DRAINING)) {
        host->draining = spec->draining;
    }
    if (!host->external
        && (!d->self
            || strcmp(host->system_id, host_of(d->self)->system_id))) {
        host->stranger = true;
    }
    return true;
}

static int
compare_oids(const void *a_, const void *b_)
{
    const uint64_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static bool
propose_zone(const struct vx_doing *d, struct vx_obj *new,
             struct vx_error *err)
{
    const struct vx_zone_spec *spec = &d->op->spec.zone;
    struct vx_zone *zone = (void *) new;

    zone->path = spec->path == VX_PATH_BORDER ? VX_PATH_BORDER
                                              : VX_PATH_DIRECT;
    zone->budget_kbps = spec->budget_kbps;
    free(zone->borders);
    zone->borders = NULL;
    zone->n_borders = 0;
    if (spec->n_borders > VX_ZONE_MAX_BORDERS) {
        return vx_fail(err, VX_INVALID, "border_hosts", "zone \"%.80s\" has "
                       "%zu border hosts, at most %d are allowed", d->name,
                       spec->n_borders, VX_ZONE_MAX_BORDERS);
    }
    if (spec->n_borders) {
        zone->borders = vx_xcalloc(spec->n_borders, sizeof *zone->borders);
    }
    for (size_t i = 0; i < spec->n_borders; i++) {
        const struct vx_ent *host =
            vx_ent_by_name(&d->model->by_name[VX_HOST], spec->borders[i]);

        if (!host) {
            return vx_fail(err, VX_NOT_FOUND, "border_hosts", "no host "
                           "\"%.80s\" for the border of zone \"%.80s\": let "
                           "the host join the zone first", spec->borders[i],
                           d->name);
        }
        zone->borders[zone->n_borders++] = host->obj->oid;
    }
    if (zone->n_borders) {
        qsort(zone->borders, zone->n_borders, sizeof *zone->borders,
              compare_oids);
    }
    return true;
}

/* A router that something needs is not given up by a body that does not
 * mention it. */
static bool
needs_router(const struct vx_doing *d)
{
    const struct vx_tenant_ent *tenant = d->self ? vx_tenant_ent(d->self)
                                                 : NULL;

    return d->op->spec.tenant.budget_kbps
           || (tenant && (tenant->routed.count || tenant->routes.count
                          || tenant->policies.count || tenant->router_net));
}

static void
propose_tenant(const struct vx_doing *d, struct vx_obj *new)
{
    const struct vx_tenant_spec *spec = &d->op->spec.tenant;
    struct vx_tenant *tenant = (void *) new;

    if (spec->router_vni) {
        tenant->router_vni = spec->router_vni;
    } else if (spec->no_router || (!spec->router && !needs_router(d))) {
        tenant->router_vni = 0;
    }
    tenant->budget_kbps = spec->budget_kbps;
    tenant->quota_networks = spec->quota_networks;
    tenant->quota_ports = spec->quota_ports;
    tenant->rd = spec->rd;
    vx_propose_rts(spec->imports, spec->n_imports, &tenant->imports,
                   &tenant->n_imports);
    vx_propose_rts(spec->exports, spec->n_exports, &tenant->exports,
                   &tenant->n_exports);
}

/* What every host can carry, and no more than usual. */
static uint16_t
router_mtu(const struct vx_model *model)
{
    const struct vx_host *host = vx_model_smallest_host(model);
    int room = host ? host->mtu - vx_host_overhead(host) : VX_MTU_DEFAULT;

    return (uint16_t) (room < VX_MTU_DEFAULT ? room : VX_MTU_DEFAULT);
}

static void
propose_network(const struct vx_doing *d, struct vx_obj *new)
{
    const struct vx_network_spec *spec = &d->op->spec.network;
    struct vx_network *network = (void *) new;

    if (spec->vni) {
        network->vni = spec->vni;
    }
    network->mtu = spec->mtu ? spec->mtu : VX_MTU_DEFAULT;
    network->path = spec->path;
    network->bum_pps = spec->bum_pps;
    network->no_evpn = spec->no_evpn;
    vx_propose_rts(spec->rts, spec->n_rts, &network->rts, &network->n_rts);
    if (vx_network_is_router(network)) {
        network->vni = ((const struct vx_tenant *) (const void *)
                        d->parent->obj)->router_vni;
        network->mtu = spec->mtu ? spec->mtu : router_mtu(d->model);
    }
}

static int
compare_ranges(const void *a_, const void *b_)
{
    const struct vx_range *a = a_, *b = b_;
    int c = vx_ip_compare(&a->first, &b->first);

    return c ? c : vx_ip_compare(&a->last, &b->last);
}

static void
propose_subnet(const struct vx_doing *d, struct vx_obj *new)
{
    const struct vx_subnet_spec *spec = &d->op->spec.subnet;
    struct vx_subnet *subnet = (void *) new;

    if (!vx_prefix_parse(d->name, &subnet->prefix)) {
        return;             /* the rule about the name refuses it */
    }
    subnet->gateway = (struct vx_ip) { .family = 0 };
    if (spec->gateway.family) {
        subnet->gateway = spec->gateway;
    } else if (!spec->no_gateway && !vx_prefix_is_tiny(&subnet->prefix)) {
        subnet->gateway = vx_prefix_first_usable(&subnet->prefix);
    }
    subnet->route = spec->route
                    || (!spec->no_route && subnet->gateway.family);
    subnet->announce = spec->announce;
    subnet->host_routes = spec->host_routes;
    free(subnet->ranges);
    subnet->ranges = spec->n_ranges
        ? vx_xmemdup(spec->ranges, spec->n_ranges * sizeof *spec->ranges)
        : NULL;
    subnet->n_ranges = spec->n_ranges;
    if (subnet->n_ranges) {
        qsort(subnet->ranges, subnet->n_ranges, sizeof *subnet->ranges,
              compare_ranges);
    }
}

/* The oid of a host that is named by an operation. */
bool
vx_propose_host_oid(const struct vx_doing *d, const char *name,
                    uint64_t *ret_oid, struct vx_error *err)
{
    const struct vx_ent *host =
        vx_ent_by_name(&d->model->by_name[VX_HOST], name);

    if (!host) {
        return vx_fail(err, VX_NOT_FOUND, "host", "no host \"%.80s\" for port "
                       "\"%.80s\": let the host join first, or leave it out",
                       name, d->name);
    }
    *ret_oid = host->obj->oid;
    return true;
}

/* A migration begins, goes on, or turns out to be over: the same call twice
 * is one call, whatever happened in between. */
static bool
propose_migration(const struct vx_doing *d, struct vx_port *port,
                  struct vx_error *err)
{
    const struct vx_port_spec *spec = &d->op->spec.port;
    const struct vx_port *old = d->self ? (const void *) d->self->obj : NULL;
    uint64_t from = 0, at = old ? vx_port_location(old) : 0;
    const struct vx_obj *where;

    port->migrate_from = 0;
    port->migrate_hold = false;
    if (!spec->migrate_from || !spec->migrate_from[0]) {
        return true;
    }
    if (!port->host) {
        return vx_fail(err, VX_INVALID, "host", "port \"%.80s\" is to migrate "
                       "from host \"%.80s\": say which host to", d->name,
                       spec->migrate_from);
    }
    if (!vx_propose_host_oid(d, spec->migrate_from, &from, err)) {
        return false;
    }
    if (from == port->host) {
        return vx_fail(err, VX_INVALID, "migrate_from", "port \"%.80s\" is to "
                       "migrate from host \"%.80s\" to the same host",
                       d->name, spec->migrate_from);
    }
    if (!at || at == port->host) {
        return true;            /* it is not anywhere yet, or has arrived */
    }
    if (at != from) {
        where = vx_model_by_oid(d->model, at);
        return vx_fail(err, VX_PRECONDITION, "migrate_from", "port \"%.80s\" "
                       "is on host \"%.80s\", not on \"%.80s\": it can only "
                       "migrate from where it is", d->name,
                       where ? where->name : "?", spec->migrate_from);
    }
    port->migrate_from = from;
    port->migrate_hold = spec->migrate_hold;
    return true;
}

void
vx_propose_left(const struct vx_doing *d, const struct vx_port *old,
                struct vx_port *new)
{
    if (old->migrate_from && !new->migrate_from
        && vx_port_location(new) == old->host) {
        new->left = old->migrate_from;
        new->left_ms = d->now_ms;
    } else if (new->migrate_from
               || vx_port_location(new) != vx_port_location(old)) {
        new->left = 0;
        new->left_ms = 0;
    }
}

/* Whose leg it is; how often it has moved.  It is counted as it leaves, so
 * that also one that was nowhere for a while counts as moved. */
static bool
propose_mobility(const struct vx_doing *d, struct vx_port *port,
                 struct vx_error *err)
{
    const struct vx_port_spec *spec = &d->op->spec.port;
    const struct vx_port *old = d->self ? (const void *) d->self->obj : NULL;
    uint64_t at = old ? vx_port_location(old) : 0;
    const struct vx_ent *gateway;

    if (port->o.origin == VX_BY_BGP) {
        port->mobility = spec->mobility;
    } else if (at && at != vx_port_location(port)) {
        port->mobility++;
    }
    port->gateway = 0;
    if (!spec->gateway || !spec->gateway[0]) {
        return true;
    }
    gateway = vx_ent_by_name(&d->model->by_name[VX_GATEWAY], spec->gateway);
    if (!gateway) {
        return vx_fail(err, VX_NOT_FOUND, "gateway", "no gateway \"%.80s\" "
                       "for port \"%.80s\"", spec->gateway, d->name);
    }
    port->gateway = gateway->obj->oid;
    return true;
}

static int
compare_ips(const void *a, const void *b)
{
    return vx_ip_compare(a, b);
}

static bool
propose_port(const struct vx_doing *d, struct vx_obj *new,
             struct vx_error *err)
{
    const struct vx_port_spec *spec = &d->op->spec.port;
    struct vx_port *port = (void *) new;

    if (spec->host && spec->host[0]) {
        if (!vx_propose_host_oid(d, spec->host, &port->host, err)) {
            return false;
        }
        port->located = 0;
    } else if (port->host) {
        /* It may be anywhere from now on, and it is there. */
        port->located = vx_port_location(port);
        port->host = 0;
    }
    if (!propose_migration(d, port, err)
        || !propose_mobility(d, port, err)) {
        return false;
    }
    if (d->self) {
        vx_propose_left(d, (const void *) d->self->obj, port);
    }
    if (spec->has_mac) {
        port->mac = spec->mac;
        if (!vx_mac_to_u64(&port->mac)) {
            return vx_fail(err, VX_INVALID, "mac", "MAC of port \"%.80s\" "
                           "must not be zero", d->name);
        }
    }
    if (spec->no_ips && spec->n_ips) {
        return vx_fail(err, VX_INVALID, "ips", "port \"%.80s\" is to have "
                       "addresses and none at once", d->name);
    }
    if (spec->no_ips || spec->n_ips) {
        free(port->ips);
        port->n_ips = spec->n_ips;
        port->ips = spec->n_ips
            ? vx_xmemdup(spec->ips, spec->n_ips * sizeof *spec->ips) : NULL;
    }
    if (spec->n_ips) {
        qsort(port->ips, port->n_ips, sizeof *port->ips, compare_ips);
    }
    free(port->iface_id);
    port->iface_id = spec->iface_id ? vx_xstrdup(spec->iface_id)
        : vx_xasprintf("%s/%s/%s", d->parent->parent->obj->name,
                       d->parent->obj->name, d->name);
    port->guard = !spec->no_guard;
    port->rate_kbps = spec->rate_kbps;
    port->rate_pps = spec->rate_pps;
    port->bum_pps = spec->bum_pps;
    return true;
}

/* Copies next hops, sorted. */
static void
propose_via(const struct vx_ip *via, size_t n, struct vx_ip **member,
            size_t *n_member)
{
    free(*member);
    *member = n ? vx_xmemdup(via, n * sizeof *via) : NULL;
    *n_member = n;
    if (n) {
        qsort(*member, n, sizeof **member, compare_ips);
    }
}

static void
propose_route(const struct vx_doing *d, struct vx_obj *new)
{
    const struct vx_route_spec *spec = &d->op->spec.route;
    struct vx_route *route = (void *) new;

    vx_prefix_parse(d->name, &route->prefix);   /* a rule refuses it if not */
    propose_via(spec->via, spec->n_via, &route->via, &route->n_via);
    route->announce = spec->announce;
}

static int
compare_port_ranges(const void *a_, const void *b_)
{
    const struct vx_port_range *a = a_, *b = b_;

    return a->first != b->first ? (int) a->first - b->first
                                : (int) a->last - b->last;
}

static struct vx_port_range *
copy_port_ranges(const struct vx_port_range *ranges, size_t n)
{
    struct vx_port_range *copy;

    if (!n) {
        return NULL;
    }
    copy = vx_xmemdup(ranges, n * sizeof *ranges);
    qsort(copy, n, sizeof *copy, compare_port_ranges);
    return copy;
}

/* 4 or 6 if a prefix, the protocol or a next hop says so, else 0.  A
 * contradiction is for the rules to find. */
static uint8_t
match_family(const struct vx_policy *policy)
{
    const struct vx_policy_match *match = &policy->match;

    return match->family ? match->family
           : match->src.ip.family ? match->src.ip.family
           : match->dst.ip.family ? match->dst.ip.family
           : match->proto == 1 ? 4 : match->proto == 58 ? 6
           : policy->n_via ? policy->via[0].family : 0;
}

static bool
propose_policy(const struct vx_doing *d, struct vx_obj *new,
               struct vx_error *err)
{
    const struct vx_policy_spec *spec = &d->op->spec.policy;
    struct vx_policy *policy = (void *) new;
    struct vx_policy_match *match = &policy->match;

    policy->priority = spec->priority;
    policy->where = spec->where ? spec->where : VX_WHERE_HOSTS;
    policy->action = spec->action;
    policy->fail_closed = spec->fail_closed;
    policy->dscp = spec->dscp;
    policy->rate_kbps = spec->rate_kbps;
    propose_via(spec->via, spec->n_via, &policy->via, &policy->n_via);
    free(match->sports);
    free(match->dports);
    *match = spec->match;
    match->sports = copy_port_ranges(match->sports, match->n_sports);
    match->dports = copy_port_ranges(match->dports, match->n_dports);
    match->family = match_family(policy);
    match->network = 0;
    if (spec->network && spec->network[0]) {
        const struct vx_ent *net = vx_ent_by_name(
            &vx_tenant_ent(d->parent)->networks, spec->network);

        if (!net) {
            return vx_fail(err, VX_NOT_FOUND, "match.network", "no network "
                           "\"%.80s\" in tenant \"%s\" for policy \"%.80s\": "
                           "add the network first, or leave it out",
                           spec->network, d->parent->obj->name, d->name);
        }
        match->network = net->obj->oid;
    }
    return true;
}

bool
vx_propose(const struct vx_doing *d, struct vx_obj *new, struct vx_error *err)
{
    switch (d->op->kind) {
    case VX_ZONE:
        return propose_zone(d, new, err);
    case VX_ROUTE:
        propose_route(d, new);
        return true;
    case VX_POLICY:
        return propose_policy(d, new, err);
    case VX_HOST:
        return propose_host(d, new, err);
    case VX_TENANT:
        propose_tenant(d, new);
        return true;
    case VX_NETWORK:
        propose_network(d, new);
        return true;
    case VX_SUBNET:
        propose_subnet(d, new);
        return true;
    case VX_PORT:
        return propose_port(d, new, err);
    case VX_GATEWAY:
        return vx_propose_gateway(d, new, err);
    case VX_PEERING:
    case VX_UPLINK:
        return vx_propose_peering(d, new, err);
    default:
        return true;
    }
}

/* Fills in what the proposal leaves open. */
bool
vx_propose_rest(const struct vx_doing *d, struct vx_obj *new,
                struct vx_error *err)
{
    const struct vx_op *op = d->op;
    void *value = new;

    if (new->kind == VX_HOST) {
        struct vx_host *host = value;

        return host->num || vx_alloc_host_num(d->model, &host->num, err);
    }
    if (new->kind == VX_ZONE) {
        struct vx_zone *zone = value;

        return zone->num || vx_alloc_zone_num(d->model, &zone->num, err);
    }
    if (new->kind == VX_ROUTE) {
        struct vx_route *route = value;

        return route->num || vx_alloc_hop_num(d->model, &route->num, err);
    }
    if (new->kind == VX_POLICY) {
        struct vx_policy *policy = value;

        return policy->num || vx_alloc_hop_num(d->model, &policy->num, err);
    }
    if (new->kind == VX_TENANT) {
        struct vx_tenant *tenant = value;

        return tenant->router_vni
               || !(op->spec.tenant.router || tenant->budget_kbps)
               || vx_alloc_router_vni(d->model, &tenant->router_vni, err);
    }
    if (new->kind == VX_NETWORK) {
        struct vx_network *network = value;

        return network->vni || vx_alloc_vni(d->model, &network->vni, err);
    }
    if (new->kind == VX_PORT) {
        struct vx_port *port = value;
        const struct vx_network_ent *net = vx_network_ent(d->parent);

        if (!vx_mac_to_u64(&port->mac)
            && !vx_alloc_mac(d->model, net, port, err)) {
            return false;
        }
        return d->self || op->spec.port.n_ips || op->spec.port.no_ips
               || vx_alloc_ips(net, port, err);
    }
    return true;
}
