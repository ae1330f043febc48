/* SPDX-License-Identifier: Apache-2.0 */
/* Options of vxgatewayd; see options.h. */
#include "gateway/options.h"

#include <ctype.h>
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
    "      --audit-interval SECONDS\n"
    "                             so often what FRR and the kernel hold is "
    "looked\n"
    "                             at, and put right; 0: only when asked "
    "(default 60)\n"
    "      --save-config BOOL     bgpd and the reflector write their files "
    "when\n"
    "                             they were configured (default false)\n"
    "      --spare-routes BOOL    what is learned has a spare copy in the "
    "kernel,\n"
    "                             for when bgpd is stopped (default true)\n"
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
        .reflector_port = 1179, .spare_routes = true,
        .restart_s = 120,
        .settle_s = 30,
        .audit_s = 60,
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

bool
vx_gw_options_set(struct vx_gw_options *options, const char *key,
                  const char *value, struct vx_error *err)
{
    struct vx_gw_options *o = options;
    const struct vx_conf_key keys[] = {
        { "server", .string = &o->server },
        { "server_ca", .string = &o->server_ca },
        { "name", .string = &o->name },
        { "zserv", .string = &o->zserv },
        { "vty_dir", .string = &o->vty_dir },
        { "reflector_vty_dir", .string = &o->reflector_vty_dir },
        { "run_dir", .string = &o->run_dir },
        { "netns_dir", .string = &o->netns_dir },
        { "ovsdb", .string = &o->ovsdb },
        { "metrics", .string = &o->metrics },
        { "route_type", .string = &o->route_type },
        { "reflector_port", .number = &o->reflector_port, .min = 1,
          .max = 65535 },
        { "restart_time", .number = &o->restart_s, .max = 3600 },
        { "settle_time", .number = &o->settle_s, .max = 3600 },
        { "audit_interval", .number = &o->audit_s, .max = 86400 },
        { "withdraw_on_exit", .flag = &o->withdraw_on_exit },
        { "save_config", .flag = &o->save_config },
        { "spare_routes", .flag = &o->spare_routes },
        { "log_level", .level = &o->log_level },
    };
    bool known;
    bool ok = vx_conf_set(keys, sizeof keys / sizeof *keys, key, value,
                          &known, err);

    return known ? ok
           : vx_fail(err, VX_INVALID, key, "unknown option \"%s\"; "
                     "vxgatewayd(8) lists them", key);
}

static bool
set(void *options, const char *key, const char *value, struct vx_error *err)
{
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

enum vx_conf_verdict
vx_gw_options_parse(struct vx_gw_options *options, int argc, char **argv,
                    struct vx_error *err)
{
    const struct vx_conf conf = {
        .set = set, .aux = options, .flag = "withdraw_on_exit",
    };
    enum vx_conf_verdict verdict = vx_conf_parse(&conf, argc, argv, err);

    return verdict == VX_CONF_RUN && !finish(options, err) ? VX_CONF_BAD
                                                           : verdict;
}
