/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a zebra says.  The first byte chooses the release, and whether the
 * rest goes to a session that is up (the bytes as they come), or, as one
 * body, through every decoder; what a decoder takes must fit its bounds. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "bgp/zebra_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bufferevent *peer;

static struct bufferevent *
connect_pair(void *aux)
{
    struct bufferevent *ends[2];

    if (peer || bufferevent_pair_new(aux, 0, ends)) {
        return NULL;
    }
    peer = ends[1];
    bufferevent_enable(peer, EV_READ | EV_WRITE);
    return ends[0];
}

static void
settle(struct event_base *base)
{
    for (int i = 0; i < 20; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
}

/* The handshake as zebra answers it. */
static void
shake_hands(struct event_base *base, const struct bg_zapi_row *row)
{
    uint8_t error[14] = { 0, 14, 254, 6, 0x7f, 0, 0, 0, 0,
                          (uint8_t) row->commands[BG_ZAPI_ERROR], 1 };
    uint8_t caps[32] = { 0, (uint8_t) (10 + row->capabilities_sizes[0]),
                         254, 6, 0, 0, 0, 0, 0,
                         (uint8_t) row->commands[BG_ZAPI_CAPABILITIES] };
    uint8_t vrf[86] = { 0, 86, 254, 6, 0, 0, 0, 7, 0,
                        (uint8_t) row->commands[BG_ZAPI_VRF_ADD] };

    bufferevent_write(peer, error, sizeof error);
    settle(base);
    if (row == bg_zapi_row(BG_ZAPI_10_0)) {
        bufferevent_write(peer, error, sizeof error);
        settle(base);
    }
    bufferevent_write(peer, caps, caps[1]);
    memcpy(vrf + 50, "t1", 2);
    bufferevent_write(peer, vrf, sizeof vrf);
    settle(base);
}

static void
feed_session(const struct bg_zapi_row *row, const uint8_t *data, size_t size)
{
    static const struct bg_zebra_callbacks none;
    struct event_base *base = event_base_new();
    struct bg_zebra_config config = {
        .base = base, .proto = BG_PROTO_OPENFABRIC,
        .learns = true, .connect = connect_pair, .connect_aux = base
    };
    struct bg_zebra *zebra = bg_zebra_new(&config, &none, NULL);
    struct bg_want want = { .prefix = { { 4, { 10, 50 } }, 24 } };

    settle(base);
    if (peer) {
        shake_hands(base, row);
        bg_zebra_set(zebra, "t1", &want, 1);
        bg_zebra_set_whole(zebra);
        settle(base);
        bufferevent_write(peer, data, size);
        settle(base);
    }
    bg_zebra_free(zebra);
    if (peer) {
        bufferevent_free(peer);
        peer = NULL;
    }
    event_base_free(base);
}

static void
check_prefix(const struct vx_prefix *prefix)
{
    char s[VX_PREFIX_STRLEN];
    struct vx_prefix again;

    assert(prefix->length <= vx_ip_bits(&prefix->ip));
    /* Mapped addresses are not written as prefixes. */
    if (vx_prefix_parse(vx_prefix_format(prefix, s), &again)) {
        assert(!vx_prefix_compare(prefix, &again));
    }
}

static void
decode_all(const struct bg_zapi_row *row, struct bg_zapi_span body)
{
    static struct bg_zapi_route route;
    struct bg_zapi_capabilities caps;
    struct bg_zapi_interface interface;
    struct bg_zapi_rule_note rule;
    struct bg_zapi_route_note note;
    struct bg_zapi_close closed;
    struct bg_zapi_vrf vrf;
    struct vx_error err;
    struct vx_ip ip;
    uint32_t code, ifindex;

    if (bg_zapi_get_route(row, body, &route, &err)) {
        check_prefix(&route.prefix);
        assert(route.n_nexthops <= BG_NEXTHOPS_MAX);
    }
    if (bg_zapi_get_route_note(body, &note, &err)) {
        check_prefix(&note.prefix);
        assert(note.note < BG_N_NOTES);
    }
    if (bg_zapi_get_vrf(body, &vrf, &err)) {
        assert(strlen(vrf.name) < sizeof vrf.name);
    }
    if (bg_zapi_get_interface(row, body, &interface, &err)) {
        assert(interface.name[0]
               && strlen(interface.name) < sizeof interface.name);
    }
    bg_zapi_get_capabilities(row, body, &caps, &err);
    bg_zapi_get_router_id(body, &ip, &err);
    bg_zapi_get_address(body, &ifindex, &err);
    bg_zapi_get_rule_note(body, &rule, &err);
    bg_zapi_get_error(body, &code, &err);
    bg_zapi_get_close(row, body, &closed, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bg_zapi_row *row;

    if (!size) {
        return 0;
    }
    row = bg_zapi_row((enum bg_zapi_version) (data[0] % BG_ZAPI_N_ROWS));
    if (data[0] & 0x80) {
        feed_session(row, data + 1, size - 1);
    } else {
        decode_all(row, (struct bg_zapi_span) { data + 1, size - 1 });
    }
    return 0;
}
