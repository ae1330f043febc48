/* SPDX-License-Identifier: Apache-2.0 */
/* The controller as one call. */
#ifndef VX_DAEMON_APP_H
#define VX_DAEMON_APP_H 1

/* Runs vxfabricd in the foreground with the command line given, until a
 * signal or a fatal error ends it. Returns the exit status. */
int vx_daemon_main(int argc, char **argv);

#endif
