/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway hears and says itself: packet-ins, router advertisements
 * and next hops, on a model and fabric without switches.  Timers are real and
 * short. */
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/pipeline.h"
#include "daemon/health.h"
#include "daemon/punts.h"
#include "daemon/router_adv.h"

/* Oids.  Network A: 10.0.0.0/24, fd00:a::/64, MTU 1450, ports 11 and 12 on
 * host 1 and 2; B: 10.1.0.0/24, MTU 1400, port 13 on host 1; C of another
 * tenant: 10.0.0.0/24, port 14 on host 1. */
enum { ZONE = 1, HOST1 = 2, HOST2 = 3, TENANT1 = 4, TENANT2 = 5, A = 6, B = 7,
       C = 8, SUB_A4 = 20, SUB_A6 = 21, SUB_B4 = 22, SUB_C4 = 23,
       P1 = 11, P2 = 12, P3 = 13, P4 = 14, MANY = 1000, L3_1 = 9001,
       L3_2 = 9002, VNI = 5000, MAX_SENT = 4096, INTERVAL_MS = 20 };

static const struct vx_mac gw = VX_GATEWAY_MAC;

struct sent {
    struct vx_punt_tap tap;
    uint8_t frame[1200];
    size_t size;
};

static struct world {
    struct event_base *base;
    struct vx_model *model;
    struct vx_fabric_sink sink;
    struct vx_fabric *fabric;
    struct vx_punts *punts;
    struct vx_radv *radv;
    struct vx_hops *hops;
    uint64_t revision;
    int64_t skipped_ms;
    bool away;                  /* no host can be reached */
    bool stuck;                 /* ... and it is not known yet */
    uint64_t pulse;
    bool answers, other;               /* next hops do */
    struct sent sent[MAX_SENT];
    size_t n_sent, n_flooded, n_down, n_up, n_forgot;
    char why[80];
} w;

static int64_t
mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * (int64_t) 1000 + ts.tv_nsec / 1000000 + w.skipped_ms;
}

/* --- Seams. */

static void
send_frame(void *ctx, const struct vx_punt_tap *tap, const uint8_t *frame,
           size_t size)
{
    struct sent *sent = &w.sent[w.n_sent++ % MAX_SENT];
    struct vx_punted punted;

    (void) ctx;
    assert_true(size <= sizeof sent->frame);
    sent->tap = *tap;
    sent->size = size;
    memcpy(sent->frame, frame, size);
    assert_memory_equal(frame + 6, gw.b, 6);
    assert_true(vx_punted_parse(frame, size, &punted));
    if (w.answers && punted.arp) {
        punted.dst.b[3] += w.other;
        vx_hops_answered(w.hops, tap->port, &punted.dst);
    }
}

static void
solicited(void *ctx, const struct vx_punt_tap *tap,
          const struct vx_punted *punted)
{
    (void) ctx;
    vx_radv_solicited(w.radv, tap, punted);
}

static void
alive(void *ctx, uint64_t port, const struct vx_ip *ip)
{
    (void) ctx;
    w.n_flooded += !ip;
    vx_hops_answered(w.hops, port, ip);
}

static bool
may_send(void *ctx, uint64_t host)
{
    (void) ctx;
    (void) host;
    return !w.away;
}

static uint64_t
pulse(void *ctx, uint64_t host)
{
    (void) ctx;
    (void) host;
    return w.stuck ? 1 : ++w.pulse + 1;
}

static void
changed(void *ctx, uint64_t port, bool is_alive, const char *why)
{
    (void) ctx;
    assert_int_equal(port, P1);
    w.n_down += !is_alive;
    w.n_up += is_alive && why;
    w.n_forgot += is_alive && !why;
    snprintf(w.why, sizeof w.why, "%s", why ? why : "");
}

/* --- The model. */

static struct vx_ip
ip_of(const char *s)
{
    struct vx_ip ip;

    assert_true(vx_ip_parse(s, &ip));
    return ip;
}

static void
named(struct vx_obj *obj, uint64_t oid, uint64_t parent, const char *name)
{
    obj->oid = oid;
    obj->parent = parent;
    free(obj->name);
    obj->name = strdup(name);
}

static void
load(struct vx_obj *obj)
{
    struct vx_error err;
    const struct vx_obj *kept = vx_obj_ref(obj);

    if (!vx_model_load(w.model, obj, &err)) {
        fail_msg("%s", err.message);
    }
    vx_fabric_change(w.fabric, NULL, kept);
    vx_obj_unref(kept);
}

static void
load_host(uint64_t oid, const char *name, const char *vtep)
{
    struct vx_host *host = (void *) vx_obj_new(VX_HOST);

    named(&host->o, oid, 0, name);
    host->zone = ZONE;
    host->num = (uint32_t) oid;
    host->vtep = ip_of(vtep);
    load(&host->o);
}

static void
load_tenant(uint64_t oid, const char *name, uint32_t router)
{
    struct vx_tenant *tenant = (void *) vx_obj_new(VX_TENANT);

    named(&tenant->o, oid, 0, name);
    tenant->router_vni = router;
    load(&tenant->o);
}

static void
load_network(uint64_t oid, uint64_t tenant, const char *name, uint16_t mtu)
{
    struct vx_network *network = (void *) vx_obj_new(VX_NETWORK);

    named(&network->o, oid, tenant, name);
    network->vni = VNI + (uint32_t) oid;
    network->mtu = mtu;
    load(&network->o);
}

static struct vx_subnet *
subnet(uint64_t oid, uint64_t network, const char *prefix,
       const char *gateway)
{
    struct vx_subnet *subnet = (void *) vx_obj_new(VX_SUBNET);

    named(&subnet->o, oid, network, prefix);
    assert_true(vx_prefix_parse(prefix, &subnet->prefix));
    subnet->gateway = ip_of(gateway);
    subnet->route = true;
    return subnet;
}

static void
load_port(uint64_t oid, uint64_t network, uint64_t host, const char *ip4,
          const char *ip6)
{
    struct vx_port *port = (void *) vx_obj_new(VX_PORT);
    char name[16];

    snprintf(name, sizeof name, "vm%u", (unsigned) oid);
    named(&port->o, oid, network, name);
    port->mac = (struct vx_mac) { { 0x0a, 0, 0, 0, oid >> 8 & 255,
                                    oid & 255 } };
    port->ips = calloc(2, sizeof *port->ips);
    port->ips[port->n_ips++] = ip_of(ip4);
    if (ip6) {
        port->ips[port->n_ips++] = ip_of(ip6);
    }
    port->host = host;
    free(port->iface_id);
    port->iface_id = strdup(name);
    load(&port->o);
}

static void
plug(uint64_t port, uint64_t host, uint32_t ofport)
{
    char name[16];

    snprintf(name, sizeof name, "vm%u", (unsigned) port);
    vx_fabric_iface(w.fabric, host, name, ofport);
    vx_hops_touched(w.hops, port);
}

static void
make_model(void)
{
    struct vx_zone *zone = (void *) vx_obj_new(VX_ZONE);

    named(&zone->o, ZONE, 0, "z");
    zone->num = 1;
    zone->path = VX_PATH_DIRECT;
    load(&zone->o);
    load_host(HOST1, "h1", "192.0.2.1");
    load_host(HOST2, "h2", "192.0.2.2");
    load_tenant(TENANT1, "acme", L3_1);
    load_tenant(TENANT2, "other", L3_2);
    load_network(A, TENANT1, "a", 1450);
    load_network(B, TENANT1, "b", 1400);
    load_network(C, TENANT2, "c", 1450);
    load(&subnet(SUB_A4, A, "10.0.0.0/24", "10.0.0.1")->o);
    load(&subnet(SUB_A6, A, "fd00:a::/64", "fd00:a::1")->o);
    load(&subnet(SUB_B4, B, "10.1.0.0/24", "10.1.0.1")->o);
    load(&subnet(SUB_C4, C, "10.0.0.0/24", "10.0.0.1")->o);
    load_port(P1, A, HOST1, "10.0.0.11", "fd00:a::11");
    load_port(P2, A, HOST2, "10.0.0.12", "fd00:a::12");
    load_port(P3, B, HOST1, "10.1.0.13", NULL);
    load_port(P4, C, HOST1, "10.0.0.11", NULL);
}

static int
set_up(void **state)
{
    static const struct vx_model_config config = { .mac_prefix = 0x0a };

    (void) state;
    memset(&w, 0, sizeof w);
    w.base = event_base_new();
    w.model = vx_model_new(&config);
    w.fabric = vx_fabric_new(&w.sink);
    w.punts = vx_punts_new(&(struct vx_punts_env) {
        .model = w.model, .fabric = w.fabric, .send = send_frame,
        .solicited = solicited, .alive = alive, .mono_ms = mono_ms });
    w.radv = vx_radv_new(&(struct vx_radv_env) {
        .base = w.base, .model = w.model, .fabric = w.fabric,
        .may_send = may_send, .send = send_frame, .mono_ms = mono_ms });
    w.hops = vx_hops_new(&(struct vx_hops_env) {
        .base = w.base, .model = w.model, .fabric = w.fabric,
        .interval_ms = INTERVAL_MS, .may_send = may_send, .pulse = pulse,
        .send = send_frame, .changed = changed, .mono_ms = mono_ms });
    make_model();
    plug(P1, HOST1, 1);
    plug(P2, HOST2, 1);
    plug(P3, HOST1, 3);
    plug(P4, HOST1, 4);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    vx_punts_free(w.punts);
    vx_radv_free(w.radv);
    vx_hops_free(w.hops);
    vx_fabric_free(w.fabric);
    vx_model_free(w.model);
    event_base_free(w.base);
    return 0;
}

#define RUN_UNTIL(COND)                                             \
    for (int64_t end_ = mono_ms() + 10000; !(COND);) {              \
        assert_true(mono_ms() < end_);                              \
        event_base_loop(w.base, EVLOOP_ONCE);                       \
    }

/* --- Packet-ins. */

struct packet {
    uint8_t b[256];
    size_t n;
};

static struct packet
ip4(const char *src, const char *dst, uint8_t proto)
{
    struct vx_ip s = ip_of(src), d = ip_of(dst);
    struct packet p = { .n = 62 };

    memcpy(p.b, gw.b, 6);
    memcpy(p.b + 6, "\x0a\0\0\0\0\x99", 6);
    p.b[12] = 8;
    p.b[14] = 0x45;
    p.b[17] = 48;
    p.b[23] = proto;
    memcpy(p.b + 26, s.b, 4);
    memcpy(p.b + 30, d.b, 4);
    return p;
}

static void
punt(uint64_t host, uint32_t ofport, const struct packet *p,
     struct vx_packet_in in)
{
    in.frame = p->b;
    in.size = p->n;
    in.in_port = ofport;
    in.table = VX_T1_PUNT;
    assert_true(vx_punts_heard(w.punts, host, VX_TENANT_TIER, &in));
}

static void
punt_from_fabric(const struct packet *p, uint32_t vni)
{
    struct vx_packet_in in = { .frame = p->b, .size = p->n, .reg0 = vni,
                               .table = VX_T2_ADJ, .in_port = 65001 };

    assert_true(vx_punts_heard(w.punts, HOST2, VX_FABRIC_TIER, &in));
}

static void
assert_error(size_t i, const char *from, int type, int code)
{
    struct vx_ip ip = ip_of(from);

    assert_true(w.n_sent > i);
    assert_memory_equal(w.sent[i].frame + 26, ip.b, 4);
    assert_int_equal(w.sent[i].frame[34], type);
    assert_int_equal(w.sent[i].frame[35], code);
}

static void
answers_from_the_gateway_of_the_sender_to_its_tap(void **state)
{
    (void) state;
    struct packet p = ip4("10.0.0.12", "10.9.0.1", IPPROTO_UDP);

    punt(HOST2, 1, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_TTL });
    assert_error(0, "10.0.0.1", 11, 0);
    assert_int_equal(w.sent[0].tap.port, P2);
    assert_int_equal(w.sent[0].tap.host, HOST2);
    assert_int_equal(w.sent[0].tap.ofport, 1);
    assert_memory_equal(w.sent[0].frame, p.b + 6, 6);
    /* What it forwards: the gateway of its own network. */
    p = ip4("10.1.0.13", "10.9.0.1", IPPROTO_UDP);
    punt(HOST2, 1, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_NO_ROUTE });
    assert_error(1, "10.0.0.1", 3, 0);
    punt(HOST1, 3, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_NO_HOP });
    assert_error(2, "10.1.0.1", 3, 1);
    assert_int_equal(w.n_sent, 3);
}

static void
tells_the_mtu_of_where_it_was_to_go(void **state)
{
    (void) state;
    struct packet p = ip4("10.0.0.11", "10.1.0.13", IPPROTO_TCP);

    memcpy(p.b + 6, gw.b, 6);           /* routed already */
    punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_TOO_BIG,
                                               .reg0 = VNI + B });
    assert_error(0, "10.0.0.1", 3, 4);
    assert_int_equal(w.sent[0].frame[40] << 8 | w.sent[0].frame[41], 1400);
    assert_memory_equal(w.sent[0].frame, "\x0a\0\0\0\0\x0b", 6);
    punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_TOO_BIG,
                                               .reg0 = VNI + C });
    punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_TOO_BIG,
                                               .reg0 = 1 });
    assert_int_equal(w.n_sent, 1);
}

static void
port_unreachable_comes_from_the_address_it_was_sent_to(void **state)
{
    (void) state;
    struct packet p = ip4("10.0.0.11", "10.1.0.1", IPPROTO_UDP);

    punt(HOST1, 1, &p,
         (struct vx_packet_in) { .reg1 = VX_PUNT_PORT_UNREACH });
    assert_error(0, "10.1.0.1", 3, 3);
    p = ip4("10.0.0.11", "10.1.0.2", IPPROTO_UDP);
    punt(HOST1, 1, &p,
         (struct vx_packet_in) { .reg1 = VX_PUNT_PORT_UNREACH });
    assert_int_equal(w.n_sent, 1);
}

static void
tells_the_sender_of_a_routed_packet_that_nobody_has_the_address(void **state)
{
    (void) state;
    struct packet p = ip4("10.0.0.11", "10.1.0.77", IPPROTO_UDP);
    struct vx_punt_counters c;

    memcpy(p.b + 6, gw.b, 6);
    punt_from_fabric(&p, VNI + B);
    assert_error(0, "10.0.0.1", 3, 1);
    assert_int_equal(w.sent[0].tap.port, P1);
    assert_int_equal(w.sent[0].tap.host, HOST1);
    assert_memory_equal(w.sent[0].frame, "\x0a\0\0\0\0\x0b", 6);
    punt_from_fabric(&p, VNI + C);      /* the same address, elsewhere */
    assert_int_equal(w.sent[1].tap.port, P4);
    punt_from_fabric(&p, 1);            /* no such network */
    p = ip4("10.0.0.11", "10.1.0.255", IPPROTO_UDP);
    punt_from_fabric(&p, VNI + B);      /* a broadcast address */
    p = ip4("10.0.0.99", "10.1.0.77", IPPROTO_UDP);
    punt_from_fabric(&p, VNI + B);      /* nobody is the sender */
    assert_int_equal(w.n_sent, 2);
    vx_punts_get_counters(w.punts, &c);
    assert_int_equal(c.n_stray, 3);
    assert_int_equal(c.n_errors, 2);
}

static void
a_port_has_a_budget_of_its_own(void **state)
{
    (void) state;
    struct packet p = ip4("10.0.0.11", "10.9.0.1", IPPROTO_UDP);
    struct vx_packet_in in = { .reg1 = VX_PUNT_TTL };
    struct vx_punt_counters c;

    for (int i = 0; i < 1000; i++) {
        punt(HOST1, 1, &p, in);
    }
    assert_in_range(w.n_sent, 40, 80);
    assert_true(w.n_flooded > 900);
    vx_punts_get_counters(w.punts, &c);
    assert_int_equal(c.n_limited, 1000 - w.n_sent);
    assert_int_equal(c.n_heard[VX_PUNT_TTL], 1000);
    w.n_sent = 0;
    punt(HOST1, 3, &p, in);
    assert_int_equal(w.n_sent, 1);
    w.skipped_ms += 1000;
    w.n_sent = 0;
    for (int i = 0; i < 1000; i++) {
        punt(HOST1, 1, &p, in);
    }
    assert_in_range(w.n_sent, 20, 60);
    w.skipped_ms += 60000;              /* buckets are forgotten and made */
    for (int i = 0; i < 10; i++) {
        punt(HOST1, 3, &p, in);
        punt(HOST1, 4, &p, in);
    }
}

static void
nothing_comes_of_rubbish(void **state)
{
    (void) state;
    struct packet p = ip4("10.0.0.11", "10.9.0.1", IPPROTO_UDP);
    struct vx_packet_in in = { .reg1 = VX_PUNT_TTL };

    punt(HOST1, 77, &p, in);            /* no such tap */
    punt(77, 1, &p, in);
    punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = 0 });
    punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_NO_HOST });
    punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = UINT32_MAX });
    for (uint32_t reason = 1; reason < VX_PUNT_NO_HOST; reason++) {
        p.n = 30;
        punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = reason });
    }
    assert_int_equal(w.n_sent, 0);
    in.frame = p.b;
    in.size = p.n;
    in.table = VX_T1_L2;
    assert_false(vx_punts_heard(w.punts, HOST1, VX_TENANT_TIER, &in));
    assert_true(vx_punts_heard(w.punts, HOST1, VX_FABRIC_TIER, &in));
    assert_int_equal(w.n_sent, 0);
}

/* --- Router advertisements. */

static unsigned
lifetime(const struct sent *sent)
{
    assert_int_equal(sent->frame[54], 134);
    return (unsigned) sent->frame[60] << 8 | sent->frame[61];
}

static void
a_port_that_comes_hears_of_the_router(void **state)
{
    (void) state;
    vx_radv_plugged(w.radv, P1);        /* nobody advertises yet */
    vx_radv_start(w.radv);
    vx_radv_plugged(w.radv, P2);
    vx_radv_plugged(w.radv, P2);
    vx_radv_plugged(w.radv, P3);        /* no IPv6 there */
    RUN_UNTIL(w.n_sent);
    assert_int_equal(w.n_sent, 1);
    assert_int_equal(w.sent[0].tap.port, P2);
    assert_int_equal(lifetime(&w.sent[0]), 65535);
    assert_int_equal(w.sent[0].size, 54 + 16 + 8 + 8 + 32);
}

static void
a_network_that_changes_tells_all_its_taps(void **state)
{
    (void) state;
    struct vx_obj *old = &subnet(SUB_A6, A, "fd00:a::/64", "fd00:a::1")->o;

    vx_radv_change(w.radv, NULL, old);
    RUN_UNTIL(w.n_sent == 2);
    assert_int_equal(w.sent[0].tap.port, P1);
    assert_int_equal(w.sent[1].tap.port, P2);
    for (int i = 0; i < 4; i++) {
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(w.n_sent, 2);
    struct vx_network *a = (void *) vx_obj_clone(
        vx_model_by_oid(w.model, A));
    a->mtu = 1300;
    vx_radv_change(w.radv, vx_model_by_oid(w.model, A), &a->o);
    RUN_UNTIL(w.n_sent == 4);
    vx_obj_unref(&a->o);
    vx_obj_unref(old);
}

/* The routed subnet of the model is B's now: what is told is gone. */
static void
the_last_subnet_that_goes_is_told_once(void **state)
{
    (void) state;
    struct vx_obj *old = &subnet(SUB_B4, B, "fd00:b::/64", "fd00:b::1")->o;

    vx_radv_change(w.radv, old, NULL);
    RUN_UNTIL(w.n_sent);
    assert_int_equal(w.n_sent, 1);
    assert_int_equal(w.sent[0].tap.port, P3);
    assert_int_equal(lifetime(&w.sent[0]), 0);
    assert_memory_equal(w.sent[0].frame + 86,
                        "\3\4\x40\x80\0\0\0\0\0\0\0\0", 12);
    vx_radv_plugged(w.radv, P3);        /* it is silent then */
    for (int i = 0; i < 4; i++) {
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(w.n_sent, 1);
    vx_obj_unref(old);
}

static void
a_big_network_is_told_in_slices(void **state)
{
    (void) state;
    struct vx_obj *old = &subnet(SUB_A6, A, "fd00:a::/64", "fd00:a::1")->o;

    for (unsigned i = 0; i < 500; i++) {
        char ip[32];

        snprintf(ip, sizeof ip, "fd00:a::%x", 0x1000 + i);
        load_port(MANY + i, A, HOST1, ip, NULL);
        plug(MANY + i, HOST1, 100 + i);
    }
    vx_radv_change(w.radv, NULL, old);
    event_base_loop(w.base, EVLOOP_ONCE);
    assert_in_range(w.n_sent, 1, 40);
    RUN_UNTIL(w.n_sent == 502);
    for (int i = 1; i < 502; i++) {
        assert_true(w.sent[i].tap.port > w.sent[i - 1].tap.port);
    }
    vx_obj_unref(old);
}

static void
nobody_who_is_away_is_told(void **state)
{
    (void) state;
    w.away = true;
    vx_radv_start(w.radv);
    vx_radv_plugged(w.radv, P1);
    event_base_loop(w.base, EVLOOP_ONCE);
    assert_int_equal(w.n_sent, 0);
}

static void
who_asks_is_answered_alone(void **state)
{
    (void) state;
    struct packet p = { .n = 62 };
    struct vx_ip src = ip_of("fe80::5"), dst = ip_of("ff02::2");
    uint16_t sum;

    memcpy(p.b, "\x33\x33\0\0\0\2\x0a\0\0\0\0\x0b\x86\xdd\x60\0\0\0\0\x08"
           "\x3a\xff", 22);
    memcpy(p.b + 22, src.b, 16);
    memcpy(p.b + 38, dst.b, 16);
    p.b[54] = 133;
    sum = vx_punt_checksum(p.b + 14, p.b + 54, 8);
    memcpy(p.b + 56, &sum, 2);
    punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_RS });
    assert_int_equal(w.n_sent, 1);
    assert_int_equal(lifetime(&w.sent[0]), 65535);
    assert_memory_equal(w.sent[0].frame, p.b + 6, 6);
    assert_memory_equal(w.sent[0].frame + 38, src.b, 16);
    punt(HOST1, 3, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_RS });
    assert_int_equal(w.n_sent, 1);      /* no router there */
}

/* --- Next hops. */

static void
a_next_hop_that_does_not_answer_is_dead_until_it_does(void **state)
{
    (void) state;
    struct vx_ip ip = ip_of("10.0.0.11");
    struct vx_hops_counters c;
    int64_t started = mono_ms();

    w.answers = true;
    vx_hops_used(w.hops, P1, &ip, true);
    RUN_UNTIL(w.n_sent == 3);
    assert_memory_equal(w.sent[0].frame, "\x0a\0\0\0\0\x0b", 6);
    assert_memory_equal(w.sent[0].frame + 28, "\x0a\0\0\1", 4);
    assert_true(mono_ms() - started >= 2 * INTERVAL_MS);
    w.answers = false;
    RUN_UNTIL(w.n_down);
    assert_string_equal(w.why, "it does not answer");
    assert_in_range(w.n_sent, 6, 7);
    vx_hops_get_counters(w.hops, &c);
    assert_int_equal(c.n_dead, 1);
    w.answers = true;
    RUN_UNTIL(w.n_up);
    vx_hops_get_counters(w.hops, &c);
    assert_int_equal(c.n_hops, 1);
    assert_int_equal(c.n_dead, 0);
    assert_int_equal(w.n_down, 1);
}

static void
an_answer_of_another_address_of_the_machine_does_not_count(void **state)
{
    (void) state;
    struct vx_ip ip = ip_of("10.0.0.11");

    w.answers = w.other = true;
    vx_hops_used(w.hops, P1, &ip, true);
    RUN_UNTIL(w.n_down);
    assert_string_equal(w.why, "it does not answer");
    w.other = false;
    RUN_UNTIL(w.n_up);
}

static void
a_next_hop_whose_interface_goes_is_dead_at_once(void **state)
{
    (void) state;
    struct vx_ip ip = ip_of("10.0.0.11");

    w.answers = true;
    vx_hops_used(w.hops, P1, &ip, true);
    RUN_UNTIL(w.n_sent);
    plug(P1, HOST1, 0);
    event_base_loop(w.base, EVLOOP_ONCE);
    assert_int_equal(w.n_down, 1);
    assert_string_equal(w.why, "it has no interface");
    plug(P1, HOST1, 9);
    RUN_UNTIL(w.n_up);
    assert_int_equal(w.sent[w.n_sent - 1].tap.ofport, 9);
    assert_int_equal(w.n_down, 1);
}

static void
a_next_hop_is_not_dead_before_its_host_is_heard(void **state)
{
    (void) state;
    struct vx_ip ip = ip_of("10.0.0.11");

    w.away = true;
    plug(P1, HOST1, 0);
    vx_hops_used(w.hops, P1, &ip, true);
    for (int i = 0; i < 3; i++) {
        event_base_loop(w.base, EVLOOP_ONCE);
        w.skipped_ms += 10000;
        vx_hops_touched(w.hops, P1);
    }
    assert_int_equal(w.n_down, 0);
    assert_int_equal(w.n_sent, 0);
    w.away = false;
    RUN_UNTIL(w.n_down);
}

static void
while_its_host_is_away_a_next_hop_stays_as_it_is(void **state)
{
    (void) state;
    struct vx_ip ip = ip_of("10.0.0.11");
    int64_t end;

    vx_hops_used(w.hops, P1, &ip, true);
    RUN_UNTIL(w.n_sent == 2);
    w.away = true;
    end = mono_ms() + 6 * INTERVAL_MS;
    RUN_UNTIL(mono_ms() >= end);
    assert_int_equal(w.n_sent, 2);
    assert_int_equal(w.n_down, 0);
    w.away = false;
    w.stuck = true;
    RUN_UNTIL(w.n_sent == 9);
    assert_int_equal(w.n_down, 0);
    w.stuck = false;
    RUN_UNTIL(w.n_down);
    assert_true(w.n_sent >= 12);
}

static void
a_next_hop_that_is_none_any_more_is_forgotten(void **state)
{
    (void) state;
    struct vx_ip ip = ip_of("10.0.0.11"), ip6 = ip_of("fd00:a::11");
    struct vx_hops_counters c;

    vx_hops_used(w.hops, P1, &ip, true);
    vx_hops_used(w.hops, P1, &ip, true);
    vx_hops_used(w.hops, P1, &ip6, true);
    RUN_UNTIL(w.n_down);
    assert_int_equal(w.sent[1].frame[54], 135);     /* of both families */
    vx_hops_used(w.hops, P1, &ip, false);
    vx_hops_used(w.hops, P1, &ip6, false);
    vx_hops_used(w.hops, P2, &ip, false);
    RUN_UNTIL(w.n_forgot);
    vx_hops_get_counters(w.hops, &c);
    assert_int_equal(c.n_hops, 0);
    assert_int_equal(c.n_dead, 0);
}

static void
who_floods_the_controller_lives(void **state)
{
    (void) state;
    struct vx_ip ip = ip_of("10.0.0.11");
    struct packet p = ip4("10.0.0.11", "10.9.0.1", IPPROTO_UDP);
    int64_t end = mono_ms() + 10 * INTERVAL_MS;

    vx_hops_used(w.hops, P1, &ip, true);
    while (mono_ms() < end) {
        for (int i = 0; i < 100; i++) {
            punt(HOST1, 1, &p, (struct vx_packet_in) { .reg1 = VX_PUNT_TTL });
        }
        event_base_loop(w.base, EVLOOP_ONCE);
    }
    assert_int_equal(w.n_down, 0);
}

#define TEST(F) cmocka_unit_test_setup_teardown(F, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_from_the_gateway_of_the_sender_to_its_tap),
        TEST(tells_the_mtu_of_where_it_was_to_go),
        TEST(port_unreachable_comes_from_the_address_it_was_sent_to),
        TEST(tells_the_sender_of_a_routed_packet_that_nobody_has_the_address),
        TEST(a_port_has_a_budget_of_its_own),
        TEST(nothing_comes_of_rubbish),
        TEST(a_port_that_comes_hears_of_the_router),
        TEST(a_network_that_changes_tells_all_its_taps),
        TEST(the_last_subnet_that_goes_is_told_once),
        TEST(a_big_network_is_told_in_slices),
        TEST(nobody_who_is_away_is_told),
        TEST(who_asks_is_answered_alone),
        TEST(a_next_hop_that_does_not_answer_is_dead_until_it_does),
        TEST(an_answer_of_another_address_of_the_machine_does_not_count),
        TEST(a_next_hop_whose_interface_goes_is_dead_at_once),
        TEST(a_next_hop_is_not_dead_before_its_host_is_heard),
        TEST(while_its_host_is_away_a_next_hop_stays_as_it_is),
        TEST(a_next_hop_that_is_none_any_more_is_forgotten),
        TEST(who_floods_the_controller_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
