/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule once from its wrong side: what is refused, with which code and
 * field, and that the message helps.  The same objects from the store. */
#include "core/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/xalloc.h"
#include "tests/lib/model_fixture.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])
#define X63 "x23456789012345678901234567890123456789012345678901234567890123"
#define X64 X63 "4"
#define D256 X64 X64 X64 X64

struct row {
    const char *line;
    enum vx_err_code code;
    const char *field, *part;
};

/* On the small fabric with port vm1: 10.0.0.2, fd00:1::2, MAC below. */
static const struct row rows[] = {
    /* Names and descriptions. */
    { "put tenant -x", VX_INVALID, "name", "\"-x\" is no name of a tenant" },
    { "put tenant a/b", VX_INVALID, "name", "first a letter or digit" },
    { "put tenant a%b", VX_INVALID, "name", "is no name" },
    { "put tenant " X64, VX_INVALID, "name", "1 to 63 letters" },
    { "put zone \xc3\xa4", VX_INVALID, "name", "is no name of a zone" },
    { "put port acme/web/a/b", VX_INVALID, "name", "is no name of a port" },
    { "put zone a description=" D256, VX_INVALID, "description", "255" },
    { "put zone a description=\xc0\xaf", VX_INVALID, "description", "UTF-8" },
    { "put zone a description=\xed\xa0\x80", VX_INVALID, "description",
      "UTF-8" },
    { "put zone a description=\xff", VX_INVALID, "description", "UTF-8" },
    /* Verbs, kinds, parents. */
    { "put vni 5", VX_INVALID, "", "does not exist for a retired VNI" },
    { "locate tenant acme", VX_INVALID, "", "does not exist" },
    { "release vni 5", VX_NOT_FOUND, "name", "no retired VNI \"5\"" },
    { "delete tenant nobody", VX_NOT_FOUND, "name", "no tenant \"nobody\"" },
    { "put network nobody/web", VX_NOT_FOUND, "tenant", "\"nobody\"" },
    { "put port acme/none/p", VX_NOT_FOUND, "network",
      "no network \"none\" in tenant \"acme\"" },
    { "put network /web", VX_INVALID, "tenant", "needs the name" },
    { "put port acme//p", VX_INVALID, "network", "needs the name" },
    /* Hosts. */
    { "put host h3", VX_INVALID, "zone", "needs a zone" },
    { "put host h3 zone=y", VX_NOT_FOUND, "zone", "add the zone first" },
    { "put host h3 zone=z system_id=s1", VX_EXISTS, "system_id",
      "already belongs to host \"h1\"" },
    { "put host h3 zone=z system_id=a\x01", VX_INVALID, "system_id",
      "printable" },
    { "put host h3 zone=z vtep=192.0.2.2", VX_EXISTS, "vtep",
      "already belongs to host \"h2\"" },
    { "put host h3 zone=z vtep=2001:db8::1", VX_INVALID, "vtep",
      "2 hosts have IPv4 ones" },
    { "put host h3 zone=z vtep=224.0.0.1", VX_INVALID, "vtep", "unicast" },
    { "put host h3 zone=z vtep=127.0.0.1", VX_INVALID, "vtep", "unicast" },
    { "put host h3 zone=z vtep=fe80::1", VX_INVALID, "vtep", "unicast" },
    { "put host h3 zone=z mtu=600", VX_INVALID, "mtu", "at least 626" },
    { "put host h3 zone=z mtu=1499", VX_INVALID, "mtu",
      "network \"acme/web\" needs 1450 + 50 bytes of VXLAN = 1500" },
    { "put host h3 zone=z datapath=x", VX_INVALID, "datapath", "netdev" },
    /* Tenants and networks. */
    { "put tenant b router_vni=16777216", VX_INVALID, "router_vni",
      "1 to 16777215" },
    { "put tenant b router_vni=1", VX_EXISTS, "router_vni",
      "VNI 1 already belongs to network \"acme/web\"" },
    { "put network acme/db vni=16777216", VX_INVALID, "vni",
      "1 to 16777215" },
    { "put network acme/db vni=1", VX_EXISTS, "vni",
      "VNI 1 already belongs to network \"acme/web\"" },
    { "put network acme/db mtu=575", VX_INVALID, "mtu", "576 to 9216" },
    { "put network acme/db mtu=9217", VX_INVALID, "mtu", "576 to 9216" },
    { "put network acme/db mtu=1451", VX_INVALID, "mtu",
      "host \"h1\" has an underlay MTU of 1500: use at most 1450" },
    { "put network acme/web vni=77", VX_IN_USE, "vni", "has 1 ports" },
    /* Subnets. */
    { "put subnet acme/web/10.1.0.1/24", VX_INVALID, "name", "host bits" },
    { "put subnet acme/web/10.1.0.0", VX_INVALID, "name", "no subnet" },
    { "put subnet acme/web/10.1.0.0/33", VX_INVALID, "name", "no subnet" },
    { "put subnet acme/web/10.0.0.128/25", VX_EXISTS, "name",
      "overlaps subnet 10.0.0.0/24" },
    { "put subnet acme/web/10.0.0.0/8", VX_EXISTS, "name",
      "overlaps subnet 10.0.0.0/24" },
    { "put subnet acme/web/fd00::/16", VX_EXISTS, "name",
      "overlaps subnet fd00:1::/64" },
    { "put subnet acme/web/0.0.0.0/0", VX_INVALID, "name", "this network" },
    { "put subnet acme/web/127.1.0.0/16", VX_INVALID, "name", "loopback" },
    { "put subnet acme/web/224.0.0.0/8", VX_INVALID, "name", "multicast" },
    { "put subnet acme/web/255.255.255.255/32", VX_INVALID, "name",
      "reserved" },
    { "put subnet acme/web/::/0", VX_INVALID, "name", "unspecified" },
    { "put subnet acme/web/fe80::/64", VX_INVALID, "name", "link-local" },
    { "put subnet acme/web/ff00::/16", VX_INVALID, "name", "multicast" },
    { "put subnet acme/web/10.1.0.0/24 gateway=10.2.0.1", VX_INVALID,
      "gateway", "not a usable address of subnet 10.1.0.0/24" },
    { "put subnet acme/web/10.1.0.0/24 gateway=10.1.0.0", VX_INVALID,
      "gateway", "not a usable" },
    { "put subnet acme/web/10.1.0.0/24 gateway=10.1.0.255", VX_INVALID,
      "gateway", "not a usable" },
    { "put subnet acme/web/10.1.0.0/24 gateway=fd00::1", VX_INVALID,
      "gateway", "not a usable" },
    { "put subnet acme/web/fd02::/64 gateway=fd02::", VX_INVALID, "gateway",
      "not a usable" },
    { "put subnet acme/web/10.0.0.0/24 gateway=10.0.0.2", VX_IN_USE,
      "gateway", "is an address of port \"vm1\"" },
    { "put subnet acme/web/10.1.0.0/24 range=10.1.0.9-10.1.0.8", VX_INVALID,
      "ranges", "is no range" },
    { "put subnet acme/web/10.1.0.0/24 range=10.1.0.9-10.2.0.1", VX_INVALID,
      "ranges", "is no range" },
    { "put subnet acme/web/10.1.0.0/24 range=10.1.0.9-fd00::1", VX_INVALID,
      "ranges", "is no range" },
    { "put subnet acme/web/10.1.0.0/24 range=10.1.0.9-10.1.0.20"
      " range=10.1.0.1-10.1.0.9", VX_INVALID, "ranges",
      "overlap at 10.1.0.9" },
    /* Ports. */
    { "put port acme/web/vm2 mac=0a:00:00:00:00:99", VX_EXISTS, "mac",
      "already belongs to port \"vm1\"" },
    { "put port acme/web/vm2 mac=01:00:5e:00:00:01", VX_INVALID, "mac",
      "unicast" },
    { "put port acme/web/vm2 mac=ff:ff:ff:ff:ff:ff", VX_INVALID, "mac",
      "unicast" },
    { "put port acme/web/vm2 mac=00:00:00:00:00:00", VX_INVALID, "mac",
      "zero" },
    { "put port acme/web/vm2 ip=10.0.0.2", VX_EXISTS, "ips",
      "already belongs to port \"vm1\"" },
    { "put port acme/web/vm2 ip=10.1.0.2", VX_INVALID, "ips",
      "in no subnet of network \"web\"" },
    { "put port acme/web/vm2 ip=10.0.0.0", VX_INVALID, "ips", "network" },
    { "put port acme/web/vm2 ip=10.0.0.255", VX_INVALID, "ips",
      "broadcast" },
    { "put port acme/web/vm2 ip=10.0.0.1", VX_INVALID, "ips",
      "is the gateway of subnet 10.0.0.0/24" },
    { "put port acme/web/vm2 ip=fd00:1::", VX_INVALID, "ips", "anycast" },
    { "put port acme/web/vm2 ip=fe80::", VX_INVALID, "ips", "anycast" },
    { "put port acme/web/vm2 ip=fe80::800:ff:fe00:99", VX_EXISTS, "ips",
      "already belongs to port \"vm1\"" },
    { "put port acme/web/vm2 ip=10.0.0.7 ip=10.0.0.7", VX_INVALID, "ips",
      "given twice" },
    { "put port acme/web/vm2 ip=127.0.0.1", VX_INVALID, "ips", "unicast" },
    { "put port acme/web/vm2 ip=ff02::1", VX_INVALID, "ips", "unicast" },
    { "put port acme/web/vm2 ip=169.254.0.5", VX_INVALID, "ips",
      "in no subnet" },
    { "put port acme/web/vm2 ip=10.0.0.7 ip=none", VX_INVALID, "ips",
      "none at once" },
    { "put port acme/web/vm2 host=h9", VX_NOT_FOUND, "host",
      "no host \"h9\"" },
    { "locate port acme/web/vm1 host=h9", VX_NOT_FOUND, "host", "\"h9\"" },
    { "locate port acme/web/vm9 host=h1", VX_NOT_FOUND, "name", "\"vm9\"" },
    { "put port acme/web/vm2 iface_id=acme/web/vm1", VX_EXISTS, "iface_id",
      "already belongs to port \"acme/web/vm1\"" },
    { "put port acme/web/vm2 iface_id=", VX_INVALID, "iface_id",
      "1 to 255" },
    { "put port acme/web/vm2 iface_id=" D256, VX_INVALID, "iface_id",
      "1 to 255" },
    { "put port acme/web/vm2 iface_id=a\x7f", VX_INVALID, "iface_id",
      "printable" },
    { "put port acme/web/vm2 mac=02:76:78:66:61:62", VX_INVALID, "mac",
      "MAC of the gateway" },
    { "put port acme/web/vm2 ip=fe80::76:78ff:fe66:6162", VX_INVALID, "ips",
      "link-local address of the gateway" },
    { "put port acme/web/vm2 rate_kbps=400000001", VX_INVALID, "rate_kbps",
      "up to 400000000" },
    { "put port acme/web/vm2 rate_pps=100000001", VX_INVALID, "rate_pps",
      "up to 100000000" },
    { "put port acme/web/vm2 bum_pps=100000001", VX_INVALID, "bum_pps",
      "up to 100000000" },
    /* Zones and budgets. */
    { "put zone z border=h9", VX_NOT_FOUND, "border_hosts", "no host \"h9\"" },
    { "put zone y border=h1", VX_INVALID, "border_hosts",
      "host \"h1\" is in zone \"z\"" },
    { "put zone z border=h1 border=h1", VX_INVALID, "border_hosts",
      "given twice" },
    { "put zone z budget_kbps=400000001", VX_INVALID, "budget_kbps",
      "out of range" },
    { "put tenant acme budget_kbps=400000001", VX_INVALID, "budget_kbps",
      "out of range" },
    { "put network acme/web bum_pps=100000001", VX_INVALID, "bum_pps",
      "out of range" },
    { "put tenant acme router_vni=77", VX_IN_USE, "router_vni",
      "its router VNI stays 16777215" },
    { "put tenant acme router=none", VX_IN_USE, "router_vni",
      "3 routed subnets" },
    /* Routed subnets. */
    { "put subnet acme/db/10.0.0.128/25", VX_EXISTS, "route",
      "overlaps subnet acme/web/10.0.0.0/24" },
    { "put subnet acme/db/10.0.0.0/23", VX_EXISTS, "route", "--no-route" },
    { "put subnet acme/db/10.3.0.0/24 gateway=none route=yes", VX_INVALID,
      "route", "has no gateway" },
    { "put subnet acme/db/10.9.0.0/16", VX_EXISTS, "route",
      "has a static route 10.9.0.0/16" },
    { "put subnet acme/db/10.2.0.0/24 route=no", VX_IN_USE, "route",
      "next hops of route \"10.9.0.0/16\"" },
    { "put subnet acme/db/10.2.0.0/24 gateway=10.2.0.5", VX_IN_USE, "gateway",
      "would be a next hop of route" },
    { "delete subnet acme/db/10.2.0.0/24", VX_IN_USE, "",
      "next hops of route \"10.9.0.0/16\"" },
    { "delete tenant acme", VX_IN_USE, "", "1 route, for example" },
    /* Routes. */
    { "put route acme/10.9.0.1/16 via=10.2.0.5", VX_INVALID, "name",
      "host bits" },
    { "put route acme/127.0.0.0/8 via=10.2.0.5", VX_INVALID, "name",
      "never routed" },
    { "put route acme/fe80::/64 via=fd00:1::5", VX_INVALID, "name",
      "never routed" },
    { "put route nobody/10.9.0.0/16 via=10.2.0.5", VX_NOT_FOUND, "tenant",
      "nobody" },
    { "put route acme/10.8.0.0/16", VX_INVALID, "via", "1 to 16" },
    { "put route acme/10.8.0.0/16 via=10.7.0.5", VX_INVALID, "via",
      "no routed subnet of tenant \"acme\"" },
    { "put route acme/10.8.0.0/16 via=fd00:1::5", VX_INVALID, "via",
      "IPv4 is wanted" },
    { "put route acme/::/0 via=10.2.0.5", VX_INVALID, "via",
      "IPv6 is wanted" },
    { "put route acme/10.8.0.0/16 via=10.2.0.1", VX_INVALID, "via",
      "is the gateway of subnet 10.2.0.0/24" },
    { "put route acme/10.8.0.0/16 via=10.2.0.255", VX_INVALID, "via",
      "no address that a port" },
    { "put route acme/10.8.0.0/16 via=10.2.0.5 via=10.2.0.5", VX_INVALID,
      "via", "given twice" },
    { "put route acme/10.8.0.0/16 via=224.0.0.1", VX_INVALID, "via",
      "unicast" },
    { "put route acme/10.0.0.0/24 via=10.2.0.5", VX_EXISTS, "name",
      "is subnet acme/web/10.0.0.0/24 itself" },
    /* Policies. */
    { "put policy acme/a.b/c priority=1", VX_INVALID, "name", "is no name" },
    { "put policy acme/q priority=1 dst=224.0.0.0/4", VX_INVALID, "match.dst",
      "never routed" },
    { "put policy acme/q priority=0", VX_INVALID, "priority", "1 to 30000" },
    { "put policy acme/q priority=30001", VX_INVALID, "priority",
      "1 to 30000" },
    { "put policy acme/q priority=7", VX_EXISTS, "priority",
      "already belongs to policy \"p\"" },
    { "put policy acme/q priority=1 proto=256", VX_INVALID, "match.proto",
      "no protocol" },
    { "put policy acme/q priority=1 dscp=64", VX_INVALID, "match.dscp",
      "0 to 63" },
    { "put policy acme/q priority=1 src=10.0.0.0/8 dst=fd00::/8", VX_INVALID,
      "match.dst", "one family" },
    { "put policy acme/q priority=1 src=10.0.0.0/8 proto=58", VX_INVALID,
      "match.proto", "one family" },
    { "put policy acme/q priority=1 dport=80", VX_INVALID, "match.dport",
      "tcp, udp or sctp" },
    { "put policy acme/q priority=1 proto=1 sport=80", VX_INVALID,
      "match.sport", "tcp, udp or sctp" },
    { "put policy acme/q priority=1 proto=6 dport=90-80", VX_INVALID,
      "match.dport", "first is above" },
    { "put policy acme/q priority=1 proto=6 dport=80-90 dport=90-99",
      VX_INVALID, "match.dport", "overlap" },
    { "put policy acme/q priority=1 proto=6 sport=1-65534 dport=1-65534",
      VX_INVALID, "match", "at most 1024" },
    { "put policy acme/q priority=1 network=none", VX_NOT_FOUND,
      "match.network", "no network \"none\"" },
    { "put policy acme/q priority=1 via=10.7.0.5", VX_INVALID, "action.via",
      "no routed subnet" },
    { "put policy acme/q priority=1 src=fd00::/8 via=10.2.0.5", VX_INVALID,
      "action.via", "IPv6 is wanted" },
    { "put policy acme/q priority=1 via=fd00:1::5 via=10.2.0.5", VX_INVALID,
      "action.via", "is IPv6, IPv4 is wanted" },
    { "put policy acme/q priority=1 set=64", VX_INVALID, "action.dscp",
      "0 to 63" },
    { "put policy acme/q priority=1 rate=0", VX_INVALID, "action.rate_kbps",
      "1 to 400000000" },
    { "delete network acme/lone", VX_IN_USE, "", "match of policy \"p\"" },
    { "delete host h2", VX_IN_USE, "", "a border of zone \"z\"" },
};

static struct vx_model *
fabric_with_vm1(void)
{
    struct vx_model *model = fx_small_fabric();

    fx_do(model, "put port acme/web/vm1 mac=0a:00:00:00:00:99");
    return model;
}

/* And a second routed network, a route, a policy, a border. */
static struct vx_model *
routed_fabric(void)
{
    struct vx_model *model = fabric_with_vm1();

    fx_do(model, "put network acme/db mtu=1400");
    fx_do(model, "put network acme/lone mtu=1400");
    fx_do(model, "put subnet acme/db/10.2.0.0/24");
    fx_do(model, "put route acme/10.9.0.0/16 via=10.2.0.5");
    fx_do(model, "put policy acme/p priority=7 network=lone via=10.0.0.77");
    fx_do(model, "put zone z path=border border=h2");
    vx_model_commit(model);
    return model;
}

static void
every_rule_refuses_with_its_code_field_and_words(void **state)
{
    (void) state;
    struct vx_model *model = routed_fabric();

    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        fx_refused(model, rows[i].line, rows[i].code, rows[i].field,
                   rows[i].part);
    }
    vx_model_free(model);
}

static void
the_edges_of_the_rules_are_allowed(void **state)
{
    (void) state;
    static const char *const lines[] = {
        "put tenant " X63,
        "put tenant 9.a_b-c description=\xe2\x82\xac",
        "put host h3 zone=z",
        "put host h3 zone=z vtep=192.0.2.3 mtu=1500 datapath=netdev",
        "put network acme/db vni=16777214 mtu=576",
        "put network acme/db vni=16777214 mtu=1450",
        "put subnet acme/db/10.0.0.0/24 gateway=none",
        "put subnet acme/db/10.0.0.0/24 route=no gateway=10.0.0.254"
            " range=10.0.0.9-10.0.0.20 range=10.0.0.0-10.0.0.8",
        "put subnet acme/db/10.0.1.0/31",
        "put port acme/db/p ip=10.0.1.0 ip=10.0.1.1",
        "put subnet acme/db/fd00::/127",
        "put port acme/db/p6 ip=fd00:: ip=fe80::1 mac=0a:00:00:00:00:99",
        "put port acme/db/p6 ip=fe80::800:ff:fe00:99",  /* its own */
        "put port acme/db/none ip=none",
        "put port acme/web/vm1 mac=0a:00:00:00:00:99 host=h2",
        "put port acme/web/vm2 iface_id=" X63 X63 X63 X63 "xyz",
        "put port acme/web/vm3 ip=10.0.0.254 ip=fd00:1::ffff",
        "put route acme/0.0.0.0/0 via=10.0.0.254",
        "put route acme/::/0 via=fd00:1::7",
        "put route acme/10.0.0.128/25 via=10.0.0.7 via=10.0.0.8",
        "put policy acme/a priority=1",
        "put policy acme/b priority=30000 proto=0 dscp=0 rate=400000000",
        "put policy acme/c priority=2 proto=132 dport=0-65535 sport=1",
        "put policy acme/d priority=3 network=db src=10.0.0.0/8 set=63",
        "put policy acme/e priority=4 via=fd00:1::7 fail=closed",
        "put policy acme/e priority=5 gateway=yes",
        "put zone z border=h1 border=h2 path=direct budget_kbps=400000000",
        "put zone z",
        "put tenant t2 budget_kbps=1",
        "put tenant t2 router=none",
    };
    struct vx_model *model = fabric_with_vm1();

    for (size_t i = 0; i < N_ELEMS(lines); i++) {
        fx_do(model, lines[i]);
    }
    vx_model_free(model);
}

static void
counts_are_bounded(void **state)
{
    (void) state;
    struct vx_model *model = fabric_with_vm1();
    char line[1024];
    size_t used;

    for (int i = 0; i < VX_NETWORK_MAX_SUBNETS - 2; i++) {
        snprintf(line, sizeof line, "put subnet acme/web/10.9.%d.0/24", i);
        fx_do(model, line);
    }
    fx_refused(model, "put subnet acme/web/10.8.0.0/24", VX_EXHAUSTED,
               "name", "64 subnets");
    used = (size_t) snprintf(line, sizeof line, "put port acme/web/vm2");
    for (int i = 0; i <= VX_PORT_MAX_IPS; i++) {
        used += (size_t) snprintf(line + used, sizeof line - used,
                                  " ip=10.0.0.%d", i + 10);
    }
    fx_refused(model, line, VX_INVALID, "ips", "at most 32");
    used = (size_t) snprintf(line, sizeof line,
                             "put subnet acme/web/10.0.0.0/24");
    for (int i = 0; i <= VX_SUBNET_MAX_RANGES; i++) {
        used += (size_t) snprintf(line + used, sizeof line - used,
                                  " range=10.0.0.%d-10.0.0.%d", i * 2,
                                  i * 2);
    }
    fx_refused(model, line, VX_INVALID, "ranges", "at most 16");
    vx_model_free(model);
}

/* --- Records from a damaged store. */

static struct vx_obj *
record(struct vx_model *model, enum vx_kind kind, const char *name)
{
    struct vx_obj *obj = vx_obj_new(kind);
    struct vx_key key = { "acme", kind == VX_NETWORK ? NULL : "web", "web" };
    bool has_parent = kind == VX_NETWORK || kind == VX_SUBNET
                      || kind == VX_PORT;

    free(obj->name);
    obj->name = vx_xstrdup(name);
    obj->oid = vx_model_last_oid(model) + 1;
    obj->revision = 1;
    if (kind == VX_ZONE) {
        ((struct vx_zone *) obj)->num = 9;
        ((struct vx_zone *) obj)->path = VX_PATH_DIRECT;
    }
    if (has_parent) {
        key.network = NULL;
        key.name = kind == VX_NETWORK ? "acme" : "web";
        obj->parent = vx_model_find(model, kind == VX_NETWORK ? VX_TENANT
                                           : VX_NETWORK, &key, NULL)->oid;
    }
    return obj;
}

static void
load_fails(struct vx_model *model, struct vx_obj *take_obj,
           const char *field)
{
    struct vx_error err = { .code = VX_OK };
    size_t n = vx_model_count(model, take_obj->kind);
    enum vx_kind kind = take_obj->kind;

    assert_false(vx_model_load(model, take_obj, &err));
    assert_string_equal(err.field, field);
    assert_int_equal(vx_model_count(model, kind), n);
}

static void
a_record_with_a_bad_identity_is_refused(void **state)
{
    (void) state;
    struct vx_model *model = fabric_with_vm1();
    struct vx_obj *obj;

    obj = record(model, VX_ZONE, "new");
    obj->oid = 0;
    load_fails(model, obj, "oid");
    obj = record(model, VX_ZONE, "new");
    obj->oid = VX_OID_MAX + 1;
    load_fails(model, obj, "oid");
    obj = record(model, VX_ZONE, "new");
    obj->oid = 1;
    load_fails(model, obj, "oid");
    load_fails(model, record(model, VX_ZONE, "z"), "name");
    load_fails(model, record(model, VX_ZONE, ""), "name");
    obj = record(model, VX_ZONE, "new");
    obj->parent = 1;
    load_fails(model, obj, "parent");
    obj = record(model, VX_PORT, "new");
    obj->parent = 1;                    /* a zone */
    load_fails(model, obj, "parent");
    obj = record(model, VX_PORT, "new");
    obj->parent = 0;
    load_fails(model, obj, "parent");
    vx_model_free(model);
}

static void
a_record_with_bad_numbers_is_refused(void **state)
{
    (void) state;
    struct vx_model *model = fabric_with_vm1();
    struct vx_obj *obj;

    obj = record(model, VX_ZONE, "z9");
    ((struct vx_zone *) obj)->num = 1;
    load_fails(model, obj, "num");
    obj = record(model, VX_ZONE, "z9");
    ((struct vx_zone *) obj)->num = 0;
    load_fails(model, obj, "num");
    load_fails(model, record(model, VX_HOST, "h9"), "zone");
    obj = record(model, VX_HOST, "h9");
    ((struct vx_host *) obj)->zone = 1;
    load_fails(model, obj, "num");
    obj = record(model, VX_HOST, "h9");
    ((struct vx_host *) obj)->zone = 1;
    ((struct vx_host *) obj)->num = 1;
    load_fails(model, obj, "num");
    load_fails(model, record(model, VX_NETWORK, "n9"), "vni");
    obj = record(model, VX_NETWORK, "n9");
    ((struct vx_network *) obj)->vni = 1;
    ((struct vx_network *) obj)->mtu = 1450;
    load_fails(model, obj, "vni");
    obj = record(model, VX_RETIRED_VNI, "1");
    ((struct vx_retired_vni *) obj)->vni = 1;
    load_fails(model, obj, "vni");
    obj = record(model, VX_RETIRED_VNI, "x");
    ((struct vx_retired_vni *) obj)->vni = 9;
    load_fails(model, obj, "name");
    vx_model_free(model);
}

static void
a_port_record_that_contradicts_others_is_refused(void **state)
{
    (void) state;
    struct vx_model *model = fabric_with_vm1();
    struct vx_obj *obj;
    struct vx_port *port;

    load_fails(model, record(model, VX_PORT, "p9"), "mac");
    for (int i = 0; i < 5; i++) {
        struct vx_ip ips[2] = { { .family = 4, .b = { 10, 0, 0, 9 } },
                                { .family = 4, .b = { 10, 0, 0, 8 } } };

        obj = record(model, VX_PORT, "p9");
        port = (struct vx_port *) obj;
        port->mac = vx_mac_from_u64(UINT64_C(0x0a0000000077));
        free(port->iface_id);
        port->iface_id = vx_xstrdup(i == 0 ? "" : "p9");
        port->host = i == 1 ? 1 : i == 2 ? 2 : 0;   /* 1: a zone */
        port->located = i == 2 ? 2 : 0;
        ips[0].b[9] = i == 3;                       /* bytes behind IPv4 */
        ips[0].family = i == 4 ? 9 : 4;
        port->n_ips = i >= 3 ? 1 : 0;
        port->ips = vx_xmemdup(ips, sizeof ips);
        load_fails(model, obj, i == 0 ? "iface_id" : i < 3 ? "host" : "ips");
    }
    obj = record(model, VX_SUBNET, "10.5.0.0/24");
    ((struct vx_subnet *) obj)->prefix.ip.family = 4;
    load_fails(model, obj, "name");     /* name is not the prefix */
    vx_model_free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_refuses_with_its_code_field_and_words),
        cmocka_unit_test(the_edges_of_the_rules_are_allowed),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(a_record_with_a_bad_identity_is_refused),
        cmocka_unit_test(a_record_with_bad_numbers_is_refused),
        cmocka_unit_test(a_port_record_that_contradicts_others_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
