/* SPDX-License-Identifier: Apache-2.0 */
/* What stays for a while: a network's rows on a host its last port has left,
 * both places of a port that migrates. And in which order a switch is loaded.
 * Random sequences are in tests/prop/test_fabric_prop.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fabric.h"
#include "core/pipeline.h"
#include "lib/xalloc.h"

enum { NET = 5000, PORT = 10000, VNI = 77, MAX_SENT = 64 };

/* Deltas in the order they were sent. */
struct sent {
    uint64_t first_host;
    enum vx_tier tier;
    size_t n_hosts, n_add, n_del;
    bool after_other;
};

struct ear {
    struct vx_fabric *fabric;
    struct vx_fabric_sink sink;
    struct sent sent[MAX_SENT];
    size_t n_sent;
    struct vx_grace grace;
    unsigned n_graces;
};

static void
hear_rows(void *ear_, const uint64_t *hosts, size_t n_hosts,
          const struct vx_delta *delta)
{
    struct ear *ear = ear_;

    assert_true(ear->n_sent < MAX_SENT);
    ear->sent[ear->n_sent++] = (struct sent) {
        hosts[0], delta->tier, n_hosts, delta->n_add, delta->n_del,
        delta->after_other,
    };
}

static void
hear_grace(void *ear_, const struct vx_grace *grace)
{
    struct ear *ear = ear_;

    ear->grace = *grace;
    ear->n_graces++;
}

static void
hush(struct ear *ear)
{
    ear->n_sent = 0;
    ear->n_graces = 0;
}

static void
put_network(struct ear *ear, unsigned n)
{
    struct vx_network *network = (struct vx_network *)
        vx_obj_new(VX_NETWORK);

    network->o.oid = NET + n;
    network->vni = VNI + n;
    vx_fabric_change(ear->fabric, NULL, &network->o);
    vx_obj_unref(&network->o);
}

static struct vx_port *
new_port(unsigned net, unsigned n, const char *iface_id)
{
    struct vx_port *port = (struct vx_port *) vx_obj_new(VX_PORT);

    port->o.oid = PORT + n;
    port->o.parent = NET + net;
    port->mac = vx_mac_from_u64(UINT64_C(0x020000000000) + n);
    port->guard = true;
    free(port->iface_id);
    port->iface_id = vx_xstrdup(iface_id);
    return port;
}

static void
put(struct ear *ear, struct vx_port *take)
{
    vx_fabric_change(ear->fabric, NULL, &take->o);
    vx_obj_unref(&take->o);
}

/* Port "m" on its way from one host to another (0: it has arrived). */
static void
migrate(struct ear *ear, uint64_t from, uint64_t to)
{
    struct vx_port *port = new_port(0, 1, "m");

    port->host = to;
    port->migrate_from = from;
    put(ear, port);
}

static int
set_up(void **state)
{
    struct ear *ear = vx_xcalloc(1, sizeof *ear);

    ear->sink = (struct vx_fabric_sink) {
        .ctx = ear, .rows = hear_rows, .grace = hear_grace,
    };
    ear->fabric = vx_fabric_new(&ear->sink);
    put_network(ear, 0);
    for (unsigned i = 1; i <= 3; i++) {
        struct vx_host *host = (struct vx_host *) vx_obj_new(VX_HOST);
        struct vx_port *port = new_port(0, 100 + i, "");

        host->o.oid = host->num = i;
        host->vtep = (struct vx_ip) { .family = 4, .b = { 10, 1, 0, i } };
        vx_fabric_change(ear->fabric, NULL, &host->o);
        vx_obj_unref(&host->o);
        port->host = i;
        free(port->iface_id);
        port->iface_id = vx_xasprintf("stays%u", i);
        put(ear, port);
    }
    hush(ear);
    *state = ear;
    return 0;
}

static int
tear_down(void **state)
{
    struct ear *ear = *state;

    vx_fabric_free(ear->fabric);
    free(ear);
    return 0;
}

static struct vx_place
place(const struct ear *ear)
{
    struct vx_place place;

    assert_true(vx_fabric_place(ear->fabric, PORT + 1, &place));
    return place;
}

static unsigned
n_outputs_of(struct vx_rows rows, uint32_t port)
{
    unsigned n = 0;

    for (size_t i = 0; i < rows.n; i++) {
        for (unsigned k = 0; k < rows.rows[i].n_acts; k++) {
            n += rows.rows[i].acts[k].type == VX_ACT_OUTPUT
                 && rows.rows[i].acts[k].arg == port;
        }
    }
    vx_rows_fini(&rows);
    return n;
}

/* Rows of a compile that output to the port number. */
static unsigned
n_outputs(const struct ear *ear, uint64_t host, enum vx_tier tier,
          uint32_t port)
{
    struct vx_rows rows;

    vx_fabric_compile(ear->fabric, host, tier, &rows);
    return n_outputs_of(rows, port);
}

static void
a_host_keeps_a_networks_rows_until_the_grace_time_is_over(void **state)
{
    struct ear *ear = *state;
    struct vx_port *port;

    put_network(ear, 1);
    port = new_port(1, 1, "m");
    port->host = 1;
    put(ear, port);
    assert_true(vx_fabric_has_port_at(ear->fabric, NET + 1, 1));
    hush(ear);
    migrate(ear, 0, 2);                     /* of network 0, in fact */
    port = new_port(1, 1, "m");
    port->host = 2;
    put(ear, port);
    assert_int_equal(ear->n_graces, 1);
    assert_int_equal(ear->grace.object, NET + 1);
    assert_int_equal(ear->grace.host, 1);
    assert_false(vx_fabric_has_port_at(ear->fabric, NET + 1, 1));
    assert_true(vx_fabric_has_presence(ear->fabric, NET + 1, 1));
    hush(ear);
    port = new_port(1, 1, "m");             /* it comes back: no presence */
    port->host = 1;                         /* has to be made again */
    put(ear, port);
    for (size_t i = 0; i < ear->n_sent; i++) {
        assert_int_not_equal(ear->sent[i].tier, VX_TENANT_TIER);
    }
    struct vx_grace grace = ear->grace;
    assert_int_equal(grace.host, 2);
    hush(ear);
    assert_true(vx_fabric_has_presence(ear->fabric, NET + 1, 2));
    vx_fabric_grace_over(ear->fabric, &grace);
    assert_false(vx_fabric_has_presence(ear->fabric, NET + 1, 2));
    assert_true(vx_fabric_has_presence(ear->fabric, NET + 1, 1));
    assert_false(vx_fabric_has_presence(ear->fabric, NET + 7, 1));
    assert_true(ear->n_sent > 0);
    hush(ear);
    vx_fabric_grace_over(ear->fabric, &grace);
    assert_int_equal(ear->n_sent, 0);
}

static void
nothing_lingers_of_a_network_or_host_that_is_removed(void **state)
{
    struct ear *ear = *state;
    struct vx_network network = { .o = { .kind = VX_NETWORK } };
    struct vx_port *port;
    size_t n;

    put_network(ear, 1);
    port = new_port(1, 1, "m");
    port->host = 1;
    vx_fabric_change(ear->fabric, NULL, &port->o);
    vx_fabric_change(ear->fabric, &port->o, NULL);
    vx_obj_unref(&port->o);
    assert_int_equal(ear->n_graces, 1);
    vx_fabric_network_hosts(ear->fabric, NET + 1, &n);
    assert_int_equal(n, 1);
    network.o.oid = NET + 1;
    vx_fabric_change(ear->fabric, &network.o, NULL);
    vx_fabric_network_hosts(ear->fabric, NET + 1, &n);
    assert_int_equal(n, 0);
    vx_fabric_grace_over(ear->fabric, &ear->grace);
}

static void
a_target_is_prepared_before_its_interface_is_there(void **state)
{
    struct ear *ear = *state;
    struct vx_port *port;

    put_network(ear, 1);
    port = new_port(1, 1, "m");
    port->host = 1;
    put(ear, port);
    port = new_port(1, 1, "m");
    port->host = 2;
    port->migrate_from = 1;
    put(ear, port);
    assert_int_equal(place(ear).host, 1);
    assert_int_equal(place(ear).guest, 2);
    /* Where to find it, and the group for what it will say. */
    assert_true(n_outputs(ear, 2, VX_FABRIC_TIER, VX_OFPORT_VXLAN) >= 2);
}

/* The tier of a host that packets go by until the other one has them is told
 * after that one. */
static void
assert_gives_way_last(const struct ear *ear, uint64_t host,
                      enum vx_tier first)
{
    unsigned n = 0;

    for (size_t i = 0; i < ear->n_sent; i++) {
        const struct sent *sent = &ear->sent[i];

        if (sent->first_host == host) {
            assert_int_equal(sent->tier == first, n == 0);
            assert_int_equal(sent->after_other, n == 1);
            n++;
        }
    }
    assert_int_equal(n, 2);
}

static void
a_migration_swaps_both_places_and_one_tap_listens_at_a_time(void **state)
{
    struct ear *ear = *state;

    migrate(ear, 0, 1);
    vx_fabric_iface(ear->fabric, 1, "m", 11);
    migrate(ear, 1, 2);
    vx_fabric_iface(ear->fabric, 2, "m", 12);
    assert_int_equal(place(ear).ofport, 11);
    assert_int_equal(place(ear).guest_ofport, 12);
    assert_int_equal(n_outputs(ear, 1, VX_TENANT_TIER, 11), 2);
    assert_int_equal(n_outputs(ear, 2, VX_TENANT_TIER, 12), 1);
    hush(ear);
    migrate(ear, 0, 2);
    assert_int_equal(place(ear).host, 2);
    assert_int_equal(place(ear).ofport, 12);
    assert_int_equal(place(ear).guest, 1);
    assert_int_equal(place(ear).guest_ofport, 11);
    assert_int_equal(place(ear).elsewhere, 0);
    assert_int_equal(n_outputs(ear, 1, VX_TENANT_TIER, 11), 1);
    assert_int_equal(n_outputs(ear, 2, VX_TENANT_TIER, 12), 2);
    /* Three hosts learn the way, both taps change, nothing else. */
    assert_int_equal(ear->n_sent, 5);
    assert_gives_way_last(ear, 1, VX_FABRIC_TIER);
    assert_gives_way_last(ear, 2, VX_TENANT_TIER);
    assert_int_equal(ear->n_graces, 1);
    vx_fabric_grace_over(ear->fabric, &ear->grace);
    assert_int_equal(place(ear).guest, 0);
    assert_int_equal(n_outputs(ear, 1, VX_TENANT_TIER, 11), 0);
}

static void
the_place_it_left_ends_with_the_interface_there(void **state)
{
    struct ear *ear = *state;

    migrate(ear, 0, 1);
    vx_fabric_iface(ear->fabric, 1, "m", 11);
    migrate(ear, 1, 2);
    vx_fabric_iface(ear->fabric, 2, "m", 12);
    migrate(ear, 0, 2);
    vx_fabric_iface(ear->fabric, 1, "m", 0);
    assert_int_equal(place(ear).guest, 0);
    vx_fabric_iface(ear->fabric, 1, "m", 13);
    assert_int_equal(place(ear).guest, 0);
    assert_int_equal(place(ear).elsewhere, 1);
}

/* --- A controller that starts. */

/* Port "m" is on host 2, and a second ago it was on host 1. */
static void
start(struct ear *ear)
{
    struct vx_port *port = new_port(0, 1, "m");

    for (unsigned i = 1; i <= 3; i++) {
        vx_fabric_unheard(ear->fabric, i, true);
    }
    port->host = 2;
    port->left = 1;
    put(ear, port);
    assert_int_equal(place(ear).guest, 0);
    vx_fabric_linger(ear->fabric, PORT + 1);
    assert_int_equal(ear->n_graces, 1);
}

static void
a_controller_that_starts_keeps_the_place_that_a_port_has_only_just_left(
    void **state)
{
    struct ear *ear = *state;

    start(ear);
    assert_int_equal(place(ear).guest, 1);
    assert_int_equal(place(ear).guest_ofport, 0);
    vx_fabric_iface(ear->fabric, 2, "m", 12);
    vx_fabric_unheard(ear->fabric, 2, false);
    assert_int_equal(place(ear).guest, 1);
    vx_fabric_iface(ear->fabric, 1, "m", 11);
    vx_fabric_unheard(ear->fabric, 1, false);
    assert_int_equal(place(ear).guest, 1);
    assert_int_equal(place(ear).guest_ofport, 11);
    assert_int_equal(n_outputs(ear, 1, VX_TENANT_TIER, 11), 1);
    assert_int_equal(n_outputs(ear, 2, VX_TENANT_TIER, 12), 2);
    vx_fabric_grace_over(ear->fabric, &ear->grace);
    assert_int_equal(place(ear).guest, 0);
}

static void
the_place_it_left_ends_when_the_host_has_told_its_interfaces(void **state)
{
    struct ear *ear = *state;

    start(ear);
    vx_fabric_unheard(ear->fabric, 1, false);
    assert_int_equal(place(ear).guest, 0);
    vx_fabric_iface(ear->fabric, 1, "m", 11);
    assert_int_equal(place(ear).guest, 0);
    assert_int_equal(n_outputs(ear, 1, VX_TENANT_TIER, 11), 0);
}

static void
the_place_it_left_ends_with_the_grace_time_also_unheard(void **state)
{
    struct ear *ear = *state;

    start(ear);
    vx_fabric_grace_over(ear->fabric, &ear->grace);
    assert_int_equal(place(ear).guest, 0);
    vx_fabric_iface(ear->fabric, 1, "m", 11);
    assert_int_equal(place(ear).guest, 0);
}

static void
a_port_leaves_a_host_that_has_not_told_its_interfaces(void **state)
{
    struct ear *ear = *state;

    vx_fabric_unheard(ear->fabric, 1, true);
    migrate(ear, 1, 2);
    vx_fabric_iface(ear->fabric, 2, "m", 12);
    hush(ear);
    migrate(ear, 0, 2);
    assert_int_equal(ear->n_graces, 1);
    assert_int_equal(place(ear).guest, 1);
    vx_fabric_iface(ear->fabric, 1, "m", 11);
    assert_int_equal(place(ear).guest_ofport, 11);
}

static unsigned
n_past_outputs(const struct ear *ear, uint64_t host, enum vx_tier tier,
               uint32_t port)
{
    struct vx_rows rows;

    vx_fabric_compile_past(ear->fabric, host, tier, &rows);
    return n_outputs_of(rows, port);
}

static bool
has_past(const struct ear *ear, uint64_t host, enum vx_tier tier)
{
    struct vx_rows rows;
    bool has;

    vx_fabric_compile_past(ear->fabric, host, tier, &rows);
    has = rows.n;
    vx_rows_fini(&rows);
    return has;
}

static void
what_packets_went_by_is_known_while_the_port_has_only_just_moved(
    void **state)
{
    struct ear *ear = *state;

    migrate(ear, 0, 1);
    vx_fabric_iface(ear->fabric, 1, "m", 11);
    migrate(ear, 1, 2);
    vx_fabric_iface(ear->fabric, 2, "m", 12);
    assert_false(has_past(ear, 1, VX_TENANT_TIER));
    assert_false(has_past(ear, 2, VX_FABRIC_TIER));
    hush(ear);
    migrate(ear, 0, 2);
    /* To its tap: its neighbours and BUM; and to the second one. */
    assert_int_equal(n_past_outputs(ear, 1, VX_TENANT_TIER, 11), 2);
    assert_int_equal(n_past_outputs(ear, 2, VX_TENANT_TIER, 12), 1);
    assert_true(has_past(ear, 2, VX_FABRIC_TIER));
    assert_false(has_past(ear, 1, VX_FABRIC_TIER));
    assert_false(has_past(ear, 3, VX_FABRIC_TIER));
    assert_false(has_past(ear, 3, VX_TENANT_TIER));
    vx_fabric_grace_over(ear->fabric, &ear->grace);
    assert_false(has_past(ear, 1, VX_TENANT_TIER));
    assert_false(has_past(ear, 2, VX_TENANT_TIER));
    assert_false(has_past(ear, 2, VX_FABRIC_TIER));
}

static void
a_migration_that_is_given_up_leaves_the_port_where_it_was(void **state)
{
    struct ear *ear = *state;

    migrate(ear, 0, 1);
    vx_fabric_iface(ear->fabric, 1, "m", 11);
    migrate(ear, 1, 2);
    vx_fabric_iface(ear->fabric, 2, "m", 12);
    hush(ear);
    migrate(ear, 0, 1);
    assert_int_equal(place(ear).host, 1);
    assert_int_equal(place(ear).ofport, 11);
    assert_int_equal(place(ear).guest, 0);
    assert_int_equal(place(ear).elsewhere, 2);
    assert_int_equal(n_outputs(ear, 2, VX_TENANT_TIER, 12), 0);
    for (size_t i = 0; i < ear->n_sent; i++) {
        assert_false(ear->sent[i].first_host == 1
                     && ear->sent[i].tier == VX_TENANT_TIER);
    }
}

static void
a_switch_is_loaded_base_first_then_networks_in_use(void **state)
{
    struct ear *ear = *state;
    struct vx_rows rows;
    uint32_t groups[4];
    size_t n = 0;

    put_network(ear, 1);
    put_network(ear, 2);
    for (unsigned i = 1; i <= 2; i++) {
        struct vx_port *port = new_port(i, 10 + i, i == 1 ? "b" : "c");

        port->host = 1;
        put(ear, port);
    }
    vx_fabric_iface(ear->fabric, 1, "c", 5);
    vx_fabric_compile(ear->fabric, 1, VX_TENANT_TIER, &rows);
    assert_int_equal(rows.rows[0].type, VX_ROW_METER);
    assert_int_equal(rows.rows[1].group, VX_GROUP_ECMP);
    assert_int_equal(VX_COOKIE_KIND(rows.rows[2 + VX_ECMP_SLOTS].cookie),
                     0xff);
    for (size_t i = 0; i < rows.n; i++) {
        if (rows.rows[i].type == VX_ROW_GROUP && n < 4
            && rows.rows[i].group != VX_GROUP_ECMP) {
            groups[n++] = rows.rows[i].group;
        }
    }
    vx_rows_fini(&rows);
    assert_int_equal(n, 3);
    assert_int_equal(groups[0], VNI + 2);
    assert_int_equal(groups[1], VNI + 1);
    assert_int_equal(groups[2], VNI);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_keeps_a_networks_rows_until_the_grace_time_is_over),
        TEST(nothing_lingers_of_a_network_or_host_that_is_removed),
        TEST(a_target_is_prepared_before_its_interface_is_there),
        TEST(a_migration_swaps_both_places_and_one_tap_listens_at_a_time),
        TEST(the_place_it_left_ends_with_the_interface_there),
        TEST(
        a_controller_that_starts_keeps_the_place_that_a_port_has_only_just_left
        ),
        TEST(the_place_it_left_ends_when_the_host_has_told_its_interfaces),
        TEST(the_place_it_left_ends_with_the_grace_time_also_unheard),
        TEST(a_port_leaves_a_host_that_has_not_told_its_interfaces),
        TEST(
            what_packets_went_by_is_known_while_the_port_has_only_just_moved),
        TEST(a_migration_that_is_given_up_leaves_the_port_where_it_was),
        TEST(a_switch_is_loaded_base_first_then_networks_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
