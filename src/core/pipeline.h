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

/* Local experimental ethertype 1 (IEEE 802): probes of the controller, from
 * one br-tenant to another.  No VM can send or receive one. */
enum { VX_ETH_PROBE = 0x88b5 };

/* br-tenant: the one meter, of all that goes to the controller.  It is the
 * virtual one (OFPM_CONTROLLER), which no row names: ovs-save does not save
 * meters, and could not restore a bridge with a flow that names one. */
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
    VX_T1_POLICY = 30,      /* reserved */
    VX_T1_ROUTE = 40,       /* reserved */
    VX_T1_L2 = 50,          /* local delivery, else to tier 2 */
};

/* br-fabric, tier 2. */
enum {
    VX_T2_CLASSIFY = 0,     /* patch or tunnel */
    VX_T2_VTEP = 5,         /* tunnel: sender known? */
    VX_T2_INGRESS = 6,      /* tunnel: VNI present here? then to tier 1 */
    VX_T2_NEIGH = 20,       /* ARP/ND: who answers */
    VX_T2_ANSWER = 21,      /* ARP/ND: turn the request into the answer */
    VX_T2_ANSWER_ND = 22,   /* ND: fill in the target address option */
    VX_T2_FDB = 30,         /* (VNI, MAC) -> VTEP; BUM -> group */
};

/* Both tiers: one flow whose cookie is the hash of all others, so that a
 * switch that was not touched while nobody looked needs no dump. */
enum { VX_T_EPOCH = 253 };
/* Kind of its cookie; below it the hash. Another row format is another hash:
 * count VX_ROW_FORMAT up when the same rows become other bytes. */
enum { VX_COOKIE_EPOCH = 0xfe, VX_ROW_FORMAT = 1 };

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
    VX_N_DROP_REASONS
};

/* "unknown-port", "mac-spoof", ... */
const char *vx_drop_reason_name(enum vx_drop_reason reason);

/* A group is OFPGT_ALL; its id is the VNI on both tiers. */
enum { VX_GROUP_MAX_BUCKETS = 500 };

#endif
