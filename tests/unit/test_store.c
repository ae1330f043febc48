/* SPDX-License-Identifier: Apache-2.0 */
/* The store against its header: what was acknowledged is there after any
 * death, what was refused is not, and nobody shares a state. */
#include "store/schema.h"
#include "store/store.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cmocka.h>

enum { PER_BATCH = 5, N_KILLS = 20 };

static char dir[128];

static int
make_dir_name(void **state)
{
    (void) state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%.80s/vx-store-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int
remove_dir(void **state)
{
    (void) state;
    static const char *const names[] = {
        "vxfabric.db", "vxfabric.db-wal", "vxfabric.db-shm", "lock"
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static struct vx_store *
open_store(uint64_t journal_lines)
{
    struct vx_store_config config = {
        .dir = dir, .journal_lines = journal_lines,
    };
    struct vx_store *store = NULL;
    struct vx_error err = { 0 };

    if (!vx_store_open(&config, &store, &err)) {
        fail_msg("open: %s", err.message);
    }
    return store;
}

static bool
try_open(struct vx_error *err)
{
    struct vx_store_config config = { .dir = dir };
    struct vx_store *store = NULL;

    if (vx_store_open(&config, &store, err)) {
        vx_store_close(store);
        return true;
    }
    assert_null(store);
    return false;
}

/* Batch number r: PER_BATCH records with a long body, one line of journal. */
static bool
commit_batch(struct vx_store *store, uint64_t r, struct vx_error *err)
{
    struct vx_store_record records[PER_BATCH];
    struct vx_store_line line = {
        .revision = r, .time_ms = 1, .op = "PUT", .path = "/v1/tenants/t",
        .body = "{}", .size = 2,
    };
    char body[700];

    memset(body, 'a' + (int) (r % 26), sizeof body);
    for (unsigned i = 0; i < PER_BATCH; i++) {
        records[i] = (struct vx_store_record) {
            .kind = 1 + i, .oid = r, .revision = r, .body = body,
            .size = sizeof body,
        };
    }
    struct vx_store_batch batch = {
        .records = records, .n_records = PER_BATCH, .lines = &line,
        .n_lines = 1, .counters = { .revision = r, .last_oid = r },
    };
    return vx_store_commit(store, &batch, err);
}

static void
must_commit(struct vx_store *store, uint64_t r)
{
    struct vx_error err = { 0 };

    if (!commit_batch(store, r, &err)) {
        fail_msg("commit %d: %s", (int) r, err.message);
    }
}

/* --- Loading back. */

struct seen {
    uint64_t n, kind, max_revision;
    bool ordered;
};

static bool
see(void *aux, const struct vx_store_record *record, struct vx_error *err)
{
    struct seen *seen = aux;
    (void) err;

    if (record->kind < seen->kind || record->size != 700
        || ((const char *) record->body)[699]
           != 'a' + (int) (record->revision % 26)) {
        seen->ordered = false;
    }
    seen->kind = record->kind;
    seen->n++;
    if (record->revision > seen->max_revision) {
        seen->max_revision = record->revision;
    }
    return true;
}

/* Everything up to the counter is there, as whole batches; returns it. */
static uint64_t
check_whole(struct vx_store *store)
{
    struct seen seen = { .ordered = true };
    struct vx_store_counters counters = { 0, 0 };
    struct vx_error err = { 0 };

    if (!vx_store_load(store, see, &seen, &counters, &err)) {
        fail_msg("load: %s", err.message);
    }
    assert_true(seen.ordered);
    assert_int_equal(seen.max_revision, counters.revision);
    assert_int_equal(seen.n, counters.revision * PER_BATCH);
    assert_int_equal(counters.last_oid, counters.revision);
    return counters.revision;
}

static bool
count_line(void *aux, const struct vx_store_line *line)
{
    uint64_t *values = aux;     /* count, first revision, last revision */

    if (!values[0]++) {
        values[1] = line->revision;
    }
    values[2] = line->revision;
    return true;
}

/* --- Tests. */

static void
a_new_state_is_private_and_empty(void **state)
{
    (void) state;
    struct stat st;

    rmdir(dir);
    struct vx_store *store = open_store(0);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(check_whole(store), 0);
    assert_int_equal(vx_store_journal_floor(store), 0);
    vx_store_close(store);
}

static void
what_was_committed_is_there_after_reopening_parents_first(void **state)
{
    (void) state;
    struct vx_store *store = open_store(0);

    for (uint64_t r = 1; r <= 30; r++) {
        must_commit(store, r);
    }
    vx_store_close(store);
    store = open_store(0);
    assert_int_equal(check_whole(store), 30);
    vx_store_close(store);
}

static void
a_delete_removes_exactly_its_record(void **state)
{
    (void) state;
    struct vx_store *store = open_store(0);
    struct vx_store_record gone[PER_BATCH];
    struct vx_error err = { 0 };

    must_commit(store, 1);
    must_commit(store, 2);
    for (unsigned i = 0; i < PER_BATCH; i++) {
        gone[i] = (struct vx_store_record) { .kind = 1 + i, .oid = 2 };
    }
    struct vx_store_batch batch = {
        .records = gone, .n_records = PER_BATCH,
        .counters = { .revision = 1, .last_oid = 1 },
    };
    assert_true(vx_store_commit(store, &batch, &err));
    assert_int_equal(check_whole(store), 1);
    vx_store_close(store);
}

static void
a_second_controller_is_told_directory_and_pid(void **state)
{
    (void) state;
    struct vx_error err = { 0 };
    char pid[24];
    struct vx_store *store = open_store(0);

    assert_false(try_open(&err));
    assert_int_equal(err.code, VX_EXISTS);
    snprintf(pid, sizeof pid, "process %ld", (long) getpid());
    assert_non_null(strstr(err.message, pid));
    assert_non_null(strstr(err.message, dir));
    vx_store_close(store);
    assert_true(try_open(&err));
}

static void
a_directory_that_cannot_be_made_is_named(void **state)
{
    (void) state;
    struct vx_store_config config = { .dir = "/proc/nowhere/state" };
    struct vx_store *store = NULL;
    struct vx_error err = { 0 };

    assert_false(vx_store_open(&config, &store, &err));
    assert_int_equal(err.code, VX_UNAVAILABLE);
    assert_non_null(strstr(err.message, "/proc/nowhere/state"));
}

static void
child_commits_until_killed(int ack_fd)
{
    struct vx_store_config config = { .dir = dir, .journal_lines = 50 };
    struct vx_store *store = NULL;
    struct vx_store_counters counters = { 0, 0 };
    struct seen seen = { .ordered = true };
    struct vx_error err = { 0 };

    if (!vx_store_open(&config, &store, &err)
        || !vx_store_load(store, see, &seen, &counters, &err)) {
        _exit(2);
    }
    for (uint64_t r = counters.revision + 1;; r++) {
        if (!commit_batch(store, r, &err)
            || write(ack_fd, &r, sizeof r) != sizeof r) {
            _exit(3);
        }
    }
}

/* Returns the last revision the child acknowledged. */
static uint64_t
run_and_kill(unsigned *seed)
{
    int fds[2], status;
    uint64_t acked = 0, r;

    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        close(fds[0]);
        child_commits_until_killed(fds[1]);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &acked, sizeof acked), sizeof acked);
    struct timespec moment = { 0, rand_r(seed) % 12000000 };
    ppoll(NULL, 0, &moment, NULL);
    kill(pid, SIGKILL);
    while (read(fds[0], &r, sizeof r) == sizeof r) {
        acked = r;
    }
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    return acked;
}

static void
kill_9_at_any_moment_loses_nothing_acknowledged(void **state)
{
    (void) state;
    unsigned seed = (unsigned) getpid();

    print_message("# seed %u\n", seed);
    for (int i = 0; i < N_KILLS; i++) {
        uint64_t acked = run_and_kill(&seed);
        struct vx_store *store = open_store(50);
        uint64_t present = check_whole(store);
        /* One more may have become durable before it could say so. */
        assert_true(present == acked || present == acked + 1);
        vx_store_close(store);
    }
}

static void
a_failed_commit_leaves_nothing_behind(void **state)
{
    (void) state;
    struct vx_store *store = open_store(0);
    struct vx_error err = { 0 };
    uint64_t lines[3] = { 0 };
    struct vx_store_record record = {
        .kind = 1, .oid = 9, .revision = 9, .body = "x", .size = 1,
    };
    struct vx_store_line bad[] = {
        { .revision = 9, .op = "PUT", .path = "/v1/x" },
        { .revision = 9, .op = "PUT", .path = NULL },
    };
    struct vx_store_batch batch = {
        .records = &record, .n_records = 1, .lines = bad, .n_lines = 2,
        .counters = { .revision = 9, .last_oid = 9 },
    };

    must_commit(store, 1);
    assert_false(vx_store_commit(store, &batch, &err));
    assert_int_equal(err.code, VX_INTERNAL);
    assert_int_equal(check_whole(store), 1);
    must_commit(store, 2);
    assert_true(vx_store_journal(store, 0, 100, count_line, lines, &err));
    assert_int_equal(lines[0], 2);
    vx_store_close(store);
    store = open_store(0);
    assert_int_equal(check_whole(store), 2);
    vx_store_close(store);
}

static void
limit_file_size(rlim_t size)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* Exit status of a child in which files may not grow: the limit is lifted
 * again and the same batch retried. */
static int
child_runs_out_of_disk(void)
{
    struct vx_store *store = open_store(0);
    struct vx_error err = { 0 };
    uint64_t r = 1;

    signal(SIGXFSZ, SIG_IGN);
    limit_file_size(200 * 1024);
    while (r < 1000 && commit_batch(store, r, &err)) {
        r++;
    }
    if (r == 1000 || err.code != VX_UNAVAILABLE || check_whole(store) != r - 1
        || commit_batch(store, r, &err)) {
        return 1;
    }
    limit_file_size(RLIM_INFINITY);
    for (uint64_t end = r + 10; r < end; r++) {
        if (!commit_batch(store, r, &err)) {
            return 2;
        }
    }
    bool ok = check_whole(store) == r - 1;
    vx_store_close(store);
    return ok ? 0 : 3;
}

static void
a_full_disk_refuses_and_a_retry_succeeds(void **state)
{
    (void) state;
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (!pid) {
        _exit(child_runs_out_of_disk());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct vx_store *store = open_store(0);
    assert_true(check_whole(store) > 10);
    vx_store_close(store);
}

static void
the_journal_drops_whole_old_revisions_and_says_so(void **state)
{
    (void) state;
    struct vx_store *store = open_store(10);
    struct vx_error err = { 0 };
    uint64_t lines[3] = { 0 };

    for (uint64_t r = 1; r <= 100; r++) {
        must_commit(store, r);
    }
    assert_int_equal(vx_store_journal_floor(store), 90);
    assert_true(vx_store_journal(store, 90, 100, count_line, lines, &err));
    assert_int_equal(lines[0], 10);
    assert_int_equal(lines[1], 91);
    assert_int_equal(lines[2], 100);
    assert_false(vx_store_journal(store, 89, 100, count_line, lines, &err));
    assert_int_equal(err.code, VX_GONE);
    assert_string_equal(err.field, "since");
    vx_store_close(store);
    store = open_store(10);
    assert_int_equal(vx_store_journal_floor(store), 90);
    must_commit(store, 101);
    assert_int_equal(vx_store_journal_floor(store), 91);
    vx_store_close(store);
}

static void
a_reader_of_the_journal_never_gets_half_a_revision(void **state)
{
    (void) state;
    struct vx_store *store = open_store(5);
    struct vx_store_line many[20];
    struct vx_error err = { 0 };
    uint64_t lines[3] = { 0 };

    must_commit(store, 1);
    for (int i = 0; i < 20; i++) {
        many[i] = (struct vx_store_line) {
            .revision = 2, .op = "DELETE", .path = "/v1/x",
        };
    }
    struct vx_store_batch batch = {
        .lines = many, .n_lines = 20, .counters = { 2, 2 },
    };
    assert_true(vx_store_commit(store, &batch, &err));
    /* Longer than the limit, and still told: it is the newest. */
    assert_int_equal(vx_store_journal_floor(store), 1);
    must_commit(store, 3);
    assert_int_equal(vx_store_journal_floor(store), 2);
    assert_true(vx_store_commit(store, &(struct vx_store_batch) {
        .lines = (many[0].revision = many[1].revision = 4, many),
        .n_lines = 2, .counters = { 4, 4 } }, &err));
    assert_true(vx_store_journal(store, 3, 1, count_line, lines, &err));
    assert_int_equal(lines[0], 2);
    vx_store_close(store);
}

/* --- Other hands on the file. */

static void
with_sqlite(const char *sql)
{
    char path[256], *message = NULL;
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/vxfabric.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
    sqlite3_close(db);
}

static void
a_flipped_byte_in_a_record_is_found_at_load(void **state)
{
    (void) state;
    struct vx_store *store = open_store(0);
    struct vx_store_counters counters;
    struct seen seen = { 0 };
    struct vx_error err = { 0 };

    must_commit(store, 7);
    vx_store_close(store);
    with_sqlite("UPDATE record SET body = zeroblob(700) WHERE kind = 3");
    store = open_store(0);
    assert_false(vx_store_load(store, see, &seen, &counters, &err));
    assert_int_equal(err.code, VX_INTERNAL);
    assert_non_null(strstr(err.message, "record 3/7"));
    vx_store_close(store);
}

static void
a_foreign_writer_makes_a_commit_fail_for_now(void **state)
{
    (void) state;
    struct vx_store *store = open_store(0);
    struct vx_error err = { 0 };
    char path[256];
    sqlite3 *db = NULL;

    must_commit(store, 1);
    snprintf(path, sizeof path, "%s/vxfabric.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_false(commit_batch(store, 2, &err));
    assert_int_equal(err.code, VX_UNAVAILABLE);
    sqlite3_close(db);
    must_commit(store, 2);
    assert_int_equal(check_whole(store), 2);
    vx_store_close(store);
}

/* A state as the first schema left it.  Frozen: never adapt it. */
static const char version_1[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA application_id = 1987602018;"
    "CREATE TABLE schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE record (kind INTEGER NOT NULL, oid INTEGER NOT NULL,"
    " revision INTEGER NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (kind, oid)) WITHOUT ROWID;"
    "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1),"
    " revision INTEGER NOT NULL, last_oid INTEGER NOT NULL,"
    " journal_floor INTEGER NOT NULL);"
    "CREATE TABLE journal (seq INTEGER PRIMARY KEY,"
    " revision INTEGER NOT NULL, time_ms INTEGER NOT NULL,"
    " op TEXT NOT NULL, path TEXT NOT NULL, body BLOB);"
    "INSERT INTO schema VALUES (1, 'records');"
    "INSERT INTO meta VALUES (1, 41, 17, 40);"
    "INSERT INTO record VALUES (3, 12, 40, CAST('acme' AS BLOB));"
    "INSERT INTO record VALUES (4, 17, 41, CAST('web' AS BLOB));"
    "INSERT INTO journal VALUES (5, 41, 1700000000000, 'PUT',"
    " '/v1/tenants/acme/networks/web', CAST('{}' AS BLOB));";

static bool
see_version_1(void *aux, const struct vx_store_record *record,
              struct vx_error *err)
{
    int *n = aux;
    (void) err;

    assert_int_equal(record->kind, 3 + *n);
    assert_int_equal(record->oid, *n ? 17 : 12);
    assert_int_equal(record->revision, 40 + *n);
    assert_int_equal(record->size, *n ? 3 : 4);
    assert_memory_equal(record->body, *n ? "web" : "acme", record->size);
    ++*n;
    return true;
}

static void
a_state_of_version_1_is_migrated_with_all_it_holds(void **state)
{
    (void) state;
    struct vx_store_counters counters = { 0, 0 };
    struct vx_error err = { 0 };
    uint64_t lines[3] = { 0 };
    int n = 0;

    with_sqlite(version_1);
    for (int i = 0; i < 2; i++) {   /* the second time: nothing to do */
        struct vx_store *store = open_store(0);
        n = 0;
        if (!vx_store_load(store, see_version_1, &n, &counters, &err)) {
            fail_msg("load: %s", err.message);
        }
        assert_int_equal(n, 2);
        assert_int_equal(counters.revision, 41);
        assert_int_equal(counters.last_oid, 17);
        assert_int_equal(vx_store_journal_floor(store), 40);
        vx_store_close(store);
    }
    struct vx_store *store = open_store(0);
    must_commit(store, 42);
    assert_true(vx_store_journal(store, 40, 9, count_line, lines, &err));
    assert_int_equal(lines[0], 2);
    vx_store_close(store);
}

/* Zones of before they had numbers, and what is none. */
static const char zones_of_old[] =
    "INSERT INTO record VALUES (1, 3, 1, CAST('{\"v\":1,\"name\":\"b\"}'"
    " AS BLOB)), (1, 9, 2, CAST('{\"v\":1,\"name\":\"a\"}' AS BLOB)),"
    " (2, 5, 2, CAST('{\"v\":1,\"name\":\"h\",\"num\":7}' AS BLOB));"
    "UPDATE meta SET last_oid = 17, revision = 41;";

static bool
see_zones(void *aux, const struct vx_store_record *record,
          struct vx_error *err)
{
    static const char *const bodies[] = {
        "{\"v\":1,\"name\":\"b\",\"num\":1}",
        "{\"v\":1,\"name\":\"a\",\"num\":2}",
        "{\"v\":1,\"name\":\"h\",\"num\":7}",
    };
    int *n = aux;
    (void) err;

    if (record->kind <= 2) {
        assert_int_equal(record->size, strlen(bodies[*n]));
        assert_memory_equal(record->body, bodies[*n], record->size);
        ++*n;
    }
    return true;
}

static void
zones_of_an_old_state_get_numbers_once_and_keep_them(void **state)
{
    (void) state;
    struct vx_store_counters counters = { 0, 0 };
    struct vx_error err = { 0 };

    with_sqlite(version_1);
    with_sqlite(zones_of_old);
    for (int i = 0; i < 2; i++) {
        struct vx_store *store = open_store(0);
        int n = 0;

        if (!vx_store_load(store, see_zones, &n, &counters, &err)) {
            fail_msg("load: %s", err.message);
        }
        assert_int_equal(n, 3);
        vx_store_close(store);
    }
}

static void
a_state_of_a_newer_version_is_refused_by_name(void **state)
{
    (void) state;
    struct vx_error err = { 0 };

    vx_store_close(open_store(0));
    with_sqlite("INSERT INTO schema VALUES (1000, 'holograms')");
    assert_false(try_open(&err));
    assert_int_equal(err.code, VX_INVALID);
    assert_non_null(strstr(err.message, "1000 \"holograms\""));
    assert_non_null(strstr(err.message, "newer"));
}

static void
a_database_of_somebody_else_is_refused_and_left_alone(void **state)
{
    (void) state;
    struct vx_error err = { 0 };

    with_sqlite("CREATE TABLE cookies (name TEXT)");
    assert_false(try_open(&err));
    assert_int_equal(err.code, VX_INVALID);
    with_sqlite("INSERT INTO cookies VALUES ('crumb')");
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
    (void) state;
    struct vx_error err = { 0 };
    char path[256];

    snprintf(path, sizeof path, "%s/vxfabric.db", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        fputs("this is not a database\n", file);
    }
    fclose(file);
    assert_false(try_open(&err));
    assert_int_equal(err.code, VX_INTERNAL);
}

#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, make_dir_name, remove_dir)

static int
pragma(struct vx_store *store, const char *sql)
{
    sqlite3_stmt *stmt;
    int value;

    assert_int_equal(sqlite3_prepare_v2(vx_store_db(store), sql, -1, &stmt,
                                        NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    value = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* What kill -9 cannot tell, since the page cache outlives a process. */
static void
a_commit_is_on_the_disk_before_it_is_acknowledged(void **state)
{
    struct vx_store *store = open_store(0);
    enum { FULL = 2 };

    (void) state;
    assert_int_equal(pragma(store, "PRAGMA synchronous"), FULL);
    assert_int_equal(pragma(store, "SELECT journal_mode = 'wal' FROM "
                            "pragma_journal_mode"), 1);
    vx_store_close(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_state_is_private_and_empty),
        TEST(what_was_committed_is_there_after_reopening_parents_first),
        TEST(a_delete_removes_exactly_its_record),
        TEST(a_second_controller_is_told_directory_and_pid),
        TEST(a_directory_that_cannot_be_made_is_named),
        TEST(kill_9_at_any_moment_loses_nothing_acknowledged),
        TEST(a_commit_is_on_the_disk_before_it_is_acknowledged),
        TEST(a_failed_commit_leaves_nothing_behind),
        TEST(a_full_disk_refuses_and_a_retry_succeeds),
        TEST(the_journal_drops_whole_old_revisions_and_says_so),
        TEST(a_reader_of_the_journal_never_gets_half_a_revision),
        TEST(a_flipped_byte_in_a_record_is_found_at_load),
        TEST(a_foreign_writer_makes_a_commit_fail_for_now),
        TEST(a_state_of_version_1_is_migrated_with_all_it_holds),
        TEST(zones_of_an_old_state_get_numbers_once_and_keep_them),
        TEST(a_state_of_a_newer_version_is_refused_by_name),
        TEST(a_database_of_somebody_else_is_refused_and_left_alone),
        TEST(a_file_that_is_no_database_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
