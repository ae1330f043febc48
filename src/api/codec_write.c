/* SPDX-License-Identifier: Apache-2.0 */
/* Objects to JSON, errors to JSON, and names of changed objects. */
#include "api/codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec_peering.h"
#include "api/codec_policy.h"
#include "api/json.h"
#include "lib/rt.h"
#include "lib/xalloc.h"

/* --- Objects. */

static const char *
name_of(const struct vx_model *model, uint64_t oid)
{
    const struct vx_obj *obj = oid ? vx_model_by_oid(model, oid) : NULL;
    return obj ? obj->name : NULL;
}

const char *
vx_codec_origin_name(enum vx_origin origin)
{
    return origin == VX_BY_SYSTEM ? "system"
           : origin == VX_BY_BGP  ? "learned"
                                  : "operator";
}

/* Told where it is not the usual one. */
static void
write_origin(const struct vx_obj *obj, struct vx_jw *jw)
{
    if (obj->origin != VX_BY_OPERATOR) {
        vx_jw_str(jw, "origin", vx_codec_origin_name(obj->origin));
    }
}

static void
write_ip(struct vx_jw *jw, const char *key, const struct vx_ip *ip)
{
    char buf[VX_IP_STRLEN];
    vx_jw_opt(jw, key, ip->family ? vx_ip_format(ip, buf) : NULL);
}

uint32_t
vx_codec_num(const struct vx_obj *obj)
{
    const void *value = obj;

    switch (obj->kind) {
    case VX_ZONE: return ((const struct vx_zone *) value)->num;
    case VX_HOST: return ((const struct vx_host *) value)->num;
    case VX_ROUTE: return ((const struct vx_route *) value)->num;
    case VX_POLICY: return ((const struct vx_policy *) value)->num;
    case VX_NONE: case VX_TENANT: case VX_NETWORK: case VX_SUBNET:
    case VX_PORT: case VX_RETIRED_VNI: case VX_GATEWAY: case VX_PEERING:
    case VX_UPLINK: case VX_N_KINDS:
        break;
    }
    return 0;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
write_zone(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_zone *zone = (const struct vx_zone *) view->obj;
    const char *names[VX_ZONE_MAX_BORDERS];
    size_t n = 0;

    for (size_t i = 0; i < zone->n_borders; i++) {
        const char *name = name_of(view->model, zone->borders[i]);

        if (name) {
            names[n++] = name;
        }
    }
    qsort(names, n, sizeof *names, by_name);
    vx_jw_str(jw, "path", vx_codec_path_name(zone->path));
    vx_jw_key(jw, "border_hosts");
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < n; i++) {
        vx_buf_puts(jw->out, i ? "," : "");
        vx_json_string(jw->out, names[i]);
    }
    vx_buf_puts(jw->out, "]");
    vx_jw_u64(jw, "budget_kbps", zone->budget_kbps);
    vx_jw_str(jw, "description", zone->o.description);
    vx_jw_u64(jw, "num", zone->num);
}

static void
write_host(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_host *host = (const struct vx_host *) view->obj;
    const struct vx_api_host_status *status = view->host_status;
    const char *zone = name_of(view->model, host->zone);

    vx_jw_str(jw, "zone", zone ? zone : "");
    vx_jw_opt(jw, "system_id", host->system_id);
    write_ip(jw, "vtep", &host->vtep);
    vx_jw_u64_opt(jw, "mtu", host->mtu);
    vx_jw_opt(jw, "datapath", host->datapath);
    vx_jw_bool(jw, "draining", host->draining);
    vx_jw_str(jw, "description", host->o.description);
    vx_jw_u64(jw, "num", host->num);
    if (status) {
        vx_jw_str(jw, "status", status->state);
        vx_jw_str(jw, "reason", status->reason);
        vx_jw_u64(jw, "realized_revision", status->realized_revision);
        vx_jw_u64(jw, "n_ports", status->n_ports);
    }
}

static void
write_tenant(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_tenant *tenant = (const struct vx_tenant *) view->obj;
    char rd[VX_RT_STRLEN];

    vx_jw_bool(jw, "router", tenant->router_vni != 0);
    vx_jw_u64_opt(jw, "router_vni", tenant->router_vni);
    vx_jw_u64(jw, "quota_networks", tenant->quota_networks);
    vx_jw_u64(jw, "quota_ports", tenant->quota_ports);
    vx_jw_u64(jw, "budget_kbps", tenant->budget_kbps);
    vx_jw_opt(jw, "rd", tenant->rd ? vx_rd_format(tenant->rd, rd) : NULL);
    vx_codec_write_rts(jw, "import_rts", tenant->imports, tenant->n_imports);
    vx_codec_write_rts(jw, "export_rts", tenant->exports, tenant->n_exports);
    vx_jw_str(jw, "description", tenant->o.description);
}

static void
write_network(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_network *network = (const struct vx_network *) view->obj;

    vx_jw_str(jw, "tenant", view->key.tenant);
    vx_jw_u64(jw, "vni", network->vni);
    vx_jw_u64(jw, "mtu", network->mtu);
    vx_jw_opt(jw, "path", vx_codec_path_name(network->path));
    vx_jw_u64(jw, "bum_pps", network->bum_pps);
    vx_jw_bool(jw, "evpn", !network->no_evpn);
    vx_codec_write_rts(jw, "rts", network->rts, network->n_rts);
    vx_jw_str(jw, "description", network->o.description);
}

static void
write_subnet(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_subnet *subnet = (const struct vx_subnet *) view->obj;

    vx_jw_str(jw, "tenant", view->key.tenant);
    vx_jw_str(jw, "network", view->key.network);
    vx_jw_str(jw, "cidr", subnet->o.name);
    write_ip(jw, "gateway", &subnet->gateway);
    vx_jw_bool(jw, "route", subnet->route);
    vx_jw_bool(jw, "announce", subnet->announce);
    vx_jw_bool(jw, "host_routes", subnet->host_routes);
    vx_jw_key(jw, "ranges");
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < subnet->n_ranges; i++) {
        struct vx_jw range;
        vx_buf_puts(jw->out, i ? "," : "");
        vx_jw_begin(&range, jw->out);
        write_ip(&range, "first", &subnet->ranges[i].first);
        write_ip(&range, "last", &subnet->ranges[i].last);
        vx_jw_end(&range);
    }
    vx_buf_puts(jw->out, "]");
    vx_jw_str(jw, "description", subnet->o.description);
}

static void
write_time(struct vx_jw *jw, const char *key, int64_t ms)
{
    vx_jw_key(jw, key);
    if (ms) {
        vx_json_time(jw->out, ms);
    } else {
        vx_buf_puts(jw->out, "null");
    }
}

static void
write_port(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_port *port = (const struct vx_port *) view->obj;
    const struct vx_obj *network
        = vx_model_by_oid(view->model, port->o.parent);
    char buf[VX_IP_STRLEN];

    vx_jw_str(jw, "tenant", view->key.tenant);
    vx_jw_str(jw, "network", view->key.network);
    vx_jw_u64(jw, "vni",
              network ? ((const struct vx_network *) network)->vni : 0);
    vx_jw_str(jw, "mac", vx_mac_format(&port->mac, buf));
    vx_codec_write_ips(jw, "ips", port->ips, port->n_ips);
    vx_jw_opt(jw, "host", name_of(view->model, port->host));
    vx_jw_str(jw, "iface_id", port->iface_id);
    if (view->port_status) {
        vx_jw_str(jw, "status",
                  vx_port_state_name(view->port_status->state));
        vx_jw_str(jw, "reason", view->port_status->reason);
        write_time(jw, "reachable_at", view->port_status->reachable_at_ms);
    }
    vx_jw_u64(jw, "revision", port->o.revision);
    vx_jw_bool(jw, "guard", port->guard);
    if (view->port_status) {
        vx_jw_opt(jw, "located", name_of(view->model, port->located));
    }
    vx_jw_opt(jw, "migrate_from", name_of(view->model, port->migrate_from));
    vx_jw_bool(jw, "migrate_hold", port->migrate_hold);
    if (view->port_status) {
        vx_jw_opt(jw, "migration", view->port_status->migration[0]
                                   ? view->port_status->migration : NULL);
    }
    vx_jw_u64(jw, "rate_kbps", port->rate_kbps);
    vx_jw_u64(jw, "rate_pps", port->rate_pps);
    vx_jw_u64(jw, "bum_pps", port->bum_pps);
    vx_jw_str(jw, "description", port->o.description);
    if (view->port_status) {
        vx_jw_u64(jw, "mobility", port->mobility);
    }
}

static void
write_hops(const struct vx_hops_status *status, struct vx_jw *jw)
{
    char ip[VX_IP_STRLEN];

    vx_jw_str(jw, "status", vx_hops_state_name(status->state));
    vx_jw_str(jw, "reason", status->reason);
    vx_jw_key(jw, "hops");
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < status->n_hops; i++) {
        struct vx_jw hop;

        vx_buf_puts(jw->out, i ? "," : "");
        vx_jw_begin(&hop, jw->out);
        vx_jw_str(&hop, "ip", vx_ip_format(&status->hops[i].ip, ip));
        vx_jw_opt(&hop, "port", status->hops[i].port);
        vx_jw_bool(&hop, "alive", status->hops[i].alive);
        vx_jw_end(&hop);
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_route(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_route *route = (const struct vx_route *) view->obj;

    vx_jw_str(jw, "tenant", view->key.tenant);
    vx_jw_str(jw, "prefix", route->o.name);
    vx_codec_write_ips(jw, "via", route->via, route->n_via);
    vx_jw_bool(jw, "announce", route->announce);
    vx_jw_str(jw, "description", route->o.description);
    vx_jw_u64(jw, "num", route->num);
    if (view->hops_status) {
        write_hops(view->hops_status, jw);
    }
}

static void
write_policy(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_policy *policy = (const struct vx_policy *) view->obj;

    vx_jw_str(jw, "tenant", view->key.tenant);
    vx_codec_write_policy(jw, policy, name_of(view->model,
                                              policy->match.network));
    vx_jw_str(jw, "description", policy->o.description);
    vx_jw_u64(jw, "num", policy->num);
    if (view->hops_status) {
        write_hops(view->hops_status, jw);
    }
    if (view->policy_places) {
        vx_codec_write_places(jw, "in_force", *view->policy_places);
    }
    if (view->policy_count) {
        struct vx_jw counters;

        vx_jw_key(jw, "counters");
        vx_jw_begin(&counters, jw->out);
        vx_jw_u64(&counters, "packets", view->policy_count->packets);
        vx_jw_u64(&counters, "bytes", view->policy_count->bytes);
        vx_jw_end(&counters);
    }
}

void
vx_codec_object(const struct vx_codec_view *view, struct vx_buf *out)
{
    struct vx_jw jw;

    vx_jw_begin(&jw, out);
    vx_jw_str(&jw, "name", view->obj->name);
    switch (view->obj->kind) {
    case VX_ZONE: write_zone(view, &jw); break;
    case VX_HOST: write_host(view, &jw); break;
    case VX_TENANT: write_tenant(view, &jw); break;
    case VX_NETWORK: write_network(view, &jw); break;
    case VX_SUBNET: write_subnet(view, &jw); break;
    case VX_PORT: write_port(view, &jw); break;
    case VX_ROUTE: write_route(view, &jw); break;
    case VX_POLICY: write_policy(view, &jw); break;
    case VX_GATEWAY: vx_codec_write_gateway(view, &jw); break;
    case VX_PEERING: case VX_UPLINK: vx_codec_write_peering(view, &jw); break;
    case VX_NONE: case VX_RETIRED_VNI: case VX_N_KINDS:
        break;
    }
    write_origin(view->obj, &jw);
    if (view->obj->kind != VX_PORT) {
        vx_jw_u64(&jw, "revision", view->obj->revision);
    }
    vx_jw_end(&jw);
}

void
vx_codec_error(const struct vx_error *error, size_t index,
               struct vx_buf *out)
{
    struct vx_jw outer, jw;

    vx_jw_begin(&outer, out);
    vx_jw_key(&outer, "error");
    vx_jw_begin(&jw, out);
    vx_jw_str(&jw, "code", vx_err_name(error->code));
    vx_jw_opt(&jw, "field", error->field);
    vx_jw_str(&jw, "message", error->message);
    if (index != SIZE_MAX) {
        vx_jw_u64(&jw, "index", index);
    }
    vx_jw_end(&jw);
    vx_jw_end(&outer);
}

/* --- Names of what changed. */

struct vx_codec_names {
    const struct vx_model *model;
    const struct vx_obj **deleted;  /* tenants and networks, by oid */
    size_t n_deleted;
};

static int
by_oid(const void *a_, const void *b_)
{
    const struct vx_obj *a = *(const struct vx_obj *const *) a_;
    const struct vx_obj *b = *(const struct vx_obj *const *) b_;

    return a->oid < b->oid ? -1 : a->oid > b->oid;
}

struct vx_codec_names *
vx_codec_names_new(const struct vx_model *model,
                   const struct vx_change *changes, size_t n)
{
    struct vx_codec_names *names = vx_xcalloc(1, sizeof *names);
    size_t cap = 0;

    names->model = model;
    for (size_t i = 0; i < n; i++) {
        const struct vx_obj *old = changes[i].new ? NULL : changes[i].old;
        if (old && (old->kind == VX_TENANT || old->kind == VX_NETWORK)) {
            names->deleted = vx_grow(names->deleted, &cap,
                                     names->n_deleted + 1,
                                     sizeof *names->deleted);
            names->deleted[names->n_deleted++] = old;
        }
    }
    if (names->n_deleted) {
        qsort(names->deleted, names->n_deleted, sizeof *names->deleted,
              by_oid);
    }
    return names;
}

void
vx_codec_names_free(struct vx_codec_names *names)
{
    if (names) {
        free(names->deleted);
        free(names);
    }
}

static const struct vx_obj *
parent_of(const struct vx_codec_names *names, const struct vx_obj *obj)
{
    const struct vx_obj *parent = vx_model_by_oid(names->model, obj->parent);

    for (size_t low = 0, high = names->n_deleted; !parent && low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct vx_obj *candidate = names->deleted[middle];
        if (candidate->oid == obj->parent) {
            parent = candidate;
        } else if (candidate->oid < obj->parent) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return parent;
}

bool
vx_codec_names_key(const struct vx_codec_names *names,
                   const struct vx_obj *obj, struct vx_key *ret_key)
{
    struct vx_key key = { .name = obj->name };
    const struct vx_obj *parent;
    size_t n;

    if (!vx_codec_fields(obj->kind, &n)) {
        return false;
    }
    if (obj->kind == VX_SUBNET || obj->kind == VX_PORT) {
        parent = parent_of(names, obj);
        key.network = parent ? parent->name : "?";
        parent = parent ? parent_of(names, parent) : NULL;
        key.tenant = parent ? parent->name : "?";
    } else if (obj->kind == VX_NETWORK || obj->kind == VX_ROUTE
               || obj->kind == VX_POLICY || obj->kind == VX_PEERING) {
        parent = parent_of(names, obj);
        key.tenant = parent ? parent->name : "?";
    }
    *ret_key = key;
    return true;
}
