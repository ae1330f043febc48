/* SPDX-License-Identifier: Apache-2.0 */
/* Everything on this machine that tenants and peerings need: VRFs, legs and
 * CE devices in the kernel (kernel.h), the legs' ports in OVS (leg_ovs.h),
 * the configuration of bgpd, the reflector and zebra (frr.h).
 *
 *   tenant comes: VRF, leg -> port in br-tenant;   bgpd's configuration
 *   tenant goes:  bgpd's configuration -> port, leg, VRF -> zebra's `vrf`
 *
 * Nothing is removed before vx_gw_node_sync: until the controller (or the
 * file of the last state) has told all, what is there is not known to be
 * superfluous.  Nor, for 10 s, before bgpd has let go of it: over a device
 * that has left nobody hears that a session is over.  Devices and addresses
 * of peerings that changed stay in their VRF so long, VRFs of tenants that
 * went, and what earlier runs have left.  A VRF that is empty stays until
 * bgpd answers and zebra has no route in it (remains.h). */
#ifndef VX_GATEWAY_NODE_H
#define VX_GATEWAY_NODE_H

#include "gateway/entries.h"
#include "gateway/frr.h"
#include "gateway/kernel.h"

enum {
    /* For which peers keep the routes of a bgpd that is away: configured
     * anew, it is back after 2 s, with 100 tenants after 15.  So long, after
     * the hold time, they send to a gateway that is dead, unless BFD says
     * so. */
    VX_GW_RESTART_S = 30,
};

struct vx_gw_node;

struct vx_gw_node_config {
    struct event_base *base;
    struct vx_gw_entries *entries;
    const char *netns_dir;          /* NULL = /run/netns */
    const char *ovsdb;              /* NULL = default */
    const char *vty_dir;
    const char *reflector_vty_dir;
    const char *redistribute;       /* "openfabric" */
    unsigned look_ms;               /* at FRR's configuration; 0 = never of
                                     * its own accord */
    bool saves;                     /* FRR writes its configuration files */
    void (*progress)(void *aux);    /* something is ready, or is not */
    /* zebra is to drop a route of BGP, which nobody will withdraw. */
    void (*drop_route)(void *aux, const char *vrf,
                       const struct vx_prefix *prefix);
    void *aux;
};

struct vx_gw_node *vx_gw_node_new(const struct vx_gw_node_config *config);
/* Leaves everything as it is. */
void vx_gw_node_free(struct vx_gw_node *node);

/* zebra has said what a VRF is.  The first time: the kernel is looked at. */
void vx_gw_node_set_backend(struct vx_gw_node *node,
                            enum vx_gw_backend backend);
bool vx_gw_node_has_backend(const struct vx_gw_node *node);
/* Name of a tenant's leg in its VRF; "leg" until the backend is known. */
const char *vx_gw_node_leg(struct vx_gw_node *node, uint32_t vni);

/* A gateway, tenant or peering entry is new, other or (value NULL) gone. */
void vx_gw_node_touch(struct vx_gw_node *node,
                      const struct vx_gw_entry *entry);
/* All touched ones are known: carry out. */
void vx_gw_node_flush(struct vx_gw_node *node);
/* Everything has been told. */
void vx_gw_node_sync(struct vx_gw_node *node);

/* All that was flushed is in force, or says why not. */
bool vx_gw_node_is_settled(const struct vx_gw_node *node);
/* Why tenants and peerings are not in force, into the entries. */
void vx_gw_node_judge(struct vx_gw_node *node);

/* What the kernel has otherwise in the first VRF after this VNI; false: there
 * is none. */
bool vx_gw_node_compare(struct vx_gw_node *node, uint32_t *vni,
                        struct vx_gw_drifts *drifts);
/* All VRFs are looked at, and put right. */
void vx_gw_node_check(struct vx_gw_node *node);

/* Tenants' peerings are to have no sessions, why says why (a literal), or
 * NULL: they are to have them. */
void vx_gw_node_silence(struct vx_gw_node *node, const char *why);
struct vx_gw_frr *vx_gw_node_frr(struct vx_gw_node *node,
                                 enum vx_gw_frr_daemon daemon);
/* NULL until the backend is known. */
const struct vx_gw_kernel *
vx_gw_node_kernel(const struct vx_gw_node *node);
bool vx_gw_node_counts(const struct vx_gw_node *node,
                       struct vx_gw_kernel_counts *ret_counts);
bool vx_gw_node_ovs_connected(const struct vx_gw_node *node);

/* As vx_gw_legs_is_cut(). */
bool vx_gw_node_is_cut(const struct vx_gw_node *node, const char *bridge,
                       char *ret_ports, size_t size);

#endif
