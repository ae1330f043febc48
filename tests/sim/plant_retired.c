/* SPDX-License-Identifier: Apache-2.0 */
/* core/model_retired.c; planted: the quarantine of a VNI ends by the clock
 * alone, whether or not every host has confirmed that its network is gone. */
#include "core/model.h"

#define vx_model_releasable vx_model_releasable_right
const struct vx_retired_vni *
vx_model_releasable(const struct vx_model *model, int64_t now_ms,
                    uint64_t realized_revision);
#include "core/model_retired.c"
#undef vx_model_releasable

#include "tests/sim/sim.h"

const struct vx_retired_vni *
vx_model_releasable(const struct vx_model *model, int64_t now_ms,
                    uint64_t realized_revision)
{
    return vx_model_releasable_right(
        model, now_ms, plant == PLANT_EARLY_RELEASE ? UINT64_MAX
                                                    : realized_revision);
}
