/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and links of routing and zones: tenants, reaches, subnets, paths,
 * addresses.  Bookkeeping only, as fabric_graph.c: nothing here makes a
 * row. */
#include "core/fabric_graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

/* --- Zones. */

struct vx_fzone *
vx_fzone_find(const struct vx_fabric *f, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&f->zones, &oid);

    return node ? VX_CONTAINER(node, struct vx_fzone, by_oid) : NULL;
}

static int
compare_u(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int
compare_zone_host(const void *key, const struct vx_tree_node *node)
{
    return compare_u(*(const uint64_t *) key,
                     VX_CONTAINER(node, struct vx_fhost, by_zone)->oid);
}

struct vx_fzone *
vx_fzone_get(struct vx_fabric *f, uint64_t oid)
{
    struct vx_fzone *zone = vx_fzone_find(f, oid);

    if (!zone) {
        zone = vx_xcalloc(1, sizeof *zone);
        zone->oid = oid;
        vx_tree_init(&zone->hosts, compare_zone_host);
        vx_tree_insert(&f->zones, &oid, &zone->by_oid);
    }
    return zone;
}

void
vx_fzone_put(struct vx_fabric *f, struct vx_fzone *zone)
{
    if (zone && !zone->obj && !zone->hosts.count) {
        vx_tree_remove(&f->zones, &zone->by_oid);
        free(zone);
    }
}

/* Index of the first count of a zone whose oid is >= oid. */
static size_t
zone_rank(const struct vx_fnet *net, uint64_t oid)
{
    size_t i = 0;

    while (i < net->n_zones && net->zones[i].zone->oid < oid) {
        i++;    /* there are few zones */
    }
    return i;
}

struct vx_fnzone
vx_fnet_zone(const struct vx_fnet *net, const struct vx_fzone *zone)
{
    size_t i = zone ? zone_rank(net, zone->oid) : net->n_zones;

    return i < net->n_zones && net->zones[i].zone == zone
           ? net->zones[i] : (struct vx_fnzone) { 0 };
}

/* True if the zone has the network now and had it not, or the reverse. */
static bool
count(struct vx_fnet *net, struct vx_fzone *zone, int native, int full)
{
    size_t i = zone_rank(net, zone->oid), before, after;

    if (i == net->n_zones || net->zones[i].zone != zone) {
        net->zones = vx_grow(net->zones, &net->cap_zones, net->n_zones + 1,
                             sizeof *net->zones);
        memmove(&net->zones[i + 1], &net->zones[i],
                (net->n_zones++ - i) * sizeof *net->zones);
        net->zones[i] = (struct vx_fnzone) { .zone = zone };
    }
    before = net->zones[i].n_native;
    after = net->zones[i].n_native = before + (size_t) (ptrdiff_t) native;
    net->zones[i].n_full += (size_t) (ptrdiff_t) full;
    if (!after) {
        memmove(&net->zones[i], &net->zones[i + 1],
                (--net->n_zones - i) * sizeof *net->zones);
    }
    return !before != !after;
}

static bool
is_native(const struct vx_fmember *member)
{
    return member->full || member->reached;
}

bool
vx_fmember_set_roles(struct vx_fmember *member, bool full, bool reached)
{
    bool was = is_native(member), was_full = member->full;

    member->full = full;
    member->reached = reached;
    return member->host->zone
           && (was != is_native(member) || was_full != full)
           && count(member->net, member->host->zone,
                    is_native(member) - was, full - was_full);
}

void
vx_fhost_set_zone(struct vx_fhost *host, struct vx_fzone *zone)
{
    if (host->zone == zone) {
        return;
    }
    VX_TREE_FOR_EACH(node, &host->members) {
        struct vx_fmember *member = VX_FMEMBER(node);

        if (host->zone && is_native(member)) {
            count(member->net, host->zone, -1, -member->full);
        }
        if (zone && is_native(member)) {
            count(member->net, zone, 1, member->full);
        }
    }
    if (host->zone) {
        vx_tree_remove(&host->zone->hosts, &host->by_zone);
    }
    host->zone = zone;
    if (zone) {
        vx_tree_insert(&zone->hosts, &host->oid, &host->by_zone);
    }
}

/* --- Tenants and reaches. */

static int
compare_tenant_net(const void *key, const struct vx_tree_node *node)
{
    return compare_u(*(const uint64_t *) key,
                     VX_CONTAINER(node, struct vx_fnet, by_tenant)->oid);
}

static int
compare_reach_host(const void *key, const struct vx_tree_node *node)
{
    return compare_u(*(const uint64_t *) key,
                     VX_CONTAINER(node, struct vx_freach,
                                  by_host)->host->oid);
}

static int
compare_prefix(const void *key, const struct vx_tree_node *node)
{
    return vx_ip_compare(key, &VX_CONTAINER(node, struct vx_fsub,
                                            by_prefix)->told->prefix.ip);
}

static int
compare_use(const void *key_, const struct vx_tree_node *node)
{
    const struct vx_fip_key *key = key_;
    const struct vx_fuse *use = VX_CONTAINER(node, struct vx_fuse, by_ip);
    int cmp = vx_ip_compare(key->ip, &use->ip);

    return cmp ? cmp : compare_u(key->oid, use->path->child.oid);
}

struct vx_ften *
vx_ften_find(const struct vx_fabric *f, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&f->tenants, &oid);

    return node ? VX_CONTAINER(node, struct vx_ften, by_oid) : NULL;
}

struct vx_ften *
vx_ften_get(struct vx_fabric *f, uint64_t oid)
{
    struct vx_ften *tenant = vx_ften_find(f, oid);

    if (!tenant) {
        tenant = vx_xcalloc(1, sizeof *tenant);
        tenant->oid = oid;
        vx_tree_init(&tenant->nets, compare_tenant_net);
        vx_tree_init(&tenant->routed, compare_prefix);
        vx_tree_init(&tenant->paths, vx_fchild_compare_sibling);
        vx_tree_init(&tenant->uses, compare_use);
        vx_tree_init(&tenant->reaches, compare_reach_host);
        vx_tree_insert(&f->tenants, &oid, &tenant->by_oid);
    }
    return tenant;
}

void
vx_ften_put(struct vx_fabric *f, struct vx_ften *tenant)
{
    if (tenant && !tenant->obj && !tenant->nets.count
        && !tenant->paths.count) {
        assert(!tenant->routed.count && !tenant->uses.count
               && !tenant->reaches.count);
        vx_tree_remove(&f->tenants, &tenant->by_oid);
        free(tenant);
    }
}

struct vx_freach *
vx_freach_find(const struct vx_ften *tenant, uint64_t host)
{
    struct vx_tree_node *node = vx_tree_find(&tenant->reaches, &host);

    return node ? VX_CONTAINER(node, struct vx_freach, by_host) : NULL;
}

struct vx_freach *
vx_freach_new(struct vx_ften *tenant, struct vx_fhost *host)
{
    struct vx_freach *reach = vx_xcalloc(1, sizeof *reach);

    reach->tenant = tenant;
    reach->host = host;
    vx_tree_insert(&tenant->reaches, &host->oid, &reach->by_host);
    vx_tree_insert(&host->reaches, &tenant->oid, &reach->by_tenant);
    return reach;
}

void
vx_freach_free(struct vx_freach *reach)
{
    vx_tree_remove(&reach->tenant->reaches, &reach->by_host);
    vx_tree_remove(&reach->host->reaches, &reach->by_tenant);
    free(reach);
}

/* --- Children of two trees. */

int
vx_fchild_compare(const void *oid, const struct vx_tree_node *node)
{
    return compare_u(*(const uint64_t *) oid,
                     VX_CONTAINER(node, struct vx_fchild, by_oid)->oid);
}

int
vx_fchild_compare_sibling(const void *oid, const struct vx_tree_node *node)
{
    return compare_u(*(const uint64_t *) oid,
                     VX_CONTAINER(node, struct vx_fchild, by_parent)->oid);
}

static void *
child_find(const struct vx_tree *all, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(all, &oid);

    return node ? VX_CONTAINER(node, struct vx_fchild, by_oid) : NULL;
}

static void *
child_new(size_t size, struct vx_tree *all, struct vx_tree *siblings,
          uint64_t oid)
{
    struct vx_fchild *child = vx_xcalloc(1, size);

    child->oid = oid;
    vx_tree_insert(all, &oid, &child->by_oid);
    vx_tree_insert(siblings, &oid, &child->by_parent);
    return child;
}

static void
child_free(struct vx_fchild *child, struct vx_tree *all,
           struct vx_tree *siblings)
{
    vx_tree_remove(all, &child->by_oid);
    vx_tree_remove(siblings, &child->by_parent);
    free(child);
}

/* --- Subnets. */

struct vx_fsub *
vx_fsub_find(const struct vx_fabric *f, uint64_t oid)
{
    return child_find(&f->subs, oid);
}

struct vx_fsub *
vx_fsub_new(struct vx_fabric *f, uint64_t oid, uint64_t network)
{
    struct vx_fnet *net = vx_fnet_get(f, network);
    struct vx_fsub *sub = child_new(sizeof *sub, &f->subs, &net->subs, oid);

    sub->net = net;
    return sub;
}

void
vx_fsub_free(struct vx_fabric *f, struct vx_fsub *sub)
{
    struct vx_fnet *net = sub->net;

    assert(!sub->told);
    child_free(&sub->child, &f->subs, &net->subs);
    vx_fnet_put(f, net);
}

/* --- Routes and policies. */

struct vx_fpath *
vx_fpath_find(const struct vx_fabric *f, uint64_t oid)
{
    return child_find(&f->paths, oid);
}

struct vx_fpath *
vx_fpath_new(struct vx_fabric *f, uint64_t oid, uint64_t tenant)
{
    struct vx_ften *owner = vx_ften_get(f, tenant);
    struct vx_fpath *path = child_new(sizeof *path, &f->paths,
                                      &owner->paths, oid);

    path->tenant = owner;
    return path;
}

void
vx_fpath_free(struct vx_fabric *f, struct vx_fpath *path)
{
    struct vx_ften *tenant = path->tenant;

    assert(!path->told.obj && !path->n_uses);
    child_free(&path->child, &f->paths, &tenant->paths);
    vx_ften_put(f, tenant);
}

static void
find_legs(const struct vx_ften *tenant, struct vx_leg_hops *ret_legs)
{
    *ret_legs = (struct vx_leg_hops) { .n = 0 };
    if (tenant->router_net) {
        VX_TREE_FOR_EACH(node, &tenant->router_net->ports) {
            vx_leg_hops_add(ret_legs, VX_FPORT(node, by_network)->obj);
        }
    }
}

void
vx_fpath_link_uses(struct vx_fpath *path)
{
    const struct vx_route *route = (const void *) path->obj;
    const struct vx_policy *policy = (const void *) path->obj;
    bool is_route = path->obj->kind == VX_ROUTE;
    const struct vx_ip *via = is_route ? route->via : policy->via;
    struct vx_leg_hops legs;

    path->n_uses = is_route ? route->n_via : policy->n_via;
    if (!is_route && policy->action == VX_POLICY_GATEWAY) {
        find_legs(path->tenant, &legs);
        via = legs.ips;
        path->n_uses = legs.n;
    }
    path->uses = vx_xcalloc(path->n_uses + 1, sizeof *path->uses);
    for (size_t i = 0; i < path->n_uses; i++) {
        struct vx_fuse *use = &path->uses[i];
        struct vx_fip_key key = { &via[i], path->child.oid };

        use->ip = via[i];
        use->path = path;
        vx_tree_insert(&path->tenant->uses, &key, &use->by_ip);
    }
}

void
vx_fpath_unlink_uses(struct vx_fpath *path)
{
    for (size_t i = 0; i < path->n_uses; i++) {
        vx_tree_remove(&path->tenant->uses, &path->uses[i].by_ip);
    }
    free(path->uses);
    path->uses = NULL;
    path->n_uses = 0;
}

static struct vx_fuse *
use_of(struct vx_tree_node *node, const struct vx_ip *ip)
{
    struct vx_fuse *use = node ? VX_CONTAINER(node, struct vx_fuse, by_ip)
                               : NULL;

    return use && !vx_ip_compare(&use->ip, ip) ? use : NULL;
}

struct vx_fuse *
vx_fuse_first(const struct vx_ften *tenant, const struct vx_ip *ip)
{
    struct vx_fip_key key = { ip, 0 };

    return use_of(vx_tree_ceil(&tenant->uses, &key), ip);
}

struct vx_fuse *
vx_fuse_next(const struct vx_fuse *use)
{
    return use_of(vx_tree_next(&use->by_ip), &use->ip);
}

/* --- Addresses of ports. */

void
vx_fport_link_ips(struct vx_fport *port)
{
    port->n_ips = port->obj->n_ips;
    port->ips = vx_xcalloc(port->n_ips + 1, sizeof *port->ips);
    for (size_t i = 0; i < port->n_ips; i++) {
        struct vx_fip_key key = { &port->obj->ips[i], port->oid };

        port->ips[i].ip = port->obj->ips[i];
        port->ips[i].port = port;
        vx_tree_insert(&port->net->ips, &key, &port->ips[i].by_ip);
    }
}

void
vx_fport_unlink_ips(struct vx_fport *port)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        vx_tree_remove(&port->net->ips, &port->ips[i].by_ip);
    }
    free(port->ips);
    port->ips = NULL;
    port->n_ips = 0;
}

struct vx_fport *
vx_fnet_port_of_ip(const struct vx_fnet *net, const struct vx_ip *ip)
{
    struct vx_fip_key key = { ip, 0 };
    struct vx_tree_node *node = vx_tree_ceil(&net->ips, &key);
    struct vx_fip *found = node ? VX_CONTAINER(node, struct vx_fip, by_ip)
                                : NULL;

    return found && !vx_ip_compare(&found->ip, ip) ? found->port : NULL;
}

/* --- The dead. */

bool
vx_fdead_is(const struct vx_fabric *f, uint64_t oid)
{
    return vx_tree_find(&f->dead, &oid);
}

void
vx_fdead_set(struct vx_fabric *f, uint64_t oid, bool dead)
{
    struct vx_tree_node *node = vx_tree_find(&f->dead, &oid);
    struct vx_fdead *it;

    if (!node && dead) {
        it = vx_xcalloc(1, sizeof *it);
        it->oid = oid;
        vx_tree_insert(&f->dead, &oid, &it->by_oid);
    } else if (node && !dead) {
        vx_tree_remove(&f->dead, node);
        free(VX_CONTAINER(node, struct vx_fdead, by_oid));
    }
}
