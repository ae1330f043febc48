/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit; see commit.h. */
#include "daemon/commit.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "api/watch.h"
#include "daemon/receipts.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "store/store.h"

enum {
    TURN_MAX_US = 2000,
    DRAIN_MAX = 100,            /* each is caused by the one before */
};

/* A submit that waits for the end of the turn. */
struct pending {
    struct pending *next;
    struct vx_result *results;
    size_t n;
    uint64_t revision;
    vx_commit_done *done;
    void *aux;
};

struct vx_commit {
    struct vx_commit_env env;
    struct pending *first, **last;
    struct event *turn_end;         /* lowest priority */
    int64_t staged_since_us;        /* 0 = nothing is pending */
    bool flushing;
    uint64_t revision;
    uint64_t applying;              /* of the change, 0 = none is */
    struct vx_commit_counters counters;
    struct vx_error error;
};

static void
turn_ends(evutil_socket_t fd, short what, void *commit)
{
    (void) fd;
    (void) what;
    vx_commit_flush(commit, NULL);
}

struct vx_commit *
vx_commit_new(const struct vx_commit_env *env)
{
    struct vx_commit *commit = vx_xcalloc(1, sizeof *commit);

    commit->env = *env;
    commit->last = &commit->first;
    commit->revision = vx_model_revision(env->model);
    commit->turn_end = event_new(env->base, -1, 0, turn_ends, commit);
    event_priority_set(commit->turn_end,
                       event_base_get_npriorities(env->base) - 1);
    return commit;
}

void
vx_commit_free(struct vx_commit *commit)
{
    if (commit) {
        event_free(commit->turn_end);
        free(commit);
    }
}

void
vx_commit_submit(struct vx_commit *commit, const struct vx_op *ops,
                 size_t n, vx_commit_done *done, void *aux)
{
    struct vx_result *results = vx_xcalloc(n, sizeof *results);
    struct vx_commit_outcome outcome = { .failed = SIZE_MAX, .n = n };
    struct vx_error err;
    struct pending *pending;

    if (commit->staged_since_us
        && vx_clock_us() - commit->staged_since_us > TURN_MAX_US
        && !commit->flushing) {
        vx_commit_flush(commit, NULL);
    }
    if (!vx_model_apply(commit->env.model, ops, n,
                        commit->env.now_ms(commit->env.ctx), results,
                        &outcome.failed, &err)) {
        commit->counters.n_refused++;
        outcome.err = &err;
        free(results);
        done(aux, &outcome);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (results[i].obj) {
            vx_obj_ref(results[i].obj);
        }
    }
    pending = vx_xcalloc(1, sizeof *pending);
    pending->results = results;
    pending->n = n;
    pending->revision = vx_model_revision(commit->env.model);
    pending->done = done;
    pending->aux = aux;
    *commit->last = pending;
    commit->last = &pending->next;
    if (!commit->staged_since_us) {
        commit->staged_since_us = vx_clock_us();
        event_active(commit->turn_end, EV_TIMEOUT, 0);
    }
}

/* --- Into the store. */

struct batch {
    struct vx_store_record *records;
    struct vx_store_line *lines;
    struct vx_buf *bodies;          /* two per change: record, line */
    char **paths;
    size_t n_changes, n_lines;
};

static void
batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_changes; i++) {
        vx_buf_fini(&batch->bodies[2 * i]);
        vx_buf_fini(&batch->bodies[2 * i + 1]);
        free(batch->paths[i]);
    }
    free(batch->records);
    free(batch->lines);
    free(batch->bodies);
    free(batch->paths);
}

/* The line watchers and the journal get; none for internal objects. */
static void
add_line(struct batch *batch, const struct vx_commit *commit,
         const struct vx_codec_names *names, size_t i,
         const struct vx_change *change)
{
    const struct vx_obj *obj = change->new ? change->new : change->old;
    struct vx_store_line *line = &batch->lines[batch->n_lines];
    struct vx_buf *body = &batch->bodies[2 * i + 1];
    struct vx_codec_view view = { .model = commit->env.model, .obj = obj };
    char path[VX_API_PATH_MAX];

    if (!vx_codec_names_key(names, obj, &view.key)) {
        return;
    }
    batch->paths[i] = vx_xstrdup(vx_codec_path_format(obj->kind, &view.key,
                                                      path));
    if (change->new) {
        vx_codec_object(&view, body);
    }
    *line = (struct vx_store_line) {
        .revision = change->revision,
        .time_ms = commit->env.now_ms(commit->env.ctx),
        .op = change->new ? "PUT" : "DELETE",
        .path = batch->paths[i],
        .body = change->new ? vx_buf_str(body) : NULL,
        .size = body->size,
    };
    batch->n_lines++;
}

static void
batch_init(struct batch *batch, const struct vx_commit *commit,
           const struct vx_change *changes, size_t n)
{
    struct vx_codec_names *names = vx_codec_names_new(commit->env.model,
                                                      changes, n);

    batch->n_changes = n;
    batch->n_lines = 0;
    batch->records = vx_xcalloc(n, sizeof *batch->records);
    batch->lines = vx_xcalloc(n, sizeof *batch->lines);
    batch->bodies = vx_xcalloc(2 * n, sizeof *batch->bodies);
    batch->paths = vx_xcalloc(n, sizeof *batch->paths);
    for (size_t i = 0; i < n; i++) {
        const struct vx_obj *obj = changes[i].new ? changes[i].new
                                   : changes[i].old;
        struct vx_store_record *record = &batch->records[i];

        record->kind = obj->kind;
        record->oid = obj->oid;
        record->revision = changes[i].revision;
        if (changes[i].new) {
            vx_codec_record(obj, &batch->bodies[2 * i]);
            record->body = vx_buf_str(&batch->bodies[2 * i]);
            record->size = batch->bodies[2 * i].size;
        }
        add_line(batch, commit, names, i, &changes[i]);
    }
    vx_codec_names_free(names);
}

static bool
store(struct vx_commit *commit, const struct batch *batch,
      struct vx_error *err)
{
    struct vx_store_batch store_batch = {
        .records = batch->records, .n_records = batch->n_changes,
        .lines = batch->lines, .n_lines = batch->n_lines,
        .counters = {
            .revision = vx_model_revision(commit->env.model),
            .last_oid = vx_model_last_oid(commit->env.model),
        },
    };
    int64_t start = vx_clock_us();
    bool ok = vx_store_commit(commit->env.store, &store_batch, err);

    commit->counters.store_us += (uint64_t) (vx_clock_us() - start);
    if (ok) {
        commit->counters.n_commits++;
        commit->counters.n_changes += batch->n_changes;
        commit->error.message[0] = '\0';
    } else {
        commit->counters.n_store_errors++;
        commit->error = *err;
        vx_log_error("store", "%s", err->message);
    }
    return ok;
}

/* --- After it. */

static void
finish(struct pending *pending, const struct vx_error *err)
{
    while (pending) {
        struct pending *next = pending->next;
        struct vx_commit_outcome outcome = {
            .err = err, .failed = SIZE_MAX, .results = pending->results,
            .n = pending->n, .revision = pending->revision,
        };

        pending->done(pending->aux, &outcome);
        for (size_t i = 0; i < pending->n; i++) {
            vx_obj_unref(pending->results[i].obj);
        }
        free(pending->results);
        free(pending);
        pending = next;
    }
}

static void
publish(struct vx_commit *commit, const struct batch *batch)
{
    for (size_t i = 0; i < batch->n_lines; i++) {
        const struct vx_store_line *line = &batch->lines[i];

        vx_watch_change(commit->env.watch, line->revision, line->time_ms,
                        line->op, line->path, line->body);
    }
    vx_watch_committed(commit->env.watch, commit->revision);
}

static void
apply(struct vx_commit *commit, const struct vx_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct vx_receipt *receipt =
            vx_receipts_open(commit->env.receipts, changes[i].revision);

        commit->applying = changes[i].revision;
        commit->env.apply(commit->env.ctx, &changes[i], receipt);
        vx_receipt_close(receipt);
    }
    commit->applying = 0;
}

static void
undo(struct vx_commit *commit, const struct vx_change *changes, size_t n)
{
    for (size_t i = 0; i < n && commit->env.undone; i++) {
        commit->env.undone(commit->env.ctx, &changes[i]);
    }
}

/* Changes that outlive the model's commit. */
static struct vx_change *
copy_changes(const struct vx_change *changes, size_t n)
{
    struct vx_change *copy = vx_xmemdup(changes, n * sizeof *changes);

    for (size_t i = 0; i < n; i++) {
        if (copy[i].old) {
            vx_obj_ref(copy[i].old);
        }
        if (copy[i].new) {
            vx_obj_ref(copy[i].new);
        }
    }
    return copy;
}

bool
vx_commit_flush(struct vx_commit *commit, struct vx_error *err)
{
    struct pending *pending = commit->first;
    const struct vx_change *staged;
    struct vx_change *changes;
    struct vx_error local;
    struct batch batch;
    bool ok = true;
    size_t n;

    if (commit->flushing || !pending) {
        return true;
    }
    commit->flushing = true;
    commit->first = NULL;
    commit->last = &commit->first;
    commit->staged_since_us = 0;
    staged = vx_model_staged(commit->env.model, &n);
    changes = copy_changes(staged, n);
    batch_init(&batch, commit, changes, n);
    if (n) {
        ok = store(commit, &batch, &local);
    }
    if (ok) {
        vx_model_commit(commit->env.model);
        commit->revision = vx_model_revision(commit->env.model);
        publish(commit, &batch);
        apply(commit, changes, n);
        if (n && commit->env.applied) {
            commit->env.applied(commit->env.ctx, changes, n);
        }
    } else {
        vx_model_rollback(commit->env.model, 0);
        undo(commit, changes, n);
    }
    finish(pending, ok ? NULL : &local);
    for (size_t i = 0; i < n; i++) {
        vx_obj_unref(changes[i].old);
        vx_obj_unref(changes[i].new);
    }
    free(changes);
    batch_free(&batch);
    commit->flushing = false;
    if (!ok && err) {
        *err = local;
    }
    return ok;
}

bool
vx_commit_drain(struct vx_commit *commit, struct vx_error *err)
{
    for (int i = 0; i < DRAIN_MAX && !commit->flushing; i++) {
        if (!commit->first) {
            return true;
        }
        if (!vx_commit_flush(commit, err)) {
            return false;
        }
    }
    return vx_fail(err, VX_UNAVAILABLE, "", "the controller is busy with "
                   "its own changes; try again");
}

uint64_t
vx_commit_revision(const struct vx_commit *commit)
{
    return commit->revision;
}

uint64_t
vx_commit_applying(const struct vx_commit *commit)
{
    return commit->applying ? commit->applying : commit->revision;
}

void
vx_commit_get_counters(const struct vx_commit *commit,
                       struct vx_commit_counters *ret_counters)
{
    *ret_counters = commit->counters;
}

const char *
vx_commit_error(const struct vx_commit *commit)
{
    return commit->error.message;
}
