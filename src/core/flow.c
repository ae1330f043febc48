/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as plain data: builders, order of keys, equality.
 *
 * The compile units build with these functions only, so that a row never
 * holds bytes that were not put there on purpose: unused value bytes of a
 * match or action are zero, a masked value has no bit outside its mask.
 * Comparison relies on it.  Matches and actions from n_match and n_acts on
 * are not initialised: a row is big, and most of it is never used. */
#include "core/flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xalloc.h"

static const uint8_t field_sizes[VX_N_FIELDS] = {
    [VX_F_IN_PORT] = 4,
    [VX_F_REG0] = 4,
    [VX_F_REG1] = 4,
    [VX_F_REG4] = 4,
    [VX_F_REG5] = 4,
    [VX_F_REG6] = 4,
    [VX_F_REG7] = 4,
    [VX_F_REG8] = 4,
    [VX_F_REG9] = 4,
    [VX_F_XREG1] = 8,
    [VX_F_PKT_MARK] = 4,
    [VX_F_TUN_ID] = 8,
    [VX_F_TUN_SRC] = 4,
    [VX_F_TUN_DST] = 4,
    [VX_F_TUN_IPV6_SRC] = 16,
    [VX_F_TUN_IPV6_DST] = 16,
    [VX_F_ETH_SRC] = 6,
    [VX_F_ETH_DST] = 6,
    [VX_F_ETH_TYPE] = 2,
    [VX_F_VLAN_TCI] = 2,
    [VX_F_IP_PROTO] = 1,
    [VX_F_IP_TTL] = 1,
    [VX_F_IP_DSCP] = 1,
    [VX_F_IPV4_SRC] = 4,
    [VX_F_IPV4_DST] = 4,
    [VX_F_IPV6_SRC] = 16,
    [VX_F_IPV6_DST] = 16,
    [VX_F_UDP_SRC] = 2,
    [VX_F_UDP_DST] = 2,
    [VX_F_TCP_SRC] = 2,
    [VX_F_TCP_DST] = 2,
    [VX_F_SCTP_SRC] = 2,
    [VX_F_SCTP_DST] = 2,
    [VX_F_ICMP_TYPE] = 1,
    [VX_F_ICMP_CODE] = 1,
    [VX_F_ICMPV6_TYPE] = 1,
    [VX_F_ICMPV6_CODE] = 1,
    [VX_F_ARP_OP] = 2,
    [VX_F_ARP_SPA] = 4,
    [VX_F_ARP_TPA] = 4,
    [VX_F_ARP_SHA] = 6,
    [VX_F_ARP_THA] = 6,
    [VX_F_ND_TARGET] = 16,
    [VX_F_ND_SLL] = 6,
    [VX_F_ND_TLL] = 6,
    [VX_F_ND_RESERVED] = 4,
    [VX_F_ND_OPTIONS_TYPE] = 1,
};

size_t
vx_field_size(enum vx_field field)
{
    assert((unsigned) field < VX_N_FIELDS);
    return field_sizes[field];
}

void
vx_rows_fini(struct vx_rows *rows)
{
    free(rows->rows);
    memset(rows, 0, sizeof *rows);
}

static struct vx_row *
append(struct vx_rows *rows, enum vx_row_type type, enum vx_tier tier)
{
    rows->rows = vx_grow(rows->rows, &rows->cap, rows->n + 1,
                         sizeof *rows->rows);
    struct vx_row *row = &rows->rows[rows->n++];

    memset(row, 0, offsetof(struct vx_row, match));
    row->type = type;
    row->tier = tier;
    return row;
}

void
vx_row_copy(struct vx_row *dst, const struct vx_row *src)
{
    memcpy(dst, src, offsetof(struct vx_row, match));
    memcpy(dst->match, src->match, src->n_match * sizeof *src->match);
    memcpy(dst->acts, src->acts, src->n_acts * sizeof *src->acts);
}

struct vx_row *
vx_rows_flow(struct vx_rows *rows, enum vx_tier tier, uint8_t table,
             uint16_t priority, uint64_t cookie)
{
    struct vx_row *row = append(rows, VX_ROW_FLOW, tier);

    row->table = table;
    row->priority = priority;
    row->cookie = cookie;
    return row;
}

struct vx_row *
vx_rows_group(struct vx_rows *rows, enum vx_tier tier, uint32_t group)
{
    struct vx_row *row = append(rows, VX_ROW_GROUP, tier);

    row->group = group;
    return row;
}

struct vx_row *
vx_rows_bucket(struct vx_rows *rows, enum vx_tier tier, uint32_t group,
               uint32_t bucket)
{
    struct vx_row *row = append(rows, VX_ROW_BUCKET, tier);

    row->group = group;
    row->bucket = bucket;
    return row;
}

struct vx_row *
vx_rows_meter(struct vx_rows *rows, enum vx_tier tier, uint32_t meter)
{
    struct vx_row *row = append(rows, VX_ROW_METER, tier);

    row->group = meter;
    return row;
}

static void
put_u(uint8_t *bytes, enum vx_field field, uint64_t value)
{
    size_t size = vx_field_size(field);

    assert(size <= 8);
    assert(size == 8 || value >> (8 * size) == 0);
    for (size_t i = size; i > 0; i--) {
        bytes[i - 1] = value & 0xff;
        value >>= 8;
    }
}

static void
put_bytes(uint8_t *bytes, enum vx_field field, const uint8_t *src,
          size_t size)
{
    assert(vx_field_size(field) == size);
    memcpy(bytes, src, size);
}

static struct vx_match_field *
add_match(struct vx_row *row, enum vx_field field)
{
    assert(row->type == VX_ROW_FLOW && row->n_match < VX_MAX_MATCH);
    struct vx_match_field *match = &row->match[row->n_match++];

    memset(match, 0, sizeof *match);
    match->field = field;
    return match;
}

void
vx_match_u(struct vx_row *row, enum vx_field field, uint64_t value)
{
    put_u(add_match(row, field)->value, field, value);
}

void
vx_match_masked(struct vx_row *row, enum vx_field field, uint64_t value,
                uint64_t mask)
{
    struct vx_match_field *match = add_match(row, field);

    match->masked = true;
    put_u(match->value, field, value & mask);
    put_u(match->mask, field, mask);
}

void
vx_match_mac(struct vx_row *row, enum vx_field field,
             const struct vx_mac *mac)
{
    put_bytes(add_match(row, field)->value, field, mac->b, sizeof mac->b);
}

void
vx_match_ip(struct vx_row *row, enum vx_field field, const struct vx_ip *ip)
{
    put_bytes(add_match(row, field)->value, field, ip->b,
              ip->family == 4 ? 4 : 16);
}

void
vx_match_prefix(struct vx_row *row, enum vx_field field,
                const struct vx_prefix *prefix)
{
    struct vx_match_field *match;
    size_t size = vx_field_size(field);

    assert(size == vx_ip_bits(&prefix->ip) / 8);
    if (!prefix->length) {
        return;
    }
    match = add_match(row, field);
    memcpy(match->value, prefix->ip.b, size);
    match->masked = prefix->length < 8 * size;
    for (unsigned i = 0; match->masked && i < prefix->length; i++) {
        match->mask[i / 8] |= 0x80 >> i % 8;
    }
}

static struct vx_act *
add_act(struct vx_row *row, enum vx_act_type type)
{
    assert((row->type == VX_ROW_FLOW || row->type == VX_ROW_BUCKET)
           && row->n_acts < VX_MAX_ACTS);
    struct vx_act *act = &row->acts[row->n_acts++];

    memset(act, 0, sizeof *act);
    act->type = type;
    return act;
}

static struct vx_act *
add_set(struct vx_row *row, enum vx_field field)
{
    struct vx_act *act = add_act(row, VX_ACT_SET);

    act->field = field;
    return act;
}

void
vx_act_set_u(struct vx_row *row, enum vx_field field, uint64_t value)
{
    put_u(add_set(row, field)->value, field, value);
}

void
vx_act_set_mac(struct vx_row *row, enum vx_field field,
               const struct vx_mac *mac)
{
    if (vx_field_size(field) == 8) {
        vx_act_set_u(row, field, vx_mac_to_u64(mac));
    } else {
        put_bytes(add_set(row, field)->value, field, mac->b, sizeof mac->b);
    }
}

void
vx_act_set_ip(struct vx_row *row, enum vx_field field,
              const struct vx_ip *ip)
{
    put_bytes(add_set(row, field)->value, field, ip->b,
              ip->family == 4 ? 4 : 16);
}

void
vx_act_move_bits(struct vx_row *row, enum vx_field dst, enum vx_field src,
                 unsigned n_bits)
{
    assert(n_bits > 0 && n_bits <= 8 * vx_field_size(dst)
           && n_bits <= 8 * vx_field_size(src));
    struct vx_act *act = add_act(row, VX_ACT_MOVE);

    act->field = dst;
    act->src = src;
    act->n_bits = n_bits;
}

void
vx_act_move(struct vx_row *row, enum vx_field dst, enum vx_field src)
{
    size_t dst_size = vx_field_size(dst), src_size = vx_field_size(src);

    vx_act_move_bits(row, dst, src,
                     8 * (dst_size < src_size ? dst_size : src_size));
}

void
vx_act_output(struct vx_row *row, uint32_t port)
{
    add_act(row, VX_ACT_OUTPUT)->arg = port;
}

void
vx_act_in_port(struct vx_row *row)
{
    add_act(row, VX_ACT_IN_PORT);
}

void
vx_act_group(struct vx_row *row, uint32_t group)
{
    add_act(row, VX_ACT_GROUP)->arg = group;
}

void
vx_act_goto(struct vx_row *row, uint8_t table)
{
    add_act(row, VX_ACT_GOTO)->arg = table;
}

void
vx_act_meter(struct vx_row *row, uint32_t meter)
{
    add_act(row, VX_ACT_METER)->arg = meter;
}

void
vx_act_controller(struct vx_row *row, uint16_t max_size)
{
    add_act(row, VX_ACT_CONTROLLER)->arg = max_size;
}

void
vx_act_resubmit(struct vx_row *row, uint8_t table)
{
    add_act(row, VX_ACT_RESUBMIT)->arg = table;
}

void
vx_act_dec_ttl(struct vx_row *row)
{
    add_act(row, VX_ACT_DEC_TTL);
}

void
vx_act_check_larger(struct vx_row *row, enum vx_field bit0, uint16_t bytes)
{
    struct vx_act *act = add_act(row, VX_ACT_CHECK_LARGER);

    act->field = bit0;
    act->arg = bytes;
}

static int
compare_u(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static uint64_t
field_set(const struct vx_row *row)
{
    uint64_t set = 0;

    for (unsigned i = 0; i < row->n_match; i++) {
        set |= UINT64_C(1) << row->match[i].field;
    }
    return set;
}

static const struct vx_match_field *
find_match(const struct vx_row *row, unsigned field, unsigned hint)
{
    if (hint < row->n_match && row->match[hint].field == field) {
        return &row->match[hint];
    }
    for (unsigned i = 0; i < row->n_match; i++) {
        if (row->match[i].field == field) {
            return &row->match[i];
        }
    }
    return NULL;
}

/* Field by field in the order of the enum, so that permutations of the same
 * fields are equal and the order stays a total one. */
static int
compare_match(const struct vx_row *a, const struct vx_row *b)
{
    uint64_t set = field_set(a);
    int cmp = compare_u(set, field_set(b));

    for (; !cmp && set; set &= set - 1) {
        unsigned field = __builtin_ctzll(set);
        const struct vx_match_field *x = find_match(a, field, 0);
        const struct vx_match_field *y = find_match(b, field,
                                                    x - a->match);

        cmp = x->masked - y->masked;
        cmp = cmp ? cmp : memcmp(x->value, y->value, sizeof x->value);
        cmp = cmp ? cmp : memcmp(x->mask, y->mask, sizeof x->mask);
    }
    return cmp;
}

int
vx_row_compare_key(const struct vx_row *a, const struct vx_row *b)
{
    int cmp = compare_u(a->tier, b->tier);

    cmp = cmp ? cmp : compare_u(a->type, b->type);
    if (cmp) {
        return cmp;
    }
    if (a->type != VX_ROW_FLOW) {
        cmp = compare_u(a->group, b->group);
        return cmp ? cmp : compare_u(a->bucket, b->bucket);
    }
    cmp = compare_u(a->table, b->table);
    cmp = cmp ? cmp : compare_u(b->priority, a->priority);
    return cmp ? cmp : compare_match(a, b);
}

static bool
same_act(const struct vx_act *a, const struct vx_act *b)
{
    return a->type == b->type && a->field == b->field && a->src == b->src
           && a->n_bits == b->n_bits && a->dst_ofs == b->dst_ofs
           && a->src_ofs == b->src_ofs && a->arg == b->arg
           && !memcmp(a->value, b->value, sizeof a->value);
}

bool
vx_row_same(const struct vx_row *a, const struct vx_row *b)
{
    if (a->cookie != b->cookie || a->n_acts != b->n_acts
        || a->rate != b->rate || a->burst != b->burst
        || a->in_packets != b->in_packets || a->select != b->select
        || vx_row_compare_key(a, b)) {
        return false;
    }
    for (unsigned i = 0; i < a->n_acts; i++) {
        if (!same_act(&a->acts[i], &b->acts[i])) {
            return false;
        }
    }
    return true;
}

/* Two rounds of multiply and fold per word (the finalizer of splitmix64). */
static uint64_t
mix(uint64_t h, uint64_t word)
{
    h ^= word;
    h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 31;
}

static uint64_t
mix_16(uint64_t h, const uint8_t bytes[16])
{
    uint64_t words[2];

    memcpy(words, bytes, sizeof words);
    return mix(mix(h, words[0]), words[1]);
}

/* The order of match fields is the builder's: they are summed up. */
static uint64_t
hash_match(const struct vx_row *row)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < row->n_match; i++) {
        const struct vx_match_field *match = &row->match[i];
        uint64_t h = mix_16(match->field + 1u, match->value);

        sum += match->masked ? mix_16(h, match->mask) : h;
    }
    return sum;
}

static uint64_t
hash_act(uint64_t h, const struct vx_act *act)
{
    h = mix(h, (uint64_t) act->type << 56 | (uint64_t) act->field << 48
               | (uint64_t) act->src << 40 | (uint64_t) act->n_bits << 32
               | (uint64_t) act->dst_ofs << 24
               | (uint64_t) act->src_ofs << 16);
    return mix_16(mix(h, act->arg), act->value);
}

uint64_t
vx_row_hash(const struct vx_row *row)
{
    bool flow = row->type == VX_ROW_FLOW;
    uint64_t h = mix(0, (uint64_t) row->type << 32
                     | (uint64_t) row->tier << 24
                     | (flow ? (uint64_t) row->table << 16 | row->priority
                        : 0));

    if (flow) {
        h = mix(mix(h, row->cookie), hash_match(row));
    } else {
        h = mix(h, (uint64_t) row->group << 32
                   | (row->type == VX_ROW_BUCKET ? row->bucket : 0));
        h = mix(h, (uint64_t) row->rate << 32 | row->burst);
        h = mix(h, row->in_packets | (uint64_t) row->select << 1);
    }
    for (unsigned i = 0; i < row->n_acts; i++) {
        h = hash_act(h, &row->acts[i]);
    }
    return mix(h, row->n_acts + 1u);
}
