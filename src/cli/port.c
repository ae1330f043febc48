/* SPDX-License-Identifier: Apache-2.0 */
/* Port: where a VM's interface meets a network. Data of the command table
 * only; verbs.c carries it out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "host", .metavar = "HOST",
      .help = "the only host its interface may be on (default: any)",
      .type = VX_CLI_TEXT, .key = "host", .verbs = BODY,
      .values = VX_CLI_HOSTS },
    { .name = "no-host", .help = "allow it on any host",
      .type = VX_CLI_NULL, .key = "host", .verbs = VX_CLI_SET },
    { .name = "migrate-from", .metavar = "HOST",
      .help = "move it live from there to --host: the host is prepared, and "
              "the port is there once its interface is up there",
      .type = VX_CLI_TEXT, .key = "migrate_from", .verbs = VX_CLI_SET,
      .values = VX_CLI_HOSTS },
    { .name = "migrate-hold",
      .help = "the move goes on until --migrate-end",
      .type = VX_CLI_TRUE, .key = "migrate_hold", .verbs = VX_CLI_SET },
    { .name = "migrate-end", .help = "it has arrived: the move is over",
      .type = VX_CLI_NULL, .key = "migrate_from", .verbs = VX_CLI_SET },
    { .name = "mac", .metavar = "MAC",
      .help = "its MAC address (default: allocated)",
      .type = VX_CLI_TEXT, .key = "mac", .verbs = BODY },
    { .name = "ip", .metavar = "IP",
      .help = "an address of it; repeatable (default: one of each family "
              "that the network has a subnet of)",
      .type = VX_CLI_TEXTS, .key = "ips", .verbs = BODY },
    { .name = "no-ip", .help = "it has no address",
      .type = VX_CLI_NO_TEXTS, .key = "ips", .verbs = BODY },
    { .name = "iface-id", .metavar = "ID",
      .help = "external_ids:iface-id of its interface (default: "
              "TENANT/NETWORK/PORT)",
      .type = VX_CLI_TEXT, .key = "iface_id", .verbs = BODY },
    { .name = "no-guard",
      .help = "let it send from any MAC and IP address",
      .type = VX_CLI_FALSE, .key = "guard", .verbs = BODY },
    { .name = "guard", .help = "let it send from its own addresses only",
      .type = VX_CLI_TRUE, .key = "guard", .verbs = VX_CLI_SET },
    { .name = "rate-kbps", .metavar = "N",
      .help = "kbit/s it may send, and get, 0 = any",
      .type = VX_CLI_NUMBER, .key = "rate_kbps", .verbs = BODY },
    { .name = "rate-pps", .metavar = "N",
      .help = "packets/s it may send, and get, 0 = any",
      .type = VX_CLI_NUMBER, .key = "rate_pps", .verbs = BODY },
    { .name = "bum-pps", .metavar = "N",
      .help = "broadcast and multicast packets/s it may send, 0 = any",
      .type = VX_CLI_NUMBER, .key = "bum_pps", .verbs = BODY },
    { .name = "host", .metavar = "HOST", .help = "only ports on this host",
      .type = VX_CLI_FILTER, .key = "host", .verbs = VX_CLI_LIST,
      .values = VX_CLI_HOSTS },
    { .name = "status", .metavar = "STATUS",
      .help = "only ports that are pending, building, active, degraded or "
              "down",
      .type = VX_CLI_FILTER, .key = "status", .verbs = VX_CLI_LIST,
      .values = VX_CLI_STATES },
    { .name = "mac", .metavar = "MAC", .help = "only ports with this MAC",
      .type = VX_CLI_FILTER, .key = "mac", .verbs = VX_CLI_LIST },
    { .name = "ip", .metavar = "IP", .help = "only ports with this address",
      .type = VX_CLI_FILTER, .key = "ip", .verbs = VX_CLI_LIST },
    { .name = "iface-id", .metavar = "ID",
      .help = "only the port with this iface-id",
      .type = VX_CLI_FILTER, .key = "iface_id", .verbs = VX_CLI_LIST },
    { .name = "origin", .metavar = "ORIGIN",
      .help = "only ports of this origin: operator, system or learned",
      .type = VX_CLI_FILTER, .key = "origin", .verbs = VX_CLI_LIST,
      .values = VX_CLI_ORIGINS },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "NAME", NULL, NULL },
    { "VNI", "vni", NULL },
    { "MAC", "mac", NULL },
    { "IPS", "ips", NULL },
    { "HOST", "host", "located" },
    { "ORIGIN", "origin", "" },
    { "STATUS", "status", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_port = {
    .name = "port",
    .plural = "ports",
    .help = "where an interface of a VM meets a network",
    .metavar = "TENANT/NETWORK/PORT",
    .keys = { "tenant", "network", "name" },
    .opts = opts,
    .columns = columns,
};
