/* SPDX-License-Identifier: Apache-2.0 */
/* See claims.h. */
#include "gateway/claims.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/kernel.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

enum {
    ROUTE_KEY_MAX = 3 + 16 + VX_GW_IFNAME_SIZE,
    KEY_MAX = 1 + BG_KEY_MAX + ROUTE_KEY_MAX,       /* enough for either */
};

struct claim {
    struct vx_tree_node by_key;
    const struct vx_gw_entry *owner;
    bool is_wanted;             /* by others, too */
    uint16_t size;
    uint8_t key[];
};

struct vx_gw_claims {
    struct vx_tree tree;
    bool are_freed;
};

static int
compare(const void *key, const struct vx_tree_node *node)
{
    const struct claim *claim = VX_CONTAINER(node, struct claim, by_key);

    return bg_key_compare(key, &(struct bg_key) { claim->key, claim->size });
}

static size_t
key_of_nlri(const struct bg_nlri *nlri, uint8_t key[KEY_MAX])
{
    key[0] = VX_GW_ITEM_BGP;
    return 1 + bg_nlri_key(nlri, key + 1);
}

static size_t
key_of(const struct vx_gw_item *item, uint8_t key[KEY_MAX])
{
    const struct vx_prefix *prefix = &item->want.prefix;
    size_t n = 0, length;

    if (item->kind == VX_GW_ITEM_BGP) {
        return key_of_nlri(&item->nlri, key);
    }
    key[n++] = VX_GW_ITEM_ROUTE;
    key[n++] = prefix->ip.family;
    key[n++] = prefix->length;
    memcpy(key + n, prefix->ip.b, sizeof prefix->ip.b);
    n += sizeof prefix->ip.b;
    length = strnlen(item->vrf, VX_GW_IFNAME_SIZE);
    memcpy(key + n, item->vrf, length);
    return n + length;
}

static struct claim *
find(const struct vx_gw_claims *claims, const uint8_t *key, size_t size)
{
    struct vx_tree_node *node =
        vx_tree_find(&claims->tree, &(struct bg_key) { key, size });

    return node ? VX_CONTAINER(node, struct claim, by_key) : NULL;
}

const struct vx_gw_entry *
vx_gw_claims_take(struct vx_gw_claims *claims, const struct vx_gw_item *item,
                  const struct vx_gw_entry *entry)
{
    uint8_t key[KEY_MAX];
    size_t size = key_of(item, key);
    struct claim *claim = find(claims, key, size);

    if (claim) {
        claim->is_wanted |= claim->owner != entry;
        return claim->owner;
    }
    claim = vx_xcalloc(1, sizeof *claim + size);
    claim->owner = entry;
    claim->size = (uint16_t) size;
    memcpy(claim->key, key, size);
    vx_tree_insert(&claims->tree, &(struct bg_key) { claim->key, size },
                   &claim->by_key);
    return entry;
}

bool
vx_gw_claims_release(struct vx_gw_claims *claims,
                     const struct vx_gw_item *item,
                     const struct vx_gw_entry *entry)
{
    uint8_t key[KEY_MAX];
    size_t size = key_of(item, key);
    struct claim *claim = find(claims, key, size);

    if (!claim || claim->owner != entry) {
        return false;
    }
    claims->are_freed |= claim->is_wanted;
    vx_tree_remove(&claims->tree, &claim->by_key);
    free(claim);
    return true;
}

bool
vx_gw_claims_has(const struct vx_gw_claims *claims,
                 const struct bg_nlri *nlri)
{
    uint8_t key[KEY_MAX];
    size_t size = key_of_nlri(nlri, key);

    return find(claims, key, size) != NULL;
}

bool
vx_gw_claims_are_freed(struct vx_gw_claims *claims)
{
    bool are_freed = claims->are_freed;

    claims->are_freed = false;
    return are_freed;
}

struct vx_gw_claims *
vx_gw_claims_new(void)
{
    struct vx_gw_claims *claims = vx_xcalloc(1, sizeof *claims);

    vx_tree_init(&claims->tree, compare);
    return claims;
}

void
vx_gw_claims_free(struct vx_gw_claims *claims)
{
    if (!claims) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE (node, next, &claims->tree) {
        vx_tree_remove(&claims->tree, node);
        free(VX_CONTAINER(node, struct claim, by_key));
    }
    free(claims);
}
