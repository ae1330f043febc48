/* SPDX-License-Identifier: Apache-2.0 */
/* Which port is behind an interface: what the fabric is asked by those who
 * hear and talk to VMs.  Changes nothing. */
#include "core/fabric_graph.h"

#include <string.h>

static bool
is_at(const struct vx_fport *port, const struct vx_fhost *host,
      uint32_t ofport)
{
    return (port->member && port->member->host == host
            && port->ofport == ofport)
           || (port->guest && port->guest->host == host
               && port->guest_ofport == ofport);
}

uint64_t
vx_fabric_port_at(const struct vx_fabric *f, uint64_t host_oid,
                  uint32_t ofport)
{
    const struct vx_fhost *host = vx_fhost_find(f, host_oid);
    const struct vx_fiface *iface = host && ofport
        ? vx_fiface_by_ofport(host, ofport) : NULL;

    for (const struct vx_fport *port = iface ? vx_fport_first(f, iface->id)
                                             : NULL;
         port; port = vx_fport_next(port)) {
        if (is_at(port, host, ofport)) {
            return port->oid;
        }
    }
    return 0;
}

uint64_t
vx_fabric_next_port(const struct vx_fabric *f, uint64_t network,
                    uint64_t after)
{
    const struct vx_fnet *net = vx_fnet_find(f, network);
    const struct vx_tree_node *node;
    uint64_t key = after + 1;

    node = net ? vx_tree_ceil(&net->ports, &key) : NULL;
    return node ? VX_FPORT(node, by_network)->oid : 0;
}
