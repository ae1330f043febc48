/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that cannot fail: out of memory aborts.  All durable state is
 * on disk and a restart is a resync, so aborting loses nothing, while
 * unwinding a half-applied change could. */
#ifndef VX_LIB_XALLOC_H
#define VX_LIB_XALLOC_H

#include <stddef.h>

void *vx_xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *vx_xcalloc(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));
void *vx_xrealloc(void *p, size_t size) __attribute__((returns_nonnull));
char *vx_xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *vx_xstrndup(const char *s, size_t n)
    __attribute__((malloc, returns_nonnull));
char *vx_xasprintf(const char *fmt, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
void *vx_xmemdup(const void *p, size_t size)
    __attribute__((malloc, returns_nonnull));

/* Grows the array p of *cap elements of elem_size bytes to hold at least
 * need elements; amortized O(1) per element. */
void *vx_grow(void *p, size_t *cap, size_t need, size_t elem_size)
    __attribute__((returns_nonnull));

#endif
