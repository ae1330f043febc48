/* SPDX-License-Identifier: Apache-2.0 */
/* Big-endian reading with one bounds check per read, and writing.  A reader
 * that ran over its end stays failed and gives zeros: check once at the end
 * of a group of reads.  Private to the codec. */
#ifndef BG_BGP_WIRE_H
#define BG_BGP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/buf.h"

struct bg_reader {
    const uint8_t *p;
    size_t left;
    bool failed;
};

static inline const uint8_t *
bg_read(struct bg_reader *r, size_t size)
{
    const uint8_t *p = r->p;

    if (r->failed || size > r->left) {
        r->failed = true;
        r->left = 0;
        return NULL;
    }
    r->p += size;
    r->left -= size;
    return p;
}

static inline uint32_t
bg_get_be(const uint8_t *p, size_t size)
{
    uint32_t u = 0;

    for (size_t i = 0; i < size; i++) {
        u = u << 8 | p[i];
    }
    return u;
}

/* size: 1..4 bytes. */
static inline uint32_t
bg_read_be(struct bg_reader *r, size_t size)
{
    const uint8_t *p = bg_read(r, size);

    return p ? bg_get_be(p, size) : 0;
}

static inline bool
bg_read_copy(struct bg_reader *r, void *to, size_t size)
{
    const uint8_t *p = bg_read(r, size);

    if (p) {
        memcpy(to, p, size);
    }
    return p;
}

static inline struct bg_reader
bg_read_part(struct bg_reader *r, size_t size)
{
    const uint8_t *p = bg_read(r, size);

    return (struct bg_reader) { p, p ? size : 0, !p };
}

static inline void
bg_put_be(uint8_t *p, uint32_t u, size_t size)
{
    while (size--) {
        p[size] = u & 0xff;
        u >>= 8;
    }
}

static inline void
bg_buf_be(struct vx_buf *buf, uint32_t u, size_t size)
{
    bg_put_be(vx_buf_extend(buf, size), u, size);
}

static inline size_t
bg_ip_size(const struct vx_ip *ip)
{
    return ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0;
}

/* size: 4 or 16 bytes, else the address is none. */
static inline struct vx_ip
bg_ip_from(const uint8_t *p, size_t size)
{
    struct vx_ip ip = { .family = size == 4 ? 4 : size == 16 ? 6 : 0 };

    if (ip.family) {
        memcpy(ip.b, p, size);
    }
    return ip;
}

/* A prefix of `length` bits out of (length + 7) / 8 bytes; host bits that are
 * set are cleared. */
static inline struct vx_prefix
bg_prefix_from(const uint8_t *p, uint8_t family, unsigned length)
{
    struct vx_prefix prefix = { .ip.family = family, .length = length };
    size_t size = (length + 7) / 8;

    memcpy(prefix.ip.b, p, size);
    if (length % 8) {
        prefix.ip.b[size - 1] &= 0xff << (8 - length % 8);
    }
    return prefix;
}

#endif
