/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: from operations to durable intent to rows on their way.
 *
 *   submit: model stages (or refuses)          | during the loop turn
 *   end of turn: ONE store transaction, fsync  | nothing is acknowledged yet
 *     failed: model rolls back, all are told   |
 *     done: model commits, fabric applies each change (rows go to switches
 *           under a receipt), watchers are told, then the submitters
 *
 * The end of a turn is when no other event is ready, or 2 ms after the first
 * submit, whichever comes first; so a busy controller commits often enough
 * and an idle one at once. */
#ifndef VX_DAEMON_COMMIT_H
#define VX_DAEMON_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fabric.h"
#include "core/model.h"

struct event_base;
struct vx_commit;
struct vx_hosts;
struct vx_receipt;
struct vx_receipts;
struct vx_store;
struct vx_watch;

struct vx_commit_env {
    void *ctx;
    struct event_base *base;
    struct vx_model *model;
    struct vx_store *store;
    struct vx_watch *watch;
    struct vx_receipts *receipts;
    /* The fabric is told of a change under this receipt. */
    void (*apply)(void *ctx, const struct vx_change *change,
                  struct vx_receipt *receipt);
    /* All of the batch's changes were applied; before the submitters are
     * told.  May be NULL. */
    void (*applied)(void *ctx, const struct vx_change *changes, size_t n);
    /* The store has refused it and the model is as before; whoever has seen
     * the staged value looks again.  NULL: nobody has. */
    void (*undone)(void *ctx, const struct vx_change *change);
    int64_t (*now_ms)(void *ctx);       /* wall clock */
};

struct vx_commit_outcome {
    const struct vx_error *err;         /* NULL = durable */
    size_t failed;                      /* index of the op, or SIZE_MAX */
    const struct vx_result *results;    /* obj stays valid for the call */
    size_t n;
    uint64_t revision;
};
typedef void vx_commit_done(void *aux,
                            const struct vx_commit_outcome *outcome);

struct vx_commit *vx_commit_new(const struct vx_commit_env *env);
/* Everything must have been flushed. */
void vx_commit_free(struct vx_commit *commit);

/* done is called once: at once if the operations are refused, else after
 * they are durable.  It may submit again. */
void vx_commit_submit(struct vx_commit *commit, const struct vx_op *ops,
                      size_t n, vx_commit_done *done, void *aux);
/* Commits what is staged now.  False if the store failed.  Whoever is told
 * may submit again: that stays staged. */
bool vx_commit_flush(struct vx_commit *commit, struct vx_error *err);
/* The same until nothing is staged: for who stages something to take it back
 * again, which must not take back what another was promised.  False if the
 * store failed, or from within a flush. */
bool vx_commit_drain(struct vx_commit *commit, struct vx_error *err);

/* Committed, not staged. */
uint64_t vx_commit_revision(const struct vx_commit *commit);
/* The same, but of the change that is just being applied: several requests of
 * a turn have a revision each, and what is sent for one of them is owed since
 * its own, not the last. */
uint64_t vx_commit_applying(const struct vx_commit *commit);

struct vx_commit_counters {
    uint64_t n_commits;         /* store transactions */
    uint64_t n_changes;
    uint64_t n_refused;         /* submits */
    uint64_t n_store_errors;
    uint64_t store_us;          /* spent in the store */
};
void vx_commit_get_counters(const struct vx_commit *commit,
                            struct vx_commit_counters *ret_counters);
/* The store's last error, "" if the last commit went well. */
const char *vx_commit_error(const struct vx_commit *commit);

#endif
