/* SPDX-License-Identifier: Apache-2.0 */
/* What the status of a port or a host is made from.
 *
 * Facts come from the model (intent), the fabric (place), the receipts
 * (confirmations) and the hosts (sessions); core/status.h decides.  Whether
 * a network has a host that is away is the same question for all its ports,
 * so the answer is kept until a host or a place changes: evaluating the
 * ports of a network costs O(ports + hosts), not their product. */
#include "daemon/app.h"

#include <stdio.h>
#include <string.h>

#include "daemon/audit.h"
#include "daemon/hosts.h"
#include "daemon/ports.h"
#include "daemon/probe.h"
#include "daemon/receipts.h"

static const char *
name_of(const struct vx_app *app, uint64_t oid)
{
    const struct vx_obj *obj = oid ? vx_model_by_oid(app->model, oid) : NULL;

    return obj ? obj->name : NULL;
}

static bool
is_draining(const struct vx_app *app, uint64_t oid)
{
    const struct vx_host *host = (const void *)
        (oid ? vx_model_by_oid(app->model, oid) : NULL);

    return host && host->draining;
}

static const struct vx_away_cache *
away_hosts(struct vx_app *app, uint64_t network)
{
    struct vx_away_cache *cache = &app->away[network % 64];

    if (cache->network != network || cache->epoch != app->epoch) {
        const uint64_t *hosts;
        size_t n;

        *cache = (struct vx_away_cache) { .network = network,
                                          .epoch = app->epoch };
        hosts = vx_fabric_network_hosts(app->fabric, network, &n);
        for (size_t i = 0; i < n; i++) {
            if (!vx_obj_is_external(vx_model_by_oid(app->model, hosts[i]))
                && !vx_hosts_is_ready(app->hosts, hosts[i])
                && vx_fabric_has_port_at(app->fabric, network, hosts[i])) {
                cache->n_away++;
                cache->name_oid = hosts[i];
            }
        }
    }
    cache->name = name_of(app, cache->name_oid);
    return cache;
}

static void
probe_facts(const struct vx_app *app, uint64_t oid,
            struct vx_port_facts *facts, int64_t *ret_reachable_at_ms)
{
    struct vx_probe_facts probe;

    vx_probes_get(app->probes, oid, &probe);
    facts->unproven = probe.gated;
    facts->probe_from = name_of(app, probe.from);
    facts->n_probes_more = probe.n_more;
    facts->probe_late = probe.late;
    *ret_reachable_at_ms = probe.reachable_at_ms;
}

bool
vx_app_port_status(void *app_, uint64_t oid,
                   struct vx_port_status *ret_status)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = vx_model_by_oid(app->model, oid);
    const struct vx_port *port = (const struct vx_port *) obj;
    struct vx_host_facts host = { .ready = false };
    struct vx_port_facts facts = { .host = NULL };
    struct vx_place place;
    int64_t reachable_at_ms;

    if (!obj || obj->kind != VX_PORT
        || !vx_fabric_place(app->fabric, oid, &place)) {
        return false;
    }
    facts.host = name_of(app, place.host);
    facts.iface_id = port->iface_id;
    facts.elsewhere = name_of(app, place.elsewhere);
    facts.elsewhere_draining = is_draining(app, place.elsewhere);
    facts.intent_host = port->host != 0;
    facts.plugged = place.ofport != 0;
    facts.n_outstanding = vx_receipts_outstanding(app->receipts, oid);
    if (port->migrate_from) {
        facts.target = name_of(app, port->host);
        facts.target_ready = vx_hosts_is_ready(app->hosts, port->host);
        facts.target_plugged = place.guest == port->host
                               && place.guest_ofport;
        facts.hold = port->migrate_hold;
    }
    if (place.host) {
        const struct vx_away_cache *away = away_hosts(app, place.network);

        const struct vx_host *host_obj = (const void *)
            vx_model_by_oid(app->model, place.host);

        vx_hosts_facts(app->hosts, place.host, &host);
        facts.host_seen = host_obj && host_obj->system_id[0];
        facts.host_ready = host.ready;
        facts.host_reason = host.reason;
        facts.n_away = away->n_away - (away->n_away && !host.ready);
        facts.away = away->name;
        facts.n_lacking = (unsigned) vx_audits_n_lacking(app->audits, &host,
                                                         &place, oid);
    }
    probe_facts(app, oid, &facts, &reachable_at_ms);
    if (vx_obj_is_external(vx_model_by_oid(app->model, place.host))) {
        facts.host_seen = facts.host_ready = facts.plugged = true;
        facts.host_reason = "";
        facts.unproven = false;
        facts.n_lacking = 0;
    }
    vx_port_status_eval(&facts, ret_status);
    ret_status->reachable_at_ms = reachable_at_ms;
    return true;
}

bool
vx_app_host_status(void *app_, uint64_t oid,
                   struct vx_api_host_status *ret_status)
{
    struct vx_app *app = app_;
    struct vx_host_facts facts;

    if (vx_obj_is_external(vx_model_by_oid(app->model, oid))) {
        *ret_status = (struct vx_api_host_status) { .state = "active" };
        ret_status->n_ports = vx_fabric_host_n_ports(app->fabric, oid);
        return true;
    }
    if (!vx_hosts_facts(app->hosts, oid, &facts)) {
        return false;
    }
    ret_status->state = facts.state;
    snprintf(ret_status->reason, sizeof ret_status->reason, "%.250s",
             facts.reason);
    ret_status->realized_revision = facts.realized;
    ret_status->n_ports = vx_fabric_host_n_ports(app->fabric, oid);
    if (facts.ready && is_draining(app, oid)) {
        uint64_t n = ret_status->n_ports
                     + vx_model_n_arrivals(app->model, oid);

        ret_status->state = "draining";
        snprintf(ret_status->reason, sizeof ret_status->reason,
                 n ? "%llu port%s left" : "no ports are left",
                 (unsigned long long) n, n == 1 ? " is" : "s are");
    }
    return true;
}

bool
vx_app_realized(void *app_, uint64_t oid)
{
    struct vx_app *app = app_;
    const struct vx_obj *obj = vx_model_by_oid(app->model, oid);
    struct vx_port_status status;

    if (!obj) {
        return true;
    } else if (obj->kind == VX_HOST) {
        return vx_obj_is_external(obj) || vx_hosts_is_ready(app->hosts, oid);
    } else if (obj->kind == VX_PORT) {
        return vx_app_port_status(app, oid, &status)
               && status.state == VX_PORT_ACTIVE;
    }
    return true;
}
