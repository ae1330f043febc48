/* SPDX-License-Identifier: Apache-2.0 */
/* What probes of ports are made from, and what becomes of them: between
 * probe.h, which knows hosts and ports by number only, and the rest. */
#include "daemon/app.h"

#include "api/watch.h"
#include "daemon/hosts.h"
#include "daemon/ports.h"
#include "daemon/probe.h"
#include "daemon/receipts.h"
#include "lib/clock.h"
#include "lib/log.h"

static size_t
senders(void *app_, const struct vx_probe_target *target, uint64_t spread,
        uint64_t *ret_hosts, size_t *ret_n_others)
{
    const struct vx_app *app = app_;
    size_t n_hosts, n = 0;
    const uint64_t *hosts = vx_fabric_network_hosts(app->fabric,
                                                    target->network,
                                                    &n_hosts);

    *ret_n_others = 0;
    for (size_t i = 0; i < n_hosts && n < VX_PROBE_PATHS; i++) {
        uint64_t host = hosts[(i + spread) % n_hosts];

        *ret_n_others += host != target->host
                         && !vx_obj_is_external(vx_model_by_oid(app->model,
                                                                host));
        if (host != target->host && vx_hosts_is_ready(app->hosts, host)) {
            ret_hosts[n++] = host;
        }
    }
    return n;
}

static bool
may_send(void *app_, uint64_t host, uint64_t network)
{
    const struct vx_app *app = app_;

    return vx_fabric_has_presence(app->fabric, network, host)
           && vx_hosts_is_ready(app->hosts, host);
}

static void
send_probe(void *app_, uint64_t host, const void *frame, size_t size,
           const struct vx_row *acts)
{
    struct vx_app *app = app_;

    vx_hosts_packet_out(app->hosts, host, VX_TENANT_TIER, frame, size, acts);
}

void
vx_app_show_port(struct vx_app *app, uint64_t port,
                 const struct vx_port_status *status)
{
    const struct vx_obj *obj = vx_model_by_oid(app->model, port);
    struct vx_key key = vx_model_key(app->model, obj);
    char path[VX_API_PATH_MAX];

    vx_watch_status(app->watch, vx_codec_path_format(VX_PORT, &key, path),
                    vx_port_state_name(status->state), status->reason,
                    status->reachable_at_ms);
}

static void
waiting(void *app_, uint64_t port)
{
    struct vx_app *app = app_;

    vx_ports_touch(app->ports, port);
}

/* Of a gated port the status changes, which is told. */
static void
reached(void *app_, uint64_t port, bool gated)
{
    struct vx_app *app = app_;
    struct vx_port_status status;

    if (gated) {
        vx_ports_touch(app->ports, port);
    } else if (vx_app_port_status(app, port, &status)) {
        vx_app_show_port(app, port, &status);
    }
}

static void
late(void *app_, uint64_t port, uint64_t from, bool is_late)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = vx_model_by_oid(app->model, port);
    const struct vx_obj *sender = vx_model_by_oid(app->model, from);
    struct vx_place place = { .host = 0 };
    char name[256];

    if (!obj || !sender || !vx_fabric_place(app->fabric, port, &place)) {
        return;
    }
    const struct vx_obj *host = vx_model_by_oid(app->model, place.host);

    vx_model_path(app->model, obj, name, sizeof name);
    if (is_late) {
        vx_log_warn(name, "no probe gets from host \"%s\" to host \"%s\"",
                    sender->name, host ? host->name : "?");
    } else {
        vx_log_info(name, "the probe from host \"%s\" has come to host "
                    "\"%s\"", sender->name, host ? host->name : "?");
    }
}

void
vx_app_probes_init(struct vx_app *app)
{
    struct vx_probes_env env = {
        .ctx = app, .base = app->base, .senders = senders,
        .may_send = may_send, .send = send_probe, .reached = reached,
        .waiting = waiting, .late = late, .wall_ms = vx_clock_wall_ms,
        .mono_us = vx_clock_us,
    };

    app->probes = vx_probes_new(&env);
}

void
vx_app_probes_look(struct vx_app *app, uint64_t oid)
{
    const struct vx_obj *obj = vx_model_by_oid(app->model, oid), *network;
    const struct vx_port *port = (const struct vx_port *) obj;
    struct vx_probe_target target;
    struct vx_place place;

    if (app->stopping || !obj || obj->kind != VX_PORT) {
        return;
    }
    network = vx_model_by_oid(app->model, obj->parent);
    if (!network || !vx_fabric_place(app->fabric, oid, &place)
        || !place.ofport || !vx_hosts_is_ready(app->hosts, place.host)) {
        vx_probes_look(app->probes, oid, NULL, false);
        return;
    }
    target = (struct vx_probe_target) {
        .host = place.host, .network = network->oid,
        .vni = ((const struct vx_network *) network)->vni, .mac = port->mac,
    };
    vx_probes_look(app->probes, oid, &target,
                   !vx_receipts_outstanding(app->receipts, oid));
}

void
vx_app_probes_change(struct vx_app *app, const struct vx_obj *old,
                     const struct vx_obj *new)
{
    if (!new) {
        vx_probes_forget(app->probes, old->oid);
    } else if (!old || vx_port_location((const struct vx_port *) old)
                       != vx_port_location((const struct vx_port *) new)) {
        vx_probes_expect(app->probes, new->oid);
    }
}
