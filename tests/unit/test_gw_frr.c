/* SPDX-License-Identifier: Apache-2.0 */
/* Commands for bgpd and zebra out of what is wanted and what runs. The texts
 * are as FRR 8.4.4 printed them. */
#include "gateway/frr_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/frr_drift.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

#define BARE "frr version 8.4.4\nfrr defaults traditional\n!\nhostname g1\n!\n"
#define HEAD BARE "bgp route-map delay-timer 1\n"
#define EMPTY HEAD "!\n!\n"
#define VRF                                                                 \
    "router bgp 65001 vrf vx5001\n"                                         \
    " bgp router-id 192.0.2.1\n"                                            \
    " no bgp default ipv4-unicast\n"                                        \
    " bgp graceful-restart select-defer-time 5\n"                           \
    " bgp graceful-restart\n"                                               \
    " bgp graceful-restart preserve-fw-state\n"                             \
    " neighbor 172.16.1.2 remote-as 65100\n"                                \
    " neighbor 172.16.1.2 description vxfabric acme/ce1\n"                  \
    " neighbor 172.16.1.2 timers 3 9\n"                                     \
    " neighbor 172.16.1.2 timers connect 3\n"                               \
    " !\n"                                                                  \
    " address-family ipv4 unicast\n"                                        \
    "  redistribute openfabric\n"                                           \
    "  neighbor 172.16.1.2 activate\n"                                      \
    "  neighbor 172.16.1.2 maximum-prefix 1000 restart 1\n"                 \
    "  neighbor 172.16.1.2 route-map vx-5001-ce1-in4 in\n"                  \
    "  neighbor 172.16.1.2 route-map vx-5001-ce1-out4 out\n"                \
    " exit-address-family\n"                                                \
    " !\n"                                                                  \
    " address-family ipv6 unicast\n"                                        \
    "  redistribute openfabric\n"                                           \
    " exit-address-family\n"                                                \
    "exit\n!\n"
#define OWN                                                                 \
    "ip prefix-list vx-5001-own4 seq 5 permit 169.254.64.0/18 le 32\n"      \
    "ipv6 prefix-list vx-5001-own6 seq 5 permit "                           \
    "fd76:7866:6162::/64 le 128\n"                                          \
    "route-map vx-5001-ce1-in4 deny 1\n"                                    \
    " match ip address prefix-list vx-5001-own4\nexit\n!\n"
#define MAPS OWN                                                            \
    "route-map vx-5001-ce1-in4 permit 10\n"                                 \
    " set tag 4252399718\nexit\n!\n"                                        \
    "route-map vx-5001-ce1-out4 deny 1\n"                                   \
    " match tag 4252399718\nexit\n!\n"                                      \
    "route-map vx-5001-ce1-out4 permit 10\nexit\n!\n"

#define OUT6                                                                \
    "route-map vx-5001-ce1-out6 permit 10\n"                                \
    "set ipv6 next-hop global fd00:16::1\nexit\n"

struct fixture {
    struct vx_peering *ce, *up;
    const struct vx_peering *peerings[3], *uplinks[2];
    struct vx_gw_frr_vrf vrf;
    struct vx_gw_frr_want want;
    char text[16384];
};

static struct vx_peering *
peering(enum vx_kind kind, const char *name, const char *peer, uint32_t as)
{
    struct vx_peering *p = (struct vx_peering *) vx_obj_new(kind);

    free(p->o.name);
    p->o.name = vx_xstrdup(name);
    assert_true(vx_ip_parse(peer, &p->peer));
    p->peer_as = as;
    return p;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->ce = peering(VX_PEERING, "ce1", "172.16.1.2", 65100);
    f->ce->families = VX_AF_IPV4;
    f->up = peering(VX_UPLINK, "up1", "10.0.1.2", 65002);
    f->up->families = VX_AF_EVPN | VX_AF_FLOWSPEC;
    f->peerings[0] = f->ce;
    f->uplinks[0] = f->up;
    f->vrf = (struct vx_gw_frr_vrf) {
        .vni = 5001, .tenant = "acme", .peerings = f->peerings,
        .n_peerings = 1,
    };
    f->want = (struct vx_gw_frr_want) {
        .as = 65001, .redistribute = "openfabric", .restart_s = 120,
        .vrfs = &f->vrf, .n_vrfs = 1, .uplinks = f->uplinks, .n_uplinks = 1,
        .one_by_one = true,
    };
    assert_true(vx_ip_parse("192.0.2.1", &f->want.router_id));
    assert_true(vx_ip_parse("192.0.2.1", &f->want.vtep));
    assert_true(vx_ip_parse("127.0.0.2", &f->want.speaker));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    vx_obj_unref(&f->ce->o);
    vx_obj_unref(&f->up->o);
    free(f);
    return 0;
}

static void
set_device(struct vx_peering *p, const char *device, const char *ip4,
           const char *ip6)
{
    free(p->device);
    free(p->locals);
    p->device = vx_xstrdup(device);
    p->n_locals = ip4 ? 2 : 0;
    p->locals = vx_xcalloc(2, sizeof *p->locals);
    assert_true(!ip4 || vx_prefix_parse_local(ip4, &p->locals[0]));
    assert_true(!ip6 || vx_prefix_parse_local(ip6, &p->locals[1]));
}

/* Commands, a line each, then "conflict: ..." lines. */
static const char *
plan(struct fixture *f, enum vx_gw_frr_daemon daemon, const char *running)
{
    struct vx_gw_frr_plan plan;
    struct vx_buf buf = VX_BUF_INIT;
    struct vx_error err;

    if (!vx_gw_frr_plan(daemon, &f->want, running, &plan, &err)) {
        return strcpy(f->text, "refused");
    }
    for (size_t i = 0; i < plan.n_commands; i++) {
        vx_buf_printf(&buf, "%s\n", plan.commands[i]);
    }
    for (size_t i = 0; i < plan.n_conflicts; i++) {
        vx_buf_printf(&buf, "conflict %u %s: %s\n", plan.conflicts[i].vni,
                      plan.conflicts[i].peering
                      ? plan.conflicts[i].peering->o.name : "-",
                      plan.conflicts[i].why);
    }
    assert_true(buf.size < sizeof f->text);
    strcpy(f->text, vx_buf_str(&buf));
    vx_buf_fini(&buf);
    vx_gw_frr_plan_fini(&plan);
    return f->text;
}

static void
assert_begins(const char *text, const char *start)
{
    assert_memory_equal(text, start, strlen(start));
}

static void
what_runs_as_wanted_takes_no_command(void **state)
{
    assert_string_equal(plan(*state, VX_GW_BGPD, HEAD VRF MAPS), "");
}

static void
a_tenant_is_configured_from_nothing(void **state)
{
    assert_string_equal(
        plan(*state, VX_GW_BGPD, EMPTY),
        "ip prefix-list vx-5001-own4 permit 169.254.64.0/18 le 32\n"
        "ipv6 prefix-list vx-5001-own6 permit fd76:7866:6162::/64 le 128\n"
        "route-map vx-5001-ce1-in4 deny 1\n"
        "match ip address prefix-list vx-5001-own4\nexit\n"
        "route-map vx-5001-ce1-in4 permit 10\nset tag 4252399718\nexit\n"
        "route-map vx-5001-ce1-out4 deny 1\nmatch tag 4252399718\nexit\n"
        "route-map vx-5001-ce1-out4 permit 10\nexit\n"
        "router bgp 65001 vrf vx5001\n"
        "bgp router-id 192.0.2.1\n"
        "no bgp default ipv4-unicast\n"
        "bgp graceful-restart select-defer-time 5\n"
        "bgp graceful-restart\n"
        "bgp graceful-restart preserve-fw-state\n"
        "neighbor 172.16.1.2 remote-as 65100\n"
        "neighbor 172.16.1.2 description vxfabric acme/ce1\n"
        "neighbor 172.16.1.2 shutdown message vxfabric\n"
        "neighbor 172.16.1.2 timers 3 9\n"
        "neighbor 172.16.1.2 timers connect 3\n"
        "address-family ipv4 unicast\n"
        "redistribute openfabric\n"
        "neighbor 172.16.1.2 activate\n"
        "neighbor 172.16.1.2 maximum-prefix 1000 restart 1\n"
        "neighbor 172.16.1.2 route-map vx-5001-ce1-in4 in\n"
        "neighbor 172.16.1.2 route-map vx-5001-ce1-out4 out\n"
        "exit\n"
        "address-family ipv6 unicast\n"
        "redistribute openfabric\n"
        "exit\n"
        "no neighbor 172.16.1.2 shutdown\n"
        "exit\n");
}

static void
a_change_is_the_change_only(void **state)
{
    struct fixture *f = *state;
    struct vx_prefix import;

    f->ce->hold_s = 30;
    f->ce->has_med = true;
    f->ce->med = 7;
    f->ce->prefix_limit = 5;
    assert_true(vx_prefix_parse("10.0.0.0/8", &import));
    f->ce->imports = vx_xmemdup(&import, sizeof import);
    f->ce->n_imports = 1;
    assert_string_equal(
        plan(f, VX_GW_BGPD, HEAD VRF MAPS),
        "ip prefix-list vx-5001-ce1-in4 permit 10.0.0.0/8 le 32\n"
        "route-map vx-5001-ce1-in4 permit 10\n"
        "match ip address prefix-list vx-5001-ce1-in4\nexit\n"
        "route-map vx-5001-ce1-out4 permit 10\nset metric 7\nexit\n"
        "router bgp 65001 vrf vx5001\n"
        "neighbor 172.16.1.2 timers 10 30\n"
        "address-family ipv4 unicast\n"
        "neighbor 172.16.1.2 maximum-prefix 5 restart 1\n"
        "exit\nexit\n");
}

static void
what_is_wanted_no_more_is_taken_back(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(
        plan(f, VX_GW_BGPD, HEAD
             "router bgp 65001 vrf vx5001\n"
             " bgp router-id 192.0.2.1\n"
             " no bgp default ipv4-unicast\n"
             " bgp graceful-restart select-defer-time 5\n"
             " bgp graceful-restart\n"
             " bgp graceful-restart preserve-fw-state\n"
             " neighbor 172.16.1.2 remote-as 65100\n"
             " neighbor 172.16.1.2 description vxfabric acme/ce1\n"
             " neighbor 172.16.1.2 bfd\n"
             " neighbor 172.16.1.2 bfd profile operators\n"
             " neighbor 172.16.1.2 password old\n"
             " neighbor 172.16.1.2 timers 3 9\n"
             " neighbor 172.16.1.2 timers connect 3\n"
             " neighbor 172.16.1.9 remote-as 65109\n"
             " neighbor 172.16.1.9 description vxfabric acme/ce9\n"
             " address-family ipv4 unicast\n"
             "  redistribute openfabric\n"
             "  redistribute babel\n"
             "  neighbor 172.16.1.2 activate\n"
             "  neighbor 172.16.1.2 maximum-prefix 1000 restart 1\n"
             "  neighbor 172.16.1.2 route-map vx-5001-ce1-in4 in\n"
             "  neighbor 172.16.1.2 route-map vx-5001-ce1-out4 out\n"
             "  neighbor 172.16.1.9 activate\n"
             " exit-address-family\n"
             " address-family ipv6 unicast\n"
             "  redistribute openfabric\n"
             "  neighbor 172.16.1.2 activate\n"
             " exit-address-family\n"
             "exit\n"
             "ip prefix-list vx-5001-ce1-in4 seq 5 permit 10.0.0.0/8\n"
             "ip prefix-list OPERATORS seq 5 permit 10.0.0.0/8\n"
             OWN
             "bgp as-path access-list vx-old seq 5 permit ^$\n"
             "bgp as-path access-list OPERATORS seq 5 permit ^$\n"
             "route-map vx-5001-ce1-in4 permit 10\n"
             " match ip address prefix-list vx-5001-ce1-in4\n"
             " set tag 4252399718\nexit\n"
             "route-map vx-5001-ce1-out4 deny 1\n"
             " match tag 4252399718\nexit\n"
             "route-map vx-5001-ce1-out4 permit 10\nexit\n"
             "route-map vx-5001-ce9-in4 permit 10\nexit\n"
             "route-map OPERATORS permit 10\nexit\n"),
        "route-map vx-5001-ce1-in4 permit 10\n"
        "no match ip address prefix-list vx-5001-ce1-in4\nexit\n"
        "router bgp 65001 vrf vx5001\n"
        "no neighbor 172.16.1.9\n"
        "no neighbor 172.16.1.2 bfd\n"
        "no neighbor 172.16.1.2 password old\n"
        "address-family ipv4 unicast\nno redistribute babel\nexit\n"
        "address-family ipv6 unicast\nno neighbor 172.16.1.2 activate\n"
        "exit\nexit\n"
        "no route-map vx-5001-ce9-in4 permit 10\n"
        "no bgp as-path access-list vx-old seq 5 permit ^$\n"
        "no ip prefix-list vx-5001-ce1-in4 seq 5 permit 10.0.0.0/8\n");
}

static void
a_neighbor_of_another_as_is_made_again(void **state)
{
    struct fixture *f = *state;
    const char *text;

    f->ce->peer_as = 65111;
    text = plan(f, VX_GW_BGPD, HEAD VRF MAPS);
    assert_begins(text, "router bgp 65001 vrf vx5001\n"
                        "no neighbor 172.16.1.2\n"
                        "neighbor 172.16.1.2 remote-as 65111\n"
                        "neighbor 172.16.1.2 description");
    assert_non_null(strstr(text, "neighbor 172.16.1.2 activate\n"));
}

static void
a_tenant_that_is_gone_goes_as_a_whole(void **state)
{
    struct fixture *f = *state;

    f->want.n_vrfs = 0;
    assert_string_equal(plan(f, VX_GW_BGPD, HEAD VRF MAPS),
                        "router bgp 65001 vrf vx5001\n"
                        "no neighbor 172.16.1.2\nexit\n"
                        "no router bgp 65001 vrf vx5001\n"
                        "no route-map vx-5001-ce1-in4 deny 1\n"
                        "no route-map vx-5001-ce1-in4 permit 10\n"
                        "no route-map vx-5001-ce1-out4 deny 1\n"
                        "no route-map vx-5001-ce1-out4 permit 10\n"
                        "no ip prefix-list vx-5001-own4 seq 5 permit "
                        "169.254.64.0/18 le 32\n"
                        "no ipv6 prefix-list vx-5001-own6 seq 5 permit "
                        "fd76:7866:6162::/64 le 128\n");
}

static void
an_operators_lines_stay(void **state)
{
    struct fixture *f = *state;
    const char *text;

    f->want.n_vrfs = 0;
    text = plan(f, VX_GW_BGPD, HEAD
                "router bgp 65001 vrf vx5001\n"
                " bgp router-id 192.0.2.1\n"
                " neighbor 172.16.1.2 remote-as 65100\n"
                " neighbor 172.16.1.2 description vxfabric acme/ce1\n"
                " neighbor 10.9.9.9 remote-as 1\n"
                "exit\n"
                "router bgp 65001 vrf mine\nexit\n"
                "router bgp 7\n neighbor 10.9.9.8 remote-as 1\nexit\n");
    assert_string_equal(
        text, "router bgp 65001 vrf vx5001\nno neighbor 172.16.1.2\nexit\n"
        "conflict 5001 -: \"router bgp 65001 vrf vx5001\" stays, since there "
        "are lines of an operator in it\n");
}

static void
an_operators_neighbor_is_not_taken_over(void **state)
{
    struct fixture *f = *state;
    const char *text = plan(f, VX_GW_BGPD, HEAD
                            "router bgp 65001 vrf vx5001\n"
                            " neighbor 172.16.1.2 remote-as 65100\n"
                            " neighbor 172.16.1.2 weight 5\n"
                            "exit\n");

    assert_null(strstr(text, "\nneighbor 172.16.1.2"));
    assert_null(strstr(text, "route-map"));
    assert_non_null(strstr(text, "conflict 5001 ce1: neighbor 172.16.1.2 of "
                           "\"router bgp 65001 vrf vx5001\" is an "
                           "operator's"));
}

static void
a_neighbor_half_made_is_completed(void **state)
{
    const char *text = plan(*state, VX_GW_BGPD, HEAD
                            "router bgp 65001 vrf vx5001\n"
                            " neighbor 172.16.1.2 remote-as 65100\n"
                            "exit\n");

    assert_null(strstr(text, "conflict"));
    assert_non_null(strstr(text, "\nneighbor 172.16.1.2 description vxf"));
}

static void
a_neighbor_left_shut_is_opened_after_the_rest(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(
        plan(f, VX_GW_BGPD, HEAD
             "router bgp 65001 vrf vx5001\n"
             " bgp router-id 192.0.2.1\n"
             " no bgp default ipv4-unicast\n"
             " bgp graceful-restart select-defer-time 5\n"
             " bgp graceful-restart\n"
             " bgp graceful-restart preserve-fw-state\n"
             " neighbor 172.16.1.2 remote-as 65100\n"
             " neighbor 172.16.1.2 description vxfabric acme/ce1\n"
             " neighbor 172.16.1.2 shutdown message vxfabric\n"
             " neighbor 172.16.1.2 timers 3 9\n"
             " neighbor 172.16.1.2 timers connect 3\n"
             " address-family ipv4 unicast\n"
             "  redistribute openfabric\n"
             "  neighbor 172.16.1.2 maximum-prefix 1000 restart 1\n"
             "  neighbor 172.16.1.2 route-map vx-5001-ce1-in4 in\n"
             "  neighbor 172.16.1.2 route-map vx-5001-ce1-out4 out\n"
             " exit-address-family\n"
             " address-family ipv6 unicast\n"
             "  redistribute openfabric\n"
             " exit-address-family\nexit\n" MAPS),
        "router bgp 65001 vrf vx5001\n"
        "address-family ipv4 unicast\nneighbor 172.16.1.2 activate\nexit\n"
        "no neighbor 172.16.1.2 shutdown\nexit\n");
    /* One that an operator has shut stays shut. */
    assert_null(strstr(plan(f, VX_GW_BGPD, HEAD
                            "router bgp 65001 vrf vx5001\n"
                            " neighbor 172.16.1.2 remote-as 65100\n"
                            " neighbor 172.16.1.2 description vxfabric x\n"
                            " neighbor 172.16.1.2 shutdown\nexit\n"),
                       "shutdown"));
}

static void
what_bgpd_cannot_do_is_told_before(void **state)
{
    struct fixture *f = *state;

    f->want.n_vrfs = 1;
    f->ce->local_as = 65100;
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY), "conflict 5001 ce1: "
                           "local AS 65100 is the peer's too"));
    f->ce->local_as = 65005;
    f->ce->peer_as = 65001;
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY), "conflict 5001 ce1: "
                           "local AS 65005 is only possible towards"));
    f->ce->local_as = 0;
    free(f->ce->password);
    f->ce->password = vx_xstrdup("two words\nno router bgp 65001");
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY),
                           "conflict 5001 ce1: bgpd takes no password"));
    assert_null(strstr(f->text, "words"));
}

static void
filters_and_attributes_become_route_maps(void **state)
{
    struct fixture *f = *state;
    static const char *const prefixes[] = { "10.1.2.3/32", "fd00::/8" };
    struct vx_prefix subnet;
    uint32_t communities[] = { 65001U << 16 | 100, 0xffffff01, 0 };
    const char *text;

    assert_true(vx_prefix_parse("10.7.0.0/16", &subnet));
    f->vrf.subnets = &subnet;
    f->vrf.n_subnets = 1;
    f->ce->families = VX_AF_IPV4 | VX_AF_IPV6;
    f->ce->exports = vx_xcalloc(2, sizeof *f->ce->exports);
    for (int i = 0; i < 2; i++) {
        assert_true(vx_prefix_parse(prefixes[i], &f->ce->exports[i]));
    }
    f->ce->n_exports = 2;
    f->ce->imports = vx_xmemdup(f->ce->exports, sizeof *f->ce->imports);
    f->ce->n_imports = 1;
    f->ce->communities = vx_xmemdup(communities, sizeof communities);
    f->ce->n_communities = 2;
    f->ce->local_pref = 300;
    text = plan(f, VX_GW_BGPD, EMPTY);
    assert_begins(
        text,
        "ip prefix-list vx-5001-ce1-in4 permit 10.1.2.3/32\n"
        "ip prefix-list vx-5001-ce1-out4 permit 10.1.2.3/32\n"
        "ip prefix-list vx-5001-own4 permit 10.7.0.0/16 le 32\n"
        "ip prefix-list vx-5001-own4 permit 169.254.64.0/18 le 32\n"
        "ipv6 prefix-list vx-5001-ce1-out6 permit fd00::/8 le 128\n"
        "ipv6 prefix-list vx-5001-own6 permit fd76:7866:6162::/64 le 128\n"
        "route-map vx-5001-ce1-in4 deny 1\n"
        "match ip address prefix-list vx-5001-own4\nexit\n"
        "route-map vx-5001-ce1-in4 permit 10\n"
        "match ip address prefix-list vx-5001-ce1-in4\n"
        "set tag 4252399718\nset local-preference 300\nexit\n"
        "route-map vx-5001-ce1-in6 deny 1\n"
        "match ipv6 address prefix-list vx-5001-own6\nexit\n"
        "route-map vx-5001-ce1-in6 deny 90\nexit\n"
        "route-map vx-5001-ce1-out4 deny 1\nmatch tag 4252399718\nexit\n"
        "route-map vx-5001-ce1-out4 permit 10\n"
        "match ip address prefix-list vx-5001-ce1-out4\n"
        "set community 65001:100 no-export additive\nexit\n"
        "route-map vx-5001-ce1-out6 deny 1\nmatch tag 4252399718\nexit\n"
        "route-map vx-5001-ce1-out6 permit 10\n"
        "match ipv6 address prefix-list vx-5001-ce1-out6\n"
        "set community 65001:100 no-export additive\nexit\n");
}

/* bgpd heeds the addresses only that it has heard of when a session comes
 * up. */
static void
prefixes_of_the_other_family_have_the_devices_address(void **state)
{
    struct fixture *f = *state;
    struct vx_peering *dev = peering(VX_PEERING, "dev", "172.16.1.6", 65101);
    struct vx_prefix leg[2], subnet;

    f->peerings[1] = dev;
    f->vrf.n_peerings = 2;
    dev->families = VX_AF_IPV4;
    set_device(dev, "ce-a", "172.16.1.1/29", "fd00:16::1/64");
    f->ce->families = VX_AF_IPV4 | VX_AF_IPV6;
    /* Behind another peering's device, on its link and beyond. */
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY), OUT6));
    assert_null(strstr(f->text, "set ip next-hop"));
    assert_true(vx_ip_parse("192.0.2.77", &f->ce->peer));
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY), OUT6));
    /* Behind the tenant's own network. */
    assert_true(vx_prefix_parse("192.0.2.0/24", &subnet));
    assert_true(vx_prefix_parse_local("169.254.64.2/18", &leg[0]));
    assert_true(vx_prefix_parse_local("fd76:7866:6162::2/64", &leg[1]));
    f->vrf.subnets = &subnet;
    f->vrf.leg_ips = leg;
    f->vrf.n_subnets = 1;
    f->vrf.n_leg_ips = 2;
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY),
                           "set ipv6 next-hop global fd76:7866:6162::2\n"));
    /* By its own device; the session's own family is as bgpd has it. */
    f->vrf.n_subnets = 0;
    set_device(f->ce, "ce-b", "172.16.9.1/30", "fd00:9::1/64");
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY),
                           "set ipv6 next-hop global fd00:9::1\n"));
    assert_true(vx_ip_parse("fd00:9::2", &f->ce->peer));
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY),
                           "set ip next-hop 172.16.9.1\n"));
    assert_null(strstr(f->text, "set ipv6 next-hop"));
    /* Behind one of two devices: only bgpd knows which. */
    set_device(f->ce, "", NULL, NULL);
    assert_true(vx_ip_parse("192.0.2.77", &f->ce->peer));
    f->peerings[2] = peering(VX_PEERING, "dev2", "172.16.9.2", 65102);
    set_device((struct vx_peering *) f->peerings[2], "ce-b",
               "172.16.9.1/30", "fd00:9::1/64");
    f->vrf.n_peerings = 3;
    assert_null(strstr(plan(f, VX_GW_BGPD, EMPTY), "next-hop"));
    vx_obj_unref(&f->peerings[2]->o);
    vx_obj_unref(&dev->o);
}

/* --- Reflector and zebra. */

static void
what_an_uplink_says_is_marked_with_its_peer(void **state)
{
    struct fixture *f = *state;
    const char *text;

    f->up->flowspec_in = true;
    text = plan(f, VX_GW_REFLECTOR, EMPTY);
    assert_non_null(strstr(text, "route-map vx-up1-ine permit 10\n"
                           "set tag 4252399718\nset large-community "
                           "4252399718:0:167772418\n"
                           "set community none\nexit\n"));
    assert_non_null(strstr(text, "route-map vx-up1-inf permit 10\n"
                           "set tag 4252399718\nset large-community "
                           "4252399718:0:167772418\n"
                           "set community none\nexit\n"));
}

static void
changed_filters_act_soon_unless_an_operator_says_when(void **state)
{
    static const char line[] = "bgp route-map delay-timer 1\n";
    struct fixture *f = *state;

    assert_non_null(strstr(plan(f, VX_GW_BGPD, BARE), line));
    assert_non_null(strstr(plan(f, VX_GW_REFLECTOR, BARE), line));
    assert_null(strstr(plan(f, VX_GW_BGPD, EMPTY), "delay-timer"));
    assert_null(strstr(plan(f, VX_GW_BGPD,
                            BARE "bgp route-map delay-timer 30\n"),
                       "delay-timer"));
    f->want.n_vrfs = f->want.n_uplinks = 0;
    assert_null(strstr(plan(f, VX_GW_BGPD, BARE), "delay-timer"));
    assert_null(strstr(plan(f, VX_GW_REFLECTOR, BARE), "delay-timer"));
    /* With it new neighbors would wait so long after a commit of many. */
    f->want.one_by_one = false;
    f->want.n_vrfs = f->want.n_uplinks = 1;
    assert_non_null(strstr(plan(f, VX_GW_BGPD, EMPTY), "XFRR_"));
    assert_non_null(strstr(plan(f, VX_GW_BGPD, BARE
                                "bgp route-map delay-timer 0\n"), "XFRR_"));
    assert_null(strstr(plan(f, VX_GW_BGPD, BARE
                            "bgp route-map delay-timer 30\n"), "XFRR_"));
}

static void
flowspec_is_denied_unless_it_is_trusted(void **state)
{
    struct fixture *f = *state;
    const char *text = plan(f, VX_GW_REFLECTOR, EMPTY);

    assert_non_null(strstr(text, "route-map vx-deny deny 10\n"));
    assert_non_null(strstr(text, "address-family ipv4 flowspec\n"
                           "neighbor 127.0.0.2 activate\n"
                           "neighbor 127.0.0.2 route-reflector-client\n"
                           "neighbor 10.0.1.2 activate\n"
                           "neighbor 10.0.1.2 route-map vx-deny in\n"
                           "neighbor 10.0.1.2 route-map vx-own out\n"));
    f->up->flowspec_in = true;
    text = plan(f, VX_GW_REFLECTOR, EMPTY);
    assert_null(strstr(text, "vx-deny"));
    assert_non_null(strstr(text, "neighbor 10.0.1.2 route-map vx-up1-inf in"
                           "\n"));
}

static void
a_vpn_peer_gets_our_next_hops(void **state)
{
    struct fixture *f = *state;
    const char *text;

    f->up->families = VX_AF_VPNV4 | VX_AF_VPNV6;
    text = plan(f, VX_GW_REFLECTOR, EMPTY);
    assert_non_null(strstr(text, "neighbor 10.0.1.2 disable-connected-check"
                           "\nneighbor 10.0.1.2 update-source 192.0.2.1\n"));
    assert_non_null(strstr(text, "address-family ipv6 vpn\n"));
    assert_non_null(strstr(text, "neighbor 10.0.1.2 attribute-unchanged "
                           "next-hop\n"));
    f->up->peer_as = 65001;
    text = plan(f, VX_GW_REFLECTOR, EMPTY);
    assert_null(strstr(text, "attribute-unchanged"));
    assert_null(strstr(text, "disable-connected-check"));
}

static void
the_reflectors_block_goes_with_the_last_of_ours(void **state)
{
    struct fixture *f = *state;

    f->want.as = 0;
    assert_string_equal(
        plan(f, VX_GW_REFLECTOR, HEAD "bgp no-rib\nrouter bgp 65001\n"
             " bgp router-id 192.0.2.1\n"
             " neighbor 127.0.0.2 remote-as 65001\n"
             " neighbor 127.0.0.2 description vxfabric speaker\n"
             "exit\n"), "no router bgp 65001\n");
    assert_string_equal(
        plan(f, VX_GW_REFLECTOR, HEAD "router bgp 65001\n"
             " bgp router-id 192.0.2.1\n"
             " neighbor 10.9.9.9 remote-as 7\n"
             " neighbor 127.0.0.2 remote-as 65001\n"
             " neighbor 127.0.0.2 description vxfabric speaker\n"
             "exit\n"),
        "router bgp 65001\nno neighbor 127.0.0.2\nexit\n");
    f->want.as = 65003;
    assert_non_null(strstr(
        plan(f, VX_GW_REFLECTOR, HEAD "router bgp 65001\n"
             " neighbor 10.9.9.9 remote-as 7\nexit\n"),
        "conflict 0 -: \"router bgp 65001\" of the reflector is an "
        "operator's"));
}

/* The block had before, our lines in it as bgpd would show them. */
static void
check_guest(struct fixture *f, const char *lines, const char *how,
            const char *left)
{
    char had[400], with[800];
    const char *text;

    snprintf(had, sizeof had, HEAD "router bgp 65001\n%sexit\n", lines);
    text = plan(f, VX_GW_REFLECTOR, had);
    snprintf(with, sizeof with, "neighbor 127.0.0.2 description vxfabric "
             "speaker, a guest%s\n", how);
    assert_non_null(strstr(text, with));
    assert_null(strstr(text, "no bgp default"));
    assert_non_null(strstr(text, "no neighbor 10.0.1.2 activate\n"));
    assert_true(!strstr(text, "bgp router-id ") == !how[0]);
    snprintf(with, sizeof with, HEAD "router bgp 65001\n%s%s"
             " neighbor 127.0.0.2 remote-as 65001\n"
             " neighbor 127.0.0.2 description vxfabric speaker, a guest%s\n"
             "exit\n", lines, how[0] ? " bgp router-id 192.0.2.1\n" : "",
             how);
    text = plan(f, VX_GW_REFLECTOR, with);
    assert_null(strstr(text, "router-id"));
    assert_null(strstr(text, "speaker"));
    f->want.as = 0;
    assert_string_equal(plan(f, VX_GW_REFLECTOR, with), left);
    f->want.as = 65001;
}

static void
an_operators_empty_block_of_the_reflector_stays(void **state)
{
    struct fixture *f = *state;
    static const char others[] = "router bgp 65001\n"
                                 "no neighbor 127.0.0.2\nexit\n";

    check_guest(f, " bgp router-id 192.0.2.1\n", "", others);
    check_guest(f, " bgp router-id 192.0.2.77\n", "", others);
    check_guest(f, "", " with its router-id",
                "router bgp 65001\nno bgp router-id 192.0.2.1\nexit\n"
                "router bgp 65001\nno neighbor 127.0.0.2\nexit\n");
    f->want.as = 65003;
    assert_string_equal(
        plan(f, VX_GW_REFLECTOR, HEAD "router bgp 65001\nexit\n"),
        "conflict 0 -: \"router bgp 65001\" of the reflector is an "
        "operator's and has another AS than the gateway, 65003\n");
}

static void
zebra_loses_empty_blocks_of_vrfs_that_are_gone(void **state)
{
    assert_string_equal(
        plan(*state, VX_GW_ZEBRA, HEAD
             "vrf mine\nexit-vrf\n!\nvrf vx5001\nexit-vrf\n!\n"
             "vrf vx5002\n netns /run/netns/vx5002\nexit-vrf\n!\n"
             "vrf vx5003\nexit-vrf\n!\n"), "no vrf vx5003\n");
}

static void
what_is_no_configuration_is_refused(void **state)
{
    assert_string_equal(plan(*state, VX_GW_BGPD, ""), "refused");
    assert_string_equal(plan(*state, VX_GW_BGPD, "% Unknown command\n"),
                        "refused");
}

/* What an audit tells: a line per difference. */
static const char *
compare(struct fixture *f, const char *running)
{
    struct vx_gw_drifts drifts = { .n = 0 };
    struct vx_buf buf = VX_BUF_INIT;

    vx_gw_frr_compare(VX_GW_BGPD, &f->want, running, &drifts);
    if (*drifts.why) {
        vx_buf_printf(&buf, "not: %s\n", drifts.why);
    }
    assert_true(drifts.n_found >= drifts.n);
    for (size_t i = 0; i < drifts.n; i++) {
        const struct vx_gw_drift *d = &drifts.items[i];

        vx_buf_printf(&buf, "%s [%s] %s%s%s\n",
                      vx_gw_drift_what_name(d->what), d->object, d->row,
                      *d->found ? " <- " : "", d->found);
    }
    assert_true(buf.size < sizeof f->text);
    strcpy(f->text, vx_buf_str(&buf));
    vx_buf_fini(&buf);
    vx_gw_drifts_fini(&drifts);
    return f->text;
}

/* The text with one piece of it replaced; to be freed. */
static char *
with(const char *text, const char *old, const char *new)
{
    const char *p = strstr(text, old);

    assert_non_null(p);
    return vx_xasprintf("%.*s%s%s", (int) (p - text), text, new,
                        p + strlen(old));
}

static void
what_differs_is_told_line_by_line_and_whose_it_is(void **state)
{
    static const char in_v4[] = "router bgp 65001 vrf vx5001, address-family "
                                "ipv4 unicast: ";
    struct fixture *f = *state;
    char *a, *b, *c, *expected;

    assert_string_equal(compare(f, HEAD VRF MAPS), "");
    a = with(HEAD VRF MAPS, "timers 3 9\n", "timers 20 60\n"
             " neighbor 172.16.1.2 password hush\n"
             " neighbor 172.16.1.2 weight 7\n");
    b = with(a, "maximum-prefix 1000 restart 1", "maximum-prefix 77");
    c = with(b, " set tag 4252399718\n", "");
    expected = vx_xasprintf(
        "missing [tenant acme] route-map vx-5001-ce1-in4 permit 10: set tag "
        "4252399718\n"
        "foreign [peering acme/ce1] router bgp 65001 vrf vx5001: neighbor "
        "172.16.1.2 password (hidden)\n"
        "altered [peering acme/ce1] router bgp 65001 vrf vx5001: neighbor "
        "172.16.1.2 timers 3 9 <- neighbor 172.16.1.2 timers 20 60\n"
        "altered [peering acme/ce1] %sneighbor 172.16.1.2 maximum-prefix "
        "1000 restart 1 <- neighbor 172.16.1.2 maximum-prefix 77\n", in_v4);
    assert_string_equal(compare(f, c), expected);
    free(expected);
    free(c);
    free(b);
    free(a);
}

static void
blocks_and_lists_that_are_missing_or_left_over_are_told_once(void **state)
{
    struct fixture *f = *state;
    char *more;

    assert_string_equal(
        compare(f, EMPTY),
        "missing [tenant acme] ip prefix-list vx-5001-own4 permit "
        "169.254.64.0/18 le 32\n"
        "missing [tenant acme] ipv6 prefix-list vx-5001-own6 permit "
        "fd76:7866:6162::/64 le 128\n"
        "missing [tenant acme] route-map vx-5001-ce1-in4 deny 1\n"
        "missing [tenant acme] route-map vx-5001-ce1-in4 permit 10\n"
        "missing [tenant acme] route-map vx-5001-ce1-out4 deny 1\n"
        "missing [tenant acme] route-map vx-5001-ce1-out4 permit 10\n"
        "missing [tenant acme] router bgp 65001 vrf vx5001\n");
    more = with(HEAD VRF MAPS, "exit\n!\n", "exit\n!\n"
                "router bgp 65001 vrf vx77\n bgp router-id 1.1.1.1\nexit\n"
                "route-map vx-old permit 10\nexit\n");
    assert_string_equal(compare(f, more),
                        "foreign [gateway] router bgp 65001 vrf vx77\n"
                        "foreign [gateway] route-map vx-old permit 10\n");
    free(more);
    assert_string_equal(compare(f, "nonsense"), compare(f, "nonsense"));
    assert_memory_equal(compare(f, "nonsense"), "not: ", 5);
}

static void
a_neighbor_of_another_as_is_one_difference(void **state)
{
    struct fixture *f = *state;

    f->ce->peer_as = 65111;
    assert_string_equal(compare(f, HEAD VRF MAPS),
                        "altered [peering acme/ce1] router bgp 65001 vrf "
                        "vx5001: neighbor 172.16.1.2 remote-as 65111 <- "
                        "neighbor 172.16.1.2 remote-as 65100\n");
}

/* Whatever the text, it is read to its end, and only ours is removed. */
static void
any_text_is_read(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 1;
    static const char *const pieces[] = {
        "router bgp 65001 vrf vx5001", " address-family ipv4 unicast",
        "  neighbor 172.16.1.2 activate", " neighbor", "neighbor ", "exit",
        " exit-address-family", "ip prefix-list vx-a seq", "\n", " ", "no ",
        "route-map vx-", " bgp router-id", "ip prefix-list  seq 5 x",
        "router bgp ", " neighbor 1 description ", "\r", "!", "vrf vx1",
    };

    for (int round = 0; round < 3000; round++) {
        struct vx_buf buf = VX_BUF_INIT;

        vx_buf_puts(&buf, "frr version x\n");
        for (int i = 0; i < 12; i++) {
            seed = seed * 1103515245 + 12345;
            vx_buf_printf(&buf, "%s%s", pieces[(seed >> 16) % 19],
                          seed & 0x8000 ? "\n" : "");
        }
        compare(f, vx_buf_str(&buf));
        for (int d = 0; d < 3; d++) {
            plan(f, (enum vx_gw_frr_daemon) d, vx_buf_str(&buf));
        }
        vx_buf_fini(&buf);
    }
}

static void
the_plan_names_the_vrfs_that_are_new_in_bgpd(void **state)
{
    struct fixture *f = *state;
    static const struct { const char *running; size_t n_made; } cases[] = {
        { EMPTY, 1 }, { HEAD "!\n" VRF MAPS, 0 },
        { HEAD "!\nrouter bgp 65009 vrf vx5001\nexit\n!\n", 1 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vx_gw_frr_plan plan;

        assert_true(vx_gw_frr_plan(VX_GW_BGPD, &f->want, cases[i].running,
                                   &plan, NULL));
        assert_int_equal(plan.n_made, cases[i].n_made);
        assert_true(!plan.n_made || plan.made[0] == 5001);
        vx_gw_frr_plan_fini(&plan);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(F) cmocka_unit_test_setup_teardown(F, setup, teardown)
        T(what_runs_as_wanted_takes_no_command),
        T(a_tenant_is_configured_from_nothing),
        T(a_change_is_the_change_only),
        T(what_is_wanted_no_more_is_taken_back),
        T(a_neighbor_of_another_as_is_made_again),
        T(a_tenant_that_is_gone_goes_as_a_whole),
        T(an_operators_lines_stay),
        T(an_operators_neighbor_is_not_taken_over),
        T(a_neighbor_half_made_is_completed),
        T(a_neighbor_left_shut_is_opened_after_the_rest),
        T(what_bgpd_cannot_do_is_told_before),
        T(filters_and_attributes_become_route_maps),
        T(prefixes_of_the_other_family_have_the_devices_address),
        T(what_an_uplink_says_is_marked_with_its_peer),
        T(changed_filters_act_soon_unless_an_operator_says_when),
        T(flowspec_is_denied_unless_it_is_trusted),
        T(a_vpn_peer_gets_our_next_hops),
        T(the_reflectors_block_goes_with_the_last_of_ours),
        T(an_operators_empty_block_of_the_reflector_stays),
        T(zebra_loses_empty_blocks_of_vrfs_that_are_gone),
        T(what_is_no_configuration_is_refused),
        T(what_differs_is_told_line_by_line_and_whose_it_is),
        T(blocks_and_lists_that_are_missing_or_left_over_are_told_once),
        T(a_neighbor_of_another_as_is_one_difference),
        T(the_plan_names_the_vrfs_that_are_new_in_bgpd),
        T(any_text_is_read),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
