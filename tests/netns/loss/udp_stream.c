/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of small UDP packets at a constant rate, to measure loss with.
 *
 *   udp_stream receive PORT [NETNS]
 *   udp_stream send IP PORT INTERVAL_US [NETNS]
 *
 * The sender keeps to a schedule of absolute times and says how late it was:
 * a packet that could not be sent in time is sent late, one that the kernel
 * refuses counts as sent, and no number is ever left out.  The receiver marks
 * every number it has seen; times are the kernel's, taken when the packet
 * came in, not when the receiver got round to read it.
 *
 * Both run until SIGTERM or SIGINT and print one line of JSON then; the
 * receiver prints one on every SIGUSR1 as well, and "ready" when it listens.
 *
 * NETNS is where the machine moves to on SIGUSR2, and back on the next one:
 * from then on it sends from there, and what still arrives at the place it
 * has left does not count as received.
 *
 * Losses are for the caller to compute: sent minus the distinct numbers. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAGIC = 0x76786c73,
    NUMBERS_MAX = 1 << 23,      /* over two hours at 1 ms */
    ROOM = 8 << 20,             /* bytes of socket buffer */
    HOLES_MAX = 64,             /* runs of lost numbers that are printed */
};

struct payload {
    uint32_t magic, number;
    uint8_t filling[56];
};

static int64_t
to_us(const struct timespec *ts)
{
    return (int64_t) ts->tv_sec * 1000000 + ts->tv_nsec / 1000;
}

static int
die(const char *what)
{
    fprintf(stderr, "udp_stream: %s: %s\n", what, strerror(errno));
    return 1;
}

/* Ahead of everybody else on a busy machine, where that is allowed. */
static bool
hurry(void)
{
    struct sched_param param = { .sched_priority = 20 };

    mlockall(MCL_CURRENT | MCL_FUTURE);
    prctl(PR_SET_TIMERSLACK, 1);
    return !sched_setscheduler(0, SCHED_FIFO, &param);
}

/* A UDP socket here, and one in the other namespace or -1. */
static bool
open_sockets(const char *netns, int ret_fds[2])
{
    int there;

    ret_fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
    ret_fds[1] = -1;
    if (!netns) {
        return ret_fds[0] >= 0;
    }
    there = open(netns, O_RDONLY);
    if (there < 0 || setns(there, CLONE_NEWNET)) {
        return false;
    }
    ret_fds[1] = socket(AF_INET, SOCK_DGRAM, 0);
    return ret_fds[0] >= 0 && ret_fds[1] >= 0;
}

/* --- Sender. */

static volatile sig_atomic_t stopped, moved;

static void
stop(int number)
{
    (void) number;
    stopped = 1;
}

static void
move(int number)
{
    (void) number;
    moved ^= 1;
}

static int
send_stream(const char *ip, uint16_t port, int64_t interval_us,
            const char *netns)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port) };
    struct payload payload = { .magic = htonl(MAGIC) };
    int64_t late_max = 0, first;
    uint32_t n = 0, n_late = 0, n_refused = 0;
    struct sigaction action = { .sa_handler = stop };
    struct sigaction on_move = { .sa_handler = move };
    bool first_in_line = hurry();
    struct timespec at, now;
    int fds[2];

    if (!open_sockets(netns, fds)
        || inet_pton(AF_INET, ip, &to.sin_addr) != 1) {
        return die(ip);
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR2, &on_move, NULL);
    clock_gettime(CLOCK_REALTIME, &now);
    first = to_us(&now);
    clock_gettime(CLOCK_MONOTONIC, &at);
    while (!stopped && n < NUMBERS_MAX) {
        int64_t late;

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL)
               == EINTR && !stopped) {
        }
        if (stopped) {
            break;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        late = to_us(&now) - to_us(&at);
        late_max = late > late_max ? late : late_max;
        n_late += late > interval_us;
        payload.number = htonl(n++);
        n_refused += sendto(fds[moved], &payload, sizeof payload, 0,
                            (struct sockaddr *) &to, sizeof to) < 0;
        at.tv_nsec += interval_us * 1000;
        at.tv_sec += at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
    }
    printf("{\"sent\":%u,\"refused\":%u,\"late\":%u,\"late_max_us\":%jd,"
           "\"first_us\":%jd,\"realtime\":%s}\n", n, n_refused, n_late,
           (intmax_t) late_max, (intmax_t) first,
           first_in_line ? "true" : "false");
    return 0;
}

/* --- Receiver. */

struct seen {
    uint8_t *marks;             /* by number */
    uint32_t n, n_twice, n_reordered, n_foreign, n_left;
    int64_t highest;            /* number, -1: none */
    int64_t last_us;            /* when the last one came, 0: none */
    int64_t gap_us, gap_at_us;  /* the longest, and when it began */
    uint32_t gap_after;         /* number before it */
};

/* Drops of the socket itself would be the receiver's fault. */
static uint32_t
socket_drops(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = { 0 };
    socklen_t size = sizeof info;

    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) ? 0
           : info[SK_MEMINFO_DROPS];
}

static void
print_seen(const struct seen *seen, int fd)
{
    uint32_t n_holes = 0;

    printf("{\"received\":%u,\"twice\":%u,\"reordered\":%u,\"foreign\":%u,"
           "\"highest\":%jd,\"gap_us\":%jd,\"gap_at_us\":%jd,"
           "\"gap_after\":%u,\"left\":%u,\"socket_drops\":%u,\"holes\":[",
           seen->n, seen->n_twice, seen->n_reordered, seen->n_foreign,
           (intmax_t) seen->highest, (intmax_t) seen->gap_us,
           (intmax_t) seen->gap_at_us, seen->gap_after, seen->n_left,
           socket_drops(fd));
    for (int64_t i = 0; i <= seen->highest && n_holes < HOLES_MAX; i++) {
        int64_t from = i;

        while (i <= seen->highest && !seen->marks[i]) {
            i++;
        }
        if (i > from) {
            printf("%s[%jd,%jd]", n_holes++ ? "," : "", (intmax_t) from,
                   (intmax_t) (i - from));
        }
    }
    printf("]}\n");
    fflush(stdout);
}

static void
take(struct seen *seen, uint32_t number, int64_t now_us)
{
    if (seen->last_us && now_us - seen->last_us > seen->gap_us) {
        seen->gap_us = now_us - seen->last_us;
        seen->gap_at_us = seen->last_us;
        seen->gap_after = (uint32_t) seen->highest;
    }
    seen->last_us = now_us;
    if (seen->marks[number]) {
        seen->n_twice++;
        return;
    }
    seen->marks[number] = 1;
    seen->n++;
    if (number < seen->highest) {
        seen->n_reordered++;
    } else {
        seen->highest = number;
    }
}

/* Reads all there is; counts it, unless nobody is there any more. */
static void
receive_some(int fd, bool is_left, struct seen *seen)
{
    struct payload payload;
    struct iovec iov = { &payload, sizeof payload };
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr align;
    } control;

    for (;;) {
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
        ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        struct timespec at;

        if (n < 0) {
            return;
        }
        if (n != sizeof payload || ntohl(payload.magic) != MAGIC
            || ntohl(payload.number) >= NUMBERS_MAX) {
            seen->n_foreign++;
            continue;
        }
        if (is_left) {
            seen->n_left++;
            continue;
        }
        if (cmsg && cmsg->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&at, CMSG_DATA(cmsg), sizeof at);
        } else {
            clock_gettime(CLOCK_REALTIME, &at);
        }
        take(seen, ntohl(payload.number), to_us(&at));
    }
}

/* Answers a signal; false if it was the last. */
static bool
handle_signal(int signals, const int fds[2], struct seen *seen, int *here)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof info) != sizeof info) {
        return true;
    }
    receive_some(fds[*here], false, seen);
    if (info.ssi_signo == SIGUSR2) {
        *here ^= 1;
        return true;
    }
    print_seen(seen, fds[0]);
    return info.ssi_signo == SIGUSR1;
}

static bool
listen_at(int fd, uint16_t port)
{
    struct sockaddr_in here = { .sin_family = AF_INET,
                                .sin_port = htons(port) };
    int room = ROOM;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int) { 1 }, sizeof(int));
    return !bind(fd, (struct sockaddr *) &here, sizeof here);
}

static int
receive_stream(uint16_t port, const char *netns)
{
    struct seen seen = { .marks = calloc(NUMBERS_MAX, 1), .highest = -1 };
    struct pollfd polled[3] = { { .events = POLLIN }, { .events = POLLIN },
                                { .events = POLLIN } };
    int fds[2], here = 0;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (!seen.marks || !open_sockets(netns, fds) || !listen_at(fds[0], port)
        || (netns && !listen_at(fds[1], port))) {
        return die("receive");
    }
    polled[0].fd = signalfd(-1, &set, 0);
    polled[1].fd = fds[0];
    polled[2].fd = fds[1];      /* poll() passes over -1 */
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        if (poll(polled, 3, -1) < 0 && errno != EINTR) {
            return die("poll");
        }
        if (!polled[0].revents) {
            receive_some(fds[here], false, &seen);
            if (fds[!here] >= 0) {
                receive_some(fds[!here], true, &seen);
            }
        } else if (!handle_signal(polled[0].fd, fds, &seen, &here)) {
            return 0;
        }
    }
}

int
main(int argc, char **argv)
{
    if ((argc == 3 || argc == 4) && !strcmp(argv[1], "receive")) {
        return receive_stream((uint16_t) atoi(argv[2]), argv[3]);
    }
    if ((argc == 5 || argc == 6) && !strcmp(argv[1], "send")
        && atoi(argv[4]) > 0) {
        return send_stream(argv[2], (uint16_t) atoi(argv[3]), atoi(argv[4]),
                           argv[5]);
    }
    fprintf(stderr, "usage: udp_stream receive PORT [NETNS]\n"
            "       udp_stream send IP PORT INTERVAL_US [NETNS]\n");
    return 2;
}
