/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas of rows to bytes by class; see locality.h. */
#include "core/locality.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

struct pair {
    uint64_t a, b;
};

/* A network on a host. */
struct spot {
    struct vx_tree_node by_pair;
    struct pair key;            /* host, network */
    uint64_t tenant;
    uint64_t zone;              /* whose rates bps is part of */
    uint64_t seen[VX_N_SEEN];   /* in this turn */
    bool is_seen;
    bool is_transit;            /* the host is a border that passes on */
    int64_t carry;              /* local bytes, <= 0: come from the fabric and
                                 * not delivered yet */
    uint64_t bps[VX_N_CLASSES];
};

struct sum {
    struct vx_tree_node by_pair;
    struct pair key;            /* oid, zone */
    struct vx_traffic traffic;
};

struct policy {
    struct vx_tree_node by_pair;
    struct pair key;            /* oid, 0 */
    struct vx_policy_count count;
};

struct vx_locality {
    struct vx_tree spots;
    struct vx_tree sums[VX_N_SUMS];
    struct vx_tree policies;
};

static int
cmp(const struct pair *x, const struct pair *y)
{
    return x->a != y->a ? (x->a < y->a ? -1 : 1)
           : x->b < y->b ? -1 : x->b > y->b;
}

static struct spot *
spot_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct spot, by_pair) : NULL;
}

static struct sum *
sum_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct sum, by_pair) : NULL;
}

static struct policy *
policy_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct policy, by_pair) : NULL;
}

static int
cmp_spot(const void *key, const struct vx_tree_node *node)
{
    return cmp(key, &spot_of(node)->key);
}

static int
cmp_sum(const void *key, const struct vx_tree_node *node)
{
    return cmp(key, &sum_of(node)->key);
}

static int
cmp_policy(const void *key, const struct vx_tree_node *node)
{
    return cmp(key, &policy_of(node)->key);
}

struct vx_locality *
vx_locality_new(void)
{
    struct vx_locality *l = vx_xcalloc(1, sizeof *l);

    vx_tree_init(&l->spots, cmp_spot);
    vx_tree_init(&l->policies, cmp_policy);
    for (int i = 0; i < VX_N_SUMS; i++) {
        vx_tree_init(&l->sums[i], cmp_sum);
    }
    return l;
}

void
vx_locality_free(struct vx_locality *l)
{
    if (!l) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &l->spots) {
        vx_tree_remove(&l->spots, node);
        free(spot_of(node));
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &l->policies) {
        vx_tree_remove(&l->policies, node);
        free(policy_of(node));
    }
    for (int i = 0; i < VX_N_SUMS; i++) {
        VX_TREE_FOR_EACH_SAFE(node, next, &l->sums[i]) {
            vx_tree_remove(&l->sums[i], node);
            free(sum_of(node));
        }
    }
    free(l);
}

static struct vx_traffic *
sum_get(struct vx_locality *l, enum vx_sum_of of, uint64_t a, uint64_t b)
{
    struct pair key = { a, b };
    struct sum *s = sum_of(vx_tree_find(&l->sums[of], &key));

    if (!s) {
        s = vx_xcalloc(1, sizeof *s);
        s->key = key;
        vx_tree_insert(&l->sums[of], &s->key, &s->by_pair);
    }
    return &s->traffic;
}

void
vx_locality_see(struct vx_locality *l, const struct vx_sighting *sighting)
{
    struct pair key = { sighting->host, sighting->network };
    struct spot *s = spot_of(vx_tree_find(&l->spots, &key));

    if (!s) {
        s = vx_xcalloc(1, sizeof *s);
        s->key = key;
        s->tenant = sighting->tenant;
        vx_tree_insert(&l->spots, &s->key, &s->by_pair);
    }
    s->is_seen = true;
    if (sighting->what == VX_SEEN_TRANSIT) {
        s->is_transit = true;
    } else if (sighting->what == VX_SEEN_INGRESS) {
        s->is_transit = false;
    }
    s->seen[sighting->what] += sighting->bytes;
}

/* The four sums a spot is part of. */
static size_t
sums_of(struct vx_locality *l, const struct spot *s, uint64_t zone,
        struct vx_traffic *ret_sums[VX_N_SUMS])
{
    ret_sums[VX_SUM_NETWORK] = sum_get(l, VX_SUM_NETWORK, s->key.b, zone);
    ret_sums[VX_SUM_TENANT] = sum_get(l, VX_SUM_TENANT, s->tenant, 0);
    ret_sums[VX_SUM_ZONE] = sum_get(l, VX_SUM_ZONE, zone, 0);
    ret_sums[VX_SUM_HOST] = sum_get(l, VX_SUM_HOST, s->key.a, 0);
    return VX_N_SUMS;
}

static void
stop_rates(struct vx_locality *l, struct spot *s)
{
    struct vx_traffic *sums[VX_N_SUMS];

    for (size_t i = 0, n = s->zone ? sums_of(l, s, s->zone, sums) : 0; i < n;
         i++) {
        for (int c = 0; c < VX_N_CLASSES; c++) {
            sums[i]->bps[c] -= s->bps[c];
        }
    }
    memset(s->bps, 0, sizeof s->bps);
    s->zone = 0;
}

static void
spot_free(struct vx_locality *l, struct spot *s)
{
    stop_rates(l, s);
    vx_tree_remove(&l->spots, &s->by_pair);
    free(s);
}

/* Delivered, without what came from the fabric.  Of that, what went to the
 * group in tier 1 and not in tier 2 was no unicast. */
static uint64_t
local_bytes(struct spot *s)
{
    const uint64_t *seen = s->seen;
    int64_t in = (int64_t) (s->is_transit ? seen[VX_SEEN_OWN]
                            : seen[VX_SEEN_INGRESS]);
    int64_t bum = s->is_transit ? 0 : (int64_t) (seen[VX_SEEN_FLOOD1]
                                                 - seen[VX_SEEN_FLOOD2]);
    int64_t local = (int64_t) seen[VX_SEEN_DELIVERED] - in + bum + s->carry;

    /* More than what came in this turn cannot be on its way. */
    s->carry = local >= 0 ? 0 : local < -in ? -in : local;
    return local > 0 ? (uint64_t) local : 0;
}

static void
count(struct vx_locality *l, struct spot *s, uint64_t zone,
      uint64_t elapsed_ms)
{
    const uint64_t bytes[VX_N_CLASSES] = {
        [VX_CLASS_LOCAL] = local_bytes(s),
        [VX_CLASS_ZONE] = s->seen[VX_SEEN_OUT_ZONE],
        [VX_CLASS_CROSS] = s->seen[VX_SEEN_OUT_CROSS],
    };
    struct vx_traffic *sums[VX_N_SUMS];

    stop_rates(l, s);
    s->zone = zone;
    sums_of(l, s, zone, sums);
    for (int c = 0; c < VX_N_CLASSES; c++) {
        s->bps[c] = elapsed_ms ? (uint64_t) ((double) bytes[c] * 8000.0
                                             / (double) elapsed_ms) : 0;
        for (int i = 0; i < VX_N_SUMS; i++) {
            sums[i]->bytes[c] += bytes[c];
            sums[i]->bps[c] += s->bps[c];
        }
    }
    memset(s->seen, 0, sizeof s->seen);
    s->is_seen = false;
}

/* Of one host. */
static struct spot *
first_spot(const struct vx_locality *l, uint64_t host)
{
    struct spot *s = spot_of(vx_tree_ceil(&l->spots, &(struct pair) {
        host, 0 }));

    return s && s->key.a == host ? s : NULL;
}

static struct spot *
next_spot(const struct spot *s)
{
    struct spot *next = spot_of(vx_tree_next(&s->by_pair));

    return next && next->key.a == s->key.a ? next : NULL;
}

void
vx_locality_turn(struct vx_locality *l, uint64_t host, uint64_t zone,
                 uint64_t elapsed_ms)
{
    for (struct spot *s = first_spot(l, host), *next; s; s = next) {
        next = next_spot(s);
        if (s->is_seen) {
            count(l, s, zone, elapsed_ms);
        } else {
            spot_free(l, s);
        }
    }
}

void
vx_locality_away(struct vx_locality *l, uint64_t host)
{
    for (struct spot *s = first_spot(l, host); s; s = next_spot(s)) {
        stop_rates(l, s);
    }
}

static void
forget_spots(struct vx_locality *l, uint64_t oid)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &l->spots) {
        struct spot *s = spot_of(node);

        if (s->key.a == oid || s->key.b == oid || s->tenant == oid) {
            spot_free(l, s);
        } else if (s->zone == oid) {
            stop_rates(l, s);
        }
    }
}

void
vx_locality_forget(struct vx_locality *l, uint64_t oid)
{
    struct pair key = { oid, 0 };
    struct policy *policy = policy_of(vx_tree_find(&l->policies, &key));

    if (policy) {
        vx_tree_remove(&l->policies, &policy->by_pair);
        free(policy);
        return;
    }
    forget_spots(l, oid);
    for (int i = 0; i < VX_N_SUMS; i++) {
        VX_TREE_FOR_EACH_SAFE(node, next, &l->sums[i]) {
            struct sum *s = sum_of(node);

            if (s->key.a == oid || s->key.b == oid) {
                vx_tree_remove(&l->sums[i], node);
                free(s);
            }
        }
    }
}

void
vx_locality_each(const struct vx_locality *l, enum vx_sum_of of,
                 void (*f)(void *aux, uint64_t oid, uint64_t zone,
                           const struct vx_traffic *traffic), void *aux)
{
    VX_TREE_FOR_EACH(node, &l->sums[of]) {
        const struct sum *s = sum_of(node);

        f(aux, s->key.a, s->key.b, &s->traffic);
    }
}

/* --- Policies. */

void
vx_locality_policy(struct vx_locality *l, uint64_t oid,
                   const struct vx_policy_count *added)
{
    struct pair key = { oid, 0 };
    struct policy *p = policy_of(vx_tree_find(&l->policies, &key));

    if (!p) {
        p = vx_xcalloc(1, sizeof *p);
        p->key = key;
        vx_tree_insert(&l->policies, &p->key, &p->by_pair);
    }
    p->count.packets += added->packets;
    p->count.bytes += added->bytes;
}

struct vx_policy_count
vx_locality_of_policy(const struct vx_locality *l, uint64_t oid)
{
    struct pair key = { oid, 0 };
    const struct policy *p = policy_of(vx_tree_find(&l->policies, &key));

    return p ? p->count : (struct vx_policy_count) { 0, 0 };
}
