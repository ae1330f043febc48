/* SPDX-License-Identifier: Apache-2.0 */
/* A row's match and actions -> libopenvswitch -> OpenFlow 1.5 bytes.
 *
 * The one function pair both the messages to a switch (of_codec.c) and the
 * canonical rows (of_crows.c) are made with, so that what was sent and what
 * is wanted can only be the same bytes.  A field is one line of a table.
 * Never sees bytes of a switch. */
#include <config.h>

#include "ovs-glue/of_encode.h"

#include <string.h>

#include "nx-match.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-port.h"
#include "util.h"

#include "core/pipeline.h"

static const enum mf_field_id field_ids[VX_N_FIELDS] = {
    [VX_F_IN_PORT] = MFF_IN_PORT_OXM,
    [VX_F_REG0] = MFF_REG0,
    [VX_F_REG1] = MFF_REG1,
    [VX_F_REG4] = MFF_REG4,
    [VX_F_REG5] = MFF_REG5,
    [VX_F_REG6] = MFF_REG6,
    [VX_F_REG7] = MFF_REG7,
    [VX_F_REG8] = MFF_REG8,
    [VX_F_REG9] = MFF_REG9,
    [VX_F_XREG1] = MFF_XREG1,
    [VX_F_PKT_MARK] = MFF_PKT_MARK,
    [VX_F_TUN_ID] = MFF_TUN_ID,
    [VX_F_TUN_SRC] = MFF_TUN_SRC,
    [VX_F_TUN_DST] = MFF_TUN_DST,
    [VX_F_TUN_IPV6_SRC] = MFF_TUN_IPV6_SRC,
    [VX_F_TUN_IPV6_DST] = MFF_TUN_IPV6_DST,
    [VX_F_ETH_SRC] = MFF_ETH_SRC,
    [VX_F_ETH_DST] = MFF_ETH_DST,
    [VX_F_ETH_TYPE] = MFF_ETH_TYPE,
    [VX_F_VLAN_TCI] = MFF_VLAN_TCI,
    [VX_F_IP_PROTO] = MFF_IP_PROTO,
    [VX_F_IP_TTL] = MFF_IP_TTL,
    [VX_F_IP_DSCP] = MFF_IP_DSCP_SHIFTED,
    [VX_F_IPV4_SRC] = MFF_IPV4_SRC,
    [VX_F_IPV4_DST] = MFF_IPV4_DST,
    [VX_F_IPV6_SRC] = MFF_IPV6_SRC,
    [VX_F_IPV6_DST] = MFF_IPV6_DST,
    [VX_F_UDP_SRC] = MFF_UDP_SRC,
    [VX_F_UDP_DST] = MFF_UDP_DST,
    [VX_F_TCP_SRC] = MFF_TCP_SRC,
    [VX_F_TCP_DST] = MFF_TCP_DST,
    [VX_F_SCTP_SRC] = MFF_SCTP_SRC,
    [VX_F_SCTP_DST] = MFF_SCTP_DST,
    [VX_F_ICMP_TYPE] = MFF_ICMPV4_TYPE,
    [VX_F_ICMP_CODE] = MFF_ICMPV4_CODE,
    [VX_F_ICMPV6_TYPE] = MFF_ICMPV6_TYPE,
    [VX_F_ICMPV6_CODE] = MFF_ICMPV6_CODE,
    [VX_F_ARP_OP] = MFF_ARP_OP,
    [VX_F_ARP_SPA] = MFF_ARP_SPA,
    [VX_F_ARP_TPA] = MFF_ARP_TPA,
    [VX_F_ARP_SHA] = MFF_ARP_SHA,
    [VX_F_ARP_THA] = MFF_ARP_THA,
    [VX_F_ND_TARGET] = MFF_ND_TARGET,
    [VX_F_ND_SLL] = MFF_ND_SLL,
    [VX_F_ND_TLL] = MFF_ND_TLL,
    [VX_F_ND_RESERVED] = MFF_ND_RESERVED,
    [VX_F_ND_OPTIONS_TYPE] = MFF_ND_OPTIONS_TYPE,
};

/* What the encoder makes of our fields in OpenFlow 1.5: a register travels
 * as half of an extended register, the TCI as VLAN id and priority. */
static const enum mf_field_id encoded_ids[] = {
    MFF_XREG0, MFF_XREG1, MFF_XREG2, MFF_XREG3, MFF_XREG4,
    MFF_VLAN_VID, MFF_VLAN_PCP,
};

void
og_put_match(struct ofpbuf *out, const struct vx_row *row)
{
    struct match match;

    match_init_catchall(&match);
    for (size_t i = 0; i < row->n_match; i++) {
        const struct vx_match_field *m = &row->match[i];
        const struct mf_field *mf = mf_from_id(field_ids[m->field]);
        union mf_value value, mask;
        char *error;

        memset(&mask, 0xff, sizeof mask);
        memcpy(&value, m->value, mf->n_bytes);
        if (m->masked) {
            memcpy(&mask, m->mask, mf->n_bytes);
        }
        mf_set(mf, &value, m->masked ? &mask : NULL, &match, &error);
        ovs_assert(!error);     /* only tunnel metadata can fail */
    }
    oxm_put_match(out, &match, OFP15_VERSION);
}

static void
put_set(struct ofpbuf *out, const struct vx_act *act)
{
    const struct mf_field *mf = mf_from_id(field_ids[act->field]);

    ofpact_put_set_field(out, mf, act->value, NULL);
}

static void
put_move(struct ofpbuf *out, const struct vx_act *act)
{
    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(out);

    move->dst.field = mf_from_id(field_ids[act->field]);
    move->dst.ofs = act->dst_ofs;
    move->dst.n_bits = act->n_bits;
    move->src.field = mf_from_id(field_ids[act->src]);
    move->src.ofs = act->src_ofs;
    move->src.n_bits = act->n_bits;
}

static void
put_output(struct ofpbuf *out, uint32_t port, uint16_t max_size)
{
    struct ofpact_output *output = ofpact_put_OUTPUT(out);

    output->port = u16_to_ofp(port);
    output->max_len = max_size;
}

static void
put_resubmit(struct ofpbuf *out, uint8_t table)
{
    struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(out);

    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = table;
}

static void
put_dec_ttl(struct ofpbuf *out)
{
    uint16_t controller = 0;
    struct ofpact_cnt_ids *ids = ofpact_put_DEC_TTL(out);

    ids->n_controllers = 1;
    ofpbuf_put(out, &controller, sizeof controller);
    ids = out->header;
    ofpact_finish_DEC_TTL(out, &ids);
}

static void
put_check_larger(struct ofpbuf *out, const struct vx_act *act)
{
    struct ofpact_check_pkt_larger *check =
        ofpact_put_CHECK_PKT_LARGER(out);

    check->pkt_len = act->arg;
    check->dst.field = mf_from_id(field_ids[act->field]);
    check->dst.ofs = 0;
    check->dst.n_bits = 1;
}

void
og_put_ofpacts(struct ofpbuf *out, const struct vx_row *row)
{
    for (size_t i = 0; i < row->n_acts; i++) {
        const struct vx_act *act = &row->acts[i];

        switch ((enum vx_act_type) act->type) {
        case VX_ACT_SET:
            put_set(out, act);
            break;
        case VX_ACT_MOVE:
            put_move(out, act);
            break;
        case VX_ACT_OUTPUT:
            put_output(out, act->arg, 0);
            break;
        case VX_ACT_IN_PORT:
            put_output(out, ofp_to_u16(OFPP_IN_PORT), 0);
            break;
        case VX_ACT_GROUP:
            ofpact_put_GROUP(out)->group_id = act->arg;
            break;
        case VX_ACT_GOTO:
            ofpact_put_GOTO_TABLE(out)->table_id = act->arg;
            break;
        case VX_ACT_METER:
            ofpact_put_METER(out)->meter_id = act->arg;
            break;
        case VX_ACT_CONTROLLER:
            put_output(out, ofp_to_u16(OFPP_CONTROLLER), act->arg);
            break;
        case VX_ACT_RESUBMIT:
            put_resubmit(out, act->arg);
            break;
        case VX_ACT_DEC_TTL:
            put_dec_ttl(out);
            break;
        case VX_ACT_CHECK_LARGER:
            put_check_larger(out, act);
            break;
        }
    }
}

uint16_t
og_meter_flags(const struct vx_row *row)
{
    return OFPMF13_BURST | (row->in_packets ? OFPMF13_PKTPS : OFPMF13_KBPS);
}

void
og_put_band(struct ofpbuf *out, const struct vx_row *row)
{
    /* Put as a whole: the place in the message is not aligned. */
    struct ofp13_meter_band_drop band = {
        .type = htons(OFPMBT13_DROP),
        .len = htons(sizeof band),
        .rate = htonl(row->rate),
        .burst_size = htonl(row->burst),
    };

    ofpbuf_put(out, &band, sizeof band);
}

void
og_put_instructions(struct ofpbuf *out, const struct vx_row *row)
{
    uint64_t stub[1024 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);

    og_put_ofpacts(&ofpacts, row);
    ofpacts_put_openflow_instructions(ofpacts.data, ofpacts.size, out,
                                      OFP15_VERSION);
    ofpbuf_uninit(&ofpacts);
}

void
og_put_actions(struct ofpbuf *out, const struct vx_row *row)
{
    uint64_t stub[1024 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);

    og_put_ofpacts(&ofpacts, row);
    ofpacts_put_openflow_actions(ofpacts.data, ofpacts.size, out,
                                 OFP15_VERSION);
    ofpbuf_uninit(&ofpacts);
}

uint8_t
og_group_type(uint32_t group)
{
    return group == VX_GROUP_ECMP ? OFPGT11_SELECT : OFPGT11_ALL;
}

/* Output, group, TTL, set field, copy field, meter; of Nicira's resubmit to a
 * table and the check of a packet's size. */
bool
og_action_is_ours(const uint8_t *action, size_t size)
{
    static const uint8_t standard[] = { 0, 22, 24, 25, 28, 29 };
    static const uint8_t nicira[] = { 0, 0, 0x23, 0x20, 0 };

    if (size < 8) {
        return false;
    }
    if (action[0] == 0xff && action[1] == 0xff) {
        return size >= 16 && !memcmp(action + 4, nicira, sizeof nicira)
               && (action[9] == 14 || action[9] == 49);
    }
    return !action[0] && memchr(standard, action[1], sizeof standard);
}

static uint32_t
oxm_class_and_field(enum mf_field_id id)
{
    uint64_t stub[2];
    struct ofpbuf b = OFPBUF_STUB_INITIALIZER(stub);

    nx_put_header(&b, id, OFP15_VERSION, false);
    uint32_t header = ntohl(*(ovs_be32 *) b.data);
    ofpbuf_uninit(&b);
    return header >> 9;
}

enum { N_OXM = VX_N_FIELDS + ARRAY_SIZE(encoded_ids) };

bool
og_oxm_is_ours(uint32_t header)
{
    static uint32_t ours[N_OXM];    /* constant once made */

    if (!ours[0]) {
        for (size_t i = 0; i < N_OXM; i++) {
            ours[i] = oxm_class_and_field(
                i < VX_N_FIELDS ? field_ids[i]
                                : encoded_ids[i - VX_N_FIELDS]);
        }
    }
    if (header >> 16 == 0xffff) {   /* experimenter: eight-byte header */
        return false;
    }
    for (size_t i = 0; i < N_OXM; i++) {
        if (ours[i] == header >> 9) {
            return true;
        }
    }
    return false;
}
