/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink requests; see nl.h. */
#include "gateway/nl.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/xalloc.h"

struct nl_sock *
vx_gw_nl_open(struct vx_error *err)
{
    struct nl_sock *sock = nl_socket_alloc();
    int error = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;

    if (error) {
        vx_fail(err, VX_INTERNAL, "", "rtnetlink: %s", nl_geterror(error));
        nl_socket_free(sock);
        return NULL;
    }
    return sock;
}

/* --- Reading. */

static bool
is_kernels_own(const char *name)
{
    static const char *const names[] = {
        "lo", "sit0", "tunl0", "ip6tnl0", "gre0", "gretap0", "erspan0",
        "ip_vti0", "ip6_vti0", "ip6gre0",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void
fill_link(struct rtnl_link *link, struct vx_gw_seen_link *seen)
{
    const struct nl_addr *mac = rtnl_link_get_addr(link);
    const char *alias = rtnl_link_get_ifalias(link);
    unsigned mtu = rtnl_link_get_mtu(link);

    memset(seen, 0, sizeof *seen);
    snprintf(seen->name, sizeof seen->name, "%s", rtnl_link_get_name(link));
    seen->exists = true;
    seen->is_ours = alias && !strncmp(alias, VX_GW_MARK,
                                      sizeof VX_GW_MARK - 1);
    seen->is_fixed = is_kernels_own(seen->name);
    seen->is_up = rtnl_link_get_flags(link) & IFF_UP;
    seen->master = rtnl_link_get_master(link);
    seen->index = rtnl_link_get_ifindex(link);
    seen->peer = rtnl_link_get_link(link);
    seen->mtu = mtu > UINT16_MAX ? UINT16_MAX : (uint16_t) mtu;
    if (mac && nl_addr_get_len(mac) == sizeof seen->mac.b) {
        memcpy(seen->mac.b, nl_addr_get_binary_addr(mac),
               sizeof seen->mac.b);
    }
}

static bool
get_link(struct nl_sock *sock, const char *name, struct rtnl_link **ret_link,
         struct vx_error *err)
{
    struct rtnl_link *link = NULL;
    int error = rtnl_link_get_kernel(sock, 0, name, &link);

    if (error == -NLE_NODEV || error == -NLE_OBJ_NOTFOUND) {
        link = NULL;
    } else if (error) {
        return vx_fail(err, VX_INTERNAL, "", "device %s: %s", name,
                       nl_geterror(error));
    }
    *ret_link = link;
    return true;
}

bool
vx_gw_nl_link(struct nl_sock *sock, const char *name,
              struct vx_gw_seen_link *ret_link, struct vx_error *err)
{
    struct rtnl_link *link;

    if (!get_link(sock, name, &link, err)) {
        return false;
    }
    memset(ret_link, 0, sizeof *ret_link);
    snprintf(ret_link->name, sizeof ret_link->name, "%s", name);
    if (link) {
        fill_link(link, ret_link);
        rtnl_link_put(link);
    }
    return true;
}

bool
vx_gw_nl_alias(struct nl_sock *sock, const char *name, char *ret_alias,
               size_t size, struct vx_error *err)
{
    struct rtnl_link *link;
    const char *alias;

    if (!get_link(sock, name, &link, err)) {
        return false;
    }
    alias = link ? rtnl_link_get_ifalias(link) : NULL;
    snprintf(ret_alias, size, "%s", alias ? alias : "");
    if (link) {
        rtnl_link_put(link);
    }
    return true;
}

static struct vx_gw_seen_link *
by_index(struct vx_gw_seen_link *links, size_t n, int index)
{
    for (size_t i = 0; i < n; i++) {
        if (links[i].index == index) {
            return &links[i];
        }
    }
    return NULL;
}

static bool
read_addrs(struct nl_sock *sock, struct vx_gw_seen_link *links, size_t n,
           struct vx_error *err)
{
    struct nl_cache *cache;
    int error = rtnl_addr_alloc_cache(sock, &cache);

    if (error) {
        return vx_fail(err, VX_INTERNAL, "", "addresses: %s",
                       nl_geterror(error));
    }
    for (struct nl_object *o = nl_cache_get_first(cache); o;
         o = nl_cache_get_next(o)) {
        struct rtnl_addr *addr = (struct rtnl_addr *) o;
        const struct nl_addr *local = rtnl_addr_get_local(addr);
        struct vx_gw_seen_link *link = by_index(
            links, n, rtnl_addr_get_ifindex(addr));
        unsigned size = local ? nl_addr_get_len(local) : 0;

        if (link && link->n_addrs < VX_GW_SEEN_ADDRS
            && (size == 4 || size == 16)) {
            struct vx_gw_addr *to = &link->addrs[link->n_addrs++];

            to->ip.family = size == 16 ? 6 : 4;
            memcpy(to->ip.b, nl_addr_get_binary_addr(local), size);
            to->length = (uint8_t) rtnl_addr_get_prefixlen(addr);
        }
    }
    nl_cache_free(cache);
    return true;
}

/* master -1: any link. */
static bool
read_links(struct nl_sock *sock, int master,
           struct vx_gw_seen_link **ret_links, size_t *ret_n,
           struct vx_error *err)
{
    struct vx_gw_seen_link *links = NULL;
    size_t n = 0, cap = 0;
    struct nl_cache *cache;
    int error = rtnl_link_alloc_cache(sock, AF_UNSPEC, &cache);

    if (error) {
        return vx_fail(err, VX_INTERNAL, "", "devices: %s",
                       nl_geterror(error));
    }
    for (struct nl_object *o = nl_cache_get_first(cache); o;
         o = nl_cache_get_next(o)) {
        struct rtnl_link *link = (struct rtnl_link *) o;

        if (master < 0 || rtnl_link_get_master(link) == master) {
            links = vx_grow(links, &cap, n + 1, sizeof *links);
            fill_link(link, &links[n++]);
        }
    }
    nl_cache_free(cache);
    if (n && !read_addrs(sock, links, n, err)) {
        free(links);
        return false;
    }
    *ret_links = links;
    *ret_n = n;
    return true;
}

bool
vx_gw_nl_addrs_of(struct nl_sock *sock, struct vx_gw_seen_link *link,
                  struct vx_error *err)
{
    return read_addrs(sock, link, 1, err);
}

bool
vx_gw_nl_links(struct nl_sock *sock, struct vx_gw_seen_link **ret_links,
               size_t *ret_n, struct vx_error *err)
{
    return read_links(sock, -1, ret_links, ret_n, err);
}

bool
vx_gw_nl_slaves(struct nl_sock *sock, int master,
                struct vx_gw_seen_link **ret_links, size_t *ret_n,
                struct vx_error *err)
{
    return read_links(sock, master, ret_links, ret_n, err);
}

/* --- Writing. */

static struct nl_msg *
request(int type, int flags, const void *head, size_t size)
{
    struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

    if (!msg || nlmsg_append(msg, (void *) head, size, NLMSG_ALIGNTO)) {
        abort();
    }
    return msg;
}

static struct nl_msg *
link_request(int type, int flags, const char *name, unsigned set)
{
    struct ifinfomsg info = {
        .ifi_family = AF_UNSPEC, .ifi_flags = set, .ifi_change = set,
    };
    struct nl_msg *msg = request(type, flags, &info, sizeof info);

    nla_put_string(msg, IFLA_IFNAME, name);
    return msg;
}

static bool
carry_out(struct nl_sock *sock, struct nl_msg *take_msg, const char *what,
          const char *name, struct vx_error *err)
{
    int error = nl_send_sync(sock, take_msg);

    return error >= 0
           || vx_fail(err, error == -NLE_EXIST ? VX_EXISTS : VX_INTERNAL, "",
                      "%s %s: %s", what, name, nl_geterror(error));
}

bool
vx_gw_nl_set_up(struct nl_sock *sock, const char *name, struct vx_error *err)
{
    return carry_out(sock, link_request(RTM_SETLINK, 0, name, IFF_UP), "up",
                     name, err);
}

bool
vx_gw_nl_set_state(struct nl_sock *sock, const char *name, bool up,
                   struct vx_error *err)
{
    struct ifinfomsg *head;
    struct nl_msg *msg;

    if (up) {
        return vx_gw_nl_set_up(sock, name, err);
    }
    msg = link_request(RTM_SETLINK, 0, name, 0);
    head = nlmsg_data(nlmsg_hdr(msg));
    head->ifi_change = IFF_UP;
    return carry_out(sock, msg, "down", name, err);
}

bool
vx_gw_nl_set_mtu(struct nl_sock *sock, const char *name, uint32_t mtu,
                 struct vx_error *err)
{
    struct nl_msg *msg = link_request(RTM_SETLINK, 0, name, 0);

    nla_put_u32(msg, IFLA_MTU, mtu);
    return carry_out(sock, msg, "MTU of", name, err);
}

bool
vx_gw_nl_set_mac(struct nl_sock *sock, const char *name,
                 const struct vx_mac *mac, struct vx_error *err)
{
    struct nl_msg *msg = link_request(RTM_SETLINK, 0, name, 0);

    nla_put(msg, IFLA_ADDRESS, sizeof mac->b, mac->b);
    return carry_out(sock, msg, "MAC of", name, err);
}

bool
vx_gw_nl_set_alias(struct nl_sock *sock, const char *name, const char *alias,
                   struct vx_error *err)
{
    struct nl_msg *msg = link_request(RTM_SETLINK, 0, name, 0);

    nla_put(msg, IFLA_IFALIAS, (int) strlen(alias), alias);
    return carry_out(sock, msg, "alias of", name, err);
}

bool
vx_gw_nl_set_master(struct nl_sock *sock, const char *name, int master,
                    struct vx_error *err)
{
    struct nl_msg *msg = link_request(RTM_SETLINK, 0, name, 0);

    nla_put_u32(msg, IFLA_MASTER, (uint32_t) master);
    return carry_out(sock, msg, "VRF of", name, err);
}

bool
vx_gw_nl_move(struct nl_sock *sock, const char *name, int netns,
              struct vx_error *err)
{
    struct nl_msg *msg = link_request(RTM_SETLINK, 0, name, 0);

    nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t) netns);
    return carry_out(sock, msg, "moving", name, err);
}

bool
vx_gw_nl_del(struct nl_sock *sock, const char *name, struct vx_error *err)
{
    struct nl_msg *msg = link_request(RTM_DELLINK, 0, name, 0);
    int error = nl_send_sync(sock, msg);

    /* The other end of a pair takes this one along. */
    return error >= 0 || error == -NLE_NODEV || error == -NLE_OBJ_NOTFOUND
           || vx_fail(err, VX_INTERNAL, "", "removing %s: %s", name,
                      nl_geterror(error));
}

static struct nl_msg *
add_request(const char *name, const char *kind, struct nlattr **ret_info,
            struct nlattr **ret_data)
{
    struct nl_msg *msg = link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
                                      name, 0);

    *ret_info = nla_nest_start(msg, IFLA_LINKINFO);
    nla_put_string(msg, IFLA_INFO_KIND, kind);
    *ret_data = nla_nest_start(msg, IFLA_INFO_DATA);
    return msg;
}

bool
vx_gw_nl_add_veth(struct nl_sock *sock, const char *name, const char *peer,
                  int peer_ns, uint32_t mtu, const struct vx_mac *peer_mac,
                  struct vx_error *err)
{
    struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
    struct nlattr *link, *data, *other;
    struct nl_msg *msg = add_request(name, "veth", &link, &data);

    other = nla_nest_start(msg, VETH_INFO_PEER);
    nlmsg_append(msg, &info, sizeof info, NLMSG_ALIGNTO);
    nla_put_string(msg, IFLA_IFNAME, peer);
    nla_put_u32(msg, IFLA_MTU, mtu);
    nla_put(msg, IFLA_ADDRESS, sizeof peer_mac->b, peer_mac->b);
    if (peer_ns >= 0) {
        nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t) peer_ns);
    }
    nla_nest_end(msg, other);
    nla_nest_end(msg, data);
    nla_nest_end(msg, link);
    nla_put_u32(msg, IFLA_MTU, mtu);
    return carry_out(sock, msg, "making", name, err);
}

bool
vx_gw_nl_add_vrf(struct nl_sock *sock, const char *name, uint32_t table,
                 struct vx_error *err)
{
    struct nlattr *link, *data;
    struct nl_msg *msg = add_request(name, "vrf", &link, &data);

    nla_put_u32(msg, IFLA_VRF_TABLE, table);
    nla_nest_end(msg, data);
    nla_nest_end(msg, link);
    return carry_out(sock, msg, "making VRF device", name, err);
}

bool
vx_gw_nl_addr(struct nl_sock *sock, const char *name, bool add,
              const struct vx_gw_addr *addr, struct vx_error *err)
{
    struct vx_gw_seen_link link;
    struct ifaddrmsg info = {
        .ifa_family = addr->ip.family == 6 ? AF_INET6 : AF_INET,
        .ifa_prefixlen = addr->length,
        .ifa_flags = addr->ip.family == 6 ? IFA_F_NODAD : 0,
    };
    int size = addr->ip.family == 6 ? 16 : 4;
    struct nl_msg *msg;
    int error;

    if (!vx_gw_nl_link(sock, name, &link, err)) {
        return false;
    }
    info.ifa_index = (unsigned) link.index;
    msg = request(add ? RTM_NEWADDR : RTM_DELADDR,
                  add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &info, sizeof info);
    nla_put(msg, IFA_LOCAL, size, addr->ip.b);
    nla_put(msg, IFA_ADDRESS, size, addr->ip.b);
    error = nl_send_sync(sock, msg);
    /* Gone with the one it was secondary to: as wanted. */
    if (!add && error == -NLE_NOADDR) {
        return true;
    }
    return error >= 0
           || vx_fail(err, VX_INTERNAL, "", "%s address of %s: %s",
                      add ? "adding" : "removing", name,
                      nl_geterror(error));
}
