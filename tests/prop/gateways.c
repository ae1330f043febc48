/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways in the world of test_fabric_prop.c: routers' networks with their
 * legs, VTEPs of other fabrics with what was learned there.  They come and go
 * in the order in which the model lets them. */
#include "tests/prop/world.h"

enum { FIRST_ROUTER = 110, FIRST_GATEWAY = 700, FIRST_LEG_IFACE = N_IDS };

void
router_down(struct world *w, unsigned tenant)
{
    uint64_t router = FIRST_ROUTER + tenant;

    for (unsigned i = 0; i < N_LEARNED; i++) {
        if (w->learned[i] && w->learned[i]->parent == router) {
            change(w, &w->learned[i], NULL);
        }
    }
    for (unsigned i = 0; i < N_LEGS; i++) {
        if (w->legs[tenant][i]) {
            change(w, &w->legs[tenant][i], NULL);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        if (w->router_subnets[tenant][i]) {
            change(w, &w->router_subnets[tenant][i], NULL);
        }
    }
    if (w->routers[tenant]) {
        change(w, &w->routers[tenant], NULL);
    }
}

static void
put_router_subnet(struct world *w, unsigned tenant, unsigned i)
{
    static const char *const prefixes[] = {
        VX_ROUTER_SUBNET4, VX_ROUTER_SUBNET6,
    };
    struct vx_subnet *subnet = (struct vx_subnet *) vx_obj_new(VX_SUBNET);

    subnet->o.oid = w->next_oid++;
    subnet->o.parent = FIRST_ROUTER + tenant;
    subnet->o.origin = VX_BY_SYSTEM;
    assert_true(vx_prefix_parse(prefixes[i], &subnet->prefix));
    subnet->gateway = subnet->prefix.ip;
    subnet->gateway.b[i ? 15 : 3] = 1;
    subnet->route = true;
    change(w, &w->router_subnets[tenant][i], &subnet->o);
}

static void
step_router(struct world *w)
{
    unsigned i = roll(w, N_TENANTS);
    const struct vx_tenant *tenant =
        (const struct vx_tenant *) w->tenants[i];
    struct vx_network *router;

    if (w->routers[i]) {
        if (roll(w, 12) == 0) {
            router_down(w, i);
        }
        return;
    }
    if (!tenant || !tenant->router_vni) {
        return;
    }
    router = (struct vx_network *) vx_obj_new(VX_NETWORK);
    router->o.oid = FIRST_ROUTER + i;
    router->o.parent = tenant->o.oid;
    router->o.origin = VX_BY_SYSTEM;
    free(router->o.name);
    router->o.name = vx_xstrdup(VX_ROUTER_NETWORK);
    router->vni = tenant->router_vni;
    router->mtu = 1450;
    change(w, &w->routers[i], &router->o);
    put_router_subnet(w, i, 0);
    put_router_subnet(w, i, 1);
}

static struct vx_port *
new_port(struct world *w, const struct vx_obj *old, enum vx_origin origin)
{
    struct vx_port *port = (struct vx_port *) vx_obj_new(VX_PORT);

    port->o.oid = old ? old->oid : w->next_oid++;
    port->o.origin = origin;
    port->mac.b[0] = 2;
    port->ips = vx_xcalloc(2, sizeof *port->ips);
    return port;
}

static uint32_t
tap_of_leg(struct world *w, unsigned tenant, unsigned i)
{
    const struct vx_port *leg = (const struct vx_port *) w->legs[tenant][i];

    return leg && w->hosts[leg->host - 1]
           ? w->ofports[leg->host - 1][FIRST_LEG_IFACE + tenant * N_LEGS + i]
           : 0;
}

static void
step_leg(struct world *w)
{
    unsigned t = roll(w, N_TENANTS), i = roll(w, N_LEGS);
    const struct vx_obj *old = w->legs[t][i];
    struct vx_port *port;

    if (!w->routers[t] || (old && roll(w, 5) == 0)) {
        if (old) {
            change(w, &w->legs[t][i], NULL);
        }
        return;
    }
    port = new_port(w, old, VX_BY_SYSTEM);
    port->o.parent = FIRST_ROUTER + t;
    port->gateway = FIRST_GATEWAY + i;
    port->host = 1 + roll(w, N_HOSTS);
    port->mac.b[5] = 0x40 + i;
    port->n_ips = 2;
    port->ips[0] = (struct vx_ip) {
        .family = 4, .b = { 169, 254, 64, 2 + i }
    };
    port->ips[1] = (struct vx_ip) {
        .family = 6, .b = { 0xfd, 0x76, 0x78, 0x66, 0x61, 0x62,
                            [15] = 2 + i }
    };
    free(port->iface_id);
    port->iface_id = vx_xasprintf("if%u", FIRST_LEG_IFACE + t * N_LEGS + i);
    change(w, &w->legs[t][i], &port->o);
    if (!tap_of_leg(w, t, i)) {
        plug(w, (unsigned) port->host - 1, FIRST_LEG_IFACE + t * N_LEGS + i,
             1 + roll(w, N_OFPORTS));
    }
}

static void
step_external(struct world *w)
{
    unsigned i = roll(w, N_EXTERNALS);
    struct vx_host *host;

    if (w->externals[i] && roll(w, 3) == 0) {
        for (unsigned k = 0; k < N_LEARNED; k++) {
            if (w->learned[k] && ((const struct vx_port *)
                                  w->learned[k])->host
                                 == w->externals[i]->oid) {
                change(w, &w->learned[k], NULL);
            }
        }
        change(w, &w->externals[i], NULL);
        return;
    }
    host = (struct vx_host *) vx_obj_new(VX_HOST);
    host->o.oid = N_HOSTS + 1 + i;
    host->o.origin = VX_BY_BGP;
    host->external = true;
    host->num = 40 + i;
    host->vtep = (struct vx_ip) {
        .family = 4, .b = { 192, 0, 2, 200 + 2 * i + roll(w, 2) }
    };
    host->zone = w->flat ? 901 : 901 + roll(w, N_ZONES);
    change(w, &w->externals[i], &host->o);
}

/* A MAC of a network, or the router of another fabric. */
static void
step_learned(struct world *w)
{
    unsigned i = roll(w, N_LEARNED), t = roll(w, N_TENANTS);
    unsigned x = roll(w, N_EXTERNALS);
    const struct vx_obj *old = w->learned[i];
    bool is_router = i == N_LEARNED - 1;
    struct vx_port *port;

    if (old && roll(w, 3) == 0) {
        change(w, &w->learned[i], NULL);
        return;
    }
    if (!w->externals[x] || (is_router && !old && !w->routers[t])) {
        return;
    }
    port = new_port(w, old, VX_BY_BGP);
    port->o.parent = old ? old->parent : is_router ? FIRST_ROUTER + t
                     : 100 + roll(w, N_NETS);
    port->host = w->externals[x]->oid;
    port->mac.b[5] = 0x80 + 2 * i + roll(w, 2);
    port->mobility = roll(w, 5);
    port->n_ips = roll(w, 2);
    port->ips[0] = is_router
        ? (struct vx_ip) { .family = 4, .b = { 169, 254, 64, 9 } }
        : (struct vx_ip) { .family = 4, .b = { 10, 0, i, 7 } };
    free(port->iface_id);
    port->iface_id = vx_xasprintf("learned%u", i);
    change(w, &w->learned[i], &port->o);
}

void
step_gateways(struct world *w)
{
    static void (*const steps[])(struct world *w) = {
        step_router, step_leg, step_leg, step_external, step_learned,
        step_learned,
    };

    steps[roll(w, sizeof steps / sizeof steps[0])](w);
}

/* --- The judgement. */

unsigned
legs_got(struct world *w, uint64_t tenant, delivered counts)
{
    unsigned n = 0;

    for (unsigned t = 0; t < N_TENANTS; t++) {
        for (unsigned i = 0; i < N_LEGS; i++) {
            const struct vx_port *leg =
                (const struct vx_port *) w->legs[t][i];
            uint32_t tap = tap_of_leg(w, t, i);
            unsigned copies = tap ? counts[leg->host - 1][tap] : 0;

            n += copies;
            w->n_to_leg += copies;
            if (copies && 801 + t != tenant) {
                FAIL(w, "leg %u of tenant %u got what is another's", i, t);
            }
        }
    }
    return n;
}

static void
check_leg(struct world *w, const struct tables *t, unsigned tenant,
          unsigned i)
{
    static const struct vx_mac gateway = VX_GATEWAY_MAC;
    const struct vx_ip src = { .family = 4, .b = { 203, 0, 113, 9 } };
    const struct vx_port *leg = (const struct vx_port *) w->legs[tenant][i];
    unsigned k = roll(w, N_PORTS), n;
    const struct vx_port *to = (const struct vx_port *) w->ports[k];
    delivered counts = { { 0 } };
    struct vx_packet packet = { 0 };

    if (!to || !to->n_ips) {
        return;
    }
    vx_packet_set_u(&packet, VX_F_IN_PORT, tap_of_leg(w, tenant, i));
    vx_packet_set_mac(&packet, VX_F_ETH_SRC, &leg->mac);
    vx_packet_set_mac(&packet, VX_F_ETH_DST, &gateway);
    vx_packet_set_u(&packet, VX_F_ETH_TYPE, 0x800);
    vx_packet_set_u(&packet, VX_F_IP_TTL, 64);
    vx_packet_set_ip(&packet, VX_F_IPV4_SRC, &src);
    vx_packet_set_ip(&packet, VX_F_IPV4_DST, &to->ips[0]);
    send_packet(w, t, (unsigned) leg->host - 1, &packet, counts);
    n = legs_got(w, 801 + tenant, counts);
    for (unsigned p = 0; p < N_PORTS; p++) {
        const struct vx_port *port = (const struct vx_port *) w->ports[p];
        uint32_t tap = tap_of(w, p);
        unsigned copies = tap ? counts[vx_port_location(port) - 1][tap] : 0;

        n += copies;
        w->n_from_leg += copies && p == k;
        if (copies && net_of(w, port)->o.parent != 801 + tenant) {
            FAIL(w, "from a leg of tenant %u to another's port %u", tenant,
                 p);
        }
    }
    if (n > 1) {
        FAIL(w, "%u copies of what came in at a leg of tenant %u", n,
             tenant);
    }
}

void
check_legs(struct world *w, const struct tables *t)
{
    for (unsigned tenant = 0; tenant < N_TENANTS; tenant++) {
        for (unsigned i = 0; i < N_LEGS; i++) {
            for (int n = 0; n < 3 && tap_of_leg(w, tenant, i); n++) {
                check_leg(w, t, tenant, i);
            }
        }
    }
}

void
gateways_unref(struct world *w)
{
    for (unsigned t = 0; t < N_TENANTS; t++) {
        vx_obj_unref(w->routers[t]);
        for (unsigned i = 0; i < 2; i++) {
            vx_obj_unref(w->router_subnets[t][i]);
        }
        for (unsigned i = 0; i < N_LEGS; i++) {
            vx_obj_unref(w->legs[t][i]);
        }
    }
    for (unsigned i = 0; i < N_EXTERNALS; i++) {
        vx_obj_unref(w->externals[i]);
    }
    for (unsigned i = 0; i < N_LEARNED; i++) {
        vx_obj_unref(w->learned[i]);
    }
}
