/* SPDX-License-Identifier: Apache-2.0 */
/* How a network is seen by its rows (its segment), and what changes it: its
 * object, its subnets, its tenant's router, the MTUs of its neighbours.
 *
 * A network that becomes routed: the way to it is on all hosts that the
 * tenant's router reaches before a tap takes it; and in reverse.  A network
 * costs its own members and ports; only one that has, or gets, the biggest MTU
 * of the tenant makes the others look at theirs. */
#include <stdlib.h>
#include <string.h>

#include "core/fabric_graph.h"
#include "lib/xalloc.h"

static struct vx_segment
wanted_segment(const struct vx_fabric *f, const struct vx_fnet *net)
{
    struct vx_segment want = {
        .network = net->obj, .port_bum_pps = f->port_bum_pps
    };
    const struct vx_ften *tenant = net->tenant;
    uint32_t router = tenant->obj && !net->going
                      ? tenant->obj->router_vni : 0;

    VX_TREE_FOR_EACH(node, &net->subs) {
        const struct vx_subnet *obj = VX_FSUB(node)->obj;

        if (obj && obj->route && router) {
            want.router = router;
            want.routed6 |= obj->prefix.ip.family == 6;
        }
    }
    want.external = net->n_external != 0;
    want.small_mtu = want.router && net->obj->mtu < tenant->max_mtu;
    return want;
}

static bool
same_segment(const struct vx_segment *a, const struct vx_segment *b)
{
    return a->network == b->network && a->router == b->router
           && a->routed6 == b->routed6 && a->small_mtu == b->small_mtu
           && a->external == b->external;
}

struct change {
    struct vx_fnet *net;
    struct vx_segment before, after;
};

static void
set_segment(void *aux, bool after)
{
    struct change *c = aux;

    c->net->seg = after ? c->after : c->before;
}

static void
emit_segment(struct vx_fabric *f, struct change *c, enum vx_tier tier)
{
    struct vx_fstate state = { .set = set_segment, .aux = c };

    vx_femit_members(f, c->net->members, c->net->n_hosts, tier, &state);
}

/* The way to the network is there before anybody takes it. */
static void
route_on(struct vx_fabric *f, struct change *c)
{
    struct vx_fnet *net = c->net;

    emit_segment(f, c, VX_FABRIC_TIER);
    VX_TREE_FOR_EACH(node, &net->tenant->reaches) {
        if (VX_FREACH(node)->n_full) {
            vx_fmember_reach(f, net, VX_FREACH(node)->host);
        }
    }
    for (size_t i = 0; i < net->n_hosts; i++) {
        if (net->members[i]->full) {
            vx_freach_gain(f, net->members[i]);
        }
    }
    vx_fnet_tell_subs(f, net);
    emit_segment(f, c, VX_TENANT_TIER);
}

static void
unreach_all(struct vx_fabric *f, struct vx_fnet *net)
{
    for (size_t i = net->n_hosts; i-- > 0;) {
        if (i < net->n_hosts && net->members[i]->reached) {
            vx_fmember_unreach(f, net->members[i]);
        }
    }
}

static void
route_off(struct vx_fabric *f, struct change *c)
{
    struct vx_fnet *net = c->net;

    emit_segment(f, c, VX_TENANT_TIER);
    vx_fnet_tell_subs(f, net);              /* the segment has no router now */
    net->seg = c->before;
    for (size_t i = net->n_hosts; i-- > 0;) {
        if (i < net->n_hosts && net->members[i]->full) {
            vx_freach_lose(f, net->members[i]);
        }
    }
    unreach_all(f, net);
    emit_segment(f, c, VX_FABRIC_TIER);
}

/* Another object of the network, with the same router. */
static void
change_object(struct vx_fabric *f, struct change *c)
{
    if (c->before.network->path != c->after.network->path) {
        for (size_t i = 0; i < c->net->n_zones; i++) {
            vx_fnet_add_transits(f, c->net, c->net->zones[i].zone);
        }
    }
    if (c->before.network->vni != c->after.network->vni) {
        c->net->seg = c->after;
        vx_femit_renumbered(f, c->net, &c->before);
        vx_fnet_tell_routes(f, c->net);
        vx_femit_touch_network(f, c->net);
    } else {
        emit_segment(f, c, VX_FABRIC_TIER);
        emit_segment(f, c, VX_TENANT_TIER);
    }
    vx_fnet_drop_roleless(f, c->net);
}

static void
change_segment(struct vx_fabric *f, struct vx_fnet *net,
               const struct vx_segment *want)
{
    struct change c = { net, net->seg, net->seg };

    if (c.before.network != want->network) {
        c.after.network = want->network;
        change_object(f, &c);
    }
    c.before = net->seg;
    c.after = *want;
    if (same_segment(&c.before, &c.after)) {
        return;
    }
    if (!c.before.router && c.after.router) {
        route_on(f, &c);
    } else if (c.before.router && !c.after.router) {
        route_off(f, &c);
    } else {
        emit_segment(f, &c, VX_FABRIC_TIER);
        vx_fnet_tell_subs(f, net);
        emit_segment(f, &c, VX_TENANT_TIER);
    }
}

static void
refresh_segment(struct vx_fabric *f, struct vx_fnet *net)
{
    struct vx_segment want = wanted_segment(f, net);

    if (!same_segment(&net->seg, &want)) {
        change_segment(f, net, &want);
    }
    vx_fnet_tell_subs(f, net);
}

static uint16_t
routed_mtu(const struct vx_fnet *net)
{
    return net->seg.router ? net->seg.network->mtu : 0;
}

/* O(networks of the tenant): only when the last one of the biggest went. */
static void
find_max_mtu(struct vx_ften *tenant)
{
    tenant->max_mtu = 0;
    VX_TREE_FOR_EACH(node, &tenant->nets) {
        uint16_t mtu = routed_mtu(VX_CONTAINER(node, struct vx_fnet,
                                               by_tenant));

        if (mtu > tenant->max_mtu) {
            tenant->max_mtu = mtu;
            tenant->n_max_mtu = 0;
        }
        tenant->n_max_mtu += mtu && mtu == tenant->max_mtu;
    }
}

/* True if the biggest MTU of the tenant is another one. */
static bool
count_mtu(struct vx_ften *tenant, uint16_t before, uint16_t after)
{
    uint16_t max = tenant->max_mtu;

    if (before == after) {
        return false;
    }
    tenant->n_max_mtu -= before && before == max;
    tenant->n_max_mtu += after && after == max;
    if (after > max) {
        tenant->max_mtu = after;
        tenant->n_max_mtu = 1;
    } else if (max && !tenant->n_max_mtu) {
        find_max_mtu(tenant);
    }
    return tenant->max_mtu != max;
}

void
vx_fnet_refresh(struct vx_fabric *f, struct vx_fnet *net)
{
    struct vx_ften *tenant = net->tenant;
    uint16_t before = routed_mtu(net);

    refresh_segment(f, net);
    if (count_mtu(tenant, before, routed_mtu(net))) {
        VX_TREE_FOR_EACH(node, &tenant->nets) {
            refresh_segment(f, VX_CONTAINER(node, struct vx_fnet,
                                            by_tenant));
        }
    }
}

void
vx_fabric_subnet(struct vx_fabric *f, const struct vx_obj *obj, bool there)
{
    struct vx_fsub *sub = vx_fsub_find(f, obj->oid);
    const struct vx_subnet *before;

    if (!sub && !there) {
        return;
    }
    if (!sub) {
        sub = vx_fsub_new(f, obj->oid, obj->parent);
    }
    before = sub->obj;
    sub->obj = there ? (const void *) vx_obj_ref(obj) : NULL;
    if (sub->net->obj) {
        vx_fnet_refresh(f, sub->net);
    }
    if (before) {
        vx_obj_unref(&before->o);
    }
    if (!there) {
        vx_fsub_free(f, sub);
    }
}

/* --- Tenants. */

struct tenant_change {
    struct vx_ften *tenant;
    const struct vx_tenant *before, *after;
};

static void
set_tenant(void *aux, bool after)
{
    struct tenant_change *c = aux;

    c->tenant->obj = after ? c->after : c->before;
}

static uint32_t
budget_meter(const struct vx_tenant *tenant)
{
    return tenant && tenant->budget_kbps ? tenant->router_vni : 0;
}

static void
emit_budgets(struct vx_fabric *f, const struct vx_ften *tenant,
             const struct vx_tenant *old, const struct vx_tenant *new)
{
    size_t n = 0;

    if (!vx_femit_on(f)) {
        return;
    }
    vx_femit_list(f, tenant->reaches.count);
    VX_TREE_FOR_EACH(node, &tenant->reaches) {
        f->list[n++] = VX_FREACH(node)->host->oid;
    }
    if (budget_meter(old)) {
        vx_compile_tenant_budget(old, &f->old);
    }
    if (budget_meter(new)) {
        vx_compile_tenant_budget(new, &f->new);
    }
    vx_femit_change(f, VX_FABRIC_TIER, f->list, n);
}

/* A meter is there before rows refer to it, and goes after them. */
static void
change_budget(struct vx_fabric *f, struct tenant_change *c)
{
    struct vx_fstate state = {
        .set = set_tenant, .aux = c, .network_only = true
    };
    uint32_t old = budget_meter(c->before), new = budget_meter(c->after);

    if (old == new) {
        emit_budgets(f, c->tenant, c->before, c->after);
        return;
    }
    emit_budgets(f, c->tenant, NULL, c->after);
    VX_TREE_FOR_EACH(node, &c->tenant->nets) {
        struct vx_fnet *net = VX_CONTAINER(node, struct vx_fnet, by_tenant);

        vx_femit_members(f, net->members, net->n_hosts, VX_FABRIC_TIER,
                         &state);
    }
    emit_budgets(f, c->tenant, c->before, NULL);
}

void
vx_fabric_tenant(struct vx_fabric *f, uint64_t oid,
                 const struct vx_tenant *obj)
{
    struct vx_ften *tenant = vx_ften_get(f, oid);
    struct tenant_change c = { tenant, tenant->obj, obj };

    if (obj) {
        vx_obj_ref(&obj->o);
    }
    change_budget(f, &c);
    tenant->obj = obj;
    VX_TREE_FOR_EACH(node, &tenant->nets) {
        vx_fnet_refresh(f, VX_CONTAINER(node, struct vx_fnet, by_tenant));
    }
    vx_ften_tell_paths(f, tenant);
    if (c.before) {
        vx_obj_unref(&c.before->o);
    }
    vx_ften_put(f, tenant);
}
