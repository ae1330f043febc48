/* SPDX-License-Identifier: Apache-2.0 */
/* Tenant: owns networks, names and addresses of its own. Data of the command
 * table only; verbs.c carries it out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "router", .help = "give it a router VNI, lowest free",
      .type = VX_CLI_TRUE, .key = "router", .verbs = BODY },
    { .name = "no-router", .help = "take its router VNI away",
      .type = VX_CLI_FALSE, .key = "router", .verbs = VX_CLI_SET },
    { .name = "router-vni", .metavar = "VNI",
      .help = "give it this router VNI, 1 to 16777215",
      .type = VX_CLI_NUMBER, .key = "router_vni", .verbs = BODY },
    { .name = "quota-networks", .metavar = "N",
      .help = "networks it may have, 0 = any number",
      .type = VX_CLI_NUMBER, .key = "quota_networks", .verbs = BODY },
    { .name = "quota-ports", .metavar = "N",
      .help = "ports it may have, 0 = any number",
      .type = VX_CLI_NUMBER, .key = "quota_ports", .verbs = BODY },
    { .name = "budget-kbps", .metavar = "N",
      .help = "kbit/s it may send from each host to other zones, 0 = any",
      .type = VX_CLI_NUMBER, .key = "budget_kbps", .verbs = BODY },
    { .name = "rd", .metavar = "AS:N",
      .help = "route distinguisher of what is announced of it, like 65001:1 "
              "or 192.0.2.1:7 (default: each gateway's own)",
      .type = VX_CLI_TEXT, .key = "rd", .verbs = BODY },
    { .name = "no-rd", .help = "back to the default",
      .type = VX_CLI_NULL, .key = "rd", .verbs = VX_CLI_SET },
    { .name = "import-rt", .metavar = "AS:N",
      .help = "route target it learns from; repeatable (default: any AS "
              "with its router VNI)",
      .type = VX_CLI_TEXTS, .key = "import_rts", .verbs = BODY },
    { .name = "no-import-rt", .help = "back to the default",
      .type = VX_CLI_NO_TEXTS, .key = "import_rts", .verbs = VX_CLI_SET },
    { .name = "export-rt", .metavar = "AS:N",
      .help = "route target it is announced with; repeatable (default: the "
              "gateway's AS and its router VNI)",
      .type = VX_CLI_TEXTS, .key = "export_rts", .verbs = BODY },
    { .name = "no-export-rt", .help = "back to the default",
      .type = VX_CLI_NO_TEXTS, .key = "export_rts", .verbs = VX_CLI_SET },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "NAME", NULL, NULL },
    { "ROUTER-VNI", "router_vni", NULL },
    { "QUOTA-NETWORKS", "quota_networks", NULL },
    { "QUOTA-PORTS", "quota_ports", NULL },
    { "BUDGET-KBPS", "budget_kbps", NULL },
    { "DESCRIPTION", "description", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_tenant = {
    .name = "tenant",
    .plural = "tenants",
    .help = "who owns networks; names and addresses are per tenant",
    .metavar = "TENANT",
    .keys = { "name" },
    .opts = opts,
    .columns = columns,
};
