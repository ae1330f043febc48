/* SPDX-License-Identifier: Apache-2.0 */
/* of_session.h over a simulated connection.  What is bundled, confirmed and
 * held back is decided by ovs-glue/of_queue.c, as in the real session. */
#include "ovs-glue/of_session.h"

#include <stdlib.h>
#include <string.h>

#include "core/counts.h"
#include "core/pipeline.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_queue.h"
#include "tests/sim/sim.h"

struct og_of_session {
    struct conn *conn;
    const struct og_of_callbacks *cb;
    void *aux;
    struct og_queue queue;
    struct og_of_part part;
    bool dumping;
    bool counting;
    bool asked;                 /* for an echo */
    uint64_t n_received;
    bool stuck;                 /* nothing to send until something comes */
};

struct og_of_session *
og_of_session_new(struct bufferevent *take_bev,
                  const struct og_of_callbacks *cb, void *aux)
{
    struct og_of_session *s = vx_xcalloc(1, sizeof *s);

    s->conn = (struct conn *) take_bev;
    s->conn->of = s;
    s->cb = cb;
    s->aux = aux;
    og_queue_init(&s->queue);
    return s;
}

void
og_of_session_free(struct og_of_session *s)
{
    if (s) {
        s->conn->of = NULL;
        conn_controller_gone(s->conn);
        og_queue_fini(&s->queue);
        free(s);
    }
}

void
og_of_session_set_keepalive(struct og_of_session *s, unsigned interval_ms,
                            unsigned timeout_ms)
{
    (void) s;
    (void) interval_ms;
    (void) timeout_ms;
}

void
og_of_session_queue(struct og_of_session *s, struct og_msgs *msgs,
                    uint64_t tag)
{
    og_queue_push(&s->queue, msgs, tag);
    s->stuck = false;
}

void
og_of_session_fence(struct og_of_session *s, uint64_t number)
{
    og_queue_push_fence(&s->queue, number);
}

void
og_of_session_pass(struct og_of_session *s, uint64_t number)
{
    og_queue_pass(&s->queue, number);
    s->stuck = false;
}

bool
og_of_session_dump(struct og_of_session *s, uint8_t table)
{
    return og_of_session_dump_part(s, &(struct og_of_part) {
        .table = table });
}

bool
og_of_session_dump_part(struct og_of_session *s,
                        const struct og_of_part *part)
{
    if (s->queue.has_dump) {
        return false;
    }
    s->part = *part;
    og_queue_push_dump(&s->queue);
    s->stuck = false;
    return true;
}

bool
og_of_session_count(struct og_of_session *s, const struct og_of_part *part)
{
    if (s->counting || s->queue.has_dump || !outside()) {
        return false;
    }
    s->counting = true;
    conn_push(&s->conn->to_machine, ITEM_COUNT)->part = *part;
    return true;
}

void
og_of_session_packet_out(struct og_of_session *s, const void *frame,
                         size_t size, const struct vx_row *acts)
{
    struct item *item;

    if (outside()) {
        item = conn_push(&s->conn->to_machine, ITEM_PACKET_OUT);
        item->frame = vx_xmemdup(frame, size);
        item->n = size;
        item->acts = vx_xmalloc(sizeof *item->acts);
        vx_row_copy(item->acts, acts);
    }
}

void
og_of_session_ping(struct og_of_session *s)
{
    if (!s->asked && outside()) {
        s->asked = true;
        conn_push(&s->conn->to_machine, ITEM_ECHO);
    }
}

void
og_of_session_get_counters(const struct og_of_session *s,
                           struct og_of_counters *ret_counters)
{
    memset(ret_counters, 0, sizeof *ret_counters);
    ret_counters->bytes_in = s->n_received;
    ret_counters->n_in_flight = og_queue_in_flight(&s->queue);
}

static bool
may_send(const struct og_of_session *s)
{
    return og_queue_in_flight(&s->queue) < OG_OF_WINDOW;
}

bool
of_can_pump(const struct og_of_session *s)
{
    return !s->dumping && !s->stuck && s->queue.head;
}

bool
of_is_idle(const struct og_of_session *s)
{
    return !s->queue.n_unsent;
}

static void
send_bundle(struct og_of_session *s)
{
    struct item *item = conn_push(&s->conn->to_machine, ITEM_BUNDLE);
    struct og_part part;

    item->ops = vx_xcalloc(sim->max_bundle, sizeof *item->ops);
    item->bundled = og_queue_begin(&s->queue);
    while (og_queue_take(&s->queue, sim->max_bundle - item->n, &part)) {
        for (size_t i = 0; i < part.n; i++) {
            const struct sop *op = smsgs_get(part.msgs, part.first + i);

            item->ops[item->n] = *op;
            srow_ref(item->ops[item->n++].row);
        }
    }
    sim->n_bundles++;
    if (sim->silent) {
        struct vx_buf buf = VX_BUF_INIT;

        vx_row_format(&item->ops[0].row->row, &buf);
        violated("machine %d tier %d is sent rows after a restart, %s %s",
                 s->conn->machine->index, s->conn->tier,
                 item->ops[0].add ? "+" : "-", vx_buf_str(&buf));
        vx_buf_fini(&buf);
    }
    say("#%u sends a bundle of %zu to machine %d tier %d", s->conn->number,
        item->n, s->conn->machine->index, s->conn->tier);
}

/* One thing at a time, so that a crash comes between any two. */
void
of_pump(struct og_of_session *s)
{
    uint64_t tag;

    if (s->dumping || !outside()) {
        return;
    }
    switch (og_queue_next(&s->queue, may_send(s), &tag)) {
    case OG_NEXT_NONE:
        s->stuck = true;
        break;
    case OG_NEXT_BUNDLE:
        send_bundle(s);
        break;
    case OG_NEXT_TAG:
        s->cb->committed(s->aux, tag);
        break;
    case OG_NEXT_DUMP:
        s->dumping = true;
        if (sim->silent && s->part.table == OG_OF_ALL_TABLES
            && !s->part.cookie_mask) {
            const char *why = judge_rows(s->conn->machine, s->conn->tier);

            judge_say_places();
            violated("machine %d tier %d is dumped after a restart: %s",
                     s->conn->machine->index, s->conn->tier,
                     why ? why : "of no reason");
        }
        conn_push(&s->conn->to_machine, ITEM_DUMP)->part = s->part;
        break;
    }
}

static void
refused(struct og_of_session *s, const struct item *item)
{
    bool counts = !og_queue_is_void(&s->queue);
    struct vx_error err;

    if (counts) {
        og_queue_void(&s->queue);
    }
    og_queue_end(&s->queue, item->n);
    if (counts) {
        vx_fail(&err, VX_INVALID, "", "%s", item->text);
        s->cb->failed(s->aux, &err);
    }
}

static void
counted(struct og_of_session *s, const struct item *item)
{
    struct vx_count *rows = vx_xcalloc(item->n + 1, sizeof *rows);

    for (size_t i = 0; i < item->n; i++) {
        rows[i].key = i;
        rows[i].cookie = item->rows[i]->crow.cookie;
        rows[i].priority = item->rows[i]->crow.priority;
        rows[i].out_port = VX_OFPORT_PATCH;
        rows[i].packets = rows[i].bytes = (uint64_t) sim->now_ms;
    }
    s->counting = false;
    s->cb->counted(s->aux, rows, item->n, NULL);
    free(rows);
}

void
of_receive(struct og_of_session *s, struct item *item)
{
    s->stuck = false;
    s->n_received++;
    switch (item->type) {
    case ITEM_READY:
        s->conn->told_ready = true;
        s->cb->ready(s->aux, item->dpid);
        break;
    case ITEM_DONE:
        og_queue_end(&s->queue, item->n);
        break;
    case ITEM_REFUSED:
        refused(s, item);
        break;
    case ITEM_DUMPED:
        s->dumping = false;
        og_queue_dump_done(&s->queue);
        s->cb->dumped(s->aux, scrows_new(item->rows, item->n));
        break;
    case ITEM_COUNTED:
        counted(s, item);
        break;
    case ITEM_PACKET_IN:
        item->in.frame = item->frame;
        item->in.size = item->n;
        s->cb->packet_in(s->aux, &item->in);
        break;
    case ITEM_ECHOED:
        s->asked = false;
        break;
    case ITEM_CLOSED:
        s->cb->closed(s->aux, "connection lost");
        break;
    default:
        violated("item %d at an OpenFlow session", item->type);
    }
}
