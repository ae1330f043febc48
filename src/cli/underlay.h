/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says about the underlay of this machine (rtnetlink by
 * libnl-3): which device, address and MTU lead to the controller. Reads
 * only. */
#ifndef VX_CLI_UNDERLAY_H
#define VX_CLI_UNDERLAY_H 1

#include <stdbool.h>

#include "lib/addr.h"
#include "lib/err.h"

struct vx_underlay {
    char device[32];
    struct vx_ip vtep;
    unsigned mtu;           /* bytes: the device's, or the route's if less */
};

/* From the route to the controller, or, if vtep is not NULL, from the device
 * that has this address. */
bool vx_underlay_find(const struct vx_ip *controller,
                      const struct vx_ip *vtep,
                      struct vx_underlay *ret_underlay,
                      struct vx_error *err);

#endif
