/* SPDX-License-Identifier: Apache-2.0 */
/* Path attributes one by one; private to the codec and the RIBs. */
#ifndef BG_BGP_ATTR_WIRE_H
#define BG_BGP_ATTR_WIRE_H

#include "bgp/bgp_attr.h"

enum bg_attr_type {
    BG_ATTR_ORIGIN = 1, BG_ATTR_AS_PATH, BG_ATTR_NEXT_HOP, BG_ATTR_MED,
    BG_ATTR_LOCAL_PREF, BG_ATTR_ATOMIC, BG_ATTR_AGGREGATOR,
    BG_ATTR_COMMUNITIES, BG_ATTR_ORIGINATOR, BG_ATTR_CLUSTERS,
    BG_ATTR_MP_REACH = 14, BG_ATTR_MP_UNREACH, BG_ATTR_EXT,
    BG_ATTR_AS4_PATH, BG_ATTR_PMSI = 22, BG_ATTR_EXT6 = 25,
    BG_ATTR_LARGE = 32,
};
enum {                          /* attribute flags */
    BG_ATTR_OPTIONAL = 0x80, BG_ATTR_TRANSITIVE = 0x40,
    BG_ATTR_EXTENDED = 0x10,
};

struct bg_attr {
    uint8_t type, flags;
    const uint8_t *value;
    size_t size;
};

/* Puts what an attribute says into attrs (MP_REACH and MP_UNREACH are not for
 * it; types that are not known are passed over).  NULL, or what is wrong with
 * it, which withdraws the routes (RFC 7606 7). */
const char *bg_attr_take(const struct bg_attr *attr, bool as4,
                         struct bg_attrs *attrs);

/* AS_PATH of two bytes with AS4_PATH, RFC 6793 4.2.3. */
void bg_attr_merge_as4(const struct bg_attr *as4_path,
                       struct bg_attrs *attrs);

/* The other way of bg_attrs_encode() with as4, for bytes of our own. */
void bg_attrs_decode(const void *bytes, size_t size,
                     struct bg_attrs *ret_attrs);

/* Flags, type, length and room for the value, which is returned. */
uint8_t *bg_attr_begin(struct vx_buf *buf, uint8_t flags, uint8_t type,
                       size_t size);

#endif
