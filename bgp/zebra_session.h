/* SPDX-License-Identifier: Apache-2.0 */
/* A client of zebra that is always there, while zebra comes and goes.
 *
 *   connect -> probe -> HELLO -> CAPABILITIES, VRF_ADD... -> per VRF:
 *     graceful restart on, subscribe to BGP's routes, replay what is wanted,
 *     and when all is answered: COMPLETE, audit of strays
 *   the end -> everything wanted is kept; again after 1 s or more (backoff)
 *
 * The shell around route_sync.h and pbr_sync.h: it owns the socket and the
 * timers and decides nothing about routes.  A process makes two of these: one
 * with instance 0 and graceful restart for the tenants' routes, one with
 * instance 1 and without for ip rules and their tables, which zebra drops
 * with the connection.  Never two with the same (proto, instance) on a
 * machine: zebra 8.4 aborts when both close.
 *
 * Callbacks come from the event loop, never from inside a call of a function
 * of this header, except bg_zebra_free(), which calls none.  It may be called
 * inside any of them.  Strings and structs passed are valid for the call. */
#ifndef BG_ZEBRA_SESSION_H
#define BG_ZEBRA_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgp/pbr_sync.h"
#include "bgp/route_sync.h"
#include "bgp/zapi_codec.h"
#include "lib/addr.h"
#include "lib/err.h"

struct bufferevent;
struct event_base;
struct bg_zebra;

enum bg_zebra_state {
    BG_ZEBRA_AWAY,              /* not connected; why says why not */
    BG_ZEBRA_REFUSED,           /* speaks a version that is not known; tried
                                 * again every minute */
    BG_ZEBRA_CONNECTING,        /* until CAPABILITIES have come */
    BG_ZEBRA_UP,                /* VRFs and routes go by */
};

struct bg_zebra_status {
    enum bg_zebra_state state;
    const char *version;        /* "FRR 8.2 to 9.0"; "" unless UP */
    bool is_netns;              /* a VRF is a network namespace; once UP */
    char why[464];              /* of AWAY and REFUSED */
    uint64_t n_connects;        /* times UP was reached */
};

/* A route of BGP in a VRF, as zebra selected it. */
struct bg_learned {
    const char *vrf;
    uint32_t vrf_id;            /* zebra's number of it, for this run of it */
    struct vx_prefix prefix;
    size_t n_nexthops;
    const struct bg_nexthop *nexthops;  /* vrf_id 0 = the default VRF */
    uint32_t metric;            /* MED, or 0 */
    uint32_t tag;
};

/* Any member may be NULL. */
struct bg_zebra_callbacks {
    void (*state)(void *aux, const struct bg_zebra_status *status);
    /* A VRF is there (table_id: of a VRF device) or gone; all again at each
     * connection. The default VRF is told too, as "default". */
    void (*vrf)(void *aux, const char *vrf, uint32_t table_id, bool is_there);
    void (*route)(void *aux, const struct bg_route_event *event);
    /* bg_route_sync_confirmed() has grown to this. */
    void (*confirmed)(void *aux, uint64_t token);
    void (*rule)(void *aux, const struct bg_pbr_event *event);

    /* Learned routes of all VRFs but the default one.  They are remembered
     * here: learned() when one is new or has changed, gone() when it is gone.
     * While zebra is away and for hold_ms after, or bgpd (for away_ms at most,
     * and for hold_ms after bg_zebra_bgp_is_back()), nothing is gone but what
     * bgpd has said again since then, and what is purged; what has not come
     * again by then is. */
    void (*learned)(void *aux, const struct bg_learned *route);
    void (*gone)(void *aux, const char *vrf, const struct vx_prefix *prefix);
    /* What has been told of this VRF is whole: once per VRF and connection.
     * For a VRF that is new, or empty, too. */
    void (*whole)(void *aux, const char *vrf);

    /* Another client of zebra has gone (bgpd: BG_PROTO_BGP, instance 0): of
     * 8.4.4 to 9.0 bgpd itself does not notice when zebra restarts that it
     * must subscribe again. */
    void (*client_closed)(void *aux, enum bg_proto proto, uint16_t instance);
    /* An audit that bg_zebra_audit() asked for, or the one after a replay, is
     * through, of all VRFs. */
    void (*audited)(void *aux, const struct bg_route_audit *audit);

    /* With config.doubts: a route was withdrawn; nothing is gone before
     * bg_zebra_believe() has been called with this number or a later one. */
    void (*doubted)(void *aux, uint64_t number);
    /* A look that bg_zebra_look() asked for is through, of all VRFs; the
     * first of the differences it has counted. */
    void (*looked)(void *aux, const struct bg_route_audit *audit,
                   const struct bg_route_difference *differences, size_t n);
};

struct bg_zebra_config {
    struct event_base *base;
    const char *path;           /* "/run/frr/zserv.api"; copied */
    enum bg_proto proto;        /* BG_PROTO_OPENFABRIC or BG_PROTO_BABEL */
    uint16_t instance;          /* 0, or 1 for rules */
    uint32_t stale_s;           /* graceful restart: zebra keeps the routes so
                                 * long after we close; 0 = off */
    bool learns;                /* subscribe to BGP's routes */
    /* A bgpd that is stopped withdraws its routes, as if they were gone, and
     * then leaves: what is withdrawn is gone when the owner believes it, or
     * kept like the rest when bgpd turns out to have left. */
    bool doubts;
    unsigned hold_ms;           /* 0 = 25,000 */
    unsigned away_ms;           /* 0 = as hold_ms */
    struct bg_route_limits limits;      /* all 0 = default */
    unsigned retry_ms;          /* first wait; 0 = 1,000, and never less but in
                                 * tests; doubles up to 5 s */
    /* NULL, or where a connection comes from (tests); NULL with errno set if
     * there is none.  The caller owns what it returns. */
    struct bufferevent *(*connect)(void *connect_aux);
    void *connect_aux;
};

/* Connects from the event loop, with stale_s not before retry_ms are over, so
 * that zebra has noticed the end of a process before this one.  cb must
 * outlive the object. */
struct bg_zebra *bg_zebra_new(const struct bg_zebra_config *config,
                              const struct bg_zebra_callbacks *cb, void *aux);
/* Closes; with stale_s zebra keeps the routes for that time. */
void bg_zebra_free(struct bg_zebra *zebra);

const struct bg_zebra_status *bg_zebra_status(const struct bg_zebra *zebra);

/* Routes; see bg_route_sync_set(), _unset() and _token(). */
void bg_zebra_set(struct bg_zebra *zebra, const char *vrf,
                  const struct bg_want *want, uint64_t token);
void bg_zebra_unset(struct bg_zebra *zebra, const char *vrf,
                    const struct bg_want *key, uint64_t token);
void bg_zebra_token(struct bg_zebra *zebra, uint64_t token);
uint64_t bg_zebra_confirmed(const struct bg_zebra *zebra);
/* What is set is all there is to be (the feed has synced).  Until then no
 * COMPLETE is sent and no stray is deleted, so that routes from before a
 * restart stay for stale_s; whole once is whole for ever. */
void bg_zebra_set_whole(struct bg_zebra *zebra);

/* Rules; see bg_pbr_sync_set(). */
bool bg_zebra_set_policy(struct bg_zebra *zebra,
                         const struct bg_pbr_policy *policy,
                         struct vx_error *err);
void bg_zebra_unset_policy(struct bg_zebra *zebra, const char *name);

/* Asks zebra what it holds of ours in every VRF; deletes strays, says again
 * what is missing; audited() follows.  False if not UP or under way. */
bool bg_zebra_audit(struct bg_zebra *zebra);
/* The same without changing anything; looked() follows, unless the connection
 * goes before.  False if not UP, or an audit or look is under way. */
bool bg_zebra_look(struct bg_zebra *zebra);
/* What is learned and not seen since zebra or bgpd was away is gone now, not
 * only when hold_ms is over. */
void bg_zebra_end_hold(struct bg_zebra *zebra);

/* bgpd, which had left zebra, is there again. */
void bg_zebra_bgp_is_back(struct bg_zebra *zebra);
/* bgpd is being configured yet: its peers will need all of hold_ms after. */
void bg_zebra_hold_on(struct bg_zebra *zebra);
/* Says all routes of the VRF again: zebra tells whoever it takes for a
 * subscriber, which may be another instance than the one that has
 * subscribed. */
void bg_zebra_repeat(struct bg_zebra *zebra, const char *vrf);
/* bgpd, which has stayed, is made to say all it has again: what it has said
 * since then is gone when it withdraws it, while the rest is held. */
void bg_zebra_says_again(struct bg_zebra *zebra);
/* Learned routes of a VRF that bgpd has not said since is_back or says_again:
 * it still will, or zebra has them of an earlier time.  How many are in
 * prefixes, at most max.  O(that many). */
size_t bg_zebra_unsaid(const struct bg_zebra *zebra, const char *vrf,
                       struct vx_prefix *prefixes, size_t max);
/* bgpd has no such route: zebra is told to remove what it has of BGP's, and
 * it is gone, hold or not.  No-op once bgpd has said it. */
void bg_zebra_purge(struct bg_zebra *zebra, const char *vrf,
                    const struct vx_prefix *prefix);
/* So too, whether bgpd has said it or not: it has nothing to do with the VRF
 * any more. */
void bg_zebra_force_purge(struct bg_zebra *zebra, const char *vrf,
                          const struct vx_prefix *prefix);
/* What was withdrawn up to this number of doubted() is gone. */
void bg_zebra_believe(struct bg_zebra *zebra, uint64_t number);

struct bg_zebra_counters {
    struct bg_route_counts routes;
    size_t n_learned, n_learned_stale, n_vrfs;
    size_t n_learned_unsaid;        /* in all VRFs, as bg_zebra_unsaid() */
    uint64_t bytes_in, bytes_out, n_messages_in, n_messages_out;
    uint64_t n_undecoded;       /* messages left out: not understood */
};
void bg_zebra_get_counters(const struct bg_zebra *zebra,
                           struct bg_zebra_counters *ret_counters);
/* For "what is announced and why": all wanted routes. */
void bg_zebra_visit(const struct bg_zebra *zebra, bg_route_visit *visit,
                    void *aux);

#endif
