/* SPDX-License-Identifier: Apache-2.0 */
/* What bgpd and zebra are to be configured as, against what they are: the
 * running configuration's text in, the fewest commands out.  Pure.
 *
 *   bgpd (main)   `router bgp AS vrf vxVNI` per tenant: CE sessions, and our
 *                 routes redistributed from zebra; policy as route-maps
 *   zebra         nothing but `no vrf vxVNI` of tenants that are gone
 *   reflector     `router bgp AS`: our speaker as route reflector client in
 *                 all families, the fabric-wide peers in theirs
 *
 * What is ours, and only that is changed:
 *   - `router bgp AS vrf vx<VNI>` blocks: in them the lines made here, and
 *     neighbors whose description begins with "vxfabric ".  A block of a
 *     tenant that is gone is removed as a whole if all lines in it are ours,
 *     else only ours are;
 *   - in the reflector's `router bgp AS`: its neighbors with that
 *     description, and the lines made here; the block itself if it was made
 *     here, which the speaker's description says.  In an operator's, which
 *     may be empty, we are a guest: it stays, and so does what is in it;
 *   - route-maps, prefix-lists and as-path access-lists named vx-...;
 *   - `vrf vx<VNI>` without content in zebra.
 * `bgp route-map delay-timer 1` is said if there is no such line, and left
 * there.  A neighbor of an operator with an address that a peering wants too
 * is left alone and reported as a conflict; the peering is not configured.
 *
 * What one peer said reaches no other, nor itself again: only what begins
 * here goes out.
 *
 * No `no bgp ebgp-requires-policy`: each neighbor has route-maps both ways.
 * Nothing here resets a session that has not itself changed. */
#ifndef VX_GATEWAY_FRR_CONFIG_H
#define VX_GATEWAY_FRR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/object.h"
#include "lib/addr.h"
#include "lib/err.h"

enum vx_gw_frr_daemon { VX_GW_BGPD, VX_GW_ZEBRA, VX_GW_REFLECTOR };

/* Description of the neighbor of peering NAME: the mark, then "acme/ce1" or,
 * of an uplink, "up1"; `show bgp ... neighbors json` has it as nbrDesc. */
#define VX_GW_FRR_MARK "vxfabric "

/* One tenant's VRF.  Borrowed. */
struct vx_gw_frr_vrf {
    uint32_t vni;                   /* names the VRF: vx<vni> */
    const char *tenant;             /* name */
    struct vx_ip router_id;         /* family 0: the gateway's */
    const struct vx_peering *const *peerings;   /* of kind VX_PEERING */
    size_t n_peerings;
    /* The tenant's routed subnets: no peer of it may say them, nor what is in
     * them; zebra would prefer that to our own routes. */
    const struct vx_prefix *subnets;
    size_t n_subnets;
    const struct vx_prefix *leg_ips;    /* with their host bits */
    size_t n_leg_ips;
};

struct vx_gw_frr_want {
    uint32_t as;                    /* of the gateway, not 0 */
    struct vx_ip router_id;         /* IPv4 */
    struct vx_ip vtep;              /* source of uplinks that say none */
    const char *redistribute;       /* ZAPI route type: "openfabric" */
    unsigned restart_s;             /* bgp graceful-restart restart-time of
                                     * tenants' sessions; 0 = none */
    const struct vx_gw_frr_vrf *vrfs;       /* any order */
    size_t n_vrfs;
    const struct vx_peering *const *uplinks;    /* of kind VX_UPLINK */
    size_t n_uplinks;
    struct vx_ip speaker;           /* 127.0.0.2 */
    bool one_by_one;                /* lists and route-maps in commits of
                                     * their own, see frr_gather.h */
};

struct vx_gw_frr_plan {
    char **commands;                /* for vx_gw_vty_configure */
    size_t n_commands;
    /* The reflector's `router bgp` of ours goes (the gateway has another AS,
     * or is no more): bgpd 8.4 does not survive that.  It keeps what VPN
     * peers have withdrawn for 120 s (rfapi), and falls when the instance was
     * removed meanwhile (rfapiBiStartWithdrawTimer, route_unlock_node): it is
     * to be ended, and to begin anew. */
    bool ends_daemon;
    uint32_t *made;                 /* VNIs of VRFs whose `router bgp` is
                                     * new, each once */
    size_t n_made, cap_made;
    size_t n_lines;                 /* wanted, that were compared */
    /* Peerings that cannot be configured, and why; owned. */
    struct vx_gw_frr_conflict {
        const struct vx_peering *peering;   /* borrowed from want; NULL = of
                                             * the VRF or the daemon */
        uint32_t vni;                       /* 0 = fabric-wide */
        char *why;
    } *conflicts;
    size_t n_conflicts;
};

/* running: the answer to `show running-config`.  False if it cannot be read
 * (not a running configuration).  n_commands 0: as wanted. */
bool vx_gw_frr_plan(enum vx_gw_frr_daemon daemon,
                    const struct vx_gw_frr_want *want, const char *running,
                    struct vx_gw_frr_plan *ret_plan, struct vx_error *err);
void vx_gw_frr_plan_fini(struct vx_gw_frr_plan *plan);

#endif
