/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of canonical rows, for comparisons that are made in pieces.
 *
 * vx_diff_rows() sorts both sides at once; of a big switch that takes longer
 * than an event loop may be kept.  A set of the rows wanted, from which each
 * row of a dump takes its equal as it comes, leaves only what differs for
 * the sort.  O(1) expected per call.  Hashes come from a fixed function: a
 * hostile switch can make its own audit slow, up to the limit of its rows. */
#ifndef VX_CORE_ROWSET_H
#define VX_CORE_ROWSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/diff.h"

struct vx_rowset {
    bool by_key;                /* cookie and body do not count */
    struct vx_crow *rows;       /* in the order added; keys and bodies are
                                 * borrowed */
    uint64_t *hashes;           /* of rows */
    bool *taken;                /* of rows */
    size_t n, n_taken, cap;
    uint32_t *slots;            /* index + 1, 0 = free */
    size_t n_slots;             /* a power of 2 */
};

void vx_rowset_init(struct vx_rowset *set, bool by_key);
void vx_rowset_fini(struct vx_rowset *set);
/* What key and body point to must outlive the set. */
void vx_rowset_add(struct vx_rowset *set, const struct vx_crow *row);
/* An equal row that is not taken. */
bool vx_rowset_has(const struct vx_rowset *set, const struct vx_crow *row);
/* Takes one out; false if there is none. */
bool vx_rowset_take(struct vx_rowset *set, const struct vx_crow *row);

#endif
