/* SPDX-License-Identifier: Apache-2.0 */
/* The session's side of route_sync.h: what to say next, and what an answer,
 * or none, means.
 *
 *   nowhere --set, unset--> ready --next()--> sent --note--> nowhere
 *              |  ^                            |
 *      no device  interface                    +-- no answer: given up
 *              v  |                            v   (ADD) or asked (DELETE)
 *             parked --too long--> given      asking --heard--> heard --> gone
 *
 * An answer is one of an ADD or of a DELETE by its kind alone: INSTALLED says
 * nothing about a DELETE that is under way, REMOVED nothing about an ADD. */
#include "bgp/route_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

enum {
    HEARD_MS = 300,         /* from the moment zebra has read a DELETE that it
                             * may not answer: its queue of routes runs */
    SOON_MS = 100,          /* tick at least so often while something waits */
    SOME_MS = 500,          /* while something has failed only */
    RETRY_MS = 1000, RETRY_MAX_MS = 30000,
};

/* --- Lists of a route. */

static bool
is_under_way(const struct bg_route *route)
{
    return route->where >= BG_SENT;
}

static bool
is_busy(enum bg_route_where where)
{
    return where != BG_NOWHERE && where != BG_GIVEN;
}

static void
count(struct bg_route_sync *sync, const struct bg_route *route, int n)
{
    if (is_under_way(route)) {
        sync->counts.n_outstanding += (size_t) n;
    } else if (route->where != BG_NOWHERE) {
        sync->counts.n_queued += (size_t) n;
    }
    if (is_busy(route->where)) {
        route->vrf->n_busy += (size_t) n;
    }
}

void
bg_route_leave(struct bg_route_sync *sync, struct bg_route *route)
{
    count(sync, route, -1);
    bg_link_remove(&route->link);
    route->where = BG_NOWHERE;
}

static void
enter(struct bg_route_sync *sync, struct bg_route *route,
      enum bg_route_where where, int64_t now_ms)
{
    struct bg_link *const lists[BG_N_WHERES] = {
        [BG_READY] = &route->vrf->ready,
        [BG_PARKED] = &route->vrf->parked,
        [BG_GIVEN] = &route->vrf->given,
        [BG_SENT] = &sync->sent,
        [BG_ASKING] = &sync->asking,
        [BG_HEARD] = &sync->heard,
    };

    bg_route_leave(sync, route);
    route->where = (uint8_t) where;
    route->since_ms = now_ms;
    bg_link_append(lists[where], &route->link);
    count(sync, route, 1);
}

static bool
is_reachable(const struct bg_route_sync *sync, const struct bg_vrf *vrf)
{
    return sync->is_connected && vrf->has_id;
}

static void
take_turn(struct bg_route_sync *sync, struct bg_vrf *vrf)
{
    if (is_reachable(sync, vrf) && !bg_link_is_empty(&vrf->ready)
        && bg_link_is_empty(&vrf->turn)) {
        bg_link_append(&sync->turns, &vrf->turn);
    }
}

void
bg_route_place(struct bg_route_sync *sync, struct bg_route *route,
               int64_t now_ms)
{
    const struct bg_hop *hop = route->hop;
    bool lacks_device = hop && hop->device[0] && !hop->ifindex;

    enter(sync, route, lacks_device && is_reachable(sync, route->vrf)
          ? BG_PARKED : BG_READY, now_ms);
    take_turn(sync, route->vrf);
}

void
bg_route_dirty(struct bg_route_sync *sync, struct bg_route *route,
               int64_t now_ms)
{
    route->is_dirty = true;
    if (!is_under_way(route)) {
        bg_route_place(sync, route, now_ms);
    } else if (!route->is_delete && !route->hop) {
        /* A DELETE overtakes the ADD. */
        route->overtakes = true;
        bg_route_place(sync, route, now_ms);
    }
}

/* The older of two tokens. */
static void
merge_tokens(struct bg_route_sync *sync, struct bg_token **into,
             struct bg_token **from)
{
    if (*into && *from) {
        if ((*from)->value < (*into)->value) {
            struct bg_token *older = *from;

            *from = *into;
            *into = older;
        }
        bg_token_release(sync, from);
    } else if (*from) {
        *into = *from;
        *from = NULL;
    }
}

/* What was under way has come to an end. */
static void
settle(struct bg_route_sync *sync, struct bg_route *route,
       enum bg_route_state state, enum bg_route_why why, int64_t now_ms)
{
    bg_route_leave(sync, route);
    route->is_delete = route->is_overdue = false;
    bg_token_release(sync, &route->sent_token);
    if (state == BG_ROUTE_GONE) {
        route->in_zebra = false;
    }
    if (route->is_dirty && (route->hop || route->in_zebra)) {
        bg_route_place(sync, route, now_ms);
        return;
    }
    route->is_dirty = false;
    bg_token_release(sync, &route->dirty_token);
    if (state == BG_ROUTE_GONE) {
        bg_route_gone(sync, route);
    } else {
        bg_route_tell(sync, route, state, why);
    }
}

/* --- What to say. */

static struct bg_route *
next_route(struct bg_route_sync *sync)
{
    while (!bg_link_is_empty(&sync->turns)) {
        struct bg_vrf *vrf = VX_CONTAINER(sync->turns.next, struct bg_vrf,
                                          turn);

        bg_link_remove(&vrf->turn);
        if (!bg_link_is_empty(&vrf->ready)) {
            struct bg_route *route = BG_ROUTE_OF(vrf->ready.next);

            bg_route_leave(sync, route);
            take_turn(sync, vrf);
            return route;
        }
    }
    return NULL;
}

static void
describe(const struct bg_route *route, struct bg_route_op *ret_op)
{
    memset(ret_op, 0, sizeof *ret_op);
    ret_op->is_delete = route->is_delete;
    ret_op->vrf_id = route->vrf->id;
    ret_op->want.prefix = route->prefix;
    ret_op->want.table_id = route->table_id;
    if (route->hop) {
        ret_op->want.via = route->hop->via;
        ret_op->want.ifindex = route->hop->ifindex;
        memcpy(ret_op->want.device, route->hop->device,
               sizeof ret_op->want.device);
        ret_op->want.distance = route->distance;
        ret_op->want.metric = route->metric;
        ret_op->want.tag = route->tag;
    }
}

bool
bg_route_sync_next(struct bg_route_sync *sync, int64_t now_ms,
                   struct bg_route_op *ret_op)
{
    struct bg_route *route;

    if (sync->counts.n_outstanding >= sync->limits.window
        || !(route = next_route(sync))) {
        return false;
    }
    merge_tokens(sync, &route->sent_token, &route->dirty_token);
    route->is_dirty = route->is_overdue = false;
    route->is_delete = !route->hop;
    route->in_zebra = true;
    route->number = ++sync->n_ops;
    enter(sync, route, route->is_delete && route->overtakes ? BG_ASKING
          : BG_SENT, now_ms);
    route->overtakes = false;
    sync->counts.n_sent++;
    describe(route, ret_op);
    return true;
}

uint64_t
bg_route_sync_ask(const struct bg_route_sync *sync)
{
    return bg_link_is_empty(&sync->asking) ? 0
           : BG_ROUTE_OF(sync->asking.prev)->number;
}

void
bg_route_sync_heard(struct bg_route_sync *sync, uint64_t number,
                    int64_t now_ms)
{
    while (!bg_link_is_empty(&sync->asking)) {
        struct bg_route *route = BG_ROUTE_OF(sync->asking.next);

        if (route->number > number) {
            break;
        }
        enter(sync, route, BG_HEARD, now_ms);
    }
}

/* --- Answers. */

static struct bg_vrf *
find_id(const struct bg_route_sync *sync, uint32_t vrf_id)
{
    struct vx_tree_node *node = vx_tree_find(&sync->ids, &vrf_id);

    return node ? VX_CONTAINER(node, struct bg_vrf, by_id) : NULL;
}

/* About a route that is not under way: zebra has changed its mind. */
static void
note_unasked(struct bg_route_sync *sync, struct bg_route *route,
             enum bg_zapi_note note, int64_t now_ms)
{
    bool was_installed = route->state == BG_ROUTE_INSTALLED;

    if (!route->hop) {
        if (note == BG_NOTE_INSTALLED) {
            route->overtakes = false;   /* its DELETE will be answered */
        }
        return;
    }
    switch (note) {
    case BG_NOTE_INSTALLED:
        if (!route->is_dirty) {
            bg_route_tell(sync, route, BG_ROUTE_INSTALLED, BG_WHY_NONE);
        }
        break;
    case BG_NOTE_FAIL_INSTALL:
        bg_route_tell(sync, route, BG_ROUTE_FAILED, BG_WHY_REJECTED);
        break;
    case BG_NOTE_BETTER_WON:
        bg_route_tell(sync, route, BG_ROUTE_LOST, BG_WHY_BETTER);
        break;
    case BG_NOTE_REMOVED:
        if (route->state != BG_ROUTE_LOST) {
            bg_route_tell(sync, route, BG_ROUTE_FAILED, BG_WHY_REMOVED);
        }
        if (was_installed && route->where == BG_NOWHERE) {
            /* Once: if it cannot be, zebra says so. */
            bg_route_dirty(sync, route, now_ms);
        }
        break;
    default:
        break;
    }
}

static void
note_delete(struct bg_route_sync *sync, struct bg_route *route,
            enum bg_zapi_note note, int64_t now_ms)
{
    if (note == BG_NOTE_REMOVED) {
        settle(sync, route, BG_ROUTE_GONE, BG_WHY_NONE, now_ms);
    } else if (note == BG_NOTE_REMOVE_FAIL) {
        settle(sync, route, BG_ROUTE_WITHDRAWING, BG_WHY_REMOVE_FAILED,
               now_ms);
    }
}

static void
note_add(struct bg_route_sync *sync, struct bg_route *route,
         enum bg_zapi_note note, int64_t now_ms)
{
    switch (note) {
    case BG_NOTE_INSTALLED:
        settle(sync, route, BG_ROUTE_INSTALLED, BG_WHY_NONE, now_ms);
        break;
    case BG_NOTE_FAIL_INSTALL:
        settle(sync, route, BG_ROUTE_FAILED, BG_WHY_REJECTED, now_ms);
        break;
    case BG_NOTE_BETTER_WON:
        settle(sync, route, BG_ROUTE_LOST, BG_WHY_BETTER, now_ms);
        break;
    default:
        break;
    }
}

void
bg_route_sync_note(struct bg_route_sync *sync, uint32_t vrf_id,
                   const struct bg_zapi_route_note *note, int64_t now_ms)
{
    struct bg_vrf *vrf = find_id(sync, vrf_id);
    struct bg_route *route;

    sync->counts.n_notes++;
    if (!vrf) {
        return;
    }
    /* A note about a VRF's own table names it too. */
    route = bg_route_find(vrf, note->table_id, &note->prefix);
    if (!route) {
        route = bg_route_find(vrf, 0, &note->prefix);
    }
    if (!route) {
        return;
    }
    if (!is_under_way(route)) {
        note_unasked(sync, route, note->note, now_ms);
    } else if (route->is_delete) {
        note_delete(sync, route, note->note, now_ms);
    } else {
        note_add(sync, route, note->note, now_ms);
    }
}

/* --- VRFs and interfaces. */

/* Puts what its lists hold where it belongs now. */
static void
place_all(struct bg_route_sync *sync, struct bg_link *list, int64_t now_ms)
{
    struct bg_link todo;

    bg_link_init(&todo);
    bg_link_splice(&todo, list);
    while (!bg_link_is_empty(&todo)) {
        bg_route_place(sync, BG_ROUTE_OF(todo.next), now_ms);
    }
}

static void
place_vrf(struct bg_route_sync *sync, struct bg_vrf *vrf, int64_t now_ms)
{
    struct bg_link todo;

    bg_link_init(&todo);
    bg_link_splice(&todo, &vrf->ready);
    bg_link_splice(&todo, &vrf->parked);
    bg_link_splice(&todo, &vrf->given);
    place_all(sync, &todo, now_ms);
}

static void
forget_devices(struct bg_vrf *vrf)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &vrf->devices) {
        vx_tree_remove(&vrf->devices, node);
        free(VX_CONTAINER(node, struct bg_device, by_name));
    }
    VX_TREE_FOR_EACH(h, &vrf->hops) {
        struct bg_hop *hop = VX_CONTAINER(h, struct bg_hop, by_key);

        hop->ifindex = hop->fixed_ifindex;
    }
}

/* Zebra, or its VRF, is away: what is under way is to be said again. */
static void
unsay(struct bg_route_sync *sync, struct bg_route *route, int64_t now_ms)
{
    if (is_under_way(route)) {
        merge_tokens(sync, &route->dirty_token, &route->sent_token);
        route->is_dirty = true;
        route->overtakes = route->is_delete;
        route->is_delete = route->is_overdue = false;
        bg_route_place(sync, route, now_ms);
    }
}

static void
lose_vrf(struct bg_route_sync *sync, struct bg_vrf *vrf)
{
    if (vrf->has_id) {
        vx_tree_remove(&sync->ids, &vrf->by_id);
        vrf->has_id = false;
    }
    bg_link_remove(&vrf->turn);
    forget_devices(vrf);
}

void
bg_route_sync_disconnected(struct bg_route_sync *sync, int64_t now_ms)
{
    sync->is_connected = false;
    VX_TREE_FOR_EACH_SAFE(node, next, &sync->vrfs) {
        struct bg_vrf *vrf = VX_CONTAINER(node, struct bg_vrf, by_name);

        lose_vrf(sync, vrf);
        bg_vrf_tidy(sync, vrf);
    }
    while (!bg_link_is_empty(&sync->sent)) {
        unsay(sync, BG_ROUTE_OF(sync->sent.next), now_ms);
    }
    while (!bg_link_is_empty(&sync->asking)) {
        unsay(sync, BG_ROUTE_OF(sync->asking.next), now_ms);
    }
    while (!bg_link_is_empty(&sync->heard)) {
        unsay(sync, BG_ROUTE_OF(sync->heard.next), now_ms);
    }
}

/* What is wanted is to be said, and to be said again: by that device, 0: by
 * any. */
static void
say_all(struct bg_route_sync *sync, struct bg_vrf *vrf, uint32_t ifindex,
        int64_t now_ms)
{
    VX_TREE_FOR_EACH(node, &vrf->routes) {
        struct bg_route *route = VX_CONTAINER(node, struct bg_route, by_key);

        if (ifindex && route->hop && route->hop->ifindex
            && route->hop->ifindex != ifindex) {
            continue;
        }
        if (!route->hop) {
            /* Whoever answers now may not know it. */
            route->overtakes = true;
        }
        if (route->where == BG_NOWHERE
            && (route->hop || route->state == BG_ROUTE_WITHDRAWING)) {
            bg_route_dirty(sync, route, now_ms);
        }
    }
}

void
bg_route_sync_repeat(struct bg_route_sync *sync, const char *name,
                     int64_t now_ms)
{
    struct bg_vrf *vrf = bg_vrf_find(sync, name);

    if (!vrf) {
        return;
    }
    VX_TREE_FOR_EACH(node, &vrf->routes) {
        struct bg_route *route = VX_CONTAINER(node, struct bg_route, by_key);

        /* What is under way may have been heard by nobody already. */
        if (route->hop
            && (route->where == BG_NOWHERE || is_under_way(route))) {
            bg_route_dirty(sync, route, now_ms);
        }
    }
}

void
bg_route_sync_connected(struct bg_route_sync *sync, int64_t now_ms)
{
    sync->is_connected = true;
    VX_TREE_FOR_EACH(node, &sync->vrfs) {
        say_all(sync, VX_CONTAINER(node, struct bg_vrf, by_name), 0, now_ms);
    }
}

void
bg_route_sync_vrf(struct bg_route_sync *sync, const char *name,
                  uint32_t vrf_id, int64_t now_ms)
{
    struct bg_vrf *vrf = bg_vrf_get(sync, name);
    struct bg_vrf *other = find_id(sync, vrf_id);

    if (!vrf || (vrf->has_id && vrf->id == vrf_id)) {
        return;
    }
    if (other) {
        bg_route_sync_vrf_gone(sync, vrf_id, now_ms);
    }
    if (vrf->has_id) {
        bg_route_sync_vrf_gone(sync, vrf->id, now_ms);
        vrf = bg_vrf_get(sync, name);
    }
    vrf->id = vrf_id;
    vrf->has_id = true;
    vx_tree_insert(&sync->ids, &vrf_id, &vrf->by_id);
    place_vrf(sync, vrf, now_ms);
}

void
bg_route_sync_vrf_gone(struct bg_route_sync *sync, uint32_t vrf_id,
                       int64_t now_ms)
{
    struct bg_vrf *vrf = find_id(sync, vrf_id);

    if (!vrf) {
        return;
    }
    lose_vrf(sync, vrf);
    vrf->is_held = true;
    VX_TREE_FOR_EACH_SAFE(node, next, &vrf->routes) {
        struct bg_route *route = VX_CONTAINER(node, struct bg_route, by_key);

        unsay(sync, route, now_ms);
        route->in_zebra = false;
        if (route->hop) {
            bg_route_dirty(sync, route, now_ms);
        } else if (route->state != BG_ROUTE_GONE) {
            settle(sync, route, BG_ROUTE_GONE, BG_WHY_NONE, now_ms);
        }
    }
    vrf->is_held = false;
    bg_vrf_tidy(sync, vrf);
}

static struct bg_device *
get_device(struct bg_vrf *vrf, const char *name)
{
    struct vx_tree_node *node = vx_tree_find(&vrf->devices, name);
    struct bg_device *device;

    if (node) {
        return VX_CONTAINER(node, struct bg_device, by_name);
    }
    device = vx_xcalloc(1, sizeof *device);
    strncpy(device->name, name, sizeof device->name - 1);
    vx_tree_insert(&vrf->devices, device->name, &device->by_name);
    return device;
}

void
bg_route_sync_interface(struct bg_route_sync *sync, uint32_t vrf_id,
                        const char *name, uint32_t ifindex, int64_t now_ms)
{
    struct bg_vrf *vrf = find_id(sync, vrf_id);
    struct bg_device *device;
    bool has_changed = false;

    if (!vrf || strlen(name) >= BG_IFNAME_SIZE) {
        return;
    }
    device = get_device(vrf, name);
    device->ifindex = ifindex;
    if (!ifindex) {
        vx_tree_remove(&vrf->devices, &device->by_name);
        free(device);
    }
    VX_TREE_FOR_EACH(node, &vrf->hops) {
        struct bg_hop *hop = VX_CONTAINER(node, struct bg_hop, by_key);

        if (!hop->fixed_ifindex && !strcmp(hop->device, name)
            && hop->ifindex != ifindex) {
            hop->ifindex = ifindex;
            has_changed = true;
        }
    }
    if (!has_changed) {
        return;
    }
    VX_TREE_FOR_EACH(node, &vrf->routes) {
        struct bg_route *route = VX_CONTAINER(node, struct bg_route, by_key);

        if (!route->hop || route->hop->fixed_ifindex
            || strcmp(route->hop->device, name)) {
            continue;
        }
        if (ifindex || route->where == BG_READY) {
            bg_route_dirty(sync, route, now_ms);
        } else if (route->state == BG_ROUTE_INSTALLED) {
            /* The kernel has dropped it, whatever zebra thinks. */
            bg_route_tell(sync, route, BG_ROUTE_FAILED, BG_WHY_NO_DEVICE);
        }
    }
}

/* Says again what has failed and does not wait for anything. */
static void
say_failed(struct bg_route_sync *sync, struct bg_vrf *vrf, int64_t now_ms)
{
    size_t n = vrf->n_failed;

    for (struct vx_tree_node *node = vx_tree_first(&vrf->routes); node && n;
         node = vx_tree_next(node)) {
        struct bg_route *route = VX_CONTAINER(node, struct bg_route, by_key);

        if (bg_route_is_failed(route)) {
            n--;
            if (route->hop && route->where == BG_NOWHERE) {
                bg_route_dirty(sync, route, now_ms);
            }
        }
    }
}

/* NULL: it is not known, or down. */
static struct bg_device *
find_device(struct bg_vrf *vrf, uint32_t ifindex)
{
    VX_TREE_FOR_EACH(node, &vrf->devices) {
        struct bg_device *device = VX_CONTAINER(node, struct bg_device,
                                                by_name);

        if (device->ifindex == ifindex) {
            return device;
        }
    }
    return NULL;
}

void
bg_route_sync_address(struct bg_route_sync *sync, uint32_t vrf_id,
                      uint32_t ifindex, bool is_there, int64_t now_ms)
{
    struct bg_vrf *vrf = find_id(sync, vrf_id);
    struct bg_device *device = vrf ? find_device(vrf, ifindex) : NULL;

    if (!vrf) {
        return;
    }
    if (device && !is_there) {
        device->has_lost = true;
    } else if (device && device->has_lost) {
        device->has_lost = false;
        say_all(sync, vrf, ifindex, now_ms);
    }
    if (is_there) {
        say_failed(sync, vrf, now_ms);
    }
}

/* --- Time. */

/* Returns when the VRF's turn is, INT64_MAX if nothing has failed. */
static int64_t
retry(struct bg_route_sync *sync, struct bg_vrf *vrf, int64_t now_ms)
{
    if (!vrf->n_failed || !is_reachable(sync, vrf)) {
        vrf->retry_ms = 0;
        return INT64_MAX;
    }
    if (!vrf->retry_ms) {
        vrf->retry_wait_ms = RETRY_MS;
    } else if (vrf->retry_ms > now_ms) {
        return vrf->retry_ms;
    } else {
        say_failed(sync, vrf, now_ms);
        vrf->retry_wait_ms = vrf->retry_wait_ms * 2 > RETRY_MAX_MS
                             ? RETRY_MAX_MS : vrf->retry_wait_ms * 2;
    }
    vrf->retry_ms = now_ms + vrf->retry_wait_ms;
    return vrf->retry_ms;
}

static enum bg_route_why
why_unsaid(const struct bg_route_sync *sync, const struct bg_route *route)
{
    return !sync->is_connected ? BG_WHY_NO_ZEBRA
           : !route->vrf->has_id ? BG_WHY_NO_VRF : BG_WHY_NO_DEVICE;
}

/* Tells the owner of what waits too long in a list of a VRF.  Returns when
 * the next one is due. */
static int64_t
give_up(struct bg_route_sync *sync, struct bg_link *list, int64_t now_ms)
{
    while (!bg_link_is_empty(list)) {
        struct bg_route *route = BG_ROUTE_OF(list->next);
        int64_t due_ms = route->since_ms + sync->limits.wait_ms;

        if (due_ms > now_ms) {
            return due_ms;
        }
        enter(sync, route, BG_GIVEN, now_ms);
        /* A route that was installed may well still be: zebra is away. */
        if (route->state != BG_ROUTE_INSTALLED || sync->is_connected) {
            bg_route_tell(sync, route, route->hop ? BG_ROUTE_FAILED
                          : BG_ROUTE_WITHDRAWING, why_unsaid(sync, route));
        }
        bg_token_release(sync, &route->dirty_token);
    }
    return INT64_MAX;
}

static void
give_up_answer(struct bg_route_sync *sync, struct bg_route *route,
               int64_t now_ms)
{
    sync->counts.n_unanswered++;
    if (!route->is_delete) {
        settle(sync, route, BG_ROUTE_FAILED, BG_WHY_NO_ANSWER, now_ms);
    } else {
        /* Has it read it at all? A new number, since it is a new question. */
        route->number = ++sync->n_ops;
        enter(sync, route, BG_ASKING, now_ms);
    }
}

/* Zebra does not even answer the question: it hangs. */
static int64_t
tick_asking(struct bg_route_sync *sync, int64_t now_ms)
{
    for (struct bg_link *link = sync->asking.next; link != &sync->asking;
         link = link->next) {
        struct bg_route *route = BG_ROUTE_OF(link);
        int64_t due_ms = route->since_ms + sync->limits.answer_ms;

        if (route->is_overdue) {
            continue;
        }
        if (due_ms > now_ms) {
            return due_ms;
        }
        route->is_overdue = true;
        bg_route_tell(sync, route, BG_ROUTE_WITHDRAWING, BG_WHY_NO_ANSWER);
        bg_token_release(sync, &route->sent_token);
    }
    return INT64_MAX;
}

static int64_t
tick_vrfs(struct bg_route_sync *sync, int64_t now_ms, int64_t *ret_retry_ms)
{
    int64_t next_ms = INT64_MAX, retry_ms;

    VX_TREE_FOR_EACH(node, &sync->vrfs) {
        struct bg_vrf *vrf = VX_CONTAINER(node, struct bg_vrf, by_name);
        int64_t due_ms = give_up(sync, &vrf->parked, now_ms);

        next_ms = due_ms < next_ms ? due_ms : next_ms;
        if (!is_reachable(sync, vrf)) {
            due_ms = give_up(sync, &vrf->ready, now_ms);
            next_ms = due_ms < next_ms ? due_ms : next_ms;
        }
        retry_ms = retry(sync, vrf, now_ms);
        *ret_retry_ms = retry_ms < *ret_retry_ms ? retry_ms : *ret_retry_ms;
    }
    return next_ms;
}

static int64_t
tick_under_way(struct bg_route_sync *sync, struct bg_link *list,
               unsigned limit_ms, int64_t now_ms)
{
    while (!bg_link_is_empty(list)) {
        struct bg_route *route = BG_ROUTE_OF(list->next);
        int64_t due_ms = route->since_ms + limit_ms;

        if (due_ms > now_ms) {
            return due_ms;
        }
        if (list == &sync->heard) {
            settle(sync, route, BG_ROUTE_GONE, BG_WHY_NONE, now_ms);
        } else {
            give_up_answer(sync, route, now_ms);
        }
    }
    return INT64_MAX;
}

int64_t
bg_route_sync_tick(struct bg_route_sync *sync, int64_t now_ms)
{
    int64_t due[4], next_ms = INT64_MAX, retry_ms = INT64_MAX;

    due[0] = tick_under_way(sync, &sync->heard, HEARD_MS, now_ms);
    due[1] = tick_under_way(sync, &sync->sent, sync->limits.answer_ms,
                            now_ms);
    due[2] = tick_asking(sync, now_ms);
    due[3] = tick_vrfs(sync, now_ms, &retry_ms);
    for (int i = 0; i < 4; i++) {
        next_ms = due[i] < next_ms ? due[i] : next_ms;
    }
    if (next_ms != INT64_MAX) {
        next_ms -= now_ms;
        return next_ms < SOON_MS ? next_ms : SOON_MS;
    }
    if (retry_ms != INT64_MAX) {
        retry_ms -= now_ms;
        return retry_ms < SOME_MS ? retry_ms : SOME_MS;
    }
    return -1;
}

bool
bg_route_sync_is_settled(const struct bg_route_sync *sync, uint32_t vrf_id)
{
    const struct bg_vrf *vrf = find_id(sync, vrf_id);

    return !vrf || !vrf->n_busy;
}

/* --- Audit. */

void
bg_route_sync_audit_begin(struct bg_route_sync *sync, uint32_t vrf_id)
{
    struct bg_vrf *vrf = find_id(sync, vrf_id);

    if (vrf) {
        vrf->audit = (uint8_t) (vrf->audit % 255 + 1);
        vrf->only_looks = false;
        memset(&vrf->found, 0, sizeof vrf->found);
    }
}

void
bg_route_sync_look_start(struct bg_route_sync *sync)
{
    sync->n_differences = 0;
}

void
bg_route_sync_look_begin(struct bg_route_sync *sync, uint32_t vrf_id)
{
    struct bg_vrf *vrf = find_id(sync, vrf_id);

    bg_route_sync_audit_begin(sync, vrf_id);
    if (vrf) {
        vrf->only_looks = true;
    }
}

const struct bg_route_difference *
bg_route_sync_differences(const struct bg_route_sync *sync, size_t *ret_n)
{
    *ret_n = sync->n_differences;
    return sync->differences;
}

static void
differ(struct bg_route_sync *sync, const struct bg_vrf *vrf,
       const struct vx_prefix *prefix, bool is_stray)
{
    struct bg_route_difference *d;

    if (sync->n_differences == BG_DIFFERENCES_MAX) {
        return;
    }
    sync->differences = vx_grow(sync->differences, &sync->cap_differences,
                                sync->n_differences + 1,
                                sizeof *sync->differences);
    d = &sync->differences[sync->n_differences++];
    memcpy(d->vrf, vrf->name, sizeof d->vrf);
    d->prefix = *prefix;
    d->is_stray = is_stray;
}

void
bg_route_sync_audit_seen(struct bg_route_sync *sync, uint32_t vrf_id,
                         const struct vx_prefix *prefix, int64_t now_ms)
{
    struct bg_vrf *vrf = find_id(sync, vrf_id);
    struct bg_route *route;

    if (!vrf) {
        return;
    }
    vrf->found.n_seen++;
    route = bg_route_find(vrf, 0, prefix);
    if (vrf->only_looks) {
        if (!route || (!route->hop && route->where == BG_NOWHERE)) {
            vrf->found.n_strays++;
            differ(sync, vrf, prefix, true);
        } else {
            route->audit = vrf->audit;
        }
        return;
    }
    if (!route) {
        route = bg_route_new(sync, vrf, 0, prefix);
        route->is_silent = true;
    }
    route->audit = vrf->audit;
    if (route->hop || route->where != BG_NOWHERE) {
        return;
    }
    vrf->found.n_strays++;
    sync->counts.n_strays++;
    route->in_zebra = true;
    bg_route_become(sync, route, BG_ROUTE_WITHDRAWING, BG_WHY_NONE);
    bg_route_dirty(sync, route, now_ms);
}

void
bg_route_sync_audit_end(struct bg_route_sync *sync, uint32_t vrf_id,
                        int64_t now_ms, struct bg_route_audit *ret_audit)
{
    struct bg_vrf *vrf = find_id(sync, vrf_id);

    memset(ret_audit, 0, sizeof *ret_audit);
    if (!vrf) {
        return;
    }
    VX_TREE_FOR_EACH(node, &vrf->routes) {
        struct bg_route *route = VX_CONTAINER(node, struct bg_route, by_key);

        if (route->hop && !route->table_id && route->where == BG_NOWHERE
            && route->state == BG_ROUTE_INSTALLED
            && route->audit != vrf->audit) {
            vrf->found.n_missing++;
            if (vrf->only_looks) {
                differ(sync, vrf, &route->prefix, false);
                continue;
            }
            sync->counts.n_missing++;
            bg_route_dirty(sync, route, now_ms);
        }
    }
    *ret_audit = vrf->found;
}
