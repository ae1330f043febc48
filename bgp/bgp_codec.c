/* SPDX-License-Identifier: Apache-2.0 */
/* BGP messages other than UPDATE, to and from bytes, and the packing of
 * UPDATEs.  Pure.  Reading of UPDATEs is bgp_update.c. */
#include "bgp/bgp_codec.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bgp/bgp_attr_wire.h"
#include "bgp/bgp_wire.h"

enum {
    VERSION = 4,
    AS_TRANS = 23456,
    PARAM_CAPABILITY = 2,
    PARAM_EXTENDED = 255,           /* RFC 9072 */
    CAP_MP = 1, CAP_REFRESH = 2, CAP_GRACEFUL = 64, CAP_AS4 = 65,
    GRACEFUL_RESTARTED = 0x8000, GRACEFUL_NOTIFICATION = 0x4000,
    GRACEFUL_TIME = 0x0fff, GRACEFUL_KEPT = 0x80,
};

/* --- Encode. */

static size_t
begin(struct vx_buf *buf, enum bg_msg_type type)
{
    size_t start = buf->size;

    memset(vx_buf_extend(buf, 16), 0xff, 16);
    bg_buf_be(buf, 0, 2);
    bg_buf_be(buf, type, 1);
    return start;
}

static void
set_be(struct vx_buf *buf, size_t offset, uint32_t u, size_t size)
{
    bg_put_be((uint8_t *) buf->data + offset, u, size);
}

static void
end(struct vx_buf *buf, size_t start)
{
    set_be(buf, start + 16, buf->size - start, 2);
}

void
bg_encode_keepalive(struct vx_buf *buf)
{
    end(buf, begin(buf, BG_KEEPALIVE));
}

void
bg_encode_refresh(enum bg_family family, struct vx_buf *buf)
{
    size_t start = begin(buf, BG_ROUTE_REFRESH);

    bg_buf_be(buf, bg_family_afi(family), 2);
    bg_buf_be(buf, 0, 1);
    bg_buf_be(buf, bg_family_safi(family), 1);
    end(buf, start);
}

void
bg_encode_notification(const struct bg_notify *notify, struct vx_buf *buf)
{
    size_t start = begin(buf, BG_NOTIFICATION);

    bg_buf_be(buf, notify->code, 1);
    bg_buf_be(buf, notify->subcode, 1);
    vx_buf_put(buf, notify->data, notify->n);
    end(buf, start);
}

static void
put_graceful(const struct bg_open *open, struct vx_buf *buf)
{
    size_t start = buf->size;

    bg_buf_be(buf, CAP_GRACEFUL, 1);
    bg_buf_be(buf, 0, 1);
    bg_buf_be(buf, (open->restarted ? GRACEFUL_RESTARTED : 0)
              | (open->notification_graceful ? GRACEFUL_NOTIFICATION : 0)
              | (open->restart_s & GRACEFUL_TIME), 2);
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        if (open->graceful_families & BG_BIT(i)) {
            bg_buf_be(buf, bg_family_afi(i), 2);
            bg_buf_be(buf, bg_family_safi(i), 1);
            bg_buf_be(buf, open->kept_families & BG_BIT(i)
                      ? GRACEFUL_KEPT : 0, 1);
        }
    }
    set_be(buf, start + 1, buf->size - start - 2, 1);
}

static void
put_capabilities(const struct bg_open *open, struct vx_buf *buf)
{
    for (int i = 0; i < BG_N_FAMILIES; i++) {
        if (open->families & BG_BIT(i)) {
            bg_buf_be(buf, CAP_MP << 8 | 4, 2);
            bg_buf_be(buf, bg_family_afi(i), 2);
            bg_buf_be(buf, bg_family_safi(i), 2);
        }
    }
    if (open->route_refresh) {
        bg_buf_be(buf, CAP_REFRESH << 8, 2);
    }
    if (open->graceful) {
        put_graceful(open, buf);
    }
    if (open->as4) {
        bg_buf_be(buf, CAP_AS4 << 8 | 4, 2);
        bg_buf_be(buf, open->as, 4);
    }
}

void
bg_encode_open(const struct bg_open *open, struct vx_buf *buf)
{
    size_t start = begin(buf, BG_OPEN);

    bg_buf_be(buf, VERSION, 1);
    bg_buf_be(buf, open->as > 0xffff ? AS_TRANS : open->as, 2);
    bg_buf_be(buf, open->hold_s, 2);
    vx_buf_put(buf, open->router_id.b, 4);
    size_t params = buf->size;
    bg_buf_be(buf, 0, 1);
    bg_buf_be(buf, PARAM_CAPABILITY << 8, 2);
    put_capabilities(open, buf);
    set_be(buf, params, buf->size - params - 1, 1);
    set_be(buf, params + 2, buf->size - params - 3, 1);
    end(buf, start);
}

/* --- UPDATE, packed. */

static void
begin_update(struct bg_packer *packer, enum bg_family family,
             struct vx_buf *buf)
{
    *packer = (struct bg_packer) {
        .buf = buf, .start = begin(buf, BG_UPDATE), .family = family,
        .max = BG_MSG_MAX,
    };
    bg_buf_be(buf, 0, 4);       /* sizes of withdrawn routes, attributes */
}

/* An MP attribute up to its NLRI, always with a two-byte length, which is set
 * at the end. */
static void
begin_mp(struct bg_packer *packer, uint8_t type)
{
    struct vx_buf *buf = packer->buf;

    bg_buf_be(buf, BG_ATTR_OPTIONAL | BG_ATTR_EXTENDED, 1);
    bg_buf_be(buf, type, 1);
    bg_buf_be(buf, 0, 2);
    bg_buf_be(buf, bg_family_afi(packer->family), 2);
    bg_buf_be(buf, bg_family_safi(packer->family), 1);
}

/* RFC 4364 4.3.2, 4659 3.2.1, 2545 3: a next hop of IPv6 families is an IPv6
 * address, IPv4 ones are mapped. */
static void
put_next_hop(enum bg_family family, const struct vx_ip *next_hop,
             struct vx_buf *buf)
{
    static const uint8_t zeros[10];
    bool is_vpn = family == BG_VPNV4 || family == BG_VPNV6;
    bool is_mapped = next_hop->family == 4
                     && (family == BG_VPNV6 || family == BG_IPV6);
    size_t size = bg_ip_size(next_hop);

    bg_buf_be(buf, (is_vpn ? 8 : 0) + (is_mapped ? 16 : size), 1);
    if (is_vpn) {
        vx_buf_put(buf, zeros, 8);
    }
    if (is_mapped) {
        vx_buf_put(buf, zeros, 10);
        bg_buf_be(buf, 0xffff, 2);
    }
    vx_buf_put(buf, next_hop->b, size);
    bg_buf_be(buf, 0, 1);       /* reserved */
}

void
bg_packer_reach(struct bg_packer *packer, enum bg_family family,
                const struct vx_ip *next_hop, const struct vx_buf *attrs,
                struct vx_buf *buf)
{
    begin_update(packer, family, buf);
    packer->attrs = attrs->data;
    packer->attrs_size = attrs->size;
    if (family == BG_IPV4) {
        /* Plain: NEXT_HOP and the attributes, then NLRI to the end. */
        memcpy(bg_attr_begin(buf, BG_ATTR_TRANSITIVE, BG_ATTR_NEXT_HOP, 4),
               next_hop->b, 4);
        vx_buf_put(buf, attrs->data, attrs->size);
        set_be(buf, packer->start + 21, 7 + attrs->size, 2);
        packer->attrs_size = 0;
    } else {
        begin_mp(packer, BG_ATTR_MP_REACH);
        put_next_hop(family, next_hop, buf);
    }
    packer->nlri = buf->size;
}

void
bg_packer_unreach(struct bg_packer *packer, enum bg_family family,
                  struct vx_buf *buf)
{
    begin_update(packer, family, buf);
    packer->withdraw = true;
    if (family == BG_IPV4) {
        buf->size -= 2;         /* withdrawn routes come in between */
    } else {
        begin_mp(packer, BG_ATTR_MP_UNREACH);
    }
    packer->nlri = buf->size;
}

bool
bg_packer_add(struct bg_packer *packer, const void *nlri, size_t size)
{
    size_t used = packer->buf->size - packer->start + packer->attrs_size
                  + (packer->withdraw && packer->family == BG_IPV4 ? 2 : 0);

    if (used + size > packer->max) {
        return false;
    }
    vx_buf_put(packer->buf, nlri, size);
    return true;
}

void
bg_packer_end(struct bg_packer *packer)
{
    struct vx_buf *buf = packer->buf;
    size_t attrs = packer->start + 23;

    if (packer->family == BG_IPV4) {
        if (packer->withdraw) {
            set_be(buf, packer->start + 19, buf->size - packer->nlri, 2);
            bg_buf_be(buf, 0, 2);
        }
    } else {
        set_be(buf, attrs + 2, buf->size - attrs - 4, 2);
        if (packer->attrs_size) {
            vx_buf_put(buf, packer->attrs, packer->attrs_size);
        }
        set_be(buf, packer->start + 21, buf->size - attrs, 2);
    }
    end(buf, packer->start);
}

/* RFC 4724 2: an UPDATE that says nothing. */
void
bg_encode_eor(enum bg_family family, struct vx_buf *buf)
{
    struct bg_packer packer;

    bg_packer_unreach(&packer, family, buf);
    bg_packer_end(&packer);
}

/* --- Decode. */

static bool
refuse(struct bg_notify *ret_why, uint8_t code, uint8_t subcode,
       uint32_t data, size_t size)
{
    *ret_why = (struct bg_notify) { code, subcode, size, { 0 } };
    bg_put_be(ret_why->data, data, size);
    return false;
}

bool
bg_decode_header(const uint8_t *bytes, size_t size,
                 enum bg_msg_type *ret_type, size_t *ret_size,
                 struct bg_notify *ret_why)
{
    static const uint8_t min[] = {
        [BG_OPEN] = 29, [BG_UPDATE] = 23, [BG_NOTIFICATION] = 21,
        [BG_KEEPALIVE] = 19, [BG_ROUTE_REFRESH] = 23,
    };

    *ret_size = 0;
    if (size < BG_HEADER_SIZE) {
        return true;
    }
    for (int i = 0; i < 16; i++) {
        if (bytes[i] != 0xff) {
            return refuse(ret_why, 1, 1, 0, 0);
        }
    }
    uint32_t length = bg_get_be(bytes + 16, 2);
    uint8_t type = bytes[18];
    if (type < BG_OPEN || type > BG_ROUTE_REFRESH) {
        return refuse(ret_why, 1, 3, type, 1);
    }
    if (length < min[type] || length > BG_MSG_MAX
        || (type == BG_KEEPALIVE && length != BG_HEADER_SIZE)) {
        return refuse(ret_why, 1, 2, length, 2);
    }
    *ret_type = type;
    *ret_size = length;
    return true;
}

static void
read_graceful(struct bg_reader *r, struct bg_open *open)
{
    uint32_t head = bg_read_be(r, 2);
    enum bg_family family;

    open->graceful = !r->failed;
    open->restarted = head & GRACEFUL_RESTARTED;
    open->notification_graceful = head & GRACEFUL_NOTIFICATION;
    open->restart_s = head & GRACEFUL_TIME;
    while (r->left >= 4) {
        uint16_t afi = bg_read_be(r, 2);
        uint8_t safi = bg_read_be(r, 1);
        uint8_t flags = bg_read_be(r, 1);

        if (bg_family_find(afi, safi, &family)) {
            open->graceful_families |= BG_BIT(family);
            open->kept_families |= flags & GRACEFUL_KEPT
                                   ? BG_BIT(family) : 0;
        }
    }
}

/* A capability that is not known, or has another size, is passed over. */
static void
read_capability(uint8_t code, struct bg_reader *r, struct bg_open *open)
{
    enum bg_family family;

    if (code == CAP_MP && r->left == 4) {
        uint16_t afi = bg_read_be(r, 2);

        if (bg_family_find(afi, bg_read_be(r, 2) & 0xff, &family)) {
            open->families |= BG_BIT(family);
        }
    } else if (code == CAP_REFRESH) {
        open->route_refresh = true;
    } else if (code == CAP_GRACEFUL) {
        read_graceful(r, open);
    } else if (code == CAP_AS4 && r->left == 4) {
        open->as4 = true;
        open->as = bg_read_be(r, 4);
    }
}

static bool
read_parameters(struct bg_reader *r, size_t size_size, struct bg_open *open,
                struct bg_notify *ret_why)
{
    bool has_mp = false;

    while (r->left) {
        uint8_t type = bg_read_be(r, 1);
        struct bg_reader param = bg_read_part(r, bg_read_be(r, size_size));

        if (r->failed) {
            return refuse(ret_why, 2, 0, 0, 0);
        }
        if (type != PARAM_CAPABILITY) {
            return refuse(ret_why, 2, 4, 0, 0);
        }
        while (param.left) {
            uint8_t code = bg_read_be(&param, 1);
            struct bg_reader value = bg_read_part(&param,
                                                  bg_read_be(&param, 1));

            if (param.failed) {
                return refuse(ret_why, 2, 0, 0, 0);
            }
            has_mp |= code == CAP_MP;
            read_capability(code, &value, open);
        }
    }
    if (!has_mp) {
        open->families = BG_BIT(BG_IPV4);
    }
    return true;
}

bool
bg_decode_open(const uint8_t *body, size_t size, struct bg_open *ret_open,
               struct bg_notify *ret_why)
{
    struct bg_reader r = { body, size, false };
    struct bg_open open = { .router_id.family = 4 };
    uint8_t version = bg_read_be(&r, 1);

    open.as = bg_read_be(&r, 2);
    open.hold_s = bg_read_be(&r, 2);
    bg_read_copy(&r, open.router_id.b, 4);
    size_t params = bg_read_be(&r, 1);
    size_t size_size = 1;
    if (r.failed) {
        return refuse(ret_why, 1, 2, 0, 0);
    }
    if (version != VERSION) {
        return refuse(ret_why, 2, 1, VERSION, 2);
    }
    if (params == PARAM_EXTENDED && r.left >= 3
        && r.p[0] == PARAM_EXTENDED) {
        bg_read(&r, 1);
        params = bg_read_be(&r, 2);
        size_size = 2;
    }
    if (params != r.left) {
        return refuse(ret_why, 2, 0, 0, 0);
    }
    if (!read_parameters(&r, size_size, &open, ret_why)) {
        return false;
    }
    if (!open.as) {
        return refuse(ret_why, 2, 2, 0, 0);
    }
    if (!bg_get_be(open.router_id.b, 4)) {
        return refuse(ret_why, 2, 3, 0, 0);
    }
    if (open.hold_s && open.hold_s < 3) {
        return refuse(ret_why, 2, 6, 0, 0);
    }
    *ret_open = open;
    return true;
}

void
bg_decode_notification(const uint8_t *body, size_t size,
                       struct bg_notify *ret_notify)
{
    *ret_notify = (struct bg_notify) { .code = 0 };
    if (size >= 2) {
        size -= 2;
        ret_notify->code = body[0];
        ret_notify->subcode = body[1];
        ret_notify->n = size > sizeof ret_notify->data
                        ? sizeof ret_notify->data : size;
        memcpy(ret_notify->data, body + 2, ret_notify->n);
    }
}

bool
bg_decode_refresh(const uint8_t *body, size_t size,
                  enum bg_family *ret_family)
{
    /* The byte between is the subtype of RFC 7313, which is not offered. */
    return size == 4 && !body[2]
           && bg_family_find(bg_get_be(body, 2), body[3], ret_family);
}

/* --- NOTIFICATION in words. */

static const char *const code_names[] = {
    "no reason", "message header error", "open refused", "update malformed",
    "hold timer expired", "message in the wrong state", "cease",
    "route refresh malformed",
};
static const char *const subcode_names[][16] = {
    [1] = { NULL, "marker is not all ones", "length", "type" },
    [2] = { NULL, "version", "peer AS", "router id", "optional parameter",
            NULL, "hold time", "capability", [11] = "role" },
    [3] = { NULL, "attribute list", "well-known attribute", "attribute "
            "missing", "attribute flags", "attribute length", "origin", NULL,
            "next hop", "optional attribute", "network", "AS path" },
    [5] = { NULL, "in OpenSent", "in OpenConfirm", "in Established" },
    [6] = { NULL, "prefix limit", "administrative shutdown",
            "peer deconfigured", "administrative reset",
            "connection rejected", "other configuration change",
            "connection collision", "out of resources", "hard reset",
            "BFD down" },
};
enum {
    N_CODES = sizeof code_names / sizeof code_names[0],
    N_SUBCODES = sizeof subcode_names / sizeof subcode_names[0],
};

/* RFC 9003: a length byte and UTF-8. */
static void
append_text(const struct bg_notify *notify, char *buf, size_t size)
{
    size_t n = notify->n ? notify->data[0] : 0;
    size_t at = strlen(buf);

    if (notify->code != 6 || (notify->subcode != 2 && notify->subcode != 4)
        || !n || n >= notify->n || at + n + 6 > size) {
        return;
    }
    at += snprintf(buf + at, size - at, " (\"");
    for (size_t i = 1; i <= n; i++) {
        uint8_t c = notify->data[i];

        buf[at++] = c < 0x80 && isprint(c) && c != '"' ? c : '?';
    }
    snprintf(buf + at, size - at, "\")");
}

const char *
bg_notify_format(const struct bg_notify *notify, char buf[BG_NOTIFY_STRLEN])
{
    const char *sub = notify->code < N_SUBCODES && notify->subcode < 16
        ? subcode_names[notify->code][notify->subcode] : NULL;

    if (notify->code >= N_CODES) {
        snprintf(buf, BG_NOTIFY_STRLEN, "notification %u/%u", notify->code,
                 notify->subcode);
    } else if (sub) {
        snprintf(buf, BG_NOTIFY_STRLEN, "%s: %s", code_names[notify->code],
                 sub);
    } else if (notify->subcode) {
        snprintf(buf, BG_NOTIFY_STRLEN, "%s: %u", code_names[notify->code],
                 notify->subcode);
    } else {
        snprintf(buf, BG_NOTIFY_STRLEN, "%s", code_names[notify->code]);
    }
    append_text(notify, buf, BG_NOTIFY_STRLEN);
    return buf;
}
