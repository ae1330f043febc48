/* SPDX-License-Identifier: Apache-2.0 */
/* Entry of netctl. Everything is in the library, which tests link too. */
#include "cli/cli.h"

int
main(int argc, char **argv)
{
    return vx_cli_main(argc, argv);
}
