/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about an object among the others: what it refers to exists, what
 * must be unique is.  Ports have their own file. */
#include "core/validate.h"

#include <stdio.h>
#include <string.h>

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

enum { PATH_SIZE = 3 * VX_NAME_MAX + 4 };

/* --- Records from the store. */

static bool
oid_is_new(const struct vx_candidate *c, const char *field,
           struct vx_error *err)
{
    uint64_t oid = c->new->oid;
    const struct vx_ent *other = vx_model_ent(c->model, oid);

    if (c->self) {
        return true;
    }
    if (!oid || oid > VX_OID_MAX) {
        return vx_fail(err, VX_INVALID, field, "object id %ju is out of "
                       "range", (uintmax_t) oid);
    }
    return !other
           || vx_fail(err, VX_EXISTS, field, "object id %ju is that of %s "
                      "\"%s\"", (uintmax_t) oid,
                      vx_kind_name(other->obj->kind), other->obj->name);
}

static bool
name_is_new(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    return c->self
           || !vx_ent_by_name(vx_model_names(c->model, c->new->kind,
                                             c->parent), c->new->name)
           || vx_fail(err, VX_EXISTS, field, "%s \"%s\" is there twice",
                      vx_kind_name(c->new->kind), c->new->name);
}

/* The controller's own ports and subnets are in the router's network, and no
 * operator's is. */
static bool
parent_fits(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_obj *parent = c->parent ? c->parent->obj : NULL;
    bool own = c->new->origin == VX_BY_SYSTEM;

    return !parent || parent->kind != VX_NETWORK
           || (parent->origin == VX_BY_SYSTEM
               ? c->new->origin != VX_BY_OPERATOR : !own)
           || vx_fail(err, VX_INVALID, field, "%s \"%s\" does not belong "
                      "into network \"%s\"", vx_kind_name(c->new->kind),
                      c->new->name, parent->name);
}

static const struct vx_rule common_rules[] = {
    { "an object id is used once", "oid", oid_is_new },
    { "a name is used once", "name", name_is_new },
    { "the router's network is the controller's", "network", parent_fits },
};

/* --- Zones. */

static bool
zone_num(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_zone *zone = (const void *) c->new;

    return !c->loading || !vx_runset_has(&c->model->zone_nums, zone->num)
           || vx_fail(err, VX_EXISTS, field, "number %u of zone \"%s\" is "
                      "taken", zone->num, zone->o.name);
}

/* Not of a record: zones are loaded before hosts, and a host may have left
 * for another zone. */
static bool
zone_borders(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    const struct vx_zone *zone = (const void *) c->new;

    for (size_t i = 0; !c->loading && i < zone->n_borders; i++) {
        const struct vx_ent *ent = vx_model_ent_of(c->model, zone->borders[i],
                                                   VX_HOST);
        const struct vx_host *host = ent ? (const void *) ent->obj : NULL;
        const struct vx_obj *at = host ? vx_model_by_oid(c->model, host->zone)
                                       : NULL;

        if (host && host->external) {
            return vx_fail(err, VX_INVALID, field, "host \"%s\" is of "
                           "another fabric and cannot be a border of zone "
                           "\"%s\"", host->o.name, zone->o.name);
        }
        if (host && (!c->self || host->zone != zone->o.oid)) {
            return vx_fail(err, VX_INVALID, field, "host \"%s\" is in zone "
                           "\"%s\": only a host of zone \"%s\" can be its "
                           "border; move it there, or leave it out",
                           host->o.name, at ? at->name : "?", zone->o.name);
        }
    }
    return true;
}

static const struct vx_rule zone_rules[] = {
    { "a zone number is used once", "num", zone_num },
    { "border hosts are in the zone", "border_hosts", zone_borders },
};

/* --- Hosts. */

static bool
host_zone(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;

    return vx_model_ent_of(c->model, host->zone, VX_ZONE)
           || vx_fail(err, VX_NOT_FOUND, field, "the zone of host \"%s\" does "
                      "not exist", host->o.name);
}

/* NULL if nobody else has it. */
static const struct vx_host *
other_host(const struct vx_candidate *c, const struct vx_host *host)
{
    return host && host->o.oid != c->new->oid ? host : NULL;
}

static bool
host_num(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;

    if (!host->num && !c->loading) {
        return true;
    }
    if (!host->num || host->num > VX_HOST_NUM_MAX
        || other_host(c, vx_model_host_by_num(c->model, host->num))) {
        return vx_fail(err, VX_EXISTS, field, "number %u of host \"%s\" is "
                       "out of range or taken", host->num, host->o.name);
    }
    return true;
}

static bool
host_system_id(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new, *other;

    other = host->system_id[0]
        ? other_host(c, vx_model_by_system_id(c->model, host->system_id))
        : NULL;
    return !other
           || vx_fail(err, VX_EXISTS, field, "system-id \"%.100s\" already "
                      "belongs to host \"%s\": give host \"%s\" its own "
                      "(ovs-vsctl set Open_vSwitch . external_ids:system-id) "
                      "or delete the other", host->system_id, other->o.name,
                      host->o.name);
}

static bool
host_vtep(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new, *other;
    char ip[VX_IP_STRLEN];

    other = host->vtep.family
        ? other_host(c, vx_model_by_vtep(c->model, &host->vtep)) : NULL;
    return !other
           || vx_fail(err, VX_EXISTS, field, "VTEP %s already belongs to host "
                      "\"%s\": give host \"%s\" another address or delete "
                      "the other", vx_ip_format(&host->vtep, ip),
                      other->o.name, host->o.name);
}

static bool
host_vtep_family(const struct vx_candidate *c, const char *field,
                 struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;
    const struct vx_host *old = c->self ? (const void *) c->self->obj : NULL;
    bool is_v6 = host->vtep.family == 6;
    size_t n_others = c->model->n_vteps[!is_v6];

    if (old && old->vtep.family && (old->vtep.family == 6) != is_v6) {
        n_others--;
    }
    return !host->vtep.family || !n_others
           || vx_fail(err, VX_INVALID, field, "host \"%s\" has an IPv%d VTEP, "
                      "but %zu hosts have IPv%d ones: one fabric uses one "
                      "address family", host->o.name, is_v6 ? 6 : 4, n_others,
                      is_v6 ? 4 : 6);
}

static bool
host_mtu(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;
    const struct vx_network *network = vx_model_largest_network(c->model);
    char path[PATH_SIZE];
    int overhead = vx_host_overhead(host);

    return !network || !host->mtu || host->mtu - overhead >= network->mtu
           || vx_fail(err, VX_INVALID, field, "host \"%s\" has an underlay "
                      "MTU of %u, network \"%s\" needs %u + %d bytes of VXLAN "
                      "= %d: raise the MTU of the host, or lower that of the "
                      "network to %d", host->o.name, host->mtu,
                      vx_model_path(c->model, &network->o, path, sizeof path),
                      network->mtu, overhead, network->mtu + overhead,
                      host->mtu - overhead);
}

static const struct vx_rule host_rules[] = {
    { "the zone exists", "zone", host_zone },
    { "a host number is used once", "num", host_num },
    { "a system-id is used once", "system_id", host_system_id },
    { "a VTEP is used once", "vtep", host_vtep },
    { "all VTEPs are of one family", "vtep", host_vtep_family },
    { "the underlay carries the largest network", "mtu", host_mtu },
};

/* --- VNIs. */

/* RFC 3339, UTC.  Civil date out of days since the epoch by whole 400 year
 * eras that begin in March, so the leap day comes last; gmtime_r() would read
 * the environment. */
static const char *
format_time(int64_t ms, char *buf, size_t size)
{
    uint64_t seconds = ms < 0 ? 0 : (uint64_t) ms / 1000;
    uint64_t days = seconds / 86400 + 719468;
    uint64_t day = days % 146097;
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    uint64_t month;

    day -= year * 365 + year / 4 - year / 100;
    month = (5 * day + 2) / 153;            /* 0 = March */
    year += days / 146097 * 400 + (month > 9);
    snprintf(buf, size, "%04ju-%02ju-%02juT%02ju:%02ju:%02juZ",
             (uintmax_t) year,
             (uintmax_t) (month < 10 ? month + 3 : month - 9),
             (uintmax_t) (day - (153 * month + 2) / 5 + 1),
             (uintmax_t) (seconds / 3600 % 24),
             (uintmax_t) (seconds / 60 % 60), (uintmax_t) (seconds % 60));
    return buf;
}

bool
vx_validate_vni_free(const struct vx_candidate *c, uint32_t vni,
                     const char *field, struct vx_error *err)
{
    const struct vx_ent *holder = vni ? vx_model_vni_holder(c->model, vni)
                                      : NULL;
    const struct vx_retired_vni *retired;
    char text[PATH_SIZE];

    if (!holder || holder == c->self) {
        return true;
    }
    if (holder->obj->kind == VX_RETIRED_VNI) {
        retired = (const void *) holder->obj;
        return vx_fail(err, VX_EXISTS, field, "VNI %u is in quarantine until "
                       "%s and until every host has confirmed that its last "
                       "use is gone: use another, or try again then", vni,
                       format_time(retired->until_ms, text, sizeof text));
    }
    return vx_fail(err, VX_EXISTS, field, "VNI %u already belongs to %s "
                   "\"%s\": use another, or leave \"%s\" out to have one "
                   "allocated", vni, holder->obj->kind == VX_TENANT
                   ? "the router of tenant" : "network",
                   vx_model_path(c->model, holder->obj, text, sizeof text),
                   field);
}

static bool
tenant_router_vni(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    const struct vx_tenant *tenant = (const void *) c->new;

    return vx_validate_vni_free(c, tenant->router_vni, field, err);
}

/* Switches know a tenant by it. */
static bool
tenant_router_stays(const struct vx_candidate *c, const char *field,
                    struct vx_error *err)
{
    const struct vx_tenant *tenant = (const void *) c->new, *old;
    const struct vx_tenant_ent *ent;

    if (!c->self) {
        return true;
    }
    old = (const void *) c->self->obj;
    ent = vx_tenant_ent(c->self);
    return !old->router_vni || old->router_vni == tenant->router_vni
           || !(ent->routed.count || ent->policies.count || ent->router_net)
           || vx_fail(err, VX_IN_USE, field, "tenant \"%s\" has %zu routed "
                      "subnets and %zu policies%s, its router VNI stays %u: "
                      "leave \"%s\" out", tenant->o.name, ent->routed.count,
                      ent->policies.count, ent->router_net
                      ? " and is served by gateways" : "", old->router_vni,
                      field);
}

static const struct vx_rule tenant_rules[] = {
    { "a router VNI is used once", "router_vni", tenant_router_vni },
    { "the router VNI of a tenant that routes stays", "router_vni",
      tenant_router_stays },
    { "an RD is used once", "rd", vx_validate_rd_is_free },
};

/* --- Networks. */

static bool
network_quota(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_tenant *tenant = (const void *) c->parent->obj;
    const struct vx_tenant_ent *ent = vx_tenant_ent(c->parent);
    size_t used = ent->networks.count - (ent->router_net != NULL);

    return c->self || c->loading || c->new->origin != VX_BY_OPERATOR
           || !tenant->quota_networks
           || used < tenant->quota_networks
           || vx_fail(err, VX_EXHAUSTED, field, "tenant \"%s\" has %zu of %u "
                      "networks: raise its quota_networks or delete one",
                      tenant->o.name, used, tenant->quota_networks);
}

static bool
network_vni_stays(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    const struct vx_network *network = (const void *) c->new, *old;
    size_t n_ports;

    if (!c->self) {
        return true;
    }
    old = (const void *) c->self->obj;
    n_ports = vx_network_ent(c->self)->ports.count;
    return old->vni == network->vni || !n_ports
           || vx_fail(err, VX_IN_USE, field, "network \"%s\" has %zu ports, "
                      "its VNI stays %u: delete the ports first, or make "
                      "another network", network->o.name, n_ports, old->vni);
}

static bool
network_vni(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_network *network = (const void *) c->new;
    const struct vx_tenant *tenant = (const void *) c->parent->obj;

    if (!vx_network_is_router(network)) {
        return vx_validate_vni_free(c, network->vni, field, err);
    }
    return (network->vni && network->vni == tenant->router_vni)
           || vx_fail(err, VX_INVALID, field, "VNI %u of network \"%s\" is "
                      "not that of the router of tenant \"%s\", which is "
                      "%u", network->vni, network->o.name, tenant->o.name,
                      tenant->router_vni);
}

static bool
network_mtu(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_network *network = (const void *) c->new;
    const struct vx_host *host = vx_model_smallest_host(c->model);
    int overhead;

    if (!host || (c->loading && vx_network_is_router(network))) {
        return true;
    }
    overhead = vx_host_overhead(host);
    return network->mtu <= host->mtu - overhead
           || vx_fail(err, VX_INVALID, field, "network \"%s\" needs %u + %d "
                      "bytes of VXLAN = %d, host \"%s\" has an underlay MTU "
                      "of %u: use at most %d, or raise the MTU of the host",
                      network->o.name, network->mtu, overhead,
                      network->mtu + overhead, host->o.name, host->mtu,
                      host->mtu - overhead);
}

static const struct vx_rule network_rules[] = {
    { "the quota of networks is kept", "quota_networks", network_quota },
    { "the VNI of a network with ports stays", "vni", network_vni_stays },
    { "a VNI is used once", "vni", network_vni },
    { "every known underlay carries the MTU", "mtu", network_mtu },
};

/* --- Subnets. */

static bool
subnet_count(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    return c->self
           || vx_network_ent(c->parent)->subnets.count
                  < VX_NETWORK_MAX_SUBNETS
           || vx_fail(err, VX_EXHAUSTED, field, "network \"%s\" already has "
                      "%d subnets, which is the most", c->parent->obj->name,
                      VX_NETWORK_MAX_SUBNETS);
}

/* Subnets do not overlap, so only the neighbours can meet the new one. */
static bool
subnet_overlap(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new, *other;
    const struct vx_tree *tree = &vx_network_ent(c->parent)->by_prefix;
    struct vx_tree_node *near[2] = {
        vx_tree_floor(tree, &subnet->prefix.ip),
        vx_tree_ceil(tree, &subnet->prefix.ip),
    };

    for (int i = 0; i < 2; i++) {
        if (!near[i]) {
            continue;
        }
        other = (const void *) VX_CONTAINER(near[i], struct vx_subnet_ent,
                                            by_prefix)->e.obj;
        if (other->o.oid != subnet->o.oid
            && vx_prefix_overlaps(&subnet->prefix, &other->prefix)) {
            return vx_fail(err, VX_EXISTS, field, "subnet %s overlaps subnet "
                           "%s of network \"%s\"", subnet->o.name,
                           other->o.name, c->parent->obj->name);
        }
    }
    return true;
}

static bool
subnet_gateway(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;
    const struct vx_ent *port = subnet->gateway.family
        ? vx_network_port_by_ip(vx_network_ent(c->parent), &subnet->gateway)
        : NULL;
    char ip[VX_IP_STRLEN];

    return !port
           || vx_fail(err, VX_IN_USE, field, "gateway %s of subnet %s is an "
                      "address of port \"%s\": use another, or none",
                      vx_ip_format(&subnet->gateway, ip), subnet->o.name,
                      port->obj->name);
}

/* Routed subnets of a tenant do not overlap either; they have an index of
 * their own. */
static bool
subnet_routed_overlap(const struct vx_candidate *c, const char *field,
                      struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new, *other;
    const struct vx_ent *tenant = c->parent->parent;
    const struct vx_tree *tree = &vx_tenant_ent(tenant)->routed;
    struct vx_tree_node *near[2] = {
        vx_tree_floor(tree, &subnet->prefix.ip),
        vx_tree_ceil(tree, &subnet->prefix.ip),
    };
    char path[2 * PATH_SIZE];

    for (int i = 0; subnet->route && i < 2; i++) {
        if (!near[i]) {
            continue;
        }
        other = (const void *) VX_CONTAINER(near[i], struct vx_subnet_ent,
                                            by_routed)->e.obj;
        if (other->o.oid != subnet->o.oid
            && vx_prefix_overlaps(&subnet->prefix, &other->prefix)) {
            return vx_fail(err, VX_EXISTS, field, "subnet %s overlaps subnet "
                           "%s, which tenant \"%s\" routes, too: choose "
                           "another prefix, or do not route it (route=false, "
                           "--no-route)", subnet->o.name,
                           vx_model_path(c->model, &other->o, path,
                                         sizeof path), tenant->obj->name);
        }
    }
    return true;
}

/* The rows of a static route and of a subnet of the same prefix would be one
 * row. */
static bool
subnet_is_no_route(const struct vx_candidate *c, const char *field,
                   struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;
    const struct vx_ent *tenant = c->parent->parent;

    return !subnet->route
           || !vx_ent_by_name(&vx_tenant_ent(tenant)->routes, subnet->o.name)
           || vx_fail(err, VX_EXISTS, field, "tenant \"%s\" has a static "
                      "route %s: delete it first, or do not route the subnet "
                      "(route=false, --no-route)", tenant->obj->name,
                      subnet->o.name);
}

static bool
subnet_has_router(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;
    const struct vx_tenant *tenant = (const void *) c->parent->parent->obj;

    return !c->loading || !subnet->route || tenant->router_vni
           || vx_fail(err, VX_INVALID, field, "subnet %s is routed and "
                      "tenant \"%s\" has no router", subnet->o.name,
                      tenant->o.name);
}

/* Next hops of routes and policies lie in routed subnets. */
static bool
subnet_vias(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;
    const struct vx_subnet *old = c->self ? (const void *) c->self->obj
                                          : NULL;
    const struct vx_tenant_ent *tenant = vx_tenant_ent(c->parent->parent);
    const struct vx_prefix gateway = {
        subnet->gateway, (uint8_t) vx_ip_bits(&subnet->gateway),
    };
    const struct vx_ent *user;

    if (!old || !old->route) {
        return true;
    }
    user = vx_tenant_via_in(tenant, &subnet->prefix);
    if (user && !subnet->route) {
        return vx_fail(err, VX_IN_USE, field, "subnet %s has next hops of %s "
                       "\"%s\": it stays routed until that is changed or "
                       "deleted", subnet->o.name,
                       vx_kind_name(user->obj->kind), user->obj->name);
    }
    user = user ? vx_tenant_via_in(tenant, &gateway) : NULL;
    return !user
           || vx_fail(err, VX_IN_USE, "gateway", "the gateway of subnet %s "
                      "would be a next hop of %s \"%s\": use another "
                      "address", subnet->o.name,
                      vx_kind_name(user->obj->kind), user->obj->name);
}

static const struct vx_rule subnet_rules[] = {
    { "a network has a bounded number of subnets", "name", subnet_count },
    { "subnets of a network do not overlap", "name", subnet_overlap },
    { "a gateway is no port's address", "gateway", subnet_gateway },
    { "routed subnets of a tenant do not overlap", "route",
      subnet_routed_overlap },
    { "a routed subnet is no static route", "route", subnet_is_no_route },
    { "what is routed has a router", "route", subnet_has_router },
    { "next hops stay in routed subnets", "route", subnet_vias },
};

/* --- Retired VNIs. */

static bool
retired_vni(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_retired_vni *retired = (const void *) c->new;

    return vx_validate_vni_free(c, retired->vni, field, err);
}

static const struct vx_rule retired_rules[] = {
    { "a retired VNI is not in use", "vni", retired_vni },
};

bool
vx_validate_place(const struct vx_candidate *c, struct vx_error *err)
{
#define HOLD(RULES) vx_rules_hold(RULES, N_ELEMS(RULES), c, err)
    if (!HOLD(common_rules)) {
        return false;
    }
    switch (c->new->kind) {
    case VX_ZONE:
        return HOLD(zone_rules);
    case VX_ROUTE:
    case VX_POLICY:
        return vx_validate_hops_place(c, err);
    case VX_GATEWAY:
    case VX_PEERING:
    case VX_UPLINK:
        return vx_validate_bgp_place(c, err);
    case VX_HOST:
        return HOLD(host_rules);
    case VX_TENANT:
        return HOLD(tenant_rules);
    case VX_NETWORK:
        return HOLD(network_rules);
    case VX_SUBNET:
        return HOLD(subnet_rules);
    case VX_PORT:
        return vx_rules_hold(vx_port_place_rules, vx_n_port_place_rules, c,
                             err);
    case VX_RETIRED_VNI:
        return HOLD(retired_rules);
    default:
        return true;
    }
#undef HOLD
}
