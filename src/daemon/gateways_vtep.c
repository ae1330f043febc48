/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways are told of hosts: a host that gets another VTEP, or has
 * none any more, is behind other entries from then on, and what was told
 * under the old one goes.  Keys are touched only; what becomes of them is
 * found when they are looked at (gateways.c). */
#include <stdio.h>

#include "daemon/app.h"
#include "daemon/gateways_priv.h"

static void
touch_host_port(void *gws, uint64_t port)
{
    vx_gws_port(gws, port);
}

static void
touch_host_network(void *gws_, uint64_t network)
{
    struct vx_gws *gws = gws_;

    vx_fabric_network_ports(gws->app->fabric, network, touch_host_port, gws);
}

/* Each is told who the others are. */
void
vx_gws_touch_gateways(struct vx_gws *gws)
{
    struct vx_gw *gw;

    VX_GWS_FOR_EACH(gw, gws) {
        struct vx_feed_key key = { .type = VX_FEED_GATEWAY };

        snprintf(key.text, sizeof key.text, "%s", gw->name);
        vx_gws_touch(gws, &key);
    }
}

/* What was told of it under the VTEP that it had. */
struct moved_vtep {
    struct vx_gws *gws;
    char vtep[VX_IP_STRLEN];
};

static void
touch_old_vni(struct moved_vtep *moved, const struct vx_network *network)
{
    struct vx_feed_key key = { .type = VX_FEED_VTEP };

    snprintf(key.text, sizeof key.text, "%u %s", network->vni, moved->vtep);
    vx_gws_touch(moved->gws, &key);
}

static void
touch_old_vtep(void *moved_, uint64_t oid)
{
    struct moved_vtep *moved = moved_;
    const struct vx_obj *network = vx_model_by_oid(moved->gws->app->model,
                                                   oid);

    if (network) {
        touch_old_vni(moved, (const void *) network);
    }
}

/* What goes or changes in the same commit: the fabric has it no more, and
 * that change looks for the host's VTEP, which is another by now. */
static void
touch_changed_with_it(struct moved_vtep *moved)
{
    for (size_t i = 0; i < moved->gws->n_changes; i++) {
        const struct vx_obj *old = moved->gws->changes[i].old;

        if (old && old->kind == VX_NETWORK) {
            touch_old_vni(moved, (const void *) old);
        } else if (old && old->kind == VX_PORT) {
            touch_old_vtep(moved, old->parent);
        }
    }
}

/* Its VTEP is another, or may be used now: what is behind it is told anew. */
void
vx_gws_host_changed(struct vx_gws *gws, const struct vx_change *change)
{
    const struct vx_host *old = (const void *) change->old;
    const struct vx_host *new = (const void *) change->new;

    if (!new || new->external || (old && old->stranger == new->stranger
                                  && !vx_ip_compare(&old->vtep,
                                                    &new->vtep))) {
        return;
    }
    if (vx_model_gateway_of_host(gws->app->model, new->o.oid)) {
        vx_gws_touch_gateways(gws);
    }
    if (old) {
        struct moved_vtep moved = { .gws = gws };

        vx_ip_format(&old->vtep, moved.vtep);
        vx_fabric_host_networks(gws->app->fabric, new->o.oid,
                                touch_host_network, gws);
        vx_fabric_host_networks(gws->app->fabric, new->o.oid,
                                touch_old_vtep, &moved);
        touch_changed_with_it(&moved);
    }
}
