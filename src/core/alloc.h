/* SPDX-License-Identifier: Apache-2.0 */
/* Number pools.
 *
 * vx_vni_pool: the 24-bit space as a bitmap with three summary levels (64
 * children per word): lowest free, take, give back are four word operations
 * each, O(1), whatever the fill; 2.03 MiB in all, nothing per free number.
 *
 * vx_runset: a set of 128-bit numbers kept as disjoint runs in a tree:
 * lowest free, add, remove are O(log runs); an IPv6 /64 costs what its used
 * runs cost. */
#ifndef VX_CORE_ALLOC_H
#define VX_CORE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/tree.h"

struct vx_vni_pool;

struct vx_vni_pool *vx_vni_pool_new(void);      /* all of 1..2^24-1 free */
void vx_vni_pool_free(struct vx_vni_pool *pool);
/* Lowest free number in first..last, 0 if none.  Does not take it. */
uint32_t vx_vni_pool_lowest(const struct vx_vni_pool *pool, uint32_t first,
                            uint32_t last);
/* Highest free number in first..last, 0 if none.  Does not take it. */
uint32_t vx_vni_pool_highest(const struct vx_vni_pool *pool, uint32_t first,
                             uint32_t last);
bool vx_vni_pool_is_free(const struct vx_vni_pool *pool, uint32_t vni);
void vx_vni_pool_take(struct vx_vni_pool *pool, uint32_t vni); /* is free */
void vx_vni_pool_give(struct vx_vni_pool *pool, uint32_t vni); /* is taken */

struct vx_runset {
    struct vx_tree runs;
};

void vx_runset_init(struct vx_runset *set);
void vx_runset_fini(struct vx_runset *set);
bool vx_runset_has(const struct vx_runset *set, unsigned __int128 n);
bool vx_runset_add(struct vx_runset *set, unsigned __int128 n);     /* false:
                                                       was there already */
bool vx_runset_remove(struct vx_runset *set, unsigned __int128 n);  /* false:
                                                       was not there */
/* Lowest number in first..last that is not in the set. */
bool vx_runset_lowest_free(const struct vx_runset *set,
                           unsigned __int128 first, unsigned __int128 last,
                           unsigned __int128 *ret_n);

#endif
