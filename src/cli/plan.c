/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back of more than one object: the plan of a dry run, the
 * outcome of a batch. JSON and YAML have all of it; the table has the counts,
 * and of a plan the hosts that would be touched. */
#include "cli/commands.h"

static const struct vx_cli_column host_columns[] = {
    { "HOST", NULL, NULL },
    { "FLOWS-ADDED", "flows_added", NULL },
    { "FLOWS-REMOVED", "flows_removed", NULL },
    { NULL, NULL, NULL },
};

static const struct vx_cli_kind host_kind = {
    .name = "host",
    .keys = { "name" },
    .columns = host_columns,
};

static void
print_hosts(const struct vx_cli *cli, const cJSON *hosts)
{
    struct vx_cli_writer w;
    const cJSON *host;

    vx_cli_writer_begin(&w, cli->format, cli->out, &host_kind,
                        VX_CLI_ITEMS);
    cJSON_ArrayForEach(host, hosts) {
        vx_cli_writer_put(&w, host);
    }
    vx_cli_writer_end(&w);
}

void
vx_cli_print_plan(const struct vx_cli *cli, const cJSON *plan)
{
    static const char *const counts[] = { "created", "changed", "deleted",
                                          "unchanged" };
    const cJSON *hosts = cJSON_GetObjectItemCaseSensitive(plan, "hosts");
    struct vx_buf line = VX_BUF_INIT;

    if (cli->format != &vx_cli_format_table) {
        vx_cli_write_one(cli->format, cli->out, NULL, VX_CLI_DETAIL, plan);
        return;
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        vx_buf_printf(&line, "%s%s ", i ? ", " : "", counts[i]);
        vx_cli_put_text(&line, cJSON_GetObjectItemCaseSensitive(plan,
                                                                counts[i]));
    }
    fprintf(cli->out, "%s\n", vx_buf_str(&line));
    vx_buf_fini(&line);
    if (hosts && hosts->child) {
        print_hosts(cli, hosts);
    }
}

void
vx_cli_print_batch(const struct vx_cli *cli, const cJSON *outcome)
{
    struct vx_buf line = VX_BUF_INIT;

    if (cli->format != &vx_cli_format_table) {
        vx_cli_write_one(cli->format, cli->out, NULL, VX_CLI_DETAIL,
                         outcome);
        return;
    }
    vx_buf_puts(&line, "revision ");
    vx_cli_put_text(&line, cJSON_GetObjectItemCaseSensitive(outcome,
                                                            "revision"));
    fprintf(cli->out, "%s, operations %d\n", vx_buf_str(&line),
            cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(
                outcome, "results")));
    vx_buf_fini(&line);
}
