/* SPDX-License-Identifier: Apache-2.0 */
/* Match and action of policies as JSON, for bodies, answers and records;
 * private to the codec. */
#ifndef VX_API_CODEC_POLICY_H
#define VX_API_CODEC_POLICY_H

#include "api/codec.h"
#include "api/json.h"

/* Names of enum vx_path; NULL for VX_PATH_DEFAULT. */
const char *vx_codec_path_name(enum vx_path path);
/* "direct" or "border"; false if it is neither. */
bool vx_codec_path_of(const char *name, enum vx_path *ret_path);

/* The members of an address list, of a match and of an action, all of the
 * right type (the field table has been held).  What spec borrows belongs to
 * doc. */
bool vx_codec_read_ips(struct vx_doc *doc, const cJSON *array,
                       const char *field, const struct vx_ip **ret_ips,
                       size_t *ret_n, struct vx_error *err);
bool vx_codec_read_policy(struct vx_doc *doc, const cJSON *body,
                          struct vx_policy_spec *spec, struct vx_error *err);

void vx_codec_write_ips(struct vx_jw *jw, const char *key,
                        const struct vx_ip *ips, size_t n);
/* Bits of VX_WHERE_* as an array of names. */
void vx_codec_write_places(struct vx_jw *jw, const char *key, uint8_t where);
/* priority, match, action, where, fail.  network: name of the one in the
 * match, NULL = none. */
void vx_codec_write_policy(struct vx_jw *jw, const struct vx_policy *policy,
                           const char *network);

#endif
