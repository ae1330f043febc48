/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of counters: a part of api/backend.h.  Strings are valid
 * for the time of the call; times are wall clock, ms. */
#ifndef VX_API_COUNTERS_H
#define VX_API_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/locality.h"
#include "lib/err.h"

struct vx_buf;

/* A network in a zone. */
struct vx_api_traffic {
    const char *tenant, *network, *zone;
    struct vx_traffic traffic;
};

struct vx_api_locality_query {
    const char *tenant, *network, *zone;        /* NULL = all; a network is
                                                 * one of the tenant given */
    void (*each)(void *aux, const struct vx_api_traffic *traffic);
    void *aux;
};

struct vx_api_burst {
    uint64_t id;
    bool active;
    const char *host, *zone;
    const char *kind;           /* of the object: "port", "network",
                                 * "tenant", "host", "policy" */
    const char *object;         /* its full name, "" if it is no more */
    const char *tenant, *network;       /* it belongs to, "" = none */
    const char *budget;         /* "out_kbps", ... */
    uint64_t rate;              /* of it, 0 = no more */
    const char *unit;           /* "kbit/s" or "packets/s" */
    uint64_t dropped;           /* packets */
    uint64_t packets, bytes;    /* offered, until last_ms */
    int64_t since_ms, last_ms;
};

struct vx_api_counters_waiter;

struct vx_api_counters {
    void *ctx;
    /* VX_NOT_FOUND if there is no such tenant, network or zone. */
    bool (*locality)(void *ctx, const struct vx_api_locality_query *query,
                     struct vx_error *err);
    void (*bursts)(void *ctx,
                   void (*each)(void *aux, const struct vx_api_burst *burst),
                   void *aux);
    struct vx_policy_count (*policy)(void *ctx, uint64_t policy);
    /* Counts anew where the last time is more than a second ago.  woken is
     * called once, never from within; complete: of all connected hosts.
     * NULL: there is nothing to wait for. */
    struct vx_api_counters_waiter *(*refresh)(
        void *ctx, void (*woken)(void *aux, bool complete), void *aux);
    /* The client is gone. */
    void (*cancel)(void *ctx, struct vx_api_counters_waiter *waiter);
};

/* Appends the burst as JSON. */
void vx_api_burst_write(const struct vx_api_burst *burst,
                        struct vx_buf *out);
/* Bits a second that were offered; 0 if unknown. */
uint64_t vx_api_burst_bps(const struct vx_api_burst *burst);

#endif
