/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that aborts instead of failing; see xalloc.h. */
#include "lib/xalloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
check(void *p)
{
    if (!p) {
        fputs("vxfabric: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *
vx_xmalloc(size_t size)
{
    return check(malloc(size ? size : 1));
}

void *
vx_xcalloc(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size ? size : 1));
}

void *
vx_xrealloc(void *p, size_t size)
{
    return check(realloc(p, size ? size : 1));
}

char *
vx_xstrdup(const char *s)
{
    return check(strdup(s));
}

char *
vx_xstrndup(const char *s, size_t n)
{
    return check(strndup(s, n));
}

char *
vx_xasprintf(const char *fmt, ...)
{
    char *s = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&s, fmt, args);
    va_end(args);
    return check(n < 0 ? NULL : s);
}

void *
vx_xmemdup(const void *p, size_t size)
{
    void *copy = vx_xmalloc(size);

    if (size) {
        memcpy(copy, p, size);
    }
    return copy;
}

void *
vx_grow(void *p, size_t *cap, size_t need, size_t elem_size)
{
    size_t n = *cap;

    if (p && need <= n) {
        return p;
    }
    n = n < 4 ? 4 : n;
    while (n < need) {
        n = n > SIZE_MAX / 2 / elem_size ? need : n * 2;
    }
    if (n > SIZE_MAX / elem_size) {
        check(NULL);
    }
    *cap = n;
    return vx_xrealloc(p, n * elem_size);
}
