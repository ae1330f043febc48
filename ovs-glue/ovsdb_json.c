/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded JSON messages out of a byte stream.
 *
 * A scanner of our own walks the bytes ahead of libopenvswitch's parser: it
 * knows strings and brackets only, finds where a message ends, and refuses
 * what is too long, too deep or too many before memory is spent on it.  Note
 * that json_parser_feed takes what lies in the message and nothing after. */
#include <config.h>

#include "ovs-glue/ovsdb_codec.h"

#include <stdlib.h>

#include "openvswitch/json.h"

#include "lib/xalloc.h"

struct og_json_stream {
    struct json_parser *parser; /* NULL between messages */
    size_t n_bytes;             /* of the message so far */
    size_t n_values;            /* about: separators seen */
    unsigned depth;
    bool in_string;
    bool escaped;               /* after a backslash */
};

struct og_json_stream *
og_json_stream_new(void)
{
    return vx_xcalloc(1, sizeof(struct og_json_stream));
}

static void
stream_reset(struct og_json_stream *stream)
{
    if (stream->parser) {
        json_parser_abort(stream->parser);
    }
    *stream = (struct og_json_stream) { NULL, 0, 0, 0, false, false };
}

void
og_json_stream_free(struct og_json_stream *stream)
{
    if (stream) {
        stream_reset(stream);
        free(stream);
    }
}

bool
og_json_stream_in_message(const struct og_json_stream *stream)
{
    return stream->parser != NULL;
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One byte.  False: over a limit.  *ret_end: the message ends with it. */
static bool
scan(struct og_json_stream *stream, char c, bool *ret_end,
     struct vx_error *err)
{
    *ret_end = false;
    if (++stream->n_bytes > OG_JSON_MAX_BYTES) {
        return vx_fail(err, VX_TOO_LARGE, "", "message of over %d bytes",
                       OG_JSON_MAX_BYTES);
    }
    if (stream->in_string) {
        if (stream->escaped) {
            stream->escaped = false;
        } else if (c == '\\') {
            stream->escaped = true;
        } else if (c == '"') {
            stream->in_string = false;
        }
        return true;
    }
    switch (c) {
    case '"':
        stream->in_string = true;
        break;
    case '{':
    case '[':
        if (++stream->depth > OG_JSON_MAX_DEPTH) {
            return vx_fail(err, VX_TOO_LARGE, "",
                           "message nested deeper than %d",
                           OG_JSON_MAX_DEPTH);
        }
        stream->n_values++;
        break;
    case '}':
    case ']':
        *ret_end = stream->depth == 0 || --stream->depth == 0;
        break;
    case ',':
        stream->n_values++;
        break;
    default:
        break;
    }
    if (stream->n_values > OG_JSON_MAX_VALUES) {
        return vx_fail(err, VX_TOO_LARGE, "", "message of over %d values",
                       OG_JSON_MAX_VALUES);
    }
    return true;
}

/* The parser has seen all of a message: a value, or an error text. */
static bool
finish(struct og_json_stream *stream, struct json **ret_msg,
       struct vx_error *err)
{
    struct json *json = json_parser_finish(stream->parser);
    bool ok = json->type != JSON_STRING;

    stream->parser = NULL;
    stream_reset(stream);
    if (ok) {
        *ret_msg = json;
    } else {
        vx_fail(err, VX_INVALID, "", "not JSON: %s", json_string(json));
        json_destroy(json);
    }
    return ok;
}

bool
og_json_stream_feed(struct og_json_stream *stream, const char *data,
                    size_t size, size_t *ret_used, struct json **ret_msg,
                    struct vx_error *err)
{
    size_t start = 0, i;
    bool end = false;

    *ret_msg = NULL;
    if (!stream->parser) {
        while (start < size && is_space(data[start])) {
            start++;
        }
        if (start == size) {
            *ret_used = size;
            return true;
        }
        stream->parser = json_parser_create(0);
    }
    for (i = start; i < size && !end; i++) {
        if (!scan(stream, data[i], &end, err)) {
            return false;
        }
        if (stream->depth == 0 && !end) {
            return vx_fail(err, VX_INVALID, "",
                           "not JSON: a message is an object");
        }
    }
    json_parser_feed(stream->parser, data + start, i - start);
    *ret_used = i;
    if (json_parser_is_done(stream->parser) || end) {
        return finish(stream, ret_msg, err);
    }
    return true;
}
