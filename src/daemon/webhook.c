/* SPDX-License-Identifier: Apache-2.0 */
/* Signed POSTs by libcurl's multi interface; see webhook.h.
 *
 * libcurl says which sockets it wants watched and when it wants to be called;
 * both become libevent events.  HMAC is libcrypto's, which libcurl brings
 * along anyway (both are OpenSSL in Debian). */
#include "daemon/webhook.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/xalloc.h"
#include "vxconfig.h"

enum { REPLY_KEPT = 512, REPLY_MAX = 1024 * 1024 };

struct request {
    struct request *next, **self;
    struct vx_webhooks *webhooks;
    CURL *curl;
    struct curl_slist *headers;
    char *body;
    char error[CURL_ERROR_SIZE];
    char reply[REPLY_KEPT];
    size_t reply_size;          /* bytes kept */
    size_t n_reply;             /* bytes */
    vx_attempt_done *done;
    void *aux;
};

struct vx_webhooks {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct request *requests;
};

/* --- Signature. */

static bool
read_secret(const char *path, char *buf, size_t *ret_size,
            struct vx_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t n = -1;

    if (fd < 0 || fstat(fd, &st)) {
        vx_fail(err, VX_NOT_FOUND, "webhook", "secret file %s: %s", path,
                strerror(errno));
    } else if (!S_ISREG(st.st_mode) || st.st_mode & 0007) {
        vx_fail(err, VX_FORBIDDEN, "webhook", "secret file %s must be a file "
                "that others can neither read nor write: chmod o=", path);
    } else if ((n = read(fd, buf, VX_SECRET_MAX)) < 0) {
        vx_fail(err, VX_UNAVAILABLE, "webhook", "secret file %s: %s", path,
                strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r')) {
        n--;
    }
    if (n >= 0 && n < VX_SECRET_MIN) {
        return vx_fail(err, VX_INVALID, "webhook", "the secret in %s is "
                       "shorter than %d bytes", path, VX_SECRET_MIN);
    }
    *ret_size = n < 0 ? 0 : (size_t) n;
    return n >= 0;
}

bool
vx_webhook_check_secret(const char *path, struct vx_error *err)
{
    char secret[VX_SECRET_MAX];
    size_t size;
    bool ok = read_secret(path, secret, &size, err);

    OPENSSL_cleanse(secret, sizeof secret);
    return ok;
}

void
vx_webhook_sign(const char *secret, size_t secret_size, int64_t timestamp,
                const char *body, char ret_signature[VX_SIGNATURE_SIZE])
{
    struct vx_buf text = VX_BUF_INIT;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    vx_buf_printf(&text, "%" PRId64 ".", timestamp);
    vx_buf_puts(&text, body);
    HMAC(EVP_sha256(), secret, (int) secret_size,
         (const unsigned char *) text.data, text.size, mac, &size);
    vx_buf_fini(&text);
    strcpy(ret_signature, "v1=");
    for (unsigned i = 0; i < size && i < 32; i++) {
        snprintf(ret_signature + 3 + 2 * i, 3, "%02x", mac[i]);
    }
}

/* --- The end of a request. */

static void
request_free(struct request *request)
{
    *request->self = request->next;
    if (request->next) {
        request->next->self = request->self;
    }
    curl_multi_remove_handle(request->webhooks->multi, request->curl);
    curl_easy_cleanup(request->curl);
    curl_slist_free_all(request->headers);
    free(request->body);
    free(request);
}

static void
finish(struct request *request, CURLcode code)
{
    char result[CURL_ERROR_SIZE + 32];
    long status = 0;
    struct vx_attempt attempt = {
        .result = result, .output = request->reply,
        .output_size = request->reply_size,
    };

    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) {
        snprintf(result, sizeof result, "HTTP status %ld", status);
    } else {
        snprintf(result, sizeof result, "%s",
                 request->error[0] ? request->error
                                   : curl_easy_strerror(code));
    }
    attempt.ok = code == CURLE_OK && status >= 200 && status < 300;
    request->done(request->aux, &attempt);
    request_free(request);
}

static void
collect(struct vx_webhooks *webhooks)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(webhooks->multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            CURLcode code = message->data.result;
            char *request = NULL;

            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                              &request);
            finish((struct request *) (void *) request, code);
        }
    }
}

/* --- libcurl on libevent. */

static void
on_socket_ready(evutil_socket_t fd, short what, void *webhooks_)
{
    struct vx_webhooks *webhooks = webhooks_;
    int flags = (what & EV_READ ? CURL_CSELECT_IN : 0)
                | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(webhooks->multi, fd, flags, &running);
    collect(webhooks);
}

static void
on_timer(evutil_socket_t fd, short what, void *webhooks_)
{
    struct vx_webhooks *webhooks = webhooks_;
    int running;

    (void) fd;
    (void) what;
    curl_multi_socket_action(webhooks->multi, CURL_SOCKET_TIMEOUT, 0,
                             &running);
    collect(webhooks);
}

static int
want_socket(CURL *curl, curl_socket_t fd, int what, void *webhooks_,
            void *event_)
{
    struct vx_webhooks *webhooks = webhooks_;
    struct event *event = event_;
    short flags = EV_PERSIST;

    (void) curl;
    if (event) {
        event_free(event);
    }
    if (what == CURL_POLL_REMOVE) {
        return 0;
    }
    flags |= what != CURL_POLL_OUT ? EV_READ : 0;
    flags |= what != CURL_POLL_IN ? EV_WRITE : 0;
    event = event_new(webhooks->base, fd, flags, on_socket_ready, webhooks);
    event_add(event, NULL);
    curl_multi_assign(webhooks->multi, fd, event);
    return 0;
}

static int
want_timer(CURLM *multi, long timeout_ms, void *webhooks_)
{
    struct vx_webhooks *webhooks = webhooks_;
    const struct timeval tv = { timeout_ms / 1000,
                                timeout_ms % 1000 * 1000 };

    (void) multi;
    if (timeout_ms < 0) {
        event_del(webhooks->timer);
    } else {
        event_add(webhooks->timer, &tv);
    }
    return 0;
}

/* --- The start of a request. */

static size_t
on_reply(char *data, size_t one, size_t size, void *request_)
{
    struct request *request = request_;
    size_t room = sizeof request->reply - request->reply_size;
    size_t keep = size < room ? size : room;

    (void) one;
    memcpy(request->reply + request->reply_size, data, keep);
    request->reply_size += keep;
    request->n_reply += size;
    return request->n_reply > REPLY_MAX ? 0 : size;
}

static void
header(struct request *request, const char *name, const char *value)
{
    char *line = vx_xasprintf("%s: %s", name, value);

    request->headers = curl_slist_append(request->headers, line);
    free(line);
}

static void
set_headers(struct request *request, const struct vx_webhook_spec *spec,
            const char *signature)
{
    char number[24];

    header(request, "Content-Type", "application/json");
    header(request, "Expect", "");
    header(request, "X-Vxfabric-Event", spec->event);
    snprintf(number, sizeof number, "%" PRIu64, spec->run);
    header(request, "X-Vxfabric-Run", number);
    snprintf(number, sizeof number, "%u", spec->attempt);
    header(request, "X-Vxfabric-Attempt", number);
    snprintf(number, sizeof number, "%" PRId64, spec->now_s);
    header(request, "X-Vxfabric-Timestamp", number);
    header(request, "X-Vxfabric-Signature", signature);
}

static void
set_options(struct request *request, const struct vx_webhook_spec *spec)
{
    CURL *curl = request->curl;

    curl_easy_setopt(curl, CURLOPT_URL, spec->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "vxfabricd/" PACKAGE_VERSION);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long) spec->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
                     (long) strlen(request->body));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, request->error);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, request);
}

bool
vx_webhooks_start(struct vx_webhooks *webhooks,
                  const struct vx_webhook_spec *spec, struct vx_error *err)
{
    char secret[VX_SECRET_MAX], signature[VX_SIGNATURE_SIZE];
    struct request *request;
    size_t size;

    if (!read_secret(spec->secret_file, secret, &size, err)) {
        return false;
    }
    vx_webhook_sign(secret, size, spec->now_s, spec->body, signature);
    OPENSSL_cleanse(secret, sizeof secret);
    request = vx_xcalloc(1, sizeof *request);
    request->webhooks = webhooks;
    request->curl = curl_easy_init();
    request->body = vx_xstrdup(spec->body);
    request->done = spec->done;
    request->aux = spec->aux;
    request->next = webhooks->requests;
    request->self = &webhooks->requests;
    if (request->next) {
        request->next->self = &request->next;
    }
    webhooks->requests = request;
    set_headers(request, spec, signature);
    set_options(request, spec);
    /* Asks for the timer, so that all goes on from the loop. */
    curl_multi_add_handle(webhooks->multi, request->curl);
    return true;
}

/* --- Life. */

struct vx_webhooks *
vx_webhooks_new(struct event_base *base)
{
    struct vx_webhooks *webhooks = vx_xcalloc(1, sizeof *webhooks);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    webhooks->base = base;
    webhooks->timer = event_new(base, -1, 0, on_timer, webhooks);
    webhooks->multi = curl_multi_init();
    curl_multi_setopt(webhooks->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(webhooks->multi, CURLMOPT_SOCKETDATA, webhooks);
    curl_multi_setopt(webhooks->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(webhooks->multi, CURLMOPT_TIMERDATA, webhooks);
    return webhooks;
}

void
vx_webhooks_free(struct vx_webhooks *webhooks)
{
    if (!webhooks) {
        return;
    }
    while (webhooks->requests) {
        request_free(webhooks->requests);
    }
    curl_multi_cleanup(webhooks->multi);
    event_free(webhooks->timer);
    free(webhooks);
    curl_global_cleanup();
}
