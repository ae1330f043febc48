/* SPDX-License-Identifier: Apache-2.0 */
/* When hosts are asked what they have counted, and for what: daemon/counters.c
 * between a fake clock and a switch that answers when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "core/pipeline.h"
#include "daemon/counters_priv.h"
#include "daemon/hosts.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_session.h"
#include "tests/lib/model_fixture.h"

enum { INTERVAL_MS = 10000 };

/* The world: two hosts with switches that answer alike. */
static int64_t now;
static bool is_away;            /* both hosts */
static bool is_busy;            /* the switches */
static struct {
    enum vx_tier tier;
    struct og_of_part part;
    vx_switch_counted_cb *done;
    void *ctx;
} asked[16];
static size_t n_asked, n_answered;
static int rooms[3];

bool
vx_hosts_facts(const struct vx_hosts *hosts, uint64_t host,
               struct vx_host_facts *ret_facts)
{
    (void) hosts;
    (void) host;
    memset(ret_facts, 0, sizeof *ret_facts);
    for (int i = 0; i < 2; i++) {
        ret_facts->sw[i].state = is_away ? VX_SWITCH_AWAY : VX_SWITCH_SYNCED;
    }
    return true;
}

struct vx_switch *
vx_hosts_switch(const struct vx_hosts *hosts, uint64_t host,
                enum vx_tier tier)
{
    (void) hosts;
    (void) host;
    return (struct vx_switch *) &rooms[tier];
}

const char *
vx_hosts_iface_at(const struct vx_hosts *hosts, uint64_t host,
                  uint32_t ofport)
{
    (void) hosts;
    (void) host;
    return ofport == 5 ? "vm1-eth0" : NULL;
}

enum vx_switch_state
vx_switch_state(const struct vx_switch *sw)
{
    (void) sw;
    return is_away ? VX_SWITCH_AWAY : VX_SWITCH_SYNCED;
}

bool
vx_switch_count(struct vx_switch *sw, const struct og_of_part *part,
                vx_switch_counted_cb *done, void *ctx)
{
    if (is_busy) {
        return false;
    }
    assert_true(n_asked < 16);
    asked[n_asked].tier = (enum vx_tier) ((int *) sw - rooms);
    asked[n_asked].part = *part;
    asked[n_asked].done = done;
    asked[n_asked++].ctx = ctx;
    return true;
}

static int64_t
clock_ms(void)
{
    return now;
}

static size_t n_begun, n_over;
static char burst_object[256];

static void
on_burst(void *ctx, const struct vx_api_burst *burst)
{
    (void) ctx;
    n_begun += burst->active;
    n_over += !burst->active;
    strcpy(burst_object, burst->object);
}

/* --- A life. */

static struct vx_model *model;
static struct event_base *base;
static struct vx_counters *counters;
static const struct vx_obj *network, *port, *h1;
static size_t n_woken;
static bool was_complete;

static int
set_up(void **state)
{
    const struct vx_counters_env env = {
        .base = base = event_base_new(), .model = model = fx_small_fabric(),
        .interval_ms = INTERVAL_MS, .mono_ms = clock_ms,
        .wall_ms = clock_ms, .burst = on_burst,
    };

    (void) state;
    now = 1000000;
    is_away = is_busy = false;
    n_asked = n_answered = n_begun = n_over = n_woken = 0;
    port = fx_do(model, "put port acme/web/vm1 host=h1 iface_id=vm1-eth0");
    network = vx_model_by_oid(model, port->parent);
    fx_do(model, "delete host h2");
    h1 = vx_model_find(model, VX_HOST, &(struct vx_key) { .name = "h1" },
                       NULL);
    vx_model_commit(model);
    counters = vx_counters_new(&env);
    vx_counters_learn(counters);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    vx_counters_free(counters);
    event_base_free(base);
    vx_model_free(model);
    return 0;
}

static void
run(void)
{
    for (int i = 0; i < 20; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
}

/* The request that is out is answered. */
static void
answer(const struct vx_count *rows, size_t n, const char *why)
{
    struct vx_count *copy = vx_xcalloc(n + 1, sizeof *copy);
    size_t i = n_answered++;

    assert_true(i < n_asked);
    assert_int_equal(n_asked, i + 1);           /* never two at once */
    if (n) {
        memcpy(copy, rows, n * sizeof *rows);
    }
    asked[i].done(asked[i].ctx, copy, n, why);
    free(copy);
    run();
}

static void
begin_turn(void)
{
    now += INTERVAL_MS;
    n_asked = n_answered = 0;
    vx_counters_kick(counters);
    run();
    assert_int_equal(n_asked, 1);
}

/* Until nothing is asked any more. */
static size_t
answer_all(void)
{
    while (n_answered < n_asked) {
        answer(NULL, 0, NULL);
    }
    return n_asked;
}

static uint64_t
n_turns(void)
{
    struct vx_counters_facts facts;

    vx_counters_facts(counters, &facts);
    return facts.n_turns;
}

static void
a_turn_asks_for_one_thing_after_the_other(void **state)
{
    static const struct {
        enum vx_tier tier;
        uint8_t table;
    } want[] = {
        { VX_TENANT_TIER, VX_T1_L2 }, { VX_FABRIC_TIER, VX_T2_INGRESS },
        { VX_FABRIC_TIER, VX_T2_FDB }, { VX_FABRIC_TIER, VX_T2_OUT },
        { VX_TENANT_TIER, VX_T1_POLICY },
        { VX_TENANT_TIER, OG_OF_NO_TABLE },
        { VX_FABRIC_TIER, OG_OF_NO_TABLE },
    };

    (void) state;
    begin_turn();
    assert_int_equal(answer_all(), 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(asked[i].tier, want[i].tier);
        assert_int_equal(asked[i].part.table, want[i].table);
    }
    /* Of the table of all endpoints only what networks own is wanted. */
    assert_int_equal(asked[2].part.cookie, VX_COOKIE(VX_NETWORK, 0, 0));
    assert_int_equal(n_turns(), 1);
    vx_counters_kick(counters);
    run();
    assert_int_equal(n_asked, 7);               /* not due */
}

static void
what_comes_from_legs_is_asked_for_only_where_they_are(void **state)
{
    (void) state;
    fx_do(model, "put gateway g1 host=h1");
    begin_turn();
    assert_int_equal(answer_all(), 7);      /* a gateway that serves nobody */
    fx_do(model, "put peering acme/ce1 gateway=g1 peer=172.16.1.2"
          " peer_as=65100 family=ipv4 device=ce0 local=172.16.1.1/29");
    begin_turn();
    assert_int_equal(answer_all(), 8);
    assert_int_equal(asked[5].tier, VX_TENANT_TIER);
    assert_int_equal(asked[5].part.table, VX_T1_LEG_POLICY);
}

static void
sum(void *bytes, uint64_t oid, uint64_t zone, const struct vx_traffic *t)
{
    (void) oid;
    (void) zone;
    memcpy(bytes, t->bytes, sizeof t->bytes);
}

static void
rows_become_traffic_of_the_network_they_are_of(void **state)
{
    const struct vx_count local = {
        .key = 1, .cookie = VX_COOKIE(VX_PORT, 0, port->oid), .bytes = 900,
        .out_port = 5, .priority = 100 };
    const struct vx_count ingress = {
        .key = 1, .cookie = VX_COOKIE(VX_NETWORK, 0, network->oid),
        .bytes = 200, .out_port = VX_OFPORT_PATCH };
    const struct vx_count out[] = {
        { .key = 1, .cookie = VX_COOKIE(VX_NETWORK, 0, network->oid),
          .bytes = 30, .reg1 = VX_CLASS_ZONE, .priority = 100 },
        { .key = 2, .cookie = VX_COOKIE(VX_NETWORK, 0, network->oid),
          .bytes = 4, .reg1 = VX_CLASS_CROSS, .priority = 100 },
        { .key = 5, .cookie = VX_COOKIE(VX_NETWORK, 0, network->oid),
          .bytes = 8, .reg1 = VX_CLASS_CROSS, .priority = 110 }, /* passes */
        { .key = 3, .cookie = VX_COOKIE(VX_NETWORK, 0, 999), .bytes = 77,
          .reg1 = VX_CLASS_CROSS, .priority = 100 },    /* of nobody */
        { .key = 4, .cookie = VX_COOKIE(0xff, 0, 1), .bytes = 77,
          .reg1 = VX_CLASS_CROSS, .priority = 100 },
    };
    uint64_t bytes[VX_N_CLASSES] = { 0 };

    (void) state;
    begin_turn();
    answer(&local, 1, NULL);
    answer(&ingress, 1, NULL);
    answer(NULL, 0, NULL);
    answer(out, 5, NULL);
    answer_all();
    vx_locality_each(vx_counters_locality(counters), VX_SUM_NETWORK, sum,
                     bytes);
    assert_int_equal(bytes[VX_CLASS_LOCAL], 700);
    assert_int_equal(bytes[VX_CLASS_ZONE], 30);
    assert_int_equal(bytes[VX_CLASS_CROSS], 4);
}

static void
a_border_is_asked_for_its_own_endpoints_too(void **state)
{
    const struct vx_count transit = {
        .key = 1, .cookie = VX_COOKIE(VX_NETWORK, 0, network->oid),
        .bytes = 200 };

    (void) state;
    begin_turn();
    answer(NULL, 0, NULL);
    answer(&transit, 1, NULL);
    assert_int_equal(answer_all(), 8);
    assert_int_equal(asked[3].part.table, VX_T2_FDB);
    assert_int_equal(asked[3].part.out_port, VX_OFPORT_PATCH);
}

static void
a_big_table_is_asked_for_in_parts(void **state)
{
    struct vx_count *rows = vx_xcalloc(9000, sizeof *rows);

    (void) state;
    for (size_t i = 0; i < 9000; i++) {
        rows[i].key = i;
    }
    begin_turn();
    answer(rows, 9000, NULL);
    answer_all();
    begin_turn();
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(asked[i].part.table, VX_T1_L2);
        assert_int_equal(asked[i].part.cookie, i);
        assert_int_equal(asked[i].part.cookie_mask, 3);
        answer(NULL, 0, NULL);
    }
    assert_int_equal(asked[4].part.table, VX_T2_INGRESS);
    answer_all();
    free(rows);
}

static void
a_switch_that_goes_breaks_the_turn_and_the_next_one_goes_on(void **state)
{
    struct vx_counters_facts facts;

    (void) state;
    begin_turn();
    answer(NULL, 0, NULL);
    answer(NULL, 0, "gone");
    vx_counters_facts(counters, &facts);
    assert_int_equal(facts.n_turns, 0);
    assert_int_equal(facts.n_broken, 1);
    assert_int_equal(n_asked, 2);
    begin_turn();
    answer_all();
    assert_int_equal(n_turns(), 1);
}

static void
a_host_that_is_not_there_is_not_asked(void **state)
{
    (void) state;
    is_away = true;
    now += INTERVAL_MS;
    vx_counters_kick(counters);
    run();
    assert_int_equal(n_asked, 0);
}

static void
a_host_that_is_deleted_while_it_is_asked_is_let_go_of(void **state)
{
    (void) state;
    begin_turn();
    vx_counters_forget(counters, h1->oid);
    assert_int_equal(counters->n_running, 0);
    answer(NULL, 0, "the host is gone");
    assert_int_equal(n_asked, 1);
}

/* --- Who asks. */

static void
on_woken(void *aux, bool complete)
{
    (void) aux;
    n_woken++;
    was_complete = complete;
}

static void
who_asks_gets_fresh_numbers_and_meters_keep_their_pace(void **state)
{
    const struct vx_api_counters *api = vx_counters_api(counters);

    (void) state;
    begin_turn();
    answer_all();
    assert_null(api->refresh(api->ctx, on_woken, NULL));
    now += 2000;
    n_asked = n_answered = 0;
    assert_non_null(api->refresh(api->ctx, on_woken, NULL));
    run();
    assert_int_equal(answer_all(), 5);          /* no meters */
    run();
    assert_int_equal(n_woken, 1);
    assert_true(was_complete);
    now -= 2000;
    begin_turn();                               /* is still due when it was */
    assert_int_equal(answer_all(), 7);
}

static void
who_leaves_is_forgotten(void **state)
{
    const struct vx_api_counters *api = vx_counters_api(counters);
    struct vx_api_counters_waiter *waiter;

    (void) state;
    now += INTERVAL_MS;
    waiter = api->refresh(api->ctx, on_woken, NULL);
    assert_non_null(waiter);
    api->cancel(api->ctx, waiter);
    run();
    answer_all();
    assert_int_equal(n_woken, 0);

}

/* --- Bursts. */

static void
turn_with_drops(uint64_t dropped)
{
    const struct vx_count meter = {
        .key = VX_METER(VX_METER_OUT_KBPS, 5), .packets = dropped,
        .bytes = dropped, .dropped = dropped };

    begin_turn();
    for (int i = 0; i < 5; i++) {
        answer(NULL, 0, NULL);
    }
    answer(&meter, 1, NULL);
    answer_all();
}

static void
a_burst_is_the_port_s_and_over_after_three_quiet_turns(void **state)
{
    (void) state;
    turn_with_drops(10);
    assert_int_equal(n_begun, 1);
    assert_string_equal(burst_object, "acme/web/vm1");
    turn_with_drops(20);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(n_over, 0);
        turn_with_drops(20);
    }
    assert_int_equal(n_begun, 1);
    assert_int_equal(n_over, 1);
}

static void
bursts_of_a_host_that_stays_away_are_over(void **state)
{
    (void) state;
    turn_with_drops(10);
    is_away = true;
    now += INTERVAL_MS;
    vx_counters_kick(counters);
    assert_int_equal(n_over, 0);
    now += 100000;
    vx_counters_kick(counters);
    assert_int_equal(n_over, 1);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_turn_asks_for_one_thing_after_the_other),
        TEST(what_comes_from_legs_is_asked_for_only_where_they_are),
        TEST(rows_become_traffic_of_the_network_they_are_of),
        TEST(a_border_is_asked_for_its_own_endpoints_too),
        TEST(a_big_table_is_asked_for_in_parts),
        TEST(a_switch_that_goes_breaks_the_turn_and_the_next_one_goes_on),
        TEST(a_host_that_is_not_there_is_not_asked),
        TEST(a_host_that_is_deleted_while_it_is_asked_is_let_go_of),
        TEST(who_asks_gets_fresh_numbers_and_meters_keep_their_pace),
        TEST(who_leaves_is_forgotten),
        TEST(a_burst_is_the_port_s_and_over_after_three_quiet_turns),
        TEST(bursts_of_a_host_that_stays_away_are_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
