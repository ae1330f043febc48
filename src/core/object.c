/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of intent as immutable, counted values; see object.h.
 *
 * One table says per kind how big it is, what it is called and which of its
 * members own memory, so that new, clone, same and free cannot disagree. */
#include "core/object.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

enum { MAX_STRINGS = 4 };

struct kind_info {
    const char *name, *plural;
    size_t size;
    size_t strings[MAX_STRINGS];    /* offsets beyond name, description */
    size_t n_strings;
};

/* An array that a member of the kind owns. */
struct array_info {
    enum vx_kind kind;
    size_t at, n_at, elem_size;     /* offsets of pointer and count */
};

#define ARRAY(KIND, TYPE, MEMBER, COUNT, ELEM) \
    { KIND, offsetof(TYPE, MEMBER), offsetof(TYPE, COUNT), sizeof(ELEM) }

#define PEERING_ARRAYS(KIND) \
    ARRAY(KIND, struct vx_peering, communities, n_communities, uint32_t), \
    ARRAY(KIND, struct vx_peering, imports, n_imports, struct vx_prefix), \
    ARRAY(KIND, struct vx_peering, exports, n_exports, struct vx_prefix), \
    ARRAY(KIND, struct vx_peering, locals, n_locals, struct vx_prefix)

static const struct array_info arrays[] = {
    ARRAY(VX_ZONE, struct vx_zone, borders, n_borders, uint64_t),
    ARRAY(VX_TENANT, struct vx_tenant, imports, n_imports, uint64_t),
    ARRAY(VX_TENANT, struct vx_tenant, exports, n_exports, uint64_t),
    ARRAY(VX_NETWORK, struct vx_network, rts, n_rts, uint64_t),
    ARRAY(VX_SUBNET, struct vx_subnet, ranges, n_ranges, struct vx_range),
    ARRAY(VX_PORT, struct vx_port, ips, n_ips, struct vx_ip),
    ARRAY(VX_ROUTE, struct vx_route, via, n_via, struct vx_ip),
    ARRAY(VX_POLICY, struct vx_policy, via, n_via, struct vx_ip),
    ARRAY(VX_POLICY, struct vx_policy, match.sports, match.n_sports,
          struct vx_port_range),
    ARRAY(VX_POLICY, struct vx_policy, match.dports, match.n_dports,
          struct vx_port_range),
    PEERING_ARRAYS(VX_PEERING),
    PEERING_ARRAYS(VX_UPLINK),
};
enum { N_ARRAYS = sizeof arrays / sizeof arrays[0] };

static const struct kind_info kinds[VX_N_KINDS] = {
    [VX_NONE] = { "none", "none", 0, { 0 }, 0 },
    [VX_ZONE] = { "zone", "zones", sizeof(struct vx_zone), { 0 }, 0 },
    [VX_HOST] = { "host", "hosts", sizeof(struct vx_host),
                  { offsetof(struct vx_host, system_id),
                    offsetof(struct vx_host, datapath) }, 2 },
    [VX_TENANT] = { "tenant", "tenants", sizeof(struct vx_tenant), { 0 }, 0 },
    [VX_NETWORK] = { "network", "networks", sizeof(struct vx_network),
                     { 0 }, 0 },
    [VX_SUBNET] = { "subnet", "subnets", sizeof(struct vx_subnet),
                    { 0 }, 0 },
    [VX_PORT] = { "port", "ports", sizeof(struct vx_port),
                  { offsetof(struct vx_port, iface_id) }, 1 },
    [VX_RETIRED_VNI] = { "retired VNI", "retired VNIs",
                         sizeof(struct vx_retired_vni), { 0 }, 0 },
    [VX_ROUTE] = { "route", "routes", sizeof(struct vx_route), { 0 }, 0 },
    [VX_POLICY] = { "policy", "policies", sizeof(struct vx_policy),
                    { 0 }, 0 },
    [VX_GATEWAY] = { "gateway", "gateways", sizeof(struct vx_gateway),
                     { 0 }, 0 },
    [VX_PEERING] = { "peering", "peerings", sizeof(struct vx_peering),
                     { offsetof(struct vx_peering, password),
                       offsetof(struct vx_peering, device) }, 2 },
    [VX_UPLINK] = { "fabric peering", "peerings", sizeof(struct vx_peering),
                    { offsetof(struct vx_peering, password),
                      offsetof(struct vx_peering, device) }, 2 },
};

static char **
string_at(const struct vx_obj *obj, size_t i)
{
    return (char **) (void *) ((char *) obj + kinds[obj->kind].strings[i]);
}

static void **
array_at(const struct vx_obj *obj, const struct array_info *info)
{
    return (void **) (void *) ((char *) obj + info->at);
}

static size_t
array_size(const struct vx_obj *obj, const struct array_info *info)
{
    return *(const size_t *) (const void *) ((const char *) obj + info->n_at)
           * info->elem_size;
}

struct vx_obj *
vx_obj_new(enum vx_kind kind)
{
    struct vx_obj *obj;

    assert(kind > VX_NONE && kind < VX_N_KINDS);
    obj = vx_xcalloc(1, kinds[kind].size);
    obj->kind = kind;
    obj->n_refs = 1;
    obj->name = vx_xstrdup("");
    obj->description = vx_xstrdup("");
    for (size_t i = 0; i < kinds[kind].n_strings; i++) {
        *string_at(obj, i) = vx_xstrdup("");
    }
    return obj;
}

struct vx_obj *
vx_obj_clone(const struct vx_obj *obj)
{
    struct vx_obj *copy = vx_xmemdup(obj, kinds[obj->kind].size);

    copy->n_refs = 1;
    copy->name = vx_xstrdup(obj->name);
    copy->description = vx_xstrdup(obj->description);
    for (size_t i = 0; i < kinds[obj->kind].n_strings; i++) {
        *string_at(copy, i) = vx_xstrdup(*string_at(obj, i));
    }
    for (size_t i = 0; i < N_ARRAYS; i++) {
        size_t size;

        if (arrays[i].kind == obj->kind) {
            size = array_size(obj, &arrays[i]);
            *array_at(copy, &arrays[i]) = size
                ? vx_xmemdup(*array_at(obj, &arrays[i]), size) : NULL;
        }
    }
    return copy;
}

const struct vx_obj *
vx_obj_ref(const struct vx_obj *obj)
{
    /* The count is no part of the value. */
    ((struct vx_obj *) obj)->n_refs++;
    return obj;
}

void
vx_obj_unref(const struct vx_obj *const_obj)
{
    struct vx_obj *obj = (struct vx_obj *) const_obj;

    if (!obj || --obj->n_refs) {
        return;
    }
    for (size_t i = 0; i < kinds[obj->kind].n_strings; i++) {
        free(*string_at(obj, i));
    }
    for (size_t i = 0; i < N_ARRAYS; i++) {
        if (arrays[i].kind == obj->kind) {
            free(*array_at(obj, &arrays[i]));
        }
    }
    free(obj->name);
    free(obj->description);
    free(obj);
}

static bool
same_ips(const struct vx_ip *a, const struct vx_ip *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (vx_ip_compare(&a[i], &b[i])) {
            return false;
        }
    }
    return true;
}

static bool
same_zone(const struct vx_zone *a, const struct vx_zone *b)
{
    return a->num == b->num && a->path == b->path
           && a->budget_kbps == b->budget_kbps
           && a->n_borders == b->n_borders
           && (!a->n_borders
               || !memcmp(a->borders, b->borders,
                          a->n_borders * sizeof *a->borders));
}

static bool
same_host(const struct vx_host *a, const struct vx_host *b)
{
    return a->zone == b->zone && a->num == b->num
           && !vx_ip_compare(&a->vtep, &b->vtep) && a->mtu == b->mtu
           && a->stranger == b->stranger && a->draining == b->draining
           && a->external == b->external;
}

static bool
same_rts(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b)
{
    return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof *a));
}

static bool
same_tenant(const struct vx_tenant *a, const struct vx_tenant *b)
{
    return a->router_vni == b->router_vni
           && a->budget_kbps == b->budget_kbps
           && a->quota_networks == b->quota_networks
           && a->quota_ports == b->quota_ports && a->rd == b->rd
           && same_rts(a->imports, a->n_imports, b->imports, b->n_imports)
           && same_rts(a->exports, a->n_exports, b->exports, b->n_exports);
}

static bool
same_network(const struct vx_network *a, const struct vx_network *b)
{
    return a->vni == b->vni && a->mtu == b->mtu && a->path == b->path
           && a->bum_pps == b->bum_pps && a->no_evpn == b->no_evpn
           && same_rts(a->rts, a->n_rts, b->rts, b->n_rts);
}

static bool
same_subnet(const struct vx_subnet *a, const struct vx_subnet *b)
{
    if (vx_prefix_compare(&a->prefix, &b->prefix)
        || vx_ip_compare(&a->gateway, &b->gateway) || a->route != b->route
        || a->announce != b->announce || a->host_routes != b->host_routes
        || a->n_ranges != b->n_ranges) {
        return false;
    }
    for (size_t i = 0; i < a->n_ranges; i++) {
        if (vx_ip_compare(&a->ranges[i].first, &b->ranges[i].first)
            || vx_ip_compare(&a->ranges[i].last, &b->ranges[i].last)) {
            return false;
        }
    }
    return true;
}

static bool
same_port(const struct vx_port *a, const struct vx_port *b)
{
    return !vx_mac_compare(&a->mac, &b->mac) && a->n_ips == b->n_ips
           && a->host == b->host && a->located == b->located
           && a->migrate_from == b->migrate_from
           && a->migrate_hold == b->migrate_hold && a->guard == b->guard
           && a->left == b->left && a->left_ms == b->left_ms
           && a->rate_kbps == b->rate_kbps && a->rate_pps == b->rate_pps
           && a->bum_pps == b->bum_pps && a->mobility == b->mobility
           && a->gateway == b->gateway && same_ips(a->ips, b->ips, a->n_ips);
}

static bool
same_route(const struct vx_route *a, const struct vx_route *b)
{
    return !vx_prefix_compare(&a->prefix, &b->prefix) && a->num == b->num
           && a->announce == b->announce
           && a->n_via == b->n_via && same_ips(a->via, b->via, a->n_via);
}

static bool
same_port_ranges(const struct vx_port_range *a, size_t n_a,
                 const struct vx_port_range *b, size_t n_b)
{
    if (n_a != n_b) {
        return false;
    }
    for (size_t i = 0; i < n_a; i++) {
        if (a[i].first != b[i].first || a[i].last != b[i].last) {
            return false;
        }
    }
    return true;
}

static bool
same_match(const struct vx_policy_match *a, const struct vx_policy_match *b)
{
    return a->family == b->family && !vx_prefix_compare(&a->src, &b->src)
           && !vx_prefix_compare(&a->dst, &b->dst)
           && a->network == b->network && a->proto == b->proto
           && a->dscp == b->dscp
           && same_port_ranges(a->sports, a->n_sports, b->sports,
                               b->n_sports)
           && same_port_ranges(a->dports, a->n_dports, b->dports,
                               b->n_dports);
}

static bool
same_policy(const struct vx_policy *a, const struct vx_policy *b)
{
    return a->num == b->num && a->priority == b->priority
           && a->where == b->where && a->action == b->action
           && a->fail_closed == b->fail_closed && a->dscp == b->dscp
           && a->rate_kbps == b->rate_kbps && a->n_via == b->n_via
           && same_ips(a->via, b->via, a->n_via)
           && same_match(&a->match, &b->match);
}

static bool
same_prefixes(const struct vx_prefix *a, size_t n_a,
              const struct vx_prefix *b, size_t n_b)
{
    if (n_a != n_b) {
        return false;
    }
    for (size_t i = 0; i < n_a; i++) {
        if (vx_prefix_compare(&a[i], &b[i])) {
            return false;
        }
    }
    return true;
}

static bool
same_gateway(const struct vx_gateway *a, const struct vx_gateway *b)
{
    return a->host == b->host && a->as == b->as
           && !vx_ip_compare(&a->router_id, &b->router_id);
}

static bool
same_session(const struct vx_peering *a, const struct vx_peering *b)
{
    return a->gateway == b->gateway && !vx_ip_compare(&a->peer, &b->peer)
           && a->peer_as == b->peer_as && a->local_as == b->local_as
           && a->families == b->families && a->bfd == b->bfd
           && a->hold_s == b->hold_s && a->multihop == b->multihop
           && !vx_ip_compare(&a->source, &b->source)
           && a->flowspec_in == b->flowspec_in
           && a->readvertise == b->readvertise;
}

static bool
same_peering(const struct vx_peering *a, const struct vx_peering *b)
{
    return same_session(a, b) && a->has_med == b->has_med
           && a->med == b->med && a->local_pref == b->local_pref
           && a->prefix_limit == b->prefix_limit
           && a->n_communities == b->n_communities
           && (!a->n_communities
               || !memcmp(a->communities, b->communities,
                          a->n_communities * sizeof *a->communities))
           && same_prefixes(a->imports, a->n_imports, b->imports,
                            b->n_imports)
           && same_prefixes(a->exports, a->n_exports, b->exports,
                            b->n_exports)
           && same_prefixes(a->locals, a->n_locals, b->locals, b->n_locals);
}

static bool
same_members(const struct vx_obj *a_, const struct vx_obj *b_)
{
    const void *a = a_, *b = b_;
    const struct vx_retired_vni *ra = a, *rb = b;

    switch (a_->kind) {
    case VX_ZONE:
        return same_zone(a, b);
    case VX_HOST:
        return same_host(a, b);
    case VX_TENANT:
        return same_tenant(a, b);
    case VX_NETWORK:
        return same_network(a, b);
    case VX_SUBNET:
        return same_subnet(a, b);
    case VX_PORT:
        return same_port(a, b);
    case VX_RETIRED_VNI:
        return ra->vni == rb->vni && ra->until_ms == rb->until_ms;
    case VX_ROUTE:
        return same_route(a, b);
    case VX_POLICY:
        return same_policy(a, b);
    case VX_GATEWAY:
        return same_gateway(a, b);
    case VX_PEERING: case VX_UPLINK:
        return same_peering(a, b);
    case VX_NONE: case VX_N_KINDS:
    default:
        return true;
    }
}

bool
vx_obj_same(const struct vx_obj *a, const struct vx_obj *b)
{
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || a->oid != b->oid || a->parent != b->parent
        || a->origin != b->origin
        || strcmp(a->name, b->name)
        || strcmp(a->description, b->description)) {
        return false;
    }
    for (size_t i = 0; i < kinds[a->kind].n_strings; i++) {
        if (strcmp(*string_at(a, i), *string_at(b, i))) {
            return false;
        }
    }
    return same_members(a, b);
}

const char *
vx_kind_name(enum vx_kind kind)
{
    return (unsigned) kind < VX_N_KINDS ? kinds[kind].name : "none";
}

const char *
vx_kind_plural(enum vx_kind kind)
{
    return (unsigned) kind < VX_N_KINDS ? kinds[kind].plural : "none";
}

void
vx_leg_hops_add(struct vx_leg_hops *hops, const struct vx_port *port)
{
    size_t i = hops->n;

    if (!port || !port->gateway || !port->n_ips) {
        return;
    }
    while (i && hops->oids[i - 1] > port->o.oid) {
        i--;
    }
    if (i == VX_MAX_HOPS) {
        return;
    }
    hops->n -= hops->n == VX_MAX_HOPS;
    memmove(&hops->ips[i + 1], &hops->ips[i],
            (hops->n - i) * sizeof *hops->ips);
    memmove(&hops->oids[i + 1], &hops->oids[i],
            (hops->n - i) * sizeof *hops->oids);
    hops->ips[i] = port->ips[0];
    hops->oids[i] = port->o.oid;
    hops->n++;
}

bool
vx_peering_is_on_link(const struct vx_peering *peering,
                      const struct vx_ip *ip)
{
    for (size_t i = 0; i < peering->n_locals; i++) {
        struct vx_prefix net = vx_prefix_network(&peering->locals[i]);

        if (vx_prefix_contains(&net, ip)) {
            return true;
        }
    }
    return false;
}
