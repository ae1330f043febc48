/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways and peerings, bodies and answers; route distinguishers and route
 * targets of tenants and networks.  A password goes in and never comes out,
 * but to gateways (vx_codec_view.secrets). */
#include "api/codec_peering.h"

#include <string.h>

#include "api/codec_policy.h"
#include "lib/rt.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

static bool
read_ip(const cJSON *body, const char *name, struct vx_ip *ip,
        struct vx_error *err)
{
    const char *text = vx_json_text(body, name);

    return !text || vx_ip_parse(text, ip)
           || vx_fail(err, VX_INVALID, name, "\"%.60s\" is not an IPv4 or "
                      "IPv6 address", text);
}

/* --- Lists: each text of an array by a function. */

struct list_type {
    size_t size;                /* of an element */
    /* False if the text is none. */
    bool (*read)(const char *text, void *elem);
    const char *what;           /* "\"x\" is no ..." */
};

/* *ret_elems stays as it is if the array is empty or not there. */
static bool
read_list(struct vx_doc *doc, const cJSON *array, const char *field,
          const struct list_type *type, void **ret_elems, size_t *ret_n,
          struct vx_error *err)
{
    size_t n = (size_t) cJSON_GetArraySize(array), i = 0;
    const cJSON *item;
    char *elems;

    if (!n) {
        return true;
    }
    elems = vx_doc_alloc(doc, n * type->size);
    cJSON_ArrayForEach (item, array) {
        const char *text = cJSON_GetStringValue(item);

        if (!text || !type->read(text, elems + i++ * type->size)) {
            return vx_fail(err, VX_INVALID, field, "\"%.60s\" is no %s",
                           text ? text : "?", type->what);
        }
    }
    *ret_n = n;
    *ret_elems = elems;
    return true;
}

static bool
rt_of(const char *text, void *elem)
{
    return vx_rt_parse(text, elem);
}

static bool
community_of(const char *text, void *elem)
{
    return vx_community_parse(text, elem);
}

static bool
prefix_of(const char *text, void *elem)
{
    return vx_prefix_parse(text, elem);
}

/* An address of a device: with its host bits. */
static bool
local_of(const char *text, void *elem)
{
    return vx_prefix_parse_local(text, elem);
}

static const struct list_type rt_list = {
    sizeof(uint64_t), rt_of,
    "route target: write AS:NUMBER or ADDRESS:NUMBER, like 65001:1",
};
static const struct list_type community_list = {
    sizeof(uint32_t), community_of,
    "community: write AS:NUMBER, each 0 to 65535, or no-export, "
    "no-advertise, no-export-subconfed, no-peer, graceful-shutdown, "
    "accept-own, llgr-stale, no-llgr, blackhole",
};
static const struct list_type prefix_list = {
    sizeof(struct vx_prefix), prefix_of,
    "prefix: write ADDRESS/LENGTH without host bits, like 10.0.0.0/8",
};
static const struct list_type local_list = {
    sizeof(struct vx_prefix), local_of,
    "address of a device: write ADDRESS/LENGTH, like 172.16.1.1/30",
};

bool
vx_codec_read_rts(struct vx_doc *doc, const cJSON *array, const char *field,
                  struct vx_codec_rts *ret_rts, struct vx_error *err)
{
    void *rts = NULL;
    size_t n = 0;

    if (!read_list(doc, array, field, &rt_list, &rts, &n, err)) {
        return false;
    }
    *ret_rts = (struct vx_codec_rts) { rts, n };
    return true;
}

void
vx_codec_write_rts(struct vx_jw *jw, const char *key, const uint64_t *rts,
                   size_t n)
{
    char buf[VX_RT_STRLEN];

    vx_jw_key(jw, key);
    for (size_t i = 0; i < n; i++) {
        vx_buf_puts(jw->out, i ? "," : "[");
        vx_json_string(jw->out, vx_rt_format(rts[i], buf));
    }
    vx_buf_puts(jw->out, n ? "]" : "[]");
}

bool
vx_codec_read_rd(const char *text, uint64_t *ret_rd, struct vx_error *err)
{
    return !text || vx_rd_parse(text, ret_rd)
           || vx_fail(err, VX_INVALID, "rd", "\"%.40s\" is no route "
                      "distinguisher: write AS:NUMBER or ADDRESS:NUMBER, "
                      "like 65001:1 or 192.0.2.1:7", text);
}

/* --- Gateways. */

bool
vx_codec_read_gateway(const cJSON *body, struct vx_gateway_spec *spec,
                      struct vx_error *err)
{
    const char *id = vx_json_text(body, "router_id");

    spec->host = vx_json_text(body, "host");
    spec->as = (uint32_t) vx_json_u64(body, "as");
    if (id && (!vx_ip_parse(id, &spec->router_id)
               || spec->router_id.family != 4)) {
        return vx_fail(err, VX_INVALID, "router_id", "\"%.60s\" is no BGP "
                       "identifier: an IPv4 address, like 192.0.2.1", id);
    }
    return true;
}

static void
write_ip(struct vx_jw *jw, const char *key, const struct vx_ip *ip)
{
    char buf[VX_IP_STRLEN];

    vx_jw_opt(jw, key, ip->family ? vx_ip_format(ip, buf) : NULL);
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

static const char *
name_of(const struct vx_model *model, uint64_t oid)
{
    const struct vx_obj *obj = oid ? vx_model_by_oid(model, oid) : NULL;

    return obj ? obj->name : "";
}

void
vx_codec_write_gateway(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_gateway *gateway
        = (const struct vx_gateway *) view->obj;
    const struct vx_api_gateway_status *status = view->gateway_status;
    static const struct vx_ip none;

    vx_jw_str(jw, "host", name_of(view->model, gateway->host));
    vx_jw_u64_opt(jw, "as", gateway->as);
    write_ip(jw, "router_id", &gateway->router_id);
    vx_jw_str(jw, "description", gateway->o.description);
    if (status) {
        vx_jw_str(jw, "status", status->state);
        vx_jw_str(jw, "reason", status->reason);
        write_time(jw, "seen", status->seen_ms);
        vx_jw_u64(jw, "acked", status->acked);
        vx_jw_u64(jw, "behind", status->behind);
        vx_jw_u64(jw, "n_sessions", status->n_sessions);
        vx_jw_u64(jw, "n_established", status->n_established);
        vx_jw_u64_opt(jw, "as_in_force", status->as);
        write_ip(jw, "router_id_in_force", status->router_id.family == 4
                 ? &status->router_id : &none);
    }
}

/* --- Peerings of both kinds. */

static const struct {
    const char *name;
    uint8_t family;
} families[] = {
    { "ipv4", VX_AF_IPV4 }, { "ipv6", VX_AF_IPV6 },
    { "vpnv4", VX_AF_VPNV4 }, { "vpnv6", VX_AF_VPNV6 },
    { "evpn", VX_AF_EVPN }, { "flowspec", VX_AF_FLOWSPEC },
};

static bool
add_family(const char *text, uint8_t *bits, struct vx_error *err)
{
    for (size_t i = 0; i < N_ELEMS(families); i++) {
        if (!strcmp(text, families[i].name)) {
            *bits |= families[i].family;
            return true;
        }
    }
    return vx_fail(err, VX_INVALID, "families", "\"%.40s\" is no address "
                   "family: ipv4, ipv6 (of a tenant's peering), vpnv4, "
                   "vpnv6, evpn, flowspec (of a fabric-wide one)", text);
}

static bool
read_families(const cJSON *value, uint8_t *bits, struct vx_error *err)
{
    const cJSON *item;

    if (cJSON_IsString(value)) {
        return add_family(value->valuestring, bits, err);
    }
    cJSON_ArrayForEach (item, value) {
        if (!add_family(item->valuestring, bits, err)) {
            return false;
        }
    }
    return true;
}

static bool
read_lists(struct vx_doc *doc, const cJSON *body, struct vx_peering *value,
           struct vx_error *err)
{
    void *communities = NULL, *imports = NULL, *exports = NULL;
    void *locals = NULL;

    if (!read_list(doc, vx_json_member(body, "communities"), "communities",
                   &community_list, &communities, &value->n_communities, err)
        || !read_list(doc, vx_json_member(body, "import"), "import",
                      &prefix_list, &imports, &value->n_imports, err)
        || !read_list(doc, vx_json_member(body, "export"), "export",
                      &prefix_list, &exports, &value->n_exports, err)
        || !read_list(doc, vx_json_member(body, "local"), "local", &local_list,
                      &locals, &value->n_locals, err)) {
        return false;
    }
    value->communities = communities;
    value->imports = imports;
    value->exports = exports;
    value->locals = locals;
    return true;
}

/* A password is typed into configurations: what could end a line there, or a
 * word, is none. */
static bool
check_password(const char *password, struct vx_error *err)
{
    for (const char *p = password; p && *p; p++) {
        if (*p <= ' ' || *p >= 0x7f) {
            return vx_fail(err, VX_INVALID, "password", "a password has "
                           "printable ASCII characters only, without "
                           "spaces");
        }
    }
    return true;
}

bool
vx_codec_read_peering(struct vx_doc *doc, const cJSON *body,
                      struct vx_peering_spec *spec, struct vx_error *err)
{
    struct vx_peering *value = &spec->value;
    const char *password = vx_json_text(body, "password");
    const char *device = vx_json_text(body, "device");

    spec->gateway = vx_json_text(body, "gateway");
    spec->keep_password
        = !cJSON_GetObjectItemCaseSensitive(body, "password");
    /* Borrowed: the model copies. */
    value->password = (char *) (uintptr_t) (password ? password : "");
    value->device = (char *) (uintptr_t) (device ? device : "");
    value->peer_as = (uint32_t) vx_json_u64(body, "peer_as");
    value->local_as = (uint32_t) vx_json_u64(body, "local_as");
    value->bfd = cJSON_IsTrue(vx_json_member(body, "bfd"));
    value->hold_s = (uint16_t) vx_json_u64(body, "hold");
    value->multihop = (uint8_t) vx_json_u64(body, "multihop");
    value->has_med = vx_json_member(body, "med") != NULL;
    value->med = (uint32_t) vx_json_u64(body, "med");
    value->local_pref = (uint32_t) vx_json_u64(body, "local_pref");
    value->prefix_limit = (uint32_t) vx_json_u64(body, "prefix_limit");
    value->flowspec_in = cJSON_IsTrue(vx_json_member(body, "flowspec_in"));
    value->readvertise = cJSON_IsTrue(vx_json_member(body, "readvertise"));
    return read_ip(body, "peer", &value->peer, err)
           && read_ip(body, "source", &value->source, err)
           && read_families(vx_json_member(body, "families"), &value->families,
                            err)
           && check_password(password, err)
           && read_lists(doc, body, value, err);
}

static void
write_families(struct vx_jw *jw, uint8_t bits)
{
    const char *comma = "";

    vx_jw_key(jw, "families");
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < N_ELEMS(families); i++) {
        if (bits & families[i].family) {
            vx_buf_printf(jw->out, "%s\"%s\"", comma, families[i].name);
            comma = ",";
        }
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_prefixes(struct vx_jw *jw, const char *key,
               const struct vx_prefix *prefixes, size_t n)
{
    char buf[VX_PREFIX_STRLEN];

    vx_jw_key(jw, key);
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(jw->out, "%s\"%s\"", i ? "," : "",
                      vx_prefix_format(&prefixes[i], buf));
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_communities(struct vx_jw *jw, const struct vx_peering *peering)
{
    char buf[VX_COMMUNITY_STRLEN];

    vx_jw_key(jw, "communities");
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < peering->n_communities; i++) {
        vx_buf_printf(jw->out, "%s\"%s\"", i ? "," : "",
                      vx_community_format(peering->communities[i], buf));
    }
    vx_buf_puts(jw->out, "]");
}

/* What the session is like, without whom it is with. */
static void
write_session(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_peering *peering
        = (const struct vx_peering *) view->obj;

    if (view->secrets) {
        vx_jw_opt(jw, "password", peering->password);
    }
    vx_jw_bool(jw, "password_set", peering->password[0] != '\0');
    vx_jw_bool(jw, "bfd", peering->bfd);
    vx_jw_u64_opt(jw, "hold", peering->hold_s);
    vx_jw_u64_opt(jw, "multihop", peering->multihop);
    write_communities(jw, peering);
    if (peering->has_med) {
        vx_jw_u64(jw, "med", peering->med);
    } else {
        vx_jw_opt(jw, "med", NULL);
    }
    vx_jw_u64_opt(jw, "local_pref", peering->local_pref);
    vx_jw_u64_opt(jw, "prefix_limit", peering->prefix_limit);
    if (peering->o.kind == VX_PEERING) {
        write_prefixes(jw, "import", peering->imports, peering->n_imports);
        write_prefixes(jw, "export", peering->exports, peering->n_exports);
    }
}

void
vx_codec_write_peering(const struct vx_codec_view *view, struct vx_jw *jw)
{
    const struct vx_peering *peering
        = (const struct vx_peering *) view->obj;
    const struct vx_api_peering_status *status = view->peering_status;

    if (peering->o.kind == VX_PEERING) {
        vx_jw_str(jw, "tenant", view->key.tenant);
    }
    vx_jw_str(jw, "gateway", name_of(view->model, peering->gateway));
    write_ip(jw, "peer", &peering->peer);
    vx_jw_u64(jw, "peer_as", peering->peer_as);
    vx_jw_u64_opt(jw, "local_as", peering->local_as);
    write_families(jw, peering->families);
    if (peering->o.kind == VX_PEERING) {
        vx_jw_opt(jw, "device", peering->device);
        write_prefixes(jw, "local", peering->locals, peering->n_locals);
        vx_jw_bool(jw, "readvertise", peering->readvertise);
    } else {
        write_ip(jw, "source", &peering->source);
        vx_jw_bool(jw, "flowspec_in", peering->flowspec_in);
    }
    write_session(view, jw);
    vx_jw_str(jw, "description", peering->o.description);
    if (status) {
        vx_jw_str(jw, "status", status->state);
        vx_jw_str(jw, "reason", status->reason);
        write_time(jw, "since", status->since_ms);
        vx_jw_u64(jw, "received", status->n_received);
        vx_jw_u64(jw, "sent", status->n_sent);
    }
}
