/* SPDX-License-Identifier: Apache-2.0 */
/* To which peers of a gateway an announced prefix goes, and which peerings
 * keep it back by their own filters: what bgpd does with it, told from the
 * model. */
#ifndef VX_DAEMON_GATEWAYS_AUDIENCE_H
#define VX_DAEMON_GATEWAYS_AUDIENCE_H

#include "core/model.h"
#include "lib/buf.h"

/* Peerings of a gateway that carry what a tenant announces.  Kept, since the
 * prefixes of a tenant come one after the other; of one answer, in which the
 * model does not change.  Begins zeroed. */
struct vx_gws_audience {
    uint64_t gateway, tenant;
    uint8_t fabric;             /* VX_AF_* of the fabric-wide ones */
    const struct vx_peering **peerings;     /* the tenant's own */
    size_t n_peerings, cap_peerings;
};

/* What becomes of one prefix. */
struct vx_gws_hearing {
    struct vx_buf families;     /* JSON strings: by which it is told */
    struct vx_buf withheld;     /* JSON objects: peering, reason */
    bool is_heard;              /* some peering carries it */
    char reason[200];           /* why some or all do not; "" = all do */
};

/* O(peerings of the gateway) when the tenant is another one than the last,
 * else O(filters of the tenant's peerings there).  Overwrites *hearing, which
 * begins zeroed; its buffers are freed by _fini. */
void vx_gws_audience_ask(struct vx_gws_audience *audience,
                         const struct vx_model *model, uint64_t gateway,
                         const struct vx_tenant *tenant,
                         const struct vx_prefix *prefix,
                         struct vx_gws_hearing *hearing);
void vx_gws_audience_fini(struct vx_gws_audience *audience);
void vx_gws_hearing_fini(struct vx_gws_hearing *hearing);

#endif
