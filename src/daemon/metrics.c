/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text: what an operator watches.  Counting is done where things
 * happen; here it is only printed. O(hosts). */
#include "daemon/app.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "daemon/audit.h"
#include "daemon/commit.h"
#include "daemon/hooks.h"
#include "daemon/health.h"
#include "daemon/gateways.h"
#include "daemon/hosts.h"
#include "daemon/ports.h"
#include "daemon/probe.h"
#include "daemon/punts.h"
#include "daemon/router_adv.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "vxconfig.h"

static void
metric(struct vx_buf *out, const char *name, const char *type,
       const char *help)
{
    vx_buf_printf(out, "# HELP vxfabric_%s %s\n# TYPE vxfabric_%s %s\n",
                  name, help, name, type);
}

static void
single(struct vx_buf *out, const char *name, const char *type,
       const char *help, uint64_t value)
{
    metric(out, name, type, help);
    vx_buf_printf(out, "vxfabric_%s %"PRIu64"\n", name, value);
}

static void
objects(const struct vx_app *app, struct vx_buf *out)
{
    metric(out, "objects", "gauge", "Objects of intent by kind.");
    for (enum vx_kind kind = VX_ZONE; kind < VX_N_KINDS; kind++) {
        vx_buf_printf(out, "vxfabric_objects{kind=\"%s\"} %zu\n",
                      vx_kind_name(kind), vx_model_count(app->model, kind));
    }
    single(out, "vnis_free", "gauge",
           "VNIs that can still be allocated automatically.",
           vx_model_free_vnis(app->model));
}

static void
ports(const struct vx_app *app, struct vx_buf *out)
{
    size_t counts[VX_PORT_DOWN + 1];

    vx_ports_counts(app->ports, counts);
    metric(out, "ports", "gauge", "Ports by status.");
    for (int i = 0; i <= VX_PORT_DOWN; i++) {
        vx_buf_printf(out, "vxfabric_ports{status=\"%s\"} %zu\n",
                      vx_port_state_name((enum vx_port_state) i), counts[i]);
    }
}

static void
probes(const struct vx_app *app, struct vx_buf *out)
{
    struct vx_probe_counters c;

    vx_probes_get_counters(app->probes, &c);
    single(out, "probes_sent_total", "counter",
           "Frames sent from host to host to prove that ports are reached.",
           c.n_sent);
    single(out, "probes_answered_total", "counter",
           "Probes that have come to the port's host.", c.n_answered);
    single(out, "probes_lost_total", "counter",
           "Probes that had to be sent again.", c.n_lost);
    metric(out, "probe_seconds", "summary",
           "Time from sending a probe to hearing of it.");
    vx_buf_printf(out, "vxfabric_probe_seconds_sum %.6f\n"
                  "vxfabric_probe_seconds_count %"PRIu64"\n",
                  (double) c.latency_us / 1e6, c.n_timed);
    metric(out, "ports_probed", "gauge", "Ports with probes under way.");
    vx_buf_printf(out, "vxfabric_ports_probed{state=\"running\"} %zu\n"
                  "vxfabric_ports_probed{state=\"late\"} %zu\n"
                  "vxfabric_ports_probed{state=\"background\"} %zu\n",
                  c.n_running, c.n_late, c.n_background);
}

static void
routers(const struct vx_app *app, struct vx_buf *out)
{
    struct vx_punt_counters punts;
    struct vx_hops_counters hops;

    vx_punts_get_counters(app->punts, &punts);
    metric(out, "punts_total", "counter",
           "Packets that switches asked the controller about, by reason.");
    for (unsigned i = 1; i < VX_N_PUNTS; i++) {
        vx_buf_printf(out, "vxfabric_punts_total{reason=\"%s\"} %"PRIu64"\n",
                      vx_punt_name((enum vx_punt) i), punts.n_heard[i]);
    }
    single(out, "punts_limited_total", "counter",
           "Of those, packets over a port's budget.", punts.n_limited);
    single(out, "punts_stray_total", "counter",
           "Of those, packets of no port or that cannot be read.",
           punts.n_stray);
    single(out, "icmp_errors_sent_total", "counter",
           "ICMP errors sent for gateways.", punts.n_errors);
    single(out, "router_advertisements_sent_total", "counter",
           "Router advertisements sent.", vx_radv_n_sent(app->radv));
    vx_hops_get_counters(app->hops, &hops);
    metric(out, "next_hops", "gauge",
           "Ports that routes and policies lead to, by health.");
    vx_buf_printf(out, "vxfabric_next_hops{health=\"alive\"} %zu\n"
                  "vxfabric_next_hops{health=\"dead\"} %zu\n",
                  hops.n_hops - hops.n_dead, hops.n_dead);
    single(out, "next_hop_questions_total", "counter",
           "Questions to next hops.", hops.n_asked);
    single(out, "next_hop_answers_total", "counter",
           "Questions to next hops that were answered.", hops.n_answered);
}

static void
commits(const struct vx_app *app, struct vx_buf *out)
{
    struct vx_commit_counters c;

    vx_commit_get_counters(app->commit, &c);
    single(out, "revision", "gauge", "Committed revision.",
           vx_commit_revision(app->commit));
    single(out, "realized_revision", "gauge",
           "Lowest realized revision of all hosts.",
           vx_hosts_min_realized(app->hosts));
    single(out, "store_commits_total", "counter",
           "Transactions of the store, one fsync each.", c.n_commits);
    single(out, "store_changes_total", "counter",
           "Objects changed durably.", c.n_changes);
    single(out, "store_errors_total", "counter",
           "Transactions of the store that failed.", c.n_store_errors);
    single(out, "refused_requests_total", "counter",
           "Changes refused by validation or exhaustion.", c.n_refused);
    metric(out, "store_seconds_total", "counter",
           "Time spent in transactions of the store.");
    vx_buf_printf(out, "vxfabric_store_seconds_total %.6f\n",
                  (double) c.store_us / 1e6);
}

/* A counter of struct vx_switch_facts. */
static void
host_switches(struct vx_app *app, struct vx_buf *out, const char *name,
              const char *help, size_t offset)
{
    const struct vx_obj *obj;
    struct vx_iter iter;

    metric(out, name, "counter", help);
    vx_iter_init(&iter, app->model, VX_HOST, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        struct vx_host_facts facts;

        for (int i = 0; vx_hosts_facts(app->hosts, obj->oid, &facts)
                        && i < 2; i++) {
            const char *sw = (const char *) &facts.sw[i];
            uint64_t value;

            memcpy(&value, sw + offset, sizeof value);
            vx_buf_printf(out, "vxfabric_%s{host=\"%s\",tier=\"%d\"} %"
                          PRIu64"\n", name, obj->name, i + 1, value);
        }
    }
}

static void
host_rows(struct vx_app *app, struct vx_buf *out)
{
    struct vx_iter iter;
    const struct vx_obj *obj;

    metric(out, "host_active", "gauge", "1 if the host is active.");
    vx_iter_init(&iter, app->model, VX_HOST, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        vx_buf_printf(out, "vxfabric_host_active{host=\"%s\"} %d\n",
                      obj->name, vx_hosts_is_ready(app->hosts, obj->oid));
    }
    host_switches(app, out, "host_resyncs_total",
                  "Dumps compared with intent, by host and tier.",
                  offsetof(struct vx_switch_facts, n_resyncs));
    host_switches(app, out, "host_epochs_total",
                  "Connects that needed no comparison: the switch was not "
                  "touched.", offsetof(struct vx_switch_facts, n_epochs));
    host_switches(app, out, "host_modifications_total",
                  "Flow, group and meter modifications sent.",
                  offsetof(struct vx_switch_facts, n_sent));
}

static void
connections(const struct vx_app *app, struct vx_buf *out)
{
    size_t n_ready, n_ovsdb, n_openflow, n_refused;

    vx_hosts_counts(app->hosts, &n_ready, &n_ovsdb, &n_openflow, &n_refused);
    single(out, "hosts_active", "gauge", "Hosts that are active.", n_ready);
    single(out, "ovsdb_connections", "gauge", "OVSDB connections.", n_ovsdb);
    single(out, "openflow_connections", "gauge", "OpenFlow connections.",
           n_openflow);
    single(out, "hosts_refused", "gauge",
           "Connected hosts that may not join.", n_refused);
    single(out, "waiters", "gauge", "API requests with wait=.",
           vx_wait_count(app->ports));
}

static void
audits(const struct vx_app *app, struct vx_buf *out)
{
    struct vx_audits_counters c;
    const struct vx_obj *obj;
    struct vx_iter iter;
    int64_t now = vx_clock_wall_ms();

    vx_audits_counters(app->audits, &c);
    single(out, "audits_total", "counter",
           "Audits of hosts that came to their end.", c.n_audits);
    metric(out, "drift_found_total", "counter",
           "Rows that differed from intent, by kind.");
    for (int i = 0; i < VX_N_FOUND; i++) {
        vx_buf_printf(out, "vxfabric_drift_found_total{kind=\"%s\"} %"PRIu64
                      "\n", vx_finding_kind_name((enum vx_finding_kind) i),
                      c.n_found[i]);
    }
    single(out, "drift_repaired_total", "counter", "Rows that were repaired.",
           c.n_repaired);
    single(out, "drift_open", "gauge", "Differences that are there still.",
           c.n_open);
    metric(out, "audit_age_seconds", "gauge",
           "Since the last audit of the host came to its end.");
    vx_iter_init(&iter, app->model, VX_HOST, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        int64_t last = vx_audits_last_ms(app->audits, obj->oid);

        if (last) {
            vx_buf_printf(out, "vxfabric_audit_age_seconds{host=\"%s\"} "
                          "%.3f\n", obj->name, (double) (now - last) / 1e3);
        }
    }
    metric(out, "gateway_audit_age_seconds", "gauge",
           "Since the gateway last told what it found of itself.");
    vx_iter_init(&iter, app->model, VX_GATEWAY, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        int64_t last = vx_audits_gateway_last_ms(app->audits, obj->oid);

        if (last) {
            vx_buf_printf(out, "vxfabric_gateway_audit_age_seconds{"
                          "gateway=\"%s\"} %.3f\n", obj->name,
                          (double) (now - last) / 1e3);
        }
    }
}

static void
hooks(const struct vx_app *app, struct vx_buf *out)
{
    struct vx_hooks_counters c;

    vx_hooks_counters(app->hooks, &c);
    single(out, "events_lost_total", "counter",
           "Events that found no room in the journal.", c.n_lost);
    metric(out, "hook_runs", "gauge", "Hook runs by state.");
    vx_buf_printf(out, "vxfabric_hook_runs{state=\"waiting\"} %zu\n"
                  "vxfabric_hook_runs{state=\"running\"} %zu\n"
                  "vxfabric_hook_runs{state=\"dead\"} %"PRIu64"\n",
                  c.n_waiting, c.n_running, c.n_dead_kept);
    metric(out, "hook_attempts_total", "counter",
           "Attempts of hook runs by how they ended.");
    vx_buf_printf(out, "vxfabric_hook_attempts_total{result=\"ok\"} %"PRIu64
                  "\nvxfabric_hook_attempts_total{result=\"failed\"} %"
                  PRIu64"\n", c.n_done, c.n_failed);
    single(out, "hook_dead_total", "counter", "Hook runs given up.",
           c.n_dead);
    single(out, "hook_overflow_total", "counter",
           "Hook runs that found the queue full.", c.n_overflow);
}

void
vx_app_metrics(void *app_, struct vx_buf *out)
{
    struct vx_app *app = app_;

    metric(out, "info", "gauge", "Version of the controller.");
    vx_buf_printf(out, "vxfabric_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
    single(out, "uptime_seconds", "gauge", "Since the start.",
           (uint64_t) (vx_clock_ms() - app->started_ms) / 1000);
    single(out, "loop_late_total", "counter",
           "Times the event loop was more than 10 ms late.", app->n_late);
    metric(out, "loop_late_max_seconds", "gauge",
           "The latest the event loop ever was.");
    vx_buf_printf(out, "vxfabric_loop_late_max_seconds %.3f\n",
                  (double) app->late_max_ms / 1e3);
    objects(app, out);
    ports(app, out);
    probes(app, out);
    routers(app, out);
    commits(app, out);
    connections(app, out);
    host_rows(app, out);
    metric(out, "events_total", "counter", "Events by name.");
    for (size_t i = 0; i < VX_N_EVENTS; i++) {
        vx_buf_printf(out, "vxfabric_events_total{event=\"%s\"} %"PRIu64"\n",
                      vx_api_event_names[i], app->n_events[i]);
    }
    audits(app, out);
    hooks(app, out);
    vx_app_metrics_traffic(app, out);
    vx_gws_metrics(app->gws, out);
}
