/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of intent.
 *
 * An object is an immutable value: a change makes a new one and keeps the
 * old until everybody has seen the pair (old, new).  So a transaction is
 * undone by putting the old pointer back, the compiler can be asked for the
 * flows of either, and a reader never sees half a change.  Reference counted
 * (one thread, plain counter).
 *
 * Objects refer to each other by oid, never by pointer; a name is looked up
 * once, when an operation is applied. */
#ifndef VX_CORE_OBJECT_H
#define VX_CORE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

enum vx_kind {
    VX_NONE,
    VX_ZONE,            /* key: name */
    VX_HOST,            /* key: name */
    VX_TENANT,          /* key: name */
    VX_NETWORK,         /* key: tenant, name */
    VX_SUBNET,          /* key: tenant, network, CIDR */
    VX_PORT,            /* key: tenant, network, name */
    VX_RETIRED_VNI,     /* internal: a VNI in quarantine; key: decimal VNI */
    VX_ROUTE,           /* key: tenant, prefix */
    VX_POLICY,          /* key: tenant, name */
    VX_GATEWAY,         /* key: name */
    VX_PEERING,         /* key: tenant, name; a tenant's CE or upstream */
    VX_UPLINK,          /* key: name; a peering of the fabric */
    VX_N_KINDS
};

enum {
    VX_VNI_MIN = 1,
    VX_VNI_MAX = 0xffffff,          /* RFC 7348: 24 bits */
    VX_NAME_MAX = 63,               /* [A-Za-z0-9][A-Za-z0-9._-]* */
    VX_IFACE_ID_MAX = 255,          /* printable ASCII */
    VX_DESCRIPTION_MAX = 255,       /* UTF-8 */
    VX_PORT_MAX_IPS = 32,
    VX_SUBNET_MAX_RANGES = 16,
    VX_NETWORK_MAX_SUBNETS = 64,
    VX_MTU_MIN = 576,
    VX_MTU_MAX = 9216,
    VX_MTU_DEFAULT = 1450,          /* 1500 - 50 bytes of VXLAN over IPv4 */
    VX_HOST_NUM_MAX = 0xffff00,     /* bucket ids and datapath ids use it */
    VX_ZONE_NUM_MAX = 0xffff,
    VX_ZONE_MAX_BORDERS = 16,
    VX_HOP_NUM_MAX = 0xffffff,      /* routes and policies together */
    VX_MAX_HOPS = 16,               /* next hops of a route or policy */
    VX_TENANT_MAX_ROUTES = 16384,
    VX_TENANT_MAX_POLICIES = 4096,
    VX_TENANT_MAX_PEERINGS = 256,
    VX_POLICY_MAX_RANGES = 16,      /* of source, of destination ports */
    VX_POLICY_MAX_ROWS = 1024,      /* flows of one policy on a host */
    VX_POLICY_PRIORITY_MAX = 30000, /* 1..; the highest is the first */
    VX_RATE_KBPS_MAX = 400000000,   /* 400 Gbit/s */
    VX_RATE_PPS_MAX = 100000000,
    VX_MAX_RTS = 16,                /* each way, of a tenant or network */
    VX_PEERING_MAX_LOCALS = 4,      /* addresses of the device */
    VX_PEERING_MAX_COMMUNITIES = 16,
    VX_PEERING_MAX_FILTERS = 1024,  /* prefixes, each way */
    VX_PASSWORD_MAX = 80,           /* RFC 2385, as the kernel has it */
    VX_DEVICE_MAX = 15,             /* IFNAMSIZ */
    VX_PREFIX_LIMIT_MAX = 1000000,
    VX_PREFIX_LIMIT_DEFAULT = 1000, /* routes taken from a peer */
    VX_AS_DEFAULT = 64512,          /* RFC 6996 */
};

/* Whose an object is.  Only the controller itself changes what is not an
 * operator's; the API shows it. */
enum vx_origin {
    VX_BY_OPERATOR,
    VX_BY_SYSTEM,       /* follows from others: a tenant's router network and
                         * the gateways' legs in it */
    VX_BY_BGP,          /* learned by a gateway */
};

/* The network of a tenant's router, whose VNI is the router's (L3VNI); the
 * legs of gateways and the routers of other fabrics are its ports.  No
 * operator's name begins so. */
#define VX_ROUTER_NETWORK "_router"
#define VX_ROUTER_SUBNET4 "169.254.64.0/18"
#define VX_ROUTER_SUBNET6 "fd76:7866:6162::/64"

#define VX_OID_MAX ((UINT64_C(1) << 48) - 1)

struct vx_obj {
    enum vx_kind kind;
    unsigned n_refs;
    uint64_t oid;           /* 1..VX_OID_MAX, never used twice */
    uint64_t parent;        /* oid of the tenant (network, route, policy) or
                             * network (subnet, port); 0 for the others */
    uint64_t revision;      /* of the last change of intent */
    enum vx_origin origin;
    char *name;             /* last part of the key */
    char *description;      /* "" if none */
};

/* How a zone's hosts reach other zones. */
enum vx_path {
    VX_PATH_DEFAULT,        /* of a network: as its zone says */
    VX_PATH_DIRECT,         /* host to host */
    VX_PATH_BORDER,         /* by the border hosts of both zones; as direct
                             * where a zone has none */
};

struct vx_zone {
    struct vx_obj o;
    uint32_t num;           /* 1..VX_ZONE_NUM_MAX, lowest free, stable */
    enum vx_path path;      /* VX_PATH_DIRECT or VX_PATH_BORDER */
    uint64_t *borders;      /* oids of hosts, sorted; one that is in another
                             * zone (any more) does not count */
    size_t n_borders;
    uint32_t budget_kbps;   /* what each of its hosts may send to other
                             * zones; 0 = unlimited */
};

struct vx_host {
    struct vx_obj o;
    uint64_t zone;          /* oid */
    uint32_t num;           /* 1..VX_HOST_NUM_MAX, lowest free, stable */
    char *system_id;        /* "" until known */
    struct vx_ip vtep;      /* family 0 until known */
    uint16_t mtu;           /* underlay MTU in bytes, 0 until known */
    char *datapath;         /* "netdev", "system" or "" for the default */
    bool stranger;          /* its switches have not been put in order since
                             * it joined: they may hold rows of networks
                             * that are no more, so nobody accepts its
                             * tunnels yet, nor sends to it */
    bool draining;          /* takes no port that is not there already */
    bool external;          /* VTEP of another fabric (EVPN): no switch of
                             * ours, always a peer; not an operator's */
};

struct vx_tenant {
    struct vx_obj o;
    uint32_t router_vni;    /* L3VNI, 0 while the tenant has no router; comes
                             * with the first routed subnet or budget */
    uint32_t budget_kbps;   /* what it may send from each host to other
                             * zones; 0 = unlimited */
    uint32_t quota_networks;    /* 0 = unlimited */
    uint32_t quota_ports;       /* 0 = unlimited */
    uint64_t rd;                /* RFC 4364 4.2, 0 = by the gateway's router
                                 * id */
    uint64_t *imports, *exports;    /* route targets as extended communities
                                     * (RFC 4360), sorted; none = AS:L3VNI */
    size_t n_imports, n_exports;
};

struct vx_network {
    struct vx_obj o;
    uint32_t vni;
    uint16_t mtu;           /* what tenants' interfaces use, bytes */
    enum vx_path path;      /* VX_PATH_DEFAULT: as the zone says */
    uint32_t bum_pps;       /* broadcast, unknown, multicast each host may
                             * send to the fabric; 0 = unlimited */
    bool no_evpn;           /* not told to other fabrics, nor heard */
    uint64_t *rts;          /* both ways, sorted; none = AS:VNI */
    size_t n_rts;
};

struct vx_range {
    struct vx_ip first, last;   /* inclusive, same family */
};

struct vx_subnet {
    struct vx_obj o;
    struct vx_prefix prefix;
    struct vx_ip gateway;       /* family 0 if the subnet has none */
    bool route;                 /* by the tenant's router; has a gateway */
    bool announce;              /* by the tenant's gateways; routed */
    bool host_routes;           /* its active ports' addresses, too */
    struct vx_range *ranges;    /* allocation ranges, sorted, disjoint */
    size_t n_ranges;            /* 0 = the whole subnet */
};

struct vx_port {
    struct vx_obj o;
    struct vx_mac mac;
    struct vx_ip *ips;          /* sorted */
    size_t n_ips;
    uint64_t host;              /* oid of the host it is allowed on, or 0 */
    uint64_t located;           /* oid of the host its interface was last
                                 * seen on; only where host is 0 */
    uint64_t migrate_from;      /* oid of the host it still is on while host
                                 * is being prepared (live migration), or 0 */
    bool migrate_hold;          /* only a call ends the migration, not the
                                 * interface at the target */
    uint64_t left;              /* oid of the host that it has migrated from
                                 * to where it is, or 0: for a while what is
                                 * under way to it may come there */
    int64_t left_ms;            /* when: wall clock */
    char *iface_id;             /* external_ids:iface-id, unique in fabric */
    bool guard;                 /* spoof guard on */
    uint32_t rate_kbps;         /* each direction; 0 = unlimited */
    uint32_t rate_pps;
    uint32_t bum_pps;           /* multicast and broadcast it may send,
                                 * ARP and ND too; 0 = as all ports */
    uint32_t mobility;          /* how often it has changed its host: EVPN's
                                 * sequence number (RFC 7432 7.7).  Of a
                                 * learned one: as it was announced */
    uint64_t gateway;           /* oid of the gateway whose leg it is, or 0 */
};

/* A route of a tenant, static or learned; o.name is the prefix.  A learned
 * one gives way to an operator's of the same prefix. */
struct vx_route {
    struct vx_obj o;
    struct vx_prefix prefix;
    uint32_t num;               /* 1..VX_HOP_NUM_MAX, shared with policies */
    struct vx_ip *via;          /* sorted; of the prefix's family, each in a
                                 * routed subnet of the tenant */
    size_t n_via;               /* 1..VX_MAX_HOPS */
    bool announce;
};

struct vx_port_range {
    uint16_t first, last;       /* inclusive */
};

/* All that is given has to hold. */
struct vx_policy_match {
    uint8_t family;             /* 4, 6; 0 = both */
    struct vx_prefix src, dst;  /* ip.family 0 = any */
    uint64_t network;           /* oid the packet comes from; 0 = any */
    int16_t proto;              /* 0..255; -1 = any */
    int16_t dscp;               /* 0..63; -1 = any */
    struct vx_port_range *sports, *dports;  /* sorted, disjoint; only of TCP,
                                             * UDP and SCTP; NULL = any */
    size_t n_sports, n_dports;
};

enum vx_policy_action {
    VX_POLICY_VIA,              /* to next hops */
    VX_POLICY_DROP,
    VX_POLICY_DSCP,             /* mark, then on as routed */
    VX_POLICY_RATE,             /* what is over it is dropped, the rest goes
                                 * on as routed */
    VX_POLICY_GATEWAY,          /* to the tenant's gateways */
};

/* Where a policy is enforced. */
enum {
    VX_WHERE_HOSTS = 1 << 0,    /* tier 1: what comes from the tenant's
                                 * ports */
    VX_WHERE_GATEWAY = 1 << 1,  /* tier 1 of gateway hosts: what comes in
                                 * from their legs */
    VX_WHERE_FLOWSPEC = 1 << 2, /* told to the fabric's peers (RFC 8955) */
};

struct vx_policy {
    struct vx_obj o;
    uint32_t num;               /* 1..VX_HOP_NUM_MAX, shared with routes */
    uint16_t priority;          /* unique in the tenant */
    uint8_t where;              /* VX_WHERE_* */
    enum vx_policy_action action;
    bool fail_closed;           /* no living next hop: drop, else go on as if
                                 * the policy were not there */
    uint8_t dscp;               /* VX_POLICY_DSCP */
    uint32_t rate_kbps;         /* VX_POLICY_RATE */
    struct vx_ip *via;          /* VX_POLICY_VIA: sorted, one family */
    size_t n_via;
    struct vx_policy_match match;
};

/* A fabric host that runs FRR and vxgatewayd. */
struct vx_gateway {
    struct vx_obj o;
    uint64_t host;              /* oid; one gateway per host */
    uint32_t as;                /* 0 = the local AS of its uplinks, else
                                 * VX_AS_DEFAULT */
    struct vx_ip router_id;     /* IPv4; family 0 = the host's VTEP */
};

/* Address families of a BGP session. */
enum {
    VX_AF_IPV4 = 1 << 0, VX_AF_IPV6 = 1 << 1,
    VX_AF_VPNV4 = 1 << 2, VX_AF_VPNV6 = 1 << 3,
    VX_AF_EVPN = 1 << 4,
    VX_AF_FLOWSPEC = 1 << 5,    /* IPv4 and IPv6 */
};
enum {
    VX_AF_OF_TENANT = VX_AF_IPV4 | VX_AF_IPV6,
    VX_AF_OF_FABRIC = VX_AF_VPNV4 | VX_AF_VPNV6 | VX_AF_EVPN
                      | VX_AF_FLOWSPEC,
};

/* A BGP session of a gateway; VX_PEERING or VX_UPLINK.  What only one of
 * them has says so. */
struct vx_peering {
    struct vx_obj o;
    uint64_t gateway;           /* oid */
    struct vx_ip peer;
    uint32_t peer_as;           /* 1.. */
    uint32_t local_as;          /* 0 = the gateway's */
    uint8_t families;           /* VX_AF_*, at least one */
    bool bfd;                   /* RFC 5880 beside the hold timer */
    uint16_t hold_s;            /* 3..65535; 0 = 9 */
    uint8_t multihop;           /* TTL; 0 = the peer is on the link */
    char *password;             /* TCP MD5 (RFC 2385); "" = none */
    uint32_t *communities;      /* added to what is announced, sorted */
    size_t n_communities;
    bool has_med;
    uint32_t med;               /* of what is announced */
    uint32_t local_pref;        /* of what is learned; 0 = 100 */
    uint32_t prefix_limit;      /* of each family that are taken; 0 =
                                 * VX_PREFIX_LIMIT_DEFAULT */
    struct vx_prefix *imports, *exports;    /* these and longer ones within
                                             * them; none = all */
    size_t n_imports, n_exports;
    /* VX_PEERING */
    char *device;               /* moved into the tenant's VRF; "" = the peer
                                 * is behind another peering's device */
    struct vx_prefix *locals;   /* addresses of the device, with their host
                                 * bits */
    size_t n_locals;
    bool readvertise;           /* what is learned is told to the fabric's
                                 * peers, as what is announced */
    /* VX_UPLINK */
    struct vx_ip source;        /* family 0 = the gateway's VTEP */
    bool flowspec_in;           /* the operator trusts its FlowSpec */
};

/* Whether the address is in a prefix of the peering's device. */
bool vx_peering_is_on_link(const struct vx_peering *peering,
                           const struct vx_ip *ip);

/* The prefix limit in force. */
static inline unsigned
vx_peering_limit(const struct vx_peering *peering)
{
    return peering->prefix_limit ? peering->prefix_limit
                                 : (unsigned) VX_PREFIX_LIMIT_DEFAULT;
}

struct vx_retired_vni {
    struct vx_obj o;            /* revision: the one that retired it */
    uint32_t vni;
    int64_t until_ms;           /* wall clock, ms since the epoch */
};

/* A zeroed object of the kind with one reference and empty strings. */
struct vx_obj *vx_obj_new(enum vx_kind kind);
struct vx_obj *vx_obj_clone(const struct vx_obj *obj);  /* one reference */
const struct vx_obj *vx_obj_ref(const struct vx_obj *obj);
void vx_obj_unref(const struct vx_obj *obj);            /* NULL is fine */
/* True if both carry the same intent (kind, key and all members except
 * n_refs and revision). */
bool vx_obj_same(const struct vx_obj *a, const struct vx_obj *b);

/* What operators make: everything but what is internal. */
static inline bool
vx_kind_is_intent(enum vx_kind kind)
{
    return kind > VX_NONE && kind < VX_N_KINDS && kind != VX_RETIRED_VNI;
}

/* The network of a tenant's router: its VNI is the router's, too. */
static inline bool
vx_network_is_router(const struct vx_network *network)
{
    return network->o.origin == VX_BY_SYSTEM;
}

const char *vx_kind_name(enum vx_kind kind);            /* "port" */
const char *vx_kind_plural(enum vx_kind kind);          /* "ports" */

/* A host that is a VTEP of another fabric. */
static inline bool
vx_obj_is_external(const struct vx_obj *obj)
{
    return obj && obj->kind == VX_HOST
           && ((const struct vx_host *) (const void *) obj)->external;
}

/* Whether the other hosts exchange tunnel packets with it. */
static inline bool
vx_host_is_peer(const struct vx_host *host)
{
    return host->vtep.family && !host->stranger;
}

/* Where a port is: where it migrates from, else the host its intent names,
 * else where it was seen. */
static inline uint64_t
vx_port_location(const struct vx_port *port)
{
    return port->migrate_from ? port->migrate_from
           : port->host ? port->host : port->located;
}

/* The legs of a tenant's gateways as next hops: an address of each, those
 * made first if they are too many.  Rows and status are made of the same. */
struct vx_leg_hops {
    struct vx_ip ips[VX_MAX_HOPS];
    uint64_t oids[VX_MAX_HOPS];     /* ascending */
    size_t n;
};

/* In any order; what is no leg (or NULL) is left out. */
void vx_leg_hops_add(struct vx_leg_hops *hops, const struct vx_port *port);

#endif
