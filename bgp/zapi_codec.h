/* SPDX-License-Identifier: Apache-2.0 */
/* The zebra API as bytes: pure encode and decode, no socket, no state.
 *
 * Encoders append one whole message to buf.  Decoders take the body of one
 * message (what follows the 10 bytes of header), believe no length in it, and
 * need it used up to the last byte where the layout has a fixed end.  A
 * decoder that refuses leaves its output untouched and fills err (VX_INVALID,
 * field = name of the command).  All numbers in structs are in host order.
 *
 * Source: FRR lib/zclient.c, zebra/zapi_msg.c, per row of zapi_numbers.h. */
#ifndef BG_ZAPI_CODEC_H
#define BG_ZAPI_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgp/zapi_numbers.h"
#include "lib/addr.h"
#include "lib/err.h"

struct vx_buf;

enum {
    BG_ZAPI_HEADER_SIZE = 10,
    BG_ZAPI_MESSAGE_MAX = 16384,
    BG_NEXTHOPS_MAX = 256,          /* FRR's MULTIPATH_NUM at most */
    BG_IFNAME_SIZE = 16,            /* with the NUL */
    BG_VRF_NAME_SIZE = 36,          /* with the NUL */
    BG_NO_VRF = 0xffffffff,
};

struct bg_zapi_header {
    uint16_t size;                  /* of the message, header included */
    uint32_t vrf_id;
    uint16_t number;                /* command, as on the wire */
};

/* Of at least BG_ZAPI_HEADER_SIZE bytes.  False: not the zebra API version 6;
 * the stream cannot be resynchronized. */
bool bg_zapi_decode_header(const uint8_t *data,
                           struct bg_zapi_header *ret_header,
                           struct vx_error *err);

/* --- What we say. */

struct bg_zapi_hello {
    enum bg_proto proto;
    uint16_t instance;
    bool wants_notify;      /* not on the wire from 10.0: see notify_request */
};

enum bg_nexthop_type {
    BG_NEXTHOP_IFINDEX = 1, BG_NEXTHOP_IPV4 = 2, BG_NEXTHOP_IPV4_IFINDEX = 3,
    BG_NEXTHOP_IPV6 = 4, BG_NEXTHOP_IPV6_IFINDEX = 5,
    BG_NEXTHOP_BLACKHOLE = 6
};

struct bg_nexthop {
    uint32_t vrf_id;
    uint32_t ifindex;               /* 0 = none */
    uint64_t weight;                /* 0 = not given; only decoded */
    struct vx_ip ip;                /* family 0 = none */
    uint8_t type;                   /* enum bg_nexthop_type */
};

enum { BG_SAFI_UNICAST = 1 };
enum { BG_ROUTE_FLAG_RECURSION = 0x1 };

struct bg_zapi_route {
    enum bg_proto proto;
    uint16_t instance;
    uint32_t flags;
    uint8_t safi;
    uint8_t distance;               /* with has_distance */
    bool has_distance, has_metric, has_tag, has_mtu, has_source;
    struct vx_prefix prefix;
    uint32_t metric, tag, mtu;
    uint32_t table_id;              /* 0 = the VRF's own */
    size_t n_nexthops;              /* beyond it nexthops[] is undefined */
    struct bg_nexthop nexthops[BG_NEXTHOPS_MAX];
};

/* A message that every zebra answers with an ERROR, in order with what it
 * was told before: NO_VRF, which it does not even log, with the cookie as the
 * VRF.  cookie: no VRF has that number; >= BG_COOKIE_MIN. */
enum { BG_COOKIE_MIN = 0x7f000000 };
void bg_zapi_put_probe(uint32_t cookie, struct vx_buf *buf);
void bg_zapi_put_hello(const struct bg_zapi_row *row,
                       const struct bg_zapi_hello *hello, struct vx_buf *buf);
void bg_zapi_put_notify_request(const struct bg_zapi_row *row, bool on,
                                struct vx_buf *buf);
void bg_zapi_put_router_id_add(const struct bg_zapi_row *row, uint32_t vrf_id,
                               struct vx_buf *buf);
/* All interfaces, now and from now on. */
void bg_zapi_put_interface_add(const struct bg_zapi_row *row,
                               struct vx_buf *buf);
/* ROUTE_ADD or ROUTE_DELETE; DELETE needs no more than proto, instance,
 * prefix, safi and table_id and sends no next hops. */
void bg_zapi_put_route(const struct bg_zapi_row *row,
                       enum bg_zapi_command command, uint32_t vrf_id,
                       const struct bg_zapi_route *route,
                       struct vx_buf *buf);
/* REDISTRIBUTE_ADD or _DELETE of one family (4 or 6). */
struct bg_zapi_redistribute {
    uint8_t family;
    enum bg_proto proto;
    uint16_t instance;
};
void bg_zapi_put_redistribute(const struct bg_zapi_row *row,
                              enum bg_zapi_command command, uint32_t vrf_id,
                              const struct bg_zapi_redistribute *what,
                              struct vx_buf *buf);

/* CLIENT_CAPABILITIES.  Source: enum zserv_client_capabilities. */
enum bg_zapi_gr {
    BG_GR_CAPABILITIES = 1,         /* keep my routes stale_s after close */
    BG_GR_COMPLETE = 2,             /* all are replayed: purge the rest */
    BG_GR_DISABLE = 4,
    BG_GR_STALE_TIME = 5,           /* change stale_s */
};
struct bg_zapi_gr_msg {
    enum bg_zapi_gr what;
    uint32_t vrf_id;
    uint32_t stale_s;               /* for 1 and 5 */
    uint8_t family;                 /* for 2: 4 or 6, unicast */
};
void bg_zapi_put_gr(const struct bg_zapi_row *row,
                    const struct bg_zapi_gr_msg *gr, struct vx_buf *buf);

/* An ip rule, only what pbr_sync.h lets through. */
struct bg_zapi_rule {
    uint32_t unique;                /* key: adding a known one replaces it */
    uint32_t priority;              /* of the ip rule */
    uint32_t table_id;
    uint32_t fwmark;                /* 0 = any */
    uint8_t family;                 /* 4 or 6 */
    struct vx_prefix src, dst;      /* ip.family 0 = any, else family */
    uint8_t ip_proto;               /* 0 = any */
    uint8_t dscp;                   /* 0..63, with has_dscp; IPv6 only */
    bool has_dscp;
    char device[BG_IFNAME_SIZE];    /* never "" */
};
void bg_zapi_put_rule(const struct bg_zapi_row *row,
                      enum bg_zapi_command command,
                      const struct bg_zapi_rule *rule, struct vx_buf *buf);

/* --- What zebra says.  Bodies. */

struct bg_zapi_span {               /* borrowed bytes */
    const uint8_t *data;
    size_t size;
};

struct bg_zapi_capabilities {
    bool is_netns;                  /* a VRF is a network namespace */
    bool has_mpls;
    uint32_t n_ecmp;
};
bool bg_zapi_get_capabilities(const struct bg_zapi_row *row,
                              struct bg_zapi_span body,
                              struct bg_zapi_capabilities *ret_caps,
                              struct vx_error *err);

struct bg_zapi_vrf {
    uint32_t table_id;
    char name[BG_VRF_NAME_SIZE];
};
bool bg_zapi_get_vrf(struct bg_zapi_span body, struct bg_zapi_vrf *ret_vrf,
                     struct vx_error *err);

bool bg_zapi_get_router_id(struct bg_zapi_span body, struct vx_ip *ret_id,
                           struct vx_error *err);

/* INTERFACE_ADD, _DELETE, _UP, _DOWN; what follows the MTU differs per
 * release and is not looked at. */
struct bg_zapi_interface {
    char name[BG_IFNAME_SIZE];
    uint32_t ifindex;
    bool is_up;                     /* IFF_UP and IFF_RUNNING */
    uint32_t mtu;
};
bool bg_zapi_get_interface(const struct bg_zapi_row *row,
                           struct bg_zapi_span body,
                           struct bg_zapi_interface *ret_interface,
                           struct vx_error *err);

/* INTERFACE_ADDRESS_ADD, _DELETE: whose; the address is not looked at. */
bool bg_zapi_get_address(struct bg_zapi_span body, uint32_t *ret_ifindex,
                         struct vx_error *err);

/* REDISTRIBUTE_ROUTE_ADD, _DEL (and, for tests, ROUTE_ADD, _DELETE).  Writes
 * *ret_route also when it fails: it is big. */
bool bg_zapi_get_route(const struct bg_zapi_row *row,
                       struct bg_zapi_span body,
                       struct bg_zapi_route *ret_route,
                       struct vx_error *err);

enum bg_zapi_note {                 /* enum zapi_route_notify_owner */
    BG_NOTE_FAIL_INSTALL = 0, BG_NOTE_BETTER_WON = 1, BG_NOTE_INSTALLED = 2,
    BG_NOTE_REMOVED = 3, BG_NOTE_REMOVE_FAIL = 4, BG_N_NOTES
};
struct bg_zapi_route_note {
    enum bg_zapi_note note;
    struct vx_prefix prefix;
    uint32_t table_id;              /* the VRF's own has one too */
};
bool bg_zapi_get_route_note(struct bg_zapi_span body,
                            struct bg_zapi_route_note *ret_note,
                            struct vx_error *err);

enum bg_zapi_rule_notes {           /* enum zapi_rule_notify_owner */
    BG_RULE_NOTE_FAIL = 0, BG_RULE_NOTE_INSTALLED = 1,
    BG_RULE_NOTE_REMOVED = 2, BG_RULE_NOTE_FAIL_REMOVE = 3, BG_N_RULE_NOTES
};
struct bg_zapi_rule_note {
    enum bg_zapi_rule_notes note;
    uint32_t unique;
};
bool bg_zapi_get_rule_note(struct bg_zapi_span body,
                           struct bg_zapi_rule_note *ret_note,
                           struct vx_error *err);

enum { BG_ZAPI_ERROR_NO_VRF = 1, BG_ZAPI_ERROR_INVALID_TYPE = 2 };
bool bg_zapi_get_error(struct bg_zapi_span body, uint32_t *ret_code,
                       struct vx_error *err);

struct bg_zapi_close {              /* another client has gone */
    enum bg_proto proto;
    uint16_t instance;
};
bool bg_zapi_get_close(const struct bg_zapi_row *row,
                       struct bg_zapi_span body,
                       struct bg_zapi_close *ret_close,
                       struct vx_error *err);

#endif
