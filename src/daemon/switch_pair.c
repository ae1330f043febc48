/* SPDX-License-Identifier: Apache-2.0 */
/* The two bridges of a host wait for each other where a change takes away
 * from one of them what packets go by until the other one has it: a fence in
 * the queue of the first opens when the second has caught up.
 *
 *   the other is SYNCED:       when it has confirmed what it was sent so far
 *   it is compared or loaded:  when it is SYNCED, and likewise; or, if what it
 *                              ought to hold was compiled after the change,
 *                              when it has all of that but what it holds
 *                              back itself
 *   it is away:                it is expected for PATIENCE_MS
 *
 * Nothing but what is behind a fence ever waits, and that no longer than
 * PATIENCE_MS; so two bridges that wait for each other both go on. */
#include "daemon/switch_priv.h"

#include <event2/event.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "ovs-glue/of_session.h"

/* Bridges connect again every second. */
enum { PATIENCE_MS = 3000 };

static void
arm(struct vx_switch *sw, int64_t ms)
{
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    evtimer_add(sw->patience, &tv);
}

void
vx_pair_open(struct vx_switch *sw, uint64_t fence)
{
    if (sw->session) {
        og_of_session_pass(sw->session, fence);
    }
    if (sw->waits && fence >= sw->waits) {
        vx_pair_reset(sw);
    } else if (sw->waits) {
        arm(sw, PATIENCE_MS);
    }
}

static void
patience_over(evutil_socket_t fd, short what, void *sw_)
{
    struct vx_switch *sw = sw_;

    (void) fd;
    (void) what;
    vx_log_info(sw->name, "goes on without the host's other bridge, which "
                "is %s", vx_switch_state_name(sw->peer
                ? vx_switch_state(sw->peer) : VX_SWITCH_AWAY));
    vx_pair_open(sw, sw->waits);
}

void
vx_pair_init(struct vx_switch *sw)
{
    sw->patience = evtimer_new(sw->env.base, patience_over, sw);
}

void
vx_pair_fini(struct vx_switch *sw)
{
    if (sw->peer) {
        sw->peer->peer = NULL;
    }
    event_free(sw->patience);
}

void
vx_pair_reset(struct vx_switch *sw)
{
    sw->waits = 0;
    event_del(sw->patience);
}

void
vx_switch_pair(struct vx_switch *a, struct vx_switch *b)
{
    a->peer = b;
    b->peer = a;
}

void
vx_pair_expect(struct vx_switch *sw)
{
    sw->expected_ms = vx_clock_ms();
    if (sw->peer && sw->peer->facts.state == VX_SWITCH_AWAY) {
        sw->peer->expected_ms = sw->expected_ms;
    }
}

static uint64_t
newest(const struct vx_switch *sw)
{
    uint64_t other = sw->peer ? sw->peer->compiled : 0;

    return sw->compiled > other ? sw->compiled : other;
}

void
vx_pair_compiled(struct vx_switch *sw)
{
    sw->compiled = newest(sw) + 1;
    sw->gave = false;
}

/* It knows the change as one that came before its own comparison. */
static bool
has_given(const struct vx_switch *sw, uint64_t since)
{
    return sw->facts.state == VX_SWITCH_LOADING && sw->gave
           && sw->compiled > since;
}

void
vx_pair_wait(struct vx_switch *sw, uint64_t since)
{
    struct vx_switch *peer = sw->peer;
    bool synced = peer && peer->facts.state == VX_SWITCH_SYNCED;
    int64_t ms = !peer ? 0 : synced ? PATIENCE_MS
                 : peer->expected_ms + PATIENCE_MS - vx_clock_ms();

    if (!peer || ms <= 0 || (synced && !peer->first)
        || has_given(peer, since)) {
        return;
    }
    if (!sw->waits) {
        arm(sw, ms);
    }
    sw->waits = ++sw->last_fence;
    sw->waits_since = since;
    og_of_session_fence(sw->session, sw->waits);
    if (synced) {
        vx_switch_send_nothing(peer, OWED_FENCE)->opens = sw->waits;
    }
}

void
vx_pair_look(struct vx_switch *sw)
{
    struct vx_switch *peer = sw->peer;

    if (!peer || !peer->waits) {
        return;
    }
    if (has_given(sw, peer->waits_since)) {
        vx_pair_open(peer, peer->waits);
    } else if (sw->facts.state == VX_SWITCH_SYNCED) {
        /* Behind a fence of its own it would be waited for in turn. */
        if (sw->first && !sw->waits) {
            vx_switch_send_nothing(sw, OWED_FENCE)->opens = peer->waits;
        } else {
            vx_pair_open(peer, peer->waits);
        }
    }
}

void
vx_switch_fence(struct vx_switch *sw)
{
    if (sw->resync) {
        vx_resync_fence(sw, newest(sw));
    } else if (vx_switch_takes_rows(sw)) {
        vx_pair_wait(sw, newest(sw));
    }
}
