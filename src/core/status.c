/* SPDX-License-Identifier: Apache-2.0 */
/* Status of a port as a function of facts; see status.h.
 *
 * The order of the questions is the order in which a person would repair:
 * a place, a host that lives, an interface, confirmations, rows, probes, the
 * others. */
#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>

static void
say(struct vx_port_status *status, enum vx_port_state state,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
say(struct vx_port_status *status, enum vx_port_state state,
    const char *fmt, ...)
{
    va_list args;

    status->state = state;
    va_start(args, fmt);
    vsnprintf(status->reason, sizeof status->reason, fmt, args);
    va_end(args);
}

static const char *
or(const char *s, const char *otherwise)
{
    return s && s[0] ? s : otherwise;
}

static void
not_plugged(const struct vx_port_facts *f, struct vx_port_status *ret)
{
    const char *id = or(f->iface_id, "?");

    if (f->elsewhere && f->elsewhere_draining && !f->intent_host) {
        say(ret, VX_PORT_PENDING, "the interface with iface-id \"%.80s\" is "
            "on host \"%s\", which is draining and takes no new ports", id,
            f->elsewhere);
    } else if (f->elsewhere) {
        say(ret, VX_PORT_PENDING, "the interface with iface-id \"%.80s\" is "
            "on host \"%s\", the port is on host \"%s\": plug it there%s",
            id, f->elsewhere, f->host,
            f->intent_host ? " or change the port's host" : "");
    } else {
        say(ret, VX_PORT_PENDING, "no interface with iface-id \"%.80s\" on "
            "host \"%s\"", id, f->host);
    }
}

static void
migration(const struct vx_port_facts *f, struct vx_port_status *ret)
{
    char *buf = ret->migration;
    size_t size = sizeof ret->migration;

    if (!f->target) {
        buf[0] = '\0';
    } else if (!f->target_ready) {
        snprintf(buf, size, "waits for host \"%.70s\": it is not active",
                 f->target);
    } else if (!f->target_plugged) {
        snprintf(buf, size, "host \"%.60s\" is prepared, waits for the "
                 "interface there", f->target);
    } else if (f->hold) {
        snprintf(buf, size, "host \"%.70s\" is ready, waits for the call "
                 "that ends it", f->target);
    } else {
        snprintf(buf, size, "is about to be on host \"%.70s\"", f->target);
    }
}

static void
unproven(const struct vx_port_facts *f, struct vx_port_status *ret)
{
    char more[40] = "";

    if (f->n_probes_more) {
        snprintf(more, sizeof more, " and %u other%s", f->n_probes_more,
                 f->n_probes_more == 1 ? "" : "s");
    }
    if (!f->probe_from) {
        say(ret, VX_PORT_BUILDING, "waiting for a probe");
    } else if (!f->probe_late) {
        say(ret, VX_PORT_BUILDING, "waiting for a probe from host \"%s\"%s",
            f->probe_from, more);
    } else {
        say(ret, VX_PORT_DEGRADED, "no probe gets from host \"%s\"%s to "
            "host \"%s\": look at the underlay between them",
            f->probe_from, more, f->host);
    }
}

void
vx_port_status_eval(const struct vx_port_facts *f,
                    struct vx_port_status *ret)
{
    migration(f, ret);
    ret->reachable_at_ms = 0;
    if (!f->host && f->elsewhere && f->elsewhere_draining) {
        not_plugged(f, ret);
    } else if (!f->host) {
        say(ret, VX_PORT_PENDING, "no host: plug an interface with iface-id "
            "\"%.80s\" on any host", or(f->iface_id, "?"));
    } else if (!f->host_seen) {
        say(ret, VX_PORT_PENDING, "host \"%s\" has not joined yet: run "
            "netctl host join there", f->host);
    } else if (!f->host_ready) {
        say(ret, VX_PORT_DOWN, "host \"%s\" is away: %.120s", f->host,
            or(f->host_reason, "not connected"));
    } else if (!f->plugged) {
        not_plugged(f, ret);
    } else if (f->n_outstanding) {
        say(ret, VX_PORT_BUILDING, "waiting for %u confirmation%s",
            f->n_outstanding, f->n_outstanding == 1 ? "" : "s");
    } else if (f->n_lacking) {
        say(ret, VX_PORT_DEGRADED, "%u row%s missing or altered on host "
            "\"%.60s\": netctl audit %.60s --repair, or the next audit, puts "
            "that right", f->n_lacking, f->n_lacking == 1 ? " is" : "s are",
            f->host, f->host);
    } else if (f->unproven && f->probe_from) {
        unproven(f, ret);
    } else if (f->n_away == 1) {
        say(ret, VX_PORT_DEGRADED, "host \"%s\" is away: ports there cannot "
            "be reached", or(f->away, "?"));
    } else if (f->n_away) {
        say(ret, VX_PORT_DEGRADED, "host \"%s\" and %u other%s are away: "
            "ports there cannot be reached", or(f->away, "?"), f->n_away - 1,
            f->n_away == 2 ? "" : "s");
    } else if (f->unproven) {
        unproven(f, ret);
    } else {
        say(ret, VX_PORT_ACTIVE, "%s", "");
    }
}

const char *
vx_port_state_name(enum vx_port_state state)
{
    switch (state) {
    case VX_PORT_PENDING:
        return "pending";
    case VX_PORT_BUILDING:
        return "building";
    case VX_PORT_ACTIVE:
        return "active";
    case VX_PORT_DEGRADED:
        return "degraded";
    case VX_PORT_DOWN:
        return "down";
    default:
        return "unknown";
    }
}
