/* SPDX-License-Identifier: Apache-2.0 */
/* The model, read in full; see model_check.h. */
#include "tests/lib/model_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/model_priv.h"
#include "lib/buf.h"
#include "tests/lib/model_reference.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

static void
dump_ips(struct vx_buf *buf, const struct vx_ip *ip, size_t n)
{
    char text[VX_IP_STRLEN];

    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(buf, " %s", vx_ip_format(&ip[i], text));
    }
}

static void
dump_rts(struct vx_buf *buf, const uint64_t *rts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(buf, "%s%jx", i ? "," : " rt", (uintmax_t) rts[i]);
    }
}

static void
dump_gateway(struct vx_buf *buf, const struct vx_gateway *g)
{
    char text[VX_IP_STRLEN];

    vx_buf_printf(buf, " h%ju as%u %s", (uintmax_t) g->host, g->as,
                  vx_ip_format(&g->router_id, text));
}

static void
dump_prefixes(struct vx_buf *buf, const struct vx_prefix *p, size_t n)
{
    char text[VX_PREFIX_STRLEN];

    for (size_t i = 0; i < n; i++) {
        vx_buf_printf(buf, "%s%s", i ? "," : " ",
                      vx_prefix_format(&p[i], text));
    }
    vx_buf_puts(buf, ";");
}

static void
dump_peering(struct vx_buf *buf, const struct vx_peering *p)
{
    char text[VX_IP_STRLEN];

    vx_buf_printf(buf, " g%ju %s as%u-%u f%x b%d h%u t%u (%s) (%s)",
                  (uintmax_t) p->gateway, vx_ip_format(&p->peer, text),
                  p->peer_as, p->local_as, p->families, p->bfd, p->hold_s,
                  p->multihop, p->password, p->device);
    vx_buf_printf(buf, " m%d %u p%u l%u %s i%d r%d", p->has_med, p->med,
                  p->local_pref, p->prefix_limit,
                  p->source.family ? vx_ip_format(&p->source, text) : "-",
                  p->flowspec_in, p->readvertise);
    for (size_t i = 0; i < p->n_communities; i++) {
        vx_buf_printf(buf, " c%x", p->communities[i]);
    }
    dump_prefixes(buf, p->imports, p->n_imports);
    dump_prefixes(buf, p->exports, p->n_exports);
    dump_prefixes(buf, p->locals, p->n_locals);
}

static void
dump_obj(struct vx_buf *buf, const struct vx_obj *obj)
{
    const void *v = obj;
    const struct vx_host *h = v;
    const struct vx_tenant *t = v;
    const struct vx_network *n = v;
    const struct vx_subnet *s = v;
    const struct vx_port *p = v;
    const struct vx_retired_vni *r = v;
    const struct vx_zone *z = v;
    const struct vx_route *route = v;
    const struct vx_policy *policy = v;
    char text[VX_IP_STRLEN];

    vx_buf_printf(buf, "%s %ju<%ju r%ju %s (%s) o%d",
                  vx_kind_name(obj->kind), (uintmax_t) obj->oid,
                  (uintmax_t) obj->parent, (uintmax_t) obj->revision,
                  obj->name, obj->description, obj->origin);
    if (obj->kind == VX_ZONE) {
        vx_buf_printf(buf, " #%u %d %u", z->num, z->path, z->budget_kbps);
        for (size_t i = 0; i < z->n_borders; i++) {
            vx_buf_printf(buf, " %ju", (uintmax_t) z->borders[i]);
        }
    } else if (obj->kind == VX_ROUTE) {
        vx_buf_printf(buf, " #%u a%d", route->num, route->announce);
        dump_ips(buf, route->via, route->n_via);
    } else if (obj->kind == VX_POLICY) {
        vx_buf_printf(buf, " #%u p%u a%d f%d d%u r%u n%ju pr%d d%d s%zu-%zu",
                      policy->num, policy->priority, policy->action,
                      policy->match.family, policy->dscp, policy->rate_kbps,
                      (uintmax_t) policy->match.network, policy->match.proto,
                      policy->match.dscp, policy->match.n_sports,
                      policy->match.n_dports);
        vx_buf_printf(buf, " w%d", policy->where);
        dump_ips(buf, policy->via, policy->n_via);
    } else if (obj->kind == VX_HOST) {
        vx_buf_printf(buf, " z%ju #%u %s %s %u", (uintmax_t) h->zone, h->num,
                      h->system_id, vx_ip_format(&h->vtep, text), h->mtu);
        vx_buf_puts(buf, h->external ? " external" : "");
    } else if (obj->kind == VX_TENANT) {
        vx_buf_printf(buf, " %u %u %u %u", t->router_vni, t->quota_networks,
                      t->quota_ports, t->budget_kbps);
        vx_buf_printf(buf, " rd%jx", (uintmax_t) t->rd);
        dump_rts(buf, t->imports, t->n_imports);
        dump_rts(buf, t->exports, t->n_exports);
    } else if (obj->kind == VX_NETWORK) {
        vx_buf_printf(buf, " %u %u %d %u", n->vni, n->mtu, n->path,
                      n->bum_pps);
        vx_buf_puts(buf, n->no_evpn ? " no EVPN" : "");
        dump_rts(buf, n->rts, n->n_rts);
    } else if (obj->kind == VX_SUBNET) {
        vx_buf_printf(buf, " %s route %d%d%d",
                      vx_ip_format(&s->gateway, text), s->route, s->announce,
                      s->host_routes);
        for (size_t i = 0; i < s->n_ranges; i++) {
            vx_buf_printf(buf, " %s-",
                          vx_ip_format(&s->ranges[i].first, text));
            vx_buf_puts(buf, vx_ip_format(&s->ranges[i].last, text));
        }
    } else if (obj->kind == VX_PORT) {
        vx_buf_printf(buf, " %jx %ju %ju %s %d",
                      (uintmax_t) vx_mac_to_u64(&p->mac), (uintmax_t) p->host,
                      (uintmax_t) p->located, p->iface_id, p->guard);
        vx_buf_printf(buf, " from %ju hold %d", (uintmax_t) p->migrate_from,
                      p->migrate_hold);
        vx_buf_printf(buf, " rates %u %u %u", p->rate_kbps, p->rate_pps,
                      p->bum_pps);
        vx_buf_printf(buf, " m%u g%ju", p->mobility, (uintmax_t) p->gateway);
        dump_ips(buf, p->ips, p->n_ips);
    } else if (obj->kind == VX_RETIRED_VNI) {
        vx_buf_printf(buf, " %u %jd", r->vni, (intmax_t) r->until_ms);
    } else if (obj->kind == VX_GATEWAY) {
        dump_gateway(buf, v);
    } else if (obj->kind == VX_PEERING || obj->kind == VX_UPLINK) {
        dump_peering(buf, v);
    }
    vx_buf_puts(buf, "\n");
}

/* Everything that can be seen, and the pools behind it. */
char *
mc_dump(const struct vx_model *model)
{
    struct vx_buf buf = VX_BUF_INIT;
    struct ref_state s;

    vx_buf_printf(&buf, "revision %ju oid %ju free %u v4 %zu v6 %zu\n",
                  (uintmax_t) model->revision, (uintmax_t) model->last_oid,
                  model->n_free_vnis, model->n_vteps[0], model->n_vteps[1]);
    for (uint32_t vni = 0; vni < 32; vni++) {
        vx_buf_puts(&buf, vx_vni_pool_is_free(model->vnis, vni) ? "." : "x");
    }
    vx_buf_printf(&buf, " nums %zu %zu %zu\n", model->nums.runs.count,
                  model->zone_nums.runs.count, model->hop_nums.runs.count);
    ref_read(model, &s);
    for (size_t i = 0; i < s.n; i++) {
        dump_obj(&buf, s.objs[i]);
    }
    return vx_buf_steal(&buf);
}

/* Used numbers are those of the ports, for all addresses that random lines
 * and allocation can reach. */
static void
check_used(const struct vx_network_ent *net)
{
    static const char *const bases[] = {
        "10.0.0.0", "10.0.1.0", "10.0.2.0", "fd00::", "fe80::",
    };

    for (size_t i = 0; i < N_ELEMS(bases); i++) {
        struct vx_ip ip;

        assert_true(vx_ip_parse(bases[i], &ip));
        for (uint8_t low = 0; low < 20; low++) {
            ip.b[ip.family == 4 ? 3 : 15] = low;
            assert_int_equal(vx_runset_has(&net->used,
                                           vx_model_ip_number(&ip)),
                             vx_network_port_by_ip(net, &ip) != NULL);
        }
    }
}

/* What is indexed below a tenant. */
static void
check_tenant(const struct ref_state *s, const struct vx_ent *ent)
{
    const struct vx_tenant_ent *tenant = vx_tenant_ent(ent);
    size_t n_routed = 0, n_vias = 0, n_policies = 0;

    for (size_t i = 0; i < s->n; i++) {
        const void *v = s->objs[i];
        const struct vx_subnet *subnet = v;
        const struct vx_policy *policy = v;

        if (s->objs[i]->kind == VX_SUBNET) {
            n_routed += subnet->route
                && ref_tenant_of(s, v) == ent->obj->oid;
        } else if (s->objs[i]->kind == VX_ROUTE
                   && s->objs[i]->parent == ent->obj->oid) {
            n_vias += ((const struct vx_route *) v)->n_via;
        } else if (s->objs[i]->kind == VX_POLICY
                   && s->objs[i]->parent == ent->obj->oid) {
            n_vias += policy->n_via;
            n_policies++;
            assert_ptr_equal(vx_tenant_policy_at(tenant,
                                                 policy->priority)->obj, v);
        }
    }
    assert_int_equal(tenant->routed.count, n_routed);
    assert_int_equal(tenant->vias.count, n_vias);
    assert_int_equal(tenant->policies.count, n_policies);
    assert_int_equal(tenant->priorities.count, n_policies);
}

static bool
is_fabric_uplink(const struct vx_obj *obj)
{
    return obj->kind == VX_UPLINK
           && ((const struct vx_peering *) (const void *) obj)->families
              & (VX_AF_VPNV4 | VX_AF_VPNV6 | VX_AF_EVPN);
}

static bool
is_announced(const struct vx_obj *obj)
{
    const void *v = obj;

    return obj->kind == VX_SUBNET ? ((const struct vx_subnet *) v)->announce
           : obj->kind == VX_ROUTE && ((const struct vx_route *) v)->announce;
}

/* Whom a gateway serves, the slow way. */
static bool
serves(const struct ref_state *s, const struct vx_obj *gateway,
       const struct vx_obj *tenant)
{
    bool uplink = false, announced = false;

    for (size_t i = 0; i < s->n; i++) {
        const struct vx_peering *p = (const void *) s->objs[i];
        const struct vx_obj *obj = s->objs[i];

        if (obj->kind == VX_PEERING && obj->parent == tenant->oid
            && p->gateway == gateway->oid) {
            return true;
        }
        uplink |= is_fabric_uplink(obj) && p->gateway == gateway->oid;
        announced |= is_announced(obj)
            && (obj->kind == VX_ROUTE ? obj->parent
                                      : ref_tenant_of(s, obj))
               == tenant->oid;
    }
    return uplink && announced;
}

static size_t
count_sessions(const struct vx_model *model, uint64_t gateway)
{
    struct vx_serve_iter iter;
    size_t n = 0;

    vx_peerings_init(&iter, model, gateway);
    while (vx_peerings_next(&iter)) {
        n++;
    }
    return n;
}

static size_t
count_served(const struct vx_model *model, uint64_t gateway)
{
    struct vx_serve_iter iter;
    const struct vx_tenant *tenant;
    uint64_t last = 0;
    size_t n = 0;

    vx_served_init(&iter, model, gateway);
    while ((tenant = vx_served_next(&iter))) {
        assert_true(tenant->o.oid > last);
        last = tenant->o.oid;
        assert_true(vx_model_serves(model, gateway, last));
        n++;
    }
    return n;
}

static size_t
count_serving(const struct vx_model *model, uint64_t tenant)
{
    struct vx_serve_iter iter;
    const struct vx_gateway *gateway;
    uint64_t last = 0;
    size_t n = 0;

    vx_serving_init(&iter, model, tenant);
    while ((gateway = vx_serving_next(&iter))) {
        assert_true(gateway->o.oid > last);
        last = gateway->o.oid;
        assert_true(vx_model_serves(model, last, tenant));
        n++;
    }
    return n;
}

static void
check_gateways(const struct vx_model *model, const struct ref_state *s)
{
    size_t n_sessions = 0, n_found = 0, n_served = 0, n_pairs = 0;
    size_t n_serving = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct vx_obj *obj = s->objs[i];

        n_sessions += obj->kind == VX_PEERING || obj->kind == VX_UPLINK;
        if (obj->kind == VX_TENANT) {
            n_serving += count_serving(model, obj->oid);
        }
        if (obj->kind != VX_GATEWAY) {
            continue;
        }
        n_found += count_sessions(model, obj->oid);
        n_served += count_served(model, obj->oid);
        assert_ptr_equal(vx_model_gateway_of_host(model,
            ((const struct vx_gateway *) (const void *) obj)->host), obj);
        for (size_t j = 0; j < s->n; j++) {
            n_pairs += s->objs[j]->kind == VX_TENANT
                && serves(s, obj, s->objs[j]);
        }
    }
    assert_int_equal(n_found, n_sessions);
    assert_int_equal(model->peers.count, n_sessions);
    assert_int_equal(n_served, n_pairs);
    assert_int_equal(n_serving, n_pairs);
}

/* Every index holds what it should and nothing else. */
void
mc_check_indexes(const struct vx_model *model)
{
    size_t n_ports = 0, n_located = 0, n_hosts_ports = 0, n_vnis = 0;
    size_t n_moving = 0, n_arrivals = 0;
    struct ref_state s;

    ref_read(model, &s);
    assert_int_equal(model->by_oid.count, s.n);
    for (size_t i = 0; i < s.n; i++) {
        const void *v = s.objs[i];
        const struct vx_ent *ent = vx_model_ent(model, s.objs[i]->oid);
        struct vx_key key = vx_model_key(model, v);

        assert_ptr_equal(ent->obj, v);
        assert_ptr_equal(vx_model_find(model, s.objs[i]->kind, &key, NULL),
                         v);
        n_vnis += ref_vni_of(v) != 0;
        if (s.objs[i]->kind == VX_PORT) {
            n_ports++;
            n_located += vx_port_location(v) != 0;
            n_moving += ((const struct vx_port *) v)->migrate_from != 0;
            assert_ptr_equal(vx_model_by_iface_id(model,
                ((const struct vx_port *) v)->iface_id), v);
        } else if (s.objs[i]->kind == VX_NETWORK) {
            const struct vx_network_ent *net = vx_network_ent(ent);

            assert_int_equal(net->by_mac.count, net->ports.count);
            assert_int_equal(net->by_prefix.count, net->subnets.count);
            check_used(net);
        } else if (s.objs[i]->kind == VX_TENANT) {
            check_tenant(&s, ent);
        } else if (s.objs[i]->kind == VX_HOST) {
            n_hosts_ports += ((const struct vx_host_ent *) (const void *)
                              ent)->ports.count;
            n_arrivals += ((const struct vx_host_ent *) (const void *)
                           ent)->arrivals.count;
            assert_ptr_equal(vx_model_host_by_num(model,
                ((const struct vx_host *) v)->num), v);
        }
    }
    assert_int_equal(model->by_iface_id.count, n_ports);
    assert_int_equal(n_located, n_hosts_ports);
    assert_int_equal(n_moving, n_arrivals);
    assert_int_equal(model->by_vni.count, n_vnis);
    assert_int_equal(model->retired.count, model->counts[VX_RETIRED_VNI]);
    check_gateways(model, &s);
}
