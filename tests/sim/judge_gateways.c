/* SPDX-License-Identifier: Apache-2.0 */
/* What has to hold of gateways:
 *
 *   - what a tenant sends gets to its own legs only, and to another fabric
 *     under its own VNIs only; what comes in at a leg or from another fabric
 *     gets to the tenant only; at no time is it otherwise;
 *   - what a gateway is told that it shall announce, its host has confirmed,
 *     and its leg is connected;
 *   - when a request is done that takes away what was announced, nobody
 *     announces it who keeps up with the feed;
 *   - when all is calm a feed holds what one made anew would hold, whatever
 *     it went through;
 *   - what was learned is used where nothing else is there, and never takes
 *     the place of a subnet or of an operator's route. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/feed_write.h"
#include "core/pipeline.h"
#include "daemon/gateways_priv.h"
#include "daemon/health.h"
#include "daemon/hosts.h"
#include "lib/xalloc.h"
#include "tests/sim/sim.h"

enum { N_PER_LEG = 3, N_PER_LOOK = 6 };

static const struct vx_mac gateway_mac = VX_GATEWAY_MAC;

/* --- Whose a VNI is. */

static int
tenant_by_oid(uint64_t oid)
{
    const struct vx_obj *tenant = vx_model_by_oid(sim->app->model, oid);

    return tenant ? tenant->name[1] - '0' : -1;
}

static void
keep_vni(uint32_t vni, uint64_t tenant)
{
    if (vni >= FIRST_VNI && vni <= LAST_VNI) {
        sim->vni_tenants[vni - FIRST_VNI] = tenant_by_oid(tenant);
    }
}

static bool
uses_vni(const struct vx_row *row, uint32_t vni)
{
    for (unsigned k = 0; row->type == VX_ROW_FLOW && k < row->n_match; k++) {
        const uint8_t *v = row->match[k].value;

        if (row->match[k].field == VX_F_REG0
            && ((uint32_t) v[0] << 24 | (uint32_t) v[1] << 16
                | (uint32_t) v[2] << 8 | v[3]) == vni) {
            return true;
        }
    }
    return false;
}

/* Not one that was deleted: what it has is kept apart, and it is a stranger
 * when it comes back. */
static bool
is_trusted(const struct machine *machine)
{
    const struct vx_host *host = (const void *)
        client_find(KEY_HOST + machine->db.name);
    char id[32];

    snprintf(id, sizeof id, "machine-%d-%u", machine->index,
             machine->db.incarnation);
    return machine->db.joined && host && !host->stranger
           && !strcmp(host->system_id, id);
}

/* It is given to another only when no host uses it any more. */
static void
judge_holder(const struct vx_network *network)
{
    uint64_t holder = network->o.origin == VX_BY_SYSTEM ? network->o.parent
                                                        : network->o.oid;
    uint64_t *before;

    if (network->vni < FIRST_VNI || network->vni > LAST_VNI) {
        return;
    }
    before = &sim->vni_holders[network->vni - FIRST_VNI];
    for (int m = 0; *before && *before != holder && !machine_is_tampered()
                    && m < sim->n_machines * VX_FABRIC_TIER; m++) {
        const struct machine *machine = &sim->machines[m / VX_FABRIC_TIER];
        const struct table *table = &machine->tables[1 + m % VX_FABRIC_TIER];

        for (size_t i = 0; is_trusted(machine) && i < table->n; i++) {
            if (uses_vni(&table->rows[i]->row, network->vni)) {
                violated("VNI %u is given to network \"%s\", and machine %d "
                         "has rows of another", network->vni,
                         network->o.name, machine->index);
            }
        }
    }
    *before = holder;
}

void
judge_vnis(void)
{
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, sim->app->model, VX_NETWORK, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        keep_vni(((const struct vx_network *) (const void *) obj)->vni,
                 obj->parent);
        judge_holder((const void *) obj);
    }
    vx_iter_init(&iter, sim->app->model, VX_TENANT, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        keep_vni(((const struct vx_tenant *) (const void *) obj)
                 ->router_vni, obj->oid);
    }
}

/* --- Isolation. */

void
judge_tunnel(const struct machine *from, const struct vx_packet *packet,
             struct arrivals *arrivals)
{
    uint64_t vni = vx_packet_get_u(packet, VX_F_TUN_ID);
    int owner = vni >= FIRST_VNI && vni <= LAST_VNI
                ? sim->vni_tenants[vni - FIRST_VNI] : -1;

    for (int r = 0; sim->gatewayed && r < N_REMOTES; r++) {
        struct vx_ip vtep = remote_vtep(r);

        if (memcmp(packet->f[VX_F_TUN_DST], vtep.b, 4)) {
            continue;
        }
        arrivals->remotes[r]++;
        sim->n_remotes++;
        if (from->is_member && arrivals->tenant >= 0
            && owner != arrivals->tenant) {
            violated("a packet of tenant %d leaves machine %d for another "
                     "fabric with VNI %llu of tenant %d", arrivals->tenant,
                     from->index, (unsigned long long) vni, owner);
        }
    }
}

/* Copies; all of them at interfaces of the tenant, and none twice: but of
 * what is for all where there are borders, while it changes which of them
 * passes it on. */
static unsigned
check_arrivals(const struct arrivals *arrivals, const struct vx_packet *packet,
               const char *what, int number)
{
    bool may_double = sim->bordered && packet->f[VX_F_ETH_DST][0] & 1;
    int tenant = arrivals->tenant;
    unsigned n = 0;

    for (int i = 0; i < N_MACHINES * N_IFACES; i++) {
        int m = i / N_IFACES, k = i % N_IFACES;

        n += arrivals->n[m][k];
        if (arrivals->n[m][k] && tenant_of_iface(k) != tenant) {
            violated("a packet of tenant %d that comes in at %s %d gets to "
                     "interface %d of tenant %d at machine %d", tenant, what,
                     number, k, tenant_of_iface(k), m);
        }
        if (arrivals->n[m][k] > 1 && !may_double && !machine_is_tampered()) {
            violated("a packet that comes in at %s %d is at interface %d of "
                     "machine %d %u times", what, number, k, m,
                     arrivals->n[m][k]);
        }
    }
    return n;
}

static void
routed_from(const struct vx_mac *src, const struct vx_mac *dst,
            const struct vx_ip *to, struct vx_packet *packet)
{
    struct vx_ip from = { .family = 4, .b = { 10, 77, 0, 9 } };

    memset(packet, 0, sizeof *packet);
    vx_packet_set_mac(packet, VX_F_ETH_SRC, src);
    vx_packet_set_mac(packet, VX_F_ETH_DST, dst);
    vx_packet_set_u(packet, VX_F_ETH_TYPE, 0x0800);
    vx_packet_set_ip(packet, VX_F_IPV4_SRC, &from);
    vx_packet_set_ip(packet, VX_F_IPV4_DST, to);
    vx_packet_set_u(packet, VX_F_IP_PROTO, IPPROTO_UDP);
    vx_packet_set_u(packet, VX_F_IP_TTL, 64);
    vx_packet_set_u(packet, VX_F_UDP_SRC, 5);
    vx_packet_set_u(packet, VX_F_UDP_DST, 7);
}

static void
bridged_from(const struct vx_mac *src, const struct vx_mac *dst,
             struct vx_packet *packet)
{
    struct vx_ip local = vx_ip_link_local(src);

    memset(packet, 0, sizeof *packet);
    vx_packet_set_mac(packet, VX_F_ETH_SRC, src);
    vx_packet_set_mac(packet, VX_F_ETH_DST, dst);
    vx_packet_set_u(packet, VX_F_ETH_TYPE, 0x86dd);
    vx_packet_set_ip(packet, VX_F_IPV6_SRC, &local);
}

static const struct vx_mac all = { { 255, 255, 255, 255, 255, 255 } };

/* Packets that the leg sends are let in. */
static bool
lets_in(const struct machine *machine, int iface)
{
    const struct table *table = &machine->tables[VX_TENANT_TIER];
    uint32_t ofport = machine->db.ofports[iface];

    for (size_t i = 0; ofport && i < table->n; i++) {
        const struct vx_row *row = &table->rows[i]->row;

        for (unsigned k = 0; k < row->n_match; k++) {
            if (row->type == VX_ROW_FLOW && row->table == 0
                && row->match[k].field == VX_F_IN_PORT
                && row->match[k].value[3] == (ofport & 0xff)) {
                return true;
            }
        }
    }
    return false;
}

void
judge_leg(struct machine *machine, int iface)
{
    int tenant = tenant_of_iface(iface);
    struct arrivals arrivals;
    struct vx_packet packet;
    struct vx_mac mac;
    struct vx_ip ip;

    sim->leg_was_in[iface] |= lets_in(machine, iface);
    gateway_leg((iface - N_IDS) % N_GATEWAYS, tenant, &mac, &ip);
    for (int i = 0; i <= N_PER_LEG; i++) {
        struct vx_ip dst = routed_somewhere(sim->n_routed++);

        if (i == N_PER_LEG) {
            bridged_from(&mac, &all, &packet);
        } else {
            routed_from(&mac, &gateway_mac, &dst, &packet);
        }
        vx_packet_set_u(&packet, VX_F_IN_PORT, machine->db.ofports[iface]);
        judge_walk(machine, &packet, &arrivals);
        sim->n_legs += check_arrivals(&arrivals, &packet, "leg", iface);
    }
}

/* One of the next packets that a machine of another fabric may send. */
static void
judge_remote(uint32_t n)
{
    struct machine *machine =
        &sim->machines[n % (unsigned) sim->n_machines];
    unsigned vni = n / (unsigned) sim->n_machines % N_VNIS;
    unsigned kind = n / 24 % 7, remote = n / 168 % N_REMOTES;
    int tenant = sim->vni_tenants[vni];
    struct vx_mac src = remote_mac((int) remote), dst = gateway_mac;
    struct vx_ip vtep = remote_vtep((int) remote), ip;
    struct vx_ip to = routed_somewhere(n);
    struct arrivals arrivals;
    struct vx_packet packet;

    if (tenant < 0 || !machine->is_member || !machine->db.done_num
        || machine->db.host_address != machine->address) {
        return;
    }
    if (kind < 3) {
        dst = mac_of((int) kind);
    } else if (kind < 5) {
        gateway_leg((int) kind - 3, tenant, &dst, &ip);
    }
    if (kind < 3 || kind == 6) {
        bridged_from(&src, kind == 6 ? &all : &dst, &packet);
    } else {
        routed_from(&src, &dst, &to, &packet);
    }
    vx_packet_set_u(&packet, VX_F_IN_PORT, VX_OFPORT_VXLAN);
    vx_packet_set_u(&packet, VX_F_TUN_ID, FIRST_VNI + vni);
    vx_packet_set_ip(&packet, VX_F_TUN_SRC, &vtep);
    judge_enter(machine, &packet, tenant, &arrivals);
    sim->n_remotes += check_arrivals(&arrivals, &packet, "machine",
                                     machine->index);
}

void
judge_remotes(void)
{
    for (int i = 0; sim->gatewayed && i < N_PER_LOOK; i++) {
        judge_remote(sim->n_remote++);
    }
}

/* --- Announced after it is there, withdrawn before it goes. */

/* What "t1 10.0.1.0/24" is about: a route, a subnet, or a port. */
static const struct vx_obj *
prefix_object(const char *key)
{
    int tenant = key[1] - '0';
    const char *prefix = key + 3;

    for (int i = 0; i < N_ROUTES; i++) {
        const struct vx_obj *obj = client_find(KEY_ROUTE
                                               + tenant * N_ROUTES + i);

        if (obj && !strcmp(obj->name, prefix)
            && ((const struct vx_route *) (const void *) obj)->announce) {
            return obj;
        }
    }
    for (int net = 0; net < N_NETS; net++) {
        const struct vx_obj *obj = client_find(KEY_SUBNET + net);

        if (tenant_of_net(net) == tenant && obj
            && !strcmp(obj->name, prefix)
            && ((const struct vx_subnet *) (const void *) obj)->announce) {
            return obj;
        }
    }
    for (int id = first_id(tenant); id < first_id(tenant) + n_ids(tenant);
         id++) {
        const struct vx_port *port = (const void *)
            client_find(KEY_PORT + id);
        const struct vx_subnet *subnet = (const void *)
            client_find(KEY_SUBNET + net_of_id(id));
        char text[VX_IP_STRLEN + 4];
        struct vx_ip ip = ip_of(id);

        vx_ip_format(&ip, text);
        strcat(text, "/32");
        if (port && port->n_ips && subnet && subnet->announce
            && subnet->host_routes && !strcmp(text, prefix)) {
            return &port->o;
        }
    }
    return NULL;
}

static const struct vx_obj *
endpoint_object(const char *key)
{
    char *end;
    uint32_t vni = (uint32_t) strtoul(key, &end, 10);
    struct vx_mac mac;

    for (int id = 0; id < N_IDS && vx_mac_parse(end + 1, &mac); id++) {
        const struct vx_port *port = (const void *)
            client_find(KEY_PORT + id);
        const struct vx_network *net = (const void *)
            client_find(KEY_NET + net_of_id(id));

        if (port && net && net->vni == vni
            && !vx_mac_compare(&port->mac, &mac)) {
            return &port->o;
        }
    }
    return NULL;
}

/* What an entry of a type that is held back announces; true: it is there. */
static bool
is_there(const char *type, const char *key, const struct vx_obj **ret_obj)
{
    *ret_obj = NULL;
    if (!strcmp(type, "prefix")) {
        *ret_obj = prefix_object(key);
    } else if (!strcmp(type, "endpoint")) {
        *ret_obj = endpoint_object(key);
    } else if (!strcmp(type, "policy")) {
        /* Those that were learned are announced by nobody. */
        for (int i = 0; i < N_TENANTS * N_POLICIES && !*ret_obj; i++) {
            const struct vx_obj *obj = client_find(KEY_POLICY + i);

            if (obj && i / N_POLICIES == key[1] - '0'
                && !strcmp(obj->name, key + 3)) {
                *ret_obj = obj;
            }
        }
    } else {
        return true;
    }
    return *ret_obj;
}

/* A gateway may hear late of what it was told in time. */
void
judge_confirmed(void)
{
    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        const struct vx_gateway *gateway = (const void *)
            client_find(KEY_GATEWAY + g);
        struct vx_host_facts facts;

        if (!gateway || gateway->host != sim->confirmed_by[g]) {
            sim->confirmed[g] = 0;
            sim->confirmed_by[g] = gateway ? gateway->host : 0;
        }
        if (gateway && vx_hosts_facts(sim->app->hosts, gateway->host, &facts)
            && facts.realized > sim->confirmed[g]) {
            sim->confirmed[g] = facts.realized;
        }
    }
}

/* The gateway's own machine. */
static const char *
lacks(const struct machine *machine, int g, uint64_t revision, int leg)
{
    if (!machine_is_known(machine, sim->confirmed_by[g])) {
        return NULL;
    } else if (revision > sim->confirmed[g]) {
        return "its host has not confirmed that";
    } else if (leg >= 0 && !sim->leg_was_in[leg] && !lets_in(machine, leg)) {
        return "its leg is not connected";
    }
    return NULL;
}

void
judge_told(struct gateway *gw, const char *type, const char *key,
           bool is_new)
{
    int g = gateway_index(gw);
    const struct vx_gateway *gateway = (const void *)
        client_find(KEY_GATEWAY + g);
    const struct vx_gw *real = gateway
        ? vx_gws_find(sim->app->gws, gateway->o.oid) : NULL;
    struct vx_feed_key k = { .type = VX_FEED_PREFIX };
    struct vx_feed_item item;
    const struct vx_obj *obj;

    sim->n_entries++;
    snprintf(k.text, sizeof k.text, "%s", key);
    if (!real || machine_is_tampered() || !is_new
        || !strcmp(type, "policy")      /* peers act on it, no rows */
        || !vx_feed_type_parse(type, &k.type)
        || !vx_feedlog_get(real->log, &k, &item)
        || item.state != VX_FEED_TOLD
        || item.revision < gateway->o.revision  /* it was on another */
        || !is_there(type, key, &obj) || !obj) {
        return;
    }
    judge_confirmed();
    for (int m = 0; m < sim->n_machines; m++) {
        const char *why = lacks(
            &sim->machines[m], g, item.revision,
            k.type == VX_FEED_PREFIX ? leg_iface(key[1] - '0', g) : -1);

        if (why) {
            violated("gateway %d is told to announce %s %s, and %s", g, type,
                     key, why);
        }
    }
}

static void
check_withdrawn(void *gw_, const char *type, const char *key,
                const char *value)
{
    const struct gateway *gw = gw_;
    const struct vx_obj *obj;

    (void) value;
    if (!is_there(type, key, &obj)) {
        violated("gateway %d still announces %s %s, which is removed",
                 gateway_index(gw), type, key);
    }
}

void
judge_withdrawn(int64_t submitted_ms)
{
    (void) submitted_ms;
    for (int g = 0; sim->gatewayed && g < N_GATEWAYS; g++) {
        if (gateway_is_prompt(sim->gateways[g])) {
            gateway_each(sim->gateways[g], check_withdrawn,
                         sim->gateways[g]);
        }
    }
}

/* --- Calm. */

struct keys {
    struct vx_feed_key *keys;
    size_t n, cap;
};

static void
collect(void *keys_, const struct vx_feed_key *key)
{
    struct keys *keys = keys_;

    for (size_t i = 0; i < keys->n; i++) {
        if (!vx_feed_key_compare(&keys->keys[i], key)) {
            return;
        }
    }
    keys->keys = vx_grow(keys->keys, &keys->cap, keys->n + 1,
                         sizeof *keys->keys);
    keys->keys[keys->n++] = *key;
}

static void
collect_all(struct keys *keys)
{
    for (int kind = VX_NONE + 1; kind < VX_N_KINDS; kind++) {
        const struct vx_obj *obj;
        struct vx_iter iter;

        vx_iter_init(&iter, sim->app->model, (enum vx_kind) kind, NULL,
                     NULL);
        while ((obj = vx_iter_next(&iter))) {
            vx_export_touched(&sim->app->gws->env, NULL, obj, collect, keys);
        }
    }
}

struct finding {
    const char *type, *key, *value;
};

static void
look_for(void *finding_, const char *type, const char *key,
         const char *value)
{
    struct finding *f = finding_;

    if (!strcmp(type, f->type) && !strcmp(key, f->key)) {
        f->value = value;
    }
}

static void
say_surplus(void *keys_, const char *type, const char *key,
            const char *value)
{
    const struct keys *keys = keys_;
    bool found = false;

    for (size_t i = 0; i < keys->n; i++) {
        found |= !strcmp(key, keys->keys[i].text)
                 && !strcmp(type, vx_feed_type_name(keys->keys[i].type));
    }
    if (!found) {
        say("of nothing: %s %s %s", type, key, value);
    }
}

/* Of each key what is told now, and nothing else. */
static const char *
feed_converged(struct gateway *gw, const struct keys *keys)
{
    char name[4];
    struct vx_gw *real;
    unsigned n = 0;

    snprintf(name, sizeof name, "g%d", gateway_index(gw));
    real = vx_gws_by_name(sim->app->gws, name);
    if (!real) {
        return NULL;
    } else if (!gateway_is_up(gateway_index(gw)) || !real->connected) {
        return flaw("gateway %s is not connected", name);
    }
    for (size_t i = 0; i < keys->n; i++) {
        struct finding f = {
            vx_feed_type_name(keys->keys[i].type), keys->keys[i].text, NULL,
        };
        struct vx_buf value = VX_BUF_INIT;
        struct vx_export e;
        bool tell, same;

        gateway_each(gw, look_for, &f);
        tell = vx_gws_evaluate(sim->app->gws, real, &keys->keys[i], f.value,
                               &e) == VX_EXPORT_TELL;
        if (tell) {
            vx_feed_write_value(sim->app->model, &e, &value);
        }
        n += f.value != NULL;
        same = tell ? f.value && !strcmp(f.value, vx_buf_str(&value))
                    : !f.value;
        if (!same) {
            const char *why = flaw("gateway %s has %s %s %.150s, a feed made "
                                   "anew %.150s", name, f.type, f.key,
                                   f.value ? f.value : "not",
                                   tell ? vx_buf_str(&value)
                                   : e.why_not ? e.why_not : "not");
            vx_buf_fini(&value);
            return why;
        }
        vx_buf_fini(&value);
    }
    if (n != gateway_n_entries(gw)) {
        gateway_each(gw, say_surplus, (void *) (uintptr_t) keys);
    }
    return n == gateway_n_entries(gw) ? NULL
           : flaw("gateway %s has %u entries, a feed made anew %u", name,
                  gateway_n_entries(gw), n);
}

/* The tenant's routed subnet that holds the prefix, or is it. */
static bool
is_own(int tenant, const struct vx_prefix *prefix)
{
    for (int net = 0; net < N_NETS; net++) {
        const struct vx_subnet *subnet = (const void *)
            client_find(KEY_SUBNET + net);

        if (tenant_of_net(net) == tenant && subnet && subnet->route
            && prefix->length >= subnet->prefix.length
            && vx_prefix_contains(&subnet->prefix, &prefix->ip)) {
            return true;
        }
    }
    return false;
}

static const struct vx_route *
learned_route(int tenant, const struct vx_prefix *prefix)
{
    char name[VX_PREFIX_STRLEN], of[8];
    const struct vx_key key = { .tenant = of, .name = name };

    snprintf(of, sizeof of, "t%d", tenant);
    vx_prefix_format(prefix, name);
    return (const void *) vx_model_find(sim->app->model, VX_ROUTE, &key,
                                        NULL);
}

/* Some gateway says it, and nothing better is there. */
static const char *
route_converged(int tenant, int heard)
{
    struct vx_prefix prefix = heard_prefix(heard);
    const struct vx_route *route = learned_route(tenant, &prefix);
    bool wanted = false, own = is_own(tenant, &prefix);

    for (int g = 0; g < N_GATEWAYS; g++) {
        struct vx_mac mac;
        struct vx_ip ip;

        wanted |= client_find(KEY_GATEWAY + g)
                  && gateway_says(g, tenant, &prefix)
                  && gateway_leg(g, tenant, &mac, &ip);
    }
    if (route && route->o.origin == VX_BY_OPERATOR) {
        return NULL;            /* what it says client_check() looks at */
    } else if (route && own) {
        return flaw("learned route %s of tenant %d lies in a subnet",
                    route->o.name, tenant);
    } else if (!route != !(wanted && !own)) {
        return flaw("learned route %d of tenant %d is %s", heard, tenant,
                    route ? "there, and nobody says it" : "not there");
    }
    return NULL;
}

/* Bits of the legs that lead to what tenant's peers say of the prefix; 0: it
 * is not to be said. */
static unsigned
legs_to(int tenant, const struct vx_prefix *prefix)
{
    const struct vx_route *route = learned_route(tenant, prefix);
    unsigned bits = 0;

    for (size_t i = 0; route && i < route->n_via; i++) {
        const struct vx_obj *obj = vx_model_by_oid(sim->app->model,
                                                   route->o.parent);
        const struct vx_port *leg = vx_model_hop(sim->app->model, obj->oid,
                                                 &route->via[i]);
        const struct vx_obj *gateway = leg
            ? vx_model_by_oid(sim->app->model, leg->gateway) : NULL;
        struct vx_place place;

        if (!gateway || !vx_hops_is_alive(sim->app->hops, leg->o.oid)
            || !vx_fabric_place(sim->app->fabric, leg->o.oid, &place)
            || !place.ofport) {
            return 0;
        }
        bits |= 1u << leg_iface(tenant, gateway->name[1] - '0');
    }
    return bits;
}

static void
judge_way_out(int id)
{
    int tenant = tenant_of_net(net_of_id(id));
    struct machine *machine = judge_active_at(id);
    struct vx_prefix prefix = heard_prefix(0);
    struct vx_ip dst = { .family = 4, .b = { 10, 77, 0, 9 } };
    unsigned bits = legs_to(tenant, &prefix), n = 0, right = 0;
    struct arrivals arrivals;
    struct vx_packet packet;

    if (!machine || !bits || !routed_may_pass(id, &dst)) {
        return;
    }
    routed_packet(id, &dst, 64, &packet);
    vx_packet_set_u(&packet, VX_F_IN_PORT, machine->db.ofports[id]);
    judge_walk(machine, &packet, &arrivals);
    for (int i = 0; i < N_MACHINES * N_IFACES; i++) {
        unsigned copies = arrivals.n[i / N_IFACES][i % N_IFACES];

        n += copies;
        right += bits >> i % N_IFACES & 1 ? copies : 0;
    }
    if (n != 1 || right != 1) {
        violated("of a packet of port %d for what gateways have learned %u "
                 "copies arrive, %u of them at legs that lead there", id, n,
                 right);
    }
    sim->n_legs += right;
}

const char *
judge_gateways_converged(void)
{
    struct keys keys = { NULL, 0, 0 };
    const char *why = NULL;

    collect_all(&keys);
    for (int g = 0; !why && g < N_GATEWAYS; g++) {
        why = feed_converged(sim->gateways[g], &keys);
    }
    free(keys.keys);
    for (int i = 0; !why && i < N_TENANTS * N_HEARD; i++) {
        why = route_converged(i % N_TENANTS, i / N_TENANTS);
    }
    for (int id = 0; !why && !machine_is_tampered() && id < N_IDS; id++) {
        judge_way_out(id);
    }
    return why;
}
