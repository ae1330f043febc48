/* SPDX-License-Identifier: Apache-2.0 */
/* vxgatewayd: start and stop.  Leaves everything as it is when it ends: what
 * is announced stays announced (zebra and the reflector keep it for the
 * restart time), unless --withdraw-on-exit was given. */
#include "gateway/app.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "gateway/notify.h"
#include "vxconfig.h"

static int64_t
clock_ms(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
vx_gw_app_mono_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t
vx_gw_app_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

static void
on_signal(evutil_socket_t signal, short what, void *app_)
{
    struct vx_gw_app *app = app_;

    (void) what;
    vx_log_info("vxgatewayd", "signal %d: stopping, %s", (int) signal,
                app->options.withdraw_on_exit ? "withdraws everything"
                                              : "everything stays announced");
    event_base_loopbreak(app->base);
}

static void
on_tick(evutil_socket_t fd, short what, void *app)
{
    (void) fd;
    (void) what;
    vx_gw_app_tick(app);
}

static void
start_signals(struct vx_gw_app *app)
{
    static const int signals[] = { SIGTERM, SIGINT };
    static const struct timeval second = { 1, 0 };

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);       /* a full disk is an error, not the end */
    for (size_t i = 0; i < 2; i++) {
        app->signals[i] = evsignal_new(app->base, signals[i], on_signal,
                                       app);
        event_add(app->signals[i], NULL);
    }
    app->tick = event_new(app->base, -1, EV_PERSIST, on_tick, app);
    event_add(app->tick, &second);
}

/* Namespaces are looked at through sockets of their own. */
static void
raise_fd_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
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
    const char *dir = app->options.run_dir;

    raise_fd_limit();
    app->base = event_base_new();
    if (!be_alone(app, err)) {
        return false;
    }
    if (mkdir(dir, 0700) && errno != EEXIST) {
        return vx_fail(err, VX_UNAVAILABLE, "", "cannot make directory %s: "
                       "%s", dir, strerror(errno));
    }
    if (!vx_gw_app_wire(app, err) || !vx_gw_app_serve_metrics(app, err)) {
        return false;
    }
    start_signals(app);
    vx_log_info("vxgatewayd", "version %s, gateway %s, controller %s",
                PACKAGE_VERSION, app->options.name, app->options.server);
    return true;
}

static void
stop(struct vx_gw_app *app)
{
    vx_gw_notify("STOPPING=1");
    if (app->metrics) {
        evhttp_free(app->metrics);
    }
    for (size_t i = 0; i < 2; i++) {
        if (app->signals[i]) {
            event_free(app->signals[i]);
        }
    }
    if (app->tick) {
        event_free(app->tick);
    }
    vx_gw_app_unwire(app);
    close(app->alone);
    event_base_free(app->base);
    vx_gw_options_fini(&app->options);
}

int
vx_gw_main(int argc, char **argv)
{
    struct vx_gw_app app = { .started_ms = vx_gw_app_mono_ms() };
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
