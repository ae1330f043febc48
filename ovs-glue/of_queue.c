/* SPDX-License-Identifier: Apache-2.0 */
/* FIFO of what the owner queued, cut into bundles.
 *
 *   head ........... cursor ............ tail
 *   sent, in flight  | partly or not sent
 *
 * Bundles are numbered from 1 and end in order, so an entry is confirmed
 * when the bundle with its last message has ended.  A dump is an entry of its
 * own that stops the cursor until it is at the head and has run; a fence is
 * one that stops it until somebody opens it.
 *
 * A meter's deletion is sent when all before it is confirmed: a bundle may be
 * refused, and the flows in it that were to name the meter no more would go
 * with it. */
#include "ovs-glue/of_queue.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"

struct og_entry {
    struct og_entry *next;
    struct og_msgs *msgs;       /* NULL: a fence, or a dump */
    uint64_t fence;             /* its number, else 0 */
    uint64_t tag;
    size_t n_sent;              /* messages that are in a bundle */
    uint64_t bundle;            /* the last that has a message of it, 0 none */
};

void
og_queue_init(struct og_queue *q)
{
    *q = (struct og_queue) { .tailp = &q->head };
}

static void
entry_free(struct og_entry *e)
{
    og_msgs_unref(e->msgs);
    free(e);
}

static struct og_entry *
push(struct og_queue *q)
{
    struct og_entry *e = vx_xcalloc(1, sizeof *e);

    *q->tailp = e;
    q->tailp = &e->next;
    if (!q->cursor) {
        q->cursor = e;
    }
    return e;
}

void
og_queue_push(struct og_queue *q, struct og_msgs *msgs, uint64_t tag)
{
    struct og_entry *e = push(q);

    e->msgs = og_msgs_ref(msgs);
    e->tag = tag;
    q->n_unsent += og_msgs_length(msgs);
}

void
og_queue_push_dump(struct og_queue *q)
{
    push(q);
    q->has_dump = true;
}

void
og_queue_push_fence(struct og_queue *q, uint64_t number)
{
    if (number > q->n_passed) {
        push(q)->fence = number;
    }
}

void
og_queue_pass(struct og_queue *q, uint64_t number)
{
    if (number > q->n_passed) {
        q->n_passed = number;
    }
}

static bool
is_sent(const struct og_queue *q, const struct og_entry *e)
{
    return e->msgs ? e->n_sent == og_msgs_length(e->msgs)
                   : e->fence && e->fence <= q->n_passed;
}

static bool
is_dump(const struct og_entry *e)
{
    return !e->msgs && !e->fence;
}

/* Removes all entries for which that holds, which come from the end. */
static void
remove_entries(struct og_queue *q,
               bool (*drop)(const struct og_queue *, const struct og_entry *))
{
    struct og_entry **p = &q->head;

    q->cursor = NULL;
    while (*p) {
        struct og_entry *e = *p;

        if (!is_dump(e) && drop(q, e)) {
            *p = e->next;
            entry_free(e);
        } else {
            if (!q->cursor && !is_sent(q, e)) {
                q->cursor = e;
            }
            p = &e->next;
        }
    }
    q->tailp = p;
    q->n_unsent = 0;
}

static bool
not_sent(const struct og_queue *q, const struct og_entry *e)
{
    return !is_sent(q, e) || !e->bundle;
}

static bool
any(const struct og_queue *q, const struct og_entry *e)
{
    (void) q;
    (void) e;
    return true;
}

void
og_queue_drop(struct og_queue *q)
{
    remove_entries(q, not_sent);
}

void
og_queue_void(struct og_queue *q)
{
    remove_entries(q, any);
    q->void_until = q->n_begun;
}

void
og_queue_fini(struct og_queue *q)
{
    struct og_entry *next;

    for (struct og_entry *e = q->head; e; e = next) {
        next = e->next;
        entry_free(e);
    }
    og_queue_init(q);
}

static void
pop(struct og_queue *q)
{
    struct og_entry *e = q->head;

    q->head = e->next;
    if (!q->head) {
        q->tailp = &q->head;
    }
    if (q->cursor == e) {
        q->cursor = e->next;
    }
    entry_free(e);
}

/* Entries without messages need no bundle of their own. */
static void
skip_sent(struct og_queue *q)
{
    while (q->cursor && is_sent(q, q->cursor)) {
        if (!q->cursor->bundle) {
            q->cursor->bundle = q->n_begun;
        }
        q->cursor = q->cursor->next;
    }
}

/* Whether what comes next waits until nothing else is in flight. */
static bool
is_last(const struct og_queue *q)
{
    const struct og_entry *e = q->cursor;

    return og_msgs_takes_flows(e->msgs, e->n_sent);
}

enum og_queue_next
og_queue_next(struct og_queue *q, bool may_send, uint64_t *ret_tag)
{
    const struct og_entry *e;

    skip_sent(q);
    while ((e = q->head) && e != q->cursor && e->bundle <= q->n_done) {
        bool tagged = e->msgs;

        *ret_tag = e->tag;
        pop(q);
        if (tagged) {
            return OG_NEXT_TAG;
        }
    }
    if (!e) {
        return OG_NEXT_NONE;
    }
    if (is_dump(e)) {
        return og_queue_in_flight(q) ? OG_NEXT_NONE : OG_NEXT_DUMP;
    }
    if (!q->cursor || !q->cursor->msgs || !may_send
        || (og_queue_in_flight(q) && is_last(q))) {
        return OG_NEXT_NONE;
    }
    return OG_NEXT_BUNDLE;
}

bool
og_queue_begin(struct og_queue *q)
{
    skip_sent(q);
    q->n_begun++;
    (void) og_msgs_run(q->cursor->msgs, q->cursor->n_sent, &q->bundled);
    return q->bundled;
}

bool
og_queue_take(struct og_queue *q, size_t max, struct og_part *ret_part)
{
    skip_sent(q);

    struct og_entry *e = q->cursor;
    if (!e || !e->msgs || !max) {
        return false;
    }
    bool bundled;
    size_t left = og_msgs_run(e->msgs, e->n_sent, &bundled);
    if (bundled != q->bundled
        || (og_queue_in_flight(q) > 1 && is_last(q))) {
        return false;
    }
    *ret_part = (struct og_part) { e->msgs, e->n_sent,
                                   left < max ? left : max };
    e->n_sent += ret_part->n;
    e->bundle = q->n_begun;
    q->n_unsent -= ret_part->n;
    q->n_sent += ret_part->n;
    return true;
}

void
og_queue_end(struct og_queue *q, size_t n)
{
    assert(q->n_done < q->n_begun && n <= q->n_sent);
    q->n_done++;
    q->n_sent -= n;
}

void
og_queue_dump_done(struct og_queue *q)
{
    assert(q->head && is_dump(q->head));
    pop(q);
    q->has_dump = false;
}

size_t
og_queue_in_flight(const struct og_queue *q)
{
    return q->n_begun - q->n_done;
}

bool
og_queue_is_void(const struct og_queue *q)
{
    return q->n_done + 1 <= q->void_until;
}

struct og_msgs *
og_queue_find_xid(const struct og_queue *q, uint32_t xid, size_t *ret_index)
{
    for (const struct og_entry *e = q->head; e; e = e->next) {
        size_t index = e->msgs ? og_msgs_find_xid(e->msgs, xid) : SIZE_MAX;

        if (index < e->n_sent) {
            *ret_index = index;
            return e->msgs;
        }
        if (e == q->cursor) {
            break;
        }
    }
    return NULL;
}
