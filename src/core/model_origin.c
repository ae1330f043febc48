/* SPDX-License-Identifier: Apache-2.0 */
/* Whose an object is, and what follows from it: operators, the controller
 * itself and BGP change their own only, an operator's intent wins where both
 * want the same place, and what is not an operator's keeps nobody from
 * deleting what is.
 *
 * Removals are staged before the rules of deletion look: if those refuse, the
 * caller rolls the batch back, so nothing has happened. */
#include "core/validate.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

enum { PATH_SIZE = 3 * VX_NAME_MAX + 4 };

/* --- Who may. */

static bool
is_internal(enum vx_op_type type)
{
    return type != VX_OP_PUT && type != VX_OP_DELETE;
}

/* Where it comes from and the way out. */
static bool
not_an_operators(const struct vx_doing *d, struct vx_error *err)
{
    const struct vx_obj *obj = d->self->obj;
    const char *kind = vx_kind_name(obj->kind);
    char path[PATH_SIZE];

    vx_model_path(d->model, obj, path, sizeof path);
    if (obj->origin == VX_BY_SYSTEM) {
        return vx_fail(err, VX_FORBIDDEN, "", "%s \"%s\" belongs to the "
                       "router of its tenant and is the controller's own: it "
                       "follows the gateways that serve the tenant; change "
                       "the tenant's peerings, or what is announced", kind,
                       path);
    }
    if (obj->kind == VX_ROUTE) {
        return vx_fail(err, VX_FORBIDDEN, "", "route \"%s\" was learned by a "
                       "gateway and goes when its peer takes it back: filter "
                       "it with \"import\" of the peering, or put a route of "
                       "your own of that prefix, which takes its place",
                       path);
    }
    if (obj->kind == VX_POLICY) {
        return vx_fail(err, VX_FORBIDDEN, "", "policy \"%s\" is a FlowSpec "
                       "rule of a peer and goes when the peer takes it back: "
                       "put a policy of a higher priority, or end "
                       "\"flowspec_in\" of the peering", path);
    }
    return vx_fail(err, VX_FORBIDDEN, "", "%s \"%s\" belongs to another "
                   "fabric and was learned by EVPN: it goes when that takes "
                   "it back; \"evpn\": false of the network (--no-evpn) "
                   "keeps such out", kind, path);
}

static bool
parent_is_closed(const struct vx_doing *d)
{
    return d->op->origin == VX_BY_OPERATOR && d->parent
           && d->parent->obj->origin != VX_BY_OPERATOR;
}

bool
vx_origin_allows(const struct vx_doing *d, bool *ret_yields,
                 struct vx_error *err)
{
    enum vx_origin who = d->op->origin;
    const struct vx_obj *obj = d->self ? d->self->obj : NULL;
    char path[PATH_SIZE];

    if (is_internal(d->op->type) || (obj && obj->origin == who)) {
        return true;
    }
    if (!obj) {
        return !parent_is_closed(d)
               || vx_fail(err, VX_FORBIDDEN, "network", "network \"%s\" is "
                          "that of the tenant's router and the controller's "
                          "own: it takes no %s; use another network",
                          vx_model_path(d->model, d->parent->obj, path,
                                        sizeof path),
                          vx_kind_name(d->op->kind));
    }
    if (who == VX_BY_OPERATOR) {
        return (obj->kind == VX_ROUTE && obj->origin == VX_BY_BGP
                && d->op->type == VX_OP_PUT)
               || not_an_operators(d, err);
    }
    if (obj->kind == VX_ROUTE && obj->origin == VX_BY_OPERATOR) {
        *ret_yields = true;
        return true;
    }
    return vx_fail(err, VX_EXISTS, "name", "%s \"%s\" is %s, it cannot be "
                   "%s, too", vx_kind_name(obj->kind),
                   vx_model_path(d->model, obj, path, sizeof path),
                   obj->origin == VX_BY_OPERATOR ? "an operator's"
                   : obj->origin == VX_BY_SYSTEM ? "the controller's own"
                   : "learned",
                   who == VX_BY_SYSTEM ? "the controller's own" : "learned");
}

/* --- Removing what is not an operator's.  First all of it is noted, since
 * removing changes the trees; something of an operator's among it ends the
 * search, because then the deletion is going to be refused. */

struct bag {
    uint64_t *oids;
    size_t n, cap;
    bool blocked;
};

/* False when there is no use in going on. */
static bool
note(struct bag *bag, const struct vx_ent *ent)
{
    uint64_t oid = ent->obj->oid;

    if (ent->obj->origin == VX_BY_OPERATOR) {
        bag->blocked = true;
        return false;
    }
    if (!bag->n || bag->oids[bag->n - 1] != oid) {
        bag->oids = vx_grow(bag->oids, &bag->cap, bag->n + 1,
                            sizeof *bag->oids);
        bag->oids[bag->n++] = oid;
    }
    return true;
}

static void
note_names(struct bag *bag, const struct vx_tree *names)
{
    VX_TREE_FOR_EACH(node, names) {
        if (!note(bag, VX_CONTAINER(node, struct vx_ent, by_name))) {
            return;
        }
    }
}

static void
note_tenant(struct bag *bag, const struct vx_tenant_ent *tenant)
{
    note_names(bag, &tenant->policies);
    note_names(bag, &tenant->routes);
    note_names(bag, &tenant->peerings);
    note_names(bag, &tenant->networks);
}

static void
note_network(struct bag *bag, const struct vx_network_ent *net)
{
    VX_TREE_FOR_EACH(node, &net->policies) {
        if (!note(bag, &VX_CONTAINER(node, struct vx_policy_ent,
                                     by_network)->e)) {
            return;
        }
    }
    note_names(bag, &net->ports);
    note_names(bag, &net->subnets);
}

/* Those with next hops or addresses in it. */
static void
note_subnet(struct bag *bag, const struct vx_ent *ent)
{
    const struct vx_subnet *subnet = (const void *) ent->obj;
    const struct vx_network_ent *net = vx_network_ent(ent->parent);
    const struct vx_tenant_ent *tenant = vx_tenant_ent(ent->parent->parent);
    struct vx_tree_node *node = vx_tenant_via_node(tenant, &subnet->prefix);

    while (subnet->route && node) {
        const struct vx_via_node *via = VX_CONTAINER(node, struct vx_via_node,
                                                     node);

        if (!vx_prefix_contains(&subnet->prefix, via->ip)
            || !note(bag, via->owner)) {
            break;
        }
        node = vx_tree_next(node);
    }
    for (node = vx_tree_ceil(&net->by_ip, &subnet->prefix.ip); node;
         node = vx_tree_next(node)) {
        const struct vx_ip_node *in = VX_CONTAINER(node, struct vx_ip_node,
                                                   node);
        const struct vx_port *port = (const void *) in->port->obj;

        if (!vx_prefix_contains(&subnet->prefix, &port->ips[in->index])
            || !note(bag, in->port)) {
            break;
        }
    }
}

/* Operators' ports that are only located there do not end the search: a
 * deletion by force lets go of them. */
static void
note_host(struct bag *bag, const struct vx_host_ent *host)
{
    VX_TREE_FOR_EACH(node, &host->ports) {
        const struct vx_port_ent *port =
            VX_CONTAINER(node, struct vx_port_ent, by_host);

        if (port->e.obj->origin != VX_BY_OPERATOR) {
            note(bag, &port->e);
        }
    }
}

static void
note_zone(struct bag *bag, const struct vx_zone_ent *zone)
{
    VX_TREE_FOR_EACH(node, &zone->hosts) {
        if (!note(bag, &VX_CONTAINER(node, struct vx_host_ent,
                                     by_zone)->e)) {
            return;
        }
    }
}

void
vx_origin_clear(const struct vx_doing *d, struct vx_ent *ent)
{
    struct bag bag = { .n = 0 };
    const void *any = ent;

    switch (ent->obj->kind) {
    case VX_TENANT:
        note_tenant(&bag, any);
        break;
    case VX_NETWORK:
        note_network(&bag, any);
        break;
    case VX_SUBNET:
        note_subnet(&bag, any);
        break;
    case VX_HOST:
        note_host(&bag, any);
        break;
    case VX_ZONE:
        note_zone(&bag, any);
        break;
    default:
        break;
    }
    for (size_t i = 0; i < bag.n && !bag.blocked; i++) {
        struct vx_ent *child = vx_model_ent(d->model, bag.oids[i]);

        if (child) {
            vx_origin_clear(d, child);
            if (vx_validate_delete(d->model, child, false, NULL)) {
                vx_model_move(d, child->obj, NULL);
            }
        }
    }
    free(bag.oids);
}

/* --- Making room. */

static void
drop_learned(const struct vx_doing *d, const struct vx_ent *ent)
{
    if (ent && ent != d->self && ent->obj->origin == VX_BY_BGP) {
        vx_model_move(d, ent->obj, NULL);
    }
}

void
vx_origin_make_room(const struct vx_doing *d, const struct vx_obj *new)
{
    const void *value = new;
    const struct vx_port *port = value;
    const struct vx_network_ent *net;

    if (new->origin != VX_BY_OPERATOR) {
        return;
    }
    if (new->kind == VX_SUBNET && ((const struct vx_subnet *) value)->route) {
        drop_learned(d, vx_ent_by_name(
            &vx_tenant_ent(d->parent->parent)->routes, d->name));
    }
    if (new->kind != VX_PORT) {
        return;
    }
    net = vx_network_ent(d->parent);
    drop_learned(d, vx_network_port_by_mac(net, &port->mac));
    for (size_t i = 0; i < port->n_ips; i++) {
        drop_learned(d, vx_network_port_by_ip(net, &port->ips[i]));
    }
}
