/* SPDX-License-Identifier: Apache-2.0 */
/* The command line client as one call. */
#ifndef VX_CLI_CLI_H
#define VX_CLI_CLI_H 1

#include <stdio.h>

enum vx_cli_exit {
    VX_CLI_DONE = 0,
    VX_CLI_REFUSED = 1,         /* the controller, or the data, said no */
    VX_CLI_USAGE = 2,
    VX_CLI_NO_CONTROLLER = 3,   /* not reached, or no answer from it */
    VX_CLI_NOT_REALIZED = 4,    /* committed, not yet in place everywhere */
};

/* Runs one netctl command line. Returns the exit status above. */
int vx_cli_main(int argc, char **argv);

/* The same with the streams given: data to out, talk to err. */
int vx_cli_run(int argc, char **argv, FILE *out, FILE *err);

#endif
