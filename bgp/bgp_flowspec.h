/* SPDX-License-Identifier: Apache-2.0 */
/* FlowSpec (RFC 8955, RFC 8956) as a rule in plain numbers, and to and from
 * bytes.  Pure.
 *
 * Numbers (protocol, ports, ...) are sets of ranges; the operators of the
 * wire become ranges when they are read, so ">1023&<5000" reads as
 * 1024-4999.  A rule written and read again is the same rule; a rule of
 * another speaker that is read and written again means the same, but need not
 * be the same bytes: keep struct bg_flow as the key.
 *
 * What has no place here, and is refused with its reason in err:
 * more than BG_FLOW_RANGES ranges of one kind, a component type above 13, a
 * set that no packet can be in. */
#ifndef BG_BGP_FLOWSPEC_H
#define BG_BGP_FLOWSPEC_H

#include "bgp/bgp_attr.h"
#include "bgp/bgp_types.h"

enum { BG_FLOW_RANGES = 16, BG_FLOW_BITS = 8 };

struct bg_flow_range {
    uint32_t first, last;       /* inclusive */
};
struct bg_flow_set {            /* n 0 = any */
    uint8_t n;
    struct bg_flow_range r[BG_FLOW_RANGES];     /* sorted, disjoint, apart */
};

/* Of TCP flags and fragments: OR of ANDs as on the wire (RFC 8955 4.2.1.2). */
enum { BG_FLOW_AND = 0x40, BG_FLOW_NOT = 0x02, BG_FLOW_MATCH = 0x01 };
struct bg_flow_bits {           /* n 0 = any */
    uint8_t n;
    struct {
        uint8_t op;             /* BG_FLOW_* */
        uint16_t value;
    } t[BG_FLOW_BITS];
};
enum {                          /* values of fragment */
    BG_FRAG_DONT = 1, BG_FRAG_IS = 2, BG_FRAG_FIRST = 4, BG_FRAG_LAST = 8,
};

struct bg_flow_rule {
    uint8_t family;             /* 4 or 6 */
    struct vx_prefix dst, src;  /* ip.family 0 = any */
    uint8_t dst_offset, src_offset;     /* IPv6: bits at the top not looked
                                         * at; 0 = an ordinary prefix.  GoBGP
                                         * 3.10 misreads others */
    struct bg_flow_set proto;   /* next header in IPv6; 0..255 */
    struct bg_flow_set port;    /* source or destination */
    struct bg_flow_set dport, sport;
    struct bg_flow_set icmp_type, icmp_code;
    struct bg_flow_bits tcp_flags;
    struct bg_flow_set length;  /* bytes of the packet */
    struct bg_flow_set dscp;    /* 0..63 */
    struct bg_flow_bits fragment;
    struct bg_flow_set label;   /* IPv6 flow label, 20 bits */
};

/* Any number of these may be asked for together. */
struct bg_flow_action {
    bool has_rate;
    uint32_t rate_kbps;         /* 0 = drop; above 8 Gbit/s the float of the
                                 * wire keeps 24 bits of it */
    bool has_rate_packets;
    uint32_t rate_pps;          /* 0x800c */
    bool has_mark;
    uint8_t dscp;               /* 0x8009 */
    bool has_redirect_rt;
    struct bg_ext redirect_rt;  /* as a route target: 0x8008, 8108, 8208 */
    struct vx_ip redirect_ip;   /* family 0 = none; written as 0x010c (IPv4)
                                 * or 0x000c (IPv6); 0x0800 is read, with the
                                 * address from the next hop */
    bool copy;                  /* of redirect_ip: a copy goes there */
    bool goes_on;               /* 0x8007: later rules are looked at, too */
    bool sample;
};

/* Sorts and joins ranges; false if they do not fit. */
bool bg_flow_set_add(struct bg_flow_set *set, uint32_t first, uint32_t last);

bool bg_flow_encode(const struct bg_flow_rule *rule, struct bg_flow *ret_flow,
                    struct vx_error *err);
bool bg_flow_decode(const struct bg_flow *flow, uint8_t family,
                    struct bg_flow_rule *ret_rule, struct vx_error *err);
/* Whether the bytes are well-formed (RFC 8955 10 treats others as
 * withdrawn), though there may be no place for them above. */
bool bg_flow_is_valid(const struct bg_flow *flow, uint8_t family);

/* "dst 10.0.0.0/24 proto 6 dport 80,443-445"; hexadecimal if there is no
 * place for it above.  Cut to size bytes with the NUL. */
const char *bg_flow_format(const struct bg_flow *flow, uint8_t family,
                           char *buf, size_t size);

/* Adds the extended communities. */
void bg_flow_put_action(const struct bg_flow_action *action,
                        struct bg_attrs *attrs);
/* No action at all is "accept": all zero.  False if two contradict. */
bool bg_flow_get_action(const struct bg_attrs *attrs,
                        struct bg_flow_action *ret_action,
                        struct vx_error *err);

/* bgpd of FRR 8.4.4 ends the session with whoever sends it a rule with more
 * operators than this in a component (measured: 5 ports pass, 6 do not; a
 * range takes two).  What goes through it must be split. */
enum { BG_FLOW_FRR_OPERATORS = 5 };

/* The same packets in rules of at most max_operators per component: sets are
 * cut into parts, each part of one with each of the others.  Together they
 * drop, mark and divert the same; a rate would be counted by each rule on its
 * own, so a rule with a rate must not need more than one.  Writes at most max
 * rules; returns how many there are, 0 if they are more than max or
 * bit-operators alone are too many. */
size_t bg_flow_split(const struct bg_flow_rule *rule, unsigned max_operators,
                     struct bg_flow_rule *ret_rules, size_t max);

/* RFC 8955 5.1: < 0 if a is looked at before b. */
int bg_flow_compare(const struct bg_flow *a, const struct bg_flow *b,
                    uint8_t family);

#endif
