/* SPDX-License-Identifier: Apache-2.0 */
/* The model as its callers see it: put, delete, find, iterate, undo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/model_fixture.h"

#define N_ELEMS(ARRAY) (sizeof(ARRAY) / sizeof(ARRAY)[0])

static struct vx_error err;

static struct vx_op
op_on(enum vx_op_type type, enum vx_kind kind, const char *tenant,
      const char *network, const char *name)
{
    return (struct vx_op) {
        .type = type, .kind = kind, .key = { tenant, network, name },
    };
}

static struct vx_op
put_op(enum vx_kind kind, const char *tenant, const char *network,
       const char *name)
{
    return op_on(VX_OP_PUT, kind, tenant, network, name);
}

static struct vx_op
delete_op(enum vx_kind kind, const char *tenant, const char *network,
          const char *name)
{
    return op_on(VX_OP_DELETE, kind, tenant, network, name);
}

static const void *
must(struct vx_model *model, struct vx_op op)
{
    struct vx_result result;

    if (!vx_model_apply(model, &op, 1, FX_NOW_MS, &result, NULL, &err)) {
        fail_msg("%s", err.message);
    }
    return result.obj;
}

static void
refused(struct vx_model *model, struct vx_op op, enum vx_err_code code,
        const char *field, const char *part)
{
    uint64_t revision = vx_model_revision(model);
    size_t failed = 99;

    memset(&err, 0, sizeof err);
    assert_false(vx_model_apply(model, &op, 1, FX_NOW_MS, NULL, &failed,
                                &err));
    if (err.code != code || strcmp(err.field, field)
        || !strstr(err.message, part)) {
        fail_msg("got %s \"%s\": %s", vx_err_name(err.code), err.field,
                 err.message);
    }
    assert_int_equal(failed, 0);
    assert_int_equal(vx_model_revision(model), revision);
}

static struct vx_mac
mac(const char *s)
{
    struct vx_mac m;

    assert_true(vx_mac_parse(s, &m));
    return m;
}

static struct vx_op
port_op(const char *name)
{
    return put_op(VX_PORT, "acme", "web", name);
}

static void
a_port_gets_mac_addresses_and_iface_id(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    const struct vx_port *port = must(model, port_op("vm1"));
    char text[VX_IP_STRLEN];

    assert_int_equal(port->mac.b[0], 0x0a);
    assert_int_equal(vx_mac_to_u64(&port->mac) & 0xffffffffff, port->o.oid);
    assert_int_equal(port->n_ips, 2);
    assert_string_equal(vx_ip_format(&port->ips[0], text), "10.0.0.2");
    assert_string_equal(vx_ip_format(&port->ips[1], text), "fd00:1::2");
    assert_string_equal(port->iface_id, "acme/web/vm1");
    assert_true(port->guard);
    assert_ptr_equal(vx_model_by_iface_id(model, "acme/web/vm1"), port);
    assert_ptr_equal(vx_model_by_oid(model, port->o.oid), port);
    vx_model_free(model);
}

static void
the_same_put_twice_changes_nothing(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = port_op("vm1");
    struct vx_result result;
    uint64_t revision;

    op.spec.port.host = "h1";
    op.description = "first";
    must(model, op);
    revision = vx_model_revision(model);
    assert_true(vx_model_apply(model, &op, 1, FX_NOW_MS, &result, NULL, &err));
    assert_false(result.changed);
    assert_int_equal(vx_model_revision(model), revision);
    op.spec.port.no_guard = true;
    assert_true(vx_model_apply(model, &op, 1, FX_NOW_MS, &result, NULL, &err));
    assert_true(result.changed);
    assert_false(result.created);
    assert_int_equal(vx_model_revision(model), revision + 1);
    assert_int_equal(result.obj->revision, revision + 1);
    vx_model_free(model);
}

static void
find_names_the_part_that_is_missing(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_key key = { "nobody", "web", "vm1" };

    assert_null(vx_model_find(model, VX_PORT, &key, &err));
    assert_string_equal(err.message, "no tenant \"nobody\"");
    key.tenant = "acme";
    key.network = "db";
    assert_null(vx_model_find(model, VX_PORT, &key, &err));
    assert_string_equal(err.message, "no network \"db\" in tenant \"acme\"");
    key.network = "web";
    assert_null(vx_model_find(model, VX_PORT, &key, &err));
    assert_string_equal(err.message, "no port \"vm1\" in network "
                                     "\"acme/web\"");
    key.name = "FD00:1:0::/64";
    assert_non_null(vx_model_find(model, VX_SUBNET, &key, NULL));
    vx_model_free(model);
}

/* The paths an iterator returns, with spaces between. */
static const char *
listed(const struct vx_model *model, enum vx_kind kind,
       const struct vx_key *scope, const struct vx_key *after)
{
    static char text[1024];
    struct vx_iter iter;
    const struct vx_obj *obj;
    size_t used = 0;
    char path[256];

    text[0] = '\0';
    vx_iter_init(&iter, model, kind, scope, after);
    while ((obj = vx_iter_next(&iter))) {
        used += (size_t) snprintf(text + used, sizeof text - used, "%s%s",
                                  used ? " " : "",
                                  vx_model_path(model, obj, path,
                                                sizeof path));
    }
    return text;
}

static void
iterates_in_key_order_within_a_scope_and_after_a_key(void **state)
{
    (void) state;
    static const char *const ports[][3] = {
        { "b", "n1", "p2" }, { "a", "n2", "p1" }, { "b", "n1", "p1" },
        { "a", "n2", "p3" }, { "d", "n1", "p9" },
    };
    struct vx_model *model = fx_new_model();
    struct vx_key scope = { NULL, NULL, NULL }, after = { "a", "n2", "p1" };

    must(model, put_op(VX_TENANT, NULL, NULL, "c"));
    must(model, put_op(VX_NETWORK, "c", NULL, "empty"));
    for (size_t i = 0; i < N_ELEMS(ports); i++) {
        must(model, put_op(VX_TENANT, NULL, NULL, ports[i][0]));
        must(model, put_op(VX_NETWORK, ports[i][0], NULL, ports[i][1]));
        must(model, put_op(VX_PORT, ports[i][0], ports[i][1], ports[i][2]));
    }
    assert_string_equal(listed(model, VX_TENANT, NULL, NULL), "a b c d");
    assert_string_equal(listed(model, VX_PORT, NULL, NULL),
                        "a/n2/p1 a/n2/p3 b/n1/p1 b/n1/p2 d/n1/p9");
    assert_string_equal(listed(model, VX_PORT, NULL, &after),
                        "a/n2/p3 b/n1/p1 b/n1/p2 d/n1/p9");
    after.name = "p0";
    assert_string_equal(listed(model, VX_PORT, &scope, &after),
                        "a/n2/p1 a/n2/p3 b/n1/p1 b/n1/p2 d/n1/p9");
    after = (struct vx_key) { "b", "n1", "p9" };
    assert_string_equal(listed(model, VX_PORT, NULL, &after), "d/n1/p9");
    scope.tenant = "b";
    assert_string_equal(listed(model, VX_PORT, &scope, NULL),
                        "b/n1/p1 b/n1/p2");
    assert_string_equal(listed(model, VX_NETWORK, &scope, NULL), "b/n1");
    scope.network = "n1";
    after = (struct vx_key) { NULL, NULL, "p1" };
    assert_string_equal(listed(model, VX_PORT, &scope, &after), "b/n1/p2");
    after = (struct vx_key) { "c", NULL, NULL };
    assert_string_equal(listed(model, VX_PORT, &scope, &after), "");
    after.tenant = "a";
    assert_string_equal(listed(model, VX_PORT, &scope, &after),
                        "b/n1/p1 b/n1/p2");
    scope.network = "none";
    assert_string_equal(listed(model, VX_PORT, &scope, NULL), "");
    vx_model_free(model);
}

static void
a_failed_batch_leaves_nothing_behind(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    uint64_t revision = vx_model_revision(model);
    uint64_t oid = vx_model_last_oid(model);
    uint32_t n_free = vx_model_free_vnis(model);
    struct vx_op ops[] = {
        put_op(VX_NETWORK, "acme", NULL, "db"),
        port_op("vm1"),
        put_op(VX_PORT, "acme", "nowhere", "vm2"),
    };
    size_t failed = 0, n_staged;

    assert_false(vx_model_apply(model, ops, N_ELEMS(ops), FX_NOW_MS, NULL,
                                &failed, &err));
    assert_int_equal(failed, 2);
    assert_int_equal(vx_model_revision(model), revision);
    assert_int_equal(vx_model_last_oid(model), oid);
    assert_int_equal(vx_model_free_vnis(model), n_free);
    vx_model_staged(model, &n_staged);
    assert_int_equal(n_staged, 0);
    assert_null(vx_model_find(model, VX_NETWORK, &ops[0].key, NULL));
    assert_null(vx_model_find(model, VX_PORT, &ops[1].key, NULL));
    vx_model_free(model);
}

static void
batches_of_one_turn_are_staged_and_undone_one_by_one(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    uint64_t revision = vx_model_revision(model);
    const struct vx_change *changes;
    size_t mark, n;

    must(model, port_op("vm1"));
    mark = vx_model_mark(model);
    must(model, port_op("vm2"));
    assert_int_equal(vx_model_revision(model), revision + 2);
    vx_model_rollback(model, mark);
    assert_int_equal(vx_model_revision(model), revision + 1);
    changes = vx_model_staged(model, &n);
    assert_int_equal(n, 1);
    assert_null(changes[0].old);
    assert_string_equal(changes[0].new->name, "vm1");
    assert_int_equal(changes[0].revision, revision + 1);
    vx_model_commit(model);
    vx_model_staged(model, &n);
    assert_int_equal(n, 0);
    vx_model_free(model);
}

static void
deletes_only_what_nobody_needs_and_names_who_does(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = port_op("vm1");

    op.spec.port.host = "h1";
    must(model, op);
    refused(model, delete_op(VX_ZONE, NULL, NULL, "z"), VX_IN_USE, "",
            "zone \"z\" has 2 hosts, for example \"h1\"");
    refused(model, delete_op(VX_HOST, NULL, NULL, "h1"), VX_IN_USE, "",
            "host \"h1\" has 1 port, for example \"acme/web/vm1\"");
    refused(model, delete_op(VX_TENANT, NULL, NULL, "acme"), VX_IN_USE, "",
            "tenant \"acme\" has 1 network, for example \"web\"");
    refused(model, delete_op(VX_NETWORK, "acme", NULL, "web"), VX_IN_USE, "",
            "2 subnets and 1 port, for example port \"vm1\"");
    refused(model, delete_op(VX_SUBNET, "acme", "web", "10.0.0.0/24"),
            VX_IN_USE, "", "for example by port \"vm1\"");
    must(model, delete_op(VX_PORT, "acme", "web", "vm1"));
    must(model, delete_op(VX_SUBNET, "acme", "web", "10.0.0.0/24"));
    refused(model, delete_op(VX_NETWORK, "acme", NULL, "web"), VX_IN_USE, "",
            "1 subnet and 0 ports, for example subnet \"fd00:1::/64\"");
    must(model, delete_op(VX_SUBNET, "acme", "web", "fd00:1::/64"));
    must(model, delete_op(VX_NETWORK, "acme", NULL, "web"));
    must(model, delete_op(VX_TENANT, NULL, NULL, "acme"));
    must(model, delete_op(VX_HOST, NULL, NULL, "h1"));
    must(model, delete_op(VX_HOST, NULL, NULL, "h2"));
    must(model, delete_op(VX_ZONE, NULL, NULL, "z"));
    refused(model, delete_op(VX_ZONE, NULL, NULL, "z"), VX_NOT_FOUND, "name",
            "no zone \"z\"");
    /* The network's and that of the tenant's router. */
    assert_int_equal(vx_model_count(model, VX_RETIRED_VNI), 2);
    vx_model_free(model);
}

static void
locate_moves_only_ports_without_a_host_of_their_own(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = op_on(VX_OP_LOCATE, VX_PORT, "acme", "web", "vm1");
    const struct vx_port *port;
    struct vx_key h1 = { NULL, NULL, "h1" }, h2 = { NULL, NULL, "h2" };
    const struct vx_obj *host1 = vx_model_find(model, VX_HOST, &h1, NULL);
    const struct vx_obj *host2 = vx_model_find(model, VX_HOST, &h2, NULL);
    uint64_t revision;

    must(model, port_op("vm1"));
    op.spec.port.host = "h2";
    port = must(model, op);
    assert_int_equal(port->located, host2->oid);
    refused(model, delete_op(VX_HOST, NULL, NULL, "h2"), VX_IN_USE, "",
            "acme/web/vm1");
    port = must(model, port_op("vm1"));
    assert_int_equal(port->located, host2->oid);    /* kept */
    op = port_op("vm1");
    op.spec.port.host = "h1";
    port = must(model, op);
    assert_int_equal(port->host, host1->oid);
    assert_int_equal(port->located, 0);
    revision = vx_model_revision(model);
    op.type = VX_OP_LOCATE;
    op.spec.port.host = "h2";
    must(model, op);
    assert_int_equal(vx_model_revision(model), revision);
    vx_model_free(model);
}

static void
a_port_arrives_where_it_migrates_to_and_nowhere_else(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = port_op("vm1"), arrive;
    const struct vx_port *port;

    op.spec.port.host = "h1";
    must(model, op);
    op.spec.port.host = "h2";
    op.spec.port.migrate_from = "h1";
    port = must(model, op);
    assert_true(port->migrate_from);
    arrive = op_on(VX_OP_ARRIVE, VX_PORT, "acme", "web", "vm1");
    arrive.spec.port.host = "h1";
    port = must(model, arrive);
    assert_true(port->migrate_from);
    arrive.spec.port.host = "h2";
    port = must(model, arrive);
    assert_int_equal(port->migrate_from, 0);
    vx_model_free(model);
}

static struct vx_op
drain_op(const char *name, bool draining)
{
    struct vx_op op = put_op(VX_HOST, NULL, NULL, name);

    op.spec.host.zone = "z";
    op.spec.host.keep = ~(unsigned) VX_KEEP_DRAINING;
    op.spec.host.draining = draining;
    return op;
}

static void
a_draining_host_takes_no_port_that_is_not_there(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = port_op("old"), locate;
    const struct vx_port *port;
    uint64_t h1;

    op.spec.port.host = "h1";
    h1 = ((const struct vx_port *) must(model, op))->host;
    must(model, drain_op("h1", true));
    op.spec.port.no_guard = true;
    must(model, op);                        /* it is there */
    op = port_op("new");
    op.spec.port.host = "h1";
    refused(model, op, VX_IN_USE, "host", "host \"h1\" is draining and takes "
            "no new ports, such as \"new\"");
    must(model, port_op("new"));
    refused(model, op, VX_IN_USE, "host", "netctl host drain h1 --undo");
    locate = op_on(VX_OP_LOCATE, VX_PORT, "acme", "web", "new");
    locate.spec.port.host = "h1";
    port = must(model, locate);
    assert_int_equal(port->located, 0);
    port = must(model, port_op("old"));     /* anywhere: it stays */
    assert_int_equal(port->host, 0);
    assert_int_equal(port->located, h1);
    must(model, drain_op("h1", false));
    port = must(model, op);
    assert_int_equal(port->host, h1);
    vx_model_free(model);
}

static void
a_put_of_a_host_keeps_what_it_is_told_to_keep(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = put_op(VX_HOST, NULL, NULL, "h1");
    const struct vx_host *host;

    op.spec.host.zone = "z";
    op.spec.host.system_id = "me";
    op.spec.host.mtu = 9000;
    op.spec.host.draining = true;
    must(model, op);
    must(model, op_on(VX_OP_ADMIT, VX_HOST, NULL, NULL, "h1"));
    memset(&op.spec, 0, sizeof op.spec);
    op.spec.host.zone = "z";
    op.spec.host.keep = ~0u;
    op.description = "the same";
    host = must(model, op);
    assert_string_equal(host->system_id, "me");
    assert_int_equal(host->mtu, 9000);
    assert_true(host->draining);
    assert_false(host->stranger);
    op.spec.host.keep = VX_KEEP_DRAINING;   /* reset */
    host = must(model, op);
    assert_string_equal(host->system_id, "");
    assert_int_equal(host->mtu, 0);
    assert_true(host->draining);
    assert_true(host->stranger);
    vx_model_free(model);
}

static void
force_lets_go_of_ports_that_may_be_anywhere(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = op_on(VX_OP_LOCATE, VX_PORT, "acme", "web", "vm1");
    struct vx_op del = delete_op(VX_HOST, NULL, NULL, "h2"), named;
    const struct vx_port *port;

    must(model, port_op("vm1"));
    op.spec.port.host = "h2";
    must(model, op);
    named = port_op("vm2");
    named.spec.port.host = "h2";
    must(model, named);
    refused(model, del, VX_IN_USE, "", "2 ports, for example "
            "\"acme/web/vm2\": move or delete them first");
    del.force = true;
    refused(model, del, VX_IN_USE, "", "1 port, for example "
            "\"acme/web/vm2\"");
    must(model, delete_op(VX_PORT, "acme", "web", "vm2"));
    del.force = false;
    refused(model, del, VX_IN_USE, "", "1 port that may be anywhere, last "
            "seen there, for example \"acme/web/vm1\": move or delete them "
            "first, or delete the host by force");
    del.force = true;
    must(model, del);
    port = must(model, port_op("vm1"));
    assert_int_equal(port->located, 0);
    vx_model_free(model);
}

static void
a_host_is_a_stranger_until_it_is_admitted(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = op_on(VX_OP_PUT, VX_HOST, NULL, NULL, "h9");
    const struct vx_host *host;
    uint64_t revision;

    op.spec.host.zone = "z";
    op.spec.host.system_id = "first";
    host = must(model, op);
    assert_true(host->stranger);
    op.type = VX_OP_ADMIT;
    host = must(model, op);
    assert_false(host->stranger);
    revision = vx_model_revision(model);
    must(model, op);
    assert_int_equal(vx_model_revision(model), revision);
    op.type = VX_OP_PUT;
    op.spec.host.mtu = 9000;
    host = must(model, op);
    assert_false(host->stranger);
    op.spec.host.system_id = "installed anew";
    host = must(model, op);
    assert_true(host->stranger);
    refused(model, op_on(VX_OP_ADMIT, VX_TENANT, NULL, NULL, "acme"),
            VX_INVALID, "", "does not exist");
    vx_model_free(model);
}

static void
preconditions_name_both_revisions(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = port_op("vm1");
    char text[64];
    uint64_t revision;

    revision = ((const struct vx_obj *) must(model, op))->revision;
    op.if_match = revision + 7;
    snprintf(text, sizeof text, "has revision %ju, revision %ju was",
             (uintmax_t) revision, (uintmax_t) revision + 7);
    refused(model, op, VX_PRECONDITION, "", text);
    op.if_match = revision;
    must(model, op);
    op.if_match = 0;
    op.if_none_match = true;
    must(model, op);                    /* would not change */
    op.description = "other";
    refused(model, op, VX_EXISTS, "name", "already exists");
    op = port_op("vm2");
    op.if_match = 3;
    refused(model, op, VX_PRECONDITION, "", "does not exist");
    vx_model_free(model);
}

static void
quotas_name_tenant_limit_and_use(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = put_op(VX_TENANT, NULL, NULL, "acme");

    op.spec.tenant.quota_networks = 1;
    op.spec.tenant.quota_ports = 1;
    must(model, op);
    refused(model, put_op(VX_NETWORK, "acme", NULL, "db"), VX_EXHAUSTED,
            "quota_networks", "tenant \"acme\" has 1 of 1 networks");
    must(model, port_op("vm1"));
    must(model, port_op("vm1"));
    refused(model, port_op("vm2"), VX_EXHAUSTED, "quota_ports",
            "tenant \"acme\" has 1 of 1 ports");
    must(model, delete_op(VX_PORT, "acme", "web", "vm1"));
    must(model, port_op("vm2"));
    vx_model_free(model);
}

static void
a_mac_asked_for_steers_allocation_around_it(void **state)
{
    (void) state;
    struct vx_model *model = fx_small_fabric();
    struct vx_op op = port_op("vm1");
    uint64_t next = vx_model_last_oid(model) + 1;
    const struct vx_port *first, *second;
    struct vx_ip local;
    struct vx_mac taken;

    op.spec.port.has_mac = true;
    op.spec.port.mac = vx_mac_from_u64(UINT64_C(0x0a) << 40 | (next + 1));
    first = must(model, op);
    second = must(model, port_op("vm2"));
    assert_int_equal(second->o.oid, next + 1);
    assert_int_not_equal(vx_mac_compare(&first->mac, &second->mac), 0);
    taken = vx_mac_from_u64(UINT64_C(0x0a) << 40 | (next + 3));
    local = vx_ip_link_local(&taken);
    op = port_op("vm3");
    op.spec.port.ips = &local;
    op.spec.port.n_ips = 1;
    must(model, op);
    second = must(model, port_op("vm4"));
    assert_int_not_equal(vx_mac_compare(&second->mac, &taken), 0);
    op = port_op("vm5");
    op.spec.port.has_mac = true;
    op.spec.port.mac = taken;
    refused(model, op, VX_EXISTS, "mac", "belongs to port \"vm3\"");
    op.spec.port.mac = mac("0a:00:00:00:00:00");
    must(model, op);
    vx_model_free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_gets_mac_addresses_and_iface_id),
        cmocka_unit_test(the_same_put_twice_changes_nothing),
        cmocka_unit_test(find_names_the_part_that_is_missing),
        cmocka_unit_test(
            iterates_in_key_order_within_a_scope_and_after_a_key),
        cmocka_unit_test(a_failed_batch_leaves_nothing_behind),
        cmocka_unit_test(
            batches_of_one_turn_are_staged_and_undone_one_by_one),
        cmocka_unit_test(deletes_only_what_nobody_needs_and_names_who_does),
        cmocka_unit_test(locate_moves_only_ports_without_a_host_of_their_own),
        cmocka_unit_test(a_port_arrives_where_it_migrates_to_and_nowhere_else),
        cmocka_unit_test(preconditions_name_both_revisions),
        cmocka_unit_test(a_host_is_a_stranger_until_it_is_admitted),
        cmocka_unit_test(a_draining_host_takes_no_port_that_is_not_there),
        cmocka_unit_test(a_put_of_a_host_keeps_what_it_is_told_to_keep),
        cmocka_unit_test(force_lets_go_of_ports_that_may_be_anywhere),
        cmocka_unit_test(quotas_name_tenant_limit_and_use),
        cmocka_unit_test(a_mac_asked_for_steers_allocation_around_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
