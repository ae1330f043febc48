/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ovs-glue only: the small messages of an OpenFlow session, each
 * appended to an evbuffer.  Functions that write return the bytes written.
 * Those that read take a whole message whose header's length is size. */
#ifndef OG_OF_WIRE_H
#define OG_OF_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;
struct vx_packet_in;
struct vx_row;

enum og_wire_type {             /* OFPT_*, OpenFlow 1.5.1, 7.1.1 */
    OG_HELLO = 0,
    OG_ERROR = 1,
    OG_ECHO_REQUEST = 2,
    OG_FEATURES_REPLY = 6,
    OG_PACKET_IN = 10,
    OG_MULTIPART_REPLY = 19,
    OG_BARRIER_REPLY = 21,
    OG_BUNDLE_CONTROL = 33,
};

enum { OG_WIRE_VERSION = 6, OG_WIRE_HEADER_SIZE = 8 };

struct og_wire_header {
    uint8_t version, type;
    uint16_t size;              /* bytes, header included */
    uint32_t xid;
};
struct og_wire_header og_wire_header(const uint8_t bytes[8]);

size_t og_wire_hello(struct evbuffer *out, uint32_t xid);
size_t og_wire_features_request(struct evbuffer *out, uint32_t xid);
/* Whole packets to us, where a row says so: a connection of type "service"
 * gets none at all before this. */
size_t og_wire_set_config(struct evbuffer *out, uint32_t xid);
size_t og_wire_echo_request(struct evbuffer *out, uint32_t xid);
size_t og_wire_echo_reply(struct evbuffer *out, const void *msg, size_t size);
size_t og_wire_bundle_open(struct evbuffer *out, uint32_t xid);
size_t og_wire_bundle_commit(struct evbuffer *out, uint32_t xid);
size_t og_wire_barrier(struct evbuffer *out, uint32_t xid);
struct og_of_part;
size_t og_wire_flow_dump(struct evbuffer *out, uint32_t xid,
                         const struct og_of_part *part);
size_t og_wire_group_dump(struct evbuffer *out, uint32_t xid);
size_t og_wire_meter_dump(struct evbuffer *out, uint32_t xid);
/* What all meters have counted. */
size_t og_wire_meter_stats(struct evbuffer *out, uint32_t xid);
/* Through the actions of the row, from the port that it matches, or the
 * bridge's own. */
size_t og_wire_packet_out(struct evbuffer *out, uint32_t xid,
                          const void *frame, size_t size,
                          const struct vx_row *acts);

/* Whether a HELLO leaves OpenFlow 1.5 possible. */
bool og_wire_hello_is_ours(const void *msg, size_t size);
bool og_wire_features(const uint8_t *msg, size_t size, uint64_t *ret_dpid);
bool og_wire_is_commit_reply(const uint8_t *msg, size_t size);
/* A packet-in: the frame, as much of it as was sent, and what is known of
 * where it was; ret_in borrows from msg. */
bool og_wire_packet_in(const uint8_t *msg, size_t size,
                       struct vx_packet_in *ret_in);
/* Whether more replies follow; size is at least 16. */
bool og_wire_has_more(const uint8_t *msg);

#endif
