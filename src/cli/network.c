/* SPDX-License-Identifier: Apache-2.0 */
/* Network: one Ethernet of a tenant, one VNI of the fabric. Data of the
 * command table only; verbs.c carries it out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "vni", .metavar = "VNI",
      .help = "VXLAN network identifier, 1 to 16777215 (default: lowest "
              "free)",
      .type = VX_CLI_NUMBER, .key = "vni", .verbs = BODY },
    { .name = "mtu", .metavar = "BYTES",
      .help = "MTU of the tenant's interfaces (default 1450)",
      .type = VX_CLI_NUMBER, .key = "mtu", .verbs = BODY },
    { .name = "path", .metavar = "direct|border",
      .help = "how it reaches other zones (default: as the zone says)",
      .type = VX_CLI_TEXT, .key = "path", .verbs = BODY,
      .values = VX_CLI_PATHS },
    { .name = "bum-pps", .metavar = "N",
      .help = "broadcast and multicast packets/s each host may send to the "
              "fabric, 0 = any",
      .type = VX_CLI_NUMBER, .key = "bum_pps", .verbs = BODY },
    { .name = "no-evpn",
      .help = "other fabrics are not told of it, nor heard about it",
      .type = VX_CLI_FALSE, .key = "evpn", .verbs = BODY },
    { .name = "evpn", .help = "they are, where a gateway speaks EVPN",
      .type = VX_CLI_TRUE, .key = "evpn", .verbs = VX_CLI_SET },
    { .name = "rt", .metavar = "AS:N",
      .help = "its route target in EVPN, both ways; repeatable (default: "
              "the gateway's AS and its VNI)",
      .type = VX_CLI_TEXTS, .key = "rts", .verbs = BODY },
    { .name = "no-rt", .help = "back to the default",
      .type = VX_CLI_NO_TEXTS, .key = "rts", .verbs = VX_CLI_SET },
    { .name = "vni", .metavar = "VNI", .help = "only the one with this VNI",
      .type = VX_CLI_FILTER, .key = "vni", .verbs = VX_CLI_LIST },
    { .name = "origin", .metavar = "ORIGIN",
      .help = "only networks of this origin: operator, system or learned",
      .type = VX_CLI_FILTER, .key = "origin", .verbs = VX_CLI_LIST,
      .values = VX_CLI_ORIGINS },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "NAME", NULL, NULL },
    { "VNI", "vni", NULL },
    { "MTU", "mtu", NULL },
    { "ORIGIN", "origin", "" },
    { "DESCRIPTION", "description", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_network = {
    .name = "network",
    .plural = "networks",
    .help = "one Ethernet of a tenant, with a VNI",
    .metavar = "TENANT/NETWORK",
    .keys = { "tenant", "name" },
    .opts = opts,
    .columns = columns,
};
