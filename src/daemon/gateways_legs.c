/* SPDX-License-Identifier: Apache-2.0 */
/* Router networks and legs follow whom gateways serve; see gateways.h and
 * core/legs.h.  Tenants that a change may concern are noted and looked at when
 * it is committed; what they need is submitted like any other change. */
#include <stdlib.h>

#include "core/legs.h"
#include "daemon/app.h"
#include "daemon/commit.h"
#include "daemon/gateways_priv.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { TENANTS_PER_TURN = 50 };

struct noted {
    struct vx_tree_node by_oid;
    uint64_t oid;
    bool refused;               /* the next tick tries again */
};

static int
cmp_noted(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct noted, by_oid)->oid;

    return a < b ? -1 : a > b;
}

static struct noted *
note(struct vx_gws *gws, uint64_t tenant)
{
    struct vx_tree_node *node = vx_tree_find(&gws->legs, &tenant);
    struct noted *noted;

    if (node) {
        noted = VX_CONTAINER(node, struct noted, by_oid);
    } else {
        noted = vx_xcalloc(1, sizeof *noted);
        noted->oid = tenant;
        vx_tree_insert(&gws->legs, &tenant, &noted->by_oid);
    }
    vx_gws_work_later(gws);
    return noted;
}

/* Those that are served, or were: they have a router. */
static void
note_all(struct vx_gws *gws)
{
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, gws->app->model, VX_TENANT, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        const struct vx_tenant *tenant = (const void *) obj;

        if (tenant->router_vni) {
            note(gws, obj->oid);
        }
    }
}

void
vx_gws_legs_changed(struct vx_gws *gws, const struct vx_change *change)
{
    const struct vx_obj *obj = change->new ? change->new : change->old;
    const struct vx_obj *network;

    switch (obj->kind) {
    case VX_GATEWAY:
    case VX_UPLINK:
        note_all(gws);
        break;
    case VX_PEERING:
    case VX_ROUTE:
        if (obj->origin == VX_BY_OPERATOR) {
            note(gws, obj->parent);
        }
        break;
    case VX_TENANT:
        if (change->new) {
            note(gws, obj->oid);
        }
        break;
    case VX_NETWORK:
        if (obj->origin == VX_BY_SYSTEM || !change->old || !change->new
            || ((const struct vx_network *) change->old)->mtu
               != ((const struct vx_network *) change->new)->mtu) {
            note(gws, obj->parent);
        }
        break;
    case VX_SUBNET:
    case VX_PORT:
        if (obj->kind == VX_PORT && obj->origin != VX_BY_SYSTEM) {
            break;
        }
        network = vx_model_by_oid(gws->app->model, obj->parent);
        if (network) {
            note(gws, network->parent);
        }
        break;
    default:
        break;
    }
}

struct submitted {
    struct vx_gws *gws;
    uint64_t tenant;
};

static void
submit_done(void *submitted_, const struct vx_error *err,
            const struct vx_obj *obj)
{
    struct submitted *s = submitted_;

    (void) obj;
    if (err) {
        vx_log_warn("legs", "%s", err->message);
        note(s->gws, s->tenant)->refused = true;
        s->gws->legs_refused = true;
    }
    free(s);
}

static void
look(struct vx_gws *gws, uint64_t tenant)
{
    struct vx_legs legs;

    vx_legs_plan(gws->app->model, tenant, &legs);
    if (legs.n) {
        struct submitted *s = vx_xcalloc(1, sizeof *s);

        s->gws = gws;
        s->tenant = tenant;
        vx_app_submit(gws->app, legs.ops, legs.n, submit_done, s);
    }
    vx_legs_fini(&legs);
}

void
vx_gws_legs_work(struct vx_gws *gws)
{
    bool again = gws->legs_again;
    int n = 0;

    gws->legs_again = false;
    VX_TREE_FOR_EACH_SAFE(node, next, &gws->legs) {
        struct noted *noted = VX_CONTAINER(node, struct noted, by_oid);
        uint64_t tenant = noted->oid;

        if (noted->refused && !again) {
            continue;
        }
        if (n++ == TENANTS_PER_TURN) {
            vx_gws_work_later(gws);
            break;
        }
        vx_tree_remove(&gws->legs, node);
        free(noted);
        look(gws, tenant);
    }
}

void
vx_gws_legs_start(struct vx_gws *gws)
{
    vx_tree_init(&gws->legs, cmp_noted);
    note_all(gws);
}

void
vx_gws_legs_free(struct vx_gws *gws)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &gws->legs) {
        vx_tree_remove(&gws->legs, node);
        free(VX_CONTAINER(node, struct noted, by_oid));
    }
}
