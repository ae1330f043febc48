/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers through the model: VNI ranges, reservations, quarantine; MTUs,
 * gateways and address ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/model_fixture.h"

/* 10..14 and 20..22 without 12: seven numbers. */
static struct vx_model *
narrow_model(int64_t quarantine_ms)
{
    static const struct vx_vni_range ranges[] = {
        { 20, 22 }, { 10, 12 }, { 12, 14 }, { 9, 8 },
    };
    static const struct vx_vni_range reserved[] = {
        { 12, 12 }, { 100, 200 },
    };
    struct vx_model_config config = {
        .vni_ranges = ranges, .n_vni_ranges = 4,
        .vni_reserved = reserved, .n_vni_reserved = 2,
        .vni_quarantine_ms = quarantine_ms, .mac_prefix = 0x0a,
    };
    struct vx_model *model = vx_model_new(&config);

    fx_do(model, "put tenant t");
    return model;
}

static uint32_t
vni_of(struct vx_model *model, const char *line)
{
    const struct vx_network *network = fx_do(model, line);

    return network->vni;
}

static uint32_t
router_of(struct vx_model *model, const char *line)
{
    const struct vx_tenant *tenant = fx_do(model, line);

    return tenant->router_vni;
}

static void
vnis_come_lowest_first_and_never_reserved_ones(void **state)
{
    (void) state;
    static const uint32_t expected[] = { 10, 11, 13, 14, 20, 21, 22 };
    struct vx_model *model = narrow_model(0);
    char line[64];

    assert_int_equal(vx_model_free_vnis(model), 7);
    for (unsigned i = 0; i < 7; i++) {
        snprintf(line, sizeof line, "put network t/n%u", i);
        assert_int_equal(vni_of(model, line), expected[i]);
        assert_int_equal(vx_model_free_vnis(model), 6 - i);
    }
    fx_refused(model, "put network t/n8", VX_EXHAUSTED, "vni",
               "no free VNI: all 7 of the configured ranges are taken");
    fx_refused(model, "put tenant t router=yes", VX_EXHAUSTED, "router_vni",
               "no free VNI");
    assert_int_equal(vni_of(model, "put network t/n8 vni=12"), 12);
    assert_int_equal(vni_of(model, "put network t/n9 vni=150"), 150);
    assert_int_equal(vni_of(model, "put network t/n10 vni=5"), 5);
    assert_int_equal(vx_model_free_vnis(model), 0);
    vx_model_free(model);
}

static void
a_vni_is_kept_until_another_is_asked_for(void **state)
{
    (void) state;
    struct vx_model *model = narrow_model(0);

    assert_int_equal(vni_of(model, "put network t/a vni=21"), 21);
    assert_int_equal(vni_of(model, "put network t/a mtu=1400"), 21);
    assert_int_equal(vni_of(model, "put network t/a vni=9999"), 9999);
    fx_refused(model, "put network t/b vni=21", VX_EXISTS, "vni",
               "VNI 21 is in quarantine until 1970-01-01T00:16:40Z and until "
               "every host has confirmed");
    fx_do(model, "put port t/a/p");
    fx_refused(model, "put network t/a vni=22", VX_IN_USE, "vni", "9999");
    assert_int_equal(vni_of(model, "put network t/a vni=9999"), 9999);
    vx_model_free(model);
}

static void
routers_get_numbers_from_the_other_end(void **state)
{
    (void) state;
    struct vx_model *model = narrow_model(0);

    assert_int_equal(router_of(model, "put tenant t"), 0);
    assert_int_equal(router_of(model, "put tenant t router=yes"), 22);
    assert_int_equal(router_of(model, "put tenant t router=yes"), 22);
    assert_int_equal(router_of(model, "put tenant u router=yes"), 21);
    assert_int_equal(router_of(model, "put tenant v router_vni=10"), 10);
    fx_refused(model, "put network t/n vni=21", VX_EXISTS, "vni",
               "VNI 21 already belongs to the router of tenant \"u\"");
    assert_int_equal(vni_of(model, "put network t/n"), 11);
    assert_int_equal(router_of(model, "put tenant u"), 0);
    assert_null(vx_model_by_vni(model, 21));
    assert_int_equal(vx_model_count(model, VX_RETIRED_VNI), 1);
    fx_do(model, "delete tenant v");
    assert_int_equal(vx_model_count(model, VX_RETIRED_VNI), 2);
    vx_model_free(model);
}

static void
a_vni_is_used_again_only_after_time_and_confirmation(void **state)
{
    (void) state;
    struct vx_model *model = narrow_model(5000);
    int64_t then = FX_NOW_MS + 5000;
    const struct vx_retired_vni *retired;
    uint64_t revision;

    fx_do(model, "put network t/a");
    fx_do(model, "delete network t/a");
    revision = vx_model_revision(model);
    assert_int_equal(vni_of(model, "put network t/b"), 11);
    fx_refused(model, "put network t/c vni=10", VX_EXISTS, "vni",
               "until 1970-01-01T00:16:45Z");
    assert_null(vx_model_releasable(model, then - 1, revision));
    assert_null(vx_model_releasable(model, then, revision - 1));
    retired = vx_model_releasable(model, then, revision);
    assert_non_null(retired);
    assert_int_equal(retired->vni, 10);
    assert_int_equal(retired->o.revision, revision);
    fx_do(model, "release vni 10");
    assert_null(vx_model_releasable(model, INT64_MAX, UINT64_MAX));
    assert_int_equal(vni_of(model, "put network t/c"), 10);
    vx_model_free(model);
}

/* Clocks are set back and forth; the answer must be right all the same. */
static void
releasable_agrees_with_a_scan(void **state)
{
    (void) state;
    enum { N = 300 };
    struct vx_model_config config = { .mac_prefix = 0x0a };
    struct vx_model *model = vx_model_new(&config);
    const struct vx_retired_vni *found;
    unsigned seed = 7;

    print_message("# seed %u\n", seed);
    srand(seed);
    for (uint32_t vni = 1; vni <= N; vni++) {
        struct vx_retired_vni *r = (void *) vx_obj_new(VX_RETIRED_VNI);
        struct vx_error err;

        free(r->o.name);
        r->o.name = malloc(16);
        snprintf(r->o.name, 16, "%u", vni);
        r->o.oid = vni;
        r->o.revision = (uint64_t) (rand() % 100 + 1);
        r->vni = vni;
        r->until_ms = rand() % 100;
        assert_true(vx_model_load(model, &r->o, &err));
    }
    for (int round = 0; round < 20000; round++) {
        int64_t now = rand() % 110 - 5;
        uint64_t revision = (uint64_t) (rand() % 110), best = UINT64_MAX;
        struct vx_iter iter;
        const struct vx_obj *obj;
        char line[64];

        vx_iter_init(&iter, model, VX_RETIRED_VNI, NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            const struct vx_retired_vni *r = (const void *) obj;

            if (r->until_ms <= now && obj->revision <= revision
                && obj->revision < best) {
                best = obj->revision;
            }
        }
        found = vx_model_releasable(model, now, revision);
        assert_int_equal(found ? found->o.revision : UINT64_MAX, best);
        if (found && round % 4 == 0) {
            assert_true(found->until_ms <= now);
            snprintf(line, sizeof line, "release vni %u", found->vni);
            fx_do(model, line);
            if (round % 8) {
                vx_model_rollback(model, 0);
            } else {
                vx_model_commit(model);
            }
        }
    }
    vx_model_free(model);
}

static void
the_first_and_the_last_of_16777215_vnis_can_be_taken(void **state)
{
    (void) state;
    struct vx_vni_range most = { 4, VX_VNI_MAX };
    struct vx_model_config config = {
        .vni_reserved = &most, .n_vni_reserved = 1,
    };
    struct vx_model *model = fx_new_model();

    assert_int_equal(vx_model_free_vnis(model), 16777215);
    fx_do(model, "put tenant t");
    assert_int_equal(vni_of(model, "put network t/top vni=16777215"),
                     16777215);
    assert_int_equal(router_of(model, "put tenant t router=yes"), 16777214);
    assert_int_equal(vx_model_free_vnis(model), 16777213);
    vx_model_free(model);

    model = vx_model_new(&config);
    assert_int_equal(vx_model_free_vnis(model), 3);
    vx_model_free(model);
}

static void
mtus_of_hosts_and_networks_must_fit_at_any_order(void **state)
{
    (void) state;
    struct vx_model *model = fx_new_model();

    fx_do(model, "put zone z");
    fx_do(model, "put tenant t");
    fx_do(model, "put network t/jumbo mtu=8900");
    fx_refused(model, "put host h1 zone=z mtu=8949", VX_INVALID, "mtu",
               "\"t/jumbo\" needs 8900 + 50 bytes of VXLAN = 8950");
    fx_refused(model, "put host h1 zone=z mtu=8950 vtep=2001:db8::1",
               VX_INVALID, "mtu", "8900 + 70 bytes of VXLAN = 8970");
    fx_do(model, "put host h1 zone=z mtu=8970 vtep=2001:db8::1");
    fx_refused(model, "put network t/n mtu=8901", VX_INVALID, "mtu",
               "needs 8901 + 70 bytes of VXLAN = 8971, host \"h1\"");
    fx_do(model, "put host h1 zone=z mtu=8970 vtep=192.0.2.1");
    fx_do(model, "put network t/n mtu=8920");
    fx_refused(model, "put host h1 zone=z mtu=8970 vtep=2001:db8::1",
               VX_INVALID, "mtu", "\"t/n\"");
    fx_do(model, "delete network t/n");
    fx_do(model, "put host h1 zone=z mtu=8970 vtep=2001:db8::1");
    vx_model_free(model);
}

static void
addresses_come_from_the_ranges_without_the_gateway(void **state)
{
    (void) state;
    struct vx_model *model = fx_new_model();
    char ip[VX_IP_STRLEN];
    const struct vx_port *port;

    fx_do(model, "put tenant t");
    fx_do(model, "put network t/n");
    port = fx_do(model, "put port t/n/early");
    assert_int_equal(port->n_ips, 0);
    fx_do(model, "put subnet t/n/10.0.0.0/24 gateway=10.0.0.10"
                 " range=10.0.0.10-10.0.0.11 range=10.0.0.254-10.0.0.255");
    port = fx_do(model, "put port t/n/early");
    assert_int_equal(port->n_ips, 0);           /* kept as it is */
    port = fx_do(model, "put port t/n/a");
    assert_string_equal(vx_ip_format(&port->ips[0], ip), "10.0.0.11");
    port = fx_do(model, "put port t/n/b");
    assert_string_equal(vx_ip_format(&port->ips[0], ip), "10.0.0.254");
    fx_refused(model, "put port t/n/c", VX_EXHAUSTED, "ips",
               "no free IPv4 address in the 1 IPv4 subnet of network \"n\"");
    fx_do(model, "put subnet t/n/10.0.1.0/31");
    port = fx_do(model, "put port t/n/c");
    assert_string_equal(vx_ip_format(&port->ips[0], ip), "10.0.1.0");
    fx_do(model, "put port t/n/c ip=none");
    port = fx_do(model, "put port t/n/d");
    assert_string_equal(vx_ip_format(&port->ips[0], ip), "10.0.1.0");
    port = fx_do(model, "put port t/n/c");
    assert_int_equal(port->n_ips, 0);
    vx_model_free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vnis_come_lowest_first_and_never_reserved_ones),
        cmocka_unit_test(a_vni_is_kept_until_another_is_asked_for),
        cmocka_unit_test(routers_get_numbers_from_the_other_end),
        cmocka_unit_test(a_vni_is_used_again_only_after_time_and_confirmation),
        cmocka_unit_test(releasable_agrees_with_a_scan),
        cmocka_unit_test(the_first_and_the_last_of_16777215_vnis_can_be_taken),
        cmocka_unit_test(mtus_of_hosts_and_networks_must_fit_at_any_order),
        cmocka_unit_test(addresses_come_from_the_ranges_without_the_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
