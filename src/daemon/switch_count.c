/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a synced switch, asked for beside its work; see switch.h. */
#include "daemon/switch_priv.h"

#include "ovs-glue/of_session.h"

bool
vx_switch_count(struct vx_switch *sw, const struct og_of_part *part,
                vx_switch_counted_cb *done, void *ctx)
{
    if (sw->facts.state != VX_SWITCH_SYNCED || sw->counting
        || sw->is_dumping || !og_of_session_count(sw->session, part)) {
        return false;
    }
    sw->counting = done;
    sw->counting_ctx = ctx;
    return true;
}

void
vx_switch_counted(struct vx_switch *sw, struct vx_count *rows, size_t n,
                  const char *why)
{
    vx_switch_counted_cb *done = sw->counting;

    if (done) {
        sw->counting = NULL;
        done(sw->counting_ctx, rows, n, why);
    }
}
