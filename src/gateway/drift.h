/* SPDX-License-Identifier: Apache-2.0 */
/* What one part of a gateway (zebra's routes, bgpd's configuration, ...) has
 * otherwise than it ought to, as the audit of gateways tells it.  Pure.
 *
 * Bounded: of the differences beyond VX_GW_DRIFTS_MAX only the number is
 * kept; texts are cut at VX_GW_DRIFT_TEXT bytes, made printable, and never
 * contain a password. */
#ifndef VX_GATEWAY_DRIFT_H
#define VX_GATEWAY_DRIFT_H

#include <stdbool.h>
#include <stddef.h>

enum { VX_GW_DRIFTS_MAX = 50, VX_GW_DRIFT_TEXT = 200 };

enum vx_gw_drift_what {
    VX_GW_DRIFT_MISSING,              /* wanted, and not there */
    VX_GW_DRIFT_ALTERED,              /* there, but different */
    VX_GW_DRIFT_FOREIGN,              /* there, and not wanted */
};
const char *vx_gw_drift_what_name(enum vx_gw_drift_what what);

struct vx_gw_drift {
    enum vx_gw_drift_what what;
    char *object;               /* whose it is: "peering acme/ce1" */
    char *row;                  /* wanted, or foreign */
    char *found;                /* what is there instead, "" = nothing */
};

struct vx_gw_drifts {
    struct vx_gw_drift items[VX_GW_DRIFTS_MAX];
    size_t n;
    size_t n_rows;              /* compared */
    size_t n_found;             /* differences, with those beyond */
    char why[VX_GW_DRIFT_TEXT]; /* it could not be compared; "" = it was */
};

void vx_gw_drifts_fini(struct vx_gw_drifts *drifts);    /* empty, then */
void vx_gw_drift_add(struct vx_gw_drifts *drifts, enum vx_gw_drift_what what,
                     const char *object, const char *row, const char *found);
/* One without a row of its own: beyond. */
void vx_gw_drift_count(struct vx_gw_drifts *drifts, size_t n);
void vx_gw_drift_fail(struct vx_gw_drifts *drifts, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool vx_gw_drift_has(const struct vx_gw_drifts *drifts,
                     const struct vx_gw_drift *like);

#endif
