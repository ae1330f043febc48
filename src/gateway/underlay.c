/* SPDX-License-Identifier: Apache-2.0 */
/* See underlay.h.
 *
 *   look, some times a second -> why it is down, or not
 *   the same for DOWN_MS, GONE_MS or UP_MS -> told
 *
 * An address is away while ovs-vswitchd is restarted, with the userspace
 * datapath.
 * Up takes longer: a link that flaps does not make routes flap, and a switch
 * needs a while before it forwards. */
#include "gateway/underlay.h"

#include <event2/event.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/addr.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum {
    LOOK_MS = 250, DOWN_MS = 700, GONE_MS = 1800, UP_MS = 2000,
    WHY_SIZE = 200,
};

struct vx_gw_underlay {
    struct vx_gw_underlay_config config;
    struct event *timer;
    struct vx_ip vtep;          /* that was looked for last */
    bool was_there;             /* it has been an interface's */
    bool is_down;               /* as it was told */
    int64_t since_ms;           /* it looks otherwise; 0 = it does not */
    char why[WHY_SIZE];
};

/* The kernel's own address as ours. */
static bool
is_address(const struct sockaddr *addr, const struct vx_ip *ip)
{
    struct vx_ip other;

    memset(&other, 0, sizeof other);
    if (addr && addr->sa_family == AF_INET && ip->family == 4) {
        other.family = 4;
        memcpy(other.b, &((const struct sockaddr_in *) (const void *)
                          addr)->sin_addr, 4);
    } else if (addr && addr->sa_family == AF_INET6 && ip->family == 6) {
        other.family = 6;
        memcpy(other.b, &((const struct sockaddr_in6 *) (const void *)
                          addr)->sin6_addr, 16);
    } else {
        return false;
    }
    return !vx_ip_compare(&other, ip);
}

/* The interface that has the address, and its flags; false: none has. */
static bool
find_interface(const struct vx_ip *ip, char name[IF_NAMESIZE],
               unsigned *ret_flags)
{
    struct ifaddrs *all;
    bool found = false;

    if (getifaddrs(&all)) {
        return false;
    }
    for (const struct ifaddrs *at = all; at && !found; at = at->ifa_next) {
        if (is_address(at->ifa_addr, ip)) {
            snprintf(name, IF_NAMESIZE, "%s", at->ifa_name);
            *ret_flags = at->ifa_flags;
            found = true;
        }
    }
    freeifaddrs(all);
    return found;
}

/* True: it is down, why, and after how long that counts. */
static bool
look(struct vx_gw_underlay *u, char why[WHY_SIZE], int *ret_ms)
{
    char name[IF_NAMESIZE] = "", ports[100], text[VX_IP_STRLEN];
    struct vx_ip vtep;
    unsigned flags;

    *ret_ms = DOWN_MS;
    if (!u->config.vtep(u->config.aux, &vtep)) {
        return false;
    }
    if (vx_ip_compare(&vtep, &u->vtep)) {
        u->vtep = vtep;
        u->was_there = false;
    }
    if (!find_interface(&vtep, name, &flags)) {
        snprintf(why, WHY_SIZE, "no interface has the VTEP's address %s any "
                 "more", vx_ip_format(&vtep, text));
        *ret_ms = GONE_MS;
        return u->was_there;
    }
    u->was_there = true;
    if (!(flags & IFF_UP) || !(flags & IFF_RUNNING)) {
        snprintf(why, WHY_SIZE, "interface %s of the VTEP %s", name,
                 flags & IFF_UP ? "has no carrier" : "is down");
        return true;
    }
    if (u->config.is_cut(u->config.aux, name, ports, sizeof ports)) {
        snprintf(why, WHY_SIZE, "no port of bridge %s has a carrier: %s",
                 name, ports);
        return true;
    }
    return false;
}

static void
on_timer(evutil_socket_t fd, short what, void *underlay)
{
    struct vx_gw_underlay *u = underlay;
    int64_t now = vx_clock_ms();
    char why[WHY_SIZE];
    int down_ms;
    bool down = look(u, why, &down_ms);

    (void) fd;
    (void) what;
    if (down == u->is_down) {
        u->since_ms = 0;
    } else if (!u->since_ms) {
        u->since_ms = now;
    } else if (now - u->since_ms >= (down ? down_ms : UP_MS)) {
        u->since_ms = 0;
        u->is_down = down;
        snprintf(u->why, sizeof u->why, "%s", down ? why : "");
        u->config.changed(u->config.aux, down ? u->why : NULL);
    }
}

const char *
vx_gw_underlay_why(const struct vx_gw_underlay *underlay)
{
    return underlay->is_down ? underlay->why : NULL;
}

struct vx_gw_underlay *
vx_gw_underlay_new(const struct vx_gw_underlay_config *config)
{
    static const struct timeval tv = { 0, LOOK_MS * 1000 };
    struct vx_gw_underlay *u = vx_xcalloc(1, sizeof *u);

    u->config = *config;
    u->timer = event_new(config->base, -1, EV_PERSIST, on_timer, u);
    event_add(u->timer, &tv);
    return u;
}

void
vx_gw_underlay_free(struct vx_gw_underlay *u)
{
    if (u) {
        event_free(u->timer);
        free(u);
    }
}
