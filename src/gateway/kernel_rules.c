/* SPDX-License-Identifier: Apache-2.0 */
/* ip rules, read back. */
#include "gateway/kernel.h"

#include <netlink/route/rule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/nl.h"
#include "lib/xalloc.h"

struct rules {
    struct vx_gw_rule *items;
    size_t n, cap;
};

static void
prefix_of(const struct nl_addr *addr, struct vx_prefix *prefix)
{
    unsigned size = addr ? nl_addr_get_len(addr) : 0;

    if (size == 4 || size == 16) {
        prefix->ip.family = size == 16 ? 6 : 4;
        memcpy(prefix->ip.b, nl_addr_get_binary_addr(addr), size);
        prefix->length = (uint8_t) nl_addr_get_prefixlen(addr);
    }
}

static void
add_rule(struct rules *rules, struct rtnl_rule *from, uint8_t family)
{
    const char *iif = rtnl_rule_get_iif(from);
    struct vx_gw_rule *rule;
    uint8_t byte;

    rules->items = vx_grow(rules->items, &rules->cap, rules->n + 1,
                           sizeof *rules->items);
    rule = &rules->items[rules->n++];
    memset(rule, 0, sizeof *rule);
    rule->family = family;
    rule->priority = rtnl_rule_get_prio(from);
    rule->table = rtnl_rule_get_table(from);
    rule->action = rtnl_rule_get_action(from);
    rule->fwmark = rtnl_rule_get_mark(from);
    rule->fwmask = rtnl_rule_get_mask(from);
    rule->dsfield = rtnl_rule_get_dsfield(from);
    if (!rtnl_rule_get_protocol(from, &byte)) {
        rule->protocol = byte;
    }
    if (!rtnl_rule_get_ipproto(from, &byte)) {
        rule->ip_proto = byte;
    }
    prefix_of(rtnl_rule_get_src(from), &rule->src);
    prefix_of(rtnl_rule_get_dst(from), &rule->dst);
    snprintf(rule->iif, sizeof rule->iif, "%s", iif ? iif : "");
}

static int
compare(const void *a_, const void *b_)
{
    const struct vx_gw_rule *a = a_, *b = b_;

    return a->priority != b->priority ? (a->priority < b->priority ? -1 : 1)
           : (int) a->family - b->family;
}

bool
vx_gw_kernel_rules(struct vx_gw_rule **ret_rules, size_t *ret_n,
                   struct vx_error *err)
{
    struct nl_sock *sock = vx_gw_nl_open(err);
    struct rules rules = { NULL, 0, 0 };

    for (int i = 0; sock && i < 2; i++) {
        struct nl_cache *cache;
        int error = rtnl_rule_alloc_cache(sock, i ? AF_INET6 : AF_INET,
                                          &cache);

        if (error) {
            nl_socket_free(sock);
            free(rules.items);
            return vx_fail(err, VX_INTERNAL, "", "ip rules: %s",
                           nl_geterror(error));
        }
        for (struct nl_object *o = nl_cache_get_first(cache); o;
             o = nl_cache_get_next(o)) {
            add_rule(&rules, (struct rtnl_rule *) o, i ? 6 : 4);
        }
        nl_cache_free(cache);
    }
    if (!sock) {
        return false;
    }
    nl_socket_free(sock);
    if (rules.n) {
        qsort(rules.items, rules.n, sizeof *rules.items, compare);
    }
    *ret_rules = rules.items;
    *ret_n = rules.n;
    return true;
}
