/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller knows when it starts: the store's records become the
 * model, the model is told to the fabric and the hosts.
 *
 * Apart from app.c, so that the simulation (tests/sim) starts a controller
 * without sockets and signals by the same code. */
#include "daemon/app.h"

#include "api/codec.h"
#include "daemon/gateways.h"
#include "daemon/hosts.h"
#include "daemon/ports.h"
#include "lib/clock.h"
#include "store/store.h"

static bool
load_record(void *app_, const struct vx_store_record *record,
            struct vx_error *err)
{
    struct vx_app *app = app_;
    struct vx_obj *obj = vx_codec_record_parse((enum vx_kind) record->kind,
                                               record->oid, record->revision,
                                               record->body, record->size,
                                               err);

    return obj && vx_model_load(app->model, obj, err);
}

bool
vx_app_load(struct vx_app *app, struct vx_error *err)
{
    struct vx_model_config config = {
        .vni_ranges = app->options.vni_ranges,
        .n_vni_ranges = app->options.n_vni_ranges,
        .vni_reserved = app->options.vni_reserved,
        .n_vni_reserved = app->options.n_vni_reserved,
        .vni_quarantine_ms = app->options.vni_quarantine_ms,
        .mac_prefix = app->options.mac_prefix,
    };
    struct vx_store_config store_config = {
        .dir = app->options.state_dir,
        .journal_lines = app->options.journal_revisions,
    };
    struct vx_store_counters counters;

    if (!config.n_vni_ranges) {
        config.vni_ranges = NULL;
    }
    app->model = vx_model_new(&config);
    if (!vx_store_open(&store_config, &app->store, err)
        || !vx_store_load(app->store, load_record, app, &counters, err)) {
        return false;
    }
    vx_model_loaded(app->model, counters.revision, counters.last_oid);
    return true;
}

/* The one before may have been killed in the middle of a move. */
static void
linger(struct vx_app *app, const struct vx_port *port)
{
    int64_t age_ms = vx_clock_wall_ms() - port->left_ms;

    if (port->left && age_ms >= 0 && age_ms < app->options.grace_ms) {
        vx_fabric_linger(app->fabric, port->o.oid);
    }
}

void
vx_app_replay(struct vx_app *app)
{
    static const enum vx_kind order[] = {
        VX_ZONE, VX_HOST, VX_TENANT, VX_NETWORK, VX_SUBNET, VX_PORT,
        VX_ROUTE, VX_POLICY, VX_GATEWAY, VX_PEERING, VX_UPLINK
    };

    app->sink_mode = VX_SINK_MUTE;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct vx_iter iter;
        const struct vx_obj *obj;

        vx_iter_init(&iter, app->model, order[i], NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            vx_fabric_change(app->fabric, NULL, obj);
            vx_app_watch_hosts(app, NULL, obj);
            if (obj->kind == VX_HOST && !vx_obj_is_external(obj)) {
                vx_fabric_unheard(app->fabric, obj->oid, true);
                vx_hosts_update(app->hosts, NULL, (const void *) obj);
            } else if (obj->kind == VX_PORT) {
                linger(app, (const void *) obj);
                vx_ports_touch(app->ports, obj->oid);
            }
        }
    }
    app->sink_mode = VX_SINK_LIVE;
    vx_app_routers_start(app);
    vx_gws_start(app->gws);
}

void
vx_app_unload(struct vx_app *app)
{
    vx_model_free(app->model);
    vx_store_close(app->store);
}
