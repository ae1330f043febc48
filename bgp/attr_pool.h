/* SPDX-License-Identifier: Apache-2.0 */
/* Equal attributes once: routes refer to a set by pointer, so equal sets are
 * equal pointers.  Private to the RIBs. */
#ifndef BG_ATTR_POOL_H
#define BG_ATTR_POOL_H

#include "bgp/bgp_attr.h"
#include "lib/buf.h"
#include "lib/tree.h"

struct bg_attr_set {
    struct vx_tree_node node;
    size_t n_refs;
    struct vx_ip next_hop;
    struct vx_buf bytes;            /* of bg_attrs_encode(), as4 */
};

struct bg_attr_pool {
    struct vx_tree sets;
    struct vx_buf scratch;
};

void bg_attr_pool_init(struct bg_attr_pool *pool);
void bg_attr_pool_fini(struct bg_attr_pool *pool);  /* no set may be left */

/* One reference more.  O(log n). */
struct bg_attr_set *bg_attr_pool_get(struct bg_attr_pool *pool,
                                     const struct bg_attrs *attrs);
/* NULL is fine; dies with its last reference. */
void bg_attr_pool_put(struct bg_attr_pool *pool, struct bg_attr_set *set);
void bg_attr_set_read(const struct bg_attr_set *set,
                      struct bg_attrs *ret_attrs);

#endif
