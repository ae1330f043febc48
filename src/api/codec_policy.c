/* SPDX-License-Identifier: Apache-2.0 */
/* Match and action of policies: nested objects with a table each, and the
 * short texts in them ("80-90,443", "tcp").  Records of the store are written
 * and read by the same functions as bodies, so the two cannot disagree. */
#include "api/codec_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

enum { PORTS_TEXT_MAX = VX_POLICY_MAX_RANGES * 12 };

#define TEXT(NAME, MIN, MAX, HELP) \
    { .name = NAME, .type = VX_T_STRING, .settable = true, \
      .nullable = true, .min = MIN, .max = MAX, .help = HELP }
#define NUMBER(NAME, MIN, MAX, HELP) \
    { .name = NAME, .type = VX_T_UINT, .settable = true, \
      .nullable = true, .min = MIN, .max = MAX, .help = HELP }

static const struct vx_codec_field match_fields[] = {
    TEXT("src", 2, VX_PREFIX_STRLEN - 1, "source prefix; null = any"),
    TEXT("dst", 2, VX_PREFIX_STRLEN - 1, "destination prefix; null = any"),
    { .name = "proto", .type = VX_T_PROTO, .settable = true,
      .nullable = true, .max = UINT8_MAX,
      .help = "tcp, udp, sctp, icmp, icmp6 or a number; null = any" },
    TEXT("sport", 1, PORTS_TEXT_MAX,
         "source ports of tcp, udp or sctp, like 1024-65535 or 53,5353; null "
         "= any"),
    TEXT("dport", 1, PORTS_TEXT_MAX,
         "destination ports of tcp, udp or sctp, like 80-90,443; null = any"),
    NUMBER("dscp", 0, 63, "DSCP it comes with; null = any"),
    TEXT("network", 1, VX_NAME_MAX,
         "network of the tenant it comes from; null = any"),
};

static const struct vx_codec_field action_fields[] = {
    { .name = "type", .type = VX_T_STRING, .settable = true,
      .required = true, .min = 3, .max = 7,
      .help = "via, drop, dscp, rate or gateway" },
    { .name = "via", .type = VX_T_STRINGS, .settable = true,
      .nullable = true, .max = VX_MAX_HOPS,
      .help = "next hops, addresses of ports; of via" },
    NUMBER("dscp", 0, 63, "what it is marked with; of dscp"),
    NUMBER("rate_kbps", 1, VX_RATE_KBPS_MAX,
           "kbit/s, what is beyond is dropped, on each host; of rate"),
};

static const struct vx_codec_field hop_fields[] = {
    { .name = "ip", .type = VX_T_STRING, .runtime = true,
      .max = UINT64_MAX, .help = "address of the next hop" },
    { .name = "port", .type = VX_T_STRING, .runtime = true,
      .nullable = true, .max = UINT64_MAX,
      .help = "port that has it, TENANT/NETWORK/PORT; null = none" },
    { .name = "alive", .type = VX_T_BOOL, .runtime = true,
      .max = UINT64_MAX, .help = "it takes packets" },
};

static const struct vx_codec_field counter_fields[] = {
    { .name = "packets", .type = VX_T_UINT, .runtime = true,
      .max = UINT64_MAX, .help = "that matched" },
    { .name = "bytes", .type = VX_T_UINT, .runtime = true,
      .max = UINT64_MAX, .help = "of these" },
};

const struct vx_codec_field *
vx_codec_sub_fields(enum vx_codec_type type, size_t *ret_n)
{
    switch (type) {
    case VX_T_MATCH:
        *ret_n = N_ELEMS(match_fields);
        return match_fields;
    case VX_T_ACTION:
        *ret_n = N_ELEMS(action_fields);
        return action_fields;
    case VX_T_HOPS:
        *ret_n = N_ELEMS(hop_fields);
        return hop_fields;
    case VX_T_COUNTERS:
        *ret_n = N_ELEMS(counter_fields);
        return counter_fields;
    case VX_T_STRING:
    case VX_T_UINT:
    case VX_T_BOOL:
    case VX_T_STRINGS:
    case VX_T_RANGES:
    case VX_T_PROTO:
    case VX_T_WORDS:
        break;
    }
    *ret_n = 0;
    return NULL;
}

/* --- Words. */

static const char *const paths[] = {
    [VX_PATH_DIRECT] = "direct", [VX_PATH_BORDER] = "border",
};

const char *
vx_codec_path_name(enum vx_path path)
{
    return (unsigned) path < N_ELEMS(paths) ? paths[path] : NULL;
}

bool
vx_codec_path_of(const char *name, enum vx_path *ret_path)
{
    for (size_t i = VX_PATH_DIRECT; i < N_ELEMS(paths); i++) {
        if (!strcmp(name, paths[i])) {
            *ret_path = (enum vx_path) i;
            return true;
        }
    }
    return false;
}

static const char *const actions[] = {
    [VX_POLICY_VIA] = "via", [VX_POLICY_DROP] = "drop",
    [VX_POLICY_DSCP] = "dscp", [VX_POLICY_RATE] = "rate",
    [VX_POLICY_GATEWAY] = "gateway",
};

static const struct {
    const char *name;
    int16_t number;
} protos[] = {
    { "icmp", 1 }, { "tcp", 6 }, { "udp", 17 }, { "icmp6", 58 },
    { "sctp", 132 },
};

/* --- From JSON. */

bool
vx_codec_read_ips(struct vx_doc *doc, const cJSON *array, const char *field,
                  const struct vx_ip **ret_ips, size_t *ret_n,
                  struct vx_error *err)
{
    size_t n = (size_t) cJSON_GetArraySize(array), i = 0;
    const cJSON *item;
    struct vx_ip *ips;

    if (!n) {
        return true;
    }
    ips = vx_doc_alloc(doc, n * sizeof *ips);
    cJSON_ArrayForEach (item, array) {
        const char *text = cJSON_GetStringValue(item);

        if (!text || !vx_ip_parse(text, &ips[i++])) {
            return vx_fail(err, VX_INVALID, field, "\"%.60s\" is not an IPv4 "
                           "or IPv6 address", text ? text : "?");
        }
    }
    *ret_ips = ips;
    *ret_n = n;
    return true;
}

static bool
read_prefix(const cJSON *match, const char *name, struct vx_prefix *prefix,
            struct vx_error *err)
{
    const char *text = vx_json_text(match, name);
    struct vx_ip ip;
    char field[16];

    if (!text || vx_prefix_parse(text, prefix)) {
        return true;
    }
    if (vx_ip_parse(text, &ip)) {
        *prefix = (struct vx_prefix) { ip, (uint8_t) vx_ip_bits(&ip) };
        return true;
    }
    snprintf(field, sizeof field, "match.%s", name);
    return vx_fail(err, VX_INVALID, field, "\"%.60s\" is no prefix: write "
                   "ADDRESS/LENGTH without host bits, like 10.0.0.0/24 or "
                   "fd00:1::/64", text);
}

/* A number as a person writes it: digits only. */
static bool
read_digits(const char **text, unsigned long max, unsigned long *ret_number)
{
    const char *p = *text;
    unsigned long number = 0;

    if (*p < '0' || *p > '9') {
        return false;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (unsigned long) (*p - '0');
        if (number > max) {
            return false;
        }
    }
    *text = p;
    *ret_number = number;
    return true;
}

static bool
read_proto(const cJSON *match, int16_t *proto, struct vx_error *err)
{
    const cJSON *value = vx_json_member(match, "proto");
    const char *text = cJSON_GetStringValue(value), *rest = text;
    unsigned long number;
    uint64_t u;

    *proto = -1;
    if (!value) {
        return true;
    }
    for (size_t i = 0; text && i < N_ELEMS(protos); i++) {
        if (!strcmp(text, protos[i].name)) {
            *proto = protos[i].number;
            return true;
        }
    }
    if (text ? read_digits(&rest, UINT8_MAX, &number) && !*rest
             : vx_json_uint(value, UINT8_MAX, &u)) {
        *proto = (int16_t) (text ? number : u);
        return true;
    }
    return vx_fail(err, VX_INVALID, "match.proto", "\"%.40s\" is no "
                   "protocol: tcp, udp, sctp, icmp, icmp6, or a number from "
                   "0 to 255", text ? text : "?");
}

static bool
read_port_range(const char **text, struct vx_port_range *range)
{
    unsigned long first, last;

    if (!read_digits(text, UINT16_MAX, &first)) {
        return false;
    }
    last = first;
    if (**text == '-') {
        ++*text;
        if (!read_digits(text, UINT16_MAX, &last)) {
            return false;
        }
    }
    *range = (struct vx_port_range) { (uint16_t) first, (uint16_t) last };
    return true;
}

static bool
read_ports(struct vx_doc *doc, const cJSON *match, const char *name,
           struct vx_port_range **ret_ranges, size_t *ret_n,
           struct vx_error *err)
{
    const char *text = vx_json_text(match, name), *p = text;
    struct vx_port_range *ranges;
    char field[16];
    size_t n = 0;

    if (!text) {
        return true;
    }
    snprintf(field, sizeof field, "match.%s", name);
    ranges = vx_doc_alloc(doc, VX_POLICY_MAX_RANGES * sizeof *ranges);
    for (;; p++) {
        if (n == VX_POLICY_MAX_RANGES) {
            return vx_fail(err, VX_INVALID, field, "more than %d port "
                           "ranges: make more policies",
                           VX_POLICY_MAX_RANGES);
        }
        if (!read_port_range(&p, &ranges[n++]) || (*p && *p != ',')) {
            return vx_fail(err, VX_INVALID, field, "\"%.60s\" is no list of "
                           "ports: write 80, 80-90 or 80-90,443, each 0 to "
                           "65535", text);
        }
        if (!*p) {
            break;
        }
    }
    *ret_ranges = ranges;
    *ret_n = n;
    return true;
}

static bool
read_match(struct vx_doc *doc, const cJSON *json, struct vx_policy_spec *spec,
           struct vx_error *err)
{
    struct vx_policy_match *match = &spec->match;
    uint64_t dscp = 0;

    match->dscp = -1;
    if (vx_json_uint(vx_json_member(json, "dscp"), 63, &dscp)) {
        match->dscp = (int16_t) dscp;
    }
    spec->network = vx_json_text(json, "network");
    return read_prefix(json, "src", &match->src, err)
           && read_prefix(json, "dst", &match->dst, err)
           && read_proto(json, &match->proto, err)
           && read_ports(doc, json, "sport", &match->sports,
                         &match->n_sports, err)
           && read_ports(doc, json, "dport", &match->dports,
                         &match->n_dports, err);
}

/* A member that belongs to another action is a mistake, not to be
 * guessed about. */
static bool
only_of(const cJSON *json, const char *name, const char *action,
        const char *type, struct vx_error *err)
{
    char field[24];

    if (!vx_json_member(json, name) || !strcmp(action, type)) {
        return true;
    }
    snprintf(field, sizeof field, "action.%s", name);
    return vx_fail(err, VX_INVALID, field, "\"%s\" belongs to the action "
                   "\"%s\", this one is \"%s\": leave it out", name, action,
                   type);
}

static bool
needs(const cJSON *json, const char *name, const char *action,
      const char *type, struct vx_error *err)
{
    char field[24];

    if (vx_json_member(json, name) || strcmp(action, type)) {
        return only_of(json, name, action, type, err);
    }
    snprintf(field, sizeof field, "action.%s", name);
    return vx_fail(err, VX_INVALID, field, "the action \"%s\" needs \"%s\"",
                   type, name);
}

static bool
read_action(struct vx_doc *doc, const cJSON *json,
            struct vx_policy_spec *spec, struct vx_error *err)
{
    const char *type = vx_json_text(json, "type");
    uint64_t number = 0;
    size_t i = 0;

    while (i < N_ELEMS(actions) && (!type || strcmp(type, actions[i]))) {
        i++;
    }
    if (i == N_ELEMS(actions)) {
        return vx_fail(err, VX_INVALID, "action.type", "\"%.20s\" is no "
                       "action: via, drop, dscp, rate or gateway",
                       type ? type : "");
    }
    spec->action = (enum vx_policy_action) i;
    if (!needs(json, "via", "via", type, err)
        || !needs(json, "dscp", "dscp", type, err)
        || !needs(json, "rate_kbps", "rate", type, err)) {
        return false;
    }
    vx_json_uint(vx_json_member(json, "dscp"), 63, &number);
    spec->dscp = (uint8_t) number;
    number = 0;
    vx_json_uint(vx_json_member(json, "rate_kbps"), VX_RATE_KBPS_MAX, &number);
    spec->rate_kbps = (uint32_t) number;
    return vx_codec_read_ips(doc, vx_json_member(json, "via"), "action.via",
                             &spec->via, &spec->n_via, err);
}

static const struct {
    const char *name;
    uint8_t where;
} places[] = {
    { "hosts", VX_WHERE_HOSTS }, { "gateway", VX_WHERE_GATEWAY },
    { "flowspec", VX_WHERE_FLOWSPEC },
};

static bool
add_place(const char *text, uint8_t *where, struct vx_error *err)
{
    for (size_t i = 0; text && i < N_ELEMS(places); i++) {
        if (!strcmp(text, places[i].name)) {
            *where |= places[i].where;
            return true;
        }
    }
    return vx_fail(err, VX_INVALID, "where", "\"%.40s\" is no place where a "
                   "policy is enforced: hosts, gateway, flowspec",
                   text ? text : "?");
}

/* An array of places; one place alone is as older versions wrote it. */
static bool
read_where(const cJSON *value, uint8_t *where, struct vx_error *err)
{
    const cJSON *item;

    *where = 0;
    if (!value) {
        *where = VX_WHERE_HOSTS;
        return true;
    }
    if (cJSON_IsString(value)) {
        return add_place(value->valuestring, where, err);
    }
    cJSON_ArrayForEach (item, value) {
        if (!add_place(cJSON_GetStringValue(item), where, err)) {
            return false;
        }
    }
    return *where || add_place("", where, err);
}

bool
vx_codec_read_policy(struct vx_doc *doc, const cJSON *body,
                     struct vx_policy_spec *spec, struct vx_error *err)
{
    const char *fail = vx_json_text(body, "fail");
    uint64_t priority = 0;

    vx_json_uint(vx_json_member(body, "priority"), VX_POLICY_PRIORITY_MAX,
                 &priority);
    spec->priority = (uint16_t) priority;
    if (!read_where(vx_json_member(body, "where"), &spec->where, err)) {
        return false;
    }
    if (fail && strcmp(fail, "open") && strcmp(fail, "closed")) {
        return vx_fail(err, VX_INVALID, "fail", "\"%.40s\" is not \"open\" "
                       "or \"closed\"", fail);
    }
    spec->fail_closed = fail && !strcmp(fail, "closed");
    return read_match(doc, vx_json_member(body, "match"), spec, err)
           && read_action(doc, vx_json_member(body, "action"), spec, err);
}

/* --- To JSON. */

void
vx_codec_write_ips(struct vx_jw *jw, const char *key, const struct vx_ip *ips,
                   size_t n)
{
    char buf[VX_IP_STRLEN];

    vx_jw_key(jw, key);
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(jw->out, "%s\"%s\"", i ? "," : "",
                      vx_ip_format(&ips[i], buf));
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_number(struct vx_jw *jw, const char *key, long number, bool is)
{
    vx_jw_key(jw, key);
    if (is) {
        vx_buf_printf(jw->out, "%ld", number);
    } else {
        vx_buf_puts(jw->out, "null");
    }
}

static void
write_prefix(struct vx_jw *jw, const char *key,
             const struct vx_prefix *prefix)
{
    char buf[VX_PREFIX_STRLEN];

    vx_jw_opt(jw, key, prefix->ip.family ? vx_prefix_format(prefix, buf)
                                         : NULL);
}

static void
write_proto(struct vx_jw *jw, int16_t proto)
{
    for (size_t i = 0; i < N_ELEMS(protos); i++) {
        if (protos[i].number == proto) {
            vx_jw_str(jw, "proto", protos[i].name);
            return;
        }
    }
    write_number(jw, "proto", proto, proto >= 0);
}

static void
write_ports(struct vx_jw *jw, const char *key,
            const struct vx_port_range *ranges, size_t n)
{
    struct vx_buf text = VX_BUF_INIT;

    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(&text, "%s%u", i ? "," : "", ranges[i].first);
        if (ranges[i].last != ranges[i].first) {
            vx_buf_printf(&text, "-%u", ranges[i].last);
        }
    }
    vx_jw_opt(jw, key, n ? vx_buf_str(&text) : NULL);
    vx_buf_fini(&text);
}

static void
write_match(struct vx_jw *outer, const struct vx_policy_match *match,
            const char *network)
{
    struct vx_jw jw;

    vx_jw_key(outer, "match");
    vx_jw_begin(&jw, outer->out);
    write_prefix(&jw, "src", &match->src);
    write_prefix(&jw, "dst", &match->dst);
    write_proto(&jw, match->proto);
    write_ports(&jw, "sport", match->sports, match->n_sports);
    write_ports(&jw, "dport", match->dports, match->n_dports);
    write_number(&jw, "dscp", match->dscp, match->dscp >= 0);
    vx_jw_opt(&jw, "network", network);
    vx_jw_end(&jw);
}

static void
write_action(struct vx_jw *outer, const struct vx_policy *policy)
{
    struct vx_jw jw;

    vx_jw_key(outer, "action");
    vx_jw_begin(&jw, outer->out);
    vx_jw_str(&jw, "type", actions[policy->action]);
    if (policy->action == VX_POLICY_VIA) {
        vx_codec_write_ips(&jw, "via", policy->via, policy->n_via);
    } else {
        vx_jw_opt(&jw, "via", NULL);
    }
    write_number(&jw, "dscp", policy->dscp,
                 policy->action == VX_POLICY_DSCP);
    write_number(&jw, "rate_kbps", (long) policy->rate_kbps,
                 policy->action == VX_POLICY_RATE);
    vx_jw_end(&jw);
}

void
vx_codec_write_places(struct vx_jw *jw, const char *key, uint8_t where)
{
    const char *comma = "";

    vx_jw_key(jw, key);
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < N_ELEMS(places); i++) {
        if (where & places[i].where) {
            vx_buf_printf(jw->out, "%s\"%s\"", comma, places[i].name);
            comma = ",";
        }
    }
    vx_buf_puts(jw->out, "]");
}

void
vx_codec_write_policy(struct vx_jw *jw, const struct vx_policy *policy,
                      const char *network)
{
    vx_jw_u64(jw, "priority", policy->priority);
    write_match(jw, &policy->match, network);
    write_action(jw, policy);
    vx_codec_write_places(jw, "where", policy->where);
    vx_jw_str(jw, "fail", policy->fail_closed ? "closed" : "open");
}
