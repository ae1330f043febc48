/* SPDX-License-Identifier: Apache-2.0 */
/* What VMs make switches send to the controller, and the ICMP errors that the
 * gateway owes for it.
 *
 *   packet-in --whose tap?--> port --budget--> ICMP error, by packet-out to
 *                              |               the tap it came from
 *                              +--> router_adv.h (solicitations)
 *                              +--> health.h (answers of next hops)
 *
 * The switch lets 20 packets a second of a port through; the same again is
 * held here, since a switch may be told otherwise, or a VM have many taps.
 * The bytes are a VM's: all lengths are checked (core/punt.h), nothing of
 * them decides where an answer goes but the tap and, where a packet has left
 * its tap already (VX_PUNT_NO_HOST), the port that owns its source address.
 *
 * Cost: O(log n) a packet. */
#ifndef VX_DAEMON_PUNTS_H
#define VX_DAEMON_PUNTS_H

#include "core/fabric.h"
#include "core/model.h"
#include "core/pipeline.h"
#include "core/punt.h"

enum {
    VX_PUNTS_ALL_PPS = 10000,   /* answered in all */
};

struct vx_punts;

/* An interface of a port. */
struct vx_punt_tap {
    uint64_t port, host;
    uint32_t ofport;
};

struct vx_punts_env {
    void *ctx;
    const struct vx_model *model;
    const struct vx_fabric *fabric;
    void (*send)(void *ctx, const struct vx_punt_tap *tap,
                 const uint8_t *frame, size_t size);
    void (*solicited)(void *ctx, const struct vx_punt_tap *tap,
                      const struct vx_punted *punted);
    /* ip: that it has answered for; NULL: it sends so much that its answers
     * may be among what the switch drops. */
    void (*alive)(void *ctx, uint64_t port, const struct vx_ip *ip);
    int64_t (*mono_ms)(void);
};

struct vx_punts *vx_punts_new(const struct vx_punts_env *env);
void vx_punts_free(struct vx_punts *punts);

/* Any packet-in; false: it is none of these. */
bool vx_punts_heard(struct vx_punts *punts, uint64_t host, enum vx_tier tier,
                    const struct vx_packet_in *in);

struct vx_punt_counters {
    uint64_t n_heard[VX_N_PUNTS];   /* by reason */
    uint64_t n_stray;               /* from no port, or not to be read */
    uint64_t n_limited;             /* over a budget */
    uint64_t n_errors;              /* ICMP errors sent */
};
void vx_punts_get_counters(const struct vx_punts *punts,
                           struct vx_punt_counters *ret_counters);
/* "ttl"; NULL for 0. */
const char *vx_punt_name(enum vx_punt reason);

#endif
