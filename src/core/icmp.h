/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors of the gateway: a frame that was punted in, the answer out.
 *
 * RFC 792, 1122 3.2.2, 1812 4.3 and RFC 4443.  Who sends them, how often and
 * to which interface is the caller's; here is decided whether there may be
 * one at all. */
#ifndef VX_CORE_ICMP_H
#define VX_CORE_ICMP_H

#include "core/punt.h"

enum vx_icmp_error {
    VX_ICMP_TTL,            /* 11/0; 3/0 */
    VX_ICMP_NO_ROUTE,       /* 3/0; 1/0 */
    VX_ICMP_NO_HOST,        /* 3/1; 1/3 */
    VX_ICMP_NO_PORT,        /* 3/3; 1/4; of what has no ports 3/2, and nothing
                             * over IPv6 */
    VX_ICMP_TOO_BIG,        /* 3/4; 2/0 */
    VX_N_ICMP_ERRORS
};

/* Room for all that is quoted: a packet-in is no longer than VX_PUNT_MAX. */
enum { VX_ICMP_MAX = 14 + 40 + 8 + 512 };

struct vx_icmp_reply {
    struct vx_mac src, dst;     /* of the frame */
    struct vx_ip from;          /* of the family of the packet */
    enum vx_icmp_error error;
    uint16_t mtu;               /* TOO_BIG: of the way on, bytes */
};

/* The size of the answer, or 0: there must be none (the packet is itself an
 * ICMP error or a redirect, a later fragment, to or from what is no single
 * host).  O(size). */
size_t vx_icmp_error(const struct vx_punted *punted,
                     const struct vx_icmp_reply *reply,
                     uint8_t frame[VX_ICMP_MAX]);

#endif
