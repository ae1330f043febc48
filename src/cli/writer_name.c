/* SPDX-License-Identifier: Apache-2.0 */
/* For pipes: the full name of each object, one a line, as the other commands
 * take it. Prints nothing of a document that is not an object with a name. */
#include "cli/event.h"
#include "cli/writer.h"

static void
name_put(struct vx_cli_writer *w, const cJSON *item)
{
    struct vx_buf text = VX_BUF_INIT;

    if (w->kind) {
        vx_cli_put_name(&text, w->kind, item);
        fprintf(w->out, "%s\n", vx_buf_str(&text));
    }
    vx_buf_fini(&text);
}

static void
name_event(FILE *out, const cJSON *event)
{
    struct vx_buf text = VX_BUF_INIT;

    vx_cli_event_name(&text, event);
    fprintf(out, "%s\n", vx_buf_str(&text));
    vx_buf_fini(&text);
}

const struct vx_cli_format vx_cli_format_name = {
    .name = "name",
    .put = name_put,
    .event = name_event,
};
