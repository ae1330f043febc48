/* SPDX-License-Identifier: Apache-2.0 */
/* The OVSDB session at one end of a bufferevent pair; the test is the host at
 * the other. No clock but the session's own keepalive. */
#include "ovs-glue/ovsdb_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/xalloc.h"

struct host {
    struct event_base *base;
    struct bufferevent *peer;
    struct og_ovsdb_session *session;
    struct vx_buf log;              /* what was called back, in order */
    bool free_on_ready;
};

static void
on_ready(void *aux)
{
    struct host *h = aux;

    vx_buf_puts(&h->log, "ready;");
    if (h->free_on_ready) {
        og_ovsdb_session_free(h->session);
        h->session = NULL;
    }
}

static void
on_changed(void *aux)
{
    vx_buf_puts(&((struct host *) aux)->log, "changed;");
}

static void
on_iface(void *aux, const char *iface_id, uint32_t ofport)
{
    vx_buf_printf(&((struct host *) aux)->log, "%s=%u;", iface_id, ofport);
}

static void
on_note(void *aux, const char *text)
{
    vx_buf_printf(&((struct host *) aux)->log, "note(%s);", text);
}

static void
on_closed(void *aux, const char *why)
{
    vx_buf_printf(&((struct host *) aux)->log, "closed(%s);", why);
}

static void
on_done(void *aux, bool ok, const char *error)
{
    vx_buf_printf(&((struct host *) aux)->log, "done(%d,%s);", ok, error);
}

static const struct og_ovsdb_callbacks callbacks = {
    on_ready, on_changed, on_iface, on_note, on_closed,
};

static void
turn(struct host *h)
{
    for (int i = 0; i < 100; i++) {
        if (event_base_loop(h->base, EVLOOP_NONBLOCK | EVLOOP_ONCE)) {
            break;
        }
    }
}

/* What the session has sent, taken off the wire. */
static char *
sent(struct host *h)
{
    struct evbuffer *input = bufferevent_get_input(h->peer);
    size_t size = evbuffer_get_length(input);
    char *text = vx_xcalloc(1, size + 1);

    evbuffer_remove(input, text, size);
    return text;
}

static void
assert_sent(struct host *h, const char *want)
{
    char *text = sent(h);

    if (!strstr(text, want)) {
        fail_msg("sent \"%s\", not \"%s\"", text, want);
    }
    free(text);
}

static void
setup(struct host *h)
{
    struct bufferevent *pair[2];

    *h = (struct host) { .log = VX_BUF_INIT };
    h->base = event_base_new();
    assert_int_equal(bufferevent_pair_new(h->base, BEV_OPT_DEFER_CALLBACKS,
                                          pair), 0);
    h->peer = pair[0];
    bufferevent_enable(h->peer, EV_READ | EV_WRITE);
    h->session = og_ovsdb_session_new(pair[1], &callbacks, h);
    turn(h);
}

static void
teardown(struct host *h)
{
    og_ovsdb_session_free(h->session);
    if (h->peer) {
        bufferevent_free(h->peer);
    }
    event_base_loop(h->base, EVLOOP_NONBLOCK);
    event_base_free(h->base);
    vx_buf_fini(&h->log);
}

static void
say(struct host *h, const char *text)
{
    bufferevent_write(h->peer, text, strlen(text));
    turn(h);
}

/* The log since the last time, which must be this. */
static void
assert_log(struct host *h, const char *want)
{
    assert_string_equal(vx_buf_str(&h->log), want);
    vx_buf_clear(&h->log);
}

static void
assert_closed(struct host *h, const char *why)
{
    const char *log = vx_buf_str(&h->log);

    if (!strstr(log, "closed(") || !strstr(log, why)) {
        fail_msg("log is \"%s\", not closed with \"%s\"", log, why);
    }
    assert_false(og_ovsdb_session_is_ready(h->session));
}

/* UUIDs: U("1") is all zeroes with a 1 at the end. */
#define U(X) "00000000-0000-0000-0000-00000000000" X
#define ROOT "0"
#define BRIDGE "1"

#define MONITOR(TABLES)                                                     \
    "{\"id\":1,\"error\":null,\"result\":[false,\"" U("9") "\",{" TABLES    \
    "}]}"
#define UPDATE(TABLES)                                                      \
    "{\"id\":null,\"method\":\"update3\",\"params\":[\"vxfabric\",\""       \
    U("9") "\",{" TABLES "}]}"
#define ROW(X, KIND, BODY) "\"" U(X) "\":{\"" KIND "\":{" BODY "}}"
#define REF(X) "[\"uuid\",\"" U(X) "\"]"

#define ROOT_TABLE(KIND, BODY) "\"Open_vSwitch\":{" ROW("0", KIND, BODY) "}"
#define BRIDGE_TABLE(KIND, BODY) "\"Bridge\":{" ROW("1", KIND, BODY) "}"

#define PORT_ROW(X, IFACE)                                                  \
    ROW(X, "insert", "\"name\":\"tap" X "\",\"interfaces\":" REF(IFACE))
#define IFACE_ROW(X, ID, OFPORT)                                            \
    ROW(X, "insert", "\"name\":\"tap" X "\",\"external_ids\":[\"map\","     \
        "[[\"iface-id\",\"" ID "\"],[\"vm\",\"x\"]]],\"ofport\":" OFPORT)

#define START                                                               \
    MONITOR(ROOT_TABLE("initial", "\"external_ids\":[\"map\",[["            \
                       "\"system-id\",\"sys\"]]],\"bridges\":" REF("1"))    \
            "," BRIDGE_TABLE("initial", "\"name\":\"br-tenant\","           \
                             "\"ports\":" REF("2"))                         \
            ",\"Port\":{" PORT_ROW("2", "3") "},\"Interface\":{"            \
            IFACE_ROW("3", "vm1", "5") "}")

/* One more tap: port 4, interface 5. */
#define PLUG(ID, OFPORT)                                                    \
    UPDATE("\"Port\":{" PORT_ROW("4", "5") "},\"Interface\":{"              \
           IFACE_ROW("5", ID, OFPORT) "},"                                  \
           BRIDGE_TABLE("modify", "\"ports\":" REF("4")))
#define UNPLUG_5                                                            \
    UPDATE("\"Port\":{\"" U("4") "\":{\"delete\":null}},\"Interface\":{\""  \
           U("5") "\":{\"delete\":null}}," BRIDGE_TABLE(                    \
           "modify", "\"ports\":" REF("4")))

static void
asks_for_its_columns_and_is_ready_with_the_view(void **state)
{
    const struct og_iface *iface;
    struct host h;

    (void) state;
    setup(&h);
    assert_sent(&h, "\"method\":\"monitor_cond_since\"");
    assert_false(og_ovsdb_session_is_ready(h.session));
    say(&h, START);
    assert_log(&h, "ready;vm1=5;");
    assert_true(og_ovsdb_session_is_ready(h.session));
    assert_string_equal(og_ovsdb_session_system_id(h.session), "sys");
    iface = og_view_iface(og_ovsdb_session_view(h.session), "tap3");
    assert_string_equal(og_view_iface_bridge(iface)->name, "br-tenant");
    assert_int_equal(og_ovsdb_session_ofport(h.session, "vm1"), 5);
    assert_int_equal(og_ovsdb_session_ofport(h.session, "vm2"), 0);
    og_ovsdb_session_each_iface(h.session, on_iface, &h);
    assert_log(&h, "vm1=5;");
    teardown(&h);
}

static void
bytes_may_come_one_by_one(void **state)
{
    static const char text[] = " " START "\n"
                               PLUG("vm\\u0032", "[\"set\",[]]");
    struct host h;

    (void) state;
    setup(&h);
    for (const char *p = text; *p; p++) {
        bufferevent_write(h.peer, p, 1);
        turn(&h);
    }
    assert_log(&h, "ready;vm1=5;");
    assert_string_equal(og_view_iface(og_ovsdb_session_view(h.session),
                                      "tap5")->iface_id, "vm2");
    teardown(&h);
}

static void
an_interface_comes_with_its_ofport_and_goes(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    say(&h, PLUG("vm2", "[\"set\",[]]"));
    assert_log(&h, "ready;vm1=5;");
    say(&h, UPDATE("\"Interface\":{" ROW("5", "modify", "\"ofport\":6") "}"));
    assert_log(&h, "vm2=6;");
    say(&h, UPDATE("\"Interface\":{" ROW("5", "modify", "\"mtu\":1450,"
                                         "\"link_state\":\"up\"") "}"));
    assert_log(&h, "");
    say(&h, UPDATE("\"Interface\":{" ROW("5", "modify", "\"ofport\":-1")
                   "}"));
    assert_log(&h, "vm2=0;");
    say(&h, UPDATE("\"Interface\":{" ROW("5", "modify", "\"ofport\":7") "}"));
    say(&h, UNPLUG_5);
    assert_log(&h, "vm2=7;vm2=0;");
    say(&h, UPDATE(BRIDGE_TABLE("modify", "\"ports\":" REF("2"))));
    assert_log(&h, "vm1=0;");
    teardown(&h);
}

/* A tap alone is not looked at by a plan: there are thousands. */
static void
a_port_in_a_vlan_is_a_change(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    vx_buf_clear(&h.log);
    say(&h, UPDATE("\"Port\":{" ROW("2", "modify", "\"tag\":0") "}"));
    assert_log(&h, "changed;");
    say(&h, UPDATE("\"Port\":{" ROW("2", "modify", "\"tag\":[\"set\",[]]")
                   "}"));
    assert_log(&h, "");
    say(&h, UPDATE("\"Port\":{" ROW("2", "modify", "\"trunks\":[\"set\","
                   "[1,4095]]") "}"));
    assert_log(&h, "changed;");
    say(&h, UPDATE("\"Port\":{" ROW("2", "modify", "\"trunks\":[\"set\","
                   "[4095,1]]") "}"));
    assert_log(&h, "");
    say(&h, UPDATE(BRIDGE_TABLE("modify", "\"flow_tables\":[\"map\",[[3,"
                                REF("7") "]]]")));
    assert_log(&h, "changed;");
    /* On another bridge they are nobody's business. */
    say(&h, UPDATE("\"Bridge\":{" ROW("6", "insert", "\"name\":\"br-x\","
                   "\"ports\":" REF("4")) "},\"Port\":{" PORT_ROW("4", "5")
                   "},\"Interface\":{" IFACE_ROW("5", "vm2", "6") "}"));
    vx_buf_clear(&h.log);
    say(&h, UPDATE("\"Port\":{" ROW("4", "modify", "\"tag\":9") "}"));
    assert_log(&h, "");
    teardown(&h);
}

static void
a_changed_iface_id_or_ofport_is_gone_and_new(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    say(&h, PLUG("vm2", "6"));
    assert_log(&h, "ready;vm1=5;vm2=6;");
    say(&h, UPDATE("\"Interface\":{" ROW("5", "modify", "\"external_ids\":["
                   "\"map\",[[\"iface-id\",\"vm3\"]]]") "}"));
    assert_log(&h, "vm2=0;vm3=6;");
    /* Two swap their numbers in one update: both go before one comes. */
    say(&h, UPDATE("\"Interface\":{" ROW("3", "modify", "\"ofport\":6") ","
                   ROW("5", "modify", "\"ofport\":5") "}"));
    assert_true(!strncmp(vx_buf_str(&h.log), "vm1=0;vm3=0;", 12)
                || !strncmp(vx_buf_str(&h.log), "vm3=0;vm1=0;", 12));
    vx_buf_clear(&h.log);
    /* A difference that names the present value takes the key away. */
    say(&h, UPDATE("\"Interface\":{" ROW("5", "modify", "\"external_ids\":["
                   "\"map\",[[\"iface-id\",\"vm3\"],[\"a\",\"b\"]]]") "}"));
    assert_log(&h, "vm3=0;");
    teardown(&h);
}

static void
of_two_with_one_iface_id_the_first_stays(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    vx_buf_clear(&h.log);
    say(&h, PLUG("vm1", "6"));
    assert_log(&h, "note(iface-id \"vm1\" is on interface \"tap3\" and on "
               "\"tap5\": the first keeps it; take it off one of them);");
    say(&h, UPDATE("\"Interface\":{" ROW("3", "modify", "\"ofport\":-1")
                   "}"));
    assert_log(&h, "vm1=0;vm1=6;");
    teardown(&h);
}

static void
only_br_tenant_counts(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    vx_buf_clear(&h.log);
    say(&h, UPDATE("\"Bridge\":{" ROW("6", "insert", "\"name\":\"br-x\","
                   "\"ports\":" REF("4")) "},\"Port\":{" PORT_ROW("4", "5")
                   "},\"Interface\":{" IFACE_ROW("5", "vm2", "6") "}"));
    assert_log(&h, "changed;");
    say(&h, UPDATE("\"Bridge\":{" ROW("6", "modify", "\"ports\":" REF("4"))
                   "," ROW("1", "modify", "\"ports\":" REF("4")) "}"));
    /* Whichever bridge row comes first in the message. */
    assert_int_equal(og_ovsdb_session_ofport(h.session, "vm2"), 6);
    teardown(&h);
}

static void
changed_is_told_for_what_a_plan_looks_at(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    vx_buf_clear(&h.log);
    say(&h, UPDATE(BRIDGE_TABLE("modify", "\"fail_mode\":\"secure\"")));
    say(&h, UPDATE("\"Controller\":{" ROW("7", "insert", "\"target\":\"x\"")
                   "}," BRIDGE_TABLE("modify", "\"controller\":" REF("7"))));
    say(&h, UPDATE("\"Controller\":{" ROW("7", "modify",
                                          "\"is_connected\":true") "}"));
    say(&h, UPDATE("\"Interface\":{" ROW("8", "insert", "\"name\":\"vx0\"")
                   "}"));
    assert_log(&h, "changed;changed;changed;changed;");
    say(&h, UPDATE("\"Interface\":{" ROW("3", "modify", "\"mtu\":9000") "}"));
    assert_log(&h, "");
    teardown(&h);
}

static void
an_echo_is_answered(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    free(sent(&h));
    say(&h, "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[\"x\"]}");
    assert_sent(&h, "{\"error\":null,\"id\":\"echo\",\"result\":[\"x\"]}");
    teardown(&h);
}

static void
transactions_are_answered_in_order(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    free(sent(&h));
    vx_buf_clear(&h.log);
    og_ovsdb_session_transact(h.session, "[{\"op\":\"comment\"}]", on_done,
                              &h);
    og_ovsdb_session_transact(h.session, "[{\"op\":\"abort\"}]", on_done, &h);
    og_ovsdb_session_transact(h.session, "[{\"op\":\"x\"}]", NULL, NULL);
    turn(&h);
    assert_sent(&h, "{\"id\":2,\"method\":\"transact\",\"params\":["
                "\"Open_vSwitch\",{\"op\":\"comment\"}]}{\"id\":3");
    say(&h, "{\"id\":2,\"error\":null,\"result\":[{}]}");
    say(&h, "{\"id\":3,\"error\":null,\"result\":[{},null,{\"error\":"
        "\"aborted\",\"details\":\"on request\"}]}");
    assert_log(&h, "done(1,);done(0,aborted: on request);");
    say(&h, "{\"id\":4,\"error\":\"canceled\",\"result\":null}");
    say(&h, "{\"id\":4,\"error\":null,\"result\":[{}]}");
    assert_closed(&h, "unknown request");
    teardown(&h);
}

static void
what_has_no_answer_fails_when_the_session_closes(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    vx_buf_clear(&h.log);
    og_ovsdb_session_transact(h.session, "[{\"op\":\"x\"}]", on_done, &h);
    turn(&h);
    say(&h, "{\"id\":2,\"err");
    bufferevent_flush(h.peer, EV_WRITE, BEV_FINISHED);
    turn(&h);
    assert_log(&h, "done(0,the host closed the connection in the middle of a "
               "message);closed(the host closed the connection in the middle "
               "of a message);");
    og_ovsdb_session_transact(h.session, "[{\"op\":\"x\"}]", on_done, &h);
    assert_log(&h, "");
    event_base_loop(h.base, EVLOOP_ONCE);
    assert_log(&h, "done(0,the session is closed);");
    teardown(&h);
}

static void
freeing_in_a_callback_is_safe_and_silent(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    h.free_on_ready = true;
    og_ovsdb_session_transact(h.session, "[{\"op\":\"x\"}]", on_done, &h);
    say(&h, START PLUG("vm2", "6"));
    assert_log(&h, "ready;");
    teardown(&h);
}

/* After START, each must close the session with a reason that has this. */
static const struct bad {
    const char *text;
    const char *why;
} bads[] = {
    { "hello", "not JSON" },
    { "SSH-2.0-x\r\n", "not JSON" },
    { "]", "not JSON" },
    { "\"x\"", "not JSON" },
    { "[]", "not an object" },
    { "{\"a\" 1}", "not JSON" },
    { "{\"method\":5}", "not a string" },
    { "{\"id\":5,\"method\":\"steal\",\"params\":[]}", "steal" },
    { "{\"id\":{},\"result\":[]}", "unknown request" },
    { "{\"id\":99,\"result\":[]}", "unknown request" },
    { MONITOR(""), "twice" },
    { "{\"method\":\"update3\",\"params\":[1]}", "malformed" },
    { "{\"method\":\"update3\",\"params\":[1,2,3]}", "not an object" },
    { UPDATE("\"Flow_Table\":{}"), "not asked for" },
    { UPDATE("\"Bridge\":[]"), "not an object" },
    { UPDATE("\"Bridge\":{\"x\":{\"delete\":null}}"), "malformed row" },
    { UPDATE("\"Bridge\":{\"" U("1") "\":{}}"), "malformed row" },
    { UPDATE("\"Bridge\":{\"" U("8") "\":{\"delete\":null}}"), "not there" },
    { UPDATE("\"Bridge\":{" ROW("8", "modify", "") "}"), "not there" },
    { UPDATE("\"Bridge\":{" ROW("1", "insert", "") "}"), "is there" },
    { UPDATE("\"Bridge\":{" ROW("1", "rename", "") "}"), "unknown kind" },
    { UPDATE(BRIDGE_TABLE("modify", "\"flood\":1")), "not asked for" },
    { UPDATE(BRIDGE_TABLE("modify", "\"name\":1")), "Bridge.name" },
    { UPDATE(BRIDGE_TABLE("modify", "\"name\":[\"set\",[\"a\",\"b\"]]")),
      "optional" },
    { UPDATE(BRIDGE_TABLE("modify", "\"ports\":[\"uuid\",\"x\"]")),
      "Bridge.ports" },
    { UPDATE(BRIDGE_TABLE("modify", "\"ports\":[\"set\",5]")), "not a set" },
    { UPDATE(BRIDGE_TABLE("modify", "\"other_config\":[\"map\",[[1]]]")),
      "pair" },
    { UPDATE(BRIDGE_TABLE("modify", "\"other_config\":{}")), "not a map" },
    { UPDATE(BRIDGE_TABLE("modify", "\"flow_tables\":[\"map\",[["
                          "\"1\"," REF("7") "]]]")), "pair" },
    { UPDATE(BRIDGE_TABLE("modify", "\"flow_tables\":[\"map\",[[4096,"
                          REF("7") "]]]")), "pair" },
    { UPDATE(BRIDGE_TABLE("modify", "\"stp_enable\":1")), "boolean" },
    { UPDATE("\"Port\":{" ROW("2", "modify", "\"trunks\":4096") "}"),
      "small number" },
    { UPDATE("\"Port\":{" ROW("2", "modify", "\"trunks\":[\"set\",[-1]]")
      "}"), "small number" },
    { UPDATE("\"Port\":{" ROW("2", "modify", "\"tag\":\"5\"") "}"),
      "integer" },
    { UPDATE("\"Interface\":{" ROW("3", "modify", "\"ofport\":\"5\"") "}"),
      "integer" },
    { UPDATE("\"Interface\":{" ROW("3", "modify", "\"ofport\":1e30") "}"),
      "integer" },
};

static void
whatever_is_not_ovsdb_closes_with_a_reason(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        struct host h;

        setup(&h);
        say(&h, START);
        say(&h, bads[i].text);
        assert_closed(&h, bads[i].why);
        teardown(&h);
    }
}

static void
an_old_server_is_told_apart(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, "{\"id\":1,\"result\":null,\"error\":\"unknown method\"}");
    assert_log(&h, "closed(monitor_cond_since refused (needs ovsdb-server "
               "2.12 or later));");
    teardown(&h);
}

/* Writes the piece n times; the session must close before it has all. */
static void
flood(const char *head, const char *piece, size_t n, const char *why)
{
    struct host h;

    setup(&h);
    say(&h, head);
    for (size_t i = 0; i < n && !h.log.size; i++) {
        bufferevent_write(h.peer, piece, strlen(piece));
        turn(&h);
    }
    assert_closed(&h, why);
    teardown(&h);
}

static void
too_deep_too_many_and_too_long_are_refused(void **state)
{
    char *piece = vx_xcalloc(1, 65537);

    (void) state;
    memset(piece, '[', 65536);
    flood("", piece, 1, "nested");
    memset(piece, 'x', 65536);
    flood("{\"a\":\"", piece, 600, "bytes");
    for (int i = 0; i < 65536; i += 2) {
        memcpy(piece + i, "1,", 2);
    }
    flood("{\"a\":[", piece, 600, "values");
    free(piece);
}

static void
a_host_that_asks_but_does_not_read_is_closed(void **state)
{
    static const char echo[] =
        "{\"id\":\"x\",\"method\":\"echo\",\"params\":[\"%s\"]}";
    char *params = vx_xcalloc(1, 65537), *text;
    struct host h;

    (void) state;
    setup(&h);
    memset(params, 'y', 65536);
    text = vx_xasprintf(echo, params);
    bufferevent_disable(h.peer, EV_READ);
    for (int i = 0; i < 100 && !h.log.size; i++) {
        bufferevent_write(h.peer, text, strlen(text));
        turn(&h);
    }
    assert_closed(&h, "does not read");
    free(text);
    free(params);
    teardown(&h);
}

static void
silence_is_asked_about_and_then_closed(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    say(&h, START);
    free(sent(&h));
    vx_buf_clear(&h.log);
    og_ovsdb_session_set_keepalive(h.session, 20, 30);
    while (!h.log.size) {
        event_base_loop(h.base, EVLOOP_ONCE);
    }
    assert_closed(&h, "no byte from the host");
    assert_sent(&h, "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[]}");
    teardown(&h);
}

static void
a_view_that_never_completes_is_given_up(void **state)
{
    struct host h;

    (void) state;
    setup(&h);
    og_ovsdb_session_set_keepalive(h.session, 20, 30);
    while (!h.log.size) {
        bufferevent_write(h.peer, " ", 1);
        event_base_loop(h.base, EVLOOP_ONCE);
    }
    assert_closed(&h, "no complete view");
    teardown(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_its_columns_and_is_ready_with_the_view),
        cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(a_port_in_a_vlan_is_a_change),
        cmocka_unit_test(an_interface_comes_with_its_ofport_and_goes),
        cmocka_unit_test(a_changed_iface_id_or_ofport_is_gone_and_new),
        cmocka_unit_test(of_two_with_one_iface_id_the_first_stays),
        cmocka_unit_test(only_br_tenant_counts),
        cmocka_unit_test(changed_is_told_for_what_a_plan_looks_at),
        cmocka_unit_test(an_echo_is_answered),
        cmocka_unit_test(transactions_are_answered_in_order),
        cmocka_unit_test(what_has_no_answer_fails_when_the_session_closes),
        cmocka_unit_test(freeing_in_a_callback_is_safe_and_silent),
        cmocka_unit_test(whatever_is_not_ovsdb_closes_with_a_reason),
        cmocka_unit_test(an_old_server_is_told_apart),
        cmocka_unit_test(too_deep_too_many_and_too_long_are_refused),
        cmocka_unit_test(a_host_that_asks_but_does_not_read_is_closed),
        cmocka_unit_test(silence_is_asked_about_and_then_closed),
        cmocka_unit_test(a_view_that_never_completes_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
