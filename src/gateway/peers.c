/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of bgpd and the reflector, by their VTYs; and bgpd after a restart
 * of zebra: from FRR 8.2 to 9.0 it connects again but does not subscribe to
 * redistribution again, and goes on announcing what it knew.  It is made to:
 * `redistribute` once more in each VRF, as soon as zebra has it as a client,
 * and before that `no table-map`, which makes it tell zebra all it has. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/codec.h"
#include "gateway/app.h"
#include "gateway/end.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/xalloc.h"

enum {
    SESSIONS_MAX = 1000, SETTLED_MS = 2000,
    CLIENT_MS = 12000,          /* bgpd tries zebra each 10 s */
};

/* --- More than the prefix limit: bgpd tries again when a minute is over, or
 * when it is told that there is no more reason to wait. */

static const struct vx_gw_sessions *
sessions_with(const struct vx_gw_app *app,
              const struct vx_gw_peering *peering)
{
    return peering->tenant ? &app->tenant_sessions : &app->fabric_sessions;
}

/* Of a peering, as they were when they were looked at. */
static const struct vx_gw_session *
first_session(const struct vx_gw_app *app,
              const struct vx_gw_peering *peering)
{
    const struct vx_gw_entry *tenant = peering->tenant
        ? vx_gw_entries_find(app->entries, VX_GW_TENANT, peering->tenant)
        : NULL;

    if (peering->tenant && (!tenant || !tenant->value)) {
        return NULL;
    }
    return vx_gw_sessions_first(sessions_with(app, peering),
                                tenant ? tenant->value->tenant.vrf : "",
                                &peering->value.peer);
}

static const struct vx_gw_session *
next_session(const struct vx_gw_app *app, const struct vx_gw_peering *peering,
             const struct vx_gw_session *s)
{
    return vx_gw_sessions_next(sessions_with(app, peering), s);
}

bool
vx_gw_app_peer_is_up(const struct vx_gw_app *app,
                     const struct vx_gw_peering *peering, uint64_t since_ms)
{
    const struct vx_gw_session *s = first_session(app, peering);

    while (s && (strcmp(s->state, "established") || s->up_ms < since_ms)) {
        s = next_session(app, peering, s);
    }
    return s;
}

/* Limits that bgpd and the reflector have been configured with. */
static void
note_limits(struct vx_gw_app *app)
{
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        const struct vx_gw_peering *peering = &entry->value->peering;
        unsigned limit = vx_peering_limit(&peering->value);

        if (limit != entry->limit
            && vx_gw_frr_is_done(vx_gw_node_frr(
                app->node, peering->tenant ? VX_GW_BGPD
                                           : VX_GW_REFLECTOR))) {
            entry->limit_raised = entry->limit && limit > entry->limit;
            entry->limit = limit;
        }
    }
}

static void
cleared(void *app, bool ok, const char *text, const struct vx_error *err)
{
    (void) app;
    (void) text;
    if (!ok) {
        vx_log_warn("peers", "a session is not cleared: %s", err->message);
    }
}

void
vx_gw_app_clear_session(struct vx_gw_app *app, const char *vrf,
                        const struct vx_ip *peer)
{
    struct vx_gw_frr *frr = vx_gw_node_frr(
        app->node, vrf ? VX_GW_BGPD : VX_GW_REFLECTOR);
    char ip[VX_IP_STRLEN], command[VX_IP_STRLEN + 80];

    vx_ip_format(peer, ip);
    if (vrf) {
        snprintf(command, sizeof command, "clear bgp vrf %s %s", vrf, ip);
    } else {
        snprintf(command, sizeof command, "clear bgp %s", ip);
    }
    vx_gw_vty_ask(vx_gw_frr_vty(frr), command, cleared, app);
}

/* Of the sessions that were just looked at. */
static void
clear_raised(struct vx_gw_app *app, bool of_tenants)
{
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        const struct vx_gw_peering *peering = &entry->value->peering;
        const struct vx_gw_session *s;

        if (!entry->limit_raised || !peering->tenant == of_tenants) {
            continue;
        }
        entry->limit_raised = false;
        s = first_session(app, peering);
        while (s && !s->over_limit) {
            s = next_session(app, peering, s);
        }
        if (s) {
            vx_log_info("peers", "%s: its prefix limit was raised: its "
                        "session is made anew", entry->key);
            vx_gw_app_clear_session(app, of_tenants ? s->vrf : NULL,
                                    &s->peer);
        }
    }
}

/* Since when tenants' peers are away. */
static void
note_down(struct vx_gw_app *app)
{
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        const struct vx_gw_peering *peering = &entry->value->peering;

        if (peering->tenant && vx_gw_app_peer_is_up(app, peering, 0)) {
            entry->down_ms = 0;
        } else if (peering->tenant && !entry->down_ms) {
            entry->down_ms = vx_clock_ms();
        }
    }
}

/* --- Asking. */

static void
take(struct vx_gw_app *app, struct vx_gw_sessions *sessions, bool all_vrfs,
     const char *text)
{
    struct vx_gw_session *old = sessions->sessions;
    size_t n_old = sessions->n;
    struct vx_gw_sessions new = { 0 };
    struct vx_error err;
    bool same;

    if (!vx_gw_sessions_parse(text, strlen(text), all_vrfs, &new, &err)) {
        vx_log_debug("peers", "%s", err.message);
        return;
    }
    same = new.n == n_old;
    for (size_t i = 0; same && i < new.n; i++) {
        same = !strcmp(new.sessions[i].state, old[i].state);
    }
    vx_gw_sessions_fini(sessions);
    *sessions = new;
    clear_raised(app, all_vrfs);
    if (all_vrfs) {
        note_down(app);
    }
    if (!same) {
        vx_gw_report_touch(app->report);
    }
}

static void
bgpd_answered(void *app_, bool ok, const char *text,
              const struct vx_error *err)
{
    struct vx_gw_app *app = app_;

    (void) err;
    app->asking_bgpd = false;
    if (ok) {
        take(app, &app->tenant_sessions, true, text);
    } else {
        app->tenant_sessions.n = 0;
    }
}

static void
reflector_answered(void *app_, bool ok, const char *text,
                   const struct vx_error *err)
{
    struct vx_gw_app *app = app_;

    (void) err;
    app->asking_reflector = false;
    if (ok) {
        take(app, &app->fabric_sessions, false, text);
    } else {
        app->fabric_sessions.n = 0;
    }
}

static void
ask(struct vx_gw_app *app, enum vx_gw_frr_daemon daemon, const char *question,
    bool *asking, vx_gw_vty_done *done)
{
    struct vx_gw_frr *frr = vx_gw_node_frr(app->node, daemon);

    if (!*asking && vx_gw_frr_is_up(frr)) {
        *asking = true;
        vx_gw_vty_ask(vx_gw_frr_vty(frr), question, done, app);
    } else if (!vx_gw_frr_is_up(frr)) {
        *asking = false;
        (daemon == VX_GW_BGPD ? &app->tenant_sessions
                              : &app->fabric_sessions)->n = 0;
    }
}

/* --- zebra was restarted. */

/* Whether zebra was restarted under bgpd.  Who has just started has not seen
 * it, but sockets are as old as those who listen. */
static bool
zebra_is_younger(const struct vx_gw_app *app)
{
    struct stat zebra, bgpd;
    char path[512];

    snprintf(path, sizeof path, "%s/bgpd.vty", app->options.vty_dir);
    if (stat(app->options.zserv, &zebra) || stat(path, &bgpd)) {
        return false;
    }
    return zebra.st_mtim.tv_sec != bgpd.st_mtim.tv_sec
           ? zebra.st_mtim.tv_sec > bgpd.st_mtim.tv_sec
           : zebra.st_mtim.tv_nsec > bgpd.st_mtim.tv_nsec;
}

static void
resubscribed(void *app_, bool ok, const char *text,
             const struct vx_error *err)
{
    struct vx_gw_app *app = app_;

    (void) text;
    if (!ok) {
        vx_log_warn("peers", "bgpd does not subscribe again: %s",
                    err->message);
        app->bgpd_deaf = true;
        return;
    }
    app->n_resubscribes++;
    app->heard_ms = vx_clock_ms();
    vx_log_info("peers", "bgpd has subscribed to zebra again");
    vx_gw_app_find_lost_hops(app);
    vx_gw_app_find_ghosts(app);
    vx_gw_app_find_strays(app, false);
}

struct commands {
    char **commands;
    size_t n, cap;
};

static void
add_command(struct commands *c, char *take_command)
{
    c->commands = vx_grow(c->commands, &c->cap, c->n + 1,
                          sizeof *c->commands);
    c->commands[c->n++] = take_command;
}

/* `no table-map` of a name never used: bgpd tells zebra all it has. */
static void
add_vrf(struct vx_gw_app *app, const char *vrf, struct commands *c)
{
    static const char *const families[] = { "ipv4", "ipv6" };
    const struct vx_gw_gateway *gateway =
        vx_gw_entries_gateway(app->entries);

    add_command(c, vx_xasprintf("router bgp %u vrf %s",
                                (unsigned) gateway->as, vrf));
    for (size_t i = 0; i < 2; i++) {
        add_command(c, vx_xasprintf("address-family %s unicast",
                                    families[i]));
        add_command(c, vx_xstrdup("no table-map vx-none"));
        add_command(c, vx_xasprintf("redistribute %s",
                                    app->options.route_type));
        add_command(c, vx_xstrdup("exit-address-family"));
    }
    add_command(c, vx_xstrdup("exit"));
}

static void
say(struct vx_gw_app *app, struct commands *c, vx_gw_vty_done *done)
{
    if (c->n) {
        vx_gw_vty_configure(
            vx_gw_frr_vty(vx_gw_node_frr(app->node, VX_GW_BGPD)),
            &(struct vx_gw_vty_commands) {
                .commands = c->commands, .n = c->n,
            }, done, app);
    }
    for (size_t i = 0; i < c->n; i++) {
        free(c->commands[i]);
    }
    free(c->commands);
}

static void
resubscribe(struct vx_gw_app *app)
{
    struct commands c = { 0 };

    if (vx_gw_entries_gateway(app->entries)) {
        VX_GW_FOR_EACH(entry, app->entries, VX_GW_TENANT, "") {
            add_vrf(app, entry->value->tenant.vrf, &c);
        }
    }
    bg_zebra_says_again(app->zebra);
    say(app, &c, resubscribed);
}

static void
said(void *app, bool ok, const char *text, const struct vx_error *err)
{
    (void) app;
    (void) text;
    if (!ok) {
        vx_log_debug("peers", "%s", err->message);
    }
}

void
vx_gw_app_have_vrf_said(struct vx_gw_app *app, const char *vrf)
{
    const struct vx_gw_entry *tenant =
        vx_gw_entries_tenant_of(app->entries, vx_gw_vrf_parse(vrf));
    struct commands c = { 0 };

    if (tenant && tenant->value && vx_gw_entries_gateway(app->entries)) {
        add_vrf(app, vrf, &c);
        say(app, &c, said);
    }
}

/* From its fourth attempt on bgpd tries zebra once a minute only; until then
 * it announces what is withdrawn, and zebra keeps what it has withdrawn.
 * Once: it may have been started to live without zebra. */
static void
end_absent(struct vx_gw_app *app)
{
    const struct vx_gw_vty *vty =
        vx_gw_frr_vty(vx_gw_node_frr(app->node, VX_GW_BGPD));

    if (app->zebra_back_ms && !vx_gw_vty_is_up(vty)) {
        app->zebra_back_ms = vx_clock_ms();     /* one that starts has time */
    }
    if (!app->zebra_back_ms
        || vx_clock_ms() - app->zebra_back_ms < CLIENT_MS) {
        return;
    }
    app->zebra_back_ms = 0;
    if (vx_gw_end_daemon(vty, "bgpd")) {
        vx_log_warn("peers", "bgpd does not connect to zebra, which was away "
                    "for long: ended, to be started again by what watches "
                    "over it");
    } else {
        vx_log_warn("peers", "bgpd does not connect to zebra, which was away "
                    "for long, and cannot be ended from here: it may take a "
                    "minute");
    }
}

/* "bgp  ..." is a line of the summary when bgpd is zebra's client. */
static void
zebra_answered(void *app_, bool ok, const char *text,
               const struct vx_error *err)
{
    struct vx_gw_app *app = app_;
    bool there = !strncmp(text, "bgp ", 4) || strstr(text, "\nbgp ");

    (void) err;
    app->asking_zebra = false;
    if (ok && there && app->bgpd_deaf && !app->ids_unknown
        && vx_gw_frr_is_done(vx_gw_node_frr(app->node, VX_GW_BGPD))) {
        app->bgpd_deaf = false;
        app->heard_ms = vx_clock_ms();
        resubscribe(app);
    } else if (ok && !there && app->bgpd_deaf) {
        end_absent(app);
    }
}

void
vx_gw_app_zebra_is_back(struct vx_gw_app *app)
{
    bool was_away = bg_zebra_status(app->zebra)->n_connects > 1
                    || zebra_is_younger(app);

    app->bgpd_deaf = true;
    app->zebra_back_ms = app->deaf_ms = was_away ? vx_clock_ms() : 0;
    app->asking_zebra = false;
    app->ids_unknown = true;
    app->asking_ids = false;
    vx_gw_app_bfd_hurry(app);
}

/* A bgpd that has survived a restart of zebra (FRR 8.2 to 9.0) forgets what
 * it has subscribed to: when an instance goes it does not tell zebra, which
 * then takes the one that follows, of another AS, for told.  Of what was made
 * before it had subscribed again that is known then. */
static void
repeat_to_new(struct vx_gw_app *app)
{
    uint32_t *vnis;
    size_t n;

    if (app->bgpd_deaf || !app->zebra) {
        return;                 /* what is made is kept until it hears */
    }
    n = vx_gw_frr_take_made(vx_gw_node_frr(app->node, VX_GW_BGPD), &vnis);
    if (n && zebra_is_younger(app)) {
        vx_log_info("peers", "the routes of %zu VRFs are said again: they "
                    "are new in bgpd", n);
        for (size_t i = 0; i < n; i++) {
            char vrf[VX_GW_IFNAME_SIZE];

            bg_zebra_repeat(app->zebra, vx_gw_vrf_name(vnis[i], vrf));
        }
    }
    free(vnis);
}

void
vx_gw_app_ask_peers(struct vx_gw_app *app)
{
    note_limits(app);
    repeat_to_new(app);
    ask(app, VX_GW_BGPD, "show bgp vrf all summary json", &app->asking_bgpd,
        bgpd_answered);
    ask(app, VX_GW_REFLECTOR, "show bgp summary json",
        &app->asking_reflector, reflector_answered);
    vx_gw_app_compare_vrf_ids(app);
    if (app->bgpd_deaf) {
        struct vx_gw_frr *zebra = vx_gw_node_frr(app->node, VX_GW_ZEBRA);

        if (!app->asking_zebra && vx_gw_frr_is_up(zebra)) {
            app->asking_zebra = true;
            vx_gw_vty_ask(vx_gw_frr_vty(zebra), "show zebra client summary",
                          zebra_answered, app);
        }
    }
}

/* --- Telling. */

static void
put_session(const char *key, const struct vx_gw_session *s,
            const char *error, struct vx_buf *out)
{
    int64_t since = s && s->up_ms ? vx_clock_wall_ms() - (int64_t) s->up_ms
                                  : 0;

    vx_buf_puts(out, "{\"peering\":");
    vx_json_string(out, key);
    vx_buf_printf(out, ",\"family\":\"%s\",\"state\":\"%s\",\"since\":%"
                  PRId64 ",\"in\":%" PRIu64 ",\"out\":%" PRIu64
                  ",\"error\":",
                  s ? s->family : "", s ? s->state : "idle", since,
                  s ? s->n_in : 0, s ? s->n_out : 0);
    vx_json_string(out, error);
    vx_buf_puts(out, "}");
}

static bool
is_family(const char *name, enum bg_family *ret_family)
{
    static const struct {
        const char *name;
        enum bg_family family;
    } counted[] = {
        { "evpn", BG_EVPN }, { "flowspec4", BG_FLOW4 },
        { "flowspec6", BG_FLOW6 },
    };

    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        if (!strcmp(name, counted[i].name)) {
            *ret_family = counted[i].family;
            return true;
        }
    }
    return false;
}

/* What the session's prefix limit has to do with its state; "" = nothing. */
static const char *
tell_limit(const struct vx_gw_app *app, const struct vx_gw_entry *entry,
           const struct vx_gw_session *s, char text[200])
{
    unsigned limit = vx_peering_limit(&entry->value->peering.value);
    enum bg_family family;
    size_t n;

    text[0] = '\0';
    if (s->over_limit) {
        snprintf(text, 200, "the peer sent more than %u prefixes; raise "
                 "--prefix-limit or let it send fewer; it is tried again "
                 "after a minute", limit);
    } else if (!entry->value->peering.tenant
               && is_family(s->family, &family)
               && (n = vx_gw_speaker_over_limit(app->speaker, entry->key,
                                                family))) {
        snprintf(text, 200, "over the limit: the peer sent more than %u "
                 "prefixes of this family, %zu of them are left out; raise "
                 "--prefix-limit or let it send fewer", limit, n);
    }
    return text;
}

/* What is to be known of a session that BGP itself is content with. */
static const char *
tell_remark(const struct vx_gw_app *app, const struct vx_gw_entry *entry,
            const struct vx_gw_session *s, char text[200])
{
    tell_limit(app, entry, s, text);
    if (!text[0] && s->is_shut) {
        snprintf(text, 200, "it is shut down in bgpd's own configuration");
    }
    if (!text[0]) {
        vx_gw_app_bfd_remark(app, entry, text);
    }
    return text;
}

static size_t
put_peering(const struct vx_gw_app *app, const struct vx_gw_entry *entry,
            const char *comma, struct vx_buf *out)
{
    const struct vx_gw_peering *peering = &entry->value->peering;
    const char *error = entry->why ? entry->why : "";
    size_t n = 0;
    char remark[200];

    for (const struct vx_gw_session *s = first_session(app, peering); s;
         s = next_session(app, peering, s)) {
        vx_buf_puts(out, n++ ? "," : comma);
        put_session(entry->key, s, *error ? error
                    : tell_remark(app, entry, s, remark), out);
    }
    if (!n) {
        vx_buf_puts(out, comma);
        put_session(entry->key, NULL,
                    *error ? error : "it is not configured yet", out);
        n = 1;
    }
    return n;
}

void
vx_gw_app_put_sessions(void *app_, struct vx_buf *out)
{
    const struct vx_gw_app *app = app_;
    size_t n = 0;

    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        if (n < SESSIONS_MAX) {
            n += put_peering(app, entry, n ? "," : "", out);
        }
    }
}

bool
vx_gw_app_peers_are_up(const struct vx_gw_app *app)
{
    VX_GW_FOR_EACH(entry, app->entries, VX_GW_PEERING, "") {
        if (!vx_gw_app_peer_is_up(app, &entry->value->peering,
                                  SETTLED_MS)) {
            return false;
        }
    }
    return true;
}
