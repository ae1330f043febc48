/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done in the kernel for one VRF: (seen, wanted) -> operations.
 * Pure: no socket, no clock.  kernel_look.c fills what is seen, kernel_do.c
 * carries out; run again on what is seen afterwards, the plan is empty.
 *
 * The order of operations never takes away what is as wanted: nothing is
 * deleted and made again but a leg whose two ends do not belong together. */
#ifndef VX_GATEWAY_KERNEL_PLAN_H
#define VX_GATEWAY_KERNEL_PLAN_H

#include "gateway/kernel.h"

/* Alias of lo (or the VRF device), of both ends of the leg, and, followed by
 * the alias it had before, of a device that was moved in; which of the two
 * says whether it was up, and is to be when it is given back. */
#define VX_GW_MARK "vxfabric"
#define VX_GW_MARK_DEVICE "vxfabric ce:"
#define VX_GW_MARK_DEVICE_UP "vxfabric ce up:"

enum { VX_GW_SEEN_ADDRS = 64 };     /* of a device; more are ignored */

struct vx_gw_seen_link {
    char name[VX_GW_IFNAME_SIZE];
    bool exists;
    bool is_ours;               /* has the mark */
    bool is_fixed;              /* cannot be moved: lo, kernel tunnels */
    bool is_up;
    bool is_offloading;         /* checksums of what is sent */
    bool is_in_master;          /* VRF devices: enslaved to the VRF */
    int master;                 /* a port of a bridge or bond, or in a VRF
                                 * device; 0 = none */
    const char *refusal;        /* why it may not be taken, NULL = it may */
    int index, peer;            /* ifindex, IFLA_LINK (0 = none) */
    uint16_t mtu;               /* 65535 = that or more */
    struct vx_mac mac;
    struct vx_gw_addr addrs[VX_GW_SEEN_ADDRS];
    size_t n_addrs;
};

/* The kernel gives it itself. */
bool vx_gw_addr_is_automatic(const struct vx_gw_addr *addr);

enum vx_gw_seen_vrf {
    VX_GW_ABSENT,
    VX_GW_OURS,
    VX_GW_FOREIGN,              /* the name is taken by an operator's */
};

/* One setting under /proc/sys/net that matters here. */
struct vx_gw_setting {
    bool inside;                /* of the VRF's namespace, else of the
                                 * gateway's */
    char path[80];              /* below /proc/sys/net/ */
    int value;                  /* wanted */
};

struct vx_gw_seen {
    enum vx_gw_seen_vrf vrf;
    bool vrf_is_up;
    struct vx_gw_seen_link host_end;        /* outside */
    struct vx_gw_seen_link leg;             /* inside */
    /* Wanted devices that are outside, those that may not be taken, too. */
    struct vx_gw_seen_link *outside;
    size_t n_outside;
    /* All that is inside but lo and leg. */
    struct vx_gw_seen_link *inside;
    size_t n_inside;
    /* Values of vx_gw_settings() of the same want, -1 = there is none. */
    int *values;
    size_t n_values;
};

enum vx_gw_op_kind {
    VX_GW_OP_VRF_ADD,           /* with the mark, lo up */
    VX_GW_OP_VRF_DEL,
    VX_GW_OP_VRF_UP,            /* VRF devices only */
    VX_GW_OP_LEG_ADD,           /* the pair: mac, number = mtu */
    VX_GW_OP_LINK_DEL,
    VX_GW_OP_DEVICE_IN,         /* name; marked and moved or enslaved */
    VX_GW_OP_DEVICE_OUT,        /* name; its alias, up or down as before */
    VX_GW_OP_DEVICE_OUT_TRY,    /* of an operator, in a VRF that goes: a
                                 * failure is none */
    VX_GW_OP_MASTER,            /* VRF devices: name into the VRF */
    VX_GW_OP_MAC,
    VX_GW_OP_MTU,               /* number */
    VX_GW_OP_OFFLOAD,           /* number: 0, 1 */
    VX_GW_OP_SETTING,           /* setting */
    VX_GW_OP_ADDR_DEL,
    VX_GW_OP_ADDR_ADD,
    VX_GW_OP_UP,
};

struct vx_gw_op {
    enum vx_gw_op_kind kind;
    bool inside;                /* the side on which name is */
    char name[VX_GW_IFNAME_SIZE];
    struct vx_mac mac;
    uint32_t number;
    struct vx_gw_addr addr;
    struct vx_gw_setting setting;
};

struct vx_gw_ops {
    struct vx_gw_op *ops;
    size_t n, cap;
    bool holds;                 /* something stays that is not wanted */
};

/* All settings of a VRF as wanted; to be freed. */
struct vx_gw_setting *vx_gw_settings(enum vx_gw_backend backend,
                                     const struct vx_gw_vrf_want *want,
                                     size_t *ret_n);

/* want NULL: the VRF is to go (vni says which).  False: an operator's thing
 * is in the way; nothing is to be done. */
bool vx_gw_kernel_plan(enum vx_gw_backend backend, uint32_t vni,
                       const struct vx_gw_vrf_want *want,
                       const struct vx_gw_seen *seen,
                       struct vx_gw_ops *ret_ops, struct vx_error *err);
void vx_gw_ops_fini(struct vx_gw_ops *ops);
void vx_gw_seen_fini(struct vx_gw_seen *seen);
/* "address 10.0.0.1/24 of leg", for messages. */
const char *vx_gw_op_format(const struct vx_gw_op *op, char *buf,
                            size_t size);

#endif
