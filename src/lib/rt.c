/* SPDX-License-Identifier: Apache-2.0 */
/* Route distinguishers, route targets and communities; see rt.h. */
#include "lib/rt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr.h"

/* A distinguisher is 2 bytes of type and 6 of value; a route target has its
 * subtype in the second byte of the type. */
#define VALUE_MASK UINT64_C(0xffffffffffff)
#define RT_SUBTYPE (UINT64_C(2) << 48)

enum { TYPE_AS2, TYPE_IP4, TYPE_AS4 };

/* Decimal without leading zeros up to max; *s moves behind it. */
static bool
read_number(const char **s, uint64_t max, uint64_t *ret_number)
{
    const char *p = *s;
    uint64_t number = 0;

    if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9')) {
        return false;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (uint64_t) (*p - '0');
        if (number > max) {
            return false;
        }
    }
    *s = p;
    *ret_number = number;
    return true;
}

/* "192.0.2.1" in front of a colon. */
static bool
read_address(const char **s, uint64_t *ret_ip4)
{
    const char *colon = strchr(*s, ':');
    char text[VX_IP_STRLEN];
    struct vx_ip ip;

    if (!colon || (size_t) (colon - *s) >= sizeof text) {
        return false;
    }
    memcpy(text, *s, (size_t) (colon - *s));
    text[colon - *s] = '\0';
    if (!strchr(text, '.') || !vx_ip_parse(text, &ip) || ip.family != 4) {
        return false;
    }
    *s = colon;
    *ret_ip4 = (uint64_t) vx_ip_to_u128(&ip);
    return true;
}

/* Type in bits 48.., value below. */
static bool
parse(const char *s, uint64_t *ret_u)
{
    uint64_t type = TYPE_IP4, high, low;

    if (!read_address(&s, &high)) {
        if (!read_number(&s, UINT32_MAX, &high)) {
            return false;
        }
        type = *s == 'L' || high > UINT16_MAX ? TYPE_AS4 : TYPE_AS2;
        s += *s == 'L' && high <= UINT16_MAX;
    }
    if (*s++ != ':'
        || !read_number(&s, type == TYPE_AS2 ? UINT32_MAX : UINT16_MAX, &low)
        || *s) {
        return false;
    }
    *ret_u = type << 48 | high << (type == TYPE_AS2 ? 32 : 16) | low;
    return true;
}

static const char *
format(uint64_t type, uint64_t value, char buf[VX_RT_STRLEN])
{
    uint32_t high = (uint32_t) (value >> 16);
    unsigned low = (unsigned) (value & 0xffff);

    if (type == TYPE_AS2) {
        snprintf(buf, VX_RT_STRLEN, "%u:%u", (unsigned) (value >> 32),
                 (unsigned) (value & UINT32_MAX));
    } else if (type == TYPE_IP4) {
        snprintf(buf, VX_RT_STRLEN, "%u.%u.%u.%u:%u", high >> 24,
                 high >> 16 & 255, high >> 8 & 255, high & 255, low);
    } else {
        snprintf(buf, VX_RT_STRLEN, "%u%s:%u", high,
                 high > UINT16_MAX ? "" : "L", low);
    }
    return buf;
}

bool
vx_rd_parse(const char *s, uint64_t *ret_rd)
{
    uint64_t rd;

    if (!parse(s, &rd) || !rd) {
        return false;
    }
    *ret_rd = rd;
    return true;
}

static const char *
format_hex(uint64_t u, char buf[VX_RT_STRLEN])
{
    snprintf(buf, VX_RT_STRLEN, "0x%016" PRIx64, u);
    return buf;
}

const char *
vx_rd_format(uint64_t rd, char buf[VX_RT_STRLEN])
{
    return rd >> 48 <= TYPE_AS4 ? format(rd >> 48, rd & VALUE_MASK, buf)
                                : format_hex(rd, buf);
}

bool
vx_rt_parse(const char *s, uint64_t *ret_rt)
{
    uint64_t u;

    if (!parse(s, &u)) {
        return false;
    }
    *ret_rt = u >> 48 << 56 | RT_SUBTYPE | (u & VALUE_MASK);
    return true;
}

bool
vx_rt_is(uint64_t ext_community)
{
    return ext_community >> 56 <= TYPE_AS4
           && (ext_community >> 48 & 0xff) == 2;
}

const char *
vx_rt_format(uint64_t rt, char buf[VX_RT_STRLEN])
{
    return vx_rt_is(rt) ? format(rt >> 56, rt & VALUE_MASK, buf)
                        : format_hex(rt, buf);
}

uint64_t
vx_rd_make(uint32_t as, uint32_t number)
{
    return as <= UINT16_MAX
           ? (uint64_t) as << 32 | number
           : (uint64_t) TYPE_AS4 << 48 | (uint64_t) as << 16
             | (number & UINT16_MAX);
}

uint64_t
vx_rt_make(uint32_t as, uint32_t number)
{
    uint64_t rd = vx_rd_make(as, number);

    return rd >> 48 << 56 | RT_SUBTYPE | (rd & VALUE_MASK);
}

uint64_t
vx_rd_make_ip4(uint32_t ip4, uint16_t number)
{
    return (uint64_t) TYPE_IP4 << 48 | (uint64_t) ip4 << 16 | number;
}

enum { AUTO_VNI_MIN = 0xff0000, VNI_BITS = 24 };

/* 1 to 255. */
static uint32_t
salt(uint32_t router_id)
{
    return 1 + ((router_id >> 24) * 7 + (router_id >> 16 & 255) * 5
                + (router_id >> 8 & 255) * 3 + (router_id & 255)) % 255;
}

uint64_t
vx_rd_auto(uint32_t as, uint32_t router_id, uint32_t vni)
{
    return vni >= AUTO_VNI_MIN
           ? vx_rd_make_ip4(router_id, (uint16_t) (vni - AUTO_VNI_MIN))
           : vx_rd_make(as & UINT16_MAX, salt(router_id) << VNI_BITS | vni);
}

uint32_t
vx_rd_auto_vni(uint64_t rd, uint32_t as, uint32_t router_id)
{
    uint32_t low = (uint32_t) rd & ((1u << VNI_BITS) - 1);
    uint32_t high = AUTO_VNI_MIN + (rd & UINT16_MAX);

    return rd == vx_rd_auto(as, router_id, high) ? high
           : low && low < AUTO_VNI_MIN && rd == vx_rd_auto(as, router_id, low)
           ? low : 0;
}

uint32_t
vx_rt_number(uint64_t rt)
{
    return (uint32_t) (rt & (rt >> 56 == TYPE_AS2 ? UINT32_MAX
                                                  : UINT16_MAX));
}

/* --- Communities. */

static const struct {
    const char *name;
    uint32_t community;
} well_known[] = {
    { "no-export", 0xffffff01 },
    { "no-advertise", 0xffffff02 },
    { "no-export-subconfed", 0xffffff03 },
    { "no-peer", 0xffffff04 },
    { "graceful-shutdown", 0xffff0000 },
    { "accept-own", 0xffff0001 },
    { "llgr-stale", 0xffff0006 },
    { "no-llgr", 0xffff0007 },
    { "blackhole", 0xffff029a },
};
enum { N_WELL_KNOWN = sizeof well_known / sizeof *well_known };

bool
vx_community_parse(const char *s, uint32_t *ret_community)
{
    uint64_t high, low;

    for (size_t i = 0; i < N_WELL_KNOWN; i++) {
        if (!strcmp(s, well_known[i].name)) {
            *ret_community = well_known[i].community;
            return true;
        }
    }
    if (!read_number(&s, UINT16_MAX, &high) || *s++ != ':'
        || !read_number(&s, UINT16_MAX, &low) || *s) {
        return false;
    }
    *ret_community = (uint32_t) (high << 16 | low);
    return true;
}

const char *
vx_community_format(uint32_t community, char buf[VX_COMMUNITY_STRLEN])
{
    for (size_t i = 0; i < N_WELL_KNOWN; i++) {
        if (well_known[i].community == community) {
            return well_known[i].name;
        }
    }
    snprintf(buf, VX_COMMUNITY_STRLEN, "%u:%u",
             (unsigned) (community >> 16), (unsigned) (community & 0xffff));
    return buf;
}
