/* SPDX-License-Identifier: Apache-2.0 */
/* VNIs in quarantine, ordered by the revision that retired them.
 *
 * The question is two-dimensional (revision <= R and until <= now), and the
 * clock may have been set back between two of them, so neither order implies
 * the other.  Each node also knows the least until_ms of its subtree; that
 * makes the answer one descent.  The tree moves nodes without telling, but
 * only along paths that can be named afterwards, so the minima are put right
 * from outside: see insert and remove. */
#include "core/model_priv.h"

struct retired_key {
    uint64_t revision, oid;
};

static struct vx_retired_ent *
ent_of(const struct vx_tree_node *node)
{
    return VX_CONTAINER(node, struct vx_retired_ent, by_revision);
}

static const struct vx_retired_vni *
value_of(const struct vx_tree_node *node)
{
    return (const struct vx_retired_vni *) (const void *)
        ent_of(node)->e.obj;
}

static int
compare(const void *key_, const struct vx_tree_node *node)
{
    const struct retired_key *key = key_;
    const struct vx_obj *o = &value_of(node)->o;

    if (key->revision != o->revision) {
        return key->revision < o->revision ? -1 : 1;
    }
    return key->oid < o->oid ? -1 : key->oid > o->oid;
}

static void
update(struct vx_tree_node *node)
{
    int64_t min = value_of(node)->until_ms;

    if (node->left && ent_of(node->left)->min_until_ms < min) {
        min = ent_of(node->left)->min_until_ms;
    }
    if (node->right && ent_of(node->right)->min_until_ms < min) {
        min = ent_of(node->right)->min_until_ms;
    }
    ent_of(node)->min_until_ms = min;
}

/* From node up to, not including, stop. */
static void
update_path(struct vx_tree_node *node, const struct vx_tree_node *stop)
{
    for (; node && node != stop; node = node->parent) {
        update(node);
    }
}

void
vx_retired_init(struct vx_tree *tree)
{
    vx_tree_init(tree, compare);
}

/* A node that rotated up past former ancestors left them on the right spine
 * of its left child and on the left spine of its right child. */
void
vx_retired_insert(struct vx_tree *tree, struct vx_retired_ent *ent)
{
    struct vx_tree_node *node = &ent->by_revision, *spine;
    struct retired_key key = { ent->e.obj->revision, ent->e.obj->oid };

    vx_tree_insert(tree, &key, node);
    for (spine = node->left; spine && spine->right; spine = spine->right) {
        continue;
    }
    update_path(spine, node);
    for (spine = node->right; spine && spine->left; spine = spine->left) {
        continue;
    }
    update_path(spine, node);
    update_path(node, NULL);
}

/* A removed node sinks until it hangs below its neighbour in order; of the
 * two neighbours one is above the other, so the path of the deeper one is
 * the whole of it. */
void
vx_retired_remove(struct vx_tree *tree, struct vx_retired_ent *ent)
{
    struct vx_tree_node *prev = vx_tree_prev(&ent->by_revision);
    struct vx_tree_node *next = vx_tree_next(&ent->by_revision);

    vx_tree_remove(tree, &ent->by_revision);
    update_path(prev, NULL);
    update_path(next, NULL);
}

/* In a subtree whose revisions all qualify: the first with until <= now. */
static const struct vx_retired_vni *
first_until(const struct vx_tree_node *node, int64_t now_ms)
{
    while (node && ent_of(node)->min_until_ms <= now_ms) {
        if (node->left && ent_of(node->left)->min_until_ms <= now_ms) {
            node = node->left;
        } else if (value_of(node)->until_ms <= now_ms) {
            return value_of(node);
        } else {
            node = node->right;
        }
    }
    return NULL;
}

const struct vx_retired_vni *
vx_model_releasable(const struct vx_model *model, int64_t now_ms,
                    uint64_t realized_revision)
{
    const struct vx_tree_node *node = model->retired.root;

    while (node) {
        if (value_of(node)->o.revision > realized_revision) {
            node = node->left;
            continue;
        }
        if (node->left && ent_of(node->left)->min_until_ms <= now_ms) {
            return first_until(node->left, now_ms);
        }
        if (value_of(node)->until_ms <= now_ms) {
            return value_of(node);
        }
        node = node->right;
    }
    return NULL;
}
