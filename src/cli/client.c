/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP to the controller; see client.h. */
#include "vxconfig.h"

#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>

#include "lib/addr.h"
#include "lib/xalloc.h"

enum { BUSY_TRIES = 60 };

struct vx_cli_client {
    CURL *curl;
    char *addr;             /* as given, for messages */
    char *socket_path;      /* unix: */
    char *base;             /* "http://127.0.0.1:8080" */
    unsigned timeout_s;
    char curl_error[CURL_ERROR_SIZE];
};

struct transfer {
    struct vx_cli_client *client;
    const struct vx_cli_request *request;
    struct vx_cli_response *response;
    bool too_large, stopped;
};

struct vx_cli_client *
vx_cli_client_new(const char *addr, unsigned timeout_s, struct vx_error *err)
{
    struct vx_cli_client *client;
    char *base;

    if (!strncmp(addr, "tls:", 4)) {
        vx_fail(err, VX_INVALID, "server", "controller \"%.100s\": tls: is "
                "not in this version; use unix:PATH or tcp:IP:PORT", addr);
        return NULL;
    }
    base = vx_addr_url(addr);
    if (!base) {
        vx_fail(err, VX_INVALID, "server", "controller \"%.100s\" is not "
                "unix:PATH, tcp:IP:PORT or tcp:[IP6]:PORT", addr);
        return NULL;
    }
    client = vx_xcalloc(1, sizeof *client);
    client->curl = curl_easy_init();
    if (!client->curl) {
        abort();                    /* out of memory */
    }
    client->addr = vx_xstrdup(addr);
    client->socket_path = addr[0] == 'u' ? vx_xstrdup(addr + 5) : NULL;
    client->base = base;
    client->timeout_s = timeout_s;
    return client;
}

void
vx_cli_client_free(struct vx_cli_client *client)
{
    if (client) {
        curl_easy_cleanup(client->curl);
        free(client->addr);
        free(client->socket_path);
        free(client->base);
        free(client);
    }
}

static size_t
on_body(char *data, size_t one, size_t size, void *aux)
{
    struct transfer *t = aux;
    const struct vx_cli_request *request = t->request;
    long status = 0;

    (void) one;
    curl_easy_getinfo(t->client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (request->on_data && status >= 200 && status < 300) {
        t->stopped = !request->on_data(request->aux, data, size);
        return t->stopped ? 0 : size;
    }
    if (size > VX_CLI_RESPONSE_MAX - t->response->body.size) {
        t->too_large = true;
        return 0;
    }
    vx_buf_put(&t->response->body, data, size);
    return size;
}

static struct curl_slist *
make_headers(const struct vx_cli_request *request)
{
    struct curl_slist *headers = NULL;
    char line[64];

    headers = curl_slist_append(headers, "Expect:");
    if (request->body) {
        headers = curl_slist_append(headers,
                                    "Content-Type: application/json");
    }
    if (request->if_none_match) {
        headers = curl_slist_append(headers, "If-None-Match: *");
    }
    if (request->if_match) {
        snprintf(line, sizeof line, "If-Match: \"%.32s\"", request->if_match);
        headers = curl_slist_append(headers, line);
    }
    return headers;
}

static void
set_options(struct transfer *t, const char *url, struct curl_slist *headers)
{
    struct vx_cli_client *client = t->client;
    const struct vx_cli_request *request = t->request;
    CURL *curl = client->curl;
    long total_s = (long) client->timeout_s + (long) request->extra_s;

    /* Keeps the connection, forgets the options of the last request. */
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "netctl/" PACKAGE_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
    if (client->socket_path) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
                         client->socket_path);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) strlen(request->body));
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
                     (long) client->timeout_s);
    if (request->on_data) {
        /* The server's heartbeats (every 10 s) keep a stream alive. */
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                         total_s < 30 ? 30L : total_s);
    } else {
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, total_s);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
}

static bool
no_reply(const struct transfer *t, CURLcode code, struct vx_error *err)
{
    const struct vx_cli_client *client = t->client;
    const char *why = client->curl_error[0] ? client->curl_error
                                            : curl_easy_strerror(code);
    long number = 0;

    curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT && number) {
        why = strerror((int) number);   /* curl's names a port 80 */
    }

    if (t->too_large) {
        return vx_fail(err, VX_UNAVAILABLE, "", "the reply from %.200s is "
                       "larger than %d bytes: it is no vxfabric controller",
                       client->addr, VX_CLI_RESPONSE_MAX);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        bool get = !strcmp(t->request->method, "GET");

        return vx_fail(err, VX_UNAVAILABLE, "", "no answer from %.200s in "
                       "time%s; --timeout gives it more", client->addr,
                       get ? "" : ": whether the change was made is not "
                       "known, \"show\" tells, and the same command again "
                       "does no harm");
    }
    return vx_fail(err, VX_UNAVAILABLE, "", "no controller at %.200s (%.150s)"
                   "; is vxfabricd running? -s ADDR or $NETCTL_SERVER says "
                   "where", client->addr, why);
}

static enum vx_err_code
code_of(const char *name)
{
    for (int c = VX_OK + 1; c < VX_N_ERR_CODES; c++) {
        if (!strcmp(vx_err_name((enum vx_err_code) c), name)) {
            return (enum vx_err_code) c;
        }
    }
    return VX_INTERNAL;
}

/* {"error":{"code","field","message"}} -> err. */
static bool
refused(const struct transfer *t, struct vx_error *err)
{
    const struct vx_buf *body = &t->response->body;
    cJSON *doc = cJSON_ParseWithLength(vx_buf_str(body), body->size);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(doc, "error");
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(error, "code");
    const cJSON *field = cJSON_GetObjectItemCaseSensitive(error, "field");
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(error, "message");

    if (cJSON_IsString(code) && cJSON_IsString(text)) {
        vx_fail(err, code_of(code->valuestring),
                cJSON_IsString(field) ? field->valuestring : "", "%s",
                text->valuestring);
    } else {
        vx_fail(err, VX_INTERNAL, "", "HTTP status %ld from %.200s without a "
                "reason; is it a vxfabric controller?", t->response->status,
                t->client->addr);
    }
    cJSON_Delete(doc);
    return false;
}

/* A busy controller's queue of connections may be full for a moment: that is
 * no reason to say that there is no controller. */
static CURLcode
perform(struct vx_cli_client *client)
{
    static const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
    CURLcode code = curl_easy_perform(client->curl);

    for (int i = 0; i < BUSY_TRIES && code == CURLE_COULDNT_CONNECT; i++) {
        long number = 0;

        curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &number);
        if (number != EAGAIN) {
            break;
        }
        nanosleep(&pause, NULL);
        code = curl_easy_perform(client->curl);
    }
    return code;
}

bool
vx_cli_client_do(struct vx_cli_client *client,
                 const struct vx_cli_request *request,
                 struct vx_cli_response *response, struct vx_error *err)
{
    struct transfer t = { .client = client, .request = request,
                          .response = response };
    struct curl_slist *headers = make_headers(request);
    char *url = vx_xasprintf("%s%s", client->base, request->path);
    CURLcode code;
    bool done;

    *response = (struct vx_cli_response) { .body = VX_BUF_INIT };
    client->curl_error[0] = '\0';
    set_options(&t, url, headers);
    code = perform(client);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE,
                      &response->status);
    if (response->status >= 300 && !request->any_status) {
        done = refused(&t, err);
    } else if (request->on_data && response->status) {
        done = true;
    } else if (code != CURLE_OK) {
        response->status = 0;
        done = no_reply(&t, code, err);
    } else {
        done = true;
    }
    curl_slist_free_all(headers);
    free(url);
    return done;
}
