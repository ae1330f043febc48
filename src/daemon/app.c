/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the parts of the controller together; holds no logic of its own. */
#include "daemon/app.h"

#include <stdio.h>

int
vx_daemon_main(int argc, char **argv)
{
    (void) argc;
    fprintf(stderr, "%s: this build has no controller yet\n", argv[0]);
    return 1;
}
