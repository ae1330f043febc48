/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold after every step, whatever is half done, late or lost:
 *
 *   - a packet of an interface gets to interfaces of its own network only,
 *     through the rows that all switches really hold at that moment;
 *   - no switch refuses a bundle for its content (wire.c);
 *   - what was acknowledged is there after a crash (client.c);
 *   - a port that is called active reaches every other active port of its
 *     network, and is reached, once;
 *   - no packet is there twice, and none goes round;
 *   - a port that migrates is always there, from wherever;
 *   - an epoch says what the other rows are, or is not there (machine.c);
 *   - an audit finds nothing where nobody has changed rows by hand;
 *   - a switch that is said to have realized all there is has the rows;
 *   - a host that is draining gets no port (fake_store.c);
 *   - when faults have ended, all of it converges, what was changed by hand
 *     too.
 *
 * Whose an interface is, is known from its iface-id, not from the model:
 * the judge shares nothing with the judged but the interpreter of rows
 * (core/trace.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/pipeline.h"
#include "core/trace.h"
#include "daemon/audit.h"
#include "daemon/commit.h"
#include "daemon/hosts.h"
#include "tests/sim/sim.h"

struct vx_ip
address_of(int index)
{
    return (struct vx_ip) { .family = 4,
                            .b = { 192, 0, 2, (uint8_t) (1 + index) } };
}

/* --- Where packets get to. */

static int
id_at(const struct machine *machine, uint32_t ofport)
{
    for (int id = 0; id < N_IFACES; id++) {
        if (ofport && machine->db.ofports[id] == ofport) {
            return id;
        }
    }
    return -1;
}

/* The underlay keeps strangers from using addresses of hosts (doc/pipeline.md
 * says that it has to): a machine whose host was deleted, or is not admitted
 * yet, sends nothing from an address that leads to another host. */
static bool
is_let_through(const struct machine *from, const struct machine *to,
               const struct vx_ip *src)
{
    const struct table *table = &to->tables[VX_FABRIC_TIER];

    for (size_t i = 0; !from->is_member && i < table->n; i++) {
        const struct vx_row *row = &table->rows[i]->row;
        uint64_t oid = row->cookie & VX_OID_MAX;

        if (row->type != VX_ROW_FLOW || row->table != VX_T2_VTEP) {
            continue;
        }
        for (unsigned k = 0; k < row->n_match; k++) {
            if (row->match[k].field == VX_F_TUN_SRC
                && !memcmp(row->match[k].value, src->b, 4)
                && disk_has_host(sim->disk, oid)) {
                return false;
            }
        }
    }
    return true;
}

static void
look_who_is_member(void)
{
    for (int i = 0; i < sim->n_machines; i++) {
        struct machine *machine = &sim->machines[i];
        char id[32];

        snprintf(id, sizeof id, "machine-%d-%u", i, machine->db.incarnation);
        machine->is_member = machine->db.joined
                             && disk_has_member(sim->disk, id);
    }
}

enum {
    /* To a border, another zone's, and the host; more while borders are told
     * one after the other where a port is, each of which takes a packet from
     * its zone and from another one once, unless it goes round. */
    MAX_TUNNELS = 2 * N_MACHINES,
};

static bool judging_calm;  /* nothing is on its way */

static void walk(struct machine *machine, enum vx_tier entry,
                 const struct vx_packet *packet, struct arrivals *arrivals);

/* Two borders in each of two zones, while they are told one after the other
 * where a port is (doc/pipeline.md, what it says of transit-loop). */
static bool
may_circle(void)
{
    return sim->bordered && sim->n_machines == N_MACHINES && !judging_calm;
}

/* Over the underlay, if the sender's tunnel end is an address it has. */
static void
tunnel(const struct machine *from, const struct vx_packet *packet,
       struct arrivals *arrivals)
{
    struct vx_ip src = address_of(from->db.host_address);

    if (from->db.host_address != from->address) {
        return;
    }
    if (arrivals->depth == MAX_TUNNELS) {
        if (!machine_is_tampered() && !may_circle()) {
            violated("a packet goes round the fabric, at machine %d",
                     from->index);
        }
        return;
    }
    judge_tunnel(from, packet, arrivals);
    arrivals->depth++;
    for (int i = 0; i < sim->n_machines; i++) {
        struct machine *to = &sim->machines[i];
        struct vx_ip dst = address_of(to->address);
        struct vx_packet next = *packet;

        if (to->db.host_address != to->address || to == from
            || !to->db.done_num
            || memcmp(packet->f[VX_F_TUN_DST], dst.b, 4)
            || !is_let_through(from, to, &src)) {
            continue;
        }
        memset(next.f, 0, sizeof next.f[0] * VX_F_ETH_SRC);
        vx_packet_set_u(&next, VX_F_IN_PORT, VX_OFPORT_VXLAN);
        memcpy(next.f[VX_F_TUN_ID], packet->f[VX_F_TUN_ID], 8);
        vx_packet_set_ip(&next, VX_F_TUN_SRC, &src);
        walk(to, VX_FABRIC_TIER, &next, arrivals);
    }
    arrivals->depth--;
}

static void
to_controller(struct machine *machine, const struct vx_exit *exit,
              struct arrivals *arrivals)
{
    struct punt *punt = &arrivals->punts[arrivals->n_punts];
    bool fabric = exit->tier == VX_FABRIC_TIER;

    if (arrivals->n_punts == MAX_PUNTS) {
        return;
    }
    arrivals->n_punts++;
    *punt = (struct punt) { .machine = machine, .tier = exit->tier };
    punt->in.in_port = vx_packet_get_u(&exit->packet, VX_F_IN_PORT);
    punt->in.reg0 = vx_packet_get_u(&exit->packet, VX_F_REG0);
    punt->in.reg1 = vx_packet_get_u(&exit->packet, VX_F_REG1);
    punt->in.reg5 = vx_packet_get_u(&exit->packet, VX_F_REG5);
    punt->in.table = fabric ? VX_T2_ADJ
                     : punt->in.reg1 ? VX_T1_PUNT : VX_T1_L2;
}

/* Where a packet leaves the machine. */
static void
follow(struct machine *machine, bool from_tunnel, struct vx_trace *trace,
       struct arrivals *arrivals)
{
    sim->n_traces++;
    if (trace->looped && !machine_is_tampered()) {
        violated("a packet loops in machine %d", machine->index);
    }
    for (size_t i = 0; i < trace->n_exits; i++) {
        const struct vx_exit *exit = &trace->exits[i];

        if (exit->port == VX_OFPORT_CONTROLLER) {
            to_controller(machine, exit, arrivals);
        } else if (exit->tier == VX_FABRIC_TIER) {
            if (from_tunnel && !sim->bordered && !machine_is_tampered()) {
                violated("machine %d sends on what came by tunnel",
                         machine->index);
            }
            tunnel(machine, &exit->packet, arrivals);
        } else {
            int id = id_at(machine, exit->port);

            if (id >= 0) {
                arrivals->n[machine->index][id]++;
            }
        }
    }
    vx_trace_fini(trace);
}

static void
walk(struct machine *machine, enum vx_tier entry,
     const struct vx_packet *packet, struct arrivals *arrivals)
{
    struct vx_trace trace;

    vx_trace_host(machine_rows(machine, VX_TENANT_TIER),
                  machine_rows(machine, VX_FABRIC_TIER), entry, packet,
                  &trace);
    follow(machine, entry == VX_FABRIC_TIER, &trace, arrivals);
}

void
judge_walk(struct machine *machine, const struct vx_packet *packet,
           struct arrivals *arrivals)
{
    int id = id_at(machine, vx_packet_get_u(packet, VX_F_IN_PORT));

    memset(arrivals, 0, sizeof *arrivals);
    arrivals->tenant = id >= 0 ? tenant_of_iface(id) : -1;
    walk(machine, VX_TENANT_TIER, packet, arrivals);
}

void
judge_enter(struct machine *machine, const struct vx_packet *packet,
            int tenant, struct arrivals *arrivals)
{
    memset(arrivals, 0, sizeof *arrivals);
    arrivals->tenant = tenant;
    walk(machine, VX_FABRIC_TIER, packet, arrivals);
}

/* A probe gets to no interface, an announcement to those of one network. */
static void
judge_frame(const uint8_t *frame, const struct arrivals *arrivals)
{
    bool probe = frame[12] == VX_ETH_PROBE >> 8
                 && frame[13] == (VX_ETH_PROBE & 0xff);
    int net = -1;

    for (int i = 0; i < N_MACHINES * N_IFACES; i++) {
        int id = i % N_IFACES;

        if (!arrivals->n[i / N_IFACES][id]) {
            continue;
        }
        if ((probe && !machine_is_tampered())
            || (net >= 0 && net != net_of_iface(id))) {
            violated("a frame of the controller gets to interface %d at "
                     "machine %d", id, i / N_IFACES);
        }
        net = net_of_iface(id);
    }
}

void
judge_packet_out(struct machine *machine, const struct vx_row *acts,
                 const uint8_t *frame, struct arrivals *arrivals)
{
    struct vx_packet packet;
    struct vx_trace trace;

    memset(&packet, 0, sizeof packet);
    memset(arrivals, 0, sizeof *arrivals);
    arrivals->tenant = -1;
    vx_packet_set_u(&packet, VX_F_IN_PORT, VX_OFPORT_LOCAL);
    memcpy(packet.f[VX_F_ETH_DST], frame, 6);
    memcpy(packet.f[VX_F_ETH_SRC], frame + 6, 6);
    memcpy(packet.f[VX_F_ETH_TYPE], frame + 12, 2);
    vx_trace_packet_out(machine_rows(machine, VX_TENANT_TIER),
                        machine_rows(machine, VX_FABRIC_TIER), acts, &packet,
                        &trace);
    follow(machine, false, &trace, arrivals);
    judge_frame(frame, arrivals);
}

/* to: MAC by number, 0 = all. */
static void
send_from(struct machine *machine, int id, int to, struct arrivals *arrivals)
{
    struct vx_mac mac = mac_of(id);
    struct vx_mac dst = { { 2, 0, 0, 0, 0, (uint8_t) to } };
    struct vx_ip local = vx_ip_link_local(&mac);
    struct vx_packet packet;

    memset(&packet, 0, sizeof packet);
    if (!to) {
        memset(dst.b, 0xff, sizeof dst.b);
    }
    vx_packet_set_u(&packet, VX_F_IN_PORT, machine->db.ofports[id]);
    vx_packet_set_mac(&packet, VX_F_ETH_SRC, &mac);
    vx_packet_set_mac(&packet, VX_F_ETH_DST, &dst);
    vx_packet_set_u(&packet, VX_F_ETH_TYPE, 0x86dd);
    vx_packet_set_ip(&packet, VX_F_IPV6_SRC, &local);
    judge_walk(machine, &packet, arrivals);
}

static const char *compare_rows(struct machine *machine, uint64_t oid,
                                enum vx_tier tier);

/* --- Isolation. */

static void
judge_arrivals(const struct machine *machine, int id, int to,
               const struct arrivals *arrivals)
{
    for (int m = 0; m < sim->n_machines; m++) {
        for (int k = 0; k < N_IFACES; k++) {
            if (arrivals->n[m][k] && net_of_iface(k) != net_of_iface(id)) {
                violated("a packet of interface %d (tenant %d, network %d) "
                         "at machine %d to MAC %d gets to interface %d "
                         "(tenant %d, network %d) at machine %d", id,
                         tenant_of_iface(id), net_of_iface(id),
                         machine->index, to, k, tenant_of_iface(k),
                         net_of_iface(k), m);
            }
        }
    }
}

/* --- Active means reachable. */

bool
machine_is_known(const struct machine *machine, uint64_t host)
{
    struct vx_host_facts facts;

    if (!machine->ovsdb || !machine->ovsdb->told_ready
        || !machine->ovsdb->accepted
        || !vx_hosts_facts(sim->app->hosts, host, &facts)
        || strcmp(facts.peer, machine->ovsdb->peer)
        || machine->db.host_address != machine->address) {
        return false;
    }
    for (const struct item *item = machine->ovsdb->to_controller.first;
         item; item = item->next) {
        if (item->type == ITEM_UPDATE) {
            return false;
        }
    }
    for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
        const struct conn *conn = machine->of[tier];

        if (!conn || !conn->told_ready || !conn->accepted) {
            return false;
        }
    }
    return true;
}

/* The machine an active port is at, as it really is; NULL: not active, or
 * not to be judged now. */
struct machine *
judge_active_at(int id)
{
    const struct vx_obj *port = client_find(KEY_PORT + id), *host;
    struct vx_port_status status;
    struct vx_place place;

    if (!port || !vx_app_port_status(sim->app, port->oid, &status)
        || status.state != VX_PORT_ACTIVE
        || !vx_fabric_place(sim->app->fabric, port->oid, &place)) {
        return NULL;
    }
    host = vx_model_by_oid(sim->app->model, place.host);
    for (int i = 0; host && i < sim->n_machines; i++) {
        struct machine *machine = &sim->machines[i];

        if (machine->db.host_num == ((const struct vx_host *) host)->num
            && machine->db.joined && machine->db.name == host->name[1] - '0'
            && machine_is_known(machine, place.host)) {
            if (machine->db.ofports[id] != place.ofport) {
                violated("port %d is active at another interface", id);
            }
            return machine;
        }
    }
    return NULL;
}

/* No packet is there twice, at no time: not for one MAC in the fabric, not
 * for all at one machine, where its sender never hears it. */
static void
judge_copies(const struct machine *machine, int id, int to,
             const struct arrivals *arrivals)
{
    for (int k = 0; k < N_IDS; k++) {
        unsigned n = 0;

        for (int m = 0; m < sim->n_machines; m++) {
            n = to ? n + arrivals->n[m][k]
                : arrivals->n[m][k] > n ? arrivals->n[m][k] : n;
        }
        if (!to && sim->bordered && !judging_calm) {
            continue;   /* who passes on what is for all is just changing */
        }
        if (n > 1 || (k == id && arrivals->n[machine->index][k])) {
            violated("a packet of interface %d at machine %d to %s gets to "
                     "interface %d, %u times", id, machine->index,
                     to ? "its MAC" : "all", k, n);
        }
    }
}

/* Also from the two machines, whose switches of tier 1 and tier 2 wait for
 * each other. */
static void
judge_move(int id, int other, const struct arrivals *arrivals)
{
    const struct move *move = &sim->moves[other];
    unsigned n = move->to ? arrivals->n[move->from->index][other]
                            + arrivals->n[move->to->index][other] : 0;

    if (move->to && n != 1) {
        violated("port %d migrates from machine %d to %d, and %u copies of "
                 "a packet to its MAC get from port %d to it", other,
                 move->from->index, move->to->index, n, id);
    }
}

static void
judge_reach(int id, struct machine *const *active, int to,
            const struct arrivals *arrivals)
{
    for (int k = 0; k < N_PER_NET; k++) {
        int other = net_of_id(id) * N_PER_NET + k;
        unsigned n = active[other]
                     ? arrivals->n[active[other]->index][other] : 0;

        if (sim->moves[other].to
            && active[other] == sim->moves[other].from && to == k + 1) {
            continue;           /* it may be about to arrive */
        }
        if (other != id && active[other] && (!to || to == k + 1) && n != 1) {
            violated("ports %d and %d are active, and %u copies of a packet "
                     "%s get from one to the other", id, other, n,
                     to ? "to its MAC" : "to all");
        }
    }
}

static void
judge_interface(struct machine *machine, int id,
                struct machine *const *active)
{
    struct arrivals arrivals;

    for (int to = 0; to <= N_PER_NET; to++) {
        if (to == 1 + id % N_PER_NET) {
            continue;
        }
        send_from(machine, id, to, &arrivals);
        judge_arrivals(machine, id, to, &arrivals);
        if (machine_is_tampered()) {
            continue;
        }
        judge_copies(machine, id, to, &arrivals);
        if (to && sim->senders[id] == machine) {
            judge_move(id, net_of_id(id) * N_PER_NET + to - 1, &arrivals);
        }
        /* Who talks by borders may lose what is on its way while the way
         * changes. */
        if (active[id] == machine && (!sim->bordered || judging_calm)) {
            judge_reach(id, active, to, &arrivals);
        }
    }
    judge_routed(machine, id);
}

void
judge_disturbed(void)
{
    memset(sim->moves, 0, sizeof sim->moves);
    memset(sim->senders, 0, sizeof sim->senders);
}

void
judge_changed(int key)
{
    if (key < KEY_NET || key >= KEY_ZONE) {
        judge_disturbed();
    }
    for (int id = 0; id < N_IDS; id++) {
        if (key == KEY_PORT + id || key == KEY_NET + net_of_id(id)) {
            sim->moves[id] = (struct move) { 0 };
            sim->senders[id] = NULL;
        }
    }
}

/* From when both taps are there until the port is active at the target.  Where
 * bundles are cut after a few rows a change is not atomic, and without a
 * grace time the old place goes before all have heard of the new one. */
static void
watch_move(int id, struct machine *active)
{
    struct move *move = &sim->moves[id];
    const struct vx_obj *port = client_find(KEY_PORT + id);
    struct vx_place place;
    int to = client_target(id);

    if (move->to && active == move->to) {
        sim->n_moves++;
        *move = (struct move) { 0 };
    }
    if (move->killed_ms && sim->now_ms - move->killed_ms
                           > sim->grace_ms / 2) {
        *move = (struct move) { 0 };
    }
    if (move->to || !active || !port || to < 0 || sim->max_bundle < 1000
        || sim->grace_ms < 10000
        || !vx_fabric_place(sim->app->fabric, port->oid, &place)
        || !place.guest_ofport) {
        return;
    }
    for (int m = 0; m < sim->n_machines; m++) {
        struct machine *machine = &sim->machines[m];

        if (machine->db.name == to && machine != active
            && machine_is_known(machine, place.guest)
            && machine->db.ofports[id] == place.guest_ofport) {
            *move = (struct move) { active, machine, 0 };
        }
    }
}

/* Whose packets have to get to a port that migrates. */
static void
note_sender(int id, struct machine *active)
{
    bool migrates;
    int at = client_location(id, &migrates);

    if (active && !sim->bordered) {
        sim->senders[id] = active;
    } else if (migrates || !sim->moving
               || machine_named(at) != sim->senders[id]) {
        sim->senders[id] = NULL;
    }
}

/* Only in lives of moves nothing else happens.  What keeps the old place is
 * kept for its grace time only. */
static void
note_kill(void)
{
    if (!sim->moving) {
        judge_disturbed();
    }
    for (int id = 0; id < N_IDS; id++) {
        if (sim->moves[id].to && !sim->moves[id].killed_ms) {
            sim->moves[id].killed_ms = sim->now_ms;
        }
    }
}

/* What is found to differ was changed by hand: not by what is on its way, not
 * by what was refused or lost. */
static void
judge_audits(void)
{
    struct vx_audits_counters counters;
    uint64_t n = 0;

    if (sim->tampering) {
        return;
    }
    vx_audits_counters(sim->app->audits, &counters);
    for (int kind = 0; kind < VX_N_FOUND; kind++) {
        n += kind == VX_FOUND_OVSDB ? 0 : counters.n_found[kind];
    }
    if (n) {
        violated("an audit finds what nobody has changed");
    }
}

/* Once each time that it comes to be so. */
static void
judge_realized(void)
{
    uint64_t revision = vx_commit_revision(sim->app->commit);

    for (int i = 0; i < sim->n_machines * VX_FABRIC_TIER; i++) {
        struct machine *machine = &sim->machines[i / VX_FABRIC_TIER];
        int tier = 1 + i % VX_FABRIC_TIER;
        const struct vx_obj *host = client_find(KEY_HOST
                                                + machine->db.name);
        struct vx_host_facts facts;
        const char *why;
        bool all = host && machine_is_known(machine, host->oid)
                   && !machine_is_tampered()
                   && vx_hosts_facts(sim->app->hosts, host->oid, &facts)
                   && facts.sw[tier - 1].realized >= revision;

        if (all && !machine->was_realized[tier]
            && (why = compare_rows(machine, host->oid, tier))) {
            violated("tier %d of machine %d counts as realized, and %s",
                     tier, machine->index, why);
        }
        machine->was_realized[tier] = all;
    }
}

void
judge_step(void)
{
    struct machine *active[N_IDS] = { NULL };
    unsigned bits = 0;

    for (int id = 0; sim->app && !sim->dying && id < N_IDS; id++) {
        active[id] = judge_active_at(id);
        bits |= (unsigned) (active[id] != NULL) << id;
    }
    if (sim->app && !sim->dying) {
        judge_audits();
        judge_vnis();
        judge_confirmed();
        judge_realized();
    }
    for (int id = 0; sim->app && !sim->dying && id < N_IDS; id++) {
        note_sender(id, active[id]);
    }
    if (!sim->app || sim->dying) {
        note_kill();
    } else if (sim->dirty || bits != sim->active_bits) {
        for (int id = 0; id < N_IDS; id++) {
            watch_move(id, active[id]);
        }
    }
    if (!sim->dirty && !(bits & ~sim->active_bits)) {
        sim->active_bits = bits;
        return;
    }
    sim->active_bits = bits;
    sim->dirty = false;
    look_who_is_member();
    sim->n_judged++;
    for (int m = 0; m < sim->n_machines; m++) {
        for (int id = 0; id < N_IFACES && !sim->failed; id++) {
            if (!sim->machines[m].db.ofports[id]) {
                continue;
            } else if (id < N_IDS) {
                judge_interface(&sim->machines[m], id, active);
            } else {
                judge_leg(&sim->machines[m], id);
            }
        }
    }
    judge_remotes();
}

/* --- Convergence. */

const char *
flaw(const char *fmt, ...)
{
    static char buf[500];
    va_list args;

    va_start(args, fmt);
    vsnprintf(buf, sizeof buf, fmt, args);
    va_end(args);
    return buf;
}

/* The first row that is not wanted. */
static const struct vx_row *
surplus(const struct table *table, const struct vx_rows *rows)
{
    for (size_t k = 0; k < table->n; k++) {
        const struct vx_row *row = &table->rows[k]->row;
        bool found = row->table == VX_T_EPOCH;

        for (size_t i = 0; i < rows->n && !found; i++) {
            found = !vx_row_compare_key(row, &rows->rows[i]);
        }
        if (!found) {
            return row;
        }
    }
    return &table->rows[0]->row;
}

static const char *
compare_rows(struct machine *machine, uint64_t oid, enum vx_tier tier)
{
    const struct table *table = &machine->tables[tier];
    struct vx_rows rows = { NULL, 0, 0 };
    struct vx_buf buf = VX_BUF_INIT;
    const char *why = NULL;
    size_t n_epochs = 0;

    vx_fabric_compile(sim->app->fabric, oid, tier, &rows);
    for (size_t i = 0; i < rows.n && !why; i++) {
        struct srow *want = srow_new(&rows.rows[i]);
        bool found = false;

        for (size_t k = 0; k < table->n && !found; k++) {
            const struct vx_crow *have = &table->rows[k]->crow;

            found = !srow_compare_key(have, &want->crow)
                    && have->cookie == want->crow.cookie
                    && have->body_size == want->crow.body_size
                    && !memcmp(have->body, want->crow.body, have->body_size);
        }
        if (!found) {
            vx_row_format(&rows.rows[i], &buf);
            why = flaw("machine %d lacks %s", machine->index,
                       vx_buf_str(&buf));
        }
        srow_unref(want);
    }
    for (size_t k = 0; k < table->n; k++) {
        n_epochs += table->rows[k]->crow.table == VX_T_EPOCH;
    }
    if (!why && (n_epochs > 1 || table->n - n_epochs != rows.n)) {
        vx_row_format(surplus(table, &rows), &buf);
        why = flaw("machine %d tier %d has %zu rows, a compile makes %zu, "
                   "not %s", machine->index, tier, table->n - n_epochs,
                   rows.n, vx_buf_str(&buf));
    }
    vx_buf_fini(&buf);
    vx_rows_fini(&rows);
    return why;
}

const char *
judge_rows(struct machine *machine, enum vx_tier tier)
{
    const struct vx_obj *host = client_find(KEY_HOST + machine->db.name);

    return host ? compare_rows(machine, host->oid, tier) : "no host";
}

/* What the fabric knows of places, for who reads a life. */
void
judge_say_places(void)
{
    for (int net = 0; net < N_NETS; net++) {
        const struct vx_obj *obj = client_find(KEY_NET + net);
        const uint64_t *hosts;
        size_t n = 0;

        hosts = obj ? vx_fabric_network_hosts(sim->app->fabric, obj->oid, &n)
                    : NULL;
        for (size_t i = 0; i < n; i++) {
            const struct vx_obj *host = vx_model_by_oid(sim->app->model,
                                                        hosts[i]);
            say("network %d has presence on %s", net,
                host ? host->name : "?");
        }
    }
    for (int id = 0; id < N_IDS; id++) {
        const struct vx_obj *port = client_find(KEY_PORT + id);
        struct vx_place place;

        if (port && vx_fabric_place(sim->app->fabric, port->oid, &place)) {
            say("port %d: host %llu ofport %u, guest %llu ofport %u", id,
                (unsigned long long) place.host, place.ofport,
                (unsigned long long) place.guest, place.guest_ofport);
        }
    }
}

/* Of changes that are on their way yet nobody can say what they are to find
 * there. */
bool
judge_is_right(struct machine *machine, enum vx_tier tier)
{
    const struct vx_obj *host = sim->app && !sim->dying
        ? client_find(KEY_HOST + machine->db.name) : NULL;
    const struct conn *conn = machine->of[tier];
    struct vx_host_facts facts;

    return host && conn && conn->of && of_is_idle(conn->of)
           && !conn->to_machine.first
           && vx_hosts_facts(sim->app->hosts, host->oid, &facts)
           && facts.sw[tier - 1].state == VX_SWITCH_SYNCED
           && !compare_rows(machine, host->oid, tier);
}

static const char *
machine_converged(struct machine *machine)
{
    const struct vx_obj *host = client_find(KEY_HOST + machine->db.name);
    const char *why = NULL;

    if (!host || strcmp(machine->db.status, "active")) {
        return flaw("machine %d: %s", machine->index,
                    machine->db.status[0] ? machine->db.status : "unknown");
    }
    for (int tier = VX_TENANT_TIER; !why && tier <= VX_FABRIC_TIER; tier++) {
        machine_look(machine, (enum vx_tier) tier);
        why = compare_rows(machine, host->oid, (enum vx_tier) tier);
    }
    return why;
}

static const char *
port_converged(int id)
{
    const struct vx_obj *port = client_find(KEY_PORT + id), *host;
    struct vx_port_status status = { .state = VX_PORT_DOWN };
    struct vx_place place;
    int machine;

    if (!port || !vx_app_port_status(sim->app, port->oid, &status)
        || !vx_fabric_place(sim->app->fabric, port->oid, &place)) {
        return port ? flaw("port %d has no status", id) : NULL;
    }
    host = vx_model_by_oid(sim->app->model, place.host);
    machine = host ? host->name[1] - '0' : -1;
    if (((const struct vx_port *) port)->migrate_from
        && !((const struct vx_port *) port)->migrate_hold
        && status.state == VX_PORT_ACTIVE && place.guest_ofport) {
        return flaw("port %d is plugged at its target and does not arrive: "
                    "%s", id, status.migration);
    }
    if (status.state != VX_PORT_ACTIVE && machine >= 0
        && sim->machines[machine].db.plugged[id]) {
        return flaw("port %d is plugged and %s: %s", id,
                    vx_port_state_name(status.state), status.reason);
    }
    for (int m = 0; machine < 0 && m < sim->n_machines; m++) {
        const struct vx_host *at = (const struct vx_host *)
            client_find(KEY_HOST + sim->machines[m].db.name);

        if (sim->machines[m].db.plugged[id] && at && at->draining) {
            if (!strstr(status.reason, "draining")) {
                return flaw("port %d is plugged at a draining host, and: %s",
                            id, status.reason);
            }
            return NULL;
        }
        if (sim->machines[m].db.plugged[id]) {
            return flaw("port %d is plugged at machine %d and nowhere", id,
                        m);
        }
    }
    return NULL;
}

/* By now nothing that is told is on its way. */
static void
judge_all(void)
{
    struct machine *active[N_IDS] = { NULL };

    judging_calm = true;
    for (int id = 0; sim->bordered && id < N_IDS; id++) {
        active[id] = judge_active_at(id);
    }
    for (int id = 0; sim->bordered && id < N_IDS; id++) {
        if (active[id]) {
            judge_interface(active[id], id, active);
        }
    }
    judging_calm = false;
}

const char *
judge_converged(void)
{
    const char *why = NULL;

    for (int m = 0; !why && m < sim->n_machines; m++) {
        why = machine_converged(&sim->machines[m]);
    }
    for (int id = 0; !why && id < N_IDS; id++) {
        why = port_converged(id);
    }
    if (!why && machine_is_tampered()) {
        why = "rows were changed by hand, and an epoch says they were not";
    }
    if (!why && vx_model_count(sim->app->model, VX_RETIRED_VNI)) {
        why = "a VNI is still in quarantine";
    }
    if (!why && vx_hosts_min_realized(sim->app->hosts)
                != vx_model_revision(sim->app->model)) {
        why = "the revision is not realized";
    }
    if (!why && sim->gatewayed) {   /* what was not stored is tried again */
        why = judge_gateways_converged();
    }
    if (!why) {
        judge_all();
        judge_routed_converged();
    }
    return why;
}
