/* SPDX-License-Identifier: Apache-2.0 */
/* See apply.h. */
#include "gateway/apply.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

/* Who has a FlowSpec rule. */
struct claim {
    struct vx_tree_node by_key;
    const struct vx_gw_entry *owner;
    size_t size;
    uint8_t key[BG_KEY_MAX];
};

struct vx_gw_apply {
    struct vx_gw_entries *entries;
    const struct vx_gw_apply_ops *ops;
    void *aux;
    struct vx_tree claims;
    struct vx_gw_items old, new;    /* reused */
    char *held;                     /* why prefixes are; NULL = they are not */
};

static int
compare_claim(const void *key, const struct vx_tree_node *node)
{
    const struct claim *claim = VX_CONTAINER(node, struct claim, by_key);

    return bg_key_compare(key, &(struct bg_key) { claim->key, claim->size });
}

static struct claim *
find_claim(struct vx_gw_apply *apply, const struct bg_nlri *nlri)
{
    uint8_t key[BG_KEY_MAX];
    size_t size = bg_nlri_key(nlri, key);
    struct vx_tree_node *node =
        vx_tree_find(&apply->claims, &(struct bg_key) { key, size });

    return node ? VX_CONTAINER(node, struct claim, by_key) : NULL;
}

static bool
is_flow(const struct vx_gw_item *item)
{
    return item->kind == VX_GW_ITEM_BGP
           && (item->nlri.family == BG_FLOW4 || item->nlri.family == BG_FLOW6);
}

/* --- FlowSpec rules and their owners. */

static bool
claim_rule(struct vx_gw_apply *apply, const struct vx_gw_entry *entry,
           const struct vx_gw_item *item, struct vx_error *err)
{
    struct claim *claim = find_claim(apply, &item->nlri);

    if (claim) {
        return claim->owner == entry
               || vx_fail(err, VX_EXISTS, "match", "policy \"%s\" has the "
                          "same FlowSpec rule", claim->owner->key);
    }
    claim = vx_xcalloc(1, sizeof *claim);
    claim->owner = entry;
    claim->size = bg_nlri_key(&item->nlri, claim->key);
    vx_tree_insert(&apply->claims,
                   &(struct bg_key) { claim->key, claim->size },
                   &claim->by_key);
    return true;
}

/* Those that waited for it try again. */
static bool
release_rule(struct vx_gw_apply *apply, const struct vx_gw_entry *entry,
             const struct vx_gw_item *item)
{
    struct claim *claim = find_claim(apply, &item->nlri);

    if (!claim || claim->owner != entry) {
        return false;
    }
    vx_tree_remove(&apply->claims, &claim->by_key);
    free(claim);
    for (struct vx_gw_entry *other = vx_gw_entries_failed(apply->entries);
         other; other = other->next_failed) {
        if (other->type == VX_GW_POLICY && other != entry) {
            vx_gw_entries_mark(apply->entries, other);
        }
    }
    return true;
}

/* --- Items. */

static bool
set_item(struct vx_gw_apply *apply, const struct vx_gw_entry *entry,
         const struct vx_gw_item *item, uint64_t token, struct vx_error *err)
{
    if (item->kind == VX_GW_ITEM_ROUTE) {
        apply->ops->route_set(apply->aux, item->vrf, &item->want, token);
        return true;
    }
    if (is_flow(item) && !claim_rule(apply, entry, item, err)) {
        return false;
    }
    apply->ops->bgp_set(apply->aux, &item->nlri, &item->attrs, token);
    return true;
}

static void
unset_item(struct vx_gw_apply *apply, const struct vx_gw_entry *entry,
           const struct vx_gw_item *item, uint64_t token)
{
    if (item->kind == VX_GW_ITEM_ROUTE) {
        apply->ops->route_unset(apply->aux, item->vrf, &item->want, token);
    } else if (!is_flow(item) || release_rule(apply, entry, item)) {
        apply->ops->bgp_unset(apply->aux, &item->nlri, token);
    }
}

static bool
derive(struct vx_gw_apply *apply, const struct vx_gw_value *value,
       const struct vx_gw_ctx *ctx, struct vx_gw_items *items,
       struct vx_error *err)
{
    const char *leg = "";

    if (ctx && ctx->tenant) {
        leg = apply->ops->leg(apply->aux, ctx->tenant->tenant.vni);
    }
    return vx_gw_wanted(value, ctx, leg, items, err);
}

/* --- Entries. */

static void
remember(struct vx_gw_entry *entry, struct vx_gw_ctx *ctx)
{
    struct vx_gw_value *value = entry->value;

    value = value ? vx_gw_value_ref(value) : NULL;
    ctx = value && ctx ? vx_gw_ctx_ref(ctx) : NULL;
    vx_gw_value_unref(entry->applied);
    vx_gw_ctx_unref(entry->applied_ctx);
    entry->applied = value;
    entry->applied_ctx = ctx;
}

static void
carry_out(struct vx_gw_apply *apply, struct vx_gw_entry *entry,
          uint64_t token)
{
    struct vx_gw_ctx *ctx = vx_gw_entries_ctx(apply->entries, entry);
    struct vx_error err = { 0 }, unused;
    bool ok, was, is;

    derive(apply, entry->applied, entry->applied_ctx, &apply->old, &unused);
    if (apply->held && entry->value && entry->type == VX_GW_PREFIX) {
        apply->new.n = 0;
        ok = vx_fail(&err, VX_UNAVAILABLE, "", "%s", apply->held);
    } else {
        ok = derive(apply, entry->value, ctx, &apply->new, &err);
    }
    was = apply->old.n != 0;
    is = apply->new.n != 0;
    for (size_t i = 0; i < apply->old.n; i++) {
        if (!vx_gw_items_has(&apply->new, &apply->old.items[i])) {
            unset_item(apply, entry, &apply->old.items[i], token);
        }
    }
    for (size_t i = 0; i < apply->new.n; i++) {
        ok = set_item(apply, entry, &apply->new.items[i], token, &err) && ok;
    }
    remember(entry, ctx);
    vx_gw_entries_set_why(apply->entries, entry, ok ? NULL : err.message);
    if (was != is) {
        apply->ops->told(apply->aux, entry, is);
    }
    if (!entry->value) {
        vx_gw_entries_drop(apply->entries, entry);
    }
}

static bool
is_of_node(const struct vx_gw_entry *entry)
{
    return entry->type == VX_GW_GATEWAY || entry->type == VX_GW_TENANT
           || entry->type == VX_GW_PEERING;
}

bool
vx_gw_apply_some(struct vx_gw_apply *apply, uint64_t token, size_t max)
{
    struct vx_gw_entry *entry;

    for (size_t i = 0; i < max; i++) {
        entry = vx_gw_entries_pop(apply->entries);
        if (!entry) {
            return true;
        }
        if (is_of_node(entry)) {
            apply->ops->node(apply->aux, entry);
        }
        carry_out(apply, entry, token);
    }
    return !vx_gw_entries_is_dirty(apply->entries);
}

void
vx_gw_apply_hold(struct vx_gw_apply *apply, const char *why)
{
    free(apply->held);
    apply->held = why ? vx_xstrdup(why) : NULL;
    vx_gw_entries_mark_all(apply->entries);
}

/* --- Life. */

struct vx_gw_apply *
vx_gw_apply_new(struct vx_gw_entries *entries,
                const struct vx_gw_apply_ops *ops, void *aux)
{
    struct vx_gw_apply *apply = vx_xcalloc(1, sizeof *apply);

    apply->entries = entries;
    apply->ops = ops;
    apply->aux = aux;
    vx_tree_init(&apply->claims, compare_claim);
    return apply;
}

void
vx_gw_apply_free(struct vx_gw_apply *apply)
{
    if (!apply) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE (node, next, &apply->claims) {
        vx_tree_remove(&apply->claims, node);
        free(VX_CONTAINER(node, struct claim, by_key));
    }
    free(apply->held);
    vx_gw_items_fini(&apply->old);
    vx_gw_items_fini(&apply->new);
    free(apply);
}
