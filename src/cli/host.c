/* SPDX-License-Identifier: Apache-2.0 */
/* Host: a machine with Open vSwitch that is part of the fabric. Data of the
 * command table only; verbs.c carries it out, but for join and leave, which
 * work on the machine itself (host_join.c, host_leave.c), drain and reset
 * (host_drain.c). */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "zone", .metavar = "ZONE", .help = "zone the host is in",
      .type = VX_CLI_TEXT, .key = "zone", .verbs = BODY,
      .values = VX_CLI_ZONES },
    { .name = "vtep", .metavar = "IP",
      .help = "underlay address of its tunnels (else told by the join)",
      .type = VX_CLI_TEXT, .key = "vtep", .verbs = BODY },
    { .name = "system-id", .metavar = "ID",
      .help = "external_ids:system-id of its Open vSwitch (else told by the "
              "join)",
      .type = VX_CLI_TEXT, .key = "system_id", .verbs = BODY },
    { .name = "mtu", .metavar = "BYTES", .help = "MTU of its underlay",
      .type = VX_CLI_NUMBER, .key = "mtu", .verbs = BODY },
    { .name = "datapath", .metavar = "TYPE",
      .help = "netdev (userspace) or system (kernel)",
      .type = VX_CLI_TEXT, .key = "datapath", .verbs = BODY },
    { .name = "draining", .help = "no new ports (host drain)",
      .type = VX_CLI_TRUE, .key = "draining", .verbs = BODY },
    { .name = "no-draining", .help = "new ports are welcome again",
      .type = VX_CLI_FALSE, .key = "draining", .verbs = VX_CLI_SET },
    { .name = "force",
      .help = "let go of ports that may be anywhere and were last seen there",
      .verbs = VX_CLI_DEL },
    { .name = "zone", .metavar = "ZONE", .help = "only hosts of this zone",
      .type = VX_CLI_FILTER, .key = "zone", .verbs = VX_CLI_LIST,
      .values = VX_CLI_ZONES },
    { .name = "status", .metavar = "STATUS",
      .help = "only hosts with this status",
      .type = VX_CLI_FILTER, .key = "status", .verbs = VX_CLI_LIST },
    { .name = "system-id", .metavar = "ID",
      .help = "only the host with this system-id",
      .type = VX_CLI_FILTER, .key = "system_id", .verbs = VX_CLI_LIST },
    { .name = "origin", .metavar = "ORIGIN",
      .help = "only hosts of this origin: operator, system or learned",
      .type = VX_CLI_FILTER, .key = "origin", .verbs = VX_CLI_LIST,
      .values = VX_CLI_ORIGINS },
    { .name = NULL },
};

#define DB                                                                  \
    { .name = "db", .metavar = "unix:PATH",                                 \
      .help = "the local ovsdb-server (default "                            \
              "unix:/var/run/openvswitch/db.sock)",                         \
      .verbs = VX_CLI_OTHER, .values = VX_CLI_FILES }
#define DRY_RUN                                                             \
    { .name = "dry-run", .help = "show what would be written",              \
      .verbs = VX_CLI_OTHER }

const struct vx_cli_opt vx_cli_host_join_opts[] = {
    { .name = "controller", .metavar = "tcp:IP[:PORT]",
      .help = "where the controller listens for OVSDB (port 6640)",
      .verbs = VX_CLI_OTHER },
    { .name = "zone", .metavar = "ZONE", .help = "zone the host is in",
      .verbs = VX_CLI_OTHER },
    { .name = "name", .metavar = "HOST",
      .help = "name of the host (default: its host name)",
      .verbs = VX_CLI_OTHER },
    { .name = "vtep", .metavar = "IP",
      .help = "underlay address (default: that of the route to the "
              "controller)",
      .verbs = VX_CLI_OTHER },
    DB,
    { .name = "datapath", .metavar = "TYPE",
      .help = "netdev (userspace) or system (kernel)",
      .verbs = VX_CLI_OTHER },
    { .name = "tenant-mtu", .metavar = "BYTES",
      .help = "largest MTU of tenants' interfaces (default 1450)",
      .verbs = VX_CLI_OTHER },
    { .name = "wait", .metavar = "SECONDS", .value_optional = true,
      .help = "for the host to be active (default 30, 0 = do not wait)",
      .verbs = VX_CLI_OTHER },
    DRY_RUN,
    { .name = NULL },
};

const struct vx_cli_opt vx_cli_host_leave_opts[] = {
    DB,
    { .name = "purge",
      .help = "remove br-tenant and br-fabric, with all that is plugged",
      .verbs = VX_CLI_OTHER },
    DRY_RUN,
    { .name = NULL },
};

const struct vx_cli_opt vx_cli_host_drain_opts[] = {
    { .name = "undo", .help = "new ports are welcome again",
      .verbs = VX_CLI_OTHER },
    { .name = "wait", .metavar = "SECONDS", .value_optional = true,
      .help = "until no port is left (default 60)", .verbs = VX_CLI_OTHER },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "NAME", NULL, NULL },
    { "ZONE", "zone", NULL },
    { "VTEP", "vtep", NULL },
    { "MTU", "mtu", NULL },
    { "PORTS", "n_ports", NULL },
    { "ORIGIN", "origin", "" },
    { "STATUS", "status", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_host = {
    .name = "host",
    .plural = "hosts",
    .help = "a machine with Open vSwitch in the fabric",
    .metavar = "HOST",
    .keys = { "name" },
    .opts = opts,
    .columns = columns,
};
