/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a zebra client: connecting, losing, connecting again, and the
 * owner's calls, which change what is wanted and nothing else, so that they
 * work while zebra is away.  See zebra_session.h. */
#include "bgp/zebra_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "lib/clock.h"
#include "lib/xalloc.h"

enum {
    RETRY_MS = 1000,        /* zebra tells routes of before from those of
                             * after a reconnect by whole seconds */
    RETRY_MAX_MS = 5000,
    REFUSED_MS = 60000,
    HANDSHAKE_MS = 5000,
    HOLD_MS = 25000,
};

static int
compare_zvrf(const void *key, const struct vx_tree_node *node)
{
    uint32_t a = *(const uint32_t *) key;
    uint32_t b = VX_CONTAINER(node, struct bg_zvrf, by_id)->id;

    return a < b ? -1 : a > b;
}

void
bg_zebra_set_state(struct bg_zebra *z, enum bg_zebra_state state)
{
    struct bg_zebra_status status;

    z->status.state = state;
    status = z->status;
    BG_TELL(z, state, &status);
}

static void
start_timer(struct event *event, unsigned ms)
{
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    evtimer_add(event, &tv);
}

static void
forget_questions(struct bg_zebra *z)
{
    while (z->questions) {
        struct bg_question *next = z->questions->next;

        free(z->questions);
        z->questions = next;
    }
    z->questions_tail = &z->questions;
    z->n_questions = 0;
    z->asked = 0;
}

static void
close_connection(struct bg_zebra *z)
{
    if (z->bev) {
        bufferevent_free(z->bev);
        z->bev = NULL;
    }
    vx_buf_clear(&z->out);
    forget_questions(z);
    bg_zvrf_free_all(z);
    z->n_auditing = z->n_looking = 0;
    z->is_look_due = false;
    memset(&z->audit, 0, sizeof z->audit);
}

void
bg_zebra_drop(struct bg_zebra *z, enum bg_zebra_state state, const char *fmt,
              ...)
{
    bool was_up = z->phase == BG_PHASE_UP;
    va_list args;

    va_start(args, fmt);
    vsnprintf(z->status.why, sizeof z->status.why, fmt, args);
    va_end(args);
    z->phase = BG_PHASE_IDLE;
    z->status.version = "";
    close_connection(z);
    if (was_up) {
        int64_t now_ms = vx_clock_ms();

        bg_route_sync_disconnected(z->routes, now_ms);
        bg_pbr_sync_disconnected(z->pbr);
        bg_learned_stale(z->learned, NULL);
        z->hold_until_ms = now_ms + z->config.hold_ms;
        z->bgp_is_back = false;
    }
    bg_zebra_set_state(z, state);
    start_timer(z->retry, state == BG_ZEBRA_REFUSED ? REFUSED_MS
                : z->wait_ms);
    z->wait_ms = z->wait_ms * 2 < RETRY_MAX_MS ? z->wait_ms * 2
                                               : RETRY_MAX_MS;
}

/* --- Callbacks of libevent. */

void
bg_zebra_enter(struct bg_zebra *z)
{
    z->depth++;
}

static void
destroy(struct bg_zebra *z)
{
    close_connection(z);
    event_free(z->retry);
    event_free(z->timer);
    event_free(z->later);
    bg_route_sync_free(z->routes);
    bg_pbr_sync_free(z->pbr);
    bg_learned_free(z->learned);
    free(z->purges);
    vx_buf_fini(&z->out);
    free(z->path);
    free(z);
}

void
bg_zebra_leave(struct bg_zebra *z)
{
    if (!--z->depth && z->is_dead) {
        destroy(z);
    }
}

static void
on_read(struct bufferevent *bev, void *aux)
{
    struct bg_zebra *z = aux;

    (void) bev;
    bg_zebra_enter(z);
    bg_zebra_input(z);
    if (!z->is_dead) {
        bg_zebra_later(z);
    }
    bg_zebra_leave(z);
}

static void
on_write(struct bufferevent *bev, void *aux)
{
    (void) bev;
    bg_zebra_later(aux);
}

static void
on_event(struct bufferevent *bev, short what, void *aux)
{
    struct bg_zebra *z = aux;

    (void) bev;
    bg_zebra_enter(z);
    if (z->bev && what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
        bg_zebra_input(z);              /* what it said before it went */
    }
    if (!z->is_dead && z->bev
        && what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
        bg_zebra_drop(z, BG_ZEBRA_AWAY, "zebra at %s %s", z->path,
                      what & BEV_EVENT_EOF ? "has closed the connection"
                      : evutil_socket_error_to_string(
                            EVUTIL_SOCKET_ERROR()));
    }
    bg_zebra_leave(z);
}

static void
on_later(evutil_socket_t fd, short what, void *aux)
{
    struct bg_zebra *z = aux;

    (void) fd;
    (void) what;
    bg_zebra_enter(z);
    bg_zebra_pump(z);
    bg_zebra_leave(z);
}

static void
on_timer(evutil_socket_t fd, short what, void *aux)
{
    struct bg_zebra *z = aux;

    (void) fd;
    (void) what;
    bg_zebra_enter(z);
    bg_zebra_tick(z);
    bg_zebra_leave(z);
}

/* --- Connecting. */

static struct bufferevent *
connect_path(struct bg_zebra *z)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct bufferevent *bev;
    int fd, error;

    if (strlen(z->path) >= sizeof sun.sun_path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(sun.sun_path, z->path, strlen(z->path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return NULL;
    }
    /* To a local socket this succeeds at once or not at all. */
    if (connect(fd, (struct sockaddr *) &sun, sizeof sun)) {
        error = errno;
        close(fd);
        errno = error;
        return NULL;
    }
    bev = bufferevent_socket_new(z->config.base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!bev) {
        close(fd);
        errno = ENOMEM;
    }
    return bev;
}

static void
connect_now(struct bg_zebra *z)
{
    struct bufferevent *bev;

    errno = 0;
    bev = z->config.connect ? z->config.connect(z->config.connect_aux)
                            : connect_path(z);
    if (!bev) {
        bg_zebra_drop(z, BG_ZEBRA_AWAY, "%s: %s", z->path,
                      strerror(errno ? errno : ECONNREFUSED));
        return;
    }
    z->bev = bev;
    z->phase = BG_PHASE_PROBE;
    z->status.why[0] = '\0';
    bg_zebra_set_state(z, BG_ZEBRA_CONNECTING);
    bufferevent_setcb(bev, on_read, on_write, on_event, z);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    bg_zapi_put_probe(BG_COOKIE_MIN, &z->out);
    z->n_questions = 1;                 /* the cookie is used */
    bg_zebra_sent(z);
    bg_zebra_flush(z);
    start_timer(z->retry, HANDSHAKE_MS);
}

static void
on_retry(evutil_socket_t fd, short what, void *aux)
{
    struct bg_zebra *z = aux;

    (void) fd;
    (void) what;
    bg_zebra_enter(z);
    if (z->phase == BG_PHASE_IDLE) {
        connect_now(z);
    } else if (z->phase != BG_PHASE_UP) {
        bg_zebra_drop(z, BG_ZEBRA_AWAY, "zebra at %s does not answer a "
                      "handshake as %s do", z->path, bg_zapi_known());
    }
    bg_zebra_leave(z);
}

/* --- The owner's calls. */

static void
set_defaults(struct bg_zebra_config *config)
{
    static const struct bg_route_limits limits = BG_ROUTE_LIMITS_DEFAULT;

    if (!config->limits.window) {
        config->limits.window = limits.window;
    }
    if (!config->limits.answer_ms) {
        config->limits.answer_ms = limits.answer_ms;
    }
    if (!config->limits.wait_ms) {
        config->limits.wait_ms = limits.wait_ms;
    }
    if (!config->hold_ms) {
        config->hold_ms = HOLD_MS;
    }
    if (!config->away_ms) {
        config->away_ms = config->hold_ms;
    }
    if (!config->retry_ms) {
        config->retry_ms = RETRY_MS;
    }
}

struct bg_zebra *
bg_zebra_new(const struct bg_zebra_config *config,
             const struct bg_zebra_callbacks *cb, void *aux)
{
    struct bg_zebra *z = vx_xcalloc(1, sizeof *z);

    z->config = *config;
    set_defaults(&z->config);
    z->path = vx_xstrdup(config->path ? config->path : "zebra");
    z->config.path = z->path;
    z->cb = cb;
    z->aux = aux;
    z->wait_ms = z->config.retry_ms;
    z->status.version = "";
    z->questions_tail = &z->questions;
    z->is_audit_told = true;
    vx_tree_init(&z->vrfs, compare_zvrf);
    z->routes = bg_route_sync_new(&z->config.limits);
    z->pbr = bg_pbr_sync_new();
    z->learned = bg_learned_new();
    z->retry = evtimer_new(z->config.base, on_retry, z);
    z->timer = evtimer_new(z->config.base, on_timer, z);
    z->later = event_new(z->config.base, -1, 0, on_later, z);
    /* Zebra 8.4 aborts when it hears our HELLO before it has noticed that
     * whoever was here before us, with graceful restart, has gone. */
    start_timer(z->retry, z->config.stale_s ? z->config.retry_ms : 0);
    return z;
}

void
bg_zebra_free(struct bg_zebra *z)
{
    if (!z || z->is_dead) {
        return;
    }
    z->is_dead = true;
    if (!z->depth) {
        destroy(z);
    }
}

const struct bg_zebra_status *
bg_zebra_status(const struct bg_zebra *z)
{
    return &z->status;
}

void
bg_zebra_set(struct bg_zebra *z, const char *vrf, const struct bg_want *want,
             uint64_t token)
{
    bg_route_sync_set(z->routes, vrf, want, token, vx_clock_ms());
    bg_zebra_later(z);
}

void
bg_zebra_unset(struct bg_zebra *z, const char *vrf,
               const struct bg_want *key, uint64_t token)
{
    bg_route_sync_unset(z->routes, vrf, key, token, vx_clock_ms());
    bg_zebra_later(z);
}

void
bg_zebra_token(struct bg_zebra *z, uint64_t token)
{
    bg_route_sync_token(z->routes, token);
    bg_zebra_later(z);
}

uint64_t
bg_zebra_confirmed(const struct bg_zebra *z)
{
    return z->confirmed;
}

void
bg_zebra_set_whole(struct bg_zebra *z)
{
    z->is_whole = true;
    bg_zebra_later(z);
}

bool
bg_zebra_set_policy(struct bg_zebra *z, const struct bg_pbr_policy *policy,
                    struct vx_error *err)
{
    /* Until zebra has said otherwise its VRFs are taken for namespaces, for
     * which less is possible. */
    bool ok = bg_pbr_sync_set(z->pbr, policy, z->status.is_netns
                              || !z->status.n_connects, err);

    bg_zebra_later(z);
    return ok;
}

void
bg_zebra_unset_policy(struct bg_zebra *z, const char *name)
{
    bg_pbr_sync_unset(z->pbr, name);
    bg_zebra_later(z);
}

bool
bg_zebra_audit(struct bg_zebra *z)
{
    if (z->phase != BG_PHASE_UP || z->n_auditing || z->is_look_due
        || z->config.instance) {
        return false;
    }
    z->is_audit_told = false;
    VX_TREE_FOR_EACH(node, &z->vrfs) {
        struct bg_zvrf *vrf = VX_CONTAINER(node, struct bg_zvrf, by_id);

        if (vrf->is_complete) {
            bg_zebra_begin_audit(z, vrf);
        }
    }
    bg_zebra_later(z);
    return true;
}

bool
bg_zebra_look(struct bg_zebra *z)
{
    if (z->phase != BG_PHASE_UP || z->n_auditing || z->is_look_due
        || z->config.instance) {
        return false;
    }
    z->is_look_due = true;
    memset(&z->look, 0, sizeof z->look);
    bg_route_sync_look_start(z->routes);
    VX_TREE_FOR_EACH(node, &z->vrfs) {
        struct bg_zvrf *vrf = VX_CONTAINER(node, struct bg_zvrf, by_id);

        if (vrf->is_complete && !vrf->is_looking) {
            bg_zebra_begin_look(z, vrf);
        }
    }
    bg_zebra_later(z);
    return true;
}

void
bg_zebra_end_hold(struct bg_zebra *z)
{
    if (z->hold_until_ms) {
        z->hold_until_ms = 1;
        event_active(z->timer, EV_TIMEOUT, 0);
    }
}

void
bg_zebra_bgp_is_back(struct bg_zebra *z)
{
    if (z->hold_until_ms) {
        z->hold_until_ms = vx_clock_ms() + z->config.hold_ms;
        z->bgp_is_back = true;
        bg_learned_begin(z->learned);
    }
}

void
bg_zebra_hold_on(struct bg_zebra *z)
{
    if (z->hold_until_ms > 1) {
        z->hold_until_ms = vx_clock_ms() + z->config.hold_ms;
    }
}

void
bg_zebra_repeat(struct bg_zebra *z, const char *vrf)
{
    bg_route_sync_repeat(z->routes, vrf, vx_clock_ms());
    bg_zebra_later(z);
}

void
bg_zebra_says_again(struct bg_zebra *z)
{
    z->bgp_is_back = true;
    bg_learned_begin(z->learned);
}

size_t
bg_zebra_unsaid(const struct bg_zebra *z, const char *vrf,
                struct vx_prefix *prefixes, size_t max)
{
    return bg_learned_unsaid(z->learned, vrf, prefixes, max);
}

static void
add_purge(struct bg_zebra *z, const char *vrf, const struct vx_prefix *prefix,
          bool is_sure)
{
    struct bg_purge *purge;

    z->purges = vx_grow(z->purges, &z->cap_purges, z->n_purges + 1,
                        sizeof *z->purges);
    purge = &z->purges[z->n_purges++];
    memset(purge, 0, sizeof *purge);
    strncpy(purge->vrf, vrf, sizeof purge->vrf - 1);
    purge->prefix = *prefix;
    purge->is_sure = is_sure;
    bg_zebra_later(z);
}

void
bg_zebra_purge(struct bg_zebra *z, const char *vrf,
               const struct vx_prefix *prefix)
{
    add_purge(z, vrf, prefix, false);
}

void
bg_zebra_force_purge(struct bg_zebra *z, const char *vrf,
                     const struct vx_prefix *prefix)
{
    add_purge(z, vrf, prefix, true);
}

void
bg_zebra_believe(struct bg_zebra *z, uint64_t number)
{
    z->believed = number > z->believed ? number : z->believed;
    bg_zebra_later(z);
}

void
bg_zebra_get_counters(const struct bg_zebra *z,
                      struct bg_zebra_counters *ret_counters)
{
    memset(ret_counters, 0, sizeof *ret_counters);
    bg_route_sync_get_counts(z->routes, &ret_counters->routes);
    ret_counters->n_learned = bg_learned_count(
        z->learned, &ret_counters->n_learned_stale);
    ret_counters->n_learned_unsaid = bg_learned_n_unsaid(z->learned);
    ret_counters->n_vrfs = z->vrfs.count;
    ret_counters->bytes_in = z->bytes_in;
    ret_counters->bytes_out = z->bytes_out;
    ret_counters->n_messages_in = z->n_messages_in;
    ret_counters->n_messages_out = z->n_messages_out;
    ret_counters->n_undecoded = z->n_undecoded;
}

void
bg_zebra_visit(const struct bg_zebra *z, bg_route_visit *visit, void *aux)
{
    bg_route_sync_visit(z->routes, visit, aux);
}
