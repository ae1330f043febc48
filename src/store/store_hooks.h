/* SPDX-License-Identifier: Apache-2.0 */
/* Durable events and hook runs, beside intent in the same database.
 *
 *     born:   vx_store_hooks_commit with the event and a run per hook
 *     ended:  vx_store_hooks_commit with the run as it is now
 *     start:  vx_store_hooks_load: what was told, what is still to run
 *
 * Bounded: the newest events and ended runs are kept, by number; an event is
 * kept as long as a run of it is.  Errors and rules as in store.h. */
#ifndef VX_STORE_STORE_HOOKS_H
#define VX_STORE_STORE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct vx_store;

enum vx_run_state {
    VX_RUN_WAITING,             /* or running */
    VX_RUN_DONE,
    VX_RUN_DEAD,                /* a dead letter */
    VX_N_RUN_STATES
};

struct vx_store_event {
    uint64_t seq;               /* > 0, never used twice */
    int64_t time_ms;            /* wall clock, ms since the epoch */
    const char *name;           /* "host-active" */
    const char *object;         /* "h1", "acme/web/vm1" */
    const char *body;           /* JSON object */
};

struct vx_store_run {
    uint64_t id;                /* > 0, never used twice */
    uint64_t event;             /* seq */
    const char *hook;           /* "host-active/10-log", "https://..." */
    enum vx_run_state state;
    unsigned attempts;          /* that have ended */
    int64_t time_ms;            /* of the last change */
    const char *result;         /* of the last attempt, "" if none */
    const char *output;         /* what it printed, "" if nothing */
    size_t output_size;         /* bytes */
};

/* The last event of an object that was told (daemon/events.c). */
struct vx_store_told {
    uint64_t oid;
    unsigned state;             /* 0 = forget it */
};

struct vx_store_hooks_batch {
    const struct vx_store_event *events;
    size_t n_events;
    const struct vx_store_run *runs;    /* new, or instead of the old */
    size_t n_runs;
    const struct vx_store_told *told;
    size_t n_told;
    /* How much is kept; what is more is deleted, oldest first. */
    uint64_t keep_events, keep_done, keep_dead;
    bool trim;                  /* now; else another time */
};

/* Everything or nothing; durable when it returns true. */
bool vx_store_hooks_commit(struct vx_store *store,
                           const struct vx_store_hooks_batch *batch,
                           struct vx_error *err);

struct vx_store_hooks_load {
    void *aux;
    void (*told)(void *aux, const struct vx_store_told *told);
    /* Runs that wait, by id, each with its event. */
    void (*run)(void *aux, const struct vx_store_run *run,
                const struct vx_store_event *event);
    uint64_t last_seq, last_run;        /* out; 0 if there is none */
};
bool vx_store_hooks_load(struct vx_store *store,
                         struct vx_store_hooks_load *load,
                         struct vx_error *err);

/* Events with seq > since, oldest first; name NULL: of any name.  The
 * callback returns false to stop. */
struct vx_store_event_query {
    uint64_t since;
    size_t limit;
    const char *name;
};
typedef bool vx_store_event_cb(void *aux, const struct vx_store_event *event);
bool vx_store_events(struct vx_store *store,
                     const struct vx_store_event_query *query,
                     vx_store_event_cb *cb, void *aux, struct vx_error *err);

/* Runs with id < before, newest first, with their events. */
struct vx_store_run_query {
    uint64_t before;            /* 0 = from the newest */
    size_t limit;
    int state;                  /* enum vx_run_state, -1 = any */
    const char *hook;           /* NULL = any */
    uint64_t id;                /* only this one, 0 = any */
};
typedef bool vx_store_run_cb(void *aux, const struct vx_store_run *run,
                             const struct vx_store_event *event);
bool vx_store_runs(struct vx_store *store,
                   const struct vx_store_run_query *query,
                   vx_store_run_cb *cb, void *aux, struct vx_error *err);

/* How many there are, by state. */
bool vx_store_runs_count(struct vx_store *store,
                         uint64_t ret_counts[VX_N_RUN_STATES],
                         struct vx_error *err);

#endif
