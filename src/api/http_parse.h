/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 requests from bytes (RFC 9112), pure and strict: whatever two
 * readers could read differently (bare LF, folded lines, two lengths, length
 * and chunks together, space before a colon) is refused.  Private to
 * src/api. */
#ifndef VX_API_HTTP_PARSE_H
#define VX_API_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

enum {
    VX_HTTP_HEAD_MAX = 16 * 1024,   /* bytes, request line and headers */
    VX_HTTP_MAX_HEADERS = 64,
};

enum vx_http_method {
    VX_HTTP_OTHER = 0,
    VX_HTTP_GET = 1,
    VX_HTTP_HEAD = 2,
    VX_HTTP_PUT = 4,
    VX_HTTP_PATCH = 8,
    VX_HTTP_POST = 16,
    VX_HTTP_DELETE = 32,
};

struct vx_http_header {
    const char *name, *value;   /* value without surrounding blanks */
};

/* Strings point into the text. */
struct vx_http_head {
    enum vx_http_method method;
    const char *path;           /* not decoded, without query */
    const char *query;          /* not decoded, NULL if there is no '?' */
    unsigned minor;             /* HTTP/1.minor */
    bool keep_alive;
    bool chunked;
    bool expects_continue;
    uint64_t content_length;    /* 0 if there is none */
    struct vx_http_header headers[VX_HTTP_MAX_HEADERS];
    size_t n_headers;
};

/* Parses a head that ends in CRLF CRLF; text[size] is NUL.  Changes text. */
bool vx_http_parse_head(char *text, size_t size,
                        struct vx_http_head *ret_head, struct vx_error *err);
/* First value of a header, NULL if there is none; name in any case. */
const char *vx_http_header(const struct vx_http_head *head,
                           const char *name);

/* A chunked body, piece by piece. */
struct vx_http_chunks {
    enum {
        VX_CHUNK_SIZE, VX_CHUNK_DATA, VX_CHUNK_DATA_END, VX_CHUNK_TRAILER,
        VX_CHUNK_DONE
    } state;
    uint64_t left;              /* bytes of the present chunk */
    size_t line_size;           /* bytes of the present line */
    unsigned n_digits;
    bool cr, extension;
    size_t trailer_size;
};
/* Takes what it can from data, appends the body to out, returns the number
 * of bytes taken; SIZE_MAX with err if it is malformed.  Done when state is
 * VX_CHUNK_DONE. */
size_t vx_http_chunks_feed(struct vx_http_chunks *chunks, const char *data,
                           size_t size, struct vx_buf *out,
                           struct vx_error *err);

/* Decodes one query parameter value in place; false on bad escapes, control
 * characters. '+' is a space. */
bool vx_http_query_decode(char *s);

#endif
