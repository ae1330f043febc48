/* SPDX-License-Identifier: Apache-2.0 */
/* What a zebra session says and tells: routes and rules as the state machines
 * give them, COMPLETE and audit when a VRF is settled, questions behind them;
 * and to the owner what came of it.  See zebra_session.h. */
#include "bgp/zebra_priv.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "lib/clock.h"
#include "lib/xalloc.h"

enum {
    OUTPUT_MAX = 1 << 18,   /* bytes not taken by zebra: no more is built */
    CHUNK = 1 << 15,
    EVENTS_MAX = 2000,      /* told in one turn of the loop */
    SWEEP_MAX = 2000,
};

void
bg_zebra_sent(struct bg_zebra *z)
{
    z->n_messages_out++;
    if (z->out.size >= CHUNK) {
        bg_zebra_flush(z);
    }
}

void
bg_zebra_flush(struct bg_zebra *z)
{
    if (z->bev && z->out.size) {
        z->bytes_out += z->out.size;
        bufferevent_write(z->bev, z->out.data, z->out.size);
    }
    vx_buf_clear(&z->out);
}

void
bg_zebra_later(struct bg_zebra *z)
{
    event_active(z->later, EV_TIMEOUT, 0);
}

void
bg_zebra_ask(struct bg_zebra *z, enum bg_question_kind kind, uint32_t vrf_id,
             uint64_t number)
{
    struct bg_question *question = vx_xcalloc(1, sizeof *question);

    question->kind = kind;
    question->cookie = BG_COOKIE_MIN + (z->n_questions++ & 0xffffff);
    question->vrf_id = vrf_id;
    question->number = number;
    *z->questions_tail = question;
    z->questions_tail = &question->next;
    bg_zapi_put_probe(question->cookie, &z->out);
    bg_zebra_sent(z);
}

/* --- Routes and rules. */

static void
fill_nexthop(const struct bg_want *want, uint32_t vrf_id,
             struct bg_nexthop *nh)
{
    memset(nh, 0, sizeof *nh);
    nh->vrf_id = vrf_id;
    nh->ip = want->via;
    nh->ifindex = want->ifindex;
    if (want->via.family == 4) {
        nh->type = want->ifindex ? BG_NEXTHOP_IPV4_IFINDEX : BG_NEXTHOP_IPV4;
    } else if (want->via.family == 6) {
        nh->type = want->ifindex ? BG_NEXTHOP_IPV6_IFINDEX : BG_NEXTHOP_IPV6;
    } else {
        nh->type = want->ifindex ? BG_NEXTHOP_IFINDEX : BG_NEXTHOP_BLACKHOLE;
    }
}

static void
say_route(struct bg_zebra *z, const struct bg_route_op *op,
          struct bg_zapi_route *route)
{
    route->proto = z->config.proto;
    route->instance = z->config.instance;
    route->flags = BG_ROUTE_FLAG_RECURSION;
    route->safi = BG_SAFI_UNICAST;
    route->prefix = op->want.prefix;
    route->table_id = op->want.table_id;
    route->has_mtu = route->has_source = false;
    route->has_distance = op->want.distance != 0;
    route->distance = op->want.distance;
    route->has_metric = op->want.metric != 0;
    route->metric = op->want.metric;
    route->has_tag = op->want.tag != 0;
    route->tag = op->want.tag;
    route->n_nexthops = op->is_delete ? 0 : 1;
    fill_nexthop(&op->want, op->vrf_id, &route->nexthops[0]);
    bg_zapi_put_route(z->row, op->is_delete ? BG_ZAPI_ROUTE_DELETE
                      : BG_ZAPI_ROUTE_ADD, op->vrf_id, route, &z->out);
    bg_zebra_sent(z);
}

static bool
has_room(const struct bg_zebra *z)
{
    return evbuffer_get_length(bufferevent_get_output(z->bev)) < OUTPUT_MAX;
}

static void
say_routes(struct bg_zebra *z, int64_t now_ms)
{
    struct bg_zapi_route route;
    struct bg_route_op op;

    while (has_room(z) && bg_route_sync_next(z->routes, now_ms, &op)) {
        say_route(z, &op, &route);
    }
}

/* Rules after the routes of their tables.  A rule's operation on a route is
 * one of route_sync's. */
static void
say_rules(struct bg_zebra *z, int64_t now_ms)
{
    struct bg_pbr_op op;

    while (has_room(z) && bg_pbr_sync_next(z->pbr, now_ms, &op)) {
        switch (op.kind) {
        case BG_PBR_RULE_ADD:
        case BG_PBR_RULE_DELETE:
            bg_zapi_put_rule(z->row, op.kind == BG_PBR_RULE_ADD
                             ? BG_ZAPI_RULE_ADD : BG_ZAPI_RULE_DELETE,
                             &op.rule, &z->out);
            bg_zebra_sent(z);
            break;
        case BG_PBR_ROUTE_SET:
            bg_route_sync_set(z->routes, "", &op.route, 0, now_ms);
            say_routes(z, now_ms);
            break;
        case BG_PBR_ROUTE_UNSET:
            bg_route_sync_unset(z->routes, "", &op.route, 0, now_ms);
            say_routes(z, now_ms);
            break;
        case BG_PBR_NOTHING:
            break;
        }
    }
}

/* --- The end of a replay, and audits. */

static void
redistribute_own(struct bg_zebra *z, enum bg_zapi_command command,
                 uint32_t vrf_id)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct bg_zapi_redistribute own = { family, z->config.proto,
                                            z->config.instance };

        bg_zapi_put_redistribute(z->row, command, vrf_id, &own, &z->out);
        bg_zebra_sent(z);
    }
}

void
bg_zebra_begin_audit(struct bg_zebra *z, struct bg_zvrf *vrf)
{
    vrf->is_auditing = true;
    z->n_auditing++;
    bg_route_sync_audit_begin(z->routes, vrf->id);
    redistribute_own(z, BG_ZAPI_REDISTRIBUTE_ADD, vrf->id);
    bg_zebra_ask(z, BG_ASK_AUDIT, vrf->id, 0);
}

void
bg_zebra_end_audit(struct bg_zebra *z, struct bg_zvrf *vrf)
{
    struct bg_route_audit found;

    redistribute_own(z, BG_ZAPI_REDISTRIBUTE_DELETE, vrf->id);
    bg_route_sync_audit_end(z->routes, vrf->id, vx_clock_ms(), &found);
    vrf->is_auditing = false;
    vrf->is_audited = true;
    z->n_auditing--;
    z->audit.n_seen += found.n_seen;
    z->audit.n_strays += found.n_strays;
    z->audit.n_missing += found.n_missing;
    z->is_audit_told = false;
    bg_zebra_later(z);
}

void
bg_zebra_begin_look(struct bg_zebra *z, struct bg_zvrf *vrf)
{
    vrf->is_looking = true;
    z->n_looking++;
    bg_route_sync_look_begin(z->routes, vrf->id);
    redistribute_own(z, BG_ZAPI_REDISTRIBUTE_ADD, vrf->id);
    bg_zebra_ask(z, BG_ASK_LOOK, vrf->id, 0);
}

void
bg_zebra_end_look(struct bg_zebra *z, struct bg_zvrf *vrf)
{
    struct bg_route_audit found;

    redistribute_own(z, BG_ZAPI_REDISTRIBUTE_DELETE, vrf->id);
    bg_route_sync_audit_end(z->routes, vrf->id, vx_clock_ms(), &found);
    vrf->is_looking = false;
    z->n_looking--;
    z->look.n_seen += found.n_seen;
    z->look.n_strays += found.n_strays;
    z->look.n_missing += found.n_missing;
    bg_zebra_later(z);
}

/* Up to 8.5 the first COMPLETE of a VRF purges both families, later releases
 * purge each at its own. */
static void
say_complete(struct bg_zebra *z, uint32_t vrf_id)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct bg_zapi_gr_msg gr = { .what = BG_GR_COMPLETE,
                                     .family = family, .vrf_id = vrf_id };

        bg_zapi_put_gr(z->row, &gr, &z->out);
        bg_zebra_sent(z);
    }
}

/* A VRF is complete when all that is wanted in it has been said and answered:
 * COMPLETE makes zebra purge what has not come again, and a route of ours
 * that still is in zebra's queue would be out of the kernel for a moment. */
static bool
complete_vrfs(struct bg_zebra *z)
{
    bool are_audited = z->is_whole;

    VX_TREE_FOR_EACH(node, &z->vrfs) {
        struct bg_zvrf *vrf = VX_CONTAINER(node, struct bg_zvrf, by_id);

        if (z->is_whole && !vrf->is_complete
            && bg_route_sync_is_settled(z->routes, vrf->id)) {
            vrf->is_complete = true;
            if (z->config.stale_s) {
                say_complete(z, vrf->id);
            }
            if (!z->config.instance) {
                bg_zebra_begin_audit(z, vrf);
            } else {
                vrf->is_audited = true;
            }
        }
        are_audited &= vrf->is_audited && !vrf->is_auditing;
    }
    return are_audited;
}

/* --- What the owner is told. */

static void
tell_routes(struct bg_zebra *z)
{
    struct bg_route_event event;
    uint64_t confirmed;

    for (int i = 0; !z->is_dead
         && bg_route_sync_next_event(z->routes, &event); i++) {
        if (event.table_id) {
            bg_pbr_sync_route(z->pbr, &event);
        } else {
            BG_TELL(z, route, &event);
        }
        if (i == EVENTS_MAX) {
            bg_zebra_later(z);
            return;
        }
    }
    if (z->is_dead) {
        return;
    }
    confirmed = bg_route_sync_confirmed(z->routes);
    if (confirmed > z->confirmed) {
        z->confirmed = confirmed;
        BG_TELL(z, confirmed, confirmed);
    }
}

static void
tell_all(struct bg_zebra *z)
{
    struct bg_pbr_event event;

    tell_routes(z);
    while (!z->is_dead && bg_pbr_sync_next_event(z->pbr, &event)) {
        BG_TELL(z, rule, &event);
    }
}

static void
tell_look(struct bg_zebra *z)
{
    struct bg_route_audit look = z->look;
    const struct bg_route_difference *differences;
    size_t n;

    if (z->is_look_due && !z->n_looking) {
        z->is_look_due = false;
        bg_zebra_flush(z);
        differences = bg_route_sync_differences(z->routes, &n);
        BG_TELL(z, looked, &look, differences, n);
    }
}

/* --- The turn. */

static void
arm_timer(struct bg_zebra *z)
{
    int64_t now_ms = vx_clock_ms(), next_ms, pbr_ms;

    if (evtimer_pending(z->timer, NULL)) {
        return;
    }
    next_ms = bg_route_sync_tick(z->routes, now_ms);
    pbr_ms = bg_pbr_sync_tick(z->pbr, now_ms);
    if (pbr_ms >= 0 && (next_ms < 0 || pbr_ms < next_ms)) {
        next_ms = pbr_ms;
    }
    if (z->hold_until_ms && (next_ms < 0 || next_ms > 1000)) {
        next_ms = 1000;
    }
    if (next_ms >= 0) {
        struct timeval tv;

        next_ms = next_ms < 10 ? 10 : next_ms;
        tv.tv_sec = next_ms / 1000;
        tv.tv_usec = next_ms % 1000 * 1000;
        evtimer_add(z->timer, &tv);
    }
}

/* Some per turn. */
static void
tell_believed(struct bg_zebra *z)
{
    char name[BG_VRF_NAME_SIZE];
    struct vx_prefix prefix;

    for (int i = 0; !z->is_dead && z->believed; i++) {
        if (i == SWEEP_MAX) {
            bg_zebra_later(z);
            return;
        }
        if (!bg_learned_believe(z->learned, z->believed, name, &prefix)) {
            return;
        }
        BG_TELL(z, gone, name, &prefix);
    }
}

/* Zebra takes a DELETE of a route of another client's type: that of its
 * predecessor's time, which bgpd will never withdraw. */
static void
say_purge(struct bg_zebra *z, const struct bg_purge *purge)
{
    struct bg_zapi_route route = {
        .proto = BG_PROTO_BGP, .safi = BG_SAFI_UNICAST,
        .flags = BG_ROUTE_FLAG_RECURSION, .prefix = purge->prefix,
    };
    uint32_t vrf_id;

    if (z->phase == BG_PHASE_UP
        && bg_route_sync_vrf_id(z->routes, purge->vrf, &vrf_id)) {
        bg_zapi_put_route(z->row, BG_ZAPI_ROUTE_DELETE, vrf_id, &route,
                          &z->out);
        bg_zebra_sent(z);
    }
}

static void
tell_purged(struct bg_zebra *z)
{
    struct bg_purge *purges = z->purges;
    size_t n = z->n_purges;

    z->purges = NULL;                   /* they may be added to meanwhile */
    z->n_purges = z->cap_purges = 0;
    for (size_t i = 0; i < n && !z->is_dead; i++) {
        if (!purges[i].is_sure
            && bg_learned_is_fresh(z->learned, purges[i].vrf,
                                   &purges[i].prefix)) {
            continue;
        }
        say_purge(z, &purges[i]);
        if (bg_learned_remove(z->learned, purges[i].vrf, &purges[i].prefix,
                              false)) {
            BG_TELL(z, gone, purges[i].vrf, &purges[i].prefix);
        }
    }
    free(purges);
}

void
bg_zebra_pump(struct bg_zebra *z)
{
    tell_purged(z);
    if (z->is_dead) {
        return;
    }
    if (z->phase == BG_PHASE_UP) {
        int64_t now_ms = vx_clock_ms();
        uint64_t number;

        say_routes(z, now_ms);
        say_rules(z, now_ms);
        number = bg_route_sync_ask(z->routes);
        if (number > z->asked) {
            z->asked = number;
            bg_zebra_ask(z, BG_ASK_DELETES, 0, number);
        }
        if (complete_vrfs(z) && !z->is_audit_told && !z->n_auditing) {
            struct bg_route_audit audit = z->audit;

            z->is_audit_told = true;
            memset(&z->audit, 0, sizeof z->audit);
            bg_zebra_flush(z);
            BG_TELL(z, audited, &audit);
        }
        if (!z->is_dead) {
            tell_look(z);
        }
        bg_zebra_flush(z);
    }
    tell_believed(z);
    if (!z->is_dead) {
        tell_all(z);
    }
    if (!z->is_dead) {
        arm_timer(z);
    }
}

/* Tells the owner of stale routes that are gone: of a VRF all, else some per
 * turn. */
void
bg_zebra_sweep(struct bg_zebra *z, const char *vrf)
{
    char name[BG_VRF_NAME_SIZE];
    struct vx_prefix prefix;

    for (int i = 0; !z->is_dead; i++) {
        if (i == SWEEP_MAX && !vrf) {
            z->hold_until_ms = 1;       /* the rest at the next tick */
            return;
        }
        if (!bg_learned_sweep(z->learned, vrf, name, &prefix)) {
            break;
        }
        BG_TELL(z, gone, name, &prefix);
    }
}

void
bg_zebra_tick(struct bg_zebra *z)
{
    int64_t now_ms = vx_clock_ms();

    bg_route_sync_tick(z->routes, now_ms);
    bg_pbr_sync_tick(z->pbr, now_ms);
    if (z->phase == BG_PHASE_UP && z->hold_until_ms
        && now_ms >= z->hold_until_ms) {
        z->hold_until_ms = 0;
        bg_zebra_sweep(z, NULL);
    }
    if (!z->is_dead) {
        bg_zebra_pump(z);
    }
}
