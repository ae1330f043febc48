/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP to the controller: where it is, and what its replies mean;
 * shell/curl.h carries it out.
 *
 * No callback runs inside a call of this header. */
#ifndef VX_GATEWAY_HTTP_H
#define VX_GATEWAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct event_base;
struct vx_gw_http;
struct vx_gw_request;

/* addr: unix:PATH, tcp:IP:PORT or tls:IP:PORT (IPv6 in brackets); ca: file of
 * certificates for tls:, NULL = the system's.  Does not connect.  NULL with
 * err (VX_INVALID) if it is no address. */
struct vx_gw_http *vx_gw_http_new(struct event_base *base, const char *addr,
                                  const char *ca, struct vx_error *err);
/* Requests end without a callback.  Not from inside one.  NULL is fine. */
void vx_gw_http_free(struct vx_gw_http *http);

struct vx_gw_request_spec {
    const char *path;           /* with query, escaped */
    const char *body;           /* of a POST; NULL = GET */
    unsigned timeout_s;         /* of the whole; of a stream (data given): so
                                 * long without a byte */
    /* Bytes of a 2xx reply as they come; false ends it.  NULL: they are
     * dropped. */
    bool (*data)(void *aux, const char *data, size_t size);
    /* The end.  status 0: there was no reply; why: one line, "" if it is a
     * 2xx that ended as it should. */
    void (*done)(void *aux, long status, const char *why);
    void *aux;
};

/* The request belongs to http; valid until done or cancelled. */
struct vx_gw_request *vx_gw_http_start(struct vx_gw_http *http,
                                       const struct vx_gw_request_spec *spec);
/* Without a callback.  Not from inside data. */
void vx_gw_http_cancel(struct vx_gw_request *request);      /* NULL is fine */

#endif
