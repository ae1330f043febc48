/* SPDX-License-Identifier: Apache-2.0 */
/* Growable byte buffer, also used as a string builder.  The bytes are
 * always followed by a NUL that is not counted in size. */
#ifndef VX_LIB_BUF_H
#define VX_LIB_BUF_H

#include <stddef.h>

struct vx_buf {
    char *data;         /* NULL until the first put */
    size_t size;        /* bytes in use */
    size_t cap;
};

#define VX_BUF_INIT { NULL, 0, 0 }

void vx_buf_fini(struct vx_buf *buf);
void vx_buf_clear(struct vx_buf *buf);      /* keeps the memory */
void vx_buf_put(struct vx_buf *buf, const void *data, size_t size);
void vx_buf_puts(struct vx_buf *buf, const char *s);
void vx_buf_printf(struct vx_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends size uninitialised bytes and returns them. */
void *vx_buf_extend(struct vx_buf *buf, size_t size);
/* The string, never NULL; owned by buf. */
const char *vx_buf_str(const struct vx_buf *buf);
/* The string, owned by the caller; buf is empty afterwards. */
char *vx_buf_steal(struct vx_buf *buf);

#endif
