/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ovs-glue only: the outbox of an OpenFlow session as bookkeeping,
 * without a socket: what is cut into which bundle, what is confirmed, which
 * tag that completes.  The session writes and reads; the queue counts. */
#ifndef OG_OF_QUEUE_H
#define OG_OF_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct og_msgs;
struct og_entry;

struct og_queue {
    struct og_entry *head;      /* oldest not confirmed */
    struct og_entry **tailp;
    struct og_entry *cursor;    /* first not sent as a whole */
    uint64_t n_begun;           /* bundles begun, the number of the last */
    uint64_t n_done;            /* bundles that the switch is done with */
    uint64_t void_until;        /* bundles up to this one count no more */
    uint64_t n_passed;          /* fences up to this one are open */
    size_t n_unsent;            /* messages */
    size_t n_sent;              /* messages in bundles n_done+1 .. n_begun */
    bool has_dump;
    bool bundled;               /* those of bundle n_begun; else they go as
                                 * they are */
};

/* A range of messages of one entry that goes into the bundle. */
struct og_part {
    struct og_msgs *msgs;       /* borrowed */
    size_t first, n;
};

enum og_queue_next {
    OG_NEXT_NONE,               /* wait */
    OG_NEXT_BUNDLE,             /* write one */
    OG_NEXT_TAG,                /* report *ret_tag */
    OG_NEXT_DUMP,               /* all before it is confirmed: run it */
};

void og_queue_init(struct og_queue *q);
void og_queue_fini(struct og_queue *q);
void og_queue_push(struct og_queue *q, struct og_msgs *msgs, uint64_t tag);
void og_queue_push_dump(struct og_queue *q);    /* if !has_dump */
/* What is pushed after it waits until og_queue_pass() of this number, or a
 * higher one; numbers are from 1 and rise.  Nothing if that has been. */
void og_queue_push_fence(struct og_queue *q, uint64_t number);
void og_queue_pass(struct og_queue *q, uint64_t number);
/* Forgets what has not been sent, except a dump. */
void og_queue_drop(struct og_queue *q);
/* After an error: forgets all, except a dump, and takes no notice of the
 * bundles in flight except that they end. */
void og_queue_void(struct og_queue *q);

/* What to do now.  A tag that is returned is gone from the queue. */
enum og_queue_next og_queue_next(struct og_queue *q, bool may_send,
                                 uint64_t *ret_tag);
/* After OG_NEXT_BUNDLE: begins a bundle, then takes its parts one by one
 * until false; max is what is left of it.  False: it is of messages that
 * cannot be bundled, but counts as one. */
bool og_queue_begin(struct og_queue *q);
bool og_queue_take(struct og_queue *q, size_t max, struct og_part *ret_part);
/* The switch is done with the oldest bundle, which has n messages. */
void og_queue_end(struct og_queue *q, size_t n);
void og_queue_dump_done(struct og_queue *q);

size_t og_queue_in_flight(const struct og_queue *q);
/* Whether the oldest bundle in flight counts no more. */
bool og_queue_is_void(const struct og_queue *q);
/* The message with this xid, NULL if it is not in a bundle in flight. */
struct og_msgs *og_queue_find_xid(const struct og_queue *q, uint32_t xid,
                                  size_t *ret_index);

#endif
