/* SPDX-License-Identifier: Apache-2.0 */
/* From births and ends to the store, and back at the start; see hooks.h.
 *
 * Births are written soon (a hook waits for them), ends when something else
 * is written or half a second later (nobody waits for them; if they are lost
 * the hook runs again).  A transaction takes BIRTHS_PER_TURN at most, so that
 * 10,000 ports that come up at once do not hold the loop. */
#include "daemon/hooks_priv.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    BIRTHS_PER_TURN = 100,
    SOON_MS = 5, LATER_MS = 500, AFTER_ERROR_MS = 1000,
    TRIM_EVERY = 256,           /* rows */
};

/* --- Events that are written. */

struct vx_hooks_news *
vx_hooks_news_new(const struct vx_store_event *event)
{
    struct vx_hooks_news *news = vx_xcalloc(1, sizeof *news);

    news->n_refs = 1;
    news->seq = event->seq;
    news->name = vx_xstrdup(event->name);
    news->object = vx_xstrdup(event->object);
    news->body = vx_xstrdup(event->body);
    return news;
}

void
vx_hooks_news_unref(struct vx_hooks_news *news)
{
    if (!--news->n_refs) {
        free(news->name);
        free(news->object);
        free(news->body);
        free(news);
    }
}

/* --- Told. */

struct told {
    struct vx_tree_node by_oid;
    uint64_t oid;
    unsigned told;
};

static int
told_cmp(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct told, by_oid)->oid;

    return a < b ? -1 : a > b;
}

unsigned
vx_hooks_told(const struct vx_hooks *hooks, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&hooks->told, &oid);

    return node ? VX_CONTAINER(node, struct told, by_oid)->told : 0;
}

uint64_t
vx_hooks_told_after(const struct vx_hooks *hooks, uint64_t oid)
{
    uint64_t next = oid + 1;
    struct vx_tree_node *node = vx_tree_ceil(&hooks->told, &next);

    return node ? VX_CONTAINER(node, struct told, by_oid)->oid : 0;
}

static void
set_told(struct vx_hooks *hooks, uint64_t oid, unsigned told)
{
    struct vx_tree_node *node = vx_tree_find(&hooks->told, &oid);
    struct told *t = node ? VX_CONTAINER(node, struct told, by_oid) : NULL;

    if (t && !told) {
        vx_tree_remove(&hooks->told, &t->by_oid);
        free(t);
    } else if (t) {
        t->told = told;
    } else if (told) {
        t = vx_xcalloc(1, sizeof *t);
        t->oid = oid;
        t->told = told;
        vx_tree_insert(&hooks->told, &t->oid, &t->by_oid);
    }
}

/* --- Noting. */

static void
flush_in(struct vx_hooks *hooks, int64_t ms)
{
    const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    event_add(hooks->flush_timer, &tv);
}

static void
want_flush(struct vx_hooks *hooks, bool soon)
{
    if (soon && !hooks->flush_soon) {
        hooks->flush_soon = true;
        flush_in(hooks, SOON_MS);
    } else if (!event_pending(hooks->flush_timer, EV_TIMEOUT, NULL)) {
        flush_in(hooks, LATER_MS);
    }
}

static struct vx_hooks_birth *
add_birth(struct vx_hooks *hooks)
{
    struct vx_hooks_birth *birth;

    if (hooks->first_birth > hooks->n_births) {
        memmove(hooks->births, hooks->births + hooks->first_birth,
                hooks->n_births * sizeof *hooks->births);
        hooks->first_birth = 0;
    }
    hooks->births = vx_grow(hooks->births, &hooks->cap_births,
                            hooks->first_birth + hooks->n_births + 1,
                            sizeof *hooks->births);
    birth = &hooks->births[hooks->first_birth + hooks->n_births++];
    *birth = (struct vx_hooks_birth) { .name = NULL };
    return birth;
}

static const char *
static_name(const struct vx_hooks *hooks, const char *name)
{
    const char *const *p = hooks->env.events;

    while (*p && strcmp(*p, name)) {
        p++;
    }
    return *p;
}

bool
vx_hooks_event(struct vx_hooks *hooks, const struct vx_hooks_event *event)
{
    struct vx_hooks_birth *birth;
    const char *name = static_name(hooks, event->name);

    if (!name || hooks->n_unwritten >= VX_HOOKS_MAX_UNWRITTEN) {
        hooks->n_lost++;
        vx_log_error("hooks", "event %s of %s is lost: %zu are not written "
                     "yet", event->name, event->object, hooks->n_unwritten);
        return false;
    }
    birth = add_birth(hooks);
    birth->name = name;
    birth->object = vx_xstrdup(event->object);
    birth->text = vx_xstrdup(event->text);
    birth->data = event->data ? vx_xstrdup(event->data) : NULL;
    hooks->n_unwritten++;
    birth->time_ms = hooks->env.wall_ms();
    birth->test = event->test;
    if (event->told_oid) {
        birth->told_oid = event->told_oid;
        birth->told = event->told;
        set_told(hooks, event->told_oid, event->told);
    }
    want_flush(hooks, true);
    return true;
}

void
vx_hooks_tell(struct vx_hooks *hooks, uint64_t oid, unsigned told)
{
    struct vx_hooks_birth *birth;

    if (vx_hooks_told(hooks, oid) == told) {
        return;
    }
    set_told(hooks, oid, told);
    birth = add_birth(hooks);
    birth->told_oid = oid;
    birth->told = told;
    want_flush(hooks, false);
}

void
vx_hooks_note_end(struct vx_hooks *hooks, const struct vx_store_run *row)
{
    struct vx_store_run *end;

    hooks->ends = vx_grow(hooks->ends, &hooks->cap_ends, hooks->n_ends + 1,
                          sizeof *hooks->ends);
    end = &hooks->ends[hooks->n_ends++].row;
    *end = *row;
    end->hook = vx_xstrdup(row->hook);
    end->result = vx_xstrdup(row->result);
    end->output = vx_xmemdup(row->output, row->output_size);
    want_flush(hooks, false);
}

static void
birth_fini(struct vx_hooks_birth *birth)
{
    free(birth->object);
    free(birth->text);
    free(birth->data);
}

static void
end_fini(struct vx_hooks_end *end)
{
    free((char *) end->row.hook);
    free((char *) end->row.result);
    free((char *) end->row.output);
}

/* --- Writing. */

struct writing {
    struct vx_hooks *hooks;
    size_t n_births;            /* of hooks->births that are written */
    struct vx_store_event *events;
    size_t n_events;
    struct vx_store_told *told;
    size_t n_told;
    struct vx_store_run *rows;  /* ends, then new runs */
    size_t n_rows, cap_rows;
    struct vx_hooks_run **runs; /* new ones, NULL where the queue was full */
    size_t n_runs, cap_runs;
    struct vx_hooks_news **news;
    uint64_t last_run;
    size_t last_n_runs;
    const char *looked_at;      /* event whose hooks these are: looked up */
    char **hook_names;          /* once per transaction */
    size_t n_hooks;
};

static char *
make_body(const struct vx_hooks *hooks, const struct vx_hooks_birth *birth,
          uint64_t seq)
{
    struct vx_buf body = VX_BUF_INIT, data = VX_BUF_INIT;
    bool has_data = birth->told_oid
                    && hooks->env.data(hooks->env.ctx, birth->told_oid,
                                       &data)
                    && data.size <= VX_HOOKS_DATA_MAX;

    vx_buf_printf(&body, "{\"seq\":%llu,\"time\":",
                  (unsigned long long) seq);
    vx_json_time(&body, birth->time_ms);
    vx_buf_puts(&body, ",\"event\":");
    vx_json_string(&body, birth->name);
    vx_buf_puts(&body, ",\"object\":");
    vx_json_string(&body, birth->object);
    vx_buf_puts(&body, ",\"text\":");
    vx_json_string(&body, birth->text);
    vx_buf_printf(&body, ",\"data\":%s,\"test\":%s}",
                  birth->data ? birth->data
                  : has_data ? vx_buf_str(&data) : "null",
                  birth->test ? "true" : "false");
    vx_buf_fini(&data);
    return vx_buf_steal(&body);
}

static void
add_run(struct writing *w, const char *hook, struct vx_hooks_news *news,
        int64_t time_ms)
{
    struct vx_hooks *hooks = w->hooks;
    bool full = vx_hookq_n_runs(hooks->queue) + w->n_runs
                >= hooks->env.options->hook_queue;
    struct vx_hooks_run *run = vx_hooks_run_new(hooks, ++w->last_run, hook,
                                                news);

    w->rows = vx_grow(w->rows, &w->cap_rows, w->n_rows + 1,
                      sizeof *w->rows);
    w->rows[w->n_rows++] = (struct vx_store_run) {
        .id = run->id, .event = news->seq, .hook = run->hook,
        .state = full ? VX_RUN_DEAD : VX_RUN_WAITING, .time_ms = time_ms,
        .result = full ? "the queue was full (hook_queue)" : "",
        .output = "",
    };
    w->runs = vx_grow(w->runs, &w->cap_runs, w->n_runs + 1,
                      sizeof *w->runs);
    w->runs[w->n_runs++] = run;
}

static void
forget_hooks(struct writing *w)
{
    for (size_t i = 0; i < w->n_hooks; i++) {
        free(w->hook_names[i]);
    }
    free(w->hook_names);
    w->hook_names = NULL;
    w->n_hooks = 0;
}

static void
look_at(struct writing *w, const char *name)
{
    if (!w->looked_at || strcmp(w->looked_at, name)) {
        forget_hooks(w);
        w->hook_names = vx_hooks_of_event(w->hooks, name, &w->n_hooks);
        w->looked_at = name;
    }
}

static void
add_event(struct writing *w, const struct vx_hooks_birth *birth)
{
    uint64_t seq = w->hooks->last_seq + w->n_events + 1;
    char *body = make_body(w->hooks, birth, seq);
    struct vx_store_event event = {
        .seq = seq, .time_ms = birth->time_ms, .name = birth->name,
        .object = birth->object, .body = body,
    };
    struct vx_hooks_news *news = vx_hooks_news_new(&event);

    free(body);
    event.body = news->body;
    look_at(w, birth->name);
    for (size_t i = 0; i < w->n_hooks; i++) {
        add_run(w, w->hook_names[i], news, birth->time_ms);
    }
    w->last_n_runs = w->n_hooks;
    w->news[w->n_events] = news;
    w->events[w->n_events++] = event;
}

static void
prepare(struct writing *w)
{
    struct vx_hooks *hooks = w->hooks;

    w->n_births = hooks->n_births < BIRTHS_PER_TURN ? hooks->n_births
                                                    : BIRTHS_PER_TURN;
    w->last_run = hooks->last_run;
    w->events = vx_xcalloc(w->n_births + 1, sizeof *w->events);
    w->news = vx_xcalloc(w->n_births + 1, sizeof *w->news);
    w->told = vx_xcalloc(w->n_births + 1, sizeof *w->told);
    for (size_t i = 0; i < hooks->n_ends; i++) {
        w->rows = vx_grow(w->rows, &w->cap_rows, w->n_rows + 1,
                          sizeof *w->rows);
        w->rows[w->n_rows++] = hooks->ends[i].row;
    }
    for (size_t i = 0; i < w->n_births; i++) {
        const struct vx_hooks_birth *birth
            = &hooks->births[hooks->first_birth + i];

        if (birth->name) {
            add_event(w, birth);
        }
        if (birth->told_oid) {
            w->told[w->n_told++] = (struct vx_store_told) {
                .oid = birth->told_oid, .state = birth->told,
            };
        }
    }
}

static void
drop_written(struct writing *w)
{
    struct vx_hooks *hooks = w->hooks;

    for (size_t i = 0; i < w->n_births; i++) {
        birth_fini(&hooks->births[hooks->first_birth + i]);
    }
    hooks->n_births -= w->n_births;
    hooks->first_birth += w->n_births;
    hooks->n_unwritten -= w->n_events;
    for (size_t i = 0; i < hooks->n_ends; i++) {
        end_fini(&hooks->ends[i]);
    }
    hooks->n_ends = 0;
}

/* It is durable: what was noted is done with, new runs wait. */
static void
written(struct writing *w)
{
    struct vx_hooks *hooks = w->hooks;

    drop_written(w);
    hooks->last_seq += w->n_events;
    hooks->last_run = w->last_run;
    if (w->n_events) {
        hooks->last_n_runs = w->last_n_runs;
    }
    hooks->n_untrimmed += w->n_events + w->n_rows;
    for (size_t i = 0; i < w->n_runs; i++) {
        if (vx_hooks_enqueue(hooks, w->runs[i], 0)) {
            w->runs[i] = NULL;
        } else {
            hooks->n_overflow++;
            hooks->n_dead++;
            vx_log_error(w->runs[i]->hook, "run %llu: the queue is full",
                         (unsigned long long) w->runs[i]->id);
        }
    }
}

static void
writing_fini(struct writing *w)
{
    for (size_t i = 0; i < w->n_runs; i++) {
        if (w->runs[i]) {
            vx_hooks_run_free(w->runs[i]);
        }
    }
    for (size_t i = 0; i < w->n_events; i++) {
        vx_hooks_news_unref(w->news[i]);
    }
    forget_hooks(w);
    free(w->runs);
    free(w->rows);
    free(w->told);
    free(w->news);
    free(w->events);
}

static bool
write_some(struct vx_hooks *hooks, struct vx_error *err)
{
    const struct vx_options *options = hooks->env.options;
    struct writing w = { .hooks = hooks };
    bool trim = hooks->n_untrimmed >= TRIM_EVERY, ok;

    if (hooks->n_births) {
        hooks->env.settle(hooks->env.ctx);
    }
    prepare(&w);
    const struct vx_store_hooks_batch batch = {
        .events = w.events, .n_events = w.n_events, .runs = w.rows,
        .n_runs = w.n_rows, .told = w.told, .n_told = w.n_told,
        .keep_events = options->events_kept,
        .keep_done = options->hook_runs_kept,
        .keep_dead = options->hook_runs_kept, .trim = trim,
    };
    ok = vx_store_hooks_commit(hooks->env.store, &batch, err);
    if (ok) {
        hooks->n_untrimmed = trim ? 0 : hooks->n_untrimmed;
        written(&w);
    }
    writing_fini(&w);
    return ok;
}

size_t
vx_hooks_pending(const struct vx_hooks *hooks)
{
    return hooks->n_births + hooks->n_ends;
}

bool
vx_hooks_flush(struct vx_hooks *hooks, struct vx_error *err)
{
    while (hooks->n_births || hooks->n_ends) {
        if (!write_some(hooks, err)) {
            return false;
        }
    }
    return true;
}

void
vx_hooks_flush_timer(int fd, short what, void *hooks_)
{
    struct vx_hooks *hooks = hooks_;
    struct vx_error err;

    (void) fd;
    (void) what;
    hooks->flush_soon = false;
    if ((hooks->n_births || hooks->n_ends) && !write_some(hooks, &err)) {
        vx_log_error("hooks", "%s", err.message);
        flush_in(hooks, AFTER_ERROR_MS);
        hooks->flush_soon = true;       /* not before that */
        return;
    }
    if (hooks->n_births) {
        want_flush(hooks, true);
    }
    vx_hooks_kick(hooks);
}

/* --- At the start. */

static void
load_told(void *hooks, const struct vx_store_told *told)
{
    set_told(hooks, told->oid, told->state);
}

static void
load_run(void *hooks_, const struct vx_store_run *row,
         const struct vx_store_event *event)
{
    struct vx_hooks *hooks = hooks_;
    struct vx_hooks_news *news = vx_hooks_news_new(event);
    struct vx_hooks_run *run = vx_hooks_run_new(hooks, row->id, row->hook,
                                                news);

    vx_hooks_news_unref(news);
    if (!vx_hooks_enqueue(hooks, run, row->attempts)) {
        struct vx_store_run dead = *row;

        dead.state = VX_RUN_DEAD;
        dead.result = "the queue was full (hook_queue)";
        vx_hooks_note_end(hooks, &dead);
        vx_hooks_run_free(run);
        hooks->n_overflow++;
    }
}

bool
vx_hooks_load(struct vx_hooks *hooks, struct vx_error *err)
{
    struct vx_store_hooks_load load = {
        .aux = hooks, .told = load_told, .run = load_run,
    };

    vx_tree_init(&hooks->told, told_cmp);
    if (!vx_store_hooks_load(hooks->env.store, &load, err)) {
        return false;
    }
    hooks->last_seq = load.last_seq;
    hooks->last_run = load.last_run;
    if (vx_hookq_n_runs(hooks->queue)) {
        vx_log_info("hooks", "%zu runs are left from before",
                    vx_hookq_n_runs(hooks->queue));
    }
    return true;
}

void
vx_hooks_journal_fini(struct vx_hooks *hooks)
{
    for (size_t i = 0; i < hooks->n_births; i++) {
        birth_fini(&hooks->births[hooks->first_birth + i]);
    }
    for (size_t i = 0; i < hooks->n_ends; i++) {
        end_fini(&hooks->ends[i]);
    }
    free(hooks->births);
    free(hooks->ends);
    VX_TREE_FOR_EACH_SAFE(node, next, &hooks->told) {
        vx_tree_remove(&hooks->told, node);
        free(VX_CONTAINER(node, struct told, by_oid));
    }
}
