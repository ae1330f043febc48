/* SPDX-License-Identifier: Apache-2.0 */
/* The store on SQLite.
 *
 * WAL with synchronous=FULL: a commit appends to the log and syncs it once;
 * the database file is written at checkpoints, which SQLite does inside a
 * commit every 1,000 pages.  Readers (an operator's backup by
 * `sqlite3 vxfabric.db .backup`) do not block us; a foreign writer is given
 * 100 ms, then the commit fails as "try again".
 *
 * The journal's lines are numbered without gaps, so their count is a
 * subtraction, and trimming deletes at the front what was added at the back:
 * constant cost per line, in the same transaction.
 *
 * Never interprets a body, never logs, never returns with a transaction
 * open. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "lib/xalloc.h"
#include "store/schema.h"

enum { BUSY_TIMEOUT_MS = 100 };

enum stmt {
    S_BEGIN, S_COMMIT, S_PUT, S_DELETE, S_LINE, S_META, S_CUT, S_TRIM,
    S_LOAD, S_READ_META, S_JOURNAL, S_BOUNDS, N_STMTS
};

static const char *const stmt_sql[N_STMTS] = {
    [S_BEGIN] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_PUT] = "INSERT OR REPLACE INTO record (kind, oid, revision, body, sum)"
              " VALUES (?1, ?2, ?3, ?4, ?5)",
    [S_DELETE] = "DELETE FROM record WHERE kind = ?1 AND oid = ?2",
    [S_LINE] = "INSERT INTO journal (seq, revision, time_ms, op, path, body)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [S_META] = "UPDATE meta SET revision = ?1, last_oid = ?2,"
               " journal_floor = ?3",
    [S_CUT] = "SELECT revision FROM journal WHERE seq = ?1",
    [S_TRIM] = "DELETE FROM journal WHERE revision <= ?1",
    [S_LOAD] = "SELECT kind, oid, revision, body, sum FROM record"
               " ORDER BY kind, oid",
    [S_READ_META] = "SELECT revision, last_oid, journal_floor FROM meta",
    [S_JOURNAL] = "SELECT revision, time_ms, op, path, body FROM journal"
                  " WHERE revision > ?1 ORDER BY revision, seq",
    [S_BOUNDS] = "SELECT (SELECT min(seq) FROM journal),"
                 " (SELECT max(seq) FROM journal)",
};

/* What a rolled back transaction must not have changed. */
struct journal_state {
    sqlite3_int64 first, next;  /* seq of the oldest line, of the next one */
    sqlite3_int64 floor;        /* highest revision that was trimmed */
};

struct vx_store {
    char *dir;
    int lock_fd;
    sqlite3 *db;
    sqlite3_stmt *stmts[N_STMTS];
    uint64_t journal_lines;
    struct journal_state journal;
};

struct sqlite3 *
vx_store_db(struct vx_store *store)
{
    return store->db;
}

/* --- Directory and lock. */

static bool
make_dir(const char *dir, struct vx_error *err)
{
    struct stat st;

    if (mkdir(dir, 0700) && errno != EEXIST) {
        return vx_fail(err, VX_UNAVAILABLE, "state-dir",
                       "cannot make the state directory %s: %s", dir,
                       strerror(errno));
    }
    if (stat(dir, &st)) {
        return vx_fail(err, VX_UNAVAILABLE, "state-dir",
                       "cannot use the state directory %s: %s", dir,
                       strerror(errno));
    }
    if (!S_ISDIR(st.st_mode)) {
        return vx_fail(err, VX_INVALID, "state-dir",
                       "%s is not a directory", dir);
    }
    return true;
}

static bool
fail_locked(const char *dir, int fd, struct vx_error *err)
{
    char pid[24] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

    if (n > 0) {
        pid[strspn(pid, "0123456789")] = '\0';
    }
    return vx_fail(err, VX_EXISTS, "state-dir",
                   "state directory %s is in use by process %s: stop that "
                   "controller or choose another --state-dir", dir,
                   pid[0] ? pid : "(unknown)");
}

/* The lock is the kernel's and goes with the process; the file stays. */
static bool
take_lock(const char *dir, int *ret_fd, struct vx_error *err)
{
    char path[PATH_MAX], pid[24];

    snprintf(path, sizeof path, "%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return vx_fail(err, VX_UNAVAILABLE, "state-dir",
                       "cannot open %s: %s", path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        bool held = errno == EWOULDBLOCK;
        if (held) {
            fail_locked(dir, fd, err);
        } else {
            vx_fail(err, VX_UNAVAILABLE, "state-dir", "cannot lock %s: %s",
                    path, strerror(errno));
        }
        close(fd);
        return false;
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long) getpid());
    if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t) n, 0) != n) {
        /* The pid only helps a person; the lock holds without it. */
    }
    *ret_fd = fd;
    return true;
}

/* A new file is durable only when its directory is. */
static void
sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* --- Statements. */

/* Runs a statement that returns no rows. */
static bool
run(struct vx_store *store, enum stmt stmt, const char *what,
    struct vx_error *err)
{
    int rc = sqlite3_step(store->stmts[stmt]);
    bool ok = rc == SQLITE_DONE;

    if (!ok) {
        vx_store_fail(store->db, what, err);
    }
    sqlite3_reset(store->stmts[stmt]);
    sqlite3_clear_bindings(store->stmts[stmt]);
    return ok;
}

static void
bind(struct vx_store *store, enum stmt stmt, int column, uint64_t value)
{
    sqlite3_bind_int64(store->stmts[stmt], column, (sqlite3_int64) value);
}

static void
rollback(struct vx_store *store)
{
    /* An I/O error may have rolled it back already. */
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

static bool
read_state(struct vx_store *store, struct vx_error *err)
{
    sqlite3_stmt *bounds = store->stmts[S_BOUNDS];
    sqlite3_stmt *meta = store->stmts[S_READ_META];
    bool ok = sqlite3_step(bounds) == SQLITE_ROW
              && sqlite3_step(meta) == SQLITE_ROW;

    if (ok) {
        bool empty = sqlite3_column_type(bounds, 0) == SQLITE_NULL;
        store->journal.first = empty ? 1 : sqlite3_column_int64(bounds, 0);
        store->journal.next = empty ? 1
                              : sqlite3_column_int64(bounds, 1) + 1;
        store->journal.floor = sqlite3_column_int64(meta, 2);
    } else {
        vx_store_fail(store->db, "read the store", err);
    }
    sqlite3_reset(bounds);
    sqlite3_reset(meta);
    return ok;
}

/* --- Open and close. */

static bool
open_db(struct vx_store *store, const char *path, struct vx_error *err)
{
    static const char pragmas[] =
        "PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL;"
        "PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON;"
        "PRAGMA foreign_keys = ON;"
        "PRAGMA cache_size = -4096;"
        "PRAGMA journal_size_limit = 67108864;";

    if (sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                        | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        return vx_store_fail(store->db, "open the store", err);
    }
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL) != SQLITE_OK) {
        return vx_store_fail(store->db, "open the store", err);
    }
    if (!vx_store_migrate(store->db, path, err)) {
        return false;
    }
    for (int i = 0; i < N_STMTS; i++) {
        if (sqlite3_prepare_v3(store->db, stmt_sql[i], -1,
                               SQLITE_PREPARE_PERSISTENT, &store->stmts[i],
                               NULL) != SQLITE_OK) {
            return vx_store_fail(store->db, "prepare the store", err);
        }
    }
    return read_state(store, err);
}

bool
vx_store_open(const struct vx_store_config *config,
              struct vx_store **ret_store, struct vx_error *err)
{
    char path[PATH_MAX];
    int lock_fd = -1;

    if (strlen(config->dir) > PATH_MAX - 32) {
        return vx_fail(err, VX_INVALID, "state-dir",
                       "the state directory's path is too long");
    }
    if (!make_dir(config->dir, err)
        || !take_lock(config->dir, &lock_fd, err)) {
        return false;
    }

    struct vx_store *store = vx_xcalloc(1, sizeof *store);
    store->dir = vx_xstrdup(config->dir);
    store->lock_fd = lock_fd;
    store->journal_lines = config->journal_lines
                           ? config->journal_lines
                           : VX_STORE_JOURNAL_DEFAULT;
    snprintf(path, sizeof path, "%s/vxfabric.db", config->dir);
    if (!open_db(store, path, err)) {
        vx_store_close(store);
        return false;
    }
    sync_dir(config->dir);
    *ret_store = store;
    return true;
}

void
vx_store_close(struct vx_store *store)
{
    if (!store) {
        return;
    }
    for (int i = 0; i < N_STMTS; i++) {
        sqlite3_finalize(store->stmts[i]);
    }
    sqlite3_close(store->db);
    close(store->lock_fd);
    free(store->dir);
    free(store);
}

/* --- Load. */

static bool
load_record(sqlite3_stmt *stmt, vx_store_record_cb *cb, void *aux,
            struct vx_error *err)
{
    struct vx_store_record record = {
        .kind = (unsigned) sqlite3_column_int64(stmt, 0),
        .oid = (uint64_t) sqlite3_column_int64(stmt, 1),
        .revision = (uint64_t) sqlite3_column_int64(stmt, 2),
        .body = sqlite3_column_blob(stmt, 3),
        .size = (size_t) sqlite3_column_bytes(stmt, 3),
    };

    if (!record.body) {
        record.body = "";       /* SQLite's NULL for an empty blob */
    }
    if (vx_store_sum(record.kind, (sqlite3_int64) record.oid,
                     (sqlite3_int64) record.revision, record.body,
                     record.size) != sqlite3_column_int64(stmt, 4)) {
        return vx_fail(err, VX_INTERNAL, "",
                       "the store is damaged: the checksum of record %u/%llu "
                       "is wrong; restore it from a backup", record.kind,
                       (unsigned long long) record.oid);
    }
    return cb(aux, &record, err);
}

bool
vx_store_load(struct vx_store *store, vx_store_record_cb *cb, void *aux,
              struct vx_store_counters *ret_counters, struct vx_error *err)
{
    sqlite3_stmt *stmt = store->stmts[S_LOAD];
    sqlite3_stmt *meta = store->stmts[S_READ_META];
    bool ok = true;
    int rc;

    while (ok && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        ok = rc == SQLITE_ROW ? load_record(stmt, cb, aux, err)
                              : vx_store_fail(store->db, "load the store",
                                              err);
    }
    sqlite3_reset(stmt);
    if (ok && sqlite3_step(meta) != SQLITE_ROW) {
        ok = vx_store_fail(store->db, "load the store", err);
    }
    if (ok) {
        ret_counters->revision = (uint64_t) sqlite3_column_int64(meta, 0);
        ret_counters->last_oid = (uint64_t) sqlite3_column_int64(meta, 1);
    }
    sqlite3_reset(meta);
    return ok;
}

/* --- Commit. */

static bool
write_record(struct vx_store *store, const struct vx_store_record *record,
             struct vx_error *err)
{
    enum stmt stmt = record->body ? S_PUT : S_DELETE;

    bind(store, stmt, 1, record->kind);
    bind(store, stmt, 2, record->oid);
    if (record->body) {
        bind(store, stmt, 3, record->revision);
        sqlite3_bind_blob64(store->stmts[stmt], 4, record->body,
                            record->size, SQLITE_STATIC);
        sqlite3_bind_int64(store->stmts[stmt], 5,
                           vx_store_sum(record->kind,
                                        (sqlite3_int64) record->oid,
                                        (sqlite3_int64) record->revision,
                                        record->body, record->size));
    }
    return run(store, stmt, "write to the store", err);
}

static bool
write_line(struct vx_store *store, const struct vx_store_line *line,
           struct vx_error *err)
{
    sqlite3_stmt *stmt = store->stmts[S_LINE];

    sqlite3_bind_int64(stmt, 1, store->journal.next++);
    bind(store, S_LINE, 2, line->revision);
    sqlite3_bind_int64(stmt, 3, line->time_ms);
    sqlite3_bind_text(stmt, 4, line->op, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, line->path, -1, SQLITE_STATIC);
    if (line->body) {
        sqlite3_bind_blob64(stmt, 6, line->body, line->size, SQLITE_STATIC);
    }
    return run(store, S_LINE, "write to the journal", err);
}

/* Deletes the oldest revisions until the journal fits; the newest one is
 * kept however long it is, or nobody could follow it. */
static bool
trim(struct vx_store *store, uint64_t newest, struct vx_error *err)
{
    struct journal_state *journal = &store->journal;
    uint64_t count = (uint64_t) (journal->next - journal->first);
    sqlite3_stmt *stmt = store->stmts[S_CUT];

    if (count <= store->journal_lines) {
        return true;
    }
    bind(store, S_CUT, 1, (uint64_t) journal->first + count
                          - store->journal_lines - 1);
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        vx_store_fail(store->db, "trim the journal", err);
        sqlite3_reset(stmt);
        return false;
    }
    sqlite3_int64 cut = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    if (cut >= (sqlite3_int64) newest) {
        cut = (sqlite3_int64) newest - 1;
    }
    if (cut <= journal->floor) {
        return true;
    }
    bind(store, S_TRIM, 1, (uint64_t) cut);
    if (!run(store, S_TRIM, "trim the journal", err)) {
        return false;
    }
    journal->first += sqlite3_changes(store->db);
    journal->floor = cut;
    return true;
}

static bool
write_batch(struct vx_store *store, const struct vx_store_batch *batch,
            struct vx_error *err)
{
    for (size_t i = 0; i < batch->n_records; i++) {
        if (!write_record(store, &batch->records[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < batch->n_lines; i++) {
        if (!write_line(store, &batch->lines[i], err)) {
            return false;
        }
    }
    if (batch->n_lines
        && !trim(store, batch->lines[batch->n_lines - 1].revision, err)) {
        return false;
    }
    bind(store, S_META, 1, batch->counters.revision);
    bind(store, S_META, 2, batch->counters.last_oid);
    bind(store, S_META, 3, (uint64_t) store->journal.floor);
    return run(store, S_META, "write to the store", err);
}

bool
vx_store_commit(struct vx_store *store, const struct vx_store_batch *batch,
                struct vx_error *err)
{
    struct journal_state before = store->journal;

    if (!run(store, S_BEGIN, "begin a commit", err)) {
        return false;
    }
    if (!write_batch(store, batch, err)
        || !run(store, S_COMMIT, "commit to the store", err)) {
        rollback(store);
        store->journal = before;
        return false;
    }
    return true;
}

/* --- Journal. */

uint64_t
vx_store_journal_floor(const struct vx_store *store)
{
    return (uint64_t) store->journal.floor;
}

static void
get_line(sqlite3_stmt *stmt, struct vx_store_line *line)
{
    line->revision = (uint64_t) sqlite3_column_int64(stmt, 0);
    line->time_ms = sqlite3_column_int64(stmt, 1);
    line->op = (const char *) sqlite3_column_text(stmt, 2);
    line->path = (const char *) sqlite3_column_text(stmt, 3);
    line->body = sqlite3_column_blob(stmt, 4);
    line->size = (size_t) sqlite3_column_bytes(stmt, 4);
}

bool
vx_store_journal(struct vx_store *store, uint64_t since, size_t max_lines,
                 vx_store_line_cb *cb, void *aux, struct vx_error *err)
{
    sqlite3_stmt *stmt = store->stmts[S_JOURNAL];
    uint64_t last = 0;
    size_t n = 0;
    bool ok = true;
    int rc;

    if (since < (uint64_t) store->journal.floor) {
        return vx_fail(err, VX_GONE, "since",
                       "the journal begins after revision %llu, %llu is no "
                       "longer kept: read everything anew with GET, then "
                       "watch since that revision",
                       (unsigned long long) store->journal.floor,
                       (unsigned long long) since);
    }
    bind(store, S_JOURNAL, 1, since > INT64_MAX ? INT64_MAX : since);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct vx_store_line line;
        get_line(stmt, &line);
        if (n >= max_lines && line.revision != last) {
            break;
        }
        last = line.revision;
        n++;
        if (!cb(aux, &line)) {
            break;
        }
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        ok = vx_store_fail(store->db, "read the journal", err);
    }
    sqlite3_reset(stmt);
    return ok;
}
