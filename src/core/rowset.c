/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table with open addressing over an array of rows; see rowset.h.
 * Rows that are taken stay in their slot, so nothing is ever moved but by
 * growing. */
#include "core/rowset.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

enum { SLOTS_MIN = 64 };

static uint64_t
mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t
mix_bytes(uint64_t h, const uint8_t *p, size_t size)
{
    uint64_t word;

    for (; size >= sizeof word; p += sizeof word, size -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = mix(h, word);
    }
    word = size;
    if (size) {
        memcpy((uint8_t *) &word + 1, p, size < 7 ? size : 7);
    }
    return mix(h, word);
}

static uint64_t
hash(const struct vx_rowset *set, const struct vx_crow *row)
{
    uint64_t h = mix(0, (uint64_t) row->type << 32
                        | (uint64_t) row->table << 16 | row->priority);

    h = mix_bytes(h, row->key, row->key_size);
    if (!set->by_key) {
        h = mix_bytes(mix(h, row->cookie), row->body, row->body_size);
    }
    return h;
}

static bool
same(const struct vx_rowset *set, const struct vx_crow *a,
     const struct vx_crow *b)
{
    return a->type == b->type && a->table == b->table
           && a->priority == b->priority && a->key_size == b->key_size
           && (!a->key_size || !memcmp(a->key, b->key, a->key_size))
           && (set->by_key
               || (a->cookie == b->cookie && a->body_size == b->body_size
                   && (!a->body_size
                       || !memcmp(a->body, b->body, a->body_size))));
}

void
vx_rowset_init(struct vx_rowset *set, bool by_key)
{
    *set = (struct vx_rowset) { .by_key = by_key };
}

void
vx_rowset_fini(struct vx_rowset *set)
{
    free(set->rows);
    free(set->hashes);
    free(set->taken);
    free(set->slots);
    vx_rowset_init(set, set->by_key);
}

static void
place(struct vx_rowset *set, size_t i)
{
    size_t slot = set->hashes[i] & (set->n_slots - 1);

    while (set->slots[slot]) {
        slot = (slot + 1) & (set->n_slots - 1);
    }
    set->slots[slot] = (uint32_t) i + 1;
}

static void
grow(struct vx_rowset *set)
{
    size_t cap = set->cap;

    set->rows = vx_grow(set->rows, &cap, set->n + 1, sizeof *set->rows);
    if (cap != set->cap) {
        set->hashes = vx_xrealloc(set->hashes, cap * sizeof *set->hashes);
        set->taken = vx_xrealloc(set->taken, cap * sizeof *set->taken);
        set->cap = cap;
    }
    if (2 * (set->n + 1) > set->n_slots) {
        free(set->slots);
        set->n_slots = set->n_slots ? 2 * set->n_slots : SLOTS_MIN;
        set->slots = vx_xcalloc(set->n_slots, sizeof *set->slots);
        for (size_t i = 0; i < set->n; i++) {
            place(set, i);
        }
    }
}

void
vx_rowset_add(struct vx_rowset *set, const struct vx_crow *row)
{
    grow(set);
    set->rows[set->n] = *row;
    set->hashes[set->n] = hash(set, row);
    set->taken[set->n] = false;
    place(set, set->n++);
}

/* Index of an equal row that is not taken, or SIZE_MAX. */
static size_t
find(const struct vx_rowset *set, const struct vx_crow *row)
{
    uint64_t h = hash(set, row);
    size_t slot = h & (set->n_slots - 1);

    while (set->n_slots && set->slots[slot]) {
        size_t i = set->slots[slot] - 1;

        if (set->hashes[i] == h && !set->taken[i]
            && same(set, &set->rows[i], row)) {
            return i;
        }
        slot = (slot + 1) & (set->n_slots - 1);
    }
    return SIZE_MAX;
}

bool
vx_rowset_has(const struct vx_rowset *set, const struct vx_crow *row)
{
    return find(set, row) != SIZE_MAX;
}

bool
vx_rowset_take(struct vx_rowset *set, const struct vx_crow *row)
{
    size_t i = find(set, row);

    if (i == SIZE_MAX) {
        return false;
    }
    set->taken[i] = true;
    set->n_taken++;
    return true;
}
