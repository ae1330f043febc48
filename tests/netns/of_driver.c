/* SPDX-License-Identifier: Apache-2.0 */
/* One OpenFlow session against a real bridge, told on standard input what to
 * do, one command a line; test_of_real.py tells.  Every command is answered
 * with lines of data and then "ok TEXT" or "error TEXT".
 *
 *   of_driver SOCKET          listens on a unix socket, for one bridge
 *
 *   tier 1|2                  of the rows that follow; forgets those before
 *   words of tests/lib/rowtalk.h
 *                             rows, made by the compiler
 *   epoch REVISION
 *   sample NETWORKS HOSTS PORTS
 *   forget                    rows wanted, not those of the switch
 *   send                      adds all rows; "ok MILLISECONDS COUNT"
 *   del                       deletes all rows
 *   dump TABLE                dumps (255: all); "ok MILLISECONDS COUNT BAD"
 *   diff                      last dump against the rows, a line each
 *   repair                    sends that difference
 *   probe VNI MAC TEXT        sends a probe with that payload to tier 1 (L2)
 *   caught                    "ok COUNT HEX": packet-ins, and the last
 *   encode                    "ok NANOSECONDS PER ROW, BYTES PER ROW" */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "core/diff.h"
#include "core/order.h"
#include "core/pipeline.h"
#include "lib/buf.h"
#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_session.h"
#include "tests/lib/rowtalk.h"
#include "tests/lib/sample.h"

enum { MAX_WORDS = 40 };

struct driver {
    struct event_base *base;
    struct bufferevent *in;
    struct og_of_session *session;
    enum vx_tier tier;
    struct vx_rows rows;
    struct rowtalk talk;
    struct og_crows *have;
    bool busy;              /* a command waits for the switch */
    double started_ms;
    size_t n_sent;
    uint64_t n_parts;       /* queued and not yet confirmed */
    size_t n_caught;
    uint8_t caught[256];
    size_t caught_size;
};

static double
now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static void run_commands(struct driver *d);

/* --- Rows. */

static bool
make_rows(struct driver *d, char **w, size_t n)
{
    if (rowtalk_words(&d->talk, d->tier, w, n, &d->rows)) {
        /* Said by the rows. */
    } else if (!strcmp(w[0], "epoch")) {
        vx_rows_flow(&d->rows, d->tier, VX_T_EPOCH, 0,
                     strtoull(w[1], NULL, 0));
    } else if (n > 3 && !strcmp(w[0], "sample")) {
        struct sample sample = {
            .n_networks = atoi(w[1]), .n_hosts = atoi(w[2]),
            .n_ports = atoi(w[3]), .first_ofport = 1, .mixed = true,
        };
        sample_rows(&sample, d->tier, &d->rows);
    } else {
        return false;
    }
    printf("ok %zu\n", d->rows.n);
    return true;
}

/* --- Commands that wait for the switch. */

static void
begin(struct driver *d)
{
    d->busy = true;
    d->started_ms = now_ms();
}

static void
queue(struct driver *d, struct og_msgs *take_msgs)
{
    d->n_parts++;
    d->n_sent += og_msgs_length(take_msgs);
    og_of_session_queue(d->session, take_msgs, d->n_parts);
    og_msgs_unref(take_msgs);
}

static void
send_rows(struct driver *d, bool add)
{
    begin(d);
    d->n_sent = d->n_parts = 0;
    if (add) {
        vx_order_add(&d->rows);
    } else {
        vx_order_del(&d->rows);
    }
    for (size_t i = 0; i < d->rows.n; i += 5000) {
        struct og_msgs *msgs = og_msgs_new();

        for (size_t j = i; j < d->rows.n && j < i + 5000; j++) {
            if (add) {
                og_msgs_add_row(msgs, &d->rows.rows[j]);
            } else {
                og_msgs_delete_row(msgs, &d->rows.rows[j]);
            }
        }
        queue(d, msgs);
    }
    queue(d, og_msgs_new());
}

static void
print_diff(const struct driver *d, const struct vx_diff *diff)
{
    static const char *const names[] = { "missing", "altered", "foreign" };
    struct vx_buf buf = VX_BUF_INIT;

    if (diff->want != SIZE_MAX) {
        vx_row_format(&d->rows.rows[diff->want], &buf);
    } else {
        const struct vx_crow *crow = &d->have->rows[diff->have];
        vx_buf_printf(&buf, "type %u table %u priority %u cookie %#llx",
                      crow->type, crow->table, crow->priority,
                      (unsigned long long) crow->cookie);
    }
    printf("%s %s\n", names[diff->type], vx_buf_str(&buf));
    vx_buf_fini(&buf);
}

static void
compare(struct driver *d, bool repair)
{
    struct og_crows *want = og_crows_new();
    struct og_msgs *msgs = og_msgs_new();
    struct vx_diff *diffs;
    double start = now_ms();

    og_crows_add_rows(want, d->rows.rows, d->rows.n);
    size_t n = vx_diff_rows(d->have->rows, d->have->n, want->rows, want->n,
                            &diffs);
    double took = now_ms() - start;
    if (repair) {
        begin(d);
        d->n_sent = d->n_parts = 0;
        og_msgs_diff(msgs, diffs, n, d->have->rows, want->rows);
        queue(d, og_msgs_ref(msgs));
    } else {
        for (size_t i = 0; i < n && i < 50; i++) {
            print_diff(d, &diffs[i]);
        }
        printf("ok %zu %.1f\n", n, took);
    }
    free(diffs);
    og_msgs_unref(msgs);
    og_crows_free(want);
}

static void
measure_encoding(struct driver *d)
{
    struct og_msgs *msgs = og_msgs_new();
    double start = now_ms();
    size_t rounds = 1 + 200000 / (d->rows.n + 1);

    for (size_t r = 0; r < rounds; r++) {
        for (size_t i = 0; i < d->rows.n; i++) {
            og_msgs_add_row(msgs, &d->rows.rows[i]);
        }
    }
    size_t n = og_msgs_length(msgs);
    printf("ok %.0f %.0f\n", (now_ms() - start) * 1e6 / n,
           (double) og_msgs_size(msgs) / n);
    og_msgs_unref(msgs);
}

static void
probe(struct driver *d, char **w)
{
    uint8_t frame[128] = { [12] = VX_ETH_PROBE >> 8, VX_ETH_PROBE & 0xff };
    struct vx_rows rows = { 0 };
    struct vx_row *row = vx_rows_flow(&rows, d->tier, 0, 0, 0);
    struct vx_mac mac;

    if (vx_mac_parse(w[2], &mac)) {
        memcpy(frame, mac.b, sizeof mac.b);
    }
    snprintf((char *) frame + 14, 64, "%s", w[3]);
    vx_act_set_u(row, VX_F_REG0, strtoul(w[1], NULL, 0));
    vx_act_resubmit(row, VX_T1_L2);
    og_of_session_packet_out(d->session, frame, 78, row);
    vx_rows_fini(&rows);
    printf("ok\n");
}

static void
print_caught(const struct driver *d)
{
    printf("ok %zu ", d->n_caught);
    for (size_t i = 0; i < d->caught_size; i++) {
        printf("%02x", d->caught[i]);
    }
    printf("\n");
}

static bool
run_command(struct driver *d, char **w, size_t n)
{
    if (!strcmp(w[0], "tier") || !strcmp(w[0], "forget")) {
        d->rows.n = 0;
        d->tier = n > 1 ? (enum vx_tier) atoi(w[1]) : d->tier;
        printf("ok\n");
    } else if (!strcmp(w[0], "encode")) {
        measure_encoding(d);
    } else if (!strcmp(w[0], "probe") && n == 4) {
        probe(d, w);
    } else if (!strcmp(w[0], "caught")) {
        print_caught(d);
    } else if (!strcmp(w[0], "diff") && d->have) {
        compare(d, false);
    } else if (!strcmp(w[0], "send") || !strcmp(w[0], "del")) {
        send_rows(d, w[0][0] == 's');
    } else if (!strcmp(w[0], "repair") && d->have) {
        compare(d, true);
    } else if (!strcmp(w[0], "dump")) {
        begin(d);
        og_of_session_dump(d->session, n > 1 ? atoi(w[1]) : 255);
    } else {
        return make_rows(d, w, n);
    }
    return true;
}

static void
run_commands(struct driver *d)
{
    struct evbuffer *in = bufferevent_get_input(d->in);
    char *line;

    while (!d->busy && d->session && og_of_session_is_ready(d->session)
           && (line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF))) {
        char *words[MAX_WORDS + 1] = { 0 }, *save = NULL;
        size_t n = 0;

        for (char *w = strtok_r(line, " ", &save); w && n < MAX_WORDS;
             w = strtok_r(NULL, " ", &save)) {
            words[n++] = w;
        }
        if (!n || !run_command(d, words, n)) {
            printf("error what?\n");
        }
        fflush(stdout);
        free(line);
    }
}

/* --- Callbacks of the session. */

static void
on_ready(void *driver, uint64_t dpid)
{
    printf("ok ready %016llx\n", (unsigned long long) dpid);
    fflush(stdout);
    run_commands(driver);
}

static void
on_dumped(void *driver, struct og_crows *take_crows)
{
    struct driver *d = driver;

    og_crows_free(d->have);
    d->have = take_crows;
    d->busy = false;
    printf("ok %.1f %zu %zu\n", now_ms() - d->started_ms, take_crows->n,
           take_crows->n_bad);
    fflush(stdout);
    run_commands(d);
}

static void
on_committed(void *driver, uint64_t tag)
{
    struct driver *d = driver;

    if (tag == d->n_parts) {
        d->busy = false;
        printf("ok %.1f %zu\n", now_ms() - d->started_ms, d->n_sent);
        fflush(stdout);
        run_commands(d);
    }
}

static void
on_failed(void *driver, const struct vx_error *err)
{
    struct driver *d = driver;

    d->busy = false;
    printf("error %s\n", err->message);
    fflush(stdout);
    run_commands(d);
}

static void
on_packet_in(void *driver, const struct vx_packet_in *in)
{
    struct driver *d = driver;

    d->n_caught++;
    d->caught_size = in->size < sizeof d->caught ? in->size
                     : sizeof d->caught;
    memcpy(d->caught, in->frame, d->caught_size);
}

static void
on_closed(void *driver, const char *why)
{
    (void) driver;
    printf("error closed: %s\n", why);
    fflush(stdout);
    exit(1);
}

static const struct og_of_callbacks callbacks = {
    .ready = on_ready, .dumped = on_dumped, .committed = on_committed,
    .failed = on_failed, .packet_in = on_packet_in, .closed = on_closed,
};

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
          struct sockaddr *address, int size, void *driver)
{
    struct driver *d = driver;

    (void) address;
    (void) size;
    evconnlistener_disable(listener);
    d->session = og_of_session_new(
        bufferevent_socket_new(d->base, fd, BEV_OPT_CLOSE_ON_FREE),
        &callbacks, d);
}

static void
on_input(struct bufferevent *bev, void *driver)
{
    (void) bev;
    run_commands(driver);
}

static void
on_input_event(struct bufferevent *bev, short what, void *driver)
{
    (void) bev;
    (void) what;
    event_base_loopbreak(((struct driver *) driver)->base);
}

int
main(int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct driver d = { .tier = VX_TENANT_TIER };

    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: of_driver SOCKET\n");
        return 2;
    }
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    d.base = event_base_new();
    struct evconnlistener *listener = evconnlistener_new_bind(
        d.base, on_accept, &d, LEV_OPT_CLOSE_ON_FREE, 1,
        (struct sockaddr *) &address, sizeof address);
    if (!listener) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    evutil_make_socket_nonblocking(0);
    d.in = bufferevent_socket_new(d.base, 0, 0);
    bufferevent_setcb(d.in, on_input, NULL, on_input_event, &d);
    bufferevent_enable(d.in, EV_READ);
    event_base_dispatch(d.base);
    og_of_session_free(d.session);
    og_crows_free(d.have);
    vx_rows_fini(&d.rows);
    bufferevent_free(d.in);
    evconnlistener_free(listener);
    event_base_free(d.base);
    return 0;
}
