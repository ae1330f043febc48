/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between machines and the controller: two queues that keep
 * their order and nothing else.  Each end learns of the other's end late:
 * what the controller wrote before it died still arrives, a machine that has
 * gone is noticed when its silence is. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hosts.h"
#include "lib/xalloc.h"
#include "ovs-glue/bootstrap.h"
#include "tests/sim/sim.h"

enum { SILENCE_MS = 15000 };

static void
item_free(struct item *item)
{
    for (size_t i = 0; item->ops && i < item->n; i++) {
        srow_unref(item->ops[i].row);
    }
    for (size_t i = 0; item->rows && i < item->n; i++) {
        srow_unref(item->rows[i]);
    }
    free(item->ops);
    free(item->rows);
    free(item->frame);
    free(item->acts);
    free(item->db);
    free(item->text);
    free(item);
}

static struct item *
pop(struct fifo *fifo)
{
    struct item *item = fifo->first;

    if (item) {
        fifo->first = item->next;
        if (!fifo->first) {
            fifo->last = &fifo->first;
        }
    }
    return item;
}

static void
clear(struct fifo *fifo)
{
    struct item *item;

    while ((item = pop(fifo))) {
        item_free(item);
    }
}

struct item *
conn_push(struct fifo *fifo, enum item_type type)
{
    struct item *item = vx_xcalloc(1, sizeof *item);

    item->type = type;
    *fifo->last = item;
    fifo->last = &item->next;
    return item;
}

struct conn *
conn_new(struct machine *machine, enum vx_tier tier)
{
    struct conn *conn = vx_xcalloc(1, sizeof *conn);
    struct sockaddr_in peer = { .sin_family = AF_INET };

    conn->number = ++sim->last_conn;
    conn->machine = machine;
    conn->tier = tier;
    conn->machine_open = conn->accepted = true;
    conn->to_machine.last = &conn->to_machine.first;
    conn->to_controller.last = &conn->to_controller.first;
    conn->next = sim->conns;
    sim->conns = conn;
    say("#%u machine %d connects, tier %d", conn->number, machine->index,
        tier);
    sim->accepting = conn;
    peer.sin_addr.s_addr = htonl(0xc0000201u + (unsigned) machine->index);
    peer.sin_port = htons((uint16_t) (1000 + conn->number));
    snprintf(conn->peer, sizeof conn->peer, "192.0.2.%d:%u",
             1 + machine->index, 1000 + conn->number);
    if (tier) {
        vx_hosts_accept_openflow(sim->app->hosts, -1,
                                 (struct sockaddr *) &peer);
        conn_push(&conn->to_controller, ITEM_READY)->dpid =
            og_datapath_id(tier, machine->db.host_num);
    } else {
        vx_hosts_accept_ovsdb(sim->app->hosts, -1,
                              (struct sockaddr *) &peer);
    }
    sim->accepting = NULL;
    return conn;
}

static void
machine_forgets(struct conn *conn)
{
    struct machine *machine = conn->machine;

    conn->machine_open = false;
    if (conn->tier) {
        machine->of[conn->tier] = NULL;
    } else {
        machine->ovsdb = NULL;
    }
}

void
conn_machine_closes(struct conn *conn, bool silent)
{
    say("#%u is lost at machine %d%s", conn->number, conn->machine->index,
        silent ? ", silently" : "");
    machine_forgets(conn);
    clear(&conn->to_machine);
    if (conn->of || conn->ovsdb) {
        if (silent) {
            clear(&conn->to_controller);
        }
        conn_push(&conn->to_controller, ITEM_CLOSED)->not_before_ms =
            silent ? sim->now_ms + SILENCE_MS : 0;
    }
}

/* The session was freed: what it wrote may still arrive. */
void
conn_controller_gone(struct conn *conn)
{
    conn->accepted = false;
    clear(&conn->to_controller);
    if (conn->machine_open) {
        conn_push(&conn->to_machine, ITEM_EOF);
    }
}

static bool
is_due(const struct fifo *fifo)
{
    return fifo->first && fifo->first->not_before_ms <= sim->now_ms;
}

bool
conn_can_deliver(const struct conn *conn)
{
    return (conn->machine_open && is_due(&conn->to_machine)
            && (!conn->machine->cut || sim->calm))
           || ((conn->of || conn->ovsdb) && is_due(&conn->to_controller));
}

/* --- At the machine. */

static bool
is_in(const struct og_of_part *part, const struct vx_crow *row)
{
    if (row->type != VX_ROW_FLOW) {
        return part->table >= OG_OF_NO_TABLE;
    }
    return (part->table == OG_OF_ALL_TABLES || part->table == row->table)
           && (row->cookie & part->cookie_mask) == part->cookie;
}

static void
dump(struct conn *conn, const struct og_of_part *part)
{
    const struct machine *machine = conn->machine;
    struct item *reply = conn_push(&conn->to_controller, ITEM_DUMPED);
    const struct table *table = &machine->tables[conn->tier];

    conn->out_of_step = false;
    reply->rows = vx_xcalloc(table->n + 1, sizeof *reply->rows);
    for (size_t i = 0; i < table->n; i++) {
        if (is_in(part, &table->rows[i]->crow)) {
            reply->rows[reply->n++] = srow_ref(table->rows[i]);
        }
    }
}

/* Who they are of is told, how much it was is not: no packets flow. */
static void
count(struct conn *conn, const struct og_of_part *part)
{
    const struct table *table = &conn->machine->tables[conn->tier];
    struct item *reply = conn_push(&conn->to_controller, ITEM_COUNTED);

    reply->rows = vx_xcalloc(table->n + 1, sizeof *reply->rows);
    for (size_t i = 0; part->table != OG_OF_NO_TABLE && i < table->n; i++) {
        if (is_in(part, &table->rows[i]->crow)) {
            reply->rows[reply->n++] = srow_ref(table->rows[i]);
        }
    }
}

static void
bundle(struct conn *conn, const struct item *item)
{
    struct machine *machine = conn->machine;
    const char *why = "injected";
    bool tampered = machine->tampered[conn->tier];
    bool injected = machine->n_refusals > 0 && !sim->calm && item->bundled;
    struct item *reply;

    if (injected) {
        machine->n_refusals--;
        say("machine %d tier %d refuses a bundle of %zu", machine->index,
            conn->tier, item->n);
    } else {
        why = machine_bundle(machine, conn->tier, item);
    }
    if (why && !injected && !conn->out_of_step
        && !tampered) {
        violated("machine %d tier %d refuses a bundle: %s", machine->index,
                 conn->tier, why);
    }
    conn->out_of_step |= why != NULL;
    reply = conn_push(&conn->to_controller, why ? ITEM_REFUSED : ITEM_DONE);
    reply->n = item->n;
    reply->text = why ? vx_xstrdup(why) : NULL;
}

void
wire_punts(const struct arrivals *arrivals, const uint8_t *frame,
           size_t size)
{
    for (unsigned i = 0; i < arrivals->n_punts; i++) {
        const struct punt *punt = &arrivals->punts[i];
        struct conn *to = punt->machine->of[punt->tier];

        if (to) {
            struct item *in = conn_push(&to->to_controller, ITEM_PACKET_IN);

            in->in = punt->in;
            in->frame = vx_xmemdup(frame, size);
            in->n = size;
        }
    }
}

/* A question for a next hop's address is answered by the machine behind the
 * interface it got to, if that has ears. */
static void
answer(const struct arrivals *arrivals, const struct item *item)
{
    const uint8_t *frame = item->frame;
    bool is_question = item->n >= 42 && frame[12] == 8 && frame[13] == 6
                       && frame[21] == 1;

    for (int i = 0; is_question && i < N_MACHINES * N_IFACES; i++) {
        struct machine *machine = &sim->machines[i / N_IFACES];
        int id = i % N_IFACES;
        struct vx_ip ip = ip_of(id);
        uint8_t reply[FRAME_MAX] = { 0 };
        struct vx_packet packet;
        struct vx_mac mac;

        if (!arrivals->n[i / N_IFACES][id]
            || (id >= N_IDS && !gateway_leg((id - N_IDS) % N_GATEWAYS,
                                            tenant_of_iface(id), &mac,
                                            &ip))) {
            continue;
        }
        if (!sim->deaf[id]
            && !memcmp(frame + 38, ip.b, 4)) {
            arp_answer(id, &packet, reply);
            vx_packet_set_u(&packet, VX_F_IN_PORT, machine->db.ofports[id]);
            machine_talks(machine, &packet, reply, 42);
        }
    }
}

/* Frames get lost, and are no part of the order of other messages. */
static void
packet_out(struct conn *conn, const struct item *item)
{
    struct arrivals arrivals;

    if (sim->calm || !chance(8)) {
        judge_packet_out(conn->machine, item->acts, item->frame, &arrivals);
        say("machine %d sends a frame %02x%02x of the controller, which "
            "comes back from %u", conn->machine->index, item->frame[12],
            item->frame[13], arrivals.n_punts);
        wire_punts(&arrivals, item->frame, item->n);
        answer(&arrivals, item);
    }
}

static void
transact(struct conn *conn, const struct item *item)
{
    struct machine *machine = conn->machine;
    unsigned num;
    int address;

    if (sscanf(item->text, "bridges %u %d", &num, &address) == 2) {
        machine->db.host_num = num;
        machine->db.host_address = address;
        sim->dirty = true;
    } else if (!strncmp(item->text, "status ", 7)) {
        snprintf(machine->db.status, sizeof machine->db.status, "%s",
                 item->text + 7);
    }
    machine_told(machine);
    conn_push(&conn->to_controller, ITEM_ANSWER);
}

static void
at_machine(struct conn *conn, const struct item *item)
{
    switch (item->type) {
    case ITEM_BUNDLE:
        bundle(conn, item);
        break;
    case ITEM_DUMP:
        dump(conn, &item->part);
        break;
    case ITEM_COUNT:
        count(conn, &item->part);
        break;
    case ITEM_PACKET_OUT:
        packet_out(conn, item);
        break;
    case ITEM_ECHO:
        conn_push(&conn->to_controller, ITEM_ECHOED);
        break;
    case ITEM_TRANSACT:
        transact(conn, item);
        break;
    case ITEM_EOF:
        say("#%u ends at machine %d", conn->number, conn->machine->index);
        machine_forgets(conn);
        clear(&conn->to_machine);
        break;
    default:
        violated("item %d at a machine", item->type);
    }
}

void
conn_deliver(struct conn *conn)
{
    bool down = conn->machine_open && is_due(&conn->to_machine)
                && (!conn->machine->cut || sim->calm);
    bool up = (conn->of || conn->ovsdb) && is_due(&conn->to_controller);
    struct item *item = pop(up && (!down || chance(2))
                            ? &conn->to_controller : &conn->to_machine);

    if (item->type >= ITEM_BUNDLE) {
        at_machine(conn, item);
    } else if (conn->of) {
        of_receive(conn->of, item);
    } else {
        ovsdb_receive(conn->ovsdb, item);
    }
    item_free(item);
}

bool
conn_can_pump(const struct conn *conn)
{
    return conn->of && of_can_pump(conn->of);
}

void
conn_pump(struct conn *conn)
{
    of_pump(conn->of);
}

static void
conn_free(struct conn *conn)
{
    clear(&conn->to_machine);
    clear(&conn->to_controller);
    free(conn);
}

/* Those nobody has an end of. */
void
conns_collect(void)
{
    for (struct conn **p = &sim->conns; *p;) {
        struct conn *conn = *p;

        if (!conn->machine_open && !conn->of && !conn->ovsdb) {
            *p = conn->next;
            conn_free(conn);
        } else {
            p = &conn->next;
        }
    }
}

void
conns_free(void)
{
    while (sim->conns) {
        struct conn *conn = sim->conns;

        sim->conns = conn->next;
        conn_free(conn);
    }
}
