/* SPDX-License-Identifier: Apache-2.0 */
/* A burst as JSON, for lists and events; see counters.h. */
#include "api/counters.h"

#include "api/codec.h"
#include "api/json.h"

uint64_t
vx_api_burst_bps(const struct vx_api_burst *burst)
{
    int64_t ms = burst->last_ms - burst->since_ms;

    return ms > 0 ? (uint64_t) ((double) burst->bytes * 8000.0 / (double) ms)
                  : 0;
}

void
vx_api_burst_write(const struct vx_api_burst *b, struct vx_buf *out)
{
    int64_t ms = b->last_ms - b->since_ms;
    struct vx_jw jw;

    vx_jw_begin(&jw, out);
    vx_jw_u64(&jw, "id", b->id);
    vx_jw_str(&jw, "state", b->active ? "active" : "over");
    vx_jw_str(&jw, "kind", b->kind);
    vx_jw_opt(&jw, "object", b->object);
    vx_jw_opt(&jw, "tenant", b->tenant);
    vx_jw_opt(&jw, "network", b->network);
    vx_jw_str(&jw, "host", b->host);
    vx_jw_opt(&jw, "zone", b->zone);
    vx_jw_str(&jw, "budget", b->budget);
    vx_jw_u64_opt(&jw, "rate", b->rate);
    vx_jw_str(&jw, "unit", b->unit);
    vx_jw_u64(&jw, "dropped_packets", b->dropped);
    vx_jw_u64(&jw, "offered_packets", b->packets);
    vx_jw_u64(&jw, "offered_bytes", b->bytes);
    vx_jw_u64(&jw, "offered_bps", vx_api_burst_bps(b));
    vx_jw_u64(&jw, "offered_pps", ms > 0 ? b->packets * 1000 / (uint64_t) ms
                                         : 0);
    vx_jw_key(&jw, "since");
    vx_json_time(out, b->since_ms);
    vx_jw_key(&jw, "last");
    vx_json_time(out, b->last_ms);
    vx_jw_u64(&jw, "duration_ms", ms > 0 ? (uint64_t) ms : 0);
    vx_jw_end(&jw);
}
