/* SPDX-License-Identifier: Apache-2.0 */
/* What a host has of a network, and of its tenant's router: roles that come
 * and go.
 *
 * full      ports or guests are there     -> all rows of the network
 * reached   ports of a network routed with it are there -> the way to it
 * transit   the host is a border of its zone, where others have the network;
 *           not set but derived (fabric_view.c), since it changes with zones
 *
 * The first full member of a routed network of a tenant on a host brings the
 * tenant's router there (a reach): the way to all its other routed networks,
 * then its subnets, routes and policies.  All that is in place before the tap
 * that needs it; the last one that goes takes it along. */
#include <stdlib.h>
#include <string.h>

#include "core/fabric_graph.h"
#include "lib/xalloc.h"

struct roles {
    struct vx_fmember *member;
    bool full[2], reached[2];   /* before, after */
};

static void
set_roles(void *aux, bool after)
{
    struct roles *roles = aux;

    vx_fmember_set_roles(roles->member, roles->full[after],
                         roles->reached[after]);
}

/* --- Nodes.  Each one holds the tenant's reach of the host, and with it the
 * tenant's budget there. */

static void
emit_budget(struct vx_fabric *f, const struct vx_freach *reach,
            enum vx_femit what)
{
    if (vx_femit_on(f)) {
        vx_femit_budget(reach, what == VX_FEMIT_ADD ? &f->new : &f->old);
        vx_femit_change(f, VX_FABRIC_TIER, &reach->host->oid, 1);
    }
}

static struct vx_fmember *
member_at(struct vx_fabric *f, struct vx_fnet *net, struct vx_fhost *host)
{
    struct vx_fmember *member = vx_fmember_find(net, host->oid);
    struct vx_freach *reach = vx_freach_find(net->tenant, host->oid);

    if (member) {
        return member;
    }
    if (!reach) {
        reach = vx_freach_new(net->tenant, host);
        emit_budget(f, reach, VX_FEMIT_ADD);
    }
    reach->n_members++;
    return vx_fmember_new(net, host);
}

static void
drop_member(struct vx_fabric *f, struct vx_fmember *member)
{
    struct vx_freach *reach = vx_freach_find(member->net->tenant,
                                             member->host->oid);

    vx_femit_touch_network(f, member->net);     /* who waits for its probe */
    vx_fmember_free(member);
    if (!--reach->n_members) {
        emit_budget(f, reach, VX_FEMIT_DEL);
        vx_freach_free(reach);
    }
}

void
vx_fnet_add_transits(struct vx_fabric *f, struct vx_fnet *net,
                     const struct vx_fzone *zone)
{
    for (size_t i = 0; zone && i < zone->n_borders; i++) {
        member_at(f, net, zone->borders[i]);
    }
}

void
vx_fnet_drop_roleless(struct vx_fabric *f, struct vx_fnet *net)
{
    for (size_t i = net->n_hosts; i-- > 0;) {
        if (!vx_fmember_has_role(net->members[i])) {
            drop_member(f, net->members[i]);
        }
    }
}

/* The borders whose transit depends on the member's zone having the
 * network, then the member; the order in which things come. */
static size_t
affected(struct vx_fabric *f, struct vx_fmember *member, bool zone_toggles,
         struct vx_fmember *ret_members[VX_ZONE_MAX_BORDERS + 1])
{
    struct vx_fnet *net = member->net;
    const struct vx_fzone *zone = member->host->zone;
    size_t n = 0;

    if (zone_toggles && vx_fzone_transits(zone, net)) {
        vx_fnet_add_transits(f, net, zone);
        for (size_t i = 0; i < zone->n_borders; i++) {
            struct vx_fmember *border
                = vx_fmember_find(net, zone->borders[i]->oid);

            if (border != member) {
                ret_members[n++] = border;
            }
        }
    }
    ret_members[n++] = member;
    return n;
}

/* Tier 2 of the member and of borders that follow it. */
static void
change_roles(struct vx_fabric *f, struct vx_fmember *member, bool full,
             bool reached)
{
    struct vx_fmember *members[VX_ZONE_MAX_BORDERS + 1];
    struct roles roles = {
        member, { member->full, full }, { member->reached, reached }
    };
    struct vx_fstate state = { .set = set_roles, .aux = &roles };
    bool toggles = vx_fmember_set_roles(member, full, reached);
    bool grows = full || (reached && !roles.full[0]);
    size_t n = affected(f, member, toggles, members);

    if (!grows) {           /* the member itself first */
        memmove(&members[1], members, (n - 1) * sizeof *members);
        members[0] = member;
    }
    vx_femit_members(f, members, n, VX_FABRIC_TIER, &state);
    if (toggles && !grows) {
        vx_fnet_drop_roleless(f, member->net);
    } else if (!vx_fmember_has_role(member)) {
        drop_member(f, member);
    }
}

struct vx_fmember *
vx_fmember_reach(struct vx_fabric *f, struct vx_fnet *net,
                 struct vx_fhost *host)
{
    struct vx_fmember *member = member_at(f, net, host);

    if (member->full) {
        member->reached = true;     /* it sees all that already */
    } else if (!member->reached) {
        change_roles(f, member, false, true);
    }
    return member;
}

void
vx_fmember_unreach(struct vx_fabric *f, struct vx_fmember *member)
{
    if (member->full) {
        member->reached = false;
    } else if (member->reached) {
        change_roles(f, member, false, false);
    }
}

/* Networks of the tenant that have a subnet in force. */
static struct vx_fnet *
next_routed(const struct vx_ften *tenant, const struct vx_fnet *after)
{
    uint64_t oid = after ? after->oid + 1 : 0;
    struct vx_tree_node *node = vx_tree_ceil(&tenant->nets, &oid);

    for (; node; node = vx_tree_next(node)) {
        struct vx_fnet *net = VX_CONTAINER(node, struct vx_fnet, by_tenant);

        if (net->seg.router) {
            return net;
        }
    }
    return NULL;
}

void
vx_freach_gain(struct vx_fabric *f, struct vx_fmember *member)
{
    struct vx_ften *tenant = member->net->tenant;
    struct vx_fhost *host = member->host;
    struct vx_freach *reach = vx_freach_find(tenant, host->oid);

    if (reach->n_full++) {
        member->reached = true;
        return;
    }
    for (struct vx_fnet *net = next_routed(tenant, NULL); net;
         net = next_routed(tenant, net)) {
        vx_fmember_reach(f, net, host);
    }
    if (vx_femit_on(f)) {
        vx_femit_reach(reach, &f->new);
        vx_femit_change(f, VX_TENANT_TIER, &host->oid, 1);
    }
}

void
vx_freach_lose(struct vx_fabric *f, struct vx_fmember *member)
{
    struct vx_ften *tenant = member->net->tenant;
    struct vx_fhost *host = member->host;
    struct vx_freach *reach = vx_freach_find(tenant, host->oid);

    if (reach->n_full == 1 && vx_femit_on(f)) {
        vx_femit_reach(reach, &f->old);
        vx_femit_change(f, VX_TENANT_TIER, &host->oid, 1);
    }
    if (--reach->n_full) {
        return;
    }
    for (struct vx_fnet *net = next_routed(tenant, NULL); net;
         net = next_routed(tenant, net)) {
        struct vx_fmember *other = vx_fmember_find(net, host->oid);

        if (other) {
            vx_fmember_unreach(f, other);
        }
    }
}

static void
emit_tier1(struct vx_fabric *f, const struct vx_fmember *member,
           struct vx_rows *rows)
{
    if (vx_femit_on(f)) {
        vx_femit_network_tier1(member, rows);
        vx_femit_change(f, VX_TENANT_TIER, &member->host->oid, 1);
    }
}

static void
count_external(struct vx_fabric *f, struct vx_fnet *net,
               const struct vx_fhost *host, bool more)
{
    if (!host->obj || !host->obj->external) {
        return;
    }
    net->n_external += more ? 1 : -1;
    if (net->obj && !net->going && net->n_external < 2) {
        vx_fnet_refresh(f, net);
    }
}

struct vx_fmember *
vx_fmember_gain(struct vx_fabric *f, struct vx_fnet *net,
                struct vx_fhost *host)
{
    struct vx_fmember *member = member_at(f, net, host);

    change_roles(f, member, true, member->reached);
    vx_femit_bum(f, net, host, VX_FEMIT_ADD);
    vx_fbum_insert(net, host);
    if (net->seg.router) {
        vx_freach_gain(f, member);
    }
    emit_tier1(f, member, &f->new);
    vx_femit_touch_network(f, net);
    count_external(f, net, host, true);
    return member;
}

void
vx_fmember_lose(struct vx_fabric *f, struct vx_fmember *member)
{
    struct vx_fnet *net = member->net;
    const struct vx_fhost *host = member->host;

    member->grace = 0;
    emit_tier1(f, member, &f->old);
    if (net->seg.router) {
        vx_freach_lose(f, member);
    }
    vx_fbum_remove(net, member->host);
    vx_femit_bum(f, net, member->host, VX_FEMIT_DEL);
    change_roles(f, member, false, member->reached);
    vx_femit_touch_network(f, net);
    count_external(f, net, host, false);
}
