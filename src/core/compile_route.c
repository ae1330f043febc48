/* SPDX-License-Identifier: Apache-2.0 */
/* Routing in tier 1: tables 28 to 45 of no object, static routes, and which
 * of several next hops a slot leads to.  doc/pipeline.md, cookies "base" and
 * "route". */
#include <assert.h>

#include "core/compile_hops.h"
#include "core/compile_priv.h"

/* Towards tier 2 only while the destination is still the gateway's MAC, else
 * the next hop is known. */
static void
toward(struct vx_rows *rows, uint8_t table)
{
    struct vx_row *row = vx_base(rows, VX_TENANT_TIER, table, 10);

    vx_match_mac(row, VX_F_ETH_DST, &vx_gateway_mac);
    vx_act_goto(row, VX_T1_ADJ);
    vx_act_goto(vx_base(rows, VX_TENANT_TIER, table, 0), VX_T1_L2);
}

void
vx_compile_base_route(struct vx_rows *rows)
{
    struct vx_row *row;

    vx_act_goto(vx_base(rows, VX_TENANT_TIER, VX_T1_POLICED, 0), VX_T1_ROUTE);
    vx_act_goto(vx_base(rows, VX_TENANT_TIER, VX_T1_POLICY, 0), VX_T1_ROUTE);
    vx_act_goto(vx_base(rows, VX_TENANT_TIER, VX_T1_LEG_POLICED, 0),
                VX_T1_ROUTE);
    vx_act_goto(vx_base(rows, VX_TENANT_TIER, VX_T1_LEG_POLICY, 0),
                VX_T1_ROUTE);
    vx_act_punt(vx_base(rows, VX_TENANT_TIER, VX_T1_ROUTE, 0),
                VX_PUNT_NO_ROUTE);
    vx_base_drop(rows, VX_TENANT_TIER, VX_T1_HOP, VX_DROP_NO_NEXT_HOP);
    toward(rows, VX_T1_MTU);
    row = vx_base(rows, VX_TENANT_TIER, VX_T1_MTU_SEEN, 100);
    vx_match_u(row, VX_F_REG1, VX_PUNT_TOO_BIG);
    vx_act_punt(row, VX_PUNT_TOO_BIG);
    toward(rows, VX_T1_MTU_SEEN);
    vx_act_cross(vx_base(rows, VX_TENANT_TIER, VX_T1_ADJ, 0));
}

/* --- ECMP. */

void
vx_compile_ecmp_group(enum vx_tier tier, uint8_t table, struct vx_rows *rows)
{
    vx_rows_group(rows, tier, VX_GROUP_ECMP)->select = true;
    for (unsigned slot = 0; slot < VX_ECMP_SLOTS; slot++) {
        struct vx_row *row = vx_rows_bucket(rows, tier, VX_GROUP_ECMP, slot);

        vx_act_set_u(row, VX_F_REG7, slot);
        vx_act_resubmit(row, table);
    }
}

/* The finalizer of splitmix64. */
static uint64_t
mix(uint64_t h)
{
    h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 31;
}

static uint64_t
weight(unsigned slot, unsigned __int128 key)
{
    uint64_t h = mix(slot + UINT64_C(0x9e3779b97f4a7c15));

    return mix(mix(h ^ (uint64_t) (key >> 64)) ^ (uint64_t) key);
}

size_t
vx_ecmp_pick(unsigned slot, const unsigned __int128 *keys, size_t n)
{
    size_t best = 0;
    uint64_t most = weight(slot, keys[0]);

    assert(n && slot < VX_ECMP_SLOTS);
    for (size_t i = 1; i < n; i++) {
        uint64_t w = weight(slot, keys[i]);

        if (w > most || (w == most && keys[i] < keys[best])) {
            best = i;
            most = w;
        }
    }
    return best;
}

static void
to_hop(struct vx_row *row, const struct vx_nexthop *hop)
{
    vx_act_set_u(row, VX_F_REG0, hop->vni);
    vx_act_set_mac(row, VX_F_ETH_DST, &hop->mac);
}

void
vx_act_hops(struct vx_row *row, uint32_t num, const struct vx_nexthop *hops,
            size_t n_hops)
{
    vx_act_set_mac(row, VX_F_ETH_SRC, &vx_gateway_mac);
    vx_act_dec_ttl(row);
    if (n_hops == 1) {
        to_hop(row, hops);
        vx_act_goto(row, VX_T1_MTU);
    } else {
        vx_act_set_u(row, VX_F_REG6, num);
        vx_act_group(row, VX_GROUP_ECMP);
    }
}

void
vx_compile_slots(const struct vx_slots *slots, const struct vx_nexthop *hops,
                 size_t n_hops, struct vx_rows *rows)
{
    unsigned __int128 keys[VX_MAX_HOPS];

    assert(n_hops <= VX_MAX_HOPS);
    for (size_t i = 0; i < n_hops; i++) {
        keys[i] = vx_ip_to_u128(&hops[i].ip);
    }
    for (unsigned slot = 0; n_hops > 1 && slot < VX_ECMP_SLOTS; slot++) {
        struct vx_row *row = vx_rows_flow(rows, VX_TENANT_TIER, VX_T1_HOP,
                                          100, slots->cookie);

        vx_match_u(row, VX_F_REG5, slots->router);
        vx_match_u(row, VX_F_REG6, slots->num);
        vx_match_u(row, VX_F_REG7, slot);
        to_hop(row, &hops[vx_ecmp_pick(slot, keys, n_hops)]);
        vx_act_goto(row, VX_T1_MTU);
    }
}

void
vx_compile_route(const struct vx_route *route, uint32_t router,
                 const struct vx_nexthop *hops, size_t n_hops,
                 struct vx_rows *rows)
{
    const struct vx_prefix *prefix = &route->prefix;
    struct vx_slots slots = {
        .cookie = VX_COOKIE(VX_ROUTE, VX_PASS, route->o.oid),
        .router = router,
        .num = route->num,
    };
    struct vx_row *row = vx_rows_flow(rows, VX_TENANT_TIER, VX_T1_ROUTE,
                                      VX_ROUTE_PRIORITY_BASE + prefix->length,
                                      slots.cookie);

    vx_match_u(row, VX_F_REG5, router);
    vx_match_family(row, prefix->ip.family);
    vx_match_prefix(row, prefix->ip.family == 4 ? VX_F_IPV4_DST
                                                : VX_F_IPV6_DST, prefix);
    if (n_hops) {
        vx_act_hops(row, route->num, hops, n_hops);
    } else {
        vx_act_punt(row, VX_PUNT_NO_HOP);
    }
    vx_compile_slots(&slots, hops, n_hops, rows);
}
