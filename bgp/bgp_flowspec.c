/* SPDX-License-Identifier: Apache-2.0 */
/* FlowSpec components to and from bytes (RFC 8955 4.2, RFC 8956 3).  Pure.
 *
 *   component = type, prefix                       1, 2
 *             | type, (operator, value)...         3 and up
 *
 * One table says what each type is; everything else is a walk over it. */
#include "bgp/bgp_flowspec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/bgp_wire.h"

enum {                          /* operator byte */
    OP_END = 0x80, OP_AND = BG_FLOW_AND, OP_SIZE = 0x30,
    OP_LT = 4, OP_GT = 2, OP_EQ = 1,
};

enum shape { PREFIX, NUMBERS, BITS };

struct kind {
    const char *name;
    enum shape shape;
    size_t offset;              /* in struct bg_flow_rule */
    uint32_t max;
};

#define AT(MEMBER) offsetof(struct bg_flow_rule, MEMBER)
static const struct kind kinds[] = {
    [1] = { "dst", PREFIX, AT(dst), 0 },
    [2] = { "src", PREFIX, AT(src), 0 },
    [3] = { "proto", NUMBERS, AT(proto), 255 },
    [4] = { "port", NUMBERS, AT(port), 65535 },
    [5] = { "dport", NUMBERS, AT(dport), 65535 },
    [6] = { "sport", NUMBERS, AT(sport), 65535 },
    [7] = { "icmp-type", NUMBERS, AT(icmp_type), 255 },
    [8] = { "icmp-code", NUMBERS, AT(icmp_code), 255 },
    [9] = { "tcp-flags", BITS, AT(tcp_flags), 0xfff },
    [10] = { "length", NUMBERS, AT(length), 65535 },
    [11] = { "dscp", NUMBERS, AT(dscp), 63 },
    [12] = { "fragment", BITS, AT(fragment), 0xff },
    [13] = { "label", NUMBERS, AT(label), 0xfffff },
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static size_t
n_kinds(uint8_t family)
{
    return family == 6 ? N_KINDS : N_KINDS - 1;
}

/* --- Sets of ranges. */

static int
compare_ranges(const void *a_, const void *b_)
{
    const struct bg_flow_range *a = a_, *b = b_;

    return a->first < b->first ? -1 : a->first > b->first;
}

/* Here and below an empty set is a set of nothing; the meaning "any" is given
 * to it by the rule only. */
static void
join_ranges(struct bg_flow_range *r, size_t *n)
{
    size_t kept = 0;

    qsort(r, *n, sizeof *r, compare_ranges);
    for (size_t i = 0; i < *n; i++) {
        if (kept && (uint64_t) r[kept - 1].last + 1 >= r[i].first) {
            if (r[i].last > r[kept - 1].last) {
                r[kept - 1].last = r[i].last;
            }
        } else {
            r[kept++] = r[i];
        }
    }
    *n = kept;
}

bool
bg_flow_set_add(struct bg_flow_set *set, uint32_t first, uint32_t last)
{
    struct bg_flow_range r[BG_FLOW_RANGES + 1];
    size_t n = set->n;

    if (first > last) {
        return false;
    }
    memcpy(r, set->r, n * sizeof *r);
    r[n++] = (struct bg_flow_range) { first, last };
    join_ranges(r, &n);
    if (n > BG_FLOW_RANGES) {
        return false;
    }
    memset(set, 0, sizeof *set);
    memcpy(set->r, r, n * sizeof *r);
    set->n = n;
    return true;
}

static bool
intersect(struct bg_flow_set *set, const struct bg_flow_set *other)
{
    struct bg_flow_set both = { 0 };

    for (size_t i = 0; i < set->n; i++) {
        for (size_t j = 0; j < other->n; j++) {
            const struct bg_flow_range *a = &set->r[i], *b = &other->r[j];
            uint32_t first = a->first > b->first ? a->first : b->first;
            uint32_t last = a->last < b->last ? a->last : b->last;

            if (first <= last && !bg_flow_set_add(&both, first, last)) {
                return false;
            }
        }
    }
    *set = both;
    return true;
}

/* The numbers up to max that an operator lets through. */
static struct bg_flow_set
operator_set(uint8_t op, uint32_t value, uint32_t max)
{
    struct bg_flow_set set = { 0 };

    if (op & OP_LT && value) {
        bg_flow_set_add(&set, 0, value - 1 < max ? value - 1 : max);
    }
    if (op & OP_EQ && value <= max) {
        bg_flow_set_add(&set, value, value);
    }
    if (op & OP_GT && value < max) {
        bg_flow_set_add(&set, value + 1, max);
    }
    return set;
}

/* --- Encode. */

static void
put_value(struct bg_flow *flow, uint8_t op, uint32_t value)
{
    unsigned code = value > 0xffff ? 2 : value > 0xff ? 1 : 0;

    flow->b[flow->size++] = op | code << 4;
    bg_put_be(flow->b + flow->size, value, 1 << code);
    flow->size += 1 << code;
}

static bool
encode_numbers(const struct kind *kind, const struct bg_flow_set *set,
               struct bg_flow *flow, struct vx_error *err)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct bg_flow_range *r = &set->r[i];
        uint8_t end = i + 1 == set->n ? OP_END : 0;

        if (r->first > r->last || r->last > kind->max) {
            return vx_fail(err, VX_INVALID, kind->name, "%u-%u is no range "
                           "of %s, which ends at %u", r->first, r->last,
                           kind->name, kind->max);
        }
        if (r->first == r->last) {
            put_value(flow, end | OP_EQ, r->first);
        } else if (r->last == kind->max) {
            put_value(flow, end | OP_GT | OP_EQ, r->first);
        } else if (!r->first) {
            put_value(flow, end | OP_LT | OP_EQ, r->last);
        } else {
            put_value(flow, OP_GT | OP_EQ, r->first);
            put_value(flow, end | OP_AND | OP_LT | OP_EQ, r->last);
        }
    }
    return true;
}

static bool
encode_bits(const struct kind *kind, const struct bg_flow_bits *bits,
            struct bg_flow *flow, struct vx_error *err)
{
    for (size_t i = 0; i < bits->n; i++) {
        uint8_t op = bits->t[i].op & (OP_AND | BG_FLOW_NOT | BG_FLOW_MATCH);

        if (bits->t[i].value > kind->max) {
            return vx_fail(err, VX_INVALID, kind->name, "0x%x has bits that "
                           "%s has not", bits->t[i].value, kind->name);
        }
        put_value(flow, (i ? op : op & ~OP_AND)
                  | (i + 1 == bits->n ? OP_END : 0), bits->t[i].value);
    }
    return true;
}

/* Bits offset..length of the address, moved to the front (RFC 8956 3.1). */
static void
put_pattern(struct bg_flow *flow, const struct vx_prefix *prefix,
            unsigned offset)
{
    unsigned bits = prefix->length - offset;
    size_t size = (bits + 7) / 8;
    uint8_t *p = flow->b + flow->size;

    memset(p, 0, size);
    for (unsigned i = 0; i < bits; i++) {
        unsigned at = offset + i;

        if (prefix->ip.b[at / 8] & 0x80 >> at % 8) {
            p[i / 8] |= 0x80 >> i % 8;
        }
    }
    flow->size += size;
}

static bool
encode_prefix(const struct kind *kind, const struct bg_flow_rule *rule,
              struct bg_flow *flow, struct vx_error *err)
{
    const struct vx_prefix *prefix = kind == &kinds[1] ? &rule->dst
                                                       : &rule->src;
    unsigned offset = kind == &kinds[1] ? rule->dst_offset
                                        : rule->src_offset;

    if (prefix->ip.family != rule->family
        || prefix->length > vx_ip_bits(&prefix->ip)
        || (offset && (rule->family == 4 || offset >= prefix->length))) {
        return vx_fail(err, VX_INVALID, kind->name, "the prefix or its "
                       "offset is none of IPv%u", rule->family);
    }
    flow->b[flow->size++] = prefix->length;
    if (rule->family == 6) {
        flow->b[flow->size++] = offset;
    }
    put_pattern(flow, prefix, offset);
    return true;
}

/* A component has at most 2 + BG_FLOW_RANGES * 2 * 5 bytes; all of them
 * together are kept to BG_FLOW_MAX. */
enum { COMPONENT_MAX = 2 + BG_FLOW_RANGES * 2 * 5 };

bool
bg_flow_encode(const struct bg_flow_rule *rule, struct bg_flow *ret_flow,
               struct vx_error *err)
{
    struct bg_flow flow = { 0 };
    bool ok = true;

    if (rule->family != 4 && rule->family != 6) {
        return vx_fail(err, VX_INVALID, "family", "a rule is of IPv4 or of "
                       "IPv6");
    }
    for (size_t type = 1; ok && type < N_KINDS; type++) {
        const struct kind *kind = &kinds[type];
        const void *member = (const char *) rule + kind->offset;
        bool is_any = kind->shape == PREFIX
            ? !((const struct vx_prefix *) member)->ip.family
            : !*(const uint8_t *) member;       /* n comes first */

        if (is_any) {
            continue;
        }
        if (type >= n_kinds(rule->family)) {
            return vx_fail(err, VX_INVALID, kind->name, "IPv%u has no %s",
                           rule->family, kind->name);
        }
        if (flow.size + COMPONENT_MAX > BG_FLOW_MAX) {
            return vx_fail(err, VX_TOO_LARGE, kind->name, "the rule has more "
                           "ranges than fit into %d bytes", BG_FLOW_MAX);
        }
        flow.b[flow.size++] = type;
        ok = kind->shape == PREFIX ? encode_prefix(kind, rule, &flow, err)
             : kind->shape == BITS ? encode_bits(kind, member, &flow, err)
             : encode_numbers(kind, member, &flow, err);
    }
    if (ok && !flow.size) {
        return vx_fail(err, VX_INVALID, "match", "a FlowSpec rule needs at "
                       "least one thing to match");
    }
    if (ok) {
        *ret_flow = flow;
    }
    return ok;
}

/* --- Walk. */

struct component {
    uint8_t type;
    uint8_t length, offset;     /* of a prefix */
    const uint8_t *p;           /* of a prefix its pattern, else operators */
    size_t size;
};

static bool
read_prefix(struct bg_reader *r, uint8_t family, struct component *c)
{
    c->length = bg_read_be(r, 1);
    c->offset = family == 6 ? bg_read_be(r, 1) : 0;
    if (c->length > (family == 6 ? 128 : 32) || c->offset > c->length
        || (c->offset && c->offset == c->length)) {
        return false;
    }
    c->size = (c->length - c->offset + 7) / 8;
    c->p = bg_read(r, c->size);
    return !r->failed;
}

static bool
read_component(struct bg_reader *r, uint8_t family,
               struct component *ret_component)
{
    struct component c = { .type = bg_read_be(r, 1) };
    uint8_t op;

    if (r->failed || !c.type || c.type >= n_kinds(family)) {
        return false;
    }
    if (kinds[c.type].shape == PREFIX) {
        if (!read_prefix(r, family, &c)) {
            return false;
        }
    } else {
        c.p = r->p;
        do {
            op = bg_read_be(r, 1);
            bg_read(r, 1 << ((op & OP_SIZE) >> 4));
        } while (!r->failed && !(op & OP_END));
        c.size = r->p - c.p;
    }
    *ret_component = c;
    return !r->failed;
}

bool
bg_flow_is_valid(const struct bg_flow *flow, uint8_t family)
{
    struct bg_reader r = { flow->b, flow->size, false };
    struct component c;
    uint8_t last = 0;

    while (r.left) {
        if (!read_component(&r, family, &c) || c.type <= last) {
            return false;
        }
        last = c.type;
    }
    return last;
}

/* --- Decode. */

/* One operator and its value, that of 8 bytes cut to the highest number. */
static uint32_t
read_value(struct bg_reader *r, uint8_t *ret_op)
{
    uint8_t op = bg_read_be(r, 1);
    size_t size = 1 << ((op & OP_SIZE) >> 4);
    uint32_t high = size == 8 ? bg_read_be(r, 4) : 0;
    uint32_t low = bg_read_be(r, size == 8 ? 4 : size);

    *ret_op = op;
    return high ? UINT32_MAX : low;
}

static bool
set_unite(struct bg_flow_set *set, const struct bg_flow_set *other)
{
    for (size_t i = 0; i < other->n; i++) {
        if (!bg_flow_set_add(set, other->r[i].first, other->r[i].last)) {
            return false;
        }
    }
    return true;
}

static bool
decode_numbers(const struct kind *kind, const struct component *c,
               struct bg_flow_set *ret_set, struct vx_error *err)
{
    const struct bg_flow_set all = { 1, { { 0, kind->max } } };
    struct bg_reader r = { c->p, c->size, false };
    struct bg_flow_set set = { 0 }, group = all;
    bool ok = true, is_first = true;
    uint8_t op;

    while (ok && r.left) {
        uint32_t value = read_value(&r, &op);
        struct bg_flow_set some = operator_set(op, value, kind->max);

        if (!is_first && !(op & OP_AND)) {
            ok = set_unite(&set, &group);
            group = all;
        }
        ok = ok && intersect(&group, &some);
        is_first = false;
    }
    if (!ok || !set_unite(&set, &group)) {
        return vx_fail(err, VX_TOO_LARGE, kind->name, "%s has more than %d "
                       "ranges", kind->name, BG_FLOW_RANGES);
    }
    if (!set.n) {
        return vx_fail(err, VX_INVALID, kind->name, "no packet has such a "
                       "%s", kind->name);
    }
    *ret_set = set;
    return true;
}

static bool
decode_bits(const struct kind *kind, const struct component *c,
            struct bg_flow_bits *ret_bits, struct vx_error *err)
{
    struct bg_reader r = { c->p, c->size, false };
    struct bg_flow_bits bits = { 0 };
    uint8_t op;

    while (r.left) {
        uint32_t value = read_value(&r, &op);

        if (bits.n == BG_FLOW_BITS || value > kind->max) {
            return vx_fail(err, VX_TOO_LARGE, kind->name, "%s has more than "
                           "%d operators, or bits that are not known",
                           kind->name, BG_FLOW_BITS);
        }
        op &= OP_AND | BG_FLOW_NOT | BG_FLOW_MATCH;
        bits.t[bits.n].op = bits.n ? op : op & ~OP_AND;
        bits.t[bits.n++].value = value;
    }
    *ret_bits = bits;
    return true;
}

static struct vx_prefix
pattern_prefix(const struct component *c, uint8_t family)
{
    struct vx_prefix prefix = { .ip.family = family, .length = c->length };

    for (unsigned i = 0; i < (unsigned) c->length - c->offset; i++) {
        unsigned at = c->offset + i;

        if (c->p[i / 8] & 0x80 >> i % 8) {
            prefix.ip.b[at / 8] |= 0x80 >> at % 8;
        }
    }
    return prefix;
}

static bool
decode_component(const struct component *c, struct bg_flow_rule *rule,
                 struct vx_error *err)
{
    const struct kind *kind = &kinds[c->type];
    void *member = (char *) rule + kind->offset;

    if (kind->shape == NUMBERS) {
        return decode_numbers(kind, c, member, err);
    }
    if (kind->shape == BITS) {
        return decode_bits(kind, c, member, err);
    }
    *(struct vx_prefix *) member = pattern_prefix(c, rule->family);
    *(c->type == 1 ? &rule->dst_offset : &rule->src_offset) = c->offset;
    return true;
}

bool
bg_flow_decode(const struct bg_flow *flow, uint8_t family,
               struct bg_flow_rule *ret_rule, struct vx_error *err)
{
    struct bg_reader r = { flow->b, flow->size, false };
    struct bg_flow_rule rule = { .family = family };
    struct component c;

    if (!bg_flow_is_valid(flow, family)) {
        return vx_fail(err, VX_INVALID, "flowspec", "the rule is not "
                       "well-formed");
    }
    while (r.left) {
        if (!read_component(&r, family, &c)
            || !decode_component(&c, &rule, err)) {
            return false;
        }
    }
    *ret_rule = rule;
    return true;
}

/* --- Order. */

/* Bits that both have decide first, then the longer one comes first. */
static int
compare_prefixes(const struct component *a, const struct component *b,
                 uint8_t family)
{
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    struct vx_prefix p = pattern_prefix(a, family);
    struct vx_prefix q = pattern_prefix(b, family);
    unsigned common = p.length < q.length ? p.length : q.length;

    for (unsigned i = 0; i < common; i++) {
        unsigned bit = 0x80 >> i % 8;
        int x = !!(p.ip.b[i / 8] & bit), y = !!(q.ip.b[i / 8] & bit);

        if (x != y) {
            return x - y;
        }
    }
    return (int) q.length - p.length;
}

static int
compare_components(const struct component *a, const struct component *b,
                   uint8_t family)
{
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    if (kinds[a->type].shape == PREFIX) {
        return compare_prefixes(a, b, family);
    }
    size_t common = a->size < b->size ? a->size : b->size;
    int d = memcmp(a->p, b->p, common);
    return d ? d : a->size > b->size ? -1 : a->size < b->size;
}

int
bg_flow_compare(const struct bg_flow *a, const struct bg_flow *b,
                uint8_t family)
{
    struct bg_reader ra = { a->b, a->size, false };
    struct bg_reader rb = { b->b, b->size, false };
    struct component ca, cb;
    int d = 0;

    while (!d && ra.left && rb.left) {
        if (!read_component(&ra, family, &ca)
            || !read_component(&rb, family, &cb)) {
            return 0;
        }
        d = compare_components(&ca, &cb, family);
    }
    /* A component that the other one has not makes it more specific. */
    return d ? d : (int) !ra.left - (int) !rb.left;
}

/* --- Text. */

static void
format_set(const struct bg_flow_set *set, struct vx_buf *buf)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct bg_flow_range *r = &set->r[i];

        vx_buf_printf(buf, i ? ",%u" : "%u", r->first);
        if (r->last != r->first) {
            vx_buf_printf(buf, "-%u", r->last);
        }
    }
}

static void
format_bits(const struct bg_flow_bits *bits, struct vx_buf *buf)
{
    for (size_t i = 0; i < bits->n; i++) {
        uint8_t op = bits->t[i].op;

        vx_buf_printf(buf, "%s%s%s0x%x", !i ? "" : op & OP_AND ? "&" : ",",
                      op & BG_FLOW_NOT ? "!" : "",
                      op & BG_FLOW_MATCH ? "=" : "", bits->t[i].value);
    }
}

static void
format_member(const struct bg_flow_rule *rule, size_t type,
              struct vx_buf *buf)
{
    const struct kind *kind = &kinds[type];
    const void *member = (const char *) rule + kind->offset;
    const struct vx_prefix *prefix = member;
    unsigned offset = type == 1 ? rule->dst_offset : rule->src_offset;
    char s[VX_PREFIX_STRLEN];

    if (kind->shape == PREFIX ? !prefix->ip.family
                              : !*(const uint8_t *) member) {
        return;
    }
    vx_buf_printf(buf, "%s%s ", buf->size ? " " : "", kind->name);
    if (kind->shape == NUMBERS) {
        format_set(member, buf);
    } else if (kind->shape == BITS) {
        format_bits(member, buf);
    } else {
        vx_buf_puts(buf, vx_prefix_format(prefix, s));
        if (offset) {
            vx_buf_printf(buf, "@%u", offset);
        }
    }
}

const char *
bg_flow_format(const struct bg_flow *flow, uint8_t family, char *buf,
               size_t size)
{
    struct vx_buf text = VX_BUF_INIT;
    struct bg_flow_rule rule;

    if (bg_flow_decode(flow, family, &rule, NULL)) {
        for (size_t type = 1; type < N_KINDS; type++) {
            format_member(&rule, type, &text);
        }
    } else {
        vx_buf_puts(&text, "0x");
        for (size_t i = 0; i < flow->size; i++) {
            vx_buf_printf(&text, "%02x", flow->b[i]);
        }
    }
    snprintf(buf, size, "%s", vx_buf_str(&text));
    vx_buf_fini(&text);
    return buf;
}
