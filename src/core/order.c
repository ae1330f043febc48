/* SPDX-License-Identifier: Apache-2.0 */
/* Send order by counting sort: there are few ranks and many rows, and a row
 * is big, so each one moves once. */
#include "core/order.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

unsigned
vx_order_add_rank(enum vx_row_type type, uint8_t table)
{
    return type == VX_ROW_METER ? 0 : type == VX_ROW_GROUP ? 1
           : type == VX_ROW_BUCKET ? 2 : 3 + (255 - table);
}

unsigned
vx_order_del_rank(enum vx_row_type type, uint8_t table)
{
    return VX_ORDER_RANKS - 1 - vx_order_add_rank(type, table);
}

typedef unsigned rank_fn(enum vx_row_type, uint8_t table);

static bool
is_ordered(const struct vx_rows *rows, size_t first, rank_fn *rank)
{
    unsigned last = 0;

    for (size_t i = first; i < rows->n; i++) {
        unsigned r = rank(rows->rows[i].type, rows->rows[i].table);

        if (r < last) {
            return false;
        }
        last = r;
    }
    return true;
}

static void
order(struct vx_rows *rows, size_t first, rank_fn *rank)
{
    size_t starts[VX_ORDER_RANKS + 1] = { 0 }, n = rows->n - first;
    struct vx_row *all = rows->rows + first, *sorted;

    if (is_ordered(rows, first, rank)) {
        return;
    }
    sorted = vx_xmalloc(n * sizeof *sorted);
    for (size_t i = 0; i < n; i++) {
        starts[rank(all[i].type, all[i].table) + 1]++;
    }
    for (size_t r = 0; r < VX_ORDER_RANKS; r++) {
        starts[r + 1] += starts[r];
    }
    for (size_t i = 0; i < n; i++) {
        vx_row_copy(&sorted[starts[rank(all[i].type, all[i].table)]++],
                    &all[i]);
    }
    if (!first) {
        free(rows->rows);
        rows->rows = sorted;
        rows->cap = rows->n;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        vx_row_copy(&all[i], &sorted[i]);
    }
    free(sorted);
}

void
vx_order_add(struct vx_rows *rows)
{
    order(rows, 0, vx_order_add_rank);
}

void
vx_order_add_from(struct vx_rows *rows, size_t first)
{
    order(rows, first, vx_order_add_rank);
}

void
vx_order_del(struct vx_rows *rows)
{
    order(rows, 0, vx_order_del_rank);
}

static int
compare(const void *a, const void *b)
{
    return vx_row_compare_key(a, b);
}

static void
push(struct vx_rows *rows, const struct vx_row *row)
{
    rows->rows = vx_grow(rows->rows, &rows->cap, rows->n + 1,
                         sizeof *rows->rows);
    vx_row_copy(&rows->rows[rows->n++], row);
}

static void
sort(struct vx_rows *rows)
{
    if (rows->n > 1) {
        qsort(rows->rows, rows->n, sizeof *rows->rows, compare);
    }
}

void
vx_order_change(struct vx_rows *old, struct vx_rows *new,
                struct vx_rows *ret_del, struct vx_rows *ret_add)
{
    size_t i = 0, j = 0;

    if (old->n && new->n) {
        sort(old);
        sort(new);
    }
    while (i < old->n || j < new->n) {
        int cmp = i == old->n ? 1 : j == new->n ? -1
                  : vx_row_compare_key(&old->rows[i], &new->rows[j]);

        if (!cmp && vx_row_same(&old->rows[i], &new->rows[j])) {
            i++;
            j++;
            continue;
        }
        if (cmp < 0
            || (!cmp && (old->rows[i].type == VX_ROW_BUCKET
                         || old->rows[i].type == VX_ROW_METER))) {
            push(ret_del, &old->rows[i]);
        }
        if (cmp >= 0) {
            push(ret_add, &new->rows[j++]);
        }
        i += cmp <= 0;
    }
    vx_order_del(ret_del);
    vx_order_add(ret_add);
}
