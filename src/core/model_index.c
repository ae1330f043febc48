/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is derived from the values of objects: indexes, numbers in
 * use, counts.  vx_model_set() moves one object from its old value to its
 * new one; see model_priv.h.
 *
 * It never refuses: rules (validate_*.c) have been held before, and a broken
 * one is our own bug and asserted here. */
#include "core/model_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

#define OBJ(NODE, TYPE, MEMBER) (VX_CONTAINER(NODE, TYPE, MEMBER)->e.obj)

struct mtu_key {
    int mtu;
    uint64_t oid;
};

static int
compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int
by_oid(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       VX_CONTAINER(node, struct vx_ent, by_oid)->obj->oid);
}

static int
by_name(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct vx_ent, by_name)->obj->name);
}

static int
by_vni(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint32_t *) key,
                       VX_CONTAINER(node, struct vx_vni_node, node)->vni);
}

static const struct vx_port *
port_value(const struct vx_ent *ent)
{
    return (const struct vx_port *) (const void *) ent->obj;
}

static const struct vx_host *
host_value(const struct vx_obj *obj)
{
    return (const struct vx_host *) (const void *) obj;
}

static int
by_iface_id(const void *key, const struct vx_tree_node *node)
{
    struct vx_port_ent *ent = VX_CONTAINER(node, struct vx_port_ent,
                                           by_iface_id);
    return strcmp(key, port_value(&ent->e)->iface_id);
}

static int
by_mac(const void *key, const struct vx_tree_node *node)
{
    struct vx_port_ent *ent = VX_CONTAINER(node, struct vx_port_ent, by_mac);
    return vx_mac_compare(key, &port_value(&ent->e)->mac);
}

static const struct vx_ip *
ip_of(const struct vx_tree_node *node)
{
    const struct vx_ip_node *in = VX_CONTAINER(node, struct vx_ip_node, node);

    return &port_value(in->port)->ips[in->index];
}

static int
by_ip(const void *key, const struct vx_tree_node *node)
{
    return vx_ip_compare(key, ip_of(node));
}

static int
port_by_host(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       OBJ(node, struct vx_port_ent, by_host)->oid);
}

static int
port_by_target(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       OBJ(node, struct vx_port_ent, by_target)->oid);
}

static int
host_by_zone(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       OBJ(node, struct vx_host_ent, by_zone)->oid);
}

static int
by_num(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint32_t *) key,
        host_value(OBJ(node, struct vx_host_ent, by_num))->num);
}

static int
by_system_id(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, host_value(OBJ(node, struct vx_host_ent,
                                      by_system_id))->system_id);
}

static int
by_vtep(const void *key, const struct vx_tree_node *node)
{
    return vx_ip_compare(key, &host_value(OBJ(node, struct vx_host_ent,
                                              by_vtep))->vtep);
}

static int
by_prefix(const void *key, const struct vx_tree_node *node)
{
    const struct vx_subnet *subnet = (const void *)
        OBJ(node, struct vx_subnet_ent, by_prefix);

    return vx_ip_compare(key, &subnet->prefix.ip);
}

static int
by_routed(const void *key, const struct vx_tree_node *node)
{
    const struct vx_subnet *subnet = (const void *)
        OBJ(node, struct vx_subnet_ent, by_routed);

    return vx_ip_compare(key, &subnet->prefix.ip);
}

struct via_key {
    const struct vx_ip *ip;
    uint64_t oid;
};

static int
by_via(const void *key_, const struct vx_tree_node *node)
{
    const struct via_key *key = key_;
    const struct vx_via_node *via = VX_CONTAINER(node, struct vx_via_node,
                                                 node);
    int c = vx_ip_compare(key->ip, via->ip);

    return c ? c : compare_u64(key->oid, via->owner->obj->oid);
}

static const struct vx_policy *
policy_value(const struct vx_obj *obj)
{
    return (const struct vx_policy *) (const void *) obj;
}

static int
by_priority(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint16_t *) key,
                       policy_value(OBJ(node, struct vx_policy_ent,
                                        by_priority))->priority);
}

static int
policy_by_network(const void *key, const struct vx_tree_node *node)
{
    return compare_u64(*(const uint64_t *) key,
                       OBJ(node, struct vx_policy_ent, by_network)->oid);
}

struct vx_subnet_ent *
vx_tenant_subnet_of(const struct vx_tenant_ent *tenant,
                    const struct vx_ip *ip)
{
    struct vx_tree_node *node = vx_tree_floor(&tenant->routed, ip);
    struct vx_subnet_ent *ent;

    if (!node) {
        return NULL;
    }
    ent = VX_CONTAINER(node, struct vx_subnet_ent, by_routed);
    return vx_prefix_contains(
        &((const struct vx_subnet *) (const void *) ent->e.obj)->prefix, ip)
        ? ent : NULL;
}

struct vx_tree_node *
vx_tenant_via_node(const struct vx_tenant_ent *tenant,
                   const struct vx_prefix *prefix)
{
    const struct via_key key = { &prefix->ip, 0 };

    return vx_tree_ceil(&tenant->vias, &key);
}

struct vx_ent *
vx_tenant_via_in(const struct vx_tenant_ent *tenant,
                 const struct vx_prefix *prefix)
{
    struct vx_tree_node *node = vx_tenant_via_node(tenant, prefix);
    struct vx_via_node *via;

    if (!node) {
        return NULL;
    }
    via = VX_CONTAINER(node, struct vx_via_node, node);
    return vx_prefix_contains(prefix, via->ip) ? via->owner : NULL;
}

struct vx_ent *
vx_tenant_policy_at(const struct vx_tenant_ent *tenant, uint16_t priority)
{
    struct vx_tree_node *node = vx_tree_find(&tenant->priorities, &priority);

    return node ? &VX_CONTAINER(node, struct vx_policy_ent, by_priority)->e
                : NULL;
}

static int
compare_mtu(const struct mtu_key *key, int mtu, uint64_t oid)
{
    return key->mtu != mtu ? (key->mtu < mtu ? -1 : 1)
                           : compare_u64(key->oid, oid);
}

static int
network_by_mtu(const void *key, const struct vx_tree_node *node)
{
    const struct vx_network *network = (const void *)
        OBJ(node, struct vx_network_ent, by_mtu);

    return compare_mtu(key, network->mtu, network->o.oid);
}

int
vx_host_overhead(const struct vx_host *host)
{
    return host->vtep.family == 6 ? 70 : 50;
}

static int
host_by_mtu(const void *key, const struct vx_tree_node *node)
{
    const struct vx_host *host = host_value(OBJ(node, struct vx_host_ent,
                                                by_mtu));

    return compare_mtu(key, host->mtu - vx_host_overhead(host), host->o.oid);
}

const struct vx_network *
vx_model_largest_network(const struct vx_model *model)
{
    const struct mtu_key max = { UINT16_MAX, UINT64_MAX };
    struct vx_tree_node *node = vx_tree_floor(&model->network_mtus, &max);

    return node ? (const void *) OBJ(node, struct vx_network_ent, by_mtu)
                : NULL;
}

const struct vx_host *
vx_model_smallest_host(const struct vx_model *model)
{
    struct vx_tree_node *node = vx_tree_first(&model->host_mtus);

    return node ? host_value(OBJ(node, struct vx_host_ent, by_mtu)) : NULL;
}

void
vx_model_init_indexes(struct vx_model *model)
{
    vx_tree_init(&model->by_oid, by_oid);
    for (int kind = 0; kind < VX_N_KINDS; kind++) {
        vx_tree_init(&model->by_name[kind], by_name);
    }
    vx_tree_init(&model->by_vni, by_vni);
    vx_tree_init(&model->by_iface_id, by_iface_id);
    vx_tree_init(&model->by_num, by_num);
    vx_tree_init(&model->by_system_id, by_system_id);
    vx_tree_init(&model->by_vtep, by_vtep);
    vx_tree_init(&model->network_mtus, network_by_mtu);
    vx_tree_init(&model->host_mtus, host_by_mtu);
    vx_retired_init(&model->retired);
    vx_serve_init(model);
}

/* --- Numbers in use. */

unsigned __int128
vx_model_ip_number(const struct vx_ip *ip)
{
    unsigned __int128 n = vx_ip_to_u128(ip);

    return ip->family == 4 ? n | (unsigned __int128) 0xffff << 32 : n;
}

bool
vx_model_vni_is_auto(const struct vx_model *model, uint32_t vni)
{
    size_t low = 0, high = model->n_ranges;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (vni < model->ranges[mid].first) {
            high = mid;
        } else if (vni > model->ranges[mid].last) {
            low = mid + 1;
        } else {
            return true;
        }
    }
    return false;
}

static void
vni_link(struct vx_model *model, struct vx_vni_node *node,
         struct vx_ent *owner, uint32_t vni)
{
    node->owner = owner;
    node->vni = vni;
    if (vni) {
        vx_vni_pool_take(model->vnis, vni);
        model->n_free_vnis -= vx_model_vni_is_auto(model, vni);
        vx_tree_insert(&model->by_vni, &vni, &node->node);
    }
}

static void
vni_unlink(struct vx_model *model, struct vx_vni_node *node)
{
    if (node->vni) {
        vx_tree_remove(&model->by_vni, &node->node);
        model->n_free_vnis += vx_model_vni_is_auto(model, node->vni);
        vx_vni_pool_give(model->vnis, node->vni);
        node->vni = 0;
    }
}

/* --- One kind after the other: link and unlink the value of an entry. */

static void
host_link(struct vx_model *model, struct vx_host_ent *ent)
{
    const struct vx_host *host = host_value(ent->e.obj);
    struct vx_zone_ent *zone = (void *) vx_model_ent(model, host->zone);
    struct mtu_key mtu = { host->mtu - vx_host_overhead(host), host->o.oid };

    vx_tree_insert(&zone->hosts, &host->o.oid, &ent->by_zone);
    vx_tree_insert(&model->by_num, &host->num, &ent->by_num);
    vx_runset_add(&model->nums, host->num);
    if (host->system_id[0]) {
        vx_tree_insert(&model->by_system_id, host->system_id,
                       &ent->by_system_id);
    }
    if (host->vtep.family) {
        vx_tree_insert(&model->by_vtep, &host->vtep, &ent->by_vtep);
        model->n_vteps[host->vtep.family == 6]++;
    }
    if (host->mtu) {
        vx_tree_insert(&model->host_mtus, &mtu, &ent->by_mtu);
    }
    model->n_external += host->external;
}

static void
host_unlink(struct vx_model *model, struct vx_host_ent *ent)
{
    const struct vx_host *host = host_value(ent->e.obj);
    struct vx_zone_ent *zone = (void *) vx_model_ent(model, host->zone);

    vx_tree_remove(&zone->hosts, &ent->by_zone);
    vx_tree_remove(&model->by_num, &ent->by_num);
    vx_runset_remove(&model->nums, host->num);
    if (host->system_id[0]) {
        vx_tree_remove(&model->by_system_id, &ent->by_system_id);
    }
    if (host->vtep.family) {
        vx_tree_remove(&model->by_vtep, &ent->by_vtep);
        model->n_vteps[host->vtep.family == 6]--;
    }
    if (host->mtu) {
        vx_tree_remove(&model->host_mtus, &ent->by_mtu);
    }
    model->n_external -= host->external;
}

/* The VNI of a router network is held by its tenant.  Its MTU follows the
 * hosts and keeps none out. */
static void
network_link(struct vx_model *model, struct vx_network_ent *ent)
{
    const struct vx_network *network = (const void *) ent->e.obj;
    struct mtu_key mtu = { network->mtu, network->o.oid };

    if (vx_network_is_router(network)) {
        ((struct vx_tenant_ent *) (void *) ent->e.parent)->router_net =
            &ent->e;
    } else {
        vni_link(model, &ent->vni, &ent->e, network->vni);
        vx_tree_insert(&model->network_mtus, &mtu, &ent->by_mtu);
    }
}

static void
network_unlink(struct vx_model *model, struct vx_network_ent *ent)
{
    const struct vx_network *network = (const void *) ent->e.obj;

    if (vx_network_is_router(network)) {
        ((struct vx_tenant_ent *) (void *) ent->e.parent)->router_net = NULL;
    } else {
        vni_unlink(model, &ent->vni);
        vx_tree_remove(&model->network_mtus, &ent->by_mtu);
    }
}

static void
port_link(struct vx_model *model, struct vx_port_ent *ent)
{
    const struct vx_port *port = port_value(&ent->e);
    struct vx_network_ent *net = (void *) ent->e.parent;
    uint64_t location = vx_port_location(port);

    vx_tree_insert(&net->by_mac, &port->mac, &ent->by_mac);
    vx_tree_insert(&model->by_iface_id, port->iface_id, &ent->by_iface_id);
    if (location) {
        struct vx_host_ent *host = (void *) vx_model_ent(model, location);

        vx_tree_insert(&host->ports, &port->o.oid, &ent->by_host);
    }
    if (port->migrate_from) {
        struct vx_host_ent *host = (void *) vx_model_ent(model, port->host);

        vx_tree_insert(&host->arrivals, &port->o.oid, &ent->by_target);
    }
    if (port->n_ips) {
        ent->ips = vx_xcalloc(port->n_ips, sizeof *ent->ips);
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        ent->ips[i].port = &ent->e;
        ent->ips[i].index = i;
        vx_tree_insert(&net->by_ip, &port->ips[i], &ent->ips[i].node);
        vx_runset_add(&net->used, vx_model_ip_number(&port->ips[i]));
    }
}

static void
port_unlink(struct vx_model *model, struct vx_port_ent *ent)
{
    const struct vx_port *port = port_value(&ent->e);
    struct vx_network_ent *net = (void *) ent->e.parent;
    uint64_t location = vx_port_location(port);

    vx_tree_remove(&net->by_mac, &ent->by_mac);
    vx_tree_remove(&model->by_iface_id, &ent->by_iface_id);
    if (location) {
        struct vx_host_ent *host = (void *) vx_model_ent(model, location);

        vx_tree_remove(&host->ports, &ent->by_host);
    }
    if (port->migrate_from) {
        struct vx_host_ent *host = (void *) vx_model_ent(model, port->host);

        vx_tree_remove(&host->arrivals, &ent->by_target);
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        vx_tree_remove(&net->by_ip, &ent->ips[i].node);
        vx_runset_remove(&net->used, vx_model_ip_number(&port->ips[i]));
    }
    free(ent->ips);
    ent->ips = NULL;
}

static void
subnet_link(struct vx_model *model, struct vx_subnet_ent *ent)
{
    const struct vx_subnet *subnet = (const void *) ent->e.obj;
    struct vx_network_ent *net = (void *) ent->e.parent;
    struct vx_tenant_ent *tenant = (void *) ent->e.parent->parent;

    vx_tree_insert(&net->by_prefix, &subnet->prefix.ip, &ent->by_prefix);
    if (subnet->route) {
        vx_tree_insert(&tenant->routed, &subnet->prefix.ip, &ent->by_routed);
    }
    if (subnet->announce) {
        vx_serve_announce(model, tenant, 1);
    }
}

static void
subnet_unlink(struct vx_model *model, struct vx_subnet_ent *ent)
{
    const struct vx_subnet *subnet = (const void *) ent->e.obj;
    struct vx_network_ent *net = (void *) ent->e.parent;
    struct vx_tenant_ent *tenant = (void *) ent->e.parent->parent;

    vx_tree_remove(&net->by_prefix, &ent->by_prefix);
    if (subnet->route) {
        vx_tree_remove(&tenant->routed, &ent->by_routed);
    }
    if (subnet->announce) {
        vx_serve_announce(model, tenant, -1);
    }
}

static struct vx_via_node *
vias_link(struct vx_ent *owner, const struct vx_ip *via, size_t n)
{
    struct vx_tenant_ent *tenant = (void *) owner->parent;
    struct vx_via_node *nodes = n ? vx_xcalloc(n, sizeof *nodes) : NULL;

    for (size_t i = 0; i < n; i++) {
        const struct via_key key = { &via[i], owner->obj->oid };

        nodes[i].owner = owner;
        nodes[i].ip = &via[i];
        vx_tree_insert(&tenant->vias, &key, &nodes[i].node);
    }
    return nodes;
}

static void
vias_unlink(struct vx_ent *owner, struct vx_via_node *nodes, size_t n)
{
    struct vx_tenant_ent *tenant = (void *) owner->parent;

    for (size_t i = 0; i < n; i++) {
        vx_tree_remove(&tenant->vias, &nodes[i].node);
    }
    free(nodes);
}

static void
route_link(struct vx_model *model, struct vx_route_ent *ent)
{
    const struct vx_route *route = (const void *) ent->e.obj;
    struct vx_tenant_ent *tenant = (void *) ent->e.parent;

    vx_runset_add(&model->hop_nums, route->num);
    ent->vias = vias_link(&ent->e, route->via, route->n_via);
    if (route->o.origin != VX_BY_OPERATOR) {
        tenant->n_learned_routes++;
    } else if (route->announce) {
        vx_serve_announce(model, tenant, 1);
    }
}

static void
route_unlink(struct vx_model *model, struct vx_route_ent *ent)
{
    const struct vx_route *route = (const void *) ent->e.obj;
    struct vx_tenant_ent *tenant = (void *) ent->e.parent;

    vx_runset_remove(&model->hop_nums, route->num);
    vias_unlink(&ent->e, ent->vias, route->n_via);
    ent->vias = NULL;
    if (route->o.origin != VX_BY_OPERATOR) {
        tenant->n_learned_routes--;
    } else if (route->announce) {
        vx_serve_announce(model, tenant, -1);
    }
}

static void
policy_link(struct vx_model *model, struct vx_policy_ent *ent)
{
    const struct vx_policy *policy = policy_value(ent->e.obj);
    struct vx_tenant_ent *tenant = (void *) ent->e.parent;

    vx_runset_add(&model->hop_nums, policy->num);
    ent->vias = vias_link(&ent->e, policy->via, policy->n_via);
    vx_tree_insert(&tenant->priorities, &policy->priority,
                   &ent->by_priority);
    if (policy->match.network) {
        struct vx_network_ent *net =
            (void *) vx_model_ent(model, policy->match.network);

        vx_tree_insert(&net->policies, &policy->o.oid, &ent->by_network);
    }
}

static void
policy_unlink(struct vx_model *model, struct vx_policy_ent *ent)
{
    const struct vx_policy *policy = policy_value(ent->e.obj);
    struct vx_tenant_ent *tenant = (void *) ent->e.parent;

    vx_runset_remove(&model->hop_nums, policy->num);
    vias_unlink(&ent->e, ent->vias, policy->n_via);
    ent->vias = NULL;
    vx_tree_remove(&tenant->priorities, &ent->by_priority);
    if (policy->match.network) {
        struct vx_network_ent *net =
            (void *) vx_model_ent(model, policy->match.network);

        vx_tree_remove(&net->policies, &ent->by_network);
    }
}

static void
value_link(struct vx_model *model, struct vx_ent *ent)
{
    const void *value = ent->obj;
    void *any = ent;

    switch (ent->obj->kind) {
    case VX_ZONE:
        vx_runset_add(&model->zone_nums,
                      ((const struct vx_zone *) value)->num);
        break;
    case VX_HOST:
        host_link(model, any);
        break;
    case VX_TENANT:
        vni_link(model, &((struct vx_tenant_ent *) any)->router, ent,
                 ((const struct vx_tenant *) value)->router_vni);
        vx_serve_rd_link(model, any);
        break;
    case VX_NETWORK:
        network_link(model, any);
        break;
    case VX_SUBNET:
        subnet_link(model, any);
        break;
    case VX_PORT:
        port_link(model, any);
        break;
    case VX_RETIRED_VNI:
        vni_link(model, &((struct vx_retired_ent *) any)->vni, ent,
                 ((const struct vx_retired_vni *) value)->vni);
        vx_retired_insert(&model->retired, any);
        break;
    case VX_ROUTE:
        route_link(model, any);
        break;
    case VX_POLICY:
        policy_link(model, any);
        break;
    case VX_GATEWAY:
        vx_gateway_link(model, any);
        break;
    case VX_PEERING: case VX_UPLINK:
        vx_peering_link(model, any);
        break;
    case VX_NONE: case VX_N_KINDS:
    default:
        break;
    }
}

static void
value_unlink(struct vx_model *model, struct vx_ent *ent)
{
    const void *value = ent->obj;
    void *any = ent;

    switch (ent->obj->kind) {
    case VX_ZONE:
        vx_runset_remove(&model->zone_nums,
                         ((const struct vx_zone *) value)->num);
        break;
    case VX_HOST:
        host_unlink(model, any);
        break;
    case VX_TENANT:
        vni_unlink(model, &((struct vx_tenant_ent *) any)->router);
        vx_serve_rd_unlink(model, any);
        break;
    case VX_NETWORK:
        network_unlink(model, any);
        break;
    case VX_SUBNET:
        subnet_unlink(model, any);
        break;
    case VX_PORT:
        port_unlink(model, any);
        break;
    case VX_RETIRED_VNI:
        vni_unlink(model, &((struct vx_retired_ent *) any)->vni);
        vx_retired_remove(&model->retired, any);
        break;
    case VX_ROUTE:
        route_unlink(model, any);
        break;
    case VX_POLICY:
        policy_unlink(model, any);
        break;
    case VX_GATEWAY:
        vx_gateway_unlink(model, any);
        break;
    case VX_PEERING: case VX_UPLINK:
        vx_peering_unlink(model, any);
        break;
    case VX_NONE: case VX_N_KINDS:
    default:
        break;
    }
}

/* --- Entries. */

static struct vx_ent *
ent_alloc(enum vx_kind kind)
{
    static const size_t sizes[VX_N_KINDS] = {
        [VX_ZONE] = sizeof(struct vx_zone_ent),
        [VX_HOST] = sizeof(struct vx_host_ent),
        [VX_TENANT] = sizeof(struct vx_tenant_ent),
        [VX_NETWORK] = sizeof(struct vx_network_ent),
        [VX_SUBNET] = sizeof(struct vx_subnet_ent),
        [VX_PORT] = sizeof(struct vx_port_ent),
        [VX_RETIRED_VNI] = sizeof(struct vx_retired_ent),
        [VX_ROUTE] = sizeof(struct vx_route_ent),
        [VX_POLICY] = sizeof(struct vx_policy_ent),
        [VX_GATEWAY] = sizeof(struct vx_gateway_ent),
        [VX_PEERING] = sizeof(struct vx_peering_ent),
        [VX_UPLINK] = sizeof(struct vx_peering_ent),
    };
    void *ent = vx_xcalloc(1, sizes[kind]);

    if (kind == VX_ZONE) {
        vx_tree_init(&((struct vx_zone_ent *) ent)->hosts, host_by_zone);
    } else if (kind == VX_HOST) {
        vx_tree_init(&((struct vx_host_ent *) ent)->ports, port_by_host);
        vx_tree_init(&((struct vx_host_ent *) ent)->arrivals,
                     port_by_target);
    } else if (kind == VX_TENANT) {
        struct vx_tenant_ent *tenant = ent;

        vx_tree_init(&tenant->networks, by_name);
        vx_tree_init(&tenant->routes, by_name);
        vx_tree_init(&tenant->policies, by_name);
        vx_tree_init(&tenant->routed, by_routed);
        vx_tree_init(&tenant->vias, by_via);
        vx_tree_init(&tenant->priorities, by_priority);
        vx_tree_init(&tenant->peerings, by_name);
        vx_serve_init_tenant(tenant);
    } else if (kind == VX_GATEWAY) {
        vx_serve_init_gateway(ent);
    } else if (kind == VX_NETWORK) {
        struct vx_network_ent *net = ent;

        vx_tree_init(&net->subnets, by_name);
        vx_tree_init(&net->ports, by_name);
        vx_tree_init(&net->by_prefix, by_prefix);
        vx_tree_init(&net->by_mac, by_mac);
        vx_tree_init(&net->by_ip, by_ip);
        vx_tree_init(&net->policies, policy_by_network);
        vx_runset_init(&net->used);
    }
    return ent;
}

static void
ent_free(struct vx_ent *ent)
{
    if (ent->obj->kind == VX_PORT) {
        free(((struct vx_port_ent *) (void *) ent)->ips);
    } else if (ent->obj->kind == VX_NETWORK) {
        vx_runset_fini(&((struct vx_network_ent *) (void *) ent)->used);
    } else if (ent->obj->kind == VX_ROUTE) {
        free(((struct vx_route_ent *) (void *) ent)->vias);
    } else if (ent->obj->kind == VX_POLICY) {
        free(((struct vx_policy_ent *) (void *) ent)->vias);
    } else if (ent->obj->kind == VX_GATEWAY) {
        vx_serve_free_gateway((void *) ent);
    }
    vx_obj_unref(ent->obj);
    free(ent);
}

/* Operators' ports count for the quota of their tenant. */
static void
count(struct vx_model *model, const struct vx_ent *ent, int step)
{
    model->counts[ent->obj->kind] += (size_t) step;
    if (ent->obj->kind == VX_PORT && ent->obj->origin == VX_BY_OPERATOR) {
        struct vx_tenant_ent *tenant = (void *) ent->parent->parent;

        tenant->n_ports += (size_t) step;
    }
}

static struct vx_tree *
names_of(struct vx_model *model, enum vx_kind kind, struct vx_ent *parent)
{
    return (struct vx_tree *) vx_model_names(model, kind, parent);
}

static void
ent_insert(struct vx_model *model, struct vx_ent *ent)
{
    const struct vx_obj *obj = ent->obj;
    struct vx_tree_node *clash;

    if (obj->parent) {
        ent->parent = vx_model_ent(model, obj->parent);
    }
    clash = vx_tree_insert(&model->by_oid, &obj->oid, &ent->by_oid);
    assert(!clash);
    clash = vx_tree_insert(names_of(model, obj->kind, ent->parent),
                           obj->name, &ent->by_name);
    assert(!clash);
    (void) clash;
    count(model, ent, 1);
}

void
vx_model_set(struct vx_model *model, const struct vx_obj *old,
             const struct vx_obj *new)
{
    struct vx_ent *ent;

    if (old) {
        ent = vx_model_ent(model, old->oid);
        assert(ent && ent->obj == old);
        value_unlink(model, ent);
    } else {
        ent = ent_alloc(new->kind);
    }
    if (!new) {
        count(model, ent, -1);
        vx_tree_remove(&model->by_oid, &ent->by_oid);
        vx_tree_remove(names_of(model, old->kind, ent->parent),
                       &ent->by_name);
        ent_free(ent);
        return;
    }
    ent->obj = vx_obj_ref(new);
    if (!old) {
        ent_insert(model, ent);
    }
    value_link(model, ent);
    vx_obj_unref(old);
}

void
vx_model_free_entries(struct vx_model *model)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &model->by_oid) {
        struct vx_ent *ent = VX_CONTAINER(node, struct vx_ent, by_oid);

        vx_tree_remove(&model->by_oid, node);
        ent_free(ent);
    }
}
