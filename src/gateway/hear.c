/* SPDX-License-Identifier: Apache-2.0 */
/* What a path of the speaker's peers means for the tenants here: whose it is
 * by its route targets, whether it can be carried out, and what the
 * controller is told.  Pure; see learned.h.
 *
 * Never broader than said: a FlowSpec rule with a component that tier 1
 * cannot match is refused, not shortened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "bgp/bgp_flowspec.h"
#include "gateway/learned.h"
#include "gateway/limits.h"
#include "gateway/wanted.h"
#include "lib/xalloc.h"

struct hearing {
    const struct vx_gw_entries *entries;
    const struct bg_nlri *nlri;
    const struct bg_attrs *attrs;
    const struct vx_gw_entry *peering;  /* that said it; NULL = not marked */
    struct vx_gw_heard *heard;
    size_t max, n;
};

static struct vx_gw_heard *
add(struct hearing *h, enum vx_gw_learned_type type)
{
    struct vx_gw_heard *heard = &h->heard[h->n++];

    memset(heard, 0, sizeof *heard);
    heard->type = type;
    heard->vtep = h->attrs->next_hop;
    snprintf(heard->from, sizeof heard->from, "%.63s",
             h->peering ? h->peering->key : "");
    return heard;
}

bool
vx_gw_rt_matches(const struct bg_attrs *attrs, const struct bg_ext *imports,
                 size_t n_imports, const struct bg_ext *own_auto,
                 uint32_t vni)
{
    const struct bg_ext *rt;

    for (size_t i = 0; (rt = bg_attrs_rt(attrs, i)); i++) {
        if (!n_imports && bg_rt_local(rt) == vni) {
            return true;
        }
        for (size_t j = 0; j < n_imports; j++) {
            bool is_auto = !memcmp(&imports[j], own_auto, sizeof *own_auto);

            if (!memcmp(rt, &imports[j], sizeof *rt)
                || (is_auto && bg_rt_local(rt) == vni)) {
                return true;
            }
        }
    }
    return false;
}

static bool
imports_tenant(const struct hearing *h, const struct vx_gw_tenant *tenant)
{
    struct bg_ext own = vx_gw_auto_rt(vx_gw_entries_gateway(h->entries),
                                      tenant->vni);

    return vx_gw_rt_matches(h->attrs, tenant->imports, tenant->n_imports,
                            &own, tenant->vni);
}

static bool
is_network_of(const struct hearing *h, const struct vx_gw_network *network)
{
    struct bg_ext own = vx_gw_auto_rt(vx_gw_entries_gateway(h->entries),
                                      network->vni);

    return vx_gw_rt_matches(h->attrs, network->imports, network->n_imports,
                            &own, network->vni);
}

/* --- EVPN. */

/* A host of this fabric has that VTEP: what is said of it is our own. */
static bool
is_own_vtep(const struct hearing *h, uint32_t vni, const struct vx_ip *vtep)
{
    const struct vx_gw_gateway *gateway = vx_gw_entries_gateway(h->entries);
    char key[VX_IP_STRLEN + 16], ip[VX_IP_STRLEN];
    const struct vx_gw_entry *entry;

    if (!vx_ip_compare(vtep, &gateway->vtep)) {
        return true;
    }
    snprintf(key, sizeof key, "%u %s", (unsigned) vni,
             vx_ip_format(vtep, ip));
    entry = vx_gw_entries_find(h->entries, VX_GW_VTEP, key);
    return entry && entry->value;
}

static bool
hear_layer2(struct hearing *h, const struct vx_gw_network *network,
            struct vx_error *err)
{
    const struct bg_evpn *evpn = &h->nlri->evpn;
    bool is_mac = evpn->type == BG_EVPN_MAC;
    uint32_t vni = is_mac ? evpn->vni : h->attrs->pmsi.vni;
    struct vx_gw_heard *heard;

    if (vni && vni != network->vni) {
        return vx_fail(err, VX_INVALID, "vni", "its VNI %u is not the "
                       "network's %u", (unsigned) vni,
                       (unsigned) network->vni);
    }
    if (!is_mac && h->attrs->pmsi.present
        && h->attrs->pmsi.type != 6) {
        return vx_fail(err, VX_INVALID, "pmsi", "only ingress replication is "
                       "supported, not tunnel type %u", h->attrs->pmsi.type);
    }
    if (is_own_vtep(h, network->vni, &h->attrs->next_hop)) {
        return vx_fail(err, VX_EXISTS, "vtep", "a host of this fabric");
    }
    heard = add(h, is_mac ? VX_GW_LEARNED_ENDPOINT : VX_GW_LEARNED_VTEP);
    heard->vni = network->vni;
    if (is_mac) {
        heard->mac = evpn->mac;
        heard->ip = evpn->ip;
        bg_attrs_mobility(h->attrs, &heard->seq, &heard->sticky);
    }
    return true;
}

static bool
hear_networks(struct hearing *h, struct vx_error *err)
{
    bool any = false, ok = true;

    if (h->nlri->evpn.type == BG_EVPN_MAC
        && (!vx_mac_is_unicast(&h->nlri->evpn.mac)
            || bg_attrs_is_default_gateway(h->attrs))) {
        return vx_fail(err, VX_INVALID, "mac", "the address of a gateway, or "
                       "none of a host");
    }
    VX_GW_FOR_EACH(entry, h->entries, VX_GW_NETWORK, "") {
        const struct vx_gw_network *network = &entry->value->network;

        if (h->n < h->max && is_network_of(h, network)) {
            any = true;
            ok = hear_layer2(h, network, err) && ok;
        }
    }
    return ok && (any || vx_fail(err, VX_NOT_FOUND, "rt", "no network here "
                                 "imports its route targets"));
}

static bool
hear_type5(struct hearing *h, const struct vx_gw_entry *entry,
           struct vx_error *err)
{
    const struct vx_gw_tenant *tenant = &entry->value->tenant;
    const struct bg_evpn *evpn = &h->nlri->evpn;
    struct vx_gw_heard *heard;
    struct vx_mac mac;

    if (evpn->vni != tenant->vni) {
        return vx_fail(err, VX_INVALID, "vni", "its VNI %u is not the "
                       "router's %u of tenant \"%s\"", (unsigned) evpn->vni,
                       (unsigned) tenant->vni, entry->key);
    }
    if (evpn->ip.family || !bg_attrs_router_mac(h->attrs, &mac)
        || !vx_mac_is_unicast(&mac)) {
        return vx_fail(err, VX_INVALID, "router-mac", "a route of type 5 "
                       "needs a router MAC, and no gateway address (RFC 9136 "
                       "4.4.1)");
    }
    if (is_own_vtep(h, tenant->vni, &h->attrs->next_hop)
        || !vx_mac_compare(&mac, &tenant->mac)) {
        return vx_fail(err, VX_EXISTS, "vtep", "a host of this fabric");
    }
    heard = add(h, VX_GW_LEARNED_ROUTE5);
    snprintf(heard->tenant, sizeof heard->tenant, "%s", entry->key);
    heard->prefix = evpn->prefix;
    heard->mac = mac;
    return true;
}

static bool
hear_tenants(struct hearing *h, struct vx_error *err)
{
    bool any = false, ok = true;

    VX_GW_FOR_EACH(entry, h->entries, VX_GW_TENANT, "") {
        if (h->n < h->max && imports_tenant(h, &entry->value->tenant)) {
            any = true;
            ok = hear_type5(h, entry, err) && ok;
        }
    }
    return ok && (any || vx_fail(err, VX_NOT_FOUND, "rt", "no tenant here "
                                 "imports its route targets"));
}

/* --- FlowSpec: from whom. */

static const struct vx_gw_entry *
if_trusted(const struct vx_gw_entry *peering, struct vx_error *err)
{
    if (peering->value->peering.value.flowspec_in) {
        return peering;
    }
    vx_fail(err, VX_FORBIDDEN, "flowspec_in", "peering \"%s\" is not "
            "trusted with FlowSpec", peering->key);
    return NULL;
}

/* The trusted peering it came by.  Without a mark the first AS of the path
 * tells; of one's own AS all peers have to be trusted. */
static const struct vx_gw_entry *
trusted(const struct hearing *h, struct vx_error *err)
{
    const struct vx_gw_gateway *gateway = vx_gw_entries_gateway(h->entries);
    uint32_t as = h->attrs->n_as ? h->attrs->as_path[0] : gateway->as;
    const struct vx_gw_entry *found = NULL;

    if (h->peering) {
        return if_trusted(h->peering, err);
    }
    VX_GW_FOR_EACH(entry, h->entries, VX_GW_PEERING, "") {
        const struct vx_gw_peering *peering = &entry->value->peering;

        if (peering->tenant || peering->value.peer_as != as
            || !(peering->value.families & VX_AF_FLOWSPEC)) {
            continue;
        }
        if (!if_trusted(entry, err)) {
            return NULL;
        }
        found = entry;
    }
    if (!found) {
        vx_fail(err, VX_FORBIDDEN, "flowspec_in", "AS %u is no peer that is "
                "trusted with FlowSpec", (unsigned) as);
    }
    return found;
}

/* RFC 8955 6: the destination is the tenant's own, as announced. */
static bool
covers(const struct hearing *h, const struct vx_gw_entry *tenant,
       const struct vx_prefix *dst)
{
    char prefix[VX_GW_KEY_MAX + 2];

    snprintf(prefix, sizeof prefix, "%s ", tenant->key);
    VX_GW_FOR_EACH(entry, h->entries, VX_GW_PREFIX, prefix) {
        const struct vx_prefix *own = &entry->value->prefix.prefix;

        if (own->ip.family == dst->ip.family && own->length <= dst->length
            && vx_prefix_contains(own, &dst->ip)) {
            return true;
        }
    }
    return false;
}

static const struct vx_gw_entry *
tenant_of_flow(const struct hearing *h, const struct bg_flow_rule *rule,
               struct vx_error *err)
{
    const struct vx_gw_entry *by_rt = NULL, *by_prefix = NULL;
    size_t n_rt = 0, n_prefix = 0;

    VX_GW_FOR_EACH(entry, h->entries, VX_GW_TENANT, "") {
        bool own = covers(h, entry, &rule->dst);

        if (imports_tenant(h, &entry->value->tenant)) {
            n_rt++;
            by_rt = own ? entry : by_rt;
        }
        n_prefix += own;
        by_prefix = own ? entry : by_prefix;
    }
    if (n_rt == 1 && by_rt) {
        return by_rt;
    } else if (!n_rt && n_prefix == 1) {
        return by_prefix;
    }
    vx_fail(err, VX_FORBIDDEN, "dst", "its destination is %s",
            n_rt > 1 ? "meant for several tenants by its route targets"
            : n_rt || !n_prefix ? "no announced prefix of the tenant"
                                : "a prefix of several tenants, and no "
                                  "route target tells whose");
    return NULL;
}

/* --- FlowSpec: what it says, as a policy. */

static bool
put_action(const struct bg_flow_action *action, struct vx_buf *out,
           struct vx_error *err)
{
    char ip[VX_IP_STRLEN];
    int n = action->has_rate + action->has_rate_packets + action->has_mark
            + action->has_redirect_rt + (action->redirect_ip.family != 0);

    if (n != 1 || action->has_rate_packets || action->copy
        || action->goes_on || action->has_redirect_rt) {
        return vx_fail(err, VX_INVALID, "action", "only one of drop, rate in "
                       "bytes, DSCP and redirect to an address is "
                       "supported");
    }
    if (action->has_rate && !action->rate_kbps) {
        vx_buf_puts(out, "{\"type\":\"drop\"}");
    } else if (action->has_rate) {
        vx_buf_printf(out, "{\"type\":\"rate\",\"rate_kbps\":%u}",
                      (unsigned) action->rate_kbps);
    } else if (action->has_mark) {
        vx_buf_printf(out, "{\"type\":\"dscp\",\"dscp\":%u}", action->dscp);
    } else {
        vx_buf_printf(out, "{\"type\":\"via\",\"via\":[\"%s\"]}",
                      vx_ip_format(&action->redirect_ip, ip));
    }
    return true;
}

/* One number, -1 if any; false if it is more than one. */
static bool
single(const struct bg_flow_set *set, long *ret_number)
{
    *ret_number = set->n ? (long) set->r[0].first : -1;
    return set->n <= 1 && (!set->n || set->r[0].first == set->r[0].last);
}

static void
put_ports(const char *name, const struct bg_flow_set *set,
          struct vx_buf *out)
{
    if (!set->n) {
        return;
    }
    vx_buf_printf(out, ",\"%s\":\"", name);
    for (size_t i = 0; i < set->n; i++) {
        vx_buf_printf(out, set->r[i].first == set->r[i].last ? "%s%u"
                                                             : "%s%u-%u",
                      i ? "," : "", (unsigned) set->r[i].first,
                      (unsigned) set->r[i].last);
    }
    vx_buf_puts(out, "\"");
}

static bool
put_match(const struct bg_flow_rule *rule, struct vx_buf *out,
          struct vx_error *err)
{
    char prefix[VX_PREFIX_STRLEN];
    long proto, dscp;

    if (!single(&rule->proto, &proto) || !single(&rule->dscp, &dscp)
        || rule->port.n || rule->icmp_type.n || rule->icmp_code.n
        || rule->tcp_flags.n || rule->length.n || rule->fragment.n
        || rule->label.n || rule->dst_offset || rule->src_offset) {
        return vx_fail(err, VX_INVALID, "match", "it matches more than "
                       "prefixes, one protocol, source and destination "
                       "ports and one DSCP: such a rule is not supported, "
                       "and not made broader");
    }
    if ((rule->sport.n || rule->dport.n)
        && proto != 6 && proto != 17 && proto != 132) {
        return vx_fail(err, VX_INVALID, "match", "ports without TCP, UDP or "
                       "SCTP");
    }
    vx_buf_printf(out, "{\"dst\":\"%s\"",
                  vx_prefix_format(&rule->dst, prefix));
    if (rule->src.ip.family) {
        vx_buf_printf(out, ",\"src\":\"%s\"",
                      vx_prefix_format(&rule->src, prefix));
    }
    if (proto >= 0) {
        vx_buf_printf(out, ",\"proto\":%ld", proto);
    }
    put_ports("sport", &rule->sport, out);
    put_ports("dport", &rule->dport, out);
    if (dscp >= 0) {
        vx_buf_printf(out, ",\"dscp\":%ld", dscp);
    }
    vx_buf_puts(out, "}");
    return true;
}

static bool
hear_flow(struct hearing *h, struct vx_error *err)
{
    uint8_t family = h->nlri->family == BG_FLOW4 ? 4 : 6;
    const struct vx_gw_entry *peering = trusted(h, err), *tenant;
    struct bg_flow_action action = { 0 };
    struct bg_flow_rule rule;
    struct vx_buf out = VX_BUF_INIT;
    struct vx_gw_heard *heard;

    if (!peering || !bg_flow_decode(&h->nlri->flow, family, &rule, err)
        || !bg_flow_get_action(h->attrs, &action, err)) {
        return false;
    }
    if (!rule.dst.ip.family) {
        return vx_fail(err, VX_FORBIDDEN, "dst", "it names no destination");
    }
    tenant = tenant_of_flow(h, &rule, err);
    if (!tenant) {
        return false;
    }
    vx_buf_puts(&out, "{\"match\":");
    if (!put_match(&rule, &out, err)) {
        vx_buf_fini(&out);
        return false;
    }
    vx_buf_puts(&out, ",\"action\":");
    if (!put_action(&action, &out, err)) {
        vx_buf_fini(&out);
        return false;
    }
    vx_buf_puts(&out, "}");
    heard = add(h, VX_GW_LEARNED_FLOWSPEC);
    snprintf(heard->tenant, sizeof heard->tenant, "%s", tenant->key);
    snprintf(heard->from, sizeof heard->from, "%.63s", peering->key);
    heard->rule = vx_buf_steal(&out);
    return true;
}

/* --- Whose it is, if it is not used. */

/* By route targets, its own or, of layer 2, those of one of its networks. */
static bool
is_targeted(const struct hearing *h, const struct vx_gw_entry *tenant)
{
    bool is_layer2 = h->nlri->family == BG_EVPN
                     && h->nlri->evpn.type != BG_EVPN_PREFIX;
    char prefix[VX_NAME_MAX + 2];

    if (!is_layer2) {
        return imports_tenant(h, &tenant->value->tenant);
    }
    snprintf(prefix, sizeof prefix, "%.63s/", tenant->key);
    VX_GW_FOR_EACH(entry, h->entries, VX_GW_NETWORK, prefix) {
        if (is_network_of(h, &entry->value->network)) {
            return true;
        }
    }
    return false;
}

/* Those of the target or, with dst, those that have the destination. */
static size_t
put_tenants(const struct hearing *h, const struct vx_prefix *dst,
            struct vx_buf *out)
{
    size_t n = 0;

    VX_GW_FOR_EACH(entry, h->entries, VX_GW_TENANT, "") {
        if (n == VX_GW_WHOSE_MAX) {
            break;
        }
        if (dst ? covers(h, entry, dst) : is_targeted(h, entry)) {
            vx_buf_puts(out, n++ ? "," : "");
            vx_json_string(out, entry->key);
        }
    }
    return n;
}

void
vx_gw_whose(const struct vx_gw_entries *entries, const struct bg_nlri *nlri,
            const struct bg_attrs *attrs, struct vx_buf *out)
{
    const struct hearing h = { .entries = entries, .nlri = nlri,
                               .attrs = attrs };
    uint8_t family = nlri->family == BG_FLOW4 ? 4
                     : nlri->family == BG_FLOW6 ? 6 : 0;
    struct bg_flow_rule rule;
    struct vx_error err;

    if (vx_gw_entries_gateway(entries) && !put_tenants(&h, NULL, out)
        && family && bg_flow_decode(&nlri->flow, family, &rule, &err)
        && rule.dst.ip.family) {
        put_tenants(&h, &rule.dst, out);
    }
}

/* --- Routes of the VRF: by whom. */

/* How well the peering fits: 0 = not at all, 3 = it is the peer. */
static int
fits(const struct vx_peering *peering, const struct vx_ip *ip)
{
    unsigned family = ip->family == 4 ? VX_AF_IPV4 : VX_AF_IPV6;

    if (!vx_ip_compare(&peering->peer, ip)) {
        return 3;
    }
    if (vx_peering_is_on_link(peering, ip)) {
        return 2;
    }
    return ip->family && vx_ip_is_link_local(ip)
           && (peering->families & family);
}

const struct vx_gw_entry *
vx_gw_peering_of(const struct vx_gw_entries *entries, const char *tenant,
                 const struct vx_ip *nexthop)
{
    const struct vx_gw_entry *best = NULL;
    char prefix[VX_NAME_MAX + 2];
    int most = 0;
    bool several = false;

    snprintf(prefix, sizeof prefix, "%.63s/", tenant);
    VX_GW_FOR_EACH(entry, entries, VX_GW_PEERING, prefix) {
        int how = fits(&entry->value->peering.value, nexthop);

        several = how && how == most ? true : how > most ? false : several;
        if (how > most) {
            most = how;
            best = entry;
        }
    }
    return several && most == 1 ? NULL : best;
}

/* --- All. */

/* What was looked for may be among what was not read. */
static bool
say_truncated(struct vx_error *err)
{
    const struct vx_error why = *err;

    return vx_fail(err, why.code, why.field, "%.150s; it has more communities "
                   "than are read (%d of a kind)", why.message, BG_MAX_EXT);
}

bool
vx_gw_hear(const struct vx_gw_entries *entries, const struct bg_nlri *nlri,
           const struct bg_attrs *attrs, struct vx_gw_heard *heard,
           size_t max, size_t *ret_n, struct vx_error *err)
{
    struct hearing h = {
        .entries = entries, .nlri = nlri, .attrs = attrs, .heard = heard,
        .max = max, .peering = vx_gw_marked_peering(entries, attrs),
    };
    bool ok;

    *ret_n = 0;
    if (!vx_gw_entries_gateway(entries)) {
        return vx_fail(err, VX_UNAVAILABLE, "", "the gateway's own record is "
                       "not told yet");
    }
    switch (nlri->family) {
    case BG_EVPN:
        if (!attrs->next_hop.family) {
            return vx_fail(err, VX_INVALID, "vtep", "it has no next hop");
        }
        ok = nlri->evpn.type == BG_EVPN_PREFIX ? hear_tenants(&h, err)
                                               : hear_networks(&h, err);
        break;
    case BG_FLOW4: case BG_FLOW6:
        ok = hear_flow(&h, err);
        break;
    case BG_VPNV4: case BG_VPNV6:
        return vx_fail(err, VX_INVALID, "family", "routes of VPNv4 and VPNv6 "
                       "need MPLS, which does not reach the hosts: peer by "
                       "EVPN, or in the tenant's VRF");
    case BG_IPV4: case BG_IPV6: case BG_N_FAMILIES:
    default:
        return vx_fail(err, VX_INVALID, "family", "not of a tenant");
    }
    *ret_n = h.n;
    return ok || (attrs->truncated && say_truncated(err));
}
