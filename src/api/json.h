/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, strictly: a checked text as a cJSON tree, and a writer.  Private to
 * src/api and src/gateway: the only header that shows cJSON. */
#ifndef VX_API_JSON_H
#define VX_API_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/object.h"
#include "lib/buf.h"
#include "lib/err.h"

/* See codec.h. */
struct vx_doc {
    cJSON *root;
    void **blocks;      /* what ops borrow beside strings of the tree */
    size_t n_blocks, cap_blocks;
};

/* Zeroed memory that lives as long as doc. */
void *vx_doc_alloc(struct vx_doc *doc, size_t size);

/* RFC 8259, nesting, number of values; no duplicates check. */
bool vx_json_check(const char *text, size_t size, struct vx_error *err);

/* Length of the UTF-8 sequence at s (RFC 3629), 0 if it is none. */
size_t vx_utf8_length(const char *s, size_t size);

/* Integer in 0..max; false if it is not a number, not whole or out of
 * range.  Exact up to 2^53. */
bool vx_json_uint(const cJSON *value, uint64_t max, uint64_t *ret_u);

/* Member that is there and not null. */
const cJSON *vx_json_member(const cJSON *object, const char *name);
/* Such a member that is a string. */
const char *vx_json_text(const cJSON *object, const char *name);
/* Such a member that is an integer, else 0. */
uint64_t vx_json_u64(const cJSON *object, const char *name);

/* --- Objects. */

struct vx_obj;

/* A body that is part of a document, of a batch. */
struct vx_codec_path;
struct vx_codec_part {
    struct vx_doc *doc;         /* owns what the op borrows */
    const cJSON *json;          /* NULL = {} */
    const struct vx_codec_path *path;
};
struct vx_codec_view;
struct vx_op;
/* As vx_codec_put. */
bool vx_codec_put_part(const struct vx_codec_part *part,
                       const struct vx_codec_view *present,
                       struct vx_op *ret_op, struct vx_error *err);
bool vx_codec_json_wants_present(const cJSON *json, enum vx_kind kind);

/* Number in the fabric of a zone, host, route or policy; else 0. */
uint32_t vx_codec_num(const struct vx_obj *obj);

/* --- Writing.  begin, members, end; nothing to free. */

struct vx_jw {
    struct vx_buf *out;
    bool comma;
};

void vx_jw_begin(struct vx_jw *jw, struct vx_buf *out);     /* { */
void vx_jw_end(struct vx_jw *jw);                           /* } */
void vx_jw_key(struct vx_jw *jw, const char *key);
void vx_jw_str(struct vx_jw *jw, const char *key, const char *value);
/* null if value is NULL or "". */
void vx_jw_opt(struct vx_jw *jw, const char *key, const char *value);
void vx_jw_u64(struct vx_jw *jw, const char *key, uint64_t value);
/* null if value is 0. */
void vx_jw_u64_opt(struct vx_jw *jw, const char *key, uint64_t value);
void vx_jw_bool(struct vx_jw *jw, const char *key, bool value);

#endif
