/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's entries, what they want, and that what was said is what
 * would be said anew, after any changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bgp/bgp_flowspec.h"
#include "gateway/readvertise.h"
#include "tests/lib/gw_world.h"
#include "lib/xalloc.h"

enum { MAX_SAID = 4096 };

/* What zebra and the speaker have been told, as sorted texts. */
struct world {
    struct gw_world gw;
    char *said[MAX_SAID];
    size_t n_said;
    unsigned n_ops, n_node;
};

static char *
route_text(const char *vrf, const struct bg_want *want)
{
    char prefix[VX_PREFIX_STRLEN];

    return vx_xasprintf("route %s %s", vrf,
                        vx_prefix_format(&want->prefix, prefix));
}

static char *
bgp_text(const struct bg_nlri *nlri)
{
    char text[BG_NLRI_STRLEN];

    return vx_xasprintf("%s %s", bg_family_name(nlri->family),
                        bg_nlri_format(nlri, text));
}

static size_t
find(const struct world *w, const char *text)
{
    size_t i = 0, n = strlen(text);

    while (i < w->n_said
           && (strncmp(w->said[i], text, n)
               || (w->said[i][n] && w->said[i][n] != '|'))) {
        i++;
    }
    return i;
}

static void
forget(struct world *w, const char *text)
{
    size_t i = find(w, text);

    assert_true(i < w->n_said);
    free(w->said[i]);
    w->said[i] = w->said[--w->n_said];
}

static void
say(struct world *w, char *take_key, const char *value)
{
    if (find(w, take_key) < w->n_said) {
        forget(w, take_key);
    }
    assert_true(w->n_said < MAX_SAID);
    w->said[w->n_said++] = vx_xasprintf("%s|%s", take_key, value);
    free(take_key);
}

static void
route_set(void *w_, const char *vrf, const struct bg_want *want,
          uint64_t token)
{
    struct world *w = w_;
    char via[VX_IP_STRLEN], value[128];

    w->n_ops++;
    assert_true(token == w->gw.token);
    snprintf(value, sizeof value, "%s dev %s",
             vx_ip_format(&want->via, via), want->device);
    say(w, route_text(vrf, want), value);
}

static void
route_unset(void *w_, const char *vrf, const struct bg_want *key,
            uint64_t token)
{
    struct world *w = w_;
    char *text = route_text(vrf, key);

    (void) token;
    w->n_ops++;
    forget(w, text);
    free(text);
}

static void
bgp_set(void *w_, const struct bg_nlri *nlri, const struct bg_attrs *attrs,
        uint64_t token)
{
    struct world *w = w_;
    char value[1024] = "", ip[VX_IP_STRLEN], ext[BG_EXT_STRLEN];
    size_t n = 0;

    (void) token;
    w->n_ops++;
    if (attrs->next_hop.family) {
        n = (size_t) snprintf(value, sizeof value, "%s",
                              vx_ip_format(&attrs->next_hop, ip));
    }
    for (size_t i = 0; i < attrs->n_ext; i++) {
        n += (size_t) snprintf(value + n, sizeof value - n, " %s",
                               bg_ext_format(&attrs->ext[i], ext));
    }
    say(w, bgp_text(nlri), value);
}

static void
bgp_unset(void *w_, const struct bg_nlri *nlri, uint64_t token)
{
    struct world *w = w_;
    char *text = bgp_text(nlri);

    (void) token;
    w->n_ops++;
    forget(w, text);
    free(text);
}

static void
node(void *w_, const struct vx_gw_entry *entry)
{
    struct world *w = w_;

    (void) entry;
    w->n_node++;
}

static const struct vx_gw_apply_ops ops = {
    route_set, route_unset, bgp_set, bgp_unset, node,
    gw_world_told, gw_world_leg,
};

/* --- A feed in front. */

static struct world *
world_new(void)
{
    struct world *w = vx_xcalloc(1, sizeof *w);

    gw_world_init(&w->gw, &ops, w);
    return w;
}

static void
world_free(struct world *w)
{
    gw_world_fini(&w->gw);
    for (size_t i = 0; i < w->n_said; i++) {
        free(w->said[i]);
    }
    free(w);
}

static void
tell(struct world *w, const char *line)
{
    vx_gw_feed_take(w->gw.feed, line, strlen(line));
    vx_gw_feed_take(w->gw.feed, "\n", 1);
}

static void
entry(struct world *w, const char *type, const char *key, const char *value)
{
    char *line = vx_xasprintf("{\"seq\":%llu,\"type\":\"%s\",\"key\":\"%s\","
                              "\"value\":%s}",
                              (unsigned long long) ++w->gw.seq, type, key,
                              value);

    tell(w, line);
    free(line);
}

static void
sync_now(struct world *w)
{
    char line[64];

    snprintf(line, sizeof line, "{\"sync\":%llu}",
             (unsigned long long) w->gw.seq);
    tell(w, line);
}

#define HELLO_FULL "{\"hello\":{\"epoch\":\"ab\",\"full\":true}}"
#define GATEWAY "{\"name\":\"g1\",\"as\":65001,\"router_id\":\"192.0.2.1\"," \
    "\"vtep\":\"192.0.2.1\",\"host\":\"gw1\"}"
#define TENANT(VNI, LAST) TENANT_OF(VNI, LAST, "null")
#define WITH_RD(VNI, LAST, RD) TENANT_OF(VNI, LAST, "\"" RD "\"")
#define TENANT_OF(VNI, LAST, RD) \
    "{\"vrf\":\"vx" VNI "\",\"vni\":" VNI ",\"rd\":" RD "," \
    "\"import\":[\"65001:" VNI "\"],\"export\":[\"65001:" VNI "\"]," \
    "\"mtu\":1450,\"leg\":{\"iface_id\":\"x/_router/g1\"," \
    "\"mac\":\"0a:00:00:00:00:" LAST "\",\"ips\":[\"169.254.64.2/18\"," \
    "\"fd76:7866:6162::2/64\"],\"gateways\":[\"169.254.64.1\"," \
    "\"fd76:7866:6162::1\"]}}"
#define PREFIX(T, P) "{\"tenant\":\"" T "\",\"prefix\":\"" P "\"," \
    "\"why\":\"subnet\",\"object\":\"" T "/web/" P "\"}"
#define UPLINK(FAMILIES) "{\"gateway\":\"g1\",\"peer\":\"192.0.2.9\"," \
    "\"peer_as\":65002,\"families\":[" FAMILIES "],\"flowspec_in\":true}"

static void
assert_said(const struct world *w, const char *text)
{
    for (size_t i = 0; i < w->n_said; i++) {
        if (!strcmp(w->said[i], text)) {
            return;
        }
    }
    print_message("not said: %s; said is\n", text);
    for (size_t i = 0; i < w->n_said; i++) {
        print_message("    %s\n", w->said[i]);
    }
    fail();
}

static void
begin(struct world *w, const char *families)
{
    char *uplink = vx_xasprintf("{\"gateway\":\"g1\",\"peer\":\"192.0.2.9\","
                                "\"peer_as\":65002,\"families\":[%s],"
                                "\"flowspec_in\":true}", families);

    tell(w, HELLO_FULL);
    entry(w, "gateway", "g1", GATEWAY);
    entry(w, "tenant", "acme", TENANT("5001", "01"));
    if (*families) {
        entry(w, "peering", "up1", uplink);
    }
    free(uplink);
}

static void
prefix_becomes_a_route_via_the_anycast_gateway(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "");
    entry(w, "prefix", "acme 10.0.0.0/24", PREFIX("acme", "10.0.0.0/24"));
    entry(w, "prefix", "acme fd00::/64", PREFIX("acme", "fd00::/64"));
    assert_int_equal(w->n_said, 0);     /* nothing before the sync */
    sync_now(w);
    assert_int_equal(w->n_said, 2);
    assert_said(w, "route vx5001 10.0.0.0/24|169.254.64.1 dev leg");
    assert_said(w, "route vx5001 fd00::/64|fd76:7866:6162::1 dev leg");
    entry(w, "prefix", "acme 10.0.0.0/24", "null");
    sync_now(w);
    assert_int_equal(w->n_said, 1);
    world_free(w);
}

static void
families_of_uplinks_decide_what_the_speaker_says(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "\"vpnv4\",\"evpn\"");
    entry(w, "prefix", "acme 10.0.0.0/24", PREFIX("acme", "10.0.0.0/24"));
    sync_now(w);
    assert_int_equal(w->n_said, 3);
    entry(w, "peering", "up1", UPLINK("\"vpnv4\""));
    sync_now(w);
    assert_int_equal(w->n_said, 2);
    entry(w, "peering", "up1", "null");
    sync_now(w);
    assert_int_equal(w->n_said, 1);
    world_free(w);
}

static void
type_5_has_router_mac_and_auto_rd(void **state)
{
    struct world *w = world_new();
    struct vx_gw_items items = { 0 };
    struct vx_gw_entry *e;
    struct vx_error err;
    struct vx_mac mac;
    char text[BG_RD_STRLEN];

    (void) state;
    begin(w, "\"evpn\"");
    entry(w, "prefix", "acme 10.0.0.0/24", PREFIX("acme", "10.0.0.0/24"));
    sync_now(w);
    e = vx_gw_entries_find(w->gw.entries, VX_GW_PREFIX, "acme 10.0.0.0/24");
    assert_non_null(e);
    assert_true(vx_gw_wanted(e->value, vx_gw_entries_ctx(w->gw.entries, e),
                             "leg", &items, &err));
    assert_int_equal(items.n, 2);
    assert_int_equal(items.items[1].nlri.evpn.type, BG_EVPN_PREFIX);
    assert_int_equal(items.items[1].nlri.evpn.vni, 5001);
    /* 77 of the router id, then the VNI. */
    assert_string_equal(bg_rd_format(&items.items[1].nlri.rd, text),
                        "65001:1291850633");
    assert_true(bg_attrs_router_mac(&items.items[1].attrs, &mac));
    assert_int_equal(mac.b[5], 1);
    assert_string_equal(bg_rt_format(bg_attrs_rt(&items.items[1].attrs, 0),
                                     text), "65001:5001");
    /* One of those that routers are given by themselves. */
    entry(w, "tenant", "acme", TENANT("16777213", "01"));
    sync_now(w);
    assert_true(vx_gw_wanted(e->value, vx_gw_entries_ctx(w->gw.entries, e),
                             "leg", &items, &err));
    assert_string_equal(bg_rd_format(&items.items[1].nlri.rd, text),
                        "192.0.2.1:65533");
    vx_gw_items_fini(&items);
    world_free(w);
}

static void
endpoints_become_type_2_with_mobility(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "\"evpn\"");
    entry(w, "endpoint", "7001 0a:00:00:00:00:05",
          "{\"vni\":7001,\"mac\":\"0a:00:00:00:00:05\",\"ips\":[\"10.0.0.5\","
          "\"fd00::5\"],\"vtep\":\"192.0.2.11\",\"seq\":3}");
    entry(w, "vtep", "7001 192.0.2.11",
          "{\"vni\":7001,\"vtep\":\"192.0.2.11\"}");
    sync_now(w);
    assert_int_equal(w->n_said, 0);     /* its network is not told yet */
    entry(w, "network", "acme/web",
          "{\"tenant\":\"acme\",\"vni\":7001,\"import\":[\"65001:7001\"],"
          "\"export\":[\"65001:7001\"],\"prefixes\":[\"10.0.0.0/24\"]}");
    sync_now(w);
    assert_int_equal(w->n_said, 4);
    for (size_t i = 0; i < w->n_said; i++) {
        if (strstr(w->said[i], "[2]")) {
            assert_non_null(strstr(w->said[i], "mobility:3"));
            assert_non_null(strstr(w->said[i], "|192.0.2.11 "));
        }
    }
    entry(w, "network", "acme/web", "null");
    sync_now(w);
    assert_int_equal(w->n_said, 0);
    world_free(w);
}

static void
policies_become_flowspec_of_both_families(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "\"flowspec\"");
    entry(w, "policy", "acme p1",
          "{\"priority\":10,\"where\":[\"flowspec\"],\"match\":{\"dst\":"
          "\"10.0.0.0/24\",\"proto\":\"tcp\",\"dport\":\"80\"},\"action\":"
          "{\"type\":\"drop\"}}");
    entry(w, "policy", "acme p2",
          "{\"priority\":11,\"where\":[\"flowspec\"],\"match\":{\"network\":"
          "\"web\",\"proto\":\"udp\"},\"action\":{\"type\":\"rate\","
          "\"rate_kbps\":1000},\"networks_prefixes\":[\"10.0.0.0/24\","
          "\"fd00::/64\"]}");
    entry(w, "policy", "acme p3",
          "{\"priority\":12,\"where\":[\"flowspec\"],\"match\":{\"proto\":"
          "\"udp\"},\"action\":{\"type\":\"drop\"}}");
    entry(w, "policy", "acme p4",
          "{\"priority\":13,\"where\":[\"hosts\"],\"match\":{\"dst\":"
          "\"10.0.0.0/24\"},\"action\":{\"type\":\"drop\"}}");
    sync_now(w);
    assert_int_equal(w->n_said, 3);
    assert_int_equal(vx_gw_entries_n_failed(w->gw.entries), 1);    /* p3 */
    assert_string_equal(vx_gw_entries_failed(w->gw.entries)->key, "acme p3");
    world_free(w);
}

/* FRR's bgpd ends the session with whoever sends more (bgp_flowspec.h). */
static void
many_ports_become_rules_that_the_reflector_takes(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "\"flowspec\"");
    entry(w, "policy", "acme p1",
          "{\"priority\":10,\"where\":[\"flowspec\"],\"match\":{\"dst\":"
          "\"10.0.0.0/24\",\"proto\":\"tcp\",\"dport\":"
          "\"80,443,1000-2000,3000-4000\"},\"action\":{\"type\":"
          "\"drop\"}}");
    entry(w, "policy", "acme p2",
          "{\"priority\":11,\"where\":[\"flowspec\"],\"match\":{\"dst\":"
          "\"10.0.1.0/24\",\"proto\":\"tcp\",\"dport\":"
          "\"80,443,1000-2000,3000-4000\"},\"action\":{\"type\":"
          "\"rate\",\"rate_kbps\":1000}}");
    sync_now(w);
    assert_int_equal(w->n_said, 2);
    assert_true(find(w, "flowspec4 dst 10.0.0.0/24 proto 6 dport "
                     "80,443,1000-2000") < w->n_said);
    assert_true(find(w, "flowspec4 dst 10.0.0.0/24 proto 6 dport 3000-4000")
                < w->n_said);
    assert_int_equal(vx_gw_entries_n_failed(w->gw.entries), 1);    /* p2 */
    assert_string_equal(vx_gw_entries_failed(w->gw.entries)->key, "acme p2");
    world_free(w);
}

#define SAME_RULE "{\"priority\":10,\"where\":[\"flowspec\"],\"match\":" \
    "{\"dst\":\"10.0.0.0/24\"},\"action\":{\"type\":\"drop\"}}"

static void
one_rule_has_one_owner_and_passes_to_the_next(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "\"flowspec\"");
    entry(w, "tenant", "beta", TENANT("5002", "02"));
    entry(w, "policy", "acme p", SAME_RULE);
    entry(w, "policy", "beta p", SAME_RULE);
    sync_now(w);
    assert_int_equal(w->n_said, 1);
    assert_non_null(strstr(w->said[0], "65001:5001"));
    assert_int_equal(vx_gw_entries_n_failed(w->gw.entries), 1);
    entry(w, "policy", "acme p", "null");
    sync_now(w);
    assert_int_equal(w->n_said, 1);
    assert_non_null(strstr(w->said[0], "65001:5002"));
    assert_int_equal(vx_gw_entries_n_failed(w->gw.entries), 0);
    world_free(w);
}

static size_t
n_failed(const struct world *w)
{
    return vx_gw_entries_n_failed(w->gw.entries);
}

/* A gateway that was away sees tenants that were made anew only. */
static void
tenants_may_swap_vnis_and_inherit_them(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "\"vpnv4\",\"evpn\"");
    entry(w, "tenant", "beta", TENANT("5002", "02"));
    for (int i = 0; i < 10; i++) {
        char key[2][32], value[2][256];

        for (int t = 0; t < 2; t++) {
            const char *name = t ? "beta" : "acme";

            snprintf(key[t], sizeof *key, "%s 10.0.%d.0/24", name, i);
            snprintf(value[t], sizeof *value, "{\"tenant\":\"%s\",\"prefix\":"
                     "\"10.0.%d.0/24\",\"why\":\"subnet\",\"object\":\"o\"}",
                     name, i);
            entry(w, "prefix", key[t], value[t]);
        }
    }
    sync_now(w);
    assert_int_equal(w->n_said, 60);
    entry(w, "tenant", "acme", TENANT("5002", "01"));
    entry(w, "tenant", "beta", TENANT("5001", "02"));
    sync_now(w);
    assert_int_equal(w->n_said, 60);
    assert_int_equal(n_failed(w), 0);
    assert_said(w, "route vx5001 10.0.3.0/24|169.254.64.1 dev leg");
    assert_said(w, "route vx5002 10.0.3.0/24|169.254.64.1 dev leg");
    for (size_t i = 0; i < w->n_said; i++) {    /* whose RT, whose RD */
        if (strstr(w->said[i], "vpnv4")) {
            assert_true(!strstr(w->said[i], "1291850633")
                        == !strstr(w->said[i], "65001:5001"));
        }
    }
    /* One goes, the other inherits. */
    entry(w, "tenant", "beta", "null");
    entry(w, "tenant", "acme", TENANT("5001", "01"));
    sync_now(w);
    assert_int_equal(w->n_said, 30);
    assert_said(w, "route vx5001 10.0.3.0/24|169.254.64.1 dev leg");
    world_free(w);
}

static void
one_rd_is_of_one_tenant_and_the_other_is_told(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "\"vpnv4\"");
    entry(w, "tenant", "beta", WITH_RD("5002", "02", "65001:1291850633"));
    entry(w, "prefix", "acme 10.0.0.0/24", PREFIX("acme", "10.0.0.0/24"));
    sync_now(w);
    entry(w, "prefix", "beta 10.0.0.0/24", PREFIX("beta", "10.0.0.0/24"));
    sync_now(w);
    assert_int_equal(w->n_said, 3);         /* both in their VRFs */
    assert_int_equal(n_failed(w), 1);
    assert_string_equal(vx_gw_entries_failed(w->gw.entries)->key,
                        "beta 10.0.0.0/24");
    assert_non_null(strstr(vx_gw_entries_failed(w->gw.entries)->why,
                           "65001:1291850633"));
    for (size_t i = 0; i < w->n_said; i++) {
        assert_null(strstr(w->said[i], "65001:5002"));
    }
    /* The other's withdrawal takes nothing away. */
    entry(w, "prefix", "beta 10.0.0.0/24", "null");
    sync_now(w);
    assert_int_equal(w->n_said, 2);
    entry(w, "prefix", "beta 10.0.0.0/24", PREFIX("beta", "10.0.0.0/24"));
    sync_now(w);
    entry(w, "tenant", "beta", WITH_RD("5002", "02", "65001:99"));
    sync_now(w);
    assert_int_equal(w->n_said, 4);
    assert_int_equal(n_failed(w), 0);
    world_free(w);
}

static void
full_stream_takes_away_what_it_does_not_name(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "");
    entry(w, "prefix", "acme 10.0.0.0/24", PREFIX("acme", "10.0.0.0/24"));
    entry(w, "prefix", "acme 10.0.1.0/24", PREFIX("acme", "10.0.1.0/24"));
    sync_now(w);
    assert_int_equal(w->n_said, 2);
    begin(w, "");
    entry(w, "prefix", "acme 10.0.1.0/24", PREFIX("acme", "10.0.1.0/24"));
    w->n_ops = 0;
    sync_now(w);
    assert_int_equal(w->n_said, 1);
    assert_int_equal(w->n_ops, 1);      /* the same again is no change */
    assert_said(w, "route vx5001 10.0.1.0/24|169.254.64.1 dev leg");
    world_free(w);
}

static void
unreadable_entry_stays_as_it_was(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "");
    entry(w, "prefix", "acme 10.0.0.0/24", PREFIX("acme", "10.0.0.0/24"));
    sync_now(w);
    begin(w, "");
    entry(w, "prefix", "acme 10.0.0.0/24", PREFIX("acme", "10.0.0.1/24"));
    sync_now(w);
    assert_int_equal(w->n_said, 1);
    assert_non_null(strstr(w->gw.refused, "prefix"));
    assert_int_equal(vx_gw_entries_n_failed(w->gw.entries), 1);
    begin(w, "");
    tell(w, "nonsense");
    sync_now(w);                        /* what was it? nothing is swept */
    assert_int_equal(w->n_said, 1);
    world_free(w);
}

static void
tenant_that_goes_takes_its_routes_and_comes_back(void **state)
{
    struct world *w = world_new();

    (void) state;
    begin(w, "\"vpnv4\"");
    entry(w, "prefix", "acme 10.0.0.0/24", PREFIX("acme", "10.0.0.0/24"));
    sync_now(w);
    assert_int_equal(w->n_said, 2);
    entry(w, "tenant", "acme", "null");
    sync_now(w);
    assert_int_equal(w->n_said, 0);
    assert_int_equal(vx_gw_entries_n_failed(w->gw.entries), 1);
    entry(w, "tenant", "acme", TENANT("5009", "01"));
    sync_now(w);
    assert_said(w, "route vx5009 10.0.0.0/24|169.254.64.1 dev leg");
    assert_int_equal(w->n_said, 2);
    world_free(w);
}

/* --- Any changes == told anew. */

static uint32_t
rnd(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void
random_entry(uint32_t *seed, char *type, char *key, char *value)
{
    static const char *const tenants[] = { "acme", "beta", "acme2" };
    static const char *const vnis[] = { "5001", "5002", "5003" };
    unsigned t = rnd(seed) % 3, n = rnd(seed) % 4;

    value[0] = '\0';
    switch (rnd(seed) % 7) {
    case 0:
        strcpy(type, "tenant");
        strcpy(key, tenants[t]);
        snprintf(value, 1024, "{\"vrf\":\"vx%s\",\"vni\":%s,\"export\":"
                 "[\"65001:%u\"],\"mtu\":1450,\"leg\":{\"iface_id\":\"i\","
                 "\"mac\":\"0a:00:00:00:00:0%u\",\"ips\":[],\"gateways\":"
                 "[\"169.254.64.1\"]}}", vnis[t], vnis[t],
                 rnd(seed) % 3, t + 1);
        break;
    case 1:
        strcpy(type, "peering");
        snprintf(key, 64, "up%u", n % 2);
        snprintf(value, 1024, "%s", n & 1 ? UPLINK("\"vpnv4\",\"flowspec\"")
                                          : UPLINK("\"evpn\""));
        break;
    case 2:
        strcpy(type, "network");
        snprintf(key, 64, "acme/n%u", n);
        snprintf(value, 1024, "{\"tenant\":\"acme\",\"vni\":%u,\"export\":"
                 "[\"65001:%u\"]}", 7000 + n, rnd(seed) % 2);
        break;
    case 3:
        strcpy(type, "endpoint");
        snprintf(key, 64, "%u 0a:00:00:00:00:0%u", 7000 + n, t);
        snprintf(value, 1024, "{\"vni\":%u,\"mac\":\"0a:00:00:00:00:0%u\","
                 "\"ips\":[\"10.0.0.%u\"],\"vtep\":\"192.0.2.1%u\",\"seq\":%u"
                 "}", 7000 + n, t, rnd(seed) % 3, t, rnd(seed) % 3);
        break;
    case 4:
        strcpy(type, "policy");
        snprintf(key, 64, "%s p%u", tenants[t], n);
        snprintf(value, 1024, "{\"priority\":%u,\"where\":[\"flowspec\"],"
                 "\"match\":{\"dst\":\"10.0.%u.0/24\"},\"action\":{\"type\":"
                 "\"drop\"}}", n + 1, rnd(seed) % 3);
        break;
    case 5:
        strcpy(type, "gateway");
        strcpy(key, "g1");
        snprintf(value, 1024, "{\"name\":\"g1\",\"as\":6500%u,\"router_id\":"
                 "\"192.0.2.1\",\"vtep\":\"192.0.2.1\",\"host\":\"h\"}", n);
        break;
    default:
        strcpy(type, "prefix");
        snprintf(key, 64, "%s 10.0.%u.0/24", tenants[t], n);
        snprintf(value, 1024, "{\"tenant\":\"%s\",\"prefix\":\"10.0.%u.0/24"
                 "\",\"why\":\"subnet\",\"object\":\"\"}", tenants[t], n);
        break;
    }
    if (rnd(seed) % 3 == 0) {
        strcpy(value, "null");
    }
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Rules that two policies want have another owner in another order. */
static void
assert_same(struct world *a, struct world *b, uint32_t seed)
{
    qsort(a->said, a->n_said, sizeof *a->said, by_text);
    qsort(b->said, b->n_said, sizeof *b->said, by_text);
    if (a->n_said != b->n_said) {
        print_message("seed %u: %zu and %zu\n", seed, a->n_said, b->n_said);
    }
    assert_int_equal(a->n_said, b->n_said);
    for (size_t i = 0; i < a->n_said; i++) {
        if (strncmp(a->said[i], "flowspec", 8)) {
            assert_string_equal(a->said[i], b->said[i]);
        }
    }
}

static void
copy(struct world *to, const struct world *from)
{
    tell(to, HELLO_FULL);
    for (struct vx_gw_entry *e = vx_gw_entries_first(from->gw.entries); e;
         e = vx_gw_entries_next(e)) {
        vx_gw_feed_take(to->gw.feed, e->text, e->size);
        vx_gw_feed_take(to->gw.feed, "\n", 1);
    }
    sync_now(to);
}

static void
any_changes_end_as_if_told_anew(void **state)
{
    (void) state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        struct world *w = world_new(), *anew = world_new();
        uint32_t s = seed;
        char type[32], key[64], value[1024];

        tell(w, HELLO_FULL);
        sync_now(w);
        for (int i = 0; i < 120; i++) {
            random_entry(&s, type, key, value);
            entry(w, type, key, value);
            if (rnd(&s) % 4 == 0) {
                sync_now(w);
            }
        }
        sync_now(w);
        copy(anew, w);
        assert_same(w, anew, seed);
        world_free(w);
        world_free(anew);
    }
}

/* --- What peers tell, told again. */

static void
again_set(void *w, const struct bg_nlri *nlri, const struct bg_attrs *attrs)
{
    bgp_set(w, nlri, attrs, 0);
}

static void
again_unset(void *w, const struct bg_nlri *nlri)
{
    bgp_unset(w, nlri, 0);
}

static bool
again_is_claimed(void *w_, const struct bg_nlri *nlri)
{
    const struct world *w = w_;

    return vx_gw_apply_tells(w->gw.apply, nlri);
}

static void
again_told(void *w, const char *vrf, const struct vx_prefix *prefix,
           const char *peering, bool on)
{
    (void) w;
    (void) prefix;
    assert_string_equal(vrf, "vx5001");
    assert_true(!on || !strcmp(peering, "acme/ce1"));
}

static void
hear(struct vx_gw_readvertise *r, const char *prefix, const char *nexthop)
{
    struct bg_nexthop hop = { 0 };
    struct bg_learned route = { .vrf = "vx5001", .n_nexthops = 1,
                                .nexthops = &hop };

    assert_true(vx_prefix_parse(prefix, &route.prefix));
    if (nexthop) {
        assert_true(vx_ip_parse(nexthop, &hop.ip));
        vx_gw_readvertise_learned(r, &route);
    } else {
        vx_gw_readvertise_gone(r, route.vrf, &route.prefix);
    }
}

static void
carry_out(struct world *w, struct vx_gw_readvertise *r)
{
    sync_now(w);
    vx_gw_readvertise_all(r);
}

#define CE(MORE) "{\"gateway\":\"g1\",\"peer\":\"10.9.1.2\",\"peer_as\":" \
    "65010,\"families\":[\"ipv4\",\"ipv6\"],\"device\":\"d1\"," \
    "\"local\":[\"10.9.1.1/24\",\"fd09:1::1/64\"]" MORE "}"

static void
learned_prefixes_are_told_again_where_the_peering_says_so(void **state)
{
    static const struct vx_gw_readvertise_ops again = {
        .set = again_set, .unset = again_unset,
        .is_claimed = again_is_claimed, .told = again_told,
    };
    struct world *w = world_new();
    struct vx_gw_readvertise *r = vx_gw_readvertise_new(w->gw.entries, &again,
                                                        w);
    size_t n;

    (void) state;
    begin(w, "\"vpnv4\",\"vpnv6\",\"evpn\"");
    entry(w, "peering", "acme/ce1", CE(""));
    entry(w, "prefix", "acme 10.0.0.0/16", PREFIX("acme", "10.0.0.0/16"));
    carry_out(w, r);
    n = w->n_said;
    hear(r, "10.99.0.0/24", "10.9.1.2");
    hear(r, "fd99::/64", "fd09:1::2");
    assert_int_equal(w->n_said, n);             /* nobody has said so */
    entry(w, "peering", "acme/ce1", CE(",\"readvertise\":true"));
    carry_out(w, r);
    assert_int_equal(w->n_said, n + 4);
    assert_int_equal(vx_gw_readvertise_count(r), 2);
    hear(r, "10.0.7.0/24", "10.9.1.2");         /* of the subnet */
    hear(r, "10.0.0.0/16", "10.9.1.2");         /* announced */
    hear(r, "169.254.64.0/24", "10.9.1.2");     /* the leg's */
    hear(r, "10.98.0.0/24", "10.7.1.2");        /* of nobody */
    assert_int_equal(w->n_said, n + 4);
    /* Announced, too: once, and not taken away by either side. */
    entry(w, "prefix", "acme 10.99.0.0/24", PREFIX("acme", "10.99.0.0/24"));
    carry_out(w, r);
    assert_int_equal(w->n_said, n + 5);         /* and zebra's route */
    entry(w, "prefix", "acme 10.99.0.0/24", "null");
    carry_out(w, r);
    assert_int_equal(w->n_said, n + 4);
    /* As an announced prefix is. */
    entry(w, "tenant", "acme", TENANT("5001", "02"));
    carry_out(w, r);
    assert_int_equal(w->n_said, n + 4);
    hear(r, "fd99::/64", NULL);
    assert_int_equal(w->n_said, n + 2);
    entry(w, "peering", "acme/ce1", CE(""));
    carry_out(w, r);
    assert_int_equal(w->n_said, n);
    entry(w, "peering", "acme/ce1", CE(",\"readvertise\":true"));
    carry_out(w, r);
    assert_int_equal(w->n_said, n + 2);
    entry(w, "peering", "acme/ce1", "null");
    carry_out(w, r);
    assert_int_equal(w->n_said, n);
    vx_gw_readvertise_free(r);
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            learned_prefixes_are_told_again_where_the_peering_says_so),
        cmocka_unit_test(prefix_becomes_a_route_via_the_anycast_gateway),
        cmocka_unit_test(families_of_uplinks_decide_what_the_speaker_says),
        cmocka_unit_test(type_5_has_router_mac_and_auto_rd),
        cmocka_unit_test(endpoints_become_type_2_with_mobility),
        cmocka_unit_test(policies_become_flowspec_of_both_families),
        cmocka_unit_test(many_ports_become_rules_that_the_reflector_takes),
        cmocka_unit_test(one_rule_has_one_owner_and_passes_to_the_next),
        cmocka_unit_test(tenants_may_swap_vnis_and_inherit_them),
        cmocka_unit_test(one_rd_is_of_one_tenant_and_the_other_is_told),
        cmocka_unit_test(full_stream_takes_away_what_it_does_not_name),
        cmocka_unit_test(unreadable_entry_stays_as_it_was),
        cmocka_unit_test(tenant_that_goes_takes_its_routes_and_comes_back),
        cmocka_unit_test(any_changes_end_as_if_told_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
