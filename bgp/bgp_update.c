/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an UPDATE.  Two passes: the attributes are collected first, since what
 * is announced may stand before what is said about it; then the sink hears
 * withdrawals, then announcements.
 *
 * RFC 7606: an attribute that is wrong withdraws what the message announces;
 * only where it is not known what that is the session is reset.  Pure. */
#include "bgp/bgp_codec.h"

#include <string.h>

#include "bgp/bgp_attr_wire.h"
#include "bgp/bgp_wire.h"

struct update {
    const struct bg_update_context *context;
    const struct bg_update_sink *sink;
    void *aux;
    struct bg_notify *why;
    struct bg_attrs attrs;
    struct bg_attr mp_reach, mp_unreach, as4_path;  /* type 0: not there */
    uint32_t seen[8];               /* set of types */
    const char *malformed;          /* the first thing that was wrong */
    bool withdraw;                  /* what is announced */
};

static bool
refuse(struct update *u, uint8_t subcode)
{
    *u->why = (struct bg_notify) { .code = 3, .subcode = subcode };
    return false;
}

static void
complain(struct update *u, const char *what)
{
    if (what && !u->malformed) {
        u->malformed = what;
    }
}

/* --- Attributes. */

static bool
take_once(struct update *u, const struct bg_attr *attr, struct bg_attr *to)
{
    if (to->type) {
        return refuse(u, 1);        /* twice MP_REACH: RFC 7606 3 (g) */
    }
    *to = *attr;
    return true;
}

static bool
take_attribute(struct update *u, const struct bg_attr *attr)
{
    uint32_t *word = &u->seen[attr->type / 32];
    uint32_t bit = UINT32_C(1) << attr->type % 32;
    bool is_again = *word & bit;
    const char *wrong;

    *word |= bit;
    if (attr->type == BG_ATTR_MP_REACH) {
        return take_once(u, attr, &u->mp_reach);
    }
    if (attr->type == BG_ATTR_MP_UNREACH) {
        return take_once(u, attr, &u->mp_unreach);
    }
    if (is_again) {
        return true;                /* the first counts */
    }
    if (attr->type == BG_ATTR_AS4_PATH && !u->context->as4) {
        u->as4_path = *attr;
        return true;
    }
    wrong = bg_attr_take(attr, u->context->as4, &u->attrs);
    if (wrong) {
        complain(u, wrong);
        u->withdraw = true;
    }
    return true;
}

static bool
read_attributes(struct update *u, struct bg_reader r)
{
    struct bg_attr attr;

    while (r.left) {
        attr.flags = bg_read_be(&r, 1);
        attr.type = bg_read_be(&r, 1);
        attr.size = bg_read_be(&r, attr.flags & BG_ATTR_EXTENDED ? 2 : 1);
        attr.value = bg_read(&r, attr.size);
        if (r.failed) {
            complain(u, "an attribute is longer than the list of them");
            u->withdraw = true;
            break;
        }
        if (!take_attribute(u, &attr)) {
            return false;
        }
    }
    if (u->as4_path.type) {
        bg_attr_merge_as4(&u->as4_path, &u->attrs);
    }
    return true;
}

static bool
has(const struct update *u, uint8_t type)
{
    return u->seen[type / 32] & UINT32_C(1) << type % 32;
}

/* --- NLRI. */

/* Each route of the list goes to the sink. */
static bool
tell_routes(struct update *u, enum bg_family family, struct bg_reader r,
            bool reach)
{
    while (r.left) {
        struct bg_nlri nlri;
        size_t used;
        enum bg_taken taken = bg_nlri_decode(family, r.p, r.left, &nlri,
                                             &used);

        if (taken == BG_MALFORMED) {
            return refuse(u, family == BG_IPV4 ? 10 : 9);
        }
        bg_read(&r, used);
        if (taken == BG_SKIPPED) {
            continue;
        }
        if (reach) {
            u->sink->reach(u->aux, &nlri, &u->attrs);
        } else {
            u->sink->unreach(u->aux, &nlri);
        }
    }
    return true;
}

static bool
is_negotiated(const struct update *u, enum bg_family family)
{
    return u->context->families & BG_BIT(family);
}

static bool
tell_mp_unreach(struct update *u)
{
    struct bg_reader r = { u->mp_unreach.value, u->mp_unreach.size, false };
    enum bg_family family;
    uint16_t afi = bg_read_be(&r, 2);
    uint8_t safi = bg_read_be(&r, 1);

    if (r.failed) {
        return refuse(u, 9);
    }
    if (!bg_family_find(afi, safi, &family) || !is_negotiated(u, family)) {
        return true;
    }
    if (!r.left && !u->mp_reach.type) {
        u->sink->end_of_rib(u->aux, family);
    }
    return tell_routes(u, family, r, false);
}

/* Of VPN families behind a route distinguisher; a second, link-local address
 * of IPv6 is left out; an IPv4 address mapped into IPv6 becomes what it is. */
static bool
read_next_hop(enum bg_family family, struct bg_reader r,
              struct vx_ip *ret_next_hop)
{
    static const uint8_t mapped[12] = { [10] = 0xff, 0xff };
    bool is_vpn = family == BG_VPNV4 || family == BG_VPNV6;
    bool is_flow = family == BG_FLOW4 || family == BG_FLOW6;

    ret_next_hop->family = 0;
    if (is_flow && !r.left) {
        return true;
    }
    if (is_vpn) {
        bg_read(&r, 8);
    }
    size_t size = r.left == 4 ? 4 : 16;
    size_t rest = r.left > size ? r.left - size : 0;
    if (rest && rest != (is_vpn ? 24 : 16)) {
        return false;
    }
    const uint8_t *p = bg_read(&r, size);
    if (p && size == 16 && !memcmp(p, mapped, sizeof mapped)) {
        p += 12;
        size = 4;
    }
    if (p) {
        *ret_next_hop = bg_ip_from(p, size);
    }
    return p;
}

/* What every announcement must have (RFC 7606 3 (d)). */
static void
check_mandatory(struct update *u, bool needs_next_hop)
{
    if (!has(u, BG_ATTR_ORIGIN) || !has(u, BG_ATTR_AS_PATH)
        || (needs_next_hop && !has(u, BG_ATTR_NEXT_HOP))) {
        complain(u, "ORIGIN, AS_PATH or NEXT_HOP is missing");
        u->withdraw = true;
    }
}

static bool
tell_mp_reach(struct update *u)
{
    struct bg_reader r = { u->mp_reach.value, u->mp_reach.size, false };
    enum bg_family family;
    uint16_t afi = bg_read_be(&r, 2);
    uint8_t safi = bg_read_be(&r, 1);
    struct bg_reader next_hop = bg_read_part(&r, bg_read_be(&r, 1));

    bg_read(&r, 1);
    if (r.failed) {
        return refuse(u, 9);
    }
    if (!bg_family_find(afi, safi, &family) || !is_negotiated(u, family)) {
        return true;
    }
    if (!read_next_hop(family, next_hop, &u->attrs.next_hop)) {
        return refuse(u, 9);
    }
    check_mandatory(u, false);
    return tell_routes(u, family, r, !u->withdraw);
}

static bool
tell(struct update *u, struct bg_reader withdrawn, struct bg_reader nlri,
     size_t n_attributes)
{
    struct vx_ip plain = u->attrs.next_hop;

    if (!withdrawn.left && !nlri.left && !n_attributes
        && is_negotiated(u, BG_IPV4)) {
        u->sink->end_of_rib(u->aux, BG_IPV4);
    }
    if (is_negotiated(u, BG_IPV4)
        && !tell_routes(u, BG_IPV4, withdrawn, false)) {
        return false;
    }
    if ((u->mp_unreach.type && !tell_mp_unreach(u))
        || (u->mp_reach.type && !tell_mp_reach(u))) {
        return false;
    }
    if (nlri.left && is_negotiated(u, BG_IPV4)) {
        u->attrs.next_hop = plain;
        check_mandatory(u, true);
        return tell_routes(u, BG_IPV4, nlri, !u->withdraw);
    }
    return true;
}

bool
bg_decode_update(const uint8_t *body, size_t size,
                 const struct bg_update_context *context,
                 const struct bg_update_sink *sink, void *aux,
                 struct bg_notify *ret_why)
{
    struct bg_reader r = { body, size, false };
    struct update u = {
        .context = context, .sink = sink, .aux = aux, .why = ret_why,
    };
    struct bg_reader withdrawn = bg_read_part(&r, bg_read_be(&r, 2));
    struct bg_reader attributes = bg_read_part(&r, bg_read_be(&r, 2));
    size_t n_attributes = attributes.left;

    if (r.failed) {
        return refuse(&u, 1);
    }
    if (!read_attributes(&u, attributes)) {
        return false;
    }
    bool ok = tell(&u, withdrawn, r, n_attributes);
    if (u.malformed) {
        sink->malformed(aux, u.malformed);
    }
    return ok;
}
