/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of VMs and what the gateway answers: byte by byte, and what must not
 * be answered. */
#include "core/icmp.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/health.h"
#include "core/pipeline.h"
#include "core/ra.h"

static const struct vx_mac vm = { { 0x0a, 0, 0, 0, 0, 5 } };
static const struct vx_mac gw = VX_GATEWAY_MAC;

/* --- Frames to ask with. */

struct frame {
    uint8_t b[1600];
    size_t n;
};

static struct vx_ip
ip_of(const char *s)
{
    struct vx_ip ip;

    assert_true(vx_ip_parse(s, &ip));
    return ip;
}

/* Its upper header is n zeros, the first byte but one. */
static struct frame
ip4(const char *src, const char *dst, uint8_t proto, size_t n)
{
    struct vx_ip s = ip_of(src), d = ip_of(dst);
    struct frame f = { .n = 34 + n };

    memcpy(f.b, gw.b, 6);
    memcpy(f.b + 6, vm.b, 6);
    f.b[12] = 8;
    f.b[14] = 0x45;
    f.b[16] = (uint8_t) ((20 + n) >> 8);
    f.b[17] = (uint8_t) (20 + n);
    f.b[22] = 1;
    f.b[23] = proto;
    memcpy(f.b + 26, s.b, 4);
    memcpy(f.b + 30, d.b, 4);
    return f;
}

static struct frame
ip6(const char *src, const char *dst, uint8_t proto, size_t n)
{
    struct vx_ip s = ip_of(src), d = ip_of(dst);
    struct frame f = { .n = 54 + n };

    memcpy(f.b, gw.b, 6);
    memcpy(f.b + 6, vm.b, 6);
    f.b[12] = 0x86;
    f.b[13] = 0xdd;
    f.b[14] = 0x60;
    f.b[18] = (uint8_t) (n >> 8);
    f.b[19] = (uint8_t) n;
    f.b[20] = proto;
    f.b[21] = 255;
    memcpy(f.b + 22, s.b, 16);
    memcpy(f.b + 38, d.b, 16);
    return f;
}

static struct vx_punted
parsed(const struct frame *f)
{
    struct vx_punted punted;

    assert_true(vx_punted_parse(f->b, f->n, &punted));
    return punted;
}

/* --- Sums, another way than the product makes them. */

static unsigned
sum16(const uint8_t *p, size_t n)
{
    unsigned long sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += i & 1 ? p[i] : (unsigned long) p[i] * 256;
    }
    return (unsigned) (sum % 0xffff);
}

static void
assert_sums(const uint8_t *frame, size_t n)
{
    if (frame[12] == 8) {
        assert_int_equal(frame[16] << 8 | frame[17], n - 14);
        assert_int_equal(sum16(frame + 14, 20), 0);
        assert_int_equal(sum16(frame + 34, n - 34), 0);
    } else {
        assert_int_equal(frame[18] << 8 | frame[19], n - 54);
        assert_int_equal((sum16(frame + 22, 32) + sum16(frame + 54, n - 54)
                          + n - 54 + IPPROTO_ICMPV6) % 0xffff, 0);
    }
}

/* The right sum, for frames to ask with. */
static void
fill_icmp6(struct frame *f)
{
    unsigned sum;

    f->b[56] = f->b[57] = 0;
    sum = (sum16(f->b + 22, 32) + sum16(f->b + 54, f->n - 54)
           + (unsigned) f->n - 54 + IPPROTO_ICMPV6) % 0xffff;
    f->b[56] = (uint8_t) ((0xffff - sum) >> 8);
    f->b[57] = (uint8_t) (0xffff - sum);
}

static size_t
error_for(const struct frame *f, enum vx_icmp_error error,
          uint8_t out[VX_ICMP_MAX])
{
    struct vx_punted punted = parsed(f);
    struct vx_icmp_reply reply = {
        .src = gw, .dst = vm, .error = error, .mtu = 1400,
        .from = ip_of(punted.src.family == 4 ? "10.0.0.1" : "fd00::1"),
    };

    return vx_icmp_error(&punted, &reply, out);
}

/* --- ICMP errors. */

static void
answers_ipv4_with_the_error_and_the_packet(void **state)
{
    (void) state;
    static const uint8_t types[][2] = { { 11, 0 }, { 3, 0 }, { 3, 1 },
                                        { 3, 3 }, { 3, 4 } };
    struct frame f = ip4("10.0.0.5", "10.1.0.9", IPPROTO_UDP, 30);
    struct vx_ip src = ip_of("10.0.0.1");
    uint8_t out[VX_ICMP_MAX];

    for (int e = 0; e < VX_N_ICMP_ERRORS; e++) {
        size_t n = error_for(&f, (enum vx_icmp_error) e, out);

        assert_int_equal(n, 14 + 20 + 8 + 50);
        assert_memory_equal(out, vm.b, 6);
        assert_memory_equal(out + 6, gw.b, 6);
        assert_int_equal(out[22], 64);
        assert_int_equal(out[23], IPPROTO_ICMP);
        assert_memory_equal(out + 26, src.b, 4);
        assert_memory_equal(out + 30, f.b + 26, 4);
        assert_int_equal(out[34], types[e][0]);
        assert_int_equal(out[35], types[e][1]);
        assert_int_equal(out[40] << 8 | out[41],
                         e == VX_ICMP_TOO_BIG ? 1400 : 0);
        assert_memory_equal(out + 42, f.b + 14, 50);
        assert_sums(out, n);
    }
}

static void
answers_ipv6_with_the_error_and_the_packet(void **state)
{
    (void) state;
    static const uint8_t types[][2] = { { 3, 0 }, { 1, 0 }, { 1, 3 },
                                        { 1, 4 }, { 2, 0 } };
    struct frame f = ip6("fd00::5", "fd01::9", IPPROTO_TCP, 33);
    struct vx_ip src = ip_of("fd00::1");
    uint8_t out[VX_ICMP_MAX];

    for (int e = 0; e < VX_N_ICMP_ERRORS; e++) {
        size_t n = error_for(&f, (enum vx_icmp_error) e, out);

        assert_int_equal(n, 14 + 40 + 8 + 73);
        assert_memory_equal(out, vm.b, 6);
        assert_memory_equal(out + 6, gw.b, 6);
        assert_int_equal(out[20], IPPROTO_ICMPV6);
        assert_memory_equal(out + 22, src.b, 16);
        assert_memory_equal(out + 38, f.b + 22, 16);
        assert_int_equal(out[54], types[e][0]);
        assert_int_equal(out[55], types[e][1]);
        assert_int_equal(out[58] << 24 | out[59] << 16 | out[60] << 8
                         | out[61], e == VX_ICMP_TOO_BIG ? 1400 : 0);
        assert_memory_equal(out + 62, f.b + 14, 73);
        assert_sums(out, n);
    }
}

static void
quotes_no_padding_and_no_more_than_fits(void **state)
{
    (void) state;
    struct frame f = ip4("10.0.0.5", "10.1.0.9", IPPROTO_UDP, 8);
    uint8_t out[VX_ICMP_MAX];
    size_t n;

    f.n = 60;
    assert_int_equal(error_for(&f, VX_ICMP_TTL, out), 14 + 20 + 8 + 28);
    f = ip4("10.0.0.5", "10.1.0.9", IPPROTO_UDP, 1480);
    n = error_for(&f, VX_ICMP_TTL, out);
    assert_true(n <= 14 + 576 && n <= VX_ICMP_MAX);
    assert_sums(out, n);
    f.n = 256;                          /* cut by the switch */
    n = error_for(&f, VX_ICMP_TTL, out);
    assert_int_equal(n, 14 + 20 + 8 + 256 - 14);
    assert_sums(out, n);
}

static void
never_answers_icmp_errors(void **state)
{
    (void) state;
    uint8_t out[VX_ICMP_MAX];

    for (int type = 0; type < 256; type++) {
        struct frame f = ip4("10.0.0.5", "10.1.0.9", IPPROTO_ICMP, 16);
        bool query = type == 0 || (type >= 8 && type <= 10)
                     || (type >= 13 && type <= 18);

        f.b[34] = (uint8_t) type;
        assert_int_equal(error_for(&f, VX_ICMP_TTL, out) > 0, query);
        f = ip6("fd00::5", "fd01::9", IPPROTO_ICMPV6, 16);
        f.b[54] = (uint8_t) type;
        assert_int_equal(error_for(&f, VX_ICMP_TTL, out) > 0,
                         type >= 128 && type != 137);
    }
    struct frame f = ip4("10.0.0.5", "10.1.0.9", IPPROTO_ICMP, 0);
    assert_int_equal(error_for(&f, VX_ICMP_TTL, out), 0);
    f = ip6("fd00::5", "fd01::9", IPPROTO_ICMPV6, 0);
    assert_int_equal(error_for(&f, VX_ICMP_TTL, out), 0);
}

static void
never_answers_later_fragments(void **state)
{
    (void) state;
    struct frame f = ip4("10.0.0.5", "10.1.0.9", IPPROTO_UDP, 16);
    uint8_t out[VX_ICMP_MAX];

    f.b[20] = 0x20;                     /* more fragments: the first */
    assert_true(error_for(&f, VX_ICMP_TTL, out) > 0);
    f.b[21] = 1;
    assert_int_equal(error_for(&f, VX_ICMP_TTL, out), 0);
    f = ip6("fd00::5", "fd01::9", IPPROTO_FRAGMENT, 24);
    f.b[54] = IPPROTO_UDP;
    f.b[57] = 1;
    assert_true(error_for(&f, VX_ICMP_TTL, out) > 0);
    f.b[57] = 9;
    assert_int_equal(error_for(&f, VX_ICMP_TTL, out), 0);
    f.b[57] = 0;
    f.b[54] = IPPROTO_ICMPV6;           /* an error behind the header */
    f.b[62] = 1;
    assert_int_equal(error_for(&f, VX_ICMP_TTL, out), 0);
}

static void
never_answers_what_is_from_or_to_no_single_host(void **state)
{
    (void) state;
    static const char *const bad4[][2] = {
        { "0.0.0.0", "10.1.0.9" }, { "10.0.0.5", "224.0.0.5" },
        { "10.0.0.5", "255.255.255.255" }, { "224.0.0.5", "10.1.0.9" },
        { "127.0.0.1", "10.1.0.9" }, { "240.0.0.1", "10.1.0.9" },
        { "255.255.255.255", "10.1.0.9" }, { "0.0.0.7", "10.1.0.9" },
    };
    static const char *const bad6[][2] = {
        { "::", "fd01::9" }, { "::1", "fd01::9" }, { "ff02::1", "fd01::9" },
        { "fd00::5", "ff02::1" },
    };
    uint8_t out[VX_ICMP_MAX];
    struct frame f;

    for (size_t i = 0; i < sizeof bad4 / sizeof *bad4; i++) {
        f = ip4(bad4[i][0], bad4[i][1], IPPROTO_UDP, 16);
        assert_int_equal(error_for(&f, VX_ICMP_NO_ROUTE, out), 0);
    }
    for (size_t i = 0; i < sizeof bad6 / sizeof *bad6; i++) {
        f = ip6(bad6[i][0], bad6[i][1], IPPROTO_UDP, 16);
        assert_int_equal(error_for(&f, VX_ICMP_NO_ROUTE, out), 0);
    }
    f = ip4("10.0.0.5", "10.1.0.9", IPPROTO_UDP, 16);
    memset(f.b, 0xff, 6);
    assert_int_equal(error_for(&f, VX_ICMP_NO_ROUTE, out), 0);
}

static void
says_protocol_unreachable_of_what_has_no_ports(void **state)
{
    (void) state;
    struct frame f = ip4("10.0.0.5", "10.0.0.1", 47, 16);
    uint8_t out[VX_ICMP_MAX];

    assert_true(error_for(&f, VX_ICMP_NO_PORT, out) > 0);
    assert_int_equal(out[34], 3);
    assert_int_equal(out[35], 2);
    f = ip4("10.0.0.5", "10.0.0.1", IPPROTO_ICMP, 16);
    f.b[34] = 13;
    assert_int_equal(error_for(&f, VX_ICMP_NO_PORT, out), 0);
    f = ip6("fd00::5", "fd00::1", 47, 16);
    assert_int_equal(error_for(&f, VX_ICMP_NO_PORT, out), 0);
}

/* --- Reading. */

static void
reads_only_headers_that_are_there(void **state)
{
    (void) state;
    struct frame frames[] = {
        ip4("10.0.0.5", "10.1.0.9", IPPROTO_UDP, 8),
        ip6("fd00::5", "fd01::9", IPPROTO_HOPOPTS, 24),
    };
    static const size_t headers[] = { 34, 54 + 16 };
    struct vx_punted punted;

    frames[1].b[54] = IPPROTO_UDP;
    frames[1].b[55] = 1;
    for (size_t i = 0; i < 2; i++) {
        for (size_t n = 0; n <= frames[i].n; n++) {
            assert_int_equal(vx_punted_parse(frames[i].b, n, &punted),
                             n >= headers[i]);
            if (n >= headers[i]) {
                assert_int_equal(punted.proto, IPPROTO_UDP);
                assert_int_equal(punted.upper_size, n - headers[i]);
                assert_int_equal(punted.whole, n == frames[i].n);
            }
        }
    }
    struct frame f = ip4("10.0.0.5", "10.1.0.9", IPPROTO_UDP, 8);
    f.b[14] = 0x44;
    assert_false(vx_punted_parse(f.b, f.n, &punted));
    f.b[14] = 0x4f;
    assert_false(vx_punted_parse(f.b, f.n, &punted));
    f.b[14] = 0x65;
    assert_false(vx_punted_parse(f.b, f.n, &punted));
    f.b[14] = 0x45;
    f.b[17] = 19;                       /* shorter than its header */
    assert_false(vx_punted_parse(f.b, f.n, &punted));
    f.b[12] = 0x88;
    assert_false(vx_punted_parse(f.b, f.n, &punted));
}

static void
gives_up_on_endless_extension_headers(void **state)
{
    (void) state;
    struct frame f = ip6("fd00::5", "fd01::9", IPPROTO_DSTOPTS, 80);
    struct vx_punted punted;

    for (size_t i = 0; i < 7; i++) {
        f.b[54 + 8 * i] = IPPROTO_DSTOPTS;
    }
    f.b[54 + 8 * 7] = IPPROTO_UDP;
    assert_true(vx_punted_parse(f.b, f.n, &punted));
    assert_int_equal(punted.upper_size, 16);
    f.b[54 + 8 * 7] = IPPROTO_DSTOPTS;
    f.b[54 + 8 * 8] = IPPROTO_UDP;
    assert_false(vx_punted_parse(f.b, f.n, &punted));
    f = ip6("fd00::5", "fd01::9", IPPROTO_ROUTING, 16);
    f.b[54] = IPPROTO_UDP;
    f.b[55] = 255;                      /* longer than the packet */
    assert_false(vx_punted_parse(f.b, f.n, &punted));
}

/* --- Router advertisements. */

static void
advertises_prefixes_that_are_on_link_and_not_autonomous(void **state)
{
    (void) state;
    struct vx_ra_prefix prefixes[2] = { { .gone = false }, { .gone = true } };
    struct vx_ra ra = { .router = gw, .lifetime_s = 65535, .mtu = 1450,
                        .prefixes = prefixes, .n_prefixes = 2 };
    struct vx_ip local = ip_of("fe80::76:78ff:fe66:6162");
    struct vx_ip all = ip_of("ff02::1");
    uint8_t out[VX_RA_MAX];

    vx_prefix_parse("fd00:1::/64", &prefixes[0].prefix);
    vx_prefix_parse("fd00:2::/56", &prefixes[1].prefix);
    vx_ra_to_all(&ra);
    assert_int_equal(vx_ra_build(&ra, out), 54 + 16 + 8 + 8 + 64);
    assert_memory_equal(out, "\x33\x33\0\0\0\1", 6);
    assert_memory_equal(out + 6, gw.b, 6);
    assert_int_equal(out[21], 255);
    assert_memory_equal(out + 22, local.b, 16);
    assert_memory_equal(out + 38, all.b, 16);
    assert_memory_equal(out + 54, "\x86\0", 2);
    assert_memory_equal(out + 58, "\x40\0\xff\xff\0\0\0\0\0\0\0\0", 12);
    assert_memory_equal(out + 70, "\1\1", 2);
    assert_memory_equal(out + 72, gw.b, 6);
    assert_memory_equal(out + 78, "\5\1\0\0\0\0\x05\xaa", 8);
    assert_memory_equal(out + 86, "\3\4\x40\x80\0\x27\x8d\0\0\x27\x8d\0", 12);
    assert_memory_equal(out + 102, prefixes[0].prefix.ip.b, 16);
    assert_memory_equal(out + 118, "\3\4\x38\x80\0\0\0\0\0\0\0\0", 12);
    assert_sums(out, 150);
    ra.mtu = 1279;                      /* no IPv6 with it */
    assert_int_equal(vx_ra_build(&ra, out), 142);
    assert_sums(out, 142);
}

static void
answers_only_solicitations_that_hold_all_rules(void **state)
{
    (void) state;
    struct frame f = ip6("fe80::5", "ff02::2", IPPROTO_ICMPV6, 16), g;
    struct vx_ip local = ip_of("fe80::5"), all = ip_of("ff02::1");
    struct vx_punted punted;
    struct vx_ra ra;

    f.b[54] = 133;
    f.b[62] = f.b[63] = 1;
    memcpy(f.b + 64, vm.b, 6);
    fill_icmp6(&f);
    punted = parsed(&f);
    assert_true(vx_ra_asked(&punted, &ra));
    assert_memory_equal(ra.dst_mac.b, vm.b, 6);
    assert_int_equal(vx_ip_compare(&ra.dst, &local), 0);
    static const struct { uint16_t at; uint8_t value; } bad[] = {
        { 21, 254 }, { 54, 134 }, { 55, 1 }, { 63, 0 }, { 63, 2 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        g = f;
        g.b[bad[i].at] = bad[i].value;
        fill_icmp6(&g);
        punted = parsed(&g);
        assert_false(vx_ra_asked(&punted, &ra));
    }
    g = f;
    g.b[57] ^= 1;                       /* its sum */
    punted = parsed(&g);
    assert_false(vx_ra_asked(&punted, &ra));
    g = f;
    g.n--;
    punted = parsed(&g);
    assert_false(vx_ra_asked(&punted, &ra));
    g = f;
    memset(g.b + 22, 0, 16);            /* no address, but an option */
    fill_icmp6(&g);
    punted = parsed(&g);
    assert_false(vx_ra_asked(&punted, &ra));
    g = ip6("::", "ff02::2", IPPROTO_ICMPV6, 8);
    g.b[54] = 133;
    fill_icmp6(&g);
    punted = parsed(&g);
    assert_true(vx_ra_asked(&punted, &ra));
    assert_int_equal(vx_ip_compare(&ra.dst, &all), 0);
}

/* --- Health. */

static void
asks_by_arp_and_knows_the_answer(void **state)
{
    (void) state;
    struct vx_ip hop = ip_of("10.0.0.5"), gateway = ip_of("10.0.0.1"), ip;
    uint8_t f[VX_HEALTH_FRAME_MAX];
    struct vx_punted punted;

    assert_int_equal(vx_health_question(&vm, &hop, &gateway, f), 60);
    assert_memory_equal(f, vm.b, 6);
    assert_memory_equal(f + 6, gw.b, 6);
    assert_memory_equal(f + 12, "\x08\x06\0\1\x08\0\6\4\0\1", 10);
    assert_memory_equal(f + 22, gw.b, 6);
    assert_memory_equal(f + 28, gateway.b, 4);
    assert_memory_equal(f + 38, hop.b, 4);
    assert_true(vx_punted_parse(f, 60, &punted));
    assert_false(vx_health_answer(&punted, &ip));
    f[21] = 2;
    memcpy(f + 28, hop.b, 4);
    assert_true(vx_punted_parse(f, 42, &punted));
    assert_true(vx_health_answer(&punted, &ip));
    assert_int_equal(vx_ip_compare(&ip, &hop), 0);
    assert_false(vx_punted_parse(f, 41, &punted));
    f[18] = 8;                          /* size of a hardware address */
    assert_false(vx_punted_parse(f, 42, &punted));
}

static void
asks_by_nd_and_knows_the_answer(void **state)
{
    (void) state;
    struct vx_ip hop = ip_of("fd00::5"), gateway = ip_of("fd00::1"), ip;
    uint8_t q[VX_HEALTH_FRAME_MAX];
    struct vx_punted punted;
    struct frame f;

    assert_int_equal(vx_health_question(&vm, &hop, &gateway, q), 86);
    assert_memory_equal(q, vm.b, 6);
    assert_int_equal(q[21], 255);
    assert_int_equal(q[54], 135);
    assert_memory_equal(q + 62, hop.b, 16);
    assert_memory_equal(q + 78, "\1\1", 2);
    assert_memory_equal(q + 80, gw.b, 6);
    assert_sums(q, 86);
    f = ip6("fd00::5", "fe80::76:78ff:fe66:6162", IPPROTO_ICMPV6, 32);
    f.b[54] = 136;
    memcpy(f.b + 62, hop.b, 16);
    fill_icmp6(&f);
    punted = parsed(&f);
    assert_true(vx_health_answer(&punted, &ip));
    assert_int_equal(vx_ip_compare(&ip, &hop), 0);
    f.b[57] ^= 1;
    punted = parsed(&f);
    assert_false(vx_health_answer(&punted, &ip));
    f.b[57] ^= 1;
    f.b[21] = 64;
    punted = parsed(&f);
    assert_false(vx_health_answer(&punted, &ip));
}

static void
is_dead_after_three_questions_and_alive_after_two_answers(void **state)
{
    (void) state;
    struct vx_health h = { .dead = false };

    assert_int_equal(vx_health_ask(&h), VX_HEALTH_SAME);
    assert_int_equal(vx_health_heard(&h), VX_HEALTH_SAME);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vx_health_ask(&h), VX_HEALTH_SAME);
        assert_int_equal(vx_health_pause(&h, 700), i < 1 ? 700 : 350);
    }
    assert_int_equal(vx_health_ask(&h), VX_HEALTH_DOWN);
    assert_int_equal(vx_health_ask(&h), VX_HEALTH_SAME);
    assert_int_equal(vx_health_heard(&h), VX_HEALTH_SAME);
    assert_int_equal(vx_health_heard(&h), VX_HEALTH_SAME);  /* said twice */
    assert_true(h.dead);
    vx_health_ask(&h);
    vx_health_ask(&h);                  /* one missed in between */
    assert_int_equal(vx_health_heard(&h), VX_HEALTH_SAME);
    vx_health_ask(&h);
    assert_int_equal(vx_health_heard(&h), VX_HEALTH_UP);
    vx_health_ask(&h);
    vx_health_ask(&h);
    vx_health_ask(&h);
    assert_int_equal(vx_health_heard(&h), VX_HEALTH_SAME);
    vx_health_ask(&h);                  /* counts from the start again */
    assert_int_equal(vx_health_ask(&h), VX_HEALTH_SAME);
}

static void
is_unknown_without_an_interface_and_dead_when_it_goes(void **state)
{
    (void) state;
    struct vx_health h = { .dead = false };

    assert_int_equal(vx_health_iface(&h, false), VX_HEALTH_SAME);
    assert_int_equal(vx_health_iface(&h, true), VX_HEALTH_SAME);
    assert_int_equal(vx_health_iface(&h, false), VX_HEALTH_DOWN);
    assert_int_equal(vx_health_iface(&h, false), VX_HEALTH_SAME);
    assert_int_equal(vx_health_iface(&h, true), VX_HEALTH_SAME);
    assert_true(h.dead);
    vx_health_ask(&h);
    vx_health_heard(&h);
    vx_health_ask(&h);
    assert_int_equal(vx_health_heard(&h), VX_HEALTH_UP);
}

static void
keeps_what_it_was_while_nobody_can_ask(void **state)
{
    (void) state;
    struct vx_health h = { .dead = false };

    for (int i = 0; i < 10; i++) {
        assert_int_equal(vx_health_ask(&h), VX_HEALTH_SAME);
        assert_int_equal(vx_health_ask(&h), VX_HEALTH_SAME);
        vx_health_away(&h);
    }
    assert_false(h.dead);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_ipv4_with_the_error_and_the_packet),
        cmocka_unit_test(answers_ipv6_with_the_error_and_the_packet),
        cmocka_unit_test(quotes_no_padding_and_no_more_than_fits),
        cmocka_unit_test(never_answers_icmp_errors),
        cmocka_unit_test(never_answers_later_fragments),
        cmocka_unit_test(never_answers_what_is_from_or_to_no_single_host),
        cmocka_unit_test(says_protocol_unreachable_of_what_has_no_ports),
        cmocka_unit_test(reads_only_headers_that_are_there),
        cmocka_unit_test(gives_up_on_endless_extension_headers),
        cmocka_unit_test(
            advertises_prefixes_that_are_on_link_and_not_autonomous),
        cmocka_unit_test(answers_only_solicitations_that_hold_all_rules),
        cmocka_unit_test(asks_by_arp_and_knows_the_answer),
        cmocka_unit_test(asks_by_nd_and_knows_the_answer),
        cmocka_unit_test(
            is_dead_after_three_questions_and_alive_after_two_answers),
        cmocka_unit_test(
            is_unknown_without_an_interface_and_dead_when_it_goes),
        cmocka_unit_test(keeps_what_it_was_while_nobody_can_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
