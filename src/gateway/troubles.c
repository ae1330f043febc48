/* SPDX-License-Identifier: Apache-2.0 */
/* What of this gateway does not work, as an operator reads it in the reason
 * of the gateway: daemons that are away and are needed here.  What it means
 * for a single entry or session is told with that one. */
#include <stdio.h>

#include "api/codec.h"
#include "gateway/app.h"

/* Elements so far, and where they go. */
struct telling {
    struct vx_buf *out;
    unsigned n;
};

static void
tell(struct telling *t, const char *what, const char *why)
{
    char text[VX_GW_TROUBLE_MAX + 1];

    snprintf(text, sizeof text, "%.60s%.180s", what, why);
    vx_buf_puts(t->out, t->n++ ? "," : "");
    vx_json_string(t->out, text);
}

/* Routes go through its API; the VTY is for its configuration. */
static void
tell_zebra(const struct vx_gw_app *app, struct telling *t)
{
    const struct bg_zebra_status *status = bg_zebra_status(app->zebra);

    if (status->state == BG_ZEBRA_CONNECTING) {
        tell(t, "zebra: not connected: it has not answered yet", "");
    } else if (status->state != BG_ZEBRA_UP) {
        tell(t, "zebra: not connected: ", status->why);
    }
}

static void
tell_frr(const struct vx_gw_app *app, enum vx_gw_frr_daemon daemon,
         struct telling *t)
{
    const struct vx_gw_frr *frr = vx_gw_node_frr(app->node, daemon);

    if (!vx_gw_frr_is_up(frr)) {
        tell(t, "", vx_gw_frr_why(frr));
    }
}

static void
tell_speaker(const struct vx_gw_app *app, struct telling *t)
{
    struct bg_session_status status;

    if (vx_gw_speaker_get_status(app->speaker, &status)
        && status.state != BG_ESTABLISHED) {
        tell(t, "reflector: no session with it: ",
             status.error[0] ? status.error : "not yet");
    }
}

static bool
has_peerings(const struct vx_gw_app *app, bool of_tenants)
{
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        if (!entry->value->peering.tenant != of_tenants) {
            return true;
        }
    }
    return false;
}

void
vx_gw_app_put_troubles(void *app_, struct vx_buf *out)
{
    struct vx_gw_app *app = app_;
    struct telling t = { .out = out };

    if (app->zebra) {
        tell_zebra(app, &t);
    }
    if (has_peerings(app, true)) {
        tell_frr(app, VX_GW_BGPD, &t);
    }
    if (has_peerings(app, false)) {
        unsigned n = t.n;

        tell_frr(app, VX_GW_REFLECTOR, &t);
        if (t.n == n) {
            tell_speaker(app, &t);
        }
    }
    if (app->bfdd_why[0] && vx_gw_app_wants_bfd(app)) {
        tell(&t, "bfdd: ", app->bfdd_why);
    }
}
