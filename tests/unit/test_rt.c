/* SPDX-License-Identifier: Apache-2.0 */
/* Route distinguishers, route targets and communities: text and numbers. */
#include "lib/rt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N(A) (sizeof(A) / sizeof((A)[0]))

static const struct {
    const char *text;
    uint64_t rd, rt;
} pairs[] = {
    { "65001:1", UINT64_C(0x0000fde900000001), UINT64_C(0x0002fde900000001) },
    { "65001:4294967295", UINT64_C(0x0000fde9ffffffff),
      UINT64_C(0x0002fde9ffffffff) },
    { "192.0.2.1:7", UINT64_C(0x0001c00002010007),
      UINT64_C(0x0102c00002010007) },
    { "4200000000:1", UINT64_C(0x0002fa56ea000001),
      UINT64_C(0x0202fa56ea000001) },
    { "65536:65535", UINT64_C(0x000200010000ffff),
      UINT64_C(0x020200010000ffff) },
    { "65001L:1", UINT64_C(0x00020000fde90001),
      UINT64_C(0x02020000fde90001) },
    { "0:5", 5, UINT64_C(0x0002000000000005) },
    { "0.0.0.0:0", UINT64_C(0x0001000000000000),
      UINT64_C(0x0102000000000000) },
};

static void
all_three_types_are_read_and_written(void **state)
{
    char buf[VX_RT_STRLEN];
    uint64_t u;

    (void) state;
    for (size_t i = 0; i < N(pairs); i++) {
        assert_true(vx_rd_parse(pairs[i].text, &u));
        assert_true(u == pairs[i].rd);
        assert_string_equal(vx_rd_format(u, buf), pairs[i].text);
        assert_true(vx_rt_parse(pairs[i].text, &u));
        assert_true(u == pairs[i].rt);
        assert_true(vx_rt_is(u));
        assert_string_equal(vx_rt_format(u, buf), pairs[i].text);
    }
    assert_false(vx_rd_parse("0:0", &u));
    assert_true(vx_rt_parse("0:0", &u));
}

static void
what_is_none_is_refused(void **state)
{
    static const char *const bad[] = {
        "", ":", "1", "1:", ":1", "1:1 ", " 1:1", "1:1:1", "-1:1", "+1:1",
        "01:1", "1:01", "65536:65536", "4294967296:1", "1:4294967296",
        "192.0.2.1:65536", "192.0.2:1", "192.0.2.256:1", "2001:db8::1:1",
        "0x1:1", "1,1", "65001l:1", "70000L:1", "1L:65536", "L:1", "a:1",
        "99999999999999999999:1", "1:99999999999999999999", "1.1:1",
        "::1:1", "192.0.2.1.:1", "target:1:1",
    };
    uint64_t u = 42;

    (void) state;
    for (size_t i = 0; i < N(bad); i++) {
        if (vx_rd_parse(bad[i], &u) || vx_rt_parse(bad[i], &u)) {
            fail_msg("%s was taken", bad[i]);
        }
    }
    assert_true(u == 42);
}

static void
targets_and_distinguishers_are_made_of_the_type_that_holds_them(void **state)
{
    char buf[VX_RT_STRLEN];

    (void) state;
    assert_string_equal(vx_rt_format(vx_rt_make(65001, 16777215), buf),
                        "65001:16777215");
    assert_string_equal(vx_rt_format(vx_rt_make(4200000000u, 7), buf),
                        "4200000000:7");
    assert_string_equal(vx_rd_format(vx_rd_make(65001, 70000), buf),
                        "65001:70000");
    assert_string_equal(vx_rd_format(vx_rd_make_ip4(0xc0000201, 7), buf),
                        "192.0.2.1:7");
    assert_int_equal(vx_rt_number(vx_rt_make(65001, 70000)), 70000);
    assert_int_equal(vx_rt_number(vx_rt_make(4200000000u, 70000)),
                     70000 & 0xffff);
}

static void
another_extended_community_reads_as_a_number_only(void **state)
{
    char buf[VX_RT_STRLEN];
    uint64_t u;

    (void) state;
    assert_false(vx_rt_is(UINT64_C(0x030c000000000008)));
    assert_string_equal(vx_rt_format(UINT64_C(0x030c000000000008), buf),
                        "0x030c000000000008");
    assert_false(vx_rt_parse(buf, &u));
    assert_string_equal(vx_rd_format(UINT64_C(0x0003000000000008), buf),
                        "0x0003000000000008");
}

static void
communities_have_numbers_and_some_have_names(void **state)
{
    static const struct {
        const char *text;
        uint32_t community;
    } good[] = {
        { "65001:100", 0xfde90064 }, { "0:0", 0 },
        { "65535:65535", 0xffffffff }, { "no-export", 0xffffff01 },
        { "no-advertise", 0xffffff02 }, { "graceful-shutdown", 0xffff0000 },
        { "blackhole", 0xffff029a }, { "no-export-subconfed", 0xffffff03 },
    };
    static const char *const bad[] = {
        "", "1", "1:", ":1", "65536:1", "1:65536", "1:1:1", "No-Export",
        "noexport", "1: 1", "-1:1", "01:1",
    };
    char buf[VX_COMMUNITY_STRLEN];
    uint32_t u = 42;

    (void) state;
    for (size_t i = 0; i < N(good); i++) {
        assert_true(vx_community_parse(good[i].text, &u));
        assert_true(u == good[i].community);
        assert_string_equal(vx_community_format(u, buf), good[i].text);
    }
    assert_true(vx_community_parse("65535:65281", &u));
    assert_string_equal(vx_community_format(u, buf), "no-export");
    u = 42;
    for (size_t i = 0; i < N(bad); i++) {
        assert_false(vx_community_parse(bad[i], &u));
    }
    assert_true(u == 42);
}

static void
what_gateways_give_by_themselves_is_unlike(void **state)
{
    static const uint32_t vnis[] = {
        1, 4464, 70000, 135536, 65535, 65536, 0xfeffff, 0xff0000, 0xff1170,
        16777213, 16777215,
    };
    static const uint32_t ids[] = { 0xc0000201, 0xc0000202, 0x0a000001 };
    char text[VX_RT_STRLEN];

    (void) state;
    assert_string_equal(vx_rd_format(vx_rd_auto(65001, ids[0], 16777213),
                                     text), "192.0.2.1:65533");
    for (size_t i = 0; i < N(ids) * N(vnis); i++) {
        uint32_t id = ids[i / N(vnis)], vni = vnis[i % N(vnis)];
        uint64_t rd = vx_rd_auto(4200000001u, id, vni);

        assert_int_equal(vx_rd_auto_vni(rd, 4200000001u, id), vni);
        assert_true(rd != vx_rd_make(4200000001u & 0xffff, vni));
        for (size_t j = 0; j < i; j++) {
            assert_true(rd != vx_rd_auto(4200000001u, ids[j / N(vnis)],
                                         vnis[j % N(vnis)]));
        }
    }
    assert_int_equal(vx_rd_auto_vni(vx_rd_make(65001, 70000), 65001, ids[0]),
                     0);
    assert_int_equal(vx_rd_auto_vni(0, 0, 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_three_types_are_read_and_written),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(
            targets_and_distinguishers_are_made_of_the_type_that_holds_them),
        cmocka_unit_test(another_extended_community_reads_as_a_number_only),
        cmocka_unit_test(communities_have_numbers_and_some_have_names),
        cmocka_unit_test(what_gateways_give_by_themselves_is_unlike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
