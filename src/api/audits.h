/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of audits: a part of api/backend.h.  Strings are valid
 * for the time of the call; times are wall clock, ms, 0 = never. */
#ifndef VX_API_AUDITS_H
#define VX_API_AUDITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct vx_api_audit_host {
    const char *host;
    const char *state;          /* "idle", "waiting", "running" */
    const char *result;         /* of the last audit: "ok", or why it did
                                 * not come to its end, "" = none yet */
    int64_t audited_ms;         /* when the last one came to its end */
    int64_t took_ms;
    uint64_t n_rows;            /* compared in the last */
    uint64_t n_found, n_repaired;       /* in the last */
    uint64_t n_open;            /* differences that are there still */
    uint64_t n_left_out;        /* of these, counted only */
};

/* What the last look found to differ. */
struct vx_api_audit_drift {
    const char *what, *object, *row, *found, *state;    /* as of a finding */
};

/* Of a gateway. */
struct vx_api_audit_part {
    const char *part;           /* "zebra", "bgpd", "reflector", "speaker",
                                 * "kernel" */
    const char *result;         /* of the last look: "ok", or why it could not
                                 * be looked at */
    uint64_t n_rows, n_found, n_repaired;
    const struct vx_api_audit_drift *drifts;    /* the first of them */
    size_t n_drifts;
};

struct vx_api_audit_gateway {
    const char *gateway, *host;
    /* As of a host; state "waiting": asked, not answered yet. */
    struct vx_api_audit_host sum;
    const struct vx_api_audit_part *parts;
    size_t n_parts;             /* 0 = never looked at, or not answered */
};

struct vx_api_finding {
    uint64_t id;
    const char *host;
    const char *gateway;        /* "" = the host's own */
    const char *bridge;         /* "br-tenant", "br-fabric" or "" */
    const char *kind;           /* "flow", "group", "bucket", "meter",
                                 * "ovsdb"; the part of a gateway */
    const char *what;           /* "missing", "altered", "foreign" */
    const char *state;          /* "open", "repaired", "gone" */
    const char *object;         /* "port acme/web/vm1" */
    const char *row;            /* wanted, or foreign */
    const char *found;          /* what is there instead */
    int64_t since_ms, seen_ms;
    int64_t over_ms;            /* repaired, or found gone */
    uint64_t n_times;
};

enum vx_api_audit_which {
    VX_AUDIT_ALL,               /* also those that are over */
    VX_AUDIT_OPEN,
    VX_AUDIT_LAST,              /* found by the last audit of their host */
};

struct vx_api_audit_query {
    const char *host;           /* NULL = all; with the gateways on it */
    const char *gateway;        /* only this; NULL = all */
    enum vx_api_audit_which which;
    void (*each_host)(void *aux, const struct vx_api_audit_host *host);
    void (*each_gateway)(void *aux,
                         const struct vx_api_audit_gateway *gateway);
    void (*each)(void *aux, const struct vx_api_finding *finding);
    void *aux;
};

struct vx_api_audit_demand {
    const char *host, *gateway; /* as above */
    bool repair;
    int64_t timeout_ms;         /* > 0 */
    /* Called once, never from within demand; the handle is dead then. */
    void (*woken)(void *aux, bool complete);
    void *aux;
};
struct vx_api_audit_waiter;

struct vx_api_audits {
    void *ctx;
    /* VX_NOT_FOUND if there is no such host or gateway. */
    bool (*query)(void *ctx, const struct vx_api_audit_query *query,
                  struct vx_error *err);
    /* NULL on failure, as above. */
    struct vx_api_audit_waiter *(*demand)(
        void *ctx, const struct vx_api_audit_demand *demand,
        struct vx_error *err);
    /* The client is gone. */
    void (*cancel)(void *ctx, struct vx_api_audit_waiter *waiter);
};

#endif
