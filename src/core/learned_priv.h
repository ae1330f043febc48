/* SPDX-License-Identifier: Apache-2.0 */
/* Between learned.c, learned_plan.c and learned_rule.c. */
#ifndef VX_CORE_LEARNED_PRIV_H
#define VX_CORE_LEARNED_PRIV_H

#include "core/learned.h"

/* "vtep-192.0.2.9", "vtep-2001-db8--9": of the host, and of its port in a
 * network. */
void vx_learned_host_name(const struct vx_ip *vtep,
                          char name[VX_NAME_MAX + 1]);

enum { VX_LEARNED_RULES = 256 };    /* of a tenant */

/* Learned rules of a tenant, by priority, and those that have to move, in an
 * order in which no two have the same priority at any time. */
struct vx_learned_move {
    const struct vx_policy *policy;
    uint16_t priority;
};
struct vx_learned_rules {
    const struct vx_policy *rules[VX_LEARNED_RULES];
    size_t n;
    struct vx_learned_move moves[VX_LEARNED_RULES];
    size_t n_moves;
};

/* A priority for the tenant's rule (RFC 8955 5.1), between those of its other
 * rules; 0 with why_not if the tenant has too many or the rule is none it can
 * be given.  O(the tenant's rules). */
uint16_t vx_learned_priority(const struct vx_model *model,
                             const struct vx_obj *tenant,
                             const struct vx_policy_spec *rule,
                             struct vx_learned_rules *ret_rules,
                             const char **ret_why_not);

#endif
