/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the model: look-ups, keys and iteration.  Changes nothing. */
#include "core/model_priv.h"

#include <stdio.h>
#include <string.h>

/* --- By number. */

struct vx_ent *
vx_model_ent(const struct vx_model *model, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&model->by_oid, &oid);

    return node ? VX_CONTAINER(node, struct vx_ent, by_oid) : NULL;
}

struct vx_ent *
vx_model_ent_of(const struct vx_model *model, uint64_t oid,
                enum vx_kind kind)
{
    struct vx_ent *ent = oid ? vx_model_ent(model, oid) : NULL;

    return ent && ent->obj->kind == kind ? ent : NULL;
}

const struct vx_obj *
vx_model_by_oid(const struct vx_model *model, uint64_t oid)
{
    const struct vx_ent *ent = vx_model_ent(model, oid);

    return ent ? ent->obj : NULL;
}

const struct vx_ent *
vx_model_vni_holder(const struct vx_model *model, uint32_t vni)
{
    struct vx_tree_node *node = vx_tree_find(&model->by_vni, &vni);

    return node ? VX_CONTAINER(node, struct vx_vni_node, node)->owner : NULL;
}

const struct vx_network *
vx_model_by_vni(const struct vx_model *model, uint32_t vni)
{
    const struct vx_ent *ent = vx_model_vni_holder(model, vni);

    if (ent && ent->obj->kind == VX_TENANT) {
        ent = vx_tenant_ent(ent)->router_net;
    }
    return ent && ent->obj->kind == VX_NETWORK ? (const void *) ent->obj
                                               : NULL;
}

#define VALUE(NODE, TYPE, MEMBER) \
    ((NODE) ? (const void *) VX_CONTAINER(NODE, TYPE, MEMBER)->e.obj : NULL)

const struct vx_port *
vx_model_by_iface_id(const struct vx_model *model, const char *iface_id)
{
    struct vx_tree_node *node = vx_tree_find(&model->by_iface_id, iface_id);

    return VALUE(node, struct vx_port_ent, by_iface_id);
}

const struct vx_host *
vx_model_by_system_id(const struct vx_model *model, const char *system_id)
{
    struct vx_tree_node *node = vx_tree_find(&model->by_system_id, system_id);

    return VALUE(node, struct vx_host_ent, by_system_id);
}

const struct vx_host *
vx_model_by_vtep(const struct vx_model *model, const struct vx_ip *vtep)
{
    struct vx_tree_node *node = vx_tree_find(&model->by_vtep, vtep);

    return VALUE(node, struct vx_host_ent, by_vtep);
}

size_t
vx_model_n_arrivals(const struct vx_model *model, uint64_t host)
{
    const struct vx_ent *ent = vx_model_ent_of(model, host, VX_HOST);

    return ent ? ((const struct vx_host_ent *) (const void *)
                  ent)->arrivals.count : 0;
}

const struct vx_host *
vx_model_host_by_num(const struct vx_model *model, uint32_t num)
{
    struct vx_tree_node *node = vx_tree_find(&model->by_num, &num);

    return VALUE(node, struct vx_host_ent, by_num);
}

/* --- Inside a network. */

struct vx_subnet_ent *
vx_network_subnet_of(const struct vx_network_ent *net, const struct vx_ip *ip)
{
    struct vx_tree_node *node = vx_tree_floor(&net->by_prefix, ip);
    struct vx_subnet_ent *ent;

    if (!node) {
        return NULL;
    }
    ent = VX_CONTAINER(node, struct vx_subnet_ent, by_prefix);
    return vx_prefix_contains(
        &((const struct vx_subnet *) (const void *) ent->e.obj)->prefix, ip)
        ? ent : NULL;
}

struct vx_ent *
vx_network_port_by_ip(const struct vx_network_ent *net,
                      const struct vx_ip *ip)
{
    struct vx_tree_node *node = vx_tree_find(&net->by_ip, ip);

    return node ? VX_CONTAINER(node, struct vx_ip_node, node)->port : NULL;
}

struct vx_ent *
vx_network_port_by_mac(const struct vx_network_ent *net,
                       const struct vx_mac *mac)
{
    struct vx_tree_node *node = vx_tree_find(&net->by_mac, mac);

    return node ? &VX_CONTAINER(node, struct vx_port_ent, by_mac)->e : NULL;
}

struct vx_ent *
vx_network_port_in(const struct vx_network_ent *net,
                   const struct vx_prefix *prefix)
{
    struct vx_tree_node *node = vx_tree_ceil(&net->by_ip, &prefix->ip);
    const struct vx_ip_node *in;
    const struct vx_port *port;

    if (!node) {
        return NULL;
    }
    in = VX_CONTAINER(node, struct vx_ip_node, node);
    port = (const void *) in->port->obj;
    return vx_prefix_contains(prefix, &port->ips[in->index]) ? in->port
                                                             : NULL;
}

struct vx_ent *
vx_network_port_by_eui64(const struct vx_network_ent *net,
                         const struct vx_ip *ip)
{
    struct vx_mac mac = { { ip->b[8] ^ 2, ip->b[9], ip->b[10], ip->b[13],
                            ip->b[14], ip->b[15] } };
    struct vx_ip made = vx_ip_link_local(&mac);

    return vx_ip_compare(&made, ip) ? NULL
                                    : vx_network_port_by_mac(net, &mac);
}

const struct vx_port *
vx_model_hop(const struct vx_model *model, uint64_t tenant,
             const struct vx_ip *ip)
{
    const struct vx_ent *ent = vx_model_ent_of(model, tenant, VX_TENANT);
    const struct vx_subnet_ent *subnet = ent
        ? vx_tenant_subnet_of(vx_tenant_ent(ent), ip) : NULL;
    const struct vx_ent *port = subnet
        ? vx_network_port_by_ip(vx_network_ent(subnet->e.parent), ip) : NULL;

    return port ? (const void *) port->obj : NULL;
}

/* --- By name. */

const struct vx_tree *
vx_model_names(const struct vx_model *model, enum vx_kind kind,
               const struct vx_ent *parent)
{
    switch (kind) {
    case VX_NETWORK:
        return &vx_tenant_ent(parent)->networks;
    case VX_ROUTE:
        return &vx_tenant_ent(parent)->routes;
    case VX_POLICY:
        return &vx_tenant_ent(parent)->policies;
    case VX_PEERING:
        return &vx_tenant_ent(parent)->peerings;
    case VX_SUBNET:
        return &vx_network_ent(parent)->subnets;
    case VX_PORT:
        return &vx_network_ent(parent)->ports;
    default:
        return &model->by_name[kind];
    }
}

static struct vx_ent *
ent_at(struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct vx_ent, by_name) : NULL;
}

struct vx_ent *
vx_ent_by_name(const struct vx_tree *names, const char *name)
{
    return ent_at(vx_tree_find(names, name));
}

const char *
vx_model_canonical(enum vx_kind kind, const char *name,
                   char buf[VX_PREFIX_STRLEN])
{
    struct vx_prefix prefix;

    return (kind == VX_SUBNET || kind == VX_ROUTE)
           && vx_prefix_parse(name, &prefix)
           ? vx_prefix_format(&prefix, buf) : name;
}

/* 0, 1 (tenant) or 2 (tenant, network) names stand before the last one. */
static unsigned
n_levels(enum vx_kind kind)
{
    return kind == VX_SUBNET || kind == VX_PORT ? 2
           : kind == VX_NETWORK || kind == VX_ROUTE || kind == VX_POLICY
             || kind == VX_PEERING;
}

static const char *
text(const char *s)
{
    return s ? s : "";
}

bool
vx_model_resolve(const struct vx_model *model, enum vx_kind kind,
                 const struct vx_key *key, struct vx_ent **ret_parent,
                 struct vx_error *err)
{
    struct vx_ent *parent = NULL, *tenant;

    if (n_levels(kind) >= 1) {
        parent = vx_ent_by_name(&model->by_name[VX_TENANT],
                                text(key->tenant));
        if (!parent) {
            return vx_fail(err, VX_NOT_FOUND, "tenant",
                           "no tenant \"%.80s\"", text(key->tenant));
        }
    }
    if (n_levels(kind) == 2) {
        tenant = parent;
        parent = vx_ent_by_name(&vx_tenant_ent(tenant)->networks,
                                text(key->network));
        if (!parent) {
            return vx_fail(err, VX_NOT_FOUND, "network",
                           "no network \"%.80s\" in tenant \"%s\"",
                           text(key->network), tenant->obj->name);
        }
    }
    *ret_parent = parent;
    return true;
}

const struct vx_obj *
vx_model_find(const struct vx_model *model, enum vx_kind kind,
              const struct vx_key *key, struct vx_error *err)
{
    struct vx_ent *parent, *ent;
    char cidr[VX_PREFIX_STRLEN], path[160];
    const char *name;

    if (kind <= VX_NONE || kind >= VX_N_KINDS) {
        vx_fail(err, VX_NOT_FOUND, "", "no such kind of object");
        return NULL;
    }
    if (!vx_model_resolve(model, kind, key, &parent, err)) {
        return NULL;
    }
    name = vx_model_canonical(kind, text(key->name), cidr);
    ent = vx_ent_by_name(vx_model_names(model, kind, parent), name);
    if (ent) {
        return ent->obj;
    }
    if (err && parent) {
        vx_fail(err, VX_NOT_FOUND, "name", "no %s \"%.80s\" in %s \"%s\"",
                vx_kind_name(kind), name, vx_kind_name(parent->obj->kind),
                vx_model_path(model, parent->obj, path, sizeof path));
    } else {
        vx_fail(err, VX_NOT_FOUND, "name", "no %s \"%.80s\"",
                vx_kind_name(kind), name);
    }
    return NULL;
}

struct vx_key
vx_model_key(const struct vx_model *model, const struct vx_obj *obj)
{
    struct vx_key key = { .name = obj->name };
    const struct vx_ent *parent = obj->parent
        ? vx_model_ent(model, obj->parent) : NULL;

    if (parent && parent->parent) {
        key.tenant = parent->parent->obj->name;
        key.network = parent->obj->name;
    } else if (parent) {
        key.tenant = parent->obj->name;
    }
    return key;
}

const char *
vx_model_path(const struct vx_model *model, const struct vx_obj *obj,
              char *buf, size_t size)
{
    struct vx_key key = vx_model_key(model, obj);

    snprintf(buf, size, "%s%s%s%s%s", text(key.tenant),
             key.tenant ? "/" : "", text(key.network),
             key.network ? "/" : "", key.name);
    return buf;
}

/* --- Iteration: a stack of tenant, network, leaf.  pos[l] is the entry of
 * level l (0 tenant, 1 network) or the next one to return (the last level,
 * always pos[2]).  Levels below `fixed` are given by the scope. */

static const struct vx_tree *
level_names(const struct vx_iter *iter, unsigned l)
{
    unsigned levels = n_levels(iter->kind);
    enum vx_kind kind = l == levels ? iter->kind
                        : l == 0 ? VX_TENANT : VX_NETWORK;

    return vx_model_names(iter->model, kind, l ? iter->pos[l - 1] : NULL);
}

/* Sets level l to ent and the levels below it to their first entries; moves
 * on where there are none.  Leaves leaf NULL at the end. */
static void
settle(struct vx_iter *iter, unsigned l, struct vx_ent *ent)
{
    unsigned levels = n_levels(iter->kind);

    for (;;) {
        iter->pos[l] = ent;
        if (ent && l == levels) {
            return;
        }
        if (ent) {
            l++;
            ent = ent_at(vx_tree_first(level_names(iter, l)));
        } else if (l > iter->n_fixed) {
            l--;
            ent = ent_at(vx_tree_next(
                &((struct vx_ent *) iter->pos[l])->by_name));
        } else {
            iter->pos[levels] = NULL;
            return;
        }
    }
}

/* The first entry after name, or at it if `at`. */
static struct vx_ent *
seek(const struct vx_tree *names, const char *name, bool at)
{
    struct vx_ent *ent = ent_at(vx_tree_ceil(names, name));

    return ent && !at && !strcmp(ent->obj->name, name)
           ? ent_at(vx_tree_next(&ent->by_name)) : ent;
}

static const char *
key_part(const struct vx_key *key, unsigned l, unsigned levels)
{
    return !key ? "" : l == levels ? text(key->name)
           : l == 0 ? text(key->tenant) : text(key->network);
}

/* Places the iterator from level l on; the levels above equal `after`. */
static void
start(struct vx_iter *iter, const struct vx_key *after)
{
    unsigned levels = n_levels(iter->kind), l;

    for (l = iter->n_fixed; ; l++) {
        const struct vx_tree *names = level_names(iter, l);
        const char *part = key_part(after, l, levels);
        struct vx_ent *ent;

        if (!part[0]) {
            settle(iter, l, ent_at(vx_tree_first(names)));
            return;
        }
        ent = seek(names, part, l < levels);
        if (!ent || l == levels || strcmp(ent->obj->name, part)) {
            settle(iter, l, ent);
            return;
        }
        iter->pos[l] = ent;
    }
}

void
vx_iter_init(struct vx_iter *iter, const struct vx_model *model,
             enum vx_kind kind, const struct vx_key *scope,
             const struct vx_key *after)
{
    unsigned levels = n_levels(kind), l;

    memset(iter, 0, sizeof *iter);
    iter->model = model;
    iter->kind = kind;
    for (l = 0; l < levels && key_part(scope, l, levels)[0]; l++) {
        const char *name = key_part(scope, l, levels);
        const char *from = key_part(after, l, levels);
        struct vx_ent *ent = vx_ent_by_name(level_names(iter, l), name);
        int c = from[0] ? strcmp(from, name) : 0;

        if (!ent || c > 0) {
            iter->pos[levels] = NULL;   /* nothing in scope, or all before */
            return;
        }
        if (c < 0) {
            after = NULL;               /* all of the scope comes after */
        }
        iter->pos[l] = ent;
        iter->n_fixed = l + 1;
    }
    start(iter, after);
}

const struct vx_obj *
vx_iter_next(struct vx_iter *iter)
{
    unsigned levels = n_levels(iter->kind);
    struct vx_ent *ent = iter->pos[levels];

    if (!ent) {
        return NULL;
    }
    settle(iter, levels, ent_at(vx_tree_next(&ent->by_name)));
    return ent->obj;
}
