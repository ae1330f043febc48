/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1.1 parser; see http_parse.h.  No I/O. */
#include "api/http_parse.h"

#include <string.h>
#include <strings.h>

static bool
bad(struct vx_error *err, const char *what)
{
    return vx_fail(err, VX_INVALID, "", "malformed HTTP request: %s", what);
}

/* RFC 9110 5.6.2 */
static bool
is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z')
           || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
is_token(const char *s)
{
    if (!*s) {
        return false;
    }
    for (; *s; s++) {
        if (!is_token_char((unsigned char) *s)) {
            return false;
        }
    }
    return true;
}

static enum vx_http_method
find_method(const char *name)
{
    static const struct {
        const char *name;
        enum vx_http_method method;
    } methods[] = {
        { "GET", VX_HTTP_GET }, { "HEAD", VX_HTTP_HEAD },
        { "PUT", VX_HTTP_PUT }, { "PATCH", VX_HTTP_PATCH },
        { "POST", VX_HTTP_POST }, { "DELETE", VX_HTTP_DELETE },
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (!strcmp(methods[i].name, name)) {
            return methods[i].method;
        }
    }
    return VX_HTTP_OTHER;
}

/* Cuts the line at *text off; NULL if it has no CRLF or a stray CR or LF. */
static char *
take_line(char **text)
{
    char *line = *text;
    size_t size = strcspn(line, "\r\n");

    if (line[size] != '\r' || line[size + 1] != '\n') {
        return NULL;
    }
    line[size] = '\0';
    *text = line + size + 2;
    return line;
}

static bool
parse_target(char *target, struct vx_http_head *head, struct vx_error *err)
{
    if (*target != '/') {
        return bad(err, "the target must be a path that begins with '/'");
    }
    for (const char *p = target; *p; p++) {
        unsigned char c = (unsigned char) *p;
        if (c <= 0x20 || c >= 0x7f || c == '#') {
            return bad(err, "bytes in the target that must be escaped");
        }
    }
    head->path = target;
    char *query = strchr(target, '?');
    if (query) {
        *query++ = '\0';
        head->query = query;
    }
    return true;
}

static bool
parse_request_line(char *line, struct vx_http_head *head,
                   struct vx_error *err)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version) {
        return bad(err, "the request line is not METHOD TARGET VERSION");
    }
    *target++ = '\0';
    *version++ = '\0';
    if (!is_token(line)) {
        return bad(err, "the method is no token");
    }
    head->method = find_method(line);
    if (strcmp(version, "HTTP/1.1") && strcmp(version, "HTTP/1.0")) {
        return bad(err, "the version must be HTTP/1.1 or HTTP/1.0");
    }
    head->minor = version[7] == '1';
    return parse_target(target, head, err);
}

static bool
parse_header(char *line, struct vx_http_head *head, struct vx_error *err)
{
    char *value = strchr(line, ':');

    if (!value) {
        return bad(err, "a header has no ':'");
    }
    *value++ = '\0';
    if (!is_token(line)) {
        return bad(err, "a header's name is no token");
    }
    value += strspn(value, " \t");
    size_t size = strlen(value);
    while (size && (value[size - 1] == ' ' || value[size - 1] == '\t')) {
        value[--size] = '\0';
    }
    for (const char *p = value; *p; p++) {
        if (((unsigned char) *p < 0x20 && *p != '\t') || *p == 0x7f) {
            return bad(err, "a control character in a header");
        }
    }
    if (head->n_headers == VX_HTTP_MAX_HEADERS) {
        return vx_fail(err, VX_TOO_LARGE, "", "more than %d headers",
                       VX_HTTP_MAX_HEADERS);
    }
    head->headers[head->n_headers++] = (struct vx_http_header) {
        .name = line, .value = value,
    };
    return true;
}

const char *
vx_http_header(const struct vx_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->n_headers; i++) {
        if (!strcasecmp(head->headers[i].name, name)) {
            return head->headers[i].value;
        }
    }
    return NULL;
}

static size_t
count_header(const struct vx_http_head *head, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < head->n_headers; i++) {
        n += !strcasecmp(head->headers[i].name, name);
    }
    return n;
}

static bool
parse_length(const char *s, uint64_t *ret_u)
{
    uint64_t u = 0;
    size_t n = strspn(s, "0123456789");

    if (!n || n > 18 || s[n]) {
        return false;
    }
    for (; *s; s++) {
        u = u * 10 + (uint64_t) (*s - '0');
    }
    *ret_u = u;
    return true;
}

/* How long the body is must have one answer. */
static bool
parse_framing(struct vx_http_head *head, struct vx_error *err)
{
    const char *length = vx_http_header(head, "Content-Length");
    const char *coding = vx_http_header(head, "Transfer-Encoding");

    if (count_header(head, "Content-Length") > 1
        || count_header(head, "Transfer-Encoding") > 1
        || (length && coding)) {
        return bad(err, "more than one length of the body");
    }
    if (length && !parse_length(length, &head->content_length)) {
        return bad(err, "Content-Length is no number");
    }
    if (coding && (strcasecmp(coding, "chunked") || !head->minor)) {
        return bad(err, "the only Transfer-Encoding is chunked");
    }
    head->chunked = coding != NULL;
    return true;
}

static bool
parse_connection(struct vx_http_head *head, struct vx_error *err)
{
    const char *connection = vx_http_header(head, "Connection");
    const char *expect = vx_http_header(head, "Expect");

    if (count_header(head, "Host") != 1 && head->minor) {
        return bad(err, "HTTP/1.1 wants exactly one Host header");
    }
    head->keep_alive = head->minor == 1;
    if (connection && strcasestr(connection, "close")) {
        head->keep_alive = false;
    } else if (connection && strcasestr(connection, "keep-alive")) {
        head->keep_alive = true;
    }
    if (expect && strcasecmp(expect, "100-continue")) {
        return bad(err, "the only Expect is 100-continue");
    }
    head->expects_continue = expect && head->minor;
    return true;
}

bool
vx_http_parse_head(char *text, size_t size, struct vx_http_head *ret_head,
                   struct vx_error *err)
{
    struct vx_http_head *head = ret_head;
    char *line;

    memset(head, 0, sizeof *head);
    if (memchr(text, '\0', size)) {
        return bad(err, "a NUL byte");
    }
    line = take_line(&text);
    if (!line || !parse_request_line(line, head, err)) {
        return line ? false : bad(err, "a line does not end in CR LF");
    }
    for (;;) {
        line = take_line(&text);
        if (!line) {
            return bad(err, "a line does not end in CR LF");
        }
        if (!*line) {
            break;
        }
        if (!parse_header(line, head, err)) {
            return false;
        }
    }
    return parse_framing(head, err) && parse_connection(head, err);
}

/* --- Chunks. */

static int
hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One byte of the line with a chunk's size. */
static bool
size_byte(struct vx_http_chunks *chunks, char c, struct vx_error *err)
{
    if (++chunks->line_size > 256) {
        return bad(err, "the line of a chunk's size is too long");
    }
    if (chunks->cr) {
        if (c != '\n' || !chunks->n_digits) {
            return bad(err, "a chunk's size is malformed");
        }
        chunks->state = chunks->left ? VX_CHUNK_DATA : VX_CHUNK_TRAILER;
        chunks->cr = chunks->extension = false;
        chunks->line_size = chunks->n_digits = 0;
        return true;
    }
    if (c == '\r') {
        chunks->cr = true;
    } else if (c == '\n') {
        return bad(err, "a chunk's size is malformed");
    } else if (c == ';') {
        chunks->extension = true;
    } else if (!chunks->extension) {
        if (hex(c) < 0 || ++chunks->n_digits > 8) {
            return bad(err, "a chunk's size is malformed");
        }
        chunks->left = chunks->left << 4 | (uint64_t) hex(c);
    }
    return true;
}

/* CR LF after a chunk. */
static bool
data_end_byte(struct vx_http_chunks *chunks, char c, struct vx_error *err)
{
    if (c != (chunks->cr ? '\n' : '\r')) {
        return bad(err, "a chunk does not end in CR LF");
    }
    if (chunks->cr) {
        chunks->state = VX_CHUNK_SIZE;
    }
    chunks->cr = !chunks->cr;
    return true;
}

/* Trailers are read over; an empty line ends them. */
static bool
trailer_byte(struct vx_http_chunks *chunks, char c, struct vx_error *err)
{
    if (++chunks->trailer_size > 4096) {
        return vx_fail(err, VX_TOO_LARGE, "", "the trailers are too long");
    }
    if (chunks->cr) {
        if (c != '\n') {
            return bad(err, "a trailer does not end in CR LF");
        }
        if (!chunks->line_size) {
            chunks->state = VX_CHUNK_DONE;
        }
        chunks->cr = false;
        chunks->line_size = 0;
    } else if (c == '\r') {
        chunks->cr = true;
    } else if (c == '\n') {
        return bad(err, "a trailer does not end in CR LF");
    } else {
        chunks->line_size++;
    }
    return true;
}

size_t
vx_http_chunks_feed(struct vx_http_chunks *chunks, const char *data,
                    size_t size, struct vx_buf *out, struct vx_error *err)
{
    size_t i = 0;

    while (i < size && chunks->state != VX_CHUNK_DONE) {
        bool ok = true;
        if (chunks->state == VX_CHUNK_DATA) {
            size_t n = size - i < chunks->left ? size - i
                                               : (size_t) chunks->left;
            vx_buf_put(out, data + i, n);
            i += n;
            chunks->left -= n;
            if (!chunks->left) {
                chunks->state = VX_CHUNK_DATA_END;
            }
            continue;
        } else if (chunks->state == VX_CHUNK_SIZE) {
            ok = size_byte(chunks, data[i], err);
        } else if (chunks->state == VX_CHUNK_DATA_END) {
            ok = data_end_byte(chunks, data[i], err);
        } else {
            ok = trailer_byte(chunks, data[i], err);
        }
        if (!ok) {
            return SIZE_MAX;
        }
        i++;
    }
    return i;
}

bool
vx_http_query_decode(char *s)
{
    char *to = s;

    for (; *s; s++) {
        int c = (unsigned char) *s;
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = hex(s[1]), low = high < 0 ? -1 : hex(s[2]);
            if (low < 0) {
                return false;
            }
            c = high << 4 | low;
            s += 2;
        }
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
        *to++ = (char) c;
    }
    *to = '\0';
    return true;
}
