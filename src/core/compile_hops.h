/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the compiler only: next hops, of routes and policies alike. */
#ifndef VX_CORE_COMPILE_HOPS_H
#define VX_CORE_COMPILE_HOPS_H

#include "core/compile.h"

/* Whose next hops they are. */
struct vx_slots {
    uint64_t cookie;
    uint32_t router;
    uint32_t num;
};

/* Ends the row: to the one hop, or to the group of several. */
void vx_act_hops(struct vx_row *row, uint32_t num,
                 const struct vx_nexthop *hops, size_t n_hops);
/* Table 42: the hop of each slot; nothing with less than two. */
void vx_compile_slots(const struct vx_slots *slots,
                      const struct vx_nexthop *hops, size_t n_hops,
                      struct vx_rows *rows);

#endif
