/* SPDX-License-Identifier: Apache-2.0 */
/* See process.h. */
#include "shell/process.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/xalloc.h"

enum { N_SIGNALS = 2, NOTE_SIZE = 256 };

struct vx_process {
    struct vx_process_spec spec;
    struct event *signals[N_SIGNALS], *tick, *watchdog;
};

/* --- systemd. */

static void
send_note(const char *path, const char *note)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t length = strlen(path);
    int fd;

    if (!length || length >= sizeof to.sun_path
        || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(to.sun_path, path, length);
    if (path[0] == '@') {
        to.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        sendto(fd, note, strlen(note), MSG_NOSIGNAL,
               (struct sockaddr *) &to,
               (socklen_t) (offsetof(struct sockaddr_un, sun_path)
                            + length));
        close(fd);
    }
}

void
vx_process_notify(const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    char note[NOTE_SIZE];
    va_list args;

    if (path) {
        va_start(args, format);
        vsnprintf(note, sizeof note, format, args);
        va_end(args);
        send_note(path, note);
    }
}

static void
on_watchdog(evutil_socket_t fd, short what, void *process)
{
    (void) fd;
    (void) what;
    (void) process;
    vx_process_notify("WATCHDOG=1");
}

/* Microseconds within which it wants to hear of us; 0 = it does not. */
static int64_t
watchdog_us(void)
{
    const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    long long n = us ? strtoll(us, NULL, 10) : 0;

    return n > 0 && (!pid || strtoll(pid, NULL, 10) == getpid()) ? n : 0;
}

static void
start_watchdog(struct vx_process *process)
{
    const int64_t us = watchdog_us() / 2;
    const struct timeval period = { us / 1000000, us % 1000000 };

    if (us) {
        process->watchdog = event_new(process->spec.base, -1, EV_PERSIST,
                                      on_watchdog, process);
        event_add(process->watchdog, &period);
    }
}

/* --- Signals and the tick. */

static void
on_signal(evutil_socket_t signal, short what, void *process_)
{
    struct vx_process *process = process_;

    (void) what;
    process->spec.stop(process->spec.aux, (int) signal);
    event_base_loopbreak(process->spec.base);
}

static void
on_tick(evutil_socket_t fd, short what, void *process_)
{
    struct vx_process *process = process_;

    (void) fd;
    (void) what;
    process->spec.tick(process->spec.aux);
}

static void
raise_fd_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct vx_process *
vx_process_new(const struct vx_process_spec *spec)
{
    static const int signals[N_SIGNALS] = { SIGTERM, SIGINT };
    static const struct timeval second = { 1, 0 };
    struct vx_process *process = vx_xcalloc(1, sizeof *process);

    process->spec = *spec;
    raise_fd_limit();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < N_SIGNALS; i++) {
        process->signals[i] = evsignal_new(spec->base, signals[i], on_signal,
                                           process);
        event_add(process->signals[i], NULL);
    }
    process->tick = event_new(spec->base, -1, EV_PERSIST, on_tick, process);
    event_add(process->tick, &second);
    start_watchdog(process);
    return process;
}

void
vx_process_free(struct vx_process *process)
{
    if (!process) {
        return;
    }
    for (size_t i = 0; i < N_SIGNALS; i++) {
        event_free(process->signals[i]);
    }
    event_free(process->tick);
    if (process->watchdog) {
        event_free(process->watchdog);
    }
    free(process);
}

bool
vx_process_make_dir(const char *path, unsigned mode, struct vx_error *err)
{
    return !mkdir(path, (mode_t) mode) || errno == EEXIST
           || vx_fail(err, VX_UNAVAILABLE, "", "cannot make directory %s: "
                      "%s", path, strerror(errno));
}
