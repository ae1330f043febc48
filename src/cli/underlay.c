/* SPDX-License-Identifier: Apache-2.0 */
/* Device, address and MTU of the underlay by rtnetlink; see underlay.h. */
#include "cli/underlay.h"

#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int
family_of(const struct vx_ip *ip)
{
    return ip->family == 6 ? AF_INET6 : AF_INET;
}

static struct nl_addr *
to_nl(const struct vx_ip *ip)
{
    return nl_addr_build(family_of(ip), ip->b, ip->family == 6 ? 16 : 4);
}

static bool
from_nl(const struct nl_addr *addr, struct vx_ip *ret_ip)
{
    struct vx_ip ip = { .family = 0 };

    if (!addr || (nl_addr_get_len(addr) != 4
                  && nl_addr_get_len(addr) != 16)) {
        return false;
    }
    ip.family = nl_addr_get_len(addr) == 16 ? 6 : 4;
    memcpy(ip.b, nl_addr_get_binary_addr(addr), nl_addr_get_len(addr));
    *ret_ip = ip;
    return true;
}

/* Name and MTU of a device. */
static bool
read_link(struct nl_sock *sock, int index, struct vx_underlay *underlay,
          struct vx_error *err)
{
    struct rtnl_link *link = NULL;
    int error = rtnl_link_get_kernel(sock, index, NULL, &link);

    if (error) {
        return vx_fail(err, VX_INTERNAL, "", "device %d: %s", index,
                       nl_geterror(error));
    }
    snprintf(underlay->device, sizeof underlay->device, "%s",
             rtnl_link_get_name(link));
    underlay->mtu = rtnl_link_get_mtu(link);
    rtnl_link_put(link);
    return true;
}

static bool
by_route(struct nl_sock *sock, struct rtnl_route *route, const char *text,
         struct vx_underlay *ret_underlay, struct vx_error *err)
{
    struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);
    struct vx_underlay underlay = { .mtu = 0 };
    uint32_t mtu;

    if (rtnl_route_get_type(route) == RTN_LOCAL) {
        return vx_fail(err, VX_INVALID, "vtep", "the controller's address "
                       "%s is this machine's own, so the route to it does "
                       "not tell the underlay: give --vtep IP", text);
    }
    if (rtnl_route_get_type(route) != RTN_UNICAST || !hop) {
        return vx_fail(err, VX_INVALID, "controller",
                       "no route to the controller at %s", text);
    }
    if (!from_nl(rtnl_route_get_pref_src(route), &underlay.vtep)
        || !vx_ip_is_host(&underlay.vtep)) {
        return vx_fail(err, VX_INVALID, "vtep", "the route to %s does not "
                       "say which address to use: give --vtep IP", text);
    }
    if (vx_ip_is_link_local(&underlay.vtep)) {
        return vx_fail(err, VX_INVALID, "vtep", "the route to %s uses a "
                       "link-local address, which tunnels cannot: give "
                       "--vtep IP", text);
    }
    if (!read_link(sock, rtnl_route_nh_get_ifindex(hop), &underlay, err)) {
        return false;
    }
    if (!rtnl_route_get_metric(route, RTAX_MTU, &mtu) && mtu
        && mtu < underlay.mtu) {
        underlay.mtu = mtu;
    }
    *ret_underlay = underlay;
    return true;
}

static bool
find_route(struct nl_sock *sock, const struct vx_ip *controller,
           struct vx_underlay *ret_underlay, struct vx_error *err)
{
    struct nl_addr *dst = to_nl(controller);
    struct rtnl_route *route = NULL;
    char text[VX_IP_STRLEN];
    bool ok;
    int error;

    vx_ip_format(controller, text);
    error = rtnl_route_lookup(sock, dst, &route);
    if (error) {
        ok = vx_fail(err, VX_INVALID, "controller", "no route to the "
                     "controller at %s (%s)", text, nl_geterror(error));
    } else {
        ok = by_route(sock, route, text, ret_underlay, err);
        rtnl_route_put(route);
    }
    nl_addr_put(dst);
    return ok;
}

static bool
find_device(struct nl_sock *sock, const struct vx_ip *vtep,
            struct vx_underlay *ret_underlay, struct vx_error *err)
{
    struct nl_cache *cache;
    char text[VX_IP_STRLEN];
    int error = rtnl_addr_alloc_cache(sock, &cache), index = 0;
    struct vx_underlay underlay = { .vtep = *vtep };

    if (error) {
        return vx_fail(err, VX_INTERNAL, "", "addresses of this machine: %s",
                       nl_geterror(error));
    }
    for (struct nl_object *o = nl_cache_get_first(cache); o;
         o = nl_cache_get_next(o)) {
        struct rtnl_addr *addr = (struct rtnl_addr *) o;
        struct vx_ip ip;

        if (from_nl(rtnl_addr_get_local(addr), &ip)
            && !vx_ip_compare(&ip, vtep)) {
            index = rtnl_addr_get_ifindex(addr);
        }
    }
    nl_cache_free(cache);
    if (!index) {
        return vx_fail(err, VX_INVALID, "vtep", "--vtep: no device of this "
                       "machine has the address %s",
                       vx_ip_format(vtep, text));
    }
    if (!read_link(sock, index, &underlay, err)) {
        return false;
    }
    *ret_underlay = underlay;
    return true;
}

bool
vx_underlay_find(const struct vx_ip *controller, const struct vx_ip *vtep,
                 struct vx_underlay *ret_underlay, struct vx_error *err)
{
    struct nl_sock *sock = nl_socket_alloc();
    int error = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;
    bool ok;

    if (error) {
        ok = vx_fail(err, VX_INTERNAL, "", "rtnetlink: %s",
                     nl_geterror(error));
    } else {
        ok = vtep ? find_device(sock, vtep, ret_underlay, err)
                  : find_route(sock, controller, ret_underlay, err);
    }
    nl_socket_free(sock);
    return ok;
}
