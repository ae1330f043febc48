/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic of the benchmarks: what a tenant's machines send, and what of it
 * arrives.  Runs inside a machine's namespace; the scripts beside it start it
 * and read its one line of JSON.
 *
 *   traffic sink PORT               takes TCP and UDP at PORT, says "ready";
 *                                   echoes UDP at PORT + 1; until SIGTERM
 *   traffic bulk IP PORT MS MBIT    one TCP stream to a sink for MS, no faster
 *                                   than MBIT (0: as fast as it goes); the
 *                                   rate is what the sink has read
 *   traffic flows IP PORT N PPS SIZE    N UDP datagrams, each a flow of its
 *                                   own (source ports, then destination ports;
 *                                   PORT 0: any of both, far apart); PPS 0: as
 *                                   fast as it goes.  N 0: for ever
 *   traffic flood DEVICE N PPS SIZE frames to the broadcast address, with the
 *                                   addresses that DEVICE has
 *   traffic stream IP PORT MS PPS SIZE   UDP at a constant rate to the echo
 *                                   of the sink at PORT: what came back, and
 *                                   after how long
 *
 * Datagrams of flows and flood are built here and go out through a raw
 * socket: no socket, port or connection per flow, so that the generator costs
 * less than what is measured.  Those that run for ever end on SIGTERM with
 * their line. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 64,
    ROOM = 8 << 20,             /* bytes of socket buffer */
    BATCH = 32,                 /* datagrams of one sendmmsg() */
    FIRST_SOURCE = 2000,        /* source ports of flows */
    N_SOURCES = 60000,
    FRAME_MAX = 1500,
    SAMPLES_MAX = 1 << 20,
};

static volatile sig_atomic_t is_over;

static void
stop(int number)
{
    (void) number;
    is_over = 1;
}

static int
die(const char *what)
{
    fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
    return 1;
}

static int64_t
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static bool
to_address(const char *ip, const char *port, struct sockaddr_in *ret_to)
{
    *ret_to = (struct sockaddr_in) { .sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)
                                                       atoi(port)) };
    return inet_pton(AF_INET, ip, &ret_to->sin_addr) == 1;
}

/* --- Sink. */

struct connection {
    int fd;
    uint64_t n_bytes;
    int64_t first_us, last_us;
};

struct sink {
    struct connection connections[CONNECTIONS_MAX];
    int n_connections, listener, counted, echoed;
};

static int
listen_at(int type, uint16_t port)
{
    struct sockaddr_in here = { .sin_family = AF_INET,
                                .sin_port = htons(port) };
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0), room = ROOM;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int));
    if (type == SOCK_DGRAM) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    }
    if (bind(fd, (struct sockaddr *) &here, sizeof here)
        || (type == SOCK_STREAM && listen(fd, 16))) {
        return -1;
    }
    return fd;
}

static void
take_connection(struct sink *sink)
{
    int fd = accept4(sink->listener, NULL, NULL, SOCK_NONBLOCK);

    if (fd < 0) {
        return;
    }
    if (sink->n_connections == CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    sink->connections[sink->n_connections++] =
        (struct connection) { .fd = fd };
}

/* Reads what there is; false when the connection is over and has its
 * report. */
static bool
read_connection(struct connection *c)
{
    static char room[1 << 18];
    ssize_t n = read(c->fd, room, sizeof room);

    if (n > 0) {
        c->last_us = now_us();
        c->first_us = c->first_us ? c->first_us : c->last_us;
        c->n_bytes += (uint64_t) n;
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    dprintf(c->fd, "{\"bytes\":%ju,\"us\":%jd}\n", (uintmax_t) c->n_bytes,
            (intmax_t) (c->last_us - c->first_us));
    close(c->fd);
    return false;
}

static void
take_datagrams(int fd, bool echo)
{
    char bytes[2048];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t length;

    while ((length = recvfrom(fd, bytes, sizeof bytes, 0,
                              (struct sockaddr *) &from, &size)) >= 0) {
        if (echo) {
            sendto(fd, bytes, (size_t) length, 0, (struct sockaddr *) &from,
                   size);
        }
        size = sizeof from;
    }
}

static void
serve(struct sink *sink)
{
    struct pollfd polled[3 + CONNECTIONS_MAX];

    while (!is_over) {
        const int fixed[] = { sink->listener, sink->counted, sink->echoed };
        int n = sink->n_connections;

        for (int i = 0; i < 3 + n; i++) {
            polled[i] = (struct pollfd) {
                .fd = i < 3 ? fixed[i] : sink->connections[i - 3].fd,
                .events = POLLIN };
        }
        poll(polled, (nfds_t) (3 + n), -1);
        for (int i = n - 1; i >= 0; i--) {
            if (polled[3 + i].revents
                && !read_connection(&sink->connections[i])) {
                sink->connections[i] =
                    sink->connections[--sink->n_connections];
            }
        }
        take_datagrams(sink->echoed, true);
        take_datagrams(sink->counted, false);
        if (polled[0].revents) {
            take_connection(sink);
        }
    }
}

static int
run_sink(const char *port)
{
    static struct sink sink;
    uint16_t number = (uint16_t) atoi(port);

    signal(SIGPIPE, SIG_IGN);
    sink.listener = listen_at(SOCK_STREAM, number);
    sink.counted = listen_at(SOCK_DGRAM, number);
    sink.echoed = listen_at(SOCK_DGRAM, (uint16_t) (number + 1));
    if (sink.listener < 0 || sink.counted < 0 || sink.echoed < 0) {
        return die("sink");
    }
    printf("ready\n");
    fflush(stdout);
    serve(&sink);
    return 0;
}

/* --- One TCP stream. */

static int
run_bulk(char **argv)
{
    static char room[1 << 16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    unsigned int bytes_per_s = (unsigned int) atoi(argv[3]) * 125000u;
    int64_t end;
    struct sockaddr_in to;
    ssize_t n;

    if (bytes_per_s) {
        setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &bytes_per_s,
                   sizeof bytes_per_s);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int) { 1 << 18 },
                   sizeof(int));
    }
    /* A stream that the fabric has stopped ends after a while as well. */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
               &(struct timeval) { .tv_sec = 10 }, sizeof(struct timeval));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO,
               &(struct timeval) { .tv_sec = 20 }, sizeof(struct timeval));
    if (!to_address(argv[0], argv[1], &to)
        || connect(fd, (struct sockaddr *) &to, sizeof to)) {
        return die("connect");
    }
    end = now_us() + atoll(argv[2]) * 1000;
    while (now_us() < end && write(fd, room, sizeof room) > 0) {
    }
    shutdown(fd, SHUT_WR);
    n = read(fd, room, sizeof room);
    if (n <= 0) {
        return die("report of the sink");
    }
    return write(STDOUT_FILENO, room, (size_t) n) == n ? 0 : die("write");
}

/* --- Flows and floods. */

/* Where datagrams go, and how fast. */
struct burst {
    int fd;
    const void *to;
    socklen_t to_size;
    uint64_t n, pps;            /* 0: for ever; as fast as it goes */
    uint64_t n_sent, n_refused;
    size_t size;
};

static void
fill_udp(uint8_t *bytes, size_t size, const struct in_addr ends[2])
{
    struct iphdr *ip = (struct iphdr *) bytes;
    struct udphdr *udp = (struct udphdr *) (ip + 1);
    uint32_t sum = 0;

    memset(bytes, 0, size);
    ip->version = 4;
    ip->ihl = 5;
    ip->ttl = 64;
    ip->protocol = IPPROTO_UDP;
    ip->tot_len = htons((uint16_t) size);
    ip->saddr = ends[0].s_addr;
    ip->daddr = ends[1].s_addr;
    for (int i = 0; i < 10; i++) {
        sum += ((uint16_t *) bytes)[i];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    ip->check = (uint16_t) ~(sum + (sum >> 16));
    udp->len = htons((uint16_t) (size - sizeof *ip));
}

/* A whole batch or nothing: a switch that wakes up for every datagram would
 * be measured waking up. */
static uint64_t
time_allows(const struct burst *burst, int64_t started)
{
    uint64_t due = burst->n_sent + BATCH;

    if (burst->pps) {
        due = (uint64_t) (now_us() - started) * burst->pps / 1000000 + BATCH;
    }
    return due >= burst->n_sent + BATCH ? BATCH : 0;
}

/* next(frame, number) changes what differs from one to the next. */
static void
send_burst(struct burst *burst, const uint8_t *model,
           void (*next)(uint8_t *, uint64_t))
{
    static uint8_t bytes[BATCH][FRAME_MAX];
    struct mmsghdr messages[BATCH];
    struct iovec iovs[BATCH];
    int64_t started = now_us();

    for (int i = 0; i < BATCH; i++) {
        memcpy(bytes[i], model, burst->size);
        iovs[i] = (struct iovec) { bytes[i], burst->size };
        messages[i] = (struct mmsghdr) { .msg_hdr = {
            .msg_name = (void *) burst->to, .msg_namelen = burst->to_size,
            .msg_iov = &iovs[i], .msg_iovlen = 1 } };
    }
    while (!is_over && (!burst->n || burst->n_sent < burst->n)) {
        uint64_t n = time_allows(burst, started);
        int done;

        if (!n) {
            clock_nanosleep(CLOCK_MONOTONIC, 0,
                            &(struct timespec) { .tv_nsec = 100000 }, NULL);
            continue;
        }
        if (burst->n && n > burst->n - burst->n_sent) {
            n = burst->n - burst->n_sent;
        }
        for (uint64_t i = 0; i < n && next; i++) {
            next(bytes[i], burst->n_sent + i);
        }
        done = sendmmsg(burst->fd, messages, (unsigned int) n, 0);
        if (done <= 0) {
            burst->n_refused++;
            burst->n_sent++;
        } else {
            burst->n_sent += (uint64_t) done;
        }
    }
    printf("{\"sent\":%ju,\"refused\":%ju,\"us\":%jd}\n",
           (uintmax_t) burst->n_sent, (uintmax_t) burst->n_refused,
           (intmax_t) (now_us() - started));
}

static uint16_t flows_port;

static void
next_flow(uint8_t *bytes, uint64_t number)
{
    struct udphdr *udp = (struct udphdr *) (bytes + sizeof(struct iphdr));

    if (!flows_port) {
        /* Odd factor: no pair twice in 2^32. */
        uint32_t pair = (uint32_t) number * 2654435761u;

        udp->source = htons((uint16_t) pair);
        udp->dest = htons((uint16_t) (pair >> 16));
        return;
    }
    udp->source = htons((uint16_t) (FIRST_SOURCE + number % N_SOURCES));
    udp->dest = htons((uint16_t) (flows_port + number / N_SOURCES));
}

/* Own address of packets to there. */
static bool
source_of(const struct sockaddr_in *to, struct in_addr *ret_source)
{
    struct sockaddr_in here;
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool ok = !connect(fd, (const struct sockaddr *) to, sizeof *to)
              && !getsockname(fd, (struct sockaddr *) &here, &size);

    close(fd);
    if (ok) {
        *ret_source = here.sin_addr;
    }
    return ok;
}

static int
run_flows(char **argv)
{
    uint8_t model[FRAME_MAX];
    struct sockaddr_in to;
    struct burst burst = { .fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW),
                           .to = &to, .to_size = sizeof to,
                           .n = strtoull(argv[2], NULL, 10),
                           .pps = strtoull(argv[3], NULL, 10),
                           .size = (size_t) atoi(argv[4]) };
    struct in_addr ends[2];

    if (burst.size < 46 || burst.size > sizeof model) {
        errno = EINVAL;
        return die("size");
    }
    if (burst.fd < 0 || !to_address(argv[0], argv[1], &to)
        || !source_of(&to, &ends[0])) {
        return die(argv[0]);
    }
    ends[1] = to.sin_addr;
    flows_port = ntohs(to.sin_port);
    to.sin_port = 0;
    fill_udp(model, burst.size, ends);
    send_burst(&burst, model, next_flow);
    return 0;
}

static bool
ask_device(int fd, const char *device, uint8_t mac[6],
           struct in_addr *ret_address)
{
    struct ifreq request = { 0 };

    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl(fd, SIOCGIFHWADDR, &request)) {
        return false;
    }
    memcpy(mac, request.ifr_hwaddr.sa_data, 6);
    if (ioctl(fd, SIOCGIFADDR, &request)) {
        return false;
    }
    *ret_address = ((struct sockaddr_in *) &request.ifr_addr)->sin_addr;
    return true;
}

static int
run_flood(char **argv)
{
    uint8_t model[FRAME_MAX] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6,
                              .sll_ifindex = (int) if_nametoindex(argv[0]) };
    struct burst burst = { .fd = socket(AF_PACKET, SOCK_RAW, 0),
                           .to = &to, .to_size = sizeof to,
                           .n = strtoull(argv[1], NULL, 10),
                           .pps = strtoull(argv[2], NULL, 10),
                           .size = (size_t) atoi(argv[3]) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct in_addr ends[2] = { { 0 }, { INADDR_BROADCAST } };

    if (burst.size < 60 || burst.size > sizeof model) {
        errno = EINVAL;
        return die("size");
    }
    if (burst.fd < 0 || !ask_device(fd, argv[0], model + 6, &ends[0])) {
        return die(argv[0]);
    }
    model[12] = 0x08;
    fill_udp(model + 14, burst.size - 14, ends);
    model[14 + sizeof(struct iphdr) + 3] = 9;      /* discard */
    send_burst(&burst, model, NULL);
    return 0;
}

/* --- A stream at a constant rate, and its echo. */

struct stream {
    int fd;
    uint32_t n_sent, n_back, n_late, n_refused;
    uint32_t latencies_us[SAMPLES_MAX];
};

struct stamp {
    uint32_t magic, number;
    int64_t sent_us;
};

enum { MAGIC = 0x76787374 };

static void
take_echoes(struct stream *stream)
{
    uint8_t bytes[2048];
    struct stamp stamp;

    while (recv(stream->fd, bytes, sizeof bytes, MSG_DONTWAIT)
           >= (ssize_t) sizeof stamp) {
        memcpy(&stamp, bytes, sizeof stamp);
        if (stamp.magic == MAGIC && stream->n_back < SAMPLES_MAX) {
            stream->latencies_us[stream->n_back++] =
                (uint32_t) (now_us() - stamp.sent_us);
        }
    }
}

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

    return x < y ? -1 : x > y;
}

static uint32_t
quantile(const struct stream *stream, double part)
{
    uint32_t n = stream->n_back;
    uint32_t at = (uint32_t) (part * n);

    return n ? stream->latencies_us[at < n ? at : n - 1] : 0;
}

static void
hurry(void)
{
    struct sched_param param = { .sched_priority = 20 };

    mlockall(MCL_CURRENT | MCL_FUTURE);
    prctl(PR_SET_TIMERSLACK, 1);
    sched_setscheduler(0, SCHED_FIFO, &param);
}

static void
pump(struct stream *stream, const int64_t span_us, uint32_t pps, size_t size)
{
    uint8_t bytes[FRAME_MAX] = { 0 };
    int64_t started = now_us();
    struct pollfd polled = { .fd = stream->fd, .events = POLLIN };

    while (!is_over) {
        int64_t now = now_us();
        int64_t due = started + (int64_t) stream->n_sent * 1000000 / pps;

        if (now - started > span_us) {
            break;
        }
        if (now < due) {
            struct timespec wait = { 0, (due - now) * 1000 };

            ppoll(&polled, 1, &wait, NULL);
            take_echoes(stream);
            continue;
        }
        stream->n_late += now - due > 1000;
        struct stamp stamp = { MAGIC, stream->n_sent++, now };
        memcpy(bytes, &stamp, sizeof stamp);
        stream->n_refused += send(stream->fd, bytes, size, 0) < 0;
    }
}

static int
run_stream(char **argv)
{
    static struct stream stream;
    int room = ROOM, span_ms = atoi(argv[2]);
    uint32_t pps = (uint32_t) atoi(argv[3]);
    size_t size = (size_t) atoi(argv[4]);
    struct sockaddr_in to;
    int64_t end;

    hurry();
    stream.fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(stream.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    setsockopt(stream.fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    if (!pps || size < sizeof(struct stamp) || size > FRAME_MAX - 28
        || (uint64_t) pps * (uint64_t) span_ms / 1000 >= SAMPLES_MAX) {
        errno = EINVAL;
        return die("stream");
    }
    if (!to_address(argv[0], argv[1], &to)) {
        return die(argv[0]);
    }
    to.sin_port = htons((uint16_t) (ntohs(to.sin_port) + 1));
    if (connect(stream.fd, (struct sockaddr *) &to, sizeof to)) {
        return die(argv[0]);
    }
    pump(&stream, (int64_t) span_ms * 1000, pps, size);
    /* What is later than this does not count as arrived. */
    end = now_us() + 500000;
    while (now_us() < end && stream.n_back < stream.n_sent) {
        struct pollfd polled = { .fd = stream.fd, .events = POLLIN };

        poll(&polled, 1, 50);
        take_echoes(&stream);
    }
    qsort(stream.latencies_us, stream.n_back, sizeof(uint32_t), by_size);
    printf("{\"sent\":%u,\"back\":%u,\"refused\":%u,\"late\":%u,"
           "\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n", stream.n_sent,
           stream.n_back, stream.n_refused, stream.n_late,
           quantile(&stream, 0.5), quantile(&stream, 0.99),
           quantile(&stream, 1));
    return 0;
}

int
main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = stop };

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (argc == 3 && !strcmp(argv[1], "sink")) {
        return run_sink(argv[2]);
    } else if (argc == 6 && !strcmp(argv[1], "bulk")) {
        return run_bulk(argv + 2);
    } else if (argc == 7 && !strcmp(argv[1], "flows")) {
        return run_flows(argv + 2);
    } else if (argc == 6 && !strcmp(argv[1], "flood")) {
        return run_flood(argv + 2);
    } else if (argc == 7 && !strcmp(argv[1], "stream")) {
        return run_stream(argv + 2);
    }
    fprintf(stderr, "usage: traffic sink PORT | bulk IP PORT MS MBIT |\n"
            "       flows IP PORT N PPS SIZE |\n"
            "       flood DEVICE N PPS SIZE |\n"
            "       stream IP PORT MS PPS SIZE\n");
    return 2;
}
