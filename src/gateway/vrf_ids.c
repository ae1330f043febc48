/* SPDX-License-Identifier: Apache-2.0 */
/* Whether bgpd means the same VRF by a number as zebra does.
 *
 * zebra numbers namespaces as it finds them, another way after each start.
 * bgpd of FRR 8.2 to 9.0 that has been there before keeps the numbers it
 * knew: from the moment that it is a client again, one tenant's routes go
 * into the VRF of another.  So before anything else is said to bgpd, numbers
 * are compared, and a bgpd that has others is ended at once, by SIGKILL, as
 * in a crash: graceful restart keeps the routes on both sides, and what
 * watches over it (watchfrr, systemd) starts it again.  Nothing milder helps:
 * it keeps a VRF's number for as long as it lives.  Where it cannot be ended
 * (no CAP_KILL), tenants have no sessions until somebody else does it.  bfdd
 * keeps its numbers the same way, and goes with bgpd: it would watch one
 * tenant's link for another's. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/app.h"
#include "gateway/end.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { KILL_AGAIN_MS = 20000 };

/* The number after "vrf NAME id " in zebra's answer; -1 if it is not there. */
static long
id_at_zebra(const char *text, const char *vrf)
{
    char line[64];
    const char *at;

    snprintf(line, sizeof line, "vrf %.36s id ", vrf);
    for (at = strstr(text, line); at; at = strstr(at + 1, line)) {
        if (at == text || at[-1] == '\n') {
            return strtol(at + strlen(line), NULL, 10);
        }
    }
    return -1;
}

const char *
vx_gw_vrf_ids_differ(const char *zebra, const char *bgpd, char *ret_vrf)
{
    cJSON *json = cJSON_Parse(bgpd);
    const cJSON *vrf;
    bool differ = false;

    cJSON_ArrayForEach (vrf, cJSON_GetObjectItemCaseSensitive(json, "vrfs")) {
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(vrf, "vrfId");
        long there;

        /* Below 0: bgpd does not know it yet, and will be told. */
        if (!vrf->string || !vx_gw_vrf_parse(vrf->string)
            || !cJSON_IsNumber(id) || id->valuedouble < 0) {
            continue;
        }
        there = id_at_zebra(zebra, vrf->string);
        if (there >= 0 && (double) there != id->valuedouble) {
            snprintf(ret_vrf, VX_GW_IFNAME_SIZE, "%s", vrf->string);
            differ = true;
            break;
        }
    }
    cJSON_Delete(json);
    return differ ? ret_vrf : NULL;
}

void
vx_gw_app_end_bfdd(struct vx_gw_app *app)
{
    if (!vx_gw_app_wants_bfd(app)
        || (app->bfdd_killed_ms
            && vx_clock_ms() < app->bfdd_killed_ms + KILL_AGAIN_MS)) {
        return;
    }
    app->bfdd_killed_ms = vx_clock_ms();
    if (vx_gw_end_daemon(app->bfdd_vty, "bfdd")) {
        vx_log_warn("peers", "bfdd takes VRFs for others since zebra was "
                    "restarted: ended, to be started again by what watches "
                    "over it");
    } else {
        vx_log_error("peers", "bfdd takes VRFs for others since zebra was "
                     "restarted, and cannot be ended from here: restart it; "
                     "until then a gateway's silent death may go unnoticed");
    }
}

static void
end_bgpd(struct vx_gw_app *app, const char *vrf)
{
    const struct vx_gw_vty *vty =
        vx_gw_frr_vty(vx_gw_node_frr(app->node, VX_GW_BGPD));

    if (vx_clock_ms() < app->ids_killed_ms + KILL_AGAIN_MS
        && app->ids_killed_ms) {
        return;
    }
    app->ids_killed_ms = vx_clock_ms();
    vx_gw_app_end_bfdd(app);
    if (!vx_gw_end_daemon(vty, "bgpd")) {
        vx_log_error("peers", "bgpd takes VRF %s for another one since zebra "
                     "was restarted, and cannot be ended from here: no "
                     "sessions of tenants until it is restarted", vrf);
        vx_gw_node_silence(app->node, "bgpd takes one tenant's VRF for "
                           "another's since zebra was restarted, and "
                           "vxgatewayd may not end it (CAP_KILL): restart "
                           "bgpd");
        return;
    }
    vx_log_warn("peers", "bgpd takes VRF %s for another one since zebra was "
                "restarted: ended, to be started again by what watches over "
                "it", vrf);
}

static void
bgpd_answered(void *app_, bool ok, const char *text,
              const struct vx_error *err)
{
    struct vx_gw_app *app = app_;
    char vrf[VX_GW_IFNAME_SIZE];

    (void) err;
    app->asking_ids = false;
    if (!ok || !app->zebra_vrfs) {
        return;
    }
    if (vx_gw_vrf_ids_differ(app->zebra_vrfs, text, vrf)) {
        end_bgpd(app, vrf);
    } else {
        app->ids_unknown = false;
        vx_gw_node_silence(app->node, NULL);
    }
}

static void
zebra_answered(void *app_, bool ok, const char *text,
               const struct vx_error *err)
{
    struct vx_gw_app *app = app_;

    (void) err;
    free(app->zebra_vrfs);
    app->zebra_vrfs = ok ? vx_xstrdup(text) : NULL;
}

void
vx_gw_app_compare_vrf_ids(struct vx_gw_app *app)
{
    struct vx_gw_frr *zebra = vx_gw_node_frr(app->node, VX_GW_ZEBRA);
    struct vx_gw_frr *bgpd = vx_gw_node_frr(app->node, VX_GW_BGPD);

    if (!app->ids_unknown) {
        return;
    }
    if (!vx_gw_frr_is_up(zebra) || !vx_gw_frr_is_up(bgpd)) {
        app->asking_ids = false;
        return;
    }
    if (!app->asking_ids) {
        app->asking_ids = true;
        free(app->zebra_vrfs);
        app->zebra_vrfs = NULL;
        vx_gw_vty_ask(vx_gw_frr_vty(zebra), "show vrf", zebra_answered, app);
        vx_gw_vty_ask(vx_gw_frr_vty(bgpd), "show bgp vrfs json",
                      bgpd_answered, app);
    }
}
