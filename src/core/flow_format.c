/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as text in the syntax of ovs-ofctl: for golden tests, dry runs and
 * people.  Never parsed by the product. */
#include <inttypes.h>
#include <string.h>

#include "core/flow.h"
#include "core/pipeline.h"
#include "lib/buf.h"

enum style {
    DECIMAL,
    HEX,
    MAC,
    IP,
};

static const struct {
    const char *name;
    enum style style;
} fields[VX_N_FIELDS] = {
    [VX_F_IN_PORT] = { "in_port", DECIMAL },
    [VX_F_REG0] = { "reg0", DECIMAL },
    [VX_F_REG1] = { "reg1", HEX },
    [VX_F_REG4] = { "reg4", HEX },
    [VX_F_REG5] = { "reg5", DECIMAL },
    [VX_F_REG6] = { "reg6", DECIMAL },
    [VX_F_REG7] = { "reg7", DECIMAL },
    [VX_F_REG8] = { "reg8", HEX },
    [VX_F_REG9] = { "reg9", HEX },
    [VX_F_XREG1] = { "xreg1", HEX },
    [VX_F_PKT_MARK] = { "pkt_mark", DECIMAL },
    [VX_F_TUN_ID] = { "tun_id", DECIMAL },
    [VX_F_TUN_SRC] = { "tun_src", IP },
    [VX_F_TUN_DST] = { "tun_dst", IP },
    [VX_F_TUN_IPV6_SRC] = { "tun_ipv6_src", IP },
    [VX_F_TUN_IPV6_DST] = { "tun_ipv6_dst", IP },
    [VX_F_ETH_SRC] = { "eth_src", MAC },
    [VX_F_ETH_DST] = { "eth_dst", MAC },
    [VX_F_ETH_TYPE] = { "eth_type", HEX },
    [VX_F_VLAN_TCI] = { "vlan_tci", HEX },
    [VX_F_IP_PROTO] = { "nw_proto", DECIMAL },
    [VX_F_IP_TTL] = { "nw_ttl", DECIMAL },
    [VX_F_IP_DSCP] = { "ip_dscp", DECIMAL },
    [VX_F_IPV4_SRC] = { "ip_src", IP },
    [VX_F_IPV4_DST] = { "ip_dst", IP },
    [VX_F_IPV6_SRC] = { "ipv6_src", IP },
    [VX_F_IPV6_DST] = { "ipv6_dst", IP },
    [VX_F_UDP_SRC] = { "udp_src", DECIMAL },
    [VX_F_UDP_DST] = { "udp_dst", DECIMAL },
    [VX_F_TCP_SRC] = { "tcp_src", DECIMAL },
    [VX_F_TCP_DST] = { "tcp_dst", DECIMAL },
    [VX_F_SCTP_SRC] = { "sctp_src", DECIMAL },
    [VX_F_SCTP_DST] = { "sctp_dst", DECIMAL },
    [VX_F_ICMP_TYPE] = { "icmp_type", DECIMAL },
    [VX_F_ICMP_CODE] = { "icmp_code", DECIMAL },
    [VX_F_ICMPV6_TYPE] = { "icmpv6_type", DECIMAL },
    [VX_F_ICMPV6_CODE] = { "icmpv6_code", DECIMAL },
    [VX_F_ARP_OP] = { "arp_op", DECIMAL },
    [VX_F_ARP_SPA] = { "arp_spa", IP },
    [VX_F_ARP_TPA] = { "arp_tpa", IP },
    [VX_F_ARP_SHA] = { "arp_sha", MAC },
    [VX_F_ARP_THA] = { "arp_tha", MAC },
    [VX_F_ND_TARGET] = { "nd_target", IP },
    [VX_F_ND_SLL] = { "nd_sll", MAC },
    [VX_F_ND_TLL] = { "nd_tll", MAC },
    [VX_F_ND_RESERVED] = { "nd_reserved", HEX },
    [VX_F_ND_OPTIONS_TYPE] = { "nd_options_type", DECIMAL },
};

static uint64_t
get_u(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void
format_value(struct vx_buf *buf, enum vx_field field, const uint8_t *bytes)
{
    size_t size = vx_field_size(field);
    char text[VX_IP_STRLEN];

    if (fields[field].style == MAC) {
        struct vx_mac mac;

        memcpy(mac.b, bytes, sizeof mac.b);
        vx_buf_puts(buf, vx_mac_format(&mac, text));
    } else if (fields[field].style == IP) {
        struct vx_ip ip = { .family = size == 4 ? 4 : 6 };

        memcpy(ip.b, bytes, size);
        vx_buf_puts(buf, vx_ip_format(&ip, text));
    } else if (fields[field].style == HEX) {
        vx_buf_printf(buf, "0x%" PRIx64, get_u(bytes, size));
    } else {
        vx_buf_printf(buf, "%" PRIu64, get_u(bytes, size));
    }
}

static unsigned
match_u(const struct vx_row *row, enum vx_field field)
{
    for (unsigned i = 0; i < row->n_match; i++) {
        if (row->match[i].field == field) {
            return get_u(row->match[i].value, vx_field_size(field));
        }
    }
    return 0;
}

/* The protocol as one word where there is one, as people write it.  True if
 * the word says nw_proto too. */
static bool
format_protocol(struct vx_buf *buf, const struct vx_row *row)
{
    unsigned type = match_u(row, VX_F_ETH_TYPE);
    unsigned proto = match_u(row, VX_F_IP_PROTO);
    const char *word = NULL;
    bool both = true;

    if (type == 0x86dd && proto == 58) {
        word = "icmp6";
    } else if (type == 0x0800 && proto == 17) {
        word = "udp";
    } else if (type == 0x0800 && proto == 6) {
        word = "tcp";
    } else if (type == 0x0800 && proto == 1) {
        word = "icmp";
    } else {
        both = false;
        word = type == 0x0806 ? "arp" : type == 0x0800 ? "ip"
               : type == 0x86dd ? "ipv6" : NULL;
    }
    if (word) {
        vx_buf_printf(buf, ",%s", word);
    } else {
        vx_buf_printf(buf, ",eth_type=0x%04x", type);
    }
    return both;
}

static void
format_match(struct vx_buf *buf, const struct vx_row *row)
{
    bool proto_said = false;

    for (unsigned i = 0; i < row->n_match; i++) {
        const struct vx_match_field *match = &row->match[i];

        if (match->field == VX_F_ETH_TYPE && !match->masked) {
            proto_said = format_protocol(buf, row);
            continue;
        }
        if (match->field == VX_F_IP_PROTO && proto_said) {
            continue;
        }
        vx_buf_printf(buf, ",%s=", fields[match->field].name);
        format_value(buf, match->field, match->value);
        if (match->masked) {
            vx_buf_puts(buf, "/");
            format_value(buf, match->field, match->mask);
        }
    }
}

static void
format_subfield(struct vx_buf *buf, enum vx_field field, unsigned ofs,
                unsigned n_bits)
{
    vx_buf_puts(buf, fields[field].name);
    if (ofs || n_bits < 8 * vx_field_size(field)) {
        vx_buf_printf(buf, "[%u..%u]", ofs, ofs + n_bits - 1);
    } else {
        vx_buf_puts(buf, "[]");
    }
}

static void
format_act(struct vx_buf *buf, const struct vx_act *act)
{
    switch ((enum vx_act_type) act->type) {
    case VX_ACT_SET:
        vx_buf_puts(buf, "set_field:");
        format_value(buf, act->field, act->value);
        vx_buf_printf(buf, "->%s", fields[act->field].name);
        break;
    case VX_ACT_MOVE:
        vx_buf_puts(buf, "move:");
        format_subfield(buf, act->src, act->src_ofs, act->n_bits);
        vx_buf_puts(buf, "->");
        format_subfield(buf, act->field, act->dst_ofs, act->n_bits);
        break;
    case VX_ACT_OUTPUT:
        vx_buf_printf(buf, "output:%u", act->arg);
        break;
    case VX_ACT_IN_PORT:
        vx_buf_puts(buf, "in_port");
        break;
    case VX_ACT_GROUP:
        vx_buf_printf(buf, "group:%u", act->arg);
        break;
    case VX_ACT_GOTO:
        vx_buf_printf(buf, "goto_table:%u", act->arg);
        break;
    case VX_ACT_METER:
        vx_buf_printf(buf, "meter:%u", act->arg);
        break;
    case VX_ACT_CONTROLLER:
        vx_buf_printf(buf, "CONTROLLER:%u", act->arg);
        break;
    case VX_ACT_RESUBMIT:
        vx_buf_printf(buf, "resubmit(,%u)", act->arg);
        break;
    case VX_ACT_DEC_TTL:
        vx_buf_puts(buf, "dec_ttl");
        break;
    case VX_ACT_CHECK_LARGER:
        vx_buf_printf(buf, "check_pkt_larger(%u)->%s[0]", act->arg,
                      fields[act->field].name);
        break;
    }
}

static void
format_acts(struct vx_buf *buf, const struct vx_row *row)
{
    vx_buf_puts(buf, "actions=");
    for (unsigned i = 0; i < row->n_acts; i++) {
        vx_buf_puts(buf, i ? "," : "");
        format_act(buf, &row->acts[i]);
    }
    if (!row->n_acts) {
        vx_buf_puts(buf, "drop");
    }
}

void
vx_row_format(const struct vx_row *row, struct vx_buf *buf)
{
    switch ((enum vx_row_type) row->type) {
    case VX_ROW_GROUP:
        vx_buf_printf(buf, "group_id=%u,type=%s", row->group,
                      row->select ? "select" : "all");
        break;
    case VX_ROW_BUCKET:
        vx_buf_printf(buf, "group_id=%u,bucket=bucket_id:%u,", row->group,
                      row->bucket);
        format_acts(buf, row);
        break;
    case VX_ROW_FLOW:
        vx_buf_printf(buf, "cookie=0x%" PRIx64 ",table=%u,priority=%u",
                      row->cookie, row->table, row->priority);
        format_match(buf, row);
        vx_buf_puts(buf, " ");
        format_acts(buf, row);
        break;
    case VX_ROW_METER:
        if (row->group == VX_METER_CONTROLLER) {
            vx_buf_puts(buf, "meter=controller");
        } else {
            vx_buf_printf(buf, "meter=%u", row->group);
        }
        vx_buf_printf(buf, ",%s,burst,band=type=drop,rate=%u,burst_size=%u",
                      row->in_packets ? "pktps" : "kbps", row->rate,
                      row->burst);
        break;
    }
}
