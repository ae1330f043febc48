/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl bgp show` and `netctl bgp list`: what gateways are connected, what
 * they announce and why, what is withheld and why, what they have learned.
 * json and yaml are what the API says; the table is the same in sections. */
#include "cli/commands.h"

#include <string.h>

#include "cli/cli.h"

enum { PAGES_MAX = 1000 };      /* of 10,000 rows each */

static const struct vx_cli_opt no_opts[] = { { .name = NULL } };
static const struct vx_cli_column no_columns[] = { { NULL, NULL, NULL } };

const struct vx_cli_kind vx_cli_bgp = {
    .name = "bgp", .plural = "bgp",
    .help = "sessions of gateways, what they announce and learn (verbs: "
            "show, list)",
    .metavar = "", .opts = no_opts, .columns = no_columns,
};

/* --- Sections of the table. */

static const struct vx_cli_column gateway_columns[] = {
    { "GATEWAY", NULL, NULL },
    { "CONNECTED", "connected", NULL },
    { "STATE", "state", NULL },
    { "SEEN", "seen", NULL },
    { "ACKED", "acked", NULL },
    { "BEHIND", "behind", NULL },
    { "COUNTS", "counts", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

static const struct vx_cli_column session_columns[] = {
    { "GATEWAY", "gateway", NULL },
    { "PEERING", "peering", NULL },
    { "PEER", "peer", NULL },
    { "FAMILIES", "families", NULL },
    { "STATE", "state", NULL },
    { "SINCE", "since", NULL },
    { "RECEIVED", "received", NULL },
    { "SENT", "sent", NULL },
    { "ERROR", "error", NULL },
    { NULL, NULL, NULL },
};

static const struct vx_cli_column announced_columns[] = {
    { "GATEWAY", "gateway", NULL },
    { "TENANT", "tenant", NULL },
    { "PREFIX", "prefix", NULL },
    { "FAMILIES", "families", NULL },
    { "WHY", "why", NULL },
    { "OBJECT", "object", NULL },
    { "STATE", "state", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

static const struct vx_cli_column learned_columns[] = {
    { "GATEWAY", "gateway", NULL },
    { "TENANT", "tenant", NULL },
    { "PREFIX", "prefix", NULL },
    { "TYPE", "type", NULL },
    { "PEERING", "peering", NULL },
    { "USED", "used", NULL },
    { "REASON", "reason", NULL },
    { NULL, NULL, NULL },
};

#define KIND(NAME, KEYS, COLUMNS)                                       \
    { .name = NAME, .plural = NAME, .help = "", .metavar = "",          \
      .keys = KEYS, .opts = no_opts, .columns = COLUMNS }
#define KEYS(...) { __VA_ARGS__ }

static const struct vx_cli_kind gateway_kind
    = KIND("bgp_gateway", KEYS("gateway"), gateway_columns);
static const struct vx_cli_kind session_kind
    = KIND("bgp_session", KEYS("gateway", "peering"), session_columns);
static const struct vx_cli_kind announced_kind
    = KIND("bgp_announced", KEYS("gateway", "tenant", "prefix"),
           announced_columns);
static const struct vx_cli_kind learned_kind
    = KIND("bgp_learned", KEYS("gateway", "tenant", "prefix"),
           learned_columns);

/* One list of each gateway, as rows that name the gateway. */
struct section {
    const char *title, *member;
    const struct vx_cli_kind *kind;
    void (*explain)(cJSON *row);    /* NULL = nothing */
};

static const cJSON *
member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* {"ipv4":{"received":3,"sent":2},...}: names in one cell, sums in two. */
static void
explain_session(cJSON *row)
{
    cJSON *families = cJSON_DetachItemFromObjectCaseSensitive(row,
                                                              "families");
    cJSON *names = cJSON_CreateArray();
    double received = 0, sent = 0;

    for (const cJSON *f = cJSON_IsObject(families) ? families->child : NULL;
         f; f = f->next) {
        const cJSON *in = member(f, "received"), *out = member(f, "sent");

        cJSON_AddItemToArray(names, cJSON_CreateString(f->string));
        received += cJSON_IsNumber(in) ? in->valuedouble : 0;
        sent += cJSON_IsNumber(out) ? out->valuedouble : 0;
    }
    cJSON_AddItemToObject(row, "families", names);
    cJSON_AddNumberToObject(row, "received", received);
    cJSON_AddNumberToObject(row, "sent", sent);
    cJSON_Delete(families);
}

static const struct section sections[] = {
    { "sessions", "sessions", &session_kind, explain_session },
    { "announced", "announced", &announced_kind, NULL },
    { "learned", "learned", &learned_kind, NULL },
};

static const cJSON *
items_of(const cJSON *doc)
{
    return member(doc, "items");
}

static void
put_rows(struct vx_cli_writer *w, const struct section *section,
         const cJSON *gateway, bool for_people)
{
    const cJSON *name = member(gateway, "gateway"), *item;

    cJSON_ArrayForEach (item, member(gateway, section->member)) {
        cJSON *row = cJSON_Duplicate(item, true);

        if (!row || !cJSON_IsObject(row)) {
            cJSON_Delete(row);
            continue;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(row, "gateway");
        if (cJSON_IsString(name)) {
            cJSON_AddStringToObject(row, "gateway", name->valuestring);
        }
        if (section->explain && for_people) {
            section->explain(row);
        }
        vx_cli_writer_put(w, row);
        cJSON_Delete(row);
    }
}

static bool
is_table(const struct vx_cli *cli)
{
    return cli->format == &vx_cli_format_table;
}

static void
print_section(const struct vx_cli *cli, const struct section *section,
              const cJSON *doc)
{
    struct vx_cli_writer w;
    const cJSON *gateway;

    vx_cli_writer_begin(&w, cli->format, cli->out, section->kind,
                        VX_CLI_ITEMS);
    cJSON_ArrayForEach (gateway, items_of(doc)) {
        put_rows(&w, section, gateway, is_table(cli));
    }
    vx_cli_writer_end(&w);
}

static bool
has_rows(const struct section *section, const cJSON *doc)
{
    const cJSON *gateway;

    cJSON_ArrayForEach (gateway, items_of(doc)) {
        if (cJSON_GetArraySize(member(gateway, section->member))) {
            return true;
        }
    }
    return false;
}

static void
print_gateways(const struct vx_cli *cli, const cJSON *doc)
{
    struct vx_cli_writer w;
    const cJSON *gateway;

    vx_cli_writer_begin(&w, cli->format, cli->out, &gateway_kind,
                        VX_CLI_ITEMS);
    cJSON_ArrayForEach (gateway, items_of(doc)) {
        vx_cli_writer_put(&w, gateway);
    }
    vx_cli_writer_end(&w);
}

static void
print_page(const struct vx_cli *cli, const cJSON *doc)
{
    print_gateways(cli, doc);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (has_rows(&sections[i], doc)) {
            fprintf(cli->out, "\n%s\n", sections[i].title);
            print_section(cli, &sections[i], doc);
        }
    }
}

/* --- Asking. */

/* Moves the elements of a list of one object to that of another. */
static void
move_list(cJSON *from, cJSON *to, const char *name)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(to, name), *item;
    cJSON *more = cJSON_GetObjectItemCaseSensitive(from, name);

    while (cJSON_IsArray(list) && cJSON_IsArray(more) && more->child) {
        item = cJSON_DetachItemViaPointer(more, more->child);
        cJSON_AddItemToArray(list, item);
    }
}

/* A page ends within a gateway, too: the next one begins with it again. */
static void
add_page(cJSON *whole, cJSON *page)
{
    cJSON *items = cJSON_GetObjectItemCaseSensitive(whole, "items");
    cJSON *more = cJSON_GetObjectItemCaseSensitive(page, "items"), *item;
    cJSON *last = NULL;

    cJSON_ArrayForEach (item, items) {
        last = item;
    }
    while (cJSON_IsArray(items) && cJSON_IsArray(more) && more->child) {
        item = cJSON_DetachItemViaPointer(more, more->child);
        const char *a = cJSON_GetStringValue(member(last, "gateway"));
        const char *b = cJSON_GetStringValue(member(item, "gateway"));

        if (a && b && !strcmp(a, b)) {
            move_list(item, last, "announced");
            move_list(item, last, "learned");
            cJSON_Delete(item);
        } else {
            cJSON_AddItemToArray(items, item);
            last = item;
        }
    }
}

/* One page; NULL with err, or without if it is no object. */
static cJSON *
ask_page(struct vx_cli *cli, const char *after, long *ret_status,
         struct vx_error *err)
{
    struct vx_buf path = VX_BUF_INIT;
    cJSON *doc = NULL;

    vx_buf_puts(&path, "/v1/bgp");
    if (cli->args.n_words) {
        vx_cli_query(&path, "tenant", cli->args.words[0]);
    }
    if (after) {
        vx_cli_query(&path, "after", after);
    }
    const struct vx_cli_request request = {
        .method = "GET", .path = vx_buf_str(&path),
    };
    if (!vx_cli_call(cli, &request, ret_status, &doc, err)) {
        cJSON_Delete(doc);
        doc = NULL;
    } else if (!cJSON_IsObject(doc)) {
        vx_fail(err, VX_INTERNAL, "", "the controller answers no object");
        cJSON_Delete(doc);
        doc = NULL;
    }
    vx_buf_fini(&path);
    return doc;
}

/* GET /v1/bgp of all, or of the tenant that is named, page after page. NULL:
 * *ret_exit tells how it went. */
static cJSON *
ask(struct vx_cli *cli, int *ret_exit)
{
    struct vx_error err;
    long status = 0;
    cJSON *whole = ask_page(cli, NULL, &status, &err);
    cJSON *page = NULL;
    unsigned n_pages = 1;
    bool good = whole != NULL;

    for (const char *next = cJSON_GetStringValue(member(whole, "next"));
         good && next;
         next = cJSON_GetStringValue(member(page, "next"))) {
        cJSON *before = page;

        page = n_pages++ < PAGES_MAX ? ask_page(cli, next, &status, &err)
                                     : NULL;
        cJSON_Delete(before);
        good = page || (n_pages > PAGES_MAX
                        && vx_fail(&err, VX_INTERNAL, "",
                                   "what it answers does not end"));
        add_page(whole, page);
    }
    cJSON_Delete(page);
    if (good) {
        cJSON_DeleteItemFromObjectCaseSensitive(whole, "next");
        cJSON_AddNullToObject(whole, "next");
        return whole;
    }
    cJSON_Delete(whole);
    *ret_exit = vx_cli_refused(cli, NULL, status, &err);
    return NULL;
}

int
vx_cli_do_bgp_show(struct vx_cli *cli)
{
    int exit_status = VX_CLI_DONE;
    cJSON *doc = ask(cli, &exit_status);

    if (doc && is_table(cli)) {
        print_page(cli, doc);
    } else if (doc && cli->format == &vx_cli_format_name) {
        print_gateways(cli, doc);
    } else if (doc) {
        vx_cli_write_one(cli->format, cli->out, NULL, VX_CLI_DETAIL, doc);
    }
    cJSON_Delete(doc);
    return exit_status;
}

int
vx_cli_do_bgp_list(struct vx_cli *cli)
{
    int exit_status = VX_CLI_DONE;
    cJSON *doc = ask(cli, &exit_status);

    if (doc) {
        print_section(cli, &sections[0], doc);
    }
    cJSON_Delete(doc);
    return exit_status;
}
