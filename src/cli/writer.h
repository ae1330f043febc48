/* SPDX-License-Identifier: Apache-2.0 */
/* Output: objects as the API gives them (cJSON) to a stream, in one of four
 * formats behind one table of functions. A list is always a list, whether it
 * has none, one or many items. Everything printed may come from a tenant:
 * formats escape what could break their syntax or drive a terminal. */
#ifndef VX_CLI_WRITER_H
#define VX_CLI_WRITER_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "cli/table.h"
#include "lib/buf.h"

enum vx_cli_shape {
    VX_CLI_ITEMS,       /* any number of objects of a kind */
    VX_CLI_ROW,         /* one object, in short (after a change) */
    VX_CLI_DETAIL,      /* one object with all it has */
};

struct vx_cli_writer {
    const struct vx_cli_format *format;
    FILE *out;
    const struct vx_cli_kind *kind;         /* NULL = free-form document */
    const struct vx_cli_column *columns;    /* of the table */
    enum vx_cli_shape shape;
    size_t n_items;
    /* The table only: cells wait until all widths are known. */
    struct vx_buf cells;        /* strings, NUL after each, row by row */
    size_t *widths;
    size_t n_columns;
};

struct vx_cli_format {
    const char *name;
    void (*begin)(struct vx_cli_writer *w);
    void (*put)(struct vx_cli_writer *w, const cJSON *item);
    void (*end)(struct vx_cli_writer *w);
    /* One event of the watch stream, whole in itself. */
    void (*event)(FILE *out, const cJSON *event);
};

extern const struct vx_cli_format vx_cli_format_table, vx_cli_format_json,
    vx_cli_format_yaml, vx_cli_format_name;
extern const struct vx_cli_format *const vx_cli_formats[];  /* NULL at end */

/* NULL if there is no such format. */
const struct vx_cli_format *vx_cli_format_find(const char *name);

/* Sets the writer up and calls the format's begin; end frees it all. kind
 * NULL: a free-form document, exactly one item. */
void vx_cli_writer_begin(struct vx_cli_writer *w,
                         const struct vx_cli_format *format, FILE *out,
                         const struct vx_cli_kind *kind,
                         enum vx_cli_shape shape);
void vx_cli_writer_put(struct vx_cli_writer *w, const cJSON *item);
void vx_cli_writer_end(struct vx_cli_writer *w);
/* Instead of end, after a failure: frees, prints nothing more. */
void vx_cli_writer_drop(struct vx_cli_writer *w);
/* begin, put, end. */
void vx_cli_write_one(const struct vx_cli_format *format, FILE *out,
                      const struct vx_cli_kind *kind,
                      enum vx_cli_shape shape, const cJSON *item);

/* --- Pieces the formats share. */

/* Appends the full name of an object ("acme/web/vm1"); a part that is
 * missing is left out. */
void vx_cli_put_name(struct vx_buf *buf, const struct vx_cli_kind *kind,
                     const cJSON *item);
/* Appends a value as text for a person: "-" if it is empty or missing, a
 * list with commas, what could drive a terminal as \xNN. */
void vx_cli_put_text(struct vx_buf *buf, const cJSON *value);
void vx_cli_put_safe(struct vx_buf *buf, const char *s);
/* Appends a JSON string with its quotes; what YAML does not take unescaped
 * is escaped, too. */
void vx_cli_put_json_string(struct vx_buf *buf, const char *s);
void vx_cli_put_number(struct vx_buf *buf, double number);
/* Appends the value as YAML, block style, from column indent on. */
void vx_cli_put_yaml(struct vx_buf *buf, const cJSON *value, int indent);
/* Appends the value as JSON; indent < 0: on one line. */
void vx_cli_put_json(struct vx_buf *buf, const cJSON *value, int indent);

#endif
