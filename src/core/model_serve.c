/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways among the indexes: sessions of a gateway, whom it serves, who
 * announces something; and the look-ups and iterators on top of them.
 *
 * That a gateway serves a tenant has two reasons, and both are counted where
 * they arise: a vx_serve_node counts the tenant's peerings at the gateway;
 * gateways with an uplink for VPN routes or EVPN and tenants that announce
 * something are in one tree each, and every pair of them counts.  So nobody
 * walks all tenants for a gateway, or all peerings for a tenant. */
#include "core/model_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

enum { AF_OF_SERVING = VX_AF_VPNV4 | VX_AF_VPNV6 | VX_AF_EVPN };

static int
compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static const struct vx_peering *
peering_of(const struct vx_peering_ent *ent)
{
    return (const struct vx_peering *) (const void *) ent->e.obj;
}

static const struct vx_tenant *
tenant_of(const struct vx_tenant_ent *ent)
{
    return (const struct vx_tenant *) (const void *) ent->e.obj;
}

static const struct vx_gateway *
gateway_of(const struct vx_gateway_ent *ent)
{
    return (const struct vx_gateway *) (const void *) ent->e.obj;
}

static struct vx_gateway_ent *
gateway_ent(const struct vx_model *model, uint64_t oid)
{
    return (struct vx_gateway_ent *) (void *)
        vx_model_ent_of(model, oid, VX_GATEWAY);
}

static struct vx_tenant_ent *
tenant_ent(const struct vx_model *model, uint64_t oid)
{
    return (struct vx_tenant_ent *) (void *)
        vx_model_ent_of(model, oid, VX_TENANT);
}

/* --- Orders. */

static int
session_by_oid(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct vx_peering_ent,
                                    by_gateway)->e.obj->oid);
}

static int
uplink_by_oid(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct vx_peering_ent,
                                    by_uplink)->e.obj->oid);
}

static int
serve_by_tenant(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct vx_serve_node,
                                    by_tenant)->tenant->e.obj->oid);
}

static int
serve_by_gateway(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct vx_serve_node,
                                    by_gateway)->gateway->e.obj->oid);
}

static int
fabric_by_oid(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct vx_gateway_ent,
                                    by_fabric)->e.obj->oid);
}

static int
announcer_by_oid(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct vx_tenant_ent,
                                    by_announce)->e.obj->oid);
}

static int
tenant_by_rd(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       tenant_of(VX_CONTAINER(node, struct vx_tenant_ent,
                                              by_rd))->rd);
}

/* Keys are peerings.  The parent is the tenant, 0 for an uplink. */
static int
by_peer(const void *key, const struct vx_tree_node *node)
{
    const struct vx_peering *a = key, *b =
        peering_of(VX_CONTAINER(node, struct vx_peering_ent, by_peer));
    int c = compare_u64(a->gateway, b->gateway);

    c = c ? c : compare_u64(a->o.parent, b->o.parent);
    return c ? c : vx_ip_compare(&a->peer, &b->peer);
}

static int
by_device(const void *key, const struct vx_tree_node *node)
{
    const struct vx_peering *a = key, *b =
        peering_of(VX_CONTAINER(node, struct vx_peering_ent, by_device));
    int c = compare_u64(a->gateway, b->gateway);

    return c ? c : strcmp(a->device, b->device);
}

void
vx_serve_init(struct vx_model *model)
{
    vx_tree_init(&model->fabric_gateways, fabric_by_oid);
    vx_tree_init(&model->announcers, announcer_by_oid);
    vx_tree_init(&model->rds, tenant_by_rd);
    vx_tree_init(&model->peers, by_peer);
    vx_tree_init(&model->devices, by_device);
}

void
vx_serve_init_gateway(struct vx_gateway_ent *gateway)
{
    vx_tree_init(&gateway->sessions, session_by_oid);
    vx_tree_init(&gateway->uplinks, uplink_by_oid);
    vx_tree_init(&gateway->tenants, serve_by_tenant);
}

void
vx_serve_init_tenant(struct vx_tenant_ent *tenant)
{
    vx_tree_init(&tenant->gateways, serve_by_gateway);
}

void
vx_serve_free_gateway(struct vx_gateway_ent *ent)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &ent->tenants) {
        struct vx_serve_node *serve =
            VX_CONTAINER(node, struct vx_serve_node, by_tenant);

        vx_tree_remove(&ent->tenants, node);
        free(serve);
    }
}

/* --- Link and unlink. */

void
vx_gateway_link(struct vx_model *model, struct vx_gateway_ent *ent)
{
    struct vx_host_ent *host = (void *)
        vx_model_ent(model, gateway_of(ent)->host);

    assert(!host->gateway);
    host->gateway = ent;
}

void
vx_gateway_unlink(struct vx_model *model, struct vx_gateway_ent *ent)
{
    struct vx_host_ent *host = (void *)
        vx_model_ent(model, gateway_of(ent)->host);

    host->gateway = NULL;
}

static void
serve_link(struct vx_gateway_ent *gateway, struct vx_tenant_ent *tenant)
{
    uint64_t gateway_oid = gateway->e.obj->oid;
    uint64_t tenant_oid = tenant->e.obj->oid;
    struct vx_tree_node *node = vx_tree_find(&tenant->gateways,
                                             &gateway_oid);
    struct vx_serve_node *serve;

    if (node) {
        VX_CONTAINER(node, struct vx_serve_node, by_gateway)->n++;
        return;
    }
    serve = vx_xcalloc(1, sizeof *serve);
    serve->gateway = gateway;
    serve->tenant = tenant;
    serve->n = 1;
    vx_tree_insert(&tenant->gateways, &gateway_oid, &serve->by_gateway);
    vx_tree_insert(&gateway->tenants, &tenant_oid, &serve->by_tenant);
}

static void
serve_unlink(struct vx_gateway_ent *gateway, struct vx_tenant_ent *tenant)
{
    struct vx_serve_node *serve = VX_CONTAINER(
        vx_tree_find(&tenant->gateways, &gateway->e.obj->oid),
        struct vx_serve_node, by_gateway);

    if (!--serve->n) {
        vx_tree_remove(&tenant->gateways, &serve->by_gateway);
        vx_tree_remove(&gateway->tenants, &serve->by_tenant);
        free(serve);
    }
}

static void
uplink_link(struct vx_model *model, struct vx_gateway_ent *gateway,
            struct vx_peering_ent *ent)
{
    vx_tree_insert(&gateway->uplinks, &ent->e.obj->oid, &ent->by_uplink);
    if ((peering_of(ent)->families & AF_OF_SERVING)
        && !gateway->n_fabric++) {
        vx_tree_insert(&model->fabric_gateways, &gateway->e.obj->oid,
                       &gateway->by_fabric);
    }
}

static void
uplink_unlink(struct vx_model *model, struct vx_gateway_ent *gateway,
              struct vx_peering_ent *ent)
{
    vx_tree_remove(&gateway->uplinks, &ent->by_uplink);
    if ((peering_of(ent)->families & AF_OF_SERVING)
        && !--gateway->n_fabric) {
        vx_tree_remove(&model->fabric_gateways, &gateway->by_fabric);
    }
}

void
vx_peering_link(struct vx_model *model, struct vx_peering_ent *ent)
{
    const struct vx_peering *peering = peering_of(ent);
    struct vx_gateway_ent *gateway = gateway_ent(model, peering->gateway);

    vx_tree_insert(&gateway->sessions, &peering->o.oid, &ent->by_gateway);
    vx_tree_insert(&model->peers, peering, &ent->by_peer);
    if (peering->device[0]) {
        vx_tree_insert(&model->devices, peering, &ent->by_device);
    }
    if (peering->o.kind == VX_UPLINK) {
        uplink_link(model, gateway, ent);
    } else {
        serve_link(gateway, (void *) ent->e.parent);
    }
}

void
vx_peering_unlink(struct vx_model *model, struct vx_peering_ent *ent)
{
    const struct vx_peering *peering = peering_of(ent);
    struct vx_gateway_ent *gateway = gateway_ent(model, peering->gateway);

    vx_tree_remove(&gateway->sessions, &ent->by_gateway);
    vx_tree_remove(&model->peers, &ent->by_peer);
    if (peering->device[0]) {
        vx_tree_remove(&model->devices, &ent->by_device);
    }
    if (peering->o.kind == VX_UPLINK) {
        uplink_unlink(model, gateway, ent);
    } else {
        serve_unlink(gateway, (void *) ent->e.parent);
    }
}

void
vx_serve_announce(struct vx_model *model, struct vx_tenant_ent *tenant,
                  int step)
{
    bool had = tenant->n_announced != 0;

    tenant->n_announced += (size_t) step;
    if (tenant->n_announced && !had) {
        vx_tree_insert(&model->announcers, &tenant->e.obj->oid,
                       &tenant->by_announce);
    } else if (had && !tenant->n_announced) {
        vx_tree_remove(&model->announcers, &tenant->by_announce);
    }
}

void
vx_serve_rd_link(struct vx_model *model, struct vx_tenant_ent *tenant)
{
    uint64_t rd = tenant_of(tenant)->rd;

    if (rd) {
        vx_tree_insert(&model->rds, &rd, &tenant->by_rd);
    }
}

void
vx_serve_rd_unlink(struct vx_model *model, struct vx_tenant_ent *tenant)
{
    if (tenant_of(tenant)->rd) {
        vx_tree_remove(&model->rds, &tenant->by_rd);
    }
}

/* --- Look-ups. */

struct vx_ent *
vx_model_by_rd(const struct vx_model *model, uint64_t rd)
{
    struct vx_tree_node *node = rd ? vx_tree_find(&model->rds, &rd) : NULL;

    return node ? &VX_CONTAINER(node, struct vx_tenant_ent, by_rd)->e : NULL;
}

struct vx_ent *
vx_model_session(const struct vx_model *model,
                 const struct vx_peering *peering)
{
    struct vx_tree_node *node = vx_tree_find(&model->peers, peering);

    return node ? &VX_CONTAINER(node, struct vx_peering_ent, by_peer)->e
                : NULL;
}

struct vx_ent *
vx_model_device(const struct vx_model *model,
                const struct vx_peering *peering)
{
    struct vx_tree_node *node = vx_tree_find(&model->devices, peering);

    return node ? &VX_CONTAINER(node, struct vx_peering_ent, by_device)->e
                : NULL;
}

const struct vx_gateway *
vx_model_gateway_of_host(const struct vx_model *model, uint64_t host)
{
    const struct vx_ent *ent = vx_model_ent_of(model, host, VX_HOST);
    const struct vx_gateway_ent *gateway = ent
        ? ((const struct vx_host_ent *) (const void *) ent)->gateway : NULL;

    return gateway ? gateway_of(gateway) : NULL;
}

uint32_t
vx_model_gateway_as(const struct vx_model *model,
                    const struct vx_gateway *gateway)
{
    const struct vx_gateway_ent *ent = gateway_ent(model, gateway->o.oid);

    if (gateway->as) {
        return gateway->as;
    }
    for (struct vx_tree_node *node = ent ? vx_tree_first(&ent->uplinks)
                                         : NULL;
         node; node = vx_tree_next(node)) {
        const struct vx_peering *uplink = peering_of(
            VX_CONTAINER(node, struct vx_peering_ent, by_uplink));

        if (uplink->local_as) {
            return uplink->local_as;
        }
    }
    return VX_AS_DEFAULT;
}

uint32_t
vx_model_local_as(const struct vx_model *model,
                  const struct vx_peering *peering)
{
    const struct vx_gateway_ent *ent = gateway_ent(model, peering->gateway);

    return peering->local_as || !ent ? peering->local_as
        : vx_model_gateway_as(model, gateway_of(ent));
}

bool
vx_model_serves(const struct vx_model *model, uint64_t gateway,
                uint64_t tenant)
{
    const struct vx_gateway_ent *g = gateway_ent(model, gateway);
    const struct vx_tenant_ent *t = tenant_ent(model, tenant);

    return g && t && ((g->n_fabric && t->n_announced)
                      || vx_tree_find(&t->gateways, &gateway));
}

void
vx_model_announced_via(const struct vx_model *model, uint64_t tenant,
                       const struct vx_prefix *prefix, vx_model_route_cb *f,
                       void *aux)
{
    const struct vx_tenant_ent *ent = tenant_ent(model, tenant);
    struct vx_tree_node *node = ent && ent->n_announced
        ? vx_tenant_via_node(ent, prefix) : NULL;

    for (; node; node = vx_tree_next(node)) {
        const struct vx_via_node *via = VX_CONTAINER(node, struct vx_via_node,
                                                     node);
        const struct vx_obj *owner = via->owner->obj;
        const struct vx_route *route = (const void *) owner;

        if (!vx_prefix_contains(prefix, via->ip)) {
            break;
        }
        if (owner->kind == VX_ROUTE && owner->origin == VX_BY_OPERATOR
            && route->announce) {
            f(aux, route);
        }
    }
}

size_t
vx_model_n_announced(const struct vx_model *model, uint64_t tenant)
{
    const struct vx_tenant_ent *ent = tenant_ent(model, tenant);

    return ent ? ent->n_announced : 0;
}

size_t
vx_model_n_fabric_uplinks(const struct vx_model *model, uint64_t gateway)
{
    const struct vx_gateway_ent *ent = gateway_ent(model, gateway);

    return ent ? ent->n_fabric : 0;
}

const struct vx_network *
vx_model_router_network(const struct vx_model *model, uint64_t tenant)
{
    const struct vx_tenant_ent *ent = tenant_ent(model, tenant);

    return ent && ent->router_net ? (const void *) ent->router_net->obj
                                  : NULL;
}

const struct vx_port *
vx_model_leg(const struct vx_model *model, uint64_t gateway, uint64_t tenant)
{
    const struct vx_gateway_ent *g = gateway_ent(model, gateway);
    const struct vx_tenant_ent *t = tenant_ent(model, tenant);
    const struct vx_ent *ent = g && t && t->router_net
        ? vx_ent_by_name(&vx_network_ent(t->router_net)->ports,
                         g->e.obj->name) : NULL;
    const struct vx_port *port = ent ? (const void *) ent->obj : NULL;

    return port && port->gateway == gateway ? port : NULL;
}

/* --- Iteration. */

void
vx_peerings_init(struct vx_serve_iter *iter, const struct vx_model *model,
                 uint64_t gateway)
{
    const struct vx_gateway_ent *ent = gateway_ent(model, gateway);

    iter->own = ent ? vx_tree_first(&ent->sessions) : NULL;
    iter->all = NULL;
}

const struct vx_peering *
vx_peerings_next(struct vx_serve_iter *iter)
{
    const struct vx_tree_node *node = iter->own;

    if (!node) {
        return NULL;
    }
    iter->own = vx_tree_next(node);
    return peering_of(VX_CONTAINER(node, struct vx_peering_ent, by_gateway));
}

void
vx_served_init(struct vx_serve_iter *iter, const struct vx_model *model,
               uint64_t gateway)
{
    const struct vx_gateway_ent *ent = gateway_ent(model, gateway);

    iter->own = ent ? vx_tree_first(&ent->tenants) : NULL;
    iter->all = ent && ent->n_fabric ? vx_tree_first(&model->announcers)
                                     : NULL;
}

/* Moves on to the lesser of two, both if they are the same.  Returns it. */
static const struct vx_ent *
take_lesser(struct vx_serve_iter *iter, const struct vx_ent *own,
            const struct vx_ent *all)
{
    int c = !own ? 1 : !all ? -1 : compare_u64(own->obj->oid, all->obj->oid);

    if (c <= 0) {
        iter->own = vx_tree_next(iter->own);
    }
    if (c >= 0) {
        iter->all = vx_tree_next(iter->all);
    }
    return c <= 0 ? own : all;
}

const struct vx_tenant *
vx_served_next(struct vx_serve_iter *iter)
{
    const struct vx_ent *own = iter->own
        ? &VX_CONTAINER(iter->own, struct vx_serve_node,
                        by_tenant)->tenant->e : NULL;
    const struct vx_ent *all = iter->all
        ? &VX_CONTAINER(iter->all, struct vx_tenant_ent, by_announce)->e
        : NULL;

    return own || all ? (const void *) take_lesser(iter, own, all)->obj
                      : NULL;
}

void
vx_serving_init(struct vx_serve_iter *iter, const struct vx_model *model,
                uint64_t tenant)
{
    const struct vx_tenant_ent *ent = tenant_ent(model, tenant);

    iter->own = ent ? vx_tree_first(&ent->gateways) : NULL;
    iter->all = ent && ent->n_announced
        ? vx_tree_first(&model->fabric_gateways) : NULL;
}

const struct vx_gateway *
vx_serving_next(struct vx_serve_iter *iter)
{
    const struct vx_ent *own = iter->own
        ? &VX_CONTAINER(iter->own, struct vx_serve_node,
                        by_gateway)->gateway->e : NULL;
    const struct vx_ent *all = iter->all
        ? &VX_CONTAINER(iter->all, struct vx_gateway_ent, by_fabric)->e
        : NULL;

    return own || all ? (const void *) take_lesser(iter, own, all)->obj
                      : NULL;
}
