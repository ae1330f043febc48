/* SPDX-License-Identifier: Apache-2.0 */
/* Options of vxfabricd; see options.h. */
#include "daemon/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/hooks.h"
#include "lib/xalloc.h"

const char vx_options_usage[] =
    "usage: vxfabricd [-c FILE] [OPTION]...\n"
    "Runs the vxfabric controller in the foreground.\n"
    "\n"
    "  -c, --config FILE      read options from FILE first\n"
    "      --state-dir DIR    durable intent (default /var/lib/vxfabric)\n"
    "      --run-dir DIR      API socket (default /run/vxfabric)\n"
    "      --api ADDR         listen for the API; may be repeated\n"
    "                         (default unix:RUN_DIR/api.sock)\n"
    "      --ovsdb ADDR       hosts' OVSDB (default tcp:0.0.0.0:6640)\n"
    "      --openflow ADDR    hosts' OpenFlow (default tcp:0.0.0.0:6653)\n"
    "      --log-level LEVEL  error, warn, info or debug (default info)\n"
    "      --set KEY=VALUE    any other key of vxfabric.conf(5)\n"
    "  -h, --help             this text\n"
    "  -V, --version          the version\n"
    "\n"
    "ADDR is unix:PATH or tcp:IP:PORT, [IP] for IPv6.\n";

void
vx_options_init(struct vx_options *options)
{
    *options = (struct vx_options) {
        .state_dir = vx_xstrdup("/var/lib/vxfabric"),
        .run_dir = vx_xstrdup("/run/vxfabric"),
        .ovsdb = vx_xstrdup("tcp:0.0.0.0:6640"),
        .openflow = vx_xstrdup("tcp:0.0.0.0:6653"),
        .log_level = VX_LOG_INFO,
        .vni_quarantine_ms = 60 * 1000,
        .mac_prefix = 0x0a,
        .auto_zones = true,
        .journal_revisions = 100000,
        .probe_ms = 5000,
        .health_interval_ms = 700,
        .epoch = true,
        .audit_interval_ms = 60 * 1000,
        .audit_repair = true,
        .counters_interval_ms = 10 * 1000,
        .counters_tenants = 100,
        .hooks_dir = vx_xstrdup("/etc/vxfabric/hooks.d"),
        .hook_timeout_ms = 30 * 1000,
        .hook_jobs = 8,
        .hook_attempts = 12,
        .hook_backoff_ms = 1000,
        .hook_queue = 10000,
        .hook_runs_kept = 1000,
        .events_kept = 10000,
        .vni_low = 1000,
        .grace_ms = 30 * 1000,
        .border_down_ms = 1500,
        .flowspec_away_ms = 120 * 1000,
        .port_bum_pps = 1000,
    };
}

void
vx_options_fini(struct vx_options *options)
{
    free(options->state_dir);
    free(options->run_dir);
    free(options->ovsdb);
    free(options->openflow);
    free(options->advertise);
    free(options->hooks_dir);
    for (size_t i = 0; i < options->n_webhooks; i++) {
        free(options->webhooks[i].url);
        free(options->webhooks[i].secret_file);
        free(options->webhooks[i].events);
    }
    for (size_t i = 0; i < options->n_api; i++) {
        free(options->api[i]);
    }
}

static void
set_string(char **p, const char *value)
{
    free(*p);
    *p = vx_xstrdup(value);
}

static bool
parse_number(const char *key, const char *value, uint64_t max,
             uint64_t *ret_n, struct vx_error *err)
{
    char *end;
    unsigned long long n;

    errno = 0;
    n = strtoull(value, &end, 0);
    if (!isdigit((unsigned char) value[0]) || *end || errno || n > max) {
        return vx_fail(err, VX_INVALID, key, "%s = \"%s\": a number of "
                       "0..%llu is needed", key, value,
                       (unsigned long long) max);
    }
    *ret_n = n;
    return true;
}

/* "1-99, 5000-16777215, 7" */
static bool
parse_ranges(const char *key, const char *value, struct vx_vni_range *ranges,
             size_t *n_ranges, struct vx_error *err)
{
    size_t n = 0;

    for (const char *p = value + strspn(value, " \t"); *p;) {
        char *end;
        unsigned long first = strtoul(p, &end, 10), last = first;

        if (end != p && *end == '-') {
            p = end + 1;
            last = strtoul(p, &end, 10);
        }
        end += strspn(end, " \t");
        if (end == p || (*end && *end != ',') || first < VX_VNI_MIN
            || last > VX_VNI_MAX || first > last) {
            return vx_fail(err, VX_INVALID, key, "%s = \"%s\": a list of "
                           "VNIs or FIRST-LAST within %d..%d is needed", key,
                           value, VX_VNI_MIN, VX_VNI_MAX);
        }
        if (n == VX_OPTIONS_MAX_RANGES) {
            return vx_fail(err, VX_INVALID, key, "%s: more than %d ranges",
                           key, VX_OPTIONS_MAX_RANGES);
        }
        ranges[n++] = (struct vx_vni_range) { (uint32_t) first,
                                              (uint32_t) last };
        p = end + (*end == ',');
        p += strspn(p, " \t");
    }
    *n_ranges = n;
    return true;
}

static bool
parse_bool(const char *key, const char *value, bool *ret_b,
           struct vx_error *err)
{
    if (!strcmp(value, "true") || !strcmp(value, "yes")) {
        *ret_b = true;
    } else if (!strcmp(value, "false") || !strcmp(value, "no")) {
        *ret_b = false;
    } else {
        return vx_fail(err, VX_INVALID, key, "%s = \"%s\": true or false is "
                       "needed", key, value);
    }
    return true;
}

static bool
set_api(struct vx_options *options, const char *value, struct vx_error *err)
{
    if (options->n_api == VX_OPTIONS_MAX_API) {
        return vx_fail(err, VX_INVALID, "api", "more than %d api addresses",
                       VX_OPTIONS_MAX_API);
    }
    options->api[options->n_api++] = vx_xstrdup(value);
    return true;
}

/* The scheme, and nothing that would show a password in lists and logs. */
static bool
is_webhook_url(const char *url, size_t size)
{
    size_t scheme = !strncmp(url, "http://", 7)    ? 7
                    : !strncmp(url, "https://", 8) ? 8
                                                   : 0;

    return scheme && size > scheme && url[scheme] != '/'
           && !memchr(url, '@', size) && !memchr(url, '?', size)
           && !memchr(url, '#', size);
}

/* A word that is no event would never come; every word is checked. */
static bool
check_events(const char *words, struct vx_error *err)
{
    static const char *const space = " \t,";

    for (const char *p = words + strspn(words, space); *p;) {
        size_t size = strcspn(p, space);
        bool known = false;

        for (size_t i = 0; i < VX_N_EVENTS; i++) {
            known |= strlen(vx_api_event_names[i]) == size
                     && !strncmp(p, vx_api_event_names[i], size);
        }
        if (!known) {
            return vx_fail(err, VX_INVALID, "webhook", "there is no event "
                           "\"%.*s\"; vxfabric.conf(5) lists them",
                           size < 40 ? (int) size : 40, p);
        }
        p += size;
        p += strspn(p, space);
    }
    return true;
}

/* "URL SECRET-FILE [EVENT]..." */
static bool
set_webhook(struct vx_options *options, const char *value,
            struct vx_error *err)
{
    const char *space = " \t";
    size_t n_url = strcspn(value, space);
    const char *file = value + n_url + strspn(value + n_url, space);
    size_t n_file = strcspn(file, space);
    const char *events = file + n_file + strspn(file + n_file, space);
    struct vx_webhook *webhook;

    if (!is_webhook_url(value, n_url) || *file != '/') {
        return vx_fail(err, VX_INVALID, "webhook", "webhook = \"%s\": "
                       "URL SECRET-FILE [EVENT]... is needed: http:// or "
                       "https:// without user, query and fragment, and an "
                       "absolute path", value);
    }
    if (!check_events(events, err)) {
        return false;
    }
    if (options->n_webhooks == VX_OPTIONS_MAX_WEBHOOKS) {
        return vx_fail(err, VX_INVALID, "webhook", "more than %d webhooks",
                       VX_OPTIONS_MAX_WEBHOOKS);
    }
    for (size_t i = 0; i < options->n_webhooks; i++) {
        if (strlen(options->webhooks[i].url) == n_url
            && !strncmp(options->webhooks[i].url, value, n_url)) {
            return vx_fail(err, VX_EXISTS, "webhook", "webhook \"%s\" is "
                           "given twice: put its events on one line",
                           options->webhooks[i].url);
        }
    }
    webhook = &options->webhooks[options->n_webhooks++];
    webhook->url = vx_xstrndup(value, n_url);
    webhook->secret_file = vx_xstrndup(file, n_file);
    webhook->events = *events ? vx_xasprintf(" %s ", events)
                              : vx_xstrdup("");
    for (char *p = webhook->events; *p; p++) {
        *p = *p == '\t' || *p == ',' ? ' ' : *p;
    }
    return true;
}

/* Keys that are a number in a range and no more. */
static bool
set_ranged(struct vx_options *options, const char *key, const char *value,
           bool *ret_known, struct vx_error *err)
{
    const struct {
        const char *key;
        uint32_t *p;
        uint32_t min, max, unit;
    } numbers[] = {
        { "hook_timeout_s", &options->hook_timeout_ms, 1, 3600, 1000 },
        { "hook_jobs", &options->hook_jobs, 1, 256, 1 },
        { "hook_attempts", &options->hook_attempts, 1, 1000, 1 },
        { "hook_backoff_ms", &options->hook_backoff_ms, 1, 600000, 1 },
        { "hook_queue", &options->hook_queue, 1, 1000000, 1 },
        { "hook_runs_kept", &options->hook_runs_kept, 1, 1000000, 1 },
        { "events_kept", &options->events_kept, 100, 10000000, 1 },
        { "counters_interval", &options->counters_interval_ms, 0, 3600,
          1000 },
        { "counters_tenants", &options->counters_tenants, 0, 100000, 1 },
        { "grace_ms", &options->grace_ms, 0, 86400000, 1 },
        { "border_down_ms", &options->border_down_ms, 0, 3600000, 1 },
        { "flowspec_away_s", &options->flowspec_away_ms, 3, 86400, 1000 },
        { "port_bum_pps", &options->port_bum_pps, 0, VX_RATE_PPS_MAX, 1 },
        { "vni_low", &options->vni_low, 0, VX_VNI_MAX, 1 },
    };

    *ret_known = false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint64_t n;

        if (strcmp(key, numbers[i].key)) {
            continue;
        }
        *ret_known = true;
        if (!parse_number(key, value, numbers[i].max, &n, err)) {
            return false;
        }
        if (n < numbers[i].min) {
            return vx_fail(err, VX_INVALID, key, "%s = %s: at least %u is "
                           "needed", key, value, numbers[i].min);
        }
        *numbers[i].p = (uint32_t) n * numbers[i].unit;
        return true;
    }
    return true;
}

static bool
set_counted(struct vx_options *options, const char *key, const char *value,
            struct vx_error *err)
{
    uint64_t n;

    if (!strcmp(key, "vni_quarantine_s")) {
        if (!parse_number(key, value, 365 * 86400, &n, err)) {
            return false;
        }
        options->vni_quarantine_ms = (int64_t) n * 1000;
    } else if (!strcmp(key, "mac_prefix")) {
        if (!parse_number(key, value, 255, &n, err)) {
            return false;
        }
        if ((n & 3) != 2) {
            return vx_fail(err, VX_INVALID, key, "mac_prefix = %s: not the "
                           "first byte of a locally administered unicast "
                           "MAC; 0x0a is one", value);
        }
        options->mac_prefix = (uint8_t) n;
    } else if (!strcmp(key, "journal_revisions")) {
        if (!parse_number(key, value, 100000000, &n, err)) {
            return false;
        }
        options->journal_revisions = (uint32_t) n;
    } else if (!strcmp(key, "probe_ms")) {
        if (!parse_number(key, value, 600000, &n, err)) {
            return false;
        }
        if (n < 200) {
            return vx_fail(err, VX_INVALID, key, "probe_ms = %s: at least 200 "
                           "is needed", value);
        }
        options->probe_ms = (uint32_t) n;
    } else if (!strcmp(key, "health_interval_ms")) {
        if (!parse_number(key, value, 60000, &n, err)) {
            return false;
        }
        if (n && n < 100) {
            return vx_fail(err, VX_INVALID, key, "health_interval_ms = %s: 0, "
                           "or at least 100 is needed", value);
        }
        options->health_interval_ms = (uint32_t) n;
    } else if (!strcmp(key, "audit_interval")) {
        if (!parse_number(key, value, 86400, &n, err)) {
            return false;
        }
        options->audit_interval_ms = (uint32_t) n * 1000;
    } else {
        return vx_fail(err, VX_INVALID, key, "unknown option \"%s\"; "
                       "vxfabric.conf(5) lists them", key);
    }
    return true;
}

bool
vx_options_set(struct vx_options *options, const char *key,
               const char *value, struct vx_error *err)
{
    struct {
        const char *key;
        char **p;
    } strings[] = {
        { "state_dir", &options->state_dir },
        { "run_dir", &options->run_dir },
        { "ovsdb", &options->ovsdb },
        { "openflow", &options->openflow },
        { "advertise", &options->advertise },
        { "hooks_dir", &options->hooks_dir },
    };

    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        if (!strcmp(key, strings[i].key)) {
            if (!*value) {
                return vx_fail(err, VX_INVALID, key, "%s is empty", key);
            }
            set_string(strings[i].p, value);
            return true;
        }
    }
    if (!strcmp(key, "api")) {
        return set_api(options, value, err);
    } else if (!strcmp(key, "log_level")) {
        return vx_log_level_parse(value, &options->log_level)
               || vx_fail(err, VX_INVALID, key, "log_level = \"%s\": error, "
                          "warn, info or debug is needed", value);
    } else if (!strcmp(key, "vni_ranges")) {
        return parse_ranges(key, value, options->vni_ranges,
                            &options->n_vni_ranges, err);
    } else if (!strcmp(key, "vni_reserved")) {
        return parse_ranges(key, value, options->vni_reserved,
                            &options->n_vni_reserved, err);
    } else if (!strcmp(key, "auto_zones")) {
        return parse_bool(key, value, &options->auto_zones, err);
    } else if (!strcmp(key, "epoch")) {
        return parse_bool(key, value, &options->epoch, err);
    } else if (!strcmp(key, "audit_repair")) {
        return parse_bool(key, value, &options->audit_repair, err);
    }
    if (!strcmp(key, "webhook")) {
        return set_webhook(options, value, err);
    }

    bool known;
    bool ok = set_ranged(options, key, value, &known, err);
    return known ? ok : set_counted(options, key, value, err);
}

/* Splits "key = value" in place; false on a line that is neither that nor
 * empty nor a comment. */
static bool
split_line(char *line, char **ret_key, char **ret_value)
{
    char *key = line + strspn(line, " \t"), *eq, *value, *end;

    *ret_key = NULL;
    if (!*key || *key == '#' || *key == '\n') {
        return true;
    }
    eq = strchr(key, '=');
    if (!eq) {
        return false;
    }
    for (end = eq; end > key && isspace((unsigned char) end[-1]); end--) {
    }
    *end = '\0';
    value = eq + 1 + strspn(eq + 1, " \t");
    for (end = value + strlen(value);
         end > value && isspace((unsigned char) end[-1]); end--) {
    }
    *end = '\0';
    *ret_key = key;
    *ret_value = value;
    return true;
}

bool
vx_options_load(struct vx_options *options, const char *path,
                struct vx_error *err)
{
    FILE *file = fopen(path, "re");
    char line[1024];
    bool ok = true;

    if (!file) {
        return vx_fail(err, VX_NOT_FOUND, "config", "%s: %s", path,
                       strerror(errno));
    }
    for (unsigned n = 1; ok && fgets(line, sizeof line, file); n++) {
        struct vx_error inner;
        char *key, *value;

        if (!strchr(line, '\n') && !feof(file)) {
            ok = vx_fail(err, VX_INVALID, "config", "%s:%u: line too long",
                         path, n);
        } else if (!split_line(line, &key, &value)) {
            ok = vx_fail(err, VX_INVALID, "config", "%s:%u: not \"key = "
                         "value\"", path, n);
        } else if (key && !vx_options_set(options, key, value, &inner)) {
            ok = vx_fail(err, inner.code, inner.field, "%s:%u: %.300s", path,
                         n, inner.message);
        }
    }
    fclose(file);
    return ok;
}

/* The option's value: "--key=value" or the next argument. */
static const char *
option_value(int argc, char **argv, int *i, const char *eq)
{
    return eq ? eq + 1 : *i + 1 < argc ? argv[++*i] : NULL;
}

static bool
set_pair(struct vx_options *options, const char *pair, struct vx_error *err)
{
    char *copy = vx_xstrdup(pair), *key, *value;
    bool ok;

    if (!split_line(copy, &key, &value) || !key) {
        ok = vx_fail(err, VX_INVALID, "set", "--set \"%s\": KEY=VALUE is "
                     "needed", pair);
    } else {
        ok = vx_options_set(options, key, value, err);
    }
    free(copy);
    return ok;
}

static bool
parse_option(struct vx_options *options, const char *name, const char *value,
             struct vx_error *err)
{
    static const char *const names[][2] = {
        { "--state-dir", "state_dir" }, { "--run-dir", "run_dir" },
        { "--api", "api" },             { "--ovsdb", "ovsdb" },
        { "--openflow", "openflow" },   { "--log-level", "log_level" },
    };

    if (!value) {
        value = "";             /* refused below, if the option is known */
    }
    if (!strcmp(name, "-c") || !strcmp(name, "--config")) {
        return true;                /* was read before */
    }
    if (!strcmp(name, "--set")) {
        return set_pair(options, value, err);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(name, names[i][0])) {
            return *value ? vx_options_set(options, names[i][1], value, err)
                   : vx_fail(err, VX_INVALID, name, "%s needs a value",
                             name);
        }
    }
    return vx_fail(err, VX_INVALID, name, "unknown option %s; see --help",
                   name);
}

/* -c comes first wherever it stands, so that the command line wins. */
static bool
load_config(struct vx_options *options, int argc, char **argv,
            struct vx_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *path = NULL;

        if (!strncmp(argv[i], "--config=", 9)) {
            path = argv[i] + 9;
        } else if (!strcmp(argv[i], "-c") || !strcmp(argv[i], "--config")) {
            path = i + 1 < argc ? argv[++i] : "";
        }
        if (path && !vx_options_load(options, path, err)) {
            return false;
        }
    }
    return true;
}

enum vx_options_verdict
vx_options_parse(struct vx_options *options, int argc, char **argv,
                 struct vx_error *err)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
            return VX_OPTIONS_HELP;
        } else if (!strcmp(argv[i], "-V") || !strcmp(argv[i], "--version")) {
            return VX_OPTIONS_VERSION;
        }
    }
    if (!load_config(options, argc, argv, err)) {
        return VX_OPTIONS_BAD;
    }
    for (int i = 1; i < argc; i++) {
        char name[64];
        const char *eq = strncmp(argv[i], "--", 2) ? NULL
                         : strchr(argv[i], '=');

        if (argv[i][0] != '-') {
            vx_fail(err, VX_INVALID, "", "unexpected argument \"%s\"; see "
                    "--help", argv[i]);
            return VX_OPTIONS_BAD;
        }
        snprintf(name, sizeof name, "%.60s", argv[i]);
        name[strcspn(name, "=")] = '\0';
        if (!parse_option(options, name, option_value(argc, argv, &i, eq),
                          err)) {
            return VX_OPTIONS_BAD;
        }
    }
    vx_options_finish(options);
    return VX_OPTIONS_RUN;
}

void
vx_options_finish(struct vx_options *options)
{
    if (!options->n_api) {
        options->api[options->n_api++] =
            vx_xasprintf("unix:%s/api.sock", options->run_dir);
    }
}
