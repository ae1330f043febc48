/* SPDX-License-Identifier: Apache-2.0 */
/* Two sets of canonical rows -> what to send, by sorting both and merging.
 * Rows are compared as bytes; nothing here knows what they mean. */
#include "core/diff.h"

#include <stdlib.h>
#include <string.h>

#include "core/order.h"
#include "lib/xalloc.h"

struct entry {
    const struct vx_crow *row;
    size_t index;
};

static int
compare_key(const struct vx_crow *a, const struct vx_crow *b)
{
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    if (a->table != b->table) {
        return a->table < b->table ? -1 : 1;
    }
    if (a->priority != b->priority) {
        return a->priority < b->priority ? -1 : 1;
    }
    if (a->key_size != b->key_size) {
        return a->key_size < b->key_size ? -1 : 1;
    }
    return a->key_size ? memcmp(a->key, b->key, a->key_size) : 0;
}

static int
compare_entry(const void *a_, const void *b_)
{
    const struct entry *a = a_, *b = b_;
    int cmp = compare_key(a->row, b->row);

    return cmp ? cmp : a->index < b->index ? -1 : a->index > b->index;
}

static bool
same_body(const struct vx_crow *a, const struct vx_crow *b)
{
    return a->cookie == b->cookie && a->body_size == b->body_size
           && (!a->body_size || !memcmp(a->body, b->body, a->body_size));
}

/* Sorted by key, each key once. */
static struct entry *
sorted(const struct vx_crow *rows, size_t *n)
{
    struct entry *entries = vx_xmalloc(*n * sizeof *entries);
    size_t n_unique = 0;

    for (size_t i = 0; i < *n; i++) {
        entries[i] = (struct entry) { &rows[i], i };
    }
    if (*n) {
        qsort(entries, *n, sizeof *entries, compare_entry);
    }
    for (size_t i = 0; i < *n; i++) {
        if (!i || compare_key(entries[i].row, entries[i - 1].row)) {
            entries[n_unique++] = entries[i];
        }
    }
    *n = n_unique;
    return entries;
}

struct diffs {
    struct vx_diff *diffs;
    size_t n, cap;
};

static void
push(struct diffs *diffs, enum vx_diff_type type, size_t have, size_t want)
{
    diffs->diffs = vx_grow(diffs->diffs, &diffs->cap, diffs->n + 1,
                           sizeof *diffs->diffs);
    diffs->diffs[diffs->n++] = (struct vx_diff) { type, have, want };
}

static void
merge(const struct entry *have, size_t n_have, const struct entry *want,
      size_t n_want, struct diffs *diffs)
{
    size_t i = 0, j = 0;

    while (i < n_have || j < n_want) {
        int cmp = i == n_have ? 1 : j == n_want ? -1
                  : compare_key(have[i].row, want[j].row);

        if (cmp < 0) {
            push(diffs, VX_DIFF_FOREIGN, have[i].index, SIZE_MAX);
        } else if (cmp > 0) {
            push(diffs, VX_DIFF_MISSING, SIZE_MAX, want[j].index);
        } else if (!same_body(have[i].row, want[j].row)) {
            push(diffs, VX_DIFF_ALTERED, have[i].index, want[j].index);
        }
        i += cmp <= 0;
        j += cmp >= 0;
    }
}

/* Meters come before all else and go after it. */
enum {
    ADD_METER, DELETE, ADD = DELETE + VX_ORDER_RANKS, DELETE_METER, N_RANKS
};

static unsigned
rank_of(const struct vx_diff *diff, const struct vx_crow *have,
        const struct vx_crow *want)
{
    const struct vx_crow *row = diff->type == VX_DIFF_FOREIGN
        ? &have[diff->have] : &want[diff->want];

    if (diff->type == VX_DIFF_FOREIGN) {
        return row->type == VX_ROW_METER ? DELETE_METER
               : DELETE + vx_order_del_rank(row->type, row->table);
    }
    return row->type == VX_ROW_METER ? ADD_METER : ADD;
}

static int
compare_want(const void *a_, const void *b_)
{
    const struct vx_diff *a = a_, *b = b_;

    return a->want < b->want ? -1 : a->want > b->want;
}

/* By rank, a stable counting sort; what is added in the order of want. */
static struct vx_diff *
in_send_order(const struct diffs *diffs, const struct vx_crow *have,
              const struct vx_crow *want)
{
    size_t starts[N_RANKS + 1] = { 0 }, first_add, n_add;
    struct vx_diff *out = vx_xmalloc(diffs->n * sizeof *out);
    uint16_t *ranks = vx_xmalloc(diffs->n * sizeof *ranks);

    for (size_t i = 0; i < diffs->n; i++) {
        ranks[i] = rank_of(&diffs->diffs[i], have, want);
        starts[ranks[i] + 1]++;
    }
    for (size_t r = 0; r < N_RANKS; r++) {
        starts[r + 1] += starts[r];
    }
    first_add = starts[ADD];
    n_add = starts[ADD + 1] - first_add;
    for (size_t i = 0; i < diffs->n; i++) {
        out[starts[ranks[i]]++] = diffs->diffs[i];
    }
    if (n_add) {
        qsort(out + first_add, n_add, sizeof *out, compare_want);
    }
    free(ranks);
    return out;
}

size_t
vx_diff_rows(const struct vx_crow *have, size_t n_have,
             const struct vx_crow *want, size_t n_want,
             struct vx_diff **ret_diffs)
{
    struct entry *haves = sorted(have, &n_have);
    struct entry *wants = sorted(want, &n_want);
    struct diffs diffs = { 0 };

    merge(haves, n_have, wants, n_want, &diffs);
    *ret_diffs = in_send_order(&diffs, have, want);
    free(diffs.diffs);
    free(haves);
    free(wants);
    return diffs.n;
}

size_t
vx_diff_rows_apart(const struct vx_crow *have, size_t n_have,
                   const struct vx_crow *want, size_t n_want,
                   struct vx_diff **ret_diffs)
{
    struct entry *haves = sorted(have, &n_have);
    struct entry *wants = sorted(want, &n_want);
    struct diffs diffs = { 0 }, apart = { 0 };

    merge(haves, n_have, wants, n_want, &diffs);
    for (size_t i = 0; i < diffs.n; i++) {
        const struct vx_diff *d = &diffs.diffs[i];

        if (d->type != VX_DIFF_ALTERED
            || have[d->have].type == VX_ROW_GROUP
            || have[d->have].type == VX_ROW_METER) {
            push(&apart, d->type, d->have, d->want);
        } else {
            push(&apart, VX_DIFF_FOREIGN, d->have, SIZE_MAX);
            push(&apart, VX_DIFF_MISSING, SIZE_MAX, d->want);
        }
    }
    *ret_diffs = in_send_order(&apart, have, want);
    free(apart.diffs);
    free(diffs.diffs);
    free(haves);
    free(wants);
    return apart.n;
}
