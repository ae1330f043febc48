/* SPDX-License-Identifier: Apache-2.0 */
/* The graph inside a fabric; private to fabric_*.c and their tests.
 *
 *   host --members--> member <--members-- network
 *                       |                    |
 *                     ports (located)      ports (all)
 *                     guests (second place of a port that migrates)
 *
 * A member without ports and guests is in its grace time: the sink was told,
 * and says when it is over.
 *
 * A node can be there before its object (a port whose host is not known, an
 * interface of a host that has not joined): obj is NULL then, and the node
 * goes when nothing refers to it any more.  So the order in which objects
 * and interfaces become known never matters.
 *
 * What the switches were told is in the graph too (place of a port, ofport),
 * so the rows of before a change can be compiled again at any time. */
#ifndef VX_CORE_FABRIC_GRAPH_H
#define VX_CORE_FABRIC_GRAPH_H

#include "core/fabric.h"
#include "core/pipeline.h"
#include "lib/tree.h"

struct vx_fhost {
    struct vx_tree_node by_oid;
    uint64_t oid;
    const struct vx_host *obj;  /* NULL: not known */
    struct vx_tree ports;       /* vx_fport.by_host */
    struct vx_tree members;     /* vx_fmember.by_network */
    struct vx_tree ifaces;      /* vx_fiface.by_ofport */
    size_t n_ports;             /* ports placed here */
    bool hashed[2];             /* by tier - 1: somebody has asked */
    uint64_t hash[2];           /* vx_fabric_hash, if so */
};

struct vx_fnet {
    struct vx_tree_node by_oid;
    uint64_t oid;
    const struct vx_network *obj;   /* NULL: not known */
    struct vx_tree ports;       /* vx_fport.by_network */
    struct vx_fmember **members;    /* sorted by oid of host */
    uint64_t *hosts;            /* their oids */
    size_t n_hosts, cap_members, cap_hosts;
    struct vx_fhost **bum;      /* hosts of members, sorted by number */
    size_t n_bum, cap_bum;
};

/* Presence of a network on a host. */
struct vx_fmember {
    struct vx_tree_node by_network;
    struct vx_fnet *net;
    struct vx_fhost *host;
    struct vx_tree ports;       /* vx_fport.by_member: placed here */
    struct vx_tree guests;      /* vx_fport.by_guest */
    uint64_t grace;             /* number of its grace time; 0 = none */
};

/* Where a port is, or ought to be: as told to the switches. */
struct vx_fplace {
    const struct vx_port *obj;  /* NULL: it is no more */
    struct vx_fhost *host;      /* NULL: nowhere */
    uint32_t ofport;            /* 0 = not plugged */
    struct vx_fhost *guest;     /* second place: where it migrates to, or has
                                 * just come from */
    uint32_t guest_ofport;
};

struct vx_fport {
    struct vx_tree_node by_oid, by_network, by_host, by_member, by_iface,
                        by_guest;
    uint64_t oid;
    const struct vx_port *obj;
    struct vx_fnet *net;
    struct vx_fhost *location;  /* as the object says, known or not */
    struct vx_fmember *member;  /* where it is placed, NULL = nowhere:
                                 * host or network are not known */
    uint32_t ofport;            /* as told to the switch; 0 = not plugged */
    struct vx_fmember *guest;   /* second place, NULL = none */
    uint32_t guest_ofport;
    uint64_t left;              /* oid of the host it has just migrated from,
                                 * while it has a second place there */
    uint64_t grace;             /* number of that grace time */
};

struct vx_fiface {
    struct vx_tree_node by_id, by_ofport;
    char *id;
    struct vx_fhost *host;
    uint32_t ofport;            /* not 0; unique on the host */
};

struct vx_fabric {
    const struct vx_fabric_sink *sink;
    struct vx_tree hosts, nets, ports;  /* by oid */
    struct vx_tree ports_by_iface;      /* (iface_id, oid) */
    struct vx_tree ifaces;              /* (id, oid of host) */
    size_t max_buckets;         /* VX_GROUP_MAX_BUCKETS; less in tests */
    uint64_t last_grace;
    bool at_once;               /* something is removed: no grace */
    struct vx_rows old, new, del, add;  /* scratch of an emission */
    uint64_t *list;             /* scratch: hosts of an emission */
    size_t cap_list;
};

/* --- fabric_graph.c: nodes and links. */

struct vx_fhost *vx_fhost_find(const struct vx_fabric *f, uint64_t oid);
struct vx_fhost *vx_fhost_get(struct vx_fabric *f, uint64_t oid);
void vx_fhost_put(struct vx_fabric *f, struct vx_fhost *host);
struct vx_fnet *vx_fnet_find(const struct vx_fabric *f, uint64_t oid);
struct vx_fnet *vx_fnet_get(struct vx_fabric *f, uint64_t oid);
void vx_fnet_put(struct vx_fabric *f, struct vx_fnet *net);

struct vx_fmember *vx_fmember_find(const struct vx_fnet *net,
                                   uint64_t host);
struct vx_fmember *vx_fmember_new(struct vx_fnet *net,
                                  struct vx_fhost *host);
void vx_fmember_free(struct vx_fmember *member);    /* is empty */
static inline bool
vx_fmember_is_empty(const struct vx_fmember *member)
{
    return !member->ports.count && !member->guests.count;
}

struct vx_fport *vx_fport_find(const struct vx_fabric *f, uint64_t oid);
/* With its net, without location, place and iface-id. */
struct vx_fport *vx_fport_new(struct vx_fabric *f, uint64_t oid,
                              uint64_t network);
void vx_fport_free(struct vx_fabric *f, struct vx_fport *port);
void vx_fport_set_location(struct vx_fabric *f, struct vx_fport *port,
                           uint64_t host);
void vx_fport_set_member(struct vx_fport *port, struct vx_fmember *member);
void vx_fport_set_guest(struct vx_fport *port, struct vx_fmember *member);
/* obj->iface_id must be the same between the two. */
void vx_fport_link_iface(struct vx_fabric *f, struct vx_fport *port);
void vx_fport_unlink_iface(struct vx_fabric *f, struct vx_fport *port);
/* The first port with the iface-id, by oid; then the next. */
struct vx_fport *vx_fport_first(const struct vx_fabric *f, const char *id);
struct vx_fport *vx_fport_next(const struct vx_fport *port);

struct vx_fiface *vx_fiface_find(const struct vx_fabric *f, const char *id,
                                 uint64_t host);
struct vx_fiface *vx_fiface_new(struct vx_fabric *f, const char *id,
                                struct vx_fhost *host);
void vx_fiface_free(struct vx_fabric *f, struct vx_fiface *iface);
/* 0 takes it out of the host's index. */
void vx_fiface_set_ofport(struct vx_fiface *iface, uint32_t ofport);
struct vx_fiface *vx_fiface_by_ofport(const struct vx_fhost *host,
                                      uint32_t ofport);
/* The first interface with the id, by oid of its host; then the next. */
struct vx_fiface *vx_fiface_first(const struct vx_fabric *f,
                                  const char *id);
struct vx_fiface *vx_fiface_next(const struct vx_fiface *iface);

/* Hosts in the order of their numbers that have a place in the BUM group. */
void vx_fbum_insert(struct vx_fnet *net, struct vx_fhost *host);
void vx_fbum_remove(struct vx_fnet *net, struct vx_fhost *host);
/* Index of the first whose number is >= num. */
size_t vx_fbum_rank(const struct vx_fnet *net, uint32_t num);

static inline struct vx_fhost *
vx_fport_host(const struct vx_fport *port)
{
    return port->member ? port->member->host : NULL;
}

#define VX_FHOST(NODE) VX_CONTAINER(NODE, struct vx_fhost, by_oid)
#define VX_FNET(NODE) VX_CONTAINER(NODE, struct vx_fnet, by_oid)
#define VX_FPORT(NODE, MEMBER) VX_CONTAINER(NODE, struct vx_fport, MEMBER)
#define VX_FMEMBER(NODE) VX_CONTAINER(NODE, struct vx_fmember, by_network)

/* --- fabric_emit.c: differences as deltas. */

enum vx_femit { VX_FEMIT_DEL, VX_FEMIT_ADD };

/* False while nobody listens: rows need not be made. */
bool vx_femit_on(const struct vx_fabric *f);
/* Turns f->old into f->new on the hosts; empties both. */
void vx_femit_change(struct vx_fabric *f, enum vx_tier tier,
                     const uint64_t *hosts, size_t n_hosts);
/* The oids of the members but those of a and b (may be NULL). */
size_t vx_femit_others(struct vx_fabric *f, const struct vx_fnet *net,
                       const struct vx_fhost *a, const struct vx_fhost *b);
/* All known hosts but this one. */
size_t vx_femit_all_but(struct vx_fabric *f, const struct vx_fhost *host);
/* Rows of a port that is at a host, for a viewer of the same network. */
void vx_femit_port(const struct vx_port *port, const struct vx_fmember *at,
                   const struct vx_fhost *viewer, struct vx_rows *rows);
/* Tier 2 rows of the network itself for a viewer, buckets included. */
void vx_femit_network(const struct vx_fabric *f, const struct vx_fnet *net,
                      const struct vx_fhost *viewer, struct vx_rows *rows);
/* Tier 1 rows of the member's network and of the taps it has there. */
void vx_femit_tier1(const struct vx_fmember *member,
                    const struct vx_network *network, struct vx_rows *rows);
/* Everything a host has of a network but the rows of plugged ports. */
void vx_femit_presence(struct vx_fabric *f, const struct vx_fmember *member,
                       enum vx_femit what);
/* The host, which is not in net->bum, joins or has left it. */
void vx_femit_bum(struct vx_fabric *f, const struct vx_fnet *net,
                  const struct vx_fhost *host, enum vx_femit what);
/* The network, whose object is new already, had another VNI before. */
void vx_femit_renumbered(struct vx_fabric *f, struct vx_fnet *net,
                         const struct vx_network *before);
void vx_femit_touch(struct vx_fabric *f, const struct vx_fport *port);
void vx_femit_touch_network(struct vx_fabric *f, const struct vx_fnet *net);

/* --- fabric_port.c: the one way a port changes. */

/* Moves a port from where it is to another place and emits what that means.
 * References of objects are the caller's. */
void vx_fport_move(struct vx_fabric *f, struct vx_fport *port,
                   const struct vx_fplace *to);
/* Where it is. */
struct vx_fplace vx_fport_place(const struct vx_fport *port);
/* Where it ought to be with this object, but for taps. */
struct vx_fplace vx_fport_untapped(const struct vx_fabric *f,
                                   const struct vx_fport *port,
                                   const struct vx_port *obj);
/* Where it ought to be with this object, which has the iface-id under which
 * the port is linked. */
struct vx_fplace vx_fport_wanted(struct vx_fabric *f, struct vx_fport *port,
                                 const struct vx_port *obj);
/* It has migrated from this host: that stays its second place for a while. */
void vx_fport_leave(struct vx_fabric *f, struct vx_fport *port,
                    uint64_t host);
/* A host loses an empty member; its grace time, if any, is over. */
void vx_fmember_lose(struct vx_fabric *f, struct vx_fmember *member);
/* The host it is to be made located at, 0 = none. */
uint64_t vx_fport_locate(const struct vx_fabric *f,
                         const struct vx_fport *port);
/* Brings all ports with the iface-id to where they ought to be. */
void vx_fport_refresh(struct vx_fabric *f, const char *iface_id);

#endif
