/* SPDX-License-Identifier: Apache-2.0 */
/* See wanted.h. */
#include "gateway/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/bgp_flowspec.h"
#include "lib/rt.h"
#include "lib/xalloc.h"

enum { PMSI_INGRESS_REPLICATION = 6 };

void
vx_gw_items_fini(struct vx_gw_items *items)
{
    free(items->items);
    *items = (struct vx_gw_items) { 0 };
}

static struct vx_gw_item *
add(struct vx_gw_items *items, enum vx_gw_item_kind kind)
{
    struct vx_gw_item *item;

    items->items = vx_grow(items->items, &items->cap, items->n + 1,
                           sizeof *items->items);
    item = &items->items[items->n++];
    memset(item, 0, sizeof *item);
    item->kind = kind;
    return item;
}

struct bg_ext
vx_gw_auto_rt(const struct vx_gw_gateway *gateway, uint32_t vni)
{
    return bg_rt_as(gateway->as & 0xffff, vni);
}

/* --- Routes of BGP. */

struct rts {
    const struct bg_ext *exts;
    size_t n;
};

static struct vx_gw_item *
add_bgp(struct vx_gw_items *items, const struct vx_gw_ctx *ctx,
        enum bg_family family, struct rts rts, uint32_t vni)
{
    struct vx_gw_item *item = add(items, VX_GW_ITEM_BGP);

    item->nlri.family = family;
    bg_attrs_init(&item->attrs);
    for (size_t i = 0; i < rts.n; i++) {
        bg_attrs_add_ext(&item->attrs, rts.exts[i]);
    }
    if (!rts.n) {
        bg_attrs_add_ext(&item->attrs,
                         vx_gw_auto_rt(&ctx->gateway->gateway, vni));
    }
    return item;
}

/* --- Prefixes. */

static struct bg_rd
rd_of(const struct vx_gw_ctx *ctx)
{
    const struct vx_gw_tenant *tenant = &ctx->tenant->tenant;
    const struct vx_gw_gateway *gateway = &ctx->gateway->gateway;
    struct bg_rd rd;
    uint64_t n;

    if (tenant->has_rd) {
        return tenant->rd;
    }
    n = vx_rd_auto(gateway->as,
                   (uint32_t) vx_ip_to_u128(&gateway->router_id),
                   tenant->vni);
    for (size_t i = sizeof rd.b; i--; n >>= 8) {
        rd.b[i] = (uint8_t) n;
    }
    return rd;
}

static bool
add_route(const struct vx_gw_prefix *prefix, const struct vx_gw_ctx *ctx,
          const char *leg, struct vx_gw_items *items, struct vx_error *err)
{
    const struct vx_gw_tenant *tenant = &ctx->tenant->tenant;
    uint8_t family = prefix->prefix.ip.family;
    struct vx_gw_item *item;

    for (size_t i = 0; i < tenant->n_gateways; i++) {
        if (tenant->gateways[i].family == family) {
            item = add(items, VX_GW_ITEM_ROUTE);
            item->vrf = tenant->vrf;
            item->want = (struct bg_want) {
                .prefix = prefix->prefix, .via = tenant->gateways[i],
                .distance = VX_GW_DISTANCE, .tag = tenant->vni,
            };
            snprintf(item->want.device, sizeof item->want.device, "%s", leg);
            return true;
        }
    }
    return vx_fail(err, VX_INVALID, "prefix", "the tenant's leg has no "
                   "gateway of IPv%u", family);
}

static void
add_vpn(const struct vx_gw_prefix *prefix, const struct vx_gw_ctx *ctx,
        struct vx_gw_items *items)
{
    const struct vx_gw_tenant *tenant = &ctx->tenant->tenant;
    bool is_v4 = prefix->prefix.ip.family == 4;
    uint32_t label = VX_GW_LABEL_BASE + ctx->slot;
    struct vx_gw_item *item;

    if (!(ctx->families & (is_v4 ? VX_AF_VPNV4 : VX_AF_VPNV6))
        || label > VX_GW_LABEL_MAX) {
        return;
    }
    item = add_bgp(items, ctx, is_v4 ? BG_VPNV4 : BG_VPNV6,
                   (struct rts) { tenant->exports, tenant->n_exports },
                   tenant->vni);
    item->nlri.rd = rd_of(ctx);
    item->nlri.prefix = prefix->prefix;
    item->nlri.label = label;
    item->attrs.next_hop = ctx->gateway->gateway.vtep;
}

static void
add_type5(const struct vx_gw_prefix *prefix, const struct vx_gw_ctx *ctx,
          struct vx_gw_items *items)
{
    const struct vx_gw_tenant *tenant = &ctx->tenant->tenant;
    struct vx_gw_item *item;

    if (!(ctx->families & VX_AF_EVPN)) {
        return;
    }
    item = add_bgp(items, ctx, BG_EVPN,
                   (struct rts) { tenant->exports, tenant->n_exports },
                   tenant->vni);
    item->nlri.rd = rd_of(ctx);
    item->nlri.evpn = (struct bg_evpn) {
        .type = BG_EVPN_PREFIX, .prefix = prefix->prefix, .vni = tenant->vni,
    };
    item->attrs.next_hop = ctx->gateway->gateway.vtep;
    bg_attrs_add_ext(&item->attrs, bg_ext_encap_vxlan());
    bg_attrs_add_ext(&item->attrs, bg_ext_router_mac(&tenant->mac));
}

static bool
want_prefix(const struct vx_gw_prefix *prefix, const struct vx_gw_ctx *ctx,
            const char *leg, struct vx_gw_items *items, struct vx_error *err)
{
    bool ok = add_route(prefix, ctx, leg, items, err);

    if (!ctx->gateway->gateway.vtep.family) {
        return ok && (!(ctx->families & VX_AF_OF_FABRIC)
                      || vx_fail(err, VX_UNAVAILABLE, "vtep", "the gateway's "
                                 "host has no VTEP address yet"));
    }
    add_vpn(prefix, ctx, items);
    add_type5(prefix, ctx, items);
    return ok;
}

void
vx_gw_wanted_fabric(const struct vx_prefix *prefix,
                    const struct vx_gw_ctx *ctx, struct vx_gw_items *items)
{
    const struct vx_gw_prefix value = { .prefix = *prefix };

    items->n = 0;
    if (ctx->gateway && ctx->tenant && ctx->gateway->gateway.vtep.family) {
        add_vpn(&value, ctx, items);
        add_type5(&value, ctx, items);
    }
}

/* --- EVPN within a network. */

static struct vx_gw_item *
add_layer2(const struct vx_gw_ctx *ctx, const struct vx_ip *vtep,
           struct vx_gw_items *items)
{
    const struct vx_gw_network *network = &ctx->network->network;
    struct vx_gw_item *item =
        add_bgp(items, ctx, BG_EVPN,
                (struct rts) { network->exports, network->n_exports },
                network->vni);

    item->nlri.rd = bg_rd_as(ctx->gateway->gateway.as & 0xffff,
                             network->vni);
    item->attrs.next_hop = *vtep;
    bg_attrs_add_ext(&item->attrs, bg_ext_encap_vxlan());
    return item;
}

static void
want_vtep(const struct vx_gw_vtep *vtep, const struct vx_gw_ctx *ctx,
          struct vx_gw_items *items)
{
    struct vx_gw_item *item = add_layer2(ctx, &vtep->vtep, items);

    item->nlri.evpn = (struct bg_evpn) {
        .type = BG_EVPN_IMET, .ip = vtep->vtep, .vni = vtep->vni,
    };
    item->attrs.pmsi = (struct bg_pmsi) {
        .present = true, .type = PMSI_INGRESS_REPLICATION,
        .vni = vtep->vni, .ip = vtep->vtep,
    };
}

static void
add_type2(const struct vx_gw_endpoint *endpoint, const struct vx_ip *ip,
          const struct vx_gw_ctx *ctx, struct vx_gw_items *items)
{
    struct vx_gw_item *item = add_layer2(ctx, &endpoint->vtep, items);

    item->nlri.evpn = (struct bg_evpn) {
        .type = BG_EVPN_MAC, .mac = endpoint->mac, .vni = endpoint->vni,
    };
    if (ip) {
        item->nlri.evpn.ip = *ip;
    }
    if (endpoint->seq) {
        bg_attrs_add_ext(&item->attrs, bg_ext_mobility(endpoint->seq, false));
    }
}

static void
want_endpoint(const struct vx_gw_endpoint *endpoint,
              const struct vx_gw_ctx *ctx, struct vx_gw_items *items)
{
    add_type2(endpoint, NULL, ctx, items);
    for (size_t i = 0; i < endpoint->n_ips; i++) {
        add_type2(endpoint, &endpoint->ips[i], ctx, items);
    }
}

/* --- FlowSpec. */

enum { MAX_PARTS = 64 };        /* 16 ranges of source and of destination */

static bool
add_ports(struct bg_flow_set *set, const struct vx_port_range *ranges,
          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!bg_flow_set_add(set, ranges[i].first, ranges[i].last)) {
            return false;
        }
    }
    return true;
}

static bool
make_rule(const struct vx_policy_match *match, struct bg_flow_rule *rule,
          struct vx_error *err)
{
    bool fits = add_ports(&rule->sport, match->sports, match->n_sports)
                && add_ports(&rule->dport, match->dports, match->n_dports);

    rule->dst = match->dst;
    if (!rule->src.ip.family) {
        rule->src = match->src;
    }
    if (match->proto >= 0) {
        fits = fits && bg_flow_set_add(&rule->proto, (uint32_t) match->proto,
                                       (uint32_t) match->proto);
    }
    if (match->dscp >= 0) {
        fits = fits && bg_flow_set_add(&rule->dscp, (uint32_t) match->dscp,
                                       (uint32_t) match->dscp);
    }
    return fits || vx_fail(err, VX_INVALID, "match", "more than %d ranges of "
                           "ports do not fit FlowSpec", BG_FLOW_RANGES);
}

/* False: nothing FlowSpec can say. */
static bool
make_action(const struct vx_gw_policy *policy, const struct vx_gw_ctx *ctx,
            uint8_t family, struct bg_flow_action *action,
            struct vx_error *err)
{
    const struct vx_gw_tenant *tenant = &ctx->tenant->tenant;

    switch (policy->action) {
    case VX_POLICY_DROP:
        action->has_rate = true;
        return true;
    case VX_POLICY_RATE:
        action->has_rate = true;
        action->rate_kbps = policy->rate_kbps;
        return true;
    case VX_POLICY_DSCP:
        action->has_mark = true;
        action->dscp = policy->dscp;
        return true;
    case VX_POLICY_GATEWAY:
        action->has_redirect_rt = true;
        action->redirect_rt =
            tenant->n_exports ? tenant->exports[0]
                              : vx_gw_auto_rt(&ctx->gateway->gateway,
                                              tenant->vni);
        return true;
    case VX_POLICY_VIA:
        if (family == 6) {
            /* The rule would arrive without its action. */
            return vx_fail(err, VX_INVALID, "action", "the reflector (bgpd "
                           "8.4) does not pass on redirection to IPv6 "
                           "addresses");
        }
        for (size_t i = 0; i < policy->n_via; i++) {
            if (policy->via[i].family == family) {
                action->redirect_ip = policy->via[i];
                return true;
            }
        }
        break;
    }
    return vx_fail(err, VX_INVALID, "action", "no next hop of IPv%u", family);
}

/* What the reflector takes: a rule of many ports becomes several, which a
 * rate would be counted by one by one. */
static bool
split_rule(const struct bg_flow_rule *rule, bool has_rate,
           struct bg_flow_rule parts[MAX_PARTS], size_t *ret_n,
           struct vx_error *err)
{
    size_t n = bg_flow_split(rule, BG_FLOW_FRR_OPERATORS, parts, MAX_PARTS);

    if (!n) {
        return vx_fail(err, VX_TOO_LARGE, "match", "the ranges of ports need "
                       "more than %d FlowSpec rules", MAX_PARTS);
    }
    if (has_rate && n > 1) {
        return vx_fail(err, VX_INVALID, "match", "the ranges of ports need "
                       "%zu FlowSpec rules, each of which would allow the "
                       "whole rate: make a policy of at most two ranges for "
                       "each", n);
    }
    *ret_n = n;
    return true;
}

static bool
add_flow(const struct vx_gw_policy *policy, const struct vx_gw_ctx *ctx,
         struct bg_flow_rule *rule, struct vx_gw_items *items,
         struct vx_error *err)
{
    const struct vx_gw_tenant *tenant = &ctx->tenant->tenant;
    struct bg_flow_rule parts[MAX_PARTS];
    struct bg_flow_action action = { 0 };
    struct bg_flow flow;
    size_t n = 0;

    if (!make_rule(&policy->match, rule, err)
        || !make_action(policy, ctx, rule->family, &action, err)
        || !split_rule(rule, policy->action == VX_POLICY_RATE, parts, &n,
                       err)) {
        return false;
    }
    if (items->n + n > VX_GW_POLICY_ITEMS_MAX) {
        return vx_fail(err, VX_INVALID, "match", "more than %d FlowSpec rules "
                       "of one policy", VX_GW_POLICY_ITEMS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        struct vx_gw_item *item;

        if (!bg_flow_encode(&parts[i], &flow, err)) {
            return false;
        }
        item = add_bgp(items, ctx, rule->family == 4 ? BG_FLOW4 : BG_FLOW6,
                       (struct rts) { tenant->exports, tenant->n_exports },
                       tenant->vni);
        item->nlri.flow = flow;
        bg_flow_put_action(&action, &item->attrs);
    }
    return true;
}

/* One rule per prefix the packets may come from; both match prefix and
 * network: the narrower of the two. */
static bool
add_of_network(const struct vx_gw_policy *policy, const struct vx_gw_ctx *ctx,
               uint8_t family, struct vx_gw_items *items,
               struct vx_error *err)
{
    const struct vx_prefix *src = &policy->match.src;
    bool ok = true;

    for (size_t i = 0; i < policy->n_prefixes; i++) {
        const struct vx_prefix *prefix = &policy->prefixes[i];
        struct bg_flow_rule rule = { .family = family, .src = *prefix };

        if (prefix->ip.family != family
            || (src->ip.family && !vx_prefix_overlaps(src, prefix))) {
            continue;
        }
        if (src->ip.family && src->length > prefix->length) {
            rule.src = *src;
        }
        ok = add_flow(policy, ctx, &rule, items, err) && ok;
    }
    return ok;
}

/* Whether packets of this family can match and be acted upon. */
static bool
takes_family(const struct vx_gw_policy *policy, uint8_t family)
{
    const struct vx_policy_match *match = &policy->match;

    if ((match->family && match->family != family)
        || (match->src.ip.family && match->src.ip.family != family)
        || (match->dst.ip.family && match->dst.ip.family != family)
        || (match->proto == 1 && family == 6)
        || (match->proto == 58 && family == 4)) {
        return false;
    }
    return policy->action != VX_POLICY_VIA || !policy->n_via
           || policy->via[0].family == family;
}

static bool
want_policy(const struct vx_gw_policy *policy, const struct vx_gw_ctx *ctx,
            struct vx_gw_items *items, struct vx_error *err)
{
    static const uint8_t families[] = { 4, 6 };
    const struct vx_policy_match *match = &policy->match;
    bool ok = true;

    if (!(policy->where & VX_WHERE_FLOWSPEC)) {
        return true;
    }
    if (!(ctx->families & VX_AF_FLOWSPEC)) {
        return vx_fail(err, VX_UNAVAILABLE, "where", "no fabric-wide peering "
                       "of this gateway speaks FlowSpec");
    }
    if (!match->dst.ip.family && !match->src.ip.family
        && !policy->has_network) {
        return vx_fail(err, VX_INVALID, "match", "FlowSpec without source and "
                       "destination would match other tenants' packets, too: "
                       "name a prefix");
    }
    for (size_t i = 0; i < 2; i++) {
        struct bg_flow_rule rule = { .family = families[i] };

        if (takes_family(policy, families[i])) {
            ok = (policy->has_network
                  ? add_of_network(policy, ctx, families[i], items, err)
                  : add_flow(policy, ctx, &rule, items, err)) && ok;
        }
    }
    return ok;
}

/* --- All. */

bool
vx_gw_wanted(const struct vx_gw_value *value, const struct vx_gw_ctx *ctx,
             const char *leg, struct vx_gw_items *items,
             struct vx_error *err)
{
    bool of_tenant, of_network;

    items->n = 0;
    if (!value) {
        return true;
    }
    of_tenant = value->type == VX_GW_PREFIX || value->type == VX_GW_POLICY;
    of_network = value->type == VX_GW_VTEP || value->type == VX_GW_ENDPOINT;
    if (!of_tenant && !of_network) {
        return true;
    }
    if (!ctx || !ctx->gateway) {
        return vx_fail(err, VX_UNAVAILABLE, "", "its %s is not told to this "
                       "gateway", !ctx ? of_tenant ? "tenant" : "network"
                                       : "own record");
    }
    switch (value->type) {
    case VX_GW_PREFIX:
        return want_prefix(&value->prefix, ctx, leg, items, err);
    case VX_GW_POLICY:
        return want_policy(&value->policy, ctx, items, err);
    case VX_GW_VTEP:
        if (ctx->families & VX_AF_EVPN) {
            want_vtep(&value->vtep, ctx, items);
        }
        return true;
    case VX_GW_ENDPOINT:
        if (ctx->families & VX_AF_EVPN) {
            want_endpoint(&value->endpoint, ctx, items);
        }
        return true;
    case VX_GW_GATEWAY: case VX_GW_TENANT: case VX_GW_PEERING:
    case VX_GW_NETWORK: case VX_GW_N_TYPES:
        break;
    }
    return true;
}

static bool
same_key(const struct vx_gw_item *a, const struct vx_gw_item *b)
{
    uint8_t key_a[BG_KEY_MAX], key_b[BG_KEY_MAX];
    size_t n;

    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == VX_GW_ITEM_ROUTE) {
        return !strcmp(a->vrf, b->vrf)
               && !vx_prefix_compare(&a->want.prefix, &b->want.prefix);
    }
    n = bg_nlri_key(&a->nlri, key_a);
    return n == bg_nlri_key(&b->nlri, key_b) && !memcmp(key_a, key_b, n);
}

bool
vx_gw_items_has(const struct vx_gw_items *items,
                const struct vx_gw_item *item)
{
    for (size_t i = 0; i < items->n; i++) {
        if (same_key(&items->items[i], item)) {
            return true;
        }
    }
    return false;
}
