/* SPDX-License-Identifier: Apache-2.0 */
/* See borders.h.  Hosts that are about to be given up wait in the order of
 * their time, so the timer looks at those that are due only.  Nobody is told
 * from within vx_borders_ready(), which may be in the middle of a change. */
#include "daemon/borders.h"

#include <stdlib.h>

#include <event2/event.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

/* A host that was ready once. */
struct seen {
    struct vx_tree_node by_oid, by_due;
    uint64_t oid;
    int64_t due_ms;             /* to be given up, or to be used again; 0 =
                                 * not waiting */
    bool ready, dead;
};

struct vx_borders {
    struct vx_borders_env env;
    struct vx_tree hosts;       /* by oid */
    struct vx_tree waiting;     /* by due time, then oid */
    size_t n_ready;
    struct event *timer;
};

struct due_key {
    int64_t due_ms;
    uint64_t oid;
};

#define SEEN(NODE, MEMBER) VX_CONTAINER(NODE, struct seen, MEMBER)

static int
compare_oid(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key, b = SEEN(node, by_oid)->oid;

    return a < b ? -1 : a > b;
}

static int
compare_due(const void *key_, const struct vx_tree_node *node)
{
    const struct due_key *key = key_;
    const struct seen *seen = SEEN(node, by_due);

    if (key->due_ms != seen->due_ms) {
        return key->due_ms < seen->due_ms ? -1 : 1;
    }
    return key->oid < seen->oid ? -1 : key->oid > seen->oid;
}

static void
arm(struct vx_borders *borders)
{
    struct vx_tree_node *node = vx_tree_first(&borders->waiting);
    int64_t ms = node ? SEEN(node, by_due)->due_ms - borders->env.mono_ms()
                      : 0;
    struct timeval when;

    if (!node) {
        event_del(borders->timer);
        return;
    }
    ms = ms < 0 ? 0 : ms;
    when = (struct timeval) { ms / 1000, ms % 1000 * 1000 };
    event_add(borders->timer, &when);
}

static void
stop_waiting(struct vx_borders *borders, struct seen *seen)
{
    if (seen->due_ms) {
        vx_tree_remove(&borders->waiting, &seen->by_due);
        seen->due_ms = 0;
    }
}

static void
give_time(struct vx_borders *borders, struct seen *seen, uint32_t ms)
{
    struct due_key key = { borders->env.mono_ms() + ms + 1, seen->oid };

    seen->due_ms = key.due_ms;
    vx_tree_insert(&borders->waiting, &key, &seen->by_due);
}

/* With most hosts away it is us who are cut off: nobody is given up. */
static void
time_is_up(evutil_socket_t fd, short what, void *borders_)
{
    struct vx_borders *borders = borders_;
    int64_t now = borders->env.mono_ms();
    struct vx_tree_node *node;

    (void) fd;
    (void) what;
    while ((node = vx_tree_first(&borders->waiting))
           && SEEN(node, by_due)->due_ms <= now) {
        struct seen *seen = SEEN(node, by_due);

        stop_waiting(borders, seen);
        if (!seen->ready && 2 * borders->n_ready < borders->hosts.count) {
            give_time(borders, seen, borders->env.down_ms);
        } else if (seen->dead == seen->ready) {
            seen->dead = !seen->ready;
            borders->env.alive(borders->env.ctx, seen->oid, seen->ready);
        }
    }
    arm(borders);
}

static struct seen *
find(const struct vx_borders *borders, uint64_t host)
{
    struct vx_tree_node *node = vx_tree_find(&borders->hosts, &host);

    return node ? SEEN(node, by_oid) : NULL;
}

void
vx_borders_ready(struct vx_borders *borders, uint64_t host, bool ready)
{
    struct seen *seen = find(borders, host);

    if (!seen) {
        if (ready) {
            borders->n_ready++;
            seen = vx_xcalloc(1, sizeof *seen);
            seen->oid = host;
            seen->ready = true;
            vx_tree_insert(&borders->hosts, &host, &seen->by_oid);
        }
        return;
    }
    stop_waiting(borders, seen);
    borders->n_ready += ready && !seen->ready;
    borders->n_ready -= !ready && seen->ready;
    seen->ready = ready;
    if (ready == seen->dead) {
        give_time(borders, seen, ready ? 0 : borders->env.down_ms);
    }
    arm(borders);
}

void
vx_borders_forget(struct vx_borders *borders, uint64_t host)
{
    struct seen *seen = find(borders, host);

    if (seen) {
        stop_waiting(borders, seen);
        borders->n_ready -= seen->ready;
        vx_tree_remove(&borders->hosts, &seen->by_oid);
        free(seen);
        arm(borders);
    }
}

bool
vx_borders_is_alive(const struct vx_borders *borders, uint64_t host)
{
    const struct seen *seen = find(borders, host);

    return !seen || !seen->dead;
}

struct vx_borders *
vx_borders_new(const struct vx_borders_env *env)
{
    struct vx_borders *borders = vx_xcalloc(1, sizeof *borders);

    borders->env = *env;
    vx_tree_init(&borders->hosts, compare_oid);
    vx_tree_init(&borders->waiting, compare_due);
    borders->timer = evtimer_new(env->base, time_is_up, borders);
    return borders;
}

void
vx_borders_free(struct vx_borders *borders)
{
    if (!borders) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &borders->hosts) {
        vx_tree_remove(&borders->hosts, node);
        free(SEEN(node, by_oid));
    }
    event_free(borders->timer);
    free(borders);
}
