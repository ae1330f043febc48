/* SPDX-License-Identifier: Apache-2.0 */
/* Entry of vxgatewayd. Everything is in the library, which tests link too. */
#include "gateway/app.h"

int
main(int argc, char **argv)
{
    return vx_gw_main(argc, argv);
}
