/* SPDX-License-Identifier: Apache-2.0 */
/* Difference between what a switch holds and what it ought to hold.
 *
 * Works on canonical rows: ovs-glue decodes a dump and encodes compiled rows
 * into the same canonical bytes (match as OXM, actions as OpenFlow
 * instructions), so a comparison is memcmp and never depends on how a switch
 * orders fields.  O(n log n). */
#ifndef VX_CORE_DIFF_H
#define VX_CORE_DIFF_H

#include <stddef.h>
#include <stdint.h>

struct vx_crow {
    uint8_t type;           /* enum vx_row_type */
    uint8_t table;          /* flow */
    uint16_t priority;      /* flow */
    uint16_t key_size;      /* bytes */
    uint32_t body_size;     /* bytes */
    uint64_t cookie;        /* flow */
    const uint8_t *key;     /* flow: OXM match; group, meter: id (4 bytes,
                             * network order); bucket: group id, bucket id */
    const uint8_t *body;    /* flow: instructions; group: type;
                             * bucket: actions; meter: flags, bands */
};

enum vx_diff_type {
    VX_DIFF_MISSING,        /* wanted, not there: add want[want] */
    VX_DIFF_ALTERED,        /* both there, cookie or body differ: replace */
    VX_DIFF_FOREIGN,        /* there, not wanted: delete have[have] */
};

struct vx_diff {
    enum vx_diff_type type;
    size_t have, want;      /* indexes; SIZE_MAX where there is none */
};

/* Sorted into send order: adds of meters; deletes of flows, then buckets, then
 * groups; then what is added or altered in the order of want, which has to be
 * one that is safe to load (vx_fabric_compile); deletes of meters, which take
 * the flows that use them along.  *ret_diffs is malloc'ed.  Returns the
 * number. */
size_t vx_diff_rows(const struct vx_crow *have, size_t n_have,
                    const struct vx_crow *want, size_t n_want,
                    struct vx_diff **ret_diffs);

/* The same for a switch that may hold rows of another time, in which a VNI
 * was another network's: all that is not as wanted goes before anything
 * comes.  No flow is altered in place, or the flows that lead into a VNI
 * would be the last of the old rows to go, behind new rows of that VNI. */
size_t vx_diff_rows_apart(const struct vx_crow *have, size_t n_have,
                          const struct vx_crow *want, size_t n_want,
                          struct vx_diff **ret_diffs);

#endif
