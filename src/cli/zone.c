/* SPDX-License-Identifier: Apache-2.0 */
/* Zone: hosts near each other (a rack, a room, a site). Data of the command
 * table only; verbs.c carries it out. */
#include "cli/table.h"

static const struct vx_cli_opt opts[] = {
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "NAME", NULL, NULL },
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
