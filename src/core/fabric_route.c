/* SPDX-License-Identifier: Apache-2.0 */
/* Routing: subnets, routes and policies, as the switches know them.
 *
 * What the switches were told of a subnet or path is kept with it (told), so
 * an event works out what is wanted now and emits the difference to the hosts
 * that the tenant's router reaches.  A next hop is an address; an index of
 * uses leads from the address of a port that comes, goes or dies to the paths
 * by it, so nothing here looks at ports that are not concerned.
 *
 * Cost: a route or policy costs O(hosts of the tenant); a port costs O(paths
 * by its addresses) on top of what it costs itself. */
#include <stdlib.h>
#include <string.h>

#include "core/fabric_graph.h"
#include "lib/xalloc.h"

static const struct vx_policy *
policy_of(const struct vx_obj *obj)
{
    return (const struct vx_policy *) (const void *) obj;
}

static size_t
reach_list(struct vx_fabric *f, const struct vx_ften *tenant)
{
    size_t n = 0;

    vx_femit_list(f, tenant->reaches.count);
    VX_TREE_FOR_EACH(node, &tenant->reaches) {
        const struct vx_freach *reach = VX_FREACH(node);

        if (reach->n_full) {
            f->list[n++] = reach->host->oid;
        }
    }
    return n;
}

/* --- Next hops. */

/* The port at an address in a routed subnet of the tenant. */
static struct vx_fport *
port_at(const struct vx_ften *tenant, const struct vx_ip *ip)
{
    struct vx_tree_node *node = vx_tree_floor(&tenant->routed, ip);
    const struct vx_fsub *sub = node ? VX_CONTAINER(node, struct vx_fsub,
                                                    by_prefix) : NULL;

    return sub && vx_prefix_contains(&sub->told->prefix, ip)
           ? vx_fnet_port_of_ip(sub->net, ip) : NULL;
}

static bool
is_used(const struct vx_ften *tenant, const struct vx_ip *ip, uint64_t port)
{
    for (const struct vx_fuse *use = vx_fuse_first(tenant, ip); use;
         use = vx_fuse_next(use)) {
        if (use->port == port) {
            return true;
        }
    }
    return false;
}

static void
set_target(struct vx_fabric *f, struct vx_fuse *use, uint64_t port)
{
    const struct vx_ften *tenant = use->path->tenant;
    uint64_t before = use->port;
    bool known = port && is_used(tenant, &use->ip, port);

    if (before == port) {
        return;
    }
    use->port = port;
    if (!f->sink || !f->sink->hop) {
        return;
    }
    if (before && !is_used(tenant, &use->ip, before)) {
        f->sink->hop(f->sink->ctx, before, &use->ip, false);
    }
    if (port && !known) {
        f->sink->hop(f->sink->ctx, port, &use->ip, true);
    }
}

void
vx_fabric_hops(const struct vx_fabric *f,
               void (*each)(void *aux, uint64_t port,
                            const struct vx_ip *ip), void *aux)
{
    VX_TREE_FOR_EACH(tenant, &f->tenants) {
        const struct vx_fuse *last = NULL;

        VX_TREE_FOR_EACH(node, &VX_CONTAINER(tenant, struct vx_ften,
                                             by_oid)->uses) {
            const struct vx_fuse *use = VX_CONTAINER(node, struct vx_fuse,
                                                     by_ip);

            if (use->port && (!last || last->port != use->port
                              || vx_ip_compare(&last->ip, &use->ip))) {
                each(aux, use->port, &use->ip);
            }
            last = use;
        }
    }
}

uint64_t
vx_fabric_hop(const struct vx_fabric *f, uint64_t oid,
              const struct vx_ip *ip, bool *ret_usable)
{
    const struct vx_ften *tenant = vx_ften_find(f, oid);
    const struct vx_fport *port = tenant ? port_at(tenant, ip) : NULL;

    *ret_usable = port && port->member && !port->dead;
    return port ? port->oid : 0;
}

/* --- Paths. */

void
vx_femit_path(const struct vx_fpath_told *told, struct vx_rows *rows)
{
    if (!told->obj) {
        return;
    }
    if (told->obj->kind == VX_ROUTE) {
        vx_compile_route((const void *) told->obj, told->router, told->hops,
                         told->n_hops, rows);
    } else {
        vx_compile_policy(policy_of(told->obj), told->router, told->vni,
                          told->hops, told->n_hops, rows);
    }
}

/* Those that live; ports of a host that is away may or may not, and serve a
 * route only where no other does.  What becomes of a policy then is for it to
 * say. */
static void
find_hops(struct vx_fabric *f, struct vx_fpath *path,
          struct vx_fpath_told *want)
{
    bool is_route = path->obj && path->obj->kind == VX_ROUTE;
    const struct vx_fport *ports[VX_MAX_HOPS];
    bool away = is_route;

    for (size_t i = 0; i < path->n_uses; i++) {
        const struct vx_fport *port = port_at(path->tenant,
                                              &path->uses[i].ip);

        set_target(f, &path->uses[i], port ? port->oid : 0);
        ports[i] = port && port->member && !port->dead ? port : NULL;
        away &= !ports[i] || ports[i]->member->host->dead;
    }
    for (size_t i = 0; i < path->n_uses; i++) {
        if (ports[i] && ports[i]->member->host->dead == away) {
            want->hops[want->n_hops++] = (struct vx_nexthop) {
                path->uses[i].ip, ports[i]->obj->mac,
                ports[i]->net->seg.network->vni
            };
        }
    }
}

static struct vx_fpath_told
wanted_path(struct vx_fabric *f, struct vx_fpath *path)
{
    const struct vx_ften *tenant = path->tenant;
    struct vx_fpath_told want = { .obj = path->obj };
    uint64_t network = path->obj && path->obj->kind == VX_POLICY
                       ? policy_of(path->obj)->match.network : 0;
    const struct vx_fnet *net = network ? vx_fnet_find(f, network) : NULL;

    find_hops(f, path, &want);
    want.router = tenant->obj ? tenant->obj->router_vni : 0;
    want.vni = net && net->obj && net->tenant == tenant
               ? net->seg.network->vni : 0;
    if (!want.obj || !want.router || (network && !want.vni)) {
        return (struct vx_fpath_told) { 0 };
    }
    return want;
}

static bool
same_hops(const struct vx_fpath_told *a, const struct vx_fpath_told *b)
{
    bool same = a->n_hops == b->n_hops;

    for (size_t i = 0; same && i < a->n_hops; i++) {
        same = !vx_ip_compare(&a->hops[i].ip, &b->hops[i].ip)
               && !vx_mac_compare(&a->hops[i].mac, &b->hops[i].mac)
               && a->hops[i].vni == b->hops[i].vni;
    }
    return same;
}

static bool
same_told(const struct vx_fpath_told *a, const struct vx_fpath_told *b)
{
    return a->obj == b->obj && a->router == b->router && a->vni == b->vni
           && same_hops(a, b);
}

static void
tell_path(struct vx_fabric *f, struct vx_fpath *path)
{
    struct vx_fpath_told want = wanted_path(f, path);
    const struct vx_obj *before = path->told.obj;

    if (same_told(&path->told, &want)) {
        return;
    }
    if (vx_femit_on(f)) {
        vx_femit_path(&path->told, &f->old);
        vx_femit_path(&want, &f->new);
        vx_femit_change(f, VX_TENANT_TIER, f->list,
                        reach_list(f, path->tenant));
    }
    path->told = want;
    if (want.obj) {
        vx_obj_ref(want.obj);
    }
    vx_obj_unref(before);
}

void
vx_ften_tell_paths(struct vx_fabric *f, struct vx_ften *tenant)
{
    VX_TREE_FOR_EACH(node, &tenant->paths) {
        tell_path(f, VX_FPATH(node));
    }
}

void
vx_fabric_path(struct vx_fabric *f, const struct vx_obj *obj, bool there)
{
    struct vx_fpath *path = vx_fpath_find(f, obj->oid);
    const struct vx_obj *before;

    if (!path && !there) {
        return;
    }
    if (!path) {
        path = vx_fpath_new(f, obj->oid, obj->parent);
    }
    for (size_t i = 0; i < path->n_uses; i++) {
        set_target(f, &path->uses[i], 0);
    }
    vx_fpath_unlink_uses(path);
    before = path->obj;
    path->obj = there ? vx_obj_ref(obj) : NULL;
    if (there) {
        vx_fpath_link_uses(path);
    }
    tell_path(f, path);
    vx_obj_unref(before);
    if (!there) {
        vx_fpath_free(f, path);
    }
}

static void
ip_changed(struct vx_fabric *f, struct vx_ften *tenant,
           const struct vx_ip *ip)
{
    for (struct vx_fuse *use = vx_fuse_first(tenant, ip); use;
         use = vx_fuse_next(use)) {
        tell_path(f, use->path);
    }
}

void
vx_fport_hops_changed(struct vx_fabric *f, const struct vx_fport *port,
                      const struct vx_port *obj)
{
    struct vx_ften *tenant = port->net->tenant;

    if (!tenant || !tenant->uses.count || !obj) {
        return;
    }
    for (size_t i = 0; i < obj->n_ips; i++) {
        ip_changed(f, tenant, &obj->ips[i]);
    }
}

static bool
is_leg(const struct vx_port *port)
{
    return port && port->gateway;
}

void
vx_ften_legs_changed(struct vx_fabric *f, struct vx_ften *tenant)
{
    VX_TREE_FOR_EACH(node, &tenant->paths) {
        const struct vx_obj *obj = VX_FPATH(node)->obj;

        if (obj && obj->kind == VX_POLICY
            && policy_of(obj)->action == VX_POLICY_GATEWAY) {
            vx_fabric_path(f, obj, true);
        }
    }
}

void
vx_fport_leg_changed(struct vx_fabric *f, const struct vx_fport *port,
                     const struct vx_port *before,
                     const struct vx_port *after)
{
    if (port->net->tenant && (is_leg(before) || is_leg(after))) {
        vx_ften_legs_changed(f, port->net->tenant);
    }
}

void
vx_fhost_hops_changed(struct vx_fabric *f, const struct vx_fhost *host)
{
    VX_TREE_FOR_EACH(node, &host->members) {
        const struct vx_fmember *member = VX_FMEMBER(node);

        if (!member->net->tenant || !member->net->tenant->uses.count) {
            continue;
        }
        VX_TREE_FOR_EACH(port_node, &member->ports) {
            const struct vx_fport *port = VX_FPORT(port_node, by_member);

            vx_fport_hops_changed(f, port, port->obj);
        }
    }
}

/* --- Subnets. */

struct sub_told {
    const struct vx_subnet *obj;
    uint32_t vni, router;
};

static struct sub_told
wanted_sub(const struct vx_fsub *sub)
{
    const struct vx_segment *seg = &sub->net->seg;

    if (!sub->obj || !sub->obj->route || !seg->router) {
        return (struct sub_told) { 0 };
    }
    return (struct sub_told) { sub->obj, seg->network->vni, seg->router };
}

/* Hosts that answer for the gateway. */
static size_t
gateway_list(struct vx_fabric *f, const struct vx_fnet *net)
{
    size_t n = 0;

    vx_femit_list(f, net->n_hosts);
    for (size_t i = 0; i < net->n_hosts; i++) {
        if (net->members[i]->full || vx_fmember_is_transit(net->members[i])) {
            f->list[n++] = net->hosts[i];
        }
    }
    return n;
}

static void
emit_sub(struct vx_fabric *f, const struct vx_fsub *sub,
         const struct sub_told *want)
{
    const struct vx_fnet *net = sub->net;

    if (!vx_femit_on(f)) {
        return;
    }
    if (sub->told != want->obj) {
        if (sub->told) {
            vx_compile_gateway(sub->told, net->seg.network->vni, &f->old);
        }
        if (want->obj) {
            vx_compile_gateway(want->obj, net->seg.network->vni, &f->new);
        }
        vx_femit_change(f, VX_FABRIC_TIER, f->list, gateway_list(f, net));
    }
    if (sub->told) {
        vx_compile_subnet(sub->told, sub->vni, sub->router, &f->old);
    }
    if (want->obj) {
        vx_compile_subnet(want->obj, want->vni, want->router, &f->new);
    }
    vx_femit_change(f, VX_TENANT_TIER, f->list,
                    reach_list(f, net->tenant));
}

/* Addresses that were, or are now, in the prefix. */
static void
prefix_changed(struct vx_fabric *f, struct vx_ften *tenant,
               const struct vx_prefix *prefix)
{
    struct vx_fip_key key = { &prefix->ip, 0 };
    struct vx_tree_node *node = vx_tree_ceil(&tenant->uses, &key);

    for (; node; node = vx_tree_next(node)) {
        struct vx_fuse *use = VX_CONTAINER(node, struct vx_fuse, by_ip);

        if (!vx_prefix_contains(prefix, &use->ip)) {
            break;
        }
        tell_path(f, use->path);
    }
}

static void
tell_sub(struct vx_fabric *f, struct vx_fsub *sub)
{
    struct vx_ften *tenant = sub->net->tenant;
    struct sub_told want = wanted_sub(sub);
    const struct vx_subnet *before = sub->told;

    if (before == want.obj && sub->vni == want.vni
        && sub->router == want.router) {
        return;
    }
    if (want.obj && !before
        && vx_tree_find(&tenant->routed, &want.obj->prefix.ip)) {
        return;     /* the model lets no two of them overlap */
    }
    emit_sub(f, sub, &want);
    if (before) {
        vx_tree_remove(&tenant->routed, &sub->by_prefix);
    }
    sub->told = want.obj;
    sub->vni = want.vni;
    sub->router = want.router;
    if (want.obj) {
        vx_obj_ref(&want.obj->o);
        vx_tree_insert(&tenant->routed, &want.obj->prefix.ip,
                       &sub->by_prefix);
        prefix_changed(f, tenant, &want.obj->prefix);
    }
    if (before) {
        prefix_changed(f, tenant, &before->prefix);
        vx_obj_unref(&before->o);
    }
}

static void
compile_mtu(const struct vx_fnet *net, struct vx_rows *rows)
{
    if (net->mtu) {
        vx_compile_small_mtu(net->oid, net->mtu_vni, net->mtu, rows);
    }
}

static void
tell_mtu(struct vx_fabric *f, struct vx_fnet *net)
{
    const struct vx_segment *seg = &net->seg;
    bool small = seg->router && seg->small_mtu;
    uint16_t mtu = small ? seg->network->mtu : 0;
    uint32_t vni = small ? seg->network->vni : 0;

    if (net->mtu == mtu && net->mtu_vni == vni) {
        return;
    }
    if (vx_femit_on(f)) {
        compile_mtu(net, &f->old);
    }
    net->mtu = mtu;
    net->mtu_vni = vni;
    if (vx_femit_on(f)) {
        compile_mtu(net, &f->new);
        vx_femit_change(f, VX_TENANT_TIER, f->list,
                        reach_list(f, net->tenant));
    }
}

void
vx_fnet_tell_subs(struct vx_fabric *f, struct vx_fnet *net)
{
    tell_mtu(f, net);
    VX_TREE_FOR_EACH(node, &net->subs) {
        tell_sub(f, VX_FSUB(node));
    }
}

void
vx_fnet_tell_routes(struct vx_fabric *f, struct vx_fnet *net)
{
    vx_fnet_tell_subs(f, net);
    vx_ften_tell_paths(f, net->tenant);
}

uint64_t
vx_fabric_untold(struct vx_fabric *f)
{
    VX_TREE_FOR_EACH(node, &f->subs) {
        const struct vx_fsub *sub = VX_CONTAINER(node, struct vx_fsub,
                                                 child.by_oid);
        struct sub_told want = sub->net->obj ? wanted_sub(sub)
                                             : (struct sub_told) { 0 };

        if (sub->told != want.obj || sub->vni != want.vni
            || sub->router != want.router) {
            return sub->child.oid;
        }
    }
    VX_TREE_FOR_EACH(node, &f->paths) {
        struct vx_fpath *path = VX_CONTAINER(node, struct vx_fpath,
                                             child.by_oid);
        struct vx_fpath_told want = wanted_path(f, path);

        if (!same_told(&path->told, &want)) {
            return path->child.oid;
        }
    }
    return 0;
}

bool
vx_femit_reach_some(const struct vx_freach *reach, size_t max,
                    uint64_t *path, struct vx_rows *rows)
{
    struct vx_tree_node *node;

    if (!reach->n_full) {
        return true;
    }
    if (!*path) {
        *path = 1;
        VX_TREE_FOR_EACH(sub_node, &reach->tenant->routed) {
            const struct vx_fsub *sub = VX_CONTAINER(sub_node,
                                                     struct vx_fsub,
                                                     by_prefix);

            vx_compile_subnet(sub->told, sub->vni, sub->router, rows);
        }
        VX_TREE_FOR_EACH(net_node, &reach->tenant->nets) {
            compile_mtu(VX_CONTAINER(net_node, struct vx_fnet, by_tenant),
                        rows);
        }
    }
    for (node = vx_tree_ceil(&reach->tenant->paths, path); node;
         node = vx_tree_next(node)) {
        if (rows->n >= max) {
            return false;
        }
        vx_femit_path(&VX_FPATH(node)->told, rows);
        *path = VX_FPATH(node)->child.oid + 1;
    }
    return true;
}

void
vx_femit_reach(const struct vx_freach *reach, struct vx_rows *rows)
{
    uint64_t path = 0;

    vx_femit_reach_some(reach, SIZE_MAX, &path, rows);
}

void
vx_femit_budget(const struct vx_freach *reach, struct vx_rows *rows)
{
    const struct vx_tenant *tenant = reach->tenant->obj;

    if (tenant && tenant->budget_kbps && tenant->router_vni) {
        vx_compile_tenant_budget(tenant, rows);
    }
}
