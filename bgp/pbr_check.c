/* SPDX-License-Identifier: Apache-2.0 */
/* Which policies zebra and the kernel carry out exactly as asked; see
 * pbr_sync.h.  Measured with FRR 8.4.4; what 9.1 and later do better is not
 * used, so that a policy means the same on every gateway. */
#include "bgp/pbr_sync.h"

#include <string.h>

static bool
no(struct vx_error *err, const char *name, const char *field,
   const char *why)
{
    return vx_fail(err, VX_INVALID, field, "policy \"%s\" cannot be an ip "
                   "rule: %s", name, why);
}

static bool
check_prefixes(const struct bg_pbr_policy *p, struct vx_error *err)
{
    for (size_t i = 0; i < p->n_srcs + p->n_dsts; i++) {
        const struct vx_prefix *prefix = i < p->n_srcs ? &p->srcs[i]
                                         : &p->dsts[i - p->n_srcs];

        if (prefix->ip.family != p->family) {
            return no(err, p->name, i < p->n_srcs ? "src" : "dst",
                      "its prefixes are not all of its IP version");
        }
    }
    return true;
}

static bool
check_match(const struct bg_pbr_policy *p, struct vx_error *err)
{
    if (p->has_ports) {
        return no(err, p->name, "match", "zebra leaves ports and the like "
                  "out without a word, so the rule would match more than "
                  "the policy");
    }
    if (p->has_dscp && p->family == 4) {
        return no(err, p->name, "dscp", "the kernel takes no DSCP in a rule "
                  "for IPv4");
    }
    if (p->has_dscp && (p->dscp > 63 || !p->dscp)) {
        return no(err, p->name, "dscp", "a rule matches DSCP 1 to 63: zebra "
                  "takes 0 for any");
    }
    if (!p->n_devices) {
        return no(err, p->name, "devices", "a rule without an interface is "
                  "never matched");
    }
    for (size_t i = 0; i < p->n_devices; i++) {
        size_t n = strlen(p->devices[i]);

        if (!n || n >= BG_IFNAME_SIZE) {
            return no(err, p->name, "devices", "an interface has a name of 1 "
                      "to 15 characters");
        }
    }
    if ((p->n_srcs ? p->n_srcs : 1) > BG_PBR_RULES_MAX
        || (p->n_dsts ? p->n_dsts : 1) > BG_PBR_RULES_MAX
        || p->n_devices > BG_PBR_RULES_MAX
        || (p->n_srcs ? p->n_srcs : 1) * (p->n_dsts ? p->n_dsts : 1)
           * p->n_devices > BG_PBR_RULES_MAX) {
        return no(err, p->name, "match", "it would be more than 1024 rules");
    }
    return true;
}

static bool
check_action(const struct bg_pbr_policy *p, struct vx_error *err)
{
    if (p->is_rate_limited || p->is_marking) {
        return no(err, p->name, "action", "a rule can neither limit a rate "
                  "nor mark a packet");
    }
    if (p->use_table ? !p->table_id : p->table_id < BG_PBR_TABLE_MIN) {
        return no(err, p->name, "table_id", "tables up to 65535 are not ours");
    }
    if (p->use_table && (p->is_drop || p->via.family)) {
        return no(err, p->name, "action", "it has both a table and an action "
                  "of its own");
    }
    if (!p->use_table && !p->is_drop
        && (p->via.family != p->family || !vx_ip_is_host(&p->via))) {
        return no(err, p->name, "action", "it needs a next hop of its IP "
                  "version");
    }
    return true;
}

bool
bg_pbr_check(const struct bg_pbr_policy *p, bool is_netns,
             struct vx_error *err)
{
    if (p->family != 4 && p->family != 6) {
        return no(err, p->name, "family", "a rule is of IPv4 or of IPv6");
    }
    if (is_netns && *p->vrf && strcmp(p->vrf, "default")) {
        return no(err, p->name, "vrf", "the VRFs here are network "
                  "namespaces, and zebra puts every rule into the default "
                  "one");
    }
    if (p->priority < BG_PBR_PRIORITY_MIN
        || p->priority > BG_PBR_PRIORITY_MAX) {
        return no(err, p->name, "priority", "rules of 1 to 32765 come before "
                  "the main table");
    }
    return check_prefixes(p, err) && check_match(p, err)
           && check_action(p, err);
}
