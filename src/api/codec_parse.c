/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies to operations.  The field table has checked names, types and sizes
 * before a kind's own function looks at values, so that those are short.
 * What needs the model (does the zone exist, is the address taken) is the
 * model's to judge. */
#include "api/codec.h"

#include <stdio.h>
#include <string.h>

#include "api/codec_peering.h"
#include "api/codec_policy.h"
#include "api/json.h"

/* One body on its way to an operation. */
struct body {
    struct vx_doc *doc;         /* owns what the op borrows */
    const cJSON *json;          /* an object, or NULL = {} */
    const struct vx_codec_path *path;
    const struct vx_codec_view *present;
    struct vx_error *err;
};

/* Member that is there and not null. */
/* --- What the table says. */

static const struct vx_codec_field *
find_in(const struct vx_codec_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(fields[i].name, name)) {
            return &fields[i];
        }
    }
    return NULL;
}

static const struct vx_codec_field *
find_field(enum vx_kind kind, const char *name)
{
    size_t n;
    const struct vx_codec_field *fields = vx_codec_fields(kind, &n);

    return find_in(fields, n, name);
}

static bool
unknown_in(const struct vx_codec_field *fields, size_t n, const char *what,
           const char *name, struct vx_error *err)
{
    struct vx_buf list = VX_BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        if (fields[i].settable) {
            vx_buf_puts(&list, list.size ? ", " : "");
            vx_buf_puts(&list, fields[i].name);
        }
    }
    vx_fail(err, VX_INVALID, name,
            "a %s has no member \"%.60s\"; it takes: %s", what, name,
            vx_buf_str(&list));
    vx_buf_fini(&list);
    return false;
}

/* The two kinds of peerings differ in a few members. */
static bool
of_other_peering(enum vx_kind kind, const char *name, struct vx_error *err)
{
    if (kind == VX_UPLINK && find_field(VX_PEERING, name)) {
        vx_fail(err, VX_INVALID, name, "\"%.60s\" is of a tenant's "
                "peering (/v1/tenants/TENANT/peerings/NAME), not of a "
                "fabric-wide one", name);
        return true;
    }
    if (kind == VX_PEERING && find_field(VX_UPLINK, name)) {
        vx_fail(err, VX_INVALID, name, "\"%.60s\" is of a fabric-wide "
                "peering (/v1/peerings/NAME), not of a tenant's", name);
        return true;
    }
    return false;
}

static bool
unknown_field(enum vx_kind kind, const char *name, struct vx_error *err)
{
    size_t n;
    const struct vx_codec_field *fields = vx_codec_fields(kind, &n);

    return !of_other_peering(kind, name, err)
           && unknown_in(fields, n, vx_kind_name(kind), name, err);
}

static const char *
type_name(enum vx_codec_type type)
{
    static const char *const names[] = {
        [VX_T_STRING] = "a string",
        [VX_T_UINT] = "a whole number",
        [VX_T_BOOL] = "true or false",
        [VX_T_STRINGS] = "an array of strings",
        [VX_T_RANGES] = "an array of {\"first\",\"last\"}",
        [VX_T_PROTO] = "a string or a whole number",
        [VX_T_MATCH] = "an object",
        [VX_T_ACTION] = "an object",
        [VX_T_HOPS] = "an array of objects",
        [VX_T_COUNTERS] = "an object",
        [VX_T_WORDS] = "an array of strings",
    };
    return names[type];
}

static bool
wrong_type(const struct vx_codec_field *field, struct vx_error *err)
{
    return vx_fail(err, VX_INVALID, field->name, "\"%s\" must be %s",
                   field->name, type_name(field->type));
}

static bool
check_range(const cJSON *range, const struct vx_codec_field *field,
            struct vx_error *err)
{
    if (!cJSON_IsObject(range) || cJSON_GetArraySize(range) != 2
        || !vx_json_text(range, "first") || !vx_json_text(range, "last")) {
        return wrong_type(field, err);
    }
    return true;
}

static bool
check_array(const cJSON *value, const struct vx_codec_field *field,
            struct vx_error *err)
{
    const cJSON *item;
    uint64_t n = 0;

    if (!cJSON_IsArray(value)) {
        return wrong_type(field, err);
    }
    cJSON_ArrayForEach (item, value) {
        n++;
        if (field->type != VX_T_RANGES && !cJSON_IsString(item)) {
            return wrong_type(field, err);
        }
        if (field->type == VX_T_RANGES && !check_range(item, field, err)) {
            return false;
        }
    }
    return n <= field->max
           || vx_fail(err, VX_INVALID, field->name,
                      "\"%s\" has %llu elements, at most %llu are taken",
                      field->name, (unsigned long long) n,
                      (unsigned long long) field->max);
}

static bool
check_words(const cJSON *value, const struct vx_codec_field *field,
            struct vx_error *err)
{
    if (cJSON_IsString(value)) {
        return true;
    }
    return check_array(value, field, err)
           && (value->child || !field->min
               || vx_fail(err, VX_INVALID, field->name, "\"%s\" is empty: "
                          "%s", field->name, field->help));
}

static bool
check_string(const cJSON *value, const struct vx_codec_field *field,
             struct vx_error *err)
{
    if (!cJSON_IsString(value)) {
        return wrong_type(field, err);
    }
    size_t size = strlen(value->valuestring);
    if (field->min == field->max && size != field->min) {
        return vx_fail(err, VX_INVALID, field->name, "\"%s\" has %zu bytes, "
                       "it must have %llu", field->name, size,
                       (unsigned long long) field->min);
    }
    return (size >= field->min && size <= field->max)
           || vx_fail(err, VX_INVALID, field->name,
                      "\"%s\" has %zu bytes, it must have %llu to %llu",
                      field->name, size, (unsigned long long) field->min,
                      (unsigned long long) field->max);
}

static bool
check_uint(const cJSON *value, const struct vx_codec_field *field,
           struct vx_error *err)
{
    uint64_t u;

    if (!cJSON_IsNumber(value)) {
        return wrong_type(field, err);
    }
    if (!vx_json_uint(value, field->max, &u) || u < field->min) {
        return vx_fail(err, VX_INVALID, field->name,
                       "\"%s\" is %.17g, it must be a whole number from %llu "
                       "to %llu", field->name, value->valuedouble,
                       (unsigned long long) field->min,
                       (unsigned long long) field->max);
    }
    return true;
}

static bool check_value(const cJSON *value,
                        const struct vx_codec_field *field,
                        struct vx_error *err);

/* "src" in a match becomes "match.src". */
static bool
in_member(const struct vx_codec_field *field, struct vx_error *err)
{
    char inner[sizeof err->field];

    if (err) {
        memcpy(inner, err->field, sizeof inner);
        snprintf(err->field, sizeof err->field, "%s.%.30s", field->name,
                 inner);
    }
    return false;
}

/* An object inside of an object, one level deep. */
static bool
check_object(const cJSON *object, const struct vx_codec_field *field,
             struct vx_error *err)
{
    size_t n;
    const struct vx_codec_field *subs = vx_codec_sub_fields(field->type, &n);
    const cJSON *value;

    if (!cJSON_IsObject(object)) {
        return wrong_type(field, err);
    }
    cJSON_ArrayForEach (value, object) {
        const struct vx_codec_field *sub = find_in(subs, n, value->string);

        if (!sub) {
            unknown_in(subs, n, field->name, value->string, err);
            return in_member(field, err);
        }
        if (!cJSON_IsNull(value) && !check_value(value, sub, err)) {
            return in_member(field, err);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (subs[i].required && !vx_json_member(object, subs[i].name)) {
            vx_fail(err, VX_INVALID, subs[i].name, "\"%s\" needs \"%s\": "
                    "%s", field->name, subs[i].name, subs[i].help);
            return in_member(field, err);
        }
    }
    return true;
}

static bool
check_value(const cJSON *value, const struct vx_codec_field *field,
            struct vx_error *err)
{
    switch (field->type) {
    case VX_T_STRING: return check_string(value, field, err);
    case VX_T_UINT: return check_uint(value, field, err);
    case VX_T_BOOL:
        return cJSON_IsBool(value) || wrong_type(field, err);
    case VX_T_STRINGS:
    case VX_T_RANGES: return check_array(value, field, err);
    case VX_T_WORDS: return check_words(value, field, err);
    case VX_T_PROTO:
        return cJSON_IsString(value) || check_uint(value, field, err);
    case VX_T_MATCH:
    case VX_T_ACTION: return check_object(value, field, err);
    case VX_T_HOPS:             /* never in a body that is looked at */
    case VX_T_COUNTERS: break;
    }
    return false;
}

/* --- Read-only members. */

static const char *
part_of_path(const struct vx_codec_path *path, const char *name)
{
    if (!strcmp(name, "name") || !strcmp(name, "cidr")
        || !strcmp(name, "prefix")) {
        return path->key.name;
    }
    return !strcmp(name, "tenant")    ? path->key.tenant
           : !strcmp(name, "network") ? path->key.network
                                      : NULL;
}

/* Value of a number that only the present object knows; 0 = unknown. */
static uint64_t
present_number(const struct vx_codec_view *view, const char *name)
{
    if (!view || !view->obj) {
        return 0;
    }
    if (!strcmp(name, "num")) {
        return vx_codec_num(view->obj);
    }
    if (view->obj->kind == VX_PORT && !strcmp(name, "vni")) {
        const struct vx_obj *network
            = vx_model_by_oid(view->model, view->obj->parent);
        return network ? ((const struct vx_network *) network)->vni : 0;
    }
    return 0;
}

/* What only the present object can answer for, but numbers. */
static bool
as_present(const struct vx_codec_view *view, const char *name,
           const cJSON *value)
{
    if (!view || !view->obj) {
        return false;
    }
    if (!strcmp(name, "origin")) {
        return cJSON_IsString(value)
               && !strcmp(value->valuestring,
                          vx_codec_origin_name(view->obj->origin));
    }
    if (!strcmp(name, "password_set")) {
        const struct vx_peering *peering
            = (const struct vx_peering *) (const void *) view->obj;
        return cJSON_IsBool(value)
               && cJSON_IsTrue(value) == (peering->password[0] != '\0');
    }
    return false;
}

static bool
check_read_only(const struct body *body, const cJSON *value,
                const struct vx_codec_field *field)
{
    const char *part = part_of_path(body->path, field->name);
    uint64_t number = present_number(body->present, field->name);
    uint64_t given;

    if (field->runtime || cJSON_IsNull(value)) {
        return true;
    }
    if (!strcmp(field->name, "revision")) {
        return check_value(value, field, body->err);
    }
    if ((part && cJSON_IsString(value) && !strcmp(value->valuestring, part))
        || as_present(body->present, field->name, value)) {
        return true;
    }
    if (number && vx_json_uint(value, UINT64_MAX, &given)
        && given == number) {
        return true;
    }
    return vx_fail(body->err, VX_INVALID, field->name,
                   "\"%s\" is read-only: leave it out, or as GET answers it",
                   field->name);
}

static bool
check_members(const struct body *body)
{
    enum vx_kind kind = body->path->kind;
    size_t n;
    const struct vx_codec_field *fields = vx_codec_fields(kind, &n);
    const cJSON *value;

    cJSON_ArrayForEach (value, body->json) {
        const struct vx_codec_field *field = find_field(kind, value->string);
        if (!field) {
            return unknown_field(kind, value->string, body->err);
        }
        if (!field->settable) {
            if (!check_read_only(body, value, field)) {
                return false;
            }
        } else if (!cJSON_IsNull(value)
                   && !check_value(value, field, body->err)) {
            return false;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (fields[i].required
            && !vx_json_member(body->json, fields[i].name)) {
            return vx_fail(body->err, VX_INVALID, fields[i].name,
                           "a %s needs \"%s\": %s", vx_kind_name(kind),
                           fields[i].name, fields[i].help);
        }
    }
    return true;
}

/* --- Kinds. */

static bool
parse_ip(const char *text, const char *field, struct vx_ip *ret_ip,
         struct vx_error *err)
{
    return vx_ip_parse(text, ret_ip)
           || vx_fail(err, VX_INVALID, field,
                      "\"%.60s\" is not an IPv4 or IPv6 address", text);
}

static bool
parse_host(const struct body *body, struct vx_host_spec *spec)
{
    static const struct {
        const char *name;
        unsigned keep;
    } members[] = {
        { "system_id", VX_KEEP_SYSTEM_ID }, { "vtep", VX_KEEP_VTEP },
        { "mtu", VX_KEEP_MTU }, { "datapath", VX_KEEP_DATAPATH },
    };
    const char *vtep = vx_json_text(body->json, "vtep");

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (!cJSON_GetObjectItemCaseSensitive(body->json, members[i].name)) {
            spec->keep |= members[i].keep;      /* the host has said so */
        }
    }
    if (!vx_json_member(body->json, "draining")) {
        spec->keep |= VX_KEEP_DRAINING;
    }
    spec->draining = cJSON_IsTrue(vx_json_member(body->json, "draining"));
    spec->zone = vx_json_text(body->json, "zone");
    spec->system_id = vx_json_text(body->json, "system_id");
    spec->mtu = (uint16_t) vx_json_u64(body->json, "mtu");
    spec->datapath = vx_json_text(body->json, "datapath");
    return !vtep || parse_ip(vtep, "vtep", &spec->vtep, body->err);
}

/* NULL: path stays as it is. */
static bool
parse_path(const struct body *body, enum vx_path *path)
{
    const char *name = vx_json_text(body->json, "path");

    return !name || vx_codec_path_of(name, path)
           || vx_fail(body->err, VX_INVALID, "path", "\"%.40s\" is no path "
                      "to other zones: direct or border", name);
}

static bool
parse_zone(const struct body *body, struct vx_zone_spec *spec)
{
    const cJSON *array = vx_json_member(body->json, "border_hosts"), *item;
    size_t n = (size_t) cJSON_GetArraySize(array);
    const char **names;

    spec->budget_kbps = (uint32_t) vx_json_u64(body->json, "budget_kbps");
    spec->path = VX_PATH_DIRECT;
    if (n) {
        spec->borders = names = vx_doc_alloc(body->doc, n * sizeof *names);
        cJSON_ArrayForEach (item, array) {
            names[spec->n_borders++] = item->valuestring;
        }
    }
    return parse_path(body, &spec->path);
}

static bool
parse_tenant_rts(const struct body *body, struct vx_tenant_spec *spec)
{
    struct vx_codec_rts imports = { 0 }, exports = { 0 };

    if (!vx_codec_read_rd(vx_json_text(body->json, "rd"), &spec->rd, body->err)
        || !vx_codec_read_rts(body->doc,
                              vx_json_member(body->json, "import_rts"),
                              "import_rts", &imports, body->err)
        || !vx_codec_read_rts(body->doc,
                              vx_json_member(body->json, "export_rts"),
                              "export_rts", &exports, body->err)) {
        return false;
    }
    spec->imports = imports.rts;
    spec->n_imports = imports.n;
    spec->exports = exports.rts;
    spec->n_exports = exports.n;
    return true;
}

static bool
parse_tenant(const struct body *body, struct vx_tenant_spec *spec)
{
    const cJSON *router = vx_json_member(body->json, "router");

    spec->router_vni = (uint32_t) vx_json_u64(body->json, "router_vni");
    if (spec->router_vni && cJSON_IsFalse(router)) {
        return vx_fail(body->err, VX_INVALID, "router_vni",
                       "a router VNI without a router: leave out "
                       "\"router_vni\" or set \"router\" to true");
    }
    spec->budget_kbps = (uint32_t) vx_json_u64(body->json, "budget_kbps");
    if (spec->budget_kbps && cJSON_IsFalse(router)) {
        return vx_fail(body->err, VX_INVALID, "budget_kbps", "a budget needs "
                       "a router: leave out \"router\", or the budget");
    }
    spec->router = spec->router_vni || cJSON_IsTrue(router);
    spec->no_router = cJSON_IsFalse(router);
    spec->quota_networks =
        (uint32_t) vx_json_u64(body->json, "quota_networks");
    spec->quota_ports = (uint32_t) vx_json_u64(body->json, "quota_ports");
    return parse_tenant_rts(body, spec);
}

static bool
parse_network(const struct body *body, struct vx_network_spec *spec)
{
    struct vx_codec_rts rts = { 0 };

    spec->vni = (uint32_t) vx_json_u64(body->json, "vni");
    spec->mtu = (uint16_t) vx_json_u64(body->json, "mtu");
    spec->bum_pps = (uint32_t) vx_json_u64(body->json, "bum_pps");
    spec->no_evpn = cJSON_IsFalse(vx_json_member(body->json, "evpn"));
    if (!vx_codec_read_rts(body->doc, vx_json_member(body->json, "rts"), "rts",
                           &rts, body->err)) {
        return false;
    }
    spec->rts = rts.rts;
    spec->n_rts = rts.n;
    return parse_path(body, &spec->path);
}

static bool
parse_ranges(const struct body *body, struct vx_subnet_spec *spec)
{
    const cJSON *array = vx_json_member(body->json, "ranges"), *item;
    size_t n = (size_t) cJSON_GetArraySize(array);
    struct vx_range *ranges;

    if (!n) {
        return true;
    }
    spec->ranges = ranges = vx_doc_alloc(body->doc, n * sizeof *ranges);
    cJSON_ArrayForEach (item, array) {
        struct vx_range *range = &ranges[spec->n_ranges++];
        if (!parse_ip(vx_json_text(item, "first"), "ranges", &range->first,
                      body->err)
            || !parse_ip(vx_json_text(item, "last"), "ranges", &range->last,
                         body->err)) {
            return false;
        }
    }
    return true;
}

static bool
parse_subnet(const struct body *body, struct vx_subnet_spec *spec)
{
    const cJSON *gateway
        = cJSON_GetObjectItemCaseSensitive(body->json, "gateway");

    if (cJSON_IsNull(gateway)
        || (gateway && !strcmp(gateway->valuestring, "none"))) {
        spec->no_gateway = true;
    } else if (gateway
               && !parse_ip(gateway->valuestring, "gateway", &spec->gateway,
                            body->err)) {
        return false;
    }
    spec->route = cJSON_IsTrue(vx_json_member(body->json, "route"));
    spec->no_route = cJSON_IsFalse(vx_json_member(body->json, "route"));
    spec->announce = cJSON_IsTrue(vx_json_member(body->json, "announce"));
    spec->host_routes =
        cJSON_IsTrue(vx_json_member(body->json, "host_routes"));
    return parse_ranges(body, spec);
}

static bool
parse_ips(const struct body *body, struct vx_port_spec *spec)
{
    const cJSON *array = vx_json_member(body->json, "ips"), *item;
    size_t n = (size_t) cJSON_GetArraySize(array);
    struct vx_ip *ips;

    if (!n) {
        spec->no_ips = array != NULL;
        return true;
    }
    spec->ips = ips = vx_doc_alloc(body->doc, n * sizeof *ips);
    cJSON_ArrayForEach (item, array) {
        if (!parse_ip(item->valuestring, "ips", &ips[spec->n_ips++],
                      body->err)) {
            return false;
        }
    }
    return true;
}

static bool
parse_port(const struct body *body, struct vx_port_spec *spec)
{
    const char *mac = vx_json_text(body->json, "mac");

    if (mac) {
        spec->has_mac = true;
        if (!vx_mac_parse(mac, &spec->mac)) {
            return vx_fail(body->err, VX_INVALID, "mac",
                           "\"%.60s\" is not a MAC address like "
                           "0a:00:00:00:00:01", mac);
        }
    }
    spec->host = vx_json_text(body->json, "host");
    spec->migrate_from = vx_json_text(body->json, "migrate_from");
    spec->migrate_hold =
        cJSON_IsTrue(vx_json_member(body->json, "migrate_hold"));
    spec->iface_id = vx_json_text(body->json, "iface_id");
    spec->no_guard = cJSON_IsFalse(vx_json_member(body->json, "guard"));
    spec->rate_kbps = (uint32_t) vx_json_u64(body->json, "rate_kbps");
    spec->rate_pps = (uint32_t) vx_json_u64(body->json, "rate_pps");
    spec->bum_pps = (uint32_t) vx_json_u64(body->json, "bum_pps");
    return parse_ips(body, spec);
}

static bool
parse_route(const struct body *body, struct vx_route_spec *spec)
{
    spec->announce = cJSON_IsTrue(vx_json_member(body->json, "announce"));
    return vx_codec_read_ips(body->doc, vx_json_member(body->json, "via"),
                             "via", &spec->via, &spec->n_via, body->err);
}

static bool
parse_spec(const struct body *body, struct vx_op *op)
{
    switch (op->kind) {
    case VX_ZONE: return parse_zone(body, &op->spec.zone);
    case VX_HOST: return parse_host(body, &op->spec.host);
    case VX_TENANT: return parse_tenant(body, &op->spec.tenant);
    case VX_NETWORK: return parse_network(body, &op->spec.network);
    case VX_SUBNET: return parse_subnet(body, &op->spec.subnet);
    case VX_PORT: return parse_port(body, &op->spec.port);
    case VX_ROUTE: return parse_route(body, &op->spec.route);
    case VX_POLICY:
        return vx_codec_read_policy(body->doc, body->json, &op->spec.policy,
                                    body->err);
    case VX_GATEWAY:
        return vx_codec_read_gateway(body->json, &op->spec.gateway,
                                     body->err);
    case VX_PEERING:
    case VX_UPLINK:
        return vx_codec_read_peering(body->doc, body->json,
                                     &op->spec.peering, body->err);
    case VX_NONE:
    case VX_RETIRED_VNI:
    case VX_N_KINDS:
        break;
    }
    return vx_fail(body->err, VX_NOT_FOUND, "path",
                   "the path names no object");
}

static bool
parse_put(const struct body *body, struct vx_op *ret_op)
{
    struct vx_op op = {
        .type = VX_OP_PUT,
        .kind = body->path->kind,
        .key = body->path->key,
    };

    if (body->json && !cJSON_IsObject(body->json)) {
        return vx_fail(body->err, VX_INVALID, "body",
                       "the body must be a JSON object");
    }
    if (!check_members(body) || !parse_spec(body, &op)) {
        return false;
    }
    op.description = vx_json_text(body->json, "description");
    op.if_match = vx_json_u64(body->json, "revision");
    *ret_op = op;
    return true;
}

bool
vx_codec_put_part(const struct vx_codec_part *part,
                  const struct vx_codec_view *present, struct vx_op *ret_op,
                  struct vx_error *err)
{
    struct body body = {
        .doc = part->doc, .json = part->json, .path = part->path,
        .present = present, .err = err,
    };
    return parse_put(&body, ret_op);
}

bool
vx_codec_put(struct vx_doc *doc, const struct vx_codec_path *path,
             const struct vx_codec_view *present, struct vx_op *ret_op,
             struct vx_error *err)
{
    const struct vx_codec_part part = { doc, doc->root, path };

    return vx_codec_put_part(&part, present, ret_op, err);
}

bool
vx_codec_json_wants_present(const cJSON *json, enum vx_kind kind)
{
    return (kind == VX_PORT && vx_json_member(json, "vni"))
           || vx_json_member(json, "num") || vx_json_member(json, "origin")
           || vx_json_member(json, "password_set");
}

bool
vx_codec_wants_present(const struct vx_doc *doc,
                       const struct vx_codec_path *path)
{
    return vx_codec_json_wants_present(doc->root, path->kind);
}

/* --- PATCH. */

/* The settable members of the present object as a tree. */
static cJSON *
settable_of(const struct vx_codec_view *present)
{
    struct vx_buf text = VX_BUF_INIT;

    vx_codec_object(present, &text);
    cJSON *tree = cJSON_ParseWithLength(text.data, text.size);
    vx_buf_fini(&text);
    for (cJSON *value = tree ? tree->child : NULL, *next; value;
         value = next) {
        next = value->next;
        if (!find_field(present->obj->kind, value->string)->settable) {
            cJSON_Delete(cJSON_DetachItemViaPointer(tree, value));
        }
    }
    return tree;
}

/* What is kept if it is not given: a null has to stay a null. */
static bool
null_stays(enum vx_kind kind, const char *name)
{
    const struct vx_codec_field *field
        = kind == VX_NONE || kind == VX_HOST ? NULL : find_field(kind, name);

    return kind == VX_HOST || (field && field->secret);
}

/* RFC 7396; objects in objects are one level deep, in policies only.  What a
 * host has told and passwords are forgotten by null only, not by absence. */
static void
merge(cJSON *tree, const cJSON *patch, enum vx_kind kind)
{
    const cJSON *value;

    if (cJSON_IsFalse(vx_json_member(patch, "router"))) {
        cJSON_DeleteItemFromObjectCaseSensitive(tree, "router_vni");
    } else if (cJSON_IsFalse(vx_json_member(tree, "router"))) {
        /* That there is none yet is no wish that there be none. */
        cJSON_DeleteItemFromObjectCaseSensitive(tree, "router");
    }
    cJSON_ArrayForEach (value, patch) {
        cJSON *inner = cJSON_GetObjectItemCaseSensitive(tree, value->string);

        if (cJSON_IsObject(value) && cJSON_IsObject(inner)) {
            merge(inner, value, VX_NONE);
            continue;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(tree, value->string);
        if (!cJSON_IsNull(value) || null_stays(kind, value->string)) {
            cJSON_AddItemToObject(tree, value->string,
                                  cJSON_Duplicate(value, true));
        }
    }
}

bool
vx_codec_patch(struct vx_doc *doc, const struct vx_codec_path *path,
               const struct vx_codec_view *present, struct vx_op *ret_op,
               struct vx_error *err)
{
    if (!cJSON_IsObject(doc->root)) {
        return vx_fail(err, VX_INVALID, "body",
                       "a merge patch (RFC 7396) must be a JSON object");
    }
    if (present->obj->kind == VX_ROUTE
        && present->obj->origin != VX_BY_OPERATOR) {
        return vx_fail(err, VX_FORBIDDEN, "", "route \"%s/%s\" was learned "
                       "by a gateway, there is nothing to set on it: PUT one "
                       "of your own of that prefix (netctl route add), "
                       "which takes its place", present->key.tenant,
                       present->obj->name);
    }
    cJSON *tree = settable_of(present);
    if (!tree) {
        return vx_fail(err, VX_INTERNAL, "",
                       "the object cannot be read back");
    }
    merge(tree, doc->root, path->kind);
    cJSON_Delete(doc->root);
    doc->root = tree;       /* the op's strings are the merged ones */
    return vx_codec_put(doc, path, present, ret_op, err);
}
