/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the graph: the full compile of a switch, and what status and dry
 * run ask.  The compile loops over the same unit functions that differences
 * are made with. */
#include <stdlib.h>

#include "core/compile.h"
#include "core/fabric_graph.h"
#include "core/order.h"
#include "lib/xalloc.h"

/* What belongs to no network: the host's own, and in tier 1 what it needs to
 * route for its tenants, which no tap may come before. */
static void
compile_base(const struct vx_fabric *f, const struct vx_fhost *host,
             enum vx_tier tier, struct vx_rows *rows)
{
    size_t first = rows->n;

    vx_femit_host(f, host, tier, rows);
    vx_order_add_from(rows, first);
}

static void
compile_reach(const struct vx_freach *reach, enum vx_tier tier,
              struct vx_rows *rows)
{
    size_t first = rows->n;

    if (tier == VX_FABRIC_TIER) {
        vx_femit_budget(reach, rows);
    } else if (reach->n_full) {
        vx_femit_reach(reach, rows);
    }
    vx_order_add_from(rows, first);
}

/* The network's ports that somebody uses, on any host, or the others. */
static void
emit_ports(const struct vx_fmember *member, bool plugged,
           struct vx_rows *rows)
{
    VX_TREE_FOR_EACH(node, &member->net->ports) {
        const struct vx_fport *port = VX_FPORT(node, by_network);

        if (!port->ofport == !plugged) {
            vx_femit_sight(member, port, rows);
        }
    }
}

/* In tier 2 the network works before its unused ports are there: they may be
 * many, and the row that lets its packets in would come after all of them. */
static void
compile_member(const struct vx_fabric *f, const struct vx_fmember *member,
               enum vx_tier tier, struct vx_rows *rows)
{
    size_t first = rows->n;

    if (tier == VX_TENANT_TIER) {
        vx_femit_tier1(member, rows);
    } else {
        vx_femit_network(f, member, rows);
        emit_ports(member, true, rows);
        vx_order_add_from(rows, first);
        first = rows->n;
        emit_ports(member, false, rows);
    }
    vx_order_add_from(rows, first);
}

/* How soon a network is needed: somebody is there to use it; then, since it
 * is the smaller ones that are ready the sooner, by size. */
struct urgency {
    const struct vx_fmember *member;
    bool plugged;
    size_t n_ports;
};

static bool
is_plugged(const struct vx_fmember *member)
{
    VX_TREE_FOR_EACH(node, &member->ports) {
        if (VX_FPORT(node, by_member)->ofport) {
            return true;
        }
    }
    return false;
}

static int
compare_urgency(const void *a_, const void *b_)
{
    const struct urgency *a = a_, *b = b_;
    uint64_t x = a->member->net->oid, y = b->member->net->oid;

    if (a->plugged != b->plugged) {
        return a->plugged ? -1 : 1;
    }
    if (a->n_ports != b->n_ports) {
        return a->n_ports < b->n_ports ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

/* To be freed. */
static struct urgency *
by_urgency(const struct vx_fhost *host)
{
    struct urgency *list = vx_xcalloc(host->members.count + 1, sizeof *list);
    size_t n = 0;

    VX_TREE_FOR_EACH(node, &host->members) {
        const struct vx_fmember *member = VX_FMEMBER(node);

        list[n++] = (struct urgency) {
            member, is_plugged(member), member->net->ports.count
        };
    }
    if (n) {
        qsort(list, n, sizeof *list, compare_urgency);
    }
    return list;
}

static size_t
part_size(const struct vx_fabric_cursor *cursor)
{
    return cursor->max ? cursor->max : VX_FABRIC_PART;
}

/* Where a part goes on in a member: the network itself (0, 1), its ports in
 * tier 2 or those that are here in tier 1, then guests (GUESTS | oid). */
#define GUESTS (UINT64_C(1) << 63)

static struct vx_tree_node *
first_port(const struct vx_fmember *member, enum vx_tier tier,
           const struct vx_fabric_cursor *cursor)
{
    uint64_t oid = cursor->port & ~GUESTS;

    return cursor->port & GUESTS ? vx_tree_ceil(&member->guests, &oid)
           : vx_tree_ceil(tier == VX_FABRIC_TIER ? &member->net->ports
                                                 : &member->ports, &oid);
}

static const struct vx_fport *
port_of(struct vx_tree_node *node, enum vx_tier tier, uint64_t cursor)
{
    return cursor & GUESTS ? VX_FPORT(node, by_guest)
           : tier == VX_FABRIC_TIER ? VX_FPORT(node, by_network)
           : VX_FPORT(node, by_member);
}

/* False: there is more. */
static bool
some_ports(const struct vx_fmember *member, enum vx_tier tier,
           struct vx_fabric_cursor *cursor, struct vx_rows *rows)
{
    struct vx_tree_node *node = first_port(member, tier, cursor);
    size_t max = part_size(cursor), n_left = max;

    for (; node; node = vx_tree_next(node)) {
        const struct vx_fport *port = port_of(node, tier, cursor->port);

        if (rows->n >= max || !n_left--) {
            return false;
        }
        if (tier == VX_FABRIC_TIER) {
            vx_femit_sight(member, port, rows);
        } else {
            vx_femit_taps(member, port, rows);
        }
        cursor->port = (port->oid + 1) | (cursor->port & GUESTS);
    }
    return true;
}

/* False: the network has more. */
static bool
compile_some(const struct vx_fabric *f, const struct vx_fmember *member,
             enum vx_tier tier, struct vx_fabric_cursor *cursor,
             struct vx_rows *rows)
{
    if (!cursor->port) {
        cursor->port = 1;
        if (tier == VX_TENANT_TIER) {
            vx_femit_network_tier1(member, rows);
        } else {
            vx_femit_network(f, member, rows);
        }
    }
    if (!some_ports(member, tier, cursor, rows)) {
        return false;
    }
    if (tier == VX_TENANT_TIER && !(cursor->port & GUESTS)) {
        cursor->port = GUESTS;
        return some_ports(member, tier, cursor, rows);
    }
    return true;
}

/* The tenants' part, tenant by tenant: a policy is never split.  True: there
 * is more. */
static bool
compile_reaches(const struct vx_fhost *host, enum vx_tier tier,
                struct vx_fabric_cursor *cursor, struct vx_rows *rows)
{
    struct vx_tree_node *node = vx_tree_ceil(&host->reaches,
                                             &cursor->tenant);

    for (; node; node = vx_tree_next(node)) {
        const struct vx_freach *reach = VX_CONTAINER(node, struct vx_freach,
                                                     by_tenant);

        if (rows->n >= part_size(cursor)) {
            return true;
        }
        if (tier == VX_FABRIC_TIER) {
            vx_femit_budget(reach, rows);
        } else if (!vx_femit_reach_some(reach, part_size(cursor),
                                        &cursor->path, rows)) {
            cursor->tenant = reach->tenant->oid;
            return true;
        }
        cursor->tenant = reach->tenant->oid + 1;
        cursor->path = 0;
    }
    cursor->tenant = UINT64_MAX;
    return false;
}

bool
vx_fabric_compile_part(const struct vx_fabric *f, uint64_t oid,
                       enum vx_tier tier, struct vx_fabric_cursor *cursor,
                       struct vx_rows *rows)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);
    struct vx_tree_node *node;

    rows->n = 0;
    if (!host || !host->obj) {
        return false;
    }
    if (!cursor->network) {
        compile_base(f, host, tier, rows);
        cursor->network = 1;
    }
    if (cursor->tenant != UINT64_MAX
        && compile_reaches(host, tier, cursor, rows)) {
        return true;
    }
    for (node = vx_tree_ceil(&host->members, &cursor->network);
         node && rows->n < part_size(cursor); node = vx_tree_next(node)) {
        const struct vx_fmember *member = VX_FMEMBER(node);

        if (member->net->oid != cursor->network) {
            cursor->network = member->net->oid;
            cursor->port = 0;
        }
        if (!compile_some(f, member, tier, cursor, rows)) {
            return true;
        }
        cursor->network = member->net->oid + 1;
        cursor->port = 0;
    }
    return node != NULL;
}

void
vx_fabric_compile(const struct vx_fabric *f, uint64_t oid, enum vx_tier tier,
                  struct vx_rows *ret_rows)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);
    struct urgency *list;

    *ret_rows = (struct vx_rows) { 0 };
    if (!host || !host->obj) {
        return;
    }
    compile_base(f, host, tier, ret_rows);
    VX_TREE_FOR_EACH(node, &host->reaches) {
        compile_reach(VX_CONTAINER(node, struct vx_freach, by_tenant), tier,
                      ret_rows);
    }
    list = by_urgency(host);
    for (size_t i = 0; i < host->members.count; i++) {
        compile_member(f, list[i].member, tier, ret_rows);
    }
    free(list);
}

/* Both taps of a port that has moved as they were; see struct vx_tap. */
static void
past_taps(const struct vx_fmember *member, struct vx_rows *rows)
{
    VX_TREE_FOR_EACH(node, &member->ports) {
        const struct vx_fport *port = VX_FPORT(node, by_member);

        if (port->left && port->ofport) {
            vx_compile_tap(port->obj, &member->net->seg,
                           (struct vx_tap) { port->ofport, true }, rows);
        }
    }
    VX_TREE_FOR_EACH(node, &member->guests) {
        const struct vx_fport *port = VX_FPORT(node, by_guest);

        if (port->left && port->guest_ofport) {
            vx_compile_tap(port->obj, &member->net->seg,
                           (struct vx_tap) { port->guest_ofport, false },
                           rows);
        }
    }
}

/* The way to where the ports that have come were. */
static void
past_ways(const struct vx_fmember *member, struct vx_rows *rows)
{
    VX_TREE_FOR_EACH(node, &member->ports) {
        const struct vx_fport *port = VX_FPORT(node, by_member);

        if (port->left && port->guest && port->ofport) {
            struct vx_fport_view view = vx_fport_view(member, port->guest);

            vx_femit_port(port->obj, port->guest, &view, rows);
        }
    }
}

void
vx_fabric_compile_past(const struct vx_fabric *f, uint64_t oid,
                       enum vx_tier tier, struct vx_rows *ret_rows)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);

    *ret_rows = (struct vx_rows) { 0 };
    if (host && host->obj) {
        VX_TREE_FOR_EACH(node, &host->members) {
            (tier == VX_TENANT_TIER ? past_taps : past_ways)(
                VX_FMEMBER(node), ret_rows);
        }
    }
}

uint64_t
vx_fabric_hash(struct vx_fabric *f, uint64_t oid, enum vx_tier tier)
{
    struct vx_fhost *host = vx_fhost_find(f, oid);

    if (!host || !host->obj) {
        return 0;
    }
    if (!host->hashed[tier - 1]) {
        struct vx_rows rows;

        vx_fabric_compile(f, oid, tier, &rows);
        host->hash[tier - 1] = 0;
        for (size_t i = 0; i < rows.n; i++) {
            host->hash[tier - 1] += vx_row_hash(&rows.rows[i]);
        }
        vx_rows_fini(&rows);
        host->hashed[tier - 1] = true;
    }
    return host->hash[tier - 1];
}

/* The first host that has the port's interface though the port is not
 * there.  A port that may be anywhere and is nowhere yet is not elsewhere,
 * it is about to be located; unless the host is draining. */
static uint64_t
elsewhere(const struct vx_fabric *f, const struct vx_fport *port)
{
    const struct vx_fiface *iface;

    for (iface = vx_fiface_first(f, port->obj->iface_id); iface;
         iface = vx_fiface_next(iface)) {
        if (iface->host != port->location && iface->host->obj
            && iface->host->oid != port->left
            && iface->host->oid != port->obj->host
            && (vx_port_location(port->obj) || iface->host->obj->draining)) {
            return iface->host->oid;
        }
    }
    return 0;
}

uint64_t
vx_fabric_locate(const struct vx_fabric *f, uint64_t oid)
{
    const struct vx_fport *port = vx_fport_find(f, oid);

    return port && port->obj ? vx_fport_locate(f, port) : 0;
}

bool
vx_fabric_place(const struct vx_fabric *f, uint64_t oid,
                struct vx_place *ret_place)
{
    const struct vx_fport *port = vx_fport_find(f, oid);

    if (!port) {
        return false;
    }
    *ret_place = (struct vx_place) {
        .network = port->net->oid,
        .host = port->member ? port->member->host->oid : 0,
        .ofport = port->ofport,
        .elsewhere = elsewhere(f, port),
        .guest = port->guest ? port->guest->host->oid : 0,
        .guest_ofport = port->guest_ofport,
    };
    return true;
}

const uint64_t *
vx_fabric_network_hosts(const struct vx_fabric *f, uint64_t network,
                        size_t *ret_n)
{
    const struct vx_fnet *net = vx_fnet_find(f, network);

    *ret_n = net ? net->n_hosts : 0;
    return net ? net->hosts : NULL;
}

bool
vx_fabric_has_presence(const struct vx_fabric *f, uint64_t network,
                       uint64_t host)
{
    const struct vx_fnet *net = vx_fnet_find(f, network);

    return net && vx_fmember_find(net, host);
}

bool
vx_fabric_has_port_at(const struct vx_fabric *f, uint64_t network,
                      uint64_t host)
{
    const struct vx_fnet *net = vx_fnet_find(f, network);
    const struct vx_fmember *member = net ? vx_fmember_find(net, host)
                                      : NULL;

    return member && member->ports.count;
}

void
vx_fabric_host_networks(const struct vx_fabric *f, uint64_t oid,
                        void (*each)(void *aux, uint64_t network), void *aux)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);

    if (host) {
        VX_TREE_FOR_EACH(node, &host->members) {
            each(aux, VX_FMEMBER(node)->net->oid);
        }
    }
}

void
vx_fabric_network_ports(const struct vx_fabric *f, uint64_t network,
                        void (*each)(void *aux, uint64_t port), void *aux)
{
    const struct vx_fnet *net = vx_fnet_find(f, network);

    if (net) {
        VX_TREE_FOR_EACH(node, &net->ports) {
            const struct vx_fport *port = VX_FPORT(node, by_network);

            if (port->member) {
                each(aux, port->oid);
            }
        }
    }
}

size_t
vx_fabric_host_n_ports(const struct vx_fabric *f, uint64_t oid)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);

    return host ? host->n_ports : 0;
}
