/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what: the callbacks between the parts.
 *
 *   commit --change--> fabric --rows--> hosts
 *                        \--locate, grace--> moves.c, when the fabric is done
 *   hosts --interface--> fabric;  --ready--> ports, watch, warm-up
 *   receipts --settled--> ports --status--> watch, waiters
 *
 * A part never calls another one directly; it is wired here, and what must
 * not happen in the middle of something is put off here. */
#include "daemon/app.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/watch.h"
#include "daemon/audit.h"
#include "daemon/borders.h"
#include "daemon/commit.h"
#include "daemon/counters.h"
#include "daemon/gateways.h"
#include "daemon/health.h"
#include "daemon/hosts.h"
#include "daemon/moves.h"
#include "daemon/ports.h"
#include "daemon/probe.h"
#include "daemon/punts.h"
#include "daemon/receipts.h"
#include "daemon/router_adv.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    RELEASE_SLICE = 256,            /* VNIs per tick */
};

static int64_t
wall_ms(void *app)
{
    (void) app;
    return vx_clock_wall_ms();
}

/* --- The fabric's sink. */

static void
sink_rows(void *app_, const uint64_t *hosts, size_t n_hosts,
          const struct vx_delta *delta)
{
    struct vx_app *app = app_;

    if (app->sink_mode == VX_SINK_LIVE) {
        vx_hosts_send(app->hosts, hosts, n_hosts, delta, app->receipt);
    } else if (app->sink_mode == VX_SINK_COUNT) {
        vx_plan_count(app->plan, hosts, n_hosts, delta);
    }
}

/* The fabric is in the middle of something: only noted. */
static void
sink_locate(void *app_, uint64_t port, uint64_t host)
{
    struct vx_app *app = app_;

    (void) host;
    if (app->sink_mode == VX_SINK_LIVE) {
        vx_moves_note(app->moves, port);
    }
}

static void
sink_hop(void *app_, uint64_t port, const struct vx_ip *ip, bool used)
{
    struct vx_app *app = app_;

    if (app->sink_mode == VX_SINK_LIVE) {
        vx_hops_used(app->hops, port, ip, used);
    }
}

static void
sink_grace(void *app_, const struct vx_grace *grace)
{
    struct vx_app *app = app_;

    vx_moves_grace(app->moves, grace);
}

static void
sink_opened(void *app_, uint64_t zone)
{
    vx_app_zone_opened(app_, zone);
}

void
vx_app_grace_on(struct vx_app *app)
{
    app->sink.grace = app->options.grace_ms ? sink_grace : NULL;
    app->sink.opened = sink_opened;
}

static void
sink_port_touched(void *app_, uint64_t port)
{
    struct vx_app *app = app_;

    if (app->sink_mode == VX_SINK_LIVE) {
        if (app->attach_touched) {
            vx_receipt_attach(app->receipt, port);
        }
        app->epoch++;
        vx_ports_touch(app->ports, port);
        vx_hops_touched(app->hops, port);
    }
}

/* --- Commit. */

static void
apply_change(void *app_, const struct vx_change *change,
             struct vx_receipt *receipt)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = change->new ? change->new : change->old;

    app->receipt = receipt;
    app->attach_touched = obj->kind != VX_PORT;
    app->epoch++;
    if (obj->kind == VX_PORT && change->new) {
        vx_receipt_attach(receipt, obj->oid);
    }
    if (obj->kind == VX_HOST && change->new && !vx_obj_is_external(obj)) {
        vx_hosts_update(app->hosts, (const void *) change->old,
                        (const void *) change->new);
    }
    vx_fabric_change(app->fabric, change->old, change->new);
    if (obj->kind == VX_HOST && !change->new && !vx_obj_is_external(obj)) {
        vx_borders_forget(app->borders, obj->oid);
        vx_fabric_host_alive(app->fabric, obj->oid, true);  /* is no more */
        vx_hosts_update(app->hosts, (const void *) change->old, NULL);
        vx_audits_forget(app->audits, obj->oid);
    }
    if (!change->new && obj->kind != VX_PORT) {
        vx_counters_forget(app->counters, obj->oid);
    }
    app->receipt = NULL;
    app->attach_touched = false;
    if (obj->kind == VX_PORT && change->old && change->new) {
        vx_moves_changed(app->moves, (const void *) change->old,
                         (const void *) change->new);
    }
    vx_radv_change(app->radv, change->old, change->new);
    vx_app_watch_hosts(app, change->old, change->new);
    if (obj->kind == VX_PORT || obj->kind == VX_HOST
        || obj->kind == VX_GATEWAY || obj->kind == VX_PEERING
        || obj->kind == VX_UPLINK) {
        vx_app_object_event(app, change->old, change->new);
    }
    if (obj->kind == VX_PORT) {
        vx_app_probes_change(app, change->old, change->new);
        if (change->new) {
            vx_ports_touch(app->ports, obj->oid);
        } else {
            vx_receipts_forget(app->receipts, obj->oid);
            vx_moves_forget(app->moves, obj->oid);
            vx_ports_forget(app->ports, obj->oid);
        }
    }
}

struct internal {
    void (*done)(void *aux, const struct vx_error *err,
                 const struct vx_obj *obj);
    void *aux;
};

static void
internal_done(void *internal_, const struct vx_commit_outcome *outcome)
{
    struct internal *internal = internal_;

    internal->done(internal->aux, outcome->err,
                   outcome->err ? NULL
                   : outcome->results[outcome->n - 1].obj);
    free(internal);
}

void
vx_app_submit(void *app_, const struct vx_op *ops, size_t n,
              void (*done)(void *aux, const struct vx_error *err,
                           const struct vx_obj *obj), void *aux)
{
    struct vx_app *app = app_;
    struct internal *internal = vx_xcalloc(1, sizeof *internal);

    internal->done = done;
    internal->aux = aux;
    vx_commit_submit(app->commit, ops, n, internal_done, internal);
}

static void
changes_applied(void *app_, const struct vx_change *changes, size_t n)
{
    struct vx_app *app = app_;

    if (!app->stopping) {
        vx_gws_changed(app->gws, changes, n);
    }
}

static uint64_t
applied_revision(void *app_)
{
    struct vx_app *app = app_;

    return vx_commit_applying(app->commit);
}

/* --- Hosts, interfaces, ports. */

static void
touch_port(void *app_, uint64_t port)
{
    struct vx_app *app = app_;

    vx_ports_touch(app->ports, port);
}

static void
touch_network(void *app_, uint64_t network)
{
    struct vx_app *app = app_;

    vx_fabric_network_ports(app->fabric, network, touch_port, app);
}

/* Statuses are evaluated at any time, also between staging and commit. */
static void
change_undone(void *app_, const struct vx_change *change)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = change->old ? change->old : change->new;

    if (app->stopping) {
        return;
    }
    app->epoch++;
    if (obj->kind == VX_PORT) {
        touch_port(app, obj->oid);
    } else if (obj->kind == VX_NETWORK) {
        touch_network(app, obj->oid);
    } else if (obj->kind == VX_HOST) {
        vx_fabric_host_networks(app->fabric, obj->oid, touch_network, app);
        vx_hosts_undone(app->hosts);
    }
    vx_gws_undone(app->gws, change);
}

static void
host_changed(void *app_, uint64_t host, bool ready)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = vx_model_by_oid(app->model, host);

    if (app->stopping) {
        return;
    }
    app->epoch++;
    vx_fabric_host_networks(app->fabric, host, touch_network, app);
    vx_wait_look(app->ports, host);
    vx_gws_realized(app->gws);
    vx_borders_ready(app->borders, host, ready);
    if (obj) {
        struct vx_api_host_status status;

        vx_app_host_event(app, obj, ready);
        if (vx_app_host_status(app, host, &status)) {
            struct vx_key key = vx_model_key(app->model, obj);
            char path[VX_API_PATH_MAX];

            vx_watch_status(app->watch,
                            vx_codec_path_format(VX_HOST, &key, path),
                            status.state, status.reason, 0);
        }
    }
    if (ready) {
        vx_hosts_warm(app->hosts, host);
    }
}

static void
host_joined(void *app_, uint64_t host)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = vx_model_by_oid(app->model, host);

    if (obj && !app->stopping) {
        app->epoch++;
        app->receipt = vx_receipts_open(app->receipts,
                                        vx_commit_revision(app->commit));
        vx_fabric_unheard(app->fabric, host, false);
        vx_receipt_close(app->receipt);
        app->receipt = NULL;
        vx_app_host_joined(app, obj);
    }
}

static void
host_differed(void *app_, uint64_t host, const char *lines)
{
    struct vx_app *app = app_;

    if (!app->stopping) {
        vx_audits_ovsdb(app->audits, host, lines);
    }
}

static void
drift(void *app, const char *host, const char *text)
{
    vx_app_event(app, VX_EVENT_DRIFT, host, text);
}

static const char *
ask_gateway(void *app_, uint64_t gateway, bool repair, uint64_t *ret_nonce)
{
    const struct vx_app *app = app_;

    return vx_gws_ask_audit(app->gws, gateway, repair, ret_nonce);
}

static void
burst(void *app, const struct vx_api_burst *burst)
{
    struct vx_buf data = VX_BUF_INIT;
    char text[200];

    if (((const struct vx_app *) app)->stopping) {
        return;
    }
    snprintf(text, sizeof text, "%s %s on host %s: %llu packets dropped, "
             "%llu kbit/s offered, the budget is %llu %s", burst->kind,
             burst->budget, burst->host,
             (unsigned long long) burst->dropped,
             (unsigned long long) vx_api_burst_bps(burst) / 1000,
             (unsigned long long) burst->rate, burst->unit);
    vx_api_burst_write(burst, &data);
    vx_app_event_with(app, burst->active ? VX_EVENT_BURST_START
                                         : VX_EVENT_BURST_END,
                      burst->object[0] ? burst->object : burst->host, text,
                      vx_buf_str(&data));
    vx_buf_fini(&data);
}

static uint64_t
port_at(void *app_, uint64_t host, uint32_t ofport)
{
    const struct vx_app *app = app_;

    return vx_fabric_port_at(app->fabric, host, ofport);
}

static void
drift_touched(void *app_, uint64_t host, uint64_t oid)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = vx_model_by_oid(app->model, oid);

    if (app->stopping) {
        return;
    }
    if (!oid) {
        vx_fabric_host_networks(app->fabric, host, touch_network, app);
    } else if (obj && obj->kind == VX_NETWORK) {
        touch_network(app, oid);
    } else if (obj && obj->kind == VX_PORT) {
        touch_port(app, oid);
    }
}

static void
iface_changed(void *app_, uint64_t host, const char *iface_id,
              uint32_t ofport)
{
    struct vx_app *app = app_;

    if (app->stopping) {
        return;
    }
    app->epoch++;
    app->receipt = vx_receipts_open(app->receipts,
                                    vx_commit_revision(app->commit));
    app->attach_touched = true;
    vx_fabric_iface(app->fabric, host, iface_id, ofport);
    app->attach_touched = false;
    vx_receipt_close(app->receipt);
    app->receipt = NULL;
}

static void
port_settled(void *app_, uint64_t port)
{
    struct vx_app *app = app_;

    if (!app->stopping) {
        vx_ports_touch(app->ports, port);
    }
}

static void
port_evaluated(void *app_, uint64_t port)
{
    struct vx_app *app = app_;

    if (!app->stopping) {
        vx_moves_look(app->moves, port);
    }
}

static void
receipts_confirmed(void *app_)
{
    struct vx_app *app = app_;

    if (!app->stopping) {
        vx_wait_look_revision(app->ports);
        vx_gws_realized(app->gws);
    }
}

static bool
evaluate_port(void *app, uint64_t port, struct vx_port_status *ret_status)
{
    vx_app_probes_look(app, port);
    return vx_app_port_status(app, port, ret_status);
}

static void
packet_in(void *app_, uint64_t host, enum vx_tier tier,
          const struct vx_packet_in *in)
{
    struct vx_app *app = app_;

    if (!vx_punts_heard(app->punts, host, tier, in)) {
        vx_probes_heard(app->probes, host, in->frame, in->size);
    }
}

static uint64_t
confirmed_revision(void *app_)
{
    struct vx_app *app = app_;

    return vx_receipts_confirmed(app->receipts);
}

static void
port_changed(void *app_, uint64_t oid, const struct vx_port_status *status)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = vx_model_by_oid(app->model, oid);
    char name[256];

    vx_app_show_port(app, oid, status);
    vx_gws_port(app->gws, oid);
    if (status->state == VX_PORT_ACTIVE) {
        vx_radv_plugged(app->radv, oid);
    }
    vx_model_path(app->model, obj, name, sizeof name);
    vx_log_debug(name, "%s%s%s", vx_port_state_name(status->state),
                 status->reason[0] ? ": " : "", status->reason);
    vx_app_port_event(app, obj, status);
}

/* --- Once a second: VNIs whose quarantine is over, and what events.c looks
 * after. */

static void
released(void *aux, const struct vx_error *err, const struct vx_obj *obj)
{
    (void) aux;
    (void) obj;
    if (err) {
        vx_log_warn("vni", "%s", err->message);
    }
}

void
vx_app_tick(void *app_)
{
    struct vx_app *app = app_;

    vx_app_events_tick(app);
    vx_gws_tick(app->gws);
    if (!vx_model_count(app->model, VX_RETIRED_VNI)
        || !vx_commit_flush(app->commit, NULL)) {
        return;
    }
    for (int i = 0; i < RELEASE_SLICE; i++) {
        const struct vx_retired_vni *retired =
            vx_model_releasable(app->model, vx_clock_wall_ms(),
                                vx_hosts_min_realized(app->hosts));
        struct vx_op op = { .type = VX_OP_RELEASE, .kind = VX_RETIRED_VNI };

        if (!retired) {
            break;
        }
        op.key.name = retired->o.name;
        vx_app_submit(app, &op, 1, released, NULL);
    }
}

void
vx_app_wire(struct vx_app *app)
{
    struct vx_receipts_env receipts_env = {
        .ctx = app, .port_settled = port_settled,
        .confirmed = receipts_confirmed,
    };
    struct vx_ports_env ports_env = {
        .ctx = app, .base = app->base, .status = evaluate_port,
        .changed = port_changed, .evaluated = port_evaluated,
        .realized = vx_app_realized,
        .confirmed = confirmed_revision,
    };
    struct vx_hosts_env hosts_env = {
        .ctx = app, .base = app->base, .options = &app->options,
        .model = app->model, .revision = applied_revision,
        .submit = vx_app_submit, .joined = host_joined,
        .changed = host_changed,
        .iface = iface_changed, .packet_in = packet_in,
        .differed = host_differed,
    };
    struct vx_commit_env commit_env = {
        .ctx = app, .base = app->base, .model = app->model,
        .store = app->store, .apply = apply_change,
        .applied = changes_applied,
        .undone = change_undone, .now_ms = wall_ms,
    };
    struct vx_audits_env audits_env = {
        .ctx = app, .base = app->base, .model = app->model,
        .interval_ms = app->options.audit_interval_ms,
        .repair = app->options.audit_repair,
        .mono_ms = vx_clock_ms, .wall_ms = vx_clock_wall_ms,
        .drift = drift, .touch = drift_touched, .port_at = port_at,
        .ask_gateway = ask_gateway,
    };
    struct vx_counters_env counters_env = {
        .ctx = app, .base = app->base, .model = app->model,
        .interval_ms = app->options.counters_interval_ms,
        .port_bum_pps = app->options.port_bum_pps,
        .mono_ms = vx_clock_ms, .wall_ms = vx_clock_wall_ms,
        .burst = burst,
    };
    struct vx_watch_config watch_config = { .ring_bytes = 0 };

    app->watch = vx_watch_new(&watch_config,
                              vx_model_revision(app->model));
    app->sink = (struct vx_fabric_sink) {
        .ctx = app, .rows = sink_rows, .locate = sink_locate,
        .port_touched = sink_port_touched, .hop = sink_hop,
    };
    vx_app_grace_on(app);
    app->fabric = vx_fabric_new(&app->sink);
    vx_fabric_set_bum(app->fabric, app->options.port_bum_pps);
    app->moves = vx_moves_new(app);
    app->receipts = vx_receipts_new(&receipts_env);
    app->ports = vx_ports_new(&ports_env);
    vx_app_probes_init(app);
    vx_app_routers_init(app);
    hosts_env.fabric = app->fabric;
    hosts_env.receipts = app->receipts;
    app->hosts = vx_hosts_new(&hosts_env);
    audits_env.hosts = app->hosts;
    app->audits = vx_audits_new(&audits_env);
    counters_env.hosts = app->hosts;
    app->counters = vx_counters_new(&counters_env);
    commit_env.watch = app->watch;
    commit_env.receipts = app->receipts;
    app->commit = vx_commit_new(&commit_env);
    app->gws = vx_gws_new(app);
    vx_app_backend_init(app);
}

void
vx_app_unwire(struct vx_app *app)
{
    vx_gws_free(app->gws);
    vx_hosts_free(app->hosts);
    vx_audits_free(app->audits);
    vx_counters_free(app->counters);
    vx_commit_free(app->commit);
    vx_probes_free(app->probes);
    vx_app_routers_free(app);
    vx_ports_free(app->ports);
    vx_receipts_free(app->receipts);
    vx_fabric_free(app->fabric);
    vx_watch_free(app->watch);
    vx_moves_free(app->moves);
}
