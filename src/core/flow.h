/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: what the compiler makes and a switch holds.
 *
 * Plain data without any Open vSwitch type, so that the core can be tested
 * on its own; ovs-glue turns a row into OpenFlow 1.5 bytes.  A row is a
 * flow, a group, one bucket of a group (so that one more host in a
 * network is one message, not a rewritten group), or a meter.
 *
 * A row is identified by its key: (tier, table, priority, match) for a flow,
 * (tier, group) for a group or meter, (tier, group, bucket) for a bucket.  The
 * rest is its body. */
#ifndef VX_CORE_FLOW_H
#define VX_CORE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

enum vx_tier {
    VX_TENANT_TIER = 1,     /* br-tenant */
    VX_FABRIC_TIER = 2,     /* br-fabric */
};

/* Fields, named and sized as in ovs-fields(7). */
enum vx_field {
    VX_F_IN_PORT,           /* 32 bits */
    VX_F_REG0,              /* 32: VNI */
    VX_F_REG1,              /* 32: path flags */
    VX_F_REG4,              /* 32: scratch of the responder */
    VX_F_REG5,              /* 32: VNI of the tenant's router */
    VX_F_REG6,              /* 32: number of a route or policy */
    VX_F_REG7,              /* 32: ECMP slot */
    VX_F_REG8,              /* 32: class of where it comes from */
    VX_F_REG9,              /* 32: host or zone it goes to */
    VX_F_XREG1,             /* 64 (reg2, reg3): MAC to answer with */
    VX_F_PKT_MARK,          /* 32 */
    VX_F_TUN_ID,            /* 64 */
    VX_F_TUN_SRC,           /* 32 */
    VX_F_TUN_DST,           /* 32 */
    VX_F_TUN_IPV6_SRC,      /* 128 */
    VX_F_TUN_IPV6_DST,      /* 128 */
    VX_F_ETH_SRC,           /* 48 */
    VX_F_ETH_DST,           /* 48 */
    VX_F_ETH_TYPE,          /* 16 */
    VX_F_VLAN_TCI,          /* 16 */
    VX_F_IP_PROTO,          /* 8 */
    VX_F_IP_TTL,            /* 8, IPv6 hop limit too */
    VX_F_IP_DSCP,           /* 8: 6 bits, not shifted */
    VX_F_IPV4_SRC,          /* 32 */
    VX_F_IPV4_DST,          /* 32 */
    VX_F_IPV6_SRC,          /* 128 */
    VX_F_IPV6_DST,          /* 128 */
    VX_F_UDP_SRC,           /* 16 */
    VX_F_UDP_DST,           /* 16 */
    VX_F_TCP_SRC,           /* 16 */
    VX_F_TCP_DST,           /* 16 */
    VX_F_SCTP_SRC,          /* 16 */
    VX_F_SCTP_DST,          /* 16 */
    VX_F_ICMP_TYPE,         /* 8 */
    VX_F_ICMP_CODE,         /* 8 */
    VX_F_ICMPV6_TYPE,       /* 8 */
    VX_F_ICMPV6_CODE,       /* 8 */
    VX_F_ARP_OP,            /* 16 */
    VX_F_ARP_SPA,           /* 32 */
    VX_F_ARP_TPA,           /* 32 */
    VX_F_ARP_SHA,           /* 48 */
    VX_F_ARP_THA,           /* 48 */
    VX_F_ND_TARGET,         /* 128 */
    VX_F_ND_SLL,            /* 48 */
    VX_F_ND_TLL,            /* 48 */
    VX_F_ND_RESERVED,       /* 32 */
    VX_F_ND_OPTIONS_TYPE,   /* 8 */
    VX_N_FIELDS
};

/* Size of a field's value in bytes. */
size_t vx_field_size(enum vx_field field);

struct vx_match_field {
    uint8_t field;          /* enum vx_field */
    bool masked;
    uint8_t value[16];      /* network order, the first vx_field_size bytes */
    uint8_t mask[16];       /* only if masked */
};

enum vx_act_type {
    VX_ACT_SET,             /* field := value */
    VX_ACT_MOVE,            /* dst[dst_ofs..+n_bits] := src[src_ofs..] */
    VX_ACT_OUTPUT,          /* to port arg */
    VX_ACT_IN_PORT,         /* back where it came from */
    VX_ACT_GROUP,           /* group arg */
    VX_ACT_GOTO,            /* table arg; the last action */
    VX_ACT_METER,           /* meter arg: what is over its rate ends here */
    VX_ACT_CONTROLLER,      /* to the controller, at most arg bytes of it */
    VX_ACT_RESUBMIT,        /* table arg; of a bucket or packet-out, where
                             * there is no table to go on from */
    VX_ACT_DEC_TTL,         /* tables before see to it that it is above 1 */
    VX_ACT_CHECK_LARGER,    /* bit 0 of field := frame above arg bytes */
};

struct vx_act {
    uint8_t type;           /* enum vx_act_type */
    uint8_t field;          /* SET: target; MOVE: destination */
    uint8_t src;            /* MOVE: source field */
    uint8_t n_bits, dst_ofs, src_ofs;   /* MOVE, bits */
    uint32_t arg;           /* OUTPUT, GROUP, GOTO and those after it */
    uint8_t value[16];      /* SET: network order */
};

enum { VX_MAX_MATCH = 12, VX_MAX_ACTS = 12 };

enum vx_row_type {
    VX_ROW_GROUP,           /* OFPGT_ALL or OFPGT_SELECT, without its
                             * buckets */
    VX_ROW_BUCKET,
    VX_ROW_FLOW,
    VX_ROW_METER,           /* one band: drop */
};

struct vx_row {
    uint8_t type;           /* enum vx_row_type */
    uint8_t tier;           /* enum vx_tier */
    uint8_t table;          /* flow */
    uint8_t n_match;        /* flow; the field order is the builder's */
    uint8_t n_acts;         /* flow (0 = drop), bucket */
    uint16_t priority;      /* flow */
    uint64_t cookie;        /* flow: see pipeline.h */
    uint32_t group;         /* group, bucket: group id; meter: its id */
    uint32_t bucket;        /* bucket: bucket id */
    uint32_t rate;          /* meter: packets or kbit a second */
    uint32_t burst;         /* meter: packets or kbit */
    bool in_packets;        /* meter: else in kbit */
    bool select;            /* group: one of the buckets, by symmetric
                             * layer 4 hash, else all; VX_GROUP_ECMP alone
                             * is such a group */
    struct vx_match_field match[VX_MAX_MATCH];
    struct vx_act acts[VX_MAX_ACTS];
};

/* Copies what is in use; the rest of a row is not initialised. */
void vx_row_copy(struct vx_row *dst, const struct vx_row *src);

/* Growing array of rows. */
struct vx_rows {
    struct vx_row *rows;
    size_t n, cap;
};
void vx_rows_fini(struct vx_rows *rows);

/* Builders.  A row is started, matched, acted upon; asserts on overflow. */
struct vx_row *vx_rows_flow(struct vx_rows *rows, enum vx_tier tier,
                            uint8_t table, uint16_t priority,
                            uint64_t cookie);
struct vx_row *vx_rows_group(struct vx_rows *rows, enum vx_tier tier,
                             uint32_t group);
struct vx_row *vx_rows_bucket(struct vx_rows *rows, enum vx_tier tier,
                              uint32_t group, uint32_t bucket);
/* The rate is in packets a second if in_packets is set then, else in kbit. */
struct vx_row *vx_rows_meter(struct vx_rows *rows, enum vx_tier tier,
                             uint32_t meter);
void vx_match_u(struct vx_row *row, enum vx_field field, uint64_t value);
void vx_match_masked(struct vx_row *row, enum vx_field field, uint64_t value,
                     uint64_t mask);
void vx_match_mac(struct vx_row *row, enum vx_field field,
                  const struct vx_mac *mac);
/* 4 or 16 bytes; the field must be of the address's family. */
void vx_match_ip(struct vx_row *row, enum vx_field field,
                 const struct vx_ip *ip);
/* Nothing at all if its length is 0. */
void vx_match_prefix(struct vx_row *row, enum vx_field field,
                     const struct vx_prefix *prefix);
void vx_act_set_u(struct vx_row *row, enum vx_field field, uint64_t value);
void vx_act_set_mac(struct vx_row *row, enum vx_field field,
                    const struct vx_mac *mac);
void vx_act_set_ip(struct vx_row *row, enum vx_field field,
                   const struct vx_ip *ip);
/* Whole fields; the narrower of both decides the number of bits. */
void vx_act_move(struct vx_row *row, enum vx_field dst, enum vx_field src);
void vx_act_move_bits(struct vx_row *row, enum vx_field dst,
                      enum vx_field src, unsigned n_bits);
void vx_act_output(struct vx_row *row, uint32_t port);
void vx_act_in_port(struct vx_row *row);
void vx_act_group(struct vx_row *row, uint32_t group);
void vx_act_goto(struct vx_row *row, uint8_t table);
void vx_act_meter(struct vx_row *row, uint32_t meter);
void vx_act_controller(struct vx_row *row, uint16_t max_size);
void vx_act_resubmit(struct vx_row *row, uint8_t table);
void vx_act_dec_ttl(struct vx_row *row);
void vx_act_check_larger(struct vx_row *row, enum vx_field bit0,
                         uint16_t bytes);

/* Order of keys; the same for every permutation of match fields. */
int vx_row_compare_key(const struct vx_row *a, const struct vx_row *b);
/* Same key, cookie, actions, rate and burst. */
bool vx_row_same(const struct vx_row *a, const struct vx_row *b);
/* 64 bits of all that vx_row_same() looks at, as the builders made it; well
 * mixed, so that the sum over a set of rows says whether it is another
 * set. */
uint64_t vx_row_hash(const struct vx_row *row);
/* ovs-ofctl syntax, for golden tests, dry runs and people. */
struct vx_buf;
void vx_row_format(const struct vx_row *row, struct vx_buf *buf);

#endif
