/* SPDX-License-Identifier: Apache-2.0 */
/* Objects to records of the store and back: all members, references as oids.
 * "v" is the version of the format; a record of another version is refused,
 * it was written by a newer program. */
#include "api/codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec_policy.h"
#include "api/json.h"
#include "lib/xalloc.h"

enum { RECORD_VERSION = 1 };

/* --- Writing. */

static void
write_ip(struct vx_jw *jw, const char *key, const struct vx_ip *ip)
{
    char buf[VX_IP_STRLEN];
    vx_jw_str(jw, key, ip->family ? vx_ip_format(ip, buf) : "");
}

/* Numbers of JSON are exact up to 2^53 only. */
static void
write_wide(struct vx_jw *jw, const char *key, uint64_t value)
{
    char buf[17];

    snprintf(buf, sizeof buf, "%016" PRIx64, value);
    vx_jw_str(jw, key, buf);
}

static void
write_rts(struct vx_jw *jw, const char *key, const uint64_t *rts, size_t n)
{
    if (!n) {
        return;
    }
    vx_jw_key(jw, key);
    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(jw->out, "%s\"%016" PRIx64 "\"", i ? "," : "[",
                      rts[i]);
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_prefixes(struct vx_jw *jw, const char *key,
               const struct vx_prefix *prefixes, size_t n)
{
    char buf[VX_PREFIX_STRLEN];

    if (!n) {
        return;
    }
    vx_jw_key(jw, key);
    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(jw->out, "%s\"%s\"", i ? "," : "[",
                      vx_prefix_format(&prefixes[i], buf));
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_if(struct vx_jw *jw, const char *key, uint64_t value)
{
    if (value) {
        vx_jw_u64(jw, key, value);
    }
}

static void
write_flag(struct vx_jw *jw, const char *key, bool value)
{
    if (value) {
        vx_jw_bool(jw, key, true);
    }
}

static void
write_host(const struct vx_host *host, struct vx_jw *jw)
{
    vx_jw_u64(jw, "zone", host->zone);
    vx_jw_u64(jw, "num", host->num);
    vx_jw_str(jw, "system_id", host->system_id);
    write_ip(jw, "vtep", &host->vtep);
    vx_jw_u64(jw, "mtu", host->mtu);
    vx_jw_str(jw, "datapath", host->datapath);
    vx_jw_bool(jw, "stranger", host->stranger);
    vx_jw_bool(jw, "draining", host->draining);
    write_flag(jw, "external", host->external);
}

static void
write_zone(const struct vx_zone *zone, struct vx_jw *jw)
{
    vx_jw_u64(jw, "num", zone->num);
    vx_jw_u64(jw, "path", zone->path);
    vx_jw_u64(jw, "budget_kbps", zone->budget_kbps);
    vx_jw_key(jw, "borders");
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < zone->n_borders; i++) {
        vx_buf_printf(jw->out, "%s%" PRIu64, i ? "," : "",
                      zone->borders[i]);
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_subnet(const struct vx_subnet *subnet, struct vx_jw *jw)
{
    char buf[VX_PREFIX_STRLEN];

    vx_jw_str(jw, "prefix", vx_prefix_format(&subnet->prefix, buf));
    write_ip(jw, "gateway", &subnet->gateway);
    vx_jw_key(jw, "ranges");
    for (size_t i = 0; i < subnet->n_ranges; i++) {
        vx_buf_puts(jw->out, i ? ",[\"" : "[[\"");
        vx_buf_puts(jw->out, vx_ip_format(&subnet->ranges[i].first, buf));
        vx_buf_puts(jw->out, "\",\"");
        vx_buf_puts(jw->out, vx_ip_format(&subnet->ranges[i].last, buf));
        vx_buf_puts(jw->out, "\"]");
    }
    vx_buf_puts(jw->out, subnet->n_ranges ? "]" : "[]");
    vx_jw_bool(jw, "route", subnet->route);
    write_flag(jw, "announce", subnet->announce);
    write_flag(jw, "host_routes", subnet->host_routes);
}

static void
write_port(const struct vx_port *port, struct vx_jw *jw)
{
    char buf[VX_IP_STRLEN];

    vx_jw_str(jw, "mac", vx_mac_format(&port->mac, buf));
    vx_codec_write_ips(jw, "ips", port->ips, port->n_ips);
    vx_jw_u64(jw, "host", port->host);
    vx_jw_u64(jw, "located", port->located);
    vx_jw_str(jw, "iface_id", port->iface_id);
    vx_jw_bool(jw, "guard", port->guard);
    if (port->migrate_from) {
        vx_jw_u64(jw, "migrate_from", port->migrate_from);
        vx_jw_bool(jw, "migrate_hold", port->migrate_hold);
    }
    if (port->left) {
        vx_jw_u64(jw, "left", port->left);
        vx_jw_u64(jw, "left_ms", (uint64_t) port->left_ms);
    }
    if (port->rate_kbps || port->rate_pps || port->bum_pps) {
        vx_jw_u64(jw, "rate_kbps", port->rate_kbps);
        vx_jw_u64(jw, "rate_pps", port->rate_pps);
        vx_jw_u64(jw, "bum_pps", port->bum_pps);
    }
    write_if(jw, "mobility", port->mobility);
    write_if(jw, "gateway", port->gateway);
}

static void
write_network(const struct vx_network *network, struct vx_jw *jw)
{
    vx_jw_u64(jw, "vni", network->vni);
    vx_jw_u64(jw, "mtu", network->mtu);
    vx_jw_u64(jw, "path", network->path);
    vx_jw_u64(jw, "bum_pps", network->bum_pps);
    write_flag(jw, "no_evpn", network->no_evpn);
    write_rts(jw, "rts", network->rts, network->n_rts);
}

static void
write_tenant(const struct vx_tenant *tenant, struct vx_jw *jw)
{
    vx_jw_u64(jw, "router_vni", tenant->router_vni);
    vx_jw_u64(jw, "quota_networks", tenant->quota_networks);
    vx_jw_u64(jw, "quota_ports", tenant->quota_ports);
    vx_jw_u64(jw, "budget_kbps", tenant->budget_kbps);
    if (tenant->rd) {
        write_wide(jw, "rd", tenant->rd);
    }
    write_rts(jw, "imports", tenant->imports, tenant->n_imports);
    write_rts(jw, "exports", tenant->exports, tenant->n_exports);
}

static void
write_route(const struct vx_route *route, struct vx_jw *jw)
{
    vx_jw_u64(jw, "num", route->num);
    vx_codec_write_ips(jw, "via", route->via, route->n_via);
    write_flag(jw, "announce", route->announce);
}

static void
write_policy(const struct vx_policy *policy, struct vx_jw *jw)
{
    vx_jw_u64(jw, "num", policy->num);
    vx_jw_u64(jw, "family", policy->match.family);
    vx_jw_u64(jw, "network", policy->match.network);
    vx_jw_u64(jw, "places", policy->where);
    vx_codec_write_policy(jw, policy, NULL);
}

static void
write_gateway(const struct vx_gateway *gateway, struct vx_jw *jw)
{
    vx_jw_u64(jw, "host", gateway->host);
    vx_jw_u64(jw, "as", gateway->as);
    write_ip(jw, "router_id", &gateway->router_id);
}

static void
write_peering(const struct vx_peering *peering, struct vx_jw *jw)
{
    vx_jw_u64(jw, "gateway", peering->gateway);
    write_ip(jw, "peer", &peering->peer);
    vx_jw_u64(jw, "peer_as", peering->peer_as);
    vx_jw_u64(jw, "local_as", peering->local_as);
    vx_jw_u64(jw, "families", peering->families);
    write_flag(jw, "bfd", peering->bfd);
    write_if(jw, "hold_s", peering->hold_s);
    write_if(jw, "multihop", peering->multihop);
    vx_jw_str(jw, "password", peering->password);
    if (peering->n_communities) {
        vx_jw_key(jw, "communities");
        for (size_t i = 0; i < peering->n_communities; i++) {
            vx_buf_printf(jw->out, "%s%" PRIu32, i ? "," : "[",
                          peering->communities[i]);
        }
        vx_buf_puts(jw->out, "]");
    }
    if (peering->has_med) {
        vx_jw_u64(jw, "med", peering->med);
    }
    write_if(jw, "local_pref", peering->local_pref);
    write_if(jw, "prefix_limit", peering->prefix_limit);
    write_prefixes(jw, "imports", peering->imports, peering->n_imports);
    write_prefixes(jw, "exports", peering->exports, peering->n_exports);
    vx_jw_str(jw, "device", peering->device);
    write_prefixes(jw, "locals", peering->locals, peering->n_locals);
    write_ip(jw, "source", &peering->source);
    write_flag(jw, "flowspec_in", peering->flowspec_in);
    write_flag(jw, "readvertise", peering->readvertise);
}

static void
write_retired(const struct vx_retired_vni *retired, struct vx_jw *jw)
{
    vx_jw_u64(jw, "vni", retired->vni);
    vx_jw_u64(jw, "until_ms", (uint64_t) retired->until_ms);
}

static void
write_members(const struct vx_obj *obj, struct vx_jw *jw)
{
    const void *value = obj;

    switch (obj->kind) {
    case VX_ZONE:
        write_zone(value, jw);
        break;
    case VX_HOST:
        write_host(value, jw);
        break;
    case VX_TENANT:
        write_tenant(value, jw);
        break;
    case VX_NETWORK:
        write_network(value, jw);
        break;
    case VX_SUBNET:
        write_subnet(value, jw);
        break;
    case VX_PORT:
        write_port(value, jw);
        break;
    case VX_RETIRED_VNI:
        write_retired(value, jw);
        break;
    case VX_ROUTE:
        write_route(value, jw);
        break;
    case VX_POLICY:
        write_policy(value, jw);
        break;
    case VX_GATEWAY:
        write_gateway(value, jw);
        break;
    case VX_PEERING:
    case VX_UPLINK:
        write_peering(value, jw);
        break;
    case VX_NONE:
    case VX_N_KINDS:
        break;
    }
}

void
vx_codec_record(const struct vx_obj *obj, struct vx_buf *out)
{
    struct vx_jw jw;

    vx_jw_begin(&jw, out);
    vx_jw_u64(&jw, "v", RECORD_VERSION);
    vx_jw_str(&jw, "name", obj->name);
    vx_jw_u64(&jw, "parent", obj->parent);
    vx_jw_str(&jw, "description", obj->description);
    write_if(&jw, "origin", obj->origin);
    write_members(obj, &jw);
    vx_jw_end(&jw);
}

/* --- Reading.  The first wrong member is remembered. */

struct reader {
    struct vx_doc *doc;
    const cJSON *json;
    const char *bad;
};

static uint64_t
read_uint(struct reader *reader, const char *key, uint64_t max)
{
    uint64_t u = 0;

    if (!vx_json_uint(cJSON_GetObjectItemCaseSensitive(reader->json, key),
                      max, &u) && !reader->bad) {
        reader->bad = key;
    }
    return u;
}

/* What records of older versions lack. */
static uint32_t
read_opt_uint(struct reader *reader, const char *key, uint64_t max)
{
    return cJSON_GetObjectItemCaseSensitive(reader->json, key)
           ? (uint32_t) read_uint(reader, key, max) : 0;
}

static bool
read_opt_bool(struct reader *reader, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reader->json, key));
}

static bool
has(const struct reader *reader, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(reader->json, key) != NULL;
}

static void
fail_at(struct reader *reader, const char *key)
{
    reader->bad = reader->bad ? reader->bad : key;
}

static const char *
read_string(struct reader *reader, const char *key)
{
    const char *s = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(reader->json, key));

    if (!s && !reader->bad) {
        reader->bad = key;
    }
    return s ? s : "";
}

static void
read_text(struct reader *reader, const char *key, char **member)
{
    free(*member);
    *member = vx_xstrdup(read_string(reader, key));
}

static void
to_ip(struct reader *reader, const char *key, const char *s,
      struct vx_ip *ip)
{
    if ((!s || !vx_ip_parse(s, ip)) && !reader->bad) {
        reader->bad = key;
    }
}

static void
read_opt_ip(struct reader *reader, const char *key, struct vx_ip *ip)
{
    const char *s = read_string(reader, key);
    if (s[0]) {
        to_ip(reader, key, s, ip);
    }
}

static const cJSON *
read_array(struct reader *reader, const char *key, size_t *ret_n)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(reader->json, key);

    if (!cJSON_IsArray(array) && !reader->bad) {
        reader->bad = key;
    }
    *ret_n = cJSON_IsArray(array) ? (size_t) cJSON_GetArraySize(array) : 0;
    return array;
}

static bool
read_bool(struct reader *reader, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(reader->json, name);

    if (!cJSON_IsBool(item) && !reader->bad) {
        reader->bad = name;
    }
    return cJSON_IsTrue(item);
}

static uint64_t
to_wide(struct reader *reader, const char *key, const char *s)
{
    char *end = NULL;
    uint64_t value = s ? strtoull(s, &end, 16) : 0;

    if (!s || strlen(s) != 16 || strspn(s, "0123456789abcdef") != 16
        || *end) {
        fail_at(reader, key);
    }
    return value;
}

/* Elements of an optional array, NULL if it is absent or empty. */
static const cJSON *
read_opt_array(struct reader *reader, const char *key, size_t *ret_n)
{
    const cJSON *array;

    *ret_n = 0;
    if (!has(reader, key)) {
        return NULL;
    }
    array = read_array(reader, key, ret_n);
    return *ret_n ? array : NULL;
}

static void
read_rts(struct reader *reader, const char *key, uint64_t **member,
         size_t *n_member)
{
    size_t n;
    const cJSON *array = read_opt_array(reader, key, &n), *item;

    if (!array) {
        return;
    }
    *member = vx_xcalloc(n, sizeof **member);
    cJSON_ArrayForEach (item, array) {
        (*member)[(*n_member)++] = to_wide(reader, key,
                                           cJSON_GetStringValue(item));
    }
}

/* With host bits, unlike vx_prefix_parse(). */
static void
to_prefix(struct reader *reader, const char *key, const char *s,
          struct vx_prefix *prefix)
{
    char ip[VX_PREFIX_STRLEN];
    const char *slash = s ? strchr(s, '/') : NULL;
    char *end;
    unsigned long length;

    if (!slash || (size_t) (slash - s) >= sizeof ip) {
        fail_at(reader, key);
        return;
    }
    memcpy(ip, s, (size_t) (slash - s));
    ip[slash - s] = '\0';
    length = strtoul(slash + 1, &end, 10);
    if (!vx_ip_parse(ip, &prefix->ip) || end == slash + 1 || *end
        || length > vx_ip_bits(&prefix->ip)) {
        fail_at(reader, key);
        return;
    }
    prefix->length = (uint8_t) length;
}

static void
read_prefixes(struct reader *reader, const char *key,
              struct vx_prefix **member, size_t *n_member)
{
    size_t n;
    const cJSON *array = read_opt_array(reader, key, &n), *item;

    if (!array) {
        return;
    }
    *member = vx_xcalloc(n, sizeof **member);
    cJSON_ArrayForEach (item, array) {
        to_prefix(reader, key, cJSON_GetStringValue(item),
                  &(*member)[(*n_member)++]);
    }
}

static void
read_host(struct reader *reader, struct vx_host *host)
{
    host->zone = read_uint(reader, "zone", VX_OID_MAX);
    host->num = (uint32_t) read_uint(reader, "num", VX_HOST_NUM_MAX);
    read_text(reader, "system_id", &host->system_id);
    read_opt_ip(reader, "vtep", &host->vtep);
    host->mtu = (uint16_t) read_uint(reader, "mtu", UINT16_MAX);
    read_text(reader, "datapath", &host->datapath);
    host->stranger = read_bool(reader, "stranger");
    host->draining = read_opt_bool(reader, "draining");
    host->external = read_opt_bool(reader, "external");
}

static void
read_zone(struct reader *reader, struct vx_zone *zone)
{
    const cJSON *borders, *item;
    size_t n = 0;

    zone->num = (uint32_t) read_uint(reader, "num", VX_ZONE_NUM_MAX);
    zone->path = (enum vx_path) read_opt_uint(reader, "path",
                                              VX_PATH_BORDER);
    if (!zone->path) {
        zone->path = VX_PATH_DIRECT;
    }
    zone->budget_kbps = read_opt_uint(reader, "budget_kbps", UINT32_MAX);
    if (!cJSON_GetObjectItemCaseSensitive(reader->json, "borders")) {
        return;
    }
    borders = read_array(reader, "borders", &n);
    if (!n) {
        return;
    }
    zone->borders = vx_xcalloc(n, sizeof *zone->borders);
    cJSON_ArrayForEach (item, borders) {
        if (!vx_json_uint(item, VX_OID_MAX,
                          &zone->borders[zone->n_borders++])
            && !reader->bad) {
            reader->bad = "borders";
        }
    }
}

static void
read_subnet(struct reader *reader, struct vx_subnet *subnet)
{
    size_t n;
    const cJSON *array = read_array(reader, "ranges", &n), *item;

    if (!vx_prefix_parse(read_string(reader, "prefix"), &subnet->prefix)
        && !reader->bad) {
        reader->bad = "prefix";
    }
    read_opt_ip(reader, "gateway", &subnet->gateway);
    subnet->route = read_opt_bool(reader, "route");
    subnet->announce = read_opt_bool(reader, "announce");
    subnet->host_routes = read_opt_bool(reader, "host_routes");
    if (!n) {
        return;
    }
    subnet->ranges = vx_xcalloc(n, sizeof *subnet->ranges);
    cJSON_ArrayForEach (item, array) {
        struct vx_range *range = &subnet->ranges[subnet->n_ranges++];
        to_ip(reader, "ranges",
              cJSON_GetStringValue(cJSON_GetArrayItem(item, 0)),
              &range->first);
        to_ip(reader, "ranges",
              cJSON_GetStringValue(cJSON_GetArrayItem(item, 1)),
              &range->last);
    }
}

static void
read_port(struct reader *reader, struct vx_port *port)
{
    size_t n;
    const cJSON *array = read_array(reader, "ips", &n), *item;

    if (!vx_mac_parse(read_string(reader, "mac"), &port->mac)
        && !reader->bad) {
        reader->bad = "mac";
    }
    port->host = read_uint(reader, "host", VX_OID_MAX);
    port->located = read_uint(reader, "located", VX_OID_MAX);
    read_text(reader, "iface_id", &port->iface_id);
    port->guard = read_bool(reader, "guard");
    if (cJSON_GetObjectItemCaseSensitive(reader->json, "migrate_from")) {
        port->migrate_from = read_uint(reader, "migrate_from", VX_OID_MAX);
        port->migrate_hold = read_bool(reader, "migrate_hold");
    }
    port->rate_kbps = read_opt_uint(reader, "rate_kbps", UINT32_MAX);
    port->rate_pps = read_opt_uint(reader, "rate_pps", UINT32_MAX);
    port->bum_pps = read_opt_uint(reader, "bum_pps", UINT32_MAX);
    if (has(reader, "left")) {
        port->left = read_uint(reader, "left", VX_OID_MAX);
        port->left_ms = (int64_t) read_uint(reader, "left_ms", INT64_MAX);
    }
    port->mobility = read_opt_uint(reader, "mobility", UINT32_MAX);
    if (has(reader, "gateway")) {
        port->gateway = read_uint(reader, "gateway", VX_OID_MAX);
    }
    if (!n) {
        return;
    }
    port->ips = vx_xcalloc(n, sizeof *port->ips);
    cJSON_ArrayForEach (item, array) {
        to_ip(reader, "ips", cJSON_GetStringValue(item),
              &port->ips[port->n_ips++]);
    }
}

static void
copy_ips(const struct vx_ip *ips, size_t n, struct vx_ip **member,
         size_t *n_member)
{
    *member = n ? vx_xmemdup(ips, n * sizeof *ips) : NULL;
    *n_member = n;
}

static void
read_route(struct reader *reader, struct vx_route *route)
{
    const struct vx_ip *via = NULL;
    size_t n;
    const cJSON *array = read_array(reader, "via", &n);

    route->num = (uint32_t) read_uint(reader, "num", VX_HOP_NUM_MAX);
    if (!vx_prefix_parse(route->o.name, &route->prefix) && !reader->bad) {
        reader->bad = "name";
    }
    n = 0;
    if (!vx_codec_read_ips(reader->doc, array, "via", &via, &n, NULL)
        && !reader->bad) {
        reader->bad = "via";
    }
    copy_ips(via, n, &route->via, &route->n_via);
    route->announce = read_opt_bool(reader, "announce");
}

static struct vx_port_range *
copy_ports(const struct vx_port_range *ranges, size_t n)
{
    return n ? vx_xmemdup(ranges, n * sizeof *ranges) : NULL;
}

static void
read_policy(struct reader *reader, struct vx_policy *policy)
{
    struct vx_policy_spec spec = { .priority = 0 };

    policy->num = (uint32_t) read_uint(reader, "num", VX_HOP_NUM_MAX);
    if (!vx_codec_read_policy(reader->doc, reader->json, &spec, NULL)) {
        reader->bad = reader->bad ? reader->bad : "match";
        return;
    }
    policy->priority = spec.priority;
    policy->where = has(reader, "places")
        ? (uint8_t) read_uint(reader, "places", UINT8_MAX) : VX_WHERE_HOSTS;
    policy->action = spec.action;
    policy->fail_closed = spec.fail_closed;
    policy->dscp = spec.dscp;
    policy->rate_kbps = spec.rate_kbps;
    copy_ips(spec.via, spec.n_via, &policy->via, &policy->n_via);
    policy->match = spec.match;
    policy->match.sports = copy_ports(spec.match.sports, spec.match.n_sports);
    policy->match.dports = copy_ports(spec.match.dports, spec.match.n_dports);
    policy->match.family = (uint8_t) read_uint(reader, "family", 6);
    policy->match.network = read_uint(reader, "network", VX_OID_MAX);
}

static void
read_tenant(struct reader *reader, struct vx_tenant *tenant)
{
    tenant->router_vni
        = (uint32_t) read_uint(reader, "router_vni", VX_VNI_MAX);
    tenant->quota_networks
        = (uint32_t) read_uint(reader, "quota_networks", UINT32_MAX);
    tenant->quota_ports
        = (uint32_t) read_uint(reader, "quota_ports", UINT32_MAX);
    tenant->budget_kbps = read_opt_uint(reader, "budget_kbps", UINT32_MAX);
    if (has(reader, "rd")) {
        tenant->rd = to_wide(reader, "rd", read_string(reader, "rd"));
    }
    read_rts(reader, "imports", &tenant->imports, &tenant->n_imports);
    read_rts(reader, "exports", &tenant->exports, &tenant->n_exports);
}

static void
read_network(struct reader *reader, struct vx_network *network)
{
    network->vni = (uint32_t) read_uint(reader, "vni", VX_VNI_MAX);
    network->mtu = (uint16_t) read_uint(reader, "mtu", UINT16_MAX);
    network->path = (enum vx_path) read_opt_uint(reader, "path",
                                                 VX_PATH_BORDER);
    network->bum_pps = read_opt_uint(reader, "bum_pps", UINT32_MAX);
    network->no_evpn = read_opt_bool(reader, "no_evpn");
    read_rts(reader, "rts", &network->rts, &network->n_rts);
}

static void
read_gateway(struct reader *reader, struct vx_gateway *gateway)
{
    gateway->host = read_uint(reader, "host", VX_OID_MAX);
    gateway->as = (uint32_t) read_uint(reader, "as", UINT32_MAX);
    read_opt_ip(reader, "router_id", &gateway->router_id);
}

static void
read_communities(struct reader *reader, struct vx_peering *peering)
{
    size_t n;
    const cJSON *array = read_opt_array(reader, "communities", &n), *item;

    if (!array) {
        return;
    }
    peering->communities = vx_xcalloc(n, sizeof *peering->communities);
    cJSON_ArrayForEach (item, array) {
        uint64_t community = 0;

        if (!vx_json_uint(item, UINT32_MAX, &community)) {
            fail_at(reader, "communities");
        }
        peering->communities[peering->n_communities++]
            = (uint32_t) community;
    }
}

static void
read_peering(struct reader *reader, struct vx_peering *peering)
{
    peering->gateway = read_uint(reader, "gateway", VX_OID_MAX);
    read_opt_ip(reader, "peer", &peering->peer);
    peering->peer_as = (uint32_t) read_uint(reader, "peer_as", UINT32_MAX);
    peering->local_as = (uint32_t) read_uint(reader, "local_as", UINT32_MAX);
    peering->families = (uint8_t) read_uint(reader, "families", UINT8_MAX);
    peering->bfd = read_opt_bool(reader, "bfd");
    peering->hold_s = (uint16_t) read_opt_uint(reader, "hold_s", UINT16_MAX);
    peering->multihop = (uint8_t) read_opt_uint(reader, "multihop",
                                                UINT8_MAX);
    read_text(reader, "password", &peering->password);
    read_communities(reader, peering);
    peering->has_med = has(reader, "med");
    peering->med = read_opt_uint(reader, "med", UINT32_MAX);
    peering->local_pref = read_opt_uint(reader, "local_pref", UINT32_MAX);
    peering->prefix_limit = read_opt_uint(reader, "prefix_limit",
                                          UINT32_MAX);
    read_prefixes(reader, "imports", &peering->imports,
                  &peering->n_imports);
    read_prefixes(reader, "exports", &peering->exports,
                  &peering->n_exports);
    read_text(reader, "device", &peering->device);
    read_prefixes(reader, "locals", &peering->locals, &peering->n_locals);
    read_opt_ip(reader, "source", &peering->source);
    peering->flowspec_in = read_opt_bool(reader, "flowspec_in");
    peering->readvertise = read_opt_bool(reader, "readvertise");
}

static void
read_retired(struct reader *reader, struct vx_retired_vni *retired)
{
    retired->vni = (uint32_t) read_uint(reader, "vni", VX_VNI_MAX);
    retired->until_ms = (int64_t) read_uint(reader, "until_ms", INT64_MAX);
}

static void
read_members(struct reader *reader, struct vx_obj *obj)
{
    void *value = obj;

    read_text(reader, "name", &obj->name);
    obj->parent = read_uint(reader, "parent", VX_OID_MAX);
    read_text(reader, "description", &obj->description);
    obj->origin = (enum vx_origin) read_opt_uint(reader, "origin",
                                                 VX_BY_BGP);
    switch (obj->kind) {
    case VX_ZONE:
        read_zone(reader, value);
        break;
    case VX_HOST:
        read_host(reader, value);
        break;
    case VX_TENANT:
        read_tenant(reader, value);
        break;
    case VX_NETWORK:
        read_network(reader, value);
        break;
    case VX_SUBNET:
        read_subnet(reader, value);
        break;
    case VX_PORT:
        read_port(reader, value);
        break;
    case VX_RETIRED_VNI:
        read_retired(reader, value);
        break;
    case VX_ROUTE:
        read_route(reader, value);
        break;
    case VX_POLICY:
        read_policy(reader, value);
        break;
    case VX_GATEWAY:
        read_gateway(reader, value);
        break;
    case VX_PEERING:
    case VX_UPLINK:
        read_peering(reader, value);
        break;
    case VX_NONE:
    case VX_N_KINDS:
        break;
    }
}

struct vx_obj *
vx_codec_record_parse(enum vx_kind kind, uint64_t oid, uint64_t revision,
                      const void *body, size_t size, struct vx_error *err)
{
    struct vx_error why = { .message = "" };

    if (kind <= VX_NONE || kind >= VX_N_KINDS) {
        vx_fail(err, VX_INVALID, "",
                "record %u/%" PRIu64 " is of a kind this version does not "
                "know: run the newer vxfabricd", (unsigned) kind, oid);
        return NULL;
    }
    struct vx_doc *doc = vx_doc_parse(body, size, VX_BODY_MAX, &why);
    if (!doc) {
        vx_fail(err, VX_INTERNAL, "", "record %u/%" PRIu64 ": %.300s",
                (unsigned) kind, oid, why.message);
        return NULL;
    }
    struct reader reader = { .doc = doc, .json = doc->root };
    struct vx_obj *obj = NULL;
    uint64_t v = read_uint(&reader, "v", UINT32_MAX);
    if (reader.bad || v != RECORD_VERSION) {
        vx_fail(err, VX_INVALID, "",
                "record %u/%" PRIu64 " has format %" PRIu64 ", this version "
                "knows %d: run the newer vxfabricd", (unsigned) kind, oid, v,
                RECORD_VERSION);
    } else {
        obj = vx_obj_new(kind);
        obj->oid = oid;
        obj->revision = revision;
        read_members(&reader, obj);
    }
    if (reader.bad && obj) {
        vx_fail(err, VX_INTERNAL, "",
                "record %u/%" PRIu64 ": \"%s\" is missing or wrong",
                (unsigned) kind, oid, reader.bad);
        vx_obj_unref(obj);
        obj = NULL;
    }
    vx_doc_free(doc);
    return obj;
}
