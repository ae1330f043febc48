/* SPDX-License-Identifier: Apache-2.0 */
/* See borders.h.  Hosts that are about to be given up wait in the order of
 * their time, so the timer looks at those that are due only.  Nobody is told
 * from within vx_borders_ready(), which may be in the middle of a change. */
#include "daemon/borders.h"

#include <stdlib.h>

#include <event2/event.h>

#include "lib/dueq.h"
#include "lib/xalloc.h"

/* A host that was ready once. */
struct seen {
    struct vx_tree_node by_oid;
    struct vx_due due;          /* to be given up, or to be used again */
    uint64_t oid;
    bool ready, dead;
    bool silent;                /* and watched */
};

/* A host that is asked. */
struct watched {
    struct vx_tree_node by_oid;
    uint64_t oid, pulse;
    unsigned n_reasons, n_silent;
};

enum { LOOK_MS = 200, SILENT_LOOKS = 3 };

struct vx_borders {
    struct vx_borders_env env;
    struct vx_tree hosts;       /* by oid */
    struct vx_dueq waiting;
    struct vx_tree watched;
    size_t n_ready;             /* and not silent */
    struct event *timer, *look;
};

#define SEEN(NODE, MEMBER) VX_CONTAINER(NODE, struct seen, MEMBER)
#define WATCHED(NODE) VX_CONTAINER(NODE, struct watched, by_oid)

static int
compare_oid(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key, b = SEEN(node, by_oid)->oid;

    return a < b ? -1 : a > b;
}

static int
compare_watched(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key, b = WATCHED(node)->oid;

    return a < b ? -1 : a > b;
}

static void
arm(struct vx_borders *borders)
{
    int64_t due_ms = vx_dueq_ms(&borders->waiting);
    int64_t ms = due_ms ? due_ms - borders->env.mono_ms() : 0;
    struct timeval when;

    if (!due_ms) {
        event_del(borders->timer);
        return;
    }
    ms = ms < 0 ? 0 : ms;
    when = (struct timeval) { ms / 1000, ms % 1000 * 1000 };
    event_add(borders->timer, &when);
}

static void
give_time(struct vx_borders *borders, struct seen *seen, uint32_t ms)
{
    vx_dueq_set(&borders->waiting, &seen->due,
                borders->env.mono_ms() + ms + 1);
}

static bool
is_there(const struct seen *seen)
{
    return seen->ready && !seen->silent;
}

/* With most hosts away it is us who are cut off: nobody is given up. */
static void
time_is_up(evutil_socket_t fd, short what, void *borders_)
{
    struct vx_borders *borders = borders_;
    int64_t now = borders->env.mono_ms();
    struct vx_due *due;

    (void) fd;
    (void) what;
    while ((due = vx_dueq_next(&borders->waiting, now))) {
        struct seen *seen = SEEN(due, due);

        vx_dueq_clear(&borders->waiting, due);
        if (!is_there(seen) && 2 * borders->n_ready < borders->hosts.count) {
            give_time(borders, seen, borders->env.down_ms);
        } else if (seen->dead == is_there(seen)) {
            seen->dead = !is_there(seen);
            borders->env.alive(borders->env.ctx, seen->oid, !seen->dead);
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

static void
set(struct vx_borders *borders, struct seen *seen, bool ready, bool silent)
{
    bool was_there = is_there(seen);

    vx_dueq_clear(&borders->waiting, &seen->due);
    seen->ready = ready;
    seen->silent = silent;
    borders->n_ready += is_there(seen);
    borders->n_ready -= was_there;
    if (is_there(seen) == seen->dead) {
        give_time(borders, seen, seen->dead ? 0
                  : silent ? borders->env.down_ms / 2 : borders->env.down_ms);
    }
    arm(borders);
}

void
vx_borders_ready(struct vx_borders *borders, uint64_t host, bool ready)
{
    struct seen *seen = find(borders, host);

    if (!seen) {
        if (ready) {
            borders->n_ready++;
            seen = vx_xcalloc(1, sizeof *seen);
            seen->oid = seen->due.id = host;
            seen->ready = true;
            vx_tree_insert(&borders->hosts, &host, &seen->by_oid);
        }
        return;
    }
    set(borders, seen, ready, ready && seen->silent);
}

static void
look_at(struct vx_borders *borders, struct watched *watched)
{
    struct seen *seen = find(borders, watched->oid);
    uint64_t pulse = seen && seen->ready
                     ? borders->env.pulse(borders->env.ctx, watched->oid) : 0;

    watched->n_silent = pulse && pulse == watched->pulse
                        ? watched->n_silent + 1 : 0;
    watched->pulse = pulse;
    if (seen && seen->silent != (watched->n_silent >= SILENT_LOOKS)) {
        set(borders, seen, seen->ready, !seen->silent);
    }
}

static void
look(evutil_socket_t fd, short what, void *borders_)
{
    static const struct timeval again = { 0, LOOK_MS * 1000 };
    struct vx_borders *borders = borders_;

    (void) fd;
    (void) what;
    VX_TREE_FOR_EACH(node, &borders->watched) {
        look_at(borders, WATCHED(node));
    }
    if (borders->watched.count) {
        event_add(borders->look, &again);
    }
}

void
vx_borders_watch(struct vx_borders *borders, uint64_t host, bool more)
{
    struct vx_tree_node *node = vx_tree_find(&borders->watched, &host);
    struct watched *watched = node ? WATCHED(node) : NULL;

    if (!watched && more) {
        watched = vx_xcalloc(1, sizeof *watched);
        watched->oid = host;
        vx_tree_insert(&borders->watched, &host, &watched->by_oid);
        event_active(borders->look, EV_TIMEOUT, 0);
    }
    if (watched && more) {
        watched->n_reasons++;
    } else if (watched && !--watched->n_reasons) {
        struct seen *seen = find(borders, host);

        if (seen && seen->silent) {
            set(borders, seen, seen->ready, false);
        }
        vx_tree_remove(&borders->watched, &watched->by_oid);
        free(watched);
    }
}

void
vx_borders_forget(struct vx_borders *borders, uint64_t host)
{
    struct seen *seen = find(borders, host);

    if (seen) {
        vx_dueq_clear(&borders->waiting, &seen->due);
        borders->n_ready -= is_there(seen);
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
    vx_dueq_init(&borders->waiting);
    vx_tree_init(&borders->watched, compare_watched);
    borders->look = evtimer_new(env->base, look, borders);
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
    VX_TREE_FOR_EACH_SAFE(node, next, &borders->watched) {
        vx_tree_remove(&borders->watched, node);
        free(WATCHED(node));
    }
    event_free(borders->look);
    event_free(borders->timer);
    free(borders);
}
