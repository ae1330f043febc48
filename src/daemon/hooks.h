/* SPDX-License-Identifier: Apache-2.0 */
/* From an event to those who want to know: executables and webhooks.
 *
 *   vx_hooks_event   the event is born: noted
 *   some ms later    ONE transaction: events, a run per hook, what was told
 *                    of objects, how runs ended -> durable
 *   then             core/hookq says what starts -> hook_exec, webhook
 *   ended            done, again later, or dead: with the next transaction
 *   start            what waited or ran when we ended runs (again)
 *
 * At least once: a hook may see an event twice, after a crash between its
 * end and the transaction that notes it; the seq of the event tells.  A
 * number is durable before a hook sees it.
 *
 * "Told" is the last event of an object that was written.  Events of state
 * (host-active, port-active) are made from comparing what is with what was
 * told, so that one that a crash swallowed is made after it, and a restart
 * of the controller does not repeat them all.
 *
 * Everything is bounded: events not written yet, runs that wait, children,
 * output, what is kept. */
#ifndef VX_DAEMON_HOOKS_H
#define VX_DAEMON_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/hooks.h"
#include "daemon/options.h"
#include "lib/err.h"

struct event_base;
struct vx_buf;
struct vx_hooks;
struct vx_store;

enum {
    VX_HOOKS_MAX_UNWRITTEN = 200000,    /* events */
    VX_HOOKS_DATA_MAX = 16 * 1024,      /* bytes of an object in an event */
};

struct vx_hooks_env {
    void *ctx;
    struct event_base *base;
    /* Called before objects are asked for: commits what is only staged. */
    void (*settle)(void *ctx);
    /* Appends JSON of the object as it is now; false if there is none. */
    bool (*data)(void *ctx, uint64_t oid, struct vx_buf *out);
    const struct vx_options *options;   /* outlives the hooks */
    struct vx_store *store;             /* outlives the hooks */
    const char *const *events;          /* names of all events, NULL at end;
                                         * static */
    int64_t (*wall_ms)(void);
    int64_t (*mono_ms)(void);           /* never jumps */
};

bool vx_hooks_new(const struct vx_hooks_env *env, struct vx_hooks **ret_hooks,
                  struct vx_error *err);
/* Children are told to end; what is known is written. */
void vx_hooks_free(struct vx_hooks *hooks);

struct vx_hooks_event {
    const char *name;           /* one of env.events */
    const char *object;
    const char *text;           /* for a person, may be "" */
    const char *data;           /* JSON of what it is about; NULL: the object
                                 * told_oid */
    uint64_t told_oid;          /* with the event, */
    unsigned told;              /* this becomes the last told of the object;
                                 * ignored where oid is 0.  The object goes
                                 * with the event, as it is when that is
                                 * written: what waits is small */
    bool test;
};
/* False if there is no room: the event is lost, nothing was told. */
bool vx_hooks_event(struct vx_hooks *hooks,
                    const struct vx_hooks_event *event);

/* 0 if nothing was told. */
unsigned vx_hooks_told(const struct vx_hooks *hooks, uint64_t oid);
/* Without an event; 0: the object is gone. */
void vx_hooks_tell(struct vx_hooks *hooks, uint64_t oid, unsigned told);
/* The next oid above the given one of which something was told; 0 = none. */
uint64_t vx_hooks_told_after(const struct vx_hooks *hooks, uint64_t oid);

/* Events and ends that are noted and not written. */
size_t vx_hooks_pending(const struct vx_hooks *hooks);
/* Writes what is noted now. */
bool vx_hooks_flush(struct vx_hooks *hooks, struct vx_error *err);

struct vx_hooks_counters {
    size_t n_waiting, n_running;        /* runs */
    uint64_t n_done, n_failed, n_dead;  /* since the start; attempts failed */
    uint64_t n_dead_kept;
    uint64_t n_lost;                    /* events without room */
    uint64_t n_overflow;                /* runs that found the queue full */
};
void vx_hooks_counters(struct vx_hooks *hooks,
                       struct vx_hooks_counters *ret_counters);

const struct vx_api_hooks *vx_hooks_api(struct vx_hooks *hooks);

#endif
