/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of the SQLite store and how an old one becomes the present one.
 * Private to src/store. */
#ifndef VX_STORE_SCHEMA_H
#define VX_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/* PRAGMA application_id of our databases: "vxfb". */
enum { VX_STORE_APPLICATION_ID = 0x76786662 };

/* Brings an open database to the present schema, one transaction per step;
 * an empty one becomes a new state.  path is for messages.  VX_INVALID if it
 * is not ours or of a newer version; nothing is changed then. */
bool vx_store_migrate(sqlite3 *db, const char *path, struct vx_error *err);

/* Number of the present schema; tests stop half-way. */
int vx_store_schema_version(void);
bool vx_store_migrate_to(sqlite3 *db, const char *path, int version,
                         struct vx_error *err);

/* Fills err from the connection's last error and returns false.  what: "commit
 * to the store". */
bool vx_store_fail(sqlite3 *db, const char *what, struct vx_error *err);

/* Checksum of a record (FNV-1a, 64 bits), as stored. */
sqlite3_int64 vx_store_sum(unsigned kind, sqlite3_int64 oid,
                           sqlite3_int64 revision, const void *body,
                           size_t size);

#endif
