/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline's facts: tables, registers, ports, cookies, reasons.
 * doc/pipeline.md is the specification; a test holds the two together. */
#ifndef VX_CORE_PIPELINE_H
#define VX_CORE_PIPELINE_H

#include <stdint.h>

#define VX_BRIDGE_TENANT "br-tenant"
#define VX_BRIDGE_FABRIC "br-fabric"

/* OpenFlow ports that are the same on every host, so that tier 2 rows are
 * the same bytes everywhere.  Above what ovs-vswitchd hands out by itself
 * (lowest first), below OFPP_MAX (0xff00). */
enum {
    VX_OFPORT_PATCH = 65001,    /* on both bridges, to the other one */
    VX_OFPORT_VXLAN = 65002,    /* br-fabric */
};

/* OFPP_CONTROLLER: where a trace says that a packet goes to the
 * controller. */
#define VX_OFPORT_CONTROLLER UINT32_C(0xfffffffd)
/* OFPP_LOCAL: where a packet of the controller comes from. */
#define VX_OFPORT_LOCAL UINT32_C(0xfffffffe)

/* Local experimental ethertype 1 (IEEE 802): probes of the controller, from
 * one br-tenant to another.  No VM can send or receive one. */
enum { VX_ETH_PROBE = 0x88b5 };

/* br-tenant: the meter of all that goes to the controller.  It is the virtual
 * one (OFPM_CONTROLLER), which no row names: ovs-save does not save meters,
 * and cannot restore a bridge with a flow that names one, see
 * doc/restarts.md. */
#define VX_METER_CONTROLLER UINT32_C(0xfffffffe)
enum {
    VX_METER_CONTROLLER_PKTPS = 5000,
    VX_METER_CONTROLLER_BURST = 5000,
    VX_PROBE_MAX = 128,         /* bytes of it that the controller gets */
};

/* br-tenant, tier 1. */
enum {
    VX_T1_CLASSIFY = 0,     /* in_port -> VNI */
    VX_T1_GUARD = 10,       /* spoof guard: MAC, IP, ARP, ND source */
    VX_T1_GUARD_ND = 11,    /* ND body, needs nd_* prerequisites */
    VX_T1_ENTER = 20,       /* who it is, is known: bridged or routed? */
    VX_T1_GATEWAY = 25,     /* for the gateway itself; TTL */
    VX_T1_POLICED = 28,     /* has the tenant policies? Else past them */
    VX_T1_LEG_POLICED = 29, /* the same, of what comes from gateways */
    VX_T1_POLICY = 30,      /* PBR */
    VX_T1_LEG_POLICY = 32,  /* PBR of what comes from gateways */
    VX_T1_ROUTE = 40,       /* longest prefix -> network or next hop */
    VX_T1_HOP = 42,         /* several next hops: slot -> next hop */
    VX_T1_MTU = 43,         /* too big for where it goes? */
    VX_T1_MTU_SEEN = 44,
    VX_T1_ADJ = 45,         /* routed: local endpoint's MAC */
    VX_T1_L2 = 50,          /* local delivery, else to tier 2 */
    VX_T1_TAP = 55,         /* bucket: tap with a budget for what it gets */
    VX_T1_PUNT = 60,        /* to the controller, within the port's budget */
};

/* br-fabric, tier 2. */
enum {
    VX_T2_CLASSIFY = 0,     /* patch or tunnel */
    VX_T2_VTEP = 5,         /* tunnel: sender known? */
    VX_T2_INGRESS = 6,      /* tunnel: VNI present here? then to tier 1 */
    VX_T2_NEIGH = 20,       /* ARP/ND: who answers */
    VX_T2_ANSWER = 21,      /* ARP/ND: turn the request into the answer */
    VX_T2_ANSWER_ND = 22,   /* ND: fill in the target address option */
    VX_T2_ADJ = 25,         /* routed: (VNI, IP) -> MAC */
    VX_T2_FDB = 30,         /* (VNI, MAC) -> host number; BUM -> group */
    VX_T2_BORDER = 35,      /* zone -> one of its border hosts */
    VX_T2_BORDER_SLOT = 36,
    VX_T2_HOST = 40,        /* host number -> VTEP, path class */
    VX_T2_OUT = 60,         /* counted by class, within budgets, to VXLAN */
};

/* Both tiers: one flow whose cookie is the hash of all others, so that a
 * switch that was not touched while nobody looked needs no dump. */
enum { VX_T_EPOCH = 253 };
/* Kind of its cookie; below it the hash. Another row format is another hash:
 * count VX_ROW_FORMAT up when the same rows become other bytes. */
enum { VX_COOKIE_EPOCH = 0xfe, VX_ROW_FORMAT = 2 };

/* The anycast gateway's MAC, the same on every host and in every network; its
 * link-local address is the one of EUI-64 (vx_ip_link_local). */
#define VX_GATEWAY_MAC { .b = { 0x02, 0x76, 0x78, 0x66, 0x61, 0x62 } }

/* Tier 2: where a packet goes to or comes from (reg1, reg8). */
enum vx_class { VX_CLASS_LOCAL, VX_CLASS_ZONE, VX_CLASS_CROSS, VX_N_CLASSES };

/* Tier 2, reg9: number of a host, or this and the number of a zone, or this
 * and the number of a border host on the way to another zone. */
enum { VX_TO_BORDER = 0x1000000, VX_BY_BORDER = 0x2000000 };

/* Tier 1, reg1 of what is punted (VX_T1_PUNT). */
enum vx_punt {
    VX_PUNT_TOO_BIG = 1,    /* the bit of check_pkt_larger, too */
    VX_PUNT_TTL,
    VX_PUNT_NO_ROUTE,
    VX_PUNT_NO_HOP,
    VX_PUNT_PORT_UNREACH,   /* for the gateway, which listens to nothing */
    VX_PUNT_RS,             /* router solicitation */
    VX_PUNT_ALIVE,          /* answer to a health probe */
    VX_PUNT_NO_HOST,        /* tier 2: nobody has the address */
    VX_N_PUNTS
};
enum { VX_PUNT_MAX = 256 };     /* bytes of it that the controller gets */

/* OpenFlow meters: kind (8 bits), number (24). */
enum vx_meter_kind {
    VX_METER_NONE,
    VX_METER_PUNT,          /* tier 1; ofport */
    VX_METER_OUT_KBPS,      /* tier 1; ofport: what a port sends */
    VX_METER_OUT_PPS,
    VX_METER_IN_KBPS,       /* tier 1; ofport: what it gets */
    VX_METER_IN_PPS,
    VX_METER_PORT_BUM,      /* tier 1; ofport */
    VX_METER_POLICY,        /* tier 1; number of the policy */
    VX_METER_NETWORK_BUM,   /* tier 2; VNI */
    VX_METER_TENANT,        /* tier 2; router VNI: to other zones */
    VX_METER_HOST,          /* tier 2; 1: to other zones */
    VX_METER_NO_HOST,       /* tier 2; 1: VX_PUNT_NO_HOST */
    VX_N_METER_KINDS
};
#define VX_METER(KIND, NUMBER) ((uint32_t) (KIND) << 24 | (NUMBER))
enum {
    VX_METER_PUNT_PPS = 20, VX_METER_PUNT_BURST = 40,
    VX_METER_NO_HOST_PPS = 100, VX_METER_NO_HOST_BURST = 100,
};

/* The one select group of a bridge: 16 equal buckets, bucket s is reg7=s and
 * on to the table that knows where slot s leads. */
enum { VX_GROUP_ECMP = 0x1000000, VX_ECMP_SLOTS = 16 };
/* Groups of a network on its zone's designated border (with the VNI). */
enum { VX_GROUP_FROM_ZONE = 0x2000000, VX_GROUP_FROM_CROSS = 0x3000000 };

/* Tier 1, VX_T1_POLICED and VX_T1_POLICY, and those of legs: OpenFlow
 * priority of a policy; one above it is for what its own next hops send on. */
#define VX_POLICY_PRIORITY(PRIORITY) (1000 + 2 * (PRIORITY))
/* VX_T1_ROUTE: this and the length of the prefix. */
enum { VX_ROUTE_PRIORITY_BASE = 100 };

/* VNI of packets that only make a host resolve a VTEP's address: no network
 * can have it (VX_VNI_MIN is 1), the receiver's table 6 drops it. */
enum { VX_VNI_WARM = 0 };

/* Cookie: kind of object (8 bits), reason (8), oid (48). */
#define VX_COOKIE(KIND, REASON, OID) \
    ((uint64_t) (KIND) << 56 | (uint64_t) (REASON) << 48 | (OID))
#define VX_COOKIE_KIND(COOKIE) ((unsigned) ((COOKIE) >> 56))
#define VX_COOKIE_REASON(COOKIE) ((unsigned) ((COOKIE) >> 48 & 0xff))
#define VX_COOKIE_OID(COOKIE) ((COOKIE) & ((UINT64_C(1) << 48) - 1))

/* Cookie of the base rows that belong to no object. */
#define VX_COOKIE_BASE VX_COOKIE(0xff, 0, 1)

/* Why a packet was dropped.  0 = the row forwards. */
enum vx_drop_reason {
    VX_PASS,
    VX_DROP_UNKNOWN_PORT,   /* tier 1: interface without a port */
    VX_DROP_TAGGED,         /* 802.1Q frame from a VM */
    VX_DROP_MAC_SPOOF,      /* source MAC is not the port's */
    VX_DROP_IP_SPOOF,       /* IPv4 source */
    VX_DROP_IP6_SPOOF,      /* IPv6 source */
    VX_DROP_ARP_SPOOF,      /* ARP sender */
    VX_DROP_ND_SPOOF,       /* ND source, target or link-layer option */
    VX_DROP_ROUTER_ADV,     /* RA or redirect from a VM */
    VX_DROP_ETHERTYPE,      /* neither IPv4, IPv6 nor ARP */
    VX_DROP_OWN_PROBE,      /* ARP/ND for the port's own address: no answer
                             * is the right answer */
    VX_DROP_NOT_LOCAL,      /* tier 1: from the fabric, no such MAC here */
    VX_DROP_BAD_MARK,       /* tier 2: VNI in pkt_mark is not present */
    VX_DROP_UNKNOWN_VTEP,   /* tunnel packet from a stranger */
    VX_DROP_UNKNOWN_VNI,    /* tunnel packet for a network not here */
    VX_DROP_UNKNOWN_ARP,    /* ARP request, nobody has the address */
    VX_DROP_UNKNOWN_ND,     /* neighbour solicitation, likewise */
    VX_DROP_UNKNOWN_MAC,    /* unicast MAC that no port has */
    VX_DROP_STRAY,          /* table miss that cannot happen */
    VX_DROP_WARM_UP,        /* VX_VNI_WARM: has done its work on the way */
    VX_DROP_PROBE,          /* tier 1: a VM sends what only the controller
                             * may */
    VX_DROP_LINK_LOCAL,     /* link-local addresses are not routed */
    VX_DROP_POLICY,         /* a policy says so */
    VX_DROP_NO_NEXT_HOP,    /* none of a policy's next hops lives */
    VX_DROP_PUNT,           /* for the controller, from a port without budget
                             * for it */
    VX_DROP_NO_HOST,        /* tier 2: host without a VTEP, or not admitted */
    VX_DROP_TRANSIT_LOOP,   /* tier 2: would go back where it came from */
    VX_N_DROP_REASONS
};

/* "unknown-port", "mac-spoof", ... */
const char *vx_drop_reason_name(enum vx_drop_reason reason);

/* A network's group is OFPGT_ALL; its id is the VNI on both tiers. */
enum { VX_GROUP_MAX_BUCKETS = 500 };

#endif
