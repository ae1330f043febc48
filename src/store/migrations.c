/* SPDX-License-Identifier: Apache-2.0 */
/* Schema versions in order.
 *
 * A step, once released, never changes: a state may be of any age.  A step
 * runs in one transaction with its line in the table `schema`, so that a
 * crash between two steps leaves a state of a known version.  A state of a
 * version that is not in this list was made by a newer program: it is refused
 * by name and left as it is. */
#include "store/schema.h"

#include <stdint.h>

#include <sqlite3.h>

struct step {
    const char *name;
    const char *sql;
};

static const struct step steps[] = {
    { "records",
      "CREATE TABLE record ("
      " kind INTEGER NOT NULL, oid INTEGER NOT NULL,"
      " revision INTEGER NOT NULL, body BLOB NOT NULL,"
      " PRIMARY KEY (kind, oid)) WITHOUT ROWID;"
      "CREATE TABLE meta ("
      " id INTEGER PRIMARY KEY CHECK (id = 1),"
      " revision INTEGER NOT NULL, last_oid INTEGER NOT NULL,"
      " journal_floor INTEGER NOT NULL);"
      "INSERT INTO meta VALUES (1, 0, 0, 0);"
      "CREATE TABLE journal ("
      " seq INTEGER PRIMARY KEY, revision INTEGER NOT NULL,"
      " time_ms INTEGER NOT NULL, op TEXT NOT NULL, path TEXT NOT NULL,"
      " body BLOB);" },
    { "checksums",
      "ALTER TABLE record ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
      "UPDATE record SET sum = vx_sum(kind, oid, revision, body);"
      "CREATE INDEX journal_revision ON journal (revision);" },
    { "hooks",
      "CREATE TABLE event ("
      " seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL,"
      " name TEXT NOT NULL, object TEXT NOT NULL, body TEXT NOT NULL);"
      "CREATE TABLE hook_run ("
      " id INTEGER PRIMARY KEY, event INTEGER NOT NULL,"
      " hook TEXT NOT NULL, state INTEGER NOT NULL,"
      " attempts INTEGER NOT NULL, time_ms INTEGER NOT NULL,"
      " result TEXT NOT NULL, output BLOB NOT NULL);"
      "CREATE INDEX hook_run_state ON hook_run (state, id);"
      "CREATE INDEX hook_run_event ON hook_run (event);"
      "CREATE TABLE told ("
      " oid INTEGER PRIMARY KEY, state INTEGER NOT NULL);" },
    /* Zones (records of kind 1) have numbers from now on, that stay: the
     * first of them get theirs in the order in which they were made. */
    { "zone numbers",
      "UPDATE record SET body = CAST(json_insert(CAST(body AS TEXT),"
      "  '$.num', (SELECT count(*) FROM record AS z WHERE"
      "            z.kind = 1 AND z.oid <= record.oid)) AS BLOB)"
      " WHERE kind = 1;"
      "UPDATE record SET sum = vx_sum(kind, oid, revision, body)"
      " WHERE kind = 1;" },
    /* Records may have an origin, announce, be of gateways and peerings:
     * nothing changes in those that are there, but a program that does not
     * know of it would take what was learned for an operator's. */
    { "gateways", "" },
};

enum { N_STEPS = sizeof steps / sizeof steps[0] };

static uint64_t
fnv(uint64_t h, const void *data, size_t size)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < size; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

int64_t
vx_store_sum(unsigned kind, int64_t oid, int64_t revision, const void *body,
             size_t size)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    uint64_t head[3] = { kind, (uint64_t) oid, (uint64_t) revision };

    /* Byte by byte, lowest first: the sum is the same on every machine. */
    for (int i = 0; i < 24; i++) {
        uint8_t b = head[i / 8] >> i % 8 * 8;
        h = fnv(h, &b, 1);
    }
    return (int64_t) fnv(h, body, size);
}

static void
sum_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void) argc;
    const void *body = sqlite3_value_blob(argv[3]);
    sqlite3_result_int64(context, vx_store_sum(
        (unsigned) sqlite3_value_int64(argv[0]),
        sqlite3_value_int64(argv[1]), sqlite3_value_int64(argv[2]),
        body, (size_t) sqlite3_value_bytes(argv[3])));
}

bool
vx_store_fail(sqlite3 *db, const char *what, struct vx_error *err)
{
    int code = sqlite3_extended_errcode(db);
    const char *text = sqlite3_errmsg(db);

    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return vx_fail(err, VX_UNAVAILABLE, "",
                       "cannot %s: %s (%d); check space and health of the "
                       "disk, then try again", what, text, code);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return vx_fail(err, VX_UNAVAILABLE, "",
                       "cannot %s: another program holds the database (%d); "
                       "try again", what, code);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return vx_fail(err, VX_INTERNAL, "",
                       "cannot %s: the database is damaged: %s (%d); restore "
                       "it from a backup", what, text, code);
    default:
        return vx_fail(err, VX_INTERNAL, "", "cannot %s: %s (%d)", what,
                       text, code);
    }
}

/* First column of the first row, fallback if there is no row. */
static bool
ask(sqlite3 *db, const char *sql, sqlite3_int64 *value, struct vx_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK;

    if (ok) {
        int rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            *value = sqlite3_column_int64(stmt, 0);
        }
        ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
    }
    if (!ok) {
        vx_store_fail(db, "read the store's schema", err);
    }
    sqlite3_finalize(stmt);
    return ok;
}

static bool
refuse_newer(sqlite3 *db, const char *path, sqlite3_int64 version,
             struct vx_error *err)
{
    sqlite3_stmt *stmt = NULL;
    const char *name = NULL;

    if (sqlite3_prepare_v2(db, "SELECT name FROM schema ORDER BY version DESC",
                           -1, &stmt, NULL) == SQLITE_OK
        && sqlite3_step(stmt) == SQLITE_ROW) {
        name = (const char *) sqlite3_column_text(stmt, 0);
    }
    vx_fail(err, VX_INVALID, "state-dir",
            "%s has schema %lld \"%.40s\", made by a newer vxfabricd; this "
            "one knows schemas up to %d \"%s\": run the newer program or "
            "restore a backup", path, (long long) version,
            name ? name : "?", N_STEPS, steps[N_STEPS - 1].name);
    sqlite3_finalize(stmt);
    return false;
}

static bool
run_step(sqlite3 *db, int version, struct vx_error *err)
{
    const struct step *step = &steps[version - 1];
    char *sql = sqlite3_mprintf(
        "BEGIN IMMEDIATE;%s INSERT INTO schema VALUES (%d, %Q); COMMIT;",
        step->sql, version, step->name);

    if (!sql || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        vx_store_fail(db, "migrate the store", err);
        if (!sqlite3_get_autocommit(db)) {
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        }
        sqlite3_free(sql);
        return false;
    }
    sqlite3_free(sql);
    return true;
}

/* An empty file becomes ours; anything else must be. */
static bool
claim(sqlite3 *db, const char *path, struct vx_error *err)
{
    sqlite3_int64 id = 0, n_tables = 0;

    if (!ask(db, "PRAGMA application_id", &id, err)
        || !ask(db, "SELECT count(*) FROM sqlite_master", &n_tables, err)) {
        return false;
    }
    if (id == VX_STORE_APPLICATION_ID && n_tables) {
        return true;
    }
    if (n_tables) {
        return vx_fail(err, VX_INVALID, "state-dir",
                       "%s is not a state of vxfabric: choose another "
                       "directory", path);
    }
    char sql[200];
    sqlite3_snprintf(sizeof sql, sql,
                     "BEGIN IMMEDIATE; PRAGMA application_id = %d;"
                     "CREATE TABLE schema (version INTEGER PRIMARY KEY,"
                     " name TEXT NOT NULL); COMMIT;",
                     VX_STORE_APPLICATION_ID);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return vx_store_fail(db, "create the store", err);
    }
    return true;
}

bool
vx_store_migrate(sqlite3 *db, const char *path, struct vx_error *err)
{
    sqlite3_int64 have = 0;

    if (sqlite3_create_function(db, "vx_sum", 4,
                                SQLITE_UTF8 | SQLITE_DETERMINISTIC
                                | SQLITE_INNOCUOUS,
                                NULL, sum_function, NULL, NULL)
        != SQLITE_OK) {
        return vx_store_fail(db, "prepare the store", err);
    }
    if (!claim(db, path, err)
        || !ask(db, "SELECT max(version) FROM schema", &have, err)) {
        return false;
    }
    if (have > N_STEPS) {
        return refuse_newer(db, path, have, err);
    }
    while (have < N_STEPS) {
        if (!run_step(db, (int) ++have, err)) {
            return false;
        }
    }
    return true;
}
