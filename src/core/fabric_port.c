/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: where each one ought to be, and the one way it gets there.
 *
 * A port's place (host, ofport) is a function of what is known: objects and
 * interfaces.  Every event changes what is known and then asks for the place
 * again; vx_fport_move emits the difference.  The order of its steps keeps
 * every switch safe at any time: presence before rows that need it, tier 2
 * before tier 1, and in reverse when something goes. */
#include <string.h>

#include "core/compile.h"
#include "core/fabric_graph.h"

/* A port's place at one time. */
struct place {
    const struct vx_port *obj;
    struct vx_fmember *member;
    uint32_t ofport;
};

static void
change_tap(struct vx_fabric *f, const struct vx_fmember *member,
           const struct place *from, const struct place *to)
{
    uint32_t vni = member->net->obj->vni;

    if (!vx_femit_on(f)) {
        return;
    }
    if (from && from->ofport) {
        vx_compile_tap(from->obj, vni, from->ofport, &f->old);
    }
    if (to && to->ofport) {
        vx_compile_tap(to->obj, vni, to->ofport, &f->new);
    }
    vx_femit_change(f, VX_TENANT_TIER, &member->host->oid, 1);
}

static struct vx_fmember *
gain_presence(struct vx_fabric *f, struct vx_fnet *net,
              struct vx_fhost *host)
{
    struct vx_fmember *member = vx_fmember_new(net, host);

    vx_femit_presence(f, member, VX_FEMIT_ADD);
    if (vx_host_is_peer(host->obj)) {
        vx_femit_bum(f, net, host, VX_FEMIT_ADD);
        vx_fbum_insert(net, host);
    }
    vx_femit_touch_network(f, net);
    return member;
}

static void
lose_presence(struct vx_fabric *f, struct vx_fmember *member)
{
    struct vx_fnet *net = member->net;

    if (vx_host_is_peer(member->host->obj)) {
        vx_fbum_remove(net, member->host);
        vx_femit_bum(f, net, member->host, VX_FEMIT_DEL);
    }
    vx_femit_presence(f, member, VX_FEMIT_DEL);
    vx_fmember_free(member);
    vx_femit_touch_network(f, net);
}

/* Tier 2 rows of the port for one viewer (NULL: any other host). */
static void
emit_for(struct vx_fabric *f, const struct place *from,
         const struct place *to, const struct vx_fmember *viewer)
{
    const struct vx_fnet *net = (to->member ? to : from)->member->net;
    const struct vx_fhost *host = viewer ? viewer->host : NULL;
    const uint64_t *hosts = viewer ? &host->oid : NULL;
    size_t n = 1;

    if (!viewer) {
        n = vx_femit_others(f, net,
                            from->member ? from->member->host : NULL,
                            to->member ? to->member->host : NULL);
        hosts = f->list;
    }
    if (!n) {
        return;
    }
    if (from->member) {
        vx_femit_port(from->obj, from->member, host, &f->old);
    }
    if (to->member) {
        vx_femit_port(to->obj, to->member, host, &f->new);
    }
    vx_femit_change(f, VX_FABRIC_TIER, hosts, n);
}

/* Three kinds of viewers: the new host (gained: it has none of the port's
 * rows yet), the old one (lost: it keeps none of them), the others. */
static void
emit_tier2(struct vx_fabric *f, const struct place *from,
           const struct place *to, bool gained, bool lost)
{
    static const struct place nowhere;

    if (!vx_femit_on(f)) {
        return;
    }
    if (to->member) {
        emit_for(f, gained ? &nowhere : from, to, to->member);
    }
    emit_for(f, from, to, NULL);
    if (from->member && from->member != to->member) {
        emit_for(f, from, lost ? &nowhere : to, from->member);
    }
}

void
vx_fport_move(struct vx_fabric *f, struct vx_fport *port,
              const struct vx_port *obj, struct vx_fhost *host,
              uint32_t ofport)
{
    struct place from = { port->obj, port->member, port->ofport };
    struct place to = { obj, NULL, ofport };
    bool gained = false, lost;

    if (from.obj == obj && from.ofport == ofport
        && vx_fport_host(port) == host) {
        return;
    }
    if (from.ofport && (vx_fport_host(port) != host || !ofport)) {
        change_tap(f, from.member, &from, NULL);
        from.ofport = 0;
    }
    vx_fport_set_member(port, NULL);
    if (host) {
        to.member = vx_fmember_find(port->net, host->oid);
        gained = !to.member;
        if (gained) {
            to.member = gain_presence(f, port->net, host);
        }
    }
    lost = from.member && from.member != to.member
           && !from.member->ports.count;
    if ((from.member || to.member)
        && (from.obj != obj || from.member != to.member)) {
        emit_tier2(f, &from, &to, gained, lost);
    }
    port->obj = obj;
    port->ofport = ofport;
    if (ofport) {
        change_tap(f, to.member, &from, &to);
    }
    if (lost) {
        lose_presence(f, from.member);
    }
    vx_fport_set_member(port, to.member);
    if (obj) {
        vx_femit_touch(f, port);
    }
}

struct vx_fhost *
vx_fport_wanted_host(const struct vx_fport *port)
{
    return port->location && port->location->obj && port->net->obj
           ? port->location : NULL;
}

/* The interface is for one port only, should two ever share an iface-id for
 * a moment: the older one. */
static uint32_t
wanted_ofport(const struct vx_fabric *f, const struct vx_fport *port)
{
    const char *id = port->obj->iface_id;
    const struct vx_fhost *host = vx_fport_wanted_host(port);
    const struct vx_fiface *iface;

    if (!host || !(iface = vx_fiface_find(f, id, host->oid))) {
        return 0;
    }
    for (const struct vx_fport *other = vx_fport_first(f, id);
         other != port; other = vx_fport_next(other)) {
        if (vx_fport_wanted_host(other) == host) {
            return 0;
        }
    }
    return iface->ofport;
}

/* A port that may be anywhere follows its interface; while it is seen where
 * the port is located, another one elsewhere does not take it away (the
 * destination of a live migration is plugged before the source goes). */
uint64_t
vx_fport_locate(const struct vx_fabric *f, const struct vx_fport *port)
{
    const char *id = port->obj->iface_id;
    const struct vx_fiface *iface;

    if (port->obj->host || !port->net->obj || vx_fport_first(f, id) != port
        || (port->location && port->location->obj
            && vx_fiface_find(f, id, port->location->oid))) {
        return 0;
    }
    for (iface = vx_fiface_first(f, id); iface;
         iface = vx_fiface_next(iface)) {
        if (iface->host->obj && !iface->host->obj->draining) {
            return iface->host->oid;
        }
    }
    return 0;
}

static void
ask_to_locate(struct vx_fabric *f, const struct vx_fport *port)
{
    uint64_t host = vx_fport_locate(f, port);

    if (host && f->sink && f->sink->locate) {
        f->sink->locate(f->sink->ctx, port->oid, host);
    }
}

void
vx_fport_refresh(struct vx_fabric *f, const char *id)
{
    struct vx_fport *port;

    for (port = vx_fport_first(f, id); port; port = vx_fport_next(port)) {
        if (port->ofport && !wanted_ofport(f, port)) {
            vx_fport_move(f, port, port->obj, vx_fport_host(port), 0);
        }
    }
    for (port = vx_fport_first(f, id); port; port = vx_fport_next(port)) {
        vx_fport_move(f, port, port->obj, vx_fport_wanted_host(port),
                      wanted_ofport(f, port));
        vx_femit_touch(f, port);
    }
    port = vx_fport_first(f, id);
    if (port) {
        ask_to_locate(f, port);
    }
}
