/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a network on a host with presence.  doc/pipeline.md, cookie
 * "network". */
#include "core/compile_priv.h"

/* Every row of a tenant matches its VNI: isolation, and no tenant's rows
 * widen the megaflows of another. */
static struct vx_row *
flow(struct vx_rows *rows, const struct vx_network *network,
     enum vx_tier tier, uint8_t table)
{
    struct vx_row *row = vx_rows_flow(rows, tier, table, 0,
                                      VX_COOKIE(VX_NETWORK, 0,
                                                network->o.oid));

    vx_match_u(row, VX_F_REG0, network->vni);
    return row;
}

static struct vx_row *
tier1(struct vx_rows *rows, const struct vx_network *network, uint8_t table,
      uint16_t priority)
{
    struct vx_row *row = flow(rows, network, VX_TENANT_TIER, table);

    row->priority = priority;
    return row;
}

static struct vx_row *
tier2(struct vx_rows *rows, const struct vx_network *network, uint8_t table,
      uint16_t priority)
{
    struct vx_row *row = flow(rows, network, VX_FABRIC_TIER, table);

    row->priority = priority;
    return row;
}

void
vx_compile_network_tier1(const struct vx_segment *segment,
                         struct vx_rows *rows)
{
    const struct vx_network *network = segment->network;
    struct vx_row *row;

    vx_rows_group(rows, VX_TENANT_TIER, network->vni);
    row = vx_rows_bucket(rows, VX_TENANT_TIER, network->vni,
                         VX_OFPORT_PATCH);
    vx_act_cross(row);
    row = tier1(rows, network, VX_T1_L2, 90);
    vx_match_multicast(row);
    vx_act_group(row, network->vni);
    if (segment->routed6) {
        row = tier1(rows, network, VX_T1_ENTER, 130);
        vx_match_nd(row, VX_ND_RS);
        vx_act_punt(row, VX_PUNT_RS);
    }
}

void
vx_compile_small_mtu(uint64_t network, uint32_t vni, uint16_t mtu,
                     struct vx_rows *rows)
{
    struct vx_row *row = vx_rows_flow(rows, VX_TENANT_TIER, VX_T1_MTU, 100,
                                      VX_COOKIE(VX_NETWORK, VX_PASS,
                                                network));

    vx_match_u(row, VX_F_REG0, vni);
    vx_act_check_larger(row, VX_F_REG1, mtu + 14);
    vx_act_goto(row, VX_T1_MTU_SEEN);
}

/* What is a network's own in tier 2. */
struct side {
    const struct vx_segment *segment;
    const struct vx_network *network;
    const struct vx_view *view;
    struct vx_rows *rows;
};

/* What nobody is known to have: elsewhere, if that is the borders' business,
 * else nowhere. */
static void
miss(const struct side *side, struct vx_row *row, enum vx_drop_reason reason)
{
    if (side->view->border) {
        vx_act_set_u(row, VX_F_REG9, VX_TO_BORDER | side->view->border);
        vx_act_goto(row, VX_T2_BORDER);
    } else {
        row->cookie |= VX_COOKIE(0, reason, 0);
    }
}

static void
ingress(const struct side *side)
{
    struct vx_row *row = tier2(side->rows, side->network, VX_T2_INGRESS,
                               100);

    if (side->view->transit) {
        vx_act_goto(row, VX_T2_NEIGH);
    } else {
        vx_act_cross(row);
    }
}

/* Another fabric may tell a MAC without its addresses (RFC 7432 7.2): then all
 * are asked. */
static void
ask(const struct side *side, struct vx_row *row, enum vx_drop_reason reason)
{
    if (side->segment->external && !side->view->border
        && !side->view->transit) {
        vx_act_group(row, side->network->vni);
    } else {
        miss(side, row, reason);
    }
}

static void
neigh(const struct side *side)
{
    struct vx_ip gateway = vx_ip_link_local(&vx_gateway_mac);
    struct vx_row *row;

    if (side->segment->routed6) {
        row = tier2(side->rows, side->network, VX_T2_NEIGH, 100);
        vx_match_nd(row, VX_ND_NS);
        vx_match_u(row, VX_F_IP_TTL, 255);
        vx_match_ip(row, VX_F_ND_TARGET, &gateway);
        vx_act_set_mac(row, VX_F_XREG1, &vx_gateway_mac);
        vx_act_goto(row, VX_T2_ANSWER);
    }
    row = tier2(side->rows, side->network, VX_T2_NEIGH, 50);
    vx_match_arp(row, 1);
    ask(side, row, VX_DROP_UNKNOWN_ARP);
    row = tier2(side->rows, side->network, VX_T2_NEIGH, 50);
    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_IPV6);
    vx_match_u(row, VX_F_IP_PROTO, IPPROTO_ICMPV6);
    vx_match_u(row, VX_F_ICMPV6_TYPE, VX_ND_NS);
    ask(side, row, VX_DROP_UNKNOWN_ND);
}

static void
adj(const struct side *side)
{
    struct vx_row *row;

    if (!side->segment->router) {
        return;
    }
    row = tier2(side->rows, side->network, VX_T2_ADJ, 50);
    if (side->view->border) {
        miss(side, row, VX_DROP_STRAY);
    } else {
        vx_act_meter(row, VX_METER(VX_METER_NO_HOST, 1));
        vx_act_set_u(row, VX_F_REG1, VX_PUNT_NO_HOST);
        vx_act_controller(row, VX_PUNT_MAX);
    }
}

/* A border passes on what tunnels bring to whom it replicates for, one border
 * of the zone; the others only let their own machines have it. */
static void
flood_transit(const struct side *side, enum vx_class from, uint32_t group)
{
    uint32_t id = side->network->vni | group;
    struct vx_row *row;

    vx_rows_group(side->rows, VX_FABRIC_TIER, id);
    row = tier2(side->rows, side->network, VX_T2_FDB, 95);
    vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_VXLAN);
    vx_match_u(row, VX_F_REG8, from);
    vx_match_multicast(row);
    vx_act_group(row, id);
}

static void
flood(const struct side *side)
{
    const struct vx_network *network = side->network;
    uint32_t meter = VX_METER(VX_METER_NETWORK_BUM, network->vni);
    struct vx_row *row;

    vx_rows_group(side->rows, VX_FABRIC_TIER, network->vni);
    if (side->view->designated) {
        flood_transit(side, VX_CLASS_ZONE, VX_GROUP_FROM_ZONE);
        flood_transit(side, VX_CLASS_CROSS, VX_GROUP_FROM_CROSS);
    } else if (side->view->transit) {
        row = tier2(side->rows, network, VX_T2_FDB, 95);
        vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_VXLAN);
        vx_match_multicast(row);
        vx_act_cross(row);
    }
    if (network->bum_pps) {
        vx_compile_meter_pps(side->rows, VX_FABRIC_TIER, meter,
                             network->bum_pps,
                             vx_pps_burst(network->bum_pps));
    }
    row = tier2(side->rows, network, VX_T2_FDB, 90);
    vx_match_multicast(row);
    if (network->bum_pps) {
        vx_act_meter(row, meter);
    }
    vx_act_group(row, network->vni);
}

static void
act_budgets(struct vx_row *row, const struct vx_view *view)
{
    if (view->tenant_budget) {
        vx_act_meter(row, VX_METER(VX_METER_TENANT, view->tenant_budget));
    }
    if (view->host_budget) {
        vx_act_meter(row, VX_METER(VX_METER_HOST, 1));
    }
}

/* Counted by class; what leaves the zone within its budgets.  What a border
 * got through the tunnel port leaves by it only if told that this is meant,
 * and was within its budgets where it came from. */
static void
out(const struct side *side, bool transit)
{
    for (enum vx_class class = VX_CLASS_ZONE; class < VX_N_CLASSES;
         class++) {
        struct vx_row *row = tier2(side->rows, side->network, VX_T2_OUT,
                                   transit ? 110 : 100);

        if (transit) {
            vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_VXLAN);
        }
        vx_match_u(row, VX_F_REG1, class);
        if (class == VX_CLASS_CROSS && !transit) {
            act_budgets(row, side->view);
        }
        if (transit) {
            vx_act_in_port(row);
        } else {
            vx_act_output(row, VX_OFPORT_VXLAN);
        }
    }
}

void
vx_compile_network_tier2(const struct vx_segment *segment,
                         const struct vx_view *view, struct vx_rows *rows)
{
    struct side side = {
        .segment = segment, .network = segment->network, .view = view,
        .rows = rows
    };

    out(&side, false);
    if (view->transit) {
        out(&side, true);
    }
    adj(&side);
    miss(&side, tier2(rows, segment->network, VX_T2_FDB, 50),
         VX_DROP_UNKNOWN_MAC);
    if (view->member || view->transit) {
        ingress(&side);
        neigh(&side);
        flood(&side);
    }
}

void
vx_compile_bum_bucket(uint32_t host_num, uint32_t group,
                      struct vx_rows *rows)
{
    struct vx_row *row = vx_rows_bucket(rows, VX_FABRIC_TIER, group,
                                        host_num);

    vx_act_set_u(row, VX_F_REG9, host_num);
    vx_act_resubmit(row, VX_T2_HOST);
}

/* No host has the number 0. */
void
vx_compile_bum_local(uint32_t group, struct vx_rows *rows)
{
    vx_act_cross(vx_rows_bucket(rows, VX_FABRIC_TIER, group, 0));
}
