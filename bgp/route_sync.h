/* SPDX-License-Identifier: Apache-2.0 */
/* Routes wanted, routes that zebra confirmed, and what to say to make them
 * the same: pure, without a socket or a clock.
 *
 *   owner:   set / unset (token) -----> wanted
 *   session: connected, vrf, interface, note, seen --> next() -> operations
 *   owner:   next_event() <- a route has changed its state; confirmed()
 *
 * One operation of a route is under way at a time, but for a DELETE, which
 * overtakes an ADD that is not answered.  A further change waits for the
 * answer: otherwise the answer to the old one would confirm the new one.
 * What zebra never answers is given up: an ADD (of a route that loses from
 * the start) after answer_ms; a DELETE of what zebra may not have, or that it
 * may coalesce with an ADD, a moment after zebra has read it.
 *
 * Costs: set, unset, note: O(log n) of the VRF's routes; about 180 bytes per
 * route.  Times are in ms of any monotonic clock and never go back. */
#ifndef BG_ROUTE_SYNC_H
#define BG_ROUTE_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgp/zapi_codec.h"
#include "lib/addr.h"

struct bg_route_sync;

/* A route that somebody wants.  Its key is (VRF name, table, prefix). */
struct bg_want {
    struct vx_prefix prefix;
    uint32_t table_id;          /* 0 = the VRF's own */
    struct vx_ip via;           /* next hop; family 0 = none: the device */
    char device[BG_IFNAME_SIZE]; /* interface in the VRF; "" = none.  Neither
                                 * via nor device: a blackhole, which bgpd
                                 * announces with itself as next hop */
    uint32_t ifindex;           /* of the device; 0 = look the name up */
    uint8_t distance;           /* 1..255; 0 = zebra's default of the type */
    uint32_t metric;
    uint32_t tag;               /* for the operator's route-maps */
};

enum bg_route_state {
    BG_ROUTE_PENDING,           /* wanted; nothing is known yet */
    BG_ROUTE_INSTALLED,         /* in the kernel, so bgpd announces it */
    BG_ROUTE_LOST,              /* another route of the prefix won */
    BG_ROUTE_FAILED,            /* wanted, and not there: see why */
    BG_ROUTE_WITHDRAWING,       /* not wanted; DELETE is not confirmed */
    BG_ROUTE_GONE,              /* the last event of a route */
    BG_N_ROUTE_STATES
};
const char *bg_route_state_name(enum bg_route_state state);

enum bg_route_why {
    BG_WHY_NONE,
    BG_WHY_NO_ZEBRA,            /* not connected */
    BG_WHY_NO_VRF,              /* zebra has no VRF of that name */
    BG_WHY_NO_DEVICE,           /* nor the VRF such an interface, up */
    BG_WHY_NO_ANSWER,           /* most often: the prefix is connected */
    BG_WHY_BETTER,              /* a route of lower distance */
    BG_WHY_REJECTED,            /* next hop does not resolve, or the kernel
                                 * refused */
    BG_WHY_REMOVED,             /* zebra took it away by itself */
    BG_WHY_REMOVE_FAILED,
    BG_N_ROUTE_WHYS
};
/* A whole sentence part for a human: "zebra is not connected". */
const char *bg_route_why_text(enum bg_route_why why);

struct bg_route_limits {
    size_t window;              /* operations under way at most */
    unsigned answer_ms;         /* for an answer to an ADD or DELETE */
    unsigned wait_ms;           /* for zebra, VRF and interface, before the
                                 * owner is told FAILED */
};
#define BG_ROUTE_LIMITS_DEFAULT { 8192, 3000, 10000 }

struct bg_route_sync *bg_route_sync_new(const struct bg_route_limits *limits);
void bg_route_sync_free(struct bg_route_sync *sync);

/* --- The owner's side. */

/* Wants a route, or the same prefix otherwise than before; a no-op for what
 * is wanted already, but for its token.  vrf: "" or "default" is the default
 * VRF.  token: not less than that of any call before; 0 = none. */
void bg_route_sync_set(struct bg_route_sync *sync, const char *vrf,
                       const struct bg_want *want, uint64_t token,
                       int64_t now_ms);
/* Wants it no more; only prefix and table_id of the key are looked at. */
void bg_route_sync_unset(struct bg_route_sync *sync, const char *vrf,
                         const struct bg_want *key, uint64_t token,
                         int64_t now_ms);
/* A token without a route: something the owner wants acknowledged in order
 * with the routes around it. */
void bg_route_sync_token(struct bg_route_sync *sync, uint64_t token);
/* All changes with tokens up to this one are settled: confirmed, overtaken by
 * a later one that is settled, or reported as LOST or FAILED.  Goes back only
 * when a token is used again after it was settled. */
uint64_t bg_route_sync_confirmed(const struct bg_route_sync *sync);

struct bg_route_event {
    const char *vrf;            /* valid until the next call */
    struct vx_prefix prefix;
    uint32_t table_id;
    enum bg_route_state state;
    enum bg_route_why why;
};
/* The next route whose state changed; states in between may be left out. */
bool bg_route_sync_next_event(struct bg_route_sync *sync,
                              struct bg_route_event *ret_event);
/* State of one route; GONE if nobody has asked for it. */
enum bg_route_state bg_route_sync_state(const struct bg_route_sync *sync,
                                        const char *vrf,
                                        const struct bg_want *key,
                                        enum bg_route_why *ret_why);

struct bg_route_counts {
    size_t n_states[BG_N_ROUTE_STATES];     /* routes known, per state */
    size_t n_outstanding;       /* operations under way */
    size_t n_queued;            /* changes not sent */
    uint64_t n_sent, n_notes, n_unanswered, n_strays, n_missing;
};
void bg_route_sync_get_counts(const struct bg_route_sync *sync,
                              struct bg_route_counts *ret_counts);
/* All routes in order of VRF, table, prefix; do not change any inside. */
typedef void bg_route_visit(void *aux, const struct bg_route_event *route,
                            const struct bg_want *want);
void bg_route_sync_visit(const struct bg_route_sync *sync,
                         bg_route_visit *visit, void *aux);

/* --- The session's side. */

/* A new connection: nothing is known of VRFs, interfaces or answers; all that
 * is wanted is to be said again, and what was being withdrawn too. States
 * stay as they are until zebra says otherwise. */
void bg_route_sync_connected(struct bg_route_sync *sync, int64_t now_ms);
void bg_route_sync_disconnected(struct bg_route_sync *sync, int64_t now_ms);

void bg_route_sync_vrf(struct bg_route_sync *sync, const char *vrf,
                       uint32_t vrf_id, int64_t now_ms);
void bg_route_sync_vrf_gone(struct bg_route_sync *sync, uint32_t vrf_id,
                            int64_t now_ms);
/* False: zebra has no VRF of that name. */
bool bg_route_sync_vrf_id(const struct bg_route_sync *sync, const char *vrf,
                          uint32_t *ret_vrf_id);
/* ifindex 0: it is gone, or down. */
void bg_route_sync_interface(struct bg_route_sync *sync, uint32_t vrf_id,
                             const char *name, uint32_t ifindex,
                             int64_t now_ms);

/* All that is wanted in the VRF is said again, also what is under way.
 * O(its routes). */
void bg_route_sync_repeat(struct bg_route_sync *sync, const char *vrf,
                          int64_t now_ms);

/* A device of the VRF has an address, or not any more.  When one comes, what
 * zebra refused for a next hop that could not be reached is said again; if one
 * of that device had gone before, so is all that leads there: the kernel has
 * dropped the routes that needed it without a word.  zebra itself looks at
 * neither again.  O(routes of the VRF) if there is any such, else O(devices of
 * the VRF). */
void bg_route_sync_address(struct bg_route_sync *sync, uint32_t vrf_id,
                           uint32_t ifindex, bool is_there, int64_t now_ms);

struct bg_route_op {
    bool is_delete;
    uint32_t vrf_id;
    struct bg_want want;        /* with ifindex */
};
/* The next operation to send, if the window has room. */
bool bg_route_sync_next(struct bg_route_sync *sync, int64_t now_ms,
                        struct bg_route_op *ret_op);
/* For what may not be answered: when this number is greater than the last
 * asked about, a question is to be sent that zebra answers in order, behind
 * what next() has returned until now; heard() with the number follows its
 * answer.  0: nothing to ask about. */
uint64_t bg_route_sync_ask(const struct bg_route_sync *sync);
void bg_route_sync_heard(struct bg_route_sync *sync, uint64_t number,
                         int64_t now_ms);
void bg_route_sync_note(struct bg_route_sync *sync, uint32_t vrf_id,
                        const struct bg_zapi_route_note *note,
                        int64_t now_ms);
/* Gives up what is overdue; what zebra refused, removed or never answered is
 * said again after 1 s, doubled each time up to 30 s.  Returns ms until the
 * next call is needed, -1 if none is. */
int64_t bg_route_sync_tick(struct bg_route_sync *sync, int64_t now_ms);
/* Whether everything wanted in the VRF has been said on this connection and
 * answered or given up: then COMPLETE may be sent. */
bool bg_route_sync_is_settled(const struct bg_route_sync *sync,
                              uint32_t vrf_id);

/* Audit of one VRF, whole: begin, seen() for every route of ours that zebra
 * lists, end.  Strays are deleted, missing ones said again; both counted. */
struct bg_route_audit {
    size_t n_seen, n_strays, n_missing;
};
void bg_route_sync_audit_begin(struct bg_route_sync *sync, uint32_t vrf_id);
void bg_route_sync_audit_seen(struct bg_route_sync *sync, uint32_t vrf_id,
                              const struct vx_prefix *prefix,
                              int64_t now_ms);
void bg_route_sync_audit_end(struct bg_route_sync *sync, uint32_t vrf_id,
                             int64_t now_ms,
                             struct bg_route_audit *ret_audit);

/* A look is an audit that changes nothing: look_start(), of each VRF
 * look_begin(), audit_seen()..., audit_end(), and what differs is in a list,
 * the first BG_DIFFERENCES_MAX of all VRFs. */
enum { BG_DIFFERENCES_MAX = 100 };
struct bg_route_difference {
    char vrf[BG_VRF_NAME_SIZE];
    struct vx_prefix prefix;
    bool is_stray;              /* else missing */
};
void bg_route_sync_look_start(struct bg_route_sync *sync);
void bg_route_sync_look_begin(struct bg_route_sync *sync, uint32_t vrf_id);
const struct bg_route_difference *
bg_route_sync_differences(const struct bg_route_sync *sync, size_t *ret_n);

#endif
