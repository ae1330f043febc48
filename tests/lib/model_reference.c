/* SPDX-License-Identifier: Apache-2.0 */
/* The naive reference of the model; see model_reference.h. */
#include "tests/lib/model_reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/validate.h"

const struct vx_obj *
ref_by_oid(const struct ref_state *s, uint64_t oid, enum vx_kind kind)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->objs[i]->oid == oid) {
            return s->objs[i]->kind == kind ? s->objs[i] : NULL;
        }
    }
    return NULL;
}

const struct vx_obj *
ref_by_name(const struct ref_state *s, enum vx_kind kind, uint64_t parent,
            const char *name)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->objs[i]->kind == kind && s->objs[i]->parent == parent
            && !strcmp(s->objs[i]->name, name)) {
            return s->objs[i];
        }
    }
    return NULL;
}

uint32_t
ref_vni_of(const struct vx_obj *obj)
{
    const void *o = obj;

    if (obj->kind == VX_NETWORK && obj->origin == VX_BY_SYSTEM) {
        return 0;           /* its tenant's */
    }
    return obj->kind == VX_NETWORK ? ((const struct vx_network *) o)->vni
        : obj->kind == VX_TENANT ? ((const struct vx_tenant *) o)->router_vni
        : obj->kind == VX_RETIRED_VNI
        ? ((const struct vx_retired_vni *) o)->vni : 0;
}

bool
ref_has_ip(const struct vx_port *port, const struct vx_ip *ip)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (!vx_ip_compare(&port->ips[i], ip)) {
            return true;
        }
    }
    return false;
}

static bool
ports_agree(const struct vx_port *a, const struct vx_port *b)
{
    struct vx_ip local = vx_ip_link_local(&b->mac);

    if (!strcmp(a->iface_id, b->iface_id)) {
        return false;
    }
    if (a->o.parent != b->o.parent) {
        return true;
    }
    for (size_t i = 0; i < a->n_ips; i++) {
        if (ref_has_ip(b, &a->ips[i])) {
            return false;
        }
    }
    return vx_mac_compare(&a->mac, &b->mac) && !ref_has_ip(a, &local);
}

static bool
hosts_agree(const struct vx_host *a, const struct vx_host *b)
{
    return a->num != b->num
           && (!a->system_id[0] || strcmp(a->system_id, b->system_id))
           && (!a->vtep.family || !b->vtep.family
               || (a->vtep.family == b->vtep.family
                   && vx_ip_compare(&a->vtep, &b->vtep)));
}

static bool
port_and_subnet_agree(const struct vx_port *p, const struct vx_subnet *s)
{
    return p->o.parent != s->o.parent || !s->gateway.family
           || !ref_has_ip(p, &s->gateway);
}

static uint32_t
hop_num_of(const struct vx_obj *obj)
{
    const void *o = obj;

    return obj->kind == VX_ROUTE ? ((const struct vx_route *) o)->num
        : obj->kind == VX_POLICY ? ((const struct vx_policy *) o)->num : 0;
}

/* Sessions of one gateway; RDs. */
static bool
bgp_agrees(const struct vx_obj *a, const struct vx_obj *b)
{
    const void *va = a, *vb = b;
    const struct vx_peering *p = va, *q = vb;
    const struct vx_tenant *t = va, *u = vb;

    if (a->kind == VX_TENANT && b->kind == VX_TENANT) {
        return !t->rd || t->rd != u->rd;
    }
    if (a->kind == VX_GATEWAY && b->kind == VX_GATEWAY) {
        return ((const struct vx_gateway *) va)->host
               != ((const struct vx_gateway *) vb)->host;
    }
    if ((a->kind != VX_PEERING && a->kind != VX_UPLINK)
        || (b->kind != VX_PEERING && b->kind != VX_UPLINK)
        || p->gateway != q->gateway) {
        return true;
    }
    return (!p->device[0] || strcmp(p->device, q->device))
           && (a->parent != b->parent || vx_ip_compare(&p->peer, &q->peer));
}

static bool
numbers_agree(const struct vx_obj *a, const struct vx_obj *b)
{
    const void *va = a, *vb = b;

    if (a->kind == VX_ZONE && b->kind == VX_ZONE) {
        return ((const struct vx_zone *) va)->num
               != ((const struct vx_zone *) vb)->num;
    }
    if (a->kind == VX_POLICY && b->kind == VX_POLICY
        && a->parent == b->parent
        && ((const struct vx_policy *) va)->priority
           == ((const struct vx_policy *) vb)->priority) {
        return false;
    }
    return !hop_num_of(a) || hop_num_of(a) != hop_num_of(b);
}

static bool
pair_is_legal(const struct vx_obj *a, const struct vx_obj *b)
{
    const void *va = a, *vb = b;
    const struct vx_host *host = va;
    const struct vx_network *network = vb;

    if (a->oid == b->oid
        || (ref_vni_of(a) && ref_vni_of(a) == ref_vni_of(b))) {
        return false;
    }
    if (a->kind == b->kind && a->parent == b->parent
        && !strcmp(a->name, b->name)) {
        return false;
    }
    if (!numbers_agree(a, b) || !bgp_agrees(a, b)) {
        return false;
    }
    if (a->kind == VX_HOST && b->kind == VX_HOST) {
        return hosts_agree(va, vb);
    }
    if (a->kind == VX_HOST && b->kind == VX_NETWORK) {
        return !host->mtu || network->o.origin == VX_BY_SYSTEM
            || network->mtu + (host->vtep.family == 6 ? 70 : 50) <= host->mtu;
    }
    if (a->kind == VX_SUBNET && b->kind == VX_SUBNET) {
        return a->parent != b->parent
            || !vx_prefix_overlaps(&((const struct vx_subnet *) va)->prefix,
                                   &((const struct vx_subnet *) vb)->prefix);
    }
    if (a->kind == VX_PORT && b->kind == VX_SUBNET) {
        return port_and_subnet_agree(va, vb);
    }
    return a->kind != VX_PORT || b->kind != VX_PORT || ports_agree(va, vb);
}

static bool
ip_has_subnet(const struct ref_state *s, const struct vx_port *port,
              const struct vx_ip *ip)
{
    if (ip->family == 6 && vx_ip_is_link_local(ip)) {
        return true;
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct vx_subnet *subnet = (const void *) s->objs[i];

        if (subnet->o.kind == VX_SUBNET && subnet->o.parent == port->o.parent
            && vx_prefix_contains(&subnet->prefix, ip)) {
            return vx_prefix_is_usable(&subnet->prefix, ip);
        }
    }
    return false;
}

uint64_t
ref_tenant_of(const struct ref_state *s, const struct vx_obj *subnet)
{
    const struct vx_obj *network = ref_by_oid(s, subnet->parent, VX_NETWORK);

    return network ? network->parent : 0;
}

static bool
subnet_routes_well(const struct ref_state *s, const struct vx_subnet *subnet)
{
    uint64_t tenant = ref_tenant_of(s, &subnet->o);

    if (!subnet->route) {
        return true;
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct vx_subnet *other = (const void *) s->objs[i];

        if (other->o.kind == VX_ROUTE && other->o.parent == tenant
            && !strcmp(other->o.name, subnet->o.name)) {
            return false;
        }
        if (other->o.kind == VX_SUBNET && other != subnet && other->route
            && ref_tenant_of(s, &other->o) == tenant
            && vx_prefix_overlaps(&other->prefix, &subnet->prefix)) {
            return false;
        }
    }
    return subnet->gateway.family != 0;
}

static bool
vias_are_routed(const struct ref_state *s, uint64_t tenant,
                const struct vx_ip *via, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool found = false;

        for (size_t j = 0; j < s->n; j++) {
            const struct vx_subnet *sub = (const void *) s->objs[j];

            found = found || (sub->o.kind == VX_SUBNET && sub->route
                && ref_tenant_of(s, &sub->o) == tenant
                && vx_prefix_contains(&sub->prefix, &via[i])
                && vx_prefix_is_usable(&sub->prefix, &via[i])
                && vx_ip_compare(&sub->gateway, &via[i]));
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool
route_or_policy_is_well(const struct ref_state *s, const struct vx_obj *obj)
{
    const struct vx_route *route = (const void *) obj;
    const struct vx_policy *policy = (const void *) obj;
    const struct vx_obj *net;

    if (!ref_by_oid(s, obj->parent, VX_TENANT)) {
        return false;
    }
    if (obj->kind == VX_ROUTE) {
        return vias_are_routed(s, obj->parent, route->via, route->n_via);
    }
    net = policy->match.network
        ? ref_by_oid(s, policy->match.network, VX_NETWORK) : NULL;
    return (!policy->match.network || (net && net->parent == obj->parent))
           && vias_are_routed(s, obj->parent, policy->via, policy->n_via);
}

bool
ref_has_routers(const struct ref_state *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct vx_subnet *sub = (const void *) s->objs[i];
        const struct vx_tenant *tenant = (const void *) s->objs[i];

        if (sub->o.kind == VX_SUBNET) {
            tenant = !sub->route ? NULL : (const void *)
                ref_by_oid(s, ref_tenant_of(s, &sub->o), VX_TENANT);
            if (tenant && !tenant->router_vni) {
                return false;
            }
        } else if (tenant->o.kind == VX_TENANT && tenant->budget_kbps
                   && !tenant->router_vni) {
            return false;
        }
    }
    return true;
}

static bool
borders_exist(const struct ref_state *s, const struct vx_zone *zone)
{
    for (size_t i = 0; !s->is_damaged && i < zone->n_borders; i++) {
        if (!ref_by_oid(s, zone->borders[i], VX_HOST)) {
            return false;
        }
    }
    return true;
}

/* The router's network has the router's VNI; what is in it is the
 * controller's or learned, and the controller has nothing elsewhere. */
static bool
origin_is_well(const struct ref_state *s, const struct vx_obj *obj)
{
    const struct vx_obj *up = ref_by_oid(s, obj->parent, VX_NETWORK);
    const struct vx_tenant *tenant = (const void *)
        ref_by_oid(s, obj->parent, VX_TENANT);

    if (obj->kind == VX_NETWORK && obj->origin == VX_BY_SYSTEM) {
        return tenant && !strcmp(obj->name, VX_ROUTER_NETWORK)
               && tenant->router_vni
               && ((const struct vx_network *) (const void *) obj)->vni
                  == tenant->router_vni;
    }
    if (obj->kind == VX_HOST) {
        return ((const struct vx_host *) (const void *) obj)->external
               == (obj->origin != VX_BY_OPERATOR);
    }
    return !up || (up->origin == VX_BY_SYSTEM
                   ? obj->origin != VX_BY_OPERATOR
                   : obj->origin != VX_BY_SYSTEM);
}

static bool
is_abroad(const struct ref_state *s, uint64_t oid)
{
    const struct vx_host *host = (const void *) ref_by_oid(s, oid, VX_HOST);

    return host && host->external;
}

/* What is learned is on other fabrics' hosts, and nothing else is. */
static bool
port_is_home(const struct ref_state *s, const struct vx_port *port)
{
    return port->o.origin == VX_BY_BGP ? is_abroad(s, port->host)
        : !is_abroad(s, port->host) && !is_abroad(s, port->located)
          && !is_abroad(s, port->migrate_from);
}

static bool
refers_well(const struct ref_state *s, const struct vx_obj *obj)
{
    const struct vx_host *host = (const void *) obj;
    const struct vx_port *port = (const void *) obj;

    if (!origin_is_well(s, obj)) {
        return false;
    }
    if (obj->kind == VX_GATEWAY) {
        return ref_by_oid(s, ((const struct vx_gateway *) (const void *)
                              obj)->host, VX_HOST);
    }
    if (obj->kind == VX_PEERING || obj->kind == VX_UPLINK) {
        return ref_by_oid(s, ((const struct vx_peering *) (const void *)
                              obj)->gateway, VX_GATEWAY)
               && (obj->kind == VX_UPLINK
                   || ref_by_oid(s, obj->parent, VX_TENANT));
    }
    if (obj->kind == VX_NETWORK) {
        return ref_by_oid(s, obj->parent, VX_TENANT);
    }
    if (obj->kind == VX_HOST) {
        return ref_by_oid(s, host->zone, VX_ZONE);
    }
    if (obj->kind == VX_SUBNET) {
        return ref_by_oid(s, obj->parent, VX_NETWORK)
               && subnet_routes_well(s, (const void *) obj);
    }
    if (obj->kind == VX_ROUTE || obj->kind == VX_POLICY) {
        return route_or_policy_is_well(s, obj);
    }
    if (obj->kind == VX_ZONE) {
        return borders_exist(s, (const void *) obj);
    }
    if (obj->kind != VX_PORT) {
        return true;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        if (!ip_has_subnet(s, port, &port->ips[i])) {
            return false;
        }
    }
    return ref_by_oid(s, obj->parent, VX_NETWORK) && port_is_home(s, port)
           && !(port->host && port->located)
           && (!port->host || ref_by_oid(s, port->host, VX_HOST))
           && (!port->located || ref_by_oid(s, port->located, VX_HOST))
           && (!port->migrate_from
               || (port->host && port->host != port->migrate_from
                   && ref_by_oid(s, port->migrate_from, VX_HOST)));
}

bool
ref_is_legal(const struct ref_state *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!refers_well(s, s->objs[i])) {
            return false;
        }
        for (size_t j = 0; j < s->n; j++) {
            if (i != j && !pair_is_legal(s->objs[i], s->objs[j])) {
                return false;
            }
        }
    }
    return true;
}

void
ref_replace(struct ref_state *s, const struct vx_obj *old,
            const struct vx_obj *new)
{
    size_t i;

    for (i = 0; old && i < s->n && s->objs[i]->oid != old->oid; i++) {
        continue;
    }
    if (!old) {
        assert_true(s->n < REF_MAX_OBJS);
        s->objs[s->n++] = new;
    } else if (new) {
        assert_true(i < s->n);
        s->objs[i] = new;
    } else {
        assert_true(i < s->n);
        s->objs[i] = s->objs[--s->n];
    }
}

void
ref_read(const struct vx_model *model, struct ref_state *s)
{
    s->n = 0;
    s->is_damaged = false;
    for (unsigned kind = VX_ZONE; kind < VX_N_KINDS; kind++) {
        const struct vx_obj *obj;
        struct vx_iter iter;
        size_t n = s->n;

        vx_iter_init(&iter, model, (enum vx_kind) kind, NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            assert_true(s->n < REF_MAX_OBJS);
            s->objs[s->n++] = obj;
        }
        assert_int_equal(s->n - n,
                         vx_model_count(model, (enum vx_kind) kind));
    }
}
