/* SPDX-License-Identifier: Apache-2.0 */
/* The graph inside a fabric; private to fabric_*.c and their tests.
 *
 *   zone --hosts--> host --members--> member <--members-- network <-- tenant
 *     borders        |                  |                   |  |         |
 *                    |     ports (located here)      ports, subnets   paths
 *                    |     guests (second place of a port            (routes,
 *                    |             that migrates)                 policies)
 *                    +---reaches--> reach <----------reaches----------+
 *
 * A member is what a host has of a network, by role: full (ports or guests
 * are there, or its grace time is not over: the sink was told, and says when
 * it is), reached (ports of a network routed with it are there), transit (it
 * is a border of its zone, and others of the zone have the network).  A
 * reach is what a host has of a tenant: its router, if there are full members
 * of routed networks, and its budget.
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

#include "core/compile.h"
#include "core/fabric.h"
#include "core/pipeline.h"
#include "lib/tree.h"

/* What is in a tree of its kind and in one of its parent, by oid.  The first
 * member of those. */
struct vx_fchild {
    struct vx_tree_node by_oid, by_parent;
    uint64_t oid;
};

struct vx_fzone {
    struct vx_tree_node by_oid;
    uint64_t oid;
    const struct vx_zone *obj;  /* NULL: not known */
    struct vx_tree hosts;       /* vx_fhost.by_zone */
    struct vx_fhost *borders[VX_ZONE_MAX_BORDERS];  /* known hosts of it that
                                 * are its borders, sorted by oid */
    size_t n_borders;
    bool open;                  /* its path is about to change, or has just:
                                 * hosts go directly, borders transit */
};

struct vx_fhost {
    struct vx_tree_node by_oid, by_zone;
    uint64_t oid;
    const struct vx_host *obj;  /* NULL: not known */
    struct vx_tree ports;       /* vx_fport.by_host */
    struct vx_tree members;     /* vx_fmember.by_network */
    struct vx_tree ifaces;      /* vx_fiface.by_ofport */
    struct vx_tree reaches;     /* vx_freach.by_tenant */
    struct vx_fzone *zone;      /* of obj */
    bool dead;                  /* told so: not to be used as a border, nor
                                 * its ports as next hops, while others are
                                 * there */
    bool unheard;               /* told so: its interfaces are not known */
    size_t n_ports;             /* ports placed here */
    bool hashed[2];             /* by tier - 1: somebody has asked */
    uint64_t hash[2];           /* vx_fabric_hash, if so */
};

/* How many hosts of a zone have a network, for their own sake. */
struct vx_fnzone {
    struct vx_fzone *zone;
    size_t n_native;            /* members that are full or reached */
    size_t n_full;
};

struct vx_fnet {
    struct vx_tree_node by_oid, by_tenant;
    uint64_t oid;
    const struct vx_network *obj;   /* NULL: not known */
    struct vx_segment seg;      /* as told to the switches; network is obj */
    uint32_t mtu_vni;           /* what is too big for it, as told to hosts */
    uint16_t mtu;               /* that route to it; 0 = nothing */
    struct vx_ften *tenant;     /* of obj */
    bool going;                 /* it is being removed */
    struct vx_tree subs;        /* vx_fsub.child.by_parent */
    struct vx_tree ips;         /* vx_fip.by_ip: addresses of its ports */
    struct vx_fnzone *zones;    /* sorted by oid; none without members */
    size_t n_zones, cap_zones;
    struct vx_tree ports;       /* vx_fport.by_network */
    struct vx_fmember **members;    /* sorted by oid of host */
    uint64_t *hosts;            /* their oids */
    size_t n_hosts, cap_members, cap_hosts;
    size_t n_external;          /* full members on hosts of other fabrics */
    struct vx_fhost **bum;      /* hosts of full members, sorted by number */
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
    bool full, reached, transit;    /* roles, as told to the switches */
};

/* A tenant's router. */
struct vx_ften {
    struct vx_tree_node by_oid;
    uint64_t oid;
    const struct vx_tenant *obj;    /* NULL: not known */
    struct vx_tree nets;        /* vx_fnet.by_tenant: the known ones */
    struct vx_fnet *router_net; /* of them VX_ROUTER_NETWORK; or NULL */
    struct vx_tree routed;      /* vx_fsub.by_prefix: in force */
    struct vx_tree paths;       /* vx_fpath.child.by_parent */
    struct vx_tree uses;        /* vx_fuse.by_ip */
    struct vx_tree reaches;     /* vx_freach.by_host */
    uint16_t max_mtu;           /* of its routed networks */
    size_t n_max_mtu;           /* how many have it */
};

struct vx_freach {
    struct vx_tree_node by_tenant, by_host;
    struct vx_ften *tenant;
    struct vx_fhost *host;
    size_t n_members;           /* of its networks */
    size_t n_full;              /* full ones of routed networks: the router's
                                 * rows are there if it is not 0 */
};

struct vx_fsub {
    struct vx_fchild child;
    struct vx_tree_node by_prefix;
    const struct vx_subnet *obj;
    struct vx_fnet *net;
    const struct vx_subnet *told;   /* in force: what the switches know of it
                                     * (a reference), NULL = nothing */
    uint32_t vni, router;       /* ... with these */
};

/* A route or policy. */
struct vx_fuse {
    struct vx_tree_node by_ip;
    struct vx_ip ip;            /* of a next hop */
    struct vx_fpath *path;
    uint64_t port;              /* oid of whom it is found to be, or 0 */
};

struct vx_fpath_told {
    const struct vx_obj *obj;   /* a reference; NULL = nothing */
    uint32_t router, vni;       /* vni: of a policy's match.network */
    struct vx_nexthop hops[VX_MAX_HOPS];
    size_t n_hops;
};

struct vx_fpath {
    struct vx_fchild child;
    const struct vx_obj *obj;
    struct vx_ften *tenant;
    struct vx_fuse *uses;       /* one for each of its next hops */
    size_t n_uses;
    struct vx_fpath_told told;  /* what the switches know of it */
};

/* An address of a port. */
struct vx_fip {
    struct vx_tree_node by_ip;
    struct vx_ip ip;
    struct vx_fport *port;
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
                                 * while it has a second place there; its
                                 * interface is there, or the host unheard */
    uint64_t grace;             /* number of that grace time */
    struct vx_fip *ips;         /* of obj, while the network knows them */
    size_t n_ips;
    bool dead;                  /* told so: no next hop */
};

/* Key of the indexes by address. */
struct vx_fip_key {
    const struct vx_ip *ip;
    uint64_t oid;               /* of the port, of the path */
};

struct vx_fdead {
    struct vx_tree_node by_oid;
    uint64_t oid;
};

struct vx_fiface {
    struct vx_tree_node by_id, by_ofport;
    char *id;
    struct vx_fhost *host;
    uint32_t ofport;            /* not 0; unique on the host */
};

struct vx_fabric {
    const struct vx_fabric_sink *sink;
    struct vx_tree hosts, nets, ports, zones, tenants, subs, paths;
                                        /* by oid */
    struct vx_tree ports_by_iface;      /* (iface_id, oid) */
    struct vx_tree ifaces;              /* (id, oid of host) */
    size_t max_buckets;         /* VX_GROUP_MAX_BUCKETS; less in tests */
    struct vx_tree dead;        /* vx_fdead.by_oid: ports and hosts that are
                                 * told not to live, also while they are not
                                 * known: a rehearsal takes them away and puts
                                 * them back */
    uint32_t port_bum_pps;      /* of ports that name none */
    size_t n_direct;            /* networks whose path is VX_PATH_DIRECT */
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
struct vx_fzone *vx_fzone_find(const struct vx_fabric *f, uint64_t oid);
struct vx_fzone *vx_fzone_get(struct vx_fabric *f, uint64_t oid);
void vx_fzone_put(struct vx_fabric *f, struct vx_fzone *zone);
struct vx_ften *vx_ften_find(const struct vx_fabric *f, uint64_t oid);
struct vx_ften *vx_ften_get(struct vx_fabric *f, uint64_t oid);
void vx_ften_put(struct vx_fabric *f, struct vx_ften *tenant);
struct vx_fnet *vx_fnet_find(const struct vx_fabric *f, uint64_t oid);
struct vx_fnet *vx_fnet_get(struct vx_fabric *f, uint64_t oid);
void vx_fnet_put(struct vx_fabric *f, struct vx_fnet *net);

struct vx_fmember *vx_fmember_find(const struct vx_fnet *net,
                                   uint64_t host);
/* What the host has of the network of this oid, NULL = nothing. */
struct vx_fmember *vx_fmember_find_at(const struct vx_fhost *host,
                                      uint64_t network);
struct vx_fmember *vx_fmember_new(struct vx_fnet *net,
                                  struct vx_fhost *host);
void vx_fmember_free(struct vx_fmember *member);    /* has no role */
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

/* What a port or host of this oid is told to be. */
bool vx_fdead_is(const struct vx_fabric *f, uint64_t oid);
void vx_fdead_set(struct vx_fabric *f, uint64_t oid, bool dead);

/* The host is in this zone (NULL: none), and counts there with its
 * members. */
void vx_fhost_set_zone(struct vx_fhost *host, struct vx_fzone *zone);
/* A member's roles but transit, counted by zone.  True if its zone has the
 * network now and had it not, or the other way round. */
bool vx_fmember_set_roles(struct vx_fmember *member, bool full,
                          bool reached);
/* The network's counts for a zone; zeros if it has none. */
struct vx_fnzone vx_fnet_zone(const struct vx_fnet *net,
                              const struct vx_fzone *zone);

/* Addresses of the port's object in its network's index. */
void vx_fport_link_ips(struct vx_fport *port);
void vx_fport_unlink_ips(struct vx_fport *port);
/* Who has the address in the network, NULL = nobody. */
struct vx_fport *vx_fnet_port_of_ip(const struct vx_fnet *net,
                                    const struct vx_ip *ip);

struct vx_freach *vx_freach_find(const struct vx_ften *tenant,
                                 uint64_t host);
struct vx_freach *vx_freach_new(struct vx_ften *tenant,
                                struct vx_fhost *host);
void vx_freach_free(struct vx_freach *reach);

/* Of trees of vx_fchild, by_oid and by_parent. */
int vx_fchild_compare(const void *oid, const struct vx_tree_node *node);
int vx_fchild_compare_sibling(const void *oid,
                              const struct vx_tree_node *node);

/* With its net, not in force. */
struct vx_fsub *vx_fsub_find(const struct vx_fabric *f, uint64_t oid);
struct vx_fsub *vx_fsub_new(struct vx_fabric *f, uint64_t oid,
                            uint64_t network);
void vx_fsub_free(struct vx_fabric *f, struct vx_fsub *sub);

struct vx_fpath *vx_fpath_find(const struct vx_fabric *f, uint64_t oid);
struct vx_fpath *vx_fpath_new(struct vx_fabric *f, uint64_t oid,
                              uint64_t tenant);
void vx_fpath_free(struct vx_fabric *f, struct vx_fpath *path);
/* Its next hops in the tenant's index of uses: those of obj, or the legs of
 * the tenant's gateways. */
void vx_fpath_link_uses(struct vx_fpath *path);
void vx_fpath_unlink_uses(struct vx_fpath *path);
/* The first use of the address, then the next; NULL = no more. */
struct vx_fuse *vx_fuse_first(const struct vx_ften *tenant,
                              const struct vx_ip *ip);
struct vx_fuse *vx_fuse_next(const struct vx_fuse *use);

#define VX_FHOST(NODE) VX_CONTAINER(NODE, struct vx_fhost, by_oid)
#define VX_FNET(NODE) VX_CONTAINER(NODE, struct vx_fnet, by_oid)
#define VX_FPORT(NODE, MEMBER) VX_CONTAINER(NODE, struct vx_fport, MEMBER)
#define VX_FZONE(NODE) VX_CONTAINER(NODE, struct vx_fzone, by_oid)
#define VX_FREACH(NODE) VX_CONTAINER(NODE, struct vx_freach, by_host)
#define VX_FPATH(NODE) \
    VX_CONTAINER(NODE, struct vx_fpath, child.by_parent)
#define VX_FSUB(NODE) \
    VX_CONTAINER(NODE, struct vx_fsub, child.by_parent)
#define VX_FMEMBER(NODE) VX_CONTAINER(NODE, struct vx_fmember, by_network)

/* --- fabric_view.c: who sees what.  Pure functions of the graph. */

/* Hosts of the zone reach other zones by its borders, in this network. */
bool vx_fzone_is_bordered(const struct vx_fzone *zone,
                          const struct vx_fnet *net);
bool vx_fzone_has_border(const struct vx_fzone *zone,
                         const struct vx_fhost *host);
/* Its borders transit, whether hosts of it use them or not (yet, still). */
bool vx_fzone_transits(const struct vx_fzone *zone,
                       const struct vx_fnet *net);
/* The border of a bordered zone that replicates the network's BUM: a living
 * one, if one lives. */
const struct vx_fhost *vx_fzone_designated(const struct vx_fzone *zone,
                                           const struct vx_fnet *net);
/* The host is a border and others of its zone have the network. */
bool vx_fmember_is_transit(const struct vx_fmember *member);
bool vx_fmember_has_role(const struct vx_fmember *member);
/* What the member's host has of the network in tier 2. */
struct vx_view vx_fmember_view(const struct vx_fmember *member);
/* Whether a host knows hosts of other zones at all. */
bool vx_fhost_sees_others(const struct vx_fabric *f,
                          const struct vx_fhost *host);

/* How a member sees a port that is at another one, or at itself. */
struct vx_fport_view {
    bool neigh;             /* answers for its addresses */
    bool adj;               /* routes to it */
    bool local;             /* transits to its own tap */
    uint32_t to;            /* number of its host, VX_TO_BORDER | number of
                             * its zone; 0 = no way, or no need of one */
};
struct vx_fport_view vx_fport_view(const struct vx_fmember *viewer,
                                   const struct vx_fmember *at);

/* --- fabric_emit.c: differences as deltas. */

enum vx_femit { VX_FEMIT_DEL, VX_FEMIT_ADD };

/* False while nobody listens: rows need not be made. */
bool vx_femit_on(const struct vx_fabric *f);
/* Turns f->old into f->new on the hosts; empties both. */
void vx_femit_change(struct vx_fabric *f, enum vx_tier tier,
                     const uint64_t *hosts, size_t n_hosts);
/* The same, as struct vx_delta says of after_other. */
void vx_femit_change_after(struct vx_fabric *f, enum vx_tier tier,
                           uint64_t host);
/* f->list with room for n. */
void vx_femit_list(struct vx_fabric *f, size_t n);
/* Tier 2 rows of a port that is at a member, for a viewer that sees it
 * so. */
void vx_femit_port(const struct vx_port *port, const struct vx_fmember *at,
                   const struct vx_fport_view *view, struct vx_rows *rows);
/* The same of a port where it is, if it is anywhere. */
void vx_femit_sight(const struct vx_fmember *viewer,
                    const struct vx_fport *port, struct vx_rows *rows);
/* Tier 2 rows of the network itself for a viewer, buckets included. */
void vx_femit_network(const struct vx_fabric *f,
                      const struct vx_fmember *viewer, struct vx_rows *rows);
/* Tier 1 rows of the network itself, and of the taps a port has at a member;
 * all of both. */
void vx_femit_network_tier1(const struct vx_fmember *member,
                            struct vx_rows *rows);
void vx_femit_taps(const struct vx_fmember *member,
                   const struct vx_fport *port, struct vx_rows *rows);
void vx_femit_tier1(const struct vx_fmember *member, struct vx_rows *rows);
/* All rows that members have of their network, on one tier, from before to
 * after: state(aux, false) makes the graph what it was, state(aux, true) what
 * it will be, and it is that in the end.  O(ports) for each member. */
struct vx_fstate {
    void (*set)(void *aux, bool after);
    void *aux;
    bool network_only;          /* rows of ports do not depend on it */
};
void vx_femit_members(struct vx_fabric *f, struct vx_fmember *const *members,
                      size_t n, enum vx_tier tier,
                      const struct vx_fstate *state);
/* Tier 2 rows of a port that moves, for all members of its network but one:
 * where the port comes to, from another host, packets go by tier 2 until
 * tier 1 has its tap. */
struct vx_fmove {
    const struct vx_port *from, *to;    /* NULL: no port */
    const struct vx_fmember *from_at, *to_at;   /* NULL: nowhere */
    const struct vx_fmember *late;      /* left to vx_femit_move_late */
};
void vx_femit_move(struct vx_fabric *f, const struct vx_fnet *net,
                   const struct vx_fmove *move);
void vx_femit_move_late(struct vx_fabric *f, const struct vx_fmove *move);
/* Members that are of this class; into f->list, returns how many. */
size_t vx_femit_alike(struct vx_fabric *f, const struct vx_fnet *net,
                      const uint8_t *of, unsigned class);

/* --- fabric_bum.c: buckets. */

/* Buckets of all of the viewer's groups; plus: a host that is not in net->bum
 * counts too, NULL = none. */
void vx_fbum_compile(const struct vx_fabric *f,
                     const struct vx_fmember *viewer,
                     const struct vx_fhost *plus, struct vx_rows *rows);
/* The host, which is not in net->bum, joins or has left it: groups of all
 * others.  O(members), with border zones O(members^2). */
void vx_femit_bum(struct vx_fabric *f, const struct vx_fnet *net,
                  const struct vx_fhost *host, enum vx_femit what);
/* The network, whose segment is the new one already, had another VNI
 * before. */
void vx_femit_renumbered(struct vx_fabric *f, struct vx_fnet *net,
                         const struct vx_segment *before);
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

/* --- fabric_member.c: what a host has of a network and of its tenant. */

/* The member gets this role; it is made if it is not there. */
struct vx_fmember *vx_fmember_gain(struct vx_fabric *f, struct vx_fnet *net,
                                   struct vx_fhost *host);
struct vx_fmember *vx_fmember_reach(struct vx_fabric *f, struct vx_fnet *net,
                                    struct vx_fhost *host);
/* A full member, which is empty, is it no more; its grace time, if any, is
 * over.  It may be gone after this, others of the tenant too. */
void vx_fmember_lose(struct vx_fabric *f, struct vx_fmember *member);
void vx_fmember_unreach(struct vx_fabric *f, struct vx_fmember *member);
/* A full member counts (no more) for the reach of its network's tenant, which
 * is routed. */
void vx_freach_gain(struct vx_fabric *f, struct vx_fmember *member);
void vx_freach_lose(struct vx_fabric *f, struct vx_fmember *member);
/* Border hosts have nodes where they transit, and none without a role. */
void vx_fnet_add_transits(struct vx_fabric *f, struct vx_fnet *net,
                          const struct vx_fzone *zone);
void vx_fnet_drop_roleless(struct vx_fabric *f, struct vx_fnet *net);

/* --- fabric_route.c: tenants, subnets, routes and policies. */

void vx_fabric_tenant(struct vx_fabric *f, uint64_t oid,
                      const struct vx_tenant *obj);
void vx_fabric_subnet(struct vx_fabric *f, const struct vx_obj *obj,
                      bool there);
void vx_fabric_path(struct vx_fabric *f, const struct vx_obj *obj,
                    bool there);
/* The segment, subnets and paths of a network whose object (NULL: no more),
 * tenant or subnets have changed. */
void vx_fnet_refresh(struct vx_fabric *f, struct vx_fnet *net);
/* Its subnets and the paths that lead there, from what was told to what is:
 * tier 1 of all hosts the tenant's router reaches. */
void vx_fnet_tell_routes(struct vx_fabric *f, struct vx_fnet *net);
void vx_fnet_tell_subs(struct vx_fabric *f, struct vx_fnet *net);
void vx_ften_tell_paths(struct vx_fabric *f, struct vx_ften *tenant);
/* What the tenant's router has on a host, in tier 1; its budget, in tier
 * 2. */
void vx_femit_reach(const struct vx_freach *reach, struct vx_rows *rows);
/* The same until rows has max or more; *path is 0 at first.  False: there is
 * more. */
bool vx_femit_reach_some(const struct vx_freach *reach, size_t max,
                         uint64_t *path, struct vx_rows *rows);
void vx_femit_budget(const struct vx_freach *reach, struct vx_rows *rows);
void vx_femit_path(const struct vx_fpath_told *told, struct vx_rows *rows);
/* The port has another object, place or state: paths by it. */
void vx_fport_hops_changed(struct vx_fabric *f, const struct vx_fport *port,
                           const struct vx_port *obj);
/* Legs of gateways have come or gone: policies whose next hops they are.
 * O(policies of the tenant + ports of the router network). */
void vx_ften_legs_changed(struct vx_fabric *f, struct vx_ften *tenant);
/* The same if the port is one, or was. */
void vx_fport_leg_changed(struct vx_fabric *f, const struct vx_fport *port,
                          const struct vx_port *before,
                          const struct vx_port *after);
/* A subnet or path of which the switches know something else than they ought
 * to, 0 = none; for tests.  O(all of them). */
uint64_t vx_fabric_untold(struct vx_fabric *f);
/* The host lives, or does not: paths by its ports.  O(networks of the host +
 * its ports of tenants with next hops). */
void vx_fhost_hops_changed(struct vx_fabric *f, const struct vx_fhost *host);

/* --- fabric_zone.c: hosts and zones. */

void vx_fabric_zone(struct vx_fabric *f, uint64_t oid,
                    const struct vx_zone *obj);
/* Rows of a host that depend on no network. */
void vx_femit_host(const struct vx_fabric *f, const struct vx_fhost *host,
                   enum vx_tier tier, struct vx_rows *rows);
/* Another network (or one less) whose path is VX_PATH_DIRECT. */
void vx_fabric_count_direct(struct vx_fabric *f, bool one_more);
/* True if a change of the host's zone moves no packet to another way. */
bool vx_fhost_moves_lightly(const struct vx_fabric *f,
                            const struct vx_fhost *host,
                            const struct vx_host *obj);
/* A known host is another one now: same number, same zone or moving lightly;
 * one of both may be NULL, to join or leave. */
void vx_fhost_set_obj(struct vx_fabric *f, struct vx_fhost *host,
                      const struct vx_host *obj);
/* The host it is to be made located at, 0 = none. */
uint64_t vx_fport_locate(const struct vx_fabric *f,
                         const struct vx_fport *port);
/* Brings all ports with the iface-id to where they ought to be. */
void vx_fport_refresh(struct vx_fabric *f, const char *iface_id);

#endif
