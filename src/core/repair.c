/* SPDX-License-Identifier: Apache-2.0 */
/* Token bucket and pauses of repairs; see repair.h. */
#include "core/repair.h"

enum {
    TOKEN = 1000,
    WORTH = 100,                /* rows: for fewer it is not asked again */
};

void
vx_repair_init(struct vx_repair *repair, int64_t now_ms)
{
    *repair = (struct vx_repair) {
        .filled_ms = now_ms, .tokens = (uint64_t) VX_REPAIR_BURST * TOKEN,
        .last_ms = INT64_MIN,
    };
}

int64_t
vx_repair_wait_ms(const struct vx_repair *repair, int64_t now_ms)
{
    int64_t until_ms;

    if (repair->last_ms == INT64_MIN) {
        return 0;
    }
    until_ms = repair->last_ms + repair->pause_ms;
    return until_ms > now_ms ? until_ms - now_ms : 0;
}

void
vx_repair_begin(struct vx_repair *repair, int64_t now_ms)
{
    bool calm = repair->last_ms == INT64_MIN
                || now_ms - repair->last_ms
                   > VX_REPAIR_CALM_MS + 4 * repair->pause_ms;

    repair->pause_ms = calm ? 0 : repair->pause_ms ? 2 * repair->pause_ms
                       : VX_REPAIR_PAUSE_MS;
    if (repair->pause_ms > VX_REPAIR_PAUSE_MAX_MS) {
        repair->pause_ms = VX_REPAIR_PAUSE_MAX_MS;
    }
    repair->last_ms = now_ms;
}

static void
fill(struct vx_repair *repair, int64_t now_ms)
{
    const uint64_t full = (uint64_t) VX_REPAIR_BURST * TOKEN;
    int64_t ms = now_ms - repair->filled_ms;

    if (ms > 0) {
        repair->filled_ms = now_ms;
        /* Long before it could overflow it is full. */
        repair->tokens = ms > 1000 * VX_REPAIR_BURST / VX_REPAIR_RATE
                         ? full
                         : repair->tokens + (uint64_t) ms * VX_REPAIR_RATE;
        repair->tokens = repair->tokens > full ? full : repair->tokens;
    }
}

size_t
vx_repair_take(struct vx_repair *repair, size_t n, int64_t now_ms,
               int64_t *ret_wait_ms)
{
    size_t worth = n < WORTH ? n : WORTH, n_now;

    fill(repair, now_ms);
    n_now = (size_t) (repair->tokens / TOKEN);
    if (n_now < worth) {
        uint64_t lack = (uint64_t) worth * TOKEN - repair->tokens;

        *ret_wait_ms = (int64_t) (lack / VX_REPAIR_RATE) + 1;
        return 0;
    }
    n_now = n_now < n ? n_now : n;
    repair->tokens -= (uint64_t) n_now * TOKEN;
    return n_now;
}
