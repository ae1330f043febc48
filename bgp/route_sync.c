/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's side of route_sync.h: what is wanted, what became of it, and
 * the bookkeeping of VRFs, next hops and tokens.
 *
 * A route that has something to say is in a list of its VRF; one under way is
 * in a list of the sync, oldest first, so that what is overdue is found at the
 * head.  No list is ever searched but those of a VRF, when an interface or
 * the VRF itself comes or goes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/route_priv.h"
#include "lib/xalloc.h"

/* --- Lists. */

void
bg_link_init(struct bg_link *list)
{
    list->prev = list->next = list;
}

bool
bg_link_is_empty(const struct bg_link *list)
{
    return list->next == list;
}

void
bg_link_append(struct bg_link *list, struct bg_link *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

void
bg_link_remove(struct bg_link *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    bg_link_init(node);
}

void
bg_link_splice(struct bg_link *list, struct bg_link *from)
{
    if (!bg_link_is_empty(from)) {
        from->next->prev = list->prev;
        list->prev->next = from->next;
        from->prev->next = list;
        list->prev = from->prev;
        bg_link_init(from);
    }
}

/* --- Names. */

const char *
bg_route_state_name(enum bg_route_state state)
{
    static const char *const names[BG_N_ROUTE_STATES] = {
        [BG_ROUTE_PENDING] = "pending",
        [BG_ROUTE_INSTALLED] = "installed",
        [BG_ROUTE_LOST] = "lost",
        [BG_ROUTE_FAILED] = "failed",
        [BG_ROUTE_WITHDRAWING] = "withdrawing",
        [BG_ROUTE_GONE] = "gone",
    };
    return state < BG_N_ROUTE_STATES ? names[state] : "unknown";
}

const char *
bg_route_why_text(enum bg_route_why why)
{
    static const char *const texts[BG_N_ROUTE_WHYS] = {
        [BG_WHY_NONE] = "",
        [BG_WHY_NO_ZEBRA] = "zebra is not connected",
        [BG_WHY_NO_VRF] = "zebra has no VRF of that name",
        [BG_WHY_NO_DEVICE] = "the VRF has no interface of that name that is "
                             "up",
        [BG_WHY_NO_ANSWER] = "zebra does not answer: most often the prefix "
                             "is that of a connected network",
        [BG_WHY_BETTER] = "a route of the same prefix with a lower distance "
                          "is in use",
        [BG_WHY_REJECTED] = "the next hop cannot be reached, or the kernel "
                            "refuses the route",
        [BG_WHY_REMOVED] = "zebra has taken it out by itself",
        [BG_WHY_REMOVE_FAILED] = "the kernel does not remove it",
    };
    return why < BG_N_ROUTE_WHYS ? texts[why] : "";
}

/* --- Trees. */

static int
compare_vrf_name(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct bg_vrf, by_name)->name);
}

static int
compare_vrf_id(const void *key, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) key;
    uint32_t b = VX_CONTAINER(node, struct bg_vrf, by_id)->id;

    return a < b ? -1 : a > b;
}

static int
compare_device(const void *key, const struct vx_tree_node *node)
{
    return strcmp(key, VX_CONTAINER(node, struct bg_device, by_name)->name);
}

static int
compare_hop(const void *key, const struct vx_tree_node *node)
{
    const struct bg_hop *a = key;
    const struct bg_hop *b = VX_CONTAINER(node, struct bg_hop, by_key);
    int c = vx_ip_compare(&a->via, &b->via);

    if (!c) {
        c = strcmp(a->device, b->device);
    }
    return c ? c : a->fixed_ifindex < b->fixed_ifindex ? -1
                   : a->fixed_ifindex > b->fixed_ifindex;
}

struct route_key {
    uint32_t table_id;
    const struct vx_prefix *prefix;
};

static int
compare_route(const void *key, const struct vx_tree_node *node)
{
    const struct route_key *a = key;
    const struct bg_route *b = VX_CONTAINER(node, struct bg_route, by_key);

    if (a->table_id != b->table_id) {
        return a->table_id < b->table_id ? -1 : 1;
    }
    return vx_prefix_compare(a->prefix, &b->prefix);
}

/* --- VRFs. */

static const char *
vrf_name(const char *name)
{
    return *name ? name : "default";
}

struct bg_vrf *
bg_vrf_find(const struct bg_route_sync *sync, const char *name)
{
    struct vx_tree_node *node = vx_tree_find(&sync->vrfs, vrf_name(name));

    return node ? VX_CONTAINER(node, struct bg_vrf, by_name) : NULL;
}

struct bg_vrf *
bg_vrf_get(struct bg_route_sync *sync, const char *name)
{
    struct bg_vrf *vrf = bg_vrf_find(sync, name);

    if (!vrf) {
        vrf = vx_xcalloc(1, sizeof *vrf);
        /* A name that is too long is one that zebra never has. */
        strncpy(vrf->name, vrf_name(name), sizeof vrf->name - 1);
        vx_tree_init(&vrf->hops, compare_hop);
        vx_tree_init(&vrf->devices, compare_device);
        vx_tree_init(&vrf->routes, compare_route);
        bg_link_init(&vrf->ready);
        bg_link_init(&vrf->parked);
        bg_link_init(&vrf->given);
        bg_link_init(&vrf->turn);
        if (vx_tree_insert(&sync->vrfs, vrf->name, &vrf->by_name)) {
            free(vrf);
            return NULL;
        }
    }
    return vrf;
}

bool
bg_route_sync_vrf_id(const struct bg_route_sync *sync, const char *name,
                     uint32_t *ret_vrf_id)
{
    const struct bg_vrf *vrf = bg_vrf_find(sync, name);

    if (!vrf || !vrf->has_id) {
        return false;
    }
    *ret_vrf_id = vrf->id;
    return true;
}

static void
free_devices(struct bg_vrf *vrf)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &vrf->devices) {
        vx_tree_remove(&vrf->devices, node);
        free(VX_CONTAINER(node, struct bg_device, by_name));
    }
}

static void
free_vrf(struct bg_route_sync *sync, struct bg_vrf *vrf)
{
    free_devices(vrf);
    bg_link_remove(&vrf->turn);
    vx_tree_remove(&sync->vrfs, &vrf->by_name);
    free(vrf);
}

void
bg_vrf_tidy(struct bg_route_sync *sync, struct bg_vrf *vrf)
{
    if (!vrf->has_id && !vrf->routes.count && !vrf->is_held) {
        free_vrf(sync, vrf);
    }
}

/* --- Next hops. */

static struct bg_hop *
take_hop(struct bg_vrf *vrf, const struct bg_want *want)
{
    struct bg_hop key = { .via = want->via,
                          .fixed_ifindex = want->ifindex };
    struct vx_tree_node *node;
    struct bg_hop *hop;

    memcpy(key.device, want->device, sizeof key.device - 1);
    node = vx_tree_find(&vrf->hops, &key);
    if (node) {
        hop = VX_CONTAINER(node, struct bg_hop, by_key);
    } else {
        struct vx_tree_node *device = vx_tree_find(&vrf->devices,
                                                   key.device);

        hop = vx_xmemdup(&key, sizeof key);
        hop->ifindex = hop->fixed_ifindex ? hop->fixed_ifindex
            : device ? VX_CONTAINER(device, struct bg_device,
                                    by_name)->ifindex : 0;
        vx_tree_insert(&vrf->hops, &key, &hop->by_key);
    }
    hop->n_refs++;
    return hop;
}

static void
release_hop(struct bg_vrf *vrf, struct bg_hop *hop)
{
    if (hop && !--hop->n_refs) {
        vx_tree_remove(&vrf->hops, &hop->by_key);
        free(hop);
    }
}

void
bg_route_drop_hop(struct bg_route *route)
{
    release_hop(route->vrf, route->hop);
    route->hop = NULL;
}

/* --- Tokens. */

static struct bg_token *
take_token(struct bg_route_sync *sync, uint64_t value)
{
    struct bg_token *token = sync->last;

    if (!token || token->value < value) {
        token = vx_xcalloc(1, sizeof *token);
        token->value = value;
        if (sync->last) {
            sync->last->next = token;
        } else {
            sync->tokens = token;
        }
        sync->last = token;
    }
    token->n_refs++;
    return token;
}

void
bg_token_release(struct bg_route_sync *sync, struct bg_token **token)
{
    if (*token) {
        (*token)->n_refs--;
        *token = NULL;
    }
    while (sync->tokens && !sync->tokens->n_refs) {
        struct bg_token *next = sync->tokens->next;

        free(sync->tokens);
        sync->tokens = next;
    }
    if (!sync->tokens) {
        sync->last = NULL;
    }
}

void
bg_route_sync_token(struct bg_route_sync *sync, uint64_t token)
{
    if (token > sync->last_token) {
        sync->last_token = token;
    }
}

uint64_t
bg_route_sync_confirmed(const struct bg_route_sync *sync)
{
    return sync->tokens ? sync->tokens->value - 1 : sync->last_token;
}

/* --- Routes. */

struct bg_route *
bg_route_find(const struct bg_vrf *vrf, uint32_t table_id,
              const struct vx_prefix *prefix)
{
    struct route_key key = { table_id, prefix };
    struct vx_tree_node *node = vx_tree_find(&vrf->routes, &key);

    return node ? VX_CONTAINER(node, struct bg_route, by_key) : NULL;
}

struct bg_route *
bg_route_new(struct bg_route_sync *sync, struct bg_vrf *vrf,
             uint32_t table_id, const struct vx_prefix *prefix)
{
    struct route_key key = { table_id, prefix };
    struct bg_route *route = vx_xcalloc(1, sizeof *route);

    route->vrf = vrf;
    route->table_id = table_id;
    route->prefix = *prefix;
    route->state = BG_ROUTE_PENDING;
    sync->counts.n_states[BG_ROUTE_PENDING]++;
    bg_link_init(&route->link);
    bg_link_init(&route->event);
    vx_tree_insert(&vrf->routes, &key, &route->by_key);
    return route;
}

void
bg_route_free(struct bg_route_sync *sync, struct bg_route *route)
{
    assert(route->where == BG_NOWHERE && !route->has_event);
    if (sync->told == route) {
        sync->told = NULL;
    }
    bg_route_drop_hop(route);
    bg_token_release(sync, &route->dirty_token);
    bg_token_release(sync, &route->sent_token);
    sync->counts.n_states[route->state]--;
    route->vrf->n_failed -= bg_route_is_failed(route);
    vx_tree_remove(&route->vrf->routes, &route->by_key);
    bg_vrf_tidy(sync, route->vrf);
    free(route);
}

void
bg_route_become(struct bg_route_sync *sync, struct bg_route *route,
                enum bg_route_state state, enum bg_route_why why)
{
    sync->counts.n_states[route->state]--;
    route->vrf->n_failed -= bg_route_is_failed(route);
    route->state = (uint8_t) state;
    route->why = (uint8_t) why;
    sync->counts.n_states[route->state]++;
    route->vrf->n_failed += bg_route_is_failed(route);
}

void
bg_route_tell(struct bg_route_sync *sync, struct bg_route *route,
              enum bg_route_state state, enum bg_route_why why)
{
    if (route->state == state && route->why == why) {
        return;
    }
    bg_route_become(sync, route, state, why);
    if (!route->has_event && !route->is_silent) {
        route->has_event = true;
        bg_link_append(&sync->events, &route->event);
    }
}

void
bg_route_gone(struct bg_route_sync *sync, struct bg_route *route)
{
    route->in_zebra = false;
    bg_route_tell(sync, route, BG_ROUTE_GONE, BG_WHY_NONE);
    if (!route->has_event) {
        bg_route_free(sync, route);
    }
}

static bool
is_same(const struct bg_route *route, const struct bg_hop *hop,
        const struct bg_want *want)
{
    return route->hop == hop && route->distance == want->distance
           && route->metric == want->metric && route->tag == want->tag;
}

/* A change of the owner's: it settles with what is said next. */
static void
add_token(struct bg_route_sync *sync, struct bg_route *route, uint64_t token)
{
    bg_route_sync_token(sync, token);
    if (!route->dirty_token && token) {
        route->dirty_token = take_token(sync, token);
    }
}

void
bg_route_sync_set(struct bg_route_sync *sync, const char *name,
                  const struct bg_want *want, uint64_t token, int64_t now_ms)
{
    struct bg_vrf *vrf = bg_vrf_get(sync, name);
    struct bg_route *route;
    struct bg_hop *hop;

    bg_route_sync_token(sync, token);
    if (!vrf) {
        return;
    }
    hop = take_hop(vrf, want);
    route = bg_route_find(vrf, want->table_id, &want->prefix);
    if (!route) {
        route = bg_route_new(sync, vrf, want->table_id, &want->prefix);
    } else if (is_same(route, hop, want)) {
        release_hop(vrf, hop);
        return;
    }
    bg_route_drop_hop(route);
    route->hop = hop;
    route->distance = want->distance;
    route->metric = want->metric;
    route->tag = want->tag;
    route->is_silent = false;
    bg_route_become(sync, route, BG_ROUTE_PENDING, BG_WHY_NONE);
    add_token(sync, route, token);
    bg_route_dirty(sync, route, now_ms);
}

void
bg_route_sync_unset(struct bg_route_sync *sync, const char *name,
                    const struct bg_want *key, uint64_t token,
                    int64_t now_ms)
{
    struct bg_vrf *vrf = bg_vrf_find(sync, name);
    struct bg_route *route = vrf ? bg_route_find(vrf, key->table_id,
                                                 &key->prefix) : NULL;

    bg_route_sync_token(sync, token);
    if (!route || !route->hop) {
        return;
    }
    bg_route_drop_hop(route);
    if (!route->in_zebra) {
        /* Nobody was told of it. */
        bg_route_leave(sync, route);
        route->is_dirty = false;
        bg_token_release(sync, &route->dirty_token);
        bg_route_gone(sync, route);
        return;
    }
    /* Why it was not installed says whether a DELETE will be answered. */
    if (route->state != BG_ROUTE_INSTALLED) {
        route->overtakes = true;
    }
    bg_route_become(sync, route, BG_ROUTE_WITHDRAWING, BG_WHY_NONE);
    add_token(sync, route, token);
    bg_route_dirty(sync, route, now_ms);
}

/* --- Queries. */

static void
describe(const struct bg_route *route, struct bg_route_event *ret_event)
{
    ret_event->vrf = route->vrf->name;
    ret_event->prefix = route->prefix;
    ret_event->table_id = route->table_id;
    ret_event->state = (enum bg_route_state) route->state;
    ret_event->why = (enum bg_route_why) route->why;
}

static void
free_told(struct bg_route_sync *sync)
{
    /* The last event's route is kept until here for its VRF's name. */
    struct bg_route *route = sync->told;

    sync->told = NULL;
    if (route && route->state == BG_ROUTE_GONE && !route->has_event
        && !route->hop && route->where == BG_NOWHERE) {
        bg_route_free(sync, route);
    }
}

bool
bg_route_sync_next_event(struct bg_route_sync *sync,
                         struct bg_route_event *ret_event)
{
    struct bg_route *route;

    free_told(sync);
    if (bg_link_is_empty(&sync->events)) {
        return false;
    }
    route = VX_CONTAINER(sync->events.next, struct bg_route, event);
    bg_link_remove(&route->event);
    route->has_event = false;
    describe(route, ret_event);
    sync->told = route;
    return true;
}

enum bg_route_state
bg_route_sync_state(const struct bg_route_sync *sync, const char *name,
                    const struct bg_want *key, enum bg_route_why *ret_why)
{
    struct bg_vrf *vrf = bg_vrf_find(sync, name);
    struct bg_route *route = vrf ? bg_route_find(vrf, key->table_id,
                                                 &key->prefix) : NULL;

    if (!route || route->is_silent) {
        return BG_ROUTE_GONE;
    }
    *ret_why = (enum bg_route_why) route->why;
    return (enum bg_route_state) route->state;
}

void
bg_route_sync_get_counts(const struct bg_route_sync *sync,
                         struct bg_route_counts *ret_counts)
{
    *ret_counts = sync->counts;
}

void
bg_route_sync_visit(const struct bg_route_sync *sync, bg_route_visit *visit,
                    void *aux)
{
    VX_TREE_FOR_EACH(v, &sync->vrfs) {
        struct bg_vrf *vrf = VX_CONTAINER(v, struct bg_vrf, by_name);

        VX_TREE_FOR_EACH(r, &vrf->routes) {
            struct bg_route *route = VX_CONTAINER(r, struct bg_route,
                                                  by_key);
            struct bg_route_event event;
            struct bg_want want = { .prefix = route->prefix,
                                    .table_id = route->table_id,
                                    .distance = route->distance,
                                    .metric = route->metric,
                                    .tag = route->tag };

            if (route->is_silent || route->state == BG_ROUTE_GONE) {
                continue;
            }
            if (route->hop) {
                want.via = route->hop->via;
                want.ifindex = route->hop->ifindex;
                memcpy(want.device, route->hop->device, sizeof want.device);
            }
            describe(route, &event);
            visit(aux, &event, &want);
        }
    }
}

/* --- Life. */

struct bg_route_sync *
bg_route_sync_new(const struct bg_route_limits *limits)
{
    struct bg_route_sync *sync = vx_xcalloc(1, sizeof *sync);

    sync->limits = *limits;
    vx_tree_init(&sync->vrfs, compare_vrf_name);
    vx_tree_init(&sync->ids, compare_vrf_id);
    bg_link_init(&sync->turns);
    bg_link_init(&sync->sent);
    bg_link_init(&sync->asking);
    bg_link_init(&sync->heard);
    bg_link_init(&sync->events);
    return sync;
}

/* The quick way: no accounts are kept. */
static void
destroy_vrf(struct bg_vrf *vrf)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &vrf->routes) {
        vx_tree_remove(&vrf->routes, node);
        free(VX_CONTAINER(node, struct bg_route, by_key));
    }
    VX_TREE_FOR_EACH_SAFE(hop, next_hop, &vrf->hops) {
        vx_tree_remove(&vrf->hops, hop);
        free(VX_CONTAINER(hop, struct bg_hop, by_key));
    }
    free_devices(vrf);
    free(vrf);
}

void
bg_route_sync_free(struct bg_route_sync *sync)
{
    if (!sync) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &sync->vrfs) {
        vx_tree_remove(&sync->vrfs, node);
        destroy_vrf(VX_CONTAINER(node, struct bg_vrf, by_name));
    }
    while (sync->tokens) {
        struct bg_token *next = sync->tokens->next;

        free(sync->tokens);
        sync->tokens = next;
    }
    free(sync->differences);
    free(sync);
}
