/* SPDX-License-Identifier: Apache-2.0 */
/* BFD sessions that bgpd believes to have and bfdd does not know.
 *
 * bgpd registers them with bfdd through zebra, and does not again when zebra
 * or bfdd was restarted before it (FRR 8.4): BGP is up, and nobody would
 * notice the silent death of the other side.  So bfdd is asked now and then;
 * what it lacks, twice in a row, bgpd is made to register again; for a while
 * after such a restart at once, and before BGP is up, so that it is not up
 * without BFD for long.  A session
 * that bfdd has is never touched, whatever its state; but a bfdd that has one
 * on another device than the peering's, for some seconds, takes one VRF for
 * another, and is ended (vrf_ids.c).  A peering that wants BFD and whose
 * session is up without it for a while says so. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/app.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/tree.h"
#include "lib/xalloc.h"

enum {
    LOOK_S = 5, LOOKS = 3, AGAIN_MS = 30000, MISSING_MAX = 1000,
    HURRY_MS = 45000,               /* after a restart of zebra or bfdd there
                                     * is a look each second, and once more
                                     * after: */
    HURRY_AGAIN_MS = 5000,
    MIXES_MS = 4000,
};

struct vx_gw_missing {
    char vrf[VX_GW_IFNAME_SIZE];
    struct vx_ip peer;
    unsigned n_times;
    int64_t mended_ms;              /* 0 = not yet */
};

/* --- What is known of a session, by where it is. */

struct spot {
    struct vx_tree_node by_place;
    const char *vrf;                /* borrowed, as is what is known */
    struct vx_ip peer;
    const void *known;
};

struct place {
    const char *vrf;
    const struct vx_ip *peer;
};

struct index {
    struct vx_tree tree;
    struct spot *spots;
    size_t n;
};

static int
compare_place(const void *place_, const struct vx_tree_node *node)
{
    const struct place *place = place_;
    const struct spot *spot = VX_CONTAINER(node, struct spot, by_place);
    int order = strcmp(place->vrf, spot->vrf);

    return order ? order : vx_ip_compare(place->peer, &spot->peer);
}

static void
index_init(struct index *index, size_t max)
{
    vx_tree_init(&index->tree, compare_place);
    index->spots = vx_xcalloc(max + 1, sizeof *index->spots);
    index->n = 0;
}

/* Of two at one place the first counts. */
static void
index_add(struct index *index, const char *vrf, const struct vx_ip *peer,
          const void *known)
{
    const struct place place = { vrf, peer };
    struct spot *spot = &index->spots[index->n++];

    *spot = (struct spot) { .vrf = vrf, .peer = *peer, .known = known };
    vx_tree_insert(&index->tree, &place, &spot->by_place);
}

static const void *
index_find(const struct index *index, const struct place *place)
{
    struct vx_tree_node *node = vx_tree_find(&index->tree, place);

    return node ? VX_CONTAINER(node, struct spot, by_place)->known : NULL;
}

/* Of sessions as bfdd answers "show bfd peers json". */
static void
index_answer(struct index *index, const cJSON *answer)
{
    const cJSON *item;

    index_init(index, (size_t) cJSON_GetArraySize(answer));
    cJSON_ArrayForEach (item, answer) {
        const char *vrf = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(item, "vrf"));
        const char *peer = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(item, "peer"));
        struct vx_ip ip;

        if (vrf && peer && vx_ip_parse(peer, &ip)) {
            index_add(index, vrf, &ip, item);
        }
    }
}

/* Of bgpd's sessions, in whatever state. */
static void
index_sessions(struct index *index, const struct vx_gw_sessions *sessions)
{
    index_init(index, sessions->n);
    for (size_t i = 0; i < sessions->n; i++) {
        const struct vx_gw_session *s = &sessions->sessions[i];

        index_add(index, s->vrf, &s->peer, s);
    }
}

/* Of those that bfdd did not know the last time. */
static void
index_missing(struct index *index, const struct vx_gw_missing *missing,
              size_t n)
{
    index_init(index, n);
    for (size_t i = 0; i < n; i++) {
        index_add(index, missing[i].vrf, &missing[i].peer, &missing[i]);
    }
}

/* --- Looks. */

void
vx_gw_app_bfd_hurry(struct vx_gw_app *app)
{
    app->bfd_hurry_until_ms = vx_clock_ms() + HURRY_MS;
}

static bool
is_hurry(const struct vx_gw_app *app)
{
    return vx_clock_ms() < app->bfd_hurry_until_ms;
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
    vx_gw_vty_configure(vx_gw_frr_vty(bgpd), &(struct vx_gw_vty_commands) {
        .commands = commands, .n = 3,
    }, registered, app);
    for (size_t i = 0; i < 3; i++) {
        free(commands[i]);
    }
}

/* Where the peering is to have BFD; NULL: nowhere. */
static const char *
vrf_with_bfd(const struct vx_gw_app *app, const struct vx_gw_entry *entry)
{
    const struct vx_gw_peering *peering = &entry->value->peering;
    const struct vx_gw_entry *tenant =
        peering->tenant && peering->value.bfd
        ? vx_gw_entries_find(app->entries, VX_GW_TENANT, peering->tenant)
        : NULL;

    return tenant && tenant->value ? tenant->value->tenant.vrf : NULL;
}

static bool
is_wanted(const struct vx_gw_app *app)
{
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        if (vrf_with_bfd(app, entry)) {
            return true;
        }
    }
    return false;
}

/* Once more; in time bgpd is made to register it.  In a hurry that is at
 * once. */
static void
miss(struct vx_gw_app *app, const struct place *place,
     const struct vx_gw_missing *old)
{
    struct vx_gw_missing *now;

    if (!app->missing) {
        app->missing = vx_xcalloc(MISSING_MAX, sizeof *app->missing);
    }
    now = &app->missing[app->n_missing++];
    snprintf(now->vrf, sizeof now->vrf, "%s", place->vrf);
    now->peer = *place->peer;
    now->n_times = old ? old->n_times + 1 : 1;
    now->mended_ms = old ? old->mended_ms : 0;
    if ((now->n_times > 1 || is_hurry(app))
        && (!now->mended_ms
            || vx_clock_ms() - now->mended_ms
               > (is_hurry(app) ? HURRY_AGAIN_MS : AGAIN_MS))) {
        mend(app, now);
    }
}

static const char *
text_of(const cJSON *item, const char *name)
{
    const char *text = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(item, name));

    return text ? text : "";
}

/* How long BGP has been up without BFD, for vx_gw_app_bfd_remark(). */
static void
count_without(struct vx_gw_entry *entry, bool is_established,
              const cJSON *session)
{
    if (!is_established || !strcmp(text_of(session, "status"), "up")) {
        entry->n_without_bfd = 0;
    } else if (entry->n_without_bfd < LOOKS) {
        entry->n_without_bfd++;
    }
}

static void
look(struct vx_gw_app *app, const cJSON *answer)
{
    struct vx_gw_missing *was = app->missing;
    struct index sessions, of_bgp, missed;
    bool mixes = false;

    index_answer(&sessions, answer);
    index_sessions(&of_bgp, &app->tenant_sessions);
    index_missing(&missed, was, app->n_missing);
    app->missing = NULL;
    app->n_missing = 0;
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        const struct vx_peering *value = &entry->value->peering.value;
        const struct place place = { vrf_with_bfd(app, entry), &value->peer };
        const struct vx_gw_session *bgp;
        const cJSON *session;
        const char *device;
        bool is_established;

        if (!place.vrf || app->n_missing == MISSING_MAX) {
            continue;
        }
        session = index_find(&sessions, &place);
        device = text_of(session, "interface");
        bgp = index_find(&of_bgp, &place);
        is_established = bgp && !strcmp(bgp->state, "established");
        count_without(entry, is_established, session);
        if (session) {
            mixes |= *device && *value->device
                     && strcmp(device, value->device);
        } else if (is_established || (bgp && is_hurry(app))) {
            miss(app, &place, index_find(&missed, &place));
        }
    }
    free(sessions.spots);
    free(of_bgp.spots);
    free(missed.spots);
    free(was);
    if (!mixes) {
        app->bfdd_mixes_ms = 0;
    } else if (!app->bfdd_mixes_ms) {
        app->bfdd_mixes_ms = vx_clock_ms();
    } else if (vx_clock_ms() - app->bfdd_mixes_ms > MIXES_MS) {
        vx_gw_app_end_bfdd(app);
    }
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
    return app->bfdd_vty && is_wanted(app);
}

void
vx_gw_app_bfd_remark(const struct vx_gw_app *app,
                     const struct vx_gw_entry *entry, char text[200])
{
    static const char meaning[] = "a silent peer is noticed when the hold "
                                  "time is over";
    const struct vx_gw_peering *peering = &entry->value->peering;

    text[0] = '\0';
    if (!peering->tenant || !peering->value.bfd) {
        return;
    } else if (app->bfdd_why[0]) {
        snprintf(text, 200, "bfdd: %s: without BFD %s", app->bfdd_why,
                 meaning);
    } else if (entry->n_without_bfd == LOOKS) {
        snprintf(text, 200, "BFD is not up, though BGP is: without it %s",
                 meaning);
    }
}

/* --- Whether it runs. */

static void
bfdd_is_up(void *app_)
{
    struct vx_gw_app *app = app_;

    vx_log_info("bfd", "connected to bfdd");
    app->bfdd_why[0] = '\0';
    vx_gw_app_bfd_hurry(app);
    vx_gw_report_touch(app->report);
}

static void
bfdd_is_down(void *app_, const char *why)
{
    struct vx_gw_app *app = app_;

    vx_log_warn("bfd", "bfdd is not there: %s", why);
    snprintf(app->bfdd_why, sizeof app->bfdd_why, "%s", why);
    app->asking_bfdd = false;
    vx_gw_report_touch(app->report);
}

void
vx_gw_app_bfd_tick(struct vx_gw_app *app)
{
    static const struct vx_gw_vty_callbacks callbacks = { bfdd_is_up,
                                                          bfdd_is_down };

    if ((app->n_ticks % LOOK_S && !is_hurry(app)) || !is_wanted(app)) {
        return;
    }
    if (!app->bfdd_vty) {
        char *path = vx_xasprintf("%s/bfdd.vty", app->options.vty_dir);

        app->bfdd_vty = vx_gw_vty_new(app->base, path, &callbacks, app);
        free(path);
    } else if (vx_gw_vty_is_up(app->bfdd_vty) && !app->asking_bfdd) {
        app->asking_bfdd = true;
        vx_gw_vty_ask(app->bfdd_vty, "show bfd peers json", answered, app);
    }
}
