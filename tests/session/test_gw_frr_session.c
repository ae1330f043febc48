/* SPDX-License-Identifier: Apache-2.0 */
/* frr.c against a daemon of FRR that the test plays: what it says to it, and
 * what it does when it is refused. */
#include "gateway/frr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <cmocka.h>

#include "lib/buf.h"

#define EMPTY "Building configuration...\n\nCurrent configuration:\n!\n" \
    "frr version 8.4.4\nfrr defaults traditional\nhostname g1\n!\nend\n"

struct fake {
    struct event_base *base;
    struct evconnlistener *listener;
    struct bufferevent *peer;
    struct vx_gw_frr *frr;
    struct vx_gw_frr_vrf vrf;
    const char *refuses;        /* begins a command that it refuses */
    unsigned n_times;           /* yet */
    unsigned n_looks;
    bool hangs;                 /* it answers nothing */
    struct vx_buf said;         /* since the last look, a line each */
    char dir[64], path[100];
};

static void
reply(struct fake *f, const char *text, char status)
{
    const char end[4] = { 0, 0, 0, status };

    bufferevent_write(f->peer, text, strlen(text));
    bufferevent_write(f->peer, end, sizeof end);
}

static void
hear(struct bufferevent *bev, void *f_)
{
    struct evbuffer *in = bufferevent_get_input(bev);
    struct fake *f = f_;
    char *command;
    size_t n;

    while ((command = evbuffer_readln(in, &n, EVBUFFER_EOL_NUL))) {
        if (f->hangs) {
            f->n_looks++;
        } else if (!strcmp(command, "show running-config")) {
            f->n_looks++;
            reply(f, EMPTY, 0);
        } else if (f->refuses && f->n_times
                   && !strncmp(command, f->refuses, strlen(f->refuses))) {
            f->n_times--;
            vx_buf_printf(&f->said, "!%s\n", command);
            reply(f, "% Unknown command.\n", 2);
        } else {
            vx_buf_printf(&f->said, "%s\n", command);
            reply(f, "", 0);
        }
        free(command);
    }
}

static void
accepted(struct evconnlistener *listener, evutil_socket_t fd,
         struct sockaddr *sa, int length, void *f_)
{
    struct fake *f = f_;

    (void) listener, (void) sa, (void) length;
    f->peer = bufferevent_socket_new(f->base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(f->peer, hear, NULL, NULL, f);
    bufferevent_enable(f->peer, EV_READ | EV_WRITE);
}

static bool
want(void *f_, struct vx_gw_frr_want *ret_want)
{
    struct fake *f = f_;

    *ret_want = (struct vx_gw_frr_want) {
        .as = 65001, .redistribute = "openfabric", .vrfs = &f->vrf,
        .n_vrfs = 1,
    };
    vx_ip_parse("192.0.2.1", &ret_want->router_id);
    return true;
}

static void
conflict(void *f, enum vx_gw_frr_daemon daemon,
         const struct vx_gw_frr_conflict *one)
{
    (void) f, (void) daemon;
    assert_null(one);
}

static void
progress(void *f)
{
    (void) f;
}

static int
setup(void **state)
{
    struct fake *f = calloc(1, sizeof *f);
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    strcpy(f->dir, "/tmp/vxfrrXXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/bgpd.vty", f->dir);
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s", f->path);
    f->vrf = (struct vx_gw_frr_vrf) { .vni = 5001, .tenant = "acme" };
    f->base = event_base_new();
    f->listener = evconnlistener_new_bind(
        f->base, accepted, f, LEV_OPT_CLOSE_ON_FREE, 1,
        (struct sockaddr *) &sun, sizeof sun);
    assert_non_null(f->listener);
    f->frr = vx_gw_frr_new(&(struct vx_gw_frr_spec) {
        .base = f->base, .daemon = VX_GW_BGPD, .path = f->path,
        .want = want, .conflict = conflict, .progress = progress, .aux = f,
    });
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fake *f = *state;

    vx_gw_frr_free(f->frr);
    bufferevent_free(f->peer);
    evconnlistener_free(f->listener);
    event_base_free(f->base);
    vx_buf_fini(&f->said);
    unlink(f->path);
    rmdir(f->dir);
    free(f);
    return 0;
}

/* What it has been told until it looks once more, "!" for what was refused. */
static const char *
told(struct fake *f)
{
    unsigned looks = f->n_looks;

    vx_buf_clear(&f->said);
    while (f->n_looks == looks) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    return vx_buf_str(&f->said);
}

#define ROUTER \
    "router bgp 65001 vrf vx5001\nbgp router-id 192.0.2.1\n" \
    "no bgp default ipv4-unicast\n" \
    "address-family ipv4 unicast\nredistribute openfabric\nexit\n" \
    "address-family ipv6 unicast\nredistribute openfabric\nexit\nexit\n"

static void
it_looks_configures_and_looks_again(void **state)
{
    struct fake *f = *state;

    assert_string_equal(told(f), "enable\n");
    assert_string_equal(told(f),
                        "configure terminal\n"
                        "XFRR_start_configuration\nXFRR_end_configuration\n"
                        "bgp route-map delay-timer 1\n" ROUTER "end\n");
}

/* It refuses what begins so, having heard that; then it hears no bracket. */
static void
check_one_by_one(struct fake *f, const char *refuses, const char *heard)
{
    char wanted[200];

    f->refuses = refuses;
    snprintf(wanted, sizeof wanted, "configure terminal\n%send\n", heard);
    assert_string_equal(told(f), "enable\n");
    assert_string_equal(told(f), wanted);
    assert_string_equal(told(f), "configure terminal\n"
                                 "bgp route-map delay-timer 1\n" ROUTER
                                 "end\n");
}

static void
one_that_gathers_nothing_is_told_all_one_by_one(void **state)
{
    struct fake *f = *state;

    f->n_times = 100;
    check_one_by_one(f, "XFRR_", "!XFRR_start_configuration\n");
}

static void
a_commit_that_is_refused_is_tried_one_by_one(void **state)
{
    struct fake *f = *state;

    f->n_times = 1;
    check_one_by_one(f, "XFRR_end", "XFRR_start_configuration\n"
                                    "!XFRR_end_configuration\n");
}

/* A touch that it hangs at is not heard, whatever it has taken before. */
static void
one_that_hangs_has_not_heard(void **state)
{
    struct fake *f = *state;
    uint64_t number = vx_gw_frr_next(f->frr);

    told(f);
    told(f);
    assert_false(vx_gw_frr_has_heard(f->frr, number + 1));
    number = vx_gw_frr_next(f->frr);
    assert_true(vx_gw_frr_has_heard(f->frr, number - 1));
    f->hangs = true;
    vx_gw_frr_touch(f->frr);
    told(f);
    assert_false(vx_gw_frr_has_heard(f->frr, number));
}

/* Nobody listens: it will not come back to what it was about to do. */
static void
one_that_is_gone_counts_as_if_it_had(void **state)
{
    struct fake *f = *state;

    told(f);
    assert_false(vx_gw_frr_has_heard(f->frr, 1000));
    unlink(f->path);
    bufferevent_free(f->peer);
    f->peer = NULL;
    while (!vx_gw_vty_is_gone(vx_gw_frr_vty(f->frr))) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_true(vx_gw_frr_has_heard(f->frr, 1000));
    assert_false(vx_gw_frr_has_taken(f->frr, 1000));
    f->peer = bufferevent_socket_new(f->base, -1, 0);
}

static void
one_that_refuses_has_heard_and_not_taken(void **state)
{
    struct fake *f = *state;
    uint64_t number;

    told(f);
    number = vx_gw_frr_next(f->frr);
    vx_gw_frr_touch(f->frr);
    f->refuses = "router bgp";
    f->n_times = 100;
    while (!vx_gw_frr_has_heard(f->frr, number)) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_false(vx_gw_frr_has_taken(f->frr, number));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(F) cmocka_unit_test_setup_teardown(F, setup, teardown)
        T(it_looks_configures_and_looks_again),
        T(one_that_gathers_nothing_is_told_all_one_by_one),
        T(a_commit_that_is_refused_is_tried_one_by_one),
        T(one_that_hangs_has_not_heard),
        T(one_that_is_gone_counts_as_if_it_had),
        T(one_that_refuses_has_heard_and_not_taken),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
