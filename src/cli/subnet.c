/* SPDX-License-Identifier: Apache-2.0 */
/* Subnet: a range of addresses of a network. Its name is its CIDR; on the
 * command line it is a word of its own, or the end of the full name. Data of
 * the command table only; verbs.c carries it out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "gateway", .metavar = "IP|none",
      .help = "address of the router (default: first of the subnet)",
      .type = VX_CLI_TEXT, .key = "gateway", .verbs = BODY },
    { .name = "range", .metavar = "FIRST-LAST",
      .help = "give out addresses from here only; repeatable",
      .type = VX_CLI_RANGES, .key = "ranges", .verbs = BODY },
    { .name = "no-route",
      .help = "the tenant's router does not route it (default: it does, if "
              "there is a gateway)",
      .type = VX_CLI_FALSE, .key = "route", .verbs = BODY },
    { .name = "announce",
      .help = "gateways announce it to the tenant's peers and the fabric's",
      .type = VX_CLI_TRUE, .key = "announce", .verbs = BODY },
    { .name = "no-announce", .help = "they do not, or no longer",
      .type = VX_CLI_FALSE, .key = "announce", .verbs = VX_CLI_SET },
    { .name = "host-routes",
      .help = "with --announce: the addresses of its active ports, too",
      .type = VX_CLI_TRUE, .key = "host_routes", .verbs = BODY },
    { .name = "no-host-routes", .help = "the subnet only",
      .type = VX_CLI_FALSE, .key = "host_routes", .verbs = VX_CLI_SET },
    { .name = "route", .help = "the tenant's router routes it",
      .type = VX_CLI_TRUE, .key = "route", .verbs = VX_CLI_SET },
    { .name = "origin", .metavar = "ORIGIN",
      .help = "only subnets of this origin: operator, system or learned",
      .type = VX_CLI_FILTER, .key = "origin", .verbs = VX_CLI_LIST,
      .values = VX_CLI_ORIGINS },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "TENANT", "tenant", NULL },
    { "NETWORK", "network", NULL },
    { "CIDR", "name", NULL },
    { "GATEWAY", "gateway", NULL },
    { "ROUTE", "route", NULL },
    { "ANNOUNCE", "announce", NULL },
    { "ORIGIN", "origin", "" },
    { "RANGES", "ranges", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_subnet = {
    .name = "subnet",
    .plural = "subnets",
    .help = "addresses of a network",
    .metavar = "TENANT/NETWORK CIDR",
    .has_slash = true,
    .keys = { "tenant", "network", "name" },
    .opts = opts,
    .columns = columns,
};
