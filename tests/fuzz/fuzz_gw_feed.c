/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's feed from bytes: lines, entries, what they want, and what
 * bgpd says of its sessions. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/sessions.h"
#include "tests/lib/gw_world.h"
#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vx_gw_apply_ops ops = {
        route, route, bgp_set, bgp_unset, node, gw_world_told, gw_world_leg,
    };
    struct vx_gw_sessions sessions = { 0 };
    struct gw_world w;
    struct vx_error err;
    size_t half = size / 2;

    vx_log_set_level(VX_LOG_ERROR);
    gw_world_init(&w, &ops, NULL);
    vx_gw_feed_take(w.feed, (const char *) data, half);
    vx_gw_feed_take(w.feed, (const char *) data + half, size - half);
    vx_gw_feed_take(w.feed, "\n{\"sync\":9}\n", 12);
    gw_world_fini(&w);
    if (vx_gw_sessions_parse((const char *) data, size, true, &sessions,
                             &err)) {
        vx_gw_sessions_fini(&sessions);
    }
    return 0;
}
