/* SPDX-License-Identifier: Apache-2.0 */
/* From differences of the graph to deltas: which rows, for which hosts.
 *
 * Rows are made once per set of hosts that get the same ones; a set is an
 * array of oids handed to the sink.  Nothing here changes the graph. */
#include "core/fabric_graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile.h"
#include "core/order.h"
#include "lib/xalloc.h"

/* Rows of one delta, about: what a network with very many ports needs is
 * sent in pieces. */
enum { CHUNK = 4096 };

bool
vx_femit_on(const struct vx_fabric *f)
{
    return f->sink && f->sink->rows;
}

static uint64_t
sum(const struct vx_rows *rows)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < rows->n; i++) {
        hash += vx_row_hash(&rows->rows[i]);
    }
    return hash;
}

/* The rows' own hash is worked out once for all hosts. */
static void
add_to_hashes(struct vx_fabric *f, enum vx_tier tier, const uint64_t *hosts,
              size_t n_hosts)
{
    uint64_t change = 0;
    bool known = false;

    for (size_t i = 0; i < n_hosts; i++) {
        struct vx_fhost *host = vx_fhost_find(f, hosts[i]);

        if (host && host->hashed[tier - 1]) {
            if (!known) {
                change = sum(&f->new) - sum(&f->old);
                known = true;
            }
            host->hash[tier - 1] += change;
        }
    }
}

static void
change(struct vx_fabric *f, const struct vx_delta *kind,
       const uint64_t *hosts, size_t n_hosts)
{
    if (n_hosts && vx_femit_on(f)) {
        add_to_hashes(f, kind->tier, hosts, n_hosts);
        f->del.n = f->add.n = 0;
        vx_order_change(&f->old, &f->new, &f->del, &f->add);
        if (f->del.n || f->add.n) {
            struct vx_delta delta = {
                .tier = kind->tier, .after_other = kind->after_other,
                .del = f->del.rows, .n_del = f->del.n,
                .add = f->add.rows, .n_add = f->add.n,
            };
            f->sink->rows(f->sink->ctx, hosts, n_hosts, &delta);
        }
    }
    f->old.n = f->new.n = 0;
}

void
vx_femit_change(struct vx_fabric *f, enum vx_tier tier,
                const uint64_t *hosts, size_t n_hosts)
{
    change(f, &(struct vx_delta) { .tier = tier }, hosts, n_hosts);
}

void
vx_femit_change_after(struct vx_fabric *f, enum vx_tier tier, uint64_t host)
{
    change(f, &(struct vx_delta) { .tier = tier, .after_other = true },
           &host, 1);
}

void
vx_femit_list(struct vx_fabric *f, size_t n)
{
    f->list = vx_grow(f->list, &f->cap_list, n + 1, sizeof *f->list);
}

/* --- Rows of the graph as it is. */

void
vx_femit_port(const struct vx_port *port, const struct vx_fmember *at,
              const struct vx_fport_view *view, struct vx_rows *rows)
{
    uint32_t vni = at->net->seg.network->vni;

    if (view->neigh) {
        vx_compile_neigh(port, vni, rows);
    }
    if (view->adj) {
        vx_compile_adj(port, vni, rows);
    }
    if (view->local) {
        vx_compile_fdb_local(port, vni, rows);
    } else if (view->to) {
        vx_compile_fdb(port, vni, view->to, rows);
    }
}

void
vx_femit_sight(const struct vx_fmember *viewer, const struct vx_fport *port,
               struct vx_rows *rows)
{
    struct vx_fport_view view;

    if (port->member) {
        view = vx_fport_view(viewer, port->member);
        vx_femit_port(port->obj, port->member, &view, rows);
    }
}

void
vx_femit_network(const struct vx_fabric *f, const struct vx_fmember *viewer,
                 struct vx_rows *rows)
{
    const struct vx_fnet *net = viewer->net;
    struct vx_view view = vx_fmember_view(viewer);

    if (!vx_fmember_has_role(viewer)) {
        return;
    }
    vx_compile_network_tier2(&net->seg, &view, rows);
    vx_fbum_compile(f, viewer, NULL, rows);
    if (!view.member && !view.transit) {
        return;
    }
    VX_TREE_FOR_EACH(node, &net->subs) {
        const struct vx_fsub *sub = VX_FSUB(node);

        if (sub->told) {
            vx_compile_gateway(sub->told, net->seg.network->vni, rows);
        }
    }
}

void
vx_femit_network_tier1(const struct vx_fmember *member, struct vx_rows *rows)
{
    if (member->full) {
        vx_compile_network_tier1(&member->net->seg, rows);
    }
}

void
vx_femit_taps(const struct vx_fmember *member, const struct vx_fport *port,
              struct vx_rows *rows)
{
    if (port->member == member && port->ofport) {
        vx_compile_tap(port->obj, &member->net->seg,
                       (struct vx_tap) { port->ofport, false }, rows);
    }
    if (port->guest == member && port->guest_ofport) {
        vx_compile_tap(port->obj, &member->net->seg,
                       (struct vx_tap) { port->guest_ofport, true }, rows);
    }
}

/* --- Differences. */

/* Tier 2 rows of some ports of the network from this one on; the first that
 * is left, NULL = none. */
static struct vx_tree_node *
some_ports(const struct vx_fmember *member, struct vx_tree_node *node,
           struct vx_rows *rows)
{
    for (unsigned i = 0; node && i < CHUNK / 8;
         i++, node = vx_tree_next(node)) {
        vx_femit_sight(member, VX_FPORT(node, by_network), rows);
    }
    return node;
}

static void
member_tier2(struct vx_fabric *f, const struct vx_fmember *member,
             const struct vx_fstate *state)
{
    struct vx_tree_node *node = vx_tree_first(&member->net->ports), *next;

    state->set(state->aux, false);
    vx_femit_network(f, member, &f->old);
    state->set(state->aux, true);
    vx_femit_network(f, member, &f->new);
    vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
    for (; node && !state->network_only; node = next) {
        state->set(state->aux, false);
        some_ports(member, node, &f->old);
        state->set(state->aux, true);
        next = some_ports(member, node, &f->new);
        vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
    }
}

void
vx_femit_tier1(const struct vx_fmember *member, struct vx_rows *rows)
{
    vx_femit_network_tier1(member, rows);
    VX_TREE_FOR_EACH(node, &member->ports) {
        vx_femit_taps(member, VX_FPORT(node, by_member), rows);
    }
    VX_TREE_FOR_EACH(node, &member->guests) {
        vx_femit_taps(member, VX_FPORT(node, by_guest), rows);
    }
}

/* In one piece: a group and its buckets belong together. */
static void
member_tier1(struct vx_fabric *f, const struct vx_fmember *member,
             const struct vx_fstate *state)
{
    state->set(state->aux, false);
    vx_femit_tier1(member, &f->old);
    state->set(state->aux, true);
    vx_femit_tier1(member, &f->new);
    vx_femit_change(f, VX_TENANT_TIER, &member->host->oid, 1);
}

void
vx_femit_members(struct vx_fabric *f, struct vx_fmember *const *members,
                 size_t n, enum vx_tier tier, const struct vx_fstate *state)
{
    for (size_t i = 0; vx_femit_on(f) && i < n; i++) {
        if (tier == VX_FABRIC_TIER) {
            member_tier2(f, members[i], state);
        } else {
            member_tier1(f, members[i], state);
        }
    }
    state->set(state->aux, true);
}

/* --- A port that moves: members that see it alike get the same rows. */

/* Enough for all that vx_fport_view can say of one port, before and after:
 * nothing, as reached, full or transit, local, each way. */
enum { MAX_ALIKE = 64, NOT_NOW = UINT8_MAX };

struct alike {
    struct vx_fport_view from, to;
    size_t n;
};

static struct vx_fport_view
see(const struct vx_fmember *viewer, const struct vx_port *port,
    const struct vx_fmember *at)
{
    return port && at ? vx_fport_view(viewer, at)
                      : (struct vx_fport_view) { 0 };
}

static bool
same_view(const struct vx_fport_view *a, const struct vx_fport_view *b)
{
    return a->neigh == b->neigh && a->adj == b->adj && a->local == b->local
           && a->to == b->to;
}

static unsigned
class_of(struct alike *classes, unsigned *n_classes,
         const struct vx_fport_view *from, const struct vx_fport_view *to)
{
    for (unsigned i = 0; i < *n_classes; i++) {
        if (same_view(&classes[i].from, from)
            && same_view(&classes[i].to, to)) {
            return i;
        }
    }
    assert(*n_classes < MAX_ALIKE);
    classes[*n_classes] = (struct alike) { *from, *to, 0 };
    return (*n_classes)++;
}

static void
move_rows(struct vx_fabric *f, const struct vx_fmove *move,
          const struct alike *class)
{
    if (move->from && move->from_at) {
        vx_femit_port(move->from, move->from_at, &class->from, &f->old);
    }
    if (move->to && move->to_at) {
        vx_femit_port(move->to, move->to_at, &class->to, &f->new);
    }
}

static struct alike
sights(const struct vx_fmember *viewer, const struct vx_fmove *move)
{
    return (struct alike) {
        .from = see(viewer, move->from, move->from_at),
        .to = see(viewer, move->to, move->to_at),
    };
}

void
vx_femit_move_late(struct vx_fabric *f, const struct vx_fmove *move)
{
    if (move->late && vx_femit_on(f)) {
        struct alike class = sights(move->late, move);

        move_rows(f, move, &class);
        vx_femit_change_after(f, VX_FABRIC_TIER, move->late->host->oid);
    }
}

void
vx_femit_move(struct vx_fabric *f, const struct vx_fnet *net,
              const struct vx_fmove *move)
{
    struct alike classes[MAX_ALIKE];
    unsigned n_classes = 0;
    uint8_t *of;

    if (!vx_femit_on(f) || !net->n_hosts) {
        return;
    }
    of = vx_xmalloc(net->n_hosts);
    for (size_t i = 0; i < net->n_hosts; i++) {
        struct alike class = sights(net->members[i], move);

        of[i] = net->members[i] == move->late ? NOT_NOW
            : class_of(classes, &n_classes, &class.from, &class.to);
    }
    for (unsigned c = 0; c < n_classes; c++) {
        classes[c].n = vx_femit_alike(f, net, of, c);
        move_rows(f, move, &classes[c]);
        vx_femit_change(f, VX_FABRIC_TIER, f->list, classes[c].n);
    }
    free(of);
}

/* --- Another VNI: the new one is complete everywhere before a tap is switched
 * over to it, and the old one goes last. */

struct renumbering {
    struct vx_fnet *net;
    const struct vx_segment *before;
    struct vx_segment after;
};

static void
set_segment(void *aux, bool after)
{
    struct renumbering *r = aux;

    r->net->seg = after ? r->after : *r->before;
}

/* All tier 2 rows of one side. */
static void
all_tier2(struct vx_fabric *f, const struct vx_fnet *net, enum vx_femit what)
{
    struct vx_rows *rows = what == VX_FEMIT_ADD ? &f->new : &f->old;

    for (size_t i = 0; i < net->n_hosts; i++) {
        const struct vx_fmember *member = net->members[i];
        struct vx_tree_node *node = vx_tree_first(&net->ports);

        if (what == VX_FEMIT_ADD) {
            vx_femit_network(f, member, rows);
            vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
        }
        while (node) {
            node = some_ports(member, node, rows);
            vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
        }
        if (what == VX_FEMIT_DEL) {
            vx_femit_network(f, member, rows);
            vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
        }
    }
}

void
vx_femit_renumbered(struct vx_fabric *f, struct vx_fnet *net,
                    const struct vx_segment *before)
{
    struct renumbering r = { net, before, net->seg };
    struct vx_fstate state = { .set = set_segment, .aux = &r };

    if (!vx_femit_on(f)) {
        return;
    }
    all_tier2(f, net, VX_FEMIT_ADD);
    vx_femit_members(f, net->members, net->n_hosts, VX_TENANT_TIER, &state);
    vx_fnet_tell_routes(f, net);
    net->seg = *before;
    all_tier2(f, net, VX_FEMIT_DEL);
    net->seg = r.after;
}

void
vx_femit_touch(struct vx_fabric *f, const struct vx_fport *port)
{
    if (f->sink && f->sink->port_touched) {
        f->sink->port_touched(f->sink->ctx, port->oid);
    }
}

void
vx_femit_touch_network(struct vx_fabric *f, const struct vx_fnet *net)
{
    VX_TREE_FOR_EACH(node, &net->ports) {
        const struct vx_fport *port = VX_FPORT(node, by_network);

        if (port->obj) {
            vx_femit_touch(f, port);
        }
    }
}
