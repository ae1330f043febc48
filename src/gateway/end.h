/* SPDX-License-Identifier: Apache-2.0 */
/* Ends a daemon of FRR that cannot go on as it is, for what watches over it
 * (watchfrr, systemd) to start it again. */
#ifndef VX_GATEWAY_END_H
#define VX_GATEWAY_END_H

#include <stdbool.h>

#include "gateway/vty.h"

/* SIGKILL to the process at the other end of the VTY, as in a crash: graceful
 * restart goes on, and a supervisor takes it for one.  False if it is not
 * known, is called otherwise than name, or may not be ended (CAP_KILL). */
bool vx_gw_end_daemon(const struct vx_gw_vty *vty, const char *name);

#endif
