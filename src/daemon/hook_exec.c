/* SPDX-License-Identifier: Apache-2.0 */
/* Executables as children of the loop; see hook_exec.h. */
#include "daemon/hook_exec.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/xalloc.h"

enum { READ_SIZE = 16384, READS_PER_TURN = 4, LOW_PRIORITY = 2 };

struct job {
    struct job *next;
    struct vx_execs *execs;
    pid_t pid;                  /* and process group */
    int fd;                     /* its output, -1 = closed */
    struct event *readable, *timer;
    int64_t timeout_ms;
    bool timed_out, too_long;
    char output[VX_EXEC_OUTPUT_KEPT];
    size_t output_size;         /* bytes kept */
    uint64_t n_output;          /* bytes printed */
    vx_attempt_done *done;
    void *aux;
};

struct vx_execs {
    struct event_base *base;
    struct event *sigchld;
    struct job *jobs;
};

/* --- The end. */

static void
close_output(struct job *job)
{
    if (job->readable) {
        event_free(job->readable);
        job->readable = NULL;
    }
    if (job->fd >= 0) {
        close(job->fd);
        job->fd = -1;
    }
}

static void
job_free(struct job *job)
{
    close_output(job);
    event_free(job->timer);
    free(job);
}

static void
kill_group(const struct job *job, int signal)
{
    if (kill(-job->pid, signal) && errno != ESRCH) {
        vx_log_warn("hook", "cannot end process group %ld: %s",
                    (long) job->pid, strerror(errno));
    }
}

/* Reads what is there, a bounded part of it. */
static bool
read_some(struct job *job)
{
    char buf[READ_SIZE];
    ssize_t n = read(job->fd, buf, sizeof buf);

    if (n <= 0) {
        return false;
    }
    size_t room = sizeof job->output - job->output_size;
    size_t keep = (size_t) n < room ? (size_t) n : room;

    memcpy(job->output + job->output_size, buf, keep);
    job->output_size += keep;
    job->n_output += (uint64_t) n;
    return true;
}

static void
describe(const struct job *job, const siginfo_t *info, char *buf,
         size_t size)
{
    char cut[100] = "";

    if (job->n_output > job->output_size) {
        snprintf(cut, sizeof cut, "; printed %llu bytes, the first %zu kept",
                 (unsigned long long) job->n_output, job->output_size);
    }
    if (job->too_long) {
        snprintf(buf, size, "ended: it printed more than %d bytes%s",
                 VX_EXEC_OUTPUT_MAX, cut);
    } else if (job->timed_out) {
        snprintf(buf, size, "ended: not done after %lld ms%s",
                 (long long) job->timeout_ms, cut);
    } else if (info->si_code == CLD_EXITED) {
        snprintf(buf, size, "exit status %d%s", info->si_status, cut);
    } else {
        snprintf(buf, size, "signal %d%s", info->si_status, cut);
    }
}

/* The leader has ended and is still a zombie, so that its number, which is
 * that of the group, cannot be somebody else's yet. */
static void
reap(struct job *job, const siginfo_t *info)
{
    char result[200];
    struct vx_attempt attempt = {
        .ok = !job->timed_out && !job->too_long
              && info->si_code == CLD_EXITED && !info->si_status,
        .result = result,
    };

    kill_group(job, SIGKILL);
    waitpid(job->pid, NULL, 0);
    for (int i = 0; i < READS_PER_TURN && job->fd >= 0 && read_some(job);
         i++) {
    }
    close_output(job);
    describe(job, info, result, sizeof result);
    attempt.output = job->output;
    attempt.output_size = job->output_size;
    job->done(job->aux, &attempt);
    job_free(job);
}

static void
on_sigchld(evutil_socket_t fd, short what, void *execs_)
{
    struct vx_execs *execs = execs_;
    struct job *ended = NULL, *job;

    (void) fd;
    (void) what;
    for (struct job **p = &execs->jobs; (job = *p);) {
        siginfo_t info = { 0 };

        if (!waitid(P_PID, (id_t) job->pid, &info,
                    WEXITED | WNOHANG | WNOWAIT) && info.si_pid) {
            *p = job->next;
            job->next = ended;
            ended = job;
        } else {
            p = &job->next;
        }
    }
    /* done may start others. */
    while ((job = ended)) {
        siginfo_t info = { 0 };

        ended = job->next;
        waitid(P_PID, (id_t) job->pid, &info, WEXITED | WNOHANG | WNOWAIT);
        reap(job, &info);
    }
}

static void
end_early(struct job *job, int signal)
{
    static const struct timeval grace = {
        VX_EXEC_KILL_MS / 1000, VX_EXEC_KILL_MS % 1000 * 1000
    };

    kill_group(job, signal);
    if (signal != SIGKILL) {
        event_add(job->timer, &grace);
    }
}

static void
on_timer(evutil_socket_t fd, short what, void *job_)
{
    struct job *job = job_;
    bool again = job->timed_out || job->too_long;

    (void) fd;
    (void) what;
    job->timed_out = job->timed_out || !job->too_long;
    end_early(job, again ? SIGKILL : SIGTERM);
}

static void
on_readable(evutil_socket_t fd, short what, void *job_)
{
    struct job *job = job_;

    (void) fd;
    (void) what;
    for (int i = 0; i < READS_PER_TURN; i++) {
        errno = 0;
        if (!read_some(job)) {
            if (errno != EAGAIN && errno != EINTR) {
                close_output(job);      /* it closed its output */
            }
            break;
        }
    }
    if (job->n_output > VX_EXEC_OUTPUT_MAX && !job->too_long) {
        job->too_long = true;
        close_output(job);
        end_early(job, SIGTERM);
    }
}

/* --- The start. */

/* A descriptor above the three standard ones: to move it there is then never
 * a move to itself, which would leave it closed on exec. */
static int
above_two(int fd)
{
    int high = fd >= 0 && fd < 3 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : fd;

    if (high != fd) {
        close(fd);
    }
    return high;
}

static int
memory_file(const char *data, size_t size)
{
    int fd = above_two(memfd_create("vxfabric-event", MFD_CLOEXEC));

    if (fd >= 0 && (write(fd, data, size) != (ssize_t) size
                    || lseek(fd, 0, SEEK_SET))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int
spawn(const struct vx_exec_spec *spec, int in, int out, pid_t *ret_pid)
{
    char *argv[] = { (char *) spec->path, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int status;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP
                                    | POSIX_SPAWN_SETSIGDEF
                                    | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, out, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
    status = posix_spawn(ret_pid, spec->path, &actions, &attr, argv,
                         spec->env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return status;
}

static void
job_new(struct vx_execs *execs, const struct vx_exec_spec *spec, pid_t pid,
        int fd)
{
    struct job *job = vx_xcalloc(1, sizeof *job);
    const struct timeval timeout = {
        spec->timeout_ms / 1000, spec->timeout_ms % 1000 * 1000
    };

    job->execs = execs;
    job->pid = pid;
    job->fd = fd;
    job->timeout_ms = spec->timeout_ms;
    job->done = spec->done;
    job->aux = spec->aux;
    job->readable = event_new(execs->base, fd, EV_READ | EV_PERSIST,
                              on_readable, job);
    event_priority_set(job->readable, LOW_PRIORITY);
    event_add(job->readable, NULL);
    job->timer = event_new(execs->base, -1, 0, on_timer, job);
    event_add(job->timer, &timeout);
    job->next = execs->jobs;
    execs->jobs = job;
}

bool
vx_execs_start(struct vx_execs *execs, const struct vx_exec_spec *spec,
               struct vx_error *err)
{
    int in = memory_file(spec->input, spec->input_size);
    int pipes[2] = { -1, -1 }, status = 0;
    pid_t pid;

    if (in < 0 || pipe2(pipes, O_CLOEXEC)) {
        status = errno;
    } else {
        pipes[0] = above_two(pipes[0]);
        pipes[1] = above_two(pipes[1]);
        fcntl(pipes[0], F_SETFL, O_NONBLOCK);
        status = spawn(spec, in, pipes[1], &pid);
    }
    if (in >= 0) {
        close(in);
    }
    if (pipes[1] >= 0) {
        close(pipes[1]);
    }
    if (status) {
        if (pipes[0] >= 0) {
            close(pipes[0]);
        }
        return vx_fail(err, VX_UNAVAILABLE, "", "cannot run %s: %s",
                       spec->path, strerror(status));
    }
    job_new(execs, spec, pid, pipes[0]);
    return true;
}

/* --- Life. */

struct vx_execs *
vx_execs_new(struct event_base *base)
{
    struct vx_execs *execs = vx_xcalloc(1, sizeof *execs);

    execs->base = base;
    execs->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, execs);
    event_add(execs->sigchld, NULL);
    return execs;
}

void
vx_execs_free(struct vx_execs *execs)
{
    struct job *job;

    if (!execs) {
        return;
    }
    while ((job = execs->jobs)) {
        execs->jobs = job->next;
        kill_group(job, SIGTERM);
        job_free(job);
    }
    event_free(execs->sigchld);
    free(execs);
}
