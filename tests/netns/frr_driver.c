/* SPDX-License-Identifier: Apache-2.0 */
/* Desired against running configuration of a real FRR daemon, for
 * tests/netns/test_gw_frr.py: what is wanted on stdin, then `apply`.
 *
 *     frr_driver bgpd|zebra|reflector SOCKET
 *
 *     as N | router-id IP | vtep IP | restart S
 *     vrf VNI TENANT
 *     peering NAME KEY=VALUE...       of the last vrf
 *     uplink NAME KEY=VALUE...
 *     clear                           wants nothing
 *     plan | apply                    prints "command ...", "conflict ...",
 *                                     then "ok" or "error ..." */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "gateway/frr_config.h"
#include "gateway/frr_refused.h"
#include "gateway/vty.h"
#include "lib/xalloc.h"

enum { VRFS_MAX = 512, PEERINGS_MAX = 1024 };

struct driver {
    struct event_base *base;
    enum vx_gw_frr_daemon daemon;
    struct vx_gw_vty *vty;
    struct vx_gw_frr_want want;
    struct vx_gw_frr_vrf vrfs[VRFS_MAX];
    struct vx_prefix subnets[VRFS_MAX];
    const struct vx_peering *of_vrf[VRFS_MAX][8];
    const struct vx_peering *uplinks[16];
    struct vx_obj *objects[PEERINGS_MAX];
    size_t n_objects;
    bool does_apply;
    char line[8192];
};

static uint32_t
number_of(const char *text)
{
    return (uint32_t) strtoul(text, NULL, 10);
}

static struct vx_prefix *
prefixes_of(char *text, size_t *ret_n)
{
    struct vx_prefix *list = vx_xcalloc(64, sizeof *list);
    char *save, *one = strtok_r(text, "+", &save);

    for (*ret_n = 0; one && *ret_n < 64; one = strtok_r(NULL, "+", &save)) {
        if (vx_prefix_parse(one, &list[*ret_n])) {
            ++*ret_n;
        }
    }
    return list;
}

static struct vx_prefix *
locals_of(char *text, size_t *ret_n)
{
    struct vx_prefix *list = vx_xcalloc(8, sizeof *list);
    char *save, *one = strtok_r(text, "+", &save);

    for (*ret_n = 0; one && *ret_n < 8; one = strtok_r(NULL, "+", &save)) {
        if (vx_prefix_parse_local(one, &list[*ret_n])) {
            ++*ret_n;
        }
    }
    return list;
}

static uint8_t
families_of(const char *text)
{
    static const char *const names[] = {
        "ipv4", "ipv6", "vpnv4", "vpnv6", "evpn", "flowspec",
    };
    uint8_t families = 0;

    for (int i = 0; i < 6; i++) {
        const char *at = strstr(text, names[i]);

        families |= (uint8_t) (at ? 1 << i : 0);
    }
    return families;
}

static void
communities_of(struct vx_peering *p, char *text)
{
    char *save, *one = strtok_r(text, "+", &save);

    p->communities = vx_xcalloc(16, sizeof *p->communities);
    for (; one && p->n_communities < 16; one = strtok_r(NULL, "+", &save)) {
        unsigned high = 0, low = 0;

        sscanf(one, "%u:%u", &high, &low);
        p->communities[p->n_communities++] = high << 16 | low;
    }
}

static void
set_member(struct vx_peering *p, const char *key, char *value)
{
    if (!strcmp(key, "peer")) {
        vx_ip_parse(value, &p->peer);
    } else if (!strcmp(key, "source")) {
        vx_ip_parse(value, &p->source);
    } else if (!strcmp(key, "as")) {
        p->peer_as = number_of(value);
    } else if (!strcmp(key, "local-as")) {
        p->local_as = number_of(value);
    } else if (!strcmp(key, "af")) {
        p->families = families_of(value);
    } else if (!strcmp(key, "bfd")) {
        p->bfd = true;
    } else if (!strcmp(key, "hold")) {
        p->hold_s = (uint16_t) number_of(value);
    } else if (!strcmp(key, "multihop")) {
        p->multihop = (uint8_t) number_of(value);
    } else if (!strcmp(key, "password")) {
        free(p->password);
        p->password = vx_xstrdup(value);
    } else if (!strcmp(key, "communities")) {
        communities_of(p, value);
    } else if (!strcmp(key, "med")) {
        p->has_med = true;
        p->med = number_of(value);
    } else if (!strcmp(key, "local-pref")) {
        p->local_pref = number_of(value);
    } else if (!strcmp(key, "limit")) {
        p->prefix_limit = number_of(value);
    } else if (!strcmp(key, "import")) {
        p->imports = prefixes_of(value, &p->n_imports);
    } else if (!strcmp(key, "export")) {
        p->exports = prefixes_of(value, &p->n_exports);
    } else if (!strcmp(key, "device")) {
        free(p->device);
        p->device = vx_xstrdup(value);
    } else if (!strcmp(key, "local")) {
        p->locals = locals_of(value, &p->n_locals);
    } else if (!strcmp(key, "flowspec-in")) {
        p->flowspec_in = true;
    } else {
        printf("error key %s\n", key);
    }
}

static const struct vx_peering *
read_peering(struct driver *d, enum vx_kind kind, char *rest)
{
    struct vx_obj *obj = vx_obj_new(kind);
    struct vx_peering *p = (struct vx_peering *) obj;
    char *save, *word = strtok_r(rest, " ", &save);

    d->objects[d->n_objects++] = obj;
    free(obj->name);
    obj->name = vx_xstrdup(word ? word : "?");
    while ((word = strtok_r(NULL, " ", &save))) {
        char *equal = strchr(word, '=');

        if (equal) {
            *equal = '\0';
            set_member(p, word, equal + 1);
        }
    }
    return p;
}

static void
clear(struct driver *d)
{
    for (size_t i = 0; i < d->n_objects; i++) {
        vx_obj_unref(d->objects[i]);
    }
    for (size_t i = 0; i < d->want.n_vrfs; i++) {
        free((char *) d->vrfs[i].tenant);
    }
    d->n_objects = 0;
    d->want.n_vrfs = d->want.n_uplinks = 0;
}

static void
applied(void *aux, bool ok, const char *text, const struct vx_error *err)
{
    (void) aux, (void) text;
    printf("%s %s\n", ok ? "ok" : "error", ok ? "" : err->message);
}

static void
compared(void *aux, bool ok, const char *text, const struct vx_error *err)
{
    struct driver *d = aux;
    struct vx_gw_frr_plan plan;
    struct vx_error why;

    if (!ok) {
        printf("error %s\n", err->message);
        return;
    }
    if (!vx_gw_frr_plan(d->daemon, &d->want, text, &plan, &why)) {
        printf("error %s\n", why.message);
        return;
    }
    for (size_t i = 0; i < plan.n_commands; i++) {
        printf("command %s\n", plan.commands[i]);
    }
    for (size_t i = 0; i < plan.n_conflicts; i++) {
        printf("conflict %s %s\n", plan.conflicts[i].peering
               ? plan.conflicts[i].peering->o.name : "-",
               plan.conflicts[i].why);
    }
    if (d->does_apply && plan.n_commands) {
        vx_gw_vty_configure(d->vty, &(struct vx_gw_vty_commands) {
            .commands = plan.commands, .n = plan.n_commands,
            .goes_on = vx_gw_frr_refused_goes_on,
        }, applied, d);
    } else {
        printf("ok\n");
    }
    vx_gw_frr_plan_fini(&plan);
}

static void
do_vrf(struct driver *d, char *rest)
{
    struct vx_gw_frr_vrf *vrf = &d->vrfs[d->want.n_vrfs];
    const char *tenant = strchr(rest, ' ');

    memset(vrf, 0, sizeof *vrf);
    vrf->vni = number_of(rest);
    vrf->tenant = vx_xstrdup(tenant ? tenant + 1 : "t");
    vrf->peerings = d->of_vrf[d->want.n_vrfs++];
}

static void
do_line(struct driver *d)
{
    char *rest = strchr(d->line, ' ');
    const char *word = d->line;

    if (rest) {
        *rest++ = '\0';
    }
    rest = rest ? rest : (char *) "";
    if (!strcmp(word, "as")) {
        d->want.as = number_of(rest);
    } else if (!strcmp(word, "router-id")) {
        vx_ip_parse(rest, &d->want.router_id);
    } else if (!strcmp(word, "vtep")) {
        vx_ip_parse(rest, &d->want.vtep);
    } else if (!strcmp(word, "restart")) {
        d->want.restart_s = number_of(rest);
    } else if (!strcmp(word, "one-by-one")) {
        d->want.one_by_one = number_of(rest);
    } else if (!strcmp(word, "vrf") && d->want.n_vrfs < VRFS_MAX) {
        do_vrf(d, rest);
    } else if (!strcmp(word, "subnet") && d->want.n_vrfs) {
        struct vx_gw_frr_vrf *vrf = &d->vrfs[d->want.n_vrfs - 1];
        struct vx_prefix *subnet = &d->subnets[d->want.n_vrfs - 1];

        vx_prefix_parse(rest, subnet);
        vrf->subnets = subnet;
        vrf->n_subnets = 1;
    } else if (!strcmp(word, "peering") && d->want.n_vrfs) {
        struct vx_gw_frr_vrf *vrf = &d->vrfs[d->want.n_vrfs - 1];

        d->of_vrf[d->want.n_vrfs - 1][vrf->n_peerings++] =
            read_peering(d, VX_PEERING, rest);
    } else if (!strcmp(word, "uplink")) {
        d->uplinks[d->want.n_uplinks++] = read_peering(d, VX_UPLINK, rest);
    } else if (!strcmp(word, "clear")) {
        clear(d);
    } else if (!strcmp(word, "plan") || !strcmp(word, "apply")) {
        d->does_apply = word[0] == 'a';
        vx_gw_vty_ask(d->vty, "show running-config", compared, d);
    } else {
        printf("error %s\n", word);
    }
}

static void
on_stdin(evutil_socket_t fd, short events, void *aux)
{
    struct driver *d = aux;

    (void) fd, (void) events;
    if (!fgets(d->line, sizeof d->line, stdin)) {
        event_base_loopbreak(d->base);
        return;
    }
    d->line[strcspn(d->line, "\n")] = '\0';
    do_line(d);
}

int
main(int argc, char **argv)
{
    static const struct vx_gw_vty_callbacks callbacks = { NULL, NULL };
    static struct driver d;
    struct event *in;

    if (argc != 3) {
        fprintf(stderr, "usage: frr_driver bgpd|zebra|reflector SOCKET\n");
        return 2;
    }
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    d.base = event_base_new();
    d.daemon = argv[1][0] == 'b' ? VX_GW_BGPD
               : argv[1][0] == 'z' ? VX_GW_ZEBRA : VX_GW_REFLECTOR;
    d.want.redistribute = "openfabric";
    d.want.vrfs = d.vrfs;
    d.want.uplinks = d.uplinks;
    vx_ip_parse("127.0.0.2", &d.want.speaker);
    d.vty = vx_gw_vty_new(d.base, argv[2], &callbacks, &d);
    in = event_new(d.base, 0, EV_READ | EV_PERSIST, on_stdin, &d);
    event_add(in, NULL);
    event_base_dispatch(d.base);
    event_free(in);
    clear(&d);
    vx_gw_vty_free(d.vty);
    event_base_free(d.base);
    return 0;
}
