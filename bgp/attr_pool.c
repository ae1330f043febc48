/* SPDX-License-Identifier: Apache-2.0 */
/* See attr_pool.h. */
#include "bgp/attr_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/bgp_attr_wire.h"
#include "lib/xalloc.h"

struct key {
    const struct vx_ip *next_hop;
    const struct vx_buf *bytes;
};

static int
compare(const void *key_, const struct vx_tree_node *node)
{
    const struct key *key = key_;
    const struct bg_attr_set *set = VX_CONTAINER(node, struct bg_attr_set,
                                                 node);

    if (key->bytes->size != set->bytes.size) {
        return key->bytes->size < set->bytes.size ? -1 : 1;
    }
    int d = memcmp(key->bytes->data, set->bytes.data, set->bytes.size);
    return d ? d : vx_ip_compare(key->next_hop, &set->next_hop);
}

void
bg_attr_pool_init(struct bg_attr_pool *pool)
{
    vx_tree_init(&pool->sets, compare);
    pool->scratch = (struct vx_buf) VX_BUF_INIT;
}

void
bg_attr_pool_fini(struct bg_attr_pool *pool)
{
    assert(!pool->sets.count);
    vx_buf_fini(&pool->scratch);
}

struct bg_attr_set *
bg_attr_pool_get(struct bg_attr_pool *pool, const struct bg_attrs *attrs)
{
    struct key key = { &attrs->next_hop, &pool->scratch };
    struct vx_tree_node *node;
    struct bg_attr_set *set;

    vx_buf_clear(&pool->scratch);
    bg_attrs_encode(attrs, true, &pool->scratch);
    node = vx_tree_find(&pool->sets, &key);
    if (node) {
        set = VX_CONTAINER(node, struct bg_attr_set, node);
    } else {
        set = vx_xcalloc(1, sizeof *set);
        set->next_hop = attrs->next_hop;
        vx_buf_put(&set->bytes, pool->scratch.data, pool->scratch.size);
        vx_tree_insert(&pool->sets, &key, &set->node);
    }
    set->n_refs++;
    return set;
}

void
bg_attr_pool_put(struct bg_attr_pool *pool, struct bg_attr_set *set)
{
    if (set && !--set->n_refs) {
        vx_tree_remove(&pool->sets, &set->node);
        vx_buf_fini(&set->bytes);
        free(set);
    }
}

void
bg_attr_set_read(const struct bg_attr_set *set, struct bg_attrs *ret_attrs)
{
    bg_attrs_decode(set->bytes.data, set->bytes.size, ret_attrs);
    ret_attrs->next_hop = set->next_hop;
}
