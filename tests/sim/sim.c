/* SPDX-License-Identifier: Apache-2.0 */
/* The world: what happens next, and the life of the controller in it.
 *
 *   chaos: requests, faults, work in any order
 *   calm:  no faults, work until nothing is left to do, then the verdict
 *   ... twice per seed, so that what was repaired is broken again */
#include "tests/sim/sim.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "daemon/commit.h"
#include "daemon/gateways.h"
#include "daemon/health.h"
#include "daemon/hooks.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum {
    CHAOS_STEPS = 300,
    ABSENCE_STEPS = 400,
    MOVES_STEPS = 200,
    MOVING_STEPS = 2000,
    CALM_STEPS = 20000,
    CALM_MS = 300000,
    TICK_MS = 1000,
    REST_MS = 8000,             /* epochs are written by then */
};

struct sim *sim;

/* --- Chance, log, verdict. */

uint32_t
roll(uint32_t n)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t) ((z >> 33) % n);
}

bool
chance(uint32_t one_in)
{
    return !roll(one_in);
}

void
say(const char *fmt, ...)
{
    va_list args;

    if (sim->verbose) {
        printf("# %5u %8lld ms  ", sim->n_steps,
               (long long) (sim->now_ms - EPOCH_MS));
        va_start(args, fmt);
        vprintf(fmt, args);
        va_end(args);
        putchar('\n');
    }
}

void
violated(const char *fmt, ...)
{
    va_list args;

    if (!sim->failed) {
        sim->failed = true;
        va_start(args, fmt);
        vsnprintf(sim->failure, sizeof sim->failure, fmt, args);
        va_end(args);
        say("VIOLATED: %s", sim->failure);
    }
}

bool
outside(void)
{
    if (!sim->dying && sim->crash_in && !--sim->crash_in) {
        say("the controller crashes");
        sim->dying = true;
    }
    return !sim->dying;
}

/* Few, so that they are used again soon. */
uint32_t
last_vni(void)
{
    return sim->routed ? LAST_VNI : LAST_VNI - N_TENANTS - 1;
}

/* --- The controller. */

static void
on_tick(evutil_socket_t fd, short what, void *app)
{
    (void) fd;
    (void) what;
    vx_app_tick(app);
}

static void
start(void)
{
    static const struct timeval second = { 1, 0 };
    struct vx_app *app = vx_xcalloc(1, sizeof *app);
    struct vx_error err;

    say("the controller starts");
    sim->lives++;
    sim->app = app;
    app->started_ms = vx_clock_ms();
    vx_options_init(&app->options);
    app->options.vni_ranges[0] = (struct vx_vni_range) { FIRST_VNI,
                                                         last_vni() };
    app->options.n_vni_ranges = 1;
    app->options.vni_quarantine_ms = QUARANTINE_MS;
    app->options.grace_ms = sim->grace_ms;
    /* In half of the lives hosts are asked what they count, too. */
    if (sim->seed % 2) {
        app->options.counters_interval_ms = 0;
    }
    vx_options_finish(&app->options);
    app->base = loop_new();
    if (!vx_app_load(app, &err)) {
        violated("does not start: %s", err.message);
        return;
    }
    vx_hooks_new(NULL, &app->hooks, &err);
    vx_app_wire(app);
    vx_app_replay(app);
    sim->tick = event_new(app->base, -1, EV_PERSIST, on_tick, app);
    event_add(sim->tick, &second);
    sim->crash_in = sim->calm || chance(3) ? 0 : 1 + roll(150);
    client_check();
}

/* Frees what a dead process leaves to the system; nothing of it is seen
 * outside. */
static void
bury(void)
{
    struct vx_app *app = sim->app;

    sim->dying = true;
    gateways_crashed();
    client_crashed();
    app->stopping = true;
    if (app->commit) {
        vx_commit_flush(app->commit, NULL);
        vx_gws_stop(app->gws);
        vx_app_unwire(app);
    }
    vx_hooks_free(app->hooks);
    vx_app_unload(app);
    event_free(sim->tick);
    loop_free(app->base);
    vx_options_fini(&app->options);
    free(app);
    sim->app = NULL;
    sim->dying = false;
    sim->crash_in = 0;
    sim->n_crashes++;
    sim->restart_ms = sim->now_ms + (chance(2) ? 0 : roll(20000));
}

/* --- What can happen. */

static struct conn *
pick_conn(bool (*can)(const struct conn *conn))
{
    struct conn *picked = NULL;
    uint32_t n = 0;

    for (struct conn *conn = sim->conns; conn; conn = conn->next) {
        if (can(conn) && chance(++n)) {
            picked = conn;
        }
    }
    return picked;
}

static bool
do_event(void)
{
    if (!sim->app || !loop_has_active(sim->app->base)) {
        return false;
    }
    loop_run_one(sim->app->base);
    return true;
}

static bool
do_deliver(void)
{
    struct conn *conn = pick_conn(conn_can_deliver);

    if (conn) {
        conn_deliver(conn);
    }
    return conn;
}

static bool
do_pump(void)
{
    struct conn *conn = pick_conn(conn_can_pump);

    if (conn) {
        conn_pump(conn);
    }
    return conn;
}

static bool
do_machine(void)
{
    struct machine *machine = &sim->machines[roll(sim->n_machines)];

    return machine_work(machine);
}

struct machine *
machine_named(int name)
{
    for (int m = 0; name >= 0 && m < sim->n_machines; m++) {
        if (sim->machines[m].db.name == name) {
            return &sim->machines[m];
        }
    }
    return NULL;
}

/* As a hypervisor does: the target is plugged while the source still is,
 * which goes when the port has arrived. */
static bool
do_migrate(int id)
{
    bool migrates;
    struct machine *at, *to;

    if (!sim->app || sim->dying) {
        return false;
    }
    at = machine_named(client_location(id, &migrates));
    to = machine_named(client_target(id));
    if (to && to->db.host_num && !to->db.plugged[id]) {
        machine_plug(to, id);
        if (sim->moving && chance(3)) {
            sim->crash_in = 1 + roll(60);   /* in the midst of it */
        }
        return true;
    }
    for (int m = 0; at && !migrates && at->db.plugged[id]
                    && m < sim->n_machines; m++) {
        struct machine *other = &sim->machines[m];

        if (other != at && other->db.plugged[id]) {
            machine_unplug(other, id);
            return true;
        }
    }
    return false;
}

static void
do_plug(void)
{
    struct machine *machine = &sim->machines[roll(sim->n_machines)];
    int id = (int) roll(N_IDS);

    if (chance(3) && do_migrate(id)) {
        return;
    }

    if (machine->db.plugged[id]) {
        machine_unplug(machine, id);
    } else if (machine->db.host_num && !chance(3)) {
        for (int m = 0; m < sim->n_machines && !chance(6); m++) {
            if (sim->machines[m].db.plugged[id]) {
                machine_unplug(&sim->machines[m], id);
            }
        }
        machine_plug(machine, id);
    }
}

/* A machine sends to the gateway, or does not answer it any more. */
static void
do_talk(void)
{
    struct machine *machine = &sim->machines[roll(sim->n_machines)];
    int id = (int) roll(N_IDS);
    struct vx_ip dst = routed_somewhere(roll(100));
    uint8_t ttl = chance(2) ? 1 : 64, frame[FRAME_MAX];
    struct vx_packet packet;

    if (chance(3)) {
        sim->deaf[id] = !sim->deaf[id];
        say("interface %d is %s", id, sim->deaf[id] ? "deaf" : "all ears");
    } else if (machine->db.ofports[id]) {
        size_t size = routed_frame(id, &dst, ttl, frame);

        routed_packet(id, &dst, ttl, &packet);
        vx_packet_set_u(&packet, VX_F_IN_PORT, machine->db.ofports[id]);
        machine_talks(machine, &packet, frame, size);
    }
}

static int
free_address(void)
{
    int address = (int) roll(N_ADDRESSES);

    for (int m = 0; m < sim->n_machines; m++) {
        if (sim->machines[m].address == address) {
            return -1;
        }
    }
    return address;
}

/* Two machines get each other's address; the first is told at once, the
 * other perhaps later, or never before the end (client_operator). */
static void
do_swap(struct machine *a)
{
    struct machine *b = &sim->machines[roll(sim->n_machines)];
    int address = a->address;

    if (a == b || !a->has_manager || !b->has_manager) {
        return;
    }
    a->address = b->address;
    b->address = address;
    sim->dirty = true;
    machine_join(a);
    if (!chance(3)) {
        machine_join(b);
    }
}

static void
do_fault(void)
{
    judge_disturbed();
    struct machine *machine = &sim->machines[roll(sim->n_machines)];
    int tier = (int) roll(VX_FABRIC_TIER + 1), address;
    struct conn *conn = tier ? machine->of[tier] : machine->ovsdb;

    if (sim->tampering && chance(8)) {
        machine_tamper(machine);
        return;
    }
    switch (roll(11)) {
    case 0:
    case 1:
        if (conn) {
            conn_machine_closes(conn, chance(3));
        }
        break;
    case 2:
        machine_cut(machine, !machine->cut);
        break;
    case 3:
        machine_restart_ovs(machine);
        break;
    case 4:
        machine->n_refusals = roll(3);
        break;
    case 5:
        machine_drift(machine);
        break;
    case 6:
        if (machine->has_manager && chance(3)) {
            machine_reinstall(machine);
        }
        break;
    case 7:
        address = free_address();
        if (address >= 0 && machine->has_manager && chance(2)) {
            machine->address = address;
            sim->dirty = true;
            machine_join(machine);
        }
        break;
    case 8:
        if (sim->bordered && machine->has_manager && chance(4)) {
            machine->db.zone = (int) roll(N_ZONES);
        }
        machine_join(machine);
        break;
    case 9:
        if (sim->app && !sim->crash_in) {
            sim->crash_in = 1 + roll(100);
        }
        break;
    case 10:
        if (chance(3)) {
            do_swap(machine);
        }
        break;
    }
}

static int64_t
next_ms(void)
{
    int64_t next = sim->app ? loop_next_ms(sim->app->base)
                            : sim->restart_ms;

    for (const struct conn *conn = sim->conns; conn; conn = conn->next) {
        const struct item *item = conn->to_controller.first;

        if (item && (conn->of || conn->ovsdb)
            && item->not_before_ms > sim->now_ms
            && item->not_before_ms < next) {
            next = item->not_before_ms;
        }
    }
    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        int64_t ms = gateway_next_ms(sim->gateways[g]);

        next = ms > sim->now_ms && ms < next ? ms : next;
    }
    for (int m = 0; m < sim->n_machines; m++) {
        int64_t ms = machine_next_ms(&sim->machines[m]);

        if (ms > sim->now_ms && ms < next) {
            next = ms;
        }
    }
    return next;
}

static void
do_time(void)
{
    int64_t next = next_ms();
    int64_t step = sim->calm || chance(2) ? next - sim->now_ms
                                          : roll(100);

    if (step > 0 && step < 100000) {
        sim->now_ms += step;
    }
    if (sim->app) {
        loop_expire(sim->app->base);
    } else if (sim->now_ms >= sim->restart_ms) {
        start();
    }
}

static bool
do_gateway(void)
{
    bool done = false;
    int first = (int) roll(N_GATEWAYS);

    for (int i = 0; sim->gatewayed && !done && i < N_GATEWAYS; i++) {
        done = gateway_work(sim->gateways[(first + i) % N_GATEWAYS]);
    }
    return done;
}

static bool
do_any_work(void)
{
    if (do_event() || do_deliver() || do_pump()) {
        return true;
    }
    for (int m = 0; m < sim->n_machines; m++) {
        if (machine_work(&sim->machines[m])) {
            return true;
        }
    }
    return do_gateway();
}

/* In any order. */
static bool
do_some_work(void)
{
    switch (roll(4)) {
    case 0:
        return do_event();
    case 1:
        return do_deliver();
    case 2:
        return do_pump();
    default:
        return do_machine();
    }
}

/* --- Steps. */

static void
step_chaos(void)
{
    uint32_t what = roll(100);

    if (what < 30) {
        do_event();
    } else if (what < 60) {
        do_deliver();
    } else if (what < 76) {
        do_pump();
    } else if (what < 80 && sim->gatewayed) {
        do_gateway();
    } else if (what < 84) {
        do_machine();
    } else if (what < 90) {
        if (sim->app && !sim->dying) {
            client_request();
        }
    } else if (what < 94) {
        if (sim->routed && chance(3)) {
            do_talk();
        } else {
            do_plug();
        }
    } else if (what < 96) {
        if (sim->gatewayed && chance(3)) {
            gateway_fault(sim->gateways[roll(N_GATEWAYS)]);
        } else {
            do_fault();
        }
    } else if (what < 98 || !do_any_work()) {
        do_time();
    }
}

/* Machines are switched on where their ports are, if they are nowhere. */
static void
plug_all(void)
{
    bool migrates;

    for (int id = 0; sim->app && id < N_IDS; id++) {
        struct machine *at = machine_named(client_location(id, &migrates));
        bool plugged = false;

        for (int m = 0; m < sim->n_machines; m++) {
            plugged |= sim->machines[m].db.plugged[id];
        }
        at = at ? at : &sim->machines[roll(sim->n_machines)];
        if (!plugged && at->db.host_num) {
            machine_plug(at, id);
        }
    }
}

static void
step_calm(void)
{
    uint32_t what = roll(4);

    if ((what == 0 && do_deliver()) || (what == 1 && do_pump())
        || (what == 2 && do_machine()) || do_any_work()) {
        return;
    }
    if (sim->app) {
        client_operator();
    }
    if (sim->app && client_is_idle() && !client_restore() && sim->plugs) {
        sim->plugs = false;
        plug_all();
    }
    if (!do_any_work()) {
        do_time();
    }
}

static void
after_step(void)
{
    sim->n_steps++;
    if (sim->dying) {
        bury();
    }
    conns_collect();
    judge_step();
}

/* A host is away for long, or even deleted, while networks come and go: what
 * it still holds when it is back is of another time. */
static void
step_absence(int i, struct machine *machine)
{
    bool up = sim->app && !sim->dying;

    if (i == 0) {
        machine_cut(machine, true);
    } else if (i == ABSENCE_STEPS) {
        machine_cut(machine, false);
    } else if (i < ABSENCE_STEPS && up && i % 40 == 0) {
        client_churn();
    } else if (i < ABSENCE_STEPS && up && i % 40 == 20
               && machine->index) {
        client_delete_host(machine->index);
    }
    if (i % 30 == 0) {
        do_time();
    }
}

/* Many ports change places, and little else happens. */
static void
step_moves(int i)
{
    int pause = sim->moving ? 5 : 1;

    if (i % (12 * pause) == 0 && sim->app && !sim->dying) {
        client_migrate();
    }
    if (i % 8 == 0) {
        do_migrate((int) roll(N_IDS));
    }
    if (!sim->moving) {
        do_any_work();
    } else if (!do_some_work() && !do_any_work()) {
        do_time();
    }
}

/* All lives may be asked to be of a kind. */
static bool
is_kind(const char *kind)
{
    const char *asked = getenv("VX_SIM_KIND");

    return asked && !strcmp(asked, kind);
}

static void
chaos(void)
{
    bool absence = is_kind("absences") ? !chance(8) : chance(3);
    bool moves = !absence && chance(2);
    struct machine *machine = &sim->machines[roll(sim->n_machines)];
    int n_steps = CHAOS_STEPS + absence * ABSENCE_STEPS;

    sim->calm = false;
    if (sim->moving) {
        absence = false;
        n_steps = MOVING_STEPS;
    }
    for (int i = 0; i < n_steps && !sim->failed; i++) {
        if (absence) {
            step_absence(i, machine);
        }
        if (sim->moving || (moves && i < MOVES_STEPS)) {
            step_moves(i);
        } else {
            step_chaos();
        }
        after_step();
    }
}

static bool
is_idle(void)
{
    if (!sim->app || loop_has_active(sim->app->base)
        || pick_conn(conn_can_deliver) || pick_conn(conn_can_pump)
        || !client_is_idle() || sim->plugs) {
        return false;
    }
    for (int m = 0; m < sim->n_machines; m++) {
        if (machine_has_work(&sim->machines[m])) {
            return false;
        }
    }
    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        if (gateway_has_work(sim->gateways[g])) {
            return false;
        }
    }
    return true;
}

/* Something comes at once: a host that is back is used again as a border and
 * for next hops by a timer of 1 ms. */
static bool
is_due(void)
{
    return loop_next_ms(sim->app->base) <= sim->now_ms + 1;
}

static void
calm(void)
{
    int64_t until_ms = sim->now_ms + CALM_MS;
    const char *why = "steps are over";

    say("faults end");
    judge_disturbed();
    sim->calm = true;
    sim->crash_in = 0;
    if (chance(2)) {
        memset(sim->deaf, 0, sizeof sim->deaf);
    }
    sim->n_restores = sim->routed && chance(2) ? 30 : 0;
    sim->plugs = sim->n_restores;
    for (int m = 0; m < sim->n_machines; m++) {
        sim->machines[m].cut = false;
    }
    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        gateway_calm(sim->gateways[g]);
    }
    for (int i = 0; i < CALM_STEPS && !sim->failed; i++) {
        step_calm();
        after_step();
        if (is_idle() && !is_due() && !sim->failed) {
            why = judge_converged();
            if (!why) {
                say("converged");
                return;
            }
        }
        if (sim->now_ms > until_ms) {
            break;
        }
    }
    if (sim->app) {
        judge_say_places();
    }
    violated("does not converge: %s", why);
}

static void
begin(uint64_t seed, bool verbose)
{
    bool gateways = is_kind("gateways");

    sim = vx_xcalloc(1, sizeof *sim);
    sim->seed = sim->random = seed;
    sim->verbose = verbose;
    sim->now_ms = EPOCH_MS;
    sim->disk = disk_new();
    sim->max_bundle = chance(2) ? 1 + roll(12) : 1000;
    sim->tampering = chance(3);
    sim->routed = !chance(4) || gateways;
    sim->bordered = chance(2);
    /* What is planted lies elsewhere, and is found sooner without them. */
    sim->gatewayed = sim->routed && (chance(2) || gateways)
                     && plant == PLANT_NONE;
    memset(sim->vni_tenants, -1, sizeof sim->vni_tenants);
    sim->n_machines = sim->bordered && chance(2) ? N_MACHINES : 3;
    sim->grace_ms = chance(6) ? 0 : chance(4) ? 300 : 30000;
    sim->moving = seed % 8 == 3 || is_kind("moves");
    if (sim->moving) {          /* of which each can be judged */
        sim->max_bundle = 1000;
        sim->tampering = sim->bordered = false;
        sim->n_machines = 3;
        sim->grace_ms = 30000;
    }
    for (int m = 0; m < sim->n_machines; m++) {
        machine_init(&sim->machines[m], m);
    }
    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        sim->gateways[g] = gateway_new(g);
    }
    start();
    for (int m = 0; m < sim->n_machines; m++) {
        machine_join(&sim->machines[m]);
    }
}

static void
end(struct sim_result *ret_result)
{
    if (sim->app) {
        bury();
    }
    for (int m = 0; m < sim->n_machines; m++) {
        machine_fini(&sim->machines[m]);
    }
    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        gateway_free(sim->gateways[g]);
    }
    conns_free();
    disk_free(sim->disk);
    ret_result->failed = sim->failed;
    memcpy(ret_result->failure, sim->failure, sizeof sim->failure);
    ret_result->n_steps = sim->n_steps;
    ret_result->n_traces = sim->n_traces;
    ret_result->n_bundles = sim->n_bundles;
    ret_result->n_crashes = sim->n_crashes;
    ret_result->n_judged = sim->n_judged;
    ret_result->n_moves = sim->n_moves;
    ret_result->n_arrived = sim->n_arrived;
    ret_result->n_silent = sim->n_silent;
    ret_result->n_legs = sim->n_legs;
    ret_result->n_remotes = sim->n_remotes;
    ret_result->n_entries = sim->n_entries;
    free(sim);
    sim = NULL;
}

/* A fabric that works, in most lives. */
static void
set_the_stage(void)
{
    unsigned n = 10 + roll(30);

    for (unsigned i = 0; i < 3 * n && !sim->failed; i++) {
        do_any_work();
        after_step();
    }
    for (int key = 0; key < KEY_HOST; key++) {
        if (sim->app && (!chance(8) || (sim->routed && key < KEY_PORT))) {
            client_put(key);
        }
        for (unsigned i = 0; i < n && !sim->failed; i++) {
            do_any_work();
            after_step();
        }
        if (key >= KEY_PORT && key < KEY_ROUTE && !chance(4)) {
            struct machine *machine = &sim->machines[roll(sim->n_machines)];

            if (machine->db.host_num) {
                machine_plug(machine, key - KEY_PORT);
            }
        }
    }
}

static void
is_dead(void *dead, uint64_t port, const struct vx_ip *ip)
{
    (void) ip;
    *(bool *) dead |= !vx_hops_is_alive(sim->app->hops, port);
}

/* Until what stays for a while is over, and nothing of anything is left. */
static const char *
rest(int64_t ms)
{
    int64_t until_ms = sim->now_ms + ms;
    const char *why = "steps are over";

    for (int i = 0; i < CALM_STEPS && !sim->failed; i++) {
        step_calm();
        after_step();
        if (sim->now_ms >= until_ms && is_idle()
            && (sim->silent || !is_due())   /* not the first audit */
            && !(why = judge_converged())) {
            break;
        }
    }
    return why;
}

/* Not the switches of one that was a stranger for longer than it takes until
 * an epoch is written: they get none before the next change, and are dumped
 * once more. */
static bool
have_epochs(void)
{
    bool have = true;

    for (int m = 0; m < sim->n_machines; m++) {
        for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
            const struct table *table = &sim->machines[m].tables[tier];
            bool found = false;

            for (size_t i = 0; i < table->n; i++) {
                found |= table->rows[i]->crow.table == VX_T_EPOCH;
            }
            have &= found;
        }
    }
    return have;
}

/* A controller that comes back to a fabric that is right says nothing to it.
 * It knows of no next hop that it does not answer. */
static void
restart(void)
{
    bool dead = false;
    /* What stays for a while may be followed by what stays because of it. */
    const char *why = rest(2 * (int64_t) sim->grace_ms + REST_MS);

    vx_fabric_hops(sim->app->fabric, is_dead, &dead);
    if (sim->failed || why || dead || !have_epochs()) {
        return;
    }
    say("the controller restarts");
    judge_say_places();
    bury();
    sim->restart_ms = sim->now_ms;
    sim->silent = true;
    why = rest(3000);
    if (why) {
        violated("does not converge after a restart: %s", why);
    }
    sim->n_silent++;
}

void
sim_run(uint64_t seed, bool verbose, struct sim_result *ret_result)
{
    begin(seed, verbose);
    set_the_stage();
    for (int round = 0; round < 2 && !sim->failed; round++) {
        chaos();
        calm();
    }
    if (!sim->failed && chance(2)) {
        restart();
    }
    end(ret_result);
}
