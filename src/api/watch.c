/* SPDX-License-Identifier: Apache-2.0 */
/* The change stream; see watch.h.
 *
 * The ring holds lines with running numbers.  `floor` is the highest revision
 * of which a line was dropped: whoever has seen it entirely can be served
 * from the ring.  A subscriber is either in the journal, at a revision, or in
 * the ring, at a number. */
#include "api/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "api/json.h"
#include "lib/xalloc.h"

enum {
    RING_BYTES = 4 * 1024 * 1024,
    SUB_BYTES = 256 * 1024,
    MAX_SUBS = 64,
    JOURNAL_LINES = 200,        /* read at once */
    BLOCK_BYTES = 32 * 1024,
};

/* Lines lie one behind the other in blocks, which come and go whole: each
 * on its own would, for as long as it lives, keep whatever else was on its
 * page of the heap from being given back. */
struct block {
    struct block *next;
    size_t size, used;
    size_t n_lines;             /* not dropped yet */
    char data[];
};

struct line {
    char *data;                 /* in a block */
    size_t size;
    uint64_t revision;
    bool change;
};

struct vx_watch {
    struct vx_watch_config config;
    struct line *lines;         /* circular, cap is a power of two */
    size_t cap;
    uint64_t first, next;       /* numbers of lines */
    struct block *oldest, *newest;
    struct block *spare;        /* of BLOCK_BYTES, NULL = none */
    size_t bytes;
    uint64_t revision;
    uint64_t floor;
    struct vx_watch_sub *subs;
    size_t n_subs;
};

struct vx_watch_sub {
    struct vx_watch_sub *prev, *next;
    struct vx_watch *watch;
    struct vx_watch_sink sink;
    bool in_ring;
    bool live;                  /* "live" was told */
    uint64_t at;                /* ring: number of the next line */
    uint64_t done;              /* all changes up to it are written */
    uint64_t current;           /* revision being written */
    uint64_t first_live;        /* events before this number are the past */
    size_t index;               /* lines of `current` read in the journal */
    uint64_t partial;           /* revision of which partial_n lines were */
    size_t partial_n;           /* written when the journal was left */
    bool stopped;
};

/* --- Ring. */

static struct line *
line_at(const struct vx_watch *watch, uint64_t number)
{
    return &watch->lines[number & (watch->cap - 1)];
}

static char *
put_text(struct vx_watch *watch, const struct vx_buf *text)
{
    struct block *block = watch->newest;

    if (!block || block->size - block->used < text->size) {
        size_t size = text->size > BLOCK_BYTES ? text->size : BLOCK_BYTES;

        if (watch->spare && size == BLOCK_BYTES) {
            block = watch->spare;
            watch->spare = NULL;
        } else {
            block = vx_xmalloc(sizeof *block + size);
        }
        *block = (struct block) { .size = size };
        *(watch->newest ? &watch->newest->next : &watch->oldest) = block;
        watch->newest = block;
    }
    memcpy(block->data + block->used, text->data, text->size);
    block->used += text->size;
    block->n_lines++;
    return block->data + block->used - text->size;
}

static void
drop_text(struct vx_watch *watch)
{
    struct block *block = watch->oldest;

    if (--block->n_lines) {
        return;
    }
    watch->oldest = block->next;
    if (!watch->oldest) {
        watch->newest = NULL;
    }
    if (!watch->spare && block->size == BLOCK_BYTES) {
        watch->spare = block;
    } else {
        free(block);
    }
}

static void
drop_oldest(struct vx_watch *watch)
{
    struct line *line = line_at(watch, watch->first++);

    if (line->change && line->revision > watch->floor) {
        watch->floor = line->revision;
    }
    watch->bytes -= line->size;
    drop_text(watch);
}

static void
grow(struct vx_watch *watch)
{
    size_t cap = watch->cap ? watch->cap * 2 : 64;
    struct line *lines = vx_xcalloc(cap, sizeof *lines);

    for (uint64_t i = watch->first; i < watch->next; i++) {
        lines[i & (cap - 1)] = *line_at(watch, i);
    }
    free(watch->lines);
    watch->lines = lines;
    watch->cap = cap;
}

static void
pump_all(struct vx_watch *watch)
{
    for (struct vx_watch_sub *sub = watch->subs, *next; sub; sub = next) {
        next = sub->next;
        vx_watch_pump(sub);
    }
}

static void
publish(struct vx_watch *watch, struct vx_buf *text, bool change)
{
    if (watch->next - watch->first == watch->cap) {
        grow(watch);
    }
    *line_at(watch, watch->next++) = (struct line) {
        .data = put_text(watch, text), .size = text->size,
        .revision = watch->revision, .change = change,
    };
    watch->bytes += text->size;
    vx_buf_fini(text);
    pump_all(watch);
    while (watch->bytes > watch->config.ring_bytes) {
        drop_oldest(watch);
    }
}

/* --- Lines. */

void
vx_watch_format(struct vx_buf *out, uint64_t revision, int64_t time_ms,
                const char *op, const char *path, const char *body,
                size_t size)
{
    struct vx_jw jw;

    vx_jw_begin(&jw, out);
    vx_jw_u64(&jw, "revision", revision);
    vx_jw_key(&jw, "time");
    vx_json_time(out, time_ms);
    vx_jw_str(&jw, "op", op);
    vx_jw_str(&jw, "path", path);
    if (body) {
        vx_jw_key(&jw, "body");
        vx_buf_put(out, body, size);
    }
    vx_jw_end(&jw);
    vx_buf_puts(out, "\n");
}

static void
begin_line(const struct vx_watch *watch, struct vx_jw *jw,
           struct vx_buf *out, const char *op)
{
    vx_jw_begin(jw, out);
    vx_jw_u64(jw, "revision", watch->revision);
    vx_jw_str(jw, "op", op);
}

static void
end_line(struct vx_jw *jw)
{
    vx_jw_end(jw);
    vx_buf_puts(jw->out, "\n");
}

void
vx_watch_change(struct vx_watch *watch, uint64_t revision, int64_t time_ms,
                const char *op, const char *path, const char *body)
{
    struct vx_buf text = VX_BUF_INIT;

    if (revision > watch->revision) {
        watch->revision = revision;
    }
    vx_watch_format(&text, revision, time_ms, op, path, body,
                    body ? strlen(body) : 0);
    publish(watch, &text, true);
}

void
vx_watch_committed(struct vx_watch *watch, uint64_t revision)
{
    if (revision > watch->revision) {
        watch->revision = revision;
    }
}

void
vx_watch_status(struct vx_watch *watch, const char *path, const char *status,
                const char *reason, int64_t reachable_at_ms)
{
    struct vx_buf text = VX_BUF_INIT;
    struct vx_jw jw;

    begin_line(watch, &jw, &text, "status");
    vx_jw_str(&jw, "path", path);
    vx_jw_str(&jw, "status", status);
    vx_jw_str(&jw, "reason", reason);
    if (reachable_at_ms) {
        vx_jw_key(&jw, "reachable_at");
        vx_json_time(&text, reachable_at_ms);
    }
    end_line(&jw);
    publish(watch, &text, false);
}

void
vx_watch_event(struct vx_watch *watch, const char *event,
               const char *members)
{
    struct vx_buf text = VX_BUF_INIT;
    struct vx_jw jw;

    begin_line(watch, &jw, &text, "event");
    vx_jw_str(&jw, "event", event);
    if (members) {
        vx_buf_puts(&text, ",");
        vx_buf_puts(&text, members);
    }
    end_line(&jw);
    publish(watch, &text, false);
}

/* A line for one subscriber only: "live", "heartbeat". */
static void
tell(struct vx_watch_sub *sub, const char *op)
{
    struct vx_buf text = VX_BUF_INIT;
    struct vx_jw jw;

    begin_line(sub->watch, &jw, &text, op);
    end_line(&jw);
    sub->sink.write(sub->sink.aux, text.data, text.size);
    vx_buf_fini(&text);
}

void
vx_watch_heartbeat(struct vx_watch *watch)
{
    for (struct vx_watch_sub *sub = watch->subs; sub; sub = sub->next) {
        if (sub->live && !sub->sink.pending(sub->sink.aux)) {
            tell(sub, "heartbeat");
        }
    }
}

/* --- Subscribers. */

static void
remove_sub(struct vx_watch_sub *sub)
{
    *(sub->prev ? &sub->prev->next : &sub->watch->subs) = sub->next;
    if (sub->next) {
        sub->next->prev = sub->prev;
    }
    sub->watch->n_subs--;
    free(sub);
}

static void
end_sub(struct vx_watch_sub *sub, const struct vx_error *why)
{
    sub->sink.end(sub->sink.aux, why);
    remove_sub(sub);
}

/* First line with a higher revision; revisions do not decrease. */
static uint64_t
first_after(const struct vx_watch *watch, uint64_t revision)
{
    uint64_t low = watch->first, high = watch->next;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (line_at(watch, middle)->revision > revision) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static void
enter_ring(struct vx_watch_sub *sub)
{
    sub->in_ring = true;
    sub->at = first_after(sub->watch, sub->done);
    if (!sub->live) {
        sub->first_live = sub->watch->next;
    }
}

static void
note_revision(struct vx_watch_sub *sub, uint64_t revision)
{
    if (revision > sub->current) {
        sub->done = sub->current;
        sub->current = revision;
    }
}

/* A revision may be long: it is left in the middle when the subscriber is
 * full, and what was written of it is skipped the next time. */
static bool
journal_line(void *aux, const char *line, size_t size, uint64_t revision)
{
    struct vx_watch_sub *sub = aux;

    if (revision > sub->current) {
        note_revision(sub, revision);
        sub->index = 0;
    }
    sub->index++;
    if (revision == sub->partial && sub->index <= sub->partial_n) {
        return true;
    }
    if (sub->sink.pending(sub->sink.aux) >= sub->watch->config.sub_bytes) {
        sub->partial = revision;
        sub->partial_n = sub->index - 1;
        sub->stopped = true;
        return false;
    }
    sub->sink.write(sub->sink.aux, line, size);
    return true;
}

static bool
pump_journal(struct vx_watch_sub *sub, struct vx_error *err)
{
    uint64_t before = sub->done;

    sub->current = sub->done;
    sub->stopped = false;
    if (!sub->sink.journal(sub->sink.aux, sub->done, JOURNAL_LINES,
                           journal_line, sub, err)) {
        return false;
    }
    if (!sub->stopped) {
        /* The journal answers whole revisions; nothing = nothing visible. */
        sub->done = sub->current > before ? sub->current
                                          : sub->watch->floor;
    }
    return true;
}

static void
pump_ring(struct vx_watch_sub *sub)
{
    struct line *line = line_at(sub->watch, sub->at++);

    if (line->change) {
        note_revision(sub, line->revision);
    }
    if (line->change || sub->at > sub->first_live) {
        sub->sink.write(sub->sink.aux, line->data, line->size);
    }
}

void
vx_watch_pump(struct vx_watch_sub *sub)
{
    struct vx_watch *watch = sub->watch;
    struct vx_error err;

    while (sub->sink.pending(sub->sink.aux) < watch->config.sub_bytes) {
        if (sub->in_ring && sub->at < watch->first) {
            /* Overtaken: lines of `current` may be missing. */
            sub->in_ring = false;
        } else if (sub->in_ring && sub->at < watch->next) {
            pump_ring(sub);
        } else if (sub->in_ring) {
            if (!sub->live) {
                sub->live = true;
                tell(sub, "live");
            }
            return;
        } else if (sub->done >= watch->floor) {
            sub->current = sub->done;
            enter_ring(sub);
        } else if (!pump_journal(sub, &err)) {
            end_sub(sub, &err);
            return;
        }
    }
}

static bool
nothing(void *aux, const char *line, size_t size, uint64_t revision)
{
    (void) aux;
    (void) line;
    (void) size;
    (void) revision;
    return false;
}

bool
vx_watch_subscribe(struct vx_watch *watch, uint64_t since,
                   const struct vx_watch_sink *sink,
                   struct vx_watch_sub **ret_sub, struct vx_error *err)
{
    if (watch->n_subs >= watch->config.max_subs) {
        return vx_fail(err, VX_BUSY, "",
                       "there are %zu watchers already: try again later",
                       watch->n_subs);
    }
    if (since > watch->revision) {
        return vx_fail(err, VX_GONE, "since",
                       "revision %llu is ahead of the present one, %llu: "
                       "another state was here; read everything anew with "
                       "GET", (unsigned long long) since,
                       (unsigned long long) watch->revision);
    }
    if (since < watch->floor
        && !sink->journal(sink->aux, since, 1, nothing, NULL, err)) {
        return false;
    }
    struct vx_watch_sub *sub = vx_xcalloc(1, sizeof *sub);
    sub->watch = watch;
    sub->sink = *sink;
    sub->done = sub->current = since;
    sub->next = watch->subs;
    if (sub->next) {
        sub->next->prev = sub;
    }
    watch->subs = sub;
    watch->n_subs++;
    *ret_sub = sub;
    return true;
}

void
vx_watch_unsubscribe(struct vx_watch_sub *sub)
{
    remove_sub(sub);
}

/* --- The whole. */

struct vx_watch *
vx_watch_new(const struct vx_watch_config *config, uint64_t revision)
{
    struct vx_watch *watch = vx_xcalloc(1, sizeof *watch);

    watch->config = config ? *config : (struct vx_watch_config) { 0 };
    if (!watch->config.ring_bytes) {
        watch->config.ring_bytes = RING_BYTES;
    }
    if (!watch->config.sub_bytes) {
        watch->config.sub_bytes = SUB_BYTES;
    }
    if (!watch->config.max_subs) {
        watch->config.max_subs = MAX_SUBS;
    }
    watch->revision = watch->floor = revision;
    return watch;
}

void
vx_watch_free(struct vx_watch *watch)
{
    struct vx_error err;

    if (!watch) {
        return;
    }
    vx_fail(&err, VX_UNAVAILABLE, "", "the controller stops");
    while (watch->subs) {
        end_sub(watch->subs, &err);
    }
    while (watch->first < watch->next) {
        drop_oldest(watch);
    }
    free(watch->spare);
    free(watch->lines);
    free(watch);
}

uint64_t
vx_watch_revision(const struct vx_watch *watch)
{
    return watch->revision;
}

size_t
vx_watch_n_subs(const struct vx_watch *watch)
{
    return watch->n_subs;
}
