/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets of BUM groups: to whom a host sends copies.
 *
 * Without border zones: to all other hosts with full members, the first
 * max_buckets by number.  A host of a bordered zone sends to its own zone and
 * to the designated border, which sends what comes from its zone to the other
 * zones, and what comes from those to its zone: never back to where it came
 * from, so nothing comes twice and nothing goes in circles. */
#include "core/fabric_graph.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

/* Whose groups on one host. */
enum kind { OWN, FROM_ZONE, FROM_CROSS, N_KINDS };

/* Hosts that get a copy, sorted by number. */
struct targets {
    const struct vx_fhost **hosts;
    size_t n, cap;
};

static void
put(struct targets *t, const struct vx_fhost *host)
{
    size_t i = t->n;

    while (i && t->hosts[i - 1]->obj->num > host->obj->num) {
        i--;
    }
    if (i && t->hosts[i - 1] == host) {
        return;
    }
    t->hosts = vx_grow(t->hosts, &t->cap, t->n + 1, sizeof *t->hosts);
    memmove(&t->hosts[i + 1], &t->hosts[i],
            (t->n++ - i) * sizeof *t->hosts);
    t->hosts[i] = host;
}

/* One host with full members, for one group of the viewer: itself, or a
 * border on the way to it. */
static void
add_for(struct targets *t, const struct vx_fnet *net,
        const struct vx_fhost *viewer, enum kind kind,
        const struct vx_fhost *host)
{
    bool same_zone = host->zone == viewer->zone;
    const struct vx_fhost *via = host;

    if (host == viewer || (same_zone ? kind == FROM_ZONE
                                     : kind == FROM_CROSS)) {
        return;
    }
    if (!same_zone) {
        const struct vx_fhost *own
            = vx_fzone_is_bordered(viewer->zone, net)
              ? vx_fzone_designated(viewer->zone, net) : viewer;

        if (own != viewer) {
            via = own;
        } else if (vx_fzone_is_bordered(host->zone, net)) {
            via = vx_fzone_designated(host->zone, net);
        }
    }
    put(t, via);
}

/* plus: a host that is not in net->bum counts too, NULL = none. */
static void
find_targets(const struct vx_fnet *net, const struct vx_fhost *viewer,
             enum kind kind, const struct vx_fhost *plus, struct targets *t)
{
    t->n = 0;
    for (size_t i = 0; i < net->n_bum; i++) {
        add_for(t, net, viewer, kind, net->bum[i]);
    }
    if (plus) {
        add_for(t, net, viewer, kind, plus);
    }
}

static uint32_t
group_of(const struct vx_fnet *net, enum kind kind)
{
    uint32_t vni = net->seg.network->vni;

    return kind == OWN ? vni
           : vni | (kind == FROM_ZONE ? VX_GROUP_FROM_ZONE
                                      : VX_GROUP_FROM_CROSS);
}

static bool
has_group(const struct vx_view *view, enum kind kind)
{
    return kind == OWN ? view->member : view->designated;
}

void
vx_fbum_compile(const struct vx_fabric *f, const struct vx_fmember *viewer,
                const struct vx_fhost *plus, struct vx_rows *rows)
{
    struct vx_view view = vx_fmember_view(viewer);
    struct targets t = { 0 };

    for (enum kind kind = 0; kind < N_KINDS; kind++) {
        uint32_t group = group_of(viewer->net, kind);

        if (!has_group(&view, kind)) {
            continue;
        }
        find_targets(viewer->net, viewer->host, kind, plus, &t);
        for (size_t i = 0; i < t.n && i < f->max_buckets; i++) {
            vx_compile_bum_bucket(t.hosts[i]->obj->num, group, rows);
        }
        if (kind != OWN && view.member) {
            vx_compile_bum_local(group, rows);
        }
    }
    free(t.hosts);
}

/* --- What one more host means, without border zones. */

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

static void
emit_plain(struct vx_fabric *f, const struct vx_fnet *net,
           const struct vx_fhost *host, enum vx_femit what)
{
    size_t rank = vx_fbum_rank(net, host->obj->num);
    uint32_t vni = net->seg.network->vni;
    struct vx_rows *rows = what == VX_FEMIT_ADD ? &f->new : &f->old;
    struct vx_rows *others = what == VX_FEMIT_ADD ? &f->old : &f->new;

    vx_femit_list(f, net->n_hosts);
    for (enum bum_class class = 0; class < N_BUM_CLASSES; class++) {
        size_t n = 0;

        for (size_t i = 0; i < net->n_hosts; i++) {
            const struct vx_fmember *viewer = net->members[i];

            if (viewer->full && viewer->host != host
                && bum_class(f, net, rank, viewer->host) == class) {
                f->list[n++] = viewer->host->oid;
            }
        }
        if (!n) {
            continue;
        }
        vx_compile_bum_bucket(host->obj->num, vni, rows);
        if (class != BUM_ROOM) {
            size_t last = f->max_buckets - (class == BUM_EVICT);

            vx_compile_bum_bucket(net->bum[last]->obj->num, vni, others);
        }
        vx_femit_change(f, VX_FABRIC_TIER, f->list, n);
    }
}

static bool
is_plain(const struct vx_fabric *f, const struct vx_fnet *net)
{
    VX_TREE_FOR_EACH(node, &f->zones) {
        if (vx_fzone_is_bordered(VX_CONTAINER(node, struct vx_fzone, by_oid),
                                 net)) {
            return false;
        }
    }
    return true;
}

void
vx_femit_bum(struct vx_fabric *f, const struct vx_fnet *net,
             const struct vx_fhost *host, enum vx_femit what)
{
    if (!vx_femit_on(f)) {
        return;
    }
    if (is_plain(f, net)) {
        emit_plain(f, net, host, what);
        return;
    }
    for (size_t i = 0; i < net->n_hosts; i++) {
        const struct vx_fmember *viewer = net->members[i];

        if (viewer->host == host && viewer->full) {
            continue;       /* gets, or loses, all of its groups */
        }
        vx_fbum_compile(f, viewer, what == VX_FEMIT_ADD ? NULL : host,
                        &f->old);
        vx_fbum_compile(f, viewer, what == VX_FEMIT_ADD ? host : NULL,
                        &f->new);
        vx_femit_change(f, VX_FABRIC_TIER, &viewer->host->oid, 1);
    }
}
