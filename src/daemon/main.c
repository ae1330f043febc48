/* SPDX-License-Identifier: Apache-2.0 */
/* Entry of vxfabricd. Everything is in the library, which tests link too. */
#include "daemon/app.h"

int
main(int argc, char **argv)
{
    return vx_daemon_main(argc, argv);
}
