/* SPDX-License-Identifier: Apache-2.0 */
/* Tells webhooks: HTTP POST of the event, signed, beside the loop
 * (shell/curl.h).
 *
 *     POST /path
 *     Content-Type: application/json
 *     X-Vxfabric-Event: host-active
 *     X-Vxfabric-Run: 17              the same at every attempt
 *     X-Vxfabric-Attempt: 1
 *     X-Vxfabric-Timestamp: 1764000000
 *     X-Vxfabric-Signature: v1=HEX    HMAC-SHA256, key: the secret file's
 *                                     content, of "TIMESTAMP.BODY"
 *
 * The receiver checks the signature, refuses old timestamps, and drops runs
 * it has seen.  2xx is success.  No redirects, no proxy, no cookies. */
#ifndef VX_DAEMON_WEBHOOK_H
#define VX_DAEMON_WEBHOOK_H

#include "daemon/hook_exec.h"

struct event_base;
struct vx_webhooks;

enum {
    VX_SECRET_MIN = 16, VX_SECRET_MAX = 4096,   /* bytes */
    VX_SIGNATURE_SIZE = 68,     /* "v1=", 64 digits, NUL */
};

struct vx_webhooks *vx_webhooks_new(struct event_base *base);
/* What is in flight is cut, its done is not called. */
void vx_webhooks_free(struct vx_webhooks *webhooks);

struct vx_webhook_spec {
    const char *url, *secret_file, *event;
    uint64_t run;
    unsigned attempt;
    const char *body;
    int64_t now_s;              /* wall clock, seconds since the epoch */
    int64_t timeout_ms;
    vx_attempt_done *done;      /* from the loop, once, never from start */
    void *aux;
};

bool vx_webhooks_start(struct vx_webhooks *webhooks,
                       const struct vx_webhook_spec *spec,
                       struct vx_error *err);

/* Whether the file may be used as a secret, and is one. */
bool vx_webhook_check_secret(const char *path, struct vx_error *err);
/* "v1=..." over "TIMESTAMP.BODY". */
void vx_webhook_sign(const char *secret, size_t secret_size,
                     int64_t timestamp, const char *body,
                     char ret_signature[VX_SIGNATURE_SIZE]);

#endif
