/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the graph: the full compile of a switch, and what status and dry
 * run ask.  The compile loops over the same unit functions that differences
 * are made with. */
#include "core/compile.h"
#include "core/fabric_graph.h"
#include "core/order.h"

static void
compile_member1(const struct vx_fmember *member, struct vx_rows *rows)
{
    const struct vx_network *network = member->net->obj;

    vx_compile_network(network, VX_TENANT_TIER, rows);
    VX_TREE_FOR_EACH(node, &member->ports) {
        const struct vx_fport *port = VX_FPORT(node, by_member);

        if (port->ofport) {
            vx_compile_tap(port->obj, network->vni, port->ofport, rows);
        }
    }
}

static void
compile_member2(const struct vx_fabric *f, const struct vx_fmember *member,
                const struct vx_fhost *host, struct vx_rows *rows)
{
    const struct vx_fnet *net = member->net;

    vx_femit_network(f, net, host, rows);
    VX_TREE_FOR_EACH(node, &net->ports) {
        const struct vx_fport *port = VX_FPORT(node, by_network);

        if (port->member) {
            vx_femit_port(port->obj, port->member, host, rows);
        }
    }
}

/* What belongs to no network. */
static void
compile_rest(const struct vx_fabric *f, const struct vx_fhost *host,
             enum vx_tier tier, struct vx_rows *rows)
{
    vx_compile_base(tier, rows);
    if (tier == VX_FABRIC_TIER) {
        VX_TREE_FOR_EACH(node, &f->hosts) {
            const struct vx_fhost *other = VX_FHOST(node);

            if (other != host && other->obj) {
                vx_compile_vtep(other->obj, rows);
            }
        }
    }
}

bool
vx_fabric_compile_part(const struct vx_fabric *f, uint64_t oid,
                       enum vx_tier tier, uint64_t *cursor,
                       struct vx_rows *rows)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);
    struct vx_tree_node *node;
    uint64_t next = *cursor;
    size_t max = rows->n + VX_FABRIC_PART;

    if (!host || !host->obj) {
        return false;
    }
    if (!next) {
        compile_rest(f, host, tier, rows);
        *cursor = next = 1;
    }
    for (node = vx_tree_ceil(&host->members, &next);
         node && rows->n < max; node = vx_tree_next(node)) {
        const struct vx_fmember *member = VX_FMEMBER(node);

        if (tier == VX_TENANT_TIER) {
            compile_member1(member, rows);
        } else {
            compile_member2(f, member, host, rows);
        }
        *cursor = member->net->oid + 1;
    }
    return node != NULL;
}

void
vx_fabric_compile(const struct vx_fabric *f, uint64_t oid, enum vx_tier tier,
                  struct vx_rows *ret_rows)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);

    *ret_rows = (struct vx_rows) { 0 };
    if (!host || !host->obj) {
        return;
    }
    compile_rest(f, host, tier, ret_rows);
    VX_TREE_FOR_EACH(node, &host->members) {
        if (tier == VX_TENANT_TIER) {
            compile_member1(VX_FMEMBER(node), ret_rows);
        } else {
            compile_member2(f, VX_FMEMBER(node), host, ret_rows);
        }
    }
    vx_order_add(ret_rows);
}

uint64_t
vx_fabric_hash(struct vx_fabric *f, uint64_t oid, enum vx_tier tier)
{
    struct vx_fhost *host = vx_fhost_find(f, oid);

    if (!host || !host->obj) {
        return 0;
    }
    if (!host->hashed[tier - 1]) {
        struct vx_rows rows;

        vx_fabric_compile(f, oid, tier, &rows);
        host->hash[tier - 1] = 0;
        for (size_t i = 0; i < rows.n; i++) {
            host->hash[tier - 1] += vx_row_hash(&rows.rows[i]);
        }
        vx_rows_fini(&rows);
        host->hashed[tier - 1] = true;
    }
    return host->hash[tier - 1];
}

/* The first host that has the port's interface though the port is not
 * there.  A port that may be anywhere and is nowhere yet is not elsewhere,
 * it is about to be located; unless the host is draining. */
static uint64_t
elsewhere(const struct vx_fabric *f, const struct vx_fport *port)
{
    const struct vx_fiface *iface;

    for (iface = vx_fiface_first(f, port->obj->iface_id); iface;
         iface = vx_fiface_next(iface)) {
        if (iface->host != port->location && iface->host->obj
            && (vx_port_location(port->obj) || iface->host->obj->draining)) {
            return iface->host->oid;
        }
    }
    return 0;
}

uint64_t
vx_fabric_locate(const struct vx_fabric *f, uint64_t oid)
{
    const struct vx_fport *port = vx_fport_find(f, oid);

    return port && port->obj ? vx_fport_locate(f, port) : 0;
}

bool
vx_fabric_place(const struct vx_fabric *f, uint64_t oid,
                struct vx_place *ret_place)
{
    const struct vx_fport *port = vx_fport_find(f, oid);

    if (!port) {
        return false;
    }
    *ret_place = (struct vx_place) {
        .network = port->net->oid,
        .host = port->member ? port->member->host->oid : 0,
        .ofport = port->ofport,
        .elsewhere = elsewhere(f, port),
    };
    return true;
}

const uint64_t *
vx_fabric_network_hosts(const struct vx_fabric *f, uint64_t network,
                        size_t *ret_n)
{
    const struct vx_fnet *net = vx_fnet_find(f, network);

    *ret_n = net ? net->n_hosts : 0;
    return net ? net->hosts : NULL;
}

void
vx_fabric_host_networks(const struct vx_fabric *f, uint64_t oid,
                        void (*each)(void *aux, uint64_t network), void *aux)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);

    if (host) {
        VX_TREE_FOR_EACH(node, &host->members) {
            each(aux, VX_FMEMBER(node)->net->oid);
        }
    }
}

void
vx_fabric_network_ports(const struct vx_fabric *f, uint64_t network,
                        void (*each)(void *aux, uint64_t port), void *aux)
{
    const struct vx_fnet *net = vx_fnet_find(f, network);

    if (net) {
        VX_TREE_FOR_EACH(node, &net->ports) {
            const struct vx_fport *port = VX_FPORT(node, by_network);

            if (port->member) {
                each(aux, port->oid);
            }
        }
    }
}

size_t
vx_fabric_host_n_ports(const struct vx_fabric *f, uint64_t oid)
{
    const struct vx_fhost *host = vx_fhost_find(f, oid);

    return host ? host->n_ports : 0;
}
