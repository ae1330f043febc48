/* SPDX-License-Identifier: Apache-2.0 */
/* Options of vxgatewayd: defaults, then the file of -c, then the command line
 * (shell/conf.h).  vxgatewayd(8). */
#ifndef VX_GATEWAY_OPTIONS_H
#define VX_GATEWAY_OPTIONS_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/log.h"
#include "shell/conf.h"

struct vx_gw_options {
    char *server;               /* ADDR; required */
    char *server_ca;            /* file; NULL = the system's */
    char *name;                 /* of the gateway; required */
    char *zserv;                /* path of zebra's API socket */
    char *vty_dir;              /* of zebra and bgpd */
    char *reflector_vty_dir;
    char *run_dir;
    char *netns_dir;            /* NULL = /run/netns */
    char *ovsdb;                /* ADDR; NULL = default */
    char *metrics;              /* ADDR; NULL = none */
    char *route_type;           /* "openfabric" or "babel" */
    uint32_t reflector_port;
    uint32_t restart_s;         /* zebra keeps our routes so long */
    uint32_t settle_s;          /* heard routes are awaited so long after a
                                 * start */
    uint32_t audit_s;           /* between two audits; 0 = when asked */
    bool withdraw_on_exit;
    bool save_config;           /* FRR writes its configuration files */
    bool spare_routes;          /* spare.h */
    enum vx_log_level log_level;
};

void vx_gw_options_init(struct vx_gw_options *options);
void vx_gw_options_fini(struct vx_gw_options *options);

/* One "key = value" of the file, or --key value of the command line. */
bool vx_gw_options_set(struct vx_gw_options *options, const char *key,
                       const char *value, struct vx_error *err);
enum vx_conf_verdict vx_gw_options_parse(struct vx_gw_options *options,
                                         int argc, char **argv,
                                         struct vx_error *err);

extern const char vx_gw_options_usage[];

#endif
