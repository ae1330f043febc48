/* SPDX-License-Identifier: Apache-2.0 */
/* The router network of a tenant; see legs.h. */
#include "core/legs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

struct planning {
    const struct vx_model *model;
    const struct vx_tenant *tenant;
    const struct vx_network *network;   /* NULL if it is not there */
    struct vx_legs *legs;
};

static struct vx_op *
add_op(struct planning *p, enum vx_op_type type, enum vx_kind kind,
       const char *name)
{
    struct vx_legs *legs = p->legs;
    struct vx_op *op;

    legs->ops = vx_grow(legs->ops, &legs->cap, legs->n + 1,
                        sizeof *legs->ops);
    op = &legs->ops[legs->n++];
    *op = (struct vx_op) {
        .type = type, .kind = kind, .origin = VX_BY_SYSTEM,
        .key = { .tenant = p->tenant->o.name, .name = name },
    };
    if (kind == VX_SUBNET || kind == VX_PORT) {
        op->key.network = VX_ROUTER_NETWORK;
    }
    return op;
}

static const char *
keep_text(struct planning *p, char *take_text)
{
    struct vx_legs *legs = p->legs;

    legs->texts = vx_grow(legs->texts, &legs->cap_texts, legs->n_texts + 1,
                          sizeof *legs->texts);
    legs->texts[legs->n_texts++] = take_text;
    return take_text;
}

static const struct vx_obj *
find(const struct planning *p, enum vx_kind kind, const char *name)
{
    const struct vx_key key = { .tenant = p->tenant->o.name,
                                .network = VX_ROUTER_NETWORK, .name = name };

    return p->network ? vx_model_find(p->model, kind, &key, NULL) : NULL;
}

/* The biggest MTU of the tenant's networks: what they send has to get through
 * a leg.  0: it has none.  O(networks of the tenant). */
static uint16_t
biggest_mtu(const struct planning *p)
{
    const struct vx_key scope = { .tenant = p->tenant->o.name };
    const struct vx_obj *obj;
    struct vx_iter iter;
    uint16_t mtu = 0;

    vx_iter_init(&iter, p->model, VX_NETWORK, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_network *network = (const void *) obj;

        if (obj->origin == VX_BY_OPERATOR && network->mtu > mtu) {
            mtu = network->mtu;
        }
    }
    return mtu;
}

static void
want_network(struct planning *p)
{
    uint16_t mtu = biggest_mtu(p);
    struct vx_op *op;

    if (!p->network || (mtu && p->network->mtu != mtu)) {
        op = add_op(p, VX_OP_PUT, VX_NETWORK, VX_ROUTER_NETWORK);
        op->spec.network.vni = p->tenant->router_vni;
        op->spec.network.mtu = mtu;
    }
}

static void
want_subnet(struct planning *p, const char *cidr)
{
    if (!find(p, VX_SUBNET, cidr)) {
        add_op(p, VX_OP_PUT, VX_SUBNET, cidr)->spec.subnet.route = true;
    }
}

static void
want_leg(struct planning *p, const struct vx_gateway *gateway)
{
    const struct vx_obj *host = vx_model_by_oid(p->model, gateway->host);
    const struct vx_port *leg = (const void *)
        find(p, VX_PORT, gateway->o.name);
    struct vx_op *op;

    if (!host || (leg && leg->gateway == gateway->o.oid
                  && leg->host == gateway->host)) {
        return;
    }
    op = add_op(p, VX_OP_PUT, VX_PORT, gateway->o.name);
    op->spec.port.host = host->name;
    op->spec.port.no_guard = true;
    op->spec.port.gateway = gateway->o.name;
    op->spec.port.iface_id = keep_text(
        p, vx_xasprintf("vxg:%s:%s", p->tenant->o.name, gateway->o.name));
}

/* Legs of gateways that do not serve the tenant (any more). */
static void
drop_legs(struct planning *p)
{
    const struct vx_key scope = { .tenant = p->tenant->o.name,
                                  .network = VX_ROUTER_NETWORK };
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, p->model, VX_PORT, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_port *port = (const void *) obj;

        if (obj->origin == VX_BY_SYSTEM
            && !vx_model_serves(p->model, port->gateway,
                                p->tenant->o.oid)) {
            add_op(p, VX_OP_DELETE, VX_PORT, obj->name);
        }
    }
}

/* What was learned in it goes with it. */
static void
drop_network(struct planning *p)
{
    static const char *const cidrs[] = { VX_ROUTER_SUBNET4,
                                         VX_ROUTER_SUBNET6 };

    drop_legs(p);
    for (size_t i = 0; i < 2; i++) {
        if (find(p, VX_SUBNET, cidrs[i])) {
            add_op(p, VX_OP_DELETE, VX_SUBNET, cidrs[i]);
        }
    }
    add_op(p, VX_OP_DELETE, VX_NETWORK, VX_ROUTER_NETWORK);
}

void
vx_legs_plan(const struct vx_model *model, uint64_t tenant,
             struct vx_legs *ret_legs)
{
    const struct vx_obj *obj = vx_model_by_oid(model, tenant);
    struct planning p = { .model = model, .legs = ret_legs,
                          .tenant = (const void *) obj };
    const struct vx_gateway *gateway;
    struct vx_serve_iter iter;

    *ret_legs = (struct vx_legs) { .n = 0 };
    if (!obj || obj->kind != VX_TENANT) {
        return;
    }
    p.network = vx_model_router_network(model, tenant);
    vx_serving_init(&iter, model, tenant);
    gateway = vx_serving_next(&iter);
    if (!gateway) {
        if (p.network) {
            drop_network(&p);
        }
        return;
    }
    want_network(&p);
    want_subnet(&p, VX_ROUTER_SUBNET4);
    want_subnet(&p, VX_ROUTER_SUBNET6);
    if (p.network) {
        drop_legs(&p);
    }
    for (; gateway; gateway = vx_serving_next(&iter)) {
        want_leg(&p, gateway);
    }
}

void
vx_legs_fini(struct vx_legs *legs)
{
    for (size_t i = 0; i < legs->n_texts; i++) {
        free(legs->texts[i]);
    }
    free(legs->texts);
    free(legs->ops);
    *legs = (struct vx_legs) { .n = 0 };
}
