/* SPDX-License-Identifier: Apache-2.0 */
/* What a switch counts, read out of its replies.
 *
 * Nothing but numbers and the few fields that say whose they are is taken:
 * a sample of a table costs 64 bytes a row, whatever the rows are.  Bytes of a
 * switch are hostile: every length is checked. */
#ifndef OG_OF_COUNTS_H
#define OG_OF_COUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/counts.h"
#include "lib/err.h"

struct og_counts {
    struct vx_count *rows;
    size_t n, cap;
};

/* Adds one OFPMP_FLOW_DESC or OFPMP_METER_STATS reply, whole, its header's
 * length being size.  False if it is malformed, another reply, or more than
 * VX_COUNTS_MAX rows in all. */
bool og_counts_add_reply(struct og_counts *counts, const void *msg,
                         size_t size, struct vx_error *err);

#endif
