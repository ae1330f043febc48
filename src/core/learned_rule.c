/* SPDX-License-Identifier: Apache-2.0 */
/* Where a rule learned by FlowSpec stands among a tenant's policies.
 *
 * Learned rules have the priorities FIRST..LAST, above what operators mostly
 * use; among them RFC 8955 5.1 orders: the rule that is to be looked at first
 * has the highest.  A new one takes the middle between its neighbours, so that
 * no other has to move. */
#include <string.h>

#include "core/learned_priv.h"

enum { FIRST = 20000, LAST = 29999, MAX_RULES = 256 };

/* < 0: a comes before b.  RFC 8955 5.1: within each other the longer one,
 * else the lower address; who has the component, before who has not. */
static int
compare_prefixes(const struct vx_prefix *a, const struct vx_prefix *b)
{
    if (!a->ip.family || !b->ip.family) {
        return (a->ip.family == 0) - (b->ip.family == 0);
    }
    if (vx_prefix_overlaps(a, b)) {
        return b->length - a->length;
    }
    return vx_ip_compare(&a->ip, &b->ip);
}

static int
compare_numbers(int a, int b)
{
    return (a < 0) != (b < 0) ? (a < 0) - (b < 0) : (a > b) - (a < b);
}

static int
compare_ranges(const struct vx_port_range *a, size_t n_a,
               const struct vx_port_range *b, size_t n_b)
{
    for (size_t i = 0; i < n_a && i < n_b; i++) {
        int d = compare_numbers(a[i].first, b[i].first);

        d = d ? d : compare_numbers(a[i].last, b[i].last);
        if (d) {
            return d;
        }
    }
    return (n_a < n_b) - (n_a > n_b);
}

static int
compare_matches(const struct vx_policy_match *a,
                const struct vx_policy_match *b)
{
    int d = compare_prefixes(&a->dst, &b->dst);

    d = d ? d : compare_prefixes(&a->src, &b->src);
    d = d ? d : compare_numbers(a->proto, b->proto);
    d = d ? d : compare_ranges(a->dports, a->n_dports, b->dports,
                               b->n_dports);
    d = d ? d : compare_ranges(a->sports, a->n_sports, b->sports,
                               b->n_sports);
    return d ? d : compare_numbers(a->dscp, b->dscp);
}

/* RFC 8955 6: the tenant itself announces where the rule's packets go. */
static bool
is_announced(const struct vx_model *model, const struct vx_obj *tenant,
             const struct vx_prefix *dst)
{
    const struct vx_subnet *subnet = vx_model_routed_subnet(
        model, tenant->oid, &dst->ip);
    struct vx_prefix wider = *dst;

    if (subnet && subnet->announce && subnet->prefix.length <= dst->length
        && subnet->o.origin == VX_BY_OPERATOR) {
        return true;
    }
    for (;;) {
        char name[VX_PREFIX_STRLEN];
        const struct vx_key key = {
            .tenant = tenant->name, .name = vx_prefix_format(&wider, name),
        };
        const struct vx_route *route = (const void *)
            vx_model_find(model, VX_ROUTE, &key, NULL);

        if (route && route->announce) {
            return true;
        }
        if (!wider.length) {
            return false;
        }
        wider.length--;
        wider.ip.b[wider.length / 8] &= (uint8_t)
            ~(0x80 >> wider.length % 8);
    }
}

uint16_t
vx_learned_priority(const struct vx_model *model,
                    const struct vx_obj *tenant,
                    const struct vx_policy_spec *rule,
                    const char **ret_why_not)
{
    const struct vx_key scope = { .tenant = tenant->name };
    const struct vx_key after = { .tenant = tenant->name, .name = "fs-" };
    int above = LAST + 1, below = FIRST - 1;
    const struct vx_obj *obj;
    struct vx_iter iter;
    size_t n = 0;

    if (!rule->match.dst.ip.family
        || !is_announced(model, tenant, &rule->match.dst)) {
        *ret_why_not = "the tenant does not announce its destination";
        return 0;
    }
    vx_iter_init(&iter, model, VX_POLICY, &scope, &after);
    while ((obj = vx_iter_next(&iter)) && !strncmp(obj->name, "fs-", 3)) {
        const struct vx_policy *other = (const void *) obj;

        if (obj->origin != VX_BY_BGP) {
            continue;
        }
        n++;
        if (compare_matches(&other->match, &rule->match) <= 0) {
            above = other->priority < above ? other->priority : above;
        } else {
            below = other->priority > below ? other->priority : below;
        }
    }
    if (n >= MAX_RULES || above - below < 2) {
        *ret_why_not = n >= MAX_RULES
            ? "the tenant has 256 learned rules already"
            : "there is no priority left between its neighbours";
        return 0;
    }
    return (uint16_t) (below + (above - below) / 2);
}
