/* SPDX-License-Identifier: Apache-2.0 */
/* When hosts are audited and repaired: daemon/audit.c between a fake clock
 * and a switch that has one difference, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "core/diff.h"
#include "core/fabric.h"
#include "core/pipeline.h"
#include "daemon/audit_priv.h"
#include "daemon/hosts.h"
#include "ovs-glue/of_codec.h"
#include "tests/lib/model_fixture.h"

enum { INTERVAL_MS = 60000 };

/* The world: one host, one audit at a time. */
static int64_t now;
static bool unproven;
static uint64_t n_resyncs;
static struct vx_row_hint hint;         /* of what differs */
static uint64_t touched;                /* last */
static size_t n_touched;
static size_t n_different;      /* rows of each bridge */
static size_t n_begun, n_looks, n_repairs;
static const struct vx_switch_audit *asked;     /* not yet compared */
static struct vx_switch_audit asked_room;

bool
vx_hosts_facts(const struct vx_hosts *hosts, uint64_t host,
               struct vx_host_facts *ret_facts)
{
    (void) hosts;
    (void) host;
    memset(ret_facts, 0, sizeof *ret_facts);
    for (int i = 0; i < 2; i++) {
        ret_facts->sw[i].state = VX_SWITCH_SYNCED;
        ret_facts->sw[i].is_unproven = unproven;
        ret_facts->sw[i].n_resyncs = n_resyncs;
    }
    return true;
}

struct vx_switch *
vx_hosts_switch(const struct vx_hosts *hosts, uint64_t host,
                enum vx_tier tier)
{
    (void) hosts;
    (void) host;
    (void) tier;
    return (struct vx_switch *) &asked_room;
}

bool
vx_switch_audit(struct vx_switch *sw, const struct vx_switch_audit *audit)
{
    (void) sw;
    asked_room = *audit;
    asked = &asked_room;
    return true;
}

enum vx_switch_state
vx_switch_state(const struct vx_switch *sw)
{
    (void) sw;
    return VX_SWITCH_SYNCED;
}

const char *
vx_switch_state_name(enum vx_switch_state state)
{
    (void) state;
    return "synced";
}

void
vx_hosts_strange_ports(const struct vx_hosts *hosts, uint64_t host,
                       void (*f)(void *aux, const char *port), void *aux)
{
    (void) hosts;
    (void) host;
    (void) f;
    (void) aux;
}

bool
vx_hosts_evict(struct vx_hosts *hosts, uint64_t host,
               void (*done)(void *aux, uint64_t host, bool ok), void *aux)
{
    (void) hosts;
    (void) host;
    (void) done;
    (void) aux;
    return false;
}

void
og_crow_hint(const struct vx_crow *row, struct vx_row_hint *ret_hint)
{
    (void) row;
    *ret_hint = hint;
}

void
og_crow_format(const struct vx_crow *row, struct vx_buf *buf)
{
    (void) row;
    (void) buf;
}

static int64_t
clock_ms(void)
{
    return now;
}

static void
on_drift(void *ctx, const char *host, const char *text)
{
    (void) ctx;
    (void) host;
    (void) text;
}

static void
on_touch(void *ctx, uint64_t host, uint64_t oid)
{
    (void) ctx;
    (void) host;
    touched = oid;
    n_touched++;
}

/* --- A life. */

static struct vx_model *model;
static struct event_base *base;
static struct vx_audits *audits;
static struct subject *h1;

static int
set_up(uint32_t interval_ms)
{
    struct vx_audits_env env = {
        .interval_ms = interval_ms, .repair = true, .mono_ms = clock_ms,
        .wall_ms = clock_ms, .drift = on_drift, .touch = on_touch,
    };
    const struct vx_obj *host;
    struct vx_iter iter;

    now = 1000000;
    unproven = false;
    n_different = n_begun = n_looks = n_repairs = 0;
    n_touched = 0;
    asked = NULL;
    model = fx_new_model();
    fx_do(model, "put zone z");
    fx_do(model, "put host h1 zone=z");
    base = event_base_new();
    env.model = model;
    env.base = base;
    audits = vx_audits_new(&env);
    vx_iter_init(&iter, model, VX_HOST, NULL, NULL);
    host = vx_iter_next(&iter);
    assert_non_null(host);
    h1 = vx_subject_get(audits, host->oid);
    return 0;
}

static int
set_up_continuous(void **state)
{
    (void) state;
    return set_up(INTERVAL_MS);
}

static int
set_up_on_demand(void **state)
{
    (void) state;
    return set_up(0);
}

static int
tear_down(void **state)
{
    (void) state;
    vx_audits_free(audits);
    event_base_free(base);
    vx_model_free(model);
    return 0;
}

/* A bridge answers at once; a repair works. */
static void
answer(void)
{
    while (asked) {
        const struct vx_switch_audit a = *asked;
        bool repaired;

        n_begun += h1->part == VX_PART_TENANT;
        asked = NULL;
        for (size_t i = 0; i < n_different; i++) {
            const struct vx_crow row = { .type = VX_ROW_FLOW };

            a.drift(a.ctx, VX_DIFF_MISSING, NULL, &row);
        }
        repaired = a.compared(a.ctx, 10, n_different);
        n_looks += a.only_looks;
        n_repairs += repaired;
        unproven &= a.only_looks && n_different;
        a.done(a.ctx, NULL, repaired ? n_different : 0);
    }
}

static void
pass(int64_t ms)
{
    for (int64_t until = now + ms; now < until; now += 1000) {
        vx_audits_kick(audits);
        answer();
    }
}

static void
on_woken(void *aux, bool complete)
{
    (void) complete;
    ++*(int *) aux;
}

static void
demand(bool repair)
{
    const struct vx_api_audits *api = vx_audits_api(audits);
    struct vx_error err;
    int n = 0;

    assert_non_null(api->demand(api->ctx, &(struct vx_api_audit_demand) {
        .repair = repair, .timeout_ms = 1000, .woken = on_woken,
        .aux = &n }, &err));
    vx_audits_kick(audits);
    answer();
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(n, 1);
    answer();
}

static void
who_looks_every_ten_seconds_does_not_put_off_the_continuous_audit(
    void **state)
{
    (void) state;
    pass(2 * INTERVAL_MS);
    n_different = 1;
    for (int i = 0; i < 6 && !n_repairs; i++) {
        demand(false);
        pass(10000);
    }
    assert_int_equal(n_repairs, 2);     /* both bridges in the same run */
}

static void
repairs_that_are_asked_for_do_not_make_the_others_wait(void **state)
{
    (void) state;
    n_different = 1;
    for (int i = 0; i < 12; i++) {
        demand(true);
    }
    assert_int_equal(n_repairs, 24);
    assert_int_equal(vx_repair_wait_ms(&h1->repair, now), 0);
    pass(2 * INTERVAL_MS);
    assert_true(n_repairs > 24);
}

static void
what_always_comes_back_is_repaired_about_once_a_minute(void **state)
{
    size_t before;

    (void) state;
    n_different = 1;
    pass(30 * INTERVAL_MS);
    before = n_repairs;
    pass(10 * INTERVAL_MS);
    assert_in_range(n_repairs - before, 2 * 9, 2 * 11);
}

static void
a_believed_bridge_is_audited_once_and_soon(void **state)
{
    (void) state;
    pass(10 * INTERVAL_MS);
    assert_true(audits->env.interval_ms || n_begun == 0);
    n_begun = 0;
    unproven = true;
    n_different = 1;
    pass(5000);
    assert_int_equal(n_begun, 1);
    assert_int_equal(n_repairs, 2);
    assert_false(unproven);
    n_different = 0;
    pass(10 * INTERVAL_MS);
    assert_true(audits->env.interval_ms || n_begun == 1);
}

static void
who_looks_at_a_believed_bridge_leaves_its_audit_to_come(void **state)
{
    (void) state;
    unproven = true;
    n_different = 1;
    demand(false);
    assert_int_equal(n_looks, 2);
    assert_int_equal(n_repairs, 0);
    pass(5000);
    assert_int_equal(n_repairs, 2);
}

static size_t
n_lacking(uint64_t port, uint64_t network)
{
    const struct vx_place place = { .host = h1->oid, .network = network };
    struct vx_host_facts facts;

    vx_hosts_facts(NULL, h1->oid, &facts);
    return vx_audits_n_lacking(audits, &facts, &place, port);
}

static struct vx_api_audit_waiter *
wait_for_audit(const char *host, int *aux)
{
    const struct vx_api_audits *api = vx_audits_api(audits);
    struct vx_api_audit_waiter *waiter;
    struct vx_error err;

    waiter = api->demand(api->ctx, &(struct vx_api_audit_demand) {
        .host = host, .timeout_ms = 100000, .woken = on_woken, .aux = aux,
    }, &err);
    assert_non_null(waiter);
    return waiter;
}

static void
who_leaves_is_not_woken_and_all_others_are(void **state)
{
    const struct vx_api_audits *api = vx_audits_api(audits);
    struct vx_api_audit_waiter *waiters[6];
    int n[6] = { 0 };

    (void) state;
    for (int i = 0; i < 3; i++) {
        waiters[i] = wait_for_audit(i == 2 ? "h1" : NULL, &n[i]);
    }
    vx_audits_kick(audits);
    assert_non_null(asked);             /* these wait for this run, */
    for (int i = 3; i < 6; i++) {       /* those for the next one */
        waiters[i] = wait_for_audit(NULL, &n[i]);
    }
    api->cancel(api->ctx, waiters[1]);
    api->cancel(api->ctx, waiters[5]);
    answer();
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_true(n[0] == 1 && n[1] == 0 && n[2] == 1 && n[3] == 0);
    api->cancel(api->ctx, waiters[3]);
    vx_audits_kick(audits);
    answer();
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_true(n[0] == 1 && n[1] == 0 && n[2] == 1);
    assert_true(n[3] == 0 && n[4] == 1 && n[5] == 0);
}

static void
look_at(uint64_t cookie)
{
    hint = (struct vx_row_hint) { .type = VX_ROW_FLOW, .cookie = cookie };
    n_touched = 0;
    demand(false);
}

static void
what_a_host_lacks_is_told_by_port_and_network(void **state)
{
    uint64_t network, port;

    (void) state;
    fx_do(model, "put tenant acme");
    network = ((const struct vx_obj *)
               fx_do(model, "put network acme/web"))->oid;
    port = ((const struct vx_obj *) fx_do(
        model, "put port acme/web/vm1 host=h1 mac=02:00:00:00:00:01"))->oid;
    n_different = 3;
    look_at(VX_COOKIE(VX_PORT, 0, port));
    assert_int_equal(n_lacking(port, network), 6);
    assert_int_equal(n_lacking(port + 1, network), 0);
    assert_int_equal(touched, port);
    look_at(VX_COOKIE(VX_NETWORK, 0, network));
    assert_int_equal(n_lacking(port + 1, network), 6);
    assert_int_equal(n_lacking(port, network + 1), 0);
    assert_int_equal(touched, port);        /* as before, and no more */
    look_at(VX_COOKIE_BASE);
    assert_int_equal(n_lacking(port + 1, network + 1), 6);
    look_at((uint64_t) VX_COOKIE_EPOCH << 56 | port);
    assert_int_equal(n_lacking(port, network), 0);

    look_at(VX_COOKIE(VX_PORT, 0, port));
    n_touched = 0;
    demand(true);
    assert_int_equal(n_lacking(port, network), 0);
    assert_true(n_touched >= 2);
    look_at(VX_COOKIE(VX_PORT, 0, port));
    n_resyncs++;                /* it was away, and compared anew */
    assert_int_equal(n_lacking(port, network), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            who_looks_every_ten_seconds_does_not_put_off_the_continuous_audit,
            set_up_continuous, tear_down),
        cmocka_unit_test_setup_teardown(
            repairs_that_are_asked_for_do_not_make_the_others_wait,
            set_up_continuous, tear_down),
        cmocka_unit_test_setup_teardown(
            what_always_comes_back_is_repaired_about_once_a_minute,
            set_up_continuous, tear_down),
        { .name = "a believed bridge is audited soon, continuous or not (1)",
          .test_func = a_believed_bridge_is_audited_once_and_soon,
          .setup_func = set_up_continuous, .teardown_func = tear_down },
        { .name = "a believed bridge is audited soon, continuous or not (2)",
          .test_func = a_believed_bridge_is_audited_once_and_soon,
          .setup_func = set_up_on_demand, .teardown_func = tear_down },
        cmocka_unit_test_setup_teardown(
            who_looks_at_a_believed_bridge_leaves_its_audit_to_come,
            set_up_on_demand, tear_down),
        cmocka_unit_test_setup_teardown(
            who_leaves_is_not_woken_and_all_others_are, set_up_on_demand,
            tear_down),
        cmocka_unit_test_setup_teardown(
            what_a_host_lacks_is_told_by_port_and_network, set_up_on_demand,
            tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
