/* SPDX-License-Identifier: Apache-2.0 */
/* Things that are to be looked at at some time each: which is next?
 *
 *     struct hop { struct vx_due due; ... };
 *     hop->due.id = oid;
 *     vx_dueq_set(&queue, &hop->due, now_ms + 700);
 *     while ((due = vx_dueq_next(&queue, now_ms))) { ... set or clear it }
 *
 * Intrusive; no clock and no timer: whoever owns the queue arms one for
 * vx_dueq_ms().  Those of the same time are in the order of their ids.  All
 * O(log n). */
#ifndef VX_LIB_DUEQ_H
#define VX_LIB_DUEQ_H

#include "lib/tree.h"

struct vx_due {
    struct vx_tree_node node;
    int64_t at_ms;          /* 0 = it is in no queue */
    uint64_t id;            /* set by the owner before the first use, unique in
                             * the queue */
};

struct vx_dueq {
    struct vx_tree tree;
};

void vx_dueq_init(struct vx_dueq *queue);
/* At this time and no other; 0 counts as 1. */
void vx_dueq_set(struct vx_dueq *queue, struct vx_due *due, int64_t at_ms);
/* At no time; nothing if it is in no queue. */
void vx_dueq_clear(struct vx_dueq *queue, struct vx_due *due);
/* The first if its time has come, else NULL.  It stays: set or clear it. */
struct vx_due *vx_dueq_next(const struct vx_dueq *queue, int64_t now_ms);
/* Time of the first, 0 = there is none. */
int64_t vx_dueq_ms(const struct vx_dueq *queue);

#endif
