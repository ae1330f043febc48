/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the legs; see leg_rows.h. */
#include "gateway/leg_rows.h"

#include <string.h>

#include "core/pipeline.h"
#include "gateway/kernel.h"
#include "lib/buf.h"
#include "ovs-glue/ovsdb_view.h"

static void
put_string(struct vx_buf *out, const char *s)
{
    vx_buf_puts(out, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\' || (unsigned char) *s < ' ') {
            vx_buf_printf(out, "\\u%04x", (unsigned char) *s);
        } else {
            vx_buf_put(out, s, 1);
        }
    }
    vx_buf_puts(out, "\"");
}

static void
next(struct vx_buf *out)
{
    vx_buf_puts(out, out->size ? "," : "[");
}

static void
put_insert(struct vx_buf *out, const struct vx_gw_leg *leg)
{
    char name[VX_GW_IFNAME_SIZE];

    vx_gw_host_end(leg->vni, name);
    next(out);
    vx_buf_printf(out, "{\"op\":\"insert\",\"table\":\"Interface\","
                  "\"uuid-name\":\"i%u\",\"row\":{\"name\":\"%s\","
                  "\"external_ids\":[\"map\",[[\"iface-id\",", leg->vni,
                  name);
    put_string(out, leg->iface_id);
    vx_buf_printf(out, "]]]}},{\"op\":\"insert\",\"table\":\"Port\","
                  "\"uuid-name\":\"p%u\",\"row\":{\"name\":\"%s\","
                  "\"interfaces\":[\"named-uuid\",\"i%u\"]}},"
                  "{\"op\":\"mutate\",\"table\":\"Bridge\",\"where\":"
                  "[[\"name\",\"==\",\"%s\"]],\"mutations\":[[\"ports\","
                  "\"insert\",[\"named-uuid\",\"p%u\"]]]}", leg->vni, name,
                  leg->vni, VX_BRIDGE_TENANT, leg->vni);
}

static void
put_remove(struct vx_buf *out, const struct og_port *port)
{
    next(out);
    vx_buf_printf(out, "{\"op\":\"mutate\",\"table\":\"Bridge\",\"where\":"
                  "[[\"name\",\"==\",\"%s\"]],\"mutations\":[[\"ports\","
                  "\"delete\",[\"uuid\",\"%s\"]]]}", VX_BRIDGE_TENANT,
                  port->row.uuid);
}

static void
put_iface_id(struct vx_buf *out, const struct og_iface *iface,
             const char *iface_id)
{
    next(out);
    vx_buf_printf(out, "{\"op\":\"mutate\",\"table\":\"Interface\","
                  "\"where\":[[\"_uuid\",\"==\",[\"uuid\",\"%s\"]]],"
                  "\"mutations\":[[\"external_ids\",\"delete\",[\"set\","
                  "[\"iface-id\"]]],[\"external_ids\",\"insert\",[\"map\","
                  "[[\"iface-id\",", iface->row.uuid);
    put_string(out, iface_id);
    vx_buf_puts(out, "]]]]]}");
}

/* The VNI of "vl123", 0 if it is no such name. */
static uint32_t
parse(const char *name)
{
    char vrf[VX_GW_IFNAME_SIZE] = "vx";

    if (strncmp(name, "vl", 2) || strlen(name) >= sizeof vrf) {
        return 0;
    }
    strcat(vrf, name + 2);
    return vx_gw_vrf_parse(vrf);
}

static void
judge(struct vx_buf *out, const struct og_ovsdb_view *view,
      const struct og_port *port, struct vx_gw_leg *leg, bool all)
{
    const struct og_bridge *bridge = og_view_port_bridge(port);
    const struct og_iface *iface = port->interfaces.n
        ? (const struct og_iface *) og_view_row(
            view, OG_T_INTERFACE, port->interfaces.items[0]) : NULL;
    bool is_ours = bridge && !strcmp(bridge->name, VX_BRIDGE_TENANT);

    if (leg) {
        leg->is_in = is_ours || !leg->is_going;
    }
    if (!is_ours) {
        return;                     /* an operator's, in another bridge */
    }
    if (leg ? leg->is_going || leg->is_stale : all) {
        put_remove(out, port);
    } else if (leg && leg->iface_id && iface
               && strcmp(iface->iface_id, leg->iface_id)) {
        put_iface_id(out, iface, leg->iface_id);
    }
}

char *
vx_gw_leg_rows(const struct og_ovsdb_view *view, struct vx_tree *legs,
               bool all)
{
    struct vx_buf out = VX_BUF_INIT;

    VX_TREE_FOR_EACH(node, legs) {
        VX_CONTAINER(node, struct vx_gw_leg, by_vni)->is_in = false;
    }
    if (!og_view_bridge(view, VX_BRIDGE_TENANT)) {
        return NULL;
    }
    VX_TREE_FOR_EACH(node, &view->rows[OG_T_PORT]) {
        const struct og_port *port = (const struct og_port *)
            VX_CONTAINER(node, struct og_row, by_uuid);
        uint32_t vni = parse(port->name);
        struct vx_tree_node *found = vni ? vx_tree_find(legs, &vni) : NULL;

        if (vni) {
            judge(&out, view, port, found
                  ? VX_CONTAINER(found, struct vx_gw_leg, by_vni) : NULL,
                  all);
        }
    }
    VX_TREE_FOR_EACH(node, legs) {
        const struct vx_gw_leg *leg = VX_CONTAINER(node, struct vx_gw_leg,
                                                   by_vni);

        if (leg->iface_id && !leg->is_in && !leg->is_going
            && !leg->is_stale && !leg->is_held) {
            put_insert(&out, leg);
        }
    }
    if (!out.size) {
        return NULL;
    }
    vx_buf_puts(&out, "]");
    return vx_buf_steal(&out);
}
