/* SPDX-License-Identifier: Apache-2.0 */
/* One BGP session against a real speaker, told on standard input what to do,
 * one command a line.  Every command is answered with lines of data and then
 * "ok TEXT" or "error TEXT".
 *
 *   bgp_driver LOCAL PEER PORT AS PEER-AS ROUTER-ID [hold=S] [restart=S]
 *              [stale=S] [settle=S] [password=P] [family=F]...
 *
 *   set TOKEN ROUTE -- ATTRIBUTE...     unset TOKEN ROUTE
 *   complete                            End-of-RIB may be sent
 *   many COUNT                          that many VPNv4 routes, 100 RDs
 *   many-unset COUNT
 *   flows COUNT SEED any|policy         random FlowSpec rules of both
 *                                       families: all that can be but offsets
 *                                       of IPv6, or what a policy says; each
 *                                       is told as
 *                                       "FAMILY HEX COMMUNITIES TEXT"
 *   unflows COUNT SEED any|policy
 *   status                              words NAME=VALUE
 *   heard                               a line per path heard
 *   refresh FAMILY
 *   free | start | stop TEXT
 *
 * ROUTE:  ip PREFIX | vpn RD PREFIX LABEL | mac RD MAC IP|- VNI VNI2
 *         | imet RD IP | prefix RD PREFIX VNI
 *         | flow PREFIX PROTO|- DPORT[-DPORT][,...]|-
 * ATTRIBUTE:  nh=IP rt=RT community=C large=L med=N lp=N rmac=MAC
 *         mobility=N sticky=N encap pmsi=VNI,IP rate=KBPS mark=DSCP
 *         redirect=RT redirect-ip=IP */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "bgp/bgp_flowspec.h"
#include "bgp/bgp_session.h"
#include "bgp/rib_in.h"
#include "bgp/rib_out.h"
#include "tests/lib/bgp_sample.h"

enum { MAX_WORDS = 40 };

struct driver {
    struct event_base *base;
    struct bufferevent *in;
    struct bg_session_config config;
    struct bg_session *session;
    struct bg_rib_out *out;
    struct bg_rib_in *heard;
    size_t n_learned, n_lost;
    unsigned complete;          /* families the peer has told whole */
    char why[256];              /* the last session ended */
    double done_ms;             /* when done() last grew */
};

static double
now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static void
on_progress(void *aux)
{
    ((struct driver *) aux)->done_ms = now_ms();
}

static void
on_learned(void *aux, const struct bg_nlri *nlri,
           const struct bg_attrs *attrs)
{
    (void) nlri;
    (void) attrs;
    ((struct driver *) aux)->n_learned++;
}

static void
on_lost(void *aux, const struct bg_nlri *nlri)
{
    (void) nlri;
    ((struct driver *) aux)->n_lost++;
}

static void
on_complete(void *aux, enum bg_family family)
{
    ((struct driver *) aux)->complete |= BG_BIT(family);
}

static const struct bg_rib_in_callbacks heard_callbacks = {
    on_learned, on_lost, on_complete,
};

static void
on_up(void *aux, unsigned families)
{
    (void) families;
    ((struct driver *) aux)->complete = 0;
}

static void
on_down(void *aux, const char *why)
{
    struct driver *d = aux;

    snprintf(d->why, sizeof d->why, "%s", why);
}

static const struct bg_session_callbacks callbacks = {
    .up = on_up, .down = on_down,
};

static bool
start(struct driver *d)
{
    struct vx_error err;

    if (!d->session) {
        d->session = bg_session_new(d->base, &d->config, d->out, d->heard,
                                    &err);
        if (!d->session) {
            printf("error %s\n", err.message);
            return false;
        }
        bg_session_set_callbacks(d->session, &callbacks, d);
    }
    printf("ok\n");
    return true;
}

/* --- Routes and attributes in words. */

static bool
read_evpn(char **w, size_t n, struct bg_nlri *nlri)
{
    struct bg_evpn *evpn = &nlri->evpn;

    nlri->family = BG_EVPN;
    if (!bg_rd_parse(w[1], &nlri->rd)) {
        return false;
    }
    if (!strcmp(w[0], "mac") && n >= 6) {
        evpn->type = BG_EVPN_MAC;
        evpn->vni = atoi(w[4]);
        evpn->vni2 = atoi(w[5]);
        return vx_mac_parse(w[2], &evpn->mac)
               && (!strcmp(w[3], "-") || vx_ip_parse(w[3], &evpn->ip));
    }
    if (!strcmp(w[0], "imet")) {
        evpn->type = BG_EVPN_IMET;
        return vx_ip_parse(w[2], &evpn->ip);
    }
    evpn->type = BG_EVPN_PREFIX;
    evpn->vni = n > 3 ? atoi(w[3]) : 0;
    return !strcmp(w[0], "prefix") && vx_prefix_parse(w[2], &evpn->prefix);
}

/* "-" is any. */
static void
read_set(char *word, struct bg_flow_set *set)
{
    char *range;

    while ((range = strsep(&word, ","))) {
        char *dash = strchr(range, '-');
        int first = atoi(range);

        if (*range != '-') {
            bg_flow_set_add(set, first, dash ? atoi(dash + 1) : first);
        }
    }
}

static bool
read_flow(char **w, struct bg_nlri *nlri)
{
    struct bg_flow_rule rule = { .family = 4 };

    if (!vx_prefix_parse(w[1], &rule.dst)) {
        return false;
    }
    rule.family = rule.dst.ip.family;
    nlri->family = rule.family == 4 ? BG_FLOW4 : BG_FLOW6;
    read_set(w[2], &rule.proto);
    read_set(w[3], &rule.dport);
    return bg_flow_encode(&rule, &nlri->flow, NULL);
}

static bool
read_route(char **w, size_t n, struct bg_nlri *ret_nlri)
{
    struct bg_nlri nlri = { .family = BG_IPV4 };
    bool ok = false;

    if (n >= 2 && !strcmp(w[0], "ip")) {
        ok = vx_prefix_parse(w[1], &nlri.prefix);
        nlri.family = nlri.prefix.ip.family == 4 ? BG_IPV4 : BG_IPV6;
    } else if (n >= 4 && !strcmp(w[0], "vpn")) {
        nlri.label = atoi(w[3]);
        ok = bg_rd_parse(w[1], &nlri.rd)
             && vx_prefix_parse(w[2], &nlri.prefix);
        nlri.family = nlri.prefix.ip.family == 4 ? BG_VPNV4 : BG_VPNV6;
    } else if (n >= 4 && !strcmp(w[0], "flow")) {
        ok = read_flow(w, &nlri);
    } else if (n >= 3) {
        ok = read_evpn(w, n, &nlri);
    }
    *ret_nlri = nlri;
    return ok;
}

static bool
read_ext(const char *name, const char *value, struct bg_attrs *attrs)
{
    struct bg_ext ext;
    struct vx_mac mac;

    if (!strcmp(name, "rt") && bg_rt_parse(value, &ext)) {
        return bg_attrs_add_ext(attrs, ext);
    }
    if (!strcmp(name, "rmac") && vx_mac_parse(value, &mac)) {
        return bg_attrs_add_ext(attrs, bg_ext_router_mac(&mac));
    }
    if (!strcmp(name, "mobility") || !strcmp(name, "sticky")) {
        return bg_attrs_add_ext(attrs, bg_ext_mobility(atoi(value),
                                                       *name == 's'));
    }
    return !strcmp(name, "encap")
           && bg_attrs_add_ext(attrs, bg_ext_encap_vxlan());
}

static bool
read_action(const char *name, const char *value, struct bg_attrs *attrs)
{
    struct bg_flow_action action = { .has_rate = false };
    bool ok = true;

    if (!strcmp(name, "rate")) {
        action.has_rate = true;
        action.rate_kbps = atoi(value);
    } else if (!strcmp(name, "mark")) {
        action.has_mark = true;
        action.dscp = atoi(value);
    } else if (!strcmp(name, "redirect")) {
        action.has_redirect_rt = true;
        ok = bg_rt_parse(value, &action.redirect_rt);
    } else {
        ok = !strcmp(name, "redirect-ip")
             && vx_ip_parse(value, &action.redirect_ip);
    }
    bg_flow_put_action(&action, attrs);
    return ok;
}

static bool
read_pmsi(char *value, struct bg_pmsi *pmsi)
{
    char *comma = strchr(value, ',');

    pmsi->present = true;
    pmsi->type = 6;
    pmsi->vni = atoi(value);
    return comma && vx_ip_parse(comma + 1, &pmsi->ip);
}

static bool
read_attribute(char *word, struct bg_attrs *attrs)
{
    char *value = strchr(word, '='), empty[] = "";
    struct bg_large large;
    uint32_t community;

    if (value) {
        *value++ = '\0';
    } else {
        value = empty;
    }
    if (!strcmp(word, "nh")) {
        return vx_ip_parse(value, &attrs->next_hop);
    } else if (!strcmp(word, "med")) {
        attrs->has_med = true;
        attrs->med = atoi(value);
        return true;
    } else if (!strcmp(word, "lp")) {
        attrs->local_pref = atoi(value);
        return true;
    } else if (!strcmp(word, "community")) {
        return bg_community_parse(value, &community)
               && bg_attrs_add_community(attrs, community);
    } else if (!strcmp(word, "large")) {
        return bg_large_parse(value, &large)
               && bg_attrs_add_large(attrs, large);
    } else if (!strcmp(word, "pmsi")) {
        return read_pmsi(value, &attrs->pmsi);
    }
    return read_ext(word, value, attrs) || read_action(word, value, attrs);
}

static bool
set_route(struct driver *d, char **w, size_t n)
{
    struct bg_attrs attrs;
    struct bg_nlri nlri;
    size_t i = 2;

    bg_attrs_init(&attrs);
    if (n < 4 || !read_route(w + 2, n - 2, &nlri)) {
        return false;
    }
    if (*w[0] == 'u') {
        bg_rib_out_unset(d->out, &nlri, strtoull(w[1], NULL, 10));
        return true;
    }
    while (i < n && strcmp(w[i], "--")) {
        i++;
    }
    for (i++; i < n; i++) {
        if (!read_attribute(w[i], &attrs)) {
            return false;
        }
    }
    bg_rib_out_set(d->out, &nlri, &attrs, strtoull(w[1], NULL, 10));
    return true;
}

/* --- Many. */

static void
many(struct driver *d, uint32_t count, bool is_set)
{
    struct bg_nlri nlri = { .family = BG_VPNV4, .label = 16 };
    double started = now_ms();
    struct bg_attrs attrs;

    nlri.prefix.ip.family = 4;
    nlri.prefix.length = 32;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tenant = i % 100, of = i / 100;

        bg_attrs_init(&attrs);
        attrs.next_hop = d->config.router_id;
        bg_attrs_add_ext(&attrs, bg_rt_as(d->config.as, tenant));
        nlri.rd = bg_rd_as(d->config.as, tenant);
        nlri.prefix.ip.b[0] = 10;
        nlri.prefix.ip.b[1] = of >> 16;
        nlri.prefix.ip.b[2] = of >> 8;
        nlri.prefix.ip.b[3] = of;
        if (is_set) {
            bg_rib_out_set(d->out, &nlri, &attrs, i + 1);
        } else {
            bg_rib_out_unset(d->out, &nlri, i + 1);
        }
    }
    printf("ok %.1f\n", now_ms() - started);
}

static void
print_hex(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        printf("%02x", bytes[i]);
    }
}

/* One rule: told, and announced or withdrawn. */
static void
flow(struct driver *d, const struct bg_flow_rule *rule,
     const struct bg_attrs *attrs, uint64_t token)
{
    struct bg_nlri nlri = {
        .family = rule->family == 4 ? BG_FLOW4 : BG_FLOW6,
    };
    char text[BG_NLRI_STRLEN];

    (void) bg_flow_encode(rule, &nlri.flow, NULL);
    if (attrs) {
        bg_rib_out_set(d->out, &nlri, attrs, token);
    } else {
        bg_rib_out_unset(d->out, &nlri, token);
    }
    printf("%s ", bg_family_name(nlri.family));
    print_hex(nlri.flow.b, nlri.flow.size);
    printf(" ");
    for (size_t e = 0; attrs && e < attrs->n_ext; e++) {
        printf("%s", e ? "," : "");
        print_hex(attrs->ext[e].b, 8);
    }
    printf(" %s\n", bg_nlri_format(&nlri, text));
}

/* What a policy says goes through bgpd, so it is split. */
static void
flows(struct driver *d, char **w, bool is_set)
{
    uint32_t count = atoi(w[1]);
    uint64_t seed = strtoull(w[2], NULL, 10);
    struct bg_flow_rule rules[64];
    struct bg_flow_action action;
    struct bg_attrs attrs;

    for (uint32_t i = 0; i < count; i++) {
        uint8_t family = i % 2 ? 4 : 6;
        size_t n = 1;

        if (*w[3] == 'p') {
            struct bg_flow_rule rule;

            bgp_sample_policy(&seed, family, &rule);
            n = bg_flow_split(&rule, BG_FLOW_FRR_OPERATORS, rules, 64);
        } else {
            /* GoBGP 3.10 reads the bytes of a prefix with an offset as if
             * there were none. */
            bgp_sample_rule(&seed, family, rules);
            rules[0].dst_offset = 0;
        }
        bgp_sample_action(&seed, family, &action);
        bg_attrs_init(&attrs);
        bg_attrs_add_ext(&attrs, bg_rt_as(d->config.as, i));
        bg_flow_put_action(&action, &attrs);
        for (size_t r = 0; r < n; r++) {
            flow(d, &rules[r], is_set ? &attrs : NULL, i + 1);
        }
    }
    printf("ok\n");
}

/* --- What there is to see. */

static void
print_path(void *aux, const struct bg_rib_in_view *view)
{
    const struct bg_attrs *a = &view->attrs;
    char buf[BG_NLRI_STRLEN], ip[VX_IP_STRLEN], ext[BG_EXT_STRLEN];

    (void) aux;
    printf("%s %s", bg_family_name(view->nlri.family),
           bg_nlri_format(&view->nlri, buf));
    if (a->next_hop.family) {
        printf(" nh=%s", vx_ip_format(&a->next_hop, ip));
    }
    if (view->nlri.label) {
        printf(" label=%u", view->nlri.label);
    }
    for (size_t i = 0; i < a->n_as; i++) {
        printf(" as=%u", a->as_path[i]);
    }
    for (size_t i = 0; i < a->n_communities; i++) {
        printf(" community=%s", bg_community_format(a->communities[i], ext));
    }
    for (size_t i = 0; i < a->n_ext; i++) {
        printf(" %s", bg_ext_format(&a->ext[i], ext));
    }
    if (a->pmsi.present) {
        printf(" pmsi=%u,%s", a->pmsi.vni, vx_ip_format(&a->pmsi.ip, ip));
    }
    if (a->originator.family) {
        printf(" originator=%s", vx_ip_format(&a->originator, ip));
    }
    printf("%s\n", view->is_stale ? " stale" : "");
}

static void
print_status(const struct driver *d)
{
    struct bg_session_status status = { .state = BG_STOPPED };

    if (d->session) {
        bg_session_get_status(d->session, &status);
    }
    printf("ok state=%s done=%llu unsent=%zu updates_in=%llu"
           " updates_out=%llu up=%llu malformed=%llu learned=%zu lost=%zu"
           " stale=%zu complete=%u families=%u hold=%u now=%.1f"
           " done_ms=%.1f error=%s\n",
           bg_state_name(status.state),
           (unsigned long long) bg_rib_out_done(d->out),
           bg_rib_out_unsent(d->out), (unsigned long long) status.n_updates_in,
           (unsigned long long) status.n_updates_out,
           (unsigned long long) status.n_up,
           (unsigned long long) status.n_malformed,
           d->n_learned, d->n_lost, bg_rib_in_stale(d->heard), d->complete,
           status.families, status.hold_s, now_ms(), d->done_ms, d->why);
}

static bool
run_session_command(struct driver *d, char **w, size_t n)
{
    enum bg_family family;

    if (!strcmp(w[0], "free")) {
        bg_session_free(d->session);
        d->session = NULL;
        printf("ok\n");
    } else if (!strcmp(w[0], "start")) {
        start(d);
    } else if (n > 1 && !strcmp(w[0], "stop") && d->session) {
        bg_session_stop(d->session, w[1]);
        printf("ok\n");
    } else if (n > 1 && !strcmp(w[0], "refresh") && d->session
               && bg_family_parse(w[1], &family)) {
        bg_session_refresh(d->session, family);
        printf("ok\n");
    } else {
        return false;
    }
    return true;
}

static void
run_command(struct driver *d, char **w, size_t n)
{
    if (!strcmp(w[0], "set") || !strcmp(w[0], "unset")) {
        printf(set_route(d, w, n) ? "ok\n" : "error no such route\n");
    } else if (!strcmp(w[0], "complete")) {
        bg_rib_out_complete(d->out);
        printf("ok\n");
    } else if (n > 1 && !strncmp(w[0], "many", 4)) {
        many(d, atoi(w[1]), !w[0][4]);
    } else if (n > 3 && strstr(w[0], "flows")) {
        flows(d, w, *w[0] == 'f');
    } else if (!strcmp(w[0], "status")) {
        print_status(d);
    } else if (!strcmp(w[0], "heard")) {
        bg_rib_in_each(d->heard, print_path, NULL);
        printf("ok\n");
    } else if (!run_session_command(d, w, n)) {
        printf("error no such command\n");
    }
}

static void
on_line(struct bufferevent *bev, void *aux)
{
    struct driver *d = aux;
    char *line;

    while ((line = evbuffer_readln(bufferevent_get_input(bev), NULL,
                                   EVBUFFER_EOL_LF))) {
        char *words[MAX_WORDS], *rest = line, *word;
        size_t n = 0;

        while (n < MAX_WORDS && (word = strsep(&rest, " "))) {
            if (*word) {
                words[n++] = word;
            }
        }
        if (n) {
            run_command(d, words, n);
            fflush(stdout);
        }
        free(line);
    }
}

static void
on_end(struct bufferevent *bev, short what, void *aux)
{
    (void) bev;
    (void) what;
    event_base_loopbreak(((struct driver *) aux)->base);
}

static bool
read_option(char *word, struct bg_session_config *config)
{
    char *value = strchr(word, '=');
    enum bg_family family;

    if (!value) {
        return false;
    }
    *value++ = '\0';
    if (!strcmp(word, "hold")) {
        config->hold_s = atoi(value);
    } else if (!strcmp(word, "restart")) {
        config->restart_s = atoi(value);
    } else if (!strcmp(word, "stale")) {
        config->stale_s = atoi(value);
    } else if (!strcmp(word, "settle")) {
        config->settle_s = atoi(value);
    } else if (!strcmp(word, "password")) {
        snprintf(config->password, sizeof config->password, "%s", value);
    } else if (!strcmp(word, "family") && bg_family_parse(value, &family)) {
        config->families |= BG_BIT(family);
    } else {
        return false;
    }
    return true;
}

static bool
read_arguments(struct driver *d, int argc, char **argv)
{
    struct bg_session_config *config = &d->config;

    if (argc < 7 || !vx_ip_parse(argv[1], &config->local)
        || !vx_ip_parse(argv[2], &config->peer)
        || !vx_ip_parse(argv[6], &config->router_id)) {
        return false;
    }
    config->port = atoi(argv[3]);
    config->as = strtoul(argv[4], NULL, 10);
    config->peer_as = strtoul(argv[5], NULL, 10);
    for (int i = 7; i < argc; i++) {
        if (!read_option(argv[i], config)) {
            return false;
        }
    }
    if (!config->families) {
        config->families = BG_ALL_FAMILIES;
    }
    return true;
}

int
main(int argc, char **argv)
{
    struct driver d = { .base = event_base_new() };

    if (!read_arguments(&d, argc, argv)) {
        fprintf(stderr, "usage: see the head of bgp_driver.c\n");
        return 2;
    }
    d.out = bg_rib_out_new(on_progress, &d);
    d.heard = bg_rib_in_new(&heard_callbacks, &d, 1000000);
    d.in = bufferevent_socket_new(d.base, 0, 0);
    bufferevent_setcb(d.in, on_line, NULL, on_end, &d);
    bufferevent_enable(d.in, EV_READ);
    if (start(&d)) {
        fflush(stdout);
        event_base_dispatch(d.base);
    }
    fflush(stdout);
    bg_session_free(d.session);
    bg_rib_out_free(d.out);
    bg_rib_in_free(d.heard);
    bufferevent_free(d.in);
    event_base_free(d.base);
    return 0;
}
