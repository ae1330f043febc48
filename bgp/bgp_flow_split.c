/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a FlowSpec rule into rules that a peer of few operators takes; pure. */
#include "bgp/bgp_flowspec.h"

static const struct {
    size_t offset;              /* of a struct bg_flow_set in the rule */
    uint32_t max;               /* its highest number */
} sets[] = {
    { offsetof(struct bg_flow_rule, proto), 255 },
    { offsetof(struct bg_flow_rule, port), 65535 },
    { offsetof(struct bg_flow_rule, dport), 65535 },
    { offsetof(struct bg_flow_rule, sport), 65535 },
    { offsetof(struct bg_flow_rule, icmp_type), 255 },
    { offsetof(struct bg_flow_rule, icmp_code), 255 },
    { offsetof(struct bg_flow_rule, length), 65535 },
    { offsetof(struct bg_flow_rule, dscp), 63 },
    { offsetof(struct bg_flow_rule, label), 0xfffff },
};
enum { N_SETS = sizeof sets / sizeof sets[0] };

static struct bg_flow_set *
set_of(const struct bg_flow_rule *rule, size_t i)
{
    return (struct bg_flow_set *) ((char *) rule + sets[i].offset);
}

/* As bg_flow_encode() writes them. */
static unsigned
n_operators(const struct bg_flow_range *r, uint32_t max)
{
    return r->first == r->last || !r->first || r->last == max ? 1 : 2;
}

/* Part number `part` of the set, counted from 0; false if there is none. */
static bool
take_part(const struct bg_flow_set *set, uint32_t max, unsigned max_operators,
          size_t part, struct bg_flow_set *ret_part)
{
    struct bg_flow_set out = { 0 };
    unsigned used = 0;
    size_t at = 0;

    for (size_t i = 0; i < set->n; i++) {
        unsigned n = n_operators(&set->r[i], max);

        if (used + n > max_operators) {
            at++;
            used = 0;
        }
        used += n;
        if (at == part) {
            out.r[out.n++] = set->r[i];
        }
    }
    *ret_part = out;
    return out.n;
}

static size_t
n_parts(const struct bg_flow_set *set, uint32_t max, unsigned max_operators)
{
    struct bg_flow_set part;
    size_t n = 0;

    while (take_part(set, max, max_operators, n, &part)) {
        n++;
    }
    return n ? n : 1;           /* any */
}

size_t
bg_flow_split(const struct bg_flow_rule *rule, unsigned max_operators,
              struct bg_flow_rule *ret_rules, size_t max)
{
    size_t parts[N_SETS], n = 1;

    if (max_operators < 2 || rule->tcp_flags.n > max_operators
        || rule->fragment.n > max_operators) {
        return 0;
    }
    for (size_t i = 0; i < N_SETS; i++) {
        parts[i] = n_parts(set_of(rule, i), sets[i].max, max_operators);
        n *= parts[i];
        if (n > max) {
            return 0;
        }
    }
    for (size_t r = 0; r < n; r++) {
        size_t rest = r;

        ret_rules[r] = *rule;
        for (size_t i = 0; i < N_SETS; i++) {
            const struct bg_flow_set *set = set_of(rule, i);

            if (set->n) {
                take_part(set, sets[i].max, max_operators, rest % parts[i],
                          set_of(&ret_rules[r], i));
            }
            rest /= parts[i];
        }
    }
    return n;
}
