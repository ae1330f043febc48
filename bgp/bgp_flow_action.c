/* SPDX-License-Identifier: Apache-2.0 */
/* What a FlowSpec rule asks for: extended communities (RFC 8955 7,
 * draft-ietf-idr-flowspec-redirect-ip).  Pure. */
#include "bgp/bgp_flowspec.h"

#include <string.h>

#include "bgp/bgp_wire.h"

enum {                          /* type and subtype */
    RATE_BYTES = 0x8006, ACTION = 0x8007, REDIRECT_AS = 0x8008,
    REDIRECT_IP_AS = 0x8108, REDIRECT_AS4 = 0x8208, MARK = 0x8009,
    RATE_PACKETS = 0x800c, REDIRECT_NEXT_HOP = 0x0800,
    REDIRECT_IPV4 = 0x010c,
};
enum { ACTION_CONTINUE = 1, ACTION_SAMPLE = 2, REDIRECT_COPY = 1 };

static struct bg_ext
rate_ext(unsigned type, float rate)
{
    struct bg_ext ext;
    uint32_t bits;

    memcpy(&bits, &rate, sizeof bits);
    bg_put_be(ext.b, type, 2);
    bg_put_be(ext.b + 2, 0, 2);
    bg_put_be(ext.b + 4, bits, 4);
    return ext;
}

void
bg_flow_put_action(const struct bg_flow_action *action,
                   struct bg_attrs *attrs)
{
    if (action->has_rate) {
        bg_attrs_add_ext(attrs, rate_ext(RATE_BYTES,
                                         action->rate_kbps * 125.0));
    }
    if (action->has_rate_packets) {
        bg_attrs_add_ext(attrs, rate_ext(RATE_PACKETS, action->rate_pps));
    }
    if (action->goes_on || action->sample) {
        bg_attrs_add_ext(attrs, (struct bg_ext) { { 0x80, 0x07,
            [7] = (action->goes_on ? ACTION_CONTINUE : 0)
                  | (action->sample ? ACTION_SAMPLE : 0) } });
    }
    if (action->has_redirect_rt) {
        struct bg_ext ext = action->redirect_rt;

        ext.b[0] |= 0x80;
        ext.b[1] = 0x08;
        bg_attrs_add_ext(attrs, ext);
    }
    if (action->has_mark) {
        bg_attrs_add_ext(attrs, (struct bg_ext) { { 0x80, 0x09,
            [7] = action->dscp } });
    }
    if (action->redirect_ip.family == 4) {
        struct bg_ext ext = { { 0x01, 0x0c, [7] = action->copy } };

        memcpy(ext.b + 2, action->redirect_ip.b, 4);
        bg_attrs_add_ext(attrs, ext);
    } else if (action->redirect_ip.family == 6) {
        attrs->redirect6 = action->redirect_ip;
        attrs->redirect6_copy = action->copy;
    }
}

/* A rate that is above 0 never becomes 0, which would drop everything. */
static bool
read_rate(const struct bg_ext *ext, double divisor, uint32_t *ret_rate)
{
    uint32_t bits = bg_get_be(ext->b + 4, 4);
    float wire;

    memcpy(&wire, &bits, sizeof wire);
    if (!(wire >= 0)) {
        return false;               /* negative, or not a number */
    }
    double rate = wire / divisor + 0.5;
    *ret_rate = rate >= UINT32_MAX ? UINT32_MAX
                : wire > 0 && rate < 1 ? 1 : (uint32_t) rate;
    return true;
}

static bool
get_rate(const struct bg_ext *ext, struct bg_flow_action *a)
{
    bool is_packets = bg_get_be(ext->b, 2) == RATE_PACKETS;
    bool *has = is_packets ? &a->has_rate_packets : &a->has_rate;
    uint32_t *rate = is_packets ? &a->rate_pps : &a->rate_kbps;
    uint32_t value;

    if (!read_rate(ext, is_packets ? 1 : 125, &value)
        || (*has && *rate != value)) {
        return false;
    }
    *has = true;
    *rate = value;
    return true;
}

static bool
get_redirect_rt(const struct bg_ext *ext, struct bg_flow_action *a)
{
    struct bg_ext rt = *ext;

    rt.b[0] &= 0x7f;
    rt.b[1] = 0x02;
    if (a->has_redirect_rt && memcmp(&rt, &a->redirect_rt, sizeof rt)) {
        return false;
    }
    a->has_redirect_rt = true;
    a->redirect_rt = rt;
    return true;
}

static bool
get_redirect_ip(const struct vx_ip *ip, bool copy, struct bg_flow_action *a)
{
    if (a->redirect_ip.family && vx_ip_compare(ip, &a->redirect_ip)) {
        return false;
    }
    a->redirect_ip = *ip;
    a->copy = copy;
    return true;
}

static bool
get_ext(const struct bg_ext *ext, const struct bg_attrs *attrs,
        struct bg_flow_action *a)
{
    struct vx_ip ip;

    switch (bg_get_be(ext->b, 2)) {
    case RATE_BYTES:
    case RATE_PACKETS:
        return get_rate(ext, a);
    case ACTION:
        a->goes_on = ext->b[7] & ACTION_CONTINUE;
        a->sample = ext->b[7] & ACTION_SAMPLE;
        return true;
    case MARK:
        if (a->has_mark && a->dscp != (ext->b[7] & 63)) {
            return false;
        }
        a->has_mark = true;
        a->dscp = ext->b[7] & 63;
        return true;
    case REDIRECT_AS:
    case REDIRECT_IP_AS:
    case REDIRECT_AS4:
        return get_redirect_rt(ext, a);
    case REDIRECT_IPV4:
        ip = bg_ip_from(ext->b + 2, 4);
        return get_redirect_ip(&ip, ext->b[7] & REDIRECT_COPY, a);
    case REDIRECT_NEXT_HOP:
        return attrs->next_hop.family
               && get_redirect_ip(&attrs->next_hop,
                                  ext->b[7] & REDIRECT_COPY, a);
    }
    return true;
}

bool
bg_flow_get_action(const struct bg_attrs *attrs,
                   struct bg_flow_action *ret_action, struct vx_error *err)
{
    struct bg_flow_action a = { 0 };
    bool ok = true;

    for (size_t i = 0; ok && i < attrs->n_ext; i++) {
        ok = get_ext(&attrs->ext[i], attrs, &a);
    }
    if (ok && attrs->redirect6.family) {
        ok = get_redirect_ip(&attrs->redirect6, attrs->redirect6_copy, &a);
    }
    if (!ok) {
        return vx_fail(err, VX_INVALID, "action", "the actions of the rule "
                       "contradict each other, or one has no value");
    }
    *ret_action = a;
    return true;
}
