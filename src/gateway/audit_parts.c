/* SPDX-License-Identifier: Apache-2.0 */
/* What an audit of the gateway (audit.h) looks at, and how it is put right.
 *
 *   zebra      the routes of our type that it lists, against those wanted
 *   bgpd       our lines of its running configuration; reflector likewise
 *   speaker    how many routes of each family the reflector has from us
 *   kernel     VRFs, legs, devices, one VRF per turn of the loop
 *
 * A look changes nothing; the repair is what each part does of its own
 * accord when it finds out. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/app.h"
#include "lib/clock.h"
#include "lib/log.h"

static void
fail(struct vx_gw_app *app, enum vx_gw_part part, bool is_busy,
     const char *why)
{
    struct vx_gw_drifts drifts = { .n = 0 };

    vx_gw_drift_fail(&drifts, "%s", why);
    vx_gw_audit_looked(app->audit, part, is_busy, &drifts);
}

/* --- zebra. */

static void
look_at_zebra(struct vx_gw_app *app)
{
    const struct bg_zebra_status *status =
        app->zebra ? bg_zebra_status(app->zebra) : NULL;
    char why[VX_GW_DRIFT_TEXT];

    if (!status || status->state != BG_ZEBRA_UP) {
        snprintf(why, sizeof why, "not connected%s%.150s",
                 status && *status->why ? ": " : "",
                 status ? status->why : "");
        fail(app, VX_GW_PART_ZEBRA, false, why);
    } else if (app->flushing || !bg_zebra_look(app->zebra)) {
        fail(app, VX_GW_PART_ZEBRA, true, "changes are being carried out");
    }
}

void
vx_gw_app_audit_zebra(void *app_, const struct bg_route_audit *audit,
                      const struct bg_route_difference *differences,
                      size_t n)
{
    struct vx_gw_app *app = app_;
    struct vx_gw_drifts drifts = {
        .n_rows = audit->n_seen + audit->n_missing,
    };
    char prefix[VX_PREFIX_STRLEN], object[160], row[160];

    for (size_t i = 0; i < n && i < VX_GW_DRIFTS_MAX; i++) {
        const struct bg_route_difference *d = &differences[i];
        uint32_t vni = vx_gw_vrf_parse(d->vrf);
        const struct vx_gw_entry *tenant =
            vni ? vx_gw_entries_tenant_of(app->entries, vni) : NULL;

        snprintf(object, sizeof object, tenant ? "tenant %.120s" : "nobody",
                 tenant ? tenant->key : "");
        snprintf(row, sizeof row, "route %s in %.40s",
                 vx_prefix_format(&d->prefix, prefix), d->vrf);
        vx_gw_drift_add(&drifts, d->is_stray ? VX_GW_DRIFT_FOREIGN
                                             : VX_GW_DRIFT_MISSING,
                        object, row, "");
    }
    vx_gw_drift_count(&drifts,
                      audit->n_strays + audit->n_missing - drifts.n_found);
    vx_gw_audit_looked(app->audit, VX_GW_PART_ZEBRA, false, &drifts);
}

/* --- bgpd, reflector. */

static enum vx_gw_frr_daemon
daemon_of(enum vx_gw_part part)
{
    return part == VX_GW_PART_BGPD ? VX_GW_BGPD : VX_GW_REFLECTOR;
}

static void
on_configuration(void *app_, enum vx_gw_frr_daemon daemon, bool is_busy,
                 struct vx_gw_drifts *drifts)
{
    struct vx_gw_app *app = app_;

    vx_gw_audit_looked(app->audit, daemon == VX_GW_BGPD
                       ? VX_GW_PART_BGPD : VX_GW_PART_REFLECTOR, is_busy,
                       drifts);
}

/* --- The speaker. */

static const struct vx_gw_session *
heard_of(const struct vx_gw_sessions *sessions, enum bg_family family)
{
    struct vx_ip speaker;

    vx_ip_parse(VX_GW_SPEAKER_ADDRESS, &speaker);
    for (size_t i = 0; i < sessions->n; i++) {
        if (!vx_ip_compare(&sessions->sessions[i].peer, &speaker)
            && !strcmp(sessions->sessions[i].family,
                       bg_family_name(family))) {
            return &sessions->sessions[i];
        }
    }
    return NULL;
}

static void
compare_heard(struct vx_gw_app *app, const struct vx_gw_sessions *sessions,
              struct vx_gw_drifts *drifts)
{
    const struct bg_rib_out *rib = vx_gw_speaker_out(app->speaker);
    struct bg_session_status status = { .families = 0 };

    vx_gw_speaker_get_status(app->speaker, &status);
    app->audit_families = 0;
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        enum bg_family family = (enum bg_family) i;
        size_t want = bg_rib_out_count(rib, family);
        const struct vx_gw_session *s = heard_of(sessions, family);
        uint64_t have = s ? s->n_in : 0;
        char row[80], found[80];

        if (!(status.families & BG_BIT(family))) {
            continue;
        }
        drifts->n_rows += want;
        if (want != have) {
            app->audit_families |= BG_BIT(family);
            snprintf(row, sizeof row, "%s: %zu routes told",
                     bg_family_name(family), want);
            snprintf(found, sizeof found, "the reflector has %llu",
                     (unsigned long long) have);
            vx_gw_drift_add(drifts, VX_GW_DRIFT_ALTERED, "gateway", row,
                            found);
        }
    }
}

/* A difference may be one that is on its way: it is to last. */
static void
on_heard(void *app_, bool ok, const char *text, const struct vx_error *err)
{
    struct vx_gw_app *app = app_;
    struct vx_gw_drifts drifts = { .n = 0 };
    struct vx_gw_sessions sessions = { .n = 0 };
    struct vx_error why;

    app->audit_hears = false;
    if (!ok) {
        vx_gw_drift_fail(&drifts, "%s", err->message);
    } else if (!vx_gw_sessions_parse(text, strlen(text), false, &sessions,
                                     &why)) {
        vx_gw_drift_fail(&drifts, "%s", why.message);
    } else {
        compare_heard(app, &sessions, &drifts);
    }
    vx_gw_sessions_fini(&sessions);
    vx_gw_audit_looked(app->audit, VX_GW_PART_SPEAKER, drifts.n_found > 0,
                       &drifts);
}

static void
look_at_speaker(struct vx_gw_app *app)
{
    struct vx_gw_frr *reflector = vx_gw_node_frr(app->node, VX_GW_REFLECTOR);
    struct bg_session_status status = { .state = BG_IDLE };
    bool has_session = vx_gw_speaker_get_status(app->speaker, &status);
    struct vx_gw_drifts none = { .n = 0 };

    if (!has_session) {
        vx_gw_audit_looked(app->audit, VX_GW_PART_SPEAKER, false, &none);
    } else if (status.state != BG_ESTABLISHED) {
        fail(app, VX_GW_PART_SPEAKER, true, "no session to the reflector");
    } else if (bg_rib_out_unsent(vx_gw_speaker_out(app->speaker))) {
        fail(app, VX_GW_PART_SPEAKER, true, "changes are being told");
    } else if (app->audit_hears || !vx_gw_frr_is_up(reflector)) {
        fail(app, VX_GW_PART_SPEAKER, false,
             app->audit_hears ? "the reflector does not answer"
                              : "not connected to the reflector's VTY");
    } else {
        app->audit_hears = true;
        vx_gw_vty_ask(vx_gw_frr_vty(reflector), "show bgp summary json",
                      on_heard, app);
    }
}

/* --- The kernel. */

enum { KERNEL_MS = 4000 };              /* some ms for each VRF */

static void
look_at_next(evutil_socket_t fd, short what, void *app_)
{
    static const struct timeval now = { 0, 0 };
    struct vx_gw_app *app = app_;

    (void) fd;
    (void) what;
    if (vx_clock_ms() - app->audit_since_ms > KERNEL_MS) {
        vx_gw_drift_fail(&app->audit_vrfs, "too many VRFs for %d s: looked "
                         "at those up to vx%u", KERNEL_MS / 1000,
                         (unsigned) app->audit_vni);
        vx_gw_audit_looked(app->audit, VX_GW_PART_KERNEL, false,
                           &app->audit_vrfs);
    } else if (vx_gw_node_compare(app->node, &app->audit_vni,
                                  &app->audit_vrfs)) {
        event_add(app->audit_kernel, &now);
    } else {
        vx_gw_audit_looked(app->audit, VX_GW_PART_KERNEL, false,
                           &app->audit_vrfs);
    }
}

static void
look_at_kernel(struct vx_gw_app *app)
{
    static const struct timeval now = { 0, 0 };

    app->audit_vni = 0;
    app->audit_since_ms = vx_clock_ms();
    vx_gw_drifts_fini(&app->audit_vrfs);
    event_add(app->audit_kernel, &now);
}

/* --- The audit's side. */

static void
look(void *app_, enum vx_gw_part part)
{
    struct vx_gw_app *app = app_;

    if (!app->told) {
        fail(app, part, true, "the controller has not told all yet");
        return;
    }
    switch (part) {
    case VX_GW_PART_ZEBRA:
        look_at_zebra(app);
        break;
    case VX_GW_PART_BGPD: case VX_GW_PART_REFLECTOR:
        vx_gw_frr_look(vx_gw_node_frr(app->node, daemon_of(part)),
                       on_configuration, app);
        break;
    case VX_GW_PART_SPEAKER:
        look_at_speaker(app);
        break;
    case VX_GW_PART_KERNEL:
        look_at_kernel(app);
        break;
    case VX_GW_N_PARTS:
        break;
    }
}

static void
repair(void *app_, enum vx_gw_part part)
{
    struct vx_gw_app *app = app_;

    vx_log_warn("audit", "%s differs from what is wanted: puts it right",
                vx_gw_part_name(part));
    switch (part) {
    case VX_GW_PART_ZEBRA:
        bg_zebra_audit(app->zebra);
        break;
    case VX_GW_PART_BGPD: case VX_GW_PART_REFLECTOR:
        vx_gw_frr_touch(vx_gw_node_frr(app->node, daemon_of(part)));
        break;
    case VX_GW_PART_SPEAKER:
        for (int family = 0; family < BG_N_FAMILIES; family++) {
            if (app->audit_families & BG_BIT(family)) {
                bg_rib_out_refresh(vx_gw_speaker_out(app->speaker),
                                   (enum bg_family) family);
            }
        }
        break;
    case VX_GW_PART_KERNEL:
        vx_gw_node_check(app->node);
        break;
    case VX_GW_N_PARTS:
        break;
    }
}

static void
done(void *app_)
{
    struct vx_gw_app *app = app_;

    vx_gw_report_touch(app->report);
}

void
vx_gw_app_wire_audit(struct vx_gw_app *app)
{
    static const struct vx_gw_audit_ops ops = {
        .look = look, .repair = repair, .done = done,
        .mono_ms = vx_clock_ms,
    };

    app->audit = vx_gw_audit_new(app->base, &ops, app);
    app->audit_kernel = event_new(app->base, -1, 0, look_at_next, app);
}

void
vx_gw_app_unwire_audit(struct vx_gw_app *app)
{
    event_free(app->audit_kernel);
    vx_gw_audit_free(app->audit);
    vx_gw_drifts_fini(&app->audit_vrfs);
}
