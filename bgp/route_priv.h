/* SPDX-License-Identifier: Apache-2.0 */
/* Inside bgp only: what route_sync.c (the owner's side, the bookkeeping) and
 * route_machine.c (the session's side) share. */
#ifndef BG_ROUTE_PRIV_H
#define BG_ROUTE_PRIV_H

#include "bgp/route_sync.h"
#include "lib/tree.h"

struct bg_link {
    struct bg_link *prev, *next;
};

/* A token that changes of routes wait for. */
struct bg_token {
    struct bg_token *next;
    uint64_t value;
    size_t n_refs;
};

/* What routes of a VRF have in common: interned, since a tenant has two. */
struct bg_hop {
    struct vx_tree_node by_key;
    struct vx_ip via;
    char device[BG_IFNAME_SIZE];
    uint32_t fixed_ifindex;         /* as the owner says; 0 = by name */
    uint32_t ifindex;               /* to be sent; 0 = none, or not known */
    size_t n_refs;
};

struct bg_device {
    struct vx_tree_node by_name;
    uint32_t ifindex;
    bool has_lost;                  /* an address; the kernel dropped routes */
    char name[BG_IFNAME_SIZE];
};

struct bg_vrf {
    struct vx_tree_node by_name, by_id;
    struct vx_tree hops, devices, routes;
    struct bg_link ready;           /* to be said */
    struct bg_link parked;          /* to be said when their device is there */
    struct bg_link given;           /* to be said; the owner knows it fails */
    struct bg_link turn;            /* in sync->turns: ready, and reachable */
    size_t n_busy;                  /* routes ready, parked or under way */
    size_t n_failed;                /* routes worth another try */
    int64_t retry_ms;               /* when; 0 = not planned */
    unsigned retry_wait_ms;
    uint32_t id;
    bool has_id;
    bool is_held;                   /* a loop over its routes is on */
    uint8_t audit;                  /* generation; never 0 */
    bool only_looks;                /* that audit */
    struct bg_route_audit found;
    char name[BG_VRF_NAME_SIZE];
};

enum bg_route_where {
    BG_NOWHERE,                     /* nothing to say */
    BG_READY, BG_PARKED, BG_GIVEN,  /* lists of the VRF */
    BG_SENT,                        /* under way, an answer is due */
    BG_ASKING,                      /* a DELETE that may not be answered */
    BG_HEARD,                       /* zebra has read it: a moment more */
    BG_N_WHERES
};

struct bg_route {
    struct vx_tree_node by_key;     /* in vrf->routes */
    struct bg_vrf *vrf;
    struct bg_hop *hop;             /* NULL: not wanted */
    struct bg_link link;            /* the list that where says */
    struct bg_link event;           /* in sync->events if has_event */
    struct bg_token *dirty_token;   /* oldest of what is not said; or NULL */
    struct bg_token *sent_token;    /* oldest of what is under way; or NULL */
    int64_t since_ms;               /* in this list */
    uint64_t number;                /* of the operation under way */
    uint32_t table_id, metric, tag;
    struct vx_prefix prefix;
    uint8_t distance;
    uint8_t where;                  /* enum bg_route_where */
    uint8_t state, why;             /* enum bg_route_state, bg_route_why */
    uint8_t audit;                  /* generation that has seen it */
    bool is_dirty : 1;              /* wanted is not what was said last */
    bool is_delete : 1;             /* the operation under way */
    bool in_zebra : 1;              /* an ADD was said, no REMOVED heard */
    bool overtakes : 1;             /* a DELETE behind an ADD without answer */
    bool has_event : 1;
    bool is_silent : 1;             /* a stray: the owner never knew it */
    bool is_overdue : 1;            /* and the owner has been told */
};

struct bg_route_sync {
    struct bg_route_limits limits;
    struct vx_tree vrfs, ids;
    struct bg_link turns;           /* VRFs with something to say, in turn */
    struct bg_link sent, asking, heard;     /* routes, oldest first */
    struct bg_link events;
    struct bg_route *told;          /* by the last event; may be GONE */
    struct bg_token *tokens, *last;         /* oldest, youngest */
    uint64_t last_token;
    uint64_t n_ops;
    bool is_connected;
    struct bg_route_counts counts;
    struct bg_route_difference *differences;    /* of the look; or NULL */
    size_t n_differences, cap_differences;
};

void bg_link_init(struct bg_link *list);
bool bg_link_is_empty(const struct bg_link *list);
void bg_link_append(struct bg_link *list, struct bg_link *node);
void bg_link_remove(struct bg_link *node);
/* Appends all of from, which is empty then. */
void bg_link_splice(struct bg_link *list, struct bg_link *from);

#define BG_ROUTE_OF(LINK) VX_CONTAINER(LINK, struct bg_route, link)

struct bg_vrf *bg_vrf_find(const struct bg_route_sync *sync,
                           const char *name);
struct bg_vrf *bg_vrf_get(struct bg_route_sync *sync, const char *name);
/* Frees it if nothing needs it. */
void bg_vrf_tidy(struct bg_route_sync *sync, struct bg_vrf *vrf);

struct bg_route *bg_route_find(const struct bg_vrf *vrf, uint32_t table_id,
                               const struct vx_prefix *prefix);
struct bg_route *bg_route_new(struct bg_route_sync *sync, struct bg_vrf *vrf,
                              uint32_t table_id,
                              const struct vx_prefix *prefix);
/* It must be nowhere and have no event. */
void bg_route_free(struct bg_route_sync *sync, struct bg_route *route);
void bg_route_drop_hop(struct bg_route *route);

/* Whether saying it again may help. */
static inline bool
bg_route_is_failed(const struct bg_route *route)
{
    return route->state == BG_ROUTE_FAILED
           && (route->why == BG_WHY_REJECTED || route->why == BG_WHY_REMOVED
               || route->why == BG_WHY_NO_ANSWER);
}

/* The owner is to hear of it, if it is a change. */
void bg_route_tell(struct bg_route_sync *sync, struct bg_route *route,
                   enum bg_route_state state, enum bg_route_why why);
/* The same without an event. */
void bg_route_become(struct bg_route_sync *sync, struct bg_route *route,
                     enum bg_route_state state, enum bg_route_why why);

void bg_token_release(struct bg_route_sync *sync, struct bg_token **token);

/* Out of its list. */
void bg_route_leave(struct bg_route_sync *sync, struct bg_route *route);
/* Into the list where what it has to say waits. */
void bg_route_place(struct bg_route_sync *sync, struct bg_route *route,
                    int64_t now_ms);
/* There is something new to say of it. */
void bg_route_dirty(struct bg_route_sync *sync, struct bg_route *route,
                    int64_t now_ms);
/* What it has to say has come to nothing, or to an end. */
void bg_route_gone(struct bg_route_sync *sync, struct bg_route *route);

#endif
