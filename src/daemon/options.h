/* SPDX-License-Identifier: Apache-2.0 */
/* Options of vxfabricd: defaults, then the file of -c, then the command line
 * (shell/conf.h).  vxfabric.conf(5). */
#ifndef VX_DAEMON_OPTIONS_H
#define VX_DAEMON_OPTIONS_H

#include "core/model.h"
#include "lib/err.h"
#include "lib/log.h"
#include "shell/conf.h"

enum {
    VX_OPTIONS_MAX_API = 8,
    VX_OPTIONS_MAX_RANGES = 64,
    VX_OPTIONS_MAX_WEBHOOKS = 16,
};

struct vx_webhook {
    char *url;                      /* http: or https:, its name */
    char *secret_file;              /* absolute path */
    char *events;                   /* " host-join host-down ", "" = all */
};

struct vx_options {
    char *state_dir;
    char *run_dir;
    char *api[VX_OPTIONS_MAX_API];  /* ADDR */
    size_t n_api;
    char *ovsdb;                    /* ADDR, tcp: */
    char *openflow;                 /* ADDR, tcp: */
    char *advertise;                /* IP hosts connect to for OpenFlow; NULL:
                                     * the one their OVSDB connected to */
    enum vx_log_level log_level;
    struct vx_vni_range vni_ranges[VX_OPTIONS_MAX_RANGES];
    size_t n_vni_ranges;            /* 0 = all */
    struct vx_vni_range vni_reserved[VX_OPTIONS_MAX_RANGES];
    size_t n_vni_reserved;
    int64_t vni_quarantine_ms;
    uint8_t mac_prefix;
    bool auto_zones;                /* a host may join a zone not made yet */
    uint32_t journal_revisions;     /* kept for watch?since= */
    uint32_t grace_ms;              /* what stays on a host for a while */
    uint32_t port_bum_pps;          /* of ports that name none; 0 = off */
    uint32_t border_down_ms;        /* a border that is away is given up */
    uint32_t flowspec_away_ms;      /* so long learned FlowSpec rules outlive
                                     * their gateway's last report */
    uint32_t probe_ms;              /* keepalive of host connections */
    uint32_t health_interval_ms;    /* between two questions to a next hop,
                                     * 0 = none is asked */
    bool epoch;                     /* a switch that was not touched is
                                     * believed */
    uint32_t audit_interval_ms;     /* of each host, 0 = only on demand */
    bool audit_repair;              /* of its own accord */

    uint32_t counters_interval_ms;  /* of each host, 0 = only on demand */
    uint32_t counters_tenants;      /* of their own in /metrics */

    char *hooks_dir;                /* executables in EVENT/ */
    struct vx_webhook webhooks[VX_OPTIONS_MAX_WEBHOOKS];
    size_t n_webhooks;
    uint32_t hook_timeout_ms;       /* of one attempt */
    uint32_t hook_jobs;             /* at once */
    uint32_t hook_attempts;
    uint32_t hook_backoff_ms;       /* after the first failure; doubles */
    uint32_t hook_queue;            /* runs that wait */
    uint32_t hook_runs_kept;        /* ended ones, dead ones each */
    uint32_t events_kept;
    uint32_t vni_low;               /* free VNIs, 0 = never told */
};

void vx_options_init(struct vx_options *options);   /* defaults */
void vx_options_fini(struct vx_options *options);

/* One "key = value" of the file, or --key value of the command line. */
bool vx_options_set(struct vx_options *options, const char *key,
                    const char *value, struct vx_error *err);
enum vx_conf_verdict vx_options_parse(struct vx_options *options,
                                      int argc, char **argv,
                                      struct vx_error *err);
/* After everything is set: fills in what depends on the rest. */
void vx_options_finish(struct vx_options *options);

extern const char vx_options_usage[];

#endif
