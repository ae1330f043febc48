/* SPDX-License-Identifier: Apache-2.0 */
/* What is there against what is wanted, as commands.  Pure; of frr_config.c
 * only.  Whose a line is, is told by its words: see frr_config.h. */
#ifndef VX_GATEWAY_FRR_DIFF_H
#define VX_GATEWAY_FRR_DIFF_H

#include "gateway/frr_text.h"
#include "lib/addr.h"

struct vx_gw_frr_commands {
    char **items;
    size_t n, cap;
};

void vx_gw_frr_command(struct vx_gw_frr_commands *commands, const char *fmt,
                       ...) __attribute__((format(printf, 2, 3)));

/* Whose the neighbor of that address is in the block. */
enum vx_gw_frr_owner {
    VX_GW_FRR_NOBODY,           /* there is none */
    VX_GW_FRR_OURS,
    VX_GW_FRR_OPERATOR,
};
/* first: the line we write first of it; a neighbor that has this one and no
 * other is ours, half made. */
enum vx_gw_frr_owner vx_gw_frr_owner(const struct vx_gw_frr_block *block,
                                     const char *peer, const char *first);
/* One of them replaces the other. */
bool vx_gw_frr_same_key(const char *line, const char *other);
/* No line in it is an operator's. */
bool vx_gw_frr_is_all_ours(const struct vx_gw_frr_block *block);
/* Takes our lines out of a block that stays. */
void vx_gw_frr_clear(const struct vx_gw_frr_block *had,
                     struct vx_gw_frr_commands *commands);
/* had NULL: it is made.  Only our lines are compared; those of no neighbor
 * are ours if the block is. */
void vx_gw_frr_diff_router(const struct vx_gw_frr_block *had,
                           const struct vx_gw_frr_block *want, bool is_ours,
                           struct vx_gw_frr_commands *commands);

/* Route-maps and prefix-lists named vx-: what is missing or differs, to be
 * done before the neighbors; and what is not wanted any more, after.  Both
 * texts sorted. */
void vx_gw_frr_diff_maps(const struct vx_gw_frr_text *had,
                         const struct vx_gw_frr_text *want,
                         struct vx_gw_frr_commands *commands);
void vx_gw_frr_drop_maps(const struct vx_gw_frr_text *had,
                         const struct vx_gw_frr_text *want,
                         struct vx_gw_frr_commands *commands);

#endif
