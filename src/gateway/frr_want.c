/* SPDX-License-Identifier: Apache-2.0 */
/* Wanted lines of bgpd; see frr_want.h.  Each is written exactly as bgpd 8.4
 * prints it, so that what is there is recognised. */
#include "gateway/frr_want.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/limits.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

enum {
    HOLD_DEFAULT_S = 9,
    CONNECT_S = 3,
    RESTART_DEFAULT_S = 120,    /* bgpd does not print its own default */
    SELECT_DEFER_S = 5,
    NAME_SIZE = 128,
    AGAIN_MIN = 1,              /* after more than the prefix limit */
};

/* An as-path access-list and, of the reflector, a route-map. */
#define OWN "vx-own"
#define OWN_LIST "bgp as-path access-list " OWN

/* One neighbor under construction. */
struct neighbor {
    const struct vx_gw_frr_want *want;
    const struct vx_gw_frr_vrf *vrf;    /* NULL: of the reflector */
    const struct vx_peering *peering;
    struct vx_gw_frr_text *text;
    struct vx_gw_frr_block *block;
    char peer[VX_IP_STRLEN];
    char stem[NAME_SIZE];       /* of its route-maps: "vx-5001-ce1" */
};

static bool
is_external(const struct neighbor *n)
{
    return n->peering->peer_as != n->want->as;
}

/* --- The block. */

void
vx_gw_frr_want_fixed(const struct vx_gw_frr_want *want,
                     const struct vx_ip *router_id,
                     struct vx_gw_frr_block *block)
{
    struct vx_gw_frr_section *top = &block->sections[0];
    char text[VX_IP_STRLEN];

    vx_gw_frr_put(top, "bgp router-id %s", vx_ip_format(
        router_id->family ? router_id : &want->router_id, text));
    vx_gw_frr_put(top, "no bgp default ipv4-unicast");
    if (want->restart_s && want->restart_s != RESTART_DEFAULT_S) {
        vx_gw_frr_put(top, "bgp graceful-restart restart-time %u",
                      want->restart_s);
    }
    if (want->restart_s) {
        /* 6 minutes by default, in which a bgpd that was restarted chooses no
         * route if only one peer sends no End-of-RIB. */
        vx_gw_frr_put(top, "bgp graceful-restart select-defer-time %u",
                      SELECT_DEFER_S);
        vx_gw_frr_put(top, "bgp graceful-restart");
        vx_gw_frr_put(top, "bgp graceful-restart preserve-fw-state");
    }
}

void
vx_gw_frr_want_routes(const struct vx_gw_frr_want *want,
                      struct vx_gw_frr_block *block)
{
    vx_gw_frr_put(vx_gw_frr_section(block, "address-family ipv4 unicast",
                                    true),
                  "redistribute %s", want->redistribute);
    vx_gw_frr_put(vx_gw_frr_section(block, "address-family ipv6 unicast",
                                    true),
                  "redistribute %s", want->redistribute);
}

/* --- Route-maps and prefix-lists. */

/* "65001:100", or the name that bgpd prints for a well-known one. */
static void
put_community(struct vx_buf *out, uint32_t community)
{
    static const struct {
        uint32_t value;
        const char *name;
    } known[] = {
        { 0, "internet" }, { 0xffff0000, "graceful-shutdown" },
        { 0xffff0001, "accept-own" },
        { 0xffff0002, "route-filter-translated-v4" },
        { 0xffff0003, "route-filter-v4" },
        { 0xffff0004, "route-filter-translated-v6" },
        { 0xffff0005, "route-filter-v6" }, { 0xffff0006, "llgr-stale" },
        { 0xffff0007, "no-llgr" }, { 0xffff0008, "accept-own-nexthop" },
        { 0xffff029a, "blackhole" }, { 0xffffff01, "no-export" },
        { 0xffffff02, "no-advertise" }, { 0xffffff03, "local-AS" },
        { 0xffffff04, "no-peer" },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].value == community) {
            vx_buf_printf(out, " %s", known[i].name);
            return;
        }
    }
    vx_buf_printf(out, " %u:%u", community >> 16, community & 0xffff);
}

/* Only what begins here goes out.  What a peer said is tagged by the map that
 * let it in: an AS path may be empty, of a peer of our own AS or a hostile
 * one.  In the reflector, where an operator may have peers of his own, the AS
 * path has to be empty as well; in the VRFs not, since bgpd takes half a
 * minute for a hundred maps that match one as-path list. */
static void
put_own(struct vx_gw_frr_section *map)
{
    vx_gw_frr_put(map, "match as-path " OWN);
}

/* The speaker is told who said it, by a community that takes the place of
 * those the peer has sent: it cannot say to be another.  Nor are others passed
 * on: nobody reads them, with many the path would not fit the message to the
 * speaker any more, and well-known ones would keep it from him.  (Graceful
 * shutdown means nothing there: the next hop is the VTEP, whoever says it.) */
static void
put_mark(const struct vx_peering *uplink, struct vx_gw_frr_section *map)
{
    uint32_t mark[2];

    vx_gw_peer_mark(&uplink->peer, mark);
    vx_gw_frr_put(map, "set tag %u", VX_GW_HEARD_TAG);
    vx_gw_frr_put(map, "set large-community %u:%u:%u", VX_GW_HEARD_TAG,
                  mark[0], mark[1]);
    vx_gw_frr_put(map, "set community none");
}

/* --- Next hops.
 *
 * bgpd looks once, when a session comes up, which address of the other family
 * its device has.  What it has not heard of by then it never uses: IPv6 goes
 * out with the link-local address only (with ::ffff:a.b.c.d if it had none),
 * IPv4 with the router id.  An address that went away for a moment is lost to
 * it likewise.  So it is told. */

/* NULL: none of that family. */
static const struct vx_ip *
address_of(const struct vx_gw_frr_vrf *vrf, const char *device,
           uint8_t family)
{
    for (size_t i = 0; i < vrf->n_peerings; i++) {
        const struct vx_peering *p = vrf->peerings[i];

        for (size_t j = 0; !strcmp(p->device, device) && j < p->n_locals;
             j++) {
            if (p->locals[j].ip.family == family) {
                return &p->locals[j].ip;
            }
        }
    }
    return NULL;
}

/* The peering whose device leads to a peer that has none of its own; NULL =
 * it cannot be told. */
static const struct vx_peering *
way_to(const struct vx_gw_frr_vrf *vrf, const struct vx_ip *peer)
{
    const struct vx_peering *only = NULL;
    bool is_one = true;

    for (size_t i = 0; i < vrf->n_peerings; i++) {
        const struct vx_peering *p = vrf->peerings[i];

        if (!p->device[0]) {
            continue;
        } else if (vx_peering_is_on_link(p, peer)) {
            return p;
        }
        is_one = is_one && (!only || !strcmp(only->device, p->device));
        only = p;
    }
    return is_one ? only : NULL;
}

static const struct vx_ip *
address_of_leg(const struct vx_gw_frr_vrf *vrf, uint8_t family)
{
    for (size_t i = 0; i < vrf->n_leg_ips; i++) {
        if (vrf->leg_ips[i].ip.family == family) {
            return &vrf->leg_ips[i].ip;
        }
    }
    return NULL;
}

/* What a tenant's peer is told as next hop of prefixes of the other family
 * than the session's; NULL: what bgpd finds. */
static const struct vx_ip *
next_hop(const struct neighbor *n, uint8_t family)
{
    const struct vx_peering *p = n->peering;

    if (!n->vrf || p->peer.family == family) {
        return NULL;
    }
    if (!p->device[0]) {
        for (size_t i = 0; i < n->vrf->n_subnets; i++) {
            if (vx_prefix_contains(&n->vrf->subnets[i], &p->peer)) {
                return address_of_leg(n->vrf, family);
            }
        }
        p = way_to(n->vrf, &p->peer);
    }
    return p ? address_of(n->vrf, p->device, family) : NULL;
}

static void
put_next_hop(const struct neighbor *n, uint8_t family,
             struct vx_gw_frr_section *map)
{
    const struct vx_ip *ip = next_hop(n, family);
    char text[VX_IP_STRLEN];

    if (ip) {
        vx_gw_frr_put(map, family == 6 ? "set ipv6 next-hop global %s"
                                       : "set ip next-hop %s",
                      vx_ip_format(ip, text));
    }
}

static void
put_sets(const struct neighbor *n, bool out, struct vx_gw_frr_section *map)
{
    const struct vx_peering *p = n->peering;
    struct vx_buf text = VX_BUF_INIT;

    if (out && p->o.kind == VX_UPLINK) {
        put_own(map);
    } else if (!out && p->o.kind == VX_UPLINK) {
        put_mark(p, map);
    } else if (!out) {
        vx_gw_frr_put(map, "set tag %u", VX_GW_HEARD_TAG);
    }
    if (!out && p->local_pref) {
        vx_gw_frr_put(map, "set local-preference %u", p->local_pref);
    }
    if (out && p->n_communities) {
        for (size_t i = 0; i < p->n_communities; i++) {
            put_community(&text, p->communities[i]);
        }
        vx_gw_frr_put(map, "set community%s additive", vx_buf_str(&text));
    }
    if (out && p->has_med) {
        vx_gw_frr_put(map, "set metric %u", p->med);
    }
    vx_buf_fini(&text);
}

static struct vx_gw_frr_section *
put_entry(struct vx_gw_frr_text *text, const char *map, const char *action,
          unsigned seq)
{
    char header[NAME_SIZE + 40];

    snprintf(header, sizeof header, "route-map %s %s %u", map, action, seq);
    return &vx_gw_frr_text_add(text, header)->sections[0];
}

static size_t
count_of(const struct vx_prefix *prefixes, size_t n, uint8_t family)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        count += prefixes[i].ip.family == family;
    }
    return count;
}

/* Once, by the first uplink. */
static void
put_own_list(struct vx_gw_frr_text *text)
{
    for (size_t i = 0; i < text->n_rules; i++) {
        if (!strcmp(text->rules[i].list, OWN_LIST)) {
            return;
        }
    }
    vx_gw_frr_text_rule(text, OWN_LIST, "permit ^$", 0);
}

/* What a peer said, tagged by the map that let it in. */
static void
deny_heard(struct vx_gw_frr_text *text, const char *map)
{
    vx_gw_frr_put(put_entry(text, map, "deny", 1), "match tag %u",
                  VX_GW_HEARD_TAG);
}

/* The prefixes of one family, as the list "vx-5001-ce1-in4". */
static void
put_list(const struct neighbor *n, bool out, uint8_t family)
{
    const struct vx_peering *p = n->peering;
    const struct vx_prefix *prefixes = out ? p->exports : p->imports;
    size_t n_prefixes = out ? p->n_exports : p->n_imports;
    char list[NAME_SIZE + 40], prefix[VX_PREFIX_STRLEN], rule[100];

    snprintf(list, sizeof list, "%s prefix-list %s-%s%u",
             family == 6 ? "ipv6" : "ip", n->stem, out ? "out" : "in",
             family);
    for (size_t i = 0; i < n_prefixes; i++) {
        unsigned bits = family == 6 ? 128 : 32;

        if (prefixes[i].ip.family != family) {
            continue;
        }
        vx_prefix_format(&prefixes[i], prefix);
        if (prefixes[i].length == bits) {
            snprintf(rule, sizeof rule, "permit %s", prefix);
        } else {
            snprintf(rule, sizeof rule, "permit %s le %u", prefix, bits);
        }
        vx_gw_frr_text_rule(n->text, list, rule, 0);
    }
}

static void
put_match(const struct neighbor *n, bool out, uint8_t family,
          struct vx_gw_frr_section *map)
{
    vx_gw_frr_put(map, "match %s address prefix-list %s-%s%u",
                  family == 6 ? "ipv6" : "ip", n->stem, out ? "out" : "in",
                  family);
}

static void
put_subnet(struct vx_gw_frr_text *text, uint32_t vni,
           const struct vx_prefix *subnet)
{
    unsigned bits = subnet->ip.family == 6 ? 128 : 32;
    char list[64], prefix[VX_PREFIX_STRLEN], rule[100];

    snprintf(list, sizeof list, "%s prefix-list vx-%u-own%u",
             bits == 32 ? "ip" : "ipv6", vni, subnet->ip.family);
    vx_prefix_format(subnet, prefix);
    if (subnet->length == bits) {
        snprintf(rule, sizeof rule, "permit %s", prefix);
    } else {
        snprintf(rule, sizeof rule, "permit %s le %u", prefix, bits);
    }
    vx_gw_frr_text_rule(text, list, rule, 0);
}

/* Those of the legs are always there: a list that is empty matches all. */
void
vx_gw_frr_want_subnets(const struct vx_gw_frr_vrf *vrf,
                       struct vx_gw_frr_text *text)
{
    static const char *const of_legs[] = { "169.254.64.0/18",
                                           "fd76:7866:6162::/64" };
    struct vx_prefix legs[2];

    for (size_t i = 0; vrf->n_peerings && i < 2; i++) {
        vx_prefix_parse(of_legs[i], &legs[i]);
        put_subnet(text, vrf->vni, &legs[i]);
    }
    for (size_t i = 0; vrf->n_peerings && i < vrf->n_subnets; i++) {
        const struct vx_prefix *subnet = &vrf->subnets[i];

        if (vx_prefix_compare(subnet, &legs[0])
            && vx_prefix_compare(subnet, &legs[1])) {
            put_subnet(text, vrf->vni, subnet);
        }
    }
}

/* A route-map of one direction and family of addresses.  A filter that names
 * prefixes of the other family only lets nothing through. */
static void
put_map(const struct neighbor *n, bool out, uint8_t family)
{
    const struct vx_peering *p = n->peering;
    const struct vx_prefix *prefixes = out ? p->exports : p->imports;
    size_t n_prefixes = out ? p->n_exports : p->n_imports;
    struct vx_gw_frr_section *map;
    char name[NAME_SIZE + 8];

    snprintf(name, sizeof name, "%s-%s%u", n->stem, out ? "out" : "in",
             family);
    if (n_prefixes && !count_of(prefixes, n_prefixes, family)) {
        put_entry(n->text, name, "deny", 90);
        return;
    }
    if (out) {
        deny_heard(n->text, name);
    }
    map = put_entry(n->text, name, "permit", 10);
    if (n_prefixes) {
        put_match(n, out, family, map);
    }
    if (out) {
        put_next_hop(n, family, map);
    }
    put_sets(n, out, map);
}

/* The same for EVPN: filters are about prefixes, so of types 2 and 3 all go
 * through. */
static void
put_evpn_map(const struct neighbor *n, bool out)
{
    const struct vx_peering *p = n->peering;
    const struct vx_prefix *prefixes = out ? p->exports : p->imports;
    size_t n_prefixes = out ? p->n_exports : p->n_imports;
    static const char *const types[] = { "macip", "multicast" };
    struct vx_gw_frr_section *map;
    char name[NAME_SIZE + 8];

    snprintf(name, sizeof name, "%s-%se", n->stem, out ? "out" : "in");
    if (out) {
        deny_heard(n->text, name);
    }
    if (!n_prefixes) {
        put_sets(n, out, put_entry(n->text, name, "permit", 10));
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        map = put_entry(n->text, name, "permit", 5 + i);
        vx_gw_frr_put(map, "match evpn route-type %s", types[i]);
        put_sets(n, out, map);
    }
    for (unsigned i = 0; i < 2; i++) {
        uint8_t family = i ? 6 : 4;

        if (count_of(prefixes, n_prefixes, family)) {
            map = put_entry(n->text, name, "permit", 10 + 10 * i);
            put_match(n, out, family, map);
            put_sets(n, out, map);
        }
    }
}

/* --- Neighbors. */

/* source: NULL = the device's address. */
static void
put_base(const struct neighbor *n, const char *object,
         const struct vx_ip *source, bool is_uplink)
{
    struct vx_gw_frr_section *top = &n->block->sections[0];
    const struct vx_peering *p = n->peering;
    unsigned hold = p->hold_s ? p->hold_s : HOLD_DEFAULT_S;
    char text[VX_IP_STRLEN];

    vx_gw_frr_put(top, "neighbor %s remote-as %u", n->peer, p->peer_as);
    vx_gw_frr_put(top, "neighbor %s description " VX_GW_FRR_MARK "%s",
                  n->peer, object);
    if (p->local_as && p->local_as != n->want->as) {
        vx_gw_frr_put(top, "neighbor %s local-as %u no-prepend replace-as",
                      n->peer, p->local_as);
    }
    if (p->bfd) {
        vx_gw_frr_put(top, "neighbor %s bfd", n->peer);
    }
    if (p->password && p->password[0]) {
        vx_gw_frr_put(top, "neighbor %s password %s", n->peer, p->password);
    }
    if (is_external(n) && p->multihop > 1) {
        vx_gw_frr_put(top, "neighbor %s ebgp-multihop %u", n->peer,
                      p->multihop);
    } else if (is_external(n) && is_uplink) {
        /* The reflector knows no interfaces: to it nobody is connected. */
        vx_gw_frr_put(top, "neighbor %s disable-connected-check", n->peer);
    }
    if (source && source->family == p->peer.family) {
        vx_gw_frr_put(top, "neighbor %s update-source %s", n->peer,
                      vx_ip_format(source, text));
    }
    vx_gw_frr_put(top, "neighbor %s timers %u %u", n->peer, hold / 3, hold);
    vx_gw_frr_put(top, "neighbor %s timers connect %u", n->peer, CONNECT_S);
}

static struct vx_gw_frr_section *
put_family(const struct neighbor *n, const char *family, bool limit)
{
    struct vx_gw_frr_section *section;
    char name[64];

    snprintf(name, sizeof name, "address-family %s", family);
    section = vx_gw_frr_section(n->block, name, true);
    vx_gw_frr_put(section, "neighbor %s activate", n->peer);
    if (limit) {
        vx_gw_frr_put(section, "neighbor %s maximum-prefix %u restart %u",
                      n->peer, vx_peering_limit(n->peering), AGAIN_MIN);
    }
    return section;
}

static void
use_maps(const struct neighbor *n, struct vx_gw_frr_section *section,
         const char *suffix)
{
    vx_gw_frr_put(section, "neighbor %s route-map %s-in%s in", n->peer,
                  n->stem, suffix);
    vx_gw_frr_put(section, "neighbor %s route-map %s-out%s out", n->peer,
                  n->stem, suffix);
}

/* What the tenant has itself is not taken from a peer. */
static void
deny_subnets(const struct neighbor *n, uint32_t vni, uint8_t family)
{
    char map[NAME_SIZE + 8];

    snprintf(map, sizeof map, "%s-in%u", n->stem, family);
    vx_gw_frr_put(put_entry(n->text, map, "deny", 1),
                  "match %s address prefix-list vx-%u-own%u",
                  family == 6 ? "ipv6" : "ip", vni, family);
}

void
vx_gw_frr_want_peering(const struct vx_gw_frr_want *want,
                       const struct vx_gw_frr_vrf *vrf,
                       const struct vx_peering *peering,
                       struct vx_gw_frr_text *text,
                       struct vx_gw_frr_block *block)
{
    struct neighbor n = { want, vrf, peering, text, block, "", "" };
    char object[2 * VX_NAME_MAX + 8];

    vx_ip_format(&peering->peer, n.peer);
    snprintf(n.stem, sizeof n.stem, "vx-%u-%.63s", vrf->vni,
             peering->o.name);
    snprintf(object, sizeof object, "%.63s/%.63s", vrf->tenant,
             peering->o.name);
    put_base(&n, object, NULL, false);
    for (int i = 0; i < 2; i++) {
        uint8_t family = i ? 6 : 4;
        struct vx_gw_frr_section *section;

        if (!(peering->families & (i ? VX_AF_IPV6 : VX_AF_IPV4))) {
            continue;
        }
        section = put_family(&n, i ? "ipv6 unicast" : "ipv4 unicast", true);
        if (!is_external(&n)) {
            /* Else the next hop of our routes would be the anycast gateway,
             * which only the leg reaches. */
            vx_gw_frr_put(section, "neighbor %s next-hop-self", n.peer);
        }
        use_maps(&n, section, i ? "6" : "4");
        for (int out = 0; out < 2; out++) {
            put_list(&n, out, family);
            put_map(&n, out, family);
        }
        deny_subnets(&n, vrf->vni, family);
    }
}

static void
want_vpn(const struct neighbor *n, uint8_t family)
{
    struct vx_gw_frr_section *section = put_family(
        n, family == 6 ? "ipv6 vpn" : "ipv4 vpn", true);

    use_maps(n, section, family == 6 ? "6" : "4");
    if (is_external(n)) {
        /* The next hop is the gateway's VTEP, whoever tells it. */
        vx_gw_frr_put(section, "neighbor %s attribute-unchanged next-hop",
                      n->peer);
    }
    for (int out = 0; out < 2; out++) {
        put_map(n, out, family);
    }
}

static void
want_flowspec(const struct neighbor *n, const char *family)
{
    struct vx_gw_frr_section *section = put_family(n, family, false);

    if (n->peering->flowspec_in) {
        vx_gw_frr_put(section, "neighbor %s route-map %s-inf in", n->peer,
                      n->stem);
    } else {
        vx_gw_frr_put(section, "neighbor %s route-map vx-deny in", n->peer);
    }
    vx_gw_frr_put(section, "neighbor %s route-map vx-own out", n->peer);
}

/* Of the maps that uplinks share: false if it is there. */
static bool
is_missing(const struct vx_gw_frr_text *text, const char *header)
{
    for (size_t i = 0; i < text->n; i++) {
        if (!strcmp(text->blocks[i]->header, header)) {
            return false;
        }
    }
    return true;
}

static void
put_flowspec_maps(const struct neighbor *n)
{
    struct vx_gw_frr_text *text = n->text;
    char name[NAME_SIZE + 8];

    if (is_missing(text, "route-map " OWN " permit 10")) {
        deny_heard(text, OWN);
        put_own(put_entry(text, OWN, "permit", 10));
    }
    if (n->peering->flowspec_in) {
        snprintf(name, sizeof name, "%s-inf", n->stem);
        put_mark(n->peering, put_entry(text, name, "permit", 10));
    } else if (is_missing(text, "route-map vx-deny deny 10")) {
        put_entry(text, "vx-deny", "deny", 10);
    }
}

void
vx_gw_frr_want_uplink(const struct vx_gw_frr_want *want,
                      const struct vx_peering *uplink,
                      struct vx_gw_frr_text *text,
                      struct vx_gw_frr_block *block)
{
    struct neighbor n = { want, NULL, uplink, text, block, "", "" };
    uint8_t families = uplink->families;

    vx_ip_format(&uplink->peer, n.peer);
    snprintf(n.stem, sizeof n.stem, "vx-%.63s", uplink->o.name);
    put_base(&n, uplink->o.name, uplink->source.family
             ? &uplink->source : &want->vtep, true);
    put_own_list(text);
    if (families & (VX_AF_VPNV4 | VX_AF_EVPN)) {
        put_list(&n, false, 4);
        put_list(&n, true, 4);
    }
    if (families & (VX_AF_VPNV6 | VX_AF_EVPN)) {
        put_list(&n, false, 6);
        put_list(&n, true, 6);
    }
    if (families & VX_AF_VPNV4) {
        want_vpn(&n, 4);
    }
    if (families & VX_AF_VPNV6) {
        want_vpn(&n, 6);
    }
    if (families & VX_AF_EVPN) {
        /* bgpd has no limit for EVPN and FlowSpec, the speaker counts; and
         * keeps next hops there itself. */
        use_maps(&n, put_family(&n, "l2vpn evpn", false), "e");
        put_evpn_map(&n, false);
        put_evpn_map(&n, true);
    }
    if (families & VX_AF_FLOWSPEC) {
        want_flowspec(&n, "ipv4 flowspec");
        want_flowspec(&n, "ipv6 flowspec");
        put_flowspec_maps(&n);
    }
}

void
vx_gw_frr_want_speaker(const struct vx_gw_frr_want *want, const char *how,
                       struct vx_gw_frr_block *block)
{
    static const char *const families[] = {
        "ipv4 vpn", "ipv4 flowspec", "ipv6 vpn", "ipv6 flowspec",
        "l2vpn evpn",
    };
    struct vx_gw_frr_section *top = &block->sections[0];
    char peer[VX_IP_STRLEN], name[64];

    vx_ip_format(&want->speaker, peer);
    vx_gw_frr_put(top, "neighbor %s remote-as %u", peer, want->as);
    vx_gw_frr_put(top, "neighbor %s description " VX_GW_FRR_MARK "speaker%s",
                  peer, how);
    vx_gw_frr_put(top, "neighbor %s passive", peer);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct vx_gw_frr_section *section;

        snprintf(name, sizeof name, "address-family %s", families[i]);
        section = vx_gw_frr_section(block, name, true);
        vx_gw_frr_put(section, "neighbor %s activate", peer);
        vx_gw_frr_put(section, "neighbor %s route-reflector-client", peer);
    }
}

/* --- What cannot be. */

/* bgpd reads a line word by word. */
static bool
is_word(const char *password)
{
    for (const char *p = password; *p; p++) {
        if (*p <= ' ' || *p > '~' || *p == '?') {
            return false;
        }
    }
    return strlen(password) <= VX_PASSWORD_MAX;
}

char *
vx_gw_frr_want_check(const struct vx_gw_frr_want *want,
                     const struct vx_peering *peering)
{
    uint32_t local = peering->local_as ? peering->local_as : want->as;

    if (!peering->peer.family || !peering->peer_as) {
        return vx_xstrdup("it lacks the peer's address or AS");
    }
    if (local != want->as && peering->peer_as == want->as) {
        return vx_xasprintf("local AS %u is only possible towards another "
                            "AS than the gateway's, %u", local, want->as);
    }
    if (local != want->as && peering->peer_as == local) {
        return vx_xasprintf("local AS %u is the peer's too: set the "
                            "gateway's AS, %u, to it instead", local,
                            want->as);
    }
    if (peering->password && !is_word(peering->password)) {
        return vx_xstrdup("bgpd takes no password with spaces, control "
                          "characters or \"?\" in it");
    }
    return NULL;
}
