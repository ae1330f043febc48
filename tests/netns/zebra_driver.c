/* SPDX-License-Identifier: Apache-2.0 */
/* A zebra client driven by lines on stdin, for tests against a real zebra:
 *   zebra_driver SOCKET INSTANCE STALE_S [quiet]
 * Says every callback as a line on stdout ("quiet": no line per route).
 *   set VRF PREFIX VIA DEVICE DISTANCE TAG TOKEN     VIA, DEVICE: - for none
 *   unset VRF PREFIX TOKEN
 *   many|none VRF FIRST N TOKEN       /32s from an address on, black holes
 *   whole | audit | endhold | counters
 *   policy NAME PRIORITY DEVICE SRC DST VIA DEV TABLE | nopolicy NAME */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "bgp/zebra_session.h"

struct driver {
    struct event_base *base;
    struct bufferevent *in;
    struct bg_zebra *zebra;
    bool is_quiet;
};

static void
on_state(void *aux, const struct bg_zebra_status *status)
{
    static const char *const names[] = {
        "away", "refused", "connecting", "up"
    };

    (void) aux;
    printf("state %s %s%s%s\n", names[status->state], status->version,
           status->state == BG_ZEBRA_UP && status->is_netns ? " netns" : "",
           status->why);
}

static void
on_vrf(void *aux, const char *vrf, uint32_t table_id, bool is_there)
{
    (void) aux;
    printf("vrf %s %s %u\n", vrf, is_there ? "there" : "gone", table_id);
}

static void
on_route(void *aux, const struct bg_route_event *event)
{
    struct driver *d = aux;
    char prefix[VX_PREFIX_STRLEN];

    if (!d->is_quiet) {
        printf("route %s %s %s %s\n", event->vrf,
               vx_prefix_format(&event->prefix, prefix),
               bg_route_state_name(event->state),
               bg_route_why_text(event->why));
    }
}

static void
on_confirmed(void *aux, uint64_t token)
{
    (void) aux;
    printf("confirmed %llu\n", (unsigned long long) token);
}

static void
on_rule(void *aux, const struct bg_pbr_event *event)
{
    static const char *const names[] = {
        "pending", "installed", "failed", "withdrawing", "gone"
    };

    (void) aux;
    printf("rule %s %s %s\n", event->name, names[event->state], event->why);
}

static void
on_learned(void *aux, const struct bg_learned *route)
{
    struct driver *d = aux;
    char prefix[VX_PREFIX_STRLEN], ip[VX_IP_STRLEN];

    if (!d->is_quiet) {
        printf("learned %s %s via %s\n", route->vrf,
               vx_prefix_format(&route->prefix, prefix), route->n_nexthops
               ? vx_ip_format(&route->nexthops[0].ip, ip) : "-");
    }
}

static void
on_gone(void *aux, const char *vrf, const struct vx_prefix *prefix)
{
    char s[VX_PREFIX_STRLEN];

    (void) aux;
    printf("gone %s %s\n", vrf, vx_prefix_format(prefix, s));
}

static void
on_whole(void *aux, const char *vrf)
{
    (void) aux;
    printf("whole %s\n", vrf);
}

static void
on_closed(void *aux, enum bg_proto proto, uint16_t instance)
{
    (void) aux;
    printf("closed %s %u\n", bg_proto_name(proto), instance);
}

static void
on_audited(void *aux, const struct bg_route_audit *audit)
{
    (void) aux;
    printf("audited %zu %zu %zu\n", audit->n_seen, audit->n_strays,
           audit->n_missing);
}

static const struct bg_zebra_callbacks callbacks = {
    on_state, on_vrf, on_route, on_confirmed, on_rule, on_learned, on_gone,
    on_whole, on_closed, on_audited, NULL, NULL,
};

/* --- Commands. */

enum { MAX_WORDS = 10 };

static struct vx_prefix
prefix_of(const char *s)
{
    struct vx_prefix prefix = { .length = 0 };

    if (strcmp(s, "-") && !vx_prefix_parse(s, &prefix)) {
        printf("error prefix %s\n", s);
    }
    return prefix;
}

static struct vx_ip
ip_of(const char *s)
{
    struct vx_ip ip = { .family = 0 };

    if (strcmp(s, "-") && !vx_ip_parse(s, &ip)) {
        printf("error address %s\n", s);
    }
    return ip;
}

static void
copy_device(char *device, const char *s)
{
    memset(device, 0, BG_IFNAME_SIZE);
    if (strcmp(s, "-")) {
        strncpy(device, s, BG_IFNAME_SIZE - 1);
    }
}

static void
set_one(struct driver *d, char **w)
{
    struct bg_want want = { .prefix = prefix_of(w[2]), .via = ip_of(w[3]),
                            .distance = (uint8_t) atoi(w[5]),
                            .tag = (uint32_t) atoi(w[6]) };

    copy_device(want.device, w[4]);
    bg_zebra_set(d->zebra, w[1], &want, strtoull(w[7], NULL, 10));
}

static void
set_many(struct driver *d, char **w, bool wanted)
{
    struct vx_ip first = ip_of(w[2]);
    uint64_t token = strtoull(w[4], NULL, 10);

    for (int i = 0; i < atoi(w[3]); i++) {
        struct bg_want want = {
            .prefix = { vx_ip_from_u128(vx_ip_to_u128(&first)
                                        + (unsigned) i, 4), 32 },
            .tag = (uint32_t) i + 1
        };

        if (wanted) {
            bg_zebra_set(d->zebra, w[1], &want, token);
        } else {
            bg_zebra_unset(d->zebra, w[1], &want, token);
        }
    }
}

static void
set_policy(struct driver *d, char **w)
{
    const char *device = w[3];
    struct vx_prefix src = prefix_of(w[4]), dst = prefix_of(w[5]);
    struct bg_pbr_policy p = {
        .name = w[1], .priority = (uint32_t) atoi(w[2]), .vrf = "",
        .devices = &device, .n_devices = 1,
        .srcs = &src, .n_srcs = src.ip.family ? 1 : 0,
        .dsts = &dst, .n_dsts = dst.ip.family ? 1 : 0,
        .via = ip_of(w[6]), .table_id = (uint32_t) atoi(w[8])
    };
    struct vx_error err;

    p.family = p.via.family;
    copy_device(p.via_device, w[7]);
    if (!bg_zebra_set_policy(d->zebra, &p, &err)) {
        printf("refused %s %s\n", err.field, err.message);
    }
}

static void
tell_counters(struct driver *d)
{
    struct bg_zebra_counters c;

    bg_zebra_get_counters(d->zebra, &c);
    printf("counters installed %zu outstanding %zu queued %zu sent %llu "
           "unanswered %llu learned %zu stale %zu vrfs %zu undecoded %llu\n",
           c.routes.n_states[BG_ROUTE_INSTALLED], c.routes.n_outstanding,
           c.routes.n_queued, (unsigned long long) c.routes.n_sent,
           (unsigned long long) c.routes.n_unanswered, c.n_learned,
           c.n_learned_stale, c.n_vrfs, (unsigned long long) c.n_undecoded);
}

static void
run(struct driver *d, char *line)
{
    char *w[MAX_WORDS + 1] = { NULL }, *save = NULL;
    int n = 0;

    for (char *s = strtok_r(line, " ", &save); s && n < MAX_WORDS;
         s = strtok_r(NULL, " ", &save)) {
        w[n++] = s;
    }
    if (n == 8 && !strcmp(w[0], "set")) {
        set_one(d, w);
    } else if (n == 4 && !strcmp(w[0], "unset")) {
        struct bg_want key = { .prefix = prefix_of(w[2]) };

        bg_zebra_unset(d->zebra, w[1], &key, strtoull(w[3], NULL, 10));
    } else if (n == 5 && (!strcmp(w[0], "many") || !strcmp(w[0], "none"))) {
        set_many(d, w, w[0][0] == 'm');
    } else if (n == 9 && !strcmp(w[0], "policy")) {
        set_policy(d, w);
    } else if (n == 2 && !strcmp(w[0], "nopolicy")) {
        bg_zebra_unset_policy(d->zebra, w[1]);
    } else if (n == 1 && !strcmp(w[0], "whole")) {
        bg_zebra_set_whole(d->zebra);
    } else if (n == 1 && !strcmp(w[0], "audit")) {
        bg_zebra_audit(d->zebra);
    } else if (n == 1 && !strcmp(w[0], "endhold")) {
        bg_zebra_end_hold(d->zebra);
    } else if (n == 1 && !strcmp(w[0], "counters")) {
        tell_counters(d);
    } else {
        printf("error command\n");
    }
}

static void
on_line(struct bufferevent *bev, void *aux)
{
    char *line;

    while ((line = evbuffer_readln(bufferevent_get_input(bev), NULL,
                                   EVBUFFER_EOL_LF))) {
        run(aux, line);
        free(line);
    }
}

static void
on_end(struct bufferevent *bev, short what, void *aux)
{
    struct driver *d = aux;

    (void) bev;
    (void) what;
    event_base_loopbreak(d->base);
}

int
main(int argc, char **argv)
{
    struct driver d = { .is_quiet = argc > 4 };
    struct bg_zebra_config config = { .proto = BG_PROTO_OPENFABRIC,
                                      .learns = true, .hold_ms = 12000 };

    if (argc < 4) {
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    d.base = event_base_new();
    config.base = d.base;
    config.path = argv[1];
    config.instance = (uint16_t) atoi(argv[2]);
    config.stale_s = (uint32_t) atoi(argv[3]);
    config.learns = !config.instance;
    d.zebra = bg_zebra_new(&config, &callbacks, &d);
    d.in = bufferevent_socket_new(d.base, 0, 0);
    bufferevent_setcb(d.in, on_line, NULL, on_end, &d);
    bufferevent_enable(d.in, EV_READ);
    event_base_dispatch(d.base);
    bg_zebra_free(d.zebra);
    bufferevent_free(d.in);
    event_base_free(d.base);
    return 0;
}
