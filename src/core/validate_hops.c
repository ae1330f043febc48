/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of routes and policies: what a tenant's router does beyond its
 * subnets.  A next hop is an address in a routed subnet of the same tenant;
 * which port has it, and whether it lives, is found out later and is no
 * reason to refuse. */
#include <stdio.h>
#include <string.h>

#include "core/compile.h"
#include "core/validate.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

enum {
    PATH_SIZE = 3 * VX_NAME_MAX + 4,
    ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132,
    DSCP_MAX = 63,
};

static const struct vx_route *
route_of(const struct vx_candidate *c)
{
    return (const void *) c->new;
}

static const struct vx_policy *
policy_of(const struct vx_candidate *c)
{
    return (const void *) c->new;
}

/* --- Next hops by themselves. */

/* Next hops on their way through the rules. */
struct hops {
    const struct vx_ip *via;
    size_t n;
    uint8_t family;         /* 0: that of the first */
};

/* Learned routes lead to the legs of gateways; that others do not is told
 * where the subnet is found. */
static bool
may_be_leg(const struct vx_ip *ip)
{
    const struct vx_prefix host = { *ip, (uint8_t) vx_ip_bits(ip) };

    return vx_meets_router(&host);
}

static bool
hops_are_sane(const struct vx_candidate *c, const struct hops *hops,
              const char *field, struct vx_error *err)
{
    const char *kind = vx_kind_name(c->new->kind);
    char ip[VX_IP_STRLEN];

    if (!hops->n || hops->n > VX_MAX_HOPS) {
        return vx_fail(err, VX_INVALID, field, "%s \"%s\" has %zu next hops, "
                       "it takes 1 to %d", kind, c->new->name, hops->n,
                       VX_MAX_HOPS);
    }
    for (size_t i = 0; i < hops->n; i++) {
        const struct vx_ip *p = &hops->via[i];
        uint8_t family = hops->family ? hops->family : hops->via[0].family;

        if (!vx_ip_is_host(p)
            || (vx_ip_is_link_local(p) && !may_be_leg(p))) {
            return vx_fail(err, VX_INVALID, field, "%s cannot be a next hop "
                           "of %s \"%s\": it must be a unicast address of a "
                           "port", vx_ip_format(p, ip), kind, c->new->name);
        }
        if (p->family != family) {
            return vx_fail(err, VX_INVALID, field, "next hop %s of %s \"%s\" "
                           "is IPv%u, IPv%u is wanted: give next hops of "
                           "that family", vx_ip_format(p, ip), kind,
                           c->new->name, p->family, family);
        }
        if (i && vx_ip_compare(&p[-1], p) >= 0) {
            return vx_fail(err, VX_INVALID, field, "next hop %s of %s \"%s\" "
                           "is given twice", vx_ip_format(p, ip), kind,
                           c->new->name);
        }
    }
    return true;
}

/* --- Routes by themselves. */

static bool
route_name(const struct vx_candidate *c, const char *field,
           struct vx_error *err)
{
    const struct vx_route *route = route_of(c);
    struct vx_prefix prefix;
    char cidr[VX_PREFIX_STRLEN];

    if (!vx_prefix_parse(route->o.name, &prefix)) {
        return vx_fail(err, VX_INVALID, field, "\"%.80s\" is no prefix: write "
                       "ADDRESS/LENGTH without host bits, like 10.9.0.0/16 "
                       "or ::/0", route->o.name);
    }
    return (!vx_prefix_compare(&prefix, &route->prefix)
            && !strcmp(vx_prefix_format(&prefix, cidr), route->o.name))
           || vx_fail(err, VX_INVALID, field, "route \"%s\" is not written "
                      "canonically", route->o.name);
}

/* A default route is fine, one to nothing but what is never routed is not. */
static bool
is_routable(const struct vx_prefix *prefix, const char *what,
            const char *field, struct vx_error *err)
{
    static const struct vx_prefix special[] = {
        { { 4, { 127 } }, 8 }, { { 4, { 169, 254 } }, 16 },
        { { 4, { 224 } }, 3 }, { { 6, { 0xfe, 0x80 } }, 10 },
        { { 6, { 0xff } }, 8 },
    };
    char cidr[VX_PREFIX_STRLEN], lies[VX_PREFIX_STRLEN];

    for (size_t i = 0; prefix->ip.family && i < N_ELEMS(special); i++) {
        if (prefix->length >= special[i].length
            && vx_prefix_contains(&special[i], &prefix->ip)) {
            return vx_fail(err, VX_INVALID, field, "%s %s lies in %s, "
                           "which is never routed", what,
                           vx_prefix_format(prefix, lies),
                           vx_prefix_format(&special[i], cidr));
        }
    }
    return true;
}

static bool
route_is_unicast(const struct vx_candidate *c, const char *field,
                 struct vx_error *err)
{
    return is_routable(&route_of(c)->prefix, "route", field, err);
}

static bool
hop_num(const struct vx_candidate *c, const char *field, uint32_t num,
        struct vx_error *err)
{
    return (num ? num <= VX_HOP_NUM_MAX : !c->loading)
           || vx_fail(err, VX_INVALID, field, "number %u of %s \"%s\" is out "
                      "of range", num, vx_kind_name(c->new->kind),
                      c->new->name);
}

static bool
route_num(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    return hop_num(c, field, route_of(c)->num, err);
}

static bool
route_via(const struct vx_candidate *c, const char *field,
          struct vx_error *err)
{
    const struct vx_route *route = route_of(c);
    const struct hops hops = { route->via, route->n_via,
                               route->prefix.ip.family };

    return hops_are_sane(c, &hops, field, err);
}

static bool
route_announce(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    return c->new->origin == VX_BY_OPERATOR || !route_of(c)->announce
           || vx_fail(err, VX_INVALID, field, "route \"%s\" was learned: "
                      "it is not announced by intent", c->new->name);
}

static const struct vx_rule route_rules[] = {
    { "a route's name is its canonical prefix", "name", route_name },
    { "a route leads to unicast addresses", "name", route_is_unicast },
    { "a route's number is in range", "num", route_num },
    { "next hops are few, distinct and of the prefix's family", "via",
      route_via },
    { "only an operator's route is announced", "announce", route_announce },
};

/* --- Policies by themselves. */

static bool
policy_num(const struct vx_candidate *c, const char *field,
           struct vx_error *err)
{
    return hop_num(c, field, policy_of(c)->num, err);
}

static bool
policy_priority(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    const struct vx_policy *policy = policy_of(c);

    return (policy->priority >= 1
            && policy->priority <= VX_POLICY_PRIORITY_MAX)
           || vx_fail(err, VX_INVALID, field, "priority %u of policy \"%s\" "
                      "is out of range: use 1 to %d, the highest is the "
                      "first", policy->priority, policy->o.name,
                      VX_POLICY_PRIORITY_MAX);
}

static bool
policy_where(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    const struct vx_policy *policy = policy_of(c);

    return (policy->where
            && !(policy->where & ~(VX_WHERE_HOSTS | VX_WHERE_GATEWAY
                                   | VX_WHERE_FLOWSPEC)))
           || vx_fail(err, VX_INVALID, field, "policy \"%s\" is enforced on "
                      "one or more of \"hosts\", \"gateway\", "
                      "\"flowspec\"", policy->o.name);
}

/* What RFC 8955 and 8956 can say; never silently something broader. */
static bool
policy_flowspec(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    const struct vx_policy *policy = policy_of(c);
    const struct vx_policy_match *match = &policy->match;
    const char *why = NULL;

    if (!(policy->where & VX_WHERE_FLOWSPEC)) {
        return true;
    }
    if (match->network) {
        why = "has no network to match: match the network's prefix as \"src\"";
    } else if (policy->action == VX_POLICY_VIA && policy->n_via > 1) {
        why = "redirects to one address: give one next hop";
    } else if (!match->src.ip.family && !match->dst.ip.family) {
        why = "must not be about everybody's traffic: match a \"dst\" (RFC "
              "8955 6: peers take rules about the prefixes that they have "
              "from the same side) or \"src\"";
    }
    return !why
           || vx_fail(err, VX_INVALID, field, "policy \"%s\" cannot be told "
                      "to peers: FlowSpec %s, or leave out \"flowspec\"",
                      policy->o.name, why);
}

static bool
policy_at_gateway(const struct vx_candidate *c, const char *field,
                  struct vx_error *err)
{
    const struct vx_policy *policy = policy_of(c);

    return policy->action != VX_POLICY_GATEWAY
           || !(policy->where & VX_WHERE_GATEWAY)
           || vx_fail(err, VX_INVALID, field, "policy \"%s\" leads to the "
                      "tenant's gateways: what comes in from one would go "
                      "back to it; leave out \"gateway\"", policy->o.name);
}

static bool
is_family(const struct vx_candidate *c, uint8_t family, const char *field,
          struct vx_error *err)
{
    uint8_t wanted = policy_of(c)->match.family;

    return !family || family == wanted
           || vx_fail(err, VX_INVALID, field, "policy \"%s\" is about IPv%u, "
                      "\"%s\" about IPv%u: all of a match is of one family; "
                      "make a policy for each", c->new->name, wanted, field,
                      family);
}

static bool
policy_family(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_policy_match *match = &policy_of(c)->match;
    uint8_t f = match->family;

    if (f && f != 4 && f != 6) {
        return vx_fail(err, VX_INVALID, field, "policy \"%s\" is about no "
                       "address family", c->new->name);
    }
    return is_family(c, match->src.ip.family, "match.src", err)
           && is_family(c, match->dst.ip.family, "match.dst", err)
           && is_family(c, match->proto == ICMP ? 4
                        : match->proto == ICMP6 ? 6 : 0, "match.proto", err);
}

static bool
policy_numbers(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    const struct vx_policy_match *match = &policy_of(c)->match;

    if (match->proto < -1 || match->proto > UINT8_MAX) {
        return vx_fail(err, VX_INVALID, field, "%d is no protocol: use 0 to "
                       "255, or tcp, udp, sctp, icmp, icmp6", match->proto);
    }
    return (match->dscp >= -1 && match->dscp <= DSCP_MAX)
           || vx_fail(err, VX_INVALID, "match.dscp", "%d is no DSCP: use 0 "
                      "to %d", match->dscp, DSCP_MAX);
}

static bool
ranges_are_sane(const struct vx_port_range *ranges, size_t n,
                const char *field, struct vx_error *err)
{
    if (n > VX_POLICY_MAX_RANGES) {
        return vx_fail(err, VX_INVALID, field, "%zu port ranges, at most %d "
                       "are allowed: make more policies", n,
                       VX_POLICY_MAX_RANGES);
    }
    for (size_t i = 0; i < n; i++) {
        if (ranges[i].first > ranges[i].last) {
            return vx_fail(err, VX_INVALID, field, "%u-%u is no range of "
                           "ports: the first is above the last",
                           ranges[i].first, ranges[i].last);
        }
        if (i && ranges[i].first <= ranges[i - 1].last) {
            return vx_fail(err, VX_INVALID, field, "port ranges %u-%u and "
                           "%u-%u overlap", ranges[i - 1].first,
                           ranges[i - 1].last, ranges[i].first,
                           ranges[i].last);
        }
    }
    return true;
}

static bool
policy_ports(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    const struct vx_policy_match *match = &policy_of(c)->match;

    if ((match->n_sports || match->n_dports) && match->proto != TCP
        && match->proto != UDP && match->proto != SCTP) {
        return vx_fail(err, VX_INVALID, match->n_sports ? "match.sport"
                       : field, "policy \"%s\" matches ports: say of which "
                       "protocol, \"proto\" is tcp, udp or sctp then",
                       c->new->name);
    }
    return ranges_are_sane(match->sports, match->n_sports, "match.sport", err)
           && ranges_are_sane(match->dports, match->n_dports, field, err);
}

static bool
policy_rows(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    size_t n = vx_policy_n_rows(policy_of(c));

    return n <= VX_POLICY_MAX_ROWS
           || vx_fail(err, VX_INVALID, field, "policy \"%s\" would take %zu "
                      "flows on each host, because source and destination "
                      "port ranges multiply; at most %d are allowed: give "
                      "ranges that begin and end at powers of two, or split "
                      "it", c->new->name, n, VX_POLICY_MAX_ROWS);
}

static bool
policy_action(const struct vx_candidate *c, const char *field,
              struct vx_error *err)
{
    const struct vx_policy *policy = policy_of(c);
    const struct hops hops = { policy->via, policy->n_via,
                               policy->match.family };

    switch (policy->action) {
    case VX_POLICY_VIA:
        return hops_are_sane(c, &hops, "action.via", err);
    case VX_POLICY_DSCP:
        return policy->dscp <= DSCP_MAX
               || vx_fail(err, VX_INVALID, "action.dscp", "%u is no DSCP: "
                          "use 0 to %d", policy->dscp, DSCP_MAX);
    case VX_POLICY_RATE:
        return (policy->rate_kbps && policy->rate_kbps <= VX_RATE_KBPS_MAX)
               || vx_fail(err, VX_INVALID, "action.rate_kbps", "rate %u of "
                          "policy \"%s\" is out of range: use 1 to %d "
                          "kbit/s", policy->rate_kbps, c->new->name,
                          VX_RATE_KBPS_MAX);
    case VX_POLICY_DROP:
    case VX_POLICY_GATEWAY:
        return true;
    default:
        return vx_fail(err, VX_INVALID, field, "policy \"%s\" has no action "
                       "that is known", c->new->name);
    }
}

static bool
policy_action_is_one(const struct vx_candidate *c, const char *field,
                     struct vx_error *err)
{
    const struct vx_policy *policy = policy_of(c);

    return (policy->action == VX_POLICY_VIA || !policy->n_via)
           || vx_fail(err, VX_INVALID, field, "policy \"%s\" has next hops, "
                      "but its action is not \"via\"", c->new->name);
}

/* Policies see what passes the router only. */
static bool
policy_is_routable(const struct vx_candidate *c, const char *field,
                   struct vx_error *err)
{
    const struct vx_policy_match *match = &policy_of(c)->match;

    (void) field;
    return is_routable(&match->src, "prefix", "match.src", err)
           && is_routable(&match->dst, "prefix", "match.dst", err);
}

static const struct vx_rule policy_rules[] = {
    { "a policy's number is in range", "num", policy_num },
    { "a priority is in range", "priority", policy_priority },
    { "where it is enforced is known", "where", policy_where },
    { "what FlowSpec is to say it can say", "where", policy_flowspec },
    { "what comes from gateways does not go back", "where",
      policy_at_gateway },
    { "protocol and DSCP are in range", "match.proto", policy_numbers },
    { "a match is about one family", "match", policy_family },
    { "a policy is about what is routed", "match", policy_is_routable },
    { "ports are those of TCP, UDP or SCTP", "match.dport", policy_ports },
    { "a policy makes a bounded number of rows", "match", policy_rows },
    { "an action has what it needs", "action", policy_action },
    { "only via has next hops", "action.via", policy_action_is_one },
};

bool
vx_validate_hops_value(const struct vx_candidate *c, struct vx_error *err)
{
    return c->new->kind == VX_ROUTE
           ? vx_rules_hold(route_rules, N_ELEMS(route_rules), c, err)
           : vx_rules_hold(policy_rules, N_ELEMS(policy_rules), c, err);
}

/* --- Among the others. */

static bool
hop_num_is_free(const struct vx_candidate *c, const char *field,
                struct vx_error *err)
{
    uint32_t num = c->new->kind == VX_ROUTE ? route_of(c)->num
                                            : policy_of(c)->num;

    return !c->loading || !vx_runset_has(&c->model->hop_nums, num)
           || vx_fail(err, VX_EXISTS, field, "number %u of %s \"%s\" is "
                      "taken", num, vx_kind_name(c->new->kind),
                      c->new->name);
}

static bool
hops_are_routed(const struct vx_candidate *c, const struct hops *hops,
                const char *field, struct vx_error *err)
{
    char ip[VX_IP_STRLEN];

    for (size_t i = 0; i < hops->n; i++) {
        const struct vx_subnet_ent *ent =
            vx_tenant_subnet_of(vx_tenant_ent(c->parent), &hops->via[i]);
        const struct vx_subnet *subnet = ent ? (const void *) ent->e.obj
                                             : NULL;

        vx_ip_format(&hops->via[i], ip);
        if (!subnet) {
            return vx_fail(err, VX_INVALID, field, "next hop %s is in no "
                           "routed subnet of tenant \"%s\": add the subnet "
                           "first (or route it: route=true), or choose an "
                           "address of one", ip, c->parent->obj->name);
        }
        if (subnet->o.origin == VX_BY_SYSTEM
            && c->new->origin == VX_BY_OPERATOR) {
            return vx_fail(err, VX_INVALID, field, "next hop %s is in %s, "
                           "where the tenant's router meets its gateways: "
                           "traffic goes there by what gateways learn, or by "
                           "a policy with action \"gateway\"", ip,
                           subnet->o.name);
        }
        if (!vx_ip_compare(&hops->via[i], &subnet->gateway)) {
            return vx_fail(err, VX_INVALID, field, "next hop %s is the "
                           "gateway of subnet %s, which is the router "
                           "itself: choose the address of a port", ip,
                           subnet->o.name);
        }
        if (!vx_prefix_is_usable(&subnet->prefix, &hops->via[i])) {
            return vx_fail(err, VX_INVALID, field, "next hop %s is no "
                           "address that a port of subnet %s could have",
                           ip, subnet->o.name);
        }
    }
    return true;
}

static bool
route_count(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct vx_tenant_ent *tenant = vx_tenant_ent(c->parent);
    size_t n = tenant->routes.count;

    /* Learned ones are not to keep operators from adding theirs. */
    if (c->new->origin == VX_BY_OPERATOR) {
        n -= tenant->n_learned_routes;
    }
    return c->self || (c->loading && n < 2 * VX_TENANT_MAX_ROUTES)
           || n < VX_TENANT_MAX_ROUTES
           || vx_fail(err, VX_EXHAUSTED, field, "tenant \"%s\" already has "
                      "%d routes, which is the most", c->parent->obj->name,
                      VX_TENANT_MAX_ROUTES);
}

static bool
route_hops(const struct vx_candidate *c, const char *field,
           struct vx_error *err)
{
    const struct hops hops = { route_of(c)->via, route_of(c)->n_via, 0 };

    return hops_are_routed(c, &hops, field, err);
}

/* The rows of both would be one row. */
static bool
route_is_no_subnet(const struct vx_candidate *c, const char *field,
                   struct vx_error *err)
{
    const struct vx_subnet_ent *ent =
        vx_tenant_subnet_of(vx_tenant_ent(c->parent),
                            &route_of(c)->prefix.ip);
    char path[2 * PATH_SIZE];

    return !ent || strcmp(ent->e.obj->name, c->new->name)
           || vx_fail(err, VX_EXISTS, field, "%s is subnet %s itself: a route "
                      "can be wider or narrower, not the same",
                      c->new->name, vx_model_path(c->model, ent->e.obj, path,
                                                  sizeof path));
}

static const struct vx_rule route_place_rules[] = {
    { "a tenant has a bounded number of routes", "name", route_count },
    { "a route's number is used once", "num", hop_num_is_free },
    { "a route is no routed subnet", "name", route_is_no_subnet },
    { "next hops lie in routed subnets of the tenant", "via", route_hops },
};

static bool
policy_count(const struct vx_candidate *c, const char *field,
             struct vx_error *err)
{
    return c->self
           || vx_tenant_ent(c->parent)->policies.count
                  < VX_TENANT_MAX_POLICIES
           || vx_fail(err, VX_EXHAUSTED, field, "tenant \"%s\" already has "
                      "%d policies, which is the most", c->parent->obj->name,
                      VX_TENANT_MAX_POLICIES);
}

static bool
policy_priority_is_free(const struct vx_candidate *c, const char *field,
                        struct vx_error *err)
{
    const struct vx_ent *other =
        vx_tenant_policy_at(vx_tenant_ent(c->parent),
                            policy_of(c)->priority);

    return !other || other == c->self
           || vx_fail(err, VX_EXISTS, field, "priority %u already belongs to "
                      "policy \"%s\" of tenant \"%s\": priorities say which "
                      "comes first, so each is used once; choose another",
                      policy_of(c)->priority, other->obj->name,
                      c->parent->obj->name);
}

static bool
policy_network(const struct vx_candidate *c, const char *field,
               struct vx_error *err)
{
    uint64_t oid = policy_of(c)->match.network;
    const struct vx_ent *ent = vx_model_ent_of(c->model, oid, VX_NETWORK);

    if (ent && vx_network_is_router((const void *) ent->obj)) {
        return vx_fail(err, VX_INVALID, field, "policy \"%s\" matches the "
                       "network of the tenant's router: for what comes from "
                       "gateways, use \"gateway\" of \"where\"",
                       c->new->name);
    }
    return !oid || (ent && ent->parent == c->parent)
           || vx_fail(err, VX_NOT_FOUND, field, "the network that policy "
                      "\"%s\" matches is none of tenant \"%s\"", c->new->name,
                      c->parent->obj->name);
}

static bool
policy_hops(const struct vx_candidate *c, const char *field,
            struct vx_error *err)
{
    const struct hops hops = { policy_of(c)->via, policy_of(c)->n_via, 0 };

    return hops_are_routed(c, &hops, field, err);
}

static const struct vx_rule policy_place_rules[] = {
    { "a tenant has a bounded number of policies", "name", policy_count },
    { "a policy's number is used once", "num", hop_num_is_free },
    { "a priority is used once in a tenant", "priority",
      policy_priority_is_free },
    { "a matched network is one of the tenant", "match.network",
      policy_network },
    { "next hops lie in routed subnets of the tenant", "action.via",
      policy_hops },
};

bool
vx_validate_hops_place(const struct vx_candidate *c, struct vx_error *err)
{
    return c->new->kind == VX_ROUTE
           ? vx_rules_hold(route_place_rules, N_ELEMS(route_place_rules), c,
                           err)
           : vx_rules_hold(policy_place_rules, N_ELEMS(policy_place_rules),
                           c, err);
}
