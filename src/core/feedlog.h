/* SPDX-License-Identifier: Apache-2.0 */
/* What one gateway is told, as a compacted log: each key once, at the number
 * of its last change.
 *
 *   vx_feedlog_want: what is to be   -> told at once, or kept back
 *   vx_feedlog_ready: a revision is realized -> what waited for it is told
 *   vx_feedlog_next: what a reader does not know yet, oldest first
 *
 * Something new is told when the gateway's own host has realized the revision
 * it came with; until then the gateway goes by what it was told before.  That
 * something goes is told at once.  A key that is gone leaves a tombstone;
 * of those at most VX_FEEDLOG_TOMBSTONES are kept, and a reader that is older
 * than the last one dropped has to read everything (vx_feedlog_knows).
 *
 * Cost: O(log n) per call, O(1) per entry read.  Pure. */
#ifndef VX_CORE_FEEDLOG_H
#define VX_CORE_FEEDLOG_H

#include "core/export.h"

enum { VX_FEEDLOG_TOMBSTONES = 10000 };

struct vx_feedlog;

enum vx_feed_state {
    VX_FEED_TOLD,           /* the gateway has been told */
    VX_FEED_WAITING,        /* its host has not realized the revision yet */
    VX_FEED_WITHHELD,       /* see why */
    VX_FEED_WITHDRAWN,      /* taken back before it is removed */
    VX_FEED_GONE,           /* a tombstone */
};

/* One key as it is. */
struct vx_feed_item {
    enum vx_feed_type type;
    const char *key;
    uint64_t seq;           /* of the last change that was told, 0 = none */
    const char *value;      /* as told; NULL = gone, or never told */
    uint64_t revision;      /* of the last change of what is wanted */
    enum vx_feed_state state;
    const char *why;        /* WITHHELD: why; else "" */
};

/* What becomes of what is told. */
struct vx_feedlog_env {
    void *ctx;
    /* The key is told with a value (again if had_value), or taken back
     * (item->value NULL). */
    void (*told)(void *ctx, const struct vx_feed_item *item,
                 bool had_value);
};

struct vx_feedlog *vx_feedlog_new(const struct vx_feedlog_env *env);
void vx_feedlog_free(struct vx_feedlog *log);
/* Of a log that is empty: a reader of an earlier one, whose last number was
 * seq, has to read everything. */
void vx_feedlog_start(struct vx_feedlog *log, uint64_t seq);

/* The key's value is to be this; NULL = none (why: WITHHELD, and static; or
 * NULL).  revision: of the change; realized: of the gateway's host. */
void vx_feedlog_want(struct vx_feedlog *log, const struct vx_feed_key *key,
                     const char *value, const char *why, uint64_t revision,
                     uint64_t realized);
/* The host has realized the revision.  O(what is told). */
void vx_feedlog_ready(struct vx_feedlog *log, uint64_t realized);

/* Takes the key back before what it is of is removed: it stays gone, or does
 * not come, whatever is wanted, until it is released as often.  Returns the
 * number of the tombstone, 0 if it was never told. */
uint64_t vx_feedlog_withdraw(struct vx_feedlog *log,
                             const struct vx_feed_key *key);
void vx_feedlog_release(struct vx_feedlog *log,
                        const struct vx_feed_key *key, uint64_t realized);

/* False if the key is not known. */
bool vx_feedlog_get(const struct vx_feedlog *log,
                    const struct vx_feed_key *key,
                    struct vx_feed_item *ret_item);
/* The first that was told after seq; tombstones only if asked for. */
bool vx_feedlog_next(const struct vx_feedlog *log, uint64_t seq,
                     bool tombstones, struct vx_feed_item *ret_item);
/* The first key after this one (NULL: the first of all) that is not gone, or
 * whose end was told after `known` (UINT64_MAX: none of those). */
bool vx_feedlog_after(const struct vx_feedlog *log,
                      const struct vx_feed_key *key, uint64_t known,
                      struct vx_feed_item *ret_item);

uint64_t vx_feedlog_seq(const struct vx_feedlog *log);  /* the last */
/* A reader that has read up to seq needs no more than what comes after. */
bool vx_feedlog_knows(const struct vx_feedlog *log, uint64_t seq);
/* Keys of the type that are told, and that are wanted and are not. */
size_t vx_feedlog_n_told(const struct vx_feedlog *log,
                         enum vx_feed_type type);
size_t vx_feedlog_n_held(const struct vx_feedlog *log,
                         enum vx_feed_type type);
size_t vx_feedlog_n_waiting(const struct vx_feedlog *log);

#endif
