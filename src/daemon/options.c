/* SPDX-License-Identifier: Apache-2.0 */
/* Options of vxfabricd; see options.h. */
#include "daemon/options.h"

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

/* Numbers with more to them than a range. */
static bool
set_special(struct vx_options *options, const char *key, const char *value,
            struct vx_error *err)
{
    uint64_t n;

    if (!strcmp(key, "vni_quarantine_s")) {
        if (!vx_conf_number(key, value, 365 * 86400, &n, err)) {
            return false;
        }
        options->vni_quarantine_ms = (int64_t) n * 1000;
    } else if (!strcmp(key, "mac_prefix")) {
        if (!vx_conf_number(key, value, 255, &n, err)) {
            return false;
        }
        if ((n & 3) != 2) {
            return vx_fail(err, VX_INVALID, key, "mac_prefix = %s: not the "
                           "first byte of a locally administered unicast "
                           "MAC; 0x0a is one", value);
        }
        options->mac_prefix = (uint8_t) n;
    } else if (!strcmp(key, "health_interval_ms")) {
        if (!vx_conf_number(key, value, 60000, &n, err)) {
            return false;
        }
        if (n && n < 100) {
            return vx_fail(err, VX_INVALID, key, "health_interval_ms = %s: 0, "
                           "or at least 100 is needed", value);
        }
        options->health_interval_ms = (uint32_t) n;
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
    struct vx_options *o = options;
    const struct vx_conf_key keys[] = {
        { "state_dir", .string = &o->state_dir },
        { "run_dir", .string = &o->run_dir },
        { "ovsdb", .string = &o->ovsdb },
        { "openflow", .string = &o->openflow },
        { "advertise", .string = &o->advertise },
        { "hooks_dir", .string = &o->hooks_dir },
        { "log_level", .level = &o->log_level },
        { "auto_zones", .flag = &o->auto_zones },
        { "epoch", .flag = &o->epoch },
        { "audit_repair", .flag = &o->audit_repair },
#define NUMBER(NAME, P, MIN, MAX, UNIT) \
        { NAME, .number = &o->P, .min = MIN, .max = MAX, .unit = UNIT }
        NUMBER("journal_revisions", journal_revisions, 0, 100000000, 1),
        NUMBER("probe_ms", probe_ms, 200, 600000, 1),
        NUMBER("audit_interval", audit_interval_ms, 0, 86400, 1000),
        NUMBER("hook_timeout_s", hook_timeout_ms, 1, 3600, 1000),
        NUMBER("hook_jobs", hook_jobs, 1, 256, 1),
        NUMBER("hook_attempts", hook_attempts, 1, 1000, 1),
        NUMBER("hook_backoff_ms", hook_backoff_ms, 1, 600000, 1),
        NUMBER("hook_queue", hook_queue, 1, 1000000, 1),
        NUMBER("hook_runs_kept", hook_runs_kept, 1, 1000000, 1),
        NUMBER("events_kept", events_kept, 100, 10000000, 1),
        NUMBER("counters_interval", counters_interval_ms, 0, 3600, 1000),
        NUMBER("counters_tenants", counters_tenants, 0, 100000, 1),
        NUMBER("grace_ms", grace_ms, 0, 86400000, 1),
        NUMBER("border_down_ms", border_down_ms, 0, 3600000, 1),
        NUMBER("flowspec_away_s", flowspec_away_ms, 3, 86400, 1000),
        NUMBER("port_bum_pps", port_bum_pps, 0, VX_RATE_PPS_MAX, 1),
        NUMBER("vni_low", vni_low, 0, VX_VNI_MAX, 1),
#undef NUMBER
    };
    bool known;
    bool ok = vx_conf_set(keys, sizeof keys / sizeof *keys, key, value,
                          &known, err);

    if (known) {
        return ok;
    } else if (!strcmp(key, "api")) {
        return set_api(options, value, err);
    } else if (!strcmp(key, "vni_ranges")) {
        return parse_ranges(key, value, options->vni_ranges,
                            &options->n_vni_ranges, err);
    } else if (!strcmp(key, "vni_reserved")) {
        return parse_ranges(key, value, options->vni_reserved,
                            &options->n_vni_reserved, err);
    } else if (!strcmp(key, "webhook")) {
        return set_webhook(options, value, err);
    }
    return set_special(options, key, value, err);
}

static bool
set(void *options, const char *key, const char *value, struct vx_error *err)
{
    return vx_options_set(options, key, value, err);
}

enum vx_conf_verdict
vx_options_parse(struct vx_options *options, int argc, char **argv,
                 struct vx_error *err)
{
    static const char *const names[] = {
        "state_dir", "run_dir", "api", "ovsdb", "openflow", "log_level", NULL
    };
    const struct vx_conf conf = {
        .set = set, .aux = options, .options = names,
    };
    enum vx_conf_verdict verdict = vx_conf_parse(&conf, argc, argv, err);

    if (verdict == VX_CONF_RUN) {
        vx_options_finish(options);
    }
    return verdict;
}

void
vx_options_finish(struct vx_options *options)
{
    if (!options->n_api) {
        options->api[options->n_api++] =
            vx_xasprintf("unix:%s/api.sock", options->run_dir);
    }
}
