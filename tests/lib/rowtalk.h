/* SPDX-License-Identifier: Apache-2.0 */
/* Rows from words: what of_driver is told and the golden tests are made of.
 *
 * The same lines are for both tiers; a line that has no rows on a tier makes
 * none there.
 *
 *   base
 *   vtep NUM IP [cross]
 *   segment VNI L3VNI [mtu=N] [small] [six] [bum=N]    of networks from now on
 *   view [member] [transit] [designated] [border=Z] [host-budget]
 *        [tenant-budget=L3VNI]                         likewise
 *   limits KBPS PPS BUM                                of taps from now on
 *   network VNI
 *   bum VNI NUM [GROUP]         (NUM 0: to the own tier 1)
 *   tap VNI OFPORT guard|free OID MAC IP...
 *   second VNI OFPORT guard|free OID MAC IP...
 *   neigh|adj VNI OID MAC IP...
 *   fdb VNI OID NUM MAC         (NUM 0: on the own host; zZ: by zone Z)
 *   subnet VNI L3VNI OID PREFIX GATEWAY
 *   route L3VNI OID NUM PREFIX HOP...                  HOP: IP,MAC,VNI
 *   policy L3VNI OID NUM PRIORITY ACTION [closed] [src=P] [dst=P] [proto=N]
 *          [sport=A-B]... [dport=A-B]... [dscp=N] [vni=N] [HOP...]
 *                               ACTION: via drop dscp:N rate:KBPS gateway
 *   budget host KBPS, budget tenant L3VNI KBPS
 *   zone NUM HOSTNUM... */
#ifndef TESTS_LIB_ROWTALK_H
#define TESTS_LIB_ROWTALK_H

#include "core/compile.h"

struct rowtalk {
    struct {
        struct vx_network network;
        struct vx_segment segment;
    } segments[16];
    size_t n_segments;
    struct vx_view view;            /* all zero: a member */
    uint32_t rate_kbps, rate_pps, bum_pps;
};

/* False if it is none of these; ends the program if it is one, but wrong. */
bool rowtalk_words(struct rowtalk *talk, enum vx_tier tier, char **words,
                   size_t n, struct vx_rows *rows);
/* Lines of them. */
void rowtalk_lines(struct rowtalk *talk, enum vx_tier tier, const char *lines,
                   struct vx_rows *rows);

/* One of each kind of row of routing, policies, zones and budgets. */
extern const char rowtalk_routed[];

#endif
