/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the host ends of the legs into br-tenant, through the ovsdb-server of
 * this machine, with external_ids:iface-id as any port of a tenant has it;
 * the controller does the rest.  Asynchronous; an ovs-glue session inside,
 * connected again with backoff when ovsdb-server goes.
 *
 * A port of ours is known by its name, vl<VNI>.  One that is as wanted is not
 * touched; one that has been taken away or lost with the database is put
 * back; others' ports, and br-tenant itself, are never touched. */
#ifndef VX_GATEWAY_LEG_OVS_H
#define VX_GATEWAY_LEG_OVS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define VX_GW_OVSDB_DEFAULT "unix:/var/run/openvswitch/db.sock"

struct event_base;
struct vx_gw_legs;

struct vx_gw_legs_callbacks {
    /* The leg's port has this OpenFlow port number; 0: not (any more). */
    void (*leg)(void *aux, uint32_t vni, uint32_t ofport);
    /* Connected and the database is known; or not, and why.
     * userspace: br-tenant has datapath_type netdev, or is not there yet, so
     * legs must not offload (vx_gw_vrf_want.leg_offload); told again when
     * that changes. */
    void (*connected)(void *aux, bool connected, bool userspace,
                      const char *why);
    /* For the log; may be NULL. */
    void (*note)(void *aux, const char *text);
};

/* addr: "unix:PATH", NULL for the default.  callbacks are copied.  NULL with
 * err if addr is no such address; that nobody listens there is no error. */
struct vx_gw_legs *vx_gw_legs_new(struct event_base *base, const char *addr,
                                  const struct vx_gw_legs_callbacks *cb,
                                  void *aux, struct vx_error *err);
/* Leaves the database as it is. */
void vx_gw_legs_free(struct vx_gw_legs *legs);

/* To be called when the host end exists (kernel.h says ready). */
void vx_gw_legs_set(struct vx_gw_legs *legs, uint32_t vni,
                    const char *iface_id);
/* It is wanted, and its host end is not known to exist (yet): a port that it
 * has from an earlier run stays as it is, and none is made.  Nothing happens
 * if the leg has been set. */
void vx_gw_legs_keep(struct vx_gw_legs *legs, uint32_t vni);
void vx_gw_legs_remove(struct vx_gw_legs *legs, uint32_t vni);
/* All that is wanted has been set or is kept: other ports vl<VNI> are
 * removed. */
void vx_gw_legs_sync(struct vx_gw_legs *legs);
/* 0 = none. */
uint32_t vx_gw_legs_ofport(const struct vx_gw_legs *legs, uint32_t vni);
/* An interface of this name is in the database: some bridge's port. */
bool vx_gw_legs_has_iface(const struct vx_gw_legs *legs, const char *name);
bool vx_gw_legs_is_connected(const struct vx_gw_legs *legs);

/* Whether there is a bridge of this name, with ports that lead out of the
 * machine (no internal ones, patches and tunnels), and none of them has a
 * carrier: their names.  False while the database is not known. */
bool vx_gw_legs_is_cut(const struct vx_gw_legs *legs, const char *bridge,
                       char *ret_ports, size_t size);

#endif
