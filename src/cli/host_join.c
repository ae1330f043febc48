/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl host join`: makes this machine a host of the fabric. */
#include "cli/cli.h"

#include <stdio.h>

int
vx_cli_host_join(int argc, char **argv)
{
    (void) argc;
    fprintf(stderr, "netctl: host %s: not in this build\n", argv[0]);
    return VX_CLI_REFUSED;
}
