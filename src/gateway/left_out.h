/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the speaker's peers that are not used, and why: for `bgp show`.
 * Pure.
 *
 * All are counted; of each rank some are kept with their reason, and the
 * first VX_GW_LEFT_OUT_TOLD are told, those first that somebody might miss.
 * What is kept follows the paths: one that is used at last, or gone, is not
 * left out any more. */
#ifndef VX_GATEWAY_LEFT_OUT_H
#define VX_GATEWAY_LEFT_OUT_H

#include "bgp/bgp_attr.h"
#include "bgp/bgp_types.h"
#include "gateway/entries.h"
#include "lib/buf.h"
#include "lib/err.h"

enum { VX_GW_LEFT_OUT_TOLD = 32, VX_GW_LEFT_OUT_KEPT = 1024 };

struct vx_gw_left_out;

struct vx_gw_left_out *vx_gw_left_out_new(void);
void vx_gw_left_out_free(struct vx_gw_left_out *left_out);

struct vx_gw_left_out_path {
    const struct bg_nlri *nlri;
    const struct bg_attrs *attrs;
    const struct vx_gw_entries *entries;    /* tell whose it is */
};
/* why: as vx_gw_hear() gave it.  source: as of vx_gw_learned_set. */
void vx_gw_left_out_set(struct vx_gw_left_out *left_out, const void *source,
                        size_t size, const struct vx_gw_left_out_path *path,
                        const struct vx_error *why);
void vx_gw_left_out_unset(struct vx_gw_left_out *left_out,
                          const void *source, size_t size);
void vx_gw_left_out_clear(struct vx_gw_left_out *left_out);
uint64_t vx_gw_left_out_count(const struct vx_gw_left_out *left_out);
/* Appends the elements of "unused" of a report, without brackets. */
void vx_gw_left_out_put(const struct vx_gw_left_out *left_out,
                        struct vx_buf *out);

#endif
