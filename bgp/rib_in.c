/* SPDX-License-Identifier: Apache-2.0 */
/* See rib_in.h.  A path is stale while its generation is not that of the
 * session, so losing a session costs nothing per path. */
#include "bgp/rib_in.h"

#include <stdlib.h>
#include <string.h>

#include "bgp/attr_pool.h"
#include "bgp/bgp_codec.h"
#include "lib/xalloc.h"

struct entry {
    struct vx_tree_node node;
    struct bg_attr_set *attrs;
    uint64_t generation;
    uint16_t key_size, nlri_size;
    uint8_t *nlri;
    uint8_t key[];
};

struct bg_rib_in {
    const struct bg_rib_in_callbacks *callbacks;
    void *aux;
    struct bg_attr_pool pool;
    struct vx_tree families[BG_N_FAMILIES];     /* entry.node, by key */
    size_t n[BG_N_FAMILIES];        /* of them not stale */
    size_t max;
    uint64_t n_refused;
    uint64_t generation;            /* of the session, or of the next one */
    unsigned up_families, complete_families;
    struct vx_ip own;
};

static int
compare(const void *key, const struct vx_tree_node *node)
{
    const struct entry *entry = VX_CONTAINER(node, struct entry, node);

    return bg_key_compare(key, &(struct bg_key) { entry->key,
                                                  entry->key_size });
}

static struct entry *
find(const struct bg_rib_in *rib, enum bg_family family,
     const struct bg_key *key)
{
    struct vx_tree_node *node = vx_tree_find(&rib->families[family], key);

    return node ? VX_CONTAINER(node, struct entry, node) : NULL;
}

static void
read_nlri(const struct entry *entry, enum bg_family family,
          struct bg_nlri *ret_nlri)
{
    size_t used;

    (void) bg_nlri_decode(family, entry->nlri, entry->nlri_size, ret_nlri,
                          &used);
}

static void
free_entry(struct bg_rib_in *rib, struct entry *entry)
{
    bg_attr_pool_put(&rib->pool, entry->attrs);
    free(entry->nlri);
    free(entry);
}

static bool
is_stale(const struct bg_rib_in *rib, const struct entry *entry)
{
    return entry->generation != rib->generation;
}

static void
lose(struct bg_rib_in *rib, enum bg_family family, struct entry *entry)
{
    struct bg_nlri nlri;

    read_nlri(entry, family, &nlri);
    rib->n[family] -= !is_stale(rib, entry);
    vx_tree_remove(&rib->families[family], &entry->node);
    free_entry(rib, entry);
    rib->callbacks->lost(rib->aux, &nlri);
}

/* --- Life. */

struct bg_rib_in *
bg_rib_in_new(const struct bg_rib_in_callbacks *callbacks, void *aux,
              size_t max)
{
    struct bg_rib_in *rib = vx_xcalloc(1, sizeof *rib);

    rib->callbacks = callbacks;
    rib->aux = aux;
    rib->max = max;
    rib->generation = 1;
    bg_attr_pool_init(&rib->pool);
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        vx_tree_init(&rib->families[i], compare);
    }
    return rib;
}

void
bg_rib_in_free(struct bg_rib_in *rib)
{
    if (!rib) {
        return;
    }
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        VX_TREE_FOR_EACH_SAFE(node, next, &rib->families[i]) {
            struct entry *entry = VX_CONTAINER(node, struct entry, node);

            vx_tree_remove(&rib->families[i], node);
            free_entry(rib, entry);
        }
    }
    bg_attr_pool_fini(&rib->pool);
    free(rib);
}

/* --- The session's side. */

void
bg_rib_in_up(struct bg_rib_in *rib, unsigned families,
             const struct vx_ip *own)
{
    rib->up_families = families;
    rib->complete_families = 0;
    rib->own = *own;
}

void
bg_rib_in_down(struct bg_rib_in *rib)
{
    rib->generation++;
    rib->up_families = rib->complete_families = 0;
    memset(rib->n, 0, sizeof rib->n);
}

static size_t
count_all(const struct bg_rib_in *rib)
{
    size_t n = 0;

    for (int i = 0; i < BG_N_FAMILIES; i++) {
        n += rib->families[i].count;
    }
    return n;
}

/* True if label or ESI are others than before. */
static bool
take_nlri(struct entry *entry, const struct bg_nlri *nlri)
{
    uint8_t bytes[BG_NLRI_MAX];
    size_t size = bg_nlri_encode(nlri, false, bytes);

    if (entry->nlri && entry->nlri_size == size
        && !memcmp(entry->nlri, bytes, size)) {
        return false;
    }
    free(entry->nlri);
    entry->nlri = vx_xmemdup(bytes, size);
    entry->nlri_size = size;
    return true;
}

static struct entry *
add_entry(struct bg_rib_in *rib, enum bg_family family,
          const struct bg_key *key)
{
    struct entry *entry = vx_xcalloc(1, sizeof *entry + key->size);

    entry->key_size = key->size;
    memcpy(entry->key, key->bytes, key->size);
    vx_tree_insert(&rib->families[family], key, &entry->node);
    return entry;
}

void
bg_rib_in_reach(struct bg_rib_in *rib, const struct bg_nlri *nlri,
                const struct bg_attrs *attrs)
{
    uint8_t bytes[BG_KEY_MAX];
    struct bg_key key = { bytes, bg_nlri_key(nlri, bytes) };
    struct entry *entry = find(rib, nlri->family, &key);

    if (attrs->originator.family
        && !vx_ip_compare(&attrs->originator, &rib->own)) {
        if (entry) {
            lose(rib, nlri->family, entry);     /* ours is better */
        }
        return;
    }
    if (!entry && count_all(rib) >= rib->max) {
        rib->n_refused++;
        return;
    }
    struct bg_attr_set *set = bg_attr_pool_get(&rib->pool, attrs);
    if (!entry) {
        entry = add_entry(rib, nlri->family, &key);
    }
    rib->n[nlri->family] += is_stale(rib, entry);
    entry->generation = rib->generation;
    bool is_same = !take_nlri(entry, nlri) && entry->attrs == set;
    bg_attr_pool_put(&rib->pool, entry->attrs);
    entry->attrs = set;
    if (!is_same) {
        rib->callbacks->learned(rib->aux, nlri, attrs);
    }
}

void
bg_rib_in_unreach(struct bg_rib_in *rib, const struct bg_nlri *nlri)
{
    uint8_t bytes[BG_KEY_MAX];
    struct bg_key key = { bytes, bg_nlri_key(nlri, bytes) };
    struct entry *entry = find(rib, nlri->family, &key);

    if (entry) {
        lose(rib, nlri->family, entry);
    }
}

static void
drop_stale(struct bg_rib_in *rib, enum bg_family family)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &rib->families[family]) {
        struct entry *entry = VX_CONTAINER(node, struct entry, node);

        if (is_stale(rib, entry)) {
            lose(rib, family, entry);
        }
    }
}

void
bg_rib_in_end(struct bg_rib_in *rib, enum bg_family family)
{
    unsigned bit = BG_BIT(family);

    if (!(rib->up_families & bit) || rib->complete_families & bit) {
        return;
    }
    drop_stale(rib, family);
    rib->complete_families |= bit;
    if (rib->callbacks->complete) {
        rib->callbacks->complete(rib->aux, family);
    }
}

void
bg_rib_in_expire(struct bg_rib_in *rib)
{
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        drop_stale(rib, i);
        bg_rib_in_end(rib, i);
    }
}

/* --- Questions. */

size_t
bg_rib_in_count(const struct bg_rib_in *rib, enum bg_family family)
{
    return rib->families[family].count;
}

size_t
bg_rib_in_stale(const struct bg_rib_in *rib)
{
    size_t n = count_all(rib);

    for (int i = 0; i < BG_N_FAMILIES; i++) {
        n -= rib->n[i];
    }
    return n;
}

uint64_t
bg_rib_in_refused(const struct bg_rib_in *rib)
{
    return rib->n_refused;
}

bool
bg_rib_in_is_complete(const struct bg_rib_in *rib, enum bg_family family)
{
    return rib->complete_families & BG_BIT(family);
}

static void
read_entry(const struct bg_rib_in *rib, const struct entry *entry,
           enum bg_family family, struct bg_rib_in_view *ret_view)
{
    read_nlri(entry, family, &ret_view->nlri);
    bg_attr_set_read(entry->attrs, &ret_view->attrs);
    ret_view->is_stale = is_stale(rib, entry);
}

void
bg_rib_in_each(const struct bg_rib_in *rib,
               void (*see)(void *aux, const struct bg_rib_in_view *view),
               void *aux)
{
    struct bg_rib_in_view view;

    for (int i = 0; i < BG_N_FAMILIES; i++) {
        VX_TREE_FOR_EACH(node, &rib->families[i]) {
            read_entry(rib, VX_CONTAINER(node, struct entry, node), i,
                       &view);
            see(aux, &view);
        }
    }
}

bool
bg_rib_in_find(const struct bg_rib_in *rib, const struct bg_nlri *nlri,
               struct bg_rib_in_view *ret_view)
{
    uint8_t bytes[BG_KEY_MAX];
    struct bg_key key = { bytes, bg_nlri_key(nlri, bytes) };
    struct entry *entry = find(rib, nlri->family, &key);

    if (entry) {
        read_entry(rib, entry, nlri->family, ret_view);
    }
    return entry;
}
