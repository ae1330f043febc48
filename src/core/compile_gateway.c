/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent to the gateway's MAC: tier 1, tables 20, 25 and 60, and the
 * rows of a subnet.  doc/pipeline.md, cookies "base" and "subnet".
 *
 * The gateway is everywhere and nowhere: it answers pings here, and the
 * controller says for it what takes more than turning a packet around, within
 * the budget of the port that asks. */
#include "core/compile_priv.h"

enum {
    ECHO_REQUEST = 8, ECHO_REPLY = 0,
    ECHO6_REQUEST = 128, ECHO6_REPLY = 129,
    REPLY_TTL = 64,
};

static struct vx_row *
base(struct vx_rows *rows, uint8_t table, uint16_t priority)
{
    return vx_base(rows, VX_TENANT_TIER, table, priority);
}

/* Answers to health probes; neighbours that make sure of their gateway; what
 * is to be routed. */
static void
enter(struct vx_rows *rows)
{
    struct vx_row *row = base(rows, VX_T1_ENTER, 110);

    vx_match_mac(row, VX_F_ETH_DST, &vx_gateway_mac);
    vx_match_arp(row, 2);
    vx_act_punt(row, VX_PUNT_ALIVE);
    row = base(rows, VX_T1_ENTER, 110);
    vx_match_mac(row, VX_F_ETH_DST, &vx_gateway_mac);
    vx_match_nd(row, VX_ND_NA);
    vx_act_punt(row, VX_PUNT_ALIVE);
    row = base(rows, VX_T1_ENTER, 110);
    vx_match_mac(row, VX_F_ETH_DST, &vx_gateway_mac);
    vx_match_nd(row, VX_ND_NS);
    vx_act_goto(row, VX_T1_L2);
    for (int family = 4; family <= 6; family += 2) {
        row = base(rows, VX_T1_ENTER, 100);
        vx_match_mac(row, VX_F_ETH_DST, &vx_gateway_mac);
        vx_match_family(row, family);
        vx_act_goto(row, VX_T1_GATEWAY);
    }
    vx_act_goto(base(rows, VX_T1_ENTER, 0), VX_T1_L2);
}

/* From the Ethernet type on: an echo request for ip becomes its reply. */
static void
echo(struct vx_row *row, const struct vx_ip *ip)
{
    bool v4 = ip->family == 4;
    enum vx_field src = v4 ? VX_F_IPV4_SRC : VX_F_IPV6_SRC;
    enum vx_field dst = v4 ? VX_F_IPV4_DST : VX_F_IPV6_DST;
    enum vx_field type = v4 ? VX_F_ICMP_TYPE : VX_F_ICMPV6_TYPE;

    vx_match_dst(row, ip);
    vx_match_u(row, VX_F_IP_PROTO, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    vx_match_u(row, type, v4 ? ECHO_REQUEST : ECHO6_REQUEST);
    vx_match_u(row, v4 ? VX_F_ICMP_CODE : VX_F_ICMPV6_CODE, 0);
    vx_act_move(row, VX_F_ETH_DST, VX_F_ETH_SRC);
    vx_act_set_mac(row, VX_F_ETH_SRC, &vx_gateway_mac);
    vx_act_move(row, dst, src);
    vx_act_set_ip(row, src, ip);
    vx_act_set_u(row, type, v4 ? ECHO_REPLY : ECHO6_REPLY);
    vx_act_set_u(row, VX_F_IP_TTL, REPLY_TTL);
    vx_act_in_port(row);
}

static void
link_local(struct vx_rows *rows)
{
    static const struct vx_prefix fe80 = {
        .ip = { .family = 6, .b = { 0xfe, 0x80 } }, .length = 10
    };
    struct vx_ip gateway = vx_ip_link_local(&vx_gateway_mac);

    echo(base(rows, VX_T1_GATEWAY, 200), &gateway);
    for (int dst = 0; dst < 2; dst++) {
        struct vx_row *row = base(rows, VX_T1_GATEWAY, 180);

        row->cookie |= VX_COOKIE(0, VX_DROP_LINK_LOCAL, 0);
        vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_IPV6);
        vx_match_prefix(row, dst ? VX_F_IPV6_DST : VX_F_IPV6_SRC, &fe80);
    }
}

void
vx_compile_base_gateway(struct vx_rows *rows)
{
    enter(rows);
    link_local(rows);
    for (int i = 0; i < 4; i++) {
        struct vx_row *row = base(rows, VX_T1_GATEWAY, 170);

        vx_match_family(row, i & 1 ? 4 : 6);
        vx_match_u(row, VX_F_IP_TTL, i >> 1);
        vx_act_punt(row, VX_PUNT_TTL);
    }
    vx_act_goto(base(rows, VX_T1_GATEWAY, 0), VX_T1_POLICED);
    vx_base_drop(rows, VX_TENANT_TIER, VX_T1_PUNT, VX_DROP_PUNT);
}

void
vx_compile_subnet(const struct vx_subnet *subnet, uint32_t vni,
                  uint32_t router, struct vx_rows *rows)
{
    uint64_t cookie = VX_COOKIE(VX_SUBNET, VX_PASS, subnet->o.oid);
    bool v4 = subnet->gateway.family == 4;
    struct vx_row *row;

    row = vx_rows_flow(rows, VX_TENANT_TIER, VX_T1_GATEWAY, 200, cookie);
    vx_match_u(row, VX_F_REG5, router);
    echo(row, &subnet->gateway);

    row = vx_rows_flow(rows, VX_TENANT_TIER, VX_T1_GATEWAY, 190, cookie);
    vx_match_u(row, VX_F_REG5, router);
    vx_match_dst(row, &subnet->gateway);
    vx_act_punt(row, VX_PUNT_PORT_UNREACH);

    row = vx_rows_flow(rows, VX_TENANT_TIER, VX_T1_ROUTE,
                       VX_ROUTE_PRIORITY_BASE + subnet->prefix.length,
                       cookie);
    vx_match_u(row, VX_F_REG5, router);
    vx_match_family(row, subnet->prefix.ip.family);
    vx_match_prefix(row, v4 ? VX_F_IPV4_DST : VX_F_IPV6_DST,
                    &subnet->prefix);
    vx_act_set_u(row, VX_F_REG0, vni);
    vx_act_set_mac(row, VX_F_ETH_SRC, &vx_gateway_mac);
    vx_act_dec_ttl(row);
    vx_act_goto(row, VX_T1_MTU);

    if (vni == router) {
        row = vx_rows_flow(rows, VX_TENANT_TIER, VX_T1_GATEWAY, 10, cookie);
        vx_match_u(row, VX_F_REG5, router);
        vx_match_u(row, VX_F_REG0, router);
        vx_match_family(row, subnet->prefix.ip.family);
        vx_act_goto(row, VX_T1_LEG_POLICED);
    }
}
