/* SPDX-License-Identifier: Apache-2.0 */
/* Policy: what becomes of a tenant's routed packets that match (policy based
 * routing). Data of the command table only; verbs.c carries it out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "priority", .metavar = "N",
      .help = "1 to 30000, unique in the tenant; the highest that matches "
              "decides",
      .type = VX_CLI_NUMBER, .key = "priority", .verbs = BODY },
    { .name = "match", .metavar = "KEY=VALUE,...",
      .help = "packets it is about: src, dst, proto, sport, dport, dscp, "
              "network, as in src=10.0.0.0/24,proto=tcp,dport=80-90,443; "
              "set replaces all of it",
      .type = VX_CLI_MATCH, .key = "match", .verbs = BODY },
    { .name = "action", .metavar = "ACTION",
      .help = "via:IP[,IP...], drop, dscp:N, rate:KBPS or gateway",
      .type = VX_CLI_ACTION, .key = "action", .verbs = BODY,
      .values = VX_CLI_ACTIONS },
    { .name = "where", .metavar = "PLACE,...",
      .help = "where it is enforced: hosts (default), for what VMs send; "
              "gateway, for what comes in there; flowspec, told to the "
              "fabric's peers",
      .type = VX_CLI_WORDS, .key = "where", .verbs = BODY,
      .values = VX_CLI_PLACES },
    { .name = "fail", .metavar = "open|closed",
      .help = "while no next hop lives: go on without it (open, default), "
              "or drop",
      .type = VX_CLI_TEXT, .key = "fail", .verbs = BODY,
      .values = VX_CLI_FAILS },
    { .name = "via", .metavar = "IP", .help = "only policies over this hop",
      .type = VX_CLI_FILTER, .key = "via", .verbs = VX_CLI_LIST },
    { .name = "status", .metavar = "STATUS",
      .help = "only policies that are active, degraded, unresolved or down",
      .type = VX_CLI_FILTER, .key = "status", .verbs = VX_CLI_LIST,
      .values = VX_CLI_HOPS_STATES },
    { .name = "origin", .metavar = "ORIGIN",
      .help = "only policies of this origin: operator, system or learned",
      .type = VX_CLI_FILTER, .key = "origin", .verbs = VX_CLI_LIST,
      .values = VX_CLI_ORIGINS },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "TENANT", "tenant", NULL },
    { "NAME", "name", NULL },
    { "PRIORITY", "priority", NULL },
    { "MATCH", "match", NULL },
    { "ACTION", "action", NULL },
    { "FAIL", "fail", NULL },
    { "WHERE", "where", NULL },
    { "COUNTERS", "counters", NULL },
    { "ORIGIN", "origin", "" },
    { "STATUS", "status", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_policy = {
    .name = "policy",
    .plural = "policies",
    .help = "what becomes of a tenant's routed packets that match",
    .metavar = "TENANT POLICY",
    .keys = { "tenant", "name" },
    .opts = opts,
    .columns = columns,
};
