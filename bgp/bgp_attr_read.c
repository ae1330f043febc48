/* SPDX-License-Identifier: Apache-2.0 */
/* Path attributes out of bytes.  Pure; bounded by the struct, whatever the
 * lengths say.  What is wrong is told as a sentence: RFC 7606 makes of each
 * case here a withdrawal of the routes, never the end of the session. */
#include "bgp/bgp_attr_wire.h"

#include <string.h>

#include "bgp/bgp_wire.h"

enum { AS_SET = 1, AS_SEQUENCE, CONFED_SEQUENCE, CONFED_SET };

static bool
take_path(const struct bg_attr *attr, size_t as_size, struct bg_attrs *attrs)
{
    struct bg_reader r = { attr->value, attr->size, false };

    attrs->n_as = 0;
    while (r.left) {
        unsigned type = bg_read_be(&r, 1);
        unsigned n = bg_read_be(&r, 1);

        if (!n || type < AS_SET || type > CONFED_SET
            || n * as_size > r.left) {
            return false;
        }
        attrs->as_set |= type != AS_SEQUENCE;
        while (n--) {
            uint32_t as = bg_read_be(&r, as_size);

            if (attrs->n_as < BG_MAX_AS) {
                attrs->as_path[attrs->n_as++] = as;
            } else {
                attrs->truncated = true;
            }
        }
    }
    return !r.failed;
}

void
bg_attr_merge_as4(const struct bg_attr *as4_path, struct bg_attrs *attrs)
{
    struct bg_attrs wide = { .n_as = 0 };

    /* Malformed or longer than AS_PATH: ignored (RFC 6793 6). */
    if (!take_path(as4_path, 4, &wide) || wide.n_as > attrs->n_as) {
        return;
    }
    memcpy(attrs->as_path + (attrs->n_as - wide.n_as), wide.as_path,
           wide.n_as * sizeof wide.as_path[0]);
    attrs->as_set |= wide.as_set;
}

/* How many elements of elem_size there are, and how many fit. */
static bool
count_list(const struct bg_attr *attr, size_t elem_size, size_t max,
           struct bg_attrs *attrs, size_t *ret_n)
{
    size_t n = attr->size / elem_size;

    if (!n || attr->size % elem_size) {
        return false;
    }
    attrs->truncated |= n > max;
    *ret_n = n > max ? max : n;
    return true;
}

static bool
take_communities(const struct bg_attr *attr, struct bg_attrs *attrs)
{
    size_t n;

    if (!count_list(attr, 4, BG_MAX_COMMUNITIES, attrs, &n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        attrs->communities[i] = bg_get_be(attr->value + 4 * i, 4);
    }
    attrs->n_communities = n;
    return true;
}

static bool
take_ext(const struct bg_attr *attr, struct bg_attrs *attrs)
{
    size_t n;

    if (!count_list(attr, 8, BG_MAX_EXT, attrs, &n)) {
        return false;
    }
    memcpy(attrs->ext, attr->value, n * 8);
    attrs->n_ext = n;
    return true;
}

static bool
take_ext6(const struct bg_attr *attr, struct bg_attrs *attrs)
{
    if (!attr->size || attr->size % 20) {
        return false;
    }
    for (size_t i = 0; i < attr->size; i += 20) {
        if (bg_get_be(attr->value + i, 2) == 0x000c) {
            attrs->redirect6 = bg_ip_from(attr->value + i + 2, 16);
            attrs->redirect6_copy = attr->value[i + 19] & 1;
        }
    }
    return true;
}

static bool
take_large(const struct bg_attr *attr, struct bg_attrs *attrs)
{
    size_t n;

    if (!count_list(attr, 12, BG_MAX_LARGE, attrs, &n)) {
        return false;
    }
    for (size_t i = 0; i < n * 3; i++) {
        attrs->large[i / 3].b[i % 3] = bg_get_be(attr->value + 4 * i, 4);
    }
    attrs->n_large = n;
    return true;
}

static bool
take_clusters(const struct bg_attr *attr, struct bg_attrs *attrs)
{
    size_t n;

    if (!count_list(attr, 4, BG_MAX_CLUSTERS, attrs, &n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        attrs->clusters[i] = bg_ip_from(attr->value + 4 * i, 4);
    }
    attrs->n_clusters = n;
    return true;
}

static bool
take_pmsi(const struct bg_attr *attr, struct bg_attrs *attrs)
{
    if (attr->size < 5) {
        return false;
    }
    attrs->pmsi = (struct bg_pmsi) {
        .present = true, .flags = attr->value[0], .type = attr->value[1],
        .vni = bg_get_be(attr->value + 2, 3),
        .ip = bg_ip_from(attr->value + 5, attr->size - 5),
    };
    return true;
}

/* What the two bits about its kind have to be; -1: not known. */
static int
right_flags(uint8_t type)
{
    switch (type) {
    case BG_ATTR_ORIGIN:
    case BG_ATTR_AS_PATH:
    case BG_ATTR_NEXT_HOP:
    case BG_ATTR_LOCAL_PREF:
        return BG_ATTR_TRANSITIVE;
    case BG_ATTR_MED:
    case BG_ATTR_ORIGINATOR:
    case BG_ATTR_CLUSTERS:
        return BG_ATTR_OPTIONAL;
    case BG_ATTR_COMMUNITIES:
    case BG_ATTR_EXT:
    case BG_ATTR_PMSI:
    case BG_ATTR_EXT6:
    case BG_ATTR_LARGE:
        return BG_ATTR_OPTIONAL | BG_ATTR_TRANSITIVE;
    }
    return -1;
}

static const char *
take_simple(const struct bg_attr *attr, struct bg_attrs *attrs)
{
    uint32_t value = attr->size == 4 ? bg_get_be(attr->value, 4) : 0;

    if (attr->type == BG_ATTR_ORIGIN) {
        if (attr->size != 1 || attr->value[0] > BG_ORIGIN_INCOMPLETE) {
            return "ORIGIN is none of the three";
        }
        attrs->origin = attr->value[0];
        return NULL;
    }
    if (attr->size != 4) {
        return "an attribute of four bytes has another size";
    }
    if (attr->type == BG_ATTR_NEXT_HOP) {
        attrs->next_hop = bg_ip_from(attr->value, 4);
    } else if (attr->type == BG_ATTR_ORIGINATOR) {
        attrs->originator = bg_ip_from(attr->value, 4);
    } else if (attr->type == BG_ATTR_MED) {
        attrs->has_med = true;
        attrs->med = value;
    } else {
        attrs->has_local_pref = true;
        attrs->local_pref = value;
    }
    return NULL;
}

const char *
bg_attr_take(const struct bg_attr *attr, bool as4, struct bg_attrs *attrs)
{
    int right = right_flags(attr->type);

    if (right >= 0
        && (attr->flags & (BG_ATTR_OPTIONAL | BG_ATTR_TRANSITIVE)) != right) {
        return "an attribute has the flags of another kind";
    }
    switch (attr->type) {
    case BG_ATTR_ORIGIN:
    case BG_ATTR_NEXT_HOP:
    case BG_ATTR_MED:
    case BG_ATTR_LOCAL_PREF:
    case BG_ATTR_ORIGINATOR:
        return take_simple(attr, attrs);
    case BG_ATTR_AS_PATH:
        return take_path(attr, as4 ? 4 : 2, attrs)
               ? NULL : "AS_PATH is malformed";
    case BG_ATTR_COMMUNITIES:
        return take_communities(attr, attrs)
               ? NULL : "COMMUNITIES has a size that cannot be";
    case BG_ATTR_EXT:
        return take_ext(attr, attrs)
               ? NULL : "EXTENDED COMMUNITIES has a size that cannot be";
    case BG_ATTR_EXT6:
        return take_ext6(attr, attrs)
               ? NULL : "IPv6 EXTENDED COMMUNITIES has a size that cannot be";
    case BG_ATTR_LARGE:
        return take_large(attr, attrs)
               ? NULL : "LARGE COMMUNITIES has a size that cannot be";
    case BG_ATTR_CLUSTERS:
        return take_clusters(attr, attrs)
               ? NULL : "CLUSTER_LIST has a size that cannot be";
    case BG_ATTR_PMSI:
        return take_pmsi(attr, attrs) ? NULL : "PMSI_TUNNEL is too short";
    }
    return NULL;
}

void
bg_attrs_decode(const void *bytes, size_t size, struct bg_attrs *ret_attrs)
{
    struct bg_reader r = { bytes, size, false };
    struct bg_attr attr;

    memset(ret_attrs, 0, sizeof *ret_attrs);
    while (r.left) {
        attr.flags = bg_read_be(&r, 1);
        attr.type = bg_read_be(&r, 1);
        attr.size = bg_read_be(&r, attr.flags & BG_ATTR_EXTENDED ? 2 : 1);
        attr.value = bg_read(&r, attr.size);
        if (!r.failed) {
            (void) bg_attr_take(&attr, true, ret_attrs);
        }
    }
}
