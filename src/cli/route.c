/* SPDX-License-Identifier: Apache-2.0 */
/* Route: a prefix beyond a tenant's subnets and the next hops that lead to it.
 * Its name is the prefix; on the command line it is a word of its own, or the
 * end of the full name. Data of the command table only; verbs.c carries it
 * out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "via", .metavar = "IP",
      .help = "next hop, an address in a routed subnet of the tenant; "
              "repeatable: flows are spread over them",
      .type = VX_CLI_TEXTS, .key = "via", .verbs = BODY },
    { .name = "announce",
      .help = "gateways announce it to the tenant's peers and the fabric's",
      .type = VX_CLI_TRUE, .key = "announce", .verbs = BODY },
    { .name = "no-announce", .help = "they do not, or no longer",
      .type = VX_CLI_FALSE, .key = "announce", .verbs = VX_CLI_SET },
    { .name = "via", .metavar = "IP", .help = "only routes over this hop",
      .type = VX_CLI_FILTER, .key = "via", .verbs = VX_CLI_LIST },
    { .name = "status", .metavar = "STATUS",
      .help = "only routes that are active, degraded, unresolved or down",
      .type = VX_CLI_FILTER, .key = "status", .verbs = VX_CLI_LIST,
      .values = VX_CLI_HOPS_STATES },
    { .name = "origin", .metavar = "ORIGIN",
      .help = "only routes of this origin: operator, system or learned",
      .type = VX_CLI_FILTER, .key = "origin", .verbs = VX_CLI_LIST,
      .values = VX_CLI_ORIGINS },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "TENANT", "tenant", NULL },
    { "PREFIX", "name", NULL },
    { "VIA", "via", NULL },
    { "ANNOUNCE", "announce", NULL },
    { "ORIGIN", "origin", "" },
    { "STATUS", "status", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_route = {
    .name = "route",
    .plural = "routes",
    .help = "a prefix beyond a tenant's subnets, by next hops",
    .metavar = "TENANT PREFIX",
    .has_slash = true,
    .keys = { "tenant", "name" },
    .opts = opts,
    .columns = columns,
};
