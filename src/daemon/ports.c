/* SPDX-License-Identifier: Apache-2.0 */
/* Port status and waiters; see ports.h. */
#include "daemon/ports.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

enum { SLICE = 512 };           /* ports evaluated per loop turn */

struct port {
    struct vx_tree_node by_oid;
    struct port *next_touched;
    uint64_t oid;
    uint32_t reason_hash;
    bool touched, told;
    uint8_t state;              /* last told */
};

struct vx_wait {
    struct vx_ports *owner;
    struct vx_tree_node by_oid; /* while blocked on an oid */
    struct vx_wait *prev, *next;
    struct event *timer;        /* deadline, or "at once" */
    uint64_t *oids;
    size_t n, pos;              /* oids[pos] is not realized yet */
    uint64_t revision;
    uint64_t key[2];            /* in the tree: oid, unique number */
    bool in_tree, realized;
    int64_t timeout_ms;
    vx_wait_woken *woken;
    void *aux;
};

struct vx_ports {
    struct vx_ports_env env;
    struct vx_tree ports;
    struct port *first_touched, **last_touched;
    struct event *work;
    size_t counts[VX_PORT_DOWN + 1];
    struct vx_tree by_oid;      /* struct vx_wait blocked on an oid */
    struct vx_wait *waits;      /* all of them */
    uint64_t last_wait;
    size_t n_waits;
};

static int
cmp_port(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct port, by_oid)->oid;

    return a < b ? -1 : a > b;
}

static int
cmp_wait(const void *key, const struct vx_tree_node *node)
{
    const uint64_t *a = key;
    const uint64_t *b = VX_CONTAINER(node, struct vx_wait, by_oid)->key;

    return a[0] != b[0] ? (a[0] < b[0] ? -1 : 1)
           : a[1] < b[1] ? -1 : a[1] > b[1];
}

/* --- Status. */

static uint32_t
hash(const char *s)
{
    uint32_t h = 2166136261u;       /* FNV-1a */

    for (; *s; s++) {
        h = (h ^ (uint8_t) *s) * 16777619u;
    }
    return h;
}

static void
evaluate(struct vx_ports *ports, struct port *port)
{
    struct vx_port_status status;
    uint32_t reason_hash;

    if (!ports->env.status(ports->env.ctx, port->oid, &status)) {
        vx_ports_forget(ports, port->oid);
        return;
    }
    reason_hash = hash(status.reason);
    if (!port->told || port->state != status.state
        || port->reason_hash != reason_hash) {
        ports->counts[port->state] -= port->told;
        ports->counts[status.state]++;
        port->told = true;
        port->state = (uint8_t) status.state;
        port->reason_hash = reason_hash;
        ports->env.changed(ports->env.ctx, port->oid, &status);
    }
    if (ports->env.evaluated) {
        ports->env.evaluated(ports->env.ctx, port->oid);
    }
    vx_wait_look(ports, port->oid);
}

static void
work(evutil_socket_t fd, short what, void *ports_)
{
    struct vx_ports *ports = ports_;

    (void) fd;
    (void) what;
    for (int i = 0; i < SLICE && ports->first_touched; i++) {
        struct port *port = ports->first_touched;

        ports->first_touched = port->next_touched;
        if (!ports->first_touched) {
            ports->last_touched = &ports->first_touched;
        }
        port->touched = false;
        evaluate(ports, port);
    }
    if (ports->first_touched) {
        event_active(ports->work, EV_TIMEOUT, 0);
    }
}

struct vx_ports *
vx_ports_new(const struct vx_ports_env *env)
{
    struct vx_ports *ports = vx_xcalloc(1, sizeof *ports);

    ports->env = *env;
    ports->last_touched = &ports->first_touched;
    vx_tree_init(&ports->ports, cmp_port);
    vx_tree_init(&ports->by_oid, cmp_wait);
    ports->work = event_new(env->base, -1, 0, work, ports);
    return ports;
}

void
vx_ports_free(struct vx_ports *ports)
{
    if (!ports) {
        return;
    }
    while (ports->waits) {
        vx_wait_cancel(ports->waits);
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &ports->ports) {
        vx_tree_remove(&ports->ports, node);
        free(VX_CONTAINER(node, struct port, by_oid));
    }
    event_free(ports->work);
    free(ports);
}

void
vx_ports_touch(struct vx_ports *ports, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&ports->ports, &oid);
    struct port *port;

    if (node) {
        port = VX_CONTAINER(node, struct port, by_oid);
    } else {
        port = vx_xcalloc(1, sizeof *port);
        port->oid = oid;
        vx_tree_insert(&ports->ports, &oid, &port->by_oid);
    }
    if (!port->touched) {
        port->touched = true;
        port->next_touched = NULL;
        *ports->last_touched = port;
        ports->last_touched = &port->next_touched;
        event_active(ports->work, EV_TIMEOUT, 0);
    }
}

void
vx_ports_forget(struct vx_ports *ports, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&ports->ports, &oid);
    struct port *port = node ? VX_CONTAINER(node, struct port, by_oid)
                        : NULL;

    if (port && port->touched) {
        return;                     /* its turn finds that it is gone */
    }
    if (port) {
        ports->counts[port->state] -= port->told;
        vx_tree_remove(&ports->ports, node);
        free(port);
    }
    vx_wait_look(ports, oid);
}

void
vx_ports_counts(const struct vx_ports *ports,
                size_t ret_counts[VX_PORT_DOWN + 1])
{
    memcpy(ret_counts, ports->counts, sizeof ports->counts);
}

/* --- Waiting. */

static void
unlink_oid(struct vx_wait *wait)
{
    if (wait->in_tree) {
        vx_tree_remove(&wait->owner->by_oid, &wait->by_oid);
        wait->in_tree = false;
    }
}

static void
wait_free(struct vx_wait *wait)
{
    unlink_oid(wait);
    if (wait->prev) {
        wait->prev->next = wait->next;
    } else {
        wait->owner->waits = wait->next;
    }
    if (wait->next) {
        wait->next->prev = wait->prev;
    }
    wait->owner->n_waits--;
    event_free(wait->timer);
    free(wait->oids);
    free(wait);
}

/* Deadline, or what it waited for has come: always from the loop. */
static void
wait_over(evutil_socket_t fd, short what, void *wait_)
{
    struct vx_wait *wait = wait_;
    vx_wait_woken *woken = wait->woken;
    bool realized = wait->realized;
    void *aux = wait->aux;

    (void) fd;
    (void) what;
    wait_free(wait);
    woken(aux, realized);
}

/* Blocks on the first thing that is not there yet, or is done. */
static void
look(struct vx_wait *wait)
{
    struct vx_ports_env *env = &wait->owner->env;

    if (wait->realized) {
        return;
    }
    unlink_oid(wait);
    while (wait->pos < wait->n
           && env->realized(env->ctx, wait->oids[wait->pos])) {
        wait->pos++;
    }
    if (wait->pos < wait->n) {
        wait->key[0] = wait->oids[wait->pos];
        vx_tree_insert(&wait->owner->by_oid, wait->key, &wait->by_oid);
        wait->in_tree = true;
    } else if (env->confirmed(env->ctx) >= wait->revision) {
        static const struct timeval at_once = { 0, 0 };

        wait->realized = true;
        evtimer_add(wait->timer, &at_once);
    }
}

struct vx_wait *
vx_wait_new(struct vx_ports *ports, const uint64_t *oids, size_t n,
            uint64_t revision, int64_t timeout_ms)
{
    struct vx_wait *wait = vx_xcalloc(1, sizeof *wait);

    wait->owner = ports;
    wait->oids = vx_xmemdup(oids, n * sizeof *oids);
    wait->n = n;
    wait->revision = revision;
    wait->timeout_ms = timeout_ms;
    wait->key[1] = ++ports->last_wait;
    wait->timer = evtimer_new(ports->env.base, wait_over, wait);
    wait->next = ports->waits;
    if (wait->next) {
        wait->next->prev = wait;
    }
    ports->waits = wait;
    ports->n_waits++;
    return wait;
}

void
vx_wait_start(struct vx_wait *wait, vx_wait_woken *woken, void *aux)
{
    struct timeval tv = { wait->timeout_ms / 1000,
                          wait->timeout_ms % 1000 * 1000 };

    wait->woken = woken;
    wait->aux = aux;
    evtimer_add(wait->timer, &tv);
    look(wait);
}

void
vx_wait_cancel(struct vx_wait *wait)
{
    wait_free(wait);
}

void
vx_wait_look(struct vx_ports *ports, uint64_t oid)
{
    uint64_t key[2] = { oid, 0 };
    struct vx_tree_node *node;

    while ((node = vx_tree_ceil(&ports->by_oid, key))) {
        struct vx_wait *wait = VX_CONTAINER(node, struct vx_wait, by_oid);

        if (wait->key[0] != oid) {
            break;
        }
        key[1] = wait->key[1] + 1;
        look(wait);
    }
}

void
vx_wait_look_revision(struct vx_ports *ports)
{
    for (struct vx_wait *wait = ports->waits; wait; wait = wait->next) {
        if (!wait->in_tree) {
            look(wait);
        }
    }
}

size_t
vx_wait_count(const struct vx_ports *ports)
{
    return ports->n_waits;
}
