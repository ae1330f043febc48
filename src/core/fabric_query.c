/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the graph: the full compile of a switch, and what status and dry
 * run ask.  The compile loops over the same unit functions that differences
 * are made with. */
#include <stdlib.h>

#include "core/compile.h"
#include "core/fabric_graph.h"
#include "core/order.h"
#include "lib/xalloc.h"

/* What belongs to no network. */
static void
compile_base(const struct vx_fabric *f, const struct vx_fhost *host,
             enum vx_tier tier, struct vx_rows *rows)
{
    size_t first = rows->n;

    vx_compile_base(tier, rows);
    if (tier == VX_FABRIC_TIER) {
        VX_TREE_FOR_EACH(node, &f->hosts) {
            const struct vx_fhost *other = VX_FHOST(node);

            if (other != host && other->obj) {
                vx_compile_peer(other->obj,
                            other->obj->zone == host->obj->zone, rows);
            }
        }
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

        if (port->member && !port->ofport == !plugged) {
            vx_femit_port(port->obj, port->member, member->host, rows);
        }
    }
}

/* In tier 2 the network works before its unused ports are there: they may be
 * many, and the row that lets its packets in would come after all of them. */
static void
compile_member(const struct vx_fabric *f, const struct vx_fmember *member,
               enum vx_tier tier, struct vx_rows *rows)
{
    const struct vx_fnet *net = member->net;
    size_t first = rows->n;

    if (tier == VX_TENANT_TIER) {
        vx_femit_tier1(member, net->obj, rows);
    } else {
        vx_femit_network(f, net, member->host, rows);
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

/* What a port has on the member's host, as compile_member. */
static void
compile_port(const struct vx_fmember *member, const struct vx_fport *port,
             enum vx_tier tier, struct vx_rows *rows)
{
    struct vx_segment segment = { .network = member->net->obj };

    if (tier == VX_FABRIC_TIER) {
        if (port->member) {
            vx_femit_port(port->obj, port->member, member->host, rows);
        }
        return;
    }
    if (port->member == member && port->ofport) {
        vx_compile_tap(port->obj, &segment,
                       (struct vx_tap) { port->ofport, false }, rows);
    }
    if (port->guest == member && port->guest_ofport) {
        vx_compile_tap(port->obj, &segment,
                       (struct vx_tap) { port->guest_ofport, true }, rows);
    }
}

static size_t
part_size(const struct vx_fabric_cursor *cursor)
{
    return cursor->max ? cursor->max : VX_FABRIC_PART;
}

/* False: the network has more. */
static bool
compile_some(const struct vx_fabric *f, const struct vx_fmember *member,
             enum vx_tier tier, struct vx_fabric_cursor *cursor,
             struct vx_rows *rows)
{
    const struct vx_fnet *net = member->net;
    struct vx_tree_node *node;
    size_t max = part_size(cursor), n_left = max;

    if (!cursor->port) {
        cursor->port = 1;
        if (tier == VX_TENANT_TIER) {
            vx_compile_network_tier1(
                &(struct vx_segment) { .network = net->obj }, rows);
        } else {
            vx_femit_network(f, net, member->host, rows);
        }
    }
    for (node = vx_tree_ceil(&net->ports, &cursor->port); node;
         node = vx_tree_next(node)) {
        const struct vx_fport *port = VX_FPORT(node, by_network);

        if (rows->n >= max || !n_left--) {
            return false;
        }
        compile_port(member, port, tier, rows);
        cursor->port = port->oid + 1;
    }
    return true;
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
    list = by_urgency(host);
    for (size_t i = 0; i < host->members.count; i++) {
        compile_member(f, list[i].member, tier, ret_rows);
    }
    free(list);
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
