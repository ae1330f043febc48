/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a host may be repaired, and when to leave it alone for a while.
 *
 * Rows: a token bucket, so that a repair never takes a switch over.  Times:
 * who repairs again and again what somebody else keeps undoing makes
 * things worse, so each repair soon after the last doubles the pause before
 * the next, up to a minute; a calm time takes it back.  Pure: the clock is a
 * parameter, in milliseconds, and never goes back. */
#ifndef VX_CORE_REPAIR_H
#define VX_CORE_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VX_REPAIR_RATE = 1000,          /* rows a second */
    VX_REPAIR_BURST = 2000,         /* rows */
    VX_REPAIR_PAUSE_MS = 30 * 1000,         /* the first pause */
    VX_REPAIR_PAUSE_MAX_MS = 60 * 1000,
    VX_REPAIR_CALM_MS = 600 * 1000, /* and four pauses */
};

struct vx_repair {
    int64_t filled_ms;          /* the bucket, last */
    uint64_t tokens;            /* rows x 1000 */
    int64_t last_ms;            /* last repair begun, INT64_MIN = never */
    int64_t pause_ms;           /* after it, before the next */
};

void vx_repair_init(struct vx_repair *repair, int64_t now_ms);
/* 0: a repair may begin now; else the milliseconds until one may. */
int64_t vx_repair_wait_ms(const struct vx_repair *repair, int64_t now_ms);
/* One begins that nobody has asked for. */
void vx_repair_begin(struct vx_repair *repair, int64_t now_ms);
/* How many of n rows may be sent now; they are taken.  If it is 0 (and n is
 * not), *ret_wait_ms says when to ask again. */
size_t vx_repair_take(struct vx_repair *repair, size_t n, int64_t now_ms,
                      int64_t *ret_wait_ms);

#endif
