/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: what the controller runs when something happens, and what came of
 * it. list and log are lists as any other (verbs.c); retry and test are
 * actions, which is why they are here. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/xalloc.h"

static const struct vx_cli_column hook_columns[] = {
    { "NAME", NULL, NULL },
    { "TYPE", "type", NULL },
    { "EVENTS", "events", NULL },
    { "WAITING", "waiting", NULL },
    { "DONE", "done", NULL },
    { "FAILED", "failed", NULL },
    { "DEAD", "dead", NULL },
    { "STATE", "state", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

static const struct vx_cli_opt no_opts[] = { { .name = NULL } };

const struct vx_cli_kind vx_cli_hook = {
    .name = "hook",
    .plural = "hooks",
    .help = "what runs when something happens (verbs: list, log, retry, "
            "test)",
    .metavar = "HOOK",
    .keys = { "name" },
    .opts = no_opts,
    .columns = hook_columns,
};

static const struct vx_cli_opt run_opts[] = {
    { .name = "state", .metavar = "STATE",
      .help = "only runs that are waiting, running, done or dead",
      .type = VX_CLI_FILTER, .key = "state", .verbs = VX_CLI_LIST,
      .values = VX_CLI_RUN_STATES },
    { .name = "hook", .metavar = "HOOK", .help = "only runs of this hook",
      .type = VX_CLI_FILTER, .key = "hook", .verbs = VX_CLI_LIST },
    { .name = NULL },
};

static const struct vx_cli_column run_columns[] = {
    { "RUN", NULL, NULL },
    { "TIME", "time", NULL },
    { "HOOK", "hook", NULL },
    { "EVENT", "event", NULL },
    { "OBJECT", "object", NULL },
    { "STATE", "state", NULL },
    { "ATTEMPTS", "attempts", NULL },
    { "RESULT", "result", NULL },
    { NULL, NULL, NULL },
};

const struct vx_cli_kind vx_cli_hook_run = {
    .name = "hook run",
    .plural = "hook-runs",
    .help = "one event for one hook",
    .metavar = "RUN",
    .keys = { "id" },
    .opts = run_opts,
    .columns = run_columns,
};

/* POST without a body. *ret_doc is the caller's to delete. */
static bool
post(struct vx_cli *cli, const char *prefix, const char *word,
     const char *suffix, cJSON **ret_doc, long *ret_status,
     struct vx_error *err)
{
    struct vx_buf path = VX_BUF_INIT;
    bool done;

    vx_buf_puts(&path, prefix);
    vx_cli_escape(&path, word);
    vx_buf_puts(&path, suffix);
    done = vx_cli_call(cli, &(struct vx_cli_request) {
        .method = "POST", .path = vx_buf_str(&path), .body = "{}" },
        ret_status, ret_doc, err);
    vx_buf_fini(&path);
    return done;
}

static bool
retry(struct vx_cli *cli, const char *id, long *ret_status,
      struct vx_error *err)
{
    cJSON *doc = NULL;

    if (!post(cli, "/v1/hook-runs/", id, "/retry", &doc, ret_status, err)) {
        return false;
    }
    cJSON_Delete(doc);
    return true;
}

struct ids {
    char **items;
    size_t n, cap;
};

static bool
take_id(void *ids_, const cJSON *item)
{
    struct ids *ids = ids_;
    struct vx_buf id = VX_BUF_INIT;

    vx_cli_put_name(&id, &vx_cli_hook_run, item);
    ids->items = vx_grow(ids->items, &ids->cap, ids->n + 1,
                         sizeof *ids->items);
    ids->items[ids->n++] = vx_buf_steal(&id);
    return true;
}

/* All that are dead now, oldest first, as they were born. */
static int
retry_dead(struct vx_cli *cli)
{
    struct ids ids = { .items = NULL };
    const struct vx_cli_listing listing = {
        .path = "/v1/hook-runs?state=dead", .each = take_id, .aux = &ids,
    };
    int exit_status = VX_CLI_DONE;
    struct vx_error err;
    long status;

    if (!vx_cli_list_all(cli, &listing, &status, &err)) {
        exit_status = vx_cli_refused(cli, NULL, status, &err);
    }
    for (size_t i = ids.n; exit_status == VX_CLI_DONE && i-- > 0;) {
        /* One that is no longer there is no longer dead. */
        if (!retry(cli, ids.items[i], &status, &err)
            && err.code != VX_NOT_FOUND) {
            exit_status = vx_cli_refused(cli, ids.items[i], status, &err);
        }
    }
    if (exit_status == VX_CLI_DONE) {
        fprintf(cli->err, "netctl: %zu runs wait again; \"netctl hook log\" "
                "tells how they end\n", ids.n);
    }
    for (size_t i = 0; i < ids.n; i++) {
        free(ids.items[i]);
    }
    free(ids.items);
    return exit_status;
}

int
vx_cli_do_hook_retry(struct vx_cli *cli)
{
    const char *id = cli->args.words[0];
    struct vx_error err;
    long status;

    if (!strcmp(id, "dead")) {
        return retry_dead(cli);
    }
    return retry(cli, id, &status, &err)
               ? VX_CLI_DONE : vx_cli_refused(cli, id, status, &err);
}

int
vx_cli_do_hook_test(struct vx_cli *cli)
{
    const char *event = cli->args.words[0];
    cJSON *doc = NULL;
    struct vx_error err;
    long status;

    if (!post(cli, "/v1/hooks/", event, "/test", &doc, &status, &err)) {
        return vx_cli_refused(cli, NULL, status, &err);
    }
    if (doc) {
        vx_cli_write_one(cli->format, cli->out, NULL, VX_CLI_DETAIL, doc);
    }
    cJSON_Delete(doc);
    return VX_CLI_DONE;
}
