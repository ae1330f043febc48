/* SPDX-License-Identifier: Apache-2.0 */
/* The zebra API as bytes.  The golden bytes were not made with this codec:
 * those of FRR 8.2 to 9.0 were spoken to a zebra 8.4.4 by another client,
 * those of the other rows were derived from FRR's sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "bgp/zapi_codec.h"
#include "lib/buf.h"

enum { N_GOLDEN = 17 };

static const struct golden {
    const char *name;
    enum bg_zapi_version version;
    const char *hex[N_GOLDEN];
} goldens[] = {
    { "8_2", BG_ZAPI_8_2, {
        /* hello */
        "0013fe060000000000121a0000000000000100",
        /* notify */
        "000bfe0600000000007c01",
        /* rid */
        "000cfe0600000000000f0001",
        /* iface */
        "000afe06000000000000",
        /* hole */
        "0028fe060000000700081a000000000001000000090102180a320000"
        "0100000007060001000003e9",
        /* via4 */
        "0034fe060000000700081a0000000000010000000f0102180a320000"
        "01000000070300ac100102000000051400000005000003e9",
        /* via6 */
        "003cfe060000000700081a00000000000100000001010a40fd766665"
        "000000000001000000070400fd766665000000000000000000000001"
        "00000000",
        /* table */
        "0028fe060000000000081a0001000000010000010101020000010000"
        "000001000000000500010000",
        /* delete */
        "001bfe060000000700091a000000000001000000000102180a3200",
        /* redist4 */
        "000efe0600000007000b01090000",
        /* redist6 */
        "000efe0600000007000c02090000",
        /* gr */
        "0016fe06000000000077000000010000007800000007",
        /* stale */
        "0016fe06000000000077000000050000012c00000007",
        /* complete */
        "001afe0600000000007700000002000000010000000100000007",
        /* disable */
        "0012fe060000000000770000000400000007",
        /* rule4 */
        "004efe0600000000005500000001000000010000012d000000010602"
        "100a010000000002100a020000000000000000000000000000000000"
        "0000000003e965313000000000000000000000000000",
        /* rule6 */
        "0066fe0600000000005600000001000000020000012e00000002000a"
        "40fd76666500000000000000000000000000000a0000000000000000"
        "0000000000000000000000b800000063000000000000000000000000"
        "03ea65313000000000000000000000000000",
    } },
    { "9_1", BG_ZAPI_9_1, {
        /* hello */
        "0013fe060000000000121a0000000000000100",
        /* notify */
        "000bfe0600000000007b01",
        /* rid */
        "000cfe0600000000000f0001",
        /* iface */
        "000afe06000000000000",
        /* hole */
        "0028fe060000000700081a000000000001000000090102180a320000"
        "0100000007060001000003e9",
        /* via4 */
        "0034fe060000000700081a0000000000010000000f0102180a320000"
        "01000000070300ac100102000000051400000005000003e9",
        /* via6 */
        "003cfe060000000700081a00000000000100000001010a40fd766665"
        "000000000001000000070400fd766665000000000000000000000001"
        "00000000",
        /* table */
        "0028fe060000000000081a0001000000010000010101020000010000"
        "000001000000000500010000",
        /* delete */
        "001bfe060000000700091a000000000001000000000102180a3200",
        /* redist4 */
        "000efe0600000007000b01090000",
        /* redist6 */
        "000efe0600000007000c02090000",
        /* gr */
        "0016fe06000000000076000000010000007800000007",
        /* stale */
        "0016fe06000000000076000000050000012c00000007",
        /* complete */
        "001afe0600000000007600000002000000010000000100000007",
        /* disable */
        "0012fe060000000000760000000400000007",
        /* rule4 */
        "0044fe060000000000540000000102000000010000012d0000000100"
        "0000230602100a01000002100a02000000000001000003e965313000"
        "000000000000000000000000",
        /* rule6 */
        "004efe06000000000055000000010a000000020000012e0000000200"
        "0001110a40fd766665000000000000000000000000b8000000630000"
        "0001000003ea65313000000000000000000000000000",
    } },
    { "10_0", BG_ZAPI_10_0, {
        /* hello */
        "0012fe060000000000131b00000000000000",
        /* notify */
        "000bfe0600000000007c01",
        /* rid */
        "000cfe060000000000100001",
        /* iface */
        "000afe06000000000000",
        /* hole */
        "0028fe060000000700091b000000000001000000090102180a320000"
        "0100000007060001000003e9",
        /* via4 */
        "0034fe060000000700091b0000000000010000000f0102180a320000"
        "01000000070300ac100102000000051400000005000003e9",
        /* via6 */
        "003cfe060000000700091b00000000000100000001010a40fd766665"
        "000000000001000000070400fd766665000000000000000000000001"
        "00000000",
        /* table */
        "0028fe060000000000091b0001000000010000010101020000010000"
        "000001000000000500010000",
        /* delete */
        "001bfe0600000007000a1b000000000001000000000102180a3200",
        /* redist4 */
        "000efe0600000007000c010a0000",
        /* redist6 */
        "000efe0600000007000d020a0000",
        /* gr */
        "0016fe06000000000077000000010000007800000007",
        /* stale */
        "0016fe06000000000077000000050000012c00000007",
        /* complete */
        "001afe0600000000007700000002000000010000000100000007",
        /* disable */
        "0012fe060000000000770000000400000007",
        /* rule4 */
        "0044fe060000000000550000000102000000010000012d0000000100"
        "0000230602100a01000002100a02000000000001000003e965313000"
        "000000000000000000000000",
        /* rule6 */
        "004efe06000000000056000000010a000000020000012e0000000200"
        "0001110a40fd766665000000000000000000000000b8000000630000"
        "0001000003ea65313000000000000000000000000000",
    } },
    { "10_2", BG_ZAPI_10_2, {
        /* hello */
        "0012fe060000000000131b00000000000000",
        /* notify */
        "000bfe0600000000007e01",
        /* rid */
        "000cfe060000000000100001",
        /* iface */
        "000afe06000000000000",
        /* hole */
        "0028fe060000000700091b000000000001000000090102180a320000"
        "0100000007060001000003e9",
        /* via4 */
        "0034fe060000000700091b0000000000010000000f0102180a320000"
        "01000000070300ac100102000000051400000005000003e9",
        /* via6 */
        "003cfe060000000700091b00000000000100000001010a40fd766665"
        "000000000001000000070400fd766665000000000000000000000001"
        "00000000",
        /* table */
        "0028fe060000000000091b0001000008010000010101020000010000"
        "000001000000000500010000",
        /* delete */
        "001bfe0600000007000a1b000000000001000000000102180a3200",
        /* redist4 */
        "000efe0600000007000c010a0000",
        /* redist6 */
        "000efe0600000007000d020a0000",
        /* gr */
        "0016fe06000000000079000000010000007800000007",
        /* stale */
        "0016fe06000000000079000000050000012c00000007",
        /* complete */
        "001afe0600000000007900000002000000010000000100000007",
        /* disable */
        "0012fe060000000000790000000400000007",
        /* rule4 */
        "0044fe060000000000540000000102000000010000012d0000000100"
        "0000230602100a01000002100a02000000000001000003e965313000"
        "000000000000000000000000",
        /* rule6 */
        "004efe06000000000055000000010a000000020000012e0000000200"
        "0001110a40fd766665000000000000000000000000b8000000630000"
        "0001000003ea65313000000000000000000000000000",
    } },
};

static struct vx_prefix
prefix(const char *s)
{
    struct vx_prefix p;

    assert_true(vx_prefix_parse(s, &p));
    return p;
}

static struct vx_ip
ip(const char *s)
{
    struct vx_ip a;

    assert_true(vx_ip_parse(s, &a));
    return a;
}

static size_t
unhex(const char *s, uint8_t *bytes)
{
    size_t n = strlen(s) / 2;

    for (size_t i = 0; i < n; i++) {
        char pair[3] = { s[i * 2], s[i * 2 + 1], 0 };

        bytes[i] = (uint8_t) strtoul(pair, NULL, 16);
    }
    return n;
}

static void
check_bytes(struct vx_buf *buf, const char *hex)
{
    uint8_t want[512];
    size_t size = unhex(hex, want);

    assert_int_equal(buf->size, size);
    assert_memory_equal(buf->data, want, size);
    vx_buf_clear(buf);
}

static void
put_routes(const struct bg_zapi_row *row, const struct golden *g,
           struct vx_buf *buf)
{
    static struct bg_zapi_route route;

    memset(&route, 0, sizeof route);
    route.proto = BG_PROTO_OPENFABRIC;
    route.flags = BG_ROUTE_FLAG_RECURSION;
    route.safi = BG_SAFI_UNICAST;
    route.prefix = prefix("10.50.0.0/24");
    route.has_tag = true;
    route.tag = 1001;
    route.n_nexthops = 1;
    route.nexthops[0] = (struct bg_nexthop) { .vrf_id = 7,
        .type = BG_NEXTHOP_BLACKHOLE };
    bg_zapi_put_route(row, BG_ZAPI_ROUTE_ADD, 7, &route, buf);
    check_bytes(buf, g->hex[4]);

    route.has_distance = route.has_metric = true;
    route.distance = 20;
    route.metric = 5;
    route.nexthops[0].type = BG_NEXTHOP_IPV4_IFINDEX;
    route.nexthops[0].ip = ip("172.16.1.2");
    route.nexthops[0].ifindex = 5;
    bg_zapi_put_route(row, BG_ZAPI_ROUTE_ADD, 7, &route, buf);
    check_bytes(buf, g->hex[5]);
    bg_zapi_put_route(row, BG_ZAPI_ROUTE_DELETE, 7, &route, buf);
    check_bytes(buf, g->hex[8]);

    route.has_distance = route.has_metric = route.has_tag = false;
    route.prefix = prefix("fd76:6665::/64");
    route.nexthops[0] = (struct bg_nexthop) { .vrf_id = 7,
        .type = BG_NEXTHOP_IPV6, .ip = ip("fd76:6665::1") };
    bg_zapi_put_route(row, BG_ZAPI_ROUTE_ADD, 7, &route, buf);
    check_bytes(buf, g->hex[6]);

    route.instance = 1;
    route.table_id = 65536;
    route.prefix = prefix("0.0.0.0/0");
    route.nexthops[0] = (struct bg_nexthop) { .type = BG_NEXTHOP_IFINDEX,
        .ifindex = 5 };
    bg_zapi_put_route(row, BG_ZAPI_ROUTE_ADD, 0, &route, buf);
    check_bytes(buf, g->hex[7]);
}

static void
put_gr(const struct bg_zapi_row *row, const struct golden *g,
       struct vx_buf *buf)
{
    struct bg_zapi_gr_msg gr = { BG_GR_CAPABILITIES, 7, 120, 4 };

    bg_zapi_put_gr(row, &gr, buf);
    check_bytes(buf, g->hex[11]);
    gr.what = BG_GR_STALE_TIME;
    gr.stale_s = 300;
    bg_zapi_put_gr(row, &gr, buf);
    check_bytes(buf, g->hex[12]);
    gr.what = BG_GR_COMPLETE;
    bg_zapi_put_gr(row, &gr, buf);
    check_bytes(buf, g->hex[13]);
    gr.what = BG_GR_DISABLE;
    bg_zapi_put_gr(row, &gr, buf);
    check_bytes(buf, g->hex[14]);
}

static void
put_rules(const struct bg_zapi_row *row, const struct golden *g,
          struct vx_buf *buf)
{
    struct bg_zapi_rule rule = {
        .unique = 1, .priority = 301, .table_id = 1001, .family = 4,
        .src = prefix("10.1.0.0/16"), .dst = prefix("10.2.0.0/16"),
        .ip_proto = 6, .device = "e10"
    };

    bg_zapi_put_rule(row, BG_ZAPI_RULE_ADD, &rule, buf);
    check_bytes(buf, g->hex[15]);
    rule = (struct bg_zapi_rule) {
        .unique = 2, .priority = 302, .table_id = 1002, .family = 6,
        .src = prefix("fd76:6665::/64"), .dscp = 46, .has_dscp = true,
        .fwmark = 99, .device = "e10"
    };
    bg_zapi_put_rule(row, BG_ZAPI_RULE_DELETE, &rule, buf);
    check_bytes(buf, g->hex[16]);
}

static void
says_the_golden_bytes_of_every_release(void **state)
{
    (void) state;
    struct vx_buf buf = VX_BUF_INIT;

    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        const struct golden *g = &goldens[i];
        const struct bg_zapi_row *row = bg_zapi_row(g->version);
        struct bg_zapi_hello hello = { BG_PROTO_OPENFABRIC, 0, true };
        struct bg_zapi_redistribute bgp = { 4, BG_PROTO_BGP, 0 };

        bg_zapi_put_hello(row, &hello, &buf);
        check_bytes(&buf, g->hex[0]);
        bg_zapi_put_notify_request(row, true, &buf);
        check_bytes(&buf, g->hex[1]);
        bg_zapi_put_router_id_add(row, 0, &buf);
        check_bytes(&buf, g->hex[2]);
        bg_zapi_put_interface_add(row, &buf);
        check_bytes(&buf, g->hex[3]);
        put_routes(row, g, &buf);
        bg_zapi_put_redistribute(row, BG_ZAPI_REDISTRIBUTE_ADD, 7, &bgp,
                                 &buf);
        check_bytes(&buf, g->hex[9]);
        bgp.family = 6;
        bg_zapi_put_redistribute(row, BG_ZAPI_REDISTRIBUTE_DELETE, 7, &bgp,
                                 &buf);
        check_bytes(&buf, g->hex[10]);
        put_gr(row, g, &buf);
        put_rules(row, g, &buf);
    }
    vx_buf_fini(&buf);
}

static void
a_probe_carries_its_cookie_as_the_vrf(void **state)
{
    (void) state;
    struct vx_buf buf = VX_BUF_INIT;

    bg_zapi_put_probe(0x7f000001, &buf);
    check_bytes(&buf, "000afe067f000001fffe");
    vx_buf_fini(&buf);
}

/* --- Reading. */

static struct bg_zapi_span
body_of(const char *hex, uint8_t *bytes)
{
    return (struct bg_zapi_span) { bytes, unhex(hex, bytes) };
}

static void
a_route_that_is_said_is_read_the_same(void **state)
{
    (void) state;
    static struct bg_zapi_route route;
    uint8_t bytes[512];
    struct bg_zapi_header header;

    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        const struct bg_zapi_row *row = bg_zapi_row(goldens[i].version);
        size_t size = unhex(goldens[i].hex[5], bytes);

        assert_true(bg_zapi_decode_header(bytes, &header, NULL));
        assert_int_equal(header.size, size);
        assert_int_equal(header.vrf_id, 7);
        assert_int_equal(bg_zapi_command_of(row, header.number),
                         BG_ZAPI_ROUTE_ADD);
        assert_true(bg_zapi_get_route(row, (struct bg_zapi_span) {
            bytes + 10, size - 10 }, &route, NULL));
        assert_int_equal(route.proto, BG_PROTO_OPENFABRIC);
        assert_int_equal(route.prefix.length, 24);
        assert_int_equal(route.distance, 20);
        assert_int_equal(route.metric, 5);
        assert_int_equal(route.tag, 1001);
        assert_int_equal(route.n_nexthops, 1);
        assert_int_equal(route.nexthops[0].ifindex, 5);
        assert_int_equal(route.nexthops[0].ip.b[3], 2);
        /* One byte less, or more, is not a route. */
        assert_false(bg_zapi_get_route(row, (struct bg_zapi_span) {
            bytes + 10, size - 11 }, &route, NULL));
        bytes[size] = 0;
        assert_false(bg_zapi_get_route(row, (struct bg_zapi_span) {
            bytes + 10, size - 9 }, &route, NULL));
    }
}

/* 10.9.0.0/16, two next hops with weights, distance, metric, MTU. */
static void
weights_of_both_widths_are_read(void **state)
{
    (void) state;
    static struct bg_zapi_route route;
    uint8_t bytes[512];

    /* Both under one row, since 10.0 and 10.1 have the same numbers. */
    const struct bg_zapi_row *row = bg_zapi_row(BG_ZAPI_10_0);
    assert_true(bg_zapi_get_route(row, body_of("0a0000""00000000""00000017"
        "0102100a09""0002"
        "00000007020401020304""00000000""00000005"
        "00000007020401020305""00000000""00000006"
        "c8""00000000""00000000", bytes), &route, NULL));
    assert_int_equal(route.n_nexthops, 2);
    assert_int_equal(route.nexthops[1].weight, 6);
    assert_int_equal(route.proto, BG_PROTO_BGP);
    assert_true(bg_zapi_get_route(row, body_of("0a0000""00000000""00000017"
        "0102100a09""0002"
        "00000007020401020304""00000000""0000000000000005"
        "00000007020401020305""00000000""0000000000000006"
        "c8""00000000""00000000", bytes), &route, NULL));
    assert_int_equal(route.nexthops[0].weight, 5);
    assert_int_equal(route.distance, 200);
}

static void
labels_are_skipped_in_both_layouts_of_8_2_to_9_0(void **state)
{
    (void) state;
    static struct bg_zapi_route route;
    const struct bg_zapi_row *row = bg_zapi_row(BG_ZAPI_8_2);
    uint8_t bytes[512];

    assert_true(bg_zapi_get_route(row, body_of("090000""00000000""00000013"
        "0102100a09""0001"
        "00000000020201020304""00000000""02""1000000011000000"
        "c8""00000000", bytes), &route, NULL));
    assert_int_equal(route.n_nexthops, 1);
    assert_true(bg_zapi_get_route(row, body_of("090000""00000000""00000013"
        "0102100a09""0001"
        "00000000020201020304""00000000""0203""1000000011000000"
        "c8""00000000", bytes), &route, NULL));
    assert_int_equal(route.distance, 200);
}

static void
capabilities_must_have_the_size_of_their_release(void **state)
{
    (void) state;
    static const struct {
        enum bg_zapi_version version;
        const char *hex;
    } good[] = {
        { BG_ZAPI_8_2, "00000001""01""00000100""00" },
        { BG_ZAPI_9_1, "00000001""01""00000100""00""00" },
        { BG_ZAPI_10_0, "00000001""01""00000100""00""00" },
        { BG_ZAPI_10_2, "00000001""01""00000100""00""00""00" },
        { BG_ZAPI_10_2, "01""01""00000100""00""00""00" },
    };
    struct bg_zapi_capabilities caps;
    struct vx_error err;
    uint8_t bytes[64];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const struct bg_zapi_row *row = bg_zapi_row(good[i].version);
        struct bg_zapi_span body = body_of(good[i].hex, bytes);

        assert_true(bg_zapi_get_capabilities(row, body, &caps, &err));
        assert_true(caps.is_netns && caps.has_mpls);
        assert_int_equal(caps.n_ecmp, 256);
        body.size = 8;
        assert_false(bg_zapi_get_capabilities(row, body, &caps, &err));
        assert_non_null(strstr(err.message, row->name));
        assert_non_null(strstr(err.message, bg_zapi_known()));
    }
    assert_false(bg_zapi_get_capabilities(bg_zapi_row(BG_ZAPI_8_2),
        body_of("00000002""01""00000100""00", bytes), &caps, &err));
}

static void
notes_are_read_with_and_without_a_source_prefix(void **state)
{
    (void) state;
    struct bg_zapi_route_note note;
    uint8_t bytes[64];
    struct bg_zapi_span body;

    /* The first four bytes are in the order of the machine. */
    body = body_of("00000000""02180a320000""000000fe""0101", bytes);
    bytes[0] = bytes[1] = bytes[2] = bytes[3] = 0;
    memcpy(bytes, &(uint32_t) { BG_NOTE_INSTALLED }, 4);
    assert_true(bg_zapi_get_route_note(body, &note, NULL));
    assert_int_equal(note.note, BG_NOTE_INSTALLED);
    assert_int_equal(note.table_id, 254);
    assert_int_equal(note.prefix.length, 24);
    body = body_of("00000000""02180a320000""0000000000""000000fe""0101",
                   bytes);
    memcpy(bytes, &(uint32_t) { BG_NOTE_REMOVED }, 4);
    assert_true(bg_zapi_get_route_note(body, &note, NULL));
    assert_int_equal(note.note, BG_NOTE_REMOVED);
    assert_int_equal(note.table_id, 254);
    bytes[10] = 8;              /* a route by source: not ours */
    assert_false(bg_zapi_get_route_note(body, &note, NULL));
    bytes[10] = 0;
    memcpy(bytes, &(uint32_t) { BG_N_NOTES }, 4);
    assert_false(bg_zapi_get_route_note(body, &note, NULL));
}

static void
a_vrf_and_an_interface_are_read(void **state)
{
    (void) state;
    struct bg_zapi_vrf vrf;
    struct bg_zapi_interface interface;
    uint8_t body[76] = { 0 }, iface[80] = { 0 };
    uint32_t ifindex;

    memcpy(body, &(uint32_t) { 1001 }, 4);
    memcpy(body + 4, "vx5001", 6);
    memcpy(body + 40, "vx5001", 6);
    assert_true(bg_zapi_get_vrf((struct bg_zapi_span) { body, 76 }, &vrf,
                                NULL));
    assert_string_equal(vrf.name, "vx5001");
    assert_int_equal(vrf.table_id, 1001);
    assert_false(bg_zapi_get_vrf((struct bg_zapi_span) { body, 75 }, &vrf,
                                 NULL));
    memset(body + 40, 'x', 36);         /* no end */
    assert_false(bg_zapi_get_vrf((struct bg_zapi_span) { body, 76 }, &vrf,
                                 NULL));
    memset(body + 40, 0, 36);
    memcpy(body + 40, "a\nb", 3);       /* forges lines */
    assert_false(bg_zapi_get_vrf((struct bg_zapi_span) { body, 76 }, &vrf,
                                 NULL));

    memcpy(iface, "leg", 3);
    iface[19] = 9;
    iface[28] = 0x41;                   /* IFF_UP, IFF_RUNNING */
    iface[41] = 0x05;                   /* MTU 1450 */
    iface[42] = 0xaa;
    assert_true(bg_zapi_get_interface(bg_zapi_row(BG_ZAPI_8_2),
        (struct bg_zapi_span) { iface, sizeof iface }, &interface, NULL));
    assert_string_equal(interface.name, "leg");
    assert_int_equal(interface.ifindex, 9);
    assert_true(interface.is_up);
    assert_int_equal(interface.mtu, 1450);
    assert_false(bg_zapi_get_interface(bg_zapi_row(BG_ZAPI_8_2),
        (struct bg_zapi_span) { iface, 30 }, &interface, NULL));

    /* An address of it: what follows is not looked at. */
    assert_true(bg_zapi_get_address((struct bg_zapi_span) { iface + 16, 12 },
                                    &ifindex, NULL));
    assert_int_equal(ifindex, 9);
    assert_false(bg_zapi_get_address((struct bg_zapi_span) { iface + 16, 3 },
                                     &ifindex, NULL));
}

static void
what_is_not_the_zebra_api_is_refused_with_the_versions_known(void **state)
{
    (void) state;
    struct bg_zapi_header header;
    struct vx_error err;
    uint8_t bytes[16];

    unhex("000aff0600000000fffe", bytes);
    assert_false(bg_zapi_decode_header(bytes, &header, &err));
    unhex("000afe0500000000fffe", bytes);
    assert_false(bg_zapi_decode_header(bytes, &header, &err));
    assert_non_null(strstr(err.message, "version 5"));
    assert_non_null(strstr(err.message, "10.2 to 10.7"));
    unhex("0009fe0600000000fffe", bytes);
    assert_false(bg_zapi_decode_header(bytes, &header, &err));
    unhex("4001fe0600000000fffe", bytes);
    assert_false(bg_zapi_decode_header(bytes, &header, &err));
    assert_non_null(strstr(err.message, "16385"));
}

static void
the_other_messages_are_read(void **state)
{
    (void) state;
    const struct bg_zapi_row *row = bg_zapi_row(BG_ZAPI_8_2);
    struct bg_zapi_rule_note rule;
    struct bg_zapi_close closed;
    struct vx_ip id;
    uint8_t bytes[64];
    uint32_t code;

    assert_true(bg_zapi_get_close(row, body_of("09""0000""00000000", bytes),
                                  &closed, NULL));
    assert_int_equal(closed.proto, BG_PROTO_BGP);
    assert_false(bg_zapi_get_close(row, body_of("09""0000""0000", bytes),
                                   &closed, NULL));
    assert_true(bg_zapi_get_error(body_of("00000000", bytes), &code, NULL));
    assert_false(bg_zapi_get_error(body_of("0000000000", bytes), &code,
                                   NULL));
    assert_true(bg_zapi_get_router_id(body_of("02c000020120", bytes), &id,
                                      NULL));
    assert_int_equal(id.b[0], 192);
    assert_true(bg_zapi_get_rule_note(body_of(
        "00000000""00000001""0000012d""00000009"
        "65313000000000000000000000000000", bytes), &rule, NULL));
    assert_int_equal(rule.unique, 9);
    assert_int_equal(rule.note, BG_RULE_NOTE_FAIL);
}

static void
every_number_has_one_meaning_per_release(void **state)
{
    (void) state;

    for (int v = 0; v < BG_ZAPI_N_ROWS; v++) {
        const struct bg_zapi_row *row = bg_zapi_row((enum bg_zapi_version) v);

        for (int i = 0; i < BG_ZAPI_N_COMMANDS; i++) {
            assert_int_equal(bg_zapi_command_of(row, row->commands[i]), i);
            assert_string_not_equal(
                bg_zapi_command_name((enum bg_zapi_command) i), "OTHER");
        }
        for (int i = 0; i < BG_N_PROTOS; i++) {
            assert_int_equal(bg_proto_of(row, row->protos[i]), i);
        }
        assert_int_equal(bg_zapi_command_of(row, BG_ZAPI_PROBE),
                         BG_ZAPI_OTHER);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_the_golden_bytes_of_every_release),
        cmocka_unit_test(a_probe_carries_its_cookie_as_the_vrf),
        cmocka_unit_test(a_route_that_is_said_is_read_the_same),
        cmocka_unit_test(weights_of_both_widths_are_read),
        cmocka_unit_test(labels_are_skipped_in_both_layouts_of_8_2_to_9_0),
        cmocka_unit_test(capabilities_must_have_the_size_of_their_release),
        cmocka_unit_test(notes_are_read_with_and_without_a_source_prefix),
        cmocka_unit_test(a_vrf_and_an_interface_are_read),
        cmocka_unit_test(
            what_is_not_the_zebra_api_is_refused_with_the_versions_known),
        cmocka_unit_test(the_other_messages_are_read),
        cmocka_unit_test(every_number_has_one_meaning_per_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
