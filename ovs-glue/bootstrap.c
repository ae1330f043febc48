/* SPDX-License-Identifier: Apache-2.0 */
/* Rows wanted minus rows seen, as OVSDB operations; see bootstrap.h.
 *
 * Pure: text out of data.  What is wanted is in two tables (bridges, links);
 * each row of them is compared with the view and either left alone, updated
 * column by column, or inserted.  Maps are changed by key, so that keys of
 * others stay; ports are added to and removed from a bridge by mutation, so
 * that taps stay and a tap plugged at this moment is not lost. */
#include "ovs-glue/bootstrap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "lib/buf.h"
#include "ovs-glue/ovsdb_view.h"

#define PROTOCOL "OpenFlow15"
#define MARK_KEY "vxfabric"
#define MARK_VALUE "1"

enum {
    /* ovs-vswitchd rounds to seconds; see bootstrap.h for why two. */
    BACKOFF_FIRST_MS = 1001,
    BACKOFF_MS = 1000,
    MAX_OPTIONS = 6,
    MAX_PORTS = 256,            /* put right by one plan */
    MAX_PORT_NOTES = 16,
};

static const struct bridge_spec {
    const char *name;
    enum vx_tier tier;
} bridge_specs[] = {
    { VX_BRIDGE_TENANT, VX_TENANT_TIER },
    { VX_BRIDGE_FABRIC, VX_FABRIC_TIER },
};

/* Our interfaces, each the only one of a port of its name. */
static const struct link_spec {
    const char *name;
    const char *bridge;
    const char *type;
    const char *peer;       /* of a patch */
    uint32_t ofport;
} link_specs[] = {
    { OG_PATCH_TO_FABRIC, VX_BRIDGE_TENANT, "patch", OG_PATCH_TO_TENANT,
      VX_OFPORT_PATCH },
    { OG_PATCH_TO_TENANT, VX_BRIDGE_FABRIC, "patch", OG_PATCH_TO_FABRIC,
      VX_OFPORT_PATCH },
    { OG_VXLAN, VX_BRIDGE_FABRIC, "vxlan", NULL, VX_OFPORT_VXLAN },
};

enum {
    N_BRIDGES = sizeof bridge_specs / sizeof *bridge_specs,
    N_LINKS = sizeof link_specs / sizeof *link_specs,
};

/* A key and its value. */
struct pair {
    const char *key;
    const char *value;
};

/* A plan being made. */
struct plan {
    const struct og_ovsdb_view *view;
    const struct og_root *root;
    const struct og_bootstrap_wanted *wanted;
    struct vx_buf ops;          /* "[" op, op ... */
    unsigned n_names;           /* of rows inserted, for uuid-name */
};

uint64_t
og_datapath_id(enum vx_tier tier, uint32_t host_num)
{
    return UINT64_C(0x7678) << 48 | (uint64_t) tier << 40 | host_num;
}

bool
og_datapath_id_parse(uint64_t dpid, enum vx_tier *ret_tier,
                     uint32_t *ret_host_num)
{
    unsigned tier = (unsigned) (dpid >> 40 & 0xff);
    uint32_t num = (uint32_t) dpid;

    if ((tier != VX_TENANT_TIER && tier != VX_FABRIC_TIER) || !num
        || dpid != og_datapath_id((enum vx_tier) tier, num)) {
        return false;
    }
    *ret_tier = (enum vx_tier) tier;
    *ret_host_num = num;
    return true;
}

/* --- What differs, in words. */

static void __attribute__((format(printf, 2, 3)))
note(const struct plan *plan, const char *fmt, ...)
{
    char line[300];
    va_list args;

    if (plan->wanted && plan->wanted->notes) {
        va_start(args, fmt);
        vsnprintf(line, sizeof line, fmt, args);
        va_end(args);
        for (char *p = line; *p; p++) {
            *p = (unsigned char) *p < ' ' || *p == 0x7f ? '?' : *p;
        }
        vx_buf_printf(plan->wanted->notes, "%s\n", line);
    }
}

/* --- JSON out. */

static void
put_string(struct vx_buf *buf, const char *s)
{
    vx_buf_puts(buf, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char) *s;

        if (c == '"' || c == '\\') {
            vx_buf_printf(buf, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            vx_buf_printf(buf, "\\u%04x", c);
        } else {
            vx_buf_put(buf, s, 1);
        }
    }
    vx_buf_puts(buf, "\"");
}

static void
put_map(struct vx_buf *buf, const struct pair *pairs, size_t n)
{
    vx_buf_puts(buf, "[\"map\",[");
    for (size_t i = 0; i < n; i++) {
        vx_buf_puts(buf, i ? ",[" : "[");
        put_string(buf, pairs[i].key);
        vx_buf_puts(buf, ",");
        put_string(buf, pairs[i].value);
        vx_buf_puts(buf, "]");
    }
    vx_buf_puts(buf, "]]");
}

/* Starts an operation on a table; the caller puts the rest and "}". */
static struct vx_buf *
op(struct plan *plan, const char *name, const char *table)
{
    vx_buf_printf(&plan->ops, "%s{\"op\":\"%s\",\"table\":\"%s\"",
                  plan->ops.size ? "," : "[", name, table);
    return &plan->ops;
}

static struct vx_buf *
op_on(struct plan *plan, const char *name, const char *table,
      const char *uuid)
{
    struct vx_buf *buf = op(plan, name, table);

    vx_buf_printf(buf, ",\"where\":[[\"_uuid\",\"==\",[\"uuid\",\"%s\"]]]",
                  uuid);
    return buf;
}

/* An insert up to the opening of its row; returns the number that makes its
 * uuid-name. */
static unsigned
op_insert(struct plan *plan, const char *table)
{
    vx_buf_printf(op(plan, "insert", table),
                  ",\"uuid-name\":\"r%u\",\"row\":{", ++plan->n_names);
    return plan->n_names;
}

/* Sets keys of a map column, whatever they were; other keys stay. */
static void
op_set_keys(struct plan *plan, const struct og_row *row, const char *column,
            const struct pair *pairs, size_t n)
{
    const char *table = row->table == OG_T_ROOT ? "Open_vSwitch" : "Bridge";
    struct vx_buf *buf = op_on(plan, "mutate", table, row->uuid);

    vx_buf_printf(buf, ",\"mutations\":[[\"%s\",\"delete\",[\"set\",[",
                  column);
    for (size_t i = 0; i < n; i++) {
        vx_buf_puts(buf, i ? "," : "");
        put_string(buf, pairs[i].key);
    }
    vx_buf_printf(buf, "]]],[\"%s\",\"insert\",", column);
    put_map(buf, pairs, n);
    vx_buf_puts(buf, "]]}");
}

static bool
has_pairs(const struct og_map *map, const struct pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *value = og_map_get(map, pairs[i].key);

        if (!value || strcmp(value, pairs[i].value)) {
            return false;
        }
    }
    return true;
}

/* --- Controllers. */

static void
put_controller_row(struct vx_buf *buf, const struct plan *plan,
                   int64_t backoff_ms)
{
    vx_buf_puts(buf, "\"target\":");
    put_string(buf, plan->wanted->controller);
    vx_buf_printf(buf, ",\"connection_mode\":\"out-of-band\""
                  ",\"inactivity_probe\":%u,\"max_backoff\":%" PRId64 "}}",
                  plan->wanted->probe_ms, backoff_ms);
}

/* Its type is "service", so that nothing is flushed when ovs-vswitchd takes
 * it in late; where it replaces a primary one, that would flush. */
static unsigned
insert_controller(struct plan *plan, bool is_primary)
{
    unsigned name = op_insert(plan, "Controller");

    if (!is_primary) {
        vx_buf_puts(&plan->ops, "\"type\":\"service\",");
    }
    put_controller_row(&plan->ops, plan, BACKOFF_FIRST_MS);
    return name;
}

static void
plan_controller_row(struct plan *plan, const struct og_controller *row)
{
    int64_t backoff_ms = row->is_connected || plan->wanted->openflow_up
                         || row->max_backoff == BACKOFF_MS
                         ? BACKOFF_MS : BACKOFF_FIRST_MS;

    if (strcmp(row->connection_mode, "out-of-band")
        || row->inactivity_probe != plan->wanted->probe_ms
        || row->max_backoff != backoff_ms) {
        /* The backoff is ours to change as the connection goes. */
        if (strcmp(row->connection_mode, "out-of-band")
            || row->inactivity_probe != plan->wanted->probe_ms
            || (row->max_backoff != BACKOFF_MS
                && row->max_backoff != BACKOFF_FIRST_MS)) {
            note(plan, "Controller \"%.100s\": connection_mode \"%.20s\", "
                 "inactivity_probe %" PRId64 ", max_backoff %" PRId64,
                 row->target, row->connection_mode, row->inactivity_probe,
                 row->max_backoff);
        }
        vx_buf_puts(op_on(plan, "update", "Controller", row->row.uuid),
                    ",\"row\":{");
        put_controller_row(&plan->ops, plan, backoff_ms);
    }
}

/* The controllers of a bridge that is there: one, ours, never none. */
static void
plan_controllers(struct plan *plan, const struct og_bridge *bridge)
{
    const struct og_controller *ours = NULL;
    bool is_primary = false;
    struct vx_buf *buf;
    unsigned name = 0;

    for (size_t i = 0; i < bridge->controller.n && !ours; i++) {
        const struct og_controller *row = (const struct og_controller *)
            og_view_row(plan->view, OG_T_CONTROLLER,
                        bridge->controller.items[i]);

        if (row && !strcmp(row->target, plan->wanted->controller)) {
            ours = row;
        }
        is_primary |= row && strcmp(row->type, "service");
    }
    if (ours) {
        plan_controller_row(plan, ours);
    }
    if (ours && bridge->controller.n == 1) {
        return;
    }
    note(plan, "bridge %s: %zu controllers, %s", bridge->name,
         bridge->controller.n, ours ? "ours and others" : "not ours");
    if (!ours) {
        name = insert_controller(plan, is_primary);
    }
    buf = op_on(plan, "update", "Bridge", bridge->row.uuid);
    if (ours) {
        vx_buf_printf(buf, ",\"row\":{\"controller\":[\"uuid\",\"%s\"]}}",
                      ours->row.uuid);
    } else {
        vx_buf_printf(buf,
                      ",\"row\":{\"controller\":[\"named-uuid\",\"r%u\"]}}",
                      name);
    }
}

/* --- Bridges. */

static void
wanted_config(const struct plan *plan, const struct bridge_spec *spec,
              char dpid[17], struct pair ret_pairs[2])
{
    snprintf(dpid, 17, "%016" PRIx64,
             og_datapath_id(spec->tier, plan->wanted->host_num));
    ret_pairs[0] = (struct pair) { "datapath-id", dpid };
    ret_pairs[1] = (struct pair) { "disable-in-band", "true" };
}

static bool
is_datapath_type(const char *seen, const char *wanted)
{
    return !strcmp(seen[0] ? seen : "system", wanted);
}

static void
put_bridge_columns(struct plan *plan)
{
    vx_buf_puts(&plan->ops, "\"fail_mode\":\"secure\",\"protocols\":\""
                PROTOCOL "\",\"datapath_type\":");
    put_string(&plan->ops, plan->wanted->datapath_type);
}

static const struct pair mark = { MARK_KEY, MARK_VALUE };

/* What works past our rows, or before them: mirrors copy frames to other
 * ports, limits of tables refuse or evict flows, spanning trees block ports,
 * snooping and BPDUs are of the NORMAL switch that this is not. */
static void
plan_plain(struct plan *plan, const struct og_bridge *bridge)
{
    const char *bpdu = og_map_get(&bridge->other_config, "forward-bpdu");

    if (bridge->mirrors.n || bridge->flow_tables.n || bridge->stp_enable
        || bridge->rstp_enable || bridge->mcast_snooping_enable) {
        note(plan, "bridge %s: %zu mirrors, %zu tables with limits of their "
             "own, stp_enable %s, rstp_enable %s, mcast_snooping_enable %s",
             bridge->name, bridge->mirrors.n, bridge->flow_tables.n,
             bridge->stp_enable ? "true" : "false",
             bridge->rstp_enable ? "true" : "false",
             bridge->mcast_snooping_enable ? "true" : "false");
        vx_buf_puts(op_on(plan, "update", "Bridge", bridge->row.uuid),
                    ",\"row\":{\"mirrors\":[\"set\",[]],"
                    "\"flow_tables\":[\"map\",[]],\"stp_enable\":false,"
                    "\"rstp_enable\":false,"
                    "\"mcast_snooping_enable\":false}}");
    }
    if (bpdu) {
        note(plan, "bridge %s: other_config has forward-bpdu=%.20s",
             bridge->name, bpdu);
        vx_buf_puts(op_on(plan, "mutate", "Bridge", bridge->row.uuid),
                    ",\"mutations\":[[\"other_config\",\"delete\","
                    "[\"set\",[\"forward-bpdu\"]]]]}");
    }
}

static void
plan_bridge(struct plan *plan, const struct bridge_spec *spec,
            const struct og_bridge *bridge)
{
    struct pair config[2];
    char dpid[17];

    if (strcmp(bridge->fail_mode, "secure") || bridge->protocols.n != 1
        || strcmp(bridge->protocols.items[0], PROTOCOL)
        || !is_datapath_type(bridge->datapath_type,
                             plan->wanted->datapath_type)) {
        note(plan, "bridge %s: fail_mode \"%.20s\", protocols \"%.40s\"%s, "
             "datapath_type \"%.20s\"", spec->name, bridge->fail_mode,
             bridge->protocols.n ? bridge->protocols.items[0] : "",
             bridge->protocols.n > 1 ? " and more" : "",
             bridge->datapath_type);
        vx_buf_puts(op_on(plan, "update", "Bridge", bridge->row.uuid),
                    ",\"row\":{");
        put_bridge_columns(plan);
        vx_buf_puts(&plan->ops, "}}");
    }
    wanted_config(plan, spec, dpid, config);
    if (!has_pairs(&bridge->other_config, config, 2)) {
        note(plan, "bridge %s: other_config has not datapath-id=%s, "
             "disable-in-band=true", spec->name, dpid);
        op_set_keys(plan, &bridge->row, "other_config", config, 2);
    }
    if (!has_pairs(&bridge->external_ids, &mark, 1)) {
        note(plan, "bridge %s: external_ids has not " MARK_KEY "="
             MARK_VALUE, spec->name);
        op_set_keys(plan, &bridge->row, "external_ids", &mark, 1);
    }
    plan_plain(plan, bridge);
    plan_controllers(plan, bridge);
}

/* --- Links: a port with the one interface of its name. */

/* Options as ovs-vswitchd.conf.db(5) has them; ip is the caller's buffer. */
static size_t
wanted_options(const struct plan *plan, const struct link_spec *spec,
               char ip[VX_IP_STRLEN], struct pair ret_pairs[MAX_OPTIONS])
{
    size_t n = 0;

    if (spec->peer) {
        ret_pairs[n++] = (struct pair) { "peer", spec->peer };
        return n;
    }
    vx_ip_format(&plan->wanted->vtep, ip);
    ret_pairs[n++] = (struct pair) { "remote_ip", "flow" };
    ret_pairs[n++] = (struct pair) { "local_ip", ip };
    ret_pairs[n++] = (struct pair) { "key", "flow" };
    ret_pairs[n++] = (struct pair) { "dst_port", "4789" };
    /* The mark carries the VNI between the bridges; on the wire it would
     * choose a route. */
    ret_pairs[n++] = (struct pair) { "egress_pkt_mark", "0" };
    return n;
}

static void
put_link_columns(struct plan *plan, const struct link_spec *spec)
{
    struct pair pairs[MAX_OPTIONS];
    char ip[VX_IP_STRLEN];
    size_t n = wanted_options(plan, spec, ip, pairs);

    vx_buf_printf(&plan->ops,
                  "\"type\":\"%s\",\"ofport_request\":%u,\"options\":",
                  spec->type, spec->ofport);
    put_map(&plan->ops, pairs, n);
}

/* Inserts interface and port; returns the port's name number.  spec NULL:
 * the local port of a bridge. */
static unsigned
insert_port(struct plan *plan, const char *name,
            const struct link_spec *spec)
{
    unsigned iface = op_insert(plan, "Interface"), port;

    vx_buf_printf(&plan->ops, "\"name\":\"%s\",", name);
    if (spec) {
        put_link_columns(plan, spec);
    } else {
        vx_buf_puts(&plan->ops, "\"type\":\"internal\"");
    }
    vx_buf_puts(&plan->ops, "}}");
    port = op_insert(plan, "Port");
    vx_buf_printf(&plan->ops, "\"name\":\"%s\",\"interfaces\":"
                  "[\"named-uuid\",\"r%u\"]}}", name, iface);
    return port;
}

static void
remove_port(struct plan *plan, const struct og_port *port)
{
    const struct og_bridge *bridge = og_view_port_bridge(port);

    vx_buf_printf(op_on(plan, "mutate", "Bridge", bridge->row.uuid),
                  ",\"mutations\":[[\"ports\",\"delete\","
                  "[\"uuid\",\"%s\"]]]}", port->row.uuid);
}

static void
add_link(struct plan *plan, const struct link_spec *spec,
         const struct og_bridge *bridge)
{
    unsigned port = insert_port(plan, spec->name, spec);

    vx_buf_printf(op_on(plan, "mutate", "Bridge", bridge->row.uuid),
                  ",\"mutations\":[[\"ports\",\"insert\","
                  "[\"named-uuid\",\"r%u\"]]]}", port);
}

/* The interface of this name that is in place: the only one of the port of
 * that name on the bridge. */
static const struct og_iface *
find_link(const struct og_ovsdb_view *view, const struct link_spec *spec,
          const struct og_bridge *bridge)
{
    const struct og_port *port = og_view_port(view, spec->name);
    const struct og_iface *iface;

    if (!port || og_view_port_bridge(port) != bridge
        || port->interfaces.n != 1) {
        return NULL;
    }
    iface = (const struct og_iface *) og_view_row(
        view, OG_T_INTERFACE, port->interfaces.items[0]);
    return iface && !strcmp(iface->name, spec->name) ? iface : NULL;
}

/* Another interface of the bridge that has the OpenFlow port. */
static const struct og_iface *
find_usurper(const struct og_ovsdb_view *view, const struct link_spec *spec,
             const struct og_bridge *bridge)
{
    VX_TREE_FOR_EACH(node, &view->rows[OG_T_INTERFACE]) {
        const struct og_iface *iface = (const struct og_iface *)
            VX_CONTAINER(node, struct og_row, by_uuid);

        if (iface->ofport == spec->ofport
            && og_view_iface_bridge(iface) == bridge
            && strcmp(iface->name, spec->name)) {
            return iface;
        }
    }
    return NULL;
}

/* What is there, since what is wanted is always the same. */
static void
note_link(const struct plan *plan, const struct link_spec *spec,
          const struct og_iface *iface)
{
    struct vx_buf options = VX_BUF_INIT;

    for (size_t i = 0; i < iface->options.n && options.size < 150; i++) {
        vx_buf_printf(&options, "%s%.30s=%.30s", i ? " " : "",
                      iface->options.items[i].key,
                      iface->options.items[i].value);
    }
    note(plan, "interface %s: type \"%.20s\", ofport_request %" PRId64
         ", options \"%.180s\"", spec->name, iface->type,
         iface->ofport_request, vx_buf_str(&options));
    vx_buf_fini(&options);
}

static void
plan_link(struct plan *plan, const struct link_spec *spec,
          const struct og_bridge *bridge)
{
    const struct og_port *port = og_view_port(plan->view, spec->name);
    const struct og_iface *iface = find_link(plan->view, spec, bridge);
    struct pair pairs[MAX_OPTIONS];
    char ip[VX_IP_STRLEN];
    size_t n = wanted_options(plan, spec, ip, pairs);

    if (!iface) {
        note(plan, "interface %s: not on bridge %s", spec->name,
             spec->bridge);
        if (port && og_view_port_bridge(port)) {
            remove_port(plan, port);
        }
        add_link(plan, spec, bridge);
    } else if (strcmp(iface->type, spec->type)
               || iface->ofport_request != spec->ofport
               || iface->options.n != n
               || !has_pairs(&iface->options, pairs, n)) {
        note_link(plan, spec, iface);
        vx_buf_puts(op_on(plan, "update", "Interface", iface->row.uuid),
                    ",\"row\":{");
        put_link_columns(plan, spec);
        vx_buf_puts(&plan->ops, "}}");
    } else if (iface->ofport > 0 && iface->ofport != spec->ofport
               && !find_usurper(plan->view, spec, bridge)) {
        /* The number was taken when it was made, and is free now. */
        remove_port(plan, port);
        add_link(plan, spec, bridge);
    }
}

/* --- VLANs: tenants have VNIs, nobody's port is in a VLAN. */

/* Ours, and all of br-tenant; what else is on br-fabric is a stranger. */
static bool
is_plain_port(const struct og_port *port)
{
    const struct og_bridge *bridge = og_view_port_bridge(port);

    if (!bridge || strcmp(bridge->name, VX_BRIDGE_FABRIC)) {
        return bridge && !strcmp(bridge->name, VX_BRIDGE_TENANT);
    }
    return !strcmp(port->name, VX_BRIDGE_FABRIC)
           || !strcmp(port->name, OG_VXLAN)
           || !strcmp(port->name, OG_PATCH_TO_TENANT);
}

static void
note_vlans(const struct plan *plan, const struct og_port *port)
{
    char tag[24] = "none";

    if (port->tag >= 0) {
        snprintf(tag, sizeof tag, "%" PRId64, port->tag);
    }
    note(plan, "port \"%.64s\": tag %s, %zu trunks, vlan_mode \"%.20s\"",
         port->name, tag, port->trunks.n, port->vlan_mode);
}

/* So many at once; the plan after this one has the others. */
static void
plan_vlans(struct plan *plan)
{
    size_t n = 0;

    VX_TREE_FOR_EACH(node, &plan->view->rows[OG_T_PORT]) {
        const struct og_port *port = (const struct og_port *)
            VX_CONTAINER(node, struct og_row, by_uuid);

        if (!og_port_has_vlans(port) || !is_plain_port(port)) {
            continue;
        }
        if (++n > MAX_PORTS) {
            break;
        }
        if (n <= MAX_PORT_NOTES) {
            note_vlans(plan, port);
        }
        vx_buf_puts(op_on(plan, "update", "Port", port->row.uuid),
                    ",\"row\":{\"tag\":[\"set\",[]],\"trunks\":"
                    "[\"set\",[]],\"vlan_mode\":[\"set\",[]]}}");
    }
    if (n > MAX_PORT_NOTES) {
        note(plan, "%zu more ports with a tag, trunks or vlan_mode",
             n - MAX_PORT_NOTES);
    }
}

/* A bridge that is not there, with all it needs, in the same transaction. */
static void
insert_bridge(struct plan *plan, const struct bridge_spec *spec)
{
    unsigned ports[N_LINKS + 1], controller, name;
    struct pair config[2];
    size_t n_ports = 0;
    char dpid[17];

    ports[n_ports++] = insert_port(plan, spec->name, NULL);
    for (size_t i = 0; i < N_LINKS; i++) {
        const struct link_spec *link = &link_specs[i];
        const struct og_port *old = og_view_port(plan->view, link->name);

        if (strcmp(link->bridge, spec->name)) {
            continue;
        }
        if (old && og_view_port_bridge(old)) {
            remove_port(plan, old);     /* it is on a wrong bridge */
        }
        ports[n_ports++] = insert_port(plan, link->name, link);
    }
    controller = insert_controller(plan, false);
    name = op_insert(plan, "Bridge");
    vx_buf_printf(&plan->ops, "\"name\":\"%s\",", spec->name);
    put_bridge_columns(plan);
    wanted_config(plan, spec, dpid, config);
    vx_buf_puts(&plan->ops, ",\"other_config\":");
    put_map(&plan->ops, config, 2);
    vx_buf_puts(&plan->ops, ",\"external_ids\":");
    put_map(&plan->ops, &mark, 1);
    vx_buf_printf(&plan->ops, ",\"controller\":[\"named-uuid\",\"r%u\"]"
                  ",\"ports\":[\"set\",[", controller);
    for (size_t i = 0; i < n_ports; i++) {
        vx_buf_printf(&plan->ops, "%s[\"named-uuid\",\"r%u\"]",
                      i ? "," : "", ports[i]);
    }
    vx_buf_puts(&plan->ops, "]]}}");
    vx_buf_printf(op_on(plan, "mutate", "Open_vSwitch",
                        plan->root->row.uuid),
                  ",\"mutations\":[[\"bridges\",\"insert\","
                  "[\"named-uuid\",\"r%u\"]]]}", name);
}

static char *
finish(struct plan *plan)
{
    if (!plan->ops.size) {
        return NULL;
    }
    vx_buf_puts(&plan->ops, "]");
    return vx_buf_steal(&plan->ops);
}

char *
og_bootstrap_plan(const struct og_ovsdb_view *view,
                  const struct og_bootstrap_wanted *wanted)
{
    struct plan plan = { view, og_view_root(view), wanted, VX_BUF_INIT, 0 };

    if (!plan.root) {
        return NULL;
    }
    for (size_t i = 0; i < N_BRIDGES; i++) {
        const struct bridge_spec *spec = &bridge_specs[i];
        const struct og_bridge *bridge = og_view_bridge(view, spec->name);

        if (!bridge) {
            note(&plan, "bridge %s: gone", spec->name);
            insert_bridge(&plan, spec);
            continue;
        }
        plan_bridge(&plan, spec, bridge);
        for (size_t j = 0; j < N_LINKS; j++) {
            if (!strcmp(link_specs[j].bridge, spec->name)) {
                plan_link(&plan, &link_specs[j], bridge);
            }
        }
    }
    plan_vlans(&plan);
    return finish(&plan);
}

/* --- What ovs-vswitchd has made of it. */

static bool
check_bridge(const struct og_ovsdb_view *view,
             const struct og_bootstrap_wanted *wanted,
             const struct bridge_spec *spec, struct vx_error *err)
{
    const struct og_bridge *bridge = og_view_bridge(view, spec->name);
    const struct og_root *root = og_view_root(view);
    char dpid[17];

    if (root && root->datapath_types.n
        && !og_set_has(&root->datapath_types, wanted->datapath_type)) {
        return vx_fail(err, VX_INVALID, "datapath",
                       "ovs-vswitchd has no datapath type \"%s\"",
                       wanted->datapath_type);
    }
    snprintf(dpid, sizeof dpid, "%016" PRIx64,
             og_datapath_id(spec->tier, wanted->host_num));
    if (!bridge || strcmp(bridge->datapath_id, dpid)) {
        return vx_fail(err, VX_UNAVAILABLE, "",
                       "waits for ovs-vswitchd to make bridge %s",
                       spec->name);
    }
    return true;
}

static bool
check_link(const struct og_ovsdb_view *view, const struct link_spec *spec,
           struct vx_error *err)
{
    const struct og_bridge *bridge = og_view_bridge(view, spec->bridge);
    const struct og_iface *iface = find_link(view, spec, bridge), *other;

    if (iface && iface->ofport == spec->ofport) {
        return true;
    }
    if (iface && iface->error[0]) {
        return vx_fail(err, VX_INVALID, "", "interface %s: %.300s",
                       spec->name, iface->error);
    }
    if (iface && iface->ofport < 0) {
        return vx_fail(err, VX_INVALID, "",
                       "ovs-vswitchd cannot make interface %s: see its log",
                       spec->name);
    }
    other = bridge ? find_usurper(view, spec, bridge) : NULL;
    if (other) {
        return vx_fail(err, VX_INVALID, "",
                       "OpenFlow port %u of %s is taken by interface "
                       "\"%.64s\": remove it, or its ofport_request",
                       spec->ofport, spec->bridge, other->name);
    }
    return vx_fail(err, VX_UNAVAILABLE, "",
                   "waits for ovs-vswitchd to make interface %s",
                   spec->name);
}

bool
og_bootstrap_is_done(const struct og_ovsdb_view *view,
                     const struct og_bootstrap_wanted *wanted,
                     struct vx_error *err)
{
    for (size_t i = 0; i < N_BRIDGES; i++) {
        if (!check_bridge(view, wanted, &bridge_specs[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < N_LINKS; i++) {
        if (!check_link(view, &link_specs[i], err)) {
            return false;
        }
    }
    return true;
}

char *
og_status_plan(const struct og_ovsdb_view *view, const char *status)
{
    struct plan plan = { view, og_view_root(view), NULL, VX_BUF_INIT, 0 };
    const struct pair pair = { OG_ID_STATUS, status };

    if (!plan.root || has_pairs(&plan.root->external_ids, &pair, 1)) {
        return NULL;
    }
    op_set_keys(&plan, &plan.root->row, "external_ids", &pair, 1);
    return finish(&plan);
}
