/* SPDX-License-Identifier: Apache-2.0 */
/* What a switch sends to the controller, and the part of it that may be
 * believed: lengths are checked here, once, so that whoever answers (icmp.h,
 * ra.h, health.h) reads numbers instead of bytes.  The frame is whatever a VM
 * has sent, cut off after VX_PUNT_MAX bytes. */
#ifndef VX_CORE_PUNT_H
#define VX_CORE_PUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

/* A packet-in, as decoded by ovs-glue; what was not told is 0.  Borrowed. */
struct vx_packet_in {
    const uint8_t *frame;
    size_t size;
    uint8_t table;
    uint64_t cookie;
    uint32_t in_port;
    uint32_t reg0;              /* VNI */
    uint32_t reg1;              /* enum vx_punt */
    uint32_t reg5;              /* L3VNI */
};

/* An IP packet or an ARP message in a frame. */
struct vx_punted {
    struct vx_mac eth_src, eth_dst;
    struct vx_ip src, dst;      /* of ARP: sender and target */
    bool arp;
    bool later_fragment;        /* not the first: has no upper header */
    uint8_t proto;              /* of the upper header */
    uint8_t ttl;                /* hop limit */
    const uint8_t *ip;          /* the packet, and what there is of it; */
    size_t ip_size;             /* padding of the frame is left out */
    bool whole;                 /* nothing was cut off */
    const uint8_t *upper;       /* its upper header */
    size_t upper_size;          /* may be 0 */
};

/* False: neither IPv4, IPv6 (with at most eight extension headers) nor ARP
 * over Ethernet, or its headers are not right or not all there.  O(1). */
bool vx_punted_parse(const uint8_t *frame, size_t size,
                     struct vx_punted *ret_punted);

/* RFC 1071, of IPv4 headers (ip NULL) and ICMP messages; of ICMPv6 messages
 * with the pseudo-header of the IPv6 header at ip.  In network order; 0 over
 * bytes that have a right one in them. */
uint16_t vx_punt_checksum(const uint8_t *ip, const uint8_t *bytes,
                          size_t size);

#endif
