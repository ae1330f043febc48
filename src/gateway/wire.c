/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what; see app.h.
 *
 * A sync begins a flush: all that is dirty is carried out, a piece per turn
 * of the loop, under one token.  Its entries are acknowledged when zebra and
 * the speaker have confirmed that token and the node is settled. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/app.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"
#include "shell/process.h"

enum {
    PIECE = 500, QUIET_MS = 2000,
    AWAY_MS = 120000,               /* learned routes are kept so long */
    AUDIT_BGPD_S = 300,
    AUDIT_BGPD_MAX = 20000,         /* prefixes: its answer is long */
};

/* --- Acknowledging. */

static uint64_t
confirmed(const struct vx_gw_app *app)
{
    uint64_t token = app->zebra ? bg_zebra_confirmed(app->zebra) : 0;

    if (!vx_gw_speaker_is_idle(app->speaker)) {
        uint64_t out = bg_rib_out_done(vx_gw_speaker_out(app->speaker));

        token = out < token ? out : token;
    }
    return token;
}

static void
acknowledge(struct vx_gw_app *app)
{
    uint64_t token = confirmed(app), was = app->acked;
    size_t n = 0;

    vx_gw_app_note_bgpd(app);
    if (!app->n_marks || app->marks[0].token > token
        || !vx_gw_node_is_settled(app->node)) {
        return;
    }
    while (n < app->n_marks && app->marks[n].token <= token
           && !(app->marks[n].takes_back && vx_gw_app_peers_keep(app))) {
        app->acked = app->marks[n++].seq;
    }
    app->n_marks -= n;
    memmove(app->marks, app->marks + n, app->n_marks * sizeof *app->marks);
    if (app->acked != was) {
        vx_gw_node_judge(app->node);
        vx_gw_report_touch(app->report);
    }
}

void
vx_gw_app_progress(void *app_)
{
    static const struct timeval now = { 0, 0 };
    struct vx_gw_app *app = app_;

    /* Called from within others' calls: later. */
    event_add(app->work, &now);
}

static void
mark(struct vx_gw_app *app)
{
    struct vx_gw_mark *last = app->n_marks ? &app->marks[app->n_marks - 1]
                                           : NULL;

    if (last && (last->token == app->token
                 || app->n_marks == VX_GW_MAX_MARKS)) {
        last->token = app->token;
        last->seq = app->flush_seq;
        last->takes_back |= app->takes_back;
    } else {
        app->marks[app->n_marks++] = (struct vx_gw_mark) {
            app->token, app->flush_seq, app->takes_back,
        };
    }
}

/* --- Carrying out. */

static void start_zebra(struct vx_gw_app *app);

static void
begin_flush(struct vx_gw_app *app)
{
    app->sync_pending = false;
    app->takes_back = false;
    app->flush_seq = app->sync_seq;
    if (!vx_gw_entries_is_dirty(app->entries)) {
        mark(app);                  /* nothing but the number is new */
        return;
    }
    app->flushing = true;
    app->token++;
    vx_gw_keep_touch(app->keep);
}

static void
update_rules(struct vx_gw_app *app)
{
    if (app->rules && app->rules_touched) {
        app->rules_touched = false;
        vx_gw_rules_update(app->rules);
    }
}

static void
end_flush(struct vx_gw_app *app)
{
    app->flushing = false;
    if (app->readvertise_touched) {
        app->readvertise_touched = false;
        vx_gw_readvertise_all(app->readvertise);
    }
    bg_zebra_token(app->zebra, app->token);
    bg_rib_out_advance(vx_gw_speaker_out(app->speaker), app->token);
    vx_gw_node_flush(app->node);
    update_rules(app);
    if (app->spoken_touched) {
        app->spoken_touched = false;
        vx_gw_speaker_configure(app->speaker);
        vx_gw_speaker_rehear(app->speaker);
    }
    mark(app);
}

static void
first_sync(struct vx_gw_app *app)
{
    vx_gw_node_sync(app->node);
    if (app->told) {
        bg_zebra_set_whole(app->zebra);
        bg_rib_out_complete(vx_gw_speaker_out(app->speaker));
    }
}

static void
work(evutil_socket_t fd, short what, void *app_)
{
    struct vx_gw_app *app = app_;
    bool more = false;

    (void) fd;
    (void) what;
    if (app->sync_pending && !app->flushing) {
        start_zebra(app);
        begin_flush(app);
        if (!app->flushing) {
            first_sync(app);
        }
    }
    if (app->flushing) {
        if (vx_gw_apply_some(app->apply, app->token, PIECE)) {
            end_flush(app);
            first_sync(app);
        } else {
            more = true;
        }
    }
    if (app->spoken_touched && !app->flushing) {
        app->spoken_touched = false;
        vx_gw_speaker_configure(app->speaker);
    }
    acknowledge(app);
    if (more || app->sync_pending) {
        vx_gw_app_progress(app);
    }
}

/* --- The feed. */

static void
on_hello(void *app_, const char *epoch, bool full)
{
    struct vx_gw_app *app = app_;

    if (!full) {
        return;
    }
    vx_gw_entries_begin(app->entries);
    app->n_marks = 0;
    app->acked = 0;
    if (!app->loading) {
        vx_log_info("feed", "the controller tells everything (epoch %s)",
                    epoch);
        vx_gw_report_restart(app->report);
    }
}

static void
on_entry(void *app_, struct vx_gw_line *line, const char *text, size_t size)
{
    struct vx_gw_app *app = app_;

    vx_gw_entries_set(app->entries, line->type, line->key, line->seq,
                      line->value, text, size);
    line->value = NULL;
    /* What another's paths mean depends on these. */
    if (line->type != VX_GW_ENDPOINT && line->type != VX_GW_POLICY) {
        app->spoken_touched = true;
        app->readvertise_touched = true;
    }
    if (line->type == VX_GW_TENANT || line->type == VX_GW_PEERING
        || line->type == VX_GW_POLICY) {
        app->rules_touched = true;
    }
}

static void
on_sync(void *app_, uint64_t seq)
{
    struct vx_gw_app *app = app_;

    vx_gw_entries_sweep(app->entries);
    app->readvertise_touched = app->readvertise_touched
                               || vx_gw_entries_is_dirty(app->entries);
    app->rules_touched = app->rules_touched
                         || vx_gw_entries_is_dirty(app->entries);
    app->told = app->told || !app->loading;
    if (seq != app->sync_seq || vx_gw_entries_is_dirty(app->entries)
        || !app->zebra || app->acked != seq) {
        app->sync_seq = seq;
        app->sync_pending = true;
        vx_gw_app_progress(app);
    }
}

static void
on_refused(void *app_, const struct vx_gw_line *line,
           const struct vx_error *err)
{
    struct vx_gw_app *app = app_;

    if (line) {
        vx_gw_entries_keep(app->entries, line->type, line->key,
                           err->message);
    } else {
        vx_gw_entries_spare(app->entries);
    }
}

static void
on_audit(void *app_, uint64_t nonce, bool repair)
{
    struct vx_gw_app *app = app_;

    vx_gw_audit_ask(app->audit, nonce, repair);
}

static void
on_feed_state(void *app_, bool connected, const char *why)
{
    struct vx_gw_app *app = app_;

    if (connected) {
        vx_log_info("feed", "connected to the controller");
        vx_gw_report_touch(app->report);
    } else {
        vx_log_warn("feed", "no controller: %s; everything stays as it is",
                    why);
    }
}

/* --- Carried out: zebra, speaker, node. */

static void
route_set(void *app_, const char *vrf, const struct bg_want *want,
          uint64_t token)
{
    struct vx_gw_app *app = app_;

    bg_zebra_set(app->zebra, vrf, want, token);
}

static void
route_unset(void *app_, const char *vrf, const struct bg_want *key,
            uint64_t token)
{
    struct vx_gw_app *app = app_;

    bg_zebra_unset(app->zebra, vrf, key, token);
}

static void
bgp_set(void *app_, const struct bg_nlri *nlri, const struct bg_attrs *attrs,
        uint64_t token)
{
    struct vx_gw_app *app = app_;

    bg_rib_out_set(vx_gw_speaker_out(app->speaker), nlri, attrs, token);
}

static void
bgp_unset(void *app_, const struct bg_nlri *nlri, uint64_t token)
{
    struct vx_gw_app *app = app_;

    bg_rib_out_unset(vx_gw_speaker_out(app->speaker), nlri, token);
}

static void
node_touched(void *app_, const struct vx_gw_entry *entry)
{
    struct vx_gw_app *app = app_;

    vx_gw_node_touch(app->node, entry);
}

/* A prefix that peers of its tenant have heard. */
static bool
is_taken_back(const struct vx_gw_app *app, const struct vx_gw_entry *entry)
{
    size_t size = strcspn(entry->key, " ");
    char prefix[VX_NAME_MAX + 2];

    if (entry->type != VX_GW_PREFIX || size > VX_NAME_MAX) {
        return false;
    }
    snprintf(prefix, sizeof prefix, "%.*s/", (int) size, entry->key);
    return vx_gw_entries_first_of(app->entries, VX_GW_PEERING, prefix);
}

static void
told(void *app_, const struct vx_gw_entry *entry, bool announced)
{
    struct vx_gw_app *app = app_;

    *(announced ? &app->n_announced : &app->n_withdrawn) += 1;
    app->takes_back = app->takes_back
                      || (!announced && is_taken_back(app, entry));
    if (entry->type == VX_GW_PREFIX && announced) {
        vx_log_info("announce", "%s (%s %s, entry %llu)", entry->key,
                    entry->value->prefix.why, entry->value->prefix.object,
                    (unsigned long long) entry->seq);
    } else if (entry->type == VX_GW_PREFIX || entry->type == VX_GW_POLICY) {
        vx_log_info(announced ? "announce" : "withdraw", "%s%s (entry %llu)",
                    entry->type == VX_GW_POLICY ? "policy " : "", entry->key,
                    (unsigned long long) entry->seq);
    }
}

static const char *
leg_of(void *app_, uint32_t vni)
{
    struct vx_gw_app *app = app_;

    return vx_gw_node_leg(app->node, vni);
}

/* --- zebra. */

static enum bg_proto
proto_of(const struct vx_gw_app *app)
{
    return strcmp(app->options.route_type, "babel") ? BG_PROTO_OPENFABRIC
                                                    : BG_PROTO_BABEL;
}

static struct vx_gw_entry *
tenant_of_vrf(const struct vx_gw_app *app, const char *vrf)
{
    uint32_t vni = vx_gw_vrf_parse(vrf);

    return vni ? vx_gw_entries_tenant_of(app->entries, vni) : NULL;
}

/* Legs have other names than in namespaces, and ip rules can be used. */
static void
use_devices(struct vx_gw_app *app)
{
    const struct vx_gw_rules_config config = {
        .base = app->base, .zserv = app->options.zserv,
        .proto = proto_of(app), .entries = app->entries,
    };

    vx_gw_entries_mark_all(app->entries);
    app->sync_pending = true;
    app->rules = vx_gw_rules_new(&config);
    app->rules_touched = true;
}

static void
on_zebra_state(void *app_, const struct bg_zebra_status *status)
{
    struct vx_gw_app *app = app_;

    if (status->state == BG_ZEBRA_UP) {
        bool had = vx_gw_node_has_backend(app->node);

        vx_log_info("zebra", "connected, %s", status->version);
        vx_gw_node_set_backend(app->node, status->is_netns
                               ? VX_GW_VRF_NETNS : VX_GW_VRF_DEVICE);
        if (app->spares) {
            vx_gw_spares_use(app->spares, vx_gw_node_kernel(app->node));
        }
        if (!had && !status->is_netns) {
            use_devices(app);
        }
        /* At our own start, too: who knows what it has missed. */
        vx_gw_app_zebra_is_back(app);
    } else if (status->state != BG_ZEBRA_CONNECTING) {
        vx_log_warn("zebra", "not connected: %s", status->why);
    }
    vx_gw_report_touch(app->report);
    vx_gw_app_progress(app);
}

static void
on_route(void *app_, const struct bg_route_event *event)
{
    struct vx_gw_app *app = app_;
    const struct vx_gw_entry *tenant = tenant_of_vrf(app, event->vrf);
    char key[VX_GW_KEY_MAX + 1], prefix[VX_PREFIX_STRLEN];
    struct vx_gw_entry *entry;

    if (vx_gw_app_ghost_event(app, event) || !tenant) {
        return;
    }
    snprintf(key, sizeof key, "%.120s %s", tenant->key,
             vx_prefix_format(&event->prefix, prefix));
    entry = vx_gw_entries_find(app->entries, VX_GW_PREFIX, key);
    if (!entry || !entry->value) {
        return;
    }
    if (event->state == BG_ROUTE_FAILED || event->state == BG_ROUTE_LOST) {
        vx_log_warn("zebra", "%s in %s: %s", prefix, event->vrf,
                    bg_route_why_text(event->why));
        vx_gw_entries_set_why(app->entries, entry,
                              bg_route_why_text(event->why));
        vx_gw_report_touch(app->report);
    } else if (event->state == BG_ROUTE_INSTALLED && entry->why) {
        vx_gw_entries_set_why(app->entries, entry, NULL);
        vx_gw_report_touch(app->report);
    }
}

static void
on_confirmed(void *app, uint64_t token)
{
    (void) token;
    vx_gw_app_progress(app);
}

/* What tells a route of zebra from other sources. */
static size_t
source_of(const char *vrf, const struct vx_prefix *prefix, char key[128])
{
    char text[VX_PREFIX_STRLEN];
    int n = snprintf(key, 128, "Z%.40s %s", vrf,
                     vx_prefix_format(prefix, text));

    return (size_t) n;
}

static void
on_learned(void *app_, const struct bg_learned *route)
{
    struct vx_gw_app *app = app_;
    const struct vx_gw_entry *tenant = tenant_of_vrf(app, route->vrf);
    struct vx_gw_heard heard = { .type = VX_GW_LEARNED_ROUTE };
    const struct vx_gw_entry *peering;
    char key[128];
    size_t size = source_of(route->vrf, &route->prefix, key);

    vx_gw_readvertise_learned(app->readvertise, route);
    if (app->spares) {
        vx_gw_spares_set(app->spares, route);
    }
    if (!tenant) {
        return;
    }
    snprintf(heard.tenant, sizeof heard.tenant, "%.63s", tenant->key);
    heard.prefix = route->prefix;
    peering = route->n_nexthops
              ? vx_gw_peering_of(app->entries, tenant->key,
                                 &route->nexthops[0].ip) : NULL;
    snprintf(heard.from, sizeof heard.from, "%.63s",
             peering ? peering->key : "");
    vx_gw_learned_set(app->learned, key, size, &heard, 1);
}

static void
on_gone(void *app_, const char *vrf, const struct vx_prefix *prefix)
{
    struct vx_gw_app *app = app_;
    char key[128];

    vx_gw_readvertise_gone(app->readvertise, vrf, prefix);
    if (app->spares) {
        vx_gw_spares_unset(app->spares, vrf, prefix);
    }
    vx_gw_learned_unset(app->learned, key, source_of(vrf, prefix, key));
}

/* No changes of the feed: they go with the last token, for tokens never fall,
 * and add none to be confirmed. */
static void
readvertise_set(void *app_, const struct bg_nlri *nlri,
                const struct bg_attrs *attrs)
{
    struct vx_gw_app *app = app_;

    bg_rib_out_set(vx_gw_speaker_out(app->speaker), nlri, attrs, app->token);
}

static void
readvertise_unset(void *app_, const struct bg_nlri *nlri)
{
    struct vx_gw_app *app = app_;

    bg_rib_out_unset(vx_gw_speaker_out(app->speaker), nlri, app->token);
}

static bool
readvertise_is_claimed(void *app_, const struct bg_nlri *nlri)
{
    const struct vx_gw_app *app = app_;

    return vx_gw_apply_tells(app->apply, nlri);
}

static void
readvertise_told(void *app, const char *vrf, const struct vx_prefix *prefix,
                 const char *peering, bool on)
{
    char text[VX_PREFIX_STRLEN];

    (void) app;
    vx_prefix_format(prefix, text);
    if (on) {
        vx_log_info("readvertise", "%s in %s, learned by %s", text, vrf,
                    peering);
    } else {
        vx_log_info("readvertise", "%s in %s: no more", text, vrf);
    }
}

static const struct vx_gw_readvertise_ops readvertise_ops = {
    .set = readvertise_set, .unset = readvertise_unset,
    .is_claimed = readvertise_is_claimed, .told = readvertise_told,
};

static void
on_whole(void *app_, const char *vrf)
{
    struct vx_gw_app *app = app_;

    app->n_whole++;
    if (app->spares) {
        vx_gw_spares_audit(app->spares, vrf);
    }
    vx_gw_app_progress(app);
}

static void
on_client_closed(void *app, enum bg_proto proto, uint16_t instance)
{
    if (proto == BG_PROTO_BGP && !instance) {
        vx_gw_app_doubts_end(app);
        vx_log_warn("zebra", "bgpd has left zebra: what it taught us is kept "
                    "for a while");
    }
}

static void
on_audited(void *app, const struct bg_route_audit *audit)
{
    (void) app;
    (void) audit;
    vx_log_debug("zebra", "audit done");
}

static void
start_zebra(struct vx_gw_app *app)
{
    static const struct bg_zebra_callbacks callbacks = {
        .state = on_zebra_state, .route = on_route,
        .confirmed = on_confirmed, .learned = on_learned, .gone = on_gone,
        .whole = on_whole, .client_closed = on_client_closed,
        .audited = on_audited, .doubted = vx_gw_app_doubted,
        .looked = vx_gw_app_audit_zebra,
    };
    const struct bg_zebra_config config = {
        .base = app->base, .path = app->options.zserv,
        .proto = proto_of(app),
        .stale_s = app->options.withdraw_on_exit ? 0
                                                 : app->options.restart_s,
        .learns = true, .doubts = true, .away_ms = AWAY_MS,
    };

    if (!app->zebra) {
        app->zebra = bg_zebra_new(&config, &callbacks, app);
    }
}

/* --- What is heard, and reports. */

static void
on_learned_changed(void *app_)
{
    struct vx_gw_app *app = app_;

    if (app->report) {
        vx_gw_report_touch(app->report);
    }
}

/* Once whole, whole for ever: a peer that goes later takes its routes with
 * it, as it should. */
static bool
is_complete(void *app_)
{
    struct vx_gw_app *app = app_;
    int64_t age = vx_clock_ms() - app->started_ms;

    if (!app->complete && app->told && app->zebra) {
        size_t n_tenants = vx_gw_entries_count(app->entries, VX_GW_TENANT);

        app->complete =
            age > (int64_t) app->options.settle_s * 1000
            || (age > QUIET_MS && !app->flushing
                && bg_zebra_status(app->zebra)->state == BG_ZEBRA_UP
                && app->n_whole >= n_tenants
                && vx_gw_speaker_is_complete(app->speaker)
                && vx_gw_app_peers_are_up(app));
    }
    return app->complete;
}

static void
put_unused(void *app_, struct vx_buf *out)
{
    const struct vx_gw_app *app = app_;

    vx_gw_left_out_put(vx_gw_speaker_left_out(app->speaker), out);
}

static void
put_audit(void *app_, struct vx_buf *out, uint64_t *ret_serial)
{
    const struct vx_gw_app *app = app_;

    vx_gw_audit_put(app->audit, out, ret_serial);
}

static void
audit_told(void *app_, uint64_t serial)
{
    struct vx_gw_app *app = app_;

    vx_gw_audit_told(app->audit, serial);
}

static void
look(void *app_, struct vx_gw_report_view *ret_view)
{
    struct vx_gw_app *app = app_;

    *ret_view = (struct vx_gw_report_view) {
        .epoch = app->told ? vx_gw_feed_epoch(app->feed) : "",
        .acked = app->acked, .entries = app->entries,
        .sessions = vx_gw_app_put_sessions,
        .counters = vx_gw_app_put_counters, .unused = put_unused,
        .troubles = vx_gw_app_put_troubles, .audit = put_audit, .aux = app,
    };
}

/* What zebra, bgpd and the kernel really hold is looked at now and then; what
 * differs is mended. */
static void
audit(struct vx_gw_app *app)
{
    app->n_ticks++;
    if (!app->told || !app->zebra || app->flushing) {
        return;
    }
    if (!app->options.audit_s) {
        return;
    }
    if (app->n_ticks % app->options.audit_s == 0) {
        vx_gw_audit_ask(app->audit, 0, true);
    }
    if (app->n_ticks % AUDIT_BGPD_S == 0 && !app->bgpd_deaf
        && vx_gw_entries_count(app->entries, VX_GW_PREFIX)
           <= AUDIT_BGPD_MAX
        && vx_gw_frr_is_done(vx_gw_node_frr(app->node, VX_GW_BGPD))) {
        vx_gw_app_find_ghosts(app);
    }
}

void
vx_gw_app_tick(void *app_)
{
    struct vx_gw_app *app = app_;

    vx_gw_node_judge(app->node);
    vx_gw_app_ask_peers(app);
    vx_gw_app_doubts_tick(app);
    vx_gw_app_strays_tick(app);
    vx_gw_app_bfd_tick(app);
    if (app->spares) {
        vx_gw_spares_tick(app->spares);
    }
    audit(app);
    acknowledge(app);
    if (!app->ready_told && app->acked) {
        app->ready_told = true;
        vx_process_notify("READY=1\nSTATUS=announcing");
    }
}

/* --- The underlay. */

static bool
underlay_vtep(void *app_, struct vx_ip *ret_vtep)
{
    const struct vx_gw_app *app = app_;
    const struct vx_gw_gateway *gateway =
        vx_gw_entries_gateway(app->entries);

    if (gateway && gateway->vtep.family) {
        *ret_vtep = gateway->vtep;
    }
    return gateway && gateway->vtep.family;
}

static bool
underlay_is_cut(void *app_, const char *bridge, char *ret_ports, size_t size)
{
    const struct vx_gw_app *app = app_;

    return vx_gw_node_is_cut(app->node, bridge, ret_ports, size);
}

/* What is announced could not be delivered: sessions stay, prefixes go. */
static void
underlay_changed(void *app_, const char *why)
{
    struct vx_gw_app *app = app_;
    char text[300];

    if (why) {
        vx_log_warn("underlay", "%s: prefixes are withdrawn", why);
    } else {
        vx_log_info("underlay", "is there again: prefixes are announced");
    }
    snprintf(text, sizeof text, "the gateway is cut off from the fabric: %s",
             why ? why : "");
    vx_gw_apply_hold(app->apply, why ? text : NULL);
    vx_gw_readvertise_hold(app->readvertise, why != NULL);
    if (app->zebra) {
        app->sync_pending = true;
        vx_gw_app_progress(app);
    }
}

/* --- Life. */

static void
wire_underlay(struct vx_gw_app *app)
{
    const struct vx_gw_underlay_config config = {
        .base = app->base, .vtep = underlay_vtep,
        .is_cut = underlay_is_cut, .changed = underlay_changed, .aux = app,
    };

    app->underlay = vx_gw_underlay_new(&config);
}

static void
wire_reports(struct vx_gw_app *app)
{
    struct vx_gw_report_config config = {
        .base = app->base, .http = app->http, .gateway = app->options.name,
        .learned = app->learned, .look = look, .is_complete = is_complete,
        .audit_told = audit_told, .aux = app,
    };

    app->report = vx_gw_report_new(&config);
}

static void
drop_route(void *app_, const char *vrf, const struct vx_prefix *prefix)
{
    const struct vx_gw_app *app = app_;

    bg_zebra_force_purge(app->zebra, vrf, prefix);
}

static void
wire_node(struct vx_gw_app *app)
{
    struct vx_gw_node_config node = {
        .base = app->base, .entries = app->entries,
        .netns_dir = app->options.netns_dir, .ovsdb = app->options.ovsdb,
        .vty_dir = app->options.vty_dir,
        .reflector_vty_dir = app->options.reflector_vty_dir,
        .redistribute = app->options.route_type,
        .saves = app->options.save_config,
        /* Audits come before, and tell. */
        .look_ms = app->options.audit_s * 2000,
        .progress = vx_gw_app_progress, .drop_route = drop_route, .aux = app,
    };
    struct vx_gw_speaker_config speaker = {
        .base = app->base, .entries = app->entries, .learned = app->learned,
        .port = (uint16_t) app->options.reflector_port,
        .progress = vx_gw_app_progress, .aux = app,
    };

    app->node = vx_gw_node_new(&node);
    app->speaker = vx_gw_speaker_new(&speaker);
}

static void
wire_feed(struct vx_gw_app *app)
{
    static const struct vx_gw_feed_callbacks callbacks = {
        .hello = on_hello, .entry = on_entry, .sync = on_sync,
        .refused = on_refused, .audit = on_audit, .state = on_feed_state,
    };
    struct vx_gw_feed_config config = {
        .base = app->base, .http = app->http, .gateway = app->options.name,
    };
    char *path = vx_xasprintf("%s/%s.state", app->options.run_dir,
                              app->options.name);

    app->feed = vx_gw_feed_new(&config, &callbacks, app);
    app->keep = vx_gw_keep_new(app->base, path, app->entries, app->feed);
    app->loading = true;
    if (vx_gw_keep_load(path, app->feed)) {
        vx_log_info("keep", "goes on with the last state, %s", path);
    }
    app->loading = false;
    free(path);
}

bool
vx_gw_app_wire(struct vx_gw_app *app, struct vx_error *err)
{
    static const struct vx_gw_apply_ops ops = {
        .route_set = route_set, .route_unset = route_unset,
        .bgp_set = bgp_set, .bgp_unset = bgp_unset, .node = node_touched,
        .told = told, .leg = leg_of,
    };

    app->http = vx_gw_http_new(app->base, app->options.server,
                               app->options.server_ca, err);
    if (!app->http) {
        return false;
    }
    app->work = event_new(app->base, -1, 0, work, app);
    app->entries = vx_gw_entries_new();
    app->learned = vx_gw_learned_new(on_learned_changed, app);
    app->apply = vx_gw_apply_new(app->entries, &ops, app);
    app->readvertise = vx_gw_readvertise_new(app->entries, &readvertise_ops,
                                             app);
    if (app->options.spare_routes) {
        app->spares = vx_gw_spares_new(app->base);
    }
    wire_node(app);
    vx_gw_app_doubts_start(app);
    vx_gw_app_wire_audit(app);
    wire_underlay(app);
    wire_reports(app);
    wire_feed(app);
    vx_gw_report_start(app->report);
    vx_gw_feed_start(app->feed);
    return true;
}

void
vx_gw_app_unwire(struct vx_gw_app *app)
{
    if (!app->http) {
        return;
    }
    vx_gw_underlay_free(app->underlay);
    vx_gw_report_free(app->report);
    app->report = NULL;
    vx_gw_app_unwire_audit(app);
    vx_gw_keep_free(app->keep);
    vx_gw_feed_free(app->feed);
    if (app->zebra) {
        bg_zebra_free(app->zebra);
    }
    if (app->spares && app->options.withdraw_on_exit) {
        vx_gw_spares_clear(app->spares);
        vx_gw_spares_flush(app->spares);
    }
    vx_gw_spares_free(app->spares);
    vx_gw_vty_free(app->doubts_vty);
    vx_gw_app_free_strays(app);
    vx_gw_vty_free(app->bfdd_vty);
    free(app->missing);
    vx_gw_rules_free(app->rules);
    vx_gw_speaker_free(app->speaker, app->options.withdraw_on_exit);
    vx_gw_node_free(app->node);
    vx_gw_apply_free(app->apply);
    vx_gw_readvertise_free(app->readvertise);
    vx_gw_learned_free(app->learned);
    vx_gw_entries_free(app->entries);
    event_free(app->work);
    vx_gw_http_free(app->http);
    free(app->ghosts);
    free(app->zebra_vrfs);
    vx_gw_sessions_fini(&app->tenant_sessions);
    vx_gw_sessions_fini(&app->fabric_sessions);
}
