/* SPDX-License-Identifier: Apache-2.0 */
/* What audits decide with: sets of rows, the book, the rate of repairs, whose
 * a row is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/diff.h"
#include "core/explain.h"
#include "core/findings.h"
#include "core/pipeline.h"
#include "core/repair.h"
#include "core/rowset.h"
#include "tests/lib/model_fixture.h"

/* --- Sets of rows. */

static struct vx_crow
row(const uint32_t *key, const uint32_t *body, uint64_t cookie)
{
    return (struct vx_crow) {
        .type = VX_ROW_FLOW, .table = 3, .priority = 7, .cookie = cookie,
        .key = (const uint8_t *) key, .key_size = 4,
        .body = (const uint8_t *) body, .body_size = 4,
    };
}

static void
each_row_of_a_dump_takes_its_equal(void **state)
{
    enum { N = 5000 };
    uint32_t *n = malloc((N + 1) * sizeof *n);
    struct vx_rowset set;

    (void) state;
    vx_rowset_init(&set, false);
    for (uint32_t i = 0; i <= N; i++) {
        struct vx_crow r = row(&n[i], &n[0], 1);

        n[i] = i;
        if (i) {
            vx_rowset_add(&set, &r);
        }
    }
    for (uint32_t i = N; i > 0; i--) {
        struct vx_crow same = row(&n[i], &n[0], 1);
        struct vx_crow other = row(&n[i], &n[0], 2);
        struct vx_crow body = row(&n[i], &n[1], 1);

        assert_false(vx_rowset_take(&set, &other));
        assert_false(vx_rowset_take(&set, &body));
        assert_true(vx_rowset_has(&set, &same));
        assert_true(vx_rowset_take(&set, &same));
        assert_false(vx_rowset_take(&set, &same));
    }
    assert_int_equal(set.n_taken, N);
    vx_rowset_fini(&set);
    free(n);
}

static void
a_set_by_key_knows_a_row_whatever_it_does(void **state)
{
    uint32_t n[3] = { 1, 2, 3 };
    struct vx_crow one = row(&n[0], &n[1], 1), same = row(&n[0], &n[2], 9);
    struct vx_crow other = row(&n[1], &n[1], 1);
    struct vx_rowset set;

    (void) state;
    vx_rowset_init(&set, true);
    assert_false(vx_rowset_has(&set, &one));
    vx_rowset_add(&set, &one);
    assert_true(vx_rowset_has(&set, &same));
    assert_false(vx_rowset_has(&set, &other));
    vx_rowset_fini(&set);
}

/* --- The book. */

static struct vx_found
found(const char *text)
{
    return (struct vx_found) {
        .part = VX_PART_FABRIC, .kind = VX_FOUND_FLOW,
        .what = VX_DIFF_MISSING, .object = "port a/b/c", .row = text,
        .found = "",
    };
}

static void
a_difference_keeps_its_since_until_it_is_over(void **state)
{
    uint64_t last_id = 0;
    struct vx_findings book;
    struct vx_found f = found("x");
    struct vx_finding *entry;

    (void) state;
    vx_findings_init(&book, &last_id);
    vx_findings_begin(&book, VX_PART_FABRIC);
    entry = vx_findings_note(&book, &f, 100);
    vx_findings_end(&book, VX_PART_FABRIC, 100);
    vx_findings_begin(&book, VX_PART_FABRIC);
    assert_ptr_equal(vx_findings_note(&book, &f, 200), entry);
    vx_findings_end(&book, VX_PART_FABRIC, 200);
    assert_int_equal(entry->since_ms, 100);
    assert_int_equal(entry->seen_ms, 200);
    assert_int_equal(vx_findings_n_open(&book), 1);
    vx_findings_repaired(&book, VX_PART_FABRIC, 250);
    assert_int_equal(entry->over_ms, 250);
    assert_true(entry->repaired);
    assert_int_equal(vx_findings_n_open(&book), 0);

    vx_findings_begin(&book, VX_PART_FABRIC);
    assert_ptr_equal(vx_findings_note(&book, &f, 300), entry);
    vx_findings_end(&book, VX_PART_FABRIC, 300);
    assert_int_equal(entry->since_ms, 300);
    assert_int_equal(entry->n_times, 2);
    assert_int_equal(entry->over_ms, 0);
    vx_findings_begin(&book, VX_PART_TENANT);
    vx_findings_end(&book, VX_PART_TENANT, 350);
    assert_int_equal(entry->over_ms, 0);
    vx_findings_begin(&book, VX_PART_FABRIC);
    vx_findings_end(&book, VX_PART_FABRIC, 400);
    assert_int_equal(entry->over_ms, 400);
    assert_false(entry->repaired);
    vx_findings_fini(&book);
}

static void
a_book_is_bounded_and_gives_up_what_is_over_first(void **state)
{
    uint64_t last_id = 0;
    struct vx_findings book;
    char text[16];

    (void) state;
    vx_findings_init(&book, &last_id);
    vx_findings_begin(&book, VX_PART_FABRIC);
    for (int i = 0; i < VX_FINDINGS_MAX + 5; i++) {
        struct vx_found f = found(text);

        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(!vx_findings_note(&book, &f, i),
                         i >= VX_FINDINGS_MAX);
    }
    assert_int_equal(vx_findings_n_open(&book), VX_FINDINGS_MAX + 5);
    vx_findings_repaired(&book, VX_PART_FABRIC, 5000);
    assert_int_equal(vx_findings_n_open(&book), 0);
    struct vx_found f = found("new");
    assert_non_null(vx_findings_note(&book, &f, 6000));
    assert_int_equal(book.by_id.count, VX_FINDINGS_MAX);
    assert_int_equal(vx_findings_after(&book, 0)->id, 2);
    assert_null(vx_findings_after(&book, last_id));
    vx_findings_fini(&book);
}

/* --- The rate of repairs. */

static void
rows_are_repaired_at_a_limited_rate(void **state)
{
    struct vx_repair repair;
    int64_t wait_ms = 0;

    (void) state;
    vx_repair_init(&repair, 0);
    assert_int_equal(vx_repair_take(&repair, 5000, 0, &wait_ms),
                     VX_REPAIR_BURST);
    assert_int_equal(vx_repair_take(&repair, 3000, 0, &wait_ms), 0);
    assert_in_range(wait_ms, 1, 200);
    assert_int_equal(vx_repair_take(&repair, 3000, 1000, &wait_ms),
                     VX_REPAIR_RATE);
    assert_int_equal(vx_repair_take(&repair, 1, 1001, &wait_ms), 1);
    assert_int_equal(vx_repair_take(&repair, 9000, INT64_MAX / 2, &wait_ms),
                     VX_REPAIR_BURST);
}

static void
who_fights_a_repair_is_left_alone_longer_each_time(void **state)
{
    struct vx_repair repair;
    int64_t now = 0, last = 0;

    (void) state;
    vx_repair_init(&repair, now);
    assert_int_equal(vx_repair_wait_ms(&repair, now), 0);
    vx_repair_begin(&repair, now);
    assert_int_equal(vx_repair_wait_ms(&repair, now), 0);
    for (int i = 0; i < 12; i++) {
        int64_t wait;

        vx_repair_begin(&repair, now);
        wait = vx_repair_wait_ms(&repair, now);
        assert_true(wait == VX_REPAIR_PAUSE_MAX_MS || wait == 2 * last
                    || (!last && wait == VX_REPAIR_PAUSE_MS));
        last = wait;
        now += wait;
    }
    assert_int_equal(last, VX_REPAIR_PAUSE_MAX_MS);
    now += VX_REPAIR_CALM_MS + 5 * VX_REPAIR_PAUSE_MAX_MS;
    vx_repair_begin(&repair, now);
    assert_int_equal(vx_repair_wait_ms(&repair, now), 0);
}

/* --- Whose a row is. */

static const char *
explain(const struct vx_model *model, enum vx_tier tier,
        const struct vx_row_hint *hint)
{
    static char text[300];

    return vx_explain_row(model, tier, hint, text, sizeof text);
}

static void
a_row_is_told_by_its_object(void **state)
{
    struct vx_model *model = fx_small_fabric();
    const struct vx_port *port = fx_do(model, "put port acme/web/vm1");
    const struct vx_network *network = (const void *)
        vx_model_by_oid(model, port->o.parent);
    const struct vx_host *host = vx_model_host_by_num(model, 1);
    struct vx_row_hint hint = { .type = VX_ROW_FLOW };
    char want[200];

    (void) state;
    hint.cookie = VX_COOKIE(VX_PORT, 0, port->o.oid);
    assert_string_equal(explain(model, VX_TENANT_TIER, &hint),
                        "port acme/web/vm1");
    hint.cookie = VX_COOKIE(VX_NETWORK, VX_DROP_UNKNOWN_MAC,
                            network->o.oid);
    assert_string_equal(explain(model, VX_FABRIC_TIER, &hint),
                        "network acme/web");
    hint.cookie = VX_COOKIE_BASE;
    assert_string_equal(explain(model, VX_FABRIC_TIER, &hint), "base");
    /* A lie: a port's number as a host's. */
    hint.cookie = VX_COOKIE(VX_HOST, 0, port->o.oid);
    assert_string_equal(explain(model, VX_FABRIC_TIER, &hint), "nobody");
    hint.vni = network->vni;
    assert_string_equal(explain(model, VX_FABRIC_TIER, &hint),
                        "network acme/web");
    hint.vni = 77;
    assert_string_equal(explain(model, VX_FABRIC_TIER, &hint),
                        "VNI 77, which no network has");
    hint = (struct vx_row_hint) { .type = VX_ROW_BUCKET,
                                  .vni = network->vni, .bucket = 1 };
    snprintf(want, sizeof want, "network acme/web, to host %s", host->o.name);
    assert_string_equal(explain(model, VX_FABRIC_TIER, &hint), want);
    assert_string_equal(explain(model, VX_TENANT_TIER, &hint),
                        "network acme/web, to OpenFlow port 1");
    vx_model_free(model);
}

static void
groups_and_meters_are_told_by_their_kind(void **state)
{
    struct vx_model *model = fx_small_fabric();
    const struct vx_port *port = fx_do(model, "put port acme/web/vm1");
    uint32_t vni = ((const struct vx_network *)
                    vx_model_by_oid(model, port->o.parent))->vni;
    const struct {
        enum vx_row_type type;
        uint32_t id, bucket;
        const char *want;
    } rows[] = {
        { VX_ROW_GROUP, VX_GROUP_ECMP, 0, "base" },
        { VX_ROW_BUCKET, VX_GROUP_ECMP, 3, "base" },
        { VX_ROW_GROUP, VX_GROUP_FROM_ZONE | vni, 0, "network acme/web" },
        { VX_ROW_BUCKET, VX_GROUP_FROM_CROSS | vni, 0,
          "network acme/web, to its own ports" },
        { VX_ROW_GROUP, 0x7000000, 0, "nobody" },
        { VX_ROW_METER, VX_METER_CONTROLLER, 0, "base" },
        { VX_ROW_METER, VX_METER(VX_METER_NO_HOST, 1), 0, "base" },
        { VX_ROW_METER, VX_METER(VX_METER_OUT_PPS, 9), 0,
          "OpenFlow port 9, what it sends" },
        { VX_ROW_METER, VX_METER(VX_METER_NETWORK_BUM, vni), 0,
          "network acme/web" },
        { VX_ROW_METER, VX_METER(VX_METER_POLICY, 4711), 0,
          "policy number 4711" },
        { VX_ROW_METER, VX_METER(VX_METER_TENANT, 77), 0,
          "router of VNI 77" },
        { VX_ROW_METER, 9, 0, "nobody" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vx_row_hint hint = {
            .type = rows[i].type, .vni = rows[i].id, .bucket = rows[i].bucket
        };

        assert_string_equal(explain(model, VX_FABRIC_TIER, &hint),
                            rows[i].want);
    }
    vx_model_free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_of_a_dump_takes_its_equal),
        cmocka_unit_test(a_set_by_key_knows_a_row_whatever_it_does),
        cmocka_unit_test(a_difference_keeps_its_since_until_it_is_over),
        cmocka_unit_test(a_book_is_bounded_and_gives_up_what_is_over_first),
        cmocka_unit_test(rows_are_repaired_at_a_limited_rate),
        cmocka_unit_test(who_fights_a_repair_is_left_alone_longer_each_time),
        cmocka_unit_test(a_row_is_told_by_its_object),
        cmocka_unit_test(groups_and_meters_are_told_by_their_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
