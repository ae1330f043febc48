/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a gateway's feed as JSON; doc/gateway-feed.md.  Pure. */
#ifndef VX_API_FEED_WRITE_H
#define VX_API_FEED_WRITE_H

#include "core/export.h"
#include "lib/buf.h"

/* Appends the entry's value. */
void vx_feed_write_value(const struct vx_model *model,
                         const struct vx_export *e, struct vx_buf *out);
/* Appends a line; value NULL = gone. */
void vx_feed_write_line(uint64_t seq, enum vx_feed_type type,
                        const char *key, const char *value,
                        struct vx_buf *out);

/* A line that says nothing but that the controller is there: it cannot say
 * yet that that was all. */
void vx_feed_write_line_wait(uint64_t seq, const char *gateway,
                             struct vx_buf *out);

/* A line that is no entry: the gateway is to be looked at. */
void vx_feed_write_line_audit(uint64_t seq, const char *gateway,
                              uint64_t nonce, bool repair,
                              struct vx_buf *out);

#endif
