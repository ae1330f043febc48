/* SPDX-License-Identifier: Apache-2.0 */
/* FlowSpec rules: the examples of the RFCs, there and back with random rules,
 * order, actions, and what has no place. */
#include "bgp/bgp_flowspec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/bgp_sample.h"

static struct bg_flow
flow_of(const char *hex)
{
    struct bg_flow flow = { 0 };

    for (; *hex; hex++) {
        if (*hex != ' ') {
            char digits[3] = { hex[0], hex[1], 0 };

            flow.b[flow.size++] = strtoul(digits, NULL, 16);
            hex++;
        }
    }
    return flow;
}

static void
assert_text(const char *hex, uint8_t family, const char *text)
{
    struct bg_flow flow = flow_of(hex);
    char buf[512];

    assert_string_equal(bg_flow_format(&flow, family, buf, sizeof buf),
                        text);
}

/* RFC 8955 4.3 and RFC 8956 3.8: read, and written again the same. */
static void
reads_and_writes_the_examples_of_the_rfcs(void **state)
{
    static const struct {
        uint8_t family;
        const char *hex, *text;
    } cases[] = {
        { 4, "0118c00002 038106 048119",
          "dst 192.0.2.0/24 proto 6 port 25" },
        { 4, "0118c00002 0218cb0071 040389 458b 911f90",
          "dst 192.0.2.0/24 src 203.0.113.0/24 port 137-139,8080" },
        { 4, "0120c0000201 0c8005", "dst 192.0.2.1/32 fragment 0x5" },
        { 6, "01200020010db8 026840123456789a 038106",
          "dst 2001:db8::/32 src ::1234:5678:9a00:0/104@64 proto 6" },
        { 4, "01180a3700 038106 058150",
          "dst 10.55.0.0/24 proto 6 dport 80" },
    };
    struct bg_flow_rule rule;
    struct bg_flow again;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bg_flow flow = flow_of(cases[i].hex);

        char buf[512];
        assert_string_equal(bg_flow_format(&flow, cases[i].family, buf,
                                           sizeof buf), cases[i].text);
        assert_true(bg_flow_decode(&flow, cases[i].family, &rule, NULL));
        assert_true(bg_flow_encode(&rule, &again, NULL));
        assert_int_equal(again.size, flow.size);
        assert_memory_equal(again.b, flow.b, flow.size);
    }
}

static void
every_rule_comes_back_as_it_was(void **state)
{
    struct bg_flow_rule rule, back;
    struct bg_flow flow, again;
    uint64_t seed = 1;

    (void) state;
    for (int i = 0; i < 20000; i++) {
        uint8_t family = i % 2 ? 4 : 6;

        bgp_sample_rule(&seed, family, &rule);
        assert_true(bg_flow_encode(&rule, &flow, NULL));
        assert_true(bg_flow_is_valid(&flow, family));
        memset(&back, 0, sizeof back);
        assert_true(bg_flow_decode(&flow, family, &back, NULL));
        assert_memory_equal(&rule, &back, sizeof rule);
        assert_true(bg_flow_encode(&back, &again, NULL));
        assert_int_equal(again.size, flow.size);
        assert_memory_equal(again.b, flow.b, flow.size);
    }
}

static void
operators_of_others_become_ranges(void **state)
{
    (void) state;
    /* >1023 & <5000; != 80; <10 or >20 & !=30; >=0; 8-byte values. */
    assert_text("05 1203ff d41388", 4, "dport 1024-4999");
    assert_text("05 8650", 4, "dport 0-79,81-65535");
    assert_text("03 040a 0214 c61e", 4, "proto 0-9,21-29,31-255");
    assert_text("05 8300", 4, "dport 0-65535");
    assert_text("05 b10000000000000050", 4, "dport 80");
    assert_text("05 0150 0151 8152", 4, "dport 80-82");
    /* Both directions of true and false (RFC 8955 table 1). */
    assert_text("05 0050 8151", 4, "dport 81");
    assert_text("05 8750", 4, "dport 0-65535");
}

static void
what_no_packet_can_be_is_refused(void **state)
{
    struct bg_flow flow = flow_of("05 0150 c151");
    struct bg_flow_rule rule;
    struct vx_error err;

    (void) state;
    assert_true(bg_flow_is_valid(&flow, 4));
    assert_false(bg_flow_decode(&flow, 4, &rule, &err));
    assert_string_equal(err.message, "no packet has such a dport");
    flow = flow_of("0b 8140");      /* DSCP 64 */
    assert_false(bg_flow_decode(&flow, 4, &rule, &err));
}

static void
what_has_no_place_is_refused_and_named(void **state)
{
    struct bg_flow flow = { .b = { 5 }, .size = 1 };
    struct bg_flow_rule rule = { .family = 4 };
    struct vx_error err;

    (void) state;
    for (int i = 0; i < 40; i++) {
        flow.b[flow.size++] = i == 39 ? 0x81 : 1;
        flow.b[flow.size++] = 2 * i;
    }
    assert_true(bg_flow_is_valid(&flow, 4));
    assert_false(bg_flow_decode(&flow, 4, &rule, &err));
    assert_int_equal(err.code, VX_TOO_LARGE);
    rule = (struct bg_flow_rule) { .family = 4 };
    assert_false(bg_flow_encode(&rule, &flow, &err));
    assert_true(bg_flow_set_add(&rule.label, 1, 1));
    assert_false(bg_flow_encode(&rule, &flow, &err));
    assert_string_equal(err.message, "IPv4 has no label");
    rule = (struct bg_flow_rule) { .family = 4 };
    assert_true(bg_flow_set_add(&rule.dscp, 64, 64));
    assert_false(bg_flow_encode(&rule, &flow, &err));
}

static void
malformed_rules_are_known(void **state)
{
    static const struct {
        uint8_t family;
        const char *hex;
    } cases[] = {
        { 4, "" }, { 4, "00" }, { 4, "0d8101" }, { 6, "0e8101" },
        { 4, "0121 0a00000000" }, { 4, "0118 0a00" },
        { 4, "05 0150" }, { 4, "05 9150" }, { 4, "05" },
        { 4, "058150 048150" }, { 4, "058150 058150" },
        { 6, "01 2021 20" }, { 6, "01 2020" }, { 6, "0181 00 00" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bg_flow flow = flow_of(cases[i].hex);

        assert_false(bg_flow_is_valid(&flow, cases[i].family));
    }
}

/* RFC 8955 5.1, 4.2.1 of RFC 8956. */
static void
rules_come_in_the_order_of_the_rfc(void **state)
{
    static const char *const sorted[] = {
        "0120 0a000001",                /* more specific */
        "0118 0a0000 038106",
        "0118 0a0000 038111",           /* bytes decide */
        "0118 0a0000 058150",           /* a later type */
        "0118 0a0000",                  /* fewer components */
        "0118 0a0001",
        "0218 0a0000",
        "03 0106 8111",                 /* bytes again */
        "03 8106",
    };

    (void) state;
    for (size_t i = 0; i + 1 < sizeof sorted / sizeof sorted[0]; i++) {
        struct bg_flow a = flow_of(sorted[i]), b = flow_of(sorted[i + 1]);

        assert_true(bg_flow_compare(&a, &b, 4) < 0);
        assert_true(bg_flow_compare(&b, &a, 4) > 0);
        assert_int_equal(bg_flow_compare(&a, &a, 4), 0);
    }
    struct bg_flow a = flow_of("01 20 00 20010db8");
    struct bg_flow b = flow_of("01 20 08 010db8");
    assert_true(bg_flow_compare(&a, &b, 6) < 0);
}

static void
every_action_comes_back_as_it_was(void **state)
{
    struct bg_flow_action action, back;
    struct bg_attrs attrs;
    uint64_t seed = 1;

    (void) state;
    for (int i = 0; i < 20000; i++) {
        bgp_sample_action(&seed, i % 2 ? 4 : 6, &action);
        bg_attrs_init(&attrs);
        bg_flow_put_action(&action, &attrs);
        memset(&back, 0, sizeof back);
        assert_true(bg_flow_get_action(&attrs, &back, NULL));
        assert_memory_equal(&action, &back, sizeof action);
    }
}

static void
actions_of_others_are_understood(void **state)
{
    struct bg_attrs attrs;
    struct bg_flow_action a;
    struct vx_error err;

    (void) state;
    bg_attrs_init(&attrs);
    attrs.next_hop = (struct vx_ip) { 4, { 192, 0, 2, 9 } };
    bg_attrs_add_ext(&attrs, (struct bg_ext) { { 8, 0, 0, 0, 0, 0, 0, 1 } });
    assert_true(bg_flow_get_action(&attrs, &a, &err));
    assert_int_equal(a.redirect_ip.b[3], 9);
    assert_true(a.copy);
    /* 10 bytes a second are not nothing. */
    bg_attrs_init(&attrs);
    bg_attrs_add_ext(&attrs, (struct bg_ext) { { 0x80, 6, 0, 0, 0x41, 0x20,
                                                 0, 0 } });
    assert_true(bg_flow_get_action(&attrs, &a, &err));
    assert_int_equal(a.rate_kbps, 1);
    /* Not a number; two rates. */
    bg_attrs_init(&attrs);
    bg_attrs_add_ext(&attrs, (struct bg_ext) { { 0x80, 6, 0, 0, 0x7f, 0xc0,
                                                 0, 0 } });
    assert_false(bg_flow_get_action(&attrs, &a, &err));
    bg_attrs_init(&attrs);
    bg_attrs_add_ext(&attrs, (struct bg_ext) { { 0x80, 6 } });
    bg_attrs_add_ext(&attrs, (struct bg_ext) { { 0x80, 6, 0, 0, 0x49, 0, 0,
                                                 0 } });
    assert_false(bg_flow_get_action(&attrs, &a, &err));
    /* None: accept. */
    bg_attrs_init(&attrs);
    assert_true(bg_flow_get_action(&attrs, &a, &err));
    assert_false(a.has_rate || a.has_mark || a.has_redirect_rt);
}

static void
survives_rules_that_lie(void **state)
{
    struct bg_flow_rule rule;
    struct bg_flow flow;
    uint64_t seed = 4;
    char buf[100];

    (void) state;
    for (int i = 0; i < 20000; i++) {
        uint8_t family = i % 2 ? 4 : 6;

        bgp_sample_rule(&seed, family, &rule);
        assert_true(bg_flow_encode(&rule, &flow, NULL));
        flow.b[bgp_sample_number(&seed, flow.size)]
            ^= 1 << bgp_sample_number(&seed, 8);
        flow.size = bgp_sample_number(&seed, flow.size + 1);
        if (bg_flow_decode(&flow, family, &rule, NULL)) {
            assert_true(bg_flow_encode(&rule, &flow, NULL));
        }
        bg_flow_format(&flow, family, buf, sizeof buf);
    }
}

static unsigned
n_operators(const struct bg_flow *flow)
{
    unsigned n = 0;

    /* One component, no prefix: type, then operators. */
    for (size_t at = 1; at < flow->size; n++) {
        at += 1 + (1 << ((flow->b[at] >> 4) & 3));
    }
    return n;
}

static bool
has_number(const struct bg_flow_set *set, uint32_t number)
{
    for (size_t i = 0; i < set->n; i++) {
        if (set->r[i].first <= number && number <= set->r[i].last) {
            return true;
        }
    }
    return !set->n;
}

static void
splits_what_a_peer_would_not_take(void **state)
{
    struct bg_flow_rule rule, parts[64];
    struct bg_flow flow;
    uint64_t seed = 9;

    (void) state;
    memset(&rule, 0, sizeof rule);
    rule.family = 4;
    for (uint32_t i = 1; i <= 16; i++) {
        assert_true(bg_flow_set_add(&rule.dport, 1000 * i, 1000 * i + 9));
    }
    assert_int_equal(bg_flow_split(&rule, 5, parts, 7), 0);
    assert_int_equal(bg_flow_split(&rule, 5, parts, 64), 8);
    for (size_t i = 0; i < 8; i++) {
        assert_true(bg_flow_encode(&parts[i], &flow, NULL));
        assert_int_equal(n_operators(&flow), 4);
    }
    /* Whatever number: some part has it if and only if the rule has it. */
    for (int run = 0; run < 3000; run++) {
        bgp_sample_rule(&seed, 4, &rule);
        size_t n = bg_flow_split(&rule, 5, parts, 64);
        uint32_t dport = bgp_sample_number(&seed, 65536);
        uint32_t proto = bgp_sample_number(&seed, 256);
        bool found = false;

        for (size_t i = 0; i < n; i++) {
            found |= has_number(&parts[i].dport, dport)
                     && has_number(&parts[i].proto, proto);
            assert_true(bg_flow_encode(&parts[i], &flow, NULL));
        }
        assert_true(!n || found == (has_number(&rule.dport, dport)
                                    && has_number(&rule.proto, proto)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_the_examples_of_the_rfcs),
        cmocka_unit_test(every_rule_comes_back_as_it_was),
        cmocka_unit_test(operators_of_others_become_ranges),
        cmocka_unit_test(what_no_packet_can_be_is_refused),
        cmocka_unit_test(what_has_no_place_is_refused_and_named),
        cmocka_unit_test(malformed_rules_are_known),
        cmocka_unit_test(rules_come_in_the_order_of_the_rfc),
        cmocka_unit_test(every_action_comes_back_as_it_was),
        cmocka_unit_test(actions_of_others_are_understood),
        cmocka_unit_test(survives_rules_that_lie),
        cmocka_unit_test(splits_what_a_peer_would_not_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
