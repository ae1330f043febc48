/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes that bgpd announces though zebra has them no more.
 *
 * bgpd of FRR 8.2 to 9.0 does not hear what is withdrawn from the moment that
 * zebra goes until it is made to subscribe again (peers.c), and announces it
 * for ever.  So bgpd is asked what it has redistributed; of what nobody wants
 * zebra is given a route, and when that is installed it is taken back: then
 * bgpd hears of it. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/app.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { GHOSTS_MAX = 65536 };

struct vx_gw_ghost {
    char vrf[BG_VRF_NAME_SIZE];
    struct vx_prefix prefix;
};

/* A path of bgpd's own making: that of a peer has another weight. */
static bool
is_own_path(const cJSON *path)
{
    return cJSON_GetNumberValue(
               cJSON_GetObjectItemCaseSensitive(path, "weight")) == 32768;
}

static bool
is_redistributed(const cJSON *paths)
{
    const cJSON *path;

    cJSON_ArrayForEach (path, paths) {
        if (is_own_path(path)) {
            return true;
        }
    }
    return false;
}

static bool
is_wanted(const struct vx_gw_app *app, const char *tenant, const char *prefix)
{
    char key[VX_GW_KEY_MAX + 1];
    const struct vx_gw_entry *entry;

    snprintf(key, sizeof key, "%.120s %.60s", tenant, prefix);
    entry = vx_gw_entries_find(app->entries, VX_GW_PREFIX, key);
    return entry && entry->value;
}

static void
lay(struct vx_gw_app *app, const char *vrf, const struct vx_prefix *prefix)
{
    const struct bg_want want = { .prefix = *prefix,
                                  .distance = VX_GW_DISTANCE };
    struct vx_gw_ghost *ghost;

    app->ghosts = vx_grow(app->ghosts, &app->cap_ghosts, app->n_ghosts + 1,
                          sizeof *app->ghosts);
    ghost = &app->ghosts[app->n_ghosts++];
    snprintf(ghost->vrf, sizeof ghost->vrf, "%s", vrf);
    ghost->prefix = *prefix;
    bg_zebra_set(app->zebra, vrf, &want, app->token);
}

static void
look(struct vx_gw_app *app, const cJSON *json)
{
    const char *vrf = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(json, "vrfName"));
    uint32_t vni = vrf ? vx_gw_vrf_parse(vrf) : 0;
    const struct vx_gw_entry *tenant =
        vni ? vx_gw_entries_tenant_of(app->entries, vni) : NULL;
    const cJSON *paths;
    size_t n = 0;

    if (!tenant) {
        return;
    }
    cJSON_ArrayForEach (paths,
                        cJSON_GetObjectItemCaseSensitive(json, "routes")) {
        struct vx_prefix prefix;

        if (paths->string && vx_prefix_parse(paths->string, &prefix)
            && is_redistributed(paths)
            && !is_wanted(app, tenant->key, paths->string)
            && app->n_ghosts < GHOSTS_MAX) {
            lay(app, vrf, &prefix);
            n++;
        }
    }
    if (n) {
        vx_log_warn("peers", "bgpd announces %zu prefixes in %s that are "
                    "withdrawn: takes them back", n, vrf);
    }
}

static void
answered(void *app, bool ok, const char *text, const struct vx_error *err)
{
    cJSON *json;

    if (!ok) {
        vx_log_debug("peers", "%s", err->message);
        return;
    }
    json = cJSON_Parse(text);
    look(app, json);
    cJSON_Delete(json);
}

void
vx_gw_app_find_ghosts(struct vx_gw_app *app)
{
    struct vx_gw_vty *vty =
        vx_gw_frr_vty(vx_gw_node_frr(app->node, VX_GW_BGPD));

    VX_GW_FOR_EACH(entry, app->entries, VX_GW_TENANT, "") {
        for (int family = 4; family <= 6; family += 2) {
            char question[96];

            snprintf(question, sizeof question,
                     "show bgp vrf %s ipv%d unicast json",
                     entry->value->tenant.vrf, family);
            vx_gw_vty_ask(vty, question, answered, app);
        }
    }
}

bool
vx_gw_app_ghost_event(struct vx_gw_app *app,
                      const struct bg_route_event *event)
{
    for (size_t i = 0; i < app->n_ghosts; i++) {
        struct vx_gw_ghost *ghost = &app->ghosts[i];
        const struct bg_want key = { .prefix = ghost->prefix };
        char prefix[VX_PREFIX_STRLEN];
        const struct vx_gw_entry *tenant;

        if (strcmp(ghost->vrf, event->vrf)
            || vx_prefix_compare(&ghost->prefix, &event->prefix)) {
            continue;
        }
        if (event->state == BG_ROUTE_PENDING) {
            return true;
        }
        tenant = vx_gw_entries_tenant_of(app->entries,
                                         vx_gw_vrf_parse(ghost->vrf));
        vx_prefix_format(&ghost->prefix, prefix);
        /* Somebody may have come to want it meanwhile. */
        if (!tenant || !is_wanted(app, tenant->key, prefix)) {
            bg_zebra_unset(app->zebra, ghost->vrf, &key, app->token);
        }
        *ghost = app->ghosts[--app->n_ghosts];
        return true;
    }
    return false;
}
