/* SPDX-License-Identifier: Apache-2.0 */
/* Router advertisements of the anycast gateway: RFC 4861 4.2 and 6.2.
 *
 * What a host learns: its default route, the network's MTU, which prefixes
 * are on the link.  Prefixes are never autonomous: addresses come from
 * intent, and the guard drops what a host would make up. */
#ifndef VX_CORE_RA_H
#define VX_CORE_RA_H

#include "core/punt.h"

enum {
    VX_RA_LIFETIME_S = 65535,       /* RFC 8319 4: the longest there is */
    VX_RA_PREFIX_S = 2592000,       /* 30 days, RFC 4861 6.2.1 */
    VX_RA_MAX_PREFIXES = 32,        /* so that it fits the least MTU */
    VX_RA_MAX = 14 + 40 + 16 + 8 + 8 + 32 * VX_RA_MAX_PREFIXES,
};

struct vx_ra_prefix {
    struct vx_prefix prefix;        /* IPv6 */
    bool gone;                      /* not on the link any more */
};

struct vx_ra {
    struct vx_mac router;
    struct vx_mac dst_mac;
    struct vx_ip dst;               /* IPv6 */
    uint16_t lifetime_s;            /* 0: no default router (any more) */
    uint16_t mtu;                   /* told if IPv6 is possible with it */
    const struct vx_ra_prefix *prefixes;
    size_t n_prefixes;              /* at most VX_RA_MAX_PREFIXES */
};

/* To all nodes. */
void vx_ra_to_all(struct vx_ra *ra);
/* Returns the size. */
size_t vx_ra_build(const struct vx_ra *ra, uint8_t frame[VX_RA_MAX]);

/* Whether it is a router solicitation that holds all rules of RFC 4861 6.1.1,
 * and then sets ra->dst_mac and ra->dst to who asks; to all nodes, if it has
 * no address yet. */
bool vx_ra_asked(const struct vx_punted *punted, struct vx_ra *ra);

#endif
