/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of vxgatewayd that touch its machine, without a controller, for
 * tests/netns/test_gw_*.py: lines on stdin are calls, a line is printed per
 * callback.
 *
 *     gw_driver netns|device NETNS-DIR|- OVSDB|-
 *
 *     vrf VNI MAC MTU OFFLOAD ADDR,ADDR|- [DEVICE=ADDR,ADDR|-]...
 *     rmvrf VNI | sync | counts | rules
 *     leg VNI IFACE-ID | rmleg VNI | legsync */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "gateway/kernel.h"
#include "gateway/leg_ovs.h"
#include "lib/xalloc.h"

enum { LINE_MAX_BYTES = 4096, ADDRS_MAX = 32, DEVICES_MAX = 16 };

struct driver {
    struct event_base *base;
    struct vx_gw_kernel *kernel;
    struct vx_gw_legs *legs;
    char line[LINE_MAX_BYTES];
};

static void
on_vrf(void *aux, uint32_t vni, bool ready, const char *why)
{
    (void) aux;
    printf("vrf %u %d %s\n", vni, ready, why);
}

static void
on_device(void *aux, uint32_t vni, const char *name, bool ready,
          const char *why)
{
    (void) aux;
    printf("device %u %s %d %s\n", vni, name, ready, why);
}

static void
on_note(void *aux, const char *text)
{
    (void) aux;
    printf("note %s\n", text);
}

static void
on_route(void *aux, uint32_t vni, const struct vx_prefix *prefix,
         uint8_t protocol, bool present)
{
    char text[VX_PREFIX_STRLEN];

    (void) aux;
    printf("route %u %s %u %d\n", vni,
           prefix ? vx_prefix_format(prefix, text) : "-", protocol, present);
}

static void
on_leg(void *aux, uint32_t vni, uint32_t ofport)
{
    (void) aux;
    printf("leg %u %u\n", vni, ofport);
}

static void
on_connected(void *aux, bool connected, bool userspace, const char *why)
{
    (void) aux;
    printf("ovsdb %d %d %s\n", connected, userspace, why);
}

static size_t
parse_addrs(char *text, struct vx_gw_addr *addrs)
{
    size_t n = 0;
    char *save, *one = strtok_r(text, ",", &save);

    for (; one && n < ADDRS_MAX; one = strtok_r(NULL, ",", &save)) {
        char *slash = strchr(one, '/');

        if (slash) {
            *slash = '\0';
            addrs[n].length = (uint8_t) atoi(slash + 1);
            if (vx_ip_parse(one, &addrs[n].ip)) {
                n++;
            }
        }
    }
    return n;
}

static void
do_vrf(struct driver *driver, char *rest)
{
    struct vx_gw_addr addrs[DEVICES_MAX + 1][ADDRS_MAX];
    struct vx_gw_device_want devices[DEVICES_MAX];
    struct vx_gw_vrf_want want = { .devices = devices };
    char *save, *word = strtok_r(rest, " ", &save);
    char *words[5 + DEVICES_MAX];
    size_t n = 0;

    memset(addrs, 0, sizeof addrs);
    memset(devices, 0, sizeof devices);
    for (; word && n < 5 + DEVICES_MAX; word = strtok_r(NULL, " ", &save)) {
        words[n++] = word;
    }
    if (n < 5 || !vx_mac_parse(words[1], &want.leg_mac)) {
        printf("error vrf\n");
        return;
    }
    want.vni = (uint32_t) atoi(words[0]);
    want.leg_mtu = (uint16_t) atoi(words[2]);
    want.leg_offload = atoi(words[3]);
    want.leg_addrs = addrs[0];
    want.n_leg_addrs = parse_addrs(words[4], addrs[0]);
    for (size_t i = 5; i < n; i++) {
        struct vx_gw_device_want *device = &devices[want.n_devices++];
        char *equal = strchr(words[i], '=');

        if (equal) {
            *equal = '\0';
            device->n_addrs = parse_addrs(equal + 1, addrs[i - 4]);
        }
        device->addrs = addrs[i - 4];
        snprintf(device->name, sizeof device->name, "%.15s", words[i]);
    }
    vx_gw_kernel_set_vrf(driver->kernel, &want);
}

static void
do_rules(void)
{
    struct vx_gw_rule *rules;
    struct vx_error err;
    size_t n;

    if (!vx_gw_kernel_rules(&rules, &n, &err)) {
        printf("error %s\n", err.message);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        printf("rule %u %u table %u iif %s mark %u\n", rules[i].family,
               rules[i].priority, rules[i].table,
               rules[i].iif[0] ? rules[i].iif : "-", rules[i].fwmark);
    }
    free(rules);
}

static void
do_counts(struct driver *driver)
{
    struct vx_gw_kernel_counts c;

    vx_gw_kernel_counts(driver->kernel, &c);
    printf("counts vrfs=%zu ready=%zu devices=%zu devices_ready=%zu "
           "dirty=%zu looks=%llu operations=%llu failures=%llu "
           "overruns=%llu\n", c.n_vrfs, c.n_ready, c.n_devices,
           c.n_devices_ready, c.n_dirty, (unsigned long long) c.looks,
           (unsigned long long) c.operations,
           (unsigned long long) c.failures,
           (unsigned long long) c.overruns);
}

static void
do_line(struct driver *driver)
{
    char *rest = strchr(driver->line, ' ');
    const char *word = driver->line;

    if (rest) {
        *rest++ = '\0';
    }
    if (!strcmp(word, "vrf") && rest) {
        do_vrf(driver, rest);
    } else if (!strcmp(word, "rmvrf") && rest) {
        vx_gw_kernel_remove_vrf(driver->kernel, (uint32_t) atoi(rest));
    } else if (!strcmp(word, "sync")) {
        vx_gw_kernel_sync(driver->kernel);
    } else if (!strcmp(word, "counts")) {
        do_counts(driver);
    } else if (!strcmp(word, "rules")) {
        do_rules();
    } else if (!strcmp(word, "leg") && rest && strchr(rest, ' ')) {
        vx_gw_legs_set(driver->legs, (uint32_t) atoi(rest),
                       strchr(rest, ' ') + 1);
    } else if (!strcmp(word, "rmleg") && rest) {
        vx_gw_legs_remove(driver->legs, (uint32_t) atoi(rest));
    } else if (!strcmp(word, "legsync")) {
        vx_gw_legs_sync(driver->legs);
    } else {
        printf("error %s\n", word);
    }
    if (!strcmp(word, "counts") || !strcmp(word, "rules")) {
        printf("ok\n");
    }
}

static void
on_stdin(evutil_socket_t fd, short events, void *aux)
{
    struct driver *driver = aux;

    (void) fd, (void) events;
    if (!fgets(driver->line, sizeof driver->line, stdin)) {
        event_base_loopbreak(driver->base);
        return;
    }
    driver->line[strcspn(driver->line, "\n")] = '\0';
    do_line(driver);
}

int
main(int argc, char **argv)
{
    static const struct vx_gw_kernel_callbacks kernel_callbacks = {
        .vrf = on_vrf, .device = on_device, .note = on_note,
        .route = on_route,
    };
    static const struct vx_gw_legs_callbacks legs_callbacks = {
        .leg = on_leg, .connected = on_connected, .note = on_note,
    };
    struct driver driver = { .base = event_base_new() };
    struct vx_error err;
    struct event *in;

    if (argc != 4) {
        fprintf(stderr, "usage: gw_driver netns|device DIR|- OVSDB|-\n");
        return 2;
    }
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    driver.kernel = vx_gw_kernel_new(
        driver.base, strcmp(argv[1], "netns") ? VX_GW_VRF_DEVICE
        : VX_GW_VRF_NETNS, strcmp(argv[2], "-") ? argv[2] : NULL,
        &kernel_callbacks, &driver, &err);
    if (!driver.kernel) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    if (strcmp(argv[3], "-")) {
        driver.legs = vx_gw_legs_new(driver.base, argv[3], &legs_callbacks,
                                     &driver, &err);
    }
    in = event_new(driver.base, 0, EV_READ | EV_PERSIST, on_stdin, &driver);
    event_add(in, NULL);
    event_base_dispatch(driver.base);
    event_free(in);
    vx_gw_legs_free(driver.legs);
    vx_gw_kernel_free(driver.kernel);
    event_base_free(driver.base);
    return 0;
}
