/* SPDX-License-Identifier: Apache-2.0 */
/* What is run for an event, and how it ends; see hooks.h. */
#include "daemon/hooks.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/hook_dir.h"
#include "daemon/hooks_priv.h"
#include "daemon/webhook.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { BACKOFF_MAX_MS = 5 * 60 * 1000, LOG_LINES = 20, LOG_WIDTH = 300 };

/* --- What there is to run. */

bool
vx_hooks_is_url(const char *hook)
{
    return strstr(hook, "://") != NULL;
}

const struct vx_webhook *
vx_hooks_webhook(const struct vx_hooks *hooks, const char *hook)
{
    const struct vx_options *options = hooks->env.options;

    for (size_t i = 0; i < options->n_webhooks; i++) {
        if (!strcmp(options->webhooks[i].url, hook)) {
            return &options->webhooks[i];
        }
    }
    return NULL;
}

static bool
wants(const struct vx_webhook *webhook, const char *event)
{
    const char *p = webhook->events;
    size_t size = strlen(event);

    if (!*p) {
        return true;
    }
    while ((p = strstr(p, event))) {
        if (p[-1] == ' ' && p[size] == ' ') {
            return true;
        }
        p++;
    }
    return false;
}

char **
vx_hooks_of_event(struct vx_hooks *hooks, const char *event, size_t *ret_n)
{
    const struct vx_options *options = hooks->env.options;
    struct vx_hook_files files;
    char **names;
    size_t n = 0;

    vx_hook_dir_scan(hooks->dir, event, &files);
    if (files.refused) {
        vx_log_error("hooks", "%s", files.refused);
    }
    names = vx_xcalloc(files.n + options->n_webhooks + 1, sizeof *names);
    for (size_t i = 0; i < files.n; i++) {
        if (files.items[i].executable) {
            names[n++] = vx_xasprintf("%s/%s", event, files.items[i].name);
        }
    }
    vx_hook_files_fini(&files);
    for (size_t i = 0; i < options->n_webhooks; i++) {
        if (wants(&options->webhooks[i], event)) {
            names[n++] = vx_xstrdup(options->webhooks[i].url);
        }
    }
    *ret_n = n;
    return names;
}

/* --- Runs. */

struct vx_hooks_run *
vx_hooks_run_new(struct vx_hooks *hooks, uint64_t id, const char *hook,
                 struct vx_hooks_news *news)
{
    struct vx_hooks_run *run = vx_xcalloc(1, sizeof *run);

    run->hooks = hooks;
    run->id = id;
    run->hook = vx_xstrdup(hook);
    run->news = news;
    news->n_refs++;
    return run;
}

void
vx_hooks_run_free(struct vx_hooks_run *run)
{
    vx_hooks_news_unref(run->news);
    free(run->hook);
    free(run);
}

bool
vx_hooks_enqueue(struct vx_hooks *hooks, struct vx_hooks_run *run,
                 unsigned attempts)
{
    const struct vx_hookq_run entry = {
        .id = run->id, .hook = run->hook, .object = run->news->object,
        .in_order = !vx_hooks_is_url(run->hook), .attempts = attempts,
        .aux = run,
    };

    return vx_hookq_add(hooks->queue, &entry, hooks->env.mono_ms());
}

/* What a hook printed, a line of ours for each of its own. */
static void
log_output(const struct vx_hooks_run *run, const struct vx_attempt *attempt)
{
    const char *p = attempt->output, *end = p + attempt->output_size;

    for (int i = 0; i < LOG_LINES && p && p < end; i++) {
        const char *nl = memchr(p, '\n', (size_t) (end - p));
        int size = (int) ((nl ? nl : end) - p);

        vx_log_info(run->hook, "run %llu: %.*s",
                    (unsigned long long) run->id,
                    size < LOG_WIDTH ? size : LOG_WIDTH, p);
        p = nl ? nl + 1 : end;
    }
}

static void
log_end(const struct vx_hooks_run *run, const struct vx_attempt *attempt,
        enum vx_hookq_verdict verdict)
{
    unsigned long long id = run->id;
    const char *event = run->news->name, *object = run->news->object;

    log_output(run, attempt);
    if (verdict == VX_HOOKQ_DONE) {
        vx_log_debug(run->hook, "run %llu: %s %s: %s", id, event, object,
                     attempt->result);
    } else if (verdict == VX_HOOKQ_AGAIN) {
        vx_log_warn(run->hook, "run %llu: %s %s: %s; attempt %u, again later",
                    id, event, object, attempt->result, run->attempt);
    } else {
        vx_log_error(run->hook, "run %llu: %s %s: %s; given up after %u "
                     "attempts: netctl hook retry %llu", id, event, object,
                     attempt->result, run->attempt, id);
    }
}

static void
count_end(struct vx_hooks *hooks, enum vx_hookq_verdict verdict)
{
    hooks->n_done += verdict == VX_HOOKQ_DONE;
    hooks->n_failed += verdict != VX_HOOKQ_DONE;
    hooks->n_dead += verdict == VX_HOOKQ_DEAD;
}

static void
ended(struct vx_hooks_run *run, const struct vx_attempt *attempt)
{
    struct vx_hooks *hooks = run->hooks;
    enum vx_hookq_end end = attempt->ok         ? VX_HOOKQ_OK
                            : attempt->hopeless ? VX_HOOKQ_HOPELESS
                                                : VX_HOOKQ_FAILED;
    enum vx_hookq_verdict verdict = vx_hookq_end(hooks->queue, run->id, end,
                                                 hooks->env.mono_ms());
    const struct vx_store_run row = {
        .id = run->id, .event = run->news->seq, .hook = run->hook,
        .state = verdict == VX_HOOKQ_DONE   ? VX_RUN_DONE
                 : verdict == VX_HOOKQ_DEAD ? VX_RUN_DEAD
                                            : VX_RUN_WAITING,
        .attempts = run->attempt, .time_ms = hooks->env.wall_ms(),
        .result = attempt->result, .output = attempt->output,
        .output_size = attempt->output_size,
    };

    log_end(run, attempt, verdict);
    count_end(hooks, verdict);
    vx_hooks_note_end(hooks, &row);
    if (verdict != VX_HOOKQ_AGAIN) {
        vx_hooks_run_free(run);
    }
}

static void
on_done(void *run_, const struct vx_attempt *attempt)
{
    struct vx_hooks_run *run = run_;
    struct vx_hooks *hooks = run->hooks;

    ended(run, attempt);
    vx_hooks_kick(hooks);
}

/* --- Starting. */

enum { N_ENV = 8 };

static void
make_env(const struct vx_hooks_run *run, char *env[N_ENV + 1])
{
    const struct vx_options *options = run->hooks->env.options;

    env[0] = vx_xstrdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                        "/usr/bin:/sbin:/bin");
    env[1] = vx_xstrdup("LANG=C.UTF-8");
    env[2] = vx_xasprintf("NETCTL_SERVER=%s",
                          options->n_api ? options->api[0] : "");
    env[3] = vx_xasprintf("VXFABRIC_EVENT=%s", run->news->name);
    env[4] = vx_xasprintf("VXFABRIC_OBJECT=%s", run->news->object);
    env[5] = vx_xasprintf("VXFABRIC_SEQ=%llu",
                          (unsigned long long) run->news->seq);
    env[6] = vx_xasprintf("VXFABRIC_RUN=%llu", (unsigned long long) run->id);
    env[7] = vx_xasprintf("VXFABRIC_ATTEMPT=%u", run->attempt);
    env[N_ENV] = NULL;
}

static bool
start_exec(struct vx_hooks_run *run, struct vx_error *err)
{
    struct vx_hooks *hooks = run->hooks;
    char *env[N_ENV + 1], *path, *input;
    bool ok;

    /* Looked at again each time: it may have changed since the event. */
    if (!vx_hook_dir_check(hooks->dir, run->hook, err)) {
        return false;
    }
    make_env(run, env);
    path = vx_xasprintf("%s/%s", hooks->dir, run->hook);
    input = vx_xasprintf("%s\n", run->news->body);
    const struct vx_exec_spec spec = {
        .path = path, .env = env, .input = input,
        .input_size = strlen(input),
        .timeout_ms = hooks->env.options->hook_timeout_ms,
        .done = on_done, .aux = run,
    };
    ok = vx_execs_start(hooks->execs, &spec, err);
    free(path);
    free(input);
    for (int i = 0; i < N_ENV; i++) {
        free(env[i]);
    }
    return ok;
}

static bool
start_webhook(struct vx_hooks_run *run, struct vx_error *err)
{
    struct vx_hooks *hooks = run->hooks;
    const struct vx_webhook *webhook = vx_hooks_webhook(hooks, run->hook);

    if (!webhook) {
        return vx_fail(err, VX_NOT_FOUND, "", "the webhook is not "
                       "configured any more");
    }
    return vx_webhooks_start(hooks->webhooks, &(struct vx_webhook_spec) {
        .url = webhook->url, .secret_file = webhook->secret_file,
        .event = run->news->name, .run = run->id, .attempt = run->attempt,
        .body = run->news->body, .now_s = hooks->env.wall_ms() / 1000,
        .timeout_ms = hooks->env.options->hook_timeout_ms,
        .done = on_done, .aux = run }, err);
}

static void
start(struct vx_hooks_run *run)
{
    struct vx_error err;
    bool is_url = vx_hooks_is_url(run->hook);

    if (!(is_url ? start_webhook(run, &err) : start_exec(run, &err))) {
        const struct vx_attempt attempt = {
            .result = err.message, .output = "",
            .hopeless = err.code == VX_NOT_FOUND
                        && !(is_url && vx_hooks_webhook(run->hooks,
                                                        run->hook)),
        };

        ended(run, &attempt);
    }
}

static void
set_due_timer(struct vx_hooks *hooks, int64_t now_ms)
{
    int64_t due_ms = vx_hookq_due_ms(hooks->queue, now_ms);
    int64_t wait_ms = due_ms > now_ms ? due_ms - now_ms : 1;
    const struct timeval tv = { wait_ms / 1000, wait_ms % 1000 * 1000 };

    if (due_ms < 0) {
        event_del(hooks->due_timer);
    } else {
        event_add(hooks->due_timer, &tv);
    }
}

void
vx_hooks_kick(struct vx_hooks *hooks)
{
    int64_t now_ms = hooks->env.mono_ms();
    struct vx_hooks_run *run;
    unsigned attempt;

    while ((run = vx_hookq_next(hooks->queue, now_ms, &attempt))) {
        run->attempt = attempt;
        start(run);
    }
    set_due_timer(hooks, now_ms);
}

static void
on_due(evutil_socket_t fd, short what, void *hooks)
{
    (void) fd;
    (void) what;
    vx_hooks_kick(hooks);
}

/* --- Life. */

/* Hooks run in /, so their paths begin there. */
static char *
absolute(const char *dir)
{
    char *cwd, *path;

    if (*dir == '/') {
        return vx_xstrdup(dir);
    }
    cwd = getcwd(NULL, 0);
    path = vx_xasprintf("%s/%s", cwd ? cwd : "", dir);
    free(cwd);
    return path;
}

static void
check_webhooks(const struct vx_hooks *hooks)
{
    const struct vx_options *options = hooks->env.options;

    for (size_t i = 0; i < options->n_webhooks; i++) {
        struct vx_error err;

        if (!vx_webhook_check_secret(options->webhooks[i].secret_file,
                                     &err)) {
            vx_log_error(options->webhooks[i].url, "%s", err.message);
        }
    }
}

bool
vx_hooks_new(const struct vx_hooks_env *env, struct vx_hooks **ret_hooks,
             struct vx_error *err)
{
    const struct vx_options *options = env->options;
    const struct vx_hookq_config config = {
        .max_running = options->hook_jobs,
        .max_attempts = options->hook_attempts,
        .max_runs = options->hook_queue,
        .backoff_ms = options->hook_backoff_ms,
        .backoff_max_ms = BACKOFF_MAX_MS,
    };
    struct vx_hooks *hooks = vx_xcalloc(1, sizeof *hooks);

    hooks->env = *env;
    hooks->dir = absolute(options->hooks_dir);
    hooks->queue = vx_hookq_new(&config);
    hooks->execs = vx_execs_new(env->base);
    hooks->webhooks = vx_webhooks_new(env->base);
    hooks->flush_timer = event_new(env->base, -1, 0, vx_hooks_flush_timer,
                                   hooks);
    hooks->due_timer = event_new(env->base, -1, 0, on_due, hooks);
    vx_hooks_api_init(hooks);
    check_webhooks(hooks);
    if (!vx_hooks_load(hooks, err)) {
        vx_hooks_free(hooks);
        return false;
    }
    set_due_timer(hooks, env->mono_ms());
    *ret_hooks = hooks;
    return true;
}

static void
drop_run(void *run)
{
    vx_hooks_run_free(run);
}

void
vx_hooks_free(struct vx_hooks *hooks)
{
    struct vx_error err;

    if (!hooks) {
        return;
    }
    vx_execs_free(hooks->execs);
    vx_webhooks_free(hooks->webhooks);
    if (!vx_hooks_flush(hooks, &err)) {
        vx_log_error("hooks", "%s", err.message);
    }
    vx_hookq_free(hooks->queue, drop_run);
    vx_hooks_journal_fini(hooks);
    event_free(hooks->flush_timer);
    event_free(hooks->due_timer);
    free(hooks->dir);
    free(hooks);
}
