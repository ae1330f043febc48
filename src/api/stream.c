/* SPDX-License-Identifier: Apache-2.0 */
/* See stream.h. */
#include "api/stream.h"

#include <stdlib.h>

#include "lib/xalloc.h"

struct vx_stream *
vx_stream_new(struct vx_call *call, void (*pump)(struct vx_stream *stream),
              void (*close)(struct vx_stream *stream))
{
    struct vx_stream *stream = vx_xcalloc(1, sizeof *stream);

    stream->server = call->server;
    stream->req = call->req;
    stream->pump = pump;
    stream->close = close;
    return stream;
}

void
vx_stream_free(struct vx_stream *stream)
{
    free(stream);
}

size_t
vx_stream_pending(void *stream_)
{
    struct vx_stream *stream = stream_;

    return vx_http_stream_pending(stream->req);
}

void
vx_stream_write(void *stream_, const char *data, size_t size)
{
    struct vx_stream *stream = stream_;

    vx_http_stream_write(stream->req, data, size);
}

/* The last line says why, in the one shape of errors. */
void
vx_stream_end(void *stream_, const struct vx_error *why)
{
    struct vx_stream *stream = stream_;
    struct vx_buf line = VX_BUF_INIT;

    vx_codec_error(why, SIZE_MAX, &line);
    vx_buf_puts(&line, "\n");
    vx_http_req_on_gone(stream->req, NULL, NULL);
    vx_http_stream_write(stream->req, line.data, line.size);
    vx_http_stream_end(stream->req);
    vx_buf_fini(&line);
    vx_stream_free(stream);
}

static void
on_gone(void *stream_)
{
    struct vx_stream *stream = stream_;

    stream->close(stream);
    vx_http_stream_end(stream->req);
    vx_stream_free(stream);
}

static void
on_drained(void *stream_)
{
    struct vx_stream *stream = stream_;

    stream->pump(stream);
}

void
vx_stream_start(struct vx_stream *stream)
{
    vx_http_stream_start(stream->req, "application/x-ndjson", on_drained,
                         stream);
    vx_http_req_on_gone(stream->req, on_gone, stream);
    stream->pump(stream);
}
