/* SPDX-License-Identifier: Apache-2.0 */
/* A packet through the rows of a host, on paper.
 *
 * An interpreter of the pipeline: given the rows of both switches and a
 * packet, which rows it hits and where it leaves.  For `netctl why` and as
 * the judge of isolation in tests; it knows OpenFlow semantics, not the
 * pipeline, so it cannot repeat a mistake of the compiler.  Pure. */
#ifndef VX_CORE_TRACE_H
#define VX_CORE_TRACE_H

#include "core/flow.h"

/* Header fields, registers and metadata; 0 = absent.  Network order, as in
 * struct vx_match_field. */
struct vx_packet {
    uint8_t f[VX_N_FIELDS][16];
};

void vx_packet_set_u(struct vx_packet *packet, enum vx_field field,
                     uint64_t value);
void vx_packet_set_mac(struct vx_packet *packet, enum vx_field field,
                       const struct vx_mac *mac);
void vx_packet_set_ip(struct vx_packet *packet, enum vx_field field,
                      const struct vx_ip *ip);
uint64_t vx_packet_get_u(const struct vx_packet *packet,
                         enum vx_field field);     /* of at most 8 bytes */

/* A row that was hit; row NULL: no row matched in table. */
struct vx_hop {
    enum vx_tier tier;
    uint8_t table;
    const struct vx_row *row;   /* in the caller's rows */
};

/* The packet as it leaves a switch by a port that is not the patch. */
struct vx_exit {
    enum vx_tier tier;
    uint32_t port;
    struct vx_packet packet;
};

struct vx_trace {
    struct vx_hop *hops;        /* in the order of the packet */
    size_t n_hops, cap_hops;
    struct vx_exit *exits;
    size_t n_exits, cap_exits;
    bool looped;                /* given up after too many crossings */
};

/* The packet enters the switch of the tier at its VX_F_IN_PORT.  The rows
 * must outlive the trace.  O(rows) per table. */
void vx_trace_host(const struct vx_rows *tier1, const struct vx_rows *tier2,
                   enum vx_tier entry, const struct vx_packet *packet,
                   struct vx_trace *ret_trace);
/* A packet-out: through the actions of acts, a flow, on its tier; there
 * VX_ACT_RESUBMIT enters a table. */
void vx_trace_packet_out(const struct vx_rows *tier1,
                         const struct vx_rows *tier2,
                         const struct vx_row *acts,
                         const struct vx_packet *packet,
                         struct vx_trace *ret_trace);
void vx_trace_fini(struct vx_trace *trace);

/* The reason of the last drop row hit, VX_PASS (0) if none was. */
unsigned vx_trace_drop_reason(const struct vx_trace *trace);

#endif
