/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a switch sends: the first byte says how far the session is when
 * the other bytes come.  1: handshake done; 2: a dump is under way; 4: a
 * bundle is on its way; 8: bytes come in two parts; 16: counters of flows are
 * asked for; 32: of meters.  The session's xids are
 * 0x80000001 and up, so an input can answer its requests. */
#include <stdint.h>
#include <stdlib.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "core/counts.h"
#include "core/explain.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_ready(void *aux, uint64_t dpid)
{
    (void) aux;
    (void) dpid;
}

/* As an audit shows and repairs it. */
static void
show(const struct og_crows *crows)
{
    struct vx_buf buf = VX_BUF_INIT;
    struct vx_row_hint hint;

    for (size_t i = 0; i < crows->n; i++) {
        og_crow_format(&crows->rows[i], &buf);
        og_crow_hint(&crows->rows[i], &hint);
        vx_buf_clear(&buf);
    }
    vx_buf_fini(&buf);
}

/* What an owner would do with them: show and delete all. */
static void
on_dumped(void *aux, struct og_crows *take_crows)
{
    struct og_msgs *msgs = og_msgs_new();

    (void) aux;
    show(take_crows);
    for (size_t i = 0; i < take_crows->n; i++) {
        og_msgs_delete_crow(msgs, &take_crows->rows[i]);
    }
    og_msgs_unref(msgs);
    og_crows_free(take_crows);
}

static void
on_committed(void *aux, uint64_t tag)
{
    (void) aux;
    (void) tag;
}

static void
on_failed(void *aux, const struct vx_error *err)
{
    (void) aux;
    (void) err;
}

/* Reads every byte. */
static void
on_packet_in(void *aux, const struct vx_packet_in *in)
{
    static volatile uint8_t sum;

    (void) aux;
    for (size_t i = 0; i < in->size; i++) {
        sum += in->frame[i];
    }
}

static void
on_closed(void *aux, const char *why)
{
    (void) why;
    *(bool *) aux = true;
}

static void
on_counted(void *aux, struct vx_count *rows, size_t n, const char *why)
{
    struct vx_tally tally;

    (void) aux;
    (void) why;
    vx_tally_init(&tally);
    vx_tally_take(&tally, rows, n, &(struct vx_tally_when) {
        .since_ms = 1000 });
    vx_tally_fini(&tally);
}

static const struct og_of_callbacks callbacks = {
    .ready = on_ready, .dumped = on_dumped, .committed = on_committed,
    .counted = on_counted,
    .failed = on_failed, .packet_in = on_packet_in, .closed = on_closed,
};

static void
settle(struct event_base *base)
{
    for (int i = 0; i < 6; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
}

static void
queue_something(struct og_of_session *session)
{
    struct vx_rows rows = { 0 };
    struct og_msgs *msgs = og_msgs_new();

    vx_act_goto(vx_rows_flow(&rows, VX_TENANT_TIER, 0, 1, 2), 10);
    og_msgs_add_row(msgs, rows.rows);
    og_of_session_queue(session, msgs, 1);
    og_msgs_unref(msgs);
    vx_rows_fini(&rows);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t hello[16] = { 6, 0, 0, 16, [9] = 1, [11] = 8,
                                       [15] = 0x40 };
    static const uint8_t features[32] = { 6, 6, 0, 32 };
    static struct event_base *base;
    struct bufferevent *ends[2];
    bool is_closed = false;

    if (!base) {
        base = event_base_new();
    }
    if (!size || bufferevent_pair_new(base, 0, ends)) {
        return 0;
    }
    bufferevent_enable(ends[1], EV_READ | EV_WRITE);
    struct og_of_session *session = og_of_session_new(ends[0], &callbacks,
                                                      &is_closed);
    unsigned how = data[0];
    if (how & 1) {
        bufferevent_write(ends[1], hello, sizeof hello);
        bufferevent_write(ends[1], features, sizeof features);
        settle(base);
    }
    if (how & 48) {
        og_of_session_count(session, &(struct og_of_part) {
            .table = how & 16 ? OG_OF_ALL_TABLES : OG_OF_NO_TABLE });
    }
    if (how & 2) {
        og_of_session_dump(session, OG_OF_ALL_TABLES);
    }
    if (how & 4) {
        queue_something(session);
    }
    settle(base);
    size_t half = how & 8 ? size / 2 : size;
    bufferevent_write(ends[1], data + 1, half - (half > 0));
    settle(base);
    if (half < size) {
        bufferevent_write(ends[1], data + half, size - half);
        settle(base);
    }
    og_of_session_free(session);
    bufferevent_free(ends[1]);
    settle(base);
    return 0;
}
