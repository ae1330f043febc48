/* SPDX-License-Identifier: Apache-2.0 */
/* What peers tell, as the controller is told of it: whose it is, what is
 * refused, and that the controller ends up with what there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bgp/bgp_flowspec.h"
#include "gateway/feed_codec.h"
#include "gateway/learned.h"
#include "gateway/left_out.h"
#include "gateway/limits.h"
#include "gateway/report.h"
#include "gateway/sessions.h"
#include "gateway/speaker.h"
#include "lib/xalloc.h"

/* --- Entries. */

static void
entry(struct vx_gw_entries *entries, const char *type, const char *key,
      const char *value)
{
    char *text = vx_xasprintf("{\"seq\":1,\"type\":\"%s\",\"key\":\"%s\","
                              "\"value\":%s}", type, key, value);
    struct vx_gw_line line;
    struct vx_error err = { 0 };

    assert_true(vx_gw_line_parse(text, strlen(text), &line, &err));
    if (line.kind != VX_GW_LINE_ENTRY) {
        print_message("%s\n", err.message);
    }
    assert_int_equal(line.kind, VX_GW_LINE_ENTRY);
    vx_gw_entries_set(entries, line.type, line.key, 1, line.value, text,
                      strlen(text));
    line.value = NULL;
    vx_gw_line_fini(&line);
    free(text);
}

static void
add_tenant(struct vx_gw_entries *entries, const char *name, unsigned vni,
           const char *import)
{
    char *value = vx_xasprintf(
        "{\"vrf\":\"vx%u\",\"vni\":%u,\"import\":[\"%s\"],\"mtu\":1450,"
        "\"leg\":{\"iface_id\":\"i\",\"mac\":\"0a:00:00:00:00:01\",\"ips\":"
        "[],\"gateways\":[]}}", vni, vni, import);

    entry(entries, "tenant", name, value);
    free(value);
}

static void
add_prefix(struct vx_gw_entries *entries, const char *name,
           const char *prefix)
{
    char *key = vx_xasprintf("%s %s", name, prefix);
    char *value = vx_xasprintf("{\"tenant\":\"%s\",\"prefix\":\"%s\","
                               "\"why\":\"subnet\"}", name, prefix);

    entry(entries, "prefix", key, value);
    free(key);
    free(value);
}

static struct vx_gw_entries *
fabric(void)
{
    struct vx_gw_entries *entries = vx_gw_entries_new();

    entry(entries, "gateway", "g1", "{\"name\":\"g1\",\"as\":65001,"
          "\"router_id\":\"192.0.2.1\",\"vtep\":\"192.0.2.1\",\"host\":\"h\""
          "}");
    add_tenant(entries, "acme", 5001, "65001:5001");
    add_tenant(entries, "beta", 5002, "65009:1");
    entry(entries, "network", "acme/web", "{\"tenant\":\"acme\",\"vni\":7001,"
          "\"import\":[\"65001:7001\"]}");
    entry(entries, "vtep", "7001 192.0.2.11",
          "{\"vni\":7001,\"vtep\":\"192.0.2.11\"}");
    entry(entries, "peering", "up1", "{\"gateway\":\"g1\",\"peer\":"
          "\"192.0.2.9\",\"peer_as\":65002,\"families\":[\"evpn\","
          "\"flowspec\"],\"flowspec_in\":true}");
    entry(entries, "peering", "up2", "{\"gateway\":\"g1\",\"peer\":"
          "\"192.0.2.8\",\"peer_as\":65003,\"families\":[\"flowspec\"]}");
    add_prefix(entries, "acme", "10.0.0.0/16");
    return entries;
}

/* --- Paths. */

struct path {
    struct bg_nlri nlri;
    struct bg_attrs attrs;
};

static struct path
path(enum bg_family family, const char *rt)
{
    struct path p = { .nlri = { .family = family } };
    struct bg_ext ext;

    bg_attrs_init(&p.attrs);
    p.attrs.as_path[p.attrs.n_as++] = 65002;
    if (rt) {
        assert_true(bg_rt_parse(rt, &ext));
        bg_attrs_add_ext(&p.attrs, ext);
    }
    return p;
}

static struct path
type2(const char *rt, uint32_t vni, const char *vtep, uint32_t seq)
{
    struct path p = path(BG_EVPN, rt);

    p.nlri.evpn.type = BG_EVPN_MAC;
    p.nlri.evpn.mac.b[0] = 2;
    p.nlri.evpn.mac.b[5] = 9;
    p.nlri.evpn.vni = vni;
    vx_ip_parse(vtep, &p.attrs.next_hop);
    if (seq) {
        bg_attrs_add_ext(&p.attrs, bg_ext_mobility(seq, false));
    }
    return p;
}

static struct path
flow(const char *dst, const struct bg_flow_action *action)
{
    struct path p = path(BG_FLOW4, NULL);
    struct bg_flow_rule rule = { .family = 4 };
    struct vx_error err;

    vx_prefix_parse(dst, &rule.dst);
    bg_flow_set_add(&rule.proto, 6, 6);
    bg_flow_set_add(&rule.dport, 80, 90);
    assert_true(bg_flow_encode(&rule, &p.nlri.flow, &err));
    bg_flow_put_action(action, &p.attrs);
    return p;
}

static void
add_rt(struct path *p, const char *rt)
{
    struct bg_ext ext;

    assert_true(bg_rt_parse(rt, &ext));
    bg_attrs_add_ext(&p->attrs, ext);
}

static struct vx_gw_heard heard[4];

static size_t
hear(const struct vx_gw_entries *entries, const struct path *p,
     struct vx_error *err)
{
    size_t n = 99;

    for (size_t i = 0; i < 4; i++) {
        free(heard[i].rule);
        heard[i].rule = NULL;
    }
    err->message[0] = '\0';
    vx_gw_hear(entries, &p->nlri, &p->attrs, heard, 4, &n, err);
    return n;
}

static void
type_2_is_of_the_network_that_imports_its_target(void **state)
{
    struct vx_gw_entries *entries = fabric();
    struct vx_error err;
    struct path p = type2("65001:7001", 7001, "192.0.2.99", 4);

    (void) state;
    assert_int_equal(hear(entries, &p, &err), 1);
    assert_int_equal(heard[0].type, VX_GW_LEARNED_ENDPOINT);
    assert_int_equal(heard[0].vni, 7001);
    assert_int_equal(heard[0].seq, 4);
    /* Automatic: the VNI counts, not the AS. */
    p = type2("64999:7001", 7001, "192.0.2.99", 0);
    assert_int_equal(hear(entries, &p, &err), 1);
    p = type2("65001:7002", 7001, "192.0.2.99", 0);
    assert_int_equal(hear(entries, &p, &err), 0);
    p = type2("65001:7001", 7005, "192.0.2.99", 0);
    assert_int_equal(hear(entries, &p, &err), 0);
    assert_string_equal(err.field, "vni");
    vx_gw_entries_free(entries);
}

static void
own_hosts_are_left_out(void **state)
{
    struct vx_gw_entries *entries = fabric();
    struct vx_error err;
    struct path p = type2("65001:7001", 7001, "192.0.2.11", 0);

    (void) state;
    assert_int_equal(hear(entries, &p, &err), 0);
    p = type2("65001:7001", 7001, "192.0.2.1", 0);
    assert_int_equal(hear(entries, &p, &err), 0);
    vx_gw_entries_free(entries);
}

static void
type_5_needs_a_router_mac_and_the_tenants_vni(void **state)
{
    struct vx_gw_entries *entries = fabric();
    struct vx_mac mac = { { 2, 0, 0, 0, 0, 7 } };
    struct vx_error err;
    struct path p = path(BG_EVPN, "65009:1");

    (void) state;
    p.nlri.evpn.type = BG_EVPN_PREFIX;
    p.nlri.evpn.vni = 5002;
    vx_prefix_parse("192.168.0.0/16", &p.nlri.evpn.prefix);
    vx_ip_parse("192.0.2.99", &p.attrs.next_hop);
    assert_int_equal(hear(entries, &p, &err), 0);
    bg_attrs_add_ext(&p.attrs, bg_ext_router_mac(&mac));
    assert_int_equal(hear(entries, &p, &err), 1);
    assert_string_equal(heard[0].tenant, "beta");
    p.nlri.evpn.vni = 5001;
    assert_int_equal(hear(entries, &p, &err), 0);
    /* An explicit target is not taken for the VNI behind its colon. */
    p = path(BG_EVPN, "65001:5002");
    p.nlri.evpn.type = BG_EVPN_PREFIX;
    p.nlri.evpn.vni = 5002;
    vx_prefix_parse("192.168.0.0/16", &p.nlri.evpn.prefix);
    vx_ip_parse("192.0.2.99", &p.attrs.next_hop);
    bg_attrs_add_ext(&p.attrs, bg_ext_router_mac(&mac));
    assert_int_equal(hear(entries, &p, &err), 0);
    vx_gw_entries_free(entries);
}

static void
flowspec_is_of_the_tenant_that_has_the_destination(void **state)
{
    const struct bg_flow_action drop = { .has_rate = true };
    struct vx_gw_entries *entries = fabric();
    struct vx_error err;
    struct path p = flow("10.0.7.0/24", &drop);

    (void) state;
    assert_int_equal(hear(entries, &p, &err), 1);
    assert_string_equal(heard[0].tenant, "acme");
    assert_string_equal(heard[0].from, "up1");
    assert_string_equal(heard[0].rule,
                        "{\"match\":{\"dst\":\"10.0.7.0/24\",\"proto\":6,"
                        "\"dport\":\"80-90\"},\"action\":{\"type\":\"drop\"}"
                        "}");
    p = flow("10.1.0.0/24", &drop);             /* nobody's */
    assert_int_equal(hear(entries, &p, &err), 0);
    p = flow("10.0.0.0/8", &drop);              /* more than the tenant's */
    assert_int_equal(hear(entries, &p, &err), 0);
    add_prefix(entries, "beta", "10.0.0.0/16");
    p = flow("10.0.7.0/24", &drop);             /* whose of the two? */
    assert_int_equal(hear(entries, &p, &err), 0);
    assert_non_null(strstr(err.message, "a prefix of several tenants, and no "
                                        "route target tells whose"));
    add_rt(&p, "65009:1");                      /* beta's */
    assert_int_equal(hear(entries, &p, &err), 1);
    assert_string_equal(heard[0].tenant, "beta");
    /* Of one tenant's prefix by the other's route target. */
    add_prefix(entries, "acme", "10.7.0.0/16");
    p = flow("10.7.0.0/24", &drop);
    add_rt(&p, "65009:1");
    assert_int_equal(hear(entries, &p, &err), 0);
    assert_int_equal(err.code, VX_FORBIDDEN);
    assert_non_null(strstr(err.message, "no announced prefix of the tenant"));
    vx_gw_entries_free(entries);
}

static void
flowspec_of_strangers_is_refused(void **state)
{
    const struct bg_flow_action drop = { .has_rate = true };
    struct vx_gw_entries *entries = fabric();
    struct vx_error err;
    struct path p = flow("10.0.7.0/24", &drop);

    (void) state;
    p.attrs.as_path[0] = 65003;                 /* a peer, not trusted */
    assert_int_equal(hear(entries, &p, &err), 0);
    assert_int_equal(err.code, VX_FORBIDDEN);
    p.attrs.as_path[0] = 65077;
    assert_int_equal(hear(entries, &p, &err), 0);
    p.attrs.n_as = 0;
    assert_int_equal(hear(entries, &p, &err), 0);
    vx_gw_entries_free(entries);
}

/* The reflector puts the mark in the place of what the peer has sent. */
static void
mark(struct path *p, const char *peer)
{
    struct bg_large large = { { VX_GW_HEARD_TAG, 0, 0 } };
    struct vx_ip ip;

    assert_true(vx_ip_parse(peer, &ip));
    vx_gw_peer_mark(&ip, large.b + 1);
    p->attrs.n_large = 0;
    assert_true(bg_attrs_add_large(&p->attrs, large));
}

static void
a_mark_tells_the_peering_whatever_the_path_says(void **state)
{
    const struct bg_flow_action drop = { .has_rate = true };
    struct vx_gw_entries *entries = fabric();
    struct vx_error err;
    struct path p = flow("10.0.7.0/24", &drop);

    (void) state;
    mark(&p, "192.0.2.8");                      /* up2: not trusted */
    assert_int_equal(hear(entries, &p, &err), 0);
    assert_int_equal(err.code, VX_FORBIDDEN);
    p.attrs.as_path[0] = 65077;
    mark(&p, "192.0.2.9");
    assert_int_equal(hear(entries, &p, &err), 1);
    assert_string_equal(heard[0].from, "up1");
    p = type2("65001:7001", 7001, "192.0.2.99", 0);
    assert_int_equal(hear(entries, &p, &err), 1);
    assert_string_equal(heard[0].from, "");
    mark(&p, "192.0.2.9");
    assert_int_equal(hear(entries, &p, &err), 1);
    assert_string_equal(heard[0].from, "up1");
    mark(&p, "2001:db8::9");                    /* nobody's */
    assert_null(vx_gw_marked_peering(entries, &p.attrs));
    vx_gw_entries_free(entries);
}

static bool
takes(struct vx_gw_limits *limits, struct path *p, uint8_t n,
      const char *peering, size_t limit)
{
    p->nlri.evpn.mac.b[5] = n;
    return vx_gw_limits_take(limits, &p->nlri, peering, limit);
}

static bool
drops(struct vx_gw_limits *limits, struct path *p, uint8_t n)
{
    p->nlri.evpn.mac.b[5] = n;
    return vx_gw_limits_drop(limits, &p->nlri);
}

static void
no_more_is_taken_than_the_limit_and_who_was_first_stays(void **state)
{
    struct vx_gw_limits *limits = vx_gw_limits_new();
    struct path p = type2("65001:7001", 7001, "192.0.2.99", 0);

    (void) state;
    for (uint8_t i = 0; i < 10; i++) {
        assert_int_equal(takes(limits, &p, i, "up1", 3), i < 3);
    }
    assert_int_equal(vx_gw_limits_over(limits, "up1", BG_EVPN), 7);
    assert_int_equal(vx_gw_limits_over(limits, "up1", BG_FLOW4), 0);
    assert_true(takes(limits, &p, 0, "up1", 3));        /* said again */
    assert_false(takes(limits, &p, 9, "up1", 3));
    assert_true(takes(limits, &p, 20, "up2", 3));       /* by another */
    assert_false(drops(limits, &p, 9));         /* was not taken */
    assert_false(drops(limits, &p, 77));
    assert_true(drops(limits, &p, 1));
    assert_true(takes(limits, &p, 5, "up1", 3));
    assert_false(takes(limits, &p, 1, "up1", 3));
    /* Lower: those that are looked at first go. */
    assert_false(takes(limits, &p, 0, "up1", 2));
    assert_true(takes(limits, &p, 2, "up1", 2));
    assert_true(takes(limits, &p, 5, "up1", 2));
    for (uint8_t i = 0; i < 10; i++) {
        assert_int_equal(takes(limits, &p, i, "up1", 100), true);
    }
    assert_int_equal(vx_gw_limits_over(limits, "up1", BG_EVPN), 0);
    /* The peering is another one. */
    assert_true(takes(limits, &p, 0, "up2", 2));
    assert_false(takes(limits, &p, 1, "up2", 2));
    assert_int_equal(vx_gw_limits_over(limits, "up2", BG_EVPN), 1);
    vx_gw_limits_free(limits);
}

static void
each_gateways_speaker_has_an_id_of_its_own(void **state)
{
    static const char *const ids[][2] = {
        { "192.0.2.1", "127.192.2.1" }, { "192.0.2.2", "127.192.2.2" },
        { "10.0.2.1", "127.10.2.1" }, { "127.1.2.3", "127.126.2.3" },
    };
    char text[VX_IP_STRLEN];

    (void) state;
    for (size_t i = 0; i < 4; i++) {
        struct vx_ip ip, id;

        assert_true(vx_ip_parse(ids[i][0], &ip));
        vx_gw_speaker_id(&ip, &id);
        assert_string_equal(vx_ip_format(&id, text), ids[i][1]);
    }
}

static void
flowspec_is_never_made_broader(void **state)
{
    const struct bg_flow_action drop = { .has_rate = true };
    const struct bg_flow_action both = { .has_rate = true, .has_mark = true };
    struct bg_flow_rule rule = { .family = 4 };
    struct vx_gw_entries *entries = fabric();
    struct vx_error err;
    struct path p = flow("10.0.7.0/24", &both);

    (void) state;
    assert_int_equal(hear(entries, &p, &err), 0);
    p = flow("10.0.7.0/24", &drop);
    vx_prefix_parse("10.0.7.0/24", &rule.dst);
    bg_flow_set_add(&rule.length, 0, 100);
    assert_true(bg_flow_encode(&rule, &p.nlri.flow, &err));
    assert_int_equal(hear(entries, &p, &err), 0);
    assert_string_equal(err.field, "match");
    vx_gw_entries_free(entries);
}

static void
what_is_refused_may_lack_what_was_not_read(void **state)
{
    struct vx_gw_entries *entries = fabric();
    struct path p = path(BG_EVPN, "65009:1");
    struct vx_error err;

    (void) state;
    p.nlri.evpn.type = BG_EVPN_PREFIX;
    assert_true(vx_ip_parse("198.51.100.7", &p.attrs.next_hop));
    vx_prefix_parse("192.168.0.0/16", &p.nlri.evpn.prefix);
    assert_int_equal(hear(entries, &p, &err), 0);
    assert_null(strstr(err.message, "than are read"));
    p.attrs.truncated = true;
    assert_int_equal(hear(entries, &p, &err), 0);
    assert_non_null(strstr(err.message, "than are read (64 of a kind)"));
    assert_int_equal(err.code, VX_INVALID);
    vx_gw_entries_free(entries);
}

static void
what_is_left_out_is_told_with_its_reason_until_it_is_gone(void **state)
{
    struct vx_gw_left_out *left_out = vx_gw_left_out_new();
    struct vx_buf out = VX_BUF_INIT;
    struct vx_gw_entries *entries = fabric();
    struct vx_error err;
    struct path p = path(BG_EVPN, "65009:1");
    const struct vx_gw_left_out_path from = { &p.nlri, &p.attrs, entries };
    unsigned n = 0;

    (void) state;
    p.nlri.evpn.type = BG_EVPN_PREFIX;
    vx_prefix_parse("192.168.0.0/16", &p.nlri.evpn.prefix);
    vx_gw_left_out_put(left_out, &out);
    assert_int_equal(out.size, 0);
    /* What nobody imports does not push away what somebody might miss. */
    vx_fail(&err, VX_NOT_FOUND, "rt", "no tenant imports it");
    for (uint16_t i = 0; i < 2000; i++) {
        vx_gw_left_out_set(left_out, &i, sizeof i, &from, &err);
    }
    vx_fail(&err, VX_INVALID, "router-mac", "it needs a \"router MAC\"");
    vx_gw_left_out_set(left_out, "a", 1, &from, &err);
    vx_gw_left_out_set(left_out, "a", 1, &from, &err);
    vx_fail(&err, VX_EXISTS, "vtep", "a host of this fabric");
    vx_gw_left_out_set(left_out, "b", 1, &from, &err);
    assert_int_equal(vx_gw_left_out_count(left_out), 2002);
    vx_gw_left_out_put(left_out, &out);
    assert_int_equal(strncmp(vx_buf_str(&out), "{\"type\":\"route5\","
                             "\"tenants\":[\"beta\"],", 36), 0);
    assert_non_null(strstr(vx_buf_str(&out), "192.168.0.0/16"));
    assert_non_null(strstr(vx_buf_str(&out), "a \\\"router MAC\\\"\"}"));
    assert_null(strstr(vx_buf_str(&out), "host of this fabric"));
    for (const char *s = vx_buf_str(&out); (s = strstr(s, "\"why\"")); s++) {
        n++;
    }
    assert_int_equal(n, VX_GW_LEFT_OUT_TOLD);
    vx_gw_left_out_unset(left_out, "a", 1);
    vx_buf_clear(&out);
    vx_gw_left_out_put(left_out, &out);
    assert_null(strstr(vx_buf_str(&out), "router MAC"));
    vx_gw_left_out_clear(left_out);
    assert_int_equal(vx_gw_left_out_count(left_out), 0);
    vx_buf_fini(&out);
    vx_gw_left_out_free(left_out);
    vx_gw_entries_free(entries);
}

/* "acme,beta": the names only. */
static char *
whose(const struct vx_gw_entries *entries, const struct path *p)
{
    struct vx_buf out = VX_BUF_INIT;
    char *names, *to;

    vx_gw_whose(entries, &p->nlri, &p->attrs, &out);
    names = to = strdup(vx_buf_str(&out));
    for (const char *c = vx_buf_str(&out); *c; c++) {
        if (*c != '"') {
            *to++ = *c;
        }
    }
    *to = '\0';
    vx_buf_fini(&out);
    return names;
}

static void
check_whose(const struct vx_gw_entries *entries, const struct path *p,
            const char *want)
{
    char *names = whose(entries, p);

    assert_string_equal(names, want);
    free(names);
}

static void
whose_a_path_is_its_targets_say_or_its_destination(void **state)
{
    struct vx_gw_entries *entries = fabric();
    struct bg_flow_rule rule = { .family = 4 };
    struct path p = path(BG_EVPN, "65001:7001");
    struct vx_error err;

    (void) state;
    p.nlri.evpn.type = BG_EVPN_MAC;
    check_whose(entries, &p, "acme");
    p.nlri.evpn.type = BG_EVPN_PREFIX;
    check_whose(entries, &p, "");
    p = path(BG_VPNV4, "65001:5001");
    check_whose(entries, &p, "acme");
    p = path(BG_VPNV6, "65009:1");
    check_whose(entries, &p, "beta");
    p = path(BG_FLOW4, NULL);
    vx_prefix_parse("10.0.7.0/24", &rule.dst);
    assert_true(bg_flow_encode(&rule, &p.nlri.flow, &err));
    check_whose(entries, &p, "acme");
    add_prefix(entries, "beta", "10.0.7.0/24");
    check_whose(entries, &p, "acme,beta");
    p = path(BG_FLOW4, "65009:1");
    assert_true(bg_flow_encode(&rule, &p.nlri.flow, &err));
    check_whose(entries, &p, "beta");
    vx_prefix_parse("192.0.2.0/24", &rule.dst);
    p = path(BG_FLOW4, NULL);
    assert_true(bg_flow_encode(&rule, &p.nlri.flow, &err));
    check_whose(entries, &p, "");
    vx_gw_entries_free(entries);
}

/* --- Routes of the VRF. */

static void
assert_peering(const struct vx_gw_entries *entries, const char *nexthop,
               const char *want)
{
    const struct vx_gw_entry *found;
    struct vx_ip ip;

    assert_true(vx_ip_parse(nexthop, &ip));
    found = vx_gw_peering_of(entries, "acme", &ip);
    assert_string_equal(found ? found->key : "", want);
}

static void
next_hop_is_of_the_peering_on_whose_link_it_is(void **state)
{
    struct vx_gw_entries *entries = fabric();

    (void) state;
    entry(entries, "peering", "acme/ce1", "{\"gateway\":\"g1\",\"peer\":"
          "\"10.9.1.2\",\"peer_as\":65010,\"families\":[\"ipv4\","
          "\"ipv6\"],\"device\":\"d1\",\"local\":[\"10.9.1.1/24\","
          "\"fd09:1::1/64\"]}");
    assert_peering(entries, "10.9.1.2", "acme/ce1");
    assert_peering(entries, "10.9.1.7", "acme/ce1");
    assert_peering(entries, "fd09:1::2", "acme/ce1");
    assert_peering(entries, "fe80::2", "acme/ce1");
    assert_peering(entries, "10.9.2.2", "");
    entry(entries, "peering", "acme/ce2", "{\"gateway\":\"g1\",\"peer\":"
          "\"10.9.2.2\",\"peer_as\":65010,\"families\":[\"ipv4\","
          "\"ipv6\"],\"device\":\"d2\",\"local\":[\"10.9.2.1/24\","
          "\"fd09:2::1/64\"]}");
    assert_peering(entries, "fd09:2::2", "acme/ce2");
    assert_peering(entries, "fe80::2", "");
    vx_gw_entries_free(entries);
}

/* --- The table. */

static void
changed(void *n)
{
    ++*(unsigned *) n;
}

static struct vx_gw_heard
endpoint(const char *ip, const char *vtep, uint32_t seq)
{
    struct vx_gw_heard h = { .type = VX_GW_LEARNED_ENDPOINT, .vni = 7001,
                             .mac = { { 2, 0, 0, 0, 0, 9 } }, .seq = seq };

    vx_ip_parse(vtep, &h.vtep);
    if (ip) {
        vx_ip_parse(ip, &h.ip);
    }
    return h;
}

static char *
next(struct vx_gw_learned *learned)
{
    struct vx_buf out = VX_BUF_INIT;

    vx_gw_learned_next(learned, 100000, &out);
    return vx_buf_steal(&out);
}

static void
assert_next(struct vx_gw_learned *learned, const char *want)
{
    char *text = next(learned);

    assert_string_equal(text, want);
    free(text);
}

static void
endpoint_moves_with_the_highest_sequence(void **state)
{
    unsigned n = 0;
    struct vx_gw_learned *learned = vx_gw_learned_new(changed, &n);
    struct vx_gw_heard h = endpoint(NULL, "192.0.2.98", 0);

    (void) state;
    vx_gw_learned_set(learned, "a", 1, &h, 1);
    h = endpoint("10.0.0.9", "192.0.2.98", 0);
    vx_gw_learned_set(learned, "b", 1, &h, 1);
    h = endpoint("10.0.0.8", "192.0.2.99", 1);
    vx_gw_learned_set(learned, "c", 1, &h, 1);
    assert_next(learned, "\"learned\":[{\"type\":\"endpoint\",\"vni\":7001,"
                "\"mac\":\"02:00:00:00:00:09\",\"ips\":[\"10.0.0.8\"],"
                "\"vtep\":\"192.0.2.99\",\"seq\":1}],\"gone\":[]");
    vx_gw_learned_taken(learned);
    vx_gw_learned_unset(learned, "c", 1);
    assert_next(learned, "\"learned\":[{\"type\":\"endpoint\",\"vni\":7001,"
                "\"mac\":\"02:00:00:00:00:09\",\"ips\":[\"10.0.0.9\"],"
                "\"vtep\":\"192.0.2.98\",\"seq\":0}],\"gone\":[]");
    vx_gw_learned_taken(learned);
    vx_gw_learned_unset(learned, "a", 1);
    vx_gw_learned_unset(learned, "b", 1);
    assert_next(learned, "\"learned\":[],\"gone\":[{\"type\":\"endpoint\","
                "\"vni\":7001,\"mac\":\"02:00:00:00:00:09\"}]");
    vx_gw_learned_taken(learned);
    assert_false(vx_gw_learned_is_dirty(learned));
    assert_true(n > 0);
    vx_gw_learned_free(learned);
}

static void
what_was_lost_is_told_again(void **state)
{
    unsigned n = 0;
    struct vx_gw_learned *learned = vx_gw_learned_new(changed, &n);
    struct vx_gw_heard h = endpoint(NULL, "192.0.2.98", 0);
    char *text;

    (void) state;
    vx_gw_learned_set(learned, "a", 1, &h, 1);
    text = next(learned);
    vx_gw_learned_unset(learned, "a", 1);       /* while it is under way */
    vx_gw_learned_lost(learned);
    free(text);
    /* The controller may have it. */
    assert_next(learned, "\"learned\":[],\"gone\":[{\"type\":\"endpoint\","
                "\"vni\":7001,\"mac\":\"02:00:00:00:00:09\"}]");
    vx_gw_learned_taken(learned);
    vx_gw_learned_set(learned, "a", 1, &h, 1);
    vx_gw_learned_unset(learned, "a", 1);       /* nobody ever knew */
    assert_false(vx_gw_learned_is_dirty(learned));
    vx_gw_learned_free(learned);
}

static uint32_t
rnd(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* The other side: what was told, by the text before the first ",". */
struct other {
    char ids[16][256];
    size_t n;
};

static void
forget(struct other *other, const char *id)
{
    for (size_t i = 0; i < other->n; i++) {
        if (!strcmp(other->ids[i], id)) {
            memmove(other->ids[i], other->ids[i + 1],
                    (other->n - i - 1) * sizeof *other->ids);
            other->n--;
            return;
        }
    }
}

static void
read_told(struct other *other, char *text)
{
    char *gone = strstr(text, "],\"gone\":[");

    for (char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
        char id[256];

        snprintf(id, sizeof id, "%.*s", (int) strcspn(p, "}"), p);
        forget(other, id);
        if (p < gone) {
            assert_true(other->n < 16);
            strcpy(other->ids[other->n++], id);
        }
    }
}

static void
controller_ends_up_with_what_there_is(void **state)
{
    (void) state;
    for (uint32_t seed = 1; seed < 300; seed++) {
        unsigned n = 0;
        struct vx_gw_learned *learned = vx_gw_learned_new(changed, &n);
        struct other other = { .n = 0 };
        uint32_t s = seed;
        size_t want;

        for (int i = 0; i < 200; i++) {
            struct vx_gw_heard h = { .type = VX_GW_LEARNED_ROUTE };
            char key = (char) ('a' + rnd(&s) % 6);

            strcpy(h.tenant, "acme");
            h.prefix.ip.family = 4;
            h.prefix.ip.b[0] = (uint8_t) (1 + rnd(&s) % 4);
            h.prefix.length = 8;
            if (rnd(&s) & 1) {
                vx_gw_learned_set(learned, &key, 1, &h, 1);
            } else {
                vx_gw_learned_unset(learned, &key, 1);
            }
            if (rnd(&s) % 5 == 0) {
                char *text = next(learned);
                bool lost = rnd(&s) % 3 == 0;

                if (rnd(&s) & 1) {
                    vx_gw_learned_unset(learned, &key, 1);
                }
                if (!lost || rnd(&s) & 1) {
                    read_told(&other, text);    /* it may have come */
                }
                (lost ? vx_gw_learned_lost : vx_gw_learned_taken)(learned);
                free(text);
            }
        }
        while (vx_gw_learned_is_dirty(learned)) {
            char *text = next(learned);

            read_told(&other, text);
            vx_gw_learned_taken(learned);
            free(text);
        }
        want = vx_gw_learned_count(learned, VX_GW_LEARNED_ROUTE);
        if (other.n != want) {
            print_message("seed %u\n", (unsigned) seed);
        }
        assert_int_equal(other.n, want);
        vx_gw_learned_free(learned);
    }
}

/* --- Reports and sessions. */

static void
put_nothing(void *aux, struct vx_buf *out)
{
    (void) aux;
    (void) out;
}

static void
report_is_as_the_protocol_says(void **state)
{
    struct vx_gw_entries *entries = fabric();
    struct vx_gw_report_view view = {
        .epoch = "ab", .acked = 7, .entries = entries,
        .sessions = put_nothing, .counters = put_nothing,
    };
    struct vx_buf out = VX_BUF_INIT;

    (void) state;
    vx_gw_entries_set_why(entries, vx_gw_entries_find(entries, VX_GW_PREFIX,
                                                      "acme 10.0.0.0/16"),
                          "no \"way\"");
    vx_gw_report_format(&view, "0123", "begin", "\"learned\":[],\"gone\":[]",
                        &out);
    assert_string_equal(vx_buf_str(&out),
        "{\"boot\":\"0123\",\"epoch\":\"ab\",\"acked\":7,\"full\":\"begin\","
        "\"learned\":[],\"gone\":[],\"failed\":[{\"type\":\"prefix\",\"key\":"
        "\"acme 10.0.0.0/16\",\"why\":\"no \\\"way\\\"\"}],\"sessions\":[],"
        "\"counters\":{}}");
    vx_buf_clear(&out);
    vx_gw_entries_set_why(entries, vx_gw_entries_find(entries, VX_GW_PREFIX,
                                                      "acme 10.0.0.0/16"),
                          NULL);
    vx_gw_report_format(&view, "0123", NULL, "\"learned\":[],\"gone\":[]",
                        &out);
    assert_non_null(strstr(vx_buf_str(&out), "\"full\":null,"));
    assert_non_null(strstr(vx_buf_str(&out), "\"failed\":[]"));
    vx_buf_fini(&out);
    vx_gw_entries_free(entries);
}

static void
sessions_are_read_from_bgpds_summary(void **state)
{
    static const char text[] =
        "{\"default\":{}, \"vx5001\":{\"ipv4Unicast\":{\"routerId\":\"1\","
        "\"peers\":{\"172.16.1.2\":{\"remoteAs\":65100,\"pfxRcd\":2,"
        "\"pfxSnt\":3,\"peerUptimeMsec\":5000,\"state\":\"Established\"},"
        "\"172.16.1.3\":{\"state\":\"Idle (Admin)\"},"
        "\"172.16.1.4\":{\"state\":\"Clearing\"},"
        "\"172.16.1.5\":{\"state\":\"<b>\"}}}}}";
    struct vx_gw_sessions sessions = { 0 };
    struct vx_error err;

    (void) state;
    assert_true(vx_gw_sessions_parse(text, strlen(text), true, &sessions,
                                     &err));
    assert_int_equal(sessions.n, 4);
    assert_string_equal(sessions.sessions[0].vrf, "vx5001");
    assert_string_equal(sessions.sessions[0].family, "ipv4");
    assert_string_equal(sessions.sessions[0].state, "established");
    assert_int_equal(sessions.sessions[0].n_in, 2);
    assert_int_equal(sessions.sessions[0].n_out, 3);
    assert_int_equal(sessions.sessions[0].up_ms, 5000);
    assert_string_equal(sessions.sessions[1].state, "idle");
    assert_true(sessions.sessions[1].is_shut);
    assert_string_equal(sessions.sessions[2].state, "idle");
    assert_string_equal(sessions.sessions[3].state, "unknown");
    assert_false(vx_gw_sessions_parse("% no", 4, true, &sessions, &err));
    vx_gw_sessions_fini(&sessions);
}

/* bgpd tells by VRF, family and peer; two tenants' peers have one address. */
static void
sessions_are_found_by_vrf_and_peer(void **state)
{
    static const char text[] =
        "{\"vx9\":{\"ipv6Unicast\":{\"peers\":{\"172.16.1.2\":{},"
        "\"172.16.1.1\":{}}},\"ipv4Unicast\":{\"peers\":{\"172.16.1.2\":{},"
        "\"172.16.1.9\":{}}}},"
        "\"vx10\":{\"ipv4Unicast\":{\"peers\":{\"172.16.1.2\":{}}}}}";
    struct vx_gw_sessions sessions = { 0 };
    const struct vx_gw_session *s;
    struct vx_error err;
    struct vx_ip peer;

    (void) state;
    assert_true(vx_ip_parse("172.16.1.2", &peer));
    assert_null(vx_gw_sessions_first(&sessions, "vx9", &peer));
    assert_true(vx_gw_sessions_parse(text, strlen(text), true, &sessions,
                                     &err));
    assert_int_equal(sessions.n, 5);
    s = vx_gw_sessions_first(&sessions, "vx9", &peer);
    assert_string_equal(s->vrf, "vx9");
    assert_string_equal(s->family, "ipv4");
    s = vx_gw_sessions_next(&sessions, s);
    assert_string_equal(s->vrf, "vx9");
    assert_string_equal(s->family, "ipv6");
    assert_int_equal(vx_ip_compare(&s->peer, &peer), 0);
    assert_null(vx_gw_sessions_next(&sessions, s));
    s = vx_gw_sessions_first(&sessions, "vx10", &peer);
    assert_string_equal(s->vrf, "vx10");
    assert_null(vx_gw_sessions_next(&sessions, s));
    assert_true(vx_ip_parse("172.16.1.3", &peer));
    assert_null(vx_gw_sessions_first(&sessions, "vx9", &peer));
    vx_gw_sessions_fini(&sessions);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_2_is_of_the_network_that_imports_its_target),
        cmocka_unit_test(own_hosts_are_left_out),
        cmocka_unit_test(type_5_needs_a_router_mac_and_the_tenants_vni),
        cmocka_unit_test(flowspec_is_of_the_tenant_that_has_the_destination),
        cmocka_unit_test(flowspec_of_strangers_is_refused),
        cmocka_unit_test(a_mark_tells_the_peering_whatever_the_path_says),
        cmocka_unit_test(
            no_more_is_taken_than_the_limit_and_who_was_first_stays),
        cmocka_unit_test(each_gateways_speaker_has_an_id_of_its_own),
        cmocka_unit_test(flowspec_is_never_made_broader),
        cmocka_unit_test(what_is_refused_may_lack_what_was_not_read),
        cmocka_unit_test(
            what_is_left_out_is_told_with_its_reason_until_it_is_gone),
        cmocka_unit_test(whose_a_path_is_its_targets_say_or_its_destination),
        cmocka_unit_test(next_hop_is_of_the_peering_on_whose_link_it_is),
        cmocka_unit_test(endpoint_moves_with_the_highest_sequence),
        cmocka_unit_test(what_was_lost_is_told_again),
        cmocka_unit_test(controller_ends_up_with_what_there_is),
        cmocka_unit_test(report_is_as_the_protocol_says),
        cmocka_unit_test(sessions_are_read_from_bgpds_summary),
        cmocka_unit_test(sessions_are_found_by_vrf_and_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
