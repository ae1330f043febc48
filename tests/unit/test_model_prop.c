/* SPDX-License-Identifier: Apache-2.0 */
/* Random batches against a naive reference (model_reference.h): an array of
 * objects and one predicate, ref_is_legal().
 *
 * What the model accepts must lead to a legal state; what it refuses, applied
 * naively, must not be legal (or must have run into a quota or an empty
 * pool).  A refused or rolled back batch must leave an equal dump; every few
 * rounds the model is replaced by one that was loaded from its own objects.
 *
 * VX_SEED=N runs another sequence, VX_ROUNDS=N a longer one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/validate.h"
#include "lib/buf.h"
#include "tests/lib/model_check.h"
#include "tests/lib/model_fixture.h"
#include "tests/lib/model_lines.h"
#include "tests/lib/model_reference.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

enum { MAX_BATCH = 4, LAST_AUTO_VNI = 7 };

static const struct vx_vni_range auto_range = { 1, LAST_AUTO_VNI };
static const struct vx_vni_range reserved = { 3, 3 };

static uint64_t rng;

static unsigned
roll(unsigned n)
{
    uint64_t z = rng += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned) ((z ^ (z >> 31)) % n);
}

static struct vx_model *
new_model(void)
{
    struct vx_model_config config = {
        .vni_ranges = &auto_range, .n_vni_ranges = 1,
        .vni_reserved = &reserved, .n_vni_reserved = 1,
        .vni_quarantine_ms = 10, .mac_prefix = 0x0a,
    };

    return vx_model_new(&config);
}

static struct vx_model *
reload(struct vx_model *model)
{
    struct vx_model *copy = new_model();
    char *before = mc_dump(model), *after;
    struct ref_state s;

    ref_read(model, &s);
    for (size_t i = 0; i < s.n; i++) {
        struct vx_error err;

        if (!vx_model_load(copy, vx_obj_clone(s.objs[i]), &err)) {
            fail_msg("load %s: %s", s.objs[i]->name, err.message);
        }
    }
    vx_model_loaded(copy, vx_model_revision(model),
                    vx_model_last_oid(model));
    after = mc_dump(copy);
    assert_string_equal(before, after);
    free(before);
    free(after);
    vx_model_free(model);
    return copy;
}

/* --- Random lines. */

static const char *const cidrs[] = {
    "10.0.0.0/29", "10.0.0.0/28", "10.0.1.0/30", "10.0.2.0/31",
    "fd00::/125", "fd00::/64",
};
static const char *const ips[] = {
    "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.7", "10.0.0.9", "10.0.1.1",
    "10.0.1.2", "10.0.2.0", "fd00::", "fd00::2", "fd00::9", "fe80::1",
    "fe80::800:ff:fe00:1", "fe80::800:ff:fe00:2",
};
static const char *const prefixes[] = {
    "10.0.0.0/28", "10.9.0.0/16", "fd00::/64", "::/0", "fd00::/125",
};
static const char *const hops[] = {
    "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.2", "fd00::2", "fd00::3",
};
#define PICK(ARRAY) (ARRAY)[roll(N_ELEMS(ARRAY))]

static void
members(struct vx_buf *b, const char *kind)
{
    static const unsigned mtus[] = { 0, 0, 1500, 1520, 9000 };

    if (!strcmp(kind, "host")) {
        vx_buf_printf(b, " zone=z%u mtu=%u", roll(2), PICK(mtus));
        if (roll(2)) {
            vx_buf_printf(b, " system_id=s%u", roll(4));
        }
        if (roll(2)) {
            vx_buf_printf(b, " vtep=%s%u", roll(8) ? "192.0.2." : "fd0f::",
                          roll(4) + 1);
        }
    } else if (!strcmp(kind, "zone")) {
        for (unsigned i = roll(4); i < 2; i++) {
            vx_buf_printf(b, " border=h%u", roll(4));
        }
    } else if (!strcmp(kind, "route") || !strcmp(kind, "policy")) {
        for (unsigned i = roll(3); i < 2; i++) {
            vx_buf_printf(b, " via=%s", PICK(hops));
        }
        if (kind[0] == 'p') {
            vx_buf_printf(b, " priority=%u", roll(4) + 1);
            if (!roll(3)) {
                vx_buf_printf(b, " network=n%u", roll(3));
            }
        }
        if (kind[0] == 'r' && !roll(3)) {
            vx_buf_puts(b, " announce=yes");
        }
    } else if (!strcmp(kind, "tenant")) {
        if (!roll(5)) {
            vx_buf_printf(b, " rd=1:%u", roll(2) + 1);
        }
        vx_buf_printf(b, " router=%s quota_ports=%u quota_networks=%u",
                      roll(3) ? "no" : "yes", roll(3) * 3, roll(3));
        if (!roll(6)) {
            vx_buf_puts(b, " router=none");
        }
        if (!roll(6)) {
            vx_buf_printf(b, " router_vni=%u", roll(12));
        }
    } else if (!strcmp(kind, "network")) {
        vx_buf_printf(b, " mtu=%u", roll(9) ? 0 : 1470);
        if (!roll(3)) {
            vx_buf_printf(b, " vni=%u", roll(12));
        }
    } else if (!strcmp(kind, "subnet")) {
        if (!roll(3)) {
            vx_buf_printf(b, " gateway=%s", roll(3) ? PICK(ips) : "none");
        }
        if (!roll(3)) {
            vx_buf_printf(b, " route=%s", roll(3) ? "no" : "yes");
        }
        if (!roll(3)) {
            vx_buf_printf(b, " range=10.0.0.%u-10.0.0.%u", roll(4), roll(9));
        }
        if (!roll(3)) {
            vx_buf_printf(b, " announce=yes hosts=%s", roll(2) ? "yes"
                                                               : "no");
        }
    } else if (!strcmp(kind, "port")) {
        for (unsigned i = roll(4); i < 2; i++) {
            vx_buf_printf(b, " ip=%s", PICK(ips));
        }
        if (!roll(3)) {
            vx_buf_printf(b, " mac=0a:00:00:00:00:%02x", roll(4));
        }
        if (roll(2)) {
            vx_buf_printf(b, " host=%c%u", roll(20) ? 'h' : 'x', roll(4));
        }
        if (!roll(4)) {
            vx_buf_printf(b, " from=h%u", roll(4));
        }
        if (!roll(3)) {
            vx_buf_printf(b, " iface_id=i%u", roll(3));
        }
    }
}

static void
random_line(struct vx_buf *b)
{
    static const char *const kinds[] = {
        "zone", "host", "host", "tenant", "tenant", "network", "network",
        "network", "subnet", "subnet", "subnet", "subnet", "port", "port",
        "port", "port", "port", "port", "port", "route", "route", "route",
        "policy", "policy", "policy",
    };
    const char *kind = PICK(kinds), *verb = roll(4) ? "put" : "delete";

    vx_buf_clear(b);
    if (!roll(5)) {
        ml_bgp(b, roll);
        return;
    }
    if (!roll(5)) {
        ml_others(b, roll);
        return;
    }
    if (!roll(14)) {
        vx_buf_printf(b, "release vni %u", roll(12) + 1);
        return;
    }
    if (!strcmp(kind, "port") && !roll(5)) {
        vx_buf_printf(b, "%s port t%u/n%u/p%u host=h%u",
                      roll(2) ? "locate" : "arrive", roll(2), roll(2),
                      roll(4), roll(4));
        return;
    }
    vx_buf_puts(b, verb);
    vx_buf_puts(b, " ");
    vx_buf_puts(b, kind);
    vx_buf_puts(b, " ");
    if (!strcmp(kind, "network")) {
        vx_buf_printf(b, "t%u/n%u", roll(2), roll(3));
    } else if (!strcmp(kind, "subnet")) {
        vx_buf_printf(b, "t%u/n%u/%s", roll(2), roll(2), PICK(cidrs));
    } else if (!strcmp(kind, "route")) {
        vx_buf_printf(b, "t%u/%s", roll(2), PICK(prefixes));
    } else if (!strcmp(kind, "policy")) {
        vx_buf_printf(b, "t%u/p%u", roll(2), roll(3));
    } else if (!strcmp(kind, "port")) {
        vx_buf_printf(b, "t%u/n%u/p%u", roll(2), roll(2), roll(4));
    } else {
        vx_buf_printf(b, "%c%u", kind[0], roll(kind[0] == 'h' ? 4 : 2));
    }
    if (verb[0] == 'p') {
        members(b, kind);
    }
    if (!roll(20)) {
        vx_buf_printf(b, " if_match=%u", roll(100) + 1);
    }
}

/* --- Was a refusal right?  The naive proposal with what was given. */

static void
naive_zone(const struct ref_state *s, const struct vx_op *op,
           struct vx_zone *zone)
{
    zone->num = zone->num ? zone->num : 100;
    free(zone->borders);
    zone->n_borders = op->spec.zone.n_borders;
    zone->borders = calloc(zone->n_borders + 1, sizeof *zone->borders);
    assert_non_null(zone->borders);
    for (size_t i = 0; i < zone->n_borders; i++) {
        const struct vx_host *host = (const void *)
            ref_by_name(s, VX_HOST, 0, op->spec.zone.borders[i]);

        zone->borders[i] = host && host->zone == zone->o.oid
            && (!i || host->o.oid != zone->borders[0])
            ? host->o.oid : UINT64_MAX;         /* refers to nothing */
    }
}

/* Whether the tenant routes: its router stays. */
static bool
is_routing(const struct ref_state *s, const struct vx_obj *tenant,
           bool with_routes)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct vx_obj *o = s->objs[i];

        if ((o->kind == VX_POLICY && o->parent == tenant->oid)
            || (o->kind == VX_NETWORK && o->origin == VX_BY_SYSTEM
                && o->parent == tenant->oid)
            || (o->kind == VX_ROUTE && with_routes
                && o->parent == tenant->oid)
            || (o->kind == VX_SUBNET
                && ((const struct vx_subnet *) (const void *) o)->route
                && ref_tenant_of(s, o) == tenant->oid)) {
            return true;
        }
    }
    return false;
}

static void
naive_tenant(const struct ref_state *s, const struct vx_op *op,
             struct vx_tenant *tenant)
{
    const struct vx_tenant_spec *spec = &op->spec.tenant;

    if (spec->router_vni) {
        tenant->router_vni = spec->router_vni;
    } else if (spec->no_router
               || (!spec->router && !is_routing(s, &tenant->o, true))) {
        tenant->router_vni = 0;
    }
    tenant->rd = spec->rd;
}

static void
naive_bgp(const struct ref_state *s, const struct vx_op *op, void *v)
{
    struct vx_gateway *gateway = v;
    struct vx_peering *peering = v;
    const struct vx_peering *from = &op->spec.peering.value;
    const struct vx_obj *up;

    if (op->kind == VX_GATEWAY) {
        up = ref_by_name(s, VX_HOST, 0, op->spec.gateway.host);
        gateway->host = up ? up->oid : 0;
        return;
    }
    up = ref_by_name(s, VX_GATEWAY, 0, op->spec.peering.gateway);
    peering->gateway = up ? up->oid : 0;
    peering->peer = from->peer;
    free(peering->device);
    peering->device = strdup(from->device ? from->device : "");
}

static struct vx_ip *
naive_via(const struct vx_ip *via, size_t n)
{
    struct vx_ip *copy = calloc(n + 1, sizeof *copy);

    assert_non_null(copy);
    for (size_t i = 0; i < n; i++) {
        copy[i] = via[i];
    }
    return copy;
}

static void
naive_hops(const struct ref_state *s, const struct vx_op *op, void *v)
{
    struct vx_route *route = v;
    struct vx_policy *policy = v;
    const struct vx_obj *net;

    if (op->kind == VX_ROUTE) {
        assert_true(vx_prefix_parse(op->key.name, &route->prefix));
        route->num = route->num ? route->num : 100;
        free(route->via);
        route->n_via = op->spec.route.n_via;
        route->via = naive_via(op->spec.route.via, route->n_via);
        return;
    }
    policy->num = policy->num ? policy->num : 100;
    policy->priority = op->spec.policy.priority;
    free(policy->via);
    policy->n_via = op->spec.policy.n_via;
    policy->via = naive_via(op->spec.policy.via, policy->n_via);
    net = op->spec.policy.network
        ? ref_by_name(s, VX_NETWORK, policy->o.parent,
                      op->spec.policy.network) : NULL;
    policy->match.network = net ? net->oid
        : op->spec.policy.network ? UINT64_MAX : 0;
}

/* p is still as it was. */
static void
naive_migration(const struct ref_state *s, const struct vx_op *op,
                const struct vx_obj *host, struct vx_port *p)
{
    const char *name = op->spec.port.migrate_from;
    const struct vx_obj *from = name ? ref_by_name(s, VX_HOST, 0, name)
                                     : NULL;
    uint64_t at = vx_port_location(p);

    if (!name) {
        p->migrate_from = 0;
    } else if (!from || !host || from == host) {
        p->migrate_from = UINT64_MAX;           /* refers to nothing */
    } else if (!at || at == host->oid) {
        p->migrate_from = 0;
    } else {
        p->migrate_from = at == from->oid ? at : UINT64_MAX;
    }
}

static void
naive_port(const struct ref_state *s, const struct vx_op *op,
           struct vx_port *p)
{
    const char *name = op->spec.port.host;
    const struct vx_obj *host = name ? ref_by_name(s, VX_HOST, 0, name)
                                     : NULL;

    naive_migration(s, op, host, p);
    p->host = host ? host->oid : name ? UINT64_MAX : 0;
    p->located = name ? 0 : p->located;
    if (op->spec.port.has_mac) {
        p->mac = op->spec.port.mac;
    } else if (!vx_mac_to_u64(&p->mac)) {
        p->mac = vx_mac_from_u64(UINT64_C(0x0eeeeeeeeeee));
    }
    if (op->spec.port.n_ips) {
        free(p->ips);
        p->n_ips = op->spec.port.n_ips;
        p->ips = calloc(p->n_ips, sizeof *p->ips);
        assert_non_null(p->ips);
        memcpy(p->ips, op->spec.port.ips, p->n_ips * sizeof *p->ips);
    }
    free(p->iface_id);
    p->iface_id = strdup(op->spec.port.iface_id
                         ? op->spec.port.iface_id : "(default)");
}

static void
naive_values(const struct ref_state *s, const struct fx_op *fx,
             struct vx_obj *new)
{
    void *v = new;
    const struct vx_op *op = &fx->op;

    if (new->kind == VX_HOST) {
        struct vx_host *h = v;
        const struct vx_obj *zone = ref_by_name(s, VX_ZONE, 0,
                                            op->spec.host.zone);

        h->zone = zone ? zone->oid : 0;
        h->num = h->num ? h->num : 100;
        free(h->system_id);
        h->system_id = strdup(op->spec.host.system_id
                              ? op->spec.host.system_id : "");
        h->vtep = op->spec.host.vtep;
        h->mtu = op->spec.host.mtu;
    } else if (new->kind == VX_TENANT) {
        naive_tenant(s, op, v);
    } else if (new->kind == VX_ZONE) {
        naive_zone(s, op, v);
    } else if (new->kind == VX_ROUTE || new->kind == VX_POLICY) {
        naive_hops(s, op, v);
    } else if (new->kind == VX_NETWORK) {
        struct vx_network *n = v;

        n->vni = op->spec.network.vni ? op->spec.network.vni : n->vni;
        n->mtu = op->spec.network.mtu ? op->spec.network.mtu
                                      : VX_MTU_DEFAULT;
    } else if (new->kind == VX_SUBNET) {
        struct vx_subnet *sub = v;

        assert_true(vx_prefix_parse(op->key.name, &sub->prefix));
        sub->gateway = op->spec.subnet.gateway;
        if (!sub->gateway.family && !op->spec.subnet.no_gateway
            && !vx_prefix_is_tiny(&sub->prefix)) {
            sub->gateway = vx_prefix_first_usable(&sub->prefix);
        }
        sub->route = op->spec.subnet.route
            || (!op->spec.subnet.no_route && sub->gateway.family);
        sub->announce = op->spec.subnet.announce;
        sub->host_routes = op->spec.subnet.host_routes;
        free(sub->ranges);
        sub->n_ranges = op->spec.subnet.n_ranges;
        sub->ranges = calloc(sub->n_ranges + 1, sizeof *sub->ranges);
        assert_non_null(sub->ranges);
        if (sub->n_ranges) {
            sub->ranges[0] = op->spec.subnet.ranges[0];
        }
    } else if (new->kind == VX_PORT) {
        naive_port(s, op, v);
    } else {
        naive_bgp(s, op, v);
    }
}

static bool
vias_are_wrong(const struct vx_ip *via, size_t n, uint8_t family)
{
    for (size_t i = 0; i < n; i++) {
        if (via[i].family != family
            || (i && !vx_ip_compare(&via[0], &via[i]))) {
            return true;
        }
    }
    return false;
}

/* Values that are wrong by themselves. */
static bool
wrong_alone(const struct vx_obj *new)
{
    const struct vx_port *p = (const void *) new;
    const struct vx_subnet *s = (const void *) new;
    const struct vx_route *route = (const void *) new;
    const struct vx_policy *policy = (const void *) new;

    if (new->kind == VX_ROUTE) {
        return !route->n_via
               || vias_are_wrong(route->via, route->n_via,
                                 route->prefix.ip.family);
    }
    if (new->kind == VX_POLICY) {
        return policy->n_via
               && vias_are_wrong(policy->via, policy->n_via,
                                 policy->via[0].family);
    }
    if (new->kind == VX_SUBNET) {
        return (s->announce && !s->route)
               || (s->gateway.family
                && (s->gateway.family != s->prefix.ip.family
                    || !vx_prefix_is_usable(&s->prefix, &s->gateway)))
               || (s->n_ranges
                   && (vx_ip_compare(&s->ranges->first, &s->ranges->last) > 0
                       || !vx_prefix_contains(&s->prefix, &s->ranges->first)
                       || !vx_prefix_contains(&s->prefix,
                                              &s->ranges->last)));
    }
    return new->kind == VX_PORT && p->n_ips == 2
           && !vx_ip_compare(&p->ips[0], &p->ips[1]);
}

static uint64_t
parent_of(const struct ref_state *s, const struct vx_op *op, bool *ret_missing)
{
    const struct vx_obj *parent = NULL;

    *ret_missing = false;
    if (op->kind < VX_NETWORK || op->kind == VX_RETIRED_VNI
        || op->kind == VX_GATEWAY || op->kind == VX_UPLINK) {
        return 0;
    }
    parent = ref_by_name(s, VX_TENANT, 0, op->key.tenant);
    if (parent && op->key.network) {
        parent = ref_by_name(s, VX_NETWORK, parent->oid, op->key.network);
    }
    *ret_missing = !parent;
    return parent ? parent->oid : 0;
}

static bool
has_ports(const struct ref_state *s, const struct vx_obj *network)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->objs[i]->kind == VX_PORT
            && s->objs[i]->parent == network->oid) {
            return true;
        }
    }
    return false;
}

static bool
put_is_illegal(struct ref_state *s, const struct fx_op *fx,
               const struct vx_obj *old, uint64_t parent)
{
    struct vx_obj *new = old ? vx_obj_clone(old) : vx_obj_new(fx->op.kind);
    bool illegal;

    if (!old) {
        new->oid = VX_OID_MAX;
        new->parent = parent;
        free(new->name);
        new->name = strdup(fx->op.key.name);
    }
    naive_values(s, fx, new);
    illegal = wrong_alone(new)
              || (old && new->kind == VX_NETWORK && has_ports(s, old)
                  && ref_vni_of(new) != ref_vni_of(old))
              || (old && new->kind == VX_TENANT && ref_vni_of(old)
                  && is_routing(s, old, false)
                  && ref_vni_of(new) != ref_vni_of(old));
    ref_replace(s, old, new);
    illegal = illegal || !ref_is_legal(s);
    vx_obj_unref(new);
    return illegal;
}

static unsigned
n_children(const struct ref_state *s, enum vx_kind kind, uint64_t tenant)
{
    unsigned n = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct vx_obj *o = s->objs[i];
        const struct vx_obj *net = o->kind == VX_PORT
            ? ref_by_oid(s, o->parent, VX_NETWORK) : NULL;

        n += o->kind == kind && o->origin == VX_BY_OPERATOR
             && (net ? net->parent : o->parent) == tenant;
    }
    return n;
}

/* Whether each family with a subnet has a free address. */
static bool
has_free_ip(const struct ref_state *s, const struct fx_op *fx)
{
    bool has_subnet[2] = { false }, has_free[2] = { false }, missing;
    uint64_t network = parent_of(s, &fx->op, &missing);

    for (size_t i = 0; i < s->n; i++) {
        const struct vx_subnet *sub = (const void *) s->objs[i];
        unsigned __int128 n;

        if (sub->o.kind != VX_SUBNET || sub->o.parent != network) {
            continue;
        }
        has_subnet[sub->prefix.ip.family == 6] = true;
        n = vx_ip_to_u128(&sub->prefix.ip);
        for (int k = 0; k < 32; k++, n++) {
            struct vx_ip ip = vx_ip_from_u128(n, sub->prefix.ip.family);
            bool taken = !vx_ip_compare(&ip, &sub->gateway)
                || !vx_prefix_is_usable(&sub->prefix, &ip)
                || (sub->n_ranges
                    && (vx_ip_compare(&ip, &sub->ranges->first) < 0
                        || vx_ip_compare(&ip, &sub->ranges->last) > 0));

            for (size_t j = 0; j < s->n; j++) {
                taken = taken || (s->objs[j]->kind == VX_PORT
                    && s->objs[j]->parent == network
                    && ref_has_ip((const void *) s->objs[j], &ip));
            }
            has_free[ip.family == 6] = has_free[ip.family == 6] || !taken;
        }
    }
    return (!has_subnet[0] || has_free[0]) && (!has_subnet[1] || has_free[1]);
}

static bool
is_exhausted(const struct ref_state *s, const struct fx_op *fx,
             const struct vx_error *err)
{
    const struct vx_tenant *t = NULL;
    bool taken[LAST_AUTO_VNI + 1] = { [0] = true, [3] = true };

    for (size_t i = 0; i < s->n; i++) {
        if (ref_vni_of(s->objs[i]) <= LAST_AUTO_VNI) {
            taken[ref_vni_of(s->objs[i])] = true;
        }
    }
    if (!strcmp(err->field, "vni") || !strcmp(err->field, "router_vni")) {
        return !memchr(taken, false, sizeof taken);
    }
    if (fx->op.key.tenant) {
        t = (const void *) ref_by_name(s, VX_TENANT, 0, fx->op.key.tenant);
    }
    if (!strcmp(err->field, "quota_ports")) {
        return n_children(s, VX_PORT, t->o.oid) >= t->quota_ports;
    }
    if (!strcmp(err->field, "quota_networks")) {
        return n_children(s, VX_NETWORK, t->o.oid) >= t->quota_networks;
    }
    return !strcmp(err->field, "ips") && !has_free_ip(s, fx);
}

/* What is not an operator's keeps nothing. */
static void
keep_operators(struct ref_state *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (s->objs[i]->origin == VX_BY_OPERATOR) {
            s->objs[n++] = s->objs[i];
        }
    }
    s->n = n;
}

static bool
refusal_is_right(const struct vx_model *model, const struct fx_op *fx,
                 const struct vx_error *err)
{
    const struct vx_obj *old;
    struct ref_state s;
    bool missing;
    uint64_t parent;

    ref_read(model, &s);
    parent = parent_of(&s, &fx->op, &missing);
    if (missing) {
        return err->code == VX_NOT_FOUND;
    }
    old = ref_by_name(&s, fx->op.kind, parent, fx->op.key.name);
    if (fx->op.if_match && (!old || old->revision != fx->op.if_match)) {
        return err->code == (old || fx->op.type == VX_OP_PUT
                             ? VX_PRECONDITION : VX_NOT_FOUND);
    }
    if (err->code == VX_EXHAUSTED) {
        return is_exhausted(&s, fx, err);
    }
    if (fx->op.origin != VX_BY_OPERATOR) {
        return true;        /* the controller's own mistakes */
    }
    if (err->code == VX_FORBIDDEN) {
        return old && old->origin != VX_BY_OPERATOR;
    }
    if (fx->op.type == VX_OP_PUT) {
        return put_is_illegal(&s, fx, old, parent);
    }
    if ((fx->op.type == VX_OP_LOCATE || fx->op.type == VX_OP_ARRIVE)
        && old) {
        return !ref_by_name(&s, VX_HOST, 0, fx->op.spec.port.host);
    }
    if (!old) {
        return err->code == VX_NOT_FOUND;
    }
    keep_operators(&s);
    ref_replace(&s, old, NULL);
    return !ref_is_legal(&s);
}

/* --- The runs. */

static void
replay(struct ref_state *s, const struct vx_model *model, size_t mark)
{
    size_t n;
    const struct vx_change *changes = vx_model_staged(model, &n);

    for (; mark < n; mark++) {
        ref_replace(s, changes[mark].old, changes[mark].new);
    }
}

static void
same_state(const struct ref_state *a, const struct ref_state *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_ptr_equal(ref_by_oid(b, a->objs[i]->oid, a->objs[i]->kind),
                         a->objs[i]);
    }
}

static bool
one_batch(struct vx_model *model, struct vx_buf *line)
{
    static struct fx_op fx[MAX_BATCH];
    struct vx_op ops[MAX_BATCH];
    size_t n = roll(3) ? 1 : roll(MAX_BATCH) + 1, failed = 0;
    size_t mark = vx_model_mark(model);
    uint64_t revision = vx_model_revision(model);
    char *before = mc_dump(model), *after;
    struct ref_state naive, actual;
    struct vx_error err;
    bool ok;

    ref_read(model, &naive);
    for (size_t i = 0; i < n; i++) {
        random_line(line);
        fx_parse(&fx[i], vx_buf_str(line));
        ops[i] = fx[i].op;
    }
    ok = vx_model_apply(model, ops, n, FX_NOW_MS, NULL, &failed, &err);
    if (ok) {
        replay(&naive, model, mark);
        ref_read(model, &actual);
        same_state(&actual, &naive);
        if (!ref_is_legal(&actual)) {
            fail_msg("accepted, though illegal: %s", vx_buf_str(line));
        }
        assert_true(ref_has_routers(&actual));
        assert_int_equal(vx_model_revision(model),
                         revision + (vx_model_mark(model) > mark));
    } else if (n == 1 && !refusal_is_right(model, &fx[0], &err)) {
        fail_msg("refused, though legal: %s: %s", vx_buf_str(line),
                 err.message);
    }
    if (ok && !roll(3)) {
        vx_model_rollback(model, mark);
        ok = false;
    }
    if (!ok) {
        after = mc_dump(model);
        assert_string_equal(before, after);
        free(after);
    }
    free(before);
    return ok;
}

static void
run(uint64_t seed, unsigned rounds)
{
    struct vx_model *model = new_model();
    struct vx_buf line = VX_BUF_INIT;
    unsigned n_kept = 0;

    rng = seed;
    print_message("# VX_SEED=%ju, %u rounds\n", (uintmax_t) seed, rounds);
    for (unsigned i = 0; i < rounds; i++) {
        n_kept += one_batch(model, &line);
        mc_check_indexes(model);
        if (!roll(4)) {
            vx_model_commit(model);
        }
        if (!roll(50)) {
            vx_model_commit(model);
            model = reload(model);
        }
    }
    print_message("# %u batches kept, %zu ports, %zu routes, %zu policies, "
                  "%zu peerings, %zu uplinks at the end\n", n_kept,
                  vx_model_count(model, VX_PORT),
                  vx_model_count(model, VX_ROUTE),
                  vx_model_count(model, VX_POLICY),
                  vx_model_count(model, VX_PEERING),
                  vx_model_count(model, VX_UPLINK));
    assert_true(n_kept > rounds / 10);
    vx_buf_fini(&line);
    vx_model_free(model);
}

static void
random_batches_agree_with_the_naive_reference(void **state)
{
    (void) state;
    const char *seed = getenv("VX_SEED"), *rounds = getenv("VX_ROUNDS");
    unsigned n = rounds ? (unsigned) strtoul(rounds, NULL, 10) : 3000;

    if (seed) {
        run(strtoull(seed, NULL, 10), n);
        return;
    }
    for (uint64_t i = 1; i <= 3; i++) {
        run(i, n);
    }
}

/* --- Damaged records. */

static void
damage_port(struct vx_port *port, uint64_t some_oid)
{
    switch (roll(6)) {
    case 0:
        port->host = some_oid;
        break;
    case 1:
        port->located = some_oid;
        break;
    case 2:
        port->mac = vx_mac_from_u64(UINT64_C(0x0a0000000000) + roll(9));
        break;
    case 3:
        free(port->iface_id);
        port->iface_id = strdup(roll(2) ? "i1" : "");
        break;
    default:
        if (port->n_ips) {
            struct vx_ip *ip = &port->ips[roll((unsigned) port->n_ips)];

            ip->b[roll(16)] ^= (uint8_t) (1 << roll(8));
            ip->family = (uint8_t) (roll(4) ? ip->family : roll(8));
        }
    }
}

/* One member of the record becomes another plausible or silly value. */
static void
damage(struct vx_obj *obj, uint64_t some_oid)
{
    void *v = obj;

    switch (roll(8)) {
    case 3:
        obj->origin = (enum vx_origin) roll(4);
        break;
    case 0:
        obj->oid = roll(2) ? some_oid : roll(3) * (VX_OID_MAX + 1);
        break;
    case 1:
        obj->parent = some_oid;
        break;
    case 2:
        obj->name[0] = (char) roll(256);
        break;
    default:
        if (obj->kind == VX_HOST) {
            ((struct vx_host *) v)->num = roll(5);
            ((struct vx_host *) v)->zone = some_oid;
        } else if (obj->kind == VX_NETWORK) {
            ((struct vx_network *) v)->vni = roll(12);
            ((struct vx_network *) v)->mtu = (uint16_t) roll(10000);
        } else if (obj->kind == VX_TENANT) {
            ((struct vx_tenant *) v)->router_vni = roll(12);
        } else if (obj->kind == VX_ZONE) {
            ((struct vx_zone *) v)->num = roll(4);
        } else if (obj->kind == VX_ROUTE) {
            ((struct vx_route *) v)->num = roll(4);
            ((struct vx_route *) v)->n_via = roll(2);
        } else if (obj->kind == VX_POLICY) {
            ((struct vx_policy *) v)->num = roll(4);
            ((struct vx_policy *) v)->match.network = roll(2) * some_oid;
            ((struct vx_policy *) v)->priority = (uint16_t) roll(4);
        } else if (obj->kind == VX_SUBNET) {
            ((struct vx_subnet *) v)->prefix.length ^= (uint8_t) roll(256);
            ((struct vx_subnet *) v)->route ^= roll(2);
        } else if (obj->kind == VX_PORT) {
            damage_port(v, some_oid);
        } else if (obj->kind == VX_GATEWAY) {
            ((struct vx_gateway *) v)->host = some_oid;
        } else if (obj->kind == VX_PEERING || obj->kind == VX_UPLINK) {
            ((struct vx_peering *) v)->gateway = some_oid;
            ((struct vx_peering *) v)->families = (uint8_t) roll(64);
        }
    }
}

static struct vx_model *
load_damaged(const struct vx_model *model, unsigned *n_refused)
{
    struct vx_model *copy = new_model();
    struct ref_state s;

    ref_read(model, &s);
    for (size_t i = 0; i < s.n; i++) {
        struct vx_obj *obj = vx_obj_clone(s.objs[i]);
        struct vx_error err;

        if (!roll(8)) {
            damage(obj, s.objs[roll((unsigned) s.n)]->oid);
        }
        *n_refused += !vx_model_load(copy, obj, &err);
    }
    return copy;
}

static void
damaged_records_are_refused_or_lead_to_a_legal_state(void **state)
{
    (void) state;
    struct vx_model *model = new_model();
    struct vx_buf line = VX_BUF_INIT;
    unsigned n_refused = 0;

    rng = 4711;
    print_message("# seed %ju\n", (uintmax_t) rng);
    for (unsigned i = 0; i < 600; i++) {
        struct vx_model *copy;
        struct ref_state s;

        one_batch(model, &line);
        vx_model_commit(model);
        copy = load_damaged(model, &n_refused);
        ref_read(copy, &s);
        s.is_damaged = true;        /* zones load before their borders */
        assert_true(ref_is_legal(&s));
        mc_check_indexes(copy);
        vx_model_free(copy);
    }
    print_message("# %u records refused\n", n_refused);
    assert_true(n_refused > 300);
    vx_buf_fini(&line);
    vx_model_free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_batches_agree_with_the_naive_reference),
        cmocka_unit_test(
            damaged_records_are_refused_or_lead_to_a_legal_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
