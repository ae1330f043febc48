/* SPDX-License-Identifier: Apache-2.0 */
/* See spare.h.
 *
 *   set, unset -> dirty, by VRF -> a piece per turn: RTM_NEWROUTE, DELROUTE
 *                                  (and the next VRF's in the next one)
 *
 * What the kernel refuses (a device that has just gone) is left, until the
 * route changes or an audit tries again. */
#include "gateway/spare.h"

#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/kernel_priv.h"
#include "gateway/nl.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { PIECE = 200, STRICT_CHECK = 12 };    /* NETLINK_GET_STRICT_CHK */

static const uint32_t METRIC = 250U << 24;

struct hop {
    struct vx_ip ip;                /* family 0 = on the link */
    uint32_t ifindex;
};

struct spare {
    struct vx_tree_node by_prefix;
    struct vx_prefix prefix;
    bool is_wanted, is_dirty;
    uint64_t seen;                  /* number of the audit */
    struct spare *next_dirty;
    size_t n_hops;
    struct hop hops[];
};

struct vrf {
    struct vx_tree_node by_vni;
    uint32_t vni;
    struct vx_tree spares;
    struct spare *dirty;
    struct vrf *next_dirty;         /* while it has any */
    bool is_full;                   /* said so */
};

struct vx_gw_spares {
    const struct vx_gw_kernel *kernel;
    struct event *work;
    struct vx_tree vrfs;            /* stay, once they had any */
    struct vrf *dirty, **last_dirty;
    size_t n;
    uint64_t n_audits;
    uint32_t next_vni;              /* to be audited */
};

static int
compare_vrf(const void *vni, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) vni;
    uint32_t b = VX_CONTAINER(node, struct vrf, by_vni)->vni;

    return a < b ? -1 : a > b;
}

static int
compare_prefix(const void *prefix, const struct vx_tree_node *node)
{
    return vx_prefix_compare(
        prefix, &VX_CONTAINER(node, struct spare, by_prefix)->prefix);
}

static struct vrf *
find_vrf(struct vx_gw_spares *spares, const char *name, bool make)
{
    uint32_t vni = vx_gw_vrf_parse(name);
    struct vx_tree_node *node = vni ? vx_tree_find(&spares->vrfs, &vni)
                                    : NULL;
    struct vrf *vrf;

    if (node || !vni || !make) {
        return node ? VX_CONTAINER(node, struct vrf, by_vni) : NULL;
    }
    vrf = vx_xcalloc(1, sizeof *vrf);
    vrf->vni = vni;
    vx_tree_init(&vrf->spares, compare_prefix);
    vx_tree_insert(&spares->vrfs, &vni, &vrf->by_vni);
    return vrf;
}

static struct spare *
find(const struct vrf *vrf, const struct vx_prefix *prefix)
{
    struct vx_tree_node *node = vrf ? vx_tree_find(&vrf->spares, prefix)
                                    : NULL;

    return node ? VX_CONTAINER(node, struct spare, by_prefix) : NULL;
}

/* Only of one that is not dirty: the list has it, else. */
static void
forget(struct vx_gw_spares *spares, struct vrf *vrf, struct spare *spare)
{
    vx_tree_remove(&vrf->spares, &spare->by_prefix);
    free(spare);
    spares->n--;
}

static void
soon(struct vx_gw_spares *spares)
{
    static const struct timeval now = { 0, 0 };

    if (spares->kernel) {
        event_add(spares->work, &now);
    }
}

static void
push(struct vx_gw_spares *spares, struct vrf *vrf)
{
    vrf->next_dirty = NULL;
    *spares->last_dirty = vrf;
    spares->last_dirty = &vrf->next_dirty;
}

/* NULL: none. */
static struct vrf *
pop(struct vx_gw_spares *spares)
{
    struct vrf *vrf = spares->dirty;

    if (vrf) {
        spares->dirty = vrf->next_dirty;
        if (!spares->dirty) {
            spares->last_dirty = &spares->dirty;
        }
    }
    return vrf;
}

static void
touch(struct vx_gw_spares *spares, struct vrf *vrf, struct spare *spare)
{
    if (!spare->is_dirty) {
        if (!vrf->dirty) {
            push(spares, vrf);
        }
        spare->is_dirty = true;
        spare->next_dirty = vrf->dirty;
        vrf->dirty = spare;
    }
    soon(spares);
}

/* --- The kernel. */

static void
put_hop(struct nl_msg *msg, const struct hop *hop)
{
    if (hop->ip.family) {
        nla_put(msg, RTA_GATEWAY, hop->ip.family == 6 ? 16 : 4, hop->ip.b);
    }
}

static void
put_hops(struct nl_msg *msg, const struct spare *spare)
{
    struct nlattr *all;

    if (spare->n_hops == 1) {
        put_hop(msg, &spare->hops[0]);
        nla_put_u32(msg, RTA_OIF, spare->hops[0].ifindex);
        return;
    }
    all = nla_nest_start(msg, RTA_MULTIPATH);
    for (size_t i = 0; i < spare->n_hops; i++) {
        struct rtnexthop *hop =
            nlmsg_reserve(msg, sizeof *hop, NLMSG_ALIGNTO);
        char *from = (char *) hop;

        memset(hop, 0, sizeof *hop);
        hop->rtnh_ifindex = (int) spare->hops[i].ifindex;
        put_hop(msg, &spare->hops[i]);
        hop->rtnh_len = (unsigned short) ((char *) nlmsg_tail(nlmsg_hdr(msg))
                                          - from);
    }
    nla_nest_end(msg, all);
}

static uint32_t
table_of(const struct vx_gw_place *place)
{
    return place->kernel->backend == VX_GW_VRF_NETNS
           ? RT_TABLE_MAIN : VX_GW_TABLE_BASE + place->vni;
}

static struct nl_msg *
request(const struct vx_gw_place *place, int type,
        const struct vx_prefix *prefix)
{
    struct rtmsg head = {
        .rtm_family = prefix->ip.family == 6 ? AF_INET6 : AF_INET,
        .rtm_dst_len = prefix->length, .rtm_table = RT_TABLE_UNSPEC,
        .rtm_protocol = VX_GW_SPARE_PROTOCOL,
        .rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE
                                          : RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
    };
    struct nl_msg *msg = nlmsg_alloc_simple(
        type, type == RTM_DELROUTE ? 0 : NLM_F_CREATE | NLM_F_REPLACE);

    nlmsg_append(msg, &head, sizeof head, NLMSG_ALIGNTO);
    nla_put(msg, RTA_DST, prefix->ip.family == 6 ? 16 : 4, prefix->ip.b);
    nla_put_u32(msg, RTA_TABLE, table_of(place));
    nla_put_u32(msg, RTA_PRIORITY, METRIC);
    return msg;
}

static void
delete(const struct vx_gw_place *place, const struct vx_prefix *prefix)
{
    int error = nl_send_sync(place->in,
                             request(place, RTM_DELROUTE, prefix));

    if (error < 0 && error != -NLE_OBJ_NOTFOUND) {
        char text[VX_PREFIX_STRLEN];

        vx_log_debug("spare", "%s of vx%u: %s",
                     vx_prefix_format(prefix, text), (unsigned) place->vni,
                     nl_geterror(error));
    }
}

static void
add(const struct vx_gw_place *place, const struct spare *spare)
{
    struct nl_msg *msg = request(place, RTM_NEWROUTE, &spare->prefix);
    char text[VX_PREFIX_STRLEN];
    int error;

    put_hops(msg, spare);
    error = nl_send_sync(place->in, msg);
    if (error < 0) {
        vx_log_debug("spare", "no spare copy of %s in vx%u: %s",
                     vx_prefix_format(&spare->prefix, text),
                     (unsigned) place->vni, nl_geterror(error));
    }
}

static void
carry_out(struct vx_gw_spares *spares, struct vrf *vrf, size_t max)
{
    struct vx_gw_place place;
    bool is_there = vx_gw_place_open(&place, spares->kernel, vrf->vni, NULL);

    for (size_t i = 0; i < max && vrf->dirty; i++) {
        struct spare *spare = vrf->dirty;

        vrf->dirty = spare->next_dirty;
        spare->is_dirty = false;
        if (is_there && place.in && spare->is_wanted) {
            add(&place, spare);
        } else if (is_there && place.in) {
            delete(&place, &spare->prefix);
        }
        if (!spare->is_wanted) {
            forget(spares, vrf, spare);
        }
    }
    if (is_there) {
        vx_gw_place_close(&place);
    }
}

static void
work(evutil_socket_t fd, short what, void *spares_)
{
    struct vx_gw_spares *spares = spares_;
    struct vrf *vrf = pop(spares);

    (void) fd;
    (void) what;
    if (vrf) {
        carry_out(spares, vrf, PIECE);
        if (vrf->dirty) {
            push(spares, vrf);
        }
        if (spares->dirty) {
            soon(spares);
        }
    }
}

void
vx_gw_spares_flush(struct vx_gw_spares *spares)
{
    struct vrf *vrf;

    while (spares->kernel && (vrf = pop(spares))) {
        carry_out(spares, vrf, SIZE_MAX);
    }
}

void
vx_gw_spares_use(struct vx_gw_spares *spares,
                 const struct vx_gw_kernel *kernel)
{
    spares->kernel = kernel;
    soon(spares);
}

/* --- What is wanted. */

/* 0: it cannot be copied. */
static size_t
get_hops(const struct bg_learned *route, struct hop hops[VX_GW_SPARE_HOPS])
{
    if (route->n_nexthops > VX_GW_SPARE_HOPS) {
        return 0;
    }
    for (size_t i = 0; i < route->n_nexthops; i++) {
        const struct bg_nexthop *from = &route->nexthops[i];

        if (from->type == BG_NEXTHOP_BLACKHOLE || !from->ifindex
            || from->vrf_id != route->vrf_id
            || (from->ip.family
                && from->ip.family != route->prefix.ip.family)) {
            return 0;
        }
        hops[i] = (struct hop) { from->ip, from->ifindex };
    }
    return route->n_nexthops;
}

static bool
has_room(const struct vx_gw_spares *spares, struct vrf *vrf)
{
    if (vrf->spares.count < VX_GW_SPARES_PER_VRF
        && spares->n < VX_GW_SPARES) {
        vrf->is_full = false;
        return true;
    }
    if (!vrf->is_full) {
        vrf->is_full = true;
        vx_log_warn("spare", "vx%u: no spare copies of more than %d learned "
                    "routes, %d in all", (unsigned) vrf->vni,
                    VX_GW_SPARES_PER_VRF, VX_GW_SPARES);
    }
    return false;
}

void
vx_gw_spares_set(struct vx_gw_spares *spares, const struct bg_learned *route)
{
    struct vrf *vrf = find_vrf(spares, route->vrf, true);
    struct spare *spare = find(vrf, &route->prefix);
    struct hop hops[VX_GW_SPARE_HOPS];
    size_t n = get_hops(route, hops);

    if (!vrf || (!spare && (!n || !has_room(spares, vrf)))) {
        return;
    }
    if (!n) {
        vx_gw_spares_unset(spares, route->vrf, &route->prefix);
        return;
    }
    if (!spare) {
        spare = vx_xcalloc(1, sizeof *spare
                              + VX_GW_SPARE_HOPS * sizeof *spare->hops);
        spare->prefix = route->prefix;
        vx_tree_insert(&vrf->spares, &route->prefix, &spare->by_prefix);
        spares->n++;
    }
    spare->is_wanted = true;
    spare->n_hops = n;
    memcpy(spare->hops, hops, n * sizeof *hops);
    touch(spares, vrf, spare);
}

void
vx_gw_spares_unset(struct vx_gw_spares *spares, const char *name,
                   const struct vx_prefix *prefix)
{
    struct vrf *vrf = find_vrf(spares, name, false);
    struct spare *spare = find(vrf, prefix);

    if (spare) {
        spare->is_wanted = false;
        touch(spares, vrf, spare);
    }
}

void
vx_gw_spares_clear(struct vx_gw_spares *spares)
{
    VX_TREE_FOR_EACH(node, &spares->vrfs) {
        struct vrf *vrf = VX_CONTAINER(node, struct vrf, by_vni);

        VX_TREE_FOR_EACH(at, &vrf->spares) {
            struct spare *spare = VX_CONTAINER(at, struct spare, by_prefix);

            spare->is_wanted = false;
            touch(spares, vrf, spare);
        }
    }
}

size_t
vx_gw_spares_count(const struct vx_gw_spares *spares)
{
    return spares->n;
}

/* --- Audit. */

struct dump {
    struct vrf *vrf;
    uint32_t table;
    uint64_t number;
    struct vx_prefix *strays;
    size_t n, cap;
};

static bool
read_route(struct nlmsghdr *head, uint32_t table,
           struct vx_prefix *ret_prefix)
{
    const struct rtmsg *route = nlmsg_data(head);
    const struct nlattr *dst, *metric, *of;

    if (head->nlmsg_type != RTM_NEWROUTE
        || nlmsg_datalen(head) < (int) sizeof *route
        || route->rtm_protocol != VX_GW_SPARE_PROTOCOL
        || (route->rtm_family != AF_INET && route->rtm_family != AF_INET6)) {
        return false;
    }
    memset(ret_prefix, 0, sizeof *ret_prefix);
    ret_prefix->ip.family = route->rtm_family == AF_INET6 ? 6 : 4;
    ret_prefix->length = route->rtm_dst_len;
    dst = nlmsg_find_attr(head, sizeof *route, RTA_DST);
    metric = nlmsg_find_attr(head, sizeof *route, RTA_PRIORITY);
    of = nlmsg_find_attr(head, sizeof *route, RTA_TABLE);
    if (dst && nla_len(dst) == (ret_prefix->ip.family == 6 ? 16 : 4)) {
        memcpy(ret_prefix->ip.b, nla_data(dst), (size_t) nla_len(dst));
    }
    return metric && nla_get_u32(metric) == METRIC && of
           && nla_get_u32(of) == table;
}

static int
on_route(struct nl_msg *msg, void *dump_)
{
    struct dump *dump = dump_;
    struct vx_prefix prefix;
    struct spare *spare;

    if (!read_route(nlmsg_hdr(msg), dump->table, &prefix)) {
        return NL_OK;
    }
    spare = find(dump->vrf, &prefix);
    if (spare) {
        spare->seen = dump->number;
    } else {
        dump->strays = vx_grow(dump->strays, &dump->cap, dump->n + 1,
                               sizeof *dump->strays);
        dump->strays[dump->n++] = prefix;
    }
    return NL_OK;
}

static bool
dump_family(struct nl_sock *sock, uint8_t family, struct dump *dump)
{
    struct rtmsg head = { .rtm_family = family,
                          .rtm_protocol = VX_GW_SPARE_PROTOCOL };
    struct nl_cb *set = nl_cb_alloc(NL_CB_DEFAULT);
    struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_DUMP);
    int error;

    nl_cb_set(set, NL_CB_VALID, NL_CB_CUSTOM, on_route, dump);
    nlmsg_append(msg, &head, sizeof head, NLMSG_ALIGNTO);
    error = nl_send_auto(sock, msg);
    nlmsg_free(msg);
    if (error >= 0) {
        error = nl_recvmsgs(sock, set);
    }
    nl_cb_put(set);
    return error >= 0;
}

static bool
dump_routes(const struct vx_gw_place *place, struct dump *dump)
{
    int on = 1;

    /* With it the kernel leaves out what is of another protocol. */
    setsockopt(nl_socket_get_fd(place->in), SOL_NETLINK, STRICT_CHECK, &on,
               sizeof on);
    return dump_family(place->in, AF_INET, dump)
           && dump_family(place->in, AF_INET6, dump);
}

void
vx_gw_spares_audit(struct vx_gw_spares *spares, const char *name)
{
    struct dump dump = { .vrf = find_vrf(spares, name, true),
                         .number = ++spares->n_audits };
    struct vx_gw_place place;

    if (!dump.vrf || !spares->kernel
        || !vx_gw_place_open(&place, spares->kernel, dump.vrf->vni, NULL)) {
        return;
    }
    dump.table = table_of(&place);
    if (place.in && dump_routes(&place, &dump)) {
        for (size_t i = 0; i < dump.n; i++) {
            delete(&place, &dump.strays[i]);
        }
        if (dump.n) {
            vx_log_info("spare", "%s: removes %zu spare copies of an earlier "
                        "time", name, dump.n);
        }
        VX_TREE_FOR_EACH(node, &dump.vrf->spares) {
            struct spare *spare = VX_CONTAINER(node, struct spare,
                                               by_prefix);

            if (spare->seen != dump.number) {
                touch(spares, dump.vrf, spare);
            }
        }
    }
    free(dump.strays);
    vx_gw_place_close(&place);
}

void
vx_gw_spares_tick(struct vx_gw_spares *spares)
{
    struct vx_tree_node *node = vx_tree_ceil(&spares->vrfs,
                                             &spares->next_vni);
    char name[VX_GW_IFNAME_SIZE];

    node = node ? node : vx_tree_first(&spares->vrfs);
    if (node) {
        struct vrf *vrf = VX_CONTAINER(node, struct vrf, by_vni);

        spares->next_vni = vrf->vni + 1;
        vx_gw_spares_audit(spares, vx_gw_vrf_name(vrf->vni, name));
    }
}

/* --- Life. */

struct vx_gw_spares *
vx_gw_spares_new(struct event_base *base)
{
    struct vx_gw_spares *spares = vx_xcalloc(1, sizeof *spares);

    vx_tree_init(&spares->vrfs, compare_vrf);
    spares->last_dirty = &spares->dirty;
    spares->work = event_new(base, -1, 0, work, spares);
    return spares;
}

void
vx_gw_spares_free(struct vx_gw_spares *spares)
{
    if (!spares) {
        return;
    }
    VX_TREE_FOR_EACH_SAFE(node, next, &spares->vrfs) {
        struct vrf *vrf = VX_CONTAINER(node, struct vrf, by_vni);

        VX_TREE_FOR_EACH_SAFE(at, after, &vrf->spares) {
            forget(spares, vrf, VX_CONTAINER(at, struct spare, by_prefix));
        }
        free(vrf);
    }
    event_free(spares->work);
    free(spares);
}
