/* SPDX-License-Identifier: Apache-2.0 */
/* Counters in replies; see of_counts.h.  OpenFlow 1.5.1: flows 7.3.5.2, OXM
 * 7.2.3, OXS 7.2.4, meters 7.3.5.11. */
#include "ovs-glue/of_counts.h"

#include "lib/xalloc.h"

enum {
    MULTIPART_FLOW_DESC = 1, MULTIPART_METER_STATS = 9,
    OXM_NXM1 = 0x0001,          /* Nicira extensions: registers 0.. */
    OXM_PACKET_REGS = 0x8001,   /* two registers each */
    OXS_BASIC = 0x8002,
    OXS_DURATION = 0, OXS_PACKETS = 4, OXS_BYTES = 5,
    APPLY_ACTIONS = 4, ACTION_OUTPUT = 0,
};

struct slice {
    const uint8_t *p;
    size_t size;
};

static unsigned
get_u16(const uint8_t *p)
{
    return (unsigned) p[0] << 8 | p[1];
}

static uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t) get_u16(p) << 16 | get_u16(p + 2);
}

static uint64_t
get_u64(const uint8_t *p)
{
    return (uint64_t) get_u32(p) << 32 | get_u32(p + 4);
}

/* NULL if there are fewer bytes. */
static const uint8_t *
take(struct slice *s, size_t size)
{
    const uint8_t *p = s->p;

    if (size > s->size) {
        return NULL;
    }
    s->p += size;
    s->size -= size;
    return p;
}

/* type (2), length without padding (2), elements, padding to 8. */
static bool
take_padded(struct slice *s, struct slice *ret_elements)
{
    size_t size = s->size < 4 ? 0 : get_u16(s->p + 2);

    if (size < 4 || (size + 7) / 8 * 8 > s->size) {
        return false;
    }
    ret_elements->p = s->p + 4;
    ret_elements->size = size - 4;
    take(s, (size + 7) / 8 * 8);
    return true;
}

/* FNV-1a, 64 bits: one switch says the same match with the same bytes. */
static uint64_t
hash(uint64_t h, const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

static void
read_reg(struct vx_count *c, unsigned number, uint32_t value, uint32_t mask)
{
    if (mask == UINT32_MAX && number < 2) {
        *(number ? &c->reg1 : &c->reg0) = value;
    }
}

/* The registers 0 and 1: alone, or as one of 64 bits. */
static void
read_field(struct vx_count *c, const uint8_t *header, const uint8_t *value)
{
    unsigned class = get_u16(header), field = header[2] >> 1;
    bool masked = header[2] & 1;
    unsigned size = masked ? header[3] / 2 : header[3];

    if (class == OXM_NXM1 && size == 4 && field < 2) {
        read_reg(c, field, get_u32(value),
                 masked ? get_u32(value + 4) : UINT32_MAX);
    } else if (class == OXM_PACKET_REGS && size == 8 && field == 0) {
        read_reg(c, 0, get_u32(value),
                 masked ? get_u32(value + 8) : UINT32_MAX);
        read_reg(c, 1, get_u32(value + 4),
                 masked ? get_u32(value + 12) : UINT32_MAX);
    }
}

static bool
read_match(struct vx_count *c, struct slice oxm)
{
    while (oxm.size) {
        const uint8_t *header = take(&oxm, 4);
        const uint8_t *value = header ? take(&oxm, header[3]) : NULL;

        if (!value) {
            return false;
        }
        read_field(c, header, value);
    }
    return true;
}

static bool
read_stats(struct vx_count *c, struct slice oxs)
{
    while (oxs.size) {
        const uint8_t *header = take(&oxs, 4);
        const uint8_t *value = header ? take(&oxs, header[3]) : NULL;

        if (!value) {
            return false;
        }
        if (get_u16(header) != OXS_BASIC || header[3] != 8) {
            continue;
        }
        switch (header[2] >> 1) {
        case OXS_DURATION: {
            uint64_t ms = (uint64_t) get_u32(value) * 1000
                          + get_u32(value + 4) / 1000000;
            c->age_ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t) ms;
            break;
        }
        case OXS_PACKETS:
            c->packets = get_u64(value);
            break;
        case OXS_BYTES:
            c->bytes = get_u64(value);
            break;
        }
    }
    return true;
}

/* The first output of what is done at once. */
static uint32_t
find_output(struct slice insts)
{
    while (insts.size >= 8) {
        size_t size = get_u16(insts.p + 2);
        struct slice actions = { insts.p + 8, size - 8 };

        if (size < 8 || size > insts.size) {
            return 0;
        }
        while (get_u16(insts.p) == APPLY_ACTIONS && actions.size >= 8) {
            size_t length = get_u16(actions.p + 2);

            if (get_u16(actions.p) == ACTION_OUTPUT) {
                return get_u32(actions.p + 4);
            }
            if (length < 8 || !take(&actions, length)) {
                return 0;
            }
        }
        take(&insts, size);
    }
    return 0;
}

/* struct ofp_flow_desc: length (2), padding (2), table, padding, priority
 * (2), idle, hard, flags, importance (2 each), cookie (8); match; statistics;
 * instructions. */
static bool
read_flow(struct vx_count *c, struct slice e)
{
    const uint8_t *fixed = take(&e, 24);
    struct slice oxm, oxs;

    if (!fixed || !take_padded(&e, &oxm) || !take_padded(&e, &oxs)) {
        return false;
    }
    c->priority = (uint16_t) get_u16(fixed + 6);
    c->cookie = get_u64(fixed + 16);
    c->key = hash(UINT64_C(0xcbf29ce484222325), fixed + 4, 1);
    c->key = hash(c->key, fixed + 6, 2);
    c->key = hash(c->key, oxm.p, oxm.size);
    c->out_port = find_output(e);
    return read_match(c, oxm) && read_stats(c, oxs);
}

/* struct ofp_meter_stats: id (4), length (2), padding (6), flows (4), packets
 * (8), bytes (8), duration (4, 4); per band packets (8), bytes (8). */
static bool
read_meter(struct vx_count *c, struct slice e)
{
    const uint8_t *fixed = take(&e, 40), *band;
    uint64_t ms;

    if (!fixed) {
        return false;
    }
    c->key = get_u32(fixed);
    c->packets = get_u64(fixed + 16);
    c->bytes = get_u64(fixed + 24);
    ms = (uint64_t) get_u32(fixed + 32) * 1000
         + get_u32(fixed + 36) / 1000000;
    c->age_ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t) ms;
    while ((band = take(&e, 16))) {
        c->dropped += get_u64(band);
    }
    return !e.size;
}

static bool
add(struct og_counts *counts, struct slice e,
    bool (*read)(struct vx_count *c, struct slice e))
{
    counts->rows = vx_grow(counts->rows, &counts->cap, counts->n + 1,
                           sizeof *counts->rows);
    counts->rows[counts->n] = (struct vx_count) { .key = 0 };
    return read(&counts->rows[counts->n++], e);
}

bool
og_counts_add_reply(struct og_counts *counts, const void *msg, size_t size,
                    struct vx_error *err)
{
    const uint8_t *p = msg;
    unsigned type = size < 16 ? 0 : get_u16(p + 8);
    bool is_flow = type == MULTIPART_FLOW_DESC;

    if (size < 16 || p[1] != 19 || get_u16(p + 2) != size
        || (!is_flow && type != MULTIPART_METER_STATS)) {
        return vx_fail(err, VX_INVALID, "", "not a reply to a request for "
                       "counters");
    }
    for (struct slice s = { p + 16, size - 16 }; s.size;) {
        size_t length = s.size < 8 ? 0 : get_u16(is_flow ? s.p : s.p + 4);
        struct slice e = { s.p, length };

        if (counts->n == VX_COUNTS_MAX) {
            return vx_fail(err, VX_INVALID, "", "more than %d rows with "
                           "counters", VX_COUNTS_MAX);
        }
        if (length < 8 || !take(&s, length)
            || !add(counts, e, is_flow ? read_flow : read_meter)) {
            return vx_fail(err, VX_INVALID, "", "malformed list of "
                           "counters");
        }
    }
    return true;
}
