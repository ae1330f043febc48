/* SPDX-License-Identifier: Apache-2.0 */
/* Whether bgpd means it when routes go.
 *
 * A bgpd that is stopped withdraws all its routes from zebra before it
 * leaves, though graceful restart has its peers go on.  From then on it never
 * comes back to its event loop.  So it is asked something, over a VTY of its
 * own: if it answers, it has meant what it had withdrawn before it was asked;
 * if it leaves, it has not, and the routes are kept like those of a bgpd that
 * was killed (bgp/zebra_session.h). */
#include <stdio.h>

#include "gateway/app.h"
#include "lib/clock.h"
#include "lib/log.h"

enum { UNANSWERED_MS = 25000, ABSENT_MS = 5000 };

static void ask(struct vx_gw_app *app);

static void
answered(void *app_, bool ok, const char *text, const struct vx_error *err)
{
    struct vx_gw_app *app = app_;

    (void) text;
    app->asking_doubt = false;
    if (!ok && err->code != VX_INVALID) {
        vx_log_debug("doubts", "%s", err->message);
        return;                     /* the tick asks again */
    }
    app->believed = app->doubt_asked;
    bg_zebra_believe(app->zebra, app->doubt_asked);
    ask(app);
}

static void
ask(struct vx_gw_app *app)
{
    if (app->doubt <= app->believed || app->asking_doubt
        || !vx_gw_vty_is_up(app->doubts_vty)) {
        return;
    }
    app->asking_doubt = true;
    app->doubt_asked = app->doubt;
    vx_gw_vty_ask(app->doubts_vty, "show version", answered, app);
}

void
vx_gw_app_doubted(void *app_, uint64_t number)
{
    struct vx_gw_app *app = app_;

    if (app->doubt <= app->believed) {
        app->doubted_ms = vx_clock_ms();
    }
    app->doubt = number;
    ask(app);
}

void
vx_gw_app_doubts_end(struct vx_gw_app *app)
{
    /* Those that are left are kept as they are; see client_closed. */
    app->believed = app->doubt;
}

void
vx_gw_app_doubts_tick(struct vx_gw_app *app)
{
    int64_t age = vx_clock_ms() - app->doubted_ms;
    bool is_up = vx_gw_vty_is_up(app->doubts_vty);

    if (app->doubt <= app->believed || !app->zebra) {
        return;
    }
    if (age > UNANSWERED_MS || (age > ABSENT_MS && !is_up)) {
        vx_log_warn("doubts", "bgpd does not answer: what it has withdrawn "
                    "is gone");
        app->believed = app->doubt;
        bg_zebra_believe(app->zebra, app->doubt);
    } else {
        ask(app);
    }
}

static void
on_up(void *app_)
{
    struct vx_gw_app *app = app_;
    pid_t pid = vx_gw_vty_peer(app->doubts_vty);
    bool is_new = !pid || pid != app->bgpd_pid;

    app->bgpd_pid = pid;
    if (app->zebra && is_new) {
        bg_zebra_bgp_is_back(app->zebra);
    }
    vx_gw_app_find_strays(app, is_new);
    ask(app);
}

void
vx_gw_app_doubts_start(struct vx_gw_app *app)
{
    static const struct vx_gw_vty_callbacks callbacks = { on_up, NULL };
    char path[512];

    snprintf(path, sizeof path, "%s/bgpd.vty", app->options.vty_dir);
    app->doubts_vty = vx_gw_vty_new(app->base, path, &callbacks, app);
}
