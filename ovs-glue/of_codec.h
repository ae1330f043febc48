/* SPDX-License-Identifier: Apache-2.0 */
/* Rows <-> OpenFlow 1.5 bytes.
 *
 *   struct vx_row --og_msgs--> bytes, encoded once, sent to many switches
 *   struct vx_row --\
 *   dump replies ----+--og_crows--> canonical rows, for vx_diff_rows()
 *
 * libopenvswitch is a codec here and nothing else: no poll loop, no threads,
 * no log of its own.  Bytes from a switch are hostile: every function that
 * takes them checks sizes first and fails with a message, never aborts.
 * Sources: OpenFlow Switch Specification 1.5.1, ovs-fields(7). */
#ifndef OG_OF_CODEC_H
#define OG_OF_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/diff.h"
#include "core/flow.h"
#include "lib/err.h"

/* Silences libopenvswitch's own log.  Called by og_msgs_new() and
 * og_crows_new() as well; idempotent. */
void og_codec_init(void);

/* --- Messages to switches.
 *
 * Flow and group modifications, each wrapped as OFPT_BUNDLE_ADD_MESSAGE of
 * bundle OG_BUNDLE_ID with flags ATOMIC | ORDERED, and meter modifications,
 * which ovs-vswitchd takes only outside of bundles.  An xid is unique in the
 * process (31 bits, top bit clear; sessions' own xids have it set), so an
 * error names the very message although all switches get the same bytes.
 *
 * A message is a row, except that buckets of a group which are added one
 * after the other share a message.
 *
 * Built by one owner, then only read: do not append once it is queued.
 * Encoding costs 0.7 us a row. */
enum { OG_BUNDLE_ID = 1 };

struct og_msgs;

struct og_msgs *og_msgs_new(void);                      /* one reference */
struct og_msgs *og_msgs_ref(struct og_msgs *msgs);
void og_msgs_unref(struct og_msgs *msgs);               /* NULL is fine */

/* Flow: OFPFC_ADD, replaces one of the same key.  Group: OFPGC_ADD, no
 * buckets; an error if it exists.  Bucket: OFPGC_INSERT_BUCKET at
 * the end; an error if it exists (OpenFlow cannot replace a bucket: delete
 * the row first).  Meter: OFPMC_ADD, an error if it exists. */
void og_msgs_add_row(struct og_msgs *msgs, const struct vx_row *row);
/* Flow: OFPFC_DELETE_STRICT by match and priority, no error if it is not
 * there.  Group: OFPGC_DELETE, no error either, takes its buckets and every
 * flow that outputs to it along.  Bucket: OFPGC_REMOVE_BUCKET, an error if
 * it is not there.  Meter: OFPMC_DELETE, no error, takes every flow that uses
 * it along. */
void og_msgs_delete_row(struct og_msgs *msgs, const struct vx_row *row);
/* The same for canonical rows: what og_crows_add_rows made is added, a row of
 * a dump, also one that could not be decoded, deleted. */
void og_msgs_add_crow(struct og_msgs *msgs, const struct vx_crow *crow);
void og_msgs_delete_crow(struct og_msgs *msgs, const struct vx_crow *crow);
/* del, then add, of a delta: the whole change of one switch.  Buckets of a
 * group that goes as well are left out.  Meters come before and go after all
 * else; one that is in both is modified. */
struct vx_delta;
void og_msgs_delta(struct og_msgs *msgs, const struct vx_delta *delta);
/* A flow, outside of any bundle: nothing else can be the reason why the
 * switch does not do it. */
void og_msgs_delete_alone(struct og_msgs *msgs, const struct vx_row *row);
/* Repairs: what vx_diff_rows() said of canonical rows, where want is of
 * og_crows_add_rows. */
void og_msgs_diff(struct og_msgs *msgs, const struct vx_diff *diffs,
                  size_t n_diffs, const struct vx_crow *have,
                  const struct vx_crow *want);

size_t og_msgs_length(const struct og_msgs *msgs);      /* messages */
size_t og_msgs_size(const struct og_msgs *msgs);        /* bytes */
/* Bytes of messages first..first+n-1, which are contiguous. */
const void *og_msgs_bytes(const struct og_msgs *msgs, size_t first, size_t n,
                          size_t *ret_size);
/* How many messages from first on, which is one, are all bundled or, as
 * *ret_bundled says, all not. */
size_t og_msgs_run(const struct og_msgs *msgs, size_t first,
                   bool *ret_bundled);
/* Whether it deletes a meter, and with it the flows that still name it. */
bool og_msgs_takes_flows(const struct og_msgs *msgs, size_t index);
/* Index of the message with this xid, or SIZE_MAX.  O(log n). */
size_t og_msgs_find_xid(const struct og_msgs *msgs, uint32_t xid);
/* "flow add table=30 priority=100 cookie=0x...", "bucket insert group=7
 * bucket=3". */
struct vx_buf;
void og_msgs_describe(const struct og_msgs *msgs, size_t index,
                      struct vx_buf *buf);

/* --- Canonical rows. */

struct og_crows {
    struct vx_crow *rows;       /* in the order they were added */
    size_t n;                   /* rows */
    size_t n_bad;               /* of these, could not be decoded */
    size_t cap;
    struct og_chunk *chunks;    /* the bytes keys and bodies point to */
};

struct og_crows *og_crows_new(void);
void og_crows_free(struct og_crows *crows);             /* NULL is fine */
/* rows[i] becomes the i-th crow added by this call. */
void og_crows_add_rows(struct og_crows *crows, const struct vx_row *rows,
                       size_t n);
/* One OFPMP_FLOW / OFPMP_GROUP_DESC / OFPMP_METER_CONFIG reply message, whole,
 * its header's length being size.  A flow whose match or instructions are not
 * understood still becomes a row: it equals nothing wanted and can be deleted.
 * Buckets of a group that is not of the type it should be, or has properties,
 * are left out, so that a repair makes the group anew.  False if the bytes are
 * malformed; rows before the malformed place stay. */
bool og_crows_add_reply(struct og_crows *crows, const void *msg, size_t size,
                        struct vx_error *err);

/* In the syntax of ovs-ofctl, as far as it is understood; bounded. */
void og_crow_format(const struct vx_crow *crow, struct vx_buf *buf);
/* What it tells about itself. */
struct vx_row_hint;
void og_crow_hint(const struct vx_crow *crow, struct vx_row_hint *ret_hint);

/* What an OFPT_ERROR says, by name: "the switch answered
 * OFPFMFC_TABLE_FULL". */
void og_error_from_reply(const void *msg, size_t size,
                         struct vx_error *ret_err);

#endif
