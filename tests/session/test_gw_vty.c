/* SPDX-License-Identifier: Apache-2.0 */
/* The VTY client at one end of a bufferevent pair; the test is FRR at the
 * other. */
#include "gateway/vty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <cmocka.h>

#include "gateway/frr_refused.h"
#include "lib/buf.h"

struct fake {
    struct event_base *base;
    struct bufferevent *peer;
    struct vx_gw_vty *vty;
    struct vx_buf log;          /* what was called back, in order */
    bool frees;                 /* a callback frees the vty */
};

static void
on_up(void *aux)
{
    vx_buf_puts(&((struct fake *) aux)->log, "up;");
}

static void
on_down(void *aux, const char *why)
{
    vx_buf_printf(&((struct fake *) aux)->log, "down(%s);", why);
}

static void
on_done(void *aux, bool ok, const char *text, const struct vx_error *err)
{
    struct fake *f = aux;

    vx_buf_printf(&f->log, "%s(%s)%s%s;", ok ? "ok" : "error", text,
                  ok ? "" : vx_err_name(err->code),
                  ok ? "" : err->message);
    if (f->frees) {
        vx_gw_vty_free(f->vty);
        f->vty = NULL;
    }
}

static void
turn(struct fake *f)
{
    for (int i = 0; i < 8; i++) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
}

/* What was asked, a line each; emptied. */
static const char *
asked(struct fake *f)
{
    static char text[4096];
    struct evbuffer *in;
    ev_ssize_t n;

    turn(f);
    in = bufferevent_get_input(f->peer);
    n = evbuffer_remove(in, text, sizeof text - 1);
    for (ev_ssize_t i = 0; i < n; i++) {
        text[i] = text[i] ? text[i] : '\n';
    }
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void
answer(struct fake *f, const char *text, char status)
{
    char end[4] = { 0, 0, 0, status };

    bufferevent_write(f->peer, text, strlen(text));
    bufferevent_write(f->peer, end, sizeof end);
    turn(f);
}

/* It is asked, or told, that line, and has nothing to say to it. */
static void
take(struct fake *f, const char *line)
{
    assert_string_equal(asked(f), line);
    answer(f, "", 0);
}

static void
expect(struct fake *f, const char *log)
{
    assert_string_equal(vx_buf_str(&f->log), log);
    vx_buf_clear(&f->log);
    if (f->log.data) {
        f->log.data[0] = '\0';
    }
}

static int
setup(void **state)
{
    static const struct vx_gw_vty_callbacks callbacks = { on_up, on_down };
    struct fake *f = calloc(1, sizeof *f);
    struct bufferevent *pair[2];

    f->base = event_base_new();
    assert_false(bufferevent_pair_new(f->base, 0, pair));
    f->peer = pair[0];
    bufferevent_enable(f->peer, EV_READ | EV_WRITE);
    f->vty = vx_gw_vty_new_on(pair[1], "dir/bgpd.vty", &callbacks, f);
    assert_string_equal(asked(f), "enable\n");
    assert_false(vx_gw_vty_is_up(f->vty));
    answer(f, "", 0);
    expect(f, "up;");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fake *f = *state;

    vx_gw_vty_free(f->vty);
    bufferevent_free(f->peer);
    vx_buf_fini(&f->log);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void
a_question_is_answered(void **state)
{
    struct fake *f = *state;

    vx_gw_vty_ask(f->vty, "show version", on_done, f);
    vx_gw_vty_ask(f->vty, "show vrf", on_done, f);
    assert_string_equal(asked(f), "show version\n");
    answer(f, "FRR 8.4\nand more\n", 0);
    expect(f, "ok(FRR 8.4\nand more\n);");
    take(f, "show vrf\n");
    expect(f, "ok();");
}

static void
an_answer_may_come_byte_by_byte(void **state)
{
    struct fake *f = *state;
    static const char bytes[] = "two\nlines\0\0\0";

    vx_gw_vty_ask(f->vty, "show x", on_done, f);
    asked(f);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bufferevent_write(f->peer, bytes + i, 1);
        turn(f);
    }
    expect(f, "ok(two\nlines);");
}

static void
configure(struct fake *f, char *const *commands, size_t n)
{
    const struct vx_gw_vty_commands all = { .commands = commands, .n = n };

    vx_gw_vty_configure(f->vty, &all, on_done, f);
}

static void
configuration_is_one_command_at_a_time(void **state)
{
    struct fake *f = *state;
    char *commands[] = { (char *) "router bgp 1", (char *) "exit" };

    configure(f, commands, 2);
    take(f, "configure terminal\n");
    take(f, "router bgp 1\n");
    take(f, "exit\n");
    assert_string_equal(asked(f), "end\n");
    expect(f, "");
    answer(f, "", 0);
    expect(f, "ok();");
}

static void
a_refusal_ends_the_job_and_names_the_command(void **state)
{
    struct fake *f = *state;
    char *commands[] = {
        (char *) "router x", (char *) "never", (char *) "never",
    };

    configure(f, commands, 3);
    take(f, "configure terminal\n");
    assert_string_equal(asked(f), "router x\n");
    answer(f, "% [BGP] Unknown command: router x\n", 2);
    take(f, "end\n");
    expect(f, "error()invalidbgpd.vty refused \"router x\" (status 2): "
           "[BGP] Unknown command: router x;");
    assert_int_equal(vx_gw_vty_refused(f->vty), 0);
}

static void
a_refusal_about_a_neighbor_leaves_the_others_to_be_configured(void **state)
{
    struct fake *f = *state;
    char *commands[] = {
        (char *) "router bgp 1", (char *) "neighbor 192.0.2.1 remote-as 2",
        (char *) "address-family ipv4 unicast",
        (char *) "neighbor 192.0.2.1 activate", (char *) "exit",
        (char *) "no neighbor 192.0.2.1 shutdown",
        (char *) "no neighbor 192.0.2.11 shutdown", (char *) "exit",
        (char *) "router bgp 1 vrf b",
        (char *) "no neighbor 192.0.2.1 shutdown",
    };

    vx_gw_vty_configure(f->vty, &(struct vx_gw_vty_commands) {
        .commands = commands, .n = 10,
        .goes_on = vx_gw_frr_refused_goes_on,
    }, on_done, f);
    take(f, "configure terminal\n");
    take(f, "router bgp 1\n");
    assert_string_equal(asked(f), "neighbor 192.0.2.1 remote-as 2\n");
    answer(f, "% Can not configure the local system as neighbor\n", 13);
    /* Without what was refused it does not come up. */
    take(f, "address-family ipv4 unicast\n");
    take(f, "exit\n");
    take(f, "no neighbor 192.0.2.11 shutdown\n");
    take(f, "exit\n");
    /* Another VRF's neighbor of the same address is another one. */
    take(f, "router bgp 1 vrf b\n");
    take(f, "no neighbor 192.0.2.1 shutdown\n");
    take(f, "end\n");
    expect(f, "error()invalidbgpd.vty refused \"neighbor 192.0.2.1 remote-as "
           "2\" (status 13): Can not configure the local system as "
           "neighbor;");
    assert_int_equal(vx_gw_vty_refused(f->vty), 1);
}

static void
a_lock_of_somebody_else_is_told_as_busy(void **state)
{
    struct fake *f = *state;
    char *commands[] = { (char *) "x" };

    configure(f, commands, 1);
    asked(f);
    answer(f, "VTY configuration is locked by other VTY\n", 1);
    assert_non_null(strstr(vx_buf_str(&f->log), vx_err_name(VX_BUSY)));
    assert_string_equal(asked(f), "");
}

static void
no_password_is_told(void **state)
{
    struct fake *f = *state;
    char *commands[] = { (char *) "neighbor 192.0.2.1 password hush" };

    configure(f, commands, 1);
    take(f, "configure terminal\n");
    asked(f);
    answer(f, "% Unknown command: neighbor 192.0.2.1 password hush\n", 2);
    take(f, "end\n");
    assert_null(strstr(vx_buf_str(&f->log), "hush"));
    assert_non_null(strstr(vx_buf_str(&f->log), "192.0.2.1 password ..."));
}

static void
a_lost_connection_fails_the_job_under_way(void **state)
{
    struct fake *f = *state;

    vx_gw_vty_ask(f->vty, "show one", on_done, f);
    vx_gw_vty_ask(f->vty, "show two", on_done, f);
    asked(f);
    bufferevent_flush(f->peer, EV_WRITE, BEV_FINISHED);
    turn(f);
    expect(f, "error()unavailablebgpd.vty: closed the connection during "
           "\"show one\";down(closed the connection);");
    assert_false(vx_gw_vty_is_up(f->vty));
}

static void
an_answer_that_does_not_come_is_not_waited_for(void **state)
{
    struct fake *f = *state;

    vx_gw_vty_set_timeout(f->vty, 10);
    vx_gw_vty_ask(f->vty, "show slow", on_done, f);
    asked(f);
    while (!f->log.size) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    expect(f, "error()timeoutbgpd.vty: no answer in time during "
           "\"show slow\";down(no answer in time);");
}

static void
what_is_no_vty_is_refused(void **state)
{
    struct fake *f = *state;
    static const char bytes[] = { 'x', 0, 'y', 'z', 0 };

    vx_gw_vty_ask(f->vty, "show x", on_done, f);
    asked(f);
    bufferevent_write(f->peer, bytes, sizeof bytes);
    turn(f);
    assert_non_null(strstr(vx_buf_str(&f->log), "speaks no VTY protocol"));
}

static void
a_callback_may_free_it(void **state)
{
    struct fake *f = *state;

    f->frees = true;
    vx_gw_vty_ask(f->vty, "show x", on_done, f);
    vx_gw_vty_ask(f->vty, "show y", on_done, f);
    take(f, "show x\n");
    expect(f, "ok();");
    assert_null(f->vty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(F) cmocka_unit_test_setup_teardown(F, setup, teardown)
        T(a_question_is_answered),
        T(an_answer_may_come_byte_by_byte),
        T(configuration_is_one_command_at_a_time),
        T(a_refusal_ends_the_job_and_names_the_command),
        T(a_refusal_about_a_neighbor_leaves_the_others_to_be_configured),
        T(a_lock_of_somebody_else_is_told_as_busy),
        T(no_password_is_told),
        T(a_lost_connection_fails_the_job_under_way),
        T(an_answer_that_does_not_come_is_not_waited_for),
        T(what_is_no_vty_is_refused),
        T(a_callback_may_free_it),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
