/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the hooks share.
 *
 *   hooks.c          life, what is run and how it ends
 *   hooks_journal.c  from births and ends to the store
 *   hooks_api.c      what the API asks */
#ifndef VX_DAEMON_HOOKS_PRIV_H
#define VX_DAEMON_HOOKS_PRIV_H

#include "core/hookq.h"
#include "daemon/hook_exec.h"
#include "daemon/hooks.h"
#include "lib/tree.h"
#include "store/store_hooks.h"

struct event;
struct vx_webhooks;

/* An event that is written, shared by its runs. */
struct vx_hooks_news {
    unsigned n_refs;
    uint64_t seq;
    char *name, *object, *body;
};

struct vx_hooks_run {
    uint64_t id;
    struct vx_hooks_news *news;
    char *hook;
    struct vx_hooks *hooks;
    unsigned attempt;           /* the one that runs */
};

/* Noted and not written: an event (name), or only what is told. */
struct vx_hooks_birth {
    const char *name;           /* static, NULL = no event */
    char *object, *text;
    char *data;                 /* JSON, or NULL */
    int64_t time_ms;
    uint64_t told_oid;
    unsigned told;
    bool test;
};

/* How a run ended, not written yet. */
struct vx_hooks_end {
    struct vx_store_run row;    /* strings are its own */
};

struct vx_hooks {
    struct vx_hooks_env env;
    char *dir;                  /* hooks.d, absolute */
    struct vx_hookq *queue;
    struct vx_execs *execs;
    struct vx_webhooks *webhooks;
    struct event *flush_timer, *due_timer;
    bool flush_soon;            /* flush_timer is set for births */
    struct vx_tree told;        /* struct told, by oid */
    struct vx_hooks_birth *births;
    size_t first_birth;         /* index of the oldest; before it is room */
    size_t n_births, cap_births;
    size_t n_unwritten;         /* births that are events */
    struct vx_hooks_end *ends;
    size_t n_ends, cap_ends;
    uint64_t last_seq, last_run;
    size_t last_n_runs;         /* of the event last written */
    uint64_t n_untrimmed;       /* rows since the last trim */
    uint64_t n_done, n_failed, n_dead, n_lost, n_overflow;
    struct vx_api_hooks api;
};

/* hooks.c */
/* Names of the hooks of an event, in the order they run; each is the
 * caller's to free, so is the array. */
char **vx_hooks_of_event(struct vx_hooks *hooks, const char *event,
                         size_t *ret_n);
/* NULL if the hook is an executable, or a webhook no longer there. */
const struct vx_webhook *vx_hooks_webhook(const struct vx_hooks *hooks,
                                          const char *hook);
bool vx_hooks_is_url(const char *hook);
struct vx_hooks_run *vx_hooks_run_new(struct vx_hooks *hooks, uint64_t id,
                                      const char *hook,
                                      struct vx_hooks_news *news);
void vx_hooks_run_free(struct vx_hooks_run *run);
/* False if the queue is full; else it owns the run. */
bool vx_hooks_enqueue(struct vx_hooks *hooks, struct vx_hooks_run *run,
                      unsigned attempts);
/* Starts what may start. */
void vx_hooks_kick(struct vx_hooks *hooks);

/* hooks_journal.c */
bool vx_hooks_load(struct vx_hooks *hooks, struct vx_error *err);
void vx_hooks_journal_fini(struct vx_hooks *hooks);
void vx_hooks_note_end(struct vx_hooks *hooks,
                       const struct vx_store_run *row);
void vx_hooks_flush_timer(int fd, short what, void *hooks);
struct vx_hooks_news *vx_hooks_news_new(const struct vx_store_event *event);
void vx_hooks_news_unref(struct vx_hooks_news *news);

/* hooks_api.c */
void vx_hooks_api_init(struct vx_hooks *hooks);

#endif
