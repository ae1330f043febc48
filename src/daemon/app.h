/* SPDX-License-Identifier: Apache-2.0 */
/* The controller as one call, and the parts its files share.
 *
 *   app.c      start, stop, signals
 *   load.c     from the store to the model, fabric and hosts
 *   react.c    wiring: what follows from what
 *   moves.c    ports that change hosts, and what stays behind
 *   events.c   where events are born
 *   proofs.c   what probes of ports are made from
 *   routers.c  what the gateway hears and says itself
 *   facts.c    what the status of a port or host is made from
 *   gateways*.c  what gateways are told and report
 *   backend.c  what the API asks (api/backend.h)
 *   plan.c     dry run
 *   metrics.c  Prometheus text; of what hosts count: metrics_traffic.c */
#ifndef VX_DAEMON_APP_H
#define VX_DAEMON_APP_H 1

#include "api/backend.h"
#include "core/fabric.h"
#include "core/model.h"
#include "daemon/events.h"
#include "daemon/options.h"

struct event;
struct event_base;
struct evconnlistener;
struct vx_audits;
struct vx_commit;
struct vx_counters;
struct vx_gws;
struct vx_hooks;
struct vx_hops;
struct vx_hosts;
struct vx_moves;
struct vx_ports;
struct vx_probes;
struct vx_process;
struct vx_punts;
struct vx_radv;
struct vx_receipt;
struct vx_receipts;
struct vx_server;
struct vx_store;
struct vx_watch;

/* Where the rows the fabric emits go. */
enum vx_sink_mode {
    VX_SINK_LIVE,       /* to the switches */
    VX_SINK_COUNT,      /* dry run */
    VX_SINK_MUTE,       /* start-up, undo of a dry run */
};

/* Which (host, network) pairs are short of a ready host, remembered while
 * nothing changes; see facts.c. */
struct vx_away_cache {
    uint64_t network, epoch;
    unsigned n_away;
    const char *name;
    uint64_t name_oid;
};

struct vx_app {
    struct vx_options options;
    struct event_base *base;
    struct vx_store *store;
    struct vx_model *model;
    struct vx_fabric *fabric;
    struct vx_receipts *receipts;
    struct vx_ports *ports;
    struct vx_probes *probes;
    struct vx_hosts *hosts;
    struct vx_punts *punts;
    struct vx_radv *radv;
    struct vx_hops *hops;
    struct vx_borders *borders;
    struct event *settle;           /* zones whose path has changed */
    uint64_t *opened;
    size_t n_opened, cap_opened;
    struct vx_audits *audits;
    struct vx_counters *counters;
    struct vx_commit *commit;
    struct vx_watch *watch;
    struct vx_hooks *hooks;
    struct vx_gws *gws;
    struct vx_server *server;
    struct vx_api_backend backend;
    struct evconnlistener *ovsdb_listener, *openflow_listener;
    struct vx_process *process;
    struct event *pulse;

    struct vx_fabric_sink sink;
    enum vx_sink_mode sink_mode;
    struct vx_moves *moves;
    bool attach_touched;            /* receipt covers every touched port */
    struct vx_receipt *receipt;     /* of the change being applied */
    struct vx_plan *plan;           /* while sink_mode is COUNT */
    struct vx_away_cache away[64];
    uint64_t epoch;                 /* of what the cache depends on */
    int64_t started_ms;
    int64_t pulse_due_ms;           /* the loop's lateness, see app.c */
    uint64_t n_late, late_max_ms;
    uint64_t n_events[VX_N_EVENTS];
    int64_t exhaustion_ms;          /* when it was told, 0 = never */
    uint64_t look_after;            /* see events.c */
    bool looked_after;
    size_t n_told_active, n_told_hosts;    /* to systemd; see app.c */
    bool stopping;
};

/* Runs vxfabricd in the foreground with the command line given, until a
 * signal or a fatal error ends it. Returns the exit status. */
int vx_daemon_main(int argc, char **argv);

/* Makes operations durable; done as vx_hosts_env.submit. */
void vx_app_submit(void *app, const struct vx_op *ops, size_t n,
                   void (*done)(void *aux, const struct vx_error *err,
                                const struct vx_obj *obj), void *aux);

/* load.c */
/* Opens the store, makes the model. Also after a failure: vx_app_unload. */
bool vx_app_load(struct vx_app *app, struct vx_error *err);
/* The wired fabric and host table learn what was loaded; sends nothing. */
void vx_app_replay(struct vx_app *app);
void vx_app_unload(struct vx_app *app);

/* react.c */
void vx_app_wire(struct vx_app *app);
/* The fabric may keep things for a while; not while it rehearses. */
void vx_app_grace_on(struct vx_app *app);
/* Frees what vx_app_wire made; set app->stopping before. */
void vx_app_unwire(struct vx_app *app);
/* Once a second: VNIs whose quarantine is over. */
void vx_app_tick(void *app);

/* proofs.c */
void vx_app_probes_init(struct vx_app *app);
/* The probes of a port see it as it is now. */
void vx_app_probes_look(struct vx_app *app, uint64_t port);
/* A port was changed, made (old NULL) or deleted (new NULL). */
void vx_app_probes_change(struct vx_app *app, const struct vx_obj *old,
                          const struct vx_obj *new);
/* Those who watch are told the status of the port. */
void vx_app_show_port(struct vx_app *app, uint64_t port,
                      const struct vx_port_status *status);

/* routers.c */
void vx_app_routers_init(struct vx_app *app);
/* The fabric knows what was loaded. */
void vx_app_routers_start(struct vx_app *app);
void vx_app_routers_free(struct vx_app *app);
/* A zone's path changes: it settles when the switches had the time. */
void vx_app_zone_opened(struct vx_app *app, uint64_t zone);
/* An object has changed: on which hosts much depends. */
void vx_app_watch_hosts(struct vx_app *app, const struct vx_obj *old,
                        const struct vx_obj *new);

/* facts.c */
bool vx_app_port_status(void *app, uint64_t port,
                        struct vx_port_status *ret_status);
bool vx_app_host_status(void *app, uint64_t host,
                        struct vx_api_host_status *ret_status);
bool vx_app_realized(void *app, uint64_t oid);

/* backend.c */
void vx_app_backend_init(struct vx_app *app);

/* events.c; the rest in events.h */
/* A submit was refused: exhaustion is an event. */
void vx_app_refused(struct vx_app *app, const struct vx_error *err);

/* plan.c */
void vx_app_plan(struct vx_app *app, const struct vx_api_submit *submit);
void vx_plan_count(struct vx_plan *plan, const uint64_t *hosts,
                   size_t n_hosts, const struct vx_delta *delta);

/* metrics.c */
void vx_app_metrics(void *app, struct vx_buf *out);
/* metrics_traffic.c */
void vx_app_metrics_traffic(const struct vx_app *app, struct vx_buf *out);

#endif
