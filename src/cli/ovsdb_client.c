/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking OVSDB client over a unix socket; see ovsdb_client.h. What it reads
 * is bounded in size, depth and time, and it answers echo requests. */
#include "cli/ovsdb_client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/xalloc.h"

enum {
    REPLY_MAX = 8 << 20,    /* bytes of one message */
    DEPTH_MAX = 64,
};

struct vx_ovsdb_client {
    int fd;
    unsigned last_id;
    struct vx_buf in;       /* bytes not yet taken as messages */
};

/* Where the scan for the end of a message is; strings hide brackets. */
struct scan {
    size_t at;
    int depth;
    bool in_string, escaped;
};

struct vx_ovsdb_client *
vx_ovsdb_open(const char *addr, struct vx_error *err)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct vx_ovsdb_client *client;
    int fd;

    if (strncmp(addr, "unix:", 5) || !addr[5]) {
        vx_fail(err, VX_INVALID, "db", "--db: \"%.100s\" is not unix:PATH",
                addr);
        return NULL;
    }
    if (strlen(addr + 5) >= sizeof sun.sun_path) {
        vx_fail(err, VX_INVALID, "db", "--db: the path is over %zu bytes",
                sizeof sun.sun_path - 1);
        return NULL;
    }
    strcpy(sun.sun_path, addr + 5);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &sun, sizeof sun)) {
        vx_fail(err, VX_UNAVAILABLE, "db", "cannot reach Open vSwitch at "
                "%s: %s; is openvswitch-switch installed and running?",
                addr, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    client = vx_xcalloc(1, sizeof *client);
    client->fd = fd;
    return client;
}

void
vx_ovsdb_close(struct vx_ovsdb_client *client)
{
    if (client) {
        close(client->fd);
        vx_buf_fini(&client->in);
        free(client);
    }
}

/* Waits until the socket is ready or the deadline is over. */
static bool
ready(const struct vx_ovsdb_client *client, short events, int64_t deadline,
      struct vx_error *err)
{
    struct pollfd pfd = { .fd = client->fd, .events = events };

    for (;;) {
        int64_t left = deadline - vx_clock_ms();
        int n = left > 0 ? poll(&pfd, 1, (int) left) : 0;

        if (n > 0) {
            return true;
        }
        if (n < 0 && errno != EINTR) {
            return vx_fail(err, VX_INTERNAL, "db", "poll: %s",
                           strerror(errno));
        }
        if (n == 0) {
            return vx_fail(err, VX_TIMEOUT, "db",
                           "ovsdb-server did not answer in time");
        }
    }
}

static bool
send_json(const struct vx_ovsdb_client *client, const cJSON *json,
          int64_t deadline, struct vx_error *err)
{
    char *text = cJSON_PrintUnformatted(json);
    size_t size = text ? strlen(text) : 0, at = 0;
    bool ok = text != NULL;

    while (ok && at < size) {
        ssize_t n = send(client->fd, text + at, size - at,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            at += (size_t) n;
        } else if (errno == EAGAIN || errno == EINTR) {
            ok = ready(client, POLLOUT, deadline, err);
        } else {
            ok = vx_fail(err, VX_UNAVAILABLE, "db", "ovsdb-server: %s",
                         strerror(errno));
        }
    }
    cJSON_free(text);
    return ok;
}

/* True when the message that starts the buffer ends before scan->at. */
static bool
find_end(const struct vx_buf *in, struct scan *scan, struct vx_error *err)
{
    err->code = VX_OK;
    for (; scan->at < in->size; scan->at++) {
        char c = in->data[scan->at];

        if (scan->in_string) {
            scan->in_string = scan->escaped || c != '"';
            scan->escaped = !scan->escaped && c == '\\';
        } else if (c == '"') {
            scan->in_string = true;
        } else if (c == '{' || c == '[') {
            if (++scan->depth > DEPTH_MAX) {
                return vx_fail(err, VX_TOO_LARGE, "db",
                               "ovsdb-server: answer nested too deep");
            }
        } else if ((c == '}' || c == ']') && --scan->depth <= 0) {
            scan->at++;
            return true;
        }
    }
    if (in->size > REPLY_MAX) {
        return vx_fail(err, VX_TOO_LARGE, "db",
                       "ovsdb-server: answer of over %d bytes", REPLY_MAX);
    }
    return false;
}

static bool
read_more(struct vx_ovsdb_client *client, int64_t deadline,
          struct vx_error *err)
{
    char piece[16384];
    ssize_t n;

    if (!ready(client, POLLIN, deadline, err)) {
        return false;
    }
    n = recv(client->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        return vx_fail(err, VX_UNAVAILABLE, "db",
                       "ovsdb-server closed the connection");
    }
    vx_buf_put(&client->in, piece, (size_t) n);
    return true;
}

/* The next message, NULL with err. */
static cJSON *
receive(struct vx_ovsdb_client *client, int64_t deadline,
        struct vx_error *err)
{
    struct scan scan = { 0, 0, false, false };
    cJSON *json;

    while (!find_end(&client->in, &scan, err)) {
        if (err->code != VX_OK || !read_more(client, deadline, err)) {
            return NULL;
        }
    }
    json = cJSON_ParseWithLength(client->in.data, scan.at);
    client->in.size -= scan.at;
    memmove(client->in.data, client->in.data + scan.at,
            client->in.size + 1);
    if (!json) {
        vx_fail(err, VX_INVALID, "db", "ovsdb-server: answer is not JSON");
    }
    return json;
}

static bool
answer_echo(struct vx_ovsdb_client *client, const cJSON *msg,
            int64_t deadline, struct vx_error *err)
{
    cJSON *reply = cJSON_CreateObject();
    bool ok;

    cJSON_AddItemToObject(reply, "id", cJSON_Duplicate(
        cJSON_GetObjectItemCaseSensitive(msg, "id"), true));
    cJSON_AddItemToObject(reply, "result", cJSON_Duplicate(
        cJSON_GetObjectItemCaseSensitive(msg, "params"), true));
    cJSON_AddNullToObject(reply, "error");
    ok = send_json(client, reply, deadline, err);
    cJSON_Delete(reply);
    return ok;
}

/* The reply to request id, NULL with err. Echoes in between are answered. */
static cJSON *
await(struct vx_ovsdb_client *client, unsigned id, int64_t deadline,
      struct vx_error *err)
{
    for (;;) {
        cJSON *msg = receive(client, deadline, err);
        const cJSON *got = cJSON_GetObjectItemCaseSensitive(msg, "id");
        bool ok = msg != NULL;

        if (ok && cJSON_IsNumber(got) && got->valuedouble == id) {
            return msg;
        }
        if (ok && cJSON_GetObjectItemCaseSensitive(msg, "method") && got) {
            ok = answer_echo(client, msg, deadline, err);
        }
        cJSON_Delete(msg);
        if (!ok) {
            return NULL;
        }
    }
}

static bool
fail_with(const cJSON *error, struct vx_error *err)
{
    const char *what = cJSON_GetStringValue(cJSON_IsString(error)
        ? error : cJSON_GetObjectItemCaseSensitive(error, "error"));
    const char *details = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(error, "details"));

    return vx_fail(err, VX_INVALID, "db", "ovsdb-server: %.100s%s%.300s",
                   what ? what : "error", details ? ": " : "",
                   details ? details : "");
}

static bool
check_reply(const cJSON *reply, struct vx_error *err)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(reply, "result");
    const cJSON *one;

    if (error && !cJSON_IsNull(error)) {
        return fail_with(error, err);
    }
    if (!cJSON_IsArray(result)) {
        return vx_fail(err, VX_INVALID, "db",
                       "ovsdb-server: answer without result");
    }
    cJSON_ArrayForEach (one, result) {
        if (cJSON_GetObjectItemCaseSensitive(one, "error")) {
            return fail_with(one, err);
        }
    }
    return true;
}

cJSON *
vx_ovsdb_transact(struct vx_ovsdb_client *client, const cJSON *operations,
                  int timeout_ms, struct vx_error *err)
{
    int64_t deadline = vx_clock_ms() + timeout_ms;
    unsigned id = ++client->last_id;
    cJSON *request = cJSON_CreateObject(), *params, *reply, *result = NULL;
    const cJSON *op;

    cJSON_AddStringToObject(request, "method", "transact");
    cJSON_AddNumberToObject(request, "id", id);
    params = cJSON_AddArrayToObject(request, "params");
    cJSON_AddItemToArray(params, cJSON_CreateString("Open_vSwitch"));
    cJSON_ArrayForEach (op, operations) {
        cJSON_AddItemToArray(params, cJSON_Duplicate(op, true));
    }
    reply = send_json(client, request, deadline, err)
            ? await(client, id, deadline, err) : NULL;
    if (reply && check_reply(reply, err)) {
        result = cJSON_DetachItemFromObjectCaseSensitive(reply, "result");
    }
    cJSON_Delete(reply);
    cJSON_Delete(request);
    return result;
}
