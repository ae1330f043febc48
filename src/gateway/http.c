/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the controller, over shell/curl.h; see http.h. */
#include "gateway/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/xalloc.h"
#include "shell/curl.h"
#include "vxconfig.h"

enum { REFUSAL_KEPT = 400, WHY_MAX = 700, CONNECT_TIMEOUT_MS = 3000 };

struct vx_gw_request {
    struct vx_curl_request *request;
    struct vx_gw_request_spec spec;
    char refusal[REFUSAL_KEPT + 1];     /* what came with a bad status */
    size_t refusal_size;
};

struct vx_gw_http {
    struct vx_curl *curl;
    char *url, *socket_path, *ca;
};

static bool
is_good(long status)
{
    return status >= 200 && status <= 299;
}

static bool
on_data(void *request_, long status, const char *data, size_t size)
{
    struct vx_gw_request *request = request_;

    if (is_good(status)) {
        return !request->spec.data
               || request->spec.data(request->spec.aux, data, size);
    }
    for (size_t i = 0; i < size && request->refusal_size < REFUSAL_KEPT;
         i++) {
        char c = data[i] == '\n' ? ' ' : data[i];

        request->refusal[request->refusal_size++] = c;
    }
    return true;
}

static void
on_done(void *request_, const struct vx_curl_end *end)
{
    struct vx_gw_request *request = request_;
    char why[WHY_MAX] = "";

    if (end->status && !is_good(end->status)) {
        snprintf(why, sizeof why, "HTTP status %ld: %s", end->status,
                 request->refusal);
    } else if (end->connect_errno) {
        snprintf(why, sizeof why, "%s", strerror(end->connect_errno));
    } else if (end->why) {
        snprintf(why, sizeof why, "%s", end->why);
    }
    request->spec.done(request->spec.aux, end->status, why);
}

struct vx_gw_request *
vx_gw_http_start(struct vx_gw_http *http,
                 const struct vx_gw_request_spec *spec)
{
    struct vx_gw_request *request = vx_xcalloc(1, sizeof *request);
    char *url = vx_xasprintf("%s%s", http->url, spec->path);
    const struct vx_curl_spec wire = {
        .url = url, .unix_path = http->socket_path, .ca = http->ca,
        .agent = "vxgatewayd/" PACKAGE_VERSION, .body = spec->body,
        .connect_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = spec->data ? 0 : (int64_t) spec->timeout_s * 1000,
        .idle_s = spec->data ? spec->timeout_s : 0,
        .data = on_data, .done = on_done, .gone = free, .aux = request,
    };

    request->spec = *spec;
    request->spec.path = request->spec.body = NULL;     /* borrowed */
    request->request = vx_curl_start(http->curl, &wire);
    free(url);
    return request;
}

void
vx_gw_http_cancel(struct vx_gw_request *request)
{
    if (request) {
        vx_curl_cancel(request->request);
    }
}

/* --- Life. */

struct vx_gw_http *
vx_gw_http_new(struct event_base *base, const char *addr, const char *ca,
               struct vx_error *err)
{
    struct vx_gw_http *http;
    char *url = vx_addr_url(addr);

    if (!url) {
        vx_fail(err, VX_INVALID, "server", "controller \"%.100s\" is not "
                "unix:PATH, tcp:IP:PORT or tls:IP:PORT", addr);
        return NULL;
    }
    http = vx_xcalloc(1, sizeof *http);
    http->url = url;
    http->socket_path = addr[0] == 'u' ? vx_xstrdup(addr + 5) : NULL;
    http->ca = ca ? vx_xstrdup(ca) : NULL;
    http->curl = vx_curl_new(base);
    return http;
}

void
vx_gw_http_free(struct vx_gw_http *http)
{
    if (!http) {
        return;
    }
    vx_curl_free(http->curl);
    free(http->url);
    free(http->socket_path);
    free(http->ca);
    free(http);
}
