/* SPDX-License-Identifier: Apache-2.0 */
/* Small OpenFlow messages, by libopenvswitch's encoders.  What is read here
 * comes from a switch: sizes are checked before a byte is looked at. */
#include <config.h>

#include "ovs-glue/of_wire.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "byte-order.h"
#include "flow.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"

#include "lib/xalloc.h"
#include "ovs-glue/of_codec.h"
#include "ovs-glue/of_encode.h"
#include "ovs-glue/of_session.h"

/* Classes of OXM fields, OpenFlow 1.5.1, 7.2.3.3. */
enum { OXM_BASIC = 0x8000, OXM_PACKET_REGS = 0x8001 };

static size_t
put(struct evbuffer *out, struct ofpbuf *take_msg, uint32_t xid)
{
    size_t size = take_msg->size;

    ofpmsg_update_length(take_msg);
    ((struct ofp_header *) take_msg->data)->xid = htonl(xid);
    evbuffer_add(out, take_msg->data, size);
    ofpbuf_delete(take_msg);
    return size;
}

struct og_wire_header
og_wire_header(const uint8_t b[8])
{
    return (struct og_wire_header) {
        .version = b[0],
        .type = b[1],
        .size = b[2] << 8 | b[3],
        .xid = (uint32_t) b[4] << 24 | b[5] << 16 | b[6] << 8 | b[7],
    };
}

size_t
og_wire_hello(struct evbuffer *out, uint32_t xid)
{
    return put(out, ofputil_encode_hello(1u << OFP15_VERSION), xid);
}

size_t
og_wire_features_request(struct evbuffer *out, uint32_t xid)
{
    return put(out, ofpraw_alloc(OFPRAW_OFPT_FEATURES_REQUEST, OFP15_VERSION,
                                 0), xid);
}

size_t
og_wire_set_config(struct evbuffer *out, uint32_t xid)
{
    static const struct ofputil_switch_config config = {
        .frag = OFPUTIL_FRAG_NORMAL,
        .invalid_ttl_to_controller = -1,
        .miss_send_len = OFPCML12_NO_BUFFER,
    };

    return put(out, ofputil_encode_set_config(&config, OFP15_VERSION), xid);
}

size_t
og_wire_echo_request(struct evbuffer *out, uint32_t xid)
{
    return put(out, ofputil_encode_echo_request(OFP15_VERSION), xid);
}

size_t
og_wire_echo_reply(struct evbuffer *out, const void *msg, size_t size)
{
    uint8_t header[OG_WIRE_HEADER_SIZE];

    /* The same bytes with the type after that of the request. */
    memcpy(header, msg, sizeof header);
    header[1] = OG_ECHO_REQUEST + 1;
    evbuffer_add(out, header, sizeof header);
    evbuffer_add(out, (const uint8_t *) msg + sizeof header,
                 size - sizeof header);
    return size;
}

static size_t
put_bundle(struct evbuffer *out, uint32_t xid, uint16_t type)
{
    struct ofputil_bundle_ctrl_msg ctrl = {
        .bundle_id = OG_BUNDLE_ID,
        .type = type,
        .flags = OFPBF_ATOMIC | OFPBF_ORDERED,
    };

    return put(out, ofputil_encode_bundle_ctrl_request(OFP15_VERSION, &ctrl),
               xid);
}

size_t
og_wire_bundle_open(struct evbuffer *out, uint32_t xid)
{
    return put_bundle(out, xid, OFPBCT_OPEN_REQUEST);
}

size_t
og_wire_bundle_commit(struct evbuffer *out, uint32_t xid)
{
    return put_bundle(out, xid, OFPBCT_COMMIT_REQUEST);
}

size_t
og_wire_barrier(struct evbuffer *out, uint32_t xid)
{
    return put(out, ofputil_encode_barrier_request(OFP15_VERSION), xid);
}

size_t
og_wire_flow_dump(struct evbuffer *out, uint32_t xid,
                  const struct og_of_part *part)
{
    struct ofputil_flow_stats_request request = {
        .table_id = part->table,
        .cookie = htonll(part->cookie),
        .cookie_mask = htonll(part->cookie_mask),
        .out_port = part->out_port ? u16_to_ofp(part->out_port) : OFPP_ANY,
        .out_group = OFPG_ANY,
    };

    match_init_catchall(&request.match);
    return put(out, ofputil_encode_flow_stats_request(&request,
                                                      OFPUTIL_P_OF15_OXM),
               xid);
}

size_t
og_wire_group_dump(struct evbuffer *out, uint32_t xid)
{
    return put(out, ofputil_encode_group_desc_request(OFP15_VERSION,
                                                      OFPG_ALL), xid);
}

size_t
og_wire_meter_dump(struct evbuffer *out, uint32_t xid)
{
    return put(out, ofputil_encode_meter_request(
                        OFP15_VERSION, OFPUTIL_METER_CONFIG, OFPM13_ALL),
               xid);
}

size_t
og_wire_meter_stats(struct evbuffer *out, uint32_t xid)
{
    return put(out, ofputil_encode_meter_request(
                        OFP15_VERSION, OFPUTIL_METER_STATS, OFPM13_ALL),
               xid);
}

/* Unless the row says one, the bridge's own port, not OFPP_CONTROLLER: of a
 * packet that is from no port ovs-vswitchd 3.1 forgets the bridge when it has
 * to pass the datapath again, as for a group of type select behind a patch
 * port, and drops it. */
static ofp_port_t
in_port_of(const struct vx_row *row)
{
    for (unsigned i = 0; i < row->n_match; i++) {
        const struct vx_match_field *m = &row->match[i];

        if (m->field == VX_F_IN_PORT) {
            return u16_to_ofp(m->value[2] << 8 | m->value[3]);
        }
    }
    return OFPP_LOCAL;
}

size_t
og_wire_packet_out(struct evbuffer *out, uint32_t xid, const void *frame,
                   size_t size, const struct vx_row *acts)
{
    struct ofpbuf ofpacts;
    struct ofputil_packet_out po = {
        .packet = frame,
        .packet_len = size,
        .buffer_id = UINT32_MAX,
    };

    ofpbuf_init(&ofpacts, 0);
    og_put_ofpacts(&ofpacts, acts);
    po.ofpacts = ofpacts.data;
    po.ofpacts_len = ofpacts.size;
    match_init_catchall(&po.flow_metadata);
    match_set_in_port(&po.flow_metadata, in_port_of(acts));
    size_t n = put(out, ofputil_encode_packet_out(&po, OFPUTIL_P_OF15_OXM),
                   xid);
    ofpbuf_uninit(&ofpacts);
    return n;
}

bool
og_wire_hello_is_ours(const void *msg, size_t size)
{
    /* A copy, since libopenvswitch reads words in place. */
    void *aligned = vx_xmemdup(msg, size);
    uint32_t versions = 0;

    /* Its verdict on elements it does not know is of no interest. */
    (void) ofputil_decode_hello(aligned, &versions);
    free(aligned);
    return versions & 1u << OFP15_VERSION;
}

bool
og_wire_features(const uint8_t *msg, size_t size, uint64_t *ret_dpid)
{
    uint64_t dpid = 0;

    if (size < 32) {
        return false;
    }
    for (int i = 8; i < 16; i++) {
        dpid = dpid << 8 | msg[i];
    }
    *ret_dpid = dpid;
    return true;
}

bool
og_wire_is_commit_reply(const uint8_t *msg, size_t size)
{
    return size >= 16 && !msg[12] && msg[13] == OFPBCT_COMMIT_REPLY;
}

static uint64_t
big_endian(const uint8_t *p, size_t n)
{
    uint64_t u = 0;

    for (size_t i = 0; i < n; i++) {
        u = u << 8 | p[i];
    }
    return u;
}

/* One OXM field, mask left out: what OVS sends of a packet is exact, and a
 * register that shares its pair with an unknown one is masked. */
static void
read_oxm(unsigned class, unsigned field, const uint8_t *value, size_t size,
         struct vx_packet_in *in)
{
    if (class == OXM_BASIC && field == 0 && size >= 4) {
        in->in_port = (uint32_t) big_endian(value, 4);
    } else if (class == OXM_PACKET_REGS && field == 0 && size >= 8) {
        in->reg0 = (uint32_t) big_endian(value, 4);
        in->reg1 = (uint32_t) big_endian(value + 4, 4);
    } else if (class == OXM_PACKET_REGS && field == 2 && size >= 8) {
        in->reg5 = (uint32_t) big_endian(value + 4, 4);
    }
}

/* Fields: class (2), field and has-mask bit (1), length (1), value, mask. */
static bool
read_match(const uint8_t *p, size_t size, struct vx_packet_in *in)
{
    while (size >= 4) {
        size_t length = p[3];

        if (length > size - 4) {
            return false;
        }
        read_oxm((unsigned) big_endian(p, 2), p[2] >> 1, p + 4,
                 p[2] & 1 ? length / 2 : length, in);
        p += 4 + length;
        size -= 4 + length;
    }
    return !size;
}

/* Fixed part (24 with the header), match: type (2), length without padding
 * (2), fields, padding; two bytes more; frame. */
bool
og_wire_packet_in(const uint8_t *msg, size_t size,
                  struct vx_packet_in *ret_in)
{
    struct vx_packet_in in = { .size = 0 };

    if (size < 24 + 4) {
        return false;
    }
    size_t match = msg[26] << 8 | msg[27];
    size_t start = 24 + (match + 7) / 8 * 8 + 2;

    if (match < 4 || start > size
        || !read_match(msg + 28, match - 4, &in)) {
        return false;
    }
    in.frame = msg + start;
    in.size = size - start;
    in.table = msg[15];
    in.cookie = big_endian(msg + 16, 8);
    *ret_in = in;
    return true;
}

bool
og_wire_has_more(const uint8_t *msg)
{
    return msg[11] & 1;         /* OFPMPF_REPLY_MORE */
}
