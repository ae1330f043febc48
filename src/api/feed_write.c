/* SPDX-License-Identifier: Apache-2.0 */
/* The feed's values; see feed_write.h. */
#include "api/feed_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/codec.h"
#include "api/codec_policy.h"
#include "api/json.h"
#include "lib/rt.h"

enum { SUBNETS_MAX = 4096 };    /* of a tenant entry */

static void
write_ip(struct vx_jw *jw, const char *key, const struct vx_ip *ip)
{
    char buf[VX_IP_STRLEN];

    vx_jw_opt(jw, key, ip->family ? vx_ip_format(ip, buf) : NULL);
}

static void
write_rts(struct vx_jw *jw, const char *key, const uint64_t *rts, size_t n)
{
    char buf[VX_RT_STRLEN];

    vx_jw_key(jw, key);
    vx_buf_puts(jw->out, "[");
    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(jw->out, "%s\"%s\"", i ? "," : "",
                      vx_rt_format(rts[i], buf));
    }
    vx_buf_puts(jw->out, "]");
}

/* Router ids of the fabric's other gateways, in order of their names. */
static void
write_fellows(const struct vx_model *model, const struct vx_export *e,
              struct vx_jw *jw)
{
    const struct vx_obj *obj;
    struct vx_iter iter;
    char ip[VX_IP_STRLEN];
    size_t n = 0;

    vx_jw_key(jw, "fellows");
    vx_buf_puts(jw->out, "[");
    vx_iter_init(&iter, model, VX_GATEWAY, NULL, NULL);
    while ((obj = vx_iter_next(&iter)) && n < VX_FEED_MAX_FELLOWS) {
        const struct vx_gateway *gateway = (const void *) obj;
        const struct vx_host *host = (const void *)
            vx_model_by_oid(model, gateway->host);
        const struct vx_ip *id = gateway->router_id.family || !host
                                 ? &gateway->router_id : &host->vtep;

        if (obj->oid != e->obj->oid && id->family == 4) {
            vx_buf_printf(jw->out, "%s\"%s\"", n++ ? "," : "",
                          vx_ip_format(id, ip));
        }
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_gateway(const struct vx_model *model, const struct vx_export *e,
              struct vx_jw *jw)
{
    vx_jw_str(jw, "name", e->obj->name);
    vx_jw_u64(jw, "as", e->as);
    write_ip(jw, "router_id", &e->router_id);
    write_ip(jw, "vtep", &e->host->vtep);
    vx_jw_str(jw, "host", e->host->o.name);
    write_fellows(model, e, jw);
}

/* Of the subnets of the network: in order of their names. */
static void
each_subnet(const struct vx_model *model, const struct vx_network *network,
            void (*f)(struct vx_jw *jw, const struct vx_subnet *subnet,
                      size_t n), struct vx_jw *jw)
{
    const struct vx_obj *tenant = vx_model_by_oid(model, network->o.parent);
    struct vx_key scope = { .network = network->o.name };
    const struct vx_obj *obj;
    struct vx_iter iter;
    size_t n = 0;

    if (!tenant) {
        return;
    }
    scope.tenant = tenant->name;
    vx_iter_init(&iter, model, VX_SUBNET, &scope, NULL);
    while ((obj = vx_iter_next(&iter))) {
        f(jw, (const void *) obj, n++);
    }
}

static void
put_prefix(struct vx_jw *jw, const struct vx_subnet *subnet, size_t n)
{
    char buf[VX_PREFIX_STRLEN];

    vx_buf_printf(jw->out, "%s\"%s\"", n ? "," : "",
                  vx_prefix_format(&subnet->prefix, buf));
}

static void
put_gateway(struct vx_jw *jw, const struct vx_subnet *subnet, size_t n)
{
    char buf[VX_IP_STRLEN];

    vx_buf_printf(jw->out, "%s\"%s\"", n ? "," : "",
                  vx_ip_format(&subnet->gateway, buf));
}

static void
write_leg(const struct vx_model *model, const struct vx_export *e,
          struct vx_jw *outer)
{
    char buf[VX_IP_STRLEN];
    struct vx_jw jw;

    vx_jw_key(outer, "leg");
    vx_jw_begin(&jw, outer->out);
    vx_jw_str(&jw, "iface_id", e->leg->iface_id);
    vx_jw_str(&jw, "mac", vx_mac_format(&e->leg->mac, buf));
    vx_jw_key(&jw, "ips");
    vx_buf_puts(jw.out, "[");
    for (size_t i = 0; i < e->leg->n_ips; i++) {
        const struct vx_ip *ip = &e->leg->ips[i];
        const struct vx_subnet *subnet = vx_model_routed_subnet(
            model, e->tenant->o.oid, ip);

        vx_buf_printf(jw.out, "%s\"%s/%u\"", i ? "," : "",
                      vx_ip_format(ip, buf),
                      subnet ? subnet->prefix.length : vx_ip_bits(ip));
    }
    vx_buf_puts(jw.out, "]");
    vx_jw_key(&jw, "gateways");
    vx_buf_puts(jw.out, "[");
    each_subnet(model, e->network, put_gateway, &jw);
    vx_buf_puts(jw.out, "]");
    vx_jw_end(&jw);
}

/* Announced or not: what no peer may say. */
static void
write_subnets(const struct vx_model *model, const struct vx_tenant *tenant,
              struct vx_jw *jw)
{
    struct vx_key of_tenant = { .tenant = tenant->o.name };
    const struct vx_obj *network, *subnet;
    struct vx_iter networks, subnets;
    size_t n = 0;

    vx_jw_key(jw, "subnets");
    vx_buf_puts(jw->out, "[");
    vx_iter_init(&networks, model, VX_NETWORK, &of_tenant, NULL);
    while ((network = vx_iter_next(&networks))) {
        struct vx_key of_network = { .tenant = tenant->o.name,
                                     .network = network->name };

        vx_iter_init(&subnets, model, VX_SUBNET, &of_network, NULL);
        while (n < SUBNETS_MAX && (subnet = vx_iter_next(&subnets))) {
            if (((const struct vx_subnet *) subnet)->route) {
                put_prefix(jw, (const void *) subnet, n++);
            }
        }
    }
    vx_buf_puts(jw->out, "]");
}

static void
write_tenant(const struct vx_model *model, const struct vx_export *e,
             struct vx_jw *jw)
{
    char buf[VX_RT_STRLEN], vrf[16];

    snprintf(vrf, sizeof vrf, "vx%u", e->tenant->router_vni);
    vx_jw_str(jw, "vrf", vrf);
    vx_jw_u64(jw, "vni", e->tenant->router_vni);
    vx_jw_opt(jw, "rd", e->tenant->rd ? vx_rd_format(e->tenant->rd, buf)
                                      : NULL);
    write_rts(jw, "import", e->imports, e->n_imports);
    write_rts(jw, "export", e->exports, e->n_exports);
    vx_jw_u64(jw, "mtu", e->network->mtu);
    write_subnets(model, e->tenant, jw);
    write_leg(model, e, jw);
}

static void
write_prefix(const struct vx_model *model, const struct vx_export *e,
             struct vx_jw *jw)
{
    char path[256], buf[VX_PREFIX_STRLEN];

    vx_jw_str(jw, "tenant", e->tenant->o.name);
    vx_jw_str(jw, "prefix", vx_prefix_format(&e->prefix, buf));
    vx_jw_str(jw, "why", e->why);
    vx_jw_str(jw, "object", vx_model_path(model, e->obj, path, sizeof path));
}

static void
write_network(const struct vx_model *model, const struct vx_export *e,
              struct vx_jw *jw)
{
    vx_jw_str(jw, "tenant", e->tenant ? e->tenant->o.name : "");
    vx_jw_u64(jw, "vni", e->network->vni);
    write_rts(jw, "import", e->imports, e->n_imports);
    write_rts(jw, "export", e->exports, e->n_exports);
    vx_jw_key(jw, "prefixes");
    vx_buf_puts(jw->out, "[");
    each_subnet(model, e->network, put_prefix, jw);
    vx_buf_puts(jw->out, "]");
}

static void
write_endpoint(const struct vx_export *e, struct vx_jw *jw)
{
    const struct vx_port *port = (const void *) e->obj;
    char buf[VX_MAC_STRLEN];

    vx_jw_u64(jw, "vni", e->network->vni);
    vx_jw_str(jw, "mac", vx_mac_format(&port->mac, buf));
    vx_codec_write_ips(jw, "ips", port->ips, port->n_ips);
    write_ip(jw, "vtep", &e->host->vtep);
    vx_jw_u64(jw, "seq", port->mobility);
}

/* Of the object as GET answers it, without its closing brace. */
static void
begin_object(const struct vx_model *model, const struct vx_obj *obj,
             struct vx_jw *jw)
{
    const struct vx_codec_view view = {
        .model = model, .obj = obj, .key = vx_model_key(model, obj),
        .secrets = true,
    };

    vx_codec_object(&view, jw->out);
    jw->out->size--;
    jw->comma = true;
}

static void
write_policy(const struct vx_model *model, const struct vx_export *e,
             struct vx_jw *jw)
{
    const struct vx_policy *policy = (const void *) e->obj;
    const struct vx_network *network = (const void *)
        (policy->match.network
         ? vx_model_by_oid(model, policy->match.network) : NULL);
    struct vx_ip hops[VX_MAX_HOPS];
    const struct vx_gateway *gateway;
    struct vx_serve_iter iter;
    size_t n = 0;

    begin_object(model, e->obj, jw);
    if (network) {
        vx_jw_key(jw, "networks_prefixes");
        vx_buf_puts(jw->out, "[");
        each_subnet(model, network, put_prefix, jw);
        vx_buf_puts(jw->out, "]");
    }
    if (policy->action == VX_POLICY_VIA) {
        vx_codec_write_ips(jw, "via", policy->via, policy->n_via);
        return;
    }
    if (policy->action != VX_POLICY_GATEWAY) {
        return;
    }
    vx_serving_init(&iter, model, policy->o.parent);
    while ((gateway = vx_serving_next(&iter))) {
        const struct vx_port *leg = vx_model_leg(model, gateway->o.oid,
                                                 policy->o.parent);

        for (size_t i = 0; leg && i < leg->n_ips && n < VX_MAX_HOPS; i++) {
            hops[n++] = leg->ips[i];
        }
    }
    vx_codec_write_ips(jw, "via", hops, n);
}

void
vx_feed_write_value(const struct vx_model *model, const struct vx_export *e,
                    struct vx_buf *out)
{
    struct vx_jw jw = { .out = out };

    if (e->type == VX_FEED_PEERING) {
        begin_object(model, e->obj, &jw);
    } else if (e->type == VX_FEED_POLICY) {
        write_policy(model, e, &jw);
    } else {
        vx_jw_begin(&jw, out);
    }
    switch (e->type) {
    case VX_FEED_GATEWAY: write_gateway(model, e, &jw); break;
    case VX_FEED_TENANT: write_tenant(model, e, &jw); break;
    case VX_FEED_NETWORK: write_network(model, e, &jw); break;
    case VX_FEED_PREFIX: write_prefix(model, e, &jw); break;
    case VX_FEED_ENDPOINT: write_endpoint(e, &jw); break;
    case VX_FEED_VTEP:
        vx_jw_u64(&jw, "vni", e->network->vni);
        write_ip(&jw, "vtep", &e->host->vtep);
        break;
    case VX_FEED_PEERING: case VX_FEED_POLICY: case VX_FEED_N_TYPES:
        break;
    }
    vx_jw_end(&jw);
}

void
vx_feed_write_line(uint64_t seq, enum vx_feed_type type, const char *key,
                   const char *value, struct vx_buf *out)
{
    struct vx_jw jw;

    vx_jw_begin(&jw, out);
    vx_jw_u64(&jw, "seq", seq);
    vx_jw_str(&jw, "type", vx_feed_type_name(type));
    vx_jw_str(&jw, "key", key);
    vx_jw_key(&jw, "value");
    vx_buf_puts(out, value ? value : "null");
    vx_jw_end(&jw);
    vx_buf_puts(out, "\n");
}

void
vx_feed_write_line_wait(uint64_t seq, const char *gateway, struct vx_buf *out)
{
    vx_buf_printf(out, "{\"seq\":%" PRIu64 ",\"type\":\"wait\",\"key\":",
                  seq);
    vx_json_string(out, gateway);
    vx_buf_puts(out, ",\"value\":null}\n");
}

void
vx_feed_write_line_audit(uint64_t seq, const char *gateway, uint64_t nonce,
                         bool repair, struct vx_buf *out)
{
    vx_buf_printf(out, "{\"seq\":%" PRIu64 ",\"type\":\"audit\",\"key\":",
                  seq);
    vx_json_string(out, gateway);
    vx_buf_printf(out, ",\"value\":{\"nonce\":%" PRIu64 ",\"repair\":%s}}\n",
                  nonce, repair ? "true" : "false");
}
