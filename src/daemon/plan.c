/* SPDX-License-Identifier: Apache-2.0 */
/* Dry run: what would a change send, and where.
 *
 * The operations are staged, the fabric applies them into a counting sink,
 * then everything is taken back in reverse, the fabric by the inverse
 * changes, the model by its undo log.  So the plan is made by the code that
 * would do the work, not by a second opinion. */
#include "daemon/app.h"

#include <stdlib.h>

#include "daemon/commit.h"
#include "lib/clock.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

struct plan_host {
    struct vx_tree_node by_oid;
    uint64_t oid, n_add, n_del;
};

struct vx_plan {
    struct vx_tree hosts;
};

static int
cmp_host(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct plan_host, by_oid)->oid;

    return a < b ? -1 : a > b;
}

void
vx_plan_count(struct vx_plan *plan, const uint64_t *hosts, size_t n_hosts,
              const struct vx_delta *delta)
{
    for (size_t i = 0; i < n_hosts; i++) {
        struct vx_tree_node *node = vx_tree_find(&plan->hosts, &hosts[i]);
        struct plan_host *host;

        if (node) {
            host = VX_CONTAINER(node, struct plan_host, by_oid);
        } else {
            host = vx_xcalloc(1, sizeof *host);
            host->oid = hosts[i];
            vx_tree_insert(&plan->hosts, &host->oid, &host->by_oid);
        }
        host->n_add += delta->n_add;
        host->n_del += delta->n_del;
    }
}

static const struct vx_obj *
object_of(const struct vx_change *change)
{
    return change->new ? change->new : change->old;
}

/* What only stays for a while would not come back with the inverse change: it
 * goes now, which is a little early and hurts nobody.  Parents after all
 * objects: when the second place of a port ends, the network may stay there
 * for a while for its own sake.  A batch is mostly of one network, which is
 * settled once. */
static void
settle(struct vx_app *app, const struct vx_change *changes, size_t n)
{
    uint64_t last = 0;

    for (size_t i = 0; i < n; i++) {
        vx_fabric_settle(app->fabric, object_of(&changes[i])->oid);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t parent = object_of(&changes[i])->parent;

        if (parent && parent != last) {
            vx_fabric_settle(app->fabric, parent);
        }
        last = parent;
    }
}

/* The staged changes through the fabric and back. */
static void
rehearse(struct vx_app *app, struct vx_plan *plan)
{
    const struct vx_change *changes;
    size_t n;

    changes = vx_model_staged(app->model, &n);
    settle(app, changes, n);
    app->sink.grace = NULL;
    app->sink.opened = NULL;
    app->plan = plan;
    app->sink_mode = VX_SINK_COUNT;
    for (size_t i = 0; i < n; i++) {
        vx_fabric_change(app->fabric, changes[i].old, changes[i].new);
    }
    app->sink_mode = VX_SINK_MUTE;
    for (size_t i = n; i-- > 0;) {
        vx_fabric_change(app->fabric, changes[i].new, changes[i].old);
    }
    app->sink_mode = VX_SINK_LIVE;
    vx_app_grace_on(app);
    app->plan = NULL;
    app->epoch++;
}

static void
answer(struct vx_app *app, const struct vx_api_submit *submit,
       const struct vx_result *results, struct vx_plan *plan)
{
    struct vx_api_plan api_plan = { .n_hosts = 0 };
    struct vx_api_plan_host *hosts = vx_xcalloc(plan->hosts.count,
                                                sizeof *hosts);
    struct vx_api_outcome outcome = {
        .failed = SIZE_MAX, .model = app->model, .results = results,
        .revision = vx_model_revision(app->model), .plan = &api_plan,
    };

    VX_TREE_FOR_EACH(node, &plan->hosts) {
        struct plan_host *host = VX_CONTAINER(node, struct plan_host,
                                              by_oid);
        const struct vx_obj *obj = vx_model_by_oid(app->model, host->oid);

        hosts[api_plan.n_hosts++] = (struct vx_api_plan_host) {
            .name = obj ? obj->name : "", .n_add = host->n_add,
            .n_del = host->n_del,
        };
    }
    api_plan.hosts = hosts;
    submit->done(submit->aux, &outcome);
    free(hosts);
}

void
vx_app_plan(struct vx_app *app, const struct vx_api_submit *submit)
{
    struct vx_result *results = vx_xcalloc(submit->n, sizeof *results);
    struct vx_api_outcome outcome = { .failed = SIZE_MAX };
    struct vx_plan plan;
    struct vx_error err;

    vx_tree_init(&plan.hosts, cmp_host);
    outcome.err = &err;
    if (!vx_commit_drain(app->commit, &err)
        || !vx_model_apply(app->model, submit->ops, submit->n,
                           vx_clock_wall_ms(), results, &outcome.failed,
                           &err)) {
        submit->done(submit->aux, &outcome);
    } else {
        rehearse(app, &plan);
        answer(app, submit, results, &plan);
        vx_model_rollback(app->model, 0);
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &plan.hosts) {
        vx_tree_remove(&plan.hosts, node);
        free(VX_CONTAINER(node, struct plan_host, by_oid));
    }
    free(results);
}
