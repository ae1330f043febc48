/* SPDX-License-Identifier: Apache-2.0 */
/* For programs: JSON (RFC 8259), two spaces of indent. A list is
 * {"items":[...]}, also when it is empty; an object is as the API gave it. */
#include "cli/writer.h"

void
vx_cli_put_json_string(struct vx_buf *buf, const char *s)
{
    const unsigned char *p = (const unsigned char *) s;

    vx_buf_puts(buf, "\"");
    for (; *p; p++) {
        if (*p == '"' || *p == '\\') {
            vx_buf_printf(buf, "\\%c", *p);
        } else if (*p == '\n') {
            vx_buf_puts(buf, "\\n");
        } else if (*p == '\t') {
            vx_buf_puts(buf, "\\t");
        } else if (*p < 0x20 || *p == 0x7f) {
            vx_buf_printf(buf, "\\u%04x", *p);
        } else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
            vx_buf_printf(buf, "\\u%04x", *++p);        /* C1 */
        } else if (p[0] == 0xe2 && p[1] == 0x80 &&
                   (p[2] == 0xa8 || p[2] == 0xa9)) {
            vx_buf_printf(buf, "\\u20%02x", p[2] - 0x80); /* LS, PS */
            p += 2;
        } else if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) {
            vx_buf_puts(buf, "\\ufeff");                /* BOM */
            p += 2;
        } else {
            vx_buf_put(buf, p, 1);
        }
    }
    vx_buf_puts(buf, "\"");
}

static void
put_break(struct vx_buf *buf, int indent)
{
    if (indent >= 0) {
        vx_buf_printf(buf, "\n%*s", indent, "");
    }
}

static void
put_container(struct vx_buf *buf, const cJSON *value, int indent)
{
    bool is_object = cJSON_IsObject(value);
    int inner = indent < 0 ? indent : indent + 2;

    vx_buf_puts(buf, is_object ? "{" : "[");
    for (const cJSON *m = value->child; m; m = m->next) {
        put_break(buf, inner);
        if (is_object) {
            vx_cli_put_json_string(buf, m->string);
            vx_buf_puts(buf, indent < 0 ? ":" : ": ");
        }
        vx_cli_put_json(buf, m, inner);
        vx_buf_puts(buf, m->next ? "," : "");
    }
    if (value->child) {
        put_break(buf, indent);
    }
    vx_buf_puts(buf, is_object ? "}" : "]");
}

void
vx_cli_put_json(struct vx_buf *buf, const cJSON *value, int indent)
{
    if (cJSON_IsString(value)) {
        vx_cli_put_json_string(buf, value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        vx_cli_put_number(buf, value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        vx_buf_puts(buf, cJSON_IsTrue(value) ? "true" : "false");
    } else if (cJSON_IsObject(value) || cJSON_IsArray(value)) {
        put_container(buf, value, indent);
    } else {
        vx_buf_puts(buf, "null");
    }
}

static void
json_begin(struct vx_cli_writer *w)
{
    if (w->shape == VX_CLI_ITEMS) {
        fputs("{\n  \"items\": [", w->out);
    }
}

static void
json_put(struct vx_cli_writer *w, const cJSON *item)
{
    struct vx_buf text = VX_BUF_INIT;

    if (w->shape == VX_CLI_ITEMS) {
        vx_buf_puts(&text, w->n_items ? ",\n    " : "\n    ");
        vx_cli_put_json(&text, item, 4);
    } else {
        vx_cli_put_json(&text, item, 0);
        vx_buf_puts(&text, "\n");
    }
    fputs(vx_buf_str(&text), w->out);
    vx_buf_fini(&text);
}

static void
json_end(struct vx_cli_writer *w)
{
    if (w->shape == VX_CLI_ITEMS) {
        fputs(w->n_items ? "\n  ]\n}\n" : "]\n}\n", w->out);
    }
}

static void
json_event(FILE *out, const cJSON *event)
{
    struct vx_buf text = VX_BUF_INIT;

    vx_cli_put_json(&text, event, -1);
    fprintf(out, "%s\n", vx_buf_str(&text));
    vx_buf_fini(&text);
}

const struct vx_cli_format vx_cli_format_json = {
    .name = "json",
    .begin = json_begin,
    .put = json_put,
    .end = json_end,
    .event = json_event,
};
