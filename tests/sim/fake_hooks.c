/* SPDX-License-Identifier: Apache-2.0 */
/* Events and hooks are outside the simulation: nobody is told, nothing runs.
 * What is simulated must not depend on them. */
#include "daemon/app.h"
#include "daemon/events.h"
#include "daemon/hooks.h"

void
vx_app_event(struct vx_app *app, enum vx_app_event event,
             const char *object, const char *text)
{
    (void) app;
    (void) event;
    (void) object;
    (void) text;
}

void
vx_app_host_event(struct vx_app *app, const struct vx_obj *host, bool ready)
{
    (void) app;
    (void) host;
    (void) ready;
}

void
vx_app_port_event(struct vx_app *app, const struct vx_obj *port,
                  const struct vx_port_status *status)
{
    (void) app;
    (void) port;
    (void) status;
}

void
vx_app_object_event(struct vx_app *app, const struct vx_obj *old,
                    const struct vx_obj *new)
{
    (void) app;
    (void) old;
    (void) new;
}

void
vx_app_events_tick(struct vx_app *app)
{
    (void) app;
}

void
vx_app_refused(struct vx_app *app, const struct vx_error *err)
{
    (void) app;
    (void) err;
}

const struct vx_api_hooks *
vx_hooks_api(struct vx_hooks *hooks)
{
    (void) hooks;
    return NULL;
}

void
vx_hooks_counters(struct vx_hooks *hooks,
                  struct vx_hooks_counters *ret_counters)
{
    (void) hooks;
    *ret_counters = (struct vx_hooks_counters) { .n_waiting = 0 };
}

void
vx_app_host_joined(struct vx_app *app, const struct vx_obj *host)
{
    (void) app;
    (void) host;
}
