/* SPDX-License-Identifier: Apache-2.0 */
/* Where events are born: a line of the watch, a metric, and the journal that
 * hooks are run from (daemon/hooks.h).
 *
 * Events of state are told to the journal when what is differs from what was
 * told last, which is durable; so the journal has each change once, however
 * often the controller restarts, and what changed while it was away.  The
 * watch and the metric have what this process saw. */
#ifndef VX_DAEMON_EVENTS_H
#define VX_DAEMON_EVENTS_H

#include <stdbool.h>

#include "api/hooks.h"
#include "core/model.h"
#include "core/status.h"

struct vx_app;
struct vx_buf;

/* An event that is no state: each is told.  object, text: for a person. */
void vx_app_event(struct vx_app *app, enum vx_app_event event,
                  const char *object, const char *text);

/* The same with the object it is about, as JSON. */
void vx_app_event_with(struct vx_app *app, enum vx_app_event event,
                       const char *object, const char *text,
                       const char *data);

/* The host is ready, or not any more. */
void vx_app_host_event(struct vx_app *app, const struct vx_obj *host,
                       bool ready);
/* The status of the port has changed. */
void vx_app_port_event(struct vx_app *app, const struct vx_obj *port,
                       const struct vx_port_status *status);
/* The port was active when an earlier controller, or this one, told of it
 * last. */
bool vx_app_was_active(const struct vx_app *app, uint64_t port);
/* A gateway is connected, the session of a peering or uplink is established,
 * or not any more. */
void vx_app_gateway_event(struct vx_app *app, const struct vx_obj *obj,
                          bool up, const char *text);
/* The host has connected and may be part of the fabric. */
void vx_app_host_joined(struct vx_app *app, const struct vx_obj *host);
/* A host or port was committed (new) or deleted (new NULL). */
void vx_app_object_event(struct vx_app *app, const struct vx_obj *old,
                         const struct vx_obj *new);
/* Appends the object as GET answers it; false if there is none. */
bool vx_app_event_data(void *app, uint64_t oid, struct vx_buf *out);
/* Once a second. */
void vx_app_events_tick(struct vx_app *app);

#endif
