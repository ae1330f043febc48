/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: where each one ought to be, and the one way it gets there.
 *
 * A port's place is a function of what is known: objects and interfaces.
 * Every event changes what is known and then asks for the place again;
 * vx_fport_move emits the difference.  The order of its steps keeps every
 * switch safe at any time: presence before rows that need it, tier 2 before
 * tier 1, and in reverse when something goes.  A tap that is the second one
 * before or after stays all the time, so that nothing is lost on its way to
 * a port that migrates; and at both ends of its way the tier that packets
 * went by is told only when the other one has confirmed that it has them. */
#include <string.h>

#include "core/compile.h"
#include "core/fabric_graph.h"

/* A port's place at one time, by members. */
struct place {
    const struct vx_port *obj;
    struct vx_fmember *member, *guest;
    uint32_t ofport, guest_ofport;
};

/* --- Taps. */

/* The tap a place has at a member's host. */
static struct vx_tap
tap_at(const struct place *place, const struct vx_fmember *member)
{
    if (member == place->member) {
        return (struct vx_tap) { place->ofport, false };
    }
    return (struct vx_tap) { member == place->guest ? place->guest_ofport : 0,
                             true };
}

/* after: tier 2 is to have what packets go by now. */
static void
change_tap(struct vx_fabric *f, const struct vx_fmember *member,
           const struct place *from, const struct place *to, bool after)
{
    struct vx_tap old = tap_at(from, member), new = tap_at(to, member);

    if (!vx_femit_on(f)) {
        return;
    }
    if (old.ofport) {
        vx_compile_tap(from->obj, &member->net->seg, old, &f->old);
    }
    if (new.ofport) {
        vx_compile_tap(to->obj, &member->net->seg, new, &f->new);
    }
    if (after) {
        vx_femit_change_after(f, VX_TENANT_TIER, member->host->oid);
    } else {
        vx_femit_change(f, VX_TENANT_TIER, &member->host->oid, 1);
    }
}

/* Takes the tap away from a place that will have none there. */
static void
drop_tap(struct vx_fabric *f, struct place *from, const struct place *to,
         bool guest)
{
    struct vx_fmember *member = guest ? from->guest : from->member;
    uint32_t *ofport = guest ? &from->guest_ofport : &from->ofport;
    struct place without = *from;

    if (*ofport && !tap_at(to, member).ofport) {
        *(guest ? &without.guest_ofport : &without.ofport) = 0;
        change_tap(f, member, from, &without, false);
        *ofport = 0;
    }
}

static bool
same_tap(struct vx_tap a, struct vx_tap b)
{
    return a.ofport == b.ofport && (!a.ofport || a.second == b.second);
}

static void
bring_tap(struct vx_fabric *f, const struct vx_fmember *member,
          const struct place *from, const struct place *to)
{
    if (member && (from->obj != to->obj
                   || !same_tap(tap_at(from, member), tap_at(to, member)))) {
        change_tap(f, member, from, to,
                   member == from->member && member == to->guest);
    }
}

/* --- Presence. */

static struct vx_fmember *
member_at(struct vx_fabric *f, struct vx_fnet *net, struct vx_fhost *host)
{
    struct vx_fmember *member = host ? vx_fmember_find(net, host->oid)
                                : NULL;

    if (host && (!member || !member->full)) {
        member = vx_fmember_gain(f, net, host);
    } else if (member && member->grace) {
        member->grace = 0;
        vx_femit_touch_network(f, net);
    }
    return member;
}

static bool
has_grace(const struct vx_fabric *f)
{
    return f->sink && f->sink->grace && !f->at_once;
}

static uint64_t
tell_grace(struct vx_fabric *f, uint64_t object, uint64_t host)
{
    struct vx_grace grace = { ++f->last_grace, object, host };

    f->sink->grace(f->sink->ctx, &grace);
    return grace.number;
}

/* True if the member, which is empty, stays for a while. */
static bool
linger(struct vx_fabric *f, struct vx_fmember *member)
{
    if (!has_grace(f)) {
        return false;
    }
    member->grace = tell_grace(f, member->net->oid, member->host->oid);
    vx_femit_touch_network(f, member->net);
    return true;
}

/* --- The move. */

struct vx_fplace
vx_fport_place(const struct vx_fport *port)
{
    return (struct vx_fplace) {
        .obj = port->obj, .host = vx_fport_host(port),
        .ofport = port->ofport,
        .guest = port->guest ? port->guest->host : NULL,
        .guest_ofport = port->guest_ofport,
    };
}

static bool
same_place(const struct vx_fplace *a, const struct vx_fplace *b)
{
    return a->obj == b->obj && a->host == b->host && a->ofport == b->ofport
           && a->guest == b->guest && a->guest_ofport == b->guest_ofport;
}

/* The members of a place before they are looked up: what taps are there is
 * known by their hosts. */
static struct place
taps_to_come(struct vx_fnet *net, const struct vx_fplace *want)
{
    return (struct place) {
        .obj = want->obj,
        .member = want->host ? vx_fmember_find(net, want->host->oid) : NULL,
        .guest = want->guest ? vx_fmember_find(net, want->guest->oid) : NULL,
        .ofport = want->ofport, .guest_ofport = want->guest_ofport,
    };
}

/* An empty member stays for a while, or goes. */
static void
leave_member(struct vx_fabric *f, struct vx_fmember *member)
{
    if (member && vx_fmember_is_empty(member) && !linger(f, member)) {
        vx_fmember_lose(f, member);
    }
}

/* What of its place matters to paths by it. */
static int
is_hop(const struct vx_fport *port)
{
    return !port->member ? 0 : port->member->host->dead ? 1 : 2;
}

void
vx_fport_move(struct vx_fabric *f, struct vx_fport *port,
              const struct vx_fplace *want)
{
    struct vx_fplace now = vx_fport_place(port);
    struct place from = { port->obj, port->member, port->guest, port->ofport,
                          port->guest_ofport };
    struct place to = taps_to_come(port->net, want);
    int hop_before = is_hop(port);
    struct vx_fmove move;

    if (same_place(&now, want)) {
        return;
    }
    drop_tap(f, &from, &to, false);
    drop_tap(f, &from, &to, true);
    port->ofport = from.ofport;
    port->guest_ofport = from.guest_ofport;
    to.guest = member_at(f, port->net, want->guest);
    to.member = member_at(f, port->net, want->host);
    move = (struct vx_fmove) {
        from.obj, to.obj, from.member, to.member,
        from.member && from.member != to.member ? to.member : NULL,
    };
    vx_femit_move(f, port->net, &move);
    port->obj = want->obj;
    bring_tap(f, to.member, &from, &to);
    vx_femit_move_late(f, &move);
    if (to.guest != to.member) {
        bring_tap(f, to.guest, &from, &to);
    }
    port->ofport = want->ofport;
    port->guest_ofport = want->guest_ofport;
    vx_fport_set_guest(port, to.guest);
    vx_fport_set_member(port, to.member);
    if (from.member != to.member && from.member != to.guest) {
        leave_member(f, from.member);
    }
    if (from.guest != from.member && from.guest != to.guest
        && from.guest != to.member) {
        leave_member(f, from.guest);
    }
    if (want->obj) {
        vx_femit_touch(f, port);
        if (hop_before != is_hop(port)) {
            vx_fport_hops_changed(f, port, port->obj);
        }
    }
}

/* --- Where a port ought to be. */

static struct vx_fhost *
known(const struct vx_fport *port, struct vx_fhost *host)
{
    return host && host->obj && port->net->obj ? host : NULL;
}

static struct vx_fhost *
wanted_host(const struct vx_fport *port)
{
    return known(port, port->location);
}

/* The interface is for one port only, should two ever share an iface-id for
 * a moment: the older one. */
static uint32_t
wanted_ofport(const struct vx_fabric *f, const struct vx_fport *port)
{
    const char *id = port->obj->iface_id;
    const struct vx_fhost *host = wanted_host(port);
    const struct vx_fiface *iface;

    if (!host || !(iface = vx_fiface_find(f, id, host->oid))) {
        return 0;
    }
    for (const struct vx_fport *other = vx_fport_first(f, id);
         other != port; other = vx_fport_next(other)) {
        if (wanted_host(other) == host) {
            return 0;
        }
    }
    return iface->ofport;
}

static bool
is_alone(const struct vx_fabric *f, const struct vx_fport *port)
{
    return vx_fport_first(f, port->obj->iface_id) == port
           && !vx_fport_next(port);
}

static struct vx_fhost *
guest_host(const struct vx_fabric *f, const struct vx_fport *port,
           const struct vx_fhost *host, uint64_t oid)
{
    struct vx_fhost *guest = oid ? known(port, vx_fhost_find(f, oid)) : NULL;

    return host && guest != host ? guest : NULL;
}

struct vx_fplace
vx_fport_untapped(const struct vx_fabric *f, const struct vx_fport *port,
                  const struct vx_port *obj)
{
    struct vx_fhost *host = wanted_host(port);

    return (struct vx_fplace) {
        .obj = obj, .host = host,
        .guest = guest_host(f, port, host,
                            obj->migrate_from ? obj->host : 0),
    };
}

/* A second tap is not worth a quarrel about an iface-id. */
struct vx_fplace
vx_fport_wanted(struct vx_fabric *f, struct vx_fport *port,
                const struct vx_port *obj)
{
    struct vx_fplace place = vx_fport_untapped(f, port, obj);
    struct vx_fhost *second = place.guest ? place.guest
        : guest_host(f, port, place.host, port->left);
    const struct vx_fiface *iface = second && is_alone(f, port)
        ? vx_fiface_find(f, obj->iface_id, second->oid) : NULL;

    place.ofport = wanted_ofport(f, port);
    if (iface) {
        place.guest = second;
        place.guest_ofport = iface->ofport;
    } else if (second && !place.guest && second->unheard) {
        place.guest = second;
    } else {
        port->left = 0;
    }
    return place;
}

void
vx_fport_leave(struct vx_fabric *f, struct vx_fport *port, uint64_t oid)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);

    port->left = 0;
    if (host && has_grace(f)
        && (host->unheard
            || vx_fiface_find(f, port->obj->iface_id, oid))) {
        port->left = oid;
        port->grace = tell_grace(f, port->oid, oid);
    }
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

/* Taps it ought not to have (any more): they may be another port's. */
static void
let_go(struct vx_fabric *f, struct vx_fport *port)
{
    struct vx_fplace want = vx_fport_wanted(f, port, port->obj);
    struct vx_fplace place = vx_fport_place(port);

    if (place.ofport && !want.ofport) {
        place.ofport = 0;
    }
    if (place.guest_ofport && !want.guest_ofport) {
        place.guest_ofport = 0;
    }
    vx_fport_move(f, port, &place);
}

void
vx_fport_refresh(struct vx_fabric *f, const char *id)
{
    struct vx_fport *port;

    for (port = vx_fport_first(f, id); port; port = vx_fport_next(port)) {
        let_go(f, port);
    }
    for (port = vx_fport_first(f, id); port; port = vx_fport_next(port)) {
        struct vx_fplace want = vx_fport_wanted(f, port, port->obj);

        vx_fport_move(f, port, &want);
        vx_femit_touch(f, port);
    }
    port = vx_fport_first(f, id);
    if (port) {
        ask_to_locate(f, port);
    }
}
