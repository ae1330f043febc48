/* SPDX-License-Identifier: Apache-2.0 */
/* The audit of a gateway between parts that answer, are busy, or are silent,
 * and a clock that is turned; and the line of the feed that asks for it. */
#include "gateway/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "gateway/feed_codec.h"
#include "lib/buf.h"

/* How a part behaves. */
struct world {
    struct event_base *base;
    struct vx_gw_audit *audit;
    bool is_silent[VX_GW_N_PARTS];
    bool is_late[VX_GW_N_PARTS];        /* answers when it is told to */
    unsigned n_busy[VX_GW_N_PARTS];     /* so often before it answers */
    size_t n_wrong[VX_GW_N_PARTS];      /* differences */
    size_t n_stubborn[VX_GW_N_PARTS];   /* of these not to be repaired */
    unsigned n_looks, n_repairs, n_done;
    struct vx_buf text;
};

static struct world w;
static int64_t now_ms;

static int64_t
mono_ms(void)
{
    return now_ms;
}

static void
answer(enum vx_gw_part part, bool is_busy)
{
    struct vx_gw_drifts drifts = { .n_rows = 10 };

    if (is_busy) {
        vx_gw_drift_fail(&drifts, "busy");
    }
    for (size_t i = 0; i < w.n_wrong[part] && !is_busy; i++) {
        char row[32];

        snprintf(row, sizeof row, "row %zu", i);
        vx_gw_drift_add(&drifts, VX_GW_DRIFT_ALTERED, "gateway", row,
                        "\x01other\xff password x");
    }
    vx_gw_audit_looked(w.audit, part, is_busy, &drifts);
    assert_int_equal(drifts.n, 0);
}

static void
look(void *aux, enum vx_gw_part part)
{
    (void) aux;
    w.n_looks++;
    if (w.is_silent[part] || w.is_late[part]) {
        return;
    }
    answer(part, w.n_busy[part] > 0);
    w.n_busy[part] -= w.n_busy[part] > 0;
}

static void
repair(void *aux, enum vx_gw_part part)
{
    (void) aux;
    w.n_repairs++;
    w.n_wrong[part] = w.n_stubborn[part];
}

static void
done(void *aux)
{
    (void) aux;
    w.n_done++;
}

static int
setup(void **state)
{
    static const struct vx_gw_audit_ops ops = { look, repair, done, mono_ms };

    (void) state;
    memset(&w, 0, sizeof w);
    now_ms = 1000;
    w.base = event_base_new();
    w.audit = vx_gw_audit_new(w.base, &ops, NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    vx_gw_audit_free(w.audit);
    event_base_free(w.base);
    vx_buf_fini(&w.text);
    return 0;
}

/* Until nothing happens any more without the clock. */
static void
turn(void)
{
    unsigned n_looks;

    do {
        n_looks = w.n_looks + w.n_repairs + w.n_done;
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    } while (n_looks != w.n_looks + w.n_repairs + w.n_done);
}

/* Until there are n results; the clock is turned by the timer's time. */
static void
run(unsigned n_done)
{
    for (int i = 0; i < 100 && w.n_done < n_done; i++) {
        event_base_loop(w.base, EVLOOP_ONCE);
        now_ms += 4 * VX_GW_AUDIT_AGAIN_MS;
    }
    assert_int_equal(w.n_done, n_done);
}

static const char *
told(uint64_t *ret_serial)
{
    vx_buf_clear(&w.text);
    vx_gw_audit_put(w.audit, &w.text, ret_serial);
    return vx_buf_str(&w.text);
}

static void
assert_told(const char *piece)
{
    uint64_t serial;

    if (!strstr(told(&serial), piece)) {
        fail_msg("%s\nlacks %s", told(&serial), piece);
    }
}

static void
what_is_as_wanted_is_told_once(void **state)
{
    uint64_t serial;

    (void) state;
    assert_string_equal(told(&serial), "{\"nonce\":0}");
    vx_gw_audit_ask(w.audit, 7, false);
    run(1);
    assert_told("{\"nonce\":7,\"took_ms\":");
    assert_told("\"repair\":false,\"parts\":[{\"part\":\"zebra\",\"result\":"
                "\"ok\",\"rows\":10,\"found\":0,\"repaired\":0,"
                "\"items\":[]},{\"part\":\"bgpd\"");
    told(&serial);
    vx_gw_audit_told(w.audit, serial - 1);
    assert_told("parts");
    vx_gw_audit_told(w.audit, serial);
    assert_string_equal(told(&serial), "{\"nonce\":7}");
    /* The same question in a new stream is none. */
    vx_gw_audit_ask(w.audit, 7, false);
    turn();
    assert_int_equal(w.n_looks, VX_GW_N_PARTS);
}

static void
a_look_repairs_nothing(void **state)
{
    (void) state;
    w.n_wrong[VX_GW_PART_BGPD] = 2;
    vx_gw_audit_ask(w.audit, 1, false);
    run(1);
    assert_int_equal(w.n_repairs, 0);
    assert_told("\"part\":\"bgpd\",\"result\":\"ok\",\"rows\":10,\"found\":2,"
                "\"repaired\":0,\"items\":[{\"what\":\"altered\",\"object\":"
                "\"gateway\",\"row\":\"row 0\",\"found\":\"?other? password "
                "(hidden)\",\"repaired\":false}");
}

static void
a_repair_is_looked_at_until_it_is_seen_or_time_is_over(void **state)
{
    (void) state;
    w.n_wrong[VX_GW_PART_ZEBRA] = 3;
    w.n_wrong[VX_GW_PART_KERNEL] = 2;
    w.n_stubborn[VX_GW_PART_KERNEL] = 1;
    vx_gw_audit_ask(w.audit, 1, true);
    run(1);
    assert_int_equal(w.n_repairs, 2);
    assert_told("\"part\":\"zebra\",\"result\":\"ok\",\"rows\":10,\"found\":3,"
                "\"repaired\":3");
    assert_told("\"part\":\"kernel\",\"result\":\"ok\",\"rows\":10,"
                "\"found\":2,\"repaired\":1,\"items\":[{\"what\":\"altered\","
                "\"object\":\"gateway\",\"row\":\"row 0\",\"found\":"
                "\"?other? password (hidden)\",\"repaired\":false},");
    assert_told("\"row\":\"row 1\",\"found\":\"?other? password (hidden)\","
                "\"repaired\":true}");
}

static void
a_part_that_is_busy_is_asked_again_and_one_that_is_silent_named(void **state)
{
    (void) state;
    w.n_busy[VX_GW_PART_SPEAKER] = 2;
    w.n_busy[VX_GW_PART_ZEBRA] = 1000;
    w.is_silent[VX_GW_PART_REFLECTOR] = true;
    vx_gw_audit_ask(w.audit, 1, true);
    run(1);
    assert_told("\"part\":\"speaker\",\"result\":\"ok\"");
    assert_told("\"part\":\"zebra\",\"result\":\"busy\"");
    assert_told("\"part\":\"reflector\",\"result\":\"does not answer\"");
    assert_int_equal(w.n_repairs, 0);
    /* What comes too late is nobody's answer. */
    answer(VX_GW_PART_REFLECTOR, false);
    assert_told("\"result\":\"does not answer\"");
    turn();
    assert_int_equal(w.n_done, 1);
}

static void
who_asks_meanwhile_gets_an_audit_that_began_later(void **state)
{
    (void) state;
    w.is_late[VX_GW_PART_BGPD] = true;
    vx_gw_audit_ask(w.audit, 1, false);
    turn();
    vx_gw_audit_ask(w.audit, 2, true);
    vx_gw_audit_ask(w.audit, 3, false);
    vx_gw_audit_ask(w.audit, 0, true);
    w.is_late[VX_GW_PART_BGPD] = false;
    w.n_wrong[VX_GW_PART_BGPD] = 1;
    answer(VX_GW_PART_BGPD, false);
    run(1);
    assert_told("{\"nonce\":1,");
    assert_told("\"repair\":false");
    run(2);
    assert_told("{\"nonce\":3,");
    assert_told("\"repair\":true");
    assert_told("\"repaired\":1");
    /* Of its own accord: the last number stays. */
    vx_gw_audit_ask(w.audit, 0, true);
    run(3);
    assert_told("{\"nonce\":3,");
}

static void
much_that_differs_is_counted_and_cut(void **state)
{
    uint64_t serial;

    (void) state;
    for (int i = 0; i < VX_GW_N_PARTS; i++) {
        w.n_wrong[i] = 100000;
        w.n_stubborn[i] = 99999;
    }
    vx_gw_audit_ask(w.audit, 1, true);
    run(1);
    assert_told("\"found\":100000,\"repaired\":1,");
    assert_true(strlen(told(&serial)) < 256 * 1024);
}

static void
the_feed_asks_in_the_shape_of_an_entry(void **state)
{
    static const char *const wrong[] = {
        "{\"seq\":1,\"type\":\"audit\",\"key\":\"g1\",\"value\":{}}",
        "{\"seq\":1,\"type\":\"audit\",\"key\":\"g1\",\"value\":"
        "{\"nonce\":0}}",
        "{\"seq\":1,\"type\":\"audit\",\"key\":\"g1\",\"value\":"
        "{\"nonce\":-1}}",
        "{\"seq\":1,\"type\":\"audit\",\"key\":\"g1\",\"value\":"
        "{\"nonce\":\"7\"}}",
        "{\"seq\":1,\"type\":\"audit\",\"key\":\"g1\",\"value\":null}",
    };
    static const char right[] = "{\"seq\":1,\"type\":\"audit\",\"key\":"
        "\"g1\",\"value\":{\"nonce\":1795353600001,\"repair\":true,"
        "\"more\":1}}";
    struct vx_gw_line line;
    struct vx_error err;

    (void) state;
    assert_true(vx_gw_line_parse(right, sizeof right - 1, &line, &err));
    assert_int_equal(line.kind, VX_GW_LINE_AUDIT);
    assert_int_equal(line.nonce, INT64_C(1795353600001));
    assert_true(line.repair);
    vx_gw_line_fini(&line);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(vx_gw_line_parse(wrong[i], strlen(wrong[i]), &line,
                                      &err));
    }
}

int
main(void)
{
#define T(F) cmocka_unit_test_setup_teardown(F, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_as_wanted_is_told_once),
        T(a_look_repairs_nothing),
        T(a_repair_is_looked_at_until_it_is_seen_or_time_is_over),
        T(a_part_that_is_busy_is_asked_again_and_one_that_is_silent_named),
        T(who_asks_meanwhile_gets_an_audit_that_began_later),
        T(much_that_differs_is_counted_and_cut),
        T(the_feed_asks_in_the_shape_of_an_entry),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
