/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's feed from bytes: lines, entries, what they want, and what
 * bgpd says of its sessions. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/apply.h"
#include "gateway/feed.h"
#include "gateway/sessions.h"
#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct vx_gw_entries *entries;
    struct vx_gw_apply *apply;
    uint64_t token;
};

static void
route(void *w, const char *vrf, const struct bg_want *want, uint64_t token)
{
    (void) w;
    (void) token;
    if (!want->prefix.ip.family || !*vrf) {
        abort();
    }
}

static void
bgp_set(void *w, const struct bg_nlri *nlri, const struct bg_attrs *attrs,
        uint64_t token)
{
    char text[BG_NLRI_STRLEN];

    (void) w;
    (void) attrs;
    (void) token;
    bg_nlri_format(nlri, text);
}

static void
bgp_unset(void *w, const struct bg_nlri *nlri, uint64_t token)
{
    bgp_set(w, nlri, NULL, token);
}

static void
node(void *w, const struct vx_gw_entry *entry)
{
    (void) w;
    (void) entry;
}

static void
told(void *w, const struct vx_gw_entry *entry, bool announced)
{
    (void) w;
    (void) entry;
    (void) announced;
}

static const char *
leg(void *w, uint32_t vni)
{
    (void) w;
    (void) vni;
    return "leg";
}

static void
on_hello(void *w_, const char *epoch, bool full)
{
    struct world *w = w_;

    (void) epoch;
    if (full) {
        vx_gw_entries_begin(w->entries);
    }
}

static void
on_entry(void *w_, struct vx_gw_line *line, const char *text, size_t size)
{
    struct world *w = w_;

    vx_gw_entries_set(w->entries, line->type, line->key, line->seq,
                      line->value, text, size);
    line->value = NULL;
}

static void
on_sync(void *w_, uint64_t seq)
{
    struct world *w = w_;

    (void) seq;
    vx_gw_entries_sweep(w->entries);
    while (!vx_gw_apply_some(w->apply, ++w->token, 10)) {
    }
}

static void
on_refused(void *w_, const struct vx_gw_line *line,
           const struct vx_error *err)
{
    struct world *w = w_;

    if (line) {
        vx_gw_entries_keep(w->entries, line->type, line->key, err->message);
    } else {
        vx_gw_entries_spare(w->entries);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vx_gw_apply_ops ops = {
        route, route, bgp_set, bgp_unset, node, told, leg,
    };
    static const struct vx_gw_feed_callbacks callbacks = {
        .hello = on_hello, .entry = on_entry, .sync = on_sync,
        .refused = on_refused,
    };
    const struct vx_gw_feed_config config = { .gateway = "g1" };
    struct vx_gw_sessions sessions = { 0 };
    struct vx_gw_feed *feed;
    struct world w = { .token = 0 };
    struct vx_error err;
    size_t half = size / 2;

    vx_log_set_level(VX_LOG_ERROR);
    w.entries = vx_gw_entries_new();
    w.apply = vx_gw_apply_new(w.entries, &ops, &w);
    feed = vx_gw_feed_new(&config, &callbacks, &w);
    vx_gw_feed_take(feed, (const char *) data, half);
    vx_gw_feed_take(feed, (const char *) data + half, size - half);
    vx_gw_feed_take(feed, "\n{\"sync\":9}\n", 12);
    vx_gw_feed_free(feed);
    vx_gw_apply_free(w.apply);
    vx_gw_entries_free(w.entries);
    if (vx_gw_sessions_parse((const char *) data, size, true, &sessions,
                             &err)) {
        vx_gw_sessions_fini(&sessions);
    }
    return 0;
}
