/* SPDX-License-Identifier: Apache-2.0 */
/* vxfabricd: start, wiring, stop.
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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "api/server.h"
#include "api/watch.h"
#include "daemon/commit.h"
#include "daemon/hosts.h"
#include "daemon/ports.h"
#include "daemon/receipts.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "store/store.h"
#include "vxconfig.h"

enum { N_PRIORITIES = 3, RELEASE_SLICE = 256 };

int64_t
vx_app_wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * (int64_t) 1000 + ts.tv_nsec / 1000000;
}

int64_t
vx_app_mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * (int64_t) 1000 + ts.tv_nsec / 1000000;
}

static int64_t
wall_ms(void *app)
{
    (void) app;
    return vx_app_wall_ms();
}

void
vx_app_event(struct vx_app *app, enum vx_app_event event,
             const char *object, const char *text)
{
    static const char *const names[] = {
        [VX_EVENT_PORT_ACTIVE] = "port-active",
        [VX_EVENT_HOST_ACTIVE] = "host-active",
        [VX_EVENT_HOST_DOWN] = "host-down",
        [VX_EVENT_VNI_EXHAUSTION] = "vni-exhaustion",
    };
    struct vx_buf members = VX_BUF_INIT;

    app->n_events[event]++;
    vx_buf_puts(&members, "\"object\":");
    vx_json_string(&members, object);
    vx_buf_puts(&members, ",\"text\":");
    vx_json_string(&members, text);
    vx_watch_event(app->watch, names[event], vx_buf_str(&members));
    vx_buf_fini(&members);
}

void
vx_app_refused(struct vx_app *app, const struct vx_error *err)
{
    if (err->code == VX_EXHAUSTED && strstr(err->field, "vni")) {
        vx_log_warn("vni", "%s", err->message);
        vx_app_event(app, VX_EVENT_VNI_EXHAUSTION, "vni", err->message);
    }
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

static void
located(void *aux, const struct vx_error *err, const struct vx_obj *obj)
{
    (void) aux;
    (void) obj;
    if (err) {
        vx_log_warn("locate", "%s", err->message);
    }
}

/* The fabric is in the middle of something: only noted here. */
static void
sink_locate(void *app_, uint64_t port, uint64_t host)
{
    struct vx_app *app = app_;

    if (app->sink_mode == VX_SINK_LIVE) {
        app->locates = vx_grow(app->locates, &app->cap_locates,
                               app->n_locates + 1, sizeof *app->locates);
        app->locates[app->n_locates++] = (struct vx_locate) { port, host };
        event_active(app->locate_work, EV_TIMEOUT, 0);
    }
}

static void
submit_locates(evutil_socket_t fd, short what, void *app_)
{
    struct vx_app *app = app_;
    struct vx_locate *locates = app->locates;
    size_t n = app->n_locates;

    (void) fd;
    (void) what;
    app->locates = NULL;
    app->n_locates = app->cap_locates = 0;
    for (size_t i = 0; i < n; i++) {
        const struct vx_obj *port = vx_model_by_oid(app->model,
                                                    locates[i].port);
        const struct vx_obj *host = vx_model_by_oid(app->model,
                                                    locates[i].host);
        struct vx_op op = { .type = VX_OP_LOCATE, .kind = VX_PORT };

        if (port && host) {
            op.key = vx_model_key(app->model, port);
            op.spec.port.host = host->name;
            vx_app_submit(app, &op, 1, located, NULL);
        }
    }
    free(locates);
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
    if (obj->kind == VX_HOST && change->new) {
        vx_hosts_update(app->hosts, (const void *) change->old,
                        (const void *) change->new);
    }
    vx_fabric_change(app->fabric, change->old, change->new);
    if (obj->kind == VX_HOST && !change->new) {
        vx_hosts_update(app->hosts, (const void *) change->old, NULL);
    }
    app->receipt = NULL;
    app->attach_touched = false;
    if (obj->kind == VX_PORT) {
        if (change->new) {
            vx_ports_touch(app->ports, obj->oid);
        } else {
            vx_receipts_forget(app->receipts, obj->oid);
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

static uint64_t
committed_revision(void *app_)
{
    struct vx_app *app = app_;

    return vx_commit_revision(app->commit);
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
    if (obj) {
        struct vx_api_host_status status;

        vx_app_event(app, ready ? VX_EVENT_HOST_ACTIVE : VX_EVENT_HOST_DOWN,
                     obj->name, "");
        if (vx_app_host_status(app, host, &status)) {
            struct vx_key key = vx_model_key(app->model, obj);
            char path[VX_API_PATH_MAX];

            vx_watch_status(app->watch,
                            vx_codec_path_format(VX_HOST, &key, path),
                            status.state, status.reason);
        }
    }
    if (ready) {
        vx_hosts_warm(app->hosts, host);
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
receipts_confirmed(void *app_)
{
    struct vx_app *app = app_;

    if (!app->stopping) {
        vx_wait_look_revision(app->ports);
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
    struct vx_key key = vx_model_key(app->model, obj);
    char path[VX_API_PATH_MAX], name[256];

    vx_watch_status(app->watch, vx_codec_path_format(VX_PORT, &key, path),
                    vx_port_state_name(status->state), status->reason);
    vx_model_path(app->model, obj, name, sizeof name);
    vx_log_debug(name, "%s%s%s", vx_port_state_name(status->state),
                 status->reason[0] ? ": " : "", status->reason);
    if (status->state == VX_PORT_ACTIVE) {
        vx_app_event(app, VX_EVENT_PORT_ACTIVE, name, "");
    }
}

/* --- Once a second: VNIs whose quarantine is over. */

static void
released(void *aux, const struct vx_error *err, const struct vx_obj *obj)
{
    (void) aux;
    (void) obj;
    if (err) {
        vx_log_warn("vni", "%s", err->message);
    }
}

static void
tick(evutil_socket_t fd, short what, void *app_)
{
    struct vx_app *app = app_;

    (void) fd;
    (void) what;
    if (!vx_model_count(app->model, VX_RETIRED_VNI)
        || !vx_commit_flush(app->commit, NULL)) {
        return;
    }
    for (int i = 0; i < RELEASE_SLICE; i++) {
        const struct vx_retired_vni *retired =
            vx_model_releasable(app->model, vx_app_wall_ms(),
                                vx_hosts_min_realized(app->hosts));
        struct vx_op op = { .type = VX_OP_RELEASE, .kind = VX_RETIRED_VNI };

        if (!retired) {
            break;
        }
        op.key.name = retired->o.name;
        vx_app_submit(app, &op, 1, released, NULL);
    }
}

/* --- Start. */

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

static bool
load(struct vx_app *app, struct vx_error *err)
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

/* The fabric and the host table learn what was loaded. */
static void
replay(struct vx_app *app)
{
    static const enum vx_kind order[] = {
        VX_ZONE, VX_HOST, VX_TENANT, VX_NETWORK, VX_SUBNET, VX_PORT
    };

    app->sink_mode = VX_SINK_MUTE;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct vx_iter iter;
        const struct vx_obj *obj;

        vx_iter_init(&iter, app->model, order[i], NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            vx_fabric_change(app->fabric, NULL, obj);
            if (obj->kind == VX_HOST) {
                vx_hosts_update(app->hosts, NULL, (const void *) obj);
            } else if (obj->kind == VX_PORT) {
                vx_ports_touch(app->ports, obj->oid);
            }
        }
    }
    app->sink_mode = VX_SINK_LIVE;
}

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
    (void) peer;
    (void) size;
    vx_hosts_accept_openflow(app->hosts, fd);
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
on_signal(evutil_socket_t signal, short what, void *app_)
{
    struct vx_app *app = app_;

    (void) what;
    vx_log_info("vxfabricd", "signal %d: stopping", (int) signal);
    event_base_loopbreak(app->base);
}

static void
start_signals(struct vx_app *app)
{
    static const int signals[] = { SIGTERM, SIGINT };
    static const struct timeval second = { 1, 0 };

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < 2; i++) {
        app->signals[i] = evsignal_new(app->base, signals[i], on_signal,
                                       app);
        event_add(app->signals[i], NULL);
    }
    app->tick = event_new(app->base, -1, EV_PERSIST, tick, app);
    event_add(app->tick, &second);
}

static void
wire(struct vx_app *app)
{
    struct vx_receipts_env receipts_env = {
        .ctx = app, .port_settled = port_settled,
        .confirmed = receipts_confirmed,
    };
    struct vx_ports_env ports_env = {
        .ctx = app, .base = app->base, .status = vx_app_port_status,
        .changed = port_changed, .realized = vx_app_realized,
        .confirmed = confirmed_revision,
    };
    struct vx_hosts_env hosts_env = {
        .ctx = app, .base = app->base, .options = &app->options,
        .model = app->model, .revision = committed_revision,
        .submit = vx_app_submit, .changed = host_changed,
        .iface = iface_changed,
    };
    struct vx_commit_env commit_env = {
        .ctx = app, .base = app->base, .model = app->model,
        .store = app->store, .apply = apply_change, .now_ms = wall_ms,
    };
    struct vx_watch_config watch_config = { .ring_bytes = 0 };

    app->watch = vx_watch_new(&watch_config,
                              vx_model_revision(app->model));
    app->sink = (struct vx_fabric_sink) {
        .ctx = app, .rows = sink_rows, .locate = sink_locate,
        .port_touched = sink_port_touched,
    };
    app->fabric = vx_fabric_new(&app->sink);
    app->locate_work = event_new(app->base, -1, 0, submit_locates, app);
    app->receipts = vx_receipts_new(&receipts_env);
    app->ports = vx_ports_new(&ports_env);
    hosts_env.fabric = app->fabric;
    hosts_env.receipts = app->receipts;
    app->hosts = vx_hosts_new(&hosts_env);
    commit_env.watch = app->watch;
    commit_env.receipts = app->receipts;
    app->commit = vx_commit_new(&commit_env);
    vx_app_backend_init(app);
}

static bool
make_dir(const char *path, mode_t mode, struct vx_error *err)
{
    return !mkdir(path, mode) || errno == EEXIST
           || vx_fail(err, VX_UNAVAILABLE, "", "cannot make directory %s: "
                      "%s", path, strerror(errno));
}

/* Two OpenFlow and one OVSDB connection per host. */
static void
raise_fd_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool
start(struct vx_app *app, struct vx_error *err)
{
    raise_fd_limit();
    app->base = event_base_new();
    event_base_priority_init(app->base, N_PRIORITIES);
    if (!make_dir(app->options.run_dir, 0755, err) || !load(app, err)) {
        return false;
    }
    wire(app);
    replay(app);
    start_signals(app);
    if (!listen_all(app, err)) {
        return false;
    }
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
    app->stopping = true;
    if (app->commit) {
        vx_commit_flush(app->commit, NULL);
    }
    if (app->server) {
        vx_server_free(app->server);
    }
    if (app->ovsdb_listener) {
        evconnlistener_free(app->ovsdb_listener);
    }
    if (app->openflow_listener) {
        evconnlistener_free(app->openflow_listener);
    }
    vx_hosts_free(app->hosts);
    vx_commit_free(app->commit);
    vx_ports_free(app->ports);
    vx_receipts_free(app->receipts);
    vx_fabric_free(app->fabric);
    vx_watch_free(app->watch);
    for (size_t i = 0; i < 3; i++) {
        if (app->signals[i]) {
            event_free(app->signals[i]);
        }
    }
    if (app->tick) {
        event_free(app->tick);
    }
    if (app->locate_work) {
        event_free(app->locate_work);
    }
    free(app->locates);
    vx_model_free(app->model);
    vx_store_close(app->store);
    event_base_free(app->base);
    vx_options_fini(&app->options);
}

int
vx_daemon_main(int argc, char **argv)
{
    struct vx_app app = { .started_ms = vx_app_mono_ms() };
    struct vx_error err;
    int status = 1;

    vx_options_init(&app.options);
    switch (vx_options_parse(&app.options, argc, argv, &err)) {
    case VX_OPTIONS_HELP:
        fputs(vx_options_usage, stdout);
        vx_options_fini(&app.options);
        return 0;
    case VX_OPTIONS_VERSION:
        printf("vxfabricd %s\n", PACKAGE_VERSION);
        vx_options_fini(&app.options);
        return 0;
    case VX_OPTIONS_BAD:
        fprintf(stderr, "vxfabricd: %s\n", err.message);
        vx_options_fini(&app.options);
        return 2;
    case VX_OPTIONS_RUN:
        break;
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
