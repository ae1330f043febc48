/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which rows are sent, as a pure function.
 *
 * Add: meters, groups, buckets, flows from the last table to the first, so
 * that whatever a row refers to is there before it, and a packet gets into the
 * pipeline only when all of it is there.  Delete: the reverse, so that a
 * packet stops at the entrance before anything behind it goes.  Every prefix
 * of either is safe: a packet is dropped or goes where it may.  Of a change,
 * meters that go are the very last: a meter takes the flows that use it along,
 * so those that are replaced have to be first. */
#ifndef VX_CORE_ORDER_H
#define VX_CORE_ORDER_H

#include <stdint.h>

#include "core/flow.h"

enum { VX_ORDER_RANKS = 259 };

/* Place of a row in the order, 0..VX_ORDER_RANKS-1; table is for flows. */
unsigned vx_order_add_rank(enum vx_row_type type, uint8_t table);
unsigned vx_order_del_rank(enum vx_row_type type, uint8_t table);

/* Sorts rows in place; stable; O(n). */
void vx_order_add(struct vx_rows *rows);
void vx_order_add_from(struct vx_rows *rows, size_t first); /* the rest */
void vx_order_del(struct vx_rows *rows);

/* What turns the rows old into the rows new.  *ret_del and *ret_add are
 * appended to and sorted.  A flow that is in both with another body is only
 * in add (adding it replaces it); a bucket or meter cannot be replaced, so it
 * is in both.  Sorts old and new by key; no key may be in either twice.
 * O(n log n). */
void vx_order_change(struct vx_rows *old, struct vx_rows *new,
                     struct vx_rows *ret_del, struct vx_rows *ret_add);

#endif
