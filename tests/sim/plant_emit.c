/* SPDX-License-Identifier: Apache-2.0 */
/* core/fabric_view.c; planted: of the hosts that have to hear of a port, the
 * last is forgotten when there are two or more. */
#include "core/fabric_graph.h"

#define vx_femit_alike vx_femit_alike_right
size_t vx_femit_alike(struct vx_fabric *f, const struct vx_fnet *net,
                      const uint8_t *of, unsigned class);
#include "core/fabric_view.c"
#undef vx_femit_alike

#include "tests/sim/sim.h"

size_t
vx_femit_alike(struct vx_fabric *f, const struct vx_fnet *net,
               const uint8_t *of, unsigned class)
{
    size_t n = vx_femit_alike_right(f, net, of, class);

    return plant == PLANT_LOST_DEPENDENCY && n > 1 ? n - 1 : n;
}
