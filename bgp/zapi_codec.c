/* SPDX-License-Identifier: Apache-2.0 */
/* What zebra says, decoded; see zapi_codec.h.  Every read goes through a
 * cursor that knows where the message ends and, once over it, gives zeros
 * and remembers: a decoder reads what it expects and asks once at the end. */
#include "bgp/zapi_codec.h"

#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

struct cursor {
    const uint8_t *p, *end;
    bool failed;
};

static const uint8_t *
take(struct cursor *c, size_t size)
{
    const uint8_t *p = c->p;

    if (c->failed || (size_t) (c->end - c->p) < size) {
        c->failed = true;
        return NULL;
    }
    c->p += size;
    return p;
}

static uint64_t
get_number(struct cursor *c, size_t size)
{
    const uint8_t *p = take(c, size);
    uint64_t u = 0;

    for (size_t i = 0; p && i < size; i++) {
        u = u << 8 | p[i];
    }
    return u;
}

static uint8_t
get_u8(struct cursor *c)
{
    return (uint8_t) get_number(c, 1);
}

static uint16_t
get_u16(struct cursor *c)
{
    return (uint16_t) get_number(c, 2);
}

static uint32_t
get_u32(struct cursor *c)
{
    return (uint32_t) get_number(c, 4);
}

/* Some numbers are copied out of zebra's memory as they are. */
static uint32_t
get_host_u32(struct cursor *c)
{
    const uint8_t *p = take(c, 4);
    uint32_t u = 0;

    if (p) {
        memcpy(&u, p, 4);
    }
    return u;
}

static struct vx_ip
get_ip(struct cursor *c, uint8_t family)
{
    struct vx_ip ip = { .family = family };
    const uint8_t *p = take(c, family == 6 ? 16 : 4);

    if (p) {
        memcpy(ip.b, p, family == 6 ? 16 : 4);
    }
    return ip;
}

/* A name in a field of fixed size: printable, and with a NUL inside. */
static void
get_name(struct cursor *c, size_t field_size, char *ret_name)
{
    const uint8_t *p = take(c, field_size);
    size_t n = p ? strnlen((const char *) p, field_size) : 0;

    if (!p || n == field_size) {
        c->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] <= ' ' || p[i] > '~') {
            c->failed = true;
        }
    }
    memset(ret_name, 0, field_size);
    memcpy(ret_name, p, n);
}

static uint8_t
get_family(struct cursor *c)
{
    uint8_t af = get_u8(c);

    if (af != AF_INET && af != AF_INET6) {
        c->failed = true;
    }
    return af == AF_INET6 ? 6 : 4;
}

/* The prefix behind a family and a length; whole: all bytes of the address
 * are there, else only those that the length covers. */
static struct vx_prefix
get_prefix(struct cursor *c, uint8_t family, bool whole)
{
    struct vx_prefix prefix = { .ip.family = family };
    uint8_t length = get_u8(c);
    size_t n_bytes = family == 6 ? 16 : 4;
    const uint8_t *p;

    if (length > n_bytes * 8) {
        c->failed = true;
        return prefix;
    }
    p = take(c, whole ? n_bytes : (length + 7u) / 8);
    prefix.length = length;
    if (p) {
        memcpy(prefix.ip.b, p, (length + 7u) / 8);
        /* Zebra masks what it is told, but who knows who speaks here. */
        if (length % 8) {
            prefix.ip.b[length / 8] &= (uint8_t) (0xff00 >> length % 8);
        }
    }
    return prefix;
}

static struct cursor
cursor_of(struct bg_zapi_span body)
{
    return (struct cursor) { body.data, body.data + body.size, false };
}

static bool
refuse(struct vx_error *err, enum bg_zapi_command command, const char *what)
{
    return vx_fail(err, VX_INVALID, bg_zapi_command_name(command),
                   "zebra's %s message is %s", bg_zapi_command_name(command),
                   what);
}

/* Whether all was there, and nothing else. */
static bool
finish(const struct cursor *c, enum bg_zapi_command command,
       struct vx_error *err)
{
    if (c->failed) {
        return refuse(err, command, "too short, or holds a value that it "
                      "cannot hold");
    }
    if (c->p != c->end) {
        return refuse(err, command, "longer than its contents");
    }
    return true;
}

bool
bg_zapi_decode_header(const uint8_t *data, struct bg_zapi_header *ret_header,
                      struct vx_error *err)
{
    struct cursor c = { data, data + BG_ZAPI_HEADER_SIZE, false };
    struct bg_zapi_header header;
    uint8_t marker, version;

    header.size = get_u16(&c);
    marker = get_u8(&c);
    version = get_u8(&c);
    header.vrf_id = get_u32(&c);
    header.number = get_u16(&c);
    if (marker != BG_ZAPI_MARKER || version != BG_ZAPI_VERSION) {
        return vx_fail(err, VX_INVALID, "version", "this is not version %d of "
                       "the zebra API: marker %u (not %d), version %u; known "
                       "are %s", BG_ZAPI_VERSION, marker, BG_ZAPI_MARKER,
                       version, bg_zapi_known());
    }
    if (header.size < BG_ZAPI_HEADER_SIZE
        || header.size > BG_ZAPI_MESSAGE_MAX) {
        return vx_fail(err, VX_INVALID, "size", "zebra sends a message of %u "
                       "bytes; from %d to %d are possible", header.size,
                       BG_ZAPI_HEADER_SIZE, BG_ZAPI_MESSAGE_MAX);
    }
    *ret_header = header;
    return true;
}

bool
bg_zapi_get_capabilities(const struct bg_zapi_row *row,
                         struct bg_zapi_span body,
                         struct bg_zapi_capabilities *ret_caps,
                         struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    struct bg_zapi_capabilities caps;
    uint32_t backend;

    if (body.size != row->capabilities_sizes[0]
        && (!row->capabilities_sizes[1]
            || body.size != row->capabilities_sizes[1])) {
        return vx_fail(err, VX_INVALID, "CAPABILITIES", "zebra has the "
                       "numbers of %s, but its CAPABILITIES message has %zu "
                       "bytes, which fits none of that: known are %s",
                       row->name, body.size, bg_zapi_known());
    }
    /* 10.6 made one byte of the four. */
    backend = body.size == 9 ? get_u8(&c) : get_u32(&c);
    caps.has_mpls = get_u8(&c) != 0;
    caps.n_ecmp = get_u32(&c);
    if (c.failed || backend > 1) {
        return refuse(err, BG_ZAPI_CAPABILITIES,
                      "about a kind of VRF that is not known");
    }
    caps.is_netns = backend == 1;
    *ret_caps = caps;
    return true;
}

bool
bg_zapi_get_vrf(struct bg_zapi_span body, struct bg_zapi_vrf *ret_vrf,
                struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    struct bg_zapi_vrf vrf;

    memset(&vrf, 0, sizeof vrf);
    vrf.table_id = get_host_u32(&c);
    take(&c, BG_VRF_NAME_SIZE);         /* the namespace's: the same name */
    get_name(&c, BG_VRF_NAME_SIZE, vrf.name);
    if (!finish(&c, BG_ZAPI_VRF_ADD, err)) {
        return false;
    }
    *ret_vrf = vrf;
    return true;
}

bool
bg_zapi_get_router_id(struct bg_zapi_span body, struct vx_ip *ret_id,
                      struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    struct vx_ip ip = get_ip(&c, get_family(&c));

    get_u8(&c);
    if (!finish(&c, BG_ZAPI_ROUTER_ID_UPDATE, err)) {
        return false;
    }
    *ret_id = ip;
    return true;
}

bool
bg_zapi_get_interface(const struct bg_zapi_row *row,
                      struct bg_zapi_span body,
                      struct bg_zapi_interface *ret_interface,
                      struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    struct bg_zapi_interface interface;
    uint64_t flags;

    memset(&interface, 0, sizeof interface);
    get_name(&c, BG_IFNAME_SIZE, interface.name);
    interface.ifindex = get_u32(&c);
    get_u8(&c);                         /* status: zebra's own */
    flags = get_number(&c, 8);
    take(&c, 2);                        /* PTM */
    take(&c, 8);                        /* metric, speed */
    if (row->interface_has_txqlen) {
        take(&c, 4);
    }
    interface.mtu = get_u32(&c);
    interface.is_up = (flags & IFF_UP) && (flags & IFF_RUNNING);
    if (c.failed || !interface.name[0]) {
        return refuse(err, BG_ZAPI_INTERFACE_ADD,
                      "too short, or holds no name");
    }
    *ret_interface = interface;
    return true;
}

bool
bg_zapi_get_address(struct bg_zapi_span body, uint32_t *ret_ifindex,
                    struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    uint32_t ifindex = get_u32(&c);

    if (c.failed) {
        return refuse(err, BG_ZAPI_INTERFACE_ADDRESS_ADD, "too short");
    }
    *ret_ifindex = ifindex;
    return true;
}

/* --- Routes. */

/* Source: lib/zclient.h. */
enum {
    MESSAGE_NEXTHOP = 0x01, MESSAGE_DISTANCE = 0x02, MESSAGE_METRIC = 0x04,
    MESSAGE_TAG = 0x08, MESSAGE_MTU = 0x10, MESSAGE_SRCPFX = 0x20,
    MESSAGE_BACKUP = 0x40, MESSAGE_NHG = 0x80, MESSAGE_TABLEID = 0x100,
    MESSAGE_SRTE = 0x200, MESSAGE_OPAQUE = 0x400, MESSAGE_ALL = 0x7ff,
    NEXTHOP_LABEL = 0x02, NEXTHOP_WEIGHT = 0x04, NEXTHOP_BACKUP = 0x08,
    NEXTHOP_SEG6 = 0x10, NEXTHOP_SEG6LOCAL = 0x20, NEXTHOP_EVPN = 0x40,
    OPAQUE_MAX = 1024,
    NOTE_TAIL = 6,      /* bytes of a route note after its prefixes */
};

struct layout {
    bool has_label_type;
    bool has_wide_weight;
    uint32_t message;
};

static void
get_nexthop(struct cursor *c, const struct layout *layout,
            struct bg_nexthop *nh)
{
    uint8_t flags;

    memset(nh, 0, sizeof *nh);
    nh->vrf_id = get_u32(c);
    nh->type = get_u8(c);
    flags = get_u8(c);
    switch (nh->type) {
    case BG_NEXTHOP_IFINDEX:
        nh->ifindex = get_u32(c);
        break;
    case BG_NEXTHOP_IPV4:
    case BG_NEXTHOP_IPV4_IFINDEX:
    case BG_NEXTHOP_IPV6:
    case BG_NEXTHOP_IPV6_IFINDEX:
        nh->ip = get_ip(c, nh->type >= BG_NEXTHOP_IPV6 ? 6 : 4);
        nh->ifindex = get_u32(c);
        break;
    case BG_NEXTHOP_BLACKHOLE:
        get_u8(c);
        break;
    default:
        c->failed = true;
    }
    if (flags & NEXTHOP_LABEL) {
        uint8_t n = get_u8(c);

        take(c, (layout->has_label_type ? 1 : 0) + n * 4u);
    }
    if (flags & NEXTHOP_WEIGHT) {
        nh->weight = get_number(c, layout->has_wide_weight ? 8 : 4);
    }
    if (flags & NEXTHOP_EVPN) {
        take(c, 6);
    }
    if (layout->message & MESSAGE_SRTE) {
        take(c, 4);
    }
    if (flags & NEXTHOP_BACKUP) {
        take(c, get_u8(c));
    }
    /* Their layouts change with every release, and no route of ours has
     * them. */
    if (flags & (NEXTHOP_SEG6 | NEXTHOP_SEG6LOCAL)) {
        c->failed = true;
    }
}

static void
get_nexthops(struct cursor *c, const struct layout *layout,
             struct bg_zapi_route *route)
{
    size_t n = get_u16(c);

    if (n > BG_NEXTHOPS_MAX) {
        c->failed = true;
    }
    for (size_t i = 0; i < n && !c->failed; i++) {
        get_nexthop(c, layout, &route->nexthops[i]);
    }
    route->n_nexthops = c->failed ? 0 : n;
}

static void
skip_backups(struct cursor *c, const struct layout *layout)
{
    size_t n = get_u16(c);
    struct bg_nexthop nh;

    for (size_t i = 0; i < n && !c->failed; i++) {
        get_nexthop(c, layout, &nh);
    }
}

static void
get_attributes(struct cursor *c, uint32_t message,
               struct bg_zapi_route *route)
{
    route->has_distance = message & MESSAGE_DISTANCE;
    route->has_metric = message & MESSAGE_METRIC;
    route->has_tag = message & MESSAGE_TAG;
    route->has_mtu = message & MESSAGE_MTU;
    route->distance = route->has_distance ? get_u8(c) : 0;
    route->metric = route->has_metric ? get_u32(c) : 0;
    route->tag = route->has_tag ? get_u32(c) : 0;
    route->mtu = route->has_mtu ? get_u32(c) : 0;
    route->table_id = message & MESSAGE_TABLEID ? get_u32(c) : 0;
    if (message & MESSAGE_OPAQUE) {
        uint16_t size = get_u16(c);

        if (size > OPAQUE_MAX) {
            c->failed = true;
        }
        take(c, size);
    }
}

static bool
try_route(const struct bg_zapi_row *row, struct cursor c,
          struct layout layout, struct bg_zapi_route *route)
{
    uint8_t family;

    route->proto = bg_proto_of(row, get_u8(&c));
    route->instance = get_u16(&c);
    route->flags = get_u32(&c);
    layout.message = get_u32(&c);
    route->safi = get_u8(&c);
    family = get_family(&c);
    route->prefix = get_prefix(&c, family, false);
    route->has_source = layout.message & MESSAGE_SRCPFX;
    if (route->has_source) {
        get_prefix(&c, family, false);
    }
    if (layout.message & MESSAGE_NHG) {
        get_u32(&c);
    }
    route->n_nexthops = 0;
    if (layout.message & MESSAGE_NEXTHOP) {
        get_nexthops(&c, &layout, route);
    }
    if (layout.message & MESSAGE_BACKUP) {
        skip_backups(&c, &layout);
    }
    get_attributes(&c, layout.message, route);
    return !c.failed && c.p == c.end
           && !(layout.message & ~(uint32_t) MESSAGE_ALL);
}

bool
bg_zapi_get_route(const struct bg_zapi_row *row, struct bg_zapi_span body,
                  struct bg_zapi_route *ret_route, struct vx_error *err)
{
    struct cursor c = cursor_of(body);

    for (int label = 0; label < 2; label++) {
        for (int weight = 0; weight < 2; weight++) {
            struct layout layout = { label, weight, 0 };

            if ((label ? !row->may_have_label_type
                         && !row->must_have_label_type
                       : row->must_have_label_type)
                || (weight ? !row->may_have_wide_weight
                             && !row->must_have_wide_weight
                           : row->must_have_wide_weight)) {
                continue;
            }
            if (try_route(row, c, layout, ret_route)) {
                return true;
            }
        }
    }
    return refuse(err, BG_ZAPI_REDISTRIBUTE_ROUTE_ADD,
                  "not a route in any layout of this release");
}

bool
bg_zapi_get_route_note(struct bg_zapi_span body,
                       struct bg_zapi_route_note *ret_note,
                       struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    struct bg_zapi_route_note note;
    uint32_t what = get_host_u32(&c);
    uint8_t family = get_family(&c);

    memset(&note, 0, sizeof note);
    note.prefix = get_prefix(&c, family, true);
    /* 10.3 has put a source prefix in between, of length 0 but for routes by
     * source and destination, of which we have none. */
    if ((size_t) (c.end - c.p) > NOTE_TAIL
        && get_prefix(&c, family, true).length) {
        c.failed = true;
    }
    note.table_id = get_u32(&c);
    take(&c, 2);                        /* AFI and SAFI once more */
    if (!finish(&c, BG_ZAPI_ROUTE_NOTIFY_OWNER, err)) {
        return false;
    }
    if (what >= BG_N_NOTES) {
        return refuse(err, BG_ZAPI_ROUTE_NOTIFY_OWNER,
                      "about something that is not known");
    }
    note.note = (enum bg_zapi_note) what;
    *ret_note = note;
    return true;
}

/* --- The rest. */

bool
bg_zapi_get_rule_note(struct bg_zapi_span body,
                      struct bg_zapi_rule_note *ret_note,
                      struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    uint32_t what = get_host_u32(&c), unique;

    take(&c, 8);                        /* sequence number, priority */
    unique = get_u32(&c);
    take(&c, BG_IFNAME_SIZE);
    if (!finish(&c, BG_ZAPI_RULE_NOTIFY_OWNER, err)) {
        return false;
    }
    if (what >= BG_N_RULE_NOTES) {
        return refuse(err, BG_ZAPI_RULE_NOTIFY_OWNER,
                      "about something that is not known");
    }
    *ret_note = (struct bg_zapi_rule_note) {
        (enum bg_zapi_rule_notes) what, unique
    };
    return true;
}

bool
bg_zapi_get_error(struct bg_zapi_span body, uint32_t *ret_code,
                  struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    uint32_t code = get_host_u32(&c);

    if (!finish(&c, BG_ZAPI_ERROR, err)) {
        return false;
    }
    *ret_code = code;
    return true;
}

bool
bg_zapi_get_close(const struct bg_zapi_row *row, struct bg_zapi_span body,
                  struct bg_zapi_close *ret_close, struct vx_error *err)
{
    struct cursor c = cursor_of(body);
    struct bg_zapi_close closed = { .proto = bg_proto_of(row, get_u8(&c)) };

    closed.instance = get_u16(&c);
    get_u32(&c);                        /* session */
    if (!finish(&c, BG_ZAPI_CLIENT_CLOSE_NOTIFY, err)) {
        return false;
    }
    *ret_close = closed;
    return true;
}
