/* SPDX-License-Identifier: Apache-2.0 */
/* Options of vxgatewayd; see options.h. */
#include "gateway/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/object.h"
#include "lib/xalloc.h"

const char vx_gw_options_usage[] =
    "usage: vxgatewayd [-c FILE] --server ADDR --name GATEWAY [OPTION]...\n"
    "Announces a fabric's tenants through FRR, in the foreground.\n"
    "\n"
    "  -c, --config FILE          read options from FILE first\n"
    "      --server ADDR          the controller\n"
    "      --server-ca FILE       certificates it may show, for tls:\n"
    "      --name GATEWAY         which gateway this is\n"
    "      --zserv PATH           zebra's API (default /run/frr/zserv.api)\n"
    "      --vty-dir DIR          VTYs of zebra and bgpd (default /run/frr)\n"
    "      --reflector-vty-dir DIR\n"
    "                             VTY of the reflector\n"
    "                             (default /run/frr/reflector)\n"
    "      --reflector-port PORT  where the reflector listens (default "
    "1179)\n"
    "      --run-dir DIR          last state (default /run/vxgatewayd)\n"
    "      --netns-dir DIR        network namespaces (default /run/netns)\n"
    "      --ovsdb ADDR           database of this host's Open vSwitch\n"
    "      --metrics ADDR         serve /metrics there\n"
    "      --route-type TYPE      openfabric or babel: whose routes ours are\n"
    "                             to zebra (default openfabric)\n"
    "      --restart-time SECONDS zebra keeps our routes so long while we "
    "are\n"
    "                             away (default 120)\n"
    "      --settle-time SECONDS  so long after a start for what is learned\n"
    "                             to come back (default 30)\n"
    "      --save-config BOOL     bgpd and the reflector write their files "
    "when\n"
    "                             they were configured (default false)\n"
    "      --withdraw-on-exit     take back what is announced at the end\n"
    "      --log-level LEVEL      error, warn, info or debug (default info)\n"
    "  -h, --help                 this text\n"
    "  -V, --version              the version\n"
    "\n"
    "ADDR is unix:PATH, tcp:IP:PORT or, of the controller, tls:IP:PORT; [IP]\n"
    "for IPv6.\n";

void
vx_gw_options_init(struct vx_gw_options *options)
{
    *options = (struct vx_gw_options) {
        .zserv = vx_xstrdup("/run/frr/zserv.api"),
        .vty_dir = vx_xstrdup("/run/frr"),
        .reflector_vty_dir = vx_xstrdup("/run/frr/reflector"),
        .run_dir = vx_xstrdup("/run/vxgatewayd"),
        .route_type = vx_xstrdup("openfabric"),
        .reflector_port = 1179,
        .restart_s = 120,
        .settle_s = 30,
        .log_level = VX_LOG_INFO,
    };
}

void
vx_gw_options_fini(struct vx_gw_options *options)
{
    free(options->server);
    free(options->server_ca);
    free(options->name);
    free(options->zserv);
    free(options->vty_dir);
    free(options->reflector_vty_dir);
    free(options->run_dir);
    free(options->netns_dir);
    free(options->ovsdb);
    free(options->metrics);
    free(options->route_type);
}

/* --- One key. */

static bool
set_string(struct vx_gw_options *options, const char *key, const char *value,
           bool *ret_known, struct vx_error *err)
{
    const struct {
        const char *key;
        char **p;
    } strings[] = {
        { "server", &options->server },
        { "server_ca", &options->server_ca },
        { "name", &options->name },
        { "zserv", &options->zserv },
        { "vty_dir", &options->vty_dir },
        { "reflector_vty_dir", &options->reflector_vty_dir },
        { "run_dir", &options->run_dir },
        { "netns_dir", &options->netns_dir },
        { "ovsdb", &options->ovsdb },
        { "metrics", &options->metrics },
        { "route_type", &options->route_type },
    };

    *ret_known = false;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        if (!strcmp(key, strings[i].key)) {
            *ret_known = true;
            if (!*value) {
                return vx_fail(err, VX_INVALID, key, "%s is empty", key);
            }
            free(*strings[i].p);
            *strings[i].p = vx_xstrdup(value);
            return true;
        }
    }
    return true;
}

static bool
set_number(struct vx_gw_options *options, const char *key, const char *value,
           bool *ret_known, struct vx_error *err)
{
    const struct {
        const char *key;
        uint32_t *p;
        uint32_t min, max;
    } numbers[] = {
        { "reflector_port", &options->reflector_port, 1, 65535 },
        { "restart_time", &options->restart_s, 0, 3600 },
        { "settle_time", &options->settle_s, 0, 3600 },
    };

    *ret_known = false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        unsigned long n;
        char *end;

        if (strcmp(key, numbers[i].key)) {
            continue;
        }
        *ret_known = true;
        errno = 0;
        n = strtoul(value, &end, 10);
        if (!isdigit((unsigned char) value[0]) || *end || errno
            || n < numbers[i].min || n > numbers[i].max) {
            return vx_fail(err, VX_INVALID, key, "%s = \"%s\": a number of "
                           "%u..%u is needed", key, value, numbers[i].min,
                           numbers[i].max);
        }
        *numbers[i].p = (uint32_t) n;
        return true;
    }
    return true;
}

bool
vx_gw_options_set(struct vx_gw_options *options, const char *key,
                  const char *value, struct vx_error *err)
{
    bool known, ok = set_string(options, key, value, &known, err);

    if (known) {
        return ok;
    }
    ok = set_number(options, key, value, &known, err);
    if (known) {
        return ok;
    }
    if (!strcmp(key, "log_level")) {
        return vx_log_level_parse(value, &options->log_level)
               || vx_fail(err, VX_INVALID, key, "log_level = \"%s\": error, "
                          "warn, info or debug is needed", value);
    }
    if (!strcmp(key, "withdraw_on_exit") || !strcmp(key, "save_config")) {
        bool *p = *key == 'w' ? &options->withdraw_on_exit
                              : &options->save_config;

        if (strcmp(value, "true") && strcmp(value, "yes")
            && strcmp(value, "false") && strcmp(value, "no")) {
            return vx_fail(err, VX_INVALID, key, "%s = \"%s\": true or false "
                           "is needed", key, value);
        }
        *p = *value == 't' || *value == 'y';
        return true;
    }
    return vx_fail(err, VX_INVALID, key, "unknown option \"%s\"; "
                   "vxgatewayd(8) lists them", key);
}

/* --- The file. */

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
    if (!eq || eq == key) {
        return false;
    }
    end = eq;
    while (end > key && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *end = '\0';
    value = eq + 1 + strspn(eq + 1, " \t");
    end = value + strlen(value);
    while (end > value && isspace((unsigned char) end[-1])) {
        end--;
    }
    *end = '\0';
    *ret_key = key;
    *ret_value = value;
    return *key != '\0';
}

bool
vx_gw_options_load(struct vx_gw_options *options, const char *path,
                   struct vx_error *err)
{
    FILE *file = fopen(path, "re");
    char line[4096];
    unsigned n = 0;
    bool ok = true;

    if (!file) {
        return vx_fail(err, VX_NOT_FOUND, "config", "cannot read %s: %s",
                       path, strerror(errno));
    }
    while (ok && fgets(line, sizeof line, file)) {
        char *key, *value;
        struct vx_error inner;

        n++;
        if (!strchr(line, '\n') && !feof(file)) {
            ok = vx_fail(err, VX_INVALID, "config", "%s:%u: the line is "
                         "longer than %zu bytes", path, n, sizeof line - 2);
        } else if (!split_line(line, &key, &value)) {
            ok = vx_fail(err, VX_INVALID, "config", "%s:%u: not \"key = "
                         "value\"", path, n);
        } else if (key && !vx_gw_options_set(options, key, value, &inner)) {
            ok = vx_fail(err, inner.code, inner.field, "%s:%u: %.300s", path,
                         n, inner.message);
        }
    }
    fclose(file);
    return ok;
}

/* --- The command line. */

/* "--run-dir" -> "run_dir". */
static void
key_of(const char *option, char key[64])
{
    snprintf(key, 64, "%.60s", option + 2);
    key[strcspn(key, "=")] = '\0';
    for (char *p = key; *p; p++) {
        *p = *p == '-' ? '_' : *p;
    }
}

static bool
is_config(const char *arg)
{
    return !strcmp(arg, "-c") || !strcmp(arg, "--config");
}

/* -c comes first wherever it stands, so that the command line wins. */
static bool
load_config(struct vx_gw_options *options, int argc, char **argv,
            struct vx_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *path = NULL;

        if (!strncmp(argv[i], "--config=", 9)) {
            path = argv[i] + 9;
        } else if (is_config(argv[i])) {
            path = i + 1 < argc ? argv[++i] : "";
        }
        if (path && !vx_gw_options_load(options, path, err)) {
            return false;
        }
    }
    return true;
}

static bool
parse_option(struct vx_gw_options *options, int argc, char **argv, int *i,
             struct vx_error *err)
{
    const char *arg = argv[*i], *eq = strchr(arg, '='), *value;
    char key[64];

    if (is_config(arg)) {
        ++*i;                       /* was read before */
        return true;
    }
    if (strncmp(arg, "--", 2)) {
        return vx_fail(err, VX_INVALID, "", "unexpected argument \"%s\"; see "
                       "--help", arg);
    }
    key_of(arg, key);
    if (!strcmp(key, "config")) {
        return true;
    }
    if (!strcmp(key, "withdraw_on_exit") && !eq) {
        options->withdraw_on_exit = true;
        return true;
    }
    value = eq ? eq + 1 : *i + 1 < argc ? argv[++*i] : "";
    return vx_gw_options_set(options, key, value, err);
}

static bool
is_name(const char *name)
{
    static const char *const letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return isalnum((unsigned char) name[0])
           && strspn(name, letters) == strlen(name)
           && strlen(name) <= VX_NAME_MAX;
}

static bool
finish(struct vx_gw_options *options, struct vx_error *err)
{
    if (!options->server || !options->name) {
        return vx_fail(err, VX_INVALID, options->server ? "name" : "server",
                       "--%s is needed; see --help",
                       options->server ? "name" : "server");
    }
    if (!is_name(options->name)) {
        return vx_fail(err, VX_INVALID, "name", "\"%.80s\" is no name of a "
                       "gateway", options->name);
    }
    if (strcmp(options->route_type, "openfabric")
        && strcmp(options->route_type, "babel")) {
        return vx_fail(err, VX_INVALID, "route_type", "\"%.40s\": openfabric "
                       "or babel is needed", options->route_type);
    }
    return true;
}

enum vx_gw_options_verdict
vx_gw_options_parse(struct vx_gw_options *options, int argc, char **argv,
                    struct vx_error *err)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
            return VX_GW_OPTIONS_HELP;
        } else if (!strcmp(argv[i], "-V") || !strcmp(argv[i], "--version")) {
            return VX_GW_OPTIONS_VERSION;
        }
    }
    if (!load_config(options, argc, argv, err)) {
        return VX_GW_OPTIONS_BAD;
    }
    for (int i = 1; i < argc; i++) {
        if (!parse_option(options, argc, argv, &i, err)) {
            return VX_GW_OPTIONS_BAD;
        }
    }
    return finish(options, err) ? VX_GW_OPTIONS_RUN : VX_GW_OPTIONS_BAD;
}
