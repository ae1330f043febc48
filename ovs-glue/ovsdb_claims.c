/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces and the iface-ids they speak for; see ovsdb_claims.h. */
#include "ovs-glue/ovsdb_claims.h"

#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "lib/xalloc.h"

enum {
    OFPORT_MAX = 0xfeff,        /* below OFPP_MAX (OpenFlow 1.0 numbers) */
    CLAIMANTS_MAX = 16,         /* of one id; bounds what a release costs */
};

struct og_claim {
    struct vx_tree_node by_id;
    char *id;
    struct og_iface **claimants;    /* in order of arrival */
    size_t n, cap;
    uint32_t told;                  /* ofport the sink knows, 0 = none */
    bool is_changed;
    struct og_claim *next_changed;
};

static int
compare_id(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct og_claim, by_id)->id);
}

void
og_claims_init(struct og_claims *claims)
{
    *claims = (struct og_claims) { 0 };
    vx_tree_init(&claims->by_id, compare_id);
}

static void
claim_free(struct og_claims *claims, struct og_claim *claim)
{
    for (size_t i = 0; i < claim->n; i++) {
        claim->claimants[i]->claim = NULL;
    }
    vx_tree_remove(&claims->by_id, &claim->by_id);
    free(claim->claimants);
    free(claim->id);
    free(claim);
}

void
og_claims_fini(struct og_claims *claims)
{
    for (size_t i = 0; i < claims->n_touched; i++) {
        if (claims->touched[i]->gone) {
            struct og_iface *iface = claims->touched[i];

            if (iface->claim) {     /* its claim must not look at it */
                claim_free(claims, iface->claim);
            }
            og_row_free(&iface->row);
        }
    }
    free(claims->touched);
    VX_TREE_FOR_EACH_SAFE(node, next, &claims->by_id) {
        claim_free(claims, VX_CONTAINER(node, struct og_claim, by_id));
    }
}

void
og_claims_touch(struct og_claims *claims, struct og_iface *iface)
{
    if (iface->touched) {
        return;
    }
    iface->touched = true;
    claims->touched = vx_grow(claims->touched, &claims->cap_touched,
                              claims->n_touched + 1,
                              sizeof *claims->touched);
    claims->touched[claims->n_touched++] = iface;
}

static void
mark(struct og_claims *claims, struct og_claim *claim)
{
    if (!claim->is_changed) {
        claim->is_changed = true;
        claim->next_changed = claims->changed;
        claims->changed = claim;
    }
}

/* The iface-id the interface claims, NULL = none. */
static const char *
claimed_id(const struct og_iface *iface)
{
    const struct og_bridge *bridge = og_view_iface_bridge(iface);

    return !iface->gone && iface->iface_id[0] && bridge
           && !strcmp(bridge->name, VX_BRIDGE_TENANT)
           && iface->ofport > 0 && iface->ofport <= OFPORT_MAX
           ? iface->iface_id : NULL;
}

static void
release(struct og_claims *claims, struct og_iface *iface)
{
    struct og_claim *claim = iface->claim;
    size_t i = 0;

    while (claim->claimants[i] != iface) {
        i++;
    }
    claim->n--;
    memmove(&claim->claimants[i], &claim->claimants[i + 1],
            (claim->n - i) * sizeof *claim->claimants);
    iface->claim = NULL;
    mark(claims, claim);
}

static void
take(struct og_claims *claims, struct og_iface *iface, const char *id,
     const struct og_claims_sink *sink)
{
    struct vx_tree_node *node = vx_tree_find(&claims->by_id, id);
    struct og_claim *claim;

    if (node) {
        claim = VX_CONTAINER(node, struct og_claim, by_id);
    } else {
        claim = vx_xcalloc(1, sizeof *claim);
        claim->id = vx_xstrdup(id);
        vx_tree_insert(&claims->by_id, claim->id, &claim->by_id);
    }
    if (claim->n == CLAIMANTS_MAX) {
        return;
    }
    claim->claimants = vx_grow(claim->claimants, &claim->cap, claim->n + 1,
                               sizeof *claim->claimants);
    claim->claimants[claim->n++] = iface;
    iface->claim = claim;
    mark(claims, claim);
    if (claim->n > 1) {
        sink->conflict(sink->aux, claim->claimants[0], iface);
    }
}

/* By name, so that who is first in the initial view does not depend on the
 * order of a hash. */
static int
compare_ifaces(const void *a_, const void *b_)
{
    const struct og_iface *a = *(struct og_iface *const *) a_;
    const struct og_iface *b = *(struct og_iface *const *) b_;
    int c = strcmp(a->name, b->name);

    return c ? c : strcmp(a->row.uuid, b->row.uuid);
}

void
og_claims_settle(struct og_claims *claims, const struct og_claims_sink *sink)
{
    if (claims->n_touched > 1) {
        qsort(claims->touched, claims->n_touched, sizeof *claims->touched,
              compare_ifaces);
    }
    for (size_t i = 0; i < claims->n_touched; i++) {
        struct og_iface *iface = claims->touched[i];
        const char *id = claimed_id(iface);

        if (iface->claim && (!id || strcmp(iface->claim->id, id))) {
            release(claims, iface);
        }
    }
    for (size_t i = 0; i < claims->n_touched; i++) {
        struct og_iface *iface = claims->touched[i];
        const char *id = claimed_id(iface);

        iface->touched = false;
        if (iface->claim) {
            mark(claims, iface->claim);     /* its ofport may differ */
        } else if (id) {
            take(claims, iface, id, sink);
        }
        if (iface->gone) {
            og_row_free(&iface->row);
        }
    }
    claims->n_touched = 0;
}

static uint32_t
claim_ofport(const struct og_claim *claim)
{
    return claim->n ? (uint32_t) claim->claimants[0]->ofport : 0;
}

void
og_claims_tell(struct og_claims *claims, const struct og_claims_sink *sink)
{
    for (struct og_claim *c = claims->changed; c; c = c->next_changed) {
        if (c->told && c->told != claim_ofport(c)) {
            c->told = 0;
            sink->iface(sink->aux, c->id, 0);
        }
    }
    while (claims->changed) {
        struct og_claim *c = claims->changed;

        claims->changed = c->next_changed;
        c->is_changed = false;
        if (!c->n) {
            claim_free(claims, c);
        } else if (!c->told) {
            c->told = claim_ofport(c);
            sink->iface(sink->aux, c->id, c->told);
        }
    }
}

uint32_t
og_claims_ofport(const struct og_claims *claims, const char *iface_id)
{
    struct vx_tree_node *node = vx_tree_find(&claims->by_id, iface_id);

    return node
           ? claim_ofport(VX_CONTAINER(node, struct og_claim, by_id)) : 0;
}

void
og_claims_each(const struct og_claims *claims,
               const struct og_claims_sink *sink)
{
    VX_TREE_FOR_EACH(node, &claims->by_id) {
        struct og_claim *claim = VX_CONTAINER(node, struct og_claim, by_id);

        if (claim->n) {
            sink->iface(sink->aux, claim->id, claim_ofport(claim));
        }
    }
}
