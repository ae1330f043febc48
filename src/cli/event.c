/* SPDX-License-Identifier: Apache-2.0 */
/* The watch stream; see event.h. */
#include "cli/event.h"

#include <stdio.h>
#include <string.h>

#include "cli/name.h"
#include "cli/writer.h"

static const char *
string_at(const cJSON *event, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(event, key);

    return cJSON_IsString(value) ? value->valuestring : NULL;
}

/* "port " and "acme/web/vm1" into their own buffers; false: no object. */
static bool
object_of(const cJSON *event, struct vx_buf *kind, struct vx_buf *name)
{
    const char *path = string_at(event, "path");
    struct vx_cli_name parsed;
    struct vx_buf raw = VX_BUF_INIT;

    if (!path || !vx_cli_name_from_path(path, &parsed)) {
        return false;
    }
    vx_buf_puts(kind, parsed.kind->name);
    vx_cli_name_text(&raw, &parsed);
    vx_cli_put_safe(name, vx_buf_str(&raw));
    vx_buf_fini(&raw);
    vx_cli_name_fini(&parsed);
    return true;
}

/* The members an event has of its own. */
static void
put_members(struct vx_buf *buf, const cJSON *event)
{
    static const char *const common[] = { "revision", "time", "op", "path",
                                          "event", "body" };

    for (const cJSON *m = event->child; m; m = m->next) {
        bool known = false;

        for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
            known = known || !strcmp(m->string, common[i]);
        }
        if (!known) {
            vx_buf_puts(buf, " ");
            vx_cli_put_safe(buf, m->string);
            vx_buf_puts(buf, "=");
            vx_cli_put_text(buf, m);
        }
    }
}

void
vx_cli_event_text(struct vx_buf *buf, const cJSON *event)
{
    const cJSON *revision = cJSON_GetObjectItemCaseSensitive(event,
                                                             "revision");
    const char *op = string_at(event, "op");
    struct vx_buf kind = VX_BUF_INIT, name = VX_BUF_INIT;

    vx_cli_put_text(buf, revision);
    vx_buf_puts(buf, "  ");
    vx_cli_put_safe(buf, op ? op : "-");
    if (object_of(event, &kind, &name)) {
        vx_buf_printf(buf, "  %s %s", vx_buf_str(&kind), vx_buf_str(&name));
    } else if (string_at(event, "path")) {
        vx_buf_puts(buf, "  ");
        vx_cli_put_safe(buf, string_at(event, "path"));
    }
    if (string_at(event, "event")) {
        vx_buf_puts(buf, "  ");
        vx_cli_put_safe(buf, string_at(event, "event"));
    }
    if (op && !strcmp(op, "status")) {
        const char *reason = string_at(event, "reason");

        vx_buf_puts(buf, "  ");
        vx_cli_put_safe(buf, string_at(event, "status")
                                 ? string_at(event, "status") : "-");
        if (reason && *reason) {
            vx_buf_puts(buf, ": ");
            vx_cli_put_safe(buf, reason);
        }
        if (string_at(event, "reachable_at")) {
            vx_buf_puts(buf, ", reachable at ");
            vx_cli_put_safe(buf, string_at(event, "reachable_at"));
        }
    } else {
        put_members(buf, event);
    }
    vx_buf_fini(&kind);
    vx_buf_fini(&name);
}

void
vx_cli_event_name(struct vx_buf *buf, const cJSON *event)
{
    struct vx_buf kind = VX_BUF_INIT, name = VX_BUF_INIT;
    const char *own = string_at(event, "event");

    if (object_of(event, &kind, &name)) {
        vx_buf_puts(buf, vx_buf_str(&name));
    } else {
        own = own ? own : string_at(event, "op");
        vx_cli_put_safe(buf, own ? own : "-");
    }
    vx_buf_fini(&kind);
    vx_buf_fini(&name);
}

/* What the line means for the place to resume at. True: tell it. */
static bool
advance(struct vx_cli_feed *feed, const cJSON *event)
{
    const cJSON *revision = cJSON_GetObjectItemCaseSensitive(event,
                                                             "revision");
    const char *op = string_at(event, "op");
    bool change = op && (!strcmp(op, "PUT") || !strcmp(op, "DELETE"));
    /* Exact in JSON up to 2^53; more is no revision of ours. */
    bool sane = cJSON_IsNumber(revision) && revision->valuedouble > 0 &&
                revision->valuedouble <= 9007199254740992.0;
    unsigned long long r = sane ? (unsigned long long) revision->valuedouble
                                : 0;

    if (!change) {
        /* Said with a revision, it closes all up to that one. */
        if (cJSON_IsNumber(revision) && (r >= feed->since ||
                                         !feed->started)) {
            feed->since = r;
            feed->started = true;
            feed->partial = 0;
            feed->n_skip = 0;
        }
        return !op || strcmp(op, "heartbeat") != 0;
    }
    if (r != feed->partial) {
        if (feed->partial > feed->since) {
            feed->since = feed->partial;
        } else if (!feed->started) {
            feed->since = r ? r - 1 : 0;
        }
        feed->started = true;
        feed->partial = r;
        feed->n_told = 0;
        feed->n_skip = 0;
    }
    if (feed->n_skip) {
        feed->n_skip--;
        return false;
    }
    feed->n_told++;
    return true;
}

static bool
take_line(struct vx_cli_feed *feed, vx_cli_feed_tell *tell, void *aux)
{
    cJSON *event = cJSON_ParseWithLength(vx_buf_str(&feed->line),
                                         feed->line.size);
    bool good = cJSON_IsObject(event);

    if (good && advance(feed, event)) {
        good = tell(aux, event);
    }
    cJSON_Delete(event);
    vx_buf_clear(&feed->line);
    return good;
}

bool
vx_cli_feed_data(struct vx_cli_feed *feed, const char *data, size_t size,
                 vx_cli_feed_tell *tell, void *aux)
{
    while (size) {
        const char *end = memchr(data, '\n', size);
        size_t length = end ? (size_t) (end - data) : size;

        if (feed->line.size + length > VX_CLI_EVENT_MAX) {
            return false;
        }
        vx_buf_put(&feed->line, data, length);
        if (end && feed->line.size && !take_line(feed, tell, aux)) {
            return false;
        }
        length += end != NULL;
        data += length;
        size -= length;
    }
    return true;
}

void
vx_cli_feed_broken(struct vx_cli_feed *feed)
{
    vx_buf_clear(&feed->line);
    feed->n_skip = feed->partial ? feed->n_told : 0;
}

void
vx_cli_feed_fini(struct vx_cli_feed *feed)
{
    vx_buf_fini(&feed->line);
}
