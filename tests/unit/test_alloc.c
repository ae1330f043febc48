/* SPDX-License-Identifier: Apache-2.0 */
/* Number pools: the whole 24-bit space, and runs against an array. */
#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/object.h"

static uint64_t
next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void
all_16777215_vnis_can_be_taken_lowest_first(void **state)
{
    (void) state;
    struct vx_vni_pool *pool = vx_vni_pool_new();

    for (uint32_t i = VX_VNI_MIN; i <= VX_VNI_MAX; i++) {
        uint32_t vni = vx_vni_pool_lowest(pool, VX_VNI_MIN, VX_VNI_MAX);

        if (vni != i) {
            fail_msg("expected VNI %u, got %u", i, vni);
        }
        vx_vni_pool_take(pool, vni);
    }
    assert_int_equal(vx_vni_pool_lowest(pool, VX_VNI_MIN, VX_VNI_MAX), 0);
    assert_int_equal(vx_vni_pool_highest(pool, VX_VNI_MIN, VX_VNI_MAX), 0);
    vx_vni_pool_give(pool, 7654321);
    assert_true(vx_vni_pool_is_free(pool, 7654321));
    assert_int_equal(vx_vni_pool_lowest(pool, 1, VX_VNI_MAX), 7654321);
    assert_int_equal(vx_vni_pool_highest(pool, 1, VX_VNI_MAX), 7654321);
    assert_int_equal(vx_vni_pool_lowest(pool, 7654322, VX_VNI_MAX), 0);
    assert_int_equal(vx_vni_pool_highest(pool, 1, 7654320), 0);
    vx_vni_pool_free(pool);
}

static void
number_0_and_numbers_over_24_bits_are_never_free(void **state)
{
    (void) state;
    struct vx_vni_pool *pool = vx_vni_pool_new();

    assert_false(vx_vni_pool_is_free(pool, 0));
    assert_false(vx_vni_pool_is_free(pool, VX_VNI_MAX + 1));
    assert_int_equal(vx_vni_pool_lowest(pool, 0, UINT32_MAX), 1);
    assert_int_equal(vx_vni_pool_highest(pool, 0, UINT32_MAX), VX_VNI_MAX);
    assert_int_equal(vx_vni_pool_lowest(pool, VX_VNI_MAX + 1, UINT32_MAX),
                     0);
    assert_int_equal(vx_vni_pool_lowest(pool, 5, 4), 0);
    vx_vni_pool_free(pool);
}

/* Numbers around the edges of words on all levels are where it could break:
 * cluster them there and compare with an array. */
static void
lowest_and_highest_agree_with_an_array(void **state)
{
    (void) state;
    uint64_t seed = 20240611;
    struct vx_vni_pool *pool = vx_vni_pool_new();
    unsigned char *taken = calloc(VX_VNI_MAX + 1, 1);

    print_message("# seed %ju\n", (uintmax_t) seed);
    assert_non_null(taken);
    for (int round = 0; round < 100000; round++) {
        uint64_t r = next_random(&seed);
        uint32_t edge = (uint32_t) (r >> 8 & 63) << (6 * (r % 4));
        uint32_t vni = (edge + (uint32_t) (r >> 32 & 255) - 128)
                       & VX_VNI_MAX;
        uint32_t last = vni + (uint32_t) (r >> 40 & 255), low = 0, high = 0;

        vni = vni ? vni : 1;
        last = last > VX_VNI_MAX ? VX_VNI_MAX : last;
        for (uint32_t i = vni; i <= last; i++) {
            if (!taken[i]) {
                low = low ? low : i;
                high = i;
            }
        }
        assert_int_equal(vx_vni_pool_lowest(pool, vni, last), low);
        assert_int_equal(vx_vni_pool_highest(pool, vni, last), high);
        assert_int_equal(vx_vni_pool_is_free(pool, vni), !taken[vni]);
        if (taken[vni]) {
            vx_vni_pool_give(pool, vni);
        } else {
            vx_vni_pool_take(pool, vni);
        }
        taken[vni] ^= 1;
    }
    free(taken);
    vx_vni_pool_free(pool);
}

static void
runs_agree_with_an_array(void **state)
{
    (void) state;
    enum { N = 200 };
    const unsigned __int128 base = (unsigned __int128) 0xfd00 << 112;
    uint64_t seed = 42;
    struct vx_runset set;
    bool in[N] = { false };

    print_message("# seed %ju\n", (uintmax_t) seed);
    vx_runset_init(&set);
    for (int round = 0; round < 50000; round++) {
        uint64_t r = next_random(&seed);
        unsigned i = r % N, last = i + (r >> 16) % (N - i), low = i;
        unsigned __int128 n = 0;
        bool add = r >> 60 < (round / 5000 % 2 ? 11 : 5), found;

        assert_int_equal(vx_runset_has(&set, base + i), in[i]);
        if (add) {
            assert_int_equal(vx_runset_add(&set, base + i), !in[i]);
        } else {
            assert_int_equal(vx_runset_remove(&set, base + i), in[i]);
        }
        in[i] = add;
        while (low <= last && in[low]) {
            low++;
        }
        found = vx_runset_lowest_free(&set, base + i, base + last, &n);
        assert_int_equal(found, low <= last);
        if (found) {
            assert_int_equal((uint64_t) (n - base), low);
        }
    }
    vx_runset_fini(&set);
}

static void
runs_cost_what_their_number_costs_not_their_length(void **state)
{
    (void) state;
    struct vx_runset set;
    unsigned __int128 top = ~(unsigned __int128) 0, n;

    vx_runset_init(&set);
    for (unsigned i = 0; i < 1000; i += 2) {
        vx_runset_add(&set, i);
    }
    assert_int_equal(set.runs.count, 500);
    for (unsigned i = 1; i < 1000; i += 2) {
        vx_runset_add(&set, i);
    }
    assert_int_equal(set.runs.count, 1);
    assert_true(vx_runset_add(&set, top));
    assert_false(vx_runset_add(&set, top));
    assert_true(vx_runset_add(&set, top - 1));
    assert_int_equal(set.runs.count, 2);
    assert_false(vx_runset_lowest_free(&set, top - 1, top, &n));
    assert_true(vx_runset_lowest_free(&set, 0, top, &n));
    assert_int_equal((uint64_t) n, 1000);
    assert_true(vx_runset_remove(&set, top));
    vx_runset_fini(&set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_16777215_vnis_can_be_taken_lowest_first),
        cmocka_unit_test(number_0_and_numbers_over_24_bits_are_never_free),
        cmocka_unit_test(lowest_and_highest_agree_with_an_array),
        cmocka_unit_test(runs_agree_with_an_array),
        cmocka_unit_test(runs_cost_what_their_number_costs_not_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
