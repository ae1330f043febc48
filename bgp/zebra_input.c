/* SPDX-License-Identifier: Apache-2.0 */
/* What zebra says to a session: the handshake that finds out which release
 * it is, then messages, each decoded and handed to the state machine that it
 * concerns.  See zebra_session.h. */
#include "bgp/zebra_priv.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "lib/clock.h"
#include "lib/xalloc.h"

/* --- VRFs of this connection. */

struct bg_zvrf *
bg_zvrf_find(const struct bg_zebra *z, uint32_t vrf_id)
{
    struct vx_tree_node *node = vx_tree_find(&z->vrfs, &vrf_id);

    return node ? VX_CONTAINER(node, struct bg_zvrf, by_id) : NULL;
}

static void
free_zvrf(struct bg_zebra *z, struct bg_zvrf *vrf)
{
    if (vrf->is_auditing) {
        z->n_auditing--;
    }
    if (vrf->is_looking) {
        z->n_looking--;
    }
    vx_tree_remove(&z->vrfs, &vrf->by_id);
    free(vrf);
}

void
bg_zvrf_free_all(struct bg_zebra *z)
{
    VX_TREE_FOR_EACH_SAFE(node, next, &z->vrfs) {
        free_zvrf(z, VX_CONTAINER(node, struct bg_zvrf, by_id));
    }
}

static bool
learns(const struct bg_zebra *z, const struct bg_zvrf *vrf)
{
    return z->config.learns && strcmp(vrf->name, "default");
}

static void
lose_vrf(struct bg_zebra *z, struct bg_zvrf *vrf)
{
    char name[BG_VRF_NAME_SIZE];

    memcpy(name, vrf->name, sizeof name);
    bg_route_sync_vrf_gone(z->routes, vrf->id, vx_clock_ms());
    free_zvrf(z, vrf);
    bg_learned_stale(z->learned, name);
    bg_zebra_sweep(z, name);
    BG_TELL(z, vrf, name, 0, false);
}

/* Graceful restart first: without it zebra would never purge what it keeps
 * of this VRF once any other VRF has it. */
static void
greet_vrf(struct bg_zebra *z, struct bg_zvrf *vrf)
{
    if (z->config.stale_s) {
        struct bg_zapi_gr_msg gr = { .what = BG_GR_CAPABILITIES,
                                     .vrf_id = vrf->id,
                                     .stale_s = z->config.stale_s };

        bg_zapi_put_gr(z->row, &gr, &z->out);
        bg_zebra_sent(z);
    }
    if (learns(z, vrf)) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            struct bg_zapi_redistribute bgp = { family, BG_PROTO_BGP, 0 };

            bg_zapi_put_redistribute(z->row, BG_ZAPI_REDISTRIBUTE_ADD,
                                     vrf->id, &bgp, &z->out);
            bg_zebra_sent(z);
        }
        bg_zebra_ask(z, BG_ASK_LEARNED, vrf->id, 0);
    }
    bg_zebra_flush(z);
}

static void
add_vrf(struct bg_zebra *z, uint32_t vrf_id, const struct bg_zapi_vrf *told)
{
    struct bg_zvrf *vrf = bg_zvrf_find(z, vrf_id), *other = NULL;
    uint32_t other_id;

    if (vrf && !strcmp(vrf->name, told->name)) {
        return;
    }
    if (vrf) {
        lose_vrf(z, vrf);
    }
    if (bg_route_sync_vrf_id(z->routes, told->name, &other_id)) {
        other = bg_zvrf_find(z, other_id);
    }
    if (other) {
        lose_vrf(z, other);
    }
    if (z->is_dead) {
        return;
    }
    vrf = vx_xcalloc(1, sizeof *vrf);
    vrf->id = vrf_id;
    memcpy(vrf->name, told->name, sizeof vrf->name);
    vx_tree_insert(&z->vrfs, &vrf_id, &vrf->by_id);
    greet_vrf(z, vrf);
    bg_route_sync_vrf(z->routes, vrf->name, vrf_id, vx_clock_ms());
    z->is_audit_told = false;
    BG_TELL(z, vrf, told->name, told->table_id, true);
}

/* --- Messages. */

struct message {
    struct bg_zapi_header header;
    struct bg_zapi_span body;
};

static bool
handle_vrf(struct bg_zebra *z, const struct message *m, bool is_add,
           struct vx_error *err)
{
    struct bg_zapi_vrf vrf;
    struct bg_zvrf *known;

    if (!bg_zapi_get_vrf(m->body, &vrf, err)) {
        return false;
    }
    if (is_add) {
        if (vrf.name[0]) {
            add_vrf(z, m->header.vrf_id, &vrf);
        }
    } else if ((known = bg_zvrf_find(z, m->header.vrf_id))) {
        lose_vrf(z, known);
    }
    return true;
}

static bool
handle_interface(struct bg_zebra *z, const struct message *m,
                 enum bg_zapi_command command, struct vx_error *err)
{
    struct bg_zapi_interface interface;

    if (!bg_zapi_get_interface(z->row, m->body, &interface, err)) {
        return false;
    }
    /* The kernel drops the routes of an interface that goes down, and zebra
     * 8.4 goes on believing in them: when it is up again, all are said
     * again. */
    bg_route_sync_interface(z->routes, m->header.vrf_id, interface.name,
                            command == BG_ZAPI_INTERFACE_DELETE
                            || !interface.is_up
                            ? 0 : interface.ifindex, vx_clock_ms());
    return true;
}

static bool
handle_address(struct bg_zebra *z, const struct message *m,
               enum bg_zapi_command command, struct vx_error *err)
{
    uint32_t ifindex;

    if (!bg_zapi_get_address(m->body, &ifindex, err)) {
        return false;
    }
    bg_route_sync_address(z->routes, m->header.vrf_id, ifindex,
                          command == BG_ZAPI_INTERFACE_ADDRESS_ADD,
                          vx_clock_ms());
    return true;
}

static void
learn(struct bg_zebra *z, const struct bg_zvrf *vrf,
      const struct bg_zapi_route *route, bool is_add)
{
    if (is_add) {
        struct bg_learned learned = {
            vrf->name, vrf->id, route->prefix, route->n_nexthops,
            route->nexthops, route->metric, route->tag
        };

        if (bg_learned_add(z->learned, &learned)) {
            BG_TELL(z, learned, &learned);
        }
    } else if (z->config.doubts
               && (!z->hold_until_ms
                   || (z->bgp_is_back
                       && bg_learned_is_fresh(z->learned, vrf->name,
                                              &route->prefix)))) {
        uint64_t number =
            bg_learned_doubt(z->learned, vrf->name, &route->prefix);

        if (number) {
            BG_TELL(z, doubted, number);
        }
    } else if (bg_learned_remove(z->learned, vrf->name, &route->prefix,
                                 z->hold_until_ms != 0)) {
        BG_TELL(z, gone, vrf->name, &route->prefix);
    }
}

static bool
handle_route(struct bg_zebra *z, const struct message *m, bool is_add,
             struct vx_error *err)
{
    struct bg_zvrf *vrf = bg_zvrf_find(z, m->header.vrf_id);
    struct bg_zapi_route route;

    if (!bg_zapi_get_route(z->row, m->body, &route, err)) {
        return false;
    }
    if (!vrf || route.has_source || route.safi != BG_SAFI_UNICAST) {
        return true;
    }
    if (route.proto == BG_PROTO_BGP && learns(z, vrf)) {
        learn(z, vrf, &route, is_add);
    } else if (route.proto == z->config.proto && is_add
               && (vrf->is_auditing || vrf->is_looking)
               && route.instance == z->config.instance) {
        bg_route_sync_audit_seen(z->routes, vrf->id, &route.prefix,
                                 vx_clock_ms());
    }
    return true;
}

static void
answer(struct bg_zebra *z, const struct bg_question *question)
{
    struct bg_zvrf *vrf = bg_zvrf_find(z, question->vrf_id);

    switch (question->kind) {
    case BG_ASK_PROBE:
        break;
    case BG_ASK_DELETES:
        bg_route_sync_heard(z->routes, question->number, vx_clock_ms());
        break;
    case BG_ASK_LEARNED:
        if (vrf) {
            char name[BG_VRF_NAME_SIZE];

            memcpy(name, vrf->name, sizeof name);
            BG_TELL(z, whole, name);
        }
        break;
    case BG_ASK_AUDIT:
        if (vrf && vrf->is_auditing) {
            bg_zebra_end_audit(z, vrf);
            bg_zebra_flush(z);
        }
        break;
    case BG_ASK_LOOK:
        if (vrf && vrf->is_looking) {
            bg_zebra_end_look(z, vrf);
            bg_zebra_flush(z);
        }
        break;
    }
}

/* An answer to a question, or to a message about a VRF that has just gone. */
static bool
handle_error(struct bg_zebra *z, const struct message *m,
             struct vx_error *err)
{
    struct bg_question *question = z->questions;
    uint32_t code;

    if (!bg_zapi_get_error(m->body, &code, err)) {
        return false;
    }
    if (question && question->cookie == m->header.vrf_id) {
        z->questions = question->next;
        if (!z->questions) {
            z->questions_tail = &z->questions;
        }
        answer(z, question);
        free(question);
    }
    return true;
}

static bool
handle_close(struct bg_zebra *z, const struct message *m,
             struct vx_error *err)
{
    struct bg_zapi_close closed;

    if (!bg_zapi_get_close(z->row, m->body, &closed, err)) {
        return false;
    }
    if (closed.proto == BG_PROTO_BGP && !closed.instance) {
        /* What zebra now takes out comes back when bgpd does. */
        z->hold_until_ms = vx_clock_ms() + z->config.away_ms;
        z->bgp_is_back = false;
        bg_learned_disbelieve(z->learned, z->believed);
    }
    BG_TELL(z, client_closed, closed.proto, closed.instance);
    return true;
}

static bool
handle_note(struct bg_zebra *z, const struct message *m,
            struct vx_error *err)
{
    struct bg_zapi_route_note note;

    if (!bg_zapi_get_route_note(m->body, &note, err)) {
        return false;
    }
    bg_route_sync_note(z->routes, m->header.vrf_id, &note, vx_clock_ms());
    return true;
}

static bool
handle_rule_note(struct bg_zebra *z, const struct message *m,
                 struct vx_error *err)
{
    struct bg_zapi_rule_note note;

    if (!bg_zapi_get_rule_note(m->body, &note, err)) {
        return false;
    }
    bg_pbr_sync_rule_note(z->pbr, &note);
    return true;
}

static bool
handle(struct bg_zebra *z, const struct message *m, struct vx_error *err)
{
    enum bg_zapi_command command = bg_zapi_command_of(z->row,
                                                      m->header.number);

    switch (command) {
    case BG_ZAPI_VRF_ADD:
        return handle_vrf(z, m, true, err);
    case BG_ZAPI_VRF_DELETE:
        return handle_vrf(z, m, false, err);
    case BG_ZAPI_INTERFACE_ADD:
    case BG_ZAPI_INTERFACE_DELETE:
    case BG_ZAPI_INTERFACE_UP:
    case BG_ZAPI_INTERFACE_DOWN:
        return handle_interface(z, m, command, err);
    case BG_ZAPI_INTERFACE_ADDRESS_ADD:
    case BG_ZAPI_INTERFACE_ADDRESS_DELETE:
        return handle_address(z, m, command, err);
    case BG_ZAPI_REDISTRIBUTE_ROUTE_ADD:
        return handle_route(z, m, true, err);
    case BG_ZAPI_REDISTRIBUTE_ROUTE_DEL:
        return handle_route(z, m, false, err);
    case BG_ZAPI_ROUTE_NOTIFY_OWNER:
        return handle_note(z, m, err);
    case BG_ZAPI_RULE_NOTIFY_OWNER:
        return handle_rule_note(z, m, err);
    case BG_ZAPI_ERROR:
        return handle_error(z, m, err);
    case BG_ZAPI_CLIENT_CLOSE_NOTIFY:
        return handle_close(z, m, err);
    default:
        return true;
    }
}

/* --- Handshake. */

static void
say_hello(struct bg_zebra *z, enum bg_zapi_version version,
          enum bg_zebra_phase phase)
{
    struct bg_zapi_hello hello = { z->config.proto, z->config.instance,
                                   true };

    z->row = bg_zapi_row(version);
    z->phase = phase;
    bg_zapi_put_hello(z->row, &hello, &z->out);
    bg_zebra_sent(z);
    bg_zebra_flush(z);
}

static void
refuse(struct bg_zebra *z, const struct message *m)
{
    bg_zebra_drop(z, BG_ZEBRA_REFUSED, "zebra at %s speaks a version of its "
                  "API that is not known: it answers a probe with message "
                  "number %u of %zu bytes; known are %s",
                  z->path, m->header.number, m->body.size, bg_zapi_known());
}

/* The number of ERROR tells the releases apart, but for 8.2 to 9.0 and 10.0
 * to 10.1: to those HELLO is said as 8.2 has it, and 10.0 does not know it. */
static void
probe(struct bg_zebra *z, const struct message *m)
{
    uint32_t code;

    if (m->header.vrf_id != BG_COOKIE_MIN) {
        return;         /* that some client has gone is said to all, at once */
    }
    if (!bg_zapi_get_error(m->body, &code, NULL)) {
        refuse(z, m);
        return;
    }
    switch (m->header.number) {
    case 117:
        say_hello(z, BG_ZAPI_9_1, BG_PHASE_HELLO);
        break;
    case 118:
        say_hello(z, BG_ZAPI_8_2, BG_PHASE_GUESS);
        break;
    case 120:
        say_hello(z, BG_ZAPI_10_2, BG_PHASE_HELLO);
        break;
    default:
        refuse(z, m);
    }
}

static void
come_up(struct bg_zebra *z, const struct bg_zapi_capabilities *caps)
{
    int64_t now_ms = vx_clock_ms();

    z->phase = BG_PHASE_UP;
    z->wait_ms = z->config.retry_ms;
    evtimer_del(z->retry);
    z->status.version = z->row->name;
    z->status.is_netns = caps->is_netns;
    z->status.n_connects++;
    z->status.why[0] = '\0';
    bg_zebra_set_state(z, BG_ZEBRA_UP);
    if (z->hold_until_ms) {
        z->hold_until_ms = now_ms + z->config.hold_ms;
    }
    if (!z->row->hello_has_notify) {
        bg_zapi_put_notify_request(z->row, true, &z->out);
        bg_zebra_sent(z);
    }
    bg_zapi_put_interface_add(z->row, &z->out);
    bg_zebra_sent(z);
    bg_zebra_flush(z);
    bg_route_sync_connected(z->routes, now_ms);
    bg_pbr_sync_connected(z->pbr);
}

static void
shake_hands(struct bg_zebra *z, const struct message *m)
{
    enum bg_zapi_command command;
    struct bg_zapi_capabilities caps;
    struct vx_error err;

    if (z->phase == BG_PHASE_PROBE) {
        probe(z, m);
        return;
    }
    command = bg_zapi_command_of(z->row, m->header.number);
    if (command == BG_ZAPI_CAPABILITIES) {
        if (bg_zapi_get_capabilities(z->row, m->body, &caps, &err)) {
            come_up(z, &caps);
        } else {
            bg_zebra_drop(z, BG_ZEBRA_REFUSED, "%s", err.message);
        }
    } else if (z->phase == BG_PHASE_GUESS && command == BG_ZAPI_ERROR) {
        say_hello(z, BG_ZAPI_10_0, BG_PHASE_HELLO);
    } else if (command == BG_ZAPI_ERROR) {
        refuse(z, m);
    }
}

/* --- The stream. */

/* Takes one message off the input; false: there is none, or the stream is
 * beyond repair. */
static bool
take_message(struct bg_zebra *z, struct evbuffer *in, struct vx_buf *copy,
             struct message *ret_m)
{
    uint8_t head[BG_ZAPI_HEADER_SIZE];
    struct vx_error err;

    if (evbuffer_copyout(in, head, sizeof head)
        != (ev_ssize_t) sizeof head) {
        return false;
    }
    if (!bg_zapi_decode_header(head, &ret_m->header, &err)) {
        bg_zebra_drop(z, z->phase == BG_PHASE_UP ? BG_ZEBRA_AWAY
                      : BG_ZEBRA_REFUSED, "%s: %s", z->path, err.message);
        return false;
    }
    if (evbuffer_get_length(in) < ret_m->header.size) {
        return false;
    }
    vx_buf_clear(copy);
    evbuffer_remove(in, vx_buf_extend(copy, ret_m->header.size),
                    ret_m->header.size);
    ret_m->body.data = (const uint8_t *) copy->data + BG_ZAPI_HEADER_SIZE;
    ret_m->body.size = ret_m->header.size - BG_ZAPI_HEADER_SIZE;
    z->bytes_in += ret_m->header.size;
    z->n_messages_in++;
    return true;
}

void
bg_zebra_input(struct bg_zebra *z)
{
    struct vx_buf copy = VX_BUF_INIT;
    struct message m;

    while (!z->is_dead && z->bev
           && take_message(z, bufferevent_get_input(z->bev), &copy, &m)) {
        if (z->phase != BG_PHASE_UP) {
            shake_hands(z, &m);
        } else if (!handle(z, &m, NULL)) {
            z->n_undecoded++;
        }
    }
    vx_buf_fini(&copy);
}
