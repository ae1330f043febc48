/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that point to a host or accept packets of it, on the others.
 * doc/pipeline.md, cookie "host", and the buckets of tier 2. */
#include "core/compile.h"
#include "core/pipeline.h"

void
vx_compile_vtep(const struct vx_host *host, struct vx_rows *rows)
{
    if (!vx_host_is_peer(host)) {
        return;
    }
    struct vx_row *row = vx_rows_flow(rows, VX_FABRIC_TIER, VX_T2_VTEP, 100,
                                      VX_COOKIE(VX_HOST, 0, host->o.oid));

    vx_match_ip(row, host->vtep.family == 4 ? VX_F_TUN_SRC
                                            : VX_F_TUN_IPV6_SRC,
                &host->vtep);
    vx_act_move_bits(row, VX_F_REG0, VX_F_TUN_ID, 24);
    vx_act_goto(row, VX_T2_INGRESS);
}

static void
act_send(struct vx_row *row, uint32_t vni, const struct vx_ip *vtep)
{
    vx_act_set_u(row, VX_F_TUN_ID, vni);
    vx_act_set_ip(row, vtep->family == 4 ? VX_F_TUN_DST : VX_F_TUN_IPV6_DST,
                  vtep);
    vx_act_output(row, VX_OFPORT_VXLAN);
}

void
vx_compile_bum_bucket(const struct vx_host *host, uint32_t vni,
                      struct vx_rows *rows)
{
    if (vx_host_is_peer(host)) {
        act_send(vx_rows_bucket(rows, VX_FABRIC_TIER, vni, host->num), vni,
                 &host->vtep);
    }
}

void
vx_compile_fdb(const struct vx_port *port, uint32_t vni,
               const struct vx_host *host, struct vx_rows *rows)
{
    if (!vx_host_is_peer(host)) {
        return;
    }
    struct vx_row *row = vx_rows_flow(rows, VX_FABRIC_TIER, VX_T2_FDB, 100,
                                      VX_COOKIE(VX_PORT, 0, port->o.oid));

    vx_match_u(row, VX_F_REG0, vni);
    vx_match_mac(row, VX_F_ETH_DST, &port->mac);
    act_send(row, vni, &host->vtep);
}
