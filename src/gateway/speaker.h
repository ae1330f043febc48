/* SPDX-License-Identifier: Apache-2.0 */
/* The BGP speaker of the gateway: one session to the reflector on this
 * machine (`bgpd -Z`), what is announced through it, and what is heard.
 *
 * The session is made when the gateway's record is known (AS, router id,
 * VTEP) and made anew when one of them changes; the RIBs stay. */
#ifndef VX_GATEWAY_SPEAKER_H
#define VX_GATEWAY_SPEAKER_H

#include "bgp/bgp_session.h"
#include "bgp/rib_in.h"
#include "bgp/rib_out.h"
#include "gateway/entries.h"
#include "gateway/learned.h"
#include "gateway/left_out.h"
#include "gateway/limits.h"

struct event_base;
struct vx_gw_speaker;

enum {
    VX_GW_REFLECTOR_PORT = 1179,
    VX_GW_SPEAKER_PATHS_MAX = 200000,
};
#define VX_GW_SPEAKER_ADDRESS "127.0.0.2"

/* The speaker's BGP identifier: 127.x.y.z of the gateway's router id, one to
 * one within a /8.  Not the router id itself, which the reflector has (RFC
 * 4271 6.2), and another for each gateway: who shares it with a fabric beyond
 * the same route reflector ignores what that says (RFC 4456 8).  What other
 * gateways of this fabric say is ignored by their ids. */
void vx_gw_speaker_id(const struct vx_ip *router_id, struct vx_ip *ret_id);

struct vx_gw_speaker_config {
    struct event_base *base;
    const struct vx_gw_entries *entries;
    struct vx_gw_learned *learned;
    uint16_t port;                  /* 0 = VX_GW_REFLECTOR_PORT */
    void (*progress)(void *aux);    /* done() has grown, or up or down */
    void *aux;
};

struct vx_gw_speaker *
vx_gw_speaker_new(const struct vx_gw_speaker_config *config);
/* withdraw: says goodbye, so that the peers forget us; else they keep what
 * was announced for the restart time. */
void vx_gw_speaker_free(struct vx_gw_speaker *speaker, bool withdraw);

/* The gateway's record or a fabric-wide peering has changed. */
void vx_gw_speaker_configure(struct vx_gw_speaker *speaker);
/* What paths mean may have changed (tenants, networks, prefixes, trust): they
 * are gone through again, a moment later. */
void vx_gw_speaker_rehear(struct vx_gw_speaker *speaker);

struct bg_rib_out *vx_gw_speaker_out(struct vx_gw_speaker *speaker);
const struct bg_rib_in *vx_gw_speaker_in(const struct vx_gw_speaker *speaker);

/* Nothing to wait for: there is no fabric-wide peering here, or the reflector
 * has been away so long that nothing is announced anyway. */
bool vx_gw_speaker_is_idle(const struct vx_gw_speaker *speaker);
/* The peers' tables are known, or there is nothing to wait for. */
bool vx_gw_speaker_is_complete(const struct vx_gw_speaker *speaker);
bool vx_gw_speaker_get_status(const struct vx_gw_speaker *speaker,
                              struct bg_session_status *ret_status);
/* Paths that are not used, and why. */
const struct vx_gw_left_out *
vx_gw_speaker_left_out(const struct vx_gw_speaker *speaker);

/* Paths of a fabric-wide peering that are left out since it has sent more than
 * its prefix limit. */
size_t vx_gw_speaker_over_limit(const struct vx_gw_speaker *speaker,
                                const char *peering, enum bg_family family);

#endif
