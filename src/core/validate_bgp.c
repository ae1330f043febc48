/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of gateways, of their BGP sessions (peerings of tenants, uplinks of
 * the fabric), and of route distinguishers and targets.  What is let through
 * here ends up in the configuration of FRR and in messages to peers, so text
 * is held to what can do no harm there. */
#include "core/validate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rt.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

enum {
    PATH_SIZE = 3 * VX_NAME_MAX + 4,
    HOLD_MIN = 3,               /* RFC 4271 4.2 */
    AS_TRANS = 23456,           /* RFC 6793 */
};

static const struct vx_gateway *
gateway_of(const struct vx_candidate *c)
{
    return (const void *) c->new;
}

static const struct vx_peering *
peering_of(const struct vx_candidate *c)
{
    return (const void *) c->new;
}

static bool
is_uplink(const struct vx_candidate *c)
{
    return c->new->kind == VX_UPLINK;
}

/* --- AS numbers, route distinguishers, route targets. */

/* RFC 7607, 6793, 7300. */
static bool
as_is_sane(uint32_t as, const char *field, struct vx_error *err)
{
    return (as && as != AS_TRANS && as != UINT16_MAX && as != UINT32_MAX)
           || vx_fail(err, VX_INVALID, field, "AS %u is reserved: use 1 to "
                      "65534 or 65536 to 4294967294, without 23456", as);
}

static bool
rd_is_sane(uint64_t rd, const char *field, struct vx_error *err)
{
    uint64_t type = rd >> 48;
    uint64_t administrator = type == 0 ? rd >> 32 & UINT16_MAX
                                       : rd >> 16 & UINT32_MAX;
    char text[VX_RT_STRLEN];

    return !rd || (type <= 2 && administrator)
           || vx_fail(err, VX_INVALID, field, "\"%s\" is no route "
                      "distinguisher: write AS:NUMBER or ADDRESS:NUMBER, "
                      "like 65001:100", vx_rd_format(rd, text));
}

bool
vx_validate_rts(const struct vx_candidate *c, const struct vx_rts *rts,
                const char *field, struct vx_error *err)
{
    char text[VX_RT_STRLEN];

    if (rts->n > VX_MAX_RTS) {
        return vx_fail(err, VX_INVALID, field, "%s \"%s\" has %zu route "
                       "targets, at most %d are allowed",
                       vx_kind_name(c->new->kind), c->new->name, rts->n,
                       VX_MAX_RTS);
    }
    for (size_t i = 0; i < rts->n; i++) {
        if (!vx_rt_is(rts->rts[i])) {
            return vx_fail(err, VX_INVALID, field, "%016" PRIx64 " is no "
                           "route target: write AS:NUMBER or "
                           "ADDRESS:NUMBER, like 65001:100", rts->rts[i]);
        }
        if (i && rts->rts[i - 1] >= rts->rts[i]) {
            return vx_fail(err, VX_INVALID, field, "route target %s of %s "
                           "\"%s\" is given twice",
                           vx_rt_format(rts->rts[i], text),
                           vx_kind_name(c->new->kind), c->new->name);
        }
    }
    return true;
}

bool
vx_validate_tenant_targets(const struct vx_candidate *c, const char *field,
                           struct vx_error *err)
{
    const struct vx_tenant *tenant = (const void *) c->new;
    const struct vx_rts imports = { tenant->imports, tenant->n_imports };
    const struct vx_rts exports = { tenant->exports, tenant->n_exports };

    return rd_is_sane(tenant->rd, field, err)
           && vx_validate_rts(c, &imports, "import_rts", err)
           && vx_validate_rts(c, &exports, "export_rts", err);
}

/* As its host has it, if it is not given; 0: not known yet. */
static uint32_t
router_id_of(const struct vx_candidate *c, const struct vx_gateway *gateway)
{
    const struct vx_ent *host = vx_model_ent_of(c->model, gateway->host,
                                                VX_HOST);
    const struct vx_ip *ip =
        gateway->router_id.family || !host
        ? &gateway->router_id : &((const struct vx_host *) host->obj)->vtep;

    return ip->family == 4 ? (uint32_t) vx_ip_to_u128(ip) : 0;
}

bool
vx_validate_rd_is_free(const struct vx_candidate *c, const char *field,
                       struct vx_error *err)
{
    const struct vx_tenant *tenant = (const void *) c->new;
    const struct vx_ent *other = vx_model_by_rd(c->model, tenant->rd);
    char text[VX_RT_STRLEN];

    if (!tenant->rd) {
        return true;
    }
    if (other && other != c->self) {
        return vx_fail(err, VX_EXISTS, field, "RD %s already belongs to "
                       "tenant \"%s\": their routes would be taken for the "
                       "same; use another, or leave it out",
                       vx_rd_format(tenant->rd, text), other->obj->name);
    }
    /* Gateways are few.  One that comes later, whose own this is, announces
     * the first of the two tenants' routes only, and says so. */
    VX_TREE_FOR_EACH(node, &c->model->by_name[VX_GATEWAY]) {
        const struct vx_gateway *gateway = (const void *)
            VX_CONTAINER(node, struct vx_ent, by_name)->obj;
        uint32_t vni = vx_rd_auto_vni(tenant->rd, gateway->as,
                                      router_id_of(c, gateway));

        if (vni && vni != tenant->router_vni) {
            return vx_fail(err, VX_INVALID, field, "RD %s is what gateway "
                           "\"%s\" gives the tenant whose router has VNI %u: "
                           "use another, or leave it out",
                           vx_rd_format(tenant->rd, text), gateway->o.name,
                           vni);
        }
    }
    return true;
}

/* --- Gateways by themselves. */

static bool
gateway_as(const struct vx_candidate *c, const char *field,
           struct vx_error *err)
{
    return !gateway_of(c)->as || as_is_sane(gateway_of(c)->as, field, err);
}

static bool
gateway_router_id(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    const struct vx_ip *ip = &gateway_of(c)->router_id;
    char text[VX_IP_STRLEN];

    return !ip->family
           || (ip->family == 4 && vx_is_address(ip) && vx_ip_is_host(ip))
           || vx_fail(err, VX_INVALID, field, "%s cannot be the router id of "
                      "gateway \"%s\": it is written as a unicast IPv4 "
                      "address", vx_ip_format(ip, text), c->new->name);
}

static const struct vx_rule gateway_rules[] = {
    { "an AS is one that may be used", "as", gateway_as },
    { "a router id looks like an IPv4 address", "router_id",
      gateway_router_id },
};

/* --- Sessions by themselves. */

static bool
peer_is_unicast(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    const struct vx_ip *peer = &peering_of(c)->peer;
    char ip[VX_IP_STRLEN];

    if (!peer->family) {
        return vx_fail(err, VX_INVALID, field, "%s \"%s\" needs the address "
                       "of the peer", vx_kind_name(c->new->kind),
                       c->new->name);
    }
    return (vx_is_address(peer) && vx_ip_is_host(peer)
            && !(peer->family == 6 && vx_ip_is_link_local(peer)))
           || vx_fail(err, VX_INVALID, field, "%s cannot be the peer of %s "
                      "\"%s\": it must be a unicast address, not "
                      "link-local", vx_ip_format(peer, ip),
                      vx_kind_name(c->new->kind), c->new->name);
}

static bool
peer_as(const struct vx_candidate *c, const char *field,
        struct vx_error *err)
{
    const struct vx_peering *peering = peering_of(c);

    return as_is_sane(peering->peer_as, field, err)
           && (!peering->local_as
               || as_is_sane(peering->local_as, "local_as", err));
}

static bool
families(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    uint8_t has = peering_of(c)->families;
    uint8_t mine = is_uplink(c) ? VX_AF_OF_FABRIC : VX_AF_OF_TENANT;

    if (!has) {
        return vx_fail(err, VX_INVALID, field, "%s \"%s\" has no address "
                       "family: give %s", vx_kind_name(c->new->kind),
                       c->new->name, is_uplink(c)
                       ? "one or more of vpnv4, vpnv6, evpn, flowspec"
                       : "ipv4, ipv6, or both");
    }
    return !(has & ~mine)
           || vx_fail(err, VX_INVALID, field, is_uplink(c)
                      ? "peering \"%s\" of the fabric carries vpnv4, vpnv6, "
                      "evpn, flowspec: ipv4 and ipv6 are of one tenant; add "
                      "a peering of that tenant for them (TENANT/NAME)"
                      : "peering \"%s\" of a tenant carries ipv4 and ipv6: "
                      "vpnv4, vpnv6, evpn and flowspec are of the fabric; "
                      "add a peering without a tenant for them",
                      c->new->name);
}

static bool
hold_time(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    uint16_t hold = peering_of(c)->hold_s;

    return !hold || hold >= HOLD_MIN
           || vx_fail(err, VX_INVALID, field, "a hold time of %u s is too "
                      "short: use %d to 65535", hold, HOLD_MIN);
}

/* It stands in a line of FRR's configuration: no blanks. */
static bool
password(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const char *s = peering_of(c)->password;

    return (vx_text_is_printable(s, VX_PASSWORD_MAX) && !strchr(s, ' '))
           || vx_fail(err, VX_INVALID, field, "the password of %s \"%s\" must "
                      "be at most %d printable ASCII characters without "
                      "blanks", vx_kind_name(c->new->kind), c->new->name,
                      VX_PASSWORD_MAX);
}

static bool
communities(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);

    if (p->n_communities > VX_PEERING_MAX_COMMUNITIES) {
        return vx_fail(err, VX_INVALID, field, "%zu communities, at most %d "
                       "are allowed", p->n_communities,
                       VX_PEERING_MAX_COMMUNITIES);
    }
    for (size_t i = 1; i < p->n_communities; i++) {
        if (p->communities[i - 1] >= p->communities[i]) {
            return vx_fail(err, VX_INVALID, field, "community %u:%u is given "
                           "twice", p->communities[i] >> 16,
                           p->communities[i] & 0xffff);
        }
    }
    return true;
}

static bool
prefix_limit(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    return peering_of(c)->prefix_limit <= VX_PREFIX_LIMIT_MAX
           || vx_fail(err, VX_INVALID, field, "a limit of %u prefixes is out "
                      "of range: use 1 to %d", peering_of(c)->prefix_limit,
                      VX_PREFIX_LIMIT_MAX);
}

static bool
filter_is_sane(const struct vx_prefix *prefixes, size_t n, const char *field,
               struct vx_error *err)
{
    char cidr[VX_PREFIX_STRLEN];

    if (n > VX_PEERING_MAX_FILTERS) {
        return vx_fail(err, VX_INVALID, field, "%zu prefixes, at most %d are "
                       "allowed", n, VX_PEERING_MAX_FILTERS);
    }
    for (size_t i = 0; i < n; i++) {
        struct vx_prefix parsed;

        if (!vx_is_address(&prefixes[i].ip)
            || prefixes[i].length > vx_ip_bits(&prefixes[i].ip)
            || !vx_prefix_parse(vx_prefix_format(&prefixes[i], cidr),
                                &parsed)) {
            return vx_fail(err, VX_INVALID, field, "prefix %zu of the filter "
                           "is none: write ADDRESS/LENGTH without host bits",
                           i + 1);
        }
        if (i && vx_prefix_compare(&prefixes[i - 1], &prefixes[i]) >= 0) {
            return vx_fail(err, VX_INVALID, field, "%s is given twice", cidr);
        }
    }
    return true;
}

static bool
filters(const struct vx_candidate *c, const char *field,
        struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);

    if (is_uplink(c) && (p->n_imports || p->n_exports)) {
        return vx_fail(err, VX_INVALID, p->n_imports ? field : "export",
                       "peering \"%s\" of the fabric has no filter of "
                       "prefixes: what it carries is chosen by route "
                       "targets; filters are for peerings of a tenant",
                       c->new->name);
    }
    return filter_is_sane(p->imports, p->n_imports, field, err)
           && filter_is_sane(p->exports, p->n_exports, "export", err);
}

static bool
uplink_only(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);
    char ip[VX_IP_STRLEN];

    if (!is_uplink(c)) {
        return (!p->source.family && !p->flowspec_in)
               || vx_fail(err, VX_INVALID, p->source.family ? field
                          : "flowspec_in", "peering \"%s\" is a tenant's: "
                          "\"%s\" is for peerings of the fabric, which have "
                          "no tenant", c->new->name, p->source.family
                          ? field : "flowspec_in");
    }
    if (p->readvertise) {
        return vx_fail(err, VX_INVALID, "readvertise", "peering \"%s\" is of "
                       "the fabric: \"readvertise\" is for what a tenant's "
                       "peering learns", c->new->name);
    }
    if (p->flowspec_in && !(p->families & VX_AF_FLOWSPEC)) {
        return vx_fail(err, VX_INVALID, "flowspec_in", "peering \"%s\" is to "
                       "take FlowSpec and does not have that family: add "
                       "\"flowspec\" to its families", c->new->name);
    }
    return !p->source.family
           || (vx_is_address(&p->source) && vx_ip_is_host(&p->source)
               && p->source.family == p->peer.family
               && vx_ip_compare(&p->source, &p->peer))
           || vx_fail(err, VX_INVALID, field, "%s cannot be the source "
                      "address of peering \"%s\": it must be the gateway's "
                      "own, of the peer's family",
                      vx_ip_format(&p->source, ip), c->new->name);
}

/* --- Where the peer of a tenant is. */

/* The first characters of names that FRR, the shell and the kernel take for
 * nothing else; what the gateway makes for itself is not to be taken away. */
static bool
device_name(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    static const char *const taken[] = {
        "lo", "leg", ".", "..", "all", "default", "br-tenant", "br-fabric",
    };
    const char *s = peering_of(c)->device;
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                         "0123456789._@-");
    bool ok = !s[n] && n <= VX_DEVICE_MAX && s[0] != '-';

    for (size_t i = 0; ok && i < N_ELEMS(taken); i++) {
        ok = strcmp(s, taken[i]) != 0;
    }
    if (ok && !strncmp(s, "vl", 2) && n > 2) {
        ok = s[2 + strspn(s + 2, "0123456789")] != '\0';
    }
    return ok
           || vx_fail(err, VX_INVALID, field, "\"%.40s\" cannot be the device "
                      "of peering \"%s\": give the name of an interface of "
                      "the gateway, of at most %d letters, digits, '.', '_', "
                      "'@' and '-', that is the tenant's alone", s,
                      c->new->name, VX_DEVICE_MAX);
}

static bool
local_is_sane(const struct vx_candidate *c, const struct vx_prefix *local,
              const char *field, struct vx_error *err)
{
    struct vx_prefix net;
    char text[VX_PREFIX_STRLEN];

    if (!vx_is_address(&local->ip) || !vx_ip_is_host(&local->ip)
        || local->length > vx_ip_bits(&local->ip) || local->length < 8
        || (local->ip.family == 6 && vx_ip_is_link_local(&local->ip))) {
        return vx_fail(err, VX_INVALID, field, "an address of the device of "
                       "peering \"%s\" is none: write ADDRESS/LENGTH, like "
                       "172.16.1.1/30", c->new->name);
    }
    net = vx_prefix_network(local);
    vx_prefix_format(local, text);
    if (!vx_prefix_is_usable(&net, &local->ip)) {
        return vx_fail(err, VX_INVALID, field, "%s is the address of the "
                       "network itself, or its broadcast address", text);
    }
    return !vx_meets_router(&net)
           || vx_fail(err, VX_INVALID, field, "%s meets %s, where the "
                      "tenant's router meets its gateways: choose another",
                      text, net.ip.family == 4 ? VX_ROUTER_SUBNET4
                                               : VX_ROUTER_SUBNET6);
}

static bool
locals(const struct vx_candidate *c, const char *field, struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);

    if (is_uplink(c)) {
        return (!p->n_locals && !p->device[0])
               || vx_fail(err, VX_INVALID, p->device[0] ? "device" : field,
                          "peering \"%s\" is the fabric's: it uses the "
                          "addresses that the gateway has; \"device\" and "
                          "\"local\" are for peerings of a tenant "
                          "(TENANT/NAME)", c->new->name);
    }
    if (p->n_locals > VX_PEERING_MAX_LOCALS) {
        return vx_fail(err, VX_INVALID, field, "%zu addresses of a device, "
                       "at most %d are allowed", p->n_locals,
                       VX_PEERING_MAX_LOCALS);
    }
    if (!p->device[0] != !p->n_locals) {
        return vx_fail(err, VX_INVALID, p->n_locals ? "device" : field,
                       "peering \"%s\" has %s: a device and its addresses "
                       "go together; leave both out if the peer is behind "
                       "the device of another peering", c->new->name,
                       p->n_locals ? "addresses and no device"
                                   : "a device without addresses");
    }
    for (size_t i = 0; i < p->n_locals; i++) {
        if (!local_is_sane(c, &p->locals[i], field, err)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (!vx_ip_compare(&p->locals[j].ip, &p->locals[i].ip)) {
                return vx_fail(err, VX_INVALID, field, "an address of the "
                               "device of peering \"%s\" is given twice",
                               c->new->name);
            }
        }
    }
    return true;
}

static bool
peer_is_no_local(const struct vx_candidate *c, const char *field,
                 struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);
    bool same_family = !p->n_locals;
    char ip[VX_IP_STRLEN];

    vx_ip_format(&p->peer, ip);
    for (size_t i = 0; i < p->n_locals; i++) {
        same_family |= p->locals[i].ip.family == p->peer.family;
        if (!vx_ip_compare(&p->locals[i].ip, &p->peer)) {
            return vx_fail(err, VX_INVALID, field, "%s is an address of the "
                           "device of peering \"%s\" itself: give that of "
                           "the peer", ip, c->new->name);
        }
    }
    if (!same_family) {
        return vx_fail(err, VX_INVALID, "local", "peer %s of peering "
                       "\"%s\" is IPv%u, and the device has no such "
                       "address: give one", ip, c->new->name,
                       p->peer.family);
    }
    return is_uplink(c) || !p->device[0] || p->multihop
           || vx_peering_is_on_link(p, &p->peer)
           || vx_fail(err, VX_INVALID, field, "peer %s of peering \"%s\" is "
                      "not on the link of its device: give a \"local\" of "
                      "the peer's prefix, or \"multihop\"", ip,
                      c->new->name);
}

static const struct vx_rule session_rules[] = {
    { "a peer is a unicast address", "peer", peer_is_unicast },
    { "AS numbers are ones that may be used", "peer_as", peer_as },
    { "address families are those of the kind", "families", families },
    { "a hold time is long enough", "hold", hold_time },
    { "a password fits into a line", "password", password },
    { "communities are few and distinct", "communities", communities },
    { "a prefix limit is in range", "prefix_limit", prefix_limit },
    { "filters are prefixes", "import", filters },
    { "what is the fabric's is not a tenant's", "source", uplink_only },
    { "a device has a name that is free to use", "device", device_name },
    { "a device has addresses", "local", locals },
    { "a peer is where the session can reach it", "peer",
      peer_is_no_local },
};

bool
vx_validate_bgp_value(const struct vx_candidate *c, struct vx_error *err)
{
    return c->new->kind == VX_GATEWAY
           ? vx_rules_hold(gateway_rules, N_ELEMS(gateway_rules), c, err)
           : vx_rules_hold(session_rules, N_ELEMS(session_rules), c, err);
}

/* --- Gateways among the others. */

static bool
gateway_host(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    uint64_t oid = gateway_of(c)->host;
    const struct vx_ent *ent = vx_model_ent_of(c->model, oid, VX_HOST);
    const struct vx_host *host = ent ? (const void *) ent->obj : NULL;
    const struct vx_gateway *other = vx_model_gateway_of_host(c->model, oid);

    if (!host || host->external) {
        return vx_fail(err, VX_NOT_FOUND, field, "the host of gateway \"%s\" "
                       "%s", c->new->name, host ? "is of another fabric"
                       : "does not exist");
    }
    return !other || other->o.oid == c->new->oid
           || vx_fail(err, VX_EXISTS, field, "host \"%s\" already is that of "
                      "gateway \"%s\": a host runs one; use another host, or "
                      "delete that gateway", host->o.name, other->o.name);
}

/* Without one of its own it has the VTEP's, if that is IPv4. */
static bool
has_router_id(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_gateway *gateway = gateway_of(c);
    const struct vx_host *host = (const void *)
        vx_model_by_oid(c->model, gateway->host);

    return c->loading || gateway->router_id.family || host->vtep.family != 6
           || vx_fail(err, VX_INVALID, field, "gateway \"%s\" needs a router "
                      "id, because the VTEP of host \"%s\" is IPv6: give one "
                      "that looks like an IPv4 address and is unique",
                      c->new->name, host->o.name);
}

/* Gateways are few. */
static bool
router_id_is_free(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    const struct vx_ip *ip = &gateway_of(c)->router_id;
    char text[VX_IP_STRLEN];

    VX_TREE_FOR_EACH(node, &c->model->by_name[VX_GATEWAY]) {
        const struct vx_gateway *other = (const void *)
            VX_CONTAINER(node, struct vx_ent, by_name)->obj;

        if (ip->family && other->o.oid != c->new->oid
            && !vx_ip_compare(&other->router_id, ip)) {
            return vx_fail(err, VX_EXISTS, field, "router id %s already "
                           "belongs to gateway \"%s\": use another, or leave "
                           "it out to have the host's VTEP",
                           vx_ip_format(ip, text), other->o.name);
        }
    }
    return true;
}

static const struct vx_rule gateway_place_rules[] = {
    { "a host runs one gateway", "host", gateway_host },
    { "a gateway has a router id", "router_id", has_router_id },
    { "a router id is used once", "router_id", router_id_is_free },
};

/* --- Sessions among the others. */

static bool
session_gateway(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    return vx_model_ent_of(c->model, peering_of(c)->gateway, VX_GATEWAY)
           || vx_fail(err, VX_NOT_FOUND, field, "the gateway of %s \"%s\" "
                      "does not exist", vx_kind_name(c->new->kind),
                      c->new->name);
}

static bool
peering_count(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    return c->self || is_uplink(c)
           || vx_tenant_ent(c->parent)->peerings.count
                  < VX_TENANT_MAX_PEERINGS
           || vx_fail(err, VX_EXHAUSTED, field, "tenant \"%s\" already has %d "
                      "peerings, which is the most", c->parent->obj->name,
                      VX_TENANT_MAX_PEERINGS);
}

static bool
session_is_one(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);
    const struct vx_ent *other = vx_model_session(c->model, p);
    char ip[VX_IP_STRLEN];

    return !other || other == c->self
           || vx_fail(err, VX_EXISTS, field, "gateway \"%s\" already has a "
                      "session with %s for peering \"%s\": two speakers have "
                      "one; change that peering",
                      vx_model_by_oid(c->model, p->gateway)->name,
                      vx_ip_format(&p->peer, ip), other->obj->name);
}

static bool
device_is_free(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);
    const struct vx_ent *other = p->device[0]
        ? vx_model_device(c->model, p) : NULL;
    char path[PATH_SIZE];

    return !other || other == c->self
           || vx_fail(err, VX_EXISTS, field, "device \"%s\" of gateway \"%s\" "
                      "already belongs to peering \"%s\": %s", p->device,
                      vx_model_by_oid(c->model, p->gateway)->name,
                      vx_model_path(c->model, other->obj, path, sizeof path),
                      other->parent == c->parent ? "leave it out, the "
                      "tenant's peerings use it together"
                      : "a device is in one tenant's VRF; use another");
}

/* The peer's address is that of an IPv4 link as a whole: nobody answers. */
static bool
is_no_machine(const struct vx_peering *device, const struct vx_ip *peer)
{
    for (size_t i = 0; i < device->n_locals; i++) {
        struct vx_prefix net = vx_prefix_network(&device->locals[i]);

        if (net.ip.family == 4 && vx_prefix_contains(&net, peer)
            && !vx_prefix_is_usable(&net, peer)) {
            return true;
        }
    }
    return false;
}

/* On the link of this peering's device, or of another's. */
static bool
peer_is_a_machine(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);
    const struct vx_peering *on = is_no_machine(p, &p->peer) ? p : NULL;
    char ip[VX_IP_STRLEN];

    if (is_uplink(c) || c->loading) {
        return true;
    }
    VX_TREE_FOR_EACH(node, &vx_tenant_ent(c->parent)->peerings) {
        const struct vx_peering *other = (const void *)
            VX_CONTAINER(node, struct vx_ent, by_name)->obj;

        if (!on && other->gateway == p->gateway
            && other->o.oid != c->new->oid
            && is_no_machine(other, &p->peer)) {
            on = other;
        }
    }
    return !on
           || vx_fail(err, VX_INVALID, field, "peer %s of peering \"%s\" is "
                      "the network or broadcast address of the link of "
                      "device \"%s\": give the address of the machine there",
                      vx_ip_format(&p->peer, ip), c->new->name, on->device);
}

/* bgpd has no session with itself. */
static bool
peer_is_another(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);
    const struct vx_prefix host = {
        .ip = p->peer, .length = (uint8_t) vx_ip_bits(&p->peer),
    };
    char ip[VX_IP_STRLEN];

    if (is_uplink(c) || c->loading) {
        return true;
    }
    if (vx_meets_router(&host)) {
        return vx_fail(err, VX_INVALID, field, "peer %s of peering \"%s\" is "
                       "of the network between routers and gateways: give "
                       "the address of another machine",
                       vx_ip_format(&p->peer, ip), c->new->name);
    }
    VX_TREE_FOR_EACH(node, &vx_tenant_ent(c->parent)->peerings) {
        const struct vx_peering *other = (const void *)
            VX_CONTAINER(node, struct vx_ent, by_name)->obj;

        for (size_t i = 0; other->gateway == p->gateway
                           && i < other->n_locals; i++) {
            if (!vx_ip_compare(&other->locals[i].ip, &p->peer)) {
                return vx_fail(err, VX_INVALID, field, "peer %s of peering "
                               "\"%s\" is the gateway's own address, on the "
                               "device of peering \"%s\": give that of the "
                               "peer", vx_ip_format(&p->peer, ip),
                               c->new->name, other->o.name);
            }
        }
    }
    return true;
}

/* Without a device of its own the peer is on the link of another's. */
static bool
peer_is_reachable(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    const struct vx_peering *p = peering_of(c);
    char ip[VX_IP_STRLEN];

    if (is_uplink(c) || c->loading || c->self || p->device[0]
        || p->multihop) {
        return true;
    }
    VX_TREE_FOR_EACH(node, &vx_tenant_ent(c->parent)->peerings) {
        const struct vx_peering *other = (const void *)
            VX_CONTAINER(node, struct vx_ent, by_name)->obj;

        if (other->gateway == p->gateway
            && vx_peering_is_on_link(other, &p->peer)) {
            return true;
        }
    }
    return vx_fail(err, VX_INVALID, field, "peer %s of peering \"%s\" is not "
                   "on the link of any device that tenant \"%s\" has at the "
                   "gateway: give \"device\" and \"local\", or "
                   "\"multihop\"", vx_ip_format(&p->peer, ip), c->new->name,
                   c->parent->obj->name);
}

static const struct vx_rule session_place_rules[] = {
    { "the gateway exists", "gateway", session_gateway },
    { "a tenant has a bounded number of peerings", "name", peering_count },
    { "a gateway has one session with a peer", "peer", session_is_one },
    { "a device is in one VRF", "device", device_is_free },
    { "a peer is another machine", "peer", peer_is_another },
    { "a peer is a machine", "peer", peer_is_a_machine },
    { "a peer is on a link, or hops away", "peer", peer_is_reachable },
};

bool
vx_validate_bgp_place(const struct vx_candidate *c, struct vx_error *err)
{
    return c->new->kind == VX_GATEWAY
           ? vx_rules_hold(gateway_place_rules, N_ELEMS(gateway_place_rules),
                           c, err)
           : vx_rules_hold(session_place_rules, N_ELEMS(session_place_rules),
                           c, err);
}
