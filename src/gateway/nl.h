/* SPDX-License-Identifier: Apache-2.0 */
/* The few rtnetlink requests of the gateway, on a libnl-3 socket of whatever
 * namespace.  Blocking: the kernel answers at once. */
#ifndef VX_GATEWAY_NL_H
#define VX_GATEWAY_NL_H

#include <netlink/netlink.h>

#include "gateway/kernel_plan.h"

/* A socket of the namespace the thread is in. */
struct nl_sock *vx_gw_nl_open(struct vx_error *err);

/* Adds the addresses of a link that is there. */
bool vx_gw_nl_addrs_of(struct nl_sock *sock, struct vx_gw_seen_link *link,
                       struct vx_error *err);

/* *ret_link, its addresses left alone; exists false if there is none.  False
 * only if the kernel cannot be asked. */
bool vx_gw_nl_link(struct nl_sock *sock, const char *name,
                   struct vx_gw_seen_link *ret_link, struct vx_error *err);
/* All links, with their addresses; to be freed. */
bool vx_gw_nl_links(struct nl_sock *sock, struct vx_gw_seen_link **ret_links,
                    size_t *ret_n, struct vx_error *err);
/* As _links, those whose master is the given ifindex only. */
bool vx_gw_nl_slaves(struct nl_sock *sock, int master,
                     struct vx_gw_seen_link **ret_links, size_t *ret_n,
                     struct vx_error *err);
/* Its alias, "" if none. */
bool vx_gw_nl_alias(struct nl_sock *sock, const char *name, char *ret_alias,
                    size_t size, struct vx_error *err);

bool vx_gw_nl_set_up(struct nl_sock *sock, const char *name,
                     struct vx_error *err);
bool vx_gw_nl_set_state(struct nl_sock *sock, const char *name, bool up,
                        struct vx_error *err);
bool vx_gw_nl_set_mtu(struct nl_sock *sock, const char *name, uint32_t mtu,
                      struct vx_error *err);
bool vx_gw_nl_set_mac(struct nl_sock *sock, const char *name,
                      const struct vx_mac *mac, struct vx_error *err);
bool vx_gw_nl_set_alias(struct nl_sock *sock, const char *name,
                        const char *alias, struct vx_error *err);
/* master 0: out of any. */
bool vx_gw_nl_set_master(struct nl_sock *sock, const char *name, int master,
                         struct vx_error *err);
bool vx_gw_nl_move(struct nl_sock *sock, const char *name, int netns,
                   struct vx_error *err);
bool vx_gw_nl_del(struct nl_sock *sock, const char *name,
                  struct vx_error *err);
/* peer_ns -1: the same namespace. */
bool vx_gw_nl_add_veth(struct nl_sock *sock, const char *name,
                       const char *peer, int peer_ns, uint32_t mtu,
                       const struct vx_mac *peer_mac, struct vx_error *err);
bool vx_gw_nl_add_vrf(struct nl_sock *sock, const char *name, uint32_t table,
                      struct vx_error *err);
bool vx_gw_nl_addr(struct nl_sock *sock, const char *name, bool add,
                   const struct vx_gw_addr *addr, struct vx_error *err);

#endif
