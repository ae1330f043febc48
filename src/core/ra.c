/* SPDX-License-Identifier: Apache-2.0 */
/* Router advertisements, byte by byte; see ra.h. */
#include "core/ra.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

enum {
    ETH_SIZE = 14, IP6_SIZE = 40, RA_SIZE = 16, PREFIX_SIZE = 32,
    RS_SIZE = 8, ROUTER_SOLICIT = 133, ROUTER_ADVERT = 134,
    OPTION_SOURCE = 1, OPTION_PREFIX = 3, OPTION_MTU = 5,
    ON_LINK = 0x80, HOP_LIMIT = 64, IP6_MIN_MTU = 1280,
};

static void
put_u16(uint8_t *p, unsigned u)
{
    p[0] = (uint8_t) (u >> 8);
    p[1] = (uint8_t) u;
}

static void
put_u32(uint8_t *p, uint32_t u)
{
    put_u16(p, u >> 16);
    put_u16(p + 2, u & 0xffff);
}

void
vx_ra_to_all(struct vx_ra *ra)
{
    ra->dst_mac = (struct vx_mac) { { 0x33, 0x33, 0, 0, 0, 1 } };
    ra->dst = (struct vx_ip) { 6, { 0xff, 2, [15] = 1 } };
}

static uint8_t *
put_prefix(uint8_t *p, const struct vx_ra_prefix *prefix)
{
    uint32_t seconds = prefix->gone ? 0 : VX_RA_PREFIX_S;

    memset(p, 0, PREFIX_SIZE);
    p[0] = OPTION_PREFIX;
    p[1] = PREFIX_SIZE / 8;
    p[2] = prefix->prefix.length;
    p[3] = ON_LINK;
    put_u32(p + 4, seconds);
    put_u32(p + 8, seconds);
    memcpy(p + 16, prefix->prefix.ip.b, 16);
    return p + PREFIX_SIZE;
}

static uint8_t *
put_options(uint8_t *p, const struct vx_ra *ra)
{
    p[0] = OPTION_SOURCE;
    p[1] = 1;
    memcpy(p + 2, ra->router.b, 6);
    p += 8;
    if (ra->mtu >= IP6_MIN_MTU) {
        memset(p, 0, 8);
        p[0] = OPTION_MTU;
        p[1] = 1;
        put_u16(p + 6, ra->mtu);
        p += 8;
    }
    for (size_t i = 0; i < ra->n_prefixes; i++) {
        p = put_prefix(p, &ra->prefixes[i]);
    }
    return p;
}

size_t
vx_ra_build(const struct vx_ra *ra, uint8_t frame[VX_RA_MAX])
{
    struct vx_ip src = vx_ip_link_local(&ra->router);
    uint8_t *ip = frame + ETH_SIZE, *icmp = ip + IP6_SIZE, *end;
    uint16_t sum;

    assert(ra->n_prefixes <= VX_RA_MAX_PREFIXES);
    memset(frame, 0, ETH_SIZE + IP6_SIZE + RA_SIZE);
    icmp[0] = ROUTER_ADVERT;
    icmp[4] = HOP_LIMIT;
    put_u16(icmp + 6, ra->lifetime_s);
    end = put_options(icmp + RA_SIZE, ra);
    memcpy(frame, ra->dst_mac.b, 6);
    memcpy(frame + 6, ra->router.b, 6);
    put_u16(frame + 12, 0x86dd);
    ip[0] = 0x60;
    put_u16(ip + 4, (unsigned) (end - icmp));
    ip[6] = IPPROTO_ICMPV6;
    ip[7] = 255;
    memcpy(ip + 8, src.b, 16);
    memcpy(ip + 24, ra->dst.b, 16);
    sum = vx_punt_checksum(ip, icmp, (size_t) (end - icmp));
    memcpy(icmp + 2, &sum, 2);
    return (size_t) (end - frame);
}

/* Options have a size, and of those of no address none is its MAC. */
static bool
are_options(const uint8_t *p, size_t size, bool unspecified)
{
    while (size) {
        size_t n = size >= 2 ? (size_t) p[1] * 8 : 0;

        if (!n || n > size || (unspecified && p[0] == OPTION_SOURCE)) {
            return false;
        }
        p += n;
        size -= n;
    }
    return true;
}

bool
vx_ra_asked(const struct vx_punted *punted, struct vx_ra *ra)
{
    static const struct vx_ip none = { .family = 6 };
    bool unspecified = !vx_ip_compare(&punted->src, &none);

    if (punted->src.family != 6 || punted->proto != IPPROTO_ICMPV6
        || punted->later_fragment || !punted->whole || punted->ttl != 255
        || punted->upper_size < RS_SIZE || punted->upper[0] != ROUTER_SOLICIT
        || punted->upper[1]
        || vx_punt_checksum(punted->ip, punted->upper, punted->upper_size)
        || !are_options(punted->upper + RS_SIZE,
                        punted->upper_size - RS_SIZE, unspecified)) {
        return false;
    }
    if (unspecified) {
        vx_ra_to_all(ra);
    } else if (vx_ip_is_host(&punted->src)
               && vx_mac_is_unicast(&punted->eth_src)) {
        ra->dst_mac = punted->eth_src;
        ra->dst = punted->src;
    } else {
        return false;
    }
    return true;
}
