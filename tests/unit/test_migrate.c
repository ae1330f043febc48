/* SPDX-License-Identifier: Apache-2.0 */
/* Live migration as intent: what may begin, what the same call means at
 * another time, what ends it; and the frames that tell of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/announce.h"
#include "core/model.h"
#include "tests/lib/model_fixture.h"

static uint64_t
host(const struct vx_model *model, const char *name)
{
    struct vx_key key = { NULL, NULL, name };
    const struct vx_obj *obj = vx_model_find(model, VX_HOST, &key, NULL);

    assert_non_null(obj);
    return obj->oid;
}

/* vm1 on h1, h3 beside h1 and h2. */
static struct vx_model *
fabric(void)
{
    struct vx_model *model = fx_small_fabric();

    fx_do(model, "put host h3 zone=z");
    fx_do(model, "put port acme/web/vm1 host=h1");
    vx_model_commit(model);
    return model;
}

static void
a_port_migrates_from_where_it_is_until_it_arrives(void **state)
{
    (void) state;
    struct vx_model *model = fabric();
    const struct vx_port *port =
        fx_do(model, "put port acme/web/vm1 host=h2 from=h1");

    assert_int_equal(port->host, host(model, "h2"));
    assert_int_equal(port->migrate_from, host(model, "h1"));
    assert_int_equal(vx_port_location(port), host(model, "h1"));
    port = fx_do(model, "arrive port acme/web/vm1 host=h2");
    assert_int_equal(port->migrate_from, 0);
    assert_int_equal(vx_port_location(port), host(model, "h2"));
    vx_model_free(model);
}

static void
expect_left(const struct vx_model *model, const struct vx_port *port,
            const char *name)
{
    assert_int_equal(port->left, name ? host(model, name) : 0);
    assert_int_equal(port->left_ms, name ? FX_NOW_MS : 0);
}

static void
a_port_knows_where_it_has_come_from_until_it_goes_on(void **state)
{
    (void) state;
    struct vx_model *model = fabric();

    fx_do(model, "put port acme/web/vm1 host=h2 from=h1");
    expect_left(model, fx_do(model, "arrive port acme/web/vm1 host=h2"),
                "h1");
    expect_left(model, fx_do(model, "put port acme/web/vm1 host=h2"), "h1");
    expect_left(model, fx_do(model, "put port acme/web/vm1 host=h3 from=h2"),
                NULL);
    expect_left(model, fx_do(model, "put port acme/web/vm1 host=h3"), "h2");
    expect_left(model, fx_do(model, "put port acme/web/vm1 host=h1"), NULL);
    fx_do(model, "put port acme/web/vm1 host=h2 from=h1");
    expect_left(model, fx_do(model, "put port acme/web/vm1 host=h1"), NULL);
    vx_model_free(model);
}

static void
the_same_call_at_any_time_is_one_migration(void **state)
{
    (void) state;
    static const char call[] = "put port acme/web/vm1 host=h2 from=h1";
    struct vx_model *model = fabric();
    uint64_t revision;

    fx_do(model, call);
    revision = vx_model_revision(model);
    fx_do(model, call);
    assert_int_equal(vx_model_revision(model), revision);
    fx_do(model, "arrive port acme/web/vm1 host=h2");
    revision = vx_model_revision(model);
    fx_do(model, call);
    fx_do(model, "arrive port acme/web/vm1 host=h2");
    assert_int_equal(vx_model_revision(model), revision);
    vx_model_free(model);
}

static void
an_arrival_elsewhere_than_wanted_is_none(void **state)
{
    (void) state;
    struct vx_model *model = fabric();
    const struct vx_port *port;

    fx_do(model, "put port acme/web/vm1 host=h2 from=h1");
    fx_do(model, "put port acme/web/vm1 host=h3 from=h1");
    port = fx_do(model, "arrive port acme/web/vm1 host=h2");
    assert_int_equal(port->migrate_from, host(model, "h1"));
    port = fx_do(model, "put port acme/web/vm1 host=h1");
    assert_int_equal(port->migrate_from, 0);
    port = fx_do(model, "arrive port acme/web/vm1 host=h3");
    assert_int_equal(port->host, host(model, "h1"));
    vx_model_free(model);
}

static void
a_located_port_migrates_too_and_a_placeless_one_is_just_there(void **state)
{
    (void) state;
    struct vx_model *model = fabric();
    const struct vx_port *port;

    fx_do(model, "put port acme/web/vm2");
    fx_do(model, "locate port acme/web/vm2 host=h1");
    port = fx_do(model, "put port acme/web/vm2 host=h2 from=h1");
    assert_int_equal(vx_port_location(port), host(model, "h1"));
    assert_int_equal(port->located, 0);
    fx_do(model, "put port acme/web/vm3");
    port = fx_do(model, "put port acme/web/vm3 host=h2 from=h1");
    assert_int_equal(port->migrate_from, 0);
    vx_model_free(model);
}

static void
what_cannot_migrate_is_refused_by_name(void **state)
{
    (void) state;
    struct vx_model *model = fabric();

    fx_refused(model, "put port acme/web/vm1 host=h3 from=h2",
               VX_PRECONDITION, "migrate_from", "is on host \"h1\"");
    fx_refused(model, "put port acme/web/vm1 host=h1 from=h1", VX_INVALID,
               "migrate_from", "the same host");
    fx_refused(model, "put port acme/web/vm1 from=h1", VX_INVALID, "host",
               "which host to");
    fx_refused(model, "put port acme/web/vm1 host=h2 from=h9", VX_NOT_FOUND,
               "host", "h9");
    vx_model_free(model);
}

static void
neither_host_of_a_migration_is_deleted(void **state)
{
    (void) state;
    struct vx_model *model = fabric();

    fx_do(model, "put port acme/web/vm1 host=h2 from=h1");
    assert_int_equal(vx_model_n_arrivals(model, host(model, "h2")), 1);
    assert_int_equal(vx_model_n_arrivals(model, host(model, "h1")), 0);
    fx_refused(model, "delete host h1", VX_IN_USE, "", "acme/web/vm1");
    fx_refused(model, "delete host h2", VX_IN_USE, "", "acme/web/vm1");
    fx_do(model, "arrive port acme/web/vm1 host=h2");
    fx_do(model, "delete host h1");
    vx_model_rollback(model, 0);
    fx_do(model, "delete host h2");
    vx_model_free(model);
}

static void
a_draining_target_lets_a_migration_under_way_come(void **state)
{
    (void) state;
    struct vx_model *model = fabric();

    fx_do(model, "put host h2 zone=z draining=yes");
    fx_refused(model, "put port acme/web/vm1 host=h2 from=h1", VX_IN_USE,
               "host", "draining");
    fx_do(model, "put host h2 zone=z draining=no");
    fx_do(model, "put port acme/web/vm1 host=h2 from=h1");
    fx_do(model, "put host h2 zone=z draining=yes");
    fx_do(model, "put port acme/web/vm1 host=h2 from=h1 guard=no");
    fx_do(model, "arrive port acme/web/vm1 host=h2");
    vx_model_free(model);
}

static const struct vx_mac mac = { { 2, 0, 0, 0, 0, 0x99 } };

static void
an_ipv4_address_is_told_by_a_broadcast_arp_reply(void **state)
{
    (void) state;
    static const uint8_t wanted[] = {
        255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x99, 8, 6,
        0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 0x99, 10, 0, 0, 99,
        255, 255, 255, 255, 255, 255, 10, 0, 0, 99,
    };
    struct vx_ip ip = { .family = 4, .b = { 10, 0, 0, 99 } };
    uint8_t frame[VX_ANNOUNCE_MAX];

    assert_int_equal(vx_announce_frame(&mac, &ip, frame), 60);
    assert_memory_equal(frame, wanted, sizeof wanted);
    for (size_t i = sizeof wanted; i < 60; i++) {
        assert_int_equal(frame[i], 0);
    }
}

static void
an_ipv6_address_is_told_by_an_advertisement_to_all_nodes(void **state)
{
    (void) state;
    struct vx_ip ip = { .family = 6, .b = { 0xfd, [15] = 0x99 } };
    uint8_t frame[VX_ANNOUNCE_MAX];
    uint32_t sum = 0;

    assert_int_equal(vx_announce_frame(&mac, &ip, frame), 86);
    assert_int_equal(frame[0], 0x33);
    assert_int_equal(frame[21], 255);           /* hop limit */
    assert_int_equal(frame[54], 136);
    assert_int_equal(frame[58], 0x20);          /* override, unsolicited */
    assert_memory_equal(frame + 62, ip.b, 16);
    assert_memory_equal(frame + 80, mac.b, 6);
    /* With its checksum, all of it adds up to ones (RFC 1071). */
    for (int i = 22; i < 86; i += 2) {
        sum += (uint32_t) frame[i] << 8 | frame[i + 1];
    }
    sum += 32 + 58;
    sum = (sum & 0xffff) + (sum >> 16);
    assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_migrates_from_where_it_is_until_it_arrives),
        cmocka_unit_test(
            a_port_knows_where_it_has_come_from_until_it_goes_on),
        cmocka_unit_test(the_same_call_at_any_time_is_one_migration),
        cmocka_unit_test(an_arrival_elsewhere_than_wanted_is_none),
        cmocka_unit_test(
            a_located_port_migrates_too_and_a_placeless_one_is_just_there),
        cmocka_unit_test(what_cannot_migrate_is_refused_by_name),
        cmocka_unit_test(neither_host_of_a_migration_is_deleted),
        cmocka_unit_test(a_draining_target_lets_a_migration_under_way_come),
        cmocka_unit_test(an_ipv4_address_is_told_by_a_broadcast_arp_reply),
        cmocka_unit_test(
            an_ipv6_address_is_told_by_an_advertisement_to_all_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
