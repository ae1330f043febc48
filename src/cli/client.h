/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP to the controller (libcurl): one connection, one request at a time,
 * everything bounded in time and size. Proxies, redirects and other
 * protocols are off: an address says where to go, and nothing else does. */
#ifndef VX_CLI_CLIENT_H
#define VX_CLI_CLIENT_H 1

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"

enum {
    VX_CLI_TIMEOUT_S = 30,                  /* default of --timeout */
    VX_CLI_RESPONSE_MAX = 64 * 1024 * 1024, /* bytes of a reply */
};

struct vx_cli_client;

struct vx_cli_request {
    const char *method;         /* "GET" */
    const char *path;           /* with query, escaped */
    const char *body;           /* JSON, NULL = none */
    bool if_none_match;         /* If-None-Match: * */
    const char *if_match;       /* revision, NULL = any */
    unsigned extra_s;           /* the server may take so much longer */
    bool any_status;            /* a reply is a reply, whatever its status */
    /* For a stream: called with the bytes of a 2xx reply as they come, no
     * limit in size or total time; false ends it. NULL = collect. */
    bool (*on_data)(void *aux, const char *data, size_t size);
    void *aux;
};

struct vx_cli_response {
    long status;                /* HTTP status, 0 = no reply at all */
    struct vx_buf body;
};

/* addr: unix:PATH or tcp:IP:PORT, tcp:[IP6]:PORT. Does not connect. NULL
 * with err (VX_INVALID) if it is not an address. */
struct vx_cli_client *vx_cli_client_new(const char *addr, unsigned timeout_s,
                                        struct vx_error *err);
void vx_cli_client_free(struct vx_cli_client *client);

/* False: err says what is wrong; with response->status 0 nothing that is a
 * reply of a controller came (VX_UNAVAILABLE; whether a change was made is
 * not known then). A stream that breaks after its start returns true. The
 * caller frees response->body in any case. */
bool vx_cli_client_do(struct vx_cli_client *client,
                      const struct vx_cli_request *request,
                      struct vx_cli_response *response,
                      struct vx_error *err);

#endif
