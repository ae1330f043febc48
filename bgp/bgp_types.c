/* SPDX-License-Identifier: Apache-2.0 */
/* Names and numbers of families, route distinguishers and targets, extended
 * communities.  Pure. */
#include "bgp/bgp_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/bgp_wire.h"

static const struct {
    const char *name;
    uint16_t afi;
    uint8_t safi;
} families[BG_N_FAMILIES] = {
    [BG_IPV4] = { "ipv4", 1, 1 },
    [BG_IPV6] = { "ipv6", 2, 1 },
    [BG_VPNV4] = { "vpnv4", 1, 128 },
    [BG_VPNV6] = { "vpnv6", 2, 128 },
    [BG_FLOW4] = { "flowspec4", 1, 133 },
    [BG_FLOW6] = { "flowspec6", 2, 133 },
    [BG_EVPN] = { "evpn", 25, 70 },
};

const char *
bg_family_name(enum bg_family family)
{
    return family < BG_N_FAMILIES ? families[family].name : "?";
}

bool
bg_family_parse(const char *s, enum bg_family *ret_family)
{
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        if (!strcmp(s, families[i].name)) {
            *ret_family = i;
            return true;
        }
    }
    return false;
}

uint16_t
bg_family_afi(enum bg_family family)
{
    return families[family].afi;
}

uint8_t
bg_family_safi(enum bg_family family)
{
    return families[family].safi;
}

bool
bg_family_find(uint16_t afi, uint8_t safi, enum bg_family *ret_family)
{
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        if (families[i].afi == afi && families[i].safi == safi) {
            *ret_family = i;
            return true;
        }
    }
    return false;
}

/* --- "A:B": the eight bytes of a distinguisher; those of a target are the
 * same but for the first two. */

static bool
parse_number(const char *s, size_t size, uint32_t max, uint32_t *ret_u)
{
    uint64_t u = 0;

    if (!size || size > 10) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return false;
        }
        u = u * 10 + (s[i] - '0');
    }
    if (u > max) {
        return false;
    }
    *ret_u = u;
    return true;
}

/* "65001", "0.65001" or "1.2"; *ret_is_wide: needs four bytes. */
static bool
parse_as(const char *s, size_t size, uint32_t *ret_as, bool *ret_is_wide)
{
    const char *dot = memchr(s, '.', size);
    uint32_t high, low;

    if (!dot) {
        if (!parse_number(s, size, UINT32_MAX, ret_as)) {
            return false;
        }
        *ret_is_wide = *ret_as > 0xffff;
        return true;
    }
    if (!parse_number(s, dot - s, 0xffff, &high)
        || !parse_number(dot + 1, s + size - dot - 1, 0xffff, &low)) {
        return false;
    }
    *ret_as = high << 16 | low;
    *ret_is_wide = true;
    return true;
}

/* type 0, 1 or 2 and the six bytes behind it. */
static bool
parse_pair(const char *s, uint8_t *ret_type, uint8_t ret_bytes[6])
{
    const char *colon = strchr(s, ':');
    char left[24];
    struct vx_ip ip;
    uint32_t as, local;
    bool is_wide;

    if (!colon || colon - s >= (ptrdiff_t) sizeof left) {
        return false;
    }
    memcpy(left, s, colon - s);
    left[colon - s] = '\0';
    if (!parse_number(colon + 1, strlen(colon + 1), UINT32_MAX, &local)) {
        return false;
    }
    if (vx_ip_parse(left, &ip) && ip.family == 4) {
        if (local > 0xffff) {
            return false;
        }
        *ret_type = 1;
        memcpy(ret_bytes, ip.b, 4);
        bg_put_be(ret_bytes + 4, local, 2);
        return true;
    }
    if (!parse_as(left, colon - s, &as, &is_wide)
        || (is_wide && local > 0xffff)) {
        return false;
    }
    *ret_type = is_wide ? 2 : 0;
    bg_put_be(ret_bytes, as, is_wide ? 4 : 2);
    bg_put_be(ret_bytes + (is_wide ? 4 : 2), local, is_wide ? 2 : 4);
    return true;
}

static void
format_pair(uint8_t type, const uint8_t b[6], char buf[BG_RD_STRLEN])
{
    uint32_t as = bg_get_be(b, 4);

    if (type == 1) {
        snprintf(buf, BG_RD_STRLEN, "%u.%u.%u.%u:%u", b[0], b[1], b[2],
                 b[3], bg_get_be(b + 4, 2));
    } else if (type == 2) {
        snprintf(buf, BG_RD_STRLEN, "%s%u:%u", as > 0xffff ? "" : "0.",
                 as, bg_get_be(b + 4, 2));
    } else {
        snprintf(buf, BG_RD_STRLEN, "%u:%u", bg_get_be(b, 2),
                 bg_get_be(b + 2, 4));
    }
}

static void
pair_of_as(uint32_t as, uint32_t local, uint8_t *ret_type, uint8_t b[6])
{
    bool is_wide = as > 0xffff;

    *ret_type = is_wide ? 2 : 0;
    bg_put_be(b, as, is_wide ? 4 : 2);
    bg_put_be(b + (is_wide ? 4 : 2), local, is_wide ? 2 : 4);
}

bool
bg_rd_parse(const char *s, struct bg_rd *ret_rd)
{
    struct bg_rd rd = { { 0 } };

    if (!parse_pair(s, &rd.b[1], rd.b + 2)) {
        return false;
    }
    *ret_rd = rd;
    return true;
}

const char *
bg_rd_format(const struct bg_rd *rd, char buf[BG_RD_STRLEN])
{
    if (rd->b[0] || rd->b[1] > 2) {
        snprintf(buf, BG_RD_STRLEN, "0x%08x%08x", bg_get_be(rd->b, 4),
                 bg_get_be(rd->b + 4, 4));
    } else {
        format_pair(rd->b[1], rd->b + 2, buf);
    }
    return buf;
}

struct bg_rd
bg_rd_as(uint32_t as, uint32_t local)
{
    struct bg_rd rd = { { 0 } };

    pair_of_as(as, local, &rd.b[1], rd.b + 2);
    return rd;
}

struct bg_rd
bg_rd_ip(const struct vx_ip *ipv4, uint16_t local)
{
    struct bg_rd rd = { { 0, 1 } };

    memcpy(rd.b + 2, ipv4->b, 4);
    bg_put_be(rd.b + 6, local, 2);
    return rd;
}

/* --- Extended communities. */

enum { SUBTYPE_RT = 0x02 };

bool
bg_rt_parse(const char *s, struct bg_ext *ret_rt)
{
    struct bg_ext rt = { { 0, SUBTYPE_RT } };

    if (!parse_pair(s, &rt.b[0], rt.b + 2)) {
        return false;
    }
    *ret_rt = rt;
    return true;
}

bool
bg_rt_is(const struct bg_ext *ext)
{
    return ext->b[0] <= 2 && ext->b[1] == SUBTYPE_RT;
}

const char *
bg_rt_format(const struct bg_ext *rt, char buf[BG_RD_STRLEN])
{
    if (!bg_rt_is(rt)) {
        return NULL;
    }
    format_pair(rt->b[0], rt->b + 2, buf);
    return buf;
}

struct bg_ext
bg_rt_as(uint32_t as, uint32_t local)
{
    struct bg_ext rt = { { 0, SUBTYPE_RT } };

    pair_of_as(as, local, &rt.b[0], rt.b + 2);
    return rt;
}

uint32_t
bg_rt_local(const struct bg_ext *rt)
{
    if (rt->b[0]) {
        return bg_get_be(rt->b + 6, 2);
    }
    /* RFC 8365 5.1.2.1: A = 0, type 1 (VXLAN), any domain, 24-bit VNI. */
    if ((rt->b[4] & 0xf0) == 0x10) {
        return bg_get_be(rt->b + 5, 3);
    }
    return bg_get_be(rt->b + 4, 4);
}

struct bg_ext
bg_ext_encap_vxlan(void)
{
    return (struct bg_ext) { { 0x03, 0x0c, [7] = 8 } };
}

struct bg_ext
bg_ext_router_mac(const struct vx_mac *mac)
{
    struct bg_ext ext = { { 0x06, 0x03 } };

    memcpy(ext.b + 2, mac->b, 6);
    return ext;
}

struct bg_ext
bg_ext_mobility(uint32_t seq, bool sticky)
{
    struct bg_ext ext = { { 0x06, 0x00, sticky } };

    bg_put_be(ext.b + 4, seq, 4);
    return ext;
}

struct bg_ext
bg_ext_default_gateway(void)
{
    return (struct bg_ext) { { 0x03, 0x0d } };
}

static void
format_rate(const struct bg_ext *ext, const char *unit, char *buf)
{
    uint32_t bits = bg_get_be(ext->b + 4, 4);
    float rate;

    memcpy(&rate, &bits, sizeof rate);
    snprintf(buf, BG_EXT_STRLEN, "rate:%.9g%s", (double) rate, unit);
}

static bool
format_known(const struct bg_ext *ext, char buf[BG_EXT_STRLEN])
{
    char s[VX_IP_STRLEN];
    struct vx_mac mac;
    struct vx_ip ip;

    switch (bg_get_be(ext->b, 2)) {
    case 0x030c:
        snprintf(buf, BG_EXT_STRLEN, ext->b[7] == 8 ? "encap:vxlan"
                 : "encap:%u", bg_get_be(ext->b + 6, 2));
        return true;
    case 0x030d:
        snprintf(buf, BG_EXT_STRLEN, "default-gateway");
        return true;
    case 0x0600:
        snprintf(buf, BG_EXT_STRLEN, "mobility:%u%s",
                 bg_get_be(ext->b + 4, 4), ext->b[2] & 1 ? ",sticky" : "");
        return true;
    case 0x0603:
        memcpy(mac.b, ext->b + 2, 6);
        snprintf(buf, BG_EXT_STRLEN, "rmac:%s", vx_mac_format(&mac, s));
        return true;
    case 0x8006:
        format_rate(ext, "", buf);
        return true;
    case 0x800c:
        format_rate(ext, "pps", buf);
        return true;
    case 0x8007:
        snprintf(buf, BG_EXT_STRLEN, "action:%s%s",
                 ext->b[7] & 2 ? "sample," : "",
                 ext->b[7] & 1 ? "continue" : "stop");
        return true;
    case 0x8009:
        snprintf(buf, BG_EXT_STRLEN, "mark:%u", ext->b[7] & 63);
        return true;
    case 0x010c:
        ip = bg_ip_from(ext->b + 2, 4);
        snprintf(buf, BG_EXT_STRLEN, "redirect-ip:%s",
                 vx_ip_format(&ip, s));
        return true;
    }
    return false;
}

const char *
bg_ext_format(const struct bg_ext *ext, char buf[BG_EXT_STRLEN])
{
    char pair[BG_RD_STRLEN];

    if (bg_rt_is(ext)) {
        snprintf(buf, BG_EXT_STRLEN, "rt:%s", bg_rt_format(ext, pair));
    } else if (ext->b[0] >= 0x80 && ext->b[0] <= 0x82
               && ext->b[1] == 0x08) {
        format_pair(ext->b[0] - 0x80, ext->b + 2, pair);
        snprintf(buf, BG_EXT_STRLEN, "redirect:%s", pair);
    } else if (!format_known(ext, buf)) {
        snprintf(buf, BG_EXT_STRLEN, "0x%08x%08x", bg_get_be(ext->b, 4),
                 bg_get_be(ext->b + 4, 4));
    }
    return buf;
}

int
bg_key_compare(const struct bg_key *a, const struct bg_key *b)
{
    size_t common = a->size < b->size ? a->size : b->size;
    int d = memcmp(a->bytes, b->bytes, common);

    return d ? d : a->size < b->size ? -1 : a->size > b->size;
}
