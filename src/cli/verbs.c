/* SPDX-License-Identifier: Apache-2.0 */
/* add, set, del, list, show: one implementation for all kinds of objects,
 * from the table. add is PUT with If-None-Match, so that repeating it is
 * harmless and contradicting it is refused; set is PATCH. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* One request about one object. */
struct change {
    struct vx_cli *cli;
    struct vx_cli_name name;
    struct vx_buf path, text;   /* text: name as a person says it */
    unsigned wait_s;
    bool dry_run;
    char *body;
};

static void
change_fini(struct change *c)
{
    vx_cli_name_fini(&c->name);
    vx_buf_fini(&c->path);
    vx_buf_fini(&c->text);
    free(c->body);
}

static bool
change_init(struct change *c, struct vx_cli *cli, struct vx_error *err)
{
    *c = (struct change) {
        .cli = cli,
        .path = VX_BUF_INIT,
        .text = VX_BUF_INIT,
        .dry_run = vx_cli_args_has(&cli->args, "dry-run"),
    };
    if (!vx_cli_name_parse(cli->command->kind, cli->args.words,
                           cli->args.n_words, &c->name, err)) {
        return false;
    }
    vx_cli_name_path(&c->path, &c->name);
    vx_cli_name_text(&c->text, &c->name);
    return vx_cli_query_wait(&cli->args, &c->path, &c->wait_s, err);
}

static bool
change_body(struct change *c, struct vx_error *err)
{
    cJSON *body = vx_cli_body(&c->cli->args, err);
    struct vx_buf text = VX_BUF_INIT;

    if (!body) {
        return false;
    }
    /* Nothing to set is a mistake, unless only the wait is wanted. */
    if (c->cli->command->verb == VX_CLI_SET && !body->child &&
        !vx_cli_args_has(&c->cli->args, "wait")) {
        cJSON_Delete(body);
        return vx_fail(err, VX_INVALID, "", "nothing to set on %s %s; "
                       "\"netctl %s set --help\" lists what can be",
                       c->name.kind->name, vx_buf_str(&c->text),
                       c->cli->command->object);
    }
    vx_cli_put_json(&text, body, -1);
    c->body = vx_buf_steal(&text);
    cJSON_Delete(body);
    return true;
}

/* Committed, but the wait was over first. */
static int
not_realized(const struct change *c, const cJSON *doc)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(doc, "status");
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(doc, "reason");
    bool has_reason = cJSON_IsString(reason) && *reason->valuestring;
    struct vx_buf text = VX_BUF_INIT;

    vx_buf_printf(&text, "netctl: %s %s: committed, but not in place within "
                  "%u s", c->name.kind->name, vx_buf_str(&c->text),
                  c->wait_s);
    if (cJSON_IsString(status)) {
        vx_buf_puts(&text, ": ");
        vx_cli_put_safe(&text, status->valuestring);
        vx_buf_puts(&text, has_reason ? ", " : "");
        vx_cli_put_safe(&text, has_reason ? reason->valuestring : "");
    }
    fprintf(c->cli->err, "%s; \"netctl %s show\" tells how it goes on\n",
            vx_buf_str(&text), c->cli->command->object);
    vx_buf_fini(&text);
    return VX_CLI_NOT_REALIZED;
}

static int
finish(const struct change *c, long status, const cJSON *doc)
{
    struct vx_cli *cli = c->cli;

    if (c->dry_run) {
        if (doc) {
            vx_cli_print_plan(cli, doc);
        }
        return VX_CLI_DONE;
    }
    if (doc && cli->command->verb != VX_CLI_DEL) {
        vx_cli_write_one(cli->format, cli->out, c->name.kind, VX_CLI_ROW,
                         doc);
    }
    return status == 202 && c->wait_s ? not_realized(c, doc) : VX_CLI_DONE;
}

/* A name without a slash may have been meant to be a tenant's. */
static void
hint_at_tenant(const struct change *c, struct vx_error *err)
{
    const struct vx_cli_kind *kind = c->cli->command->kind;
    size_t size = strlen(err->message);

    if (err->code == VX_NOT_FOUND && c->name.kind != kind) {
        snprintf(err->message + size, sizeof err->message - size,
                 "; that of a tenant is named TENANT/%.63s",
                 c->name.parts[0]);
    }
}

static int
run(struct change *c, const struct vx_cli_request *request,
    bool none_is_fine)
{
    struct vx_error err;
    cJSON *doc = NULL;
    long status;
    int exit_status;

    if (vx_cli_call(c->cli, request, &status, &doc, &err)) {
        exit_status = finish(c, status, doc);
        cJSON_Delete(doc);
    } else if (none_is_fine && err.code == VX_NOT_FOUND) {
        exit_status = VX_CLI_DONE;
    } else {
        hint_at_tenant(c, &err);
        exit_status = vx_cli_refused(c->cli, vx_buf_str(&c->text), status,
                                     &err);
    }
    return exit_status;
}

static int
put_or_patch(struct vx_cli *cli, const char *method, bool if_none_match)
{
    struct change c;
    struct vx_error err;
    int exit_status;

    if (!change_init(&c, cli, &err) || !change_body(&c, &err)) {
        exit_status = vx_cli_misused(cli, &err);
    } else {
        const struct vx_cli_request request = {
            .method = method,
            .path = vx_buf_str(&c.path),
            .body = c.body,
            .if_none_match = if_none_match,
            .if_match = vx_cli_args_get(&cli->args, "if-match"),
            .extra_s = c.wait_s,
        };

        exit_status = run(&c, &request, false);
    }
    change_fini(&c);
    return exit_status;
}

int
vx_cli_do_add(struct vx_cli *cli)
{
    bool may_exist = vx_cli_args_has(&cli->args, "may-exist") ||
                     vx_cli_args_has(&cli->args, "if-match");

    return put_or_patch(cli, "PUT", !may_exist);
}

int
vx_cli_do_set(struct vx_cli *cli)
{
    return put_or_patch(cli, "PATCH", false);
}

int
vx_cli_do_del(struct vx_cli *cli)
{
    struct change c;
    struct vx_error err;
    int exit_status;

    if (!change_init(&c, cli, &err)) {
        exit_status = vx_cli_misused(cli, &err);
    } else {
        if (vx_cli_args_has(&cli->args, "force")) {
            vx_cli_query(&c.path, "force", "1");
        }
        const struct vx_cli_request request = {
            .method = "DELETE",
            .path = vx_buf_str(&c.path),
            .if_match = vx_cli_args_get(&cli->args, "if-match"),
            .extra_s = c.wait_s,
        };

        exit_status = run(&c, &request,
                          vx_cli_args_has(&cli->args, "if-exists"));
    }
    change_fini(&c);
    return exit_status;
}

int
vx_cli_do_show(struct vx_cli *cli)
{
    struct change c;
    struct vx_error err;
    cJSON *doc = NULL;
    long status;
    int exit_status = VX_CLI_DONE;

    if (!change_init(&c, cli, &err)) {
        exit_status = vx_cli_misused(cli, &err);
    } else {
        const struct vx_cli_request request = {
            .method = "GET", .path = vx_buf_str(&c.path),
        };

        if (vx_cli_call(cli, &request, &status, &doc, &err)) {
            vx_cli_write_one(cli->format, cli->out, c.name.kind,
                             VX_CLI_DETAIL, doc);
            cJSON_Delete(doc);
        } else {
            hint_at_tenant(&c, &err);
            exit_status = vx_cli_refused(cli, vx_buf_str(&c.text), status,
                                         &err);
        }
    }
    change_fini(&c);
    return exit_status;
}

static bool
write_item(void *aux, const cJSON *item)
{
    vx_cli_writer_put(aux, item);
    return true;
}

/* The lists are written as they come, as one; if a later page fails, what was
 * printed is not closed, so that no reader takes half a list for a whole
 * one. */
static int
list(struct vx_cli *cli, const char *const *paths, size_t n_paths)
{
    struct vx_cli_writer writer;
    struct vx_error err;
    long status;

    vx_cli_writer_begin(&writer, cli->format, cli->out, cli->command->kind,
                        VX_CLI_ITEMS);
    for (size_t i = 0; i < n_paths; i++) {
        const struct vx_cli_listing listing = {
            .path = paths[i], .each = write_item, .aux = &writer,
        };

        if (!vx_cli_list_all(cli, &listing, &status, &err)) {
            vx_cli_writer_drop(&writer);
            return vx_cli_refused(cli, NULL, status, &err);
        }
    }
    vx_cli_writer_end(&writer);
    return VX_CLI_DONE;
}

static void
add_filters(const struct vx_cli *cli, struct vx_buf *path)
{
    for (size_t i = 0; i < cli->args.n_values; i++) {
        const struct vx_cli_value *value = &cli->args.values[i];

        if (value->opt->type == VX_CLI_FILTER) {
            vx_cli_query(path, value->opt->key, value->text);
        }
    }
}

int
vx_cli_do_list(struct vx_cli *cli)
{
    const struct vx_cli_kind *kind = cli->command->kind;
    struct vx_cli_name scope;
    struct vx_buf path = VX_BUF_INIT, all = VX_BUF_INIT;
    struct vx_error err;
    int exit_status;

    if (!vx_cli_scope_parse(kind,
                            cli->args.n_words ? cli->args.words[0] : "",
                            &scope, &err)) {
        return vx_cli_misused(cli, &err);
    }
    vx_cli_name_path(&path, &scope);
    add_filters(cli, &path);
    if (kind->all) {
        vx_buf_puts(&all, kind->all);
        add_filters(cli, &all);
    }
    const char *const paths[] = { vx_buf_str(&path), vx_buf_str(&all) };
    exit_status = list(cli, paths, kind->all && !scope.n_parts ? 2 : 1);
    vx_buf_fini(&path);
    vx_buf_fini(&all);
    vx_cli_name_fini(&scope);
    return exit_status;
}
