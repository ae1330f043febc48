/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that would make a configuration as it is wanted, told as what
 * differs: which line of whose is missing, foreign, or another.  Pure. */
#ifndef VX_GATEWAY_FRR_DRIFT_H
#define VX_GATEWAY_FRR_DRIFT_H

#include "gateway/drift.h"
#include "gateway/frr_config.h"

/* Adds to drifts; fails it if running is no running configuration. */
void vx_gw_frr_compare(enum vx_gw_frr_daemon daemon,
                       const struct vx_gw_frr_want *want,
                       const char *running, struct vx_gw_drifts *drifts);

#endif
