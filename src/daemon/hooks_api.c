/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks of the hooks (api/hooks.h), and the counters. */
#include "daemon/hooks_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hook_dir.h"
#include "daemon/webhook.h"
#include "lib/xalloc.h"

enum { SCAN_MAX = 20000 };

/* --- List. */

struct listing {
    struct vx_hooks *hooks;
    void (*each)(void *aux, const struct vx_api_hook *hook);
    void *aux;
};

/* A hook whose state, if it is not ok, is given; else the queue knows. */
static void
tell_hook(const struct listing *list, struct vx_api_hook *hook)
{
    struct vx_hooks *hooks = list->hooks;
    struct vx_hookq_stats stats;
    char reason[100] = "";

    vx_hookq_stats(hooks->queue, hook->name, hooks->env.mono_ms(), &stats);
    hook->n_waiting = stats.n_waiting;
    hook->n_running = stats.n_running;
    hook->n_done = stats.n_done;
    hook->n_failed = stats.n_failed;
    hook->n_dead = stats.n_dead;
    if (!hook->state) {
        hook->state = stats.paused_ms ? "paused" : "ok";
        if (stats.paused_ms) {
            snprintf(reason, sizeof reason, "failed %u times in a row, next "
                     "attempt in %" PRId64 " s", stats.n_failures,
                     stats.paused_ms / 1000 + 1);
        }
        hook->reason = reason;
    }
    list->each(list->aux, hook);
}

static void
list_dir(const struct listing *list, const char *event)
{
    struct vx_hook_files files;

    vx_hook_dir_scan(list->hooks->dir, event, &files);
    if (files.refused) {
        tell_hook(list, &(struct vx_api_hook) {
            .name = event, .type = "exec", .events = event,
            .state = "refused", .reason = files.refused });
    }
    for (size_t i = 0; i < files.n; i++) {
        const struct vx_hook_file *file = &files.items[i];
        char *name = vx_xasprintf("%s/%s", event, file->name);
        struct vx_api_hook hook = {
            .name = name, .type = "exec", .events = event,
            .state = !file->executable ? "disabled"
                     : file->refused   ? "refused"
                                       : NULL,
            .reason = file->refused,
        };

        tell_hook(list, &hook);
        free(name);
    }
    vx_hook_files_fini(&files);
}

/* " a b " -> "a,b"; "" -> "all". */
static char *
events_of(const struct vx_webhook *webhook)
{
    const char *p = webhook->events;
    char *text = vx_xstrdup(*p ? p : "all");
    size_t n = 0;

    for (; *p; p++) {
        if (*p != ' ') {
            if (n && p[-1] == ' ') {
                text[n++] = ',';
            }
            text[n++] = *p;
        }
    }
    if (n) {
        text[n] = '\0';
    }
    return text;
}

static void
api_list(void *hooks_,
         void (*each)(void *aux, const struct vx_api_hook *hook), void *aux)
{
    struct vx_hooks *hooks = hooks_;
    const struct vx_options *options = hooks->env.options;
    const struct listing list = { .hooks = hooks, .each = each, .aux = aux };

    for (size_t i = 0; hooks->env.events[i]; i++) {
        list_dir(&list, hooks->env.events[i]);
    }
    for (size_t i = 0; i < options->n_webhooks; i++) {
        const struct vx_webhook *webhook = &options->webhooks[i];
        char *events = events_of(webhook);
        struct vx_error err;
        bool ok = vx_webhook_check_secret(webhook->secret_file, &err);

        tell_hook(&list, &(struct vx_api_hook) {
            .name = webhook->url, .type = "webhook", .events = events,
            .state = ok ? NULL : "refused", .reason = err.message });
        free(events);
    }
}

/* --- Events and runs. */

struct event_cb {
    void (*each)(void *aux, const struct vx_api_event *event);
    void *aux;
};

static bool
tell_event(void *cb_, const struct vx_store_event *event)
{
    const struct event_cb *cb = cb_;
    const struct vx_api_event api = { .seq = event->seq,
                                      .body = event->body };

    cb->each(cb->aux, &api);
    return true;
}

static bool
api_events(void *hooks_, uint64_t since, size_t limit, const char *name,
           void (*each)(void *aux, const struct vx_api_event *event),
           void *aux, struct vx_error *err)
{
    struct vx_hooks *hooks = hooks_;
    const struct vx_store_event_query query = {
        .since = since, .limit = limit, .name = name,
    };
    struct event_cb cb = { .each = each, .aux = aux };

    return vx_hooks_flush(hooks, err)
           && vx_store_events(hooks->env.store, &query, tell_event, &cb,
                              err);
}

struct run_cb {
    struct vx_hooks *hooks;
    const struct vx_api_run_query *query;
    size_t n;
    void (*each)(void *aux, const struct vx_api_run *run);
    void *aux;
};

static const char *const run_states[] = {
    [VX_RUN_WAITING] = "waiting", [VX_RUN_DONE] = "done",
    [VX_RUN_DEAD] = "dead",
};

static bool
tell_run(void *cb_, const struct vx_store_run *run,
         const struct vx_store_event *event)
{
    struct run_cb *cb = cb_;
    bool running = false;
    char *output = vx_xstrndup(run->output, run->output_size);
    struct vx_api_run api = {
        .id = run->id, .seq = run->event, .event_ms = event->time_ms,
        .time_ms = run->time_ms, .hook = run->hook, .event = event->name,
        .object = event->object,
        .state = run->state < VX_N_RUN_STATES ? run_states[run->state] : "",
        .attempts = run->attempts, .result = run->result, .output = output,
    };

    /* The store does not know what runs. */
    vx_hookq_find(cb->hooks->queue, run->id, &running);
    if (running) {
        api.state = "running";
    }
    if (!cb->query->state || !strcmp(cb->query->state, api.state)) {
        cb->each(cb->aux, &api);
        cb->n++;
    }
    free(output);
    return cb->n < cb->query->limit;
}

static bool
api_runs(void *hooks_, const struct vx_api_run_query *query,
         void (*each)(void *aux, const struct vx_api_run *run), void *aux,
         struct vx_error *err)
{
    struct vx_hooks *hooks = hooks_;
    struct vx_store_run_query store_query = {
        .before = query->before, .limit = SCAN_MAX, .state = -1,
        .hook = query->hook,
    };
    struct run_cb cb = {
        .hooks = hooks, .query = query, .each = each, .aux = aux,
    };

    if (query->state) {
        store_query.state = !strcmp(query->state, "done") ? VX_RUN_DONE
                            : !strcmp(query->state, "dead") ? VX_RUN_DEAD
                                                            : VX_RUN_WAITING;
    }
    return vx_hooks_flush(hooks, err)
           && vx_store_runs(hooks->env.store, &store_query, tell_run, &cb,
                            err);
}

/* --- Actions. */

struct retrying {
    struct vx_hooks *hooks;
    struct vx_hooks_run *run;
};

static bool
take_run(void *retrying_, const struct vx_store_run *row,
         const struct vx_store_event *event)
{
    struct retrying *r = retrying_;
    struct vx_hooks_news *news = vx_hooks_news_new(event);

    r->run = vx_hooks_run_new(r->hooks, row->id, row->hook, news);
    vx_hooks_news_unref(news);
    return false;
}

/* A run that ended waits again, as if it were new. */
static bool
revive(struct vx_hooks *hooks, struct vx_hooks_run *run,
       struct vx_error *err)
{
    const struct vx_store_run row = {
        .id = run->id, .event = run->news->seq, .hook = run->hook,
        .state = VX_RUN_WAITING, .time_ms = hooks->env.wall_ms(),
        .result = "", .output = "",
    };

    if (vx_hookq_is_full(hooks->queue)) {
        return vx_fail(err, VX_BUSY, "id", "%zu runs wait already: try again "
                       "later", vx_hookq_n_runs(hooks->queue));
    }
    vx_hooks_note_end(hooks, &row);
    if (!vx_hooks_flush(hooks, err)) {
        return false;
    }
    return vx_hooks_enqueue(hooks, run, 0);
}

static bool
api_retry(void *hooks_, uint64_t id, struct vx_error *err)
{
    struct vx_hooks *hooks = hooks_;
    const struct vx_store_run_query query = { .limit = 1, .state = -1,
                                              .id = id };
    struct retrying r = { .hooks = hooks };
    bool running = false;

    if (vx_hookq_find(hooks->queue, id, &running)) {
        if (running) {
            return vx_fail(err, VX_IN_USE, "id", "run %" PRIu64 " is "
                           "running", id);
        }
    } else if (!vx_hooks_flush(hooks, err)
               || !vx_store_runs(hooks->env.store, &query, take_run, &r,
                                 err)) {
        return false;
    } else if (!r.run) {
        return vx_fail(err, VX_NOT_FOUND, "id", "there is no hook run %"
                       PRIu64 " (any more); GET /v1/hook-runs lists them",
                       id);
    } else if (!revive(hooks, r.run, err)) {
        vx_hooks_run_free(r.run);
        return false;
    }
    vx_hookq_hasten(hooks->queue, id, hooks->env.mono_ms());
    vx_hooks_kick(hooks);
    return true;
}

static bool
api_test(void *hooks_, const char *event, uint64_t *ret_seq,
         size_t *ret_n_runs, struct vx_error *err)
{
    struct vx_hooks *hooks = hooks_;
    const char *const *p = hooks->env.events;
    const struct vx_hooks_event test = {
        .name = event, .object = "test", .text = "a test", .test = true,
    };

    while (*p && strcmp(*p, event)) {
        p++;
    }
    if (!*p) {
        return vx_fail(err, VX_NOT_FOUND, "event", "there is no event "
                       "\"%.40s\"", event);
    }
    if (!vx_hooks_event(hooks, &test)) {
        return vx_fail(err, VX_BUSY, "", "too many events are not written "
                       "yet: try again");
    }
    if (!vx_hooks_flush(hooks, err)) {
        return false;
    }
    *ret_seq = hooks->last_seq;
    *ret_n_runs = hooks->last_n_runs;
    vx_hooks_kick(hooks);
    return true;
}

void
vx_hooks_api_init(struct vx_hooks *hooks)
{
    hooks->api = (struct vx_api_hooks) {
        .ctx = hooks, .list = api_list, .events = api_events,
        .runs = api_runs, .retry = api_retry, .test = api_test,
    };
}

const struct vx_api_hooks *
vx_hooks_api(struct vx_hooks *hooks)
{
    return &hooks->api;
}

void
vx_hooks_counters(struct vx_hooks *hooks,
                  struct vx_hooks_counters *ret_counters)
{
    uint64_t kept[VX_N_RUN_STATES] = { 0 };
    size_t n_running = vx_hookq_n_running(hooks->queue);

    vx_store_runs_count(hooks->env.store, kept, NULL);
    *ret_counters = (struct vx_hooks_counters) {
        .n_waiting = vx_hookq_n_runs(hooks->queue) - n_running,
        .n_running = n_running,
        .n_done = hooks->n_done, .n_failed = hooks->n_failed,
        .n_dead = hooks->n_dead, .n_dead_kept = kept[VX_RUN_DEAD],
        .n_lost = hooks->n_lost, .n_overflow = hooks->n_overflow,
    };
}
