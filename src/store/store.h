/* SPDX-License-Identifier: Apache-2.0 */
/* Durable intent: records, counters and a bounded journal of revisions.
 *
 *     start:   vx_store_open -> vx_store_load (parents first) -> model
 *     change:  model stages -> vx_store_commit (ONE transaction, ONE fsync
 *              for all requests of a loop turn) -> model commits -> replies
 *     watch:   vx_store_journal reads what memory no longer has
 *
 * A record is opaque bytes under (kind, oid); what they mean is the codec's
 * business.  Nothing on the hot path reads the store.  One process per state
 * directory: a second one is refused by name.
 *
 * The interface is small on purpose, so that a replicated engine can take the
 * place of SQLite.  No call here may run while another one is on the stack.
 *
 * Errors.  VX_UNAVAILABLE: disk full, I/O error, locked by somebody's backup;
 * nothing of the batch is kept, the caller undoes its stage, answers 503 and
 * may try again at any time (SQLite writes all pages of a transaction anew,
 * so a retry after a failed fsync does not trust the page cache).
 * VX_INTERNAL: the database is damaged; do not go on. */
#ifndef VX_STORE_STORE_H
#define VX_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct vx_store;

enum { VX_STORE_JOURNAL_DEFAULT = 100000 };

struct vx_store_config {
    const char *dir;            /* state directory; made with mode 0700 */
    uint64_t journal_lines;     /* lines kept, whole revisions at a time;
                                 * 0 = VX_STORE_JOURNAL_DEFAULT */
};

/* Takes the lock (DIR/lock holds the pid), opens DIR/vxfabric.db, brings its
 * schema up to date.  Fails with VX_EXISTS if another process holds the
 * directory, VX_INVALID if a newer version wrote it, VX_UNAVAILABLE or
 * VX_INTERNAL as above. */
bool vx_store_open(const struct vx_store_config *config,
                   struct vx_store **ret_store, struct vx_error *err);
void vx_store_close(struct vx_store *store);    /* NULL is fine */

struct vx_store_counters {
    uint64_t revision;
    uint64_t last_oid;
};

struct vx_store_record {
    unsigned kind;              /* enum vx_kind; 0..255 */
    uint64_t oid;               /* <= INT64_MAX */
    uint64_t revision;          /* <= INT64_MAX */
    const void *body;           /* in a batch: NULL = delete the record */
    size_t size;                /* bytes */
};

/* Return false with err filled to stop. */
typedef bool vx_store_record_cb(void *aux,
                                const struct vx_store_record *record,
                                struct vx_error *err);

/* All records by (kind, oid), so that parents come first, then the counters.
 * Reads every page of the records, verifies a checksum of each: this, and
 * not PRAGMA quick_check (10 s per GB), is the integrity check at start. */
bool vx_store_load(struct vx_store *store, vx_store_record_cb *cb, void *aux,
                   struct vx_store_counters *ret_counters,
                   struct vx_error *err);

/* One line of the journal: what a watcher is told. */
struct vx_store_line {
    uint64_t revision;          /* does not decrease from line to line */
    int64_t time_ms;            /* wall clock, ms since the epoch */
    const char *op;             /* "PUT" or "DELETE" */
    const char *path;           /* "/v1/..." */
    const void *body;           /* JSON, NULL if none */
    size_t size;                /* bytes */
};

struct vx_store_batch {
    const struct vx_store_record *records;  /* applied in order */
    size_t n_records;
    const struct vx_store_line *lines;
    size_t n_lines;
    struct vx_store_counters counters;      /* after the batch */
};

/* Everything or nothing; durable when it returns true. */
bool vx_store_commit(struct vx_store *store,
                     const struct vx_store_batch *batch,
                     struct vx_error *err);

/* Return false to stop (not an error). */
typedef bool vx_store_line_cb(void *aux, const struct vx_store_line *line);

/* Lines with revision > since, oldest first, at most max_lines, but never
 * only a part of a revision.  VX_GONE if since is older than what is kept.
 * Cost: O(log n + lines). */
bool vx_store_journal(struct vx_store *store, uint64_t since,
                      size_t max_lines, vx_store_line_cb *cb, void *aux,
                      struct vx_error *err);
/* The lowest `since` that vx_store_journal still answers. */
uint64_t vx_store_journal_floor(const struct vx_store *store);

#endif
