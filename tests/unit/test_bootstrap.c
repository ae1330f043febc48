/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap plan against a fake database: whatever is there, one plan
 * makes it right and the next one is empty. */
#include "ovs-glue/bootstrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/pipeline.h"
#include "lib/buf.h"
#include "lib/xalloc.h"
#include "ovs-glue/ovsdb_view.h"
#include "tests/lib/fake_ovsdb.h"

#define TARGET "tcp:192.0.2.9:6653"

static struct og_bootstrap_wanted
wanted_v4(void)
{
    struct og_bootstrap_wanted wanted = {
        .host_num = 7, .datapath_type = "netdev", .controller = TARGET,
        .probe_ms = 5000,
    };

    assert_true(vx_ip_parse("192.0.2.1", &wanted.vtep));
    return wanted;
}

/* Runs plan and switch until quiet; returns how many plans it took. */
static int
converge(struct fake_ovsdb *fake, const struct og_bootstrap_wanted *wanted)
{
    int n = 0;

    for (char *plan; (plan = og_bootstrap_plan(&fake->view, wanted));) {
        assert_true(++n < 10);
        fake_transact(fake, plan);
        fake_switch(fake);
        free(plan);
    }
    return n;
}

static void
assert_done(const struct fake_ovsdb *fake,
            const struct og_bootstrap_wanted *wanted)
{
    struct vx_error err = { .code = VX_OK };

    if (!og_bootstrap_is_done(&fake->view, wanted, &err)) {
        fail_msg("not done: %s", err.message);
    }
}

static const struct og_controller *
only_controller(const struct fake_ovsdb *fake, const char *name)
{
    const struct og_bridge *bridge = og_view_bridge(&fake->view, name);

    assert_int_equal(bridge->controller.n, 1);
    return (const struct og_controller *) og_view_row(
        &fake->view, OG_T_CONTROLLER, bridge->controller.items[0]);
}

static void
one_transaction_makes_an_empty_host_right(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    const struct og_bridge *bridge;
    const struct og_iface *vxlan;
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_done(&fake, &wanted);

    bridge = og_view_bridge(&fake.view, VX_BRIDGE_TENANT);
    assert_string_equal(bridge->fail_mode, "secure");
    assert_string_equal(bridge->datapath_type, "netdev");
    assert_string_equal(bridge->datapath_id, "7678010000000007");
    assert_string_equal(og_map_get(&bridge->external_ids, "vxfabric"), "1");
    assert_int_equal(bridge->ports.n, 2);
    assert_string_equal(only_controller(&fake, VX_BRIDGE_TENANT)->target,
                        TARGET);
    assert_string_equal(only_controller(&fake, VX_BRIDGE_TENANT)->type,
                        "service");
    bridge = og_view_bridge(&fake.view, VX_BRIDGE_FABRIC);
    assert_string_equal(bridge->datapath_id, "7678020000000007");
    assert_int_equal(bridge->ports.n, 3);
    vxlan = og_view_iface(&fake.view, OG_VXLAN);
    assert_ptr_equal(og_view_iface_bridge(vxlan), bridge);
    assert_int_equal(vxlan->ofport, VX_OFPORT_VXLAN);
    assert_string_equal(og_map_get(&vxlan->options, "local_ip"),
                        "192.0.2.1");
    fake_fini(&fake);
}

static void
an_ipv6_vtep_becomes_the_local_address(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct fake_ovsdb fake;

    (void) state;
    assert_true(vx_ip_parse("2001:db8::1", &wanted.vtep));
    fake_init(&fake);
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_string_equal(og_map_get(&og_view_iface(&fake.view, OG_VXLAN)
                                   ->options, "local_ip"), "2001:db8::1");
    fake_fini(&fake);
}

#define WHERE(NAME) "\"where\":[[\"name\",\"==\",\"" NAME "\"]]"
#define SET(TABLE, NAME, ROW)                                           \
    "[{\"op\":\"update\",\"table\":\"" TABLE "\"," WHERE(NAME)          \
    ",\"row\":{" ROW "}}]"
#define MUTATE(TABLE, NAME, WHAT)                                       \
    "[{\"op\":\"mutate\",\"table\":\"" TABLE "\"," WHERE(NAME)          \
    ",\"mutations\":[[" WHAT "]]}]"
#define CONTROLLER(ROW)                                                 \
    "[{\"op\":\"update\",\"table\":\"Controller\",\"where\":[],"        \
    "\"row\":{" ROW "}}]"
#define FOREIGN(NAME)                                                   \
    "{\"op\":\"insert\",\"table\":\"Controller\",\"uuid-name\":\"" NAME \
    "\",\"row\":{\"target\":\"tcp:198.51.100.1:6633\"}}"

/* A row of a table that is not looked at. */
#define OTHER "\"00000000-0000-0000-0000-0000000000aa\""

/* What somebody did to a finished host. */
static const struct damage {
    const char *what;
    const char *operations;
    bool keeps_row;     /* vx0 and the controllers are not made anew */
} damages[] = {
    { "fail mode", SET("Bridge", "br-fabric",
                       "\"fail_mode\":\"standalone\""), true },
    { "no fail mode", SET("Bridge", "br-tenant",
                          "\"fail_mode\":[\"set\",[]]"), true },
    { "no protocols", SET("Bridge", "br-tenant",
                          "\"protocols\":[\"set\",[]]"), true },
    { "more protocols", SET("Bridge", "br-tenant", "\"protocols\":[\"set\","
                            "[\"OpenFlow10\",\"OpenFlow15\"]]"), true },
    { "datapath type", SET("Bridge", "br-tenant",
                           "\"datapath_type\":\"\""), true },
    { "datapath id", MUTATE("Bridge", "br-fabric", "\"other_config\","
                            "\"delete\",\"datapath-id\""), true },
    { "in-band", SET("Bridge", "br-fabric", "\"other_config\":[\"map\","
                     "[[\"disable-in-band\",\"false\"]]]"), true },
    { "mark", MUTATE("Bridge", "br-fabric",
                     "\"external_ids\",\"delete\",\"vxfabric\""), true },
    { "foreign controller too",
      "[" FOREIGN("c") ",{\"op\":\"mutate\",\"table\":\"Bridge\","
      WHERE("br-tenant") ",\"mutations\":[[\"controller\",\"insert\","
      "[\"named-uuid\",\"c\"]]]}]", true },
    { "foreign controller instead",
      "[" FOREIGN("c") ",{\"op\":\"update\",\"table\":\"Bridge\","
      WHERE("br-tenant") ",\"row\":{\"controller\":[\"named-uuid\",\"c\"]}}]",
      false },
    { "no controller", SET("Bridge", "br-tenant",
                           "\"controller\":[\"set\",[]]"), false },
    { "mirror", SET("Bridge", "br-tenant",
                    "\"mirrors\":[\"uuid\"," OTHER "]"), true },
    { "limited tables", SET("Bridge", "br-fabric", "\"flow_tables\":"
                            "[\"map\",[[0,[\"uuid\"," OTHER "]],"
                            "[10,[\"uuid\"," OTHER "]]]]"), true },
    { "spanning tree", SET("Bridge", "br-fabric", "\"stp_enable\":true"),
      true },
    { "rapid spanning tree", SET("Bridge", "br-tenant",
                                 "\"rstp_enable\":true"), true },
    { "snooping", SET("Bridge", "br-tenant",
                      "\"mcast_snooping_enable\":true"), true },
    { "BPDUs", MUTATE("Bridge", "br-tenant", "\"other_config\",\"insert\","
                      "[\"map\",[[\"forward-bpdu\",\"false\"]]]"), true },
    { "tag", SET("Port", "vx0", "\"tag\":0"), true },
    { "trunks", SET("Port", "vx-patch-t",
                    "\"trunks\":[\"set\",[0,10,4095]]"), true },
    { "one trunk", SET("Port", "br-fabric", "\"trunks\":7"), true },
    { "VLAN mode", SET("Port", "br-tenant", "\"vlan_mode\":\"access\""),
      true },
    { "in-band connection", CONTROLLER("\"connection_mode\":\"in-band\""),
      true },
    { "no probe", CONTROLLER("\"inactivity_probe\":[\"set\",[]]"), true },
    { "backoff", CONTROLLER("\"max_backoff\":8000"), true },
    { "connected", CONTROLLER("\"is_connected\":true"), true },
    { "key of the tunnel", SET("Interface", "vx0", "\"options\":[\"map\","
                               "[[\"remote_ip\",\"flow\"]]]"), true },
    { "one option more", MUTATE("Interface", "vx0", "\"options\",\"insert\","
                                "[\"map\",[[\"csum\",\"true\"]]]"), true },
    { "peer", SET("Interface", "vx-patch-t", "\"options\":[\"map\","
                  "[[\"peer\",\"x\"]]]"), true },
    { "type", SET("Interface", "vx0", "\"type\":\"gre\""), true },
    { "port request", SET("Interface", "vx0", "\"ofport_request\":9"),
      true },
    { "no port request", SET("Interface", "vx0",
                             "\"ofport_request\":[\"set\",[]]"), true },
    { "other port", SET("Interface", "vx0", "\"ofport\":9"), false },
    { "no patch", MUTATE("Bridge", "br-tenant", "\"ports\",\"delete\","
                         "[\"uuid\",\"00000000-0000-0000-0000-"
                         "000000000004\"]"), true },
};

/* Of the fake's numbering: the port of vx-patch-f is the fourth row. */
static void
the_fixture_names_the_patch_port(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    converge(&fake, &wanted);
    assert_string_equal(og_view_port(&fake.view, OG_PATCH_TO_FABRIC)
                        ->row.uuid, "00000000-0000-0000-0000-000000000004");
    fake_fini(&fake);
}

static void
every_damage_is_mended_by_one_plan(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();

    (void) state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const struct damage *d = &damages[i];
        char vxlan[OG_UUID_LEN + 1], controller[OG_UUID_LEN + 1];
        struct fake_ovsdb fake;
        bool same;
        int n;

        fake_init(&fake);
        converge(&fake, &wanted);
        strcpy(vxlan, og_view_iface(&fake.view, OG_VXLAN)->row.uuid);
        strcpy(controller,
               only_controller(&fake, VX_BRIDGE_TENANT)->row.uuid);
        fake_transact(&fake, d->operations);
        fake_switch(&fake);
        n = converge(&fake, &wanted);
        if (n != 1) {
            fail_msg("%s: %d plans", d->what, n);
        }
        assert_done(&fake, &wanted);
        assert_string_equal(only_controller(&fake, VX_BRIDGE_TENANT)->target,
                            TARGET);
        same = !strcmp(vxlan, og_view_iface(&fake.view, OG_VXLAN)->row.uuid)
               && !strcmp(controller, only_controller(
                                          &fake, VX_BRIDGE_TENANT)->row.uuid);
        if (same != d->keeps_row) {
            fail_msg("%s: rows %s", d->what,
                     same ? "kept" : "made anew without need");
        }
        fake_fini(&fake);
    }
}

static void
any_sequence_of_damages_is_mended(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    unsigned seed = 20240501;
    size_t n_damages = sizeof damages / sizeof *damages;

    (void) state;
    for (int round = 0; round < 200; round++) {
        struct fake_ovsdb fake;

        fake_init(&fake);
        converge(&fake, &wanted);
        for (int i = 0; i < 4; i++) {
            const struct damage *d = &damages[rand_r(&seed) % n_damages];

            if (strcmp(d->what, "no patch")
                || og_view_row(&fake.view, OG_T_PORT, "00000000-0000-0000-"
                               "0000-000000000004")) {
                fake_transact(&fake, d->operations);
            }
            if (rand_r(&seed) % 4 == 0) {
                fake_switch(&fake);
            }
            if (rand_r(&seed) % 4 == 0 || !og_view_bridge(
                    &fake.view, VX_BRIDGE_TENANT)->controller.n) {
                converge(&fake, &wanted);
            }
        }
        converge(&fake, &wanted);
        assert_done(&fake, &wanted);
        fake_fini(&fake);
    }
}

/* Somebody's doing is told in words, and what is ours to change is not. */
static void
what_differs_is_told_in_words(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct vx_buf notes = VX_BUF_INIT;

    (void) state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct fake_ovsdb fake;
        char *plan;

        fake_init(&fake);
        wanted.notes = NULL;
        converge(&fake, &wanted);
        wanted.notes = &notes;
        vx_buf_clear(&notes);
        assert_null(og_bootstrap_plan(&fake.view, &wanted));
        assert_int_equal(notes.size, 0);
        fake_transact(&fake, damages[i].operations);
        plan = og_bootstrap_plan(&fake.view, &wanted);
        bool ours = !strcmp(damages[i].what, "connected")
                    || !strcmp(damages[i].what, "other port");
        if (!notes.size != (!plan || ours)) {
            fail_msg("%s: %s, told \"%s\"", damages[i].what,
                     plan ? plan : "no plan", vx_buf_str(&notes));
        }
        free(plan);
        fake_fini(&fake);
    }
    vx_buf_fini(&notes);
}

static void
take_name(void *name, const char *port)
{
    snprintf(name, 16, "%s", port);
}

static void
a_port_of_others_on_br_fabric_is_strange_and_goes_when_told(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct fake_ovsdb fake;
    char name[16] = "";
    char *plan;

    (void) state;
    fake_init(&fake);
    converge(&fake, &wanted);
    og_bootstrap_strange_ports(&fake.view, take_name, name);
    assert_string_equal(name, "");
    assert_null(og_bootstrap_evict_plan(&fake.view));
    fake_transact(&fake,
                  "[{\"op\":\"insert\",\"table\":\"Interface\","
                  "\"uuid-name\":\"i\",\"row\":{\"name\":\"odd\"}},"
                  "{\"op\":\"insert\",\"table\":\"Port\","
                  "\"uuid-name\":\"p\",\"row\":{\"name\":\"odd\","
                  "\"interfaces\":[\"named-uuid\",\"i\"]}},"
                  "{\"op\":\"mutate\",\"table\":\"Bridge\","
                  WHERE("br-fabric") ",\"mutations\":[[\"ports\","
                  "\"insert\",[\"named-uuid\",\"p\"]]]}]");
    assert_null(og_bootstrap_plan(&fake.view, &wanted));
    og_bootstrap_strange_ports(&fake.view, take_name, name);
    assert_string_equal(name, "odd");
    plan = og_bootstrap_evict_plan(&fake.view);
    assert_non_null(plan);
    fake_transact(&fake, plan);
    free(plan);
    assert_null(og_bootstrap_evict_plan(&fake.view));
    assert_done(&fake, &wanted);
    fake_fini(&fake);
}

static const char tap[] =
    "[{\"op\":\"insert\",\"table\":\"Interface\",\"uuid-name\":\"i\","
    "\"row\":{\"name\":\"tap0\",\"external_ids\":[\"map\",[[\"iface-id\","
    "\"vm1\"]]]}},{\"op\":\"insert\",\"table\":\"Port\",\"uuid-name\":\"p\","
    "\"row\":{\"name\":\"tap0\",\"interfaces\":[\"named-uuid\",\"i\"]}},"
    "{\"op\":\"mutate\",\"table\":\"Bridge\"," WHERE("br-tenant")
    ",\"mutations\":[[\"ports\",\"insert\",[\"named-uuid\",\"p\"]]]}]";

/* br-tenant of somebody's making: no controller, all defaults. */
static const char bare_bridge[] =
    "[{\"op\":\"insert\",\"table\":\"Bridge\",\"uuid-name\":\"b\",\"row\":{"
    "\"name\":\"br-tenant\",\"other_config\":[\"map\",[[\"hwaddr\","
    "\"02:00:00:00:00:01\"]]]}},{\"op\":\"mutate\",\"table\":\"Open_vSwitch\""
    ",\"where\":[],\"mutations\":[[\"bridges\",\"insert\",[\"named-uuid\","
    "\"b\"]]]}]";

static void
taps_and_keys_of_others_are_kept(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    const struct og_bridge *bridge;
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    fake_transact(&fake, bare_bridge);
    fake_transact(&fake, tap);
    fake_switch(&fake);
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_done(&fake, &wanted);
    bridge = og_view_bridge(&fake.view, VX_BRIDGE_TENANT);
    assert_string_equal(og_map_get(&bridge->other_config, "hwaddr"),
                        "02:00:00:00:00:01");
    assert_ptr_equal(og_view_iface_bridge(og_view_iface(&fake.view, "tap0")),
                     bridge);
    assert_string_equal(og_view_iface(&fake.view, "tap0")->iface_id, "vm1");
    fake_fini(&fake);
}

static void
put_tap_in_a_vlan(struct fake_ovsdb *fake, int i)
{
    char *ops = vx_xasprintf(
        "[{\"op\":\"insert\",\"table\":\"Interface\",\"uuid-name\":\"i\","
        "\"row\":{\"name\":\"t%d\"}},{\"op\":\"insert\",\"table\":\"Port\","
        "\"uuid-name\":\"p\",\"row\":{\"name\":\"t%d\",\"tag\":%d,"
        "\"interfaces\":[\"named-uuid\",\"i\"]}},{\"op\":\"mutate\","
        "\"table\":\"Bridge\"," WHERE("br-tenant") ",\"mutations\":[["
        "\"ports\",\"insert\",[\"named-uuid\",\"p\"]]]}]", i, i, i);

    fake_transact(fake, ops);
    free(ops);
}

static size_t
count_lines(const struct vx_buf *buf)
{
    size_t n = 0;

    for (const char *p = vx_buf_str(buf); *p; p++) {
        n += *p == '\n';
    }
    return n;
}

/* As many as there are, in plans and notes of bounded size. */
static void
taps_in_vlans_are_taken_out_of_them(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct vx_buf notes = VX_BUF_INIT;
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    converge(&fake, &wanted);
    for (int i = 0; i < 300; i++) {
        put_tap_in_a_vlan(&fake, i);
    }
    wanted.notes = &notes;
    assert_int_equal(converge(&fake, &wanted), 2);
    assert_int_equal(count_lines(&notes), 2 * 17);
    for (int i = 0; i < 300; i++) {
        char name[16];

        snprintf(name, sizeof name, "t%d", i);
        assert_false(og_port_has_vlans(og_view_port(&fake.view, name)));
    }
    assert_done(&fake, &wanted);
    vx_buf_fini(&notes);
    fake_fini(&fake);
}

/* It is evicted when told, not served. */
static void
a_strange_port_on_br_fabric_keeps_its_tag(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    converge(&fake, &wanted);
    fake_transact(&fake,
                  "[{\"op\":\"insert\",\"table\":\"Port\","
                  "\"uuid-name\":\"p\",\"row\":{\"name\":\"odd\","
                  "\"tag\":5}},{\"op\":\"mutate\",\"table\":\"Bridge\","
                  WHERE("br-fabric") ",\"mutations\":[[\"ports\","
                  "\"insert\",[\"named-uuid\",\"p\"]]]}]");
    assert_null(og_bootstrap_plan(&fake.view, &wanted));
    fake_fini(&fake);
}

static void
a_new_target_replaces_the_old_in_the_same_transaction(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    converge(&fake, &wanted);
    wanted.controller = "tcp:[2001:db8::9]:6653";
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_string_equal(only_controller(&fake, VX_BRIDGE_FABRIC)->target,
                        wanted.controller);
    assert_int_equal(fake.view.rows[OG_T_CONTROLLER].count, 2);
    fake_fini(&fake);
}

static void
a_primary_controller_stays_one_since_changing_it_flushes(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    converge(&fake, &wanted);
    fake_transact(&fake, CONTROLLER("\"type\":[\"set\",[]]"));
    assert_int_equal(converge(&fake, &wanted), 0);
    wanted.controller = "tcp:[2001:db8::9]:6653";
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_string_equal(only_controller(&fake, VX_BRIDGE_TENANT)->target,
                        wanted.controller);
    assert_string_equal(only_controller(&fake, VX_BRIDGE_TENANT)->type, "");
    fake_fini(&fake);
}

static void
the_backoff_is_set_anew_once_connected(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    converge(&fake, &wanted);
    wanted.openflow_up = true;
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_int_equal(only_controller(&fake, VX_BRIDGE_TENANT)->max_backoff,
                     1000);
    wanted.openflow_up = false;
    assert_int_equal(converge(&fake, &wanted), 0);
    fake_fini(&fake);
}

static void
a_taken_openflow_port_is_named_and_not_fought_over(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct vx_error err = { .code = VX_OK };
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    fake_transact(&fake, bare_bridge);
    fake_transact(&fake, tap);
    fake_transact(&fake, SET("Interface", "tap0", "\"ofport\":65001"));
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_false(og_bootstrap_is_done(&fake.view, &wanted, &err));
    assert_int_equal(err.code, VX_INVALID);
    assert_non_null(strstr(err.message, "\"tap0\""));
    /* Once it is free, ours is made anew and gets it. */
    fake_transact(&fake, SET("Interface", "tap0", "\"ofport\":3"));
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_done(&fake, &wanted);
    fake_fini(&fake);
}

static void
our_port_on_the_wrong_bridge_moves(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct fake_ovsdb fake;

    (void) state;
    fake_init(&fake);
    fake_transact(&fake, bare_bridge);
    fake_transact(&fake, tap);
    fake_transact(&fake, SET("Interface", "tap0", "\"name\":\"vx0\""));
    fake_transact(&fake, SET("Port", "tap0", "\"name\":\"vx0\""));
    assert_int_equal(converge(&fake, &wanted), 1);
    assert_done(&fake, &wanted);
    fake_fini(&fake);
}

static void
what_vswitchd_reports_becomes_the_reason(void **state)
{
    struct og_bootstrap_wanted wanted = wanted_v4();
    struct vx_error err = { .code = VX_OK };
    struct fake_ovsdb fake;
    char *plan;

    (void) state;
    fake_init(&fake);
    assert_false(og_bootstrap_is_done(&fake.view, &wanted, &err));
    assert_int_equal(err.code, VX_UNAVAILABLE);
    plan = og_bootstrap_plan(&fake.view, &wanted);
    fake_transact(&fake, plan);
    free(plan);
    assert_false(og_bootstrap_is_done(&fake.view, &wanted, &err));
    assert_int_equal(err.code, VX_UNAVAILABLE);
    fake_switch(&fake);
    fake_transact(&fake, SET("Interface", "vx0", "\"ofport\":-1,\"error\":"
                             "\"could not add: Address family\""));
    assert_null(og_bootstrap_plan(&fake.view, &wanted));
    assert_false(og_bootstrap_is_done(&fake.view, &wanted, &err));
    assert_int_equal(err.code, VX_INVALID);
    assert_non_null(strstr(err.message, "Address family"));
    wanted.datapath_type = "dpdk";
    assert_false(og_bootstrap_is_done(&fake.view, &wanted, &err));
    assert_int_equal(err.code, VX_INVALID);
    fake_fini(&fake);
}

static void
the_status_is_written_once_and_escaped(void **state)
{
    static const char status[] = "refused: \"a\\b\"\n is taken";
    struct fake_ovsdb fake;
    char *plan;

    (void) state;
    fake_init(&fake);
    for (int i = 0; i < 2; i++) {
        plan = og_status_plan(&fake.view, i ? status : "joining: x");
        fake_transact(&fake, plan);
        free(plan);
    }
    assert_string_equal(og_view_external_id(&fake.view, OG_ID_STATUS),
                        status);
    assert_string_equal(og_view_external_id(&fake.view, OG_ID_SYSTEM), "s1");
    assert_null(og_status_plan(&fake.view, status));
    fake_fini(&fake);
}

static void
datapath_ids_say_tier_and_host(void **state)
{
    enum vx_tier tier = VX_TENANT_TIER;
    uint32_t num = 0;

    (void) state;
    assert_true(og_datapath_id_parse(og_datapath_id(VX_FABRIC_TIER,
                                                    0xfffffffe), &tier,
                                     &num));
    assert_int_equal(tier, VX_FABRIC_TIER);
    assert_int_equal(num, 0xfffffffe);
    assert_false(og_datapath_id_parse(0, &tier, &num));
    assert_false(og_datapath_id_parse(UINT64_C(0x7678030000000001), &tier,
                                      &num));
    assert_false(og_datapath_id_parse(UINT64_C(0x7678010100000001), &tier,
                                      &num));
    assert_false(og_datapath_id_parse(UINT64_C(0x7678010000000000), &tier,
                                      &num));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_transaction_makes_an_empty_host_right),
        cmocka_unit_test(an_ipv6_vtep_becomes_the_local_address),
        cmocka_unit_test(the_fixture_names_the_patch_port),
        cmocka_unit_test(every_damage_is_mended_by_one_plan),
        cmocka_unit_test(any_sequence_of_damages_is_mended),
        cmocka_unit_test(what_differs_is_told_in_words),
        cmocka_unit_test(
            a_port_of_others_on_br_fabric_is_strange_and_goes_when_told),
        cmocka_unit_test(taps_and_keys_of_others_are_kept),
        cmocka_unit_test(taps_in_vlans_are_taken_out_of_them),
        cmocka_unit_test(a_strange_port_on_br_fabric_keeps_its_tag),
        cmocka_unit_test(
            a_new_target_replaces_the_old_in_the_same_transaction),
        cmocka_unit_test(
            a_primary_controller_stays_one_since_changing_it_flushes),
        cmocka_unit_test(the_backoff_is_set_anew_once_connected),
        cmocka_unit_test(a_taken_openflow_port_is_named_and_not_fought_over),
        cmocka_unit_test(our_port_on_the_wrong_bridge_moves),
        cmocka_unit_test(what_vswitchd_reports_becomes_the_reason),
        cmocka_unit_test(the_status_is_written_once_and_escaped),
        cmocka_unit_test(datapath_ids_say_tier_and_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
