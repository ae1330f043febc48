/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests beside the loop: libcurl's multi interface on libevent (names
 * are resolved in a thread of libcurl's).  Proxies, redirects, cookies and
 * other protocols are off: an address says where to go, and nothing else
 * does.
 *
 * What a reply means is its caller's.  No callback runs inside a call of this
 * header, but for gone. */
#ifndef VX_SHELL_CURL_H
#define VX_SHELL_CURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct vx_curl;
struct vx_curl_request;

struct vx_curl *vx_curl_new(struct event_base *base);
/* Requests end without done.  Not from inside a callback.  NULL is fine. */
void vx_curl_free(struct vx_curl *curl);

struct vx_curl_end {
    long status;                /* of HTTP; 0 = there was no reply */
    const char *why;            /* one line, NULL = the transfer ended as it
                                 * should, whatever its status */
    int connect_errno;          /* why no connection was made; 0 = it was, or
                                 * the system did not say */
};

/* All strings are borrowed for the call of start. */
struct vx_curl_spec {
    const char *url;            /* http: or https: */
    const char *unix_path;      /* connect there instead; NULL = to the URL */
    const char *ca;             /* file of certificates; NULL = the system's */
    const char *agent;          /* PROGRAM/VERSION */
    const char *const *headers; /* "Name: value" */
    size_t n_headers;
    const char *body;           /* of a POST, JSON; NULL = GET */
    int64_t connect_ms;         /* 0 = as libcurl has it */
    int64_t timeout_ms;         /* of the whole; 0 = none */
    unsigned idle_s;            /* so long without a byte; 0 = for ever */
    /* Bytes of the reply as they come; false ends it. */
    bool (*data)(void *aux, long status, const char *data, size_t size);
    /* The end, once; the request is gone by then. */
    void (*done)(void *aux, const struct vx_curl_end *end);
    /* aux is not used any more: after done, or without it.  May be NULL. */
    void (*gone)(void *aux);
    void *aux;
};

/* The request belongs to curl; valid until done or cancelled. */
struct vx_curl_request *vx_curl_start(struct vx_curl *curl,
                                      const struct vx_curl_spec *spec);
/* Without done.  Not from inside data. */
void vx_curl_cancel(struct vx_curl_request *request);       /* NULL is fine */

#endif
