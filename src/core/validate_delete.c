/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of deletion: nothing goes while others need it.  The message counts
 * them and names the first. */
#include "core/validate.h"

#include <string.h>

enum { PATH_SIZE = 3 * VX_NAME_MAX + 4 };

/* The first that an operator made, else the first at all: what is not an
 * operator's goes by itself (model_origin.c) and is no example of what keeps
 * others. */
static const char *
first_name(const struct vx_tree *names)
{
    VX_TREE_FOR_EACH(node, names) {
        const struct vx_obj *obj = VX_CONTAINER(node, struct vx_ent,
                                                by_name)->obj;

        if (obj->origin == VX_BY_OPERATOR) {
            return obj->name;
        }
    }
    return VX_CONTAINER(vx_tree_first(names), struct vx_ent,
                        by_name)->obj->name;
}

static const char *
plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static bool
zone_is_empty(const struct vx_ent *ent, struct vx_error *err)
{
    const struct vx_tree *hosts =
        &((const struct vx_zone_ent *) (const void *) ent)->hosts;

    if (!hosts->count) {
        return true;
    }
    return vx_fail(err, VX_IN_USE, "", "zone \"%s\" has %zu host%s, for "
                   "example \"%s\": move or delete them first",
                   ent->obj->name, hosts->count, plural(hosts->count),
                   VX_CONTAINER(vx_tree_first(hosts), struct vx_host_ent,
                                by_zone)->e.obj->name);
}

/* The first port that is there by intent, else the first at all. */
static const struct vx_port *
count_ports(const struct vx_tree *ports, size_t *ret_n_intent)
{
    const struct vx_port *first = NULL;
    size_t n_intent = 0;

    VX_TREE_FOR_EACH(node, ports) {
        const struct vx_port *port = (const void *)
            VX_CONTAINER(node, struct vx_port_ent, by_host)->e.obj;

        if (!first || (port->host && !n_intent)) {
            first = port;
        }
        n_intent += port->host != 0;
    }
    *ret_n_intent = n_intent;
    return first;
}

static bool
arrivals_fail(const struct vx_model *model, const struct vx_ent *ent,
              struct vx_error *err)
{
    const struct vx_tree *arrivals =
        &((const struct vx_host_ent *) (const void *) ent)->arrivals;
    char path[PATH_SIZE];

    return vx_fail(err, VX_IN_USE, "", "%zu port%s migrate%s to host \"%s\", "
                   "for example \"%s\": end the migration first",
                   arrivals->count, plural(arrivals->count),
                   arrivals->count == 1 ? "s" : "", ent->obj->name,
                   vx_model_path(model, VX_CONTAINER(vx_tree_first(arrivals),
                                     struct vx_port_ent, by_target)->e.obj,
                                 path, sizeof path));
}

/* Zones are few, and hosts are seldom deleted. */
static bool
host_is_no_border(const struct vx_model *model, const struct vx_ent *ent,
                  struct vx_error *err)
{
    VX_TREE_FOR_EACH(node, &model->by_name[VX_ZONE]) {
        const struct vx_zone *zone = (const void *)
            VX_CONTAINER(node, struct vx_ent, by_name)->obj;

        for (size_t i = 0; i < zone->n_borders; i++) {
            if (zone->borders[i] == ent->obj->oid) {
                return vx_fail(err, VX_IN_USE, "", "host \"%s\" is a border "
                               "of zone \"%s\": give the zone other border "
                               "hosts first", ent->obj->name, zone->o.name);
            }
        }
    }
    return true;
}

static bool
host_is_no_gateway(const struct vx_ent *ent, struct vx_error *err)
{
    const struct vx_gateway_ent *gateway =
        ((const struct vx_host_ent *) (const void *) ent)->gateway;

    return !gateway
           || vx_fail(err, VX_IN_USE, "", "host \"%s\" is that of gateway "
                      "\"%s\": delete the gateway first, or give it another "
                      "host", ent->obj->name, gateway->e.obj->name);
}

static bool
gateway_is_unused(const struct vx_model *model, const struct vx_ent *ent,
                  struct vx_error *err)
{
    const struct vx_tree *sessions =
        &((const struct vx_gateway_ent *) (const void *) ent)->sessions;
    const struct vx_obj *first;
    char path[PATH_SIZE];

    if (!sessions->count) {
        return true;
    }
    first = VX_CONTAINER(vx_tree_first(sessions), struct vx_peering_ent,
                         by_gateway)->e.obj;
    return vx_fail(err, VX_IN_USE, "", "gateway \"%s\" has %zu peering%s, for "
                   "example \"%s\": delete them first, or move them to "
                   "another gateway", ent->obj->name, sessions->count,
                   plural(sessions->count),
                   vx_model_path(model, first, path, sizeof path));
}

static bool
host_is_empty(const struct vx_model *model, const struct vx_ent *ent,
              bool force, struct vx_error *err)
{
    const struct vx_tree *ports =
        &((const struct vx_host_ent *) (const void *) ent)->ports;
    const char *name = ent->obj->name;
    const struct vx_port *first;
    char path[PATH_SIZE];
    size_t n_intent;

    if (((const struct vx_host_ent *) (const void *) ent)->arrivals.count) {
        return arrivals_fail(model, ent, err);
    }
    if (!ports->count) {
        return true;
    }
    first = count_ports(ports, &n_intent);
    vx_model_path(model, &first->o, path, sizeof path);
    if (!n_intent) {
        return force
               || vx_fail(err, VX_IN_USE, "", "host \"%s\" has %zu port%s "
                          "that may be anywhere, last seen there, for "
                          "example \"%s\": move or delete them first, or "
                          "delete the host by force, which lets go of them",
                          name, ports->count, plural(ports->count), path);
    }
    return vx_fail(err, VX_IN_USE, "", "host \"%s\" has %zu port%s, for "
                   "example \"%s\": move or delete them first", name,
                   force ? n_intent : ports->count,
                   plural(force ? n_intent : ports->count), path);
}

static bool
has_none(const struct vx_ent *tenant, const struct vx_tree *names, size_t n,
         const char *what, struct vx_error *err)
{
    return !n
           || vx_fail(err, VX_IN_USE, "", "tenant \"%s\" has %zu %s%s, for "
                      "example \"%s\": delete them first",
                      tenant->obj->name, n, what,
                      strcmp(what, "polic") ? plural(n)
                      : n == 1 ? "y" : "ies", first_name(names));
}

static size_t
n_operators(const struct vx_tree *names)
{
    size_t n = 0;

    VX_TREE_FOR_EACH(node, names) {
        n += VX_CONTAINER(node, struct vx_ent, by_name)->obj->origin
             == VX_BY_OPERATOR;
    }
    return n;
}

static bool
tenant_is_empty(const struct vx_ent *ent, struct vx_error *err)
{
    const struct vx_tenant_ent *t = vx_tenant_ent(ent);

    return has_none(ent, &t->routes, t->routes.count - t->n_learned_routes,
                    "route", err)
           && has_none(ent, &t->policies, n_operators(&t->policies), "polic",
                       err)
           && has_none(ent, &t->peerings, t->peerings.count, "peering", err)
           && has_none(ent, &t->networks,
                       t->networks.count - (t->router_net != NULL),
                       "network", err);
}

static bool
network_is_empty(const struct vx_ent *ent, struct vx_error *err)
{
    const struct vx_network_ent *net = vx_network_ent(ent);
    size_t n_subnets = net->subnets.count, n_ports = net->ports.count;

    if (!n_subnets && !n_ports) {
        return !net->policies.count
               || vx_fail(err, VX_IN_USE, "", "network \"%s\" is in the "
                          "match of policy \"%s\": change or delete that "
                          "first", ent->obj->name,
                          VX_CONTAINER(vx_tree_first(&net->policies),
                                       struct vx_policy_ent,
                                       by_network)->e.obj->name);
    }
    return vx_fail(err, VX_IN_USE, "", "network \"%s\" has %zu subnet%s and "
                   "%zu port%s, for example %s \"%s\": delete them first",
                   ent->obj->name, n_subnets, plural(n_subnets), n_ports,
                   plural(n_ports), n_ports ? "port" : "subnet",
                   first_name(n_ports ? &net->ports : &net->subnets));
}

static bool
subnet_is_empty(const struct vx_ent *ent, struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) ent->obj;
    const struct vx_ent *port =
        vx_network_port_in(vx_network_ent(ent->parent), &subnet->prefix);
    const struct vx_ent *user = !subnet->route ? NULL
        : vx_tenant_via_in(vx_tenant_ent(ent->parent->parent),
                           &subnet->prefix);

    if (user) {
        return vx_fail(err, VX_IN_USE, "", "subnet %s of network \"%s\" has "
                       "next hops of %s \"%s\": change or delete that first",
                       subnet->o.name, ent->parent->obj->name,
                       vx_kind_name(user->obj->kind), user->obj->name);
    }
    return !port
           || vx_fail(err, VX_IN_USE, "", "subnet %s of network \"%s\" has "
                      "addresses in use, for example by port \"%s\": delete "
                      "those ports or give them other addresses first",
                      subnet->o.name, ent->parent->obj->name,
                      port->obj->name);
}

bool
vx_validate_delete(const struct vx_model *model, const struct vx_ent *ent,
                   bool force, struct vx_error *err)
{
    switch (ent->obj->kind) {
    case VX_ZONE:
        return zone_is_empty(ent, err);
    case VX_HOST:
        return host_is_no_border(model, ent, err)
               && host_is_no_gateway(ent, err)
               && host_is_empty(model, ent, force, err);
    case VX_TENANT:
        return tenant_is_empty(ent, err);
    case VX_NETWORK:
        return network_is_empty(ent, err);
    case VX_SUBNET:
        return subnet_is_empty(ent, err);
    case VX_GATEWAY:
        return gateway_is_unused(model, ent, err);
    default:
        return true;
    }
}
