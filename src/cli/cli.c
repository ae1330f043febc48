/* SPDX-License-Identifier: Apache-2.0 */
/* netctl: finds the command in the table, gives it what it needs, runs it.
 *
 *   argv -> args.c (table.c) -> cli.c -> verbs.c, apply.c, watch.c ...
 *                                          -> client.c -> controller
 *                                          -> writer*.c -> stdout
 *
 * Data goes to stdout, talk to stderr; what was done is told by the exit
 * status. Never keeps state, never decides what is valid: the controller
 * does. */
#include "vxconfig.h"

#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

#define DEFAULT_SERVER "unix:/run/vxfabric/api.sock"

static bool
choose_format(struct vx_cli *cli, struct vx_error *err)
{
    const char *name = cli->args.output ? cli->args.output : "table";
    struct vx_cli_nearest nearest;

    cli->format = vx_cli_format_find(name);
    if (cli->format) {
        return true;
    }
    vx_cli_nearest_init(&nearest, name);
    for (size_t i = 0; vx_cli_formats[i]; i++) {
        vx_cli_nearest_offer(&nearest, vx_cli_formats[i]->name);
    }
    return vx_fail(err, VX_INVALID, "output", "-o %.32s: the formats are "
                   "table, json, yaml and name%s%s%s", name,
                   nearest.best ? "; did you mean \"" : "",
                   nearest.best ? nearest.best : "",
                   nearest.best ? "\"?" : "");
}

const char *
vx_cli_server(const struct vx_cli_args *args)
{
    const char *server = args->server ? args->server
                                      : getenv("NETCTL_SERVER");

    return server && *server ? server : DEFAULT_SERVER;
}

static bool
connect_to(struct vx_cli *cli, struct vx_error *err)
{
    unsigned long long timeout_s = VX_CLI_TIMEOUT_S;

    if (cli->args.timeout && !vx_cli_number(cli->args.timeout, "timeout",
                                            86400, &timeout_s, err)) {
        return false;
    }
    if (!timeout_s) {
        return vx_fail(err, VX_INVALID, "timeout", "--timeout: 0 leaves no "
                       "time; give it a second at least");
    }
    cli->client = vx_cli_client_new(vx_cli_server(&cli->args),
                                    (unsigned) timeout_s, err);
    return cli->client != NULL;
}

static int
run(struct vx_cli *cli, int argc, char **argv)
{
    struct vx_error err;
    bool good = vx_cli_args_parse(argc, argv, &cli->args, &err);

    cli->command = cli->args.command;
    if (cli->args.version) {
        fprintf(cli->out, "netctl (vxfabric) %s\n", PACKAGE_VERSION);
        return VX_CLI_DONE;
    }
    if (cli->args.help) {
        vx_cli_help(cli->out, cli->args.object, cli->command);
        return VX_CLI_DONE;
    }
    if (!good || !choose_format(cli, &err)) {
        return vx_cli_misused(cli, &err);
    }
    if (cli->command->is_local) {
        return cli->command->run(cli);
    }
    return connect_to(cli, &err) ? cli->command->run(cli)
                                 : vx_cli_misused(cli, &err);
}

int
vx_cli_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct vx_cli cli = { .out = out, .err = err };
    int exit_status;

    if (argc > 1 && !strcmp(argv[1], "__complete")) {
        return vx_cli_complete(argc - 1, argv + 1, out);
    }
    exit_status = run(&cli, argc, argv);
    vx_cli_client_free(cli.client);
    vx_cli_args_fini(&cli.args);
    /* A full disk or a closed pipe must not look like success. */
    if ((fflush(out) || ferror(out)) && exit_status == VX_CLI_DONE) {
        fprintf(err, "netctl: the output could not be written\n");
        exit_status = VX_CLI_REFUSED;
    }
    return exit_status;
}

int
vx_cli_main(int argc, char **argv)
{
    return vx_cli_run(argc, argv, stdout, stderr);
}
