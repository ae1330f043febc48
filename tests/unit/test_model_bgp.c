/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways, peerings, uplinks and whose objects are: every rule from its
 * wrong side, whom a gateway serves, what goes with what. */
#include "core/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/model_check.h"
#include "tests/lib/model_fixture.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

#define UPLINK "put uplink up2 gateway=g1 peer=10.0.1.3 peer_as=65002 "
#define CE "put peering acme/ce2 gateway=g1 peer=172.16.2.2 peer_as=65100 "
#define CE_DEV CE "device=e2 local=172.16.2.1/30 "

struct row {
    const char *line;
    enum vx_err_code code;
    const char *field, *part;
};

static const struct row rows[] = {
    /* Gateways. */
    { "put gateway g2", VX_INVALID, "host", "needs a host" },
    { "put gateway g2 host=h9", VX_NOT_FOUND, "host", "let the host join" },
    { "put gateway g2 host=h1", VX_EXISTS, "host",
      "already is that of gateway \"g1\"" },
    { "put gateway g2 host=h2 as=23456", VX_INVALID, "as", "reserved" },
    { "put gateway g2 host=h2 as=65535", VX_INVALID, "as", "reserved" },
    { "put gateway g2 host=h2 router_id=fd00::1", VX_INVALID, "router_id",
      "IPv4" },
    { "put gateway g2 host=h2 router_id=192.0.2.99", VX_EXISTS, "router_id",
      "gateway \"g1\"" },
    { "put gateway _g host=h2", VX_INVALID, "name", "is no name" },
    { "delete gateway g1", VX_IN_USE, "", "3 peerings, for example \"up1\"" },
    { "delete host h1", VX_IN_USE, "", "that of gateway \"g1\"" },
    /* Families per kind. */
    { UPLINK "family=ipv4", VX_INVALID, "families", "of that tenant" },
    { UPLINK, VX_INVALID, "families", "vpnv4, vpnv6, evpn, flowspec" },
    { CE_DEV "family=evpn", VX_INVALID, "families", "without a tenant" },
    { CE_DEV, VX_INVALID, "families", "ipv4, ipv6" },
    /* Sessions. */
    { "put uplink up2 gateway=g9 peer=10.0.1.3 peer_as=1 family=evpn",
      VX_NOT_FOUND, "gateway", "add the gateway first" },
    { "put uplink up2 peer=10.0.1.3 peer_as=1 family=evpn", VX_INVALID,
      "gateway", "needs a gateway" },
    { "put uplink up2 gateway=g1 peer_as=1 family=evpn", VX_INVALID, "peer",
      "needs the address" },
    { "put uplink up2 gateway=g1 peer=10.0.1.3 family=evpn", VX_INVALID,
      "peer_as", "AS 0 is reserved" },
    { UPLINK "family=evpn local_as=65535", VX_INVALID, "local_as",
      "reserved" },
    { "put uplink up2 gateway=g1 peer=224.0.0.1 peer_as=1 family=evpn",
      VX_INVALID, "peer", "unicast" },
    { "put uplink up2 gateway=g1 peer=fe80::1 peer_as=1 family=evpn",
      VX_INVALID, "peer", "link-local" },
    { "put uplink up2 gateway=g1 peer=10.0.1.2 peer_as=65002 family=evpn",
      VX_EXISTS, "peer", "already has a session with 10.0.1.2" },
    { UPLINK "family=evpn hold=2", VX_INVALID, "hold", "3 to 65535" },
    { UPLINK "family=evpn password=a\x7f", VX_INVALID, "password",
      "printable" },
    { UPLINK "family=evpn community=65001:1 community=65001:1", VX_INVALID,
      "communities", "65001:1 is given twice" },
    { UPLINK "family=evpn limit=1000001", VX_INVALID, "prefix_limit",
      "1 to 1000000" },
    { UPLINK "family=evpn device=e9", VX_INVALID, "device", "of a tenant" },
    { UPLINK "family=evpn import=10.0.0.0/8", VX_INVALID, "import",
      "route targets" },
    { UPLINK "family=evpn source=fd00::1", VX_INVALID, "source",
      "of the peer's family" },
    { UPLINK "family=evpn flowspec_in=yes", VX_INVALID, "flowspec_in",
      "does not have that family" },
    { CE_DEV "family=ipv4 flowspec_in=yes", VX_INVALID, "flowspec_in",
      "is a tenant's" },
    { CE_DEV "family=ipv4 source=172.16.2.1", VX_INVALID, "source",
      "is a tenant's" },
    { CE_DEV "family=ipv4 import=10.0.0.1/8", VX_INVALID, "import",
      "without host bits" },
    { CE_DEV "family=ipv4 import=10.0.0.0/8 import=10.0.0.0/8", VX_INVALID,
      "import", "given twice" },
    { CE "family=ipv4", VX_INVALID, "peer", "not on the link of any" },
    { CE "family=ipv4 device=e2", VX_INVALID, "local", "go together" },
    { CE "family=ipv4 local=172.16.2.1/30", VX_INVALID, "device",
      "go together" },
    { CE "family=ipv4 device=e/2 local=172.16.2.1/30", VX_INVALID, "device",
      "cannot be the device" },
    { CE "family=ipv4 device=leg local=172.16.2.1/30", VX_INVALID, "device",
      "cannot be the device" },
    { CE "family=ipv4 device=vl77 local=172.16.2.1/30", VX_INVALID, "device",
      "cannot be the device" },
    { CE "family=ipv4 device=0123456789abcdef local=172.16.2.1/30",
      VX_INVALID, "device", "at most 15" },
    { CE "family=ipv4 device=ce0 local=172.16.2.1/30", VX_EXISTS, "device",
      "leave it out" },
    { "put peering other/x gateway=g1 peer=172.16.1.2 peer_as=1 family=ipv4"
      " device=ce0 local=172.16.1.1/30", VX_EXISTS, "device",
      "one tenant's VRF" },
    { CE "family=ipv4 device=e2 local=172.16.3.1/30", VX_INVALID, "peer",
      "not on the link of its device" },
    { CE "family=ipv4 device=e2 local=172.16.2.2/30", VX_INVALID, "peer",
      "itself" },
    { CE "family=ipv4 device=e2 local=172.16.2.0/30", VX_INVALID, "local",
      "network itself" },
    { CE "family=ipv4 device=e2 local=fd02::1/64", VX_INVALID, "local",
      "no such address" },
    { CE "family=ipv4 device=e2 local=169.254.64.9/30", VX_INVALID, "local",
      "meets its gateways" },
    { "put peering acme/ce2 gateway=g1 peer=172.16.2.3 peer_as=65100 "
      "family=ipv4 device=e2 local=172.16.2.1/30", VX_INVALID, "peer",
      "the network or broadcast address of the link of device \"e2\"" },
    { "put peering acme/ce2 gateway=g1 peer=172.16.2.0 peer_as=65100 "
      "family=ipv4 device=e2 local=172.16.2.1/30 multihop=2", VX_INVALID,
      "peer", "the network or broadcast address" },
    { "put peering acme/end gateway=g1 peer=172.16.1.7 peer_as=65100"
      " family=ipv4", VX_INVALID, "peer",
      "the network or broadcast address of the link of device \"ce0\"" },
    { "put peering acme/end gateway=g1 peer=172.16.1.0 peer_as=65100"
      " family=ipv4 multihop=2", VX_INVALID, "peer", "broadcast address" },
    { "put peering acme/own gateway=g1 peer=172.16.1.1 peer_as=65100"
      " family=ipv4", VX_INVALID, "peer", "the gateway's own address" },
    { "put peering acme/own gateway=g1 peer=169.254.64.2 peer_as=65100"
      " family=ipv4 multihop=2", VX_INVALID, "peer",
      "between routers and gateways" },
    /* RD and route targets. */
    { "put tenant other rd=65001:7", VX_EXISTS, "rd",
      "RD 65001:7 already belongs to tenant \"acme\"" },
    { "put tenant other rd=0:7", VX_INVALID, "rd", "AS:NUMBER" },
    { "put tenant other rd=192.0.2.99:65000", VX_INVALID, "rd",
      "what gateway \"g1\" gives the tenant whose router has VNI 16776680" },
    { "put tenant other import=65001:7 import=65001:7", VX_INVALID,
      "import_rts", "65001:7 of tenant \"other\" is given twice" },
    { "put network acme/web rt=1:1 rt=1:1", VX_INVALID, "rts",
      "given twice" },
    /* What is announced. */
    { "put subnet acme/web/10.0.0.0/24 route=no announce=yes", VX_INVALID,
      "announce", "is not routed" },
    { "put subnet acme/web/10.0.0.0/24 hosts=yes", VX_INVALID, "host_routes",
      "set announce" },
    { "put subnet acme/web/169.254.64.0/24", VX_INVALID, "name",
      "meets 169.254.64.0/18" },
    { "put subnet acme/web/fd76:7866:6162::/48", VX_INVALID, "name",
      "meets fd76:7866:6162::/64" },
    /* Policies. */
    { "put policy acme/p priority=1 where=moon", VX_INVALID, "where",
      "\"flowspec\"" },
    { "put policy acme/p priority=1 where=flowspec dst=10.0.0.0/24"
      " network=web", VX_INVALID, "where", "no network to match" },
    { "put policy acme/p priority=1 where=flowspec dst=10.0.0.0/24"
      " via=10.0.0.5 via=10.0.0.6", VX_INVALID, "where", "one next hop" },
    { "put policy acme/p priority=1 where=flowspec proto=17", VX_INVALID,
      "where", "everybody's traffic" },
    { "put policy acme/p priority=1 where=gateway gateway=yes", VX_INVALID,
      "where", "go back to it" },
    { "put policy acme/p priority=1 network=_router", VX_INVALID,
      "match.network", "\"gateway\" of \"where\"" },
    /* Whose it is. */
    { "put network acme/_router", VX_FORBIDDEN, "", "controller's own" },
    { "put network other/_router", VX_INVALID, "name", "is no name" },
    { "put network other/x origin=system", VX_INVALID, "name", "_router" },
    { "delete network acme/_router", VX_FORBIDDEN, "", "peerings" },
    { "put port acme/_router/p", VX_FORBIDDEN, "network", "takes no port" },
    { "delete port acme/_router/g1", VX_FORBIDDEN, "", "controller's own" },
    { "put route acme/203.0.113.0/24 via=169.254.64.2", VX_INVALID, "via",
      "is in 169.254.64.0/18" },
    { "delete route acme/0.0.0.0/0", VX_FORBIDDEN, "", "of your own" },
    { "put route acme/0.0.0.0/0 via=169.254.64.2 origin=learned"
      " announce=yes", VX_INVALID, "announce", "was learned" },
    { "put tenant acme origin=system", VX_EXISTS, "name", "an operator's" },
    { "put zone z2 origin=system", VX_INVALID, "origin", "operator's" },
    { "put host x2 zone=z external=yes vtep=192.0.2.78", VX_INVALID,
      "external", "learned by EVPN" },
    { "put host x2 zone=z external=yes origin=learned", VX_INVALID,
      "external", "VTEP and nothing else" },
    { "put host x2 zone=z vtep=192.0.2.78 origin=learned", VX_INVALID,
      "external", "no other fabric" },
    { "put host x1 zone=z", VX_FORBIDDEN, "", "EVPN" },
    { "put port acme/web/p host=x1", VX_INVALID, "host",
      "cannot be there" },
    { "put port acme/web/p origin=learned host=h1", VX_INVALID, "host",
      "no host of another fabric" },
    { "put gateway g2 host=x1", VX_NOT_FOUND, "host",
      "is of another fabric" },
    { "put zone z border=x1", VX_INVALID, "border_hosts",
      "cannot be a border" },
    { "put tenant acme router=none", VX_IN_USE, "router_vni",
      "is served by gateways" },
};

/* The small fabric with a gateway, its sessions and what follows. */
static struct vx_model *
served_fabric(void)
{
    struct vx_model *model = fx_small_fabric();

    fx_do(model, "put tenant acme rd=65001:7");
    fx_do(model, "put tenant other");
    fx_do(model, "put gateway g1 host=h1 router_id=192.0.2.99");
    fx_do(model, "put uplink up1 gateway=g1 peer=10.0.1.2 peer_as=65002"
          " local_as=65001 family=vpnv4 family=evpn");
    fx_do(model, "put peering acme/ce1 gateway=g1 peer=172.16.1.2"
          " peer_as=65100 family=ipv4 family=ipv6 device=ce0"
          " local=172.16.1.1/29");
    fx_do(model, "put peering acme/ce3 gateway=g1 peer=172.16.1.3"
          " peer_as=65100 family=ipv4");
    fx_do(model, "put network acme/_router origin=system");
    fx_do(model, "put subnet acme/_router/169.254.64.0/18 origin=system");
    fx_do(model, "put subnet acme/_router/fd76:7866:6162::/64"
          " origin=system");
    fx_do(model, "put port acme/_router/g1 origin=system leg=g1 host=h1"
          " guard=no");
    fx_do(model, "put route acme/0.0.0.0/0 via=169.254.64.2"
          " origin=learned");
    fx_do(model, "put host x1 zone=z external=yes vtep=192.0.2.77"
          " origin=learned");
    vx_model_commit(model);
    mc_check_indexes(model);
    return model;
}

static void
every_rule_refuses_with_its_code_field_and_words(void **state)
{
    (void) state;
    struct vx_model *model = served_fabric();

    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        fx_refused(model, rows[i].line, rows[i].code, rows[i].field,
                   rows[i].part);
    }
    mc_check_indexes(model);
    vx_model_free(model);
}

static const void *
find(const struct vx_model *model, enum vx_kind kind, const char *tenant,
     const char *network, const char *name)
{
    const struct vx_key key = { tenant, network, name };

    return vx_model_find(model, kind, &key, NULL);
}

static void
a_router_network_shares_the_vni_of_its_router(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    uint32_t free_vnis;
    const struct vx_tenant *t;
    const struct vx_network *n;
    const struct vx_port *leg;

    fx_do(model, "put gateway g1 host=h1");
    fx_do(model, "put tenant b");
    free_vnis = vx_model_free_vnis(model);
    n = fx_do(model, "put network b/_router origin=system");
    t = find(model, VX_TENANT, NULL, NULL, "b");
    assert_int_equal(n->vni, t->router_vni);
    assert_int_equal(n->vni, 16777214);
    assert_int_equal(vx_model_free_vnis(model), free_vnis - 1);
    assert_ptr_equal(vx_model_by_vni(model, n->vni), n);
    assert_ptr_equal(vx_model_router_network(model, t->o.oid), n);
    fx_do(model, "put subnet b/_router/169.254.64.0/18 origin=system");
    fx_do(model, "put subnet b/_router/fd76:7866:6162::/64 origin=system");
    leg = fx_do(model, "put port b/_router/g1 origin=system leg=g1 host=h1");
    assert_int_equal(leg->n_ips, 2);
    assert_ptr_equal(vx_model_leg(model, leg->gateway, t->o.oid), leg);
    fx_do(model, "delete network b/_router origin=system");
    assert_int_equal(vx_model_count(model, VX_RETIRED_VNI), 0);
    assert_null(vx_model_by_vni(model, 16777214));
    fx_do(model, "put network b/_router origin=system");
    fx_do(model, "delete tenant b");
    assert_int_equal(vx_model_count(model, VX_RETIRED_VNI), 1);
    mc_check_indexes(model);
    vx_model_free(model);
}

static void
the_mtu_of_a_router_network_follows_the_hosts(void **state)
{
    (void) state;
    struct vx_model *model = fx_new_model();
    const struct vx_network *n;

    fx_do(model, "put zone z");
    fx_do(model, "put tenant t");
    n = fx_do(model, "put network t/_router origin=system");
    assert_int_equal(n->mtu, 1450);
    fx_do(model, "put host h zone=z mtu=1400");
    n = fx_do(model, "put network t/_router origin=system");
    assert_int_equal(n->mtu, 1350);
    fx_do(model, "put host h zone=z mtu=9000");
    n = fx_do(model, "put network t/_router origin=system");
    assert_int_equal(n->mtu, 1450);
    mc_check_indexes(model);
    vx_model_free(model);
}

static void
quotas_do_not_count_what_the_controller_or_bgp_made(void **state)
{
    (void) state;
    struct vx_model *model = served_fabric();

    fx_do(model, "put tenant acme quota_networks=2 quota_ports=1");
    fx_do(model, "put port acme/web/far origin=learned host=x1 mobility=4");
    fx_do(model, "put port acme/web/vm1");
    fx_do(model, "put network acme/db");
    fx_refused(model, "put network acme/db2", VX_EXHAUSTED,
               "quota_networks", "2 of 2");
    fx_refused(model, "put port acme/db/vm2", VX_EXHAUSTED, "quota_ports",
               "1 of 1");
    vx_model_free(model);
}

static void
an_operators_route_takes_the_place_of_a_learned_one(void **state)
{
    (void) state;
    struct vx_model *model = served_fabric();
    const struct vx_route *learned = find(model, VX_ROUTE, "acme", NULL,
                                          "0.0.0.0/0");
    uint64_t oid = learned->o.oid, revision;
    const struct vx_route *own =
        fx_do(model, "put route acme/0.0.0.0/0 via=10.0.0.9 announce=yes");

    assert_int_equal(own->o.oid, oid);
    assert_int_equal(own->o.origin, VX_BY_OPERATOR);
    assert_true(own->announce);
    revision = vx_model_revision(model);
    assert_ptr_equal(fx_do(model, "put route acme/0.0.0.0/0"
                           " via=169.254.64.2 origin=learned"), own);
    assert_ptr_equal(fx_do(model, "delete route acme/0.0.0.0/0"
                           " origin=learned"), own);
    assert_int_equal(vx_model_revision(model), revision);
    fx_do(model, "delete route acme/0.0.0.0/0");
    fx_do(model, "put route acme/0.0.0.0/0 via=169.254.64.2"
          " origin=learned");
    mc_check_indexes(model);
    vx_model_free(model);
}

static void
an_operators_subnet_takes_the_place_of_a_learned_route(void **state)
{
    (void) state;
    struct vx_model *model = served_fabric();

    fx_do(model, "put route acme/10.5.0.0/24 via=169.254.64.2"
          " origin=learned");
    fx_do(model, "put subnet acme/web/10.5.0.0/24");
    assert_null(find(model, VX_ROUTE, "acme", NULL, "10.5.0.0/24"));
    fx_refused(model, "put route acme/10.5.0.0/24 via=169.254.64.2"
               " origin=learned", VX_EXISTS, "name", "itself");
    mc_check_indexes(model);
    vx_model_free(model);
}

static void
an_operators_port_takes_the_address_of_a_learned_one(void **state)
{
    (void) state;
    struct vx_model *model = served_fabric();

    fx_do(model, "put port acme/web/far origin=learned host=x1 mobility=4"
          " mac=02:00:00:00:00:07 ip=10.0.0.7");
    fx_do(model, "put port acme/web/vm7 mac=02:00:00:00:00:07 ip=10.0.0.7");
    assert_null(find(model, VX_PORT, "acme", "web", "far"));
    fx_refused(model, "put port acme/web/far origin=learned host=x1"
               " ip=10.0.0.7", VX_EXISTS, "ips", "port \"vm7\"");
    vx_model_free(model);
}

static void
what_is_not_an_operators_goes_with_what_is(void **state)
{
    (void) state;
    struct vx_model *model = served_fabric();

    fx_do(model, "put port acme/web/far origin=learned host=x1 ip=10.0.0.7");
    fx_do(model, "put policy acme/fs-1 origin=learned priority=20000"
          " where=hosts,gateway dst=10.0.0.0/24 network=web");
    fx_refused(model, "delete tenant acme", VX_IN_USE, "",
               "2 peerings, for example \"ce1\"");
    fx_do(model, "delete peering acme/ce1");
    fx_do(model, "delete peering acme/ce3");
    fx_refused(model, "delete tenant acme", VX_IN_USE, "",
               "network");
    fx_do(model, "delete subnet acme/web/10.0.0.0/24");
    assert_null(find(model, VX_PORT, "acme", "web", "far"));
    fx_do(model, "delete subnet acme/web/fd00:1::/64");
    fx_do(model, "delete network acme/web");
    assert_null(find(model, VX_POLICY, "acme", NULL, "fs-1"));
    fx_do(model, "delete tenant acme");
    assert_int_equal(vx_model_count(model, VX_ROUTE), 0);
    assert_int_equal(vx_model_count(model, VX_PORT), 0);
    fx_do(model, "delete uplink up1");
    fx_do(model, "delete gateway g1");
    fx_do(model, "delete host h1");
    fx_do(model, "delete host h2");
    fx_do(model, "delete zone z");
    assert_int_equal(vx_model_count(model, VX_HOST), 0);
    mc_check_indexes(model);
    vx_model_free(model);
}

static uint64_t
oid_of(const struct vx_model *model, enum vx_kind kind, const char *name)
{
    return ((const struct vx_obj *) find(model, kind, NULL, NULL,
                                         name))->oid;
}

static void
a_gateway_serves_by_peerings_and_by_what_is_announced(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    uint64_t g1, g2, acme, other;

    fx_do(model, "put tenant other");
    fx_do(model, "put gateway g1 host=h1");
    fx_do(model, "put gateway g2 host=h2 as=65009");
    g1 = oid_of(model, VX_GATEWAY, "g1");
    g2 = oid_of(model, VX_GATEWAY, "g2");
    acme = oid_of(model, VX_TENANT, "acme");
    other = oid_of(model, VX_TENANT, "other");
    fx_do(model, "put subnet acme/web/10.0.0.0/24 announce=yes");
    assert_int_equal(vx_model_n_announced(model, acme), 1);
    assert_false(vx_model_serves(model, g1, acme));
    fx_do(model, "put uplink up1 gateway=g1 peer=10.0.1.2 peer_as=65002"
          " local_as=65001 family=flowspec");
    assert_false(vx_model_serves(model, g1, acme));
    fx_do(model, "put uplink up1 gateway=g1 peer=10.0.1.2 peer_as=65002"
          " local_as=65001 family=flowspec family=vpnv6");
    assert_true(vx_model_serves(model, g1, acme));
    assert_false(vx_model_serves(model, g1, other));
    fx_do(model, "put peering other/c gateway=g2 peer=10.9.9.9 peer_as=1"
          " family=ipv4 multihop=3");
    assert_true(vx_model_serves(model, g2, other));
    assert_false(vx_model_serves(model, g2, acme));
    mc_check_indexes(model);
    fx_do(model, "put peering other/c gateway=g1 peer=10.9.9.9 peer_as=1"
          " family=ipv4 multihop=3");
    assert_false(vx_model_serves(model, g2, other));
    assert_true(vx_model_serves(model, g1, other));
    assert_int_equal(vx_model_gateway_as(model,
        find(model, VX_GATEWAY, NULL, NULL, "g1")), 65001);
    assert_int_equal(vx_model_local_as(model,
        find(model, VX_PEERING, "other", NULL, "c")), 65001);
    assert_int_equal(vx_model_gateway_as(model,
        find(model, VX_GATEWAY, NULL, NULL, "g2")), 65009);
    mc_check_indexes(model);
    fx_do(model, "put subnet acme/web/10.0.0.0/24");
    assert_false(vx_model_serves(model, g1, acme));
    mc_check_indexes(model);
    vx_model_free(model);
}

static void
mobility_counts_the_hosts_that_a_port_has_left(void **state)
{
    (void) state;
    struct vx_model *model = served_fabric();
    const struct vx_port *port =
        fx_do(model, "put port acme/web/vm1 host=h1");

    assert_int_equal(port->mobility, 0);
    port = fx_do(model, "put port acme/web/vm1 host=h2 from=h1");
    assert_int_equal(port->mobility, 0);
    port = fx_do(model, "arrive port acme/web/vm1 host=h2");
    assert_int_equal(port->mobility, 1);
    port = fx_do(model, "put port acme/web/vm1 host=h2");
    assert_int_equal(port->mobility, 1);
    port = fx_do(model, "put port acme/web/vm1 host=h1");
    assert_int_equal(port->mobility, 2);
    port = fx_do(model, "put port acme/web/vm1");
    assert_int_equal(port->mobility, 2);
    port = fx_do(model, "locate port acme/web/vm1 host=h2");
    assert_int_equal(port->mobility, 3);
    port = fx_do(model, "put port acme/web/far origin=learned host=x1"
                 " mobility=9");
    assert_int_equal(port->mobility, 9);
    vx_model_free(model);
}

static void
a_link_of_two_addresses_has_no_broadcast_address(void **state)
{
    struct vx_model *model = served_fabric();

    (void) state;
    fx_do(model, "put peering acme/ce2 gateway=g1 peer=172.16.2.1"
          " peer_as=65100 family=ipv4 device=e2 local=172.16.2.0/31");
    fx_do(model, "put peering acme/ce4 gateway=g1 peer=fd00::"
          " peer_as=65100 family=ipv6 device=e4 local=fd00::1/64");
    vx_model_free(model);
}

static void
a_gateway_on_an_ipv6_underlay_needs_a_router_id(void **state)
{
    (void) state;
    struct vx_model *model = fx_new_model();

    fx_do(model, "put zone z");
    fx_do(model, "put host h zone=z vtep=fd00::1");
    fx_refused(model, "put gateway g host=h", VX_INVALID, "router_id",
               "VTEP of host \"h\" is IPv6");
    fx_do(model, "put gateway g host=h router_id=192.0.2.1");
    vx_model_free(model);
}

static void
a_password_is_kept_where_it_is_not_given(void **state)
{
    (void) state;
    struct vx_model *model = served_fabric();
    const struct vx_peering *up;

    up = fx_do(model, "put uplink up1 gateway=g1 peer=10.0.1.2"
               " peer_as=65002 family=evpn password=secret");
    assert_string_equal(up->password, "secret");
    up = fx_do(model, "put uplink up1 gateway=g1 peer=10.0.1.2"
               " peer_as=65002 family=evpn bfd=yes keep=yes");
    assert_string_equal(up->password, "secret");
    up = fx_do(model, "put uplink up1 gateway=g1 peer=10.0.1.2"
               " peer_as=65002 family=evpn");
    assert_string_equal(up->password, "");
    vx_model_free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_refuses_with_its_code_field_and_words),
        cmocka_unit_test(a_router_network_shares_the_vni_of_its_router),
        cmocka_unit_test(the_mtu_of_a_router_network_follows_the_hosts),
        cmocka_unit_test(quotas_do_not_count_what_the_controller_or_bgp_made),
        cmocka_unit_test(an_operators_route_takes_the_place_of_a_learned_one),
        cmocka_unit_test(
            an_operators_subnet_takes_the_place_of_a_learned_route),
        cmocka_unit_test(an_operators_port_takes_the_address_of_a_learned_one),
        cmocka_unit_test(what_is_not_an_operators_goes_with_what_is),
        cmocka_unit_test(
            a_gateway_serves_by_peerings_and_by_what_is_announced),
        cmocka_unit_test(mobility_counts_the_hosts_that_a_port_has_left),
        cmocka_unit_test(a_gateway_on_an_ipv6_underlay_needs_a_router_id),
        cmocka_unit_test(a_link_of_two_addresses_has_no_broadcast_address),
        cmocka_unit_test(a_password_is_kept_where_it_is_not_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
