/* SPDX-License-Identifier: Apache-2.0 */
/* What zebra has told of BGP's routes; see learned.h. */
#include "bgp/learned.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

struct known {
    struct vx_tree_node by_key;
    struct vx_tree_node by_stale;   /* in set->stale if is_stale */
    struct vx_tree_node by_unsaid;  /* in set->unsaid if is_unsaid */
    struct vx_tree_node by_doubt;   /* in set->doubts if doubt */
    uint64_t doubt;                 /* 0 = none; then it is not stale */
    struct vx_prefix prefix;
    bool is_stale;                  /* then it is unsaid, too */
    bool is_unsaid;
    uint32_t metric, tag;
    size_t n_nexthops;
    struct bg_nexthop *nexthops;
    char vrf[BG_VRF_NAME_SIZE];
};

struct bg_learned_set {
    struct vx_tree all;             /* by VRF name and prefix */
    struct vx_tree stale, unsaid;   /* likewise */
    struct vx_tree doubts;          /* by number */
    uint64_t n_doubts;              /* ever */
};

struct key {
    const char *vrf;
    const struct vx_prefix *prefix; /* NULL: before all of the VRF */
};

static int
compare(const struct key *key, const struct known *known)
{
    int c = strcmp(key->vrf, known->vrf);

    return c ? c : !key->prefix ? -1
           : vx_prefix_compare(key->prefix, &known->prefix);
}

static int
compare_all(const void *key, const struct vx_tree_node *node)
{
    return compare(key, VX_CONTAINER(node, struct known, by_key));
}

static int
compare_stale(const void *key, const struct vx_tree_node *node)
{
    return compare(key, VX_CONTAINER(node, struct known, by_stale));
}

static int
compare_unsaid(const void *key, const struct vx_tree_node *node)
{
    return compare(key, VX_CONTAINER(node, struct known, by_unsaid));
}

static int
compare_doubt(const void *number, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) number;
    uint64_t b = VX_CONTAINER(node, struct known, by_doubt)->doubt;

    return a < b ? -1 : a > b;
}

struct bg_learned_set *
bg_learned_new(void)
{
    struct bg_learned_set *set = vx_xcalloc(1, sizeof *set);

    vx_tree_init(&set->all, compare_all);
    vx_tree_init(&set->stale, compare_stale);
    vx_tree_init(&set->unsaid, compare_unsaid);
    vx_tree_init(&set->doubts, compare_doubt);
    return set;
}

static void
set_unsaid(struct bg_learned_set *set, struct known *known, bool is_unsaid)
{
    struct key key = { known->vrf, &known->prefix };

    if (is_unsaid && !known->is_unsaid) {
        vx_tree_insert(&set->unsaid, &key, &known->by_unsaid);
    } else if (!is_unsaid && known->is_unsaid) {
        vx_tree_remove(&set->unsaid, &known->by_unsaid);
    }
    known->is_unsaid = is_unsaid;
}

static void
set_stale(struct bg_learned_set *set, struct known *known, bool is_stale)
{
    struct key key = { known->vrf, &known->prefix };

    if (known->doubt) {
        vx_tree_remove(&set->doubts, &known->by_doubt);
        known->doubt = 0;
    }
    if (is_stale && !known->is_stale) {
        vx_tree_insert(&set->stale, &key, &known->by_stale);
    } else if (!is_stale && known->is_stale) {
        vx_tree_remove(&set->stale, &known->by_stale);
    }
    known->is_stale = is_stale;
    if (is_stale) {
        set_unsaid(set, known, true);
    }
}

static void
forget(struct bg_learned_set *set, struct known *known)
{
    set_stale(set, known, false);
    set_unsaid(set, known, false);
    vx_tree_remove(&set->all, &known->by_key);
    free(known->nexthops);
    free(known);
}

void
bg_learned_free(struct bg_learned_set *set)
{
    if (set) {
        VX_TREE_FOR_EACH_SAFE(node, next, &set->all) {
            forget(set, VX_CONTAINER(node, struct known, by_key));
        }
        free(set);
    }
}

static struct known *
find(const struct bg_learned_set *set, const char *vrf,
     const struct vx_prefix *prefix)
{
    struct key key = { vrf, prefix };
    struct vx_tree_node *node = vx_tree_find(&set->all, &key);

    return node ? VX_CONTAINER(node, struct known, by_key) : NULL;
}

static bool
is_same(const struct known *known, const struct bg_learned *route)
{
    if (known->metric != route->metric || known->tag != route->tag
        || known->n_nexthops != route->n_nexthops) {
        return false;
    }
    for (size_t i = 0; i < route->n_nexthops; i++) {
        const struct bg_nexthop *a = &known->nexthops[i];
        const struct bg_nexthop *b = &route->nexthops[i];

        if (a->vrf_id != b->vrf_id || a->ifindex != b->ifindex
            || a->weight != b->weight || a->type != b->type
            || vx_ip_compare(&a->ip, &b->ip)) {
            return false;
        }
    }
    return true;
}

bool
bg_learned_add(struct bg_learned_set *set, const struct bg_learned *route)
{
    struct known *known = find(set, route->vrf, &route->prefix);

    if (known) {
        set_stale(set, known, false);
        set_unsaid(set, known, false);
        if (is_same(known, route)) {
            return false;
        }
    } else {
        struct key key = { route->vrf, &route->prefix };

        known = vx_xcalloc(1, sizeof *known);
        known->prefix = route->prefix;
        strncpy(known->vrf, route->vrf, sizeof known->vrf - 1);
        vx_tree_insert(&set->all, &key, &known->by_key);
    }
    known->metric = route->metric;
    known->tag = route->tag;
    free(known->nexthops);
    known->n_nexthops = route->n_nexthops;
    known->nexthops = route->n_nexthops
        ? vx_xmemdup(route->nexthops,
                     route->n_nexthops * sizeof *route->nexthops) : NULL;
    return true;
}

bool
bg_learned_remove(struct bg_learned_set *set, const char *vrf,
                  const struct vx_prefix *prefix, bool keep)
{
    struct known *known = find(set, vrf, prefix);

    if (!known) {
        return false;
    }
    if (keep) {
        set_stale(set, known, true);
        return false;
    }
    forget(set, known);
    return true;
}

uint64_t
bg_learned_doubt(struct bg_learned_set *set, const char *vrf,
                 const struct vx_prefix *prefix)
{
    struct known *known = find(set, vrf, prefix);

    if (!known || known->is_stale || known->doubt) {
        return 0;
    }
    known->doubt = ++set->n_doubts;
    vx_tree_insert(&set->doubts, &known->doubt, &known->by_doubt);
    return known->doubt;
}

bool
bg_learned_believe(struct bg_learned_set *set, uint64_t number,
                   char ret_vrf[BG_VRF_NAME_SIZE],
                   struct vx_prefix *ret_prefix)
{
    struct vx_tree_node *node = vx_tree_first(&set->doubts);
    struct known *known = node ? VX_CONTAINER(node, struct known, by_doubt)
                               : NULL;

    if (!known || known->doubt > number) {
        return false;
    }
    memcpy(ret_vrf, known->vrf, sizeof known->vrf);
    *ret_prefix = known->prefix;
    forget(set, known);
    return true;
}

void
bg_learned_disbelieve(struct bg_learned_set *set, uint64_t number)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &set->doubts) {
        struct known *known = VX_CONTAINER(node, struct known, by_doubt);

        if (known->doubt > number) {
            set_stale(set, known, true);
        }
    }
}

void
bg_learned_begin(struct bg_learned_set *set)
{
    VX_TREE_FOR_EACH(node, &set->all) {
        set_unsaid(set, VX_CONTAINER(node, struct known, by_key), true);
    }
}

bool
bg_learned_is_fresh(const struct bg_learned_set *set, const char *vrf,
                    const struct vx_prefix *prefix)
{
    const struct known *known = find(set, vrf, prefix);

    return known && !known->is_unsaid;
}

size_t
bg_learned_unsaid(const struct bg_learned_set *set, const char *vrf,
                  struct vx_prefix *prefixes, size_t max)
{
    struct key key = { vrf, NULL };
    size_t n = 0;

    for (struct vx_tree_node *node = vx_tree_ceil(&set->unsaid, &key);
         node && n < max; node = vx_tree_next(node)) {
        struct known *known = VX_CONTAINER(node, struct known, by_unsaid);

        if (strcmp(known->vrf, vrf)) {
            break;
        }
        prefixes[n++] = known->prefix;
    }
    return n;
}

void
bg_learned_stale(struct bg_learned_set *set, const char *vrf)
{
    struct key key = { vrf, NULL };

    for (struct vx_tree_node *node = vrf ? vx_tree_ceil(&set->all, &key)
                                         : vx_tree_first(&set->all);
         node; node = vx_tree_next(node)) {
        struct known *known = VX_CONTAINER(node, struct known, by_key);

        if (vrf && strcmp(known->vrf, vrf)) {
            break;
        }
        set_stale(set, known, true);
    }
}

bool
bg_learned_sweep(struct bg_learned_set *set, const char *vrf,
                 char ret_vrf[BG_VRF_NAME_SIZE],
                 struct vx_prefix *ret_prefix)
{
    struct key key = { vrf, NULL };
    struct vx_tree_node *node = vrf ? vx_tree_ceil(&set->stale, &key)
                                    : vx_tree_first(&set->stale);
    struct known *known;

    if (!node) {
        return false;
    }
    known = VX_CONTAINER(node, struct known, by_stale);
    if (vrf && strcmp(known->vrf, vrf)) {
        return false;
    }
    memcpy(ret_vrf, known->vrf, sizeof known->vrf);
    *ret_prefix = known->prefix;
    forget(set, known);
    return true;
}

size_t
bg_learned_n_unsaid(const struct bg_learned_set *set)
{
    return set->unsaid.count;
}

size_t
bg_learned_count(const struct bg_learned_set *set, size_t *ret_stale)
{
    *ret_stale = set->stale.count;
    return set->all.count;
}
