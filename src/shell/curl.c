/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl says which sockets it wants watched and when it wants to be called;
 * both become libevent events.  See curl.h. */
#include "shell/curl.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

struct vx_curl_request {
    struct vx_curl_request *next, **self;
    struct vx_curl *owner;
    CURL *easy;
    struct vx_curl_spec spec;       /* callbacks and aux */
    struct curl_slist *headers;
    char *body;
    char error[CURL_ERROR_SIZE];
};

struct vx_curl {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct vx_curl_request *requests;
};

/* --- The end of a request. */

/* What the caller has is left alone. */
static void
request_free(struct vx_curl_request *request)
{
    *request->self = request->next;
    if (request->next) {
        request->next->self = request->self;
    }
    curl_multi_remove_handle(request->owner->multi, request->easy);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    free(request->body);
    free(request);
}

void
vx_curl_cancel(struct vx_curl_request *request)
{
    if (request) {
        const struct vx_curl_spec spec = request->spec;

        request_free(request);
        if (spec.gone) {
            spec.gone(spec.aux);
        }
    }
}

static void
finish(struct vx_curl_request *request, CURLcode code)
{
    const struct vx_curl_spec spec = request->spec;
    struct vx_curl_end end = { .status = 0 };
    char why[CURL_ERROR_SIZE + 1];
    long number = 0;

    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &end.status);
    if (code == CURLE_COULDNT_CONNECT) {
        curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &number);
        end.connect_errno = (int) number;
    }
    if (code != CURLE_OK) {
        snprintf(why, sizeof why, "%s",
                 request->error[0] ? request->error
                                   : curl_easy_strerror(code));
        end.why = why;
    }
    request_free(request);
    spec.done(spec.aux, &end);
    if (spec.gone) {
        spec.gone(spec.aux);
    }
}

static void
collect(struct vx_curl *curl)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(curl->multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            CURLcode code = message->data.result;
            char *request = NULL;

            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                              &request);
            finish((struct vx_curl_request *) (void *) request, code);
        }
    }
}

/* --- libcurl on libevent. */

static void
on_socket_ready(evutil_socket_t fd, short what, void *curl_)
{
    struct vx_curl *curl = curl_;
    int flags = (what & EV_READ ? CURL_CSELECT_IN : 0)
                | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(curl->multi, fd, flags, &running);
    collect(curl);
}

static void
on_timer(evutil_socket_t fd, short what, void *curl_)
{
    struct vx_curl *curl = curl_;
    int running;

    (void) fd;
    (void) what;
    curl_multi_socket_action(curl->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(curl);
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *curl_,
            void *event_)
{
    struct vx_curl *curl = curl_;
    struct event *event = event_;
    short flags = EV_PERSIST;

    (void) easy;
    if (event) {
        event_free(event);
    }
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(curl->multi, fd, NULL);
        return 0;
    }
    flags |= what != CURL_POLL_OUT ? EV_READ : 0;
    flags |= what != CURL_POLL_IN ? EV_WRITE : 0;
    event = event_new(curl->base, fd, flags, on_socket_ready, curl);
    event_add(event, NULL);
    curl_multi_assign(curl->multi, fd, event);
    return 0;
}

static int
want_timer(CURLM *multi, long timeout_ms, void *curl_)
{
    struct vx_curl *curl = curl_;
    const struct timeval tv = { timeout_ms / 1000,
                                timeout_ms % 1000 * 1000 };

    (void) multi;
    if (timeout_ms < 0) {
        event_del(curl->timer);
    } else {
        event_add(curl->timer, &tv);
    }
    return 0;
}

/* --- The start of a request. */

static size_t
on_reply(char *data, size_t one, size_t size, void *request_)
{
    struct vx_curl_request *request = request_;
    long status = 0;

    (void) one;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return request->spec.data(request->spec.aux, status, data, size) ? size
                                                                     : 0;
}

static void
set_place(CURL *easy, const struct vx_curl_spec *spec)
{
    curl_easy_setopt(easy, CURLOPT_URL, spec->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, spec->agent);
    if (spec->unix_path) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, spec->unix_path);
    }
    if (spec->ca) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, spec->ca);
    }
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long) spec->connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) spec->timeout_ms);
    if (spec->idle_s) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long) spec->idle_s);
    }
}

/* libcurl copies strings, but neither bodies nor lists of headers. */
static void
set_content(struct vx_curl_request *request, const struct vx_curl_spec *spec)
{
    CURL *easy = request->easy;

    request->headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < spec->n_headers; i++) {
        request->headers = curl_slist_append(request->headers,
                                             spec->headers[i]);
    }
    if (spec->body) {
        request->body = vx_xstrdup(spec->body);
        request->headers = curl_slist_append(request->headers,
                                             "Content-Type: "
                                             "application/json");
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE,
                         (long) strlen(request->body));
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
}

struct vx_curl_request *
vx_curl_start(struct vx_curl *curl, const struct vx_curl_spec *spec)
{
    struct vx_curl_request *request = vx_xcalloc(1, sizeof *request);

    request->owner = curl;
    request->spec.data = spec->data;
    request->spec.done = spec->done;
    request->spec.gone = spec->gone;
    request->spec.aux = spec->aux;
    request->easy = curl_easy_init();
    if (!request->easy) {
        abort();                    /* out of memory */
    }
    request->next = curl->requests;
    request->self = &curl->requests;
    if (request->next) {
        request->next->self = &request->next;
    }
    curl->requests = request;
    set_place(request->easy, spec);
    set_content(request, spec);
    /* Asks for the timer, so that all goes on from the loop. */
    curl_multi_add_handle(curl->multi, request->easy);
    return request;
}

/* --- Life. */

struct vx_curl *
vx_curl_new(struct event_base *base)
{
    struct vx_curl *curl = vx_xcalloc(1, sizeof *curl);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl->base = base;
    curl->timer = event_new(base, -1, 0, on_timer, curl);
    curl->multi = curl_multi_init();
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    return curl;
}

void
vx_curl_free(struct vx_curl *curl)
{
    if (!curl) {
        return;
    }
    while (curl->requests) {
        vx_curl_cancel(curl->requests);
    }
    curl_multi_cleanup(curl->multi);
    event_free(curl->timer);
    free(curl);
    curl_global_cleanup();
}
