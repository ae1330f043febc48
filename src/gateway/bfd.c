/* SPDX-License-Identifier: Apache-2.0 */
/* BFD sessions that bgpd believes to have and bfdd does not know.
 *
 * bgpd registers them with bfdd through zebra, and does not again when zebra
 * or bfdd was restarted before it (FRR 8.4): BGP is up, and nobody would
 * notice the silent death of the other side.  So bfdd is asked now and then;
 * what it lacks, twice in a row, bgpd is made to register again.  A session
 * that bfdd has is never touched, whatever its state; but a bfdd that has one
 * on another device than the peering's, twice in a row, takes one VRF for
 * another, and is ended (vrf_ids.c). */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/app.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum { LOOK_S = 5, AGAIN_MS = 30000, MISSING_MAX = 1000 };

struct vx_gw_missing {
    char vrf[VX_GW_IFNAME_SIZE];
    struct vx_ip peer;
    unsigned n_times;
    int64_t mended_ms;              /* 0 = not yet */
};

enum known { UNKNOWN, KNOWN, MIXED };

/* bfdd's answer to "show bfd peers json". device "": another peering's. */
static enum known
knows(const cJSON *answer, const char *vrf, const struct vx_ip *peer,
      const char *device)
{
    const cJSON *item;

    cJSON_ArrayForEach (item, answer) {
        const char *of = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(item, "vrf"));
        const char *with = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(item, "peer"));
        struct vx_ip ip;

        if (of && with && !strcmp(of, vrf) && vx_ip_parse(with, &ip)
            && !vx_ip_compare(&ip, peer)) {
            const char *on = cJSON_GetStringValue(
                cJSON_GetObjectItemCaseSensitive(item, "interface"));

            return *device && on && *on && strcmp(on, device) ? MIXED : KNOWN;
        }
    }
    return UNKNOWN;
}

static bool
is_established(const struct vx_gw_app *app, const char *vrf,
               const struct vx_ip *peer)
{
    for (size_t i = 0; i < app->tenant_sessions.n; i++) {
        const struct vx_gw_session *s = &app->tenant_sessions.sessions[i];

        if (!strcmp(s->vrf, vrf) && !vx_ip_compare(&s->peer, peer)
            && !strcmp(s->state, "established")) {
            return true;
        }
    }
    return false;
}

static void
registered(void *app, bool ok, const char *text, const struct vx_error *err)
{
    (void) app;
    (void) text;
    if (!ok) {
        vx_log_warn("bfd", "bgpd does not register a session again: %s",
                    err->message);
    }
}

static void
mend(struct vx_gw_app *app, struct vx_gw_missing *missing)
{
    const struct vx_gw_gateway *gateway =
        vx_gw_entries_gateway(app->entries);
    struct vx_gw_frr *bgpd = vx_gw_node_frr(app->node, VX_GW_BGPD);
    char ip[VX_IP_STRLEN];
    char *commands[3];

    if (!gateway || app->bgpd_deaf || app->ids_unknown
        || !vx_gw_frr_is_done(bgpd)) {
        return;
    }
    missing->mended_ms = vx_clock_ms();
    vx_ip_format(&missing->peer, ip);
    vx_log_warn("bfd", "bfdd does not know the session with %s in %s: bgpd "
                "registers it again", ip, missing->vrf);
    commands[0] = vx_xasprintf("router bgp %u vrf %s",
                               (unsigned) gateway->as, missing->vrf);
    commands[1] = vx_xasprintf("no neighbor %s bfd", ip);
    commands[2] = vx_xasprintf("neighbor %s bfd", ip);
    vx_gw_vty_configure(vx_gw_frr_vty(bgpd), commands, 3, registered, app);
    for (size_t i = 0; i < 3; i++) {
        free(commands[i]);
    }
}

static struct vx_gw_missing *
find(struct vx_gw_missing *all, size_t n, const char *vrf,
     const struct vx_ip *peer)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(all[i].vrf, vrf) && !vx_ip_compare(&all[i].peer, peer)) {
            return &all[i];
        }
    }
    return NULL;
}

/* The next peering with BFD from entry on, and the VRF that it is in. */
static struct vx_gw_entry *
with_bfd(struct vx_gw_app *app, struct vx_gw_entry *entry,
         const char **ret_vrf)
{
    for (; entry && entry->type == VX_GW_PEERING;
         entry = vx_gw_entries_next(entry)) {
        const struct vx_gw_peering *peering =
            entry->value ? &entry->value->peering : NULL;
        const struct vx_gw_entry *tenant =
            peering && peering->tenant && peering->value.bfd
            ? vx_gw_entries_find(app->entries, VX_GW_TENANT, peering->tenant)
            : NULL;

        if (tenant && tenant->value) {
            *ret_vrf = tenant->value->tenant.vrf;
            return entry;
        }
    }
    return NULL;
}

static void
look(struct vx_gw_app *app, const cJSON *answer)
{
    struct vx_gw_missing *was = app->missing;
    size_t n_was = app->n_missing, cap = 0;
    bool mixes = false;
    const char *vrf;

    app->missing = NULL;
    app->n_missing = 0;
    for (struct vx_gw_entry *entry = with_bfd(
             app, vx_gw_entries_from(app->entries, VX_GW_PEERING, ""), &vrf);
         entry && app->n_missing < MISSING_MAX;
         entry = with_bfd(app, vx_gw_entries_next(entry), &vrf)) {
        const struct vx_peering *value = &entry->value->peering.value;
        const struct vx_ip *peer = &value->peer;
        struct vx_gw_missing *old = find(was, n_was, vrf, peer), *now;
        enum known known = knows(answer, vrf, peer, value->device);

        mixes |= known == MIXED;
        if (!is_established(app, vrf, peer) || known != UNKNOWN) {
            continue;
        }
        app->missing = vx_grow(app->missing, &cap, app->n_missing + 1,
                               sizeof *app->missing);
        now = &app->missing[app->n_missing++];
        memset(now, 0, sizeof *now);
        snprintf(now->vrf, sizeof now->vrf, "%s", vrf);
        now->peer = *peer;
        now->n_times = old ? old->n_times + 1 : 1;
        now->mended_ms = old ? old->mended_ms : 0;
        if (now->n_times > 1
            && (!now->mended_ms
                || vx_clock_ms() - now->mended_ms > AGAIN_MS)) {
            mend(app, now);
        }
    }
    free(was);
    if (mixes && app->bfdd_mixes) {
        vx_gw_app_end_bfdd(app);
    }
    app->bfdd_mixes = mixes;
}

static void
answered(void *app_, bool ok, const char *text, const struct vx_error *err)
{
    struct vx_gw_app *app = app_;
    cJSON *json = ok ? cJSON_Parse(text) : NULL;

    (void) err;
    app->asking_bfdd = false;
    if (cJSON_IsArray(json)) {
        look(app, json);
    }
    cJSON_Delete(json);
}

bool
vx_gw_app_wants_bfd(struct vx_gw_app *app)
{
    const char *vrf;

    return app->bfdd_vty
           && with_bfd(app, vx_gw_entries_from(app->entries, VX_GW_PEERING,
                                               ""), &vrf);
}

void
vx_gw_app_bfd_tick(struct vx_gw_app *app)
{
    const char *vrf;

    if (app->n_ticks % LOOK_S || !with_bfd(
            app, vx_gw_entries_from(app->entries, VX_GW_PEERING, ""), &vrf)) {
        return;
    }
    if (!app->bfdd_vty) {
        char *path = vx_xasprintf("%s/bfdd.vty", app->options.vty_dir);

        app->bfdd_vty = vx_gw_vty_new(app->base, path,
                                      &(struct vx_gw_vty_callbacks) { 0 },
                                      app);
        free(path);
    } else if (!vx_gw_vty_is_up(app->bfdd_vty)) {
        app->asking_bfdd = false;
    } else if (!app->asking_bfdd) {
        app->asking_bfdd = true;
        vx_gw_vty_ask(app->bfdd_vty, "show bfd peers json", answered, app);
    }
}
