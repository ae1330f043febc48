/* SPDX-License-Identifier: Apache-2.0 */
/* Proof that a port can be reached: frames from other hosts to its host.
 *
 *   expect (created, moved) --\
 *   look (level-triggered) ----+--> run: a frame into tier 1 of up to four
 *                                   hosts, again and again until each has
 *   heard (packet-in) <-- tier 1 of the port's host <-- VXLAN <-- tier 2
 *
 * A port that was created or moved is gated: it is not active before all of
 * its probes have come.  Of the others it is found out in the background, at
 * a low rate, without any influence on their status.
 *
 * What is known is forgotten when the facts it was found under change.  The
 * frame has an ethertype that no VM can send or receive (doc/pipeline.md);
 * its nonce says which probe it is, and it counts only where it was sent to.
 *
 * Cost: O(1) per probe; nothing scans ports.  At most VX_PROBE_RATE frames a
 * second leave, so a switch's meter and the loop have room. */
#ifndef VX_DAEMON_PROBE_H
#define VX_DAEMON_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow.h"
#include "lib/addr.h"

struct event_base;
struct vx_probes;

enum {
    VX_PROBE_PATHS = 4,         /* hosts that probe a port, fewer while very
                                 * many ports are probed */
    VX_PROBE_RATE = 4000,       /* frames a second, below what the meter of
                                 * one host lets pass */
    VX_PROBE_BACKGROUND = 200,  /* ports a second */
    VX_PROBE_LATE_MS = 5000,
};

/* Under which facts a port is reached. */
struct vx_probe_target {
    uint64_t host, network;     /* oids; where it is located */
    uint32_t vni;
    struct vx_mac mac;
};

struct vx_probes_env {
    void *ctx;
    struct event_base *base;
    /* Ready hosts with presence for the network other than its host, at most
     * VX_PROBE_PATHS; another set for another spread.  *ret_n_others: with
     * presence, ready or not. */
    size_t (*senders)(void *ctx, const struct vx_probe_target *target,
                      uint64_t spread, uint64_t *ret_hosts,
                      size_t *ret_n_others);
    bool (*may_send)(void *ctx, uint64_t host, uint64_t network);
    /* From br-tenant of the host. */
    void (*send)(void *ctx, uint64_t host, const void *frame, size_t size,
                 const struct vx_row *acts);
    /* The port is reached; whether that was waited for. */
    void (*reached)(void *ctx, uint64_t port, bool gated);
    /* What vx_probes_get() says of a gated port has changed. */
    void (*waiting)(void *ctx, uint64_t port);
    /* For the log: no probe of a gated port from that host has come for a
     * long time / the last one has, after all. */
    void (*late)(void *ctx, uint64_t port, uint64_t from, bool is_late);
    int64_t (*wall_ms)(void);
    int64_t (*mono_us)(void);
};

struct vx_probes *vx_probes_new(const struct vx_probes_env *env);
void vx_probes_free(struct vx_probes *probes);

/* The port is gated from now on. */
void vx_probes_expect(struct vx_probes *probes, uint64_t port);
void vx_probes_forget(struct vx_probes *probes, uint64_t port);
/* As things are now; target NULL: it cannot be reached (no place, no
 * interface, its host is away).  settled: all rows are confirmed, a probe
 * makes sense. */
void vx_probes_look(struct vx_probes *probes, uint64_t port,
                    const struct vx_probe_target *target, bool settled);
/* Any frame that br-tenant of the host has sent to the controller. */
void vx_probes_heard(struct vx_probes *probes, uint64_t host,
                     const uint8_t *frame, size_t size);

struct vx_probe_facts {
    int64_t reachable_at_ms;    /* wall clock, 0 = not known */
    bool gated;                 /* not active before that */
    bool late;
    uint64_t from;              /* host whose probe has not come, 0 = none is
                                 * under way */
    unsigned n_more;            /* others of which the same is true */
};
void vx_probes_get(const struct vx_probes *probes, uint64_t port,
                   struct vx_probe_facts *ret_facts);

struct vx_probe_counters {
    uint64_t n_sent, n_answered;
    uint64_t n_lost;            /* sent, and sent again or given up */
    uint64_t latency_us;        /* sum, of n_timed answers */
    uint64_t n_timed;
    size_t n_running;           /* ports */
    size_t n_late;              /* gated ports */
    size_t n_background;        /* ports not looked at yet */
};
void vx_probes_get_counters(const struct vx_probes *probes,
                            struct vx_probe_counters *ret_counters);

#endif
