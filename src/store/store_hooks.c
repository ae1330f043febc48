/* SPDX-License-Identifier: Apache-2.0 */
/* Events and hook runs in SQLite; see store_hooks.h.
 *
 * Statements are prepared per call: a batch is tens to hundreds of rows, and
 * nothing here is on the path of an intent.  Never returns with a
 * transaction open. */
#include "store/store_hooks.h"

#include <limits.h>

#include <sqlite3.h>

#include "store/schema.h"

static void
bind_int(sqlite3_stmt *stmt, int column, uint64_t value)
{
    sqlite3_bind_int64(stmt, column, (sqlite3_int64)
                       (value > INT64_MAX ? INT64_MAX : value));
}

static void
bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
    sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

static const char *
text(sqlite3_stmt *stmt, int column)
{
    const char *s = (const char *) sqlite3_column_text(stmt, column);

    return s ? s : "";
}

/* Runs a statement that was bound and returns no rows, ready to be bound
 * again. */
static bool
step(sqlite3_stmt *stmt)
{
    bool ok = sqlite3_step(stmt) == SQLITE_DONE;

    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return ok;
}

static bool
prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_stmt)
{
    return sqlite3_prepare_v2(db, sql, -1, ret_stmt, NULL) == SQLITE_OK;
}

/* --- Writing. */

static bool
put_events(sqlite3 *db, const struct vx_store_hooks_batch *batch)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = !batch->n_events
              || prepare(db, "INSERT INTO event (seq, time_ms, name, object,"
                         " body) VALUES (?1, ?2, ?3, ?4, ?5)", &stmt);

    for (size_t i = 0; ok && i < batch->n_events; i++) {
        const struct vx_store_event *event = &batch->events[i];

        bind_int(stmt, 1, event->seq);
        sqlite3_bind_int64(stmt, 2, event->time_ms);
        bind_text(stmt, 3, event->name);
        bind_text(stmt, 4, event->object);
        bind_text(stmt, 5, event->body);
        ok = step(stmt);
    }
    sqlite3_finalize(stmt);
    return ok;
}

static bool
put_runs(sqlite3 *db, const struct vx_store_hooks_batch *batch)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = !batch->n_runs
              || prepare(db, "INSERT OR REPLACE INTO hook_run (id, event,"
                         " hook, state, attempts, time_ms, result, output)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", &stmt);

    for (size_t i = 0; ok && i < batch->n_runs; i++) {
        const struct vx_store_run *run = &batch->runs[i];

        bind_int(stmt, 1, run->id);
        bind_int(stmt, 2, run->event);
        bind_text(stmt, 3, run->hook);
        bind_int(stmt, 4, run->state);
        bind_int(stmt, 5, run->attempts);
        sqlite3_bind_int64(stmt, 6, run->time_ms);
        bind_text(stmt, 7, run->result);
        sqlite3_bind_blob64(stmt, 8, run->output_size ? run->output : "",
                            run->output_size, SQLITE_STATIC);
        ok = step(stmt);
    }
    sqlite3_finalize(stmt);
    return ok;
}

static bool
put_told(sqlite3 *db, const struct vx_store_hooks_batch *batch)
{
    sqlite3_stmt *put = NULL, *forget = NULL;
    bool ok = !batch->n_told
              || (prepare(db, "INSERT OR REPLACE INTO told (oid, state)"
                          " VALUES (?1, ?2)", &put)
                  && prepare(db, "DELETE FROM told WHERE oid = ?1",
                             &forget));

    for (size_t i = 0; ok && i < batch->n_told; i++) {
        sqlite3_stmt *stmt = batch->told[i].state ? put : forget;

        bind_int(stmt, 1, batch->told[i].oid);
        if (batch->told[i].state) {
            bind_int(stmt, 2, batch->told[i].state);
        }
        ok = step(stmt);
    }
    sqlite3_finalize(put);
    sqlite3_finalize(forget);
    return ok;
}

static bool
trim_runs(sqlite3 *db, enum vx_run_state state, uint64_t keep)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = prepare(db, "DELETE FROM hook_run WHERE state = ?1 AND id <="
                      " (SELECT id FROM hook_run WHERE state = ?1"
                      " ORDER BY id DESC LIMIT 1 OFFSET ?2)", &stmt);

    if (ok) {
        bind_int(stmt, 1, state);
        bind_int(stmt, 2, keep);
        ok = step(stmt);
    }
    sqlite3_finalize(stmt);
    return ok;
}

static bool
trim(sqlite3 *db, const struct vx_store_hooks_batch *batch)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = trim_runs(db, VX_RUN_DONE, batch->keep_done)
              && trim_runs(db, VX_RUN_DEAD, batch->keep_dead)
              && prepare(db, "DELETE FROM event WHERE seq <="
                         " (SELECT max(seq) FROM event) - ?1 AND NOT EXISTS"
                         " (SELECT 1 FROM hook_run"
                         " WHERE hook_run.event = event.seq)", &stmt);

    if (ok) {
        bind_int(stmt, 1, batch->keep_events);
        ok = step(stmt);
    }
    sqlite3_finalize(stmt);
    return ok;
}

bool
vx_store_hooks_commit(struct vx_store *store,
                      const struct vx_store_hooks_batch *batch,
                      struct vx_error *err)
{
    sqlite3 *db = vx_store_db(store);
    bool ok = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL)
                  == SQLITE_OK
              && put_events(db, batch) && put_runs(db, batch)
              && put_told(db, batch) && (!batch->trim || trim(db, batch))
              && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;

    if (!ok) {
        vx_store_fail(db, "write events to the store", err);
        if (!sqlite3_get_autocommit(db)) {
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        }
    }
    return ok;
}

/* --- Reading. */

#define RUN_COLUMNS "r.id, r.event, r.hook, r.state, r.attempts, r.time_ms," \
    " r.result, r.output, e.seq, e.time_ms, e.name, e.object, e.body"

static void
get_event(sqlite3_stmt *stmt, int column, struct vx_store_event *ret_event)
{
    *ret_event = (struct vx_store_event) {
        .seq = (uint64_t) sqlite3_column_int64(stmt, column),
        .time_ms = sqlite3_column_int64(stmt, column + 1),
        .name = text(stmt, column + 2), .object = text(stmt, column + 3),
        .body = text(stmt, column + 4),
    };
}

static void
get_run(sqlite3_stmt *stmt, struct vx_store_run *ret_run)
{
    *ret_run = (struct vx_store_run) {
        .id = (uint64_t) sqlite3_column_int64(stmt, 0),
        .event = (uint64_t) sqlite3_column_int64(stmt, 1),
        .hook = text(stmt, 2),
        .state = (enum vx_run_state) sqlite3_column_int(stmt, 3),
        .attempts = (unsigned) sqlite3_column_int(stmt, 4),
        .time_ms = sqlite3_column_int64(stmt, 5),
        .result = text(stmt, 6),
        .output = sqlite3_column_blob(stmt, 7),
        .output_size = (size_t) sqlite3_column_bytes(stmt, 7),
    };
    if (!ret_run->output) {
        ret_run->output = "";
    }
}

/* Ends the reading of rows: rc is what the last step said. */
static bool
finish(struct sqlite3 *db, sqlite3_stmt *stmt, int rc, struct vx_error *err)
{
    bool ok = rc == SQLITE_DONE || rc == SQLITE_ROW;

    if (!ok) {
        vx_store_fail(db, "read events of the store", err);
    }
    sqlite3_finalize(stmt);
    return ok;
}

static bool
load_told(sqlite3 *db, const struct vx_store_hooks_load *load,
          struct vx_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_ERROR;

    if (prepare(db, "SELECT oid, state FROM told ORDER BY oid", &stmt)) {
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            const struct vx_store_told told = {
                .oid = (uint64_t) sqlite3_column_int64(stmt, 0),
                .state = (unsigned) sqlite3_column_int(stmt, 1),
            };

            load->told(load->aux, &told);
        }
    }
    return finish(db, stmt, rc, err);
}

static bool
load_bounds(sqlite3 *db, struct vx_store_hooks_load *load,
            struct vx_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_ERROR;

    if (prepare(db, "SELECT ifnull((SELECT max(seq) FROM event), 0),"
                " ifnull((SELECT max(id) FROM hook_run), 0)", &stmt)
        && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        load->last_seq = (uint64_t) sqlite3_column_int64(stmt, 0);
        load->last_run = (uint64_t) sqlite3_column_int64(stmt, 1);
    }
    return finish(db, stmt, rc, err);
}

bool
vx_store_hooks_load(struct vx_store *store, struct vx_store_hooks_load *load,
                    struct vx_error *err)
{
    sqlite3 *db = vx_store_db(store);
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_ERROR;

    if (!load_told(db, load, err) || !load_bounds(db, load, err)) {
        return false;
    }
    if (prepare(db, "SELECT " RUN_COLUMNS " FROM hook_run AS r"
                " JOIN event AS e ON e.seq = r.event WHERE r.state = 0"
                " ORDER BY r.id", &stmt)) {
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            struct vx_store_run run;
            struct vx_store_event event;

            get_run(stmt, &run);
            get_event(stmt, 8, &event);
            load->run(load->aux, &run, &event);
        }
    }
    return finish(db, stmt, rc, err);
}

bool
vx_store_events(struct vx_store *store,
                const struct vx_store_event_query *query,
                vx_store_event_cb *cb, void *aux, struct vx_error *err)
{
    sqlite3 *db = vx_store_db(store);
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_ERROR;

    if (prepare(db, "SELECT seq, time_ms, name, object, body FROM event"
                " WHERE seq > ?1 AND (?2 IS NULL OR name = ?2)"
                " ORDER BY seq LIMIT ?3", &stmt)) {
        bind_int(stmt, 1, query->since);
        bind_text(stmt, 2, query->name);
        bind_int(stmt, 3, query->limit);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            struct vx_store_event event;

            get_event(stmt, 0, &event);
            if (!cb(aux, &event)) {
                break;
            }
        }
    }
    return finish(db, stmt, rc, err);
}

bool
vx_store_runs(struct vx_store *store, const struct vx_store_run_query *query,
              vx_store_run_cb *cb, void *aux, struct vx_error *err)
{
    sqlite3 *db = vx_store_db(store);
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_ERROR;

    if (prepare(db, "SELECT " RUN_COLUMNS " FROM hook_run AS r"
                " JOIN event AS e ON e.seq = r.event WHERE r.id < ?1"
                " AND (?2 < 0 OR r.state = ?2)"
                " AND (?3 IS NULL OR r.hook = ?3)"
                " AND (?4 = 0 OR r.id = ?4)"
                " ORDER BY r.id DESC LIMIT ?5", &stmt)) {
        bind_int(stmt, 1, query->before ? query->before : INT64_MAX);
        sqlite3_bind_int(stmt, 2, query->state);
        bind_text(stmt, 3, query->hook);
        bind_int(stmt, 4, query->id);
        bind_int(stmt, 5, query->limit);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            struct vx_store_run run;
            struct vx_store_event event;

            get_run(stmt, &run);
            get_event(stmt, 8, &event);
            if (!cb(aux, &run, &event)) {
                break;
            }
        }
    }
    return finish(db, stmt, rc, err);
}

bool
vx_store_runs_count(struct vx_store *store,
                    uint64_t ret_counts[VX_N_RUN_STATES],
                    struct vx_error *err)
{
    sqlite3 *db = vx_store_db(store);
    sqlite3_stmt *stmt = NULL;
    uint64_t counts[VX_N_RUN_STATES] = { 0 };
    int rc = SQLITE_ERROR;

    if (prepare(db, "SELECT state, count(*) FROM hook_run GROUP BY state",
                &stmt)) {
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            int state = sqlite3_column_int(stmt, 0);

            if (state >= 0 && state < VX_N_RUN_STATES) {
                counts[state] = (uint64_t) sqlite3_column_int64(stmt, 1);
            }
        }
    }
    if (!finish(db, stmt, rc, err)) {
        return false;
    }
    for (int i = 0; i < VX_N_RUN_STATES; i++) {
        ret_counts[i] = counts[i];
    }
    return true;
}
