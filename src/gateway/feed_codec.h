/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the controller's feed (GET /v1/gateways/G/feed, NDJSON) as a
 * struct.  Pure.
 *
 *     {"hello":{"epoch":"5f..","full":true,"revision":17}}
 *     {"seq":7,"type":"tenant","key":"acme","value":{...}}   null = gone
 *     {"sync":7}
 *
 * A line is taken whole or refused whole, with the member at fault named.
 * Members that are not known are passed over: a newer controller may say
 * more.  Of types that are not known nothing is to be done. */
#ifndef VX_GATEWAY_FEED_CODEC_H
#define VX_GATEWAY_FEED_CODEC_H

#include "gateway/entry.h"
#include "lib/err.h"

enum {
    VX_GW_LINE_MAX = 1024 * 1024,       /* bytes */
    VX_GW_EPOCH_MAX = 64,
};

enum vx_gw_line_kind {
    VX_GW_LINE_HELLO,
    VX_GW_LINE_ENTRY,
    VX_GW_LINE_SYNC,
    VX_GW_LINE_UNKNOWN,     /* an entry of a type that is not known */
    VX_GW_LINE_AUDIT,       /* no entry: the gateway is to be looked at */
    VX_GW_LINE_BAD,         /* an entry whose value cannot be read: seq, type
                             * and key are there, err says why not */
};

struct vx_gw_line {
    enum vx_gw_line_kind kind;
    /* HELLO */
    char epoch[VX_GW_EPOCH_MAX + 1];
    bool full;
    uint64_t revision;
    /* ENTRY, SYNC, UNKNOWN */
    uint64_t seq;
    /* AUDIT */
    uint64_t nonce;
    bool repair;
    /* ENTRY, BAD */
    enum vx_gw_type type;
    char *key;
    struct vx_gw_value *value;  /* NULL = gone; ENTRY */
};

/* On success ret_line owns key and value (vx_gw_line_fini).  With
 * VX_GW_LINE_BAD err is filled though it returns true. */
bool vx_gw_line_parse(const char *text, size_t size,
                      struct vx_gw_line *ret_line, struct vx_error *err);
void vx_gw_line_fini(struct vx_gw_line *line);

#endif
