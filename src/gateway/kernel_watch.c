/* SPDX-License-Identifier: Apache-2.0 */
/* What others change: links and addresses (and routes, if asked for) in every
 * VRF's namespace, links in the gateway's own, and names of namespaces.  Only
 * says "look again"; bounded work per turn of the loop. */
#include "gateway/kernel_priv.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/nl.h"

enum {
    BUFFER_BYTES = 1 << 20,     /* of a namespace: 400 are 400 MB at worst,
                                 * as used */
    HOME_BUFFER_BYTES = 8 << 20,
    READS_PER_TURN = 32,
    SETTLE_MS = 20,             /* changes come in bursts */
};

/* --- The socket. */

static struct nl_sock *
monitor_open(int size, const int *groups, size_t n, struct vx_error *err)
{
    struct nl_sock *sock = nl_socket_alloc();
    int error = sock ? 0 : -NLE_NOMEM;

    if (sock) {
        nl_socket_disable_seq_check(sock);
        error = nl_connect(sock, NETLINK_ROUTE);
    }
    for (size_t i = 0; i < n && !error; i++) {
        error = nl_socket_add_memberships(sock, groups[i], 0);
    }
    if (error || (error = nl_socket_set_nonblocking(sock))) {
        vx_fail(err, VX_INTERNAL, "", "rtnetlink monitor: %s",
                nl_geterror(error));
        nl_socket_free(sock);
        return NULL;
    }
    if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE, &size,
                   sizeof size)) {
        nl_socket_set_buffer_size(sock, size, 0);
    }
    return sock;
}

/* Hands out the messages that are there, some at a time.  False: events have
 * been lost. */
static bool
monitor_read(struct nl_sock *sock,
             void (*message)(void *aux, struct nlmsghdr *head), void *aux)
{
    char buffer[32768];

    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = recv(nl_socket_get_fd(sock), buffer, sizeof buffer,
                         MSG_DONTWAIT);
        struct nlmsghdr *head = (struct nlmsghdr *) (void *) buffer;
        int left = (int) n;

        if (n < 0) {
            return errno != ENOBUFS;
        }
        for (; nlmsg_ok(head, left); head = nlmsg_next(head, &left)) {
            message(aux, head);
        }
    }
    return true;
}

/* --- Of a VRF. */

static void
tell_route(struct vx_gw_vrf *vrf, struct nlmsghdr *head)
{
    struct rtmsg *route = nlmsg_data(head);
    struct nlattr *attr;
    struct vx_prefix prefix;

    if (nlmsg_datalen(head) < (int) sizeof *route
        || route->rtm_type != RTN_UNICAST
        || (route->rtm_family != AF_INET && route->rtm_family != AF_INET6)) {
        return;
    }
    memset(&prefix, 0, sizeof prefix);
    prefix.ip.family = route->rtm_family == AF_INET6 ? 6 : 4;
    prefix.length = route->rtm_dst_len;
    attr = nlmsg_find_attr(head, sizeof *route, RTA_DST);
    if (attr && nla_len(attr) == (prefix.ip.family == 6 ? 16 : 4)) {
        memcpy(prefix.ip.b, nla_data(attr), (size_t) nla_len(attr));
    }
    vrf->kernel->cb.route(vrf->kernel->aux, vrf->vni, &prefix,
                          route->rtm_protocol,
                          head->nlmsg_type == RTM_NEWROUTE);
}

static void
vrf_message(void *aux, struct nlmsghdr *head)
{
    struct vx_gw_vrf *vrf = aux;

    vrf->kernel->counts.events++;
    switch (head->nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        tell_route(vrf, head);
        break;
    case RTM_NEWLINK:
    case RTM_DELLINK:
    case RTM_NEWADDR:
    case RTM_DELADDR:
        vx_gw_kernel_dirty(vrf, true, SETTLE_MS);
        break;
    }
}

static void
vrf_readable(evutil_socket_t fd, short events, void *aux)
{
    struct vx_gw_vrf *vrf = aux;
    struct vx_gw_kernel *kernel = vrf->kernel;

    (void) fd, (void) events;
    if (!monitor_read(vrf->monitor, vrf_message, vrf)) {
        kernel->counts.overruns++;
        vx_gw_kernel_dirty(vrf, true, SETTLE_MS);
        if (kernel->cb.route) {
            kernel->cb.route(kernel->aux, vrf->vni, NULL, 0, false);
        }
    }
}

bool
vx_gw_watch_vrf(struct vx_gw_vrf *vrf, struct vx_error *err)
{
    static const int groups[] = {
        RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
        RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
    };
    struct vx_gw_kernel *kernel = vrf->kernel;
    char name[VX_GW_IFNAME_SIZE];
    int fd;

    if (vrf->monitor || kernel->backend != VX_GW_VRF_NETNS) {
        return true;
    }
    fd = vx_gw_netns_open(&kernel->dir, vx_gw_vrf_name(vrf->vni, name));
    if (fd < 0) {
        return true;
    }
    if (!vx_gw_netns_enter(fd, err)) {
        close(fd);
        return false;
    }
    vrf->monitor = monitor_open(BUFFER_BYTES, groups,
                                kernel->cb.route ? 5 : 3, err);
    vx_gw_netns_leave(&kernel->dir);
    close(fd);
    if (!vrf->monitor) {
        return false;
    }
    vrf->readable = event_new(kernel->base, nl_socket_get_fd(vrf->monitor),
                              EV_READ | EV_PERSIST, vrf_readable, vrf);
    event_add(vrf->readable, NULL);
    return true;
}

void
vx_gw_unwatch_vrf(struct vx_gw_vrf *vrf)
{
    if (vrf->monitor) {
        event_free(vrf->readable);
        nl_socket_free(vrf->monitor);
        vrf->readable = NULL;
        vrf->monitor = NULL;
    }
}

/* --- Of the gateway's own namespace. */

static void
all_dirty(struct vx_gw_kernel *kernel)
{
    VX_TREE_FOR_EACH(node, &kernel->vrfs) {
        vx_gw_kernel_dirty(VX_CONTAINER(node, struct vx_gw_vrf, by_vni),
                           true, SETTLE_MS);
    }
}

/* The VRF that a device of this name is about. */
static struct vx_gw_vrf *
vrf_of_link(struct vx_gw_kernel *kernel, const char *name)
{
    struct vx_tree_node *node = vx_tree_find(&kernel->devices, name);
    char vrf_name[VX_GW_IFNAME_SIZE] = "vx";

    if (node) {
        return VX_CONTAINER(node, struct vx_gw_device, by_name)->vrf;
    }
    if ((name[0] == 'v' && (name[1] == 'l' || name[1] == 'x'))
        || (name[0] == 'l' && name[1] == 'g')) {
        strncat(vrf_name, name + 2, sizeof vrf_name - 3);
        return vx_gw_kernel_find(kernel, vx_gw_vrf_parse(vrf_name));
    }
    return NULL;
}

static void
home_message(void *aux, struct nlmsghdr *head)
{
    struct vx_gw_kernel *kernel = aux;
    struct vx_gw_vrf *vrf;
    struct nlattr *attr;

    kernel->counts.events++;
    if (head->nlmsg_type == RTM_NEWADDR || head->nlmsg_type == RTM_DELADDR) {
        all_dirty(kernel);      /* only followed with VRF devices */
        return;
    }
    if (head->nlmsg_type != RTM_NEWLINK && head->nlmsg_type != RTM_DELLINK) {
        return;
    }
    attr = nlmsg_find_attr(head, sizeof(struct ifinfomsg), IFLA_IFNAME);
    if (attr && nla_len(attr) > 0 && nla_len(attr) <= VX_GW_IFNAME_SIZE
        && !((char *) nla_data(attr))[nla_len(attr) - 1]) {
        vrf = vrf_of_link(kernel, nla_data(attr));
        if (vrf) {
            vx_gw_kernel_dirty(vrf, true, SETTLE_MS);
        }
    }
}

static void
home_readable(evutil_socket_t fd, short events, void *aux)
{
    struct vx_gw_kernel *kernel = aux;

    (void) fd, (void) events;
    if (!monitor_read(kernel->monitor, home_message, kernel)) {
        kernel->counts.overruns++;
        all_dirty(kernel);
    }
}

/* --- Names of namespaces. */

static void
name_event(struct vx_gw_kernel *kernel, const struct inotify_event *event)
{
    struct vx_gw_vrf *vrf = event->len
        ? vx_gw_kernel_find(kernel, vx_gw_vrf_parse(event->name)) : NULL;

    kernel->counts.events++;
    if (event->mask & IN_Q_OVERFLOW) {
        VX_TREE_FOR_EACH(node, &kernel->vrfs) {
            vx_gw_unwatch_vrf(VX_CONTAINER(node, struct vx_gw_vrf, by_vni));
        }
        all_dirty(kernel);
    } else if (vrf && event->mask & IN_DELETE) {
        /* The socket would keep the namespace, and the leg in it, alive. */
        vx_gw_unwatch_vrf(vrf);
        vx_gw_kernel_dirty(vrf, true, SETTLE_MS);
    }
}

static void
names_readable(evutil_socket_t fd, short events, void *aux)
{
    char buffer[8192] __attribute__((aligned(8)));
    ssize_t n = read(fd, buffer, sizeof buffer), at = 0;

    (void) events;
    while (at < n) {
        const struct inotify_event *event = (const void *) (buffer + at);

        name_event(aux, event);
        at += (ssize_t) (sizeof *event + event->len);
    }
}

bool
vx_gw_watch_start(struct vx_gw_kernel *kernel, struct vx_error *err)
{
    static const int groups[] = {
        RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
    };
    bool is_netns = kernel->backend == VX_GW_VRF_NETNS;

    kernel->monitor = monitor_open(HOME_BUFFER_BYTES, groups,
                                   is_netns ? 1 : 3, err);
    if (!kernel->monitor) {
        return false;
    }
    kernel->readable = event_new(
        kernel->base, nl_socket_get_fd(kernel->monitor),
        EV_READ | EV_PERSIST, home_readable, kernel);
    event_add(kernel->readable, NULL);
    if (!is_netns) {
        return true;
    }
    kernel->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (kernel->inotify < 0
        || inotify_add_watch(kernel->inotify, kernel->dir.path,
                             IN_CREATE | IN_DELETE) < 0) {
        return vx_fail(err, VX_INTERNAL, "netns", "inotify of %s: %s",
                       kernel->dir.path, strerror(errno));
    }
    kernel->names = event_new(kernel->base, kernel->inotify,
                              EV_READ | EV_PERSIST, names_readable, kernel);
    event_add(kernel->names, NULL);
    return true;
}

void
vx_gw_watch_stop(struct vx_gw_kernel *kernel)
{
    if (kernel->readable) {
        event_free(kernel->readable);
    }
    if (kernel->monitor) {
        nl_socket_free(kernel->monitor);
    }
    if (kernel->names) {
        event_free(kernel->names);
    }
    if (kernel->inotify >= 0) {
        close(kernel->inotify);
    }
}
