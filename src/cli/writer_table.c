/* SPDX-License-Identifier: Apache-2.0 */
/* For people: columns as wide as their widest cell, titles in capitals, `-`
 * for what is empty. One object in detail stands upright, a line a member. A
 * free-form document has no columns and is printed as YAML. */
#include "cli/writer.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "cli/event.h"
#include "lib/xalloc.h"

/* Columns a UTF-8 string takes, wide characters counted as one. */
static size_t
width_of(const char *s)
{
    size_t width = 0;

    for (; *s; s++) {
        width += ((unsigned char) *s & 0xc0) != 0x80;
    }
    return width;
}

/* Ends the cell that was appended to cells from offset start on. */
static void
end_cell(struct vx_cli_writer *w, size_t start, size_t column)
{
    size_t width = width_of(w->cells.data + start);

    vx_buf_put(&w->cells, "", 1);
    if (width > w->widths[column]) {
        w->widths[column] = width;
    }
}

static void
put_cell(struct vx_cli_writer *w, const char *s, size_t column)
{
    size_t start = w->cells.size;

    vx_buf_puts(&w->cells, s);
    end_cell(w, start, column);
}

static void
table_begin(struct vx_cli_writer *w)
{
    if (!w->kind) {
        return;
    }
    vx_buf_puts(&w->cells, "");     /* so that there is a first byte */
    if (w->shape == VX_CLI_DETAIL) {
        w->n_columns = 2;
        w->widths = vx_xcalloc(2, sizeof *w->widths);
        return;
    }
    while (w->columns[w->n_columns].title) {
        w->n_columns++;
    }
    w->widths = vx_xcalloc(w->n_columns, sizeof *w->widths);
    for (size_t i = 0; i < w->n_columns; i++) {
        put_cell(w, w->columns[i].title, i);
    }
}

static void
put_detail(struct vx_cli_writer *w, const cJSON *item)
{
    for (const cJSON *m = cJSON_IsObject(item) ? item->child : NULL; m;
         m = m->next) {
        size_t start = w->cells.size;

        vx_cli_put_safe(&w->cells, m->string);
        for (char *p = w->cells.data + start; *p; p++) {
            *p = *p == '_' ? '-' : (char) toupper((unsigned char) *p);
        }
        end_cell(w, start, 0);
        start = w->cells.size;
        vx_cli_put_text(&w->cells, m);
        end_cell(w, start, 1);
    }
}

static const cJSON *
value_of(const struct vx_cli_column *column, const cJSON *item)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, column->key);
    bool empty = !value || cJSON_IsNull(value) ||
                 (cJSON_IsString(value) && !*value->valuestring);

    return empty && column->other && *column->other
        ? cJSON_GetObjectItemCaseSensitive(item, column->other) : value;
}

static void
table_put(struct vx_cli_writer *w, const cJSON *item)
{
    if (!w->kind) {
        struct vx_buf text = VX_BUF_INIT;

        vx_cli_put_yaml(&text, item, 0);
        fputs(vx_buf_str(&text), w->out);
        vx_buf_fini(&text);
        return;
    }
    if (w->shape == VX_CLI_DETAIL) {
        put_detail(w, item);
        return;
    }
    for (size_t i = 0; i < w->n_columns; i++) {
        const struct vx_cli_column *column = &w->columns[i];
        size_t start = w->cells.size;

        if (column->key) {
            vx_cli_put_text(&w->cells, value_of(column, item));
        } else {
            vx_cli_put_name(&w->cells, w->kind, item);
        }
        end_cell(w, start, i);
    }
}

/* Whether a column that may be left out has anything to say: any cell of it
 * but the title. */
static bool
is_empty(const struct vx_cli_writer *w, size_t column)
{
    const char *cell = vx_buf_str(&w->cells);
    const char *end = cell + w->cells.size;

    for (size_t i = 0; cell < end; i++) {
        if (i >= w->n_columns && i % w->n_columns == column
            && strcmp(cell, "-") != 0) {
            return false;
        }
        cell += strlen(cell) + 1;
    }
    return true;
}

/* Columns that are left out, as bits. */
static uint64_t
left_out(const struct vx_cli_writer *w)
{
    uint64_t columns = 0;

    for (size_t i = 0; w->shape != VX_CLI_DETAIL && i < w->n_columns; i++) {
        const char *other = w->columns[i].other;

        if (other && !*other && is_empty(w, i)) {
            columns |= UINT64_C(1) << i;
        }
    }
    return columns;
}

static void
table_end(struct vx_cli_writer *w)
{
    const char *cell = vx_buf_str(&w->cells);
    const char *end = cell + w->cells.size;
    uint64_t out = left_out(w);

    while (cell < end) {
        for (size_t i = 0; i < w->n_columns && cell < end; i++) {
            bool last = i + 1 == w->n_columns;
            size_t pad = last ? 0 : w->widths[i] + 2 - width_of(cell);

            if (!(out >> i & 1)) {
                fprintf(w->out, "%s%*s", cell, (int) pad, "");
            }
            cell += strlen(cell) + 1;
        }
        fputc('\n', w->out);
    }
}

static void
table_event(FILE *out, const cJSON *event)
{
    struct vx_buf text = VX_BUF_INIT;

    vx_cli_event_text(&text, event);
    fprintf(out, "%s\n", vx_buf_str(&text));
    vx_buf_fini(&text);
}

const struct vx_cli_format vx_cli_format_table = {
    .name = "table",
    .begin = table_begin,
    .put = table_put,
    .end = table_end,
    .event = table_event,
};
