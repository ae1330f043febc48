/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's kernel: one VRF per tenant, the tenant's leg in it, the CE
 * devices of its peerings.  Shell around kernel_plan.h, which decides.
 *
 *   set_vrf -> dirty -> look (rtnetlink, sysctl) -> plan (pure) -> carry out
 *   monitor (link, address, name of a namespace) -> dirty
 *
 * A VRF is a network namespace of that name in /run/netns (as `ip netns add`
 * makes it, which is what `zebra -n` watches) or a VRF device of that name
 * in the gateway's own namespace.  The leg is a veth pair: the host end
 * vl<VNI> stays in the gateway's namespace and is put into br-tenant
 * (leg_ovs.h), the other end is in the VRF.  A CE device is moved into the
 * VRF, and moved back, without our addresses and up or down as it was, when
 * it is no longer wanted.
 *
 * What is as wanted is never touched: a restarted vxgatewayd finds its VRFs,
 * legs and devices again and packets go on.  What is ours is known by name
 * and by a mark (interface alias "vxfabric ..." of lo, leg and device); a
 * namespace or device of such a name without the mark is an operator's: it
 * is reported, not touched.
 *
 * One VRF is worked on per turn of the loop, a few ms each; 400 VRFs of which
 * nothing changed cost a look each.  No function here calls back; a callback
 * may call any but _free. */
#ifndef VX_GATEWAY_KERNEL_H
#define VX_GATEWAY_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/drift.h"
#include "lib/addr.h"
#include "lib/err.h"

struct event_base;
struct vx_gw_kernel;

enum vx_gw_backend {        /* as zebra's CAPABILITIES number them */
    VX_GW_VRF_DEVICE,
    VX_GW_VRF_NETNS,
};

enum {
    VX_GW_IFNAME_SIZE = 16,
    VX_GW_TABLE_BASE = 1000000000,  /* table of a VRF device: base + VNI */
};

/* An address of a device: host bits are kept. */
struct vx_gw_addr {
    struct vx_ip ip;
    uint8_t length;
};

struct vx_gw_device_want {
    char name[VX_GW_IFNAME_SIZE];
    const struct vx_gw_addr *addrs;
    size_t n_addrs;
};

/* A VRF as it is to be.  Borrowed for the call. */
struct vx_gw_vrf_want {
    uint32_t vni;                   /* the tenant's L3VNI */
    struct vx_mac leg_mac;
    uint16_t leg_mtu;
    /* Checksums and segmentation stay with the leg's device.  Only with the
     * kernel datapath: the userspace one takes packets as they are. */
    bool leg_offload;
    const struct vx_gw_addr *leg_addrs;
    size_t n_leg_addrs;
    const struct vx_gw_device_want *devices;
    size_t n_devices;
    /* What is in the VRF and not wanted any more, devices and addresses of
     * devices, stays as yet: BGP has not let go of it. */
    bool holds;
};

struct vx_gw_kernel_callbacks {
    /* The state of a VRF has changed.  ready: VRF and leg are as wanted (CE
     * devices apart: see `device`).  why: "" if ready, else one line.  After
     * vx_gw_kernel_remove_vrf: once with ready false and why "gone". */
    void (*vrf)(void *aux, uint32_t vni, bool ready, const char *why);
    /* A CE device: in the VRF, with its addresses, up; or why not (it is not
     * there yet: it is taken when it appears). */
    void (*device)(void *aux, uint32_t vni, const char *name, bool ready,
                   const char *why);
    /* Why the interface may not be taken as a CE device (it is a port of Open
     * vSwitch), NULL = it may; asked before it is moved.  May be NULL. */
    const char *(*taken)(void *aux, const char *name);
    /* Whether nobody has anything to do with a VRF any more that is a
     * namespace and is to go.  Asked once it is empty (first), and each
     * second: it is removed when the answer was true twice in a row.  May be
     * NULL: nobody has. */
    bool (*let_go)(void *aux, uint32_t vni, bool first);
    /* Something of ours was changed by somebody else and put back; one line
     * for the log.  May be NULL. */
    void (*note)(void *aux, const char *text);
    /* A route in a VRF came or went in the kernel (RTM_NEWROUTE, DELROUTE of
     * unicast routes).  prefix NULL: events were lost in this VRF, look
     * again.  May be NULL: routes are not followed. */
    void (*route)(void *aux, uint32_t vni, const struct vx_prefix *prefix,
                  uint8_t protocol, bool present);
};

/* Names, for whoever talks to zebra or OVS about them. */
const char *vx_gw_vrf_name(uint32_t vni, char buf[VX_GW_IFNAME_SIZE]);
/* The VNI of "vx123", 0 if it is no name of a VRF of ours. */
uint32_t vx_gw_vrf_parse(const char *name);
const char *vx_gw_host_end(uint32_t vni, char buf[VX_GW_IFNAME_SIZE]);
/* "leg" in a namespace of its own, lg<VNI> with VRF devices. */
const char *vx_gw_leg_name(enum vx_gw_backend backend, uint32_t vni,
                           char buf[VX_GW_IFNAME_SIZE]);

/* netns_dir: NULL for /run/netns.  callbacks are copied.  NULL with err
 * (no rtnetlink, no right to it). */
struct vx_gw_kernel *vx_gw_kernel_new(
    struct event_base *base, enum vx_gw_backend backend,
    const char *netns_dir, const struct vx_gw_kernel_callbacks *callbacks,
    void *aux, struct vx_error *err);
/* Leaves the kernel as it is. */
void vx_gw_kernel_free(struct vx_gw_kernel *kernel);

/* Makes the VRF, or changes it to this.  Called again with what it has
 * already: nothing happens.  A device wanted in two VRFs stays with the
 * first. */
void vx_gw_kernel_set_vrf(struct vx_gw_kernel *kernel,
                          const struct vx_gw_vrf_want *want);
/* Moves the devices back, removes the leg, and the VRF when it has been let
 * go of.  BGP of the VRF should have been taken down before. */
void vx_gw_kernel_remove_vrf(struct vx_gw_kernel *kernel, uint32_t vni);
/* All that is wanted has been set: what is ours from an earlier run and is
 * not wanted is removed. */
void vx_gw_kernel_sync(struct vx_gw_kernel *kernel);

/* Has the kernel tell its listeners of the addresses in the VRF once more.
 * zebra 8.4 loses an address whose event overtakes that of its device, so
 * this is done by itself some times in the first seconds after a change; and
 * may be asked for when zebra seems not to know one (a session that waits for
 * its next hop).  Changes nothing. */
void vx_gw_kernel_nudge(struct vx_gw_kernel *kernel, uint32_t vni);

bool vx_gw_kernel_is_ready(const struct vx_gw_kernel *kernel, uint32_t vni);
bool vx_gw_kernel_device_is_ready(const struct vx_gw_kernel *kernel,
                                  uint32_t vni, const char *device);
/* Why not: as `device` was told, "" if it was told nothing. */
const char *vx_gw_kernel_device_why(const struct vx_gw_kernel *kernel,
                                    uint32_t vni, const char *device);

/* What the VRF has otherwise than it is wanted; nothing is changed.
 * Blocking, some ms.  Nothing is said of one that is being worked on. */
void vx_gw_kernel_compare(struct vx_gw_kernel *kernel, uint32_t vni,
                          const char *object, struct vx_gw_drifts *drifts);
/* It is looked at, and put right. */
void vx_gw_kernel_check(struct vx_gw_kernel *kernel, uint32_t vni);

struct vx_gw_kernel_counts {
    size_t n_vrfs, n_ready;
    size_t n_devices, n_devices_ready;
    size_t n_dirty;             /* to be looked at */
    uint64_t looks, operations, failures, events, overruns;
};
void vx_gw_kernel_counts(const struct vx_gw_kernel *kernel,
                         struct vx_gw_kernel_counts *ret_counts);

/* An ip rule of the gateway's own namespace, as read back. */
struct vx_gw_rule {
    uint8_t family;             /* 4 or 6 */
    uint32_t priority;
    uint32_t table;
    uint8_t action;             /* FR_ACT_*: 1 = look up table */
    uint8_t protocol;           /* RTPROT_*: 11 = zebra */
    uint8_t ip_proto;
    uint8_t dsfield;
    uint32_t fwmark, fwmask;
    struct vx_prefix src, dst;  /* length 0 = any */
    char iif[VX_GW_IFNAME_SIZE];
};
/* Blocking, a dump of the rules of both families, in order of priority; to be
 * freed. */
bool vx_gw_kernel_rules(struct vx_gw_rule **ret_rules, size_t *ret_n,
                        struct vx_error *err);

#endif
