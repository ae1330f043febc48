/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: tables 28 and 30 of tier 1, and 29 and 32 for what gateways bring
 * in, as policy->where says.  doc/pipeline.md, cookie "policy".
 *
 * A policy is one row for each family it applies to, times the masks that
 * cover its ranges of source ports, times those of its destination ports. */
#include <assert.h>

#include "core/compile_hops.h"
#include "core/compile_priv.h"

struct mask {
    uint16_t value, mask;
};

/* 16 ranges of at most 30 masks each. */
enum { MAX_MASKS = VX_POLICY_MAX_RANGES * 30 };

/* The biggest aligned block at first that ends at last or before, as its last
 * port: the greedy cover with prefixes is the smallest one. */
static unsigned
block_end(unsigned first, unsigned last)
{
    unsigned size = 1;

    while (!(first & size) && first + 2 * size - 1 <= last) {
        size *= 2;
    }
    return first + size - 1;
}

size_t
vx_port_masks(const struct vx_port_range *range, uint16_t *ret_values,
              uint16_t *ret_masks)
{
    size_t n = 0;

    for (unsigned first = range->first; first <= range->last;) {
        unsigned end = block_end(first, range->last);

        if (ret_values) {
            ret_values[n] = first;
            ret_masks[n] = 0xffff ^ (end - first);
        }
        n++;
        first = end + 1;
    }
    return n;
}

/* Without ranges one that matches all. */
static size_t
masks_of(const struct vx_port_range *ranges, size_t n_ranges,
         struct mask masks[MAX_MASKS])
{
    uint16_t values[30], bits[30];
    size_t n = 0;

    if (!n_ranges) {
        masks[0] = (struct mask) { 0 };
        return 1;
    }
    for (size_t i = 0; i < n_ranges; i++) {
        size_t more = vx_port_masks(&ranges[i], values, bits);

        assert(n + more <= MAX_MASKS);
        for (size_t k = 0; k < more; k++) {
            masks[n++] = (struct mask) { values[k], bits[k] };
        }
    }
    return n;
}

static size_t
count_masks(const struct vx_port_range *ranges, size_t n_ranges)
{
    size_t n = 0;

    for (size_t i = 0; i < n_ranges; i++) {
        n += vx_port_masks(&ranges[i], NULL, NULL);
    }
    return n_ranges ? n : 1;
}

/* 0 = both: a prefix or next hop has one. */
static uint8_t
family_of(const struct vx_policy *policy)
{
    const struct vx_policy_match *m = &policy->match;

    return m->family ? m->family : m->src.ip.family ? m->src.ip.family
           : m->dst.ip.family ? m->dst.ip.family
           : policy->action == VX_POLICY_VIA && policy->n_via
               ? policy->via[0].family : 0;
}

size_t
vx_policy_n_rows(const struct vx_policy *policy)
{
    const struct vx_policy_match *m = &policy->match;

    size_t n_places = !!(policy->where & VX_WHERE_HOSTS)
                      + !!(policy->where & VX_WHERE_GATEWAY);

    return n_places * (1 + (family_of(policy) ? 1 : 2) * (1 + policy->n_via)
                           * count_masks(m->sports, m->n_sports)
                           * count_masks(m->dports, m->n_dports));
}

static void
match_port(struct vx_row *row, int proto, bool dst, struct mask mask)
{
    enum vx_field field = proto == IPPROTO_TCP ? VX_F_TCP_SRC
                          : proto == IPPROTO_UDP ? VX_F_UDP_SRC
                          : VX_F_SCTP_SRC;

    if (dst) {
        field = proto == IPPROTO_TCP ? VX_F_TCP_DST
                : proto == IPPROTO_UDP ? VX_F_UDP_DST : VX_F_SCTP_DST;
    }
    if (mask.mask == 0xffff) {
        vx_match_u(row, field, mask.value);
    } else if (mask.mask) {
        vx_match_masked(row, field, mask.value, mask.mask);
    }
}

/* What a policy's rows have in common. */
struct policy {
    const struct vx_policy *policy;
    struct vx_slots slots;
    uint32_t vni;
    const struct vx_nexthop *hops;
    size_t n_hops;
    uint8_t policed, table;     /* of where it is enforced */
};

static void
match(struct vx_row *row, const struct policy *p, uint8_t family)
{
    const struct vx_policy_match *m = &p->policy->match;
    bool v4 = family == 4;

    vx_match_u(row, VX_F_REG5, p->slots.router);
    if (p->vni) {
        vx_match_u(row, VX_F_REG0, p->vni);
    }
    vx_match_family(row, family);
    if (m->src.ip.family) {
        vx_match_prefix(row, v4 ? VX_F_IPV4_SRC : VX_F_IPV6_SRC, &m->src);
    }
    if (m->dst.ip.family) {
        vx_match_prefix(row, v4 ? VX_F_IPV4_DST : VX_F_IPV6_DST, &m->dst);
    }
    if (m->proto >= 0) {
        vx_match_u(row, VX_F_IP_PROTO, m->proto);
    }
    if (m->dscp >= 0) {
        vx_match_u(row, VX_F_IP_DSCP, m->dscp);
    }
}

static void
drop(struct vx_row *row, enum vx_drop_reason reason)
{
    row->cookie |= VX_COOKIE(0, reason, 0);
}

static void
act(struct vx_row *row, const struct policy *p)
{
    const struct vx_policy *policy = p->policy;

    switch (policy->action) {
    case VX_POLICY_DROP:
        drop(row, VX_DROP_POLICY);
        return;
    case VX_POLICY_DSCP:
        vx_act_set_u(row, VX_F_IP_DSCP, policy->dscp);
        break;
    case VX_POLICY_RATE:
        vx_act_meter(row, VX_METER(VX_METER_POLICY, policy->num));
        break;
    case VX_POLICY_VIA:
    case VX_POLICY_GATEWAY:
        if (p->n_hops) {
            vx_act_hops(row, policy->num, p->hops, p->n_hops);
            return;
        }
        if (policy->fail_closed) {
            drop(row, VX_DROP_NO_NEXT_HOP);
            return;
        }
        break;
    }
    vx_act_goto(row, VX_T1_ROUTE);
}

/* One combination of port masks: the policy, and above it what its own next
 * hops send on, which would come back to them for ever: as routed. */
static void
rows_of_masks(const struct policy *p, uint8_t family, struct mask sport,
              struct mask dport, struct vx_rows *rows)
{
    int proto = p->policy->match.proto;

    for (size_t i = 0; i <= p->n_hops; i++) {
        const struct vx_nexthop *hop = i < p->n_hops ? &p->hops[i] : NULL;
        struct vx_row *row;

        if (hop && p->vni && hop->vni != p->vni) {
            continue;           /* it is in a network that does not match */
        }
        row = vx_rows_flow(rows, VX_TENANT_TIER, p->table,
                           VX_POLICY_PRIORITY(p->policy->priority)
                           + (hop != NULL), p->slots.cookie);
        match(row, p, family);
        match_port(row, proto, false, sport);
        match_port(row, proto, true, dport);
        if (!hop) {
            act(row, p);
            continue;
        }
        if (!p->vni) {
            vx_match_u(row, VX_F_REG0, hop->vni);
        }
        vx_match_mac(row, VX_F_ETH_SRC, &hop->mac);
        vx_act_goto(row, VX_T1_ROUTE);
    }
}

static void
family_rows(const struct policy *p, uint8_t family, struct vx_rows *rows)
{
    const struct vx_policy_match *m = &p->policy->match;
    struct mask sports[MAX_MASKS], dports[MAX_MASKS];
    size_t n_sports = masks_of(m->sports, m->n_sports, sports);
    size_t n_dports = masks_of(m->dports, m->n_dports, dports);

    for (size_t s = 0; s < n_sports; s++) {
        for (size_t d = 0; d < n_dports; d++) {
            rows_of_masks(p, family, sports[s], dports[d], rows);
        }
    }
}

/* Only tenants with policies get to their table: ovs-vswitchd looks through
 * all masks of a table, whosever rows they are of, and port ranges make
 * thousands of them.  A row of each policy, since rows are a function of one
 * object; all have one mask, and any of a tenant's will do. */
static void
policed(const struct policy *p, struct vx_rows *rows)
{
    struct vx_row *row = vx_rows_flow(
        rows, VX_TENANT_TIER, p->policed,
        VX_POLICY_PRIORITY(p->policy->priority), p->slots.cookie);

    vx_match_u(row, VX_F_REG5, p->slots.router);
    vx_act_goto(row, p->table);
}

static void
place(const struct policy *p, struct vx_rows *rows)
{
    uint8_t family = family_of(p->policy);

    policed(p, rows);
    if (family != 6) {
        family_rows(p, 4, rows);
    }
    if (family != 4) {
        family_rows(p, 6, rows);
    }
}

void
vx_compile_policy(const struct vx_policy *policy, uint32_t router,
                  uint32_t vni, const struct vx_nexthop *hops, size_t n_hops,
                  struct vx_rows *rows)
{
    struct policy p = {
        .policy = policy,
        .slots = {
            .cookie = VX_COOKIE(VX_POLICY, VX_PASS, policy->o.oid),
            .router = router,
            .num = policy->num,
        },
        .vni = vni,
        .hops = hops,
        .n_hops = n_hops,
    };
    bool hosts = policy->where & VX_WHERE_HOSTS;
    bool gateway = policy->where & VX_WHERE_GATEWAY;

    if (!hosts && !gateway) {
        return;
    }
    if (policy->action == VX_POLICY_RATE) {
        vx_compile_meter(rows, VX_TENANT_TIER,
                         VX_METER(VX_METER_POLICY, policy->num),
                         policy->rate_kbps);
    }
    p.policed = VX_T1_POLICED;
    p.table = VX_T1_POLICY;
    if (hosts) {
        place(&p, rows);
    }
    p.policed = VX_T1_LEG_POLICED;
    p.table = VX_T1_LEG_POLICY;
    if (gateway) {
        place(&p, rows);
    }
    if (policy->action == VX_POLICY_VIA
        || policy->action == VX_POLICY_GATEWAY) {
        vx_compile_slots(&p.slots, hops, n_hops, rows);
    }
}
