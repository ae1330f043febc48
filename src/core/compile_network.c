/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a network on a host with presence.  doc/pipeline.md, cookie
 * "network". */
#include <netinet/in.h>

#include "core/compile.h"
#include "core/pipeline.h"

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

static void
drop(struct vx_row *row, uint16_t priority, enum vx_drop_reason reason)
{
    row->priority = priority;
    row->cookie |= VX_COOKIE(0, reason, 0);
}

static void
flood(struct vx_row *row, uint32_t group)
{
    static const uint64_t multicast = UINT64_C(0x010000000000);

    row->priority = 90;
    vx_match_masked(row, VX_F_ETH_DST, multicast, multicast);
    vx_act_group(row, group);
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
    vx_act_move(row, VX_F_PKT_MARK, VX_F_REG0);
    vx_act_output(row, VX_OFPORT_PATCH);
    flood(flow(rows, network, VX_TENANT_TIER, VX_T1_L2), network->vni);
}

/* Counted by class; what leaves the zone within its budgets. */
static void
out(const struct vx_network *network, struct vx_rows *rows)
{
    for (enum vx_class class = VX_CLASS_ZONE; class < VX_N_CLASSES;
         class++) {
        struct vx_row *row = flow(rows, network, VX_FABRIC_TIER, VX_T2_OUT);

        row->priority = 100;
        vx_match_u(row, VX_F_REG1, class);
        vx_act_output(row, VX_OFPORT_VXLAN);
    }
}

void
vx_compile_network_tier2(const struct vx_segment *segment,
                         const struct vx_view *view, struct vx_rows *rows)
{
    const struct vx_network *network = segment->network;
    struct vx_row *row;

    if (!view->member) {
        return;
    }
    out(network, rows);

    vx_rows_group(rows, VX_FABRIC_TIER, network->vni);

    row = flow(rows, network, VX_FABRIC_TIER, VX_T2_INGRESS);
    row->priority = 100;
    vx_act_move(row, VX_F_PKT_MARK, VX_F_REG0);
    vx_act_output(row, VX_OFPORT_PATCH);

    row = flow(rows, network, VX_FABRIC_TIER, VX_T2_NEIGH);
    vx_match_u(row, VX_F_ETH_TYPE, 0x0806);
    vx_match_u(row, VX_F_ARP_OP, 1);
    drop(row, 50, VX_DROP_UNKNOWN_ARP);
    row = flow(rows, network, VX_FABRIC_TIER, VX_T2_NEIGH);
    vx_match_u(row, VX_F_ETH_TYPE, 0x86dd);
    vx_match_u(row, VX_F_IP_PROTO, IPPROTO_ICMPV6);
    vx_match_u(row, VX_F_ICMPV6_TYPE, 135);
    drop(row, 50, VX_DROP_UNKNOWN_ND);

    flood(flow(rows, network, VX_FABRIC_TIER, VX_T2_FDB), network->vni);
    drop(flow(rows, network, VX_FABRIC_TIER, VX_T2_FDB), 50,
         VX_DROP_UNKNOWN_MAC);
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
