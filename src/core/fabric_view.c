/* SPDX-License-Identifier: Apache-2.0 */
/* Who sees what: pure functions of the graph, on which all rows of tier 2
 * depend.
 *
 * A host of a bordered zone sees its own zone; its borders see all of what the
 * zone has networks of, other zones that are bordered too by their borders.
 * So that a change of a zone can be told as a difference, everything here is
 * worked out anew each time and nothing is remembered. */
#include "core/fabric_graph.h"

static bool
has_path(const struct vx_fzone *zone, const struct vx_fnet *net)
{
    enum vx_path path = net->seg.network->path;

    if (!zone || !zone->obj || !zone->n_borders) {
        return false;
    }
    return (path ? path : zone->obj->path) == VX_PATH_BORDER;
}

bool
vx_fzone_is_bordered(const struct vx_fzone *zone, const struct vx_fnet *net)
{
    return has_path(zone, net) && !zone->open;
}

bool
vx_fzone_transits(const struct vx_fzone *zone, const struct vx_fnet *net)
{
    return has_path(zone, net)
           || (zone && zone->open && zone->obj && zone->n_borders);
}

bool
vx_fzone_has_border(const struct vx_fzone *zone, const struct vx_fhost *host)
{
    for (size_t i = 0; zone && i < zone->n_borders; i++) {
        if (zone->borders[i] == host) {
            return true;
        }
    }
    return false;
}

/* Rendezvous: a network keeps its border while that one is there. */
static uint64_t
weight(const struct vx_fnet *net, const struct vx_fhost *host)
{
    uint64_t z = (uint64_t) net->seg.network->vni << 32 | host->obj->num;

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

const struct vx_fhost *
vx_fzone_designated(const struct vx_fzone *zone, const struct vx_fnet *net)
{
    const struct vx_fhost *best = NULL;

    for (size_t i = 0; i < zone->n_borders; i++) {
        const struct vx_fhost *host = zone->borders[i];

        if (!best || host->dead < best->dead
            || (host->dead == best->dead
                && weight(net, host) > weight(net, best))) {
            best = host;
        }
    }
    return best;
}

bool
vx_fmember_is_transit(const struct vx_fmember *member)
{
    const struct vx_fzone *zone = member->host->zone;

    return vx_fzone_has_border(zone, member->host)
           && vx_fzone_transits(zone, member->net)
           && vx_fnet_zone(member->net, zone).n_native;
}

bool
vx_fmember_has_role(const struct vx_fmember *member)
{
    return member->full || member->reached || vx_fmember_is_transit(member);
}

struct vx_view
vx_fmember_view(const struct vx_fmember *member)
{
    const struct vx_fzone *zone = member->host->zone;
    const struct vx_fnet *net = member->net;
    bool transit = vx_fmember_is_transit(member);
    bool bordered = vx_fzone_is_bordered(zone, net);

    return (struct vx_view) {
        .member = member->full,
        .transit = transit,
        .designated = transit && bordered
                      && vx_fzone_designated(zone, net) == member->host,
        .border = bordered && !transit ? zone->obj->num : 0,
        .host_budget = zone && zone->obj && zone->obj->budget_kbps,
        .tenant_budget = net->tenant && net->tenant->obj
                         && net->tenant->obj->budget_kbps
                         ? net->tenant->obj->router_vni : 0,
    };
}

bool
vx_fhost_sees_others(const struct vx_fabric *f, const struct vx_fhost *host)
{
    const struct vx_fzone *zone = host->zone;

    return f->n_direct || !zone || !zone->obj || !zone->n_borders
           || zone->open || zone->obj->path != VX_PATH_BORDER
           || vx_fzone_has_border(zone, host);
}

/* The way to another host, 0 = none. */
static uint32_t
way(const struct vx_fmember *viewer, const struct vx_fhost *host)
{
    const struct vx_fnet *net = viewer->net;
    const struct vx_fzone *zone = viewer->host->zone;

    if (host->zone == zone) {
        return host->obj->num;
    }
    if (vx_fzone_is_bordered(zone, net) && !vx_fmember_is_transit(viewer)) {
        return 0;
    }
    return vx_fzone_is_bordered(host->zone, net)
           ? VX_TO_BORDER | host->zone->obj->num : host->obj->num;
}

struct vx_fport_view
vx_fport_view(const struct vx_fmember *viewer, const struct vx_fmember *at)
{
    bool transit = vx_fmember_is_transit(viewer);
    struct vx_fport_view view = { 0 };

    if (!viewer->full && !viewer->reached && !transit) {
        return view;
    }
    view.neigh = viewer->full || transit;
    view.adj = viewer->net->seg.router;
    if (viewer->host == at->host) {
        view.local = transit;
        view.adj &= transit;
        return view;
    }
    view.to = way(viewer, at->host);
    return view.to ? view : (struct vx_fport_view) { 0 };
}

size_t
vx_femit_alike(struct vx_fabric *f, const struct vx_fnet *net,
               const uint8_t *of, unsigned class)
{
    size_t n = 0;

    vx_femit_list(f, net->n_hosts);
    for (size_t i = 0; i < net->n_hosts; i++) {
        if (of[i] == class) {
            f->list[n++] = net->hosts[i];
        }
    }
    return n;
}
