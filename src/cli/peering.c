/* SPDX-License-Identifier: Apache-2.0 */
/* Peering: a BGP session of a gateway, with a tenant's own router or with
 * the world of the fabric. One object of the command line, two kinds of the
 * API: TENANT/NAME is a tenant's, NAME alone is fabric-wide. Data of the
 * command table only; verbs.c carries it out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "gateway", .metavar = "GATEWAY",
      .help = "gateway that has the session",
      .type = VX_CLI_TEXT, .key = "gateway", .verbs = BODY,
      .values = VX_CLI_GATEWAYS },
    { .name = "peer", .metavar = "IP", .help = "address of the peer",
      .type = VX_CLI_TEXT, .key = "peer", .verbs = BODY },
    { .name = "peer-as", .metavar = "AS", .help = "AS of the peer",
      .type = VX_CLI_NUMBER, .key = "peer_as", .verbs = BODY },
    { .name = "local-as", .metavar = "AS",
      .help = "AS the gateway is to the peer (default: the gateway's)",
      .type = VX_CLI_NUMBER, .key = "local_as", .verbs = BODY },
    { .name = "family", .metavar = "FAMILY",
      .help = "what the session carries; repeatable: ipv4, ipv6 of a "
              "tenant's, vpnv4, vpnv6, evpn, flowspec of a fabric-wide one",
      .type = VX_CLI_WORDS, .key = "families", .verbs = BODY,
      .values = VX_CLI_FAMILIES },
    { .name = "device", .metavar = "DEVICE",
      .help = "a tenant's: interface of the gateway that leads to the peer, "
              "moved into the tenant's VRF",
      .type = VX_CLI_TEXT, .key = "device", .verbs = BODY },
    { .name = "local", .metavar = "IP/LENGTH",
      .help = "a tenant's: an address of the device; repeatable",
      .type = VX_CLI_TEXTS, .key = "local", .verbs = BODY },
    { .name = "readvertise",
      .help = "a tenant's: what is learned is told to the fabric's peers, "
              "too (VPN and EVPN)",
      .type = VX_CLI_TRUE, .key = "readvertise", .verbs = BODY },
    { .name = "no-readvertise", .help = "no longer",
      .type = VX_CLI_FALSE, .key = "readvertise", .verbs = VX_CLI_SET },
    { .name = "source", .metavar = "IP",
      .help = "fabric-wide: address of the gateway in the session (default: "
              "its VTEP)",
      .type = VX_CLI_TEXT, .key = "source", .verbs = BODY },
    { .name = "flowspec-in",
      .help = "fabric-wide: FlowSpec rules of the peer become policies of "
              "the tenants concerned",
      .type = VX_CLI_TRUE, .key = "flowspec_in", .verbs = BODY },
    { .name = "no-flowspec-in", .help = "no longer",
      .type = VX_CLI_FALSE, .key = "flowspec_in", .verbs = VX_CLI_SET },
    { .name = "password", .metavar = "TEXT",
      .help = "of the session (TCP MD5); others on this machine can see it "
              "while the command runs",
      .type = VX_CLI_TEXT, .key = "password", .verbs = BODY },
    { .name = "password-file", .metavar = "FILE",
      .help = "the password is the first line of the file, - for standard "
              "input",
      .type = VX_CLI_FIRST_LINE, .key = "password", .verbs = BODY,
      .values = VX_CLI_FILES },
    { .name = "no-password", .help = "the session has no password",
      .type = VX_CLI_NULL, .key = "password", .verbs = VX_CLI_SET },
    { .name = "bfd", .help = "BFD finds out that the peer is gone",
      .type = VX_CLI_TRUE, .key = "bfd", .verbs = BODY },
    { .name = "no-bfd", .help = "only the hold time does",
      .type = VX_CLI_FALSE, .key = "bfd", .verbs = VX_CLI_SET },
    { .name = "hold", .metavar = "SECONDS",
      .help = "hold time, 3 to 65535 (default 9)",
      .type = VX_CLI_NUMBER, .key = "hold", .verbs = BODY },
    { .name = "multihop", .metavar = "HOPS",
      .help = "hops to the peer (default: it is on the link)",
      .type = VX_CLI_NUMBER, .key = "multihop", .verbs = BODY },
    { .name = "community", .metavar = "AS:N",
      .help = "added to what is announced, or a name like no-export; "
              "repeatable",
      .type = VX_CLI_TEXTS, .key = "communities", .verbs = BODY,
      .values = VX_CLI_COMMUNITIES },
    { .name = "no-community", .help = "nothing is added",
      .type = VX_CLI_NO_TEXTS, .key = "communities", .verbs = VX_CLI_SET },
    { .name = "med", .metavar = "N",
      .help = "metric of what is announced (default: none)",
      .type = VX_CLI_NUMBER, .key = "med", .verbs = BODY },
    { .name = "local-pref", .metavar = "N",
      .help = "preference of what is learned, the highest wins (default "
              "100)",
      .type = VX_CLI_NUMBER, .key = "local_pref", .verbs = BODY },
    { .name = "prefix-limit", .metavar = "N",
      .help = "prefixes of each family taken from the peer (default 1000)",
      .type = VX_CLI_NUMBER, .key = "prefix_limit", .verbs = BODY },
    { .name = "import", .metavar = "PREFIX",
      .help = "a tenant's: learn this and what is in it only; repeatable",
      .type = VX_CLI_TEXTS, .key = "import", .verbs = BODY },
    { .name = "no-import", .help = "learn all",
      .type = VX_CLI_NO_TEXTS, .key = "import", .verbs = VX_CLI_SET },
    { .name = "export", .metavar = "PREFIX",
      .help = "a tenant's: announce this and what is in it only; "
              "repeatable",
      .type = VX_CLI_TEXTS, .key = "export", .verbs = BODY },
    { .name = "no-export", .help = "announce all that is marked so",
      .type = VX_CLI_NO_TEXTS, .key = "export", .verbs = VX_CLI_SET },
    { .name = "gateway", .metavar = "GATEWAY",
      .help = "only those of this gateway",
      .type = VX_CLI_FILTER, .key = "gateway", .verbs = VX_CLI_LIST,
      .values = VX_CLI_GATEWAYS },
    { .name = "status", .metavar = "STATUS",
      .help = "only sessions in this state, like established",
      .type = VX_CLI_FILTER, .key = "status", .verbs = VX_CLI_LIST,
      .values = VX_CLI_SESSION_STATES },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "NAME", NULL, NULL },
    { "GATEWAY", "gateway", NULL },
    { "PEER", "peer", NULL },
    { "PEER-AS", "peer_as", NULL },
    { "FAMILIES", "families", NULL },
    { "STATUS", "status", NULL },
    { "RECEIVED", "received", NULL },
    { "SENT", "sent", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_uplink = {
    .name = "fabric peering",
    .plural = "peerings",
    .help = "a BGP session of the fabric",
    .metavar = "NAME",
    .keys = { "name" },
    .opts = opts,
    .columns = columns,
};

const struct vx_cli_kind vx_cli_peering = {
    .name = "peering",
    .plural = "peerings",
    .help = "a BGP session of a gateway: TENANT/NAME of a tenant, NAME "
            "alone fabric-wide",
    .metavar = "NAME or TENANT/NAME",
    .keys = { "tenant", "name" },
    .flat = &vx_cli_uplink,
    .all = "/v1/tenant-peerings",
    .opts = opts,
    .columns = columns,
};
