/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the feed; see feed_codec.h.
 *
 * One reader per value walks over the members it knows; the first that is
 * wrong names itself in the error and the rest is not looked at. */
#include "gateway/feed_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "api/codec_policy.h"
#include "api/json.h"
#include "lib/rt.h"
#include "lib/xalloc.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

enum { MAX_PREFIXES = 4096, MAX_FELLOWS = 4096 };

/* --- Members of an object. */

struct reader {
    const cJSON *json;
    const char *type;           /* "tenant", for errors */
    struct vx_error *err;
    bool ok;
};

static void
bad(struct reader *r, const char *name, const char *what)
{
    if (r->ok) {
        r->ok = vx_fail(r->err, VX_INVALID, name, "%s: \"%s\" %s", r->type,
                        name, what);
    }
}

/* NULL if it is not there or null. */
static const cJSON *
get(const struct reader *r, const char *name)
{
    return vx_json_member(r->json, name);
}

static const char *
text_of(struct reader *r, const char *name, size_t max)
{
    const cJSON *value = get(r, name);

    if (!value) {
        return NULL;
    }
    if (!cJSON_IsString(value) || strlen(value->valuestring) > max) {
        bad(r, name, "is not a string, or too long");
        return NULL;
    }
    return value->valuestring;
}

/* Required. */
static char *
read_string(struct reader *r, const char *name, size_t max)
{
    const char *text = text_of(r, name, max);

    if (!text || !*text) {
        bad(r, name, "is missing");
        return NULL;
    }
    return vx_xstrdup(text);
}

static uint64_t
read_uint(struct reader *r, const char *name, uint64_t max, bool required)
{
    const cJSON *value = get(r, name);
    uint64_t u = 0;

    if (!value) {
        if (required) {
            bad(r, name, "is missing");
        }
    } else if (!vx_json_uint(value, max, &u)) {
        bad(r, name, "is no number in its range");
    }
    return u;
}

static bool
read_bool(struct reader *r, const char *name)
{
    const cJSON *value = get(r, name);

    if (value && !cJSON_IsBool(value)) {
        bad(r, name, "is not true or false");
    }
    return cJSON_IsTrue(value);
}

static uint32_t
read_vni(struct reader *r)
{
    uint32_t vni = (uint32_t) read_uint(r, "vni", VX_VNI_MAX, true);

    if (!vni) {
        bad(r, "vni", "is 0");
    }
    return vni;
}

static struct vx_ip
read_ip(struct reader *r, const char *name, bool required)
{
    const char *text = text_of(r, name, VX_IP_STRLEN);
    struct vx_ip ip = { 0 };

    if (text && *text) {
        if (!vx_ip_parse(text, &ip)) {
            bad(r, name, "is no IP address");
        }
    } else if (required) {
        bad(r, name, "is missing");
    }
    return ip;
}

static struct vx_mac
read_mac(struct reader *r, const char *name)
{
    const char *text = text_of(r, name, VX_MAC_STRLEN);
    struct vx_mac mac = { { 0 } };

    if (!text || !vx_mac_parse(text, &mac) || !vx_mac_is_unicast(&mac)) {
        bad(r, name, "is no unicast MAC address");
    }
    return mac;
}

/* Zeroed elements for the array of that name, NULL if there is none. */
static void *
read_array(struct reader *r, const char *name, size_t max, size_t size,
           size_t *ret_n)
{
    const cJSON *array = get(r, name);
    size_t n;

    *ret_n = 0;
    if (!array) {
        return NULL;
    }
    n = (size_t) cJSON_GetArraySize(array);
    if (!cJSON_IsArray(array) || n > max) {
        bad(r, name, "is not an array, or too long");
        return NULL;
    }
    *ret_n = n;
    return n ? vx_xcalloc(n, size) : NULL;
}

/* Calls parse with each string of the array. */
static void *
read_strings(struct reader *r, const char *name, size_t max, size_t size,
             bool (*parse)(const char *s, void *element), size_t *ret_n)
{
    char *array = read_array(r, name, max, size, ret_n);
    const cJSON *item;
    size_t i = 0;

    if (!array) {
        return NULL;
    }
    cJSON_ArrayForEach (item, get(r, name)) {
        if (!cJSON_IsString(item)
            || !parse(item->valuestring, array + i++ * size)) {
            bad(r, name, "has an element that cannot be read");
            break;
        }
    }
    return array;
}

static bool
parse_rt(const char *s, void *rt)
{
    return bg_rt_parse(s, rt);
}

static bool
parse_ip(const char *s, void *ip)
{
    return vx_ip_parse(s, ip);
}

static bool
parse_prefix(const char *s, void *prefix)
{
    return vx_prefix_parse(s, prefix);
}

/* "172.16.1.1/30": host bits stay. */
static bool
parse_local(const char *s, void *local)
{
    return vx_prefix_parse_local(s, local);
}

/* "65001:100", "no-export" */
static bool
parse_community(const char *s, void *community)
{
    return vx_community_parse(s, community);
}

/* --- Values. */

static void
read_gateway(struct reader *r, struct vx_gw_gateway *gateway)
{
    gateway->name = read_string(r, "name", VX_NAME_MAX);
    gateway->as = (uint32_t) read_uint(r, "as", UINT32_MAX, true);
    gateway->router_id = read_ip(r, "router_id", true);
    gateway->vtep = read_ip(r, "vtep", false);
    gateway->host = read_string(r, "host", VX_NAME_MAX);
    gateway->fellows = read_strings(r, "fellows", MAX_FELLOWS,
                                    sizeof *gateway->fellows, parse_ip,
                                    &gateway->n_fellows);
    if (r->ok && !gateway->as) {
        bad(r, "as", "is 0");
    }
    if (r->ok && gateway->router_id.family != 4) {
        bad(r, "router_id", "is no IPv4 address");
    }
}

/* It becomes a file's and an interface's name. */
static bool
is_vrf_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");

    return n && n <= VX_DEVICE_MAX && !name[n];
}

static void
read_leg(struct reader *r, struct vx_gw_tenant *tenant)
{
    struct reader leg = { get(r, "leg"), "tenant.leg", r->err, r->ok };
    struct vx_prefix *ips;
    struct vx_ip *gateways;

    if (!cJSON_IsObject(leg.json)) {
        bad(r, "leg", "is missing");
        return;
    }
    tenant->iface_id = read_string(&leg, "iface_id", VX_IFACE_ID_MAX);
    tenant->mac = read_mac(&leg, "mac");
    ips = read_strings(&leg, "ips", VX_GW_MAX_LEG_IPS, sizeof *ips,
                       parse_local, &tenant->n_ips);
    gateways = read_strings(&leg, "gateways", VX_GW_MAX_NEXTHOPS,
                            sizeof *gateways, parse_ip,
                            &tenant->n_gateways);
    if (ips) {
        memcpy(tenant->ips, ips, tenant->n_ips * sizeof *ips);
    }
    if (gateways) {
        memcpy(tenant->gateways, gateways,
               tenant->n_gateways * sizeof *gateways);
    }
    free(ips);
    free(gateways);
    r->ok = leg.ok;
}

static void
read_tenant(struct reader *r, struct vx_gw_tenant *tenant)
{
    const char *rd = text_of(r, "rd", BG_RD_STRLEN);

    tenant->vrf = read_string(r, "vrf", VX_DEVICE_MAX);
    if (r->ok && !is_vrf_name(tenant->vrf)) {
        bad(r, "vrf", "is no name of a VRF: letters and digits");
    }
    tenant->vni = read_vni(r);
    tenant->has_rd = rd && *rd;
    if (tenant->has_rd && !bg_rd_parse(rd, &tenant->rd)) {
        bad(r, "rd", "is no route distinguisher");
    }
    tenant->imports = read_strings(r, "import", VX_MAX_RTS,
                                   sizeof *tenant->imports, parse_rt,
                                   &tenant->n_imports);
    tenant->exports = read_strings(r, "export", VX_MAX_RTS,
                                   sizeof *tenant->exports, parse_rt,
                                   &tenant->n_exports);
    tenant->subnets = read_strings(r, "subnets", MAX_PREFIXES,
                                   sizeof *tenant->subnets, parse_prefix,
                                   &tenant->n_subnets);
    tenant->mtu = (uint16_t) read_uint(r, "mtu", VX_MTU_MAX, true);
    read_leg(r, tenant);
}

static void
read_prefix(struct reader *r, struct vx_gw_prefix *prefix)
{
    const char *text = text_of(r, "prefix", VX_PREFIX_STRLEN);

    prefix->tenant = read_string(r, "tenant", VX_NAME_MAX);
    if (!text || !vx_prefix_parse(text, &prefix->prefix)) {
        bad(r, "prefix", "is no prefix");
    }
    prefix->why = read_string(r, "why", 32);
    text = text_of(r, "object", VX_API_PATH_MAX);
    prefix->object = vx_xstrdup(text ? text : "");
}

static void
read_families(struct reader *r, struct vx_peering *value)
{
    static const char *const names[] = {
        "ipv4", "ipv6", "vpnv4", "vpnv6", "evpn", "flowspec",
    };
    const cJSON *item;

    cJSON_ArrayForEach (item, get(r, "families")) {
        size_t i = 0;

        while (i < N_ELEMS(names)
               && (!cJSON_IsString(item)
                   || strcmp(item->valuestring, names[i]))) {
            i++;
        }
        if (i == N_ELEMS(names)) {
            bad(r, "families", "has one that is not known");
            return;
        }
        value->families |= (uint8_t) (1u << i);
    }
    if (!value->families) {
        bad(r, "families", "is empty");
    }
}

static char *
read_optional(struct reader *r, const char *name, size_t max)
{
    const char *text = text_of(r, name, max);

    return vx_xstrdup(text ? text : "");
}

/* They become words of commands, or a name in the kernel. */
static void
check_word(struct reader *r, const char *name, const char *word,
           const char *forbidden)
{
    for (const char *p = word; p && *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || strchr(forbidden, *p)) {
            bad(r, name, "has a character that cannot be in it");
        }
    }
}

static void
read_peering(struct reader *r, struct vx_gw_peering *peering)
{
    struct vx_peering *value = &peering->value;

    value->o.kind = peering->tenant ? VX_PEERING : VX_UPLINK;
    value->o.name = peering->name;
    check_word(r, "key", peering->name, "/\"?");
    check_word(r, "key", peering->tenant, "/\"?");
    value->peer = read_ip(r, "peer", true);
    value->peer_as = (uint32_t) read_uint(r, "peer_as", UINT32_MAX, true);
    value->local_as = (uint32_t) read_uint(r, "local_as", UINT32_MAX, false);
    read_families(r, value);
    value->bfd = read_bool(r, "bfd");
    value->hold_s = (uint16_t) read_uint(r, "hold", UINT16_MAX, false);
    value->multihop = (uint8_t) read_uint(r, "multihop", UINT8_MAX, false);
    value->password = read_optional(r, "password", VX_PASSWORD_MAX);
    value->communities = read_strings(r, "communities",
                                      VX_PEERING_MAX_COMMUNITIES,
                                      sizeof *value->communities,
                                      parse_community,
                                      &value->n_communities);
    value->has_med = get(r, "med") != NULL;
    value->med = (uint32_t) read_uint(r, "med", UINT32_MAX, false);
    value->local_pref = (uint32_t) read_uint(r, "local_pref", UINT32_MAX,
                                             false);
    value->prefix_limit = (uint32_t) read_uint(r, "prefix_limit", UINT32_MAX,
                                               false);
    value->imports = read_strings(r, "import", VX_PEERING_MAX_FILTERS,
                                  sizeof *value->imports, parse_prefix,
                                  &value->n_imports);
    value->exports = read_strings(r, "export", VX_PEERING_MAX_FILTERS,
                                  sizeof *value->exports, parse_prefix,
                                  &value->n_exports);
    value->device = read_optional(r, "device", VX_DEVICE_MAX);
    value->locals = read_strings(r, "local", VX_PEERING_MAX_LOCALS,
                                 sizeof *value->locals, parse_local,
                                 &value->n_locals);
    value->source = read_ip(r, "source", false);
    value->flowspec_in = read_bool(r, "flowspec_in");
    value->readvertise = read_bool(r, "readvertise");
    check_word(r, "password", value->password, "");
    check_word(r, "device", value->device, "/");
    if (r->ok && !value->peer_as) {
        bad(r, "peer_as", "is 0");
    }
}

static void
read_network(struct reader *r, struct vx_gw_network *network)
{
    network->tenant = read_string(r, "tenant", VX_NAME_MAX);
    network->vni = read_vni(r);
    network->imports = read_strings(r, "import", VX_MAX_RTS,
                                    sizeof *network->imports, parse_rt,
                                    &network->n_imports);
    network->exports = read_strings(r, "export", VX_MAX_RTS,
                                    sizeof *network->exports, parse_rt,
                                    &network->n_exports);
    network->prefixes = read_strings(r, "prefixes", MAX_PREFIXES,
                                     sizeof *network->prefixes, parse_prefix,
                                     &network->n_prefixes);
}

static void
read_vtep(struct reader *r, struct vx_gw_vtep *vtep)
{
    vtep->vni = read_vni(r);
    vtep->vtep = read_ip(r, "vtep", true);
}

static void
read_endpoint(struct reader *r, struct vx_gw_endpoint *endpoint)
{
    endpoint->vni = read_vni(r);
    endpoint->mac = read_mac(r, "mac");
    endpoint->ips = read_strings(r, "ips", VX_PORT_MAX_IPS,
                                 sizeof *endpoint->ips, parse_ip,
                                 &endpoint->n_ips);
    endpoint->vtep = read_ip(r, "vtep", true);
    endpoint->seq = (uint32_t) read_uint(r, "seq", UINT32_MAX, false);
}

/* --- Policies: read by the API's own reader, then copied, since its arrays
 * live in a document. */

static void
copy_policy(struct vx_gw_policy *policy, const struct vx_policy_spec *spec)
{
    struct vx_policy_match *match = &policy->match;

    policy->priority = spec->priority;
    policy->where = spec->where;
    policy->action = spec->action;
    policy->dscp = spec->dscp;
    policy->rate_kbps = spec->rate_kbps;
    policy->fail_closed = spec->fail_closed;
    if (spec->n_via) {
        policy->via = vx_xmemdup(spec->via, spec->n_via * sizeof *spec->via);
        policy->n_via = spec->n_via;
    }
    *match = spec->match;
    if (match->n_sports) {
        match->sports = vx_xmemdup(match->sports, match->n_sports
                                                  * sizeof *match->sports);
    }
    if (match->n_dports) {
        match->dports = vx_xmemdup(match->dports, match->n_dports
                                                  * sizeof *match->dports);
    }
    policy->has_network = spec->network != NULL;
}

static void
doc_fini(struct vx_doc *doc)
{
    for (size_t i = 0; i < doc->n_blocks; i++) {
        free(doc->blocks[i]);
    }
    free(doc->blocks);
}

static void
read_policy(struct reader *r, struct vx_gw_policy *policy)
{
    struct vx_doc doc = { 0 };
    struct vx_policy_spec spec = { 0 };
    struct vx_ip *via;
    size_t n_via;

    if (!vx_codec_read_policy(&doc, r->json, &spec, r->err)) {
        r->ok = false;
        doc_fini(&doc);
        return;
    }
    copy_policy(policy, &spec);
    doc_fini(&doc);
    policy->prefixes = read_strings(r, "networks_prefixes", MAX_PREFIXES,
                                    sizeof *policy->prefixes, parse_prefix,
                                    &policy->n_prefixes);
    /* Next hops that the controller looked up: legs, for action gateway. */
    via = read_strings(r, "via", VX_MAX_HOPS, sizeof *via, parse_ip, &n_via);
    if (n_via) {
        free(policy->via);
        policy->via = via;
        policy->n_via = n_via;
    } else {
        free(via);
    }
}

/* --- Keys. */

/* "acme/ce1" -> "acme", "ce1"; "up1" -> NULL, "up1". */
static void
split_key(const char *key, char at, char **ret_first, char **ret_second)
{
    const char *p = strchr(key, at);

    *ret_first = p ? vx_xstrndup(key, (size_t) (p - key)) : NULL;
    *ret_second = vx_xstrdup(p ? p + 1 : key);
}

static void
read_value(struct reader *r, const char *key, struct vx_gw_value *value)
{
    switch (value->type) {
    case VX_GW_GATEWAY:
        read_gateway(r, &value->gateway);
        break;
    case VX_GW_TENANT:
        read_tenant(r, &value->tenant);
        break;
    case VX_GW_PREFIX:
        read_prefix(r, &value->prefix);
        break;
    case VX_GW_PEERING:
        split_key(key, '/', &value->peering.tenant, &value->peering.name);
        read_peering(r, &value->peering);
        break;
    case VX_GW_NETWORK:
        read_network(r, &value->network);
        break;
    case VX_GW_VTEP:
        read_vtep(r, &value->vtep);
        break;
    case VX_GW_ENDPOINT:
        read_endpoint(r, &value->endpoint);
        break;
    case VX_GW_POLICY:
        split_key(key, ' ', &value->policy.tenant, &value->policy.name);
        if (!value->policy.tenant) {
            bad(r, "key", "is not TENANT NAME");
            return;
        }
        read_policy(r, &value->policy);
        break;
    case VX_GW_N_TYPES:
        break;
    }
}

/* --- Lines. */

static const char *const type_names[] = {
    [VX_GW_GATEWAY] = "gateway", [VX_GW_TENANT] = "tenant",
    [VX_GW_PEERING] = "peering", [VX_GW_NETWORK] = "network",
    [VX_GW_PREFIX] = "prefix", [VX_GW_VTEP] = "vtep",
    [VX_GW_ENDPOINT] = "endpoint", [VX_GW_POLICY] = "policy",
};

const char *
vx_gw_type_name(enum vx_gw_type type)
{
    return (unsigned) type < VX_GW_N_TYPES ? type_names[type] : "?";
}

static bool
find_type(const char *name, enum vx_gw_type *ret_type)
{
    for (unsigned i = 0; i < VX_GW_N_TYPES; i++) {
        if (!strcmp(name, type_names[i])) {
            *ret_type = (enum vx_gw_type) i;
            return true;
        }
    }
    return false;
}

static bool
parse_hello(const cJSON *json, struct vx_gw_line *line, struct vx_error *err)
{
    struct reader r = { json, "hello", err, true };
    const char *epoch = text_of(&r, "epoch", VX_GW_EPOCH_MAX);

    line->kind = VX_GW_LINE_HELLO;
    if (!epoch || !*epoch
        || epoch[strspn(epoch, "0123456789abcdefABCDEF-")]) {
        bad(&r, "epoch", "is not a hexadecimal text");
        return false;
    }
    snprintf(line->epoch, sizeof line->epoch, "%s", epoch);
    line->full = read_bool(&r, "full");
    line->revision = read_uint(&r, "revision", UINT64_MAX >> 1, false);
    return r.ok;
}

/* In the shape of an entry, so that who does not know it passes it over. */
static bool
parse_audit(const cJSON *value, struct vx_gw_line *line,
            struct vx_error *err)
{
    struct reader r = { value, "audit", err, true };

    line->kind = VX_GW_LINE_AUDIT;
    line->nonce = read_uint(&r, "nonce", UINT64_C(1) << 53, true);
    line->repair = cJSON_IsTrue(
        cJSON_GetObjectItemCaseSensitive(value, "repair"));
    if (r.ok && !line->nonce) {
        bad(&r, "nonce", "is 0");
    }
    return r.ok;
}

static bool
parse_entry(const cJSON *json, struct vx_gw_line *line, struct vx_error *err)
{
    struct reader r = { json, "entry", err, true };
    const char *name = text_of(&r, "type", 32);
    const char *key = text_of(&r, "key", VX_GW_KEY_MAX);
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(json, "value");

    line->seq = read_uint(&r, "seq", UINT64_MAX >> 1, true);
    if (!name || !key || !*key || !body) {
        bad(&r, !name ? "type" : !body ? "value" : "key", "is missing");
    }
    if (!r.ok) {
        return false;
    }
    if (!strcmp(name, "audit")) {
        return parse_audit(body, line, err);
    }
    if (!find_type(name, &line->type)) {
        line->kind = VX_GW_LINE_UNKNOWN;
        return true;
    }
    line->kind = VX_GW_LINE_ENTRY;
    if (cJSON_IsObject(body)) {
        struct vx_gw_value *value = vx_xcalloc(1, sizeof *value);
        struct reader inner = { body, type_names[line->type], err, true };

        value->type = line->type;
        value->n_refs = 1;
        read_value(&inner, key, value);
        if (inner.ok) {
            line->value = value;
        } else {
            vx_gw_value_unref(value);
            line->kind = VX_GW_LINE_BAD;
        }
    } else if (!cJSON_IsNull(body)) {
        return vx_fail(err, VX_INVALID, "value", "entry: \"value\" is neither "
                       "an object nor null");
    }
    line->key = vx_xstrdup(key);
    return true;
}

static bool
parse_line(const cJSON *root, struct vx_gw_line *line, struct vx_error *err)
{
    const cJSON *hello = cJSON_GetObjectItemCaseSensitive(root, "hello");
    const cJSON *sync = cJSON_GetObjectItemCaseSensitive(root, "sync");

    if (cJSON_IsObject(hello)) {
        return parse_hello(hello, line, err);
    } else if (sync) {
        line->kind = VX_GW_LINE_SYNC;
        return vx_json_uint(sync, UINT64_MAX >> 1, &line->seq)
               || vx_fail(err, VX_INVALID, "sync", "\"sync\" is no number");
    }
    return parse_entry(root, line, err);
}

bool
vx_gw_line_parse(const char *text, size_t size, struct vx_gw_line *ret_line,
                 struct vx_error *err)
{
    struct vx_gw_line line = { 0 };
    cJSON *root;
    bool ok;

    if (size > VX_GW_LINE_MAX) {
        return vx_fail(err, VX_TOO_LARGE, "", "a line of %zu bytes; %d are "
                       "the most", size, VX_GW_LINE_MAX);
    }
    if (!vx_json_check(text, size, err)) {
        return false;
    }
    root = cJSON_ParseWithLength(text, size);
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return vx_fail(err, VX_INVALID, "", "the line is no JSON object");
    }
    ok = parse_line(root, &line, err);
    cJSON_Delete(root);
    if (ok) {
        *ret_line = line;
    }
    return ok;
}

void
vx_gw_line_fini(struct vx_gw_line *line)
{
    free(line->key);
    vx_gw_value_unref(line->value);
}

static void
free_peering(struct vx_gw_peering *peering)
{
    struct vx_peering *value = &peering->value;

    free(peering->tenant);
    free(peering->name);
    free(value->password);
    free(value->communities);
    free(value->imports);
    free(value->exports);
    free(value->device);
    free(value->locals);
}

static void
free_policy(struct vx_gw_policy *policy)
{
    free(policy->tenant);
    free(policy->name);
    free(policy->via);
    free(policy->match.sports);
    free(policy->match.dports);
    free(policy->prefixes);
}

struct vx_gw_value *
vx_gw_value_ref(struct vx_gw_value *value)
{
    value->n_refs++;
    return value;
}

void
vx_gw_value_unref(struct vx_gw_value *value)
{
    if (!value || --value->n_refs) {
        return;
    }
    switch (value->type) {
    case VX_GW_GATEWAY:
        free(value->gateway.name);
        free(value->gateway.host);
        free(value->gateway.fellows);
        break;
    case VX_GW_TENANT:
        free(value->tenant.vrf);
        free(value->tenant.imports);
        free(value->tenant.exports);
        free(value->tenant.subnets);
        free(value->tenant.iface_id);
        break;
    case VX_GW_PREFIX:
        free(value->prefix.tenant);
        free(value->prefix.why);
        free(value->prefix.object);
        break;
    case VX_GW_PEERING:
        free_peering(&value->peering);
        break;
    case VX_GW_NETWORK:
        free(value->network.tenant);
        free(value->network.imports);
        free(value->network.exports);
        free(value->network.prefixes);
        break;
    case VX_GW_ENDPOINT:
        free(value->endpoint.ips);
        break;
    case VX_GW_POLICY:
        free_policy(&value->policy);
        break;
    case VX_GW_VTEP: case VX_GW_N_TYPES:
        break;
    }
    free(value);
}
