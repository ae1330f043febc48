/* SPDX-License-Identifier: Apache-2.0 */
/* Signed POSTs, over shell/curl.h; see webhook.h.  HMAC is libcrypto's, which
 * libcurl brings along anyway (both are OpenSSL in Debian). */
#include "daemon/webhook.h"

#include <errno.h>
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
#include "shell/curl.h"
#include "vxconfig.h"

enum { REPLY_KEPT = 512, REPLY_MAX = 1024 * 1024, WHY_MAX = 300 };

struct request {
    char reply[REPLY_KEPT];
    size_t reply_size;          /* bytes kept */
    size_t n_reply;             /* bytes */
    vx_attempt_done *done;
    void *aux;
};

struct vx_webhooks {
    struct vx_curl *curl;
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

/* --- Requests. */

static bool
on_reply(void *request_, long status, const char *data, size_t size)
{
    struct request *request = request_;
    size_t room = sizeof request->reply - request->reply_size;
    size_t keep = size < room ? size : room;

    (void) status;
    memcpy(request->reply + request->reply_size, data, keep);
    request->reply_size += keep;
    request->n_reply += size;
    return request->n_reply <= REPLY_MAX;
}

static void
on_done(void *request_, const struct vx_curl_end *end)
{
    struct request *request = request_;
    char result[WHY_MAX];
    struct vx_attempt attempt = {
        .ok = !end->why && end->status >= 200 && end->status < 300,
        .result = result, .output = request->reply,
        .output_size = request->reply_size,
    };

    if (end->why) {
        snprintf(result, sizeof result, "%s", end->why);
    } else {
        snprintf(result, sizeof result, "HTTP status %ld", end->status);
    }
    request->done(request->aux, &attempt);
}

bool
vx_webhooks_start(struct vx_webhooks *webhooks,
                  const struct vx_webhook_spec *spec, struct vx_error *err)
{
    char secret[VX_SECRET_MAX], signature[VX_SIGNATURE_SIZE];
    struct request *request;
    char *headers[5];
    size_t size;

    if (!read_secret(spec->secret_file, secret, &size, err)) {
        return false;
    }
    vx_webhook_sign(secret, size, spec->now_s, spec->body, signature);
    OPENSSL_cleanse(secret, sizeof secret);
    headers[0] = vx_xasprintf("X-Vxfabric-Event: %s", spec->event);
    headers[1] = vx_xasprintf("X-Vxfabric-Run: %" PRIu64, spec->run);
    headers[2] = vx_xasprintf("X-Vxfabric-Attempt: %u", spec->attempt);
    headers[3] = vx_xasprintf("X-Vxfabric-Timestamp: %" PRId64, spec->now_s);
    headers[4] = vx_xasprintf("X-Vxfabric-Signature: %s", signature);
    request = vx_xcalloc(1, sizeof *request);
    request->done = spec->done;
    request->aux = spec->aux;
    vx_curl_start(webhooks->curl, &(struct vx_curl_spec) {
        .url = spec->url, .agent = "vxfabricd/" PACKAGE_VERSION,
        .headers = (const char *const *) headers, .n_headers = 5,
        .body = spec->body, .timeout_ms = spec->timeout_ms,
        .data = on_reply, .done = on_done, .gone = free, .aux = request,
    });
    for (size_t i = 0; i < 5; i++) {
        free(headers[i]);
    }
    return true;
}

/* --- Life. */

struct vx_webhooks *
vx_webhooks_new(struct event_base *base)
{
    struct vx_webhooks *webhooks = vx_xcalloc(1, sizeof *webhooks);

    webhooks->curl = vx_curl_new(base);
    return webhooks;
}

void
vx_webhooks_free(struct vx_webhooks *webhooks)
{
    if (webhooks) {
        vx_curl_free(webhooks->curl);
        free(webhooks);
    }
}
