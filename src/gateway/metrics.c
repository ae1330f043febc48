/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text on a listener of its own, and the same numbers for the
 * controller's reports. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/app.h"
#include "lib/xalloc.h"
#include "vxconfig.h"

/* --- Numbers. */

struct number {
    const char *name, *type, *help;
    uint64_t value;
};
enum { N_NUMBERS = 40 };

static void
add(struct number *numbers, size_t *n, struct number number)
{
    if (*n < N_NUMBERS) {
        numbers[(*n)++] = number;
    }
}
#define ADD(NAME, TYPE, HELP, VALUE) \
    add(numbers, n, (struct number) { NAME, TYPE, HELP, VALUE })

static void
add_feed(const struct vx_gw_app *app, struct number *numbers, size_t *n)
{
    struct vx_gw_feed_counts feed;
    struct vx_gw_report_counts report;
    struct vx_gw_audit_counts audit;

    vx_gw_feed_get_counts(app->feed, &feed);
    vx_gw_report_get_counts(app->report, &report);
    ADD("controller_connected", "gauge", "The feed is there and caught up.",
        vx_gw_feed_is_connected(app->feed));
    ADD("feed_seq", "gauge", "Last sync of the feed.",
        vx_gw_feed_seq(app->feed));
    ADD("acked", "gauge", "Entries up to here are carried out.", app->acked);
    ADD("feed_lines_total", "counter", "Lines of the feed.", feed.n_lines);
    ADD("feed_refused_total", "counter", "Lines that could not be read.",
        feed.n_refused);
    ADD("feed_connects_total", "counter", "Connections to the controller.",
        feed.n_connects);
    ADD("reports_total", "counter", "Reports sent.", report.n_posts);
    ADD("reports_failed_total", "counter", "Reports that were not taken.",
        report.n_failures);
    ADD("entries_failed", "gauge", "Entries that are not in force.",
        vx_gw_entries_n_failed(app->entries));
    ADD("announced_total", "counter", "Prefixes and policies announced.",
        app->n_announced);
    ADD("withdrawn_total", "counter", "Prefixes and policies withdrawn.",
        app->n_withdrawn);
    vx_gw_audit_get_counts(app->audit, &audit);
    ADD("audits_total", "counter", "Audits of this gateway.",
        audit.n_audits);
    ADD("drift_found_total", "counter", "Differences that audits found.",
        audit.n_found);
    ADD("drift_repaired_total", "counter", "Of these put right by the audit.",
        audit.n_repaired);
}

static void
add_zebra(const struct vx_gw_app *app, struct number *numbers, size_t *n)
{
    struct bg_zebra_counters c = { 0 };
    bool up = false;

    if (app->zebra) {
        bg_zebra_get_counters(app->zebra, &c);
        up = bg_zebra_status(app->zebra)->state == BG_ZEBRA_UP;
    }
    ADD("zebra_up", "gauge", "Connected to zebra.", up);
    ADD("zebra_routes_installed", "gauge", "Routes zebra has installed.",
        c.routes.n_states[BG_ROUTE_INSTALLED]);
    ADD("zebra_routes_pending", "gauge", "Routes zebra has not answered.",
        c.routes.n_states[BG_ROUTE_PENDING]);
    ADD("zebra_routes_failed", "gauge", "Routes that are not in force.",
        c.routes.n_states[BG_ROUTE_FAILED]
        + c.routes.n_states[BG_ROUTE_LOST]);
    ADD("zebra_strays_total", "counter", "Routes found that nobody wants.",
        c.routes.n_strays);
    ADD("zebra_learned", "gauge", "Routes of BGP in the tenants' VRFs.",
        c.n_learned);
    ADD("spare_routes", "gauge", "Spare copies of those in the kernel.",
        app->spares ? vx_gw_spares_count(app->spares) : 0);
    ADD("bgpd_resubscribed_total", "counter",
        "Times bgpd was made to listen to zebra again.",
        app->n_resubscribes);
}

static void
add_speaker(const struct vx_gw_app *app, struct number *numbers, size_t *n)
{
    struct bg_session_status status = { .state = BG_IDLE };
    const struct bg_rib_out *out = vx_gw_speaker_out(app->speaker);
    const struct bg_rib_in *in = vx_gw_speaker_in(app->speaker);
    size_t n_out = 0, n_in = 0;

    vx_gw_speaker_get_status(app->speaker, &status);
    for (int family = 0; family < BG_N_FAMILIES; family++) {
        n_out += bg_rib_out_count(out, (enum bg_family) family);
        n_in += bg_rib_in_count(in, (enum bg_family) family);
    }
    ADD("speaker_up", "gauge", "Session to the reflector.",
        status.state == BG_ESTABLISHED);
    ADD("speaker_announced", "gauge", "Routes told to the reflector.",
        n_out);
    ADD("readvertised", "gauge", "Prefixes of tenants' peers that the "
        "fabric's peers are told.",
        vx_gw_readvertise_count(app->readvertise));
    ADD("speaker_unsent", "gauge", "Routes still to be told.",
        bg_rib_out_unsent(out));
    ADD("speaker_heard", "gauge", "Paths heard from the reflector.", n_in);
    ADD("speaker_left_out", "gauge", "Paths that are of no use here.",
        vx_gw_left_out_count(vx_gw_speaker_left_out(app->speaker)));
}

static size_t
collect(const struct vx_gw_app *app, struct number numbers[N_NUMBERS])
{
    struct vx_gw_kernel_counts kernel = { 0 };
    size_t count = 0, *n = &count;

    add_feed(app, numbers, n);
    add_zebra(app, numbers, n);
    add_speaker(app, numbers, n);
    vx_gw_node_counts(app->node, &kernel);
    ADD("ip_rules", "gauge", "Policies that are ip rules, too.",
        app->rules ? vx_gw_rules_count(app->rules) : 0);
    ADD("vrfs", "gauge", "VRFs of tenants.", kernel.n_vrfs);
    ADD("vrfs_ready", "gauge", "VRFs that are as wanted.", kernel.n_ready);
    ADD("ovs_connected", "gauge", "Connected to Open vSwitch's database.",
        vx_gw_node_ovs_connected(app->node));
    ADD("bgpd_settled", "gauge", "bgpd's configuration is as wanted.",
        vx_gw_frr_is_done(vx_gw_node_frr(app->node, VX_GW_BGPD)));
    ADD("reflector_settled", "gauge",
        "The reflector's configuration is as wanted.",
        vx_gw_frr_is_done(vx_gw_node_frr(app->node, VX_GW_REFLECTOR)));
    return count;
}

void
vx_gw_app_put_counters(void *app, struct vx_buf *out)
{
    struct number numbers[N_NUMBERS];
    size_t n = collect(app, numbers);

    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "",
                      numbers[i].name, numbers[i].value);
    }
}

void
vx_gw_app_metrics(struct vx_gw_app *app, struct vx_buf *out)
{
    struct number numbers[N_NUMBERS];
    size_t n = collect(app, numbers);

    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(out, "# HELP vxgateway_%s %s\n# TYPE vxgateway_%s "
                      "%s\nvxgateway_%s %" PRIu64 "\n", numbers[i].name,
                      numbers[i].help, numbers[i].name, numbers[i].type,
                      numbers[i].name, numbers[i].value);
    }
    vx_buf_printf(out, "# HELP vxgateway_entries What the controller has "
                  "told.\n# TYPE vxgateway_entries gauge\n");
    for (int type = 0; type < VX_GW_N_TYPES; type++) {
        vx_buf_printf(out, "vxgateway_entries{type=\"%s\"} %zu\n",
                      vx_gw_type_name((enum vx_gw_type) type),
                      vx_gw_entries_count(app->entries,
                                          (enum vx_gw_type) type));
    }
    vx_buf_printf(out, "# HELP vxgateway_learned What peers have told.\n"
                  "# TYPE vxgateway_learned gauge\n");
    for (int type = 0; type < VX_GW_LEARNED_N_TYPES; type++) {
        vx_buf_printf(out, "vxgateway_learned{type=\"%s\"} %zu\n",
                      vx_gw_learned_type_name(
                          (enum vx_gw_learned_type) type),
                      vx_gw_learned_count(app->learned,
                                          (enum vx_gw_learned_type) type));
    }
    vx_buf_printf(out, "# HELP vxgateway_info Version.\n# TYPE "
                  "vxgateway_info gauge\nvxgateway_info{version=\"%s\"} 1\n",
                  PACKAGE_VERSION);
}

/* --- The listener. */

static void
on_metrics(struct evhttp_request *request, void *app)
{
    struct evbuffer *body = evbuffer_new();
    struct vx_buf text = VX_BUF_INIT;

    vx_gw_app_metrics(app, &text);
    evbuffer_add(body, text.data, text.size);
    evhttp_add_header(evhttp_request_get_output_headers(request),
                      "Content-Type", "text/plain; version=0.0.4");
    evhttp_send_reply(request, HTTP_OK, "OK", body);
    evbuffer_free(body);
    vx_buf_fini(&text);
}

static struct evconnlistener *
listen_at(struct vx_gw_app *app, const char *addr)
{
    const unsigned flags = LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE
                           | LEV_OPT_CLOSE_ON_EXEC;
    struct sockaddr_storage ss;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int size = sizeof ss;

    if (!strncmp(addr, "tcp:", 4) && strrchr(addr + 4, ':')
        && !evutil_parse_sockaddr_port(addr + 4, (struct sockaddr *) &ss,
                                       &size)) {
        return evconnlistener_new_bind(app->base, NULL, NULL, flags, 16,
                                       (struct sockaddr *) &ss, size);
    }
    if (!strncmp(addr, "unix:", 5) && strlen(addr + 5)
        && strlen(addr + 5) < sizeof un.sun_path) {
        strcpy(un.sun_path, addr + 5);
        unlink(un.sun_path);
        return evconnlistener_new_bind(app->base, NULL, NULL, flags, 16,
                                       (struct sockaddr *) &un,
                                       (int) sizeof un);
    }
    return NULL;
}

bool
vx_gw_app_serve_metrics(struct vx_gw_app *app, struct vx_error *err)
{
    struct evconnlistener *listener;

    if (!app->options.metrics) {
        return true;
    }
    listener = listen_at(app, app->options.metrics);
    if (!listener) {
        return vx_fail(err, VX_UNAVAILABLE, "metrics", "cannot listen on "
                       "\"%s\": unix:PATH or tcp:IP:PORT that is free is "
                       "needed", app->options.metrics);
    }
    app->metrics = evhttp_new(app->base);
    evhttp_set_allowed_methods(app->metrics, EVHTTP_REQ_GET);
    evhttp_set_max_headers_size(app->metrics, 8192);
    evhttp_set_max_body_size(app->metrics, 0);
    evhttp_set_timeout(app->metrics, 10);
    evhttp_bind_listener(app->metrics, listener);
    evhttp_set_cb(app->metrics, "/metrics", on_metrics, app);
    return true;
}
