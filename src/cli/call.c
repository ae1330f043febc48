/* SPDX-License-Identifier: Apache-2.0 */
/* Between commands and the client: queries, JSON replies, pages, and what is
 * said when something is refused. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/xalloc.h"

enum { WAIT_DEFAULT_S = 30, WAIT_MAX_S = 600, PAGE_SIZE = 1000 };

void
vx_cli_query(struct vx_buf *path, const char *key, const char *value)
{
    vx_buf_puts(path, strchr(vx_buf_str(path), '?') ? "&" : "?");
    vx_buf_printf(path, "%s=", key);
    vx_cli_escape(path, value);
}

bool
vx_cli_query_wait(const struct vx_cli_args *args, struct vx_buf *path,
                  unsigned *ret_wait_s, struct vx_error *err)
{
    unsigned long long wait_s = WAIT_DEFAULT_S;
    unsigned long long revision;
    char text[32];

    if (!vx_cli_args_number(args, "if-match", 1ULL << 53, &revision, err) ||
        !vx_cli_args_number(args, "wait", WAIT_MAX_S, &wait_s, err)) {
        return false;
    }
    *ret_wait_s = 0;
    if (vx_cli_args_has(args, "dry-run")) {
        vx_cli_query(path, "dry_run", "1");
    } else if (vx_cli_args_has(args, "wait") && wait_s) {
        snprintf(text, sizeof text, "%llu", wait_s);
        vx_cli_query(path, "wait", text);
        *ret_wait_s = (unsigned) wait_s;
    }
    return true;
}

bool
vx_cli_call(struct vx_cli *cli, const struct vx_cli_request *request,
            long *ret_status, cJSON **ret_doc, struct vx_error *err)
{
    struct vx_cli_response response;
    cJSON *doc = NULL;
    bool done = vx_cli_client_do(cli->client, request, &response, err);

    *ret_status = response.status;
    if (done && response.body.size) {
        doc = cJSON_ParseWithLength(response.body.data, response.body.size);
        if (!cJSON_IsObject(doc) && !cJSON_IsArray(doc)) {
            cJSON_Delete(doc);
            doc = NULL;
            *ret_status = 0;
            done = vx_fail(err, VX_UNAVAILABLE, "", "the reply is not JSON: "
                           "that is no vxfabric controller");
        }
    }
    vx_buf_fini(&response.body);
    if (done) {
        *ret_doc = doc;
    }
    return done;
}

/* One page. *ret_next: token of the next, NULL at the end; caller frees. */
static bool
list_page(struct vx_cli *cli, const struct vx_cli_listing *listing,
          const char *path, char **ret_next, long *ret_status,
          struct vx_error *err)
{
    const struct vx_cli_request request = { .method = "GET", .path = path };
    cJSON *doc = NULL;
    const cJSON *items, *next, *item;
    bool done;

    if (!vx_cli_call(cli, &request, ret_status, &doc, err)) {
        return false;
    }
    items = cJSON_GetObjectItemCaseSensitive(doc, "items");
    next = cJSON_GetObjectItemCaseSensitive(doc, "next");
    done = cJSON_IsArray(items);
    if (!done) {
        *ret_status = 0;
        vx_fail(err, VX_UNAVAILABLE, "", "the reply has no list of items: "
                "that is no vxfabric controller");
    }
    cJSON_ArrayForEach(item, items) {
        done = done && listing->each(listing->aux, item);
    }
    if (done) {
        *ret_next = cJSON_IsString(next) && *next->valuestring
                        ? vx_xstrdup(next->valuestring) : NULL;
    }
    cJSON_Delete(doc);
    return done;
}

bool
vx_cli_list_all(struct vx_cli *cli, const struct vx_cli_listing *listing,
                long *ret_status, struct vx_error *err)
{
    char *after = NULL, *next = NULL;
    bool done;

    do {
        struct vx_buf path = VX_BUF_INIT;
        char limit[16];

        snprintf(limit, sizeof limit, "%u",
                 listing->page_size ? listing->page_size : PAGE_SIZE);
        vx_buf_puts(&path, listing->path);
        vx_cli_query(&path, "limit", limit);
        if (after) {
            vx_cli_query(&path, "after", after);
        }
        next = NULL;
        done = list_page(cli, listing, vx_buf_str(&path), &next, ret_status,
                         err);
        vx_buf_fini(&path);
        if (done && next && after && !strcmp(next, after)) {
            done = vx_fail(err, VX_INTERNAL, "", "the controller's list does "
                           "not end: page \"%.100s\" follows itself", next);
        }
        free(after);
        after = next;
    } while (done && after && !listing->first_page_only);
    free(after);
    return done;
}

/* What a person can do about it with this tool, where the controller, which
 * knows no command line, cannot say. */
static const char *
way_out(const struct vx_cli *cli, const struct vx_error *err)
{
    bool add = cli->command->verb == VX_CLI_ADD;

    if (add && (err->code == VX_PRECONDITION || err->code == VX_EXISTS) &&
        !vx_cli_args_has(&cli->args, "may-exist") &&
        !vx_cli_args_has(&cli->args, "if-match") &&
        strstr(err->message, "already exists")) {
        return "; \"set\" changes it, --may-exist replaces it";
    }
    return "";
}

int
vx_cli_refused(struct vx_cli *cli, const char *name, long http_status,
               const struct vx_error *err)
{
    struct vx_buf text = VX_BUF_INIT;

    if (http_status && name) {
        vx_buf_printf(&text, "%s %s", cli->command->kind->name, name);
        /* The controller may have said which object it is about. */
        if (strncmp(err->message, vx_buf_str(&text), text.size)) {
            vx_buf_clear(&text);
            vx_buf_printf(&text, "%s ", cli->command->kind->name);
            vx_cli_put_safe(&text, name);
            vx_buf_puts(&text, ": ");
        } else {
            vx_buf_clear(&text);
        }
    } else if (http_status && err->field[0] == '[') {
        vx_cli_put_safe(&text, err->field);     /* "[3].body.mtu" */
        vx_buf_puts(&text, ": ");
    }
    vx_cli_put_safe(&text, err->message);
    fprintf(cli->err, "netctl: %s%s\n", vx_buf_str(&text),
            way_out(cli, err));
    vx_buf_fini(&text);
    return http_status ? VX_CLI_REFUSED : VX_CLI_NO_CONTROLLER;
}

int
vx_cli_misused(struct vx_cli *cli, const struct vx_error *err)
{
    struct vx_buf text = VX_BUF_INIT;

    vx_cli_put_safe(&text, err->message);
    fprintf(cli->err, "netctl: %s\n", vx_buf_str(&text));
    vx_buf_fini(&text);
    return VX_CLI_USAGE;
}
