/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of no object: classification, the join of the tiers, the ARP and ND
 * responder, probes of the controller, misses.  doc/pipeline.md, cookie
 * "base". */
#include <netinet/in.h>

#include "core/compile.h"
#include "core/pipeline.h"

enum {
    ETH_ARP = 0x0806,
    ETH_IPV6 = 0x86dd,
    ND_NS = 135,
    ND_NA = 136,
    ND_OPT_TLL = 2,
};

static struct vx_row *
tier1(struct vx_rows *rows, uint8_t table, uint16_t priority,
      enum vx_drop_reason reason)
{
    return vx_rows_flow(rows, VX_TENANT_TIER, table, priority,
                        VX_COOKIE_BASE | VX_COOKIE(0, reason, 0));
}

static struct vx_row *
tier2(struct vx_rows *rows, uint8_t table, uint16_t priority,
      enum vx_drop_reason reason)
{
    return vx_rows_flow(rows, VX_FABRIC_TIER, table, priority,
                        VX_COOKIE_BASE | VX_COOKIE(0, reason, 0));
}

static void
match_icmp6(struct vx_row *row, unsigned type)
{
    vx_match_u(row, VX_F_ETH_TYPE, ETH_IPV6);
    vx_match_u(row, VX_F_IP_PROTO, IPPROTO_ICMPV6);
    vx_match_u(row, VX_F_ICMPV6_TYPE, type);
    vx_match_u(row, VX_F_ICMPV6_CODE, 0);
}

/* From the other tier: the VNI leaves the mark, which is cleared at once. */
static void
act_enter(struct vx_row *row, uint8_t table)
{
    vx_act_move_bits(row, VX_F_REG0, VX_F_PKT_MARK, 24);
    vx_act_set_u(row, VX_F_PKT_MARK, 0);
    vx_act_goto(row, table);
}

static void
act_cross(struct vx_row *row)
{
    vx_act_move(row, VX_F_PKT_MARK, VX_F_REG0);
    vx_act_output(row, VX_OFPORT_PATCH);
}

/* Frames of the controller: from its packet-out to tier 2, from there to the
 * controller.  Above all rows that lead to a tap. */
static void
probes(struct vx_rows *rows)
{
    struct vx_row *row = vx_rows_meter(rows, VX_TENANT_TIER,
                                       VX_METER_CONTROLLER);

    row->in_packets = true;
    row->rate = VX_METER_CONTROLLER_PKTPS;
    row->burst = VX_METER_CONTROLLER_BURST;

    row = tier1(rows, VX_T1_GUARD, 200, VX_DROP_PROBE);
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_PROBE);
    row = tier1(rows, VX_T1_L2, 200, VX_PASS);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_PROBE);
    vx_act_controller(row, VX_PROBE_MAX);
    row = tier1(rows, VX_T1_L2, 190, VX_PASS);
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_PROBE);
    act_cross(row);
}

static void
base_tier1(struct vx_rows *rows)
{
    struct vx_row *row;

    probes(rows);

    row = tier1(rows, VX_T1_CLASSIFY, 100, VX_PASS);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    act_enter(row, VX_T1_L2);
    tier1(rows, VX_T1_CLASSIFY, 0, VX_DROP_UNKNOWN_PORT);

    row = tier1(rows, VX_T1_L2, 110, VX_PASS);
    vx_match_u(row, VX_F_ETH_TYPE, ETH_ARP);
    vx_match_u(row, VX_F_ARP_OP, 1);
    act_cross(row);
    row = tier1(rows, VX_T1_L2, 110, VX_PASS);
    match_icmp6(row, ND_NS);
    act_cross(row);
    row = tier1(rows, VX_T1_L2, 10, VX_DROP_NOT_LOCAL);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    act_cross(tier1(rows, VX_T1_L2, 0, VX_PASS));
}

static void
answer_arp(struct vx_rows *rows)
{
    struct vx_row *row = tier2(rows, VX_T2_ANSWER, 100, VX_PASS);

    vx_match_u(row, VX_F_ETH_TYPE, ETH_ARP);
    vx_act_move(row, VX_F_ETH_DST, VX_F_ETH_SRC);
    vx_act_move(row, VX_F_ETH_SRC, VX_F_XREG1);
    vx_act_set_u(row, VX_F_ARP_OP, 2);
    vx_act_move(row, VX_F_ARP_THA, VX_F_ARP_SHA);
    vx_act_move(row, VX_F_ARP_SHA, VX_F_XREG1);
    vx_act_move(row, VX_F_REG4, VX_F_ARP_TPA);
    vx_act_move(row, VX_F_ARP_TPA, VX_F_ARP_SPA);
    vx_act_move(row, VX_F_ARP_SPA, VX_F_REG4);
    vx_act_move(row, VX_F_PKT_MARK, VX_F_REG0);
    vx_act_in_port(row);
}

/* nd_tll can be set only where the type is 136 already: the next table. */
static void
act_answer_nd(struct vx_row *row, uint32_t flags)
{
    vx_act_set_u(row, VX_F_ICMPV6_TYPE, ND_NA);
    vx_act_set_u(row, VX_F_ND_RESERVED, flags);
    vx_act_set_u(row, VX_F_ND_OPTIONS_TYPE, ND_OPT_TLL);
    vx_act_goto(row, VX_T2_ANSWER_ND);
}

static void
answer_nd(struct vx_rows *rows)
{
    static const struct vx_ip none = { .family = 6 };
    static const struct vx_ip all_nodes = {
        .family = 6, .b = { 0xff, 2, [15] = 1 }
    };
    struct vx_row *row;

    /* RFC 4861 7.2.4: unsolicited where the asker has no address yet. */
    row = tier2(rows, VX_T2_ANSWER, 110, VX_PASS);
    match_icmp6(row, ND_NS);
    vx_match_ip(row, VX_F_IPV6_SRC, &none);
    vx_act_move(row, VX_F_ETH_DST, VX_F_ETH_SRC);
    vx_act_move(row, VX_F_ETH_SRC, VX_F_XREG1);
    vx_act_move(row, VX_F_IPV6_SRC, VX_F_ND_TARGET);
    vx_act_set_ip(row, VX_F_IPV6_DST, &all_nodes);
    act_answer_nd(row, 0x20000000);

    row = tier2(rows, VX_T2_ANSWER, 100, VX_PASS);
    match_icmp6(row, ND_NS);
    vx_act_move(row, VX_F_ETH_DST, VX_F_ETH_SRC);
    vx_act_move(row, VX_F_ETH_SRC, VX_F_XREG1);
    vx_act_move(row, VX_F_IPV6_DST, VX_F_IPV6_SRC);
    vx_act_move(row, VX_F_IPV6_SRC, VX_F_ND_TARGET);
    act_answer_nd(row, 0x60000000);

    row = tier2(rows, VX_T2_ANSWER_ND, 100, VX_PASS);
    match_icmp6(row, ND_NA);
    vx_act_move(row, VX_F_ND_TLL, VX_F_ETH_SRC);
    vx_act_move(row, VX_F_PKT_MARK, VX_F_REG0);
    vx_act_in_port(row);
}

static void
base_tier2(struct vx_rows *rows)
{
    struct vx_row *row;

    row = tier2(rows, VX_T2_CLASSIFY, 100, VX_PASS);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    act_enter(row, VX_T2_NEIGH);
    row = tier2(rows, VX_T2_CLASSIFY, 100, VX_PASS);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_VXLAN);
    vx_act_goto(row, VX_T2_VTEP);
    tier2(rows, VX_T2_CLASSIFY, 0, VX_DROP_STRAY);
    tier2(rows, VX_T2_VTEP, 0, VX_DROP_UNKNOWN_VTEP);
    row = tier2(rows, VX_T2_INGRESS, 100, VX_DROP_WARM_UP);
    vx_match_u(row, VX_F_REG0, VX_VNI_WARM);
    tier2(rows, VX_T2_INGRESS, 0, VX_DROP_UNKNOWN_VNI);
    vx_act_goto(tier2(rows, VX_T2_NEIGH, 0, VX_PASS), VX_T2_FDB);
    answer_arp(rows);
    answer_nd(rows);
    tier2(rows, VX_T2_ANSWER, 0, VX_DROP_STRAY);
    tier2(rows, VX_T2_ANSWER_ND, 0, VX_DROP_STRAY);
    tier2(rows, VX_T2_FDB, 0, VX_DROP_BAD_MARK);
    tier2(rows, VX_T2_HOST, 0, VX_DROP_NO_HOST);
    tier2(rows, VX_T2_OUT, 0, VX_DROP_STRAY);
}

void
vx_compile_base(enum vx_tier tier, struct vx_rows *rows)
{
    if (tier == VX_TENANT_TIER) {
        base_tier1(rows);
    } else {
        base_tier2(rows);
    }
}
