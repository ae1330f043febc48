/* SPDX-License-Identifier: Apache-2.0 */
/* The fabric: what every switch ought to hold, and what a change means.
 *
 *   committed changes ----\
 *   interfaces of hosts ---+--> vx_fabric --> rows to delete and add, per
 *                               (graph of     set of hosts (sink)
 *                               placement)
 *
 * It keeps the graph of what has been applied so far: hosts, networks with
 * the hosts that have presence, ports with their place and interface.
 * Changes are applied one at a time, in commit order; each emits exactly the
 * difference, computed by the same unit functions (compile.h) that a full
 * compile of a host loops over.  Invariant, held by a property test: the rows
 * a host got by differences == vx_fabric_compile of that host.
 *
 * Presence: a host has presence for a network while a port of it is located
 * there (vx_port_location), plugged or not, or is about to migrate there, so
 * tier 2 is in place before the VM starts or lands; and for a grace time
 * after its last port went, so that a port that comes back finds all there.
 * Nothing lingers of a network, port or host that is removed.
 *
 * Migration: while an object says migrate_from, the port is there, and has a
 * second place at its host: presence, and a tap (vx_compile_tap) once the
 * interface is up.  When migrate_from goes, both swap: the place it left is
 * the second one until the interface there goes or the grace time is over.
 * So there is no moment in which nobody listens for the port, and none in
 * which two do.
 *
 * Cost: a port costs O(hosts with presence of its network); the first port of
 * a network on a host costs also the network's ports once; a host costs
 * O(hosts).  Pure: libc only, no clock, sorted output. */
#ifndef VX_CORE_FABRIC_H
#define VX_CORE_FABRIC_H

#include "core/flow.h"
#include "core/object.h"

struct vx_fabric;

/* del first, then add; both in send order: for del references before
 * destinations, for add destinations before references (order.h).  A flow
 * whose key is in both is only in add and replaces; a bucket cannot be
 * replaced and is in both.  The rows are the same for all hosts:
 * encode once.  after_other: they take away what packets go by until what the
 * host's other tier was told before is in force there; sent sooner, they cost
 * packets (a port that moves), never isolation.  Valid for the time of the
 * call. */
struct vx_delta {
    enum vx_tier tier;
    const struct vx_row *del;
    size_t n_del;
    const struct vx_row *add;
    size_t n_add;
    bool after_other;
};

/* What stays for a while on a host: presence of a network, or the second
 * place of a port that has migrated. */
struct vx_grace {
    uint64_t number;        /* never used twice */
    uint64_t object;        /* network or port */
    uint64_t host;
};

/* Called from within a change: no function here may call back into the
 * fabric, only note what to do after it.  Any of them may be NULL. */
struct vx_fabric_sink {
    void *ctx;
    void (*rows)(void *ctx, const uint64_t *hosts, size_t n_hosts,
                 const struct vx_delta *delta);
    /* An interface with the port's iface-id is up on a host that is not
     * draining and the port's intent names no host: make located = host
     * durable (VX_OP_LOCATE), which comes back as a change.  Not while an
     * interface is up where the port is located; may be said again until it
     * is done. */
    void (*locate)(void *ctx, uint64_t port, uint64_t host);
    /* What the status of this port depends on has changed. */
    void (*port_touched)(void *ctx, uint64_t port);
    /* Something stays for a while: call vx_fabric_grace_over() then.  NULL:
     * nothing stays. */
    void (*grace)(void *ctx, const struct vx_grace *grace);
    /* The port at this address becomes a next hop of a route or policy, or
     * is none any more. */
    void (*hop)(void *ctx, uint64_t port, const struct vx_ip *ip, bool used);
    /* The path of a zone has changed, and both ways work now: call
     * vx_fabric_zone_settle() when the switches have it.  NULL: paths change
     * at once. */
    void (*opened)(void *ctx, uint64_t zone);
};

/* The sink is borrowed until vx_fabric_free. */
struct vx_fabric *vx_fabric_new(const struct vx_fabric_sink *sink);
/* The BUM budget of ports that name none; 0 = unlimited.  Before the first
 * change. */
void vx_fabric_set_bum(struct vx_fabric *fabric, uint32_t port_bum_pps);
void vx_fabric_free(struct vx_fabric *fabric);

/* One committed change (either may be NULL, as in struct vx_change).  Takes
 * its own references.  While loading at start, the sink may be mute (its
 * functions NULL).  A port may come before its network or host: it has no
 * place until they are known. */
void vx_fabric_change(struct vx_fabric *fabric, const struct vx_obj *old,
                      const struct vx_obj *new);

/* For a controller that starts.  The interfaces of the host are not known
 * before it has told them: what may have left one there keeps its second
 * place.  Then (unheard is false) what has none there loses it. */
void vx_fabric_unheard(struct vx_fabric *fabric, uint64_t host,
                       bool unheard);
/* The port has only just come from the host that its object says (left): its
 * second place is there, as if it had been seen to move. */
void vx_fabric_linger(struct vx_fabric *fabric, uint64_t port);

/* The interface with this iface-id on br-tenant of the host has this
 * OpenFlow port; 0 = it is gone (or has no ofport yet).  Idempotent.  Any
 * time, also before the host or the port is known.  A number that another
 * interface of the host had is taken away from that one first.  Numbers from
 * VX_OFPORT_PATCH on count as 0. */
void vx_fabric_iface(struct vx_fabric *fabric, uint64_t host,
                     const char *iface_id, uint32_t ofport);

/* The time of a grace is over; nothing if it has come to nothing, or to a new
 * one, in the meantime. */
void vx_fabric_grace_over(struct vx_fabric *fabric,
                          const struct vx_grace *grace);

/* A port lives (as all do unless told) or not: next hops that do not are not
 * used.  O(paths by its addresses * hosts of the tenant). */
void vx_fabric_port_alive(struct vx_fabric *fabric, uint64_t port,
                          bool alive);
/* A host lives (as all do unless told) or not: as a border it is not used
 * while others of its zone live, nor are its ports as next hops while other
 * ones live.  Of a host O(its networks and ports), of a border O(rows of the
 * zone's networks). */
void vx_fabric_host_alive(struct vx_fabric *fabric, uint64_t host,
                          bool alive);
/* Calls f for every next hop that was found: port and address, sorted by
 * tenant and address, each once. */
void vx_fabric_hops(const struct vx_fabric *fabric,
                    void (*f)(void *aux, uint64_t port,
                              const struct vx_ip *ip), void *aux);
/* The port that is at this address in a routed subnet of the tenant, and
 * whether it is placed and lives; 0 = none.  O(log n). */
uint64_t vx_fabric_hop(const struct vx_fabric *fabric, uint64_t tenant,
                       const struct vx_ip *ip, bool *ret_usable);

/* A zone whose path has changed goes its new way only. */
void vx_fabric_zone_settle(struct vx_fabric *fabric, uint64_t zone);

/* What stays for a while of this network, host or port goes now. */
void vx_fabric_settle(struct vx_fabric *fabric, uint64_t oid);

/* Rows that the switch would hold too if the ports that have only just moved
 * had not: it may hold them until the host's other tier has what replaces
 * them, as struct vx_delta says of after_other. */
void vx_fabric_compile_past(const struct vx_fabric *fabric, uint64_t host,
                            enum vx_tier tier, struct vx_rows *ret_rows);

/* All rows one switch ought to hold, in an order that is safe to load, the
 * most urgent first: base and VTEPs, then network after network, those with
 * plugged ports first and the smaller ones sooner, each in add order
 * (order.h).  Rows of different networks never refer to each other.  Empty
 * if the host is not known. */
void vx_fabric_compile(const struct vx_fabric *fabric, uint64_t host,
                       enum vx_tier tier, struct vx_rows *ret_rows);

/* Sum of vx_row_hash() over all those rows: two switches' worth of rows with
 * the same sum are the same rows.  O(rows) the first time for a switch, then
 * kept by the changes, in O(change): O(log hosts). */
uint64_t vx_fabric_hash(struct vx_fabric *fabric, uint64_t host,
                        enum vx_tier tier);

/* The same a part at a time, in no particular order: rows, which is emptied
 * first, gets some VX_FABRIC_PART.  *cursor is zero for the first part; false:
 * it was the last.  Changes may come between the calls: a row they do not
 * touch is in one part exactly. */
enum { VX_FABRIC_PART = 1000 };
struct vx_fabric_cursor {
    uint64_t network, port, tenant, path;
    size_t max;                 /* rows; 0 = VX_FABRIC_PART */
};
bool vx_fabric_compile_part(const struct vx_fabric *fabric, uint64_t host,
                            enum vx_tier tier,
                            struct vx_fabric_cursor *cursor,
                            struct vx_rows *rows);

/* --- What status and dry run ask. */

struct vx_place {
    uint64_t network;       /* oid */
    uint64_t host;          /* location, 0 = none */
    uint32_t ofport;        /* of its interface there, 0 = not plugged */
    uint64_t elsewhere;     /* host where an interface with its iface-id is
                             * seen though the port is not allowed or located
                             * there, 0 = none */
    uint64_t guest;         /* second place: host it migrates to or has just
                             * migrated from, 0 = none */
    uint32_t guest_ofport;  /* of its interface there, 0 = not plugged */
};
/* False if the port is unknown. */
bool vx_fabric_place(const struct vx_fabric *fabric, uint64_t port,
                     struct vx_place *ret_place);
/* The host the sink's locate would be told for this port now, 0 = none: what
 * was noted then may not be true any more. */
uint64_t vx_fabric_locate(const struct vx_fabric *fabric, uint64_t port);
/* Hosts with presence, sorted by oid; valid until the next change. */
const uint64_t *vx_fabric_network_hosts(const struct vx_fabric *fabric,
                                        uint64_t network, size_t *ret_n);
/* The host is one of them.  O(log n). */
bool vx_fabric_has_presence(const struct vx_fabric *fabric, uint64_t network,
                            uint64_t host);
/* A port of the network is located on the host: presence for its own sake,
 * not for a guest or for a grace time.  O(log n). */
bool vx_fabric_has_port_at(const struct vx_fabric *fabric, uint64_t network,
                           uint64_t host);
/* Calls f for every network with presence on the host / for every port of
 * the network that has a location, in oid order. */
void vx_fabric_host_networks(const struct vx_fabric *fabric, uint64_t host,
                             void (*f)(void *aux, uint64_t network),
                             void *aux);
void vx_fabric_network_ports(const struct vx_fabric *fabric,
                             uint64_t network,
                             void (*f)(void *aux, uint64_t port), void *aux);
/* The port with this interface on the host, at its place or its second one;
 * 0 = none.  O(log n). */
uint64_t vx_fabric_port_at(const struct vx_fabric *fabric, uint64_t host,
                           uint32_t ofport);
/* The first port of the network, with a location or without, whose oid is
 * higher; 0 = none.  O(log n). */
uint64_t vx_fabric_next_port(const struct vx_fabric *fabric,
                             uint64_t network, uint64_t after);
/* Ports located on the host. */
size_t vx_fabric_host_n_ports(const struct vx_fabric *fabric, uint64_t host);

#endif
