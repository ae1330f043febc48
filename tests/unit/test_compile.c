/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of policies and next hops: masks that cover ranges of ports, slots
 * that keep their hop, and that no row of a tenant matches less than what is
 * the tenant's alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/compile.h"
#include "core/pipeline.h"
#include "core/trace.h"
#include "tests/lib/rowtalk.h"

/* splitmix64. */
static uint64_t
next(uint64_t *seed)
{
    uint64_t h = *seed += UINT64_C(0x9e3779b97f4a7c15);

    h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 31;
}

/* --- Ranges of ports. */

static void
assert_covers(unsigned first, unsigned last)
{
    struct vx_port_range range = { first, last };
    uint16_t values[30], masks[30];
    size_t n = vx_port_masks(&range, values, masks);
    unsigned n_covered = 0;

    assert_in_range(n, 1, 30);
    for (size_t i = 0; i < n; i++) {
        unsigned size = 0x10000 - masks[i];

        assert_int_equal(size & (size - 1), 0);     /* a prefix */
        assert_int_equal(values[i] & ~masks[i] & 0xffff, 0);
        assert_in_range(values[i], first, last);
        assert_in_range(values[i] + size - 1, first, last);
        n_covered += size;
        for (size_t k = 0; k < i; k++) {            /* disjoint */
            assert_true((values[i] ^ values[k]) & masks[i] & masks[k]);
        }
    }
    assert_int_equal(n_covered, last - first + 1);
    assert_int_equal(vx_port_masks(&range, NULL, NULL), n);
}

static void
masks_cover_exactly_the_range(void **state)
{
    static const uint16_t edges[] = { 0, 1, 2, 79, 80, 1023, 1024, 32767,
                                      32768, 65534, 65535 };
    uint64_t seed = 4;

    (void) state;
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        for (size_t k = i; k < sizeof edges / sizeof edges[0]; k++) {
            assert_covers(edges[i], edges[k]);
        }
    }
    for (int i = 0; i < 20000; i++) {
        unsigned a = next(&seed) & 0xffff, b = next(&seed) & 0xffff;

        assert_covers(a < b ? a : b, a < b ? b : a);
    }
}

/* Of all ways to put the range together from aligned blocks, the one with the
 * fewest. */
static unsigned
fewest(unsigned first, unsigned last)
{
    unsigned best = 100;

    if (first > last) {
        return 0;
    }
    for (unsigned size = 1; size <= 64; size *= 2) {
        if (!(first % size) && first + size - 1 <= last) {
            unsigned n = 1 + fewest(first + size, last);

            best = n < best ? n : best;
        }
    }
    return best;
}

static void
no_other_prefixes_cover_a_range_with_fewer_rows(void **state)
{
    (void) state;
    for (unsigned first = 0; first < 24; first++) {
        for (unsigned last = first; last < 24; last++) {
            struct vx_port_range range = { first, last };

            assert_int_equal(vx_port_masks(&range, NULL, NULL),
                             fewest(first, last));
        }
    }
}

/* --- Next hops. */

static void
a_hop_that_goes_moves_only_its_own_slots(void **state)
{
    uint64_t seed = 7;

    (void) state;
    for (int round = 0; round < 300; round++) {
        size_t n = 2 + next(&seed) % (VX_MAX_HOPS - 1);
        size_t gone = next(&seed) % n;
        unsigned __int128 keys[VX_MAX_HOPS], left[VX_MAX_HOPS];

        for (size_t i = 0; i < n; i++) {
            keys[i] = (unsigned __int128) next(&seed) << 64 | next(&seed);
            left[i - (i > gone)] = keys[i];
        }
        for (unsigned slot = 0; slot < VX_ECMP_SLOTS; slot++) {
            size_t before = vx_ecmp_pick(slot, keys, n);
            size_t after = vx_ecmp_pick(slot, left, n - 1);

            if (before != gone) {
                assert_true(keys[before] == left[after]);
            }
        }
    }
}

static void
the_order_of_hops_does_not_matter(void **state)
{
    uint64_t seed = 8;

    (void) state;
    for (int round = 0; round < 200; round++) {
        unsigned __int128 keys[5], turned[5];

        for (size_t i = 0; i < 5; i++) {
            keys[i] = next(&seed) & 0xffffffff;
            turned[(i * 2 + round) % 5] = keys[i];
        }
        for (unsigned slot = 0; slot < VX_ECMP_SLOTS; slot++) {
            assert_true(keys[vx_ecmp_pick(slot, keys, 5)]
                        == turned[vx_ecmp_pick(slot, turned, 5)]);
        }
    }
}

static void
hops_share_the_slots_roughly_evenly(void **state)
{
    unsigned counts[4] = { 0 };

    (void) state;
    for (unsigned set = 0; set < 1000; set++) {
        unsigned __int128 keys[4];

        for (unsigned i = 0; i < 4; i++) {
            keys[i] = 0x0a000000 + 256 * set + i;   /* neighbours */
        }
        for (unsigned slot = 0; slot < VX_ECMP_SLOTS; slot++) {
            counts[vx_ecmp_pick(slot, keys, 4)]++;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_in_range(counts[i], 3700, 4300);
    }
}

/* --- Policies. */

static size_t
rows_of(const char *line, struct vx_rows *rows)
{
    struct rowtalk talk = { 0 };

    rowtalk_lines(&talk, VX_TENANT_TIER, line, rows);
    return rows->n;
}

static void
a_policy_is_as_many_rows_as_it_says(void **state)
{
    struct vx_port_range sports[] = { { 1, 65534 } };
    struct vx_port_range dports[] = { { 80, 90 }, { 443, 443 } };
    struct vx_policy policy = {
        .action = VX_POLICY_DROP, .priority = 1, .where = VX_WHERE_HOSTS,
        .match = { .proto = 6, .dscp = -1, .sports = sports, .n_sports = 1,
                   .dports = dports, .n_dports = 2 },
    };
    struct vx_rows rows = { 0 };

    (void) state;
    assert_int_equal(vx_policy_n_rows(&policy), 1 + 2 * 30 * (3 + 1));
    vx_compile_policy(&policy, 9, 0, NULL, 0, &rows);
    assert_int_equal(rows.n, vx_policy_n_rows(&policy));
    policy.match.family = 4;
    assert_int_equal(vx_policy_n_rows(&policy), 1 + 30 * 4);
    policy.where |= VX_WHERE_GATEWAY;
    assert_int_equal(vx_policy_n_rows(&policy), 2 * (1 + 30 * 4));
    vx_rows_fini(&rows);
}

/* Whether the row of a tenant can be hit by nobody else's packets. */
static bool
is_apart(const struct vx_row *row)
{
    for (unsigned i = 0; i < row->n_match; i++) {
        const struct vx_match_field *m = &row->match[i];
        bool zero = true;

        for (size_t k = 0; k < vx_field_size(m->field); k++) {
            zero &= !m->value[k];
        }
        if (!m->masked && !zero
            && (m->field == VX_F_REG0 || m->field == VX_F_REG5
                || (m->field == VX_F_IN_PORT && row->tier == 1
                    && !(m->value[2] == 0xfd && m->value[3] == 0xe9)))) {
            return true;
        }
    }
    return false;
}

static const char tenants_rows[] =
    "segment 101 901 six\nsegment 102 901 mtu=1300 small bum=500\n"
    "limits 1000 100 10\nnetwork 101\nnetwork 102\n"
    "tap 101 5 guard 21 02:00:00:00:00:01 10.0.0.1 fd00::1\n"
    "tap 102 6 free 22 02:00:00:00:00:02 10.1.0.2 fd01::2\n"
    "tap 102 8 leg 24 02:00:00:00:00:04 169.254.64.2 fd01::4\n"
    "second 102 7 guard 22 02:00:00:00:00:02 10.1.0.2 fd01::2\n"
    "neigh 101 21 02:00:00:00:00:01 10.0.0.1 fd00::1\n"
    "adj 101 21 02:00:00:00:00:01 10.0.0.1 fd00::1\n"
    "fdb 101 21 3 02:00:00:00:00:01\nfdb 101 21 0 02:00:00:00:00:01\n"
    "fdb 101 21 z2 02:00:00:00:00:01\n"
    "subnet 101 901 31 10.0.0.0/24 10.0.0.254\n"
    "subnet 101 901 32 fd00::/64 fd00::fe\n"
    "route 901 33 1 10.9.0.0/16 10.0.0.1,02:00:00:00:00:01,101"
    " 10.1.0.2,02:00:00:00:00:02,102\n"
    "route 901 34 2 0.0.0.0/0\n"
    "policy 901 35 3 10 via closed proto=6 dport=80-90"
    " 10.0.0.1,02:00:00:00:00:01,101 10.1.0.2,02:00:00:00:00:02,102\n"
    "policy 901 36 4 11 via closed\npolicy 901 37 5 12 gateway\n"
    "policy 901 38 6 13 rate:100 src=fd00::/64\n"
    "policy 901 39 7 14 dscp:46 dscp=0 vni=101\n"
    "policy 901 40 8 15 drop dst=10.0.0.0/8\n";

static void
no_row_of_a_tenant_can_match_a_packet_of_another(void **state)
{
    static const char *const views[] = {
        "view member\n", "view member border=1\n",
        "view transit designated tenant-budget=901 host-budget\n",
        "view member transit\n",
    };

    (void) state;
    for (size_t v = 0; v < sizeof views / sizeof views[0]; v++) {
        for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
            struct rowtalk talk = { 0 };
            struct vx_rows rows = { 0 };

            rowtalk_lines(&talk, tier, views[v], &rows);
            rowtalk_lines(&talk, tier, tenants_rows, &rows);
            assert_true(rows.n > 10);
            for (size_t i = 0; i < rows.n; i++) {
                assert_true(rows.rows[i].type != VX_ROW_FLOW
                            || is_apart(&rows.rows[i]));
            }
            vx_rows_fini(&rows);
        }
    }
}

/* --- Traces. */

static struct vx_packet
packet_of(unsigned port, uint16_t sport)
{
    static const struct vx_mac gateway = VX_GATEWAY_MAC;
    struct vx_packet p = { 0 };

    vx_packet_set_u(&p, VX_F_IN_PORT, port);
    p.f[VX_F_ETH_SRC][0] = 2;
    p.f[VX_F_ETH_SRC][5] = 1;
    vx_packet_set_mac(&p, VX_F_ETH_DST, &gateway);
    vx_packet_set_u(&p, VX_F_ETH_TYPE, 0x0800);
    vx_packet_set_u(&p, VX_F_IP_PROTO, 6);
    vx_packet_set_u(&p, VX_F_IP_TTL, 64);
    vx_packet_set_u(&p, VX_F_IPV4_SRC, 0x0a000001);
    vx_packet_set_u(&p, VX_F_IPV4_DST, 0x0a090001);
    vx_packet_set_u(&p, VX_F_TCP_SRC, sport);
    vx_packet_set_u(&p, VX_F_TCP_DST, 22);
    return p;
}

static void
a_trace_goes_through_the_group_to_one_hop_with_the_ttl_one_less(void **state)
{
    struct rowtalk talk = { 0 };
    struct vx_rows rows = { 0 };
    unsigned n[8] = { 0 };

    (void) state;
    rows_of("base", &rows);
    rowtalk_lines(&talk, VX_TENANT_TIER,
                  "segment 101 901\nsegment 102 901\n"
                  "network 101\nnetwork 102\n"
                  "tap 101 5 guard 21 02:00:00:00:00:01 10.0.0.1\n"
                  "tap 102 6 free 22 02:00:00:00:00:02 10.1.0.2\n"
                  "tap 102 7 free 23 02:00:00:00:00:03 10.1.0.3\n"
                  "route 901 33 1 10.9.0.0/16"
                  " 10.1.0.2,02:00:00:00:00:02,102"
                  " 10.1.0.3,02:00:00:00:00:03,102\n", &rows);
    for (unsigned i = 0; i < 400; i++) {
        struct vx_rows none = { 0 };
        struct vx_packet packet = packet_of(5, 1000 + i);
        struct vx_trace trace;

        vx_trace_host(&rows, &none, VX_TENANT_TIER, &packet, &trace);
        assert_int_equal(trace.n_exits, 1);
        assert_in_range(trace.exits[0].port, 6, 7);
        assert_int_equal(trace.exits[0].packet.f[VX_F_IP_TTL][0], 63);
        assert_int_equal(trace.exits[0].packet.f[VX_F_ETH_DST][5],
                         trace.exits[0].port - 4);
        n[trace.exits[0].port]++;
        vx_trace_fini(&trace);
    }
    assert_true(n[6] > 50 && n[7] > 50);
    vx_rows_fini(&rows);
}

/* What is behind it may be another tenant's yet. */
static void
a_leg_is_heard_with_its_own_mac_only(void **state)
{
    struct rowtalk talk = { 0 };
    struct vx_rows rows = { 0 };

    (void) state;
    rows_of("base", &rows);
    rowtalk_lines(&talk, VX_TENANT_TIER, "segment 101 0\nnetwork 101\n"
                  "tap 101 5 leg 21 02:00:00:00:00:01 169.254.64.2\n"
                  "tap 101 6 free 22 02:00:00:00:00:02 169.254.64.3\n",
                  &rows);
    for (uint8_t mac = 1; mac <= 2; mac++) {
        struct vx_packet packet = packet_of(5, 1000);
        struct vx_rows none = { 0 };
        struct vx_trace trace;

        packet.f[VX_F_ETH_SRC][5] = mac;
        vx_packet_set_mac(&packet, VX_F_ETH_DST,
                          &(struct vx_mac) { { 2, 0, 0, 0, 0, 2 } });
        vx_trace_host(&rows, &none, VX_TENANT_TIER, &packet, &trace);
        assert_int_equal(trace.n_exits, mac == 1);
        if (mac != 1) {
            assert_int_equal(vx_trace_drop_reason(&trace),
                             VX_DROP_MAC_SPOOF);
        }
        vx_trace_fini(&trace);
    }
    vx_rows_fini(&rows);
}

static void
a_network_without_a_router_reaches_nothing_by_the_gateway(void **state)
{
    static const uint32_t dsts[] = { 0x0a000001, 0x0a0000fe, 0x0a090001,
                                     0x0a010002, 0x0a0a0a0a };
    struct rowtalk talk = { 0 };
    struct vx_rows tier1 = { 0 }, tier2 = { 0 };

    (void) state;
    for (int tier = VX_TENANT_TIER; tier <= VX_FABRIC_TIER; tier++) {
        struct vx_rows *rows = tier == VX_TENANT_TIER ? &tier1 : &tier2;

        vx_compile_base(tier, rows);
        rowtalk_lines(&talk, tier, tenants_rows, rows);
        rowtalk_lines(&talk, tier, "segment 103 0\nnetwork 103\n"
                      "tap 103 9 free 29 02:00:00:00:00:09 10.0.0.1\n"
                      "neigh 103 29 02:00:00:00:00:09 10.0.0.1\n", rows);
    }
    for (size_t i = 0; i < sizeof dsts / sizeof dsts[0]; i++) {
        struct vx_packet packet = packet_of(9, 1000);
        struct vx_trace trace;

        packet.f[VX_F_ETH_SRC][5] = 9;
        vx_packet_set_u(&packet, VX_F_IPV4_DST, dsts[i]);
        vx_trace_host(&tier1, &tier2, VX_TENANT_TIER, &packet, &trace);
        assert_int_equal(trace.n_exits, 0);
        assert_int_equal(vx_trace_drop_reason(&trace), VX_DROP_PUNT);
        vx_trace_fini(&trace);
    }
    vx_rows_fini(&tier1);
    vx_rows_fini(&tier2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_cover_exactly_the_range),
        cmocka_unit_test(no_other_prefixes_cover_a_range_with_fewer_rows),
        cmocka_unit_test(a_hop_that_goes_moves_only_its_own_slots),
        cmocka_unit_test(the_order_of_hops_does_not_matter),
        cmocka_unit_test(hops_share_the_slots_roughly_evenly),
        cmocka_unit_test(a_policy_is_as_many_rows_as_it_says),
        cmocka_unit_test(no_row_of_a_tenant_can_match_a_packet_of_another),
        cmocka_unit_test(
            a_trace_goes_through_the_group_to_one_hop_with_the_ttl_one_less),
        cmocka_unit_test(a_leg_is_heard_with_its_own_mac_only),
        cmocka_unit_test(
            a_network_without_a_router_reaches_nothing_by_the_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
