/* SPDX-License-Identifier: Apache-2.0 */
/* When a host is asked what it has counted, and for what; see counters.h. */
#include "daemon/counters.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "daemon/counters_priv.h"
#include "daemon/hosts.h"
#include "daemon/switch.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_session.h"

enum {
    TICK_MS = 1000,
    MAX_RUNNING = 4,            /* hosts at once */
    PART_ROWS = 4000,           /* asked for at once, about */
    MAX_SPLITS = 64,            /* of a table; by low bits of the cookie */
    RETRY_MS = 50,              /* the switch is being dumped */
    TRIES = 100,
    ROWS_PER_MS = 50,           /* pause after a part */
    AWAY_MS = 30000,            /* and three turns: the bursts of a host that
                                 * does not answer are over */
    PRIORITY_BUM = 90,
    PRIORITY_OUT = 100,
};

enum step {
    STEP_L2,                    /* first: see core/locality.h */
    STEP_INGRESS,
    STEP_FLOOD,
    STEP_OWN,                   /* only of a border that passes traffic on */
    STEP_OUT,
    STEP_POLICY,
    STEP_LEG_POLICY,            /* only where legs are */
    STEP_METERS1,
    STEP_METERS2,
    N_STEPS
};
_Static_assert((int) N_STEPS == (int) VX_COUNT_STEPS, "tallies of all steps");

/* What is asked for: rows of a table, those with cookies of a kind, or those
 * that lead to the other bridge; or meters.  The switch picks them: a few out
 * of a table of 20,000 endpoints take it some 5 ms, all of them 130. */
static const struct {
    enum vx_tier tier;
    uint8_t table;
    enum vx_kind kind;
    uint16_t out_port;
} steps[N_STEPS] = {
    [STEP_L2] = { VX_TENANT_TIER, VX_T1_L2, VX_NONE, 0 },
    [STEP_INGRESS] = { VX_FABRIC_TIER, VX_T2_INGRESS, VX_NETWORK, 0 },
    [STEP_FLOOD] = { VX_FABRIC_TIER, VX_T2_FDB, VX_NETWORK, 0 },
    [STEP_OWN] = { VX_FABRIC_TIER, VX_T2_FDB, VX_NONE, VX_OFPORT_PATCH },
    [STEP_OUT] = { VX_FABRIC_TIER, VX_T2_OUT, VX_NETWORK, 0 },
    [STEP_POLICY] = { VX_TENANT_TIER, VX_T1_POLICY, VX_POLICY, 0 },
    [STEP_LEG_POLICY] = { VX_TENANT_TIER, VX_T1_LEG_POLICY, VX_POLICY, 0 },
    [STEP_METERS1] = { VX_TENANT_TIER, OG_OF_NO_TABLE, VX_NONE, 0 },
    [STEP_METERS2] = { VX_FABRIC_TIER, OG_OF_NO_TABLE, VX_NONE, 0 },
};

/* --- Hosts. */

static struct counted *
counted_of(const struct vx_tree_node *node)
{
    return node ? VX_CONTAINER(node, struct counted, by_oid) : NULL;
}

static int
cmp_oid(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key, b = counted_of(node)->oid;

    return a < b ? -1 : a > b;
}

static void take_step(evutil_socket_t fd, short what, void *counted);

/* Any number of hosts are spread over the interval. */
static void
learn(struct vx_counters *counters, uint64_t oid)
{
    struct counted *c;

    if (vx_tree_find(&counters->hosts, &oid)) {
        return;
    }
    c = vx_xcalloc(1, sizeof *c);
    c->owner = counters;
    c->oid = oid;
    c->due_ms = INT64_MAX;
    if (counters->env.interval_ms) {
        c->due_ms = counters->env.mono_ms()
                    + (int64_t) (oid * UINT64_C(2654435761)
                                 % counters->env.interval_ms);
    }
    c->timer = evtimer_new(counters->env.base, take_step, c);
    for (int i = 0; i < N_STEPS; i++) {
        vx_tally_init(&c->tallies[i]);
    }
    vx_tree_insert(&counters->hosts, &c->oid, &c->by_oid);
}

static void
counted_free(struct counted *c)
{
    for (int i = 0; i < N_STEPS; i++) {
        vx_tally_fini(&c->tallies[i]);
    }
    event_free(c->timer);
    free(c->rows);
    free(c);
}

void
vx_counters_forget(struct vx_counters *counters, uint64_t oid)
{
    struct counted *c = counted_of(vx_tree_find(&counters->hosts, &oid));

    vx_locality_forget(counters->locality, oid);
    if (!c) {
        return;
    }
    vx_bursts_away(counters->bursts, oid, &(struct vx_burst_told) {
        .aux = counters, .begun = vx_counters_told.begun,
        .over = vx_counters_told.over });
    vx_tree_remove(&counters->hosts, &c->by_oid);
    if (c->running) {
        counters->n_running--;
    }
    c->forgotten = true;
    if (!c->asking) {
        counted_free(c);
    }
    vx_counters_look(counters);
}

static bool
get_facts(const struct counted *c, struct vx_host_facts *facts)
{
    return vx_hosts_facts(c->owner->env.hosts, c->oid, facts)
           && facts->sw[0].state == VX_SWITCH_SYNCED
           && facts->sw[1].state == VX_SWITCH_SYNCED;
}

bool
vx_counted_is_there(const struct counted *c)
{
    struct vx_host_facts facts;

    return get_facts(c, &facts);
}

/* --- What rows say. */

static void
see(const struct counted *c, uint64_t network, enum vx_seen what,
    uint64_t bytes)
{
    const struct vx_obj *obj = vx_model_by_oid(c->owner->env.model, network);

    if (obj && obj->kind == VX_NETWORK) {
        vx_locality_see(c->owner->locality, &(struct vx_sighting) {
            .host = c->oid, .network = network, .tenant = obj->parent,
            .what = what, .bytes = bytes });
    }
}

static uint64_t
network_of_port(const struct counted *c, uint64_t oid)
{
    const struct vx_obj *obj = vx_model_by_oid(c->owner->env.model, oid);

    return obj && obj->kind == VX_PORT ? obj->parent : 0;
}

static void
see_network_row(struct counted *c, enum step step,
                const struct vx_count *row)
{
    uint64_t oid = VX_COOKIE_OID(row->cookie);

    switch (step) {
    case STEP_L2:
    case STEP_FLOOD:
        if (row->priority == PRIORITY_BUM) {
            see(c, oid, step == STEP_L2 ? VX_SEEN_FLOOD1 : VX_SEEN_FLOOD2,
                row->bytes);
        }
        break;
    case STEP_INGRESS:
        if (row->out_port == VX_OFPORT_PATCH) {
            see(c, oid, VX_SEEN_INGRESS, row->bytes);
        } else {
            c->transits = true;
            see(c, oid, VX_SEEN_TRANSIT, row->bytes);
        }
        break;
    case STEP_OUT:
        /* What a border passes on was counted where it came from. */
        if (row->priority == PRIORITY_OUT
            && (row->reg1 == VX_CLASS_ZONE || row->reg1 == VX_CLASS_CROSS)) {
            see(c, oid, row->reg1 == VX_CLASS_ZONE ? VX_SEEN_OUT_ZONE
                                                   : VX_SEEN_OUT_CROSS,
                row->bytes);
        }
        break;
    default:
        break;
    }
}

static void
see_port_row(struct counted *c, enum step step, const struct vx_count *row)
{
    uint64_t oid = VX_COOKIE_OID(row->cookie);

    if (step == STEP_L2 && row->out_port
        && row->out_port != VX_OFPORT_PATCH) {
        see(c, network_of_port(c, oid), VX_SEEN_DELIVERED, row->bytes);
    } else if (step == STEP_OWN && row->out_port == VX_OFPORT_PATCH) {
        see(c, network_of_port(c, oid), VX_SEEN_OWN, row->bytes);
    }
}

static void
see_row(struct counted *c, enum step step, const struct vx_count *row)
{
    uint64_t oid = VX_COOKIE_OID(row->cookie);
    const struct vx_obj *obj;

    bool of_policy = step == STEP_POLICY || step == STEP_LEG_POLICY;

    if (VX_COOKIE_REASON(row->cookie) && !of_policy) {
        return;                         /* it dropped them */
    }
    switch (VX_COOKIE_KIND(row->cookie)) {
    case VX_NETWORK:
        see_network_row(c, step, row);
        break;
    case VX_PORT:
        see_port_row(c, step, row);
        break;
    case VX_POLICY:
        obj = vx_model_by_oid(c->owner->env.model, oid);
        if (obj && obj->kind == VX_POLICY && of_policy) {
            vx_locality_policy(c->owner->locality, oid,
                               &(struct vx_policy_count) {
                .packets = row->packets, .bytes = row->bytes });
        }
        break;
    default:
        break;
    }
}

static void
see_meters(struct counted *c, uint64_t elapsed_ms)
{
    struct vx_counters *counters = c->owner;
    int64_t now = counters->env.wall_ms();

    vx_bursts_take(counters->bursts, &(struct vx_burst_sample) {
        .host = c->oid, .tier = steps[c->step].tier,
        .from_ms = now - (int64_t) elapsed_ms, .now_ms = now,
        .counts = c->rows, .n = c->n_rows },
        &(struct vx_burst_told) {
            .aux = counters, .begun = vx_counters_told.begun,
            .over = vx_counters_told.over });
}

/* All rows of the step are there. */
static void
take_rows(struct counted *c)
{
    const struct vx_counters *counters = c->owner;
    int64_t now = counters->env.mono_ms();
    int64_t since = c->tallied_ms[c->step] ? c->tallied_ms[c->step]
                                           : counters->started_ms;
    const struct vx_tally_when when = {
        .since_ms = (uint64_t) (now - counters->started_ms),
        .elapsed_ms = (uint64_t) (now - since),
        .restarted = c->restarted[steps[c->step].tier - 1],
    };

    vx_tally_take(&c->tallies[c->step], c->rows, c->n_rows, &when);
    c->tallied_ms[c->step] = now;
    c->n_last[c->step] = c->n_rows;
    if (steps[c->step].table == OG_OF_NO_TABLE) {
        see_meters(c, when.elapsed_ms);
        return;
    }
    for (size_t i = 0; i < c->n_rows; i++) {
        see_row(c, (enum step) c->step, &c->rows[i]);
    }
}

/* --- A turn. */

static void
later(struct counted *c, size_t ms)
{
    const struct timeval tv = { (time_t) (ms / 1000),
                                (suseconds_t) (ms % 1000 * 1000) };

    evtimer_add(c->timer, &tv);
}

/* Rates are of the time since the last complete turn. */
static void
close_turn(struct counted *c, int64_t now)
{
    struct vx_counters *counters = c->owner;
    const struct vx_obj *obj = vx_model_by_oid(counters->env.model, c->oid);
    int64_t since = c->counted_ms ? c->counted_ms : counters->started_ms;

    if (obj && obj->kind == VX_HOST) {
        vx_locality_turn(counters->locality, c->oid,
                         ((const struct vx_host *) obj)->zone,
                         (uint64_t) (now - since));
    }
    c->counted_ms = now;
    c->lost = false;
    c->restarted[0] = c->restarted[1] = false;
    counters->n_turns++;
}

static void
finish(struct counted *c, bool complete)
{
    struct vx_counters *counters = c->owner;
    int64_t now = counters->env.mono_ms();

    if (complete) {
        close_turn(c, now);
    } else {
        counters->n_broken++;
    }
    free(c->rows);
    c->rows = NULL;
    c->n_rows = c->cap_rows = 0;
    c->running = c->urgent = false;
    c->ended_ms = now;
    if (counters->env.interval_ms && c->is_due) {
        c->due_ms = c->begun_ms + counters->env.interval_ms;
    }
    counters->n_running--;
    vx_counters_look(counters);
    event_active(counters->tick, EV_TIMEOUT, 0);
}

/* Whether a gateway on the host serves anybody: only what comes from legs is
 * in the table. */
static bool
has_leg(const struct counted *c)
{
    const struct vx_model *model = c->owner->env.model;
    const struct vx_gateway *gateway = vx_model_gateway_of_host(model,
                                                                c->oid);
    struct vx_serve_iter iter;

    if (!gateway) {
        return false;
    }
    vx_served_init(&iter, model, gateway->o.oid);
    return vx_served_next(&iter);
}

static void
next_step(struct counted *c)
{
    c->n_rows = 0;
    c->split = c->n_tries = 0;
    do {
        c->step++;
    } while ((c->step == STEP_OWN && !c->transits)
             || (c->step == STEP_LEG_POLICY && !has_leg(c))
             || (c->step >= STEP_METERS1 && c->step < N_STEPS
                 && !c->is_due));
    if (c->step == N_STEPS) {
        finish(c, true);
    } else {
        later(c, 0);
    }
}

static void
on_counted(void *counted_, struct vx_count *rows, size_t n, const char *why)
{
    struct counted *c = counted_;

    c->asking = false;
    if (c->forgotten) {
        counted_free(c);
        return;
    }
    if (why || c->n_rows + n > VX_COUNTS_MAX) {
        vx_log_debug("counters", "a host is not counted: %s",
                     why ? why : "too many rows");
        finish(c, false);
        return;
    }
    if (n) {
        c->rows = vx_grow(c->rows, &c->cap_rows, c->n_rows + n,
                          sizeof *c->rows);
        memcpy(c->rows + c->n_rows, rows, n * sizeof *rows);
        c->n_rows += n;
    }
    if (++c->split < c->n_splits) {
        later(c, n / ROWS_PER_MS);
        return;
    }
    take_rows(c);
    next_step(c);
}

static struct og_of_part
part_of(struct counted *c)
{
    struct og_of_part part = { .table = steps[c->step].table,
                               .out_port = steps[c->step].out_port };

    if (!c->split) {
        c->n_splits = 1;
        while (c->n_splits < MAX_SPLITS && part.table != OG_OF_NO_TABLE
               && c->n_last[c->step] / c->n_splits > PART_ROWS) {
            c->n_splits *= 2;
        }
    }
    part.cookie = c->split;
    part.cookie_mask = c->n_splits - 1;
    if (steps[c->step].kind) {
        part.cookie |= VX_COOKIE(steps[c->step].kind, 0, 0);
        part.cookie_mask |= VX_COOKIE(0xff, 0, 0);
    }
    return part;
}

static void
take_step(evutil_socket_t fd, short what, void *counted_)
{
    struct counted *c = counted_;
    const struct og_of_part part = part_of(c);
    struct vx_switch *sw = vx_hosts_switch(c->owner->env.hosts, c->oid,
                                           steps[c->step].tier);

    (void) fd;
    (void) what;
    if (sw && vx_switch_count(sw, &part, on_counted, c)) {
        c->asking = true;
    } else if (!sw || vx_switch_state(sw) != VX_SWITCH_SYNCED
               || ++c->n_tries > TRIES) {
        finish(c, false);
    } else {
        later(c, RETRY_MS);
    }
}

static void
begin(struct counted *c, const struct vx_host_facts *facts)
{
    for (int i = 0; i < 2; i++) {
        c->restarted[i] |= c->n_resyncs[i] != facts->sw[i].n_resyncs;
        c->n_resyncs[i] = facts->sw[i].n_resyncs;
    }
    c->running = true;
    c->begun_ms = c->owner->env.mono_ms();
    c->is_due = c->due_ms <= c->begun_ms || !c->owner->env.interval_ms;
    c->step = 0;
    c->split = c->n_tries = 0;
    c->n_rows = 0;
    c->transits = false;
    c->owner->n_running++;
    later(c, 0);
}

/* --- When. */

/* What a host that does not answer was doing is not known any more. */
static void
miss(struct counted *c, int64_t now)
{
    struct vx_counters *counters = c->owner;
    int64_t patience = AWAY_MS + 3 * (int64_t) counters->env.interval_ms;

    if (!c->lost) {
        c->lost = true;
        vx_locality_away(counters->locality, c->oid);
    }
    if (now - c->counted_ms > patience) {
        vx_bursts_away(counters->bursts, c->oid, &(struct vx_burst_told) {
            .aux = counters, .begun = vx_counters_told.begun,
            .over = vx_counters_told.over });
    }
}

void
vx_counters_kick(struct vx_counters *counters)
{
    int64_t now = counters->env.mono_ms();

    VX_TREE_FOR_EACH(node, &counters->hosts) {
        struct counted *c = counted_of(node);
        struct vx_host_facts facts;

        if (c->running || (c->due_ms > now && !c->urgent)) {
            continue;
        }
        if (!get_facts(c, &facts)) {
            miss(c, now);
        } else if (counters->n_running < MAX_RUNNING) {
            begin(c, &facts);
        }
    }
}

void
vx_counters_learn(struct vx_counters *counters)
{
    const struct vx_obj *host;
    struct vx_iter iter;

    vx_iter_init(&iter, counters->env.model, VX_HOST, NULL, NULL);
    while ((host = vx_iter_next(&iter))) {
        if (!vx_obj_is_external(host)) {
            learn(counters, host->oid);
        }
    }
}

static void
on_tick(evutil_socket_t fd, short what, void *counters_)
{
    static const struct timeval tv = { TICK_MS / 1000, 0 };
    struct vx_counters *counters = counters_;

    (void) fd;
    (void) what;
    vx_counters_learn(counters);
    vx_counters_kick(counters);
    event_add(counters->tick, &tv);
}

struct vx_counters *
vx_counters_new(const struct vx_counters_env *env)
{
    static const struct timeval tv = { TICK_MS / 1000, 0 };
    struct vx_counters *counters = vx_xcalloc(1, sizeof *counters);

    counters->env = *env;
    counters->started_ms = env->mono_ms();
    counters->locality = vx_locality_new();
    counters->bursts = vx_bursts_new();
    vx_tree_init(&counters->hosts, cmp_oid);
    vx_counters_api_init(counters);
    counters->tick = evtimer_new(env->base, on_tick, counters);
    event_add(counters->tick, &tv);
    return counters;
}

void
vx_counters_free(struct vx_counters *counters)
{
    if (!counters) {
        return;
    }
    vx_counters_cancel_all(counters);
    VX_TREE_FOR_EACH_SAFE(node, next, &counters->hosts) {
        vx_tree_remove(&counters->hosts, node);
        counted_free(counted_of(node));
    }
    event_free(counters->tick);
    vx_locality_free(counters->locality);
    vx_bursts_free(counters->bursts);
    free(counters);
}

const struct vx_locality *
vx_counters_locality(const struct vx_counters *counters)
{
    return counters->locality;
}

void
vx_counters_facts(const struct vx_counters *counters,
                  struct vx_counters_facts *ret_facts)
{
    ret_facts->n_turns = counters->n_turns;
    ret_facts->n_broken = counters->n_broken;
    vx_bursts_counters(counters->bursts, &ret_facts->bursts);
}
