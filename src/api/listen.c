/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets; see listen.h.
 *
 * A unix socket outlives a killed process: the file of one that nobody
 * answers on is replaced, one that answers is somebody's, and a file that is
 * no socket is never touched. */
#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/xalloc.h"

enum { BACKLOG = 1024 };

struct vx_unix_socket {
    struct vx_unix_socket *next;
    char *path;
    dev_t dev;
    ino_t ino;
};

static bool
fail_addr(const char *addr, struct vx_error *err)
{
    return vx_fail(err, VX_INVALID, "api",
                   "\"%.200s\" is no address: write unix:PATH, tcp:IP:PORT "
                   "or tcp:[IPV6]:PORT", addr);
}

static bool
fail_errno(const char *addr, const char *what, struct vx_error *err)
{
    return vx_fail(err, VX_UNAVAILABLE, "api", "cannot %s %.200s: %s", what,
                   addr, strerror(errno));
}

static bool
listen_on(int fd, const char *addr, const struct sockaddr *address,
          socklen_t size, struct vx_error *err)
{
    if (bind(fd, address, size)) {
        return fail_errno(addr, "bind", err);
    }
    return !listen(fd, BACKLOG) || fail_errno(addr, "listen on", err);
}

/* --- Unix sockets. */

static bool
remove_stale(const char *addr, const struct sockaddr_un *un,
             struct vx_error *err)
{
    struct stat st;

    if (lstat(un->sun_path, &st)) {
        return errno == ENOENT || fail_errno(addr, "look at", err);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return vx_fail(err, VX_EXISTS, "api",
                       "%s is there and is no socket", un->sun_path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fail_errno(addr, "open a socket for", err);
    }
    bool alive = !connect(fd, (const void *) un, sizeof *un)
                 || errno == EAGAIN;
    close(fd);
    if (alive) {
        return vx_fail(err, VX_EXISTS, "api",
                       "another process answers on %s", un->sun_path);
    }
    return !unlink(un->sun_path) || errno == ENOENT
           || fail_errno(addr, "remove the stale", err);
}

static void
remember(struct vx_unix_socket **sockets, const char *path)
{
    struct stat st;

    if (!lstat(path, &st)) {
        struct vx_unix_socket *s = vx_xcalloc(1, sizeof *s);
        *s = (struct vx_unix_socket) {
            .next = *sockets, .path = vx_xstrdup(path), .dev = st.st_dev,
            .ino = st.st_ino,
        };
        *sockets = s;
    }
}

static bool
open_unix(const char *addr, const char *path,
          struct vx_unix_socket **sockets, int *ret_fd, struct vx_error *err)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    if (!*path || strlen(path) >= sizeof un.sun_path) {
        return vx_fail(err, VX_INVALID, "api",
                       "the path of a unix socket has 1 to %zu bytes: %.200s",
                       sizeof un.sun_path - 1, addr);
    }
    strcpy(un.sun_path, path);
    if (!remove_stale(addr, &un, err)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail_errno(addr, "open a socket for", err);
    }
    mode_t before = umask(0117);        /* 0660 from the first moment */
    bool ok = listen_on(fd, addr, (const void *) &un, sizeof un, err);
    umask(before);
    if (!ok) {
        close(fd);
        return false;
    }
    remember(sockets, path);
    *ret_fd = fd;
    return true;
}

void
vx_listen_remove_sockets(struct vx_unix_socket **sockets)
{
    struct vx_unix_socket *s;

    while ((s = *sockets)) {
        struct stat st;
        *sockets = s->next;
        if (!lstat(s->path, &st) && st.st_dev == s->dev
            && st.st_ino == s->ino) {
            unlink(s->path);
        }
        free(s->path);
        free(s);
    }
}

/* --- TCP. */

/* "192.0.2.1:80", "[2001:db8::1]:80" */
static bool
parse_tcp(const char *text, struct sockaddr_storage *ret_ss,
          socklen_t *ret_size)
{
    char host[VX_IP_STRLEN + 2], *bare = host;
    const char *colon = strrchr(text, ':');
    size_t size = colon ? (size_t) (colon - text) : 0, n_digits;
    struct vx_ip ip;

    n_digits = colon ? strspn(colon + 1, "0123456789") : 0;
    if (!size || size >= sizeof host || !n_digits || n_digits > 5
        || colon[1 + n_digits] || atoi(colon + 1) > 65535) {
        return false;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    if (host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        bare++;
    }
    if (!vx_ip_parse(bare, &ip) || (ip.family == 6) != (bare != host)) {
        return false;
    }
    memset(ret_ss, 0, sizeof *ret_ss);
    in_port_t port = htons((uint16_t) atoi(colon + 1));
    if (ip.family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *) ret_ss;
        in->sin_family = AF_INET;
        in->sin_port = port;
        memcpy(&in->sin_addr, ip.b, 4);
        *ret_size = sizeof *in;
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) ret_ss;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = port;
        memcpy(&in6->sin6_addr, ip.b, 16);
        *ret_size = sizeof *in6;
    }
    return true;
}

static bool
open_tcp(const char *addr, int *ret_fd, struct vx_error *err)
{
    struct sockaddr_storage ss;
    socklen_t size;
    int one = 1;

    if (!parse_tcp(addr + 4, &ss, &size)) {
        return fail_addr(addr, err);
    }
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail_errno(addr, "open a socket for", err);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!listen_on(fd, addr, (const void *) &ss, size, err)) {
        close(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}

bool
vx_listen_open(const char *addr, struct vx_unix_socket **sockets,
               int *ret_fd, struct vx_error *err)
{
    if (!strncmp(addr, "unix:", 5)) {
        return open_unix(addr, addr + 5, sockets, ret_fd, err);
    }
    if (!strncmp(addr, "tcp:", 4)) {
        return open_tcp(addr, ret_fd, err);
    }
    return fail_addr(addr, err);
}

unsigned
vx_listen_port(int fd)
{
    struct sockaddr_storage ss;
    socklen_t size = sizeof ss;

    if (getsockname(fd, (void *) &ss, &size)) {
        return 0;
    }
    return ss.ss_family == AF_INET
               ? ntohs(((struct sockaddr_in *) &ss)->sin_port)
           : ss.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *) &ss)->sin6_port)
               : 0;
}
