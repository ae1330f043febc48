/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that change hosts; see moves.h. */
#include "daemon/moves.h"

#include <event2/event.h>
#include <stdlib.h>

#include "core/announce.h"
#include "daemon/app.h"
#include "daemon/commit.h"
#include "daemon/hosts.h"
#include "daemon/ports.h"
#include "daemon/receipts.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

enum {
    LOCATE_PATIENCE_MS = 15000,
    GRACES_MAX = 64,            /* per turn of the loop */
};

/* A port that has come to another host, which nobody was told yet. */
struct newcomer {
    struct vx_tree_node by_oid;
    uint64_t oid;
};

struct stay {
    struct stay *next;
    struct vx_grace grace;
    int64_t due_ms;             /* monotonic */
};

struct vx_moves {
    struct vx_app *app;
    uint64_t *noted;            /* ports to look at */
    size_t n_noted, cap_noted;
    struct event *work;
    struct vx_tree newcomers;
    struct stay *first, **last;
    struct event *grace;
};

static const struct timeval pause = { 1, 0 };

static int
cmp_newcomer(const void *key, const struct vx_tree_node *node)
{
    uint64_t a = *(const uint64_t *) key;
    uint64_t b = VX_CONTAINER(node, struct newcomer, by_oid)->oid;

    return a < b ? -1 : a > b;
}

/* --- What stays for a while. */

static void
arm_grace(struct vx_moves *moves)
{
    int64_t ms = moves->first ? moves->first->due_ms - vx_clock_ms() : 0;
    struct timeval tv;

    if (moves->first) {
        ms = ms > 0 ? ms : 0;
        tv = (struct timeval) { ms / 1000, ms % 1000 * 1000 };
        evtimer_add(moves->grace, &tv);
    }
}

/* Rows that go are of the revision committed by now.  A network that goes
 * from a host costs its ports there, and a host that was drained has left
 * thousands: what is due beyond some is for the next turn. */
static void
graces_over(evutil_socket_t fd, short what, void *moves_)
{
    struct vx_moves *moves = moves_;
    struct vx_app *app = moves->app;
    int64_t now = vx_clock_ms();

    (void) fd;
    (void) what;
    app->epoch++;
    app->receipt = vx_receipts_open(app->receipts,
                                    vx_commit_revision(app->commit));
    for (size_t n = 0; n < GRACES_MAX && moves->first
                       && moves->first->due_ms <= now; n++) {
        struct stay *stay = moves->first;

        moves->first = stay->next;
        if (!moves->first) {
            moves->last = &moves->first;
        }
        vx_fabric_grace_over(app->fabric, &stay->grace);
        free(stay);
    }
    vx_receipt_close(app->receipt);
    app->receipt = NULL;
    arm_grace(moves);
}

void
vx_moves_grace(struct vx_moves *moves, const struct vx_grace *grace)
{
    struct stay *stay = vx_xcalloc(1, sizeof *stay);
    bool is_first = !moves->first;

    stay->grace = *grace;
    stay->due_ms = vx_clock_ms() + moves->app->options.grace_ms;
    *moves->last = stay;
    moves->last = &stay->next;
    if (is_first) {
        arm_grace(moves);
    }
}

/* --- Operations of our own: locate, arrive. */

struct asking {
    struct vx_moves *moves;
    uint64_t port;
};

static void
note_later(struct vx_moves *moves, uint64_t port)
{
    moves->noted = vx_grow(moves->noted, &moves->cap_noted,
                           moves->n_noted + 1, sizeof *moves->noted);
    moves->noted[moves->n_noted++] = port;
    event_add(moves->work, &pause);
}

static void
asked(void *asking_, const struct vx_error *err, const struct vx_obj *obj)
{
    struct asking *asking = asking_;

    (void) obj;
    if (err) {
        vx_log_warn("move", "%s", err->message);
    }
    if (err && err->code == VX_UNAVAILABLE
        && !asking->moves->app->stopping) {
        note_later(asking->moves, asking->port);
    }
    free(asking);
}

static void
ask(struct vx_moves *moves, enum vx_op_type type, const struct vx_obj *port,
    uint64_t host_oid)
{
    const struct vx_obj *host = vx_model_by_oid(moves->app->model, host_oid);
    struct vx_op op = { .type = type, .kind = VX_PORT };
    struct asking *asking;

    if (!host) {
        return;
    }
    asking = vx_xcalloc(1, sizeof *asking);
    asking->moves = moves;
    asking->port = port->oid;
    op.key = vx_model_key(moves->app->model, port);
    op.spec.port.host = host->name;
    vx_app_submit(moves->app, &op, 1, asked, asking);
}

/* After a start, hosts come back one by one: a second interface with the same
 * iface-id must not take a port away only because its host was quicker. */
static bool
too_early(const struct vx_app *app, const struct vx_port *port)
{
    struct vx_host_facts facts;

    return port->located
           && vx_clock_ms() - app->started_ms < LOCATE_PATIENCE_MS
           && vx_hosts_facts(app->hosts, port->located, &facts)
           && !facts.connected;
}

/* The target's tap is made and confirmed, nobody else has to agree. */
static bool
has_arrived(const struct vx_app *app, const struct vx_port *port)
{
    struct vx_place place;

    return port->migrate_from && !port->migrate_hold
           && vx_fabric_place(app->fabric, port->o.oid, &place)
           && place.guest == port->host && place.guest_ofport
           && vx_hosts_is_ready(app->hosts, port->host)
           && !vx_receipts_outstanding(app->receipts, port->o.oid);
}

/* Asked anew: it may be long ago that the port was noted. */
static void
look_now(struct vx_moves *moves, const struct vx_obj *obj)
{
    struct vx_app *app = moves->app;
    const struct vx_port *port = (const void *) obj;
    uint64_t host = vx_fabric_locate(app->fabric, obj->oid);

    if (has_arrived(app, port)) {
        ask(moves, VX_OP_ARRIVE, obj, port->host);
    } else if (host && too_early(app, port)) {
        note_later(moves, obj->oid);
    } else if (host) {
        ask(moves, VX_OP_LOCATE, obj, host);
    }
}

/* What is staged is committed first: it may come to nothing, and a port that
 * is only about to go is still to be looked at. */
static void
work(evutil_socket_t fd, short what, void *moves_)
{
    struct vx_moves *moves = moves_;
    struct vx_app *app = moves->app;
    bool committed = vx_commit_drain(app->commit, NULL);
    uint64_t *noted = moves->noted;
    size_t n = moves->n_noted;

    (void) fd;
    (void) what;
    if (!committed) {
        event_add(moves->work, &pause);
        return;
    }
    moves->noted = NULL;
    moves->n_noted = moves->cap_noted = 0;
    for (size_t i = 0; i < n; i++) {
        const struct vx_obj *port = vx_model_by_oid(app->model, noted[i]);

        if (port) {
            look_now(moves, port);
        }
    }
    free(noted);
}

void
vx_moves_note(struct vx_moves *moves, uint64_t port)
{
    note_later(moves, port);
    event_active(moves->work, EV_TIMEOUT, 0);
}

/* --- Telling. */

static struct newcomer *
find_newcomer(const struct vx_moves *moves, uint64_t oid)
{
    struct vx_tree_node *node = vx_tree_find(&moves->newcomers, &oid);

    return node ? VX_CONTAINER(node, struct newcomer, by_oid) : NULL;
}

void
vx_moves_forget(struct vx_moves *moves, uint64_t port)
{
    struct newcomer *newcomer = find_newcomer(moves, port);

    if (newcomer) {
        vx_tree_remove(&moves->newcomers, &newcomer->by_oid);
        free(newcomer);
    }
}

void
vx_moves_changed(struct vx_moves *moves, const struct vx_port *old,
                 const struct vx_port *new)
{
    uint64_t from = vx_port_location(old), to = vx_port_location(new);
    struct newcomer *newcomer;

    if (from && to && from != to && !find_newcomer(moves, new->o.oid)) {
        newcomer = vx_xcalloc(1, sizeof *newcomer);
        newcomer->oid = new->o.oid;
        vx_tree_insert(&moves->newcomers, &newcomer->oid, &newcomer->by_oid);
    }
}

/* To all of its network, as if the port itself had said it. */
static void
announce_ip(struct vx_app *app, const struct vx_port *port, uint32_t vni,
            const struct vx_place *place, const struct vx_ip *ip)
{
    uint8_t frame[VX_ANNOUNCE_MAX];
    size_t size = vx_announce_frame(&port->mac, ip, frame);
    struct vx_rows rows = { NULL, 0, 0 };
    struct vx_row *row = vx_rows_flow(&rows, VX_TENANT_TIER, 0, 0, 0);

    vx_match_u(row, VX_F_IN_PORT, place->ofport);
    vx_act_set_u(row, VX_F_REG0, vni);
    vx_act_group(row, vni);
    vx_hosts_packet_out(app->hosts, place->host, VX_TENANT_TIER, frame, size,
                        row);
    vx_rows_fini(&rows);
}

static void
announce(struct vx_app *app, const struct vx_port *port,
         const struct vx_place *place)
{
    const struct vx_network *network = (const void *)
        vx_model_by_oid(app->model, port->o.parent);
    struct vx_ip local = vx_ip_link_local(&port->mac);
    char name[256];

    for (size_t i = 0; network && i < port->n_ips; i++) {
        announce_ip(app, port, network->vni, place, &port->ips[i]);
    }
    if (network) {
        announce_ip(app, port, network->vni, place, &local);
        vx_model_path(app->model, &port->o, name, sizeof name);
        vx_log_info(name, "is on another host now; its addresses were "
                    "announced there");
    }
}

void
vx_moves_look(struct vx_moves *moves, uint64_t oid)
{
    struct vx_app *app = moves->app;
    const struct vx_obj *obj = vx_model_by_oid(app->model, oid);
    struct vx_place place;

    if (!obj || obj->kind != VX_PORT) {
        return;
    }
    if (has_arrived(app, (const void *) obj)) {
        vx_moves_note(moves, oid);
    }
    if (find_newcomer(moves, oid)
        && vx_fabric_place(app->fabric, oid, &place) && place.ofport
        && !vx_receipts_outstanding(app->receipts, oid)) {
        vx_moves_forget(moves, oid);
        announce(app, (const void *) obj, &place);
    }
}

struct vx_moves *
vx_moves_new(struct vx_app *app)
{
    struct vx_moves *moves = vx_xcalloc(1, sizeof *moves);

    moves->app = app;
    moves->last = &moves->first;
    moves->work = event_new(app->base, -1, 0, work, moves);
    moves->grace = evtimer_new(app->base, graces_over, moves);
    vx_tree_init(&moves->newcomers, cmp_newcomer);
    return moves;
}

void
vx_moves_free(struct vx_moves *moves)
{
    if (!moves) {
        return;
    }
    for (struct stay *stay = moves->first, *next; stay; stay = next) {
        next = stay->next;
        free(stay);
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &moves->newcomers) {
        vx_tree_remove(&moves->newcomers, node);
        free(VX_CONTAINER(node, struct newcomer, by_oid));
    }
    event_free(moves->work);
    event_free(moves->grace);
    free(moves->noted);
    free(moves);
}
