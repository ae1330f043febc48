/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors of the gateway; see icmp.h. */
#include "core/icmp.h"

#include <netinet/in.h>
#include <string.h>

enum {
    ETH_SIZE = 14, IP4_SIZE = 20, IP6_SIZE = 40, ICMP_SIZE = 8,
    QUOTE_MAX_4 = 576 - IP4_SIZE - ICMP_SIZE,       /* RFC 1812 4.3.2.3 */
    QUOTE_MAX = 512,
    TTL = 64,
};
_Static_assert(QUOTE_MAX <= QUOTE_MAX_4, "an answer of more than 576 bytes");

static void
put_u16(uint8_t *p, unsigned u)
{
    p[0] = (uint8_t) (u >> 8);
    p[1] = (uint8_t) u;
}

/* --- Whether there may be one. */

/* A single host somewhere, as a source has to be. */
static bool
is_single(const struct vx_ip *ip)
{
    return vx_ip_is_host(ip)
           && (ip->family == 6 || (ip->b[0] && ip->b[0] < 224));
}

/* Echo, router discovery, timestamp, information, mask: all others are errors,
 * or nobody knows what they are (RFC 1122 3.2.2). */
static bool
is_query4(uint8_t type)
{
    return type == 0 || (type >= 8 && type <= 10)
           || (type >= 13 && type <= 18);
}

static bool
is_query6(uint8_t type)
{
    return type >= 128 && type != 137;      /* RFC 4443 2.4 (e.1, e.2) */
}

static bool
may_answer(const struct vx_punted *punted)
{
    bool icmp = punted->src.family == 4 ? punted->proto == IPPROTO_ICMP
                                        : punted->proto == IPPROTO_ICMPV6;

    if (punted->arp || punted->later_fragment || (punted->eth_dst.b[0] & 1)
        || !is_single(&punted->src) || !is_single(&punted->dst)) {
        return false;
    } else if (!icmp) {
        return true;
    } else if (!punted->upper_size) {
        return false;
    }
    return punted->src.family == 4 ? is_query4(punted->upper[0])
                                   : is_query6(punted->upper[0]);
}

/* --- What it says. */

static bool
has_ports(const struct vx_punted *punted)
{
    return punted->proto == IPPROTO_TCP || punted->proto == IPPROTO_UDP
           || punted->proto == IPPROTO_SCTP || punted->proto == IPPROTO_DCCP
           || punted->proto == IPPROTO_UDPLITE;
}

static bool
set_type4(uint8_t *icmp, const struct vx_punted *punted,
          const struct vx_icmp_reply *reply)
{
    static const uint8_t types[VX_N_ICMP_ERRORS] = { 11, 3, 3, 3, 3 };
    static const uint8_t codes[VX_N_ICMP_ERRORS] = { 0, 0, 1, 3, 4 };

    icmp[0] = types[reply->error];
    icmp[1] = codes[reply->error];
    if (reply->error == VX_ICMP_TOO_BIG) {
        put_u16(icmp + 6, reply->mtu);      /* RFC 1191 */
    } else if (reply->error == VX_ICMP_NO_PORT && !has_ports(punted)) {
        icmp[1] = 2;                        /* protocol unreachable */
    }
    return reply->error != VX_ICMP_NO_PORT || punted->proto != IPPROTO_ICMP;
}

static bool
set_type6(uint8_t *icmp, const struct vx_punted *punted,
          const struct vx_icmp_reply *reply)
{
    static const uint8_t types[VX_N_ICMP_ERRORS] = { 3, 1, 1, 1, 2 };
    static const uint8_t codes[VX_N_ICMP_ERRORS] = { 0, 0, 3, 4, 0 };

    icmp[0] = types[reply->error];
    icmp[1] = codes[reply->error];
    if (reply->error == VX_ICMP_TOO_BIG) {
        put_u16(icmp + 6, reply->mtu);
    }
    return reply->error != VX_ICMP_NO_PORT || has_ports(punted);
}

static void
finish4(uint8_t *ip, const struct vx_punted *punted,
        const struct vx_icmp_reply *reply, size_t size)
{
    uint8_t *icmp = ip + IP4_SIZE;
    uint16_t sum = vx_punt_checksum(NULL, icmp, size);

    memcpy(icmp + 2, &sum, 2);
    ip[0] = 0x45;
    ip[1] = 0xc0;               /* internetwork control, RFC 1812 4.3.2.5 */
    put_u16(ip + 2, (unsigned) (IP4_SIZE + size));
    ip[8] = TTL;
    ip[9] = IPPROTO_ICMP;
    memcpy(ip + 12, reply->from.b, 4);
    memcpy(ip + 16, punted->src.b, 4);
    sum = vx_punt_checksum(NULL, ip, IP4_SIZE);
    memcpy(ip + 10, &sum, 2);
}

static void
finish6(uint8_t *ip, const struct vx_punted *punted,
        const struct vx_icmp_reply *reply, size_t size)
{
    uint8_t *icmp = ip + IP6_SIZE;
    uint16_t sum;

    ip[0] = 0x60;
    put_u16(ip + 4, (unsigned) size);
    ip[6] = IPPROTO_ICMPV6;
    ip[7] = TTL;
    memcpy(ip + 8, reply->from.b, 16);
    memcpy(ip + 24, punted->src.b, 16);
    sum = vx_punt_checksum(ip, icmp, size);
    memcpy(icmp + 2, &sum, 2);
}

size_t
vx_icmp_error(const struct vx_punted *punted,
              const struct vx_icmp_reply *reply, uint8_t frame[VX_ICMP_MAX])
{
    bool is4 = punted->src.family == 4;
    size_t header = is4 ? IP4_SIZE : IP6_SIZE, quoted = punted->ip_size;
    uint8_t *ip = frame + ETH_SIZE, *icmp = ip + header;

    if (!may_answer(punted) || reply->from.family != punted->src.family) {
        return 0;
    }
    quoted = quoted > QUOTE_MAX ? QUOTE_MAX : quoted;
    memset(frame, 0, ETH_SIZE + header + ICMP_SIZE);
    if (!(is4 ? set_type4 : set_type6)(icmp, punted, reply)) {
        return 0;
    }
    memcpy(frame, reply->dst.b, 6);
    memcpy(frame + 6, reply->src.b, 6);
    put_u16(frame + 12, is4 ? 0x0800 : 0x86dd);
    memcpy(icmp + ICMP_SIZE, punted->ip, quoted);
    (is4 ? finish4 : finish6)(ip, punted, reply, ICMP_SIZE + quoted);
    return ETH_SIZE + header + ICMP_SIZE + quoted;
}
