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
};

static char **
string_at(const struct vx_obj *obj, size_t i)
{
    return (char **) (void *) ((char *) obj + kinds[obj->kind].strings[i]);
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
    if (obj->kind == VX_SUBNET) {
        struct vx_subnet *s = (struct vx_subnet *) copy;

        s->ranges = s->n_ranges
            ? vx_xmemdup(s->ranges, s->n_ranges * sizeof *s->ranges) : NULL;
    } else if (obj->kind == VX_PORT) {
        struct vx_port *p = (struct vx_port *) copy;

        p->ips = p->n_ips ? vx_xmemdup(p->ips, p->n_ips * sizeof *p->ips)
                          : NULL;
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
    if (obj->kind == VX_SUBNET) {
        free(((struct vx_subnet *) obj)->ranges);
    } else if (obj->kind == VX_PORT) {
        free(((struct vx_port *) obj)->ips);
    }
    free(obj->name);
    free(obj->description);
    free(obj);
}

static bool
same_host(const struct vx_host *a, const struct vx_host *b)
{
    return a->zone == b->zone && a->num == b->num
           && !vx_ip_compare(&a->vtep, &b->vtep) && a->mtu == b->mtu
           && a->stranger == b->stranger && a->draining == b->draining;
}

static bool
same_tenant(const struct vx_tenant *a, const struct vx_tenant *b)
{
    return a->router_vni == b->router_vni
           && a->quota_networks == b->quota_networks
           && a->quota_ports == b->quota_ports;
}

static bool
same_subnet(const struct vx_subnet *a, const struct vx_subnet *b)
{
    if (vx_prefix_compare(&a->prefix, &b->prefix)
        || vx_ip_compare(&a->gateway, &b->gateway)
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
    if (vx_mac_compare(&a->mac, &b->mac) || a->n_ips != b->n_ips
        || a->host != b->host || a->located != b->located
        || a->migrate_from != b->migrate_from
        || a->migrate_hold != b->migrate_hold || a->guard != b->guard) {
        return false;
    }
    for (size_t i = 0; i < a->n_ips; i++) {
        if (vx_ip_compare(&a->ips[i], &b->ips[i])) {
            return false;
        }
    }
    return true;
}

static bool
same_members(const struct vx_obj *a, const struct vx_obj *b)
{
    const struct vx_network *na = (const void *) a, *nb = (const void *) b;
    const struct vx_retired_vni *ra = (const void *) a,
                                *rb = (const void *) b;

    switch (a->kind) {
    case VX_HOST:
        return same_host((const void *) a, (const void *) b);
    case VX_TENANT:
        return same_tenant((const void *) a, (const void *) b);
    case VX_NETWORK:
        return na->vni == nb->vni && na->mtu == nb->mtu;
    case VX_SUBNET:
        return same_subnet((const void *) a, (const void *) b);
    case VX_PORT:
        return same_port((const void *) a, (const void *) b);
    case VX_RETIRED_VNI:
        return ra->vni == rb->vni && ra->until_ms == rb->until_ms;
    case VX_NONE: case VX_ZONE: case VX_N_KINDS:
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
