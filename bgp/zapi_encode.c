/* SPDX-License-Identifier: Apache-2.0 */
/* What we say to zebra, as bytes; see zapi_codec.h.  A message is begun with
 * its header, filled, and ended, which writes its size into the header. */
#include "bgp/zapi_codec.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/buf.h"

static void
put(struct vx_buf *buf, uint64_t value, size_t size)
{
    uint8_t *p = vx_buf_extend(buf, size);

    for (size_t i = size; i-- > 0; value >>= 8) {
        p[i] = (uint8_t) value;
    }
}

/* Returns where the message begins. */
static size_t
begin(struct vx_buf *buf, uint16_t number, uint32_t vrf_id)
{
    size_t start = buf->size;

    put(buf, 0, 2);
    put(buf, BG_ZAPI_MARKER, 1);
    put(buf, BG_ZAPI_VERSION, 1);
    put(buf, vrf_id, 4);
    put(buf, number, 2);
    return start;
}

static void
end(struct vx_buf *buf, size_t start)
{
    size_t size = buf->size - start;

    assert(size <= BG_ZAPI_MESSAGE_MAX);
    buf->data[start] = (char) (size >> 8);
    buf->data[start + 1] = (char) size;
}

static void
put_family(struct vx_buf *buf, uint8_t family)
{
    put(buf, family == 6 ? AF_INET6 : AF_INET, 1);
}

/* FRR's afi_t. */
static unsigned
afi_of(uint8_t family)
{
    return family == 6 ? 2 : 1;
}

void
bg_zapi_put_probe(uint32_t cookie, struct vx_buf *buf)
{
    end(buf, begin(buf, BG_ZAPI_PROBE, cookie));
}

void
bg_zapi_put_hello(const struct bg_zapi_row *row,
                  const struct bg_zapi_hello *hello, struct vx_buf *buf)
{
    size_t start = begin(buf, row->commands[BG_ZAPI_HELLO], 0);

    put(buf, row->protos[hello->proto], 1);
    put(buf, hello->instance, 2);
    put(buf, 0, 4);                     /* session */
    if (row->hello_has_notify) {
        put(buf, hello->wants_notify, 1);
    }
    put(buf, 0, 1);                     /* not synchronous */
    end(buf, start);
}

void
bg_zapi_put_notify_request(const struct bg_zapi_row *row, bool on,
                           struct vx_buf *buf)
{
    size_t start = begin(buf, row->commands[BG_ZAPI_ROUTE_NOTIFY_REQUEST], 0);

    put(buf, on, 1);
    end(buf, start);
}

void
bg_zapi_put_router_id_add(const struct bg_zapi_row *row, uint32_t vrf_id,
                          struct vx_buf *buf)
{
    size_t start = begin(buf, row->commands[BG_ZAPI_ROUTER_ID_ADD], vrf_id);

    put(buf, afi_of(4), 2);
    end(buf, start);
}

void
bg_zapi_put_interface_add(const struct bg_zapi_row *row, struct vx_buf *buf)
{
    end(buf, begin(buf, row->commands[BG_ZAPI_INTERFACE_ADD], 0));
}

/* --- Routes. */

/* Source: lib/zclient.h. */
enum {
    MESSAGE_NEXTHOP = 0x01, MESSAGE_DISTANCE = 0x02, MESSAGE_METRIC = 0x04,
    MESSAGE_TAG = 0x08, MESSAGE_MTU = 0x10, MESSAGE_TABLEID = 0x100,
    FLAG_TABLEID = 0x800, BLACKHOLE_NULL = 1
};

static void
put_nexthop(struct vx_buf *buf, const struct bg_nexthop *nh)
{
    put(buf, nh->vrf_id, 4);
    put(buf, nh->type, 1);
    put(buf, 0, 1);                     /* flags */
    switch (nh->type) {
    case BG_NEXTHOP_BLACKHOLE:
        put(buf, BLACKHOLE_NULL, 1);
        break;
    case BG_NEXTHOP_IFINDEX:
        put(buf, nh->ifindex, 4);
        break;
    default:
        vx_buf_put(buf, nh->ip.b, vx_ip_bits(&nh->ip) / 8);
        put(buf, nh->ifindex, 4);
    }
}

/* What zebra may be told of a route; a DELETE needs the key only. */
static uint32_t
message_of(const struct bg_zapi_route *route, bool is_delete)
{
    uint32_t message = route->table_id ? MESSAGE_TABLEID : 0;

    if (is_delete) {
        return message;
    }
    return message | (route->n_nexthops ? MESSAGE_NEXTHOP : 0)
           | (route->has_distance ? MESSAGE_DISTANCE : 0)
           | (route->has_metric ? MESSAGE_METRIC : 0)
           | (route->has_tag ? MESSAGE_TAG : 0)
           | (route->has_mtu ? MESSAGE_MTU : 0);
}

void
bg_zapi_put_route(const struct bg_zapi_row *row,
                  enum bg_zapi_command command, uint32_t vrf_id,
                  const struct bg_zapi_route *route, struct vx_buf *buf)
{
    size_t start = begin(buf, row->commands[command], vrf_id);
    uint32_t message = message_of(route, command == BG_ZAPI_ROUTE_DELETE);
    uint32_t flags = route->flags;

    if (route->table_id && row->wants_table_flag) {
        flags |= FLAG_TABLEID;
    }
    put(buf, row->protos[route->proto], 1);
    put(buf, route->instance, 2);
    put(buf, flags, 4);
    put(buf, message, 4);
    put(buf, route->safi, 1);
    put_family(buf, route->prefix.ip.family);
    put(buf, route->prefix.length, 1);
    vx_buf_put(buf, route->prefix.ip.b, (route->prefix.length + 7u) / 8);
    if (message & MESSAGE_NEXTHOP) {
        put(buf, route->n_nexthops, 2);
        for (size_t i = 0; i < route->n_nexthops; i++) {
            put_nexthop(buf, &route->nexthops[i]);
        }
    }
    if (message & MESSAGE_DISTANCE) {
        put(buf, route->distance, 1);
    }
    if (message & MESSAGE_METRIC) {
        put(buf, route->metric, 4);
    }
    if (message & MESSAGE_TAG) {
        put(buf, route->tag, 4);
    }
    if (message & MESSAGE_MTU) {
        put(buf, route->mtu, 4);
    }
    if (message & MESSAGE_TABLEID) {
        put(buf, route->table_id, 4);
    }
    end(buf, start);
}

void
bg_zapi_put_redistribute(const struct bg_zapi_row *row,
                         enum bg_zapi_command command, uint32_t vrf_id,
                         const struct bg_zapi_redistribute *what,
                         struct vx_buf *buf)
{
    size_t start = begin(buf, row->commands[command], vrf_id);

    put(buf, afi_of(what->family), 1);
    put(buf, row->protos[what->proto], 1);
    put(buf, what->instance, 2);
    end(buf, start);
}

void
bg_zapi_put_gr(const struct bg_zapi_row *row, const struct bg_zapi_gr_msg *gr,
               struct vx_buf *buf)
{
    size_t start = begin(buf, row->commands[BG_ZAPI_CLIENT_CAPABILITIES], 0);

    put(buf, gr->what, 4);
    switch (gr->what) {
    case BG_GR_CAPABILITIES:
    case BG_GR_STALE_TIME:
        put(buf, gr->stale_s, 4);
        break;
    case BG_GR_COMPLETE:
        put(buf, afi_of(gr->family), 4);
        put(buf, BG_SAFI_UNICAST, 4);
        break;
    case BG_GR_DISABLE:
        break;
    }
    put(buf, gr->vrf_id, 4);
    end(buf, start);
}

/* --- Rules. */

/* Source: lib/pbr.h of 9.1 and later. */
enum {
    FILTER_SRC_IP = 1 << 0, FILTER_DST_IP = 1 << 1, FILTER_FWMARK = 1 << 4,
    FILTER_IP_PROTOCOL = 1 << 5, FILTER_DSCP = 1 << 8, ACTION_TABLE = 1 << 0
};

/* Family, length, all bytes of the address; "any" is a length of zero. */
static void
put_whole_prefix(struct vx_buf *buf, const struct vx_prefix *prefix,
                 uint8_t family)
{
    put_family(buf, family);
    put(buf, prefix->ip.family ? prefix->length : 0, 1);
    vx_buf_put(buf, prefix->ip.b, family == 6 ? 16 : 4);
}

/* Up to 9.0.  Not what lib/zclient.c encodes there, which is dead code, but
 * what zread_rule() reads. */
static void
put_old_rule(struct vx_buf *buf, const struct bg_zapi_rule *rule)
{
    put(buf, rule->unique, 4);          /* sequence number: for us to name */
    put(buf, rule->priority, 4);
    put(buf, rule->unique, 4);
    put(buf, rule->ip_proto, 1);
    put_whole_prefix(buf, &rule->src, rule->family);
    put(buf, 0, 2);                     /* source port */
    put_whole_prefix(buf, &rule->dst, rule->family);
    put(buf, 0, 2);                     /* destination port */
    put(buf, rule->has_dscp ? rule->dscp << 2 : 0, 1);
    put(buf, rule->fwmark, 4);
    put(buf, 0, 4);                     /* queue */
    put(buf, 0, 6);                     /* VLAN: id, flags, PCP */
    put(buf, rule->table_id, 4);
}

static void
put_new_rule(struct vx_buf *buf, const struct bg_zapi_rule *rule)
{
    bool has_src = rule->src.ip.family && rule->src.length;
    bool has_dst = rule->dst.ip.family && rule->dst.length;

    put_family(buf, rule->family);
    put(buf, rule->unique, 4);
    put(buf, rule->priority, 4);
    put(buf, rule->unique, 4);
    put(buf, (has_src ? FILTER_SRC_IP : 0) | (has_dst ? FILTER_DST_IP : 0)
        | (rule->fwmark ? FILTER_FWMARK : 0)
        | (rule->ip_proto ? FILTER_IP_PROTOCOL : 0)
        | (rule->has_dscp ? FILTER_DSCP : 0), 4);
    if (rule->ip_proto) {
        put(buf, rule->ip_proto, 1);
    }
    if (has_src) {
        put_whole_prefix(buf, &rule->src, rule->family);
    }
    if (has_dst) {
        put_whole_prefix(buf, &rule->dst, rule->family);
    }
    if (rule->has_dscp) {
        put(buf, rule->dscp << 2, 1);
    }
    if (rule->fwmark) {
        put(buf, rule->fwmark, 4);
    }
    put(buf, ACTION_TABLE, 4);
    put(buf, rule->table_id, 4);
}

void
bg_zapi_put_rule(const struct bg_zapi_row *row,
                 enum bg_zapi_command command,
                 const struct bg_zapi_rule *rule, struct vx_buf *buf)
{
    size_t start = begin(buf, row->commands[command], 0);
    size_t n = strnlen(rule->device, BG_IFNAME_SIZE - 1);

    put(buf, 1, 4);                     /* rules in this message */
    if (row->rule_has_filter) {
        put_new_rule(buf, rule);
    } else {
        put_old_rule(buf, rule);
    }
    vx_buf_put(buf, rule->device, n);
    memset(vx_buf_extend(buf, BG_IFNAME_SIZE - n), 0, BG_IFNAME_SIZE - n);
    end(buf, start);
}
