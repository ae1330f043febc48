/* SPDX-License-Identifier: Apache-2.0 */
/* core/fabric_emit.c; planted: of the hosts that have to hear of a port, the
 * last is forgotten when there are two or more. */
#include "core/fabric_graph.h"

#define vx_femit_others vx_femit_others_right
size_t vx_femit_others(struct vx_fabric *f, const struct vx_fnet *net,
                       const struct vx_fhost *a, const struct vx_fhost *b);
#include "core/fabric_emit.c"
#undef vx_femit_others

#include "tests/sim/sim.h"

size_t
vx_femit_others(struct vx_fabric *f, const struct vx_fnet *net,
                const struct vx_fhost *a, const struct vx_fhost *b)
{
    size_t n = vx_femit_others_right(f, net, a, b);

    return plant == PLANT_LOST_DEPENDENCY && n > 1 ? n - 1 : n;
}
