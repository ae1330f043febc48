/* SPDX-License-Identifier: Apache-2.0 */
/* libevent's timers and activations on the simulated clock, and the clock
 * itself: clock_gettime() of this program is the simulation's, so that no
 * code can see another time. */
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "lib/xalloc.h"
#include "tests/sim/sim.h"

enum { N_PRIORITIES = 3 };

struct event {
    struct event_base *base;
    struct event *prev, *next;      /* all of the base */
    event_callback_fn cb;
    void *arg;
    int priority;
    bool persists, active;
    int64_t due_ms, interval_ms;    /* due < 0: no timer */
    uint64_t order;                 /* of activation */
};

struct event_base {
    struct event *events;
    uint64_t last_order;
};

int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int64_t ms = sim ? sim->now_ms : 0;

    (void) id;
    ts->tv_sec = ms / 1000;
    ts->tv_nsec = ms % 1000 * 1000000;
    return 0;
}

struct event_base *
loop_new(void)
{
    return vx_xcalloc(1, sizeof(struct event_base));
}

void
loop_free(struct event_base *base)
{
    if (base->events) {
        violated("an event outlives the controller");
    }
    free(base);
}

static const struct event *
first_active(const struct event_base *base)
{
    const struct event *best = NULL;

    for (const struct event *ev = base->events; ev; ev = ev->next) {
        if (ev->active && (!best || ev->priority < best->priority
                           || (ev->priority == best->priority
                               && ev->order < best->order))) {
            best = ev;
        }
    }
    return best;
}

bool
loop_has_active(const struct event_base *base)
{
    for (const struct event *ev = base->events; ev; ev = ev->next) {
        if (ev->active) {
            return true;
        }
    }
    return false;
}

void
loop_run_one(struct event_base *base)
{
    struct event *ev = (struct event *) first_active(base);

    if (ev) {
        ev->active = false;
        if (!ev->persists) {
            ev->due_ms = -1;
        }
        ev->cb(-1, EV_TIMEOUT, ev->arg);
    }
}

int64_t
loop_next_ms(const struct event_base *base)
{
    int64_t next = INT64_MAX;

    for (const struct event *ev = base->events; ev; ev = ev->next) {
        if (ev->due_ms >= 0 && ev->due_ms < next) {
            next = ev->due_ms;
        }
    }
    return next;
}

void
loop_expire(struct event_base *base)
{
    for (struct event *ev = base->events; ev; ev = ev->next) {
        if (ev->due_ms >= 0 && ev->due_ms <= sim->now_ms) {
            ev->due_ms = ev->persists ? sim->now_ms + ev->interval_ms : -1;
            event_active(ev, EV_TIMEOUT, 0);
        }
    }
}

struct event *
event_new(struct event_base *base, evutil_socket_t fd, short what,
          event_callback_fn cb, void *arg)
{
    struct event *ev = vx_xcalloc(1, sizeof *ev);

    (void) fd;
    ev->base = base;
    ev->cb = cb;
    ev->arg = arg;
    ev->priority = N_PRIORITIES / 2;
    ev->persists = what & EV_PERSIST;
    ev->due_ms = -1;
    ev->next = base->events;
    if (ev->next) {
        ev->next->prev = ev;
    }
    base->events = ev;
    return ev;
}

void
event_free(struct event *ev)
{
    if (ev->prev) {
        ev->prev->next = ev->next;
    } else {
        ev->base->events = ev->next;
    }
    if (ev->next) {
        ev->next->prev = ev->prev;
    }
    free(ev);
}

int
event_add(struct event *ev, const struct timeval *tv)
{
    if (tv) {
        ev->interval_ms = tv->tv_sec * 1000 + tv->tv_usec / 1000;
        ev->due_ms = sim->now_ms + ev->interval_ms;
    }
    return 0;
}

int
event_del(struct event *ev)
{
    ev->active = false;
    ev->due_ms = -1;
    return 0;
}

void
event_active(struct event *ev, int what, short n_calls)
{
    (void) what;
    (void) n_calls;
    if (!ev->active) {
        ev->active = true;
        ev->order = ++ev->base->last_order;
    }
}

int
event_pending(const struct event *ev, short what, struct timeval *tv)
{
    (void) tv;
    return ev->active || ev->due_ms >= 0 ? what & EV_TIMEOUT : 0;
}

int
event_priority_set(struct event *ev, int priority)
{
    ev->priority = priority;
    return 0;
}

int
event_base_get_npriorities(struct event_base *base)
{
    (void) base;
    return N_PRIORITIES;
}

/* What is accepted is the connection that is being opened. */
struct bufferevent *
bufferevent_socket_new(struct event_base *base, evutil_socket_t fd,
                       int options)
{
    (void) base;
    (void) fd;
    (void) options;
    return (struct bufferevent *) sim->accepting;
}
