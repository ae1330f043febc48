/* SPDX-License-Identifier: Apache-2.0 */
/* Events, hooks and their runs:
 *
 *   GET  /v1/events?since=SEQ         what has happened
 *   GET  /v1/hooks                    what is run for it
 *   POST /v1/hooks/EVENT/test         as if it happened now
 *   GET  /v1/hook-runs?state=         what came of it
 *   POST /v1/hook-runs/ID/retry       again */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

struct page {
    struct vx_buf body;
    struct vx_jw jw;
    size_t n;
    uint64_t limit;
    uint64_t last;              /* of those written */
    bool more;
};

/* The query of a list; key names the member that says where it begins. */
static bool
begin_page(struct vx_call *call, const char *key, uint64_t *from,
           struct page *page)
{
    struct vx_query *query = &call->query;
    struct vx_error *err = &call->err;

    *page = (struct page) { .body = VX_BUF_INIT, .limit = PAGE_DEFAULT };
    return vx_query_uint(query, "limit", PAGE_MAX, &page->limit, err)
           && (page->limit
               || vx_fail(err, VX_INVALID, "limit",
                          "limit=0: it must be 1 to %d", PAGE_MAX))
           && (!key || vx_query_uint(query, key, INT64_MAX, from, err))
           && vx_query_uint(query, "after", INT64_MAX, from, err);
}

/* False if the page is full. */
static bool
next_item(struct page *page, uint64_t id)
{
    if (page->n == page->limit) {
        page->more = true;
        return false;
    }
    vx_buf_puts(&page->body, page->n++ ? "," : "{\"items\":[");
    page->last = id;
    return true;
}

static void
reply_page(struct vx_call *call, struct page *page)
{
    vx_buf_puts(&page->body, page->n ? "]" : "{\"items\":[]");
    if (page->more) {
        vx_buf_printf(&page->body, ",\"next\":\"%" PRIu64 "\"}",
                      page->last);
    } else {
        vx_buf_puts(&page->body, ",\"next\":null}");
    }
    vx_call_reply_json(call, 200, NULL, &page->body);
    vx_buf_fini(&page->body);
}

static void
fail_page(struct vx_call *call, struct page *page)
{
    vx_call_fail(call);
    vx_buf_fini(&page->body);
}

/* --- Lists. */

static void
write_event(void *page_, const struct vx_api_event *event)
{
    struct page *page = page_;

    if (next_item(page, event->seq)) {
        vx_buf_puts(&page->body, event->body);
    }
}

static void
handle_events(struct vx_call *call)
{
    const struct vx_api_hooks *hooks = call->server->backend->hooks;
    const char *name = vx_query_get(&call->query, "event");
    uint64_t since = 0;
    struct page page;

    if (begin_page(call, "since", &since, &page)
        && vx_query_done(&call->query, "since, after, limit, event",
                         &call->err)
        && hooks->events(hooks->ctx, since, page.limit + 1, name,
                         write_event, &page, &call->err)) {
        reply_page(call, &page);
    } else {
        fail_page(call, &page);
    }
}

static void
write_hook(void *page_, const struct vx_api_hook *hook)
{
    struct page *page = page_;
    struct vx_jw jw;

    if (!next_item(page, 0)) {
        return;
    }
    vx_jw_begin(&jw, &page->body);
    vx_jw_str(&jw, "name", hook->name);
    vx_jw_str(&jw, "type", hook->type);
    vx_jw_str(&jw, "events", hook->events);
    vx_jw_str(&jw, "state", hook->state);
    vx_jw_str(&jw, "reason", hook->reason);
    vx_jw_u64(&jw, "waiting", hook->n_waiting);
    vx_jw_u64(&jw, "running", hook->n_running);
    vx_jw_u64(&jw, "done", hook->n_done);
    vx_jw_u64(&jw, "failed", hook->n_failed);
    vx_jw_u64(&jw, "dead", hook->n_dead);
    vx_jw_end(&jw);
}

static void
handle_hooks(struct vx_call *call)
{
    const struct vx_api_hooks *hooks = call->server->backend->hooks;
    uint64_t limit = PAGE_MAX;
    struct page page = { .body = VX_BUF_INIT, .limit = SIZE_MAX };

    /* There are few hooks: one page, whatever the limit. */
    if (!vx_query_uint(&call->query, "limit", PAGE_MAX, &limit, &call->err)
        || !vx_query_done(&call->query, "limit", &call->err)) {
        fail_page(call, &page);
        return;
    }
    hooks->list(hooks->ctx, write_hook, &page);
    reply_page(call, &page);
}

static void
write_run(void *page_, const struct vx_api_run *run)
{
    struct page *page = page_;
    struct vx_jw jw;

    if (!next_item(page, run->id)) {
        return;
    }
    vx_jw_begin(&jw, &page->body);
    vx_jw_u64(&jw, "id", run->id);
    vx_jw_str(&jw, "hook", run->hook);
    vx_jw_str(&jw, "state", run->state);
    vx_jw_u64(&jw, "seq", run->seq);
    vx_jw_str(&jw, "event", run->event);
    vx_jw_str(&jw, "object", run->object);
    vx_jw_key(&jw, "event_time");
    vx_json_time(&page->body, run->event_ms);
    vx_jw_u64(&jw, "attempts", run->attempts);
    vx_jw_key(&jw, "time");
    vx_json_time(&page->body, run->time_ms);
    vx_jw_str(&jw, "result", run->result);
    vx_jw_str(&jw, "output", run->output);
    vx_jw_end(&jw);
}

static bool
is_run_state(const char *state, struct vx_error *err)
{
    static const char *const states[] = { "waiting", "running", "done",
                                          "dead" };

    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (!state || !strcmp(state, states[i])) {
            return true;
        }
    }
    return vx_fail(err, VX_INVALID, "state", "state=%.40s: it must be "
                   "waiting, running, done or dead", state);
}

static void
handle_runs(struct vx_call *call)
{
    const struct vx_api_hooks *hooks = call->server->backend->hooks;
    struct vx_api_run_query query = {
        .state = vx_query_get(&call->query, "state"),
        .hook = vx_query_get(&call->query, "hook"),
    };
    struct page page;

    if (begin_page(call, NULL, &query.before, &page)
        && is_run_state(query.state, &call->err)
        && vx_query_done(&call->query, "state, hook, after, limit",
                         &call->err)) {
        query.limit = page.limit + 1;
        if (hooks->runs(hooks->ctx, &query, write_run, &page, &call->err)) {
            reply_page(call, &page);
            return;
        }
    }
    fail_page(call, &page);
}

/* --- Actions. */

static void
handle_retry(struct vx_call *call, const char *word)
{
    const struct vx_api_hooks *hooks = call->server->backend->hooks;
    struct vx_buf body = VX_BUF_INIT;
    struct vx_jw jw;
    char *end;
    uint64_t id = strtoull(word, &end, 10);

    if (*word < '0' || *word > '9' || *end || end - word > 18) {
        vx_fail(&call->err, VX_NOT_FOUND, "id",
                "\"%.40s\" is not the id of a hook run", word);
        vx_call_fail(call);
    } else if (!hooks->retry(hooks->ctx, id, &call->err)) {
        vx_call_fail(call);
    } else {
        vx_jw_begin(&jw, &body);
        vx_jw_u64(&jw, "id", id);
        vx_jw_str(&jw, "state", "waiting");
        vx_jw_end(&jw);
        vx_call_reply_json(call, 202, NULL, &body);
    }
    vx_buf_fini(&body);
}

static void
handle_test(struct vx_call *call, const char *event)
{
    const struct vx_api_hooks *hooks = call->server->backend->hooks;
    struct vx_buf body = VX_BUF_INIT;
    struct vx_jw jw;
    uint64_t seq;
    size_t n_runs;

    if (!hooks->test(hooks->ctx, event, &seq, &n_runs, &call->err)) {
        vx_call_fail(call);
    } else {
        vx_jw_begin(&jw, &body);
        vx_jw_u64(&jw, "seq", seq);
        vx_jw_str(&jw, "event", event);
        vx_jw_u64(&jw, "runs", n_runs);
        vx_jw_end(&jw);
        vx_call_reply_json(call, 202, NULL, &body);
    }
    vx_buf_fini(&body);
}

/* --- Dispatch. */

/* "/v1/hooks/WORD/test": the word, decoded; false if the path is another. */
static bool
match(const char *path, const char *prefix, const char *suffix,
      char word[64])
{
    size_t size = strlen(path), n_prefix = strlen(prefix);
    size_t n_suffix = strlen(suffix);

    if (size <= n_prefix + n_suffix || strncmp(path, prefix, n_prefix)
        || strcmp(path + size - n_suffix, suffix)) {
        return false;
    }
    size -= n_prefix + n_suffix;
    snprintf(word, 64, "%.*s", size < 63 ? (int) size : 63,
             path + n_prefix);
    return !strchr(word, '/');
}

/* An action takes neither a query nor a body but {}. */
static bool
is_plain(struct vx_call *call)
{
    const struct vx_buf *body = vx_http_req_body(call->req);

    if (!vx_call_allows(call, VX_HTTP_POST)
        || vx_call_refuse_browser(call)) {
        return false;
    }
    if (body->size && strcmp(vx_buf_str(body), "{}")) {
        vx_fail(&call->err, VX_INVALID, "body",
                "this takes no body, or {}");
        vx_call_fail(call);
        return false;
    }
    if (!vx_query_done(&call->query, "", &call->err)) {
        vx_call_fail(call);
        return false;
    }
    return true;
}

bool
vx_handle_hooks(struct vx_call *call)
{
    static const struct {
        const char *path;
        void (*handle)(struct vx_call *call);
    } lists[] = {
        { "/v1/events", handle_events }, { "/v1/hooks", handle_hooks },
        { "/v1/hook-runs", handle_runs },
    };
    static const struct {
        const char *prefix, *suffix;
        void (*handle)(struct vx_call *call, const char *word);
    } actions[] = {
        { "/v1/hooks/", "/test", handle_test },
        { "/v1/hook-runs/", "/retry", handle_retry },
    };
    char word[64];

    if (!call->server->backend->hooks) {
        return false;
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!strcmp(call->head->path, lists[i].path)) {
            if (vx_call_allows(call, VX_HTTP_GET)) {
                lists[i].handle(call);
            }
            return true;
        }
    }
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (match(call->head->path, actions[i].prefix, actions[i].suffix,
                  word)) {
            if (is_plain(call)) {
                actions[i].handle(call, word);
            }
            return true;
        }
    }
    return false;
}
