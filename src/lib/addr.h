/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as plain values: MAC, IPv4/IPv6 address, prefix.
 *
 * Parsing is strict: the whole string must be consumed, a prefix may not
 * have host bits set, IPv4-mapped IPv6 and zone ids are refused.  Formatting
 * is canonical (RFC 5952 for IPv6, lower-case MAC), so equal values have
 * equal strings. */
#ifndef VX_LIB_ADDR_H
#define VX_LIB_ADDR_H

#include <stdbool.h>
#include <stdint.h>

struct vx_mac {
    uint8_t b[6];       /* network order */
};

struct vx_ip {
    uint8_t family;     /* 4, 6, or 0 for "none" */
    uint8_t b[16];      /* network order; IPv4 uses b[0..3], rest zero */
};

struct vx_prefix {
    struct vx_ip ip;    /* host bits zero */
    uint8_t length;     /* 0..32 or 0..128 */
};

enum {
    VX_MAC_STRLEN = 18,
    VX_IP_STRLEN = 46,
    VX_PREFIX_STRLEN = 50,
};

bool vx_mac_parse(const char *s, struct vx_mac *ret_mac);
const char *vx_mac_format(const struct vx_mac *mac, char buf[VX_MAC_STRLEN]);
int vx_mac_compare(const struct vx_mac *a, const struct vx_mac *b);
bool vx_mac_is_unicast(const struct vx_mac *mac);   /* and not all zero */
uint64_t vx_mac_to_u64(const struct vx_mac *mac);
struct vx_mac vx_mac_from_u64(uint64_t u);          /* low 48 bits */

bool vx_ip_parse(const char *s, struct vx_ip *ret_ip);
const char *vx_ip_format(const struct vx_ip *ip, char buf[VX_IP_STRLEN]);
int vx_ip_compare(const struct vx_ip *a, const struct vx_ip *b);
unsigned vx_ip_bits(const struct vx_ip *ip);        /* 32 or 128 */
/* True for a unicast address a host can own: not unspecified, multicast,
 * loopback or (IPv4) limited broadcast. */
bool vx_ip_is_host(const struct vx_ip *ip);
bool vx_ip_is_link_local(const struct vx_ip *ip);   /* fe80::/10, 169.254/16 */
/* The EUI-64 link-local address of a MAC (RFC 4291 appendix A). */
struct vx_ip vx_ip_link_local(const struct vx_mac *mac);

/* Addresses as numbers: IPv4 in the low 32 bits. */
unsigned __int128 vx_ip_to_u128(const struct vx_ip *ip);
struct vx_ip vx_ip_from_u128(unsigned __int128 u, uint8_t family);

bool vx_prefix_parse(const char *s, struct vx_prefix *ret_prefix);
/* The same, but host bits stay: an address and how long its prefix is. */
bool vx_prefix_parse_local(const char *s, struct vx_prefix *ret_local);
const char *vx_prefix_format(const struct vx_prefix *p,
                             char buf[VX_PREFIX_STRLEN]);
int vx_prefix_compare(const struct vx_prefix *a, const struct vx_prefix *b);
bool vx_prefix_contains(const struct vx_prefix *p, const struct vx_ip *ip);
bool vx_prefix_overlaps(const struct vx_prefix *a, const struct vx_prefix *b);
/* The prefix that an address with its length is in. */
struct vx_prefix vx_prefix_network(const struct vx_prefix *local);
struct vx_ip vx_prefix_last(const struct vx_prefix *p);

/* The beginning of URLs at an address of the API: unix:PATH, tcp:IP:PORT or
 * tls:IP:PORT, IPv6 in brackets.  NULL if it is none; to be freed.  Addresses
 * are numeric on purpose: who the controller is must not depend on a resolver
 * that may be behind the fabric. */
char *vx_addr_url(const char *addr);

#endif
