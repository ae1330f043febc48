/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and links of the fabric's graph: bookkeeping only, nothing here
 * makes a row. */
#include "core/fabric_graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

static int
compare_u(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

#define OID_COMPARE(NAME, TYPE, NODE, OID)                              \
    static int                                                         \
    NAME(const void *key, const struct vx_tree_node *node)             \
    {                                                                  \
        return compare_u(*(const uint64_t *) key,                      \
                         VX_CONTAINER(node, TYPE, NODE)->OID);         \
    }

OID_COMPARE(compare_host, struct vx_fhost, by_oid, oid)
OID_COMPARE(compare_net, struct vx_fnet, by_oid, oid)
OID_COMPARE(compare_port, struct vx_fport, by_oid, oid)
OID_COMPARE(compare_net_port, struct vx_fport, by_network, oid)
OID_COMPARE(compare_host_port, struct vx_fport, by_host, oid)
OID_COMPARE(compare_member_port, struct vx_fport, by_member, oid)
OID_COMPARE(compare_guest_port, struct vx_fport, by_guest, oid)
OID_COMPARE(compare_member, struct vx_fmember, by_network, net->oid)
OID_COMPARE(compare_ofport, struct vx_fiface, by_ofport, ofport)
OID_COMPARE(compare_dead, struct vx_fdead, by_oid, oid)
OID_COMPARE(compare_zone, struct vx_fzone, by_oid, oid)
OID_COMPARE(compare_tenant, struct vx_ften, by_oid, oid)
OID_COMPARE(compare_reach, struct vx_freach, by_tenant, tenant->oid)

/* Key of both indexes by iface-id. */
struct id_key {
    const char *id;
    uint64_t oid;
};

static int
compare_id(const struct id_key *key, const char *id, uint64_t oid)
{
    int cmp = strcmp(key->id, id);

    return cmp ? cmp : compare_u(key->oid, oid);
}

static int
compare_port_id(const void *key, const struct vx_tree_node *node)
{
    const struct vx_fport *port = VX_FPORT(node, by_iface);

    return compare_id(key, port->obj->iface_id, port->oid);
}

static int
compare_iface_id(const void *key, const struct vx_tree_node *node)
{
    const struct vx_fiface *iface = VX_CONTAINER(node, struct vx_fiface,
                                                 by_id);

    return compare_id(key, iface->id, iface->host->oid);
}

static int
compare_ip(const void *key_, const struct vx_tree_node *node)
{
    const struct vx_fip_key *key = key_;
    const struct vx_fip *ip = VX_CONTAINER(node, struct vx_fip, by_ip);
    int cmp = vx_ip_compare(key->ip, &ip->ip);

    return cmp ? cmp : compare_u(key->oid, ip->port->oid);
}

struct vx_fhost *
vx_fhost_find(const struct vx_fabric *f, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&f->hosts, &oid);

    return node ? VX_FHOST(node) : NULL;
}

struct vx_fhost *
vx_fhost_get(struct vx_fabric *f, uint64_t oid)
{
    struct vx_fhost *host = vx_fhost_find(f, oid);

    if (!host) {
        host = vx_xcalloc(1, sizeof *host);
        host->oid = oid;
        host->dead = vx_fdead_is(f, oid);
        vx_tree_init(&host->ports, compare_host_port);
        vx_tree_init(&host->members, compare_member);
        vx_tree_init(&host->ifaces, compare_ofport);
        vx_tree_init(&host->reaches, compare_reach);
        vx_tree_insert(&f->hosts, &oid, &host->by_oid);
    }
    return host;
}

void
vx_fhost_put(struct vx_fabric *f, struct vx_fhost *host)
{
    if (host && !host->obj && !host->ports.count && !host->members.count
        && !host->ifaces.count) {
        vx_tree_remove(&f->hosts, &host->by_oid);
        free(host);
    }
}

struct vx_fnet *
vx_fnet_find(const struct vx_fabric *f, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&f->nets, &oid);

    return node ? VX_FNET(node) : NULL;
}

struct vx_fnet *
vx_fnet_get(struct vx_fabric *f, uint64_t oid)
{
    struct vx_fnet *net = vx_fnet_find(f, oid);

    if (!net) {
        net = vx_xcalloc(1, sizeof *net);
        net->oid = oid;
        vx_tree_init(&net->ports, compare_net_port);
        vx_tree_init(&net->subs, vx_fchild_compare_sibling);
        vx_tree_init(&net->ips, compare_ip);
        vx_tree_insert(&f->nets, &oid, &net->by_oid);
    }
    return net;
}

void
vx_fnet_put(struct vx_fabric *f, struct vx_fnet *net)
{
    if (!net->obj && !net->ports.count && !net->subs.count) {
        assert(!net->n_hosts && !net->n_bum && !net->n_zones);
        assert(!net->tenant);
        vx_tree_remove(&f->nets, &net->by_oid);
        free(net->members);
        free(net->hosts);
        free(net->bum);
        free(net->zones);
        free(net);
    }
}

/* Index of the first member whose host is >= oid. */
static size_t
member_rank(const struct vx_fnet *net, uint64_t oid)
{
    size_t low = 0, high = net->n_hosts;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (net->hosts[mid] < oid) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

struct vx_fmember *
vx_fmember_find(const struct vx_fnet *net, uint64_t host)
{
    size_t i = member_rank(net, host);

    return i < net->n_hosts && net->hosts[i] == host ? net->members[i]
                                                     : NULL;
}

struct vx_fmember *
vx_fmember_find_at(const struct vx_fhost *host, uint64_t network)
{
    struct vx_tree_node *node = vx_tree_find(&host->members, &network);

    return node ? VX_FMEMBER(node) : NULL;
}

struct vx_fmember *
vx_fmember_new(struct vx_fnet *net, struct vx_fhost *host)
{
    struct vx_fmember *member = vx_xcalloc(1, sizeof *member);
    size_t i = member_rank(net, host->oid), n = net->n_hosts - i;

    member->net = net;
    member->host = host;
    vx_tree_init(&member->ports, compare_member_port);
    vx_tree_init(&member->guests, compare_guest_port);
    vx_tree_insert(&host->members, &net->oid, &member->by_network);
    net->members = vx_grow(net->members, &net->cap_members,
                           net->n_hosts + 1, sizeof *net->members);
    net->hosts = vx_grow(net->hosts, &net->cap_hosts, net->n_hosts + 1,
                         sizeof *net->hosts);
    memmove(&net->members[i + 1], &net->members[i],
            n * sizeof *net->members);
    memmove(&net->hosts[i + 1], &net->hosts[i], n * sizeof *net->hosts);
    net->members[i] = member;
    net->hosts[i] = host->oid;
    net->n_hosts++;
    return member;
}

void
vx_fmember_free(struct vx_fmember *member)
{
    struct vx_fnet *net = member->net;
    size_t i = member_rank(net, member->host->oid);
    size_t n = net->n_hosts - i - 1;

    assert(vx_fmember_is_empty(member) && net->members[i] == member);
    assert(!member->full && !member->reached);
    memmove(&net->members[i], &net->members[i + 1],
            n * sizeof *net->members);
    memmove(&net->hosts[i], &net->hosts[i + 1], n * sizeof *net->hosts);
    net->n_hosts--;
    vx_tree_remove(&member->host->members, &member->by_network);
    free(member);
}

struct vx_fport *
vx_fport_find(const struct vx_fabric *f, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&f->ports, &oid);

    return node ? VX_FPORT(node, by_oid) : NULL;
}

struct vx_fport *
vx_fport_new(struct vx_fabric *f, uint64_t oid, uint64_t network)
{
    struct vx_fport *port = vx_xcalloc(1, sizeof *port);

    port->oid = oid;
    port->dead = vx_fdead_is(f, oid);
    port->net = vx_fnet_get(f, network);
    vx_tree_insert(&f->ports, &oid, &port->by_oid);
    vx_tree_insert(&port->net->ports, &oid, &port->by_network);
    return port;
}

void
vx_fport_free(struct vx_fabric *f, struct vx_fport *port)
{
    assert(!port->member && !port->guest && !port->n_ips);
    vx_fport_set_location(f, port, 0);
    vx_tree_remove(&port->net->ports, &port->by_network);
    vx_tree_remove(&f->ports, &port->by_oid);
    vx_fnet_put(f, port->net);
    free(port);
}

void
vx_fport_set_location(struct vx_fabric *f, struct vx_fport *port,
                      uint64_t host)
{
    struct vx_fhost *old = port->location;

    if (old && old->oid == host) {
        return;
    }
    if (old) {
        vx_tree_remove(&old->ports, &port->by_host);
    }
    port->location = host ? vx_fhost_get(f, host) : NULL;
    if (host) {
        vx_tree_insert(&port->location->ports, &port->oid, &port->by_host);
    }
    vx_fhost_put(f, old);
}

void
vx_fport_set_member(struct vx_fport *port, struct vx_fmember *member)
{
    if (port->member == member) {
        return;
    }
    if (port->member) {
        vx_tree_remove(&port->member->ports, &port->by_member);
        port->member->host->n_ports--;
    }
    port->member = member;
    if (member) {
        vx_tree_insert(&member->ports, &port->oid, &port->by_member);
        member->host->n_ports++;
    }
}

void
vx_fport_set_guest(struct vx_fport *port, struct vx_fmember *member)
{
    if (port->guest == member) {
        return;
    }
    if (port->guest) {
        vx_tree_remove(&port->guest->guests, &port->by_guest);
    }
    port->guest = member;
    if (member) {
        vx_tree_insert(&member->guests, &port->oid, &port->by_guest);
    }
}

void
vx_fport_link_iface(struct vx_fabric *f, struct vx_fport *port)
{
    struct id_key key = { port->obj->iface_id, port->oid };

    vx_tree_insert(&f->ports_by_iface, &key, &port->by_iface);
}

void
vx_fport_unlink_iface(struct vx_fabric *f, struct vx_fport *port)
{
    vx_tree_remove(&f->ports_by_iface, &port->by_iface);
}

static struct vx_fport *
port_with_id(struct vx_tree_node *node, const char *id)
{
    struct vx_fport *port = node ? VX_FPORT(node, by_iface) : NULL;

    return port && !strcmp(port->obj->iface_id, id) ? port : NULL;
}

struct vx_fport *
vx_fport_first(const struct vx_fabric *f, const char *id)
{
    struct id_key key = { id, 0 };

    return port_with_id(vx_tree_ceil(&f->ports_by_iface, &key), id);
}

struct vx_fport *
vx_fport_next(const struct vx_fport *port)
{
    return port_with_id(vx_tree_next(&port->by_iface), port->obj->iface_id);
}

struct vx_fiface *
vx_fiface_find(const struct vx_fabric *f, const char *id, uint64_t host)
{
    struct id_key key = { id, host };
    struct vx_tree_node *node = vx_tree_find(&f->ifaces, &key);

    return node ? VX_CONTAINER(node, struct vx_fiface, by_id) : NULL;
}

struct vx_fiface *
vx_fiface_new(struct vx_fabric *f, const char *id, struct vx_fhost *host)
{
    struct id_key key = { id, host->oid };
    struct vx_fiface *iface = vx_xcalloc(1, sizeof *iface);

    iface->id = vx_xstrdup(id);
    iface->host = host;
    vx_tree_insert(&f->ifaces, &key, &iface->by_id);
    return iface;
}

void
vx_fiface_free(struct vx_fabric *f, struct vx_fiface *iface)
{
    struct vx_fhost *host = iface->host;

    vx_fiface_set_ofport(iface, 0);
    vx_tree_remove(&f->ifaces, &iface->by_id);
    free(iface->id);
    free(iface);
    vx_fhost_put(f, host);
}

void
vx_fiface_set_ofport(struct vx_fiface *iface, uint32_t ofport)
{
    uint64_t key = ofport;

    if (iface->ofport) {
        vx_tree_remove(&iface->host->ifaces, &iface->by_ofport);
    }
    iface->ofport = ofport;
    if (ofport) {
        vx_tree_insert(&iface->host->ifaces, &key, &iface->by_ofport);
    }
}

struct vx_fiface *
vx_fiface_by_ofport(const struct vx_fhost *host, uint32_t ofport)
{
    uint64_t key = ofport;
    struct vx_tree_node *node = vx_tree_find(&host->ifaces, &key);

    return node ? VX_CONTAINER(node, struct vx_fiface, by_ofport) : NULL;
}

static struct vx_fiface *
iface_with_id(struct vx_tree_node *node, const char *id)
{
    struct vx_fiface *iface = node ? VX_CONTAINER(node, struct vx_fiface,
                                                  by_id) : NULL;

    return iface && !strcmp(iface->id, id) ? iface : NULL;
}

struct vx_fiface *
vx_fiface_first(const struct vx_fabric *f, const char *id)
{
    struct id_key key = { id, 0 };

    return iface_with_id(vx_tree_ceil(&f->ifaces, &key), id);
}

struct vx_fiface *
vx_fiface_next(const struct vx_fiface *iface)
{
    return iface_with_id(vx_tree_next(&iface->by_id), iface->id);
}

size_t
vx_fbum_rank(const struct vx_fnet *net, uint32_t num)
{
    size_t low = 0, high = net->n_bum;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (net->bum[mid]->obj->num < num) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

void
vx_fbum_insert(struct vx_fnet *net, struct vx_fhost *host)
{
    size_t i = vx_fbum_rank(net, host->obj->num);

    net->bum = vx_grow(net->bum, &net->cap_bum, net->n_bum + 1,
                       sizeof *net->bum);
    memmove(&net->bum[i + 1], &net->bum[i],
            (net->n_bum - i) * sizeof *net->bum);
    net->bum[i] = host;
    net->n_bum++;
}

void
vx_fbum_remove(struct vx_fnet *net, struct vx_fhost *host)
{
    size_t i = vx_fbum_rank(net, host->obj->num);

    assert(i < net->n_bum && net->bum[i] == host);
    net->n_bum--;
    memmove(&net->bum[i], &net->bum[i + 1],
            (net->n_bum - i) * sizeof *net->bum);
}

struct vx_fabric *
vx_fabric_new(const struct vx_fabric_sink *sink)
{
    struct vx_fabric *f = vx_xcalloc(1, sizeof *f);

    f->sink = sink;
    f->max_buckets = VX_GROUP_MAX_BUCKETS;
    vx_tree_init(&f->hosts, compare_host);
    vx_tree_init(&f->nets, compare_net);
    vx_tree_init(&f->ports, compare_port);
    vx_tree_init(&f->zones, compare_zone);
    vx_tree_init(&f->dead, compare_dead);
    vx_tree_init(&f->tenants, compare_tenant);
    vx_tree_init(&f->subs, vx_fchild_compare);
    vx_tree_init(&f->paths, vx_fchild_compare);
    vx_tree_init(&f->ports_by_iface, compare_port_id);
    vx_tree_init(&f->ifaces, compare_iface_id);
    return f;
}

/* obj: an object of any kind, or NULL. */
static void
unref(const void *obj)
{
    vx_obj_unref(obj);
}

static void
free_members(struct vx_fnet *net)
{
    while (net->n_hosts) {
        struct vx_fmember *member = net->members[net->n_hosts - 1];

        vx_fmember_set_roles(member, false, false);
        vx_fmember_free(member);
    }
    net->n_bum = 0;
}

static void
free_routing(struct vx_fabric *f)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &f->paths) {
        struct vx_fpath *path = VX_CONTAINER(node, struct vx_fpath,
                                             child.by_oid);

        vx_fpath_unlink_uses(path);
        unref(path->told.obj);
        path->told.obj = NULL;
        unref(path->obj);
        vx_fpath_free(f, path);
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &f->subs) {
        struct vx_fsub *sub = VX_CONTAINER(node, struct vx_fsub,
                                           child.by_oid);

        if (sub->told) {
            vx_tree_remove(&sub->net->tenant->routed, &sub->by_prefix);
            unref(sub->told);
            sub->told = NULL;
        }
        unref(sub->obj);
        vx_fsub_free(f, sub);
    }
}

static void
free_tenants(struct vx_fabric *f)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &f->tenants) {
        struct vx_ften *tenant = VX_CONTAINER(node, struct vx_ften, by_oid);
        struct vx_tree_node *reach;

        while ((reach = vx_tree_first(&tenant->reaches))) {
            vx_freach_free(VX_CONTAINER(reach, struct vx_freach, by_host));
        }
        unref(tenant->obj);
        tenant->obj = NULL;
        vx_ften_put(f, tenant);
    }
}

/* Leaves first; whatever loses its last reference goes with it. */
static void
free_nodes(struct vx_fabric *f)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &f->ifaces) {
        vx_fiface_free(f, VX_CONTAINER(node, struct vx_fiface, by_id));
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &f->ports) {
        struct vx_fport *port = VX_FPORT(node, by_oid);

        vx_fport_set_member(port, NULL);
        vx_fport_set_guest(port, NULL);
        vx_fport_unlink_ips(port);
    }
    VX_TREE_FOR_EACH(node, &f->nets) {
        free_members(VX_FNET(node));
    }
    free_routing(f);
    VX_TREE_FOR_EACH_SAFE(node, next, &f->ports) {
        struct vx_fport *port = VX_FPORT(node, by_oid);

        unref(port->obj);
        vx_fport_free(f, port);
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &f->nets) {
        struct vx_fnet *net = VX_FNET(node);

        if (net->tenant) {
            vx_tree_remove(&net->tenant->nets, &net->by_tenant);
            net->tenant->router_net = NULL;
            net->tenant = NULL;
        }
        unref(net->obj);
        net->obj = NULL;
        vx_fnet_put(f, net);
    }
    free_tenants(f);
    VX_TREE_FOR_EACH_SAFE(node, next, &f->hosts) {
        struct vx_fhost *host = VX_FHOST(node);

        vx_fhost_set_zone(host, NULL);
        unref(host->obj);
        host->obj = NULL;
        vx_fhost_put(f, host);
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &f->zones) {
        struct vx_fzone *zone = VX_CONTAINER(node, struct vx_fzone, by_oid);

        unref(zone->obj);
        zone->obj = NULL;
        vx_fzone_put(f, zone);
    }
}

void
vx_fabric_free(struct vx_fabric *f)
{
    if (!f) {
        return;
    }
    free_nodes(f);
    VX_TREE_FOR_EACH_SAFE(node, next, &f->dead) {
        vx_tree_remove(&f->dead, node);
        free(VX_CONTAINER(node, struct vx_fdead, by_oid));
    }
    vx_rows_fini(&f->old);
    vx_rows_fini(&f->new);
    vx_rows_fini(&f->del);
    vx_rows_fini(&f->add);
    free(f->list);
    free(f);
}
