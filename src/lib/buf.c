/* SPDX-License-Identifier: Apache-2.0 */
/* Growable byte buffer; see buf.h. */
#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

void
vx_buf_fini(struct vx_buf *buf)
{
    free(buf->data);
    *buf = (struct vx_buf) VX_BUF_INIT;
}

void
vx_buf_clear(struct vx_buf *buf)
{
    buf->size = 0;
    if (buf->data) {
        buf->data[0] = '\0';
    }
}

void *
vx_buf_extend(struct vx_buf *buf, size_t size)
{
    char *p;

    buf->data = vx_grow(buf->data, &buf->cap, buf->size + size + 1, 1);
    p = buf->data + buf->size;
    buf->size += size;
    buf->data[buf->size] = '\0';
    return p;
}

void
vx_buf_put(struct vx_buf *buf, const void *data, size_t size)
{
    void *p = vx_buf_extend(buf, size);

    if (size) {
        memcpy(p, data, size);
    }
}

void
vx_buf_puts(struct vx_buf *buf, const char *s)
{
    vx_buf_put(buf, s, strlen(s));
}

void
vx_buf_printf(struct vx_buf *buf, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n > 0) {
        char *p = vx_buf_extend(buf, (size_t) n);

        va_start(args, fmt);
        vsnprintf(p, (size_t) n + 1, fmt, args);
        va_end(args);
    }
}

const char *
vx_buf_str(const struct vx_buf *buf)
{
    return buf->data ? buf->data : "";
}

char *
vx_buf_steal(struct vx_buf *buf)
{
    char *s = buf->data ? buf->data : vx_xstrdup("");

    *buf = (struct vx_buf) VX_BUF_INIT;
    return s;
}
