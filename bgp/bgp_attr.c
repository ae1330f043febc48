/* SPDX-License-Identifier: Apache-2.0 */
/* Path attributes: questions about them, and to bytes.  Pure.  The way back
 * is bgp_attr_read.c. */
#include "bgp/bgp_attr_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/bgp_wire.h"

enum { AS_TRANS = 23456, AS_SEQUENCE = 2 };

void
bg_attrs_init(struct bg_attrs *attrs)
{
    *attrs = (struct bg_attrs) {
        .origin = BG_ORIGIN_IGP, .has_local_pref = true, .local_pref = 100,
    };
}

bool
bg_attrs_add_ext(struct bg_attrs *attrs, struct bg_ext ext)
{
    for (size_t i = 0; i < attrs->n_ext; i++) {
        if (!memcmp(&attrs->ext[i], &ext, sizeof ext)) {
            return true;
        }
    }
    if (attrs->n_ext == BG_MAX_EXT) {
        return false;
    }
    attrs->ext[attrs->n_ext++] = ext;
    return true;
}

bool
bg_attrs_add_community(struct bg_attrs *attrs, uint32_t community)
{
    for (size_t i = 0; i < attrs->n_communities; i++) {
        if (attrs->communities[i] == community) {
            return true;
        }
    }
    if (attrs->n_communities == BG_MAX_COMMUNITIES) {
        return false;
    }
    attrs->communities[attrs->n_communities++] = community;
    return true;
}

bool
bg_attrs_add_large(struct bg_attrs *attrs, struct bg_large large)
{
    for (size_t i = 0; i < attrs->n_large; i++) {
        if (!memcmp(&attrs->large[i], &large, sizeof large)) {
            return true;
        }
    }
    if (attrs->n_large == BG_MAX_LARGE) {
        return false;
    }
    attrs->large[attrs->n_large++] = large;
    return true;
}

/* --- Questions. */

static const struct bg_ext *
find_ext(const struct bg_attrs *attrs, unsigned type)
{
    for (size_t i = 0; i < attrs->n_ext; i++) {
        if (bg_get_be(attrs->ext[i].b, 2) == type) {
            return &attrs->ext[i];
        }
    }
    return NULL;
}

bool
bg_attrs_router_mac(const struct bg_attrs *attrs, struct vx_mac *ret_mac)
{
    const struct bg_ext *ext = find_ext(attrs, 0x0603);

    if (!ext) {
        return false;
    }
    memcpy(ret_mac->b, ext->b + 2, 6);
    return true;
}

bool
bg_attrs_mobility(const struct bg_attrs *attrs, uint32_t *ret_seq,
                  bool *ret_sticky)
{
    const struct bg_ext *ext = find_ext(attrs, 0x0600);

    if (!ext) {
        return false;
    }
    *ret_seq = bg_get_be(ext->b + 4, 4);
    *ret_sticky = ext->b[2] & 1;
    return true;
}

bool
bg_attrs_is_default_gateway(const struct bg_attrs *attrs)
{
    return find_ext(attrs, 0x030d);
}

const struct bg_ext *
bg_attrs_rt(const struct bg_attrs *attrs, size_t i)
{
    for (size_t j = 0; j < attrs->n_ext; j++) {
        if (bg_rt_is(&attrs->ext[j]) && !i--) {
            return &attrs->ext[j];
        }
    }
    return NULL;
}

bool
bg_attrs_has_rt(const struct bg_attrs *attrs, const struct bg_ext *rt)
{
    for (size_t i = 0; i < attrs->n_ext; i++) {
        if (!memcmp(&attrs->ext[i], rt, sizeof *rt)) {
            return true;
        }
    }
    return false;
}

/* --- Text. */

static const struct {
    uint32_t community;
    const char *name;
} well_known[] = {
    { 0xffff0000, "graceful-shutdown" },
    { 0xffff0006, "llgr-stale" },
    { 0xffff0007, "no-llgr" },
    { 0xffff029a, "blackhole" },
    { 0xffffff01, "no-export" },
    { 0xffffff02, "no-advertise" },
    { 0xffffff03, "local-as" },
    { 0xffffff04, "no-peer" },
};
enum { N_WELL_KNOWN = sizeof well_known / sizeof well_known[0] };

/* n numbers up to max with colons in between, nothing else. */
static bool
parse_numbers(const char *s, uint32_t max, uint32_t *ret_u, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *end;

        if (*s < '0' || *s > '9') {
            return false;
        }
        unsigned long u = strtoul(s, &end, 10);
        if (u > max || end - s > 10 || *end != (i + 1 < n ? ':' : '\0')) {
            return false;
        }
        ret_u[i] = u;
        s = end + 1;
    }
    return true;
}

bool
bg_community_parse(const char *s, uint32_t *ret_community)
{
    uint32_t u[2];

    for (size_t i = 0; i < N_WELL_KNOWN; i++) {
        if (!strcmp(s, well_known[i].name)) {
            *ret_community = well_known[i].community;
            return true;
        }
    }
    if (!parse_numbers(s, 0xffff, u, 2)) {
        return false;
    }
    *ret_community = u[0] << 16 | u[1];
    return true;
}

const char *
bg_community_format(uint32_t community, char buf[24])
{
    for (size_t i = 0; i < N_WELL_KNOWN; i++) {
        if (well_known[i].community == community) {
            return well_known[i].name;
        }
    }
    snprintf(buf, 24, "%u:%u", community >> 16, community & 0xffff);
    return buf;
}

bool
bg_large_parse(const char *s, struct bg_large *ret_large)
{
    uint32_t u[3];

    if (!parse_numbers(s, UINT32_MAX, u, 3)) {
        return false;
    }
    memcpy(ret_large->b, u, sizeof u);
    return true;
}

/* --- Encode. */

uint8_t *
bg_attr_begin(struct vx_buf *buf, uint8_t flags, uint8_t type, size_t size)
{
    bool is_long = size > 255;

    bg_buf_be(buf, flags | (is_long ? BG_ATTR_EXTENDED : 0), 1);
    bg_buf_be(buf, type, 1);
    bg_buf_be(buf, size, is_long ? 2 : 1);
    return vx_buf_extend(buf, size);
}

static void
put_u32(struct vx_buf *buf, uint8_t flags, uint8_t type, uint32_t value)
{
    bg_put_be(bg_attr_begin(buf, flags, type, 4), value, 4);
}

static void
put_path(const struct bg_attrs *attrs, size_t as_size, uint8_t flags,
         uint8_t type, struct vx_buf *buf)
{
    size_t n = attrs->n_as;
    uint8_t *p = bg_attr_begin(buf, flags, type, n ? 2 + n * as_size : 0);

    if (!n) {
        return;
    }
    *p++ = AS_SEQUENCE;
    *p++ = n;
    for (size_t i = 0; i < n; i++) {
        uint32_t as = attrs->as_path[i];

        bg_put_be(p, as_size == 2 && as > 0xffff ? AS_TRANS : as, as_size);
        p += as_size;
    }
}

static int
compare_u32(const void *a_, const void *b_)
{
    uint32_t a = *(const uint32_t *) a_, b = *(const uint32_t *) b_;

    return a < b ? -1 : a > b;
}

static int
compare_ext(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bg_ext));
}

static int
compare_large(const void *a_, const void *b_)
{
    const struct bg_large *a = a_, *b = b_;

    for (size_t i = 0; i < 3; i++) {
        if (a->b[i] != b->b[i]) {
            return a->b[i] < b->b[i] ? -1 : 1;
        }
    }
    return 0;
}

static void
put_communities(const struct bg_attrs *attrs, struct vx_buf *buf)
{
    uint32_t sorted[BG_MAX_COMMUNITIES];
    size_t n = attrs->n_communities;

    if (!n) {
        return;
    }
    memcpy(sorted, attrs->communities, n * 4);
    qsort(sorted, n, 4, compare_u32);
    uint8_t *p = bg_attr_begin(buf, BG_ATTR_OPTIONAL | BG_ATTR_TRANSITIVE,
                               BG_ATTR_COMMUNITIES, n * 4);
    for (size_t i = 0; i < n; i++) {
        bg_put_be(p + 4 * i, sorted[i], 4);
    }
}

static void
put_ext(const struct bg_attrs *attrs, struct vx_buf *buf)
{
    if (attrs->n_ext) {
        size_t size = attrs->n_ext * sizeof(struct bg_ext);
        uint8_t *p = bg_attr_begin(buf, BG_ATTR_OPTIONAL
                                   | BG_ATTR_TRANSITIVE, BG_ATTR_EXT, size);

        memcpy(p, attrs->ext, size);
        qsort(p, attrs->n_ext, sizeof(struct bg_ext), compare_ext);
    }
}

static void
put_ext6(const struct bg_attrs *attrs, struct vx_buf *buf)
{
    if (attrs->redirect6.family) {
        uint8_t *p = bg_attr_begin(buf, BG_ATTR_OPTIONAL
                                   | BG_ATTR_TRANSITIVE, BG_ATTR_EXT6, 20);

        bg_put_be(p, 0x000c, 2);
        memcpy(p + 2, attrs->redirect6.b, 16);
        bg_put_be(p + 18, attrs->redirect6_copy, 2);
    }
}

static void
put_large(const struct bg_attrs *attrs, struct vx_buf *buf)
{
    struct bg_large sorted[BG_MAX_LARGE];
    size_t n = attrs->n_large;

    if (!n) {
        return;
    }
    memcpy(sorted, attrs->large, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], compare_large);
    uint8_t *p = bg_attr_begin(buf, BG_ATTR_OPTIONAL | BG_ATTR_TRANSITIVE,
                               BG_ATTR_LARGE, n * 12);
    for (size_t i = 0; i < n * 3; i++) {
        bg_put_be(p + 4 * i, sorted[i / 3].b[i % 3], 4);
    }
}

static void
put_reflection(const struct bg_attrs *attrs, struct vx_buf *buf)
{
    if (attrs->originator.family) {
        memcpy(bg_attr_begin(buf, BG_ATTR_OPTIONAL, BG_ATTR_ORIGINATOR, 4),
               attrs->originator.b, 4);
    }
    if (attrs->n_clusters) {
        uint8_t *p = bg_attr_begin(buf, BG_ATTR_OPTIONAL, BG_ATTR_CLUSTERS,
                                   4 * attrs->n_clusters);

        for (size_t i = 0; i < attrs->n_clusters; i++) {
            memcpy(p + 4 * i, attrs->clusters[i].b, 4);
        }
    }
}

static void
put_pmsi(const struct bg_pmsi *pmsi, struct vx_buf *buf)
{
    size_t size = bg_ip_size(&pmsi->ip);
    uint8_t *p;

    if (!pmsi->present) {
        return;
    }
    p = bg_attr_begin(buf, BG_ATTR_OPTIONAL | BG_ATTR_TRANSITIVE,
                      BG_ATTR_PMSI, 5 + size);
    p[0] = pmsi->flags;
    p[1] = pmsi->type;
    bg_put_be(p + 2, pmsi->vni, 3);
    memcpy(p + 5, pmsi->ip.b, size);
}

void
bg_attrs_encode(const struct bg_attrs *attrs, bool as4, struct vx_buf *buf)
{
    bool is_wide = false;

    for (size_t i = 0; i < attrs->n_as; i++) {
        is_wide |= attrs->as_path[i] > 0xffff;
    }
    *bg_attr_begin(buf, BG_ATTR_TRANSITIVE, BG_ATTR_ORIGIN, 1)
        = attrs->origin;
    put_path(attrs, as4 ? 4 : 2, BG_ATTR_TRANSITIVE, BG_ATTR_AS_PATH, buf);
    if (attrs->has_med) {
        put_u32(buf, BG_ATTR_OPTIONAL, BG_ATTR_MED, attrs->med);
    }
    if (attrs->has_local_pref) {
        put_u32(buf, BG_ATTR_TRANSITIVE, BG_ATTR_LOCAL_PREF,
                attrs->local_pref);
    }
    put_communities(attrs, buf);
    put_reflection(attrs, buf);
    put_ext(attrs, buf);
    if (!as4 && is_wide) {
        put_path(attrs, 4, BG_ATTR_OPTIONAL | BG_ATTR_TRANSITIVE,
                 BG_ATTR_AS4_PATH, buf);
    }
    put_pmsi(&attrs->pmsi, buf);
    put_ext6(attrs, buf);
    put_large(attrs, buf);
}
