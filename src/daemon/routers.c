/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway hears and says itself: wiring between packet-ins
 * (punts.h), router advertisements (router_adv.h), the health of next hops
 * (health.h) and the rest. */
#include "daemon/app.h"

#include <stdlib.h>

#include <event2/event.h>

#include "daemon/borders.h"
#include "daemon/commit.h"
#include "daemon/gateways.h"
#include "daemon/health.h"
#include "daemon/hosts.h"
#include "daemon/ports.h"
#include "daemon/punts.h"
#include "daemon/receipts.h"
#include "daemon/router_adv.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

static void
send_to_tap(void *app_, const struct vx_punt_tap *tap, const uint8_t *frame,
            size_t size)
{
    struct vx_app *app = app_;
    struct vx_rows rows = { NULL, 0, 0 };
    struct vx_row *row = vx_rows_flow(&rows, VX_TENANT_TIER, 0, 0, 0);

    vx_act_output(row, tap->ofport);
    vx_hosts_packet_out(app->hosts, tap->host, VX_TENANT_TIER, frame, size,
                        row);
    vx_rows_fini(&rows);
}

static bool
may_send(void *app_, uint64_t host)
{
    const struct vx_app *app = app_;

    return vx_hosts_is_ready(app->hosts, host);
}

static uint64_t
pulse(void *app_, uint64_t host)
{
    struct vx_app *app = app_;

    return vx_hosts_pulse(app->hosts, host);
}

static void
solicited(void *app_, const struct vx_punt_tap *tap,
          const struct vx_punted *punted)
{
    struct vx_app *app = app_;

    vx_radv_solicited(app->radv, tap, punted);
}

static void
alive(void *app_, uint64_t port, const struct vx_ip *ip)
{
    struct vx_app *app = app_;

    vx_hops_answered(app->hops, port, ip);
}

/* What the switches get for it is one receipt, as of an interface. */
static void
hop_changed(void *app_, uint64_t oid, bool is_alive, const char *why)
{
    struct vx_app *app = app_;
    const struct vx_obj *port = vx_model_by_oid(app->model, oid);
    char name[256];

    if (app->stopping) {
        return;
    }
    app->receipt = vx_receipts_open(app->receipts,
                                    vx_commit_revision(app->commit));
    app->attach_touched = true;
    vx_fabric_port_alive(app->fabric, oid, is_alive);
    app->attach_touched = false;
    vx_receipt_close(app->receipt);
    app->receipt = NULL;
    vx_gws_port(app->gws, oid);
    if (port && why) {
        vx_model_path(app->model, port, name, sizeof name);
        vx_log_info(name, "next hop is %s: %s", is_alive ? "up" : "down",
                    why);
        vx_app_event(app, is_alive ? VX_EVENT_HOP_UP : VX_EVENT_HOP_DOWN,
                     name, why);
    }
}

/* Likewise of a host: as a border of its zone, and its ports as next hops. */
static void
border_changed(void *app_, uint64_t oid, bool is_alive)
{
    struct vx_app *app = app_;
    const struct vx_obj *host = vx_model_by_oid(app->model, oid);

    if (app->stopping) {
        return;
    }
    app->receipt = vx_receipts_open(app->receipts,
                                    vx_commit_revision(app->commit));
    vx_fabric_host_alive(app->fabric, oid, is_alive);
    vx_receipt_close(app->receipt);
    app->receipt = NULL;
    if (host) {
        vx_log_info(host->name, is_alive
                    ? "used as a border and for next hops again"
                    : "not used as a border or for next hops while others "
                      "are there");
    }
}

static void
settle_zones(evutil_socket_t fd, short what, void *app_)
{
    struct vx_app *app = app_;

    (void) fd;
    (void) what;
    app->epoch++;
    app->receipt = vx_receipts_open(app->receipts,
                                    vx_commit_revision(app->commit));
    for (size_t i = 0; i < app->n_opened; i++) {
        vx_fabric_zone_settle(app->fabric, app->opened[i]);
    }
    app->n_opened = 0;
    vx_receipt_close(app->receipt);
    app->receipt = NULL;
}

/* The time is that of a switch that is not stuck; what is later loses what
 * packets it loses.  Receipts would not do instead: a barrier says that the
 * switch has the rows, not that what its datapath has cached of the old ones
 * is gone, which ovs-vswitchd looks through up to half a second later
 * (max-revalidator); and packets that are in a tunnel by then have to get
 * on. */
void
vx_app_zone_opened(struct vx_app *app, uint64_t zone)
{
    static const struct timeval soon = { 2, 0 };

    app->opened = vx_grow(app->opened, &app->cap_opened, app->n_opened + 1,
                          sizeof *app->opened);
    app->opened[app->n_opened++] = zone;
    event_add(app->settle, &soon);
}

/* Gateways and border hosts are watched. */
static void
watch_hosts_of(struct vx_app *app, const struct vx_obj *obj, bool more)
{
    const struct vx_gateway *gateway = (const void *) obj;
    const struct vx_zone *zone = (const void *) obj;

    if (obj && obj->kind == VX_GATEWAY) {
        vx_borders_watch(app->borders, gateway->host, more);
    } else if (obj && obj->kind == VX_ZONE) {
        for (size_t i = 0; i < zone->n_borders; i++) {
            vx_borders_watch(app->borders, zone->borders[i], more);
        }
    }
}

void
vx_app_watch_hosts(struct vx_app *app, const struct vx_obj *old,
                   const struct vx_obj *new)
{
    watch_hosts_of(app, new, true);
    watch_hosts_of(app, old, false);
}

static void
borders_init(struct vx_app *app)
{
    const struct vx_borders_env env = {
        .ctx = app, .base = app->base,
        .down_ms = app->options.border_down_ms, .alive = border_changed,
        .pulse = pulse,
        .mono_ms = vx_clock_ms,
    };

    app->borders = vx_borders_new(&env);
}

void
vx_app_routers_init(struct vx_app *app)
{
    const struct vx_punts_env punts_env = {
        .ctx = app, .model = app->model, .fabric = app->fabric,
        .send = send_to_tap, .solicited = solicited, .alive = alive,
        .mono_ms = vx_clock_ms,
    };
    const struct vx_radv_env radv_env = {
        .ctx = app, .base = app->base, .model = app->model,
        .fabric = app->fabric, .may_send = may_send, .send = send_to_tap,
        .mono_ms = vx_clock_ms,
    };
    const struct vx_hops_env hops_env = {
        .ctx = app, .base = app->base, .model = app->model,
        .fabric = app->fabric,
        .interval_ms = app->options.health_interval_ms,
        .may_send = may_send, .pulse = pulse, .send = send_to_tap,
        .changed = hop_changed,
        .mono_ms = vx_clock_ms,
    };

    borders_init(app);
    app->settle = evtimer_new(app->base, settle_zones, app);
    app->punts = vx_punts_new(&punts_env);
    app->radv = vx_radv_new(&radv_env);
    app->hops = vx_hops_new(&hops_env);
}

static void
add_hop(void *app_, uint64_t port, const struct vx_ip *ip)
{
    struct vx_app *app = app_;

    vx_hops_used(app->hops, port, ip, true);
}

void
vx_app_routers_start(struct vx_app *app)
{
    vx_radv_start(app->radv);
    vx_fabric_hops(app->fabric, add_hop, app);
}

void
vx_app_routers_free(struct vx_app *app)
{
    vx_borders_free(app->borders);
    if (app->settle) {
        event_free(app->settle);
    }
    free(app->opened);
    vx_punts_free(app->punts);
    vx_radv_free(app->radv);
    vx_hops_free(app->hops);
}
