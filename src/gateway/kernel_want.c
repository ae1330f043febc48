/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of what is wanted of a VRF, and whether two are the same. */
#include "gateway/kernel_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

static const struct vx_gw_addr *
copy_addrs(const struct vx_gw_addr *addrs, size_t n)
{
    return n ? vx_xmemdup(addrs, n * sizeof *addrs) : NULL;
}

struct vx_gw_vrf_want *
vx_gw_want_copy(const struct vx_gw_vrf_want *want)
{
    struct vx_gw_vrf_want *copy = vx_xmemdup(want, sizeof *want);
    struct vx_gw_device_want *devices = NULL;

    copy->leg_addrs = copy_addrs(want->leg_addrs, want->n_leg_addrs);
    if (want->n_devices) {
        devices = vx_xmemdup(want->devices,
                             want->n_devices * sizeof *devices);
        for (size_t i = 0; i < want->n_devices; i++) {
            devices[i].addrs = copy_addrs(devices[i].addrs,
                                          devices[i].n_addrs);
        }
    }
    copy->devices = devices;
    return copy;
}

void
vx_gw_want_free(struct vx_gw_vrf_want *want)
{
    if (want) {
        for (size_t i = 0; i < want->n_devices; i++) {
            free((void *) want->devices[i].addrs);
        }
        free((void *) want->devices);
        free((void *) want->leg_addrs);
        free(want);
    }
}

static bool
same_addrs(const struct vx_gw_addr *a, size_t n_a,
           const struct vx_gw_addr *b, size_t n_b)
{
    if (n_a != n_b) {
        return false;
    }
    for (size_t i = 0; i < n_a; i++) {
        if (a[i].length != b[i].length
            || vx_ip_compare(&a[i].ip, &b[i].ip)) {
            return false;
        }
    }
    return true;
}

/* Whether what is not wanted stays apart. */
bool
vx_gw_want_same(const struct vx_gw_vrf_want *a,
                const struct vx_gw_vrf_want *b)
{
    if (a->vni != b->vni || vx_mac_compare(&a->leg_mac, &b->leg_mac)
        || a->leg_mtu != b->leg_mtu || a->leg_offload != b->leg_offload
        || a->n_devices != b->n_devices
        || !same_addrs(a->leg_addrs, a->n_leg_addrs, b->leg_addrs,
                       b->n_leg_addrs)) {
        return false;
    }
    for (size_t i = 0; i < a->n_devices; i++) {
        if (strcmp(a->devices[i].name, b->devices[i].name)
            || !same_addrs(a->devices[i].addrs, a->devices[i].n_addrs,
                           b->devices[i].addrs, b->devices[i].n_addrs)) {
            return false;
        }
    }
    return true;
}
