/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of others on br-fabric, where nobody but us has any business: found
 * by an audit, removed when an operator says so.  Pure, as bootstrap.c. */
#include "ovs-glue/bootstrap.h"

#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "lib/buf.h"
#include "ovs-glue/ovsdb_view.h"

static bool
is_strange(const struct og_port *port)
{
    const struct og_bridge *bridge = og_view_port_bridge(port);

    return bridge && !strcmp(bridge->name, VX_BRIDGE_FABRIC)
           && strcmp(port->name, VX_BRIDGE_FABRIC)
           && strcmp(port->name, OG_VXLAN)
           && strcmp(port->name, OG_PATCH_TO_TENANT);
}

void
og_bootstrap_strange_ports(const struct og_ovsdb_view *view,
                           void (*f)(void *aux, const char *port), void *aux)
{
    VX_TREE_FOR_EACH(node, &view->rows[OG_T_PORT]) {
        const struct og_port *port = (const struct og_port *)
            VX_CONTAINER(node, struct og_row, by_uuid);

        if (is_strange(port)) {
            f(aux, port->name);
        }
    }
}

char *
og_bootstrap_evict_plan(const struct og_ovsdb_view *view)
{
    struct vx_buf ops = VX_BUF_INIT;

    VX_TREE_FOR_EACH(node, &view->rows[OG_T_PORT]) {
        const struct og_port *port = (const struct og_port *)
            VX_CONTAINER(node, struct og_row, by_uuid);

        if (is_strange(port)) {
            vx_buf_printf(&ops, "%s{\"op\":\"mutate\",\"table\":\"Bridge\","
                          "\"where\":[[\"_uuid\",\"==\",[\"uuid\","
                          "\"%s\"]]],\"mutations\":[[\"ports\",\"delete\","
                          "[\"uuid\",\"%s\"]]]}", ops.size ? "," : "[",
                          og_view_port_bridge(port)->row.uuid,
                          port->row.uuid);
        }
    }
    if (!ops.size) {
        return NULL;
    }
    vx_buf_puts(&ops, "]");
    return vx_buf_steal(&ops);
}
