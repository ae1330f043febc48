/* SPDX-License-Identifier: Apache-2.0 */
/* Which hook runs next.
 *
 * A run is one event for one hook (an executable of hooks.d or a webhook).
 * The queue decides when it starts, when it is tried again and when it is
 * given up; what a hook is and how it is run is the daemon's business.
 *
 *   - At most max_running at once, and of one hook never more than one: a
 *     hook needs no lock, and sees the events in order.
 *   - Runs that are `in_order` (executables) of one object start in the order
 *     of their ids, across hooks and events: what sorts first in hooks.d
 *     has ended once when the next one starts, and host-down of a host does
 *     not overtake its host-active.  Only first attempts hold others up.
 *   - A run that failed is due again after a backoff that doubles; after
 *     max_attempts it is dead.
 *   - A hook that failed VX_HOOKQ_SICK times in a row is paused, doubling up
 *     to backoff_max_ms, and holds nobody else up any more.
 *
 * Time is milliseconds of a clock that never jumps.  add, next, end:
 * O(log runs + hooks). */
#ifndef VX_CORE_HOOKQ_H
#define VX_CORE_HOOKQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VX_HOOKQ_SICK = 3 };

struct vx_hookq;

struct vx_hookq_config {
    unsigned max_running;       /* >= 1 */
    unsigned max_attempts;      /* >= 1 */
    size_t max_runs;            /* waiting and running */
    int64_t backoff_ms;         /* after the first failure */
    int64_t backoff_max_ms;
};

struct vx_hookq *vx_hookq_new(const struct vx_hookq_config *config);
/* drop gets the aux of each run that is left; NULL: nothing does. */
void vx_hookq_free(struct vx_hookq *queue, void (*drop)(void *aux));

struct vx_hookq_run {
    uint64_t id;                /* unique; the order of events */
    const char *hook;           /* copied */
    const char *object;         /* copied */
    bool in_order;
    unsigned attempts;          /* that have ended already (after a start) */
    void *aux;                  /* not NULL */
};

/* The run waits; one with attempts behind it as if the last had failed now.
 * False if the queue is full; nothing is changed then. */
bool vx_hookq_add(struct vx_hookq *queue, const struct vx_hookq_run *run,
                  int64_t now_ms);
bool vx_hookq_is_full(const struct vx_hookq *queue);
size_t vx_hookq_n_runs(const struct vx_hookq *queue);
size_t vx_hookq_n_running(const struct vx_hookq *queue);

/* Marks the next run as running and returns its aux; NULL if none may start
 * now.  *ret_attempt: 1 for the first.  Ask until it is NULL. */
void *vx_hookq_next(struct vx_hookq *queue, int64_t now_ms,
                    unsigned *ret_attempt);
/* When to ask again: a time, or -1 if only an end or an add can change the
 * answer. */
int64_t vx_hookq_due_ms(const struct vx_hookq *queue, int64_t now_ms);

enum vx_hookq_end {
    VX_HOOKQ_OK,
    VX_HOOKQ_FAILED,
    VX_HOOKQ_HOPELESS,          /* failed, and trying again is no use */
};
enum vx_hookq_verdict {
    VX_HOOKQ_DONE,              /* the queue has forgotten the run */
    VX_HOOKQ_AGAIN,             /* it waits for its next attempt */
    VX_HOOKQ_DEAD,              /* the queue has forgotten the run */
};
/* A run that was running ended. */
enum vx_hookq_verdict vx_hookq_end(struct vx_hookq *queue, uint64_t id,
                                   enum vx_hookq_end end, int64_t now_ms);

/* The run, if it waits for its next attempt, is due now, and its hook no
 * longer paused. */
void vx_hookq_hasten(struct vx_hookq *queue, uint64_t id, int64_t now_ms);

/* NULL if the queue has no such run. */
void *vx_hookq_find(const struct vx_hookq *queue, uint64_t id,
                    bool *ret_running);

struct vx_hookq_stats {
    size_t n_waiting, n_running;
    uint64_t n_done, n_failed, n_dead;  /* failed: attempts */
    unsigned n_failures;        /* in a row */
    int64_t paused_ms;          /* from now, 0 = is not paused */
};
/* All zero for a hook that had no run yet. */
void vx_hookq_stats(const struct vx_hookq *queue, const char *hook,
                    int64_t now_ms, struct vx_hookq_stats *ret_stats);

/* Delay after so many failures: doubles, less up to a quarter that depends
 * on the id, so that what failed together does not come back together. */
int64_t vx_hookq_backoff_ms(const struct vx_hookq_config *config,
                            unsigned n_failures, uint64_t id);

#endif
