/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the kernel part share. */
#ifndef VX_GATEWAY_KERNEL_PRIV_H
#define VX_GATEWAY_KERNEL_PRIV_H

#include "gateway/kernel_plan.h"
#include "gateway/netns.h"
#include "lib/tree.h"

struct nl_sock;
struct event;

/* A wanted CE device. */
struct vx_gw_device {
    struct vx_tree_node by_name;        /* in kernel.devices */
    struct vx_gw_vrf *vrf;
    char name[VX_GW_IFNAME_SIZE];
    bool is_indexed;            /* false: another VRF has that name */
    bool is_ready, is_told;
    const char *why;            /* as told; a literal */
};

struct vx_gw_vrf {
    struct vx_tree_node by_vni;         /* in kernel.vrfs */
    struct vx_gw_kernel *kernel;
    uint32_t vni;
    struct vx_gw_vrf_want *want;        /* owned, deep; NULL = is to go */
    struct vx_gw_device *devices;       /* of want */
    bool is_dirty, is_stirred;          /* stirred: by somebody else */
    bool is_ready, is_told;
    bool is_failed;             /* to be tried again */
    struct event *ending;       /* it is to go, and empty; else NULL */
    bool is_let_go;             /* it was when that was asked last */
    bool may_end;
    bool has_held;              /* something that was not wanted stayed */
    bool is_nudged;             /* addresses are to be told again */
    unsigned n_ticks;           /* since the last change; 0 = long ago */
    struct vx_gw_vrf *next_dirty;
    char why[200];
    struct nl_sock *monitor;            /* of the namespace, NULL = none */
    struct event *readable;
};

struct vx_gw_kernel {
    struct event_base *base;
    enum vx_gw_backend backend;
    struct vx_gw_kernel_callbacks cb;
    void *aux;
    struct vx_gw_netns_dir dir;
    struct nl_sock *sock;               /* requests in the gateway's own */
    struct nl_sock *monitor;            /* links of the gateway's own */
    struct event *readable;
    int inotify;
    struct event *names;                /* of namespaces */
    struct event *work, *retry, *tick;
    struct vx_tree vrfs;                /* by VNI */
    struct vx_tree devices;             /* by name */
    struct vx_gw_vrf *dirty, **dirty_tail;
    size_t n_dirty;
    struct vx_gw_kernel_counts counts;
};

/* --- kernel.c */
struct vx_gw_vrf *vx_gw_kernel_find(const struct vx_gw_kernel *kernel,
                                    uint32_t vni);
/* To be looked at, soon (after delay_ms if nothing is under way).  stirred:
 * somebody else may have changed it. */
void vx_gw_kernel_dirty(struct vx_gw_vrf *vrf, bool stirred,
                        unsigned delay_ms);

/* --- kernel_want.c: copies of what is wanted. */
struct vx_gw_vrf_want *vx_gw_want_copy(const struct vx_gw_vrf_want *want);
void vx_gw_want_free(struct vx_gw_vrf_want *want);
bool vx_gw_want_same(const struct vx_gw_vrf_want *a,
                     const struct vx_gw_vrf_want *b);

/* --- kernel_look.c, kernel_do.c: where a VRF is. */
struct vx_gw_place {
    const struct vx_gw_kernel *kernel;
    uint32_t vni;
    int netns;                  /* -1: VRF devices, or there is none yet */
    struct nl_sock *out;        /* borrowed */
    struct nl_sock *in;         /* of the VRF; == out with VRF devices; NULL
                                 * = there is no VRF yet */
    int control;                /* datagram socket in the VRF, -1 = none */
    int master;                 /* ifindex of the VRF device */
};
bool vx_gw_place_open(struct vx_gw_place *place,
                      const struct vx_gw_kernel *kernel, uint32_t vni,
                      struct vx_error *err);
void vx_gw_place_close(struct vx_gw_place *place);
bool vx_gw_look(struct vx_gw_place *place, const struct vx_gw_vrf_want *want,
                struct vx_gw_seen *ret_seen, struct vx_error *err);
/* Carries the operations out until one fails.  *ret_n: how many were. */
bool vx_gw_do(struct vx_gw_place *place, const struct vx_gw_ops *ops,
              size_t *ret_n, struct vx_error *err);
/* Says to whoever listens what addresses the devices inside have: those that
 * are wanted, and the link-local ones. */
void vx_gw_tell_again(struct vx_gw_place *place,
                      const struct vx_gw_vrf_want *want);
bool vx_gw_offload(int control, const char *name);
bool vx_gw_set_offload(int control, const char *name, bool on);
int vx_gw_setting_read(const char *path);
bool vx_gw_setting_write(const char *path, int value, struct vx_error *err);

/* --- kernel_watch.c: monitors. */
bool vx_gw_watch_start(struct vx_gw_kernel *kernel, struct vx_error *err);
void vx_gw_watch_stop(struct vx_gw_kernel *kernel);
/* The VRF's own, once its namespace is there. */
bool vx_gw_watch_vrf(struct vx_gw_vrf *vrf, struct vx_error *err);
void vx_gw_unwatch_vrf(struct vx_gw_vrf *vrf);

#endif
