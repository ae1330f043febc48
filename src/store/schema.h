/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of the SQLite store and how an old one becomes the present one.
 * Private to src/store. */
#ifndef VX_STORE_SCHEMA_H
#define VX_STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct sqlite3;

/* PRAGMA application_id of our databases: "vxfb". */
enum { VX_STORE_APPLICATION_ID = 0x76786662 };

/* Brings an open database to the present schema, one transaction per step;
 * an empty one becomes a new state.  path is for messages.  VX_INVALID if it
 * is not ours or of a newer version; nothing is changed then. */
bool vx_store_migrate(struct sqlite3 *db, const char *path,
                      struct vx_error *err);

/* The open database, for the other files of this folder. */
struct vx_store;
struct sqlite3 *vx_store_db(struct vx_store *store);

/* Fills err from the connection's last error and returns false.  what: "commit
 * to the store". */
bool vx_store_fail(struct sqlite3 *db, const char *what, struct vx_error *err);

/* Checksum of a record (FNV-1a, 64 bits), as stored. */
int64_t vx_store_sum(unsigned kind, int64_t oid, int64_t revision,
                     const void *body, size_t size);

#endif
