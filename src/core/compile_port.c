/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a port: who may speak at its tap and how much (tier 1), and who
 * answers for its addresses (tier 2).  doc/pipeline.md, cookie "port".
 *
 * Tier 1 rows match the tap's in_port or the VNI, never less: a row that
 * could match a packet of another tap would break isolation. */
#include "core/compile_priv.h"

enum { MLD2_REPORT = 143 };

/* What every row of the tap is made from. */
struct tap {
    const struct vx_port *port;
    struct vx_rows *rows;
    uint32_t vni;
    uint32_t router;
    uint32_t ofport;
    uint32_t bum_pps;           /* its own budget, or that of all ports */
    bool second;
};

static const struct vx_ip ip4_none = { .family = 4 };
static const struct vx_ip ip6_none = { .family = 6 };

static struct vx_row *
flow(const struct tap *tap, uint8_t table, uint16_t priority)
{
    struct vx_row *row = vx_rows_flow(tap->rows, VX_TENANT_TIER, table,
                                      priority,
                                      VX_COOKIE(VX_PORT, VX_PASS,
                                                tap->port->o.oid));

    vx_match_u(row, VX_F_IN_PORT, tap->ofport);
    return row;
}

static struct vx_row *
drop(const struct tap *tap, uint8_t table, uint16_t priority,
     enum vx_drop_reason reason)
{
    struct vx_row *row = flow(tap, table, priority);

    row->cookie |= VX_COOKIE(0, reason, 0);
    return row;
}

/* A row of the guard for frames with the port's own source MAC. */
static struct vx_row *
own(const struct tap *tap, uint16_t priority, unsigned eth_type)
{
    struct vx_row *row = flow(tap, VX_T1_GUARD, priority);

    vx_match_mac(row, VX_F_ETH_SRC, &tap->port->mac);
    if (eth_type) {
        vx_match_u(row, VX_F_ETH_TYPE, eth_type);
    }
    return row;
}

static void
match_icmp6(struct vx_row *row, unsigned type)
{
    vx_match_u(row, VX_F_IP_PROTO, IPPROTO_ICMPV6);
    vx_match_u(row, VX_F_ICMPV6_TYPE, type);
}

/* Calls f for every address of the family, IPv6 with the link-local one of
 * the MAC, none of them twice. */
static void
each_ip(const struct vx_port *port, uint8_t family,
        void (*f)(void *aux, const struct vx_ip *ip), void *aux)
{
    struct vx_ip local = vx_ip_link_local(&port->mac);

    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == family
            && vx_ip_compare(&port->ips[i], &local)) {
            f(aux, &port->ips[i]);
        }
    }
    if (family == 6) {
        f(aux, &local);
    }
}

/* The port's own duplicate address detection must not be answered. */
static void
own_arp_probe(void *tap, const struct vx_ip *ip)
{
    struct vx_row *row = drop(tap, VX_T1_GUARD, 110, VX_DROP_OWN_PROBE);

    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_ARP);
    vx_match_u(row, VX_F_ARP_OP, 1);
    vx_match_ip(row, VX_F_ARP_TPA, ip);
}

static void
own_nd_probe(void *tap, const struct vx_ip *ip)
{
    struct vx_row *row = drop(tap, VX_T1_GUARD_ND, 100, VX_DROP_OWN_PROBE);

    vx_match_nd(row, VX_ND_NS);
    vx_match_ip(row, VX_F_ND_TARGET, ip);
}

static void
allow_ip4(void *tap_, const struct vx_ip *ip)
{
    const struct tap *tap = tap_;
    struct vx_row *row = own(tap, 100, VX_ETH_IPV4);

    vx_match_ip(row, VX_F_IPV4_SRC, ip);
    vx_act_goto(row, VX_T1_ENTER);

    row = own(tap, 100, VX_ETH_ARP);
    vx_match_mac(row, VX_F_ARP_SHA, &tap->port->mac);
    vx_match_ip(row, VX_F_ARP_SPA, ip);
    vx_act_goto(row, VX_T1_ENTER);
}

static void
allow_nd_target(const struct tap *tap, const struct vx_ip *ip,
                const struct vx_mac *tll)
{
    struct vx_row *row = flow(tap, VX_T1_GUARD_ND, 90);

    vx_match_nd(row, VX_ND_NA);
    vx_match_u(row, VX_F_IP_TTL, 255);
    vx_match_ip(row, VX_F_ND_TARGET, ip);
    vx_match_mac(row, VX_F_ND_TLL, tll);
    vx_act_goto(row, VX_T1_ENTER);
}

/* A link-layer option of all zeros is how "no such option" matches. */
static const struct vx_mac no_option;

static void
allow_ip6(void *tap_, const struct vx_ip *ip)
{
    const struct tap *tap = tap_;
    struct vx_row *row = own(tap, 100, VX_ETH_IPV6);

    vx_match_ip(row, VX_F_IPV6_SRC, ip);
    vx_act_goto(row, VX_T1_GUARD_ND);
    allow_nd_target(tap, ip, &tap->port->mac);
    allow_nd_target(tap, ip, &no_option);
}

static void
allow_solicitation(const struct tap *tap, const struct vx_mac *sll)
{
    struct vx_row *row = flow(tap, VX_T1_GUARD_ND, 90);

    vx_match_nd(row, VX_ND_NS);
    vx_match_u(row, VX_F_IP_TTL, 255);
    vx_match_mac(row, VX_F_ND_SLL, sll);
    vx_act_goto(row, VX_T1_ENTER);
}

/* What a port may send before it has an address. */
static void
allow_unspecified(const struct tap *tap)
{
    static const struct vx_ip ip4_all = {
        .family = 4, .b = { 255, 255, 255, 255 }
    };
    struct vx_row *row;

    row = own(tap, 100, VX_ETH_ARP);               /* probe, RFC 5227 */
    vx_match_u(row, VX_F_ARP_OP, 1);
    vx_match_mac(row, VX_F_ARP_SHA, &tap->port->mac);
    vx_match_ip(row, VX_F_ARP_SPA, &ip4_none);
    vx_act_goto(row, VX_T1_ENTER);

    row = own(tap, 100, VX_ETH_IPV4);              /* DHCP */
    vx_match_u(row, VX_F_IP_PROTO, IPPROTO_UDP);
    vx_match_ip(row, VX_F_IPV4_SRC, &ip4_none);
    vx_match_ip(row, VX_F_IPV4_DST, &ip4_all);
    vx_match_u(row, VX_F_UDP_SRC, 68);
    vx_match_u(row, VX_F_UDP_DST, 67);
    vx_act_goto(row, VX_T1_ENTER);

    row = own(tap, 100, VX_ETH_IPV6);              /* DAD, RFC 4862 */
    match_icmp6(row, VX_ND_NS);
    vx_match_ip(row, VX_F_IPV6_SRC, &ip6_none);
    vx_act_goto(row, VX_T1_GUARD_ND);

    row = own(tap, 100, VX_ETH_IPV6);              /* MLD, RFC 3590 */
    match_icmp6(row, MLD2_REPORT);
    vx_match_ip(row, VX_F_IPV6_SRC, &ip6_none);
    vx_act_goto(row, VX_T1_ENTER);
}

/* What is not allowed, by reason, so that each has its counter. */
static void
deny(const struct tap *tap)
{
    static const struct {
        unsigned eth_type;
        uint16_t priority;
        enum vx_drop_reason reason;
    } denied[] = {
        { VX_ETH_ARP, 50, VX_DROP_ARP_SPOOF },
        { VX_ETH_IPV4, 50, VX_DROP_IP_SPOOF },
        { VX_ETH_IPV6, 50, VX_DROP_IP6_SPOOF },
        { 0, 20, VX_DROP_ETHERTYPE },
    };
    struct vx_row *row;

    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        row = own(tap, denied[i].priority, denied[i].eth_type);
        row->cookie |= VX_COOKIE(0, denied[i].reason, 0);
    }
    drop(tap, VX_T1_GUARD, 10, VX_DROP_MAC_SPOOF);

    for (int i = 0; i < 2; i++) {
        row = own(tap, 110, VX_ETH_IPV6);
        row->cookie |= VX_COOKIE(0, VX_DROP_ROUTER_ADV, 0);
        match_icmp6(row, i ? VX_ND_REDIRECT : VX_ND_RA);
        row = drop(tap, VX_T1_GUARD_ND, 50, VX_DROP_ND_SPOOF);
        vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_IPV6);
        match_icmp6(row, i ? VX_ND_NA : VX_ND_NS);
    }
}

static void
guard_on(struct tap *tap)
{
    each_ip(tap->port, 4, allow_ip4, tap);
    each_ip(tap->port, 6, allow_ip6, tap);
    allow_solicitation(tap, &tap->port->mac);
    allow_solicitation(tap, &no_option);
    allow_unspecified(tap);
    deny(tap);
}

static void
guard_off(const struct tap *tap)
{
    struct vx_row *row = flow(tap, VX_T1_GUARD, 100);

    vx_match_nd(row, VX_ND_NS);
    vx_act_goto(row, VX_T1_GUARD_ND);
    vx_act_goto(flow(tap, VX_T1_GUARD, 10), VX_T1_ENTER);
}

/* A gateway routes for its tenant, so from the leg's MAC only.  While
 * vxgatewayd is away a leg may be another tenant's yet, which had the name. */
static void
guard_leg(const struct tap *tap)
{
    struct vx_row *row = own(tap, 100, 0);

    vx_match_nd(row, VX_ND_NS);
    vx_act_goto(row, VX_T1_GUARD_ND);
    vx_act_goto(own(tap, 20, 0), VX_T1_ENTER);
    drop(tap, VX_T1_GUARD, 10, VX_DROP_MAC_SPOOF);
}

static uint32_t
meter_of(const struct tap *tap, enum vx_meter_kind kind)
{
    return VX_METER(kind, tap->ofport);
}

static void
meters(const struct tap *tap)
{
    const struct vx_port *port = tap->port;
    uint32_t kbps = port->rate_kbps, pps = port->rate_pps;

    for (int in = 0; in < 2; in++) {
        if (kbps) {
            vx_compile_meter(tap->rows, VX_TENANT_TIER,
                             meter_of(tap, in ? VX_METER_IN_KBPS
                                              : VX_METER_OUT_KBPS), kbps);
        }
        if (pps) {
            vx_compile_meter_pps(tap->rows, VX_TENANT_TIER,
                                 meter_of(tap, in ? VX_METER_IN_PPS
                                                  : VX_METER_OUT_PPS),
                                 pps, vx_pps_burst(pps));
        }
    }
    if (tap->bum_pps) {
        vx_compile_meter_pps(tap->rows, VX_TENANT_TIER,
                             meter_of(tap, VX_METER_PORT_BUM),
                             tap->bum_pps, vx_pps_burst(tap->bum_pps));
    }
    if (tap->router) {
        vx_compile_meter_pps(tap->rows, VX_TENANT_TIER,
                             meter_of(tap, VX_METER_PUNT),
                             VX_METER_PUNT_PPS, VX_METER_PUNT_BURST);
    }
}

static void
classify(const struct tap *tap)
{
    struct vx_row *row;

    if (tap->port->guard) {
        drop(tap, VX_T1_CLASSIFY, 90, VX_DROP_TAGGED);
    }
    row = flow(tap, VX_T1_CLASSIFY, 100);
    if (tap->port->guard) {
        vx_match_u(row, VX_F_VLAN_TCI, 0);
    }
    if (tap->port->rate_kbps) {
        vx_act_meter(row, meter_of(tap, VX_METER_OUT_KBPS));
    }
    if (tap->port->rate_pps) {
        vx_act_meter(row, meter_of(tap, VX_METER_OUT_PPS));
    }
    vx_act_set_u(row, VX_F_REG0, tap->vni);
    if (tap->router) {
        vx_act_set_u(row, VX_F_REG5, tap->router);
    }
    vx_act_goto(row, VX_T1_GUARD);
}

/* Broadcast within its budget; what the controller has to answer within the
 * port's. */
static void
budgets(const struct tap *tap)
{
    struct vx_row *row;

    if (tap->bum_pps) {
        row = flow(tap, VX_T1_ENTER, 120);
        vx_match_multicast(row);
        vx_act_meter(row, meter_of(tap, VX_METER_PORT_BUM));
        vx_act_goto(row, VX_T1_L2);
    }
    if (tap->router) {
        row = flow(tap, VX_T1_PUNT, 100);
        vx_act_meter(row, meter_of(tap, VX_METER_PUNT));
        vx_act_controller(row, VX_PUNT_MAX);
    }
}

/* To the tap, within its budgets. */
static void
act_deliver(struct vx_row *row, const struct tap *tap)
{
    if (tap->port->rate_kbps) {
        vx_act_meter(row, meter_of(tap, VX_METER_IN_KBPS));
    }
    if (tap->port->rate_pps) {
        vx_act_meter(row, meter_of(tap, VX_METER_IN_PPS));
    }
    vx_act_output(row, tap->ofport);
}

static struct vx_row *
local(const struct tap *tap, uint8_t table, uint16_t priority)
{
    struct vx_row *row = vx_rows_flow(tap->rows, VX_TENANT_TIER, table,
                                      priority,
                                      VX_COOKIE(VX_PORT, VX_PASS,
                                                tap->port->o.oid));

    vx_match_u(row, VX_F_REG0, tap->vni);
    return row;
}

/* A bucket cannot have meters: it leads to a row that has.  What comes from
 * the tap itself does not count as what it gets. */
static void
deliver_bum(const struct tap *tap)
{
    bool limited = tap->port->rate_kbps || tap->port->rate_pps;
    struct vx_row *row = vx_rows_bucket(tap->rows, VX_TENANT_TIER, tap->vni,
                                        tap->ofport);

    if (!limited) {
        vx_act_output(row, tap->ofport);
        return;
    }
    vx_act_set_u(row, VX_F_REG6, tap->ofport);
    vx_act_resubmit(row, VX_T1_TAP);

    row = local(tap, VX_T1_TAP, 100);
    vx_match_u(row, VX_F_REG6, tap->ofport);
    act_deliver(row, tap);
    row = local(tap, VX_T1_TAP, 110);
    vx_match_u(row, VX_F_IN_PORT, tap->ofport);
    vx_match_u(row, VX_F_REG6, tap->ofport);
    vx_act_output(row, tap->ofport);
}

static void
deliver(const struct tap *tap)
{
    struct vx_row *row = local(tap, VX_T1_L2, 100);

    if (tap->second) {
        vx_match_u(row, VX_F_IN_PORT, VX_OFPORT_PATCH);
    }
    vx_match_mac(row, VX_F_ETH_DST, &tap->port->mac);
    act_deliver(row, tap);
    if (!tap->second) {
        deliver_bum(tap);
    }
}

/* Calls f for every address that packets can be routed to. */
static void
each_routed_ip(const struct vx_port *port,
               void (*f)(void *aux, const struct vx_ip *ip), void *aux)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (!vx_ip_is_link_local(&port->ips[i])
            || port->ips[i].family == 4) {
            f(aux, &port->ips[i]);
        }
    }
}

static void
adjacency(void *tap_, const struct vx_ip *ip)
{
    const struct tap *tap = tap_;
    struct vx_row *row = local(tap, VX_T1_ADJ, 100);

    vx_match_dst(row, ip);
    vx_act_set_mac(row, VX_F_ETH_DST, &tap->port->mac);
    vx_act_goto(row, VX_T1_L2);
}

void
vx_compile_tap(const struct vx_port *port, const struct vx_segment *segment,
               struct vx_tap at, struct vx_rows *rows)
{
    struct tap tap = {
        .port = port, .rows = rows, .vni = segment->network->vni,
        .router = segment->router, .ofport = at.ofport,
        .bum_pps = port->bum_pps ? port->bum_pps : segment->port_bum_pps,
        .second = at.second
    };

    meters(&tap);
    classify(&tap);
    each_ip(port, 4, own_arp_probe, &tap);
    each_ip(port, 6, own_nd_probe, &tap);
    if (port->guard) {
        guard_on(&tap);
    } else if (port->gateway) {
        guard_leg(&tap);
    } else {
        guard_off(&tap);
    }
    vx_act_goto(flow(&tap, VX_T1_GUARD_ND, 10), VX_T1_ENTER);
    budgets(&tap);
    if (tap.router && !tap.second) {
        each_routed_ip(port, adjacency, &tap);
    }
    deliver(&tap);
}

static struct vx_row *
answer(const struct tap *tap)
{
    struct vx_row *row = vx_rows_flow(tap->rows, VX_FABRIC_TIER, VX_T2_NEIGH,
                                      100, VX_COOKIE(VX_PORT, VX_PASS,
                                                     tap->port->o.oid));

    vx_match_u(row, VX_F_REG0, tap->vni);
    vx_act_set_mac(row, VX_F_XREG1, &tap->port->mac);
    vx_act_goto(row, VX_T2_ANSWER);
    return row;
}

static void
answer_arp(void *tap, const struct vx_ip *ip)
{
    struct vx_row *row = answer(tap);

    vx_match_u(row, VX_F_ETH_TYPE, VX_ETH_ARP);
    vx_match_u(row, VX_F_ARP_OP, 1);
    vx_match_ip(row, VX_F_ARP_TPA, ip);
}

static void
answer_nd(void *tap, const struct vx_ip *ip)
{
    struct vx_row *row = answer(tap);

    vx_match_nd(row, VX_ND_NS);
    vx_match_u(row, VX_F_IP_TTL, 255);
    vx_match_ip(row, VX_F_ND_TARGET, ip);
}

void
vx_compile_neigh(const struct vx_port *port, uint32_t vni,
                 struct vx_rows *rows)
{
    struct tap tap = { .port = port, .rows = rows, .vni = vni };

    each_ip(port, 4, answer_arp, &tap);
    each_ip(port, 6, answer_nd, &tap);
}

static void
adjacency_tier2(void *tap_, const struct vx_ip *ip)
{
    const struct tap *tap = tap_;
    struct vx_row *row = vx_rows_flow(tap->rows, VX_FABRIC_TIER, VX_T2_ADJ,
                                      100, VX_COOKIE(VX_PORT, VX_PASS,
                                                     tap->port->o.oid));

    vx_match_u(row, VX_F_REG0, tap->vni);
    vx_match_dst(row, ip);
    vx_act_set_mac(row, VX_F_ETH_DST, &tap->port->mac);
    vx_act_goto(row, VX_T2_FDB);
}

void
vx_compile_adj(const struct vx_port *port, uint32_t vni,
               struct vx_rows *rows)
{
    struct tap tap = { .port = port, .rows = rows, .vni = vni };

    each_routed_ip(port, adjacency_tier2, &tap);
}

static struct vx_row *
fdb(const struct vx_port *port, uint32_t vni, struct vx_rows *rows)
{
    struct vx_row *row = vx_rows_flow(rows, VX_FABRIC_TIER, VX_T2_FDB, 100,
                                      VX_COOKIE(VX_PORT, VX_PASS,
                                                port->o.oid));

    vx_match_u(row, VX_F_REG0, vni);
    vx_match_mac(row, VX_F_ETH_DST, &port->mac);
    return row;
}

void
vx_compile_fdb(const struct vx_port *port, uint32_t vni, uint32_t to,
               struct vx_rows *rows)
{
    struct vx_row *row = fdb(port, vni, rows);

    vx_act_set_u(row, VX_F_REG9, to);
    vx_act_goto(row, to >= VX_TO_BORDER ? VX_T2_BORDER : VX_T2_HOST);
}

void
vx_compile_fdb_local(const struct vx_port *port, uint32_t vni,
                     struct vx_rows *rows)
{
    vx_act_cross(fdb(port, vni, rows));
}
