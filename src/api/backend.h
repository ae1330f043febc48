/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of the controller.
 *
 * The handlers know HTTP, JSON and the model; how a change becomes durable
 * and real is behind this struct of functions.  vxfabricd implements it; a
 * test implements it in a page over a bare model.  All calls come from the
 * loop's thread; none may block, except for the fsync of a commit.
 *
 * Life of a change:
 *   submit (stages) ... end of turn: store commit, model commit ... done
 *   -> [wait ... woken] -> reply */
#ifndef VX_API_BACKEND_H
#define VX_API_BACKEND_H

#include "api/audits.h"
#include "api/codec.h"
#include "api/counters.h"
#include "api/gateways.h"
#include "api/hooks.h"
#include "api/watch.h"
#include "core/model.h"
#include "lib/buf.h"
#include "lib/err.h"

/* What a dry run found: rows that would be sent. */
struct vx_api_plan_host {
    const char *name;
    uint64_t n_add, n_del;      /* rows, both tiers */
};
struct vx_api_plan {
    const struct vx_api_plan_host *hosts;   /* those that are touched */
    size_t n_hosts;
};

/* How a submit ended.  Everything in it is valid for the time of the call. */
struct vx_api_outcome {
    const struct vx_error *err;         /* NULL = committed (or planned) */
    size_t failed;                      /* index of the op at fault,
                                         * SIZE_MAX if none in particular */
    const struct vx_model *model;       /* to name things with: after the
                                         * commit, or, of a dry run, staged;
                                         * NULL on failure */
    const struct vx_result *results;    /* n of them; the daemon holds a
                                         * reference to each obj */
    uint64_t revision;                  /* of the batch; if nothing changed,
                                         * of the model */
    const struct vx_api_plan *plan;     /* dry run only, else NULL */
};
typedef void vx_api_done(void *aux, const struct vx_api_outcome *outcome);

struct vx_api_submit {
    const struct vx_op *ops;    /* borrowed until done: the change may have
                                 * to wait for gateways */
    size_t n;
    bool dry_run;               /* stage, plan, call done, roll back */
    vx_api_done *done;          /* called once: from within submit (refused,
                                 * dry run) or later in the turn, after the
                                 * group commit.  May submit again. */
    void *aux;
};

/* What a request with ?wait= waits for: each of the oids that still exists
 * is active (ports, hosts; others are ignored), and every host that is
 * connected has confirmed the revision. */
struct vx_api_wait {
    const uint64_t *oids;       /* borrowed for the time of the call */
    size_t n_oids;
    uint64_t revision;
    int64_t timeout_ms;         /* from now, > 0 */
    /* Called once, never from within wait; the handle is dead then. */
    void (*woken)(void *aux, bool realized);
    void *aux;
};
struct vx_api_waiter;

struct vx_api_info {
    const char *version;
    uint64_t revision;          /* committed */
    uint64_t realized_revision; /* the lowest of the connected hosts */
    uint64_t n_hosts, n_hosts_active;
    bool healthy;               /* can commit */
    char reason[256];           /* if not */
};

/* A host that is connected and may not join.  Strings are borrowed for the
 * time of the call. */
struct vx_api_refused_host {
    const char *name, *system_id, *vtep, *zone, *peer, *reason;
};
typedef void vx_api_refused_cb(void *aux,
                               const struct vx_api_refused_host *host);

struct vx_api_backend {
    void *ctx;

    /* The committed model; commits first what is staged (so a reader never
     * sees what is not durable).  Not to be kept over a return to the loop.
     * NULL if that commit failed: answer 503. */
    const struct vx_model *(*model)(void *ctx);

    void (*submit)(void *ctx, const struct vx_api_submit *submit);

    /* Level-triggered status, as of now.  False if unknown. */
    bool (*port_status)(void *ctx, uint64_t port,
                        struct vx_port_status *ret_status);
    bool (*host_status)(void *ctx, uint64_t host,
                        struct vx_api_host_status *ret_status);

    /* What gateways report; of a peering, or of an uplink, by its oid.  False
     * if unknown; NULL: always. */
    bool (*gateway_status)(void *ctx, uint64_t gateway,
                           struct vx_api_gateway_status *ret_status);
    bool (*peering_status)(void *ctx, uint64_t peering,
                           struct vx_api_peering_status *ret_status);

    /* Whether gateways have told peers of the policy, by FlowSpec.  NULL:
     * they never have. */
    bool (*policy_told)(void *ctx, uint64_t policy);

    /* Whether the port takes packets as a next hop.  NULL: every port
     * does. */
    vx_port_alive *port_alive;

    /* Never NULL. */
    struct vx_api_waiter *(*wait)(void *ctx, const struct vx_api_wait *wait);
    /* The client is gone: woken must not be called any more. */
    void (*cancel)(void *ctx, struct vx_api_waiter *waiter);

    /* Calls f for each refused host. */
    void (*refused)(void *ctx, vx_api_refused_cb *f, void *aux);

    void (*info)(void *ctx, struct vx_api_info *ret_info);
    /* Appends Prometheus text. */
    void (*metrics)(void *ctx, struct vx_buf *out);

    /* Lines with revision > since (vx_store_journal + vx_watch_format). */
    bool (*journal)(void *ctx, uint64_t since, size_t max_lines,
                    vx_watch_line_cb *line, void *aux, struct vx_error *err);

    /* NULL if there are none: its paths are not there then. */
    const struct vx_api_hooks *hooks;
    const struct vx_api_audits *audits;
    const struct vx_api_counters *counters;
    const struct vx_api_gateways *gateways;
};

#endif
