/* SPDX-License-Identifier: Apache-2.0 */
/* vxgatewayd: start and stop.  Leaves everything as it is when it ends: what
 * is announced stays announced (zebra and the reflector keep it for the
 * restart time), unless --withdraw-on-exit was given. */
#include "gateway/app.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "shell/process.h"
#include "vxconfig.h"

static void
on_stop(void *app_, int signal)
{
    struct vx_gw_app *app = app_;

    vx_log_info("vxgatewayd", "signal %d: stopping, %s", signal,
                app->options.withdraw_on_exit ? "withdraws everything"
                                              : "everything stays announced");
}

/* Two in one network namespace would fight over VRFs, and zebra 8.4 ends when
 * two clients of one route type go.  An abstract name is of the namespace and
 * goes with the process, however it ends. */
static bool
be_alone(struct vx_gw_app *app, struct vx_error *err)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    static const char name[] = "vxgatewayd";

    memcpy(addr.sun_path + 1, name, sizeof name - 1);
    app->alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return !bind(app->alone, (struct sockaddr *) &addr,
                 (socklen_t) (offsetof(struct sockaddr_un, sun_path)
                              + sizeof name))
           || vx_fail(err, VX_EXISTS, "", "another vxgatewayd runs on this "
                      "machine: one gateway needs one (%s)",
                      strerror(errno));
}

static bool
start(struct vx_gw_app *app, struct vx_error *err)
{
    struct vx_process_spec spec = {
        .stop = on_stop, .tick = vx_gw_app_tick, .aux = app,
    };

    spec.base = app->base = event_base_new();
    if (!be_alone(app, err)
        || !vx_process_make_dir(app->options.run_dir, 0700, err)) {
        return false;
    }
    app->process = vx_process_new(&spec);
    if (!vx_gw_app_wire(app, err) || !vx_gw_app_serve_metrics(app, err)) {
        return false;
    }
    vx_log_info("vxgatewayd", "version %s, gateway %s, controller %s",
                PACKAGE_VERSION, app->options.name, app->options.server);
    return true;
}

static void
stop(struct vx_gw_app *app)
{
    vx_process_notify("STOPPING=1");
    if (app->metrics) {
        evhttp_free(app->metrics);
    }
    vx_process_free(app->process);
    vx_gw_app_unwire(app);
    close(app->alone);
    event_base_free(app->base);
    vx_gw_options_fini(&app->options);
}

int
vx_gw_main(int argc, char **argv)
{
    struct vx_gw_app app = { .started_ms = vx_clock_ms() };
    enum vx_conf_verdict verdict;
    struct vx_error err;
    int status = 1;

    vx_gw_options_init(&app.options);
    verdict = vx_gw_options_parse(&app.options, argc, argv, &err);
    if (verdict != VX_CONF_RUN) {
        vx_gw_options_fini(&app.options);
        return vx_conf_say(verdict, "vxgatewayd", vx_gw_options_usage, &err);
    }
    vx_log_set_level(app.options.log_level);
    if (start(&app, &err)) {
        status = event_base_dispatch(app.base) < 0;
    } else {
        vx_log_error("vxgatewayd", "%s", err.message);
    }
    stop(&app);
    return status;
}
