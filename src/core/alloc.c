/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of VNIs; see alloc.h.
 *
 * Level 0 has a bit per number, set = free.  A bit of level l + 1 is set if
 * the word of level l below it is not zero.  So a search climbs until a word
 * has a candidate and descends by count-zeros: never more than four words up
 * and four down. */
#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/object.h"
#include "lib/xalloc.h"

enum { N_LEVELS = 4 };

struct vx_vni_pool {
    uint64_t level0[1 << 18];
    uint64_t level1[1 << 12];
    uint64_t level2[1 << 6];
    uint64_t level3[1];
};

static uint64_t *
level(const struct vx_vni_pool *const_pool, unsigned l)
{
    struct vx_vni_pool *pool = (struct vx_vni_pool *) const_pool;

    switch (l) {
    case 0:
        return pool->level0;
    case 1:
        return pool->level1;
    case 2:
        return pool->level2;
    default:
        return pool->level3;
    }
}

struct vx_vni_pool *
vx_vni_pool_new(void)
{
    struct vx_vni_pool *pool = vx_xmalloc(sizeof *pool);

    memset(pool, 0xff, sizeof *pool);
    vx_vni_pool_take(pool, 0);      /* no VNI */
    return pool;
}

void
vx_vni_pool_free(struct vx_vni_pool *pool)
{
    free(pool);
}

bool
vx_vni_pool_is_free(const struct vx_vni_pool *pool, uint32_t vni)
{
    return vni <= VX_VNI_MAX && pool->level0[vni >> 6] >> (vni & 63) & 1;
}

void
vx_vni_pool_take(struct vx_vni_pool *pool, uint32_t vni)
{
    assert(vx_vni_pool_is_free(pool, vni));
    for (unsigned l = 0; l < N_LEVELS; l++) {
        uint64_t *word = &level(pool, l)[vni >> 6];

        *word &= ~(UINT64_C(1) << (vni & 63));
        if (*word) {
            return;
        }
        vni >>= 6;
    }
}

void
vx_vni_pool_give(struct vx_vni_pool *pool, uint32_t vni)
{
    assert(vni && vni <= VX_VNI_MAX && !vx_vni_pool_is_free(pool, vni));
    for (unsigned l = 0; l < N_LEVELS; l++) {
        uint64_t *word = &level(pool, l)[vni >> 6];
        uint64_t before = *word;

        *word |= UINT64_C(1) << (vni & 63);
        if (before) {
            return;
        }
        vni >>= 6;
    }
}

static uint32_t
level_bits(unsigned l)
{
    return UINT32_C(1) << (24 - 6 * l);
}

uint32_t
vx_vni_pool_lowest(const struct vx_vni_pool *pool, uint32_t first,
                   uint32_t last)
{
    uint32_t pos = first;
    uint64_t word;
    unsigned l;

    for (l = 0; ; l++) {
        if (l == N_LEVELS || pos >= level_bits(l)) {
            return 0;
        }
        word = level(pool, l)[pos >> 6] & ~UINT64_C(0) << (pos & 63);
        if (word) {
            break;
        }
        pos = (pos >> 6) + 1;
    }
    pos = (pos & ~63u) | (uint32_t) __builtin_ctzll(word);
    while (l-- > 0) {
        pos = pos << 6 | (uint32_t) __builtin_ctzll(level(pool, l)[pos]);
    }
    return pos <= last ? pos : 0;
}

uint32_t
vx_vni_pool_highest(const struct vx_vni_pool *pool, uint32_t first,
                    uint32_t last)
{
    uint32_t pos = last < VX_VNI_MAX ? last : VX_VNI_MAX;
    uint64_t word;
    unsigned l;

    for (l = 0; ; l++) {
        if (l == N_LEVELS) {
            return 0;
        }
        word = level(pool, l)[pos >> 6] & ~UINT64_C(0) >> (63 - (pos & 63));
        if (word) {
            break;
        }
        pos >>= 6;
        if (!pos) {
            return 0;
        }
        pos--;
    }
    pos = (pos & ~63u) | (63 - (uint32_t) __builtin_clzll(word));
    while (l-- > 0) {
        pos = pos << 6
              | (63 - (uint32_t) __builtin_clzll(level(pool, l)[pos]));
    }
    return pos >= first ? pos : 0;
}
