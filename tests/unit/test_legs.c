/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's router network on the hosts: policies by where packets come
 * from, policies to all gateways, and VTEPs of other fabrics.  Packets go
 * through the rows of a full compile; what differences told is compared with
 * it after every step. */
#include "core/fabric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/fabric_graph.h"
#include "core/trace.h"
#include "lib/xalloc.h"

enum {
    TENANT = 1, HOST = 10, WEB = 20, ROUTER = 21, VM = 30, LEG = 40,
    EXTERNAL = 50, L3VNI = 900, WEB_VNI = 101, VM_TAP = 5, LEG_TAP = 6,
};

struct world {
    struct vx_fabric *fabric;
    const struct vx_obj *vm, *legs[2];
};

static void
put(struct world *w, void *obj)
{
    vx_fabric_change(w->fabric, NULL, obj);
    assert_int_equal(vx_fabric_untold(w->fabric), 0);
    vx_obj_unref(obj);
}

static void *
new(enum vx_kind kind, uint64_t oid, uint64_t parent, const char *name)
{
    struct vx_obj *obj = vx_obj_new(kind);

    obj->oid = oid;
    obj->parent = parent;
    free(obj->name);
    obj->name = vx_xstrdup(name);
    return obj;
}

static struct vx_ip
ip4(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return (struct vx_ip) { .family = 4, .b = { a, b, c, d } };
}

static void
put_host(struct world *w, unsigned n, bool external)
{
    struct vx_host *host = new(VX_HOST, HOST + n, 0, "host");

    host->num = n;
    host->vtep = ip4(10, 1, 0, n);
    host->external = external;
    put(w, host);
}

static void
put_network(struct world *w, uint64_t oid, const char *name, uint32_t vni,
            struct vx_prefix prefix)
{
    struct vx_network *network = new(VX_NETWORK, oid, TENANT, name);
    struct vx_subnet *subnet = new(VX_SUBNET, oid + 1000, oid, "subnet");

    network->vni = vni;
    network->mtu = 1450;
    put(w, network);
    subnet->prefix = prefix;
    subnet->gateway = prefix.ip;
    subnet->gateway.b[3] = 1;
    subnet->route = true;
    put(w, subnet);
}

static struct vx_port *
port(uint64_t oid, uint64_t network, struct vx_ip ip, unsigned host)
{
    struct vx_port *p = new(VX_PORT, oid, network, "port");

    p->mac = vx_mac_from_u64(UINT64_C(0x020000000000) + oid);
    p->ips = vx_xmemdup(&ip, sizeof ip);
    p->n_ips = 1;
    p->host = HOST + host;
    free(p->iface_id);
    p->iface_id = vx_xstrdup(oid == VM ? "vm" : oid == LEG ? "leg0" : "leg1");
    return p;
}

/* A VM at the first host, a gateway at the second. */
static int
set_up(void **state)
{
    static const struct vx_fabric_sink sink = { .ctx = NULL };
    struct world *w = vx_xcalloc(1, sizeof *w);
    struct vx_tenant *tenant = new(VX_TENANT, TENANT, 0, "acme");
    struct vx_port *leg = port(LEG, ROUTER, ip4(169, 254, 64, 2), 2);

    w->fabric = vx_fabric_new(&sink);
    tenant->router_vni = L3VNI;
    put_host(w, 1, false);
    put_host(w, 2, false);
    put_host(w, 3, false);
    put(w, tenant);
    put_network(w, WEB, "web", WEB_VNI,
                (struct vx_prefix) { ip4(10, 0, 0, 0), 24 });
    put_network(w, ROUTER, VX_ROUTER_NETWORK, L3VNI,
                (struct vx_prefix) { ip4(169, 254, 64, 0), 18 });
    put(w, port(VM, WEB, ip4(10, 0, 0, 5), 1));
    leg->gateway = 99;
    put(w, leg);
    vx_fabric_iface(w->fabric, HOST + 1, "vm", VM_TAP);
    vx_fabric_iface(w->fabric, HOST + 2, "leg0", LEG_TAP);
    *state = w;
    return 0;
}

static int
tear_down(void **state)
{
    struct world *w = *state;

    vx_fabric_free(w->fabric);
    free(w);
    return 0;
}

/* From the tap on the host, to be routed. */
static void
send(struct world *w, unsigned host, uint32_t tap, uint64_t src_oid,
     struct vx_ip dst, struct vx_trace *ret)
{
    static const struct vx_mac gateway = VX_GATEWAY_MAC;
    struct vx_ip src = src_oid == VM ? ip4(10, 0, 0, 5)
                                     : ip4(198, 51, 100, 1);
    struct vx_mac mac = vx_mac_from_u64(UINT64_C(0x020000000000) + src_oid);
    struct vx_packet packet = { 0 };
    static struct vx_rows rows[2];

    for (int i = 0; i < 2; i++) {
        vx_rows_fini(&rows[i]);
        vx_fabric_compile(w->fabric, HOST + host,
                          i ? VX_FABRIC_TIER : VX_TENANT_TIER, &rows[i]);
    }
    vx_packet_set_u(&packet, VX_F_IN_PORT, tap);
    vx_packet_set_mac(&packet, VX_F_ETH_SRC, &mac);
    vx_packet_set_mac(&packet, VX_F_ETH_DST, &gateway);
    vx_packet_set_u(&packet, VX_F_ETH_TYPE, 0x0800);
    vx_packet_set_ip(&packet, VX_F_IPV4_SRC, &src);
    vx_packet_set_ip(&packet, VX_F_IPV4_DST, &dst);
    vx_packet_set_u(&packet, VX_F_IP_PROTO, 17);
    vx_packet_set_u(&packet, VX_F_IP_TTL, 64);
    vx_trace_host(&rows[0], &rows[1], VX_TENANT_TIER, &packet, ret);
}

/* Through the tunnel to another host, as of this VNI, for this port. */
static bool
is_sent(struct world *w, unsigned host, uint32_t tap, uint64_t src,
        struct vx_ip dst, uint32_t vni, uint64_t port_oid)
{
    struct vx_trace trace;
    bool sent;

    send(w, host, tap, src, dst, &trace);
    sent = trace.n_exits == 1 && trace.exits[0].port == VX_OFPORT_VXLAN
           && vx_packet_get_u(&trace.exits[0].packet, VX_F_TUN_ID) == vni
           && vx_packet_get_u(&trace.exits[0].packet, VX_F_ETH_DST)
              == UINT64_C(0x020000000000) + port_oid;
    vx_trace_fini(&trace);
    return sent;
}

static unsigned
dropped(struct world *w, unsigned host, uint32_t tap, uint64_t src,
        struct vx_ip dst)
{
    struct vx_trace trace;
    unsigned reason;

    send(w, host, tap, src, dst, &trace);
    reason = trace.n_exits ? VX_PASS : vx_trace_drop_reason(&trace);
    vx_trace_fini(&trace);
    return reason;
}

static void
put_policy(struct world *w, enum vx_policy_action action, uint8_t where)
{
    struct vx_policy *policy = new(VX_POLICY, 60, TENANT, "p");

    policy->num = 7;
    policy->priority = 100;
    policy->where = where;
    policy->action = action;
    policy->fail_closed = true;
    policy->match.proto = policy->match.dscp = -1;
    policy->match.family = 4;
    put(w, policy);
}

static void
a_route_by_a_leg_leads_to_the_gateway(void **state)
{
    struct world *w = *state;
    struct vx_route *route = new(VX_ROUTE, 70, TENANT, "0.0.0.0/0");
    struct vx_ip leg = ip4(169, 254, 64, 2);

    route->prefix = (struct vx_prefix) { { .family = 4 }, 0 };
    route->num = 1;
    route->via = vx_xmemdup(&leg, sizeof leg);
    route->n_via = 1;
    put(w, route);
    assert_true(is_sent(w, 1, VM_TAP, VM, ip4(198, 51, 100, 1), L3VNI, LEG));
    assert_true(is_sent(w, 2, LEG_TAP, LEG, ip4(10, 0, 0, 5), WEB_VNI, VM));
}

static void
a_policy_for_hosts_lets_alone_what_gateways_bring_in(void **state)
{
    struct world *w = *state;

    put_policy(w, VX_POLICY_DROP, VX_WHERE_HOSTS);
    assert_int_equal(dropped(w, 1, VM_TAP, VM, ip4(169, 254, 64, 2)),
                     VX_DROP_POLICY);
    assert_true(is_sent(w, 2, LEG_TAP, LEG, ip4(10, 0, 0, 5), WEB_VNI, VM));
}

static void
a_policy_for_gateways_lets_alone_what_machines_send(void **state)
{
    struct world *w = *state;

    put_policy(w, VX_POLICY_DROP, VX_WHERE_GATEWAY);
    assert_int_equal(dropped(w, 2, LEG_TAP, LEG, ip4(10, 0, 0, 5)),
                     VX_DROP_POLICY);
    assert_true(is_sent(w, 1, VM_TAP, VM, ip4(169, 254, 64, 2), L3VNI, LEG));
}

static void
a_policy_may_be_for_both_or_for_neither(void **state)
{
    struct world *w = *state;

    put_policy(w, VX_POLICY_DROP, VX_WHERE_HOSTS | VX_WHERE_GATEWAY);
    assert_int_equal(dropped(w, 2, LEG_TAP, LEG, ip4(10, 0, 0, 5)),
                     VX_DROP_POLICY);
    assert_int_equal(dropped(w, 1, VM_TAP, VM, ip4(169, 254, 64, 2)),
                     VX_DROP_POLICY);
    put_policy(w, VX_POLICY_DROP, VX_WHERE_FLOWSPEC);
    assert_true(is_sent(w, 2, LEG_TAP, LEG, ip4(10, 0, 0, 5), WEB_VNI, VM));
    assert_true(is_sent(w, 1, VM_TAP, VM, ip4(169, 254, 64, 2), L3VNI, LEG));
}

static void
a_policy_to_gateways_follows_their_legs(void **state)
{
    struct world *w = *state;
    struct vx_ip dst = ip4(203, 0, 113, 9);
    struct vx_port *leg = port(LEG + 1, ROUTER, ip4(169, 254, 64, 3), 3);
    struct vx_trace trace;

    put_policy(w, VX_POLICY_GATEWAY, VX_WHERE_HOSTS);
    assert_true(is_sent(w, 1, VM_TAP, VM, dst, L3VNI, LEG));
    leg->gateway = 98;
    vx_obj_ref(&leg->o);
    put(w, leg);
    send(w, 1, VM_TAP, VM, dst, &trace);    /* by slot: the group decides */
    assert_int_equal(vx_trace_drop_reason(&trace), VX_PASS);
    vx_trace_fini(&trace);
    vx_fabric_port_alive(w->fabric, LEG, false);
    assert_true(is_sent(w, 1, VM_TAP, VM, dst, L3VNI, LEG + 1));
    vx_fabric_change(w->fabric, &leg->o, NULL);
    assert_int_equal(vx_fabric_untold(w->fabric), 0);
    vx_obj_unref(&leg->o);
    assert_int_equal(dropped(w, 1, VM_TAP, VM, dst), VX_DROP_NO_NEXT_HOP);
    vx_fabric_port_alive(w->fabric, LEG, true);
    assert_true(is_sent(w, 1, VM_TAP, VM, dst, L3VNI, LEG));
}

static size_t
n_asked(struct world *w)
{
    struct vx_rows rows;
    size_t n = 0;

    vx_fabric_compile(w->fabric, HOST + 1, VX_FABRIC_TIER, &rows);
    for (size_t i = 0; i < rows.n; i++) {
        const struct vx_row *row = &rows.rows[i];

        n += row->table == VX_T2_NEIGH && row->n_acts == 1
             && row->acts[0].type == VX_ACT_GROUP;
    }
    vx_rows_fini(&rows);
    return n;
}

static void
who_is_unknown_is_asked_for_while_another_fabric_has_the_network(void **state)
{
    struct world *w = *state;
    struct vx_port *remote = port(EXTERNAL, WEB, ip4(10, 0, 0, 77), 4);

    assert_int_equal(n_asked(w), 0);
    put_host(w, 4, true);
    vx_obj_ref(&remote->o);
    put(w, remote);
    assert_int_equal(n_asked(w), 2);
    vx_fabric_change(w->fabric, &remote->o, NULL);
    vx_obj_unref(&remote->o);
    assert_int_equal(n_asked(w), 0);
}

int
main(void)
{
#define CASE(F) cmocka_unit_test_setup_teardown(F, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_route_by_a_leg_leads_to_the_gateway),
        CASE(a_policy_for_hosts_lets_alone_what_gateways_bring_in),
        CASE(a_policy_for_gateways_lets_alone_what_machines_send),
        CASE(a_policy_may_be_for_both_or_for_neither),
        CASE(a_policy_to_gateways_follows_their_legs),
        CASE(who_is_unknown_is_asked_for_while_another_fabric_has_the_network),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
