/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways, peerings and what BGP needs of other objects as JSON, for bodies,
 * answers and records; private to the codec. */
#ifndef VX_API_CODEC_PEERING_H
#define VX_API_CODEC_PEERING_H

#include "api/codec.h"
#include "api/json.h"

/* Bodies whose members are of the right type (the field table has been
 * held).  What spec borrows belongs to doc. */
bool vx_codec_read_gateway(const cJSON *body, struct vx_gateway_spec *spec,
                           struct vx_error *err);
bool vx_codec_read_peering(struct vx_doc *doc, const cJSON *body,
                           struct vx_peering_spec *spec,
                           struct vx_error *err);

/* A list of route targets, "65001:1". */
struct vx_codec_rts {
    const uint64_t *rts;
    size_t n;
};
bool vx_codec_read_rts(struct vx_doc *doc, const cJSON *array,
                       const char *field, struct vx_codec_rts *ret_rts,
                       struct vx_error *err);
void vx_codec_write_rts(struct vx_jw *jw, const char *key,
                        const uint64_t *rts, size_t n);
/* "65001:1"; 0 if text is NULL. */
bool vx_codec_read_rd(const char *text, uint64_t *ret_rd,
                      struct vx_error *err);

/* All members but name and revision. */
void vx_codec_write_gateway(const struct vx_codec_view *view,
                            struct vx_jw *jw);
void vx_codec_write_peering(const struct vx_codec_view *view,
                            struct vx_jw *jw);

#endif
