/* SPDX-License-Identifier: Apache-2.0 */
/* See sessions.h.  bgpd's JSON (bgp_show_summary, FRR 8.2 to 10):
 *   {VRF: {"ipv4Unicast": {"peers": {"10.0.0.1": {"state": "Established",
 *    "peerUptimeMsec": 1, "pfxRcd": 1, "pfxSnt": 2}}}}} */
#include "gateway/sessions.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/xalloc.h"

enum { SESSIONS_MAX = 65536 };

void
vx_gw_sessions_fini(struct vx_gw_sessions *sessions)
{
    free(sessions->sessions);
    *sessions = (struct vx_gw_sessions) { 0 };
}

static const char *
family_of(const char *name)
{
    static const char *const names[][2] = {
        { "ipv4Unicast", "ipv4" },      { "ipv6Unicast", "ipv6" },
        { "ipv4Vpn", "vpnv4" },         { "ipv6Vpn", "vpnv6" },
        { "l2VpnEvpn", "evpn" },        { "ipv4Flowspec", "flowspec4" },
        { "ipv6Flowspec", "flowspec6" },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(name, names[i][0])) {
            return names[i][1];
        }
    }
    return NULL;
}

static uint64_t
number(const cJSON *peer, const char *name)
{
    double n = cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(peer, name));

    return n > 0 && n < 1e15 ? (uint64_t) n : 0;
}

/* "Established", "Idle (Admin)", "Clearing", as one of the words that a
 * report has. */
static void
set_state(struct vx_gw_session *s, const char *state)
{
    static const char *const words[] = {
        "established", "idle", "connect", "active", "opensent",
        "openconfirm",
    };
    size_t size = state ? strcspn(state, " (") : 0;

    s->over_limit = state && strstr(state, "(PfxCt)");
    s->is_shut = state && strstr(state, "(Admin)");
    snprintf(s->state, sizeof s->state, "%s",
             !state || !strncmp(state, "Clearing", size)
             || !strncmp(state, "Deleted", size) ? "idle" : "unknown");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (size == strlen(words[i]) && !strncasecmp(state, words[i], size)) {
            snprintf(s->state, sizeof s->state, "%s", words[i]);
        }
    }
}

static void
add_peer(struct vx_gw_sessions *sessions, const char *vrf,
         const char *family, const cJSON *peer)
{
    const char *state = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(peer, "state"));
    struct vx_gw_session *s;
    struct vx_ip ip;

    if (!peer->string || !vx_ip_parse(peer->string, &ip)
        || sessions->n == SESSIONS_MAX) {
        return;
    }
    sessions->sessions = vx_grow(sessions->sessions, &sessions->cap,
                                 sessions->n + 1, sizeof *s);
    s = &sessions->sessions[sessions->n++];
    memset(s, 0, sizeof *s);
    snprintf(s->vrf, sizeof s->vrf, "%s", vrf);
    snprintf(s->family, sizeof s->family, "%s", family);
    set_state(s, state);
    s->peer = ip;
    s->up_ms = number(peer, "peerUptimeMsec");
    s->n_in = number(peer, "pfxRcd");
    s->n_out = number(peer, "pfxSnt");
}

static void
add_vrf(struct vx_gw_sessions *sessions, const char *vrf, const cJSON *json)
{
    const cJSON *part, *peer;

    cJSON_ArrayForEach (part, json) {
        const char *family = part->string ? family_of(part->string) : NULL;

        if (!family) {
            continue;
        }
        cJSON_ArrayForEach (
            peer, cJSON_GetObjectItemCaseSensitive(part, "peers")) {
            add_peer(sessions, vrf, family, peer);
        }
    }
}

static int
compare_place(const struct vx_gw_session *a, const char *vrf,
              const struct vx_ip *peer)
{
    int order = strcmp(a->vrf, vrf);

    return order ? order : vx_ip_compare(&a->peer, peer);
}

static int
compare(const void *a_, const void *b_)
{
    const struct vx_gw_session *a = a_, *b = b_;
    int order = compare_place(a, b->vrf, &b->peer);

    return order ? order : strcmp(a->family, b->family);
}

const struct vx_gw_session *
vx_gw_sessions_first(const struct vx_gw_sessions *sessions, const char *vrf,
                     const struct vx_ip *peer)
{
    size_t low = 0, high = sessions->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_place(&sessions->sessions[middle], vrf, peer) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < sessions->n
           && !compare_place(&sessions->sessions[low], vrf, peer)
           ? &sessions->sessions[low] : NULL;
}

const struct vx_gw_session *
vx_gw_sessions_next(const struct vx_gw_sessions *sessions,
                    const struct vx_gw_session *s)
{
    const struct vx_gw_session *next = s + 1;

    return next < sessions->sessions + sessions->n
           && !compare_place(next, s->vrf, &s->peer) ? next : NULL;
}

bool
vx_gw_sessions_parse(const char *text, size_t size, bool all_vrfs,
                     struct vx_gw_sessions *sessions, struct vx_error *err)
{
    cJSON *root = cJSON_ParseWithLength(text, size);
    const cJSON *vrf;

    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return vx_fail(err, VX_INVALID, "", "bgpd's summary is no JSON");
    }
    sessions->n = 0;
    if (all_vrfs) {
        cJSON_ArrayForEach (vrf, root) {
            add_vrf(sessions, vrf->string ? vrf->string : "", vrf);
        }
    } else {
        add_vrf(sessions, "", root);
    }
    cJSON_Delete(root);
    if (sessions->n) {
        qsort(sessions->sessions, sessions->n, sizeof *sessions->sessions,
              compare);
    }
    return true;
}
