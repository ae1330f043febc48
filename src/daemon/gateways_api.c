/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of gateways; see gateways.h and api/gateways.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app.h"
#include "daemon/commit.h"
#include "daemon/gateways_audience.h"
#include "daemon/gateways_priv.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum { REASON_SIZE = sizeof ((struct vx_api_gateway_status *) 0)->reason };

/* --- Status. */

/* Entries the gateway was told and has not acknowledged. */
static uint64_t
behind(const struct vx_gw *gw)
{
    return vx_feedlog_seq(gw->log) - gw->acked;
}

/* What of a gateway that is there does not work; "" = nothing. */
static const char *
trouble_of(const struct vx_gw *gw)
{
    return gw->connected && gw->trouble ? gw->trouble : "";
}

static void
state_of(const struct vx_gw *gw, const char **ret_state,
         char reason[REASON_SIZE])
{
    const char *trouble = trouble_of(gw);
    char rest[80] = "";

    if (!gw->connected) {
        *ret_state = "down";
        snprintf(reason, REASON_SIZE, "%s", !gw->seen_ms ? "vxgatewayd has "
                 "not reported since the controller started"
                 : gw->stream ? "vxgatewayd does not report"
                 : "vxgatewayd is not connected");
        return;
    }
    if (behind(gw)) {
        snprintf(rest, sizeof rest, "%llu entries are not carried out yet",
                 (unsigned long long) behind(gw));
    } else if (gw->failed.count) {
        snprintf(rest, sizeof rest, "%zu entries could not be carried out: "
                 "see bgp show", gw->failed.count);
    }
    *ret_state = *trouble ? "degraded" : *rest ? "building" : "active";
    snprintf(reason, REASON_SIZE, "%.400s%s%s", trouble,
             *trouble && *rest ? "; " : "", rest);
}

/* What is in force where the gateway leaves it to the default. */
static void
say_identity(const struct vx_gw *gw, struct vx_api_gateway_status *status)
{
    const struct vx_model *model = gw->gws->app->model;
    const struct vx_gateway *gateway = (const void *)
        vx_model_by_oid(model, gw->oid);
    const struct vx_host *host = gateway
        ? (const void *) vx_model_by_oid(model, gateway->host) : NULL;

    if (gateway) {
        status->as = vx_model_gateway_as(model, gateway);
        status->router_id = gateway->router_id.family || !host
            ? gateway->router_id : host->vtep;
    }
}

bool
vx_gws_status(struct vx_gws *gws, uint64_t oid,
              struct vx_api_gateway_status *ret_status)
{
    const struct vx_gw *gw = vx_gws_find(gws, oid);

    if (!gw) {
        return false;
    }
    *ret_status = (struct vx_api_gateway_status) {
        .seen_ms = gw->seen_wall_ms, .acked = gw->acked,
        .behind = behind(gw),
    };
    state_of(gw, &ret_status->state, ret_status->reason);
    say_identity(gw, ret_status);
    for (size_t i = 0; i < gw->n_sessions; i++) {
        if (!i || strcmp(gw->sessions[i].peering,
                         gw->sessions[i - 1].peering)) {
            ret_status->n_sessions++;
            ret_status->n_established +=
                !strcmp(gw->sessions[i].state, "established");
        }
    }
    return true;
}

static const char *
known_state(const char *state)
{
    static const char *const states[] = {
        "idle", "connect", "active", "opensent", "openconfirm",
        "established",
    };

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (!strcmp(state, states[i])) {
            return states[i];
        }
    }
    return "unknown";
}

bool
vx_gws_peering_status(struct vx_gws *gws, uint64_t oid,
                      struct vx_api_peering_status *ret_status)
{
    const struct vx_peering *peering = (const void *)
        vx_model_by_oid(gws->app->model, oid);
    const struct vx_gw *gw = peering ? vx_gws_find(gws, peering->gateway)
                                     : NULL;
    const struct vx_gw_session *session;
    char name[2 * VX_NAME_MAX + 2];

    if (!gw) {
        return false;
    }
    vx_model_path(gws->app->model, &peering->o, name, sizeof name);
    *ret_status = (struct vx_api_peering_status) { .state = "unknown" };
    session = vx_gws_sessions_of(gw, name);
    if (!session || !gw->connected) {
        ret_status->state = "unknown";
        snprintf(ret_status->reason, sizeof ret_status->reason,
                 gw->connected ? "gateway %s does not tell of it yet"
                 : "gateway %s is not connected", gw->name);
        return true;
    }
    for (; session; session = vx_gws_next_session(gw, session)) {
        ret_status->state = known_state(session->state);
        ret_status->since_ms = session->since_ms;
        ret_status->n_received += session->n_in;
        ret_status->n_sent += session->n_out;
        if (!ret_status->reason[0]) {
            snprintf(ret_status->reason, sizeof ret_status->reason, "%s",
                     session->error);
        }
    }
    return true;
}

/* --- GET /v1/bgp. */

struct paging {
    struct vx_gws *gws;
    const struct vx_api_bgp_query *query;
    size_t n_left;
    char *next;                 /* 512 bytes */
    struct vx_gws_audience audience;
    struct vx_gws_hearing hearing;      /* of the item at hand */
};

static void
cut_page(const struct paging *p, const struct vx_gw *gw, char part,
         unsigned type, const char *key)
{
    snprintf(p->next, 512, "%s %c %u %s", gw->name, part, type, key);
}

/* Of those that are tried again; so many are looked at and no more. */
static uint64_t
count_unused(const struct vx_gw *gw)
{
    enum { MOST = 10000 };
    uint64_t n = 0;
    int left = MOST;

    VX_TREE_FOR_EACH(node, &gw->gws->refused) {
        const struct vx_gw_target *t = VX_CONTAINER(node, struct vx_gw_target,
                                                    by_refused);

        VX_TREE_FOR_EACH(member, &t->members) {
            n += VX_CONTAINER(member, struct vx_gw_link, by_item)->item->gw
                 == gw;
            if (!--left) {
                return n;
            }
        }
    }
    return n;
}

static void
put_gateway(const struct paging *p, const struct vx_gw *gw)
{
    struct vx_api_bgp_gateway g = {
        .name = gw->name, .connected = gw->connected,
        .seen_ms = gw->seen_wall_ms, .since_ms = gw->since_wall_ms,
        .seq = vx_feedlog_seq(gw->log), .acked = gw->acked,
        .behind = behind(gw), .n_learned = gw->items.count,
        .n_failed = gw->failed.count, .counters = gw->counters,
        .n_unused = count_unused(gw) + gw->n_unused,
    };
    char reason[REASON_SIZE];

    state_of(gw, &g.state, reason);
    g.reason = reason;
    g.n_told = vx_feedlog_n_told(gw->log, VX_FEED_PREFIX);
    g.n_held = vx_feedlog_n_held(gw->log, VX_FEED_PREFIX);
    p->query->gateway(p->query->aux, &g);
}

/* "acme/ce1" or "up1". */
const struct vx_peering *
vx_gws_find_peering(const struct vx_model *model, const char *name)
{
    const char *slash = strchr(name, '/');
    char tenant[VX_NAME_MAX + 1];
    struct vx_key key = { .name = name };

    if (slash && (size_t) (slash - name) < sizeof tenant) {
        memcpy(tenant, name, (size_t) (slash - name));
        tenant[slash - name] = '\0';
        key.tenant = tenant;
        key.name = slash + 1;
    }
    return (const void *) vx_model_find(model, slash ? VX_PEERING
                                                     : VX_UPLINK, &key, NULL);
}

static void
put_sessions(const struct paging *p, const struct vx_gw *gw)
{
    const char *tenant = p->query->tenant;
    size_t size = tenant ? strlen(tenant) : 0;

    for (size_t i = 0; i < gw->n_sessions; i++) {
        const struct vx_gw_session *from = &gw->sessions[i];
        const struct vx_api_session session = {
            .peering = from->peering, .family = from->family,
            .state = gw->connected ? from->state : "unknown",
            .error = gw->connected ? from->error
                     : "the gateway is not connected",
            .since_ms = gw->connected ? from->since_ms : 0,
            .n_in = from->n_in, .n_out = from->n_out,
        };

        if (tenant && strchr(from->peering, '/')
            && (strncmp(from->peering, tenant, size)
                || from->peering[size] != '/')) {
            continue;
        }
        p->query->session(p->query->aux, &session,
                          vx_gws_find_peering(p->gws->app->model,
                                              from->peering));
    }
}

/* It is taken back, and may be announced yet. */
static bool
is_withdrawing(const struct vx_gw *gw, const struct vx_feed_item *item)
{
    return !item->value && item->seq > gw->acked && gw->seen_ms
           && item->state != VX_FEED_WAITING;
}

/* Told is not yet done. */
static bool
is_carried_out(const struct vx_gw *gw, const struct vx_feed_item *item)
{
    return item->state == VX_FEED_TOLD && gw->acked >= item->seq;
}

static const char *
feed_state(const struct vx_gw *gw, const struct vx_feed_item *item,
           const struct vx_gw_failed *failed)
{
    if (is_withdrawing(gw, item)) {
        return "withdrawing";
    }
    switch (item->state) {
    case VX_FEED_TOLD:
        return !is_carried_out(gw, item) ? "waiting"
               : failed ? "failed" : "announced";
    case VX_FEED_WAITING:
        return "waiting";
    case VX_FEED_WITHHELD:
        return "withheld";
    case VX_FEED_WITHDRAWN:
        return "withdrawing";
    case VX_FEED_GONE:
        break;
    }
    return "gone";
}

/* It waits for the gateway. */
static void
say_behind(const struct vx_gw *gw, const char *what, char reason[300])
{
    const char *trouble = trouble_of(gw);

    if (gw->connected) {
        snprintf(reason, 300, "the gateway has not %s yet%s%.200s", what,
                 *trouble ? ": " : "", trouble);
    } else {
        snprintf(reason, 300, "the gateway is not connected");
    }
}

static void
feed_reason(const struct vx_gw *gw, const struct vx_feed_item *item,
            const struct vx_gw_failed *failed, char reason[300])
{
    const char *why = "";

    if (item->state == VX_FEED_WAITING) {
        why = "the gateway's host has not confirmed its rows yet";
    } else if (is_withdrawing(gw, item)) {
        say_behind(gw, "withdrawn it", reason);
        return;
    } else if (item->state == VX_FEED_WITHDRAWN) {
        why = "it is withdrawn before it is removed";
    } else if (item->why[0]) {
        why = item->why;
    } else if (failed) {
        why = failed->why;
    } else if (item->state == VX_FEED_TOLD && !is_carried_out(gw, item)) {
        say_behind(gw, "carried it out", reason);
        return;
    }
    snprintf(reason, 300, "%s", why);
}

static const struct vx_gw_failed *
find_failed(const struct vx_gw *gw, const struct vx_feed_key *key)
{
    struct vx_tree_node *node = vx_tree_find(&gw->failed, key);

    return node ? VX_CONTAINER(node, struct vx_gw_failed, by_key) : NULL;
}

static bool
has_flowspec(const struct vx_model *model, uint64_t gateway)
{
    const struct vx_peering *peering;
    struct vx_serve_iter iter;

    vx_peerings_init(&iter, model, gateway);
    while ((peering = vx_peerings_next(&iter))) {
        if (peering->families & VX_AF_FLOWSPEC) {
            return true;
        }
    }
    return false;
}

bool
vx_gws_policy_told(struct vx_gws *gws, uint64_t oid)
{
    const struct vx_model *model = gws->app->model;
    const struct vx_obj *obj = vx_model_by_oid(model, oid);
    struct vx_feed_key key = { .type = VX_FEED_POLICY };
    const struct vx_gw *gw;
    size_t n = 0;

    if (!obj || obj->kind != VX_POLICY) {
        return false;
    }
    struct vx_key name = vx_model_key(model, obj);
    snprintf(key.text, sizeof key.text, "%s %s", name.tenant, name.name);
    VX_GWS_FOR_EACH(gw, gws) {
        struct vx_feed_item item;

        if (!vx_feedlog_get(gw->log, &key, &item)
            || item.state == VX_FEED_GONE || !has_flowspec(model, gw->oid)) {
            continue;
        }
        if (!is_carried_out(gw, &item) || find_failed(gw, &key)) {
            return false;
        }
        n++;
    }
    return n > 0;
}

/* What the gateway has announced goes to the peers whose filters let it. */
static void
say_audience(struct paging *p, const struct vx_gw *gw,
             const struct vx_gws_said *said, struct vx_api_bgp_item *out,
             char reason[300])
{
    struct vx_gws_hearing *hearing = &p->hearing;

    vx_gws_audience_ask(&p->audience, gw, said, hearing);
    out->withheld = vx_buf_str(&hearing->withheld);
    out->families = vx_buf_str(&hearing->families);
    if (!strcmp(out->state, "announced")) {
        snprintf(reason, 300, "%s", hearing->reason);
        out->state = hearing->is_lost && !hearing->is_heard ? "waiting"
                     : hearing->is_heard || !said->prefix ? out->state
                     : "withheld";
    }
}

/* False: it is not known what it is about. */
static bool
what_is_said(enum vx_feed_type type, const struct vx_export *e,
             struct vx_gws_said *said)
{
    *said = (struct vx_gws_said) {
        .families = type == VX_FEED_ENDPOINT ? VX_AF_EVPN : VX_AF_FLOWSPEC,
    };
    if (type == VX_FEED_PREFIX) {
        said->tenant = e->tenant;
        said->prefix = &e->prefix;
    }
    return type != VX_FEED_PREFIX || e->tenant;
}

static void
put_announced(struct paging *p, const struct vx_gw *gw,
              const struct vx_feed_key *key, const struct vx_feed_item *item)
{
    const struct vx_gw_failed *failed = find_failed(gw, key);
    size_t size = strcspn(key->text, " ");
    char tenant[VX_FEED_KEY_SIZE], object[256] = "", reason[300];
    struct vx_gws_said said;
    struct vx_export e;
    struct vx_api_bgp_item out = {
        .gateway = gw->name, .type = vx_feed_type_name(key->type),
        .key = key->text, .tenant = tenant,
        .prefix = key->text[size] ? key->text + size + 1 : "",
        .why = "", .object = object, .reason = reason,
        .state = feed_state(gw, item, failed), .revision = item->revision,
        .families = "", .withheld = "",
    };

    snprintf(tenant, sizeof tenant, "%.*s", (int) size, key->text);
    vx_gws_evaluate(p->gws, gw, key, item->value != NULL, &e);
    if (e.obj) {
        vx_model_path(p->gws->app->model, e.obj, object, sizeof object);
        out.why = e.why ? e.why : vx_kind_name(e.obj->kind);
    }
    if (key->type == VX_FEED_ENDPOINT) {        /* "VNI MAC" */
        const struct vx_obj *owner = e.obj && e.network
            ? vx_model_by_oid(p->gws->app->model, e.network->o.parent) : NULL;

        snprintf(tenant, sizeof tenant, "%s", owner ? owner->name : "");
    }
    feed_reason(gw, item, failed, reason);
    if (what_is_said(key->type, &e, &said)) {
        say_audience(p, gw, &said, &out, reason);
    }
    p->query->announced(p->query->aux, &out);
}

static bool
is_shown(enum vx_feed_type type)
{
    return type == VX_FEED_PREFIX || type == VX_FEED_ENDPOINT
           || type == VX_FEED_POLICY;
}

/* Of what is sorted by tenant, only his part is looked at: to the beginning
 * of the next such part after the item.  False: there is none. */
static bool
skip_to_tenant(const struct vx_feed_item *item, const char *tenant,
               struct vx_feed_key *key)
{
    static const enum vx_feed_type parts[] = { VX_FEED_PREFIX,
                                               VX_FEED_POLICY };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (item->type < parts[i]
            || (item->type == parts[i] && strcmp(item->key, tenant) < 0)) {
            key->type = parts[i];
            snprintf(key->text, sizeof key->text, "%s", tenant);
            return true;
        }
    }
    return false;
}

static bool
is_of_tenant(const struct vx_feed_item *item, const char *tenant)
{
    size_t size = strlen(tenant);

    return (item->type == VX_FEED_PREFIX || item->type == VX_FEED_POLICY)
           && !strncmp(item->key, tenant, size) && item->key[size] == ' ';
}

/* False: the page is full. */
static bool
list_announced(struct paging *p, const struct vx_gw *gw,
               struct vx_feed_key key)
{
    const char *tenant = p->query->tenant;
    uint64_t known = gw->seen_ms ? gw->acked : UINT64_MAX;
    struct vx_feed_item item;
    bool more = vx_feedlog_after(gw->log, &key, known, &item);

    for (; more; more = vx_feedlog_after(gw->log, &key, known, &item)) {
        if (tenant && !is_of_tenant(&item, tenant)) {
            if (!skip_to_tenant(&item, tenant, &key)) {
                break;
            }
            continue;
        } else if (is_shown(item.type)) {
            if (!p->n_left) {
                cut_page(p, gw, 'a', key.type, key.text);
                return false;
            }
            p->n_left--;
            snprintf(key.text, sizeof key.text, "%s", item.key);
            key.type = item.type;
            put_announced(p, gw, &key, &item);
            continue;
        }
        key.type = item.type;
        snprintf(key.text, sizeof key.text, "%s", item.key);
    }
    return true;
}

static bool
has_vni(const struct vx_learned *item)
{
    return item->type == VX_LEARNED_ENDPOINT
           || item->type == VX_LEARNED_VTEP;
}

/* The tenant it is of: that of its network, or the one it names. */
static const char *
owner_of(const struct paging *p, const struct vx_learned *item)
{
    const struct vx_model *model = p->gws->app->model;
    const struct vx_network *network = has_vni(item)
        ? vx_model_by_vni(model, item->vni) : NULL;
    const struct vx_obj *tenant = network
        ? vx_model_by_oid(model, network->o.parent) : NULL;

    return tenant ? tenant->name
           : item->tenant && !has_vni(item) ? item->tenant : "";
}

static void
put_learned(const struct paging *p, const struct vx_gw_item *item)
{
    const struct vx_learned *l = item->item;
    const char *reason = vx_gws_item_reason(item);
    char prefix[VX_PREFIX_STRLEN];
    const char *space = strchr(item->key, ' ');
    const struct vx_api_bgp_item out = {
        .gateway = item->gw->name, .type = vx_learned_type_name(l->type),
        .key = item->key, .tenant = owner_of(p, l),
        .prefix = l->prefix.ip.family ? vx_prefix_format(&l->prefix, prefix)
                  : l->type == VX_LEARNED_FLOWSPEC && space ? space + 1
                  : item->key,
        .peering = l->peering ? l->peering : "",
        .state = reason[0] ? "unused" : "used", .reason = reason,
    };

    p->query->learned(p->query->aux, &out);
}

static struct vx_tree_node *
seek_item(const struct vx_gw *gw, unsigned type, const char *key)
{
    struct vx_learned like = { .type = (enum vx_learned_type) type };
    struct vx_gw_item from = { .item = &like };

    snprintf(from.key, sizeof from.key, "%.180s", key);
    return vx_tree_ceil(&gw->items, &from);
}

/* The item is of another tenant: over all of its kind.  Keys begin with the
 * VNI, or the tenant, and a space. */
static struct vx_tree_node *
skip_others(const struct paging *p, const struct vx_gw_item *item)
{
    char key[VX_NAME_MAX + 16];

    if (has_vni(item->item)) {
        snprintf(key, sizeof key, "%u!", item->item->vni);
        return seek_item(item->gw, item->item->type, key);
    }
    snprintf(key, sizeof key, "%.63s ", p->query->tenant);
    return strcmp(item->key, key) < 0
           ? seek_item(item->gw, item->item->type, key)
           : seek_item(item->gw, item->item->type + 1u, "");
}

static bool
list_learned(struct paging *p, const struct vx_gw *gw, unsigned type,
             const char *after)
{
    struct vx_tree_node *node = seek_item(gw, type, after);

    while (node) {
        const struct vx_gw_item *item = VX_CONTAINER(node, struct vx_gw_item,
                                                     by_key);

        if (after[0] && (unsigned) item->item->type == type
            && !strcmp(item->key, after)) {
            node = vx_tree_next(node);
            continue;
        }
        if (p->query->tenant
            && strcmp(owner_of(p, item->item), p->query->tenant)) {
            node = skip_others(p, item);
            continue;
        }
        if (!p->n_left) {
            cut_page(p, gw, 'l', type, after);
            return false;
        }
        p->n_left--;
        put_learned(p, item);
        type = item->item->type;
        after = item->key;
        node = vx_tree_next(node);
    }
    return true;
}

/* Where the page begins. */
struct place {
    uint64_t gateway;           /* 0 = the first */
    char part;                  /* 'a', 'l' */
    unsigned type;
    char key[256];
};

static bool
read_place(const struct vx_gws *gws, const char *after, struct place *place,
           struct vx_error *err)
{
    char name[VX_NAME_MAX + 1];
    const struct vx_gw *gw;
    int n = 0;

    *place = (struct place) { .part = 'a' };
    if (!after) {
        return true;
    }
    if (sscanf(after, "%63s %c %u %n", name, &place->part, &place->type,
               &n) < 3 || !n || strlen(after + n) >= sizeof place->key
        || !(place->part == 'a' ? place->type < VX_FEED_N_TYPES
             : place->part == 'l' && place->type < VX_N_LEARNED)
        || !(gw = vx_gws_by_name(gws, name))) {
        return vx_fail(err, VX_INVALID, "after", "\"%.80s\" is not the next "
                       "of a page, or its gateway is gone", after);
    }
    place->gateway = gw->oid;
    snprintf(place->key, sizeof place->key, "%s", after + n);
    return true;
}

/* Whether the name is among those, with a blank between. */
static bool
is_among(const char *names, const char *name)
{
    size_t size = strlen(name);

    for (; *names; names += strcspn(names, " "), names += *names == ' ') {
        if (strcspn(names, " ") == size && !strncmp(names, name, size)) {
            return true;
        }
    }
    return false;
}

/* What the gateway itself does not use: few.  Each is shown to all tenants
 * that it may be about. */
static void
put_unused(const struct paging *p, const struct vx_gw *gw)
{
    const char *tenant = p->query->tenant;

    for (size_t i = 0; i < gw->n_unused; i++) {
        const struct vx_gw_unused *unused = &gw->unused[i];
        const char *owner = tenant ? tenant
                            : strchr(unused->tenants, ' ') ? ""
                                                           : unused->tenants;

        if (tenant && !is_among(unused->tenants, tenant)) {
            continue;
        }
        const struct vx_api_bgp_item out = {
            .gateway = gw->name, .type = unused->type, .key = unused->path,
            .tenant = owner, .prefix = unused->path, .peering = "",
            .state = "unused", .reason = unused->why,
        };

        p->query->learned(p->query->aux, &out);
    }
}

static bool
list_gateway(struct paging *p, const struct vx_gw *gw,
             const struct place *place)
{
    const char *tenant = p->query->tenant;
    struct vx_feed_key key = { .type = VX_FEED_GATEWAY };

    put_gateway(p, gw);
    put_sessions(p, gw);
    if (place->part == 'a') {
        if (place->key[0]) {
            key.type = (enum vx_feed_type) place->type;
            snprintf(key.text, sizeof key.text, "%.120s", place->key);
        } else if (tenant) {
            key.type = VX_FEED_PREFIX;
            snprintf(key.text, sizeof key.text, "%.63s", tenant);
        }
        if (!list_announced(p, gw, key)) {
            return false;
        }
    }
    if (!list_learned(p, gw, place->part == 'l' ? place->type : 0,
                      place->part == 'l' ? place->key : "")) {
        return false;
    }
    put_unused(p, gw);
    return true;
}

static bool
bgp(void *gws_, const struct vx_api_bgp_query *query, char next[512],
    struct vx_error *err)
{
    struct vx_gws *gws = gws_;
    struct paging p = { .gws = gws, .query = query, .n_left = query->limit,
                        .next = next };
    struct place place;
    struct vx_tree_node *node;

    next[0] = '\0';
    if (query->tenant) {
        const struct vx_key key = { .name = query->tenant };

        if (!vx_model_find(gws->app->model, VX_TENANT, &key, err)) {
            return false;
        }
    }
    if (!vx_commit_drain(gws->app->commit, err)
        || !read_place(gws, query->after, &place, err)) {
        return false;
    }
    node = vx_tree_ceil(&gws->gateways, &place.gateway);
    for (; node; node = vx_tree_next(node)) {
        const struct vx_gw *gw = VX_CONTAINER(node, struct vx_gw, by_oid);

        if (gw->oid != place.gateway) {
            place = (struct place) { .part = 'a' };
        }
        if (!list_gateway(&p, gw, &place)) {
            break;
        }
    }
    vx_gws_audience_fini(&p.audience);
    vx_gws_hearing_fini(&p.hearing);
    return true;
}

void
vx_gws_api_init(struct vx_gws *gws)
{
    gws->api = (struct vx_api_gateways) {
        .ctx = gws, .open = vx_gws_open, .pump = vx_gws_pump,
        .close = vx_gws_close, .report = vx_gws_report,
        .cancel = vx_gws_report_cancel, .bgp = bgp,
    };
}

const struct vx_api_gateways *
vx_gws_api(struct vx_gws *gws)
{
    return &gws->api;
}

/* --- Metrics. */

static void
head(struct vx_buf *out, const char *name, const char *type,
     const char *help)
{
    vx_buf_printf(out, "# HELP vxfabric_%s %s\n# TYPE vxfabric_%s %s\n", name,
                  help, name, type);
}

struct figure {
    const char *name, *help;
    uint64_t (*value)(const struct vx_gw *gw);
};

static uint64_t
connected(const struct vx_gw *gw)
{
    return gw->connected;
}

static uint64_t
degraded(const struct vx_gw *gw)
{
    return trouble_of(gw)[0] != '\0';
}

static uint64_t
announced(const struct vx_gw *gw)
{
    return vx_feedlog_n_told(gw->log, VX_FEED_PREFIX);
}

static uint64_t
withheld(const struct vx_gw *gw)
{
    return vx_feedlog_n_held(gw->log, VX_FEED_PREFIX);
}

static uint64_t
learned(const struct vx_gw *gw)
{
    return gw->items.count;
}

static uint64_t
failed(const struct vx_gw *gw)
{
    return gw->failed.count;
}

static uint64_t
report_age(const struct vx_gw *gw)
{
    return gw->seen_ms
           ? (uint64_t) (vx_clock_ms() - gw->seen_ms) / 1000 : 0;
}

static uint64_t
sessions_up(const struct vx_gw *gw)
{
    struct vx_api_gateway_status status;

    return vx_gws_status(gw->gws, gw->oid, &status) ? status.n_established
                                                    : 0;
}

void
vx_gws_metrics(const struct vx_gws *gws, struct vx_buf *out)
{
    static const struct figure figures[] = {
        { "gateway_connected", "The gateway reads its feed and reports.",
          connected },
        { "gateway_degraded", "A daemon that the gateway needs is away.",
          degraded },
        { "gateway_sessions_up", "BGP sessions that are established.",
          sessions_up },
        { "gateway_announced", "Prefixes the gateway is told to announce.",
          announced },
        { "gateway_withheld", "Prefixes that are not announced yet.",
          withheld },
        { "gateway_learned", "What the gateway has learned by BGP.",
          learned },
        { "gateway_failed", "Entries the gateway could not carry out.",
          failed },
        { "gateway_feed_lag", "Entries not acknowledged yet.", behind },
        { "gateway_report_age_seconds", "Since its last report.",
          report_age },
    };
    const struct vx_gw *gw;

    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        head(out, figures[i].name, "gauge", figures[i].help);
        VX_GWS_FOR_EACH(gw, gws) {
            vx_buf_printf(out, "vxfabric_%s{gateway=\"%s\"} %llu\n",
                          figures[i].name, gw->name,
                          (unsigned long long) figures[i].value(gw));
        }
    }
    head(out, "held_requests", "gauge",
         "Requests that wait until gateways have withdrawn.");
    vx_buf_printf(out, "vxfabric_held_requests %zu\n", gws->n_held);
    head(out, "withdrawals_late_total", "counter",
         "Requests carried out although a gateway had not acknowledged.");
    vx_buf_printf(out, "vxfabric_withdrawals_late_total %llu\n",
                  (unsigned long long) gws->n_withdrawn_late);
}
