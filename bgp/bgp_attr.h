/* SPDX-License-Identifier: Apache-2.0 */
/* Path attributes as one plain struct, and to and from bytes.
 *
 * What is not in the struct is not kept: this speaker is an edge, it passes
 * nothing on.  Lists are bounded; what an UPDATE has beyond that is dropped
 * and said in `truncated`. */
#ifndef BG_BGP_ATTR_H
#define BG_BGP_ATTR_H

#include "bgp/bgp_types.h"

struct vx_buf;

enum {
    BG_MAX_AS = 64, BG_MAX_COMMUNITIES = 64, BG_MAX_EXT = 64,
    BG_MAX_LARGE = 32, BG_MAX_CLUSTERS = 16,
};

enum bg_origin { BG_ORIGIN_IGP, BG_ORIGIN_EGP, BG_ORIGIN_INCOMPLETE };

struct bg_pmsi {                /* RFC 6514 5 */
    bool present;
    uint8_t flags;
    uint8_t type;               /* 6 = ingress replication */
    uint32_t vni;
    struct vx_ip ip;            /* family 0 if the tunnel is of other type */
};

struct bg_attrs {
    enum bg_origin origin;
    bool has_med, has_local_pref;
    uint32_t med, local_pref;
    struct vx_ip next_hop;      /* family 0: none (FlowSpec) */
    uint32_t as_path[BG_MAX_AS];    /* first = nearest neighbour */
    uint8_t n_as;
    bool as_set;                /* the path has an AS_SET or confederation */
    uint32_t communities[BG_MAX_COMMUNITIES];
    uint8_t n_communities;
    struct bg_ext ext[BG_MAX_EXT];
    uint8_t n_ext;
    struct bg_large large[BG_MAX_LARGE];
    uint8_t n_large;
    struct vx_ip redirect6;     /* IPv6 redirect of FlowSpec (attribute 25,
                                 * type 0x000c); family 0 = none */
    bool redirect6_copy;
    struct vx_ip originator;    /* IPv4 form; family 0 = none */
    struct vx_ip clusters[BG_MAX_CLUSTERS];
    uint8_t n_clusters;
    struct bg_pmsi pmsi;
    bool truncated;             /* lists of an UPDATE did not fit */
};

/* ORIGIN IGP, LOCAL_PREF 100, nothing else: what an own route begins as. */
void bg_attrs_init(struct bg_attrs *attrs);
/* False if the list is full; adding what is there already does nothing. */
bool bg_attrs_add_ext(struct bg_attrs *attrs, struct bg_ext ext);
bool bg_attrs_add_community(struct bg_attrs *attrs, uint32_t community);
bool bg_attrs_add_large(struct bg_attrs *attrs, struct bg_large large);

/* What receivers ask for.  False if there is none. */
bool bg_attrs_router_mac(const struct bg_attrs *attrs,
                         struct vx_mac *ret_mac);
bool bg_attrs_mobility(const struct bg_attrs *attrs, uint32_t *ret_seq,
                       bool *ret_sticky);
bool bg_attrs_is_default_gateway(const struct bg_attrs *attrs);
/* The RTs among ext[], for each i from 0; NULL when there are no more. */
const struct bg_ext *bg_attrs_rt(const struct bg_attrs *attrs, size_t i);
bool bg_attrs_has_rt(const struct bg_attrs *attrs, const struct bg_ext *rt);

/* "65001:7" with named well-known ones: "no-export", "blackhole", ... */
bool bg_community_parse(const char *s, uint32_t *ret_community);
const char *bg_community_format(uint32_t community, char buf[24]);
bool bg_large_parse(const char *s, struct bg_large *ret_large);

/* Appends all attributes but MP_REACH, MP_UNREACH and NEXT_HOP, sorted by
 * type, lists sorted: equal attributes are equal bytes.  as4: the peer speaks
 * 4-byte AS numbers (else AS_TRANS and AS4_PATH). */
void bg_attrs_encode(const struct bg_attrs *attrs, bool as4,
                     struct vx_buf *buf);

#endif
