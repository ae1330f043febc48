/* SPDX-License-Identifier: Apache-2.0 */
/* Where events are born; see events.h. */
#include "daemon/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/watch.h"
#include "daemon/app.h"
#include "daemon/gateways.h"
#include "daemon/hosts.h"
#include "daemon/hooks.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log.h"

enum {
    GRACE_MS = 20000,           /* after a start hosts come back one by one:
                                 * nothing is called down before that */
    LOOK_AFTER_PER_TICK = 2000, /* objects */
    EXHAUSTION_EVERY_MS = 60000,
};

/* What was told last of an object; durable, so never renumber. */
enum {
    TOLD_NOTHING = 0,
    TOLD_JOINED = 1,
    TOLD_ACTIVE = 2,
    TOLD_DOWN = 3,
    TOLD_LOW = 4,
    TOLD_DRAINING = 5,
};
/* The pool of VNIs is no object; this is no oid. */
static const uint64_t vni_pool = INT64_MAX;
/* A host that drains may be active or down: that is told of another number,
 * which is no oid either. */
static const uint64_t drain_bit = UINT64_C(1) << 62;

static uint64_t
object_of(uint64_t oid)
{
    return oid == vni_pool ? oid : oid & ~drain_bit;
}

/* To those who watch. */
static void
show(struct vx_app *app, enum vx_app_event event, const char *object,
     const char *text)
{
    struct vx_buf members = VX_BUF_INIT;

    app->n_events[event]++;
    vx_buf_puts(&members, "\"object\":");
    vx_json_string(&members, object);
    vx_buf_puts(&members, ",\"text\":");
    vx_json_string(&members, text);
    vx_watch_event(app->watch, vx_api_event_names[event],
                   vx_buf_str(&members));
    vx_buf_fini(&members);
}

void
vx_app_event(struct vx_app *app, enum vx_app_event event,
             const char *object, const char *text)
{
    vx_app_event_with(app, event, object, text, NULL);
}

void
vx_app_event_with(struct vx_app *app, enum vx_app_event event,
                  const char *object, const char *text, const char *data)
{
    show(app, event, object, text);
    vx_hooks_event(app->hooks, &(struct vx_hooks_event) {
        .name = vx_api_event_names[event], .object = object, .text = text,
        .data = data });
}

void
vx_app_refused(struct vx_app *app, const struct vx_error *err)
{
    int64_t now_ms = vx_clock_ms();

    if (err->code != VX_EXHAUSTED || !strstr(err->field, "vni")) {
        return;
    }
    vx_log_warn("vni", "%s", err->message);
    /* Who is refused tries again, and again. */
    if (app->exhaustion_ms && now_ms - app->exhaustion_ms
                              < EXHAUSTION_EVERY_MS) {
        show(app, VX_EVENT_VNI_EXHAUSTION, "vni", err->message);
        return;
    }
    app->exhaustion_ms = now_ms;
    vx_app_event(app, VX_EVENT_VNI_EXHAUSTION, "vni", err->message);
}

/* --- Events of state. */

bool
vx_app_event_data(void *app_, uint64_t oid, struct vx_buf *out)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = vx_model_by_oid(app->model, object_of(oid));
    struct vx_codec_view view = { .model = app->model, .obj = obj };
    struct vx_port_status port;
    struct vx_api_host_status host;

    if (!obj) {
        return false;
    }
    view.key = vx_model_key(app->model, obj);
    if (obj->kind == VX_PORT && vx_app_port_status(app, oid, &port)) {
        view.port_status = &port;
    } else if (obj->kind == VX_HOST
               && vx_app_host_status(app, obj->oid, &host)) {
        view.host_status = &host;
    }
    vx_codec_object(&view, out);
    return true;
}

/* To the journal, unless it is what was told last. */
static void
tell(struct vx_app *app, const struct vx_obj *obj, enum vx_app_event event,
     unsigned told, const char *text)
{
    char name[256];

    if (vx_hooks_told(app->hooks, obj->oid) == told) {
        return;
    }
    vx_model_path(app->model, obj, name, sizeof name);
    vx_hooks_event(app->hooks, &(struct vx_hooks_event) {
        .name = vx_api_event_names[event], .object = name, .text = text,
        .told_oid = obj->oid, .told = told });
}

static bool
is_grace(const struct vx_app *app)
{
    return vx_clock_ms() - app->started_ms < GRACE_MS;
}

/* Down is told of what was told to be active, and of nothing else. */
static void
tell_down(struct vx_app *app, const struct vx_obj *obj, const char *text)
{
    if (vx_hooks_told(app->hooks, obj->oid) == TOLD_ACTIVE) {
        tell(app, obj, obj->kind == VX_HOST ? VX_EVENT_HOST_DOWN
                                            : VX_EVENT_PORT_DOWN,
             TOLD_DOWN, text);
    }
}

void
vx_app_host_event(struct vx_app *app, const struct vx_obj *host, bool ready)
{
    struct vx_api_host_status status = { .state = "" };

    vx_app_host_status(app, host->oid, &status);
    show(app, ready ? VX_EVENT_HOST_ACTIVE : VX_EVENT_HOST_DOWN, host->name,
         ready ? "" : status.reason);
    if (ready) {
        tell(app, host, VX_EVENT_HOST_ACTIVE, TOLD_ACTIVE, "");
    } else if (!is_grace(app)) {
        tell_down(app, host, status.reason);
    }
}

bool
vx_app_was_active(const struct vx_app *app, uint64_t port)
{
    return vx_hooks_told(app->hooks, port) == TOLD_ACTIVE;
}

static bool
is_port_down(const struct vx_port_status *status)
{
    return status->state == VX_PORT_DOWN || status->state == VX_PORT_PENDING;
}

void
vx_app_port_event(struct vx_app *app, const struct vx_obj *port,
                  const struct vx_port_status *status)
{
    bool was_active = vx_hooks_told(app->hooks, port->oid) == TOLD_ACTIVE;
    char name[256];

    vx_model_path(app->model, port, name, sizeof name);
    if (status->state == VX_PORT_ACTIVE) {
        show(app, VX_EVENT_PORT_ACTIVE, name, "");
        tell(app, port, VX_EVENT_PORT_ACTIVE, TOLD_ACTIVE, "");
    } else if (is_port_down(status) && was_active && !is_grace(app)) {
        show(app, VX_EVENT_PORT_DOWN, name, status->reason);
        tell_down(app, port, status->reason);
    }
}

void
vx_app_gateway_event(struct vx_app *app, const struct vx_obj *obj, bool up,
                     const char *text)
{
    bool gateway = obj->kind == VX_GATEWAY;
    enum vx_app_event event =
        up ? (gateway ? VX_EVENT_GATEWAY_UP : VX_EVENT_BGP_UP)
           : (gateway ? VX_EVENT_GATEWAY_DOWN : VX_EVENT_BGP_DOWN);
    bool was_up = vx_hooks_told(app->hooks, obj->oid) == TOLD_ACTIVE;
    char name[256];

    vx_model_path(app->model, obj, name, sizeof name);
    if (up) {
        show(app, event, name, text);
        tell(app, obj, event, TOLD_ACTIVE, text);
    } else if (was_up && !is_grace(app)) {
        show(app, event, name, text);
        tell(app, obj, event, TOLD_DOWN, text);
    }
}

void
vx_app_host_joined(struct vx_app *app, const struct vx_obj *host)
{
    if (vx_hooks_told(app->hooks, host->oid) == TOLD_NOTHING) {
        show(app, VX_EVENT_HOST_JOIN, host->name, "");
        tell(app, host, VX_EVENT_HOST_JOIN, TOLD_JOINED, "");
    }
}

/* How many ports are left is in the reason. */
static void
tell_drain(struct vx_app *app, const struct vx_host *host)
{
    uint64_t key = host->o.oid | drain_bit;
    bool told = vx_hooks_told(app->hooks, key) == TOLD_DRAINING;

    if (host->draining && !told) {
        vx_hooks_event(app->hooks, &(struct vx_hooks_event) {
            .name = vx_api_event_names[VX_EVENT_HOST_DRAIN],
            .object = host->o.name, .text = "takes no new ports",
            .told_oid = key, .told = TOLD_DRAINING });
    } else if (!host->draining && told) {
        vx_hooks_tell(app->hooks, key, TOLD_NOTHING);
    }
}

static void
host_event(struct vx_app *app, const struct vx_host *was,
           const struct vx_host *host)
{
    if (!host) {
        vx_hooks_tell(app->hooks, was->o.oid | drain_bit, TOLD_NOTHING);
        return;
    }
    if (host->draining && (!was || !was->draining)) {
        show(app, VX_EVENT_HOST_DRAIN, host->o.name, "takes no new ports");
    }
    if (host->draining != (was && was->draining)) {
        tell_drain(app, host);
    }
}

void
vx_app_object_event(struct vx_app *app, const struct vx_obj *old,
                    const struct vx_obj *new)
{
    const struct vx_host *host = (const struct vx_host *) new;
    const struct vx_host *was = (const struct vx_host *) old;

    if ((new ? new : old)->kind == VX_HOST) {
        host_event(app, was, host);
    }

    /* Another machine under the same name joins anew. */
    if (!new || (old && new->kind == VX_HOST
                 && strcmp(was->system_id, host->system_id))) {
        vx_hooks_tell(app->hooks, old->oid, TOLD_NOTHING);
    }
}

/* --- Once a second. */

/* vni_low, but of a small pool a tenth of it. */
static uint64_t
low_mark(const struct vx_options *options)
{
    uint64_t n = options->n_vni_ranges ? 0 : VX_VNI_MAX;

    for (size_t i = 0; i < options->n_vni_ranges; i++) {
        n += options->vni_ranges[i].last - options->vni_ranges[i].first + 1;
    }
    return n / 10 < options->vni_low ? n / 10 : options->vni_low;
}

static void
look_at_vnis(struct vx_app *app)
{
    uint64_t n_free = vx_model_free_vnis(app->model);
    uint64_t low = low_mark(&app->options);
    bool told = vx_hooks_told(app->hooks, vni_pool) == TOLD_LOW;
    char text[80];

    if (!told && n_free < low) {
        snprintf(text, sizeof text, "%llu VNIs are free, fewer than "
                 "%llu", (unsigned long long) n_free,
                 (unsigned long long) low);
        vx_log_warn("vni", "%s", text);
        show(app, VX_EVENT_VNI_LOW, "vni", text);
        vx_hooks_event(app->hooks, &(struct vx_hooks_event) {
            .name = vx_api_event_names[VX_EVENT_VNI_LOW], .object = "vni",
            .text = text, .told_oid = vni_pool, .told = TOLD_LOW });
    } else if (told && n_free >= low + low / 10) {
        vx_hooks_tell(app->hooks, vni_pool, TOLD_NOTHING);
    }
}

/* What was active when an earlier controller looked and is not now: nobody
 * saw it go. */
static void
look_after(struct vx_app *app, uint64_t oid)
{
    const struct vx_obj *obj = oid == vni_pool
        ? NULL : vx_model_by_oid(app->model, object_of(oid));
    struct vx_api_gateway_status gateway;
    struct vx_api_peering_status peering;
    struct vx_api_host_status host;
    struct vx_port_status port;

    if (!obj) {
        if (oid != vni_pool) {
            vx_hooks_tell(app->hooks, oid, TOLD_NOTHING);
        }
    } else if (oid & drain_bit) {
        tell_drain(app, (const struct vx_host *) obj);
    } else if (obj->kind == VX_HOST) {
        if (!vx_hosts_is_ready(app->hosts, oid)
            && vx_app_host_status(app, oid, &host)) {
            tell_down(app, obj, host.reason);
        }
    } else if (obj->kind == VX_PORT && vx_app_port_status(app, oid, &port)
               && is_port_down(&port)) {
        tell_down(app, obj, port.reason);
    } else if (obj->kind == VX_GATEWAY
               && vx_gws_status(app->gws, oid, &gateway)
               && !strcmp(gateway.state, "down")) {
        vx_app_gateway_event(app, obj, false, gateway.reason);
    } else if ((obj->kind == VX_PEERING || obj->kind == VX_UPLINK)
               && vx_gws_peering_status(app->gws, oid, &peering)
               && strcmp(peering.state, "established")
               && strcmp(peering.state, "unknown")) {
        vx_app_gateway_event(app, obj, false, peering.reason);
    }
}

/* What began to drain and was told to nobody, since the controller fell. */
static void
look_at_hosts(struct vx_app *app)
{
    const struct vx_obj *host;
    struct vx_iter iter;

    vx_iter_init(&iter, app->model, VX_HOST, NULL, NULL);
    while ((host = vx_iter_next(&iter))) {
        tell_drain(app, (const struct vx_host *) host);
    }
}

void
vx_app_events_tick(struct vx_app *app)
{
    look_at_vnis(app);
    if (app->looked_after || is_grace(app)) {
        return;
    }
    if (!app->look_after) {
        look_at_hosts(app);
    }
    for (int i = 0; i < LOOK_AFTER_PER_TICK; i++) {
        app->look_after = vx_hooks_told_after(app->hooks, app->look_after);
        if (!app->look_after) {
            app->looked_after = true;
            return;
        }
        look_after(app, app->look_after);
    }
}
