/* SPDX-License-Identifier: Apache-2.0 */
/* See readvertise.h. */
#include "gateway/readvertise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/kernel.h"
#include "gateway/learned.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

enum { MAX_HOPS = 8 };          /* of which the peering is looked for */

struct route {
    struct vx_tree_node by_key;
    char *key;                  /* "VRF PREFIX" */
    char *vrf;
    struct vx_prefix prefix;
    struct vx_ip hops[MAX_HOPS];
    size_t n_hops;
    struct vx_gw_ctx *told;     /* it is told, derived with this */
};

struct vx_gw_readvertise {
    struct vx_gw_entries *entries;
    const struct vx_gw_readvertise_ops *ops;
    void *aux;
    struct vx_tree routes;
    size_t n_told;
    struct vx_gw_items items;   /* reused */
    bool held;                  /* nothing is told */
};

static int
compare(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct route, by_key)->key);
}

/* --- Whether. */

/* host bits of ip do not matter. */
static bool
is_within(const struct vx_prefix *prefix, const struct vx_ip *ip,
          unsigned length)
{
    unsigned host = (vx_ip_bits(ip) - length) & 127;

    return prefix->ip.family == ip->family && prefix->length >= length
           && (!length || vx_ip_to_u128(&prefix->ip) >> host
                          == vx_ip_to_u128(ip) >> host);
}

static bool
is_in_network(const struct vx_gw_entries *entries, const char *tenant,
              const struct vx_prefix *prefix)
{
    char key[VX_GW_KEY_MAX + 2];

    snprintf(key, sizeof key, "%s/", tenant);
    VX_GW_FOR_EACH(entry, entries, VX_GW_NETWORK, key) {
        for (size_t i = 0; i < entry->value->network.n_prefixes; i++) {
            const struct vx_prefix *own = &entry->value->network.prefixes[i];

            if (is_within(prefix, &own->ip, own->length)) {
                return true;
            }
        }
    }
    return false;
}

/* Announced anyway (or still, until that is carried out), or of a subnet. */
static bool
is_own(const struct vx_gw_entries *entries, const struct vx_gw_entry *tenant,
       const struct vx_prefix *prefix)
{
    const struct vx_gw_tenant *value = &tenant->value->tenant;
    char key[VX_GW_KEY_MAX + 2];

    for (size_t i = 0; i < value->n_ips; i++) {
        if (is_within(prefix, &value->ips[i].ip, value->ips[i].length)) {
            return true;
        }
    }
    snprintf(key, sizeof key, "%s ", tenant->key);
    for (const struct vx_gw_entry *entry =
             vx_gw_entries_from(entries, VX_GW_PREFIX, key);
         entry && vx_gw_entry_begins(entry, VX_GW_PREFIX, key);
         entry = vx_gw_entries_next(entry)) {
        const struct vx_gw_value *own = entry->value ? entry->value
                                                     : entry->applied;

        if (own && (!vx_prefix_compare(&own->prefix.prefix, prefix)
                    || (own->prefix.why && !strcmp(own->prefix.why, "subnet")
                        && is_within(prefix, &own->prefix.prefix.ip,
                                     own->prefix.prefix.length)))) {
            return true;
        }
    }
    return is_in_network(entries, tenant->key, prefix);
}

/* The peering for which it is told; NULL: it is not. */
static const struct vx_gw_entry *
reason(const struct vx_gw_readvertise *r, const struct vx_gw_entry *tenant,
       const struct route *route)
{
    for (size_t i = 0; i < route->n_hops && !r->held; i++) {
        const struct vx_gw_entry *peering =
            vx_gw_peering_of(r->entries, tenant->key, &route->hops[i]);

        if (peering && peering->value->peering.value.readvertise) {
            return is_own(r->entries, tenant, &route->prefix) ? NULL
                                                              : peering;
        }
    }
    return NULL;
}

/* --- Telling. */

/* All of it but what keep has. */
static void
take_back(struct vx_gw_readvertise *r, struct route *route,
          const struct vx_gw_items *keep)
{
    struct vx_gw_items old = { 0 };

    vx_gw_wanted_fabric(&route->prefix, route->told, &old);
    for (size_t i = 0; i < old.n; i++) {
        if (!vx_gw_items_has(keep, &old.items[i])
            && !r->ops->is_claimed(r->aux, &old.items[i].nlri)) {
            r->ops->unset(r->aux, &old.items[i].nlri);
        }
    }
    vx_gw_items_fini(&old);
    vx_gw_ctx_unref(route->told);
    route->told = NULL;
    r->n_told--;
}

static void
consider(struct vx_gw_readvertise *r, struct route *route)
{
    uint32_t vni = vx_gw_vrf_parse(route->vrf);
    const struct vx_gw_entry *tenant =
        vni ? vx_gw_entries_tenant_of(r->entries, vni) : NULL;
    const struct vx_gw_entry *peering =
        tenant && tenant->value ? reason(r, tenant, route) : NULL;
    struct vx_gw_ctx *ctx = NULL;
    bool was = route->told;

    r->items.n = 0;
    if (peering) {
        char key[VX_GW_KEY_MAX + 2];
        const struct vx_gw_entry of = { .type = VX_GW_PREFIX, .key = key };

        snprintf(key, sizeof key, "%s ", tenant->key);
        ctx = vx_gw_entries_ctx(r->entries, &of);
        if (ctx && ctx == route->told) {
            return;
        }
        if (ctx) {
            vx_gw_wanted_fabric(&route->prefix, ctx, &r->items);
        }
    }
    if (route->told) {
        take_back(r, route, &r->items);
    }
    if (r->items.n) {
        route->told = vx_gw_ctx_ref(ctx);
        r->n_told++;
        for (size_t i = 0; i < r->items.n; i++) {
            const struct vx_gw_item *item = &r->items.items[i];

            if (!r->ops->is_claimed(r->aux, &item->nlri)) {
                r->ops->set(r->aux, &item->nlri, &item->attrs);
            }
        }
    }
    if (was != (route->told != NULL)) {
        r->ops->told(r->aux, route->vrf, &route->prefix,
                     peering ? peering->key : NULL, !was);
    }
}

/* --- What zebra tells. */

static char *
make_key(const char *vrf, const struct vx_prefix *prefix)
{
    char text[VX_PREFIX_STRLEN];

    return vx_xasprintf("%s %s", vrf, vx_prefix_format(prefix, text));
}

static struct route *
find(const struct vx_gw_readvertise *r, const char *key)
{
    struct vx_tree_node *node = vx_tree_find(&r->routes, key);

    return node ? VX_CONTAINER(node, struct route, by_key) : NULL;
}

void
vx_gw_readvertise_learned(struct vx_gw_readvertise *r,
                          const struct bg_learned *learned)
{
    char *key = make_key(learned->vrf, &learned->prefix);
    struct route *route = find(r, key);

    if (!route) {
        route = vx_xcalloc(1, sizeof *route);
        route->key = key;
        route->vrf = vx_xstrdup(learned->vrf);
        route->prefix = learned->prefix;
        vx_tree_insert(&r->routes, key, &route->by_key);
    } else {
        free(key);
    }
    route->n_hops = 0;
    for (size_t i = 0; i < learned->n_nexthops && i < MAX_HOPS; i++) {
        route->hops[route->n_hops++] = learned->nexthops[i].ip;
    }
    consider(r, route);
}

static void
forget(struct vx_gw_readvertise *r, struct route *route)
{
    vx_tree_remove(&r->routes, &route->by_key);
    vx_gw_ctx_unref(route->told);
    free(route->key);
    free(route->vrf);
    free(route);
}

void
vx_gw_readvertise_gone(struct vx_gw_readvertise *r, const char *vrf,
                       const struct vx_prefix *prefix)
{
    char *key = make_key(vrf, prefix);
    struct route *route = find(r, key);

    free(key);
    if (route) {
        route->n_hops = 0;
        consider(r, route);
        forget(r, route);
    }
}

void
vx_gw_readvertise_all(struct vx_gw_readvertise *r)
{
    VX_TREE_FOR_EACH (node, &r->routes) {
        consider(r, VX_CONTAINER(node, struct route, by_key));
    }
}

void
vx_gw_readvertise_hold(struct vx_gw_readvertise *r, bool on)
{
    r->held = on;
    vx_gw_readvertise_all(r);
}

size_t
vx_gw_readvertise_count(const struct vx_gw_readvertise *r)
{
    return r->n_told;
}

/* --- Life. */

struct vx_gw_readvertise *
vx_gw_readvertise_new(struct vx_gw_entries *entries,
                      const struct vx_gw_readvertise_ops *ops, void *aux)
{
    struct vx_gw_readvertise *r = vx_xcalloc(1, sizeof *r);

    r->entries = entries;
    r->ops = ops;
    r->aux = aux;
    vx_tree_init(&r->routes, compare);
    return r;
}

void
vx_gw_readvertise_free(struct vx_gw_readvertise *r)
{
    if (!r) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE (node, next, &r->routes) {
        forget(r, VX_CONTAINER(node, struct route, by_key));
    }
    vx_gw_items_fini(&r->items);
    free(r);
}
