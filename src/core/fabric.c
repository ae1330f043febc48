/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, brought into the graph: committed changes of objects and
 * interfaces that come and go.  See fabric.h; the rows that follow are made
 * in fabric_emit.c and fabric_port.c. */
#include "core/fabric.h"

#include <stdlib.h>
#include <string.h>

#include "core/compile.h"
#include "core/fabric_graph.h"
#include "core/pipeline.h"
#include "lib/xalloc.h"

/* Moves may ask for rows of an old object until the end of a change. */
static const struct vx_port *
port_of(const struct vx_obj *obj)
{
    return (const struct vx_port *) obj;
}

static void
port_removed(struct vx_fabric *f, const struct vx_obj *old)
{
    struct vx_fport *port = vx_fport_find(f, old->oid);
    const struct vx_port *obj;

    if (!port) {
        return;
    }
    obj = port->obj;
    vx_fport_unlink_iface(f, port);
    vx_fport_move(f, port, &(struct vx_fplace) { 0 });
    vx_fport_unlink_ips(port);
    vx_fport_hops_changed(f, port, obj);
    vx_fport_leg_changed(f, port, obj, NULL);
    vx_fport_free(f, port);
    vx_fport_refresh(f, obj->iface_id);
    vx_obj_unref(&obj->o);
}

/* Its place with another object, before its interfaces are looked at again:
 * taps it may keep, or move, without taking another port's. */
static struct vx_fplace
place_before_refresh(struct vx_fabric *f, struct vx_fport *port,
                     const struct vx_port *obj, bool renamed)
{
    struct vx_fplace place;

    if (renamed) {
        return vx_fport_untapped(f, port, obj);
    }
    place = vx_fport_wanted(f, port, obj);
    if (vx_fport_first(f, obj->iface_id) != port || vx_fport_next(port)) {
        place.ofport = place.host == vx_fport_host(port) ? port->ofport : 0;
    }
    return place;
}

/* What ends a migration swaps both places; any other move forgets where the
 * port has been. */
static void
note_leaving(struct vx_fabric *f, struct vx_fport *port,
             const struct vx_port *obj, bool renamed)
{
    const struct vx_port *before = port->obj;

    if (before && before->migrate_from && !obj->migrate_from && !renamed
        && vx_port_location(obj) == before->host) {
        vx_fport_leave(f, port, before->migrate_from);
    } else if (obj->migrate_from
               || (before && vx_port_location(obj)
                             != vx_port_location(before))) {
        port->left = 0;
    }
}

static void
port_changed(struct vx_fabric *f, const struct vx_obj *new)
{
    const struct vx_port *obj = port_of(vx_obj_ref(new)), *before;
    struct vx_fport *port = vx_fport_find(f, new->oid);
    struct vx_fplace place;
    bool renamed;

    if (!port) {
        port = vx_fport_new(f, new->oid, new->parent);
    }
    before = port->obj;
    renamed = !before || strcmp(before->iface_id, obj->iface_id);
    if (before && renamed) {
        vx_fport_unlink_iface(f, port);
    }
    vx_fport_set_location(f, port, vx_port_location(obj));
    note_leaving(f, port, obj, renamed);
    place = place_before_refresh(f, port, obj, renamed);
    vx_fport_move(f, port, &place);
    vx_fport_unlink_ips(port);
    vx_fport_link_ips(port);
    vx_fport_hops_changed(f, port, before);
    vx_fport_hops_changed(f, port, obj);
    vx_fport_leg_changed(f, port, before, obj);
    if (renamed) {
        vx_fport_link_iface(f, port);
    }
    if (before && renamed) {
        vx_fport_refresh(f, before->iface_id);
    }
    vx_fport_refresh(f, obj->iface_id);
    if (before) {
        vx_obj_unref(&before->o);
    }
}

/* When a network has become known, or unknown. */
static void
refresh_ports_of_network(struct vx_fabric *f, struct vx_fnet *net)
{
    VX_TREE_FOR_EACH(node, &net->ports) {
        vx_fport_refresh(f, VX_FPORT(node, by_network)->obj->iface_id);
    }
}

static bool
is_direct(const struct vx_network *network)
{
    return network && network->path == VX_PATH_DIRECT;
}

/* Hosts know each other before a network needs it, and until none does. */
static void
network_changed(struct vx_fabric *f, const struct vx_obj *new)
{
    struct vx_fnet *net = vx_fnet_get(f, new->oid);
    const struct vx_network *before = net->obj;
    const struct vx_network *after = (const void *) vx_obj_ref(new);

    if (!is_direct(before) && is_direct(after)) {
        vx_fabric_count_direct(f, true);
    }
    net->obj = after;
    if (!before) {
        net->seg = (struct vx_segment) {
            .network = after, .port_bum_pps = f->port_bum_pps
        };
        net->tenant = vx_ften_get(f, new->parent);
        vx_tree_insert(&net->tenant->nets, &net->oid, &net->by_tenant);
        if (!strcmp(new->name, VX_ROUTER_NETWORK)) {
            net->tenant->router_net = net;
        }
        vx_fnet_refresh(f, net);
        refresh_ports_of_network(f, net);
        vx_ften_legs_changed(f, net->tenant);
    } else {
        vx_fnet_refresh(f, net);
    }
    if (!before || before->vni != after->vni) {
        vx_fnet_tell_routes(f, net);    /* policies that name it */
    }
    if (is_direct(before) && !is_direct(after)) {
        vx_fabric_count_direct(f, false);
    }
    if (before) {
        vx_obj_unref(&before->o);
    }
}

/* Out of the router first, then off every host. */
static void
clear_network(struct vx_fabric *f, struct vx_fnet *net)
{
    f->at_once = true;
    net->going = true;
    vx_fnet_refresh(f, net);
    VX_TREE_FOR_EACH(node, &net->ports) {
        struct vx_fport *port = VX_FPORT(node, by_network);

        vx_fport_move(f, port, &(struct vx_fplace) { .obj = port->obj });
    }
    for (size_t i = net->n_hosts; i-- > 0;) {
        if (i < net->n_hosts && net->members[i]->full) {
            vx_fmember_lose(f, net->members[i]);
        }
    }
    net->going = false;
    f->at_once = false;
}

static void
network_removed(struct vx_fabric *f, const struct vx_obj *old)
{
    struct vx_fnet *net = vx_fnet_find(f, old->oid);
    const struct vx_network *before;
    struct vx_ften *tenant;

    if (!net || !net->obj) {
        return;
    }
    clear_network(f, net);
    before = net->obj;
    tenant = net->tenant;
    net->obj = NULL;
    vx_fnet_tell_routes(f, net);        /* policies that name it */
    vx_tree_remove(&tenant->nets, &net->by_tenant);
    if (tenant->router_net == net) {
        tenant->router_net = NULL;
    }
    vx_ften_legs_changed(f, tenant);
    net->tenant = NULL;
    net->seg = (struct vx_segment) { 0 };
    refresh_ports_of_network(f, net);   /* others may have their iface-id */
    vx_fnet_put(f, net);
    vx_ften_put(f, tenant);
    if (is_direct(before)) {
        vx_fabric_count_direct(f, false);
    }
    vx_obj_unref(&before->o);
}

static void
refresh_ifaces(struct vx_fabric *f, const struct vx_fhost *host)
{
    VX_TREE_FOR_EACH(node, &host->ifaces) {
        vx_fport_refresh(f, VX_CONTAINER(node, struct vx_fiface,
                                         by_ofport)->id);
    }
}

static void
host_added(struct vx_fabric *f, struct vx_fhost *host,
           const struct vx_host *obj)
{
    vx_fhost_set_obj(f, host, obj);
    VX_TREE_FOR_EACH(node, &host->ports) {
        vx_fport_refresh(f, VX_FPORT(node, by_host)->obj->iface_id);
    }
    refresh_ifaces(f, host);
}

/* Nothing is on the host any more, nor lingers. */
static void
clear_host(struct vx_fabric *f, struct vx_fhost *host)
{
    uint64_t oid = 0;
    struct vx_tree_node *node;

    f->at_once = true;
    VX_TREE_FOR_EACH(port_node, &host->ports) {
        struct vx_fport *port = VX_FPORT(port_node, by_host);

        vx_fport_move(f, port, &(struct vx_fplace) { .obj = port->obj });
    }
    while ((node = vx_tree_ceil(&host->members, &oid))) {
        struct vx_fmember *member = VX_FMEMBER(node);

        if (member->guests.count) {
            struct vx_fport *port = VX_FPORT(vx_tree_first(&member->guests),
                                             by_guest);
            struct vx_fplace place = vx_fport_place(port);

            place.guest = NULL;
            place.guest_ofport = 0;
            vx_fport_move(f, port, &place);
            continue;
        }
        oid = member->net->oid + 1;
        if (member->full) {
            vx_fmember_lose(f, member);
        }
    }
    f->at_once = false;
}

static void
host_gone(struct vx_fabric *f, struct vx_fhost *host)
{
    clear_host(f, host);
    vx_fhost_set_obj(f, host, NULL);
    VX_TREE_FOR_EACH(node, &host->ports) {
        vx_fport_refresh(f, VX_FPORT(node, by_host)->obj->iface_id);
    }
    refresh_ifaces(f, host);
}

/* Ports that are about to migrate there, and have no interface there yet, are
 * found by nothing else. */
static void
host_again(struct vx_fabric *f, struct vx_fhost *host,
           const struct vx_host *obj)
{
    uint64_t *ports = NULL;
    size_t n = 0, cap = 0;

    VX_TREE_FOR_EACH(node, &host->members) {
        VX_TREE_FOR_EACH(guest, &VX_FMEMBER(node)->guests) {
            ports = vx_grow(ports, &cap, n + 1, sizeof *ports);
            ports[n++] = VX_FPORT(guest, by_guest)->oid;
        }
    }
    host_gone(f, host);
    host_added(f, host, obj);
    for (size_t i = 0; i < n; i++) {
        struct vx_fport *port = vx_fport_find(f, ports[i]);

        if (port) {
            vx_fport_refresh(f, port->obj->iface_id);
        }
    }
    free(ports);
}

static void
host_changed(struct vx_fabric *f, const struct vx_obj *new)
{
    const struct vx_host *after = (const struct vx_host *) vx_obj_ref(new);
    struct vx_fhost *host = vx_fhost_get(f, new->oid);
    const struct vx_host *before = host->obj;

    if (!before) {
        host_added(f, host, after);
        return;
    }
    if (before->num != after->num
        || (before->zone != after->zone
            && !vx_fhost_moves_lightly(f, host, after))) {
        host_again(f, host, after);
    } else {
        vx_fhost_set_obj(f, host, after);
    }
    VX_TREE_FOR_EACH(node, &host->ports) {
        vx_femit_touch(f, VX_FPORT(node, by_host));
    }
    if (before->draining != after->draining) {
        refresh_ifaces(f, host);    /* ports may be located there again */
    }
    vx_obj_unref(&before->o);
}

static void
host_removed(struct vx_fabric *f, const struct vx_obj *old)
{
    struct vx_fhost *host = vx_fhost_find(f, old->oid);
    const struct vx_host *before;

    if (!host || !host->obj) {
        return;
    }
    before = host->obj;
    host_gone(f, host);
    vx_fhost_put(f, host);
    vx_obj_unref(&before->o);
}

void
vx_fabric_set_bum(struct vx_fabric *f, uint32_t port_bum_pps)
{
    f->port_bum_pps = port_bum_pps;
}

void
vx_fabric_port_alive(struct vx_fabric *f, uint64_t oid, bool alive)
{
    struct vx_fport *port = vx_fport_find(f, oid);

    vx_fdead_set(f, oid, !alive);
    if (port && port->dead == alive) {
        port->dead = !alive;
        vx_fport_hops_changed(f, port, port->obj);
    }
}

void
vx_fabric_change(struct vx_fabric *f, const struct vx_obj *old,
                 const struct vx_obj *new)
{
    switch (new ? new->kind : old ? old->kind : VX_NONE) {
    case VX_HOST:
        new ? host_changed(f, new) : host_removed(f, old);
        break;
    case VX_NETWORK:
        new ? network_changed(f, new) : network_removed(f, old);
        break;
    case VX_PORT:
        new ? port_changed(f, new) : port_removed(f, old);
        break;
    case VX_ZONE:
        vx_fabric_zone(f, (new ? new : old)->oid, (const void *) new);
        break;
    case VX_TENANT:
        vx_fabric_tenant(f, (new ? new : old)->oid, (const void *) new);
        break;
    case VX_SUBNET:
        vx_fabric_subnet(f, new ? new : old, new != NULL);
        break;
    case VX_ROUTE:
    case VX_POLICY:
        vx_fabric_path(f, new ? new : old, new != NULL);
        break;
    case VX_NONE:
    case VX_RETIRED_VNI:
    case VX_GATEWAY:            /* hosts learn of its legs only */
    case VX_PEERING:
    case VX_UPLINK:
    case VX_N_KINDS:
        break;
    }
}

static void
remove_iface(struct vx_fabric *f, struct vx_fiface *iface)
{
    char *id = vx_xstrdup(iface->id);

    vx_fiface_free(f, iface);
    vx_fport_refresh(f, id);
    free(id);
}

void
vx_fabric_iface(struct vx_fabric *f, uint64_t host_oid, const char *id,
                uint32_t ofport)
{
    struct vx_fiface *iface = vx_fiface_find(f, id, host_oid), *holder;
    struct vx_fhost *host;

    if (ofport >= VX_OFPORT_PATCH) {
        ofport = 0;     /* ours, or no port at all (OFPP_NONE) */
    }
    if (!ofport) {
        if (iface) {
            remove_iface(f, iface);
        }
        return;
    }
    if (iface && iface->ofport == ofport) {
        return;
    }
    host = vx_fhost_get(f, host_oid);
    if (!iface) {
        iface = vx_fiface_new(f, id, host);
    }
    holder = vx_fiface_by_ofport(host, ofport);
    if (holder) {
        vx_fiface_set_ofport(holder, 0);    /* its number is re-used */
    }
    vx_fiface_set_ofport(iface, ofport);
    if (holder) {
        remove_iface(f, holder);
    }
    vx_fport_refresh(f, id);
}

static void
forget_left(struct vx_fabric *f, struct vx_fport *port)
{
    if (port->left) {
        port->left = 0;
        vx_fport_refresh(f, port->obj->iface_id);
    }
}

void
vx_fabric_grace_over(struct vx_fabric *f, const struct vx_grace *grace)
{
    struct vx_fnet *net = vx_fnet_find(f, grace->object);
    struct vx_fport *port = vx_fport_find(f, grace->object);
    struct vx_fmember *member = net ? vx_fmember_find(net, grace->host)
                                : NULL;

    if (member && member->grace == grace->number) {
        vx_fmember_lose(f, member);
    } else if (port && port->left == grace->host
               && port->grace == grace->number) {
        forget_left(f, port);
    }
}

void
vx_fabric_linger(struct vx_fabric *f, uint64_t oid)
{
    struct vx_fport *port = vx_fport_find(f, oid);

    if (port && port->obj && port->obj->left) {
        vx_fport_leave(f, port, port->obj->left);
        vx_fport_refresh(f, port->obj->iface_id);
    }
}

static struct vx_fport *
next_guest(const struct vx_fmember *member, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_ceil(&member->guests, &oid);

    return node ? VX_FPORT(node, by_guest) : NULL;
}

/* The second places at a host that end with a grace time, all of them or
 * those without an interface.  A member that goes may take others of its
 * tenant along, on this host: each step looks for the next one. */
static void
forget_guests(struct vx_fabric *f, const struct vx_fhost *host, bool all)
{
    struct vx_tree_node *node;
    uint64_t oid = 0;

    while ((node = vx_tree_ceil(&host->members, &oid))) {
        struct vx_fmember *member = VX_FMEMBER(node);
        struct vx_fport *guest = next_guest(member, 0);

        oid = member->net->oid + 1;
        while (guest) {
            uint64_t last = guest->oid;

            if (all || !guest->guest_ofport) {
                forget_left(f, guest);
            }
            member = vx_fmember_find_at(host, oid - 1);
            guest = member ? next_guest(member, last + 1) : NULL;
        }
    }
}

static void
settle_host(struct vx_fabric *f, struct vx_fhost *host)
{
    struct vx_tree_node *node;
    uint64_t oid = 0;

    forget_guests(f, host, true);
    while ((node = vx_tree_ceil(&host->members, &oid))) {
        oid = VX_FMEMBER(node)->net->oid + 1;
        if (VX_FMEMBER(node)->grace) {
            vx_fmember_lose(f, VX_FMEMBER(node));
        }
    }
}

void
vx_fabric_unheard(struct vx_fabric *f, uint64_t oid, bool unheard)
{
    struct vx_fhost *host = vx_fhost_find(f, oid);

    if (host) {
        host->unheard = unheard;
        if (!unheard) {
            forget_guests(f, host, false);
        }
    }
}

void
vx_fabric_settle(struct vx_fabric *f, uint64_t oid)
{
    struct vx_fnet *net = vx_fnet_find(f, oid);
    struct vx_fhost *host = vx_fhost_find(f, oid);
    struct vx_fport *port = vx_fport_find(f, oid);

    for (size_t i = net ? net->n_hosts : 0; i-- > 0;) {
        if (i < net->n_hosts && net->members[i]->grace) {
            vx_fmember_lose(f, net->members[i]);
        }
    }
    if (host) {
        settle_host(f, host);
    }
    if (port) {
        forget_left(f, port);
    }
}
