/* SPDX-License-Identifier: Apache-2.0 */
/* What is done in the kernel for a VRF, and for its leg in OVSDB: plans out
 * of what is seen and wanted. */
#include "gateway/kernel_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/leg_rows.h"
#include "lib/buf.h"
#include "lib/xalloc.h"
#include "ovs-glue/ovsdb_view.h"

static struct vx_gw_addr
addr(const char *ip, uint8_t length)
{
    struct vx_gw_addr a = { .length = length };

    assert_true(vx_ip_parse(ip, &a.ip));
    return a;
}

static struct vx_gw_addr leg_addrs[2], ce_addrs[1];
static struct vx_gw_device_want devices[1] = { { .name = "ce1" } };
static struct vx_gw_vrf_want want = {
    .vni = 16777215, .leg_mtu = 1450,
    .leg_mac = { { 2, 0, 0, 0, 0, 1 } },
};

static int
setup(void **state)
{
    (void) state;
    leg_addrs[0] = addr("169.254.64.2", 18);
    leg_addrs[1] = addr("fd76:7866:6162::2", 64);
    ce_addrs[0] = addr("172.16.1.1", 30);
    want.leg_addrs = leg_addrs;
    want.n_leg_addrs = 2;
    devices[0].addrs = ce_addrs;
    devices[0].n_addrs = 1;
    want.devices = devices;
    want.n_devices = 1;
    return 0;
}

static struct vx_gw_seen_link
link_of(const char *name, int index, int peer)
{
    struct vx_gw_seen_link link = {
        .exists = true, .is_ours = true, .is_up = true, .index = index,
        .peer = peer, .mtu = 1450,
    };

    strcpy(link.name, name);
    return link;
}

static void
give_addrs(struct vx_gw_seen_link *link, const struct vx_gw_addr *addrs,
           size_t n)
{
    memcpy(link->addrs, addrs, n * sizeof *addrs);
    link->n_addrs = n;
}

/* All as wanted. */
static struct vx_gw_seen
perfect(enum vx_gw_backend backend)
{
    struct vx_gw_seen seen = { .vrf = VX_GW_OURS, .vrf_is_up = true };
    struct vx_gw_setting *settings = vx_gw_settings(backend, &want,
                                                    &seen.n_values);
    char leg[VX_GW_IFNAME_SIZE];

    seen.values = vx_xcalloc(seen.n_values, sizeof *seen.values);
    for (size_t i = 0; i < seen.n_values; i++) {
        seen.values[i] = settings[i].value;
    }
    free(settings);
    vx_gw_leg_name(backend, want.vni, leg);
    seen.host_end = link_of("vl16777215", 7, 2);
    seen.leg = link_of(leg, 2, 7);
    seen.leg.mac = want.leg_mac;
    seen.leg.is_in_master = true;
    give_addrs(&seen.leg, leg_addrs, 2);
    seen.leg.addrs[seen.leg.n_addrs++] = addr("fe80::1", 64);
    seen.inside = vx_xcalloc(4, sizeof *seen.inside);
    seen.inside[0] = link_of("ce1", 3, 9);
    give_addrs(&seen.inside[0], ce_addrs, 1);
    seen.n_inside = 1;
    return seen;
}

/* The plan as text, settings left out. */
static const char *
plan(enum vx_gw_backend backend, const struct vx_gw_vrf_want *w,
     struct vx_gw_seen *seen)
{
    static char text[4096];
    struct vx_gw_ops ops;
    struct vx_buf buf = VX_BUF_INIT;
    struct vx_error err;

    if (!vx_gw_kernel_plan(backend, want.vni, w, seen, &ops, &err)) {
        snprintf(text, sizeof text, "refused: %s", err.message);
        vx_gw_seen_fini(seen);
        return text;
    }
    for (size_t i = 0; i < ops.n; i++) {
        char one[160];

        if (ops.ops[i].kind != VX_GW_OP_SETTING) {
            vx_buf_printf(&buf, "%s%s; ", ops.ops[i].inside ? "in: " : "",
                          vx_gw_op_format(&ops.ops[i], one, sizeof one));
        }
    }
    snprintf(text, sizeof text, "%s", vx_buf_str(&buf));
    vx_buf_fini(&buf);
    vx_gw_ops_fini(&ops);
    vx_gw_seen_fini(seen);
    return text;
}

static void
assert_begins(const char *text, const char *start)
{
    assert_memory_equal(text, start, strlen(start));
}

static void
what_is_as_wanted_is_not_touched(void **state)
{
    (void) state;
    for (int i = 0; i < 2; i++) {
        enum vx_gw_backend backend = i ? VX_GW_VRF_NETNS : VX_GW_VRF_DEVICE;
        struct vx_gw_seen seen = perfect(backend);
        struct vx_gw_ops ops;
        struct vx_error err;

        assert_true(vx_gw_kernel_plan(backend, want.vni, &want, &seen, &ops,
                                      &err));
        assert_int_equal(ops.n, 0);
        vx_gw_ops_fini(&ops);
        vx_gw_seen_fini(&seen);
    }
}

static void
a_vrf_is_made_from_nothing(void **state)
{
    struct vx_gw_seen seen = { .vrf = VX_GW_ABSENT };

    (void) state;
    seen.outside = vx_xcalloc(1, sizeof *seen.outside);
    seen.outside[0] = link_of("ce1", 9, 10);
    seen.n_outside = 1;
    assert_string_equal(
        plan(VX_GW_VRF_NETNS, &want, &seen),
        "make VRF vx16777215; make leg vl16777215; in: checksums of leg; "
        "in: up: leg; in: address of leg (169.254.64.2/18); "
        "in: address of leg (fd76:7866:6162::2/64); up: vl16777215; "
        "move in device ce1; in: up: ce1; "
        "in: address of ce1 (172.16.1.1/30); ");
}

static void
with_vrf_devices_leg_and_devices_are_enslaved(void **state)
{
    struct vx_gw_seen seen = { .vrf = VX_GW_ABSENT };

    (void) state;
    seen.outside = vx_xcalloc(1, sizeof *seen.outside);
    seen.outside[0] = link_of("ce1", 9, 10);
    seen.n_outside = 1;
    assert_string_equal(
        plan(VX_GW_VRF_DEVICE, &want, &seen),
        "make VRF vx16777215; VRF up vx16777215; make leg vl16777215; "
        "in: enslave device lg16777215; in: checksums of lg16777215; "
        "in: up: lg16777215; in: address of lg16777215 (169.254.64.2/18); "
        "in: address of lg16777215 (fd76:7866:6162::2/64); "
        "up: vl16777215; move in device ce1; in: up: ce1; "
        "in: address of ce1 (172.16.1.1/30); ");
}

static void
only_what_differs_is_changed(void **state)
{
    struct vx_gw_seen seen = perfect(VX_GW_VRF_NETNS);

    (void) state;
    seen.leg.mtu = 1400;
    seen.leg.addrs[0] = addr("169.254.64.3", 18);
    assert_string_equal(
        plan(VX_GW_VRF_NETNS, &want, &seen),
        "in: MTU of leg; in: remove address of leg (169.254.64.3/18); "
        "in: address of leg (169.254.64.2/18); ");
    seen = perfect(VX_GW_VRF_NETNS);
    seen.leg.is_up = false;
    seen.leg.mac.b[5] = 9;
    seen.leg.is_offloading = true;
    assert_string_equal(plan(VX_GW_VRF_NETNS, &want, &seen),
                        "in: MAC of leg; in: checksums of leg; "
                        "in: up: leg; ");
}

static void
a_setting_that_differs_is_set_and_one_that_lacks_is_not(void **state)
{
    struct vx_gw_seen seen = perfect(VX_GW_VRF_NETNS);
    struct vx_gw_ops ops;
    struct vx_error err;

    (void) state;
    seen.values[0] = 0;             /* ip_forward */
    seen.values[1] = -1;            /* not on this kernel */
    assert_true(vx_gw_kernel_plan(VX_GW_VRF_NETNS, want.vni, &want, &seen,
                                  &ops, &err));
    assert_int_equal(ops.n, 1);
    assert_string_equal(ops.ops[0].setting.path, "ipv4/ip_forward");
    assert_int_equal(ops.ops[0].setting.value, 1);
    vx_gw_ops_fini(&ops);
    vx_gw_seen_fini(&seen);
}

static void
ends_that_are_no_pair_are_made_again(void **state)
{
    struct vx_gw_seen seen = perfect(VX_GW_VRF_NETNS);
    const char *text;

    (void) state;
    seen.host_end.peer = 99;
    text = plan(VX_GW_VRF_NETNS, &want, &seen);
    assert_begins(text, "remove device vl16777215; in: remove device "
                        "leg; make leg vl16777215; ");
}

static void
a_device_that_is_not_there_is_waited_for(void **state)
{
    struct vx_gw_seen seen = perfect(VX_GW_VRF_NETNS);

    (void) state;
    seen.n_inside = 0;
    assert_string_equal(plan(VX_GW_VRF_NETNS, &want, &seen), "");
}

static void
strays_go_back_and_an_operators_stay(void **state)
{
    struct vx_gw_seen seen = perfect(VX_GW_VRF_NETNS);

    (void) state;
    seen.inside[1] = link_of("old", 4, 0);
    seen.inside[2] = link_of("dummy0", 5, 0);
    seen.inside[2].is_ours = false;
    seen.n_inside = 3;
    assert_string_equal(plan(VX_GW_VRF_NETNS, &want, &seen),
                        "in: move out device old; ");
}

static void
what_bgp_has_not_let_go_of_stays_as_yet(void **state)
{
    struct vx_gw_seen seen = perfect(VX_GW_VRF_NETNS);
    struct vx_gw_vrf_want holding = want;
    struct vx_gw_ops ops;
    struct vx_error err;

    (void) state;
    holding.holds = true;
    seen.inside[0].addrs[seen.inside[0].n_addrs++] =
        addr("172.16.9.1", 30);
    seen.inside[1] = link_of("old", 4, 0);
    seen.n_inside = 2;
    seen.leg.addrs[seen.leg.n_addrs++] = addr("172.16.9.1", 30);
    assert_true(vx_gw_kernel_plan(VX_GW_VRF_NETNS, want.vni, &holding, &seen,
                                  &ops, &err));
    assert_true(ops.holds);
    assert_int_equal(ops.n, 1);         /* the leg is not BGP's */
    assert_int_equal(ops.ops[0].kind, VX_GW_OP_ADDR_DEL);
    vx_gw_ops_fini(&ops);
    assert_true(vx_gw_kernel_plan(VX_GW_VRF_NETNS, want.vni, &want, &seen,
                                  &ops, &err));
    assert_false(ops.holds);
    assert_int_equal(ops.n, 3);
    vx_gw_ops_fini(&ops);
    vx_gw_seen_fini(&seen);
}

/* With a VNI of another tenant's leg come that tenant's devices: they leave,
 * whatever BGP says, before anything of it is the new tenant's. */
static void
nothing_of_another_tenant_is_held(void **state)
{
    static const enum vx_gw_backend backends[] = { VX_GW_VRF_NETNS,
                                                   VX_GW_VRF_DEVICE };

    (void) state;
    for (int i = 0; i < 2; i++) {
        struct vx_gw_seen seen = perfect(backends[i]);
        struct vx_gw_vrf_want holding = want;
        bool is_gone = false, is_changed = false;
        size_t n_tried = 0;
        struct vx_gw_ops ops;
        struct vx_error err;

        holding.holds = true;
        seen.leg.mac.b[5] ^= 0xff;
        seen.inside[1] = link_of("old", 4, 0);
        seen.inside[2] = link_of("shared", 5, 0);   /* of an operator */
        seen.inside[2].is_ours = false;
        seen.n_inside = 3;
        assert_true(vx_gw_kernel_plan(backends[i], want.vni, &holding, &seen,
                                      &ops, &err));
        assert_false(ops.holds);
        for (size_t j = 0; j < ops.n; j++) {
            is_gone |= ops.ops[j].kind == VX_GW_OP_DEVICE_OUT;
            is_changed |= ops.ops[j].kind == VX_GW_OP_MAC;
            n_tried += ops.ops[j].kind == VX_GW_OP_DEVICE_OUT_TRY
                       && !is_changed;
            assert_true(is_gone || !is_changed);
        }
        assert_true(is_gone && is_changed);
        assert_int_equal(n_tried, 1);
        vx_gw_ops_fini(&ops);
        vx_gw_seen_fini(&seen);
    }
}

static void
a_vrf_that_goes_gives_all_devices_back_first(void **state)
{
    struct vx_gw_seen seen = perfect(VX_GW_VRF_NETNS);

    (void) state;
    seen.inside[1] = link_of("dummy0", 5, 0);
    seen.inside[1].is_ours = false;
    seen.inside[2] = link_of("sit0", 6, 0);
    seen.inside[2].is_fixed = true;
    seen.n_inside = 3;
    assert_string_equal(plan(VX_GW_VRF_NETNS, NULL, &seen),
                        "in: move out device ce1; in: move out device "
                        "dummy0; remove device vl16777215; "
                        "remove VRF vx16777215; ");
    seen = perfect(VX_GW_VRF_DEVICE);
    assert_string_equal(plan(VX_GW_VRF_DEVICE, NULL, &seen),
                        "in: remove address of ce1 (172.16.1.1/30); "
                        "in: move out device ce1; remove device vl16777215; "
                        "remove VRF vx16777215; ");
}

static void
what_is_an_operators_is_refused_by_name(void **state)
{
    struct vx_gw_seen seen = { .vrf = VX_GW_FOREIGN };

    (void) state;
    assert_non_null(strstr(plan(VX_GW_VRF_NETNS, &want, &seen),
                           "\"vx16777215\" is there and not ours"));
    seen = (struct vx_gw_seen) { .vrf = VX_GW_FOREIGN };
    assert_string_equal(plan(VX_GW_VRF_NETNS, NULL, &seen), "");
    seen = perfect(VX_GW_VRF_NETNS);
    seen.host_end.is_ours = false;
    assert_non_null(strstr(plan(VX_GW_VRF_NETNS, &want, &seen),
                           "\"vl16777215\" is there and not ours"));
}

static void
names_of_vrfs_are_read_strictly(void **state)
{
    (void) state;
    assert_int_equal(vx_gw_vrf_parse("vx1"), 1);
    assert_int_equal(vx_gw_vrf_parse("vx16777215"), 16777215);
    assert_int_equal(vx_gw_vrf_parse("vx16777216"), 0);
    assert_int_equal(vx_gw_vrf_parse("vx99999999999999"), 0);
    assert_int_equal(vx_gw_vrf_parse("vx0"), 0);
    assert_int_equal(vx_gw_vrf_parse("vx01"), 0);
    assert_int_equal(vx_gw_vrf_parse("vx"), 0);
    assert_int_equal(vx_gw_vrf_parse("vx5a"), 0);
    assert_int_equal(vx_gw_vrf_parse(""), 0);
}

/* --- Legs. */

static int
compare(const void *key, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) key;
    uint32_t b = VX_CONTAINER(node, struct vx_gw_leg, by_vni)->vni;

    return a < b ? -1 : a > b;
}

static void
set_text(char **member, const char *text)
{
    free(*member);
    *member = vx_xstrdup(text);
}

#define UUID(X) "00000000-0000-0000-0000-0000000000" X

/* A port with its interface, on a bridge. */
static void
add_port(struct og_ovsdb_view *view, struct og_row *bridge, char id,
         const char *name, const char *iface_id)
{
    char uuid[] = UUID("p-"), interface[] = UUID("i-");
    struct og_port *port;
    struct og_iface *iface;

    uuid[35] = interface[35] = id;
    port = (struct og_port *) og_view_add(view, OG_T_PORT, uuid);
    iface = (struct og_iface *) og_view_add(view, OG_T_INTERFACE,
                                            interface);
    set_text(&port->name, name);
    port->row.parent = bridge;
    og_set_append(&port->interfaces, interface);
    iface->row.parent = &port->row;
    set_text(&iface->name, name);
    set_text(&iface->iface_id, iface_id);
}

static void
a_leg_that_is_kept_is_neither_swept_nor_put_in(void **state)
{
    struct og_ovsdb_view view;
    struct og_bridge *tenant;
    struct vx_tree legs;
    struct vx_gw_leg leg[2] = { { .vni = 1 }, { .vni = 2 } };
    char *text;

    (void) state;
    og_view_init(&view);
    vx_tree_init(&legs, compare);
    vx_tree_insert(&legs, &leg[0].vni, &leg[0].by_vni);
    vx_tree_insert(&legs, &leg[1].vni, &leg[1].by_vni);
    tenant = (struct og_bridge *) og_view_add(&view, OG_T_BRIDGE,
                                              UUID("b1"));
    set_text(&tenant->name, "br-tenant");
    add_port(&view, &tenant->row, '1', "vl1", "one");
    assert_null(vx_gw_leg_rows(&view, &legs, true));
    assert_true(leg[0].is_in);
    assert_false(leg[1].is_in);
    leg[0].is_going = true;
    text = vx_gw_leg_rows(&view, &legs, true);
    assert_non_null(strstr(text, "[\"uuid\",\"" UUID("p1") "\"]"));
    free(text);
    og_view_fini(&view);
}

static void
legs_are_put_in_changed_and_taken_out(void **state)
{
    struct og_ovsdb_view view;
    struct og_bridge *tenant, *other;
    struct vx_tree legs;
    struct vx_gw_leg leg[4] = {
        { .vni = 1, .iface_id = (char *) "one" },
        { .vni = 2, .iface_id = (char *) "tw\"o" },
        { .vni = 3, .iface_id = (char *) "three" },
        { .vni = 4, .iface_id = (char *) "four", .is_going = true },
    };
    char *text;

    (void) state;
    og_view_init(&view);
    vx_tree_init(&legs, compare);
    for (size_t i = 0; i < 4; i++) {
        vx_tree_insert(&legs, &leg[i].vni, &leg[i].by_vni);
    }
    assert_null(vx_gw_leg_rows(&view, &legs, true));
    tenant = (struct og_bridge *) og_view_add(&view, OG_T_BRIDGE,
                                              UUID("b1"));
    other = (struct og_bridge *) og_view_add(&view, OG_T_BRIDGE,
                                             UUID("b2"));
    set_text(&tenant->name, "br-tenant");
    set_text(&other->name, "br-other");
    add_port(&view, &tenant->row, '1', "vl1", "one");
    add_port(&view, &other->row, '3', "vl3", "three");
    add_port(&view, &tenant->row, '4', "vl4", "four");
    add_port(&view, &tenant->row, '5', "vl5", "five");
    add_port(&view, &tenant->row, '6', "vlan6", "six");
    text = vx_gw_leg_rows(&view, &legs, false);
    assert_string_equal(
        text,
        "[{\"op\":\"mutate\",\"table\":\"Bridge\",\"where\":[[\"name\","
        "\"==\",\"br-tenant\"]],\"mutations\":[[\"ports\",\"delete\","
        "[\"uuid\",\"" UUID("p4") "\"]]]},"
        "{\"op\":\"insert\",\"table\":\"Interface\",\"uuid-name\":\"i2\","
        "\"row\":{\"name\":\"vl2\",\"external_ids\":[\"map\",[[\"iface-id\","
        "\"tw\\u0022o\"]]]}},{\"op\":\"insert\",\"table\":\"Port\","
        "\"uuid-name\":\"p2\",\"row\":{\"name\":\"vl2\",\"interfaces\":"
        "[\"named-uuid\",\"i2\"]}},{\"op\":\"mutate\",\"table\":\"Bridge\","
        "\"where\":[[\"name\",\"==\",\"br-tenant\"]],\"mutations\":"
        "[[\"ports\",\"insert\",[\"named-uuid\",\"p2\"]]]}]");
    free(text);
    text = vx_gw_leg_rows(&view, &legs, true);
    assert_non_null(strstr(text, "[\"uuid\",\"" UUID("p5") "\"]"));
    assert_null(strstr(text, "p6"));
    assert_null(strstr(text, "p3"));
    free(text);
    leg[1].is_held = true;
    leg[0].iface_id = (char *) "uno";
    text = vx_gw_leg_rows(&view, &legs, false);
    assert_null(strstr(text, "vl2"));
    assert_non_null(strstr(text, "[[\"iface-id\",\"uno\"]]"));
    free(text);
    og_view_fini(&view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_wanted_is_not_touched),
        cmocka_unit_test(a_vrf_is_made_from_nothing),
        cmocka_unit_test(with_vrf_devices_leg_and_devices_are_enslaved),
        cmocka_unit_test(only_what_differs_is_changed),
        cmocka_unit_test(
            a_setting_that_differs_is_set_and_one_that_lacks_is_not),
        cmocka_unit_test(ends_that_are_no_pair_are_made_again),
        cmocka_unit_test(a_device_that_is_not_there_is_waited_for),
        cmocka_unit_test(strays_go_back_and_an_operators_stay),
        cmocka_unit_test(nothing_of_another_tenant_is_held),
        cmocka_unit_test(what_bgp_has_not_let_go_of_stays_as_yet),
        cmocka_unit_test(a_vrf_that_goes_gives_all_devices_back_first),
        cmocka_unit_test(what_is_an_operators_is_refused_by_name),
        cmocka_unit_test(names_of_vrfs_are_read_strictly),
        cmocka_unit_test(a_leg_that_is_kept_is_neither_swept_nor_put_in),
        cmocka_unit_test(legs_are_put_in_changed_and_taken_out),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, NULL);
}
