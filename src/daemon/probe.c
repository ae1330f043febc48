/* SPDX-License-Identifier: Apache-2.0 */
/* Proof that a port can be reached; see probe.h.
 *
 * A port has an entry as long as anything is known or expected of it, and a
 * run while probes of it are on their way.  Runs whose turn it is to send
 * wait in queues, in front of one bucket of tokens: those that have begun,
 * those that have not, those that are late or in the background.  Switches
 * have other things to do when thousands of ports are made at once, so a new
 * run waits while many frames are out, and what takes longer is sent again
 * later.  Background ports wait in front of a slow clock. */
#include "daemon/probe.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/pipeline.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

enum {
    BURST = 256,                /* frames */
    PUMP_MS = 4,
    SLOW_MS = 50,
    BACKGROUND_ROUNDS = 4,      /* then it is put off */
    BACKGROUND_AGAIN_MS = 30000,
    FRAME_SIZE = 60,
    WINDOW = 512,               /* frames out when another port begins */
    STUCK_ROUND = 5,            /* do not count in it any more */
    SMOOTH_MAX_MS = 1500,
    FEWER_ABOVE = 64,           /* ports with probes under way: two paths */
    FEWEST_ABOVE = 256,         /* one */
};

/* After a probe, until the next one; the last for ever. */
static const unsigned pauses_ms[] = { 5, 15, 60, 120, 300, 1000 };
enum { N_PAUSES = sizeof pauses_ms / sizeof pauses_ms[0] };

/* The frame: both addresses, ethertype, this. */
struct payload {
    uint8_t magic[4];
    uint8_t nonce[8];
    uint8_t round;
} __attribute__((packed));
static const uint8_t magic[4] = { 'V', 'X', 'P', '1' };
enum { PAYLOAD_AT = 14 };

struct run;

struct entry {
    struct vx_tree_node by_oid;
    uint64_t oid;
    struct vx_probe_target target;
    int64_t reachable_at_ms;    /* 0 = unknown */
    int64_t not_before_ms;      /* while it waits */
    struct entry *next;         /* in the background */
    struct run *run;            /* probes are on their way */
    uint32_t n_tries;           /* of other senders each */
    bool known;                 /* target is */
    bool gated;
    bool waits;                 /* in a background queue */
    bool dead;                  /* forgotten while it waits */
};

/* From one host. */
struct path {
    struct vx_tree_node by_nonce;
    struct run *run;
    uint64_t nonce, from;
    int64_t sent_us[N_PAUSES];  /* by round */
    bool flies;                 /* counts in the window */
    bool over;                  /* answered, or not waited for any more */
};

struct run {
    struct vx_probes *owner;
    struct entry *entry;
    struct run *next;           /* while it is due */
    struct event *timer;
    struct path paths[VX_PROBE_PATHS];
    size_t n_paths, n_left;     /* waited for */
    size_t n_heard;             /* answered */
    unsigned round;             /* the next one */
    int64_t started_ms;
    bool background, due, late;
    bool stopped;               /* while it was due: free it */
};

struct fifo {
    struct entry *first, **last;
};

struct due {
    struct run *first, **last;
};

struct vx_probes {
    struct vx_probes_env env;
    struct vx_tree entries, nonces;
    struct due begun, fresh_runs, later;
    size_t n_flying;            /* paths */
    int64_t smooth_us;          /* latency of late */
    struct event *pump, *slow;
    struct fifo fresh, again;   /* background */
    int64_t tokens_milli, filled_ms;
    struct vx_probe_counters counters;
};

static void pump(evutil_socket_t fd, short what, void *probes);
static void slow(evutil_socket_t fd, short what, void *probes);

static int
cmp_entry(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct entry, by_oid)->oid;

    return a < b ? -1 : a > b;
}

static int
cmp_nonce(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct path, by_nonce)->nonce;

    return a < b ? -1 : a > b;
}

static int64_t
now_ms(const struct vx_probes *probes)
{
    return probes->env.mono_us() / 1000;
}

static void
set_timer(struct event *timer, unsigned ms)
{
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    evtimer_add(timer, &tv);
}

struct vx_probes *
vx_probes_new(const struct vx_probes_env *env)
{
    struct vx_probes *probes = vx_xcalloc(1, sizeof *probes);

    probes->env = *env;
    vx_tree_init(&probes->entries, cmp_entry);
    vx_tree_init(&probes->nonces, cmp_nonce);
    probes->begun.last = &probes->begun.first;
    probes->fresh_runs.last = &probes->fresh_runs.first;
    probes->later.last = &probes->later.first;
    probes->fresh.last = &probes->fresh.first;
    probes->again.last = &probes->again.first;
    probes->pump = event_new(env->base, -1, 0, pump, probes);
    probes->slow = evtimer_new(env->base, slow, probes);
    probes->tokens_milli = BURST * 1000;
    probes->filled_ms = now_ms(probes);
    return probes;
}

/* --- Runs. */

static void
land(struct vx_probes *probes, struct path *path)
{
    if (path->flies) {
        path->flies = false;
        probes->n_flying--;
        if (probes->fresh_runs.first) {
            event_active(probes->pump, EV_TIMEOUT, 0);
        }
    }
}

static void
forget_path(struct vx_probes *probes, struct path *path)
{
    land(probes, path);
    if (!path->over) {
        vx_tree_remove(&probes->nonces, &path->by_nonce);
        path->over = true;
        path->run->n_left--;
    }
}

static void
stop(struct entry *entry)
{
    struct run *run = entry->run;

    if (!run) {
        return;
    }
    for (size_t i = 0; i < run->n_paths; i++) {
        forget_path(run->owner, &run->paths[i]);
    }
    if (!--run->owner->counters.n_running) {
        run->owner->smooth_us = 0;
    }
    run->owner->counters.n_late -= run->late;
    entry->run = NULL;
    event_del(run->timer);
    run->stopped = true;
    if (!run->due) {
        event_free(run->timer);
        free(run);
    }
}

static void
done(struct vx_probes *probes, struct entry *entry)
{
    bool gated = entry->gated;

    stop(entry);
    entry->reachable_at_ms = probes->env.wall_ms();
    entry->gated = false;
    entry->n_tries = 0;
    probes->env.reached(probes->env.ctx, entry->oid, gated);
}

static void
push_due(struct run *run)
{
    struct vx_probes *probes = run->owner;
    struct due *due = run->late || run->background ? &probes->later
                      : run->round ? &probes->begun : &probes->fresh_runs;

    run->due = true;
    run->next = NULL;
    *due->last = run;
    due->last = &run->next;
    event_active(probes->pump, EV_TIMEOUT, 0);
}

static void
add_path(struct run *run, uint64_t from)
{
    struct vx_probes *probes = run->owner;
    struct path *path = &run->paths[run->n_paths++];

    *path = (struct path) { .run = run, .from = from };
    do {
        while (getrandom(&path->nonce, sizeof path->nonce, 0)
               != (ssize_t) sizeof path->nonce) {
            continue;           /* interrupted */
        }
    } while (vx_tree_insert(&probes->nonces, &path->nonce, &path->by_nonce));
    run->n_left++;
}

/* Of thousands of ports at once each takes fewer, so that none waits long;
 * who they are differs from port to port. */
static size_t
max_paths(const struct run *run)
{
    size_t n_running = run->owner->counters.n_running;

    return run->background || n_running > FEWEST_ABOVE ? 1
           : n_running > FEWER_ABOVE ? 2 : VX_PROBE_PATHS;
}

/* Chooses who probes.  False: nobody can, which is all right if there is
 * nobody else at all. */
static bool
choose(struct run *run)
{
    struct vx_probes *probes = run->owner;
    struct entry *entry = run->entry;
    uint64_t hosts[VX_PROBE_PATHS];
    size_t n_others;
    size_t n = probes->env.senders(probes->env.ctx, &entry->target,
                                   entry->oid + entry->n_tries++, hosts,
                                   &n_others);

    run->n_paths = run->n_left = run->n_heard = 0;
    run->round = 0;
    n = n > max_paths(run) ? max_paths(run) : n;
    for (size_t i = 0; i < n; i++) {
        add_path(run, hosts[i]);
    }
    if (n) {
        return true;
    } else if (n_others) {
        stop(entry);            /* the next look tries again */
    } else {
        done(probes, entry);
    }
    return false;
}

static void
put_off(struct vx_probes *probes, struct fifo *fifo, struct entry *entry,
        unsigned ms)
{
    if (!entry->waits) {
        entry->waits = true;
        entry->next = NULL;
        entry->not_before_ms = now_ms(probes) + ms;
        *fifo->last = entry;
        fifo->last = &entry->next;
        probes->counters.n_background++;
        if (!evtimer_pending(probes->slow, NULL)) {
            set_timer(probes->slow, SLOW_MS);
        }
    }
}

static const struct path *
first_left(const struct run *run)
{
    for (size_t i = 0; i < run->n_paths; i++) {
        if (!run->paths[i].over) {
            return &run->paths[i];
        }
    }
    return NULL;
}

static void
pause_over(evutil_socket_t fd, short what, void *run_)
{
    struct run *run = run_;
    struct vx_probes *probes = run->owner;
    struct entry *entry = run->entry;

    (void) fd;
    (void) what;
    if (run->background && run->round >= BACKGROUND_ROUNDS) {
        probes->counters.n_lost += run->n_left;
        stop(entry);
        put_off(probes, &probes->again, entry, BACKGROUND_AGAIN_MS);
        return;
    }
    push_due(run);
    if (!run->late && entry->gated
        && now_ms(probes) - run->started_ms >= VX_PROBE_LATE_MS) {
        run->late = true;
        probes->counters.n_late++;
        probes->env.late(probes->env.ctx, entry->oid, first_left(run)->from,
                         true);
    }
    if (entry->gated) {
        probes->env.waiting(probes->env.ctx, entry->oid);
    }
}

static void
start(struct vx_probes *probes, struct entry *entry, bool background)
{
    struct run *run = vx_xcalloc(1, sizeof *run);

    run->owner = probes;
    run->entry = entry;
    run->background = background;
    run->timer = evtimer_new(probes->env.base, pause_over, run);
    run->started_ms = now_ms(probes);
    entry->run = run;
    probes->counters.n_running++;
    if (choose(run)) {
        push_due(run);
    }
}

/* --- Sending. */

static void
send_path(struct run *run, struct path *path)
{
    struct vx_probes *probes = run->owner;
    const struct vx_probe_target *target = &run->entry->target;
    uint8_t frame[FRAME_SIZE] = {
        [6] = 0x02, 0, 0, 0, 0, 1, VX_ETH_PROBE >> 8, VX_ETH_PROBE & 0xff,
    };
    struct payload payload = { .round = (uint8_t) run->round };
    struct vx_rows rows = { NULL, 0, 0 };
    struct vx_row *row = vx_rows_flow(&rows, VX_TENANT_TIER, 0, 0, 0);

    memcpy(frame, target->mac.b, sizeof target->mac.b);
    memcpy(payload.magic, magic, sizeof magic);
    memcpy(payload.nonce, &path->nonce, sizeof path->nonce);
    memcpy(frame + PAYLOAD_AT, &payload, sizeof payload);
    vx_act_set_u(row, VX_F_REG0, target->vni);
    vx_act_resubmit(row, VX_T1_L2);
    if (run->round < N_PAUSES) {
        path->sent_us[run->round] = probes->env.mono_us();
    }
    if (!run->round) {
        path->flies = true;
        probes->n_flying++;
    } else if (run->round == STUCK_ROUND) {
        land(probes, path);
    }
    probes->env.send(probes->env.ctx, path->from, frame, sizeof frame, row);
    probes->counters.n_sent++;
    probes->counters.n_lost += run->round > 0;
    vx_rows_fini(&rows);
}

/* Those that cannot send any more are not waited for. */
static bool
has_paths(struct run *run)
{
    struct vx_probes *probes = run->owner;

    for (size_t i = 0; i < run->n_paths; i++) {
        struct path *path = &run->paths[i];

        if (!path->over
            && !probes->env.may_send(probes->env.ctx, path->from,
                                     run->entry->target.network)) {
            forget_path(probes, path);
        }
    }
    if (run->n_left) {
        return true;
    } else if (run->n_heard) {
        done(probes, run->entry);
        return false;
    }
    return choose(run);
}

static unsigned
pause_ms(const struct run *run)
{
    unsigned pause = pauses_ms[run->round < N_PAUSES ? run->round
                               : N_PAUSES - 1];
    unsigned usual = (unsigned) (run->owner->smooth_us / 500);

    usual = usual > SMOOTH_MAX_MS ? SMOOTH_MAX_MS : usual;
    return pause > usual ? pause : usual;
}

/* Returns the number of frames sent; the run may be gone then. */
static size_t
send_round(struct run *run)
{
    size_t n = 0;

    if (!has_paths(run)) {
        return 0;
    }
    for (size_t i = 0; i < run->n_paths; i++) {
        if (!run->paths[i].over) {
            send_path(run, &run->paths[i]);
            n++;
        }
    }
    set_timer(run->timer, pause_ms(run));
    run->round++;
    return n;
}

/* NULL: nobody is, or may. */
static struct run *
pop_due(struct vx_probes *probes, bool at_all)
{
    bool may_begin = at_all || probes->n_flying < WINDOW;
    struct due *due = probes->begun.first ? &probes->begun
                      : may_begin && probes->fresh_runs.first
                        ? &probes->fresh_runs : &probes->later;
    struct run *run = due->first;

    if (run) {
        due->first = run->next;
        if (!due->first) {
            due->last = &due->first;
        }
        run->due = false;
    }
    return run;
}

static void
pump(evutil_socket_t fd, short what, void *probes_)
{
    struct vx_probes *probes = probes_;
    int64_t now = now_ms(probes);

    (void) fd;
    (void) what;
    probes->tokens_milli += (now - probes->filled_ms) * VX_PROBE_RATE;
    probes->filled_ms = now;
    if (probes->tokens_milli > BURST * 1000) {
        probes->tokens_milli = BURST * 1000;
    }
    for (struct run *run; probes->tokens_milli > 0
                          && (run = pop_due(probes, false));) {
        if (run->stopped) {
            event_free(run->timer);
            free(run);
        } else {
            probes->tokens_milli -= (int64_t) send_round(run) * 1000;
        }
    }
    if (probes->begun.first || probes->fresh_runs.first
        || probes->later.first) {
        set_timer(probes->pump, PUMP_MS);
    }
}

/* --- In the background. */

static struct entry *
pop_waiting(struct vx_probes *probes, struct fifo *fifo)
{
    struct entry *entry = fifo->first;

    if (!entry || entry->not_before_ms > now_ms(probes)) {
        return NULL;
    }
    fifo->first = entry->next;
    if (!fifo->first) {
        fifo->last = &fifo->first;
    }
    entry->waits = false;
    probes->counters.n_background--;
    return entry;
}

static void
slow(evutil_socket_t fd, short what, void *probes_)
{
    struct vx_probes *probes = probes_;

    (void) fd;
    (void) what;
    for (int i = 0; i < VX_PROBE_BACKGROUND * SLOW_MS / 1000; i++) {
        struct entry *entry = pop_waiting(probes, &probes->fresh);

        entry = entry ? entry : pop_waiting(probes, &probes->again);
        if (!entry) {
            break;
        } else if (entry->dead) {
            free(entry);
        } else if (entry->known && !entry->gated && !entry->run
                   && !entry->reachable_at_ms) {
            start(probes, entry, true);
        }
    }
    if (probes->fresh.first || probes->again.first) {
        set_timer(probes->slow, SLOW_MS);
    }
}

/* --- What is said to it. */

static struct entry *
find(const struct vx_probes *probes, uint64_t port)
{
    struct vx_tree_node *node = vx_tree_find(&probes->entries, &port);

    return node ? VX_CONTAINER(node, struct entry, by_oid) : NULL;
}

static struct entry *
get(struct vx_probes *probes, uint64_t port)
{
    struct entry *entry = find(probes, port);

    if (!entry) {
        entry = vx_xcalloc(1, sizeof *entry);
        entry->oid = port;
        vx_tree_insert(&probes->entries, &port, &entry->by_oid);
    }
    return entry;
}

static void
unknown(struct entry *entry)
{
    stop(entry);
    entry->known = false;
    entry->reachable_at_ms = 0;
}

void
vx_probes_expect(struct vx_probes *probes, uint64_t port)
{
    struct entry *entry = get(probes, port);

    unknown(entry);
    entry->gated = true;
}

void
vx_probes_forget(struct vx_probes *probes, uint64_t port)
{
    struct entry *entry = find(probes, port);

    if (entry) {
        unknown(entry);
        vx_tree_remove(&probes->entries, &entry->by_oid);
        if (entry->waits) {
            entry->dead = true;
        } else {
            free(entry);
        }
    }
}

static bool
same(const struct vx_probe_target *a, const struct vx_probe_target *b)
{
    return a->host == b->host && a->network == b->network && a->vni == b->vni
           && !memcmp(a->mac.b, b->mac.b, sizeof a->mac.b);
}

void
vx_probes_look(struct vx_probes *probes, uint64_t port,
               const struct vx_probe_target *target, bool settled)
{
    struct entry *entry = target ? get(probes, port) : find(probes, port);

    if (!target) {
        if (entry) {
            unknown(entry);
        }
        return;
    }
    if (!entry->known || !same(&entry->target, target)) {
        unknown(entry);
        entry->known = true;
        entry->target = *target;
    }
    if (!settled || entry->reachable_at_ms || entry->run) {
        return;
    } else if (entry->gated) {
        start(probes, entry, false);
    } else {
        put_off(probes, &probes->fresh, entry, 0);
    }
}

static void
note_latency(struct vx_probes *probes, const struct path *path,
             unsigned round)
{
    if (round < N_PAUSES && path->sent_us[round]) {
        int64_t us = probes->env.mono_us() - path->sent_us[round];

        probes->counters.latency_us += (uint64_t) us;
        probes->counters.n_timed++;
        probes->smooth_us += (us - probes->smooth_us) / 8;
    }
}

void
vx_probes_heard(struct vx_probes *probes, uint64_t host,
                const uint8_t *frame, size_t size)
{
    struct payload payload;
    struct vx_tree_node *node;
    uint64_t nonce;

    if (size < PAYLOAD_AT + sizeof payload
        || (frame[12] << 8 | frame[13]) != VX_ETH_PROBE) {
        return;
    }
    memcpy(&payload, frame + PAYLOAD_AT, sizeof payload);
    memcpy(&nonce, payload.nonce, sizeof nonce);
    node = vx_tree_find(&probes->nonces, &nonce);
    if (!node || memcmp(payload.magic, magic, sizeof magic)) {
        return;
    }
    struct path *path = VX_CONTAINER(node, struct path, by_nonce);
    struct run *run = path->run;
    struct entry *entry = run->entry;

    if (entry->target.host != host) {
        return;
    }
    probes->counters.n_answered++;
    run->n_heard++;
    note_latency(probes, path, payload.round);
    forget_path(probes, path);
    if (!run->n_left) {
        if (run->late) {
            probes->env.late(probes->env.ctx, entry->oid, path->from, false);
        }
        done(probes, entry);
    }
}

void
vx_probes_get(const struct vx_probes *probes, uint64_t port,
              struct vx_probe_facts *ret_facts)
{
    const struct entry *entry = find(probes, port);
    const struct run *run = entry ? entry->run : NULL;

    *ret_facts = (struct vx_probe_facts) { .gated = entry && entry->gated };
    if (entry) {
        ret_facts->reachable_at_ms = entry->reachable_at_ms;
    }
    if (run && entry->gated && run->n_left) {
        ret_facts->late = run->late;
        ret_facts->from = first_left(run)->from;
        ret_facts->n_more = (unsigned) run->n_left - 1;
    }
}

void
vx_probes_get_counters(const struct vx_probes *probes,
                       struct vx_probe_counters *ret_counters)
{
    *ret_counters = probes->counters;
}

static void
free_fifo(struct fifo *fifo)
{
    for (struct entry *entry = fifo->first, *next; entry; entry = next) {
        next = entry->next;
        entry->waits = false;
        if (entry->dead) {
            free(entry);
        }
    }
}

void
vx_probes_free(struct vx_probes *probes)
{
    if (!probes) {
        return;
    }
    free_fifo(&probes->fresh);
    free_fifo(&probes->again);
    VX_TREE_FOR_EACH_SAFE(node, next, &probes->entries) {
        struct entry *entry = VX_CONTAINER(node, struct entry, by_oid);

        vx_probes_forget(probes, entry->oid);
    }
    for (struct run *run; (run = pop_due(probes, true));) {
        event_free(run->timer);
        free(run);
    }
    event_free(probes->pump);
    event_free(probes->slow);
    free(probes);
}
