/* SPDX-License-Identifier: Apache-2.0 */
/* Which hook runs next; see hookq.h.
 *
 * A hook has its fresh runs (no attempt ended yet) by id and those that
 * failed by the time they are due; an object has its fresh runs that keep
 * order by id, those that run included.  The oldest fresh run of all is first
 * in both, so there is always one that may start once its hook is free. */
#include "core/hookq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

struct hook {
    struct vx_tree_node by_name;
    char *name;
    struct vx_tree fresh;       /* by id */
    struct vx_tree retry;       /* by due, id */
    bool is_running;
    unsigned n_failures;        /* in a row */
    int64_t paused_until_ms;
    uint64_t n_done, n_failed, n_dead;
};

struct object {
    struct vx_tree_node by_name;
    char *name;
    struct vx_tree fresh;       /* by id */
};

struct run {
    struct vx_tree_node by_id;
    struct vx_tree_node in_hook;    /* fresh or retry, unless running */
    struct vx_tree_node in_object;  /* while object is not NULL */
    uint64_t id;
    struct hook *hook;
    struct object *object;
    unsigned attempts;              /* that have ended */
    bool is_running;
    int64_t due_ms;                 /* in retry */
    void *aux;
};

struct vx_hookq {
    struct vx_hookq_config config;
    struct vx_tree runs;        /* by id */
    struct vx_tree hooks;       /* by name */
    struct vx_tree objects;     /* by name */
    size_t n_running;
    struct hook *last;          /* whose run was started last */
};

/* --- Orders. */

static int
compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int
run_cmp(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct run, by_id)->id);
}

static int
fresh_cmp(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct run, in_hook)->id);
}

static int
retry_cmp(const void *key, const struct vx_tree_node *node)
{
    const struct run *a = key, *b = VX_CONTAINER(node, struct run, in_hook);

    return a->due_ms != b->due_ms ? (a->due_ms < b->due_ms ? -1 : 1)
                                  : compare_u64(a->id, b->id);
}

static int
object_fresh_cmp(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct run, in_object)->id);
}

static int
hook_cmp(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct hook, by_name)->name);
}

static int
object_cmp(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct object, by_name)->name);
}

/* --- Parts. */

static struct hook *
hook_find(const struct vx_hookq *queue, const char *name)
{
    struct vx_tree_node *node = vx_tree_find(&queue->hooks, name);

    return node ? VX_CONTAINER(node, struct hook, by_name) : NULL;
}

static struct hook *
hook_get(struct vx_hookq *queue, const char *name)
{
    struct hook *hook = hook_find(queue, name);

    if (!hook) {
        hook = vx_xcalloc(1, sizeof *hook);
        hook->name = vx_xstrdup(name);
        vx_tree_init(&hook->fresh, fresh_cmp);
        vx_tree_init(&hook->retry, retry_cmp);
        vx_tree_insert(&queue->hooks, hook->name, &hook->by_name);
    }
    return hook;
}

static struct object *
object_get(struct vx_hookq *queue, const char *name)
{
    struct vx_tree_node *node = vx_tree_find(&queue->objects, name);
    struct object *object;

    if (node) {
        return VX_CONTAINER(node, struct object, by_name);
    }
    object = vx_xcalloc(1, sizeof *object);
    object->name = vx_xstrdup(name);
    vx_tree_init(&object->fresh, object_fresh_cmp);
    vx_tree_insert(&queue->objects, object->name, &object->by_name);
    return object;
}

/* The run holds up none of its object any more. */
static void
leave_object(struct vx_hookq *queue, struct run *run)
{
    struct object *object = run->object;

    if (!object) {
        return;
    }
    vx_tree_remove(&object->fresh, &run->in_object);
    run->object = NULL;
    if (!object->fresh.count) {
        vx_tree_remove(&queue->objects, &object->by_name);
        free(object->name);
        free(object);
    }
}

static void
wait_for_retry(struct vx_hookq *queue, struct run *run, int64_t now_ms)
{
    run->due_ms = now_ms + vx_hookq_backoff_ms(&queue->config, run->attempts,
                                               run->id);
    vx_tree_insert(&run->hook->retry, run, &run->in_hook);
}

static struct run *
first_of(const struct vx_tree *tree)
{
    struct vx_tree_node *node = vx_tree_first(tree);

    return node ? VX_CONTAINER(node, struct run, in_hook) : NULL;
}

/* All that come before it for its object have ended once, or belong to a
 * hook that is sick. */
static bool
may_start(const struct run *run)
{
    if (!run->object) {
        return true;
    }
    VX_TREE_FOR_EACH(node, &run->object->fresh) {
        const struct run *other = VX_CONTAINER(node, struct run, in_object);

        if (other == run) {
            return true;
        } else if (other->hook->n_failures < VX_HOOKQ_SICK) {
            return false;
        }
    }
    return true;
}

/* The run of the hook that may start now, NULL if none. */
static struct run *
startable(const struct hook *hook, int64_t now_ms)
{
    struct run *retry, *fresh;

    if (hook->is_running || hook->paused_until_ms > now_ms) {
        return NULL;
    }
    retry = first_of(&hook->retry);
    if (retry && retry->due_ms <= now_ms) {
        return retry;
    }
    fresh = first_of(&hook->fresh);
    return fresh && may_start(fresh) ? fresh : NULL;
}

/* --- The queue. */

struct vx_hookq *
vx_hookq_new(const struct vx_hookq_config *config)
{
    struct vx_hookq *queue = vx_xcalloc(1, sizeof *queue);

    assert(config->max_running && config->max_attempts);
    queue->config = *config;
    vx_tree_init(&queue->runs, run_cmp);
    vx_tree_init(&queue->hooks, hook_cmp);
    vx_tree_init(&queue->objects, object_cmp);
    return queue;
}

void
vx_hookq_free(struct vx_hookq *queue, void (*drop)(void *aux))
{
    if (!queue) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &queue->runs) {
        struct run *run = VX_CONTAINER(node, struct run, by_id);

        if (drop) {
            drop(run->aux);
        }
        leave_object(queue, run);
        vx_tree_remove(&queue->runs, node);
        free(run);
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &queue->hooks) {
        struct hook *hook = VX_CONTAINER(node, struct hook, by_name);

        vx_tree_remove(&queue->hooks, node);
        free(hook->name);
        free(hook);
    }
    free(queue);
}

bool
vx_hookq_is_full(const struct vx_hookq *queue)
{
    return queue->runs.count >= queue->config.max_runs;
}

size_t
vx_hookq_n_runs(const struct vx_hookq *queue)
{
    return queue->runs.count;
}

size_t
vx_hookq_n_running(const struct vx_hookq *queue)
{
    return queue->n_running;
}

bool
vx_hookq_add(struct vx_hookq *queue, const struct vx_hookq_run *add,
             int64_t now_ms)
{
    struct run *run;

    if (vx_hookq_is_full(queue)) {
        return false;
    }
    run = vx_xcalloc(1, sizeof *run);
    run->id = add->id;
    run->attempts = add->attempts;
    run->aux = add->aux;
    run->hook = hook_get(queue, add->hook);
    if (vx_tree_insert(&queue->runs, &run->id, &run->by_id)) {
        assert(!"the id is unique");
    }
    if (run->attempts) {
        wait_for_retry(queue, run, now_ms);
        return true;
    }
    vx_tree_insert(&run->hook->fresh, &run->id, &run->in_hook);
    if (add->in_order) {
        run->object = object_get(queue, add->object);
        vx_tree_insert(&run->object->fresh, &run->id, &run->in_object);
    }
    return true;
}

/* The hook after this one, round and round; NULL only if there is none. */
static struct hook *
hook_after(const struct vx_hookq *queue, const struct hook *hook)
{
    struct vx_tree_node *node = hook ? vx_tree_next(&hook->by_name) : NULL;

    if (!node) {
        node = vx_tree_first(&queue->hooks);
    }
    return node ? VX_CONTAINER(node, struct hook, by_name) : NULL;
}

void *
vx_hookq_next(struct vx_hookq *queue, int64_t now_ms, unsigned *ret_attempt)
{
    struct hook *hook = queue->last;

    if (queue->n_running >= queue->config.max_running) {
        return NULL;
    }
    for (size_t i = 0; i < queue->hooks.count; i++) {
        struct run *run;

        hook = hook_after(queue, hook);
        run = startable(hook, now_ms);
        if (run) {
            vx_tree_remove(run->attempts ? &hook->retry : &hook->fresh,
                           &run->in_hook);
            run->is_running = hook->is_running = true;
            queue->n_running++;
            queue->last = hook;
            *ret_attempt = run->attempts + 1;
            return run->aux;
        }
    }
    return NULL;
}

/* When a run of the hook may start; -1 if time alone does not bring it. */
static int64_t
hook_due_ms(const struct hook *hook, int64_t now_ms)
{
    const struct run *retry = first_of(&hook->retry);
    const struct run *fresh = first_of(&hook->fresh);
    int64_t due_ms = -1;

    if (hook->is_running) {
        return -1;
    }
    if (retry) {
        due_ms = retry->due_ms > now_ms ? retry->due_ms : now_ms;
    }
    if (fresh && may_start(fresh)) {
        due_ms = now_ms;
    }
    return due_ms >= 0 && due_ms < hook->paused_until_ms
               ? hook->paused_until_ms : due_ms;
}

int64_t
vx_hookq_due_ms(const struct vx_hookq *queue, int64_t now_ms)
{
    int64_t due_ms = -1;

    if (queue->n_running >= queue->config.max_running) {
        return -1;
    }
    VX_TREE_FOR_EACH(node, &queue->hooks) {
        int64_t t = hook_due_ms(VX_CONTAINER(node, struct hook, by_name),
                                now_ms);

        if (t >= 0 && (due_ms < 0 || t < due_ms)) {
            due_ms = t;
        }
    }
    return due_ms;
}

static void
forget(struct vx_hookq *queue, struct run *run)
{
    vx_tree_remove(&queue->runs, &run->by_id);
    free(run);
}

static void
failed(struct vx_hookq *queue, struct hook *hook, uint64_t id,
       int64_t now_ms)
{
    hook->n_failed++;
    hook->n_failures++;
    if (hook->n_failures >= VX_HOOKQ_SICK) {
        hook->paused_until_ms = now_ms + vx_hookq_backoff_ms(
            &queue->config, hook->n_failures - VX_HOOKQ_SICK + 1, id);
    }
}

enum vx_hookq_verdict
vx_hookq_end(struct vx_hookq *queue, uint64_t id, enum vx_hookq_end end,
             int64_t now_ms)
{
    struct vx_tree_node *node = vx_tree_find(&queue->runs, &id);
    struct run *run = node ? VX_CONTAINER(node, struct run, by_id) : NULL;
    struct hook *hook;

    assert(run && run->is_running);
    hook = run->hook;
    run->is_running = hook->is_running = false;
    queue->n_running--;
    run->attempts++;
    leave_object(queue, run);
    if (end == VX_HOOKQ_OK) {
        hook->n_done++;
        hook->n_failures = 0;
        forget(queue, run);
        return VX_HOOKQ_DONE;
    }
    failed(queue, hook, run->id, now_ms);
    if (end == VX_HOOKQ_HOPELESS
        || run->attempts >= queue->config.max_attempts) {
        hook->n_dead++;
        forget(queue, run);
        return VX_HOOKQ_DEAD;
    }
    wait_for_retry(queue, run, now_ms);
    return VX_HOOKQ_AGAIN;
}

void
vx_hookq_hasten(struct vx_hookq *queue, uint64_t id, int64_t now_ms)
{
    struct vx_tree_node *node = vx_tree_find(&queue->runs, &id);
    struct run *run = node ? VX_CONTAINER(node, struct run, by_id) : NULL;

    if (!run || run->is_running) {
        return;
    }
    run->hook->paused_until_ms = now_ms;
    if (run->attempts) {
        vx_tree_remove(&run->hook->retry, &run->in_hook);
        run->due_ms = now_ms;
        vx_tree_insert(&run->hook->retry, run, &run->in_hook);
    }
}

void *
vx_hookq_find(const struct vx_hookq *queue, uint64_t id, bool *ret_running)
{
    struct vx_tree_node *node = vx_tree_find(&queue->runs, &id);
    struct run *run = node ? VX_CONTAINER(node, struct run, by_id) : NULL;

    if (!run) {
        return NULL;
    }
    *ret_running = run->is_running;
    return run->aux;
}

void
vx_hookq_stats(const struct vx_hookq *queue, const char *name,
               int64_t now_ms, struct vx_hookq_stats *ret_stats)
{
    const struct hook *hook = hook_find(queue, name);

    *ret_stats = (struct vx_hookq_stats) { 0 };
    if (hook) {
        *ret_stats = (struct vx_hookq_stats) {
            .n_waiting = hook->fresh.count + hook->retry.count,
            .n_running = hook->is_running,
            .n_done = hook->n_done, .n_failed = hook->n_failed,
            .n_dead = hook->n_dead, .n_failures = hook->n_failures,
            .paused_ms = hook->paused_until_ms > now_ms
                             ? hook->paused_until_ms - now_ms : 0,
        };
    }
}

int64_t
vx_hookq_backoff_ms(const struct vx_hookq_config *config,
                    unsigned n_failures, uint64_t id)
{
    int64_t delay_ms = config->backoff_ms;
    uint64_t mix = (id + n_failures) * UINT64_C(0x9e3779b97f4a7c15);

    for (unsigned i = 1; i < n_failures && delay_ms < config->backoff_max_ms;
         i++) {
        delay_ms *= 2;
    }
    if (delay_ms > config->backoff_max_ms) {
        delay_ms = config->backoff_max_ms;
    }
    return delay_ms - (int64_t) (mix >> 32) % (delay_ms / 4 + 1);
}
