/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out the operations of a plan for one VRF. */
#include "gateway/kernel_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/nl.h"

bool
vx_gw_setting_write(const char *path, int value, struct vx_error *err)
{
    char name[128], text[16];
    int fd, size, error;

    snprintf(name, sizeof name, "/proc/sys/net/%s", path);
    fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return true;            /* a kernel without: nothing to switch off */
    }
    if (fd < 0) {
        return vx_fail(err, VX_INTERNAL, "", "%s: %s", name,
                       strerror(errno));
    }
    size = snprintf(text, sizeof text, "%d", value);
    error = write(fd, text, (size_t) size) == size ? 0 : errno;
    close(fd);
    return !error || vx_fail(err, VX_INTERNAL, "", "%s: %s", name,
                             strerror(error));
}

static bool
do_setting(struct vx_gw_place *place, const struct vx_gw_setting *setting,
           struct vx_error *err)
{
    bool ok;

    if (!setting->inside || place->netns < 0) {
        return vx_gw_setting_write(setting->path, setting->value, err);
    }
    if (!vx_gw_netns_enter(place->netns, err)) {
        return false;
    }
    ok = vx_gw_setting_write(setting->path, setting->value, err);
    vx_gw_netns_leave(&place->kernel->dir);
    return ok;
}

/* --- What tenants' machines may not reach in their VRF: bgpd, which listens
 * there, at any address that is the gateway's own.  TCP to port 179 from the
 * leg is not looked up among those; what is meant for somebody behind the VRF
 * goes on. */

enum { BGP_PORT = 179, OWN_PREF = 10, LEG_PREF = 20 };

static bool
send_rule(struct nl_sock *sock, int type, uint8_t family, uint32_t pref,
          uint8_t action, bool invert, bool of_bgp)
{
    struct fib_rule_hdr head = {
        .family = family, .action = action,
        .table = action == FR_ACT_TO_TBL ? RT_TABLE_LOCAL : RT_TABLE_UNSPEC,
        .flags = invert ? FIB_RULE_INVERT : 0,
    };
    static const struct fib_rule_port_range port = { BGP_PORT, BGP_PORT };
    static const char leg[] = "leg";
    struct nl_msg *msg = nlmsg_alloc_simple(
        type, type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0);
    struct vx_prefix legs;

    vx_prefix_parse(family == AF_INET6 ? "fd76:7866:6162::/64"
                                       : "169.254.64.0/18", &legs);
    if (action == FR_ACT_PROHIBIT) {
        head.dst_len = legs.length;
    }
    nlmsg_append(msg, &head, sizeof head, NLMSG_ALIGNTO);
    nla_put_u32(msg, FRA_PRIORITY, pref);
    if (of_bgp) {
        nla_put(msg, FRA_IIFNAME, sizeof leg, leg);
        nla_put_u8(msg, FRA_IP_PROTO, IPPROTO_TCP);
        nla_put(msg, FRA_DPORT_RANGE, sizeof port, &port);
    }
    if (action == FR_ACT_PROHIBIT) {
        nla_put(msg, FRA_DST, family == AF_INET6 ? 16 : 4, legs.ip.b);
    }
    return nl_send_sync(sock, msg) >= 0;
}

/* The rule of the local table gives way to one that leaves them out. */
static bool
shield_bgp(struct nl_sock *sock, struct vx_error *err)
{
    static const uint8_t families[] = { AF_INET, AF_INET6 };

    for (size_t i = 0; i < 2; i++) {
        uint8_t family = families[i];

        if (!send_rule(sock, RTM_NEWRULE, family, OWN_PREF, FR_ACT_TO_TBL,
                       true, true)
            || !send_rule(sock, RTM_NEWRULE, family, LEG_PREF,
                          FR_ACT_PROHIBIT, false, true)
            || !send_rule(sock, RTM_DELRULE, family, 0, FR_ACT_TO_TBL,
                          false, false)) {
            return vx_fail(err, VX_INTERNAL, "", "rules that shield bgpd "
                           "from the tenant: refused by the kernel");
        }
    }
    return true;
}

/* In the new namespace, before it has a name. */
static bool
prepare(void *aux, struct vx_error *err)
{
    struct nl_sock *sock = vx_gw_nl_open(err);
    bool ok = sock && vx_gw_nl_set_alias(sock, "lo", VX_GW_MARK, err)
              && vx_gw_nl_set_up(sock, "lo", err) && shield_bgp(sock, err);

    (void) aux;
    nl_socket_free(sock);
    return ok;
}

/* What no route of the VRF matches does not go on to the main table. */
static bool
end_table(struct vx_gw_place *place, uint32_t table, struct vx_error *err)
{
    for (int i = 0; i < 2; i++) {
        struct rtmsg head = {
            .rtm_family = i ? AF_INET6 : AF_INET, .rtm_table = RT_TABLE_UNSPEC,
            .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_UNIVERSE,
            .rtm_type = RTN_UNREACHABLE,
        };
        struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_CREATE
                                                | NLM_F_REPLACE);
        int error;

        nlmsg_append(msg, &head, sizeof head, NLMSG_ALIGNTO);
        nla_put_u32(msg, RTA_TABLE, table);
        nla_put_u32(msg, RTA_PRIORITY, 4278198272U);
        error = nl_send_sync(place->out, msg);
        if (error < 0) {
            return vx_fail(err, VX_INTERNAL, "", "last route of table %u: "
                           "%s", table, nl_geterror(error));
        }
    }
    return true;
}

static bool
add_vrf(struct vx_gw_place *place, const char *name, struct vx_error *err)
{
    const struct vx_gw_kernel *kernel = place->kernel;
    uint32_t table = VX_GW_TABLE_BASE + place->vni;

    if (kernel->backend == VX_GW_VRF_NETNS) {
        if (!vx_gw_netns_add(&kernel->dir, name, prepare, NULL, err)) {
            return false;
        }
    } else if (!vx_gw_nl_add_vrf(place->out, name, table, err)
               || !vx_gw_nl_set_alias(place->out, name, VX_GW_MARK, err)
               || !end_table(place, table, err)) {
        return false;
    }
    vx_gw_place_close(place);
    return vx_gw_place_open(place, kernel, place->vni, err)
           && (place->in || vx_fail(err, VX_INTERNAL, "", "VRF %s was made "
                                    "and is not there", name));
}

static bool
del_vrf(struct vx_gw_place *place, const char *name, struct vx_error *err)
{
    if (place->kernel->backend == VX_GW_VRF_NETNS) {
        return vx_gw_netns_del(&place->kernel->dir, name, err);
    }
    return vx_gw_nl_del(place->out, name, err);
}

static bool
add_leg(struct vx_gw_place *place, const struct vx_gw_op *op,
        struct vx_error *err)
{
    char leg[VX_GW_IFNAME_SIZE];

    vx_gw_leg_name(place->kernel->backend, place->vni, leg);
    if (!vx_gw_nl_add_veth(place->out, op->name, leg, place->netns,
                           op->number, &op->mac, err)) {
        return false;
    }
    if (!vx_gw_nl_set_alias(place->out, op->name, VX_GW_MARK, err)
        || !vx_gw_nl_set_alias(place->in, leg, VX_GW_MARK, err)) {
        vx_gw_nl_del(place->out, op->name, NULL);
        return false;
    }
    return true;
}

/* What follows the mark of a device that was moved in, NULL if it has none. */
static const char *
behind_mark(const char *alias, bool *ret_was_up)
{
    static const char *const marks[] = { VX_GW_MARK_DEVICE,
                                         VX_GW_MARK_DEVICE_UP };

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (!strncmp(alias, marks[i], strlen(marks[i]))) {
            *ret_was_up = i;
            return alias + strlen(marks[i]);
        }
    }
    return NULL;
}

static bool
device_in(struct vx_gw_place *place, const char *name, struct vx_error *err)
{
    struct vx_gw_seen_link link;
    char alias[256], marked[256];
    bool was_up;

    if (!vx_gw_nl_alias(place->out, name, alias, sizeof alias, err)
        || !vx_gw_nl_link(place->out, name, &link, err)) {
        return false;
    }
    if (!behind_mark(alias, &was_up)) {
        snprintf(marked, sizeof marked, "%s%.200s",
                 link.is_up ? VX_GW_MARK_DEVICE_UP : VX_GW_MARK_DEVICE,
                 alias);
        if (!vx_gw_nl_set_alias(place->out, name, marked, err)) {
            return false;
        }
    }
    return place->kernel->backend == VX_GW_VRF_NETNS
           ? vx_gw_nl_move(place->out, name, place->netns, err)
           : vx_gw_nl_set_master(place->out, name, place->master, err);
}

/* A move takes a device down, to be a VRF's port does not.  The alias last:
 * it is what tells. */
static bool
device_out(struct vx_gw_place *place, const char *name, struct vx_error *err)
{
    bool is_netns = place->kernel->backend == VX_GW_VRF_NETNS, was_up;
    const char *before;
    char alias[256];

    if (!(is_netns
          ? vx_gw_nl_move(place->in, name, place->kernel->dir.home, err)
          : vx_gw_nl_set_master(place->out, name, 0, err))
        || !vx_gw_nl_alias(place->out, name, alias, sizeof alias, err)) {
        return false;
    }
    before = behind_mark(alias, &was_up);
    return !before
           || ((was_up == is_netns
                ? vx_gw_nl_set_state(place->out, name, was_up, err) : true)
               && vx_gw_nl_set_alias(place->out, name, before, err));
}

static bool
do_one(struct vx_gw_place *place, const struct vx_gw_op *op,
       struct vx_error *err)
{
    struct nl_sock *sock = op->inside ? place->in : place->out;

    switch (op->kind) {
    case VX_GW_OP_VRF_ADD:
        return add_vrf(place, op->name, err);
    case VX_GW_OP_VRF_DEL:
        return del_vrf(place, op->name, err);
    case VX_GW_OP_VRF_UP:
    case VX_GW_OP_UP:
        return vx_gw_nl_set_up(sock, op->name, err);
    case VX_GW_OP_LEG_ADD:
        return add_leg(place, op, err);
    case VX_GW_OP_LINK_DEL:
        return vx_gw_nl_del(sock, op->name, err);
    case VX_GW_OP_DEVICE_IN:
        return device_in(place, op->name, err);
    case VX_GW_OP_DEVICE_OUT:
        return device_out(place, op->name, err);
    case VX_GW_OP_DEVICE_OUT_TRY:
        device_out(place, op->name, NULL);
        return true;
    case VX_GW_OP_MASTER:
        return vx_gw_nl_set_master(sock, op->name, place->master, err);
    case VX_GW_OP_MAC:
        return vx_gw_nl_set_mac(sock, op->name, &op->mac, err);
    case VX_GW_OP_MTU:
        return vx_gw_nl_set_mtu(sock, op->name, op->number, err);
    case VX_GW_OP_OFFLOAD:
        return vx_gw_set_offload(place->control, op->name, op->number)
               || vx_fail(err, VX_INTERNAL, "", "checksum offload of %s: %s",
                          op->name, strerror(errno));
    case VX_GW_OP_SETTING:
        return do_setting(place, &op->setting, err);
    case VX_GW_OP_ADDR_DEL:
    case VX_GW_OP_ADDR_ADD:
        return vx_gw_nl_addr(sock, op->name, op->kind == VX_GW_OP_ADDR_ADD,
                             &op->addr, err);
    }
    return true;
}

bool
vx_gw_do(struct vx_gw_place *place, const struct vx_gw_ops *ops,
         size_t *ret_n, struct vx_error *err)
{
    for (size_t i = 0; i < ops->n; i++) {
        if (!do_one(place, &ops->ops[i], err)) {
            *ret_n = i;
            return false;
        }
    }
    *ret_n = ops->n;
    return true;
}

static bool
is_link_local(const struct vx_gw_addr *addr)
{
    return addr->ip.family == 6 && vx_ip_is_link_local(&addr->ip);
}

/* RFC 4291 2.5.1, as the kernel makes it when a device comes up. */
static struct vx_gw_addr
link_local_of(const struct vx_mac *mac)
{
    return (struct vx_gw_addr) {
        .ip = { .family = 6, .b = {
            0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac->b[0] ^ 2, mac->b[1], mac->b[2],
            0xff, 0xfe, mac->b[3], mac->b[4], mac->b[5],
        } },
        .length = 64,
    };
}

/* Those the kernel has made itself too: without the link-local one bgpd has
 * no IPv6 session on the device, and the kernel asks for no neighbour.  It
 * does not make that one again when somebody has taken it away. */
static void
tell_device(struct vx_gw_place *place, const char *name,
            const struct vx_gw_addr *addrs, size_t n)
{
    struct vx_gw_seen_link link;
    bool has_one = false;

    for (size_t i = 0; i < n; i++) {
        vx_gw_nl_addr(place->in, name, true, &addrs[i], NULL);
    }
    if (!vx_gw_nl_link(place->in, name, &link, NULL) || !link.exists
        || !vx_gw_nl_addrs_of(place->in, &link, NULL)) {
        return;
    }
    for (size_t i = 0; i < link.n_addrs; i++) {
        if (is_link_local(&link.addrs[i])) {
            vx_gw_nl_addr(place->in, name, true, &link.addrs[i], NULL);
            has_one = true;
        }
    }
    if (!has_one && link.is_up && vx_mac_is_unicast(&link.mac)) {
        const struct vx_gw_addr addr = link_local_of(&link.mac);

        vx_gw_nl_addr(place->in, name, true, &addr, NULL);
    }
}

void
vx_gw_tell_again(struct vx_gw_place *place,
                 const struct vx_gw_vrf_want *want)
{
    char leg[VX_GW_IFNAME_SIZE];

    if (!place->in) {
        return;
    }
    vx_gw_leg_name(place->kernel->backend, place->vni, leg);
    tell_device(place, leg, want->leg_addrs, want->n_leg_addrs);
    for (size_t i = 0; i < want->n_devices; i++) {
        struct vx_gw_seen_link link;

        if (vx_gw_nl_link(place->in, want->devices[i].name, &link, NULL)
            && link.exists) {
            tell_device(place, link.name, want->devices[i].addrs,
                        want->devices[i].n_addrs);
        }
    }
}
