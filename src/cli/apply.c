/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl apply -f FILE`: a JSON document as one atomic batch. Either the
 * array that POST /v1/batch takes, which goes as it is, or
 * {"items":[{"path","body"}, ...]}, which means a PUT of each. The limits
 * are the controller's (api/codec.h); they are checked here first, so that a
 * file that is too large is not sent. */
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/codec.h"
#include "cli/cli.h"

static bool
read_all(FILE *file, const char *name, struct vx_buf *ret_text,
         struct vx_error *err)
{
    char chunk[65536];
    size_t n;

    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        if (ret_text->size + n > VX_BATCH_BODY_MAX) {
            return vx_fail(err, VX_TOO_LARGE, "file", "%.200s: larger than "
                           "%d bytes, what one batch may have; split it and "
                           "apply the parts", name, VX_BATCH_BODY_MAX);
        }
        vx_buf_put(ret_text, chunk, n);
    }
    return !ferror(file) || vx_fail(err, VX_INVALID, "file",
                                    "%.200s: cannot be read: %s", name,
                                    strerror(errno));
}

static bool
read_file(const char *name, struct vx_buf *ret_text, struct vx_error *err)
{
    FILE *file = strcmp(name, "-") ? fopen(name, "re") : stdin;
    bool done;

    if (!file) {
        return vx_fail(err, VX_INVALID, "file", "%.200s: %s", name,
                       strerror(errno));
    }
    done = read_all(file, name, ret_text, err);
    if (file != stdin) {
        fclose(file);
    }
    return done;
}

static int
line_of(const char *text, const char *at)
{
    int line = 1;

    for (; text < at; text++) {
        line += *text == '\n';
    }
    return line;
}

/* {"items":[{"path","body"}]} -> [{"op":"PUT","path","body"}]. */
static bool
items_to_ops(cJSON *items, const char *name, struct vx_error *err)
{
    int i = 0;

    for (cJSON *item = items->child; item; item = item->next, i++) {
        const cJSON *path = cJSON_GetObjectItemCaseSensitive(item, "path");

        if (!cJSON_IsString(path)) {
            return vx_fail(err, VX_INVALID, "path", "%.200s: items[%d] has "
                           "no \"path\", such as \"/v1/tenants/acme\"", name,
                           i);
        }
        if (!cJSON_HasObjectItem(item, "op")) {
            cJSON_AddStringToObject(item, "op", "PUT");
        }
    }
    return true;
}

/* The batch as text, from either form. */
static bool
make_batch(const char *name, const struct vx_buf *text, struct vx_buf *ret,
           struct vx_error *err)
{
    const char *end = NULL;
    cJSON *doc = cJSON_ParseWithLengthOpts(vx_buf_str(text), text->size + 1,
                                           &end, true);
    cJSON *items = cJSON_GetObjectItemCaseSensitive(doc, "items");
    bool done;

    if (!doc) {
        return vx_fail(err, VX_INVALID, "file", "%.200s: line %d: not JSON",
                       name, end ? line_of(vx_buf_str(text), end) : 1);
    }
    if (cJSON_IsArray(doc)) {
        /* As it is: the controller's parser is stricter than ours. */
        vx_buf_put(ret, text->data, text->size);
        done = true;
    } else if (cJSON_IsArray(items)) {
        done = items_to_ops(items, name, err);
        if (done) {
            vx_cli_put_json(ret, items, -1);
        }
    } else {
        done = vx_fail(err, VX_INVALID, "file", "%.200s: neither an array of "
                       "operations nor {\"items\":[...]}; netctl(8), APPLY, "
                       "has an example", name);
    }
    cJSON_Delete(doc);
    return done;
}

static int
post(struct vx_cli *cli, const char *path, const char *batch,
     unsigned wait_s)
{
    const struct vx_cli_request request = {
        .method = "POST", .path = path, .body = batch, .extra_s = wait_s,
    };
    struct vx_error err;
    cJSON *doc = NULL;
    long status;

    if (!vx_cli_call(cli, &request, &status, &doc, &err)) {
        return vx_cli_refused(cli, NULL, status, &err);
    }
    if (doc && vx_cli_args_has(&cli->args, "dry-run")) {
        vx_cli_print_plan(cli, doc);
    } else if (doc) {
        vx_cli_print_batch(cli, doc);
    }
    cJSON_Delete(doc);
    if (status == 202 && wait_s) {
        fprintf(cli->err, "netctl: apply: committed, but not in place "
                "everywhere within %u s; \"netctl status\" tells how it goes "
                "on\n", wait_s);
        return VX_CLI_NOT_REALIZED;
    }
    return VX_CLI_DONE;
}

int
vx_cli_do_apply(struct vx_cli *cli)
{
    const char *name = vx_cli_args_get(&cli->args, "file");
    struct vx_buf text = VX_BUF_INIT, batch = VX_BUF_INIT;
    struct vx_buf path = VX_BUF_INIT;
    struct vx_error err;
    unsigned wait_s;
    int exit_status;

    vx_buf_puts(&path, "/v1/batch");
    if (!name) {
        vx_fail(&err, VX_INVALID, "file", "apply wants -f FILE, or -f - for "
                "standard input");
        exit_status = vx_cli_misused(cli, &err);
    } else if (!vx_cli_query_wait(&cli->args, &path, &wait_s, &err)) {
        exit_status = vx_cli_misused(cli, &err);
    } else if (!read_file(name, &text, &err) ||
               !make_batch(name, &text, &batch, &err)) {
        vx_cli_misused(cli, &err);
        exit_status = VX_CLI_REFUSED;
    } else {
        exit_status = post(cli, vx_buf_str(&path), vx_buf_str(&batch),
                           wait_s);
    }
    vx_buf_fini(&text);
    vx_buf_fini(&batch);
    vx_buf_fini(&path);
    return exit_status;
}
