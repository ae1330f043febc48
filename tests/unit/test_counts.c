/* SPDX-License-Identifier: Apache-2.0 */
/* From what switches count to what is told: deltas (core/counts.h), traffic by
 * class (core/locality.h), bursts (core/burst.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/burst.h"
#include "core/counts.h"
#include "core/locality.h"

/* --- Deltas. */

static const struct vx_tally_when ten_seconds = { .since_ms = 60000,
                                                  .elapsed_ms = 10000 };

static struct vx_count
row(uint64_t key, uint64_t bytes, uint32_t age_ms)
{
    return (struct vx_count) { .key = key, .packets = bytes / 10,
                               .bytes = bytes, .age_ms = age_ms };
}

static void
rows_are_counted_from_the_sample_before(void **state)
{
    (void) state;
    struct vx_count a[] = { row(7, 100, 5), row(3, 50, 5) };
    struct vx_count b[] = { row(3, 80, 15), row(7, 100, 15) };
    struct vx_tally tally;

    vx_tally_init(&tally);
    vx_tally_take(&tally, a, 2, &ten_seconds);
    assert_int_equal(a[0].key, 3);
    assert_int_equal(a[0].bytes, 50);
    assert_int_equal(a[1].bytes, 100);
    vx_tally_take(&tally, b, 2, &ten_seconds);
    assert_int_equal(b[0].bytes, 30);
    assert_int_equal(b[0].packets, 3);
    assert_int_equal(b[1].bytes, 0);
    vx_tally_fini(&tally);
}

static void
rows_older_than_who_counts_begin_with_what_they_have(void **state)
{
    (void) state;
    struct vx_count a[] = { row(1, 1000, 60001) };
    struct vx_count b[] = { row(1, 1010, 70001) };
    struct vx_tally tally;

    vx_tally_init(&tally);
    vx_tally_take(&tally, a, 1, &ten_seconds);
    assert_int_equal(a[0].bytes, 0);
    vx_tally_take(&tally, b, 1, &ten_seconds);
    assert_int_equal(b[0].bytes, 10);
    vx_tally_fini(&tally);
}

static void
a_row_that_counts_less_than_before_began_anew(void **state)
{
    (void) state;
    struct vx_count a[] = { row(1, 1000, 5) }, b[] = { row(1, 400, 5) };
    struct vx_tally tally;

    vx_tally_init(&tally);
    vx_tally_take(&tally, a, 1, &ten_seconds);
    vx_tally_take(&tally, b, 1, &ten_seconds);
    assert_int_equal(b[0].bytes, 400);
    vx_tally_fini(&tally);
}

static void
a_row_that_was_away_for_a_sample_begins_anew(void **state)
{
    (void) state;
    struct vx_count a[] = { row(1, 1000, 5) }, b[] = { row(1, 1400, 5) };
    struct vx_tally tally;

    vx_tally_init(&tally);
    vx_tally_take(&tally, a, 1, &ten_seconds);
    vx_tally_take(&tally, NULL, 0, &ten_seconds);
    vx_tally_take(&tally, b, 1, &ten_seconds);
    assert_int_equal(b[0].bytes, 1400);
    vx_tally_fini(&tally);
}

static void
a_row_replaced_in_place_goes_on_and_is_not_counted_twice(void **state)
{
    (void) state;
    struct vx_count a[] = { row(1, 1000, 30000) };
    struct vx_count b[] = { row(1, 1400, 100) };    /* young, with its past */
    struct vx_tally tally;

    vx_tally_init(&tally);
    vx_tally_take(&tally, a, 1, &ten_seconds);
    vx_tally_take(&tally, b, 1, &ten_seconds);
    assert_int_equal(b[0].bytes, 400);
    vx_tally_fini(&tally);
}

static void
after_a_restart_young_rows_count_from_zero_however_much_they_have(
    void **state)
{
    (void) state;
    struct vx_count a[] = { row(1, 1000, 30000), row(2, 10, 30000) };
    struct vx_count b[] = { row(1, 1400, 9000), row(2, 30, 40000) };
    struct vx_tally_when when = ten_seconds;
    struct vx_tally tally;

    vx_tally_init(&tally);
    vx_tally_take(&tally, a, 2, &when);
    when.restarted = true;
    vx_tally_take(&tally, b, 2, &when);
    assert_int_equal(b[0].bytes, 1400);
    assert_int_equal(b[1].bytes, 20);       /* this one was not restarted */
    vx_tally_fini(&tally);
}

static void
a_switch_that_tells_of_a_row_twice_is_heard_once(void **state)
{
    (void) state;
    struct vx_count a[] = { row(1, 10, 5), row(1, 10, 5) };
    struct vx_tally tally;

    vx_tally_init(&tally);
    vx_tally_take(&tally, a, 2, &ten_seconds);
    assert_int_equal(a[0].bytes + a[1].bytes, 10);
    vx_tally_fini(&tally);
}

/* --- Locality. */

enum { H1 = 1, H2 = 2, Z1 = 11, Z2 = 12, T1 = 21, N1 = 31, N2 = 32 };

static struct vx_locality *loc;
static struct vx_traffic found;
static size_t n_found;
static uint64_t wanted, wanted_zone;

static int
set_up(void **state)
{
    (void) state;
    loc = vx_locality_new();
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    vx_locality_free(loc);
    return 0;
}

static void
see(uint64_t host, uint64_t network, enum vx_seen what, uint64_t bytes)
{
    vx_locality_see(loc, &(struct vx_sighting) {
        .host = host, .network = network, .tenant = T1, .what = what,
        .bytes = bytes });
}

static void
pick(void *aux, uint64_t oid, uint64_t zone, const struct vx_traffic *t)
{
    (void) aux;
    if (oid == wanted && zone == wanted_zone) {
        found = *t;
        n_found++;
    }
}

static const struct vx_traffic *
sum(enum vx_sum_of of, uint64_t oid, uint64_t zone)
{
    wanted = oid;
    wanted_zone = zone;
    n_found = 0;
    memset(&found, 0, sizeof found);
    vx_locality_each(loc, of, pick, NULL);
    return &found;
}

static void
traffic_is_summed_by_network_tenant_zone_and_host(void **state)
{
    (void) state;
    see(H1, N1, VX_SEEN_DELIVERED, 1000);
    see(H1, N1, VX_SEEN_INGRESS, 200);
    see(H1, N1, VX_SEEN_OUT_ZONE, 30);
    see(H1, N1, VX_SEEN_OUT_CROSS, 4);
    see(H1, N2, VX_SEEN_OUT_CROSS, 5);
    vx_locality_turn(loc, H1, Z1, 1000);
    see(H2, N1, VX_SEEN_OUT_CROSS, 6);
    vx_locality_turn(loc, H2, Z2, 2000);

    const struct vx_traffic *t = sum(VX_SUM_NETWORK, N1, Z1);
    assert_int_equal(t->bytes[VX_CLASS_LOCAL], 800);
    assert_int_equal(t->bytes[VX_CLASS_ZONE], 30);
    assert_int_equal(t->bytes[VX_CLASS_CROSS], 4);
    assert_int_equal(t->bps[VX_CLASS_LOCAL], 6400);
    assert_int_equal(sum(VX_SUM_NETWORK, N1, Z2)->bytes[VX_CLASS_CROSS], 6);
    assert_int_equal(sum(VX_SUM_NETWORK, N1, Z2)->bps[VX_CLASS_CROSS], 24);
    assert_int_equal(sum(VX_SUM_TENANT, T1, 0)->bytes[VX_CLASS_CROSS], 15);
    assert_int_equal(sum(VX_SUM_ZONE, Z1, 0)->bytes[VX_CLASS_CROSS], 9);
    assert_int_equal(sum(VX_SUM_HOST, H2, 0)->bytes[VX_CLASS_CROSS], 6);
}

static void
broadcast_from_the_fabric_is_no_local_traffic_and_hides_none(void **state)
{
    (void) state;
    /* 700 of unicast stay; 100 of unicast and 50 of broadcast come in, 20 of
     * broadcast go out. */
    see(H1, N1, VX_SEEN_DELIVERED, 800);
    see(H1, N1, VX_SEEN_INGRESS, 150);
    see(H1, N1, VX_SEEN_FLOOD1, 70);
    see(H1, N1, VX_SEEN_FLOOD2, 20);
    vx_locality_turn(loc, H1, Z1, 1000);
    assert_int_equal(sum(VX_SUM_NETWORK, N1, Z1)->bytes[VX_CLASS_LOCAL], 700);
}

static void
a_border_passes_on_what_is_not_its_own(void **state)
{
    (void) state;
    see(H1, N1, VX_SEEN_DELIVERED, 800);
    see(H1, N1, VX_SEEN_TRANSIT, 100000);
    see(H1, N1, VX_SEEN_OWN, 300);
    vx_locality_turn(loc, H1, Z1, 1000);
    assert_int_equal(sum(VX_SUM_NETWORK, N1, Z1)->bytes[VX_CLASS_LOCAL], 500);
}

static void
what_is_on_its_way_between_two_dumps_is_made_up_for(void **state)
{
    (void) state;
    see(H1, N1, VX_SEEN_DELIVERED, 90);
    see(H1, N1, VX_SEEN_INGRESS, 100);
    vx_locality_turn(loc, H1, Z1, 1000);
    assert_int_equal(sum(VX_SUM_NETWORK, N1, Z1)->bytes[VX_CLASS_LOCAL], 0);
    see(H1, N1, VX_SEEN_DELIVERED, 15);
    see(H1, N1, VX_SEEN_INGRESS, 0);
    vx_locality_turn(loc, H1, Z1, 1000);
    assert_int_equal(sum(VX_SUM_NETWORK, N1, Z1)->bytes[VX_CLASS_LOCAL], 5);
    /* What was dropped on its way does not count against others for ever. */
    see(H1, N1, VX_SEEN_INGRESS, 1000);
    vx_locality_turn(loc, H1, Z1, 1000);
    see(H1, N1, VX_SEEN_INGRESS, 0);
    vx_locality_turn(loc, H1, Z1, 1000);
    see(H1, N1, VX_SEEN_DELIVERED, 7);
    vx_locality_turn(loc, H1, Z1, 1000);
    assert_int_equal(sum(VX_SUM_NETWORK, N1, Z1)->bytes[VX_CLASS_LOCAL], 12);
}

static void
rates_are_of_the_last_turn_and_end_with_the_host(void **state)
{
    (void) state;
    see(H1, N1, VX_SEEN_OUT_ZONE, 1000);
    vx_locality_turn(loc, H1, Z1, 1000);
    see(H2, N1, VX_SEEN_OUT_ZONE, 1000);
    vx_locality_turn(loc, H2, Z1, 1000);
    assert_int_equal(sum(VX_SUM_TENANT, T1, 0)->bps[VX_CLASS_ZONE], 16000);
    see(H1, N1, VX_SEEN_OUT_ZONE, 0);
    vx_locality_turn(loc, H1, Z1, 1000);
    assert_int_equal(sum(VX_SUM_TENANT, T1, 0)->bps[VX_CLASS_ZONE], 8000);
    vx_locality_away(loc, H2);
    assert_int_equal(sum(VX_SUM_TENANT, T1, 0)->bps[VX_CLASS_ZONE], 0);
    assert_int_equal(sum(VX_SUM_TENANT, T1, 0)->bytes[VX_CLASS_ZONE], 2000);
    vx_locality_away(loc, H2);
}

static void
a_host_that_changes_zone_takes_its_rates_along_not_its_past(void **state)
{
    (void) state;
    see(H1, N1, VX_SEEN_OUT_ZONE, 1000);
    vx_locality_turn(loc, H1, Z1, 1000);
    see(H1, N1, VX_SEEN_OUT_ZONE, 500);
    vx_locality_turn(loc, H1, Z2, 1000);
    assert_int_equal(sum(VX_SUM_ZONE, Z1, 0)->bytes[VX_CLASS_ZONE], 1000);
    assert_int_equal(sum(VX_SUM_ZONE, Z1, 0)->bps[VX_CLASS_ZONE], 0);
    assert_int_equal(sum(VX_SUM_ZONE, Z2, 0)->bytes[VX_CLASS_ZONE], 500);
    assert_int_equal(sum(VX_SUM_ZONE, Z2, 0)->bps[VX_CLASS_ZONE], 4000);
}

static void
what_is_deleted_is_forgotten_and_nothing_else(void **state)
{
    (void) state;
    see(H1, N1, VX_SEEN_OUT_ZONE, 1000);
    see(H1, N2, VX_SEEN_OUT_ZONE, 10);
    vx_locality_turn(loc, H1, Z1, 1000);
    vx_locality_forget(loc, N1);
    sum(VX_SUM_NETWORK, N1, Z1);
    assert_int_equal(n_found, 0);
    assert_int_equal(sum(VX_SUM_TENANT, T1, 0)->bytes[VX_CLASS_ZONE], 1010);
    assert_int_equal(sum(VX_SUM_TENANT, T1, 0)->bps[VX_CLASS_ZONE], 80);
    vx_locality_forget(loc, H1);
    assert_int_equal(sum(VX_SUM_TENANT, T1, 0)->bps[VX_CLASS_ZONE], 0);
    sum(VX_SUM_HOST, H1, 0);
    assert_int_equal(n_found, 0);
}

static void
policies_are_counted_over_all_hosts(void **state)
{
    (void) state;
    const struct vx_policy_count some = { .packets = 2, .bytes = 300 };

    assert_int_equal(vx_locality_of_policy(loc, 99).packets, 0);
    vx_locality_policy(loc, 99, &some);
    vx_locality_policy(loc, 99, &some);
    assert_int_equal(vx_locality_of_policy(loc, 99).packets, 4);
    assert_int_equal(vx_locality_of_policy(loc, 99).bytes, 600);
    vx_locality_forget(loc, 99);
    assert_int_equal(vx_locality_of_policy(loc, 99).bytes, 0);
}

/* --- Bursts. */

static struct vx_bursts *bursts;
static size_t n_begun, n_over;
static struct vx_burst last;
static int64_t now;

static int
bursts_set_up(void **state)
{
    (void) state;
    bursts = vx_bursts_new();
    n_begun = n_over = 0;
    now = 0;
    return 0;
}

static int
bursts_tear_down(void **state)
{
    (void) state;
    vx_bursts_free(bursts);
    return 0;
}

static void
on_begun(void *aux, struct vx_burst *burst)
{
    (void) aux;
    n_begun++;
    last = *burst;
}

static void
on_over(void *aux, const struct vx_burst *burst)
{
    (void) aux;
    n_over++;
    last = *burst;
}

static const struct vx_burst_told told = { .begun = on_begun,
                                           .over = on_over };

static void
sample(uint64_t host, uint32_t meter, uint64_t dropped)
{
    struct vx_count count = { .key = meter, .packets = 100 + dropped,
                              .bytes = 1000, .dropped = dropped };

    now += 10;
    vx_bursts_take(bursts, &(struct vx_burst_sample) {
        .host = host, .tier = vx_meter_tier(vx_meter_kind_of(meter)),
        .from_ms = now - 10, .now_ms = now, .counts = &count, .n = 1 },
        &told);
}

static void
a_burst_begins_with_drops_and_is_over_after_three_quiet_samples(void **state)
{
    (void) state;
    const uint32_t meter = VX_METER(VX_METER_OUT_KBPS, 5);

    sample(H1, meter, 0);
    assert_int_equal(n_begun, 0);
    sample(H1, meter, 7);
    assert_int_equal(n_begun, 1);
    assert_int_equal(last.since_ms, 10);
    sample(H1, meter, 3);
    sample(H1, meter, 0);
    sample(H1, meter, 0);
    sample(H1, meter, 1);               /* not over: it was damped */
    assert_int_equal(n_begun, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(n_over, 0);
        sample(H1, meter, 0);
    }
    assert_int_equal(n_over, 1);
    assert_true(last.over);
    assert_int_equal(last.dropped, 11);
    assert_int_equal(last.packets, 311);
    assert_int_equal(last.last_ms, 60);
    sample(H1, meter, 1);
    assert_int_equal(n_begun, 2);
}

static void
bursts_of_hosts_and_tiers_are_their_own(void **state)
{
    (void) state;
    const uint32_t out = VX_METER(VX_METER_OUT_KBPS, 5);
    const uint32_t tenant = VX_METER(VX_METER_TENANT, 5);

    sample(H1, out, 1);
    sample(H2, out, 1);
    sample(H1, tenant, 1);
    assert_int_equal(n_begun, 3);
    for (int i = 0; i < 5; i++) {
        sample(H1, out, 0);
    }
    assert_int_equal(n_over, 1);
    vx_bursts_away(bursts, H1, &told);
    assert_int_equal(n_over, 2);
    vx_bursts_away(bursts, H2, &told);
    assert_int_equal(n_over, 3);
}

static void
a_meter_that_is_gone_is_quiet(void **state)
{
    (void) state;
    sample(H1, VX_METER(VX_METER_POLICY, 5), 1);
    for (int i = 0; i < 3; i++) {
        vx_bursts_take(bursts, &(struct vx_burst_sample) {
            .host = H1, .tier = VX_TENANT_TIER }, &told);
    }
    assert_int_equal(n_over, 1);
}

static void
meters_of_nobody_make_no_bursts(void **state)
{
    (void) state;
    sample(H1, VX_METER_CONTROLLER, 9);
    sample(H1, 7, 9);
    assert_int_equal(n_begun, 0);
}

static void
the_number_of_bursts_is_bounded_and_the_rest_counted(void **state)
{
    (void) state;
    struct vx_burst_counters c;

    for (uint32_t i = 0; i < VX_BURSTS_MAX + 10; i++) {
        sample(H1 + i, VX_METER(VX_METER_HOST, 1), 2);
    }
    vx_bursts_counters(bursts, &c);
    assert_int_equal(n_begun, VX_BURSTS_MAX);
    assert_int_equal(c.n_active, VX_BURSTS_MAX);
    assert_int_equal(c.n_left_out, 10);
    assert_int_equal(c.dropped[VX_METER_HOST], 2 * (VX_BURSTS_MAX + 10));
}

static void
count_burst(void *n, const struct vx_burst *burst)
{
    (void) burst;
    ++*(size_t *) n;
}

static void
bursts_that_are_over_are_kept_for_a_while(void **state)
{
    (void) state;
    size_t n = 0;

    for (uint64_t i = 0; i < VX_BURSTS_KEPT + 5; i++) {
        sample(H1, VX_METER(VX_METER_HOST, 1), 1);
        vx_bursts_away(bursts, H1, &told);
    }
    sample(H2, VX_METER(VX_METER_HOST, 1), 1);
    vx_bursts_each(bursts, count_burst, &n);
    assert_int_equal(n, VX_BURSTS_KEPT + 1);
}

#define LOCALITY(TEST) cmocka_unit_test_setup_teardown(TEST, set_up, tear_down)
#define BURST(TEST) \
    cmocka_unit_test_setup_teardown(TEST, bursts_set_up, bursts_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_counted_from_the_sample_before),
        cmocka_unit_test(
            rows_older_than_who_counts_begin_with_what_they_have),
        cmocka_unit_test(a_row_that_counts_less_than_before_began_anew),
        cmocka_unit_test(a_row_that_was_away_for_a_sample_begins_anew),
        cmocka_unit_test(
            a_row_replaced_in_place_goes_on_and_is_not_counted_twice),
        cmocka_unit_test(
            after_a_restart_young_rows_count_from_zero_however_much_they_have
        ),
        cmocka_unit_test(a_switch_that_tells_of_a_row_twice_is_heard_once),
        LOCALITY(traffic_is_summed_by_network_tenant_zone_and_host),
        LOCALITY(broadcast_from_the_fabric_is_no_local_traffic_and_hides_none),
        LOCALITY(a_border_passes_on_what_is_not_its_own),
        LOCALITY(what_is_on_its_way_between_two_dumps_is_made_up_for),
        LOCALITY(rates_are_of_the_last_turn_and_end_with_the_host),
        LOCALITY(a_host_that_changes_zone_takes_its_rates_along_not_its_past),
        LOCALITY(what_is_deleted_is_forgotten_and_nothing_else),
        LOCALITY(policies_are_counted_over_all_hosts),
        BURST(a_burst_begins_with_drops_and_is_over_after_three_quiet_samples),
        BURST(bursts_of_hosts_and_tiers_are_their_own),
        BURST(a_meter_that_is_gone_is_quiet),
        BURST(meters_of_nobody_make_no_bursts),
        BURST(the_number_of_bursts_is_bounded_and_the_rest_counted),
        BURST(bursts_that_are_over_are_kept_for_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
