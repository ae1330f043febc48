/* SPDX-License-Identifier: Apache-2.0 */
/* The ARP and ND responder of tier 2: how a request becomes its answer, and
 * the rows of a subnet's gateway in it.  doc/pipeline.md, tables 20 to 22. */
#include "core/compile_priv.h"

enum { ND_OPT_TLL = 2 };

/* Answers go back where the request came from: to the tap's tier, or through
 * the tunnel to the host that asked its border.  Only one of the two addresses
 * of a tunnel is there, the other one is zero. */
static void
act_return(struct vx_row *row, bool tunnel)
{
    if (tunnel) {
        vx_act_move_bits(row, VX_F_TUN_ID, VX_F_REG0, 24);
        vx_act_move(row, VX_F_TUN_DST, VX_F_TUN_SRC);
        vx_act_move(row, VX_F_TUN_IPV6_DST, VX_F_TUN_IPV6_SRC);
    } else {
        vx_act_move(row, VX_F_PKT_MARK, VX_F_REG0);
    }
    vx_act_in_port(row);
}

static void
answer_arp(bool tunnel, struct vx_rows *rows)
{
    struct vx_row *row = vx_base(rows, VX_FABRIC_TIER, VX_T2_ANSWER,
                                 tunnel ? 300 : 100);

    if (tunnel) {
        vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_VXLAN);
    }
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_ARP);
    vx_act_move(row, VX_F_ETH_DST, VX_F_ETH_SRC);
    vx_act_move(row, VX_F_ETH_SRC, VX_F_XREG1);
    vx_act_set_u(row, VX_F_ARP_OP, 2);
    vx_act_move(row, VX_F_ARP_THA, VX_F_ARP_SHA);
    vx_act_move(row, VX_F_ARP_SHA, VX_F_XREG1);
    vx_act_move(row, VX_F_REG4, VX_F_ARP_TPA);
    vx_act_move(row, VX_F_ARP_TPA, VX_F_ARP_SPA);
    vx_act_move(row, VX_F_ARP_SPA, VX_F_REG4);
    act_return(row, tunnel);
}

/* nd_tll can be set only where the type is 136 already: the next table. */
static void
act_answer_nd(struct vx_row *row, uint32_t flags)
{
    vx_act_set_u(row, VX_F_ICMPV6_TYPE, VX_ND_NA);
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
    row = vx_base(rows, VX_FABRIC_TIER, VX_T2_ANSWER, 110);
    vx_match_nd(row, VX_ND_NS);
    vx_match_ip(row, VX_F_IPV6_SRC, &none);
    vx_act_move(row, VX_F_ETH_DST, VX_F_ETH_SRC);
    vx_act_move(row, VX_F_ETH_SRC, VX_F_XREG1);
    vx_act_move(row, VX_F_IPV6_SRC, VX_F_ND_TARGET);
    vx_act_set_ip(row, VX_F_IPV6_DST, &all_nodes);
    act_answer_nd(row, 0x20000000);

    row = vx_base(rows, VX_FABRIC_TIER, VX_T2_ANSWER, 100);
    vx_match_nd(row, VX_ND_NS);
    vx_act_move(row, VX_F_ETH_DST, VX_F_ETH_SRC);
    vx_act_move(row, VX_F_ETH_SRC, VX_F_XREG1);
    vx_act_move(row, VX_F_IPV6_DST, VX_F_IPV6_SRC);
    vx_act_move(row, VX_F_IPV6_SRC, VX_F_ND_TARGET);
    act_answer_nd(row, 0x60000000);
}

static void
finish_nd(bool tunnel, struct vx_rows *rows)
{
    struct vx_row *row = vx_base(rows, VX_FABRIC_TIER, VX_T2_ANSWER_ND,
                                 tunnel ? 300 : 100);

    if (tunnel) {
        vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_VXLAN);
    }
    vx_match_nd(row, VX_ND_NA);
    vx_act_move(row, VX_F_ND_TLL, VX_F_ETH_SRC);
    act_return(row, tunnel);
}

void
vx_compile_answers(struct vx_rows *rows)
{
    for (int tunnel = 0; tunnel < 2; tunnel++) {
        answer_arp(tunnel, rows);
        finish_nd(tunnel, rows);
    }
    answer_nd(rows);
    vx_base_drop(rows, VX_FABRIC_TIER, VX_T2_ANSWER, VX_DROP_STRAY);
    vx_base_drop(rows, VX_FABRIC_TIER, VX_T2_ANSWER_ND, VX_DROP_STRAY);
}

/* The gateway's link-local address is its network's. */
void
vx_compile_gateway(const struct vx_subnet *subnet, uint32_t vni,
                   struct vx_rows *rows)
{
    struct vx_ip local = vx_ip_link_local(&vx_gateway_mac);
    struct vx_row *row;

    if (!vx_ip_compare(&subnet->gateway, &local)) {
        return;
    }
    row = vx_rows_flow(rows, VX_FABRIC_TIER, VX_T2_NEIGH, 100,
                       VX_COOKIE(VX_SUBNET, VX_PASS, subnet->o.oid));
    vx_match_u(row, VX_F_REG0, vni);
    if (subnet->gateway.family == 4) {
        vx_match_arp(row, 1);
        vx_match_ip(row, VX_F_ARP_TPA, &subnet->gateway);
    } else {
        vx_match_nd(row, VX_ND_NS);
        vx_match_u(row, VX_F_IP_TTL, 255);
        vx_match_ip(row, VX_F_ND_TARGET, &subnet->gateway);
    }
    vx_act_set_mac(row, VX_F_XREG1, &vx_gateway_mac);
    vx_act_goto(row, VX_T2_ANSWER);
}
