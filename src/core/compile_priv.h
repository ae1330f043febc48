/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the compiler only: what several of its files say alike. */
#ifndef VX_CORE_COMPILE_PRIV_H
#define VX_CORE_COMPILE_PRIV_H

#include <netinet/in.h>

#include "core/compile.h"
#include "core/pipeline.h"

enum {
    VX_ETH_IPV4 = 0x0800,
    VX_ETH_ARP = 0x0806,
    VX_ETH_IPV6 = 0x86dd,
    VX_ND_RS = 133,
    VX_ND_RA = 134,
    VX_ND_NS = 135,
    VX_ND_NA = 136,
    VX_ND_REDIRECT = 137,
};

static const struct vx_mac vx_gateway_mac = VX_GATEWAY_MAC;

/* A row of no object. */
static inline struct vx_row *
vx_base(struct vx_rows *rows, enum vx_tier tier, uint8_t table,
        uint16_t priority)
{
    return vx_rows_flow(rows, tier, table, priority, VX_COOKIE_BASE);
}

static inline struct vx_row *
vx_base_drop(struct vx_rows *rows, enum vx_tier tier, uint8_t table,
             enum vx_drop_reason reason)
{
    return vx_rows_flow(rows, tier, table, 0,
                        VX_COOKIE_BASE | VX_COOKIE(0, reason, 0));
}

/* Ethernet type 4 or 6. */
static inline void
vx_match_family(struct vx_row *row, uint8_t family)
{
    vx_match_u(row, VX_F_ETH_TYPE, family == 4 ? VX_ETH_IPV4 : VX_ETH_IPV6);
}

/* Ethernet type and source or destination. */
static inline void
vx_match_dst(struct vx_row *row, const struct vx_ip *ip)
{
    vx_match_family(row, ip->family);
    vx_match_ip(row, ip->family == 4 ? VX_F_IPV4_DST : VX_F_IPV6_DST, ip);
}

/* Type and code 0, from the Ethernet type on. */
static inline void
vx_match_nd(struct vx_row *row, unsigned type)
{
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_IPV6);
    vx_match_u(row, VX_F_IP_PROTO, IPPROTO_ICMPV6);
    vx_match_u(row, VX_F_ICMPV6_TYPE, type);
    vx_match_u(row, VX_F_ICMPV6_CODE, 0);
}

static inline void
vx_match_arp(struct vx_row *row, unsigned op)
{
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_ARP);
    vx_match_u(row, VX_F_ARP_OP, op);
}

static inline void
vx_match_multicast(struct vx_row *row)
{
    static const uint64_t multicast = UINT64_C(0x010000000000);

    vx_match_masked(row, VX_F_ETH_DST, multicast, multicast);
}

/* To the other bridge; the VNI in the mark. */
static inline void
vx_act_cross(struct vx_row *row)
{
    vx_act_move(row, VX_F_PKT_MARK, VX_F_REG0);
    vx_act_output(row, VX_OFPORT_PATCH);
}

static inline void
vx_act_punt(struct vx_row *row, enum vx_punt why)
{
    vx_act_set_u(row, VX_F_REG1, why);
    vx_act_goto(row, VX_T1_PUNT);
}

/* A meter of so many kbit a second, with a second's worth of burst. */
void vx_compile_meter(struct vx_rows *rows, enum vx_tier tier, uint32_t meter,
                      uint32_t rate_kbps);
/* Of packets. */
void vx_compile_meter_pps(struct vx_rows *rows, enum vx_tier tier,
                          uint32_t meter, uint32_t rate_pps, uint32_t burst);
/* A tenth of a second's, at least 10: a burst costs others their packets. */
static inline uint32_t
vx_pps_burst(uint32_t rate_pps)
{
    return rate_pps < 100 ? 10 : rate_pps / 10;
}

/* Base rows by concern. */
void vx_compile_answers(struct vx_rows *rows);      /* tier 2, 21, 22 */
void vx_compile_base_gateway(struct vx_rows *rows); /* tier 1: 20, 25, 60 */
void vx_compile_base_route(struct vx_rows *rows);   /* tier 1: 30..45 */
void vx_compile_ecmp_group(enum vx_tier tier, uint8_t table,
                           struct vx_rows *rows);

#endif
