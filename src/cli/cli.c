/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command in the command table and runs it. */
#include "cli/cli.h"

#include <stdio.h>

int
vx_cli_main(int argc, char **argv)
{
    (void) argc;
    fprintf(stderr, "%s: this build has no commands yet\n", argv[0]);
    return 2;
}
