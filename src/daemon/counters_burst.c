/* SPDX-License-Identifier: Apache-2.0 */
/* Whose budget a burst has gone beyond, and who is told; see counters.h. */
#include "daemon/counters_priv.h"

#include "core/pipeline.h"
#include "daemon/hosts.h"
#include "lib/log.h"

/* --- Whose it is: looked up once, when the burst begins. */

static uint64_t
port_at(const struct vx_counters *counters, uint64_t host, uint32_t ofport)
{
    const char *iface_id = vx_hosts_iface_at(counters->env.hosts, host,
                                             ofport);
    const struct vx_port *port =
        iface_id ? vx_model_by_iface_id(counters->env.model, iface_id) : NULL;

    return port ? port->o.oid : 0;
}

/* O(tenants), O(policies): a meter is not looked up often. */
static uint64_t
numbered(const struct vx_counters *counters, enum vx_kind kind,
         uint32_t number)
{
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, counters->env.model, kind, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (number == (kind == VX_TENANT
                       ? ((const struct vx_tenant *) obj)->router_vni
                       : ((const struct vx_policy *) obj)->num)) {
            return obj->oid;
        }
    }
    return 0;
}

static uint64_t
object_of(const struct vx_counters *counters, const struct vx_burst *burst)
{
    uint32_t number = burst->meter & 0xffffff;
    const struct vx_network *network;

    switch (vx_meter_kind_of(burst->meter)) {
    case VX_METER_PUNT:
    case VX_METER_OUT_KBPS:
    case VX_METER_OUT_PPS:
    case VX_METER_IN_KBPS:
    case VX_METER_IN_PPS:
    case VX_METER_PORT_BUM:
        return port_at(counters, burst->host, number);
    case VX_METER_POLICY:
        return numbered(counters, VX_POLICY, number);
    case VX_METER_TENANT:
        return numbered(counters, VX_TENANT, number);
    case VX_METER_NETWORK_BUM:
        network = vx_model_by_vni(counters->env.model, number);
        return network ? network->o.oid : 0;
    case VX_METER_HOST:
    case VX_METER_NO_HOST:
        return burst->host;
    case VX_METER_NONE:
    case VX_N_METER_KINDS:
        break;
    }
    return 0;
}

/* --- In words. */

static enum vx_kind
kind_of(enum vx_meter_kind kind)
{
    switch (kind) {
    case VX_METER_POLICY:
        return VX_POLICY;
    case VX_METER_NETWORK_BUM:
        return VX_NETWORK;
    case VX_METER_TENANT:
        return VX_TENANT;
    case VX_METER_HOST:
    case VX_METER_NO_HOST:
        return VX_HOST;
    default:
        return VX_PORT;
    }
}

/* As it is now; a host's is its zone's. */
static uint64_t
rate_of(const struct vx_counters *counters, enum vx_meter_kind kind,
        const struct vx_obj *obj)
{
    const struct vx_port *port = (const struct vx_port *) obj;
    const struct vx_obj *zone;

    switch (kind) {
    case VX_METER_PUNT:
        return VX_METER_PUNT_PPS;
    case VX_METER_OUT_KBPS:
    case VX_METER_IN_KBPS:
        return port->rate_kbps;
    case VX_METER_OUT_PPS:
    case VX_METER_IN_PPS:
        return port->rate_pps;
    case VX_METER_PORT_BUM:
        return port->bum_pps ? port->bum_pps : counters->env.port_bum_pps;
    case VX_METER_POLICY:
        return ((const struct vx_policy *) obj)->rate_kbps;
    case VX_METER_NETWORK_BUM:
        return ((const struct vx_network *) obj)->bum_pps;
    case VX_METER_TENANT:
        return ((const struct vx_tenant *) obj)->budget_kbps;
    case VX_METER_HOST:
        zone = vx_model_by_oid(counters->env.model,
                               ((const struct vx_host *) obj)->zone);
        return zone ? ((const struct vx_zone *) zone)->budget_kbps : 0;
    case VX_METER_NO_HOST:
        return VX_METER_NO_HOST_PPS;
    case VX_METER_NONE:
    case VX_N_METER_KINDS:
        break;
    }
    return 0;
}

static bool
is_in_packets(enum vx_meter_kind kind)
{
    return kind != VX_METER_OUT_KBPS && kind != VX_METER_IN_KBPS
           && kind != VX_METER_POLICY && kind != VX_METER_TENANT
           && kind != VX_METER_HOST;
}

/* The tenant and network an object is of. */
static void
name_owners(const struct vx_model *model, const struct vx_obj *obj,
            struct vx_api_burst *b)
{
    const struct vx_obj *parent = vx_model_by_oid(model, obj->parent);

    if (obj->kind == VX_PORT && parent) {
        b->network = parent->name;
        parent = vx_model_by_oid(model, parent->parent);
    } else if (obj->kind == VX_NETWORK) {
        b->network = obj->name;
    }
    b->tenant = obj->kind == VX_TENANT ? obj->name
                : parent ? parent->name : "";
}

void
vx_counters_name(const struct vx_counters *counters,
                 const struct vx_burst *burst, struct vx_burst_room *room,
                 struct vx_api_burst *b)
{
    const struct vx_model *model = counters->env.model;
    enum vx_meter_kind kind = vx_meter_kind_of(burst->meter);
    const struct vx_obj *host = vx_model_by_oid(model, burst->host);
    const struct vx_obj *obj = vx_model_by_oid(model, burst->object);
    const struct vx_obj *zone = host && host->kind == VX_HOST
        ? vx_model_by_oid(model, ((const struct vx_host *) host)->zone)
        : NULL;

    *b = (struct vx_api_burst) {
        .id = burst->id, .active = !burst->over,
        .host = host ? host->name : "", .zone = zone ? zone->name : "",
        .kind = vx_kind_name(kind_of(kind)), .object = "", .tenant = "",
        .network = "", .budget = vx_meter_kind_name(kind),
        .unit = is_in_packets(kind) ? "packets/s" : "kbit/s",
        .dropped = burst->dropped, .packets = burst->packets,
        .bytes = burst->bytes, .since_ms = burst->since_ms,
        .last_ms = burst->last_ms,
    };
    if (obj && obj->kind == kind_of(kind)) {
        b->object = vx_model_path(model, obj, room->object,
                                  sizeof room->object);
        b->rate = rate_of(counters, kind, obj);
        name_owners(model, obj, b);
    }
}

/* --- Told. */

static void
tell(struct vx_counters *counters, const struct vx_burst *burst)
{
    struct vx_burst_room room;
    struct vx_api_burst b;
    const char *name;

    vx_counters_name(counters, burst, &room, &b);
    name = b.object[0] ? b.object : b.host;
    vx_log_info(name, "burst %s on host %s: %s %s of %llu %s, %llu packets "
                "dropped, %llu kbit/s offered",
                burst->over ? "is over" : "begins", b.host, b.kind, b.budget,
                (unsigned long long) b.rate, b.unit,
                (unsigned long long) b.dropped,
                (unsigned long long) vx_api_burst_bps(&b) / 1000);
    counters->env.burst(counters->env.ctx, &b);
}

static void
begun(void *counters, struct vx_burst *burst)
{
    burst->object = object_of(counters, burst);
    tell(counters, burst);
}

static void
over(void *counters, const struct vx_burst *burst)
{
    tell(counters, burst);
}

const struct vx_burst_told vx_counters_told = { .begun = begun,
                                                .over = over };
