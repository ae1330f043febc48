/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a row is, in words of intent.
 *
 * A row of ours says it by its cookie, a group by its VNI, a meter by its kind
 * and number; a foreign row may say nothing, or lie, and is then named after
 * the network or port it would have touched.  Pure. */
#ifndef VX_CORE_EXPLAIN_H
#define VX_CORE_EXPLAIN_H

#include <stddef.h>

#include "core/flow.h"
#include "core/model.h"

/* What a row tells about itself. */
struct vx_row_hint {
    enum vx_row_type type;
    uint64_t cookie;            /* flow */
    uint32_t vni;               /* flow: matched, 0 = none; group, bucket,
                                 * meter: its id */
    uint32_t bucket;            /* bucket */
    uint64_t port;              /* meter of a tap: the port's oid, 0 = not
                                 * known */
};

/* "port acme/web/vm1", "network acme/web", "host h2", "base", "nobody":
 * writes it to buf, returns buf. */
const char *vx_explain_row(const struct vx_model *model, enum vx_tier tier,
                           const struct vx_row_hint *hint, char *buf,
                           size_t size);

/* The VNI of the network that the row is for or would touch; 0 if it says
 * nothing of one. */
uint32_t vx_explain_vni(const struct vx_row_hint *hint);

#endif
