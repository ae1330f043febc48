/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at one VRF in the kernel; fills struct vx_gw_seen.  Changes
 * nothing. */
#include "gateway/kernel_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/nl.h"
#include "lib/xalloc.h"

/* --- The place. */

static bool
open_inside(struct vx_gw_place *place, struct vx_error *err)
{
    if (!vx_gw_netns_enter(place->netns, err)) {
        return false;
    }
    place->in = vx_gw_nl_open(err);
    place->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    vx_gw_netns_leave(&place->kernel->dir);
    return place->in != NULL;
}

bool
vx_gw_place_open(struct vx_gw_place *place,
                 const struct vx_gw_kernel *kernel, uint32_t vni,
                 struct vx_error *err)
{
    char name[VX_GW_IFNAME_SIZE];
    bool ok = true;

    memset(place, 0, sizeof *place);
    place->kernel = kernel;
    place->vni = vni;
    place->netns = place->control = -1;
    place->out = kernel->sock;
    vx_gw_vrf_name(vni, name);
    if (kernel->backend == VX_GW_VRF_NETNS) {
        place->netns = vx_gw_netns_open(&kernel->dir, name);
        ok = place->netns < 0 || open_inside(place, err);
    } else {
        struct vx_gw_seen_link link;

        place->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ok = vx_gw_nl_link(place->out, name, &link, err);
        if (ok && link.exists) {
            place->in = place->out;
            place->master = link.index;
        }
    }
    if (!ok) {
        vx_gw_place_close(place);
    }
    return ok;
}

void
vx_gw_place_close(struct vx_gw_place *place)
{
    if (place->in && place->in != place->out) {
        nl_socket_free(place->in);
    }
    if (place->control >= 0) {
        close(place->control);
    }
    if (place->netns >= 0) {
        close(place->netns);
    }
    place->in = NULL;
    place->netns = place->control = -1;
}

/* --- Settings and features. */

int
vx_gw_setting_read(const char *path)
{
    char name[128], text[24];
    ssize_t n;
    int fd;

    snprintf(name, sizeof name, "/proc/sys/net/%s", path);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) {
        return -1;
    }
    text[n] = '\0';
    return atoi(text);
}

static bool
offload_request(int control, const char *name, unsigned command,
                unsigned *value)
{
    struct ethtool_value request = { .cmd = command, .data = *value };
    struct ifreq ifr;

    memset(&ifr, 0, sizeof ifr);
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    ifr.ifr_data = (void *) &request;
    if (ioctl(control, SIOCETHTOOL, &ifr)) {
        return false;
    }
    *value = request.data;
    return true;
}

bool
vx_gw_offload(int control, const char *name)
{
    unsigned value = 0;

    return offload_request(control, name, ETHTOOL_GTXCSUM, &value) && value;
}

bool
vx_gw_set_offload(int control, const char *name, bool on)
{
    unsigned value = on;

    return offload_request(control, name, ETHTOOL_STXCSUM, &value);
}

/* --- The look. */

static void
read_values(const struct vx_gw_setting *settings, struct vx_gw_seen *seen,
            bool inside)
{
    for (size_t i = 0; i < seen->n_values; i++) {
        if (settings[i].inside == inside) {
            seen->values[i] = vx_gw_setting_read(settings[i].path);
        }
    }
}

static bool
look_settings(struct vx_gw_place *place, const struct vx_gw_vrf_want *want,
              struct vx_gw_seen *seen, struct vx_error *err)
{
    struct vx_gw_setting *settings;
    bool ok = true;

    settings = vx_gw_settings(place->kernel->backend, want, &seen->n_values);
    seen->values = vx_xcalloc(seen->n_values, sizeof *seen->values);
    read_values(settings, seen, false);
    if (place->netns < 0) {
        read_values(settings, seen, true);
    } else if (vx_gw_netns_enter(place->netns, err)) {
        read_values(settings, seen, true);
        vx_gw_netns_leave(&place->kernel->dir);
    } else {
        ok = false;
    }
    free(settings);
    return ok;
}

/* Takes the link of that name out of the list. */
static bool
take_link(struct vx_gw_seen_link *links, size_t *n, const char *name,
          struct vx_gw_seen_link *ret_link)
{
    for (size_t i = 0; i < *n; i++) {
        if (!strcmp(links[i].name, name)) {
            *ret_link = links[i];
            links[i] = links[--*n];
            return true;
        }
    }
    return false;
}

static bool
look_inside_netns(struct vx_gw_place *place, struct vx_gw_seen *seen,
                  struct vx_error *err)
{
    struct vx_gw_seen_link lo;

    if (!place->in) {
        return true;
    }
    if (!vx_gw_nl_links(place->in, &seen->inside, &seen->n_inside, err)) {
        return false;
    }
    seen->vrf = take_link(seen->inside, &seen->n_inside, "lo", &lo)
                && lo.is_ours ? VX_GW_OURS : VX_GW_FOREIGN;
    seen->vrf_is_up = true;
    take_link(seen->inside, &seen->n_inside, "leg", &seen->leg);
    return true;
}

static bool
look_inside_device(struct vx_gw_place *place, struct vx_gw_seen *seen,
                   struct vx_error *err)
{
    struct vx_gw_seen_link vrf;
    char name[VX_GW_IFNAME_SIZE];

    if (!vx_gw_nl_link(place->out, vx_gw_vrf_name(place->vni, name), &vrf,
                       err)) {
        return false;
    }
    if (vrf.exists) {
        seen->vrf = vrf.is_ours ? VX_GW_OURS : VX_GW_FOREIGN;
        seen->vrf_is_up = vrf.is_up;
        if (!vx_gw_nl_slaves(place->out, vrf.index, &seen->inside,
                             &seen->n_inside, err)) {
            return false;
        }
    }
    vx_gw_leg_name(VX_GW_VRF_DEVICE, place->vni, name);
    if (take_link(seen->inside, &seen->n_inside, name, &seen->leg)) {
        seen->leg.is_in_master = true;
        return true;
    }
    return vx_gw_nl_link(place->out, name, &seen->leg, err);
}

static bool
is_inside(const struct vx_gw_seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->n_inside; i++) {
        if (!strcmp(seen->inside[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool
is_among(const struct vx_gw_device_want *want, const struct vx_gw_addr *addr)
{
    for (size_t i = 0; i < want->n_addrs; i++) {
        if (!vx_ip_compare(&want->addrs[i].ip, &addr->ip)) {
            return true;
        }
    }
    return false;
}

/* With VRF devices nothing else keeps two from one device. */
static bool
is_in_other_vrf(const struct vx_gw_kernel *kernel,
                const struct vx_gw_seen_link *link)
{
    char name[IF_NAMESIZE];

    return kernel->backend == VX_GW_VRF_DEVICE && link->master
           && if_indextoname((unsigned) link->master, name)
           && vx_gw_vrf_parse(name);
}

/* An interface that does other work would take that along, the machine's own
 * way to the fabric above all. */
static const char *
refusal_of(const struct vx_gw_place *place,
           const struct vx_gw_device_want *want,
           const struct vx_gw_seen_link *link)
{
    const struct vx_gw_kernel *kernel = place->kernel;

    if (link->is_ours) {
        return is_in_other_vrf(kernel, link)
               ? "another VRF has it, and gives it back when BGP has let go "
                 "of it there" : NULL;
    }
    if (link->master) {
        return "it is a port of a bridge or bond: give an interface that has "
               "no other work";
    }
    for (size_t i = 0; i < link->n_addrs; i++) {
        if (!vx_gw_addr_is_automatic(&link->addrs[i])
            && !is_among(want, &link->addrs[i])) {
            return "it has addresses that are not of the peering: give an "
                   "interface that has no other work, or remove them";
        }
    }
    return kernel->cb.taken ? kernel->cb.taken(kernel->aux, link->name)
                            : NULL;
}

static bool
look_outside(struct vx_gw_place *place, const struct vx_gw_vrf_want *want,
             struct vx_gw_seen *seen, struct vx_error *err)
{
    char name[VX_GW_IFNAME_SIZE];

    if (!vx_gw_nl_link(place->out, vx_gw_host_end(place->vni, name),
                       &seen->host_end, err)) {
        return false;
    }
    if (!want || !want->n_devices) {
        return true;
    }
    seen->outside = vx_xcalloc(want->n_devices, sizeof *seen->outside);
    for (size_t i = 0; i < want->n_devices; i++) {
        struct vx_gw_seen_link *link = &seen->outside[seen->n_outside];

        if (is_inside(seen, want->devices[i].name)) {
            continue;
        }
        if (!vx_gw_nl_link(place->out, want->devices[i].name, link, err)
            || (link->exists && !vx_gw_nl_addrs_of(place->out, link, err))) {
            return false;
        }
        link->refusal = refusal_of(place, &want->devices[i], link);
        seen->n_outside += link->exists && !link->is_fixed;
    }
    return true;
}

bool
vx_gw_look(struct vx_gw_place *place, const struct vx_gw_vrf_want *want,
           struct vx_gw_seen *ret_seen, struct vx_error *err)
{
    struct vx_gw_seen seen;
    bool ok;

    memset(&seen, 0, sizeof seen);
    ok = place->kernel->backend == VX_GW_VRF_NETNS
         ? look_inside_netns(place, &seen, err)
         : look_inside_device(place, &seen, err);
    ok = ok && look_outside(place, want, &seen, err)
         && (!want || look_settings(place, want, &seen, err));
    if (!ok) {
        vx_gw_seen_fini(&seen);
        return false;
    }
    if (seen.leg.exists && place->control >= 0) {
        seen.leg.is_offloading = vx_gw_offload(place->control,
                                               seen.leg.name);
    }
    *ret_seen = seen;
    return true;
}
