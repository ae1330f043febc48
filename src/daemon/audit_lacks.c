/* SPDX-License-Identifier: Apache-2.0 */
/* Whose rows a host lacks, for the status of ports: what the last audit of a
 * bridge has found missing or altered and nobody has repaired, counted by
 * port and network; the rest, such as the base, is every port's.
 *
 *   drift --> new counts;  compared, repaired --> they take the place of the
 *   old ones, and the ports of both are touched
 *
 * A bridge that was compared anew after a connect has nothing of it left. */
#include "daemon/audit_priv.h"

#include <stdlib.h>

#include "core/pipeline.h"
#include "lib/xalloc.h"

struct lack {
    struct vx_tree_node by_oid;
    uint64_t oid;               /* port or network, 0 = of all */
    size_t n;                   /* rows */
};

static struct lack *
lack_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct lack, by_oid) : NULL;
}

static int
cmp_oid(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key, b = lack_of(node)->oid;

    return a < b ? -1 : a > b;
}

void
vx_lacks_init(struct vx_lacks *lacks)
{
    vx_tree_init(&lacks->old, cmp_oid);
    vx_tree_init(&lacks->new, cmp_oid);
}

static void
empty(struct vx_tree *tree)
{
    VX_TREE_FOR_EACH_SAFE(node, next, tree) {
        vx_tree_remove(tree, node);
        free(lack_of(node));
    }
}

void
vx_lacks_fini(struct vx_lacks *lacks)
{
    empty(&lacks->old);
    empty(&lacks->new);
}

void
vx_lacks_begin(struct vx_lacks *lacks)
{
    empty(&lacks->new);
}

static uint64_t
owner_of(const struct vx_model *model, const struct vx_row_hint *hint)
{
    uint32_t vni = vx_explain_vni(hint);
    const struct vx_network *network = hint->type != VX_ROW_FLOW && vni
        ? vx_model_by_vni(model, vni) : NULL;
    const struct vx_obj *obj = hint->type == VX_ROW_FLOW
        ? vx_model_by_oid(model, VX_COOKIE_OID(hint->cookie)) : NULL;

    if (hint->port) {
        return hint->port;
    }
    if (network) {
        return network->o.oid;
    }
    if (!obj || (unsigned) obj->kind != VX_COOKIE_KIND(hint->cookie)) {
        return 0;
    }
    return obj->kind == VX_PORT || obj->kind == VX_NETWORK ? obj->oid
           : obj->kind == VX_SUBNET ? obj->parent : 0;
}

void
vx_lacks_note(struct vx_lacks *lacks, const struct vx_model *model,
              const struct vx_row_hint *hint)
{
    uint64_t oid = lacks->new.count < VX_LACKS_MAX ? owner_of(model, hint)
                                                   : 0;
    struct lack *lack;

    if (hint->type == VX_ROW_FLOW
        && VX_COOKIE_KIND(hint->cookie) == VX_COOKIE_EPOCH) {
        return;                 /* no packet gets there */
    }
    lack = lack_of(vx_tree_find(&lacks->new, &oid));
    if (!lack) {
        lack = vx_xcalloc(1, sizeof *lack);
        lack->oid = oid;
        vx_tree_insert(&lacks->new, &oid, &lack->by_oid);
    }
    lack->n++;
}

void
vx_lacks_end(struct vx_lacks *lacks, uint64_t n_resyncs,
             void (*touch)(void *aux, uint64_t oid), void *aux)
{
    struct vx_tree old = lacks->old;

    lacks->old = lacks->new;
    lacks->new = old;
    lacks->n_resyncs = n_resyncs;
    VX_TREE_FOR_EACH(node, &lacks->old) {
        touch(aux, lack_of(node)->oid);
    }
    VX_TREE_FOR_EACH(node, &lacks->new) {
        touch(aux, lack_of(node)->oid);
    }
    empty(&lacks->new);
}

size_t
vx_lacks_get(const struct vx_lacks *lacks, uint64_t n_resyncs, uint64_t oid)
{
    const struct lack *lack = lacks->n_resyncs == n_resyncs
        ? lack_of(vx_tree_find(&lacks->old, &oid)) : NULL;

    return lack ? lack->n : 0;
}
