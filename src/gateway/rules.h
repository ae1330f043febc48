/* SPDX-License-Identifier: Apache-2.0 */
/* Policies for what enters at the gateway, as ip rules through zebra as well:
 * a second connection without graceful restart, so that rules and their
 * tables go together.
 *
 * Only with VRF devices (zebra puts rules of namespaces into the default
 * one), only what the kernel does exactly (pbr_sync.h), and only drops that
 * no policy of another action comes before: a rule must never take a packet
 * that the policies would not.  All policies are in force without them, in
 * tier 1 of the gateway's bridge; a rule drops earlier. */
#ifndef VX_GATEWAY_RULES_H
#define VX_GATEWAY_RULES_H

#include "bgp/zebra_session.h"
#include "gateway/entries.h"

struct event_base;
struct vx_gw_rules;

struct vx_gw_rules_config {
    struct event_base *base;
    const char *zserv;
    enum bg_proto proto;
    const struct vx_gw_entries *entries;
};

struct vx_gw_rules *vx_gw_rules_new(const struct vx_gw_rules_config *config);
void vx_gw_rules_free(struct vx_gw_rules *rules);   /* NULL is fine */
/* Tenants, peerings or policies have changed. O(policies). */
void vx_gw_rules_update(struct vx_gw_rules *rules);
size_t vx_gw_rules_count(const struct vx_gw_rules *rules);

#endif
