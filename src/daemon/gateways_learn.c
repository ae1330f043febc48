/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways learn, and the objects it becomes; see gateways.h and
 * core/learned.h.
 *
 * Items are per gateway; each has one to three targets, and a target knows its
 * items.  A target whose items change is queued and planned anew; what is
 * planned is submitted like any other change, and what is refused is tried
 * again now and then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app.h"
#include "daemon/commit.h"
#include "daemon/gateways_priv.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    TARGETS_PER_TURN = 200,
    KNOWN_MAX = 256,            /* of a target that are looked at */
    ITEMS_MAX = 200000,         /* of a gateway */
    RETRY_MS = 5000,
    RETRIES_PER_TICK = 200,
};

static int
cmp_target(const void *key, const struct vx_tree_node *node)
{
    return vx_target_compare(
        key, &VX_CONTAINER(node, struct vx_gw_target, by_target)->target);
}

static int
cmp_link(const void *key_, const struct vx_tree_node *node)
{
    const struct vx_gw_item *a = key_;
    const struct vx_gw_item *b = VX_CONTAINER(node, struct vx_gw_link,
                                              by_item)->item;

    return a->gw->oid != b->gw->oid ? (a->gw->oid < b->gw->oid ? -1 : 1)
           : a->item->type != b->item->type
           ? (a->item->type < b->item->type ? -1 : 1)
           : strcmp(a->key, b->key);
}

/* Whose turn it was the longest time ago is the first. */
static int
cmp_refused(const void *key_, const struct vx_tree_node *node)
{
    const struct vx_gw_target *a = key_;
    const struct vx_gw_target *b = VX_CONTAINER(node, struct vx_gw_target,
                                                by_refused);

    return a->tried_ms != b->tried_ms ? (a->tried_ms < b->tried_ms ? -1 : 1)
           : vx_target_compare(&a->target, &b->target);
}

/* --- Targets. */

static struct vx_gw_target *
find_target(const struct vx_gws *gws, const struct vx_target *target)
{
    struct vx_tree_node *node = vx_tree_find(&gws->targets, target);

    return node ? VX_CONTAINER(node, struct vx_gw_target, by_target) : NULL;
}

static struct vx_gw_target *
need_target(struct vx_gws *gws, const struct vx_target *target)
{
    struct vx_gw_target *t = find_target(gws, target);

    if (!t) {
        t = vx_xcalloc(1, sizeof *t);
        t->target = *target;
        vx_tree_init(&t->members, cmp_link);
        vx_tree_insert(&gws->targets, target, &t->by_target);
    }
    return t;
}

static void
enqueue(struct vx_gws *gws, struct vx_gw_target *t)
{
    if (t->queued) {
        return;
    }
    t->queued = true;
    t->next = NULL;
    *gws->queue_last = t;
    gws->queue_last = &t->next;
    gws->n_queued++;
    vx_gws_work_later(gws);
}

/* retry: it may go well another time. */
static void
set_reason(struct vx_gws *gws, struct vx_gw_target *t, const char *reason,
           bool retry)
{
    if (t->is_refused) {
        vx_tree_remove(&gws->refused, &t->by_refused);
        t->is_refused = false;
    }
    snprintf(t->reason, sizeof t->reason, "%s", reason);
    if (reason[0] && retry) {
        t->tried_ms = vx_clock_ms();
        t->is_refused = true;
        vx_tree_insert(&gws->refused, t, &t->by_refused);
    }
}

static void
target_free(struct vx_gws *gws, struct vx_gw_target *t)
{
    set_reason(gws, t, "", false);
    vx_tree_remove(&gws->targets, &t->by_target);
    free(t);
}

static void
maybe_free(struct vx_gws *gws, struct vx_gw_target *t)
{
    if (!t->members.count && !t->queued && !t->stale && !t->is_refused) {
        target_free(gws, t);
    }
}

/* --- Items. */

static struct vx_gw_item *
find_item(const struct vx_gw *gw, const struct vx_learned *like)
{
    struct vx_gw_item key = { .item = (struct vx_learned *) (uintptr_t)
                                      like };
    struct vx_tree_node *node;

    vx_learned_key(like, key.key);
    node = vx_tree_find(&gw->items, &key);
    return node ? VX_CONTAINER(node, struct vx_gw_item, by_key) : NULL;
}

static void
link_item(struct vx_gw_item *item)
{
    struct vx_gws *gws = item->gw->gws;
    struct vx_target targets[VX_LEARNED_MAX_TARGETS];

    item->n_links = vx_learned_targets(item->item, targets);
    for (size_t i = 0; i < item->n_links; i++) {
        struct vx_gw_target *t = need_target(gws, &targets[i]);

        item->links[i].item = item;
        item->links[i].target = t;
        vx_tree_insert(&t->members, item, &item->links[i].by_item);
        enqueue(gws, t);
    }
}

/* What depends on others goes before them. */
static void
unlink_item(struct vx_gw_item *item)
{
    for (size_t i = item->n_links; i-- > 0;) {
        struct vx_gw_link *link = &item->links[i];

        vx_tree_remove(&link->target->members, &link->by_item);
        enqueue(item->gw->gws, link->target);
    }
    item->n_links = 0;
}

static void
remove_item(struct vx_gw_item *item)
{
    unlink_item(item);
    vx_gws_leave(item);
    vx_tree_remove(&item->gw->items, &item->by_key);
    vx_learned_free(item->item);
    free(item);
}

static void
admit(struct vx_gw_item *item)
{
    if (vx_gws_admit(item)) {
        link_item(item);
    }
}

static void
add_item(struct vx_gw *gw, const struct vx_learned *learned)
{
    struct vx_gw_item *item = find_item(gw, learned);

    if (item) {
        item->generation = gw->generation;
        if (vx_learned_same(item->item, learned)) {
            return;
        }
        unlink_item(item);
        vx_gws_leave(item);
        vx_learned_free(item->item);
        item->item = vx_learned_clone(learned);
        admit(item);
        return;
    }
    if (gw->items.count >= ITEMS_MAX) {
        return;
    }
    item = vx_xcalloc(1, sizeof *item);
    item->gw = gw;
    item->generation = gw->generation;
    item->item = vx_learned_clone(learned);
    vx_learned_key(learned, item->key);
    vx_tree_insert(&gw->items, item, &item->by_key);
    admit(item);
}

/* Something has gone, or a peering is another: what was refused may be in
 * order now. */
static void
admit_refused(struct vx_gw *gw)
{
    gw->has_room = false;
    if (!gw->n_refused) {
        return;
    }
    VX_TREE_FOR_EACH(node, &gw->items) {
        struct vx_gw_item *item = VX_CONTAINER(node, struct vx_gw_item,
                                               by_key);

        if (item->refused) {
            admit(item);
        }
    }
}

const char *
vx_gws_item_reason(const struct vx_gw_item *item)
{
    const char *reason = item->refused ? item->refused : "";

    for (size_t i = item->n_links; i-- > 0 && !reason[0];) {
        reason = item->links[i].target->reason;
    }
    return reason;
}

/* --- Who has not said yet what it knows. */

static bool
is_silent(void *gws_, uint64_t gateway)
{
    const struct vx_gws *gws = gws_;
    const struct vx_gw *gw = vx_gws_find(gws, gateway);

    return gw && !gw->has_reported
           && vx_clock_ms() - gws->started_ms < VX_GW_SILENT_MS;
}

static bool
is_anybody_silent(struct vx_gws *gws)
{
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, gws) {
        if (is_silent(gws, gw->oid)) {
            return true;
        }
    }
    return false;
}

/* Somebody has said all it knows, or its time is over. */
static void
look_at_stale(struct vx_gws *gws)
{
    if (gws->learned_settled) {
        return;
    }
    gws->learned_settled = !is_anybody_silent(gws);
    VX_TREE_FOR_EACH(node, &gws->targets) {
        struct vx_gw_target *t = VX_CONTAINER(node, struct vx_gw_target,
                                              by_target);

        if (t->stale) {
            t->stale = !gws->learned_settled;
            enqueue(gws, t);
        }
    }
}

static void
end_full(struct vx_gw *gw)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &gw->items) {
        struct vx_gw_item *item = VX_CONTAINER(node, struct vx_gw_item,
                                               by_key);

        if (item->generation != gw->generation) {
            remove_item(item);
        }
    }
    gw->in_full = false;
    if (!gw->has_reported) {
        gw->has_reported = true;
        look_at_stale(gw->gws);
    }
}

void
vx_gws_learn(struct vx_gw *gw, const struct vx_api_report *report)
{
    if (report->full == VX_FULL_BEGIN) {
        gw->generation++;
        gw->in_full = true;
        gw->expired = false;
    }
    for (size_t i = 0; i < report->n_learned; i++) {
        add_item(gw, &report->learned[i]);
    }
    for (size_t i = 0; i < report->n_gone; i++) {
        struct vx_gw_item *item = find_item(gw, &report->gone[i]);

        if (item) {
            remove_item(item);
        }
    }
    if (report->full == VX_FULL_END && gw->in_full) {
        end_full(gw);
    }
    if (gw->has_room) {
        admit_refused(gw);
    }
}

void
vx_gws_unlearn(struct vx_gw *gw)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &gw->items) {
        remove_item(VX_CONTAINER(node, struct vx_gw_item, by_key));
    }
    if (gw->gws->started) {
        look_at_stale(gw->gws);
    }
}

/* --- Changes of others. */

/* Targets of the type whose key begins with that. */
static void
touch_targets(struct vx_gws *gws, const struct vx_target *from)
{
    struct vx_tree_node *node = vx_tree_ceil(&gws->targets, from);
    size_t size = strlen(from->key);

    for (; node; node = vx_tree_next(node)) {
        struct vx_gw_target *t = VX_CONTAINER(node, struct vx_gw_target,
                                              by_target);

        if (t->target.type != from->type
            || strncmp(t->target.key, from->key, size)) {
            break;
        }
        enqueue(gws, t);
    }
}

/* Routes of the tenant: their next hops are legs, and ports of other fabrics'
 * routers. */
static void
touch_routes(struct vx_gws *gws, const char *tenant)
{
    struct vx_target from = { .type = VX_TARGET_ROUTE };

    snprintf(from.key, sizeof from.key, "%.63s ", tenant);
    touch_targets(gws, &from);
}

/* The tenant's routes, as something in the network has changed. */
static void
touch_routes_by(struct vx_gws *gws, uint64_t network_oid)
{
    const struct vx_obj *network = vx_model_by_oid(gws->app->model,
                                                   network_oid);
    const struct vx_obj *tenant = network
        ? vx_model_by_oid(gws->app->model, network->parent) : NULL;

    if (tenant) {
        touch_routes(gws, tenant->name);
    }
}

static bool
is_of_router(const struct vx_gws *gws, const struct vx_obj *port)
{
    const struct vx_obj *network = vx_model_by_oid(gws->app->model,
                                                   port->parent);

    return network && network->origin == VX_BY_SYSTEM;
}

/* Endpoints of other fabrics have the addresses that lie in a subnet. */
static void
touch_endpoints(struct vx_gws *gws, uint32_t vni)
{
    struct vx_target from = { .type = VX_TARGET_PORT };

    snprintf(from.key, sizeof from.key, "%u ", vni);
    touch_targets(gws, &from);
}

/* It is there (again): what was learned of it may have come before, and went
 * with the one that was. */
static void
network_came(struct vx_gws *gws, const struct vx_network *network)
{
    const struct vx_obj *tenant = vx_model_by_oid(gws->app->model,
                                                  network->o.parent);
    struct vx_target from = { .type = VX_TARGET_FLOOD };

    if (network->o.origin != VX_BY_SYSTEM) {
        snprintf(from.key, sizeof from.key, "%u ", network->vni);
        touch_targets(gws, &from);
        touch_endpoints(gws, network->vni);
    } else if (tenant) {
        from.type = VX_TARGET_ROUTER;
        snprintf(from.key, sizeof from.key, "%.63s ", tenant->name);
        touch_targets(gws, &from);
        touch_routes(gws, tenant->name);
    }
}

/* Routes into a routed subnet are none. */
static void
subnet_changed(struct vx_gws *gws, const struct vx_change *change)
{
    const struct vx_subnet *old = (const void *) change->old;
    const struct vx_subnet *new = (const void *) change->new;
    uint64_t network_oid = (new ? new : old)->o.parent;
    const struct vx_network *network = (const void *)
        vx_model_by_oid(gws->app->model, network_oid);

    if (!old || !new || old->route != new->route) {
        touch_routes_by(gws, network_oid);
    }
    if (network && (!old || !new
                    || vx_ip_compare(&old->gateway, &new->gateway))) {
        touch_endpoints(gws, network->vni);
    }
}

static void
touch_object(struct vx_gws *gws, const struct vx_obj *obj)
{
    struct vx_target target;
    struct vx_gw_target *t;

    if (vx_target_of(gws->app->model, obj, &target)
        && (t = find_target(gws, &target))) {
        enqueue(gws, t);
    }
}

void
vx_gws_learn_changed(struct vx_gws *gws, const struct vx_change *change)
{
    const struct vx_obj *obj = change->new ? change->new : change->old;
    const struct vx_obj *tenant;

    if (obj->kind == VX_PEERING || obj->kind == VX_UPLINK) {
        struct vx_gw *gw;

        VX_GWS_FOR_EACH(gw, gws) {
            admit_refused(gw);
        }
    }
    if (!gws->targets.count) {
        return;
    }
    if (obj->origin == VX_BY_BGP) {
        if (!change->new) {
            touch_object(gws, obj);
        } else if (obj->kind == VX_PORT && !change->old
                   && is_of_router(gws, obj)) {
            touch_routes_by(gws, obj->parent);
        }
    } else if (obj->kind == VX_ROUTE) {
        struct vx_obj as_learned = *obj;

        as_learned.origin = VX_BY_BGP;
        touch_object(gws, &as_learned);
    } else if (obj->kind == VX_PORT && obj->origin == VX_BY_SYSTEM) {
        touch_routes_by(gws, obj->parent);
    } else if (obj->kind == VX_SUBNET && obj->origin == VX_BY_OPERATOR) {
        subnet_changed(gws, change);
    } else if (obj->kind == VX_NETWORK) {
        if (change->new
            && (!change->old
                || ((const struct vx_network *) change->old)->vni
                   != ((const struct vx_network *) change->new)->vni)) {
            network_came(gws, (const void *) change->new);
        }
    } else if (obj->kind == VX_PEERING) {
        tenant = vx_model_by_oid(gws->app->model, obj->parent);
        if (tenant) {
            touch_routes(gws, tenant->name);
        }
    }
}

/* It was to go, with what it belongs to, and may have been planned as if it
 * had: nothing was to be done then, and nobody may know of it any more.  The
 * store may go on refusing, so it has time. */
void
vx_gws_learn_undone(struct vx_gws *gws, const struct vx_change *change)
{
    struct vx_target target;

    if (change->old && vx_target_of(gws->app->model, change->old, &target)) {
        set_reason(gws, need_target(gws, &target), "it was not stored",
                   true);
    }
}

/* --- The queue. */

struct submitted {
    struct vx_gws *gws;
    struct vx_target target;
};

static void
submit_done(void *submitted_, const struct vx_error *err,
            const struct vx_obj *obj)
{
    struct submitted *s = submitted_;
    struct vx_gw_target *t = find_target(s->gws, &s->target);

    (void) obj;
    if (t) {
        if (err) {
            vx_log_debug(s->target.key, "%s", err->message);
            set_reason(s->gws, t, err->message, true);
        }
        maybe_free(s->gws, t);
    }
    free(s);
}

static void
plan(struct vx_gws *gws, struct vx_gw_target *t)
{
    struct vx_known known[KNOWN_MAX];
    struct vx_learned_ask ask = {
        .model = gws->app->model, .target = &t->target, .known = known,
        .is_silent = is_silent, .ctx = gws,
        .keep = !gws->learned_settled && is_anybody_silent(gws),
    };
    struct vx_learned_plan plan;
    struct submitted *s;
    bool own;

    VX_TREE_FOR_EACH(node, &t->members) {
        const struct vx_gw_item *item = VX_CONTAINER(node, struct vx_gw_link,
                                                     by_item)->item;

        if (ask.n == KNOWN_MAX) {
            break;
        }
        known[ask.n++] = (struct vx_known) { item->gw->oid, item->item };
    }
    t->stale |= ask.keep && !ask.n;
    vx_learned_plan(&ask, &plan);
    own = plan.is_own && !plan.n;
    set_reason(gws, t, own ? "it is this fabric's own" : plan.reason, !own);
    if (plan.n) {
        s = vx_xcalloc(1, sizeof *s);
        s->gws = gws;
        s->target = t->target;
        vx_app_submit(gws->app, plan.ops, plan.n, submit_done, s);
    } else {
        maybe_free(gws, t);
    }
    vx_learned_plan_fini(&plan);
}

bool
vx_gws_learn_work(struct vx_gws *gws)
{
    for (int i = 0; i < TARGETS_PER_TURN && gws->queue; i++) {
        struct vx_gw_target *t = gws->queue;

        gws->queue = t->next;
        if (!gws->queue) {
            gws->queue_last = &gws->queue;
        }
        t->queued = false;
        plan(gws, t);
        gws->n_worked++;
    }
    vx_gws_report_done(gws);
    return gws->queue != NULL;
}

static void
retry_refused(struct vx_gws *gws)
{
    int64_t before = vx_clock_ms() - RETRY_MS;
    struct vx_tree_node *node = vx_tree_first(&gws->refused);

    for (int i = 0; node && i < RETRIES_PER_TICK; i++) {
        struct vx_gw_target *t = VX_CONTAINER(node, struct vx_gw_target,
                                              by_refused);

        if (t->tried_ms > before) {
            break;
        }
        node = vx_tree_next(node);
        enqueue(gws, t);
    }
}

/* Nobody would take them back any more. */
static void
expire_rules(struct vx_gw *gw)
{
    int64_t before = vx_clock_ms() - gw->gws->app->options.flowspec_away_ms;
    size_t n = 0;

    if (gw->expired || !gw->seen_ms || gw->seen_ms > before) {
        return;
    }
    gw->expired = true;
    VX_TREE_FOR_EACH_SAFE(node, next, &gw->items) {
        struct vx_gw_item *item = VX_CONTAINER(node, struct vx_gw_item,
                                               by_key);

        if (item->item->type == VX_LEARNED_FLOWSPEC) {
            remove_item(item);
            n++;
        }
    }
    if (n) {
        vx_log_warn(gw->name, "the gateway does not report: %zu learned "
                    "FlowSpec rules of it are given up", n);
    }
}

void
vx_gws_learn_tick(struct vx_gws *gws)
{
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, gws) {
        expire_rules(gw);
    }
    retry_refused(gws);
    if (!gws->learned_settled && !is_anybody_silent(gws)) {
        look_at_stale(gws);
    }
}

/* --- Start and end. */

void
vx_gws_learn_start(struct vx_gws *gws)
{
    static const enum vx_kind kinds[] = { VX_HOST, VX_PORT, VX_ROUTE,
                                          VX_POLICY };

    vx_tree_init(&gws->targets, cmp_target);
    vx_tree_init(&gws->refused, cmp_refused);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct vx_obj *obj;
        struct vx_target target;
        struct vx_iter iter;

        vx_iter_init(&iter, gws->app->model, kinds[i], NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            if (vx_target_of(gws->app->model, obj, &target)) {
                need_target(gws, &target)->stale = true;
            }
        }
    }
    if (!is_anybody_silent(gws)) {
        look_at_stale(gws);
    }
}

void
vx_gws_learn_free(struct vx_gws *gws)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &gws->targets) {
        target_free(gws, VX_CONTAINER(node, struct vx_gw_target,
                                      by_target));
    }
}
