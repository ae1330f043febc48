/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as plain values; see addr.h. */
#include "lib/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

static int
hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
vx_mac_parse(const char *s, struct vx_mac *ret_mac)
{
    struct vx_mac mac;

    for (int i = 0; i < 6; i++) {
        int hi = hex(s[0]), lo = hi < 0 ? -1 : hex(s[1]);

        if (lo < 0 || s[2] != (i < 5 ? ':' : '\0')) {
            return false;
        }
        mac.b[i] = (uint8_t) (hi << 4 | lo);
        s += 3;
    }
    *ret_mac = mac;
    return true;
}

const char *
vx_mac_format(const struct vx_mac *mac, char buf[VX_MAC_STRLEN])
{
    snprintf(buf, VX_MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac->b[0],
             mac->b[1], mac->b[2], mac->b[3], mac->b[4], mac->b[5]);
    return buf;
}

int
vx_mac_compare(const struct vx_mac *a, const struct vx_mac *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

bool
vx_mac_is_unicast(const struct vx_mac *mac)
{
    return !(mac->b[0] & 1) && vx_mac_to_u64(mac) != 0;
}

uint64_t
vx_mac_to_u64(const struct vx_mac *mac)
{
    uint64_t u = 0;

    for (int i = 0; i < 6; i++) {
        u = u << 8 | mac->b[i];
    }
    return u;
}

struct vx_mac
vx_mac_from_u64(uint64_t u)
{
    struct vx_mac mac;

    for (int i = 5; i >= 0; i--) {
        mac.b[i] = (uint8_t) u;
        u >>= 8;
    }
    return mac;
}

bool
vx_ip_parse(const char *s, struct vx_ip *ret_ip)
{
    struct vx_ip ip = { .family = strchr(s, ':') ? 6 : 4 };

    if (inet_pton(ip.family == 6 ? AF_INET6 : AF_INET, s, ip.b) != 1) {
        return false;
    }
    if (ip.family == 6) {
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

        if (!memcmp(ip.b, mapped, sizeof mapped)) {
            return false;
        }
    }
    *ret_ip = ip;
    return true;
}

const char *
vx_ip_format(const struct vx_ip *ip, char buf[VX_IP_STRLEN])
{
    buf[0] = '\0';
    if (ip->family) {
        inet_ntop(ip->family == 6 ? AF_INET6 : AF_INET, ip->b, buf,
                  VX_IP_STRLEN);
    }
    return buf;
}

int
vx_ip_compare(const struct vx_ip *a, const struct vx_ip *b)
{
    if (a->family != b->family) {
        return a->family < b->family ? -1 : 1;
    }
    return memcmp(a->b, b->b, sizeof a->b);
}

unsigned
vx_ip_bits(const struct vx_ip *ip)
{
    return ip->family == 6 ? 128 : 32;
}

bool
vx_ip_is_host(const struct vx_ip *ip)
{
    static const uint8_t zero[16], loopback6[16] = { [15] = 1 };

    if (ip->family == 4) {
        return ip->b[0] != 0 && ip->b[0] != 127 && ip->b[0] < 224;
    }
    return ip->family == 6 && ip->b[0] != 0xff && memcmp(ip->b, zero, 16)
           && memcmp(ip->b, loopback6, 16);
}

bool
vx_ip_is_link_local(const struct vx_ip *ip)
{
    if (ip->family == 4) {
        return ip->b[0] == 169 && ip->b[1] == 254;
    }
    return ip->family == 6 && ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

struct vx_ip
vx_ip_link_local(const struct vx_mac *mac)
{
    struct vx_ip ip = { .family = 6, .b = { 0xfe, 0x80 } };

    ip.b[8] = mac->b[0] ^ 2;
    ip.b[9] = mac->b[1];
    ip.b[10] = mac->b[2];
    ip.b[11] = 0xff;
    ip.b[12] = 0xfe;
    ip.b[13] = mac->b[3];
    ip.b[14] = mac->b[4];
    ip.b[15] = mac->b[5];
    return ip;
}

unsigned __int128
vx_ip_to_u128(const struct vx_ip *ip)
{
    unsigned __int128 u = 0;

    for (unsigned i = 0; i < vx_ip_bits(ip) / 8; i++) {
        u = u << 8 | ip->b[i];
    }
    return u;
}

struct vx_ip
vx_ip_from_u128(unsigned __int128 u, uint8_t family)
{
    struct vx_ip ip = { .family = family };

    for (int i = (int) vx_ip_bits(&ip) / 8 - 1; i >= 0; i--) {
        ip.b[i] = (uint8_t) u;
        u >>= 8;
    }
    return ip;
}

static unsigned __int128
host_mask(const struct vx_ip *ip, unsigned length)
{
    unsigned n_host_bits = vx_ip_bits(ip) - length;

    return n_host_bits >= 128 ? ~(unsigned __int128) 0
           : ((unsigned __int128) 1 << n_host_bits) - 1;
}

bool
vx_prefix_parse_local(const char *s, struct vx_prefix *ret_local)
{
    struct vx_prefix p;
    char buf[VX_IP_STRLEN];
    const char *slash = strchr(s, '/');
    unsigned length = 0;
    size_t n_digits;

    if (!slash || (size_t) (slash - s) >= sizeof buf) {
        return false;
    }
    memcpy(buf, s, (size_t) (slash - s));
    buf[slash - s] = '\0';
    n_digits = strspn(slash + 1, "0123456789");
    if (!vx_ip_parse(buf, &p.ip) || n_digits < 1 || n_digits > 3
        || slash[1 + n_digits] || (slash[1] == '0' && n_digits > 1)) {
        return false;
    }
    for (size_t i = 1; i <= n_digits; i++) {
        length = length * 10 + (unsigned) (slash[i] - '0');
    }
    if (length > vx_ip_bits(&p.ip)) {
        return false;
    }
    p.length = (uint8_t) length;
    *ret_local = p;
    return true;
}

bool
vx_prefix_parse(const char *s, struct vx_prefix *ret_prefix)
{
    struct vx_prefix p;

    if (!vx_prefix_parse_local(s, &p)
        || (vx_ip_to_u128(&p.ip) & host_mask(&p.ip, p.length))) {
        return false;
    }
    *ret_prefix = p;
    return true;
}

const char *
vx_prefix_format(const struct vx_prefix *p, char buf[VX_PREFIX_STRLEN])
{
    char ip[VX_IP_STRLEN];

    snprintf(buf, VX_PREFIX_STRLEN, "%s/%u", vx_ip_format(&p->ip, ip),
             p->length);
    return buf;
}

int
vx_prefix_compare(const struct vx_prefix *a, const struct vx_prefix *b)
{
    int c = vx_ip_compare(&a->ip, &b->ip);

    return c ? c : (int) a->length - (int) b->length;
}

bool
vx_prefix_contains(const struct vx_prefix *p, const struct vx_ip *ip)
{
    return p->ip.family == ip->family
           && (vx_ip_to_u128(ip) & ~host_mask(ip, p->length))
               == vx_ip_to_u128(&p->ip);
}

bool
vx_prefix_overlaps(const struct vx_prefix *a, const struct vx_prefix *b)
{
    return a->length <= b->length ? vx_prefix_contains(a, &b->ip)
                                  : vx_prefix_contains(b, &a->ip);
}

struct vx_prefix
vx_prefix_network(const struct vx_prefix *local)
{
    return (struct vx_prefix) {
        vx_ip_from_u128(vx_ip_to_u128(&local->ip)
                        & ~host_mask(&local->ip, local->length),
                        local->ip.family),
        local->length,
    };
}

struct vx_ip
vx_prefix_last(const struct vx_prefix *p)
{
    return vx_ip_from_u128(vx_ip_to_u128(&p->ip)
                           | host_mask(&p->ip, p->length), p->ip.family);
}

/* --- Where a controller is. */

static char *
tcp_url(const char *scheme, const char *rest)
{
    const char *colon = strrchr(rest, ':');
    char host[VX_IP_STRLEN + 2];
    struct vx_ip ip;
    size_t length;
    char *end;
    long port;

    if (!colon || colon == rest) {
        return NULL;
    }
    length = (size_t) (colon - rest);
    if (rest[0] == '[' && colon[-1] == ']') {
        rest++;
        length -= 2;
    }
    snprintf(host, sizeof host, "%.*s", (int) length, rest);
    port = strtol(colon + 1, &end, 10);
    if (length >= sizeof host || !vx_ip_parse(host, &ip) || *end
        || colon[1] < '0' || colon[1] > '9' || port < 1 || port > 65535) {
        return NULL;
    }
    return vx_xasprintf(ip.family == 6 ? "%s://[%s]:%ld" : "%s://%s:%ld",
                        scheme, host, port);
}

char *
vx_addr_url(const char *addr)
{
    if (!strncmp(addr, "unix:", 5) && addr[5]) {
        return vx_xstrdup("http://localhost");
    } else if (!strncmp(addr, "tcp:", 4)) {
        return tcp_url("http", addr + 4);
    } else if (!strncmp(addr, "tls:", 4)) {
        return tcp_url("https", addr + 4);
    }
    return NULL;
}
