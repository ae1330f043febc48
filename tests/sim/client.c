/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever uses the API: makes requests, remembers what was acknowledged, and
 * looks for it after every start of the controller. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { PATIENCE_MS = 3000 };    /* of the operator */

void
id_name(int id, char *buf, size_t size)
{
    int net = net_of_id(id);

    if (id >= N_IDS) {
        snprintf(buf, size, "vxg:t%d:g%d", tenant_of_iface(id),
                 (id - N_IDS) % N_GATEWAYS);
        return;
    }
    snprintf(buf, size, "t%d/n%d/p%d", tenant_of_net(net), net,
             id % N_PER_NET);
}

static struct vx_key
key_of(int key, struct name *name, enum vx_kind *ret_kind)
{
    struct vx_key k = { .name = name->name };
    int net = key >= KEY_PORT ? net_of_id(key - KEY_PORT) : key - KEY_NET;

    if ((key >= KEY_SUBNET && key < KEY_PORT)
        || (key >= KEY_ROUTE && key < KEY_HOST)) {
        intent_key(key, name, &k, ret_kind);
        return k;
    }
    if (key >= KEY_HOST) {
        snprintf(name->name, sizeof name->name, "h%d", key - KEY_HOST);
        *ret_kind = VX_HOST;
        return k;
    }
    if (key < KEY_NET) {
        snprintf(name->name, sizeof name->name, "t%d", key);
        *ret_kind = VX_TENANT;
        return k;
    }
    snprintf(name->tenant, sizeof name->tenant, "t%d", tenant_of_net(net));
    k.tenant = name->tenant;
    if (key < KEY_PORT) {
        snprintf(name->name, sizeof name->name, "n%d", net);
        *ret_kind = VX_NETWORK;
        return k;
    }
    snprintf(name->network, sizeof name->network, "n%d", net);
    k.network = name->network;
    snprintf(name->name, sizeof name->name, "p%d", key - KEY_PORT);
    *ret_kind = VX_PORT;
    return k;
}

const struct vx_obj *
client_find(int key)
{
    struct name name;
    enum vx_kind kind;
    struct vx_key k = key_of(key, &name, &kind);
    const struct vx_obj *obj = vx_model_find(sim->app->model, kind, &k,
                                             NULL);

    /* What was learned is nobody's intent. */
    return obj && obj->origin == VX_BY_OPERATOR ? obj : NULL;
}

/* As the machine that has the name says. */
static const char *
zone_of_host(int name)
{
    for (int m = 0; m < sim->n_machines; m++) {
        if (sim->machines[m].db.name == name) {
            return zone_names[sim->machines[m].db.zone];
        }
    }
    return zone_names[0];
}

static void
make_op(int key, const struct wish *wish, struct name *name,
        struct vx_op *op)
{
    memset(op, 0, sizeof *op);
    op->key = key_of(key, name, &op->kind);
    op->type = wish->exists ? VX_OP_PUT : VX_OP_DELETE;
    if (op->kind == VX_NETWORK) {
        op->spec.network.vni = wish->vni;
    } else if (op->kind == VX_HOST) {
        op->spec.host.zone = zone_of_host(key - KEY_HOST);
        op->spec.host.keep = wish->what == HOST_RESET ? VX_KEEP_DRAINING
                             : ~0u;
        if (wish->what == HOST_DRAIN || wish->what == HOST_UNDRAIN) {
            op->spec.host.keep &= ~(unsigned) VX_KEEP_DRAINING;
            op->spec.host.draining = wish->what == HOST_DRAIN;
        }
        op->force = wish->force;
    } else if (op->kind == VX_PORT) {
        struct vx_port_spec *port = &op->spec.port;

        id_name(key - KEY_PORT, name->iface_id, sizeof name->iface_id);
        snprintf(name->host, sizeof name->host, "h%d", wish->host);
        port->iface_id = name->iface_id;
        port->has_mac = true;
        port->mac.b[0] = 2;
        port->mac.b[5] = (uint8_t) (1 + (key - KEY_PORT) % N_PER_NET);
        port->host = wish->host < 0 ? NULL : name->host;
        snprintf(name->from, sizeof name->from, "h%d", wish->from);
        port->migrate_from = wish->migrate ? name->from : NULL;
        port->migrate_hold = wish->migrate && wish->hold;
    }
    intent_op(key, wish, name, op);
}

static const char *const host_verbs[] = {
    [HOST_KEEP] = "", [HOST_DRAIN] = " drain", [HOST_UNDRAIN] = " undrain",
    [HOST_RESET] = " reset",
};

static void
describe(int key, const struct wish *wish, char *buf, size_t size)
{
    struct name name = { .tenant = "" };
    enum vx_kind kind;

    key_of(key, &name, &kind);
    snprintf(buf, size, "%s %s %s%s%s", wish->exists ? "PUT" : "DELETE",
             vx_kind_name(kind), name.tenant, name.tenant[0] ? "/" : "",
             name.name);
    if (wish->exists && kind == VX_PORT) {
        size_t n = strlen(buf);
        snprintf(buf + n, size - n, " host %d", wish->host);
        n = strlen(buf);
        if (wish->migrate) {
            snprintf(buf + n, size - n, " from %d%s", wish->from,
                     wish->hold ? ", hold" : "");
        }
    } else if (wish->exists && kind == VX_NETWORK) {
        size_t n = strlen(buf);
        snprintf(buf + n, size - n, " vni %u", wish->vni);
    } else if (wish->exists && kind != VX_HOST) {
        size_t n = strlen(buf);
        snprintf(buf + n, size - n, " variant %u", wish->variant);
    } else if (kind == VX_HOST) {
        size_t n = strlen(buf);
        snprintf(buf + n, size - n, "%s%s", host_verbs[wish->what],
                 wish->force ? " by force" : "");
    }
}

/* A host that was deleted may join again, and is not draining then. */
static void
promise_drain(struct promise *promise)
{
    const struct wish *wish = &promise->wish;

    if (!wish->exists) {
        promise->draining = 0;
    } else if (wish->what == HOST_DRAIN || wish->what == HOST_UNDRAIN) {
        promise->draining = wish->what == HOST_DRAIN;
    }
}

static void
done(void *ticket_, const struct vx_api_outcome *outcome)
{
    uintptr_t ticket = (uintptr_t) ticket_;
    struct request *request = &sim->requests[ticket % N_CLIENTS];

    if (!request->used || request->generation != ticket / N_CLIENTS) {
        if (!sim->dying) {
            violated("a reply to nobody");
        }
        return;
    }
    if (!outside()) {
        return;
    }
    request->used = false;
    say("reply to %u: %s", request->generation,
        outcome->err ? outcome->err->message : "ok");
    for (size_t i = 0; i < request->n; i++) {
        struct promise *promise = &sim->promises[request->keys[i]];

        promise->busy = false;
        if (!outcome->err) {
            judge_changed(request->keys[i]);
            promise->wish = request->wishes[i];
            promise_drain(promise);
        }
    }
    judge_withdrawn(request->submitted_ms);
}

static void
submit(struct request *request)
{
    struct vx_op *ops = request->ops;
    struct name *names = request->names;
    struct vx_api_submit call = { .ops = ops, .n = request->n,
                                  .done = done };
    uintptr_t slot = (uintptr_t) (request - sim->requests);

    memset(names, 0, sizeof request->names);
    request->submitted_ms = sim->now_ms;
    request->generation = ++sim->last_request;
    request->used = true;
    call.aux = (void *) (request->generation * (uintptr_t) N_CLIENTS + slot);
    for (size_t i = 0; i < request->n; i++) {
        char text[80];

        make_op(request->keys[i], &request->wishes[i], &names[i], &ops[i]);
        sim->promises[request->keys[i]].busy = true;
        describe(request->keys[i], &request->wishes[i], text, sizeof text);
        say("request %u: %s", request->generation, text);
    }
    sim->asking = true;
    sim->app->backend.submit(sim->app->backend.ctx, &call);
    sim->asking = false;
}

static struct request *
free_request(void)
{
    for (int i = 0; i < N_CLIENTS; i++) {
        if (!sim->requests[i].used) {
            sim->requests[i].n = 0;
            return &sim->requests[i];
        }
    }
    return NULL;
}

/* Not all lives have routers and borders. */
static bool
may_be_asked(int key)
{
    if (key >= KEY_ZONE && key < KEY_HOST) {
        return sim->bordered;
    } else if (key >= KEY_GATEWAY && key < KEY_ZONE) {
        return sim->gatewayed;
    }
    return sim->routed || key < KEY_SUBNET || key >= KEY_HOST
           || (key >= KEY_PORT && key < KEY_ROUTE);
}

static void
add(struct request *request, int key, struct wish wish)
{
    bool port = key >= KEY_PORT && key < KEY_ROUTE;

    if (!may_be_asked(key)) {
        return;
    } else if (wish.force || !(sim->routed || sim->bordered)) {
        wish.variant = 0;
    } else if (port && !chance(3)) {
        wish.variant = sim->promises[key].wish.variant;
    } else {
        wish.variant = roll(1u << 24);
    }
    if (request->n < MAX_BATCH && !sim->promises[key].busy) {
        for (size_t i = 0; i < request->n; i++) {
            if (request->keys[i] == key) {
                return;
            }
        }
        request->keys[request->n] = key;
        request->wishes[request->n++] = wish;
    }
}

static struct wish
random_port(void)
{
    return (struct wish) { .exists = true,
        .host = chance(2) ? -1 : (int) roll(sim->n_machines) };
}

/* Where it is by intent or as it was seen; -1: nowhere. */
int
client_location(int id, bool *ret_migrates)
{
    const struct vx_port *port =
        (const struct vx_port *) client_find(KEY_PORT + id);
    const struct vx_obj *host = port
        ? vx_model_by_oid(sim->app->model, vx_port_location(port)) : NULL;

    *ret_migrates = port && port->migrate_from;
    return host ? host->name[1] - '0' : -1;
}

int
client_target(int id)
{
    const struct vx_port *port =
        (const struct vx_port *) client_find(KEY_PORT + id);
    const struct vx_obj *host = port && port->migrate_from
        ? vx_model_by_oid(sim->app->model, port->host) : NULL;

    return host ? host->name[1] - '0' : -1;
}

/* A migration begins; or it ends, by call or as if it had not been. */
static void
add_migration(struct request *request)
{
    int id = (int) roll(N_IDS), at, to = client_target(id);
    bool migrates;
    struct wish wish = { .exists = true };

    at = client_location(id, &migrates);
    if (at < 0) {
        return;
    }
    if (migrates) {
        if (sim->moving && !chance(8)) {
            return;             /* it takes its time */
        }
        wish.host = chance(3) ? at : to;
    } else {
        wish.migrate = true;
        wish.from = at;
        wish.host = (at + 1 + (int) roll((uint32_t) sim->n_machines - 1))
                    % sim->n_machines;
        wish.hold = chance(4) && !sim->moving;
    }
    if (wish.host >= 0) {
        add(request, KEY_PORT + id, wish);
    }
}

/* The routes and policies of a tenant go. */
static void
add_hops_end(struct request *request, int tenant)
{
    for (int i = 0; i < N_ROUTES; i++) {
        int key = KEY_ROUTE + tenant * N_ROUTES + i;

        if (sim->promises[key].wish.exists) {
            add(request, key, (struct wish) { .exists = false });
        }
    }
    for (int i = 0; i < N_POLICIES; i++) {
        int key = KEY_POLICY + tenant * N_POLICIES + i;

        if (sim->promises[key].wish.exists) {
            add(request, key, (struct wish) { .exists = false });
        }
    }
}

/* A network goes with its ports, and comes with them. */
static void
add_network(struct request *request, bool exists)
{
    int net = (int) roll(N_NETS);
    struct wish wish = { .exists = exists };

    if (exists) {
        wish.vni = chance(4) ? FIRST_VNI + roll(last_vni() - FIRST_VNI + 1)
                   : 0;
        add(request, KEY_TENANT + tenant_of_net(net), wish);
        add(request, KEY_NET + net, wish);
        if (!chance(4)) {
            add(request, KEY_SUBNET + net, wish);
        }
    } else if (chance(2)) {
        add_hops_end(request, tenant_of_net(net));
    }
    for (int k = 0; k < N_PER_NET; k++) {
        int key = KEY_PORT + net * N_PER_NET + k;

        if (exists && !chance(3)) {
            add(request, key, random_port());
        } else if (!exists && sim->promises[key].wish.exists) {
            add(request, key, wish);
        }
    }
    if (!exists) {
        if (sim->promises[KEY_SUBNET + net].wish.exists) {
            add(request, KEY_SUBNET + net, wish);
        }
        add(request, KEY_NET + net, wish);
    }
}

/* A host goes with the ports that are there, or were last seen there. */
static void
add_host_delete(struct request *request, int host)
{
    const struct vx_obj *obj = client_find(KEY_HOST + host);
    bool force = chance(2);

    for (int id = 0; obj && id < N_IDS; id++) {
        const struct vx_port *port =
            (const struct vx_port *) client_find(KEY_PORT + id);

        if (port && vx_port_location(port) == obj->oid
            && (port->host || !force)) {
            add(request, KEY_PORT + id, chance(3) ? (struct wish) {
                .exists = true, .host = (host + 1) % sim->n_machines
            } : (struct wish) { .exists = false });
        }
    }
    add(request, KEY_HOST + host, (struct wish) { .exists = false,
                                                  .force = force });
}

static void
add_host_change(struct request *request, int host)
{
    static const int what[] = { HOST_DRAIN, HOST_DRAIN, HOST_UNDRAIN,
                                HOST_KEEP, HOST_RESET };
    struct wish wish = { .exists = true };

    wish.what = what[roll(5)];
    if (client_find(KEY_HOST + host)) {
        add(request, KEY_HOST + host, wish);
    }
}

static void
add_routing(struct request *request, unsigned what)
{
    struct wish wish = { .exists = !chance(5) };

    if (what < 3) {
        add(request, KEY_SUBNET + (int) roll(N_NETS), wish);
    } else if (what < 6) {
        add(request, KEY_ROUTE + (int) roll(N_TENANTS * N_ROUTES), wish);
    } else if (what < 10) {
        add(request, KEY_POLICY + (int) roll(N_TENANTS * N_POLICIES), wish);
    } else if (what < 12) {
        wish.exists = true;
        add(request, KEY_ZONE + (int) roll(N_ZONES), wish);
    } else if (what < 13) {
        wish.exists = true;
        add(request, KEY_NET + (int) roll(N_NETS), wish);
    } else {
        wish.exists = true;
        add(request, KEY_TENANT + (int) roll(N_TENANTS), wish);
    }
}

/* All that a gateway has goes with it. */
static void
add_gateway_end(struct request *request, int gateway)
{
    struct wish wish = { .exists = false };

    for (int t = 0; t < N_TENANTS; t++) {
        int key = KEY_PEERING + t * N_GATEWAYS + gateway;

        if (client_find(key)) {
            add(request, key, wish);
        }
    }
    if (client_find(KEY_UPLINK + gateway)) {
        add(request, KEY_UPLINK + gateway, wish);
    }
    add(request, KEY_GATEWAY + gateway, wish);
}

static void
add_gateways(struct request *request, unsigned what)
{
    struct wish wish = { .exists = !chance(4) };
    int gateway = (int) roll(N_GATEWAYS);

    if (what < 2) {
        add(request, KEY_UPLINK + gateway, wish);
    } else if (what < 4) {
        add(request, KEY_PEERING + (int) roll(N_TENANTS * N_GATEWAYS), wish);
    } else if (wish.exists) {
        add(request, KEY_GATEWAY + gateway, wish);
    } else {
        add_gateway_end(request, gateway);
    }
}

static void
add_random(struct request *request)
{
    unsigned what = roll(sim->gatewayed ? 44
                         : sim->routed || sim->bordered ? 38 : 24);

    if (what >= 38) {
        add_gateways(request, what - 38);
    } else if (what >= 24) {
        add_routing(request, what - 24);
    } else if (what < 8) {
        add(request, KEY_PORT + (int) roll(N_IDS),
            chance(5) ? (struct wish) { .exists = false } : random_port());
    } else if (what < 14) {
        add_network(request, what < 11);
    } else if (what == 14) {
        add(request, KEY_TENANT + (int) roll(N_TENANTS),
            (struct wish) { .exists = !chance(4) });
    } else if (what == 15) {
        add_host_delete(request, (int) roll(sim->n_machines));
    } else if (what < 18) {
        add_host_change(request, (int) roll(sim->n_machines));
    } else {
        add_migration(request);
    }
}

void
client_request(void)
{
    struct request *request = free_request();

    if (request) {
        do {
            add_random(request);
        } while (chance(4));
        if (request->n) {
            submit(request);
        }
    }
}

void
client_migrate(void)
{
    struct request *request = free_request();

    if (request) {
        add_migration(request);
        if (request->n) {
            submit(request);
        }
    }
}

void
client_delete_host(int host)
{
    struct request *request = free_request();

    if (request) {
        add_host_delete(request, host);
        if (request->n) {
            submit(request);
        }
    }
}

void
client_churn(void)
{
    struct request *request = free_request();

    if (request) {
        add_network(request, chance(2));
        if (request->n) {
            submit(request);
        }
    }
}

static void
request_one(int key, struct wish wish)
{
    struct request *request = free_request();

    if (request) {
        add(request, key, wish);
        if (request->n) {
            submit(request);
        }
    }
}

/* What is missing is asked for again.  False: nothing is, or it was asked for
 * often enough. */
bool
client_restore(void)
{
    for (int key = 0; key < KEY_ROUTE && sim->n_restores; key++) {
        if (may_be_asked(key) && !client_find(key)) {
            sim->n_restores--;
            client_put(key);
            return true;
        }
    }
    return false;
}

void
client_put(int key)
{
    request_one(key, (struct wish) {
        .exists = true,
        .host = chance(2) ? -1 : (int) roll(sim->n_machines) });
}

static void
delete_host(int host)
{
    request_one(KEY_HOST + host, (struct wish) {
        .exists = false, .force = sim->seed % 2 == 0 });
}

bool
client_is_idle(void)
{
    for (int i = 0; i < N_CLIENTS; i++) {
        if (sim->requests[i].used) {
            return false;
        }
    }
    return true;
}

/* Connections are gone: nobody will ever say what became of these. */
void
client_crashed(void)
{
    for (int i = 0; i < N_CLIENTS; i++) {
        struct request *request = &sim->requests[i];

        for (size_t k = 0; request->used && k < request->n; k++) {
            sim->promises[request->keys[k]].busy = false;
            sim->promises[request->keys[k]].lost = true;
            sim->promises[request->keys[k]].draining = -1;
            judge_changed(request->keys[k]);
        }
    }
}

static bool
is_as_wished(int key, const struct wish *wish)
{
    const struct vx_obj *obj = client_find(key);
    const struct vx_obj *host;

    if (key >= KEY_ZONE && key < KEY_HOST) {    /* they come by joining */
        return !wish->exists || (obj && intent_is(obj, key, wish));
    } else if (!obj || !wish->exists) {
        return !obj == !wish->exists;
    } else if (!intent_is(obj, key, wish)) {
        return false;
    }
    if (obj->kind == VX_NETWORK) {
        return !wish->vni
               || ((const struct vx_network *) obj)->vni == wish->vni;
    } else if (obj->kind == VX_PORT) {
        host = vx_model_by_oid(sim->app->model,
                               ((const struct vx_port *) obj)->host);
        return wish->host < 0 ? !host
               : host && host->name[1] == '0' + wish->host;
    }
    return true;
}

static void
adopt(int key)
{
    const struct vx_obj *obj = client_find(key), *host;
    struct promise *promise = &sim->promises[key];

    promise->wish = (struct wish) { .exists = obj != NULL, .host = -1,
                                    .any = true };
    if (obj && obj->kind == VX_PORT) {
        host = vx_model_by_oid(sim->app->model,
                               ((const struct vx_port *) obj)->host);
        promise->wish.host = host ? host->name[1] - '0' : -1;
    }
    promise->lost = false;
}

void
client_check(void)
{
    for (int i = 0; i < N_CLIENTS; i++) {
        struct request *request = &sim->requests[i];
        size_t n_old = 0, n_new = 0, n = 0;

        for (size_t k = 0; request->used && k < request->n; k++) {
            int key = request->keys[k];

            if (key < KEY_HOST) {   /* hosts come by joining as well */
                n++;
                n_old += is_as_wished(key, &sim->promises[key].wish);
                n_new += is_as_wished(key, &request->wishes[k]);
            }
        }
        if (n_old < n && n_new < n) {
            violated("request %u is half there", request->generation);
        }
        request->used = false;
    }
    for (int key = 0; key < KEY_HOST; key++) {
        if (sim->promises[key].lost) {
            adopt(key);
        } else if (!is_as_wished(key, &sim->promises[key].wish)) {
            char text[80];

            describe(key, &sim->promises[key].wish, text, sizeof text);
            violated("acknowledged and lost: %s", text);
        }
    }
    for (int key = KEY_HOST; key < N_KEYS; key++) {
        const struct vx_host *host =
            (const struct vx_host *) client_find(key);
        int draining = sim->promises[key].draining;

        if (host && draining >= 0 && host->draining != draining) {
            violated("host %s is %sdraining, acknowledged was another",
                     host->o.name, host->draining ? "" : "not ");
        }
    }
}

static bool
is_draining(int host)
{
    const struct vx_host *obj =
        (const struct vx_host *) client_find(KEY_HOST + host);

    return obj && obj->draining;
}

/* A host that has ports, or where some were last seen, cannot go. */
static void
evacuate(int host)
{
    bool migrates;
    const struct vx_obj *obj = client_find(KEY_HOST + host);

    for (int g = 0; obj && g < N_GATEWAYS; g++) {
        const struct vx_gateway *gateway = (const void *)
            client_find(KEY_GATEWAY + g);
        struct request *request = gateway && gateway->host == obj->oid
                                  ? free_request() : NULL;

        if (request) {
            add_gateway_end(request, g);
            submit(request);
        }
    }
    for (int id = 0; obj && id < N_IDS; id++) {
        const struct vx_port *port =
            (const struct vx_port *) client_find(KEY_PORT + id);
        int other = (host + 1) % sim->n_machines;

        if (!client_find(KEY_HOST + other) || is_draining(other)) {
            other = (host + 2) % sim->n_machines;
        }
        if (client_target(id) == host) {    /* it is not to come */
            request_one(KEY_PORT + id, (struct wish) {
                .exists = true, .host = client_location(id, &migrates) });
        }
        if (port && vx_port_location(port) == obj->oid
            && (port->host || sim->seed % 2)) {
            request_one(KEY_PORT + id, (struct wish) {
                .exists = client_find(KEY_HOST + other)
                          && !is_draining(other), .host = other });
        }
    }
}

/* Until all machines are in the fabric, at the end. */
void
client_operator(void)
{
    for (int i = 0; i < sim->n_machines; i++) {
        struct machine *machine = &sim->machines[i];
        const char *status = machine->db.status;

        int key = KEY_HOST + machine->db.name;

        if (!machine->has_manager || strstr(status, "deleted")
            || strstr(status, "was reset")
            || machine->db.address != machine->address) {
            machine_join(machine);
        } else if (strstr(status, "refused: host") && machine->ovsdb
                   && !sim->promises[key].busy
                   && machine->helped_ms + PATIENCE_MS <= sim->now_ms) {
            machine->helped_ms = sim->now_ms;
            if (sim->seed % 3) {
                request_one(key, (struct wish) { .exists = true,
                                                 .what = HOST_RESET });
            } else {
                evacuate(machine->db.name);
                for (int z = 0; z < N_ZONES; z++) {     /* no borders */
                    request_one(KEY_ZONE + z, (struct wish) {
                        .exists = true, .force = true });
                }
                delete_host(machine->db.name);
            }
        } else if (sim->seed % 2 && is_draining(machine->db.name)
                   && !sim->promises[key].busy) {
            request_one(key, (struct wish) { .exists = true,
                                             .what = HOST_UNDRAIN });
        }
    }
}
