/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways: life, changes, dirty keys; see gateways.h.
 *
 * A change touches keys; keys are looked at when the changes are committed
 * and the fabric knows them, some at a time, for every gateway.  Where much
 * is touched at once (a gateway is made, begins to serve a tenant) a scan
 * walks over the objects. */
#include "daemon/gateways_priv.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api/feed_write.h"
#include "daemon/app.h"
#include "daemon/audit.h"
#include "daemon/commit.h"
#include "daemon/health.h"
#include "daemon/hosts.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    KEYS_PER_TURN = 500,
    SCAN_PER_TURN = 500,
    DAMP_MS = 10000,
    EVENTS_PER_SECOND = 200,    /* of routes; the rest is in GET /v1/bgp */
};

/* What a scan walks over, in this order. */
static const enum vx_kind scan_kinds[] = {
    VX_TENANT, VX_NETWORK, VX_SUBNET, VX_ROUTE, VX_PORT, VX_POLICY,
    VX_PEERING, VX_UPLINK, VX_GATEWAY,
};
enum { N_SCAN_KINDS = sizeof scan_kinds / sizeof scan_kinds[0] };

static int
cmp_gw(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct vx_gw, by_oid)->oid;

    return a < b ? -1 : a > b;
}

static int
cmp_dirty(const void *key, const struct vx_tree_node *node)
{
    return vx_feed_key_compare(
        key, &VX_CONTAINER(node, struct vx_gw_dirty, by_key)->key);
}

static int
cmp_damp(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct vx_gw_damp, by_port)->port;

    return a < b ? -1 : a > b;
}

static int
cmp_unready(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct vx_gw_unready, by_leg)->leg;

    return a < b ? -1 : a > b;
}

struct vx_gw *
vx_gws_find(const struct vx_gws *gws, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&gws->gateways, &oid);

    return node ? VX_CONTAINER(node, struct vx_gw, by_oid) : NULL;
}

struct vx_gw *
vx_gws_by_name(const struct vx_gws *gws, const char *name)
{
    const struct vx_key key = { .name = name };
    const struct vx_obj *obj = vx_model_find(gws->app->model, VX_GATEWAY,
                                             &key, NULL);

    return obj ? vx_gws_find(gws, obj->oid) : NULL;
}

uint64_t
vx_gws_realized_by(const struct vx_gws *gws, const struct vx_gw *gw)
{
    const struct vx_gateway *gateway = (const void *)
        vx_model_by_oid(gws->app->model, gw->oid);
    struct vx_host_facts facts;

    return gateway && vx_hosts_facts(gws->app->hosts, gateway->host, &facts)
           ? facts.realized : 0;
}

bool
vx_gws_is_settled(const struct vx_gws *gws)
{
    return !gws->first && !gws->scans;
}

void
vx_gws_work_later(struct vx_gws *gws)
{
    if (gws->started) {
        event_active(gws->work, EV_TIMEOUT, 0);
    }
}

/* --- Facts. */

static bool
has_port_at(void *gws_, uint64_t network, uint64_t host)
{
    const struct vx_gws *gws = gws_;

    return vx_fabric_has_port_at(gws->app->fabric, network, host);
}

static void
drop_damp(struct vx_gws *gws, uint64_t port)
{
    struct vx_tree_node *node = vx_tree_find(&gws->damps, &port);

    if (node) {
        vx_tree_remove(&gws->damps, node);
        free(VX_CONTAINER(node, struct vx_gw_damp, by_port));
    }
}

/* True for some time after the first time it is asked. */
static bool
is_damped(struct vx_gws *gws, uint64_t port, int64_t for_ms)
{
    struct vx_tree_node *node = vx_tree_find(&gws->damps, &port);
    struct vx_gw_damp *damp;

    if (node) {
        damp = VX_CONTAINER(node, struct vx_gw_damp, by_port);
        return vx_clock_ms() < damp->due_ms;
    }
    damp = vx_xcalloc(1, sizeof *damp);
    damp->port = port;
    damp->due_ms = vx_clock_ms() + for_ms;
    vx_tree_insert(&gws->damps, &port, &damp->by_port);
    return true;
}

/* What was told stays while rows are on their way, and for a while when the
 * host is away; after a start so does what was active before it. */
static bool
port_active(void *gws_, uint64_t port)
{
    struct vx_gws *gws = gws_;
    int64_t grace = gws->started_ms + VX_GW_GRACE_MS - vx_clock_ms();
    bool held = gws->told_now || (grace > 0
                                  && vx_app_was_active(gws->app, port));
    struct vx_port_status status;

    if (!vx_app_port_status(gws->app, port, &status)) {
        drop_damp(gws, port);
        return false;
    }
    switch (status.state) {
    case VX_PORT_ACTIVE:
    case VX_PORT_DEGRADED:
        drop_damp(gws, port);
        return true;
    case VX_PORT_BUILDING:
        return held;
    case VX_PORT_DOWN:
        return held && is_damped(gws, port,
                                 grace > DAMP_MS ? grace : DAMP_MS);
    case VX_PORT_PENDING:       /* seen to be gone, its host is there */
        drop_damp(gws, port);
        return false;
    }
    return false;
}

static void
wait_for_leg(struct vx_gws *gws, uint64_t leg)
{
    struct vx_gw_unready *unready;

    if (!vx_tree_find(&gws->unready, &leg)) {
        unready = vx_xcalloc(1, sizeof *unready);
        unready->leg = leg;
        vx_tree_insert(&gws->unready, &leg, &unready->by_leg);
    }
}

/* Asked of what is told already it does not matter: a leg that is away for a
 * moment takes nothing back. */
static bool
leg_ready(void *gws_, uint64_t leg)
{
    struct vx_gws *gws = gws_;

    if (gws->told_now || port_active(gws, leg)) {
        return true;
    }
    wait_for_leg(gws, leg);
    return false;
}

/* As GET shows next hops; after a start what was active before it counts
 * until its host has told of it, or it was found dead. */
static bool
hop_alive(void *gws_, uint64_t port)
{
    const struct vx_gws *gws = gws_;
    struct vx_place place;

    if (!vx_fabric_place(gws->app->fabric, port, &place)
        || !vx_hops_is_alive(gws->app->hops, port)) {
        return false;
    }
    return place.host
           || (vx_clock_ms() - gws->started_ms < VX_GW_GRACE_MS
               && vx_app_was_active(gws->app, port));
}

/* Of the changes that are being told: few, or the end of a tenant. */
static const struct vx_obj *
gone(void *gws_, uint64_t oid)
{
    const struct vx_gws *gws = gws_;

    for (size_t i = gws->n_changes; i-- > 0;) {
        const struct vx_obj *old = gws->changes[i].old;

        if (!gws->changes[i].new && old->oid == oid) {
            return old;
        }
    }
    return NULL;
}

/* --- Keys. */

void
vx_gws_touch(void *gws_, const struct vx_feed_key *key)
{
    struct vx_gws *gws = gws_;
    struct vx_gw_dirty *dirty;

    if (!gws->gateways.count || vx_tree_find(&gws->dirty, key)) {
        return;
    }
    dirty = vx_xcalloc(1, sizeof *dirty);
    dirty->key = *key;
    vx_tree_insert(&gws->dirty, key, &dirty->by_key);
    *gws->last = dirty;
    gws->last = &dirty->next;
    vx_gws_work_later(gws);
}

enum vx_export_verdict
vx_gws_evaluate(struct vx_gws *gws, const struct vx_gw *gw,
                const struct vx_feed_key *key, bool told,
                struct vx_export *ret)
{
    const struct vx_export_gateway gateway = {
        .gateway = (const void *) vx_model_by_oid(gws->app->model, gw->oid),
        .as = gw->as, .evpn = gw->evpn,
    };
    enum vx_export_verdict verdict;

    if (!gateway.gateway) {
        return VX_EXPORT_NONE;
    }
    gws->told_now = told;
    verdict = vx_export(&gws->env, &gateway, key, ret);
    gws->told_now = false;
    return verdict;
}

/* What needs rows on its host first. */
static bool
is_gated(enum vx_feed_type type)
{
    return type == VX_FEED_PREFIX || type == VX_FEED_VTEP
           || type == VX_FEED_ENDPOINT;
}

static void
scan_tenant(struct vx_gws *gws, const char *tenant)
{
    struct vx_gw_scan *scan, **last = &gws->scans;

    for (; *last; last = &(*last)->next) {
        /* One of everything that has not come so far does it too. */
        if (!strcmp((*last)->tenant, tenant) && !(*last)->step) {
            return;
        }
        if (!(*last)->tenant[0] && (*last)->step < 2) {
            return;
        }
    }
    scan = vx_xcalloc(1, sizeof *scan);
    snprintf(scan->tenant, sizeof scan->tenant, "%.63s", tenant);
    *last = scan;
    vx_gws_work_later(gws);
}

static void
look(struct vx_gws *gws, struct vx_gw *gw, const struct vx_feed_key *key)
{
    struct vx_feed_item item = { .value = NULL };
    bool known = vx_feedlog_get(gw->log, key, &item);
    bool served = known && item.state != VX_FEED_GONE;
    struct vx_buf value = VX_BUF_INIT;
    struct vx_export e;
    enum vx_export_verdict verdict = vx_gws_evaluate(
        gws, gw, key, item.value != NULL, &e);

    if (verdict == VX_EXPORT_TELL) {
        vx_feed_write_value(gws->app->model, &e, &value);
    }
    if (known || verdict != VX_EXPORT_NONE) {
        vx_feedlog_want(gw->log, key, verdict == VX_EXPORT_TELL
                                      ? vx_buf_str(&value) : NULL,
                        verdict == VX_EXPORT_WITHHELD ? e.why_not : NULL,
                        vx_commit_revision(gws->app->commit),
                        is_gated(key->type) ? vx_gws_realized_by(gws, gw)
                                            : UINT64_MAX);
    }
    if (key->type == VX_FEED_TENANT
        && served != (verdict != VX_EXPORT_NONE)) {
        scan_tenant(gws, key->text);
    }
    vx_buf_fini(&value);
}

void
vx_gws_look_now(struct vx_gws *gws, const struct vx_feed_key *key)
{
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, gws) {
        look(gws, gw, key);
    }
}

/* --- Scans. */

static void
scan_all(struct vx_gws *gws)
{
    struct vx_gw_scan *scan;

    while ((scan = gws->scans)) {
        gws->scans = scan->next;
        free(scan);
    }
    gws->scans = vx_xcalloc(1, sizeof *gws->scans);
    vx_gws_work_later(gws);
}

static void
keep_place(struct vx_gw_scan *scan, const struct vx_key *key)
{
    snprintf(scan->after[0], sizeof scan->after[0], "%s",
             key->tenant ? key->tenant : "");
    snprintf(scan->after[1], sizeof scan->after[1], "%s",
             key->network ? key->network : "");
    snprintf(scan->after[2], sizeof scan->after[2], "%s", key->name);
}

static const char *
given(const char *text)
{
    return text[0] ? text : NULL;
}

/* A slice; true: the scan is over. */
static bool
scan_some(struct vx_gws *gws, struct vx_gw_scan *scan)
{
    enum vx_kind kind = scan_kinds[scan->step];
    bool of_tenant = kind == VX_NETWORK || kind == VX_SUBNET
                     || kind == VX_PORT || kind == VX_ROUTE
                     || kind == VX_POLICY || kind == VX_PEERING;
    const struct vx_key scope = { .tenant = given(scan->tenant) };
    const struct vx_key after = {
        .tenant = given(scan->after[0]), .network = given(scan->after[1]),
        .name = given(scan->after[2]),
    };
    const struct vx_obj *obj = NULL;
    struct vx_iter iter;

    if (of_tenant || !scan->tenant[0]) {
        vx_iter_init(&iter, gws->app->model, kind,
                     of_tenant ? &scope : NULL,
                     scan->after[2][0] ? &after : NULL);
        for (int i = 0; i < SCAN_PER_TURN; i++) {
            struct vx_key key;

            obj = vx_iter_next(&iter);
            if (!obj) {
                break;
            }
            key = vx_model_key(gws->app->model, obj);
            keep_place(scan, &key);
            vx_export_touched(&gws->env, NULL, obj, vx_gws_touch, gws);
        }
    }
    if (!obj) {
        memset(scan->after, 0, sizeof scan->after);
        scan->step++;
    }
    return scan->step == N_SCAN_KINDS;
}

static void
work_scans(struct vx_gws *gws)
{
    struct vx_gw_scan *scan = gws->scans;

    /* Keys are looked at before more are found: their number is bounded. */
    if (scan && gws->dirty.count < KEYS_PER_TURN && scan_some(gws, scan)) {
        gws->scans = scan->next;
        free(scan);
    }
}

static void
work_keys(struct vx_gws *gws)
{
    for (int i = 0; i < KEYS_PER_TURN && gws->first; i++) {
        struct vx_gw_dirty *dirty = gws->first;
        struct vx_gw *gw;

        gws->first = dirty->next;
        if (!gws->first) {
            gws->last = &gws->first;
        }
        vx_tree_remove(&gws->dirty, &dirty->by_key);
        VX_GWS_FOR_EACH(gw, gws) {
            look(gws, gw, &dirty->key);
        }
        free(dirty);
    }
}

static void
work(evutil_socket_t fd, short what, void *gws_)
{
    struct vx_gws *gws = gws_;
    bool more;

    (void) fd;
    (void) what;
    if (!vx_commit_drain(gws->app->commit, NULL)) {
        return;                 /* the next tick tries again */
    }
    work_keys(gws);
    work_scans(gws);
    vx_gws_legs_work(gws);
    more = vx_gws_learn_work(gws);
    vx_gws_pump_all(gws);
    if (more || !vx_gws_is_settled(gws)) {
        vx_gws_work_later(gws);
    }
}

/* --- What is told. */

static void
told(void *gw_, const struct vx_feed_item *item, bool had_value)
{
    struct vx_gw *gw = gw_;
    struct vx_gws *gws = gw->gws;
    int64_t now = vx_clock_ms();
    bool withdrawn = !item->value;
    char text[200];

    vx_gws_work_later(gws);
    if (item->type != VX_FEED_PREFIX || (had_value && !withdrawn)) {
        return;
    }
    /* It was there when the controller started, and announced by an earlier
     * one. */
    if (!withdrawn && item->revision <= gws->started_at) {
        return;
    }
    if (now - gws->events_window_ms >= 1000) {
        gws->events_window_ms = now;
        gws->n_events = 0;
    }
    if (++gws->n_events > EVENTS_PER_SECOND) {
        return;
    }
    snprintf(text, sizeof text, withdrawn
             ? "gateway %s: %s, at revision %llu, entry %llu"
             : "gateway %s: its host has realized %s, revision %llu, entry "
               "%llu", gw->name,
             !withdrawn ? "it" : item->state == VX_FEED_WITHDRAWN
             ? "before it is removed"
             : item->why[0] ? item->why : "it is not wanted any more",
             (unsigned long long) (withdrawn
                                   ? vx_commit_revision(gws->app->commit)
                                   : item->revision),
             (unsigned long long) item->seq);
    vx_app_event(gws->app, withdrawn ? VX_EVENT_ROUTE_WITHDRAWN
                                     : VX_EVENT_ROUTE_ANNOUNCED,
                 item->key, text);
}

void
vx_gws_realized(struct vx_gws *gws)
{
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, gws) {
        if (vx_feedlog_n_waiting(gw->log)) {
            vx_feedlog_ready(gw->log, vx_gws_realized_by(gws, gw));
        }
    }
}

/* It is ready now, and was not. */
static void
look_at_leg(struct vx_gws *gws, const struct vx_obj *port)
{
    struct vx_tree_node *node = vx_tree_find(&gws->unready, &port->oid);
    const struct vx_obj *network, *tenant;

    if (!node || !port_active(gws, port->oid)) {
        return;
    }
    vx_tree_remove(&gws->unready, node);
    free(VX_CONTAINER(node, struct vx_gw_unready, by_leg));
    network = vx_model_by_oid(gws->app->model, port->parent);
    tenant = network ? vx_model_by_oid(gws->app->model, network->parent)
                     : NULL;
    if (tenant) {
        scan_tenant(gws, tenant->name);
    }
}

/* Those that are no more. */
static void
forget_legs(struct vx_gws *gws, bool all)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &gws->unready) {
        struct vx_gw_unready *unready = VX_CONTAINER(
            node, struct vx_gw_unready, by_leg);

        if (all || !vx_model_by_oid(gws->app->model, unready->leg)) {
            vx_tree_remove(&gws->unready, node);
            free(unready);
        }
    }
}

void
vx_gws_port(struct vx_gws *gws, uint64_t port)
{
    const struct vx_obj *obj = vx_model_by_oid(gws->app->model, port);

    if (gws->gateways.count && obj) {
        vx_export_touched(&gws->env, NULL, obj, vx_gws_touch, gws);
        look_at_leg(gws, obj);
    }
}

/* --- Gateways come and go. */

static int
cmp_item(const void *key_, const struct vx_tree_node *node)
{
    const struct vx_gw_item *key = key_;
    const struct vx_gw_item *item = VX_CONTAINER(node, struct vx_gw_item,
                                                 by_key);

    return key->item->type != item->item->type
           ? (key->item->type < item->item->type ? -1 : 1)
           : strcmp(key->key, item->key);
}

static int
cmp_failed(const void *key, const struct vx_tree_node *node)
{
    return vx_feed_key_compare(
        key, &VX_CONTAINER(node, struct vx_gw_failed, by_key)->key);
}

static void
view_gateway(struct vx_gw *gw)
{
    const struct vx_model *model = gw->gws->app->model;
    struct vx_export_gateway view;

    vx_export_gateway(model, (const void *) vx_model_by_oid(model, gw->oid),
                      &view);
    gw->as = view.as;
    gw->evpn = view.evpn;
}

static struct vx_gw *
gw_new(struct vx_gws *gws, const struct vx_obj *obj)
{
    struct vx_gw *gw = vx_xcalloc(1, sizeof *gw);
    const struct vx_feedlog_env env = { .ctx = gw, .told = told };

    gw->gws = gws;
    gw->oid = obj->oid;
    gw->name = vx_xstrdup(obj->name);
    gw->log = vx_feedlog_new(&env);
    if (gws->last_seq) {
        vx_feedlog_start(gw->log, gws->last_seq);
    }
    gw->since_wall_ms = vx_clock_wall_ms();
    vx_tree_init(&gw->items, cmp_item);
    vx_tree_init(&gw->counts, vx_gws_count_compare);
    vx_tree_init(&gw->failed, cmp_failed);
    vx_tree_insert(&gws->gateways, &gw->oid, &gw->by_oid);
    view_gateway(gw);
    vx_gws_held_withdraw(gw);
    return gw;
}

static void
gw_free(struct vx_gw *gw)
{
    vx_gws_cut(gw, "the gateway is removed");
    vx_audits_forget_gateway(gw->gws->app->audits, gw->oid);
    vx_tree_remove(&gw->gws->gateways, &gw->by_oid);
    vx_gws_unlearn(gw);
    vx_gws_forget_report(gw);
    if (vx_feedlog_seq(gw->log) > gw->gws->last_seq) {
        gw->gws->last_seq = vx_feedlog_seq(gw->log);
    }
    vx_feedlog_free(gw->log);
    free(gw->name);
    free(gw);
}

static void
gateway_changed(struct vx_gws *gws, const struct vx_change *change)
{
    struct vx_gw *gw = vx_gws_find(gws, (change->new ? change->new
                                                     : change->old)->oid);

    if (change->new && !gw) {
        gw = gw_new(gws, change->new);
        gw->has_reported = true;
        scan_all(gws);
    } else if (!change->new && gw) {
        gw_free(gw);
        vx_gws_held_look(gws);
    }
}

/* The AS and the families of a gateway follow its uplinks. */
static void
look_at_view(struct vx_gws *gws, uint64_t oid)
{
    struct vx_gw *gw = vx_gws_find(gws, oid);
    uint32_t as;
    bool evpn;

    if (!gw || !vx_model_by_oid(gws->app->model, oid)) {
        return;
    }
    as = gw->as;
    evpn = gw->evpn;
    view_gateway(gw);
    if (as != gw->as || evpn != gw->evpn) {
        scan_all(gws);
    }
}

/* What carries VPN routes or EVPN serves whoever announces something. */
static void
uplink_changed(struct vx_gws *gws, const struct vx_change *change)
{
    enum { SERVES = VX_AF_VPNV4 | VX_AF_VPNV6 | VX_AF_EVPN };
    const struct vx_peering *old = (const void *) change->old;
    const struct vx_peering *new = (const void *) change->new;

    if (old) {
        look_at_view(gws, old->gateway);
    }
    if (new) {
        look_at_view(gws, new->gateway);
    }
    if (!old || !new || old->gateway != new->gateway
        || !(old->families & SERVES) != !(new->families & SERVES)) {
        scan_all(gws);
    }
}

void
vx_gws_changed(struct vx_gws *gws, const struct vx_change *changes, size_t n)
{
    bool had_any = gws->gateways.count > 0;

    for (size_t i = 0; i < n; i++) {
        enum vx_kind kind = (changes[i].new ? changes[i].new
                                            : changes[i].old)->kind;

        if (kind == VX_GATEWAY) {
            gateway_changed(gws, &changes[i]);
            vx_gws_touch_gateways(gws);
        }
    }
    if (!had_any && !gws->gateways.count && !gws->legs.count) {
        return;
    }
    gws->changes = changes;
    gws->n_changes = n;
    for (size_t i = 0; i < n; i++) {
        const struct vx_obj *obj = changes[i].new ? changes[i].new
                                                  : changes[i].old;

        vx_export_touched(&gws->env, changes[i].old, changes[i].new,
                          vx_gws_touch, gws);
        if (obj->kind == VX_UPLINK) {
            uplink_changed(gws, &changes[i]);
        } else if (obj->kind == VX_GATEWAY) {
            look_at_view(gws, obj->oid);
        } else if (obj->kind == VX_HOST) {
            vx_gws_host_changed(gws, &changes[i]);
        } else if (obj->kind == VX_PORT && !changes[i].old
                   && ((const struct vx_port *) (const void *) obj)
                          ->gateway) {
            wait_for_leg(gws, obj->oid);
        }
        vx_gws_legs_changed(gws, &changes[i]);
        vx_gws_learn_changed(gws, &changes[i]);
    }
    gws->changes = NULL;
    gws->n_changes = 0;
    vx_gws_realized(gws);
}

void
vx_gws_undone(struct vx_gws *gws, const struct vx_change *change)
{
    if (gws->started) {
        vx_gws_learn_undone(gws, change);
    }
}

/* --- Once a second. */

/* What was announced by next hops that have not come back. */
static void
look_at_grace(struct vx_gws *gws)
{
    const struct vx_obj *obj;
    struct vx_iter iter;

    if (gws->grace_over
        || vx_clock_ms() - gws->started_ms < VX_GW_GRACE_MS) {
        return;
    }
    gws->grace_over = true;
    vx_iter_init(&iter, gws->app->model, VX_ROUTE, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (obj->origin == VX_BY_OPERATOR
            && ((const struct vx_route *) (const void *) obj)->announce) {
            vx_export_touched(&gws->env, NULL, obj, vx_gws_touch, gws);
        }
    }
}

static void
look_at_damps(struct vx_gws *gws)
{
    int64_t now = vx_clock_ms();

    VX_TREE_FOR_EACH(node, &gws->damps) {
        const struct vx_gw_damp *damp = VX_CONTAINER(node, struct vx_gw_damp,
                                                     by_port);

        if (damp->due_ms <= now && damp->due_ms > now - 3000) {
            vx_gws_port(gws, damp->port);
        }
    }
}

void
vx_gws_tick(struct vx_gws *gws)
{
    struct vx_gw *gw;

    look_at_damps(gws);
    look_at_grace(gws);
    forget_legs(gws, false);
    vx_gws_realized(gws);
    VX_GWS_FOR_EACH(gw, gws) {
        vx_gws_look_connected(gw);
    }
    vx_gws_learn_tick(gws);
    vx_gws_held_look(gws);
    gws->legs_again |= gws->legs_refused;
    gws->legs_refused = false;
    if (gws->legs_again || !vx_gws_is_settled(gws) || gws->queue) {
        vx_gws_work_later(gws);
    }
    vx_gws_keep_alive(gws);
}

/* --- The whole. */

static void
make_epoch(char epoch[33])
{
    uint8_t bytes[16];

    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
        uint64_t now = (uint64_t) vx_clock_wall_ms();

        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, &now, sizeof now);
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(epoch + 2 * i, 3, "%02x", bytes[i]);
    }
}

struct vx_gws *
vx_gws_new(struct vx_app *app)
{
    struct vx_gws *gws = vx_xcalloc(1, sizeof *gws);

    gws->app = app;
    gws->env = (struct vx_export_env) {
        .model = app->model, .ctx = gws, .port_active = port_active,
        .hop_alive = hop_alive, .has_port_at = has_port_at,
        .leg_ready = leg_ready, .gone = gone,
    };
    gws->last = &gws->first;
    gws->queue_last = &gws->queue;
    gws->started_ms = vx_clock_ms();
    gws->last_nonce = (uint64_t) vx_clock_wall_ms();
    vx_tree_init(&gws->gateways, cmp_gw);
    vx_tree_init(&gws->dirty, cmp_dirty);
    vx_tree_init(&gws->damps, cmp_damp);
    vx_tree_init(&gws->unready, cmp_unready);
    make_epoch(gws->epoch);
    gws->work = event_new(app->base, -1, 0, work, gws);
    event_priority_set(gws->work, event_base_get_npriorities(app->base) - 1);
    vx_gws_api_init(gws);
    return gws;
}

void
vx_gws_start(struct vx_gws *gws)
{
    const struct vx_obj *obj;
    struct vx_iter iter;

    gws->started = true;
    gws->started_at = vx_model_revision(gws->app->model);
    vx_iter_init(&iter, gws->app->model, VX_GATEWAY, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        gw_new(gws, obj);
    }
    if (gws->gateways.count) {
        scan_all(gws);
    }
    vx_gws_learn_start(gws);
    vx_gws_legs_start(gws);
}

void
vx_gws_stop(struct vx_gws *gws)
{
    if (gws) {
        vx_gws_held_free(gws);
        gws->started = false;
    }
}

void
vx_gws_free(struct vx_gws *gws)
{
    struct vx_gw_dirty *dirty;
    struct vx_gw_scan *scan;

    if (!gws) {
        return;
    }
    gws->started = false;
    VX_TREE_FOR_EACH_SAFE(node, next, &gws->gateways) {
        gw_free(VX_CONTAINER(node, struct vx_gw, by_oid));
    }
    while ((dirty = gws->first)) {
        gws->first = dirty->next;
        free(dirty);
    }
    while ((scan = gws->scans)) {
        gws->scans = scan->next;
        free(scan);
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &gws->damps) {
        vx_tree_remove(&gws->damps, node);
        free(VX_CONTAINER(node, struct vx_gw_damp, by_port));
    }
    forget_legs(gws, true);
    vx_gws_learn_free(gws);
    vx_gws_legs_free(gws);
    event_free(gws->work);
    free(gws);
}
