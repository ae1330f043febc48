/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway without zebra, BGP and a machine: a feed of bytes, the entries
 * behind it, and what carries them out at every sync. */
#ifndef TESTS_LIB_GW_WORLD_H
#define TESTS_LIB_GW_WORLD_H

#include "gateway/apply.h"
#include "gateway/feed.h"

struct gw_world {
    struct vx_gw_entries *entries;
    struct vx_gw_apply *apply;
    struct vx_gw_feed *feed;
    uint64_t token;             /* of the last sync carried out */
    uint64_t seq;               /* of it; tests count their own entries here */
    char refused[464];          /* why the last line was; "" = none was */
};

/* ops, called with aux, is not copied. */
void gw_world_init(struct gw_world *world,
                   const struct vx_gw_apply_ops *ops, void *aux);
void gw_world_fini(struct gw_world *world);

/* Operations that most do not care about. */
void gw_world_told(void *aux, const struct vx_gw_entry *entry,
                   bool announced);
const char *gw_world_leg(void *aux, uint32_t vni);

#endif
