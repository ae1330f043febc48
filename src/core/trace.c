/* SPDX-License-Identifier: Apache-2.0 */
/* Interpreter of rows; see trace.h.
 *
 * Semantics are those of ovs-vswitchd: the highest priority wins, an output
 * happens where it stands in the list with the packet as it is then, every
 * bucket of a group works on a copy (of a select group only one, which one is
 * not what a switch would say), output to the port the packet came from
 * is silently nothing, and of all metadata only pkt_mark survives a patch
 * port. */
#include "core/trace.h"

#include <stdlib.h>
#include <string.h>

#include "core/pipeline.h"
#include "lib/xalloc.h"

enum {
    MAX_CROSSINGS = 8,  /* between the bridges */
};

struct run {
    const struct vx_rows *rows[VX_FABRIC_TIER + 1];
    struct vx_trace *trace;
    unsigned n_crossings;
};

void
vx_packet_set_u(struct vx_packet *packet, enum vx_field field,
                uint64_t value)
{
    for (size_t i = vx_field_size(field); i > 0; i--) {
        packet->f[field][i - 1] = value & 0xff;
        value >>= 8;
    }
}

void
vx_packet_set_mac(struct vx_packet *packet, enum vx_field field,
                  const struct vx_mac *mac)
{
    memcpy(packet->f[field], mac->b, sizeof mac->b);
}

void
vx_packet_set_ip(struct vx_packet *packet, enum vx_field field,
                 const struct vx_ip *ip)
{
    memcpy(packet->f[field], ip->b, vx_field_size(field));
}

uint64_t
vx_packet_get_u(const struct vx_packet *packet, enum vx_field field)
{
    uint64_t value = 0;

    for (size_t i = 0; i < vx_field_size(field); i++) {
        value = value << 8 | packet->f[field][i];
    }
    return value;
}

static bool
matches(const struct vx_row *row, const struct vx_packet *packet)
{
    for (unsigned i = 0; i < row->n_match; i++) {
        const struct vx_match_field *match = &row->match[i];
        const uint8_t *bytes = packet->f[match->field];
        size_t size = vx_field_size(match->field);

        for (size_t k = 0; k < size; k++) {
            uint8_t mask = match->masked ? match->mask[k] : 0xff;

            if ((bytes[k] & mask) != match->value[k]) {
                return false;
            }
        }
    }
    return true;
}

static const struct vx_row *
lookup(const struct vx_rows *rows, uint8_t table,
       const struct vx_packet *packet)
{
    const struct vx_row *best = NULL;

    for (size_t i = 0; i < rows->n; i++) {
        const struct vx_row *row = &rows->rows[i];

        if (row->type == VX_ROW_FLOW && row->table == table
            && (!best || row->priority > best->priority)
            && matches(row, packet)) {
            best = row;
        }
    }
    return best;
}

static unsigned
get_bit(const uint8_t *bytes, size_t size, unsigned bit)
{
    return bytes[size - 1 - bit / 8] >> bit % 8 & 1;
}

static void
move_bits(struct vx_packet *packet, const struct vx_act *act)
{
    const uint8_t *src = packet->f[act->src];
    uint8_t *dst = packet->f[act->field];
    size_t src_size = vx_field_size(act->src);
    size_t dst_size = vx_field_size(act->field);

    for (unsigned i = 0; i < act->n_bits; i++) {
        unsigned to = act->dst_ofs + i;
        uint8_t *byte = &dst[dst_size - 1 - to / 8];

        *byte &= ~(1u << to % 8);
        *byte |= get_bit(src, src_size, act->src_ofs + i) << to % 8;
    }
}

static void enter(struct run *run, enum vx_tier tier,
                  const struct vx_packet *packet);
static void enter_table(struct run *run, enum vx_tier tier, int table,
                        const struct vx_packet *packet);

/* To the other bridge: what a patch port forgets is forgotten. */
static void
cross(struct run *run, enum vx_tier tier, const struct vx_packet *packet)
{
    static const enum vx_field lost[] = {
        VX_F_REG0, VX_F_REG1, VX_F_REG4, VX_F_REG5, VX_F_REG6, VX_F_REG7,
        VX_F_REG8, VX_F_REG9, VX_F_XREG1, VX_F_TUN_ID, VX_F_TUN_SRC,
        VX_F_TUN_DST, VX_F_TUN_IPV6_SRC, VX_F_TUN_IPV6_DST,
    };
    struct vx_packet other = *packet;

    if (++run->n_crossings > MAX_CROSSINGS) {
        run->trace->looped = true;
        return;
    }
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        memset(other.f[lost[i]], 0, sizeof other.f[lost[i]]);
    }
    vx_packet_set_u(&other, VX_F_IN_PORT, VX_OFPORT_PATCH);
    enter(run, tier == VX_TENANT_TIER ? VX_FABRIC_TIER : VX_TENANT_TIER,
          &other);
}

static void
output(struct run *run, enum vx_tier tier, const struct vx_packet *packet,
       uint32_t port)
{
    struct vx_trace *trace = run->trace;

    if (port == VX_OFPORT_PATCH) {
        cross(run, tier, packet);
        return;
    }
    trace->exits = vx_grow(trace->exits, &trace->cap_exits,
                           trace->n_exits + 1, sizeof *trace->exits);
    trace->exits[trace->n_exits++] = (struct vx_exit) {
        .tier = tier, .port = port, .packet = *packet
    };
}

static int act(struct run *run, const struct vx_row *row,
               struct vx_packet *packet);

/* The same for both directions of a flow, as the switch's own, and like that
 * one blind to ports of UDP. */
static unsigned
symmetric_hash(const struct vx_packet *packet)
{
    static const enum vx_field pairs[][2] = {
        { VX_F_ETH_SRC, VX_F_ETH_DST }, { VX_F_IPV4_SRC, VX_F_IPV4_DST },
        { VX_F_IPV6_SRC, VX_F_IPV6_DST }, { VX_F_TCP_SRC, VX_F_TCP_DST },
        { VX_F_SCTP_SRC, VX_F_SCTP_DST },
    };
    uint32_t h = packet->f[VX_F_IP_PROTO][0] + 1u;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        for (size_t k = 0; k < vx_field_size(pairs[i][0]); k++) {
            h = (h ^ packet->f[pairs[i][0]][k] ^ packet->f[pairs[i][1]][k])
                * UINT32_C(16777619);
        }
    }
    return h ^ h >> 16;
}

static bool
is_select(const struct vx_rows *rows, uint32_t group)
{
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->rows[i].type == VX_ROW_GROUP
            && rows->rows[i].group == group) {
            return rows->rows[i].select;
        }
    }
    return false;
}

/* The bucket of that rank by id, modulo their number; NULL if there is
 * none. */
static const struct vx_row *
pick_bucket(const struct vx_rows *rows, uint32_t group, unsigned hash)
{
    const struct vx_row *best = NULL;
    unsigned n = 0;

    for (size_t i = 0; i < rows->n; i++) {
        n += rows->rows[i].type == VX_ROW_BUCKET
             && rows->rows[i].group == group;
    }
    for (unsigned rank = 0; n && rank <= hash % n; rank++) {
        const struct vx_row *last = best;

        best = NULL;
        for (size_t i = 0; i < rows->n; i++) {
            const struct vx_row *row = &rows->rows[i];

            if (row->type == VX_ROW_BUCKET && row->group == group
                && (!last || row->bucket > last->bucket)
                && (!best || row->bucket < best->bucket)) {
                best = row;
            }
        }
    }
    return best;
}

static void
enter_group(struct run *run, enum vx_tier tier, uint32_t group,
            const struct vx_packet *packet)
{
    const struct vx_rows *rows = run->rows[tier];
    const struct vx_row *only = is_select(rows, group)
        ? pick_bucket(rows, group, symmetric_hash(packet)) : NULL;

    for (size_t i = 0; i < rows->n; i++) {
        const struct vx_row *row = &rows->rows[i];

        if (row->type == VX_ROW_BUCKET && row->group == group
            && (!only || row == only)) {
            struct vx_packet copy = *packet;

            act(run, row, &copy);
        }
    }
}

/* Returns the table to go to, -1 if the packet ends here. */
static int
act(struct run *run, const struct vx_row *row, struct vx_packet *packet)
{
    uint32_t in_port = vx_packet_get_u(packet, VX_F_IN_PORT);

    for (unsigned i = 0; i < row->n_acts; i++) {
        const struct vx_act *a = &row->acts[i];

        switch ((enum vx_act_type) a->type) {
        case VX_ACT_SET:
            memcpy(packet->f[a->field], a->value, sizeof a->value);
            break;
        case VX_ACT_MOVE:
            move_bits(packet, a);
            break;
        case VX_ACT_OUTPUT:
            if (a->arg != in_port) {
                output(run, row->tier, packet, a->arg);
            }
            break;
        case VX_ACT_IN_PORT:
            output(run, row->tier, packet, in_port);
            break;
        case VX_ACT_GROUP:
            enter_group(run, row->tier, a->arg, packet);
            break;
        case VX_ACT_GOTO:
            return a->arg;
        case VX_ACT_METER:      /* within its rate */
            break;
        case VX_ACT_RESUBMIT:
            enter_table(run, row->tier, a->arg, packet);
            break;
        case VX_ACT_CONTROLLER:
            output(run, row->tier, packet, VX_OFPORT_CONTROLLER);
            break;
        case VX_ACT_DEC_TTL:
            packet->f[VX_F_IP_TTL][0]--;
            break;
        case VX_ACT_CHECK_LARGER:   /* no packet here has a size */
            packet->f[a->field][vx_field_size(a->field) - 1] &= 0xfe;
            break;
        }
    }
    return -1;
}

static void
enter(struct run *run, enum vx_tier tier, const struct vx_packet *packet)
{
    enter_table(run, tier, 0, packet);
}

static void
enter_table(struct run *run, enum vx_tier tier, int table,
            const struct vx_packet *packet_)
{
    struct vx_packet packet = *packet_;
    struct vx_trace *trace = run->trace;

    while (table >= 0) {
        const struct vx_row *row = lookup(run->rows[tier], table, &packet);

        trace->hops = vx_grow(trace->hops, &trace->cap_hops,
                              trace->n_hops + 1, sizeof *trace->hops);
        trace->hops[trace->n_hops++] = (struct vx_hop) {
            .tier = tier, .table = table, .row = row
        };
        /* OpenFlow only goes forward, so this ends. */
        int next = row ? act(run, row, &packet) : -1;
        table = next > table ? next : -1;
    }
}

void
vx_trace_host(const struct vx_rows *tier1, const struct vx_rows *tier2,
              enum vx_tier entry, const struct vx_packet *packet,
              struct vx_trace *ret_trace)
{
    struct run run = {
        .rows = { [VX_TENANT_TIER] = tier1, [VX_FABRIC_TIER] = tier2 },
        .trace = ret_trace,
    };

    memset(ret_trace, 0, sizeof *ret_trace);
    enter(&run, entry, packet);
}

void
vx_trace_packet_out(const struct vx_rows *tier1, const struct vx_rows *tier2,
                    const struct vx_row *acts,
                    const struct vx_packet *packet,
                    struct vx_trace *ret_trace)
{
    struct run run = {
        .rows = { [VX_TENANT_TIER] = tier1, [VX_FABRIC_TIER] = tier2 },
        .trace = ret_trace,
    };
    struct vx_packet copy = *packet;

    memset(ret_trace, 0, sizeof *ret_trace);
    act(&run, acts, &copy);
}

void
vx_trace_fini(struct vx_trace *trace)
{
    free(trace->hops);
    free(trace->exits);
    memset(trace, 0, sizeof *trace);
}

unsigned
vx_trace_drop_reason(const struct vx_trace *trace)
{
    for (size_t i = trace->n_hops; i > 0; i--) {
        const struct vx_row *row = trace->hops[i - 1].row;

        if (row && !row->n_acts) {
            return VX_COOKIE_REASON(row->cookie);
        }
    }
    return VX_PASS;
}
