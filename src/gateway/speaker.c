/* SPDX-License-Identifier: Apache-2.0 */
/* See speaker.h. */
#include "gateway/speaker.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    REHEAR_MS = 200, RESTART_S = 120, SETTLE_S = 15, AWAY_MS = 5000,
    HEARD_MAX = 16,
    FAMILIES = BG_BIT(BG_VPNV4) | BG_BIT(BG_VPNV6) | BG_BIT(BG_FLOW4)
               | BG_BIT(BG_FLOW6) | BG_BIT(BG_EVPN),
};

struct vx_gw_speaker {
    struct vx_gw_speaker_config config;
    struct bg_rib_out *out;
    struct bg_rib_in *in;
    struct bg_session *session;
    struct bg_session_config session_config;
    struct event *rehear;
    int64_t down_since_ms;          /* 0 = up */
    struct vx_gw_left_out *left_out;
    struct vx_gw_limits *limits;
    bool down_told;
};

void
vx_gw_speaker_id(const struct vx_ip *router_id, struct vx_ip *ret_id)
{
    struct vx_ip id = *router_id;

    id.b[0] = 127;
    id.b[1] = router_id->b[0] ^ router_id->b[1];
    *ret_id = id;
}

/* --- What is heard. */

static size_t
source_of(const struct bg_nlri *nlri, uint8_t key[BG_KEY_MAX + 2])
{
    key[0] = 'B';
    key[1] = (uint8_t) nlri->family;
    return 2 + bg_nlri_key(nlri, key + 2);
}

/* From another gateway of this fabric, by way of a route reflector. */
static bool
is_of_fellow(const struct vx_gw_speaker *speaker,
             const struct bg_attrs *attrs)
{
    const struct vx_gw_gateway *gateway =
        vx_gw_entries_gateway(speaker->config.entries);

    for (size_t i = 0; attrs->originator.family && gateway
                       && i < gateway->n_fellows; i++) {
        struct vx_ip id;

        vx_gw_speaker_id(&gateway->fellows[i], &id);
        if (!vx_ip_compare(&id, &attrs->originator)) {
            return true;
        }
    }
    return false;
}

/* It is gone, or means nothing any more. */
static void
uncount(struct vx_gw_speaker *speaker, const struct bg_nlri *nlri)
{
    if (vx_gw_limits_drop(speaker->limits, nlri)) {
        vx_gw_speaker_rehear(speaker);
    }
}

/* A path that means something here, against the limit of who said it. */
static bool
is_within_limit(struct vx_gw_speaker *speaker, const struct bg_nlri *nlri,
                const struct bg_attrs *attrs, struct vx_error *err)
{
    const struct vx_gw_entry *peering =
        vx_gw_marked_peering(speaker->config.entries, attrs);
    unsigned limit;

    if (!peering) {
        uncount(speaker, nlri);
        return true;
    }
    limit = vx_peering_limit(&peering->value->peering.value);
    return vx_gw_limits_take(speaker->limits, nlri, peering->key, limit)
           || vx_fail(err, VX_EXHAUSTED, "prefix_limit", "peering \"%s\" has "
                      "sent more than %u prefixes of this family: raise "
                      "--prefix-limit or let it send fewer", peering->key,
                      limit);
}

struct heard {
    struct vx_gw_heard items[HEARD_MAX];
    size_t n;
};

static void
forget(struct heard *heard)
{
    for (size_t i = 0; i < heard->n; i++) {
        free(heard->items[i].rule);
    }
    heard->n = 0;
}

/* What the path means; false: it is left out, or a part of it, why. */
static bool
understand(struct vx_gw_speaker *speaker, const struct bg_nlri *nlri,
           const struct bg_attrs *attrs, struct heard *heard,
           struct vx_error *err)
{
    bool ok = true;

    heard->n = 0;
    if (!is_of_fellow(speaker, attrs)) {
        ok = vx_gw_hear(speaker->config.entries, nlri, attrs, heard->items,
                        HEARD_MAX, &heard->n, err);
    }
    if (!heard->n) {
        uncount(speaker, nlri);
    } else if (!is_within_limit(speaker, nlri, attrs, err)) {
        forget(heard);
        ok = false;
    }
    return ok;
}

static void
hear(struct vx_gw_speaker *speaker, const struct bg_nlri *nlri,
     const struct bg_attrs *attrs)
{
    uint8_t key[BG_KEY_MAX + 2];
    size_t size = source_of(nlri, key);
    struct heard heard;
    struct vx_error err;

    if (!understand(speaker, nlri, attrs, &heard, &err)) {
        const struct vx_gw_left_out_path path = {
            nlri, attrs, speaker->config.entries,
        };
        char text[BG_NLRI_STRLEN];

        vx_gw_left_out_set(speaker->left_out, key, size, &path, &err);
        vx_log_debug("speaker", "left out %s: %s",
                     bg_nlri_format(nlri, text), err.message);
    } else {
        vx_gw_left_out_unset(speaker->left_out, key, size);
    }
    vx_gw_learned_set(speaker->config.learned, key, size, heard.items,
                      heard.n);
    forget(&heard);
}

static void
on_learned(void *speaker, const struct bg_nlri *nlri,
           const struct bg_attrs *attrs)
{
    hear(speaker, nlri, attrs);
}

static void
on_lost(void *speaker_, const struct bg_nlri *nlri)
{
    struct vx_gw_speaker *speaker = speaker_;
    uint8_t key[BG_KEY_MAX + 2];
    size_t size = source_of(nlri, key);

    vx_gw_learned_unset(speaker->config.learned, key, size);
    vx_gw_left_out_unset(speaker->left_out, key, size);
    uncount(speaker, nlri);
}

static void
on_complete(void *speaker_, enum bg_family family)
{
    struct vx_gw_speaker *speaker = speaker_;

    (void) family;
    speaker->config.progress(speaker->config.aux);
}

static void
see(void *speaker, const struct bg_rib_in_view *view)
{
    hear(speaker, &view->nlri, &view->attrs);
}

static void
rehear_now(evutil_socket_t fd, short what, void *speaker_)
{
    struct vx_gw_speaker *speaker = speaker_;

    (void) fd;
    (void) what;
    vx_gw_left_out_clear(speaker->left_out);
    bg_rib_in_each(speaker->in, see, speaker);
}

void
vx_gw_speaker_rehear(struct vx_gw_speaker *speaker)
{
    static const struct timeval tv = { 0, REHEAR_MS * 1000 };

    if (!event_pending(speaker->rehear, EV_TIMEOUT, NULL)) {
        event_add(speaker->rehear, &tv);
    }
}

/* --- The session. */

static void
on_up(void *speaker_, unsigned families)
{
    struct vx_gw_speaker *speaker = speaker_;

    (void) families;
    speaker->down_since_ms = 0;
    speaker->down_told = false;
    vx_log_info("speaker", "session to the reflector is up");
    speaker->config.progress(speaker->config.aux);
}

static void
on_down(void *speaker_, const char *why)
{
    struct vx_gw_speaker *speaker = speaker_;

    if (!speaker->down_since_ms) {
        speaker->down_since_ms = vx_clock_ms();
    }
    if (!speaker->down_told) {
        speaker->down_told = true;
        vx_log_warn("speaker", "no session to the reflector: %s", why);
    }
    speaker->config.progress(speaker->config.aux);
}

static void
on_malformed(void *speaker, const char *why)
{
    (void) speaker;
    vx_log_warn("speaker", "malformed, treated as withdrawn: %s", why);
}

static void
connect_session(struct vx_gw_speaker *speaker)
{
    static const struct bg_session_callbacks callbacks = {
        .up = on_up, .down = on_down, .malformed = on_malformed,
    };
    struct vx_error err;

    speaker->down_since_ms = vx_clock_ms();
    speaker->session = bg_session_new(speaker->config.base,
                                      &speaker->session_config, speaker->out,
                                      speaker->in, &err);
    if (speaker->session) {
        bg_session_set_callbacks(speaker->session, &callbacks, speaker);
    } else {
        vx_log_error("speaker", "%s", err.message);
    }
}

static void
disconnect_session(struct vx_gw_speaker *speaker)
{
    bg_session_free(speaker->session);
    speaker->session = NULL;
    memset(&speaker->session_config, 0, sizeof speaker->session_config);
}

/* True if there is something to speak about with somebody. */
static bool
make_config(const struct vx_gw_speaker *speaker,
            struct bg_session_config *config)
{
    const struct vx_gw_gateway *gateway =
        vx_gw_entries_gateway(speaker->config.entries);

    memset(config, 0, sizeof *config);
    if (!gateway || !gateway->vtep.family
        || !(vx_gw_entries_families(speaker->config.entries)
             & VX_AF_OF_FABRIC)) {
        return false;
    }
    vx_ip_parse(VX_GW_SPEAKER_ADDRESS, &config->local);
    config->peer = gateway->vtep;
    if (gateway->vtep.family != 4) {
        memset(&config->local, 0, sizeof config->local);
    }
    config->port = speaker->config.port;
    config->as = config->peer_as = gateway->as;
    vx_gw_speaker_id(&gateway->router_id, &config->router_id);
    config->families = FAMILIES;
    config->restart_s = RESTART_S;
    config->settle_s = SETTLE_S;
    return true;
}

void
vx_gw_speaker_configure(struct vx_gw_speaker *speaker)
{
    struct bg_session_config config;
    bool wanted = make_config(speaker, &config);

    if (wanted && speaker->session
        && !memcmp(&config, &speaker->session_config, sizeof config)) {
        return;
    }
    if (speaker->session) {
        disconnect_session(speaker);
    }
    if (wanted) {
        speaker->session_config = config;
        connect_session(speaker);
    }
}

/* --- Looking. */

struct bg_rib_out *
vx_gw_speaker_out(struct vx_gw_speaker *speaker)
{
    return speaker->out;
}

const struct bg_rib_in *
vx_gw_speaker_in(const struct vx_gw_speaker *speaker)
{
    return speaker->in;
}

bool
vx_gw_speaker_is_idle(const struct vx_gw_speaker *speaker)
{
    return !speaker->session
           || (speaker->down_since_ms
               && vx_clock_ms() - speaker->down_since_ms > AWAY_MS);
}

bool
vx_gw_speaker_is_complete(const struct vx_gw_speaker *speaker)
{
    struct bg_session_status status;

    if (!speaker->session) {
        return true;
    }
    bg_session_get_status(speaker->session, &status);
    for (int family = 0; family < BG_N_FAMILIES; family++) {
        if ((status.families & BG_BIT(family))
            && !bg_rib_in_is_complete(speaker->in,
                                      (enum bg_family) family)) {
            return false;
        }
    }
    return status.state == BG_ESTABLISHED;
}

bool
vx_gw_speaker_get_status(const struct vx_gw_speaker *speaker,
                         struct bg_session_status *ret_status)
{
    if (!speaker->session) {
        return false;
    }
    bg_session_get_status(speaker->session, ret_status);
    return true;
}

const struct vx_gw_left_out *
vx_gw_speaker_left_out(const struct vx_gw_speaker *speaker)
{
    return speaker->left_out;
}

size_t
vx_gw_speaker_over_limit(const struct vx_gw_speaker *speaker,
                         const char *peering, enum bg_family family)
{
    return vx_gw_limits_over(speaker->limits, peering, family);
}

/* --- Life. */

struct vx_gw_speaker *
vx_gw_speaker_new(const struct vx_gw_speaker_config *config)
{
    static const struct bg_rib_in_callbacks callbacks = {
        .learned = on_learned, .lost = on_lost, .complete = on_complete,
    };
    struct vx_gw_speaker *speaker = vx_xcalloc(1, sizeof *speaker);

    speaker->config = *config;
    if (!speaker->config.port) {
        speaker->config.port = VX_GW_REFLECTOR_PORT;
    }
    speaker->left_out = vx_gw_left_out_new();
    speaker->limits = vx_gw_limits_new();
    speaker->out = bg_rib_out_new(config->progress, config->aux);
    speaker->in = bg_rib_in_new(&callbacks, speaker,
                                VX_GW_SPEAKER_PATHS_MAX);
    speaker->rehear = event_new(config->base, -1, 0, rehear_now, speaker);
    return speaker;
}

void
vx_gw_speaker_free(struct vx_gw_speaker *speaker, bool withdraw)
{
    if (!speaker) {
        return;
    }
    if (withdraw && speaker->session) {
        bg_session_stop(speaker->session, "withdrawn");
    }
    bg_session_free(speaker->session);
    bg_rib_out_free(speaker->out);
    bg_rib_in_free(speaker->in);
    vx_gw_left_out_free(speaker->left_out);
    vx_gw_limits_free(speaker->limits);
    event_free(speaker->rehear);
    free(speaker);
}
