/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ovs-glue only: a row's match and actions in libopenvswitch's terms.
 * A file that includes this includes Open vSwitch's <config.h> first. */
#ifndef OG_OF_ENCODE_H
#define OG_OF_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openflow/openflow.h"
#include "openvswitch/ofpbuf.h"

#include "core/flow.h"

/* Appends the match as struct ofp11_match_header, OXM and padding. */
void og_put_match(struct ofpbuf *out, const struct vx_row *row);
/* Appends the actions as ofpacts, which out must be 8-byte aligned for. */
void og_put_ofpacts(struct ofpbuf *out, const struct vx_row *row);
/* Of a meter: OFPMF_*, and its one band. */
uint16_t og_meter_flags(const struct vx_row *row);
void og_put_band(struct ofpbuf *out, const struct vx_row *row);
/* Appends ofpacts as instructions (flow) or as an action list (bucket). */
void og_put_instructions(struct ofpbuf *out, const struct vx_row *row);
void og_put_actions(struct ofpbuf *out, const struct vx_row *row);
/* OFPGT_*: there is one group that selects. */
uint8_t og_group_type(uint32_t group);
/* Whether an action of size bytes, a multiple of 8, is of a kind that a row
 * can have. */
bool og_action_is_ours(const uint8_t *action, size_t size);
/* Whether an OXM header (class, field, mask bit, length) is of a field that
 * a row can match. */
bool og_oxm_is_ours(uint32_t header);

#endif
