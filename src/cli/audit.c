/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl audit [HOST]`: compare what hosts and gateways hold with what they
 * ought to, now; print what differs, whose it is and since when. --repair
 * puts it right. The exit status tells whether something differs (still). */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { WAIT_DEFAULT_S = 60, WAIT_MAX_S = 600 };

const struct vx_cli_opt vx_cli_audit_opts[] = {
    { .name = "repair", .help = "put right what differs",
      .verbs = VX_CLI_OTHER },
    { .name = "known", .help = "only print what is known, compare nothing",
      .verbs = VX_CLI_OTHER },
    { .name = "all", .help = "also what is over: repaired, or gone",
      .verbs = VX_CLI_OTHER },
    { .name = "gateway", .metavar = "GATEWAY",
      .help = "only this gateway (HOST has the gateways on it)",
      .verbs = VX_CLI_OTHER, .values = VX_CLI_GATEWAYS },
    { .name = "wait", .metavar = "SECONDS",
      .help = "at most that long (default 60)", .verbs = VX_CLI_OTHER },
    { .name = NULL },
};

static const struct vx_cli_column columns[] = {
    { "HOST", "host", NULL },
    { "GATEWAY", "gateway", NULL },
    { "BRIDGE", "bridge", "kind" },
    { "KIND", "kind", NULL },
    { "WHAT", "what", NULL },
    { "STATE", "state", NULL },
    { "SINCE", "since", NULL },
    { "OBJECT", "object", NULL },
    { "ROW", "row", NULL },
    { "FOUND", "found", NULL },
    { NULL, NULL, NULL },
};

static const struct vx_cli_kind finding = {
    .name = "finding", .plural = "findings", .help = "a difference",
    .metavar = "ID", .keys = { "id" }, .columns = columns,
};

struct sum {
    double n_found, n_repaired, n_open, n_rows;
    size_t n_hosts, n_gateways, n_not;  /* audited to the end; not */
};

static double
number(const cJSON *object, const char *key)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

static const char *
string(const cJSON *object, const char *key)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(s) ? s->valuestring : "";
}

/* Why it could not be audited, or not all of it. */
static void
tell_not(struct vx_cli *cli, const char *kind, const cJSON *one)
{
    const char *result = string(one, "result");
    const char *audited = string(one, "audited");
    struct vx_buf line = VX_BUF_INIT;

    vx_cli_put_safe(&line, string(one, kind));
    vx_buf_puts(&line, ": ");
    vx_cli_put_safe(&line, *result ? result : "not audited yet");
    if (*audited) {
        vx_buf_puts(&line, "; last look at ");
        vx_cli_put_safe(&line, audited);
    }
    fprintf(cli->err, "netctl: audit of %s %s\n", kind, vx_buf_str(&line));
    vx_buf_fini(&line);
}

/* Says which hosts or gateways could not be audited. */
static void
sum_up(struct vx_cli *cli, const cJSON *list, const char *kind,
       struct sum *sum)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, list) {
        sum->n_found += number(one, "found");
        sum->n_repaired += number(one, "repaired");
        sum->n_open += number(one, "open");
        sum->n_rows += number(one, "rows");
        if (strcmp(string(one, "result"), "ok")) {
            sum->n_not++;
            tell_not(cli, kind, one);
        } else {
            *(kind[0] == 'h' ? &sum->n_hosts : &sum->n_gateways) += 1;
        }
    }
}

static const cJSON *
list_of(const cJSON *doc, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(doc, key);
}

static void
print(struct vx_cli *cli, const cJSON *doc)
{
    struct vx_cli_writer writer;
    const cJSON *item;

    if (cli->format != &vx_cli_format_table
        && cli->format != &vx_cli_format_name) {
        vx_cli_write_one(cli->format, cli->out, NULL, VX_CLI_DETAIL, doc);
        return;
    }
    vx_cli_writer_begin(&writer, cli->format, cli->out, &finding,
                        VX_CLI_ITEMS);
    cJSON_ArrayForEach(item,
                       cJSON_GetObjectItemCaseSensitive(doc, "items")) {
        vx_cli_writer_put(&writer, item);
    }
    vx_cli_writer_end(&writer);
}

/* 0: as it ought to be; 1: not (all) of it could be looked at; 4: something
 * differs. */
static int
verdict(struct vx_cli *cli, const cJSON *doc, bool complete)
{
    struct sum sum = { 0 };
    char gateways[48] = "";

    sum_up(cli, list_of(doc, "hosts"), "host", &sum);
    sum_up(cli, list_of(doc, "gateways"), "gateway", &sum);
    if (cJSON_GetArraySize(list_of(doc, "gateways"))) {
        snprintf(gateways, sizeof gateways, ", %zu gateway%s",
                 sum.n_gateways, sum.n_gateways == 1 ? "" : "s");
    }
    fprintf(cli->err, "netctl: %zu host%s%s audited, %.0f rows: %.0f "
            "difference%s, %.0f repaired, %.0f left\n", sum.n_hosts,
            sum.n_hosts == 1 ? "" : "s", gateways, sum.n_rows, sum.n_found,
            sum.n_found == 1 ? "" : "s", sum.n_repaired, sum.n_open);
    if (number(doc, "left_out") > 0) {
        fprintf(cli->err, "netctl: %.0f of them are counted, but not "
                "listed\n", number(doc, "left_out"));
    }
    if (!complete) {
        fprintf(cli->err, "netctl: not all were done in time; the audits "
                "go on\n");
    }
    return sum.n_open > 0 ? VX_CLI_NOT_REALIZED
           : sum.n_not || !complete ? VX_CLI_REFUSED : VX_CLI_DONE;
}

static void
put_whom(struct vx_cli *cli, struct vx_buf *path)
{
    const char *gateway = vx_cli_args_get(&cli->args, "gateway");

    if (cli->args.n_words) {
        vx_cli_query(path, "host", cli->args.words[0]);
    }
    if (gateway) {
        vx_cli_query(path, "gateway", gateway);
    }
}

static void
put_flags(struct vx_cli *cli, struct vx_buf *path, unsigned wait_s)
{
    char text[16];

    put_whom(cli, path);
    if (vx_cli_args_has(&cli->args, "known")) {
        if (!vx_cli_args_has(&cli->args, "all")) {
            vx_cli_query(path, "state", "open");
        }
        return;
    }
    if (vx_cli_args_has(&cli->args, "repair")) {
        vx_cli_query(path, "repair", "1");
    }
    snprintf(text, sizeof text, "%u", wait_s);
    vx_cli_query(path, "wait", text);
}

/* The book, with what is over, in place of the report of this audit. */
static bool
ask_all(struct vx_cli *cli, cJSON **doc, long *ret_status,
        struct vx_error *err)
{
    struct vx_buf path = VX_BUF_INIT;
    cJSON *all = NULL;
    bool done;

    vx_buf_puts(&path, "/v1/audit");
    put_whom(cli, &path);
    done = vx_cli_call(cli, &(struct vx_cli_request) {
        .method = "GET", .path = vx_buf_str(&path) }, ret_status, &all, err);
    vx_buf_fini(&path);
    if (done) {
        cJSON_Delete(*doc);
        *doc = all;
    }
    return done;
}

int
vx_cli_do_audit(struct vx_cli *cli)
{
    bool known = vx_cli_args_has(&cli->args, "known");
    unsigned long long wait_s = WAIT_DEFAULT_S;
    struct vx_buf path = VX_BUF_INIT;
    struct vx_error err;
    int exit_status;
    cJSON *doc = NULL;
    bool done, complete;
    long status;

    if (known && vx_cli_args_has(&cli->args, "repair")) {
        vx_fail(&err, VX_INVALID, "repair", "--known compares nothing, so "
                "it cannot --repair either");
        return vx_cli_misused(cli, &err);
    }
    if (cli->args.n_words && vx_cli_args_has(&cli->args, "gateway")) {
        vx_fail(&err, VX_INVALID, "gateway", "give a host, with the "
                "gateways on it, or --gateway, not both");
        return vx_cli_misused(cli, &err);
    }
    if (!vx_cli_args_number(&cli->args, "wait", WAIT_MAX_S, &wait_s, &err)) {
        return vx_cli_misused(cli, &err);
    }
    vx_buf_puts(&path, "/v1/audit");
    put_flags(cli, &path, (unsigned) wait_s);
    done = vx_cli_call(cli, &(struct vx_cli_request) {
        .method = known ? "GET" : "POST", .path = vx_buf_str(&path),
        .body = known ? NULL : "{}", .extra_s = (unsigned) wait_s,
        }, &status, &doc, &err);
    vx_buf_fini(&path);
    complete = known || status == 200;
    if (done && !known && vx_cli_args_has(&cli->args, "all")) {
        done = ask_all(cli, &doc, &status, &err);
    }
    if (!done) {
        cJSON_Delete(doc);
        return vx_cli_refused(cli, NULL, status, &err);
    }
    print(cli, doc);
    exit_status = verdict(cli, doc, complete);
    cJSON_Delete(doc);
    return exit_status;
}
