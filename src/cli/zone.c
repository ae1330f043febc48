/* SPDX-License-Identifier: Apache-2.0 */
/* Zone: hosts near each other (a rack, a room, a site). Data of the command
 * table only; verbs.c carries it out. */
#include "cli/table.h"

#define BODY (VX_CLI_ADD | VX_CLI_SET)

static const struct vx_cli_opt opts[] = {
    { .name = "path", .metavar = "direct|border",
      .help = "how its hosts reach other zones: host to host (default), or "
              "by the border hosts",
      .type = VX_CLI_TEXT, .key = "path", .verbs = BODY,
      .values = VX_CLI_PATHS },
    { .name = "border-host", .metavar = "HOST",
      .help = "a border host, one of the zone; repeatable",
      .type = VX_CLI_TEXTS, .key = "border_hosts", .verbs = BODY,
      .values = VX_CLI_HOSTS },
    { .name = "no-border-host", .help = "it has no border hosts",
      .type = VX_CLI_NO_TEXTS, .key = "border_hosts", .verbs = VX_CLI_SET },
    { .name = "budget-kbps", .metavar = "N",
      .help = "kbit/s each of its hosts may send to other zones, 0 = any",
      .type = VX_CLI_NUMBER, .key = "budget_kbps", .verbs = BODY },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "NAME", NULL, NULL },
    { "PATH", "path", NULL },
    { "BORDER-HOSTS", "border_hosts", NULL },
    { "BUDGET-KBPS", "budget_kbps", NULL },
    { "DESCRIPTION", "description", NULL },
    { "REVISION", "revision", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_zone = {
    .name = "zone",
    .plural = "zones",
    .help = "a group of hosts near each other",
    .metavar = "ZONE",
    .keys = { "name" },
    .opts = opts,
    .columns = columns,
};
