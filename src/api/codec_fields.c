/* SPDX-License-Identifier: Apache-2.0 */
/* The members of every kind of object, as data.  What a body may hold, what
 * openapi.json says and what the CLI offers all come from here. */
#include "api/codec.h"

#include "lib/rt.h"

#define UINT32_LIMIT 0xffffffffu

#define RO(NAME, TYPE, HELP) \
    { .name = NAME, .type = TYPE, .max = UINT64_MAX, .help = HELP }
#define RUN(NAME, TYPE, HELP) \
    { .name = NAME, .type = TYPE, .max = UINT64_MAX, .runtime = true, \
      .help = HELP }
#define RUN_NULL(NAME, TYPE, HELP) \
    { .name = NAME, .type = TYPE, .max = UINT64_MAX, .runtime = true, \
      .nullable = true, .help = HELP }
#define SET(NAME, TYPE, MIN, MAX, HELP) \
    { .name = NAME, .type = TYPE, .settable = true, .min = MIN, .max = MAX, \
      .help = HELP }
#define SET_NULL(NAME, TYPE, MIN, MAX, HELP) \
    { .name = NAME, .type = TYPE, .settable = true, .nullable = true, \
      .min = MIN, .max = MAX, .help = HELP }

#define NAME RO("name", VX_T_STRING, "last part of the path")
#define TENANT RO("tenant", VX_T_STRING, "tenant it belongs to")
#define NETWORK RO("network", VX_T_STRING, "network it belongs to")
#define DESCRIPTION SET("description", VX_T_STRING, 0, VX_DESCRIPTION_MAX, \
                        "free text for people")
#define ORIGIN \
    { .name = "origin", .type = VX_T_STRING, .max = UINT64_MAX, \
      .optional = true, \
      .help = "who made it: system, for gateways to have their place in " \
              "the fabric, or learned, by BGP; absent if an operator" }
#define REVISION RO("revision", VX_T_UINT, \
                    "revision of the last change; in a body it works as " \
                    "If-Match")

static const struct vx_codec_field zone_fields[] = {
    NAME,
    SET("path", VX_T_STRING, 1, 32,
        "how its hosts reach other zones: direct, or border for by the "
        "border hosts of both zones; direct if not given"),
    SET("border_hosts", VX_T_STRINGS, 0, VX_ZONE_MAX_BORDERS,
        "hosts of the zone that carry its traffic with other zones where "
        "path is border"),
    SET("budget_kbps", VX_T_UINT, 0, VX_RATE_KBPS_MAX,
        "what each of its hosts may send to other zones in kbit/s, 0 = "
        "unlimited"),
    DESCRIPTION,
    RO("num", VX_T_UINT, "number of the zone in the fabric"),
    REVISION,
};

static const struct vx_codec_field host_fields[] = {
    NAME,
    { .name = "zone", .type = VX_T_STRING, .settable = true,
      .required = true, .min = 1, .max = VX_NAME_MAX,
      .help = "zone the host stands in" },
    SET_NULL("system_id", VX_T_STRING, 1, VX_IFACE_ID_MAX,
             "external_ids:system-id of its Open vSwitch; kept if not given, "
             "null: forgotten, and the next host that joins by this name is "
             "it"),
    SET_NULL("vtep", VX_T_STRING, 2, VX_IP_STRLEN - 1,
             "tunnel address in the underlay; kept if not given, null until "
             "known"),
    SET_NULL("mtu", VX_T_UINT, VX_MTU_MIN, 65535,
             "underlay MTU in bytes; kept if not given, null until known"),
    SET_NULL("datapath", VX_T_STRING, 1, VX_NAME_MAX,
             "datapath_type of its bridges: netdev, system, or null for the "
             "default; kept if not given"),
    SET("draining", VX_T_BOOL, 0, 1,
        "takes no new ports, those that are there go on; kept if not "
        "given"),
    DESCRIPTION,
    RO("num", VX_T_UINT, "number of the host in the fabric"),
    RUN("status", VX_T_STRING, "joining, active, draining or down"),
    RUN("reason", VX_T_STRING, "why it is not active"),
    RUN("realized_revision", VX_T_UINT, "last revision it confirmed"),
    RUN("n_ports", VX_T_UINT, "ports located on it"),
    ORIGIN, REVISION,
};

static const struct vx_codec_field tenant_fields[] = {
    NAME,
    SET("router", VX_T_BOOL, 0, 1, "the tenant has a router (an L3VNI)"),
    SET_NULL("router_vni", VX_T_UINT, VX_VNI_MIN, VX_VNI_MAX,
             "VNI of the router; allocated if there is one and none is "
             "given"),
    SET("quota_networks", VX_T_UINT, 0, UINT32_LIMIT,
        "most networks it may have, 0 = unlimited"),
    SET("quota_ports", VX_T_UINT, 0, UINT32_LIMIT,
        "most ports it may have, 0 = unlimited"),
    SET("budget_kbps", VX_T_UINT, 0, VX_RATE_KBPS_MAX,
        "what it may send from each host to other zones in kbit/s, 0 = "
        "unlimited; brings a router"),
    SET_NULL("rd", VX_T_STRING, 3, VX_RT_STRLEN - 1,
             "route distinguisher of what is announced of it, like 65001:1 "
             "or 192.0.2.1:7; null = each gateway's own"),
    SET("import_rts", VX_T_STRINGS, 0, VX_MAX_RTS,
        "route targets it learns from, like 65001:1; empty = any AS with "
        "the VNI of its router"),
    SET("export_rts", VX_T_STRINGS, 0, VX_MAX_RTS,
        "route targets it is announced with; empty = the gateway's AS and "
        "the VNI of its router"),
    DESCRIPTION, REVISION,
};

static const struct vx_codec_field network_fields[] = {
    NAME, TENANT,
    SET("vni", VX_T_UINT, VX_VNI_MIN, VX_VNI_MAX,
        "VXLAN network identifier; kept or allocated if not given"),
    SET("mtu", VX_T_UINT, VX_MTU_MIN, VX_MTU_MAX,
        "MTU of tenants' interfaces in bytes, 1450 if not given"),
    SET_NULL("path", VX_T_STRING, 1, 32,
             "how it reaches other zones: direct, border, or null for what "
             "the zone says"),
    SET("bum_pps", VX_T_UINT, 0, VX_RATE_PPS_MAX,
        "broadcast, unknown and multicast each host may send to the fabric "
        "in packets/s, 0 = unlimited"),
    SET("evpn", VX_T_BOOL, 0, 1,
        "told to other fabrics and heard from them by EVPN where a gateway "
        "speaks it; true if not given"),
    SET("rts", VX_T_STRINGS, 0, VX_MAX_RTS,
        "its route targets in EVPN, both ways; empty = the gateway's AS and "
        "its VNI"),
    DESCRIPTION, ORIGIN, REVISION,
};

static const struct vx_codec_field subnet_fields[] = {
    NAME, TENANT, NETWORK,
    RO("cidr", VX_T_STRING, "the prefix, same as name"),
    SET_NULL("gateway", VX_T_STRING, 2, VX_IP_STRLEN - 1,
             "router's address; null or \"none\" for no gateway, the first "
             "usable address if not given"),
    SET("route", VX_T_BOOL, 0, 1,
        "routed by the tenant's router; true if not given and there is a "
        "gateway"),
    SET("announce", VX_T_BOOL, 0, 1,
        "gateways announce it to the tenant's peers and the fabric's; "
        "routed subnets only"),
    SET("host_routes", VX_T_BOOL, 0, 1,
        "with announce: the addresses of its active ports, too, one by "
        "one"),
    SET("ranges", VX_T_RANGES, 0, VX_SUBNET_MAX_RANGES,
        "addresses to allocate from; empty = all of the subnet"),
    DESCRIPTION, ORIGIN, REVISION,
};

static const struct vx_codec_field port_fields[] = {
    NAME, TENANT, NETWORK,
    RO("vni", VX_T_UINT, "VNI of its network"),
    SET("mac", VX_T_STRING, VX_MAC_STRLEN - 1, VX_MAC_STRLEN - 1,
        "MAC address; kept or allocated if not given"),
    SET("ips", VX_T_STRINGS, 0, VX_PORT_MAX_IPS,
        "addresses; kept or one per family allocated if not given, [] for "
        "none"),
    SET_NULL("host", VX_T_STRING, 1, VX_NAME_MAX,
             "the only host it may be on; null = any"),
    SET("iface_id", VX_T_STRING, 1, VX_IFACE_ID_MAX,
        "external_ids:iface-id that binds it, TENANT/NETWORK/PORT if not "
        "given"),
    RUN("status", VX_T_STRING,
        "pending, building, active, degraded or down"),
    RUN("reason", VX_T_STRING, "why it is not active"),
    RUN_NULL("reachable_at", VX_T_STRING,
             "when a probe from other hosts has come to its host, RFC 3339; "
             "null until known"),
    REVISION,
    SET("guard", VX_T_BOOL, 0, 1,
        "spoof guard: only its own addresses may send; true if not given"),
    RUN_NULL("located", VX_T_STRING,
             "host its interface was last seen on, where host is null"),
    SET_NULL("migrate_from", VX_T_STRING, 1, VX_NAME_MAX,
             "the host it still is on while it moves live to host; null = it "
             "does not move, or has arrived"),
    SET("migrate_hold", VX_T_BOOL, 0, 1,
        "only setting migrate_from to null ends the move, not the interface "
        "coming up at host"),
    RUN_NULL("migration", VX_T_STRING, "what the move waits for"),
    SET("rate_kbps", VX_T_UINT, 0, VX_RATE_KBPS_MAX,
        "kbit/s it may send, and get, 0 = unlimited"),
    SET("rate_pps", VX_T_UINT, 0, VX_RATE_PPS_MAX,
        "packets/s it may send, and get, 0 = unlimited"),
    SET("bum_pps", VX_T_UINT, 0, VX_RATE_PPS_MAX,
        "broadcast and multicast it may send in packets/s, ARP and ND too, "
        "0 = unlimited"),
    DESCRIPTION,
    RUN("mobility", VX_T_UINT,
        "how often it has changed its host: its sequence number in EVPN"),
    ORIGIN,
};

#define HOPS_STATUS \
    RUN("status", VX_T_STRING, "active, degraded, unresolved or down"), \
    RUN("reason", VX_T_STRING, "why it is not active"), \
    RUN("hops", VX_T_HOPS, "next hops, the ports that have them, whether " \
        "they live")

static const struct vx_codec_field route_fields[] = {
    NAME, TENANT,
    RO("prefix", VX_T_STRING, "where it leads to, same as name"),
    { .name = "via", .type = VX_T_STRINGS, .settable = true,
      .required = true, .min = 1, .max = VX_MAX_HOPS,
      .help = "next hops: addresses in routed subnets of the tenant; flows "
              "are spread over them" },
    SET("announce", VX_T_BOOL, 0, 1,
        "gateways announce it to the tenant's peers and the fabric's"),
    DESCRIPTION,
    RO("num", VX_T_UINT, "number of the route in the fabric"),
    HOPS_STATUS, ORIGIN, REVISION,
};

static const struct vx_codec_field policy_fields[] = {
    NAME, TENANT,
    { .name = "priority", .type = VX_T_UINT, .settable = true,
      .required = true, .min = 1, .max = VX_POLICY_PRIORITY_MAX,
      .help = "unique in the tenant; the highest that matches decides" },
    { .name = "match", .type = VX_T_MATCH, .settable = true,
      .help = "routed packets it is about: all that is given has to hold" },
    { .name = "action", .type = VX_T_ACTION, .settable = true,
      .required = true, .help = "what becomes of them" },
    SET("where", VX_T_WORDS, 1, 3,
        "where it is enforced: hosts, for what VMs send; gateway, for what "
        "comes in at gateways; flowspec, told to the fabric's peers; hosts "
        "if not given"),
    SET("fail", VX_T_STRING, 1, 32,
        "while no next hop lives: open, as if the policy were not there, or "
        "closed, dropped; open if not given"),
    DESCRIPTION,
    RO("num", VX_T_UINT, "number of the policy in the fabric"),
    HOPS_STATUS,
    RUN("in_force", VX_T_WORDS, "which places of where have taken it over"),
    RUN("counters", VX_T_COUNTERS,
        "on all hosts, since the controller started"),
    ORIGIN, REVISION,
};

static const struct vx_codec_field gateway_fields[] = {
    NAME,
    { .name = "host", .type = VX_T_STRING, .settable = true,
      .required = true, .min = 1, .max = VX_NAME_MAX,
      .help = "host of the fabric it is on; one gateway per host" },
    SET_NULL("as", VX_T_UINT, 1, UINT32_LIMIT,
             "its AS; null = the local AS of its fabric-wide peerings, else "
             "64512"),
    SET_NULL("router_id", VX_T_STRING, 7, 15,
             "its BGP identifier, an IPv4 address; null = the host's VTEP"),
    DESCRIPTION,
    RUN("status", VX_T_STRING,
        "active, building while it has not carried out all yet, "
        "degraded while a daemon of it is away, or down"),
    RUN("reason", VX_T_STRING, "why it is not active"),
    RUN_NULL("seen", VX_T_STRING,
             "when it reported last, RFC 3339; null = never"),
    RUN("acked", VX_T_UINT, "sequence number of the feed it has carried out"),
    RUN("behind", VX_T_UINT, "entries of the feed it has not carried out"),
    RUN("n_sessions", VX_T_UINT, "BGP sessions it has"),
    RUN("n_established", VX_T_UINT, "those that are established"),
    RUN_NULL("as_in_force", VX_T_UINT, "its AS, given or by default"),
    RUN_NULL("router_id_in_force", VX_T_STRING,
             "its BGP identifier, given or by default; null = its host has "
             "no IPv4 VTEP (yet)"),
    REVISION,
};

#define PEERING_TO \
    { .name = "gateway", .type = VX_T_STRING, .settable = true, \
      .required = true, .min = 1, .max = VX_NAME_MAX, \
      .help = "gateway that has the session" }, \
    { .name = "peer", .type = VX_T_STRING, .settable = true, \
      .required = true, .min = 2, .max = VX_IP_STRLEN - 1, \
      .help = "address of the peer" }, \
    { .name = "peer_as", .type = VX_T_UINT, .settable = true, \
      .required = true, .min = 1, .max = UINT32_LIMIT, \
      .help = "AS of the peer" }, \
    SET_NULL("local_as", VX_T_UINT, 1, UINT32_LIMIT, \
             "AS the gateway is to the peer; null = the gateway's")
#define PEERING_SESSION \
    { .name = "password", .type = VX_T_STRING, .settable = true, \
      .nullable = true, .secret = true, .min = 1, .max = VX_PASSWORD_MAX, \
      .help = "of the session (TCP MD5), never answered; kept if not " \
              "given, null = none" }, \
    RO("password_set", VX_T_BOOL, "there is a password"), \
    SET("bfd", VX_T_BOOL, 0, 1, \
        "BFD finds out that the peer is gone, not only the hold time"), \
    SET_NULL("hold", VX_T_UINT, 3, UINT16_MAX, \
             "hold time in seconds; null = 9"), \
    SET_NULL("multihop", VX_T_UINT, 1, UINT8_MAX, \
             "hops to the peer; null = it is on the link"), \
    SET("communities", VX_T_STRINGS, 0, VX_PEERING_MAX_COMMUNITIES, \
        "added to what is announced, like 65001:100 or no-export"), \
    SET_NULL("med", VX_T_UINT, 0, UINT32_LIMIT, \
             "metric of what is announced; null = none"), \
    SET_NULL("local_pref", VX_T_UINT, 1, UINT32_LIMIT, \
             "preference of what is learned, the highest wins; null = 100"), \
    SET_NULL("prefix_limit", VX_T_UINT, 1, VX_PREFIX_LIMIT_MAX, \
             "prefixes of each family taken from the peer; with more the " \
             "session goes down, of EVPN and FlowSpec the rest is left " \
             "out; null = 1000")
#define PEERING_STATUS \
    RUN("status", VX_T_STRING, \
        "state of the session: idle, connect, active, opensent, " \
        "openconfirm, established, or unknown"), \
    RUN("reason", VX_T_STRING, "why it is not established"), \
    RUN_NULL("since", VX_T_STRING, "when it came to that, RFC 3339"), \
    RUN("received", VX_T_UINT, "prefixes the peer has sent"), \
    RUN("sent", VX_T_UINT, "prefixes the peer was sent")

static const struct vx_codec_field peering_fields[] = {
    NAME, TENANT, PEERING_TO,
    { .name = "families", .type = VX_T_WORDS, .settable = true,
      .required = true, .min = 1, .max = 2,
      .help = "what the session carries: ipv4, ipv6" },
    SET_NULL("device", VX_T_STRING, 1, VX_DEVICE_MAX,
             "interface of the gateway that leads to the peer, moved into "
             "the tenant's VRF; null = that of another peering leads there"),
    SET("local", VX_T_STRINGS, 0, VX_PEERING_MAX_LOCALS,
        "addresses of the device with their length, like 172.16.1.1/30"),
    SET("readvertise", VX_T_BOOL, 0, 1,
        "what is learned is told to the fabric's peers, too"),
    PEERING_SESSION,
    SET("import", VX_T_STRINGS, 0, VX_PEERING_MAX_FILTERS,
        "prefixes that are learned, and longer ones in them; empty = all"),
    SET("export", VX_T_STRINGS, 0, VX_PEERING_MAX_FILTERS,
        "prefixes that are announced, and longer ones in them; empty = all "
        "that is marked so"),
    DESCRIPTION, PEERING_STATUS, REVISION,
};

static const struct vx_codec_field uplink_fields[] = {
    NAME, PEERING_TO,
    { .name = "families", .type = VX_T_WORDS, .settable = true,
      .required = true, .min = 1, .max = 4,
      .help = "what the session carries: vpnv4, vpnv6, evpn, flowspec" },
    SET_NULL("source", VX_T_STRING, 2, VX_IP_STRLEN - 1,
             "address of the gateway in the session; null = its VTEP"),
    SET("flowspec_in", VX_T_BOOL, 0, 1,
        "FlowSpec rules of the peer become policies of the tenants "
        "concerned"),
    PEERING_SESSION, DESCRIPTION, PEERING_STATUS, REVISION,
};

#define TABLE(KIND, FIELDS) \
    case KIND: \
        *ret_n = sizeof FIELDS / sizeof FIELDS[0]; \
        return FIELDS;

const struct vx_codec_field *
vx_codec_fields(enum vx_kind kind, size_t *ret_n)
{
    switch (kind) {
    TABLE(VX_ZONE, zone_fields)
    TABLE(VX_HOST, host_fields)
    TABLE(VX_TENANT, tenant_fields)
    TABLE(VX_NETWORK, network_fields)
    TABLE(VX_SUBNET, subnet_fields)
    TABLE(VX_PORT, port_fields)
    TABLE(VX_ROUTE, route_fields)
    TABLE(VX_POLICY, policy_fields)
    TABLE(VX_GATEWAY, gateway_fields)
    TABLE(VX_PEERING, peering_fields)
    TABLE(VX_UPLINK, uplink_fields)
    case VX_NONE:
    case VX_RETIRED_VNI:
    case VX_N_KINDS:
        break;
    }
    *ret_n = 0;
    return NULL;
}
