/* SPDX-License-Identifier: Apache-2.0 */
/* `netctl top locality` and `netctl top bursts`: what hosts count.  json and
 * yaml are what the API says; the table has shares and rates in units a
 * person reads. */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct vx_cli_opt no_opts[] = { { .name = NULL } };

const struct vx_cli_opt vx_cli_top_locality_opts[] = {
    { .name = "tenant", .metavar = "TENANT",
      .help = "only networks of this tenant", .verbs = VX_CLI_OTHER,
      .values = VX_CLI_TENANTS },
    { .name = "network", .metavar = "NETWORK",
      .help = "only this network of the tenant", .verbs = VX_CLI_OTHER },
    { .name = "zone", .metavar = "ZONE",
      .help = "only what hosts of this zone sent", .verbs = VX_CLI_OTHER,
      .values = VX_CLI_ZONES },
    { .name = NULL },
};

const struct vx_cli_opt vx_cli_top_bursts_opts[] = {
    { .name = "active", .help = "without those that are over",
      .verbs = VX_CLI_OTHER },
    { .name = NULL },
};

static const struct vx_cli_column locality_columns[] = {
    { "TENANT", "tenant", NULL },
    { "NETWORK", "network", NULL },
    { "ZONE", "zone", NULL },
    { "BYTES", "bytes", NULL },
    { "LOCAL", "local", NULL },
    { "IN-ZONE", "in_zone", NULL },
    { "CROSS", "cross", NULL },
    { "RATE", "rate", NULL },
    { "CROSS-RATE", "cross_rate", NULL },
    { NULL, NULL, NULL },
};

static const struct vx_cli_column burst_columns[] = {
    { "ID", "id", NULL },
    { "STATE", "state", NULL },
    { "SINCE", "since", NULL },
    { "DURATION", "duration", NULL },
    { "HOST", "host", NULL },
    { "KIND", "kind", NULL },
    { "OBJECT", "object", NULL },
    { "BUDGET", "budget", NULL },
    { "LIMIT", "limit", NULL },
    { "OFFERED", "offered", NULL },
    { "DROPPED", "dropped_packets", NULL },
    { NULL, NULL, NULL },
};

static const struct vx_cli_column no_columns[] = { { NULL, NULL, NULL } };

const struct vx_cli_kind vx_cli_top = {
    .name = "top", .plural = "top",
    .help = "what hosts count (verbs: locality, bursts)",
    .metavar = "", .opts = no_opts, .columns = no_columns,
};

static const struct vx_cli_kind locality_kind = {
    .name = "locality_item", .plural = "items", .help = "traffic",
    .metavar = "", .keys = { "tenant", "network", "zone" },
    .opts = no_opts, .columns = locality_columns,
};

static const struct vx_cli_kind burst_kind = {
    .name = "burst", .plural = "bursts", .help = "a budget that drops",
    .metavar = "ID", .keys = { "id" }, .opts = no_opts,
    .columns = burst_columns,
};

static double
number(const cJSON *object, const char *key)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

/* "1.5 MB", "12 kbit/s": thousands. */
static void
add_amount(cJSON *item, const char *key, double value, const char *unit)
{
    static const char *const prefixes[] = { "", "k", "M", "G", "T", "P" };
    size_t i = 0;
    char text[48];

    while (value >= 1000 && i + 1 < sizeof prefixes / sizeof *prefixes) {
        value /= 1000;
        i++;
    }
    snprintf(text, sizeof text, "%.*f %s%s", value < 10 && i ? 1 : 0, value,
             prefixes[i], unit);
    cJSON_AddStringToObject(item, key, text);
}

static void
add_share(cJSON *item, const char *key, double part, double whole)
{
    char text[24];

    snprintf(text, sizeof text, "%.1f %%",
             whole > 0 ? 100 * part / whole : 0.0);
    cJSON_AddStringToObject(item, key, whole > 0 ? text : "");
}

/* What the table shows beside what the API says. */
static void
explain_traffic(cJSON *item)
{
    double local = number(item, "local_bytes");
    double zone = number(item, "zone_bytes");
    double cross = number(item, "cross_bytes");
    double all = local + zone + cross;

    add_amount(item, "bytes", all, "B");
    add_share(item, "local", local, all);
    add_share(item, "in_zone", zone, all);
    add_share(item, "cross", cross, all);
    add_amount(item, "rate", number(item, "local_bps")
               + number(item, "zone_bps") + number(item, "cross_bps"),
               "bit/s");
    add_amount(item, "cross_rate", number(item, "cross_bps"), "bit/s");
}

static void
explain_burst(cJSON *item)
{
    const cJSON *unit = cJSON_GetObjectItemCaseSensitive(item, "unit");
    bool packets = cJSON_IsString(unit)
                   && !strcmp(unit->valuestring, "packets/s");

    add_amount(item, "duration", number(item, "duration_ms") / 1000, "s");
    add_amount(item, "limit", packets ? number(item, "rate")
               : number(item, "rate") * 1000, packets ? "pkt/s" : "bit/s");
    add_amount(item, "offered", packets ? number(item, "offered_pps")
               : number(item, "offered_bps"), packets ? "pkt/s" : "bit/s");
}

static void
print(struct vx_cli *cli, cJSON *doc, const struct vx_cli_kind *kind,
      void (*explain)(cJSON *item))
{
    struct vx_cli_writer writer;
    cJSON *item, *totals = cJSON_DetachItemFromObjectCaseSensitive(doc,
                                                                   "totals");

    vx_cli_writer_begin(&writer, cli->format, cli->out, kind, VX_CLI_ITEMS);
    cJSON_ArrayForEach(item,
                       cJSON_GetObjectItemCaseSensitive(doc, "items")) {
        explain(item);
        vx_cli_writer_put(&writer, item);
    }
    if (totals && cli->format == &vx_cli_format_table) {
        explain(totals);
        cJSON_AddStringToObject(totals, "tenant", "(all)");
        vx_cli_writer_put(&writer, totals);
    }
    cJSON_Delete(totals);
    vx_cli_writer_end(&writer);
}

static bool
is_for_people(const struct vx_cli *cli)
{
    return cli->format == &vx_cli_format_table
           || cli->format == &vx_cli_format_name;
}

/* GET, and what it says printed. */
static int
show(struct vx_cli *cli, const char *path, const struct vx_cli_kind *kind,
     void (*explain)(cJSON *item))
{
    struct vx_error err;
    cJSON *doc = NULL;
    long status;

    if (!vx_cli_call(cli, &(struct vx_cli_request) {
            .method = "GET", .path = path }, &status, &doc, &err)) {
        cJSON_Delete(doc);
        return vx_cli_refused(cli, NULL, status, &err);
    }
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(doc, "complete"))) {
        fprintf(cli->err, "netctl: not all hosts have answered in time; "
                "theirs is what they said before\n");
    }
    if (is_for_people(cli)) {
        print(cli, doc, kind, explain);
    } else {
        vx_cli_write_one(cli->format, cli->out, NULL, VX_CLI_DETAIL, doc);
    }
    cJSON_Delete(doc);
    return VX_CLI_DONE;
}

int
vx_cli_do_top_locality(struct vx_cli *cli)
{
    static const char *const filters[] = { "tenant", "network", "zone" };
    struct vx_buf path = VX_BUF_INIT;
    int exit_status;

    vx_buf_puts(&path, "/v1/locality");
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        const char *value = vx_cli_args_get(&cli->args, filters[i]);

        if (value) {
            vx_cli_query(&path, filters[i], value);
        }
    }
    exit_status = show(cli, vx_buf_str(&path), &locality_kind,
                       explain_traffic);
    vx_buf_fini(&path);
    return exit_status;
}

int
vx_cli_do_top_bursts(struct vx_cli *cli)
{
    return show(cli, vx_cli_args_has(&cli->args, "active")
                ? "/v1/bursts?state=active" : "/v1/bursts", &burst_kind,
                explain_burst);
}
