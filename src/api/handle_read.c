/* SPDX-License-Identifier: Apache-2.0 */
/* GET of objects and lists.
 *
 * A page looks at no more than SCAN_MAX objects, however rare what the filter
 * asks for is: it may then be short or empty and still have a `next`.  `next`
 * is the key of the last object looked at, so pages go on where they were
 * when objects come and go between them. */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "lib/xalloc.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, SCAN_MAX = 10000 };

/* Where the policy is in force: on hosts, also on those of gateways, once all
 * that are connected have confirmed it. */
static uint8_t
places_of(const struct vx_api_backend *b, const struct vx_obj *obj,
          struct vx_status_room *room)
{
    const struct vx_policy *policy = (const struct vx_policy *) obj;
    uint8_t places = 0;

    if (!room->knows_realized) {
        struct vx_api_info info = { 0 };

        b->info(b->ctx, &info);
        room->realized = info.realized_revision;
        room->knows_realized = true;
    }
    if (room->realized >= obj->revision) {
        places = policy->where & (VX_WHERE_HOSTS | VX_WHERE_GATEWAY);
    }
    if ((policy->where & VX_WHERE_FLOWSPEC) && b->policy_told
        && b->policy_told(b->ctx, obj->oid)) {
        places |= VX_WHERE_FLOWSPEC;
    }
    return places;
}

static void
hops_status(const struct vx_api_backend *b, struct vx_codec_view *view,
            struct vx_status_room *room)
{
    vx_hops_status_eval(view->model, view->obj, b->port_alive, b->ctx,
                        &room->hops);
    view->hops_status = &room->hops;
    if (view->obj->kind == VX_POLICY) {
        room->places = places_of(b, view->obj, room);
        if (room->hops.is_idle) {
            room->places &= VX_WHERE_FLOWSPEC;
        }
        view->policy_places = &room->places;
    }
    if (view->obj->kind == VX_POLICY && b->counters) {
        room->count = b->counters->policy(b->counters->ctx, view->obj->oid);
        view->policy_count = &room->count;
    }
}

static bool
is_peering(enum vx_kind kind)
{
    return kind == VX_PEERING || kind == VX_UPLINK;
}

void
vx_handle_status(const struct vx_server *server, struct vx_codec_view *view,
                 struct vx_status_room *room)
{
    const struct vx_api_backend *b = server->backend;

    if (view->obj->kind == VX_PORT
        && b->port_status(b->ctx, view->obj->oid, &room->port)) {
        view->port_status = &room->port;
    } else if (view->obj->kind == VX_HOST
               && b->host_status(b->ctx, view->obj->oid, &room->host)) {
        view->host_status = &room->host;
    } else if (view->obj->kind == VX_ROUTE
               || view->obj->kind == VX_POLICY) {
        hops_status(b, view, room);
    } else if (view->obj->kind == VX_GATEWAY && b->gateway_status
               && b->gateway_status(b->ctx, view->obj->oid,
                                    &room->gateway)) {
        view->gateway_status = &room->gateway;
    } else if (is_peering(view->obj->kind) && b->peering_status
               && b->peering_status(b->ctx, view->obj->oid,
                                    &room->peering)) {
        view->peering_status = &room->peering;
    }
}

static const struct vx_model *
model_of(struct vx_call *call)
{
    const struct vx_api_backend *b = call->server->backend;
    const struct vx_model *model = b->model(b->ctx);

    if (!model) {
        vx_fail(&call->err, VX_UNAVAILABLE, "",
                "the store does not take commits now: try again");
    }
    return model;
}

void
vx_handle_object(struct vx_call *call, const struct vx_codec_path *path)
{
    struct vx_codec_view view = { .key = path->key };
    struct vx_status_room room = { .knows_realized = false };
    struct vx_buf body = VX_BUF_INIT;
    char etag[48];

    view.model = vx_query_done(&call->query, "", &call->err)
                     ? model_of(call) : NULL;
    view.obj = view.model ? vx_model_find(view.model, path->kind, &path->key,
                                          &call->err)
                          : NULL;
    if (!view.obj) {
        vx_call_fail(call);
        return;
    }
    vx_handle_status(call->server, &view, &room);
    vx_codec_object(&view, &body);
    snprintf(etag, sizeof etag, "ETag: \"%" PRIu64 "\"\r\n",
             view.obj->revision);
    vx_call_reply_json(call, 200, etag, &body);
    vx_buf_fini(&body);
}

/* --- Filters. */

struct filter {
    const char *host, *status, *mac, *ip, *iface_id;    /* ports */
    const char *zone, *system_id;                       /* hosts */
    uint64_t vni;                                       /* networks */
    const char *via;                                    /* routes, policies,
                                                         * with status */
    const char *gateway;                                /* peerings */
    const char *origin;         /* of what others than operators make, too */
    uint64_t host_oid, zone_oid, gateway_oid;
    struct vx_mac mac_value;
    struct vx_ip ip_value;
};

struct list {
    struct vx_call *call;
    const struct vx_model *model;
    enum vx_kind kind;
    struct filter filter;
    uint64_t limit;
    char *after_text;
    struct vx_key after;
    struct vx_status_room room;
};

static bool
is_hops(enum vx_kind kind)
{
    return kind == VX_ROUTE || kind == VX_POLICY;
}

static bool
named_oid(struct list *list, enum vx_kind kind, const char *name,
          uint64_t *ret_oid)
{
    struct vx_key key = { .name = name };
    const struct vx_obj *obj
        = vx_model_find(list->model, kind, &key, &list->call->err);

    if (obj) {
        *ret_oid = obj->oid;
    }
    return obj != NULL;
}

static bool
known_bgp_status(struct list *list, const char *status)
{
    static const char of_gateways[] = "active, building, degraded, down";
    static const char of_peerings[] = "idle, connect, active, opensent, "
                                      "openconfirm, established, unknown";
    const char *all = list->kind == VX_GATEWAY ? of_gateways : of_peerings;
    size_t size = strlen(status);

    for (const char *word = all; word;) {
        const char *comma = strchr(word, ',');
        size_t length = comma ? (size_t) (comma - word) : strlen(word);

        if (length == size && !memcmp(word, status, size)) {
            return true;
        }
        word = comma ? comma + 2 : NULL;
    }
    return vx_fail(&list->call->err, VX_INVALID, "status", "\"%.60s\" is no "
                   "status of a %s: %s", status, vx_kind_name(list->kind),
                   all);
}

/* A status that no object ever has would be a quiet empty list. */
static bool
known_status(struct list *list, const char *status)
{
    static const char *const of_hosts[] = {
        "joining", "active", "draining", "down", NULL
    };

    if (!status) {
        return true;
    }
    if (list->kind == VX_GATEWAY || is_peering(list->kind)) {
        return known_bgp_status(list, status);
    }
    for (int i = 0; list->kind == VX_PORT && i <= VX_PORT_DOWN; i++) {
        if (!strcmp(status, vx_port_state_name((enum vx_port_state) i))) {
            return true;
        }
    }
    for (size_t i = 0; list->kind == VX_HOST && of_hosts[i]; i++) {
        if (!strcmp(status, of_hosts[i])) {
            return true;
        }
    }
    for (int i = 0; is_hops(list->kind) && i < VX_N_HOPS_STATES; i++) {
        if (!strcmp(status, vx_hops_state_name((enum vx_hops_state) i))) {
            return true;
        }
    }
    return vx_fail(&list->call->err, VX_INVALID, "status",
                   "\"%.60s\" is no status of a %s: %s", status,
                   vx_kind_name(list->kind), list->kind == VX_HOST
                   ? "joining, active, draining, down"
                   : is_hops(list->kind)
                   ? "active, degraded, unresolved, down"
                   : "pending, building, active, degraded, down");
}

static bool
read_port_filter(struct list *list)
{
    struct vx_query *query = &list->call->query;
    struct vx_error *err = &list->call->err;
    struct filter *f = &list->filter;

    f->host = vx_query_get(query, "host");
    f->status = vx_query_get(query, "status");
    f->mac = vx_query_get(query, "mac");
    f->ip = vx_query_get(query, "ip");
    f->iface_id = vx_query_get(query, "iface_id");
    if (f->mac && !vx_mac_parse(f->mac, &f->mac_value)) {
        return vx_fail(err, VX_INVALID, "mac",
                       "\"%.60s\" is not a MAC address", f->mac);
    }
    if (f->ip && !vx_ip_parse(f->ip, &f->ip_value)) {
        return vx_fail(err, VX_INVALID, "ip",
                       "\"%.60s\" is not an IP address", f->ip);
    }
    return vx_query_done(query, "limit, after, host, status, mac, ip, "
                         "iface_id, origin", err)
           && known_status(list, f->status)
           && (!f->host || named_oid(list, VX_HOST, f->host, &f->host_oid));
}

static bool
read_hops_filter(struct list *list)
{
    struct vx_query *query = &list->call->query;
    struct vx_error *err = &list->call->err;
    struct filter *f = &list->filter;

    f->via = vx_query_get(query, "via");
    f->status = vx_query_get(query, "status");
    if (f->via && !vx_ip_parse(f->via, &f->ip_value)) {
        return vx_fail(err, VX_INVALID, "via", "\"%.60s\" is not an IP "
                       "address", f->via);
    }
    return vx_query_done(query, "limit, after, via, status, origin", err)
           && known_status(list, f->status);
}

static bool
read_bgp_filter(struct list *list)
{
    struct vx_query *query = &list->call->query;
    struct vx_error *err = &list->call->err;
    struct filter *f = &list->filter;

    f->status = vx_query_get(query, "status");
    if (list->kind == VX_GATEWAY) {
        f->host = vx_query_get(query, "host");
        return vx_query_done(query, "limit, after, host, status", err)
               && known_status(list, f->status)
               && (!f->host
                   || named_oid(list, VX_HOST, f->host, &f->host_oid));
    }
    f->gateway = vx_query_get(query, "gateway");
    return vx_query_done(query, "limit, after, gateway, status", err)
           && known_status(list, f->status)
           && (!f->gateway || named_oid(list, VX_GATEWAY, f->gateway,
                                        &f->gateway_oid));
}

/* Kinds that others than operators make, too. */
static bool
read_origin(struct list *list)
{
    struct filter *f = &list->filter;
    enum vx_kind kind = list->kind;

    if (kind == VX_ZONE || kind == VX_TENANT || kind == VX_GATEWAY
        || is_peering(kind)) {
        return true;
    }
    f->origin = vx_query_get(&list->call->query, "origin");
    for (int i = VX_BY_OPERATOR; f->origin && i <= VX_BY_BGP; i++) {
        if (!strcmp(f->origin, vx_codec_origin_name((enum vx_origin) i))) {
            return true;
        }
    }
    return !f->origin
           || vx_fail(&list->call->err, VX_INVALID, "origin", "\"%.40s\" is "
                      "no origin: operator, system, learned", f->origin);
}

static bool
read_filter(struct list *list)
{
    struct vx_query *query = &list->call->query;
    struct vx_error *err = &list->call->err;
    struct filter *f = &list->filter;

    if (!read_origin(list)) {
        return false;
    } else if (list->kind == VX_PORT) {
        return read_port_filter(list);
    } else if (list->kind == VX_GATEWAY || is_peering(list->kind)) {
        return read_bgp_filter(list);
    } else if (list->kind == VX_HOST) {
        f->zone = vx_query_get(query, "zone");
        f->status = vx_query_get(query, "status");
        f->system_id = vx_query_get(query, "system_id");
        return vx_query_done(query, "limit, after, zone, status, system_id, "
                             "origin", err)
               && known_status(list, f->status)
               && (!f->zone
                   || named_oid(list, VX_ZONE, f->zone, &f->zone_oid));
    } else if (list->kind == VX_NETWORK) {
        f->vni = VX_VNI_MAX + 1;
        if (!vx_query_uint(query, "vni", VX_VNI_MAX, &f->vni, err)) {
            return false;
        }
        if (!f->vni) {
            return vx_fail(err, VX_INVALID, "vni", "0 is no VNI: 1 to %d",
                           VX_VNI_MAX);
        }
        f->vni %= VX_VNI_MAX + 1;       /* 0: not asked for */
        return vx_query_done(query, "limit, after, vni, origin", err);
    } else if (is_hops(list->kind)) {
        return read_hops_filter(list);
    }
    return vx_query_done(query, list->kind == VX_SUBNET
                         ? "limit, after, origin" : "limit, after", err);
}

static bool
has_ip(const struct vx_ip *ips, size_t n_ips, const struct vx_ip *ip)
{
    for (size_t i = 0; i < n_ips; i++) {
        if (!vx_ip_compare(&ips[i], ip)) {
            return true;
        }
    }
    return false;
}

static bool
port_passes(const struct filter *f, const struct vx_port *port)
{
    return (!f->host || vx_port_location(port) == f->host_oid
            || (port->migrate_from && port->host == f->host_oid))
           && (!f->mac || !vx_mac_compare(&port->mac, &f->mac_value))
           && (!f->ip || has_ip(port->ips, port->n_ips, &f->ip_value))
           && (!f->iface_id || !strcmp(port->iface_id, f->iface_id));
}

/* The cheap members first; status is asked for last. */
static bool
passes(const struct list *list, const struct vx_obj *obj)
{
    const struct filter *f = &list->filter;

    if (f->origin
        && strcmp(f->origin, vx_codec_origin_name(obj->origin)) != 0) {
        return false;
    }
    if (obj->kind == VX_PORT) {
        return port_passes(f, (const struct vx_port *) obj);
    } else if (obj->kind == VX_HOST) {
        const struct vx_host *host = (const struct vx_host *) obj;
        return (!f->zone || host->zone == f->zone_oid)
               && (!f->system_id || !strcmp(host->system_id, f->system_id));
    } else if (obj->kind == VX_NETWORK) {
        return !f->vni || ((const struct vx_network *) obj)->vni == f->vni;
    } else if (obj->kind == VX_ROUTE) {
        const struct vx_route *route = (const struct vx_route *) obj;
        return !f->via || has_ip(route->via, route->n_via, &f->ip_value);
    } else if (obj->kind == VX_POLICY) {
        const struct vx_policy *policy = (const struct vx_policy *) obj;
        return !f->via || has_ip(policy->via, policy->n_via, &f->ip_value);
    } else if (obj->kind == VX_GATEWAY) {
        const struct vx_gateway *gateway = (const struct vx_gateway *) obj;
        return !f->host || gateway->host == f->host_oid;
    } else if (is_peering(obj->kind)) {
        const struct vx_peering *peering = (const struct vx_peering *) obj;
        return !f->gateway || peering->gateway == f->gateway_oid;
    }
    return true;
}

static bool
status_passes(const struct filter *f, const struct vx_codec_view *view)
{
    const char *status
        = view->port_status ? vx_port_state_name(view->port_status->state)
          : view->host_status ? view->host_status->state
          : view->gateway_status ? view->gateway_status->state
          : view->peering_status ? view->peering_status->state
          : view->hops_status ? vx_hops_state_name(view->hops_status->state)
                              : NULL;
    return !f->status || (status && !strcmp(status, f->status));
}

/* --- Pages. */

/* "acme/web/vm1"; the last part may hold slashes (CIDR). */
static bool
read_after(struct list *list, const char *token)
{
    unsigned n_parents = list->kind == VX_NETWORK || is_hops(list->kind)
                         || list->kind == VX_PEERING ? 1
                         : list->kind == VX_SUBNET || list->kind == VX_PORT
                             ? 2 : 0;
    const char **parents[] = { &list->after.tenant, &list->after.network };
    char *rest = list->after_text = vx_xstrdup(token);

    for (unsigned i = 0; i < n_parents; i++) {
        *parents[i] = strsep(&rest, "/");
        if (!rest) {
            break;
        }
    }
    list->after.name = rest;
    return (rest && *rest)
           || vx_fail(&list->call->err, VX_INVALID, "after",
                      "\"%.60s\" is not the \"next\" of a page", token);
}

static void
write_next(struct list *list, const struct vx_obj *last, struct vx_buf *out)
{
    struct vx_key key = vx_model_key(list->model, last);
    struct vx_buf token = VX_BUF_INIT;

    if (key.tenant) {
        vx_buf_printf(&token, "%s/", key.tenant);
    }
    if (key.network) {
        vx_buf_printf(&token, "%s/", key.network);
    }
    vx_buf_puts(&token, key.name);
    vx_json_string(out, vx_buf_str(&token));
    vx_buf_fini(&token);
}

/* Writes the object if the filter lets it pass. */
static void
write_item(struct list *list, const struct vx_obj *obj, uint64_t *n_items,
           struct vx_buf *out)
{
    struct vx_codec_view view = { .model = list->model, .obj = obj };

    if (!passes(list, obj)) {
        return;
    }
    vx_handle_status(list->call->server, &view, &list->room);
    if (!status_passes(&list->filter, &view)) {
        return;
    }
    view.key = vx_model_key(list->model, obj);
    vx_buf_puts(out, (*n_items)++ ? "," : "");
    vx_codec_object(&view, out);
}

static bool
in_scope(const struct list *list, const struct vx_obj *obj,
         const struct vx_key *scope)
{
    struct vx_key key = vx_model_key(list->model, obj);

    return (!scope->tenant || !strcmp(scope->tenant, key.tenant))
           && (!scope->network || !strcmp(scope->network, key.network));
}

/* A filter that at most one object passes is answered from its index.  True
 * if there is one; *ret_obj may be NULL. */
static bool
look_up(const struct list *list, const struct vx_obj **ret_obj)
{
    const struct filter *f = &list->filter;

    if (f->iface_id) {
        *ret_obj = (const struct vx_obj *)
            vx_model_by_iface_id(list->model, f->iface_id);
    } else if (f->system_id) {
        *ret_obj = (const struct vx_obj *)
            vx_model_by_system_id(list->model, f->system_id);
    } else if (f->vni) {
        *ret_obj = (const struct vx_obj *)
            vx_model_by_vni(list->model, (uint32_t) f->vni);
    } else {
        return false;
    }
    return true;
}

static const struct vx_obj *
scan(struct list *list, const struct vx_codec_path *path,
     struct vx_buf *out)
{
    const struct vx_obj *obj, *last = NULL;
    uint64_t n_items = 0, n_seen = 0;
    struct vx_iter iter;

    vx_iter_init(&iter, list->model, list->kind, &path->key,
                 list->after_text ? &list->after : NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (n_items == list->limit || n_seen++ == SCAN_MAX) {
            return last;
        }
        last = obj;
        write_item(list, obj, &n_items, out);
    }
    return NULL;
}

static void
write_page(struct list *list, const struct vx_codec_path *path,
           struct vx_buf *out)
{
    const struct vx_obj *obj = NULL, *last = NULL;
    uint64_t n_items = 0;

    vx_buf_puts(out, "{\"items\":[");
    if (!look_up(list, &obj)) {
        last = scan(list, path, out);
    } else if (obj && in_scope(list, obj, &path->key)
               && !list->after_text) {
        write_item(list, obj, &n_items, out);
    }
    vx_buf_puts(out, "],\"next\":");
    if (last) {
        write_next(list, last, out);
    } else {
        vx_buf_puts(out, "null");
    }
    vx_buf_printf(out, ",\"revision\":%" PRIu64 "}",
                  vx_model_revision(list->model));
}

/* A list below something that does not exist is not an empty list. */
static bool
parents_exist(struct list *list, const struct vx_key *scope)
{
    struct vx_key key = { .name = scope->tenant };

    if (scope->network) {
        key = (struct vx_key) { .tenant = scope->tenant,
                                .name = scope->network };
        return vx_model_find(list->model, VX_NETWORK, &key,
                             &list->call->err);
    }
    return !scope->tenant
           || vx_model_find(list->model, VX_TENANT, &key, &list->call->err);
}

static bool
prepare(struct list *list, const struct vx_codec_path *path)
{
    struct vx_query *query = &list->call->query;
    struct vx_error *err = &list->call->err;
    const char *after = vx_query_get(query, "after");

    list->limit = PAGE_DEFAULT;
    if (!vx_query_uint(query, "limit", PAGE_MAX, &list->limit, err)
        || !(list->limit
             || vx_fail(err, VX_INVALID, "limit",
                        "limit=0: it must be 1 to %d", PAGE_MAX))
        || (after && !read_after(list, after))) {
        return false;
    }
    list->model = model_of(list->call);
    return list->model && parents_exist(list, &path->key)
           && read_filter(list);
}

void
vx_handle_list(struct vx_call *call, const struct vx_codec_path *path)
{
    struct list list = { .call = call, .kind = path->kind };
    struct vx_buf body = VX_BUF_INIT;

    if (prepare(&list, path)) {
        write_page(&list, path, &body);
        vx_call_reply_json(call, 200, NULL, &body);
    } else {
        vx_call_fail(call);
    }
    free(list.after_text);
    vx_buf_fini(&body);
}
