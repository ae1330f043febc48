/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as ip rules and routing tables through zebra: pure.
 *
 * Only what zebra and the kernel carry out exactly becomes a rule.  All else
 * is refused with the reason, and is enforced elsewhere: zebra takes a rule
 * with ports, or one without an interface, says INSTALLED, and then the rule
 * is broader than asked, or matches nothing.
 *
 * A policy becomes one table (its next hops, or a blackhole) and one rule per
 * interface and pair of prefixes.  The table is filled before the rules point
 * at it and emptied after they are gone. */
#ifndef BG_PBR_SYNC_H
#define BG_PBR_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgp/route_sync.h"
#include "bgp/zapi_codec.h"
#include "lib/addr.h"
#include "lib/err.h"

enum {
    BG_PBR_RULES_MAX = 1024,        /* of one policy */
    BG_PBR_PRIORITY_MIN = 1,        /* of an ip rule: before main (32766) */
    BG_PBR_PRIORITY_MAX = 32765,
    BG_PBR_TABLE_MIN = 0x10000,     /* 0..255 are the kernel's and FRR's */
};

/* What a policy matches and does, in zebra's terms.  Arrays are borrowed for
 * the time of a call.  An empty array matches anything. */
struct bg_pbr_policy {
    const char *name;               /* "acme/web-in"; the key */
    uint32_t priority;              /* of the ip rules */
    const char *vrf;                /* where the traffic enters */
    const char *const *devices;     /* interfaces it enters by */
    size_t n_devices;
    const struct vx_prefix *srcs, *dsts;
    size_t n_srcs, n_dsts;
    uint8_t family;                 /* 4 or 6 */
    uint8_t ip_proto;               /* 0 = any */
    bool has_ports;                 /* source or destination port, ICMP type,
                                     * TCP flags, fragments, length: anything
                                     * that an ip rule does not get from us */
    bool has_dscp;
    uint8_t dscp;
    uint32_t fwmark;                /* 0 = any */
    bool is_rate_limited, is_marking;   /* actions no rule can do */
    bool is_drop;
    struct vx_ip via;               /* next hop, in the default VRF */
    char via_device[BG_IFNAME_SIZE];    /* "" = what via resolves to */
    uint32_t table_id;              /* >= BG_PBR_TABLE_MIN, one a policy; with
                                     * use_table: an existing one (that of a
                                     * VRF device), no route is made */
    bool use_table;
};

/* Whether zebra would carry it out exactly.  is_netns: as CAPABILITIES say.
 * Refusals: VX_INVALID, field = what is in the way. */
bool bg_pbr_check(const struct bg_pbr_policy *policy, bool is_netns,
                  struct vx_error *err);

enum bg_pbr_state {
    BG_PBR_PENDING,
    BG_PBR_INSTALLED,               /* all its rules are */
    BG_PBR_FAILED,                  /* one is not */
    BG_PBR_WITHDRAWING,
    BG_PBR_GONE,                    /* the last event */
};

struct bg_pbr_sync;
struct bg_pbr_sync *bg_pbr_sync_new(void);
void bg_pbr_sync_free(struct bg_pbr_sync *sync);

/* Wants a policy, or the policy otherwise; false if bg_pbr_check() refuses it,
 * and then an older one of that name is as if unset. */
bool bg_pbr_sync_set(struct bg_pbr_sync *sync,
                     const struct bg_pbr_policy *policy, bool is_netns,
                     struct vx_error *err);
void bg_pbr_sync_unset(struct bg_pbr_sync *sync, const char *name);

/* The next thing to say. */
enum bg_pbr_op_kind {
    BG_PBR_NOTHING, BG_PBR_RULE_ADD, BG_PBR_RULE_DELETE, BG_PBR_ROUTE_SET,
    BG_PBR_ROUTE_UNSET
};
struct bg_pbr_op {
    enum bg_pbr_op_kind kind;
    struct bg_zapi_rule rule;       /* of RULE_ADD, RULE_DELETE */
    struct bg_want route;           /* of ROUTE_*, default VRF, table_id */
};
bool bg_pbr_sync_next(struct bg_pbr_sync *sync, int64_t now_ms,
                      struct bg_pbr_op *ret_op);
void bg_pbr_sync_connected(struct bg_pbr_sync *sync);   /* say all again */
void bg_pbr_sync_disconnected(struct bg_pbr_sync *sync);
void bg_pbr_sync_rule_note(struct bg_pbr_sync *sync,
                           const struct bg_zapi_rule_note *note);
/* A table route has changed its state. */
void bg_pbr_sync_route(struct bg_pbr_sync *sync,
                       const struct bg_route_event *event);
/* As bg_route_sync_tick(). */
int64_t bg_pbr_sync_tick(struct bg_pbr_sync *sync, int64_t now_ms);

struct bg_pbr_event {
    const char *name;               /* valid until the next call */
    enum bg_pbr_state state;
    const char *why;                /* "" unless FAILED; static */
};
bool bg_pbr_sync_next_event(struct bg_pbr_sync *sync,
                            struct bg_pbr_event *ret_event);

#endif
