/* SPDX-License-Identifier: Apache-2.0 */
/* Gateway: a host of the fabric that also runs FRR and vxgatewayd. Data of
 * the command table only; verbs.c carries it out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "host", .metavar = "HOST",
      .help = "the host of the fabric it is on; one gateway per host",
      .type = VX_CLI_TEXT, .key = "host", .verbs = BODY,
      .values = VX_CLI_HOSTS },
    { .name = "as", .metavar = "AS",
      .help = "its AS (default: the local AS of its fabric-wide peerings, "
              "else 64512)",
      .type = VX_CLI_NUMBER, .key = "as", .verbs = BODY },
    { .name = "no-as", .help = "back to the default",
      .type = VX_CLI_NULL, .key = "as", .verbs = VX_CLI_SET },
    { .name = "router-id", .metavar = "IP",
      .help = "its BGP identifier (default: the host's VTEP)",
      .type = VX_CLI_TEXT, .key = "router_id", .verbs = BODY },
    { .name = "no-router-id", .help = "back to the default",
      .type = VX_CLI_NULL, .key = "router_id", .verbs = VX_CLI_SET },
    { .name = "host", .metavar = "HOST", .help = "only the one on this host",
      .type = VX_CLI_FILTER, .key = "host", .verbs = VX_CLI_LIST,
      .values = VX_CLI_HOSTS },
    { .name = "status", .metavar = "STATUS",
      .help = "only gateways that are active, building, degraded or down",
      .type = VX_CLI_FILTER, .key = "status", .verbs = VX_CLI_LIST,
      .values = VX_CLI_GATEWAY_STATES },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "NAME", NULL, NULL },
    { "HOST", "host", NULL },
    { "AS", "as_in_force", NULL },
    { "ROUTER-ID", "router_id_in_force", NULL },
    { "SESSIONS", "n_sessions", NULL },
    { "ESTABLISHED", "n_established", NULL },
    { "STATUS", "status", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_gateway = {
    .name = "gateway",
    .plural = "gateways",
    .help = "a host that also runs FRR: the way out of the fabric",
    .metavar = "GATEWAY",
    .keys = { "name" },
    .opts = opts,
    .columns = columns,
};
