/* SPDX-License-Identifier: Apache-2.0 */
/* One connection from an ovsdb-server; see ovsdb_session.h.
 *
 * Short callbacks: bytes in, codec, view, claims, owner.  The owner may free
 * the session in any callback: `freed` then stops all further ones and the
 * memory goes when the outermost of our frames returns (enter, leave). */
#include <config.h>

#include "ovs-glue/ovsdb_session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "lib/clock.h"
#include "openvswitch/json.h"

#include "core/pipeline.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/xalloc.h"
#include "ovs-glue/bootstrap.h"
#include "ovs-glue/ovsdb_claims.h"
#include "ovs-glue/ovsdb_codec.h"

enum {
    ID_MONITOR = 1,             /* of requests; transactions count on */
    INPUT_MAX = 1 << 20,        /* bytes buffered before they are looked at */
    OUTPUT_MAX = 4 << 20,       /* bytes not taken before echoes close it */
    SLICE = 256 << 10,          /* bytes in one turn of the loop */
};

/* A transaction on its way. */
struct pending {
    int64_t id;
    og_ovsdb_done *done;
    void *aux;
    struct pending *next;
};

struct og_ovsdb_session {
    const struct og_ovsdb_callbacks *cb;
    void *aux;
    struct bufferevent *bev;        /* NULL once closed */
    struct event *timer;
    struct og_json_stream *stream;
    struct og_ovsdb_view view;
    struct og_claims claims;
    struct pending *first, **last;  /* in order of their requests */
    int64_t last_id;
    int64_t last_byte_ms, start_ms;
    unsigned interval_ms, timeout_ms;
    unsigned n_frames;              /* of ours on the stack */
    bool is_echo_sent;              /* since last_byte_ms */
    bool is_ready;
    bool is_changed;                /* by the update being applied */
    bool freed;
};

static void
destroy(struct og_ovsdb_session *s)
{
    if (s->bev) {
        bufferevent_free(s->bev);
    }
    event_free(s->timer);
    og_json_stream_free(s->stream);
    og_claims_fini(&s->claims);
    og_view_fini(&s->view);
    while (s->first) {
        struct pending *p = s->first;

        s->first = p->next;
        free(p);
    }
    free(s);
}

static void
enter(struct og_ovsdb_session *s)
{
    s->n_frames++;
}

static void
leave(struct og_ovsdb_session *s)
{
    if (--s->n_frames == 0 && s->freed) {
        destroy(s);
    }
}

static bool
is_alive(const struct og_ovsdb_session *s)
{
    return s->bev && !s->freed;
}

/* --- Calls to the owner. */

static void
note(struct og_ovsdb_session *s, const char *text)
{
    if (!s->freed && s->cb->note) {
        s->cb->note(s->aux, text);
    }
}

static void
fail_pending(struct og_ovsdb_session *s, const char *why)
{
    while (s->first && !s->freed) {
        struct pending *p = s->first;

        s->first = p->next;
        if (!s->first) {
            s->last = &s->first;
        }
        if (p->done) {
            p->done(p->aux, false, why);
        }
        free(p);
    }
}

/* From the loop only. */
static void
close_session(struct og_ovsdb_session *s, const char *why)
{
    if (!is_alive(s)) {
        return;
    }
    bufferevent_free(s->bev);
    s->bev = NULL;
    event_del(s->timer);
    fail_pending(s, why);
    if (!s->freed) {
        s->cb->closed(s->aux, why);
    }
}

static void
tell_iface(void *aux, const char *iface_id, uint32_t ofport)
{
    struct og_ovsdb_session *s = aux;

    if (!s->freed) {
        s->cb->iface(s->aux, iface_id, ofport);
    }
}

static void
tell_conflict(void *aux, const struct og_iface *first,
              const struct og_iface *second)
{
    char *text = vx_xasprintf(
        "iface-id \"%s\" is on interface \"%s\" and on \"%s\": the first "
        "keeps it; take it off one of them", first->iface_id, first->name,
        second->name);

    note(aux, text);
    free(text);
}

/* --- Updates. */

static bool
is_our_name(const char *name)
{
    return !strcmp(name, OG_PATCH_TO_FABRIC)
           || !strcmp(name, OG_PATCH_TO_TENANT) || !strcmp(name, OG_VXLAN);
}

static bool
is_on_ours(const struct og_port *port)
{
    const struct og_bridge *bridge = og_view_port_bridge(port);

    return bridge && (!strcmp(bridge->name, VX_BRIDGE_TENANT)
                      || !strcmp(bridge->name, VX_BRIDGE_FABRIC));
}

static void
touch_port(struct og_ovsdb_session *s, struct og_port *port)
{
    for (size_t i = 0; i < port->interfaces.n; i++) {
        struct og_row *iface = (struct og_row *) og_view_row(
            &s->view, OG_T_INTERFACE, port->interfaces.items[i]);

        if (iface && iface->parent == &port->row) {
            og_claims_touch(&s->claims, (struct og_iface *) iface);
        }
    }
}

static void
on_row(void *aux, struct og_row *row, enum og_row_event event)
{
    struct og_ovsdb_session *s = aux;

    if (row->table == OG_T_INTERFACE) {
        struct og_iface *iface = (struct og_iface *) row;

        iface->gone = event == OG_ROW_GONE;
        og_claims_touch(&s->claims, iface);
        s->is_changed = s->is_changed || is_our_name(iface->name);
        return;                 /* the claims free it */
    }
    if (row->table == OG_T_PORT) {
        struct og_port *port = (struct og_port *) row;

        s->is_changed = s->is_changed || is_our_name(port->name)
                        || (og_port_has_vlans(port) && is_on_ours(port));
        touch_port(s, port);
    } else {
        s->is_changed = true;
    }
    if (event == OG_ROW_GONE) {
        og_row_free(row);
    }
}

static bool
apply(struct og_ovsdb_session *s, const struct json *updates,
      struct vx_error *err)
{
    const struct og_update_sink rows = { s, on_row };
    const struct og_claims_sink sink = { s, tell_iface, tell_conflict };
    bool ok = og_ovsdb_apply(&s->view, updates, &rows, err);

    if (ok) {
        og_claims_settle(&s->claims, &sink);
    }
    return ok;
}

static void
tell_update(struct og_ovsdb_session *s)
{
    const struct og_claims_sink sink = { s, tell_iface, tell_conflict };
    bool is_changed = s->is_changed;

    s->is_changed = false;
    og_claims_tell(&s->claims, &sink);
    if (is_changed && is_alive(s)) {
        s->cb->changed(s->aux);
    }
}

/* --- Messages. */

static void
send_text(struct og_ovsdb_session *s, const char *text)
{
    bufferevent_write(s->bev, text, strlen(text));
}

static const struct json *
member(const struct json *object, const char *name)
{
    const struct json *value = shash_find_data(object->object, name);

    return value && value->type != JSON_NULL ? value : NULL;
}

static bool
handle_monitor_reply(struct og_ovsdb_session *s, const struct json *msg,
                     struct vx_error *err)
{
    const struct json *error = member(msg, "error");
    const struct json *result = member(msg, "result");

    if (s->is_ready) {
        return vx_fail(err, VX_INVALID, "", "monitor answered twice");
    }
    if (error) {
        og_ovsdb_fail(error, err);
        return vx_fail(err, VX_INVALID, "", "monitor_cond_since refused "
                       "(needs ovsdb-server 2.12 or later)");
    }
    if (!result || result->type != JSON_ARRAY || result->array.n != 3) {
        return vx_fail(err, VX_INVALID, "", "malformed monitor reply");
    }
    if (!apply(s, result->array.elems[2], err)) {
        return false;
    }
    s->is_ready = true;
    s->is_changed = false;
    s->cb->ready(s->aux);
    if (is_alive(s)) {
        tell_update(s);
    }
    return true;
}

static bool
handle_transact_reply(struct og_ovsdb_session *s, int64_t id,
                      const struct json *msg, struct vx_error *err)
{
    const struct json *error = member(msg, "error");
    const struct json *result = member(msg, "result");
    struct vx_error why = { .code = VX_OK };
    struct pending *p = s->first;
    bool ok;

    if (!p || p->id != id) {
        return vx_fail(err, VX_INVALID, "", "reply to an unknown request");
    }
    if (error) {
        ok = og_ovsdb_fail(error, &why);
    } else if (result) {
        ok = og_ovsdb_check_result(result, &why);
    } else {
        ok = vx_fail(&why, VX_INVALID, "", "empty reply");
    }
    s->first = p->next;
    if (!s->first) {
        s->last = &s->first;
    }
    if (p->done) {
        p->done(p->aux, ok, why.message);
    }
    free(p);
    return true;
}

static bool
handle_reply(struct og_ovsdb_session *s, const struct json *msg,
             struct vx_error *err)
{
    const struct json *id = member(msg, "id");

    if (id && id->type == JSON_STRING && !strcmp(id->string, "echo")) {
        return true;
    }
    if (!id || id->type != JSON_INTEGER) {
        return vx_fail(err, VX_INVALID, "", "reply to an unknown request");
    }
    return id->integer == ID_MONITOR
           ? handle_monitor_reply(s, msg, err)
           : handle_transact_reply(s, id->integer, msg, err);
}

static bool
handle_update(struct og_ovsdb_session *s, const struct json *params,
              struct vx_error *err)
{
    if (!s->is_ready || !params || params->type != JSON_ARRAY
        || params->array.n != 3) {
        return vx_fail(err, VX_INVALID, "", "malformed or untimely update");
    }
    if (!apply(s, params->array.elems[2], err)) {
        return false;
    }
    tell_update(s);
    return true;
}

static bool
handle_request(struct og_ovsdb_session *s, const char *method,
               const struct json *msg, struct vx_error *err)
{
    const struct json *params = member(msg, "params");
    const struct json *id = member(msg, "id");
    char *id_text, *text;

    if (!id) {                      /* notification */
        return strcmp(method, "update3") || handle_update(s, params, err);
    }
    if (strcmp(method, "echo") || !params) {
        return vx_fail(err, VX_INVALID, "", "unexpected request \"%.40s\"",
                       method);
    }
    if (evbuffer_get_length(bufferevent_get_output(s->bev)) > OUTPUT_MAX) {
        return vx_fail(err, VX_TOO_LARGE, "", "sends, but does not read");
    }
    id_text = json_to_string(id, 0);
    text = json_to_string(params, 0);
    send_text(s, "{\"error\":null,\"id\":");
    send_text(s, id_text);
    send_text(s, ",\"result\":");
    send_text(s, text);
    send_text(s, "}");
    free(id_text);
    free(text);
    return true;
}

static bool
handle(struct og_ovsdb_session *s, const struct json *msg,
       struct vx_error *err)
{
    const struct json *method;

    if (msg->type != JSON_OBJECT) {
        return vx_fail(err, VX_INVALID, "", "message is not an object");
    }
    method = member(msg, "method");
    if (!method) {
        return handle_reply(s, msg, err);
    }
    if (method->type != JSON_STRING) {
        return vx_fail(err, VX_INVALID, "", "method is not a string");
    }
    return handle_request(s, method->string, msg, err);
}

/* --- The loop's callbacks. */

static bool
read_chunk(struct og_ovsdb_session *s, size_t *budget, struct vx_error *err)
{
    struct evbuffer *input = bufferevent_get_input(s->bev);
    size_t size = evbuffer_get_contiguous_space(input), used;
    const char *data;
    struct json *msg;
    bool ok;

    size = size < *budget ? size : *budget;
    data = (const char *) evbuffer_pullup(input, (ssize_t) size);
    if (!og_json_stream_feed(s->stream, data, size, &used, &msg, err)) {
        return false;
    }
    evbuffer_drain(input, used);
    *budget -= used;
    if (!msg) {
        return true;
    }
    ok = handle(s, msg, err);
    json_destroy(msg);
    return ok;
}

static void
on_read(struct bufferevent *bev, void *aux)
{
    struct og_ovsdb_session *s = aux;
    struct vx_error err = { .code = VX_OK };
    size_t budget = SLICE;

    enter(s);
    s->last_byte_ms = vx_clock_ms();
    s->is_echo_sent = false;
    while (is_alive(s) && budget
           && evbuffer_get_length(bufferevent_get_input(bev))) {
        if (!read_chunk(s, &budget, &err)) {
            close_session(s, err.message);
        }
    }
    if (is_alive(s) && !budget) {
        bufferevent_trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
    }
    leave(s);
}

static void
on_event(struct bufferevent *bev, short what, void *aux)
{
    struct og_ovsdb_session *s = aux;
    char why[200];

    (void) bev;
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))) {
        return;
    }
    if (what & BEV_EVENT_ERROR) {
        snprintf(why, sizeof why, "connection lost: %s",
                 evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    } else {
        snprintf(why, sizeof why, "the host closed the connection%s",
                 og_json_stream_in_message(s->stream)
                 ? " in the middle of a message" : "");
    }
    enter(s);
    close_session(s, why);
    leave(s);
}

static void
arm(struct og_ovsdb_session *s, int64_t ms)
{
    ms = ms < 1 ? 1 : ms;
    event_add(s->timer, &(struct timeval) { ms / 1000, ms % 1000 * 1000 });
}

/* Silence so far decides: wait on, ask, or give up. */
static void
check_alive(struct og_ovsdb_session *s)
{
    int64_t limit = (int64_t) s->interval_ms + s->timeout_ms;
    int64_t idle = vx_clock_ms() - s->last_byte_ms;
    char why[100];

    if (!s->interval_ms) {
        return;
    }
    if (!s->is_ready && vx_clock_ms() - s->start_ms >= limit) {
        snprintf(why, sizeof why, "no complete view within %" PRId64 " ms",
                 limit);
        close_session(s, why);
    } else if (idle < (int64_t) s->interval_ms) {
        arm(s, s->interval_ms - idle);
    } else if (!s->is_echo_sent) {
        s->is_echo_sent = true;
        send_text(s, "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}");
        arm(s, limit - idle);
    } else if (idle < limit) {
        arm(s, limit - idle);
    } else {
        snprintf(why, sizeof why, "no byte from the host for %" PRId64 " ms",
                 idle);
        close_session(s, why);
    }
}

static void
on_timer(evutil_socket_t fd, short what, void *aux)
{
    struct og_ovsdb_session *s = aux;

    (void) fd;
    (void) what;
    enter(s);
    if (is_alive(s)) {
        check_alive(s);
    } else {
        fail_pending(s, "the session is closed");
    }
    leave(s);
}

/* --- What the owner calls. */

struct og_ovsdb_session *
og_ovsdb_session_new(struct bufferevent *take_bev,
                     const struct og_ovsdb_callbacks *callbacks, void *aux)
{
    struct og_ovsdb_session *s = vx_xcalloc(1, sizeof *s);
    char *params = og_ovsdb_monitor_params();
    char *text = vx_xasprintf("{\"id\":%d,\"method\":\"monitor_cond_since\","
                              "\"params\":%s}", ID_MONITOR, params);

    s->cb = callbacks;
    s->aux = aux;
    s->bev = take_bev;
    s->timer = evtimer_new(bufferevent_get_base(take_bev), on_timer, s);
    s->stream = og_json_stream_new();
    og_view_init(&s->view);
    og_claims_init(&s->claims);
    s->last = &s->first;
    s->last_id = ID_MONITOR;
    s->start_ms = s->last_byte_ms = vx_clock_ms();
    bufferevent_setcb(s->bev, on_read, NULL, on_event, s);
    bufferevent_setwatermark(s->bev, EV_READ, 0, INPUT_MAX);
    bufferevent_enable(s->bev, EV_READ | EV_WRITE);
    og_ovsdb_session_set_keepalive(s, 5000, 10000);
    send_text(s, text);
    free(text);
    free(params);
    return s;
}

void
og_ovsdb_session_free(struct og_ovsdb_session *s)
{
    if (!s || s->freed) {
        return;
    }
    s->freed = true;
    if (!s->n_frames) {
        destroy(s);
    }
}

void
og_ovsdb_session_set_keepalive(struct og_ovsdb_session *s,
                               unsigned interval_ms, unsigned timeout_ms)
{
    s->interval_ms = interval_ms;
    s->timeout_ms = timeout_ms;
    if (interval_ms && s->bev) {
        arm(s, interval_ms);
    } else {
        event_del(s->timer);
    }
}

const struct og_ovsdb_view *
og_ovsdb_session_view(const struct og_ovsdb_session *s)
{
    return &s->view;
}

bool
og_ovsdb_session_is_ready(const struct og_ovsdb_session *s)
{
    return s->is_ready && s->bev;
}

const char *
og_ovsdb_session_system_id(const struct og_ovsdb_session *s)
{
    return og_view_external_id(&s->view, OG_ID_SYSTEM);
}

struct each {
    void (*f)(void *aux, const char *iface_id, uint32_t ofport);
    void *aux;
};

static void
each_one(void *aux, const char *iface_id, uint32_t ofport)
{
    const struct each *each = aux;

    each->f(each->aux, iface_id, ofport);
}

void
og_ovsdb_session_each_iface(
    const struct og_ovsdb_session *s,
    void (*f)(void *aux, const char *iface_id, uint32_t ofport), void *aux)
{
    struct each each = { f, aux };

    og_claims_each(&s->claims,
                   &(struct og_claims_sink) { &each, each_one, NULL });
}

uint32_t
og_ovsdb_session_ofport(const struct og_ovsdb_session *s,
                        const char *iface_id)
{
    return og_claims_ofport(&s->claims, iface_id);
}

void
og_ovsdb_session_transact(struct og_ovsdb_session *s, const char *operations,
                          og_ovsdb_done *done, void *aux)
{
    struct pending *p = vx_xcalloc(1, sizeof *p);
    char head[100];

    assert(operations[0] == '[' && operations[1] == '{');
    p->id = ++s->last_id;
    p->done = done;
    p->aux = aux;
    *s->last = p;
    s->last = &p->next;
    if (!s->bev) {
        arm(s, 0);                  /* fails it from the loop */
        return;
    }
    snprintf(head, sizeof head, "{\"id\":%" PRId64 ",\"method\":\"transact\""
             ",\"params\":[\"Open_vSwitch\",", p->id);
    send_text(s, head);
    send_text(s, operations + 1);   /* its "]" closes params */
    send_text(s, "}");
}
