/* SPDX-License-Identifier: Apache-2.0 */
/* The fabric, case by case: who is told what, and who is not. Random
 * sequences are in tests/prop/test_fabric_prop.c. */
#include "core/fabric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/pipeline.h"
#include "core/trace.h"
#include "lib/xalloc.h"

enum { NET = 5000, PORT = 10000, VNI = 77 };

/* What the sink heard since the last look. */
struct ear {
    struct vx_fabric *fabric;
    struct vx_fabric_sink sink;
    size_t n_deltas, n_added, n_deleted, n_host_rows;
    uint64_t locate_port, locate_host;
    uint64_t last_touched;
};

static void
hear_rows(void *ear_, const uint64_t *hosts, size_t n_hosts,
          const struct vx_delta *delta)
{
    struct ear *ear = ear_;

    (void) hosts;
    ear->n_deltas++;
    ear->n_added += delta->n_add;
    ear->n_deleted += delta->n_del;
    ear->n_host_rows += n_hosts * (delta->n_add + delta->n_del);
}

static void
hear_locate(void *ear_, uint64_t port, uint64_t host)
{
    struct ear *ear = ear_;

    ear->locate_port = port;
    ear->locate_host = host;
}

static void
hear_touched(void *ear_, uint64_t port)
{
    struct ear *ear = ear_;

    ear->last_touched = port;
}

static void
hush(struct ear *ear)
{
    ear->n_deltas = ear->n_added = ear->n_deleted = ear->n_host_rows = 0;
    ear->locate_port = ear->locate_host = ear->last_touched = 0;
}

static void
put_host(struct ear *ear, uint64_t oid, bool vtep)
{
    struct vx_host *host = (struct vx_host *) vx_obj_new(VX_HOST);

    host->o.oid = oid;
    host->num = oid;
    if (vtep) {
        host->vtep = (struct vx_ip) {
            .family = 4, .b = { 10, 1, oid >> 8, oid & 255 }
        };
    }
    vx_fabric_change(ear->fabric, NULL, &host->o);
    vx_obj_unref(&host->o);
}

static void
put_port(struct ear *ear, uint64_t n, uint64_t host, const char *iface_id)
{
    struct vx_port *port = (struct vx_port *) vx_obj_new(VX_PORT);

    port->o.oid = PORT + n;
    port->o.parent = NET;
    port->mac = vx_mac_from_u64(UINT64_C(0x020000000000) + n);
    port->n_ips = 1;
    port->ips = vx_xcalloc(1, sizeof *port->ips);
    port->ips[0] = (struct vx_ip) {
        .family = 4, .b = { 10, 0, n >> 8, n & 255 }
    };
    port->guard = true;
    port->host = host;
    free(port->iface_id);
    port->iface_id = vx_xstrdup(iface_id);
    vx_fabric_change(ear->fabric, NULL, &port->o);
    vx_obj_unref(&port->o);
}

static struct vx_place
place(const struct ear *ear, uint64_t n)
{
    struct vx_place place;

    assert_true(vx_fabric_place(ear->fabric, PORT + n, &place));
    return place;
}

static int
set_up(void **state)
{
    struct ear *ear = vx_xcalloc(1, sizeof *ear);
    struct vx_network *network
        = (struct vx_network *) vx_obj_new(VX_NETWORK);

    ear->sink = (struct vx_fabric_sink) {
        .ctx = ear, .rows = hear_rows, .locate = hear_locate,
        .port_touched = hear_touched,
    };
    ear->fabric = vx_fabric_new(&ear->sink);
    network->o.oid = NET;
    network->vni = VNI;
    vx_fabric_change(ear->fabric, NULL, &network->o);
    vx_obj_unref(&network->o);
    put_host(ear, 1, true);
    put_host(ear, 2, true);
    put_host(ear, 3, true);
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

static void
an_interface_and_its_port_meet_in_either_order(void **state)
{
    struct ear *ear = *state;

    vx_fabric_iface(ear->fabric, 1, "a", 7);
    put_port(ear, 1, 1, "a");
    assert_int_equal(place(ear, 1).ofport, 7);
    put_port(ear, 2, 1, "b");
    assert_int_equal(place(ear, 2).ofport, 0);
    hush(ear);
    vx_fabric_iface(ear->fabric, 1, "b", 8);
    assert_int_equal(place(ear, 2).ofport, 8);
    assert_int_equal(ear->last_touched, PORT + 2);
    hush(ear);
    vx_fabric_iface(ear->fabric, 1, "b", 8);
    assert_int_equal(ear->n_deltas, 0);
}

static void
only_the_allowed_host_binds_and_the_other_is_reported(void **state)
{
    struct ear *ear = *state;

    put_port(ear, 1, 1, "a");
    vx_fabric_iface(ear->fabric, 2, "a", 5);
    assert_int_equal(place(ear, 1).ofport, 0);
    assert_int_equal(place(ear, 1).elsewhere, 2);
    vx_fabric_iface(ear->fabric, 1, "a", 6);
    assert_int_equal(place(ear, 1).ofport, 6);
    assert_int_equal(place(ear, 1).elsewhere, 2);
    vx_fabric_iface(ear->fabric, 2, "a", 0);
    assert_int_equal(place(ear, 1).elsewhere, 0);
    assert_int_equal(ear->locate_port, 0);
}

static void
a_port_that_may_be_anywhere_follows_its_interface(void **state)
{
    struct ear *ear = *state;

    put_port(ear, 1, 0, "a");
    assert_int_equal(place(ear, 1).host, 0);
    vx_fabric_iface(ear->fabric, 2, "a", 5);
    assert_int_equal(ear->locate_port, PORT + 1);
    assert_int_equal(ear->locate_host, 2);

    struct vx_port *port = (struct vx_port *) vx_obj_new(VX_PORT);
    port->o.oid = PORT + 1;
    port->o.parent = NET;
    port->located = 2;
    free(port->iface_id);
    port->iface_id = vx_xstrdup("a");
    vx_fabric_change(ear->fabric, NULL, &port->o);
    assert_int_equal(place(ear, 1).host, 2);
    assert_int_equal(place(ear, 1).ofport, 5);
    hush(ear);
    /* A live migration: the destination comes before the source goes. */
    vx_fabric_iface(ear->fabric, 3, "a", 9);
    assert_int_equal(ear->locate_port, 0);
    assert_int_equal(place(ear, 1).elsewhere, 3);
    vx_fabric_iface(ear->fabric, 2, "a", 0);
    assert_int_equal(ear->locate_host, 3);
    vx_obj_unref(&port->o);
}

static void
drain_host(struct ear *ear, uint64_t oid, bool draining)
{
    struct vx_host *host = (struct vx_host *) vx_obj_new(VX_HOST);

    host->o.oid = oid;
    host->num = oid;
    host->vtep = (struct vx_ip) { .family = 4, .b = { 10, 1, 0, oid } };
    host->draining = draining;
    vx_fabric_change(ear->fabric, NULL, &host->o);
    vx_obj_unref(&host->o);
}

static void
no_port_is_located_on_a_draining_host_before_it_ends(void **state)
{
    struct ear *ear = *state;

    put_port(ear, 1, 0, "a");
    drain_host(ear, 2, true);
    hush(ear);
    vx_fabric_iface(ear->fabric, 2, "a", 5);
    assert_int_equal(ear->locate_port, 0);
    assert_int_equal(vx_fabric_locate(ear->fabric, PORT + 1), 0);
    assert_int_equal(place(ear, 1).elsewhere, 2);
    assert_int_equal(ear->last_touched, PORT + 1);
    hush(ear);
    drain_host(ear, 2, false);
    assert_int_equal(ear->locate_port, PORT + 1);
    assert_int_equal(ear->locate_host, 2);
    assert_int_equal(ear->n_deltas, 0);
}

static void
two_ports_swap_their_interfaces(void **state)
{
    struct ear *ear = *state;

    put_port(ear, 1, 1, "a");
    put_port(ear, 2, 1, "b");
    vx_fabric_iface(ear->fabric, 1, "a", 5);
    vx_fabric_iface(ear->fabric, 1, "b", 6);
    put_port(ear, 1, 1, "b");
    assert_int_equal(place(ear, 1).ofport, 6);
    assert_int_equal(place(ear, 2).ofport, 0);
    put_port(ear, 2, 1, "a");
    assert_int_equal(place(ear, 1).ofport, 6);
    assert_int_equal(place(ear, 2).ofport, 5);
}

static void
a_port_number_has_one_owner(void **state)
{
    struct ear *ear = *state;

    put_port(ear, 1, 1, "a");
    put_port(ear, 2, 1, "b");
    vx_fabric_iface(ear->fabric, 1, "a", 5);
    vx_fabric_iface(ear->fabric, 1, "b", 5);
    assert_int_equal(place(ear, 1).ofport, 0);
    assert_int_equal(place(ear, 2).ofport, 5);
    vx_fabric_iface(ear->fabric, 1, "a", 0);
    assert_int_equal(place(ear, 2).ofport, 5);
}

static void
the_fabrics_own_port_numbers_are_refused(void **state)
{
    struct ear *ear = *state;
    static const uint32_t numbers[] = {
        0, VX_OFPORT_PATCH, VX_OFPORT_VXLAN, 0xffff, UINT32_MAX
    };

    put_port(ear, 1, 1, "a");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        vx_fabric_iface(ear->fabric, 1, "a", numbers[i]);
        assert_int_equal(place(ear, 1).ofport, 0);
    }
}

static size_t
count_type(const struct ear *ear, uint64_t host, enum vx_row_type type,
           uint64_t cookie)
{
    struct vx_rows rows;
    size_t n = 0;

    vx_fabric_compile(ear->fabric, host, VX_FABRIC_TIER, &rows);
    for (size_t i = 0; i < rows.n; i++) {
        n += rows.rows[i].type == type && rows.rows[i].cookie == cookie
             && rows.rows[i].group != VX_GROUP_ECMP;
    }
    vx_rows_fini(&rows);
    return n;
}

/* Rows lead to a host by its number; what knows its address, or accepts
 * packets from it, are two rows of its own. */
static void
no_row_knows_the_way_to_a_host_without_vtep_until_it_has_one(void **state)
{
    struct ear *ear = *state;
    uint64_t cookie = VX_COOKIE(VX_HOST, 0, 4);
    uint64_t to_port = VX_COOKIE(VX_PORT, 0, PORT + 2);

    put_host(ear, 4, false);
    put_port(ear, 1, 1, "a");
    put_port(ear, 2, 4, "b");
    assert_int_equal(count_type(ear, 1, VX_ROW_FLOW, cookie), 0);
    assert_int_equal(count_type(ear, 1, VX_ROW_FLOW, to_port), 3);
    put_host(ear, 4, true);
    assert_int_equal(count_type(ear, 1, VX_ROW_FLOW, cookie), 2);
    put_host(ear, 4, false);
    assert_int_equal(count_type(ear, 1, VX_ROW_FLOW, cookie), 0);
    assert_int_equal(count_type(ear, 1, VX_ROW_FLOW, to_port), 3);
}

static void
nothing_goes_to_a_host_or_comes_from_it_before_it_is_admitted(void **state)
{
    struct ear *ear = *state;
    struct vx_host *host = (struct vx_host *) vx_obj_new(VX_HOST);
    uint64_t cookie = VX_COOKIE(VX_HOST, 0, 4);

    host->o.oid = 4;
    host->num = 4;
    host->vtep = (struct vx_ip) { .family = 4, .b = { 10, 1, 0, 4 } };
    host->stranger = true;
    vx_fabric_change(ear->fabric, NULL, &host->o);
    put_port(ear, 1, 1, "a");
    put_port(ear, 2, 4, "b");
    assert_int_equal(count_type(ear, 1, VX_ROW_FLOW, cookie), 0);
    vx_obj_unref(&host->o);
    put_host(ear, 4, true);
    assert_int_equal(count_type(ear, 1, VX_ROW_FLOW, cookie), 2);
}

/* Its port and host may be taken away and put back: a rehearsal does. */
static void
a_next_hop_that_was_found_dead_stays_so_until_told(void **state)
{
    struct ear *ear = *state;
    struct vx_tenant *tenant = (struct vx_tenant *) vx_obj_new(VX_TENANT);
    struct vx_subnet *subnet = (struct vx_subnet *) vx_obj_new(VX_SUBNET);
    struct vx_ip ip = { .family = 4, .b = { 10, 0, 0, 1 } };
    struct vx_port *port = (struct vx_port *) vx_obj_new(VX_PORT);
    bool usable;

    port->o.oid = PORT + 1;
    port->o.parent = NET;
    port->mac = vx_mac_from_u64(UINT64_C(0x020000000001));
    port->n_ips = 1;
    port->ips = vx_xmemdup(&ip, sizeof ip);
    port->host = 1;
    tenant->router_vni = 99;
    vx_fabric_change(ear->fabric, NULL, &tenant->o);
    subnet->o.oid = 20000;
    subnet->o.parent = NET;
    subnet->prefix = (struct vx_prefix) {
        { .family = 4, .b = { 10, 0, 0, 0 } }, 24
    };
    subnet->gateway = (struct vx_ip) { .family = 4, .b = { 10, 0, 0, 254 } };
    subnet->route = true;
    vx_fabric_change(ear->fabric, NULL, &subnet->o);
    vx_fabric_change(ear->fabric, NULL, &port->o);
    assert_int_equal(vx_fabric_hop(ear->fabric, 0, &ip, &usable), PORT + 1);
    assert_true(usable);
    vx_fabric_port_alive(ear->fabric, PORT + 1, false);
    vx_fabric_change(ear->fabric, &port->o, NULL);
    vx_fabric_change(ear->fabric, NULL, &port->o);
    vx_obj_unref(&port->o);
    assert_int_equal(vx_fabric_hop(ear->fabric, 0, &ip, &usable), PORT + 1);
    assert_false(usable);
    vx_fabric_port_alive(ear->fabric, PORT + 1, true);
    vx_fabric_hop(ear->fabric, 0, &ip, &usable);
    assert_true(usable);
    vx_obj_unref(&tenant->o);
    vx_obj_unref(&subnet->o);
}

static uint64_t
mac_of_next_hop(struct ear *ear, uint64_t route)
{
    struct vx_rows rows;
    struct vx_packet packet = { 0 };

    vx_fabric_compile(ear->fabric, 1, VX_TENANT_TIER, &rows);
    for (size_t i = 0; i < rows.n; i++) {
        const struct vx_row *row = &rows.rows[i];

        for (unsigned k = 0; row->cookie == VX_COOKIE(VX_ROUTE, 0, route)
                             && k < row->n_acts; k++) {
            if (row->acts[k].type == VX_ACT_SET
                && row->acts[k].field == VX_F_ETH_DST) {
                memcpy(packet.f[VX_F_ETH_DST], row->acts[k].value, 6);
            }
        }
    }
    vx_rows_fini(&rows);
    return vx_packet_get_u(&packet, VX_F_ETH_DST);
}

static void
routes_follow_the_mac_of_their_next_hop(void **state)
{
    struct ear *ear = *state;
    struct vx_route *route = (struct vx_route *) vx_obj_new(VX_ROUTE);
    struct vx_ip via = { .family = 4, .b = { 10, 0, 0, 2 } };
    struct vx_port *moved;

    a_next_hop_that_was_found_dead_stays_so_until_told(state);
    put_port(ear, 2, 1, "b");
    route->o.oid = 30000;
    route->prefix = (struct vx_prefix) {
        { .family = 4, .b = { 10, 9, 0, 0 } }, 16
    };
    route->num = 1;
    route->n_via = 1;
    route->via = vx_xmemdup(&via, sizeof via);
    vx_fabric_change(ear->fabric, NULL, &route->o);
    assert_int_equal(mac_of_next_hop(ear, 30000), 0x020000000002);
    moved = (struct vx_port *) vx_obj_new(VX_PORT);
    moved->o.oid = PORT + 2;
    moved->o.parent = NET;
    moved->n_ips = 1;
    moved->ips = vx_xmemdup(&via, sizeof via);
    moved->host = 1;
    moved->mac = vx_mac_from_u64(0x020000000077);
    vx_fabric_change(ear->fabric, NULL, &moved->o);
    assert_int_equal(mac_of_next_hop(ear, 30000), 0x020000000077);
    vx_obj_unref(&route->o);
    vx_obj_unref(&moved->o);
}

/* A network on 510 hosts. */
static void
fill(struct ear *ear)
{
    for (unsigned i = 1; i <= 510; i++) {
        put_host(ear, i, true);
        put_port(ear, i, i, "");
    }
}

static void
a_group_holds_as_many_hosts_as_a_switch_can_serve(void **state)
{
    struct ear *ear = *state;

    fill(ear);
    assert_int_equal(count_type(ear, 1, VX_ROW_BUCKET, 0),
                     VX_GROUP_MAX_BUCKETS);
    assert_int_equal(count_type(ear, 510, VX_ROW_BUCKET, 0),
                     VX_GROUP_MAX_BUCKETS);
}

static void
one_more_port_costs_its_own_rows_whatever_the_fabric_holds(void **state)
{
    struct ear *ear = *state;

    fill(ear);
    hush(ear);
    put_port(ear, 1000, 17, "");
    assert_true(ear->n_deltas <= 2);
    assert_int_equal(ear->n_deleted, 0);
    assert_true(ear->n_added <= 5);
    assert_int_equal(ear->n_host_rows, 509 * 3 + 2);
}

static void
what_does_not_matter_to_switches_is_not_sent(void **state)
{
    struct ear *ear = *state;

    put_port(ear, 1, 1, "a");
    put_port(ear, 2, 2, "b");
    hush(ear);
    put_port(ear, 1, 1, "a");
    put_host(ear, 1, true);
    assert_int_equal(ear->n_deltas, 0);
}

/* --- Traces: what the guard lets through. */

struct frame {
    const char *eth_src, *ip_src;
    unsigned eth_type;
    bool tagged;
    enum vx_drop_reason reason;
};

static unsigned
drop_reason(const struct ear *ear, const struct frame *frame)
{
    struct vx_rows tier1, tier2;
    struct vx_packet packet = { 0 };
    struct vx_trace trace;
    struct vx_mac mac, to = vx_mac_from_u64(UINT64_C(0x020000000002));
    struct vx_ip ip;
    unsigned reason;

    vx_fabric_compile(ear->fabric, 1, VX_TENANT_TIER, &tier1);
    vx_fabric_compile(ear->fabric, 1, VX_FABRIC_TIER, &tier2);
    assert_true(vx_mac_parse(frame->eth_src, &mac));
    vx_packet_set_u(&packet, VX_F_IN_PORT, 5);
    vx_packet_set_u(&packet, VX_F_VLAN_TCI, frame->tagged ? 0x1005 : 0);
    vx_packet_set_mac(&packet, VX_F_ETH_SRC, &mac);
    vx_packet_set_mac(&packet, VX_F_ETH_DST, &to);
    vx_packet_set_u(&packet, VX_F_ETH_TYPE, frame->eth_type);
    if (frame->ip_src) {
        assert_true(vx_ip_parse(frame->ip_src, &ip));
        vx_packet_set_ip(&packet, ip.family == 4 ? VX_F_IPV4_SRC
                                                 : VX_F_IPV6_SRC, &ip);
    }
    vx_trace_host(&tier1, &tier2, VX_TENANT_TIER, &packet, &trace);
    reason = vx_trace_drop_reason(&trace);
    assert_int_equal(trace.n_exits, reason == VX_PASS);
    vx_trace_fini(&trace);
    vx_rows_fini(&tier1);
    vx_rows_fini(&tier2);
    return reason;
}

static void
a_forged_frame_is_dropped_for_its_own_reason(void **state)
{
    static const char mine[] = "02:00:00:00:00:01";
    static const struct frame frames[] = {
        { mine, "10.0.0.1", 0x0800, false, VX_PASS },
        { mine, "fe80::ff:fe00:1", 0x86dd, false, VX_PASS },
        { mine, "10.0.0.2", 0x0800, false, VX_DROP_IP_SPOOF },
        { mine, "fe80::ff:fe00:2", 0x86dd, false, VX_DROP_IP6_SPOOF },
        { mine, NULL, 0x0806, false, VX_DROP_ARP_SPOOF },
        { mine, NULL, 0x8847, false, VX_DROP_ETHERTYPE },
        { mine, NULL, VX_ETH_PROBE, false, VX_DROP_PROBE },
        { mine, "10.0.0.1", 0x0800, true, VX_DROP_TAGGED },
        { "02:00:00:00:00:03", "10.0.0.1", 0x0800, false,
          VX_DROP_MAC_SPOOF },
    };
    struct ear *ear = *state;

    put_port(ear, 1, 1, "a");
    put_port(ear, 2, 2, "b");
    vx_fabric_iface(ear->fabric, 1, "a", 5);
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        assert_string_equal(
            vx_drop_reason_name(drop_reason(ear, &frames[i])),
            vx_drop_reason_name(frames[i].reason));
    }
}

static void
a_tunnel_packet_of_a_stranger_or_strange_vni_is_dropped(void **state)
{
    struct ear *ear = *state;
    static const struct {
        uint8_t host;
        uint32_t vni;
        enum vx_drop_reason reason;
    } cases[] = {
        { 2, VNI, VX_PASS },
        { 9, VNI, VX_DROP_UNKNOWN_VTEP },
        { 1, VNI, VX_DROP_UNKNOWN_VTEP },
        { 2, VNI + 1, VX_DROP_UNKNOWN_VNI },
    };
    struct vx_mac to = vx_mac_from_u64(UINT64_C(0x020000000001));
    struct vx_rows tier1, tier2;

    put_port(ear, 1, 1, "a");
    vx_fabric_iface(ear->fabric, 1, "a", 5);
    vx_fabric_compile(ear->fabric, 1, VX_TENANT_TIER, &tier1);
    vx_fabric_compile(ear->fabric, 1, VX_FABRIC_TIER, &tier2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vx_packet packet = { 0 };
        struct vx_trace trace;
        struct vx_ip vtep = { .family = 4,
                              .b = { 10, 1, 0, cases[i].host } };

        vx_packet_set_u(&packet, VX_F_IN_PORT, VX_OFPORT_VXLAN);
        vx_packet_set_u(&packet, VX_F_TUN_ID, cases[i].vni);
        vx_packet_set_ip(&packet, VX_F_TUN_SRC, &vtep);
        vx_packet_set_mac(&packet, VX_F_ETH_DST, &to);
        vx_trace_host(&tier1, &tier2, VX_FABRIC_TIER, &packet, &trace);
        assert_int_equal(vx_trace_drop_reason(&trace), cases[i].reason);
        assert_int_equal(trace.n_exits, cases[i].reason == VX_PASS);
        vx_trace_fini(&trace);
    }
    vx_rows_fini(&tier1);
    vx_rows_fini(&tier2);
}

/* Where a frame of the type goes that enters tier 1 at the port. */
static uint32_t
exit_of(const struct ear *ear, uint32_t in_port, unsigned eth_type)
{
    struct vx_mac to = vx_mac_from_u64(UINT64_C(0x020000000001));
    struct vx_packet packet = { 0 };
    struct vx_rows tier1, tier2;
    struct vx_trace trace;

    vx_fabric_compile(ear->fabric, 1, VX_TENANT_TIER, &tier1);
    vx_fabric_compile(ear->fabric, 1, VX_FABRIC_TIER, &tier2);
    vx_packet_set_u(&packet, VX_F_IN_PORT, in_port);
    vx_packet_set_u(&packet, VX_F_PKT_MARK, VNI);
    vx_packet_set_mac(&packet, VX_F_ETH_DST, &to);
    vx_packet_set_u(&packet, VX_F_ETH_TYPE, eth_type);
    vx_trace_host(&tier1, &tier2, VX_TENANT_TIER, &packet, &trace);
    assert_true(trace.n_exits <= 1);
    uint32_t port = trace.n_exits ? trace.exits[0].port : 0;

    vx_trace_fini(&trace);
    vx_rows_fini(&tier1);
    vx_rows_fini(&tier2);
    return port;
}

static void
a_probe_gets_to_the_controller_and_to_no_tap(void **state)
{
    struct ear *ear = *state;

    put_port(ear, 1, 1, "a");
    vx_fabric_iface(ear->fabric, 1, "a", 5);
    assert_int_equal(exit_of(ear, VX_OFPORT_PATCH, 0x0800), 5);
    assert_int_equal(exit_of(ear, VX_OFPORT_PATCH, VX_ETH_PROBE),
                     VX_OFPORT_CONTROLLER);
    assert_int_equal(exit_of(ear, 5, VX_ETH_PROBE), 0);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interface_and_its_port_meet_in_either_order),
        TEST(only_the_allowed_host_binds_and_the_other_is_reported),
        TEST(a_port_that_may_be_anywhere_follows_its_interface),
        TEST(no_port_is_located_on_a_draining_host_before_it_ends),
        TEST(two_ports_swap_their_interfaces),
        TEST(a_port_number_has_one_owner),
        TEST(the_fabrics_own_port_numbers_are_refused),
        TEST(no_row_knows_the_way_to_a_host_without_vtep_until_it_has_one),
        TEST(nothing_goes_to_a_host_or_comes_from_it_before_it_is_admitted),
        TEST(a_next_hop_that_was_found_dead_stays_so_until_told),
        TEST(routes_follow_the_mac_of_their_next_hop),
        TEST(a_group_holds_as_many_hosts_as_a_switch_can_serve),
        TEST(one_more_port_costs_its_own_rows_whatever_the_fabric_holds),
        TEST(what_does_not_matter_to_switches_is_not_sent),
        TEST(a_forged_frame_is_dropped_for_its_own_reason),
        TEST(a_tunnel_packet_of_a_stranger_or_strange_vni_is_dropped),
        TEST(a_probe_gets_to_the_controller_and_to_no_tap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
