/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller wants of this gateway, as plain structs: the values of
 * the feed's entries.  Made by feed_codec.c, kept by entries.c, read by
 * wanted.c.  A value owns its strings and arrays. */
#ifndef VX_GATEWAY_ENTRY_H
#define VX_GATEWAY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgp/bgp_types.h"
#include "core/object.h"
#include "lib/addr.h"

/* In the order in which they are derived: what others refer to is first. */
enum vx_gw_type {
    VX_GW_GATEWAY,          /* this gateway; at most one */
    VX_GW_TENANT,           /* key T */
    VX_GW_PEERING,          /* key P (fabric-wide) or T/P */
    VX_GW_NETWORK,          /* key T/N */
    VX_GW_PREFIX,           /* key "T PREFIX" */
    VX_GW_VTEP,             /* key "VNI VTEP" */
    VX_GW_ENDPOINT,         /* key "VNI MAC" */
    VX_GW_POLICY,           /* key "T NAME" */
    VX_GW_N_TYPES
};

enum {
    VX_GW_KEY_MAX = 255,        /* bytes */
    VX_GW_MAX_NEXTHOPS = 2,     /* anycast gateways: one of each family */
    VX_GW_MAX_LEG_IPS = 4,
};

struct vx_gw_gateway {
    char *name, *host;
    uint32_t as;
    struct vx_ip router_id;     /* IPv4 */
    struct vx_ip vtep;          /* family 0 = not known yet */
    struct vx_ip *fellows;      /* router ids of the fabric's other ones */
    size_t n_fellows;
};

struct vx_gw_tenant {
    char *vrf;                  /* "vx16777215" */
    uint32_t vni;               /* L3VNI */
    bool has_rd;                /* else by router id */
    struct bg_rd rd;
    struct bg_ext *imports, *exports;   /* route targets */
    size_t n_imports, n_exports;
    struct vx_prefix *subnets;  /* routed ones, announced or not */
    size_t n_subnets;
    uint16_t mtu;
    char *iface_id;             /* of the leg */
    struct vx_mac mac;
    struct vx_prefix ips[VX_GW_MAX_LEG_IPS];    /* host bits stay */
    size_t n_ips;
    struct vx_ip gateways[VX_GW_MAX_NEXTHOPS];  /* the anycast addresses */
    size_t n_gateways;
};

struct vx_gw_prefix {
    char *tenant;
    struct vx_prefix prefix;
    char *why;                  /* "subnet", "route", "host" */
    char *object;               /* "acme/web/10.0.0.0/24" */
};

struct vx_gw_peering {
    char *tenant;               /* NULL = fabric-wide */
    char *name;
    struct vx_peering value;    /* o is not used; imports... owned here */
};

struct vx_gw_network {
    char *tenant;
    uint32_t vni;
    struct bg_ext *imports, *exports;
    size_t n_imports, n_exports;
    struct vx_prefix *prefixes; /* of its subnets */
    size_t n_prefixes;
};

struct vx_gw_vtep {
    uint32_t vni;
    struct vx_ip vtep;
};

struct vx_gw_endpoint {
    uint32_t vni;
    struct vx_mac mac;
    struct vx_ip *ips;
    size_t n_ips;
    struct vx_ip vtep;
    uint32_t seq;               /* MAC mobility, RFC 7432 7.7; 0 = never
                                 * moved */
};

struct vx_gw_policy {
    char *tenant, *name;
    uint16_t priority;
    uint8_t where;              /* VX_WHERE_* */
    enum vx_policy_action action;
    uint8_t dscp;
    uint32_t rate_kbps;
    bool fail_closed;
    struct vx_ip *via;          /* of VX_POLICY_VIA and GATEWAY */
    size_t n_via;
    struct vx_policy_match match;       /* network: not used */
    bool has_network;
    struct vx_prefix *prefixes; /* of match.network */
    size_t n_prefixes;
};

/* Immutable once made, reference counted. */
struct vx_gw_value {
    enum vx_gw_type type;
    unsigned n_refs;
    union {
        struct vx_gw_gateway gateway;
        struct vx_gw_tenant tenant;
        struct vx_gw_prefix prefix;
        struct vx_gw_peering peering;
        struct vx_gw_network network;
        struct vx_gw_vtep vtep;
        struct vx_gw_endpoint endpoint;
        struct vx_gw_policy policy;
    };
};

struct vx_gw_value *vx_gw_value_ref(struct vx_gw_value *value);
void vx_gw_value_unref(struct vx_gw_value *value);      /* NULL is fine */
const char *vx_gw_type_name(enum vx_gw_type type);      /* "tenant" */

#endif
