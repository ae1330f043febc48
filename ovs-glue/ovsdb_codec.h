/* SPDX-License-Identifier: Apache-2.0 */
/* OVSDB on the wire (RFC 7047, ovsdb-server(7) for monitor_cond_since):
 * messages out of bytes, rows out of updates.  No socket, no clock, no
 * decision.  libopenvswitch's JSON parser is the codec; everything around it
 * is bounded here, because the other side is not trusted. */
#ifndef OG_OVSDB_CODEC_H
#define OG_OVSDB_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "ovs-glue/ovsdb_view.h"

struct json;

enum {
    OG_JSON_MAX_BYTES = 32 << 20,   /* of one message */
    OG_JSON_MAX_VALUES = 2 << 20,   /* in one message */
    OG_JSON_MAX_DEPTH = 24,
    OG_STRING_MAX = 4096,           /* bytes of one stored string */
    OG_MAP_MAX = 4096,              /* pairs of one stored map */
    OG_ROWS_MAX = 65536,            /* of one table */
};

/* --- Messages out of a byte stream. */

struct og_json_stream;

struct og_json_stream *og_json_stream_new(void);
void og_json_stream_free(struct og_json_stream *stream);
/* Consumes at most up to the end of a message.  *ret_msg is the message that
 * is complete now (json_destroy it) or NULL: more bytes are needed.  False:
 * the stream is of no more use. */
bool og_json_stream_feed(struct og_json_stream *stream, const char *data,
                         size_t size, size_t *ret_used,
                         struct json **ret_msg, struct vx_error *err);

/* Part of a message has been seen, but not its end. */
bool og_json_stream_in_message(const struct og_json_stream *stream);

/* --- Requests. */

/* "params" of the monitor_cond_since request for exactly the columns the
 * view has; to be freed. */
char *og_ovsdb_monitor_params(void);

/* --- Updates. */

enum og_row_event {
    OG_ROW_NEW,
    OG_ROW_CHANGED,     /* a column that is no reference, or Bridge.controller
                         * or a reference of the root */
    OG_ROW_PARENT,      /* its parent pointer */
    OG_ROW_GONE,        /* out of the view; free it with og_row_free when no
                         * longer needed */
};
struct og_update_sink {
    void *aux;
    void (*row)(void *aux, struct og_row *row, enum og_row_event event);
};

/* Applies <table-updates2> to the view.  False leaves the view consistent in
 * itself but of unknown truth: give the session up. */
bool og_ovsdb_apply(struct og_ovsdb_view *view, const struct json *updates,
                    const struct og_update_sink *sink, struct vx_error *err);

/* --- Replies. */

/* True if every operation of a transact result has succeeded. */
bool og_ovsdb_check_result(const struct json *result, struct vx_error *err);
/* The text of the "error" of a reply, as RFC 7047 and ovsdb-server have it:
 * string or object. */
bool og_ovsdb_fail(const struct json *error, struct vx_error *err);

#endif
