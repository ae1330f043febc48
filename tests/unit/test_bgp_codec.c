/* SPDX-License-Identifier: Apache-2.0 */
/* BGP bytes: those of the RFCs and of speakers that were seen, there and back
 * again with random routes, and what is malformed. */
#include "bgp/bgp_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "tests/lib/bgp_sample.h"

/* --- Bytes as text. */

static size_t
unhex(const char *s, uint8_t *ret_bytes)
{
    size_t n = 0;

    for (; *s; s++) {
        if (*s != ' ') {
            char digits[3] = { s[0], s[1], 0 };

            ret_bytes[n++] = strtoul(digits, NULL, 16);
            s++;
        }
    }
    return n;
}

static void
assert_bytes(const void *bytes, size_t size, const char *hex)
{
    uint8_t expected[BG_MSG_MAX];
    size_t n = unhex(hex, expected);

    if (n != size || memcmp(bytes, expected, n)) {
        for (size_t i = 0; i < size; i++) {
            print_message("%02x", ((const uint8_t *) bytes)[i]);
        }
        print_message(" instead of %s\n", hex);
    }
    assert_int_equal(size, n);
    assert_memory_equal(bytes, expected, n);
}

static struct vx_ip
ip_of(const char *s)
{
    struct vx_ip ip;

    assert_true(vx_ip_parse(s, &ip));
    return ip;
}

static struct vx_prefix
prefix_of(const char *s)
{
    struct vx_prefix prefix;

    assert_true(vx_prefix_parse(s, &prefix));
    return prefix;
}

static struct bg_rd
rd_of(const char *s)
{
    struct bg_rd rd;

    assert_true(bg_rd_parse(s, &rd));
    return rd;
}

/* --- Text. */

static void
reads_and_writes_distinguishers_and_targets(void **state)
{
    static const struct {
        const char *text, *rd, *rt;
    } cases[] = {
        { "65001:1", "0000 fde9 00000001", "0002 fde9 00000001" },
        { "65001:4294967295", "0000 fde9 ffffffff", "0002 fde9 ffffffff" },
        { "192.0.2.1:7", "0001 c0000201 0007", "0102 c0000201 0007" },
        { "70000:7", "0002 00011170 0007", "0202 00011170 0007" },
        { "0.65001:1", "0002 0000fde9 0001", "0202 0000fde9 0001" },
    };
    static const char *const bad[] = {
        "", ":", "1:", ":1", "1:4294967296", "70000:65536", "4294967296:1",
        "192.0.2.1:65536", "1:1 ", " 1:1", "1:-1", "a:1", "::1:1", "1:1:1",
        "65536.1:1", "1.65536:1", "1..2:1", "123456789012345678901234567:1",
    };
    struct bg_ext rt;
    struct bg_rd rd;
    char buf[BG_RD_STRLEN];

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(bg_rd_parse(cases[i].text, &rd));
        assert_bytes(rd.b, 8, cases[i].rd);
        assert_string_equal(bg_rd_format(&rd, buf), cases[i].text);
        assert_true(bg_rt_parse(cases[i].text, &rt));
        assert_bytes(rt.b, 8, cases[i].rt);
        assert_string_equal(bg_rt_format(&rt, buf), cases[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(bg_rd_parse(bad[i], &rd));
        assert_false(bg_rt_parse(bad[i], &rt));
    }
    rt = bg_ext_encap_vxlan();
    assert_null(bg_rt_format(&rt, buf));
}

static void
finds_the_vni_in_a_target(void **state)
{
    struct bg_ext rfc8365 = { { 0, 2, 0xfd, 0xe9, 0x10, 0, 0x13, 0x88 } };
    struct bg_ext plain = bg_rt_as(65001, 16777215);
    struct bg_ext wide = bg_rt_as(70000, 5000);

    (void) state;
    assert_int_equal(bg_rt_local(&rfc8365), 5000);
    assert_int_equal(bg_rt_local(&plain), 16777215);
    assert_int_equal(bg_rt_local(&wide), 5000);
}

static void
says_extended_communities_in_words(void **state)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        { "0002 fde9 00000001", "rt:65001:1" },
        { "030c 0000 00000008", "encap:vxlan" },
        { "0603 020000000005", "rmac:02:00:00:00:00:05" },
        { "0600 0100 00000003", "mobility:3,sticky" },
        { "030d 000000000000", "default-gateway" },
        { "8006 0000 00000000", "rate:0" },
        { "8008 fde9 00000001", "redirect:65001:1" },
        { "8009 0000 0000002e", "mark:46" },
        { "8007 0000 00000003", "action:sample,continue" },
        { "010c c0000201 0000", "redirect-ip:192.0.2.1" },
        { "4000 000000000001", "0x4000000000000001" },
    };
    char buf[BG_EXT_STRLEN];
    struct bg_ext ext;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(unhex(cases[i].hex, ext.b), 8);
        assert_string_equal(bg_ext_format(&ext, buf), cases[i].text);
    }
}

static void
reads_and_writes_communities(void **state)
{
    struct bg_large large;
    uint32_t community;
    char buf[24];

    (void) state;
    assert_true(bg_community_parse("65001:7", &community));
    assert_int_equal(community, 65001u << 16 | 7);
    assert_string_equal(bg_community_format(community, buf), "65001:7");
    assert_true(bg_community_parse("no-export", &community));
    assert_string_equal(bg_community_format(community, buf), "no-export");
    assert_false(bg_community_parse("65536:1", &community));
    assert_false(bg_community_parse("1:1:1", &community));
    assert_false(bg_community_parse("1", &community));
    assert_true(bg_large_parse("70000:0:4294967295", &large));
    assert_int_equal(large.b[2], UINT32_MAX);
    assert_false(bg_large_parse("1:2", &large));
    assert_false(bg_large_parse("1:2:4294967296", &large));
}

/* --- NLRI. */

/* Encodes, compares, and decodes again. */
static void
check_nlri(const struct bg_nlri *nlri, const char *hex)
{
    uint8_t bytes[BG_NLRI_MAX], again[BG_NLRI_MAX];
    size_t size = bg_nlri_encode(nlri, false, bytes), used = 0;
    struct bg_nlri back;

    if (hex) {
        assert_bytes(bytes, size, hex);
    }
    assert_int_equal(bg_nlri_decode(nlri->family, bytes, size, &back, &used),
                     BG_TAKEN);
    assert_int_equal(used, size);
    assert_int_equal(bg_nlri_encode(&back, false, again), size);
    assert_memory_equal(bytes, again, size);
    uint8_t key[BG_KEY_MAX], back_key[BG_KEY_MAX];
    size_t key_size = bg_nlri_key(nlri, key);
    assert_int_equal(bg_nlri_key(&back, back_key), key_size);
    assert_memory_equal(key, back_key, key_size);
}

static void
encodes_routes_as_peers_were_seen_to_take_them(void **state)
{
    struct bg_nlri nlri = { .family = BG_IPV4 };

    (void) state;
    nlri.prefix = prefix_of("10.50.0.0/23");
    check_nlri(&nlri, "17 0a3200");
    nlri.prefix = prefix_of("0.0.0.0/0");
    check_nlri(&nlri, "00");
    nlri = (struct bg_nlri) {
        .family = BG_VPNV4, .rd = rd_of("65001:1"), .label = 16,
        .prefix = prefix_of("10.1.0.0/16"),
    };
    check_nlri(&nlri, "68 000101 0000fde900000001 0a01");
    nlri = (struct bg_nlri) {
        .family = BG_VPNV6, .rd = rd_of("192.0.2.1:7"), .label = 0xfffff,
        .prefix = prefix_of("2001:db8::/33"),
    };
    check_nlri(&nlri, "79 fffff1 0001c00002010007 20010db800");
    nlri = (struct bg_nlri) { .family = BG_EVPN, .rd = rd_of("65001:7") };
    nlri.evpn = (struct bg_evpn) {
        .type = 2, .mac = { { 2, 0, 0, 0, 0, 5 } }, .vni = 0xabcdef,
        .ip = ip_of("10.0.0.5"),
    };
    check_nlri(&nlri, "02 25 0000fde900000007 00000000000000000000 00000000"
               "30 020000000005 20 0a000005 abcdef");
    nlri.evpn.ip.family = 0;
    nlri.evpn.vni2 = 5;
    check_nlri(&nlri, "02 24 0000fde900000007 00000000000000000000 00000000"
               "30 020000000005 00 abcdef 000005");
    nlri.evpn = (struct bg_evpn) { .type = 3, .ip = ip_of("192.0.2.1") };
    check_nlri(&nlri, "03 11 0000fde900000007 00000000 20 c0000201");
    nlri.evpn = (struct bg_evpn) {
        .type = 5, .prefix = prefix_of("10.2.0.0/16"), .vni = 5001,
    };
    check_nlri(&nlri, "05 22 0000fde900000007 00000000000000000000 00000000"
               "10 0a020000 00000000 001389");
}

static void
every_route_comes_back_as_it_was(void **state)
{
    uint64_t seed = 1;
    struct bg_nlri nlri;
    char buf[BG_NLRI_STRLEN];

    (void) state;
    for (int i = 0; i < 20000; i++) {
        bgp_sample_nlri(&seed, i % BG_N_FAMILIES, &nlri);
        check_nlri(&nlri, NULL);
        assert_true(*bg_nlri_format(&nlri, buf));
    }
}

static void
says_routes_in_words(void **state)
{
    struct bg_nlri nlri = {
        .family = BG_VPNV4, .rd = rd_of("65001:1"),
        .prefix = prefix_of("10.0.0.0/8"),
    };
    char buf[BG_NLRI_STRLEN];

    (void) state;
    assert_string_equal(bg_nlri_format(&nlri, buf), "65001:1 10.0.0.0/8");
    nlri.family = BG_EVPN;
    nlri.evpn = (struct bg_evpn) {
        .type = 2, .mac = { { 2, 0, 0, 0, 0, 5 } }, .vni = 7,
        .ip = ip_of("10.0.0.5"),
    };
    assert_string_equal(bg_nlri_format(&nlri, buf),
                        "[2] 65001:1 02:00:00:00:00:05 10.0.0.5 vni 7");
}

static void
key_leaves_out_what_may_change(void **state)
{
    uint8_t a[BG_KEY_MAX], b[BG_KEY_MAX];
    struct bg_nlri nlri = {
        .family = BG_VPNV4, .rd = rd_of("65001:1"), .label = 16,
        .prefix = prefix_of("10.0.0.0/8"),
    };
    size_t n = bg_nlri_key(&nlri, a);

    (void) state;
    nlri.label = 17;
    assert_int_equal(bg_nlri_key(&nlri, b), n);
    assert_memory_equal(a, b, n);
    nlri.prefix.length = 9;
    assert_int_equal(bg_nlri_key(&nlri, b), n);
    assert_memory_not_equal(a, b, n);
}

static enum bg_taken
take(enum bg_family family, const char *hex, struct bg_nlri *ret_nlri,
     size_t *ret_used)
{
    uint8_t bytes[BG_MSG_MAX];

    return bg_nlri_decode(family, bytes, unhex(hex, bytes), ret_nlri,
                          ret_used);
}

static void
skips_and_refuses_routes_that_it_cannot_take(void **state)
{
    struct bg_nlri nlri;
    size_t used;

    (void) state;
    /* Ethernet Segment route (type 4), then type 2 with a MAC of 40 bits. */
    assert_int_equal(take(BG_EVPN, "04 03 010203 ff", &nlri, &used),
                     BG_SKIPPED);
    assert_int_equal(used, 5);
    assert_int_equal(take(BG_EVPN, "02 21 0000fde900000007"
        "00000000000000000000 00000000 28 020000000005 00 abcdef", &nlri,
        &used), BG_SKIPPED);
    assert_int_equal(used, 35);
    assert_int_equal(take(BG_EVPN, "02 21 00", &nlri, &used), BG_MALFORMED);
    assert_int_equal(take(BG_IPV4, "21 0a00000000", &nlri, &used),
                     BG_MALFORMED);
    assert_int_equal(take(BG_IPV4, "18 0a00", &nlri, &used), BG_MALFORMED);
    assert_int_equal(take(BG_VPNV4, "57 000101 0000fde900000001", &nlri,
                          &used), BG_MALFORMED);
    /* Two labels; a withdrawal without one. */
    assert_int_equal(take(BG_VPNV4, "80 000100 000111 0000fde900000001 0a01",
                          &nlri, &used), BG_TAKEN);
    assert_int_equal(nlri.label, 16);
    assert_int_equal(take(BG_VPNV4, "68 800000 0000fde900000001 0a01",
                          &nlri, &used), BG_TAKEN);
    assert_int_equal(nlri.prefix.length, 16);
    /* FlowSpec out of order is skipped by its length; host bits go. */
    assert_int_equal(take(BG_FLOW4, "06 038106 01080a ff", &nlri, &used),
                     BG_SKIPPED);
    assert_int_equal(used, 7);
    assert_int_equal(take(BG_FLOW4, "00", &nlri, &used), BG_MALFORMED);
    assert_int_equal(take(BG_IPV4, "07 0b", &nlri, &used), BG_TAKEN);
    assert_int_equal(nlri.prefix.ip.b[0], 0x0a);
}

/* --- OPEN and the others. */

static void
open_comes_back_as_it_was(void **state)
{
    struct vx_buf buf = VX_BUF_INIT;
    struct bg_notify why;
    struct bg_open open = {
        .as = 4200000000, .hold_s = 9, .router_id = ip_of("192.0.2.1"),
        .families = BG_ALL_FAMILIES, .as4 = true, .route_refresh = true,
        .graceful = true, .restarted = true, .restart_s = 120,
        .graceful_families = BG_BIT(BG_EVPN) | BG_BIT(BG_VPNV4),
        .kept_families = BG_BIT(BG_EVPN),
    }, back;

    (void) state;
    memset(&back, 0, sizeof back);
    bg_encode_open(&open, &buf);
    const uint8_t *bytes = (uint8_t *) buf.data;
    enum bg_msg_type type;
    size_t size;
    assert_true(bg_decode_header(bytes, buf.size, &type, &size, &why));
    assert_int_equal(size, buf.size);
    assert_int_equal(type, BG_OPEN);
    assert_true(bg_decode_open(bytes + 19, size - 19, &back, &why));
    assert_int_equal(back.as, open.as);
    assert_int_equal(back.hold_s, 9);
    assert_int_equal(vx_ip_compare(&back.router_id, &open.router_id), 0);
    assert_int_equal(back.families, open.families);
    assert_true(back.as4 && back.route_refresh && back.graceful
                && back.restarted && !back.notification_graceful);
    assert_int_equal(back.restart_s, 120);
    assert_int_equal(back.graceful_families, open.graceful_families);
    assert_int_equal(back.kept_families, open.kept_families);
    vx_buf_fini(&buf);
}

static void
refuses_an_open_with_the_right_reason(void **state)
{
    static const struct {
        const char *hex;
        uint8_t code, subcode;
    } cases[] = {
        { "03 fde9 005a c0000201 00", 2, 1 },
        { "04 0000 005a c0000201 00", 2, 2 },
        { "04 fde9 005a 00000000 00", 2, 3 },
        { "04 fde9 0002 c0000201 00", 2, 6 },
        { "04 fde9 005a c0000201 02 0100", 2, 4 },
        { "04 fde9 005a c0000201 05 0203 410400", 2, 0 },
        { "04 fde9 005a c0000201 01", 2, 0 },
    };
    uint8_t bytes[64];
    struct bg_notify why;
    struct bg_open open;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = unhex(cases[i].hex, bytes);

        assert_false(bg_decode_open(bytes, size, &open, &why));
        assert_int_equal(why.code, cases[i].code);
        assert_int_equal(why.subcode, cases[i].subcode);
    }
    size_t size = unhex("04 fde9 005a c0000201 00", bytes);
    assert_true(bg_decode_open(bytes, size, &open, &why));
    assert_int_equal(open.families, BG_BIT(BG_IPV4));
    /* Parameters of extended length, RFC 9072. */
    size = unhex("04 fde9 005a c0000201 ff ff 0009 020006 0104 0019 0046",
                 bytes);
    assert_true(bg_decode_open(bytes, size, &open, &why));
    assert_int_equal(open.families, BG_BIT(BG_EVPN));
}

static void
headers_that_lie_are_refused(void **state)
{
    struct vx_buf buf = VX_BUF_INIT;
    struct bg_notify why;
    enum bg_msg_type type;
    size_t size;

    (void) state;
    bg_encode_keepalive(&buf);
    uint8_t *b = (uint8_t *) buf.data;
    assert_true(bg_decode_header(b, 18, &type, &size, &why));
    assert_int_equal(size, 0);
    assert_true(bg_decode_header(b, 19, &type, &size, &why));
    assert_int_equal(size, 19);
    b[17] = 20;
    assert_false(bg_decode_header(b, 19, &type, &size, &why));
    assert_int_equal(why.subcode, 2);
    b[18] = BG_UPDATE;
    b[16] = 0x10;
    b[17] = 1;
    assert_false(bg_decode_header(b, 19, &type, &size, &why));
    b[18] = 9;
    assert_false(bg_decode_header(b, 19, &type, &size, &why));
    assert_int_equal(why.subcode, 3);
    b[3] = 0;
    assert_false(bg_decode_header(b, 19, &type, &size, &why));
    assert_int_equal(why.subcode, 1);
    vx_buf_fini(&buf);
}

static void
says_notifications_in_words(void **state)
{
    struct bg_notify notify = { 4, 0, 0, { 0 } };
    char buf[BG_NOTIFY_STRLEN];

    (void) state;
    assert_string_equal(bg_notify_format(&notify, buf),
                        "hold timer expired");
    notify = (struct bg_notify) { 6, 2, 8, "\7bye\"\1\xff!" };
    assert_string_equal(bg_notify_format(&notify, buf), "cease: "
                        "administrative shutdown (\"bye?" "?" "?!\")");
    notify = (struct bg_notify) { 6, 2, 2, "\7b" };
    assert_string_equal(bg_notify_format(&notify, buf), "cease: "
                        "administrative shutdown");
    notify = (struct bg_notify) { 200, 9, 0, { 0 } };
    assert_string_equal(bg_notify_format(&notify, buf),
                        "notification 200/9");
    notify = (struct bg_notify) { 2, 15, 0, { 0 } };
    assert_string_equal(bg_notify_format(&notify, buf), "open refused: 15");
}

/* --- UPDATE. */

struct heard {
    struct bg_nlri nlri;            /* the last one */
    struct bg_attrs attrs;
    size_t n_reach, n_unreach, n_malformed;
    unsigned ended;
    char why[128];
};

static void
on_reach(void *aux, const struct bg_nlri *nlri, const struct bg_attrs *attrs)
{
    struct heard *h = aux;

    h->nlri = *nlri;
    h->attrs = *attrs;
    h->n_reach++;
}

static void
on_unreach(void *aux, const struct bg_nlri *nlri)
{
    struct heard *h = aux;

    h->nlri = *nlri;
    h->n_unreach++;
}

static void
on_end(void *aux, enum bg_family family)
{
    struct heard *h = aux;

    h->ended |= BG_BIT(family);
}

static void
on_malformed(void *aux, const char *why)
{
    struct heard *h = aux;

    h->n_malformed++;
    snprintf(h->why, sizeof h->why, "%s", why);
}

static const struct bg_update_sink sink = {
    on_reach, on_unreach, on_end, on_malformed,
};
static const struct bg_update_context all = { BG_ALL_FAMILIES, true };

static bool
hear(const void *body, size_t size, struct heard *h, struct bg_notify *why)
{
    memset(h, 0, sizeof *h);
    return bg_decode_update(body, size, &all, &sink, h, why);
}

static bool
hear_hex(const char *hex, struct heard *h, struct bg_notify *why)
{
    uint8_t bytes[BG_MSG_MAX];

    return hear(bytes, unhex(hex, bytes), h, why);
}

static void
pack(const struct bg_nlri *nlri, const struct bg_attrs *attrs,
     struct vx_buf *ret_message)
{
    struct vx_buf encoded = VX_BUF_INIT;
    uint8_t bytes[BG_NLRI_MAX];
    struct bg_packer packer;

    vx_buf_clear(ret_message);
    if (attrs) {
        bg_attrs_encode(attrs, true, &encoded);
        bg_packer_reach(&packer, nlri->family, &attrs->next_hop, &encoded,
                        ret_message);
    } else {
        bg_packer_unreach(&packer, nlri->family, ret_message);
    }
    assert_true(bg_packer_add(&packer, bytes,
                              bg_nlri_encode(nlri, !attrs, bytes)));
    bg_packer_end(&packer);
    vx_buf_fini(&encoded);
}

static void
every_update_comes_back_as_it_was(void **state)
{
    struct vx_buf message = VX_BUF_INIT;
    struct bg_attrs attrs;
    struct bg_nlri nlri;
    struct bg_notify why;
    struct heard h;
    uint64_t seed = 2;

    (void) state;
    for (int i = 0; i < 20000; i++) {
        enum bg_family family = i % BG_N_FAMILIES;
        uint8_t a[BG_NLRI_MAX], b[BG_NLRI_MAX];

        bgp_sample_nlri(&seed, family, &nlri);
        bgp_sample_attrs(&seed, &attrs);
        if (family == BG_IPV4) {
            attrs.next_hop = ip_of("192.0.2.1");
        } else if (family == BG_FLOW4) {
            attrs.next_hop = (struct vx_ip) { 0 };
        }
        pack(&nlri, &attrs, &message);
        assert_true(hear(message.data + 19, message.size - 19, &h, &why));
        assert_int_equal(h.n_reach, 1);
        assert_int_equal(h.n_unreach + h.n_malformed, 0);
        assert_true(bgp_sample_same_attrs(&h.attrs, &attrs));
        size_t size = bg_nlri_encode(&nlri, false, a);
        assert_int_equal(bg_nlri_encode(&h.nlri, false, b), size);
        assert_memory_equal(a, b, size);
        pack(&nlri, NULL, &message);
        assert_true(hear(message.data + 19, message.size - 19, &h, &why));
        assert_int_equal(h.n_unreach, 1);
        assert_int_equal(h.n_reach + h.n_malformed, 0);
    }
    vx_buf_fini(&message);
}

static void
writes_updates_as_peers_were_seen_to_take_them(void **state)
{
    struct vx_buf message = VX_BUF_INIT;
    struct bg_nlri nlri = { .family = BG_FLOW4 };
    struct bg_flow_rule rule = { .family = 4 };
    struct bg_flow_action drop = { .has_rate = true };
    struct bg_attrs attrs;

    (void) state;
    rule.dst = prefix_of("10.55.0.0/24");
    assert_true(bg_flow_set_add(&rule.proto, 6, 6));
    assert_true(bg_flow_set_add(&rule.dport, 80, 80));
    assert_true(bg_flow_encode(&rule, &nlri.flow, NULL));
    bg_attrs_init(&attrs);
    bg_flow_put_action(&drop, &attrs);
    bg_attrs_add_ext(&attrs, bg_rt_as(65001, 1));
    pack(&nlri, &attrs, &message);
    assert_bytes(message.data, message.size,
        "ffffffffffffffffffffffffffffffff 004d 02 0000 0036"
        "90 0e 0011 0001 85 00 00 0b 01180a3700 038106 058150"
        "40 01 01 00  40 02 00  40 05 04 00000064"
        "c0 10 10 0002fde900000001 8006000000000000");
    vx_buf_clear(&message);
    bg_encode_eor(BG_IPV4, &message);
    assert_bytes(message.data, message.size,
                 "ffffffffffffffffffffffffffffffff 0017 02 0000 0000");
    vx_buf_clear(&message);
    bg_encode_eor(BG_EVPN, &message);
    assert_bytes(message.data, message.size,
        "ffffffffffffffffffffffffffffffff 001e 02 0000 0007"
        "90 0f 0003 0019 46");
    vx_buf_fini(&message);
}

static void
hears_the_end_of_each_rib(void **state)
{
    struct vx_buf message = VX_BUF_INIT;
    struct bg_notify why;
    struct heard h;

    (void) state;
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        vx_buf_clear(&message);
        bg_encode_eor(i, &message);
        assert_true(hear(message.data + 19, message.size - 19, &h, &why));
        assert_int_equal(h.ended, BG_BIT(i));
        assert_int_equal(h.n_reach + h.n_unreach + h.n_malformed, 0);
    }
    /* Of a family that is not ours (multicast): nothing. */
    assert_true(hear_hex("0000 0006 800f 03 0001 02", &h, &why));
    assert_int_equal(h.ended, 0);
    vx_buf_fini(&message);
}

static void
wrong_attributes_withdraw_the_routes(void **state)
{
    static const struct {
        const char *hex, *why;
    } cases[] = {
        { "0000 0015 40010103 400200 400304c0000201 40050400000064 100a01",
          "ORIGIN is none of the three" },
        { "0000 0015 80010100 400200 400304c0000201 40050400000064 100a01",
          "an attribute has the flags of another kind" },
        { "0000 000e 40010100 400304c0000201 c00800 100a01",
          "COMMUNITIES has a size that cannot be" },
        { "0000 0010 40010100 400202 0200 400304c0000201 100a01",
          "AS_PATH is malformed" },
        { "0000 0007 40010100 400200 100a01",
          "ORIGIN, AS_PATH or NEXT_HOP is missing" },
        { "0000 0012 40010100 400200 400304c0000201 c010ff 00 100a01",
          "an attribute is longer than the list of them" },
        { "0000 0015 40010100 400200 400303c00002 800405 0000000100 100a01",
          "an attribute of four bytes has another size" },
        { "0000 0018 40010100 400200 400304c0000201 c016 04 00060000 c0ff00"
          "100a01", "PMSI_TUNNEL is too short" },
    };
    struct bg_notify why;
    struct heard h;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(hear_hex(cases[i].hex, &h, &why));
        assert_string_equal(h.why, cases[i].why);
        assert_int_equal(h.n_malformed, 1);
        assert_int_equal(h.n_reach, 0);
        assert_int_equal(h.n_unreach, 1);
    }
}

static void
the_first_of_two_equal_attributes_counts(void **state)
{
    struct bg_notify why;
    struct heard h;

    (void) state;
    assert_true(hear_hex("0000 001d 40010100 40010102 400200 400304c0000201"
                         "40050400000064 c0630100 100a01", &h, &why));
    assert_int_equal(h.n_reach, 1);
    assert_int_equal(h.attrs.origin, 0);
    assert_int_equal(h.attrs.local_pref, 100);
}

static void
resets_where_routes_cannot_be_told(void **state)
{
    static const struct {
        const char *hex;
        uint8_t subcode;
    } cases[] = {
        { "0004 0000", 1 },                         /* withdrawn too long */
        { "0000 0010 40010100", 1 },                /* attributes too long */
        { "0000 0000 21 0a00000000", 10 },          /* /33 */
        { "0000 0005 900e 0001 00", 9 },            /* MP_REACH cut */
        { "0000 0009 800f 06 0001 80 6800 01", 9 }, /* VPN route cut */
        { "0000 000c 800f 03 000101 800f 03 000101", 1 },   /* twice */
    };
    struct bg_notify why;
    struct heard h;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(hear_hex(cases[i].hex, &h, &why));
        assert_int_equal(why.code, 3);
        assert_int_equal(why.subcode, cases[i].subcode);
        assert_int_equal(h.n_reach, 0);
    }
}

static void
wide_as_numbers_pass_through_a_narrow_peer(void **state)
{
    const struct bg_update_context narrow = { BG_ALL_FAMILIES, false };
    struct vx_buf message = VX_BUF_INIT, encoded = VX_BUF_INIT;
    struct bg_attrs attrs;
    struct bg_packer packer;
    struct bg_notify why;
    struct heard h = { .n_reach = 0 };
    struct vx_ip next_hop = ip_of("192.0.2.1");

    (void) state;
    bg_attrs_init(&attrs);
    attrs.as_path[0] = 65001;
    attrs.as_path[1] = 4200000000;
    attrs.n_as = 2;
    bg_attrs_encode(&attrs, false, &encoded);
    bg_packer_reach(&packer, BG_IPV4, &next_hop, &encoded, &message);
    assert_true(bg_packer_add(&packer, "\x08\x0a", 2));
    bg_packer_end(&packer);
    assert_true(bg_decode_update((uint8_t *) message.data + 19,
                                 message.size - 19, &narrow, &sink, &h,
                                 &why));
    assert_int_equal(h.n_reach, 1);
    assert_int_equal(h.attrs.n_as, 2);
    assert_int_equal(h.attrs.as_path[0], 65001);
    assert_int_equal(h.attrs.as_path[1], 4200000000);
    vx_buf_fini(&message);
    vx_buf_fini(&encoded);
}

static void
reads_next_hops_of_every_kind(void **state)
{
    /* Attributes behind MP_REACH: 14 bytes of ORIGIN, AS_PATH, LOCAL_PREF. */
    static const struct {
        const char *hex, *next_hop;
    } cases[] = {
        { "0000 0030 800e 1f 0001 80 0c 0000000000000000 c0000201 00"
          "68 000101 0000fde900000001 0a01"
          "40010100 400200 40050400000064", "192.0.2.1" },
        { "0000 002b 800e 1a 0002 01 10 00000000000000000000ffffc0000201 00"
          "20 20010db8 40010100 400200 40050400000064", "192.0.2.1" },
        { "0000 003b 800e 2a 0002 01 20 20010db8000000000000000000000001"
          "fe800000000000000000000000000001 00 20 20010db8"
          "40010100 400200 40050400000064", "2001:db8::1" },
    };
    char buf[VX_IP_STRLEN];
    struct bg_notify why;
    struct heard h;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(hear_hex(cases[i].hex, &h, &why));
        assert_int_equal(h.n_reach, 1);
        assert_string_equal(vx_ip_format(&h.attrs.next_hop, buf),
                            cases[i].next_hop);
    }
}

/* Every byte another, every length cut: read as something or refused, and
 * never beyond its end (valgrind and sanitizers see that). */
static void
survives_messages_that_lie(void **state)
{
    struct vx_buf message = VX_BUF_INIT;
    struct bg_attrs attrs;
    struct bg_nlri nlri;
    struct bg_notify why;
    struct heard h;
    uint64_t seed = 3;

    (void) state;
    for (int i = 0; i < 70; i++) {
        bgp_sample_nlri(&seed, i % BG_N_FAMILIES, &nlri);
        bgp_sample_attrs(&seed, &attrs);
        if (i % BG_N_FAMILIES == BG_IPV4) {
            attrs.next_hop = ip_of("192.0.2.1");
        }
        pack(&nlri, &attrs, &message);
        size_t size = message.size - 19;
        for (size_t cut = 0; cut <= size; cut++) {
            uint8_t *exact = malloc(cut ? cut : 1);

            memcpy(exact, message.data + 19, cut);
            (void) hear(exact, cut, &h, &why);
            if (cut) {
                exact[bgp_sample_number(&seed, cut)] ^=
                    1 << bgp_sample_number(&seed, 8);
                (void) hear(exact, cut, &h, &why);
            }
            free(exact);
        }
        for (size_t at = 0; at < size; at++) {
            char *byte = &message.data[19 + at], saved = *byte;

            for (int bit = 0; bit < 8; bit++) {
                *byte = saved ^ 1 << bit;
                (void) hear(message.data + 19, size, &h, &why);
            }
            *byte = saved;
        }
    }
    vx_buf_fini(&message);
}

static void
lists_beyond_their_bounds_are_cut_and_said(void **state)
{
    struct vx_buf body = VX_BUF_INIT;
    struct bg_notify why;
    struct heard h;
    uint8_t head[32];
    size_t n = 400;

    (void) state;
    size_t size = unhex("0000 0000 40010100 400200 400304c0000201 d008 0000",
                        head);
    head[2] = (14 + 4 + 4 * n) >> 8;
    head[3] = 14 + 4 + 4 * n;
    head[size - 2] = 4 * n >> 8;
    head[size - 1] = (uint8_t) (4 * n);
    vx_buf_put(&body, head, size);
    memset(vx_buf_extend(&body, 4 * n), 7, 4 * n);
    vx_buf_put(&body, "\x08\x0a", 2);
    assert_true(hear(body.data, body.size, &h, &why));
    assert_int_equal(h.n_reach, 1);
    assert_true(h.attrs.truncated);
    assert_int_equal(h.attrs.n_communities, BG_MAX_COMMUNITIES);
    vx_buf_fini(&body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_distinguishers_and_targets),
        cmocka_unit_test(finds_the_vni_in_a_target),
        cmocka_unit_test(says_extended_communities_in_words),
        cmocka_unit_test(reads_and_writes_communities),
        cmocka_unit_test(encodes_routes_as_peers_were_seen_to_take_them),
        cmocka_unit_test(every_route_comes_back_as_it_was),
        cmocka_unit_test(says_routes_in_words),
        cmocka_unit_test(key_leaves_out_what_may_change),
        cmocka_unit_test(skips_and_refuses_routes_that_it_cannot_take),
        cmocka_unit_test(open_comes_back_as_it_was),
        cmocka_unit_test(refuses_an_open_with_the_right_reason),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(says_notifications_in_words),
        cmocka_unit_test(every_update_comes_back_as_it_was),
        cmocka_unit_test(writes_updates_as_peers_were_seen_to_take_them),
        cmocka_unit_test(hears_the_end_of_each_rib),
        cmocka_unit_test(wrong_attributes_withdraw_the_routes),
        cmocka_unit_test(the_first_of_two_equal_attributes_counts),
        cmocka_unit_test(resets_where_routes_cannot_be_told),
        cmocka_unit_test(wide_as_numbers_pass_through_a_narrow_peer),
        cmocka_unit_test(reads_next_hops_of_every_kind),
        cmocka_unit_test(survives_messages_that_lie),
        cmocka_unit_test(lists_beyond_their_bounds_are_cut_and_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
