/* SPDX-License-Identifier: Apache-2.0 */
/* Whether tenants' peers go on with what has been withdrawn.
 *
 * When bgpd dies they keep what it has told them, by graceful restart: until
 * it is back and has told them all again, or their patience is over.  So what
 * is withdrawn meanwhile is not acknowledged before that: whoever waits for it
 * learns that packets may still come.  The same when zebra was restarted under
 * bgpd, which hears of nothing that is withdrawn, and announces it, until it
 * has subscribed again and what it missed has been taken back (peers.c,
 * ghosts.c).  (The fabric's peers are none of it: the reflector has no
 * graceful restart, and no zebra.) */
#include "gateway/app.h"
#include "lib/clock.h"

enum {
    PATIENCE_MS = 1000 * VX_GW_RESTART_S + 1000,
    SETTLED_MS = 2000,          /* with End-of-RIB */
    HEARD_MS = 1000,            /* until peers have heard of it, too */
};

void
vx_gw_app_note_bgpd(struct vx_gw_app *app)
{
    const struct vx_gw_frr *frr = vx_gw_node_frr(app->node, VX_GW_BGPD);
    struct vx_gw_frr_counts counts;

    vx_gw_frr_get_counts(frr, &counts);
    if (!vx_gw_frr_is_up(frr) && counts.n_connects
        && app->bgpd_seen != counts.n_connects) {
        app->bgpd_seen = counts.n_connects;
        app->bgpd_lost_ms = vx_clock_ms();
    }
}

/* All tenants' peers that were there when bgpd went. */
static bool
are_back(const struct vx_gw_app *app)
{
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        const struct vx_gw_peering *peering = &entry->value->peering;

        if (peering->tenant
            && (!entry->down_ms || entry->down_ms >= app->bgpd_lost_ms)
            && !vx_gw_app_peer_is_up(app, peering, SETTLED_MS)) {
            return false;
        }
    }
    return true;
}

/* bgpd announces what zebra has no more. */
static bool
is_deaf(struct vx_gw_app *app)
{
    int64_t now_ms = vx_clock_ms();

    if (app->deaf_ms
        && (now_ms - app->deaf_ms > PATIENCE_MS
            || (!app->bgpd_deaf && !app->n_ghosts
                && now_ms - app->heard_ms > HEARD_MS))) {
        app->deaf_ms = 0;
    }
    return app->deaf_ms;
}

bool
vx_gw_app_peers_keep(struct vx_gw_app *app)
{
    const struct vx_gw_frr *frr = vx_gw_node_frr(app->node, VX_GW_BGPD);

    vx_gw_app_note_bgpd(app);
    if (app->bgpd_lost_ms
        && (vx_clock_ms() - app->bgpd_lost_ms > PATIENCE_MS
            || (vx_gw_frr_is_up(frr) && vx_gw_frr_is_done(frr)
                && are_back(app)))) {
        app->bgpd_lost_ms = 0;
    }
    return app->bgpd_lost_ms || is_deaf(app);
}
