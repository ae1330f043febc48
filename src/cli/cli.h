/* SPDX-License-Identifier: Apache-2.0 */
/* The command line client as one call. */
#ifndef VX_CLI_CLI_H
#define VX_CLI_CLI_H 1

/* Runs one netctl command line. Returns the exit status: 0 done, 1 refused,
 * 2 usage, 3 no controller, 4 committed but not yet realized. */
int vx_cli_main(int argc, char **argv);

#endif
