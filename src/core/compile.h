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

/* --- Hosts and zones: tier 2. */

/* Packets from this host's VTEP are known (table 5), and how to get there
 * (table 40); for every other host that exchanges packets with it.  same_zone
 * as the one these rows are for.  Nothing while the VTEP is unknown or the
 * host is a stranger: its switches may still hold rows of a network that had
 * a VNI before. */
void vx_compile_peer(const struct vx_host *host, bool same_zone,
                     struct vx_rows *rows);
/* The budget of a host for what leaves its zone: its meter. */
void vx_compile_host_budget(const struct vx_zone *zone, struct vx_rows *rows);
/* The budget of a tenant for what leaves a host's zone: its meter, on hosts
 * with a network of it. */
void vx_compile_tenant_budget(const struct vx_tenant *tenant,
                              struct vx_rows *rows);
/* How to get to a zone by its border hosts (tables 35, 36, 40); living ones
 * only, n_hosts > 0. */
void vx_compile_border(const struct vx_zone *zone,
                       const struct vx_host *const *hosts, size_t n_hosts,
                       struct vx_rows *rows);

/* --- Networks. */

/* A network as its rows see it. */
struct vx_segment {
    const struct vx_network *network;
    uint32_t router;        /* L3VNI if it has a routed subnet, else 0 */
    bool routed6;           /* an IPv6 one */
    uint32_t port_bum_pps;  /* of its ports that say nothing; 0 = unlimited */
    bool external;          /* VTEPs of other fabrics have it: not all that
                             * is there is known by its address */
    bool small_mtu;         /* another routed network of the tenant has a
                             * bigger MTU */
};

/* What a host has of a network in tier 2; all false on one that only routes
 * to it. */
struct vx_view {
    bool member;            /* ports are there, or about to be */
    bool transit;           /* a border of its zone, for this network */
    bool designated;        /* ... the one that replicates its BUM */
    uint32_t border;        /* number of its own zone, if all that is in other
                             * zones is reached by the zone's borders and it
                             * is none of them; else 0 */
    bool host_budget;       /* its zone has one */
    uint32_t tenant_budget; /* router VNI, if the tenant has one */
};

/* Tier 1: flows and group of a network and the bucket that leads to tier 2;
 * on hosts with members. */
void vx_compile_network_tier1(const struct vx_segment *segment,
                              struct vx_rows *rows);
/* Tier 2: its flows, meters and groups without buckets. */
void vx_compile_network_tier2(const struct vx_segment *segment,
                              const struct vx_view *view,
                              struct vx_rows *rows);
/* Tier 2: a host's bucket in a group of the network: group is the VNI, with
 * VX_GROUP_FROM_ZONE or VX_GROUP_FROM_CROSS on a designated border. */
void vx_compile_bum_bucket(uint32_t host_num, uint32_t group,
                           struct vx_rows *rows);
/* Tier 2: the bucket that leads to the host's own tier 1. */
void vx_compile_bum_local(uint32_t group, struct vx_rows *rows);

/* Tier 2: the gateway of a routed subnet answers ARP and ND; members and
 * transit. */
void vx_compile_gateway(const struct vx_subnet *subnet, uint32_t vni,
                        struct vx_rows *rows);

/* --- Ports. */

/* A port's interface on a host. */
struct vx_tap {
    uint32_t ofport;            /* 0 = none */
    bool second;                /* the port is on another host: this is where
                                 * it migrates to, or has just come from */
};
/* Tier 1: flows, meters and BUM bucket of a plugged port, on its own host.  A
 * second tap may speak, and gets what the fabric still (or already) brings for
 * the port's MAC; machines of its own host and BUM go to the first one. */
void vx_compile_tap(const struct vx_port *port,
                    const struct vx_segment *segment, struct vx_tap tap,
                    struct vx_rows *rows);
/* Tier 2: who answers for the port's addresses; members and transit, the
 * port's own host too. */
void vx_compile_neigh(const struct vx_port *port, uint32_t vni,
                      struct vx_rows *rows);
/* Tier 2: the MAC of each of the port's addresses, for routed packets; every
 * host that routes to the network, but the port's own. */
void vx_compile_adj(const struct vx_port *port, uint32_t vni,
                    struct vx_rows *rows);
/* Tier 2: how to get to the port: by the host of this number, or to a zone's
 * borders (VX_TO_BORDER | number of the zone). */
void vx_compile_fdb(const struct vx_port *port, uint32_t vni, uint32_t to,
                    struct vx_rows *rows);
/* Tier 2 of a border that transits the network: the port is on this very
 * host. */
void vx_compile_fdb_local(const struct vx_port *port, uint32_t vni,
                          struct vx_rows *rows);

/* --- Routing and policy: tier 1 of hosts with members of a routed network of
 * the tenant.  router is its L3VNI. */

/* Answers of the gateway address, and the way into the subnet.  What comes in
 * from the router network itself (vni is router: legs of gateways, routers of
 * other fabrics) has policies of its own. */
void vx_compile_subnet(const struct vx_subnet *subnet, uint32_t vni,
                       uint32_t router, struct vx_rows *rows);

/* What is too big for a network with a smaller MTU than others of the tenant;
 * network: its oid. */
void vx_compile_small_mtu(uint64_t network, uint32_t vni, uint16_t mtu,
                          struct vx_rows *rows);

/* A next hop that was found and lives: a port of the tenant. */
struct vx_nexthop {
    struct vx_ip ip;
    struct vx_mac mac;
    uint32_t vni;               /* of its network */
};
/* hops: the living ones of route->via, in its order; may be none. */
void vx_compile_route(const struct vx_route *route, uint32_t router,
                      const struct vx_nexthop *hops, size_t n_hops,
                      struct vx_rows *rows);
/* vni: of match.network, 0 = any. */
void vx_compile_policy(const struct vx_policy *policy, uint32_t router,
                       uint32_t vni, const struct vx_nexthop *hops,
                       size_t n_hops, struct vx_rows *rows);
/* Rows that vx_compile_policy makes of it, but those of next hops; what is
 * validated against VX_POLICY_MAX_ROWS.  O(ranges). */
size_t vx_policy_n_rows(const struct vx_policy *policy);
/* The fewest value/mask pairs that cover the range, at most 30; returns how
 * many, the arrays may be NULL. */
size_t vx_port_masks(const struct vx_port_range *range, uint16_t *ret_values,
                     uint16_t *ret_masks);

/* Which of n > 0 keys (addresses, host numbers as 128-bit values) serves the
 * slot, 0 <= slot < VX_ECMP_SLOTS: rendezvous hashing, so that a key that goes
 * moves only its own slots, and independent of the order of keys. */
size_t vx_ecmp_pick(unsigned slot, const unsigned __int128 *keys, size_t n);

#endif
