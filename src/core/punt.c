/* SPDX-License-Identifier: Apache-2.0 */
/* Reading frames that came from VMs; see punt.h. */
#include "core/punt.h"

#include <netinet/in.h>
#include <string.h>

enum { ETH_SIZE = 14, ARP_SIZE = 28, IP4_SIZE = 20, IP6_SIZE = 40,
       MAX_EXTENSIONS = 8 };

static unsigned
u16(const uint8_t *p)
{
    return (unsigned) p[0] << 8 | p[1];
}

static struct vx_ip
address(const uint8_t *p, uint8_t family)
{
    struct vx_ip ip = { .family = family };

    memcpy(ip.b, p, family == 4 ? 4 : 16);
    return ip;
}

static bool
parse_arp(const uint8_t *p, size_t size, struct vx_punted *punted)
{
    static const uint8_t head[] = { 0, 1, 8, 0, 6, 4 };

    if (size < ARP_SIZE || memcmp(p, head, sizeof head)) {
        return false;
    }
    punted->arp = true;
    punted->src = address(p + 14, 4);
    punted->dst = address(p + 24, 4);
    punted->ip = punted->upper = p;
    punted->ip_size = punted->upper_size = ARP_SIZE;
    punted->whole = true;
    return true;
}

/* What was sent is length bytes, what is there may be less, or padded. */
static void
set_packet(struct vx_punted *punted, const uint8_t *p, size_t size,
           size_t length)
{
    punted->ip = p;
    punted->whole = length <= size;
    punted->ip_size = punted->whole ? length : size;
}

static void
set_upper(struct vx_punted *punted, size_t offset)
{
    punted->upper = punted->ip + offset;
    punted->upper_size = punted->ip_size - offset;
}

static bool
parse_ip4(const uint8_t *p, size_t size, struct vx_punted *punted)
{
    size_t header, length;

    if (size < IP4_SIZE || p[0] >> 4 != 4) {
        return false;
    }
    header = (size_t) (p[0] & 15) * 4;
    length = u16(p + 2);
    if (header < IP4_SIZE || header > size || length < header) {
        return false;
    }
    set_packet(punted, p, size, length);
    set_upper(punted, header);
    punted->src = address(p + 12, 4);
    punted->dst = address(p + 16, 4);
    punted->proto = p[9];
    punted->ttl = p[8];
    punted->later_fragment = u16(p + 6) & 0x1fff;
    return true;
}

static bool
is_extension(uint8_t proto)
{
    return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING
           || proto == IPPROTO_DSTOPTS || proto == IPPROTO_FRAGMENT;
}

/* RFC 8200 4. */
static bool
skip_extensions(struct vx_punted *punted)
{
    size_t at = IP6_SIZE;

    punted->proto = punted->ip[6];
    for (int i = 0; is_extension(punted->proto); i++) {
        const uint8_t *p = punted->ip + at;
        bool fragment = punted->proto == IPPROTO_FRAGMENT;

        if (i == MAX_EXTENSIONS || at + 8 > punted->ip_size) {
            return false;
        }
        if (fragment && u16(p + 2) & 0xfff8) {
            punted->later_fragment = true;
            break;
        }
        punted->proto = p[0];
        at += fragment ? 8 : ((size_t) p[1] + 1) * 8;
        if (at > punted->ip_size) {
            return false;
        }
    }
    set_upper(punted, at);
    return true;
}

static bool
parse_ip6(const uint8_t *p, size_t size, struct vx_punted *punted)
{
    if (size < IP6_SIZE || p[0] >> 4 != 6) {
        return false;
    }
    set_packet(punted, p, size, IP6_SIZE + u16(p + 4));
    punted->src = address(p + 8, 6);
    punted->dst = address(p + 24, 6);
    punted->ttl = p[7];
    return skip_extensions(punted);
}

bool
vx_punted_parse(const uint8_t *frame, size_t size,
                struct vx_punted *ret_punted)
{
    struct vx_punted punted = { .arp = false };
    bool ok = false;

    if (size < ETH_SIZE) {
        return false;
    }
    memcpy(punted.eth_dst.b, frame, 6);
    memcpy(punted.eth_src.b, frame + 6, 6);
    switch (u16(frame + 12)) {
    case 0x0800:
        ok = parse_ip4(frame + ETH_SIZE, size - ETH_SIZE, &punted);
        break;
    case 0x86dd:
        ok = parse_ip6(frame + ETH_SIZE, size - ETH_SIZE, &punted);
        break;
    case 0x0806:
        ok = parse_arp(frame + ETH_SIZE, size - ETH_SIZE, &punted);
        break;
    }
    if (ok) {
        *ret_punted = punted;
    }
    return ok;
}

static uint32_t
add_up(uint32_t sum, const uint8_t *p, size_t size)
{
    for (; size > 1; p += 2, size -= 2) {
        sum += u16(p);
    }
    return size ? sum + ((uint32_t) p[0] << 8) : sum;
}

uint16_t
vx_punt_checksum(const uint8_t *ip, const uint8_t *bytes, size_t size)
{
    uint32_t sum = add_up(0, bytes, size);

    if (ip) {
        sum = add_up(sum, ip + 8, 32) + (uint32_t) size + IPPROTO_ICMPV6;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return htons((uint16_t) ~sum);
}
