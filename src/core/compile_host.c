/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that lead to a host or zone, or accept packets of it, on the others.
 * doc/pipeline.md, cookies "host" and "zone". */
#include <assert.h>

#include "core/compile_priv.h"

static struct vx_row *
flow(struct vx_rows *rows, uint8_t table, const struct vx_host *host)
{
    return vx_rows_flow(rows, VX_FABRIC_TIER, table, 100,
                        VX_COOKIE(VX_HOST, 0, host->o.oid));
}

static void
act_send(struct vx_row *row, const struct vx_host *host, enum vx_class class)
{
    vx_act_move_bits(row, VX_F_TUN_ID, VX_F_REG0, 24);
    vx_act_set_ip(row, host->vtep.family == 4 ? VX_F_TUN_DST
                                              : VX_F_TUN_IPV6_DST,
                  &host->vtep);
    vx_act_set_u(row, VX_F_REG1, class);
    vx_act_goto(row, VX_T2_OUT);
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
    act_send(row, host, class);
}

void
vx_compile_host_budget(const struct vx_zone *zone, struct vx_rows *rows)
{
    if (zone->budget_kbps) {
        vx_compile_meter(rows, VX_FABRIC_TIER, VX_METER(VX_METER_HOST, 1),
                         zone->budget_kbps);
    }
}

void
vx_compile_tenant_budget(const struct vx_tenant *tenant,
                         struct vx_rows *rows)
{
    if (tenant->budget_kbps && tenant->router_vni) {
        vx_compile_meter(rows, VX_FABRIC_TIER,
                         VX_METER(VX_METER_TENANT, tenant->router_vni),
                         tenant->budget_kbps);
    }
}

static void
act_by_border(struct vx_row *row, const struct vx_host *host)
{
    vx_act_set_u(row, VX_F_REG9, VX_BY_BORDER | host->num);
    vx_act_goto(row, VX_T2_HOST);
}

/* What goes by a border leaves the zone, wherever the border is. */
static void
border_host(const struct vx_host *host, uint64_t cookie,
            struct vx_rows *rows)
{
    struct vx_row *row;

    if (!vx_host_is_peer(host)) {
        return;
    }
    row = vx_rows_flow(rows, VX_FABRIC_TIER, VX_T2_HOST, 100, cookie);
    vx_match_u(row, VX_F_REG9, VX_BY_BORDER | host->num);
    act_send(row, host, VX_CLASS_CROSS);
}

void
vx_compile_border(const struct vx_zone *zone,
                  const struct vx_host *const *hosts, size_t n_hosts,
                  struct vx_rows *rows)
{
    uint64_t cookie = VX_COOKIE(VX_ZONE, VX_PASS, zone->o.oid);
    unsigned __int128 keys[VX_ZONE_MAX_BORDERS];
    struct vx_row *row;

    assert(n_hosts && n_hosts <= VX_ZONE_MAX_BORDERS);
    for (size_t i = 0; i < n_hosts; i++) {
        border_host(hosts[i], cookie, rows);
    }
    row = vx_rows_flow(rows, VX_FABRIC_TIER, VX_T2_BORDER, 100, cookie);
    vx_match_u(row, VX_F_REG9, VX_TO_BORDER | zone->num);
    if (n_hosts == 1) {
        act_by_border(row, hosts[0]);
        return;
    }
    vx_act_group(row, VX_GROUP_ECMP);
    for (size_t i = 0; i < n_hosts; i++) {
        keys[i] = hosts[i]->num;
    }
    for (unsigned slot = 0; slot < VX_ECMP_SLOTS; slot++) {
        row = vx_rows_flow(rows, VX_FABRIC_TIER, VX_T2_BORDER_SLOT, 100,
                           cookie);
        vx_match_u(row, VX_F_REG9, VX_TO_BORDER | zone->num);
        vx_match_u(row, VX_F_REG7, slot);
        act_by_border(row, hosts[vx_ecmp_pick(slot, keys, n_hosts)]);
    }
}
