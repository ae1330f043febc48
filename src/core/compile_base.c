/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of no object: classification, the join of the tiers, probes of the
 * controller, misses.  doc/pipeline.md, cookie "base".  Those of the
 * responder, the gateway and of routing are in files of their own. */
#include "core/compile_priv.h"

void
vx_compile_meter(struct vx_rows *rows, enum vx_tier tier, uint32_t meter,
                 uint32_t rate_kbps)
{
    struct vx_row *row = vx_rows_meter(rows, tier, meter);

    row->rate = rate_kbps;
    row->burst = rate_kbps;
}

void
vx_compile_meter_pps(struct vx_rows *rows, enum vx_tier tier, uint32_t meter,
                     uint32_t rate_pps, uint32_t burst)
{
    struct vx_row *row = vx_rows_meter(rows, tier, meter);

    row->in_packets = true;
    row->rate = rate_pps;
    row->burst = burst;
}

/* From the other tier: the VNI leaves the mark, which is cleared at once. */
static void
act_enter(struct vx_row *row, uint8_t table)
{
    vx_act_move_bits(row, VX_F_REG0, VX_F_PKT_MARK, 24);
    vx_act_set_u(row, VX_F_PKT_MARK, 0);
    vx_act_goto(row, table);
}

/* Frames of the controller: from its packet-out to tier 2, from there to the
 * controller.  Above all rows that lead to a tap. */
static void
probes(struct vx_rows *rows)
{
    struct vx_row *row;

    vx_compile_meter_pps(rows, VX_TENANT_TIER, VX_METER_CONTROLLER,
                         VX_METER_CONTROLLER_PKTPS,
                         VX_METER_CONTROLLER_BURST);

    row = vx_base(rows, VX_TENANT_TIER, VX_T1_GUARD, 200);
    row->cookie |= VX_COOKIE(0, VX_DROP_PROBE, 0);
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_PROBE);
    row = vx_base(rows, VX_TENANT_TIER, VX_T1_L2, 200);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_PROBE);
    vx_act_controller(row, VX_PROBE_MAX);
    row = vx_base(rows, VX_TENANT_TIER, VX_T1_L2, 190);
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_PROBE);
    vx_act_cross(row);
}

static void
base_tier1(struct vx_rows *rows)
{
    struct vx_row *row;

    probes(rows);

    row = vx_base(rows, VX_TENANT_TIER, VX_T1_CLASSIFY, 100);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    vx_act_set_u(row, VX_F_REG8, 1);
    act_enter(row, VX_T1_L2);
    vx_base_drop(rows, VX_TENANT_TIER, VX_T1_CLASSIFY, VX_DROP_UNKNOWN_PORT);

    /* Tier 2 answers, but what came from there: who is asked by a machine of
     * another fabric answers himself. */
    row = vx_base(rows, VX_TENANT_TIER, VX_T1_L2, 110);
    vx_match_u(row, VX_F_REG8, 0);
    vx_match_arp(row, 1);
    vx_act_cross(row);
    row = vx_base(rows, VX_TENANT_TIER, VX_T1_L2, 110);
    vx_match_u(row, VX_F_REG8, 0);
    vx_match_nd(row, VX_ND_NS);
    vx_act_cross(row);
    row = vx_base(rows, VX_TENANT_TIER, VX_T1_L2, 10);
    row->cookie |= VX_COOKIE(0, VX_DROP_NOT_LOCAL, 0);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    vx_act_cross(vx_base(rows, VX_TENANT_TIER, VX_T1_L2, 0));

    vx_compile_base_gateway(rows);
    vx_compile_base_route(rows);
    vx_compile_ecmp_group(VX_TENANT_TIER, VX_T1_HOP, rows);
}

/* Packets for the gateway were routed by tier 1 of the host they come from:
 * only the MAC of whom they are for is missing. */
static void
routed_tier2(struct vx_rows *rows)
{
    for (int family = 4; family <= 6; family += 2) {
        struct vx_row *row = vx_base(rows, VX_FABRIC_TIER, VX_T2_NEIGH, 10);

        vx_match_mac(row, VX_F_ETH_DST, &vx_gateway_mac);
        vx_match_family(row, family);
        vx_act_goto(row, VX_T2_ADJ);
    }
    vx_base_drop(rows, VX_FABRIC_TIER, VX_T2_ADJ, VX_DROP_STRAY);
    vx_compile_meter_pps(rows, VX_FABRIC_TIER, VX_METER(VX_METER_NO_HOST, 1),
                         VX_METER_NO_HOST_PPS, VX_METER_NO_HOST_BURST);
}

/* A border sends nothing back to where it came from: not to another zone what
 * is from another zone, nor to its own what is from its own. */
static void
no_loop(struct vx_rows *rows)
{
    for (enum vx_class class = VX_CLASS_ZONE; class < VX_N_CLASSES;
         class++) {
        struct vx_row *row = vx_base(rows, VX_FABRIC_TIER, VX_T2_OUT, 200);

        row->cookie |= VX_COOKIE(0, VX_DROP_TRANSIT_LOOP, 0);
        vx_match_u(row, VX_F_REG8, class);
        vx_match_u(row, VX_F_REG1, class);
    }
}

static void
base_tier2(struct vx_rows *rows)
{
    static const struct {
        uint8_t table;
        enum vx_drop_reason reason;
    } misses[] = {
        { VX_T2_CLASSIFY, VX_DROP_STRAY },
        { VX_T2_VTEP, VX_DROP_UNKNOWN_VTEP },
        { VX_T2_INGRESS, VX_DROP_UNKNOWN_VNI },
        { VX_T2_FDB, VX_DROP_BAD_MARK },
        { VX_T2_BORDER, VX_DROP_NO_HOST },
        { VX_T2_BORDER_SLOT, VX_DROP_NO_HOST },
        { VX_T2_HOST, VX_DROP_NO_HOST },
        { VX_T2_OUT, VX_DROP_STRAY },
    };
    struct vx_row *row;

    row = vx_base(rows, VX_FABRIC_TIER, VX_T2_CLASSIFY, 100);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    act_enter(row, VX_T2_NEIGH);
    row = vx_base(rows, VX_FABRIC_TIER, VX_T2_CLASSIFY, 100);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_VXLAN);
    vx_act_goto(row, VX_T2_VTEP);
    row = vx_base(rows, VX_FABRIC_TIER, VX_T2_INGRESS, 100);
    row->cookie |= VX_COOKIE(0, VX_DROP_WARM_UP, 0);
    vx_match_u(row, VX_F_REG0, VX_VNI_WARM);
    for (size_t i = 0; i < sizeof misses / sizeof misses[0]; i++) {
        vx_base_drop(rows, VX_FABRIC_TIER, misses[i].table,
                     misses[i].reason);
    }
    vx_act_goto(vx_base(rows, VX_FABRIC_TIER, VX_T2_NEIGH, 0), VX_T2_FDB);
    vx_compile_answers(rows);
    routed_tier2(rows);
    no_loop(rows);
    vx_compile_ecmp_group(VX_FABRIC_TIER, VX_T2_BORDER_SLOT, rows);
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
