/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of events and hooks: a part of api/backend.h.  Strings
 * are valid for the time of the call. */
#ifndef VX_API_HOOKS_H
#define VX_API_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/* What hooks and watchers are told of. */
enum vx_app_event {
    VX_EVENT_PORT_ACTIVE, VX_EVENT_PORT_DOWN, VX_EVENT_HOST_JOIN,
    VX_EVENT_HOST_ACTIVE, VX_EVENT_HOST_DOWN, VX_EVENT_HOST_DRAIN,
    VX_EVENT_DRIFT, VX_EVENT_VNI_LOW, VX_EVENT_VNI_EXHAUSTION,
    VX_EVENT_HOP_UP, VX_EVENT_HOP_DOWN,
    VX_EVENT_BURST_START, VX_EVENT_BURST_END,
    VX_EVENT_GATEWAY_UP, VX_EVENT_GATEWAY_DOWN,
    VX_EVENT_BGP_UP, VX_EVENT_BGP_DOWN,
    VX_EVENT_ROUTE_ANNOUNCED, VX_EVENT_ROUTE_WITHDRAWN, VX_N_EVENTS
};
/* "host-active"; by enum, NULL at the end. */
extern const char *const vx_api_event_names[VX_N_EVENTS + 1];

struct vx_api_hook {
    const char *name;           /* "host-active/10-log", or the URL */
    const char *type;           /* "exec" or "webhook" */
    const char *events;         /* "host-active", "host-join,host-down" */
    const char *state;          /* "ok", "paused", "disabled", "refused" */
    const char *reason;         /* "" if ok */
    uint64_t n_waiting, n_running;          /* runs */
    uint64_t n_done, n_failed, n_dead;      /* since the start; n_failed
                                             * counts attempts */
};

struct vx_api_event {
    uint64_t seq;
    const char *body;           /* JSON object, has all there is */
};

struct vx_api_run {
    uint64_t id, seq;           /* of the run, of its event */
    int64_t event_ms;           /* wall clock: when the event was born */
    int64_t time_ms;            /* wall clock: last change of the run */
    const char *hook, *event, *object;
    const char *state;          /* "waiting", "running", "done", "dead" */
    unsigned attempts;
    const char *result;         /* of the last attempt */
    const char *output;         /* what it printed, cut */
};

struct vx_api_run_query {
    uint64_t before;            /* ids below, 0 = from the newest */
    size_t limit;
    const char *state;          /* NULL = any */
    const char *hook;           /* NULL = any */
};

struct vx_api_hooks {
    void *ctx;
    void (*list)(void *ctx,
                 void (*each)(void *aux, const struct vx_api_hook *hook),
                 void *aux);
    /* Oldest first, seq > since; name NULL = any. */
    bool (*events)(void *ctx, uint64_t since, size_t limit, const char *name,
                   void (*each)(void *aux, const struct vx_api_event *event),
                   void *aux, struct vx_error *err);
    /* Newest first. */
    bool (*runs)(void *ctx, const struct vx_api_run_query *query,
                 void (*each)(void *aux, const struct vx_api_run *run),
                 void *aux, struct vx_error *err);
    /* A run that is done or dead, or waits for its next attempt, is tried
     * now.  VX_NOT_FOUND, VX_IN_USE if it is running, VX_BUSY. */
    bool (*retry)(void *ctx, uint64_t id, struct vx_error *err);
    /* An event with "test": true; its runs go the whole way.  VX_NOT_FOUND
     * if there is no such event. */
    bool (*test)(void *ctx, const char *event, uint64_t *ret_seq,
                 size_t *ret_n_runs, struct vx_error *err);
};

#endif
