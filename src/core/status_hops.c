/* SPDX-License-Identifier: Apache-2.0 */
/* How it is with a route or policy: which port each of its next hops is, and
 * whether it lives.  Asked by the API for each answer; nothing is kept, so
 * nothing can be stale.  O(hops * log n). */
#include "core/status.h"

#include <stdio.h>

static size_t
hops_of(const struct vx_obj *obj, const struct vx_ip **ret_via)
{
    const void *value = obj;

    if (obj->kind == VX_ROUTE) {
        *ret_via = ((const struct vx_route *) value)->via;
        return ((const struct vx_route *) value)->n_via;
    }
    *ret_via = ((const struct vx_policy *) value)->via;
    return ((const struct vx_policy *) value)->n_via;
}

/* O(gateways of the tenant). */
static void
find_legs(const struct vx_model *model, const struct vx_obj *obj,
          struct vx_leg_hops *ret_legs)
{
    const struct vx_gateway *gateway;
    struct vx_serve_iter iter;

    *ret_legs = (struct vx_leg_hops) { .n = 0 };
    vx_serving_init(&iter, model, obj->parent);
    while ((gateway = vx_serving_next(&iter))) {
        vx_leg_hops_add(ret_legs, vx_model_leg(model, gateway->o.oid,
                                               obj->parent));
    }
}

static bool
is_to_gateways(const struct vx_obj *obj)
{
    return obj->kind == VX_POLICY
           && ((const struct vx_policy *) (const void *) obj)->action
              == VX_POLICY_GATEWAY;
}

/* What becomes of the packets meanwhile. */
static const char *
consequence(const struct vx_obj *obj)
{
    return obj->kind == VX_ROUTE ? "packets are answered with unreachable"
           : ((const struct vx_policy *) (const void *) obj)->fail_closed
           ? "packets are dropped (fail closed)"
           : "packets go on as if the policy were not there (fail open)";
}

static void
judge(const struct vx_obj *obj, size_t n_found, size_t n_alive,
      struct vx_hops_status *status)
{
    char ip[VX_IP_STRLEN];
    size_t i = 0;

    if (n_alive == status->n_hops) {
        return;
    }
    while (i + 1 < status->n_hops && status->hops[i].alive) {
        i++;
    }
    vx_ip_format(&status->hops[i].ip, ip);
    if (n_alive) {
        status->state = VX_HOPS_DEGRADED;
        snprintf(status->reason, sizeof status->reason, "%zu of %zu next "
                 "hops live; %s %s", n_alive, status->n_hops, ip,
                 status->hops[i].port[0] ? "does not answer"
                 : "is no address of a port");
    } else if (n_found) {
        status->state = VX_HOPS_DOWN;
        snprintf(status->reason, sizeof status->reason, "no next hop "
                 "answers: %s", consequence(obj));
    } else {
        status->state = VX_HOPS_UNRESOLVED;
        snprintf(status->reason, sizeof status->reason, "no port has %s: %s",
                 ip, consequence(obj));
    }
}

/* Policies concern what goes through the tenant's router: where nothing does
 * they are in force nowhere. */
static const char *
not_in_force(const struct vx_model *model, const struct vx_obj *obj)
{
    const struct vx_policy *policy = (const void *) obj;
    const struct vx_obj *tenant = vx_model_by_oid(model, obj->parent);
    const struct vx_obj *network = policy->match.network
        ? vx_model_by_oid(model, policy->match.network) : NULL;
    struct vx_key scope = { .tenant = tenant->name };
    const struct vx_obj *subnet;
    struct vx_iter iter;

    if (network) {
        scope.network = network->name;
    }
    vx_iter_init(&iter, model, VX_SUBNET, &scope, NULL);
    while ((subnet = vx_iter_next(&iter))) {
        if (subnet->origin == VX_BY_OPERATOR
            && ((const struct vx_subnet *) (const void *) subnet)->route) {
            return NULL;
        }
    }
    return network ? "no subnet of the network that it matches is routed"
                   : "no subnet of the tenant is routed";
}

void
vx_hops_status_eval(const struct vx_model *model, const struct vx_obj *obj,
                    vx_port_alive *alive, void *aux,
                    struct vx_hops_status *ret_status)
{
    struct vx_leg_hops legs;
    const struct vx_ip *via;
    size_t n = hops_of(obj, &via), n_found = 0, n_alive = 0;
    struct vx_hops_status *s = ret_status;
    const char *why;

    if (is_to_gateways(obj)) {
        find_legs(model, obj, &legs);
        via = legs.ips;
        n = legs.n;
    }
    s->state = VX_HOPS_ACTIVE;
    s->reason[0] = '\0';
    s->is_idle = false;
    s->n_hops = n;
    for (size_t i = 0; i < n; i++) {
        struct vx_hop_status *hop = &s->hops[i];
        const struct vx_port *port = vx_model_hop(model, obj->parent,
                                                  &via[i]);

        hop->ip = via[i];
        hop->port[0] = '\0';
        if (port) {
            vx_model_path(model, &port->o, hop->port, sizeof hop->port);
        }
        hop->alive = port && (!alive || alive(aux, port->o.oid));
        n_found += port != NULL;
        n_alive += hop->alive;
    }
    if (is_to_gateways(obj) && !n) {
        s->state = VX_HOPS_UNRESOLVED;
        snprintf(s->reason, sizeof s->reason, "the tenant has no gateway "
                 "(netctl peering add): %s", consequence(obj));
        return;
    }
    judge(obj, n_found, n_alive, s);
    s->is_idle = obj->kind == VX_POLICY && (why = not_in_force(model, obj));
    if (s->is_idle) {
        s->state = VX_HOPS_UNRESOLVED;
        snprintf(s->reason, sizeof s->reason, "not in force on hosts: %s "
                 "(netctl subnet set --route)", why);
    }
}

const char *
vx_hops_state_name(enum vx_hops_state state)
{
    static const char *const names[] = {
        [VX_HOPS_ACTIVE] = "active", [VX_HOPS_DEGRADED] = "degraded",
        [VX_HOPS_UNRESOLVED] = "unresolved", [VX_HOPS_DOWN] = "down",
    };

    return names[state];
}
