/* SPDX-License-Identifier: Apache-2.0 */
/* See bgp_fsm.h. */
#include "bgp/bgp_fsm.h"

#include <stdio.h>
#include <string.h>

enum {
    CONNECT_MS = 5000,          /* for the connection to come about */
    OPEN_HOLD_MS = 30000,       /* for the OPEN of the peer */
    STABLE_MS = 10000,          /* up so long: the next pause is the first */
};

static void
default_config(struct bg_session_config *config)
{
    if (!config->port) {
        config->port = 179;
    }
    if (!config->hold_s) {
        config->hold_s = BG_HOLD_DEFAULT_S;
    }
    if (!config->stale_s) {
        config->stale_s = 120;
    }
    if (!config->retry_min_ms) {
        config->retry_min_ms = 100;
    }
    if (!config->retry_max_ms) {
        config->retry_max_ms = 5000;
    }
}

static void
enter(struct bg_fsm *fsm, enum bg_state state, int64_t now_ms)
{
    fsm->state = state;
    fsm->since_ms = now_ms;
    fsm->retry_ms = fsm->hold_ms = fsm->keepalive_ms = -1;
}

void
bg_fsm_init(struct bg_fsm *fsm, const struct bg_session_config *config,
            uint32_t seed, int64_t now_ms)
{
    *fsm = (struct bg_fsm) { .config = *config, .seed = seed | 1 };
    default_config(&fsm->config);
    fsm->pause_ms = fsm->config.retry_min_ms;
    enter(fsm, BG_IDLE, now_ms);
    fsm->retry_ms = fsm->next_ms = now_ms;
}

/* Between three quarters and all of ms (RFC 4271 10). */
static unsigned
jitter(struct bg_fsm *fsm, unsigned ms)
{
    fsm->seed = fsm->seed * 1664525 + 1013904223;
    return ms - (uint64_t) (ms / 4) * (fsm->seed >> 16) / 0xffff;
}

/* What the session would have ended with anyway is not said twice: why and
 * notify are set by the caller. */
static unsigned
fail(struct bg_fsm *fsm, int64_t now_ms)
{
    bool was_connected = fsm->state >= BG_OPEN_SENT;

    fsm->was_up = fsm->state == BG_ESTABLISHED;
    if (fsm->was_up && now_ms - fsm->since_ms >= STABLE_MS) {
        fsm->pause_ms = fsm->config.retry_min_ms;
    }
    enter(fsm, BG_IDLE, now_ms);
    fsm->retry_ms = now_ms + jitter(fsm, fsm->pause_ms);
    fsm->pause_ms = fsm->pause_ms * 2 < fsm->config.retry_max_ms
                    ? fsm->pause_ms * 2 : fsm->config.retry_max_ms;
    fsm->families = 0;
    return BG_DO_CLOSE | BG_DO_DOWN
           | (was_connected && fsm->notify.code ? BG_DO_SEND_NOTIFY : 0);
}

static unsigned
fail_with(struct bg_fsm *fsm, const struct bg_notify *notify, int64_t now_ms)
{
    char text[BG_NOTIFY_STRLEN];

    fsm->notify = *notify;
    snprintf(fsm->why, sizeof fsm->why, "%s",
             bg_notify_format(notify, text));
    return fail(fsm, now_ms);
}

static unsigned
on_lost(struct bg_fsm *fsm, const char *text, int64_t now_ms)
{
    fsm->notify = (struct bg_notify) { .code = 0 };
    snprintf(fsm->why, sizeof fsm->why, "%s",
             text ? text : "connection closed by the peer");
    return fail(fsm, now_ms);
}

static void
heard(struct bg_fsm *fsm, int64_t now_ms)
{
    fsm->hold_ms = fsm->hold_s ? now_ms + fsm->hold_s * 1000 : -1;
}

static void
keep_alive(struct bg_fsm *fsm, int64_t now_ms)
{
    fsm->keepalive_ms = fsm->hold_s
        ? now_ms + jitter(fsm, fsm->hold_s * 1000 / 3) : -1;
}

static unsigned
on_open(struct bg_fsm *fsm, const struct bg_open *open, int64_t now_ms)
{
    const struct bg_session_config *config = &fsm->config;
    struct bg_notify bad_as = { 2, 2, 0, { 0 } };
    struct bg_notify bad_id = { 2, 3, 0, { 0 } };
    struct bg_notify no_family = { 2, 7, 0, { 0 } };

    if (open->as != config->peer_as) {
        return fail_with(fsm, &bad_as, now_ms);
    }
    if (config->as == config->peer_as
        && !vx_ip_compare(&open->router_id, &config->router_id)) {
        return fail_with(fsm, &bad_id, now_ms);
    }
    if (!(open->families & config->families)) {
        return fail_with(fsm, &no_family, now_ms);
    }
    fsm->peer = *open;
    fsm->families = open->families & config->families;
    fsm->hold_s = open->hold_s < config->hold_s ? open->hold_s
                                                : config->hold_s;
    enter(fsm, BG_OPEN_CONFIRM, now_ms);
    heard(fsm, now_ms);
    keep_alive(fsm, now_ms);
    return BG_DO_SEND_KEEPALIVE;
}

static unsigned
on_notification(struct bg_fsm *fsm, const struct bg_notify *notify,
                int64_t now_ms)
{
    char text[BG_NOTIFY_STRLEN];

    fsm->notify = (struct bg_notify) { .code = 0 };
    snprintf(fsm->why, sizeof fsm->why, "the peer says: %.200s",
             bg_notify_format(notify, text));
    return fail(fsm, now_ms);
}

static unsigned
on_message(struct bg_fsm *fsm, const struct bg_event *event, int64_t now_ms)
{
    static const uint8_t subcodes[] = {
        [BG_OPEN_SENT] = 1, [BG_OPEN_CONFIRM] = 2, [BG_ESTABLISHED] = 3,
    };

    if (event->message == BG_NOTIFICATION) {
        return on_notification(fsm, event->notify, now_ms);
    }
    if (fsm->state == BG_OPEN_SENT && event->message == BG_OPEN) {
        return on_open(fsm, event->open, now_ms);
    }
    if (fsm->state == BG_OPEN_CONFIRM && event->message == BG_KEEPALIVE) {
        int64_t keepalive_ms = fsm->keepalive_ms;

        enter(fsm, BG_ESTABLISHED, now_ms);
        heard(fsm, now_ms);
        fsm->keepalive_ms = keepalive_ms;
        fsm->has_been_up = true;
        return BG_DO_UP;
    }
    if (fsm->state == BG_ESTABLISHED && event->message != BG_OPEN) {
        heard(fsm, now_ms);
        return 0;
    }
    struct bg_notify notify = {
        .code = 5, .subcode = subcodes[fsm->state],
    };
    return fail_with(fsm, &notify, now_ms);
}

static unsigned
on_time(struct bg_fsm *fsm, int64_t now_ms)
{
    struct bg_notify expired = { 4, 0, 0, { 0 } };

    if (fsm->retry_ms >= 0 && now_ms >= fsm->retry_ms) {
        if (fsm->state == BG_CONNECT) {
            return on_lost(fsm, "no answer within 5 s", now_ms);
        }
        enter(fsm, BG_CONNECT, now_ms);
        fsm->retry_ms = now_ms + CONNECT_MS;
        return BG_DO_CONNECT;
    }
    if (fsm->hold_ms >= 0 && now_ms >= fsm->hold_ms) {
        return fail_with(fsm, &expired, now_ms);
    }
    if (fsm->keepalive_ms >= 0 && now_ms >= fsm->keepalive_ms) {
        keep_alive(fsm, now_ms);
        return BG_DO_SEND_KEEPALIVE;
    }
    return 0;
}

static unsigned
step(struct bg_fsm *fsm, const struct bg_event *event, int64_t now_ms)
{
    unsigned todo;

    if (event->type == BG_EV_TIME) {
        return on_time(fsm, now_ms);
    }
    if (event->type == BG_EV_STOP) {
        todo = fail_with(fsm, event->notify, now_ms);
        enter(fsm, BG_STOPPED, now_ms);
        return todo;
    }
    if (event->type == BG_EV_CONNECTED) {
        /* Also out of idle: a test hands a connection in. */
        enter(fsm, BG_OPEN_SENT, now_ms);
        fsm->hold_ms = now_ms + OPEN_HOLD_MS;
        return BG_DO_SEND_OPEN;
    }
    if (fsm->state == BG_IDLE) {
        return 0;
    }
    if (event->type == BG_EV_LOST) {
        return on_lost(fsm, event->text, now_ms);
    }
    if (event->type == BG_EV_MALFORMED) {
        return fail_with(fsm, event->notify, now_ms);
    }
    return on_message(fsm, event, now_ms);
}

static void
set_next(struct bg_fsm *fsm)
{
    const int64_t times[] = {
        fsm->retry_ms, fsm->hold_ms, fsm->keepalive_ms
    };

    fsm->next_ms = -1;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (times[i] >= 0
            && (fsm->next_ms < 0 || times[i] < fsm->next_ms)) {
            fsm->next_ms = times[i];
        }
    }
}

unsigned
bg_fsm_step(struct bg_fsm *fsm, const struct bg_event *event, int64_t now_ms)
{
    unsigned todo = 0;

    if (fsm->state != BG_STOPPED) {
        todo = step(fsm, event, now_ms);
        set_next(fsm);
    }
    return todo;
}

void
bg_fsm_open(const struct bg_fsm *fsm, struct bg_open *ret_open)
{
    const struct bg_session_config *config = &fsm->config;

    *ret_open = (struct bg_open) {
        .as = config->as, .hold_s = config->hold_s,
        .router_id = config->router_id, .families = config->families,
        /* Without a time and families the capability says that End-of-RIB
         * is understood, and makes the peer send it. */
        .as4 = true, .route_refresh = true, .graceful = true,
    };
    if (config->restart_s) {
        ret_open->restarted = !fsm->has_been_up;
        ret_open->restart_s = config->restart_s;
        ret_open->graceful_families = config->families;
        ret_open->kept_families = config->families;
    }
}
