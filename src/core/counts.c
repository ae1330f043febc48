/* SPDX-License-Identifier: Apache-2.0 */
/* Samples to deltas; see counts.h. */
#include "core/counts.h"

#include <stdlib.h>

#include "lib/xalloc.h"

struct vx_tally_row {
    uint64_t key, packets, bytes, dropped;
};

void
vx_tally_init(struct vx_tally *tally)
{
    *tally = (struct vx_tally) { NULL, 0 };
}

void
vx_tally_fini(struct vx_tally *tally)
{
    free(tally->rows);
}

static int
cmp_key(const void *a_, const void *b_)
{
    const struct vx_count *a = a_, *b = b_;

    return a->key < b->key ? -1 : a->key > b->key;
}

/* What counts less than before began anew. */
static bool
is_same(const struct vx_tally_row *old, const struct vx_count *count,
        const struct vx_tally_when *when)
{
    return count->packets >= old->packets && count->bytes >= old->bytes
           && count->dropped >= old->dropped
           && !(when->restarted && count->age_ms < when->elapsed_ms);
}

static void
subtract(struct vx_count *count, const struct vx_tally_row *old,
         const struct vx_tally_when *when)
{
    if (old && is_same(old, count, when)) {
        count->packets -= old->packets;
        count->bytes -= old->bytes;
        count->dropped -= old->dropped;
    } else if (!old && count->age_ms > when->since_ms) {
        count->packets = count->bytes = count->dropped = 0;
    }
}

void
vx_tally_take(struct vx_tally *tally, struct vx_count *counts, size_t n,
              const struct vx_tally_when *when)
{
    struct vx_tally_row *rows = n ? vx_xcalloc(n, sizeof *rows) : NULL;
    size_t old = 0;

    if (n) {
        qsort(counts, n, sizeof *counts, cmp_key);
    }
    for (size_t i = 0; i < n; i++) {
        struct vx_count *c = &counts[i];
        bool twice = i && c->key == counts[i - 1].key;

        rows[i] = (struct vx_tally_row) { c->key, c->packets, c->bytes,
                                          c->dropped };
        while (old < tally->n && tally->rows[old].key < c->key) {
            old++;
        }
        if (twice) {            /* a switch that says nonsense */
            c->packets = c->bytes = c->dropped = 0;
            continue;
        }
        subtract(c, old < tally->n && tally->rows[old].key == c->key
                    ? &tally->rows[old] : NULL, when);
    }
    free(tally->rows);
    tally->rows = rows;
    tally->n = n;
}
