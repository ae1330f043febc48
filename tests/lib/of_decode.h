/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the codec have in common: bundled messages and requests as
 * libopenvswitch reads and writes them.  Included after <config.h>. */
#ifndef TESTS_LIB_OF_DECODE_H
#define TESTS_LIB_OF_DECODE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofpbuf.h"

#include "ovs-glue/of_codec.h"

static inline void
decode(const struct og_msgs *msgs, size_t index,
       struct ofputil_bundle_add_msg *ret_add, enum ofptype *ret_type)
{
    size_t size;
    const struct ofp_header *oh = og_msgs_bytes(msgs, index, 1, &size);

    assert_int_equal(ntohs(oh->length), size);
    assert_int_equal(ofputil_decode_bundle_add(oh, ret_add, ret_type), 0);
    assert_int_equal(ret_add->bundle_id, OG_BUNDLE_ID);
    assert_int_equal(ret_add->flags, OFPBF_ATOMIC | OFPBF_ORDERED);
    assert_int_equal(ret_add->msg->xid, oh->xid);
}

static inline void
decode_flow(const struct ofp_header *oh, struct ofputil_flow_mod *fm,
            struct ofpbuf *ofpacts)
{
    assert_int_equal(ofputil_decode_flow_mod(fm, oh, OFPUTIL_P_OF15_OXM, NULL,
                                             NULL, ofpacts, OFPP_MAX, 255),
                     0);
}

static inline struct ofpbuf *
request(enum ofpraw raw)
{
    struct ofpbuf *b = ofpraw_alloc(raw, OFP15_VERSION, 64);

    ofpbuf_put_zeros(b, 64);
    ofpmsg_update_length(b);
    return b;
}

#endif
