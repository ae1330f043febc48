/* SPDX-License-Identifier: Apache-2.0 */
/* vxfabricd: start and stop.
 *
 *   API -> commit -> store, model -> fabric -> hosts -> switches
 *                                       ^-- interfaces of hosts
 *   switches -> receipts -> ports -> waiters, watch
 *
 * Holds no logic of its own; each part's header says what it does. */
#include "daemon/app.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>

#include "api/server.h"
#include "daemon/commit.h"
#include "daemon/gateways.h"
#include "daemon/hooks.h"
#include "daemon/hosts.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "shell/process.h"
#include "vxconfig.h"

enum { N_PRIORITIES = 3, PULSE_MS = 100, LATE_MS = 10 };

/* --- Start. */

static void
accept_ovsdb(struct evconnlistener *listener, evutil_socket_t fd,
             struct sockaddr *peer, int size, void *app_)
{
    struct vx_app *app = app_;

    (void) listener;
    (void) size;
    vx_hosts_accept_ovsdb(app->hosts, fd, peer);
}

static void
accept_openflow(struct evconnlistener *listener, evutil_socket_t fd,
                struct sockaddr *peer, int size, void *app_)
{
    struct vx_app *app = app_;

    (void) listener;
    (void) size;
    vx_hosts_accept_openflow(app->hosts, fd, peer);
}

static struct evconnlistener *
listen_tcp(struct vx_app *app, const char *addr, evconnlistener_cb cb,
           struct vx_error *err)
{
    struct sockaddr_storage ss;
    int size = sizeof ss;
    struct evconnlistener *listener;

    if (strncmp(addr, "tcp:", 4)
        || evutil_parse_sockaddr_port(addr + 4, (struct sockaddr *) &ss,
                                      &size)
        || !strrchr(addr + 4, ':')) {
        vx_fail(err, VX_INVALID, "", "\"%s\" is not tcp:IP:PORT", addr);
        return NULL;
    }
    listener = evconnlistener_new_bind(app->base, cb, app,
                                       LEV_OPT_REUSEABLE
                                       | LEV_OPT_CLOSE_ON_FREE
                                       | LEV_OPT_CLOSE_ON_EXEC, 1024,
                                       (struct sockaddr *) &ss, size);
    if (!listener) {
        vx_fail(err, VX_UNAVAILABLE, "", "cannot listen on %s: %s", addr,
                strerror(errno));
    }
    return listener;
}

static bool
listen_all(struct vx_app *app, struct vx_error *err)
{
    struct vx_server_config config = {
        .base = app->base, .backend = &app->backend, .watch = app->watch,
    };

    app->server = vx_server_new(&config);
    for (size_t i = 0; i < app->options.n_api; i++) {
        if (!vx_server_listen(app->server, app->options.api[i], err)) {
            return false;
        }
        vx_log_info("api", "listening on %s", app->options.api[i]);
    }
    app->ovsdb_listener = listen_tcp(app, app->options.ovsdb, accept_ovsdb,
                                     err);
    if (!app->ovsdb_listener) {
        return false;
    }
    app->openflow_listener = listen_tcp(app, app->options.openflow,
                                        accept_openflow, err);
    return app->openflow_listener != NULL;
}

static void
on_stop(void *app, int signal)
{
    (void) app;
    vx_log_info("vxfabricd", "signal %d: stopping", signal);
}

/* How it is, in a line of systemctl status. */
static void
tell_status(struct vx_app *app, const char *ready)
{
    size_t n_active, n_hosts = vx_model_count(app->model, VX_HOST), unused;

    vx_hosts_counts(app->hosts, &n_active, &unused, &unused, &unused);
    if (*ready || n_active != app->n_told_active
        || n_hosts != app->n_told_hosts) {
        vx_process_notify("%sSTATUS=%zu of %zu hosts are active", ready,
                          n_active, n_hosts);
        app->n_told_active = n_active;
        app->n_told_hosts = n_hosts;
    }
}

static void
on_tick(void *app)
{
    vx_app_tick(app);
    tell_status(app, "");
}

/* A timer every 100 ms that looks how late it is: something has kept the loop
 * from its events for that long. */
static void
pulse(evutil_socket_t fd, short what, void *app_)
{
    static const struct timeval tv = { 0, PULSE_MS * 1000 };
    struct vx_app *app = app_;
    int64_t now = vx_clock_ms(), late = now - app->pulse_due_ms;

    (void) fd;
    (void) what;
    if (app->pulse_due_ms && late > LATE_MS) {
        app->n_late++;
        if ((uint64_t) late > app->late_max_ms) {
            app->late_max_ms = (uint64_t) late;
        }
        vx_log_debug("loop", "%lld ms late", (long long) late);
    }
    app->pulse_due_ms = now + PULSE_MS;
    event_add(app->pulse, &tv);
}

static void
start_process(struct vx_app *app)
{
    const struct vx_process_spec spec = {
        .base = app->base, .stop = on_stop, .tick = on_tick, .aux = app,
    };

    app->process = vx_process_new(&spec);
    app->pulse = event_new(app->base, -1, 0, pulse, app);
    event_priority_set(app->pulse, 0);
    pulse(-1, 0, app);
}

static void
settle(void *app_)
{
    struct vx_app *app = app_;

    if (app->commit) {
        vx_commit_drain(app->commit, NULL);
    }
}

static bool
start_hooks(struct vx_app *app, struct vx_error *err)
{
    const struct vx_hooks_env env = {
        .ctx = app, .base = app->base, .settle = settle,
        .data = vx_app_event_data,
        .options = &app->options, .store = app->store,
        .events = vx_api_event_names, .wall_ms = vx_clock_wall_ms,
        .mono_ms = vx_clock_ms,
    };

    return vx_hooks_new(&env, &app->hooks, err);
}

static bool
start(struct vx_app *app, struct vx_error *err)
{
    app->base = event_base_new();
    event_base_priority_init(app->base, N_PRIORITIES);
    if (!vx_process_make_dir(app->options.run_dir, 0755, err)
        || !vx_app_load(app, err)) {
        return false;
    }
    if (!start_hooks(app, err)) {
        return false;
    }
    vx_app_wire(app);
    vx_app_replay(app);
    start_process(app);
    if (!listen_all(app, err)) {
        return false;
    }
    tell_status(app, "READY=1\n");
    vx_log_info("vxfabricd", "version %s, revision %llu, %zu hosts, %zu "
                "networks, %zu ports", PACKAGE_VERSION,
                (unsigned long long) vx_model_revision(app->model),
                vx_model_count(app->model, VX_HOST),
                vx_model_count(app->model, VX_NETWORK),
                vx_model_count(app->model, VX_PORT));
    return true;
}

static void
stop(struct vx_app *app)
{
    vx_process_notify("STOPPING=1");
    app->stopping = true;
    if (app->commit) {
        vx_commit_drain(app->commit, NULL);
    }
    vx_gws_stop(app->gws);
    if (app->server) {
        vx_server_free(app->server);
    }
    /* Before what events are made from. */
    vx_hooks_free(app->hooks);
    if (app->ovsdb_listener) {
        evconnlistener_free(app->ovsdb_listener);
    }
    if (app->openflow_listener) {
        evconnlistener_free(app->openflow_listener);
    }
    vx_app_unwire(app);
    vx_process_free(app->process);
    if (app->pulse) {
        event_free(app->pulse);
    }
    vx_app_unload(app);
    event_base_free(app->base);
    vx_options_fini(&app->options);
}

int
vx_daemon_main(int argc, char **argv)
{
    struct vx_app app = { .started_ms = vx_clock_ms() };
    enum vx_conf_verdict verdict;
    struct vx_error err;
    int status = 1;

    vx_options_init(&app.options);
    verdict = vx_options_parse(&app.options, argc, argv, &err);
    if (verdict != VX_CONF_RUN) {
        vx_options_fini(&app.options);
        return vx_conf_say(verdict, "vxfabricd", vx_options_usage, &err);
    }
    vx_log_set_level(app.options.log_level);
    if (start(&app, &err)) {
        status = event_base_dispatch(app.base) < 0;
    } else {
        vx_log_error("vxfabricd", "%s", err.message);
    }
    stop(&app);
    return status;
}
