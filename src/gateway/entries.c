/* SPDX-License-Identifier: Apache-2.0 */
/* See entries.h. */
#include "gateway/entries.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

/* Dirty entries: a list per type for those that are gone, one for those that
 * are there. */
struct queue {
    struct vx_gw_entry *first, *last;
};

struct vx_gw_entries {
    struct vx_tree tree;            /* type, key */
    struct vx_tree networks;        /* VNI */
    size_t counts[VX_GW_N_TYPES];   /* with a value */
    struct queue gone[VX_GW_N_TYPES], there[VX_GW_N_TYPES];
    size_t n_dirty;
    struct vx_gw_entry *failed;
    size_t n_failed;
    bool begun, spared;
    bool *slots;                    /* in use */
    size_t cap_slots;
    struct vx_gw_ctx *bare;         /* of neither tenant nor network */
};

struct key {
    enum vx_gw_type type;
    const char *key;
};

static int
compare_key(const void *key_, const struct vx_tree_node *node)
{
    const struct key *key = key_;
    const struct vx_gw_entry *entry =
        VX_CONTAINER(node, struct vx_gw_entry, by_key);

    return key->type != entry->type ? (key->type < entry->type ? -1 : 1)
                                    : strcmp(key->key, entry->key);
}

static uint32_t
vni_of(const struct vx_gw_entry *entry)
{
    return entry->value->network.vni;
}

static int
compare_vni(const void *vni, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) vni;
    uint32_t b = vni_of(VX_CONTAINER(node, struct vx_gw_entry, by_vni));

    return a < b ? -1 : a > b;
}

/* --- Dirty. */

static struct queue *
queue_of(struct vx_gw_entries *entries, const struct vx_gw_entry *entry)
{
    return entry->value ? &entries->there[entry->type]
                        : &entries->gone[entry->type];
}

static void
unmark(struct vx_gw_entries *entries, struct vx_gw_entry *entry)
{
    struct queue *queue = queue_of(entries, entry);

    if (!entry->dirty) {
        return;
    }
    *(entry->prev_dirty ? &entry->prev_dirty->next_dirty : &queue->first) =
        entry->next_dirty;
    *(entry->next_dirty ? &entry->next_dirty->prev_dirty : &queue->last) =
        entry->prev_dirty;
    entry->dirty = false;
    entries->n_dirty--;
}

void
vx_gw_entries_mark(struct vx_gw_entries *entries, struct vx_gw_entry *entry)
{
    struct queue *queue = queue_of(entries, entry);

    if (entry->dirty) {
        return;
    }
    entry->dirty = true;
    entry->next_dirty = NULL;
    entry->prev_dirty = queue->last;
    *(queue->last ? &queue->last->next_dirty : &queue->first) = entry;
    queue->last = entry;
    entries->n_dirty++;
}

struct vx_gw_entry *
vx_gw_entries_pop(struct vx_gw_entries *entries)
{
    struct vx_gw_entry *entry = NULL;

    for (int type = VX_GW_N_TYPES - 1; type >= 0 && !entry; type--) {
        entry = entries->gone[type].first;
    }
    for (int type = 0; type < VX_GW_N_TYPES && !entry; type++) {
        entry = entries->there[type].first;
    }
    if (entry) {
        unmark(entries, entry);
    }
    return entry;
}

bool
vx_gw_entries_is_dirty(const struct vx_gw_entries *entries)
{
    return entries->n_dirty != 0;
}

static void
forget_ctx(struct vx_gw_ctx **ctx)
{
    vx_gw_ctx_unref(*ctx);
    *ctx = NULL;
}

void
vx_gw_entries_mark_all(struct vx_gw_entries *entries)
{
    forget_ctx(&entries->bare);
    VX_TREE_FOR_EACH (node, &entries->tree) {
        struct vx_gw_entry *entry =
            VX_CONTAINER(node, struct vx_gw_entry, by_key);

        forget_ctx(&entry->ctx);
        vx_gw_entries_mark(entries, entry);
    }
}

static void
mark_range(struct vx_gw_entries *entries, enum vx_gw_type type,
           const char *prefix)
{
    for (struct vx_gw_entry *entry =
             vx_gw_entries_from(entries, type, prefix);
         entry && vx_gw_entry_begins(entry, type, prefix);
         entry = vx_gw_entries_next(entry)) {
        vx_gw_entries_mark(entries, entry);
    }
}

static void
mark_vni(struct vx_gw_entries *entries, uint32_t vni)
{
    char prefix[16];

    snprintf(prefix, sizeof prefix, "%u ", (unsigned) vni);
    mark_range(entries, VX_GW_VTEP, prefix);
    mark_range(entries, VX_GW_ENDPOINT, prefix);
}

/* What is derived from the entry, which has changed from old. */
static void
mark_dependents(struct vx_gw_entries *entries, struct vx_gw_entry *entry,
                const struct vx_gw_value *old)
{
    char prefix[VX_GW_KEY_MAX + 2];

    switch (entry->type) {
    case VX_GW_GATEWAY:
        vx_gw_entries_mark_all(entries);
        break;
    case VX_GW_PEERING:
        /* Those of tenants have a slash. */
        if (!strchr(entry->key, '/')) {
            vx_gw_entries_mark_all(entries);
        }
        break;
    case VX_GW_TENANT:
        forget_ctx(&entry->ctx);
        snprintf(prefix, sizeof prefix, "%s ", entry->key);
        mark_range(entries, VX_GW_PREFIX, prefix);
        mark_range(entries, VX_GW_POLICY, prefix);
        prefix[strlen(prefix) - 1] = '/';
        mark_range(entries, VX_GW_PEERING, prefix);
        break;
    case VX_GW_NETWORK:
        forget_ctx(&entry->ctx);
        if (old) {
            mark_vni(entries, old->network.vni);
        }
        if (entry->value) {
            mark_vni(entries, entry->value->network.vni);
        }
        break;
    case VX_GW_PREFIX: case VX_GW_VTEP: case VX_GW_ENDPOINT:
    case VX_GW_POLICY: case VX_GW_N_TYPES:
        break;
    }
}

/* --- Slots of tenants. */

static void
take_slot(struct vx_gw_entries *entries, struct vx_gw_entry *entry)
{
    size_t i = 0, old = entries->cap_slots;

    while (i < entries->cap_slots && entries->slots[i]) {
        i++;
    }
    entries->slots = vx_grow(entries->slots, &entries->cap_slots, i + 1,
                             sizeof *entries->slots);
    if (entries->cap_slots > old) {
        memset(entries->slots + old, 0, entries->cap_slots - old);
    }
    entries->slots[i] = true;
    entry->slot = (uint32_t) i;
}

/* --- Set. */

static struct vx_gw_entry *
find_or_add(struct vx_gw_entries *entries, enum vx_gw_type type,
            const char *key)
{
    struct vx_gw_entry *entry = vx_gw_entries_find(entries, type, key);

    if (!entry) {
        entry = vx_xcalloc(1, sizeof *entry);
        entry->type = type;
        entry->key = vx_xstrdup(key);
        vx_tree_insert(&entries->tree, &(struct key) { type, key },
                       &entry->by_key);
        if (type == VX_GW_TENANT) {
            take_slot(entries, entry);
        }
    }
    return entry;
}

/* A VNI belongs to one network: while it changes hands the newer one has it.
 * */
static void
index_network(struct vx_gw_entries *entries, struct vx_gw_entry *entry)
{
    uint32_t vni = vni_of(entry);
    struct vx_tree_node *other = vx_tree_find(&entries->networks, &vni);

    if (other) {
        vx_tree_remove(&entries->networks, other);
    }
    vx_tree_insert(&entries->networks, &vni, &entry->by_vni);
}

static void
unindex_network(struct vx_gw_entries *entries, struct vx_gw_entry *entry)
{
    uint32_t vni = vni_of(entry);

    if (vx_tree_find(&entries->networks, &vni) == &entry->by_vni) {
        vx_tree_remove(&entries->networks, &entry->by_vni);
    }
}

static void
replace_value(struct vx_gw_entries *entries, struct vx_gw_entry *entry,
              struct vx_gw_value *take_value)
{
    struct vx_gw_value *old = entry->value;
    bool is_network = entry->type == VX_GW_NETWORK;

    unmark(entries, entry);
    if (old && is_network) {
        unindex_network(entries, entry);
    }
    entries->counts[entry->type] -= old != NULL;
    entries->counts[entry->type] += take_value != NULL;
    entry->value = take_value;
    if (take_value && is_network) {
        index_network(entries, entry);
    }
    vx_gw_entries_mark(entries, entry);
    mark_dependents(entries, entry, old);
    vx_gw_value_unref(old);
}

/* Without its "seq": the same text means the same. */
static bool
same_text(const struct vx_gw_entry *entry, const char *text, size_t size)
{
    const char *a = entry->text, *b = text;
    size_t n = entry->size, m = size, i, j;

    if (!a || !b) {
        return false;
    }
    for (i = 0; i < n && a[i] != ','; i++) {
    }
    for (j = 0; j < m && b[j] != ','; j++) {
    }
    return n - i == m - j && !memcmp(a + i, b + j, n - i);
}

void
vx_gw_entries_set(struct vx_gw_entries *entries, enum vx_gw_type type,
                  const char *key, uint64_t seq,
                  struct vx_gw_value *take_value, const char *text,
                  size_t size)
{
    struct vx_gw_entry *entry = vx_gw_entries_find(entries, type, key);
    bool same;

    if (!entry && !take_value) {
        return;                     /* gone, and never was there */
    }
    entry = find_or_add(entries, type, key);
    same = entry->value && take_value && same_text(entry, text, size);
    entry->named = true;
    entry->seq = seq;
    free(entry->text);
    entry->text = take_value ? vx_xmemdup(text, size) : NULL;
    entry->size = take_value ? size : 0;
    if (same || (!entry->value && !take_value)) {
        vx_gw_value_unref(take_value);
        return;
    }
    replace_value(entries, entry, take_value);
}

void
vx_gw_entries_keep(struct vx_gw_entries *entries, enum vx_gw_type type,
                   const char *key, const char *why)
{
    struct vx_gw_entry *entry = vx_gw_entries_find(entries, type, key);

    if (entry) {
        entry->named = true;
        vx_gw_entries_set_why(entries, entry, why);
    }
}

void
vx_gw_entries_set_why(struct vx_gw_entries *entries,
                      struct vx_gw_entry *entry, const char *why)
{
    bool was = entry->why != NULL, is = why && *why;

    free(entry->why);
    entry->why = is ? vx_xstrdup(why) : NULL;
    if (is && !was) {
        entry->prev_failed = NULL;
        entry->next_failed = entries->failed;
        if (entry->next_failed) {
            entry->next_failed->prev_failed = entry;
        }
        entries->failed = entry;
        entries->n_failed++;
    } else if (was && !is) {
        *(entry->prev_failed ? &entry->prev_failed->next_failed
                             : &entries->failed) = entry->next_failed;
        if (entry->next_failed) {
            entry->next_failed->prev_failed = entry->prev_failed;
        }
        entries->n_failed--;
    }
}

struct vx_gw_entry *
vx_gw_entries_failed(const struct vx_gw_entries *entries)
{
    return entries->failed;
}

size_t
vx_gw_entries_n_failed(const struct vx_gw_entries *entries)
{
    return entries->n_failed;
}

void
vx_gw_entries_begin(struct vx_gw_entries *entries)
{
    VX_TREE_FOR_EACH (node, &entries->tree) {
        VX_CONTAINER(node, struct vx_gw_entry, by_key)->named = false;
    }
    entries->begun = true;
    entries->spared = false;
}

void
vx_gw_entries_spare(struct vx_gw_entries *entries)
{
    entries->spared = true;
}

void
vx_gw_entries_sweep(struct vx_gw_entries *entries)
{
    bool sweep = entries->begun && !entries->spared;

    entries->begun = false;
    if (!sweep) {
        return;
    }
    VX_TREE_FOR_EACH (node, &entries->tree) {
        struct vx_gw_entry *entry =
            VX_CONTAINER(node, struct vx_gw_entry, by_key);

        if (!entry->named && entry->value) {
            free(entry->text);
            entry->text = NULL;
            entry->size = 0;
            replace_value(entries, entry, NULL);
        }
    }
}

void
vx_gw_entries_drop(struct vx_gw_entries *entries, struct vx_gw_entry *entry)
{
    unmark(entries, entry);
    vx_gw_entries_set_why(entries, entry, NULL);
    if (entry->value) {
        entries->counts[entry->type]--;
        if (entry->type == VX_GW_NETWORK) {
            unindex_network(entries, entry);
        }
    }
    if (entry->type == VX_GW_TENANT) {
        entries->slots[entry->slot] = false;
    }
    vx_tree_remove(&entries->tree, &entry->by_key);
    vx_gw_value_unref(entry->value);
    vx_gw_value_unref(entry->applied);
    vx_gw_ctx_unref(entry->ctx);
    vx_gw_ctx_unref(entry->applied_ctx);
    free(entry->text);
    free(entry->key);
    free(entry);
}

/* --- Look. */

static struct vx_gw_entry *
entry_of(struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct vx_gw_entry, by_key) : NULL;
}

struct vx_gw_entry *
vx_gw_entries_find(const struct vx_gw_entries *entries, enum vx_gw_type type,
                   const char *key)
{
    return entry_of(vx_tree_find(&entries->tree,
                                 &(struct key) { type, key }));
}

struct vx_gw_entry *
vx_gw_entries_first(const struct vx_gw_entries *entries)
{
    return entry_of(vx_tree_first(&entries->tree));
}

struct vx_gw_entry *
vx_gw_entries_next(const struct vx_gw_entry *entry)
{
    return entry_of(vx_tree_next(&entry->by_key));
}

struct vx_gw_entry *
vx_gw_entries_from(const struct vx_gw_entries *entries, enum vx_gw_type type,
                   const char *prefix)
{
    return entry_of(vx_tree_ceil(&entries->tree,
                                 &(struct key) { type, prefix }));
}

bool
vx_gw_entry_begins(const struct vx_gw_entry *entry, enum vx_gw_type type,
                   const char *prefix)
{
    return entry->type == type
           && !strncmp(entry->key, prefix, strlen(prefix));
}

static struct vx_gw_entry *
if_there(struct vx_gw_entry *entry, enum vx_gw_type type, const char *prefix)
{
    while (entry && !entry->value
           && vx_gw_entry_begins(entry, type, prefix)) {
        entry = vx_gw_entries_next(entry);
    }
    return entry && vx_gw_entry_begins(entry, type, prefix) ? entry : NULL;
}

struct vx_gw_entry *
vx_gw_entries_first_of(const struct vx_gw_entries *entries,
                       enum vx_gw_type type, const char *prefix)
{
    return if_there(vx_gw_entries_from(entries, type, prefix), type, prefix);
}

struct vx_gw_entry *
vx_gw_entries_next_of(const struct vx_gw_entry *entry, const char *prefix)
{
    return if_there(vx_gw_entries_next(entry), entry->type, prefix);
}

struct vx_gw_entry *
vx_gw_entries_network(const struct vx_gw_entries *entries, uint32_t vni)
{
    struct vx_tree_node *node = vx_tree_find(&entries->networks, &vni);

    return node ? VX_CONTAINER(node, struct vx_gw_entry, by_vni) : NULL;
}

struct vx_gw_entry *
vx_gw_entries_tenant_of(const struct vx_gw_entries *entries, uint32_t vni)
{
    VX_GW_FOR_EACH(entry, entries, VX_GW_TENANT, "") {
        if (entry->value->tenant.vni == vni) {
            return entry;
        }
    }
    return NULL;
}

static struct vx_gw_value *
gateway_value(const struct vx_gw_entries *entries)
{
    const struct vx_gw_entry *entry =
        vx_gw_entries_first_of(entries, VX_GW_GATEWAY, "");

    return entry ? entry->value : NULL;
}

const struct vx_gw_gateway *
vx_gw_entries_gateway(const struct vx_gw_entries *entries)
{
    const struct vx_gw_value *value = gateway_value(entries);

    return value ? &value->gateway : NULL;
}

unsigned
vx_gw_entries_families(const struct vx_gw_entries *entries)
{
    unsigned families = 0;

    VX_GW_FOR_EACH(entry, entries, VX_GW_PEERING, "") {
        if (!entry->value->peering.tenant) {
            families |= entry->value->peering.value.families;
        }
    }
    return families;
}

size_t
vx_gw_entries_count(const struct vx_gw_entries *entries,
                    enum vx_gw_type type)
{
    return entries->counts[type];
}

/* --- Snapshots. */

struct vx_gw_ctx *
vx_gw_ctx_ref(struct vx_gw_ctx *ctx)
{
    ctx->n_refs++;
    return ctx;
}

void
vx_gw_ctx_unref(struct vx_gw_ctx *ctx)
{
    if (ctx && !--ctx->n_refs) {
        vx_gw_value_unref(ctx->gateway);
        vx_gw_value_unref(ctx->tenant);
        vx_gw_value_unref(ctx->network);
        free(ctx);
    }
}

static struct vx_gw_ctx *
new_ctx(struct vx_gw_entries *entries)
{
    struct vx_gw_ctx *ctx = vx_xcalloc(1, sizeof *ctx);
    struct vx_gw_value *gateway = gateway_value(entries);

    ctx->n_refs = 1;
    ctx->gateway = gateway ? vx_gw_value_ref(gateway) : NULL;
    ctx->families = vx_gw_entries_families(entries);
    return ctx;
}

/* "acme 10.0.0.0/24", "acme/ce1" -> the entry of "acme". */
static struct vx_gw_entry *
tenant_of(const struct vx_gw_entries *entries, const char *key)
{
    char name[VX_GW_KEY_MAX + 1];
    size_t n = strcspn(key, " /");

    if (!key[n] || n >= sizeof name) {
        return NULL;
    }
    memcpy(name, key, n);
    name[n] = '\0';
    return vx_gw_entries_find(entries, VX_GW_TENANT, name);
}

struct vx_gw_ctx *
vx_gw_entries_ctx(struct vx_gw_entries *entries,
                  const struct vx_gw_entry *entry)
{
    struct vx_gw_entry *owner;

    switch (entry->type) {
    case VX_GW_PREFIX: case VX_GW_POLICY:
        owner = tenant_of(entries, entry->key);
        break;
    case VX_GW_VTEP: case VX_GW_ENDPOINT:
        owner = vx_gw_entries_network(entries, (uint32_t) strtoul(entry->key,
                                                                  NULL, 10));
        break;
    case VX_GW_GATEWAY: case VX_GW_TENANT: case VX_GW_PEERING:
    case VX_GW_NETWORK: case VX_GW_N_TYPES:
    default:
        if (!entries->bare) {
            entries->bare = new_ctx(entries);
        }
        return entries->bare;
    }
    if (!owner || !owner->value) {
        return NULL;
    }
    if (!owner->ctx) {
        owner->ctx = new_ctx(entries);
        owner->ctx->slot = owner->slot;
        *(owner->type == VX_GW_TENANT ? &owner->ctx->tenant
                                      : &owner->ctx->network) =
            vx_gw_value_ref(owner->value);
    }
    return owner->ctx;
}

/* --- Life. */

struct vx_gw_entries *
vx_gw_entries_new(void)
{
    struct vx_gw_entries *entries = vx_xcalloc(1, sizeof *entries);

    vx_tree_init(&entries->tree, compare_key);
    vx_tree_init(&entries->networks, compare_vni);
    return entries;
}

void
vx_gw_entries_free(struct vx_gw_entries *entries)
{
    struct vx_gw_entry *entry;

    if (!entries) {
        return;
    }
    while ((entry = vx_gw_entries_first(entries))) {
        vx_gw_entries_drop(entries, entry);
    }
    vx_gw_ctx_unref(entries->bare);
    free(entries->slots);
    free(entries);
}
