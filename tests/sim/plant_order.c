/* SPDX-License-Identifier: Apache-2.0 */
/* core/order.c; planted: rows are added in the reverse of their order. */
#include "core/order.h"

#define vx_order_change vx_order_change_right
void vx_order_change(struct vx_rows *old, struct vx_rows *new,
                     struct vx_rows *ret_del, struct vx_rows *ret_add);
#include "core/order.c"
#undef vx_order_change

#include "tests/sim/sim.h"

void
vx_order_change(struct vx_rows *old, struct vx_rows *new,
                struct vx_rows *ret_del, struct vx_rows *ret_add)
{
    vx_order_change_right(old, new, ret_del, ret_add);
    if (plant == PLANT_BUNDLE_ORDER) {
        for (size_t i = 0, k = ret_add->n; i + 1 < k; i++) {
            struct vx_row row = ret_add->rows[i];

            ret_add->rows[i] = ret_add->rows[--k];
            ret_add->rows[k] = row;
        }
    }
}
