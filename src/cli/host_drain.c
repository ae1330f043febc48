/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl host drain`: no new ports on the host, and what is left there;
 * with --wait until nothing is.  `netctl host reset`: the host is
 * re-installed, whoever joins by its name next is it.  Both are a PATCH. */
#include <stdio.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "lib/clock.h"

static bool
patch(struct vx_cli *cli, const struct vx_cli_name *name, const char *body,
      long *ret_status, cJSON **ret_doc, struct vx_error *err)
{
    struct vx_buf path = VX_BUF_INIT;
    const struct vx_cli_request request = {
        .method = "PATCH", .path = (vx_cli_name_path(&path, name),
                                    vx_buf_str(&path)),
        .body = body,
    };
    bool done = vx_cli_call(cli, &request, ret_status, ret_doc, err);

    vx_buf_fini(&path);
    return done;
}

static bool
count(void *n_left, const cJSON *item)
{
    (void) item;
    ++*(size_t *) n_left;
    return true;
}

static bool
put(void *writer, const cJSON *item)
{
    vx_cli_writer_put(writer, item);
    return true;
}

/* Ports on the host, counted or, with a writer, also written. */
struct left {
    const char *host;
    struct vx_cli_writer *writer;
    size_t n;
};

static bool
list_left(struct vx_cli *cli, struct left *left, long *ret_status,
          struct vx_error *err)
{
    struct vx_buf path = VX_BUF_INIT;
    struct vx_cli_listing listing = { .each = count, .aux = &left->n };
    bool done;

    if (left->writer) {
        listing.each = put;
        listing.aux = left->writer;
    }
    left->n = 0;
    vx_buf_puts(&path, "/v1/ports");
    vx_cli_query(&path, "host", left->host);
    listing.path = vx_buf_str(&path);
    done = vx_cli_list_all(cli, &listing, ret_status, err);
    vx_buf_fini(&path);
    return done;
}

static bool
write_left(struct vx_cli *cli, struct left *left, long *ret_status,
           struct vx_error *err)
{
    struct vx_cli_writer writer;
    bool done;

    left->writer = &writer;
    vx_cli_writer_begin(&writer, cli->format, cli->out, &vx_cli_port,
                        VX_CLI_ITEMS);
    done = list_left(cli, left, ret_status, err);
    left->writer = NULL;
    if (done) {
        left->n = writer.n_items;
        vx_cli_writer_end(&writer);
    } else {
        vx_cli_writer_drop(&writer);
    }
    return done;
}

/* Until nothing is left or the time is over. */
static bool
wait_empty(struct vx_cli *cli, struct left *left, unsigned long long wait_s,
           struct vx_error *err)
{
    const struct timespec pause = { .tv_nsec = 500000000 };
    const int64_t start_ms = vx_clock_ms();
    long status;

    do {
        nanosleep(&pause, NULL);
        if (!list_left(cli, left, &status, err)) {
            return false;
        }
    } while (left->n && (unsigned long long) (vx_clock_ms() - start_ms)
                        / 1000 < wait_s);
    return true;
}

static int
show_left(struct vx_cli *cli, const char *host, unsigned long long wait_s)
{
    struct left left = { .host = host };
    struct vx_error err;
    long status = 0;

    if ((wait_s && !wait_empty(cli, &left, wait_s, &err))
        || !write_left(cli, &left, &status, &err)) {
        return vx_cli_refused(cli, host, status, &err);
    }
    fprintf(cli->err, "netctl: host %s is draining: %zu port%s left\n", host,
            left.n, left.n == 1 ? " is" : "s are");
    return wait_s && left.n ? VX_CLI_NOT_REALIZED : VX_CLI_DONE;
}

int
vx_cli_do_host_drain(struct vx_cli *cli)
{
    bool undo = vx_cli_args_has(&cli->args, "undo");
    unsigned long long wait_s = vx_cli_args_has(&cli->args, "wait") ? 60 : 0;
    struct vx_cli_name name;
    struct vx_error err;
    cJSON *doc = NULL;
    long status;
    int exit_status;

    if (!vx_cli_args_number(&cli->args, "wait", 86400, &wait_s, &err)
        || !vx_cli_name_parse(&vx_cli_host, cli->args.words,
                              cli->args.n_words, &name, &err)) {
        return vx_cli_misused(cli, &err);
    }
    if (!patch(cli, &name, undo ? "{\"draining\":false}"
                                : "{\"draining\":true}", &status, &doc,
               &err)) {
        exit_status = vx_cli_refused(cli, cli->args.words[0], status, &err);
    } else if (undo) {
        vx_cli_write_one(cli->format, cli->out, &vx_cli_host, VX_CLI_ROW,
                         doc);
        exit_status = VX_CLI_DONE;
    } else {
        exit_status = show_left(cli, cli->args.words[0], wait_s);
    }
    cJSON_Delete(doc);
    vx_cli_name_fini(&name);
    return exit_status;
}

int
vx_cli_do_host_reset(struct vx_cli *cli)
{
    struct vx_cli_name name;
    struct vx_error err;
    cJSON *doc = NULL;
    long status;
    int exit_status = VX_CLI_DONE;

    if (!vx_cli_name_parse(&vx_cli_host, cli->args.words, cli->args.n_words,
                           &name, &err)) {
        return vx_cli_misused(cli, &err);
    }
    if (patch(cli, &name, "{\"system_id\":null,\"vtep\":null,\"mtu\":null,"
              "\"datapath\":null}", &status, &doc, &err)) {
        vx_cli_write_one(cli->format, cli->out, &vx_cli_host, VX_CLI_ROW,
                         doc);
    } else {
        exit_status = vx_cli_refused(cli, cli->args.words[0], status, &err);
    }
    cJSON_Delete(doc);
    vx_cli_name_fini(&name);
    return exit_status;
}
