/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/gateways/G/report: what a gateway has done and heard.
 *
 *   parse, bound -> backend -> (what was learned is durable) -> done -> reply
 *
 * What a gateway hears comes from other people's routers: of an item that
 * cannot be read only that item is left out, and counted; a report that is no
 * report is refused as a whole. */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec_policy.h"
#include "api/json.h"
#include "core/export.h"
#include "lib/xalloc.h"

struct reporting {
    const struct vx_server *server;
    struct vx_http_req *req;
    struct vx_api_report_waiter *waiter;
    size_t n_bad;
    bool done, gone;
    uint64_t revision;
};

/* A report on its way; its arrays and what they point to belong to doc. */
struct parsing {
    struct vx_doc *doc;
    struct vx_api_report report;
    size_t n_bad;               /* items that cannot be read */
    struct vx_error *err;
};

/* --- Members. */

/* "" if it is not there, or is no text of at most max bytes. */
static const char *
text(const cJSON *json, const char *name, size_t max)
{
    const cJSON *value = vx_json_member(json, name);

    return cJSON_IsString(value) && strlen(value->valuestring) <= max
           ? value->valuestring : "";
}

static uint64_t
number(const cJSON *json, const char *name, uint64_t max)
{
    uint64_t u = 0;

    return vx_json_uint(vx_json_member(json, name), max, &u) ? u : 0;
}

/* The array, of elem_size bytes per element; NULL if there is none. */
static bool
array(struct parsing *p, const cJSON *json, const char *name, size_t max,
      const cJSON **ret_array)
{
    const cJSON *value = vx_json_member(json, name);

    *ret_array = value;
    if (value && (!cJSON_IsArray(value)
                  || (size_t) cJSON_GetArraySize(value) > max)) {
        return vx_fail(p->err, VX_INVALID, name, "\"%s\" is a list of at "
                       "most %zu", name, max);
    }
    return true;
}

/* --- Items. */

static bool
read_ips(struct parsing *p, const cJSON *json, struct vx_learned *item)
{
    const cJSON *list = vx_json_member(json, "ips"), *elem;
    size_t n = list && cJSON_IsArray(list)
               ? (size_t) cJSON_GetArraySize(list) : 0;
    struct vx_ip *ips;

    if (n > VX_PORT_MAX_IPS) {
        return false;
    }
    ips = vx_doc_alloc(p->doc, (n + 1) * sizeof *ips);
    item->ips = ips;
    cJSON_ArrayForEach (elem, list) {
        if (!cJSON_IsString(elem)
            || !vx_ip_parse(elem->valuestring, &ips[item->n_ips])) {
            return false;
        }
        item->n_ips += vx_ip_is_host(&ips[item->n_ips])
                       && !vx_ip_is_link_local(&ips[item->n_ips]);
    }
    return true;
}

/* FNV-1a over what the rule says; it is the rule's name. */
static uint64_t
hash_rule(const cJSON *rule)
{
    static const char *const members[] = { "match", "action" };
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < 2; i++) {
        char *s = cJSON_PrintUnformatted(vx_json_member(rule, members[i]));

        for (const char *c = s; c && *c; c++) {
            hash = (hash ^ (uint8_t) *c) * UINT64_C(0x100000001b3);
        }
        cJSON_free(s);
    }
    return hash;
}

static bool
read_rule(struct parsing *p, const cJSON *json, struct vx_learned *item)
{
    const cJSON *rule = vx_json_member(json, "rule");
    struct vx_policy_spec *spec;
    struct vx_error ignored;

    if (!cJSON_IsObject(rule)) {
        return false;
    }
    spec = vx_doc_alloc(p->doc, sizeof *spec);
    item->rule = spec;
    item->rule_hash = hash_rule(rule);
    return vx_codec_read_policy(p->doc, rule, spec, &ignored);
}

static bool
read_item(struct parsing *p, const cJSON *json, struct vx_learned *item,
          bool gone)
{
    const char *s;

    if (!cJSON_IsObject(json)
        || !vx_learned_type_parse(text(json, "type", 16), &item->type)) {
        return false;
    }
    item->tenant = text(json, "tenant", VX_NAME_MAX);
    s = text(json, "peering", 2 * VX_NAME_MAX + 1);
    item->peering = *s ? s : NULL;
    s = text(json, "from", 2 * VX_NAME_MAX + 1);
    item->peering = *s ? s : item->peering;
    item->vni = (uint32_t) number(json, "vni", VX_VNI_MAX);
    item->seq = (uint32_t) number(json, "seq", UINT32_MAX);
    s = text(json, "prefix", VX_PREFIX_STRLEN);
    if (*s && !vx_prefix_parse(s, &item->prefix)) {
        return false;
    }
    s = text(json, "vtep", VX_IP_STRLEN);
    if (*s && !vx_ip_parse(s, &item->vtep)) {
        return false;
    }
    s = text(json, "mac", VX_MAC_STRLEN);
    if (*s && !vx_mac_parse(s, &item->mac)) {
        return false;
    }
    if (item->type == VX_LEARNED_FLOWSPEC && !read_rule(p, json, item)) {
        return false;
    }
    if (!read_ips(p, json, item)) {
        return false;
    }
    if (gone) {
        /* Only what identifies it has to be there. */
        struct vx_learned whole = *item;

        whole.vtep = vx_ip_is_host(&item->vtep) || item->type
                     != VX_LEARNED_ENDPOINT ? item->vtep
                     : (struct vx_ip) { 4, { 192, 0, 2, 1 } };
        whole.mac = item->type == VX_LEARNED_ROUTE5
                    ? (struct vx_mac) { { 2, 0, 0, 0, 0, 1 } } : item->mac;
        return !vx_learned_check(&whole);
    }
    return !vx_learned_check(item);
}

static bool
read_items(struct parsing *p, const cJSON *json, const char *name,
           const struct vx_learned **ret_items, size_t *ret_n)
{
    bool gone = !strcmp(name, "gone");
    struct vx_learned *items;
    const cJSON *list, *elem;
    size_t n = 0;

    if (!array(p, json, name, VX_REPORT_MAX_ITEMS, &list)) {
        return false;
    }
    if (!list) {
        return true;
    }
    items = vx_doc_alloc(p->doc, ((size_t) cJSON_GetArraySize(list) + 1)
                                 * sizeof *items);
    cJSON_ArrayForEach (elem, list) {
        items[n] = (struct vx_learned) { .n_ips = 0 };
        if (read_item(p, elem, &items[n], gone)) {
            n++;
        } else {
            p->n_bad++;
        }
    }
    *ret_items = items;
    *ret_n = n;
    return true;
}

/* --- The rest. */

static bool
read_failed(struct parsing *p, const cJSON *json)
{
    struct vx_api_failed *failed;
    const cJSON *list, *elem;
    size_t n = 0;

    if (!array(p, json, "failed", VX_REPORT_MAX_FAILED, &list)) {
        return false;
    }
    if (!list) {
        return true;
    }
    failed = vx_doc_alloc(p->doc, ((size_t) cJSON_GetArraySize(list) + 1)
                                  * sizeof *failed);
    cJSON_ArrayForEach (elem, list) {
        failed[n++] = (struct vx_api_failed) {
            .type = text(elem, "type", 16),
            .key = text(elem, "key", VX_FEED_KEY_SIZE - 1),
            .why = text(elem, "why", VX_REPORT_TEXT),
        };
    }
    p->report.failed = failed;
    p->report.n_failed = n;
    return true;
}

static bool
is_one_of(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(words[i], word)) {
            return true;
        }
    }
    return false;
}

/* Both are shown as they are. */
static bool
is_session(const struct vx_api_session *session)
{
    static const char *const states[] = {
        "established", "idle", "connect", "active", "opensent",
        "openconfirm", "unknown",
    };
    static const char *const families[] = {
        "", "ipv4", "ipv6", "vpnv4", "vpnv6", "evpn", "flowspec",
        "flowspec4", "flowspec6",
    };

    return is_one_of(states, sizeof states / sizeof states[0],
                     session->state)
           && is_one_of(families, sizeof families / sizeof families[0],
                        session->family);
}

static bool
read_sessions(struct parsing *p, const cJSON *json)
{
    struct vx_api_session *sessions;
    const cJSON *list, *elem;
    size_t n = 0;

    if (!array(p, json, "sessions", VX_REPORT_MAX_SESSIONS, &list)) {
        return false;
    }
    if (!list) {
        return true;
    }
    sessions = vx_doc_alloc(p->doc, ((size_t) cJSON_GetArraySize(list) + 1)
                                    * sizeof *sessions);
    cJSON_ArrayForEach (elem, list) {
        const struct vx_api_session session = {
            .peering = text(elem, "peering", 2 * VX_NAME_MAX + 1),
            .family = text(elem, "family", VX_REPORT_WORD),
            .state = text(elem, "state", VX_REPORT_WORD),
            .error = text(elem, "error", VX_REPORT_TEXT),
            .since_ms = (int64_t) number(elem, "since", INT64_MAX >> 8),
            .n_in = number(elem, "in", UINT32_MAX),
            .n_out = number(elem, "out", UINT32_MAX),
        };

        if (is_session(&session)) {
            sessions[n++] = session;
        } else {
            p->n_bad++;
        }
    }
    p->report.sessions = sessions;
    p->report.n_sessions = n;
    return true;
}

/* What does not work: a few sentences, which become one. */
static bool
read_troubles(struct parsing *p, const cJSON *json)
{
    const cJSON *list, *elem;
    size_t size;
    char *all;

    if (!array(p, json, "troubles", VX_REPORT_MAX_TROUBLES, &list)) {
        return false;
    }
    if (!list) {
        return true;
    }
    size = VX_REPORT_MAX_TROUBLES * (VX_REPORT_TEXT + 2) + 1;
    all = vx_doc_alloc(p->doc, size);
    all[0] = '\0';
    cJSON_ArrayForEach (elem, list) {
        const char *s = cJSON_IsString(elem) ? elem->valuestring : "";

        if (!s[0] || strlen(s) > VX_REPORT_TEXT) {
            p->n_bad++;
            continue;
        }
        strcat(strcat(all, all[0] ? "; " : ""), s);
    }
    p->report.trouble = all;
    return true;
}

/* Names of at most VX_REPORT_MAX_TENANTS tenants, with a blank between. */
static const char *
read_tenants(struct parsing *p, const cJSON *json)
{
    const cJSON *list = vx_json_member(json, "tenants"), *elem;
    char *names = vx_doc_alloc(p->doc, VX_REPORT_MAX_TENANTS
                                       * (VX_NAME_MAX + 1) + 1);
    size_t n = 0;

    if (!cJSON_IsArray(list)) {
        return "";
    }
    names[0] = '\0';
    cJSON_ArrayForEach (elem, list) {
        const char *name = cJSON_IsString(elem) ? elem->valuestring : "";

        if (!name[0] || strlen(name) > VX_NAME_MAX || strchr(name, ' ')
            || n == VX_REPORT_MAX_TENANTS) {
            continue;
        }
        strcat(strcat(names, n++ ? " " : ""), name);
    }
    return names;
}

static bool
read_unused(struct parsing *p, const cJSON *json)
{
    struct vx_api_unused *unused;
    const cJSON *list, *elem;
    size_t n = 0;

    if (!array(p, json, "unused", VX_REPORT_MAX_UNUSED, &list)) {
        return false;
    }
    if (!list) {
        return true;
    }
    unused = vx_doc_alloc(p->doc, ((size_t) cJSON_GetArraySize(list) + 1)
                                  * sizeof *unused);
    cJSON_ArrayForEach (elem, list) {
        enum vx_learned_type type;
        const char *name = text(elem, "type", VX_REPORT_WORD);

        if (!vx_learned_type_parse(name, &type)) {
            p->n_bad++;
            continue;
        }
        unused[n++] = (struct vx_api_unused) {
            .type = vx_learned_type_name(type),
            .tenants = read_tenants(p, elem),
            .path = text(elem, "path", VX_REPORT_TEXT),
            .why = text(elem, "why", VX_REPORT_TEXT),
        };
    }
    p->report.unused = unused;
    p->report.n_unused = n;
    return true;
}

/* --- What it has found of itself. */

static size_t
read_drifts(struct parsing *p, const cJSON *list, struct vx_api_drift *items)
{
    const cJSON *elem;
    size_t n = 0;

    cJSON_ArrayForEach (elem, list) {
        struct vx_api_drift drift = {
            .object = text(elem, "object", VX_REPORT_TEXT),
            .row = text(elem, "row", VX_REPORT_TEXT),
            .found = text(elem, "found", VX_REPORT_TEXT),
            .is_repaired = cJSON_IsTrue(vx_json_member(elem, "repaired")),
        };

        if (drift.row[0]
            && vx_finding_what_parse(text(elem, "what", VX_REPORT_WORD),
                                     &drift.what)) {
            items[n++] = drift;
        } else {
            p->n_bad++;
        }
    }
    return n;
}

static bool
read_part(struct parsing *p, const cJSON *json,
          struct vx_api_part_audit *part)
{
    const uint64_t max = UINT64_C(1) << 40;
    struct vx_api_drift *items;
    const cJSON *list;

    if (!array(p, json, "items", VX_REPORT_MAX_DRIFTS, &list)) {
        return false;
    }
    items = vx_doc_alloc(p->doc, ((size_t) cJSON_GetArraySize(list) + 1)
                                 * sizeof *items);
    part->n_items = read_drifts(p, list, items);
    part->items = items;
    part->result = text(json, "result", VX_REPORT_TEXT);
    if (!part->result[0]) {
        part->result = "it does not say whether it was looked at";
    }
    part->n_rows = number(json, "rows", max);
    part->n_found = number(json, "found", max);
    part->n_repaired = number(json, "repaired", max);
    if (part->n_found < part->n_items) {
        part->n_found = part->n_items;
    }
    if (part->n_repaired > part->n_found) {
        part->n_repaired = part->n_found;
    }
    return true;
}

/* A part that is not known is a newer gateway's. */
static bool
read_parts(struct parsing *p, const cJSON *json,
           struct vx_api_gateway_audit *audit)
{
    struct vx_api_part_audit *parts;
    const cJSON *list, *elem;
    unsigned seen = 0;

    if (!array(p, json, "parts", VX_REPORT_MAX_PARTS, &list)) {
        return false;
    }
    parts = vx_doc_alloc(p->doc, VX_REPORT_MAX_PARTS * sizeof *parts);
    cJSON_ArrayForEach (elem, list) {
        struct vx_api_part_audit part = { .n_items = 0 };

        if (!vx_gateway_part_parse(text(elem, "part", VX_REPORT_WORD),
                                   &part.part)
            || (seen & (1u << part.part))) {
            p->n_bad++;
            continue;
        }
        seen |= 1u << part.part;
        if (!read_part(p, elem, &part)) {
            return false;
        }
        parts[audit->n_parts++] = part;
    }
    audit->parts = parts;
    return true;
}

static bool
read_audit(struct parsing *p, const cJSON *json)
{
    const cJSON *value = vx_json_member(json, "audit");
    struct vx_api_gateway_audit *audit;

    if (!cJSON_IsObject(value)) {
        return true;
    }
    audit = vx_doc_alloc(p->doc, sizeof *audit);
    *audit = (struct vx_api_gateway_audit) {
        .nonce = number(value, "nonce", UINT64_C(1) << 53),
        .repair = cJSON_IsTrue(vx_json_member(value, "repair")),
        .took_ms = (int64_t) number(value, "took_ms", 1 << 30),
        .age_ms = (int64_t) number(value, "age_ms", UINT64_C(1) << 40),
    };
    p->report.audit = audit;
    return read_parts(p, value, audit);
}

static bool
read_full(struct parsing *p, const cJSON *json)
{
    static const char *const words[] = { "", "begin", "part", "end" };
    const char *word = text(json, "full", 8);

    for (size_t i = 0; i < 4; i++) {
        if (!strcmp(word, words[i])) {
            p->report.full = (enum vx_api_full) i;
            return true;
        }
    }
    return vx_fail(p->err, VX_INVALID, "full", "\"full\" is begin, part, end "
                   "or null");
}

/* Kept as the text it is; it is shown and nothing else. */
static void
read_counters(struct parsing *p, const cJSON *json)
{
    const cJSON *counters = vx_json_member(json, "counters");
    char *s = cJSON_IsObject(counters) ? cJSON_PrintUnformatted(counters)
                                       : NULL;
    size_t size = s ? strlen(s) + 1 : 0;

    p->report.n_strays = number(counters, "zebra_strays_total",
                                UINT64_C(1) << 53);
    if (s && size <= 4096) {
        p->report.counters = memcpy(vx_doc_alloc(p->doc, size), s, size);
    }
    cJSON_free(s);
}

static bool
parse(struct parsing *p)
{
    const cJSON *json = p->doc->root;

    if (!cJSON_IsObject(json)) {
        return vx_fail(p->err, VX_INVALID, "", "a report is a JSON object");
    }
    p->report.boot = text(json, "boot", VX_REPORT_WORD);
    p->report.epoch = text(json, "epoch", VX_REPORT_WORD);
    p->report.acked = number(json, "acked", UINT64_C(1) << 53);
    if (!p->report.boot[0]) {
        return vx_fail(p->err, VX_INVALID, "boot", "a report says \"boot\", "
                       "which is another one at each start of the gateway");
    }
    read_counters(p, json);
    return read_full(p, json) && read_failed(p, json)
           && read_sessions(p, json) && read_unused(p, json)
           && read_troubles(p, json) && read_audit(p, json)
           && read_items(p, json, "learned", &p->report.learned,
                         &p->report.n_learned)
           && read_items(p, json, "gone", &p->report.gone,
                         &p->report.n_gone);
}

/* --- Life. */

static void
reply(struct reporting *r)
{
    struct vx_buf body = VX_BUF_INIT;

    vx_buf_printf(&body, "{\"revision\":%" PRIu64 ",\"left_out\":%zu}\n",
                  r->revision, r->n_bad);
    vx_http_reply(r->req, &(struct vx_http_reply) {
        .status = 200, .body = body.data, .size = body.size });
    vx_buf_fini(&body);
    free(r);
}

static void
on_done(void *aux, uint64_t revision)
{
    struct reporting *r = aux;

    r->done = true;
    r->revision = revision;
    /* From within report() there is no waiter yet. */
    if (r->waiter) {
        reply(r);
    }
}

static void
on_gone(void *aux)
{
    struct reporting *r = aux;
    const struct vx_api_gateways *api = r->server->backend->gateways;

    api->cancel(api->ctx, r->waiter);
    reply(r);
}

void
vx_handle_report(struct vx_call *call, const char *gateway)
{
    const struct vx_api_gateways *api = call->server->backend->gateways;
    const struct vx_buf *body = vx_http_req_body(call->req);
    struct parsing p = { .err = &call->err };
    struct vx_api_report_waiter *waiter = NULL;
    struct reporting *r;

    if (!vx_query_done(&call->query, "", &call->err)
        || !(p.doc = vx_doc_parse(body->data, body->size,
                                  VX_REPORT_BODY_MAX, &call->err))
        || !parse(&p)) {
        vx_doc_free(p.doc);
        vx_call_fail(call);
        return;
    }
    p.report.gateway = gateway;
    r = vx_xcalloc(1, sizeof *r);
    r->server = call->server;
    r->req = call->req;
    r->n_bad = p.n_bad;
    if (!api->report(api->ctx, &p.report, on_done, r, &waiter,
                     &call->err)) {
        free(r);
        vx_call_fail(call);
    } else if (r->done) {
        reply(r);
    } else {
        r->waiter = waiter;
        vx_http_req_on_gone(call->req, on_gone, r);
    }
    vx_doc_free(p.doc);
}
