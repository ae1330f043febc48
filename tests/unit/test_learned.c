/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways learn becomes objects: plans as functions of the model and of
 * who knows what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/learned.h"
#include "core/legs.h"
#include "lib/xalloc.h"
#include "tests/lib/model_fixture.h"

static void
apply(struct vx_model *model, const struct vx_op *ops, size_t n)
{
    struct vx_error err;
    size_t failed;

    if (n && !vx_model_apply(model, ops, n, FX_NOW_MS, NULL, &failed,
                             &err)) {
        fail_msg("op %zu: %s", failed, err.message);
    }
    vx_model_commit(model);
}

static uint64_t
oid_of(const struct vx_model *model, enum vx_kind kind, const char *name)
{
    const struct vx_key key = { .name = name };

    return vx_model_find(model, kind, &key, NULL)->oid;
}

static void
do_legs(struct vx_model *model)
{
    struct vx_legs legs;

    vx_legs_plan(model, oid_of(model, VX_TENANT, "acme"), &legs);
    apply(model, legs.ops, legs.n);
    vx_legs_fini(&legs);
}

/* g1 and g2 serve acme. */
static struct vx_model *
new_fabric(void)
{
    struct vx_model *model = fx_small_fabric();

    fx_do(model, "put host h1 zone=z vtep=192.0.2.1");
    fx_do(model, "put host h2 zone=z vtep=192.0.2.2");
    fx_do(model, "put gateway g1 host=h1");
    fx_do(model, "put gateway g2 host=h2");
    fx_do(model, "put subnet acme/web/10.0.0.0/24 route=yes announce=yes");
    fx_do(model, "put peering acme/c1 gateway=g1 peer=172.16.1.2 "
                 "peer_as=65100 family=ipv4 device=ce0 local=172.16.1.1/30");
    fx_do(model, "put peering acme/c2 gateway=g2 peer=172.16.1.2 "
                 "peer_as=65100 family=ipv4 device=ce0 local=172.16.1.1/30");
    vx_model_commit(model);
    do_legs(model);
    return model;
}

static struct vx_ip
ip(const char *text)
{
    struct vx_ip ip;

    assert_true(vx_ip_parse(text, &ip));
    return ip;
}

static struct vx_learned
route(const char *prefix)
{
    struct vx_learned item = { .type = VX_LEARNED_ROUTE, .tenant = "acme" };

    assert_true(vx_prefix_parse(prefix, &item.prefix));
    return item;
}

static struct vx_learned
route5(const char *prefix, const char *vtep)
{
    struct vx_learned item = route(prefix);

    item.type = VX_LEARNED_ROUTE5;
    item.vtep = ip(vtep);
    assert_true(vx_mac_parse("02:00:00:00:09:ff", &item.mac));
    return item;
}

static bool is_g2_silent;
static bool
silent(void *model, uint64_t gateway)
{
    return is_g2_silent && gateway == oid_of(model, VX_GATEWAY, "g2");
}

/* Plans all targets of the item as known to n gateways, and does it.  Returns
 * the reason of the last. */
static const char *
learn(struct vx_model *model, const struct vx_learned *item, unsigned mask)
{
    static char reason[160];
    struct vx_target targets[VX_LEARNED_MAX_TARGETS];
    size_t n = vx_learned_targets(item, targets);

    reason[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        struct vx_known known[2];
        /* What goes, goes in reverse. */
        struct vx_learned_ask ask = {
            .model = model, .target = &targets[mask ? i : n - 1 - i],
            .known = known, .is_silent = silent, .ctx = model,
            .keep = is_g2_silent,
        };
        struct vx_learned_plan plan;

        for (unsigned g = 0; g < 2; g++) {
            if (mask & 1u << g) {
                known[ask.n++] = (struct vx_known) {
                    oid_of(model, VX_GATEWAY, g ? "g2" : "g1"), item };
            }
        }
        vx_learned_plan(&ask, &plan);
        apply(model, plan.ops, plan.n);
        if (plan.reason[0]) {
            snprintf(reason, sizeof reason, "%s", plan.reason);
        }
        vx_learned_plan_fini(&plan);
        /* Asked again there is nothing to do. */
        ask.model = model;
        vx_learned_plan(&ask, &plan);
        assert_int_equal(plan.n, 0);
        vx_learned_plan_fini(&plan);
    }
    return reason;
}

static const struct vx_route *
find_route(const struct vx_model *model, const char *prefix)
{
    const struct vx_key key = { .tenant = "acme", .name = prefix };

    return (const void *) vx_model_find(model, VX_ROUTE, &key, NULL);
}

static const struct vx_port *
find_port(const struct vx_model *model, const char *network,
          const char *name)
{
    const struct vx_key key = { .tenant = "acme", .network = network,
                                .name = name };

    return (const void *) vx_model_find(model, VX_PORT, &key, NULL);
}

static void
a_route_goes_by_the_legs_of_those_who_know_it(void **state)
{
    struct vx_model *model = new_fabric();
    struct vx_learned four = route("0.0.0.0/0"), six = route("::/0");

    (void) state;
    assert_string_equal(learn(model, &four, 3), "");
    assert_int_equal(find_route(model, "0.0.0.0/0")->n_via, 2);
    assert_string_equal(learn(model, &six, 2), "");
    assert_int_equal(find_route(model, "::/0")->n_via, 1);
    assert_int_equal(find_route(model, "::/0")->via[0].family, 6);
    learn(model, &four, 1);
    assert_int_equal(find_route(model, "0.0.0.0/0")->n_via, 1);
    assert_int_equal(find_route(model, "0.0.0.0/0")->o.origin, VX_BY_BGP);
    learn(model, &four, 0);
    assert_null(find_route(model, "0.0.0.0/0"));
    vx_model_free(model);
}

static void
who_has_not_said_what_it_knows_keeps_its_share(void **state)
{
    struct vx_model *model = new_fabric();
    struct vx_learned item = route("198.51.100.0/24");

    (void) state;
    learn(model, &item, 3);
    is_g2_silent = true;
    learn(model, &item, 1);
    assert_int_equal(find_route(model, "198.51.100.0/24")->n_via, 2);
    learn(model, &item, 0);
    assert_int_equal(find_route(model, "198.51.100.0/24")->n_via, 1);
    is_g2_silent = false;
    learn(model, &item, 0);
    assert_null(find_route(model, "198.51.100.0/24"));
    vx_model_free(model);
}

static void
an_operators_route_is_not_touched(void **state)
{
    struct vx_model *model = new_fabric();
    struct vx_learned item = route("198.51.100.0/24");

    (void) state;
    fx_do(model, "put route acme/198.51.100.0/24 via=10.0.0.9");
    vx_model_commit(model);
    assert_non_null(strstr(learn(model, &item, 3), "operator"));
    assert_int_equal(find_route(model, "198.51.100.0/24")->o.origin,
                     VX_BY_OPERATOR);
    learn(model, &item, 0);
    assert_non_null(find_route(model, "198.51.100.0/24"));
    vx_model_free(model);
}

static void
nothing_is_learned_into_the_tenants_own_subnets(void **state)
{
    static const char *const prefixes[] = {
        "10.0.0.0/24", "10.0.0.0/25", "10.0.0.12/32", "10.0.0.1/32",
        "169.254.64.1/32", "169.254.64.0/20",
    };
    struct vx_model *model = new_fabric();
    struct vx_learned wider = route("10.0.0.0/16");
    struct vx_learned five = route5("10.0.0.12/32", "203.0.113.9");
    struct vx_learned later = route("10.9.0.7/32");

    (void) state;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct vx_learned item = route(prefixes[i]);

        assert_non_null(strstr(learn(model, &item, 3), "own subnet"));
        assert_null(find_route(model, prefixes[i]));
    }
    assert_non_null(strstr(learn(model, &five, 1), "own subnet"));
    assert_string_equal(learn(model, &wider, 1), "");
    /* The subnet comes later. */
    assert_string_equal(learn(model, &later, 1), "");
    assert_non_null(find_route(model, "10.9.0.7/32"));
    fx_do(model, "put subnet acme/web/10.9.0.0/24 route=yes");
    vx_model_commit(model);
    assert_non_null(strstr(learn(model, &later, 1), "own subnet"));
    assert_null(find_route(model, "10.9.0.7/32"));
    vx_model_free(model);
}

static void
a_gateway_that_serves_no_more_is_no_way(void **state)
{
    struct vx_model *model = new_fabric();
    struct vx_learned item = route("198.51.100.0/24");

    (void) state;
    learn(model, &item, 3);
    fx_do(model, "delete peering acme/c2");
    vx_model_commit(model);
    learn(model, &item, 3);
    assert_int_equal(find_route(model, "198.51.100.0/24")->n_via, 1);
    do_legs(model);
    assert_null(find_port(model, VX_ROUTER_NETWORK, "g2"));
    vx_model_free(model);
}

static void
another_fabrics_router_is_a_port_on_its_host(void **state)
{
    struct vx_model *model = new_fabric();
    struct vx_learned item = route5("198.18.0.0/15", "203.0.113.9");
    struct vx_learned own = route5("198.19.0.0/16", "192.0.2.2");
    const struct vx_port *port;
    const struct vx_host *host;
    struct vx_ip vtep = ip("203.0.113.9");

    (void) state;
    assert_string_equal(learn(model, &item, 1), "");
    host = vx_model_by_vtep(model, &vtep);
    assert_true(host && host->external);
    port = find_port(model, VX_ROUTER_NETWORK, "vtep-203.0.113.9");
    assert_true(port && port->host == host->o.oid);
    assert_int_equal(find_route(model, "198.18.0.0/15")->n_via, 1);
    assert_false(vx_ip_compare(&find_route(model, "198.18.0.0/15")->via[0],
                               &port->ips[0]));
    /* Our own VTEP is nobody else's. */
    learn(model, &own, 1);
    assert_null(find_route(model, "198.19.0.0/16"));
    learn(model, &item, 0);
    assert_null(find_route(model, "198.18.0.0/15"));
    assert_null(vx_model_by_vtep(model, &vtep));
    vx_model_free(model);
}

static struct vx_learned
endpoint(const struct vx_model *model, const struct vx_ip *ips, size_t n)
{
    const struct vx_key key = { .tenant = "acme", .name = "web" };
    struct vx_learned item = {
        .type = VX_LEARNED_ENDPOINT, .vtep = ip("203.0.113.9"), .ips = ips,
        .n_ips = n, .seq = 4,
    };

    item.vni = ((const struct vx_network *) (const void *) vx_model_find(
        model, VX_NETWORK, &key, NULL))->vni;
    assert_true(vx_mac_parse("02:00:00:00:09:01", &item.mac));
    return item;
}

static void
an_endpoint_is_a_port_with_the_addresses_that_fit(void **state)
{
    struct vx_model *model = new_fabric();
    const struct vx_ip ips[] = { ip("10.0.0.99"), ip("198.51.100.1"),
                                 ip("10.0.0.1"), ip("fd00:1::99") };
    struct vx_learned item = endpoint(model, ips, 4);
    const struct vx_port *port;

    (void) state;
    assert_string_equal(learn(model, &item, 3), "");
    port = find_port(model, "web", "evpn-020000000901");
    assert_non_null(port);
    assert_int_equal(port->n_ips, 2);
    assert_int_equal(port->mobility, 4);
    assert_false(port->guard);
    learn(model, &item, 0);
    assert_null(find_port(model, "web", "evpn-020000000901"));
    /* A MAC of ours stays ours. */
    fx_do(model, "put port acme/web/vm1 mac=02:00:00:00:09:01");
    vx_model_commit(model);
    assert_non_null(strstr(learn(model, &item, 1), "has the MAC"));
    vx_model_free(model);
}

static void
a_network_without_evpn_hears_nothing(void **state)
{
    struct vx_model *model = new_fabric();
    struct vx_learned item = endpoint(model, NULL, 0);
    struct vx_learned flood = { .type = VX_LEARNED_VTEP, .vni = item.vni,
                                .vtep = item.vtep };

    (void) state;
    assert_string_equal(learn(model, &flood, 1), "");
    assert_non_null(find_port(model, "web", "vtep-203.0.113.9"));
    fx_do(model, "put network acme/web evpn=no");
    vx_model_commit(model);
    assert_non_null(strstr(learn(model, &flood, 1), "evpn"));
    assert_null(find_port(model, "web", "vtep-203.0.113.9"));
    assert_non_null(strstr(learn(model, &item, 1), "evpn"));
    assert_null(find_port(model, "web", "evpn-020000000901"));
    vx_model_free(model);
}

/* --- FlowSpec. */

static const struct vx_policy *
rule(struct vx_model *model, uint64_t hash, const char *dst, int16_t proto,
     const char **ret_reason)
{
    struct vx_policy_spec spec = {
        .action = VX_POLICY_DROP,
        .match = { .proto = proto, .dscp = -1 },
    };
    struct vx_learned item = { .type = VX_LEARNED_FLOWSPEC,
                               .tenant = "acme", .rule = &spec,
                               .rule_hash = hash };
    char name[24];
    const struct vx_key key = { .tenant = "acme", .name = name };

    if (dst) {
        assert_true(vx_prefix_parse(dst, &spec.match.dst));
    }
    *ret_reason = learn(model, &item, 1);
    snprintf(name, sizeof name, "fs-%016llx", (unsigned long long) hash);
    return (const void *) vx_model_find(model, VX_POLICY, &key, NULL);
}

static void
rules_stand_in_the_order_of_rfc_8955(void **state)
{
    /* First to last. */
    static const struct {
        const char *dst;
        int16_t proto;
    } rules[] = {
        { "10.0.0.0/32", 17 }, { "10.0.0.0/30", 6 }, { "10.0.0.0/30", -1 },
        { "10.0.0.0/25", -1 }, { "10.0.0.0/24", 1 }, { "10.0.0.0/24", 6 },
        { "10.0.0.0/24", -1 },
    };
    enum { N = sizeof rules / sizeof rules[0] };

    (void) state;
    for (unsigned shift = 0; shift < N; shift++) {
        struct vx_model *model = new_fabric();
        uint16_t priorities[N];

        for (unsigned i = 0; i < N; i++) {
            unsigned at = (i * 3 + shift) % N;
            const char *reason;
            const struct vx_policy *policy = rule(
                model, at + 1, rules[at].dst, rules[at].proto, &reason);

            assert_string_equal(reason, "");
            assert_int_equal(policy->where,
                             VX_WHERE_HOSTS | VX_WHERE_GATEWAY);
            priorities[at] = policy->priority;
            assert_in_range(policy->priority, 20000, 29999);
        }
        for (unsigned i = 1; i < N; i++) {
            assert_true(priorities[i - 1] > priorities[i]);
        }
        vx_model_free(model);
    }
}

static void
rules_for_what_the_tenant_does_not_announce_are_refused(void **state)
{
    struct vx_model *model = new_fabric();
    const char *reason;

    (void) state;
    assert_null(rule(model, 1, "10.0.1.0/24", -1, &reason));
    assert_non_null(strstr(reason, "does not announce"));
    assert_null(rule(model, 2, "10.0.0.0/16", -1, &reason));
    assert_null(rule(model, 3, NULL, -1, &reason));
    fx_do(model, "put route acme/198.51.100.0/24 via=10.0.0.9 announce=yes");
    vx_model_commit(model);
    assert_non_null(rule(model, 4, "198.51.100.128/25", -1, &reason));
    assert_null(rule(model, 5, "198.51.0.0/16", -1, &reason));
    vx_model_free(model);
}

static uint16_t
priority_of(const struct vx_model *model, uint64_t hash)
{
    char name[24];
    const struct vx_key key = { .tenant = "acme", .name = name };

    snprintf(name, sizeof name, "fs-%016llx", (unsigned long long) hash);
    return ((const struct vx_policy *) (const void *) vx_model_find(
        model, VX_POLICY, &key, NULL))->priority;
}

static void
a_tenant_takes_so_many_rules_and_no_more(void **state)
{
    struct vx_model *model = new_fabric();
    const char *reason;
    int n = 0;

    (void) state;
    for (int i = 0; i < 300; i++) {
        char dst[24];

        snprintf(dst, sizeof dst, "10.0.0.%d/32", i % 250);
        n += rule(model, (uint64_t) i + 1, dst, i < 250 ? 6 : 17, &reason)
             != NULL;
    }
    assert_int_equal(n, 256);
    assert_non_null(strstr(reason, "256"));
    /* However often they had to be spread, they are in order. */
    for (int i = 1; i < 250; i++) {
        assert_true(priority_of(model, (uint64_t) i)
                    > priority_of(model, (uint64_t) i + 1));
    }
    vx_model_free(model);
}

/* --- Items. */

static void
targets_are_found_again_from_their_objects(void **state)
{
    struct vx_model *model = new_fabric();
    struct vx_learned items[] = {
        route("198.51.100.0/24"), route5("198.18.0.0/15", "203.0.113.10"),
        endpoint(model, NULL, 0),
    };
    static const enum vx_kind kinds[] = { VX_HOST, VX_PORT, VX_ROUTE };
    size_t n_objects = 0, n_found = 0;

    (void) state;
    for (size_t i = 0; i < 3; i++) {
        learn(model, &items[i], 1);
    }
    for (size_t k = 0; k < 3; k++) {
        const struct vx_obj *obj;
        struct vx_iter iter;

        vx_iter_init(&iter, model, kinds[k], NULL, NULL);
        while ((obj = vx_iter_next(&iter))) {
            struct vx_target target, own[VX_LEARNED_MAX_TARGETS];

            if (!vx_target_of(model, obj, &target)) {
                assert_int_not_equal(obj->origin, VX_BY_BGP);
                continue;
            }
            n_objects++;
            for (size_t i = 0; i < 3; i++) {
                size_t n = vx_learned_targets(&items[i], own);

                for (size_t t = 0; t < n; t++) {
                    n_found += !vx_target_compare(&own[t], &target);
                }
            }
        }
    }
    assert_int_equal(n_objects, 6);
    assert_int_equal(n_found, 6);
    vx_model_free(model);
}

static void
what_is_not_whole_is_told(void **state)
{
    struct vx_learned item = { .type = VX_LEARNED_ROUTE };

    (void) state;
    assert_non_null(vx_learned_check(&item));
    item = route("10.0.0.0/8");
    assert_null(vx_learned_check(&item));
    item.type = VX_LEARNED_ROUTE5;
    assert_non_null(vx_learned_check(&item));
    item.type = VX_LEARNED_ENDPOINT;
    assert_non_null(vx_learned_check(&item));
    item.type = VX_LEARNED_VTEP;
    item.vni = 5;
    item.vtep = ip("239.0.0.1");
    assert_non_null(vx_learned_check(&item));
    item.vtep = ip("192.0.2.1");
    assert_null(vx_learned_check(&item));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_goes_by_the_legs_of_those_who_know_it),
        cmocka_unit_test(who_has_not_said_what_it_knows_keeps_its_share),
        cmocka_unit_test(an_operators_route_is_not_touched),
        cmocka_unit_test(nothing_is_learned_into_the_tenants_own_subnets),
        cmocka_unit_test(a_gateway_that_serves_no_more_is_no_way),
        cmocka_unit_test(another_fabrics_router_is_a_port_on_its_host),
        cmocka_unit_test(an_endpoint_is_a_port_with_the_addresses_that_fit),
        cmocka_unit_test(a_network_without_evpn_hears_nothing),
        cmocka_unit_test(rules_stand_in_the_order_of_rfc_8955),
        cmocka_unit_test(
            rules_for_what_the_tenant_does_not_announce_are_refused),
        cmocka_unit_test(a_tenant_takes_so_many_rules_and_no_more),
        cmocka_unit_test(targets_are_found_again_from_their_objects),
        cmocka_unit_test(what_is_not_whole_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
