/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the model by address, for who answers packets.  Changes nothing. */
#include "core/model_priv.h"

const struct vx_port *
vx_model_port_by_ip(const struct vx_model *model, uint64_t network,
                    const struct vx_ip *ip)
{
    const struct vx_ent *net = vx_model_ent_of(model, network, VX_NETWORK);
    const struct vx_ent *port = net
        ? vx_network_port_by_ip(vx_network_ent(net), ip) : NULL;

    return port ? (const void *) port->obj : NULL;
}

const struct vx_subnet *
vx_model_routed_subnet(const struct vx_model *model, uint64_t tenant,
                       const struct vx_ip *ip)
{
    const struct vx_ent *ent = vx_model_ent_of(model, tenant, VX_TENANT);
    const struct vx_subnet_ent *subnet = ent
        ? vx_tenant_subnet_of(vx_tenant_ent(ent), ip) : NULL;

    return subnet ? (const void *) subnet->e.obj : NULL;
}

const struct vx_port *
vx_model_port_by_mac(const struct vx_model *model, uint64_t network,
                     const struct vx_mac *mac)
{
    const struct vx_ent *net = vx_model_ent_of(model, network, VX_NETWORK);
    const struct vx_ent *ent = net
        ? vx_network_port_by_mac(vx_network_ent(net), mac) : NULL;

    return ent ? (const void *) ent->obj : NULL;
}
