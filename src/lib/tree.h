/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive ordered tree: the one index of the project.
 *
 * A treap whose priorities come from a counter-seeded mixer per tree, so the
 * shape depends on the order of inserts only and runs replay exactly; hostile
 * keys cannot degrade it.  find, insert, remove, next: O(log n) expected;
 * iteration is in key order, so output is sorted for free.
 *
 *     struct node { struct vx_tree_node by_vni; uint32_t vni; };
 *     static int cmp(const void *key, const struct vx_tree_node *n) {...}
 *
 * A lookup takes the key itself, never a fake node. */
#ifndef VX_LIB_TREE_H
#define VX_LIB_TREE_H

#include <stddef.h>
#include <stdint.h>

struct vx_tree_node {
    struct vx_tree_node *left, *right, *parent;
    uint32_t priority;
};

/* <0, 0, >0: key sorts before, equals, sorts after the node. */
typedef int vx_tree_cmp(const void *key, const struct vx_tree_node *node);

struct vx_tree {
    struct vx_tree_node *root;
    vx_tree_cmp *cmp;
    size_t count;
    uint64_t seed;      /* state of the priority mixer */
};

#define VX_CONTAINER(PTR, TYPE, MEMBER) \
    ((TYPE *) (void *) ((char *) (PTR) - offsetof(TYPE, MEMBER)))

void vx_tree_init(struct vx_tree *tree, vx_tree_cmp *cmp);
/* Inserts node under key.  The key must not be present: returns the node
 * that holds it, and inserts nothing, if it is; NULL when inserted. */
struct vx_tree_node *vx_tree_insert(struct vx_tree *tree, const void *key,
                                    struct vx_tree_node *node);
void vx_tree_remove(struct vx_tree *tree, struct vx_tree_node *node);
struct vx_tree_node *vx_tree_find(const struct vx_tree *tree,
                                  const void *key);
/* First node whose key is >= / the last whose key is <= the given key. */
struct vx_tree_node *vx_tree_ceil(const struct vx_tree *tree,
                                  const void *key);
struct vx_tree_node *vx_tree_floor(const struct vx_tree *tree,
                                   const void *key);
struct vx_tree_node *vx_tree_first(const struct vx_tree *tree);
struct vx_tree_node *vx_tree_next(const struct vx_tree_node *node);
struct vx_tree_node *vx_tree_prev(const struct vx_tree_node *node);

#define VX_TREE_FOR_EACH(NODE, TREE)                             \
    for (struct vx_tree_node *NODE = vx_tree_first(TREE); NODE; \
         NODE = vx_tree_next(NODE))
/* The body may remove and free NODE. */
#define VX_TREE_FOR_EACH_SAFE(NODE, NEXT, TREE)                           \
    for (struct vx_tree_node *NODE = vx_tree_first(TREE), *NEXT;          \
         NODE && (NEXT = vx_tree_next(NODE), 1); NODE = NEXT)

#endif
