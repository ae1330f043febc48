/* SPDX-License-Identifier: Apache-2.0 */
/* Measured locality: bytes of tenants by where they went.
 *
 *   zone, cross   what a host sends to hosts of its own zone, of others: the
 *                 rows of VX_T2_OUT.  Each copy of a broadcast counts; what
 *                 goes by a border crosses, and counts where it comes from,
 *                 not where it is passed on
 *   local         what stays on the host: unicast delivered to ports there
 *                 and not come from the fabric
 *
 * Deltas of rows come in turns: all of a host, then the turn is closed and
 * sums and rates are made of it.  What came from the fabric is asked for after
 * what was delivered, so a packet in between makes local smaller for a turn,
 * never bigger; it is made up for in the next one.
 *
 * Sums live as long as what they are of and never go down; rates are of the
 * last turn of each host.  Memory: O(networks of each host + networks x
 * zones).  Pure. */
#ifndef VX_CORE_LOCALITY_H
#define VX_CORE_LOCALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/pipeline.h"

struct vx_locality;

struct vx_locality *vx_locality_new(void);
void vx_locality_free(struct vx_locality *locality);

/* What a row counts. */
enum vx_seen {
    VX_SEEN_OUT_ZONE,           /* VX_T2_OUT, class zone */
    VX_SEEN_OUT_CROSS,
    VX_SEEN_DELIVERED,          /* VX_T1_L2: to a port */
    VX_SEEN_FLOOD1,             /* VX_T1_L2: to the group */
    VX_SEEN_FLOOD2,             /* VX_T2_FDB: to the group, from tier 1 */
    VX_SEEN_INGRESS,            /* VX_T2_INGRESS: to tier 1 */
    VX_SEEN_TRANSIT,            /* VX_T2_INGRESS: on a border, that sends it
                                 * on, too */
    VX_SEEN_OWN,                /* VX_T2_FDB: of a border, to tier 1 */
    VX_N_SEEN
};

/* Bytes added to a row of a network; 0 says that the row is there. */
struct vx_sighting {
    uint64_t host, network, tenant;     /* oids */
    enum vx_seen what;
    uint64_t bytes;
};
void vx_locality_see(struct vx_locality *locality,
                     const struct vx_sighting *sighting);
/* The turn of a host ends: elapsed_ms after the one before.  zone: oid of the
 * one it is in. */
void vx_locality_turn(struct vx_locality *locality, uint64_t host,
                      uint64_t zone, uint64_t elapsed_ms);
/* The host does not answer: its rates are over. */
void vx_locality_away(struct vx_locality *locality, uint64_t host);
/* The object was deleted. */
void vx_locality_forget(struct vx_locality *locality, uint64_t oid);

struct vx_traffic {
    uint64_t bytes[VX_N_CLASSES];
    uint64_t bps[VX_N_CLASSES];         /* bits a second */
};

/* Sums of each: */
enum vx_sum_of {
    VX_SUM_NETWORK,             /* a network in a zone */
    VX_SUM_TENANT,
    VX_SUM_ZONE,
    VX_SUM_HOST,
    VX_N_SUMS
};
/* In order of oids; zone is 0 but for VX_SUM_NETWORK. */
void vx_locality_each(const struct vx_locality *locality, enum vx_sum_of of,
                      void (*f)(void *aux, uint64_t oid, uint64_t zone,
                                const struct vx_traffic *traffic),
                      void *aux);

/* Policies: what their rows have counted on all hosts. */
struct vx_policy_count {
    uint64_t packets, bytes;
};
void vx_locality_policy(struct vx_locality *locality, uint64_t policy,
                        const struct vx_policy_count *added);
/* All 0 if nothing was counted. */
struct vx_policy_count vx_locality_of_policy(
    const struct vx_locality *locality, uint64_t policy);

#endif
