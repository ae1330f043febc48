/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses from outside: what is taken prints as text that is taken again
 * and means the same. */
#include "lib/addr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void
try_mac(const char *text)
{
    struct vx_mac mac, again;
    char buf[VX_MAC_STRLEN];

    if (vx_mac_parse(text, &mac)) {
        require(vx_mac_parse(vx_mac_format(&mac, buf), &again));
        require(!vx_mac_compare(&mac, &again));
    }
}

static void
try_targets(const char *text)
{
    uint64_t u, again;
    uint32_t community, same;
    char buf[VX_RT_STRLEN];

    if (vx_rd_parse(text, &u)) {
        require(vx_rd_parse(vx_rd_format(u, buf), &again) && u == again);
    }
    if (vx_rt_parse(text, &u)) {
        require(vx_rt_is(u));
        require(vx_rt_parse(vx_rt_format(u, buf), &again) && u == again);
    }
    if (vx_community_parse(text, &community)) {
        require(vx_community_parse(vx_community_format(community, buf),
                                   &same) && community == same);
    }
}

static void
try_ip(const char *text)
{
    struct vx_ip ip, again;
    char buf[VX_IP_STRLEN];

    if (vx_ip_parse(text, &ip)) {
        require(vx_ip_parse(vx_ip_format(&ip, buf), &again));
        require(!vx_ip_compare(&ip, &again));
    }
}

static void
try_prefix(const char *text)
{
    struct vx_prefix prefix, again;
    char buf[VX_PREFIX_STRLEN];

    if (vx_prefix_parse(text, &prefix)) {
        require(vx_prefix_parse(vx_prefix_format(&prefix, buf), &again));
        require(!vx_prefix_compare(&prefix, &again));
        struct vx_ip last = vx_prefix_last(&prefix);
        require(vx_prefix_contains(&prefix, &prefix.ip));
        require(vx_prefix_contains(&prefix, &last));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    try_mac(text);
    try_ip(text);
    try_prefix(text);
    try_targets(text);
    free(text);
    return 0;
}
