/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways are told: entries as a function of the model, and the keys
 * that changes touch, held against entries made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/export.h"
#include "core/feedlog.h"
#include "core/legs.h"
#include "lib/buf.h"
#include "lib/xalloc.h"
#include "tests/lib/model_fixture.h"

/* --- Facts. */

static bool
even_is_active(void *ctx, uint64_t port)
{
    (void) ctx;
    return port % 2 == 0;
}

/* Three of four. */
static bool
most_live(void *ctx, uint64_t port)
{
    (void) ctx;
    return port % 4 != 0;
}

static bool
has_port_at(void *model_, uint64_t network, uint64_t host)
{
    const struct vx_model *model = model_;
    const struct vx_obj *obj;
    struct vx_iter iter;

    vx_iter_init(&iter, model, VX_PORT, NULL, NULL);
    while ((obj = vx_iter_next(&iter))) {
        if (obj->parent == network
            && vx_port_location((const void *) obj) == host) {
            return true;
        }
    }
    return false;
}

/* --- Entries as text. */

static const char *
show(const struct vx_export *e, enum vx_export_verdict verdict, char *buf,
     size_t size)
{
    const struct vx_port *port = (const void *) e->obj;
    char vtep[VX_IP_STRLEN] = "";

    if (verdict == VX_EXPORT_WITHHELD) {
        snprintf(buf, size, "withheld");
        return buf;
    }
    if (e->host) {
        vx_ip_format(&e->host->vtep, vtep);
    }
    snprintf(buf, size, "%llu r%llu %s %s as%u rt%llx/%zu leg%llu n%llu s%u",
             (unsigned long long) e->obj->oid,
             (unsigned long long) e->obj->revision, e->why ? e->why : "-",
             vtep, e->as,
             (unsigned long long) (e->n_imports ? e->imports[0] : 0),
             e->n_imports,
             (unsigned long long) (e->leg ? e->leg->o.revision : 0),
             (unsigned long long) (e->network ? e->network->o.oid : 0),
             e->type == VX_FEED_ENDPOINT ? port->mobility : 0);
    return buf;
}

/* --- A gateway that remembers what it was told. */

enum { MAX_ENTRIES = 2000 };

struct told {
    struct vx_feed_key key;
    char text[200];
};

struct reader {
    uint64_t oid;
    struct told entries[MAX_ENTRIES];
    size_t n;
};

struct world {
    struct vx_model *model;
    struct vx_export_env env;
    struct reader *readers[2];
    bool none_lives;
    const struct vx_change *changes;
    size_t n_changes;
    struct vx_feed_key *keys;
    size_t n_keys, cap_keys;
    bool rescan;
};

static const struct vx_obj *
gone(void *world_, uint64_t oid)
{
    const struct world *w = world_;

    for (size_t i = 0; i < w->n_changes; i++) {
        if (!w->changes[i].new && w->changes[i].old->oid == oid) {
            return w->changes[i].old;
        }
    }
    return NULL;
}

static bool
world_port_at(void *world_, uint64_t network, uint64_t host)
{
    const struct world *w = world_;

    return has_port_at(w->model, network, host);
}

static void
collect(void *world_, const struct vx_feed_key *key)
{
    struct world *w = world_;

    w->keys = vx_grow(w->keys, &w->cap_keys, w->n_keys + 1,
                      sizeof *w->keys);
    w->keys[w->n_keys++] = *key;
}

static void
look(struct world *w, struct reader *r, const struct vx_feed_key *key)
{
    const struct vx_obj *obj = vx_model_by_oid(w->model, r->oid);
    struct vx_export_gateway gateway;
    struct vx_export e;
    enum vx_export_verdict verdict;
    size_t i = 0;

    if (!obj) {
        r->n = 0;
        return;
    }
    vx_export_gateway(w->model, (const void *) obj, &gateway);
    verdict = vx_export(&w->env, &gateway, key, &e);
    while (i < r->n && vx_feed_key_compare(&r->entries[i].key, key)) {
        i++;
    }
    if (key->type == VX_FEED_TENANT
        && (i < r->n) != (verdict != VX_EXPORT_NONE)) {
        w->rescan = true;
    }
    if (verdict == VX_EXPORT_NONE) {
        if (i < r->n) {
            r->entries[i] = r->entries[--r->n];
        }
        return;
    }
    assert_true(i < MAX_ENTRIES);
    r->entries[i].key = *key;
    show(&e, verdict, r->entries[i].text, sizeof r->entries[i].text);
    r->n += i == r->n;
}

static void
look_at_keys(struct world *w)
{
    for (size_t i = 0; i < w->n_keys; i++) {
        for (int g = 0; g < 2; g++) {
            look(w, w->readers[g], &w->keys[i]);
        }
    }
    w->n_keys = 0;
}

static void
scan(struct world *w)
{
    static const enum vx_kind kinds[] = {
        VX_TENANT, VX_NETWORK, VX_SUBNET, VX_ROUTE, VX_PORT, VX_POLICY,
        VX_PEERING, VX_UPLINK, VX_GATEWAY,
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct vx_obj *obj;
        struct vx_iter iter;

        vx_iter_init(&iter, w->model, kinds[i], NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            vx_export_touched(&w->env, NULL, obj, collect, w);
        }
    }
    look_at_keys(w);
}

/* The staged changes are told, as the daemon does. */
static void
tell(struct world *w)
{
    w->changes = vx_model_staged(w->model, &w->n_changes);
    for (size_t i = 0; i < w->n_changes; i++) {
        const struct vx_obj *obj = w->changes[i].new ? w->changes[i].new
                                                     : w->changes[i].old;

        vx_export_touched(&w->env, w->changes[i].old, w->changes[i].new,
                          collect, w);
        w->rescan |= obj->kind == VX_UPLINK || obj->kind == VX_GATEWAY
                     || obj->kind == VX_HOST;
    }
    look_at_keys(w);
    w->changes = NULL;
    w->n_changes = 0;
    vx_model_commit(w->model);
    while (w->rescan) {
        w->rescan = false;
        scan(w);
    }
}

static void
legs(struct world *w)
{
    const struct vx_obj *obj;
    struct vx_iter iter;
    uint64_t tenants[8];
    size_t n = 0;

    vx_iter_init(&iter, w->model, VX_TENANT, NULL, NULL);
    while ((obj = vx_iter_next(&iter)) && n < 8) {
        tenants[n++] = obj->oid;
    }
    for (size_t i = 0; i < n; i++) {
        struct vx_legs plan;
        struct vx_error err;
        size_t failed;

        vx_legs_plan(w->model, tenants[i], &plan);
        if (plan.n && !vx_model_apply(w->model, plan.ops, plan.n, FX_NOW_MS,
                                      NULL, &failed, &err)) {
            fail_msg("leg op %zu: %s", failed, err.message);
        }
        vx_legs_fini(&plan);
        tell(w);
        vx_legs_plan(w->model, tenants[i], &plan);
        assert_int_equal(plan.n, 0);
        vx_legs_fini(&plan);
    }
}

static void
world_init(struct world *w, struct vx_model *model)
{
    *w = (struct world) { .model = model };
    w->env = (struct vx_export_env) {
        .model = model, .ctx = w, .port_active = even_is_active,
        .hop_alive = most_live, .has_port_at = world_port_at, .gone = gone,
    };
    for (int g = 0; g < 2; g++) {
        w->readers[g] = vx_xcalloc(1, sizeof *w->readers[g]);
    }
}

static void
world_fini(struct world *w)
{
    free(w->readers[0]);
    free(w->readers[1]);
    free(w->keys);
    vx_model_free(w->model);
}

static const char *
text_of(const struct reader *r, enum vx_feed_type type, const char *key)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->entries[i].key.type == type
            && !strcmp(r->entries[i].key.text, key)) {
            return r->entries[i].text;
        }
    }
    return NULL;
}

static void
step(struct world *w, const char *line)
{
    fx_do(w->model, line);
    tell(w);
    legs(w);
}

/* Its switches are in order. */
static void
admit(struct vx_model *model, const char *host)
{
    const struct vx_op op = { .type = VX_OP_ADMIT, .kind = VX_HOST,
                              .key = { .name = host } };
    struct vx_error err;
    size_t failed;

    assert_true(vx_model_apply(model, &op, 1, FX_NOW_MS, NULL, &failed,
                               &err));
}

static void
add_gateways(struct world *w)
{
    for (int g = 0; g < 2; g++) {
        char line[80];
        const struct vx_obj *obj;

        snprintf(line, sizeof line, "put host h%d zone=z vtep=192.0.2.%d",
                 g + 1, g + 1);
        fx_do(w->model, line);
        admit(w->model, g ? "h2" : "h1");
        vx_model_commit(w->model);
        snprintf(line, sizeof line, "put gateway g%d host=h%d", g + 1,
                 g + 1);
        obj = fx_do(w->model, line);
        w->readers[g]->oid = obj->oid;
        w->rescan = true;
        tell(w);
    }
}

#define TOLD(G, TYPE, KEY) \
    assert_non_null(text_of(w.readers[G], VX_FEED_##TYPE, KEY))
#define NOT_TOLD(G, TYPE, KEY) \
    assert_null(text_of(w.readers[G], VX_FEED_##TYPE, KEY))

static void
a_gateway_is_told_of_tenants_it_serves_and_of_no_others(void **state)
{
    struct world w;

    (void) state;
    world_init(&w, fx_small_fabric());
    add_gateways(&w);
    step(&w, "put subnet acme/web/10.0.0.0/24 route=yes announce=yes");
    TOLD(0, GATEWAY, "g1");
    NOT_TOLD(1, GATEWAY, "g1");
    NOT_TOLD(0, TENANT, "acme");
    NOT_TOLD(0, PREFIX, "acme 10.0.0.0/24");
    step(&w, "put peering acme/ce1 gateway=g1 peer=172.16.1.2 peer_as=65100 "
             "family=ipv4 device=ce0 local=172.16.1.1/30");
    TOLD(0, TENANT, "acme");
    TOLD(0, PEERING, "acme/ce1");
    TOLD(0, PREFIX, "acme 10.0.0.0/24");
    NOT_TOLD(1, TENANT, "acme");
    NOT_TOLD(1, PREFIX, "acme 10.0.0.0/24");
    step(&w, "put uplink up1 gateway=g2 peer=203.0.113.2 peer_as=65002 "
             "family=vpnv4 family=evpn");
    TOLD(1, PREFIX, "acme 10.0.0.0/24");
    TOLD(1, NETWORK, "acme/web");
    NOT_TOLD(0, NETWORK, "acme/web");
    step(&w, "delete uplink up1");
    NOT_TOLD(1, TENANT, "acme");
    NOT_TOLD(1, PREFIX, "acme 10.0.0.0/24");
    NOT_TOLD(1, NETWORK, "acme/web");
    step(&w, "delete peering acme/ce1");
    NOT_TOLD(0, TENANT, "acme");
    NOT_TOLD(0, PREFIX, "acme 10.0.0.0/24");
    assert_null(vx_model_router_network(
        w.model, ((const struct vx_obj *) vx_model_find(
            w.model, VX_TENANT, &(struct vx_key) { .name = "acme" },
            NULL))->oid));
    world_fini(&w);
}

static void
ports_that_are_not_active_are_withheld(void **state)
{
    struct world w;
    const struct vx_obj *port;
    const char *text;

    (void) state;
    world_init(&w, fx_small_fabric());
    add_gateways(&w);
    step(&w, "put subnet acme/web/10.0.0.0/24 route=yes announce=yes "
             "hosts=yes");
    step(&w, "put uplink up1 gateway=g1 peer=203.0.113.2 peer_as=65002 "
             "family=vpnv4 family=evpn");
    for (int i = 0; i < 4; i++) {
        char line[120], key[60];

        snprintf(line, sizeof line, "put port acme/web/vm%d host=h2 "
                 "ip=10.0.0.%d mac=0a:00:00:00:00:0%d", i, i + 10, i);
        port = fx_do(w.model, line);
        tell(&w);
        snprintf(key, sizeof key, "acme 10.0.0.%d/32", i + 10);
        text = text_of(w.readers[0], VX_FEED_PREFIX, key);
        assert_non_null(text);
        assert_int_equal(!strcmp(text, "withheld"), port->oid % 2);
        step(&w, i % 2 ? "put tenant acme" : "put tenant other");
    }
    /* It is on no host: nobody can send to it. */
    step(&w, "put port acme/web/far ip=10.0.0.77 mac=0a:00:00:00:00:77");
    {
        const struct vx_network *web = (const void *) vx_model_find(
            w.model, VX_NETWORK,
            &(struct vx_key) { .tenant = "acme", .name = "web" }, NULL);
        char key[60];

        snprintf(key, sizeof key, "%u 0a:00:00:00:00:77", web->vni);
        text = text_of(w.readers[0], VX_FEED_ENDPOINT, key);
        assert_string_equal(text, "withheld");
        snprintf(key, sizeof key, "%u 192.0.2.2", web->vni);
        TOLD(0, VTEP, key);
        snprintf(key, sizeof key, "%u 192.0.2.1", web->vni);
        NOT_TOLD(0, VTEP, key);
    }
    world_fini(&w);
}

static bool
as_world_says(void *world_, uint64_t port)
{
    const struct world *w = world_;

    (void) port;
    return !w->none_lives;
}

static const char *
reason_of(struct world *w, const char *prefix)
{
    struct vx_export_gateway gateway;
    struct vx_feed_key key = { .type = VX_FEED_PREFIX };
    struct vx_export e;

    snprintf(key.text, sizeof key.text, "%s", prefix);
    vx_export_gateway(w->model, (const void *) vx_model_by_oid(
        w->model, w->readers[0]->oid), &gateway);
    return vx_export(&w->env, &gateway, &key, &e) == VX_EXPORT_WITHHELD
           ? e.why_not : "";
}

static void
a_route_is_announced_while_a_next_hop_is_there_and_alive(void **state)
{
    static const char key[] = "acme 203.0.113.0/24";
    struct world w;

    (void) state;
    world_init(&w, fx_small_fabric());
    w.env.hop_alive = as_world_says;
    add_gateways(&w);
    step(&w, "put subnet acme/web/10.0.0.0/24 route=yes");
    step(&w, "put uplink up1 gateway=g1 peer=203.0.113.2 peer_as=65002 "
             "family=vpnv4");
    step(&w, "put route acme/203.0.113.0/24 via=10.0.0.5 announce=yes");
    assert_string_equal(text_of(w.readers[0], VX_FEED_PREFIX, key),
                        "withheld");
    assert_non_null(strstr(reason_of(&w, key), "no port has"));
    step(&w, "put port acme/web/fw ip=10.0.0.5");
    assert_string_not_equal(text_of(w.readers[0], VX_FEED_PREFIX, key),
                            "withheld");
    step(&w, "put port acme/web/fw ip=10.0.0.6");
    assert_string_equal(text_of(w.readers[0], VX_FEED_PREFIX, key),
                        "withheld");
    step(&w, "put port acme/web/fw ip=10.0.0.5");
    assert_string_equal(reason_of(&w, key), "");
    w.none_lives = true;
    assert_non_null(strstr(reason_of(&w, key), "alive"));
    /* The daemon says that it has changed. */
    vx_export_touched(&w.env, NULL, (const void *) vx_model_find(
        w.model, VX_PORT, &(struct vx_key) { .tenant = "acme",
            .network = "web", .name = "fw" }, NULL), collect, &w);
    look_at_keys(&w);
    assert_string_equal(text_of(w.readers[0], VX_FEED_PREFIX, key),
                        "withheld");
    world_fini(&w);
}

static void
automatic_route_targets_are_as_and_vni(void **state)
{
    (void) state;
    assert_true(vx_export_auto_rt(65001, 5001)
                == UINT64_C(0x0002fde900001389));
    assert_true(vx_export_auto_rt(0x10002, 5001)
                == UINT64_C(0x0002000200001389));
}

/* --- Any changes against entries made anew. */

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void
random_line(uint32_t *seed, struct vx_buf *line)
{
    static const char *const lines[] = {
        "put subnet %s/web/10.0.0.0/24 route=yes announce=yes",
        "put subnet %s/web/10.0.0.0/24 route=yes announce=yes hosts=yes",
        "put subnet %s/web/10.0.0.0/24 route=yes",
        "put peering %s/ce gateway=g1 peer=172.16.1.2 peer_as=65100 "
            "family=ipv4 device=ce%u local=172.16.1.1/30",
        "put peering %s/cf gateway=g2 peer=172.16.1.2 peer_as=65100 "
            "family=ipv4 device=ce%u local=172.16.1.1/30",
        "delete peering %s/ce",
        "delete peering %s/cf",
        "put route %s/192.0.%u.0/24 via=10.0.0.200 announce=yes",
        "put route %s/192.0.%u.0/24 via=10.0.0.200",
        "delete route %s/192.0.%u.0/24",
        "put network %s/web evpn=no",
        "put network %s/web",
        "put port %s/web/hop ip=10.0.0.200",
        "put port %s/web/hop ip=10.0.0.201",
        "delete port %s/web/hop",
        "put port %s/web/vm%u host=h1",
        "put port %s/web/vm%u host=h2",
        "put port %s/web/vm%u",
        "delete port %s/web/vm%u",
        "put policy %s/p%u priority=%u where=flowspec dst=10.0.0.0/24",
        "delete policy %s/p%u",
        "put policy %s/q priority=99 where=gateway gateway=yes",
        "put tenant %s rd=65001:%u import=65001:%u",
        "put tenant %s",
        "put uplink up%3$u gateway=g1 peer=203.0.113.2 peer_as=65002 "
            "family=vpnv4",
        "put uplink up%3$u gateway=g2 peer=203.0.113.3 peer_as=65002 "
            "family=evpn",
        "delete uplink up%3$u",
        "put gateway g1 host=h1 as=65001",
        "put gateway g1 host=h1",
    };
    static const char *const tenants[] = { "acme", "beta" };
    const char *format = lines[next_random(seed)
                               % (sizeof lines / sizeof lines[0])];
    const char *tenant = tenants[next_random(seed) % 2];
    unsigned n = next_random(seed) % 4;

    vx_buf_clear(line);
    if (strstr(format, "%3$u")) {
        char up[160];
        const char *p = strstr(format, "%3$u");

        snprintf(up, sizeof up, "%.*s%u%s", (int) (p - format), format,
                 n % 2, p + 4);
        vx_buf_puts(line, up);
        return;
    }
    for (const char *p = format; *p; p++) {
        if (p[0] == '%' && p[1] == 's') {
            vx_buf_puts(line, tenant);
            p++;
        } else if (p[0] == '%' && p[1] == 'u') {
            vx_buf_printf(line, "%u", n + 1);
            p++;
        } else {
            vx_buf_put(line, p, 1);
        }
    }
}

static void
try(struct world *w, const char *line)
{
    struct vx_error err;
    struct fx_op fx;
    size_t failed;

    fx_parse(&fx, line);
    if (vx_model_apply(w->model, &fx.op, 1, FX_NOW_MS, NULL, &failed,
                       &err)) {
        tell(w);
        legs(w);
    }
}

static void
compare(struct world *w, uint32_t seed, int at)
{
    for (int g = 0; g < 2; g++) {
        struct reader *had = w->readers[g];
        struct reader *anew = vx_xcalloc(1, sizeof *anew);

        anew->oid = had->oid;
        w->readers[g] = anew;
        scan(w);
        w->rescan = false;
        if (anew->n != had->n) {
            fail_msg("seed %u step %d: %zu entries, anew %zu", seed, at,
                     had->n, anew->n);
        }
        for (size_t i = 0; i < anew->n; i++) {
            const struct told *t = &anew->entries[i];
            const char *text = text_of(had, t->key.type, t->key.text);

            if (!text || strcmp(text, t->text)) {
                fail_msg("seed %u step %d: %s %s is \"%s\", anew \"%s\"",
                         seed, at, vx_feed_type_name(t->key.type),
                         t->key.text, text ? text : "none", t->text);
            }
        }
        w->readers[g] = had;
        free(anew);
    }
}

static void
any_changes_lead_to_what_is_made_anew(void **state)
{
    (void) state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        struct vx_buf line = VX_BUF_INIT;
        uint32_t random = seed * 7919;
        struct world w;

        world_init(&w, fx_small_fabric());
        add_gateways(&w);
        step(&w, "put tenant beta");
        step(&w, "put network beta/web");
        step(&w, "put subnet beta/web/10.0.0.0/24 route=yes");
        for (int i = 0; i < 150; i++) {
            random_line(&random, &line);
            try(&w, vx_buf_str(&line));
            if (i % 10 == 9) {
                compare(&w, seed, i);
            }
        }
        vx_buf_fini(&line);
        world_fini(&w);
    }
}

/* --- The log. */

struct events {
    unsigned n_told, n_gone;
};

static void
count_told(void *events_, const struct vx_feed_item *item, bool had_value)
{
    struct events *events = events_;

    (void) had_value;
    *(item->value ? &events->n_told : &events->n_gone) += 1;
}

static struct vx_feed_key
prefix_key(int i)
{
    struct vx_feed_key key = { .type = VX_FEED_PREFIX };

    snprintf(key.text, sizeof key.text, "acme 10.%d.%d.0/24", i / 250,
             i % 250);
    return key;
}

static void
an_entry_is_told_when_its_revision_is_realized(void **state)
{
    struct events events = { 0, 0 };
    const struct vx_feedlog_env env = { &events, count_told };
    struct vx_feedlog *log = vx_feedlog_new(&env);
    struct vx_feed_key key = prefix_key(1);
    struct vx_feed_item item;

    (void) state;
    vx_feedlog_want(log, &key, "{1}", NULL, 7, 6);
    assert_int_equal(events.n_told, 0);
    assert_true(vx_feedlog_get(log, &key, &item));
    assert_int_equal(item.state, VX_FEED_WAITING);
    vx_feedlog_ready(log, 6);
    assert_int_equal(events.n_told, 0);
    vx_feedlog_ready(log, 7);
    assert_int_equal(events.n_told, 1);
    assert_false(vx_feedlog_next(log, 1, true, &item));
    assert_true(vx_feedlog_next(log, 0, true, &item));
    assert_string_equal(item.value, "{1}");
    /* A new value waits, the old one stays; that it goes is told at once. */
    vx_feedlog_want(log, &key, "{2}", NULL, 9, 8);
    vx_feedlog_get(log, &key, &item);
    assert_string_equal(item.value, "{1}");
    vx_feedlog_want(log, &key, NULL, NULL, 10, 8);
    assert_int_equal(events.n_gone, 1);
    vx_feedlog_ready(log, 100);
    assert_int_equal(events.n_told, 1);
    vx_feedlog_want(log, &key, NULL, "the port is not active", 11, 11);
    vx_feedlog_get(log, &key, &item);
    assert_int_equal(item.state, VX_FEED_WITHHELD);
    assert_int_equal(vx_feedlog_n_held(log, VX_FEED_PREFIX), 1);
    vx_feedlog_want(log, &key, "{3}", NULL, 12, 12);
    assert_int_equal(vx_feedlog_n_held(log, VX_FEED_PREFIX), 0);
    assert_int_equal(vx_feedlog_n_told(log, VX_FEED_PREFIX), 1);
    vx_feedlog_free(log);
}

static void
what_is_withdrawn_stays_gone_until_it_is_released(void **state)
{
    struct events events = { 0, 0 };
    const struct vx_feedlog_env env = { &events, count_told };
    struct vx_feedlog *log = vx_feedlog_new(&env);
    struct vx_feed_key key = prefix_key(1);
    struct vx_feed_item item;

    (void) state;
    /* Nor does it come meanwhile, if it was not there. */
    assert_int_equal(vx_feedlog_withdraw(log, &key), 0);
    vx_feedlog_want(log, &key, "{0}", NULL, 1, 1);
    assert_int_equal(events.n_told, 0);
    vx_feedlog_want(log, &key, NULL, NULL, 1, 1);
    vx_feedlog_release(log, &key, 1);
    assert_false(vx_feedlog_get(log, &key, &item));
    vx_feedlog_want(log, &key, "{1}", NULL, 1, 1);
    assert_int_equal(vx_feedlog_withdraw(log, &key), 2);
    assert_int_equal(vx_feedlog_withdraw(log, &key), 2);
    vx_feedlog_get(log, &key, &item);
    assert_int_equal(item.state, VX_FEED_WITHDRAWN);
    vx_feedlog_want(log, &key, "{2}", NULL, 2, 2);
    vx_feedlog_release(log, &key, 2);
    assert_int_equal(events.n_told, 1);
    vx_feedlog_release(log, &key, 2);
    assert_int_equal(events.n_told, 2);
    vx_feedlog_withdraw(log, &key);
    vx_feedlog_want(log, &key, NULL, NULL, 3, 3);
    vx_feedlog_release(log, &key, 3);
    assert_int_equal(events.n_told, 2);
    vx_feedlog_get(log, &key, &item);
    assert_int_equal(item.state, VX_FEED_GONE);
    vx_feedlog_free(log);
}

static void
what_is_gone_is_listed_for_whom_has_not_read_it(void **state)
{
    struct events events = { 0, 0 };
    const struct vx_feedlog_env env = { &events, count_told };
    struct vx_feedlog *log = vx_feedlog_new(&env);
    struct vx_feed_key first = prefix_key(1), second = prefix_key(2);
    struct vx_feed_item item;

    (void) state;
    vx_feedlog_want(log, &first, "{1}", NULL, 1, 1);
    vx_feedlog_want(log, &second, "{2}", NULL, 1, 1);
    vx_feedlog_want(log, &first, NULL, NULL, 2, 2);     /* number 3 */
    assert_true(vx_feedlog_after(log, NULL, UINT64_MAX, &item));
    assert_string_equal(item.key, second.text);
    assert_true(vx_feedlog_after(log, NULL, 3, &item));
    assert_string_equal(item.key, second.text);
    assert_true(vx_feedlog_after(log, NULL, 2, &item));
    assert_string_equal(item.key, first.text);
    assert_int_equal(item.state, VX_FEED_GONE);
    assert_true(vx_feedlog_after(log, &first, 2, &item));
    assert_string_equal(item.key, second.text);
    assert_false(vx_feedlog_after(log, &second, 0, &item));
    vx_feedlog_free(log);
}

static void
tombstones_are_bounded_and_old_readers_are_known(void **state)
{
    struct events events = { 0, 0 };
    const struct vx_feedlog_env env = { &events, count_told };
    struct vx_feedlog *log = vx_feedlog_new(&env);
    struct vx_feed_item item;
    uint64_t seq = 0;
    int n = 0;

    (void) state;
    for (int i = 0; i < VX_FEEDLOG_TOMBSTONES + 500; i++) {
        struct vx_feed_key key = prefix_key(i);

        vx_feedlog_want(log, &key, "{}", NULL, 1, 1);
    }
    seq = vx_feedlog_seq(log);
    assert_true(vx_feedlog_knows(log, 0));
    for (int i = 0; i < VX_FEEDLOG_TOMBSTONES + 500; i++) {
        struct vx_feed_key key = prefix_key(i);

        vx_feedlog_want(log, &key, NULL, NULL, 2, 2);
    }
    assert_false(vx_feedlog_knows(log, seq));
    assert_true(vx_feedlog_knows(log, vx_feedlog_seq(log)));
    assert_false(vx_feedlog_knows(log, vx_feedlog_seq(log) + 1));
    seq = 0;
    while (vx_feedlog_next(log, seq, true, &item)) {
        assert_null(item.value);
        assert_true(item.seq > seq);
        seq = item.seq;
        n++;
    }
    assert_int_equal(n, VX_FEEDLOG_TOMBSTONES);
    vx_feedlog_free(log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_gateway_is_told_of_tenants_it_serves_and_of_no_others),
        cmocka_unit_test(ports_that_are_not_active_are_withheld),
        cmocka_unit_test(
            a_route_is_announced_while_a_next_hop_is_there_and_alive),
        cmocka_unit_test(automatic_route_targets_are_as_and_vni),
        cmocka_unit_test(any_changes_lead_to_what_is_made_anew),
        cmocka_unit_test(an_entry_is_told_when_its_revision_is_realized),
        cmocka_unit_test(what_is_withdrawn_stays_gone_until_it_is_released),
        cmocka_unit_test(what_is_gone_is_listed_for_whom_has_not_read_it),
        cmocka_unit_test(tombstones_are_bounded_and_old_readers_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
