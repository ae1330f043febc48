/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows put the legs into br-tenant: (view, wanted) -> operations.
 * Pure. */
#ifndef VX_GATEWAY_LEG_ROWS_H
#define VX_GATEWAY_LEG_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/tree.h"

struct og_ovsdb_view;

struct vx_gw_leg {
    struct vx_tree_node by_vni;
    uint32_t vni;
    uint32_t ofport;            /* 0 = none known */
    char *iface_id;             /* NULL = kept: its port, if there is one,
                                 * stays as it is, and none is put in */
    bool is_going;              /* to be taken out */
    bool is_stale;              /* its device is another one than the port
                                 * was made with: out, and in again */
    bool is_held;               /* not to be put in yet */
    unsigned index;             /* ifindex the port was made with, 0 = not
                                 * known */
    int64_t held_until_ms;
    bool is_in;                 /* set by vx_gw_leg_rows: its port is in
                                 * br-tenant, or in another bridge */
};

/* JSON array of operations (RFC 7047) of one transaction, to be freed; NULL:
 * nothing is to be done, or br-tenant does not exist.  all: ports vl<VNI> of
 * br-tenant that no leg in the tree has are removed. */
char *vx_gw_leg_rows(const struct og_ovsdb_view *view, struct vx_tree *legs,
                     bool all);

#endif
