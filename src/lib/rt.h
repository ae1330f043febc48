/* SPDX-License-Identifier: Apache-2.0 */
/* Route distinguishers, route targets and communities as numbers and as
 * text.
 *
 * A route distinguisher (RFC 4364 4.2) and a route target (RFC 4360 4, RFC
 * 5668 2) are eight bytes on the wire; here they are that number in host
 * order, so that what is read off a wire big-endian is the value.  The three
 * types look alike in text and are told apart by the part before the colon:
 *
 *   65001:70000         type 0: AS of two bytes, number of four
 *   192.0.2.1:7         type 1: IPv4 address, number of two bytes
 *   4200000000:7        type 2: AS of four bytes, number of two
 *   65001L:7            type 2 of an AS that two bytes would hold
 *
 * Parsing is strict: the whole string, decimal, no leading zeros.  Pure. */
#ifndef VX_LIB_RT_H
#define VX_LIB_RT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    VX_RT_STRLEN = 24,          /* of a distinguisher, too */
    VX_COMMUNITY_STRLEN = 24,
};

/* 0:0, which is no distinguisher (0 means "none" everywhere), is refused. */
bool vx_rd_parse(const char *s, uint64_t *ret_rd);
const char *vx_rd_format(uint64_t rd, char buf[VX_RT_STRLEN]);

/* The extended community: transitive type 0, 1 or 2, subtype 2. */
bool vx_rt_parse(const char *s, uint64_t *ret_rt);
/* Another extended community than a route target reads "0x" and 16 digits,
 * which vx_rt_parse does not take. */
const char *vx_rt_format(uint64_t rt, char buf[VX_RT_STRLEN]);
bool vx_rt_is(uint64_t ext_community);

/* The route target (distinguisher) AS:number, of the type that holds it:
 * type 0 for an AS of two bytes, else type 2, then with the low 16 bits of
 * number. */
uint64_t vx_rt_make(uint32_t as, uint32_t number);
uint64_t vx_rd_make(uint32_t as, uint32_t number);
/* Type 1: ADDRESS:number; ip4 in host order. */
uint64_t vx_rd_make_ip4(uint32_t ip4, uint16_t number);
/* The distinguisher that gateway router_id (host order) of AS as gives the
 * routes of the tenant whose router has this VNI: unlike that of any other
 * tenant, and of any other gateway, or nearly.  A VNI has more bits than the
 * number behind an address: 0xff0000 and above, which routers are given by
 * themselves, are ROUTER-ID:(VNI - 0xff0000), the others AS:NUMBER with a
 * number above any VNI, so that no network's is the same. */
uint64_t vx_rd_auto(uint32_t as, uint32_t router_id, uint32_t vni);
/* The VNI for which that gateway gives rd; 0: for none. */
uint32_t vx_rd_auto_vni(uint64_t rd, uint32_t as, uint32_t router_id);
/* The part after the colon. */
uint32_t vx_rt_number(uint64_t rt);

/* A community (RFC 1997): "65001:100", or the name of a well-known one:
 * no-export, no-advertise, no-export-subconfed, no-peer (RFC 3765),
 * graceful-shutdown (RFC 8326), accept-own (RFC 7611), llgr-stale, no-llgr
 * (RFC 9494), blackhole (RFC 7999).  Formatting names those. */
bool vx_community_parse(const char *s, uint32_t *ret_community);
const char *vx_community_format(uint32_t community,
                                char buf[VX_COMMUNITY_STRLEN]);

#endif
