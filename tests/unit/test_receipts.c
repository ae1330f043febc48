/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts and those who wait for them, on a loop without sockets. */
#include "daemon/ports.h"
#include "daemon/receipts.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct event_base *base;
    struct vx_receipts *receipts;
    struct vx_ports *ports;
    enum vx_port_state states[8];
    uint64_t settled[16];
    size_t n_settled, n_confirmed, n_changed;
    int woken;                  /* -1 no, else realized */
};

static void
port_settled(void *world_, uint64_t port)
{
    struct world *world = world_;

    world->settled[world->n_settled++] = port;
}

static void
confirmed(void *world_)
{
    struct world *world = world_;

    world->n_confirmed++;
    vx_wait_look_revision(world->ports);
}

static bool
status(void *world_, uint64_t port, struct vx_port_status *ret_status)
{
    struct world *world = world_;

    memset(ret_status, 0, sizeof *ret_status);
    ret_status->state = world->states[port];
    return true;
}

static void
changed(void *world_, uint64_t port, const struct vx_port_status *s)
{
    struct world *world = world_;

    (void) port;
    (void) s;
    world->n_changed++;
}

static bool
realized(void *world_, uint64_t oid)
{
    struct world *world = world_;

    return world->states[oid] == VX_PORT_ACTIVE;
}

static uint64_t
confirmed_revision(void *world_)
{
    struct world *world = world_;

    return vx_receipts_confirmed(world->receipts);
}

static void
woken(void *world_, bool is_realized)
{
    struct world *world = world_;

    world->woken = is_realized;
}

static void
world_init(struct world *world)
{
    struct vx_receipts_env receipts_env = {
        .ctx = world, .port_settled = port_settled, .confirmed = confirmed
    };
    struct vx_ports_env ports_env = {
        .ctx = world, .status = status, .changed = changed,
        .realized = realized, .confirmed = confirmed_revision,
    };

    memset(world, 0, sizeof *world);
    world->base = event_base_new();
    ports_env.base = world->base;
    world->receipts = vx_receipts_new(&receipts_env);
    world->ports = vx_ports_new(&ports_env);
    world->woken = -1;
}

static void
world_fini(struct world *world)
{
    vx_ports_free(world->ports);
    vx_receipts_free(world->receipts);
    event_base_free(world->base);
}

static void
turn(struct world *world)
{
    for (int i = 0; i < 4; i++) {
        event_base_loop(world->base, EVLOOP_NONBLOCK);
    }
}

static void
a_port_settles_when_the_last_switch_confirms(void **state)
{
    struct vx_receipt *receipt;
    struct world world;

    (void) state;
    world_init(&world);
    receipt = vx_receipts_open(world.receipts, 5);
    vx_receipt_attach(receipt, 3);
    vx_receipt_hold(receipt);
    vx_receipt_hold(receipt);
    vx_receipt_close(receipt);
    assert_int_equal(vx_receipts_outstanding(world.receipts, 3), 2);
    assert_int_equal(vx_receipts_confirmed(world.receipts), 4);
    vx_receipt_release(receipt);
    assert_int_equal(world.n_settled, 0);
    vx_receipt_release(receipt);
    assert_int_equal(world.n_settled, 1);
    assert_int_equal(world.settled[0], 3);
    assert_int_equal(vx_receipts_outstanding(world.receipts, 3), 0);
    assert_true(vx_receipts_confirmed(world.receipts) == UINT64_MAX);
    world_fini(&world);
}

/* The newer one may ask other switches, or none: it says nothing of what the
 * older one waits for. */
static void
a_port_waits_for_all_its_receipts(void **state)
{
    struct vx_receipt *first, *second;
    struct world world;

    (void) state;
    world_init(&world);
    first = vx_receipts_open(world.receipts, 1);
    vx_receipt_attach(first, 2);
    vx_receipt_hold(first);
    vx_receipt_close(first);
    second = vx_receipts_open(world.receipts, 2);
    vx_receipt_attach(second, 2);
    vx_receipt_close(second);
    assert_int_equal(vx_receipts_outstanding(world.receipts, 2), 1);
    assert_int_equal(world.n_settled, 0);
    vx_receipt_release(first);
    assert_int_equal(vx_receipts_outstanding(world.receipts, 2), 0);
    assert_int_equal(world.n_settled, 1);
    world_fini(&world);
}

static void
a_forgotten_port_is_not_told(void **state)
{
    struct vx_receipt *first, *second;
    struct world world;

    (void) state;
    world_init(&world);
    first = vx_receipts_open(world.receipts, 1);
    vx_receipt_attach(first, 2);
    second = vx_receipts_open(world.receipts, 2);
    vx_receipt_attach(second, 2);
    vx_receipt_hold(second);
    vx_receipt_close(second);
    vx_receipt_close(first);
    assert_int_equal(world.n_settled, 0);
    assert_int_equal(vx_receipts_outstanding(world.receipts, 2), 1);
    vx_receipts_forget(world.receipts, 2);
    vx_receipt_release(second);
    assert_int_equal(world.n_settled, 0);
    world_fini(&world);
}

static void
what_is_confirmed_is_bounded_by_the_oldest_open_receipt(void **state)
{
    struct vx_receipt *r[3];
    struct world world;

    (void) state;
    world_init(&world);
    for (uint64_t i = 0; i < 3; i++) {
        r[i] = vx_receipts_open(world.receipts, 10 + i);
    }
    vx_receipt_close(r[1]);
    assert_int_equal(vx_receipts_confirmed(world.receipts), 9);
    vx_receipt_close(r[0]);
    assert_int_equal(vx_receipts_confirmed(world.receipts), 11);
    vx_receipt_close(r[2]);
    assert_true(vx_receipts_confirmed(world.receipts) == UINT64_MAX);
    world_fini(&world);
}

static void
a_waiter_is_woken_when_all_its_ports_are_active(void **state)
{
    uint64_t oids[] = { 1, 2 };
    struct vx_wait *wait;
    struct world world;

    (void) state;
    world_init(&world);
    wait = vx_wait_new(world.ports, oids, 2, 1, 60000);
    vx_wait_start(wait, woken, &world);
    world.states[2] = VX_PORT_ACTIVE;
    vx_ports_touch(world.ports, 2);
    turn(&world);
    assert_int_equal(world.woken, -1);
    world.states[1] = VX_PORT_ACTIVE;
    vx_ports_touch(world.ports, 1);
    turn(&world);
    assert_int_equal(world.woken, 1);
    assert_int_equal(vx_wait_count(world.ports), 0);
    world_fini(&world);
}

static void
a_waiter_waits_for_the_revision_too(void **state)
{
    struct vx_receipt *receipt;
    struct vx_wait *wait;
    struct world world;

    (void) state;
    world_init(&world);
    receipt = vx_receipts_open(world.receipts, 7);
    wait = vx_wait_new(world.ports, NULL, 0, 7, 60000);
    vx_wait_start(wait, woken, &world);
    turn(&world);
    assert_int_equal(world.woken, -1);
    vx_receipt_close(receipt);
    turn(&world);
    assert_int_equal(world.woken, 1);
    world_fini(&world);
}

static void
a_waiter_is_told_when_its_time_is_over(void **state)
{
    uint64_t oid = 1;
    struct vx_wait *wait;
    struct world world;

    (void) state;
    world_init(&world);
    wait = vx_wait_new(world.ports, &oid, 1, 1, 1);
    vx_wait_start(wait, woken, &world);
    while (world.woken < 0) {
        event_base_loop(world.base, EVLOOP_ONCE);
    }
    assert_int_equal(world.woken, 0);
    world_fini(&world);
}

static void
a_cancelled_waiter_is_never_woken(void **state)
{
    uint64_t oid = 1;
    struct vx_wait *wait;
    struct world world;

    (void) state;
    world_init(&world);
    world.states[1] = VX_PORT_ACTIVE;
    wait = vx_wait_new(world.ports, &oid, 1, 0, 60000);
    vx_wait_start(wait, woken, &world);
    vx_wait_cancel(wait);
    turn(&world);
    assert_int_equal(world.woken, -1);
    world_fini(&world);
}

static void
status_is_told_once_per_difference(void **state)
{
    struct world world;

    (void) state;
    world_init(&world);
    for (int i = 0; i < 3; i++) {
        vx_ports_touch(world.ports, 4);
        turn(&world);
    }
    assert_int_equal(world.n_changed, 1);
    world.states[4] = VX_PORT_DOWN;
    vx_ports_touch(world.ports, 4);
    vx_ports_touch(world.ports, 4);
    turn(&world);
    assert_int_equal(world.n_changed, 2);
    world_fini(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_settles_when_the_last_switch_confirms),
        cmocka_unit_test(a_port_waits_for_all_its_receipts),
        cmocka_unit_test(a_forgotten_port_is_not_told),
        cmocka_unit_test(
            what_is_confirmed_is_bounded_by_the_oldest_open_receipt),
        cmocka_unit_test(a_waiter_is_woken_when_all_its_ports_are_active),
        cmocka_unit_test(a_waiter_waits_for_the_revision_too),
        cmocka_unit_test(a_waiter_is_told_when_its_time_is_over),
        cmocka_unit_test(a_cancelled_waiter_is_never_woken),
        cmocka_unit_test(status_is_told_once_per_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
