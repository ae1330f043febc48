/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbors of whom FRR has refused a command.  Their peerings are left out
 * of what is wanted, and told, so that the others are configured; after a
 * change of anything that is wanted they are tried again.
 *
 *   commands, the one refused -> goes_on: what is left out of this plan
 *                             -> note -> leave_out -> the next plan */
#ifndef VX_GATEWAY_FRR_REFUSED_H
#define VX_GATEWAY_FRR_REFUSED_H

#include "gateway/frr_config.h"

enum { VX_GW_REFUSED_MAX = 256 };

struct vx_gw_frr_refused {
    struct vx_gw_refusal {
        uint32_t vni;           /* 0: fabric-wide */
        struct vx_ip peer;
        char *why;
    } *refusals;
    size_t n;
    /* What leave_out has made. */
    struct vx_gw_frr_vrf *vrfs;
    const struct vx_peering **peerings;
};

/* For vty.h: of a neighbor of whom a command was refused nothing more is said
 * in that block, above all not that it is to come up; the others are
 * configured. */
bool vx_gw_frr_refused_goes_on(char *const *commands, size_t refused,
                               size_t at);
/* Free after zeroing. */
void vx_gw_frr_refused_clear(struct vx_gw_frr_refused *refused);
/* commands[at] was refused, as why says.  False if it names no neighbor, or
 * one that has been noted: it is something else. */
bool vx_gw_frr_refused_note(struct vx_gw_frr_refused *refused,
                            char *const *commands, size_t at,
                            const char *why);
/* want without the peerings of those noted; each is told if tell is not
 * NULL.  What want points to is valid until the next call. */
void vx_gw_frr_refused_leave_out(
    struct vx_gw_frr_refused *refused, struct vx_gw_frr_want *want,
    void (*tell)(void *aux, enum vx_gw_frr_daemon daemon,
                 const struct vx_gw_frr_conflict *conflict),
    void *aux, enum vx_gw_frr_daemon daemon);

#endif
