/* SPDX-License-Identifier: Apache-2.0 */
/* See limits.h. */
#include "gateway/limits.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

/* Of one peering and family. */
struct count {
    struct vx_tree_node node;
    enum bg_family family;
    size_t n, n_over;           /* taken; left out */
    size_t limit;               /* as it was said last */
    char peering[];
};

struct path {
    struct vx_tree_node node;
    struct count *count;
    bool is_taken;
    size_t size;
    uint8_t key[];              /* family, then that of the NLRI */
};

struct vx_gw_limits {
    struct vx_tree counts, paths;
};

/* --- Who said it. */

void
vx_gw_peer_mark(const struct vx_ip *peer, uint32_t ret_mark[2])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);       /* FNV-1a */

    if (peer->family == 4) {
        ret_mark[0] = 0;
        ret_mark[1] = (uint32_t) peer->b[0] << 24 | peer->b[1] << 16
                      | peer->b[2] << 8 | peer->b[3];
        return;
    }
    for (size_t i = 0; i < 16; i++) {
        hash = (hash ^ peer->b[i]) * UINT64_C(0x100000001b3);
    }
    ret_mark[0] = (uint32_t) (hash >> 32) | 1;  /* not as of IPv4 */
    ret_mark[1] = (uint32_t) hash;
}

static bool
has_mark(const struct bg_attrs *attrs, const struct vx_ip *peer)
{
    uint32_t mark[2];

    vx_gw_peer_mark(peer, mark);
    for (size_t i = 0; i < attrs->n_large; i++) {
        const uint32_t *b = attrs->large[i].b;

        if (b[0] == VX_GW_HEARD_TAG && b[1] == mark[0] && b[2] == mark[1]) {
            return true;
        }
    }
    return false;
}

const struct vx_gw_entry *
vx_gw_marked_peering(const struct vx_gw_entries *entries,
                     const struct bg_attrs *attrs)
{
    if (!attrs->n_large) {
        return NULL;
    }
    VX_GW_FOR_EACH(entry, entries, VX_GW_PEERING, "") {
        if (!entry->value->peering.tenant
            && has_mark(attrs, &entry->value->peering.value.peer)) {
            return entry;
        }
    }
    return NULL;
}

/* --- Trees. */

struct count_key {
    const char *peering;
    enum bg_family family;
};

static int
compare_count(const void *key_, const struct vx_tree_node *node)
{
    const struct count_key *key = key_;
    const struct count *count = VX_CONTAINER(node, struct count, node);

    return key->family != count->family
           ? (key->family < count->family ? -1 : 1)
           : strcmp(key->peering, count->peering);
}

struct path_key {
    uint8_t bytes[BG_KEY_MAX + 1];
    size_t size;
};

static int
compare_path(const void *key_, const struct vx_tree_node *node)
{
    const struct path_key *key = key_;
    const struct path *path = VX_CONTAINER(node, struct path, node);
    size_t n = key->size < path->size ? key->size : path->size;
    int c = memcmp(key->bytes, path->key, n);

    return c ? c : (key->size > path->size) - (key->size < path->size);
}

static void
key_of(const struct bg_nlri *nlri, struct path_key *ret_key)
{
    ret_key->bytes[0] = (uint8_t) nlri->family;
    ret_key->size = 1 + bg_nlri_key(nlri, ret_key->bytes + 1);
}

static struct count *
find_count(const struct vx_gw_limits *limits, const char *peering,
           enum bg_family family)
{
    const struct count_key key = { peering, family };
    struct vx_tree_node *node = vx_tree_find(&limits->counts, &key);

    return node ? VX_CONTAINER(node, struct count, node) : NULL;
}

static struct count *
need_count(struct vx_gw_limits *limits, const char *peering,
           enum bg_family family)
{
    struct count *count = find_count(limits, peering, family);

    if (!count) {
        const struct count_key key = { peering, family };

        count = vx_xcalloc(1, sizeof *count + strlen(peering) + 1);
        count->family = family;
        strcpy(count->peering, peering);
        vx_tree_insert(&limits->counts, &key, &count->node);
    }
    return count;
}

static struct path *
find_path(const struct vx_gw_limits *limits, const struct path_key *key)
{
    struct vx_tree_node *node = vx_tree_find(&limits->paths, key);

    return node ? VX_CONTAINER(node, struct path, node) : NULL;
}

/* --- Counting. */

static size_t *
counter_of(const struct path *path)
{
    return path->is_taken ? &path->count->n : &path->count->n_over;
}

/* Takes it out of its count.  True if there is room for another. */
static bool
leave(struct vx_gw_limits *limits, struct path *path)
{
    struct count *count = path->count;
    bool room = path->is_taken && count->n_over
                && count->n <= count->limit;

    --*counter_of(path);
    path->count = NULL;
    if (!count->n && !count->n_over) {
        vx_tree_remove(&limits->counts, &count->node);
        free(count);
    }
    return room;
}

static void
join(struct path *path, struct count *count)
{
    path->count = count;
    path->is_taken = count->n < count->limit;
    ++*counter_of(path);
}

bool
vx_gw_limits_take(struct vx_gw_limits *limits, const struct bg_nlri *nlri,
                  const char *peering, size_t limit)
{
    struct path_key key;
    struct path *path;
    struct count *count;

    key_of(nlri, &key);
    path = find_path(limits, &key);
    if (!path) {
        path = vx_xcalloc(1, sizeof *path + key.size);
        path->size = key.size;
        memcpy(path->key, key.bytes, key.size);
        vx_tree_insert(&limits->paths, &key, &path->node);
    } else if (path->is_taken && path->count->n <= limit
               && !strcmp(path->count->peering, peering)) {
        path->count->limit = limit;
        return true;
    } else {
        leave(limits, path);
    }
    count = need_count(limits, peering, nlri->family);
    count->limit = limit;
    join(path, count);
    return path->is_taken;
}

bool
vx_gw_limits_drop(struct vx_gw_limits *limits, const struct bg_nlri *nlri)
{
    struct path_key key;
    struct path *path;
    bool room;

    key_of(nlri, &key);
    path = find_path(limits, &key);
    if (!path) {
        return false;
    }
    room = leave(limits, path);
    vx_tree_remove(&limits->paths, &path->node);
    free(path);
    return room;
}

size_t
vx_gw_limits_over(const struct vx_gw_limits *limits, const char *peering,
                  enum bg_family family)
{
    const struct count *count = find_count(limits, peering, family);

    return count ? count->n_over : 0;
}

/* --- Life. */

struct vx_gw_limits *
vx_gw_limits_new(void)
{
    struct vx_gw_limits *limits = vx_xcalloc(1, sizeof *limits);

    vx_tree_init(&limits->counts, compare_count);
    vx_tree_init(&limits->paths, compare_path);
    return limits;
}

void
vx_gw_limits_free(struct vx_gw_limits *limits)
{
    if (!limits) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &limits->paths) {
        struct path *path = VX_CONTAINER(node, struct path, node);

        vx_tree_remove(&limits->paths, node);
        leave(limits, path);
        free(path);
    }
    free(limits);
}
