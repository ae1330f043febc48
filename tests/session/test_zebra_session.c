/* SPDX-License-Identifier: Apache-2.0 */
/* A zebra session and a scripted zebra at the two ends of a pair of
 * bufferevents, in one event loop: every row of the table, what goes wrong,
 * and what must come in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "bgp/zebra_session.h"
#include "lib/buf.h"
#include "lib/clock.h"

enum { MAX_LOG = 400, LINE = 96 };

struct pair {
    struct event_base *base;
    struct bufferevent *peer;       /* zebra's end; NULL: not connected */
    struct bg_zebra *zebra;
    const struct bg_zapi_row *row;  /* what zebra speaks */
    uint16_t strange_error;         /* instead of the row's number of ERROR */
    bool is_mute, answers, refuses_routes;
    unsigned caps_size, hold_ms;

    char said[MAX_LOG][LINE];       /* what zebra was told */
    size_t n_said;
    char heard[MAX_LOG][LINE];      /* what the owner was told */
    size_t n_heard;
    int n_connects;
    bool frees_on_route;
};

/* The clock, which a test may set forward; linked in the place of lib's. */
static int64_t forward_ms;

int64_t
vx_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000
           + forward_ms * 1000;
}

int64_t
vx_clock_ms(void)
{
    return vx_clock_us() / 1000;
}

int64_t
vx_clock_wall_ms(void)
{
    return vx_clock_ms();
}

static void
add(char log[MAX_LOG][LINE], size_t *n, const char *fmt, ...)
{
    va_list args;

    assert_true(*n < MAX_LOG);
    va_start(args, fmt);
    vsnprintf(log[(*n)++], LINE, fmt, args);
    va_end(args);
}

static size_t
count(char log[MAX_LOG][LINE], size_t n, const char *start)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        found += !strncmp(log[i], start, strlen(start));
    }
    return found;
}

static size_t
said(const struct pair *p, const char *start)
{
    return count(((struct pair *) (uintptr_t) p)->said, p->n_said, start);
}

static size_t
heard(const struct pair *p, const char *start)
{
    return count(((struct pair *) (uintptr_t) p)->heard, p->n_heard, start);
}

/* Where a line is in what zebra was told; -1 if it is not. */
static int
place(const struct pair *p, const char *start)
{
    for (size_t i = 0; i < p->n_said; i++) {
        if (!strncmp(p->said[i], start, strlen(start))) {
            return (int) i;
        }
    }
    return -1;
}

/* --- Zebra. */

static void
say_bytes(struct pair *p, uint16_t number, uint32_t vrf_id, const void *body,
          size_t size)
{
    uint8_t head[10] = {
        (uint8_t) ((size + 10) >> 8), (uint8_t) (size + 10), 254, 6,
        (uint8_t) (vrf_id >> 24), (uint8_t) (vrf_id >> 16),
        (uint8_t) (vrf_id >> 8), (uint8_t) vrf_id,
        (uint8_t) (number >> 8), (uint8_t) number
    };

    bufferevent_write(p->peer, head, sizeof head);
    bufferevent_write(p->peer, body, size);
}

static void
say(struct pair *p, enum bg_zapi_command command, uint32_t vrf_id,
    const void *body, size_t size)
{
    say_bytes(p, p->row->commands[command], vrf_id, body, size);
}

static void
say_vrf(struct pair *p, bool is_there, uint32_t vrf_id, const char *name)
{
    uint8_t body[76] = { 0 };

    memcpy(body + 40, name, strlen(name));
    say(p, is_there ? BG_ZAPI_VRF_ADD : BG_ZAPI_VRF_DELETE, vrf_id, body,
        sizeof body);
}

static void
say_note(struct pair *p, uint32_t vrf_id, enum bg_zapi_note note,
         const struct vx_prefix *prefix)
{
    uint8_t body[40] = { 0 };
    uint32_t what = note;
    size_t n = prefix->ip.family == 6 ? 16 : 4;

    memcpy(body, &what, 4);
    body[4] = prefix->ip.family == 6 ? 10 : 2;
    body[5] = prefix->length;
    memcpy(body + 6, prefix->ip.b, n);
    body[6 + n + 3] = 254;
    say(p, BG_ZAPI_ROUTE_NOTIFY_OWNER, vrf_id, body, n + 12);
}

/* A route of a protocol, by way of the codec. */
static void
say_route(struct pair *p, uint32_t vrf_id, enum bg_proto proto,
          const char *text, bool is_add)
{
    static struct bg_zapi_route route;
    struct vx_buf buf = VX_BUF_INIT;

    memset(&route, 0, sizeof route);
    route.proto = proto;
    route.safi = BG_SAFI_UNICAST;
    assert_true(vx_prefix_parse(text, &route.prefix));
    route.n_nexthops = 1;
    route.nexthops[0].type = BG_NEXTHOP_IFINDEX;
    route.nexthops[0].ifindex = 3;
    bg_zapi_put_route(p->row, BG_ZAPI_ROUTE_ADD, vrf_id, &route, &buf);
    say(p, is_add ? BG_ZAPI_REDISTRIBUTE_ROUTE_ADD
        : BG_ZAPI_REDISTRIBUTE_ROUTE_DEL, vrf_id, buf.data + 10,
        buf.size - 10);
    vx_buf_fini(&buf);
}

static void
greet(struct pair *p)
{
    uint8_t caps[16] = { 0 };
    size_t size = p->caps_size ? p->caps_size
                               : p->row->capabilities_sizes[0];

    caps[size == 9 ? 0 : 3] = 1;
    say(p, BG_ZAPI_CAPABILITIES, 0, caps, size);
    say_vrf(p, true, 0, "default");
    say_vrf(p, true, 7, "t1");
    say_vrf(p, true, 8, "t2");
}

static void
take_route(struct pair *p, const struct bg_zapi_header *h,
           struct bg_zapi_span body, bool is_add)
{
    static struct bg_zapi_route route;
    char text[VX_PREFIX_STRLEN];

    assert_true(bg_zapi_get_route(p->row, body, &route, NULL));
    add(p->said, &p->n_said, "%s%s %u %s",
        route.proto == BG_PROTO_BGP ? "bgp " : "",
        is_add ? "add" : "delete",
        h->vrf_id, vx_prefix_format(&route.prefix, text));
    if (p->answers) {
        say_note(p, h->vrf_id, is_add ? p->refuses_routes
                 ? BG_NOTE_FAIL_INSTALL : BG_NOTE_INSTALLED
                 : BG_NOTE_REMOVED, &route.prefix);
    }
}

static void
take(struct pair *p, const struct bg_zapi_header *h,
     struct bg_zapi_span body)
{
    uint32_t code = BG_ZAPI_ERROR_NO_VRF;

    if (p->is_mute) {
        return;
    }
    if (h->number == BG_ZAPI_PROBE) {
        static const uint8_t other[7] = { 22 };

        add(p->said, &p->n_said, "probe");
        /* Said to all clients, whatever they are waiting for. */
        say(p, BG_ZAPI_CLIENT_CLOSE_NOTIFY, 0, other, sizeof other);
        say_bytes(p, p->strange_error ? p->strange_error
                  : p->row->commands[BG_ZAPI_ERROR], h->vrf_id, &code, 4);
        return;
    }
    switch (bg_zapi_command_of(p->row, h->number)) {
    case BG_ZAPI_HELLO:
        add(p->said, &p->n_said, "hello %zu", body.size);
        greet(p);
        break;
    case BG_ZAPI_ROUTE_ADD:
        take_route(p, h, body, true);
        break;
    case BG_ZAPI_ROUTE_DELETE:
        take_route(p, h, body, false);
        break;
    case BG_ZAPI_CLIENT_CAPABILITIES:
        add(p->said, &p->n_said, "gr %u %u", body.data[3],
            body.data[body.size - 1]);
        break;
    case BG_ZAPI_REDISTRIBUTE_ADD:
        add(p->said, &p->n_said, "redistribute %u %s %u", h->vrf_id,
            bg_proto_name(bg_proto_of(p->row, body.data[1])), body.data[0]);
        break;
    case BG_ZAPI_ROUTE_NOTIFY_REQUEST:
        add(p->said, &p->n_said, "notify");
        break;
    case BG_ZAPI_OTHER:
    case BG_ZAPI_ROUTER_ID_UPDATE:      /* HELLO of 8.2, said to 10.0 */
        code = BG_ZAPI_ERROR_INVALID_TYPE;
        say(p, BG_ZAPI_ERROR, h->vrf_id, &code, 4);
        break;
    default:
        add(p->said, &p->n_said, "%s",
            bg_zapi_command_name(bg_zapi_command_of(p->row, h->number)));
    }
}

static void
on_peer_read(struct bufferevent *bev, void *aux)
{
    struct pair *p = aux;
    struct evbuffer *in = bufferevent_get_input(bev);
    uint8_t data[1024];
    struct bg_zapi_header h;

    while (evbuffer_copyout(in, data, 10) == 10) {
        assert_true(bg_zapi_decode_header(data, &h, NULL));
        if (evbuffer_get_length(in) < h.size) {
            break;
        }
        evbuffer_remove(in, data, h.size);
        take(p, &h, (struct bg_zapi_span) { data + 10,
                                            (size_t) h.size - 10 });
    }
}

static void
close_peer(struct pair *p)
{
    if (p->peer) {
        bufferevent_free(p->peer);
        p->peer = NULL;
    }
}

static struct bufferevent *
connect_pair(void *aux)
{
    struct pair *p = aux;
    struct bufferevent *ends[2];

    close_peer(p);
    p->n_connects++;
    assert_int_equal(bufferevent_pair_new(p->base, 0, ends), 0);
    p->peer = ends[1];
    bufferevent_setcb(p->peer, on_peer_read, NULL, NULL, p);
    bufferevent_enable(p->peer, EV_READ | EV_WRITE);
    return ends[0];
}

/* --- The owner. */

static void
on_state(void *aux, const struct bg_zebra_status *status)
{
    struct pair *p = aux;
    static const char *const names[] = {
        "away", "refused", "connecting", "up"
    };

    add(p->heard, &p->n_heard, "state %s %s%s", names[status->state],
        status->version, status->why);
}

static void
on_route(void *aux, const struct bg_route_event *event)
{
    struct pair *p = aux;
    char text[VX_PREFIX_STRLEN];

    add(p->heard, &p->n_heard, "route %s %s %s", event->vrf,
        vx_prefix_format(&event->prefix, text),
        bg_route_state_name(event->state));
    if (p->frees_on_route) {
        bg_zebra_free(p->zebra);
        p->zebra = NULL;
    }
}

static void
on_confirmed(void *aux, uint64_t token)
{
    struct pair *p = aux;

    add(p->heard, &p->n_heard, "confirmed %u", (unsigned) token);
}

static void
on_learned(void *aux, const struct bg_learned *route)
{
    struct pair *p = aux;
    char text[VX_PREFIX_STRLEN];

    add(p->heard, &p->n_heard, "learned %s %s", route->vrf,
        vx_prefix_format(&route->prefix, text));
}

static void
on_gone(void *aux, const char *vrf, const struct vx_prefix *prefix)
{
    struct pair *p = aux;
    char text[VX_PREFIX_STRLEN];

    add(p->heard, &p->n_heard, "gone %s %s", vrf,
        vx_prefix_format(prefix, text));
}

static void
on_whole(void *aux, const char *vrf)
{
    struct pair *p = aux;

    add(p->heard, &p->n_heard, "whole %s", vrf);
}

static void
on_closed(void *aux, enum bg_proto proto, uint16_t instance)
{
    struct pair *p = aux;

    add(p->heard, &p->n_heard, "closed %s %u", bg_proto_name(proto),
        instance);
}

static void
on_audited(void *aux, const struct bg_route_audit *audit)
{
    struct pair *p = aux;

    add(p->heard, &p->n_heard, "audited %zu %zu %zu", audit->n_seen,
        audit->n_strays, audit->n_missing);
}

static const struct bg_zebra_callbacks callbacks = {
    .state = on_state, .route = on_route, .confirmed = on_confirmed,
    .learned = on_learned, .gone = on_gone, .whole = on_whole,
    .client_closed = on_closed, .audited = on_audited
};

static void
set_true(evutil_socket_t fd, short what, void *flag)
{
    (void) fd;
    (void) what;
    *(bool *) flag = true;
}

#define RUN_UNTIL(P, CONDITION)                                         \
    do {                                                                \
        struct timeval limit_ = { 10, 0 };                              \
        bool late_ = false;                                             \
        struct event *timer_ = evtimer_new((P)->base, set_true, &late_); \
        event_add(timer_, &limit_);                                     \
        while (!(CONDITION) && !late_) {                                \
            event_base_loop((P)->base, EVLOOP_ONCE);                    \
        }                                                               \
        event_free(timer_);                                             \
        if (!(CONDITION)) {                                             \
            show(P);                                                    \
        }                                                               \
        assert_true(CONDITION);                                         \
    } while (0)

static void
show(struct pair *p)
{
    for (size_t i = 0; i < p->n_said; i++) {
        print_message("# said %s\n", p->said[i]);
    }
    for (size_t i = 0; i < p->n_heard; i++) {
        print_message("# heard %s\n", p->heard[i]);
    }
}

static struct pair *
begin(enum bg_zapi_version version)
{
    struct pair *p = calloc(1, sizeof *p);

    p->base = event_base_new();
    p->row = bg_zapi_row(version);
    p->answers = true;
    p->hold_ms = 200;
    return p;
}

static void
start(struct pair *p)
{
    struct bg_zebra_config config = {
        .base = p->base, .proto = BG_PROTO_OPENFABRIC, .stale_s = 120,
        .learns = true, .hold_ms = p->hold_ms, .retry_ms = 20,
        .limits = { 8, 300, 300 }, .connect = connect_pair,
        .connect_aux = p
    };

    p->zebra = bg_zebra_new(&config, &callbacks, p);
}

static void
end(struct pair *p)
{
    bg_zebra_free(p->zebra);
    close_peer(p);
    event_base_free(p->base);
    free(p);
}

static void
want(struct pair *p, const char *vrf, const char *text, uint64_t token)
{
    struct bg_want w = { .tag = 1 };

    assert_true(vx_prefix_parse(text, &w.prefix));
    bg_zebra_set(p->zebra, vrf, &w, token);
}

static void
unwant(struct pair *p, const char *vrf, const char *text, uint64_t token)
{
    struct bg_want w = { .tag = 1 };

    assert_true(vx_prefix_parse(text, &w.prefix));
    bg_zebra_unset(p->zebra, vrf, &w, token);
}

/* --- Handshake. */

static void
finds_out_which_release_it_talks_to(void **state)
{
    (void) state;
    static const unsigned sizes[][2] = {
        { BG_ZAPI_8_2, 10 }, { BG_ZAPI_9_1, 11 }, { BG_ZAPI_10_0, 11 },
        { BG_ZAPI_10_2, 12 }, { BG_ZAPI_10_2, 9 }
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pair *p = begin((enum bg_zapi_version) sizes[i][0]);
        char up[LINE];

        p->caps_size = sizes[i][1];
        start(p);
        snprintf(up, sizeof up, "state up %s", p->row->name);
        RUN_UNTIL(p, heard(p, up));
        assert_true(bg_zebra_status(p->zebra)->is_netns);
        want(p, "t1", "10.1.0.0/16", 1);
        RUN_UNTIL(p, heard(p, "confirmed 1"));
        assert_int_equal(said(p, "notify"), p->row->hello_has_notify ? 0
                         : 1);
        end(p);
    }
}

static void
refuses_a_release_that_is_not_known(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    p->strange_error = 121;
    start(p);
    RUN_UNTIL(p, heard(p, "state refused"));
    assert_int_equal(said(p, "hello"), 0);
    assert_non_null(strstr(bg_zebra_status(p->zebra)->why, "121"));
    assert_non_null(strstr(bg_zebra_status(p->zebra)->why,
                           bg_zapi_known()));
    end(p);

    /* 8.0 has the ERROR of 9.1, but other CAPABILITIES. */
    p = begin(BG_ZAPI_9_1);
    p->caps_size = 10;
    start(p);
    RUN_UNTIL(p, heard(p, "state refused"));
    assert_int_equal(said(p, "add"), 0);
    end(p);
}

static void
goes_on_trying_while_zebra_is_away(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    start(p);
    RUN_UNTIL(p, heard(p, "state up"));
    bufferevent_flush(p->peer, EV_READ | EV_WRITE, BEV_FINISHED);
    RUN_UNTIL(p, heard(p, "state away"));
    RUN_UNTIL(p, heard(p, "state up") == 2);
    assert_int_equal(p->n_connects, 2);
    end(p);
}

/* --- Order. */

static void
says_graceful_restart_first_and_complete_last(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    p->answers = false;
    start(p);
    want(p, "t1", "10.1.0.0/16", 1);
    RUN_UNTIL(p, said(p, "add 7 10.1.0.0/16"));
    bg_zebra_set_whole(p->zebra);
    /* t2 and the default VRF have nothing to wait for. */
    RUN_UNTIL(p, said(p, "gr 2 8") && said(p, "gr 2 0"));
    assert_int_equal(said(p, "gr 2 7"), 0);
    assert_true(place(p, "gr 1 7") < place(p, "add 7"));
    assert_true(place(p, "gr 1 7") >= 0);
    say_note(p, 7, BG_NOTE_INSTALLED, &(struct vx_prefix) {
        { 4, { 10, 1 } }, 16 });
    RUN_UNTIL(p, said(p, "gr 2 7"));
    RUN_UNTIL(p, heard(p, "audited"));
    assert_true(place(p, "gr 2 7") < place(p, "redistribute 7 openfabric"));
    assert_int_equal(said(p, "gr 2 7"), 2);     /* of both families */
    end(p);
}

static void
nothing_is_purged_before_the_owner_knows_all(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    start(p);
    want(p, "t1", "10.1.0.0/16", 1);
    RUN_UNTIL(p, heard(p, "confirmed 1"));
    assert_int_equal(said(p, "gr 2"), 0);
    assert_int_equal(said(p, "redistribute 7 openfabric"), 0);
    bg_zebra_set_whole(p->zebra);
    RUN_UNTIL(p, heard(p, "audited"));
    end(p);
}

static void
an_audit_deletes_what_is_not_wanted(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    start(p);
    want(p, "t1", "10.1.0.0/16", 1);
    RUN_UNTIL(p, heard(p, "confirmed 1"));
    /* Told before it asks, and so, in order, before its question. */
    bg_zebra_set_whole(p->zebra);
    RUN_UNTIL(p, heard(p, "audited"));
    /* It was installed, and zebra did not name it. */
    assert_true(heard(p, "audited 0 0 1"));
    RUN_UNTIL(p, said(p, "add 7 10.1.0.0/16") == 2);
    p->n_heard = 0;
    assert_true(bg_zebra_audit(p->zebra));
    assert_false(bg_zebra_audit(p->zebra));
    say_route(p, 7, BG_PROTO_OPENFABRIC, "10.1.0.0/16", true);
    say_route(p, 7, BG_PROTO_OPENFABRIC, "10.9.0.0/16", true);
    RUN_UNTIL(p, heard(p, "audited 2 1 0"));
    RUN_UNTIL(p, said(p, "delete 7 10.9.0.0/16"));
    end(p);
}

static void
what_is_wanted_while_zebra_is_away_is_said_when_it_is_back(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    start(p);
    want(p, "t1", "10.1.0.0/16", 1);
    want(p, "t1", "10.2.0.0/16", 2);
    RUN_UNTIL(p, heard(p, "confirmed 2"));
    bufferevent_flush(p->peer, EV_READ | EV_WRITE, BEV_FINISHED);
    RUN_UNTIL(p, heard(p, "state away"));
    p->n_said = 0;
    unwant(p, "t1", "10.2.0.0/16", 3);
    want(p, "t2", "10.3.0.0/16", 4);
    RUN_UNTIL(p, heard(p, "confirmed 4"));
    assert_int_equal(said(p, "add 7 10.1.0.0/16"), 1);
    assert_int_equal(said(p, "delete 7 10.2.0.0/16"), 1);
    assert_int_equal(said(p, "add 8 10.3.0.0/16"), 1);
    end(p);
}

static void
a_vrf_with_another_number_is_the_same_vrf(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    start(p);
    want(p, "t1", "10.1.0.0/16", 1);
    RUN_UNTIL(p, heard(p, "confirmed 1"));
    say_vrf(p, false, 7, "t1");
    say_vrf(p, true, 9, "t1");
    RUN_UNTIL(p, said(p, "add 9 10.1.0.0/16"));
    assert_true(place(p, "gr 1 9") < place(p, "add 9"));
    end(p);
}

/* --- Learned routes. */

static void
learned_routes_are_told_once_and_whole(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    start(p);
    RUN_UNTIL(p, heard(p, "whole t1") && heard(p, "whole t2"));
    assert_int_equal(said(p, "redistribute 7 bgp 1"), 1);
    assert_int_equal(said(p, "redistribute 7 bgp 2"), 1);
    assert_int_equal(said(p, "redistribute 0 bgp"), 0);
    say_route(p, 7, BG_PROTO_BGP, "0.0.0.0/0", true);
    say_route(p, 7, BG_PROTO_BGP, "0.0.0.0/0", true);
    say_route(p, 7, BG_PROTO_CONNECTED, "10.9.0.0/16", true);
    say_route(p, 0, BG_PROTO_BGP, "10.9.0.0/16", true);
    say_route(p, 8, BG_PROTO_BGP, "fd00::/8", true);
    RUN_UNTIL(p, heard(p, "learned t2 fd00::/8"));
    assert_int_equal(heard(p, "learned"), 2);
    say_route(p, 7, BG_PROTO_BGP, "0.0.0.0/0", false);
    RUN_UNTIL(p, heard(p, "gone t1 0.0.0.0/0"));
    say_vrf(p, false, 8, "t2");
    RUN_UNTIL(p, heard(p, "gone t2 fd00::/8"));
    end(p);
}

static void
learned_routes_are_held_while_zebra_or_bgpd_is_away(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);
    static const uint8_t bgpd[7] = { 9 };

    start(p);
    RUN_UNTIL(p, heard(p, "whole t1"));
    say_route(p, 7, BG_PROTO_BGP, "10.1.0.0/16", true);
    say_route(p, 7, BG_PROTO_BGP, "10.2.0.0/16", true);
    RUN_UNTIL(p, heard(p, "learned") == 2);
    say(p, BG_ZAPI_CLIENT_CLOSE_NOTIFY, 0, bgpd, sizeof bgpd);
    say_route(p, 7, BG_PROTO_BGP, "10.1.0.0/16", false);
    say_route(p, 7, BG_PROTO_BGP, "10.2.0.0/16", false);
    RUN_UNTIL(p, heard(p, "closed bgp 0"));
    say_route(p, 7, BG_PROTO_BGP, "10.1.0.0/16", true);
    RUN_UNTIL(p, heard(p, "gone t1 10.2.0.0/16"));
    assert_int_equal(heard(p, "gone"), 1);
    assert_int_equal(heard(p, "learned"), 2);

    bufferevent_flush(p->peer, EV_READ | EV_WRITE, BEV_FINISHED);
    RUN_UNTIL(p, heard(p, "state up") == 2);
    assert_int_equal(heard(p, "gone"), 1);
    bg_zebra_end_hold(p->zebra);
    RUN_UNTIL(p, heard(p, "gone t1 10.1.0.0/16"));
    end(p);
}

/* A route that is not answered shows that the session has looked at the
 * clock. */
static void
let_tick(struct pair *p, int64_t ms, const char *text)
{
    char failed[LINE];

    snprintf(failed, sizeof failed, "route t1 %s failed", text);
    want(p, "t1", text, 0);
    RUN_UNTIL(p, place(p, "add 7") >= 0);
    p->n_said = 0;
    forward_ms += ms;
    RUN_UNTIL(p, heard(p, failed));
}

static void
learned_routes_are_held_for_as_long_as_bgpd_is_configured(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);
    static const uint8_t bgpd[7] = { 9 };

    p->hold_ms = 25000;
    start(p);
    RUN_UNTIL(p, heard(p, "whole t1"));
    say_route(p, 7, BG_PROTO_BGP, "10.1.0.0/16", true);
    RUN_UNTIL(p, heard(p, "learned") == 1);
    say(p, BG_ZAPI_CLIENT_CLOSE_NOTIFY, 0, bgpd, sizeof bgpd);
    say_route(p, 7, BG_PROTO_BGP, "10.1.0.0/16", false);
    RUN_UNTIL(p, heard(p, "closed bgp 0"));
    bg_zebra_bgp_is_back(p->zebra);
    p->answers = false;
    p->n_said = 0;
    let_tick(p, 20000, "10.11.0.0/16");
    bg_zebra_hold_on(p->zebra);
    let_tick(p, 20000, "10.12.0.0/16");     /* 40 s */
    bg_zebra_hold_on(p->zebra);
    let_tick(p, 24000, "10.13.0.0/16");
    assert_int_equal(heard(p, "gone"), 0);
    forward_ms += 2000;
    RUN_UNTIL(p, heard(p, "gone t1 10.1.0.0/16"));
    bg_zebra_hold_on(p->zebra);             /* nothing is held: no-op */
    say_route(p, 7, BG_PROTO_BGP, "10.2.0.0/16", true);
    say_route(p, 7, BG_PROTO_BGP, "10.2.0.0/16", false);
    RUN_UNTIL(p, heard(p, "gone t1 10.2.0.0/16"));
    end(p);
}

static void
what_bgpd_has_no_more_is_taken_out_of_zebra_in_spite_of_the_hold(
    void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);
    struct vx_prefix unsaid[4], prefix;
    struct bg_zebra_counters counters;

    start(p);
    RUN_UNTIL(p, heard(p, "whole t1"));
    say_route(p, 7, BG_PROTO_BGP, "10.1.0.0/16", true);
    say_route(p, 7, BG_PROTO_BGP, "10.2.0.0/16", true);
    say_route(p, 8, BG_PROTO_BGP, "10.2.0.0/16", true);
    RUN_UNTIL(p, heard(p, "learned") == 3);
    bufferevent_flush(p->peer, EV_READ | EV_WRITE, BEV_FINISHED);
    RUN_UNTIL(p, heard(p, "state up") == 2);
    /* What it has from the kernel is no word of bgpd's. */
    say_route(p, 7, BG_PROTO_BGP, "10.1.0.0/16", true);
    say_route(p, 7, BG_PROTO_BGP, "10.2.0.0/16", true);
    RUN_UNTIL(p, bg_zebra_unsaid(p->zebra, "t1", unsaid, 4) == 0);
    bg_zebra_says_again(p->zebra);
    bg_zebra_get_counters(p->zebra, &counters);
    assert_int_equal(counters.n_learned_unsaid, 3);
    say_route(p, 7, BG_PROTO_BGP, "10.1.0.0/16", true);
    RUN_UNTIL(p, bg_zebra_unsaid(p->zebra, "t1", unsaid, 4) == 1);
    assert_true(vx_prefix_parse("10.2.0.0/16", &prefix));
    assert_int_equal(vx_prefix_compare(&unsaid[0], &prefix), 0);
    bg_zebra_purge(p->zebra, "t1", &prefix);
    assert_int_equal(heard(p, "gone"), 0);
    RUN_UNTIL(p, heard(p, "gone t1 10.2.0.0/16"));
    RUN_UNTIL(p, said(p, "bgp delete 7 10.2.0.0/16"));
    bg_zebra_purge(p->zebra, "nobody", &prefix);
    /* Nothing of what bgpd has said. */
    assert_true(vx_prefix_parse("10.1.0.0/16", &prefix));
    bg_zebra_purge(p->zebra, "t1", &prefix);
    say_route(p, 7, BG_PROTO_BGP, "10.3.0.0/16", true);
    RUN_UNTIL(p, heard(p, "learned t1 10.3.0.0/16"));
    assert_int_equal(heard(p, "gone"), 1);
    assert_int_equal(said(p, "bgp delete"), 1);
    bg_zebra_get_counters(p->zebra, &counters);
    assert_int_equal(counters.n_learned, 3);
    assert_int_equal(counters.n_learned_unsaid, 1);
    assert_true(vx_prefix_parse("10.2.0.0/16", &prefix));
    bg_zebra_purge(p->zebra, "t2", &prefix);
    RUN_UNTIL(p, said(p, "bgp delete 8 10.2.0.0/16"));
    assert_int_equal(heard(p, "gone t2 10.2.0.0/16"), 1);
    end(p);
}

/* --- Faults. */

static void
rubbish_costs_a_message_or_the_connection_only(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);
    struct bg_zebra_counters counters;

    start(p);
    RUN_UNTIL(p, heard(p, "state up"));
    say(p, BG_ZAPI_VRF_ADD, 3, "x", 1);
    say(p, BG_ZAPI_ROUTE_NOTIFY_OWNER, 7, "xy", 2);
    say(p, BG_ZAPI_REDISTRIBUTE_ROUTE_ADD, 7, "xyz", 3);
    say(p, BG_ZAPI_INTERFACE_ADD, 7, "xyz", 3);
    say_bytes(p, 999, 7, "xyz", 3);
    want(p, "t1", "10.1.0.0/16", 1);
    RUN_UNTIL(p, heard(p, "confirmed 1"));
    bg_zebra_get_counters(p->zebra, &counters);
    assert_int_equal(counters.n_undecoded, 4);
    bufferevent_write(p->peer, "0123456789abcdef", 16);
    RUN_UNTIL(p, heard(p, "state away"));
    RUN_UNTIL(p, heard(p, "state up") == 2);
    end(p);
}

static void
a_zebra_that_fails_routes_is_told_so(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    p->refuses_routes = true;
    start(p);
    want(p, "t1", "10.1.0.0/16", 1);
    RUN_UNTIL(p, heard(p, "confirmed 1"));
    assert_true(heard(p, "route t1 10.1.0.0/16 failed"));
    end(p);
}

static void
a_zebra_that_hangs_blocks_nobody_for_ever(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);

    start(p);
    want(p, "t1", "10.1.0.0/16", 1);
    RUN_UNTIL(p, heard(p, "confirmed 1"));
    p->is_mute = true;
    unwant(p, "t1", "10.1.0.0/16", 2);
    RUN_UNTIL(p, heard(p, "confirmed 2"));
    assert_true(heard(p, "route t1 10.1.0.0/16 withdrawing"));
    assert_false(heard(p, "route t1 10.1.0.0/16 gone"));
    end(p);
}

static void
freed_inside_a_callback_it_is_silent(void **state)
{
    (void) state;
    struct pair *p = begin(BG_ZAPI_8_2);
    size_t n_heard;

    p->frees_on_route = true;
    start(p);
    want(p, "t1", "10.1.0.0/16", 1);
    want(p, "t1", "10.2.0.0/16", 2);
    RUN_UNTIL(p, heard(p, "route"));
    n_heard = p->n_heard;
    event_base_loop(p->base, EVLOOP_NONBLOCK);
    assert_int_equal(p->n_heard, n_heard);
    assert_null(p->zebra);
    end(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_out_which_release_it_talks_to),
        cmocka_unit_test(refuses_a_release_that_is_not_known),
        cmocka_unit_test(goes_on_trying_while_zebra_is_away),
        cmocka_unit_test(says_graceful_restart_first_and_complete_last),
        cmocka_unit_test(nothing_is_purged_before_the_owner_knows_all),
        cmocka_unit_test(an_audit_deletes_what_is_not_wanted),
        cmocka_unit_test(
            what_is_wanted_while_zebra_is_away_is_said_when_it_is_back),
        cmocka_unit_test(a_vrf_with_another_number_is_the_same_vrf),
        cmocka_unit_test(learned_routes_are_told_once_and_whole),
        cmocka_unit_test(learned_routes_are_held_while_zebra_or_bgpd_is_away),
        cmocka_unit_test(
            learned_routes_are_held_for_as_long_as_bgpd_is_configured),
        cmocka_unit_test(
            what_bgpd_has_no_more_is_taken_out_of_zebra_in_spite_of_the_hold),
        cmocka_unit_test(rubbish_costs_a_message_or_the_connection_only),
        cmocka_unit_test(a_zebra_that_fails_routes_is_told_so),
        cmocka_unit_test(a_zebra_that_hangs_blocks_nobody_for_ever),
        cmocka_unit_test(freed_inside_a_callback_it_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
