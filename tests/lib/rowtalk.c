/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rowtalk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "lib/xalloc.h"

enum { MAX_WORDS = 40 };

/* One line and what it is about. */
struct line {
    struct rowtalk *talk;
    enum vx_tier tier;
    char **w;
    size_t n;
    struct vx_rows *rows;
};

static void
die(const char *what)
{
    fprintf(stderr, "cannot make rows of: %s\n", what);
    exit(2);
}

static struct vx_ip
ip_of(const char *s)
{
    struct vx_ip ip = { 0 };

    if (!vx_ip_parse(s, &ip)) {
        die(s);
    }
    return ip;
}

static struct vx_mac
mac_of(const char *s)
{
    struct vx_mac mac;

    if (!vx_mac_parse(s, &mac)) {
        die(s);
    }
    return mac;
}

static struct vx_prefix
prefix_of(const char *s)
{
    struct vx_prefix prefix;

    if (!vx_prefix_parse(s, &prefix)) {
        die(s);
    }
    return prefix;
}

/* What follows NAME= in one of the words from first on, or NULL. */
static const char *
option(const struct line *l, size_t first, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = first; i < l->n; i++) {
        if (!strncmp(l->w[i], name, size)
            && (l->w[i][size] == '=' || !l->w[i][size])) {
            return l->w[i] + size + (l->w[i][size] == '=');
        }
    }
    return NULL;
}

static unsigned
number(const struct line *l, size_t first, const char *name, unsigned other)
{
    const char *value = option(l, first, name);

    return value ? strtoul(value, NULL, 0) : other;
}

static const struct vx_segment *
segment_of(const struct line *l, uint32_t vni)
{
    struct rowtalk *t = l->talk;

    for (size_t i = 0; i < t->n_segments; i++) {
        if (t->segments[i].network.vni == vni) {
            return &t->segments[i].segment;
        }
    }
    if (t->n_segments == sizeof t->segments / sizeof t->segments[0]) {
        t->n_segments = 0;          /* plain ones are forgotten */
    }
    t->segments[t->n_segments].network = (struct vx_network) {
        .o = { .oid = vni }, .vni = vni, .mtu = VX_MTU_DEFAULT
    };
    t->segments[t->n_segments].segment = (struct vx_segment) {
        .network = &t->segments[t->n_segments].network
    };
    return &t->segments[t->n_segments++].segment;
}

static void
segment(const struct line *l)
{
    const struct vx_segment *s = segment_of(l, atoi(l->w[1]));
    size_t i = 0;

    while (&l->talk->segments[i].segment != s) {
        i++;
    }
    l->talk->segments[i].segment.router = atoi(l->w[2]);
    l->talk->segments[i].segment.small_mtu = option(l, 3, "small");
    l->talk->segments[i].segment.routed6 = option(l, 3, "six");
    l->talk->segments[i].segment.external = option(l, 3, "external");
    l->talk->segments[i].network.mtu = number(l, 3, "mtu", VX_MTU_DEFAULT);
    l->talk->segments[i].network.bum_pps = number(l, 3, "bum", 0);
}

static void
view(const struct line *l)
{
    l->talk->view = (struct vx_view) {
        .member = option(l, 1, "member"),
        .transit = option(l, 1, "transit"),
        .designated = option(l, 1, "designated"),
        .border = number(l, 1, "border", 0),
        .host_budget = option(l, 1, "host-budget"),
        .tenant_budget = number(l, 1, "tenant-budget", 0),
    };
}

static void
limits(const struct line *l)
{
    l->talk->rate_kbps = atoi(l->w[1]);
    l->talk->rate_pps = atoi(l->w[2]);
    l->talk->bum_pps = atoi(l->w[3]);
}

static void
base(const struct line *l)
{
    vx_compile_base(l->tier, l->rows);
}

static void
network(const struct line *l)
{
    const struct vx_segment *s = segment_of(l, atoi(l->w[1]));
    struct vx_view v = l->talk->view;

    v.member |= !v.transit;
    if (l->tier == VX_TENANT_TIER) {
        vx_compile_network_tier1(s, l->rows);
        if (s->small_mtu) {
            vx_compile_small_mtu(s->network->o.oid, s->network->vni,
                                 s->network->mtu, l->rows);
        }
    } else {
        vx_compile_network_tier2(s, &v, l->rows);
    }
}

static void
vtep(const struct line *l)
{
    struct vx_host host = {
        .o = { .oid = 500 + atoi(l->w[1]) }, .num = atoi(l->w[1]),
        .vtep = ip_of(l->w[2]),
    };

    vx_compile_peer(&host, !option(l, 3, "cross"), l->rows);
}

static void
bum(const struct line *l)
{
    uint32_t group = atoi(l->w[1]) | number(l, 0, "group", 0);

    if (atoi(l->w[2])) {
        vx_compile_bum_bucket(atoi(l->w[2]), group, l->rows);
    } else {
        vx_compile_bum_local(group, l->rows);
    }
}

/* words: MAC IP... */
static struct vx_port
port_of(const struct line *l, size_t oid, size_t mac, struct vx_ip *ips)
{
    struct vx_port port = {
        .o = { .oid = strtoull(l->w[oid], NULL, 0) }, .ips = ips,
        .mac = mac_of(l->w[mac]), .rate_kbps = l->talk->rate_kbps,
        .rate_pps = l->talk->rate_pps, .bum_pps = l->talk->bum_pps,
    };

    for (size_t i = mac + 1; i < l->n; i++) {
        ips[port.n_ips++] = ip_of(l->w[i]);
    }
    return port;
}

static void
tap(const struct line *l)
{
    struct vx_ip ips[MAX_WORDS];
    struct vx_port port = port_of(l, 4, 5, ips);
    struct vx_tap at = {
        .ofport = atoi(l->w[2]), .second = !strcmp(l->w[0], "second")
    };

    port.guard = !strcmp(l->w[3], "guard");
    port.gateway = !strcmp(l->w[3], "leg");
    vx_compile_tap(&port, segment_of(l, atoi(l->w[1])), at, l->rows);
}

static void
endpoint(const struct line *l)
{
    struct vx_ip ips[MAX_WORDS];
    struct vx_port port = port_of(l, 2, 3, ips);

    if (!strcmp(l->w[0], "neigh")) {
        vx_compile_neigh(&port, atoi(l->w[1]), l->rows);
    } else {
        vx_compile_adj(&port, atoi(l->w[1]), l->rows);
    }
}

static void
fdb(const struct line *l)
{
    struct vx_ip ips[MAX_WORDS];
    struct vx_port port = port_of(l, 2, 4, ips);
    const char *to = l->w[3];

    if (!strcmp(to, "0")) {
        vx_compile_fdb_local(&port, atoi(l->w[1]), l->rows);
    } else {
        vx_compile_fdb(&port, atoi(l->w[1]),
                       to[0] == 'z' ? VX_TO_BORDER | atoi(to + 1) : atoi(to),
                       l->rows);
    }
}

static void
subnet(const struct line *l)
{
    struct vx_subnet it = {
        .o = { .oid = atoi(l->w[3]) }, .prefix = prefix_of(l->w[4]),
        .gateway = ip_of(l->w[5]), .route = true,
    };

    if (l->tier == VX_TENANT_TIER) {
        vx_compile_subnet(&it, atoi(l->w[1]), atoi(l->w[2]), l->rows);
    } else {
        vx_compile_gateway(&it, atoi(l->w[1]), l->rows);
    }
}

/* Those of the words from first on that are IP,MAC,VNI. */
static size_t
hops_of(const struct line *l, size_t first, struct vx_nexthop *hops)
{
    size_t n = 0;

    for (size_t i = first; i < l->n && n < VX_MAX_HOPS; i++) {
        char *save, copy[128], *ip;

        if (!strchr(l->w[i], ',')) {
            continue;
        }
        snprintf(copy, sizeof copy, "%s", l->w[i]);
        ip = strtok_r(copy, ",", &save);
        hops[n].ip = ip_of(ip);
        hops[n].mac = mac_of(strtok_r(NULL, ",", &save));
        hops[n++].vni = atoi(strtok_r(NULL, ",", &save));
    }
    return n;
}

static void
route(const struct line *l)
{
    struct vx_nexthop hops[VX_MAX_HOPS];
    size_t n = hops_of(l, 5, hops);
    struct vx_route it = {
        .o = { .oid = atoi(l->w[2]) }, .num = atoi(l->w[3]),
        .prefix = prefix_of(l->w[4]),
    };

    vx_compile_route(&it, atoi(l->w[1]), hops, n, l->rows);
}

static size_t
ranges_of(const struct line *l, const char *name,
          struct vx_port_range *ranges)
{
    size_t n = 0, size = strlen(name);

    for (size_t i = 6; i < l->n && n < VX_POLICY_MAX_RANGES; i++) {
        unsigned first, last;

        if (!strncmp(l->w[i], name, size)
            && sscanf(l->w[i] + size, "=%u-%u", &first, &last) == 2) {
            ranges[n++] = (struct vx_port_range) { first, last };
        }
    }
    return n;
}

static void
set_action(struct vx_policy *it, const char *action)
{
    const char *value = strchr(action, ':');

    it->action = !strcmp(action, "drop") ? VX_POLICY_DROP
                 : !strncmp(action, "dscp", 4) ? VX_POLICY_DSCP
                 : !strncmp(action, "rate", 4) ? VX_POLICY_RATE
                 : !strcmp(action, "gateway") ? VX_POLICY_GATEWAY
                 : VX_POLICY_VIA;
    it->dscp = value ? atoi(value + 1) : 0;
    it->rate_kbps = value ? atoi(value + 1) : 0;
}

static void
policy(const struct line *l)
{
    struct vx_port_range sports[VX_POLICY_MAX_RANGES];
    struct vx_port_range dports[VX_POLICY_MAX_RANGES];
    struct vx_nexthop hops[VX_MAX_HOPS];
    const char *src = option(l, 6, "src"), *dst = option(l, 6, "dst");
    const char *where = option(l, 6, "where");
    size_t n = hops_of(l, 6, hops);
    struct vx_policy it = {
        .o = { .oid = atoi(l->w[2]) }, .num = atoi(l->w[3]),
        .priority = atoi(l->w[4]), .fail_closed = option(l, 6, "closed"),
        .via = n ? &hops[0].ip : NULL, .n_via = n ? 1 : 0,
        .match = {
            .proto = (int16_t) number(l, 6, "proto", -1),
            .dscp = (int16_t) number(l, 6, "dscp", -1),
            .sports = sports, .n_sports = ranges_of(l, "sport", sports),
            .dports = dports, .n_dports = ranges_of(l, "dport", dports),
        },
    };

    set_action(&it, l->w[5]);
    it.where = where && !strcmp(where, "gateway") ? VX_WHERE_GATEWAY
               : where ? VX_WHERE_HOSTS | VX_WHERE_GATEWAY : VX_WHERE_HOSTS;
    if (src) {
        it.match.src = prefix_of(src);
    }
    if (dst) {
        it.match.dst = prefix_of(dst);
    }
    vx_compile_policy(&it, atoi(l->w[1]), number(l, 6, "vni", 0), hops, n,
                      l->rows);
}

static void
budget(const struct line *l)
{
    if (!strcmp(l->w[1], "host")) {
        struct vx_zone zone = { .budget_kbps = atoi(l->w[2]) };

        vx_compile_host_budget(&zone, l->rows);
    } else {
        struct vx_tenant tenant = {
            .router_vni = atoi(l->w[2]),
            .budget_kbps = l->n > 3 ? atoi(l->w[3]) : 0,
        };

        vx_compile_tenant_budget(&tenant, l->rows);
    }
}

static void
zone(const struct line *l)
{
    struct vx_host hosts[VX_ZONE_MAX_BORDERS] = { 0 };
    const struct vx_host *borders[VX_ZONE_MAX_BORDERS];
    struct vx_zone it = { .o = { .oid = 400 + atoi(l->w[1]) },
                          .num = atoi(l->w[1]) };
    size_t n = 0;

    for (size_t i = 2; i < l->n && n < VX_ZONE_MAX_BORDERS; i++) {
        hosts[n].num = atoi(l->w[i]);
        hosts[n].vtep = (struct vx_ip) {
            .family = 4, .b = { 172, 31, 1, (uint8_t) hosts[n].num }
        };
        borders[n] = &hosts[n];
        n++;
    }
    vx_compile_border(&it, borders, n, l->rows);
}

/* tier 0: has no rows, or on both. */
static const struct {
    const char *name;
    int tier;
    size_t min_words;
    void (*make)(const struct line *line);
} words[] = {
    { "base", 0, 1, base },
    { "segment", 0, 3, segment },
    { "view", 0, 1, view },
    { "limits", 0, 4, limits },
    { "network", 0, 2, network },
    { "subnet", 0, 6, subnet },
    { "tap", 1, 6, tap },
    { "second", 1, 6, tap },
    { "route", 1, 5, route },
    { "policy", 1, 6, policy },
    { "vtep", 2, 3, vtep },
    { "bum", 2, 3, bum },
    { "neigh", 2, 4, endpoint },
    { "adj", 2, 4, endpoint },
    { "fdb", 2, 5, fdb },
    { "budget", 2, 3, budget },
    { "zone", 2, 3, zone },
};

bool
rowtalk_words(struct rowtalk *talk, enum vx_tier tier, char **w, size_t n,
              struct vx_rows *rows)
{
    struct line line = {
        .talk = talk, .tier = tier, .w = w, .n = n, .rows = rows
    };

    for (size_t i = 0; n && i < sizeof words / sizeof words[0]; i++) {
        if (!strcmp(w[0], words[i].name)) {
            if (n < words[i].min_words || n > MAX_WORDS) {
                die(w[0]);
            }
            if (!words[i].tier || words[i].tier == (int) tier) {
                words[i].make(&line);
            }
            return true;
        }
    }
    return false;
}

void
rowtalk_lines(struct rowtalk *talk, enum vx_tier tier, const char *lines,
              struct vx_rows *rows)
{
    char *copy = vx_xstrdup(lines), *save, *line = copy;

    for (line = strtok_r(copy, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *w[MAX_WORDS + 1], *next = NULL;
        size_t n = 0;

        for (char *word = strtok_r(line, " ", &next);
             word && n < MAX_WORDS; word = strtok_r(NULL, " ", &next)) {
            w[n++] = word;
        }
        if (n && !rowtalk_words(talk, tier, w, n, rows)) {
            die(w[0]);
        }
    }
    free(copy);
}

const char rowtalk_routed[] =
    "segment 101 901 six mtu=1300 small bum=500\n"
    "view transit designated tenant-budget=901 host-budget\n"
    "limits 1000 100 10\nnetwork 101\nvtep 7 192.0.2.7 cross\n"
    "bum 101 0 group=33554432\nbum 101 7 group=50331648\nzone 3 7 8\n"
    "budget host 1000\nbudget tenant 901 500\n"
    "tap 101 5 guard 21 02:00:00:00:00:01 10.0.0.1 fd00::1\n"
    "second 101 7 free 22 02:00:00:00:00:02 10.1.0.2 fd01::2\n"
    "adj 101 21 02:00:00:00:00:01 10.0.0.1 fd00::1\n"
    "fdb 101 22 0 02:00:00:00:00:02\nfdb 101 23 z2 02:00:00:00:00:03\n"
    "subnet 101 901 31 10.0.0.0/24 10.0.0.254\n"
    "subnet 101 901 32 fd00::/64 fd00::fe\n"
    "route 901 33 1 10.9.0.0/16 10.0.0.1,02:00:00:00:00:01,101"
    " 10.1.0.2,02:00:00:00:00:02,102\nroute 901 34 2 ::/0\n"
    "route 901 35 9 fd09::/17 fd00::1,02:00:00:00:00:01,101\n"
    "policy 901 35 3 10 via proto=6 dport=80-90 sport=1-3"
    " 10.0.0.1,02:00:00:00:00:01,101 10.1.0.2,02:00:00:00:00:02,102\n"
    "policy 901 36 4 11 drop proto=17 dport=7-7\n"
    "policy 901 37 5 12 drop proto=132 dport=6-7\n"
    "policy 901 38 6 13 rate:100 src=fd00::/64\n"
    "policy 901 39 7 14 dscp:46 dscp=63 vni=101\n";
