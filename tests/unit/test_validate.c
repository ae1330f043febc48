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
};

static struct vx_model *
fabric_with_vm1(void)
{
    struct vx_model *model = fx_small_fabric();

    fx_do(model, "put port acme/web/vm1 mac=0a:00:00:00:00:99");
    return model;
}

static void
every_rule_refuses_with_its_code_field_and_words(void **state)
{
    (void) state;
    struct vx_model *model = fabric_with_vm1();

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
        "put network acme/db vni=16777215 mtu=576",
        "put network acme/db vni=16777215 mtu=1450",
        "put subnet acme/db/10.0.0.0/24 gateway=none",
        "put subnet acme/db/10.0.0.0/24 gateway=10.0.0.254"
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
