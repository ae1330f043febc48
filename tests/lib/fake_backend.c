/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_backend.h. */
#include "tests/lib/fake_backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/xalloc.h"

enum { DEADLINE_MS = 10000 };

struct vx_api_waiter {
    struct fake *fake;
    struct vx_api_wait wait;
    struct event *timer;
};

/* --- Journal. */

static void
keep_line(struct fake *fake, uint64_t revision, const char *op,
          const char *path, const char *body)
{
    struct vx_buf text = VX_BUF_INIT;

    vx_watch_format(&text, revision, 0, op, path, body,
                    body ? strlen(body) : 0);
    fake->lines = vx_grow(fake->lines, &fake->cap_lines, fake->n_lines + 1,
                          sizeof *fake->lines);
    fake->lines[fake->n_lines++] = (struct fake_line) {
        .revision = revision, .text = vx_buf_steal(&text),
    };
}

static bool
fake_journal(void *ctx, uint64_t since, size_t max_lines,
             vx_watch_line_cb *cb, void *aux, struct vx_error *err)
{
    struct fake *fake = ctx;
    uint64_t last = 0;
    size_t n = 0;

    if (since < fake->journal_floor) {
        return vx_fail(err, VX_GONE, "since", "no longer kept");
    }
    for (size_t i = 0; i < fake->n_lines; i++) {
        struct fake_line *line = &fake->lines[i];
        if (line->revision <= since) {
            continue;
        }
        if (n++ >= max_lines && line->revision != last) {
            break;
        }
        last = line->revision;
        if (!cb(aux, line->text, strlen(line->text), line->revision)) {
            break;
        }
    }
    return true;
}

/* --- Commit. */

static void
tell_changes(struct fake *fake)
{
    size_t n;
    const struct vx_change *changes = vx_model_staged(fake->model, &n);
    struct vx_codec_names *names = vx_codec_names_new(fake->model, changes,
                                                      n);

    for (size_t i = 0; i < n; i++) {
        const struct vx_obj *obj = changes[i].new ? changes[i].new
                                                  : changes[i].old;
        struct vx_codec_view view = { .model = fake->model, .obj = obj };
        struct vx_buf body = VX_BUF_INIT;
        char path[VX_API_PATH_MAX];
        const char *op = changes[i].new ? "PUT" : "DELETE";

        if (!vx_codec_names_key(names, obj, &view.key)) {
            continue;
        }
        vx_codec_path_format(obj->kind, &view.key, path);
        if (changes[i].new) {
            vx_codec_object(&view, &body);
        }
        const char *text = changes[i].new ? vx_buf_str(&body) : NULL;
        keep_line(fake, changes[i].revision, op, path, text);
        vx_watch_change(fake->watch, changes[i].revision, 0, op, path, text);
        vx_buf_fini(&body);
    }
    vx_codec_names_free(names);
}

static void
free_pending(struct fake_pending *p)
{
    for (size_t i = 0; i < p->n; i++) {
        vx_obj_unref(p->results[i].obj);
    }
    free(p->results);
    free(p);
}

static bool
fake_commit(struct fake *fake)
{
    struct fake_pending *p = fake->first;
    bool ok = !fake->disk_full;
    struct vx_error err;

    fake->first = NULL;
    fake->last = &fake->first;
    vx_fail(&err, VX_UNAVAILABLE, "", "disk full");
    if (p && ok) {
        tell_changes(fake);
        vx_model_commit(fake->model);
    } else if (p) {
        vx_model_rollback(fake->model, 0);
    }
    while (p) {
        struct fake_pending *next = p->next;
        p->done(p->aux, &(struct vx_api_outcome) {
            .err = ok ? NULL : &err, .failed = SIZE_MAX,
            .model = ok ? fake->model : NULL, .results = p->results,
            .revision = p->revision });
        free_pending(p);
        p = next;
    }
    return ok;
}

static void
on_commit(evutil_socket_t fd, short what, void *aux)
{
    (void) fd;
    (void) what;
    fake_commit(aux);
}

static const struct vx_model *
fake_model(void *ctx)
{
    struct fake *fake = ctx;
    return !fake->first || fake_commit(fake) ? fake->model : NULL;
}

static void
dry_run(struct fake *fake, const struct vx_api_submit *s,
        struct vx_result *results, size_t mark)
{
    struct vx_api_plan_host host = { .name = "h1", .n_add = 3 };
    struct vx_api_plan plan = { .hosts = &host, .n_hosts = 1 };

    s->done(s->aux, &(struct vx_api_outcome) {
        .failed = SIZE_MAX, .model = fake->model, .results = results,
        .revision = vx_model_revision(fake->model), .plan = &plan });
    vx_model_rollback(fake->model, mark);
    free(results);
}

static void
fake_submit(void *ctx, const struct vx_api_submit *s)
{
    struct fake *fake = ctx;
    struct vx_result *results = vx_xcalloc(s->n + 1, sizeof *results);
    size_t mark = vx_model_mark(fake->model), failed = SIZE_MAX;
    struct vx_error err;

    if (!vx_model_apply(fake->model, s->ops, s->n, 0, results, &failed,
                        &err)) {
        free(results);
        s->done(s->aux, &(struct vx_api_outcome) {
            .err = &err, .failed = failed });
        return;
    }
    if (s->dry_run) {
        dry_run(fake, s, results, mark);
        return;
    }
    struct fake_pending *p = vx_xcalloc(1, sizeof *p);
    *p = (struct fake_pending) {
        .done = s->done, .aux = s->aux, .results = results, .n = s->n,
        .revision = vx_model_revision(fake->model),
    };
    for (size_t i = 0; i < s->n; i++) {
        vx_obj_ref(results[i].obj);
    }
    *fake->last = p;
    fake->last = &p->next;
    struct timeval now = { 0 };
    evtimer_add(fake->commit, &now);
}

/* --- Status and waiting. */

static bool
fake_port_status(void *ctx, uint64_t port, struct vx_port_status *ret)
{
    struct fake *fake = ctx;

    if (!vx_model_by_oid(fake->model, port)) {
        return false;
    }
    memset(ret, 0, sizeof *ret);
    ret->state = fake->port_active ? VX_PORT_ACTIVE : VX_PORT_PENDING;
    snprintf(ret->reason, sizeof ret->reason, "%s",
             fake->port_active ? "" : "waits for its interface");
    return true;
}

static bool
fake_host_status(void *ctx, uint64_t host, struct vx_api_host_status *ret)
{
    (void) ctx;
    (void) host;
    memset(ret, 0, sizeof *ret);
    ret->state = "joining";
    return true;
}

static void
wake(struct vx_api_waiter *waiter, bool realized)
{
    struct vx_api_wait wait = waiter->wait;

    if (waiter->fake->waiter == waiter) {
        waiter->fake->waiter = NULL;
    }
    event_free(waiter->timer);
    free(waiter);
    wait.woken(wait.aux, realized);
}

static void
on_wait_timeout(evutil_socket_t fd, short what, void *aux)
{
    (void) fd;
    (void) what;
    wake(aux, false);
}

static struct vx_api_waiter *
fake_wait(void *ctx, const struct vx_api_wait *wait)
{
    struct fake *fake = ctx;
    struct vx_api_waiter *waiter = vx_xcalloc(1, sizeof *waiter);
    struct timeval tv = { .tv_sec = wait->timeout_ms / 1000 };

    waiter->fake = fake;
    waiter->wait = *wait;
    waiter->timer = evtimer_new(fake->base, on_wait_timeout, waiter);
    evtimer_add(waiter->timer, &tv);
    fake->waiter = waiter;
    return waiter;
}

static void
fake_cancel(void *ctx, struct vx_api_waiter *waiter)
{
    struct fake *fake = ctx;

    fake->n_cancelled++;
    fake->waiter = NULL;
    event_free(waiter->timer);
    free(waiter);
}

void
fake_wake(struct fake *fake, bool realized)
{
    assert_non_null(fake->waiter);
    wake(fake->waiter, realized);
}

static void
fake_info(void *ctx, struct vx_api_info *ret)
{
    struct fake *fake = ctx;

    *ret = (struct vx_api_info) {
        .version = "0.1", .revision = vx_model_revision(fake->model),
        .healthy = !fake->disk_full,
    };
    snprintf(ret->reason, sizeof ret->reason, "%s",
             fake->disk_full ? "disk full" : "");
}

static void
fake_refused(void *ctx, vx_api_refused_cb *f, void *aux)
{
    const struct vx_api_refused_host host = {
        "h2", "s1", "192.0.2.2", "z1", "192.0.2.2:9", "system-id \"s1\""
    };

    (void) ctx;
    f(aux, &host);
    f(aux, &host);
}

static void
fake_metrics(void *ctx, struct vx_buf *out)
{
    (void) ctx;
    vx_buf_puts(out, "vxfabric_up 1\n");
}

/* --- Life. */

/* --- Hooks: two of them, events 1 to 5, runs 1 to 5. */

enum { FAKE_LAST = 5 };

static void
fake_hooks(void *fake, void (*each)(void *, const struct vx_api_hook *),
           void *aux)
{
    (void) fake;
    each(aux, &(struct vx_api_hook) {
        .name = "drift/10-a", .type = "exec", .events = "drift",
        .state = "paused", .reason = "\"why\"", .n_waiting = 1,
        .n_running = 2, .n_done = 3, .n_failed = 4, .n_dead = 5 });
    each(aux, &(struct vx_api_hook) {
        .name = "http://x/", .type = "webhook", .events = "all",
        .state = "ok", .reason = "" });
}

static bool
fake_events(void *fake, uint64_t since, size_t limit, const char *name,
            void (*each)(void *, const struct vx_api_event *), void *aux,
            struct vx_error *err)
{
    char body[100];

    if (((struct fake *) fake)->disk_full) {
        return vx_fail(err, VX_UNAVAILABLE, "", "the disk is full");
    }
    for (uint64_t i = since + 1; i <= FAKE_LAST && limit--; i++) {
        snprintf(body, sizeof body, "{\"seq\":%u,\"event\":\"%s\"}",
                 (unsigned) i, name ? name : "drift");
        each(aux, &(struct vx_api_event) { .seq = i, .body = body });
    }
    return true;
}

static bool
fake_runs(void *fake, const struct vx_api_run_query *query,
          void (*each)(void *, const struct vx_api_run *), void *aux,
          struct vx_error *err)
{
    size_t n = query->limit;

    (void) fake;
    (void) err;
    for (uint64_t i = query->before ? query->before - 1 : FAKE_LAST;
         i && n--; i--) {
        each(aux, &(struct vx_api_run) {
            .id = i, .seq = i, .event_ms = 1000, .time_ms = 2500,
            .hook = query->hook ? query->hook : "drift/10-a",
            .event = "drift", .object = "h1",
            .state = query->state ? query->state : "done", .attempts = 2,
            .result = "exit status 0", .output = "a\nb\xff" });
    }
    return true;
}

static bool
fake_retry(void *fake, uint64_t id, struct vx_error *err)
{
    ((struct fake *) fake)->retried = id;
    return id <= FAKE_LAST || vx_fail(err, VX_NOT_FOUND, "id", "no run");
}

static bool
fake_test(void *fake, const char *event, uint64_t *ret_seq,
          size_t *ret_n_runs, struct vx_error *err)
{
    (void) fake;
    *ret_seq = 6;
    *ret_n_runs = 2;
    return !strcmp(event, "drift")
           || vx_fail(err, VX_NOT_FOUND, "event", "no event");
}

void
fake_start(struct fake *fake, const struct fake_options *options)
{
    struct vx_model_config config = { .mac_prefix = 0x0a };
    struct fake_options none = { 0 };
    struct vx_error err = { 0 };

    options = options ? options : &none;
    memset(fake, 0, sizeof *fake);
    fake->base = event_base_new();
    fake->model = vx_model_new(&config);
    fake->watch = vx_watch_new(&options->watch, 0);
    fake->last = &fake->first;
    fake->commit = evtimer_new(fake->base, on_commit, fake);
    fake->backend = (struct vx_api_backend) {
        .ctx = fake, .model = fake_model, .submit = fake_submit,
        .port_status = fake_port_status, .host_status = fake_host_status,
        .wait = fake_wait, .cancel = fake_cancel, .info = fake_info,
        .refused = fake_refused,
        .metrics = fake_metrics, .journal = fake_journal,
        .hooks = &fake->hooks,
    };
    fake->hooks = (struct vx_api_hooks) {
        .ctx = fake, .list = fake_hooks, .events = fake_events,
        .runs = fake_runs, .retry = fake_retry, .test = fake_test,
    };
    fake_audits(fake);
    fake_counters(fake);
    fake_gateways(fake);
    fake->server = vx_server_new(&(struct vx_server_config) {
        .base = fake->base, .backend = &fake->backend, .watch = fake->watch,
        .max_connections = options->max_connections,
        .request_timeout_s = options->request_timeout_s });
    strcpy(fake->dir, "/tmp/vx-api-XXXXXX");
    assert_non_null(mkdtemp(fake->dir));
    snprintf(fake->addr, sizeof fake->addr, "unix:%s/api.sock", fake->dir);
    if (!vx_server_listen(fake->server, fake->addr, &err)) {
        fail_msg("%s", err.message);
    }
}

void
fake_stop(struct fake *fake)
{
    vx_server_free(fake->server);
    vx_watch_free(fake->watch);
    while (fake->first) {
        struct fake_pending *p = fake->first;
        fake->first = p->next;
        free_pending(p);
    }
    event_free(fake->commit);
    vx_model_free(fake->model);
    for (size_t i = 0; i < fake->n_lines; i++) {
        free(fake->lines[i].text);
    }
    free(fake->lines);
    event_base_free(fake->base);
    assert_int_equal(rmdir(fake->dir), 0);  /* the socket is gone */
}

/* --- The client. */

static int64_t
now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
client_connect(struct client *client, struct fake *fake, int family,
               const struct sockaddr *address, socklen_t size)
{
    memset(client, 0, sizeof *client);
    client->fake = fake;
    client->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, address, size), 0);
    evutil_make_socket_nonblocking(client->fd);
}

void
client_open(struct client *client, struct fake *fake)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    strcpy(un.sun_path, fake->addr + 5);
    client_connect(client, fake, AF_UNIX, (void *) &un, sizeof un);
}

void
client_open_tcp(struct client *client, struct fake *fake)
{
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t) vx_server_port(fake->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    client_connect(client, fake, AF_INET, (void *) &in, sizeof in);
}

void
client_close(struct client *client)
{
    close(client->fd);
    free(client->in);
    fake_settle(client->fake);
}

/* One turn of the loop, at most some milliseconds; takes what has come. */
static void
turn(struct client *client)
{
    struct timeval tv = { .tv_usec = 2000 };
    char buf[65536];
    ssize_t n;

    event_base_loopexit(client->fake->base, &tv);
    event_base_loop(client->fake->base, EVLOOP_ONCE);
    while ((n = recv(client->fd, buf, sizeof buf, 0)) > 0) {
        client->in = vx_xrealloc(client->in, client->n_in + (size_t) n + 1);
        memcpy(client->in + client->n_in, buf, (size_t) n);
        client->n_in += (size_t) n;
        client->in[client->n_in] = '\0';
    }
    client->eof |= n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void
fake_settle(struct fake *fake)
{
    for (int i = 0; i < 5; i++) {
        event_base_loop(fake->base, EVLOOP_NONBLOCK);
    }
}

void
client_send_bytes(struct client *client, const char *data, size_t size)
{
    int64_t deadline = now_ms() + DEADLINE_MS;

    while (size && now_ms() < deadline) {
        ssize_t n = send(client->fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            return;             /* the server has closed: a reply says why */
        }
        if (n > 0) {
            data += n;
            size -= (size_t) n;
        } else {
            turn(client);
        }
    }
}

void
client_send(struct client *client, const char *text)
{
    client_send_bytes(client, text, strlen(text));
}

void
answer_fini(struct answer *answer)
{
    free(answer->head);
    free(answer->body);
    memset(answer, 0, sizeof *answer);
}

static void
drop(struct client *client, size_t size)
{
    client->n_in -= size;
    memmove(client->in, client->in + size, client->n_in + 1);
}

static bool
take_answer(struct client *client, struct answer *answer)
{
    char *end = client->in ? strstr(client->in, "\r\n\r\n") : NULL;
    char *length;
    size_t size;

    if (!end) {
        return false;
    }
    length = strstr(client->in, "Content-Length: ");
    size = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
    if (client->n_in < (size_t) (end + 4 - client->in) + size) {
        return false;
    }
    answer->status = atoi(client->in + 9);
    answer->head = vx_xstrndup(client->in, (size_t) (end - client->in) + 2);
    answer->body = vx_xstrndup(end + 4, size);
    drop(client, (size_t) (end + 4 - client->in) + size);
    return true;
}

void
client_read(struct client *client, struct answer *answer)
{
    int64_t deadline = now_ms() + DEADLINE_MS;

    answer_fini(answer);
    while (!take_answer(client, answer)) {
        if (client->eof || now_ms() > deadline) {
            fail_msg("no answer: %s, have \"%s\"",
                     client->eof ? "closed" : "timeout",
                     client->in ? client->in : "");
        }
        turn(client);
    }
}

char *
client_read_line(struct client *client)
{
    int64_t deadline = now_ms() + DEADLINE_MS;

    for (;;) {
        /* "SIZE\r\nLINE\n\r\n" */
        char *start = client->in ? strstr(client->in, "\r\n") : NULL;
        char *end = start ? strstr(start + 2, "\n\r\n") : NULL;
        if (end) {
            char *line = vx_xstrndup(start + 2, (size_t) (end - start - 2));
            drop(client, (size_t) (end + 3 - client->in));
            return line;
        }
        if (client->eof || now_ms() > deadline) {
            fail_msg("no line: %s", client->eof ? "closed" : "timeout");
        }
        turn(client);
    }
}

bool
client_is_closed(struct client *client)
{
    int64_t deadline = now_ms() + DEADLINE_MS;

    while (!client->eof && now_ms() < deadline) {
        turn(client);
    }
    return client->eof;
}

void
request(struct fake *fake, struct answer *answer, const char *method,
        const char *path, const char *headers, const char *body)
{
    struct client client;
    char *text = vx_xasprintf("%s %s HTTP/1.1\r\nHost: x\r\n"
                              "Content-Length: %zu\r\n"
                              "Connection: close\r\n%s\r\n%s",
                              method, path, strlen(body), headers, body);

    client_open(&client, fake);
    client_send(&client, text);
    client_read(&client, answer);
    client_close(&client);
    free(text);
}
