/* SPDX-License-Identifier: Apache-2.0 */
/* FRR as those parts of vxgatewayd see it that watch over it: VTYs that note
 * what they are asked until a test answers, zebra's session, and a clock that
 * stands still.  They are linked in the place of the real ones; peers.c,
 * strays.c, ghosts.c, nexthops.c, vrf_ids.c and bfd.c are real. */
#ifndef TESTS_LIB_FAKE_FRR_H
#define TESTS_LIB_FAKE_FRR_H

#include "gateway/app.h"

struct fake_frr {
    int64_t now_ms;
    bool is_configured;         /* bgpd is as wanted */
    uint32_t made[8];           /* VNIs of VRFs that were, and not asked
                                 * for */
    size_t n_made;
    uint64_t n_connects;        /* to zebra */
    char zserv[32], vty_dir[16];
};
extern struct fake_frr fake_frr;

/* An app with a gateway of AS 65001 and nothing else. */
void fake_frr_begin(struct vx_gw_app *app);
void fake_frr_end(struct vx_gw_app *app);
void fake_frr_tenant(struct vx_gw_app *app, const char *name, uint32_t vni);
/* key: "acme/ce1"; IPv4 and IPv6. */
struct vx_gw_entry *fake_frr_peering(struct vx_gw_app *app, const char *key,
                                     const char *peer, bool bfd);

/* The oldest question that is not answered, "bgpd: show version", or job,
 * "bgpd: router bgp 1; exit"; "" = none. */
const char *fake_frr_asked(void);
size_t fake_frr_n_asked(void);
void fake_frr_answer(const char *text);
/* All questions are answered with nothing. */
void fake_frr_answer_all(void);

/* bfdd, which the app has connected to, was started again. */
void fake_frr_restart_bfdd(void);

/* Which of the two was started last, as its socket says. */
void fake_frr_start(enum vx_gw_frr_daemon bgpd_or_zebra);

/* bgpd has not said that route again; or it has. */
void fake_frr_unsaid(const char *vrf, const char *prefix);
void fake_frr_say(const char *vrf, const char *prefix);
/* What was asked of zebra's session since the last call, "hold on;" "purge
 * VRF PREFIX;" "repeat VRF;" "says again;", and who was ended, "end bfdd;". */
const char *fake_frr_told(void);

#endif
