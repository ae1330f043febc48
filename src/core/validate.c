/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that an object holds by itself, whatever else there is. */
#include "core/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

enum { SYSTEM_ID_MAX = 255 };

/* --- Pieces. */

static bool
is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z');
}

bool
vx_name_is_valid(const char *name)
{
    size_t n = 0;

    if (!is_alnum(name[0])) {
        return false;
    }
    while (is_alnum(name[n])
           || (name[n] && strchr("._-", name[n]))) {
        if (++n > VX_NAME_MAX) {
            return false;
        }
    }
    return !name[n];
}

bool
vx_text_is_printable(const char *s, size_t max)
{
    size_t n = 0;

    while (s[n] >= 0x20 && s[n] <= 0x7e) {
        if (++n > max) {
            return false;
        }
    }
    return !s[n];
}

/* Length of the UTF-8 sequence at s, 0 if it is none (RFC 3629: shortest
 * form, no surrogates, up to U+10FFFF). */
static size_t
utf8_length(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
               : (s[0] & 0xf0) == 0xe0 ? 3
               : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;

    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)
        || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) {
        return 0;
    }
    return n;
}

static bool
is_text(const char *s, size_t max)
{
    size_t used = 0;

    while (s[used]) {
        size_t n = utf8_length((const unsigned char *) s + used);

        used += n;
        if (!n || used > max || (unsigned char) s[used - n] < 0x20
            || s[used - n] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Family 4 or 6, nothing behind the four bytes of an IPv4 address. */
bool
vx_is_address(const struct vx_ip *ip)
{
    static const uint8_t zero[12];

    return ip->family == 6
           || (ip->family == 4 && !memcmp(ip->b + 4, zero, sizeof zero));
}

static bool
is_none(const struct vx_ip *ip)
{
    return !ip->family;
}

bool
vx_prefix_is_tiny(const struct vx_prefix *prefix)
{
    return prefix->length + 1u >= vx_ip_bits(&prefix->ip);
}

bool
vx_meets_router(const struct vx_prefix *prefix)
{
    static const char *const own[] = { VX_ROUTER_SUBNET4, VX_ROUTER_SUBNET6 };
    struct vx_prefix p;

    for (size_t i = 0; i < N_ELEMS(own); i++) {
        if (vx_prefix_parse(own[i], &p) && vx_prefix_overlaps(&p, prefix)) {
            return true;
        }
    }
    return false;
}

struct vx_ip
vx_prefix_first_usable(const struct vx_prefix *prefix)
{
    return vx_prefix_is_tiny(prefix) ? prefix->ip
        : vx_ip_from_u128(vx_ip_to_u128(&prefix->ip) + 1, prefix->ip.family);
}

struct vx_ip
vx_prefix_last_usable(const struct vx_prefix *prefix)
{
    struct vx_ip last = vx_prefix_last(prefix);

    return vx_prefix_is_tiny(prefix) || last.family == 6 ? last
        : vx_ip_from_u128(vx_ip_to_u128(&last) - 1, last.family);
}

bool
vx_prefix_is_usable(const struct vx_prefix *prefix, const struct vx_ip *ip)
{
    struct vx_ip first = vx_prefix_first_usable(prefix);
    struct vx_ip last = vx_prefix_last_usable(prefix);

    return vx_ip_compare(ip, &first) >= 0 && vx_ip_compare(ip, &last) <= 0;
}

/* --- Rules of all kinds. */

/* Names of the controller's own begin with '_'. */
static bool
has_name(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const char *name = c->new->name;
    bool own = c->new->origin == VX_BY_SYSTEM && name[0] == '_';

    return vx_name_is_valid(name + own)
           || vx_fail(err, VX_INVALID, field, "\"%.80s\" is no name of a %s: "
                      "use 1 to %d letters, digits, '.', '_' or '-', the "
                      "first a letter or digit", c->new->name,
                      vx_kind_name(c->new->kind), VX_NAME_MAX);
}

static bool
has_description(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    return is_text(c->new->description, VX_DESCRIPTION_MAX)
           || vx_fail(err, VX_INVALID, field, "the description of %s \"%s\" "
                      "must be UTF-8 of at most %d bytes, without control "
                      "characters",
                      vx_kind_name(c->new->kind), c->new->name,
                      VX_DESCRIPTION_MAX);
}

/* An object of another origin than operators can be of few kinds. */
static bool
has_origin(const struct vx_candidate *c, const char *field,
           struct vx_error *err)
{
    static const unsigned kinds[] = {
        [VX_BY_SYSTEM] = 1u << VX_NETWORK | 1u << VX_SUBNET | 1u << VX_PORT
                         | 1u << VX_HOST,
        [VX_BY_BGP] = 1u << VX_HOST | 1u << VX_PORT | 1u << VX_ROUTE
                      | 1u << VX_POLICY,
    };
    enum vx_origin origin = c->new->origin;

    return origin == VX_BY_OPERATOR
           || (origin <= VX_BY_BGP && kinds[origin] >> c->new->kind & 1)
           || vx_fail(err, VX_INVALID, field, "%s \"%.80s\" can only be an "
                      "operator's", vx_kind_name(c->new->kind),
                      c->new->name);
}

#define COMMON_RULES                                              \
    { "a name is well-formed", "name", has_name },                \
    { "a description is text", "description", has_description },  \
    { "an origin fits the kind", "origin", has_origin }

/* --- Rates. */

static bool
kbps_in_range(uint32_t kbps, const char *field, struct vx_error *err)
{
    return kbps <= VX_RATE_KBPS_MAX
           || vx_fail(err, VX_INVALID, field, "%u kbit/s is out of range: "
                      "use up to %d, or 0 for no limit", kbps,
                      VX_RATE_KBPS_MAX);
}

static bool
pps_in_range(uint32_t pps, const char *field, struct vx_error *err)
{
    return pps <= VX_RATE_PPS_MAX
           || vx_fail(err, VX_INVALID, field, "%u packets/s is out of range: "
                      "use up to %d, or 0 for no limit", pps,
                      VX_RATE_PPS_MAX);
}

/* --- Zones. */

static bool
zone_num(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_zone *zone = (const void *) c->new;

    return (zone->num ? zone->num <= VX_ZONE_NUM_MAX : !c->loading)
           || vx_fail(err, VX_INVALID, field, "number %u of zone \"%s\" is "
                      "out of range", zone->num, zone->o.name);
}

static bool
zone_path(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    const struct vx_zone *zone = (const void *) c->new;

    return zone->path == VX_PATH_DIRECT || zone->path == VX_PATH_BORDER
           || vx_fail(err, VX_INVALID, field, "the path of zone \"%s\" to "
                      "other zones is \"direct\" or \"border\"",
                      zone->o.name);
}

static bool
zone_borders(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    const struct vx_zone *zone = (const void *) c->new;

    if (zone->n_borders > VX_ZONE_MAX_BORDERS) {
        return vx_fail(err, VX_INVALID, field, "zone \"%s\" has %zu border "
                       "hosts, at most %d are allowed", zone->o.name,
                       zone->n_borders, VX_ZONE_MAX_BORDERS);
    }
    for (size_t i = 1; i < zone->n_borders; i++) {
        if (zone->borders[i - 1] >= zone->borders[i]) {
            const struct vx_obj *host =
                vx_model_by_oid(c->model, zone->borders[i]);

            return vx_fail(err, VX_INVALID, field, "host \"%s\" is given "
                           "twice for the border of zone \"%s\"",
                           host ? host->name : "?", zone->o.name);
        }
    }
    return true;
}

static bool
zone_budget(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    return kbps_in_range(((const struct vx_zone *) (const void *)
                          c->new)->budget_kbps, field, err);
}

static const struct vx_rule zone_rules[] = {
    COMMON_RULES,
    { "a zone number is in range", "num", zone_num },
    { "a zone has a path to the others", "path", zone_path },
    { "border hosts are few and distinct", "border_hosts", zone_borders },
    { "a zone's budget is in range", "budget_kbps", zone_budget },
};

/* --- Hosts. */

static bool
host_system_id(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;

    return vx_text_is_printable(host->system_id, SYSTEM_ID_MAX)
           || vx_fail(err, VX_INVALID, field, "system-id of host \"%s\" must "
                      "be at most %d printable ASCII characters",
                      host->o.name, SYSTEM_ID_MAX);
}

static bool
host_vtep(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;
    char ip[VX_IP_STRLEN];

    if (is_none(&host->vtep)) {
        return true;
    }
    if (!vx_is_address(&host->vtep) || !vx_ip_is_host(&host->vtep)
        || (host->vtep.family == 6 && vx_ip_is_link_local(&host->vtep))) {
        return vx_fail(err, VX_INVALID, field, "%s cannot be the VTEP of host "
                       "\"%s\": it must be a unicast address that the other "
                       "hosts can reach", vx_ip_format(&host->vtep, ip),
                       host->o.name);
    }
    return true;
}

static bool
host_mtu(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;
    int min = VX_MTU_MIN + vx_host_overhead(host);

    return !host->mtu || host->mtu >= min
           || vx_fail(err, VX_INVALID, field, "underlay MTU %u of host "
                      "\"%s\" is too small: VXLAN needs at least %d",
                      host->mtu, host->o.name, min);
}

static bool
host_datapath(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;

    return !host->datapath[0] || !strcmp(host->datapath, "netdev")
           || !strcmp(host->datapath, "system")
           || vx_fail(err, VX_INVALID, field, "datapath of host \"%s\" is "
                      "\"netdev\" or \"system\", not \"%.40s\"", host->o.name,
                      host->datapath);
}

/* VTEPs of other fabrics come in by EVPN, and have nothing else. */
static bool
host_external(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_host *host = (const void *) c->new;

    if (host->external != (host->o.origin != VX_BY_OPERATOR)) {
        return vx_fail(err, VX_INVALID, field, "host \"%s\" %s", host->o.name,
                       host->external ? "is of another fabric: those are "
                       "learned by EVPN" : "was learned and is of no other "
                       "fabric");
    }
    return !host->external
           || (host->vtep.family && !host->stranger && !host->draining
               && !host->mtu && !host->system_id[0] && !host->datapath[0])
           || vx_fail(err, VX_INVALID, field, "host \"%s\" of another fabric "
                      "has a VTEP and nothing else", host->o.name);
}

static const struct vx_rule host_rules[] = {
    COMMON_RULES,
    { "hosts of other fabrics are VTEPs only", "external", host_external },
    { "a system-id is printable", "system_id", host_system_id },
    { "a VTEP is a reachable unicast address", "vtep", host_vtep },
    { "an underlay MTU can carry VXLAN", "mtu", host_mtu },
    { "a datapath is one that OVS has", "datapath", host_datapath },
};

/* --- Tenants and networks. */

static bool
vni_in_range(uint32_t vni, const char *field, struct vx_error *err)
{
    return vni <= VX_VNI_MAX
           || vx_fail(err, VX_INVALID, field, "VNI %u is out of range: use "
                      "%d to %d, or leave it out to have one allocated", vni,
                      VX_VNI_MIN, VX_VNI_MAX);
}

static bool
tenant_router_vni(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    return vni_in_range(((const struct vx_tenant *) (const void *)
                         c->new)->router_vni, field, err);
}

static bool
tenant_budget(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_tenant *tenant = (const void *) c->new;

    if (c->loading && tenant->budget_kbps && !tenant->router_vni) {
        return vx_fail(err, VX_INVALID, field, "tenant \"%s\" has a budget "
                       "and no router", tenant->o.name);
    }
    return kbps_in_range(tenant->budget_kbps, field, err);
}

static bool
network_vni(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_network *network = (const void *) c->new;

    if (c->loading && !network->vni) {
        return vx_fail(err, VX_INVALID, field, "network \"%s\" has no VNI",
                       network->o.name);
    }
    return vni_in_range(network->vni, field, err);
}

static bool
network_mtu(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_network *network = (const void *) c->new;

    return (network->mtu >= VX_MTU_MIN && network->mtu <= VX_MTU_MAX)
           || vx_fail(err, VX_INVALID, field, "MTU %u of network \"%s\" is "
                      "out of range: use %d to %d", network->mtu,
                      network->o.name, VX_MTU_MIN, VX_MTU_MAX);
}

static bool
network_path(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    const struct vx_network *network = (const void *) c->new;

    return network->path <= VX_PATH_BORDER
           || vx_fail(err, VX_INVALID, field, "the path of network \"%s\" to "
                      "other zones is \"direct\", \"border\", or null for "
                      "what the zone says", network->o.name);
}

static bool
network_bum(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    return pps_in_range(((const struct vx_network *) (const void *)
                         c->new)->bum_pps, field, err);
}

static bool
network_router(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_network *network = (const void *) c->new;

    return vx_network_is_router(network)
               == !strcmp(network->o.name, VX_ROUTER_NETWORK)
           || vx_fail(err, VX_INVALID, field, "the router network of a tenant "
                      "is named \"" VX_ROUTER_NETWORK "\", and no other is");
}

static bool
network_targets(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    const struct vx_network *network = (const void *) c->new;
    const struct vx_rts rts = { network->rts, network->n_rts };

    return vx_validate_rts(c, &rts, field, err);
}

static const struct vx_rule tenant_rules[] = {
    COMMON_RULES,
    { "RD and route targets are well-formed", "rd",
      vx_validate_tenant_targets },
    { "a router VNI has 24 bits", "router_vni", tenant_router_vni },
    { "a tenant's budget is in range", "budget_kbps", tenant_budget },
};

static const struct vx_rule network_rules[] = {
    COMMON_RULES,
    { "the router's network has its name to itself", "name",
      network_router },
    { "route targets are well-formed", "rts", network_targets },
    { "a VNI has 24 bits", "vni", network_vni },
    { "an MTU is in range", "mtu", network_mtu },
    { "a path is known", "path", network_path },
    { "a BUM rate is in range", "bum_pps", network_bum },
};

/* --- Subnets. */

static bool
subnet_name(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;
    struct vx_prefix prefix;
    char cidr[VX_PREFIX_STRLEN];

    if (!vx_prefix_parse(subnet->o.name, &prefix)) {
        return vx_fail(err, VX_INVALID, field, "\"%.80s\" is no subnet: write "
                       "ADDRESS/LENGTH without host bits, like 10.0.0.0/24 "
                       "or fd00:1::/64", subnet->o.name);
    }
    if (vx_prefix_compare(&prefix, &subnet->prefix)
        || strcmp(vx_prefix_format(&prefix, cidr), subnet->o.name)) {
        return vx_fail(err, VX_INVALID, field, "subnet \"%s\" is not written "
                       "canonically: %s", subnet->o.name, cidr);
    }
    return true;
}

static bool
subnet_is_unicast(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    static const struct {
        struct vx_prefix prefix;
        const char *what;
    } special[] = {
        { { { 4, { 0 } }, 8 }, "\"this network\"" },
        { { { 4, { 127 } }, 8 }, "loopback" },
        { { { 4, { 224 } }, 3 }, "multicast and reserved addresses" },
        { { { 6, { 0 } }, 96 }, "unspecified and loopback" },
        { { { 6, { [10] = 0xff, [11] = 0xff } }, 96 }, "IPv4-mapped" },
        { { { 6, { 0xfe, 0x80 } }, 10 }, "link-local" },
        { { { 6, { 0xff } }, 8 }, "multicast" },
    };
    const struct vx_subnet *subnet = (const void *) c->new;
    char cidr[VX_PREFIX_STRLEN];

    for (size_t i = 0; i < N_ELEMS(special); i++) {
        if (special[i].prefix.ip.family == subnet->prefix.ip.family
            && vx_prefix_overlaps(&special[i].prefix, &subnet->prefix)) {
            return vx_fail(err, VX_INVALID, field, "subnet %s meets %s (%s), "
                           "which ports cannot own", subnet->o.name,
                           vx_prefix_format(&special[i].prefix, cidr),
                           special[i].what);
        }
    }
    return true;
}

static bool
subnet_gateway(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;
    char ip[VX_IP_STRLEN];

    return is_none(&subnet->gateway)
           || (vx_is_address(&subnet->gateway)
               && vx_prefix_is_usable(&subnet->prefix, &subnet->gateway))
           || vx_fail(err, VX_INVALID, field, "gateway %s is not a usable "
                      "address of subnet %s",
                      vx_ip_format(&subnet->gateway, ip), subnet->o.name);
}

static bool
subnet_ranges(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;
    char a[VX_IP_STRLEN], b[VX_IP_STRLEN];

    if (subnet->n_ranges > VX_SUBNET_MAX_RANGES) {
        return vx_fail(err, VX_INVALID, field, "subnet %s has %zu allocation "
                       "ranges, at most %d are allowed", subnet->o.name,
                       subnet->n_ranges, VX_SUBNET_MAX_RANGES);
    }
    for (size_t i = 0; i < subnet->n_ranges; i++) {
        const struct vx_range *r = &subnet->ranges[i];

        if (!vx_is_address(&r->first) || !vx_is_address(&r->last)
            || !vx_prefix_contains(&subnet->prefix, &r->first)
            || !vx_prefix_contains(&subnet->prefix, &r->last)
            || vx_ip_compare(&r->first, &r->last) > 0) {
            return vx_fail(err, VX_INVALID, field, "%s-%s is no range of "
                           "subnet %s", vx_ip_format(&r->first, a),
                           vx_ip_format(&r->last, b), subnet->o.name);
        }
        if (i && vx_ip_compare(&r[-1].last, &r->first) >= 0) {
            return vx_fail(err, VX_INVALID, field, "allocation ranges of "
                           "subnet %s overlap at %s", subnet->o.name,
                           vx_ip_format(&r->first, a));
        }
    }
    return true;
}

static bool
subnet_route(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;

    return !subnet->route || subnet->gateway.family
           || vx_fail(err, VX_INVALID, field, "subnet %s is to be routed and "
                      "has no gateway: give it a gateway, or route=false "
                      "(--no-route)", subnet->o.name);
}

static bool
subnet_announce(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;

    if (subnet->announce && !subnet->route) {
        return vx_fail(err, VX_INVALID, field, "subnet %s is to be announced "
                       "and is not routed: gateways announce what the "
                       "tenant's router reaches; give it a gateway and "
                       "route=true", subnet->o.name);
    }
    return !subnet->host_routes || subnet->announce
           || vx_fail(err, VX_INVALID, "host_routes", "subnet %s is to "
                      "announce the addresses of its ports and not itself: "
                      "set announce, too (--announce)", subnet->o.name);
}

/* Those of the router's network and no others. */
static bool
subnet_of_router(const struct vx_candidate *c, const char *field,
                 struct vx_error *err)
{
    const struct vx_subnet *subnet = (const void *) c->new;
    bool own = !strcmp(subnet->o.name, VX_ROUTER_SUBNET4)
               || !strcmp(subnet->o.name, VX_ROUTER_SUBNET6);

    if (subnet->o.origin == VX_BY_SYSTEM) {
        return (own && subnet->route && !subnet->announce)
               || vx_fail(err, VX_INVALID, field, "subnet %s is none of a "
                          "router's network", subnet->o.name);
    }
    return c->self || c->loading || !vx_meets_router(&subnet->prefix)
           || vx_fail(err, VX_INVALID, field, "subnet %s meets %s, where the "
                      "tenant's router meets its gateways: choose another "
                      "prefix", subnet->o.name, subnet->prefix.ip.family == 4
                      ? VX_ROUTER_SUBNET4 : VX_ROUTER_SUBNET6);
}

static const struct vx_rule subnet_rules[] = {
    { "a subnet's name is its canonical CIDR", "name", subnet_name },
    { "a description is text", "description", has_description },
    { "an origin fits the kind", "origin", has_origin },
    { "what is announced is routed", "announce", subnet_announce },
    { "a subnet holds unicast addresses", "name", subnet_is_unicast },
    { "the router's subnets are its own", "name", subnet_of_router },
    { "a gateway is a usable address of the subnet", "gateway",
      subnet_gateway },
    { "ranges are sorted, disjoint and inside", "ranges", subnet_ranges },
    { "what is routed has a gateway", "route", subnet_route },
};

/* --- Ports. */

static bool
port_mac(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_port *port = (const void *) c->new;
    const struct vx_mac gateway = VX_GATEWAY_MAC;
    char mac[VX_MAC_STRLEN];

    if (!c->loading && !vx_mac_to_u64(&port->mac)) {
        return true;        /* to be allocated */
    }
    if (!c->loading && !vx_mac_compare(&port->mac, &gateway)) {
        return vx_fail(err, VX_INVALID, field, "%s is the MAC of the gateway "
                       "in every network: give port \"%s\" another",
                       vx_mac_format(&port->mac, mac), port->o.name);
    }
    return vx_mac_is_unicast(&port->mac)
           || vx_fail(err, VX_INVALID, field, "%s cannot be the MAC of port "
                      "\"%s\": it must be unicast and not zero",
                      vx_mac_format(&port->mac, mac), port->o.name);
}

static bool
port_ips(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_port *port = (const void *) c->new;
    char ip[VX_IP_STRLEN];

    if (port->n_ips > VX_PORT_MAX_IPS) {
        return vx_fail(err, VX_INVALID, field, "port \"%s\" has %zu "
                       "addresses, at most %d are allowed", port->o.name,
                       port->n_ips, VX_PORT_MAX_IPS);
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        const struct vx_ip *p = &port->ips[i];

        if (!vx_is_address(p) || !vx_ip_is_host(p)) {
            return vx_fail(err, VX_INVALID, field, "%s is no unicast address "
                           "that port \"%s\" could own", vx_ip_format(p, ip),
                           port->o.name);
        }
        if (i && vx_ip_compare(&p[-1], p) >= 0) {
            return vx_fail(err, VX_INVALID, field, "%s is given twice for "
                           "port \"%s\"", vx_ip_format(p, ip), port->o.name);
        }
    }
    return true;
}

static bool
port_iface_id(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_port *port = (const void *) c->new;

    return (port->iface_id[0]
            && vx_text_is_printable(port->iface_id, VX_IFACE_ID_MAX))
           || vx_fail(err, VX_INVALID, field, "iface-id of port \"%s\" must "
                      "be 1 to %d printable ASCII characters", port->o.name,
                      VX_IFACE_ID_MAX);
}

static bool
port_kbps(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    return kbps_in_range(((const struct vx_port *) (const void *)
                          c->new)->rate_kbps, field, err);
}

static bool
port_pps(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    return pps_in_range(((const struct vx_port *) (const void *)
                         c->new)->rate_pps, field, err);
}

static bool
port_bum(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    return pps_in_range(((const struct vx_port *) (const void *)
                         c->new)->bum_pps, field, err);
}

/* Legs of gateways are the controller's, and the controller's are legs. */
static bool
port_leg(const struct vx_candidate *c, const char *field,
         struct vx_error *err)
{
    const struct vx_port *port = (const void *) c->new;

    return (port->o.origin == VX_BY_SYSTEM) == (port->gateway != 0)
           || vx_fail(err, VX_INVALID, field, "port \"%s\" %s", port->o.name,
                      port->gateway ? "is a gateway's leg: those are made by "
                      "the controller" : "is no gateway's leg");
}

static const struct vx_rule port_rules[] = {
    COMMON_RULES,
    { "a leg is the controller's own", "gateway", port_leg },
    { "a MAC is unicast", "mac", port_mac },
    { "addresses are unicast, sorted and distinct", "ips", port_ips },
    { "an iface-id is printable", "iface_id", port_iface_id },
    { "a bit rate is in range", "rate_kbps", port_kbps },
    { "a packet rate is in range", "rate_pps", port_pps },
    { "a BUM rate is in range", "bum_pps", port_bum },
};

/* --- Retired VNIs: internal, so only a damaged store can break these. */

static bool
retired_vni(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_retired_vni *retired = (const void *) c->new;
    char name[16];

    snprintf(name, sizeof name, "%u", retired->vni);
    return (retired->vni && retired->vni <= VX_VNI_MAX
            && !strcmp(name, retired->o.name))
           || vx_fail(err, VX_INVALID, field, "retired VNI \"%.40s\" does not "
                      "stand for VNI %u", retired->o.name, retired->vni);
}

static const struct vx_rule retired_rules[] = {
    { "a retired VNI is named by its number", "name", retired_vni },
};

/* --- Tables. */

bool
vx_rules_hold(const struct vx_rule *rules, size_t n_rules,
              const struct vx_candidate *c, struct vx_error *err)
{
    for (size_t i = 0; i < n_rules; i++) {
        if (!rules[i].hold(c, rules[i].field, err)) {
            return false;
        }
    }
    return true;
}

bool
vx_validate_value(const struct vx_candidate *c, struct vx_error *err)
{
#define TABLE(RULES) { RULES, N_ELEMS(RULES) }
    static const struct {
        const struct vx_rule *rules;
        size_t n_rules;
    } tables[VX_N_KINDS] = {
        [VX_ZONE] = TABLE(zone_rules),
        [VX_HOST] = TABLE(host_rules),
        [VX_TENANT] = TABLE(tenant_rules),
        [VX_NETWORK] = TABLE(network_rules),
        [VX_SUBNET] = TABLE(subnet_rules),
        [VX_PORT] = TABLE(port_rules),
        [VX_RETIRED_VNI] = TABLE(retired_rules),
    };
#undef TABLE
    enum vx_kind kind = c->new->kind;

    if (kind == VX_ROUTE || kind == VX_POLICY) {
        return (kind == VX_ROUTE || has_name(c, "name", err))
               && has_description(c, "description", err)
               && has_origin(c, "origin", err)
               && vx_validate_hops_value(c, err);
    }
    if (kind == VX_GATEWAY || kind == VX_PEERING || kind == VX_UPLINK) {
        return has_name(c, "name", err)
               && has_description(c, "description", err)
               && has_origin(c, "origin", err)
               && vx_validate_bgp_value(c, err);
    }
    return vx_rules_hold(tables[kind].rules, tables[kind].n_rules, c, err);
}

bool
vx_validate_op(const struct vx_op *op, struct vx_error *err)
{
    bool has_tenant = op->kind == VX_NETWORK || op->kind == VX_SUBNET
                      || op->kind == VX_PORT || op->kind == VX_ROUTE
                      || op->kind == VX_POLICY || op->kind == VX_PEERING;
    bool has_network = op->kind == VX_SUBNET || op->kind == VX_PORT;
    bool ok;

    switch (op->type) {
    case VX_OP_PUT:
    case VX_OP_DELETE:
        ok = vx_kind_is_intent(op->kind);
        break;
    case VX_OP_LOCATE:
    case VX_OP_ARRIVE:
        ok = op->kind == VX_PORT;
        break;
    case VX_OP_RELEASE:
        ok = op->kind == VX_RETIRED_VNI;
        break;
    case VX_OP_ADMIT:
        ok = op->kind == VX_HOST;
        break;
    default:
        ok = false;
    }
    if (!ok) {
        return vx_fail(err, VX_INVALID, "", "this operation does not exist "
                       "for a %s", vx_kind_name(op->kind));
    }
    if (has_tenant && (!op->key.tenant || !op->key.tenant[0])) {
        return vx_fail(err, VX_INVALID, "tenant", "a %s needs the name of "
                       "its tenant", vx_kind_name(op->kind));
    }
    if (has_network && (!op->key.network || !op->key.network[0])) {
        return vx_fail(err, VX_INVALID, "network", "a %s needs the name of "
                       "its network", vx_kind_name(op->kind));
    }
    if (!op->key.name || !op->key.name[0]) {
        return vx_fail(err, VX_INVALID, "name", "a %s needs a name",
                       vx_kind_name(op->kind));
    }
    return true;
}
