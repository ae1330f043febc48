/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of gateways: a part of api/backend.h.
 *
 *   GET  /v1/gateways/G/feed     handle_feed.c    what a gateway is to do
 *   POST /v1/gateways/G/report   handle_report.c  what it has done and heard
 *   GET  /v1/bgp                 handle_bgp.c     both, for a person
 *
 * doc/gateway-feed.md has the protocol.  Strings and arrays are valid for the
 * time of the call. */
#ifndef VX_API_GATEWAYS_H
#define VX_API_GATEWAYS_H

#include "core/findings.h"
#include "core/learned.h"
#include "core/model.h"
#include "lib/err.h"

/* --- The feed. */

struct vx_api_feed;             /* a stream that is open */

struct vx_api_feed_demand {
    const char *gateway;
    const char *epoch;          /* NULL: the reader knows nothing */
    uint64_t since;             /* in that epoch it has read up to here */
    void *aux;
    /* Bytes taken but not yet sent. */
    size_t (*pending)(void *aux);
    void (*write)(void *aux, const char *data, size_t size);
    /* The stream is over; the handle is dead when this returns. */
    void (*end)(void *aux, const struct vx_error *why);
};

/* --- The report. */

enum {
    VX_REPORT_BODY_MAX = 1024 * 1024,   /* bytes */
    VX_REPORT_MAX_ITEMS = 20000,        /* learned, gone: each */
    VX_REPORT_MAX_FAILED = 1000,
    VX_REPORT_MAX_SESSIONS = 16384,
    VX_REPORT_MAX_UNUSED = 100,
    VX_REPORT_MAX_TROUBLES = 8,
    VX_REPORT_MAX_TENANTS = 8,          /* of one of these */
    VX_REPORT_MAX_PARTS = 16,           /* of an audit */
    VX_REPORT_MAX_DRIFTS = 100,         /* listed per part */
    VX_REPORT_WORD = 63,                /* bytes of boot, epoch, state */
    VX_REPORT_TEXT = 250,               /* bytes of what is for a person */
};

enum vx_api_full {
    VX_FULL_NONE, VX_FULL_BEGIN, VX_FULL_PART, VX_FULL_END
};

struct vx_api_failed {
    const char *type, *key, *why;
};

struct vx_api_session {
    const char *peering;        /* "up1", "acme/ce1" */
    const char *family;         /* "ipv4"; "" = all that it has */
    const char *state;          /* "established" */
    const char *error;          /* "" = none */
    int64_t since_ms;           /* wall clock, 0 = not known */
    uint64_t n_in, n_out;       /* prefixes */
};

/* A path that the gateway itself does not use. */
struct vx_api_unused {
    const char *type;           /* as an item of what is learned */
    const char *tenants;        /* whose it may be: "a b"; "" = nobody's */
    const char *path, *why;     /* for a person */
};

/* What the gateway has found of itself. */
struct vx_api_drift {
    unsigned what;              /* enum vx_diff_type */
    const char *object, *row, *found;
    bool is_repaired;
};

struct vx_api_part_audit {
    enum vx_finding_part part;
    const char *result;         /* "ok", or why it could not be looked at */
    uint64_t n_rows, n_found;   /* n_found >= n_items, n_repaired */
    uint64_t n_repaired;
    const struct vx_api_drift *items;
    size_t n_items;
};

struct vx_api_gateway_audit {
    uint64_t nonce;             /* last that was answered, 0 = none */
    bool repair;
    int64_t took_ms, age_ms;
    const struct vx_api_part_audit *parts;
    size_t n_parts;             /* 0 = nothing new */
};

struct vx_api_report {
    const char *gateway, *boot, *epoch;
    uint64_t acked;
    enum vx_api_full full;
    const struct vx_learned *learned, *gone;
    size_t n_learned, n_gone;
    const struct vx_api_failed *failed;     /* NULL: as before */
    size_t n_failed;
    const struct vx_api_session *sessions;  /* NULL: as before; those of one
                                             * peering are together */
    size_t n_sessions;
    const struct vx_api_unused *unused;     /* NULL: as before */
    size_t n_unused;
    const char *trouble;        /* what of the gateway does not work, for a
                                 * person; "" = nothing; NULL: as before */
    const struct vx_api_gateway_audit *audit;   /* NULL: it knows no audits,
                                                 * an older vxgatewayd */
    const char *counters;       /* JSON object, NULL = as before */
    uint64_t n_strays;          /* of it: routes found that nobody wants */
};
struct vx_api_report_waiter;

/* --- What is known. */

struct vx_api_bgp_gateway {
    const char *name;
    const char *state, *reason;
    bool connected;
    int64_t seen_ms;            /* last report, wall clock; 0 = never */
    int64_t since_ms;           /* of the state */
    uint64_t seq, acked, behind;
    uint64_t n_told, n_held, n_learned, n_unused, n_failed;
    const char *counters;       /* JSON object, NULL = none */
};

struct vx_api_bgp_item {
    const char *gateway;
    const char *type;           /* of the feed: "prefix"; of what is learned:
                                 * "route", "route5", "endpoint", "vtep",
                                 * "flowspec" */
    const char *key;
    const char *tenant;         /* "" = none */
    const char *prefix;         /* or what it is about */
    const char *why, *object;   /* of what is announced: "subnet",
                                 * "acme/web/10.0.0.0/24" */
    const char *state;          /* "announced", "waiting", "withheld",
                                 * "withdrawing", "failed"; "used", "unused" */
    const char *reason;
    const char *peering;        /* of what is learned, "" = not known */
    uint64_t revision;
    const char *families;       /* of what is announced: JSON strings */
    const char *withheld;       /* likewise: JSON objects, peerings whose
                                 * filters keep it back */
};

struct vx_api_bgp_query {
    const char *tenant;         /* NULL = all */
    const char *after;          /* where the last page ended, NULL = start */
    size_t limit;               /* items of all gateways together */
    void *aux;
    void (*gateway)(void *aux, const struct vx_api_bgp_gateway *gateway);
    /* peering: NULL if it is not there (any more). */
    void (*session)(void *aux, const struct vx_api_session *session,
                    const struct vx_peering *peering);
    void (*announced)(void *aux, const struct vx_api_bgp_item *item);
    void (*learned)(void *aux, const struct vx_api_bgp_item *item);
};

struct vx_api_gateways {
    void *ctx;

    /* NULL on failure: VX_NOT_FOUND, VX_BUSY. Nothing is written from within.
     * A stream of the same gateway that is open ends. */
    struct vx_api_feed *(*open)(void *ctx,
                                const struct vx_api_feed_demand *demand,
                                struct vx_error *err);
    /* Writes what is new as long as little is pending; call it once after
     * open and whenever what was written has been sent. */
    void (*pump)(struct vx_api_feed *feed);
    /* The reader is gone; end is not called. */
    void (*close)(struct vx_api_feed *feed);

    /* done is called once, when what was reported is durable or refused,
     * maybe from within.  NULL with err: the report is not taken. *ret_waiter
     * is dead once done was called. */
    bool (*report)(void *ctx, const struct vx_api_report *report,
                   void (*done)(void *aux, uint64_t revision), void *aux,
                   struct vx_api_report_waiter **ret_waiter,
                   struct vx_error *err);
    /* The client is gone. */
    void (*cancel)(void *ctx, struct vx_api_report_waiter *waiter);

    /* Fills next (NUL if that was all). */
    bool (*bgp)(void *ctx, const struct vx_api_bgp_query *query,
                char next[512], struct vx_error *err);
};

#endif
