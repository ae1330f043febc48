/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in and out.
 *
 * cJSON is lenient (control characters, invalid UTF-8, trailing bytes, "01"),
 * so a text is checked here byte by byte before cJSON builds the tree, and
 * the tree's names are compared afterwards (escapes make "a" and "\u0061"
 * the same name).  Everything is bounded: depth, members of an object, values
 * in all. */
#include "api/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/codec.h"
#include "lib/xalloc.h"

enum {
    MAX_VALUES = 1000000,       /* 64 bytes each in memory */
    MAX_NUMBER_LENGTH = 40,     /* cJSON reads at most 63 characters */
};

struct scan {
    const char *text;
    size_t size, pos;
    unsigned depth;
    size_t n_values;
    struct vx_error *err;
};

static bool scan_value(struct scan *scan);

static bool
malformed(struct scan *scan, const char *what)
{
    return vx_fail(scan->err, VX_INVALID, "body",
                   "malformed JSON at byte %zu: %s", scan->pos, what);
}

static int
peek(const struct scan *scan)
{
    return scan->pos < scan->size ? (unsigned char) scan->text[scan->pos]
                                  : -1;
}

static void
skip_space(struct scan *scan)
{
    int c;

    while ((c = peek(scan)) == ' ' || c == '\t' || c == '\n' || c == '\r') {
        scan->pos++;
    }
}

size_t
vx_utf8_length(const char *s, size_t size)
{
    const unsigned char *p = (const unsigned char *) s;
    size_t n;
    uint32_t u;

    if (!size) {
        return 0;
    }
    if (p[0] < 0x80) {
        return 1;
    } else if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2, u = p[0] & 0x1f;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        n = 3, u = p[0] & 0x0f;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4, u = p[0] & 0x07;
    } else {
        return 0;
    }
    if (n > size) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        u = u << 6 | (p[i] & 0x3f);
    }
    bool bad = (n == 3 && u < 0x800) || (n == 4 && u < 0x10000)
               || u > 0x10ffff || (u >= 0xd800 && u <= 0xdfff);
    return bad ? 0 : n;
}

/* Four hexadecimal digits after "\u". */
static bool
scan_hex4(struct scan *scan, unsigned *ret_u)
{
    unsigned u = 0;

    for (int i = 0; i < 4; i++) {
        int c = peek(scan);
        if (c >= '0' && c <= '9') {
            u = u << 4 | (unsigned) (c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            u = u << 4 | (unsigned) ((c | 0x20) - 'a' + 10);
        } else {
            return malformed(scan, "\\u wants four hexadecimal digits");
        }
        scan->pos++;
    }
    *ret_u = u;
    return true;
}

static bool
scan_unicode_escape(struct scan *scan)
{
    unsigned u, low;

    if (!scan_hex4(scan, &u)) {
        return false;
    }
    if (!u) {
        return malformed(scan, "NUL (\\u0000) is not allowed in a string");
    }
    if (u >= 0xdc00 && u <= 0xdfff) {
        return malformed(scan, "lone low surrogate");
    }
    if (u < 0xd800 || u > 0xdbff) {
        return true;
    }
    if (peek(scan) != '\\' || scan->pos + 1 >= scan->size
        || scan->text[scan->pos + 1] != 'u') {
        return malformed(scan, "lone high surrogate");
    }
    scan->pos += 2;
    return scan_hex4(scan, &low)
           && ((low >= 0xdc00 && low <= 0xdfff)
               || malformed(scan, "lone high surrogate"));
}

static bool
scan_escape(struct scan *scan)
{
    int c = peek(scan);

    if (c == 'u') {
        scan->pos++;
        return scan_unicode_escape(scan);
    }
    if (c <= 0 || !strchr("\"\\/bfnrt", c)) {
        return malformed(scan, "unknown escape in a string");
    }
    scan->pos++;
    return true;
}

static bool
scan_string(struct scan *scan)
{
    scan->pos++;
    for (;;) {
        int c = peek(scan);
        if (c < 0) {
            return malformed(scan, "a string does not end");
        } else if (c == '"') {
            scan->pos++;
            return true;
        } else if (c < 0x20) {
            return malformed(scan, "control character in a string");
        } else if (c == '\\') {
            scan->pos++;
            if (!scan_escape(scan)) {
                return false;
            }
        } else {
            size_t n = vx_utf8_length(scan->text + scan->pos,
                                      scan->size - scan->pos);
            if (!n) {
                return malformed(scan, "invalid UTF-8");
            }
            scan->pos += n;
        }
    }
}

static bool
scan_digits(struct scan *scan)
{
    size_t start = scan->pos;

    while (peek(scan) >= '0' && peek(scan) <= '9') {
        scan->pos++;
    }
    return scan->pos > start || malformed(scan, "a digit is missing");
}

static bool
scan_number(struct scan *scan)
{
    size_t start = scan->pos;

    if (peek(scan) == '-') {
        scan->pos++;
    }
    if (peek(scan) == '0') {
        scan->pos++;
    } else if (!scan_digits(scan)) {
        return false;
    }
    if (peek(scan) == '.') {
        scan->pos++;
        if (!scan_digits(scan)) {
            return false;
        }
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->pos++;
        if (peek(scan) == '+' || peek(scan) == '-') {
            scan->pos++;
        }
        if (!scan_digits(scan)) {
            return false;
        }
    }
    return scan->pos - start <= MAX_NUMBER_LENGTH
           || malformed(scan, "a number is too long");
}

static bool
scan_word(struct scan *scan, const char *word)
{
    size_t n = strlen(word);

    if (scan->size - scan->pos < n
        || memcmp(scan->text + scan->pos, word, n)) {
        return malformed(scan, "expected a value");
    }
    scan->pos += n;
    return true;
}

/* An object or an array, from its opening to its closing bracket. */
static bool
scan_container(struct scan *scan, char close)
{
    unsigned n = 0;

    if (++scan->depth > VX_JSON_MAX_DEPTH) {
        return vx_fail(scan->err, VX_TOO_LARGE, "body",
                       "JSON is nested deeper than %d at byte %zu",
                       VX_JSON_MAX_DEPTH, scan->pos);
    }
    scan->pos++;
    skip_space(scan);
    if (peek(scan) == close) {
        scan->pos++;
        scan->depth--;
        return true;
    }
    for (;;) {
        skip_space(scan);
        if (close == '}') {
            if (peek(scan) != '"') {
                return malformed(scan, "expected a member's name");
            }
            if (++n > VX_JSON_MAX_MEMBERS) {
                return vx_fail(scan->err, VX_TOO_LARGE, "body",
                               "an object has more than %d members at byte "
                               "%zu", VX_JSON_MAX_MEMBERS, scan->pos);
            }
            if (!scan_string(scan)) {
                return false;
            }
            skip_space(scan);
            if (peek(scan) != ':') {
                return malformed(scan, "expected ':'");
            }
            scan->pos++;
        }
        if (!scan_value(scan)) {
            return false;
        }
        skip_space(scan);
        if (peek(scan) == ',') {
            scan->pos++;
        } else if (peek(scan) == close) {
            scan->pos++;
            scan->depth--;
            return true;
        } else {
            return malformed(scan, close == '}' ? "expected ',' or '}'"
                                                : "expected ',' or ']'");
        }
    }
}

static bool
scan_value(struct scan *scan)
{
    skip_space(scan);
    if (++scan->n_values > MAX_VALUES) {
        return vx_fail(scan->err, VX_TOO_LARGE, "body",
                       "JSON has more than %d values", MAX_VALUES);
    }
    switch (peek(scan)) {
    case '{': return scan_container(scan, '}');
    case '[': return scan_container(scan, ']');
    case '"': return scan_string(scan);
    case 't': return scan_word(scan, "true");
    case 'f': return scan_word(scan, "false");
    case 'n': return scan_word(scan, "null");
    case '-': case '0': case '1': case '2': case '3': case '4': case '5':
    case '6': case '7': case '8': case '9':
        return scan_number(scan);
    case -1: return malformed(scan, "the text ends too early");
    default: return malformed(scan, "expected a value");
    }
}

bool
vx_json_check(const char *text, size_t size, struct vx_error *err)
{
    struct scan scan = { .text = text, .size = size, .err = err };

    if (!scan_value(&scan)) {
        return false;
    }
    skip_space(&scan);
    return scan.pos == size
           || malformed(&scan, "something follows the value");
}

/* --- Documents. */

static bool
check_names(const cJSON *value, struct vx_error *err)
{
    for (const cJSON *a = value->child; a; a = a->next) {
        if (cJSON_IsObject(value)) {
            for (const cJSON *b = a->next; b; b = b->next) {
                if (!strcmp(a->string, b->string)) {
                    return vx_fail(err, VX_INVALID, a->string,
                                   "\"%.60s\" is given twice", a->string);
                }
            }
        }
        if (a->child && !check_names(a, err)) {
            return false;
        }
    }
    return true;
}

struct vx_doc *
vx_doc_parse(const char *text, size_t size, size_t max_size,
             struct vx_error *err)
{
    if (size > max_size) {
        vx_fail(err, VX_TOO_LARGE, "body",
                "the body has %zu bytes, at most %zu are taken", size,
                max_size);
        return NULL;
    }
    if (!vx_json_check(text, size, err)) {
        return NULL;
    }
    cJSON *root = cJSON_ParseWithLength(text, size);
    if (!root) {
        vx_fail(err, VX_INVALID, "body", "the body cannot be parsed");
        return NULL;
    }
    if (!check_names(root, err)) {
        cJSON_Delete(root);
        return NULL;
    }
    struct vx_doc *doc = vx_xcalloc(1, sizeof *doc);
    doc->root = root;
    return doc;
}

void
vx_doc_free(struct vx_doc *doc)
{
    if (!doc) {
        return;
    }
    for (size_t i = 0; i < doc->n_blocks; i++) {
        free(doc->blocks[i]);
    }
    free(doc->blocks);
    cJSON_Delete(doc->root);
    free(doc);
}

void *
vx_doc_alloc(struct vx_doc *doc, size_t size)
{
    void *block = vx_xcalloc(1, size);

    doc->blocks = vx_grow(doc->blocks, &doc->cap_blocks, doc->n_blocks + 1,
                          sizeof *doc->blocks);
    doc->blocks[doc->n_blocks++] = block;
    return block;
}

bool
vx_json_uint(const cJSON *value, uint64_t max, uint64_t *ret_u)
{
    double d;

    if (!cJSON_IsNumber(value)) {
        return false;
    }
    d = value->valuedouble;
    if (!(d >= 0 && d <= 9007199254740992.0) || d != (double) (uint64_t) d
        || (uint64_t) d > max) {
        return false;
    }
    *ret_u = (uint64_t) d;
    return true;
}

const cJSON *
vx_json_member(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return value && !cJSON_IsNull(value) ? value : NULL;
}

const char *
vx_json_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(vx_json_member(object, name));
}

uint64_t
vx_json_u64(const cJSON *object, const char *name)
{
    uint64_t u = 0;

    vx_json_uint(vx_json_member(object, name), UINT64_MAX, &u);
    return u;
}

/* --- Writing. */

void
vx_json_string(struct vx_buf *out, const char *s)
{
    size_t size = strlen(s), start = 0;

    vx_buf_put(out, "\"", 1);
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char) s[i];
        size_t n = vx_utf8_length(s + i, size - i);
        if (n && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            i += n;
            continue;
        }
        vx_buf_put(out, s + start, i - start);
        if (!n) {
            vx_buf_puts(out, "\xef\xbf\xbd");
        } else if (c == '"' || c == '\\') {
            vx_buf_printf(out, "\\%c", c);
        } else {
            vx_buf_printf(out, "\\u%04x", c);
        }
        start = ++i;
    }
    vx_buf_put(out, s + start, size - start);
    vx_buf_put(out, "\"", 1);
}

void
vx_json_time(struct vx_buf *out, int64_t time_ms)
{
    time_t seconds = (time_t) (time_ms / 1000);
    char date[40];
    struct tm tm;

    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S",
             gmtime_r(&seconds, &tm));
    vx_buf_printf(out, "\"%s.%03dZ\"", date, (int) (time_ms % 1000));
}

void
vx_jw_begin(struct vx_jw *jw, struct vx_buf *out)
{
    jw->out = out;
    jw->comma = false;
    vx_buf_put(out, "{", 1);
}

void
vx_jw_end(struct vx_jw *jw)
{
    vx_buf_put(jw->out, "}", 1);
}

void
vx_jw_key(struct vx_jw *jw, const char *key)
{
    vx_buf_puts(jw->out, jw->comma ? ",\"" : "\"");
    vx_buf_puts(jw->out, key);
    vx_buf_puts(jw->out, "\":");
    jw->comma = true;
}

void
vx_jw_str(struct vx_jw *jw, const char *key, const char *value)
{
    vx_jw_key(jw, key);
    vx_json_string(jw->out, value);
}

void
vx_jw_opt(struct vx_jw *jw, const char *key, const char *value)
{
    if (value && value[0]) {
        vx_jw_str(jw, key, value);
    } else {
        vx_jw_key(jw, key);
        vx_buf_puts(jw->out, "null");
    }
}

void
vx_jw_u64(struct vx_jw *jw, const char *key, uint64_t value)
{
    vx_jw_key(jw, key);
    vx_buf_printf(jw->out, "%" PRIu64, value);
}

void
vx_jw_u64_opt(struct vx_jw *jw, const char *key, uint64_t value)
{
    if (value) {
        vx_jw_u64(jw, key, value);
    } else {
        vx_jw_key(jw, key);
        vx_buf_puts(jw->out, "null");
    }
}

void
vx_jw_bool(struct vx_jw *jw, const char *key, bool value)
{
    vx_jw_key(jw, key);
    vx_buf_puts(jw->out, value ? "true" : "false");
}
