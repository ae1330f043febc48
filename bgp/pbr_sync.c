/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and tables wanted, said and confirmed; see pbr_sync.h.
 *
 * A rule never changes: a policy that changes has new rules, each with a new
 * number, which are made before the old ones go, so there is no moment
 * without either.  Only the route of a table is replaced in place, which
 * zebra does without a gap. */
#include "bgp/pbr_sync.h"

#include <stdlib.h>
#include <string.h>

#include "lib/tree.h"
#include "lib/xalloc.h"

enum { ANSWER_MS = 3000 };

enum rule_stage {
    RULE_NEW,           /* not said */
    RULE_SAID,          /* RULE_ADD is under way */
    RULE_IN, RULE_FAILED,
    RULE_LEAVING        /* RULE_DELETE is under way */
};

struct rule {
    struct vx_tree_node by_unique;
    struct policy *policy;
    struct rule *next;
    struct bg_zapi_rule wire;
    enum rule_stage stage;
    bool is_wanted;
    int64_t since_ms;
};

struct table {
    struct table *next;
    struct bg_want route;
    bool is_wanted, is_said;
    enum bg_route_state state;
};

struct policy {
    struct vx_tree_node by_name;
    struct rule *rules;
    struct table *tables;
    bool is_wanted, has_event, is_idle;
    enum bg_pbr_state state;
    const char *why;
    char name[];
};

struct bg_pbr_sync {
    struct vx_tree policies;
    struct vx_tree rules;           /* by unique */
    uint32_t last_unique;
    bool is_connected;
    struct policy *told;
};

static int
compare_name(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct policy, by_name)->name);
}

static int
compare_unique(const void *key, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) key;
    uint32_t b = VX_CONTAINER(node, struct rule, by_unique)->wire.unique;

    return a < b ? -1 : a > b;
}

struct bg_pbr_sync *
bg_pbr_sync_new(void)
{
    struct bg_pbr_sync *sync = vx_xcalloc(1, sizeof *sync);

    vx_tree_init(&sync->policies, compare_name);
    vx_tree_init(&sync->rules, compare_unique);
    return sync;
}

static void
free_rule(struct bg_pbr_sync *sync, struct rule **link)
{
    struct rule *rule = *link;

    *link = rule->next;
    vx_tree_remove(&sync->rules, &rule->by_unique);
    free(rule);
}

static void
free_policy(struct bg_pbr_sync *sync, struct policy *policy)
{
    while (policy->rules) {
        free_rule(sync, &policy->rules);
    }
    while (policy->tables) {
        struct table *next = policy->tables->next;

        free(policy->tables);
        policy->tables = next;
    }
    vx_tree_remove(&sync->policies, &policy->by_name);
    free(policy);
}

void
bg_pbr_sync_free(struct bg_pbr_sync *sync)
{
    if (sync) {
        VX_TREE_FOR_EACH_SAFE(node, next, &sync->policies) {
            free_policy(sync, VX_CONTAINER(node, struct policy, by_name));
        }
        free(sync);
    }
}

static void
tell(struct policy *policy, enum bg_pbr_state state, const char *why)
{
    if (policy->state != state || strcmp(policy->why, why)) {
        policy->state = state;
        policy->why = why;
        policy->has_event = true;
    }
}

/* --- What is wanted. */

static bool
is_same_rule(const struct bg_zapi_rule *a, const struct bg_zapi_rule *b)
{
    return a->priority == b->priority && a->table_id == b->table_id
           && a->fwmark == b->fwmark && a->family == b->family
           && !vx_prefix_compare(&a->src, &b->src)
           && !vx_prefix_compare(&a->dst, &b->dst)
           && a->ip_proto == b->ip_proto && a->has_dscp == b->has_dscp
           && a->dscp == b->dscp && !strcmp(a->device, b->device);
}

static void
want_rule(struct bg_pbr_sync *sync, struct policy *policy,
          const struct bg_zapi_rule *wire)
{
    struct rule **link = &policy->rules, *rule;

    for (; *link; link = &(*link)->next) {
        /* One that is leaving cannot be called back. */
        if ((*link)->stage != RULE_LEAVING
            && is_same_rule(&(*link)->wire, wire)) {
            (*link)->is_wanted = true;
            return;
        }
    }
    rule = vx_xcalloc(1, sizeof *rule);
    rule->policy = policy;
    rule->wire = *wire;
    rule->is_wanted = true;
    do {
        rule->wire.unique = ++sync->last_unique;
    } while (!rule->wire.unique
             || vx_tree_insert(&sync->rules, &rule->wire.unique,
                               &rule->by_unique));
    *link = rule;
}

static void
want_rules(struct bg_pbr_sync *sync, struct policy *policy,
           const struct bg_pbr_policy *p)
{
    static const struct vx_prefix any;
    struct bg_zapi_rule wire;

    memset(&wire, 0, sizeof wire);
    wire.priority = p->priority;
    wire.table_id = p->table_id;
    wire.fwmark = p->fwmark;
    wire.family = p->family;
    wire.ip_proto = p->ip_proto;
    wire.has_dscp = p->has_dscp;
    wire.dscp = p->has_dscp ? p->dscp : 0;
    for (size_t d = 0; d < p->n_devices; d++) {
        memset(wire.device, 0, sizeof wire.device);
        strncpy(wire.device, p->devices[d], sizeof wire.device - 1);
        for (size_t i = 0; i < (p->n_srcs ? p->n_srcs : 1); i++) {
            wire.src = p->n_srcs ? p->srcs[i] : any;
            for (size_t j = 0; j < (p->n_dsts ? p->n_dsts : 1); j++) {
                wire.dst = p->n_dsts ? p->dsts[j] : any;
                want_rule(sync, policy, &wire);
            }
        }
    }
}

static void
want_table(struct policy *policy, const struct bg_pbr_policy *p)
{
    struct bg_want route = { .prefix.ip.family = p->family,
                             .table_id = p->table_id };
    struct table **link = &policy->tables;

    if (!p->is_drop) {
        route.via = p->via;
        memcpy(route.device, p->via_device, sizeof route.device - 1);
    }
    for (; *link; link = &(*link)->next) {
        if ((*link)->route.table_id == p->table_id
            && (*link)->route.prefix.ip.family == p->family) {
            break;
        }
    }
    if (!*link) {
        *link = vx_xcalloc(1, sizeof **link);
        (*link)->state = BG_ROUTE_PENDING;
    } else if (vx_ip_compare(&(*link)->route.via, &route.via)
               || strcmp((*link)->route.device, route.device)
               || !(*link)->is_wanted) {
        (*link)->is_said = false;
        (*link)->state = BG_ROUTE_PENDING;
    }
    (*link)->is_wanted = true;
    (*link)->route = route;
}

static void
unwant(struct policy *policy)
{
    for (struct rule *rule = policy->rules; rule; rule = rule->next) {
        rule->is_wanted = false;
    }
    policy->is_wanted = policy->is_idle = false;
}

static struct policy *
find(const struct bg_pbr_sync *sync, const char *name)
{
    struct vx_tree_node *node = vx_tree_find(&sync->policies, name);

    return node ? VX_CONTAINER(node, struct policy, by_name) : NULL;
}

bool
bg_pbr_sync_set(struct bg_pbr_sync *sync, const struct bg_pbr_policy *p,
                bool is_netns, struct vx_error *err)
{
    struct policy *policy;

    if (!bg_pbr_check(p, is_netns, err)) {
        bg_pbr_sync_unset(sync, p->name);
        return false;
    }
    policy = find(sync, p->name);
    if (!policy) {
        size_t size = strlen(p->name) + 1;

        policy = vx_xcalloc(1, sizeof *policy + size);
        memcpy(policy->name, p->name, size);
        policy->why = "";
        policy->state = BG_PBR_PENDING;
        vx_tree_insert(&sync->policies, policy->name, &policy->by_name);
    }
    unwant(policy);
    policy->is_wanted = true;
    if (policy->state >= BG_PBR_WITHDRAWING) {
        policy->state = BG_PBR_PENDING;
    }
    for (struct table *t = policy->tables; t; t = t->next) {
        if (p->use_table || t->route.table_id != p->table_id
            || t->route.prefix.ip.family != p->family) {
            t->is_wanted = false;
        }
    }
    if (!p->use_table) {
        want_table(policy, p);
    }
    want_rules(sync, policy, p);
    return true;
}

void
bg_pbr_sync_unset(struct bg_pbr_sync *sync, const char *name)
{
    struct policy *policy = find(sync, name);

    if (policy && policy->is_wanted) {
        unwant(policy);
        for (struct table *t = policy->tables; t; t = t->next) {
            t->is_wanted = false;
        }
        policy->state = BG_PBR_WITHDRAWING;
        policy->why = "";
    }
}

/* --- What to say. */

static bool
say_rule(struct rule *rule, enum bg_pbr_op_kind kind, int64_t now_ms,
         struct bg_pbr_op *ret_op)
{
    rule->stage = kind == BG_PBR_RULE_ADD ? RULE_SAID : RULE_LEAVING;
    rule->since_ms = now_ms;
    ret_op->kind = kind;
    ret_op->rule = rule->wire;
    return true;
}

/* The next rule of a policy whose tables are filled to be added, or, when
 * those are done, to be deleted. */
static bool
next_rule(struct bg_pbr_sync *sync, struct policy *policy, bool may_add,
          int64_t now_ms, struct bg_pbr_op *ret_op)
{
    bool are_settled = true;

    for (struct rule **link = &policy->rules, *rule; (rule = *link);) {
        if (!rule->is_wanted && rule->stage == RULE_NEW) {
            free_rule(sync, link);
            continue;
        }
        if (rule->is_wanted && rule->stage == RULE_NEW && may_add) {
            return say_rule(rule, BG_PBR_RULE_ADD, now_ms, ret_op);
        }
        are_settled &= !rule->is_wanted || rule->stage == RULE_IN
                       || rule->stage == RULE_FAILED;
        link = &rule->next;
    }
    for (struct rule *rule = policy->rules; are_settled && rule;
         rule = rule->next) {
        if (!rule->is_wanted && rule->stage != RULE_LEAVING) {
            return say_rule(rule, BG_PBR_RULE_DELETE, now_ms, ret_op);
        }
    }
    return false;
}

static bool
uses_table(const struct policy *policy, const struct table *table)
{
    for (const struct rule *rule = policy->rules; rule; rule = rule->next) {
        if (rule->wire.table_id == table->route.table_id
            && rule->wire.family == table->route.prefix.ip.family) {
            return true;
        }
    }
    return false;
}

static bool
next_table(struct policy *policy, bool *ret_filled, struct bg_pbr_op *ret_op)
{
    *ret_filled = true;
    for (struct table *table = policy->tables; table; table = table->next) {
        if (table->is_wanted && !table->is_said) {
            table->is_said = true;
            ret_op->kind = BG_PBR_ROUTE_SET;
            ret_op->route = table->route;
            return true;
        }
        *ret_filled &= !table->is_wanted
                       || table->state == BG_ROUTE_INSTALLED;
    }
    return false;
}

static bool
next_unset(struct policy *policy, struct bg_pbr_op *ret_op)
{
    for (struct table **link = &policy->tables, *table; (table = *link);) {
        if (!table->is_wanted && !uses_table(policy, table)) {
            bool was_said = table->is_said;

            ret_op->kind = BG_PBR_ROUTE_UNSET;
            ret_op->route = table->route;
            *link = table->next;
            free(table);
            if (was_said) {
                return true;
            }
        } else {
            link = &table->next;
        }
    }
    return false;
}

/* What has become of the policy as a whole. */
static void
judge(struct policy *policy)
{
    enum bg_pbr_state state = BG_PBR_INSTALLED;
    const char *why = "";

    if (!policy->is_wanted) {
        if (!policy->rules && !policy->tables) {
            tell(policy, BG_PBR_GONE, "");
        }
        return;
    }
    for (const struct table *t = policy->tables; t; t = t->next) {
        if (t->is_wanted && t->state != BG_ROUTE_INSTALLED) {
            state = t->state == BG_ROUTE_PENDING ? BG_PBR_PENDING
                                                 : BG_PBR_FAILED;
            why = state == BG_PBR_FAILED
                  ? "the next hop cannot be reached" : "";
        }
    }
    for (const struct rule *r = policy->rules; r; r = r->next) {
        if (r->is_wanted && r->stage == RULE_FAILED) {
            state = BG_PBR_FAILED;
            why = "zebra or the kernel refuses a rule of it";
        } else if (r->is_wanted && r->stage != RULE_IN
                   && state == BG_PBR_INSTALLED) {
            state = BG_PBR_PENDING;
        }
    }
    tell(policy, state, why);
}

bool
bg_pbr_sync_next(struct bg_pbr_sync *sync, int64_t now_ms,
                 struct bg_pbr_op *ret_op)
{
    VX_TREE_FOR_EACH(node, &sync->policies) {
        struct policy *policy = VX_CONTAINER(node, struct policy, by_name);
        struct bg_pbr_op op;
        bool is_filled;

        if (policy->is_idle) {
            continue;
        }
        memset(&op, 0, sizeof op);
        if (!sync->is_connected) {
            continue;
        }
        if (next_table(policy, &is_filled, &op)
            || next_rule(sync, policy, is_filled, now_ms, &op)
            || next_unset(policy, &op)) {
            *ret_op = op;
            return true;
        }
        judge(policy);
        policy->is_idle = true;
    }
    return false;
}

/* --- What zebra says. */

void
bg_pbr_sync_connected(struct bg_pbr_sync *sync)
{
    sync->is_connected = true;
}

void
bg_pbr_sync_disconnected(struct bg_pbr_sync *sync)
{
    sync->is_connected = false;
    /* Zebra drops the rules with the connection.  The routes of tables are
     * route_sync's to say again, which it does before any rule is said. */
    VX_TREE_FOR_EACH(node, &sync->policies) {
        struct policy *policy = VX_CONTAINER(node, struct policy, by_name);

        for (struct rule **link = &policy->rules; *link;) {
            (*link)->stage = RULE_NEW;
            if ((*link)->is_wanted) {
                link = &(*link)->next;
            } else {
                free_rule(sync, link);
            }
        }
        if (policy->is_wanted) {
            tell(policy, BG_PBR_PENDING, "");
        }
        policy->is_idle = false;
    }
}

void
bg_pbr_sync_rule_note(struct bg_pbr_sync *sync,
                      const struct bg_zapi_rule_note *note)
{
    struct vx_tree_node *node = vx_tree_find(&sync->rules, &note->unique);
    struct rule *rule;

    if (!node) {
        return;
    }
    rule = VX_CONTAINER(node, struct rule, by_unique);
    rule->policy->is_idle = false;
    if (rule->stage == RULE_LEAVING) {
        if (note->note == BG_RULE_NOTE_REMOVED
            || note->note == BG_RULE_NOTE_FAIL_REMOVE) {
            rule->stage = RULE_NEW;     /* not wanted: freed by next() */
        }
    } else if (note->note == BG_RULE_NOTE_INSTALLED) {
        rule->stage = RULE_IN;
    } else if (note->note == BG_RULE_NOTE_FAIL) {
        rule->stage = RULE_FAILED;
    }
}

void
bg_pbr_sync_route(struct bg_pbr_sync *sync,
                  const struct bg_route_event *event)
{
    VX_TREE_FOR_EACH(node, &sync->policies) {
        struct policy *policy = VX_CONTAINER(node, struct policy, by_name);

        for (struct table *t = policy->tables; t; t = t->next) {
            if (t->route.table_id == event->table_id
                && !vx_prefix_compare(&t->route.prefix, &event->prefix)) {
                t->state = event->state;
                policy->is_idle = false;
            }
        }
    }
}

int64_t
bg_pbr_sync_tick(struct bg_pbr_sync *sync, int64_t now_ms)
{
    int64_t next_ms = -1;

    VX_TREE_FOR_EACH(node, &sync->rules) {
        struct rule *rule = VX_CONTAINER(node, struct rule, by_unique);
        int64_t left_ms = rule->since_ms + ANSWER_MS - now_ms;

        if (rule->stage != RULE_SAID && rule->stage != RULE_LEAVING) {
            continue;
        }
        if (left_ms > 0) {
            next_ms = next_ms < 0 || left_ms < next_ms ? left_ms : next_ms;
        } else {
            rule->stage = rule->stage == RULE_SAID ? RULE_FAILED : RULE_NEW;
            rule->policy->is_idle = false;
        }
    }
    return next_ms;
}

bool
bg_pbr_sync_next_event(struct bg_pbr_sync *sync,
                       struct bg_pbr_event *ret_event)
{
    if (sync->told) {
        struct policy *told = sync->told;

        sync->told = NULL;
        if (told->state == BG_PBR_GONE && !told->has_event) {
            free_policy(sync, told);
        }
    }
    VX_TREE_FOR_EACH(node, &sync->policies) {
        struct policy *policy = VX_CONTAINER(node, struct policy, by_name);

        if (policy->has_event) {
            policy->has_event = false;
            ret_event->name = policy->name;
            ret_event->state = policy->state;
            ret_event->why = policy->why;
            sync->told = policy;
            return true;
        }
    }
    return false;
}
