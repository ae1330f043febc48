/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical rows as text in the syntax of ovs-ofctl, for people.
 *
 * Rows of a dump are a stranger's work, and are shown all the same: standard
 * fields and actions reach libopenvswitch's decoders, which check them; what
 * is experimental (nested actions, tunnel options) is shown as bytes. */
#include <config.h>

#include "ovs-glue/of_codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "nx-match.h"
#include "openflow/openflow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"

#include "core/explain.h"
#include "lib/buf.h"
#include "ovs-glue/of_encode.h"

enum {
    TEXT_MAX = 1500,            /* bytes of a row as text */
    HEX_MAX = 64,               /* bytes shown as such */
    LIST_MAX = 4096,            /* bytes of a list that is decoded */
    FIXED = 8,                  /* timeouts, importance, flags */
    RAW_MARK = 0xfe,            /* see of_crows.c */
};

static uint16_t
get_u16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t) get_u16(p) << 16 | get_u16(p + 2);
}

static void
put_hex(struct vx_buf *buf, const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size && i < HEX_MAX; i++) {
        vx_buf_printf(buf, "%02x", p[i]);
    }
    vx_buf_puts(buf, size > HEX_MAX ? "..." : "");
}

/* Neither experimenter fields nor tunnel options. */
static bool
is_standard_field(uint32_t header)
{
    unsigned class = header >> 16, field = header >> 9 & 0x7f;

    return class != 0xffff && !(class == 1 && field >= 40 && field < 104);
}

/* Calls f for every OXM of a match with its header (type, length: 4 bytes);
 * false if it is malformed or f says so. */
static bool
each_oxm(const uint8_t *match, size_t size,
         bool (*f)(void *aux, uint32_t header, const uint8_t *value),
         void *aux)
{
    size_t end = size < 4 ? 0 : get_u16(match + 2);

    if (end < 4 || end > size) {
        return false;
    }
    for (size_t i = 4; i < end;) {
        size_t left = end - i;

        if (left < 4 || left - 4 < match[i + 3]
            || !f(aux, get_u32(match + i), match + i + 4)) {
            return false;
        }
        i += 4u + match[i + 3];
    }
    return true;
}

static bool
standard_oxm(void *aux, uint32_t header, const uint8_t *value)
{
    (void) aux;
    (void) value;
    return is_standard_field(header);
}

static void
format_match(const struct vx_crow *crow, struct vx_buf *buf)
{
    struct ofpbuf b = ofpbuf_const_initializer(crow->key, crow->key_size);
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct match match;

    if (crow->key_size <= LIST_MAX
        && each_oxm(crow->key, crow->key_size, standard_oxm, NULL)
        && !oxm_pull_match(&b, false, NULL, NULL, &match)) {
        match_format(&match, NULL, &ds, crow->priority);
        if (!strncmp(ds_cstr(&ds), "priority=", 9)) {
            vx_buf_printf(buf, ",%s", ds_cstr(&ds));
        } else {                /* it leaves the default out */
            vx_buf_printf(buf, ",priority=%u%s%s", crow->priority,
                          ds.length ? "," : "", ds_cstr(&ds));
        }
    } else {
        vx_buf_printf(buf, ",priority=%u,match=0x", crow->priority);
        put_hex(buf, crow->key, crow->key_size);
    }
    ds_destroy(&ds);
}

/* A list of actions of OpenFlow's own or of kinds of ours, none nested. */
static bool
is_standard_list(const uint8_t *p, size_t size)
{
    while (size) {
        size_t n = size < 8 ? 0 : get_u16(p + 2);

        if (n < 8 || n > size || n % 8
            || (get_u16(p) >= 0x100 && !og_action_is_ours(p, n))) {
            return false;
        }
        p += n;
        size -= n;
    }
    return true;
}

static bool
is_standard_instructions(const uint8_t *p, size_t size)
{
    while (size) {
        size_t n = size < 8 ? 0 : get_u16(p + 2);
        unsigned type = size < 8 ? 0 : get_u16(p);

        if (n < 8 || n > size || n % 8 || type >= 0x100
            || ((type == OFPIT11_APPLY_ACTIONS
                 || type == OFPIT11_WRITE_ACTIONS)
                && !is_standard_list(p + 8, n - 8))) {
            return false;
        }
        p += n;
        size -= n;
    }
    return true;
}

static void
format_list(const uint8_t *p, size_t size, bool instructions,
            struct vx_buf *buf)
{
    uint64_t stub[1024 / 8], bytes[LIST_MAX / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    bool ok = size <= LIST_MAX
              && (instructions ? is_standard_instructions : is_standard_list)(
                  p, size);

    if (ok) {
        struct ofpbuf b = ofpbuf_const_initializer(bytes, size);

        memcpy(bytes, p, size);         /* libopenvswitch wants it aligned */
        ok = !(instructions ? ofpacts_pull_openflow_instructions
               : ofpacts_pull_openflow_actions)(&b, size, OFP15_VERSION,
                                                NULL, NULL, &ofpacts);
    }
    vx_buf_puts(buf, "actions=");
    if (ok) {
        struct ds ds = DS_EMPTY_INITIALIZER;
        struct ofpact_format_params params = { .s = &ds };

        ofpacts_format(ofpacts.data, ofpacts.size, &params);
        vx_buf_puts(buf, ds_cstr(&ds));
        ds_destroy(&ds);
    } else {
        vx_buf_puts(buf, "0x");
        put_hex(buf, p, size);
    }
    ofpbuf_uninit(&ofpacts);
}

static void
format_flow(const struct vx_crow *crow, struct vx_buf *buf)
{
    const uint8_t *body = crow->body;
    size_t size = crow->body_size;

    vx_buf_printf(buf, "cookie=0x%" PRIx64 ",table=%u", crow->cookie,
                  crow->table);
    if (size >= FIXED) {
        if (get_u16(body)) {
            vx_buf_printf(buf, ",idle_timeout=%u", get_u16(body));
        }
        if (get_u16(body + 2)) {
            vx_buf_printf(buf, ",hard_timeout=%u", get_u16(body + 2));
        }
        if (get_u16(body + 4)) {
            vx_buf_printf(buf, ",importance=%u", get_u16(body + 4));
        }
        if (get_u16(body + 6)) {
            vx_buf_printf(buf, ",flags=0x%x", get_u16(body + 6));
        }
        body += FIXED;
        size -= FIXED;
    }
    format_match(crow, buf);
    vx_buf_puts(buf, " ");
    if (size && body[0] == RAW_MARK) {
        body++;
        size--;
    }
    format_list(body, size, true, buf);
}

static void
format_bucket(const struct vx_crow *crow, struct vx_buf *buf)
{
    vx_buf_printf(buf, "group_id=%u,bucket=bucket_id:%u,",
                  get_u32(crow->key), get_u32(crow->key + 4));
    if (crow->body_size && crow->body[0] == RAW_MARK) {
        vx_buf_puts(buf, "actions=0x");
        put_hex(buf, crow->body + 1, crow->body_size - 1);
    } else {
        format_list(crow->body, crow->body_size, false, buf);
    }
}

static void
format_group(const struct vx_crow *crow, struct vx_buf *buf)
{
    static const char *const types[] = { "all", "select", "indirect", "ff" };
    unsigned type = crow->body_size ? crow->body[0] : 0;

    vx_buf_printf(buf, "group_id=%u,type=", get_u32(crow->key));
    if (type < ARRAY_SIZE(types)) {
        vx_buf_puts(buf, types[type]);
    } else {
        vx_buf_printf(buf, "%u", type);
    }
}

/* Flags, bands of 16 bytes: type, length, rate, burst. */
static void
format_meter(const struct vx_crow *crow, struct vx_buf *buf)
{
    const uint8_t *p = crow->body;
    size_t size = crow->body_size;
    unsigned flags = size < 2 ? 0 : get_u16(p);

    vx_buf_printf(buf, "meter=%u,%s%s%s,bands=", get_u32(crow->key),
                  flags & OFPMF13_PKTPS ? "pktps" : "kbps",
                  flags & OFPMF13_BURST ? ",burst" : "",
                  flags & OFPMF13_STATS ? ",stats" : "");
    for (p += 2, size -= size < 2 ? size : 2; size >= 16; p += 16,
         size -= 16) {
        vx_buf_printf(buf, "type=%s,rate=%u", get_u16(p) == 1 ? "drop"
                      : "other", get_u32(p + 4));
        if (get_u32(p + 8)) {
            vx_buf_printf(buf, ",burst_size=%u", get_u32(p + 8));
        }
    }
}

void
og_crow_format(const struct vx_crow *crow, struct vx_buf *buf)
{
    struct vx_buf text = VX_BUF_INIT;

    switch ((enum vx_row_type) crow->type) {
    case VX_ROW_FLOW:
        format_flow(crow, &text);
        break;
    case VX_ROW_BUCKET:
        format_bucket(crow, &text);
        break;
    case VX_ROW_GROUP:
        format_group(crow, &text);
        break;
    case VX_ROW_METER:
        format_meter(crow, &text);
        break;
    }
    vx_buf_put(buf, vx_buf_str(&text),
               text.size < TEXT_MAX ? text.size : TEXT_MAX);
    if (text.size > TEXT_MAX) {
        vx_buf_puts(buf, "...");
    }
    vx_buf_fini(&text);
}

/* reg0 (alone or as half of xreg0) or the tunnel's id. */
static bool
vni_oxm(void *hint_, uint32_t header, const uint8_t *value)
{
    struct vx_row_hint *hint = hint_;
    unsigned class = header >> 16, field = header >> 9 & 0x7f;
    unsigned size = header & 0xff;

    if (((class == 0x8001 && field == 0) || (class == 1 && field == 0))
        && size >= 4) {
        hint->vni = get_u32(value);
    } else if (class == 0x8000 && field == 38 && size >= 8 && !hint->vni) {
        hint->vni = get_u32(value + 4);
    }
    return true;
}

void
og_crow_hint(const struct vx_crow *crow, struct vx_row_hint *ret_hint)
{
    *ret_hint = (struct vx_row_hint) {
        .type = (enum vx_row_type) crow->type, .cookie = crow->cookie,
    };
    if (crow->type == VX_ROW_FLOW) {
        each_oxm(crow->key, crow->key_size, vni_oxm, ret_hint);
    } else if (crow->key_size >= 4) {
        ret_hint->vni = get_u32(crow->key);
        ret_hint->bucket = crow->key_size >= 8 ? get_u32(crow->key + 4) : 0;
    }
}
