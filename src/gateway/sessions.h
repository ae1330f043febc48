/* SPDX-License-Identifier: Apache-2.0 */
/* BGP sessions as bgpd and the reflector show them.  Pure: JSON text of
 * `show bgp vrf all summary json` or `show bgp summary json` in. */
#ifndef VX_GATEWAY_SESSIONS_H
#define VX_GATEWAY_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/err.h"

struct vx_gw_session {
    char vrf[36];               /* "" or "default" = the daemon's own */
    char family[24];            /* "ipv4", "evpn", ... */
    struct vx_ip peer;
    char state[24];             /* as in a report: "established" */
    bool over_limit;            /* idle: it sent too many prefixes */
    bool is_shut;               /* idle: bgpd is configured so */
    uint64_t up_ms;             /* so long in it; 0 = not known */
    uint64_t n_in, n_out;       /* prefixes */
};

struct vx_gw_sessions {
    struct vx_gw_session *sessions;     /* by VRF, peer and family */
    size_t n, cap;
};

/* Replaces sessions. */
bool vx_gw_sessions_parse(const char *text, size_t size, bool all_vrfs,
                          struct vx_gw_sessions *sessions,
                          struct vx_error *err);
/* The sessions of a peer, one per family; NULL = none (more).  O(log of
 * all). */
const struct vx_gw_session *vx_gw_sessions_first(
    const struct vx_gw_sessions *sessions, const char *vrf,
    const struct vx_ip *peer);
const struct vx_gw_session *vx_gw_sessions_next(
    const struct vx_gw_sessions *sessions, const struct vx_gw_session *s);
void vx_gw_sessions_fini(struct vx_gw_sessions *sessions);

#endif
