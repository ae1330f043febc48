/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of BGP that zebra, or vxgatewayd, still has and bgpd has no more.
 *
 * A zebra that comes back takes BGP's routes from the kernel, and nobody
 * tells it what bgpd has withdrawn before it was a client again; it would
 * keep that until -K is over.  While bgpd is away, what it taught is kept
 * here, and what peers have withdrawn meanwhile would stay until the time for
 * it is over (bgp/zebra_session.h).  So once either is back, what bgpd has
 * not said again, and no more of it comes, is looked up in bgpd: of a bgpd
 * that stayed at once; of a new one when the tenant's peers have told it all,
 * by their End-of-RIB.  What it does not have is taken out of zebra and is
 * gone.
 *
 * bgpd has the last word: nothing goes that it has a path of, and it is made
 * to say the VRF's routes again a moment later, since one of them may have
 * come between question and answer. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/app.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    PIECE = 1000,               /* asked at a time, per VRF */
    SILENT_MS = 15000,          /* after that without End-of-RIB it is taken
                                 * for sent: some peers send none */
    ABSENT_MS = 20000,          /* peers that are not back by then, though
                                 * bgpd has been configured for so long */
    GONE_MS = 60000,            /* nor is one waited for that was away for so
                                 * long before, or never there */
    END_MS = 60000,
    CONFIG_MS = 300000,         /* with very many tenants, at most */
    SAY_MS = 1000,
};

/* Answers come in the order of questions. */
struct question {
    char vrf[BG_VRF_NAME_SIZE];
    bool of_peers;
    struct vx_prefix prefix;
};

struct vx_gw_strays {
    bool is_on;
    int64_t since_ms;
    int64_t new_ms;             /* when bgpd was another one; 0 = its peers
                                 * have told it all since */
    int64_t done_ms;            /* when that one was configured; 0 = not
                                 * yet */
    size_t n_before;            /* not said, at the last tick */
    struct question *questions;
    size_t n, cap, n_answered;
    size_t n_void;              /* of them, asked of an earlier bgpd */
    size_t n_back, n_missing;   /* VRFs whose peers have told all, or not,
                                 * in this round of questions */
    size_t n_purged;
    uint32_t *purged;           /* VNIs of VRFs, to be said again */
    size_t n_vrfs, cap_vrfs;
    int64_t purged_ms;
};

static struct vx_gw_strays *
get(struct vx_gw_app *app)
{
    if (!app->strays) {
        app->strays = vx_xcalloc(1, sizeof *app->strays);
    }
    return app->strays;
}

void
vx_gw_app_find_strays(struct vx_gw_app *app, bool is_new)
{
    struct vx_gw_strays *strays = get(app);

    strays->is_on = true;
    strays->since_ms = vx_clock_ms();
    strays->n_before = SIZE_MAX;
    if (is_new) {
        strays->new_ms = strays->since_ms;
        strays->done_ms = 0;
        strays->n_void = strays->n;
    }
}

void
vx_gw_app_free_strays(struct vx_gw_app *app)
{
    if (app->strays) {
        free(app->strays->questions);
        free(app->strays->purged);
        free(app->strays);
        app->strays = NULL;
    }
}

/* --- What bgpd answers. */

static bool
is_true(const cJSON *json, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/* Of a peer, or of another VRF; not what was redistributed here. */
static bool
has_learned_path(const cJSON *json)
{
    const cJSON *path;

    cJSON_ArrayForEach (path,
                        cJSON_GetObjectItemCaseSensitive(json, "paths")) {
        if (!is_true(path, "sourced")
            || cJSON_GetObjectItemCaseSensitive(path, "nhVrfName")) {
            return true;
        }
    }
    return false;
}

static bool
has_told_all(const cJSON *neighbor, unsigned families)
{
    static const struct {
        unsigned family;
        const char *name;
    } names[] = {
        { VX_AF_IPV4, "ipv4Unicast" }, { VX_AF_IPV6, "ipv6Unicast" },
    };
    const char *state = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(neighbor, "bgpState"));
    const cJSON *ends = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(neighbor, "gracefulRestartInfo"),
        "endOfRibRecv");
    double up_ms = cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(neighbor, "bgpTimerUpMsec"));

    if (!state || strcmp(state, "Established")) {
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (families & names[i].family && !is_true(ends, names[i].name)
            && !(up_ms >= SILENT_MS)) {
            return false;
        }
    }
    return true;
}

/* All peers of the VRF's tenant, as `show bgp vrf X neighbors json` has
 * them. */
static bool
are_back(const struct vx_gw_app *app, const char *vrf, const cJSON *json)
{
    const struct vx_gw_entry *tenant =
        vx_gw_entries_tenant_of(app->entries, vx_gw_vrf_parse(vrf));
    char prefix[VX_NAME_MAX + 2];

    if (!tenant || !cJSON_IsObject(json)) {
        return false;
    }
    snprintf(prefix, sizeof prefix, "%.63s/", tenant->key);
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, prefix) {
        const struct vx_peering *peering = &entry->value->peering.value;
        char peer[VX_IP_STRLEN];

        if (entry->down_ms
            && app->strays->new_ms - entry->down_ms > GONE_MS) {
            continue;
        }
        if (!has_told_all(cJSON_GetObjectItemCaseSensitive(
                              json, vx_ip_format(&peering->peer, peer)),
                          peering->families)) {
            return false;
        }
    }
    return true;
}

static void
note_purged(struct vx_gw_strays *strays, uint32_t vni)
{
    strays->n_purged++;
    strays->purged_ms = vx_clock_ms();
    for (size_t i = 0; i < strays->n_vrfs; i++) {
        if (strays->purged[i] == vni) {
            return;
        }
    }
    strays->purged = vx_grow(strays->purged, &strays->cap_vrfs,
                             strays->n_vrfs + 1, sizeof *strays->purged);
    strays->purged[strays->n_vrfs++] = vni;
}

static void ask_prefixes(struct vx_gw_app *app, const char *vrf);

static void
take(struct vx_gw_app *app, const struct question *question,
     const cJSON *json)
{
    char prefix[VX_PREFIX_STRLEN];

    if (question->of_peers) {
        if (are_back(app, question->vrf, json)) {
            app->strays->n_back++;
            ask_prefixes(app, question->vrf);
        } else {
            app->strays->n_missing++;
        }
    } else if (cJSON_IsObject(json) && !has_learned_path(json)) {
        vx_log_debug("strays", "%s in %s: bgpd has it no more",
                     vx_prefix_format(&question->prefix, prefix),
                     question->vrf);
        bg_zebra_purge(app->zebra, question->vrf, &question->prefix);
        note_purged(app->strays, vx_gw_vrf_parse(question->vrf));
    }
}

static void
end_round(struct vx_gw_app *app)
{
    struct vx_gw_strays *strays = app->strays;

    if (strays->n_purged) {
        vx_log_info("strays", "%zu routes of BGP that bgpd has no more",
                    strays->n_purged);
    }
    if (strays->n_back && !strays->n_missing) {
        strays->new_ms = 0;
    }
    strays->n = strays->n_answered = strays->n_void = strays->n_purged = 0;
    strays->n_back = strays->n_missing = 0;
}

static void
answered(void *app_, bool ok, const char *text, const struct vx_error *err)
{
    struct vx_gw_app *app = app_;
    struct vx_gw_strays *strays = app->strays;
    struct question question = strays->questions[strays->n_answered++];

    if (!ok) {
        vx_log_debug("strays", "%s", err->message);
    } else if (strays->n_answered > strays->n_void && strays->is_on
               && !app->bgpd_deaf) {
        cJSON *json = cJSON_Parse(text);

        take(app, &question, json);
        cJSON_Delete(json);
    }
    if (strays->n_answered == strays->n) {
        end_round(app);
    }
}

/* --- Asking, over the VTY that notices first when bgpd is another one. */

static void
ask(struct vx_gw_app *app, const struct question *question)
{
    struct vx_gw_strays *strays = app->strays;
    char command[160], prefix[VX_PREFIX_STRLEN];

    strays->questions = vx_grow(strays->questions, &strays->cap,
                                strays->n + 1, sizeof *strays->questions);
    strays->questions[strays->n++] = *question;
    if (question->of_peers) {
        snprintf(command, sizeof command, "show bgp vrf %s neighbors json",
                 question->vrf);
    } else {
        snprintf(command, sizeof command, "show bgp vrf %s ipv%u unicast %s "
                 "json", question->vrf, question->prefix.ip.family,
                 vx_prefix_format(&question->prefix, prefix));
    }
    vx_gw_vty_ask(app->doubts_vty, command, answered, app);
}

static void
ask_prefixes(struct vx_gw_app *app, const char *vrf)
{
    struct vx_prefix *prefixes = vx_xcalloc(PIECE, sizeof *prefixes);
    size_t n = bg_zebra_unsaid(app->zebra, vrf, prefixes, PIECE);
    struct question question = { .of_peers = false };

    snprintf(question.vrf, sizeof question.vrf, "%s", vrf);
    for (size_t i = 0; i < n; i++) {
        question.prefix = prefixes[i];
        ask(app, &question);
    }
    free(prefixes);
}

static void
look(struct vx_gw_app *app)
{
    const struct vx_gw_strays *strays = app->strays;
    bool waits = strays->new_ms
                 && (!strays->done_ms
                     || vx_clock_ms() - strays->done_ms < ABSENT_MS);

    VX_GW_FOR_EACH(entry, app->entries, VX_GW_TENANT, "") {
        const char *vrf = entry->value->tenant.vrf;
        struct question question = { .of_peers = true };
        struct vx_prefix one;

        if (!bg_zebra_unsaid(app->zebra, vrf, &one, 1)) {
            continue;
        }
        if (waits) {
            snprintf(question.vrf, sizeof question.vrf, "%.35s", vrf);
            ask(app, &question);
        } else {
            ask_prefixes(app, vrf);
        }
    }
}

/* --- Time. */

static void
say_again(struct vx_gw_app *app)
{
    struct vx_gw_strays *strays = app->strays;
    char vrf[VX_GW_IFNAME_SIZE];

    if (!strays->n_vrfs || vx_clock_ms() - strays->purged_ms < SAY_MS) {
        return;
    }
    for (size_t i = 0; i < strays->n_vrfs; i++) {
        vx_gw_app_have_vrf_said(app,
                                vx_gw_vrf_name(strays->purged[i], vrf));
    }
    strays->n_vrfs = 0;
}

/* A new bgpd has no peers before it is configured. */
static void
note_done(struct vx_gw_app *app, int64_t now_ms)
{
    struct vx_gw_strays *strays = app->strays;

    if (strays->done_ms) {
        return;
    }
    if (vx_gw_frr_is_done(vx_gw_node_frr(app->node, VX_GW_BGPD))
        || now_ms - strays->since_ms > CONFIG_MS) {
        strays->done_ms = now_ms;
    } else if (strays->new_ms) {
        bg_zebra_hold_on(app->zebra);
    }
}

static int64_t
begun(const struct vx_gw_strays *strays, int64_t now_ms)
{
    return !strays->done_ms ? now_ms
        : strays->done_ms > strays->since_ms ? strays->done_ms
        : strays->since_ms;
}

void
vx_gw_app_strays_tick(struct vx_gw_app *app)
{
    struct vx_gw_strays *strays = get(app);
    struct bg_zebra_counters counters;
    int64_t now_ms = vx_clock_ms();

    if (!app->zebra || app->bgpd_deaf
        || bg_zebra_status(app->zebra)->state != BG_ZEBRA_UP
        || !vx_gw_vty_is_up(app->doubts_vty)) {
        return;
    }
    say_again(app);
    if (!strays->is_on || strays->n) {
        return;
    }
    note_done(app, now_ms);
    bg_zebra_get_counters(app->zebra, &counters);
    if (!counters.n_learned_unsaid
        || (now_ms - begun(strays, now_ms) > END_MS
            && now_ms - strays->purged_ms > END_MS)) {
        strays->is_on = false;
        strays->new_ms = 0;
    } else if (counters.n_learned_unsaid != strays->n_before) {
        strays->n_before = counters.n_learned_unsaid;   /* more may come */
    } else {
        look(app);
    }
}
