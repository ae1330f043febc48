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
    { .name = "route", .help = "the tenant's router routes it",
      .type = VX_CLI_TRUE, .key = "route", .verbs = VX_CLI_SET },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "TENANT", "tenant", NULL },
    { "NETWORK", "network", NULL },
    { "CIDR", "name", NULL },
    { "GATEWAY", "gateway", NULL },
    { "ROUTE", "route", NULL },
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
