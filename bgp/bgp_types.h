/* SPDX-License-Identifier: Apache-2.0 */
/* The words BGP talks in: families, route distinguishers, extended
 * communities, NLRI.  Plain values, network order where they are bytes.
 *
 * Text and bytes of a route distinguisher or target (RFC 4364 4.2, 4360):
 *   "65001:7"      type 0: 2-octet AS, 32 bits
 *   "192.0.2.1:7"  type 1: IPv4 address, 16 bits
 *   "70000:7"      type 2: 4-octet AS, 16 bits; an AS below 65536 in this
 *                  type is written "0.65001:7" */
#ifndef BG_BGP_TYPES_H
#define BG_BGP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/err.h"

enum bg_family {
    BG_IPV4,                /* AFI 1 SAFI 1 */
    BG_IPV6,                /* 2/1 */
    BG_VPNV4,               /* 1/128, RFC 4364 */
    BG_VPNV6,               /* 2/128, RFC 4659 */
    BG_FLOW4,               /* 1/133, RFC 8955 */
    BG_FLOW6,               /* 2/133, RFC 8956 */
    BG_EVPN,                /* 25/70, RFC 7432 */
    BG_N_FAMILIES
};
#define BG_BIT(FAMILY) (1u << (FAMILY))     /* in a set of families */
enum { BG_ALL_FAMILIES = (1 << BG_N_FAMILIES) - 1 };

/* "ipv4", "ipv6", "vpnv4", "vpnv6", "flowspec4", "flowspec6", "evpn". */
const char *bg_family_name(enum bg_family family);
bool bg_family_parse(const char *s, enum bg_family *ret_family);
uint16_t bg_family_afi(enum bg_family family);
uint8_t bg_family_safi(enum bg_family family);
/* False for a pair that is not in the table above. */
bool bg_family_find(uint16_t afi, uint8_t safi, enum bg_family *ret_family);

struct bg_rd {
    uint8_t b[8];           /* as on the wire */
};
struct bg_ext {
    uint8_t b[8];           /* extended community as on the wire */
};
struct bg_large {
    uint32_t b[3];          /* host order, RFC 8092 */
};

enum { BG_RD_STRLEN = 24, BG_EXT_STRLEN = 64 };

bool bg_rd_parse(const char *s, struct bg_rd *ret_rd);
const char *bg_rd_format(const struct bg_rd *rd, char buf[BG_RD_STRLEN]);
/* Of numbers: type 0, or type 2 for an AS above 65535; local must then fit
 * 16 bits and is cut to them. */
struct bg_rd bg_rd_as(uint32_t as, uint32_t local);
struct bg_rd bg_rd_ip(const struct vx_ip *ipv4, uint16_t local);    /* 1 */

/* Route targets: extended communities of subtype 2. */
bool bg_rt_parse(const char *s, struct bg_ext *ret_rt);
/* NULL if it is none. */
const char *bg_rt_format(const struct bg_ext *rt, char buf[BG_RD_STRLEN]);
struct bg_ext bg_rt_as(uint32_t as, uint32_t local);
bool bg_rt_is(const struct bg_ext *ext);
/* The number behind the colon: a VNI, where RTs are automatic.  Of RFC 8365's
 * own form (type 0, top bit of the local part clear, ID space 1 = VXLAN) only
 * the 24 bits of the VNI. */
uint32_t bg_rt_local(const struct bg_ext *rt);

/* "rt:65001:7", "encap:vxlan", "rmac:02:..", "mobility:3", "0x030d..." */
const char *bg_ext_format(const struct bg_ext *ext, char buf[BG_EXT_STRLEN]);
struct bg_ext bg_ext_encap_vxlan(void);
struct bg_ext bg_ext_router_mac(const struct vx_mac *mac);  /* RFC 9135 8.1 */
struct bg_ext bg_ext_mobility(uint32_t seq, bool sticky);   /* RFC 7432 7.7 */
struct bg_ext bg_ext_default_gateway(void);                 /* 7.8 */

enum { BG_FLOW_MAX = 512 };     /* a longer FlowSpec NLRI is skipped */

/* Components of a FlowSpec rule without the length in front; see
 * bgp_flowspec.h for what they mean. */
struct bg_flow {
    uint16_t size;
    uint8_t b[BG_FLOW_MAX];
};

enum { BG_EVPN_MAC = 2, BG_EVPN_IMET = 3, BG_EVPN_PREFIX = 5 };

struct bg_evpn {
    uint8_t type;           /* BG_EVPN_*; others are skipped by the decoder */
    uint8_t esi[10];        /* 2, 5; no part of the key of 5 */
    uint32_t tag;           /* Ethernet tag: 0 with VLAN-based service */
    struct vx_mac mac;      /* 2 */
    struct vx_ip ip;        /* 2: family 0 if only a MAC; 3: of the VTEP;
                             * 5: gateway IP, family 0 = none (zero) */
    struct vx_prefix prefix; /* 5 */
    uint32_t vni;           /* 2, 5: first label; of 3 it is in the PMSI */
    uint32_t vni2;          /* 2: second label (L3VNI), 0 = none */
};

/* One NLRI: what is announced, without attributes. */
struct bg_nlri {
    enum bg_family family;
    struct bg_rd rd;        /* VPN, EVPN */
    struct vx_prefix prefix; /* IPV4, IPV6, VPN */
    uint32_t label;         /* VPN: 20 bits */
    union {
        struct bg_evpn evpn;
        struct bg_flow flow;
    };
};

enum { BG_NLRI_STRLEN = 640, BG_KEY_MAX = BG_FLOW_MAX + 3 };

/* One line for people: "65001:1 10.0.0.0/24", "[2] 65001:7 02:.. 10.0.0.5". */
const char *bg_nlri_format(const struct bg_nlri *nlri,
                           char buf[BG_NLRI_STRLEN]);

/* What tells one route from another (labels and ESI left out), so that equal
 * keys are one route; returns its size.  Sorted by memcmp, FlowSpec comes in
 * no useful order: see bg_flow_compare(). */
size_t bg_nlri_key(const struct bg_nlri *nlri, uint8_t key[BG_KEY_MAX]);

/* A key where it is looked up. */
struct bg_key {
    const uint8_t *bytes;
    size_t size;
};

/* As memcmp, and the shorter one first. */
int bg_key_compare(const struct bg_key *a, const struct bg_key *b);

#endif
