/* SPDX-License-Identifier: Apache-2.0 */
/* Common part of the output formats: dispatch, and how single values are
 * told to a person. See writer.h. */
#include "cli/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

const struct vx_cli_format *const vx_cli_formats[] = {
    &vx_cli_format_table, &vx_cli_format_json, &vx_cli_format_yaml,
    &vx_cli_format_name, NULL,
};

const struct vx_cli_format *
vx_cli_format_find(const char *name)
{
    for (size_t i = 0; vx_cli_formats[i]; i++) {
        if (!strcmp(vx_cli_formats[i]->name, name)) {
            return vx_cli_formats[i];
        }
    }
    return NULL;
}

void
vx_cli_writer_begin(struct vx_cli_writer *w,
                    const struct vx_cli_format *format, FILE *out,
                    const struct vx_cli_kind *kind, enum vx_cli_shape shape)
{
    *w = (struct vx_cli_writer) {
        .format = format,
        .out = out,
        .kind = kind,
        .columns = kind ? kind->columns : NULL,
        .shape = shape,
        .cells = VX_BUF_INIT,
    };
    if (format->begin) {
        format->begin(w);
    }
}

void
vx_cli_writer_put(struct vx_cli_writer *w, const cJSON *item)
{
    w->format->put(w, item);
    w->n_items++;
}

void
vx_cli_writer_end(struct vx_cli_writer *w)
{
    if (w->format->end) {
        w->format->end(w);
    }
    vx_cli_writer_drop(w);
}

void
vx_cli_writer_drop(struct vx_cli_writer *w)
{
    free(w->widths);
    w->widths = NULL;
    vx_buf_fini(&w->cells);
}

void
vx_cli_write_one(const struct vx_cli_format *format, FILE *out,
                 const struct vx_cli_kind *kind, enum vx_cli_shape shape,
                 const cJSON *item)
{
    struct vx_cli_writer w;

    vx_cli_writer_begin(&w, format, out, kind, shape);
    vx_cli_writer_put(&w, item);
    vx_cli_writer_end(&w);
}

void
vx_cli_put_safe(struct vx_buf *buf, const char *s)
{
    for (const unsigned char *p = (const unsigned char *) s; *p; p++) {
        bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

        if (*p < 0x20 || *p == 0x7f || c1) {
            vx_buf_printf(buf, "\\x%02x", c1 ? *++p : *p);
        } else {
            vx_buf_put(buf, p, 1);
        }
    }
}

void
vx_cli_put_number(struct vx_buf *buf, double number)
{
    if (number == floor(number) && fabs(number) < 1e15) {
        vx_buf_printf(buf, "%.0f", number);
    } else if (isfinite(number)) {
        vx_buf_printf(buf, "%.17g", number);
    } else {
        vx_buf_puts(buf, "null");
    }
}

/* A member of a list: a range reads FIRST-LAST. */
static void
put_element(struct vx_buf *buf, const cJSON *value)
{
    const cJSON *first = cJSON_GetObjectItemCaseSensitive(value, "first");
    const cJSON *last = cJSON_GetObjectItemCaseSensitive(value, "last");

    if (cJSON_IsString(first) && cJSON_IsString(last)) {
        vx_cli_put_safe(buf, first->valuestring);
        vx_buf_puts(buf, "-");
        vx_cli_put_safe(buf, last->valuestring);
    } else {
        vx_cli_put_text(buf, value);
    }
}

/* Members of an object that are not null, KEY=VALUE; what has a type reads
 * TYPE:VALUE, as on the command line. False if there are none. */
static bool
put_members(struct vx_buf *buf, const cJSON *object)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(object, "type");
    bool first = true;

    if (cJSON_IsString(type)) {
        vx_cli_put_safe(buf, type->valuestring);
    }
    for (const cJSON *e = object->child; e; e = e->next) {
        if (e == type || cJSON_IsNull(e)) {
            continue;
        }
        vx_buf_puts(buf, !first ? "," : type ? ":" : "");
        if (!type) {
            vx_cli_put_safe(buf, e->string);
            vx_buf_puts(buf, "=");
        }
        vx_cli_put_text(buf, e);
        first = false;
    }
    return !first || type;
}

void
vx_cli_put_text(struct vx_buf *buf, const cJSON *value)
{
    if (cJSON_IsString(value) && value->valuestring[0]) {
        vx_cli_put_safe(buf, value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        vx_cli_put_number(buf, value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        vx_buf_puts(buf, cJSON_IsTrue(value) ? "yes" : "no");
    } else if (cJSON_IsArray(value) && value->child) {
        for (const cJSON *e = value->child; e; e = e->next) {
            put_element(buf, e);
            vx_buf_puts(buf, e->next ? "," : "");
        }
    } else if (!cJSON_IsObject(value) || !put_members(buf, value)) {
        vx_buf_puts(buf, "-");
    }
}

void
vx_cli_put_name(struct vx_buf *buf, const struct vx_cli_kind *kind,
                const cJSON *item)
{
    bool first = true;

    for (size_t i = 0; kind->keys[i]; i++) {
        const cJSON *part = cJSON_GetObjectItemCaseSensitive(item,
                                                             kind->keys[i]);

        if (cJSON_IsString(part) || cJSON_IsNumber(part)) {
            vx_buf_puts(buf, first ? "" : "/");
            vx_cli_put_text(buf, part);
            first = false;
        }
    }
}
