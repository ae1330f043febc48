/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's router network and the legs of its gateways in it: which
 * operations make them what they are to be.
 *
 * While a gateway serves the tenant there are the network VX_ROUTER_NETWORK,
 * its two subnets, and one port for each such gateway, named as it, on its
 * host.  When none does any more, all goes in reverse order.  The model is the
 * only state: asked again after the operations, there are none.  Pure. */
#ifndef VX_CORE_LEGS_H
#define VX_CORE_LEGS_H

#include "core/model.h"

struct vx_legs {
    struct vx_op *ops;
    size_t n, cap;
    char **texts;               /* what ops borrow beside the model */
    size_t n_texts, cap_texts;
};

/* Ops borrow from the model too: they are good until it changes. */
void vx_legs_plan(const struct vx_model *model, uint64_t tenant,
                  struct vx_legs *ret_legs);
void vx_legs_fini(struct vx_legs *legs);

#endif
