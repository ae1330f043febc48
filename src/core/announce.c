/* SPDX-License-Identifier: Apache-2.0 */
/* Gratuitous ARP and neighbour advertisements, byte by byte. */
#include "core/announce.h"

#include <netinet/in.h>
#include <string.h>

enum { ETH_SIZE = 14, ARP_SIZE = 28, IP6_SIZE = 40, NA_SIZE = 32,
       ETH_MIN = 60 };

static uint8_t *
put(uint8_t *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static size_t
arp_reply(const struct vx_mac *mac, const struct vx_ip *ip, uint8_t *frame)
{
    static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
    static const uint8_t head[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 2 };
    uint8_t *p = frame;

    memset(frame, 0, ETH_MIN);
    p = put(p, all, sizeof all);
    p = put(p, mac->b, sizeof mac->b);
    p = put(p, head, sizeof head);
    p = put(p, mac->b, sizeof mac->b);
    p = put(p, ip->b, 4);
    p = put(p, all, sizeof all);
    put(p, ip->b, 4);
    return ETH_MIN;
}

/* RFC 4443 2.3: over the pseudo-header and the message. */
static uint16_t
checksum(const uint8_t *ip6, const uint8_t *message)
{
    uint32_t sum = NA_SIZE + IPPROTO_ICMPV6;

    for (size_t i = 8; i < IP6_SIZE; i += 2) {
        sum += (uint32_t) ip6[i] << 8 | ip6[i + 1];
    }
    for (size_t i = 0; i < NA_SIZE; i += 2) {
        sum += (uint32_t) message[i] << 8 | message[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static size_t
advertisement(const struct vx_mac *mac, const struct vx_ip *ip,
              uint8_t *frame)
{
    static const uint8_t all_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
    static const uint8_t all_ip[16] = { 0xff, 2, [15] = 1 };
    static const uint8_t head[] = { 0x86, 0xdd, 0x60, 0, 0, 0, 0, NA_SIZE,
                                    IPPROTO_ICMPV6, 255 };
    static const uint8_t na[] = { 136, 0, 0, 0, 0x20, 0, 0, 0 };
    static const uint8_t option[] = { 2, 1 };
    uint8_t *ip6 = frame + ETH_SIZE, *message = ip6 + IP6_SIZE, *p = frame;
    uint16_t sum;

    p = put(p, all_mac, sizeof all_mac);
    p = put(p, mac->b, sizeof mac->b);
    p = put(p, head, sizeof head);
    p = put(p, ip->b, 16);
    p = put(p, all_ip, sizeof all_ip);
    p = put(p, na, sizeof na);
    p = put(p, ip->b, 16);
    p = put(p, option, sizeof option);
    put(p, mac->b, sizeof mac->b);
    sum = checksum(ip6, message);
    message[2] = (uint8_t) (sum >> 8);
    message[3] = (uint8_t) sum;
    return ETH_SIZE + IP6_SIZE + NA_SIZE;
}

size_t
vx_announce_frame(const struct vx_mac *mac, const struct vx_ip *ip,
                  uint8_t frame[VX_ANNOUNCE_MAX])
{
    return ip->family == 4 ? arp_reply(mac, ip, frame)
           : advertisement(mac, ip, frame);
}
