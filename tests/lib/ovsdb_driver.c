/* SPDX-License-Identifier: Apache-2.0 */
/* The OVSDB half of a controller and nothing more, for
 * tests/netns/test_ovsdb_real.py: accepts real ovsdb-servers and bridges,
 * runs the plans, prints a line per event: milliseconds, what, details.
 *
 *     ovsdb_driver IP OVSDB-PORT OPENFLOW-PORT VTEP DATAPATH
 *
 * A line on stdin becomes the vxfabric-status of the host that joined last;
 * end of stdin ends it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "lib/xalloc.h"
#include "ovs-glue/bootstrap.h"
#include "ovs-glue/of_session.h"
#include "ovs-glue/ovsdb_session.h"

struct driver {
    struct event_base *base;
    struct og_bootstrap_wanted wanted;
    struct og_ovsdb_session *session;
    bool is_done;
    bool is_planning;               /* a plan has no answer yet */
    char refusal[500];              /* last line of stdin, told again */
    unsigned n_bridges;             /* connected by OpenFlow */
};

/* An OpenFlow connection. */
struct bridge {
    struct driver *driver;
    struct og_of_session *session;
};

static void
say(const char *what, const char *details)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    printf("%.3f %s %s\n", (double) ts.tv_sec * 1e3
           + (double) ts.tv_nsec / 1e6, what, details);
    fflush(stdout);
}

static void plan(struct driver *d);

static void
on_done(void *aux, bool ok, const char *error)
{
    (void) aux;
    say("done", ok ? "ok" : error);
}

static void
on_planned(void *aux, bool ok, const char *error)
{
    struct driver *d = aux;

    d->is_planning = false;
    on_done(d, ok, error);
    if (ok) {
        plan(d);
    }
}

static void
write_status(struct driver *d, const char *status)
{
    char *text = d->session
                 ? og_status_plan(og_ovsdb_session_view(d->session), status)
                 : NULL;

    if (text) {
        og_ovsdb_session_transact(d->session, text, on_done, d);
    }
    free(text);
}

static void
check_active(struct driver *d)
{
    write_status(d, d->is_done && d->n_bridges == 2 ? "active"
                                                    : "joining: test");
}

static void
plan(struct driver *d)
{
    const struct og_ovsdb_view *view = og_ovsdb_session_view(d->session);
    struct vx_error err = { .code = VX_OK };
    bool is_done = og_bootstrap_is_done(view, &d->wanted, &err);
    char *text = NULL;

    if (!d->is_planning) {
        text = og_bootstrap_plan(view, &d->wanted);
        say("plan", text ? text : "none");
    }
    if (text) {
        d->is_planning = true;
        og_ovsdb_session_transact(d->session, text, on_planned, d);
    }
    if (is_done != d->is_done) {
        d->is_done = is_done;
        say(is_done ? "bootstrapped" : "unmade", is_done ? "" : err.message);
        check_active(d);
    }
    free(text);
}

static void
on_ready(void *aux)
{
    struct driver *d = aux;

    d->is_done = false;
    say("ready", og_ovsdb_session_system_id(d->session));
    plan(d);
    check_active(d);
}

static void
on_changed(void *aux)
{
    struct driver *d = aux;

    plan(d);
    if (d->refusal[0] && !og_view_external_id(
            og_ovsdb_session_view(d->session), OG_ID_STATUS)[0]) {
        write_status(d, d->refusal);
    }
}

static void
on_iface(void *aux, const char *iface_id, uint32_t ofport)
{
    char text[300];

    (void) aux;
    snprintf(text, sizeof text, "%.200s %u", iface_id, ofport);
    say("iface", text);
}

static void
on_note(void *aux, const char *text)
{
    (void) aux;
    say("note", text);
}

static void
on_closed(void *aux, const char *why)
{
    struct driver *d = aux;

    say("closed", why);
    og_ovsdb_session_free(d->session);
    d->session = NULL;
    d->is_planning = false;
}

static const struct og_ovsdb_callbacks ovsdb_callbacks = {
    on_ready, on_changed, on_iface, on_note, on_closed,
};

static void
on_bridge_ready(void *aux, uint64_t dpid)
{
    struct bridge *b = aux;
    char text[32];

    snprintf(text, sizeof text, "%016" PRIx64, dpid);
    say("openflow", text);
    b->driver->n_bridges++;
    b->driver->wanted.openflow_up = b->driver->n_bridges == 2;
    if (b->driver->session) {
        plan(b->driver);
    }
    check_active(b->driver);
}

static void
on_bridge_closed(void *aux, const char *why)
{
    struct bridge *b = aux;

    say("openflow-closed", why);
    b->driver->n_bridges--;         /* the test closes none half-open */
    b->driver->wanted.openflow_up = false;
    og_of_session_free(b->session);
    free(b);
}

static const struct og_of_callbacks of_callbacks = {
    .ready = on_bridge_ready, .closed = on_bridge_closed,
};

static struct bufferevent *
wrap(struct driver *d, evutil_socket_t fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
    return bufferevent_socket_new(d->base, fd, BEV_OPT_CLOSE_ON_FREE);
}

static void
on_ovsdb(struct evconnlistener *listener, evutil_socket_t fd,
         struct sockaddr *sa, int size, void *aux)
{
    struct driver *d = aux;

    (void) listener;
    (void) sa;
    (void) size;
    og_ovsdb_session_free(d->session);
    d->session = og_ovsdb_session_new(wrap(d, fd), &ovsdb_callbacks, d);
}

static void
on_openflow(struct evconnlistener *listener, evutil_socket_t fd,
            struct sockaddr *sa, int size, void *aux)
{
    struct bridge *b = vx_xcalloc(1, sizeof *b);

    (void) listener;
    (void) sa;
    (void) size;
    b->driver = aux;
    b->session = og_of_session_new(wrap(aux, fd), &of_callbacks, b);
}

static void
on_stdin(evutil_socket_t fd, short what, void *aux)
{
    struct driver *d = aux;
    char line[500];
    ssize_t n = read(fd, line, sizeof line - 1);

    (void) what;
    if (n <= 0) {
        event_base_loopbreak(d->base);
        return;
    }
    line[strcspn(line, "\n") < (size_t) n ? strcspn(line, "\n")
                                          : (size_t) n] = '\0';
    write_status(d, line);
    snprintf(d->refusal, sizeof d->refusal, "%s", line);
}

static void
serve(struct driver *d, const char *ip, const char *port,
      evconnlistener_cb cb)
{
    struct sockaddr_in sin = { .sin_family = AF_INET,
                               .sin_port = htons((uint16_t) atoi(port)) };

    if (inet_pton(AF_INET, ip, &sin.sin_addr) != 1
        || !evconnlistener_new_bind(d->base, cb, d, LEV_OPT_REUSEABLE
                                    | LEV_OPT_CLOSE_ON_FREE, -1,
                                    (struct sockaddr *) &sin, sizeof sin)) {
        fprintf(stderr, "cannot listen on %s:%s\n", ip, port);
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    struct driver d = { .wanted = { .host_num = 1, .probe_ms = 5000 } };
    struct event *input;

    if (argc != 6 || !vx_ip_parse(argv[4], &d.wanted.vtep)) {
        fprintf(stderr, "usage: ovsdb_driver IP OVSDB-PORT OPENFLOW-PORT "
                "VTEP DATAPATH\n");
        return 2;
    }
    d.wanted.datapath_type = argv[5];
    d.wanted.controller = vx_xasprintf("tcp:%s:%s", argv[1], argv[3]);
    d.base = event_base_new();
    serve(&d, argv[1], argv[2], on_ovsdb);
    serve(&d, argv[1], argv[3], on_openflow);
    input = event_new(d.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin,
                      &d);
    event_add(input, NULL);
    say("listening", "");
    event_base_dispatch(d.base);
    return 0;
}
