/* SPDX-License-Identifier: Apache-2.0 */
/* Where a rule learned by FlowSpec stands among a tenant's policies.
 *
 * Learned rules have the priorities FIRST..LAST, above what operators mostly
 * use; among them RFC 8955 5.1 orders: the rule that is to be looked at first
 * has the highest.  A new one takes a place between its neighbours; only where
 * there is none all of them are spread anew. */
#include <stdlib.h>
#include <string.h>

#include "core/learned_priv.h"

enum { FIRST = 20000, LAST = 29999, STEP = 39 };

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

/* The tenant's rules, the last to be looked at first; returns how many. */
static size_t
collect(const struct vx_model *model, const struct vx_obj *tenant,
        const struct vx_policy *rules[VX_LEARNED_RULES])
{
    const struct vx_key scope = { .tenant = tenant->name };
    const struct vx_key after = { .tenant = tenant->name, .name = "fs-" };
    const struct vx_obj *obj;
    struct vx_iter iter;
    size_t n = 0;

    vx_iter_init(&iter, model, VX_POLICY, &scope, &after);
    while (n < VX_LEARNED_RULES && (obj = vx_iter_next(&iter))
           && !strncmp(obj->name, "fs-", 3)) {
        if (obj->origin == VX_BY_BGP) {
            rules[n++] = (const void *) obj;
        }
    }
    return n;
}

static int
by_priority(const void *a_, const void *b_)
{
    const struct vx_policy *const *a = a_, *const *b = b_;

    return (*a)->priority - (*b)->priority;
}

/* Between its neighbours; at the ends not too far from the last, so that rules
 * that come in order find room.  0: there is none. */
static uint16_t
between(int below, int above)
{
    int gap = above - below;
    int step = gap / 2;

    if (gap < 2) {
        return 0;
    }
    if (below >= FIRST && above > LAST) {
        step = step < STEP ? step : STEP;
        return (uint16_t) (below + step);
    }
    if (below < FIRST && above <= LAST) {
        step = step < STEP ? step : STEP;
        return (uint16_t) (above - step);
    }
    return (uint16_t) (below + step);
}

/* All of them at even distances; what moves up goes first, from the top, then
 * what moves down, from the bottom: so none meets another on its way. */
static uint16_t
spread(struct vx_learned_rules *r, size_t at)
{
    uint16_t to[VX_LEARNED_RULES + 1];
    size_t n = r->n;

    for (size_t i = 0; i <= n; i++) {
        to[i] = (uint16_t) (FIRST + (i + 1) * (LAST - FIRST) / (n + 2));
    }
    r->n_moves = 0;
    for (size_t i = n; i-- > 0;) {
        uint16_t new = to[i + (i >= at)];

        if (new > r->rules[i]->priority) {
            r->moves[r->n_moves++] = (struct vx_learned_move) {
                r->rules[i], new };
        }
    }
    for (size_t i = 0; i < n; i++) {
        uint16_t new = to[i + (i >= at)];

        if (new < r->rules[i]->priority) {
            r->moves[r->n_moves++] = (struct vx_learned_move) {
                r->rules[i], new };
        }
    }
    return to[at];
}

uint16_t
vx_learned_priority(const struct vx_model *model,
                    const struct vx_obj *tenant,
                    const struct vx_policy_spec *rule,
                    struct vx_learned_rules *r, const char **ret_why_not)
{
    uint16_t priority;
    size_t at = 0;

    r->n_moves = 0;
    if (!rule->match.dst.ip.family
        || !is_announced(model, tenant, &rule->match.dst)) {
        *ret_why_not = "the tenant does not announce its destination";
        return 0;
    }
    r->n = collect(model, tenant, r->rules);
    if (r->n == VX_LEARNED_RULES) {
        *ret_why_not = "the tenant has 256 learned rules already";
        return 0;
    }
    if (r->n) {
        qsort(r->rules, r->n, sizeof *r->rules, by_priority);
    }
    while (at < r->n
           && compare_matches(&r->rules[at]->match, &rule->match) > 0) {
        at++;
    }
    priority = between(at ? r->rules[at - 1]->priority : FIRST - 1,
                       at < r->n ? r->rules[at]->priority : LAST + 1);
    return priority ? priority : spread(r, at);
}
