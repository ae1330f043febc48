/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a next hop lives: what is asked of it, what it answers, and what
 * follows.
 *
 *            three questions without an answer,
 *   ALIVE -------- or its interface goes --------> DEAD
 *     ^------------- two answers in a row ----------/
 *
 * A next hop whose interface was never seen or missed is alive: nothing is
 * known, and what was installed before stays.  The caller has the clock and
 * the frames' way; one question is under way at a time. */
#ifndef VX_CORE_HEALTH_H
#define VX_CORE_HEALTH_H

#include "core/punt.h"

enum {
    VX_HEALTH_MISSES = 3,       /* then it is dead */
    VX_HEALTH_ANSWERS = 2,      /* then it is alive again */
};

/* Zeroed: unknown, alive. */
struct vx_health {
    bool dead;
    bool seen;                  /* its interface, ever; or that it has none */
    bool asked;                 /* a question is not answered yet */
    uint8_t n_missed, n_heard;
};

enum vx_health_news { VX_HEALTH_SAME, VX_HEALTH_DOWN, VX_HEALTH_UP };

/* A question is about to be sent: the one before, if not answered yet, will
 * not be. */
enum vx_health_news vx_health_ask(struct vx_health *health);
enum vx_health_news vx_health_heard(struct vx_health *health);
/* It has an interface somewhere, or none. */
enum vx_health_news vx_health_iface(struct vx_health *health, bool there);
/* Its host cannot be asked: what is not answered says nothing. */
void vx_health_away(struct vx_health *health);
/* Until the next question: who has missed one is asked sooner. */
unsigned vx_health_pause(const struct vx_health *health,
                         unsigned interval_ms);

/* --- Frames. */

enum { VX_HEALTH_FRAME_MAX = 86 };

/* An ARP request, or a neighbour solicitation (from the gateway's link-local
 * address), for ip, to its MAC.  gateway: of the subnet of ip, IPv4 only.
 * Returns the size. */
size_t vx_health_question(const struct vx_mac *mac, const struct vx_ip *ip,
                          const struct vx_ip *gateway,
                          uint8_t frame[VX_HEALTH_FRAME_MAX]);
/* Whether it is an ARP reply or a neighbour advertisement (RFC 4861 7.1.2),
 * and of which address. */
bool vx_health_answer(const struct vx_punted *punted, struct vx_ip *ret_ip);

#endif
