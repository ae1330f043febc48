/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that lead to a host or zone, or accept packets of it, on the others.
 * doc/pipeline.md, cookies "host" and "zone". */
#include "core/compile.h"
#include "core/pipeline.h"

static struct vx_row *
flow(struct vx_rows *rows, uint8_t table, const struct vx_host *host)
{
    return vx_rows_flow(rows, VX_FABRIC_TIER, table, 100,
                        VX_COOKIE(VX_HOST, 0, host->o.oid));
}

void
vx_compile_peer(const struct vx_host *host, bool same_zone,
                struct vx_rows *rows)
{
    enum vx_class class = same_zone ? VX_CLASS_ZONE : VX_CLASS_CROSS;
    struct vx_row *row;

    if (!vx_host_is_peer(host)) {
        return;
    }
    row = flow(rows, VX_T2_VTEP, host);
    vx_match_ip(row, host->vtep.family == 4 ? VX_F_TUN_SRC
                                            : VX_F_TUN_IPV6_SRC,
                &host->vtep);
    vx_act_move_bits(row, VX_F_REG0, VX_F_TUN_ID, 24);
    vx_act_set_u(row, VX_F_REG8, class);
    vx_act_goto(row, VX_T2_INGRESS);

    row = flow(rows, VX_T2_HOST, host);
    vx_match_u(row, VX_F_REG9, host->num);
    vx_act_move_bits(row, VX_F_TUN_ID, VX_F_REG0, 24);
    vx_act_set_ip(row, host->vtep.family == 4 ? VX_F_TUN_DST
                                              : VX_F_TUN_IPV6_DST,
                  &host->vtep);
    vx_act_set_u(row, VX_F_REG1, class);
    vx_act_goto(row, VX_T2_OUT);
}
