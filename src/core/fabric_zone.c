/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts and zones: what depends on no network, and what becomes of networks
 * when a zone's way to the others changes.
 *
 * A host costs O(hosts).  A zone that gets other borders, another path or
 * budget costs all rows of the networks its hosts have: that is rare. */
#include <stdlib.h>
#include <string.h>

#include "core/fabric_graph.h"
#include "lib/xalloc.h"

/* --- Rows. */

static void
peer(const struct vx_fabric *f, const struct vx_fhost *viewer,
     const struct vx_fhost *host, struct vx_rows *rows)
{
    bool same_zone = viewer->zone == host->zone;

    if (viewer != host && viewer->obj && host->obj
        && (same_zone || vx_fhost_sees_others(f, viewer))) {
        vx_compile_peer(host->obj, same_zone, rows);
    }
}

/* The way to a zone by its borders: living ones, if any lives. */
static void
border(const struct vx_fabric *f, const struct vx_fhost *viewer,
       const struct vx_fzone *zone, struct vx_rows *rows)
{
    const struct vx_host *hosts[VX_ZONE_MAX_BORDERS];
    size_t n = 0;

    if (!zone->obj || (viewer->zone != zone
                       && !vx_fhost_sees_others(f, viewer))) {
        return;
    }
    for (int dead = 0; dead < 2 && !n; dead++) {
        for (size_t i = 0; i < zone->n_borders; i++) {
            const struct vx_fhost *host = zone->borders[i];

            if (dead || (!host->dead && vx_host_is_peer(host->obj))) {
                hosts[n++] = host->obj;
            }
        }
    }
    if (n) {
        vx_compile_border(zone->obj, hosts, n, rows);
    }
}

void
vx_femit_host(const struct vx_fabric *f, const struct vx_fhost *host,
              enum vx_tier tier, struct vx_rows *rows)
{
    if (!host->obj) {
        return;
    }
    vx_compile_base(tier, rows);
    if (tier == VX_TENANT_TIER) {
        return;
    }
    VX_TREE_FOR_EACH(node, &f->hosts) {
        peer(f, host, VX_FHOST(node), rows);
    }
    VX_TREE_FOR_EACH(node, &f->zones) {
        border(f, host, VX_FZONE(node), rows);
    }
    if (host->zone && host->zone->obj && host->zone->obj->budget_kbps) {
        vx_compile_host_budget(host->zone->obj, rows);
    }
}

/* --- Changes of a zone: whatever its hosts, borders or object were before,
 * told as a difference. */

/* A zone as it is at one time. */
struct side {
    const struct vx_zone *obj;
    struct vx_fhost *borders[VX_ZONE_MAX_BORDERS];
    size_t n_borders;
    bool open;
};

struct zone_change {
    struct vx_fzone *zone;
    struct side sides[2];       /* before, after */
    struct vx_fhost *host;      /* whose death it is about, or NULL */
    bool dead[2];
};

static struct side
side_of(const struct vx_fzone *zone)
{
    struct side side = {
        .obj = zone->obj, .n_borders = zone->n_borders, .open = zone->open
    };

    memcpy(side.borders, zone->borders, sizeof side.borders);
    return side;
}

static void
set_side(void *aux, bool after)
{
    struct zone_change *c = aux;
    const struct side *side = &c->sides[after];

    c->zone->obj = side->obj;
    c->zone->n_borders = side->n_borders;
    c->zone->open = side->open;
    memcpy(c->zone->borders, side->borders, sizeof side->borders);
    if (c->host) {
        c->host->dead = c->dead[after];
    }
}

/* Hosts that the object names, known and in the zone; but one that is about
 * to leave it. */
static struct side
wanted_side(const struct vx_fabric *f, const struct vx_fzone *zone,
            const struct vx_zone *obj, const struct vx_fhost *but)
{
    struct side side = { .obj = obj, .open = zone->open };

    for (size_t i = 0; obj && i < obj->n_borders; i++) {
        struct vx_fhost *host = vx_fhost_find(f, obj->borders[i]);

        if (host && host != but && host->obj && host->zone == zone) {
            side.borders[side.n_borders++] = host;
        }
    }
    return side;
}

static int
compare_nets(const void *a_, const void *b_)
{
    const struct vx_fnet *const *a = a_, *const *b = b_;

    return (*a)->oid < (*b)->oid ? -1 : (*a)->oid > (*b)->oid;
}

/* Networks that hosts of the zone have, by oid; to be freed. */
static struct vx_fnet **
nets_of(const struct vx_fzone *zone, size_t *ret_n)
{
    struct vx_fnet **nets = NULL;
    size_t n = 0, cap = 0, k = 0;

    VX_TREE_FOR_EACH(host, &zone->hosts) {
        VX_TREE_FOR_EACH(node, &VX_CONTAINER(host, struct vx_fhost,
                                             by_zone)->members) {
            nets = vx_grow(nets, &cap, n + 1, sizeof *nets);
            nets[n++] = VX_FMEMBER(node)->net;
        }
    }
    if (n) {
        qsort(nets, n, sizeof *nets, compare_nets);
    }
    for (size_t i = 0; i < n; i++) {
        if (!k || nets[k - 1] != nets[i]) {
            nets[k++] = nets[i];
        }
    }
    *ret_n = k;
    return nets;
}

/* Rows of hosts that depend on no network. */
static void
emit_hosts(struct vx_fabric *f, const struct vx_fstate *state)
{
    VX_TREE_FOR_EACH(node, &f->hosts) {
        struct vx_fhost *host = VX_FHOST(node);

        if (!host->obj) {
            continue;
        }
        state->set(state->aux, false);
        vx_femit_host(f, host, VX_FABRIC_TIER, &f->old);
        state->set(state->aux, true);
        vx_femit_host(f, host, VX_FABRIC_TIER, &f->new);
        vx_femit_change(f, VX_FABRIC_TIER, &host->oid, 1);
    }
}

/* What hosts know of each other comes before networks that need it, and goes
 * after them: the union of both sides is there meanwhile. */
/* Rows of both sides, each key once, the later one's. */
static int
compare_rows(const void *a_, const void *b_)
{
    const struct vx_row *const *a = a_, *const *b = b_;
    int cmp = vx_row_compare_key(*a, *b);

    return cmp ? cmp : *a > *b ? -1 : *a < *b;
}

static void
unite(struct vx_rows *rows)
{
    const struct vx_row **order = vx_xmalloc((rows->n + 1)
                                             * sizeof *order);
    struct vx_rows united = { 0 };

    for (size_t i = 0; i < rows->n; i++) {
        order[i] = &rows->rows[i];
    }
    qsort(order, rows->n, sizeof *order, compare_rows);
    for (size_t i = 0; i < rows->n; i++) {
        if (!i || vx_row_compare_key(order[i - 1], order[i])) {
            united.rows = vx_grow(united.rows, &united.cap, united.n + 1,
                                  sizeof *united.rows);
            vx_row_copy(&united.rows[united.n++], order[i]);
        }
    }
    free(order);
    vx_rows_fini(rows);
    *rows = united;
}

static void
emit_union(struct vx_fabric *f, const struct vx_fstate *state, bool begin)
{
    VX_TREE_FOR_EACH(node, &f->hosts) {
        struct vx_fhost *host = VX_FHOST(node);

        if (!host->obj) {
            continue;
        }
        state->set(state->aux, !begin);
        vx_femit_host(f, host, VX_FABRIC_TIER, begin ? &f->old : &f->new);
        state->set(state->aux, false);
        vx_femit_host(f, host, VX_FABRIC_TIER, begin ? &f->new : &f->old);
        state->set(state->aux, true);
        vx_femit_host(f, host, VX_FABRIC_TIER, begin ? &f->new : &f->old);
        unite(begin ? &f->new : &f->old);
        vx_femit_change(f, VX_FABRIC_TIER, &host->oid, 1);
    }
}

static void
change_zone(struct vx_fabric *f, struct zone_change *c)
{
    struct vx_fstate state = {
        .set = set_side, .aux = c, .network_only = c->host != NULL
    };
    struct vx_fnet **nets;
    size_t n;

    set_side(c, true);
    nets = nets_of(c->zone, &n);
    for (size_t i = 0; i < n; i++) {
        vx_fnet_add_transits(f, nets[i], c->zone);
    }
    if (vx_femit_on(f)) {
        emit_union(f, &state, true);
        for (size_t i = 0; i < n; i++) {
            vx_femit_members(f, nets[i]->members, nets[i]->n_hosts,
                             VX_FABRIC_TIER, &state);
        }
        emit_union(f, &state, false);
    }
    set_side(c, true);
    for (size_t i = 0; i < n; i++) {
        vx_fnet_drop_roleless(f, nets[i]);
    }
    free(nets);
}

static bool
same_side(const struct side *a, const struct side *b)
{
    return a->obj == b->obj && a->n_borders == b->n_borders
           && a->open == b->open
           && !memcmp(a->borders, b->borders,
                      a->n_borders * sizeof *a->borders);
}

/* A zone whose path changes goes by way of a state in which both ways work:
 * its hosts do not use the borders before those are ready, and borders do not
 * stop before the last host has. */
static bool
opens(const struct vx_fabric *f, const struct side *before,
      const struct side *after)
{
    return f->sink && f->sink->opened && before->obj && after->obj
           && after->n_borders && before->obj->path != after->obj->path;
}

static void
set_zone(struct vx_fabric *f, struct vx_fzone *zone,
         const struct vx_zone *obj, const struct vx_fhost *but)
{
    struct zone_change c = {
        .zone = zone,
        .sides = { side_of(zone), wanted_side(f, zone, obj, but) },
    };

    c.sides[1].open |= opens(f, &c.sides[0], &c.sides[1]);
    if (!same_side(&c.sides[0], &c.sides[1])) {
        change_zone(f, &c);
    }
    if (zone->open && !c.sides[0].open) {
        f->sink->opened(f->sink->ctx, zone->oid);
    }
}

void
vx_fabric_zone_settle(struct vx_fabric *f, uint64_t oid)
{
    struct vx_fzone *zone = vx_fzone_find(f, oid);
    struct zone_change c = { .zone = zone };

    if (zone && zone->open) {
        c.sides[0] = c.sides[1] = side_of(zone);
        c.sides[1].open = false;
        change_zone(f, &c);
    }
}

void
vx_fabric_zone(struct vx_fabric *f, uint64_t oid, const struct vx_zone *obj)
{
    struct vx_fzone *zone = vx_fzone_get(f, oid);
    const struct vx_zone *before = zone->obj;

    if (obj) {
        vx_obj_ref(&obj->o);
    }
    set_zone(f, zone, obj, NULL);
    if (before) {
        vx_obj_unref(&before->o);
    }
    vx_fzone_put(f, zone);
}

void
vx_fabric_host_alive(struct vx_fabric *f, uint64_t oid, bool alive)
{
    struct vx_fhost *host = vx_fhost_find(f, oid);

    vx_fdead_set(f, oid, !alive);
    if (!host || host->dead == !alive) {
        return;
    }
    if (vx_fzone_has_border(host->zone, host)) {
        struct zone_change c = {
            .zone = host->zone,
            .sides = { side_of(host->zone), side_of(host->zone) },
            .host = host, .dead = { host->dead, !alive },
        };

        change_zone(f, &c);
    }
    host->dead = !alive;
    vx_fhost_hops_changed(f, host);
}

/* --- Networks that go directly although zones do not: then hosts have to
 * know each other. */

struct direct_change {
    struct vx_fabric *f;
    size_t n[2];
};

static void
set_direct(void *aux, bool after)
{
    struct direct_change *c = aux;

    c->f->n_direct = c->n[after];
}

void
vx_fabric_count_direct(struct vx_fabric *f, bool one_more)
{
    struct direct_change c = {
        f, { f->n_direct, one_more ? f->n_direct + 1 : f->n_direct - 1 }
    };
    struct vx_fstate state = { .set = set_direct, .aux = &c };

    if (!c.n[0] != !c.n[1] && vx_femit_on(f)) {
        emit_hosts(f, &state);
    }
    set_direct(&c, true);
}

/* --- Hosts. */

/* The host as all others see it, from one object to another, and as a border
 * it sees itself. */
static void
emit_peer(struct vx_fabric *f, struct vx_fhost *host,
          const struct vx_host *before, const struct vx_host *after)
{
    VX_TREE_FOR_EACH(node, &f->hosts) {
        const struct vx_fhost *viewer = VX_FHOST(node);

        if ((viewer != host && !viewer->obj) || !vx_femit_on(f)) {
            continue;
        }
        host->obj = before;
        peer(f, viewer, host, &f->old);
        if (vx_fzone_has_border(host->zone, host)) {
            border(f, viewer, host->zone, &f->old);
        }
        host->obj = after;
        peer(f, viewer, host, &f->new);
        if (vx_fzone_has_border(host->zone, host)) {
            border(f, viewer, host->zone, &f->new);
        }
        vx_femit_change(f, VX_FABRIC_TIER, &viewer->oid, 1);
    }
    host->obj = after;
}

static void
emit_own(struct vx_fabric *f, struct vx_fhost *host, enum vx_femit what)
{
    static const enum vx_tier order[] = { VX_FABRIC_TIER, VX_TENANT_TIER };
    struct vx_rows *rows = what == VX_FEMIT_ADD ? &f->new : &f->old;

    for (int i = 0; vx_femit_on(f) && i < 2; i++) {
        enum vx_tier tier = order[what == VX_FEMIT_ADD ? i : 1 - i];

        vx_femit_host(f, host, tier, rows);
        vx_femit_change(f, tier, &host->oid, 1);
    }
}

/* A host in another zone, and neither zone has borders: only the classes of
 * packets change, and its budget. */
struct zone_move {
    struct vx_fhost *host;
    const struct vx_host *objs[2];
    struct vx_fzone *zones[2];
};

static void
set_place(void *aux, bool after)
{
    struct zone_move *move = aux;

    move->host->obj = move->objs[after];
    move->host->zone = move->zones[after];
}

bool
vx_fhost_moves_lightly(const struct vx_fabric *f, const struct vx_fhost *host,
                       const struct vx_host *obj)
{
    const struct vx_fzone *zone = vx_fzone_find(f, obj->zone);

    return host->zone && obj->zone && !host->zone->n_borders
           && (!zone || (!zone->n_borders
                         && (!zone->obj || !zone->obj->n_borders)));
}

static void
move_lightly(struct vx_fabric *f, struct vx_fhost *host,
             const struct vx_host *obj)
{
    struct zone_move move = {
        host, { host->obj, obj },
        { host->zone, vx_fzone_get(f, obj->zone) },
    };
    struct vx_fstate state = {
        .set = set_place, .aux = &move, .network_only = true
    };

    if (vx_femit_on(f)) {
        emit_hosts(f, &state);
        VX_TREE_FOR_EACH(node, &host->members) {
            struct vx_fmember *member = VX_FMEMBER(node);

            vx_femit_members(f, &member, 1, VX_FABRIC_TIER, &state);
        }
    }
    set_place(&move, false);
    vx_fhost_set_zone(host, move.zones[1]);
    host->obj = obj;
    vx_fzone_put(f, move.zones[0]);
}

void
vx_fhost_set_obj(struct vx_fabric *f, struct vx_fhost *host,
                 const struct vx_host *obj)
{
    const struct vx_host *before = host->obj;

    if (before && obj && before->zone != obj->zone) {
        move_lightly(f, host, obj);
        return;
    }
    if (before && obj) {
        if (before->stranger != obj->stranger
            || vx_ip_compare(&before->vtep, &obj->vtep)) {
            emit_peer(f, host, before, obj);
        }
        host->obj = obj;
        return;
    }
    if (obj) {
        host->obj = obj;
        if (obj->zone) {
            vx_fhost_set_zone(host, vx_fzone_get(f, obj->zone));
        }
        emit_own(f, host, VX_FEMIT_ADD);
        emit_peer(f, host, NULL, obj);
        if (host->zone) {
            set_zone(f, host->zone, host->zone->obj, NULL);
        }
    } else if (before) {
        struct vx_fzone *zone = host->zone;

        if (zone) {
            set_zone(f, zone, zone->obj, host);
        }
        emit_peer(f, host, before, NULL);
        host->obj = before;
        emit_own(f, host, VX_FEMIT_DEL);
        host->obj = NULL;
        vx_fhost_set_zone(host, NULL);
        vx_fzone_put(f, zone);
    }
}
