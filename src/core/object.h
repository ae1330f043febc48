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
    VX_POLICY_MAX_RANGES = 16,      /* of source, of destination ports */
    VX_POLICY_MAX_ROWS = 1024,      /* flows of one policy on a host */
    VX_POLICY_PRIORITY_MAX = 30000, /* 1..; the highest is the first */
    VX_RATE_KBPS_MAX = 400000000,   /* 400 Gbit/s */
    VX_RATE_PPS_MAX = 100000000,
};

#define VX_OID_MAX ((UINT64_C(1) << 48) - 1)

struct vx_obj {
    enum vx_kind kind;
    unsigned n_refs;
    uint64_t oid;           /* 1..VX_OID_MAX, never used twice */
    uint64_t parent;        /* oid of the tenant (network, route, policy) or
                             * network (subnet, port); 0 for the others */
    uint64_t revision;      /* of the last change of intent */
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
};

struct vx_tenant {
    struct vx_obj o;
    uint32_t router_vni;    /* L3VNI, 0 while the tenant has no router; comes
                             * with the first routed subnet or budget */
    uint32_t budget_kbps;   /* what it may send from each host to other
                             * zones; 0 = unlimited */
    uint32_t quota_networks;    /* 0 = unlimited */
    uint32_t quota_ports;       /* 0 = unlimited */
};

struct vx_network {
    struct vx_obj o;
    uint32_t vni;
    uint16_t mtu;           /* what tenants' interfaces use, bytes */
    enum vx_path path;      /* VX_PATH_DEFAULT: as the zone says */
    uint32_t bum_pps;       /* broadcast, unknown, multicast each host may
                             * send to the fabric; 0 = unlimited */
};

struct vx_range {
    struct vx_ip first, last;   /* inclusive, same family */
};

struct vx_subnet {
    struct vx_obj o;
    struct vx_prefix prefix;
    struct vx_ip gateway;       /* family 0 if the subnet has none */
    bool route;                 /* by the tenant's router; has a gateway */
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
    char *iface_id;             /* external_ids:iface-id, unique in fabric */
    bool guard;                 /* spoof guard on */
    uint32_t rate_kbps;         /* each direction; 0 = unlimited */
    uint32_t rate_pps;
    uint32_t bum_pps;           /* multicast and broadcast it may send,
                                 * ARP and ND too; 0 = as all ports */
};

/* A static route of a tenant; o.name is the prefix. */
struct vx_route {
    struct vx_obj o;
    struct vx_prefix prefix;
    uint32_t num;               /* 1..VX_HOP_NUM_MAX, shared with policies */
    struct vx_ip *via;          /* sorted; of the prefix's family, each in a
                                 * routed subnet of the tenant */
    size_t n_via;               /* 1..VX_MAX_HOPS */
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
enum { VX_WHERE_HOSTS = 1 << 0 };

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

const char *vx_kind_name(enum vx_kind kind);            /* "port" */
const char *vx_kind_plural(enum vx_kind kind);          /* "ports" */

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

#endif
