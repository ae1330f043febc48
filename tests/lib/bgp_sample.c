/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/bgp_sample.h"

#include <assert.h>
#include <string.h>

#include "lib/buf.h"

static uint32_t
next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005)
            + UINT64_C(1442695040888963407);
    return *seed >> 32;
}

uint32_t
bgp_sample_number(uint64_t *seed, uint32_t below)
{
    return (uint64_t) next(seed) * below >> 32;
}

static bool
one_in(uint64_t *seed, uint32_t n)
{
    return !bgp_sample_number(seed, n);
}

static void
sample_bytes(uint64_t *seed, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = next(seed);
    }
}

static struct vx_ip
sample_ip(uint64_t *seed, uint8_t family)
{
    struct vx_ip ip = { .family = family };

    sample_bytes(seed, ip.b, family == 4 ? 4 : 16);
    ip.b[0] = family == 4 ? 10 : 0x20;
    return ip;
}

static struct vx_prefix
sample_prefix(uint64_t *seed, uint8_t family)
{
    struct vx_prefix prefix = { .ip = sample_ip(seed, family) };
    unsigned bits = family == 4 ? 32 : 128;

    prefix.length = 8 + bgp_sample_number(seed, bits - 7);
    for (unsigned i = prefix.length; i < bits; i++) {
        prefix.ip.b[i / 8] &= ~(0x80 >> i % 8);
    }
    return prefix;
}

static struct bg_rd
sample_rd(uint64_t *seed)
{
    struct vx_ip ip = sample_ip(seed, 4);

    switch (bgp_sample_number(seed, 3)) {
    case 0:
        return bg_rd_ip(&ip, next(seed));
    case 1:
        return bg_rd_as(65536 + next(seed) / 2, next(seed) & 0xffff);
    }
    return bg_rd_as(1 + bgp_sample_number(seed, 65535), next(seed));
}

static void
sample_evpn(uint64_t *seed, struct bg_evpn *evpn)
{
    static const uint8_t types[] = {
        BG_EVPN_MAC, BG_EVPN_IMET, BG_EVPN_PREFIX
    };
    uint8_t family = one_in(seed, 2) ? 4 : 6;

    evpn->type = types[bgp_sample_number(seed, 3)];
    evpn->tag = one_in(seed, 4) ? next(seed) : 0;
    if (evpn->type != BG_EVPN_IMET) {
        evpn->vni = 1 + bgp_sample_number(seed, 0xffffff);
    }
    if (evpn->type == BG_EVPN_PREFIX) {
        evpn->prefix = sample_prefix(seed, family);
    } else if (evpn->type == BG_EVPN_MAC) {
        sample_bytes(seed, evpn->mac.b, 6);
        evpn->vni2 = one_in(seed, 2)
                     ? 1 + bgp_sample_number(seed, 0xffffff) : 0;
    }
    if (evpn->type == BG_EVPN_IMET || one_in(seed, 2)) {
        evpn->ip = sample_ip(seed, family);
    }
}

void
bgp_sample_nlri(uint64_t *seed, enum bg_family family,
                struct bg_nlri *ret_nlri)
{
    bool is_4 = family == BG_IPV4 || family == BG_VPNV4
                || family == BG_FLOW4;
    struct bg_flow_rule rule;

    memset(ret_nlri, 0, sizeof *ret_nlri);
    ret_nlri->family = family;
    if (family == BG_FLOW4 || family == BG_FLOW6) {
        bgp_sample_rule(seed, is_4 ? 4 : 6, &rule);
        bool ok = bg_flow_encode(&rule, &ret_nlri->flow, NULL);
        assert(ok);
        return;
    }
    if (family != BG_IPV4 && family != BG_IPV6) {
        ret_nlri->rd = sample_rd(seed);
    }
    if (family == BG_EVPN) {
        sample_evpn(seed, &ret_nlri->evpn);
        return;
    }
    ret_nlri->prefix = sample_prefix(seed, is_4 ? 4 : 6);
    if (family == BG_VPNV4 || family == BG_VPNV6) {
        ret_nlri->label = 16 + bgp_sample_number(seed, (1 << 20) - 16);
    }
}

static struct bg_ext
sample_ext(uint64_t *seed)
{
    struct vx_mac mac;

    sample_bytes(seed, mac.b, 6);
    switch (bgp_sample_number(seed, 5)) {
    case 0:
        return bg_ext_encap_vxlan();
    case 1:
        return bg_ext_router_mac(&mac);
    case 2:
        return bg_ext_mobility(next(seed), one_in(seed, 2));
    case 3:
        return bg_rt_as(70000, next(seed) & 0xffff);
    }
    return bg_rt_as(65001, next(seed));
}

/* Sorted as bg_attrs_encode() sorts, so that it comes back the same: lists
 * have one element, or a rising one. */
void
bgp_sample_attrs(uint64_t *seed, struct bg_attrs *ret_attrs)
{
    struct bg_attrs a;

    memset(&a, 0, sizeof a);
    a.origin = bgp_sample_number(seed, 3);
    a.has_local_pref = true;
    a.local_pref = next(seed);
    a.has_med = one_in(seed, 2);
    a.med = a.has_med ? next(seed) : 0;
    a.next_hop = sample_ip(seed, one_in(seed, 2) ? 4 : 6);
    a.n_as = bgp_sample_number(seed, 4);
    for (size_t i = 0; i < a.n_as; i++) {
        a.as_path[i] = one_in(seed, 2) ? next(seed) : 64512 + i;
    }
    for (uint32_t i = 0, n = bgp_sample_number(seed, 4); i < n; i++) {
        bg_attrs_add_community(&a, i << 24 | next(seed) >> 8);
        bg_attrs_add_large(&a, (struct bg_large) { { i, next(seed), 7 } });
    }
    bg_attrs_add_ext(&a, sample_ext(seed));
    if (one_in(seed, 4)) {
        a.originator = sample_ip(seed, 4);
        a.clusters[a.n_clusters++] = sample_ip(seed, 4);
    }
    if (one_in(seed, 4)) {
        a.pmsi = (struct bg_pmsi) {
            .present = true, .type = 6, .vni = next(seed) & 0xffffff,
            .ip = sample_ip(seed, 4),
        };
    }
    *ret_attrs = a;
}

static void
sample_set(uint64_t *seed, uint32_t max, struct bg_flow_set *set)
{
    for (size_t n = 1 + bgp_sample_number(seed, 4); n; n--) {
        uint32_t first = bgp_sample_number(seed, max + 1);
        uint32_t last = one_in(seed, 2) ? first
                        : first + bgp_sample_number(seed, max - first + 1);

        bg_flow_set_add(set, first, last);
    }
}

static void
sample_bits(uint64_t *seed, uint32_t max, struct bg_flow_bits *bits)
{
    bits->n = 1 + bgp_sample_number(seed, 3);
    for (size_t i = 0; i < bits->n; i++) {
        bits->t[i].op = bgp_sample_number(seed, 4)
                        | (i && one_in(seed, 2) ? BG_FLOW_AND : 0);
        bits->t[i].value = 1 + bgp_sample_number(seed, max);
    }
}

void
bgp_sample_rule(uint64_t *seed, uint8_t family,
                struct bg_flow_rule *ret_rule)
{
    struct bg_flow_rule r;

    memset(&r, 0, sizeof r);
    r.family = family;
    r.dst = sample_prefix(seed, family);
    if (one_in(seed, 2)) {
        r.src = sample_prefix(seed, family);
    }
    if (family == 6 && one_in(seed, 8)) {
        r.dst_offset = 1 + bgp_sample_number(seed, r.dst.length - 1);
        for (unsigned i = 0; i < r.dst_offset; i++) {
            r.dst.ip.b[i / 8] &= ~(0x80 >> i % 8);
        }
    }
    if (one_in(seed, 2)) {
        sample_set(seed, 255, &r.proto);
    }
    if (one_in(seed, 2)) {
        sample_set(seed, 65535, one_in(seed, 2) ? &r.dport : &r.port);
    }
    if (one_in(seed, 3)) {
        sample_set(seed, 65535, &r.sport);
    }
    if (one_in(seed, 4)) {
        sample_set(seed, 255, &r.icmp_type);
        sample_set(seed, 255, &r.icmp_code);
    }
    if (one_in(seed, 4)) {
        sample_bits(seed, 0xff, &r.tcp_flags);
    }
    if (one_in(seed, 4)) {
        sample_set(seed, 65535, &r.length);
    }
    if (one_in(seed, 3)) {
        sample_set(seed, 63, &r.dscp);
    }
    if (one_in(seed, 4)) {
        sample_bits(seed, 0xf, &r.fragment);
    }
    if (family == 6 && one_in(seed, 4)) {
        sample_set(seed, 0xfffff, &r.label);
    }
    *ret_rule = r;
}

void
bgp_sample_policy(uint64_t *seed, uint8_t family,
                  struct bg_flow_rule *ret_rule)
{
    static const uint8_t protos[] = { 6, 17, 132, 1 };
    struct bg_flow_rule r;

    memset(&r, 0, sizeof r);
    r.family = family;
    r.dst = sample_prefix(seed, family);
    if (one_in(seed, 2)) {
        r.src = sample_prefix(seed, family);
    }
    if (one_in(seed, 4)) {
        r.dscp.n = 1;
        r.dscp.r[0].first = r.dscp.r[0].last = bgp_sample_number(seed, 64);
    }
    if (!one_in(seed, 4)) {
        r.proto.n = 1;
        r.proto.r[0].first = r.proto.r[0].last =
            protos[bgp_sample_number(seed, 4)];
    }
    if (r.proto.n && r.proto.r[0].first != 1 && !one_in(seed, 4)) {
        sample_set(seed, 65535, &r.dport);
        if (one_in(seed, 2)) {
            sample_set(seed, 65535, &r.sport);
        }
    }
    *ret_rule = r;
}

void
bgp_sample_action(uint64_t *seed, uint8_t family,
                  struct bg_flow_action *ret_action)
{
    struct bg_flow_action a;

    memset(&a, 0, sizeof a);
    switch (bgp_sample_number(seed, 5)) {
    case 0:
        a.has_rate = true;
        break;
    case 1:
        a.has_rate = true;
        a.rate_kbps = 1 + bgp_sample_number(seed, 1 << 23);
        break;
    case 2:
        a.has_redirect_rt = true;
        a.redirect_rt = one_in(seed, 2)
            ? bg_rt_as(65001, next(seed)) : bg_rt_as(70000, 7);
        break;
    case 3:
        a.redirect_ip = sample_ip(seed, family);
        a.copy = one_in(seed, 2);
        break;
    default:
        a.has_mark = true;
        a.dscp = bgp_sample_number(seed, 64);
    }
    a.goes_on = one_in(seed, 4);
    *ret_action = a;
}

static void
encode_all(const struct bg_attrs *attrs, struct vx_buf *buf)
{
    bg_attrs_encode(attrs, true, buf);
    vx_buf_put(buf, &attrs->next_hop.family, 1);
    vx_buf_put(buf, attrs->next_hop.b, 16);
    vx_buf_put(buf, &(uint8_t) { attrs->as_set }, 1);
    vx_buf_put(buf, &(uint8_t) { attrs->truncated }, 1);
}

bool
bgp_sample_same_attrs(const struct bg_attrs *a, const struct bg_attrs *b)
{
    struct vx_buf x = VX_BUF_INIT, y = VX_BUF_INIT;

    encode_all(a, &x);
    encode_all(b, &y);
    bool is_same = x.size == y.size && !memcmp(x.data, y.data, x.size)
                   && a->med == b->med && a->local_pref == b->local_pref
                   && a->n_as == b->n_as && a->n_ext == b->n_ext
                   && a->n_large == b->n_large
                   && a->n_clusters == b->n_clusters
                   && a->n_communities == b->n_communities
                   && a->pmsi.vni == b->pmsi.vni;
    vx_buf_fini(&x);
    vx_buf_fini(&y);
    return is_same;
}
