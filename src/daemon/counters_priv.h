/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by counters.c (who is asked, when, what), counters_api.c (who wants
 * to know) and counters_burst.c (whose a burst is); nobody else includes
 * it. */
#ifndef VX_DAEMON_COUNTERS_PRIV_H
#define VX_DAEMON_COUNTERS_PRIV_H

#include "core/counts.h"
#include "daemon/counters.h"
#include "lib/tree.h"

struct event;

enum { VX_COUNT_STEPS = 9 };

/* A host. */
struct counted {
    struct vx_tree_node by_oid;
    struct vx_counters *owner;
    uint64_t oid;
    int64_t due_ms;             /* mono; INT64_MAX = never */
    bool urgent;                /* somebody waits for it */
    bool lost;                  /* was told to be away */

    bool running;
    bool is_due;                /* this turn is not only for who asks: meters
                                 * too, or bursts would be over sooner the
                                 * more people look */
    bool asking;                /* a request is out */
    bool forgotten;             /* deleted; freed when that comes back */
    unsigned step, n_tries;
    unsigned split, n_splits;   /* of the step */
    struct event *timer;        /* of its next request */
    struct vx_count *rows;      /* of the step, so far */
    size_t n_rows, cap_rows;
    bool transits;              /* a border: passes traffic on */
    uint64_t n_resyncs[2];      /* as they were, by tier */
    bool restarted[2];          /* perhaps, since the last turn */

    struct vx_tally tallies[VX_COUNT_STEPS];
    int64_t tallied_ms[VX_COUNT_STEPS];         /* mono, 0 = never */
    size_t n_last[VX_COUNT_STEPS];      /* rows */
    int64_t begun_ms;           /* mono: of this turn */
    int64_t ended_ms;           /* mono: of the last one, however */
    int64_t counted_ms;         /* mono: of the last that was complete */
};

struct vx_api_counters_waiter {
    struct vx_counters *owner;
    struct vx_api_counters_waiter *prev, *next;
    struct event *timer;
    int64_t need_ms;            /* mono: turns that ended since count */
    bool woken_soon;            /* the timer only tells it */
    void (*woken)(void *aux, bool complete);
    void *aux;
};

struct vx_counters {
    struct vx_counters_env env;
    struct vx_api_counters api;
    struct vx_tree hosts;       /* struct counted */
    size_t n_running;
    struct event *tick;
    int64_t started_ms;         /* mono */
    struct vx_locality *locality;
    struct vx_bursts *bursts;
    struct vx_api_counters_waiter *waiters;
    uint64_t n_turns, n_broken;
};

/* counters.c */
bool vx_counted_is_there(const struct counted *c);
void vx_counters_kick(struct vx_counters *counters);
/* Hosts that are new in the model. */
void vx_counters_learn(struct vx_counters *counters);

/* counters_api.c */
void vx_counters_api_init(struct vx_counters *counters);
/* A turn has ended: who waited for the last one is told. */
void vx_counters_look(struct vx_counters *counters);
void vx_counters_cancel_all(struct vx_counters *counters);

/* counters_burst.c */
extern const struct vx_burst_told vx_counters_told;     /* aux is NULL */
/* What it is, in words of intent; room holds the strings. */
struct vx_burst_room {
    char object[256];
};
void vx_counters_name(const struct vx_counters *counters,
                      const struct vx_burst *burst,
                      struct vx_burst_room *room,
                      struct vx_api_burst *ret_burst);

#endif
