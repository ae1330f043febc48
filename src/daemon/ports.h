/* SPDX-License-Identifier: Apache-2.0 */
/* Port status, level-triggered, and those who wait for it.
 *
 * Anything that a port's status depends on touches the port; touched ports
 * are evaluated anew from facts, a slice per loop turn, so that a host that
 * comes back with 100,000 ports never blocks the loop.  What differs from
 * what was last told is told (watch, waiters).  A GET does not read the last
 * told status: it evaluates. */
#ifndef VX_DAEMON_PORTS_H
#define VX_DAEMON_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

struct event_base;
struct vx_ports;
struct vx_wait;

struct vx_ports_env {
    void *ctx;
    struct event_base *base;
    /* False if the port does not exist (any more). */
    bool (*status)(void *ctx, uint64_t port,
                   struct vx_port_status *ret_status);
    void (*changed)(void *ctx, uint64_t port,
                    const struct vx_port_status *status);
    /* The port's status was evaluated, changed or not; may be NULL. */
    void (*evaluated)(void *ctx, uint64_t port);
    /* Active (or not something that becomes active, or gone). */
    bool (*realized)(void *ctx, uint64_t oid);
    uint64_t (*confirmed)(void *ctx);       /* revision */
};

struct vx_ports *vx_ports_new(const struct vx_ports_env *env);
void vx_ports_free(struct vx_ports *ports);

void vx_ports_touch(struct vx_ports *ports, uint64_t port);
void vx_ports_forget(struct vx_ports *ports, uint64_t port);
/* Ports last told to be in each state. */
void vx_ports_counts(const struct vx_ports *ports,
                     size_t ret_counts[VX_PORT_DOWN + 1]);

/* --- Waiting: until every oid is realized and the revision confirmed. */

typedef void vx_wait_woken(void *aux, bool realized);
struct vx_wait *vx_wait_new(struct vx_ports *ports, const uint64_t *oids,
                            size_t n, uint64_t revision, int64_t timeout_ms);
/* Arms it; woken is called once, from the loop, and the wait is dead. */
void vx_wait_start(struct vx_wait *wait, vx_wait_woken *woken, void *aux);
void vx_wait_cancel(struct vx_wait *wait);
/* Something about the oid / the confirmed revision has changed. */
void vx_wait_look(struct vx_ports *ports, uint64_t oid);
void vx_wait_look_revision(struct vx_ports *ports);
size_t vx_wait_count(const struct vx_ports *ports);

#endif
