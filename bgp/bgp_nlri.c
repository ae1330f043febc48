/* SPDX-License-Identifier: Apache-2.0 */
/* NLRI of every family, to and from bytes, as a key and as text.
 *
 *   IPv4, IPv6   length, prefix                               RFC 4271 4.3
 *   VPN          length, label (20 bits, 3, bottom), RD, prefix   RFC 4364
 *   FlowSpec     length (1 or 2 bytes), components            RFC 8955 4.1
 *   EVPN         type, length, RD, ...                        RFC 7432 7, 9136
 *
 * Pure.  What comes from a peer is read by bounds-checked readers only. */
#include "bgp/bgp_codec.h"

#include <stdio.h>
#include <string.h>

#include "bgp/bgp_flowspec.h"
#include "bgp/bgp_wire.h"

enum {
    LABEL_BOTTOM = 1,
    LABEL_WITHDRAWN = 0x800000,     /* RFC 8277 2.4 */
    FLOW_SHORT_MAX = 239,           /* longer: two bytes, the first 0xf. */
};

static uint8_t
family_ip(enum bg_family family)
{
    return family == BG_IPV4 || family == BG_VPNV4 || family == BG_FLOW4
           ? 4 : 6;
}

/* --- Encode. */

static size_t
put_prefix(uint8_t *p, const struct vx_prefix *prefix)
{
    size_t size = (prefix->length + 7) / 8;

    memcpy(p, prefix->ip.b, size);
    return size;
}

static size_t
encode_vpn(const struct bg_nlri *nlri, bool withdraw, uint8_t *p)
{
    p[0] = 88 + nlri->prefix.length;
    bg_put_be(p + 1, withdraw ? LABEL_WITHDRAWN
              : nlri->label << 4 | LABEL_BOTTOM, 3);
    memcpy(p + 4, nlri->rd.b, 8);
    return 12 + put_prefix(p + 12, &nlri->prefix);
}

/* A length in bits and the address. */
static size_t
put_ip(uint8_t *p, const struct vx_ip *ip)
{
    size_t size = bg_ip_size(ip);

    p[0] = size * 8;
    memcpy(p + 1, ip->b, size);
    return 1 + size;
}

static size_t
encode_evpn_prefix(const struct bg_evpn *evpn, uint8_t *p)
{
    size_t size = bg_ip_size(&evpn->prefix.ip);

    memcpy(p, evpn->esi, 10);
    bg_put_be(p + 10, evpn->tag, 4);
    p[14] = evpn->prefix.length;
    memcpy(p + 15, evpn->prefix.ip.b, size);
    memset(p + 15 + size, 0, size);
    if (evpn->ip.family == evpn->prefix.ip.family) {
        memcpy(p + 15 + size, evpn->ip.b, size);
    }
    bg_put_be(p + 15 + 2 * size, evpn->vni, 3);
    return 18 + 2 * size;
}

static size_t
encode_evpn_mac(const struct bg_evpn *evpn, uint8_t *p)
{
    uint8_t *end = p;

    memcpy(end, evpn->esi, 10);
    bg_put_be(end + 10, evpn->tag, 4);
    end[14] = 48;
    memcpy(end + 15, evpn->mac.b, 6);
    end += 21;
    end += put_ip(end, &evpn->ip);
    bg_put_be(end, evpn->vni, 3);
    end += 3;
    if (evpn->vni2) {
        bg_put_be(end, evpn->vni2, 3);
        end += 3;
    }
    return end - p;
}

static size_t
encode_evpn(const struct bg_nlri *nlri, uint8_t *p)
{
    const struct bg_evpn *evpn = &nlri->evpn;
    uint8_t *body = p + 10;
    size_t size;

    memcpy(p + 2, nlri->rd.b, 8);
    if (evpn->type == BG_EVPN_MAC) {
        size = encode_evpn_mac(evpn, body);
    } else if (evpn->type == BG_EVPN_PREFIX) {
        size = encode_evpn_prefix(evpn, body);
    } else {
        bg_put_be(body, evpn->tag, 4);
        size = 4 + put_ip(body + 4, &evpn->ip);
    }
    p[0] = evpn->type;
    p[1] = 8 + size;
    return 10 + size;
}

static size_t
encode_flow(const struct bg_flow *flow, uint8_t *p)
{
    size_t head = flow->size > FLOW_SHORT_MAX ? 2 : 1;

    bg_put_be(p, head == 2 ? 0xf000 | flow->size : flow->size, head);
    memcpy(p + head, flow->b, flow->size);
    return head + flow->size;
}

size_t
bg_nlri_encode(const struct bg_nlri *nlri, bool withdraw,
               uint8_t bytes[BG_NLRI_MAX])
{
    switch (nlri->family) {
    case BG_VPNV4:
    case BG_VPNV6:
        return encode_vpn(nlri, withdraw, bytes);
    case BG_FLOW4:
    case BG_FLOW6:
        return encode_flow(&nlri->flow, bytes);
    case BG_EVPN:
        return encode_evpn(nlri, bytes);
    case BG_IPV4:
    case BG_IPV6:
    case BG_N_FAMILIES:
        break;
    }
    bytes[0] = nlri->prefix.length;
    return 1 + put_prefix(bytes + 1, &nlri->prefix);
}

/* --- Decode. */

static bool
read_prefix(struct bg_reader *r, uint8_t family, unsigned bits,
            struct vx_prefix *ret_prefix)
{
    const uint8_t *p = bits > (family == 4 ? 32 : 128) ? NULL
                       : bg_read(r, (bits + 7) / 8);

    if (!p) {
        return false;
    }
    *ret_prefix = bg_prefix_from(p, family, bits);
    return true;
}

/* A label stack: the first label counts.  It ends with the bottom bit, or is
 * one of the two values that a withdrawal may have. */
static bool
decode_vpn(struct bg_reader *r, struct bg_nlri *nlri)
{
    unsigned bits = bg_read_be(r, 1);
    uint32_t label;
    bool is_first = true;

    do {
        label = bg_read_be(r, 3);
        if (r->failed || bits < 24 + 64) {
            return false;
        }
        bits -= 24;
        if (is_first) {
            nlri->label = label >> 4;
        }
        is_first = false;
    } while (!(label & LABEL_BOTTOM) && label && label != LABEL_WITHDRAWN);
    return bg_read_copy(r, nlri->rd.b, 8)
           && read_prefix(r, family_ip(nlri->family), bits - 64,
                          &nlri->prefix);
}

static enum bg_taken
decode_flow(struct bg_reader *r, struct bg_nlri *nlri)
{
    size_t size = bg_read_be(r, 1);

    if (size > FLOW_SHORT_MAX) {
        size = (size & 0xf) << 8 | bg_read_be(r, 1);
    }
    const uint8_t *p = bg_read(r, size);
    if (!p || !size) {
        return BG_MALFORMED;
    }
    if (size > BG_FLOW_MAX) {
        return BG_SKIPPED;
    }
    nlri->flow.size = size;
    memcpy(nlri->flow.b, p, size);
    return bg_flow_is_valid(&nlri->flow, family_ip(nlri->family))
           ? BG_TAKEN : BG_MALFORMED;
}

static bool
read_ip(struct bg_reader *r, bool may_be_none, struct vx_ip *ret_ip)
{
    unsigned bits = bg_read_be(r, 1);

    if (bits != 32 && bits != 128) {
        ret_ip->family = 0;
        return !bits && may_be_none;
    }
    const uint8_t *p = bg_read(r, bits / 8);
    if (p) {
        *ret_ip = bg_ip_from(p, bits / 8);
    }
    return p;
}

static bool
decode_evpn_mac(struct bg_reader *r, struct bg_evpn *evpn)
{
    bg_read_copy(r, evpn->esi, 10);
    evpn->tag = bg_read_be(r, 4);
    if (bg_read_be(r, 1) != 48 || !bg_read_copy(r, evpn->mac.b, 6)
        || !read_ip(r, true, &evpn->ip)) {
        return false;
    }
    evpn->vni = bg_read_be(r, 3);
    if (r->left) {
        evpn->vni2 = bg_read_be(r, 3);
    }
    return true;
}

static bool
decode_evpn_prefix(struct bg_reader *r, struct bg_evpn *evpn)
{
    bg_read_copy(r, evpn->esi, 10);
    evpn->tag = bg_read_be(r, 4);
    unsigned bits = bg_read_be(r, 1);
    size_t size = r->left == 2 * 4 + 3 ? 4 : 16;
    const uint8_t *prefix = bg_read(r, size);
    const uint8_t *gateway = bg_read(r, size);
    evpn->vni = bg_read_be(r, 3);
    if (r->failed || bits > size * 8) {
        return false;
    }
    evpn->prefix = bg_prefix_from(prefix, size == 4 ? 4 : 6, bits);
    for (size_t i = 0; i < size; i++) {
        if (gateway[i]) {
            evpn->ip = bg_ip_from(gateway, size);
        }
    }
    return true;
}

/* An unknown type is skipped by its length; a known one that is wrong is
 * skipped too (RFC 7606 5.4 lets typed NLRI be so discarded). */
static enum bg_taken
decode_evpn(struct bg_reader *all, struct bg_nlri *nlri)
{
    uint8_t type = bg_read_be(all, 1);
    struct bg_reader r = bg_read_part(all, bg_read_be(all, 1));
    bool ok = false;

    if (all->failed) {
        return BG_MALFORMED;
    }
    nlri->evpn.type = type;
    bg_read_copy(&r, nlri->rd.b, 8);
    if (type == BG_EVPN_MAC) {
        ok = decode_evpn_mac(&r, &nlri->evpn);
    } else if (type == BG_EVPN_IMET) {
        nlri->evpn.tag = bg_read_be(&r, 4);
        ok = read_ip(&r, false, &nlri->evpn.ip);
    } else if (type == BG_EVPN_PREFIX) {
        ok = decode_evpn_prefix(&r, &nlri->evpn);
    }
    return ok && !r.failed && !r.left ? BG_TAKEN : BG_SKIPPED;
}

static enum bg_taken
decode(struct bg_reader *r, struct bg_nlri *nlri)
{
    bool ok;

    switch (nlri->family) {
    case BG_VPNV4:
    case BG_VPNV6:
        ok = decode_vpn(r, nlri);
        break;
    case BG_FLOW4:
    case BG_FLOW6:
        return decode_flow(r, nlri);
    case BG_EVPN:
        return decode_evpn(r, nlri);
    default:
        ok = read_prefix(r, family_ip(nlri->family), bg_read_be(r, 1),
                         &nlri->prefix);
    }
    return ok && !r->failed ? BG_TAKEN : BG_MALFORMED;
}

enum bg_taken
bg_nlri_decode(enum bg_family family, const uint8_t *bytes, size_t size,
               struct bg_nlri *ret_nlri, size_t *ret_used)
{
    struct bg_reader r = { bytes, size, false };
    size_t head = offsetof(struct bg_nlri, evpn);

    /* All but the bytes of a FlowSpec rule, which follow their size. */
    memset(ret_nlri, 0, head + sizeof(struct bg_evpn));
    ret_nlri->family = family;
    enum bg_taken taken = decode(&r, ret_nlri);
    if (taken != BG_MALFORMED) {
        *ret_used = size - r.left;
    } else if ((family == BG_FLOW4 || family == BG_FLOW6) && !r.failed) {
        /* Framed by its length: its neighbours are not harmed. */
        *ret_used = size - r.left;
        return *ret_used > 1 ? BG_SKIPPED : BG_MALFORMED;
    }
    return taken;
}

/* --- Key. */

static size_t
key_ip(const struct vx_ip *ip, uint8_t *key)
{
    size_t size = bg_ip_size(ip);

    key[0] = ip->family;
    memcpy(key + 1, ip->b, size);
    return 1 + size;
}

static size_t
key_prefix(const struct vx_prefix *prefix, uint8_t *key)
{
    size_t size = key_ip(&prefix->ip, key);

    key[size] = prefix->length;
    return size + 1;
}

static size_t
key_evpn(const struct bg_nlri *nlri, uint8_t *key)
{
    const struct bg_evpn *evpn = &nlri->evpn;

    key[0] = evpn->type;
    memcpy(key + 1, nlri->rd.b, 8);
    bg_put_be(key + 9, evpn->tag, 4);
    key += 13;
    if (evpn->type == BG_EVPN_PREFIX) {
        return 13 + key_prefix(&evpn->prefix, key);
    }
    if (evpn->type == BG_EVPN_IMET) {
        return 13 + key_ip(&evpn->ip, key);
    }
    memcpy(key, evpn->mac.b, 6);
    return 19 + key_ip(&evpn->ip, key + 6);
}

size_t
bg_nlri_key(const struct bg_nlri *nlri, uint8_t key[BG_KEY_MAX])
{
    switch (nlri->family) {
    case BG_VPNV4:
    case BG_VPNV6:
        memcpy(key, nlri->rd.b, 8);
        return 8 + key_prefix(&nlri->prefix, key + 8);
    case BG_FLOW4:
    case BG_FLOW6:
        memcpy(key, nlri->flow.b, nlri->flow.size);
        return nlri->flow.size;
    case BG_EVPN:
        return key_evpn(nlri, key);
    default:
        return key_prefix(&nlri->prefix, key);
    }
}

/* --- Text. */

static void
format_evpn(const struct bg_nlri *nlri, char buf[BG_NLRI_STRLEN])
{
    const struct bg_evpn *evpn = &nlri->evpn;
    char rd[BG_RD_STRLEN], mac[VX_MAC_STRLEN], ip[VX_PREFIX_STRLEN] = "";

    bg_rd_format(&nlri->rd, rd);
    if (evpn->type == BG_EVPN_PREFIX) {
        snprintf(buf, BG_NLRI_STRLEN, "[5] %s %s vni %u", rd,
                 vx_prefix_format(&evpn->prefix, ip), evpn->vni);
        return;
    }
    if (evpn->ip.family) {
        vx_ip_format(&evpn->ip, ip);
    }
    if (evpn->type == BG_EVPN_IMET) {
        snprintf(buf, BG_NLRI_STRLEN, "[3] %s %s", rd, ip);
    } else {
        snprintf(buf, BG_NLRI_STRLEN, "[2] %s %s%s%s vni %u", rd,
                 vx_mac_format(&evpn->mac, mac), *ip ? " " : "", ip,
                 evpn->vni);
    }
}

const char *
bg_nlri_format(const struct bg_nlri *nlri, char buf[BG_NLRI_STRLEN])
{
    char rd[BG_RD_STRLEN], prefix[VX_PREFIX_STRLEN];

    switch (nlri->family) {
    case BG_VPNV4:
    case BG_VPNV6:
        snprintf(buf, BG_NLRI_STRLEN, "%s %s", bg_rd_format(&nlri->rd, rd),
                 vx_prefix_format(&nlri->prefix, prefix));
        break;
    case BG_FLOW4:
    case BG_FLOW6:
        bg_flow_format(&nlri->flow, family_ip(nlri->family), buf,
                       BG_NLRI_STRLEN);
        break;
    case BG_EVPN:
        format_evpn(nlri, buf);
        break;
    default:
        vx_prefix_format(&nlri->prefix, buf);
    }
    return buf;
}
