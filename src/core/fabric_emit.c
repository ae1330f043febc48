/* SPDX-License-Identifier: Apache-2.0 */
/* From differences of the graph to deltas: which rows, for which hosts.
 *
 * Rows are made once per set of hosts that get the same ones; a set is an
 * array of oids handed to the sink.  Nothing here changes the graph. */
#include "core/fabric_graph.h"

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

void
vx_femit_change(struct vx_fabric *f, enum vx_tier tier,
                const uint64_t *hosts, size_t n_hosts)
{
    if (n_hosts && vx_femit_on(f)) {
        add_to_hashes(f, tier, hosts, n_hosts);
        f->del.n = f->add.n = 0;
        vx_order_change(&f->old, &f->new, &f->del, &f->add);
        if (f->del.n || f->add.n) {
            struct vx_delta delta = {
                .tier = tier,
                .del = f->del.rows, .n_del = f->del.n,
                .add = f->add.rows, .n_add = f->add.n,
            };
            f->sink->rows(f->sink->ctx, hosts, n_hosts, &delta);
        }
    }
    f->old.n = f->new.n = 0;
}

size_t
vx_femit_others(struct vx_fabric *f, const struct vx_fnet *net,
                const struct vx_fhost *a, const struct vx_fhost *b)
{
    size_t n = 0;

    f->list = vx_grow(f->list, &f->cap_list, net->n_hosts, sizeof *f->list);
    for (size_t i = 0; i < net->n_hosts; i++) {
        uint64_t oid = net->hosts[i];

        if ((!a || oid != a->oid) && (!b || oid != b->oid)) {
            f->list[n++] = oid;
        }
    }
    return n;
}

size_t
vx_femit_all_but(struct vx_fabric *f, const struct vx_fhost *but)
{
    size_t n = 0;

    f->list = vx_grow(f->list, &f->cap_list, f->hosts.count,
                      sizeof *f->list);
    VX_TREE_FOR_EACH(node, &f->hosts) {
        const struct vx_fhost *host = VX_FHOST(node);

        if (host != but && host->obj) {
            f->list[n++] = host->oid;
        }
    }
    return n;
}

void
vx_femit_port(const struct vx_port *port, const struct vx_fmember *at,
              const struct vx_fhost *viewer, struct vx_rows *rows)
{
    uint32_t vni = at->net->obj->vni;

    vx_compile_neigh(port, vni, rows);
    if (viewer != at->host) {
        vx_compile_fdb(port, vni, at->host->obj->num, rows);
    }
}

void
vx_femit_network(const struct vx_fabric *f, const struct vx_fnet *net,
                 const struct vx_fhost *viewer, struct vx_rows *rows)
{
    size_t n = 0;

    vx_compile_network_tier2(&(struct vx_segment) { .network = net->obj },
                             &(struct vx_view) { .member = true }, rows);
    for (size_t i = 0; i < net->n_bum && n < f->max_buckets; i++) {
        if (net->bum[i] != viewer) {
            vx_compile_bum_bucket(net->bum[i]->obj->num, net->obj->vni,
                                  rows);
            n++;
        }
    }
}

static struct vx_rows *
rows_of(struct vx_fabric *f, enum vx_femit what)
{
    return what == VX_FEMIT_ADD ? &f->new : &f->old;
}

static void
presence_tier1(struct vx_fabric *f, const struct vx_fmember *member,
               enum vx_femit what)
{
    vx_compile_network_tier1(
        &(struct vx_segment) { .network = member->net->obj },
        rows_of(f, what));
    vx_femit_change(f, VX_TENANT_TIER, &member->host->oid, 1);
}

static void
presence_network(struct vx_fabric *f, const struct vx_fmember *member,
                 enum vx_femit what)
{
    vx_femit_network(f, member->net, member->host, rows_of(f, what));
    vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
}

static void
presence_ports(struct vx_fabric *f, const struct vx_fmember *member,
               enum vx_femit what)
{
    struct vx_rows *rows = rows_of(f, what);

    VX_TREE_FOR_EACH(node, &member->net->ports) {
        const struct vx_fport *port = VX_FPORT(node, by_network);

        if (!port->member) {
            continue;
        }
        vx_femit_port(port->obj, port->member, member->host, rows);
        if (rows->n >= CHUNK) {
            vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
        }
    }
    vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
}

void
vx_femit_presence(struct vx_fabric *f, const struct vx_fmember *member,
                  enum vx_femit what)
{
    if (!vx_femit_on(f)) {
        return;
    }
    if (what == VX_FEMIT_ADD) {
        presence_network(f, member, what);
        presence_ports(f, member, what);
        presence_tier1(f, member, what);
    } else {
        presence_tier1(f, member, what);
        presence_ports(f, member, what);
        presence_network(f, member, what);
    }
}

/* What one more host in the BUM list means to a viewer's group. */
enum bum_class {
    BUM_ROOM,           /* its bucket, nobody has to go */
    BUM_EVICT,          /* ... instead of net->bum[max - 1] */
    BUM_EVICT_NEXT,     /* ... instead of net->bum[max]: the viewer itself,
                         * who has no bucket, is among the first */
    N_BUM_CLASSES,
    BUM_FULL,           /* too far back in the list */
};

static enum bum_class
bum_class(const struct vx_fabric *f, const struct vx_fnet *net,
          size_t rank, const struct vx_fhost *viewer)
{
    size_t v = vx_fbum_rank(net, viewer->obj->num);

    if (rank - (v < rank) >= f->max_buckets) {
        return BUM_FULL;
    }
    if (net->n_bum - 1 < f->max_buckets) {
        return BUM_ROOM;
    }
    return v < f->max_buckets ? BUM_EVICT_NEXT : BUM_EVICT;
}

void
vx_femit_bum(struct vx_fabric *f, const struct vx_fnet *net,
             const struct vx_fhost *host, enum vx_femit what)
{
    size_t rank = vx_fbum_rank(net, host->obj->num);
    uint32_t vni = net->obj->vni;

    if (!vx_femit_on(f)) {
        return;
    }
    f->list = vx_grow(f->list, &f->cap_list, net->n_hosts, sizeof *f->list);
    for (enum bum_class class = 0; class < N_BUM_CLASSES; class++) {
        size_t n = 0;

        for (size_t i = 0; i < net->n_hosts; i++) {
            const struct vx_fhost *viewer = net->members[i]->host;

            if (viewer != host && bum_class(f, net, rank, viewer) == class) {
                f->list[n++] = viewer->oid;
            }
        }
        if (!n) {
            continue;
        }
        vx_compile_bum_bucket(host->obj->num, vni, rows_of(f, what));
        if (class != BUM_ROOM) {
            size_t last = f->max_buckets - (class == BUM_EVICT);

            vx_compile_bum_bucket(net->bum[last]->obj->num, vni,
                                  rows_of(f, !what));
        }
        vx_femit_change(f, VX_FABRIC_TIER, f->list, n);
    }
}

/* The rows of the ports at one member, for the others and for itself. */
static void
member_ports(struct vx_fabric *f, const struct vx_fmember *member,
             enum vx_femit what)
{
    struct vx_rows *rows = rows_of(f, what);
    size_t n = vx_femit_others(f, member->net, member->host, NULL);

    VX_TREE_FOR_EACH(node, &member->ports) {
        vx_femit_port(VX_FPORT(node, by_member)->obj, member, NULL, rows);
    }
    vx_femit_change(f, VX_FABRIC_TIER, f->list, n);
    VX_TREE_FOR_EACH(node, &member->ports) {
        vx_femit_port(VX_FPORT(node, by_member)->obj, member, member->host,
                      rows);
    }
    vx_femit_change(f, VX_FABRIC_TIER, &member->host->oid, 1);
}

void
vx_femit_tier1(const struct vx_fmember *member,
               const struct vx_network *network, struct vx_rows *rows)
{
    struct vx_segment segment = { .network = network };

    vx_compile_network_tier1(&segment, rows);
    VX_TREE_FOR_EACH(node, &member->ports) {
        const struct vx_fport *port = VX_FPORT(node, by_member);

        if (port->ofport) {
            vx_compile_tap(port->obj, &segment,
                           (struct vx_tap) { port->ofport, false }, rows);
        }
    }
    VX_TREE_FOR_EACH(node, &member->guests) {
        const struct vx_fport *port = VX_FPORT(node, by_guest);

        if (port->guest_ofport) {
            vx_compile_tap(port->obj, &segment,
                           (struct vx_tap) { port->guest_ofport, true },
                           rows);
        }
    }
}

/* The new VNI is complete everywhere before a tap is switched over to it,
 * and the old one goes last. */
void
vx_femit_renumbered(struct vx_fabric *f, struct vx_fnet *net,
                    const struct vx_network *before)
{
    const struct vx_network *after = net->obj;

    if (!vx_femit_on(f)) {
        return;
    }
    for (size_t i = 0; i < net->n_hosts; i++) {
        presence_network(f, net->members[i], VX_FEMIT_ADD);
    }
    for (size_t i = 0; i < net->n_hosts; i++) {
        member_ports(f, net->members[i], VX_FEMIT_ADD);
    }
    for (size_t i = 0; i < net->n_hosts; i++) {
        vx_femit_tier1(net->members[i], before, &f->old);
        vx_femit_tier1(net->members[i], after, &f->new);
        vx_femit_change(f, VX_TENANT_TIER, &net->hosts[i], 1);
    }
    net->obj = before;
    for (size_t i = 0; i < net->n_hosts; i++) {
        member_ports(f, net->members[i], VX_FEMIT_DEL);
    }
    for (size_t i = 0; i < net->n_hosts; i++) {
        presence_network(f, net->members[i], VX_FEMIT_DEL);
    }
    net->obj = after;
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
