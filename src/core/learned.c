/* SPDX-License-Identifier: Apache-2.0 */
/* Items that gateways report, and what depends on them; see learned.h. */
#include "core/learned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/learned_priv.h"
#include "lib/xalloc.h"

static const char *const type_names[VX_N_LEARNED] = {
    [VX_LEARNED_ROUTE] = "route", [VX_LEARNED_ROUTE5] = "route5",
    [VX_LEARNED_ENDPOINT] = "endpoint", [VX_LEARNED_VTEP] = "vtep",
    [VX_LEARNED_FLOWSPEC] = "flowspec",
};

const char *
vx_learned_type_name(enum vx_learned_type type)
{
    return type_names[type];
}

bool
vx_learned_type_parse(const char *name, enum vx_learned_type *ret_type)
{
    for (int i = 0; i < VX_N_LEARNED; i++) {
        if (!strcmp(name, type_names[i])) {
            *ret_type = (enum vx_learned_type) i;
            return true;
        }
    }
    return false;
}

void
vx_learned_key(const struct vx_learned *item, char key[VX_LEARNED_KEY_SIZE])
{
    char prefix[VX_PREFIX_STRLEN], ip[VX_IP_STRLEN], mac[VX_MAC_STRLEN];
    const size_t size = VX_LEARNED_KEY_SIZE;

    switch (item->type) {
    case VX_LEARNED_ROUTE:
        snprintf(key, size, "%.63s %s", item->tenant,
                 vx_prefix_format(&item->prefix, prefix));
        break;
    case VX_LEARNED_ROUTE5:
        snprintf(key, size, "%.63s %s %s", item->tenant,
                 vx_prefix_format(&item->prefix, prefix),
                 vx_ip_format(&item->vtep, ip));
        break;
    case VX_LEARNED_ENDPOINT:
        snprintf(key, size, "%u %s", item->vni,
                 vx_mac_format(&item->mac, mac));
        break;
    case VX_LEARNED_VTEP:
        snprintf(key, size, "%u %s", item->vni,
                 vx_ip_format(&item->vtep, ip));
        break;
    case VX_LEARNED_FLOWSPEC:
        snprintf(key, size, "%.63s fs-%016llx", item->tenant,
                 (unsigned long long) item->rule_hash);
        break;
    case VX_N_LEARNED:
        break;
    }
}

/* --- Copies. */

static char *
copy_text(const char *text)
{
    return text ? vx_xstrdup(text) : NULL;
}

static void *
copy_array(const void *array, size_t n, size_t size)
{
    return n ? vx_xmemdup(array, n * size) : NULL;
}

static struct vx_policy_spec *
copy_rule(const struct vx_policy_spec *rule)
{
    struct vx_policy_spec *copy = vx_xmemdup(rule, sizeof *rule);
    struct vx_policy_match *match = &copy->match;

    copy->via = copy_array(rule->via, rule->n_via, sizeof *rule->via);
    copy->network = copy_text(rule->network);
    match->sports = copy_array(match->sports, match->n_sports,
                               sizeof *match->sports);
    match->dports = copy_array(match->dports, match->n_dports,
                               sizeof *match->dports);
    return copy;
}

struct vx_learned *
vx_learned_clone(const struct vx_learned *item)
{
    struct vx_learned *copy = vx_xmemdup(item, sizeof *item);

    copy->tenant = copy_text(item->tenant);
    copy->peering = copy_text(item->peering);
    copy->ips = copy_array(item->ips, item->n_ips, sizeof *item->ips);
    copy->rule = item->rule ? copy_rule(item->rule) : NULL;
    return copy;
}

static void
free_const(const void *p)
{
    free((void *) (uintptr_t) p);
}

void
vx_learned_free(struct vx_learned *item)
{
    if (!item) {
        return;
    }
    if (item->rule) {
        free_const(item->rule->via);
        free_const(item->rule->network);
        free(item->rule->match.sports);
        free(item->rule->match.dports);
        free_const(item->rule);
    }
    free_const(item->tenant);
    free_const(item->peering);
    free_const(item->ips);
    free(item);
}

static bool
same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* Beyond what is in the key; a rule is its hash. */
bool
vx_learned_same(const struct vx_learned *a, const struct vx_learned *b)
{
    return same_text(a->peering, b->peering)
           && !vx_ip_compare(&a->vtep, &b->vtep)
           && !vx_mac_compare(&a->mac, &b->mac) && a->seq == b->seq
           && a->n_ips == b->n_ips
           && (!a->n_ips
               || !memcmp(a->ips, b->ips, a->n_ips * sizeof *a->ips));
}

static const char *
check_route(const struct vx_learned *item)
{
    return !item->tenant || !item->tenant[0] ? "it names no tenant"
           : !item->prefix.ip.family ? "it has no prefix" : NULL;
}

const char *
vx_learned_check(const struct vx_learned *item)
{
    bool vni = item->vni >= VX_VNI_MIN && item->vni <= VX_VNI_MAX;

    switch (item->type) {
    case VX_LEARNED_ROUTE:
        return check_route(item);
    case VX_LEARNED_ROUTE5:
        return check_route(item) ? check_route(item)
               : !vx_ip_is_host(&item->vtep) ? "it has no VTEP"
               : !vx_mac_is_unicast(&item->mac) ? "it has no router MAC"
               : NULL;
    case VX_LEARNED_ENDPOINT:
        return !vni ? "it has no VNI"
               : !vx_ip_is_host(&item->vtep) ? "it has no VTEP"
               : !vx_mac_is_unicast(&item->mac) ? "it has no MAC"
               : item->n_ips > VX_PORT_MAX_IPS ? "it has too many addresses"
               : NULL;
    case VX_LEARNED_VTEP:
        return !vni ? "it has no VNI"
               : !vx_ip_is_host(&item->vtep) ? "it has no VTEP" : NULL;
    case VX_LEARNED_FLOWSPEC:
        return !item->tenant || !item->tenant[0] ? "it names no tenant"
               : !item->rule ? "it has no rule" : NULL;
    case VX_N_LEARNED:
        break;
    }
    return "its type is not known";
}

/* --- Targets. */

int
vx_target_compare(const struct vx_target *a, const struct vx_target *b)
{
    return a->type != b->type ? (a->type < b->type ? -1 : 1)
           : strcmp(a->key, b->key);
}

static void
add_target(struct vx_target *ret, size_t *n, enum vx_target_type type,
           const struct vx_learned *item)
{
    struct vx_target *target = &ret[(*n)++];
    char ip[VX_IP_STRLEN], prefix[VX_PREFIX_STRLEN];
    const size_t size = sizeof target->key;

    target->type = type;
    switch (type) {
    case VX_TARGET_HOST:
        snprintf(target->key, size, "%s", vx_ip_format(&item->vtep, ip));
        break;
    case VX_TARGET_ROUTER:
        snprintf(target->key, size, "%.63s %s", item->tenant,
                 vx_ip_format(&item->vtep, ip));
        break;
    case VX_TARGET_FLOOD:
        snprintf(target->key, size, "%u %s", item->vni,
                 vx_ip_format(&item->vtep, ip));
        break;
    case VX_TARGET_ROUTE:
        snprintf(target->key, size, "%.63s %s", item->tenant,
                 vx_prefix_format(&item->prefix, prefix));
        break;
    default:
        vx_learned_key(item, target->key);
        break;
    }
}

size_t
vx_learned_targets(const struct vx_learned *item,
                   struct vx_target ret[VX_LEARNED_MAX_TARGETS])
{
    size_t n = 0;

    if (item->type == VX_LEARNED_ROUTE5 || item->type == VX_LEARNED_ENDPOINT
        || item->type == VX_LEARNED_VTEP) {
        add_target(ret, &n, VX_TARGET_HOST, item);
    }
    switch (item->type) {
    case VX_LEARNED_ROUTE:
        add_target(ret, &n, VX_TARGET_ROUTE, item);
        break;
    case VX_LEARNED_ROUTE5:
        add_target(ret, &n, VX_TARGET_ROUTER, item);
        add_target(ret, &n, VX_TARGET_ROUTE, item);
        break;
    case VX_LEARNED_ENDPOINT:
        add_target(ret, &n, VX_TARGET_PORT, item);
        break;
    case VX_LEARNED_VTEP:
        add_target(ret, &n, VX_TARGET_FLOOD, item);
        break;
    case VX_LEARNED_FLOWSPEC:
        add_target(ret, &n, VX_TARGET_POLICY, item);
        break;
    case VX_N_LEARNED:
        break;
    }
    return n;
}

void
vx_learned_host_name(const struct vx_ip *vtep, char name[VX_NAME_MAX + 1])
{
    char ip[VX_IP_STRLEN];

    snprintf(name, VX_NAME_MAX + 1, "vtep-%s", vx_ip_format(vtep, ip));
    for (char *p = name; *p; p++) {
        *p = *p == ':' ? '-' : *p;
    }
}

static bool
target_of_port(const struct vx_model *model, const struct vx_port *port,
               struct vx_target *target)
{
    const struct vx_network *network = (const void *)
        vx_model_by_oid(model, port->o.parent);
    const struct vx_host *host = (const void *)
        (port->host ? vx_model_by_oid(model, port->host) : NULL);
    const struct vx_obj *tenant = network
        ? vx_model_by_oid(model, network->o.parent) : NULL;
    char text[VX_IP_STRLEN];
    const size_t size = sizeof target->key;

    if (!tenant || !host) {
        return false;
    }
    if (!strcmp(network->o.name, VX_ROUTER_NETWORK)) {
        target->type = VX_TARGET_ROUTER;
        snprintf(target->key, size, "%.63s %s", tenant->name,
                 vx_ip_format(&host->vtep, text));
    } else if (!strncmp(port->o.name, "vtep-", 5)) {
        target->type = VX_TARGET_FLOOD;
        snprintf(target->key, size, "%u %s", network->vni,
                 vx_ip_format(&host->vtep, text));
    } else {
        target->type = VX_TARGET_PORT;
        snprintf(target->key, size, "%u %s", network->vni,
                 vx_mac_format(&port->mac, text));
    }
    return true;
}

bool
vx_target_of(const struct vx_model *model, const struct vx_obj *obj,
             struct vx_target *ret_target)
{
    const struct vx_obj *tenant = obj->parent
        ? vx_model_by_oid(model, obj->parent) : NULL;
    const struct vx_host *host = (const void *) obj;
    char ip[VX_IP_STRLEN];

    if (obj->origin != VX_BY_BGP) {
        return false;
    }
    switch (obj->kind) {
    case VX_HOST:
        ret_target->type = VX_TARGET_HOST;
        snprintf(ret_target->key, sizeof ret_target->key, "%s",
                 vx_ip_format(&host->vtep, ip));
        return true;
    case VX_PORT:
        return target_of_port(model, (const void *) obj, ret_target);
    case VX_ROUTE:
    case VX_POLICY:
        ret_target->type = obj->kind == VX_ROUTE ? VX_TARGET_ROUTE
                                                 : VX_TARGET_POLICY;
        if (tenant) {
            snprintf(ret_target->key, sizeof ret_target->key, "%.63s %.63s",
                     tenant->name, obj->name);
        }
        return tenant != NULL;
    default:
        return false;
    }
}
