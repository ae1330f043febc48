/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: what a caller wants done to the model.
 *
 * The API codec, the OVSDB side (a host that joins) and tests make them; the
 * model validates and applies them.  Strings and arrays are borrowed for the
 * time of the call. */
#ifndef VX_CORE_OP_H
#define VX_CORE_OP_H

#include "core/object.h"

enum vx_op_type {
    VX_OP_PUT,          /* create or replace; what is allocated stays */
    VX_OP_DELETE,
    VX_OP_LOCATE,       /* internal: port seen on spec.port.host (NULL:
                         * nowhere); nothing if its intent names a host */
    VX_OP_RELEASE,      /* internal: end the quarantine of key.name */
    VX_OP_ADMIT,        /* internal: the host is in order, no stranger */
    VX_OP_ARRIVE,       /* internal: the port's migration to spec.port.host
                         * is over; nothing if it does not migrate there */
};

struct vx_key {
    const char *tenant;     /* networks, subnets, ports, routes, policies */
    const char *network;    /* subnets, ports */
    const char *name;
};

/* Members of a host that a PUT leaves as they are. */
enum {
    VX_KEEP_SYSTEM_ID = 1 << 0, VX_KEEP_VTEP = 1 << 1, VX_KEEP_MTU = 1 << 2,
    VX_KEEP_DATAPATH = 1 << 3, VX_KEEP_DRAINING = 1 << 4,
};

struct vx_zone_spec {
    enum vx_path path;          /* VX_PATH_DEFAULT = direct */
    const char *const *borders; /* names of hosts of the zone */
    size_t n_borders;
    uint32_t budget_kbps;
};

struct vx_host_spec {
    unsigned keep;              /* of the above: those are not looked at */
    const char *zone;           /* required; must exist */
    const char *system_id;      /* NULL = not known yet */
    struct vx_ip vtep;          /* family 0 = not known yet */
    uint16_t mtu;               /* 0 = not known yet */
    const char *datapath;       /* NULL = default */
    bool draining;
    bool external;              /* internal */
};

struct vx_tenant_spec {
    bool router;                /* keep or allocate a router VNI if none is
                                 * given */
    uint32_t router_vni;        /* 0 = none asked for; 0 without router gives
                                 * up the VNI of a router that was there */
    uint32_t quota_networks;
    uint32_t quota_ports;
    uint64_t rd;
    const uint64_t *imports, *exports;
    size_t n_imports, n_exports;
    bool no_router;             /* it is to have none: refused while it needs
                                 * one.  Without router, no_router and
                                 * router_vni, one that is needed stays */
    uint32_t budget_kbps;       /* not 0: needs the router, as route does */
};

struct vx_network_spec {
    uint32_t vni;               /* 0 = keep, or allocate */
    uint16_t mtu;               /* 0 = VX_MTU_DEFAULT */
    enum vx_path path;
    uint32_t bum_pps;
    bool no_evpn;
    const uint64_t *rts;
    size_t n_rts;
};

struct vx_subnet_spec {
    bool no_gateway;
    bool no_route;              /* else routed, if it has a gateway */
    bool route;                 /* asked for: not without a gateway */
    bool announce, host_routes;
    struct vx_ip gateway;       /* family 0 = first usable address */
    const struct vx_range *ranges;
    size_t n_ranges;
};

struct vx_port_spec {
    bool has_mac;
    struct vx_mac mac;          /* else kept, or allocated */
    const struct vx_ip *ips;
    size_t n_ips;               /* 0 = keep, or one per family that the
                                 * network has a subnet of */
    bool no_ips;                /* the port has no address at all */
    const char *host;           /* NULL = anywhere */
    const char *migrate_from;   /* it moves from there to host, live; NULL =
                                 * it is at host, a migration is over */
    bool migrate_hold;          /* until a call says so */
    const char *iface_id;       /* NULL = "TENANT/NETWORK/PORT" */
    bool no_guard;
    uint32_t rate_kbps, rate_pps, bum_pps;
    const char *gateway;        /* internal: whose leg it is */
    uint32_t mobility;          /* internal: of a learned one */
};

struct vx_route_spec {
    const struct vx_ip *via;
    size_t n_via;
    bool announce;
};

/* Members as of struct vx_policy. */
struct vx_policy_spec {
    uint16_t priority;
    enum vx_policy_action action;
    uint8_t where;              /* 0 = VX_WHERE_HOSTS */
    bool fail_closed;
    uint8_t dscp;
    uint32_t rate_kbps;
    const struct vx_ip *via;
    size_t n_via;
    struct vx_policy_match match;   /* network is not looked at */
    const char *network;            /* name; NULL = any */
};

struct vx_gateway_spec {
    const char *host;           /* required; must exist */
    uint32_t as;
    struct vx_ip router_id;
};

/* Of a peering and of an uplink; members as of struct vx_peering, whose
 * arrays, strings and addresses are borrowed; gateway is not looked at. */
struct vx_peering_spec {
    const char *gateway;        /* required; must exist */
    bool keep_password;         /* value.password is not looked at */
    struct vx_peering value;
};

struct vx_op {
    enum vx_op_type type;
    enum vx_kind kind;
    struct vx_key key;
    uint64_t if_match;          /* 0 = any; else the object's revision */
    bool if_none_match;         /* fail if it exists and would change */
    enum vx_origin origin;      /* who asks: an object of another origin is
                                 * not changed, but an operator's route
                                 * takes the place of a learned one */
    bool force;                 /* DELETE of a host: ports that are only
                                 * located there are let go of */
    const char *description;    /* NULL = "" */
    union {
        struct vx_zone_spec zone;
        struct vx_host_spec host;
        struct vx_tenant_spec tenant;
        struct vx_network_spec network;
        struct vx_subnet_spec subnet;
        struct vx_port_spec port;
        struct vx_route_spec route;
        struct vx_policy_spec policy;
        struct vx_gateway_spec gateway;
        struct vx_peering_spec peering;     /* VX_PEERING, VX_UPLINK */
    } spec;
};

#endif
