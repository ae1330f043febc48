/* SPDX-License-Identifier: Apache-2.0 */
/* See rules.h. */
#include "gateway/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    DEVICES_MAX = 64,
    PREF_MIN = 10, PREF_MAX = 900,  /* before the kernel's rule for VRFs */
};

/* A rule set in zebra: of one policy and family. */
struct rule {
    char *name;                 /* "acme/no-smtp/4" */
    uint32_t table;
    bool wanted;
};

struct vx_gw_rules {
    struct vx_gw_rules_config config;
    struct bg_zebra *zebra;     /* from the first rule on */
    struct rule *rules;
    size_t n, cap;
};

static void
on_state(void *aux, const struct bg_zebra_status *status)
{
    (void) aux;
    if (status->state == BG_ZEBRA_AWAY || status->state == BG_ZEBRA_REFUSED) {
        vx_log_warn("rules", "zebra: %s", status->why);
    }
}

static void
on_rule(void *aux, const struct bg_pbr_event *event)
{
    (void) aux;
    if (event->state == BG_PBR_FAILED) {
        vx_log_warn("rules", "%s: %s; it is in force in tier 1 only",
                    event->name, event->why);
    } else if (event->state == BG_PBR_INSTALLED) {
        vx_log_info("rules", "%s is an ip rule, too", event->name);
    }
}

static void
connect_zebra(struct vx_gw_rules *rules)
{
    static const struct bg_zebra_callbacks callbacks = {
        .state = on_state, .rule = on_rule,
    };
    const struct bg_zebra_config config = {
        .base = rules->config.base, .path = rules->config.zserv,
        .proto = rules->config.proto, .instance = 1,
    };

    if (!rules->zebra) {
        rules->zebra = bg_zebra_new(&config, &callbacks, rules);
        bg_zebra_set_whole(rules->zebra);
    }
}

/* --- Rules wanted. */

static struct rule *
find_rule(struct vx_gw_rules *rules, const char *name)
{
    uint32_t table = BG_PBR_TABLE_MIN;
    struct rule *rule;

    for (size_t i = 0; i < rules->n; i++) {
        if (!strcmp(rules->rules[i].name, name)) {
            return &rules->rules[i];
        }
    }
    for (size_t i = 0; i < rules->n; i++) {     /* the lowest that is free */
        if (rules->rules[i].table == table) {
            table++;
            i = (size_t) -1;
        }
    }
    rules->rules = vx_grow(rules->rules, &rules->cap, rules->n + 1,
                           sizeof *rules->rules);
    rule = &rules->rules[rules->n++];
    *rule = (struct rule) { .name = vx_xstrdup(name), .table = table };
    return rule;
}

static size_t
devices_of(const struct vx_gw_rules *rules, const char *tenant,
           const char *devices[DEVICES_MAX])
{
    char prefix[VX_NAME_MAX + 2];
    size_t n = 0;

    snprintf(prefix, sizeof prefix, "%.63s/", tenant);
    VX_GW_FOR_EACH(entry, rules->config.entries, VX_GW_PEERING, prefix) {
        if (n < DEVICES_MAX && entry->value->peering.value.device[0]) {
            devices[n++] = entry->value->peering.value.device;
        }
    }
    return n;
}

/* The first priority of a policy that does not drop: those after it are not
 * for the kernel. */
static uint32_t
first_other(const struct vx_gw_rules *rules, const char *tenant)
{
    char prefix[VX_NAME_MAX + 2];
    uint32_t first = UINT32_MAX;

    snprintf(prefix, sizeof prefix, "%.63s ", tenant);
    VX_GW_FOR_EACH(entry, rules->config.entries, VX_GW_POLICY, prefix) {
        if ((entry->value->policy.where & VX_WHERE_GATEWAY)
            && entry->value->policy.action != VX_POLICY_DROP
            && entry->value->policy.priority < first) {
            first = entry->value->policy.priority;
        }
    }
    return first;
}

static void
want_family(struct vx_gw_rules *rules, const struct vx_gw_policy *policy,
            const char *vrf, uint8_t family)
{
    const struct vx_policy_match *match = &policy->match;
    const char *devices[DEVICES_MAX];
    struct bg_pbr_policy pbr = {
        /* To be asked with; the rule's own follow. */
        .name = policy->name, .table_id = BG_PBR_TABLE_MIN,
        .priority = PREF_MIN + policy->priority % (PREF_MAX - PREF_MIN),
        .vrf = vrf, .devices = devices,
        .n_devices = devices_of(rules, policy->tenant, devices),
        .srcs = &match->src, .n_srcs = match->src.ip.family != 0,
        .dsts = &match->dst, .n_dsts = match->dst.ip.family != 0,
        .family = family,
        .ip_proto = match->proto > 0 ? (uint8_t) match->proto : 0,
        .has_ports = match->n_sports || match->n_dports,
        .has_dscp = match->dscp >= 0,
        .dscp = match->dscp >= 0 ? (uint8_t) match->dscp : 0,
        .is_drop = true,
    };
    struct vx_error err;
    struct rule *rule;
    char name[2 * VX_NAME_MAX + 8];

    if (!pbr.n_devices || match->proto == 0
        || (match->src.ip.family && match->src.ip.family != family)
        || (match->dst.ip.family && match->dst.ip.family != family)
        || (match->family && match->family != family)
        || !bg_pbr_check(&pbr, false, &err)) {
        return;
    }
    snprintf(name, sizeof name, "%.63s/%.63s/%u", policy->tenant,
             policy->name, family);
    rule = find_rule(rules, name);
    rule->wanted = true;
    pbr.name = rule->name;
    pbr.table_id = rule->table;
    connect_zebra(rules);
    if (!bg_zebra_set_policy(rules->zebra, &pbr, &err)) {
        vx_log_debug("rules", "%s: %s", name, err.message);
    }
}

static void
want(struct vx_gw_rules *rules, const struct vx_gw_entry *entry)
{
    const struct vx_gw_policy *policy = &entry->value->policy;
    const struct vx_gw_entry *tenant =
        vx_gw_entries_find(rules->config.entries, VX_GW_TENANT,
                           policy->tenant);

    if (!tenant || !tenant->value || policy->action != VX_POLICY_DROP
        || !(policy->where & VX_WHERE_GATEWAY) || policy->has_network
        || policy->priority > first_other(rules, policy->tenant)) {
        return;
    }
    want_family(rules, policy, tenant->value->tenant.vrf, 4);
    want_family(rules, policy, tenant->value->tenant.vrf, 6);
}

void
vx_gw_rules_update(struct vx_gw_rules *rules)
{
    for (size_t i = 0; i < rules->n; i++) {
        rules->rules[i].wanted = false;
    }
    VX_GW_FOR_EACH(entry, rules->config.entries, VX_GW_POLICY, "") {
        want(rules, entry);
    }
    for (size_t i = 0; i < rules->n;) {
        if (rules->rules[i].wanted) {
            i++;
            continue;
        }
        bg_zebra_unset_policy(rules->zebra, rules->rules[i].name);
        free(rules->rules[i].name);
        rules->rules[i] = rules->rules[--rules->n];
    }
}

size_t
vx_gw_rules_count(const struct vx_gw_rules *rules)
{
    return rules->n;
}

struct vx_gw_rules *
vx_gw_rules_new(const struct vx_gw_rules_config *config)
{
    struct vx_gw_rules *rules = vx_xcalloc(1, sizeof *rules);

    rules->config = *config;
    return rules;
}

void
vx_gw_rules_free(struct vx_gw_rules *rules)
{
    if (!rules) {
        return;
    }
    if (rules->zebra) {
        bg_zebra_free(rules->zebra);
    }
    for (size_t i = 0; i < rules->n; i++) {
        free(rules->rules[i].name);
    }
    free(rules->rules);
    free(rules);
}
