/* SPDX-License-Identifier: Apache-2.0 */
/* The compacted log of a feed; see feedlog.h.
 *
 * An entry has what was told and what is wanted.  They differ while it waits
 * for a revision (it is then in `waiting`, by revision), is withheld or is
 * taken back.  settle() is the only function that makes the one the other. */
#include "core/feedlog.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

struct entry {
    struct vx_tree_node by_key, by_seq, by_revision;
    uint64_t seq;               /* 0 = never told, not in by_seq */
    uint64_t revision, order;   /* order: makes by_revision's keys differ */
    char *told, *wanted;        /* NULL = gone, not wanted */
    const char *why;            /* static; it would be wanted but for that */
    unsigned n_withdrawn;
    bool is_waiting;            /* it is in by_revision */
    enum vx_feed_type type;
    char key[];
};

struct vx_feedlog {
    struct vx_feedlog_env env;
    struct vx_tree keys, seqs, waiting;
    uint64_t seq, order;
    uint64_t floor;             /* seq of the last tombstone dropped */
    uint64_t oldest;            /* no tombstone is before it */
    size_t n_tombstones;
    size_t n_told[VX_FEED_N_TYPES], n_held[VX_FEED_N_TYPES];
};

struct key {
    enum vx_feed_type type;
    const char *text;
};

struct turn {
    uint64_t revision, order;
};

static int
cmp_key(const void *key_, const struct vx_tree_node *node)
{
    const struct key *key = key_;
    const struct entry *entry = VX_CONTAINER(node, struct entry, by_key);

    return key->type != entry->type ? (key->type < entry->type ? -1 : 1)
           : strcmp(key->text, entry->key);
}

static int
cmp_seq(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct entry, by_seq)->seq;

    return a < b ? -1 : a > b;
}

static int
cmp_revision(const void *key_, const struct vx_tree_node *node)
{
    const struct turn *key = key_;
    const struct entry *entry = VX_CONTAINER(node, struct entry,
                                             by_revision);

    return key->revision != entry->revision
           ? (key->revision < entry->revision ? -1 : 1)
           : key->order < entry->order ? -1 : key->order > entry->order;
}

struct vx_feedlog *
vx_feedlog_new(const struct vx_feedlog_env *env)
{
    struct vx_feedlog *log = vx_xcalloc(1, sizeof *log);

    log->env = *env;
    vx_tree_init(&log->keys, cmp_key);
    vx_tree_init(&log->seqs, cmp_seq);
    vx_tree_init(&log->waiting, cmp_revision);
    return log;
}

void
vx_feedlog_start(struct vx_feedlog *log, uint64_t seq)
{
    log->seq = log->floor = seq + 1;
}

static void
entry_free(struct entry *entry)
{
    free(entry->told);
    free(entry->wanted);
    free(entry);
}

void
vx_feedlog_free(struct vx_feedlog *log)
{
    if (!log) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &log->keys) {
        vx_tree_remove(&log->keys, node);
        entry_free(VX_CONTAINER(node, struct entry, by_key));
    }
    free(log);
}

static struct entry *
find(const struct vx_feedlog *log, const struct vx_feed_key *key)
{
    const struct key k = { key->type, key->text };
    struct vx_tree_node *node = vx_tree_find(&log->keys, &k);

    return node ? VX_CONTAINER(node, struct entry, by_key) : NULL;
}

static enum vx_feed_state
state_of(const struct entry *entry)
{
    return entry->n_withdrawn && entry->wanted ? VX_FEED_WITHDRAWN
           : entry->why ? VX_FEED_WITHHELD
           : entry->is_waiting ? VX_FEED_WAITING
           : entry->told ? VX_FEED_TOLD : VX_FEED_GONE;
}

static void
show(const struct entry *entry, struct vx_feed_item *ret_item)
{
    *ret_item = (struct vx_feed_item) {
        .type = entry->type, .key = entry->key, .seq = entry->seq,
        .value = entry->told, .revision = entry->revision,
        .state = state_of(entry), .why = entry->why ? entry->why : "",
    };
}

/* --- Counts: what is told; what is wanted or withheld and is not told. */

static void
count(struct vx_feedlog *log, const struct entry *entry, int step)
{
    if (entry->told) {
        log->n_told[entry->type] += (size_t) step;
    } else if (entry->wanted || entry->why) {
        log->n_held[entry->type] += (size_t) step;
    }
    if (!entry->told && entry->seq) {
        log->n_tombstones += (size_t) step;
    }
}

static void
drop(struct vx_feedlog *log, struct entry *entry)
{
    if (entry->seq) {
        vx_tree_remove(&log->seqs, &entry->by_seq);
    }
    vx_tree_remove(&log->keys, &entry->by_key);
    entry_free(entry);
}

/* Tombstones beyond the number that is kept; the oldest go.  `oldest` moves on
 * over what is no tombstone, so the search costs O(1) amortized. */
static void
drop_tombstones(struct vx_feedlog *log)
{
    while (log->n_tombstones > VX_FEEDLOG_TOMBSTONES) {
        struct vx_tree_node *node = vx_tree_ceil(&log->seqs, &log->oldest);
        struct entry *entry;

        if (!node) {
            return;
        }
        entry = VX_CONTAINER(node, struct entry, by_seq);
        log->oldest = entry->seq + 1;
        if (entry->told) {
            continue;
        }
        log->floor = entry->seq;
        if (entry->wanted || entry->why || entry->n_withdrawn) {
            count(log, entry, -1);
            vx_tree_remove(&log->seqs, &entry->by_seq);
            entry->seq = 0;
            count(log, entry, 1);
        } else {
            count(log, entry, -1);
            drop(log, entry);
        }
    }
}

static void
stop_waiting(struct vx_feedlog *log, struct entry *entry)
{
    if (entry->is_waiting) {
        vx_tree_remove(&log->waiting, &entry->by_revision);
        entry->is_waiting = false;
    }
}

static void
start_waiting(struct vx_feedlog *log, struct entry *entry)
{
    struct turn turn = { entry->revision, ++log->order };

    entry->order = turn.order;
    vx_tree_insert(&log->waiting, &turn, &entry->by_revision);
    entry->is_waiting = true;
}

/* It is told that the value is now what it says. */
static void
tell(struct vx_feedlog *log, struct entry *entry, const char *value)
{
    bool had_value = entry->told != NULL;
    struct vx_feed_item item;

    if (entry->seq) {
        vx_tree_remove(&log->seqs, &entry->by_seq);
    }
    free(entry->told);
    entry->told = value ? vx_xstrdup(value) : NULL;
    entry->seq = ++log->seq;
    vx_tree_insert(&log->seqs, &entry->seq, &entry->by_seq);
    show(entry, &item);
    log->env.told(log->env.ctx, &item, had_value);
}

static bool
same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* What is told becomes what is wanted, as far as it may.  The entry may be
 * gone after it. */
static void
settle(struct vx_feedlog *log, struct entry *entry, uint64_t realized)
{
    const char *value = entry->n_withdrawn ? NULL : entry->wanted;

    count(log, entry, -1);
    stop_waiting(log, entry);
    if (same(entry->told, value)) {
        /* Nothing to tell. */
    } else if (value && realized < entry->revision) {
        start_waiting(log, entry);
    } else {
        tell(log, entry, value);
    }
    if (!entry->seq && !entry->wanted && !entry->why
        && !entry->n_withdrawn) {
        drop(log, entry);
        return;
    }
    count(log, entry, 1);
    drop_tombstones(log);
}

static struct entry *
entry_new(struct vx_feedlog *log, const struct vx_feed_key *key)
{
    const struct key k = { key->type, key->text };
    size_t size = strlen(key->text) + 1;
    struct entry *entry = vx_xmalloc(sizeof *entry + size);

    memset(entry, 0, sizeof *entry);
    entry->type = key->type;
    memcpy(entry->key, key->text, size);
    vx_tree_insert(&log->keys, &k, &entry->by_key);
    return entry;
}

void
vx_feedlog_want(struct vx_feedlog *log, const struct vx_feed_key *key,
                const char *value, const char *why, uint64_t revision,
                uint64_t realized)
{
    struct entry *entry = find(log, key);

    if (!entry) {
        if (!value && !why) {
            return;
        }
        entry = entry_new(log, key);
    }
    if (!same(entry->wanted, value) || (entry->why != NULL) != (why != NULL)) {
        stop_waiting(log, entry);
        entry->revision = revision;
    }
    count(log, entry, -1);
    if (!same(entry->wanted, value)) {
        free(entry->wanted);
        entry->wanted = value ? vx_xstrdup(value) : NULL;
    }
    entry->why = why;
    count(log, entry, 1);
    settle(log, entry, realized);
}

void
vx_feedlog_ready(struct vx_feedlog *log, uint64_t realized)
{
    struct vx_tree_node *node;

    while ((node = vx_tree_first(&log->waiting))) {
        struct entry *entry = VX_CONTAINER(node, struct entry, by_revision);

        if (entry->revision > realized) {
            return;
        }
        settle(log, entry, realized);
    }
}

uint64_t
vx_feedlog_withdraw(struct vx_feedlog *log, const struct vx_feed_key *key)
{
    struct entry *entry = find(log, key);

    /* One that is not told yet is kept back, too: its turn may come while
     * others withdraw. */
    if (!entry) {
        entry = entry_new(log, key);
    }
    entry->n_withdrawn++;
    settle(log, entry, UINT64_MAX);
    return entry->seq;
}

void
vx_feedlog_release(struct vx_feedlog *log, const struct vx_feed_key *key,
                   uint64_t realized)
{
    struct entry *entry = find(log, key);

    if (entry && entry->n_withdrawn) {
        entry->n_withdrawn--;
        settle(log, entry, realized);
    }
}

bool
vx_feedlog_get(const struct vx_feedlog *log, const struct vx_feed_key *key,
               struct vx_feed_item *ret_item)
{
    const struct entry *entry = find(log, key);

    if (entry) {
        show(entry, ret_item);
    }
    return entry != NULL;
}

bool
vx_feedlog_next(const struct vx_feedlog *log, uint64_t seq, bool tombstones,
                struct vx_feed_item *ret_item)
{
    uint64_t from = seq + 1;
    struct vx_tree_node *node = vx_tree_ceil(&log->seqs, &from);

    for (; node; node = vx_tree_next(node)) {
        const struct entry *entry = VX_CONTAINER(node, struct entry, by_seq);

        if (entry->told || tombstones) {
            show(entry, ret_item);
            return true;
        }
    }
    return false;
}

bool
vx_feedlog_after(const struct vx_feedlog *log, const struct vx_feed_key *key,
                 uint64_t known, struct vx_feed_item *ret_item)
{
    struct vx_tree_node *node;

    if (key) {
        const struct key k = { key->type, key->text };

        node = vx_tree_ceil(&log->keys, &k);
        if (node && !cmp_key(&k, node)) {
            node = vx_tree_next(node);
        }
    } else {
        node = vx_tree_first(&log->keys);
    }
    for (; node; node = vx_tree_next(node)) {
        const struct entry *entry = VX_CONTAINER(node, struct entry, by_key);

        if (state_of(entry) != VX_FEED_GONE || entry->seq > known) {
            show(entry, ret_item);
            return true;
        }
    }
    return false;
}

uint64_t
vx_feedlog_seq(const struct vx_feedlog *log)
{
    return log->seq;
}

bool
vx_feedlog_knows(const struct vx_feedlog *log, uint64_t seq)
{
    return seq >= log->floor && seq <= log->seq;
}

size_t
vx_feedlog_n_told(const struct vx_feedlog *log, enum vx_feed_type type)
{
    return log->n_told[type];
}

size_t
vx_feedlog_n_held(const struct vx_feedlog *log, enum vx_feed_type type)
{
    return log->n_held[type];
}

size_t
vx_feedlog_n_waiting(const struct vx_feedlog *log)
{
    return log->waiting.count;
}
