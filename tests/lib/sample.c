/* SPDX-License-Identifier: Apache-2.0 */
/* Objects are built on the stack, compiled and forgotten.  MAC
 * 02:HH:00:NN:NN:PP and 10.HH.0.PP, fd00::HH:PP name host, network, port. */
#include "tests/lib/sample.h"

#include "core/compile.h"
#include "core/order.h"

static struct vx_host
host_of(const struct sample *sample, unsigned h)
{
    struct vx_host host = { .o = { .oid = 100 + h }, .num = h + 1 };

    if (sample->mixed && h % 2) {
        host.vtep = (struct vx_ip) {
            .family = 6, .b = { 0xfd, 0x31, [14] = h >> 8, [15] = h }
        };
    } else {
        host.vtep = (struct vx_ip) {
            .family = 4, .b = { 172, 31, h >> 8, h }
        };
    }
    return host;
}

static void
port_rows(const struct sample *sample, enum vx_tier tier,
          const struct vx_port *port, const unsigned at[3],
          struct vx_rows *rows)
{
    unsigned n = at[0], h = at[1], p = at[2], vni = 1000 + n;
    struct vx_network network = { .vni = vni };

    if (tier == VX_TENANT_TIER && !h) {
        struct vx_tap tap = {
            .ofport = sample->first_ofport + n * sample->n_ports + p
        };

        vx_compile_tap(port, &(struct vx_segment) { .network = &network },
                       tap, rows);
    } else if (tier == VX_FABRIC_TIER) {
        vx_compile_neigh(port, vni, rows);
        if (h) {
            vx_compile_fdb(port, vni, host_of(sample, h).num, rows);
        }
    }
}

static void
network_rows(const struct sample *sample, enum vx_tier tier, unsigned n,
             struct vx_rows *rows)
{
    struct vx_network network = { .o = { .oid = 1000 + n }, .vni = 1000 + n };
    struct vx_segment segment = { .network = &network };
    struct vx_view view = { .member = true };

    if (tier == VX_TENANT_TIER) {
        vx_compile_network_tier1(&segment, rows);
    } else {
        vx_compile_network_tier2(&segment, &view, rows);
    }
    for (unsigned h = 0; h <= sample->n_hosts; h++) {
        if (h && tier == VX_FABRIC_TIER) {
            vx_compile_bum_bucket(host_of(sample, h).num, network.vni,
                                  rows);
        }
        for (unsigned p = 0; p < sample->n_ports; p++) {
            struct vx_ip ips[2] = {
                { .family = 4, .b = { 10, h, p >> 8, p } },
                { .family = 6, .b = { 0xfd, [13] = h, [14] = p >> 8,
                                      [15] = p } },
            };
            struct vx_port port = {
                .o = { .oid = 100000 + n * 1000 + h * 100 + p },
                .mac = { { 2, h, p >> 8, n >> 8, n, p } },
                .ips = ips,
                .n_ips = 2,
                .guard = p % 4 != 3,
            };
            port_rows(sample, tier, &port, (unsigned[]) { n, h, p }, rows);
        }
    }
}

void
sample_rows(const struct sample *sample, enum vx_tier tier,
            struct vx_rows *rows)
{
    vx_compile_base(tier, rows);
    for (unsigned h = 1; tier == VX_FABRIC_TIER && h <= sample->n_hosts;
         h++) {
        struct vx_host host = host_of(sample, h);
        vx_compile_peer(&host, true, rows);
    }
    for (unsigned n = 0; n < sample->n_networks; n++) {
        network_rows(sample, tier, n, rows);
    }
    vx_order_add(rows);
}
