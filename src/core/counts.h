/* SPDX-License-Identifier: Apache-2.0 */
/* What switches count, and how much of it is new.
 *
 * A row counts from 0 when it is made, and again when its switch restarts; a
 * sample is all rows of a table, or all meters, at one moment.  A tally keeps
 * the last sample and turns the next one into what was added since: nothing
 * twice, nothing negative.  Pure; who asks switches is daemon/counters.c. */
#ifndef VX_CORE_COUNTS_H
#define VX_CORE_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VX_COUNTS_MAX = 65536,      /* rows of a sample */
};

/* A flow or a meter as a switch tells of it. */
struct vx_count {
    uint64_t key;               /* flow: hash of table, priority and match;
                                 * meter: its id */
    uint64_t cookie;            /* flow */
    uint64_t packets, bytes;
    uint64_t dropped;           /* meter: packets over its rate */
    uint32_t age_ms;            /* since it was made */
    uint32_t reg0, reg1;        /* flow: matched exactly, else 0 */
    uint32_t out_port;          /* flow: of the first output, else 0 */
    uint16_t priority;          /* flow */
};

struct vx_tally {
    struct vx_tally_row *rows;  /* by key */
    size_t n;
};

void vx_tally_init(struct vx_tally *tally);
void vx_tally_fini(struct vx_tally *tally);

/* Sorts the sample by key, and makes of its numbers what was added since the
 * last one; which it is from now on.  O(n log n).
 *
 * since_ms: rows that are not older are counted from 0 where the last sample
 * does not have them; older ones have been counted by somebody else, or
 * nobody, so they begin with what they have.
 * restarted: the switch may have restarted since the last sample, elapsed_ms
 * ago; what is younger than that has nothing to do with a row of the same key
 * before it.  (Otherwise it may: a row that replaces another one, with other
 * actions, goes on counting where that one was.) */
struct vx_tally_when {
    uint64_t since_ms, elapsed_ms;
    bool restarted;
};
void vx_tally_take(struct vx_tally *tally, struct vx_count *counts, size_t n,
                   const struct vx_tally_when *when);

#endif
