/* SPDX-License-Identifier: Apache-2.0 */
/* See apply.h. */
#include "gateway/apply.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/claims.h"
#include "lib/xalloc.h"

struct vx_gw_apply {
    struct vx_gw_entries *entries;
    const struct vx_gw_apply_ops *ops;
    void *aux;
    struct vx_gw_claims *claims;
    struct vx_gw_items old, new;    /* reused */
    char *held;                     /* why prefixes are; NULL = they are not */
};

/* --- Items. */

static bool
is_flow(const struct vx_gw_item *item)
{
    return item->kind == VX_GW_ITEM_BGP
           && (item->nlri.family == BG_FLOW4 || item->nlri.family == BG_FLOW6);
}

/* Why an item is not told. */
static bool
fail_taken(const struct vx_gw_item *item, const struct vx_gw_entry *owner,
           struct vx_error *err)
{
    char rd[BG_RD_STRLEN];

    if (is_flow(item)) {
        return vx_fail(err, VX_EXISTS, "match", "policy \"%s\" has the same "
                       "FlowSpec rule", owner->key);
    }
    if (item->kind == VX_GW_ITEM_ROUTE) {
        return vx_fail(err, VX_EXISTS, "vrf", "\"%s\" has the same route in "
                       "%s", owner->key, item->vrf);
    }
    return vx_fail(err, VX_EXISTS, "rd", "\"%s\" is announced with the same "
                   "route distinguisher, %s: give one of the two tenants "
                   "another", owner->key, bg_rd_format(&item->nlri.rd, rd));
}

static bool
set_item(struct vx_gw_apply *apply, const struct vx_gw_entry *entry,
         const struct vx_gw_item *item, uint64_t token, struct vx_error *err)
{
    const struct vx_gw_entry *owner =
        vx_gw_claims_take(apply->claims, item, entry);

    if (owner != entry) {
        return fail_taken(item, owner, err);
    }
    if (item->kind == VX_GW_ITEM_ROUTE) {
        apply->ops->route_set(apply->aux, item->vrf, &item->want, token);
    } else {
        apply->ops->bgp_set(apply->aux, &item->nlri, &item->attrs, token);
    }
    return true;
}

static void
unset_item(struct vx_gw_apply *apply, const struct vx_gw_entry *entry,
           const struct vx_gw_item *item, uint64_t token)
{
    if (!vx_gw_claims_release(apply->claims, item, entry)) {
        return;                 /* another's, who may have told it */
    }
    if (item->kind == VX_GW_ITEM_ROUTE) {
        apply->ops->route_unset(apply->aux, item->vrf, &item->want, token);
    } else {
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

/* Those that could not have what others had try again, once for all that was
 * let go: a tenant's many prefixes may wait for another's. */
static void
try_again(struct vx_gw_apply *apply)
{
    if (vx_gw_entries_is_dirty(apply->entries)
        || !vx_gw_claims_are_freed(apply->claims)) {
        return;
    }
    for (struct vx_gw_entry *entry = vx_gw_entries_failed(apply->entries);
         entry; entry = entry->next_failed) {
        vx_gw_entries_mark(apply->entries, entry);
    }
}

bool
vx_gw_apply_some(struct vx_gw_apply *apply, uint64_t token, size_t max)
{
    struct vx_gw_entry *entry;

    for (size_t i = 0; i < max; i++) {
        try_again(apply);
        entry = vx_gw_entries_pop(apply->entries);
        if (!entry) {
            return true;
        }
        if (is_of_node(entry)) {
            apply->ops->node(apply->aux, entry);
        }
        carry_out(apply, entry, token);
    }
    try_again(apply);
    return !vx_gw_entries_is_dirty(apply->entries);
}

void
vx_gw_apply_hold(struct vx_gw_apply *apply, const char *why)
{
    free(apply->held);
    apply->held = why ? vx_xstrdup(why) : NULL;
    vx_gw_entries_mark_all(apply->entries);
}

bool
vx_gw_apply_tells(const struct vx_gw_apply *apply, const struct bg_nlri *nlri)
{
    return vx_gw_claims_has(apply->claims, nlri);
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
    apply->claims = vx_gw_claims_new();
    return apply;
}

void
vx_gw_apply_free(struct vx_gw_apply *apply)
{
    if (!apply) {
        return;
    }
    free(apply->held);
    vx_gw_claims_free(apply->claims);
    vx_gw_items_fini(&apply->old);
    vx_gw_items_fini(&apply->new);
    free(apply);
}
