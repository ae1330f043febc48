/* SPDX-License-Identifier: Apache-2.0 */
/* NDJSON over one long reply, between the client and what writes it (a
 * subscription of watch.h, a feed of gateways.h).  Private to src/api. */
#ifndef VX_API_STREAM_H
#define VX_API_STREAM_H

#include "api/handlers.h"

struct vx_stream {
    const struct vx_server *server;
    struct vx_http_req *req;
    void *source;               /* what writes; set before the start */
    void (*pump)(struct vx_stream *stream);     /* it can write more */
    /* The client is gone: the source ends, without a call of end. */
    void (*close)(struct vx_stream *stream);
};

struct vx_stream *vx_stream_new(struct vx_call *call,
                                void (*pump)(struct vx_stream *stream),
                                void (*close)(struct vx_stream *stream));
/* Only one that was not started; the request is not answered. */
void vx_stream_free(struct vx_stream *stream);
/* The head of the reply, and the first of it. */
void vx_stream_start(struct vx_stream *stream);

/* What sources call, the stream as their aux: bytes taken but not yet sent;
 * bytes; the end, which is the death of the stream. */
size_t vx_stream_pending(void *stream);
void vx_stream_write(void *stream, const char *data, size_t size);
void vx_stream_end(void *stream, const struct vx_error *why);

#endif
