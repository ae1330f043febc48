/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a BGP peer sends.  The first byte says how: its low three bits
 * choose a family whose NLRI the rest is, 7 the body of an UPDATE, an OPEN and
 * a NOTIFICATION in turn; bit 3: 2-byte AS numbers; bit 4: the rest comes over
 * a session, which bit 5 brings up before, in two parts if bit 6 is set.
 *
 * What is read must be writable and read the same again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "bgp/bgp_codec.h"
#include "bgp/bgp_flowspec.h"
#include "bgp/bgp_session.h"
#include "bgp/rib_in.h"
#include "bgp/rib_out.h"
#include "lib/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- NLRI. */

static void
check_nlri(const struct bg_nlri *nlri)
{
    uint8_t a[BG_NLRI_MAX], b[BG_NLRI_MAX], key[BG_KEY_MAX];
    char text[BG_NLRI_STRLEN];
    struct bg_nlri again;
    size_t size = bg_nlri_encode(nlri, false, a), used;

    assert(size <= sizeof a);
    enum bg_taken taken = bg_nlri_decode(nlri->family, a, size, &again,
                                         &used);
    assert(taken == BG_TAKEN && used == size);
    assert(bg_nlri_encode(&again, false, b) == size && !memcmp(a, b, size));
    assert(bg_nlri_key(nlri, key) <= sizeof key);
    bg_nlri_format(nlri, text);
    if (nlri->family == BG_FLOW4 || nlri->family == BG_FLOW6) {
        uint8_t family = nlri->family == BG_FLOW4 ? 4 : 6;
        struct bg_flow_rule rule, back;
        struct bg_flow flow;

        if (bg_flow_decode(&nlri->flow, family, &rule, NULL)
            && bg_flow_encode(&rule, &flow, NULL)) {
            bool ok = bg_flow_decode(&flow, family, &back, NULL);

            assert(ok);
            bg_flow_compare(&nlri->flow, &flow, family);
        }
    }
}

static void
try_nlri(enum bg_family family, const uint8_t *p, size_t size)
{
    struct bg_nlri nlri;
    size_t used;

    while (size) {
        enum bg_taken taken = bg_nlri_decode(family, p, size, &nlri, &used);

        if (taken == BG_MALFORMED) {
            return;
        }
        assert(used && used <= size);
        if (taken == BG_TAKEN) {
            check_nlri(&nlri);
        }
        p += used;
        size -= used;
    }
}

/* --- Bodies of messages. */

static void
on_reach(void *aux, const struct bg_nlri *nlri, const struct bg_attrs *attrs)
{
    struct vx_buf buf = VX_BUF_INIT;
    struct bg_flow_action action;

    (void) aux;
    check_nlri(nlri);
    bg_attrs_encode(attrs, true, &buf);
    bg_attrs_encode(attrs, false, &buf);
    assert(buf.size < 2 * 2048);
    bg_flow_get_action(attrs, &action, NULL);
    vx_buf_fini(&buf);
}

static void
on_unreach(void *aux, const struct bg_nlri *nlri)
{
    (void) aux;
    check_nlri(nlri);
}

static void
on_end(void *aux, enum bg_family family)
{
    (void) aux;
    (void) family;
}

static void
on_malformed(void *aux, const char *why)
{
    (void) aux;
    assert(*why);
}

static const struct bg_update_sink sink = {
    on_reach, on_unreach, on_end, on_malformed,
};

static void
try_bodies(const uint8_t *p, size_t size, bool as4)
{
    const struct bg_update_context context = { BG_ALL_FAMILIES, as4 };
    char text[BG_NOTIFY_STRLEN];
    struct bg_notify notify;
    struct bg_open open;
    enum bg_family family;

    if (!bg_decode_update(p, size, &context, &sink, NULL, &notify)) {
        bg_notify_format(&notify, text);
    }
    if (bg_decode_open(p, size, &open, &notify)) {
        struct vx_buf buf = VX_BUF_INIT;

        bg_encode_open(&open, &buf);
        vx_buf_fini(&buf);
    }
    bg_decode_notification(p, size, &notify);
    bg_notify_format(&notify, text);
    bg_decode_refresh(p, size, &family);
}

/* --- A session. */

static void
on_learned(void *aux, const struct bg_nlri *nlri,
           const struct bg_attrs *attrs)
{
    (void) aux;
    (void) attrs;
    check_nlri(nlri);
}

static void
on_lost(void *aux, const struct bg_nlri *nlri)
{
    (void) aux;
    check_nlri(nlri);
}

static const struct bg_rib_in_callbacks callbacks = {
    .learned = on_learned, .lost = on_lost,
};

static void
settle(struct event_base *base)
{
    for (int i = 0; i < 6; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
}

static void
shake_hands(struct bufferevent *peer)
{
    struct bg_open open = {
        .as = 65001, .hold_s = 90, .router_id = { 4, { 192, 0, 2, 9 } },
        .families = BG_ALL_FAMILIES, .as4 = true, .graceful = true,
    };
    struct vx_buf buf = VX_BUF_INIT;

    bg_encode_open(&open, &buf);
    bg_encode_keepalive(&buf);
    bufferevent_write(peer, buf.data, buf.size);
    vx_buf_fini(&buf);
}

static void
try_session(uint8_t how, const uint8_t *p, size_t size)
{
    const struct bg_session_config config = {
        .peer = { 4, { 192, 0, 2, 9 } }, .as = 65001, .peer_as = 65001,
        .router_id = { 4, { 192, 0, 2, 1 } },
        .families = BG_ALL_FAMILIES,
    };
    static struct event_base *base;
    struct bufferevent *ends[2];

    if (!base) {
        base = event_base_new();
    }
    if (bufferevent_pair_new(base, 0, ends)) {
        return;
    }
    struct bg_rib_out *out = bg_rib_out_new(NULL, NULL);
    struct bg_rib_in *in = bg_rib_in_new(&callbacks, NULL, 100);
    struct bg_session *session = bg_session_new(base, &config, out, in,
                                                NULL);
    bufferevent_enable(ends[1], EV_READ | EV_WRITE);
    bg_session_take(session, ends[0]);
    settle(base);
    if (how & 32) {
        shake_hands(ends[1]);
        settle(base);
    }
    size_t half = how & 64 ? size / 2 : size;
    bufferevent_write(ends[1], p, half);
    settle(base);
    if (half < size) {
        bufferevent_write(ends[1], p + half, size - half);
        settle(base);
    }
    bg_session_free(session);
    bufferevent_free(ends[1]);
    bg_rib_out_free(out);
    bg_rib_in_expire(in);
    bg_rib_in_free(in);
    settle(base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }
    uint8_t how = data[0];
    if (how & 16) {
        try_session(how, data + 1, size - 1);
    } else if ((how & 7) < BG_N_FAMILIES) {
        try_nlri(how & 7, data + 1, size - 1);
    } else {
        try_bodies(data + 1, size - 1, !(how & 8));
    }
    return 0;
}
