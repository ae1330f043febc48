/* SPDX-License-Identifier: Apache-2.0 */
/* YAML that every reader of 1.1 and 1.2 understands alike: block style, and
 * a string stands without quotes only where no schema could take it for
 * something else (a MAC such as 10:20:30:40:50:59 is a number to YAML 1.1,
 * "no" a boolean). Quoted strings are JSON strings, which YAML includes. */
#include "cli/writer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool
is_plain(const char *s)
{
    static const char *const reserved[] = {
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan",
        "inf",
    };

    if (!isalpha((unsigned char) s[0]) || strlen(s) > 200) {
        return false;
    }
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (!strcasecmp(s, reserved[i])) {
            return false;
        }
    }
    /* No colon: "a:b" is fine in YAML, "a: b" is not, and a MAC of letters
     * should look like one of digits. */
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")] == '\0';
}

static void
put_string(struct vx_buf *buf, const char *s)
{
    if (is_plain(s)) {
        vx_buf_puts(buf, s);
    } else {
        vx_cli_put_json_string(buf, s);
    }
}

static bool
is_block(const cJSON *value)
{
    return (cJSON_IsObject(value) || cJSON_IsArray(value)) && value->child;
}

static void
put_scalar(struct vx_buf *buf, const cJSON *value)
{
    if (cJSON_IsString(value)) {
        put_string(buf, value->valuestring);
    } else {
        vx_cli_put_json(buf, value, -1);    /* also {} and [] */
    }
}

static void
put_members(struct vx_buf *buf, const cJSON *object, int indent, bool inlined)
{
    for (const cJSON *m = object->child; m; m = m->next) {
        vx_buf_printf(buf, "%*s", inlined ? 0 : indent, "");
        inlined = false;
        put_string(buf, m->string);
        vx_buf_puts(buf, ":");
        if (is_block(m)) {
            vx_buf_puts(buf, "\n");
            vx_cli_put_yaml(buf, m, indent + 2);
        } else {
            vx_buf_puts(buf, " ");
            put_scalar(buf, m);
            vx_buf_puts(buf, "\n");
        }
    }
}

static void
put_elements(struct vx_buf *buf, const cJSON *array, int indent)
{
    for (const cJSON *e = array->child; e; e = e->next) {
        vx_buf_printf(buf, "%*s-", indent, "");
        if (cJSON_IsObject(e) && e->child) {
            vx_buf_puts(buf, " ");
            put_members(buf, e, indent + 2, true);
        } else if (is_block(e)) {
            vx_buf_puts(buf, "\n");
            vx_cli_put_yaml(buf, e, indent + 2);
        } else {
            vx_buf_puts(buf, " ");
            put_scalar(buf, e);
            vx_buf_puts(buf, "\n");
        }
    }
}

void
vx_cli_put_yaml(struct vx_buf *buf, const cJSON *value, int indent)
{
    if (!is_block(value)) {
        vx_buf_printf(buf, "%*s", indent, "");
        put_scalar(buf, value);
        vx_buf_puts(buf, "\n");
    } else if (cJSON_IsObject(value)) {
        put_members(buf, value, indent, false);
    } else {
        put_elements(buf, value, indent);
    }
}

static void
yaml_put(struct vx_cli_writer *w, const cJSON *item)
{
    struct vx_buf text = VX_BUF_INIT;

    if (w->shape == VX_CLI_ITEMS) {
        if (!w->n_items) {
            vx_buf_puts(&text, "items:\n");
        }
        vx_buf_puts(&text, "  - ");
        if (cJSON_IsObject(item) && item->child) {
            put_members(&text, item, 4, true);
        } else {
            put_scalar(&text, item);
            vx_buf_puts(&text, "\n");
        }
    } else {
        vx_cli_put_yaml(&text, item, 0);
    }
    fputs(vx_buf_str(&text), w->out);
    vx_buf_fini(&text);
}

static void
yaml_end(struct vx_cli_writer *w)
{
    if (w->shape == VX_CLI_ITEMS && !w->n_items) {
        fputs("items: []\n", w->out);
    }
}

static void
yaml_event(FILE *out, const cJSON *event)
{
    struct vx_buf text = VX_BUF_INIT;

    vx_buf_puts(&text, "---\n");
    vx_cli_put_yaml(&text, event, 0);
    fputs(vx_buf_str(&text), out);
    vx_buf_fini(&text);
}

const struct vx_cli_format vx_cli_format_yaml = {
    .name = "yaml",
    .put = yaml_put,
    .end = yaml_end,
    .event = yaml_event,
};
