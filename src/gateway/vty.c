/* SPDX-License-Identifier: Apache-2.0 */
/* VTY client; see vty.h. */
#include "gateway/vty.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/buf.h"
#include "lib/xalloc.h"

enum {
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    /* lib/command.h of FRR */
    CMD_SUCCESS = 0,
    CMD_WARNING = 1,
    CMD_SUCCESS_DAEMON = 10,
};

struct job {
    struct job *next;
    bool configures;
    char **commands;            /* with those that enter and leave */
    size_t n, at;
    size_t refused;             /* of those given; SIZE_MAX = none so far */
    vx_gw_vty_goes_on *goes_on;
    vx_gw_vty_done *done;
    void *aux;
    struct vx_error err;        /* code VX_OK: none so far */
};

enum state { DOWN, CONNECTING, ENABLING, UP };

struct vx_gw_vty {
    struct event_base *base;
    char *path;                 /* and name, in messages */
    bool is_fixed;              /* made on a connection: not made again */
    struct vx_gw_vty_callbacks cb;
    void *aux;
    enum state state;
    struct bufferevent *bev;
    struct event *retry;        /* connect */
    struct event *limit;        /* of the answer that is awaited */
    struct event *kick;         /* go on outside of the caller's call */
    unsigned backoff_ms, timeout_ms;
    struct vx_buf text;         /* of the answer, so far */
    uint8_t end[4];             /* NUL NUL NUL status */
    size_t n_end;
    struct job *jobs, **tail;
    bool in_flight;             /* a command of the first job is out */
    bool told_down;
    bool is_gone;               /* nobody listens */
    bool in_callback, is_dead;
    size_t refused;             /* see vx_gw_vty_refused */
};

static void vty_fail(struct vx_gw_vty *vty, enum vx_err_code code,
                     const char *why);

static struct timeval
ms(unsigned n)
{
    return (struct timeval) { n / 1000, n % 1000 * 1000 };
}

static void
job_free(struct job *job)
{
    for (size_t i = 0; i < job->n; i++) {
        /* Passwords do not stay in freed memory. */
        explicit_bzero(job->commands[i], strlen(job->commands[i]));
        free(job->commands[i]);
    }
    free(job->commands);
    free(job);
}

static void
vty_destroy(struct vx_gw_vty *vty)
{
    while (vty->jobs) {
        struct job *job = vty->jobs;

        vty->jobs = job->next;
        job_free(job);
    }
    if (vty->bev) {
        bufferevent_free(vty->bev);
    }
    event_free(vty->retry);
    event_free(vty->limit);
    event_free(vty->kick);
    vx_buf_fini(&vty->text);
    free(vty->path);
    free(vty);
}

/* Brackets every call out of here; after leave() the vty may be gone. */
static void
enter(struct vx_gw_vty *vty)
{
    vty->in_callback = true;
}

static bool
leave(struct vx_gw_vty *vty)
{
    vty->in_callback = false;
    if (vty->is_dead) {
        vty_destroy(vty);
        return false;
    }
    return true;
}

static void
send_command(struct vx_gw_vty *vty, const char *command)
{
    struct timeval tv = ms(vty->timeout_ms);

    vx_buf_clear(&vty->text);
    vty->n_end = 0;
    bufferevent_write(vty->bev, command, strlen(command) + 1);
    event_add(vty->limit, &tv);
}

static void
pump(struct vx_gw_vty *vty)
{
    struct job *job = vty->jobs;

    if (vty->state == UP && !vty->in_flight && job) {
        vty->in_flight = true;
        send_command(vty, job->commands[job->at]);
    }
}

static void
kicked(evutil_socket_t fd, short events, void *aux)
{
    (void) fd, (void) events;
    pump(aux);
}

/* The first job is over.  False: so is the vty. */
static bool
finish_job(struct vx_gw_vty *vty)
{
    struct job *job = vty->jobs;
    char *text = vx_buf_steal(&vty->text);

    vty->jobs = job->next;
    if (!vty->jobs) {
        vty->tail = &vty->jobs;
    }
    vty->in_flight = false;
    enter(vty);
    if (job->done) {
        vty->refused = job->refused;
        job->done(job->aux, job->err.code == VX_OK, text ? text : "",
                  &job->err);
    }
    job_free(job);
    free(text);
    return leave(vty);
}

/* "bgpd.vty" of its path. */
static const char *
base_name(const struct vx_gw_vty *vty)
{
    const char *slash = strrchr(vty->path, '/');

    return slash ? slash + 1 : vty->path;
}

static void
refused(struct vx_gw_vty *vty, struct job *job, uint8_t status)
{
    const char *command = job->commands[job->at];
    const char *said = vx_buf_str(&vty->text);
    const char *secret = strstr(command, " password ");
    int shown = secret ? (int) (secret + 9 - command) : 300;
    size_t length;

    while (*said == '%' || *said == ' ' || *said == '\n' || *said == '\r') {
        said++;
    }
    length = strcspn(said, "\r\n");
    if (secret) {
        said = "", length = 0;
    }
    vx_fail(&job->err, job->configures && job->at == 0 ? VX_BUSY : VX_INVALID,
            "", "%s refused \"%.*s%s\" (status %u)%s%.*s", base_name(vty),
            shown, command, secret ? " ..." : "", status,
            length ? ": " : "", (int) (length > 120 ? 120 : length), said);
}

/* bgpd warns of a subscription that it has already: that is as wanted. */
static bool
is_said_already(const char *command)
{
    return !strncmp(command, "redistribute ", 13);
}

/* Makes no sense without the one that was refused. */
static bool
is_left_out(const struct job *job)
{
    return job->refused != SIZE_MAX && job->at < job->n - 1
           && !(job->goes_on
                && job->goes_on(job->commands + 1, job->refused,
                                job->at - 1));
}

/* The answer to a command of the first job is complete. */
static bool
job_answer(struct vx_gw_vty *vty, uint8_t status)
{
    struct job *job = vty->jobs;
    bool ok = status == CMD_SUCCESS || status == CMD_SUCCESS_DAEMON
              || (status == CMD_WARNING
                  && is_said_already(job->commands[job->at]));

    if (!ok) {
        if (job->err.code == VX_OK) {
            refused(vty, job, status);
        }
        if (!job->configures || job->at == 0 || job->at == job->n - 1) {
            job->at = job->n - 1;
        } else if (job->refused == SIZE_MAX) {
            job->refused = job->at - 1;
        } else {
            job->at = job->n - 2;       /* out of configuration mode */
        }
    }
    do {
        job->at++;
    } while (is_left_out(job));
    vty->in_flight = false;
    return job->at < job->n || finish_job(vty);
}

static bool
answered(struct vx_gw_vty *vty, uint8_t status)
{
    event_del(vty->limit);
    if (vty->state == ENABLING) {
        if (status != CMD_SUCCESS) {
            vty_fail(vty, VX_UNAVAILABLE, "\"enable\" was refused");
            return false;
        }
        vty->state = UP;
        vty->backoff_ms = BACKOFF_MIN_MS;
        vty->told_down = false;
        enter(vty);
        if (vty->cb.up) {
            vty->cb.up(vty->aux);
        }
        return leave(vty);
    }
    return !vty->in_flight || job_answer(vty, status);
}

/* Takes bytes up to the end of one answer. */
static size_t
take(struct vx_gw_vty *vty, const char *data, size_t size)
{
    size_t n = 0;

    if (!vty->n_end) {
        const char *nul = memchr(data, '\0', size);

        n = nul ? (size_t) (nul - data) : size;
        vx_buf_put(&vty->text, data, n);
    }
    while (n < size && vty->n_end < sizeof vty->end) {
        vty->end[vty->n_end++] = (uint8_t) data[n++];
    }
    return n;
}

static void
readable(struct bufferevent *bev, void *aux)
{
    struct vx_gw_vty *vty = aux;
    struct evbuffer *in = bufferevent_get_input(bev);
    char piece[16384];
    int n;

    while ((n = evbuffer_copyout(in, piece, sizeof piece)) > 0) {
        evbuffer_drain(in, take(vty, piece, (size_t) n));
        if (vty->text.size > VX_GW_VTY_TEXT_MAX) {
            vty_fail(vty, VX_TOO_LARGE, "the answer is too long");
            return;
        }
        if (vty->n_end == sizeof vty->end) {
            vty->n_end = 0;
            if (vty->end[1] || vty->end[2]) {
                vty_fail(vty, VX_UNAVAILABLE, "speaks no VTY protocol");
                return;
            }
            if (!answered(vty, vty->end[3])) {
                return;
            }
            pump(vty);
        }
    }
}

/* The connection is of no more use.  The vty may be gone after this. */
static void
vty_fail(struct vx_gw_vty *vty, enum vx_err_code code, const char *why)
{
    struct timeval tv = ms(vty->backoff_ms);

    vty->state = DOWN;
    event_del(vty->limit);
    if (vty->bev) {
        bufferevent_free(vty->bev);
        vty->bev = NULL;
    }
    if (!vty->is_fixed) {
        event_add(vty->retry, &tv);
        vty->backoff_ms *= 2;
        if (vty->backoff_ms > BACKOFF_MAX_MS) {
            vty->backoff_ms = BACKOFF_MAX_MS;
        }
    }
    if (vty->in_flight) {
        struct job *job = vty->jobs;

        if (job->err.code == VX_OK) {
            const char *command = job->commands[job->at];
            const char *secret = strstr(command, " password ");

            vx_fail(&job->err, code, "", "%s: %s during \"%.*s\"",
                    base_name(vty), why,
                    secret ? (int) (secret + 9 - command) : 300, command);
        }
        if (!finish_job(vty)) {
            return;
        }
    }
    if (!vty->told_down && vty->cb.down) {
        vty->told_down = true;
        enter(vty);
        vty->cb.down(vty->aux, why);
        leave(vty);
    }
}

/* A daemon that hangs is connected to all the same. */
static void
note_gone(struct vx_gw_vty *vty, int error)
{
    vty->is_gone = vty->state == CONNECTING
                   && (error == ECONNREFUSED || error == ENOENT);
}

static void
happened(struct bufferevent *bev, short what, void *aux)
{
    struct vx_gw_vty *vty = aux;
    int error = EVUTIL_SOCKET_ERROR();

    (void) bev;
    if (what & BEV_EVENT_CONNECTED) {
        vty->state = ENABLING;
        vty->is_gone = false;
        send_command(vty, "enable");
    } else if (what & BEV_EVENT_EOF) {
        vty_fail(vty, VX_UNAVAILABLE, "closed the connection");
    } else if (what & BEV_EVENT_ERROR) {
        note_gone(vty, error);
        vty_fail(vty, VX_UNAVAILABLE,
                 error ? strerror(error) : "connection lost");
    }
}

static void
timed_out(evutil_socket_t fd, short events, void *aux)
{
    (void) fd, (void) events;
    vty_fail(aux, VX_TIMEOUT, "no answer in time");
}

static void
connect_now(evutil_socket_t fd, short events, void *aux)
{
    struct vx_gw_vty *vty = aux;
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct timeval tv = ms(vty->timeout_ms);

    (void) fd, (void) events;
    vty->state = CONNECTING;
    if (strlen(vty->path) >= sizeof sun.sun_path) {
        vty_fail(vty, VX_INVALID, "the path of the socket is too long");
        return;
    }
    strcpy(sun.sun_path, vty->path);
    vty->bev = bufferevent_socket_new(vty->base, -1, BEV_OPT_CLOSE_ON_FREE
                                                   | BEV_OPT_DEFER_CALLBACKS);
    if (!vty->bev) {
        vty_fail(vty, VX_UNAVAILABLE, "no socket");
        return;
    }
    bufferevent_setcb(vty->bev, readable, NULL, happened, vty);
    bufferevent_enable(vty->bev, EV_READ | EV_WRITE);
    event_add(vty->limit, &tv);
    if (bufferevent_socket_connect(vty->bev, (struct sockaddr *) &sun,
                                   sizeof sun)) {
        note_gone(vty, errno);
        vty_fail(vty, VX_UNAVAILABLE, strerror(errno));
    }
}

static struct vx_gw_vty *
vty_new(struct event_base *base, const char *path,
        const struct vx_gw_vty_callbacks *callbacks, void *aux)
{
    struct vx_gw_vty *vty = vx_xcalloc(1, sizeof *vty);

    vty->base = base;
    vty->path = vx_xstrdup(path);
    vty->cb = *callbacks;
    vty->aux = aux;
    vty->backoff_ms = BACKOFF_MIN_MS;
    vty->timeout_ms = VX_GW_VTY_TIMEOUT_MS;
    vty->tail = &vty->jobs;
    vty->retry = event_new(base, -1, 0, connect_now, vty);
    vty->limit = event_new(base, -1, 0, timed_out, vty);
    vty->kick = event_new(base, -1, 0, kicked, vty);
    return vty;
}

struct vx_gw_vty *
vx_gw_vty_new(struct event_base *base, const char *path,
              const struct vx_gw_vty_callbacks *callbacks, void *aux)
{
    struct vx_gw_vty *vty = vty_new(base, path, callbacks, aux);

    event_active(vty->retry, EV_TIMEOUT, 0);
    return vty;
}

struct vx_gw_vty *
vx_gw_vty_new_on(struct bufferevent *take_bev, const char *name,
                 const struct vx_gw_vty_callbacks *cb, void *aux)
{
    struct vx_gw_vty *vty = vty_new(bufferevent_get_base(take_bev), name, cb,
                                    aux);

    vty->is_fixed = true;
    vty->bev = take_bev;
    bufferevent_setcb(vty->bev, readable, NULL, happened, vty);
    bufferevent_enable(vty->bev, EV_READ | EV_WRITE);
    vty->state = ENABLING;
    send_command(vty, "enable");
    return vty;
}

void
vx_gw_vty_free(struct vx_gw_vty *vty)
{
    if (!vty) {
        return;
    }
    vty->is_dead = true;
    if (!vty->in_callback) {
        vty_destroy(vty);
    }
}

void
vx_gw_vty_set_timeout(struct vx_gw_vty *vty, unsigned timeout_ms)
{
    vty->timeout_ms = timeout_ms;
}

size_t
vx_gw_vty_refused(const struct vx_gw_vty *vty)
{
    return vty->refused;
}

pid_t
vx_gw_vty_peer(const struct vx_gw_vty *vty)
{
    struct ucred peer = { 0 };
    socklen_t size = sizeof peer;

    if (!vx_gw_vty_is_up(vty)
        || getsockopt(bufferevent_getfd(vty->bev), SOL_SOCKET, SO_PEERCRED,
                      &peer, &size)) {
        return 0;
    }
    return peer.pid;
}

bool
vx_gw_vty_is_gone(const struct vx_gw_vty *vty)
{
    return vty->is_gone;
}

bool
vx_gw_vty_is_up(const struct vx_gw_vty *vty)
{
    return vty->state == UP;
}

static void
put_command(struct job *job, const char *command)
{
    job->commands[job->n++] = vx_xstrdup(command);
}

static void
queue(struct vx_gw_vty *vty, struct job *job)
{
    *vty->tail = job;
    vty->tail = &job->next;
    event_active(vty->kick, EV_TIMEOUT, 0);
}

static struct job *
job_new(size_t n, vx_gw_vty_done *done, void *aux)
{
    struct job *job = vx_xcalloc(1, sizeof *job);

    job->commands = vx_xcalloc(n, sizeof *job->commands);
    job->refused = SIZE_MAX;
    job->done = done;
    job->aux = aux;
    return job;
}

void
vx_gw_vty_ask(struct vx_gw_vty *vty, const char *command,
              vx_gw_vty_done *done, void *aux)
{
    struct job *job = job_new(1, done, aux);

    put_command(job, command);
    queue(vty, job);
}

void
vx_gw_vty_configure(struct vx_gw_vty *vty,
                    const struct vx_gw_vty_commands *commands,
                    vx_gw_vty_done *done, void *aux)
{
    struct job *job = job_new(commands->n + 2, done, aux);

    job->configures = true;
    job->goes_on = commands->goes_on;
    put_command(job, "configure terminal");
    for (size_t i = 0; i < commands->n; i++) {
        put_command(job, commands->commands[i]);
    }
    put_command(job, "end");
    queue(vty, job);
}
