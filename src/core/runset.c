/* SPDX-License-Identifier: Apache-2.0 */
/* A set of 128-bit numbers as maximal disjoint runs; see alloc.h.
 *
 * Runs are maximal: two never touch.  So the number after a run that holds
 * `first` is free, and the lowest free number is one lookup away. */
#include "core/alloc.h"

#include <stdlib.h>

#include "lib/xalloc.h"

typedef unsigned __int128 u128;

struct run {
    struct vx_tree_node node;
    u128 first, last;       /* inclusive */
};

static struct run *
run_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct run, node) : NULL;
}

static int
compare_run(const void *key, const struct vx_tree_node *node)
{
    u128 n = *(const u128 *) key, first = run_of(node)->first;

    return n < first ? -1 : n > first;
}

/* The run that holds n, or the last one before it. */
static struct run *
run_at_or_before(const struct vx_runset *set, u128 n)
{
    return run_of(vx_tree_floor(&set->runs, &n));
}

static void
insert_run(struct vx_runset *set, u128 first, u128 last)
{
    struct run *run = vx_xmalloc(sizeof *run);

    run->first = first;
    run->last = last;
    vx_tree_insert(&set->runs, &run->first, &run->node);
}

static void
delete_run(struct vx_runset *set, struct run *run)
{
    vx_tree_remove(&set->runs, &run->node);
    free(run);
}

void
vx_runset_init(struct vx_runset *set)
{
    vx_tree_init(&set->runs, compare_run);
}

void
vx_runset_fini(struct vx_runset *set)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &set->runs) {
        delete_run(set, run_of(node));
    }
}

bool
vx_runset_has(const struct vx_runset *set, u128 n)
{
    const struct run *run = run_at_or_before(set, n);

    return run && n <= run->last;
}

bool
vx_runset_add(struct vx_runset *set, u128 n)
{
    struct run *before = run_at_or_before(set, n), *after;
    bool joins_before, joins_after;

    if (before && n <= before->last) {
        return false;
    }
    after = run_of(before ? vx_tree_next(&before->node)
                          : vx_tree_first(&set->runs));
    joins_before = before && before->last + 1 == n;
    joins_after = after && after->first == n + 1 && n + 1;
    if (joins_before) {
        before->last = joins_after ? after->last : n;
        if (joins_after) {
            delete_run(set, after);
        }
    } else if (joins_after) {
        after->first = n;       /* still after `before`: order holds */
    } else {
        insert_run(set, n, n);
    }
    return true;
}

bool
vx_runset_remove(struct vx_runset *set, u128 n)
{
    struct run *run = run_at_or_before(set, n);
    u128 last;

    if (!run || n > run->last) {
        return false;
    }
    last = run->last;
    if (run->first == last) {
        delete_run(set, run);
    } else if (n == run->first) {
        run->first = n + 1;
    } else {
        run->last = n - 1;
        if (n < last) {
            insert_run(set, n + 1, last);
        }
    }
    return true;
}

bool
vx_runset_lowest_free(const struct vx_runset *set, u128 first, u128 last,
                      u128 *ret_n)
{
    const struct run *run = run_at_or_before(set, first);

    if (run && first <= run->last) {
        if (run->last >= last) {
            return false;
        }
        first = run->last + 1;
    }
    if (first > last) {
        return false;
    }
    *ret_n = first;
    return true;
}
