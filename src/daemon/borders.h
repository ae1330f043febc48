/* SPDX-License-Identifier: Apache-2.0 */
/* Whether hosts live on which others depend, borders of zones and those of
 * next hops, as far as the controller can tell.
 *
 *   host ready, not ready --> here --time--> vx_fabric_host_alive --> rows
 *
 * A host that was ready and is not any more for border_down_ms is not used as
 * a border, nor its ports as next hops, until it is ready again.  One that was
 * never ready since the controller started keeps its work: a controller that
 * starts, or is cut off from most of them, changes nothing (and borders and
 * hops of routes are used where nothing else lives).
 *
 * A connection is missed late when a host falls silent, so hosts on which much
 * depends, gateways and borders, are watched: asked five times a second, and
 * as good as not ready after three looks without a word; then half of
 * border_down_ms has to do: 1.3 to 1.6 s in all. */
#ifndef VX_DAEMON_BORDERS_H
#define VX_DAEMON_BORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct vx_borders;

struct vx_borders_env {
    void *ctx;
    struct event_base *base;
    uint32_t down_ms;
    int64_t (*mono_ms)(void);
    /* Grows when the host is heard, which it is asked for each time (watched
     * hosts only); 0 = not connected. */
    uint64_t (*pulse)(void *ctx, uint64_t host);
    /* Its state has changed. */
    void (*alive)(void *ctx, uint64_t host, bool alive);
};

struct vx_borders *vx_borders_new(const struct vx_borders_env *env);
void vx_borders_free(struct vx_borders *borders);

/* A host has become ready, or is not any more.  O(log n). */
void vx_borders_ready(struct vx_borders *borders, uint64_t host, bool ready);
/* One more reason to watch the host, or one less.  O(log n). */
void vx_borders_watch(struct vx_borders *borders, uint64_t host, bool more);
/* It is deleted. */
void vx_borders_forget(struct vx_borders *borders, uint64_t host);
bool vx_borders_is_alive(const struct vx_borders *borders, uint64_t host);

#endif
