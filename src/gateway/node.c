/* SPDX-License-Identifier: Apache-2.0 */
/* See node.h. */
#include "gateway/node.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/leg_ovs.h"
#include "gateway/moves.h"
#include "gateway/remains.h"
#include "gateway/speaker.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

enum {
    PATIENCE_MS = 10000, N_DAEMONS = 3,
    /* That long BGP, away or refusing, keeps what is to go. */
    LET_GO_MS = 10000, LET_GO_LOOK_MS = 500,
};

/* A VRF here, from when its tenant is told until the kernel has it no more. */
struct vrf {
    struct vx_tree_node by_vni;
    uint32_t vni;
    char *tenant;               /* key; NULL = leaving */
    bool dirty;
    bool unconfigured;          /* leaving: bgpd has it no more */
    struct vx_gw_hold hold;     /* leaving, or devices in it may be */
    int64_t since_ms;           /* of the last change */
    char *why;                  /* the kernel is not ready; NULL = it is */
    char *iface_id;
};

struct vx_gw_node {
    struct vx_gw_node_config config;
    struct vx_gw_kernel *kernel;
    enum vx_gw_backend backend;
    struct vx_gw_legs *legs;
    struct vx_gw_frr *frrs[N_DAEMONS];
    struct vx_tree vrfs;
    struct event *let_go;       /* while anything is held */
    struct vx_gw_hold sweep;    /* of what earlier runs have left */
    struct vx_gw_moves moves;
    struct vx_gw_remains remains;   /* at zebra, of VRFs that are to go */
    bool synced;
    bool userspace, ovs_connected;
    bool frr_dirty;
    const char *silenced;       /* why tenants have no sessions; or NULL */
    char leg[VX_GW_IFNAME_SIZE];
    /* The last vx_gw_frr_want: rebuilt at each question. */
    struct vx_gw_frr_vrf *want_vrfs;
    size_t cap_want_vrfs;
    const struct vx_peering **want_peerings;
    size_t cap_want_peerings;
};

static int
compare_vrf(const void *vni, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) vni;
    uint32_t b = VX_CONTAINER(node, struct vrf, by_vni)->vni;

    return a < b ? -1 : a > b;
}

static struct vrf *
find_vrf(const struct vx_gw_node *node, uint32_t vni)
{
    struct vx_tree_node *found = vx_tree_find(&node->vrfs, &vni);

    return found ? VX_CONTAINER(found, struct vrf, by_vni) : NULL;
}

static void
vrf_free(struct vx_gw_node *node, struct vrf *vrf)
{
    vx_tree_remove(&node->vrfs, &vrf->by_vni);
    free(vrf->tenant);
    free(vrf->why);
    free(vrf->iface_id);
    free(vrf);
}

static void
set_why(struct vrf *vrf, const char *why)
{
    free(vrf->why);
    vrf->why = *why ? vx_xstrdup(why) : NULL;
}

/* --- VRFs in the kernel. */

/* CE devices of a tenant: those its peerings name. */
struct devices {
    struct vx_gw_device_want *devices;
    size_t n, cap;
    struct vx_gw_addr *addrs;
    size_t n_addrs, cap_addrs;
};

static size_t
count_addrs(struct vx_gw_node *node, const char *prefix)
{
    size_t n = 0;

    VX_GW_FOR_EACH(entry, node->config.entries, VX_GW_PEERING, prefix) {
        n += entry->value->peering.value.n_locals;
    }
    return n;
}

/* Two peerings over one device bring its addresses together. */
static void
add_device(struct devices *d, const struct vx_peering *peering)
{
    struct vx_gw_device_want *device = NULL;

    for (size_t i = 0; i < d->n && !device; i++) {
        if (!strcmp(d->devices[i].name, peering->device)) {
            device = &d->devices[i];
        }
    }
    /* Addresses of one device lie together: only the last can grow. */
    if (device && device != &d->devices[d->n - 1]) {
        return;
    }
    if (!device) {
        d->devices = vx_grow(d->devices, &d->cap, d->n + 1,
                             sizeof *d->devices);
        device = &d->devices[d->n++];
        memset(device, 0, sizeof *device);
        snprintf(device->name, sizeof device->name, "%s", peering->device);
        device->addrs = &d->addrs[d->n_addrs];
    }
    for (size_t i = 0; i < peering->n_locals; i++) {
        d->addrs[d->n_addrs++] = (struct vx_gw_addr) {
            peering->locals[i].ip, peering->locals[i].length,
        };
        device->n_addrs++;
    }
}

static void
collect_devices(struct vx_gw_node *node, const char *tenant,
                struct devices *d)
{
    char prefix[VX_GW_KEY_MAX + 2];

    memset(d, 0, sizeof *d);
    snprintf(prefix, sizeof prefix, "%s/", tenant);
    d->cap_addrs = count_addrs(node, prefix);
    d->addrs = vx_xcalloc(d->cap_addrs + 1, sizeof *d->addrs);
    VX_GW_FOR_EACH(entry, node->config.entries, VX_GW_PEERING, prefix) {
        if (entry->value->peering.value.device[0]) {
            add_device(d, &entry->value->peering.value);
        }
    }
}

static void
set_kernel_vrf(struct vx_gw_node *node, struct vrf *vrf,
               const struct vx_gw_tenant *tenant)
{
    struct vx_gw_addr addrs[VX_GW_MAX_LEG_IPS];
    struct vx_gw_vrf_want want = {
        .vni = vrf->vni, .leg_mac = tenant->mac, .leg_mtu = tenant->mtu,
        .leg_offload = node->ovs_connected && !node->userspace,
        .leg_addrs = addrs, .n_leg_addrs = tenant->n_ips,
        .holds = vrf->hold.on,
    };
    struct devices d;

    for (size_t i = 0; i < tenant->n_ips; i++) {
        addrs[i] = (struct vx_gw_addr) { tenant->ips[i].ip,
                                         tenant->ips[i].length };
    }
    collect_devices(node, vrf->tenant, &d);
    want.devices = d.devices;
    want.n_devices = d.n;
    vx_gw_remains_forget(&node->remains, vrf->vni);
    vx_gw_kernel_set_vrf(node->kernel, &want);
    free(d.devices);
    free(d.addrs);
}

static const struct vx_gw_tenant *
tenant_of(const struct vx_gw_node *node, const struct vrf *vrf)
{
    const struct vx_gw_entry *entry;

    if (!vrf->tenant) {
        return NULL;
    }
    entry = vx_gw_entries_find(node->config.entries, VX_GW_TENANT,
                               vrf->tenant);
    return entry && entry->value ? &entry->value->tenant : NULL;
}

/* The port of a VRF that is not ready, or cannot be, stays: packets go
 * through it. */
static void
set_leg(struct vx_gw_node *node, struct vrf *vrf)
{
    const struct vx_gw_tenant *tenant = tenant_of(node, vrf);

    if (!tenant || !node->legs || !node->kernel) {
        return;
    }
    if (vx_gw_kernel_is_ready(node->kernel, vrf->vni)) {
        vx_gw_legs_set(node->legs, vrf->vni, tenant->iface_id);
    } else {
        vx_gw_legs_keep(node->legs, vrf->vni);
    }
}

/* BGP has let go of it, or cannot be asked. */
static void
remove_vrf(struct vx_gw_node *node, struct vrf *vrf)
{
    if (vrf->unconfigured || !node->kernel) {
        return;
    }
    vrf->unconfigured = true;
    vx_log_info("node", "removes VRF vx%u", (unsigned) vrf->vni);
    if (node->legs) {
        vx_gw_legs_remove(node->legs, vrf->vni);
    }
    vx_gw_kernel_remove_vrf(node->kernel, vrf->vni);
}

/* --- What goes when BGP has let go of it. */

static void
hold(struct vx_gw_node *node, struct vx_gw_hold *hold)
{
    vx_gw_hold(hold, vx_clock_ms(),
               vx_gw_frr_next(node->frrs[VX_GW_BGPD]));
}

/* Its peers have been told, over what goes.  Nothing is let go before all is
 * known; then the time begins anew. */
static bool
is_let_go(const void *node_, const struct vx_gw_hold *hold)
{
    const struct vx_gw_node *node = node_;

    return node->synced
           && (vx_gw_frr_has_taken(node->frrs[VX_GW_BGPD], hold->number)
               || vx_clock_ms() - hold->since_ms > LET_GO_MS);
}

static void
let_go_of(struct vx_gw_node *node, struct vrf *vrf)
{
    const struct vx_gw_tenant *tenant = tenant_of(node, vrf);

    vrf->hold.on = false;
    if (!vrf->tenant) {
        remove_vrf(node, vrf);
    } else if (tenant && !vrf->dirty) {
        set_kernel_vrf(node, vrf, tenant);
    }
}

static void
sweep(struct vx_gw_node *node)
{
    node->sweep.on = false;
    vx_gw_kernel_sync(node->kernel);
    if (node->legs) {
        vx_gw_legs_sync(node->legs);
    }
}

static void
let_go(struct vx_gw_node *node)
{
    static const struct timeval soon = { 0, LET_GO_LOOK_MS * 1000 };
    bool any = false;

    if (!node->kernel) {
        return;
    }
    if (node->sweep.on && is_let_go(node, &node->sweep)) {
        sweep(node);
    }
    if (vx_gw_moves_let_go(&node->moves, is_let_go, node, &any)) {
        vx_gw_frr_touch(node->frrs[VX_GW_BGPD]);
    }
    VX_TREE_FOR_EACH_SAFE (at, next, &node->vrfs) {
        struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);

        if (vrf->hold.on && is_let_go(node, &vrf->hold)) {
            let_go_of(node, vrf);
        } else {
            any |= vrf->hold.on;
        }
    }
    if ((any || node->sweep.on)
        && !event_pending(node->let_go, EV_TIMEOUT, NULL)) {
        event_add(node->let_go, &soon);
    }
}

static void
let_go_late(evutil_socket_t fd, short what, void *node)
{
    (void) fd;
    (void) what;
    let_go(node);
}

/* --- What the kernel and OVS say. */

static void
on_vrf(void *node_, uint32_t vni, bool ready, const char *why)
{
    struct vx_gw_node *node = node_;
    struct vrf *vrf = find_vrf(node, vni);

    if (!strcmp(why, "gone")) {
        vx_gw_remains_forget(&node->remains, vni);
    }
    if (!vrf) {
        return;
    }
    set_why(vrf, ready ? "" : why);
    if (ready) {
        vx_log_info("node", "VRF vx%u is ready", (unsigned) vni);
        set_leg(node, vrf);
    } else if (!vrf->tenant && vrf->unconfigured) {
        vrf_free(node, vrf);
        vx_gw_frr_touch(node->frrs[VX_GW_ZEBRA]);
    } else {
        vx_log_warn("node", "VRF vx%u: %s", (unsigned) vni, why);
    }
    node->config.progress(node->config.aux);
}

static void
on_device(void *node_, uint32_t vni, const char *name, bool ready,
          const char *why)
{
    struct vx_gw_node *node = node_;

    if (ready) {
        vx_log_info("node", "device %s is in VRF vx%u", name, (unsigned) vni);
    } else {
        vx_log_warn("node", "device %s of VRF vx%u: %s", name,
                    (unsigned) vni, why);
    }
    node->config.progress(node->config.aux);
}

/* It must not go while bgpd hangs, with something for it under way, or zebra
 * does: remains.h. */
static bool
on_empty(void *node_, uint32_t vni, bool first)
{
    struct vx_gw_node *node = node_;
    const struct vrf *vrf = find_vrf(node, vni);
    struct vx_gw_remains_question question = {
        .vni = vni, .first = first,
        .is_let_go = vx_gw_frr_has_heard(node->frrs[VX_GW_BGPD],
                                         vrf ? vrf->hold.number
                                             : node->sweep.number),
    };

    if (first && !question.is_let_go) {
        vx_log_warn("node", "VRF vx%u is empty, and stays until bgpd "
                    "answers", (unsigned) vni);
    }
    return vx_gw_remains_none(&node->remains,
                              vx_gw_frr_vty(node->frrs[VX_GW_ZEBRA]),
                              &question)
           && question.is_let_go;
}

static void
on_note(void *node, const char *text)
{
    (void) node;
    vx_log_warn("node", "%s", text);
}

static void
on_leg(void *node_, uint32_t vni, uint32_t ofport)
{
    struct vx_gw_node *node = node_;

    vx_log_debug("node", "leg of vx%u: OpenFlow port %u", (unsigned) vni,
                 (unsigned) ofport);
    node->config.progress(node->config.aux);
}

static void
on_ovs(void *node_, bool connected, bool userspace, const char *why)
{
    struct vx_gw_node *node = node_;
    bool changed = connected
                   && (!node->ovs_connected || userspace != node->userspace);

    if (!connected) {
        vx_log_warn("node", "no Open vSwitch database: %s", why);
    }
    node->ovs_connected = connected || node->ovs_connected;
    node->userspace = connected ? userspace : node->userspace;
    if (!changed || !node->kernel) {
        return;
    }
    VX_TREE_FOR_EACH (at, &node->vrfs) {
        struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);
        const struct vx_gw_tenant *tenant = tenant_of(node, vrf);

        if (tenant) {
            set_kernel_vrf(node, vrf, tenant);
            vx_gw_kernel_nudge(node->kernel, vrf->vni);   /* devices */
        }
    }
}

/* --- FRR's configuration. */

static size_t
gather_peerings(struct vx_gw_node *node, const char *prefix, bool of_fabric,
                size_t n)
{
    VX_GW_FOR_EACH(entry, node->config.entries, VX_GW_PEERING, prefix) {
        if ((!entry->value->peering.tenant) == of_fabric
            && !vx_gw_moves_is_moving(&node->moves, entry->key)) {
            node->want_peerings =
                vx_grow(node->want_peerings, &node->cap_want_peerings, n + 1,
                        sizeof *node->want_peerings);
            node->want_peerings[n++] = &entry->value->peering.value;
        }
    }
    return n;
}

static void
give_tenant(const struct vx_gw_node *node, struct vx_gw_frr_vrf *vrf)
{
    const struct vx_gw_entry *entry = vx_gw_entries_find(
        node->config.entries, VX_GW_TENANT, vrf->tenant);

    if (entry && entry->value) {
        vrf->subnets = entry->value->tenant.subnets;
        vrf->n_subnets = entry->value->tenant.n_subnets;
        vrf->leg_ips = entry->value->tenant.ips;
        vrf->n_leg_ips = entry->value->tenant.n_ips;
    }
}

/* Counts first: pointers into want_peerings are good when it has stopped
 * growing. */
static void
gather(struct vx_gw_node *node, struct vx_gw_frr_want *want)
{
    size_t n = gather_peerings(node, "", true, 0), n_vrfs = 0;
    size_t first = n;
    char prefix[VX_GW_KEY_MAX + 2];

    want->n_uplinks = n;
    VX_TREE_FOR_EACH (at, &node->vrfs) {
        struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);
        struct vx_gw_frr_vrf *out;

        if (!vrf->tenant) {
            continue;
        }
        node->want_vrfs = vx_grow(node->want_vrfs, &node->cap_want_vrfs,
                                  n_vrfs + 1, sizeof *node->want_vrfs);
        out = &node->want_vrfs[n_vrfs++];
        memset(out, 0, sizeof *out);
        out->vni = vrf->vni;
        out->tenant = vrf->tenant;
        give_tenant(node, out);
        snprintf(prefix, sizeof prefix, "%s/", vrf->tenant);
        n = node->silenced ? n : gather_peerings(node, prefix, false, n);
        out->n_peerings = n - first;
        first = n;
    }
    want->uplinks = node->want_peerings;
    want->vrfs = node->want_vrfs;
    want->n_vrfs = n_vrfs;
    n = want->n_uplinks;
    for (size_t i = 0; i < n_vrfs; i++) {
        node->want_vrfs[i].peerings = node->want_peerings + n;
        n += node->want_vrfs[i].n_peerings;
    }
}

static bool
is_conflict(const struct vx_gw_entry *entry)
{
    return entry->why && !strncmp(entry->why, "conflict", 8);
}

static bool
want_frr(void *node_, struct vx_gw_frr_want *ret_want)
{
    struct vx_gw_node *node = node_;
    const struct vx_gw_gateway *gateway =
        vx_gw_entries_gateway(node->config.entries);

    if (!node->synced || !gateway) {
        return false;
    }
    *ret_want = (struct vx_gw_frr_want) {
        .as = gateway->as, .router_id = gateway->router_id,
        .vtep = gateway->vtep, .redistribute = node->config.redistribute,
        .restart_s = VX_GW_RESTART_S,
    };
    vx_ip_parse(VX_GW_SPEAKER_ADDRESS, &ret_want->speaker);
    gather(node, ret_want);
    return true;
}

/* Of peerings that could not be configured, as on_conflict said. */
static void
forget_conflicts(struct vx_gw_node *node, bool of_fabric)
{
    VX_GW_FOR_EACH(entry, node->config.entries, VX_GW_PEERING, "") {
        if ((!entry->value->peering.tenant) == of_fabric
            && is_conflict(entry)) {
            vx_gw_entries_set_why(node->config.entries, entry, NULL);
        }
    }
}

static void
on_conflict(void *node_, enum vx_gw_frr_daemon daemon,
            const struct vx_gw_frr_conflict *conflict)
{
    struct vx_gw_node *node = node_;
    char text[512];

    if (!conflict) {
        /* zebra has none; what bgpd refuses stays, whatever zebra does. */
        if (daemon != VX_GW_ZEBRA) {
            forget_conflicts(node, daemon == VX_GW_REFLECTOR);
        }
        return;
    }
    snprintf(text, sizeof text, "conflict: %s", conflict->why);
    vx_log_warn("node", "vx%u: %s", (unsigned) conflict->vni, text);
    VX_GW_FOR_EACH(entry, node->config.entries, VX_GW_PEERING, "") {
        if (&entry->value->peering.value == conflict->peering) {
            vx_gw_entries_set_why(node->config.entries, entry, text);
        }
    }
}

static void
on_frr(void *node_)
{
    struct vx_gw_node *node = node_;

    if (node->frrs[VX_GW_REFLECTOR]) {      /* all are made */
        let_go(node);
        node->config.progress(node->config.aux);
    }
}

/* --- What is told. */

/* The tenant has another VNI, or is gone: the old VRF leaves. */
static void
leave(struct vx_gw_node *node, const char *tenant, uint32_t keep)
{
    VX_TREE_FOR_EACH (at, &node->vrfs) {
        struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);

        if (vrf->tenant && !strcmp(vrf->tenant, tenant)
            && vrf->vni != keep) {
            free(vrf->tenant);
            vrf->tenant = NULL;
            vrf->since_ms = vx_clock_ms();
            vrf->unconfigured = false;
            hold(node, &vrf->hold);
        }
    }
}

static void
touch_tenant(struct vx_gw_node *node, const struct vx_gw_entry *entry)
{
    uint32_t vni = entry->value ? entry->value->tenant.vni : 0;
    struct vrf *vrf = vni ? find_vrf(node, vni) : NULL;

    leave(node, entry->key, vni);
    if (!vni) {
        return;
    }
    if (!vrf) {
        vrf = vx_xcalloc(1, sizeof *vrf);
        vrf->vni = vni;
        vx_tree_insert(&node->vrfs, &vni, &vrf->by_vni);
        set_why(vrf, "not made yet");
    }
    if (!vrf->tenant || strcmp(vrf->tenant, entry->key)) {
        free(vrf->tenant);
        vrf->tenant = vx_xstrdup(entry->key);
    }
    vrf->unconfigured = false;
    vrf->dirty = true;
    vrf->since_ms = vx_clock_ms();
    hold(node, &vrf->hold);
}

static struct vx_gw_moves_place
place_of(const struct vx_peering *peering)
{
    struct vx_gw_moves_place place = {
        .device = peering->device,
        .has_ipv6 = peering->peer.family != 4
                    || !(peering->families & VX_AF_IPV6),
    };

    for (size_t i = 0; i < peering->n_locals && !place.has_ipv6; i++) {
        place.has_ipv6 = peering->locals[i].ip.family == 6;
    }
    return place;
}

static void
touch_peering(struct vx_gw_node *node, const struct vx_gw_entry *entry)
{
    const char *key = entry->key;
    size_t n = strcspn(key, "/");
    struct vx_gw_hold now = { .on = false };
    struct vx_gw_moves_place place;

    hold(node, &now);
    if (entry->value) {
        place = place_of(&entry->value->peering.value);
    }
    vx_gw_moves_set(&node->moves, key, entry->value ? &place : NULL, &now);

    VX_TREE_FOR_EACH (at, &node->vrfs) {
        struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);

        if (vrf->tenant && !strncmp(vrf->tenant, key, n)
            && !vrf->tenant[n]) {
            vrf->dirty = true;
            vrf->since_ms = vx_clock_ms();
            hold(node, &vrf->hold);
        }
    }
}

void
vx_gw_node_touch(struct vx_gw_node *node, const struct vx_gw_entry *entry)
{
    node->frr_dirty = true;
    if (entry->type == VX_GW_TENANT) {
        touch_tenant(node, entry);
    } else if (entry->type == VX_GW_PEERING) {
        touch_peering(node, entry);
    }
}

void
vx_gw_node_silence(struct vx_gw_node *node, const char *why)
{
    if (!why == !node->silenced) {
        return;
    }
    node->silenced = why;
    vx_gw_frr_touch(node->frrs[VX_GW_BGPD]);
    node->config.progress(node->config.aux);
}

void
vx_gw_node_flush(struct vx_gw_node *node)
{
    if (node->kernel) {
        VX_TREE_FOR_EACH (at, &node->vrfs) {
            struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);
            const struct vx_gw_tenant *tenant = tenant_of(node, vrf);

            if (vrf->dirty && tenant) {
                vrf->dirty = false;
                set_kernel_vrf(node, vrf, tenant);
                set_leg(node, vrf);
            }
        }
    }
    if (node->frr_dirty && node->synced) {
        node->frr_dirty = false;
        vx_gw_frr_touch(node->frrs[VX_GW_BGPD]);
        vx_gw_frr_touch(node->frrs[VX_GW_REFLECTOR]);
    }
    let_go(node);
}

void
vx_gw_node_sync(struct vx_gw_node *node)
{
    if (!node->synced) {
        node->synced = true;
        node->frr_dirty = true;
        hold(node, &node->sweep);
        VX_TREE_FOR_EACH (at, &node->vrfs) {
            VX_CONTAINER(at, struct vrf, by_vni)->hold.since_ms =
                node->sweep.since_ms;
        }
        vx_gw_node_flush(node);
        vx_gw_frr_touch(node->frrs[VX_GW_ZEBRA]);
    }
}

/* Until the database is known nothing is taken: the machine's own way to the
 * fabric is a port of it. */
static const char *
taken(void *node_, const char *name)
{
    const struct vx_gw_node *node = node_;

    if (!node->legs) {
        return NULL;
    }
    if (!vx_gw_legs_is_connected(node->legs)) {
        return "it waits for the database of Open vSwitch, which may have it";
    }
    return vx_gw_legs_has_iface(node->legs, name)
           ? "it is a port of Open vSwitch: give an interface that has no "
             "other work" : NULL;
}

void
vx_gw_node_set_backend(struct vx_gw_node *node, enum vx_gw_backend backend)
{
    static const struct vx_gw_kernel_callbacks kernel_cb = {
        .vrf = on_vrf, .device = on_device, .note = on_note,
        .taken = taken, .let_go = on_empty,
    };
    static const struct vx_gw_legs_callbacks legs_cb = {
        .leg = on_leg, .connected = on_ovs, .note = on_note,
    };
    struct vx_error err;

    if (node->kernel) {
        return;
    }
    node->backend = backend;
    node->kernel = vx_gw_kernel_new(node->config.base, backend,
                                    node->config.netns_dir, &kernel_cb, node,
                                    &err);
    if (!node->kernel) {
        vx_log_error("node", "%s", err.message);
        return;
    }
    vx_log_info("node", "a VRF is a %s",
                backend == VX_GW_VRF_NETNS ? "network namespace" : "device");
    if (!node->config.ovsdb || strcmp(node->config.ovsdb, "none")) {
        node->legs = vx_gw_legs_new(node->config.base, node->config.ovsdb,
                                    &legs_cb, node, &err);
        if (!node->legs) {
            vx_log_error("node", "%s", err.message);
        }
    }
    vx_gw_node_flush(node);
}

/* --- Looking. */

bool
vx_gw_node_has_backend(const struct vx_gw_node *node)
{
    return node->kernel != NULL;
}

const char *
vx_gw_node_leg(struct vx_gw_node *node, uint32_t vni)
{
    return vx_gw_leg_name(node->kernel ? node->backend : VX_GW_VRF_NETNS, vni,
                          node->leg);
}

bool
vx_gw_node_is_settled(const struct vx_gw_node *node)
{
    int64_t now = vx_clock_ms();

    if (node->frr_dirty || !vx_gw_frr_is_settled(node->frrs[VX_GW_BGPD])
        || !vx_gw_frr_is_settled(node->frrs[VX_GW_REFLECTOR])) {
        return false;
    }
    VX_TREE_FOR_EACH (at, &node->vrfs) {
        const struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);

        if (vrf->tenant && vrf->why && now - vrf->since_ms < PATIENCE_MS) {
            return false;
        }
    }
    return true;
}

static const char *
why_of_tenant(const struct vx_gw_node *node, const struct vx_gw_entry *entry)
{
    const struct vrf *vrf = find_vrf(node, entry->value->tenant.vni);

    return !node->kernel ? "zebra has not said yet what a VRF is"
           : vrf && vrf->why ? vrf->why
           : node->legs && !vx_gw_legs_ofport(node->legs,
                                              entry->value->tenant.vni)
             ? "its leg has no port in br-tenant" : "";
}

static void
judge_peering(struct vx_gw_node *node, struct vx_gw_entry *entry)
{
    const struct vx_gw_peering *peering = &entry->value->peering;
    const struct vx_gw_frr *frr =
        node->frrs[peering->tenant ? VX_GW_BGPD : VX_GW_REFLECTOR];
    const struct vx_gw_entry *tenant =
        peering->tenant ? vx_gw_entries_find(node->config.entries,
                                             VX_GW_TENANT, peering->tenant)
                        : NULL;
    char text[VX_GW_IFNAME_SIZE + 160];

    if (peering->tenant && node->silenced) {
        vx_gw_entries_set_why(node->config.entries, entry, node->silenced);
    } else if (*vx_gw_frr_why(frr)) {
        vx_gw_entries_set_why(node->config.entries, entry,
                              vx_gw_frr_why(frr));
    } else if (tenant && tenant->value && peering->value.device[0]
               && node->kernel
               && !vx_gw_kernel_device_is_ready(node->kernel,
                                                tenant->value->tenant.vni,
                                                peering->value.device)) {
        snprintf(text, sizeof text, "device %s is not in the VRF: %s",
                 peering->value.device,
                 vx_gw_kernel_device_why(node->kernel,
                                         tenant->value->tenant.vni,
                                         peering->value.device));
        vx_gw_entries_set_why(node->config.entries, entry, text);
    } else if (vx_gw_frr_is_done(frr) && !is_conflict(entry)) {
        vx_gw_entries_set_why(node->config.entries, entry, NULL);
    }
}

void
vx_gw_node_judge(struct vx_gw_node *node)
{
    VX_GW_FOR_EACH(entry, node->config.entries, VX_GW_TENANT, "") {
        vx_gw_entries_set_why(node->config.entries, entry,
                              why_of_tenant(node, entry));
    }
    VX_GW_FOR_EACH(entry, node->config.entries, VX_GW_PEERING, "") {
        judge_peering(node, entry);
    }
}

bool
vx_gw_node_compare(struct vx_gw_node *node, uint32_t *vni,
                   struct vx_gw_drifts *drifts)
{
    if (!node->kernel) {
        vx_gw_drift_fail(drifts, "zebra has not said yet what a VRF is");
        return false;
    }
    VX_TREE_FOR_EACH (at, &node->vrfs) {
        const struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);
        char object[VX_GW_KEY_MAX + 16];

        if (vrf->vni > *vni && vrf->tenant) {
            *vni = vrf->vni;
            snprintf(object, sizeof object, "tenant %s", vrf->tenant);
            vx_gw_kernel_compare(node->kernel, vrf->vni, object, drifts);
            return true;
        }
    }
    return false;
}

void
vx_gw_node_check(struct vx_gw_node *node)
{
    VX_TREE_FOR_EACH (at, &node->vrfs) {
        const struct vrf *vrf = VX_CONTAINER(at, struct vrf, by_vni);

        if (vrf->tenant && node->kernel) {
            vx_gw_kernel_check(node->kernel, vrf->vni);
        }
    }
}

struct vx_gw_frr *
vx_gw_node_frr(struct vx_gw_node *node, enum vx_gw_frr_daemon daemon)
{
    return node->frrs[daemon];
}

bool
vx_gw_node_counts(const struct vx_gw_node *node,
                  struct vx_gw_kernel_counts *ret_counts)
{
    if (node->kernel) {
        vx_gw_kernel_counts(node->kernel, ret_counts);
    }
    return node->kernel != NULL;
}

const struct vx_gw_kernel *
vx_gw_node_kernel(const struct vx_gw_node *node)
{
    return node->kernel;
}

bool
vx_gw_node_ovs_connected(const struct vx_gw_node *node)
{
    return node->legs && vx_gw_legs_is_connected(node->legs);
}

bool
vx_gw_node_is_cut(const struct vx_gw_node *node, const char *bridge,
                  char *ret_ports, size_t size)
{
    return node->legs
           && vx_gw_legs_is_cut(node->legs, bridge, ret_ports, size);
}

/* --- Life. */

struct vx_gw_node *
vx_gw_node_new(const struct vx_gw_node_config *config)
{
    struct vx_gw_node *node = vx_xcalloc(1, sizeof *node);

    node->config = *config;
    vx_tree_init(&node->vrfs, compare_vrf);
    vx_gw_moves_init(&node->moves);
    vx_gw_remains_init(&node->remains, config->drop_route, config->aux);
    node->let_go = event_new(config->base, -1, 0, let_go_late, node);
    for (int i = 0; i < N_DAEMONS; i++) {
        char *path = vx_xasprintf("%s/%s.vty",
                                  i == VX_GW_REFLECTOR
                                  ? config->reflector_vty_dir
                                  : config->vty_dir,
                                  i == VX_GW_ZEBRA ? "zebra" : "bgpd");
        struct vx_gw_frr_spec spec = {
            .base = config->base, .daemon = (enum vx_gw_frr_daemon) i,
            .path = path, .saves = config->saves,
            .look_ms = config->look_ms, .want = want_frr,
            .conflict = on_conflict, .progress = on_frr, .aux = node,
        };

        node->frrs[i] = vx_gw_frr_new(&spec);
        free(path);
    }
    return node;
}

void
vx_gw_node_free(struct vx_gw_node *node)
{
    if (!node) {
        return;
    }
    for (int i = 0; i < N_DAEMONS; i++) {
        vx_gw_frr_free(node->frrs[i]);
    }
    vx_gw_legs_free(node->legs);
    vx_gw_kernel_free(node->kernel);
    VX_TREE_FOR_EACH_SAFE (at, next, &node->vrfs) {
        vrf_free(node, VX_CONTAINER(at, struct vrf, by_vni));
    }
    vx_gw_moves_fini(&node->moves);
    vx_gw_remains_fini(&node->remains);
    event_free(node->let_go);
    free(node->want_vrfs);
    free(node->want_peerings);
    free(node);
}
