/* SPDX-License-Identifier: Apache-2.0 */
/* Unit functions of the compiler: the rows of one object on one tier.
 *
 * The only place where a row of the pipeline is made.  A full compile of a
 * host loops over them; an incremental change calls them for the old and the
 * new object and takes the difference.  What they make is doc/pipeline.md,
 * row by row.  Pure: all they know is in their parameters; they append to
 * rows, in no particular order (order.h makes one). */
#ifndef VX_CORE_COMPILE_H
#define VX_CORE_COMPILE_H

#include "core/flow.h"
#include "core/object.h"

/* Rows that are the same on every host and belong to no object. */
void vx_compile_base(enum vx_tier tier, struct vx_rows *rows);

/* Tier 2: packets from this host's VTEP are known.  For every other host.
 * Nothing while the VTEP is unknown or the host is a stranger. */
void vx_compile_vtep(const struct vx_host *host, struct vx_rows *rows);
/* Tier 2: the host's bucket in the BUM group of a VNI.  For every other host
 * with presence (but see VX_GROUP_MAX_BUCKETS).  Nothing while the VTEP is
 * unknown or the host is a stranger. */
void vx_compile_bum_bucket(const struct vx_host *host, uint32_t vni,
                           struct vx_rows *rows);

/* Flows and group of a network, on hosts with presence; on tier 1 with the
 * bucket that leads to tier 2. */
void vx_compile_network(const struct vx_network *network, enum vx_tier tier,
                        struct vx_rows *rows);

/* A port's interface on a host. */
struct vx_tap {
    uint32_t ofport;            /* 0 = none */
    bool second;                /* the port is on another host: this is where
                                 * it migrates to, or has just come from */
};
/* Tier 1: flows and BUM bucket of a plugged port, on its own host.  A second
 * tap may speak, and gets what the fabric still (or already) brings for the
 * port's MAC; machines of its own host and BUM go to the first one. */
void vx_compile_tap(const struct vx_port *port, uint32_t vni,
                    struct vx_tap tap, struct vx_rows *rows);
/* Tier 2: who answers for the port's addresses; every host with presence,
 * the port's own too. */
void vx_compile_neigh(const struct vx_port *port, uint32_t vni,
                      struct vx_rows *rows);
/* Tier 2: how to get to the port, which is at the host; every other host
 * with presence.  Nothing while the host's VTEP is unknown or it is a
 * stranger: its switches may still hold rows of a network that had this VNI
 * before. */
void vx_compile_fdb(const struct vx_port *port, uint32_t vni,
                    const struct vx_host *host, struct vx_rows *rows);

#endif
