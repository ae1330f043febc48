/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl says which sockets it wants watched and when it wants to be called;
 * both become libevent events.  See http.h. */
#include "gateway/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/xalloc.h"
#include "vxconfig.h"

enum { REFUSAL_KEPT = 400, CONNECT_TIMEOUT_S = 3 };

struct vx_gw_request {
    struct vx_gw_request *next, **self;
    struct vx_gw_http *http;
    CURL *curl;
    struct vx_gw_request_spec spec;
    struct curl_slist *headers;
    char *body;
    char error[CURL_ERROR_SIZE];
    char refusal[REFUSAL_KEPT + 1];     /* what came with a bad status */
    size_t refusal_size;
};

struct vx_gw_http {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct vx_gw_request *requests;
    char *url, *socket_path, *ca;
};

/* --- Addresses. */

static char *
tcp_url(const char *scheme, const char *rest)
{
    const char *colon = strrchr(rest, ':');
    char host[VX_IP_STRLEN + 2];
    struct vx_ip ip;
    size_t length;
    char *end;
    long port;

    if (!colon || colon == rest) {
        return NULL;
    }
    length = (size_t) (colon - rest);
    if (rest[0] == '[' && colon[-1] == ']') {
        rest++;
        length -= 2;
    }
    snprintf(host, sizeof host, "%.*s", (int) length, rest);
    port = strtol(colon + 1, &end, 10);
    if (length >= sizeof host || !vx_ip_parse(host, &ip) || *end
        || colon[1] < '0' || colon[1] > '9' || port < 1 || port > 65535) {
        return NULL;
    }
    return vx_xasprintf(ip.family == 6 ? "%s://[%s]:%ld" : "%s://%s:%ld",
                        scheme, host, port);
}

static char *
url_of(const char *addr)
{
    if (!strncmp(addr, "unix:", 5) && addr[5]) {
        return vx_xstrdup("http://localhost");
    } else if (!strncmp(addr, "tcp:", 4)) {
        return tcp_url("http", addr + 4);
    } else if (!strncmp(addr, "tls:", 4)) {
        return tcp_url("https", addr + 4);
    }
    return NULL;
}

/* --- The end of a request. */

static void
request_free(struct vx_gw_request *request)
{
    *request->self = request->next;
    if (request->next) {
        request->next->self = request->self;
    }
    curl_multi_remove_handle(request->http->multi, request->curl);
    curl_easy_cleanup(request->curl);
    curl_slist_free_all(request->headers);
    free(request->body);
    free(request);
}

void
vx_gw_http_cancel(struct vx_gw_request *request)
{
    if (request) {
        request_free(request);
    }
}

static void
finish(struct vx_gw_request *request, CURLcode code)
{
    const struct vx_gw_request_spec spec = request->spec;
    char why[CURL_ERROR_SIZE + REFUSAL_KEPT + 32] = "";
    long status = 0, number = 0;

    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(request->curl, CURLINFO_OS_ERRNO, &number);
    if (status && (status < 200 || status > 299)) {
        snprintf(why, sizeof why, "HTTP status %ld: %s", status,
                 request->refusal);
    } else if (code == CURLE_COULDNT_CONNECT && number) {
        snprintf(why, sizeof why, "%s", strerror((int) number));
    } else if (code != CURLE_OK) {
        snprintf(why, sizeof why, "%s",
                 request->error[0] ? request->error
                                   : curl_easy_strerror(code));
    }
    request_free(request);
    spec.done(spec.aux, status, why);
}

/* A callback may free http: what it was told is not looked at again. */
static void
collect(struct vx_gw_http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            CURLcode code = message->data.result;
            char *request = NULL;

            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                              &request);
            finish((struct vx_gw_request *) (void *) request, code);
        }
    }
}

/* --- libcurl on libevent. */

static void
on_socket_ready(evutil_socket_t fd, short what, void *http_)
{
    struct vx_gw_http *http = http_;
    int flags = (what & EV_READ ? CURL_CSELECT_IN : 0)
                | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(http->multi, fd, flags, &running);
    collect(http);
}

static void
on_timer(evutil_socket_t fd, short what, void *http_)
{
    struct vx_gw_http *http = http_;
    int running;

    (void) fd;
    (void) what;
    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(http);
}

static int
want_socket(CURL *curl, curl_socket_t fd, int what, void *http_,
            void *event_)
{
    struct vx_gw_http *http = http_;
    struct event *event = event_;
    short flags = EV_PERSIST;

    (void) curl;
    if (event) {
        event_free(event);
    }
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(http->multi, fd, NULL);
        return 0;
    }
    flags |= what != CURL_POLL_OUT ? EV_READ : 0;
    flags |= what != CURL_POLL_IN ? EV_WRITE : 0;
    event = event_new(http->base, fd, flags, on_socket_ready, http);
    event_add(event, NULL);
    curl_multi_assign(http->multi, fd, event);
    return 0;
}

static int
want_timer(CURLM *multi, long timeout_ms, void *http_)
{
    struct vx_gw_http *http = http_;
    const struct timeval tv = { timeout_ms / 1000,
                                timeout_ms % 1000 * 1000 };

    (void) multi;
    if (timeout_ms < 0) {
        event_del(http->timer);
    } else {
        event_add(http->timer, &tv);
    }
    return 0;
}

/* --- The start of a request. */

static size_t
on_reply(char *data, size_t one, size_t size, void *request_)
{
    struct vx_gw_request *request = request_;
    long status = 0;

    (void) one;
    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) {
        return !request->spec.data
               || request->spec.data(request->spec.aux, data, size) ? size
                                                                    : 0;
    }
    for (size_t i = 0; i < size && request->refusal_size < REFUSAL_KEPT;
         i++) {
        char c = data[i] == '\n' ? ' ' : data[i];

        request->refusal[request->refusal_size++] = c;
    }
    return size;
}

static void
set_options(struct vx_gw_request *request)
{
    const struct vx_gw_request_spec *spec = &request->spec;
    struct vx_gw_http *http = request->http;
    CURL *curl = request->curl;
    char *url = vx_xasprintf("%s%s", http->url, spec->path);

    curl_easy_setopt(curl, CURLOPT_URL, url);
    free(url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT,
                     "vxgatewayd/" PACKAGE_VERSION);
    if (http->socket_path) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, http->socket_path);
    }
    if (http->ca) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, http->ca);
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long) CONNECT_TIMEOUT_S);
    if (spec->data) {
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                         (long) spec->timeout_s);
    } else {
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long) spec->timeout_s);
    }
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
                         (long) strlen(request->body));
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, request->error);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, request);
}

struct vx_gw_request *
vx_gw_http_start(struct vx_gw_http *http,
                 const struct vx_gw_request_spec *spec)
{
    struct vx_gw_request *request = vx_xcalloc(1, sizeof *request);

    request->http = http;
    request->spec = *spec;
    request->curl = curl_easy_init();
    if (!request->curl) {
        abort();                    /* out of memory */
    }
    request->headers = curl_slist_append(NULL, "Expect:");
    if (spec->body) {
        request->body = vx_xstrdup(spec->body);
        request->headers = curl_slist_append(request->headers,
                                             "Content-Type: "
                                             "application/json");
    }
    request->next = http->requests;
    request->self = &http->requests;
    if (request->next) {
        request->next->self = &request->next;
    }
    http->requests = request;
    set_options(request);
    request->spec.path = request->spec.body = NULL;     /* borrowed */
    /* Asks for the timer, so that all goes on from the loop. */
    curl_multi_add_handle(http->multi, request->curl);
    return request;
}

/* --- Life. */

struct vx_gw_http *
vx_gw_http_new(struct event_base *base, const char *addr, const char *ca,
               struct vx_error *err)
{
    struct vx_gw_http *http;
    char *url = url_of(addr);

    if (!url) {
        vx_fail(err, VX_INVALID, "server", "controller \"%.100s\" is not "
                "unix:PATH, tcp:IP:PORT or tls:IP:PORT", addr);
        return NULL;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    http = vx_xcalloc(1, sizeof *http);
    http->base = base;
    http->url = url;
    http->socket_path = addr[0] == 'u' ? vx_xstrdup(addr + 5) : NULL;
    http->ca = ca ? vx_xstrdup(ca) : NULL;
    http->timer = event_new(base, -1, 0, on_timer, http);
    http->multi = curl_multi_init();
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    return http;
}

void
vx_gw_http_free(struct vx_gw_http *http)
{
    if (!http) {
        return;
    }
    while (http->requests) {
        request_free(http->requests);
    }
    curl_multi_cleanup(http->multi);
    event_free(http->timer);
    free(http->url);
    free(http->socket_path);
    free(http->ca);
    free(http);
    curl_global_cleanup();
}
