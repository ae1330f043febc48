/* SPDX-License-Identifier: Apache-2.0 */
/* To which peers of a gateway an announced prefix goes, and which do not hear
 * it: by their own filters, told from the model as bgpd has them, or since
 * their session is not up, as the gateway reports. */
#ifndef VX_DAEMON_GATEWAYS_AUDIENCE_H
#define VX_DAEMON_GATEWAYS_AUDIENCE_H

#include "core/model.h"
#include "lib/buf.h"

struct vx_gw;

/* A peering that carries what a tenant announces. */
struct vx_gws_hearer {
    const struct vx_peering *peering;
    uint8_t up;                 /* VX_AF_* in which its session is */
    const char *why;            /* it is not in all of its families */
};

/* Peerings of a gateway that carry what a tenant announces.  Kept, since the
 * prefixes of a tenant come one after the other; of one answer, in which
 * neither the model nor the sessions change.  Begins zeroed. */
struct vx_gws_audience {
    uint64_t gateway, tenant;
    struct vx_gws_hearer *hearers;
    size_t n, cap;
};

/* What becomes of one prefix. */
struct vx_gws_hearing {
    struct vx_buf families;     /* JSON strings: by which it is told */
    struct vx_buf withheld;     /* JSON objects: peering, reason */
    bool is_heard;              /* some peer hears it */
    bool is_lost;               /* in some family nobody does, for want of a
                                 * session */
    char reason[290];           /* why some or all do not; "" = all do */
};

/* What is announced: a prefix; or, where tenant is NULL, what goes to the
 * fabric's peers of these families. */
struct vx_gws_said {
    const struct vx_tenant *tenant;
    const struct vx_prefix *prefix;
    uint8_t families;
};

/* O(peerings of the gateway) when the tenant is another one than the last,
 * else O(filters of the tenant's peerings there).  Overwrites *hearing, which
 * begins zeroed; its buffers are freed by _fini. */
void vx_gws_audience_ask(struct vx_gws_audience *audience,
                         const struct vx_gw *gw,
                         const struct vx_gws_said *said,
                         struct vx_gws_hearing *hearing);
void vx_gws_audience_fini(struct vx_gws_audience *audience);
void vx_gws_hearing_fini(struct vx_gws_hearing *hearing);

#endif
