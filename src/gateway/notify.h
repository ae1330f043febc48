/* SPDX-License-Identifier: Apache-2.0 */
/* Tells systemd how it is (sd_notify(3)'s protocol, without its library). */
#ifndef VX_GATEWAY_NOTIFY_H
#define VX_GATEWAY_NOTIFY_H

/* "READY=1\nSTATUS=..."; nothing happens without $NOTIFY_SOCKET. */
void vx_gw_notify(const char *state);

#endif
