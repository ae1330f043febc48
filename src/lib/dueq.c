/* SPDX-License-Identifier: Apache-2.0 */
/* See dueq.h: a tree by (time, id). */
#include "lib/dueq.h"

static struct vx_due *
due_of(struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct vx_due, node) : NULL;
}

/* The key is a due itself. */
static int
compare(const void *key, const struct vx_tree_node *node)
{
    const struct vx_due *a = key;
    const struct vx_due *b = VX_CONTAINER(node, struct vx_due, node);

    if (a->at_ms != b->at_ms) {
        return a->at_ms < b->at_ms ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

void
vx_dueq_init(struct vx_dueq *queue)
{
    vx_tree_init(&queue->tree, compare);
}

void
vx_dueq_set(struct vx_dueq *queue, struct vx_due *due, int64_t at_ms)
{
    vx_dueq_clear(queue, due);
    due->at_ms = at_ms ? at_ms : 1;
    vx_tree_insert(&queue->tree, due, &due->node);
}

void
vx_dueq_clear(struct vx_dueq *queue, struct vx_due *due)
{
    if (due->at_ms) {
        vx_tree_remove(&queue->tree, &due->node);
        due->at_ms = 0;
    }
}

struct vx_due *
vx_dueq_next(const struct vx_dueq *queue, int64_t now_ms)
{
    struct vx_due *first = due_of(vx_tree_first(&queue->tree));

    return first && first->at_ms <= now_ms ? first : NULL;
}

int64_t
vx_dueq_ms(const struct vx_dueq *queue)
{
    const struct vx_due *first = due_of(vx_tree_first(&queue->tree));

    return first ? first->at_ms : 0;
}
