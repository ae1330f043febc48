/* SPDX-License-Identifier: Apache-2.0 */
/* A BGP session and a scripted peer at the two ends of a pair of
 * bufferevents: handshake, routes both ways, what goes wrong, and the state
 * machine alone under a made clock. */
#include "bgp/bgp_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "bgp/bgp_fsm.h"
#include "bgp/rib_in.h"
#include "bgp/rib_out.h"
#include "lib/buf.h"
#include "tests/lib/bgp_sample.h"

struct pair {
    struct event_base *base;
    struct bufferevent *peer;
    struct bg_session *session;
    struct bg_rib_out *out;
    struct bg_rib_in *in;
    struct bg_session_config config;

    /* What the peer saw. */
    size_t n[BG_ROUTE_REFRESH + 1];     /* messages by type */
    size_t n_reach, n_unreach;
    unsigned ended;
    struct bg_open open;
    struct bg_notify notify;
    bool peer_closed;

    /* What the owner heard. */
    size_t n_up, n_down, n_learned, n_lost, n_complete, n_malformed;
    char why[256];
    bool frees_when_up, frees_when_down;
};

static struct vx_ip
ip_of(const char *s)
{
    struct vx_ip ip;

    assert_true(vx_ip_parse(s, &ip));
    return ip;
}

/* --- The peer. */

static void
on_reach(void *aux, const struct bg_nlri *nlri, const struct bg_attrs *attrs)
{
    (void) nlri;
    (void) attrs;
    ((struct pair *) aux)->n_reach++;
}

static void
on_unreach(void *aux, const struct bg_nlri *nlri)
{
    (void) nlri;
    ((struct pair *) aux)->n_unreach++;
}

static void
on_end(void *aux, enum bg_family family)
{
    ((struct pair *) aux)->ended |= BG_BIT(family);
}

static void
on_bad(void *aux, const char *why)
{
    (void) aux;
    fail_msg("%s", why);
}

static const struct bg_update_sink sink = {
    on_reach, on_unreach, on_end, on_bad,
};

static void
see(struct pair *p, enum bg_msg_type type, const uint8_t *body, size_t size)
{
    const struct bg_update_context all = { BG_ALL_FAMILIES, true };
    struct bg_notify why;

    p->n[type]++;
    if (type == BG_OPEN) {
        assert_true(bg_decode_open(body, size, &p->open, &why));
    } else if (type == BG_NOTIFICATION) {
        bg_decode_notification(body, size, &p->notify);
    } else if (type == BG_UPDATE) {
        assert_true(bg_decode_update(body, size, &all, &sink, p, &why));
    }
}

static void
on_peer_read(struct bufferevent *bev, void *aux)
{
    struct evbuffer *input = bufferevent_get_input(bev);
    struct bg_notify why;
    enum bg_msg_type type;
    size_t size;

    for (;;) {
        size_t have = evbuffer_get_length(input);
        const uint8_t *bytes = evbuffer_pullup(input, -1);

        if (!bytes) {
            return;
        }
        assert_true(bg_decode_header(bytes, have, &type, &size, &why));
        if (!size || have < size) {
            return;
        }
        see(aux, type, bytes + BG_HEADER_SIZE, size - BG_HEADER_SIZE);
        evbuffer_drain(input, size);
    }
}

static void
on_peer_event(struct bufferevent *bev, short what, void *aux)
{
    (void) bev;
    (void) what;
    ((struct pair *) aux)->peer_closed = true;
}

static void
say(struct pair *p, struct vx_buf *buf)
{
    bufferevent_write(p->peer, buf->data, buf->size);
    vx_buf_fini(buf);
}

static void
say_open(struct pair *p, const struct bg_open *open)
{
    struct vx_buf buf = VX_BUF_INIT;

    bg_encode_open(open, &buf);
    say(p, &buf);
}

static void
say_keepalive(struct pair *p)
{
    struct vx_buf buf = VX_BUF_INIT;

    bg_encode_keepalive(&buf);
    say(p, &buf);
}

static void
say_eor(struct pair *p, enum bg_family family)
{
    struct vx_buf buf = VX_BUF_INIT;

    bg_encode_eor(family, &buf);
    say(p, &buf);
}

static struct bg_nlri
nlri_of(const char *prefix)
{
    struct bg_nlri nlri = { .family = BG_IPV4 };

    assert_true(vx_prefix_parse(prefix, &nlri.prefix));
    return nlri;
}

static void
say_route(struct pair *p, const char *prefix)
{
    struct vx_buf buf = VX_BUF_INIT, encoded = VX_BUF_INIT;
    struct bg_nlri nlri = nlri_of(prefix);
    struct vx_ip next_hop = ip_of("192.0.2.9");
    uint8_t bytes[BG_NLRI_MAX];
    struct bg_packer packer;
    struct bg_attrs attrs;

    bg_attrs_init(&attrs);
    bg_attrs_encode(&attrs, true, &encoded);
    bg_packer_reach(&packer, BG_IPV4, &next_hop, &encoded, &buf);
    bg_packer_add(&packer, bytes, bg_nlri_encode(&nlri, false, bytes));
    bg_packer_end(&packer);
    say(p, &buf);
    vx_buf_fini(&encoded);
}

/* --- The owner. */

static void
on_up(void *aux, unsigned families)
{
    struct pair *p = aux;

    (void) families;
    p->n_up++;
    if (p->frees_when_up) {
        bg_session_free(p->session);
        p->session = NULL;
    }
}

static void
on_down(void *aux, const char *why)
{
    struct pair *p = aux;

    p->n_down++;
    snprintf(p->why, sizeof p->why, "%s", why);
    if (p->frees_when_down) {
        bg_session_free(p->session);
        p->session = NULL;
    }
}

static void
on_malformed(void *aux, const char *why)
{
    (void) why;
    ((struct pair *) aux)->n_malformed++;
}

static const struct bg_session_callbacks callbacks = {
    on_up, on_down, on_malformed,
};

static void
on_learned(void *aux, const struct bg_nlri *nlri,
           const struct bg_attrs *attrs)
{
    (void) nlri;
    (void) attrs;
    ((struct pair *) aux)->n_learned++;
}

static void
on_lost(void *aux, const struct bg_nlri *nlri)
{
    (void) nlri;
    ((struct pair *) aux)->n_lost++;
}

static void
on_complete(void *aux, enum bg_family family)
{
    (void) family;
    ((struct pair *) aux)->n_complete++;
}

static const struct bg_rib_in_callbacks in_callbacks = {
    on_learned, on_lost, on_complete,
};

static void
settle(struct pair *p)
{
    for (int i = 0; i < 8; i++) {
        event_base_loop(p->base, EVLOOP_NONBLOCK);
    }
}

/* A new pair of ends for the session. */
static void
link_up(struct pair *p)
{
    struct bufferevent *ends[2];

    if (p->peer) {
        bufferevent_free(p->peer);
    }
    assert_int_equal(bufferevent_pair_new(p->base, 0, ends), 0);
    p->peer = ends[1];
    p->peer_closed = false;
    bufferevent_setcb(p->peer, on_peer_read, NULL, on_peer_event, p);
    bufferevent_enable(p->peer, EV_READ | EV_WRITE);
    bg_session_take(p->session, ends[0]);
    settle(p);
}

static void
begin(struct pair *p)
{
    memset(p, 0, sizeof *p);
    p->base = event_base_new();
    p->out = bg_rib_out_new(NULL, NULL);
    p->in = bg_rib_in_new(&in_callbacks, p, 1000);
    p->config = (struct bg_session_config) {
        .peer = ip_of("192.0.2.9"), .as = 65001, .peer_as = 65001,
        .router_id = ip_of("192.0.2.1"), .families = BG_ALL_FAMILIES,
        .restart_s = 120, .hold_s = 3,
    };
    p->session = bg_session_new(p->base, &p->config, p->out, p->in, NULL);
    assert_non_null(p->session);
    bg_session_set_callbacks(p->session, &callbacks, p);
    link_up(p);
}

static const struct bg_open good_open = {
    .as = 65001, .hold_s = 90, .router_id = { 4, { 192, 0, 2, 9 } },
    .families = BG_BIT(BG_IPV4) | BG_BIT(BG_EVPN), .as4 = true,
    .route_refresh = true, .graceful = true,
};

static void
shake_hands(struct pair *p)
{
    say_open(p, &good_open);
    say_keepalive(p);
    settle(p);
}

static void
begin_up(struct pair *p)
{
    begin(p);
    shake_hands(p);
    assert_int_equal(p->n_up, 1);
}

static void
end(struct pair *p)
{
    bg_session_free(p->session);
    settle(p);
    bufferevent_free(p->peer);
    bg_rib_out_free(p->out);
    bg_rib_in_free(p->in);
    event_base_free(p->base);
}

static void
announce(struct pair *p, const char *prefix, uint64_t token)
{
    struct bg_nlri nlri = nlri_of(prefix);
    struct bg_attrs attrs;

    bg_attrs_init(&attrs);
    attrs.next_hop = ip_of("192.0.2.1");
    bg_rib_out_set(p->out, &nlri, &attrs, token);
}

static enum bg_state
state_of(const struct pair *p)
{
    struct bg_session_status status;

    bg_session_get_status(p->session, &status);
    return status.state;
}

/* --- Tests. */

static void
shakes_hands_and_says_what_it_can(void **state)
{
    struct bg_session_status status;
    struct pair p;

    (void) state;
    begin(&p);
    assert_int_equal(p.n[BG_OPEN], 1);
    assert_int_equal(p.open.as, 65001);
    assert_int_equal(p.open.families, BG_ALL_FAMILIES);
    assert_true(p.open.as4 && p.open.route_refresh && p.open.graceful
                && p.open.restarted);
    assert_int_equal(p.open.restart_s, 120);
    assert_int_equal(p.open.kept_families, BG_ALL_FAMILIES);
    say_open(&p, &good_open);
    settle(&p);
    assert_int_equal(p.n[BG_KEEPALIVE], 1);
    assert_int_equal(p.n_up, 0);
    say_keepalive(&p);
    settle(&p);
    assert_int_equal(p.n_up, 1);
    bg_session_get_status(p.session, &status);
    assert_int_equal(status.state, BG_ESTABLISHED);
    assert_int_equal(status.families, good_open.families);
    assert_int_equal(status.hold_s, 3);
    assert_true(status.graceful);
    end(&p);
}

static void
tells_and_hears_routes(void **state)
{
    struct pair p;

    (void) state;
    begin(&p);
    announce(&p, "10.0.0.0/24", 1);
    shake_hands(&p);
    assert_int_equal(p.n_reach, 1);
    assert_int_equal(p.ended, 0);
    bg_rib_out_complete(p.out);
    announce(&p, "10.0.1.0/24", 2);
    settle(&p);
    assert_int_equal(p.n_reach, 2);
    assert_int_equal(p.ended, good_open.families);
    assert_int_equal(bg_rib_out_done(p.out), 2);
    say_route(&p, "10.9.0.0/16");
    say_eor(&p, BG_IPV4);
    settle(&p);
    assert_int_equal(p.n_learned, 1);
    assert_int_equal(p.n_complete, 1);
    /* Route refresh, theirs and ours. */
    struct vx_buf buf = VX_BUF_INIT;
    bg_encode_refresh(BG_IPV4, &buf);
    say(&p, &buf);
    settle(&p);
    assert_int_equal(p.n_reach, 4);
    bg_session_refresh(p.session, BG_IPV4);
    bg_session_refresh(p.session, BG_VPNV4);        /* not negotiated */
    settle(&p);
    assert_int_equal(p.n[BG_ROUTE_REFRESH], 1);
    end(&p);
}

static void
is_told_and_tells_again_after_a_loss(void **state)
{
    struct pair p;

    (void) state;
    begin_up(&p);
    announce(&p, "10.0.0.0/24", 1);
    bg_rib_out_complete(p.out);
    say_route(&p, "10.9.0.0/16");
    say_route(&p, "10.8.0.0/16");
    settle(&p);
    bufferevent_flush(p.peer, EV_WRITE, BEV_FINISHED);
    settle(&p);
    assert_int_equal(p.n_down, 1);
    assert_string_equal(p.why, "connection closed by the peer");
    assert_int_equal(state_of(&p), BG_IDLE);
    assert_int_equal(bg_rib_in_stale(p.in), 2);
    assert_int_equal(p.n_lost, 0);
    p.n_reach = 0;
    p.ended = 0;
    link_up(&p);
    shake_hands(&p);
    assert_false(p.open.restarted);         /* only the connection was */
    assert_int_equal(p.n_up, 2);
    assert_int_equal(p.n_reach, 1);
    assert_int_equal(p.ended, good_open.families);
    say_route(&p, "10.9.0.0/16");
    say_eor(&p, BG_IPV4);
    settle(&p);
    assert_int_equal(p.n_lost, 1);
    assert_int_equal(bg_rib_in_stale(p.in), 0);
    end(&p);
}

/* A reflector that was restarted ends its RIB before it has anything. */
static void
believes_the_end_only_after_a_while_if_told_so(void **state)
{
    struct pair p;

    (void) state;
    begin(&p);
    bg_session_free(p.session);
    p.config.settle_s = 1;
    p.session = bg_session_new(p.base, &p.config, p.out, p.in, NULL);
    bg_session_set_callbacks(p.session, &callbacks, &p);
    link_up(&p);
    shake_hands(&p);
    say_route(&p, "10.9.0.0/16");
    say_route(&p, "10.8.0.0/16");
    say_eor(&p, BG_IPV4);
    settle(&p);
    assert_int_equal(p.n_complete, 1);      /* nothing was stale */
    for (int run = 0; run < 2; run++) {
        bufferevent_flush(p.peer, EV_WRITE, BEV_FINISHED);
        settle(&p);
        link_up(&p);
        shake_hands(&p);
        say_eor(&p, BG_IPV4);
        settle(&p);
        assert_int_equal(p.n_complete, 1 + run);
        assert_int_equal(p.n_lost, 0);
        say_route(&p, "10.9.0.0/16");
        if (!run) {
            say_route(&p, "10.8.0.0/16");
            settle(&p);
            assert_int_equal(p.n_complete, 2);      /* all is back */
        }
    }
    for (int i = 0; i < 10 && p.n_complete < 3; i++) {
        event_base_loop(p.base, EVLOOP_ONCE);
    }
    assert_int_equal(p.n_complete, 3);
    assert_int_equal(p.n_lost, 1);
    end(&p);
}

static void
refuses_a_peer_that_is_another(void **state)
{
    static const struct {
        size_t offset;
        uint8_t code, subcode;
        const char *why;
    } cases[] = {
        { 0, 2, 2, "open refused: peer AS" },
        { 1, 2, 3, "open refused: router id" },
        { 2, 2, 7, "open refused: capability" },
    };

    (void) state;
    for (size_t i = 0; i < 3; i++) {
        struct bg_open open = good_open;
        struct pair p;

        begin(&p);
        if (i == 0) {
            open.as = 65002;
        } else if (i == 1) {
            open.router_id = p.config.router_id;
        } else {
            bg_session_free(p.session);
            p.config.families = BG_BIT(BG_VPNV4);
            p.session = bg_session_new(p.base, &p.config, p.out, p.in, NULL);
            bg_session_set_callbacks(p.session, &callbacks, &p);
            link_up(&p);
        }
        say_open(&p, &open);
        settle(&p);
        assert_int_equal(p.n[BG_NOTIFICATION], 1);
        assert_int_equal(p.notify.code, cases[i].code);
        assert_int_equal(p.notify.subcode, cases[i].subcode);
        assert_string_equal(p.why, cases[i].why);
        assert_true(p.peer_closed);
        end(&p);
    }
}

static void
answers_nonsense_with_its_name(void **state)
{
    struct vx_buf buf = VX_BUF_INIT;
    struct pair p;

    (void) state;
    begin_up(&p);
    bufferevent_write(p.peer, "GET / HTTP/1.0\r\n\r\n\r\n", 20);
    settle(&p);
    assert_int_equal(p.notify.code, 1);
    assert_int_equal(p.notify.subcode, 1);
    assert_true(p.peer_closed);
    end(&p);
    /* A keepalive before OPEN. */
    begin(&p);
    say_keepalive(&p);
    settle(&p);
    assert_int_equal(p.notify.code, 5);
    assert_int_equal(p.notify.subcode, 1);
    end(&p);
    /* An OPEN once it is up. */
    begin_up(&p);
    say_open(&p, &good_open);
    settle(&p);
    assert_int_equal(p.notify.code, 5);
    assert_int_equal(p.notify.subcode, 3);
    end(&p);
    /* NLRI that cannot be told apart. */
    begin_up(&p);
    vx_buf_put(&buf, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
               "\xff\xff\xff\0\x18\2\0\0\0\0\x21", 24);
    say(&p, &buf);
    settle(&p);
    assert_int_equal(p.notify.code, 3);
    assert_int_equal(p.notify.subcode, 10);
    end(&p);
}

static void
a_malformed_attribute_costs_the_route_not_the_session(void **state)
{
    static const uint8_t bad[] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0, 40, 2, 0, 0, 0, 14,
        0x40, 1, 1, 9, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 9,
        16, 10, 9,
    };
    struct pair p;

    (void) state;
    begin_up(&p);
    say_route(&p, "10.9.0.0/16");
    bufferevent_write(p.peer, bad, sizeof bad);
    settle(&p);
    assert_int_equal(p.n_malformed, 1);
    assert_int_equal(p.n_lost, 1);
    assert_int_equal(state_of(&p), BG_ESTABLISHED);
    end(&p);
}

static void
reads_messages_in_any_pieces(void **state)
{
    struct vx_buf buf = VX_BUF_INIT;
    struct pair p;

    (void) state;
    begin(&p);
    bg_encode_open(&good_open, &buf);
    for (int i = 0; i < 100; i++) {
        bg_encode_keepalive(&buf);
    }
    for (size_t i = 0; i < buf.size; i++) {
        bufferevent_write(p.peer, buf.data + i, 1);
        event_base_loop(p.base, EVLOOP_NONBLOCK);
    }
    settle(&p);
    assert_int_equal(state_of(&p), BG_ESTABLISHED);
    say(&p, &buf);
    settle(&p);
    assert_int_equal(p.notify.code, 5);     /* OPEN again, in one piece */
    end(&p);
}

static void
says_goodbye_when_stopped_and_nothing_when_freed(void **state)
{
    struct pair p;
    char text[BG_NOTIFY_STRLEN];

    (void) state;
    begin_up(&p);
    bg_session_stop(p.session, "maintenance");
    settle(&p);
    assert_string_equal(bg_notify_format(&p.notify, text), "cease: "
                        "administrative shutdown (\"maintenance\")");
    assert_int_equal(p.n_down, 0);
    assert_true(p.peer_closed);
    assert_int_equal(state_of(&p), BG_STOPPED);
    end(&p);
    begin_up(&p);
    say_route(&p, "10.9.0.0/16");
    settle(&p);
    bg_session_free(p.session);
    p.session = NULL;
    settle(&p);
    assert_int_equal(p.n[BG_NOTIFICATION], 0);
    assert_true(p.peer_closed);
    assert_int_equal(bg_rib_in_stale(p.in), 1);
    end(&p);
}

static void
may_be_freed_in_its_callbacks(void **state)
{
    struct pair p;

    (void) state;
    begin(&p);
    p.frees_when_up = true;
    shake_hands(&p);
    assert_int_equal(p.n_up, 1);
    assert_true(p.peer_closed);
    end(&p);
    begin_up(&p);
    p.frees_when_down = true;
    bufferevent_write(p.peer, "GET / HTTP/1.0\r\n\r\n\r\n", 20);
    settle(&p);
    assert_int_equal(p.n_down, 1);
    end(&p);
}

static void
does_not_build_more_than_the_peer_reads(void **state)
{
    struct bg_nlri nlri = nlri_of("10.0.0.0/32");
    struct bg_attrs attrs;
    struct pair p;

    (void) state;
    begin_up(&p);
    bufferevent_disable(p.peer, EV_READ);
    bg_attrs_init(&attrs);
    attrs.next_hop = ip_of("192.0.2.1");
    for (uint32_t i = 0; i < 200000; i++) {
        nlri.prefix.ip.b[1] = i >> 16;
        nlri.prefix.ip.b[2] = i >> 8;
        nlri.prefix.ip.b[3] = i;
        bg_rib_out_set(p.out, &nlri, &attrs, i + 1);
    }
    for (int i = 0; i < 300; i++) {
        event_base_loop(p.base, EVLOOP_NONBLOCK);
    }
    assert_true(bg_rib_out_unsent(p.out) > 100000);
    assert_int_equal(bg_rib_out_done(p.out), 0);
    bufferevent_enable(p.peer, EV_READ);
    for (int i = 0; i < 3000 && bg_rib_out_done(p.out) < 200000; i++) {
        event_base_loop(p.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(bg_rib_out_done(p.out), 200000);
    assert_int_equal(p.n_reach, 200000);
    end(&p);
}

static void
refuses_configurations_that_cannot_be(void **state)
{
    struct bg_session_config good, bad;
    struct vx_error err;
    struct pair p;

    (void) state;
    begin(&p);
    good = p.config;
    bad = good;
    bad.families = 0;
    assert_null(bg_session_new(p.base, &bad, p.out, p.in, &err));
    assert_string_equal(err.field, "families");
    bad = good;
    bad.hold_s = 2;
    assert_null(bg_session_new(p.base, &bad, p.out, p.in, &err));
    bad = good;
    bad.local = ip_of("::1");
    assert_null(bg_session_new(p.base, &bad, p.out, p.in, &err));
    assert_string_equal(err.field, "local");
    bad = good;
    bad.router_id = ip_of("0.0.0.0");
    assert_null(bg_session_new(p.base, &bad, p.out, p.in, &err));
    end(&p);
}

/* --- The state machine under a made clock. */

static unsigned
tick(struct bg_fsm *fsm, int64_t now_ms)
{
    return bg_fsm_step(fsm, &(struct bg_event) { .type = BG_EV_TIME },
                       now_ms);
}

static int64_t
fsm_up(struct bg_fsm *fsm, int64_t now_ms)
{
    struct bg_event event = { .type = BG_EV_CONNECTED };

    assert_int_equal(tick(fsm, now_ms), BG_DO_CONNECT);
    assert_int_equal(bg_fsm_step(fsm, &event, now_ms), BG_DO_SEND_OPEN);
    event = (struct bg_event) {
        .type = BG_EV_MESSAGE, .message = BG_OPEN, .open = &good_open,
    };
    assert_int_equal(bg_fsm_step(fsm, &event, now_ms),
                     BG_DO_SEND_KEEPALIVE);
    event = (struct bg_event) {
        .type = BG_EV_MESSAGE, .message = BG_KEEPALIVE,
    };
    assert_int_equal(bg_fsm_step(fsm, &event, now_ms), BG_DO_UP);
    return now_ms;
}

static const struct bg_session_config fsm_config = {
    .as = 65001, .peer_as = 65001, .router_id = { 4, { 192, 0, 2, 1 } },
    .families = BG_BIT(BG_EVPN), .hold_s = 9,
};

static void
keeps_alive_and_gives_up_when_nothing_is_heard(void **state)
{
    struct bg_fsm fsm;
    size_t n_keepalives = 0;
    unsigned todo = 0;
    int64_t now = 0;

    (void) state;
    bg_fsm_init(&fsm, &fsm_config, 1, 0);
    fsm_up(&fsm, 0);
    while (!(todo & BG_DO_DOWN)) {
        now = fsm.next_ms;
        todo = tick(&fsm, now);
        n_keepalives += !!(todo & BG_DO_SEND_KEEPALIVE);
    }
    assert_int_equal(now, 9000);
    assert_true(n_keepalives >= 2 && n_keepalives <= 4);
    assert_true(todo & BG_DO_SEND_NOTIFY && fsm.was_up);
    assert_int_equal(fsm.notify.code, 4);
    assert_string_equal(fsm.why, "hold timer expired");
}

static void
pauses_grow_until_it_was_up_for_a_while(void **state)
{
    struct bg_event lost = { .type = BG_EV_LOST, .text = "refused" };
    struct bg_fsm fsm;
    int64_t now = 0, last = 0;

    (void) state;
    bg_fsm_init(&fsm, &fsm_config, 7, 0);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(tick(&fsm, now), BG_DO_CONNECT);
        assert_int_equal(bg_fsm_step(&fsm, &lost, now),
                         BG_DO_CLOSE | BG_DO_DOWN);
        assert_false(fsm.was_up);
        int64_t pause = fsm.next_ms - now;
        assert_true(pause <= 5000 && (pause > last || pause > 3700));
        last = pause;
        now = fsm.next_ms;
    }
    fsm_up(&fsm, now);
    now += 10000;
    assert_true(bg_fsm_step(&fsm, &lost, now) & BG_DO_DOWN);
    assert_true(fsm.was_up);
    assert_true(fsm.next_ms - now <= 100);
    /* No answer to a connect. */
    now = fsm.next_ms;
    assert_int_equal(tick(&fsm, now), BG_DO_CONNECT);
    assert_int_equal(fsm.next_ms, now + 5000);
    assert_int_equal(tick(&fsm, now + 5000), BG_DO_CLOSE | BG_DO_DOWN);
    assert_string_equal(fsm.why, "no answer within 5 s");
}

/* Whatever order events come in: no assertion, a state that is one, and a
 * time to wake up unless it is stopped. */
static void
bears_any_order_of_events(void **state)
{
    struct bg_notify notify = { 6, 2, 0, { 0 } };
    uint64_t seed = 1;

    (void) state;
    for (int run = 0; run < 300; run++) {
        struct bg_fsm fsm;
        int64_t now = 0;

        bg_fsm_init(&fsm, &fsm_config, run, 0);
        for (int i = 0; i < 200; i++) {
            uint32_t what = bgp_sample_number(&seed, 60);
            struct bg_event event = {
                .type = what < BG_EV_STOP ? what : BG_EV_MESSAGE,
                .message = BG_OPEN + bgp_sample_number(&seed, 5),
                .open = &good_open, .notify = &notify,
            };

            event.type = !what && run % 10 == 0 ? BG_EV_STOP : event.type;
            /* Messages come over connections only. */
            if (event.type == BG_EV_MESSAGE && fsm.state < BG_OPEN_SENT) {
                event.type = BG_EV_TIME;
            }
            now += bgp_sample_number(&seed, 4000);
            bool was_up = fsm.state == BG_ESTABLISHED;
            unsigned todo = bg_fsm_step(&fsm, &event, now);
            assert_true(fsm.state == BG_STOPPED || fsm.next_ms >= 0);
            if (was_up && fsm.state != BG_ESTABLISHED) {
                assert_true(todo & BG_DO_DOWN || event.type
                                                 == BG_EV_CONNECTED);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shakes_hands_and_says_what_it_can),
        cmocka_unit_test(tells_and_hears_routes),
        cmocka_unit_test(is_told_and_tells_again_after_a_loss),
        cmocka_unit_test(believes_the_end_only_after_a_while_if_told_so),
        cmocka_unit_test(refuses_a_peer_that_is_another),
        cmocka_unit_test(answers_nonsense_with_its_name),
        cmocka_unit_test(
            a_malformed_attribute_costs_the_route_not_the_session),
        cmocka_unit_test(reads_messages_in_any_pieces),
        cmocka_unit_test(says_goodbye_when_stopped_and_nothing_when_freed),
        cmocka_unit_test(may_be_freed_in_its_callbacks),
        cmocka_unit_test(does_not_build_more_than_the_peer_reads),
        cmocka_unit_test(refuses_configurations_that_cannot_be),
        cmocka_unit_test(keeps_alive_and_gives_up_when_nothing_is_heard),
        cmocka_unit_test(pauses_grow_until_it_was_up_for_a_while),
        cmocka_unit_test(bears_any_order_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
