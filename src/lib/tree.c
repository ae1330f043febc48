/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive treap; see tree.h. */
#include "lib/tree.h"

void
vx_tree_init(struct vx_tree *tree, vx_tree_cmp *cmp)
{
    tree->root = NULL;
    tree->cmp = cmp;
    tree->count = 0;
    tree->seed = 0x9e3779b97f4a7c15u;
}

/* splitmix64: cheap, and every output bit depends on every state bit. */
static uint32_t
next_priority(struct vx_tree *tree)
{
    uint64_t z = tree->seed += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t) (z ^ (z >> 31));
}

static void
replace_child(struct vx_tree *tree, struct vx_tree_node *old,
              struct vx_tree_node *new)
{
    struct vx_tree_node *parent = old->parent;

    if (!parent) {
        tree->root = new;
    } else if (parent->left == old) {
        parent->left = new;
    } else {
        parent->right = new;
    }
    if (new) {
        new->parent = parent;
    }
}

/* Moves node one level up, keeping the order. */
static void
rotate_up(struct vx_tree *tree, struct vx_tree_node *node)
{
    struct vx_tree_node *parent = node->parent, *inner;

    replace_child(tree, parent, node);
    if (parent->left == node) {
        inner = node->right;
        parent->left = inner;
        node->right = parent;
    } else {
        inner = node->left;
        parent->right = inner;
        node->left = parent;
    }
    if (inner) {
        inner->parent = parent;
    }
    parent->parent = node;
}

struct vx_tree_node *
vx_tree_insert(struct vx_tree *tree, const void *key,
               struct vx_tree_node *node)
{
    struct vx_tree_node **link = &tree->root, *parent = NULL;

    while (*link) {
        int c = tree->cmp(key, *link);

        if (!c) {
            return *link;
        }
        parent = *link;
        link = c < 0 ? &parent->left : &parent->right;
    }
    node->left = node->right = NULL;
    node->parent = parent;
    node->priority = next_priority(tree);
    *link = node;
    while (node->parent && node->parent->priority < node->priority) {
        rotate_up(tree, node);
    }
    tree->count++;
    return NULL;
}

void
vx_tree_remove(struct vx_tree *tree, struct vx_tree_node *node)
{
    while (node->left && node->right) {
        rotate_up(tree, node->left->priority > node->right->priority
                        ? node->left : node->right);
    }
    replace_child(tree, node, node->left ? node->left : node->right);
    node->left = node->right = node->parent = NULL;
    tree->count--;
}

struct vx_tree_node *
vx_tree_find(const struct vx_tree *tree, const void *key)
{
    struct vx_tree_node *node = tree->root;

    while (node) {
        int c = tree->cmp(key, node);

        if (!c) {
            break;
        }
        node = c < 0 ? node->left : node->right;
    }
    return node;
}

struct vx_tree_node *
vx_tree_ceil(const struct vx_tree *tree, const void *key)
{
    struct vx_tree_node *node = tree->root, *best = NULL;

    while (node) {
        int c = tree->cmp(key, node);

        if (c <= 0) {
            best = node;
        }
        if (!c) {
            break;
        }
        node = c < 0 ? node->left : node->right;
    }
    return best;
}

struct vx_tree_node *
vx_tree_floor(const struct vx_tree *tree, const void *key)
{
    struct vx_tree_node *node = tree->root, *best = NULL;

    while (node) {
        int c = tree->cmp(key, node);

        if (c >= 0) {
            best = node;
        }
        if (!c) {
            break;
        }
        node = c < 0 ? node->left : node->right;
    }
    return best;
}

struct vx_tree_node *
vx_tree_first(const struct vx_tree *tree)
{
    struct vx_tree_node *node = tree->root;

    while (node && node->left) {
        node = node->left;
    }
    return node;
}

struct vx_tree_node *
vx_tree_next(const struct vx_tree_node *node)
{
    const struct vx_tree_node *parent;

    if (node->right) {
        struct vx_tree_node *next = node->right;

        while (next->left) {
            next = next->left;
        }
        return next;
    }
    while ((parent = node->parent) && parent->right == node) {
        node = parent;
    }
    return node->parent;
}

struct vx_tree_node *
vx_tree_prev(const struct vx_tree_node *node)
{
    const struct vx_tree_node *parent;

    if (node->left) {
        struct vx_tree_node *prev = node->left;

        while (prev->right) {
            prev = prev->right;
        }
        return prev;
    }
    while ((parent = node->parent) && parent->left == node) {
        node = parent;
    }
    return node->parent;
}
